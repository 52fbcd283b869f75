/* SQLite, as a store that is certain or silent: exactly one connection per file (EXCLUSIVE locking), WAL,
   synchronous=FULL. After a commit or sync failed nobody knows what is on the disk: the store is *failed*,
   every later call returns TG_DISK and nothing may be acknowledged any more; the process ends and recovery
   at the next start decides. A disk found full before the commit only costs the transaction.
   Every page of the file has a sum, and the log is known to be whole: a damaged bit is told, with its page, and never taken for what was
   written. A store of an earlier version is rewritten with sums when it is opened, which needs its size again on the disk.
   Beside the file stand SQLite's "-wal" and our "-end" (os/extent.h); the three belong together.
   One thread. Triggers and views are off. */
#ifndef TOGUNA_OS_DB_H
#define TOGUNA_OS_DB_H

#include "proto/base.h"
#include "proto/buf.h"

struct db;
struct db_stmt;

struct db_options {
  const char *path;              /* made with mode 0600 when absent; ":memory:" for tests */
  const char *vfs;               /* NULL: the system's; a simulator registers its own under a name */
  uint32_t application_id;       /* marks the file as ours; another value there is TG_BAD_INPUT. Not 0 */
  const char *const *migrations; /* SQL; migration i brings version i to i+1. Never changed once released */
  size_t n_migrations;
  uint64_t cache_bytes;      /* 0: 8 MiB */
  uint64_t checkpoint_bytes; /* WAL size that triggers a checkpoint after a commit; 0: 16 MiB */
};

/* Opens, checks, migrates. TG_BUSY: another program has it open; TG_BAD_INPUT: not a store of ours;
   TG_UNKNOWN: written by a newer program; TG_DISK. */
enum tg_err db_open(const struct db_options *o, struct db **ret, struct tg_why *why);
/* Rolls back what is open, checkpoints, closes. NULL is fine. */
void db_close(struct db **db);

/* --- statements. `sql` must be a string literal: its address is the key of the cache. Never NULL; what is
   wrong shows at the first step. A statement in use must not be asked for again before db_reset(). */
struct db_stmt *db_stmt(struct db *db, const char *sql);
/* Parameters from 1. Bytes are borrowed until db_reset(). A number above INT64_MAX fails at the step. */
void db_bind_u64(struct db_stmt *s, int at, uint64_t v);
void db_bind_i64(struct db_stmt *s, int at, int64_t v);
void db_bind_blob(struct db_stmt *s, int at, struct slice v); /* an empty slice is an empty blob, not NULL */
/* What is in a buffer. When the buffer has failed the statement does not run, and says why: half of a value is never stored. */
void db_bind_buf(struct db_stmt *s, int at, const struct buf *v);
void db_bind_text(struct db_stmt *s, int at, struct slice v);
void db_bind_null(struct db_stmt *s, int at);
/* Next row: TG_OK with *ret_row true, or false at the end (the statement is then reset). On an error it is
   reset too. TG_DUPLICATE: a UNIQUE or PRIMARY KEY constraint; TG_CONFLICT: any other constraint; TG_TOO_BIG,
   TG_NO_MEMORY, TG_DISK, TG_INTERNAL. */
enum tg_err db_step(struct db_stmt *s, bool *ret_row);
/* Steps to the end and resets, for statements without rows. Errors as db_step. */
enum tg_err db_run(struct db_stmt *s);
/* The row that is looked for: to be read, and given back with db_reset(). TG_NOT_FOUND: there is none; errors as db_step. */
enum tg_err db_one(struct db_stmt *s);
/* The number in its first column, and the row is given back. TG_NOT_FOUND. */
enum tg_err db_number(struct db_stmt *s, uint64_t *ret);
/* The same of a hash. Also TG_DISK: what stands there is none. */
enum tg_err db_hash(struct db_stmt *s, struct hash *ret);
/* Is there a row? It is given back. */
enum tg_err db_any(struct db_stmt *s, bool *ret);
/* Gives back bindings and locks; needed only when a row was not the last one read. */
void db_reset(struct db_stmt *s);
/* Columns from 0, of the current row; slices live until the next step or reset. NULL reads as 0 or empty;
   negative as u64: 0. */
uint64_t db_u64(struct db_stmt *s, int column);
int64_t db_i64(struct db_stmt *s, int column);
struct slice db_blob(struct db_stmt *s, int column);
struct slice db_text(struct db_stmt *s, int column);
bool db_is_null(struct db_stmt *s, int column);
/* Copies a blob column of exactly n bytes; false (out untouched) when it has another length. */
bool db_bytes(struct db_stmt *s, int column, void *out, size_t n);
/* Rows touched by the last db_run(). */
uint64_t db_changes(struct db *db);

/* A function of these bytes and this number for statements to call, by this name: NULL for TG_NOT_FOUND; any other error is the statement's. It may run
   statements of its own. */
typedef enum tg_err db_function(void *context, struct slice bytes, uint64_t number, uint64_t *ret);
enum tg_err db_add_function(struct db *db, const char *name, db_function *f, void *context); /* context is borrowed while the store is open */

/* --- transactions; they do not nest. An error inside one does not end it: roll back. */
enum tg_err db_begin(struct db *db, struct tg_why *why);
/* TG_OK: it is on the disk. Otherwise the store has failed. */
enum tg_err db_commit(struct db *db, struct tg_why *why);
void db_rollback(struct db *db);
bool db_in_transaction(const struct db *db);
/* Has a row been written since db_begin()? A commit without any costs no sync. */
bool db_has_changed(const struct db *db);
bool db_failed(const struct db *db);
/* Explains the last error of the store, with SQLite's words as argument. Returns err. */
enum tg_err db_explain(struct db *db, enum tg_err err, struct tg_why *why);

/* What the store did since it was opened. A commit that changed something costs one sync, a checkpoint three, and what is written ahead of it one for each 256 pages. */
struct db_counts {
  uint64_t commits, checkpoints, syncs;
};
struct db_counts db_counts(const struct db *db);

/* --- upkeep */
enum tg_err db_checkpoint(struct db *db, struct tg_why *why); /* moves the WAL into the file and cuts it to nothing */
enum tg_err db_check(struct db *db, struct tg_why *why); /* PRAGMA integrity_check; TG_DISK when damaged */

#endif
