#include "tests/client/node/hubs.h"

#include "client/node/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct secret_key *transport, *log_key, *third_transport, *third_log;

static struct charter_hub second_hub(const struct charter *c)
{
  struct charter_hub hub = c->hub[0];
  snprintf(hub.name, sizeof hub.name, "hub2");
  snprintf(hub.endpoint[0], sizeof hub.endpoint[0], HUBS_SECOND);
  hub.transport = secret_key_seal_pk(transport);
  assert_int_equal(secret_key_note_key(log_key, &hub.log), TG_OK);
  return hub;
}

static void two_hubs(struct charter *c)
{
  static struct charter_hub hubs[2];
  hubs[0] = c->hub[0];
  hubs[1] = second_hub(c);
  c->hub = hubs;
  c->n_hubs = 2;
}

static void two_hubs_cosigned(struct charter *c)
{
  two_hubs(c);
  kit_two_cosign(c);
}

static void three_hubs(struct charter *c)
{
  static struct charter_hub hubs[3];
  hubs[0] = c->hub[0];
  hubs[1] = hubs[2] = second_hub(c);
  snprintf(hubs[2].name, sizeof hubs[2].name, "hub3");
  snprintf(hubs[2].endpoint[0], sizeof hubs[2].endpoint[0], "tcp://127.0.0.1:7600");
  hubs[2].transport = secret_key_seal_pk(third_transport);
  assert_int_equal(secret_key_note_key(third_log, &hubs[2].log), TG_OK);
  c->hub = hubs;
  c->n_hubs = 3;
}

void hubs_second_alone(struct charter *c) { c->hub[0] = second_hub(c); }

void hubs_both(struct charter *c)
{
  struct charter_hub *hubs = calloc(2, sizeof *hubs);
  assert_non_null(hubs);
  hubs[0] = c->hub[0];
  hubs[1] = second_hub(c);
  free(c->hub);
  c->hub = hubs;
  c->n_hubs = 2;
}

void hubs_second_of_two(struct charter *c)
{
  hubs_second_alone(c);
  c->n_hubs = 1;
}

static int begin(void **state, void (*tune)(struct charter *))
{
  static struct world w;
  assert_true(sodium_init() >= 0);
  assert_int_equal(secret_key_new(KEY_TRANSPORT, "sahel.example/hub2", &transport), TG_OK);
  assert_int_equal(secret_key_new(KEY_HUB_LOG, "sahel.example/hub2", &log_key), TG_OK);
  assert_int_equal(secret_key_new(KEY_TRANSPORT, "sahel.example/hub3", &third_transport), TG_OK);
  assert_int_equal(secret_key_new(KEY_HUB_LOG, "sahel.example/hub3", &third_log), TG_OK);
  w.kit = kit_new(WORLD_MEMBERS, WORLD_FOUNDED, tune);
  w.pair = pair_new(w.kit);
  pair_add_hub(w.pair, "hub2", transport, log_key);
  if (tune == three_hubs)
    pair_add_hub(w.pair, "hub3", third_transport, third_log);
  *state = &w;
  world_start(&w);
  return 0;
}

int hubs_two(void **state) { return begin(state, two_hubs); }
int hubs_two_cosigned(void **state) { return begin(state, two_hubs_cosigned); }
int hubs_three(void **state) { return begin(state, three_hubs); }
int hubs_one(void **state) { return begin(state, NULL); }

int hubs_free(void **state)
{
  world_free(state);
  secret_key_free(transport);
  secret_key_free(log_key);
  secret_key_free(third_transport);
  secret_key_free(third_log);
  return 0;
}

void hubs_move_to(struct pair *p, size_t hub)
{
  for (size_t i = 0; i < WORLD_MEMBERS; i++) {
    pair_reach(p, i, hub, true);
    pair_reach(p, i, !hub, false);
  }
  pair_pass(p, 2 * TG_MINUTE);
  for (size_t i = 0; i < WORLD_MEMBERS; i++) {
    assert_int_equal(talk_state(pair_core(p, i)), TALK_OPEN);
    assert_string_equal(talk_hub(pair_core(p, i)), hub == FIRST ? "hub1" : "hub2");
  }
}

void hubs_no_strikes(struct pair *p)
{
  assert_int_equal(pair_counted(p, FIRST, "malformed"), 0);
  assert_int_equal(pair_counted(p, SECOND, "malformed"), 0);
}

void hubs_until_it_tries(struct pair *p, size_t member, const char *endpoint)
{
  for (unsigned i = 0; i < 30 * 60 && (talk_state(pair_core(p, member)) != TALK_CONNECTING || strcmp(pair_endpoint(p, member), endpoint) != 0); i++)
    pair_pass(p, TG_SECOND);
  assert_int_equal(talk_state(pair_core(p, member)), TALK_CONNECTING);
  assert_string_equal(pair_endpoint(p, member), endpoint);
}

enum frame_type hubs_type(const struct buf *frame, enum frame_direction direction)
{
  struct arena *arena = arena_new(FRAME_ARENA);
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  assert_non_null(arena);
  assert_int_equal(frame_decode(buf_slice(frame), direction, arena, &kind, &message, NULL), TG_OK);
  arena_free(arena);
  return kind->type;
}

bool hubs_no_receipts(void *context, struct buf *frame)
{
  (void)context;
  return hubs_type(frame, FRAME_TO_HUB) != FRAME_RECEIPTS;
}

bool hubs_but_the_last_chunk(void *context, struct buf *frame)
{
  struct hubs_last_chunk *l = context;
  if (hubs_type(frame, FRAME_TO_NODE) != FRAME_CHUNK || ++l->seen != l->withheld)
    return true;
  buf_put_slice(&l->frame, buf_slice(frame));
  return false;
}

bool hubs_no_chunks(void *context, struct buf *frame)
{
  struct hubs_held *h = context;
  const enum frame_type type = hubs_type(frame, FRAME_TO_NODE);
  if (type == FRAME_DELIVER && h->deliveries) {
    assert_int_equal(h->frame.n, 0);
    buf_put_slice(&h->frame, buf_slice(frame));
    return false;
  }
  return type != FRAME_CHUNK;
}
