#include "os/db.h"

#include "os/fault.h"
#include "os/file.h"
#include "os/gather.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CACHE_BYTES (8u << 20)
#define CHECKPOINT_BYTES (4u << 20)
#define BUCKETS 256

/* Invariant: bad is what a bind found wrong; it is told, once, by the next step. */
struct db_stmt {
  struct db *db;
  const char *sql;    /* the literal: its address is the key */
  sqlite3_stmt *stmt; /* NULL when it could not be prepared; then bad says so */
  enum tg_err prepared, bad;
  struct db_stmt *next;
};

/* Invariants: once failed is set it stays; statements live until db_close(). */
struct db {
  sqlite3 *sqlite;
  struct gather *gather; /* between SQLite and its VFS; NULL for a store in memory */
  char *path;
  bool failed;
  bool open;       /* between db_begin() and its end, whatever SQLite thinks */
  char words[200]; /* SQLite's words for the last error */
  int wal_pages;   /* as of the last commit */
  struct db_counts counts;
  uint64_t checkpoint_bytes;
  int page_size;
  struct db_stmt *bucket[BUCKETS];
  struct db_stmt broken; /* given out when there is no memory for a statement */
};

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
static enum tg_err note(struct db *db, int rc)
{
  enum tg_err err = err_of(rc);
  if (err == TG_OK)
    return err;
  snprintf(db->words, sizeof db->words, "%s", db->sqlite ? sqlite3_errmsg(db->sqlite) : sqlite3_errstr(rc));
  if (err == TG_DISK && (rc & 0xff) != SQLITE_FULL)
    db->failed = true;
  return err;
}

enum tg_err db_explain(struct db *db, enum tg_err err, struct tg_why *why)
{
  if (err == TG_OK)
    return err;
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

/* --- statements */

static size_t bucket_of(const char *sql)
{
  uint64_t x = (uint64_t)(uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15);
  return (size_t)(x >> 56) % BUCKETS;
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
  s->prepared = note(db, sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL));
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
  enum tg_err err = note(db, rc);
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

static enum tg_err exec(struct db *db, const char *sql)
{
  return note(db, sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL));
}

enum tg_err db_begin(struct db *db, struct tg_why *why)
{
  enum tg_err err = db->open ? TG_INTERNAL : db_run(db_stmt(db, "BEGIN IMMEDIATE"));
  db->open = db->open || err == TG_OK;
  return db_explain(db, err, why);
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
  if ((uint64_t)db->wal_pages * (uint64_t)db->page_size < db->checkpoint_bytes)
    return TG_OK;
  /* The commit itself is certain; but a checkpoint that cannot sync means that the next one may not be, so it
     fails the store for all that follows. */
  (void)db_checkpoint(db, NULL);
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
bool db_failed(const struct db *db)
{
  return db->failed;
}

static int count_wal_pages(void *arg, sqlite3 *sqlite, const char *name, int pages)
{
  struct db *db = arg;
  (void)sqlite;
  (void)name;
  db->wal_pages = pages;
  db->counts.commits++;
  return SQLITE_OK;
}

struct db_counts db_counts(const struct db *db)
{
  return db->counts;
}

enum tg_err db_checkpoint(struct db *db, struct tg_why *why)
{
  enum tg_err err = TG_DISK;
  if (!db->failed) {
    int rc = sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    err = note(db, rc);
    db->counts.checkpoints += err == TG_OK && db->wal_pages > 0;
    if (err == TG_OK)
      db->wal_pages = 0;
    else if (err != TG_BUSY)
      db->failed = true;
  }
  return db_explain(db, err, why);
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
    return why_set(why, TG_DISK, db->path, N_("the store is damaged: %1$s"),
                   N_("Restore it from a copy; what was confirmed since can be fetched again"), db->words,
                   NULL, NULL);
  return db_explain(db, err, why);
}

/* --- opening */

static enum tg_err pragma_number(struct db *db, const char *sql, int64_t *ret)
{
  struct db_stmt *s = db_stmt(db, sql);
  bool row = false;
  enum tg_err err = db_step(s, &row);
  if (err == TG_OK && row) {
    *ret = db_i64(s, 0);
    db_reset(s);
  }
  return err;
}

/* A pragma that does not do what was asked says so only by its answer. */
static enum tg_err pragma_word(struct db *db, const char *sql, const char *expected)
{
  struct db_stmt *s = db_stmt(db, sql);
  bool row = false, right = false;
  enum tg_err err = db_step(s, &row);
  if (err == TG_OK && row) {
    right = slice_is(db_text(s, 0), expected);
    db_reset(s);
  }
  if (err == TG_OK && !right) {
    snprintf(db->words, sizeof db->words, "%s", sql);
    return TG_INTERNAL;
  }
  return err;
}

static bool in_memory(const struct db_options *o)
{
  return strcmp(o->path, ":memory:") == 0;
}

static enum tg_err configure(struct db *db, const struct db_options *o)
{
  char cache[64];
  uint64_t kib = (o->cache_bytes ? o->cache_bytes : CACHE_BYTES) / 1024;
  snprintf(cache, sizeof cache, "PRAGMA cache_size=-%llu", (unsigned long long)kib);
  sqlite3_extended_result_codes(db->sqlite, 1);
  sqlite3_busy_timeout(db->sqlite, 0);
  sqlite3_wal_hook(db->sqlite, count_wal_pages, db); /* also turns SQLite's own checkpoints off */
  static const int off[] = {
      SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION,
      SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_DQS_DDL,     SQLITE_DBCONFIG_DQS_DML};
  int rc = sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  for (size_t i = 0; rc == SQLITE_OK && i < sizeof off / sizeof *off; i++)
    rc = sqlite3_db_config(db->sqlite, off[i], 0, NULL);
  enum tg_err err = note(db, rc);
  /* Order matters: EXCLUSIVE before WAL keeps the WAL index in our memory, with no file to share. */
  if (err == TG_OK)
    err = pragma_word(db, "PRAGMA locking_mode=EXCLUSIVE", "exclusive");
  if (err == TG_OK)
    err = exec(db, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;"
                   "PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON; PRAGMA synchronous=FULL;");
  if (err == TG_OK)
    err = exec(db, cache);
  if (err == TG_OK)
    err = pragma_word(db, "PRAGMA journal_mode=WAL", in_memory(o) ? "memory" : "wal");
  /* The first write takes the lock that is then never given back. */
  if (err == TG_OK)
    err = exec(db, "BEGIN EXCLUSIVE; COMMIT");
  int64_t page = 4096;
  if (err == TG_OK)
    err = pragma_number(db, "PRAGMA page_size", &page);
  db->page_size = (int)page;
  return err;
}

static enum tg_err not_ours(const struct db *db, struct tg_why *why)
{
  return why_set(why, TG_BAD_INPUT, db->path, N_("this file is not a store of this program"),
                 N_("Check the path; nothing was changed"), NULL, NULL, NULL);
}

/* An empty file has application id 0 and no schema; ours has our id. */
static enum tg_err check_owner(struct db *db, const struct db_options *o, struct tg_why *why)
{
  int64_t id = 0, schema = 0;
  enum tg_err err = pragma_number(db, "PRAGMA application_id", &id);
  if (err == TG_OK)
    err = pragma_number(db, "SELECT count(*) FROM sqlite_schema", &schema);
  if (err != TG_OK)
    return db_explain(db, err, why);
  if ((uint32_t)id == o->application_id)
    return TG_OK;
  return id == 0 && schema == 0 ? TG_OK : not_ours(db, why);
}

static enum tg_err hash_known(struct db *db, int64_t version, const uint8_t hash[32], bool *ret_same)
{
  struct db_stmt *s = db_stmt(db, "SELECT hash FROM migration WHERE version = ?");
  bool row = false;
  uint8_t known[32];
  db_bind_i64(s, 1, version);
  enum tg_err err = db_step(s, &row);
  *ret_same =
      err == TG_OK && row && db_bytes(s, 0, known, sizeof known) && !memcmp(known, hash, sizeof known);
  if (err == TG_OK && row)
    db_reset(s);
  return err;
}

/* One version further: the change and the note of it in one transaction. */
static enum tg_err migrate_step(struct db *db, const struct db_options *o, size_t i, struct tg_why *why)
{
  uint8_t hash[32];
  char pragma[128];
  const char *sql = o->migrations[i];
  crypto_hash_sha256(hash, (const uint8_t *)sql, strlen(sql));
  snprintf(pragma, sizeof pragma, "PRAGMA application_id=%d; PRAGMA user_version=%zu", (int)o->application_id,
           i + 1);
  enum tg_err err = db_begin(db, why);
  if (err != TG_OK)
    return err;
  if (i == 0)
    err = exec(db, "CREATE TABLE migration (version INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT");
  if (err == TG_OK)
    err = exec(db, sql);
  if (err == TG_OK) {
    struct db_stmt *s = db_stmt(db, "INSERT INTO migration (version, hash) VALUES (?, ?)");
    db_bind_u64(s, 1, i + 1);
    db_bind_blob(s, 2, slice_of(hash, sizeof hash));
    err = db_run(s);
  }
  if (err == TG_OK)
    err = exec(db, pragma);
  if (err == TG_OK)
    return db_commit(db, why);
  (void)db_explain(db, err, why);
  db_rollback(db);
  return err;
}

static enum tg_err migrate(struct db *db, const struct db_options *o, struct tg_why *why)
{
  int64_t version = 0;
  enum tg_err err = pragma_number(db, "PRAGMA user_version", &version);
  if (err != TG_OK)
    return db_explain(db, err, why);
  if (version < 0 || (uint64_t)version > o->n_migrations) {
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)version);
    return why_set(why, TG_UNKNOWN, db->path,
                   N_("this store has version %1$s, newer than this program knows"),
                   N_("Use the newer program; nothing was changed"), number, NULL, NULL);
  }
  for (size_t i = 0; i < (size_t)version; i++) {
    uint8_t hash[32];
    bool same;
    crypto_hash_sha256(hash, (const uint8_t *)o->migrations[i], strlen(o->migrations[i]));
    err = hash_known(db, (int64_t)i + 1, hash, &same);
    if (err != TG_OK)
      return db_explain(db, err, why);
    if (!same)
      return not_ours(db, why);
  }
  for (size_t i = (size_t)version; err == TG_OK && i < o->n_migrations; i++)
    err = migrate_step(db, o, i, why);
  return err;
}

/* SQLite would make it readable for others, as umask allows; WAL and journal copy the file's mode. */
static enum tg_err make_private(const struct db_options *o, struct tg_why *why)
{
  if (o->vfs || in_memory(o))
    return TG_OK;
  int fd = open(o->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return fault_why(why, TG_DISK, o->path, N_("cannot open the store: %1$s"), NULL);
  close(fd);
  return file_sync_folder(o->path, why);
}

static enum tg_err cannot_open(struct db *db, enum tg_err err, bool not_a_db, struct tg_why *why)
{
  if (err == TG_BUSY)
    return why_set(why, err, db->path, N_("another program has this store open"), N_("Stop it first"), NULL,
                   NULL, NULL);
  if (not_a_db)
    return not_ours(db, why);
  (void)db_explain(db, err, why);
  return err;
}

enum tg_err db_open(const struct db_options *o, struct db **ret, struct tg_why *why)
{
  enum tg_err err = make_private(o, why);
  if (err != TG_OK)
    return err;
  struct db *db = calloc(1, sizeof *db);
  if (!db || !(db->path = strdup(o->path))) {
    free(db);
    return why_set(why, TG_NO_MEMORY, o->path, N_("out of memory"), NULL, NULL, NULL, NULL);
  }
  db->checkpoint_bytes = o->checkpoint_bytes ? o->checkpoint_bytes : CHECKPOINT_BYTES;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (!in_memory(o))
    err = gather_new(o->vfs, &db->gather);
  if (err == TG_OK)
    err = note(db, sqlite3_open_v2(o->path, &db->sqlite, flags, db->gather ? gather_name(db->gather) : o->vfs));
  if (err == TG_OK)
    err = configure(db, o);
  if (err != TG_OK)
    err = cannot_open(db, err, db->sqlite && sqlite3_errcode(db->sqlite) == SQLITE_NOTADB, why);
  else
    err = check_owner(db, o, why);
  if (err == TG_OK)
    err = migrate(db, o, why);
  if (err != TG_OK) {
    db_close(&db);
    return err;
  }
  *ret = db;
  return TG_OK;
}

void db_close(struct db **taken)
{
  struct db *db = taken ? *taken : NULL;
  if (!db)
    return;
  *taken = NULL;
  if (db->sqlite)
    db_rollback(db);
  for (size_t i = 0; i < BUCKETS; i++)
    while (db->bucket[i]) {
      struct db_stmt *s = db->bucket[i];
      db->bucket[i] = s->next;
      sqlite3_finalize(s->stmt);
      free(s);
    }
  /* A failed store is left to the recovery of the next start: closing must not checkpoint what may be
     wrong. */
  if (db->sqlite && db->failed)
    (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  if (db->sqlite)
    (void)sqlite3_close(db->sqlite);
  gather_free(db->gather);
  free(db->path);
  free(db);
}
