/* Sealed bodies, and submissions that wait for theirs. Small bodies stand in the database, large ones in a file each, written chunk by
   chunk. A file's synced length is recorded in the same transaction as everything else, so that after a crash what counts is there. */
#ifndef TOGUNA_BROKER_STORE_BODY_H
#define TOGUNA_BROKER_STORE_BODY_H

#include "broker/store.h"
#include "proto/buf.h"

/* ---- bodies of accepted bulletins that came inline */
/* sealed: all of it, at most the charter's inline-body. */
enum tg_err store_body_put(struct store *store, uint64_t leaf, unsigned portion, struct slice sealed);
/* TG_NOT_FOUND: it is in a file, or gone. */
enum tg_err store_body(struct store *store, uint64_t leaf, unsigned portion, struct arena *arena, struct slice *ret);

/* ---- large bodies, by bulletin id */
/* Appends chunk number `chunk`, which must be the one after the last (asserted). Chunks before the last are BODY_SEALED bytes. TG_DISK. */
enum tg_err store_file_append(struct store *store, const struct hash *id, unsigned portion, uint64_t chunk,
                              struct slice sealed);
/* Chunks that are there, as of this transaction; 0 when there is no file. */
enum tg_err store_file_chunks(struct store *store, const struct hash *id, unsigned portion, uint64_t *ret);
/* Reads a chunk, which has `size` bytes. TG_NOT_FOUND when they are not there; TG_CONFLICT: the file is damaged. */
enum tg_err store_file_chunk(struct store *store, const struct hash *id, unsigned portion, uint64_t chunk, size_t size,
                             struct arena *arena, struct slice *ret);
/* Removes all files of a bulletin, once this transaction is committed. */
enum tg_err store_file_remove_all(struct store *store, const struct hash *id);

/* ---- submissions that wait */
enum parked_for { PARKED_FOR_BODIES = 1, PARKED_FOR_DOCUMENTS };
struct store_parked {
  struct hash id;
  nodeno originator;
  char member[2];
  enum parked_for why;
  tg_time until;      /* given up when it still waits then */
  uint64_t bytes;     /* reserved of its member's bytes */
  struct slice item;  /* Submission bytes as they came */
};
/* Reserves its bytes. store_parked: TG_NOT_FOUND. */
enum tg_err store_parked_put(struct store *store, const struct store_parked *parked);
enum tg_err store_parked(struct store *store, const struct hash *id, struct arena *arena, struct store_parked *ret);
/* The first with place > after, of one originator (0: of all); *ret_place is its place. TG_NOT_FOUND at the end. */
enum tg_err store_parked_next(struct store *store, nodeno originator, uint64_t after, struct arena *arena,
                              struct store_parked *ret, uint64_t *ret_place);
/* How the ids begin of those of a node that wait, the first `most`; 8 bytes each are put to `out`. */
enum { PARKED_PREFIX = 8 };
enum tg_err store_parked_prefixes(struct store *store, nodeno originator, unsigned most, struct buf *out);
/* It waits until then, if that is later. */
enum tg_err store_parked_wait(struct store *store, const struct hash *id, tg_time until);
/* The one whose time is over first, at or before `now`. TG_NOT_FOUND. */
enum tg_err store_parked_due(struct store *store, tg_time now, struct arena *arena, struct store_parked *ret);
/* How many submissions of a node wait. */
enum tg_err store_parked_count(struct store *store, nodeno originator, uint64_t *ret);
/* Removes it and gives back its reserved bytes. Its files stay: they become the bulletin's, or are removed by store_file_remove_all(). */
enum tg_err store_parked_remove(struct store *store, const struct hash *id);

#endif
