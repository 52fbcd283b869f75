/* The simulated disk itself: SQLite on it keeps what it committed through any number of crashes, and loses what it did not sync. */
#include "tests/sim/disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <sqlite3.h>

static sqlite3 *open_db(struct disk *d)
{
  sqlite3 *db;
  assert_int_equal(sqlite3_open_v2("a.db", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, disk_vfs(d)), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, "pragma locking_mode=exclusive; pragma journal_mode=wal; pragma synchronous=full;"
                                    "create table if not exists t(v integer primary key, filler blob);", NULL, NULL, NULL), SQLITE_OK);
  return db;
}

static int64_t highest(sqlite3 *db)
{
  sqlite3_stmt *s;
  assert_int_equal(sqlite3_prepare_v2(db, "select coalesce(max(v),0), count(*) from t", -1, &s, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(s), SQLITE_ROW);
  int64_t v = sqlite3_column_int64(s, 0);
  assert_int_equal(v, sqlite3_column_int64(s, 1)); /* no hole before it */
  sqlite3_finalize(s);
  return v;
}

/* Commits until something fails; how far it certainly got. */
static int64_t work(sqlite3 *db, int64_t from, unsigned steps)
{
  char sql[128];
  for (unsigned i = 0; i < steps; i++) {
    snprintf(sql, sizeof sql, "insert into t values(%lld, randomblob(%u))", (long long)from + 1, (i * 977) % 9000);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
      return from;
    from++;
  }
  return from;
}

static void what_was_committed_survives_crashes(void **state)
{
  (void)state;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    struct random r = random_new(seed);
    struct disk *d = disk_new("crashing", &r);
    int64_t certain = 0;
    for (unsigned round = 0; round < 20; round++) {
      sqlite3 *db = open_db(d);
      int64_t found = highest(db);
      assert_in_range(found, certain, certain + 1); /* one commit may have reached the disk unanswered */
      disk_fail_after(d, random_below(&r, 60), false);
      certain = work(db, found, 30);
      disk_cut(d);
      sqlite3_close(db);
      disk_restore(d);
    }
    assert_true(disk_stats(d).lost > 0);
    disk_free(d);
  }
}

static void an_old_image_is_as_it_was(void **state)
{
  (void)state;
  struct random r = random_new(7);
  struct disk *d = disk_new("restored", &r);
  sqlite3 *db = open_db(d);
  assert_int_equal(work(db, 0, 5), 5);
  sqlite3_close(db);
  struct disk_image *image = disk_image(d);
  db = open_db(d);
  assert_int_equal(work(db, 5, 5), 10);
  sqlite3_close(db);
  disk_image_restore(d, image);
  db = open_db(d);
  assert_int_equal(highest(db), 5);
  sqlite3_close(db);
  disk_image_free(image);
  disk_free(d);
}

static void a_full_disk_says_so(void **state)
{
  (void)state;
  struct random r = random_new(9);
  struct disk *d = disk_new("full", &r);
  sqlite3 *db = open_db(d);
  disk_fail_after(d, 1, true);
  assert_int_equal(sqlite3_exec(db, "insert into t values(1, 'x')", NULL, NULL, NULL), SQLITE_FULL);
  assert_false(disk_contains(d, "no such bytes anywhere", 22));
  sqlite3_close(db);
  disk_free(d);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_committed_survives_crashes),
                                     cmocka_unit_test(an_old_image_is_as_it_was), cmocka_unit_test(a_full_disk_says_so)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
