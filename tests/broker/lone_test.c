/* What one bulletin alone costs the hub, and what stands before its reader: commits and signatures counted, turn by turn. */
#include "tests/broker/stage.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ML, BF };

static uint64_t commits(struct stage *s)
{
  return stage_count(s, "commits");
}

/* Nothing is left over from before. */
static void rest(struct stage *s)
{
  stage_pass(s, 2000);
  for (size_t i = 0; i < s->actors; i++)
    actor_forget(&s->actor[i]);
}

static void sees_receipts(struct actor *a)
{
  Tg__ReceiptsSeen m = TG__RECEIPTS_SEEN__INIT;
  m.sequence = a->note_cursor;
  actor_frame(a, FRAME_RECEIPTS_SEEN, &m.base);
}

static void a_lone_bulletin_stands_behind_one_commit_and_one_signature(void **state)
{
  struct stage *s = *state;
  rest(s);
  uint64_t before = commits(s);
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_turn(s);
  assert_int_equal(commits(s) - before, 1);
  assert_true(s->ask_pending);
  assert_int_equal(s->actor[BF].deliveries + s->actor[ML].outcomes, 0); /* nothing before it is signed */
  stage_turn(s);
  assert_int_equal(s->actor[BF].deliveries, 1);
  assert_int_equal(s->actor[ML].outcomes, 1);
  assert_int_equal(commits(s) - before, 1); /* that it went out is written later */
  assert_false(s->ask_pending);
}

static void its_receipt_takes_one_more_and_the_rest_is_put_off(void **state)
{
  struct stage *s = *state;
  rest(s);
  uint64_t before = commits(s);
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  actor_receive(&s->actor[BF], 0, RECEIPT_STORED);
  stage_turn(s);
  assert_int_equal(s->actor[BF].seen_serials, 1);
  assert_int_equal(commits(s) - before, 2); /* receipt and forwarding are one group */
  stage_turn(s);
  assert_int_equal(s->actor[ML].notes, 1);
  sees_receipts(&s->actor[ML]);
  stage_settle(s);
  assert_int_equal(commits(s) - before, 2);
  s->now.mono += HUB_PUT_OFF_MS;
  stage_settle(s);
  assert_int_equal(commits(s) - before, 3);
  stage_pass(s, 1000);
  assert_int_equal(commits(s) - before, 3); /* and then there is rest */
}

static void what_is_put_off_goes_with_the_next_bulletin(void **state)
{
  struct stage *s = *state;
  rest(s);
  uint64_t before = commits(s);
  for (size_t i = 0; i < 10; i++) {
    actor_publish(&s->actor[ML], (struct story){.to = "BF"});
    stage_settle(s);
    actor_receive(&s->actor[BF], i, RECEIPT_STORED);
    stage_settle(s);
    sees_receipts(&s->actor[ML]);
    stage_settle(s);
    s->now.mono += HUB_PUT_OFF_MS / 5;
  }
  assert_int_equal(s->actor[ML].notes, 10);
  assert_int_equal(commits(s) - before, 20);
}

/* What was put off is forgotten by a crash, and the delivery repeated: the log then says so. */
static void a_crash_before_it_is_written_that_it_went_out_repeats_it(void **state)
{
  struct stage *s = *state;
  rest(s);
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  assert_int_equal(s->actor[BF].deliveries, 1);
  assert_int_equal(stage_restart(s), TG_OK);
  actor_hello(&s->actor[BF]);
  stage_settle(s);
  assert_int_equal(s->actor[BF].deliveries, 2);
  assert_true(s->actor[BF].delivery[0].queue == s->actor[BF].delivery[1].queue);
  assert_int_equal(stage_count(s, "forwarded"), 1);
}

static void a_stop_writes_what_was_put_off(void **state)
{
  struct stage *s = *state;
  rest(s);
  uint64_t before = commits(s);
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  assert_int_equal(hub_stop(s->hub), TG_OK);
  assert_true(hub_is_busy(s->hub));
  stage_settle(s);
  assert_int_equal(commits(s) - before, 2);
  assert_false(hub_is_busy(s->hub));
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, stage_three, stage_gone)
  const struct CMUnitTest tests[] = {
      STORY(a_lone_bulletin_stands_behind_one_commit_and_one_signature),
      STORY(its_receipt_takes_one_more_and_the_rest_is_put_off),
      STORY(what_is_put_off_goes_with_the_next_bulletin),
      STORY(a_crash_before_it_is_written_that_it_went_out_repeats_it),
      STORY(a_stop_writes_what_was_put_off),
  };
  return cmocka_run_group_tests_name("broker_lone", tests, NULL, NULL);
}
