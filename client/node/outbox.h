/* Bulletins of our own, from the moment they are sealed until everybody has answered or they expire: committed first, sent by
   precedence, sent again after every reconnect, never under two numbers. */
#ifndef TOGUNA_CLIENT_NODE_OUTBOX_H
#define TOGUNA_CLIENT_NODE_OUTBOX_H

#include "audit/opening.h"
#include "client/node/core.h"
#include "proto/bundle.pb-c.h"
#include "proto/header.h"
#include "proto/receipt.h"
#include "proto/session.pb-c.h"

/* LProgress.state, in this order: settled means that everybody has answered and that the checkpoint carries the cosignatures that
   the charter demands. Refused and expired are ends. Waiting is said of drafts only, which lack approvals (waiting.h): it comes before all others. */
enum sent_state { SENT_SPOOLED, SENT_ACCEPTED, SENT_DELIVERED, SENT_SETTLED, SENT_REFUSED, SENT_EXPIRED, SENT_WAITING };

struct outbox *outbox_new(void);
void outbox_free(struct outbox *o);
/* Reads the running number and what is under way. */
enum tg_err outbox_load(struct node_core *core);

/* ---- sealing: see draft.h */

/* Before a bulletin is numbered. Its store may be a copy that was restored, and another copy may have used the numbers that come next: they are used only within a
   session with the only hub there ever was for which the hub's last number of this node was its own, and all that waits there is its own too. Otherwise numbering leaps, once after each start and once after each Welcome,
   to where no other copy counts. */
enum tg_err outbox_ready(struct node_core *core);
/* The number of the next bulletin. */
uint64_t outbox_next_number(const struct node_core *core);
/* The running number that comes next for a recipient node, and the bulletin that carried the one before. */
enum tg_err outbox_pair(struct node_core *core, const struct sign_pk *node, uint64_t *ret_number, struct hash *ret_previous);
/* One recipient node and the running number that its wrap carries. */
struct outbox_recipient {
  struct sign_pk node;
  uint64_t number;
};
/* A bulletin that corrects or recalls one of ours is not sent before the hub has answered for that one, which then goes as urgently. */
/* Takes the bulletin in, sealed and numbered, of whose header id, number and subject are read; `message` as it will travel, but without proof and bodies, which are its content in
   the depot. It becomes part of this turn's batch and is spooled when the turn is committed. */
enum tg_err outbox_add(struct node_core *core, const struct header *header, const Tg__Submission *message,
                       const struct outbox_recipient *recipients, size_t n_recipients);
enum tg_err outbox_batch(struct node_core *core, struct batch *batch);
enum tg_err outbox_signed(struct node_core *core, const struct batch *batch);

/* ---- sending */

/* A session opened. last_number: the highest that the hub has of us. parked: how the ids begin of those that wait there, 8 bytes each:
   they count as sent in this session. */
enum tg_err outbox_welcome(struct node_core *core, uint64_t last_number, struct slice parked);
/* Sends as much as the hub will take now; called at the end of each turn. */
enum tg_err outbox_pump(struct node_core *core);
enum tg_err outbox_outcomes(struct node_core *core, const Tg__Outcomes *frame);
enum tg_err outbox_want(struct node_core *core, const Tg__Want *frame);
enum tg_err outbox_receipts(struct node_core *core, const Tg__ReceiptNotes *frame);
/* The last note that we have of the present hub; for Hello, when its log is watched. */
enum tg_err outbox_heard(struct node_core *core, uint64_t *ret);
/* A bundle brought receipts of this node, under one signature. Verdict: TG_BAD_SIGNATURE, TG_BAD_INPUT; TG_NOT_FOUND: one is about
   what was not sent to it. Nothing is kept then. What is not known here any more is passed over. Each that is new counts as if the hub had brought it; the hub's, with its proof, takes
   its place later, and counts no second time. `seen` is called for each; NULL: nothing is kept, they are only checked. */
typedef enum tg_err outbox_seen(void *context, const struct receipt *receipt);
enum tg_err outbox_carried_receipts(struct node_core *core, const struct sign_pk *node, const Tg__BundleReceipts *m, outbox_seen *seen,
                                    void *context, enum tg_err *ret_verdict, struct tg_why *ret_why);
/* Does a bulletin of at least this precedence wait for the answer of a hub, and may it be the one of this log? */
enum tg_err outbox_has_waiting(struct node_core *core, enum precedence least, const char *log, bool *ret);
/* Does one wait that only this log's hub may have, as a correction or recall of what it took in? */
bool outbox_is_bound(const struct node_core *core, const char *log);
/* Other hubs are named than before: which one has what is looked for anew. */
void outbox_unbind_all(struct node_core *core);
/* In this session: was a bulletin, or more of its body, sent so many ms ago at most, and not answered? And are there chunks that the hub asked for and that were not sent? */
bool outbox_is_under_way(const struct node_core *core, int64_t within);
bool outbox_is_asked(const struct node_core *core);
/* The link lost a frame of ours. */
void outbox_dropped(struct node_core *core, enum frame_type type);
/* Did the hub last say that its disk is nearly full? Then one bulletin at a time is offered, less and less often. */
bool outbox_rests(const struct node_core *core);
/* And when is that offered, by our clock? 0: at once, as soon as one waits and a hub is there. */
tg_time outbox_rests_until(const struct node_core *core);
/* Was this store found to be an older copy, and may something that it had received since still live? */
enum tg_err outbox_is_old(struct node_core *core, bool *ret);
/* The checkpoint settled further. */
enum tg_err outbox_settled(struct node_core *core);
/* Expiry. */
enum tg_err outbox_time(struct node_core *core);
int64_t outbox_due(const struct node_core *core); /* monotonic */

/* ---- looking */

struct sent_row {
  uint64_t place, number, leaf;
  struct hash id;
  enum sent_state state;
  enum precedence precedence;
  tg_time expires;
  uint64_t open; /* recipients that have not said what became of it, */
  bool overdue;  /* and should have by now */
  bool settled;  /* in its log, which is the one that is watched now */
  struct header header;
  const Tg__Submission *message; /* without bodies */
};
/* Everything in the arena. TG_NOT_FOUND. */
enum tg_err outbox_row(struct node_core *core, const struct hash *id, struct arena *arena, struct sent_row *ret);
/* The first row with place > after; the same downwards with place < below. TG_NOT_FOUND at the end. */
enum tg_err outbox_after(struct node_core *core, uint64_t after, struct arena *arena, struct sent_row *ret);
enum tg_err outbox_below(struct node_core *core, uint64_t below, struct arena *arena, struct sent_row *ret);
/* The opening of the entry by which the hub accepted or refused it, verified when it came. In the arena. TG_NOT_FOUND: it
   has not answered yet, or there is no such bulletin. */
enum tg_err outbox_opening(struct node_core *core, const struct hash *id, struct arena *arena, struct opening *ret);
/* The hub's whole answer, and every receipt about it with the log's entry of its batch, as they came and were verified. In the
   arena; what `each` returns ends it unless TG_OK. */
enum tg_err outbox_outcome(struct node_core *core, const struct hash *id, struct arena *arena, const Tg__Outcome **ret);
enum tg_err outbox_notes(struct node_core *core, const struct hash *id, struct arena *arena,
                         enum tg_err (*each)(void *arg, const Tg__ReceiptNote *note), void *arg);
/* It goes to a hub once more, from the beginning; what its recipients have said stands. */
enum tg_err outbox_spool_again(struct node_core *core, const struct hash *id);
/* Did we take it back ourselves? */
enum tg_err outbox_is_recalled(struct node_core *core, const struct hash *id, bool *ret);
struct outbox_counts {
  uint64_t spooled, accepted, refused, overdue;
};
enum tg_err outbox_counts(struct node_core *core, struct outbox_counts *ret);

#endif
