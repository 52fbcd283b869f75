/* From one hub to another and home again: a node that fell back, and one that looks in at the hubs that it is not with. */
#include "client/node/talk.h"
#include "tests/client/node/hubs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect_at(struct pair *p, size_t member, const char *hub)
{
  assert_int_equal(talk_state(pair_core(p, member)), TALK_OPEN);
  assert_string_equal(talk_hub(pair_core(p, member)), hub);
}

/* The first hub was away for a while. */
static void who_fell_back_goes_home_again(void **state)
{
  struct pair *p = world_pair(state);
  hubs_move_to(p, SECOND);
  pair_pass(p, 50 * TG_MINUTE); /* it is looked for in vain, less and less often, and what is published meanwhile goes by the one that there is */
  const struct hash id = world_publish(p, "BF,NE", "by the second");
  pair_pass(p, TG_MINUTE);
  assert_true(look_track(p, ML, &id, RECEIPT_STORED));
  for (size_t i = 0; i < WORLD_MEMBERS; i++)
    pair_reach(p, i, FIRST, true);
  pair_pass(p, 59 * TG_MINUTE);
  for (size_t i = 0; i < WORLD_MEMBERS; i++)
    expect_at(p, i, "hub1");
  hubs_no_strikes(p);
}

/* ML cannot reach the first hub, and the others have no reason to leave it. */
static void what_waits_at_another_hub_is_fetched(void **state)
{
  struct pair *p = world_pair(state);
  struct hash ours;
  hubs_move_to(p, FIRST);
  pair_reach(p, BF, SECOND, true);
  pair_reach(p, ML, FIRST, false);
  pair_reach(p, ML, SECOND, true);
  pair_pass(p, 2 * TG_MINUTE);
  expect_at(p, ML, "hub2");
  const struct hash id = world_publish(p, "BF", "by the second");
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 0);
  const uint64_t accepted = pair_counted(p, SECOND, "accepted");
  for (unsigned i = 0; i < 40 && look_inbox(p, BF) == 0; i++) {
    pair_pass(p, 2 * TG_MINUTE);
    assert_int_equal(pair_publish(p, BF, &(struct pair_bulletin){.to = "NE", .text = "who is at home"}, &ours), TG_OK);
  }
  assert_int_equal(look_inbox(p, BF), 1);
  pair_pass(p, 2 * TG_MINUTE);
  expect_at(p, BF, "hub1"); /* and is back */
  assert_true(look_sent(p, BF, &ours) >= SENT_DELIVERED);
  assert_true(look_track(p, ML, &id, RECEIPT_STORED));
  assert_int_equal(pair_counted(p, SECOND, "accepted"), accepted); /* of what it published meanwhile nothing went there */
  world_acknowledge(p, &id); /* which the second hub hears at the next look */
  for (unsigned i = 0; i < 40 && !look_track(p, ML, &id, RECEIPT_ACKNOWLEDGED); i++)
    pair_pass(p, 2 * TG_MINUTE);
  assert_true(look_track(p, ML, &id, RECEIPT_ACKNOWLEDGED));
  hubs_no_strikes(p);
}

/* BF is at home with the first hub, as NE is; ML with the second, at which BF has only begun to look in when this ends. */
static void begin_a_look(struct pair *p)
{
  static const char *const second[] = {"hub2", NULL};
  hubs_move_to(p, FIRST);
  pair_reach(p, BF, SECOND, true);
  pair_reach(p, ML, SECOND, true);
  pair_kill(p, ML);
  pair_config(p, ML)->hubs = second; /* one that only fell back would look for its home, and BF find nothing coming meanwhile */
  pair_start(p, ML);
  pair_pass(p, 55 * TG_MINUTE);
  expect_at(p, BF, "hub1");
  expect_at(p, ML, "hub2");
  for (unsigned i = 0; i < 30 * 60 && strcmp(talk_hub(pair_core(p, BF)), "hub2") != 0; i++)
    pair_pass(p, TG_SECOND);
  expect_at(p, BF, "hub2");
}

/* Seconds until what waits for BF at home has come. breaks: its line does, whenever so many have passed; 0: never. */
static unsigned until_flash(struct pair *p, bool more_comes, unsigned breaks)
{
  struct hash id;
  unsigned passed = 0;
  assert_int_equal(pair_publish(p, NE, &(struct pair_bulletin){.to = "BF", .text = "now", .precedence = PRECEDENCE_FLASH}, &id), TG_OK);
  for (; passed < 20 * 60 && !look_track(p, NE, &id, RECEIPT_STORED); passed++) {
    if (more_comes && passed % 2 == 0)
      world_publish(p, "BF", "one more");
    if (breaks && passed % breaks == breaks - 1) {
      pair_plug(p, BF, false);
      pair_plug(p, BF, true);
    }
    pair_pass(p, TG_SECOND);
  }
  return passed;
}

/* A hub that has something more every other second holds nobody from what is at home. */
static void a_hub_that_always_has_more_is_left(void **state)
{
  struct pair *p = world_pair(state);
  begin_a_look(p);
  const unsigned passed = until_flash(p, true, 0);
  assert_in_range(passed, 30, 200); /* it does stay for what there is */
  expect_at(p, BF, "hub1");
  hubs_no_strikes(p);
}

/* Nor does one to which the line breaks again and again. */
static void a_line_that_breaks_holds_nobody_at_a_look(void **state)
{
  struct pair *p = world_pair(state);
  begin_a_look(p);
  assert_in_range(until_flash(p, true, 20), 10, 200);
  expect_at(p, BF, "hub1");
  hubs_no_strikes(p);
}

/* Nor does one that begins a body and does not finish it. */
static void a_hub_that_does_not_finish_a_body_is_left(void **state)
{
  struct pair *p = world_pair(state);
  struct hubs_held held = {.deliveries = false};
  begin_a_look(p);
  pair_set_filter(p, BF, hubs_no_chunks, &held);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 3 << 20}, NULL), TG_OK);
  assert_in_range(until_flash(p, false, 0), 30, 200);
  expect_at(p, BF, "hub1");
}

/* Nor from the hub after it, with which the next look begins. */
static void a_hub_that_is_left_early_keeps_nobody_from_the_next(void **state)
{
  struct pair *p = world_pair(state);
  begin_a_look(p);
  assert_in_range(until_flash(p, true, 0), 30, 200);
  expect_at(p, BF, "hub1");
  for (unsigned i = 0; i < 90 * 60 && strcmp(talk_hub(pair_core(p, BF)), "hub1") == 0; i++)
    pair_pass(p, TG_SECOND);
  for (unsigned i = 0; i < 10 && talk_state(pair_core(p, BF)) != TALK_OPEN; i++)
    pair_pass(p, TG_SECOND);
  expect_at(p, BF, "hub3");
}

/* And who fell back goes home though a body is coming without end. */
static void a_body_without_end_holds_nobody_from_home(void **state)
{
  struct pair *p = world_pair(state);
  struct hubs_held held = {.deliveries = false};
  hubs_move_to(p, SECOND);
  pair_set_filter(p, BF, hubs_no_chunks, &held);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 3 << 20}, NULL), TG_OK);
  pair_pass(p, TG_MINUTE);
  pair_reach(p, BF, FIRST, true);
  pair_pass(p, 40 * TG_MINUTE);
  expect_at(p, BF, "hub2"); /* it might come yet */
  pair_pass(p, 60 * TG_MINUTE);
  expect_at(p, BF, "hub1");
}

/* On a slow line, of which a body takes half an hour: the hour of a look comes meanwhile, and no half of it is given up for that. */
static void a_body_that_goes_is_not_broken_off(void **state)
{
  struct pair *p = world_pair(state);
  struct hash id;
  unsigned passed = 0;
  pair_kill(p, ML);
  pair_config(p, ML)->line_rate = 1200;
  pair_start(p, ML);
  hubs_move_to(p, FIRST);
  pair_reach(p, ML, SECOND, true);
  pair_pass(p, 50 * TG_MINUTE);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 3 << 19, .precedence = PRECEDENCE_ROUTINE}, &id), TG_OK);
  for (; passed < 60 * 60 && look_sent(p, ML, &id) == SENT_SPOOLED; passed++) {
    expect_at(p, ML, "hub1");
    pair_pass(p, TG_SECOND);
  }
  assert_true(passed > 30 * 60 && look_sent(p, ML, &id) >= SENT_ACCEPTED);
  for (unsigned i = 0; i < 60 && talk_state(pair_core(p, ML)) != TALK_OPEN; i++)
    pair_pass(p, TG_SECOND);
  expect_at(p, ML, "hub2"); /* of which the time comes then */
}

static void expect_gone(struct pair *p, const char *hub, unsigned within)
{
  struct hash id;
  assert_int_equal(pair_publish(p, BF, &(struct pair_bulletin){.to = "NE", .text = "now", .precedence = PRECEDENCE_IMMEDIATE}, &id), TG_OK);
  for (unsigned i = 0; i < within && look_sent(p, BF, &id) == SENT_SPOOLED; i++)
    pair_pass(p, TG_SECOND);
  expect_at(p, BF, hub);
  assert_true(look_sent(p, BF, &id) >= SENT_ACCEPTED);
}

/* Nobody is at the second hub, which BF would look in at. */
static void what_is_urgent_does_not_wait_for_who_is_not_there(void **state)
{
  struct pair *p = world_pair(state);
  unsigned passed = 0;
  hubs_move_to(p, FIRST);
  pair_pass(p, 55 * TG_MINUTE);
  hubs_until_it_tries(p, BF, HUBS_SECOND);
  expect_gone(p, "hub1", 1);
  pair_pass(p, 55 * TG_MINUTE);
  hubs_until_it_tries(p, BF, HUBS_SECOND);
  for (; passed < 60 && talk_state(pair_core(p, BF)) != TALK_OPEN; passed++)
    pair_pass(p, TG_SECOND);
  assert_in_range(passed, 3, 8); /* and who has nothing to say is not long about it */
  expect_at(p, BF, "hub1");
}

/* Nor for one's own hub that is not back yet. */
static void what_is_urgent_does_not_wait_for_home(void **state)
{
  struct pair *p = world_pair(state);
  hubs_move_to(p, SECOND);
  hubs_until_it_tries(p, BF, HUBS_FIRST);
  expect_gone(p, "hub2", 7); /* home is tried for a while */
}

static bool no_submissions(void *context, struct buf *frame)
{
  (void)context;
  return hubs_type(frame, FRAME_TO_HUB) != FRAME_SUBMIT;
}

/* BF fell back to the second hub, which takes nothing of it; its own is there again. */
static void begin_at_a_deaf_hub(struct pair *p, enum precedence precedence)
{
  hubs_move_to(p, SECOND);
  pair_set_uplink(p, BF, no_submissions, NULL);
  assert_int_equal(pair_publish(p, BF, &(struct pair_bulletin){.to = "NE", .text = "nobody hears", .precedence = precedence}, NULL), TG_OK);
  pair_settle(p);
  pair_reach(p, BF, FIRST, true);
}

/* Minutes until BF is with the first hub. */
static unsigned until_home(struct pair *p)
{
  unsigned passed = 0;
  for (; passed < 120 && strcmp(talk_hub(pair_core(p, BF)), "hub1") != 0; passed++)
    pair_pass(p, TG_MINUTE);
  pair_set_uplink(p, BF, NULL, NULL);
  expect_at(p, BF, "hub1");
  return passed;
}

/* And is home though that does not answer something urgent. */
static void a_hub_that_does_not_answer_holds_nobody_from_home(void **state)
{
  struct pair *p = world_pair(state);
  begin_at_a_deaf_hub(p, PRECEDENCE_IMMEDIATE);
  assert_in_range(until_home(p), 5, 20);
}

static void nor_does_it_with_a_flash_without_end(void **state)
{
  struct pair *p = world_pair(state);
  begin_at_a_deaf_hub(p, PRECEDENCE_FLASH);
  assert_in_range(until_home(p), 60, 80); /* there is hope for so long */
}

/* Nor a line that drops before the time of the return, again and again. */
static void a_line_that_drops_holds_nobody_from_home(void **state)
{
  struct pair *p = world_pair(state);
  unsigned passed = 0;
  hubs_move_to(p, SECOND);
  pair_reach(p, BF, FIRST, true);
  for (; passed < 60 && strcmp(talk_hub(pair_core(p, BF)), "hub1") != 0; passed++) {
    if (passed % 4 == 3) {
      pair_plug(p, BF, false);
      pair_plug(p, BF, true);
    }
    pair_pass(p, TG_MINUTE);
  }
  assert_in_range(passed, 5, 20);
  expect_at(p, BF, "hub1");
}

/* Nor is something without an answer under way because other frames are. */
static void what_is_parked_holds_nobody_from_home(void **state)
{
  struct pair *p = world_pair(state);
  pair_config(p, BF)->tick = 9 * TG_SECOND;
  begin_at_a_deaf_hub(p, PRECEDENCE_ROUTINE);
  assert_in_range(until_home(p), 5, 20);
}

/* The window closes while BF looks in at the second hub: the next call is for its own. */
static void a_call_begins_at_home(void **state)
{
  static const struct call_window day = {0, 24 * 60 - 1}, noon = {12 * 60, 12 * 60 + 1};
  struct pair *p = world_pair(state);
  static struct call_window window;
  window = day;
  pair_kill(p, BF);
  pair_config(p, BF)->calls = &window;
  pair_config(p, BF)->n_calls = 1;
  pair_start(p, BF);
  begin_a_look(p);
  window = noon;
  for (unsigned i = 0; i < 150 && talk_state(pair_core(p, BF)) == TALK_OPEN; i++) {
    if (i % 2 == 0)
      world_publish(p, "BF", "one more");
    pair_pass(p, TG_SECOND);
  }
  assert_int_equal(talk_state(pair_core(p, BF)), TALK_CLOSED);
  window = day;
  for (unsigned i = 0; i < 120 && talk_state(pair_core(p, BF)) != TALK_OPEN; i++)
    pair_pass(p, TG_SECOND);
  expect_at(p, BF, "hub1");
}

int main(void)
{
#define STORY(f, begin) cmocka_unit_test_setup_teardown(f, begin, hubs_free)
  const struct CMUnitTest tests[] = {
      STORY(who_fell_back_goes_home_again, hubs_two),
      STORY(what_waits_at_another_hub_is_fetched, hubs_two),
      STORY(a_hub_that_always_has_more_is_left, hubs_two),
      STORY(a_line_that_breaks_holds_nobody_at_a_look, hubs_two),
      STORY(a_hub_that_does_not_finish_a_body_is_left, hubs_two),
      STORY(a_hub_that_is_left_early_keeps_nobody_from_the_next, hubs_three),
      STORY(a_body_without_end_holds_nobody_from_home, hubs_two),
      STORY(a_body_that_goes_is_not_broken_off, hubs_two),
      STORY(what_is_urgent_does_not_wait_for_who_is_not_there, hubs_two),
      STORY(what_is_urgent_does_not_wait_for_home, hubs_two),
      STORY(a_hub_that_does_not_answer_holds_nobody_from_home, hubs_two),
      STORY(nor_does_it_with_a_flash_without_end, hubs_two),
      STORY(a_line_that_drops_holds_nobody_from_home, hubs_two),
      STORY(what_is_parked_holds_nobody_from_home, hubs_two),
      STORY(a_call_begins_at_home, hubs_two),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
