/* What a depot keeps under the id of a bulletin is found, moved and erased, whether the id is in memory, in the table of places, or was read back. */
#include "client/node/depot.h"
#include "proto/hash.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MANY = 6000, GROUP = 100 }; /* more than stand in memory */

struct world {
  char folder[64], path[80];
  struct depot *depot;
  struct arena *arena;
};

static const uint8_t storage_key[32] = {1};

static void open_it(struct world *w)
{
  const struct depot_options o = {.path = w->path, .storage_key = storage_key};
  assert_int_equal(depot_open(&o, &w->depot, NULL), TG_OK);
}

static int set_up(void **state)
{
  static struct world w;
  snprintf(w.folder, sizeof w.folder, "/tmp/toguna-depot-XXXXXX");
  assert_non_null(mkdtemp(w.folder));
  snprintf(w.path, sizeof w.path, "%s/s.db", w.folder);
  assert_non_null(w.arena = arena_new(1 << 20));
  open_it(&w);
  *state = &w;
  return 0;
}

static int tear_down(void **state)
{
  struct world *w = *state;
  char command[96];
  depot_close(&w->depot);
  arena_free(w->arena);
  snprintf(command, sizeof command, "rm -r %s", w->folder);
  return system(command);
}

static struct hash id_of(uint64_t n)
{
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)n);
  return hash_plain(slice_str(text));
}

/* Portions 1 and 3 of each, as who reads but these has them. */
static void fill(struct world *w, uint64_t from, uint64_t to)
{
  for (uint64_t i = from; i < to; i++) {
    const struct hash id = id_of(i);
    assert_int_equal(depot_begin(w->depot, NULL), TG_OK);
    for (unsigned portion = 1; portion <= 3; portion += 2) {
      struct depot_content c = {.secret = slice_of(id.b, 32)};
      assert_int_equal(depot_body_new(w->depot, &c.body), TG_OK);
      assert_int_equal(depot_content_put(w->depot, &id, portion, &c), TG_OK);
    }
    if (i % GROUP == GROUP - 1)
      assert_int_equal(depot_commit(w->depot, NULL), TG_OK);
  }
}

static bool has(struct world *w, uint64_t n, unsigned portion)
{
  const struct hash id = id_of(n);
  struct depot_content c;
  arena_reset(w->arena);
  const enum tg_err err = depot_content(w->depot, &id, portion, w->arena, &c);
  assert_true(err == TG_OK || err == TG_NOT_FOUND);
  if (err == TG_OK)
    assert_true(slice_eq(c.secret, slice_of(id.b, 32)));
  return err == TG_OK;
}

static uint64_t count(struct world *w, const char *sql)
{
  uint64_t n;
  assert_int_equal(db_number(db_stmt(depot_db(w->depot), sql), &n), TG_OK);
  return n;
}

static void erase(struct world *w, uint64_t n)
{
  const struct hash id = id_of(n);
  bool any;
  assert_int_equal(depot_begin(w->depot, NULL), TG_OK);
  assert_int_equal(depot_content_erase(w->depot, &id, &any), TG_OK);
  assert_true(any);
  assert_int_equal(depot_content_erase(w->depot, &id, &any), TG_OK);
  assert_false(any);
  assert_int_equal(depot_commit(w->depot, NULL), TG_OK);
}

static void content_is_found_and_erased_wherever_its_place_is(void **state)
{
  struct world *w = *state;
  fill(w, 0, MANY);
  assert_true(count(w, "SELECT count(*) FROM place") > 0);
  assert_true(count(w, "SELECT count(*) FROM place") < count(w, "SELECT count(*) FROM content"));
  for (int round = 0; round < 2; round++) {
    for (uint64_t i = 0; i < MANY; i++) {
      assert_true(has(w, i, 1) && has(w, i, 3));
      assert_false(has(w, i, 0) || has(w, i, 2));
    }
    depot_close(&w->depot);
    open_it(w);
  }
  for (uint64_t i = 0; i < MANY; i += 7)
    erase(w, i);
  assert_int_equal(count(w, "SELECT count(*) FROM content"), 2 * (MANY - (MANY + 6) / 7));
  assert_int_equal(count(w, "SELECT count(*) FROM dropped"), 2 * ((MANY + 6) / 7));
  assert_int_equal(count(w, "SELECT count(*) FROM place WHERE kind = 2 AND place NOT IN (SELECT place FROM content)"), 0);
  depot_close(&w->depot);
  open_it(w);
  fill(w, MANY, MANY + GROUP);
  for (uint64_t i = 0; i < MANY + GROUP; i++)
    assert_int_equal(has(w, i, 1) && has(w, i, 3), i >= MANY || i % 7 != 0);
}

static void what_is_moved_is_found_under_its_new_id_alone(void **state)
{
  struct world *w = *state;
  fill(w, 0, MANY);
  const uint64_t from[] = {0, MANY - 1};
  for (size_t i = 0; i < 2; i++) {
    const struct hash old = id_of(from[i]), new = id_of(MANY + i);
    struct depot_content c;
    assert_int_equal(depot_begin(w->depot, NULL), TG_OK);
    assert_int_equal(depot_content_move(w->depot, &old, &new, w->arena), TG_OK);
    assert_int_equal(depot_commit(w->depot, NULL), TG_OK);
    assert_false(has(w, from[i], 1) || has(w, from[i], 3));
    assert_int_equal(depot_content(w->depot, &new, 1, w->arena, &c), TG_OK);
    assert_int_equal(depot_content(w->depot, &new, 3, w->arena, &c), TG_OK);
  }
  assert_int_equal(count(w, "SELECT count(*) FROM dropped"), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(content_is_found_and_erased_wherever_its_place_is, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_moved_is_found_under_its_new_id_alone, set_up, tear_down),
  };
  if (sodium_init() < 0)
    return 1;
  return cmocka_run_group_tests_name("client_node_depot", tests, NULL, NULL);
}
