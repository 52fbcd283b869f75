/* When a slow line is free again, and how much may be said at once on it. */
#include "proto/pace.h"
#include <stdint.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void without_a_rate_the_line_is_always_free(void **state)
{
  struct pace p = pace_of(0);
  (void)state;
  pace_spend(&p, 5, 1 << 30);
  assert_true(pace_is_free(&p, 0));
  assert_int_equal(pace_due(&p), 0);
  assert_int_equal(pace_piece(&p, 65553), 65553);
}

static void bytes_keep_it_busy_for_their_time(void **state)
{
  struct pace p = pace_of(1200);
  (void)state;
  assert_true(pace_is_free(&p, 1000));
  pace_spend(&p, 1000, 600 - PACE_FRAME);
  assert_false(pace_is_free(&p, 1499));
  assert_true(pace_is_free(&p, 1500));
  assert_int_equal(pace_due(&p), 1500);
}

static void it_may_be_held_whatever_its_rate(void **state)
{
  (void)state;
  for (uint64_t rate = 0; rate < 2000; rate += 1200) {
    struct pace p = pace_of(rate);
    p.held = true;
    assert_false(pace_is_free(&p, 1000));
    assert_true(pace_due(&p) == INT64_MAX);
    p.held = false;
    assert_true(pace_is_free(&p, 1000));
  }
}

static void what_is_said_while_it_is_busy_comes_behind(void **state)
{
  struct pace p = pace_of(1000);
  (void)state;
  pace_spend(&p, 0, 100 - PACE_FRAME);
  pace_spend(&p, 50, 100 - PACE_FRAME);
  assert_int_equal(pace_due(&p), 200);
  pace_spend(&p, 900, 100 - PACE_FRAME); /* idle time is not saved up */
  assert_int_equal(pace_due(&p), 1000);
}

static void small_pieces_add_up_exactly(void **state)
{
  struct pace p = pace_of(3000 * 97);
  (void)state;
  for (int i = 0; i < 3000; i++)
    pace_spend(&p, 0, 1);
  assert_in_range(pace_due(&p), 999, 1000);
}

static void a_piece_lasts_not_much_longer_than_half_a_second(void **state)
{
  struct pace slow = pace_of(1), modem = pace_of(1200), satellite = pace_of(32000), cable = pace_of(UINT64_MAX);
  (void)state;
  assert_int_equal(slow.rate, PACE_LEAST);
  assert_int_equal(pace_piece(&slow, 65553), PACE_PIECE_LEAST);
  assert_int_equal(pace_piece(&modem, 65553), 720);
  assert_int_equal(pace_piece(&satellite, 65553), 19200);
  assert_int_equal(pace_piece(&cable, 65553), 65553);
}

static void a_flash_takes_its_body_along(void **state)
{
  struct pace modem = pace_of(1200), satellite = pace_of(32000), none = pace_of(0);
  (void)state;
  assert_int_equal(pace_inline(&modem, false, 65553), 512);
  assert_int_equal(pace_inline(&modem, true, 65553), 3072);
  assert_int_equal(pace_inline(&modem, true, 2000), 2000);
  assert_int_equal(pace_inline(&satellite, true, 65553), 65553);
  assert_int_equal(pace_inline(&none, true, SIZE_MAX), SIZE_MAX);
  assert_int_equal(pace_inline(&none, false, 100), 100);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_a_rate_the_line_is_always_free), cmocka_unit_test(bytes_keep_it_busy_for_their_time),
      cmocka_unit_test(it_may_be_held_whatever_its_rate),
      cmocka_unit_test(what_is_said_while_it_is_busy_comes_behind), cmocka_unit_test(small_pieces_add_up_exactly),
      cmocka_unit_test(a_piece_lasts_not_much_longer_than_half_a_second), cmocka_unit_test(a_flash_takes_its_body_along),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
