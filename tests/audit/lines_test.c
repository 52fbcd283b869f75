/* Lines: strict reading, and the place of whatever is wrong. */
#include "audit/lines.h"
#include "tests/audit/kit.h"

static void lines_are_read_one_by_one(void **state)
{
  (void)state;
  struct lines l = lines_of(slice_str("first\nname value with words\nn 7\n"), "f", NULL);
  struct slice value;
  uint64_t n;
  assert_int_equal(lines_take_exact(&l, "first"), TG_OK);
  assert_true(lines_next_is(&l, "name") && !lines_next_is(&l, "nam") && !lines_next_is(&l, "name value x"));
  assert_int_equal(lines_take_value(&l, "name", &value), TG_OK);
  assert_true(slice_is(value, "value with words"));
  assert_int_equal(lines_take_number(&l, "n", 7, &n), TG_OK);
  assert_int_equal(n, 7);
  assert_int_equal(l.number, 3);
  assert_int_equal(lines_take(&l, &value), TG_BAD_INPUT);
}

static void a_value_has_one_space_before_it(void **state)
{
  (void)state;
  static const char *const bad[] = {"name\n",   "name \n", "name  x\n", " name x\n",
                                    "Name x\n", "namex\n", "name x"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct tg_why why;
    struct lines l = lines_of(slice_str(bad[i]), "f", &why);
    struct slice value;
    assert_int_equal(lines_take_value(&l, "name", &value), TG_BAD_INPUT);
    assert_string_equal(why.where, "f:1");
  }
  struct lines l = lines_of(slice_str("n 8\nn 08\nn -1\n"), "f", NULL);
  uint64_t n = 5;
  for (int i = 0; i < 3; i++)
    assert_int_equal(lines_take_number(&l, "n", 7, &n), TG_BAD_INPUT);
  assert_int_equal(n, 5);
}

static void blocks_and_checksums_close_a_text(void **state)
{
  (void)state;
  struct buf b = buf_new(1000);
  struct slice block;
  buf_put_str(&b, "before");
  size_t from = b.n;
  buf_put_str(&b, "head\n");
  lines_put_block(&b, "note", slice_str("two\nlines\n"));
  lines_put_checksum(&b, from, "test/label");
  struct slice whole = slice_of(b.p + from, b.n - from);
  for (size_t bit = 0; bit <= 8 * whole.n; bit++) {
    if (bit)
      b.p[from + (bit - 1) / 8] ^= (uint8_t)(1 << (bit - 1) % 8);
    struct lines l = lines_of(whole, "f", NULL);
    enum tg_err err = lines_take_exact(&l, "head");
    if (!err)
      err = lines_take_block(&l, "note", 100, &block);
    if (!bit)
      assert_int_equal(l.number, 4);
    if (!err)
      err = lines_take_checksum(&l, whole, "test/label");
    assert_int_equal(err, bit ? TG_BAD_INPUT : TG_OK);
    if (bit)
      b.p[from + (bit - 1) / 8] ^= (uint8_t)(1 << (bit - 1) % 8);
  }
  struct lines l = lines_of(whole, "f", NULL);
  assert_int_equal(lines_take_exact(&l, "head"), TG_OK);
  assert_int_equal(lines_take_block(&l, "note", 9, &block), TG_BAD_INPUT); /* longer than allowed */
  l = lines_of(whole, "f", NULL);
  assert_int_equal(lines_take_exact(&l, "head"), TG_OK);
  assert_int_equal(lines_take_block(&l, "note", 10, &block), TG_OK);
  assert_int_equal(lines_take_checksum(&l, whole, "test/other"), TG_BAD_INPUT);
  buf_free(&b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_are_read_one_by_one),
      cmocka_unit_test(a_value_has_one_space_before_it),
      cmocka_unit_test(blocks_and_checksums_close_a_text),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
