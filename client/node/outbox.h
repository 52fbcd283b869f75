/* Bulletins of our own, from the moment they are sealed until everybody has answered or they expire: committed first, sent by
   precedence, sent again after every reconnect, never under two numbers. */
#ifndef TOGUNA_CLIENT_NODE_OUTBOX_H
#define TOGUNA_CLIENT_NODE_OUTBOX_H

#include "client/node/core.h"
#include "proto/header.h"
#include "proto/session.pb-c.h"

/* LProgress.state */
enum sent_state { SENT_SPOOLED, SENT_ACCEPTED, SENT_DELIVERED, SENT_SETTLED, SENT_REFUSED, SENT_EXPIRED };

struct outbox *outbox_new(void);
void outbox_free(struct outbox *o);
/* Reads the running number and what is under way. */
enum tg_err outbox_load(struct node_core *core);

/* ---- sealing: see draft.h */

/* A sealed bulletin that is numbered but not signed: what a row of `sent` keeps, encrypted. Slices are borrowed or in an arena. */
struct sent_record {
  struct slice header;
  size_t portion_count;
  const struct slice *portions, *releases; /* bytes, in order */
  const uint64_t *bodies;                  /* numbers of the bodies in the depot, by portion */
  size_t wrap_count;
  const struct slice *wraps;
  struct slice proof; /* BatchProof bytes; empty until it is signed */
};

/* The number of the next bulletin. */
uint64_t outbox_next_number(const struct node_core *core);
/* Takes the bulletin in: it becomes part of this turn's batch and is spooled when the turn is committed. `nodes` are the recipients. */
enum tg_err outbox_add(struct node_core *core, const struct header *header, const struct sent_record *record,
                       const struct sign_pk *nodes, size_t n_nodes);
enum tg_err outbox_batch(struct node_core *core, struct batch *batch);
enum tg_err outbox_signed(struct node_core *core, const struct batch *batch);

/* ---- sending */

/* A session opened. last_number: the highest that the hub has of us. */
enum tg_err outbox_welcome(struct node_core *core, uint64_t last_number);
/* Sends as much as the hub will take now; called at the end of each turn. */
enum tg_err outbox_pump(struct node_core *core);
enum tg_err outbox_outcomes(struct node_core *core, const Tg__Outcomes *frame);
enum tg_err outbox_want(struct node_core *core, const Tg__Want *frame);
enum tg_err outbox_receipts(struct node_core *core, const Tg__ReceiptNotes *frame);
/* The link lost a frame of ours. */
void outbox_dropped(struct node_core *core, enum frame_type type);
/* The checkpoint settled further. */
enum tg_err outbox_settled(struct node_core *core);
/* Expiry. */
enum tg_err outbox_time(struct node_core *core);

/* ---- looking */

struct sent_row {
  uint64_t place, number, leaf;
  struct hash id;
  enum sent_state state;
  enum precedence precedence;
  tg_time expires;
  uint64_t open; /* recipients that have not said what became of it */
  struct sent_record record;
};
/* Everything in the arena. TG_NOT_FOUND. */
enum tg_err outbox_row(struct node_core *core, const struct hash *id, struct arena *arena, struct sent_row *ret);
/* The first row with place > after; the same downwards with place < below. TG_NOT_FOUND at the end. */
enum tg_err outbox_after(struct node_core *core, uint64_t after, struct arena *arena, struct sent_row *ret);
enum tg_err outbox_below(struct node_core *core, uint64_t below, struct arena *arena, struct sent_row *ret);
/* Why the hub refused; "" otherwise. In the arena. */
enum tg_err outbox_detail(struct node_core *core, const struct hash *id, struct arena *arena, struct slice *ret);
struct outbox_counts {
  uint64_t spooled, accepted, refused;
};
enum tg_err outbox_counts(struct node_core *core, struct outbox_counts *ret);

#endif
