/* What a node keeps on its disk: one SQLite file, nobody else touches it. What tells of bulletins — headers, markings,
   titles, content keys — stands in it encrypted under the node's storage key; sealed chunks stand as they came.

   All changes happen inside a transaction (depot_begin … depot_commit) and are seen by reads of the same depot at once. A
   failed commit leaves it *failed*: every later call returns TG_DISK and the process must end. Reads copy into the
   caller's arena. Any error that is not named at a function is fail-stop. */
#ifndef TOGUNA_CLIENT_NODE_DEPOT_H
#define TOGUNA_CLIENT_NODE_DEPOT_H

#include "os/db.h"
#include "proto/arena.h"
#include "proto/buf.h"

struct depot;

struct depot_options {
  const char *path, *vfs;     /* as in node_config */
  const uint8_t *storage_key; /* 32 bytes, borrowed while the depot lives */
};

/* Opens or makes it. TG_BAD_SEAL: it was written under another storage key; TG_BUSY, TG_BAD_INPUT, TG_UNKNOWN, TG_DISK. */
enum tg_err depot_open(const struct depot_options *options, struct depot **ret, struct tg_why *why);
void depot_close(struct depot **depot); /* rolls back what is open; NULL, or a pointer to NULL, is fine */

enum tg_err depot_begin(struct depot *depot, struct tg_why *why); /* unless a transaction is open */
enum tg_err depot_commit(struct depot *depot, struct tg_why *why); /* nothing open: TG_OK */
/* Puts into why what the database said of its last failure; returns err. */
enum tg_err depot_explain(struct depot *depot, enum tg_err err, struct tg_why *why);
/* After erasing secrets and a commit: moves the journal of the database into it, so that nothing erased stays there. */
enum tg_err depot_settle(struct depot *depot, struct tg_why *why);

/* ---- where rows stand, by the id of a bulletin (os/late.h). In statements: SCHEMA_SENT(), SCHEMA_INBOX(), SCHEMA_CONTENT() */
enum depot_folder { DEPOT_SENT, DEPOT_INBOX, DEPOT_CONTENT, DEPOT_FOLDERS };
/* The place for a row that is added next, which depot_placed() then says that it was. */
uint64_t depot_place_new(const struct depot *depot, enum depot_folder folder);
enum tg_err depot_placed(struct depot *depot, enum depot_folder folder, const struct hash *id, uint64_t place);
/* Its row was read by its place, and will be asked for by its id soon. */
void depot_met(struct depot *depot, enum depot_folder folder, const struct hash *id, uint64_t place);
/* Ids between low and high, both included, of either DEPOT_SENT or DEPOT_INBOX: how many, 2 for more than one; *ret is one of them. */
enum tg_err depot_between(struct depot *depot, enum depot_folder folder, const struct hash *low, const struct hash *high, struct hash *ret, unsigned *ret_n);

/* The database, for the files of this folder that keep a table of their own. */
struct db *depot_db(struct depot *depot);

/* Encryption at rest (XChaCha20-Poly1305). `label` and `id` say what it is and whose, so that no value can be put in another's
   place. depot_unlock: TG_DISK when it does not open: the file was damaged or tampered with. */
enum tg_err depot_lock(struct depot *depot, const char *label, struct slice id, struct slice plain, struct buf *out);
enum tg_err depot_unlock(struct depot *depot, const char *label, struct slice id, struct slice locked, struct arena *arena,
                         struct slice *ret);
/* A keyed hash, to find by a text that must not be readable on the disk. */
struct hash depot_blind(struct depot *depot, const char *label, struct slice text);

/* ---- facts about the node, by name */
enum tg_err depot_fact(struct depot *depot, const char *name, struct arena *arena, struct slice *ret); /* TG_NOT_FOUND */
enum tg_err depot_fact_put(struct depot *depot, const char *name, struct slice value);
enum tg_err depot_number(struct depot *depot, const char *name, uint64_t *ret); /* 0 when absent */
enum tg_err depot_number_put(struct depot *depot, const char *name, uint64_t value);

/* ---- bodies: sealed chunks, in order, under a number that is never used again */
enum { DEPOT_CHUNKS_MAX = 1 << 24 };
enum tg_err depot_body_new(struct depot *depot, uint64_t *ret_body); /* an empty one; it belongs to nothing yet */
/* Chunk number `chunk` must be the next one (asserted). */
enum tg_err depot_chunk_put(struct depot *depot, uint64_t body, uint64_t chunk, struct slice sealed);
/* TG_NOT_FOUND. */
enum tg_err depot_chunk(struct depot *depot, uint64_t body, uint64_t chunk, struct arena *arena, struct slice *ret);
enum tg_err depot_body_chunks(struct depot *depot, uint64_t body, uint64_t *ret);
/* It belongs to something now: depot_body_orphans() leaves it. */
enum tg_err depot_body_own(struct depot *depot, uint64_t body);
/* Its chunks go, piece by piece, with depot_sweep(). */
enum tg_err depot_body_drop(struct depot *depot, uint64_t body);
/* Removes up to `chunks` chunks of dropped bodies. *ret_more: are there more? */
enum tg_err depot_sweep(struct depot *depot, unsigned chunks, bool *ret_more);
/* At the start: drops bodies that belong to nothing (drafts that were never finished). */
enum tg_err depot_body_orphans(struct depot *depot);

/* ---- content: what opens a portion that we may read: the body it is in, K, and the head of the body */
struct depot_content {
  uint64_t body;
  struct slice secret; /* K ‖ BodyHead bytes: wipe the arena after use */
};
enum tg_err depot_content_put(struct depot *depot, const struct hash *bulletin, unsigned portion,
                              const struct depot_content *content);
enum tg_err depot_content(struct depot *depot, const struct hash *bulletin, unsigned portion, struct arena *arena,
                          struct depot_content *ret); /* TG_NOT_FOUND: never here, or erased */
/* Its sealed body alone: what is handed on needs no secret. TG_NOT_FOUND. */
enum tg_err depot_content_body(struct depot *depot, const struct hash *bulletin, unsigned portion, uint64_t *ret);
/* What stands under one id stands under another from now on; both ids are of 32 bytes. Wipe the arena after use. */
enum tg_err depot_content_move(struct depot *depot, const struct hash *from, const struct hash *to, struct arena *arena);
/* Erases keys and heads of all portions of a bulletin and drops the bodies. *ret_any (may be NULL): was there something? */
enum tg_err depot_content_erase(struct depot *depot, const struct hash *bulletin, bool *ret_any);

#endif
