/* The hub among its nodes: what is published arrives, proven; what may not be said is not; who cheats or lost its rights gets nowhere. */
#include "tests/broker/stage.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ML, BF, NE };

#define ALLOW_ALL "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\n"

/* ---- the ordinary way */

static void a_bulletin_arrives_and_its_receipt_comes_back(void **state)
{
  struct stage *s = *state;
  struct actor *ml = &s->actor[ML], *bf = &s->actor[BF];
  struct hash id = actor_publish(ml, (struct story){.to = "BF"});
  stage_settle(s);
  actor_expect(ml, 0, REASON_NONE);
  assert_true(hash_eq(&ml->outcome[0].id, &id));
  assert_int_equal(bf->deliveries, 1);
  assert_true(hash_eq(&bf->delivery[0].id, &id));
  assert_int_equal(bf->delivery[0].inline_bodies, 1);
  assert_int_equal(s->actor[NE].deliveries, 0);
  actor_receive(bf, 0, RECEIPT_STORED);
  stage_settle(s);
  assert_int_equal(bf->seen_serials, 1);
  assert_int_equal(ml->notes, 1);
  assert_int_equal(ml->note[0].event, RECEIPT_STORED);
  assert_true(hash_eq(&ml->note[0].bulletin, &id));
  assert_false(hub_is_busy(s->hub));
}

static void everyone_gets_what_is_for_everyone(void **state)
{
  struct stage *s = *state;
  for (int i = 0; i < 50; i++)
    actor_publish(&s->actor[ML], (struct story){0});
  stage_settle(s);
  assert_int_equal(s->actor[ML].outcomes, 50);
  assert_int_equal(s->actor[BF].deliveries, 50);
  assert_int_equal(s->actor[NE].deliveries, 50);
}

static void what_is_said_twice_is_answered_twice_and_delivered_once(void **state)
{
  struct stage *s = *state;
  struct sealed b = actor_seal(&s->actor[ML], (struct story){.to = "BF"});
  actor_submit(&s->actor[ML], &b);
  actor_submit(&s->actor[ML], &b);
  stage_settle(s);
  actor_submit(&s->actor[ML], &b);
  stage_settle(s);
  assert_int_equal(s->actor[ML].outcomes, 3);
  assert_int_equal(s->actor[ML].outcome[0].leaf, s->actor[ML].outcome[2].leaf);
  assert_int_equal(s->actor[BF].deliveries, 1);
  body_drop(&b.body);
}

static void an_absent_node_gets_it_when_it_comes(void **state)
{
  struct stage *s = *state;
  struct seal_pk peer = secret_key_seal_pk(s->actor[BF].kit->transport);
  assert_int_equal(hub_gone(s->hub, &peer), TG_OK);
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  assert_int_equal(s->actor[BF].deliveries, 0);
  actor_hello(&s->actor[BF]);
  stage_settle(s);
  assert_int_equal(s->actor[BF].deliveries, 1);
}

/* ---- rules */

static void policies_refuse(void **state)
{
  struct stage *s = *state;
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .level = LEVEL_TOP_SECRET});
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .wraps = "NE"});
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .wraps = "BF NE"});
  stage_settle(s);
  for (size_t i = 0; i < 3; i++)
    actor_expect(&s->actor[ML], i, REASON_POLICY);
  assert_true(s->actor[ML].outcome[0].detail[0] != '\0');
  assert_int_equal(s->actor[BF].deliveries + s->actor[NE].deliveries, 0);
}

static void an_import_policy_refuses(void **state)
{
  struct stage *s = *state;
  kit_policy(s->kit, BF, "export allow ** to * up-to SECRET\nimport allow ** from NE up-to SECRET\n",
             s->now.wall, 1);
  assert_int_equal(stage_document(s, &s->kit->member[BF].policy), TG_OK);
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  actor_publish(&s->actor[NE], (struct story){.to = "BF"});
  stage_settle(s);
  actor_expect(&s->actor[ML], 0, REASON_POLICY);
  actor_expect(&s->actor[NE], 0, REASON_NONE);
  assert_int_equal(s->actor[BF].deliveries, 1);
}

static void a_narrowing_holds_what_is_queued_and_a_widening_frees_it(void **state)
{
  struct stage *s = *state;
  struct seal_pk peer = secret_key_seal_pk(s->actor[BF].kit->transport);
  assert_int_equal(hub_gone(s->hub, &peer), TG_OK);
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  kit_policy(s->kit, ML, "export allow ** to NE up-to SECRET\nimport allow ** from * up-to SECRET\n",
             s->now.wall, 1);
  actor_bring(&s->actor[ML], &s->kit->member[ML].policy);
  stage_settle(s);
  assert_int_equal(s->actor[ML].document_outcomes, 1);
  assert_int_equal(s->actor[ML].document_outcome[0], REASON_NONE);
  actor_hello(&s->actor[BF]);
  stage_settle(s);
  assert_int_equal(s->actor[BF].deliveries, 0);
  /* widening: at once and by one officer is refused, in time and by two is not */
  kit_policy(s->kit, ML, ALLOW_ALL, s->now.wall, 2);
  actor_bring(&s->actor[ML], &s->kit->member[ML].policy);
  s->kit->member[ML].policy_serial--;
  kit_policy(s->kit, ML, ALLOW_ALL, s->now.wall + 2 * TG_DAY, 1);
  actor_bring(&s->actor[ML], &s->kit->member[ML].policy);
  s->kit->member[ML].policy_serial--;
  kit_policy(s->kit, ML, ALLOW_ALL, s->now.wall + TG_DAY + TG_HOUR, 2);
  actor_bring(&s->actor[ML], &s->kit->member[ML].policy);
  stage_settle(s);
  assert_int_equal(s->actor[ML].document_outcome[1], REASON_QUORUM);
  assert_int_equal(s->actor[ML].document_outcome[2], REASON_QUORUM);
  assert_int_equal(s->actor[ML].document_outcome[3], REASON_NONE);
  s->now.wall += TG_DAY + 2 * TG_HOUR;
  stage_pass(s, 2000);
  assert_int_equal(s->actor[BF].deliveries, 1);
}

static void a_pin_keeps_its_policy_from_being_broken(void **state)
{
  struct stage *s = *state;
  kit_policy(s->kit, ML,
             "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\npin never report.** to "
             "outside AES\n",
             s->now.wall, 1);
  assert_int_equal(stage_document(s, &s->kit->member[ML].policy), TG_OK);
  struct stage *t = stage_new(4, NULL);
  kit_policy(t->kit, ML,
             "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\npin never report.** to "
             "outside AES\n",
             t->now.wall, 1);
  actor_bring(&t->actor[ML], &t->kit->member[ML].policy);
  stage_settle(t);
  assert_int_equal(t->actor[ML].document_outcome[0], REASON_PIN);
  stage_free(t);
}

static void a_recall_takes_back_what_is_queued(void **state)
{
  struct stage *s = *state;
  struct seal_pk peer = secret_key_seal_pk(s->actor[NE].kit->transport);
  assert_int_equal(hub_gone(s->hub, &peer), TG_OK);
  struct hash id = actor_publish(&s->actor[ML], (struct story){.to = "BF NE"});
  stage_settle(s);
  actor_publish(&s->actor[BF], (struct story){.to = "NE", .kind = KIND_RECALL, .supersedes = id});
  struct hash recall =
      actor_publish(&s->actor[ML], (struct story){.to = "BF NE", .kind = KIND_RECALL, .supersedes = id});
  actor_hello(&s->actor[NE]);
  stage_settle(s);
  actor_expect(&s->actor[BF], 0, REASON_NOT_ENTITLED);
  actor_expect(&s->actor[ML], 1, REASON_NONE);
  assert_int_equal(s->actor[NE].deliveries, 1);
  assert_true(hash_eq(&s->actor[NE].delivery[0].id, &recall));
  assert_int_equal(s->actor[BF].deliveries, 2);
}

static void a_recall_is_never_refused_by_policy_and_reaches_nobody_else(void **state)
{
  struct stage *s = *state;
  struct hash id = actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  kit_policy(s->kit, ML, "import allow ** from * up-to SECRET\n", s->now.wall, 1);
  assert_int_equal(stage_document(s, &s->kit->member[ML].policy), TG_OK);
  actor_publish(&s->actor[ML], (struct story){.to = "BF NE", .kind = KIND_RECALL, .supersedes = id});
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .kind = KIND_RECALL, .supersedes = id});
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  actor_expect(&s->actor[ML], 1, REASON_POLICY);
  actor_expect(&s->actor[ML], 2, REASON_NONE);
  actor_expect(&s->actor[ML], 3, REASON_POLICY);
  assert_int_equal(s->actor[BF].deliveries, 2);
}

/* ---- cheats */

static void one_number_for_two_bulletins_is_evidence(void **state)
{
  struct stage *s = *state;
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .number = 7});
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .number = 7});
  stage_settle(s);
  actor_expect(&s->actor[ML], 0, REASON_NONE);
  actor_expect(&s->actor[ML], 1, REASON_NUMBER);
  assert_int_equal(s->alarms, 1);
}

static void nobody_speaks_as_another(void **state)
{
  struct stage *s = *state;
  struct sealed b = actor_seal(&s->actor[ML], (struct story){.to = "BF"});
  actor_submit(&s->actor[NE], &b);
  stage_settle(s);
  actor_expect(&s->actor[NE], 0, REASON_NOT_ENTITLED);
  actor_submit(&s->actor[ML], &b); /* and its id was not taken by that */
  stage_settle(s);
  actor_expect(&s->actor[ML], 0, REASON_NONE);
  body_drop(&b.body);
}

static void a_false_signature_takes_nothing(void **state)
{
  struct stage *s = *state;
  struct sealed b = actor_seal(&s->actor[ML], (struct story){.to = "BF"});
  b.message->proof->signature.data[5] ^= 1;
  actor_submit(&s->actor[ML], &b);
  stage_settle(s);
  actor_expect(&s->actor[ML], 0, REASON_SIGNATURE);
  b.message->proof->signature.data[5] ^= 1;
  actor_submit(&s->actor[ML], &b);
  stage_settle(s);
  actor_expect(&s->actor[ML], 1, REASON_NONE);
  body_drop(&b.body);
}

static void garbage_is_counted_and_the_abuser_cut(void **state)
{
  struct stage *s = *state;
  uint8_t noise[300];
  randombytes_buf(noise, sizeof noise);
  noise[0] = 1;
  noise[1] = FRAME_SUBMIT;
  actor_raw(&s->actor[NE], noise, 0);
  actor_raw(&s->actor[NE], noise, 1);
  for (size_t n = 2; n < 15; n++)
    actor_raw(&s->actor[NE], noise, n);
  stage_settle(s);
  assert_int_equal(s->actor[NE].goodbye, REASON_NONE);
  actor_raw(&s->actor[NE], noise, sizeof noise);
  stage_settle(s);
  assert_int_equal(s->actor[NE].goodbye, REASON_ABUSE);
  assert_true(s->cuts > 0);
  actor_hello(&s->actor[NE]); /* within the window it stays out */
  stage_settle(s);
  assert_false(s->actor[NE].open);
  stage_pass(s, 61000);
  for (size_t i = 0; i < s->actors; i++)
    actor_hello(&s->actor[i]);
  actor_publish(&s->actor[ML], (struct story){0});
  stage_settle(s);
  assert_true(s->actor[NE].open);
  assert_int_equal(s->actor[NE].deliveries, 1);
  assert_int_equal(s->actor[BF].deliveries, 1);
}

static void an_oversized_frame_is_refused(void **state)
{
  struct stage *s = *state;
  uint8_t *big = calloc(1, LIMIT_FRAME + 1);
  big[0] = 1;
  big[1] = FRAME_SUBMIT;
  actor_raw(&s->actor[NE], big, LIMIT_FRAME + 1);
  stage_settle(s);
  assert_int_equal(s->actor[NE].goodbye, REASON_NONE);
  free(big);
}

static void a_receipt_for_what_one_was_not_given_is_not_taken(void **state)
{
  struct stage *s = *state;
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  s->actor[NE].delivery[0] = s->actor[BF].delivery[0];
  actor_receive(&s->actor[NE], 0, RECEIPT_STORED);
  stage_settle(s);
  assert_int_equal(s->actor[ML].notes, 0);
  assert_int_equal(s->actor[NE].seen_serials, 0);
}

/* ---- rights that end */

static void a_revoked_node_is_cut_and_what_it_said_is_held(void **state)
{
  struct stage *s = *state;
  struct seal_pk peer = secret_key_seal_pk(s->actor[BF].kit->transport);
  assert_int_equal(hub_gone(s->hub, &peer), TG_OK);
  actor_publish(&s->actor[ML], (struct story){.to = "BF NE"});
  stage_settle(s);
  struct buf note = kit_revoke(s->kit, ML, s->actor[ML].kit, s->now.wall);
  size_t allowed = s->allowed;
  actor_bring(&s->actor[NE], &note);
  stage_settle(s);
  assert_int_equal(s->actor[ML].goodbye, REASON_REVOKED);
  assert_int_equal(s->allowed, allowed - 1);
  assert_true(s->cuts > 0);
  actor_forget(&s->actor[ML]);
  actor_publish(&s->actor[ML], (struct story){.to = "NE"});
  actor_hello(&s->actor[ML]);
  actor_hello(&s->actor[BF]);
  stage_settle(s);
  assert_int_equal(s->actor[ML].outcomes, 0);
  assert_false(s->actor[ML].open);
  assert_int_equal(s->actor[BF].deliveries, 0);
  assert_int_equal(s->actor[NE].deliveries, 1);
  buf_free(&note);
}

static void a_silent_session_ends(void **state)
{
  struct stage *s = *state;
  stage_pass(s, 20000);
  assert_int_equal(s->actor[ML].ticks, 1);
  stage_pass(s, 30000);
  assert_int_equal(s->actor[ML].goodbye, REASON_SILENT);
}

static void a_lost_frame_ends_the_session_and_nothing_else(void **state)
{
  struct stage *s = *state;
  struct seal_pk peer = secret_key_seal_pk(s->actor[BF].kit->transport);
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  assert_int_equal(hub_dropped(s->hub, &peer, FRAME_DELIVER), TG_OK);
  stage_settle(s);
  actor_forget(&s->actor[BF]);
  actor_hello(&s->actor[BF]);
  stage_settle(s);
  assert_int_equal(s->actor[BF].deliveries, 1);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, stage_three, stage_gone)
  const struct CMUnitTest tests[] = {
      STORY(a_bulletin_arrives_and_its_receipt_comes_back),
      STORY(everyone_gets_what_is_for_everyone),
      STORY(what_is_said_twice_is_answered_twice_and_delivered_once),
      STORY(an_absent_node_gets_it_when_it_comes),
      STORY(policies_refuse),
      STORY(an_import_policy_refuses),
      STORY(a_narrowing_holds_what_is_queued_and_a_widening_frees_it),
      STORY(a_pin_keeps_its_policy_from_being_broken),
      STORY(a_recall_takes_back_what_is_queued),
      STORY(a_recall_is_never_refused_by_policy_and_reaches_nobody_else),
      STORY(one_number_for_two_bulletins_is_evidence),
      STORY(nobody_speaks_as_another),
      STORY(a_false_signature_takes_nothing),
      STORY(garbage_is_counted_and_the_abuser_cut),
      STORY(an_oversized_frame_is_refused),
      STORY(a_receipt_for_what_one_was_not_given_is_not_taken),
      STORY(a_revoked_node_is_cut_and_what_it_said_is_held),
      STORY(a_silent_session_ends),
      STORY(a_lost_frame_ends_the_session_and_nothing_else),
  };
  return cmocka_run_group_tests_name("broker_hub", tests, NULL, NULL);
}
