/* Receipts by the clock: who does not say in time that it has a bulletin is named to its originator. Simulated time. */
#include "client/node/outbox.h"
#include "tests/client/node/look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { MEMBERS = 3 };
#define START ((tg_time)1796083200000) /* 2026-12-01T00:00:00Z */

struct world {
  struct kit *kit;
  struct pair *pair;
};

static int set_up(void **state)
{
  static struct world w;
  w.kit = kit_new(MEMBERS, START, NULL);
  w.pair = pair_new(w.kit);
  for (size_t i = 0; i < MEMBERS; i++)
    pair_start(w.pair, i);
  pair_settle(w.pair);
  *state = &w;
  return 0;
}

static int tear_down(void **state)
{
  struct world *w = *state;
  pair_free(w->pair);
  kit_free(w->kit);
  return 0;
}

static uint64_t overdue(struct pair *p, size_t member)
{
  struct outbox_counts counts;
  assert_int_equal(outbox_counts(pair_core(p, member), &counts), TG_OK);
  return counts.overdue;
}

static void who_does_not_answer_in_time_is_named(void **state)
{
  struct pair *p = ((struct world *)*state)->pair;
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
  struct pair *p = ((struct world *)*state)->pair;
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "answer", .precedence = PRECEDENCE_FLASH}, NULL),
                   TG_OK);
  pair_pass(p, 5 * TG_MINUTE);
  assert_int_equal(pair_told(p, ML, "receipts-overdue"), 0);
}

static void the_clock_is_the_operator_s(void **state)
{
  struct pair *p = ((struct world *)*state)->pair;
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

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      STORY(who_does_not_answer_in_time_is_named),
      STORY(who_answers_in_time_is_not),
      STORY(the_clock_is_the_operator_s),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
