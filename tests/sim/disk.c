#include "tests/sim/disk.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SECTOR = 512, PAGE = 4096, FILES = 16, NAME = 128 };

/* A write of n bytes at `at` (or, with cut set, a truncation to there) that was not synced yet. The n_old bytes that it replaced follow, for
   a crash to put back; what it wrote stands in the file. */
struct pending {
  size_t at, n, n_old, size; /* size: of the file before */
  bool cut;
};

/* Growing bytes at a fixed address: a span of address space that is backed only as far as it was used. Simulations are many and short:
   spans go from one to the next, so that the kernel and malloc() have no part in a write. */
enum { SPAN = 64 << 20 };
struct span {
  uint8_t *p; /* NULL: none yet */
  size_t n;
};

/* Invariants: with all pending undone, the last first, `now` is what was synced; a file with exists = false has neither bytes nor pending. */
struct file {
  char name[NAME];
  bool exists, durable; /* durable: its directory entry was synced with it */
  struct span now, pending;
};

struct disk {
  sqlite3_vfs vfs;
  char name[64];
  struct random *r;
  struct file file[FILES];
  bool off;
  uint64_t generation; /* of the power: handles of an earlier one are dead */
  uint64_t fail_after;
  bool fail_full, full, powersafe;
  struct disk_stats stats;
};

struct handle {
  sqlite3_file base;
  struct disk *d;
  struct file *f;
  uint64_t generation;
  bool temporary;
};

static void *must(void *p)
{
  if (!p)
    abort(); /* a simulation out of memory has nothing to say */
  return p;
}

static struct file *find(struct disk *d, const char *name)
{
  for (size_t i = 0; i < FILES; i++)
    if (d->file[i].exists && !strcmp(d->file[i].name, name))
      return &d->file[i];
  return NULL;
}

/* ---- spans */

static struct { /* that nobody uses now; one simulation runs per process */
  uint8_t *free[32 * FILES];
  size_t n;
} shelf;

/* Makes it `size` long; what is new before `written`, which the caller writes, is zero. */
static void resize(struct span *span, size_t size, size_t written)
{
  if (size > SPAN)
    abort(); /* no simulation writes so much */
  if (!span->p && shelf.n > 0)
    span->p = shelf.free[--shelf.n];
  if (!span->p) {
    span->p = mmap(NULL, SPAN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (span->p == MAP_FAILED)
      abort();
  }
  if (written > span->n)
    memset(span->p + span->n, 0, written - span->n);
  span->n = size;
}

static void copy(struct span *to, const struct span *from)
{
  resize(to, from->n, 0);
  if (from->n)
    memcpy(to->p, from->p, from->n);
}

static void release(struct span *span)
{
  if (span->p && shelf.n < sizeof shelf.free / sizeof *shelf.free)
    shelf.free[shelf.n++] = span->p;
  else if (span->p)
    munmap(span->p, SPAN);
  *span = (struct span){.n = 0};
}

/* ---- files */

static void file_clear(struct file *f)
{
  release(&f->now);
  release(&f->pending);
  *f = (struct file){.exists = false};
}

static struct file *create(struct disk *d, const char *name)
{
  for (size_t i = 0; i < FILES; i++) {
    struct file *f = &d->file[i];
    if (f->exists)
      continue;
    assert(strlen(name) < NAME);
    *f = (struct file){.exists = true};
    strcpy(f->name, name);
    return f;
  }
  abort(); /* SQLite opens a database, its WAL and few temporary files */
}

static size_t space_of(const struct pending *p)
{
  size_t align = _Alignof(struct pending);
  return sizeof *p + (p->n_old + align - 1) / align * align;
}
/* The first pending, or what follows this one; NULL: no more. */
static struct pending *pending_after(const struct file *f, struct pending *p)
{
  uint8_t *at = p ? (uint8_t *)p + space_of(p) : f->pending.p;
  return at && at < f->pending.p + f->pending.n ? (struct pending *)(void *)at : NULL;
}

/* Bytes come to stand at a place. */
static void put(struct span *to, size_t at, const void *bytes, size_t n)
{
  if (at + n > to->n)
    resize(to, at + n, at);
  if (n)
    memcpy(to->p + at, bytes, n);
}

static int change(struct file *f, size_t at, const void *bytes, size_t n, bool cut)
{
  const size_t end = cut ? f->now.n : at + n < f->now.n ? at + n : f->now.n, old = end > at ? end - at : 0;
  const struct pending what = {.at = at, .n = n, .n_old = old, .size = f->now.n, .cut = cut};
  const size_t here = f->pending.n;
  resize(&f->pending, here + space_of(&what), here + space_of(&what));
  struct pending *p = (struct pending *)(void *)(f->pending.p + here);
  *p = what;
  if (old)
    memcpy(p + 1, f->now.p + at, old);
  if (cut)
    resize(&f->now, at, at);
  else
    put(&f->now, at, bytes, n);
  return SQLITE_OK;
}

static void undo(struct span *now, const struct pending *p)
{
  resize(now, p->size, 0);
  if (p->n_old)
    memcpy(now->p + p->at, p + 1, p->n_old);
}

/* Is this operation the one that was told to fail? */
static bool fails(struct disk *d) { return d->fail_after && --d->fail_after == 0; }
static bool dead(const struct handle *h) { return h->d->off || h->generation != h->d->generation; }

static int vfs_read(sqlite3_file *base, void *out, int n, sqlite3_int64 at)
{
  struct handle *h = (struct handle *)base;
  if (dead(h))
    return SQLITE_IOERR_READ;
  size_t have = (size_t)at >= h->f->now.n ? 0 : h->f->now.n - (size_t)at;
  if (have > (size_t)n)
    have = (size_t)n;
  if (have)
    memcpy(out, h->f->now.p + at, have);
  memset((uint8_t *)out + have, 0, (size_t)n - have);
  return have == (size_t)n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int vfs_write(sqlite3_file *base, const void *bytes, int n, sqlite3_int64 at)
{
  struct handle *h = (struct handle *)base;
  if (dead(h))
    return SQLITE_IOERR_WRITE;
  h->d->stats.writes++;
  if (fails(h->d))
    return h->d->fail_full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
  if (h->d->full && (size_t)at + (size_t)n > h->f->now.n)
    return SQLITE_FULL;
  /* The kernel brings the pages of one write to the disk in any order: each has a fate of its own. */
  for (size_t from = (size_t)at, end = from + (size_t)n, to; from < end; from = to) {
    to = (from / PAGE + 1) * PAGE;
    to = to < end ? to : end;
    change(h->f, from, (const uint8_t *)bytes + (from - (size_t)at), to - from, false);
  }
  return SQLITE_OK;
}

static int vfs_truncate(sqlite3_file *base, sqlite3_int64 size)
{
  struct handle *h = (struct handle *)base;
  if (dead(h) || fails(h->d))
    return SQLITE_IOERR_TRUNCATE;
  return change(h->f, (size_t)size, NULL, 0, true);
}

static int vfs_sync(sqlite3_file *base, int flags)
{
  (void)flags;
  struct handle *h = (struct handle *)base;
  if (dead(h))
    return SQLITE_IOERR_FSYNC;
  h->d->stats.syncs++;
  if (fails(h->d))
    return SQLITE_IOERR_FSYNC;
  h->f->pending.n = 0;
  h->f->durable = true;
  return SQLITE_OK;
}

static int vfs_size(sqlite3_file *base, sqlite3_int64 *ret)
{
  struct handle *h = (struct handle *)base;
  if (dead(h))
    return SQLITE_IOERR_FSTAT;
  *ret = (sqlite3_int64)h->f->now.n;
  return SQLITE_OK;
}

static int vfs_close(sqlite3_file *base)
{
  struct handle *h = (struct handle *)base;
  if (h->temporary && !dead(h))
    file_clear(h->f);
  return SQLITE_OK;
}

/* The store opens its file exclusively; that two cores never share one is the simulation's own business. */
static int vfs_lock(sqlite3_file *base, int level) { return (void)base, (void)level, SQLITE_OK; }
static int vfs_reserved(sqlite3_file *base, int *ret) { return (void)base, *ret = 0, SQLITE_OK; }
static int vfs_control(sqlite3_file *base, int op, void *arg) { return (void)base, (void)op, (void)arg, SQLITE_NOTFOUND; }
static int vfs_sector(sqlite3_file *base) { return (void)base, SECTOR; }
static int vfs_traits(sqlite3_file *base) { return ((struct handle *)base)->d->powersafe ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : 0; }

static const sqlite3_io_methods methods = {
    .iVersion = 1, .xClose = vfs_close, .xRead = vfs_read, .xWrite = vfs_write, .xTruncate = vfs_truncate,
    .xSync = vfs_sync, .xFileSize = vfs_size, .xLock = vfs_lock, .xUnlock = vfs_lock,
    .xCheckReservedLock = vfs_reserved, .xFileControl = vfs_control, .xSectorSize = vfs_sector,
    .xDeviceCharacteristics = vfs_traits};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *ret_flags)
{
  struct disk *d = vfs->pAppData;
  struct handle *h = (struct handle *)base;
  h->base.pMethods = NULL;
  if (d->off)
    return SQLITE_CANTOPEN;
  bool temporary = !name;
  struct file *f = temporary ? NULL : find(d, name);
  if (!f && !temporary && !(flags & SQLITE_OPEN_CREATE))
    return SQLITE_CANTOPEN;
  if (!f)
    f = create(d, temporary ? "temporary" : name);
  *h = (struct handle){.base = {.pMethods = &methods}, .d = d, .f = f, .generation = d->generation, .temporary = temporary};
  if (ret_flags)
    *ret_flags = flags;
  return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
  (void)sync;
  struct disk *d = vfs->pAppData;
  struct file *f = find(d, name);
  if (d->off)
    return SQLITE_IOERR_DELETE;
  if (!f)
    return SQLITE_IOERR_DELETE_NOENT;
  file_clear(f);
  return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
  (void)flags;
  *ret = find(vfs->pAppData, name) != NULL;
  return SQLITE_OK;
}

static int vfs_path(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
  (void)vfs;
  return sqlite3_snprintf(n, out, "%s", name), SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *vfs, int n, char *out)
{
  struct disk *d = vfs->pAppData;
  for (int i = 0; i < n; i++)
    out[i] = (char)random_next(d->r);
  return n;
}

static int vfs_pause(sqlite3_vfs *vfs, int us) { return (void)vfs, us; }

static int vfs_now(sqlite3_vfs *vfs, double *ret)
{
  (void)vfs;
  *ret = 2460000.5; /* no statement of ours asks SQLite for the time */
  return SQLITE_OK;
}

static int vfs_error(sqlite3_vfs *vfs, int n, char *out) { return (void)vfs, (void)n, (void)out, 0; }

struct disk *disk_new(const char *name, struct random *r)
{
  struct disk *d = must(calloc(1, sizeof *d));
  d->r = r;
  sqlite3_snprintf((int)sizeof d->name, d->name, "%s", name);
  d->vfs = (sqlite3_vfs){.iVersion = 1, .szOsFile = (int)sizeof(struct handle), .mxPathname = NAME - 1, .zName = d->name,
                         .pAppData = d, .xOpen = vfs_open, .xDelete = vfs_delete, .xAccess = vfs_access,
                         .xFullPathname = vfs_path, .xRandomness = vfs_randomness, .xSleep = vfs_pause,
                         .xCurrentTime = vfs_now, .xGetLastError = vfs_error};
  if (sqlite3_vfs_register(&d->vfs, 0) != SQLITE_OK)
    abort();
  return d;
}

void disk_free(struct disk *d)
{
  if (!d)
    return;
  sqlite3_vfs_unregister(&d->vfs);
  for (size_t i = 0; i < FILES; i++)
    file_clear(&d->file[i]);
  free(d);
}

const char *disk_vfs(const struct disk *d) { return d->name; }

void disk_cut(struct disk *d)
{
  d->off = true;
  d->stats.crashes++;
}

/* Everything pending of a file, in order; count of them. Freed by the caller. */
static struct pending **all_pending(const struct file *f, size_t *ret)
{
  size_t n = 0;
  for (struct pending *p = pending_after(f, NULL); p; p = pending_after(f, p))
    n++;
  struct pending **v = must(malloc((n + 1) * sizeof *v));
  *ret = 0;
  for (struct pending *p = pending_after(f, NULL); p; p = pending_after(f, p))
    v[(*ret)++] = p;
  return v;
}

/* Back to what was synced. ret_written: for each pending what it wrote, each freed by the caller; NULL: not wanted. */
static void undo_all(struct span *now, struct pending **v, size_t n, uint8_t **ret_written)
{
  for (size_t i = n; i-- > 0;) {
    if (ret_written) {
      ret_written[i] = must(malloc(v[i]->n + 1));
      if (v[i]->n)
        memcpy(ret_written[i], now->p + v[i]->at, v[i]->n);
    }
    undo(now, v[i]);
  }
}

/* Does one write that was not synced reach the disk, and how much of it? */
static void settle(struct disk *d, struct file *f, const struct pending *p, const uint8_t *written, unsigned keep)
{
  if (!random_chance(d->r, keep)) {
    d->stats.lost++;
    return;
  }
  size_t sectors = p->n / SECTOR;
  bool torn = sectors > 0 && random_chance(d->r, 20);
  d->stats.torn += torn;
  if (p->cut)
    resize(&f->now, p->at, p->at);
  else
    put(&f->now, p->at, written, torn ? (size_t)random_below(d->r, sectors) * SECTOR : p->n);
}

/* What a crash leaves of one file: what was synced, plus any part of the rest. */
static void file_crash(struct disk *d, struct file *f)
{
  if (!f->durable && random_chance(d->r, 50)) {
    file_clear(f); /* its directory entry never reached the disk */
    return;
  }
  unsigned keep = (unsigned)random_below(d->r, 101); /* some crashes lose nearly all, some nearly nothing */
  size_t n;
  struct pending **v = all_pending(f, &n);
  uint8_t **written = must(calloc(n + 1, sizeof *written));
  undo_all(&f->now, v, n, written);
  for (size_t i = 0; i < n; i++) {
    settle(d, f, v[i], written[i], keep);
    free(written[i]);
  }
  free(written);
  free(v);
  f->pending.n = 0;
  f->durable = true;
}

void disk_restore(struct disk *d)
{
  for (size_t i = 0; i < FILES; i++)
    if (d->file[i].exists)
      file_crash(d, &d->file[i]);
  d->generation++;
  d->off = false;
  d->fail_after = 0;
}

void disk_fail_after(struct disk *d, uint64_t n, bool full)
{
  d->fail_after = n;
  d->fail_full = full;
}

void disk_full(struct disk *d, bool full)
{
  d->full = full;
}

void disk_powersafe(struct disk *d, bool powersafe)
{
  d->powersafe = powersafe;
}

struct disk_image {
  struct file file[FILES];
};

static struct disk_image *image_of(const struct disk *d, bool written)
{
  struct disk_image *image = must(calloc(1, sizeof *image));
  for (size_t i = 0; i < FILES; i++) {
    const struct file *f = &d->file[i];
    struct file *to = &image->file[i];
    if (!f->exists || !(f->durable || written))
      continue;
    *to = (struct file){.exists = true, .durable = true};
    strcpy(to->name, f->name);
    copy(&to->now, &f->now);
    size_t n;
    struct pending **v = all_pending(f, &n);
    if (!written)
      undo_all(&to->now, v, n, NULL);
    free(v);
  }
  return image;
}

struct disk_image *disk_image(const struct disk *d)
{
  return image_of(d, false);
}

struct disk_image *disk_image_written(const struct disk *d)
{
  return image_of(d, true);
}

void disk_image_restore(struct disk *d, const struct disk_image *image)
{
  for (size_t i = 0; i < FILES; i++) {
    file_clear(&d->file[i]);
    const struct file *from = &image->file[i];
    if (!from->exists)
      continue;
    struct file *f = create(d, from->name);
    f->durable = true;
    copy(&f->now, &from->now);
  }
  d->generation++;
}

void disk_image_free(struct disk_image *image)
{
  for (size_t i = 0; image && i < FILES; i++)
    file_clear(&image->file[i]);
  free(image);
}

bool disk_contains(const struct disk *d, const void *bytes, size_t n)
{
  for (size_t i = 0; i < FILES; i++)
    if (d->file[i].exists && d->file[i].now.n && memmem(d->file[i].now.p, d->file[i].now.n, bytes, n))
      return true;
  return false;
}

bool disk_file(const struct disk *d, size_t n, const char **ret_name, size_t *ret_bytes)
{
  for (size_t i = 0; i < FILES; i++)
    if (d->file[i].exists && n-- == 0) {
      *ret_name = d->file[i].name;
      *ret_bytes = d->file[i].now.n;
      return true;
    }
  return false;
}

bool disk_flip(struct disk *d, const char *name, uint64_t bit)
{
  struct file *f = find(d, name);
  if (!f || bit / 8 >= f->now.n)
    return false;
  f->now.p[bit / 8] ^= (uint8_t)(1U << bit % 8);
  for (struct pending *p = pending_after(f, NULL); p; p = pending_after(f, p))
    if (bit / 8 >= p->at && bit / 8 < p->at + p->n_old) /* it is put back turned over */
      ((uint8_t *)(p + 1))[bit / 8 - p->at] ^= (uint8_t)(1U << bit % 8);
  return true;
}

bool disk_read(const struct disk *d, const char *name, size_t at, void *out, size_t n)
{
  const struct file *f = NULL;
  for (size_t i = 0; i < FILES && !f; i++)
    if (d->file[i].exists && !strcmp(d->file[i].name, name))
      f = &d->file[i];
  if (!f || at + n > f->now.n)
    return false;
  memcpy(out, f->now.p + at, n);
  return true;
}

struct disk_stats disk_stats(const struct disk *d) { return d->stats; }
