/* Why a bulletin of ours does not reach a recipient, by the policies in force now that this node may see. */
#ifndef TOGUNA_CLIENT_NODE_EXPLAIN_H
#define TOGUNA_CLIENT_NODE_EXPLAIN_H

#include "client/node/outbox.h"

/* Would the hub hold it back from this recipient now? *ret_why then says why. Takes from the arena. */
enum tg_err explain_held(struct node_core *core, const struct sent_row *row, const struct sign_pk *recipient, struct arena *arena,
                         bool *ret, struct tg_why *ret_why);

#endif
