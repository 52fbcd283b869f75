/* Frames: what is encoded is decoded, and nothing else is. */
#include "proto/frame.h"
#include "proto/session.pb-c.h"
#include "tests/proto/chance.h"
#include "tests/proto/generate.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void every_type_travels(void **state)
{
  (void)state;
  struct arena *arena = arena_new(FRAME_ARENA);
  for (uint8_t type = FRAME_HELLO; type <= FRAME_RECEIPTS_LOGGED; type++) {
    const struct frame_kind *kind = frame_kind(type), *got_kind;
    ProtobufCMessage *message, *got;
    struct buf bytes = buf_new(LIMIT_FRAME), frame = buf_new(LIMIT_FRAME);
    arena_reset(arena);
    do {
      buf_clear(&bytes);
      generate_message(kind->limits, &bytes);
    } while (strict_check(kind->limits, buf_slice(&bytes), NULL));
    assert_int_equal(strict_unpack(kind->limits, buf_slice(&bytes), arena, &message, NULL), TG_OK);
    assert_int_equal(frame_encode(kind->type, message, &frame, NULL), TG_OK);
    assert_int_equal(frame.p[0], 1);
    assert_int_equal(frame.p[1], type);
    assert_true(slice_eq(slice_of(frame.p + 2, frame.n - 2), buf_slice(&bytes)));
    assert_int_equal(frame_decode(buf_slice(&frame), kind->direction, arena, &got_kind, &got, NULL), TG_OK);
    assert_ptr_equal(got_kind, kind);
    assert_ptr_equal(got->descriptor, kind->limits->descriptor);
    buf_free(&bytes);
    buf_free(&frame);
  }
  arena_free(arena);
}

static struct buf tick(void)
{
  Tg__Tick m = TG__TICK__INIT;
  struct buf b = buf_new(LIMIT_FRAME);
  m.time = 1;
  assert_int_equal(frame_encode(FRAME_TICK, &m.base, &b, NULL), TG_OK);
  return b;
}

static enum tg_err peek(struct slice s, enum frame_direction d)
{
  const struct frame_kind *kind;
  return frame_peek(s, d, &kind, NULL);
}

static void foreign_frames_are_refused(void **state)
{
  (void)state;
  struct buf b = tick();
  assert_int_equal(peek(buf_slice(&b), FRAME_TO_HUB), TG_OK);
  assert_int_equal(peek(slice_of(b.p, 0), FRAME_TO_HUB), TG_BAD_INPUT);
  assert_int_equal(peek(slice_of(b.p, 1), FRAME_TO_HUB), TG_BAD_INPUT);
  b.p[0] = 2;
  assert_int_equal(peek(buf_slice(&b), FRAME_TO_HUB), TG_UNKNOWN);
  b.p[0] = 1;
  b.p[1] = 0;
  assert_int_equal(peek(buf_slice(&b), FRAME_TO_HUB), TG_UNKNOWN);
  b.p[1] = FRAME_RECEIPTS_LOGGED + 1;
  assert_int_equal(peek(buf_slice(&b), FRAME_TO_HUB), TG_UNKNOWN);
  b.p[1] = FRAME_DELIVER; /* a node never delivers to the hub */
  assert_int_equal(peek(buf_slice(&b), FRAME_TO_HUB), TG_BAD_INPUT);
  assert_int_equal(peek(buf_slice(&b), FRAME_TO_NODE), TG_OK);
  buf_free(&b);
}

static void long_frames_are_refused_unread(void **state)
{
  (void)state;
  struct buf b = tick();
  uint8_t *more = buf_grow(&b, frame_kind(FRAME_TICK)->limits->max);
  memset(more, 0, frame_kind(FRAME_TICK)->limits->max);
  assert_int_equal(peek(buf_slice(&b), FRAME_TO_HUB), TG_TOO_BIG);
  buf_free(&b);
}

static void a_full_buffer_keeps_what_it_had(void **state)
{
  (void)state;
  Tg__Tick m = TG__TICK__INIT;
  struct buf b = buf_new(9);
  m.time = 1; /* a frame of 4 bytes: two fit, a third does not */
  assert_int_equal(frame_encode(FRAME_TICK, &m.base, &b, NULL), TG_OK);
  assert_int_equal(frame_encode(FRAME_TICK, &m.base, &b, NULL), TG_OK);
  assert_int_equal(frame_encode(FRAME_TICK, &m.base, &b, NULL), TG_TOO_BIG);
  assert_int_equal(b.n, 8);
  assert_int_equal(buf_status(&b), TG_OK);
  buf_free(&b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_type_travels),
      cmocka_unit_test(foreign_frames_are_refused),
      cmocka_unit_test(long_frames_are_refused_unread),
      cmocka_unit_test(a_full_buffer_keeps_what_it_had),
  };
  chance_seed(3);
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
