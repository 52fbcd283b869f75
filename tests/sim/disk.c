#include "tests/sim/disk.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512, FILES = 16, NAME = 128 };

/* A write (or, with cut set, a truncation to `at`) that was not synced yet. */
struct pending {
  struct pending *next;
  size_t at, n;
  bool cut;
  uint8_t bytes[];
};

/* Invariants: now = synced with all pending applied in order; a file with exists = false has neither bytes nor pending. */
struct file {
  char name[NAME];
  bool exists, durable; /* durable: its directory entry was synced with it */
  uint8_t *now, *synced;
  size_t n_now, n_synced, cap_now, cap_synced;
  struct pending *first, **last;
};

struct disk {
  sqlite3_vfs vfs;
  char name[64];
  struct random *r;
  struct file file[FILES];
  bool off;
  uint64_t generation; /* of the power: handles of an earlier one are dead */
  uint64_t fail_after;
  bool fail_full;
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

static void forget_pending(struct file *f)
{
  while (f->first) {
    struct pending *p = f->first;
    f->first = p->next;
    free(p);
  }
  f->last = &f->first;
}

static void file_clear(struct file *f)
{
  forget_pending(f);
  free(f->now);
  free(f->synced);
  *f = (struct file){.last = &f->first};
}

static struct file *create(struct disk *d, const char *name)
{
  for (size_t i = 0; i < FILES; i++) {
    struct file *f = &d->file[i];
    if (f->exists)
      continue;
    assert(strlen(name) < NAME);
    *f = (struct file){.exists = true, .last = &f->first};
    strcpy(f->name, name);
    return f;
  }
  abort(); /* SQLite opens a database, its WAL and few temporary files */
}

static void resize(uint8_t **bytes, size_t *n, size_t *cap, size_t size)
{
  if (size > *cap) {
    *cap = size * 2;
    *bytes = must(realloc(*bytes, *cap));
  }
  if (size > *n)
    memset(*bytes + *n, 0, size - *n);
  *n = size;
}

static void apply(uint8_t **bytes, size_t *n, size_t *cap, const struct pending *p, size_t part)
{
  if (p->cut) {
    resize(bytes, n, cap, p->at);
    return;
  }
  if (p->at + part > *n)
    resize(bytes, n, cap, p->at + part);
  memcpy(*bytes + p->at, p->bytes, part);
}

static int remember(struct file *f, size_t at, const void *bytes, size_t n, bool cut)
{
  struct pending *p = must(malloc(sizeof *p + n));
  *p = (struct pending){.at = at, .n = n, .cut = cut};
  if (n)
    memcpy(p->bytes, bytes, n);
  apply(&f->now, &f->n_now, &f->cap_now, p, n);
  *f->last = p;
  f->last = &p->next;
  return SQLITE_OK;
}

/* Is this operation the one that was told to fail? */
static bool fails(struct disk *d) { return d->fail_after && --d->fail_after == 0; }
static bool dead(const struct handle *h) { return h->d->off || h->generation != h->d->generation; }

static int vfs_read(sqlite3_file *base, void *out, int n, sqlite3_int64 at)
{
  struct handle *h = (struct handle *)base;
  if (dead(h))
    return SQLITE_IOERR_READ;
  size_t have = (size_t)at >= h->f->n_now ? 0 : h->f->n_now - (size_t)at;
  if (have > (size_t)n)
    have = (size_t)n;
  if (have)
    memcpy(out, h->f->now + at, have);
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
  return remember(h->f, (size_t)at, bytes, (size_t)n, false);
}

static int vfs_truncate(sqlite3_file *base, sqlite3_int64 size)
{
  struct handle *h = (struct handle *)base;
  if (dead(h) || fails(h->d))
    return SQLITE_IOERR_TRUNCATE;
  return remember(h->f, (size_t)size, NULL, 0, true);
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
  struct file *f = h->f;
  for (const struct pending *p = f->first; p; p = p->next)
    apply(&f->synced, &f->n_synced, &f->cap_synced, p, p->n);
  forget_pending(f);
  f->durable = true;
  return SQLITE_OK;
}

static int vfs_size(sqlite3_file *base, sqlite3_int64 *ret)
{
  struct handle *h = (struct handle *)base;
  if (dead(h))
    return SQLITE_IOERR_FSTAT;
  *ret = (sqlite3_int64)h->f->n_now;
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
static int vfs_traits(sqlite3_file *base) { return (void)base, 0; }

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
  for (size_t i = 0; i < FILES; i++)
    d->file[i].last = &d->file[i].first;
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

/* What a crash leaves of one file: what was synced, plus any part of the rest. */
static void file_crash(struct disk *d, struct file *f)
{
  if (!f->durable && random_chance(d->r, 50)) {
    file_clear(f); /* its directory entry never reached the disk */
    return;
  }
  unsigned keep = (unsigned)random_below(d->r, 101); /* some crashes lose nearly all, some nearly nothing */
  for (const struct pending *p = f->first; p; p = p->next) {
    if (!random_chance(d->r, keep)) {
      d->stats.lost++;
      continue;
    }
    size_t sectors = p->n / SECTOR;
    bool torn = sectors > 0 && random_chance(d->r, 20);
    d->stats.torn += torn;
    apply(&f->synced, &f->n_synced, &f->cap_synced, p, torn ? (size_t)random_below(d->r, sectors) * SECTOR : p->n);
  }
  forget_pending(f);
  resize(&f->now, &f->n_now, &f->cap_now, f->n_synced);
  if (f->n_synced)
    memcpy(f->now, f->synced, f->n_synced);
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

struct disk_image {
  struct file file[FILES];
};

struct disk_image *disk_image(const struct disk *d)
{
  struct disk_image *image = must(calloc(1, sizeof *image));
  for (size_t i = 0; i < FILES; i++) {
    const struct file *f = &d->file[i];
    struct file *to = &image->file[i];
    if (!f->exists || !f->durable)
      continue;
    *to = (struct file){.exists = true, .durable = true, .n_synced = f->n_synced, .synced = must(malloc(f->n_synced + 1))};
    strcpy(to->name, f->name);
    if (f->n_synced)
      memcpy(to->synced, f->synced, f->n_synced);
  }
  return image;
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
    resize(&f->synced, &f->n_synced, &f->cap_synced, from->n_synced);
    resize(&f->now, &f->n_now, &f->cap_now, from->n_synced);
    if (from->n_synced) {
      memcpy(f->synced, from->synced, from->n_synced);
      memcpy(f->now, from->synced, from->n_synced);
    }
  }
  d->generation++;
}

void disk_image_free(struct disk_image *image)
{
  for (size_t i = 0; image && i < FILES; i++)
    free(image->file[i].synced);
  free(image);
}

bool disk_contains(const struct disk *d, const void *bytes, size_t n)
{
  for (size_t i = 0; i < FILES; i++)
    if (d->file[i].exists && d->file[i].n_now && memmem(d->file[i].now, d->file[i].n_now, bytes, n))
      return true;
  return false;
}

struct disk_stats disk_stats(const struct disk *d) { return d->stats; }
