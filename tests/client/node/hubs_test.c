/* Several hubs, each with a log of its own; and one in place of another. What a node states about a bulletin goes to the hub in whose log that
   stands: to any other it would be forged. */
#include "client/node/schema.h"
#include "client/node/talk.h"
#include "client/node/watch.h"
#include "keys/codec.h"
#include "os/db.h"
#include "tests/client/node/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { FIRST, SECOND, THIRD };
#define FIRST_ENDPOINT "tcp://127.0.0.1:7400"
#define SECOND_ENDPOINT "tcp://127.0.0.1:7500"

static struct secret_key *transport, *log_key, *third_transport, *third_log;

/* ---- the exchange ---- */

static struct charter_hub second_hub(const struct charter *c)
{
  struct charter_hub hub = c->hub[0];
  snprintf(hub.name, sizeof hub.name, "hub2");
  snprintf(hub.endpoint[0], sizeof hub.endpoint[0], SECOND_ENDPOINT);
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

static void second_in_place_of_first(struct charter *c) { c->hub[0] = second_hub(c); }

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

static int two(void **state) { return begin(state, two_hubs); }
static int three(void **state) { return begin(state, three_hubs); }
static int one(void **state) { return begin(state, NULL); }

static int end(void **state)
{
  world_free(state);
  secret_key_free(transport);
  secret_key_free(log_key);
  secret_key_free(third_transport);
  secret_key_free(third_log);
  return 0;
}

/* Everybody is with this hub, and the other cannot be reached. */
static void all_move_to(struct pair *p, size_t hub)
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

static void acknowledge(struct pair *p, const struct hash *id)
{
  Tg__LAck m = TG__LACK__INIT;
  m.bulletin = (ProtobufCBinaryData){sizeof id->b, (uint8_t *)(uintptr_t)id->b};
  enum local_type type;
  assert_non_null(pair_ask(p, BF, LOCAL_ACK, &m.base, &type));
  assert_int_equal(type, LOCAL_DONE);
}

static void expect_no_strikes(struct pair *p)
{
  assert_int_equal(pair_counted(p, FIRST, "malformed"), 0);
  assert_int_equal(pair_counted(p, SECOND, "malformed"), 0);
}

/* ---- two at a time ---- */

/* It came by the first hub and is read while the node is with the second, which hears only of its own. */
static void what_is_read_later_goes_to_the_hub_that_has_it(void **state)
{
  struct pair *p = world_pair(state);
  all_move_to(p, FIRST);
  const struct hash first = world_publish(p, "BF", "by the first");
  pair_settle(p);
  assert_true(look_track(p, ML, &first, RECEIPT_STORED));
  all_move_to(p, SECOND);
  acknowledge(p, &first);
  pair_settle(p);
  const struct hash second = world_publish(p, "BF", "by the second");
  pair_settle(p);
  acknowledge(p, &second);
  pair_pass(p, TG_MINUTE);
  assert_true(look_track(p, ML, &second, RECEIPT_READ) && look_track(p, ML, &second, RECEIPT_ACKNOWLEDGED));
  assert_false(look_track(p, ML, &first, RECEIPT_READ));
  world_restart(p, BF); /* it is on the disk */
  all_move_to(p, FIRST);
  assert_true(look_track(p, ML, &first, RECEIPT_READ) && look_track(p, ML, &first, RECEIPT_ACKNOWLEDGED));
  expect_no_strikes(p);
}

static enum frame_type said_type(const struct buf *frame)
{
  struct arena *arena = arena_new(FRAME_ARENA);
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  assert_non_null(arena);
  assert_int_equal(frame_decode(buf_slice(frame), FRAME_TO_HUB, arena, &kind, &message, NULL), TG_OK);
  arena_free(arena);
  return kind->type;
}

static bool no_receipts(void *context, struct buf *frame)
{
  (void)context;
  return said_type(frame) != FRAME_RECEIPTS;
}

static bool no_submissions(void *context, struct buf *frame)
{
  (void)context;
  return said_type(frame) != FRAME_SUBMIT;
}

/* Receipts for the first hub are lost on the way: the second, which confirms its own, must not end them. */
static void what_was_not_confirmed_waits_for_its_hub(void **state)
{
  struct pair *p = world_pair(state);
  all_move_to(p, FIRST);
  pair_set_uplink(p, BF, no_receipts, NULL);
  const struct hash first = world_publish(p, "BF", "by the first");
  pair_settle(p);
  acknowledge(p, &first);
  pair_settle(p);
  assert_false(look_track(p, ML, &first, RECEIPT_STORED));
  pair_reach(p, BF, FIRST, false);
  pair_set_uplink(p, BF, NULL, NULL);
  all_move_to(p, SECOND);
  const struct hash second = world_publish(p, "BF", "by the second");
  pair_settle(p);
  assert_true(look_track(p, ML, &second, RECEIPT_STORED));
  all_move_to(p, FIRST);
  assert_true(look_track(p, ML, &first, RECEIPT_STORED) && look_track(p, ML, &first, RECEIPT_ACKNOWLEDGED));
  expect_no_strikes(p);
}

/* The last chunk of a body is kept from it. */
struct last_chunk {
  unsigned seen, withheld; /* withheld: which; 0: none */
  struct buf frame;
};

static enum frame_type type_of(const struct buf *frame)
{
  struct arena *arena = arena_new(FRAME_ARENA);
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  assert_non_null(arena);
  assert_int_equal(frame_decode(buf_slice(frame), FRAME_TO_NODE, arena, &kind, &message, NULL), TG_OK);
  arena_free(arena);
  return kind->type;
}

static bool but_the_last_chunk(void *context, struct buf *frame)
{
  struct last_chunk *l = context;
  if (type_of(frame) != FRAME_CHUNK || ++l->seen != l->withheld)
    return true;
  buf_put_slice(&l->frame, buf_slice(frame));
  return false;
}

/* All of a body came, and before it was opened the power failed. The node comes back, finishes, and meets the other hub. */
static void what_is_finished_after_a_restart_is_said_to_who_delivered_it(void **state)
{
  struct pair *p = world_pair(state);
  const struct pair_bulletin large = {.to = "BF", .size = 3 << 20};
  struct last_chunk last = {.frame = buf_new(LIMIT_FRAME)};
  struct hash id;
  all_move_to(p, FIRST);
  pair_set_filter(p, BF, but_the_last_chunk, &last);
  assert_int_equal(pair_publish(p, ML, &large, NULL), TG_OK);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 1);
  last = (struct last_chunk){.withheld = last.seen, .frame = last.frame};
  assert_int_equal(pair_publish(p, ML, &large, &id), TG_OK);
  pair_settle(p);
  pair_inject(p, BF, buf_slice(&last.frame));
  assert_int_equal(look_inbox(p, BF), 1); /* a few of its chunks were opened in this turn */
  pair_kill(p, BF);
  pair_set_filter(p, BF, NULL, NULL);
  pair_reach(p, BF, FIRST, false);
  pair_start(p, BF);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 2);
  all_move_to(p, SECOND);
  assert_false(look_track(p, ML, &id, RECEIPT_STORED));
  expect_no_strikes(p);
  pair_set_filter(p, BF, but_the_last_chunk, &last); /* it need not come again */
  all_move_to(p, FIRST);
  assert_true(look_track(p, ML, &id, RECEIPT_STORED));
  assert_int_equal(last.seen, last.withheld);
  expect_no_strikes(p);
  buf_free(&last.frame);
}

/* A store of before, which did not keep for whom its receipts were. */
static void what_an_earlier_version_kept_finds_its_hub(void **state)
{
  struct pair *p = world_pair(state);
  struct db *db;
  all_move_to(p, FIRST);
  const struct hash first = world_publish(p, "BF", "by the first");
  pair_settle(p);
  all_move_to(p, SECOND);
  acknowledge(p, &first);
  pair_settle(p);
  pair_kill(p, BF);
  assert_int_equal(db_open(&(struct db_options){.path = pair_database(p, BF), .application_id = SCHEMA_APPLICATION, .migrations = schema_migrations,
                                                .n_migrations = SCHEMA_MIGRATIONS}, &db, NULL), TG_OK);
  assert_int_equal(db_run(db_stmt(db, "UPDATE said SET log = ''")), TG_OK);
  assert_true(db_changes(db) > 0);
  db_close(&db);
  pair_start(p, BF);
  pair_pass(p, TG_MINUTE);
  all_move_to(p, FIRST);
  assert_true(look_track(p, ML, &first, RECEIPT_READ) && look_track(p, ML, &first, RECEIPT_ACKNOWLEDGED));
  expect_no_strikes(p);
}

/* ---- from one to the other ---- */

static void expect_at(struct pair *p, size_t member, const char *hub)
{
  assert_int_equal(talk_state(pair_core(p, member)), TALK_OPEN);
  assert_string_equal(talk_hub(pair_core(p, member)), hub);
}

/* The first hub was away for a while. */
static void who_fell_back_goes_home_again(void **state)
{
  struct pair *p = world_pair(state);
  all_move_to(p, SECOND);
  pair_pass(p, 50 * TG_MINUTE); /* it is looked for in vain, less and less often, and what is published meanwhile goes by the one that there is */
  const struct hash id = world_publish(p, "BF,NE", "by the second");
  pair_pass(p, TG_MINUTE);
  assert_true(look_track(p, ML, &id, RECEIPT_STORED));
  for (size_t i = 0; i < WORLD_MEMBERS; i++)
    pair_reach(p, i, FIRST, true);
  pair_pass(p, 59 * TG_MINUTE);
  for (size_t i = 0; i < WORLD_MEMBERS; i++)
    expect_at(p, i, "hub1");
  expect_no_strikes(p);
}

/* ML cannot reach the first hub, and the others have no reason to leave it. */
static void what_waits_at_another_hub_is_fetched(void **state)
{
  struct pair *p = world_pair(state);
  struct hash ours;
  all_move_to(p, FIRST);
  pair_reach(p, BF, SECOND, true);
  pair_reach(p, ML, FIRST, false);
  pair_reach(p, ML, SECOND, true);
  pair_pass(p, 2 * TG_MINUTE);
  expect_at(p, ML, "hub2");
  const struct hash id = world_publish(p, "BF", "by the second");
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 0);
  const uint64_t accepted = pair_counted(p, SECOND, "accepted");
  for (unsigned i = 0; i < 40 && look_inbox(p, BF) == 0; i++) {
    pair_pass(p, 2 * TG_MINUTE);
    assert_int_equal(pair_publish(p, BF, &(struct pair_bulletin){.to = "NE", .text = "who is at home"}, &ours), TG_OK);
  }
  assert_int_equal(look_inbox(p, BF), 1);
  pair_pass(p, 2 * TG_MINUTE);
  expect_at(p, BF, "hub1"); /* and is back */
  assert_true(look_sent(p, BF, &ours) >= SENT_DELIVERED);
  assert_true(look_track(p, ML, &id, RECEIPT_STORED));
  assert_int_equal(pair_counted(p, SECOND, "accepted"), accepted); /* of what it published meanwhile nothing went there */
  acknowledge(p, &id); /* which the second hub hears at the next look */
  for (unsigned i = 0; i < 40 && !look_track(p, ML, &id, RECEIPT_ACKNOWLEDGED); i++)
    pair_pass(p, 2 * TG_MINUTE);
  assert_true(look_track(p, ML, &id, RECEIPT_ACKNOWLEDGED));
  expect_no_strikes(p);
}

/* Chunks are kept from it, and with `deliveries` what is delivered: here it is. */
struct held {
  bool deliveries;
  struct buf frame;
};

static bool no_chunks(void *context, struct buf *frame)
{
  struct held *h = context;
  const enum frame_type type = type_of(frame);
  if (type == FRAME_DELIVER && h->deliveries) {
    assert_int_equal(h->frame.n, 0);
    buf_put_slice(&h->frame, buf_slice(frame));
    return false;
  }
  return type != FRAME_CHUNK;
}

/* BF is at home with the first hub, as NE is; ML can reach the second alone, at which BF has only begun to look in when this ends. */
static void begin_a_look(struct pair *p)
{
  all_move_to(p, FIRST);
  pair_reach(p, BF, SECOND, true);
  pair_reach(p, ML, FIRST, false);
  pair_reach(p, ML, SECOND, true);
  pair_pass(p, 55 * TG_MINUTE);
  expect_at(p, BF, "hub1");
  expect_at(p, ML, "hub2");
  for (unsigned i = 0; i < 30 * 60 && strcmp(talk_hub(pair_core(p, BF)), "hub2") != 0; i++)
    pair_pass(p, TG_SECOND);
  expect_at(p, BF, "hub2");
}

/* Seconds until what waits for BF at home has come. breaks: its line does, whenever so many have passed; 0: never. */
static unsigned until_flash(struct pair *p, bool more_comes, unsigned breaks)
{
  struct hash id;
  unsigned passed = 0;
  assert_int_equal(pair_publish(p, NE, &(struct pair_bulletin){.to = "BF", .text = "now", .precedence = PRECEDENCE_FLASH}, &id), TG_OK);
  for (; passed < 20 * 60 && !look_track(p, NE, &id, RECEIPT_STORED); passed++) {
    if (more_comes && passed % 2 == 0)
      world_publish(p, "BF", "one more");
    if (breaks && passed % breaks == breaks - 1) {
      pair_plug(p, BF, false);
      pair_plug(p, BF, true);
    }
    pair_pass(p, TG_SECOND);
  }
  return passed;
}

/* A hub that has something more every other second holds nobody from what is at home. */
static void a_hub_that_always_has_more_is_left(void **state)
{
  struct pair *p = world_pair(state);
  begin_a_look(p);
  const unsigned passed = until_flash(p, true, 0);
  assert_in_range(passed, 30, 200); /* it does stay for what there is */
  expect_at(p, BF, "hub1");
  expect_no_strikes(p);
}

/* Nor does one to which the line breaks again and again. */
static void a_line_that_breaks_holds_nobody_at_a_look(void **state)
{
  struct pair *p = world_pair(state);
  begin_a_look(p);
  assert_in_range(until_flash(p, true, 20), 10, 200);
  expect_at(p, BF, "hub1");
  expect_no_strikes(p);
}

/* Nor does one that begins a body and does not finish it. */
static void a_hub_that_does_not_finish_a_body_is_left(void **state)
{
  struct pair *p = world_pair(state);
  struct held held = {.deliveries = false};
  begin_a_look(p);
  pair_set_filter(p, BF, no_chunks, &held);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 3 << 20}, NULL), TG_OK);
  assert_in_range(until_flash(p, false, 0), 30, 200);
  expect_at(p, BF, "hub1");
}

/* Nor from the hub after it, with which the next look begins. */
static void a_hub_that_is_left_early_keeps_nobody_from_the_next(void **state)
{
  struct pair *p = world_pair(state);
  begin_a_look(p);
  assert_in_range(until_flash(p, true, 0), 30, 200);
  expect_at(p, BF, "hub1");
  for (unsigned i = 0; i < 90 * 60 && strcmp(talk_hub(pair_core(p, BF)), "hub1") == 0; i++)
    pair_pass(p, TG_SECOND);
  for (unsigned i = 0; i < 10 && talk_state(pair_core(p, BF)) != TALK_OPEN; i++)
    pair_pass(p, TG_SECOND);
  expect_at(p, BF, "hub3");
}

/* And who fell back goes home though a body is coming without end. */
static void a_body_without_end_holds_nobody_from_home(void **state)
{
  struct pair *p = world_pair(state);
  struct held held = {.deliveries = false};
  all_move_to(p, SECOND);
  pair_set_filter(p, BF, no_chunks, &held);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 3 << 20}, NULL), TG_OK);
  pair_pass(p, TG_MINUTE);
  pair_reach(p, BF, FIRST, true);
  pair_pass(p, 40 * TG_MINUTE);
  expect_at(p, BF, "hub2"); /* it might come yet */
  pair_pass(p, 60 * TG_MINUTE);
  expect_at(p, BF, "hub1");
}

/* On a slow line, of which a body takes half an hour: the hour of a look comes meanwhile, and no half of it is given up for that. */
static void a_body_that_goes_is_not_broken_off(void **state)
{
  struct pair *p = world_pair(state);
  struct hash id;
  unsigned passed = 0;
  pair_kill(p, ML);
  pair_config(p, ML)->line_rate = 1200;
  pair_start(p, ML);
  all_move_to(p, FIRST);
  pair_reach(p, ML, SECOND, true);
  pair_pass(p, 50 * TG_MINUTE);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 3 << 19, .precedence = PRECEDENCE_ROUTINE}, &id), TG_OK);
  for (; passed < 60 * 60 && look_sent(p, ML, &id) == SENT_SPOOLED; passed++) {
    expect_at(p, ML, "hub1");
    pair_pass(p, TG_SECOND);
  }
  assert_true(passed > 30 * 60 && look_sent(p, ML, &id) >= SENT_ACCEPTED);
  for (unsigned i = 0; i < 60 && talk_state(pair_core(p, ML)) != TALK_OPEN; i++)
    pair_pass(p, TG_SECOND);
  expect_at(p, ML, "hub2"); /* of which the time comes then */
}

/* Until it tries to reach this one. */
static void until_it_tries(struct pair *p, size_t member, const char *endpoint)
{
  for (unsigned i = 0; i < 30 * 60 && (talk_state(pair_core(p, member)) != TALK_CONNECTING || strcmp(pair_endpoint(p, member), endpoint) != 0); i++)
    pair_pass(p, TG_SECOND);
  assert_int_equal(talk_state(pair_core(p, member)), TALK_CONNECTING);
  assert_string_equal(pair_endpoint(p, member), endpoint);
}

static void expect_gone(struct pair *p, const char *hub, unsigned within)
{
  struct hash id;
  assert_int_equal(pair_publish(p, BF, &(struct pair_bulletin){.to = "NE", .text = "now", .precedence = PRECEDENCE_IMMEDIATE}, &id), TG_OK);
  for (unsigned i = 0; i < within && look_sent(p, BF, &id) == SENT_SPOOLED; i++)
    pair_pass(p, TG_SECOND);
  expect_at(p, BF, hub);
  assert_true(look_sent(p, BF, &id) >= SENT_ACCEPTED);
}

/* Nobody is at the second hub, which BF would look in at. */
static void what_is_urgent_does_not_wait_for_who_is_not_there(void **state)
{
  struct pair *p = world_pair(state);
  unsigned passed = 0;
  all_move_to(p, FIRST);
  pair_pass(p, 55 * TG_MINUTE);
  until_it_tries(p, BF, SECOND_ENDPOINT);
  expect_gone(p, "hub1", 1);
  pair_pass(p, 55 * TG_MINUTE);
  until_it_tries(p, BF, SECOND_ENDPOINT);
  for (; passed < 60 && talk_state(pair_core(p, BF)) != TALK_OPEN; passed++)
    pair_pass(p, TG_SECOND);
  assert_in_range(passed, 3, 8); /* and who has nothing to say is not long about it */
  expect_at(p, BF, "hub1");
}

/* Nor for one's own hub that is not back yet. */
static void what_is_urgent_does_not_wait_for_home(void **state)
{
  struct pair *p = world_pair(state);
  all_move_to(p, SECOND);
  until_it_tries(p, BF, FIRST_ENDPOINT);
  expect_gone(p, "hub2", 7); /* home is tried for a while */
}

/* BF fell back to the second hub, which takes nothing of it; its own is there again. */
static void begin_at_a_deaf_hub(struct pair *p, enum precedence precedence)
{
  all_move_to(p, SECOND);
  pair_set_uplink(p, BF, no_submissions, NULL);
  assert_int_equal(pair_publish(p, BF, &(struct pair_bulletin){.to = "NE", .text = "nobody hears", .precedence = precedence}, NULL), TG_OK);
  pair_settle(p);
  pair_reach(p, BF, FIRST, true);
}

/* Minutes until BF is with the first hub. */
static unsigned until_home(struct pair *p)
{
  unsigned passed = 0;
  for (; passed < 120 && strcmp(talk_hub(pair_core(p, BF)), "hub1") != 0; passed++)
    pair_pass(p, TG_MINUTE);
  pair_set_uplink(p, BF, NULL, NULL);
  expect_at(p, BF, "hub1");
  return passed;
}

/* And is home though that does not answer something urgent. */
static void a_hub_that_does_not_answer_holds_nobody_from_home(void **state)
{
  struct pair *p = world_pair(state);
  begin_at_a_deaf_hub(p, PRECEDENCE_IMMEDIATE);
  assert_in_range(until_home(p), 5, 20);
}

static void nor_does_it_with_a_flash_without_end(void **state)
{
  struct pair *p = world_pair(state);
  begin_at_a_deaf_hub(p, PRECEDENCE_FLASH);
  assert_in_range(until_home(p), 60, 80); /* there is hope for so long */
}

/* Nor a line that drops before the time of the return, again and again. */
static void a_line_that_drops_holds_nobody_from_home(void **state)
{
  struct pair *p = world_pair(state);
  unsigned passed = 0;
  all_move_to(p, SECOND);
  pair_reach(p, BF, FIRST, true);
  for (; passed < 60 && strcmp(talk_hub(pair_core(p, BF)), "hub1") != 0; passed++) {
    if (passed % 4 == 3) {
      pair_plug(p, BF, false);
      pair_plug(p, BF, true);
    }
    pair_pass(p, TG_MINUTE);
  }
  assert_in_range(passed, 5, 20);
  expect_at(p, BF, "hub1");
}

/* Nor is something without an answer under way because other frames are. */
static void what_is_parked_holds_nobody_from_home(void **state)
{
  struct pair *p = world_pair(state);
  pair_config(p, BF)->tick = 9 * TG_SECOND;
  begin_at_a_deaf_hub(p, PRECEDENCE_ROUTINE);
  assert_in_range(until_home(p), 5, 20);
}

/* The window closes while BF looks in at the second hub: the next call is for its own. */
static void a_call_begins_at_home(void **state)
{
  static const struct call_window day = {0, 24 * 60 - 1}, noon = {12 * 60, 12 * 60 + 1};
  struct pair *p = world_pair(state);
  static struct call_window window;
  window = day;
  pair_kill(p, BF);
  pair_config(p, BF)->calls = &window;
  pair_config(p, BF)->n_calls = 1;
  pair_start(p, BF);
  begin_a_look(p);
  window = noon;
  for (unsigned i = 0; i < 150 && talk_state(pair_core(p, BF)) == TALK_OPEN; i++) {
    if (i % 2 == 0)
      world_publish(p, "BF", "one more");
    pair_pass(p, TG_SECOND);
  }
  assert_int_equal(talk_state(pair_core(p, BF)), TALK_CLOSED);
  window = day;
  for (unsigned i = 0; i < 120 && talk_state(pair_core(p, BF)) != TALK_OPEN; i++)
    pair_pass(p, TG_SECOND);
  expect_at(p, BF, "hub1");
}

/* ---- one after the other ---- */

static void replace_the_hub(struct world *w)
{
  struct pair *p = w->pair;
  struct tg_why why;
  struct buf charter = kit_next_charter(w->kit, pair_now(p), second_in_place_of_first);
  pair_document(p, buf_slice(&charter));
  for (size_t i = 0; i < WORLD_MEMBERS; i++) {
    pair_reach(p, i, FIRST, false);
    assert_int_equal(node_document(pair_core(p, i), buf_slice(&charter), &why), TG_OK);
  }
  buf_free(&charter);
}

static void break_a_handshake(struct pair *p, size_t member, const char *endpoint)
{
  until_it_tries(p, member, endpoint);
  assert_int_equal(node_link(pair_core(p, member), NODE_LINK_FAILED), TG_OK);
  assert_int_equal(talk_state(pair_core(p, member)), TALK_RESTING);
}

/* Three broken handshakes in a row are another key, told as an alarm; two with the lost hub and one with the next are not. */
static void the_next_hub_has_not_the_faults_of_the_lost(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  pair_plug(p, BF, false);
  break_a_handshake(p, BF, FIRST_ENDPOINT);
  break_a_handshake(p, BF, FIRST_ENDPOINT);
  replace_the_hub(w);
  break_a_handshake(p, BF, SECOND_ENDPOINT);
  pair_pass(p, 10 * TG_SECOND);
  assert_int_equal(pair_told(p, BF, "hub-is-another"), 0);
  assert_int_equal(pair_told(p, BF, "handshake-broken"), 3);
}

/* It is read when the hub that delivered it is lost, and before its originator brought it to the next: that one hears nothing of it until it delivers it, and then
   all. */
static void what_a_lost_hub_delivered_is_said_to_the_next(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  const struct hash id = world_publish(p, "BF", "before the loss");
  pair_settle(p);
  pair_plug(p, ML, false);
  replace_the_hub(w);
  pair_pass(p, 2 * TG_MINUTE);
  assert_string_equal(talk_hub(pair_core(p, BF)), "hub2");
  acknowledge(p, &id);
  pair_pass(p, TG_MINUTE);
  pair_plug(p, ML, true);
  pair_pass(p, 2 * TG_MINUTE);
  assert_int_equal(pair_told(p, ML, "log-given-up"), 1);
  assert_true(look_track(p, ML, &id, RECEIPT_READ) && look_track(p, ML, &id, RECEIPT_ACKNOWLEDGED));
  assert_int_equal(look_inbox(p, BF), 1);
  expect_no_strikes(p);
}

/* The checkpoints of the lost log may not be here any more: a version that did not keep them watched it. It is another log all the same. */
static void a_lost_log_without_checkpoints_is_another(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct db *db;
  const struct hash id = world_publish(p, "BF", "before the loss");
  pair_settle(p);
  pair_plug(p, ML, false);
  replace_the_hub(w);
  pair_pass(p, 2 * TG_MINUTE);
  pair_kill(p, BF);
  assert_int_equal(db_open(&(struct db_options){.path = pair_database(p, BF), .application_id = SCHEMA_APPLICATION, .migrations = schema_migrations,
                                                .n_migrations = SCHEMA_MIGRATIONS}, &db, NULL), TG_OK);
  assert_int_equal(db_run(db_stmt(db, "DELETE FROM root WHERE log LIKE '%hub1'")), TG_OK);
  assert_true(db_changes(db) > 0);
  db_close(&db);
  pair_start(p, BF);
  pair_pass(p, TG_MINUTE);
  acknowledge(p, &id);
  pair_pass(p, TG_MINUTE);
  expect_no_strikes(p);
}

static void nothing_new(struct charter *c) { (void)c; }

static void next_charter(struct world *w, void (*tune)(struct charter *))
{
  struct tg_why why;
  struct buf charter = kit_next_charter(w->kit, pair_now(w->pair), tune);
  assert_int_equal(node_document(pair_core(w->pair, BF), buf_slice(&charter), &why), TG_OK);
  pair_settle(w->pair);
  buf_free(&charter);
}

/* However many charters name it. */
static void each_log_is_listed_once(void **state)
{
  struct world *w = *state;
  next_charter(w, nothing_new);
  const struct node_core *core = pair_core(w->pair, BF);
  assert_int_equal(core_charter(core)->version, 2);
  assert_ptr_equal(core_hub_ever(core, 0), &core_charter(core)->hub[0]);
  assert_null(core_hub_ever(core, 1));
}

static void a_former_log_is_listed_behind(void **state)
{
  struct world *w = *state;
  next_charter(w, second_in_place_of_first);
  const struct node_core *core = pair_core(w->pair, BF);
  assert_string_equal(core_hub_ever(core, 0)->name, "hub2");
  assert_string_equal(core_hub_ever(core, 1)->name, "hub1");
  assert_null(core_hub_ever(core, 2));
}

/* By a clock that was set back since they met, the charter in force is the one that does not name that hub. */
static void a_clock_that_is_set_back_forgets_no_hub(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  const struct pair_bulletin large = {.to = "BF", .size = 3 << 20};
  struct hash id, short_one;
  replace_the_hub(w);
  pair_pass(p, 2 * TG_MINUTE);
  pair_set_clock(p, BF, -4 * TG_MINUTE);
  assert_int_equal(pair_publish(p, ML, &large, &id), TG_OK);
  short_one = world_publish(p, "BF", "by an old clock");
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 2);
  assert_string_equal(core_charter(pair_core(p, BF))->hub[0].name, "hub1");
  acknowledge(p, &id);
  acknowledge(p, &short_one);
  pair_settle(p);
  assert_true(look_track(p, ML, &id, RECEIPT_STORED) && look_track(p, ML, &id, RECEIPT_ACKNOWLEDGED));
  assert_true(look_track(p, ML, &short_one, RECEIPT_STORED) && look_track(p, ML, &short_one, RECEIPT_ACKNOWLEDGED));
  expect_no_strikes(p);
}

/* The node's proof that it was logged, as it answers `prove`. Borrowed until the next question. */
static struct slice proof_of(struct pair *p, size_t member, const struct hash *id)
{
  Tg__LQuery m = TG__LQUERY__INIT;
  enum local_type type;
  char hex[HASH_TEXT];
  hash_print(id, hex);
  ProtobufCBinaryData arg = {strlen(hex), (uint8_t *)hex};
  m.what = (ProtobufCBinaryData){5, (uint8_t *)(uintptr_t)"prove"};
  m.args = &arg;
  m.n_args = 1;
  const Tg__LJson *answer = (const Tg__LJson *)pair_ask(p, member, LOCAL_QUERY, &m.base, &type);
  assert_non_null(answer);
  assert_int_equal(type, LOCAL_JSON);
  return slice_of(answer->json.data, answer->json.len);
}

/* Before its originator has met the next hub, which knows nothing of it yet. */
static void what_a_lost_hub_logged_is_proven_still(void **state)
{
  static const char from_log[] = "\"log\":\"sahel.example/hub1\"";
  struct world *w = *state;
  struct pair *p = w->pair;
  const struct hash id = world_publish(p, "BF", "before the loss");
  pair_settle(p);
  pair_plug(p, ML, false);
  replace_the_hub(w);
  pair_pass(p, 2 * TG_MINUTE);
  assert_string_equal(core_charter(pair_core(p, ML))->hub[0].name, "hub2");
  const struct slice proof = proof_of(p, ML, &id);
  assert_non_null(memmem(proof.p, proof.n, "\"proof\":\"", 9));
  assert_non_null(memmem(proof.p, proof.n, from_log, sizeof from_log - 1));
}

static void expect_heard_of(struct pair *p, const struct hash *id)
{
  acknowledge(p, id);
  pair_pass(p, TG_MINUTE);
  assert_true(look_track(p, ML, id, RECEIPT_STORED));
  assert_true(look_track(p, ML, id, RECEIPT_READ) && look_track(p, ML, id, RECEIPT_ACKNOWLEDGED));
  expect_no_strikes(p);
}

/* The next hub delivers what is under way, and hears what is done with it. */
static void a_body_that_was_coming_stands_in_the_next_log(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct held held = {.frame = buf_new(LIMIT_FRAME)};
  struct hash id;
  pair_set_filter(p, BF, no_chunks, &held);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 3 << 20}, &id), TG_OK);
  pair_settle(p);
  replace_the_hub(w);
  pair_pass(p, 2 * TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 0);
  world_restart(p, BF); /* it is on the disk */
  pair_set_filter(p, BF, NULL, NULL);
  pair_pass(p, 2 * TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 1);
  expect_heard_of(p, &id);
  buf_free(&held.frame);
}

/* The same when all of it is there and is being opened. */
static void a_body_that_is_opened_stands_in_the_next_log(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  const struct pair_bulletin large = {.to = "BF", .size = 3 << 20};
  struct last_chunk last = {.frame = buf_new(LIMIT_FRAME)};
  struct held held = {.frame = buf_new(LIMIT_FRAME)};
  struct hash id;
  pair_set_filter(p, BF, but_the_last_chunk, &last);
  assert_int_equal(pair_publish(p, NE, &large, NULL), TG_OK);
  pair_settle(p);
  last = (struct last_chunk){.withheld = last.seen, .frame = last.frame};
  pair_plug(p, NE, false); /* the next hub has one to deliver */
  assert_int_equal(pair_publish(p, ML, &large, &id), TG_OK);
  pair_settle(p);
  pair_plug(p, ML, false);
  pair_set_filter(p, BF, no_chunks, &held);
  replace_the_hub(w);
  pair_pass(p, 2 * TG_MINUTE);
  held.deliveries = true;
  pair_plug(p, ML, true);
  for (unsigned i = 0; i < 120 && !held.frame.n; i++)
    pair_pass(p, TG_SECOND);
  assert_true(held.frame.n > 0);
  pair_inject(p, BF, buf_slice(&last.frame));
  assert_int_equal(look_inbox(p, BF), 1); /* a few of its chunks were opened in this turn */
  pair_inject(p, BF, buf_slice(&held.frame));
  assert_int_equal(look_inbox(p, BF), 1);
  pair_set_filter(p, BF, NULL, NULL);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 2);
  expect_heard_of(p, &id);
  buf_free(&held.frame);
  buf_free(&last.frame);
}

/* ML's next hub has the bulletin and its recall before BF asks: it delivers the recall alone. What BF had of the lost one, and what it does with it now, is said there. */
static void recalled_at_the_next(void **state, enum node_recall how, enum receipt_event event)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct hash id, recall;
  pair_kill(p, BF);
  pair_config(p, BF)->on_recall = how;
  pair_start(p, BF);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "wrong", .precedence = PRECEDENCE_ROUTINE}, &id), TG_OK);
  pair_settle(p);
  pair_plug(p, ML, false);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "it was", .kind = KIND_RECALL, .supersedes = &id,
                                                               .precedence = PRECEDENCE_IMMEDIATE}, &recall), TG_OK);
  replace_the_hub(w);
  pair_pass(p, 2 * TG_MINUTE);
  acknowledge(p, &id); /* nobody can be told yet */
  pair_plug(p, BF, false);
  pair_plug(p, ML, true);
  pair_pass(p, 2 * TG_MINUTE);
  assert_true(look_sent(p, ML, &recall) >= SENT_ACCEPTED && look_sent(p, ML, &id) >= SENT_ACCEPTED);
  pair_plug(p, BF, true);
  pair_pass(p, 2 * TG_MINUTE);
  assert_true(look_track(p, ML, &id, event));
  assert_true(look_track(p, ML, &id, RECEIPT_STORED) && look_track(p, ML, &id, RECEIPT_ACKNOWLEDGED));
  expect_no_strikes(p);
}

static void a_recall_at_the_next_hub_purges(void **state) { recalled_at_the_next(state, NODE_RECALL_PURGE, RECEIPT_PURGED); }
static void a_recall_at_the_next_hub_is_noted(void **state) { recalled_at_the_next(state, NODE_RECALL_RETAIN, RECEIPT_RETAINED); }
static void a_recall_at_the_next_hub_is_refused(void **state) { recalled_at_the_next(state, NODE_RECALL_REFUSE, RECEIPT_RECALL_REFUSED); }

/* Both came by the lost hub, which told nobody what became of it; the next delivers the recall alone. */
static void recalled_at_the_lost(void **state, enum node_recall how, enum receipt_event event)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct hash id, recall;
  pair_kill(p, BF);
  pair_config(p, BF)->on_recall = how;
  pair_start(p, BF);
  pair_pass(p, TG_MINUTE);
  const struct pair_bulletin wrong = {.to = "BF", .text = "wrong", .precedence = PRECEDENCE_ROUTINE};
  assert_int_equal(pair_publish(p, ML, &wrong, &id), TG_OK);
  pair_settle(p);
  pair_set_uplink(p, BF, no_receipts, NULL);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "it was", .kind = KIND_RECALL, .supersedes = &id,
                                                               .precedence = PRECEDENCE_IMMEDIATE}, &recall), TG_OK);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 2);
  assert_false(look_track(p, ML, &id, event));
  replace_the_hub(w);
  pair_plug(p, BF, false);
  pair_set_uplink(p, BF, NULL, NULL);
  pair_pass(p, 4 * TG_MINUTE);
  assert_true(look_sent(p, ML, &recall) >= SENT_ACCEPTED && look_sent(p, ML, &id) >= SENT_ACCEPTED);
  pair_plug(p, BF, true);
  pair_pass(p, 2 * TG_MINUTE);
  assert_true(look_track(p, ML, &id, event));
  expect_no_strikes(p);
}

static void a_purge_that_was_not_said_is_said_with_its_recall(void **state) { recalled_at_the_lost(state, NODE_RECALL_PURGE, RECEIPT_PURGED); }
static void a_refusal_that_was_not_said_is_said_with_its_recall(void **state)
{
  recalled_at_the_lost(state, NODE_RECALL_REFUSE, RECEIPT_RECALL_REFUSED);
}

/* To the next hub goes what the lost one had, and its recall, which is more urgent and must not come first. On a slow line there is room for one. */
static void an_urgent_recall_does_not_stand_before_what_it_recalls(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  pair_kill(p, ML);
  pair_config(p, ML)->line_rate = 1200;
  pair_start(p, ML);
  pair_pass(p, TG_MINUTE);
  struct hash id, recall, other;
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "wrong", .precedence = PRECEDENCE_ROUTINE}, &id), TG_OK);
  pair_pass(p, TG_MINUTE);
  assert_true(look_sent(p, ML, &id) >= SENT_ACCEPTED);
  pair_plug(p, ML, false);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "it was", .kind = KIND_RECALL, .supersedes = &id,
                                                               .precedence = PRECEDENCE_IMMEDIATE}, &recall), TG_OK);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "right"}, &other), TG_OK);
  replace_the_hub(w);
  pair_plug(p, ML, true);
  pair_pass(p, 5 * TG_MINUTE);
  assert_int_equal(pair_told(p, ML, "log-given-up"), 1);
  assert_true(look_sent(p, ML, &other) >= SENT_ACCEPTED && look_sent(p, ML, &recall) >= SENT_ACCEPTED);
  assert_true(look_track(p, ML, &id, RECEIPT_PURGED));
  expect_no_strikes(p);
}

int main(void)
{
#define STORY(f, begin) cmocka_unit_test_setup_teardown(f, begin, end)
  const struct CMUnitTest tests[] = {
      STORY(what_is_read_later_goes_to_the_hub_that_has_it, two),
      STORY(what_was_not_confirmed_waits_for_its_hub, two),
      STORY(what_is_finished_after_a_restart_is_said_to_who_delivered_it, two),
      STORY(what_an_earlier_version_kept_finds_its_hub, two),
      STORY(who_fell_back_goes_home_again, two),
      STORY(what_waits_at_another_hub_is_fetched, two),
      STORY(a_hub_that_always_has_more_is_left, two),
      STORY(a_line_that_breaks_holds_nobody_at_a_look, two),
      STORY(a_hub_that_does_not_finish_a_body_is_left, two),
      STORY(a_hub_that_is_left_early_keeps_nobody_from_the_next, three),
      STORY(a_body_without_end_holds_nobody_from_home, two),
      STORY(a_body_that_goes_is_not_broken_off, two),
      STORY(what_is_urgent_does_not_wait_for_who_is_not_there, two),
      STORY(what_is_urgent_does_not_wait_for_home, two),
      STORY(a_hub_that_does_not_answer_holds_nobody_from_home, two),
      STORY(nor_does_it_with_a_flash_without_end, two),
      STORY(a_line_that_drops_holds_nobody_from_home, two),
      STORY(what_is_parked_holds_nobody_from_home, two),
      STORY(a_call_begins_at_home, two),
      STORY(the_next_hub_has_not_the_faults_of_the_lost, one),
      STORY(what_a_lost_hub_delivered_is_said_to_the_next, one),
      STORY(what_a_lost_hub_logged_is_proven_still, one),
      STORY(a_lost_log_without_checkpoints_is_another, one),
      STORY(each_log_is_listed_once, one),
      STORY(a_former_log_is_listed_behind, one),
      STORY(a_clock_that_is_set_back_forgets_no_hub, one),
      STORY(a_body_that_was_coming_stands_in_the_next_log, one),
      STORY(a_body_that_is_opened_stands_in_the_next_log, one),
      STORY(a_recall_at_the_next_hub_purges, one),
      STORY(a_recall_at_the_next_hub_is_noted, one),
      STORY(a_recall_at_the_next_hub_is_refused, one),
      STORY(a_purge_that_was_not_said_is_said_with_its_recall, one),
      STORY(a_refusal_that_was_not_said_is_said_with_its_recall, one),
      STORY(an_urgent_recall_does_not_stand_before_what_it_recalls, one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
