#include "os/gather.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SQLite's own VFS writes no more than this at once: the length's lower 17 bits. What would not fit makes the rest go on
   first. */
enum { MOST = 0x1ffff };

struct gather {
  sqlite3_vfs vfs; /* first: SQLite hands it back */
  sqlite3_vfs *base;
  char name[40];
};

/* Invariants: bytes [at, at + n) of the file stand in p and not yet below; the file below follows in memory. */
struct file {
  sqlite3_file base;
  sqlite3_file *below; /* behind this struct */
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

static int gather_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
  struct file *f = file_of(file);
  const size_t size = (size_t)n;
  if (f->n > 0 && (at != f->at + (sqlite3_int64)f->n || f->n + size > MOST)) {
    int rc = flush(f);
    if (rc != SQLITE_OK)
      return rc;
  }
  if (!f->p)
    f->p = malloc(MOST);
  if (!f->p || size > MOST)
    return f->below->pMethods->xWrite(f->below, bytes, n, at);
  if (f->n == 0)
    f->at = at;
  memcpy(f->p + f->n, bytes, size);
  f->n += size;
  return SQLITE_OK;
}

static int gather_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
  struct file *f = file_of(file);
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

static int gather_truncate(sqlite3_file *file, sqlite3_int64 size)
{
  struct file *f = file_of(file);
  int rc = flush(f);
  return rc != SQLITE_OK ? rc : f->below->pMethods->xTruncate(f->below, size);
}

static int gather_sync(sqlite3_file *file, int flags)
{
  struct file *f = file_of(file);
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

/* ---- the rest of a VFS: as below */

static sqlite3_vfs *below(sqlite3_vfs *vfs)
{
  return ((struct gather *)vfs)->base;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
  struct file *f = file_of(file);
  *f = (struct file){.below = (sqlite3_file *)(f + 1)};
  int rc = below(vfs)->xOpen(below(vfs), name, f->below, flags, ret_flags);
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

enum tg_err gather_new(const char *vfs, struct gather **ret)
{
  static _Atomic uint64_t made;
  sqlite3_vfs *base = sqlite3_vfs_find(vfs);
  if (!base)
    return TG_NOT_FOUND;
  struct gather *g = calloc(1, sizeof *g);
  if (!g)
    return TG_NO_MEMORY;
  snprintf(g->name, sizeof g->name, "toguna-gather-%llu", (unsigned long long)++made);
  g->base = base;
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

void gather_free(struct gather *g)
{
  if (!g)
    return;
  (void)sqlite3_vfs_unregister(&g->vfs);
  free(g);
}
