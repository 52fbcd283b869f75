/* Witnesses: the nodes' cosignatures settle the log, and what keeps them from it. Simulated time. */
#include "client/node/watch.h"
#include "tests/client/node/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void an_idle_exchange_settles_within_seconds_and_stays_silent(void **state)
{
  struct pair *p = world_start(*state);
  struct hash id;
  const struct pair_bulletin b = {.to = "BF", .text = "to be settled"};
  assert_int_equal(pair_publish(p, ML, &b, &id), TG_OK);
  pair_settle(p);
  pair_pass(p, 3 * TG_SECOND);
  const uint64_t size = watch_size(pair_core(p, ML));
  assert_true(size > 0);
  for (size_t i = 0; i < WORLD_MEMBERS; i++)
    assert_int_equal(watch_settled(pair_core(p, i)), size);
  assert_int_equal(look_sent(p, ML, &id), SENT_SETTLED);
  pair_pass(p, 5 * TG_MINUTE); /* cosigning writes nothing into the log: there is nothing new to settle */
  assert_int_equal(watch_size(pair_core(p, ML)), size);
}

static void one_witness_alone_settles_nothing(void **state)
{
  struct pair *p = world_start(*state);
  pair_pass(p, 3 * TG_SECOND);
  pair_plug(p, BF, false);
  pair_plug(p, NE, false);
  pair_pass(p, TG_MINUTE);
  assert_true(watch_settled(pair_core(p, ML)) < watch_size(pair_core(p, ML)));
  pair_plug(p, BF, true);
  pair_pass(p, 3 * TG_MINUTE);
  assert_int_equal(watch_settled(pair_core(p, ML)), watch_size(pair_core(p, ML)));
}

static bool all_settled(struct pair *p)
{
  for (size_t i = 0; i < WORLD_MEMBERS; i++)
    if (watch_settled(pair_core(p, i)) != watch_size(pair_core(p, i)))
      return false;
  return true;
}

/* Cosignatures from the future count for nothing. Once the clock is right they are said again, though nothing new has come into the log. */
static void a_clock_that_was_wrong_leaves_nothing_unsettled(void **state)
{
  struct pair *p = world_start(*state);
  struct hash id;
  pair_set_clock(p, BF, 20 * TG_MINUTE);
  pair_set_clock(p, NE, 20 * TG_MINUTE);
  pair_pass(p, TG_MINUTE);
  assert_true(watch_settled(pair_core(p, ML)) < watch_size(pair_core(p, ML)));
  pair_set_clock(p, BF, 0);
  pair_set_clock(p, NE, 0);
  pair_pass(p, 3 * TG_MINUTE);
  assert_true(all_settled(p));

  pair_set_hub_clock(p, -20 * TG_MINUTE);
  world_restart(p, BF); /* its session is an entry of the log */
  pair_pass(p, TG_MINUTE);
  assert_false(all_settled(p));
  pair_set_hub_clock(p, 0);
  pair_pass(p, 3 * TG_MINUTE);
  assert_true(all_settled(p));

  pair_set_clock(p, BF, -20 * TG_MINUTE); /* to it all others live in the future */
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "NE", .text = "settled elsewhere"}, &id), TG_OK);
  pair_pass(p, TG_MINUTE);
  assert_false(all_settled(p));
  pair_set_clock(p, BF, 0);
  pair_pass(p, 3 * TG_MINUTE);
  assert_true(all_settled(p));
}

/* Its cosignature still stands under what the hub shows, which need not know yet or may not wish to. */
static void who_was_revoked_settles_nothing(void **state)
{
  struct world *w = *state;
  struct pair *p = world_start(w);
  struct tg_why why = {0};
  pair_pass(p, 3 * TG_SECOND);
  assert_true(all_settled(p));
  struct buf note = kit_revoke(w->kit, NE, &w->kit->member[NE].node[0], pair_now(p));
  assert_int_equal(node_document(pair_core(p, ML), buf_slice(&note), &why), TG_OK);
  buf_free(&note);
  pair_plug(p, BF, false);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(watch_size(pair_core(p, NE)), watch_size(pair_core(p, ML)));
  assert_int_equal(watch_settled(pair_core(p, NE)), watch_size(pair_core(p, NE))); /* who does not know it */
  assert_true(watch_settled(pair_core(p, ML)) < watch_size(pair_core(p, ML)));
}

int main(void)
{
#define WITNESSED(f) cmocka_unit_test_setup_teardown(f, world_witnessed, world_free)
  const struct CMUnitTest tests[] = {
      WITNESSED(an_idle_exchange_settles_within_seconds_and_stays_silent),
      WITNESSED(one_witness_alone_settles_nothing),
      WITNESSED(a_clock_that_was_wrong_leaves_nothing_unsettled),
      WITNESSED(who_was_revoked_settles_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
