/* What the files of the outbox share. */
#ifndef TOGUNA_CLIENT_NODE_OUTBOX_INSIDE_H
#define TOGUNA_CLIENT_NODE_OUTBOX_INSIDE_H

#include "client/node/outbox.h"

enum {
  OUTBOX_WINDOW = 128,   /* submissions under way to the hub */
  OUTBOX_URGENT = 16,    /* of them for FLASH alone */
  OUTBOX_BYTES = 2 << 20, /* of them together, and one more submission; for FLASH twice as much. A hub cuts who has much more before it than others */
  OUTBOX_BYTES_MS = 10000, /* so long, and until the hub is heard again: then what has no answer waits there for something else than its turn */
  OUTBOX_SERVING = 256,  /* runs of chunks that the hub asked for */
};

/* Chunks that the hub wants: next .. end - 1. */
struct serving {
  struct hash bulletin;
  unsigned portion;
  uint64_t body, from, next, end;
  size_t offset;   /* in the next chunk */
  uint32_t handle; /* 0: its chunks name the bulletin */
  enum precedence precedence;
};

/* A submission under way. */
struct out {
  uint64_t place;
  size_t bytes;
  int64_t said; /* monotonic */
};

/* A row of `sent` to be, once it is signed. */
struct added {
  struct hash id;
  uint64_t index; /* in the turn's batch */
  uint64_t number, recipients;
  enum precedence precedence;
  tg_time expires;
  struct buf record;
};

/* The row of `pair` of a recipient node. dirty: the store has an older one. */
struct pair {
  struct sign_pk node;
  uint64_t number;
  struct hash last;
  bool dirty;
};

/* Invariants: number is the highest that was ever used, also by what was added in this turn; `added` gets its rows at the turn's end, with
   the signature, and so do number and pairs; pairs are those that were asked for since the start, ascending by node; `out` are rows that were sent in this session and not answered. */
struct outbox {
  uint64_t number;
  uint64_t pair_floor; /* the numbers to each recipient go on above it */
  bool confirmed;      /* when this session began, the hub's last number of us was ours */
  bool leapt;          /* since the last Welcome: outbox_ready() */
  struct added *added;
  size_t n_added, cap_added;
  struct pair *pairs;
  size_t n_pairs, cap_pairs;
  struct out out[OUTBOX_WINDOW];
  size_t n_out;
  bool waiting; /* there may be spooled rows that are not out */
  int64_t rests_until; /* monotonic: the hub put a bulletin off, and is asked again then, with one; 0: it took the last */
  bool full;           /* for its disk is */
  int64_t rest;
  uint64_t offered; /* place of that one */
  struct serving serving[OUTBOX_SERVING];
  size_t n_serving; /* highest precedence first */
  int64_t chunk;    /* monotonic: when one was sent last in this session; 0: none */
  struct bound *bound; /* spooled rows that only one hub may have (outbox_bound.c) */
  size_t n_bound;
  int64_t due;
  tg_time receipts_due; /* wall: the earliest receipt that is not overdue yet; INT64_MAX: none */
};

/* A recipient gets its number, and its row of `track`. */
enum tg_err outbox_add_recipient(struct node_core *core, const struct header *header, const struct outbox_recipient *recipient);
/* The numbers to all recipients go on above `floor`. */
void outbox_raise_pairs(struct outbox *o, uint64_t floor);
/* The rows of `pair` that changed in this turn. */
enum tg_err outbox_put_pairs(struct node_core *core);
/* This one goes to nobody any more: the next one to each of its recipients names the one before it. A number is left out, so that to whoever has it all the same, from a
   stick, no chain is broken. */
enum tg_err outbox_name_no_more(struct node_core *core, const struct hash *id, uint64_t number);
/* Takes the step to delivered and settled, if it is time, and tells. */
enum tg_err outbox_advance(struct node_core *core, const struct hash *id);
/* The same after one more recipient has said what became of it. */
enum tg_err outbox_answered(struct node_core *core, const struct hash *id);
/* ---- outbox_bound.c */
void outbox_bound_free(struct outbox *o);
/* This row is to go now, and what it amends, if anything, was answered. *ret_goes: to the hub that we are with; otherwise it waits for the one that has that. */
enum tg_err outbox_bind(struct node_core *core, const struct sent_row *row, bool *ret_goes);
/* It was answered, or will never be. */
void outbox_unbind(struct outbox *o, uint64_t place);
/* As far as is known, may the hub of this log have it? */
bool outbox_may_go(const struct outbox *o, uint64_t place, const char *log);
/* The rows for that hub alone that are at least as urgent; how many, n at most. */
size_t outbox_bound_rows(const struct outbox *o, const char *log, enum precedence least, uint64_t *ret_places, size_t n);
/* A session opened: what is for other hubs has them looked in at sooner. */
void outbox_bound_hurry(struct node_core *core);
void outbox_not_out(struct outbox *o, uint64_t place);
void outbox_stop_serving(struct outbox *o, const struct hash *id);

extern const char outbox_label[], outbox_outcome_label[], outbox_track_label[];

#endif
