/* What stands before a FLASH in the node that it comes to: deliveries that came before it and are not taken in yet do not. Counted, not timed. */
#include "tests/client/node/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { GROUPS = 5, EACH = 20, ROUTINE = GROUPS * EACH, FRAMES = 256, A_STEP = 8 };

/* Frames that the hub sends to BF are held back in `frames`. */
struct stream {
  void *world;
  struct pair *pair;
  struct buf frames[FRAMES];
  size_t n, fed;
  struct hash routine[ROUTINE], flash;
};

static bool hold(void *context, struct buf *frame)
{
  struct stream *s = context;
  assert_true(s->n < FRAMES);
  s->frames[s->n] = buf_new(LIMIT_FRAME);
  buf_put_slice(&s->frames[s->n++], buf_slice(frame));
  return false;
}

static struct hash publish(struct stream *s, uint32_t precedence)
{
  struct hash id;
  assert_int_equal(pair_publish(s->pair, ML, &(struct pair_bulletin){.to = "BF", .text = "seen", .precedence = precedence}, &id), TG_OK);
  return id;
}

/* Under several checkpoints: a ROUTINE hundred, then a FLASH. */
static int set_up(void **state)
{
  struct stream *s = calloc(1, sizeof *s);
  assert_non_null(s);
  assert_int_equal(world_started(&s->world), 0);
  s->pair = world_pair(&s->world);
  pair_set_filter(s->pair, BF, hold, s);
  for (size_t i = 0; i < ROUTINE; i++) {
    s->routine[i] = publish(s, PRECEDENCE_ROUTINE);
    if (i % EACH == EACH - 1)
      pair_settle(s->pair);
  }
  *state = s;
  return 0;
}

static void add_flash(struct stream *s)
{
  s->flash = publish(s, PRECEDENCE_FLASH);
  pair_settle(s->pair);
}

/* The node gets the first so many frames that were held back, and does not end its turn. */
static void feed(struct stream *s, size_t upto)
{
  struct node_core *core = pair_core(s->pair, BF);
  for (; s->fed < upto; s->fed++)
    assert_int_equal(node_frame(core, buf_slice(&s->frames[s->fed])), TG_OK);
}

static int tear_down(void **state)
{
  struct stream *s = *state;
  world_free(&s->world);
  for (size_t i = 0; i < s->n; i++)
    buf_free(&s->frames[i]);
  free(s);
  return 0;
}

static void turn(struct stream *s) { assert_int_equal(node_turn(pair_core(s->pair, BF), NULL), TG_OK); }

/* All are there once, those of one precedence in the order in which they were written; nobody was accused. */
static void expect_all(struct stream *s, bool flash)
{
  uint64_t place = 0;
  pair_set_filter(s->pair, BF, NULL, NULL);
  pair_pass(s->pair, TG_MINUTE);
  assert_int_equal(look_inbox(s->pair, BF), ROUTINE + flash);
  for (size_t i = 0; i < ROUTINE; i++) {
    const struct inbox_row *row = look_row(s->pair, BF, &s->routine[i]);
    assert_true(row->place > place);
    place = row->place;
    assert_true(look_track(s->pair, ML, &s->routine[i], RECEIPT_STORED));
  }
  assert_int_equal(pair_told(s->pair, BF, "checkpoint-not-proven") + pair_told(s->pair, BF, "delivery-forged"), 0);
  assert_int_equal(pair_told(s->pair, BF, "chain-broken"), 0);
}

static void nothing_stands_before_a_flash(void **state)
{
  struct stream *s = *state;
  add_flash(s);
  feed(s, s->n);
  assert_int_equal(look_inbox(s->pair, BF), 0);
  assert_true(node_is_urgent(pair_core(s->pair, BF)));
  turn(s);
  assert_int_equal(look_inbox(s->pair, BF), 1);
  assert_int_equal(look_row(s->pair, BF, &s->flash)->place, 1);
  expect_all(s, true);
}

static void what_comes_between_two_steps_goes_before_the_rest(void **state)
{
  struct stream *s = *state;
  const size_t routine = s->n;
  bool more;
  add_flash(s);
  feed(s, routine);
  assert_int_equal(node_step(pair_core(s->pair, BF), &more), TG_OK);
  assert_true(more);
  const size_t before = look_inbox(s->pair, BF);
  assert_in_range(before, 1, A_STEP);
  feed(s, s->n);
  turn(s);
  assert_int_equal(look_row(s->pair, BF, &s->flash)->place, before + 1);
  assert_int_equal(look_inbox(s->pair, BF), before + 1);
  expect_all(s, true);
}

static void a_turn_ends_though_more_waits(void **state)
{
  struct stream *s = *state;
  size_t steps = 0;
  feed(s, s->n);
  for (bool more = true; more; steps++)
    assert_int_equal(node_step(pair_core(s->pair, BF), &more), TG_OK);
  const size_t had = look_inbox(s->pair, BF);
  assert_true(steps > 1 && had < ROUTINE);
  turn(s);
  assert_int_equal(look_inbox(s->pair, BF), had);
  assert_true(pair_is_due(s->pair, BF));
  expect_all(s, false);
}

/* Nothing was said of them, so the hub brings them again. */
static void a_power_cut_loses_nothing_that_waits(void **state)
{
  struct stream *s = *state;
  add_flash(s);
  feed(s, s->n);
  turn(s);
  assert_int_equal(look_inbox(s->pair, BF), 1);
  pair_kill(s->pair, BF);
  pair_set_filter(s->pair, BF, NULL, NULL);
  pair_start(s->pair, BF);
  expect_all(s, true);
  assert_true(look_track(s->pair, ML, &s->flash, RECEIPT_STORED));
}

static void what_came_before_the_line_broke_is_taken_in(void **state)
{
  struct stream *s = *state;
  feed(s, s->n);
  assert_int_equal(look_inbox(s->pair, BF), 0);
  pair_plug(s->pair, BF, false);
  assert_int_equal(look_inbox(s->pair, BF), ROUTINE);
  pair_plug(s->pair, BF, true);
  expect_all(s, false);
}

/* A hub that sends more than it was given credit for. */
static void no_more_waits_than_the_credit(void **state)
{
  struct stream *s = *state;
  pair_config(s->pair, BF)->credit_bytes = 64 * 1024;
  feed(s, s->n);
  const size_t had = look_inbox(s->pair, BF);
  assert_in_range(had, 1, ROUTINE - 1);
  expect_all(s, false);
}

enum { SMALL = 40, CREDIT = 64 * 1024, HELD_AT_LEAST = 8 * 1024 /* by a frame, be it ever so small: a block of an arena */ };

/* What a frame takes up in memory counts, not what stands in it. */
static void small_frames_do_not_wait_beyond_the_credit(void **state)
{
  struct stream *s = *state;
  feed(s, s->n);
  while (look_inbox(s->pair, BF) < ROUTINE)
    turn(s);
  pair_config(s->pair, BF)->credit_bytes = CREDIT;
  const size_t had = s->n;
  for (size_t i = 0; i < SMALL; i++) {
    publish(s, PRECEDENCE_PRIORITY);
    pair_settle(s->pair);
  }
  assert_true(s->n >= had + SMALL);
  feed(s, s->n);
  assert_true(look_inbox(s->pair, BF) >= ROUTINE + SMALL - CREDIT / HELD_AT_LEAST);
  pair_set_filter(s->pair, BF, NULL, NULL);
  pair_pass(s->pair, TG_MINUTE);
  assert_int_equal(look_inbox(s->pair, BF), ROUTINE + SMALL);
}

static size_t times(const struct buf *in, const struct hash *id)
{
  size_t n = 0;
  for (const uint8_t *at = in->p, *end = in->p + in->n; (at = memmem(at, (size_t)(end - at), id->b, 32)); at += 32)
    n++;
  return n;
}

/* A program that follows gets it first, though a hundred stand before it in the folder, and everything once. */
static void a_flash_goes_ahead_to_who_follows(void **state)
{
  struct stream *s = *state;
  const size_t routine = s->n;
  enum local_type type;
  add_flash(s);
  feed(s, routine);
  while (look_inbox(s->pair, BF) < ROUTINE)
    turn(s);
  feed(s, s->n);
  expect_all(s, true);
  assert_int_equal(look_row(s->pair, BF, &s->flash)->place, ROUTINE + 1);
  for (int ahead = 0; ahead < 2; ahead++) {
    Tg__LFollow follow = TG__LFOLLOW__INIT;
    struct buf out = buf_new(16 << 20);
    follow.ahead = ahead;
    const Tg__LItem *first = (const Tg__LItem *)pair_program(s->pair, BF, 0, LOCAL_FOLLOW, &follow.base, &out, &type);
    assert_non_null(first);
    assert_int_equal(type, LOCAL_ITEM);
    assert_int_equal(first->ahead, ahead);
    assert_true(slice_eq(strict_slice(first->bulletin), slice_of(ahead ? s->flash.b : s->routine[0].b, 32)));
    assert_int_equal(times(&out, &s->flash), 1);
    for (size_t i = 0; i < ROUTINE; i++)
      assert_int_equal(times(&out, &s->routine[i]), 1);
    buf_free(&out);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(nothing_stands_before_a_flash, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_comes_between_two_steps_goes_before_the_rest, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_turn_ends_though_more_waits, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_power_cut_loses_nothing_that_waits, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_came_before_the_line_broke_is_taken_in, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_flash_goes_ahead_to_who_follows, set_up, tear_down),
      cmocka_unit_test_setup_teardown(no_more_waits_than_the_credit, set_up, tear_down),
      cmocka_unit_test_setup_teardown(small_frames_do_not_wait_beyond_the_credit, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("client_node_aside", tests, NULL, NULL);
}
