/* Large bodies and crashes: what came stays, what is asked for comes, whatever is killed when. */
#include "tests/broker/stage.h"

#include "proto/hash.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ML, BF, NE, LARGE = 2500000 };

struct large {
  struct stage *s;
  uint8_t *content;
};

static int set_up(void **state)
{
  struct large *l = calloc(1, sizeof *l);
  l->s = stage_new(3, NULL);
  l->content = malloc(LARGE);
  randombytes_buf(l->content, LARGE);
  *state = l;
  return 0;
}

static int tear_down(void **state)
{
  struct large *l = *state;
  stage_free(l->s);
  free(l->content);
  free(l);
  return 0;
}

static struct sealed large(struct large *l)
{
  return actor_seal(&l->s->actor[ML],
                    (struct story){.to = "BF", .content = slice_of(l->content, LARGE), .apart = true});
}

/* Sends what the hub wants until it wants no more, at most n chunks. */
static size_t serve(struct actor *a, const struct sealed *b, size_t n)
{
  size_t sent = 0;
  while (a->want_chunk < a->want_end && sent < n) {
    for (; a->want_chunk < a->want_end && sent < n; sent++)
      actor_chunk(a, b, a->want_chunk++);
    stage_settle(a->stage);
  }
  return sent;
}

static void fetch(struct actor *a, size_t i)
{
  struct got_delivery *d = &a->delivery[i];
  assert_int_equal(d->inline_bodies, 0);
  for (uint64_t chunk = 0; chunk < d->seal.chunks; chunk += 16) {
    actor_want(a, &d->id, chunk, 16);
    stage_settle(a->stage);
  }
  assert_int_equal(a->body.n, d->seal.size);
}

static void expect_body(const struct large *l, struct actor *a, size_t i)
{
  struct got_delivery *d = &a->delivery[i];
  struct sealed_body got = {.bytes = a->body, .seal = d->seal, .key = d->key};
  struct opened_body opened;
  assert_int_equal(body_read(&got, LARGE, &opened), TG_OK);
  assert_int_equal(opened.content.n, LARGE);
  assert_memory_equal(opened.content.p, l->content, LARGE);
  buf_free(&opened.content);
}

static void connect(struct stage *s)
{
  for (size_t i = 0; i < s->actors; i++)
    actor_hello(&s->actor[i]);
  stage_settle(s);
}

static void a_large_body_travels_in_chunks(void **state)
{
  struct large *l = *state;
  struct actor *ml = &l->s->actor[ML], *bf = &l->s->actor[BF];
  struct sealed b = large(l);
  actor_submit(ml, &b);
  stage_settle(l->s);
  assert_int_equal(ml->outcomes, 0);
  serve(ml, &b, SIZE_MAX);
  assert_int_equal(ml->outcomes, 1);
  assert_true(ml->outcome[0].accepted);
  assert_int_equal(bf->deliveries, 1);
  fetch(bf, 0);
  expect_body(l, bf, 0);
  actor_want(&l->s->actor[NE], &b.id, 0, 16); /* for nobody else */
  stage_settle(l->s);
  assert_int_equal(l->s->actor[NE].chunks, 0);
  actor_receive(bf, 0, RECEIPT_STORED);
  stage_settle(l->s);
  actor_want(bf, &b.id, 0, 1); /* and gone when it is done with */
  bf->chunks = 0;
  stage_settle(l->s);
  assert_int_equal(bf->chunks, 0);
  body_drop(&b.body);
}

static size_t chunks_of(struct actor *a, const struct hash *id, uint32_t portion)
{
  Tg__Want m = TG__WANT__INIT;
  m.bulletin = strict_data_of(id->b, 32);
  m.portion = portion;
  m.count = 16;
  a->chunks = 0;
  actor_frame(a, FRAME_WANT, &m.base);
  stage_settle(a->stage);
  return a->chunks;
}

/* Nobody gets so much as the sealed bytes of a portion that is not for him. */
static void a_portion_goes_to_whom_it_is_wrapped_for(void **state)
{
  struct large *l = *state;
  struct actor *ml = &l->s->actor[ML], *bf = &l->s->actor[BF], *ne = &l->s->actor[NE];
  ml->summary = bf;
  const struct sealed b = actor_seal_portions(ml, "BF NE", 2, 1000, 1000);
  actor_submit(ml, &b);
  stage_settle(l->s);
  assert_true(bf->deliveries == 1 && ne->deliveries == 1);
  assert_int_equal(chunks_of(bf, &b.id, 0), 1);
  assert_int_equal(chunks_of(bf, &b.id, 1), 0);
  assert_int_equal(chunks_of(bf, &b.id, 2), 0); /* there is none */
  assert_int_equal(chunks_of(ne, &b.id, 1), 1);
}

/* Between delivery and body its originator's state may have become narrower. */
static void what_is_no_longer_permitted_sends_no_more_chunks(void **state)
{
  struct large *l = *state;
  struct actor *ml = &l->s->actor[ML], *bf = &l->s->actor[BF];
  struct sealed b = large(l);
  actor_submit(ml, &b);
  stage_settle(l->s);
  serve(ml, &b, SIZE_MAX);
  assert_int_equal(bf->deliveries, 1);
  assert_true(chunks_of(bf, &b.id, 0) > 0);
  kit_policy(l->s->kit, ML, "export allow ** to NE up-to SECRET\nimport allow ** from * up-to SECRET\n", l->s->now.wall, 1);
  actor_bring(ml, &l->s->kit->member[ML].policy);
  stage_settle(l->s);
  assert_int_equal(chunks_of(bf, &b.id, 0), 0);
  body_drop(&b.body);
}

static void a_restart_goes_on_where_it_was(void **state)
{
  struct large *l = *state;
  struct actor *ml = &l->s->actor[ML], *bf = &l->s->actor[BF];
  struct sealed b = large(l);
  actor_submit(ml, &b);
  stage_settle(l->s);
  const size_t before = serve(ml, &b, 20);
  assert_int_equal(before, 20);
  assert_int_equal(stage_restart(l->s), TG_OK);
  ml->want_end = 0;
  connect(l->s);
  assert_int_equal(ml->want_chunk, 20);
  const size_t after = serve(ml, &b, SIZE_MAX);
  assert_int_equal(before + after, b.body.seal.chunks);
  assert_true(ml->outcomes == 1 && ml->outcome[0].accepted);
  fetch(bf, 0);
  expect_body(l, bf, 0);
  body_drop(&b.body);
}

static void a_body_that_is_not_the_one_announced_is_refused(void **state)
{
  struct large *l = *state;
  struct actor *ml = &l->s->actor[ML];
  struct sealed b = large(l);
  b.body.bytes.p[1000000] ^= 1;
  actor_submit(ml, &b);
  stage_settle(l->s);
  serve(ml, &b, SIZE_MAX);
  assert_int_equal(ml->outcomes, 1);
  assert_int_equal(ml->outcome[0].reason, REASON_SEAL);
  assert_int_equal(l->s->actor[BF].deliveries, 0);
  body_drop(&b.body);
}

static void chunks_out_of_order_are_asked_for_again(void **state)
{
  struct large *l = *state;
  struct actor *ml = &l->s->actor[ML];
  struct sealed b = large(l);
  actor_submit(ml, &b);
  stage_settle(l->s);
  actor_chunk(ml, &b, 5);
  actor_chunk(ml, &b, 0);
  actor_chunk(ml, &b, 0);
  stage_settle(l->s);
  ml->want_end = 0;
  stage_pass(l->s, 12000);
  assert_int_equal(ml->want_chunk, 1);
  serve(ml, &b, SIZE_MAX);
  assert_true(ml->outcomes == 1 && ml->outcome[0].accepted);
  body_drop(&b.body);
}

/* A handle is its own upload's, for the node that was asked, and stands alone. */
static void chunks_go_by_the_handle_of_the_want(void **state)
{
  struct large *l = *state;
  struct actor *ml = &l->s->actor[ML], *ne = &l->s->actor[NE];
  struct sealed b = large(l);
  actor_submit(ml, &b);
  stage_settle(l->s);
  const uint32_t handle = ml->want_handle;
  assert_int_not_equal(handle, 0);
  actor_chunk_by(ne, &b, 0, handle, false);
  actor_chunk_by(ml, &b, 0, handle + 1, false);
  actor_chunk_by(ml, &b, 0, handle, true);
  actor_chunk_by(ml, &b, 0, 0, false);
  stage_settle(l->s);
  ml->want_end = 0;
  stage_pass(l->s, 12000);
  assert_int_equal(ml->want_chunk, 0); /* none of these was taken */
  assert_int_equal(ml->want_handle, handle);
  actor_chunk_by(ml, &b, 0, handle, false);
  stage_settle(l->s);
  ml->want_end = 0;
  stage_pass(l->s, 12000);
  assert_int_equal(ml->want_chunk, 1);
  serve(ml, &b, SIZE_MAX);
  assert_true(ml->outcomes == 1 && ml->outcome[0].accepted);
  body_drop(&b.body);
}

/* Its node may only have slept: it is forgotten, and may come again under its id and number. */
static void a_body_that_does_not_come_is_given_up_for_now(void **state)
{
  struct large *l = *state;
  struct actor *ml = &l->s->actor[ML];
  struct sealed b = large(l);
  actor_submit(ml, &b);
  stage_settle(l->s);
  serve(ml, &b, 1);
  l->s->now.wall += 25 * TG_HOUR;
  stage_pass(l->s, 2000);
  assert_int_equal(ml->outcome[0].reason, REASON_BODY_MISSING);
  ml->want_end = UINT64_MAX;
  actor_submit(ml, &b);
  stage_settle(l->s);
  assert_int_equal(ml->want_chunk, 0); /* and nothing of it is left */
  serve(ml, &b, SIZE_MAX);
  assert_true(ml->outcomes == 2 && ml->outcome[1].accepted);
  body_drop(&b.body);
}

/* A slow line, or one that is called an hour a day. */
static void a_body_that_goes_on_coming_is_waited_for(void **state)
{
  struct large *l = *state;
  struct actor *ml = &l->s->actor[ML];
  struct sealed b = large(l);
  actor_submit(ml, &b);
  stage_settle(l->s);
  for (int i = 0; i < 4; i++) {
    serve(ml, &b, 1);
    l->s->now.wall += 20 * TG_HOUR;
    stage_pass(l->s, 2000);
    assert_int_equal(ml->outcomes, 0);
  }
  serve(ml, &b, SIZE_MAX);
  assert_true(ml->outcomes == 1 && ml->outcome[0].accepted);
  body_drop(&b.body);
}

static void a_forged_copy_does_not_end_what_waits(void **state)
{
  struct large *l = *state;
  struct actor *ml = &l->s->actor[ML];
  struct sealed b = large(l), copy = b;
  actor_submit(ml, &b);
  stage_settle(l->s);
  serve(ml, &b, 1);
  Tg__Submission message = *b.message;
  Tg__BatchProof proof = *message.proof;
  uint8_t signature[64];
  memcpy(signature, proof.signature.data, sizeof signature);
  signature[7] ^= 1;
  proof.signature.data = signature;
  message.proof = &proof;
  copy.message = &message;
  actor_submit(ml, &copy);
  stage_settle(l->s);
  assert_true(ml->outcomes == 1 && ml->outcome[0].reason == REASON_SIGNATURE);
  serve(ml, &b, SIZE_MAX);
  assert_true(ml->outcomes == 2 && ml->outcome[1].accepted);
  body_drop(&b.body);
}

/* A node asks for four at a time, and for four more of each precedence above. */
static void every_body_that_is_wanted_is_sent(void **state)
{
  enum { BODIES = 20, SIZE = 100000 };
  struct large *l = *state;
  struct actor *ml = &l->s->actor[ML], *bf = &l->s->actor[BF];
  size_t chunks = 0;
  for (size_t i = 0; i < BODIES; i++) {
    struct sealed b = actor_seal(ml, (struct story){.to = "BF", .content = slice_of(l->content, SIZE), .apart = true});
    actor_submit(ml, &b);
    stage_settle(l->s);
    serve(ml, &b, SIZE_MAX);
    chunks += b.body.seal.chunks;
    body_drop(&b.body);
  }
  assert_int_equal(bf->deliveries, BODIES);
  assert_true(chunks > BODIES);
  for (size_t i = 0; i < BODIES; i++)
    actor_want(bf, &bf->delivery[i].id, 0, 16);
  stage_settle(l->s);
  assert_int_equal(bf->chunks, chunks);
}

/* So many at once are remembered; what comes beyond them costs nothing, and is asked for again. */
/* The bodies of one node together have few chunks on their way, however many they are, and all come in. */
static void many_bodies_of_one_are_asked_for_little_by_little(void **state)
{
  enum { BODIES = 16, ONE = 1200 * 1000, TOGETHER = 32 };
  (void)state;
  static uint8_t bytes[ONE];
  static struct sealed b[BODIES];
  struct stage *s = stage_new(2, NULL);
  struct actor *ml = &s->actor[ML];
  uint64_t sent = 0, next[BODIES] = {0};
  for (size_t i = 0; i < BODIES; i++) {
    memset(bytes, (int)i, sizeof bytes);
    b[i] = actor_seal(ml, (struct story){.to = "BF", .content = slice_of(bytes, ONE), .apart = true});
    actor_submit(ml, &b[i]);
    stage_settle(s);
  }
  assert_in_range(ml->wanted, TOGETHER, TOGETHER + BODIES);
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < BODIES; i++) {
      if (next[i] == b[i].body.seal.chunks)
        continue;
      more = true;
      actor_chunk(ml, &b[i], next[i]++);
      sent++;
      stage_settle(s);
      assert_true(ml->wanted <= sent + TOGETHER + BODIES);
    }
  }
  assert_int_equal(stage_count(s, "accepted"), BODIES);
  for (size_t i = 0; i < BODIES; i++)
    body_drop(&b[i].body);
  stage_free(s);
}

static void wants_beyond_what_a_session_holds_are_left(void **state)
{
  enum { WANTS = 32, BODIES = WANTS + 8 };
  struct large *l = *state;
  struct actor *ml = &l->s->actor[ML], *bf = &l->s->actor[BF];
  for (size_t i = 0; i < BODIES; i++) {
    struct sealed b = actor_seal(ml, (struct story){.to = "BF", .content = slice_of(l->content, 1000 + i), .apart = true});
    actor_submit(ml, &b);
    stage_settle(l->s);
    serve(ml, &b, SIZE_MAX);
    body_drop(&b.body);
  }
  assert_int_equal(bf->deliveries, BODIES);
  for (size_t i = 0; i < BODIES; i++)
    actor_want(bf, &bf->delivery[i].id, 0, 1);
  stage_settle(l->s);
  assert_int_equal(bf->chunks, WANTS);
  uint64_t bytes = 0;
  for (size_t i = 0; i < WANTS; i++)
    bytes += bf->delivery[i].seal.size;
  assert_int_equal(bf->body.n, bytes); /* the first of them */
  for (size_t i = WANTS; i < BODIES; i++)
    actor_want(bf, &bf->delivery[i].id, 0, 1);
  stage_settle(l->s);
  assert_int_equal(bf->chunks, BODIES);
}

static void flash_overtakes_a_large_body(void **state)
{
  struct large *l = *state;
  struct actor *ml = &l->s->actor[ML], *bf = &l->s->actor[BF];
  struct sealed b = large(l);
  actor_submit(ml, &b);
  stage_settle(l->s);
  serve(ml, &b, SIZE_MAX);
  actor_want(bf, &b.id, 0, 40);
  actor_publish(ml, (struct story){.to = "BF", .precedence = PRECEDENCE_FLASH});
  /* turn by turn: the FLASH comes before the last chunks do */
  bool overtook = false;
  for (int i = 0; i < 10 && bf->chunks < b.body.seal.chunks; i++) {
    l->s->now.mono++;
    assert_int_equal(hub_time(l->s->hub, l->s->now), TG_OK);
    stage_turn(l->s);
    overtook |= bf->deliveries == 2 && bf->chunks < b.body.seal.chunks;
  }
  assert_true(overtook);
  body_drop(&b.body);
}

/* Kills the hub after every number of turns in turn: whatever was answered is there, and whatever was not can
 * be said again. */
static void nothing_acknowledged_is_lost(void **state)
{
  struct large *l = *state;
  struct stage *s = l->s;
  struct actor *ml = &s->actor[ML], *bf = &s->actor[BF];
  for (int turns = 0; turns < 12; turns++) {
    actor_forget(ml);
    actor_forget(bf);
    struct sealed b = actor_seal(ml, (struct story){.to = "BF"});
    actor_submit(ml, &b);
    for (int i = 0; i < turns; i++)
      stage_turn(s);
    const bool answered = ml->outcomes == 1, delivered = bf->deliveries == 1;
    assert_int_equal(stage_restart(s), TG_OK);
    connect(s);
    if (!answered) {
      actor_submit(ml, &b);
      stage_settle(s);
    }
    assert_int_equal(ml->outcomes, 1);
    assert_true(ml->outcome[0].accepted);
    assert_true(bf->deliveries >= 1 && bf->deliveries <= 1 + (size_t)delivered);
    for (size_t i = 0; i < bf->deliveries; i++)
      assert_true(hash_eq(&bf->delivery[i].id, &b.id));
    actor_receive(bf, 0, RECEIPT_STORED);
    stage_settle(s);
    assert_int_equal(ml->notes, 1);
    body_drop(&b.body);
  }
}

static void a_decision_by_a_policy_that_is_not_here_yet_waits_for_it(void **state)
{
  struct large *l = *state;
  struct stage *s = l->s;
  kit_policy(s->kit, ML, "export allow ** to * up-to RESTRICTED\nimport allow ** from * up-to SECRET\n",
             s->now.wall, 1);
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  assert_int_equal(s->actor[ML].outcomes, 0);
  actor_bring(&s->actor[ML], &s->kit->member[ML].policy);
  stage_settle(s);
  assert_int_equal(s->actor[ML].outcomes, 1);
  assert_true(s->actor[ML].outcome[0].accepted);
  assert_int_equal(s->actor[BF].deliveries, 1);
}

static void no_more_wait_for_their_bodies_than_are_allowed(void **state)
{
  struct large *l = *state;
  struct stage *s = l->s;
  struct actor *ml = &s->actor[ML];
  s->config.parked_count = 2;
  assert_int_equal(stage_restart(s), TG_OK);
  connect(s);
  for (size_t i = 0; i < 3; i++) {
    struct sealed b = actor_seal(ml, (struct story){.to = "BF", .content = slice_of(l->content, 1000), .apart = true});
    actor_submit(ml, &b);
    stage_settle(s);
    body_drop(&b.body);
  }
  assert_int_equal(ml->outcomes, 1); /* the others wait */
  actor_expect(ml, 0, REASON_QUOTA);
}

/* It was counted when it came. */
static void what_waits_for_its_body_counts_once_in_the_hour(void **state)
{
  struct large *l = *state;
  struct stage *s = l->s;
  struct actor *ml = &s->actor[ML];
  s->config.per_hour = 1;
  assert_int_equal(stage_restart(s), TG_OK);
  connect(s);
  struct sealed b = large(l);
  actor_submit(ml, &b);
  stage_settle(s);
  serve(ml, &b, SIZE_MAX);
  actor_expect(ml, 0, REASON_NONE);
  actor_publish(ml, (struct story){.to = "BF"});
  stage_settle(s);
  actor_expect(ml, 1, REASON_QUOTA);
  body_drop(&b.body);
}

/* Its originator and the hub would otherwise decide by two texts under one number. */
static void a_decision_by_another_text_of_a_policy_is_refused(void **state)
{
  struct large *l = *state;
  struct stage *s = l->s;
  struct kit_member *ml = &s->kit->member[ML];
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  kit_policy(s->kit, ML, "export allow ** to * up-to TOP-SECRET\nimport allow ** from * up-to SECRET\n", s->now.wall, 1);
  ml->policy_serial--;
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  actor_expect(&s->actor[ML], 0, REASON_NONE);
  actor_expect(&s->actor[ML], 1, REASON_CONFLICT);
}

/* A session ends with the right to it, but not what waited here. */
static void what_waited_is_refused_when_its_node_was_revoked_meanwhile(void **state)
{
  struct large *l = *state;
  struct stage *s = l->s;
  kit_policy(s->kit, ML, "export allow ** to * up-to RESTRICTED\nimport allow ** from * up-to SECRET\n", s->now.wall, 1);
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  const uint64_t accepted = stage_count(s, "accepted"), refused = stage_count(s, "refused");
  struct buf note = kit_revoke(s->kit, ML, s->actor[ML].kit, s->now.wall);
  actor_bring(&s->actor[NE], &note);
  stage_settle(s);
  assert_int_equal(stage_count(s, "refused"), refused + 1);
  actor_bring(&s->actor[NE], &s->kit->member[ML].policy);
  stage_settle(s);
  assert_int_equal(stage_count(s, "accepted"), accepted);
  assert_int_equal(stage_count(s, "refused"), refused + 1);
  assert_int_equal(s->actor[BF].deliveries, 0);
  buf_free(&note);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      STORY(a_large_body_travels_in_chunks),
      STORY(a_portion_goes_to_whom_it_is_wrapped_for),
      STORY(what_is_no_longer_permitted_sends_no_more_chunks),
      STORY(a_restart_goes_on_where_it_was),
      STORY(a_body_that_is_not_the_one_announced_is_refused),
      STORY(chunks_out_of_order_are_asked_for_again),
      STORY(chunks_go_by_the_handle_of_the_want),
      STORY(a_body_that_does_not_come_is_given_up_for_now),
      STORY(a_body_that_goes_on_coming_is_waited_for),
      STORY(a_forged_copy_does_not_end_what_waits),
      STORY(every_body_that_is_wanted_is_sent),
      STORY(wants_beyond_what_a_session_holds_are_left),
      cmocka_unit_test(many_bodies_of_one_are_asked_for_little_by_little),
      STORY(flash_overtakes_a_large_body),
      STORY(nothing_acknowledged_is_lost),
      STORY(a_decision_by_a_policy_that_is_not_here_yet_waits_for_it),
      STORY(no_more_wait_for_their_bodies_than_are_allowed),
      STORY(what_waits_for_its_body_counts_once_in_the_hour),
      STORY(a_decision_by_another_text_of_a_policy_is_refused),
      STORY(what_waited_is_refused_when_its_node_was_revoked_meanwhile),
  };
  return cmocka_run_group_tests_name("broker_body", tests, NULL, NULL);
}
