/* What the parent tells each of the node's processes at its start: the configuration as it was read, and the
   keys that this process needs, no others. */
#ifndef TOGUNA_CLIENT_NODE_SHELL_BRIEF_H
#define TOGUNA_CLIENT_NODE_SHELL_BRIEF_H

#include "client/node/shell/keys.h"

/* Appends a brief. keys->x is NULL for a key that the process must not have. */
enum tg_err brief_put(const struct settings *s, const struct node_keys *keys, struct buf *out);
/* Reads it back. TG_BAD_INPUT, errors of settings_parse(). */
enum tg_err brief_take(struct slice brief, struct settings **ret_settings, struct node_keys *ret_keys,
                       struct tg_why *why);

#endif
