/* The ledger: every root and proof for every size, a store that fails, and crashes between two commits. */
#include "tests/audit/kit.h"

enum { TALL = 600 };

static void leaf_hashes(const struct kit_log *log, struct hash *ret, uint64_t n)
{
  for (uint64_t i = 0; i < n; i++) {
    struct hash data = kit_leaf(log, i);
    ret[i] = merkle_leaf(slice_of(data.b, 32));
  }
}

static void all_proofs_of_all_sizes_verify(void **state)
{
  (void)state;
  static struct hash leaf[TALL];
  struct kit_log *log = kit_log_new("log.example/a", TALL);
  leaf_hashes(log, leaf, TALL);
  for (uint64_t size = 1; size <= TALL; size += size < 20 || size > 500 ? 1 : 37) {
    struct hash root, want = merkle_root(leaf, size), old;
    struct merkle_path path;
    assert_int_equal(ledger_root_at(log->ledger, size, &root), TG_OK);
    assert_true(hash_eq(&root, &want));
    for (uint64_t i = 0; i < size; i += 1 + i / 16) {
      assert_int_equal(ledger_inclusion(log->ledger, i, size, &path), TG_OK);
      assert_int_equal(merkle_path_verify(&leaf[i], i, size, merkle_path_slice(&path), &root), TG_OK);
      assert_int_equal(merkle_path_verify(&leaf[i], i ^ 1, size, merkle_path_slice(&path), &root),
                       TG_BAD_PROOF);
    }
    for (uint64_t m = 1; m <= size; m += 1 + m / 8) {
      assert_int_equal(ledger_consistency(log->ledger, m, size, &path), TG_OK);
      old = merkle_root(leaf, m);
      assert_int_equal(merkle_consistency_verify(m, &old, size, &root, merkle_path_slice(&path)), TG_OK);
    }
  }
  kit_log_free(log);
}

static void beyond_the_end_there_is_nothing(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new("log.example/a", 9);
  struct merkle_path path = {.n = 0};
  struct hash root;
  struct ledger *none;
  assert_int_equal(ledger_root_at(log->ledger, 10, &root), TG_BAD_INPUT);
  assert_int_equal(ledger_inclusion(log->ledger, 9, 9, &path), TG_BAD_INPUT);
  assert_int_equal(ledger_inclusion(log->ledger, 3, 10, &path), TG_BAD_INPUT);
  assert_int_equal(ledger_consistency(log->ledger, 9, 10, &path), TG_BAD_INPUT);
  assert_int_equal(ledger_consistency(log->ledger, 9, 8, &path), TG_BAD_INPUT);
  struct tile_store store = kit_store(&log->tiles);
  assert_int_equal(ledger_open(&store, MERKLE_SIZE_MAX + 1, &none, NULL), TG_BAD_INPUT);
  kit_log_free(log);
}

static void an_empty_ledger_asks_for_nothing(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new("log.example/a", 0);
  struct hash root = ledger_root(log->ledger), empty = merkle_empty();
  assert_true(hash_eq(&root, &empty));
  assert_int_equal(log->tiles.reads, 0);
  assert_int_equal(ledger_flush(log->ledger), TG_OK);
  assert_int_equal(log->tiles.writes, 0);
  kit_log_free(log);
}

/* Opened anew at any size, it is the same log and goes on alike. */
static void a_ledger_opened_anew_goes_on(void **state)
{
  (void)state;
  static const uint64_t sizes[] = {1, 2, 255, 256, 257, 511, 512, 513, 599};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct kit_log *log = kit_log_new("log.example/a", sizes[i]), *whole = kit_log_new("log.example/a", TALL);
    struct tile_store store = kit_store(&log->tiles);
    ledger_free(log->ledger);
    log->ledger = NULL;
    assert_int_equal(ledger_open(&store, sizes[i], &log->ledger, NULL), TG_OK);
    kit_log_grow(log, TALL);
    struct hash a = ledger_root(log->ledger), b = ledger_root(whole->ledger);
    assert_true(hash_eq(&a, &b));
    struct merkle_path path = kit_consistency(log, sizes[i], TALL);
    struct checkpoint old = kit_checkpoint(whole, sizes[i]), now = kit_checkpoint(whole, TALL);
    assert_int_equal(checkpoint_extends(&old, &now, merkle_path_slice(&path), NULL), TG_OK);
    kit_log_free(whole);
    kit_log_free(log);
  }
}

/* A crash leaves tiles that are longer than the size that was committed, some of them full. What the log was
   then going to say must not show when it says something else. */
static void leftovers_of_a_crash_are_overwritten(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new("log.example/a", 250), *want = kit_log_fork(log, 250, TALL);
  kit_log_grow(log, 530); /* lost: committed are 250 */
  struct tile_store store = kit_store(&log->tiles);
  ledger_free(log->ledger);
  assert_int_equal(ledger_open(&store, 250, &log->ledger, NULL), TG_OK);
  log->fork = 250, log->branch = 1;
  for (uint64_t size = 251; size <= TALL; size++) {
    kit_log_grow(log, size);
    struct hash a = ledger_root(log->ledger), b;
    assert_int_equal(ledger_root_at(want->ledger, size, &b), TG_OK);
    assert_true(hash_eq(&a, &b));
    struct merkle_path one = kit_consistency(log, 250, size), two = kit_consistency(want, 250, size);
    assert_true(slice_eq(merkle_path_slice(&one), merkle_path_slice(&two)));
  }
  kit_log_free(want);
  kit_log_free(log);
}

static void a_store_that_lost_something_is_not_opened(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new("log.example/a", 520);
  struct tile_store store = kit_store(&log->tiles);
  struct tg_why why;
  struct ledger *l = NULL;
  for (size_t i = 0; i < log->tiles.n; i++) {
    struct kit_tile *t = &log->tiles.tile[i];
    size_t n = t->n;
    unsigned level = t->level;
    if (t->level == 0 && n == TILE_BYTES)
      continue; /* full tiles are not needed to append: their roots stand one level up */
    t->n -= 32;
    assert_int_equal(ledger_open(&store, 520, &l, &why), TG_INTERNAL);
    t->n = n;
    t->level = 99;
    assert_int_equal(ledger_open(&store, 520, &l, &why), TG_INTERNAL);
    t->level = level;
  }
  assert_null(l);
  assert_int_equal(ledger_open(&store, 600, &l, &why), TG_INTERNAL);
  assert_int_equal(ledger_open(&store, 520, &l, &why), TG_OK);
  ledger_free(l);
  kit_log_free(log);
}

static void errors_of_the_disk_come_through(void **state)
{
  (void)state;
  struct kit_log *log = kit_log_new("log.example/a", 255);
  struct hash leaf = kit_leaf(log, 255);
  uint64_t index;
  log->tiles.fail_after = (int)log->tiles.writes;
  assert_int_equal(ledger_append(log->ledger, &leaf, &index), TG_DISK);
  kit_log_free(log);
  log = kit_log_new("log.example/a", 10);
  leaf = kit_leaf(log, 10);
  log->tiles.fail_after = (int)log->tiles.writes;
  assert_int_equal(ledger_append(log->ledger, &leaf, &index), TG_OK);
  assert_int_equal(index, 10);
  assert_int_equal(ledger_flush(log->ledger), TG_DISK);
  kit_log_free(log);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_proofs_of_all_sizes_verify),
      cmocka_unit_test(beyond_the_end_there_is_nothing),
      cmocka_unit_test(an_empty_ledger_asks_for_nothing),
      cmocka_unit_test(a_ledger_opened_anew_goes_on),
      cmocka_unit_test(leftovers_of_a_crash_are_overwritten),
      cmocka_unit_test(a_store_that_lost_something_is_not_opened),
      cmocka_unit_test(errors_of_the_disk_come_through),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
