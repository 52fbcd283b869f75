/* Bulletins that a bundle brought and no hub has delivered yet. The hub may not know them, and takes receipts about such for forged, so
   nothing is said of them before it delivers them; then everything is. */
#ifndef TOGUNA_CLIENT_NODE_CARRIED_H
#define TOGUNA_CLIENT_NODE_CARRIED_H

#include "client/node/core.h"
#include "client/node/judge.h"
#include "proto/session.pb-c.h"

/* Counts them, so that a node that has none asks the store nothing. */
enum tg_err carried_load(struct node_core *core);
enum tg_err carried_is(struct node_core *core, const struct hash *id, bool *ret);
/* It was taken in from a bundle. Belongs to the turn's transaction. */
enum tg_err carried_put(struct node_core *core, const struct hash *id);
/* The hub delivered one of them, or one that another hub, whose log is given up, delivered before: its place in the log, judged and found there, takes its row, and all that there is to say of it is
   said. */
enum tg_err carried_settle(struct node_core *core, const Tg__Delivery *message, const struct judged *j);

#endif
