/* Opening and closing of stores: checks, migrations, and the one rewriting of those that have no sums. */
#include "os/db_inside.h"

#include "os/fault.h"
#include "os/file.h"
#include "os/pagesum.h"

#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CACHE_BYTES (8u << 20)
#define CHECKPOINT_BYTES (16u << 20)

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

/* Counts for a file that is made now, and for VACUUM. */
static int ask_for_sums(struct db *db)
{
  int reserved = PAGESUM_BYTES;
  char sql[40];
  snprintf(sql, sizeof sql, "PRAGMA page_size=%d", (int)PAGESUM_PAGE);
  int rc = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
  return rc == SQLITE_OK ? sqlite3_file_control(db->sqlite, NULL, SQLITE_FCNTL_RESERVE_BYTES, &reserved) : rc;
}

static enum tg_err configure(struct db *db, const struct db_options *o)
{
  char cache[64];
  uint64_t kib = (o->cache_bytes ? o->cache_bytes : CACHE_BYTES) / 1024;
  snprintf(cache, sizeof cache, "PRAGMA cache_size=-%llu", (unsigned long long)kib);
  sqlite3_extended_result_codes(db->sqlite, 1);
  sqlite3_busy_timeout(db->sqlite, 0);
  sqlite3_wal_hook(db->sqlite, db_committed, db); /* also turns SQLite's own checkpoints off */
  static const int off[] = {
      SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION,
      SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_DQS_DDL,     SQLITE_DBCONFIG_DQS_DML};
  int rc = sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  for (size_t i = 0; rc == SQLITE_OK && i < sizeof off / sizeof *off; i++)
    rc = sqlite3_db_config(db->sqlite, off[i], 0, NULL);
  if (rc == SQLITE_OK && db->gather)
    rc = ask_for_sums(db);
  enum tg_err err = db_note(db, rc);
  /* Order matters: EXCLUSIVE before WAL keeps the WAL index in our memory, with no file to share. */
  if (err == TG_OK)
    err = pragma_word(db, "PRAGMA locking_mode=EXCLUSIVE", "exclusive");
  if (err == TG_OK)
    err = db_exec(db, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;"
                   "PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON; PRAGMA synchronous=FULL;");
  if (err == TG_OK)
    err = db_exec(db, cache);
  if (err == TG_OK)
    err = pragma_word(db, "PRAGMA journal_mode=WAL", in_memory(o) ? "memory" : "wal");
  /* The first write takes the lock that is then never given back. */
  if (err == TG_OK)
    err = db_exec(db, "BEGIN EXCLUSIVE; COMMIT");
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
    err = db_exec(db, "CREATE TABLE migration (version INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT");
  if (err == TG_OK)
    err = db_exec(db, sql);
  if (err == TG_OK) {
    struct db_stmt *s = db_stmt(db, "INSERT INTO migration (version, hash) VALUES (?, ?)");
    db_bind_u64(s, 1, i + 1);
    db_bind_blob(s, 2, slice_of(hash, sizeof hash));
    err = db_run(s);
  }
  if (err == TG_OK)
    err = db_exec(db, pragma);
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

/* Is the log all there? Asked when the store is ours alone, and before anything is written. */
static enum tg_err check_log(struct db *db, const struct db_options *o, struct tg_why *why)
{
  if (!db->gather || gather_is_without(db->gather))
    return TG_OK;
  return extent_open(o->vfs, o->path, &db->extent, why);
}

static enum tg_err open_file(const struct db_options *o, struct db *db, struct tg_why *why)
{
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  enum tg_err err = in_memory(o) ? TG_OK : gather_new(o->vfs, true, &db->gather);
  if (err == TG_OK)
    err = db_note(db, sqlite3_open_v2(o->path, &db->sqlite, flags, db->gather ? gather_name(db->gather) : o->vfs));
  if (err == TG_OK)
    err = configure(db, o);
  if (err != TG_OK)
    return cannot_open(db, err, db->sqlite && sqlite3_errcode(db->sqlite) == SQLITE_NOTADB, why);
  err = check_log(db, o, why);
  return err == TG_OK ? check_owner(db, o, why) : err;
}

/* SQLite's count of its memory takes a lock for every piece, and nobody asks for it. Too late where it has begun already: then it counts. */
static void configure_sqlite(void)
{
  (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum tg_err open_once(const struct db_options *o, struct db **ret, struct tg_why *why)
{
  static pthread_once_t configured = PTHREAD_ONCE_INIT;
  enum tg_err err = make_private(o, why);
  if (err != TG_OK)
    return err;
  (void)pthread_once(&configured, configure_sqlite);
  struct db *db = calloc(1, sizeof *db);
  if (!db || !(db->path = strdup(o->path))) {
    free(db);
    return why_set(why, TG_NO_MEMORY, o->path, N_("out of memory"), NULL, NULL, NULL, NULL);
  }
  db->checkpoint_bytes = o->checkpoint_bytes ? o->checkpoint_bytes : CHECKPOINT_BYTES;
  err = open_file(o, db, why);
  if (err == TG_OK)
    err = migrate(db, o, why);
  if (err != TG_OK) {
    db->failed = true; /* what could not be opened is left as it is */
    db_close(&db);
    return err;
  }
  *ret = db;
  return TG_OK;
}

/* A copy of a store of an earlier version, with sums, at `fresh`. */
static enum tg_err copy_with_sums(struct db *db, const char *fresh, struct tg_why *why)
{
  int fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return fault_why(why, TG_DISK, fresh, N_("cannot open the store: %1$s"), NULL);
  struct db_stmt *s = db_stmt(db, "VACUUM INTO ?1");
  db_bind_text(s, 1, slice_str(fresh));
  enum tg_err err = db_explain(db, db_run(s), why);
  if (err == TG_OK && fsync(fd) != 0)
    err = fault_why(why, TG_DISK, fresh, N_("cannot be written: %1$s"), NULL);
  close(fd);
  return err;
}

static enum tg_err rewrite_with_sums(const struct db_options *o, struct db **db, struct tg_why *why)
{
  char *fresh = sqlite3_mprintf("%s-new", o->path);
  enum tg_err err = fresh ? copy_with_sums(*db, fresh, why) : TG_NO_MEMORY;
  db_close(db);
  if (err == TG_OK && rename(fresh, o->path) != 0)
    err = fault_why(why, TG_DISK, o->path, N_("cannot be replaced: %1$s"), NULL);
  if (err == TG_OK)
    err = file_sync_folder(o->path, why);
  else if (fresh)
    (void)unlink(fresh);
  sqlite3_free(fresh);
  return err == TG_OK ? open_once(o, db, why) : err;
}

enum tg_err db_open(const struct db_options *o, struct db **ret, struct tg_why *why)
{
  struct db *db = NULL;
  enum tg_err err = open_once(o, &db, why);
  if (err == TG_OK && db->gather && gather_is_without(db->gather) && !o->vfs)
    err = rewrite_with_sums(o, &db, why);
  if (err == TG_OK)
    *ret = db;
  return err;
}

void db_close(struct db **taken)
{
  struct db *db = taken ? *taken : NULL;
  if (!db)
    return;
  *taken = NULL;
  if (db->sqlite)
    db_rollback(db);
  for (size_t i = 0; i < DB_BUCKETS; i++)
    while (db->bucket[i]) {
      struct db_stmt *s = db->bucket[i];
      db->bucket[i] = s->next;
      sqlite3_finalize(s->stmt);
      free(s);
    }
  if (db->extent && !db->failed && db_checkpoint(db, NULL) != TG_OK)
    db->failed = true;
  /* A failed store is left to the recovery of the next start: closing must not checkpoint what may be
     wrong. */
  if (db->sqlite && db->failed)
    (void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  if (db->sqlite)
    (void)sqlite3_close(db->sqlite);
  extent_free(db->extent);
  gather_free(db->gather);
  free(db->path);
  free(db);
}
