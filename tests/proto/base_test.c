/* base, buf and arena: the quantities everything else trusts. */
#include "proto/arena.h"
#include "proto/base.h"
#include "proto/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void times_print_as_they_parse(void **state)
{
  (void)state;
  static const char *const good[] = {"1970-01-01T00:00:00Z", "2026-12-01T00:00:00Z", "2024-02-29T23:59:59.007Z",
                                     "9999-12-31T23:59:59.999Z"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    tg_time t;
    char out[25];
    assert_int_equal(time_parse(slice_str(good[i]), &t), TG_OK);
    time_print(t, out);
    assert_string_equal(out, good[i]);
  }
  tg_time t;
  assert_int_equal(time_parse(slice_str("2026-12-01T00:00:00Z"), &t), TG_OK);
  assert_int_equal(t, INT64_C(1796083200000));
}

static void bad_times_are_refused(void **state)
{
  (void)state;
  static const char *const bad[] = {"", "2026-12-01", "2026-02-29T00:00:00Z", "2026-12-01T24:00:00Z",
                                    "2026-12-01T00:00:60Z", "2026-12-01T00:00:00+01", "1969-12-31T23:59:59Z",
                                    "2026-12-01T00:00:00.1Z", "2026-13-01T00:00:00Z", "2026-12-00T00:00:00Z"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    tg_time t;
    assert_int_equal(time_parse(slice_str(bad[i]), &t), TG_BAD_INPUT);
  }
}

static void numbers_have_one_spelling(void **state)
{
  (void)state;
  uint64_t v;
  assert_int_equal(number_parse(slice_str("18446744073709551615"), UINT64_MAX, &v), TG_OK);
  assert_true(v == UINT64_MAX);
  static const char *const bad[] = {"", "00", "01", "+1", "-1", " 1", "1 ", "18446744073709551616", "1e3"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(number_parse(slice_str(bad[i]), UINT64_MAX, &v), TG_BAD_INPUT);
  assert_int_equal(size_parse(slice_str("16MiB"), &v), TG_OK);
  assert_true(v == 16u << 20);
  assert_int_equal(size_parse(slice_str("99999999999GiB"), &v), TG_BAD_INPUT);
}

static void text_hides_nothing(void **state)
{
  (void)state;
  assert_true(text_valid(slice_str("N'Djaména — été"), NULL));
  assert_true(utf8_valid(slice_of("\xf4\x8f\xbf\xbf", 4)));
  assert_false(utf8_valid(slice_of("a\0b", 3)));
  assert_false(utf8_valid(slice_of("\xc0\x80", 2)));
  assert_false(utf8_valid(slice_of("\xed\xa0\x80", 3)));
  assert_false(utf8_valid(slice_of("\xf4\x90\x80\x80", 4)));
  assert_false(utf8_valid(slice_of("\xe2\x82", 2)));
  assert_false(text_valid(slice_str("a\u202eb"), NULL));
  assert_false(text_valid(slice_str("a\nb"), NULL));
  assert_true(text_valid(slice_str("a\nb"), "\n"));
}

static void an_explanation_is_filled_never_formatted(void **state)
{
  (void)state;
  struct tg_why why;
  char out[256];
  why_set(&why, TG_BAD_INPUT, "ml.policy:3:7", N_("unknown country %1$s"), N_("did you mean %2$s?"), "%n\nX", "ML",
          NULL);
  why_render(&why, NULL, out, sizeof out);
  assert_string_equal(out, "ml.policy:3:7: unknown country %n?X. Did you mean ML?");
  assert_int_equal(why_render(&why, NULL, out, 10), 9);
  why_set(&why, TG_USAGE, NULL, N_("type %1$s"), N_("see the manual"), "toguna read ID...", NULL, NULL);
  why_render(&why, NULL, out, sizeof out);
  assert_string_equal(out, "type toguna read ID... See the manual");
  const char *const none[3] = {"", "", ""};
  static const size_t length[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10}; /* of aé€𝄞, by the room there is */
  for (size_t room = 1; room <= 11; room++) {
    assert_int_equal(why_fill("a\u00e9\u20ac\U0001d11e", none, out, room), length[room - 1]);
    assert_true(utf8_valid(slice_str(out)));
  }
  assert_int_equal(tg_exit_code(TG_BAD_SIGNATURE), 3);
}

static void a_buffer_never_outgrows_its_cap(void **state)
{
  (void)state;
  struct buf b = buf_new(100);
  for (int i = 0; i < 12; i++)
    buf_put_u64(&b, 0x0102030405060708u);
  assert_int_equal(buf_status(&b), TG_OK);
  buf_put_u64(&b, 1);
  assert_int_equal(buf_status(&b), TG_TOO_BIG);
  assert_int_equal(b.n, 96);
  struct slice s = buf_slice(&b);
  uint64_t v;
  assert_true(take_u64(&s, &v));
  assert_true(v == 0x0102030405060708u);
  struct slice none = slice_of(NULL, 0), line;
  assert_false(take_u64(&none, &v));
  assert_false(take_line(&none, &line));
  buf_free(&b);
}

static void an_arena_keeps_its_budget(void **state)
{
  (void)state;
  struct arena *a = arena_new(100000);
  assert_non_null(a);
  for (int round = 0; round < 3; round++) {
    size_t got = 0;
    while (arena_alloc(a, 1000))
      got++;
    assert_int_equal(got, 99);
    assert_null(arena_alloc(a, SIZE_MAX));
    arena_reset(a);
  }
  arena_free(a);
  arena_free(NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(times_print_as_they_parse),   cmocka_unit_test(bad_times_are_refused),
      cmocka_unit_test(numbers_have_one_spelling),   cmocka_unit_test(text_hides_nothing),
      cmocka_unit_test(an_explanation_is_filled_never_formatted),
      cmocka_unit_test(a_buffer_never_outgrows_its_cap), cmocka_unit_test(an_arena_keeps_its_budget),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
