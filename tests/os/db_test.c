/* The store: migrations, errors, and the one promise: what db_commit() said is there after any power cut, and
   after a failed commit or sync nothing is said any more. */
#include "kit.h"
#include "os/db.h"
#include "os/file.h"
#include "tests/sim/disk.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ID 0x54474e41u

static const char *const two[] = {
    "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, body BLOB) STRICT",
    "CREATE TABLE part (item INTEGER NOT NULL REFERENCES item(id), n INTEGER NOT NULL CHECK (n < 10)) STRICT;"
    "INSERT INTO item (id, name) VALUES (1, 'first')"};
static const char *const two_changed[] = {"CREATE TABLE item (id INTEGER PRIMARY KEY)", "SELECT 1"};
static const char *const two_bad[] = {"CREATE TABLE item (id INTEGER PRIMARY KEY) STRICT",
                                      "CREATE TABLE half (x INTEGER) STRICT; CREATE TABLE nonsense ("};

static char *folder;
static const char *path;

static int setup(void **state)
{
  (void)state;
  folder = kit_folder();
  path = strdup(kit_path(folder, "hub.db"));
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  free((char *)(uintptr_t)path);
  kit_remove(folder);
  return 0;
}

static struct db_options with(const char *const *migrations, size_t n)
{
  return (struct db_options){.path = path, .application_id = ID, .migrations = migrations, .n_migrations = n};
}

static struct db *open_two(void)
{
  struct db *db = NULL;
  struct tg_why why = {0};
  struct db_options o = with(two, 2);
  enum tg_err err = db_open(&o, &db, &why);
  if (err != TG_OK)
    fail_msg("%s %s", why.what, why.arg[0]);
  return db;
}

static enum tg_err insert(struct db *db, uint64_t id, const char *name)
{
  struct db_stmt *s = db_stmt(db, "INSERT INTO item (id, name) VALUES (?, ?)");
  db_bind_u64(s, 1, id);
  db_bind_text(s, 2, slice_str(name));
  return db_run(s);
}

static uint64_t count(struct db *db)
{
  bool row = false;
  struct db_stmt *s = db_stmt(db, "SELECT count(*) FROM item");
  assert_int_equal(db_step(s, &row), TG_OK);
  assert_true(row);
  uint64_t n = db_u64(s, 0);
  db_reset(s);
  return n;
}

static void versions_go_forward_only(void **state)
{
  (void)state;
  struct db *db = NULL;
  struct tg_why why;
  struct db_options one = with(two, 1), both = with(two, 2), changed = with(two_changed, 2);
  assert_int_equal(db_open(&one, &db, &why), TG_OK);
  assert_int_equal(count(db), 0);
  db_close(&db);
  assert_null(db);
  struct stat st;
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  assert_int_equal(db_open(&both, &db, &why), TG_OK);
  assert_int_equal(count(db), 1);
  db_close(&db);
  assert_int_equal(db_open(&both, &db, &why), TG_OK);
  assert_int_equal(count(db), 1);
  db_close(&db);
  assert_int_equal(db_open(&one, &db, &why), TG_UNKNOWN);
  assert_string_equal(why.arg[0], "2");
  assert_int_equal(db_open(&changed, &db, &why), TG_BAD_INPUT);
  assert_null(db);
}

static void a_migration_is_whole_or_absent(void **state)
{
  (void)state;
  struct db *db = NULL;
  struct tg_why why;
  struct db_options bad = with(two_bad, 2), one = with(two_bad, 1);
  assert_int_equal(db_open(&bad, &db, &why), TG_INTERNAL);
  assert_int_equal(db_open(&one, &db, &why), TG_OK);
  bool row = true;
  assert_int_equal(db_step(db_stmt(db, "SELECT name FROM sqlite_schema WHERE name = 'half'"), &row), TG_OK);
  assert_false(row);
  db_close(&db);
}

static void a_foreign_file_is_left_alone(void **state)
{
  (void)state;
  struct db *db = NULL;
  struct tg_why why;
  struct db_options o = with(two, 2);
  char text[5000];
  memset(text, 'x', sizeof text);
  assert_int_equal(file_write(path, slice_of(text, sizeof text), 0600, NULL), TG_OK);
  assert_int_equal(db_open(&o, &db, &why), TG_BAD_INPUT);
  struct buf b = buf_new(6000);
  assert_int_equal(file_read(path, 6000, &b, NULL), TG_OK);
  assert_true(b.n == sizeof text && !memcmp(b.p, text, b.n));
  buf_free(&b);
  assert_int_equal(unlink(path), 0);
  sqlite3 *other;
  assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
  assert_int_equal(sqlite3_exec(other, "CREATE TABLE theirs (x)", NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(other);
  assert_int_equal(db_open(&o, &db, &why), TG_BAD_INPUT);
}

static void one_program_at_a_time(void **state)
{
  (void)state;
  struct db *db = open_two();
  pid_t child = fork();
  if (child == 0) {
    struct db *other = NULL;
    struct tg_why why;
    struct db_options o = with(two, 2);
    _exit(db_open(&o, &other, &why) == TG_BUSY ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_int_not_equal(access(kit_path(folder, "hub.db-shm"), F_OK), 0);
  assert_int_equal(insert(db, 7, "seven"), TG_OK);
  db_close(&db);
  db = open_two();
  assert_int_equal(count(db), 2);
  db_close(&db);
}

static void values_come_back_as_they_went(void **state)
{
  (void)state;
  struct db *db = open_two();
  const uint8_t bytes[] = {0, 1, 2, 0, 255};
  struct db_stmt *s = db_stmt(db, "INSERT INTO item (id, name, body) VALUES (?, ?, ?)");
  db_bind_u64(s, 1, INT64_MAX);
  db_bind_text(s, 2, slice_of("a\0b", 3));
  db_bind_blob(s, 3, slice_of(bytes, 5));
  assert_int_equal(db_run(s), TG_OK);
  assert_int_equal(db_changes(db), 1);
  db_bind_i64(s, 1, -4);
  db_bind_text(s, 2, slice_of(NULL, 0));
  db_bind_blob(s, 3, slice_of(NULL, 0));
  assert_int_equal(db_run(s), TG_OK);
  s = db_stmt(db, "SELECT id, name, body FROM item WHERE id <> 1 ORDER BY id");
  bool row;
  assert_int_equal(db_step(s, &row), TG_OK);
  assert_true(row);
  assert_true(db_i64(s, 0) == -4 && db_u64(s, 0) == 0 && db_text(s, 1).n == 0);
  assert_false(db_is_null(s, 2));
  assert_int_equal(db_blob(s, 2).n, 0);
  assert_int_equal(db_step(s, &row), TG_OK);
  uint8_t out[5];
  assert_true(db_u64(s, 0) == INT64_MAX && db_text(s, 1).n == 3);
  assert_false(db_bytes(s, 2, out, 4));
  assert_true(db_bytes(s, 2, out, 5));
  assert_memory_equal(out, bytes, 5);
  assert_int_equal(db_step(s, &row), TG_OK);
  assert_false(row);
  db_close(&db);
}

static void one_row_is_there_or_is_not(void **state)
{
  (void)state;
  struct db *db = open_two();
  uint64_t n = 7;
  struct db_stmt *s = db_stmt(db, "SELECT id FROM item WHERE name = ?");
  db_bind_text(s, 1, slice_str("nobody"));
  assert_int_equal(db_number(s, &n), TG_NOT_FOUND);
  assert_int_equal(n, 7);
  for (int i = 0; i < 2; i++) { /* it was given back: it may be asked for again, and the transaction ends */
    assert_int_equal(db_begin(db, NULL), TG_OK);
    s = db_stmt(db, "SELECT id FROM item WHERE name = ?");
    db_bind_text(s, 1, slice_str("first"));
    assert_int_equal(db_number(s, &n), TG_OK);
    assert_int_equal(n, 1);
    assert_int_equal(db_commit(db, NULL), TG_OK);
    n = 7;
  }
  db_bind_text(s, 1, slice_str("first"));
  assert_int_equal(db_one(s), TG_OK);
  assert_int_equal(db_u64(s, 0), 1);
  db_reset(s);
  assert_int_equal(db_one(db_stmt(db, "SELECT nothing FROM nowhere")), TG_INTERNAL);
  bool any = true;
  struct hash hash = {{7}};
  for (int i = 0; i < 2; i++) { /* likewise */
    s = db_stmt(db, "SELECT name FROM item WHERE name = ?");
    db_bind_text(s, 1, slice_str("second"));
    assert_int_equal(db_any(s, &any), TG_OK);
    assert_false(any);
    db_bind_text(s, 1, slice_str("first"));
    assert_int_equal(db_any(s, &any), TG_OK);
    assert_true(any);
    s = db_stmt(db, "SELECT ? WHERE ?");
    db_bind_blob(s, 1, slice_of("0123456789abcdef0123456789abcdef", 32));
    db_bind_u64(s, 2, 0);
    assert_int_equal(db_hash(s, &hash), TG_NOT_FOUND);
    db_bind_blob(s, 1, slice_str("too short"));
    db_bind_u64(s, 2, 1);
    assert_int_equal(db_hash(s, &hash), TG_DISK);
    assert_int_equal(hash.b[0], i ? '0' : 7);
    db_bind_blob(s, 1, slice_of("0123456789abcdef0123456789abcdef", 32));
    db_bind_u64(s, 2, 1);
    assert_int_equal(db_hash(s, &hash), TG_OK);
    assert_memory_equal(hash.b, "0123456789abcdef0123456789abcdef", 32);
  }
  assert_int_equal(db_any(db_stmt(db, "SELECT nothing FROM nowhere"), &any), TG_INTERNAL);
  db_close(&db);
}

static void mistakes_have_their_own_answers(void **state)
{
  (void)state;
  struct db *db = open_two();
  assert_int_equal(insert(db, 1, "x"), TG_DUPLICATE);
  assert_int_equal(insert(db, 2, "first"), TG_DUPLICATE);
  assert_int_equal(insert(db, (uint64_t)INT64_MAX + 1, "x"), TG_BAD_INPUT);
  assert_int_equal(insert(db, 2, "second"), TG_OK);
  struct db_stmt *s = db_stmt(db, "INSERT INTO part (item, n) VALUES (?, ?)");
  db_bind_u64(s, 1, 1);
  db_bind_u64(s, 2, 10);
  assert_int_equal(db_run(s), TG_CONFLICT);
  db_bind_u64(s, 1, 99); /* a foreign key */
  db_bind_u64(s, 2, 1);
  assert_int_equal(db_run(s), TG_CONFLICT);
  assert_int_equal(db_run(db_stmt(db, "SELEC 1")), TG_INTERNAL);
  assert_int_equal(db_run(db_stmt(db, "CREATE TRIGGER t AFTER INSERT ON item BEGIN SELECT 1; END")), TG_OK);
  assert_int_equal(insert(db, 3, "third"), TG_OK);
  struct tg_why why;
  assert_int_equal(db_explain(db, TG_CONFLICT, &why), TG_CONFLICT);
  assert_false(db_failed(db));
  db_close(&db);
}

/* A node once kept a list of bodies for which there had been no memory as an empty one, and could not start again. */
static void of_a_value_that_is_not_whole_nothing_is_stored(void **state)
{
  (void)state;
  struct db *db = open_two();
  struct db_stmt *s = db_stmt(db, "INSERT INTO item (id, name) VALUES (?, CAST(? AS TEXT))");
  struct buf name = buf_new(4);
  buf_put_str(&name, "name");
  db_bind_u64(s, 1, 2);
  db_bind_buf(s, 2, &name);
  assert_int_equal(db_run(s), TG_OK);
  buf_put_str(&name, "s");
  db_bind_u64(s, 1, 3);
  db_bind_buf(s, 2, &name);
  assert_int_equal(db_run(s), TG_TOO_BIG);
  name.failed = TG_NO_MEMORY;
  db_bind_u64(s, 1, 4);
  db_bind_buf(s, 2, &name);
  assert_int_equal(db_run(s), TG_NO_MEMORY);
  assert_int_equal(count(db), 2);
  assert_false(db_failed(db));
  buf_free(&name);
  db_close(&db);
}

static void a_rollback_leaves_no_trace(void **state)
{
  (void)state;
  struct db *db = open_two();
  assert_int_equal(db_begin(db, NULL), TG_OK);
  assert_int_equal(db_begin(db, NULL), TG_INTERNAL);
  assert_true(db_in_transaction(db));
  assert_int_equal(insert(db, 2, "two"), TG_OK);
  assert_int_equal(insert(db, 2, "two"), TG_DUPLICATE); /* does not end it */
  assert_int_equal(count(db), 2);
  db_rollback(db);
  assert_false(db_in_transaction(db));
  assert_int_equal(count(db), 1);
  assert_int_equal(db_begin(db, NULL), TG_OK);
  assert_int_equal(insert(db, 3, "three"), TG_OK);
  db_close(&db); /* as a rollback */
  db = open_two();
  assert_int_equal(count(db), 1);
  db_close(&db);
}

static void the_log_is_emptied_in_time(void **state)
{
  (void)state;
  struct db *db = NULL;
  struct db_options o = with(two, 2);
  o.checkpoint_bytes = 64 * 1024;
  assert_int_equal(db_open(&o, &db, NULL), TG_OK);
  struct stat st;
  off_t largest = 0;
  for (uint64_t i = 2; i < 300; i++) {
    char name[40];
    snprintf(name, sizeof name, "item %llu", (unsigned long long)i);
    assert_int_equal(db_begin(db, NULL), TG_OK);
    assert_int_equal(insert(db, i, name), TG_OK);
    assert_int_equal(db_commit(db, NULL), TG_OK);
    assert_int_equal(stat(kit_path(folder, "hub.db-wal"), &st), 0);
    largest = st.st_size > largest ? st.st_size : largest;
  }
  assert_true(largest > 0 && largest < 128 * 1024);
  assert_int_equal(db_checkpoint(db, NULL), TG_OK);
  assert_int_equal(stat(kit_path(folder, "hub.db-wal"), &st), 0);
  assert_int_equal(st.st_size, 0);
  assert_int_equal(db_check(db, NULL), TG_OK);
  db_close(&db);
}

/* --- damage */

static void turn_over(const char *file, off_t bit)
{
  uint8_t byte;
  int fd = open(file, O_RDWR);
  assert_true(fd >= 0);
  if (bit < 0)
    bit += 8 * lseek(fd, 0, SEEK_END);
  assert_int_equal(pread(fd, &byte, 1, bit / 8), 1);
  byte ^= (uint8_t)(1U << bit % 8);
  assert_int_equal(pwrite(fd, &byte, 1, bit / 8), 1);
  close(fd);
}

static void a_damaged_page_is_named(void **state)
{
  (void)state;
  struct db *db = open_two();
  struct tg_why why = {0};
  assert_int_equal(insert(db, 2, "two"), TG_OK);
  db_close(&db);
  struct db_options o = with(two, 2);
  turn_over(path, 8 * 3 * 4096 + 77);
  enum tg_err err = db_open(&o, &db, &why);
  if (!err) {
    err = db_check(db, &why);
    db_close(&db);
  }
  assert_int_equal(err, TG_DISK);
  assert_string_equal(why.where, path);
  assert_string_equal(why.arg[0], "4");
  turn_over(path, 8 * 3 * 4096 + 77);
  db = open_two();
  assert_int_equal(count(db), 2);
  db_close(&db);
}

/* Three commits, then killed: as _exit() leaves the files. */
static void killed_after_three(uint64_t from)
{
  pid_t pid = fork();
  if (pid == 0) {
    struct db *db = open_two();
    for (uint64_t i = from; i < from + 3; i++) {
      char name[16];
      snprintf(name, sizeof name, "item %u", (unsigned)i);
      if (db_begin(db, NULL) != TG_OK || insert(db, i, name) != TG_OK || db_commit(db, NULL) != TG_OK)
        _exit(1);
    }
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_int_equal(status, 0);
}

static void a_log_that_lost_what_was_certain_is_refused(void **state)
{
  (void)state;
  struct db *db = NULL;
  struct tg_why why = {0};
  struct db_options o = with(two, 2);
  char *log = strdup(kit_path(folder, "hub.db-wal")), *end = strdup(kit_path(folder, "hub.db-end"));
  killed_after_three(2);
  turn_over(log, -1); /* the last bit of what was committed last */
  assert_int_equal(db_open(&o, &db, &why), TG_DISK);
  assert_string_equal(why.where, log);
  assert_int_equal(db_open(&o, &db, &why), TG_DISK); /* and the first try changed nothing */
  turn_over(log, -1);
  turn_over(log, 8 * 16); /* the salt: SQLite alone would take it for an empty log */
  assert_int_equal(db_open(&o, &db, &why), TG_DISK);
  turn_over(log, 8 * 16);
  int fd = open(log, O_WRONLY | O_APPEND);
  assert_int_equal(write(fd, "what a crash tore off", 21), 21);
  close(fd);
  turn_over(end, 100); /* a damaged note says nothing */
  db = open_two();
  assert_int_equal(count(db), 4);
  db_close(&db);
  killed_after_three(5);
  assert_int_equal(unlink(log), 0);
  assert_int_equal(db_open(&o, &db, &why), TG_DISK);
  free(log);
  free(end);
}

/* As earlier versions wrote it: no reserved bytes, nothing beside it. */
static void make_old(void)
{
  struct db *db = open_two();
  sqlite3 *plain;
  char old[200], sql[1200];
  for (uint64_t i = 2; i < 300; i++) {
    snprintf(sql, sizeof sql, "an item with a name of some length, so that there are pages: %u", (unsigned)i);
    assert_int_equal(insert(db, i, sql), TG_OK);
  }
  db_close(&db);
  snprintf(old, sizeof old, "%s.old", path);
  assert_int_equal(sqlite3_open(old, &plain), SQLITE_OK);
  snprintf(sql, sizeof sql,
           "%s; %s; DELETE FROM item; CREATE TABLE migration (version INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;"
           "PRAGMA application_id=%d; PRAGMA user_version=2; ATTACH '%s' AS new;"
           "INSERT INTO main.item SELECT * FROM new.item; INSERT INTO main.migration SELECT * FROM new.migration; DETACH new",
           two[0], two[1], (int)ID, path);
  assert_int_equal(sqlite3_exec(plain, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(plain);
  assert_int_equal(rename(old, path), 0);
  assert_int_equal(unlink(kit_path(folder, "hub.db-end")), 0);
}

static int reserved_bytes(void)
{
  uint8_t head[21];
  int fd = open(path, O_RDONLY);
  assert_int_equal(pread(fd, head, sizeof head, 0), sizeof head);
  close(fd);
  return head[20];
}

static void a_store_without_sums_gets_them(void **state)
{
  (void)state;
  make_old();
  assert_int_equal(reserved_bytes(), 0);
  struct db *db = open_two();
  assert_int_equal(count(db), 299);
  assert_int_equal(db_check(db, NULL), TG_OK);
  assert_int_equal(insert(db, 300, "after"), TG_OK);
  db_close(&db);
  assert_int_equal(reserved_bytes(), 8);
  assert_int_not_equal(access(kit_path(folder, "hub.db-new"), F_OK), 0);
  struct stat st;
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  turn_over(path, 8 * 20 + 3); /* the bit that says so */
  struct tg_why why = {0};
  struct db_options o = with(two, 2);
  assert_int_equal(unlink(kit_path(folder, "hub.db-end")), 0);
  assert_int_equal(db_open(&o, &db, &why), TG_DISK);
  assert_string_equal(why.arg[0], "1");
}

/* --- a simulated disk */

static struct db *open_on(struct disk *d, enum tg_err *ret_err)
{
  struct db *db = NULL;
  struct db_options o = with(two, 2);
  o.path = "hub.db";
  o.vfs = disk_vfs(d);
  o.checkpoint_bytes = 32 * 1024;
  struct tg_why why = {0};
  *ret_err = db_open(&o, &db, &why);
  if (*ret_err)
    print_message("%s %s %s %s\n", why.where, why.what, why.arg[0], why.arg[1]);
  return db;
}

/* Commits of one row each until something fails. Returns the id of the last acknowledged one. */
static uint64_t commit_until_failure(struct db *db, uint64_t from, uint64_t until)
{
  for (uint64_t i = from; i < until; i++) {
    char name[40];
    snprintf(name, sizeof name, "item %llu", (unsigned long long)i);
    if (db_begin(db, NULL) != TG_OK)
      return i - 1;
    if (insert(db, i, name) != TG_OK || db_commit(db, NULL) != TG_OK) {
      db_rollback(db);
      return i - 1;
    }
  }
  return until - 1;
}

static uint64_t highest(struct db *db)
{
  bool row = false;
  struct db_stmt *s = db_stmt(db, "SELECT max(id), count(*) FROM item");
  assert_int_equal(db_step(s, &row), TG_OK);
  uint64_t max = db_u64(s, 0);
  assert_int_equal(max, db_u64(s, 1)); /* without gaps */
  db_reset(s);
  return max;
}

/* Every write and sync in turn fails once. After a failed commit the store says nothing any more, and after
   power came back everything acknowledged is there; at most the one in flight is there as well. */
static void no_acknowledged_commit_is_ever_lost(void **state)
{
  (void)state;
  int stopped = 0;
  for (uint64_t seed = 1; seed <= 150; seed++) {
    struct random r = random_new(seed);
    struct disk *d = disk_new("db-test", &r);
    disk_powersafe(d, seed % 2);
    enum tg_err err;
    struct db *db = open_on(d, &err);
    assert_int_equal(err, TG_OK);
    disk_fail_after(d, 1 + random_below(&r, 120), random_chance(&r, 40));
    uint64_t acknowledged = commit_until_failure(db, 2, 60);
    if (db_failed(db)) {
      stopped++;
      struct tg_why why;
      assert_int_equal(db_begin(db, &why), TG_DISK);
      assert_int_equal(insert(db, 999, "too late"), TG_DISK);
      assert_int_equal(db_commit(db, &why), TG_DISK);
      assert_int_equal(db_checkpoint(db, &why), TG_DISK);
      assert_non_null(why.todo);
    }
    if (random_chance(&r, 70))
      disk_cut(d);
    db_close(&db);
    disk_restore(d);
    disk_fail_after(d, 0, false);
    db = open_on(d, &err);
    assert_int_equal(err, TG_OK);
    uint64_t found = highest(db);
    if (found < acknowledged || found > acknowledged + 1)
      fail_msg("seed %llu: acknowledged %llu, found %llu", (unsigned long long)seed,
               (unsigned long long)acknowledged, (unsigned long long)found);
    assert_int_equal(db_check(db, NULL), TG_OK);
    assert_int_equal(commit_until_failure(db, found + 1, found + 20), found + 19);
    db_close(&db);
    disk_free(d);
  }
  assert_true(stopped > 50);
}

/* A transaction that overflows the cache writes before its commit; the disk is full there. It is rolled back
   as a whole, nothing of what follows slips through one by one, and the store goes on. */
static void a_disk_full_before_the_commit_costs_the_transaction_only(void **state)
{
  (void)state;
  struct random r = random_new(5);
  struct disk *d = disk_new("db-test", &r);
  struct db *db = NULL;
  struct db_options o = with(two, 2);
  o.path = "hub.db";
  o.vfs = disk_vfs(d);
  o.cache_bytes = 16 * 4096;
  assert_int_equal(db_open(&o, &db, NULL), TG_OK);
  static uint8_t body[3000];
  assert_int_equal(db_begin(db, NULL), TG_OK);
  disk_fail_after(d, 20, true);
  enum tg_err err = TG_OK;
  uint64_t i = 2;
  for (; err == TG_OK && i < 1000; i++) {
    struct db_stmt *s = db_stmt(db, "INSERT INTO item (id, name, body) VALUES (?, ?, ?)");
    char name[40];
    snprintf(name, sizeof name, "item %llu", (unsigned long long)i);
    db_bind_u64(s, 1, i);
    db_bind_text(s, 2, slice_str(name));
    db_bind_blob(s, 3, slice_of(body, sizeof body));
    err = db_run(s);
  }
  assert_int_equal(err, TG_DISK);
  assert_false(db_failed(db));
  struct tg_why why;
  assert_int_equal(db_explain(db, err, &why), TG_DISK);
  assert_true(sqlite3_strlike("%full%", why.arg[0], 0) == 0);
  (void)insert(db, 500, "must not be kept");
  db_rollback(db);
  assert_int_equal(count(db), 1);
  assert_int_equal(commit_until_failure(db, 2, 10), 9);
  db_close(&db);
  disk_free(d);
}

/* ---- what is written ahead of a checkpoint */

enum { ITEMS = 400, BODY = 1500, LOG_PAGES = 64 };

static struct db *open_small_log(struct disk *d)
{
  struct db *db = NULL;
  struct db_options o = with(two, 2);
  o.path = "hub.db";
  o.vfs = disk_vfs(d);
  o.cache_bytes = 16 * 4096; /* transactions outgrow it, and write the log before they end */
  o.checkpoint_bytes = LOG_PAGES * 4096;
  assert_int_equal(db_open(&o, &db, NULL), TG_OK);
  return db;
}

/* A body of nothing but this number. */
static enum tg_err put_item(struct db *db, uint64_t id, uint32_t value)
{
  uint32_t body[BODY / sizeof(uint32_t)];
  char name[40];
  snprintf(name, sizeof name, "item %llu", (unsigned long long)id);
  for (size_t i = 0; i < sizeof body / sizeof *body; i++)
    body[i] = value;
  struct db_stmt *s = db_stmt(db, "INSERT OR REPLACE INTO item (id, name, body) VALUES (?, ?, ?)");
  db_bind_u64(s, 1, id);
  db_bind_text(s, 2, slice_str(name));
  db_bind_blob(s, 3, slice_of(body, sizeof body));
  return db_run(s);
}

static uint32_t item(struct db *db, uint64_t id)
{
  struct db_stmt *s = db_stmt(db, "SELECT body FROM item WHERE id = ?");
  uint32_t body[BODY / sizeof(uint32_t)] = {0};
  bool row = false;
  db_bind_u64(s, 1, id);
  assert_int_equal(db_step(s, &row), TG_OK);
  if (!row)
    return 0;
  assert_true(db_bytes(s, 0, body, sizeof body));
  db_reset(s);
  for (size_t i = 1; i < sizeof body / sizeof *body; i++)
    assert_int_equal(body[i], body[0]);
  return body[0];
}

/* Pages with such a body that stand in the database itself. */
static size_t pages_with(struct disk *d, uint32_t value)
{
  uint8_t page[4096], run[64];
  size_t n = 0;
  for (size_t i = 0; i < sizeof run; i += sizeof value)
    memcpy(run + i, &value, sizeof value);
  for (size_t at = 0; disk_read(d, "hub.db", at, page, sizeof page); at += sizeof page)
    n += memmem(page, sizeof page, run, sizeof run) != NULL;
  return n;
}

/* Until there was one more checkpoint; most of what it was to write stood there before, and did not come at once. */
static uint64_t until_a_checkpoint(struct disk *d, struct db *db, uint64_t id, uint32_t value)
{
  const uint64_t had = db_counts(db).checkpoints, from = id;
  uint64_t seen = 0;
  size_t before = 0;
  for (; db_counts(db).checkpoints == had && id < from + ITEMS; id++) {
    before = pages_with(d, value);
    seen = seen || before == 0 ? seen : id - from;
    assert_int_equal(db_begin(db, NULL), TG_OK);
    assert_int_equal(put_item(db, id, value), TG_OK);
    assert_int_equal(db_commit(db, NULL), TG_OK);
  }
  assert_int_equal(db_counts(db).checkpoints, had + 1);
  const size_t all = pages_with(d, value);
  if (before < all * 3 / 4 || seen < (id - from) / 3)
    fail_msg("checkpoint %u of %llu items: of %zu pages %zu stood there before, the first at item %llu", (unsigned)had + 1, (unsigned long long)(id - from), all, before,
             (unsigned long long)seen);
  return id;
}

static void a_checkpoint_finds_little_to_write(void **state)
{
  (void)state;
  struct random r = random_new(1);
  struct disk *d = disk_new("db-test", &r);
  struct db *db = open_small_log(d);
  uint64_t id = 2;
  for (uint32_t value = 77771; value < 77774; value++)
    id = until_a_checkpoint(d, db, id, value);
  db_close(&db);
  disk_free(d);
}

/* Any mixture of changes, taken back or not, with the power cut or a write failing at any moment: what was committed is there. */
static void what_was_written_ahead_is_never_old(void **state)
{
  (void)state;
  size_t moved = 0, failed = 0;
  for (uint64_t seed = 1; seed <= 60; seed++) {
    struct random r = random_new(seed);
    struct disk *d = disk_new("db-test", &r);
    disk_powersafe(d, seed % 2); /* as SQLite takes disks for, and as it takes those of other systems */
    struct db *db = open_small_log(d);
    uint32_t model[ITEMS] = {0}, tried[ITEMS];
    memcpy(tried, model, sizeof tried);
    if (random_chance(&r, 30))
      disk_fail_after(d, 1 + random_below(&r, 900), random_chance(&r, 40));
    for (uint32_t turn = 1, turns = 40 + (uint32_t)random_below(&r, 150); turn < turns && !db_failed(db); turn++) {
      const uint64_t n = random_chance(&r, 5) ? 120 : 1 + random_below(&r, 4);
      enum tg_err err = db_begin(db, NULL);
      memcpy(tried, model, sizeof tried);
      for (uint64_t i = 0; err == TG_OK && i < n; i++) {
        const uint64_t id = 2 + (random_chance(&r, 50) ? random_below(&r, 8) : random_below(&r, ITEMS - 2));
        tried[id] = turn;
        err = put_item(db, id, turn);
      }
      if (err != TG_OK || random_chance(&r, 15))
        db_rollback(db);
      else if (db_commit(db, NULL) == TG_OK)
        memcpy(model, tried, sizeof model);
    }
    moved += db_counts(db).checkpoints;
    failed += db_failed(db);
    const bool was_failed = db_failed(db);
    if (random_chance(&r, 70))
      disk_cut(d);
    db_close(&db);
    disk_restore(d);
    disk_fail_after(d, 0, false);
    db = open_small_log(d);
    bool old = true, last = was_failed; /* a commit that failed may be there as a whole */
    for (uint64_t id = 2; id < ITEMS; id++) {
      const uint32_t is = item(db, id);
      old = old && is == model[id];
      last = last && is == tried[id];
    }
    if (!old && !last)
      fail_msg("seed %llu: what was committed is not there", (unsigned long long)seed);
    assert_int_equal(db_check(db, NULL), TG_OK);
    db_close(&db);
    disk_free(d);
  }
  assert_true(moved > 200);
  assert_true(failed > 5);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(versions_go_forward_only),
      T(a_migration_is_whole_or_absent),
      T(a_foreign_file_is_left_alone),
      T(one_program_at_a_time),
      T(values_come_back_as_they_went),
      T(one_row_is_there_or_is_not),
      T(mistakes_have_their_own_answers),
      T(of_a_value_that_is_not_whole_nothing_is_stored),
      T(a_rollback_leaves_no_trace),
      T(the_log_is_emptied_in_time),
      T(a_damaged_page_is_named),
      T(a_log_that_lost_what_was_certain_is_refused),
      T(a_store_without_sums_gets_them),
      T(no_acknowledged_commit_is_ever_lost),
      T(a_disk_full_before_the_commit_costs_the_transaction_only),
      T(a_checkpoint_finds_little_to_write),
      T(what_was_written_ahead_is_never_old),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
