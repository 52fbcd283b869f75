/* What the hub keeps on its disk: one SQLite file and a folder of large sealed bodies. Nobody else touches either.

   All changes happen inside a transaction (store_begin … store_commit) and are seen by reads of the same store at once. A failed
   commit leaves the store *failed*: every later call returns TG_DISK and the process must end. Reads copy into the
   caller's arena; TG_NO_MEMORY when it is exhausted. Any error that is not named at a function is fail-stop.

   Nothing here is read whole at the start: opening takes as long with a million rows waiting as with none. */
#ifndef TOGUNA_BROKER_STORE_H
#define TOGUNA_BROKER_STORE_H

#include "os/db.h"
#include "proto/arena.h"
#include "proto/base.h"

struct store;

struct store_options {
  const char *database; /* path of the SQLite file; ":memory:" for tests */
  const char *bodies;   /* folder for large bodies; must exist. NULL: none are taken */
  const char *vfs;      /* SQLite VFS by name; NULL: the system's */
  uint64_t cache_bytes; /* of pages; 0: 32 MiB */
  uint64_t checkpoint_bytes; /* as in db_options */
};

/* Opens, checks, brings an older layout up to date. TG_BUSY: another process has it open; TG_BAD_INPUT: not a hub's store; TG_UNKNOWN:
   written by a newer program; TG_DISK. */
enum tg_err store_open(const struct store_options *options, struct store **ret, struct tg_why *why);
/* Rolls back what is open. NULL, or a pointer to NULL, is fine. */
void store_close(struct store **store);

/* Opens a transaction unless one is open. */
enum tg_err store_begin(struct store *store, struct tg_why *why);
/* Syncs body files written since the last commit, then commits. TG_OK: all of it is on the disk. Nothing open: TG_OK. */
enum tg_err store_commit(struct store *store, struct tg_why *why);
bool store_takes_bodies(const struct store *store); /* has it a folder for large ones? */
bool store_is_open(const struct store *store); /* is a transaction open? */
bool store_has_changed(const struct store *store); /* … and was a row written in it? Numbers that a commit writes do not count */
bool store_failed(const struct store *store); /* it takes and gives nothing any more */
enum tg_err store_explain(struct store *store, enum tg_err err, struct tg_why *why);

/* ---- facts about the hub, by name */
/* TG_NOT_FOUND. */
enum tg_err store_fact(struct store *store, const char *name, struct arena *arena, struct slice *ret);
enum tg_err store_fact_put(struct store *store, const char *name, struct slice value);
enum tg_err store_fact_drop(struct store *store, const char *name); /* absent: TG_OK */

/* ---- nodes: a small number stands for an identity key in all other tables */
typedef uint32_t nodeno;

/* The number of this node; a new one when it has none yet. From 1. */
enum tg_err store_node(struct store *store, const struct sign_pk *identity, nodeno *ret);
/* TG_NOT_FOUND. */
enum tg_err store_node_key(struct store *store, nodeno node, struct sign_pk *ret);

/* What the hub remembers of a node between sessions. */
struct store_node_state {
  uint64_t last_number;      /* highest bulletin number decided */
  uint64_t receipts_serial;  /* last Receipts frame taken, and the root of its batch */
  struct hash receipts_root;
  uint64_t notes_sequence;   /* last sequence given to a receipt note for this node */
};
enum tg_err store_node_state(struct store *store, nodeno node, struct store_node_state *ret);
enum tg_err store_node_number(struct store *store, nodeno node, uint64_t number); /* last_number = max(last_number, number) */
enum tg_err store_node_receipts(struct store *store, nodeno node, uint64_t serial, const struct hash *root);

/* ---- the log: entries with their salts, by leaf index; the tiles of its tree; the newest checkpoint */
struct store_entry {
  struct slice bytes; /* Entry */
  uint8_t salt[16];
};
/* leaf is the one after the last. */
enum tg_err store_entry_put(struct store *store, uint64_t leaf, const struct store_entry *entry);
/* TG_NOT_FOUND. */
enum tg_err store_entry(struct store *store, uint64_t leaf, struct arena *arena, struct store_entry *ret);
/* A tile: up to 256 hashes of 32 bytes. TG_NOT_FOUND. */
enum tg_err store_tile(struct store *store, unsigned level, uint64_t index, uint8_t out[8192], size_t *ret_bytes);
enum tg_err store_tile_put(struct store *store, unsigned level, uint64_t index, struct slice hashes);
/* How many leaves the log has: one more than the highest entry. */
enum tg_err store_log_size(struct store *store, uint64_t *ret);

/* Commits and checkpoints since it was opened. */
struct db_counts store_counts(const struct store *store);

#endif
