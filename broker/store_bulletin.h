/* Bulletins in the store: that they were decided (kept for ever, small); what was said and decided (remembered for a time, so that later ones
   may name them as sources); and what is still to be delivered (dropped when it is, or when it expires). */
#ifndef TOGUNA_BROKER_STORE_BULLETIN_H
#define TOGUNA_BROKER_STORE_BULLETIN_H

#include "broker/store.h"

enum { STORE_RECIPIENTS = 1024, STORE_RANKS = 4 };

/* A bulletin that was accepted or refused. One per id and one per (originator, number). */
struct store_bulletin {
  uint64_t leaf; /* of its accepted or refused entry: also its place in the order of the hub */
  struct hash id;
  nodeno originator;
  char member[2];  /* of the originator when it was decided */
  uint64_t number; /* the originator's running number; 0: the signature did not verify, the number is not taken */
  bool accepted;
  unsigned rank; /* 0 FLASH … 3 ROUTINE */
  unsigned kind; /* enum kind */
  tg_time created, expires;
  uint64_t bytes;        /* sealed bytes of all bodies */
  uint64_t charter_version;
  struct hash policy_set; /* decided by */
  struct hash recalls;   /* id of the bulletin that this one recalls; zeros: none */
  bool recalled;
};

/* A recipient node of an accepted bulletin. */
struct store_recipient {
  nodeno node;
  uint32_t portions; /* mask in its wrap */
};

/* What is remembered of it until `until`. */
struct store_memory {
  tg_time until;
  struct slice content;  /* Submission bytes without wraps and bodies; empty when refused */
  struct slice decision; /* Decision bytes; empty when nothing was decided */
};

/* Adds a decided bulletin; an accepted one is awaited by `count` recipients and occupies its bytes. TG_DUPLICATE: this id, or this number of
   the originator, is decided already. Leaves ascend. */
enum tg_err store_bulletin_put(struct store *store, const struct store_bulletin *bulletin,
                               const struct store_memory *memory, const struct store_recipient *recipients,
                               size_t count);
/* TG_NOT_FOUND. */
enum tg_err store_bulletin(struct store *store, uint64_t leaf, struct store_bulletin *ret);
enum tg_err store_bulletin_by_id(struct store *store, const struct hash *id, struct store_bulletin *ret);
enum tg_err store_bulletin_by_number(struct store *store, nodeno originator, uint64_t number,
                                     struct store_bulletin *ret);
/* Empty when it is forgotten. */
enum tg_err store_bulletin_content(struct store *store, uint64_t leaf, struct arena *arena, struct slice *ret);
enum tg_err store_bulletin_decision(struct store *store, uint64_t leaf, struct arena *arena, struct slice *ret);
/* All who were given a wrap, kept for ever. */
enum tg_err store_bulletin_recipients(struct store *store, uint64_t leaf, struct arena *arena,
                                      struct store_recipient **ret, size_t *ret_count);
/* All that is kept of an entry of the log and, if it is a bulletin's, of that; empty what is not. Borrowed, for the time of the call. */
struct store_leaf {
  uint64_t leaf;
  uint8_t salt[16];
  struct slice bytes, content, decision, recipients; /* recipients: packed */
};
typedef enum tg_err store_leaf_each(void *context, const struct store_leaf *leaf);
/* Hands out the entries from .. below - 1, in one walk. `each` may ask the store for anything but this; its error ends it. TG_NOT_FOUND: one is not
   there. */
enum tg_err store_leaves(struct store *store, uint64_t from, uint64_t below, store_leaf_each *each, void *context);
bool store_recipient_take(struct slice *packed, struct store_recipient *ret); /* false: there are no more */
enum tg_err store_bulletin_recalled(struct store *store, uint64_t leaf);
/* An awaited bulletin that expires at or before `until`: in the order of their times, but for those that are seconds apart. TG_NOT_FOUND. */
enum tg_err store_bulletin_expiring(struct store *store, tg_time until, uint64_t *ret_leaf);
/* Nobody awaits it any more: its bodies go. Not awaited: nothing happens. */
enum tg_err store_bulletin_drop(struct store *store, uint64_t leaf);
/* The same for n of them, ascending: in two statements where nothing else that is awaited lies between them. */
enum tg_err store_bulletins_drop(struct store *store, const uint64_t *leaf, size_t n);
/* Forgets what is to be forgotten by now, within the hour, some of it at a time: *ret_more says whether to call again. */
enum tg_err store_bulletins_forget(struct store *store, tg_time now, bool *ret_more);

/* Sealed bytes that bulletins of this member occupy. */
enum tg_err store_member_bytes(struct store *store, const char member[2], uint64_t *ret);

/* ---- evidence: what was signed twice, kept for ever beside its alarm entry */
enum tg_err store_evidence_put(struct store *store, uint64_t leaf, struct slice bytes);

/* ---- the queue of a node: one row per bulletin that it must still say it has */
struct store_row {
  nodeno node;
  uint64_t leaf; /* of the bulletin */
  unsigned rank;
  bool held;
  uint32_t portions;
  uint64_t bytes;      /* sealed bytes of its portions */
  uint64_t wrap_index; /* in the audience tree */
  struct slice wrap, wrap_path;
};

/* One more row: it counts in the tallies from now on. */
enum tg_err store_row_put(struct store *store, const struct store_row *row);
struct store_awaited {
  uint64_t leaf, rows; /* recipients that have not answered */
  unsigned rank;
  struct hash id;
};
/* The first bulletin from this leaf on that recipients have not answered yet. TG_NOT_FOUND. */
enum tg_err store_awaited_next(struct store *store, uint64_t from, struct store_awaited *ret);
/* The row of this node, holding and rank with the least leaf of from .. below - 1. TG_NOT_FOUND. */
enum tg_err store_row_next(struct store *store, nodeno node, bool held, unsigned rank, uint64_t from, uint64_t below,
                           struct arena *arena, struct store_row *ret);
/* The same for up to `most` of them, ascending; *ret_n 0: there is none. */
enum tg_err store_rows_next(struct store *store, nodeno node, bool held, unsigned rank, uint64_t from, uint64_t below,
                            struct arena *arena, size_t most, struct store_row *ret, size_t *ret_n);
/* Removes it, held or not, and drops the bulletin's content and bodies when it was the last row. *ret_removed (may be NULL): was there one? */
enum tg_err store_row_remove(struct store *store, nodeno node, unsigned rank, uint64_t leaf, bool *ret_removed);
/* The same for n bulletins of one rank, their leaves ascending, each once: in two statements where no others lie between them, and two for what is
   dropped. */
enum tg_err store_rows_remove(struct store *store, nodeno node, unsigned rank, const uint64_t *leaf, size_t n);
enum tg_err store_row_hold(struct store *store, nodeno node, unsigned rank, uint64_t leaf, bool held);

/* Rows and sealed bytes waiting for a node, held ones included, kept as the rows change. */
struct store_tally {
  uint64_t count[STORE_RANKS], bytes[STORE_RANKS], held[STORE_RANKS];
};
enum tg_err store_tally(struct store *store, nodeno node, struct store_tally *ret);
enum tg_err store_tally_all(struct store *store, struct store_tally *ret); /* of all nodes */
/* How much of that one member's bulletins are, held ones included. The first call for a node walks its whole queue: for full ones only. */
enum tg_err store_share(struct store *store, nodeno node, const char member[2], uint64_t *ret_rows, uint64_t *ret_bytes);

#endif
