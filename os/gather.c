#include "os/gather.h"

#include "os/ahead.h"
#include "os/wal.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SQLite's own VFS writes no more than this at once: the length's lower 17 bits. What would not fit makes the rest go on
   first. */
enum { MOST = 0x1ffff };
/* Pages written ahead between two syncs: so long the next commit may have to wait for one. */
enum { AHEAD_SYNC = 256 };

static const char MAGIC[] = "SQLite format 3"; /* with its zero: a database begins so */

struct gather {
  sqlite3_vfs vfs; /* first: SQLite hands it back */
  sqlite3_vfs *base;
  bool sums, without;
  uint64_t bad; /* the page whose sum was wrong */
  struct ahead *ahead;
  struct file *store, *log; /* what it is about; NULL: not open, or a store without sums */
  bool opened, moving; /* a store was; a checkpoint is under way */
  uint32_t unread;     /* the page that it was not given, since it need not write it; 0: none */
  unsigned unsynced; /* pages written ahead */
  uint64_t syncs;
  char name[40];
};

/* Invariants: bytes [at, at + n) of the file stand in p and not yet below; the file below follows in memory. */
struct file {
  sqlite3_file base;
  sqlite3_file *below; /* behind this struct */
  struct gather *gather;
  bool sums; /* its pages have them */
  uint8_t *p;
  sqlite3_int64 at;
  size_t n;
};

static struct file *file_of(sqlite3_file *f)
{
  return (struct file *)f;
}

static int flush(struct file *f)
{
  if (f->n == 0)
    return SQLITE_OK;
  int rc = f->below->pMethods->xWrite(f->below, f->p, (int)f->n, f->at);
  if (rc == SQLITE_OK)
    f->n = 0; /* otherwise the next call tells the error again, or succeeds */
  return rc;
}

/* ---- one file */

static int write_bytes(struct file *f, const void *bytes, size_t size, sqlite3_int64 at)
{
  if (f->n > 0 && (at != f->at + (sqlite3_int64)f->n || f->n + size > MOST)) {
    int rc = flush(f);
    if (rc != SQLITE_OK)
      return rc;
  }
  if (!f->p)
    f->p = malloc(MOST);
  if (!f->p || size > MOST)
    return f->below->pMethods->xWrite(f->below, bytes, (int)size, at);
  if (f->n == 0)
    f->at = at;
  memcpy(f->p + f->n, bytes, size);
  f->n += size;
  return SQLITE_OK;
}

/* A whole page of a store: with its sum, it is written as a part of all else. */
static int write_page(struct file *f, const uint8_t *page, sqlite3_int64 at)
{
  uint8_t summed[PAGESUM_PAGE];
  memcpy(summed, page, sizeof summed);
  pagesum_put(summed, (uint64_t)at / PAGESUM_PAGE + 1);
  return write_bytes(f, summed, sizeof summed, at);
}

static int put_page(struct file *f, const uint8_t *bytes, int n, sqlite3_int64 at)
{
  /* Anything else, or a page without room for a sum, is a mistake of ours: nothing of it may reach the file. */
  if (n != PAGESUM_PAGE || at % PAGESUM_PAGE || (at == 0 && !pagesum_has_room(bytes)))
    return SQLITE_IOERR_WRITE;
  return write_page(f, bytes, at);
}

/* Of a checkpoint. What it was not given may go nowhere. */
static int checkpoint_page(struct file *f, const uint8_t *bytes, int n, sqlite3_int64 at)
{
  struct gather *g = f->gather;
  const uint32_t number = (uint32_t)(at / PAGESUM_PAGE) + 1, unread = g->unread;
  g->unread = 0;
  if (n == PAGESUM_PAGE && at % PAGESUM_PAGE == 0 && ahead_is_written(g->ahead, number))
    return SQLITE_OK;
  return unread ? SQLITE_IOERR_WRITE : put_page(f, bytes, n, at);
}

static int gather_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
  struct file *f = file_of(file);
  struct gather *g = f->gather;
  if (f == g->log)
    ahead_logged(g->ahead, bytes, (size_t)n, (uint64_t)at);
  if (!f->sums)
    return write_bytes(f, bytes, (size_t)n, at);
  return g->moving && f == g->store ? checkpoint_page(f, bytes, n, at) : put_page(f, bytes, n, at);
}

/* As it came from below. A few bytes of the beginning, which SQLite asks for before it knows the page size, prove nothing: what
   counts of them is read again with the page. */
static int check_pages(struct file *f, const uint8_t *p, int n, sqlite3_int64 at)
{
  if (!f->sums || n < 512)
    return SQLITE_OK;
  uint64_t number = (uint64_t)at / PAGESUM_PAGE + 1;
  bool good = n % PAGESUM_PAGE == 0 && at % PAGESUM_PAGE == 0;
  for (int i = 0; good && i < n; i += PAGESUM_PAGE, number += good)
    good = pagesum_holds(p + i, number);
  if (good)
    return SQLITE_OK;
  f->gather->bad = number;
  return SQLITE_IOERR_DATA;
}
static int read_bytes(struct file *f, void *out, int n, sqlite3_int64 at)
{
  const bool apart = at + n <= f->at || at >= f->at + (sqlite3_int64)f->n;
  /* Beyond the end of the file below nothing is apart: what is gathered may move that end. */
  if (f->n > 0 && !apart) {
    int rc = flush(f);
    if (rc != SQLITE_OK)
      return rc;
  }
  int rc = f->below->pMethods->xRead(f->below, out, n, at);
  if (rc != SQLITE_IOERR_SHORT_READ || f->n == 0)
    return rc;
  rc = flush(f);
  return rc != SQLITE_OK ? rc : f->below->pMethods->xRead(f->below, out, n, at);
}

/* Does a checkpoint read a page that it need not write? */
static bool is_in_vain(struct file *f, int n, sqlite3_int64 at)
{
  struct gather *g = f->gather;
  const sqlite3_int64 from = at - WAL_HEAD - WAL_FRAME_HEAD;
  g->unread = 0;
  if (g->moving && f == g->log && n == PAGESUM_PAGE && from >= 0 && from % WAL_FRAME == 0)
    g->unread = ahead_written_by(g->ahead, (uint64_t)from / WAL_FRAME + 1);
  return g->unread > 0;
}

static int gather_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
  struct file *f = file_of(file);
  if (is_in_vain(f, n, at))
    return SQLITE_OK;
  int rc = read_bytes(f, out, n, at);
  return rc != SQLITE_OK ? rc : check_pages(f, out, n, at);
}

static int gather_truncate(sqlite3_file *file, sqlite3_int64 size)
{
  struct file *f = file_of(file);
  if (f == f->gather->log)
    ahead_clear(f->gather->ahead);
  int rc = flush(f);
  return rc != SQLITE_OK ? rc : f->below->pMethods->xTruncate(f->below, size);
}

static int gather_sync(sqlite3_file *file, int flags)
{
  struct file *f = file_of(file);
  if (f == f->gather->store)
    f->gather->unsynced = 0;
  int rc = flush(f);
  return rc != SQLITE_OK ? rc : f->below->pMethods->xSync(f->below, flags);
}

static int gather_size(sqlite3_file *file, sqlite3_int64 *ret)
{
  struct file *f = file_of(file);
  int rc = flush(f);
  return rc != SQLITE_OK ? rc : f->below->pMethods->xFileSize(f->below, ret);
}

static int gather_close(sqlite3_file *file)
{
  struct file *f = file_of(file);
  if (f == f->gather->store)
    f->gather->store = NULL;
  if (f == f->gather->log)
    f->gather->log = NULL;
  int written = flush(f);
  int rc = f->below->pMethods->xClose(f->below);
  free(f->p);
  f->p = NULL;
  return written != SQLITE_OK ? written : rc;
}

static int gather_lock(sqlite3_file *file, int level)
{
  struct file *f = file_of(file);
  return f->below->pMethods->xLock(f->below, level);
}

static int gather_unlock(sqlite3_file *file, int level)
{
  struct file *f = file_of(file);
  int rc = flush(f); /* whoever may look next sees all */
  int unlocked = f->below->pMethods->xUnlock(f->below, level);
  return rc != SQLITE_OK ? rc : unlocked;
}

static int gather_reserved(sqlite3_file *file, int *ret)
{
  struct file *f = file_of(file);
  return f->below->pMethods->xCheckReservedLock(f->below, ret);
}

static int gather_control(sqlite3_file *file, int op, void *arg)
{
  struct file *f = file_of(file);
  if (f == f->gather->store && (op == SQLITE_FCNTL_CKPT_START || op == SQLITE_FCNTL_CKPT_DONE))
    f->gather->moving = op == SQLITE_FCNTL_CKPT_START;
  return f->below->pMethods->xFileControl(f->below, op, arg);
}

static int gather_sector(sqlite3_file *file)
{
  struct file *f = file_of(file);
  return f->below->pMethods->xSectorSize(f->below);
}

static int gather_traits(sqlite3_file *file)
{
  struct file *f = file_of(file);
  return f->below->pMethods->xDeviceCharacteristics(f->below);
}

/* Version 1: no shared memory (the store is ours alone) and no mapping. */
static const sqlite3_io_methods methods = {.iVersion = 1,
                                           .xClose = gather_close,
                                           .xRead = gather_read,
                                           .xWrite = gather_write,
                                           .xTruncate = gather_truncate,
                                           .xSync = gather_sync,
                                           .xFileSize = gather_size,
                                           .xLock = gather_lock,
                                           .xUnlock = gather_unlock,
                                           .xCheckReservedLock = gather_reserved,
                                           .xFileControl = gather_control,
                                           .xSectorSize = gather_sector,
                                           .xDeviceCharacteristics = gather_traits};

/* ---- ahead of a checkpoint */

static int move_page(struct gather *g, struct ahead_page p)
{
  uint8_t page[PAGESUM_PAGE];
  int rc = read_bytes(g->log, page, sizeof page, WAL_HEAD + (sqlite3_int64)(p.frame - 1) * WAL_FRAME + WAL_FRAME_HEAD);
  if (rc == SQLITE_OK)
    rc = write_page(g->store, page, (sqlite3_int64)(p.page - 1) * PAGESUM_PAGE);
  return rc;
}

/* They count as written when they have all gone on. */
static int move_pages(struct gather *g, const struct ahead_page *pages, size_t n)
{
  int rc = SQLITE_OK;
  for (size_t i = 0; rc == SQLITE_OK && i < n; i++)
    rc = move_page(g, pages[i]);
  if (rc == SQLITE_OK)
    rc = flush(g->store);
  for (size_t i = 0; rc == SQLITE_OK && i < n; i++)
    ahead_wrote(g->ahead, pages[i]);
  g->unsynced += (unsigned)n;
  if (rc == SQLITE_OK && g->unsynced >= AHEAD_SYNC) {
    rc = gather_sync(&g->store->base, SQLITE_SYNC_NORMAL);
    g->syncs++;
  }
  return rc;
}

enum tg_err gather_ahead(struct gather *g, uint64_t committed, uint64_t until)
{
  struct ahead_page pages[AHEAD_AT_ONCE];
  size_t n = AHEAD_AT_ONCE;
  int rc = SQLITE_OK;
  if (!g->store || !g->log)
    return TG_OK;
  ahead_committed(g->ahead, committed);
  for (size_t done = 0; rc == SQLITE_OK && n > 0 && done < AHEAD_MOST; done += n) {
    n = ahead_take(g->ahead, until, pages);
    rc = move_pages(g, pages, n);
  }
  return rc == SQLITE_OK || (rc & 0xff) == SQLITE_FULL ? TG_OK : TG_DISK;
}

uint64_t gather_ahead_syncs(const struct gather *g)
{
  return g->syncs;
}

/* ---- the rest of a VFS: as below */

static sqlite3_vfs *below(sqlite3_vfs *vfs)
{
  return ((struct gather *)vfs)->base;
}

/* Stores of earlier versions have no sums, and nothing beside them that only those with sums have. What is no store at all SQLite
   is to say itself. */
static bool is_without(struct gather *g, const char *name, sqlite3_file *f)
{
  uint8_t page[PAGESUM_PAGE];
  int there = 0;
  sqlite3_int64 size = 0;
  if (f->pMethods->xFileSize(f, &size) != SQLITE_OK || size < PAGESUM_PAGE ||
      f->pMethods->xRead(f, page, sizeof page, 0) != SQLITE_OK ||
      (memcmp(page, MAGIC, sizeof MAGIC) == 0 && !pagesum_is_without(page)))
    return false;
  char *end = sqlite3_mprintf("%s-end", name);
  int rc = end ? g->base->xAccess(g->base, end, SQLITE_ACCESS_EXISTS, &there) : SQLITE_NOMEM;
  sqlite3_free(end);
  return rc == SQLITE_OK && !there;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
  struct file *f = file_of(file);
  struct gather *g = (struct gather *)vfs;
  *f = (struct file){.below = (sqlite3_file *)(f + 1), .gather = g};
  int rc = below(vfs)->xOpen(below(vfs), name, f->below, flags, ret_flags);
  if (rc == SQLITE_OK && g->sums && (flags & SQLITE_OPEN_MAIN_DB)) {
    f->sums = !is_without(g, name, f->below);
    g->without |= !f->sums;
    g->store = f->sums && !g->opened ? f : g->store;
    g->opened = true;
  }
  if (rc == SQLITE_OK && !g->log && (flags & SQLITE_OPEN_WAL))
    g->log = f;
  /* A VFS may want xClose() after a failed open: it says so by its methods, and we by ours. */
  f->base.pMethods = f->below->pMethods ? &methods : NULL;
  return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
  return below(vfs)->xDelete(below(vfs), name, sync);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
  return below(vfs)->xAccess(below(vfs), name, flags, ret);
}

static int vfs_full_name(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
  return below(vfs)->xFullPathname(below(vfs), name, n, out);
}

static int vfs_randomness(sqlite3_vfs *vfs, int n, char *out)
{
  return below(vfs)->xRandomness(below(vfs), n, out);
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
  return below(vfs)->xSleep(below(vfs), microseconds);
}

static int vfs_time(sqlite3_vfs *vfs, double *ret)
{
  return below(vfs)->xCurrentTime(below(vfs), ret);
}

static int vfs_last_error(sqlite3_vfs *vfs, int n, char *out)
{
  return below(vfs)->xGetLastError ? below(vfs)->xGetLastError(below(vfs), n, out) : 0;
}

enum tg_err gather_new(const char *vfs, bool sums, struct gather **ret)
{
  static _Atomic uint64_t made;
  sqlite3_vfs *base = sqlite3_vfs_find(vfs);
  if (!base)
    return TG_NOT_FOUND;
  struct gather *g = calloc(1, sizeof *g);
  if (!g)
    return TG_NO_MEMORY;
  if (!(g->ahead = ahead_new())) {
    free(g);
    return TG_NO_MEMORY;
  }
  snprintf(g->name, sizeof g->name, "toguna-gather-%llu", (unsigned long long)++made);
  g->base = base;
  g->sums = sums;
  g->vfs = (sqlite3_vfs){.iVersion = 1,
                         .szOsFile = (int)sizeof(struct file) + base->szOsFile,
                         .mxPathname = base->mxPathname,
                         .zName = g->name,
                         .xOpen = vfs_open,
                         .xDelete = vfs_delete,
                         .xAccess = vfs_access,
                         .xFullPathname = vfs_full_name,
                         .xRandomness = vfs_randomness,
                         .xSleep = vfs_sleep,
                         .xCurrentTime = vfs_time,
                         .xGetLastError = vfs_last_error};
  if (sqlite3_vfs_register(&g->vfs, 0) != SQLITE_OK) {
    ahead_free(g->ahead);
    free(g);
    return TG_NO_MEMORY;
  }
  *ret = g;
  return TG_OK;
}

const char *gather_name(const struct gather *g)
{
  return g->name;
}

const char *gather_below(const struct gather *g)
{
  return g->base->zName;
}

bool gather_is_without(const struct gather *g)
{
  return g->without;
}

uint64_t gather_bad_page(const struct gather *g)
{
  return g->bad;
}

void gather_free(struct gather *g)
{
  if (!g)
    return;
  (void)sqlite3_vfs_unregister(&g->vfs);
  ahead_free(g->ahead);
  free(g);
}
