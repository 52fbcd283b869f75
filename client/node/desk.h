/* The desk: local programs and their requests (docs/local-protocol.md). Every program is known by its user, may do what that
   user's roles allow, and takes no more memory than the limits below: content and lists are produced only as fast as
   it reads them.

   Answers are effects of the turn like all others: nothing is answered that is not on the disk. */
#ifndef TOGUNA_CLIENT_NODE_DESK_H
#define TOGUNA_CLIENT_NODE_DESK_H

#include "client/node/core.h"
#include "client/node/outbox.h"

enum {
  DESK_CLIENTS_MAX = 128,
  DESK_REQUESTS_MAX = 256, /* under way per program */
  DESK_PUBLISH_MAX = 4,   /* of them, bulletins whose content is still coming */
};

struct desk *desk_new(void); /* NULL without memory */
void desk_free(struct desk *d);

/* ---- what node.c hands on; whatever a program sends, the answer is TG_OK or fail-stop */

enum tg_err desk_joined(struct node_core *core, uint64_t client, uint32_t uid);
enum tg_err desk_frame(struct node_core *core, uint64_t client, struct slice frame);
enum tg_err desk_drained(struct node_core *core, uint64_t client);
enum tg_err desk_gone(struct node_core *core, uint64_t client);
/* What waits for the program, as the effect said: orders_queued.client. */
void desk_queued(struct node_core *core, uint64_t client, size_t bytes);
/* Near the end of a turn, before the commit and after arrivals: produces what programs have room for. Asks for another turn
   when more is to be said. */
enum tg_err desk_turn(struct node_core *core);
/* Tells every program that the node stops, and closes it. */
enum tg_err desk_stop(struct node_core *core);

/* ---- what others tell it */

/* The inbox has a new row; followers look at the end of the turn. */
void desk_inbox_new(struct node_core *core);
/* A bulletin of ours has reached a state. leaf: 0 when not logged; detail: the hub's words when it refused, else empty. */
enum tg_err desk_progress(struct node_core *core, const struct hash *id, enum sent_state state, uint64_t number,
                          uint64_t leaf, struct slice detail);
/* A draft that waited for approvals is a bulletin now; or it will never be one, why says so. */
enum tg_err desk_draft_sent(struct node_core *core, const struct hash *draft, const struct hash *bulletin, uint64_t number);
enum tg_err desk_draft_ended(struct node_core *core, const struct hash *draft, const struct tg_why *why);
/* The hub has answered a document (errands_offer()); refusal NULL: it is in the log. */
enum tg_err desk_document_done(struct node_core *core, uint64_t client, uint64_t request, const struct tg_why *refusal);

#endif
