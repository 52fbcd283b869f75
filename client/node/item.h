/* Bulletins as local programs see them: rows of the inbox and of what we sent, in one form. */
#ifndef TOGUNA_CLIENT_NODE_ITEM_H
#define TOGUNA_CLIENT_NODE_ITEM_H

#include "client/local.h"
#include "client/node/inbox.h"
#include "client/node/outbox.h"

/* All in the arena; `request` is left to the caller. Titles and other heads of bodies that are erased are empty, and their
   portions not complete. */
enum tg_err item_received(struct node_core *core, const struct inbox_row *row, struct arena *arena, Tg__LItem **ret);
enum tg_err item_sent(struct node_core *core, const struct sent_row *row, struct arena *arena, Tg__LItem **ret);

/* The one bulletin, received or sent, whose id begins with these 1..64 lower-case hex digits. TG_NOT_FOUND; TG_CONFLICT: there
   are several; TG_BAD_INPUT. *ret_sent: it is one of ours. */
enum tg_err item_resolve(struct node_core *core, struct slice prefix, struct hash *ret, bool *ret_sent);

/* What recipients have said of a bulletin of ours: the first row beyond `after` (zeros: the first), by node and event; event 0 for a
   node that has said nothing. TG_NOT_FOUND at the end. */
struct track_row {
  struct sign_pk node;
  struct country member;
  char name[HOLDER_MAX + 1];
  unsigned event; /* enum receipt_event, or 0 */
  tg_time time;
};
enum tg_err item_track(struct node_core *core, const struct hash *id, const struct track_row *after, struct track_row *ret);

#endif
