#include "os/db_copy.h"

#include "os/db_inside.h"
#include "os/fault.h"
#include "os/pagesum.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Invariants: backup is NULL before db_copy_new() is through and once the copy is whole or has failed; `made`: the file is ours to remove. */
struct db_copy {
  struct db *db;
  struct gather *gather; /* its own: what is wrong with the copy is not said of the store */
  sqlite3 *to;
  sqlite3_backup *backup;
  char *path;
  uint64_t pages;
  bool made, whole;
};

static enum tg_err cannot(const struct db_copy *c, int rc, struct tg_why *why)
{
  if (rc == SQLITE_NOMEM || (rc & 0xff) == SQLITE_NOMEM)
    return why_set(why, TG_NO_MEMORY, c->path, N_("out of memory"), NULL, NULL, NULL, NULL);
  if (gather_bad_page(c->db->gather))
    return db_explain(c->db, TG_DISK, why);
  if ((rc & 0xff) == SQLITE_FULL)
    return why_set(why, TG_DISK, c->path, N_("the copy found no room on the disk, and was removed"),
                   N_("Make room for the whole store once more, then ask again"), NULL, NULL, NULL);
  return why_set(why, TG_DISK, c->path, N_("the copy cannot be written: %1$s"), N_("Look at the disk, then ask again"),
                 c->to ? sqlite3_errmsg(c->to) : sqlite3_errstr(rc), NULL, NULL);
}

/* SQLite would make it readable for others, and would write into what is there. */
static enum tg_err make_file(struct db_copy *c, struct tg_why *why)
{
  sqlite3_vfs *vfs = sqlite3_vfs_find(gather_below(c->db->gather));
  int there = 0;
  if (vfs != sqlite3_vfs_find(NULL)) { /* a simulator's disk */
    if (vfs->xAccess(vfs, c->path, SQLITE_ACCESS_EXISTS, &there) != SQLITE_OK)
      there = 1;
  } else {
    int fd = open(c->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    there = fd < 0 && errno == EEXIST;
    if (fd < 0 && !there)
      return fault_why(why, TG_DISK, c->path, N_("the copy cannot be written: %1$s"), NULL);
    if (fd >= 0)
      close(fd);
  }
  if (there)
    return why_set(why, TG_DUPLICATE, c->path, N_("there is such a file already"), N_("Move it away, or choose another name"), NULL, NULL,
                   NULL);
  c->made = true;
  return TG_OK;
}

/* No journal: a copy that is not whole is removed, never rolled back. */
static int configure(struct db_copy *c)
{
  int reserved = PAGESUM_BYTES;
  char sql[160];
  snprintf(sql, sizeof sql, "PRAGMA page_size=%d; PRAGMA journal_mode=OFF; PRAGMA synchronous=FULL; PRAGMA cache_size=-2048; PRAGMA mmap_size=0;",
           c->db->page_size);
  int rc = sqlite3_extended_result_codes(c->to, 1);
  if (rc == SQLITE_OK && !gather_is_without(c->db->gather))
    rc = sqlite3_file_control(c->to, NULL, SQLITE_FCNTL_RESERVE_BYTES, &reserved);
  return rc == SQLITE_OK ? sqlite3_exec(c->to, sql, NULL, NULL, NULL) : rc;
}

enum tg_err db_copy_new(struct db *db, const char *path, struct db_copy **ret, struct tg_why *why)
{
  if (!db->gather)
    return why_set(why, TG_BAD_INPUT, path, N_("a store in memory is not copied"), NULL, NULL, NULL, NULL);
  struct db_copy *c = calloc(1, sizeof *c);
  if (!c || !(c->path = strdup(path))) {
    free(c);
    return why_set(why, TG_NO_MEMORY, path, N_("out of memory"), NULL, NULL, NULL, NULL);
  }
  c->db = db;
  enum tg_err err = make_file(c, why);
  if (err == TG_OK) {
    int rc = gather_new(gather_below(db->gather), !gather_is_without(db->gather), &c->gather) == TG_OK ? SQLITE_OK : SQLITE_NOMEM;
    if (rc == SQLITE_OK)
      rc = sqlite3_open_v2(path, &c->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, gather_name(c->gather));
    if (rc == SQLITE_OK)
      rc = configure(c);
    if (rc == SQLITE_OK) {
      c->backup = sqlite3_backup_init(c->to, "main", db->sqlite, "main");
      rc = c->backup ? SQLITE_OK : sqlite3_errcode(c->to);
    }
    err = rc == SQLITE_OK ? TG_OK : cannot(c, rc, why);
  }
  if (err != TG_OK) {
    db_copy_free(&c, false);
    return err;
  }
  *ret = c;
  return TG_OK;
}

static sqlite3_file *file_of(const struct db_copy *c)
{
  sqlite3_file *file = NULL;
  return sqlite3_file_control(c->to, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK ? file : NULL;
}

/* Else the last step would have to bring all of it to the disk, and everybody waited for that. */
static int write_through(struct db_copy *c)
{
  sqlite3_file *file = file_of(c);
  int rc = sqlite3_db_cacheflush(c->to);
  if (rc == SQLITE_BUSY)
    rc = SQLITE_OK; /* a page in use is written by a later step */
  if (rc != SQLITE_OK || !file || !file->pMethods)
    return rc;
  return file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
}

enum tg_err db_copy_step(struct db_copy *c, unsigned pages, bool *ret_whole, struct tg_why *why)
{
  *ret_whole = c->whole;
  if (c->whole)
    return TG_OK;
  int rc = c->backup ? sqlite3_backup_step(c->backup, (int)pages) : SQLITE_MISUSE;
  if (c->backup && sqlite3_backup_pagecount(c->backup) > 0)
    c->pages = (uint64_t)sqlite3_backup_pagecount(c->backup);
  const bool last = rc == SQLITE_DONE;
  if (rc == SQLITE_OK)
    rc = write_through(c);
  if (last || rc != SQLITE_OK) {
    int finished = sqlite3_backup_finish(c->backup);
    c->backup = NULL;
    rc = last ? finished : rc;
  }
  if (rc != SQLITE_OK)
    return cannot(c, rc, why);
  *ret_whole = c->whole = last;
  return TG_OK;
}

uint64_t db_copy_bytes(const struct db_copy *c)
{
  return c->pages * (uint64_t)c->db->page_size;
}

enum tg_err db_copy_read(struct db_copy *c, uint64_t at, size_t n, uint8_t *out, struct tg_why *why)
{
  sqlite3_file *file = c->whole ? file_of(c) : NULL;
  int rc = file && at + n <= db_copy_bytes(c) ? file->pMethods->xRead(file, out, (int)n, (sqlite3_int64)at) : SQLITE_IOERR_READ;
  if (rc == SQLITE_OK)
    return TG_OK;
  return why_set(why, TG_DISK, c->path, N_("the copy cannot be read back as it was written"), N_("Look at the disk, then ask again"), NULL,
                 NULL, NULL);
}

void db_copy_free(struct db_copy **taken, bool keep)
{
  struct db_copy *c = taken ? *taken : NULL;
  if (!c)
    return;
  *taken = NULL;
  if (c->backup)
    (void)sqlite3_backup_finish(c->backup);
  (void)sqlite3_close(c->to);
  if (c->made && !(keep && c->whole))
    (void)db_copy_clear(gather_below(c->db->gather), c->path, NULL);
  gather_free(c->gather);
  free(c->path);
  free(c);
}

enum tg_err db_copy_clear(const char *name, const char *path, struct tg_why *why)
{
  sqlite3_vfs *vfs = sqlite3_vfs_find(name);
  if (!vfs)
    return TG_OK;
  int rc = vfs->xDelete(vfs, path, 1); /* xAccess() does not see an empty file */
  if (rc == SQLITE_OK || rc == SQLITE_IOERR_DELETE_NOENT)
    return TG_OK;
  return why_set(why, TG_DISK, path, N_("what an interrupted copy left cannot be removed"), N_("Remove it by hand"), NULL, NULL, NULL);
}

uint64_t db_bytes_used(struct db *db)
{
  struct db_stmt *s = db_stmt(db, "PRAGMA page_count");
  bool row = false;
  uint64_t pages = 0;
  if (db_step(s, &row) == TG_OK && row) {
    pages = db_u64(s, 0);
    db_reset(s);
  }
  return pages * (uint64_t)db->page_size;
}
