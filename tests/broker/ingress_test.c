/* Frames on their way into the hub: a flood's frame is taken in part by part, and whoever says little comes between. */
#include "broker/core/ingress.h"
#include "tests/broker/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ML, BF, NE, FLOOD = 100 };

static struct seal_pk key_of(const struct actor *a)
{
  return secret_key_seal_pk(a->kit->transport);
}

/* content: bytes of its body; 0: a sentence. */
static Tg__Submission *seal(struct actor *a, size_t content)
{
  static const uint8_t words[16 * 1024];
  assert_true(content <= sizeof words);
  struct sealed b = actor_seal(a, (struct story){.to = "NE", .content = slice_of(content ? words : NULL, content)});
  body_drop(&b.body);
  return b.message;
}

/* n bulletins in one frame. */
static void flood(struct actor *a, size_t n, size_t content, struct buf *out)
{
  Tg__Submit m = TG__SUBMIT__INIT;
  m.items = calloc(n, sizeof *m.items);
  assert_non_null(m.items);
  for (m.n_items = 0; m.n_items < n; m.n_items++)
    m.items[m.n_items] = seal(a, content);
  assert_int_equal(frame_encode(FRAME_SUBMIT, &m.base, out, NULL), TG_OK);
  free(m.items);
  assert_true(out->n > 4 * HUB_PART);
}

/* The next part; whose it was, and how many bulletins were accepted with it. */
static struct seal_pk step(struct turns *t, struct stage *s, uint64_t *ret_accepted)
{
  struct seal_pk from;
  uint64_t cost;
  const uint64_t before = stage_count(s, "accepted");
  assert_int_equal(ingress_step(t, s->hub, &from, &cost), TG_OK);
  assert_true(cost <= 2 * HUB_PART);
  *ret_accepted = stage_count(s, "accepted") - before;
  return from;
}

static void put(struct turns *t, const struct actor *from, const struct buf *frame)
{
  const struct seal_pk key = key_of(from);
  assert_int_equal(turns_put(t, &key, buf_slice(frame)), TG_OK);
}

static void a_small_member_comes_between_the_parts_of_a_floods_frame(void **state)
{
  struct stage *s = *state;
  struct actor *loud = &s->actor[ML], *quiet = &s->actor[BF];
  struct turns *t = ingress_new(NULL, NULL);
  struct buf frame = buf_new(LIMIT_FRAME), lone = buf_new(LIMIT_FRAME);
  Tg__Submit m = TG__SUBMIT__INIT;
  Tg__Submission *item = seal(quiet, 0);
  const struct seal_pk quiet_key = key_of(quiet);
  uint64_t n, all = 0, parts = 0;
  assert_non_null(t);
  flood(loud, FLOOD, 0, &frame);
  m.n_items = 1;
  m.items = &item;
  assert_int_equal(frame_encode(FRAME_SUBMIT, &m.base, &lone, NULL), TG_OK);
  put(t, loud, &frame);
  (void)step(t, s, &n);
  assert_in_range(n, 1, FLOOD / 4); /* a part of it, and it is a fact with the next commit */
  all = n;
  stage_turn(s);
  stage_turn(s);
  assert_int_equal(loud->outcomes, all);
  put(t, quiet, &lone);
  for (struct seal_pk from = key_of(loud); !seal_pk_eq(&from, &quiet_key); parts++) {
    from = step(t, s, &n);
    assert_true(parts < 4 && n <= FLOOD / 4);
    all += n;
  }
  stage_turn(s);
  stage_turn(s);
  actor_expect(quiet, 0, REASON_NONE);
  assert_true(all < FLOOD && loud->outcomes < FLOOD);
  for (; turns_bytes(t) > 0; all += n)
    (void)step(t, s, &n);
  assert_int_equal(all, FLOOD + 1);
  stage_settle(s);
  assert_int_equal(loud->outcomes, FLOOD);
  for (size_t i = 0; i < FLOOD; i++)
    actor_expect(loud, i, REASON_NONE);
  buf_free(&frame);
  buf_free(&lone);
  turns_free(t);
}

/* As many bulletins as fill a frame, each more than half of a part: each costs what it is, and whoever says little comes between the last of them as between the first. */
static void parts_cost_what_was_taken_in(void **state)
{
  enum { MANY = 100, LONG = 9 * 1024 };
  struct stage *s = *state;
  struct actor *loud = &s->actor[ML], *quiet = &s->actor[BF];
  struct turns *t = ingress_new(NULL, NULL);
  struct buf frame = buf_new(LIMIT_FRAME), lone = buf_new(LIMIT_FRAME);
  Tg__Submit m = TG__SUBMIT__INIT;
  Tg__Submission *item = seal(quiet, 0);
  const struct seal_pk quiet_key = key_of(quiet);
  uint64_t n, all = 0;
  assert_non_null(t);
  flood(loud, MANY, LONG, &frame);
  m.n_items = 1;
  m.items = &item;
  assert_int_equal(frame_encode(FRAME_SUBMIT, &m.base, &lone, NULL), TG_OK);
  put(t, loud, &frame);
  for (; all < MANY * 3 / 4; all += n) {
    (void)step(t, s, &n);
    assert_int_equal(n, 1);
  }
  put(t, quiet, &lone);
  uint64_t parts = 0;
  for (struct seal_pk from = key_of(loud); !seal_pk_eq(&from, &quiet_key); parts++) {
    from = step(t, s, &n);
    assert_true(parts < 8 && n == 1);
    all += n;
  }
  for (; turns_bytes(t) > 0; all += n)
    (void)step(t, s, &n);
  assert_int_equal(all, MANY + 1);
  stage_settle(s);
  buf_free(&frame);
  buf_free(&lone);
  turns_free(t);
}

static void what_a_sender_says_next_comes_after_the_rest(void **state)
{
  struct stage *s = *state;
  struct actor *loud = &s->actor[ML];
  struct buf frame = buf_new(LIMIT_FRAME);
  const struct seal_pk key = key_of(loud);
  size_t left;
  flood(loud, FLOOD, 0, &frame);
  const uint64_t before = stage_count(s, "accepted");
  assert_int_equal(hub_hear(s->hub, &key, buf_slice(&frame), &left), TG_OK);
  assert_true(left > 0);
  struct sealed last = actor_seal(loud, (struct story){.to = "NE"});
  body_drop(&last.body);
  actor_submit(loud, &last); /* whoever hands frames over may not wait for the parts of the one before */
  assert_int_equal(stage_count(s, "accepted") - before, FLOOD + 1);
  assert_int_equal(hub_go_on(s->hub, &key, &left), TG_OK);
  assert_int_equal(left, 0);
  stage_settle(s);
  assert_int_equal(loud->outcomes, FLOOD + 1);
  assert_true(hash_eq(&loud->outcome[FLOOD].id, &last.id));
  buf_free(&frame);
}

static void the_rest_goes_with_the_session(void **state)
{
  struct stage *s = *state;
  struct actor *loud = &s->actor[ML];
  struct buf frame = buf_new(LIMIT_FRAME);
  const struct seal_pk key = key_of(loud);
  size_t left;
  flood(loud, FLOOD, 0, &frame);
  const uint64_t before = stage_count(s, "accepted");
  assert_int_equal(hub_hear(s->hub, &key, buf_slice(&frame), &left), TG_OK);
  assert_true(left > 0);
  assert_int_equal(hub_gone(s->hub, &key), TG_OK);
  assert_int_equal(hub_go_on(s->hub, &key, &left), TG_OK);
  assert_int_equal(left, 0);
  const uint64_t taken = stage_count(s, "accepted") - before;
  assert_in_range(taken, 1, FLOOD / 4);
  loud->open = false;
  stage_settle(s);
  actor_hello(loud);
  stage_settle(s);
  actor_raw(loud, frame.p, frame.n); /* the node says it again: nothing is lost, and nothing twice */
  stage_settle(s);
  assert_int_equal(stage_count(s, "accepted") - before, FLOOD);
  buf_free(&frame);
}

/* Its right goes between two parts of its frame: nothing more of that is taken in, and nothing answered. */
static void the_rest_of_a_revoked_node_is_not_taken_in(void **state)
{
  struct stage *s = *state;
  struct actor *loud = &s->actor[ML];
  struct buf frame = buf_new(LIMIT_FRAME), note = kit_revoke(s->kit, ML, loud->kit, s->now.wall);
  const struct seal_pk key = key_of(loud);
  size_t left;
  flood(loud, FLOOD, 0, &frame);
  assert_int_equal(hub_hear(s->hub, &key, buf_slice(&frame), &left), TG_OK);
  assert_true(left > 0);
  const uint64_t taken = stage_count(s, "accepted");
  assert_int_equal(stage_document(s, &note), TG_OK);
  assert_int_equal(hub_go_on(s->hub, &key, &left), TG_OK);
  assert_int_equal(left, 0);
  stage_settle(s);
  assert_int_equal(loud->goodbye, REASON_REVOKED);
  assert_true(s->cuts > 0);
  assert_int_equal(stage_count(s, "accepted"), taken);
  assert_int_equal(stage_count(s, "refused"), 0);
  buf_free(&frame);
  buf_free(&note);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_small_member_comes_between_the_parts_of_a_floods_frame, stage_three, stage_gone),
      cmocka_unit_test_setup_teardown(parts_cost_what_was_taken_in, stage_three, stage_gone),
      cmocka_unit_test_setup_teardown(the_rest_of_a_revoked_node_is_not_taken_in, stage_three, stage_gone),
      cmocka_unit_test_setup_teardown(what_a_sender_says_next_comes_after_the_rest, stage_three, stage_gone),
      cmocka_unit_test_setup_teardown(the_rest_goes_with_the_session, stage_three, stage_gone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
