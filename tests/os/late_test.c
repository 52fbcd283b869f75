/* Where the row of a hash stands, whether it is in memory, in the table, or was read back after a crash. */
#include "os/late.h"
#include "proto/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 128, ROWS = 1000, GROUP = 50 };

static const char *const migrations[] = {
    "CREATE TABLE thing(place INTEGER PRIMARY KEY, id BLOB NOT NULL, part INTEGER NOT NULL) STRICT;"
    "CREATE TABLE place(head BLOB NOT NULL, place INTEGER NOT NULL, PRIMARY KEY(head, place)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE slice(no INTEGER PRIMARY KEY, below INTEGER NOT NULL) STRICT;"
    "WITH RECURSIVE byte(no) AS (SELECT 0 UNION ALL SELECT no + 1 FROM byte WHERE no < 255) INSERT INTO slice SELECT no, 1 FROM byte;"};

static const struct late_table table = {
    .slices = "SELECT below FROM slice ORDER BY no",
    .slice = "UPDATE slice SET below = ?2 WHERE no = ?1",
    .put = "INSERT INTO place VALUES(substr(?1, 1, 2), ?2)",
    .since = "SELECT place, id, part FROM thing WHERE place >= ?1 ORDER BY place",
    .find = "SELECT thing.place FROM place JOIN thing USING(place) WHERE head = substr(?1, 1, 2) AND id = ?1 AND part = ?2",
    .at = "SELECT place FROM thing WHERE place = ?3 AND id = ?1 AND part = ?2",
    .most = MOST,
};

struct world {
  char folder[64], path[80];
  struct db *db;
  struct late *late;
};

static void open_it(struct world *w)
{
  const struct db_options o = {.path = w->path, .application_id = 0x5447, .migrations = migrations, .n_migrations = 1};
  assert_int_equal(db_open(&o, &w->db, NULL), TG_OK);
  assert_int_equal(late_open(w->db, &table, &w->late), TG_OK);
}

static void close_it(struct world *w)
{
  late_close(w->late);
  db_close(&w->db);
}

static int set_up(void **state)
{
  static struct world w;
  snprintf(w.folder, sizeof w.folder, "/tmp/toguna-late-XXXXXX");
  assert_non_null(mkdtemp(w.folder));
  snprintf(w.path, sizeof w.path, "%s/s.db", w.folder);
  open_it(&w);
  *state = &w;
  return 0;
}

static int tear_down(void **state)
{
  struct world *w = *state;
  char command[96];
  close_it(w);
  snprintf(command, sizeof command, "rm -r %s", w->folder);
  return system(command);
}

static struct hash id_of(uint64_t n)
{
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)n);
  return hash_plain(slice_str(text));
}

static uint64_t count(struct world *w, const char *sql)
{
  uint64_t n;
  assert_int_equal(db_number(db_stmt(w->db, sql), &n), TG_OK);
  return n;
}

/* Two rows of each id, and each GROUP of ids is a transaction. */
static void fill(struct world *w, uint64_t from, uint64_t to)
{
  for (uint64_t i = from; i < to; i++) {
    const struct hash id = id_of(i);
    if (i % GROUP == 0)
      assert_int_equal(db_begin(w->db, NULL), TG_OK);
    for (uint64_t part = 0; part < 2; part++) {
      const uint64_t place = late_next(w->late);
      struct db_stmt *s = db_stmt(w->db, "INSERT INTO thing VALUES(?, ?, ?)");
      db_bind_u64(s, 1, place);
      db_bind_blob(s, 2, slice_of(id.b, sizeof id.b));
      db_bind_u64(s, 3, part);
      assert_int_equal(db_run(s), TG_OK);
      assert_int_equal(late_put(w->late, &id, part, place), TG_OK);
    }
    if (i % GROUP == GROUP - 1) {
      assert_int_equal(late_write(w->late), TG_OK);
      assert_int_equal(db_commit(w->db, NULL), TG_OK);
    }
  }
}

static void expect(struct world *w, uint64_t n)
{
  for (uint64_t i = 0; i < n; i++)
    for (uint64_t part = 0; part < 2; part++) {
      const struct hash id = id_of(i);
      uint64_t place = 0;
      assert_int_equal(late_find(w->late, &id, part, &place), TG_OK);
      assert_int_equal(place, 2 * i + part + 1);
    }
  const struct hash other = id_of(n);
  uint64_t place;
  assert_int_equal(late_find(w->late, &other, 0, &place), TG_NOT_FOUND);
}

static void all_are_found_wherever_they_are(void **state)
{
  struct world *w = *state;
  fill(w, 0, ROWS);
  const uint64_t written = count(w, "SELECT count(*) FROM place");
  assert_in_range(written, 2 * ROWS - 2 * MOST, 2 * ROWS - 1); /* some are in memory alone, the most are not */
  expect(w, ROWS);
  close_it(w);
  open_it(w);
  assert_int_equal(late_next(w->late), 2 * ROWS + 1);
  expect(w, ROWS);
  fill(w, ROWS, ROWS + 5 * GROUP);
  expect(w, ROWS + 5 * GROUP);
  assert_int_equal(count(w, "SELECT count(*) FROM (SELECT DISTINCT place FROM place)"), count(w, "SELECT count(*) FROM place"));
}

/* Out of the table behind its back: what was looked for last needs no table, until its row is taken away. */
static void what_was_found_is_at_hand(void **state)
{
  struct world *w = *state;
  uint64_t place;
  const struct hash found = id_of(3), met = id_of(4), neither = id_of(5);
  fill(w, 0, ROWS);
  assert_false(late_held(w->late, &found, 1, &place) || late_held(w->late, &met, 0, &place) || late_held(w->late, &neither, 0, &place));
  assert_int_equal(late_find(w->late, &found, 1, &place), TG_OK);
  late_seen(w->late, &met, 0, 9);
  assert_int_equal(db_run(db_stmt(w->db, "DELETE FROM place")), TG_OK);
  assert_int_equal(late_find(w->late, &found, 1, &place), TG_OK);
  assert_int_equal(place, 8);
  assert_int_equal(late_find(w->late, &found, 0, &place), TG_NOT_FOUND);
  assert_int_equal(late_find(w->late, &met, 0, &place), TG_OK);
  assert_int_equal(place, 9);
  assert_int_equal(late_find(w->late, &neither, 0, &place), TG_NOT_FOUND);
  assert_false(late_take(w->late, &found, &place));
  assert_int_equal(late_find(w->late, &found, 1, &place), TG_NOT_FOUND);
}

/* Without the table again: the row after the one that was found is the first that is looked at. */
static void what_is_looked_for_in_order_needs_no_search(void **state)
{
  struct world *w = *state;
  uint64_t place;
  fill(w, 0, ROWS);
  struct hash id = id_of(10);
  assert_int_equal(late_find(w->late, &id, 0, &place), TG_OK);
  assert_int_equal(db_run(db_stmt(w->db, "DELETE FROM place")), TG_OK);
  for (uint64_t next = place + 1; next < place + 200; next++) {
    uint64_t found;
    id = id_of((next - 1) / 2);
    assert_int_equal(late_find(w->late, &id, (next - 1) % 2, &found), TG_OK);
    assert_int_equal(found, next);
  }
  id = id_of(5);
  assert_int_equal(late_find(w->late, &id, 0, &place), TG_NOT_FOUND);
}

/* What goes in together stands together: that is what it is for. */
static void a_commit_writes_to_few_places_of_the_table(void **state)
{
  struct world *w = *state;
  fill(w, 0, ROWS);
  const uint64_t below = late_next(w->late);
  fill(w, ROWS, ROWS + GROUP);
  struct db_stmt *s = db_stmt(w->db, "SELECT count(DISTINCT substr(head, 1, 1)) FROM place WHERE place >= ?");
  uint64_t places;
  db_bind_u64(s, 1, below);
  assert_int_equal(db_number(s, &places), TG_OK);
  s = db_stmt(w->db, "SELECT count(*) FROM slice WHERE below > ?");
  uint64_t slices;
  db_bind_u64(s, 1, below);
  assert_int_equal(db_number(s, &slices), TG_OK);
  assert_true(places <= slices); /* only slices that were written as a whole */
  fill(w, ROWS + GROUP, 4 * ROWS);
  expect(w, 4 * ROWS);
}

static void rows_that_go_are_not_found_and_their_places_not_given_again(void **state)
{
  struct world *w = *state;
  fill(w, 0, GROUP);
  const struct hash id = id_of(GROUP - 1);
  const uint64_t next = late_next(w->late);
  uint64_t place, taken = 0;
  assert_int_equal(db_begin(w->db, NULL), TG_OK);
  for (; late_take(w->late, &id, &place); taken++) {
    struct db_stmt *s = db_stmt(w->db, "DELETE FROM thing WHERE place = ?");
    db_bind_u64(s, 1, place);
    assert_int_equal(db_run(s), TG_OK);
  }
  assert_int_equal(db_commit(w->db, NULL), TG_OK);
  assert_int_equal(taken, 2);
  assert_int_equal(late_find(w->late, &id, 0, &place), TG_NOT_FOUND);
  assert_int_equal(late_next(w->late), next);
  for (uint64_t i = 0; i < GROUP - 1; i++) {
    const struct hash other = id_of(i);
    while (late_take(w->late, &other, &place))
      taken++;
  }
  assert_int_equal(taken, 2 * GROUP);
  fill(w, GROUP, 2 * GROUP);
  assert_true(taken + 2 * GROUP > MOST);
  assert_int_equal(count(w, "SELECT count(*) FROM place"), 0); /* nor counted with what is in memory */
}

/* All rows stand in the table of places, and the newest are gone: nothing but the slices knows how far it went. */
static void places_of_rows_that_are_gone_are_not_given_again_after_a_start(void **state)
{
  struct world *w = *state;
  fill(w, 0, ROWS);
  assert_int_equal(db_begin(w->db, NULL), TG_OK);
  const uint64_t next = late_next(w->late);
  struct db_stmt *s = db_stmt(w->db, "UPDATE slice SET below = ?");
  db_bind_u64(s, 1, next);
  assert_int_equal(db_run(s), TG_OK);
  assert_int_equal(db_run(db_stmt(w->db, "DELETE FROM thing")), TG_OK);
  assert_int_equal(db_commit(w->db, NULL), TG_OK);
  close_it(w);
  open_it(w);
  assert_int_equal(late_next(w->late), next);
}

static void a_table_that_lacks_a_slice_is_damaged(void **state)
{
  struct world *w = *state;
  struct late *other = NULL;
  assert_int_equal(db_begin(w->db, NULL), TG_OK);
  assert_int_equal(db_run(db_stmt(w->db, "DELETE FROM slice WHERE no = 255")), TG_OK);
  assert_int_equal(db_commit(w->db, NULL), TG_OK);
  assert_int_equal(late_open(w->db, &table, &other), TG_DISK);
  assert_int_equal(db_begin(w->db, NULL), TG_OK);
  assert_int_equal(db_run(db_stmt(w->db, "INSERT INTO slice VALUES(255, 1), (256, 1)")), TG_OK);
  assert_int_equal(db_commit(w->db, NULL), TG_OK);
  assert_int_equal(late_open(w->db, &table, &other), TG_DISK);
}

static void those_between_are_counted(void **state)
{
  struct world *w = *state;
  struct hash low, high, found[2];
  memset(&low, 0, sizeof low);
  memset(&high, 0xff, sizeof high);
  fill(w, 0, GROUP);
  assert_true(late_between(w->late, &low, &high, found, 2) >= 2);
  low = high = id_of(GROUP - 1);
  const size_t n = late_between(w->late, &low, &high, found, 1);
  assert_int_equal(n, 2);
  assert_true(hash_eq(&found[0], &low));
  low.b[31]++;
  high = low;
  assert_int_equal(late_between(w->late, &low, &high, found, 1), 0);
  low = id_of(GROUP - 1);
  low.b[31]--;
  high = low;
  assert_int_equal(late_between(w->late, &low, &high, found, 1), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(all_are_found_wherever_they_are, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_was_found_is_at_hand, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_looked_for_in_order_needs_no_search, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_commit_writes_to_few_places_of_the_table, set_up, tear_down),
      cmocka_unit_test_setup_teardown(rows_that_go_are_not_found_and_their_places_not_given_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(places_of_rows_that_are_gone_are_not_given_again_after_a_start, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_table_that_lacks_a_slice_is_damaged, set_up, tear_down),
      cmocka_unit_test_setup_teardown(those_between_are_counted, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("os_late", tests, NULL, NULL);
}
