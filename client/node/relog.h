/* A hub was lost for good, and with it its log: the charter names another instead. What that hub had accepted is in no log that still
   grows; each originator's node brings its own bulletins to the new one, as each state's node brings its documents, and so nothing that was
   accepted is missing there. */
#ifndef TOGUNA_CLIENT_NODE_RELOG_H
#define TOGUNA_CLIENT_NODE_RELOG_H

#include "client/node/core.h"

enum tg_err relog_load(struct node_core *core);
/* A session opened, before anything of ours is sent in it. */
enum tg_err relog_welcome(struct node_core *core);
/* Another charter is in force. Where it gives up a log, a session that goes on is begun anew: what that log had of ours is brought then. */
enum tg_err relog_charter(struct node_core *core);

#endif
