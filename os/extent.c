#include "os/extent.h"

#include "os/wal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where things stand in a head, of the log or of a frame. */
enum {
  SALT = 8,
  HEAD_SALT = 16,
  HEAD_SUM = 24,
  FRAME_SALT = 8,
  FRAME_SUM = 16
};
/* The note: what it is (8), salt of the log (8), frames (8, big-endian), sum of these (8). */
enum { NOTE = 32, NOTE_BODY = 24 };
static const uint8_t MAGIC[8] = "tg/end1";

/* Invariants: frames > 0 only together with the salt of that log; the file is open from the first note on. */
struct extent {
  sqlite3_vfs *vfs;
  char *path, *log;
  sqlite3_file *file; /* NULL: not opened yet */
  bool was_there;
  uint8_t salt[SALT];
  uint64_t frames;
};

static uint32_t word(const uint8_t *p, bool big)
{
  return big ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
             : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* ---- the log, as SQLite would take it */

struct chain {
  bool big;
  uint32_t s0, s1;
};

static void chain_add(struct chain *c, const uint8_t *p, size_t n)
{
  for (size_t i = 0; i < n; i += 8) {
    c->s0 += word(p + i, c->big) + c->s1;
    c->s1 += word(p + i + 4, c->big) + c->s0;
  }
}

static bool chain_is(const struct chain *c, const uint8_t *p)
{
  return word(p, true) == c->s0 && word(p + 4, true) == c->s1;
}

static bool head_holds(const uint8_t head[WAL_HEAD], struct chain *ret)
{
  const uint32_t magic = word(head, true);
  *ret = (struct chain){.big = magic & 1};
  if ((magic & ~1U) != 0x377f0682 || word(head + 8, true) != PAGESUM_PAGE)
    return false;
  chain_add(ret, head, HEAD_SUM);
  return chain_is(ret, head + HEAD_SUM);
}

static bool frame_holds(struct chain *c, const uint8_t frame[WAL_FRAME], const uint8_t salt[SALT])
{
  chain_add(c, frame, 8);
  chain_add(c, frame + WAL_FRAME_HEAD, PAGESUM_PAGE);
  return memcmp(frame + FRAME_SALT, salt, SALT) == 0 && chain_is(c, frame + FRAME_SUM);
}

/* Frames of the log from its beginning that hold, at most as many as were certain. */
static uint64_t frames_that_hold(const struct extent *e, sqlite3_file *log)
{
  uint8_t head[WAL_HEAD], frame[WAL_FRAME];
  struct chain c;
  uint64_t n = 0;
  if (log->pMethods->xRead(log, head, WAL_HEAD, 0) != SQLITE_OK || !head_holds(head, &c) ||
      memcmp(head + HEAD_SALT, e->salt, SALT) != 0)
    return 0;
  for (; n < e->frames; n++) {
    if (log->pMethods->xRead(log, frame, WAL_FRAME, WAL_HEAD + (sqlite3_int64)n * WAL_FRAME) != SQLITE_OK ||
        !frame_holds(&c, frame, e->salt))
      break;
  }
  return n;
}

/* ---- files, through SQLite's VFS: a simulator's disk holds them too */

/* *ret is NULL unless TG_OK. TG_DISK, TG_NO_MEMORY: that says nothing of the file. */
static enum tg_err file_open(const struct extent *e, const char *path, int how, sqlite3_file **ret)
{
  int flags = 0;
  *ret = NULL;
  sqlite3_file *f = calloc(1, (size_t)e->vfs->szOsFile);
  if (!f)
    return TG_NO_MEMORY;
  const int rc = e->vfs->xOpen(e->vfs, path, f, SQLITE_OPEN_WAL | how, &flags);
  if (rc == SQLITE_OK) {
    *ret = f;
    return TG_OK;
  }
  if (f->pMethods)
    f->pMethods->xClose(f);
  free(f);
  return (rc & 0xff) == SQLITE_NOMEM ? TG_NO_MEMORY : TG_DISK;
}

static enum tg_err no_memory(const char *path, struct tg_why *why)
{
  return why_set(why, TG_NO_MEMORY, path, N_("out of memory"), NULL, NULL, NULL, NULL);
}

static void file_close(sqlite3_file *f)
{
  if (f && f->pMethods)
    f->pMethods->xClose(f);
  free(f);
}

static void note_sum(const uint8_t note[NOTE_BODY], uint8_t out[NOTE - NOTE_BODY])
{
  static const uint8_t key[crypto_shorthash_KEYBYTES] = "tg/end of a log";
  crypto_shorthash(out, note, NOTE_BODY, key);
}

static void note_read(struct extent *e, sqlite3_file *f)
{
  uint8_t note[NOTE], sum[NOTE - NOTE_BODY];
  if (f->pMethods->xRead(f, note, NOTE, 0) != SQLITE_OK || memcmp(note, MAGIC, sizeof MAGIC) != 0)
    return;
  note_sum(note, sum);
  if (memcmp(sum, note + NOTE_BODY, sizeof sum) != 0)
    return;
  memcpy(e->salt, note + 8, SALT);
  e->frames = (uint64_t)word(note + 16, true) << 32 | word(note + 20, true);
}

static enum tg_err note_write(struct extent *e, bool sync)
{
  uint8_t note[NOTE];
  enum tg_err err = e->file ? TG_OK : file_open(e, e->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &e->file);
  if (err)
    return err;
  memcpy(note, MAGIC, sizeof MAGIC);
  memcpy(note + 8, e->salt, SALT);
  for (unsigned i = 0; i < 8; i++)
    note[16 + i] = (uint8_t)(e->frames >> (56 - 8 * i));
  note_sum(note, note + NOTE_BODY);
  if (e->file->pMethods->xWrite(e->file, note, NOTE, 0) != SQLITE_OK ||
      (sync && e->file->pMethods->xSync(e->file, SQLITE_SYNC_NORMAL) != SQLITE_OK))
    return TG_DISK;
  return TG_OK;
}

/* ---- life */

static enum tg_err compare(const struct extent *e, struct tg_why *why)
{
  char good[24], certain[24];
  sqlite3_file *log;
  if (file_open(e, e->log, SQLITE_OPEN_READONLY, &log) == TG_NO_MEMORY)
    return no_memory(e->log, why);
  const uint64_t n = log ? frames_that_hold(e, log) : 0;
  file_close(log);
  if (n == e->frames)
    return TG_OK;
  snprintf(good, sizeof good, "%llu", (unsigned long long)n);
  snprintf(certain, sizeof certain, "%llu", (unsigned long long)e->frames);
  return why_set(why, TG_DISK, e->log,
                 N_("the store's journal is damaged or missing: of %1$s pages that were certain %2$s are there as they were written"),
                 N_("Nothing was changed. Put back the store's files as they were, or a copy of all of them"), certain, good, NULL);
}

static bool exists(const struct extent *e, const char *path)
{
  int is = 0;
  return e->vfs->xAccess(e->vfs, path, SQLITE_ACCESS_EXISTS, &is) == SQLITE_OK && is;
}

enum tg_err extent_open(const char *vfs, const char *path, struct extent **ret, struct tg_why *why)
{
  struct extent *e = calloc(1, sizeof *e);
  if (!e || !(e->vfs = sqlite3_vfs_find(vfs)) || !(e->path = sqlite3_mprintf("%s-end", path)) ||
      !(e->log = sqlite3_mprintf("%s-wal", path))) {
    extent_free(e);
    return no_memory(path, why);
  }
  enum tg_err err = TG_OK;
  e->was_there = exists(e, e->path);
  if (e->was_there) {
    sqlite3_file *f;
    err = file_open(e, e->path, SQLITE_OPEN_READONLY, &f);
    if (f)
      note_read(e, f);
    else
      err = err == TG_NO_MEMORY ? no_memory(e->path, why) : why_set(why, TG_DISK, e->path, N_("cannot be opened"), NULL, NULL, NULL, NULL);
    file_close(f);
  }
  if (!err && e->frames > 0)
    err = compare(e, why);
  if (err) {
    extent_free(e);
    return err;
  }
  *ret = e;
  return TG_OK;
}

bool extent_was_there(const struct extent *e)
{
  return e->was_there;
}

void extent_note(struct extent *e, sqlite3_file *log, uint64_t frames)
{
  uint8_t head[WAL_HEAD];
  /* Within one life of a log the salt stays; a new one begins after a clear. */
  if (!log || !log->pMethods)
    return;
  if (e->frames == 0) {
    if (log->pMethods->xRead(log, head, WAL_HEAD, 0) != SQLITE_OK)
      return;
    memcpy(e->salt, head + HEAD_SALT, SALT);
  }
  /* Where writing may harm what stands beside, SQLite fills the sector up with the last frame once more, and syncs before its end. */
  const bool filled = !(log->pMethods->xDeviceCharacteristics(log) & SQLITE_IOCAP_POWERSAFE_OVERWRITE);
  e->frames = frames - (filled && frames > 0);
  (void)note_write(e, false);
}

enum tg_err extent_clear(struct extent *e)
{
  if (e->frames == 0 && e->was_there)
    return TG_OK;
  e->frames = 0;
  enum tg_err err = note_write(e, true);
  e->was_there = e->was_there || err == TG_OK;
  return err;
}

void extent_free(struct extent *e)
{
  if (!e)
    return;
  file_close(e->file);
  sqlite3_free(e->path);
  sqlite3_free(e->log);
  free(e);
}
