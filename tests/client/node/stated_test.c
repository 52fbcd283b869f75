/* A node's own receipts as the hub logged them: asked for, proven, and a hub that shows others, or none and goes on. */
#include "client/node/core.h"
#include "client/node/stated.h"
#include "tests/client/node/look_paper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

/* What passes on the way to BF. */
struct shown {
  unsigned frames, items;
  size_t largest;
  void (*change)(Tg__ReceiptsLogged *m); /* what a hub that cheats does to each; NULL */
};

static bool look_at(void *context, struct buf *frame)
{
  struct shown *s = context;
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  if (frame->p[1] != FRAME_RECEIPTS_LOGGED)
    return true;
  struct arena *arena = arena_new(FRAME_ARENA);
  s->frames++;
  s->largest = frame->n > s->largest ? frame->n : s->largest;
  assert_int_equal(frame_decode(buf_slice(frame), FRAME_TO_NODE, arena, &kind, &message, NULL), TG_OK);
  Tg__ReceiptsLogged *m = (Tg__ReceiptsLogged *)message;
  s->items += (unsigned)m->n_items;
  if (s->change) {
    s->change(m);
    buf_clear(frame);
    assert_int_equal(frame_encode(FRAME_RECEIPTS_LOGGED, message, frame, NULL), TG_OK);
  }
  arena_free(arena);
  return true;
}

/* BF's auditor wants them; until they are all here, as far as the hub shows any. */
static uint64_t wish(struct world *w)
{
  uint64_t upto = 0;
  for (unsigned i = 0; i < 8; i++) {
    json_t *j = look_paper_asked(w, BF, "review", "stated", NULL);
    assert_non_null(j);
    assert_true(json_is_true(json_object_get(j, "connected")));
    upto = (uint64_t)json_integer_value(json_object_get(j, "upto"));
    json_decref(j);
    pair_settle(w->pair);
  }
  return upto;
}

/* How many batches BF has of its own, and what it said about this bulletin in them. */
static size_t kept(struct world *w, const struct hash *id, bool said[RECEIPT_ACKNOWLEDGED + 1], uint64_t *ret_leaf)
{
  struct arena *arena = arena_new(8 << 20);
  struct stated_row row = {.place = 0};
  size_t n = 0;
  memset(said, 0, (RECEIPT_ACKNOWLEDGED + 1) * sizeof *said);
  for (; stated_after(pair_core(w->pair, BF), row.place, arena, &row) == TG_OK; n++)
    for (size_t i = 0; i < row.message->n_items; i++) {
      struct receipt r;
      assert_int_equal(receipt_parse(data_slice(row.message->items[i]), arena, &r, NULL), TG_OK);
      assert_true(sign_pk_eq(&r.node, &pair_core(w->pair, BF)->me));
      if (hash_eq(&r.bulletin, id) && r.event <= RECEIPT_ACKNOWLEDGED) {
        said[r.event] = true;
        *ret_leaf = row.message->leaf;
      }
    }
  arena_free(arena);
  return n;
}

static void who_received_proves_what_it_said(void **state)
{
  struct world *w = *state;
  struct shown shown = {0};
  bool said[RECEIPT_ACKNOWLEDGED + 1];
  uint64_t leaf = 0;
  char place[24];
  pair_set_filter(w->pair, BF, look_at, &shown);
  const struct hash id = world_publish(w->pair, "BF", "to be acknowledged");
  pair_settle(w->pair);
  world_acknowledge(w->pair, &id);
  pair_settle(w->pair);
  pair_pass(w->pair, TG_MINUTE);
  assert_int_equal(shown.frames, 0); /* nobody asked */
  assert_int_equal(kept(w, &id, said, &leaf), 0);
  wish(w);
  assert_int_equal(kept(w, &id, said, &leaf), shown.items);
  assert_true(said[RECEIPT_STORED] && said[RECEIPT_READ] && said[RECEIPT_ACKNOWLEDGED]);
  /* nothing twice; and what is here is proven, over a restart too */
  const unsigned before = shown.items;
  wish(w);
  assert_int_equal(shown.items, before);
  world_restart(w->pair, BF);
  snprintf(place, sizeof place, "%llu", (unsigned long long)leaf);
  json_t *proof = look_paper_asked(w, BF, "prove", place, NULL);
  assert_true(json_is_string(json_object_get(proof, "proof")) && json_is_string(json_object_get(proof, "receipts")));
  json_decref(proof);
  json_t *page = look_paper_asked(w, BF, "review", "stated", "0");
  assert_int_equal(json_array_size(json_object_get(page, "entries")), before);
  json_decref(page);
  /* others have none of it, and ask for their own */
  assert_null(look_paper_asked(w, NE, "prove", place, NULL));
  json_decref(look_paper_asked(w, NE, "review", "stated", NULL));
  pair_settle(w->pair);
  assert_null(look_paper_asked(w, NE, "prove", place, NULL));
  assert_int_equal(pair_alarms(w->pair, BF) + pair_alarms(w->pair, NE), 0);
}

/* More batches than fit a frame: page by page, until the end, and what came since with the next wish. */
static void many_come_page_by_page(void **state)
{
  enum { MANY = 150 };
  struct world *w = *state;
  struct shown shown = {0};
  struct hash id[MANY];
  bool said[RECEIPT_ACKNOWLEDGED + 1];
  uint64_t leaf = 0;
  for (unsigned i = 0; i < MANY; i++) {
    id[i] = world_publish(w->pair, "BF", "one of many");
    pair_settle(w->pair);
  }
  pair_set_filter(w->pair, BF, look_at, &shown);
  const uint64_t upto = wish(w);
  assert_in_range(shown.frames, 2, 8);
  assert_true(upto >= MANY);
  assert_true(kept(w, &id[0], said, &leaf) >= MANY && said[RECEIPT_STORED]);
  kept(w, &id[MANY - 1], said, &leaf);
  assert_true(said[RECEIPT_STORED]);
  const struct hash last = world_publish(w->pair, "BF", "one more");
  pair_settle(w->pair);
  wish(w);
  kept(w, &last, said, &leaf);
  assert_true(said[RECEIPT_STORED]);
}

/* A slow line is not filled: each answer is small, and none so large that what is urgent waits for it. */
static void a_slow_line_gets_small_pages(void **state)
{
  enum { SEVERAL = 30, RATE = 600 };
  struct world *w = *state;
  struct shown shown = {0};
  bool said[RECEIPT_ACKNOWLEDGED + 1];
  uint64_t leaf = 0;
  struct hash id;
  for (unsigned i = 0; i < SEVERAL; i++) {
    id = world_publish(w->pair, "BF", "one of several");
    pair_settle(w->pair);
  }
  pair_kill(w->pair, BF);
  pair_config(w->pair, BF)->line_rate = RATE;
  pair_start(w->pair, BF);
  pair_pass(w->pair, TG_MINUTE);
  pair_set_filter(w->pair, BF, look_at, &shown);
  for (unsigned i = 0; i < 40 && !(kept(w, &id, said, &leaf) >= SEVERAL && said[RECEIPT_STORED]); i++) {
    wish(w);
    pair_pass(w->pair, 10 * TG_SECOND);
  }
  assert_true(said[RECEIPT_STORED]);
  assert_true(shown.frames >= SEVERAL / 4);
  assert_in_range(shown.largest, 1, 5 * RATE);
}

/* ---- a hub that cheats */

static void other_event(Tg__ReceiptsLogged *m)
{
  for (size_t i = 0; i < m->n_items; i++)
    for (size_t k = 0; k < m->items[i]->n_items; k++)
      m->items[i]->items[k].data[70] ^= 1;
}

static void other_salt(Tg__ReceiptsLogged *m)
{
  for (size_t i = 0; i < m->n_items; i++)
    m->items[i]->salt.data[0] ^= 1;
}

static void one_less(Tg__ReceiptsLogged *m)
{
  for (size_t i = 0; i < m->n_items; i++)
    m->items[i]->n_items -= m->items[i]->n_items > 1;
}

static void none_and_no_further(Tg__ReceiptsLogged *m)
{
  m->n_items = 0;
  m->upto = m->from + 1;
}

static void out_of_order(Tg__ReceiptsLogged *m)
{
  if (m->n_items > 1)
    m->items[1] = m->items[0];
}

static void beyond_the_log(Tg__ReceiptsLogged *m) { m->upto += 1000; }

static void a_hub_that_shows_others_is_told(void **state)
{
  struct world *w = *state;
  void (*const changes[])(Tg__ReceiptsLogged *) = {other_event, other_salt, one_less, none_and_no_further, out_of_order, beyond_the_log};
  bool said[RECEIPT_ACKNOWLEDGED + 1];
  uint64_t leaf = 0;
  const struct hash id = world_publish(w->pair, "BF", "one");
  pair_settle(w->pair);
  world_acknowledge(w->pair, &id);
  pair_settle(w->pair);
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    struct shown shown = {.change = changes[i]};
    const unsigned before = pair_told(w->pair, BF, "receipts-forged");
    pair_set_filter(w->pair, BF, look_at, &shown);
    json_t *j = look_paper_asked(w, BF, "review", "stated", NULL);
    json_decref(j);
    pair_settle(w->pair);
    assert_int_equal(shown.frames, 1); /* it is not asked again and again */
    assert_int_equal(pair_told(w->pair, BF, "receipts-forged"), before + 1);
    assert_int_equal(wish(w), 0); /* and where it was is not passed by */
    pair_set_filter(w->pair, BF, NULL, NULL);
    world_reconnect(w->pair, BF);
  }
  pair_set_filter(w->pair, BF, NULL, NULL);
  wish(w);
  kept(w, &id, said, &leaf);
  assert_true(said[RECEIPT_STORED] && said[RECEIPT_READ] && said[RECEIPT_ACKNOWLEDGED]); /* once it is honest */
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, world_started, world_free)
  const struct CMUnitTest tests[] = {
      STORY(who_received_proves_what_it_said),
      STORY(many_come_page_by_page),
      STORY(a_slow_line_gets_small_pages),
      STORY(a_hub_that_shows_others_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
