/* What the files of the inbox share. */
#ifndef TOGUNA_CLIENT_NODE_INBOX_INSIDE_H
#define TOGUNA_CLIENT_NODE_INBOX_INSIDE_H

#include "client/node/inbox.h"

extern const char inbox_label[]; /* for record_lock() */

/* This one came, or will not come any more: nobody who named it as the one before waits for it. */
enum tg_err inbox_stop_waiting(struct node_core *core, const struct hash *id);
/* Has this member taken it back? */
enum tg_err inbox_is_recalled(struct node_core *core, const struct hash *id, struct country member, bool *ret);

#endif
