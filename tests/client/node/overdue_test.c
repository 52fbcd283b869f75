/* Receipts by the clock: who does not say in time that it has a bulletin is named to its originator. Simulated time. */
#include "client/node/outbox.h"
#include "keys/codec.h"
#include "proto/frame.h"
#include "tests/client/node/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static uint64_t overdue(struct pair *p, size_t member)
{
  struct outbox_counts counts;
  assert_int_equal(outbox_counts(pair_core(p, member), &counts), TG_OK);
  return counts.overdue;
}

static void who_does_not_answer_in_time_is_named(void **state)
{
  struct pair *p = world_pair(state);
  pair_plug(p, BF, false);
  pair_settle(p);
  static const struct {
    uint32_t precedence;
    tg_time due;
  } clocks[] = {{PRECEDENCE_FLASH, TG_MINUTE},
                {PRECEDENCE_IMMEDIATE, 10 * TG_MINUTE},
                {PRECEDENCE_PRIORITY, TG_HOUR},
                {PRECEDENCE_ROUTINE, 12 * TG_HOUR}};
  for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++)
    assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "answer", .precedence = clocks[i].precedence},
                                  NULL),
                     TG_OK);
  pair_settle(p);
  tg_time passed = 0;
  for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
    const tg_time margin = clocks[i].due / 6; /* long times pass in long steps */
    pair_pass(p, clocks[i].due - passed - margin);
    assert_int_equal(pair_told(p, ML, "receipts-overdue"), i);
    pair_pass(p, 2 * margin);
    assert_int_equal(pair_told(p, ML, "receipts-overdue"), i + 1);
    assert_int_equal(overdue(p, ML), i + 1);
    passed = clocks[i].due + margin;
  }
  pair_kill(p, ML); /* nor is it forgotten, or told twice */
  pair_start(p, ML);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(overdue(p, ML), 4);
  assert_int_equal(pair_told(p, ML, "receipts-overdue"), 4);
  pair_plug(p, BF, true); /* better late */
  pair_pass(p, TG_MINUTE);
  assert_int_equal(overdue(p, ML), 0);
}

static void who_answers_in_time_is_not(void **state)
{
  struct pair *p = world_pair(state);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "answer", .precedence = PRECEDENCE_FLASH}, NULL),
                   TG_OK);
  pair_pass(p, 5 * TG_MINUTE);
  assert_int_equal(pair_told(p, ML, "receipts-overdue"), 0);
}

static void the_clock_is_the_operator_s(void **state)
{
  struct pair *p = world_pair(state);
  pair_kill(p, ML);
  pair_config(p, ML)->receipts_due[PRECEDENCE_FLASH] = 10 * TG_SECOND;
  pair_start(p, ML);
  pair_settle(p);
  pair_plug(p, BF, false);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "answer", .precedence = PRECEDENCE_FLASH}, NULL),
                   TG_OK);
  pair_pass(p, 12 * TG_SECOND);
  assert_int_equal(pair_told(p, ML, "receipts-overdue"), 1);
}

/* Real alarms reach the hook that asks for them, at the originator's node and nowhere else. */
static void a_hook_hears_of_it(void **state)
{
  static const char *const hooks[] = {"bell", NULL};
  static const bool alarms[] = {true};
  struct pair *p = world_pair(state);
  struct hash id;
  char hex[HASH_TEXT], want[128];
  for (size_t i = 0; i < WORLD_MEMBERS; i++) {
    pair_kill(p, i);
    pair_config(p, i)->hooks = hooks;
    pair_config(p, i)->hook_alarms = alarms;
    pair_start(p, i);
  }
  pair_settle(p);
  pair_plug(p, BF, false);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF,NE", .text = "answer", .precedence = PRECEDENCE_FLASH}, &id), TG_OK);
  pair_pass(p, 65 * TG_SECOND);
  struct buf heard[WORLD_MEMBERS];
  for (size_t i = 0; i < WORLD_MEMBERS; i++) {
    heard[i] = buf_new(1 << 16);
    pair_hooked(p, i, &heard[i]);
    buf_put_u8(&heard[i], 0);
  }
  hash_print(&id, hex);
  snprintf(want, sizeof want, "\"bulletin\":\"%s\"", hex);
  assert_non_null(strstr((const char *)heard[ML].p, "\"alarm\":\"receipts-overdue\""));
  assert_non_null(strstr((const char *)heard[ML].p, want));
  assert_non_null(strstr((const char *)heard[ML].p, "\"silent\":[{\"node\":\"BF/"));
  assert_null(strstr((const char *)heard[ML].p, "\"node\":\"NE/"));
  assert_int_equal(heard[BF].n + heard[NE].n, 2); /* nothing but the zeros */
  for (size_t i = 0; i < WORLD_MEMBERS; i++)
    buf_free(&heard[i]);
}

/* The hub takes everything, acknowledges everything, and hands one node nothing. */
static bool withholds(void *context, struct buf *frame)
{
  (void)context;
  return frame->p[1] != FRAME_DELIVER;
}

static void a_hub_that_withholds_is_noticed_by_the_clock(void **state)
{
  struct pair *p = world_pair(state);
  pair_set_filter(p, BF, withholds, NULL);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF,NE", .text = "answer", .precedence = PRECEDENCE_FLASH}, NULL), TG_OK);
  pair_pass(p, 50 * TG_SECOND);
  assert_int_equal(pair_told(p, ML, "receipts-overdue"), 0);
  pair_pass(p, 15 * TG_SECOND);
  assert_int_equal(pair_told(p, ML, "receipts-overdue"), 1);
  assert_int_equal(overdue(p, ML), 1);
  assert_int_equal(look_inbox(p, BF), 0);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, world_started, world_free)
  const struct CMUnitTest tests[] = {
      STORY(who_does_not_answer_in_time_is_named),
      STORY(who_answers_in_time_is_not),
      STORY(the_clock_is_the_operator_s),
      STORY(a_hook_hears_of_it),
      STORY(a_hub_that_withholds_is_noticed_by_the_clock),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
