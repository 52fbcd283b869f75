/* What a bulletin derives from: who may be told of it, as far as this node knows. */
#ifndef TOGUNA_CLIENT_NODE_SOURCE_H
#define TOGUNA_CLIENT_NODE_SOURCE_H

#include "client/node/core.h"

/* Those who may receive what derives from bulletin `id`, which came to us or which we sent: the least of its portions. TG_NOT_FOUND:
   it is not known here. */
enum tg_err source_find(struct node_core *core, const struct hash *id, struct arena *arena, struct policy_source *ret);

#endif
