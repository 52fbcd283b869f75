/* Our own sealing keys: made ahead, announced, erased. */
#ifndef TOGUNA_CLIENT_NODE_ROTATION_H
#define TOGUNA_CLIENT_NODE_ROTATION_H

#include "client/node/core.h"

struct rotation *rotation_new(void);
void rotation_free(struct rotation *r);
/* Opens the ring that the store holds. */
enum tg_err rotation_load(struct node_core *core, struct tg_why *why);
/* Makes keys that are due and erases those whose time is over. */
enum tg_err rotation_time(struct node_core *core);
int64_t rotation_due(const struct node_core *core); /* monotonic */
/* What time it is was learned anew: keys may be lacking by it. */
void rotation_look(struct node_core *core);
/* End of the turn: an announcement made in it becomes part of the batch; after signing it goes out. */
enum tg_err rotation_batch(struct node_core *core, struct batch *batch);
enum tg_err rotation_signed(struct node_core *core, const struct batch *batch);
/* The hub knows a higher announcement of ours than we do: the store was restored from an older image. */
enum tg_err rotation_overtaken(struct node_core *core);
/* As keyring_find(). */
enum tg_err rotation_find(const struct node_core *core, const struct key_id *id, const uint8_t **ret_secret,
                          struct seal_pk *ret_key);
size_t rotation_count(const struct node_core *core);

#endif
