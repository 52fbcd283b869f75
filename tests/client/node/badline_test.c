/* What a bulletin costs on a line of 9.6 kbit/s with a round trip of 2 s that is cut every half minute: bytes, counted in virtual time, the same in
   every run but for the lengths of a few numbers. docs/performance.md explains the figures. */
#include "client/node/talk.h"
#include "proto/session.pb-c.h"
#include "tests/client/node/look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { MEMBERS = 2, RATE = 1200, DELAY = 1000, CUT_EVERY = 30000, SIZE = 1 << 20, SEALED = 1081633, HOURS_MAX = 2 };
enum { MORE_MAX = 27, RESUMED_MORE_MAX = 15 }; /* percent of SIZE, both ways together */
enum { FLASHES = 24, FLASH_CUT_MS = 12000 };
#define START ((tg_time)1796083200000) /* 2026-12-01T00:00:00Z */

/* Two nodes that have met their hub, one of them, `far`, behind the line. */
static struct pair *behind_line(struct kit *kit, size_t far, struct badline *line, bool resumed)
{
  struct pair *p = pair_new(kit);
  pair_config(p, far)->line_rate = RATE;
  for (size_t i = 0; i < MEMBERS; i++)
    pair_start(p, i);
  pair_settle(p);
  pair_pass(p, TG_MINUTE);
  if (resumed)
    badline_resume(line, pair_mono(p));
  pair_line(p, far, line);
  return p;
}

/* SIZE bytes through cuts; `far` is the node behind the line. */
static void carries(size_t from, size_t to, size_t far, bool resumed)
{
  const unsigned more = resumed ? RESUMED_MORE_MAX : MORE_MAX;
  struct kit *kit = kit_new(MEMBERS, START, kit_two_cosign);
  struct badline line = {.rate = RATE, .delay = DELAY, .cut_every = CUT_EVERY};
  struct pair *p = behind_line(kit, far, &line, resumed);
  struct hash id;
  const char *const codes[] = {"ML", "BF"};
  assert_int_equal(pair_publish(p, from, &(struct pair_bulletin){.to = codes[to], .size = SIZE, .precedence = 1}, &id), TG_OK);
  const tg_time begun = pair_now(p);
  while (look_inbox(p, to) == 0 && pair_now(p) < begun + HOURS_MAX * TG_HOUR)
    pair_run(p, TG_SECOND);
  assert_int_equal(look_inbox(p, to), 1);
  const uint64_t carried = badline_carried(&line);
  printf("%d bytes %s in %lld s, cut %u times: %llu carried, %.1f %% more\n", SIZE, far == to ? "from the hub" : "to the hub",
         (long long)(pair_now(p) - begun) / 1000, line.cuts, (unsigned long long)carried, 100.0 * (double)carried / SIZE - 100);
  badline_print(&line);
  /* What arrived was never sent again. */
  assert_int_equal(line.up.kind[FRAME_CHUNK].sealed + line.down.kind[FRAME_CHUNK].sealed, SEALED);
  assert_true(line.cuts > (resumed ? 30 : 40));
  assert_true(carried * 100 < (uint64_t)SIZE * (100 + more));
  pair_line(p, far, NULL);
  badline_free(&line);
  pair_free(p);
  kit_free(kit);
}

static void a_bulletin_comes_from_the_hub_through_cuts(void **state)
{
  (void)state;
  carries(0, 1, 1, false);
}

static void a_bulletin_goes_to_the_hub_through_cuts(void **state)
{
  (void)state;
  carries(0, 1, 0, false);
}

/* No session ends: pair.c would say so. */
static void a_resumed_line_brings_it_from_the_hub(void **state)
{
  (void)state;
  carries(0, 1, 1, true);
}

static void a_resumed_line_brings_it_to_the_hub(void **state)
{
  (void)state;
  carries(0, 1, 0, true);
}

/* ---- what is urgent, behind a body */

/* FLASHES of 2,000 bytes at odd moments behind SIZE of ROUTINE; the slowest, in ms. */
static int64_t slowest_flash(size_t far, int64_t cut_every)
{
  struct kit *kit = kit_new(MEMBERS, START, kit_two_cosign);
  struct badline line = {.rate = RATE, .delay = DELAY, .cut_every = cut_every};
  struct pair *p = behind_line(kit, far, &line, true);
  struct hash id;
  int64_t slowest = 0;
  assert_int_equal(pair_publish(p, 0, &(struct pair_bulletin){.to = "BF", .size = SIZE, .precedence = 1}, &id), TG_OK);
  for (size_t i = 0; i < FLASHES; i++) {
    pair_run(p, 20 * TG_SECOND + 370 * (int64_t)i);
    assert_int_equal(pair_publish(p, 0, &(struct pair_bulletin){.to = "BF", .size = 2000, .precedence = 4}, &id), TG_OK);
    const int64_t begun = pair_mono(p);
    while (look_inbox(p, 1) == i && pair_mono(p) < begun + 60 * TG_SECOND)
      pair_run(p, 50);
    assert_int_equal(look_inbox(p, 1), i + 1);
    slowest = pair_mono(p) - begun > slowest ? pair_mono(p) - begun : slowest;
  }
  printf("%d FLASHES %s, cut %u times: the slowest took %lld ms\n", FLASHES, far == 1 ? "from the hub" : "to the hub", line.cuts, (long long)slowest);
  pair_line(p, far, NULL);
  badline_free(&line);
  pair_free(p);
  kit_free(kit);
  return slowest;
}

static void a_flash_overtakes_on_a_resumed_line(void **state)
{
  (void)state;
  assert_in_range(slowest_flash(1, 0), 1, 5000);
  assert_in_range(slowest_flash(0, 0), 1, 5000);
}

/* Cut once, it waits for the next connection and what it lost; never behind what was said while there was no line. */
static void a_flash_waits_for_the_line_and_for_nothing_else(void **state)
{
  (void)state;
  assert_in_range(slowest_flash(1, CUT_EVERY), 1, FLASH_CUT_MS);
  assert_in_range(slowest_flash(0, CUT_EVERY), 1, FLASH_CUT_MS);
}

/* ---- which address */

static void again(struct pair *p, size_t member)
{
  pair_plug(p, member, false);
  pair_plug(p, member, true);
  pair_pass(p, TG_MINUTE);
}

/* A hub that is away is looked for at every address of it; once it is back, the one that suits the line is not forgotten. */
static void a_resumed_line_is_taken_again_when_it_can_be_had(void **state)
{
  (void)state;
  static const char *const hubs[] = {"hub1", "hub1", NULL}, *const endpoints[] = {"tcp://a:1", "resume://a:2", NULL};
  struct kit *kit = kit_new(MEMBERS, START, kit_two_cosign);
  struct pair *p = pair_new(kit);
  pair_config(p, 0)->line_rate = RATE;
  pair_config(p, 0)->hubs = hubs;
  pair_config(p, 0)->endpoints = endpoints;
  pair_start(p, 0);
  pair_settle(p);
  assert_true(talk_is_open(pair_core(p, 0)));
  assert_string_equal(pair_endpoint(p, 0), "tcp://a:1"); /* as it is told */
  again(p, 0);
  assert_string_equal(pair_endpoint(p, 0), "resume://a:2");
  pair_plug(p, 0, false);
  for (unsigned i = 0; i < 120 && strcmp(pair_endpoint(p, 0), "tcp://a:1") != 0; i++)
    pair_pass(p, TG_SECOND);
  assert_string_equal(pair_endpoint(p, 0), "tcp://a:1");
  pair_plug(p, 0, true);
  pair_pass(p, TG_MINUTE);
  again(p, 0); /* what could not be had a moment ago is left alone */
  assert_string_equal(pair_endpoint(p, 0), "tcp://a:1");
  pair_pass(p, 6 * TG_MINUTE);
  again(p, 0);
  assert_string_equal(pair_endpoint(p, 0), "resume://a:2");
  assert_true(talk_is_open(pair_core(p, 0)));
  pair_free(p);
  kit_free(kit);
}

/* At that address the hub is not heard. */
static bool is_heard(void *context, struct buf *frame)
{
  (void)frame;
  return strcmp(pair_endpoint(context, 0), "resume://a:2") != 0;
}

/* So is one that breaks the handshake, refuses us, or says nothing (NODE_LINK_UP). And no line that was lost is followed by the other in the same moment: a
   hub's nodes would all come at once. */
static void left_alone(enum node_link_state how)
{
  static const char *const hubs[] = {"hub1", "hub1", NULL}, *const endpoints[] = {"tcp://a:1", "resume://a:2", NULL};
  struct kit *kit = kit_new(MEMBERS, START, kit_two_cosign);
  struct pair *p = pair_new(kit);
  pair_config(p, 0)->line_rate = RATE;
  pair_config(p, 0)->hubs = hubs;
  pair_config(p, 0)->endpoints = endpoints;
  pair_start(p, 0);
  pair_settle(p);
  assert_true(talk_is_open(pair_core(p, 0)));
  pair_plug(p, 0, false);
  assert_int_equal(talk_state(pair_core(p, 0)), TALK_RESTING);
  for (unsigned i = 0; i < 10 && talk_state(pair_core(p, 0)) != TALK_CONNECTING; i++)
    pair_pass(p, TG_SECOND);
  assert_string_equal(pair_endpoint(p, 0), "resume://a:2");
  if (how == NODE_LINK_UP) {
    pair_set_filter(p, 0, is_heard, p);
    pair_plug(p, 0, true);
  } else {
    assert_int_equal(node_link(pair_core(p, 0), how), TG_OK);
  }
  for (unsigned i = 0; i < 120 && strcmp(pair_endpoint(p, 0), "tcp://a:1") != 0; i++)
    pair_pass(p, TG_SECOND);
  pair_set_filter(p, 0, NULL, NULL);
  pair_plug(p, 0, true);
  pair_pass(p, TG_MINUTE);
  assert_string_equal(pair_endpoint(p, 0), "tcp://a:1");
  again(p, 0);
  assert_string_equal(pair_endpoint(p, 0), "tcp://a:1");
  assert_true(talk_is_open(pair_core(p, 0)));
  pair_free(p);
  kit_free(kit);
}

static void an_address_that_fails_is_left_alone(void **state)
{
  (void)state;
  left_alone(NODE_LINK_FAILED);
  left_alone(NODE_LINK_REFUSED);
  left_alone(NODE_LINK_UP);
}

/* ---- what a node on a slow line says in Hello */

struct hellos {
  unsigned short_ones, whole;
  bool spoils; /* the hub reads another root than the node named */
};

static bool hears_hello(void *context, struct buf *frame)
{
  struct hellos *h = context;
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  struct arena *arena = arena_new(FRAME_ARENA);
  assert_non_null(arena);
  if (frame->n > 1 && frame->p[1] == FRAME_HELLO) {
    assert_int_equal(frame_decode(buf_slice(frame), FRAME_TO_HUB, arena, &kind, &message, NULL), TG_OK);
    Tg__Hello *hello = (Tg__Hello *)message;
    h->short_ones += hello->seen_root.len != 0;
    h->whole += hello->checkpoint.len != 0;
    if (h->spoils && hello->seen_root.len) {
      hello->seen_root.data[5] ^= 1;
      buf_clear(frame);
      assert_int_equal(frame_encode(FRAME_HELLO, message, frame, NULL), TG_OK);
    }
  }
  arena_free(arena);
  return true;
}

/* The hub must not let in whose checkpoint it does not know, and cannot be convicted without the note. */
static void a_checkpoint_that_the_hub_does_not_know_is_shown_whole(void **state)
{
  (void)state;
  struct kit *kit = kit_new(MEMBERS, START, kit_two_cosign);
  struct pair *p = pair_new(kit);
  struct hellos h = {0};
  pair_config(p, 0)->line_rate = RATE;
  pair_set_uplink(p, 0, hears_hello, &h);
  for (size_t i = 0; i < MEMBERS; i++)
    pair_start(p, i);
  pair_settle(p);
  pair_pass(p, TG_MINUTE);
  h = (struct hellos){0};
  again(p, 0);
  assert_int_equal(h.short_ones, 1);
  assert_int_equal(h.whole, 0);
  assert_true(talk_is_open(pair_core(p, 0)));
  h = (struct hellos){.spoils = true};
  again(p, 0);
  assert_int_equal(h.short_ones, 1);
  assert_int_equal(h.whole, 1);
  assert_true(talk_is_open(pair_core(p, 0)));
  assert_int_equal(pair_told(p, 0, "log-forked"), 0);
  pair_free(p);
  kit_free(kit);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bulletin_comes_from_the_hub_through_cuts),
      cmocka_unit_test(a_bulletin_goes_to_the_hub_through_cuts),
      cmocka_unit_test(a_resumed_line_brings_it_from_the_hub),
      cmocka_unit_test(a_resumed_line_brings_it_to_the_hub),
      cmocka_unit_test(a_flash_overtakes_on_a_resumed_line),
      cmocka_unit_test(a_flash_waits_for_the_line_and_for_nothing_else),
      cmocka_unit_test(a_resumed_line_is_taken_again_when_it_can_be_had),
      cmocka_unit_test(an_address_that_fails_is_left_alone),
      cmocka_unit_test(a_checkpoint_that_the_hub_does_not_know_is_shown_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
