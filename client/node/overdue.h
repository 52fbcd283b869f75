/* Receipts that should have come: every recipient must say that it has a bulletin within a time that its precedence sets. When one
   has not, whoever runs this node is told, once for each bulletin, and it stays marked until the last receipt is here. */
#ifndef TOGUNA_CLIENT_NODE_OVERDUE_H
#define TOGUNA_CLIENT_NODE_OVERDUE_H

#include "client/node/core.h"

/* When the receipts of a bulletin that is published now are due; takes note of it. */
tg_time overdue_from(struct node_core *core, unsigned precedence);
enum tg_err overdue_load(struct node_core *core);
enum tg_err overdue_time(struct node_core *core);
int64_t overdue_due(const struct node_core *core); /* monotonic */

#endif
