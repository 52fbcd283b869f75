/* What the files of the arrivals share. */
#ifndef TOGUNA_CLIENT_NODE_ARRIVALS_INSIDE_H
#define TOGUNA_CLIENT_NODE_ARRIVALS_INSIDE_H

#include "client/node/arrivals.h"
#include "client/node/check.h"

/* One body of a bulletin that is coming: chunks 0..have-1 are in the depot. */
struct part {
  unsigned portion;
  uint64_t body, size, chunks, have;
};

/* asked: up to where chunks of the first part that lacks something were asked for; nothing is under way when it is below its
   `have`. since: when that part last moved, monotonic. */
struct coming {
  struct hash id;
  uint64_t queue, bytes;   /* queue 0: a bundle brought it, all of it */
  char hub[LABEL_MAX + 1]; /* whose queue that is; empty: of a hub before the last start */
  char log[NOTE_NAME_MAX + 1]; /* and its log */
  enum precedence precedence;
  tg_time expires;
  struct sign_pk originator;
  size_t n;
  struct part part[LIMIT_PORTIONS];
  uint64_t asked;
  uint32_t handle; /* by which its chunks name it; 0: none yet */
  int64_t since;
  struct buf pieces; /* of the chunk that comes next; on slow lines it comes in several */
};

enum { ASIDE_RANKS = PRECEDENCE_FLASH - PRECEDENCE_ROUTINE + 1, ASIDE_SPARE = 16 };

struct aside_queue {
  struct aside_item *first, *last;
};

/* What came and waits to be taken in (arrivals_aside.c). Invariant: n items in all queues, FLASH first, each in the order in which they came; bytes: of the
   arenas of their frames. */
struct aside {
  struct aside_queue queue[ASIDE_RANKS];
  size_t n, bytes;
  size_t taken; /* in this turn */
  struct arena *spare[ASIDE_SPARE];
  size_t n_spare;
};

/* Invariants: coming[0..n) have rows in `arriving`; check, when there is one, is of the bulletin `checking`, which is complete, and
   lives in `arena`. */
struct arrivals {
  struct coming *coming;
  size_t n, cap;
  int64_t heard;   /* monotonic: a chunk came, or was asked for */
  int64_t silence; /* ms: how long none may come before they are asked for again; 0: none was missed yet */
  struct check *check;
  struct hash checking;
  struct arena *arena;
  struct judged *judged;
  Tg__Delivery *message;
  uint32_t handles; /* given out since the start, for ever new ones: a chunk that comes late must not be taken for another body's */
  bool starved; /* something was not taken for want of room */
  bool again;   /* there is room now: the session must begin anew, so that it is sent again */
  int64_t due;
  struct aside aside;
};

/* NULL: it is not coming. */
struct coming *arrivals_find(struct arrivals *a, const struct hash *id);
/* The first part that is not complete; NULL: all are. */
struct part *arrivals_lacking(struct coming *c);
/* Takes a copy; NULL without memory. */
struct coming *arrivals_add(struct arrivals *a, const struct coming *c);
/* What was asked for is asked for again. */
void arrivals_ask_again(struct arrivals *a);

/* One delivery, under the checkpoint with which it came. */
enum tg_err arrivals_take(struct node_core *core, const Tg__Delivery *message, const struct witness_state *under);
/* At the end of a turn: takes in what is left of its share. */
enum tg_err arrivals_end_turn(struct node_core *core);
void arrivals_free_aside(struct arrivals *a);

/* ---- what is kept of it in the table `arriving`: the delivery as it came, without bodies */

enum tg_err arrivals_put(struct node_core *core, const struct coming *c, const Tg__Delivery *message);
enum tg_err arrivals_get(struct node_core *core, const struct hash *id, struct arena *arena, Tg__Delivery **ret);
/* Fills in what the message says of its parts; bodies are left. */
enum tg_err arrivals_describe(const Tg__Delivery *message, const struct header *header, struct arena *arena, struct coming *c);
/* What a delivery took of the credit: the bodies that came along. */
uint64_t arrivals_credit(const Tg__Delivery *message);

#endif
