/* Writes that are gathered: fewer of them below, and nobody can tell otherwise. */
#include "os/gather.h"
#include "tests/sim/disk.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 1 << 20 };

struct stand {
  struct random r;
  struct disk *disk;
  struct gather *gather;
  sqlite3_vfs *vfs;
  sqlite3_file *file;
};

static void file_open(struct stand *s)
{
  int flags = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  s->file = calloc(1, (size_t)s->vfs->szOsFile);
  assert_int_equal(s->vfs->xOpen(s->vfs, "a.db", s->file, flags, &flags), SQLITE_OK);
}

static void file_close(struct stand *s)
{
  s->file->pMethods->xClose(s->file);
  free(s->file);
}

/* The disk draws from s->r: s must stay where it is. */
static void stand_new(struct stand *s, uint64_t seed)
{
  *s = (struct stand){.r = random_new(seed)};
  s->disk = disk_new("below", &s->r);
  assert_int_equal(gather_new(disk_vfs(s->disk), false, &s->gather), TG_OK);
  s->vfs = sqlite3_vfs_find(gather_name(s->gather));
  assert_non_null(s->vfs);
  file_open(s);
}

static void stand_free(struct stand *s)
{
  file_close(s);
  gather_free(s->gather);
  disk_free(s->disk);
}

static int put(struct stand *s, size_t at, const void *bytes, size_t n)
{
  return s->file->pMethods->xWrite(s->file, bytes, (int)n, (sqlite3_int64)at);
}

static int sync_it(struct stand *s)
{
  return s->file->pMethods->xSync(s->file, SQLITE_SYNC_NORMAL);
}

static void what_follows_on_is_one_write(void **state)
{
  (void)state;
  struct stand s;
  stand_new(&s, 1);
  uint8_t page[4096] = {1};
  uint64_t before = disk_stats(s.disk).writes;
  for (size_t i = 0, at = 32; i < 20; i++, at += 24 + sizeof page) {
    assert_int_equal(put(&s, at, "a frame's head of 24 byt", 24), SQLITE_OK);
    assert_int_equal(put(&s, at + 24, page, sizeof page), SQLITE_OK);
  }
  assert_int_equal(disk_stats(s.disk).writes, before);
  assert_int_equal(sync_it(&s), SQLITE_OK);
  assert_int_equal(disk_stats(s.disk).writes, before + 1);
  assert_int_equal(sync_it(&s), SQLITE_OK);
  assert_int_equal(disk_stats(s.disk).writes, before + 1);
  stand_free(&s);
}

/* Any sequence of calls gives what a file would give, and what was synced survives a cut of the power. */
static void nobody_can_tell(void **state)
{
  (void)state;
  static uint8_t model[ROOM], synced[ROOM], bytes[ROOM];
  for (uint64_t seed = 1; seed <= 60; seed++) {
    struct stand s;
    stand_new(&s, seed);
    size_t size = 0, synced_size = 0, at = 0;
    memset(model, 0, sizeof model);
    for (int step = 0; step < 400; step++) {
      size_t n = random_below(&s.r, 100) < 90 ? random_below(&s.r, 5000) : random_below(&s.r, 200000);
      unsigned what = (unsigned)random_below(&s.r, 100);
      if (random_below(&s.r, 100) < 20)
        at = random_below(&s.r, ROOM / 2);
      if (at + n > ROOM)
        at = 0;
      if (what < 70) {
        memset(bytes, (int)random_below(&s.r, 256), n);
        assert_int_equal(put(&s, at, bytes, n), SQLITE_OK);
        memcpy(model + at, bytes, n);
        at += n;
        size = n && at > size ? at : size;
      } else if (what < 85) {
        size_t there = at >= size ? 0 : size - at < n ? size - at : n;
        int rc = s.file->pMethods->xRead(s.file, bytes, (int)n, (sqlite3_int64)at);
        assert_int_equal(rc, there == n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ);
        assert_memory_equal(bytes, model + at, n);
      } else if (what < 88) {
        size = random_below(&s.r, size + 1);
        memset(model + size, 0, sizeof model - size);
        assert_int_equal(s.file->pMethods->xTruncate(s.file, (sqlite3_int64)size), SQLITE_OK);
      } else if (what < 94) {
        sqlite3_int64 told;
        assert_int_equal(s.file->pMethods->xFileSize(s.file, &told), SQLITE_OK);
        assert_int_equal(told, size);
      } else {
        assert_int_equal(sync_it(&s), SQLITE_OK);
        memcpy(synced, model, sizeof model);
        synced_size = size;
      }
    }
    assert_int_equal(sync_it(&s), SQLITE_OK);
    memcpy(synced, model, sizeof model);
    synced_size = size;
    disk_cut(s.disk);
    file_close(&s);
    disk_restore(s.disk);
    file_open(&s);
    assert_int_equal(s.file->pMethods->xRead(s.file, bytes, (int)synced_size, 0), SQLITE_OK);
    assert_memory_equal(bytes, synced, synced_size);
    stand_free(&s);
  }
}

static void a_write_that_fails_is_told_by_the_sync(void **state)
{
  (void)state;
  struct stand s;
  stand_new(&s, 3);
  assert_int_equal(put(&s, 0, "twelve bytes", 12), SQLITE_OK);
  disk_fail_after(s.disk, 1, true);
  assert_int_equal(sync_it(&s), SQLITE_FULL);
  uint8_t back[12];
  assert_int_equal(s.file->pMethods->xRead(s.file, back, 12, 0), SQLITE_OK); /* it was not lost meanwhile */
  assert_memory_equal(back, "twelve bytes", 12);
  assert_int_equal(sync_it(&s), SQLITE_OK);
  stand_free(&s);
}

static void there_must_be_something_below(void **state)
{
  (void)state;
  struct gather *g = NULL;
  assert_int_equal(gather_new("no such thing", false, &g), TG_NOT_FOUND);
  assert_null(g);
  gather_free(NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_follows_on_is_one_write),
      cmocka_unit_test(nobody_can_tell),
      cmocka_unit_test(a_write_that_fails_is_told_by_the_sync),
      cmocka_unit_test(there_must_be_something_below),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
