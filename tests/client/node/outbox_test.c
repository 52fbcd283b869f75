/* What a node has under way to its hub: few bytes, room for what is urgent, and nothing before what it corrects. */
#include "client/node/outbox.h"
#include "proto/frame.h"
#include "tests/client/node/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { BULLETINS = 60, SIZE = 100 * 1000, MOST = 2 << 20 };

struct wire {
  bool holds; /* the hub gets no Submit */
  uint64_t bytes;
  unsigned frames;
};

static bool count_submits(void *context, struct buf *frame)
{
  struct wire *wire = context;
  if (frame->p[1] != FRAME_SUBMIT)
    return true;
  wire->bytes += frame->n;
  wire->frames++;
  return !wire->holds;
}

static struct hash say(struct pair *p, enum precedence precedence)
{
  struct hash id;
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = SIZE, .precedence = precedence}, &id), TG_OK);
  pair_settle(p);
  return id;
}

static bool nothing(void *context, struct buf *frame)
{
  (void)context;
  (void)frame;
  return false;
}

/* Whoever waits for no answer is cut by the hub; whoever gets none waits ten seconds, and until the hub is heard again: one that stands still is given no more. */
static void few_bytes_wait_for_the_hub(void **state)
{
  struct pair *p = world_start(*state);
  struct wire wire = {.holds = true};
  struct hash id[BULLETINS];
  pair_pass(p, TG_SECOND);
  pair_set_uplink(p, ML, count_submits, &wire);
  for (size_t i = 0; i < BULLETINS; i++)
    id[i] = say(p, PRECEDENCE_ROUTINE);
  assert_in_range(wire.bytes, MOST, MOST + 2 * SIZE);
  const uint64_t before = wire.bytes;
  (void)say(p, PRECEDENCE_FLASH);
  assert_in_range(wire.bytes, before + SIZE / 2, before + 2 * SIZE);
  const uint64_t flash = wire.bytes;
  pair_set_filter(p, ML, nothing, NULL);
  pair_pass(p, 25 * TG_SECOND);
  assert_int_equal(wire.bytes, flash);
  pair_set_filter(p, ML, NULL, NULL);
  pair_pass(p, 15 * TG_SECOND);
  assert_in_range(wire.bytes, before + MOST, before + MOST + 4 * SIZE);
  wire = (struct wire){.holds = false};
  world_reconnect(p, ML);
  for (size_t i = 0; i < BULLETINS; i++)
    assert_true(look_sent(p, ML, &id[i]) >= SENT_ACCEPTED);
  assert_true(wire.frames > 4);
}

/* Each corrects the one before, and many that are urgent the last: they wait for one after the other, and are looked through for each Submit. */
static void a_long_line_of_corrections_goes(void **state)
{
  enum { LONG = 300, URGENT = 64 };
  struct pair *p = world_start(*state);
  static struct hash id[LONG + URGENT];
  pair_pass(p, TG_SECOND);
  pair_plug(p, ML, false);
  for (size_t i = 0; i < LONG + URGENT; i++) {
    const struct pair_bulletin b = {.to = "BF,NE", .text = "no, that", .kind = i ? KIND_CORRECTION : KIND_REPORT,
                                    .supersedes = i ? &id[i < LONG ? i - 1 : LONG - 1] : NULL,
                                    .precedence = i < LONG ? PRECEDENCE_ROUTINE : PRECEDENCE_FLASH};
    assert_int_equal(pair_publish(p, ML, &b, &id[i]), TG_OK);
  }
  pair_plug(p, ML, true);
  pair_pass(p, 2 * TG_MINUTE);
  for (size_t i = 0; i < LONG + URGENT; i++)
    assert_true(look_sent(p, ML, &id[i]) >= SENT_ACCEPTED);
  assert_int_equal(pair_counted(p, 0, "malformed"), 0);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, world_new, world_free)
  const struct CMUnitTest tests[] = {STORY(few_bytes_wait_for_the_hub), STORY(a_long_line_of_corrections_goes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
