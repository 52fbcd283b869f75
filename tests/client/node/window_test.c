/* Call windows: a node that calls its hub at certain hours only, and for what is urgent. Simulated time. */
#include "client/node/calls.h"
#include "client/node/talk.h"
#include "tests/client/node/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static bool is_closed(struct pair *p, size_t member)
{
  return talk_state(pair_core(p, member)) == TALK_CLOSED;
}

/* The world's clock stands a little after one in the morning. */
static void a_node_calls_in_its_window_and_for_what_is_urgent(void **state)
{
  static const struct call_window nights = {2 * 60, 4 * 60};
  struct pair *p = world_start(*state);
  struct hash routine, flash, back;
  pair_pass(p, TG_SECOND);
  pair_kill(p, ML);
  pair_config(p, ML)->calls = &nights;
  pair_config(p, ML)->n_calls = 1;
  pair_start(p, ML);
  pair_pass(p, TG_SECOND);
  assert_true(is_closed(p, ML));
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "later", .precedence = PRECEDENCE_PRIORITY}, &routine), TG_OK);
  pair_pass(p, 5 * TG_MINUTE);
  assert_int_equal(look_sent(p, ML, &routine), SENT_SPOOLED);
  assert_true(is_closed(p, ML));
  world_restart(p, ML); /* knows it still */
  pair_pass(p, 2 * TG_MINUTE);
  assert_int_equal(look_sent(p, ML, &routine), SENT_SPOOLED);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "now", .precedence = PRECEDENCE_FLASH}, &flash), TG_OK);
  pair_pass(p, 5 * TG_SECOND);
  assert_true(look_sent(p, ML, &flash) >= SENT_ACCEPTED);
  assert_true(look_sent(p, ML, &routine) >= SENT_ACCEPTED); /* the line is there: what waits goes too */
  pair_pass(p, 3 * TG_MINUTE);
  assert_true(is_closed(p, ML));
  assert_int_equal(pair_publish(p, BF, &(struct pair_bulletin){.to = "ML", .text = "answer"}, &back), TG_OK);
  pair_pass(p, 10 * TG_MINUTE);
  assert_int_equal(look_inbox(p, ML), 0);
  pair_pass(p, TG_HOUR); /* two o'clock is over */
  assert_int_equal(look_inbox(p, ML), 1);
  assert_int_equal(talk_state(pair_core(p, ML)), TALK_OPEN);
  pair_pass(p, 2 * TG_HOUR);
  assert_true(is_closed(p, ML));
}

static void windows_of_the_day(void **state)
{
  struct call_window w[2];
  (void)state;
  assert_int_equal(call_window_parse(slice_str("02:00-04:30"), &w[0]), TG_OK);
  assert_int_equal(call_window_parse(slice_str("23:15-00:45"), &w[1]), TG_OK);
  static const char *const wrong[] = {"", "2:00-4:00", "02:00", "02:00-04:00 ", "02:60-03:00", "25:00-26:00", "02:00-02:00", "24:00-01:00", "02.00-03:00", "0/:00-03:00"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_int_equal(call_window_parse(slice_str(wrong[i]), &w[0]), TG_BAD_INPUT);
  const tg_time day = WORLD_FOUNDED - WORLD_FOUNDED % TG_DAY;
  assert_false(calls_open(w, 2, day + 2 * TG_HOUR - 1));
  assert_true(calls_open(w, 2, day + 2 * TG_HOUR));
  assert_true(calls_open(w, 2, day + 4 * TG_HOUR + 30 * TG_MINUTE - 1));
  assert_false(calls_open(w, 2, day + 4 * TG_HOUR + 30 * TG_MINUTE));
  assert_true(calls_open(w, 2, day + 23 * TG_HOUR + 15 * TG_MINUTE));
  assert_true(calls_open(w, 2, day + 44 * TG_MINUTE));
  assert_false(calls_open(w, 2, day + 45 * TG_MINUTE));
  assert_true(calls_open(w, 0, day));
  assert_int_equal(calls_opens_in(w, 2, day + TG_HOUR), TG_HOUR);
  assert_int_equal(calls_opens_in(w, 2, day + 5 * TG_HOUR), 18 * TG_HOUR + 15 * TG_MINUTE);
  assert_int_equal(calls_opens_in(w, 1, day + 5 * TG_HOUR), 21 * TG_HOUR);
  assert_int_equal(calls_opens_in(w, 2, day + 3 * TG_HOUR), 0);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, world_new, world_free)
  const struct CMUnitTest tests[] = {
      STORY(a_node_calls_in_its_window_and_for_what_is_urgent),
      STORY(windows_of_the_day),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
