/* How much is under way to a node, against made-up lines and nodes: they are kept busy, and what is urgent finds little before it. */
#include "broker/flight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BODY = 1088, MOST = 1 << 20 };

/* A line that takes `delay` ms each way, and a node that does `per_s` bulletins a second and is done with all of a turn at its end, after
   `turn` ms or when it has no more. It stands still for `pause` ms in every `every`, as on a busy machine. */
struct world {
  int64_t delay, turn, pause, every;
  uint64_t per_s;
  /* its state */
  struct session session;
  int64_t now, turn_began;
  uint64_t sent, came, worked, said, heard; /* leaves below are so far */
  uint64_t credit;                          /* of work, in thousandths */
  int64_t *at;                              /* when each was sent */
  struct {
    int64_t when;
    uint64_t upto;
  } receipts[4096];
  size_t first, last;
  uint64_t most; /* before a FLASH that comes now, since watched */
};

static void hub(struct world *w)
{
  bool any = false;
  while (w->first != w->last && w->receipts[w->first % 4096].when <= w->now) {
    for (uint64_t upto = w->receipts[w->first++ % 4096].upto; w->heard < upto; w->heard++)
      assert_true(flight_done(&w->session, w->heard, NULL));
    any = true;
  }
  if (any)
    flight_sweep(&w->session, w->now);
  while (w->sent < MOST && !flight_is_full(&w->session, BODY, w->now)) {
    assert_int_equal(flight_add(&w->session, w->sent, 3, BODY, w->now), TG_OK);
    w->at[w->sent++] = w->now;
  }
}

static bool stands_still(const struct world *w)
{
  return w->every && w->now % w->every < w->pause;
}

static void node(struct world *w)
{
  if (stands_still(w))
    return;
  while (w->came < w->sent && w->at[w->came] + w->delay <= w->now)
    w->came++;
  w->credit = w->came > w->worked ? w->credit + w->per_s : 0;
  while (w->credit >= 1000 && w->worked < w->came) {
    w->worked++;
    w->credit -= 1000;
  }
  if (w->worked > w->said && (w->worked == w->came || w->now - w->turn_began >= w->turn)) {
    w->receipts[w->last % 4096].when = w->now + w->delay;
    w->receipts[w->last++ % 4096].upto = w->said = w->worked;
    assert_true(w->last - w->first < 4096);
    w->turn_began = w->now;
  }
}

static void pass(struct world *w, int64_t ms)
{
  w->most = 0;
  for (int64_t end = w->now + ms; w->now < end; w->now++) {
    hub(w);
    node(w);
    if (w->sent - w->worked > w->most)
      w->most = w->sent - w->worked;
  }
}

static void begin(struct world *w)
{
  w->at = calloc(MOST, sizeof *w->at);
  w->now = 1000;
  w->session = (struct session){0};
  assert_non_null(w->at);
}

static void end(struct world *w)
{
  free(w->session.flights);
  free(w->at);
}

/* Half a minute of full speed, from the fifth second on. */
static void expect(struct world *w, unsigned percent, uint64_t before_flash)
{
  begin(w);
  pass(w, 5000);
  const uint64_t from = w->worked;
  pass(w, 30000);
  const uint64_t could = w->per_s * 30 * (uint64_t)(w->every ? w->every - w->pause : 1) / (uint64_t)(w->every ? w->every : 1);
  const uint64_t done = w->worked - from, most = w->most;
  end(w);
  if (done * 100 < could * percent)
    fail_msg("%llu of %llu were done", (unsigned long long)done, (unsigned long long)could);
  if (most > before_flash)
    fail_msg("a FLASH finds %llu before it, not %llu", (unsigned long long)most, (unsigned long long)before_flash);
}

/* Eight a millisecond, as a node on a quiet machine: 4 MiB would be 2,000 before it. */
static void on_a_fast_line(void **state)
{
  (void)state;
  expect(&(struct world){.delay = 0, .turn = 5, .per_s = 8000}, 95, 120);
  expect(&(struct world){.delay = 1, .turn = 5, .per_s = 8000}, 95, 140);
}

static void to_a_slow_node(void **state)
{
  (void)state;
  expect(&(struct world){.delay = 1, .turn = 5, .per_s = 500}, 95, 60);
}

/* A session begins: nothing is known yet, and a FLASH may come with the first of the backlog. */
static void at_the_beginning(void **state)
{
  (void)state;
  struct world w = {.delay = 1, .turn = 5, .per_s = 8000};
  begin(&w);
  pass(&w, 8);
  const uint64_t first = w.most;
  pass(&w, 200);
  const uint64_t done = w.worked;
  end(&w);
  assert_in_range(first, 32, 128);
  assert_true(done * 100 > 8 * 208 * 80); /* and the node is kept busy all the same */
}

/* A trip of 600 ms with 2,000 a second: 1,200 are under way at the least. It begins with 62. */
static void over_a_satellite(void **state)
{
  (void)state;
  expect(&(struct world){.delay = 300, .turn = 5, .per_s = 2000}, 85, 2000);
}

/* How much of `ms` was made use of, in percent, once so much time had passed since the beginning. */
static unsigned busy_after(struct world *w, int64_t passed, int64_t ms)
{
  begin(w);
  pass(w, passed);
  const uint64_t before = w->worked;
  pass(w, ms);
  const uint64_t done = w->worked - before;
  end(w);
  return (unsigned)(done * 100 * 1000 / (w->per_s * (uint64_t)ms));
}

/* While the first receipts come one by one and tell of short trips, a quarter more goes out each trip. */
static void over_a_satellite_after_fifteen_trips(void **state)
{
  (void)state;
  assert_in_range(busy_after(&(struct world){.delay = 300, .turn = 5, .per_s = 2000}, 15 * 600, 2 * 600), 85, 100);
}

/* Sixty at first and then a trip of waiting, but twice as many each time. */
static void to_a_node_that_is_done_with_all_at_once(void **state)
{
  (void)state;
  assert_in_range(busy_after(&(struct world){.delay = 20, .turn = INT64_MAX, .per_s = 8000}, 400, 200), 70, 100);
}

/* A node that gets 5 ms in 40 must find enough for them. */
static void to_a_node_that_stands_still_now_and_then(void **state)
{
  (void)state;
  expect(&(struct world){.delay = 1, .turn = 5, .per_s = 8000, .pause = 35, .every = 40}, 80, 400);
}

/* Nor does a node make room by saying twice that it is done with something, or with what was never under way. */
static void what_is_done_with_counts_once(void **state)
{
  (void)state;
  struct session s = {0};
  unsigned rank = 9;
  for (uint64_t leaf = 10; leaf < 14; leaf++)
    assert_int_equal(flight_add(&s, leaf, 2, BODY, 1), TG_OK);
  const uint64_t used = s.window.used;
  assert_true(flight_done(&s, 11, &rank));
  assert_int_equal(rank, 2);
  assert_false(flight_done(&s, 11, NULL));
  assert_false(flight_done(&s, 9, NULL));
  assert_false(flight_done(&s, 14, NULL));
  assert_int_equal(s.flight_bytes, 3 * BODY);
  assert_int_equal(s.window.used, used / 4 * 3);
  flight_sweep(&s, 2);
  assert_false(flight_done(&s, 11, NULL));
  assert_int_equal(s.flight_count, 3);
  free(s.flights);
}

static void something_may_always_be_under_way(void **state)
{
  struct session s = {0};
  (void)state;
  assert_false(flight_is_full(&s, UINT32_MAX, 1000));
  assert_int_equal(flight_add(&s, 0, 3, UINT32_MAX, 1000), TG_OK);
  assert_true(flight_is_full(&s, 0, 1000));
  assert_true(flight_done(&s, 0, NULL));
  flight_sweep(&s, 1010);
  assert_int_equal(s.window.used, 0);
  assert_false(flight_is_full(&s, UINT32_MAX, 1010));
  free(s.flights);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(on_a_fast_line),
      cmocka_unit_test(to_a_slow_node),
      cmocka_unit_test(at_the_beginning),
      cmocka_unit_test(over_a_satellite),
      cmocka_unit_test(over_a_satellite_after_fifteen_trips),
      cmocka_unit_test(to_a_node_that_is_done_with_all_at_once),
      cmocka_unit_test(to_a_node_that_stands_still_now_and_then),
      cmocka_unit_test(what_is_done_with_counts_once), cmocka_unit_test(something_may_always_be_under_way),
  };
  return cmocka_run_group_tests_name("broker_flight", tests, NULL, NULL);
}
