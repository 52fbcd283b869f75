/* The checkpoints that a node keeps of a log that grows and grows: those under which its own entries stand, and no others. */
#include "client/node/history.h"
#include "tests/audit/kit.h"

#include <unistd.h>

enum { OURS = 40, /* OURS + 1 is one of the sizes below */
        TALL = 100700, STEP = 7, EARLY = 400 };

static char path[64];
static const uint8_t storage_key[32] = {1};
static struct node_core core;
static struct kit_log *log_;
static uint64_t newest, pruned;
static struct opening ours;
static struct merkle_path ours_path;
static uint8_t salt[ENTRY_SALT] = {3};
static struct buf ours_bytes;

static void open_node(void)
{
  const struct depot_options options = {.path = path, .storage_key = storage_key};
  core = (struct node_core){.scrap = arena_new(1 << 20), .now = {KIT_NOW, 1000}};
  pruned = 0;
  assert_int_equal(depot_open(&options, &core.depot, NULL), TG_OK);
}

static void close_node(void)
{
  assert_int_equal(depot_commit(core.depot, NULL), TG_OK);
  depot_close(&core.depot);
  arena_free(core.scrap);
}

/* A checkpoint of this size comes, proven to extend the one before. */
static void see(uint64_t size, bool settled)
{
  struct buf note = kit_note(log_, size);
  struct checkpoint c = kit_checkpoint(log_, size);
  struct witness_state state = {.size = size, .root = c.root};
  struct merkle_path growth = {.n = 0};
  snprintf(state.origin, sizeof state.origin, "%s", log_->vkey.name);
  if (newest)
    growth = kit_consistency(log_, newest, size);
  assert_int_equal(depot_begin(core.depot, NULL), TG_OK);
  assert_int_equal(history_put(&core, &state, merkle_path_slice(&growth), buf_slice(&note), settled, &pruned), TG_OK);
  newest = size;
  buf_free(&note);
}

static bool is_needed(uint64_t size) { return size == OURS + 1 || size % 5 == 0; }

/* The node's first weeks: a checkpoint each few entries; under some of them an entry was opened to it. */
static int set_up(void **state)
{
  (void)state;
  struct entry entry = kit_entry();
  snprintf(path, sizeof path, "/tmp/toguna-history-%d.db", (int)getpid());
  unlink(path);
  newest = 0;
  open_node();
  log_ = kit_log_new("log.example/a", OURS);
  ours_bytes = buf_new(LIMIT_ENTRY);
  assert_int_equal(entry_build(&entry, &ours_bytes, NULL), TG_OK);
  ours = kit_append_entry(log_, buf_slice(&ours_bytes), salt, &ours_path);
  kit_log_grow(log_, TALL);
  for (uint64_t size = 6; size < EARLY; size += STEP) {
    see(size, size == 62);
    if (is_needed(size))
      assert_int_equal(history_need(&core, log_->vkey.name, size), TG_OK);
  }
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  close_node();
  kit_log_free(log_);
  buf_free(&ours_bytes);
  unlink(path);
  return 0;
}

/* Every row is proven to extend the one before; *ret_early: those of the first weeks. */
static unsigned all_chain(unsigned *ret_early)
{
  struct arena *arena = arena_new(1 << 20);
  struct history_row row, before = {.size = 0};
  unsigned n = 0;
  *ret_early = 0;
  for (; history_after(&core, log_->vkey.name, before.size, arena, &row) == TG_OK; before = row, n++) {
    if (n)
      assert_int_equal(merkle_consistency_verify(before.size, &before.root, row.size, &row.root, row.growth), TG_OK);
    *ret_early += row.size < EARLY;
    if (row.size < EARLY && newest == TALL)
      assert_true(is_needed(row.size) || row.size == 62);
  }
  arena_free(arena);
  return n;
}

static void is_proven(uint64_t settled_at)
{
  struct arena *arena = arena_new(1 << 20);
  struct history_row row;
  struct slice way;
  assert_int_equal(history_prove(&core, log_->vkey.name, &ours, 0, arena, &row, &way), TG_OK);
  struct hash data, leaf;
  assert_int_equal(opening_leaf(&ours, &data), TG_OK);
  leaf = merkle_leaf(slice_of(data.b, 32));
  assert_int_equal(merkle_path_verify(&leaf, ours.index, row.size, way, &row.root), TG_OK);
  assert_int_equal(row.settled, settled_at != 0);
  if (settled_at)
    assert_int_equal(row.size, settled_at);
  arena_free(arena);
}

static void the_log_grows_beyond_what_is_kept(void)
{
  for (uint64_t size = EARLY + 100000; size <= TALL; size += 5)
    see(size, false);
  assert_int_equal(newest, TALL);
}

static void what_an_entry_needs_stays(void **state)
{
  (void)state;
  unsigned early, expected = 1; /* the one that settles ours */
  is_proven(62);
  for (uint64_t size = 6; size < EARLY; size += STEP)
    expected += is_needed(size) && size != 62;
  all_chain(&early);
  assert_int_equal(early, (EARLY - 6 + STEP - 1) / STEP);
  the_log_grows_beyond_what_is_kept();
  all_chain(&early);
  assert_int_equal(early, expected);
  is_proven(62);
  assert_int_equal(history_holds(&core, log_->vkey.name, &ours), TG_OK);
}

static void a_restart_in_between_changes_nothing(void **state)
{
  (void)state;
  unsigned early, again;
  for (uint64_t size = EARLY + 100000; size <= TALL; size += 5) {
    see(size, false);
    if (size % 50 == 0) {
      close_node();
      open_node();
    }
  }
  all_chain(&early);
  close_node();
  open_node();
  all_chain(&again);
  assert_int_equal(early, again);
  assert_true(early < 20);
  is_proven(62);
}

/* A document may be fetched long after it was logged: more checkpoints lie between than are looked at. Where it was opened is then told. */
static void what_was_opened_late_is_found_where_it_was_opened(void **state)
{
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct merkle_path late;
  struct history_row row;
  struct slice way;
  const struct merkle_path growth = kit_consistency(log_, OURS + 1, TALL);
  assert_int_equal(merkle_path_grow(ours.index, OURS + 1, ours.path, TALL, merkle_path_slice(&growth), &late), TG_OK);
  struct opening o = ours;
  o.path = merkle_path_slice(&late);
  for (unsigned i = 0; i < 5000; i++)
    see(newest + 1, false);
  see(TALL, true);
  assert_int_equal(history_prove(&core, log_->vkey.name, &o, 0, arena, &row, &way), TG_NOT_FOUND);
  assert_int_equal(history_prove(&core, log_->vkey.name, &o, TALL, arena, &row, &way), TG_OK);
  assert_int_equal(row.size, TALL);
  assert_true(slice_eq(way, o.path));
  arena_free(arena);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {STORY(what_an_entry_needs_stays), STORY(a_restart_in_between_changes_nothing),
                                     STORY(what_was_opened_late_is_found_where_it_was_opened)};
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
