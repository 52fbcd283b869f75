/* Portions, release lists, markings, receipts. */
#include "proto/portion.h"
#include "proto/receipt.h"
#include "tests/proto/chance.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void scale_parses_as_it_prints(uint8_t last, const char *(*name)(uint8_t),
                                      enum tg_err (*parse)(struct slice, uint8_t *))
{
  for (uint8_t i = 1; i <= last; i++) {
    uint8_t got = 0;
    assert_int_equal(parse(slice_str(name(i)), &got), TG_OK);
    assert_int_equal(got, i);
  }
}

static void markings_parse_as_they_print(void **state)
{
  (void)state;
  uint8_t got;
  scale_parses_as_it_prints(LEVEL_TOP_SECRET, level_name, level_parse);
  scale_parses_as_it_prints(TLP_RED, tlp_name, tlp_parse);
  scale_parses_as_it_prints(CAVEAT_BLIND, caveat_name, caveat_parse);
  assert_string_equal(level_name(LEVEL_TOP_SECRET), "TOP-SECRET");
  assert_string_equal(tlp_name(TLP_AMBER_STRICT), "amber+strict");
  assert_string_equal(caveat_name(CAVEAT_ORCON), "orcon");
  assert_int_equal(level_parse(slice_str("top-secret"), &got), TG_OK);
  assert_int_equal(tlp_parse(slice_str("AMBER+STRICT"), &got), TG_OK);
  assert_int_equal(tlp_parse(slice_str("TLP:RED"), &got), TG_BAD_INPUT);
  assert_int_equal(level_parse(slice_str("SECRE"), &got), TG_BAD_INPUT);
  assert_int_equal(level_parse(slice_of(NULL, 0), &got), TG_BAD_INPUT);
  assert_string_equal(level_name(0), "?");
  assert_string_equal(level_name(6), "?");
}

static struct portion_draft draft(void)
{
  return (struct portion_draft){.index = 2,
                                .level = LEVEL_SECRET,
                                .tlp = TLP_RED,
                                .caveats = CAVEAT_ALL,
                                .label = slice_str("SECRET-DÉFENSE"),
                                .release_hash = {{1}},
                                .seal = {.root = {{2}}, .key_commitment = {{3}}, .stream_header = {4}, .size = 273}};
}

static enum tg_err builds(const struct portion_draft *d)
{
  struct buf b = buf_new(LIMIT_PORTION);
  enum tg_err err = portion_build(d, &b, NULL);
  assert_true((err == TG_OK) == (b.n > 0));
  buf_free(&b);
  return err;
}

static void a_portion_parses_as_it_was_built(void **state)
{
  (void)state;
  struct arena *arena = arena_new(1 << 16);
  struct portion_draft d = draft();
  struct portion p;
  struct buf b = buf_new(LIMIT_PORTION), again = buf_new(LIMIT_PORTION);
  assert_int_equal(portion_build(&d, &b, NULL), TG_OK);
  assert_int_equal(portion_build(&d, &again, NULL), TG_OK);
  assert_false(slice_eq(buf_slice(&b), buf_slice(&again))); /* salted */
  assert_int_equal(portion_parse(buf_slice(&b), arena, &p, NULL), TG_OK);
  assert_true(slice_eq(p.bytes, buf_slice(&b)));
  assert_true(p.index == 2 && p.level == LEVEL_SECRET && p.tlp == TLP_RED && p.caveats == CAVEAT_ALL);
  assert_true(slice_is(p.label, "SECRET-DÉFENSE"));
  assert_true(hash_eq(&p.release_hash, &d.release_hash) && hash_eq(&p.seal.root, &d.seal.root));
  assert_true(hash_eq(&p.seal.key_commitment, &d.seal.key_commitment));
  assert_memory_equal(p.seal.stream_header, d.seal.stream_header, BODY_STREAM_HEADER);
  assert_true(p.seal.size == 273 && p.seal.chunks == 1 && p.salt.n == 16);
  buf_free(&b);
  buf_free(&again);
  arena_free(arena);
}

static void portions_keep_the_rules(void **state)
{
  (void)state;
  struct portion_draft good = draft(), d = good;
  assert_int_equal(builds(&d), TG_OK);
  d = good, d.index = 16;
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.level = 0; /* a missing level must not read as the lowest */
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.level = 6;
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.tlp = 0;
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.tlp = 6;
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.caveats = 4;
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.seal.size = 274;
  assert_int_equal(builds(&d), TG_BAD_INPUT);
  d = good, d.label = slice_str("two\nlines");
  assert_int_equal(builds(&d), TG_BAD_INPUT);
}

static void received_sizes_are_those_of_bodies(void **state)
{
  (void)state;
  struct arena *arena = arena_new(1 << 16);
  struct portion_draft d = draft();
  struct portion p;
  struct buf b = buf_new(LIMIT_PORTION);
  assert_int_equal(portion_build(&d, &b, NULL), TG_OK);
  assert_int_equal(b.p[b.n - 2], 273 % 128 + 128); /* body_size is last */
  b.p[b.n - 2]++;
  assert_int_equal(portion_parse(buf_slice(&b), arena, &p, NULL), TG_BAD_INPUT);
  buf_free(&b);
  arena_free(arena);
}

static void names_have_a_shape(void **state)
{
  (void)state;
  static const char *const good[] = {"ML", "ML/dgse", "AES", "ECOWAS", "BF/anr-2", "LCBC", "G5-SAHEL", "XX/1",
                                     "ML/abcdefghijklmnopqrstuvwxyz01234", "ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"};
  static const char *const bad[] = {"", "M", "ml", "M1", "ML/", "ML/-a", "ML/DGSE", "ML/dgse/n1", "/dgse", "AES/x",
                                    "aes", "1AES", "A S", "**", "*", "ML/abcdefghijklmnopqrstuvwxyz012345",
                                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", "MLI/", "M/a"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_true(release_name_valid(slice_str(good[i])));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(release_name_valid(slice_str(bad[i])));
}

static void release_lists_are_sorted(void **state)
{
  (void)state;
  struct arena *arena = arena_new(1 << 16);
  const struct slice to[] = {slice_str("SN"), slice_str("ML/dgse"), slice_str("AES"), slice_str("ML")};
  const struct slice twice[] = {slice_str("SN"), slice_str("ML"), slice_str("SN")}, bad[] = {slice_str("*")};
  struct release r;
  struct buf b = buf_new(LIMIT_RELEASE);
  assert_int_equal(release_build(to, 4, &to[1], 1, &b, NULL), TG_OK);
  assert_int_equal(release_parse(buf_slice(&b), arena, &r, NULL), TG_OK);
  assert_int_equal(r.to_count, 4);
  assert_true(slice_is(r.to[0], "AES") && slice_is(r.to[1], "ML") && slice_is(r.to[2], "ML/dgse") &&
              slice_is(r.to[3], "SN"));
  assert_int_equal(r.except_count, 1);
  assert_true(slice_is(r.except[0], "ML/dgse"));

  uint8_t *ml = memmem(b.p, b.n, "\x12\x02ML", 4);
  memcpy(ml, "\x12\x02" "AA", 4); /* before AES: out of order */
  assert_int_equal(release_parse(buf_slice(&b), arena, &r, NULL), TG_BAD_INPUT);
  buf_clear(&b);
  assert_int_equal(release_build(twice, 3, NULL, 0, &b, NULL), TG_BAD_INPUT);
  assert_int_equal(release_build(twice, 2, bad, 1, &b, NULL), TG_BAD_INPUT);
  assert_int_equal(release_build(NULL, 0, NULL, 0, &b, NULL), TG_BAD_INPUT); /* nobody is not everybody */
  assert_int_equal(release_build(to, LIMIT_NAMES + 1, NULL, 0, &b, NULL), TG_TOO_BIG);
  assert_int_equal(b.n, 0);
  buf_free(&b);
  arena_free(arena);
}

static void a_full_release_list_travels(void **state)
{
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  char text[LIMIT_NAMES][LIMIT_NAME + 1];
  struct slice names[LIMIT_NAMES];
  struct release r;
  struct buf b = buf_new(LIMIT_RELEASE);
  for (unsigned i = 0; i < LIMIT_NAMES; i++) {
    memcpy(text[i], "ML/abcdefghijklmnopqrstuvwxyz01200", LIMIT_NAME + 1);
    text[i][32] = (char)('a' + i / 16);
    text[i][33] = (char)('a' + i % 16);
    names[i] = slice_str(text[i]);
  }
  assert_int_equal(release_build(names, LIMIT_NAMES, names, LIMIT_NAMES, &b, NULL), TG_OK);
  assert_int_equal(release_parse(buf_slice(&b), arena, &r, NULL), TG_OK);
  assert_int_equal(r.to_count + r.except_count, 2 * LIMIT_NAMES);
  buf_free(&b);
  arena_free(arena);
}

static void portions_are_a_tree(void **state)
{
  (void)state;
  struct slice portions[LIMIT_PORTIONS];
  static const char bytes[LIMIT_PORTIONS] = "abcdefghijklmnop";
  for (size_t n = 1; n <= LIMIT_PORTIONS; n++) {
    portions[n - 1] = slice_of(&bytes[n - 1], 1);
    struct merkle_tree *t = portion_tree(portions, n);
    struct hash root = portion_root(portions, n);
    assert_true(hash_eq(&root, merkle_tree_root(t)));
    for (size_t i = 0; i < n; i++) {
      struct merkle_path path;
      merkle_tree_path(t, i, &path);
      assert_int_equal(portion_verify(portions[i], i, n, merkle_path_slice(&path), &root, NULL), TG_OK);
      assert_int_equal(portion_verify(portions[i], i + 1, n, merkle_path_slice(&path), &root, NULL), TG_BAD_PROOF);
      assert_int_equal(portion_verify(slice_str("z"), i, n, merkle_path_slice(&path), &root, NULL), TG_BAD_PROOF);
    }
    merkle_tree_free(t);
  }
}

static void receipts_keep_the_rules(void **state)
{
  (void)state;
  struct arena *arena = arena_new(1 << 16);
  struct receipt good = {.bulletin = {{1}}, .node = {{2}}, .event = RECEIPT_STORED, .time = 3, .number = 4,
                         .checkpoint_root = {{5}}, .checkpoint_size = 6},
                 d = good, r;
  struct buf b = buf_new(LIMIT_RECEIPT);
  assert_int_equal(receipt_build(&d, &b, NULL), TG_OK);
  assert_int_equal(receipt_parse(buf_slice(&b), arena, &r, NULL), TG_OK);
  assert_true(hash_eq(&r.bulletin, &d.bulletin) && sign_pk_eq(&r.node, &d.node) && r.event == d.event && r.time == 3);
  assert_true(r.number == 4 && r.checkpoint_size == 6 && hash_eq(&r.checkpoint_root, &d.checkpoint_root));
  buf_clear(&b);
  d = good, d.number = 0;
  assert_int_equal(receipt_build(&d, &b, NULL), TG_BAD_INPUT);
  d = good, d.event = RECEIPT_READ;
  assert_int_equal(receipt_build(&d, &b, NULL), TG_BAD_INPUT);
  d.number = 0, d.checkpoint_size = 0;
  assert_int_equal(receipt_build(&d, &b, NULL), TG_OK);
  buf_clear(&b);
  d = good, d.event = (enum receipt_event)9;
  assert_int_equal(receipt_build(&d, &b, NULL), TG_BAD_INPUT);
  d = good, d.time = 0;
  assert_int_equal(receipt_build(&d, &b, NULL), TG_BAD_INPUT);
  assert_string_equal(receipt_event_name(RECEIPT_IMPORT_REFUSED), "import-refused");
  assert_string_equal(receipt_event_name(RECEIPT_STORED), "stored");
  buf_free(&b);
  arena_free(arena);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(markings_parse_as_they_print),
      cmocka_unit_test(a_portion_parses_as_it_was_built),
      cmocka_unit_test(portions_keep_the_rules),
      cmocka_unit_test(received_sizes_are_those_of_bodies),
      cmocka_unit_test(names_have_a_shape),
      cmocka_unit_test(release_lists_are_sorted),
      cmocka_unit_test(a_full_release_list_travels),
      cmocka_unit_test(portions_are_a_tree),
      cmocka_unit_test(receipts_keep_the_rules),
  };
  chance_seed(9);
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
