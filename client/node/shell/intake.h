/* The documents folder: signed notes that the node begins with. */
#ifndef TOGUNA_CLIENT_NODE_SHELL_INTAKE_H
#define TOGUNA_CLIENT_NODE_SHELL_INTAKE_H

#include "client/node/node.h"

/* Hands every *.note of the folder to the core, some of them several times, since some refer to others; logs
   those that are refused. A folder that cannot be read is logged too: the hub may have the documents. Any
   error is fail-stop. */
enum tg_err intake_documents(struct node_core *core, const char *folder, struct tg_why *why);

#endif
