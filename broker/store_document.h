/* Documents and receipt notes in the store: what nodes are sent in order, from where they left off. */
#ifndef TOGUNA_BROKER_STORE_DOCUMENT_H
#define TOGUNA_BROKER_STORE_DOCUMENT_H

#include "broker/store.h"

/* An accepted document, in the hub's order. */
struct store_document {
  uint64_t sequence; /* from 1, with gaps; given by store_document_put */
  unsigned kind;     /* enum document_kind */
  struct hash hash;
  struct slice content, proof; /* as they came; proof: encoded BatchProof of sealing keys, else empty */
  uint64_t leaf;     /* of its entry */
  tg_time accepted;
};
/* TG_DUPLICATE: this hash is here. */
enum tg_err store_document_put(struct store *store, const struct store_document *document, uint64_t *ret_sequence);
/* The first with sequence > after. TG_NOT_FOUND at the end. */
enum tg_err store_document_next(struct store *store, uint64_t after, struct arena *arena, struct store_document *ret);
enum tg_err store_document_by_hash(struct store *store, const struct hash *hash, struct arena *arena,
                                   struct store_document *ret);
/* Forgets one that a newer one made useless. Absent: TG_OK. */
enum tg_err store_document_drop(struct store *store, const struct hash *hash);
/* The highest sequence ever given; 0 when none. */
enum tg_err store_document_last(struct store *store, uint64_t *ret);

/* Receipts on their way to the originator of their bulletins: notes `first` … first + count - 1 of its stream, which begins with 1. Note first + i is receipt
   place[i] of the entry at this leaf, whose bytes store_said() has. */
enum { STORE_NOTES = 256 };
struct store_notes {
  uint64_t first, leaf;
  size_t count;
  uint16_t place[STORE_NOTES];
};
/* 1 … STORE_NOTES of them; the originator's next sequences are theirs. TG_NOT_FOUND: no such node. */
enum tg_err store_notes_put(struct store *store, nodeno originator, uint64_t leaf, const uint16_t *place, size_t count);
/* The row with the first note beyond `after`, which may have earlier ones too. TG_NOT_FOUND at the end. */
enum tg_err store_notes_next(struct store *store, nodeno originator, uint64_t after, struct store_notes *ret);
/* The originator has all up to and with this sequence. */
enum tg_err store_notes_seen(struct store *store, nodeno originator, uint64_t sequence);

/* A note as releases before had them, each with its proof; they come before all others. None is added any more. */
struct store_note {
  uint64_t sequence;
  struct slice receipt, proof; /* proof: encoded BatchProof */
  uint64_t leaf;               /* of the receipts entry */
};
/* The first with sequence > after. TG_NOT_FOUND at the end. */
enum tg_err store_note_next(struct store *store, nodeno originator, uint64_t after, struct arena *arena,
                            struct store_note *ret);

/* Receipts of one entry as their node signed them, kept for ever (DOSSIER_RECEIPTS). */
enum tg_err store_said_put(struct store *store, uint64_t leaf, struct slice bytes);
/* TG_NOT_FOUND. */
enum tg_err store_said(struct store *store, uint64_t leaf, struct arena *arena, struct slice *ret);
enum tg_err store_said_size(struct store *store, uint64_t leaf, uint64_t *ret);
/* The places, ascending, of a node's receipts among the entries from `from` on and below *upto; at most `max`. Of everybody's at most *rows (1 or more) are looked at, and *rows says
   how many were. Where either came to its end, *upto is the place behind the last that was looked at. */
enum tg_err store_said_of(struct store *store, const struct sign_pk *node, uint64_t from, uint64_t *upto, size_t *rows, uint64_t *ret, size_t max, size_t *ret_n);

#endif
