/* A copy of a store in use: one moment's, whole or absent, and never at the store's expense. */
#include "kit.h"
#include "os/db_copy.h"
#include "os/file.h"
#include "tests/sim/disk.h"

#include <fcntl.h>
#include <sys/stat.h>

#define ID 0x54474e41u

static const char *const one[] = {"CREATE TABLE item (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT"};

static char *folder;
static char *path, *copied;

static int setup(void **state)
{
  (void)state;
  folder = kit_folder();
  path = strdup(kit_path(folder, "node.db"));
  copied = strdup(kit_path(folder, "copy.db"));
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  free(path);
  free(copied);
  kit_remove(folder);
  return 0;
}

static struct db *open_at(const char *at, const char *vfs, enum tg_err *ret_err)
{
  struct db *db = NULL;
  struct tg_why why = {0};
  const struct db_options o = {
      .path = at, .vfs = vfs, .application_id = ID, .migrations = one, .n_migrations = 1, .checkpoint_bytes = 64 * 1024};
  enum tg_err err = db_open(&o, &db, &why);
  if (err != TG_OK && !ret_err)
    fail_msg("%s: %s %s", why.where, why.what, why.arg[0]);
  if (ret_err)
    *ret_err = err;
  return db;
}

/* Rows from..until, each a page or so, one commit. */
static enum tg_err insert(struct db *db, uint64_t from, uint64_t until)
{
  static uint8_t body[3000];
  enum tg_err err = db_begin(db, NULL);
  for (uint64_t i = from; err == TG_OK && i < until; i++) {
    struct db_stmt *s = db_stmt(db, "INSERT INTO item (id, body) VALUES (?, ?)");
    memset(body, (int)i, sizeof body);
    db_bind_u64(s, 1, i);
    db_bind_blob(s, 2, slice_of(body, sizeof body));
    err = db_run(s);
  }
  /* and the oldest pages change, which were copied already */
  struct db_stmt *s = db_stmt(db, "UPDATE item SET body = zeroblob(2000 + ?1 % 100) WHERE id < 4");
  db_bind_u64(s, 1, until);
  if (err == TG_OK)
    err = db_run(s);
  if (err == TG_OK)
    return db_commit(db, NULL);
  db_rollback(db);
  return err;
}

/* How many rows, and to which commit do those belong that each changes? */
static void expect(struct db *db, uint64_t rows, uint64_t until)
{
  bool row = false;
  assert_int_equal(db_check(db, NULL), TG_OK);
  struct db_stmt *s = db_stmt(db, "SELECT count(*), max(id), (SELECT count(DISTINCT length(body)) FROM item WHERE id < 4),"
                                  " (SELECT length(body) FROM item WHERE id = 1) FROM item");
  assert_int_equal(db_step(s, &row), TG_OK);
  assert_int_equal(db_u64(s, 0), rows);
  assert_int_equal(db_u64(s, 1), rows);
  assert_int_equal(db_u64(s, 2), 1);
  assert_int_equal(db_u64(s, 3), 2000 + until % 100);
  db_reset(s);
}

static void a_copy_is_that_of_its_last_step(void **state)
{
  (void)state;
  struct db *db = open_at(path, NULL, NULL);
  struct db_copy *copy = NULL;
  bool whole = false;
  uint64_t rows = 500, steps = 0;
  assert_int_equal(insert(db, 1, rows + 1), TG_OK);
  assert_int_equal(db_copy_new(db, copied, &copy, NULL), TG_OK);
  assert_int_equal(db_copy_bytes(copy), 0);
  while (!whole) {
    assert_int_equal(db_copy_step(copy, 37, &whole, NULL), TG_OK);
    steps++;
    if (!whole) { /* the traffic goes on */
      assert_int_equal(insert(db, rows + 1, rows + 4), TG_OK);
      rows += 3;
    }
  }
  assert_true(steps > 10);
  assert_true(db_bytes_used(db) == db_copy_bytes(copy));
  /* What comes later is not in it. */
  assert_int_equal(insert(db, rows + 1, rows + 100), TG_OK);
  /* It can be read back. */
  uint8_t page[4096];
  assert_int_equal(db_copy_read(copy, 0, sizeof page, page, NULL), TG_OK);
  assert_memory_equal(page, "SQLite format 3", 16);
  assert_int_equal(db_copy_read(copy, db_copy_bytes(copy), sizeof page, page, NULL), TG_DISK);
  db_copy_free(&copy, true);
  expect(db, rows + 99, rows + 100);
  db_close(&db);
  struct stat st;
  assert_int_equal(stat(copied, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  assert_int_equal(stat(kit_path(folder, "copy.db-wal"), &st), -1);
  db = open_at(copied, NULL, NULL);
  expect(db, rows, rows + 1);
  assert_int_equal(insert(db, rows + 1, rows + 3), TG_OK); /* and one goes on from it */
  db_close(&db);
}

static void what_is_not_whole_is_not_there(void **state)
{
  (void)state;
  struct db *db = open_at(path, NULL, NULL);
  struct db_copy *copy = NULL;
  struct tg_why why = {0};
  bool whole = false;
  struct stat st;
  assert_int_equal(insert(db, 1, 200), TG_OK);
  assert_int_equal(file_write(copied, slice_str("dear"), 0600, NULL), TG_OK);
  assert_int_equal(db_copy_new(db, copied, &copy, &why), TG_DUPLICATE);
  assert_string_equal(why.where, copied);
  assert_non_null(why.todo);
  assert_int_equal(stat(copied, &st), 0);
  assert_int_equal(st.st_size, 4);
  assert_int_equal(db_copy_clear(NULL, copied, NULL), TG_OK);
  assert_int_equal(file_write(copied, slice_of(NULL, 0), 0600, NULL), TG_OK); /* a copy that had just begun */
  assert_int_equal(db_copy_clear(NULL, copied, NULL), TG_OK);
  assert_int_equal(stat(copied, &st), -1);
  assert_int_equal(db_copy_new(db, kit_path(folder, "none/copy.db"), &copy, &why), TG_NOT_FOUND);
  assert_int_equal(db_copy_new(db, copied, &copy, NULL), TG_OK);
  assert_int_equal(db_copy_step(copy, 5, &whole, NULL), TG_OK);
  assert_false(whole);
  db_copy_free(&copy, true);
  assert_int_equal(stat(copied, &st), -1);
  expect(db, 199, 200);
  db_close(&db);
}

static void a_damaged_page_is_not_copied(void **state)
{
  (void)state;
  struct db *db = open_at(path, NULL, NULL);
  assert_int_equal(insert(db, 1, 300), TG_OK);
  db_close(&db);
  int fd = open(path, O_RDWR);
  assert_int_equal(pwrite(fd, "x", 1, 99 * 4096 + 700), 1);
  close(fd);
  db = open_at(path, NULL, NULL);
  struct db_copy *copy = NULL;
  struct tg_why why = {0};
  bool whole = false;
  struct stat st;
  assert_int_equal(db_copy_new(db, copied, &copy, NULL), TG_OK);
  enum tg_err err = TG_OK;
  while (err == TG_OK && !whole)
    err = db_copy_step(copy, 16, &whole, &why);
  assert_int_equal(err, TG_DISK);
  assert_string_equal(why.where, path);
  assert_string_equal(why.arg[0], "100");
  db_copy_free(&copy, true);
  assert_int_equal(stat(copied, &st), -1);
  db_close(&db);
}

/* Each write and sync in turn fails, the store's and the copy's, or the power goes. Whatever is called whole opens, and is gapless; what failed is
   gone; and a copy that fails never fails its store. */
static void no_half_copy_looks_whole(void **state)
{
  (void)state;
  unsigned failed = 0, wholes = 0, unharmed = 0, left = 0;
  for (uint64_t seed = 1; seed <= 200; seed++) {
    struct random r = random_new(seed);
    struct disk *d = disk_new("copy-test", &r);
    struct db *db = open_at("node.db", disk_vfs(d), NULL);
    struct db_copy *copy = NULL;
    bool whole = false;
    assert_int_equal(insert(db, 1, 120), TG_OK);
    assert_int_equal(db_copy_new(db, "copy.db", &copy, NULL), TG_OK);
    disk_fail_after(d, 1 + random_below(&r, 60), random_chance(&r, 50));
    uint64_t rows = 119, until = 120;
    enum tg_err err = TG_OK;
    const uint64_t cut = random_chance(&r, 30) ? random_below(&r, 12) : UINT64_MAX;
    for (uint64_t n = 0; err == TG_OK && !whole && n != cut; n++) {
      err = db_copy_step(copy, 16, &whole, NULL);
      if (err == TG_OK && !whole && !db_failed(db) && insert(db, rows + 1, rows + 3) == TG_OK) {
        rows += 2;
        until = rows + 1;
      }
    }
    failed += err != TG_OK;
    unharmed += err != TG_OK && !db_failed(db);
    wholes += whole;
    if (!whole && err == TG_OK) { /* the power goes in the middle */
      disk_cut(d);
      db_copy_free(&copy, false);
      left++;
    }
    db_copy_free(&copy, true);
    db_close(&db);
    disk_cut(d);
    disk_restore(d);
    disk_fail_after(d, 0, false);
    const bool there = disk_read(d, "copy.db", 0, (uint8_t[1]){0}, 1);
    if (whole) {
      assert_true(there);
      db = open_at("copy.db", disk_vfs(d), NULL);
      expect(db, rows, until);
      db_close(&db);
    } else if (err != TG_OK) {
      assert_false(there);
    }
    db = open_at("node.db", disk_vfs(d), NULL);
    assert_int_equal(db_check(db, NULL), TG_OK);
    assert_int_equal(db_copy_clear(disk_vfs(d), "copy.db", NULL), TG_OK);
    assert_int_equal(db_copy_new(db, "copy.db", &copy, NULL), TG_OK);
    db_copy_free(&copy, false);
    db_close(&db);
    disk_free(d);
  }
  print_message("of 200: %u whole, %u failed (%u without harm to the store), %u cut\n", wholes, failed, unharmed, left);
  assert_true(wholes > 20 && unharmed > 20 && left > 10);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(a_copy_is_that_of_its_last_step),
      T(what_is_not_whole_is_not_there),
      T(a_damaged_page_is_not_copied),
      T(no_half_copy_looks_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
