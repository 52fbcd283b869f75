/* Tiles: the widths and names of the standard, and a reader that answers like the tree itself. */
#include "tests/audit/kit.h"

/* c2sp.org/tlog-tiles: a log of 70,000 entries. */
static void widths_are_those_of_the_standard(void **state)
{
  (void)state;
  assert_int_equal(tile_width(70000, 0, 0), 256);
  assert_int_equal(tile_width(70000, 0, 272), 256);
  assert_int_equal(tile_width(70000, 0, 273), 112);
  assert_int_equal(tile_width(70000, 0, 274), 0);
  assert_int_equal(tile_width(70000, 1, 0), 256);
  assert_int_equal(tile_width(70000, 1, 1), 17);
  assert_int_equal(tile_width(70000, 2, 0), 1);
  assert_int_equal(tile_width(70000, 3, 0), 0);
  assert_int_equal(tile_width(0, 0, 0), 0);
  assert_int_equal(tile_width(255, 1, 0), 0);
  assert_int_equal(tile_width(256, 1, 0), 1);
  assert_int_equal(tile_width(MERKLE_SIZE_MAX, 7, 0), 64);
  assert_int_equal(tile_width(MERKLE_SIZE_MAX, TILE_LEVELS, 0), 0);
  assert_int_equal(tile_width(MERKLE_SIZE_MAX, 0, UINT64_MAX), 0);
  assert_int_equal(tile_width(MERKLE_SIZE_MAX, 0, UINT64_MAX / 256 + 1), 0);
}

static void names_are_those_of_the_standard(void **state)
{
  (void)state;
  static const struct {
    struct tile_name name;
    const char *path;
  } rows[] = {
      {{.level = 0, .index = 0, .width = 256}, "tile/0/000"},
      {{.level = 0, .index = 273, .width = 112}, "tile/0/273.p/112"},
      {{.level = 1, .index = 1234067, .width = 256}, "tile/1/x001/x234/067"},
      {{.level = 7, .index = 1234067, .width = 17}, "tile/7/x001/x234/067.p/17"},
      {{.entries = true, .index = 999, .width = 1}, "tile/entries/999.p/1"},
      {{.entries = true, .index = 1000, .width = 256}, "tile/entries/x001/000"},
      {{.level = 0, .index = UINT64_MAX, .width = 255}, "tile/0/x018/x446/x744/x073/x709/x551/615.p/255"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char path[TILE_PATH_MAX];
    struct tile_name name;
    assert_int_equal(tile_name_print(&rows[i].name, path), strlen(rows[i].path));
    assert_string_equal(path, rows[i].path);
    assert_int_equal(tile_name_parse(slice_str(path), &name), TG_OK);
    assert_true(name.entries == rows[i].name.entries && name.level == rows[i].name.level);
    assert_true(name.index == rows[i].name.index && name.width == rows[i].name.width);
  }
}

static void a_name_has_one_spelling(void **state)
{
  (void)state;
  static const char *const bad[] = {
      "",
      "tile",
      "tile/",
      "tile/0",
      "tile/0/",
      "tile/0/0",
      "tile/0/00",
      "tile/0/0000",
      "tile/00/000",
      "tile/8/000",
      "tile/63/000",
      "tile/-1/000",
      "tile/0/x000/000",
      "tile/0/x01/000",
      "tile/0/001/000",
      "tile/0/x001/x000",
      "tile/0/000.p",
      "tile/0/000.p/",
      "tile/0/000.p/0",
      "tile/0/000.p/256",
      "tile/0/000.p/007",
      "tile/0/000.p/1/",
      "tile/0/000/",
      "/tile/0/000",
      "tile/0/000.P/1",
      "tile/entries",
      "tile/entries/0/000",
      "tile/0/../000",
      "tile/0/X001/000",
      "tile/0/000 ",
      "tile/0/x018/x446/x744/x073/x709/x551/616",
      "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
  };
  struct tile_name name = {.width = 3};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(tile_name_parse(slice_str(bad[i]), &name), TG_BAD_INPUT);
  assert_int_equal(tile_name_parse(slice_of("tile/0/000\0", 11), &name), TG_BAD_INPUT);
  assert_int_equal(name.width, 3);
}

static void a_bundle_is_framed_leaves(void **state)
{
  (void)state;
  struct buf out = buf_new(100);
  struct hash leaf = kit_hash(5);
  tile_bundle_put(&out, &leaf);
  tile_bundle_put(&out, &leaf);
  assert_int_equal(out.n, 68);
  assert_true(out.p[0] == 0 && out.p[1] == 32 && out.p[34] == 0 && out.p[35] == 32 && out.p[67] == 5);
  buf_free(&out);
}

/* However few tiles it keeps, the reader finds every complete subtree. */
static void a_reader_answers_like_the_tree(void **state)
{
  (void)state;
  enum { SIZE = 1100 };
  static struct hash leaf[SIZE];
  struct kit_log *log = kit_log_new("log.example/a", SIZE);
  struct tile_store store = kit_store(&log->tiles);
  for (uint64_t i = 0; i < SIZE; i++) {
    struct hash data = kit_leaf(log, i);
    leaf[i] = merkle_leaf(slice_of(data.b, 32));
  }
  for (size_t slots = 1; slots <= 4; slots++) {
    struct tile_reader *r = tile_reader_new(&store, slots);
    assert_non_null(r);
    for (unsigned level = 0; SIZE >> level; level++)
      for (uint64_t index = 0; index < (uint64_t)SIZE >> level; index += 1 + level % 3) {
        struct hash got, want = merkle_root(leaf + (index << level), (size_t)1 << level);
        assert_int_equal(tile_fetch(r, level, index, &got), TG_OK);
        assert_true(hash_eq(&got, &want));
      }
    struct hash none;
    assert_int_equal(tile_fetch(r, 0, SIZE, &none), TG_NOT_FOUND);
    assert_int_equal(tile_fetch(r, 0, 256 * 5, &none), TG_NOT_FOUND);
    assert_int_equal(tile_fetch(r, 8, 4, &none), TG_NOT_FOUND);
    tile_reader_free(r);
  }
  assert_null(tile_reader_new(&store, 0));
  kit_log_free(log);
}

static void what_is_no_tile_is_an_error(void **state)
{
  (void)state;
  static const size_t lengths[] = {0, 31, 33, TILE_BYTES + 32};
  struct kit_log *log = kit_log_new("log.example/a", 300);
  struct tile_store store = kit_store(&log->tiles);
  struct hash got;
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    struct tile_reader *r = tile_reader_new(&store, 2);
    kit_tile(&log->tiles, 0, 0)->n = lengths[i];
    assert_int_equal(tile_fetch(r, 0, 0, &got), TG_INTERNAL);
    tile_reader_free(r);
  }
  kit_log_free(log);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(widths_are_those_of_the_standard), cmocka_unit_test(names_are_those_of_the_standard),
      cmocka_unit_test(a_name_has_one_spelling),
      cmocka_unit_test(a_bundle_is_framed_leaves),        cmocka_unit_test(a_reader_answers_like_the_tree),
      cmocka_unit_test(what_is_no_tile_is_an_error),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
