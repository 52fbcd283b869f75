#include "os/db_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum tg_err err_of(int rc)
{
  switch (rc & 0xff) {
  case SQLITE_OK:
  case SQLITE_ROW:
  case SQLITE_DONE:
    return TG_OK;
  case SQLITE_CONSTRAINT:
    return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
                   rc == SQLITE_CONSTRAINT_ROWID
               ? TG_DUPLICATE
               : TG_CONFLICT;
  case SQLITE_NOMEM:
    return TG_NO_MEMORY;
  case SQLITE_TOOBIG:
    return TG_TOO_BIG;
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return TG_BUSY;
  case SQLITE_FULL:
  case SQLITE_IOERR:
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
  case SQLITE_CANTOPEN:
  case SQLITE_READONLY:
  case SQLITE_PERM:
    return TG_DISK;
  }
  return TG_INTERNAL;
}

/* Remembers SQLite's words. A full disk in the middle of a transaction is not a failure of the store: nothing
   was acknowledged and rolling back is certain. Any other trouble with the disk is. */
enum tg_err db_note(struct db *db, int rc)
{
  enum tg_err err = err_of(rc);
  if (err == TG_OK)
    return err;
  snprintf(db->words, sizeof db->words, "%s", db->sqlite ? sqlite3_errmsg(db->sqlite) : sqlite3_errstr(rc));
  if (err == TG_DISK && (rc & 0xff) != SQLITE_FULL)
    db->failed = true;
  return err;
}

static enum tg_err damaged_page(const struct db *db, uint64_t number, struct tg_why *why)
{
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)number);
  return why_set(why, TG_DISK, db->path, N_("the store is damaged: page %1$s is not as it was written"),
                 N_("Nothing is taken from it any more. Look at the disk, and restore the store from a copy"), text, NULL, NULL);
}

enum tg_err db_explain(struct db *db, enum tg_err err, struct tg_why *why)
{
  if (err == TG_OK)
    return err;
  const uint64_t bad = db->gather ? gather_bad_page(db->gather) : 0;
  if (bad)
    return damaged_page(db, bad, why);
  if (db->failed)
    return why_set(
        why, TG_DISK, db->path, N_("the store failed and takes nothing more: %1$s"),
        N_("Nothing unconfirmed was acknowledged. Look for a full or failing disk, then start again"),
        db->words, NULL, NULL);
  if (err == TG_DISK)
    return why_set(why, err, db->path, N_("the store cannot be written: %1$s"),
                   N_("Free some space on that file system"), db->words, NULL, NULL);
  return why_set(why, err, db->path, N_("the store refused: %1$s"), NULL, db->words, NULL, NULL);
}

/* --- functions */

struct function {
  db_function *f;
  void *context;
};

static void call(sqlite3_context *c, int n, sqlite3_value **value)
{
  const struct function *function = sqlite3_user_data(c);
  const uint8_t *bytes = sqlite3_value_blob(value[0]);
  uint64_t ret;
  (void)n;
  switch (function->f(function->context, slice_of(bytes, (size_t)sqlite3_value_bytes(value[0])), (uint64_t)sqlite3_value_int64(value[1]), &ret)) {
  case TG_OK:
    sqlite3_result_int64(c, (sqlite3_int64)ret);
    break;
  case TG_NOT_FOUND:
    sqlite3_result_null(c);
    break;
  case TG_NO_MEMORY:
    sqlite3_result_error_nomem(c);
    break;
  default:
    sqlite3_result_error_code(c, SQLITE_IOERR);
    break;
  }
}

enum tg_err db_add_function(struct db *db, const char *name, db_function *f, void *context)
{
  struct function *function = malloc(sizeof *function);
  if (!function)
    return TG_NO_MEMORY;
  *function = (struct function){f, context};
  return db_note(db, sqlite3_create_function_v2(db->sqlite, name, 2, SQLITE_UTF8 | SQLITE_DIRECTONLY, function, call, NULL, NULL, free));
}

/* --- statements */

static size_t bucket_of(const char *sql)
{
  uint64_t x = (uint64_t)(uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15);
  return (size_t)(x >> 56) % DB_BUCKETS;
}

struct db_stmt *db_stmt(struct db *db, const char *sql)
{
  struct db_stmt **at = &db->bucket[bucket_of(sql)];
  for (struct db_stmt *s = *at; s; s = s->next)
    if (s->sql == sql) {
      if (s->stmt && sqlite3_stmt_busy(s->stmt))
        s->bad = TG_INTERNAL; /* a programming error: two users of one statement */
      return s;
    }
  struct db_stmt *s = calloc(1, sizeof *s);
  if (!s) {
    db->broken = (struct db_stmt){.db = db, .prepared = TG_NO_MEMORY};
    return &db->broken;
  }
  s->db = db;
  s->sql = sql;
  s->prepared = db_note(db, sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL));
  s->next = *at;
  *at = s;
  return s;
}

static void bound(struct db_stmt *s, int rc)
{
  if (rc != SQLITE_OK && s->bad == TG_OK)
    s->bad = rc == SQLITE_TOOBIG ? TG_TOO_BIG : TG_INTERNAL;
}

void db_bind_i64(struct db_stmt *s, int at, int64_t v)
{
  if (s->stmt)
    bound(s, sqlite3_bind_int64(s->stmt, at, v));
}

void db_bind_u64(struct db_stmt *s, int at, uint64_t v)
{
  if (v > INT64_MAX)
    s->bad = TG_BAD_INPUT;
  else
    db_bind_i64(s, at, (int64_t)v);
}

/* SQLite takes a NULL pointer for NULL, whatever the length. */
static const void *not_null(struct slice v)
{
  return v.p ? (const void *)v.p : "";
}

void db_bind_blob(struct db_stmt *s, int at, struct slice v)
{
  if (s->stmt)
    bound(s, sqlite3_bind_blob64(s->stmt, at, not_null(v), v.n, SQLITE_STATIC));
}

void db_bind_buf(struct db_stmt *s, int at, const struct buf *v)
{
  db_bind_blob(s, at, buf_slice(v));
  if (s->bad == TG_OK)
    s->bad = buf_status(v);
}

void db_bind_text(struct db_stmt *s, int at, struct slice v)
{
  if (s->stmt)
    bound(s, sqlite3_bind_text64(s->stmt, at, not_null(v), v.n, SQLITE_STATIC, SQLITE_UTF8));
}

void db_bind_null(struct db_stmt *s, int at)
{
  if (s->stmt)
    bound(s, sqlite3_bind_null(s->stmt, at));
}

void db_reset(struct db_stmt *s)
{
  s->bad = TG_OK;
  if (!s->stmt)
    return;
  (void)sqlite3_reset(s->stmt); /* repeats the error of the last step, already told */
  (void)sqlite3_clear_bindings(s->stmt);
}

static enum tg_err step(struct db_stmt *s, bool *ret_row)
{
  struct db *db = s->db;
  /* On a full disk SQLite may roll back by itself; what follows must not be committed piece by piece. */
  if (db->failed || (db->open && sqlite3_get_autocommit(db->sqlite)))
    return TG_DISK;
  if (s->prepared != TG_OK || s->bad != TG_OK)
    return s->prepared != TG_OK ? s->prepared : s->bad;
  int rc = sqlite3_step(s->stmt);
  *ret_row = rc == SQLITE_ROW;
  enum tg_err err = db_note(db, rc);
  /* A single write outside a transaction is its own commit. */
  if (err == TG_DISK && !db->open && !sqlite3_stmt_readonly(s->stmt))
    db->failed = true;
  return err;
}

enum tg_err db_step(struct db_stmt *s, bool *ret_row)
{
  bool row = false;
  enum tg_err err = step(s, &row);
  if (err == TG_OK && row) {
    *ret_row = true;
    return TG_OK;
  }
  db_reset(s);
  if (err == TG_OK)
    *ret_row = false;
  return err;
}

enum tg_err db_run(struct db_stmt *s)
{
  bool row = true;
  enum tg_err err = TG_OK;
  while (err == TG_OK && row)
    err = db_step(s, &row);
  return err;
}

enum tg_err db_one(struct db_stmt *s)
{
  bool row = false;
  enum tg_err err = db_step(s, &row);
  return err != TG_OK ? err : row ? TG_OK : TG_NOT_FOUND;
}

enum tg_err db_number(struct db_stmt *s, uint64_t *ret)
{
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  *ret = db_u64(s, 0);
  db_reset(s);
  return TG_OK;
}

enum tg_err db_hash(struct db_stmt *s, struct hash *ret)
{
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  err = db_bytes(s, 0, ret->b, sizeof ret->b) ? TG_OK : TG_DISK;
  db_reset(s);
  return err;
}

enum tg_err db_any(struct db_stmt *s, bool *ret)
{
  enum tg_err err = db_step(s, ret);
  db_reset(s);
  return err;
}

int64_t db_i64(struct db_stmt *s, int column)
{
  return sqlite3_column_int64(s->stmt, column);
}

uint64_t db_u64(struct db_stmt *s, int column)
{
  int64_t v = db_i64(s, column);
  return v > 0 ? (uint64_t)v : 0;
}

struct slice db_blob(struct db_stmt *s, int column)
{
  const void *p = sqlite3_column_blob(s->stmt, column); /* before the length: a conversion may change it */
  return slice_of(p, (size_t)sqlite3_column_bytes(s->stmt, column));
}

struct slice db_text(struct db_stmt *s, int column)
{
  const void *p = sqlite3_column_text(s->stmt, column);
  return slice_of(p, (size_t)sqlite3_column_bytes(s->stmt, column));
}

bool db_is_null(struct db_stmt *s, int column)
{
  return sqlite3_column_type(s->stmt, column) == SQLITE_NULL;
}

bool db_bytes(struct db_stmt *s, int column, void *out, size_t n)
{
  struct slice v = db_blob(s, column);
  if (v.n != n)
    return false;
  if (n)
    memcpy(out, v.p, n);
  return true;
}

uint64_t db_changes(struct db *db)
{
  return (uint64_t)sqlite3_changes64(db->sqlite);
}

/* --- transactions */

enum tg_err db_exec(struct db *db, const char *sql)
{
  return db_note(db, sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL));
}

enum tg_err db_begin(struct db *db, struct tg_why *why)
{
  enum tg_err err = db->open ? TG_INTERNAL : db_run(db_stmt(db, "BEGIN IMMEDIATE"));
  db->open = db->open || err == TG_OK;
  db->began_at = sqlite3_total_changes(db->sqlite);
  return db_explain(db, err, why);
}

/* In what way: SQLITE_CHECKPOINT_PASSIVE leaves the WAL as long as it is, to be written over from its beginning: the blocks are there, and the
   syncs of the commits to come have nothing to say to the file system's own journal. Once everything is in the file the log is no longer needed, and
   that must be certain before it is written over or cut. */
static enum tg_err checkpoint(struct db *db, int how)
{
  if (db->failed)
    return TG_DISK;
  int pages = 0, moved = 0;
  int rc = sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &moved);
  if (rc == SQLITE_OK && moved == pages && db->extent) {
    const enum tg_err cleared = extent_clear(db->extent);
    rc = cleared == TG_OK ? SQLITE_OK : cleared == TG_NO_MEMORY ? SQLITE_NOMEM : SQLITE_IOERR_FSYNC;
  }
  if (rc == SQLITE_OK && how != SQLITE_CHECKPOINT_PASSIVE)
    rc = sqlite3_wal_checkpoint_v2(db->sqlite, NULL, how, &pages, &moved);
  enum tg_err err = db_note(db, rc);
  db->counts.checkpoints += err == TG_OK && db->wal_pages > 0;
  if (err == TG_OK && moved == pages)
    db->wal_pages = 0;
  else if (err != TG_OK && err != TG_BUSY)
    db->failed = true;
  return err;
}

/* From half of its way to the checkpoint on, two frames of the log for each that came. The youngest are left to the checkpoint: what every commit
   writes again, the beginnings of trees above all, would be written in vain. */
static void write_ahead(struct db *db)
{
  const uint64_t pages = (uint64_t)db->wal_pages, limit = db->checkpoint_bytes / (uint64_t)db->page_size;
  if (!db->extent || pages <= limit / 2)
    return;
  const uint64_t even = 2 * pages - limit, old = pages - limit / 32;
  if (gather_ahead(db->gather, pages, even < old ? even : old) != TG_OK)
    db->failed = true;
}

enum tg_err db_commit(struct db *db, struct tg_why *why)
{
  enum tg_err err = db_run(db_stmt(db, "COMMIT"));
  if (err != TG_OK) {
    /* Whether the last frame of the log reached the disk cannot be known: SQLite may roll back in memory what
       recovery will find committed. */
    db->failed = true;
    (void)db_explain(db, TG_DISK, why);
    db_rollback(db);
    return TG_DISK;
  }
  db->open = false;
  write_ahead(db);
  if (db->failed || (uint64_t)db->wal_pages * (uint64_t)db->page_size < db->checkpoint_bytes)
    return TG_OK;
  /* The commit itself is certain; but a checkpoint that cannot sync means that the next one may not be, so it
     fails the store for all that follows. */
  (void)checkpoint(db, SQLITE_CHECKPOINT_PASSIVE);
  return TG_OK;
}

void db_rollback(struct db *db)
{
  if (!sqlite3_get_autocommit(db->sqlite))
    (void)sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
  db->open = false;
}

bool db_in_transaction(const struct db *db)
{
  return db->open;
}
bool db_has_changed(const struct db *db)
{
  return db->open && sqlite3_total_changes(db->sqlite) != db->began_at;
}
bool db_failed(const struct db *db)
{
  return db->failed;
}

int db_committed(void *arg, sqlite3 *sqlite, const char *name, int pages)
{
  struct db *db = arg;
  (void)name;
  db->wal_pages = pages;
  db->counts.commits++;
  sqlite3_file *log = NULL;
  if (db->extent && sqlite3_file_control(sqlite, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK)
    extent_note(db->extent, log, (uint64_t)pages);
  return SQLITE_OK;
}

struct db_counts db_counts(const struct db *db)
{
  struct db_counts counts = db->counts;
  counts.syncs = counts.commits + 3 * counts.checkpoints + (db->gather ? gather_ahead_syncs(db->gather) : 0);
  return counts;
}

enum tg_err db_checkpoint(struct db *db, struct tg_why *why)
{
  return db_explain(db, checkpoint(db, SQLITE_CHECKPOINT_TRUNCATE), why);
}

enum tg_err db_check(struct db *db, struct tg_why *why)
{
  struct db_stmt *s = db_stmt(db, "PRAGMA integrity_check(1)");
  bool row, good = false;
  enum tg_err err = db_step(s, &row);
  if (err == TG_OK && row) {
    good = slice_is(db_text(s, 0), "ok");
    snprintf(db->words, sizeof db->words, "%.*s", (int)db_text(s, 0).n, (const char *)db_text(s, 0).p);
    db_reset(s);
  }
  if (err == TG_OK && !good)
    db->failed = true; /* nothing of it may go over what is there */
  if (err == TG_OK && !good && !(db->gather && gather_bad_page(db->gather)))
    return why_set(why, TG_DISK, db->path, N_("the store is damaged: %1$s"),
                   N_("Restore it from a copy; what was confirmed since can be fetched again"), db->words,
                   NULL, NULL);
  return db_explain(db, good ? err : TG_DISK, why);
}
