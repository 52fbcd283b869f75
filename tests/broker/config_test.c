/* What the operator changes in a hub's configuration stands in the log, whichever of its numbers it is. */
#include "tests/broker/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* Entries that starting anew adds. */
static uint64_t logged_by_restart(struct stage *s)
{
  const uint64_t before = stage_count(s, "log_size");
  assert_int_equal(stage_restart(s), TG_OK);
  stage_pass(s, 2000); /* it is written */
  return stage_count(s, "log_size") - before;
}

static void every_number_that_is_changed_is_logged_once(void **state)
{
  struct stage *s = stage_new(2, NULL);
  struct hub_config *c = &s->config;
  uint64_t *const counts[] = {&c->flash_per_hour, &c->per_hour,        &c->queue_count,     &c->queue_bytes, &c->member_bytes,
                              &c->parked_count,   &c->in_flight_count, &c->in_flight_bytes, &c->disk_reserve};
  tg_time *const times[] = {&c->clock_skew,      &c->refusal_window,  &c->tick,           &c->receipts_due[0],
                            &c->receipts_due[1], &c->receipts_due[2], &c->receipts_due[3]};
  (void)state;
  stage_pass(s, 2000);
  assert_int_equal(logged_by_restart(s), 0);
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    *counts[i] = 77000 + i;
    assert_int_equal(logged_by_restart(s), 1);
  }
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    *times[i] = 77 * TG_SECOND;
    assert_int_equal(logged_by_restart(s), 1);
  }
  c->strikes = 17;
  assert_int_equal(logged_by_restart(s), 1);
  c->memory = UINT64_C(300) << 20;
  assert_int_equal(logged_by_restart(s), 1);
  assert_int_equal(logged_by_restart(s), 0);
  stage_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_number_that_is_changed_is_logged_once)};
  return cmocka_run_group_tests_name("broker_config", tests, NULL, NULL);
}
