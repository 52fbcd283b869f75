/* Our own receipts as the log has them. A hub does not send their entries unasked: on a slow line each would cost what the receipt itself did. So an auditor of
   this node asks for them, and the node asks the hub, page by page, for as long as somebody wants them. */
#ifndef TOGUNA_CLIENT_NODE_STATED_H
#define TOGUNA_CLIENT_NODE_STATED_H

#include "audit/opening.h"
#include "client/node/core.h"
#include "proto/session.pb-c.h"

struct stated *stated_new(void);
void stated_free(struct stated *s);

/* Somebody wants them, for the next while; asks, when the session is open. *ret_upto: below this place of the log that is watched all are here. */
enum tg_err stated_wish(struct node_core *core, uint64_t *ret_upto);
/* A session opened: what was asked for in the one before is not answered any more. */
void stated_welcome(struct node_core *core);
/* What the hub shows. Each batch must be in the log, ours, and signed with our key. */
enum tg_err stated_take(struct node_core *core, const Tg__ReceiptsLogged *frame);

/* One batch; its message in the arena. */
struct stated_row {
  uint64_t place, size; /* size: of the checkpoint that its path leads to */
  const Tg__StatedReceipts *message;
};
/* The first of the log that is watched now with a larger place. TG_NOT_FOUND. */
enum tg_err stated_after(struct node_core *core, uint64_t place, struct arena *arena, struct stated_row *ret);
/* The one whose entry stands there in this log. TG_NOT_FOUND. */
enum tg_err stated_at(struct node_core *core, const char *log, uint64_t leaf, struct arena *arena, struct stated_row *ret);
struct opening stated_opening(const Tg__StatedReceipts *m);

#endif
