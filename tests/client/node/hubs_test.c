/* Two hubs at a time, each with a log of its own. What a node states about a bulletin goes to the hub in whose log that stands: to any other it would
   be forged. */
#include "tests/client/node/hubs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* It came by the first hub and is read while the node is with the second, which hears only of its own. */
static void what_is_read_later_goes_to_the_hub_that_has_it(void **state)
{
  struct pair *p = world_pair(state);
  hubs_move_to(p, FIRST);
  const struct hash first = world_publish(p, "BF", "by the first");
  pair_settle(p);
  assert_true(look_track(p, ML, &first, RECEIPT_STORED));
  hubs_move_to(p, SECOND);
  world_acknowledge(p, &first);
  pair_settle(p);
  const struct hash second = world_publish(p, "BF", "by the second");
  pair_settle(p);
  world_acknowledge(p, &second);
  pair_pass(p, TG_MINUTE);
  assert_true(look_track(p, ML, &second, RECEIPT_READ) && look_track(p, ML, &second, RECEIPT_ACKNOWLEDGED));
  assert_false(look_track(p, ML, &first, RECEIPT_READ));
  world_restart(p, BF); /* it is on the disk */
  hubs_move_to(p, FIRST);
  assert_true(look_track(p, ML, &first, RECEIPT_READ) && look_track(p, ML, &first, RECEIPT_ACKNOWLEDGED));
  hubs_no_strikes(p);
}


/* Receipts for the first hub are lost on the way: the second, which confirms its own, must not end them. */
static void what_was_not_confirmed_waits_for_its_hub(void **state)
{
  struct pair *p = world_pair(state);
  hubs_move_to(p, FIRST);
  pair_set_uplink(p, BF, hubs_no_receipts, NULL);
  const struct hash first = world_publish(p, "BF", "by the first");
  pair_settle(p);
  world_acknowledge(p, &first);
  pair_settle(p);
  assert_false(look_track(p, ML, &first, RECEIPT_STORED));
  pair_reach(p, BF, FIRST, false);
  pair_set_uplink(p, BF, NULL, NULL);
  hubs_move_to(p, SECOND);
  const struct hash second = world_publish(p, "BF", "by the second");
  pair_settle(p);
  assert_true(look_track(p, ML, &second, RECEIPT_STORED));
  hubs_move_to(p, FIRST);
  assert_true(look_track(p, ML, &first, RECEIPT_STORED) && look_track(p, ML, &first, RECEIPT_ACKNOWLEDGED));
  hubs_no_strikes(p);
}

/* All of a body came, and before it was opened the power failed. The node comes back, finishes, and meets the other hub. */
static void what_is_finished_after_a_restart_is_said_to_who_delivered_it(void **state)
{
  struct pair *p = world_pair(state);
  const struct pair_bulletin large = {.to = "BF", .size = 3 << 20};
  struct hubs_last_chunk last = {.frame = buf_new(LIMIT_FRAME)};
  struct hash id;
  hubs_move_to(p, FIRST);
  pair_set_filter(p, BF, hubs_but_the_last_chunk, &last);
  assert_int_equal(pair_publish(p, ML, &large, NULL), TG_OK);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 1);
  last = (struct hubs_last_chunk){.withheld = last.seen, .frame = last.frame};
  assert_int_equal(pair_publish(p, ML, &large, &id), TG_OK);
  pair_settle(p);
  pair_inject(p, BF, buf_slice(&last.frame));
  assert_int_equal(look_inbox(p, BF), 1); /* a few of its chunks were opened in this turn */
  pair_kill(p, BF);
  pair_set_filter(p, BF, NULL, NULL);
  pair_reach(p, BF, FIRST, false);
  pair_start(p, BF);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 2);
  hubs_move_to(p, SECOND);
  assert_false(look_track(p, ML, &id, RECEIPT_STORED));
  hubs_no_strikes(p);
  pair_set_filter(p, BF, hubs_but_the_last_chunk, &last); /* it need not come again */
  hubs_move_to(p, FIRST);
  assert_true(look_track(p, ML, &id, RECEIPT_STORED));
  assert_int_equal(last.seen, last.withheld);
  hubs_no_strikes(p);
  buf_free(&last.frame);
}

/* A store of before, which did not keep for whom its receipts were. */
static void what_an_earlier_version_kept_finds_its_hub(void **state)
{
  struct pair *p = world_pair(state);
  hubs_move_to(p, FIRST);
  const struct hash first = world_publish(p, "BF", "by the first");
  pair_settle(p);
  hubs_move_to(p, SECOND);
  world_acknowledge(p, &first);
  pair_settle(p);
  world_alter(p, BF, "UPDATE said SET log = ''");
  pair_pass(p, TG_MINUTE);
  hubs_move_to(p, FIRST);
  assert_true(look_track(p, ML, &first, RECEIPT_READ) && look_track(p, ML, &first, RECEIPT_ACKNOWLEDGED));
  hubs_no_strikes(p);
}

int main(void)
{
#define STORY(f, begin) cmocka_unit_test_setup_teardown(f, begin, hubs_free)
  const struct CMUnitTest tests[] = {
      STORY(what_is_read_later_goes_to_the_hub_that_has_it, hubs_two),
      STORY(what_was_not_confirmed_waits_for_its_hub, hubs_two),
      STORY(what_is_finished_after_a_restart_is_said_to_who_delivered_it, hubs_two),
      STORY(what_an_earlier_version_kept_finds_its_hub, hubs_two),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
