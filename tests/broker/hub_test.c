/* The hub among its nodes: what is published arrives, proven; what may not be said is not; nothing
 * acknowledged is lost. */
#include "audit/evidence.h"
#include "audit/witness.h"
#include "tests/broker/stage.h"

#include "proto/hash.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ML, BF, NE, SN };

#define ALLOW_ALL "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\n"

static int three(void **state)
{
  *state = stage_new(3, NULL);
  return 0;
}

static int gone(void **state)
{
  stage_free(*state);
  return 0;
}

static void expect_outcome(const struct actor *a, size_t i, enum reason reason)
{
  assert_true(a->outcomes > i);
  if (a->outcome[i].reason != reason)
    fail_msg("expected %s, got %s: %s", reason_name(reason), reason_name(a->outcome[i].reason),
             a->outcome[i].detail);
  assert_int_equal(a->outcome[i].accepted, reason == REASON_NONE);
}

/* ---- the ordinary way */

static void a_bulletin_arrives_and_its_receipt_comes_back(void **state)
{
  struct stage *s = *state;
  struct actor *ml = &s->actor[ML], *bf = &s->actor[BF];
  struct hash id = actor_publish(ml, (struct story){.to = "BF"});
  stage_settle(s);
  expect_outcome(ml, 0, REASON_NONE);
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
    expect_outcome(&s->actor[ML], i, REASON_POLICY);
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
  expect_outcome(&s->actor[ML], 0, REASON_POLICY);
  expect_outcome(&s->actor[NE], 0, REASON_NONE);
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
  expect_outcome(&s->actor[BF], 0, REASON_NOT_ENTITLED);
  expect_outcome(&s->actor[ML], 1, REASON_NONE);
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
  expect_outcome(&s->actor[ML], 1, REASON_POLICY);
  expect_outcome(&s->actor[ML], 2, REASON_NONE);
  expect_outcome(&s->actor[ML], 3, REASON_POLICY);
  assert_int_equal(s->actor[BF].deliveries, 2);
}

/* ---- times and amounts */

static void what_expires_leaves_the_queue(void **state)
{
  struct stage *s = *state;
  struct seal_pk peer = secret_key_seal_pk(s->actor[BF].kit->transport);
  assert_int_equal(hub_gone(s->hub, &peer), TG_OK);
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .lifetime = TG_HOUR});
  stage_settle(s);
  s->now.wall += 2 * TG_HOUR;
  stage_pass(s, 3000);
  actor_hello(&s->actor[BF]);
  stage_settle(s);
  assert_int_equal(s->actor[BF].deliveries, 0);
  struct buf stats = buf_new(65536);
  assert_int_equal(hub_stats(s->hub, &stats), TG_OK);
  buf_put_u8(&stats, 0);
  assert_non_null(strstr((char *)stats.p, "\"expired\":1"));
  assert_non_null(strstr((char *)stats.p, "\"queued\":[0,0,0,0]"));
  buf_free(&stats);
}

static void clocks_are_not_believed(void **state)
{
  struct stage *s = *state;
  s->now.wall += TG_HOUR;
  struct sealed early = actor_seal(&s->actor[ML], (struct story){.to = "BF"});
  s->now.wall -= TG_HOUR;
  struct sealed late = actor_seal(&s->actor[ML], (struct story){.to = "BF", .lifetime = 60 * TG_DAY});
  actor_submit(&s->actor[ML], &early);
  actor_submit(&s->actor[ML], &late);
  stage_settle(s);
  expect_outcome(&s->actor[ML], 0, REASON_CLOCK);
  expect_outcome(&s->actor[ML], 1, REASON_EXPIRED);
  body_drop(&early.body);
  body_drop(&late.body);
}

static void credit_is_respected_and_flash_goes_first(void **state)
{
  struct stage *s = *state;
  struct actor *bf = &s->actor[BF];
  bf->credit_count = 2;
  actor_hello(bf);
  stage_settle(s);
  for (int i = 0; i < 5; i++)
    actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  assert_int_equal(bf->deliveries, 2);
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .precedence = PRECEDENCE_FLASH});
  stage_settle(s);
  assert_int_equal(bf->deliveries, 2);
  actor_receive(bf, 0, RECEIPT_STORED);
  stage_settle(s);
  assert_int_equal(bf->deliveries, 3);
  assert_int_equal(bf->delivery[2].precedence, PRECEDENCE_FLASH);
  for (size_t i = 1; i < 6; i++) {
    actor_receive(bf, i, RECEIPT_STORED);
    stage_settle(s);
  }
  assert_int_equal(bf->deliveries, 6);
  assert_int_equal(s->actor[ML].notes, 6);
}

static void few_flash(struct charter *c)
{
  c->limits.flash_per_hour = 2;
}

static void too_many_flash_are_refused(void **state)
{
  (void)state;
  struct stage *s = stage_new(2, few_flash);
  for (int i = 0; i < 3; i++)
    actor_publish(&s->actor[ML], (struct story){.to = "BF", .precedence = PRECEDENCE_FLASH});
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  expect_outcome(&s->actor[ML], 1, REASON_NONE);
  expect_outcome(&s->actor[ML], 2, REASON_QUOTA);
  expect_outcome(&s->actor[ML], 3, REASON_NONE);
  stage_free(s);
}

static void short_queues(struct charter *c)
{
  c->limits.queue = 3;
}

static void a_full_queue_refuses(void **state)
{
  (void)state;
  struct stage *s = stage_new(2, short_queues);
  struct seal_pk peer = secret_key_seal_pk(s->actor[BF].kit->transport);
  assert_int_equal(hub_gone(s->hub, &peer), TG_OK);
  for (int i = 0; i < 4; i++)
    actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  expect_outcome(&s->actor[ML], 2, REASON_NONE);
  expect_outcome(&s->actor[ML], 3, REASON_QUOTA);
  stage_free(s);
}

/* ---- cheats */

static void one_number_for_two_bulletins_is_evidence(void **state)
{
  struct stage *s = *state;
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .number = 7});
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .number = 7});
  stage_settle(s);
  expect_outcome(&s->actor[ML], 0, REASON_NONE);
  expect_outcome(&s->actor[ML], 1, REASON_NUMBER);
  assert_int_equal(s->alarms, 1);
}

static void nobody_speaks_as_another(void **state)
{
  struct stage *s = *state;
  struct sealed b = actor_seal(&s->actor[ML], (struct story){.to = "BF"});
  actor_submit(&s->actor[NE], &b);
  stage_settle(s);
  expect_outcome(&s->actor[NE], 0, REASON_NOT_ENTITLED);
  actor_submit(&s->actor[ML], &b); /* and its id was not taken by that */
  stage_settle(s);
  expect_outcome(&s->actor[ML], 0, REASON_NONE);
  body_drop(&b.body);
}

static void a_false_signature_takes_nothing(void **state)
{
  struct stage *s = *state;
  struct sealed b = actor_seal(&s->actor[ML], (struct story){.to = "BF"});
  b.message->proof->signature.data[5] ^= 1;
  actor_submit(&s->actor[ML], &b);
  stage_settle(s);
  expect_outcome(&s->actor[ML], 0, REASON_SIGNATURE);
  b.message->proof->signature.data[5] ^= 1;
  actor_submit(&s->actor[ML], &b);
  stage_settle(s);
  expect_outcome(&s->actor[ML], 1, REASON_NONE);
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

/* ---- the log */

static void another_checkpoint_of_our_log_is_an_alarm(void **state)
{
  struct stage *s = *state;
  const struct checkpoint forged = {
      .origin = slice_str(secret_key_name(s->kit->hub_log)), .size = 3, .root = {{1, 2, 3}}};
  struct buf note = buf_new(LIMIT_CHECKPOINT);
  assert_int_equal(checkpoint_sign(&forged, s->kit->hub_log, &note, NULL), TG_OK);
  memcpy(s->actor[BF].seen.note, note.p, note.n);
  s->actor[BF].seen.note_n = note.n;
  s->actor[BF].seen.size = forged.size;
  s->actor[BF].seen.root = forged.root;
  s->actor[BF].lied_to = true; /* the Welcome proves it */
  actor_hello(&s->actor[BF]);
  stage_settle(s);
  assert_int_equal(s->actor[BF].goodbye, REASON_CONFLICT);
  assert_int_equal(s->alarms, 1);
  buf_free(&note);
}

/* Asks the hub about what somebody else saw; what the answer proves. */
static enum tg_err ask(struct actor *a, struct slice note, struct buf *evidence)
{
  Tg__Tick m = TG__TICK__INIT;
  struct note_key log;
  struct witness_state seen;
  m.time = (uint64_t)a->stage->now.wall;
  m.other = strict_data(note);
  const size_t before = a->answers;
  actor_frame(a, FRAME_TICK, &m.base);
  stage_settle(a->stage);
  assert_int_equal(a->answers, before + 1);
  assert_int_equal(secret_key_note_key(a->stage->kit->hub_log, &log), TG_OK);
  assert_int_equal(witness_update(NULL, &log, slice_of(a->seen.note, a->seen.note_n), slice_of(NULL, 0), &seen, NULL, NULL), TG_OK);
  return witness_compare(&seen, &log, note, merkle_path_slice(&a->other_path), evidence, NULL);
}

static void what_another_node_saw_is_proven(void **state)
{
  struct stage *s = *state;
  struct actor *ml = &s->actor[ML], *bf = &s->actor[BF];
  struct buf evidence = buf_new(EVIDENCE_BYTES_MAX);
  for (int i = 0; i < 12; i++) { /* sizes that are powers of two, and others */
    const struct checkpoint_seen theirs = ml->seen;
    assert_int_equal(ask(bf, slice_of(theirs.note, theirs.note_n), &evidence), TG_OK);
    actor_publish(ml, (struct story){.to = "BF"});
    stage_settle(s);
    assert_int_equal(ask(bf, slice_of(theirs.note, theirs.note_n), &evidence), TG_OK);
  }
  assert_true(bf->open && s->alarms == 0 && evidence.n == 0);
}

static void who_was_told_another_history_gets_the_proof(void **state)
{
  struct stage *s = *state;
  for (uint64_t size = 3; size <= 5; size++) { /* 4 is a complete tree, whose root a plain path leaves out */
    struct actor *bf = &s->actor[BF];
    struct buf note = buf_new(LIMIT_CHECKPOINT), evidence = buf_new(EVIDENCE_BYTES_MAX);
    const struct checkpoint forged = {
        .origin = slice_str(secret_key_name(s->kit->hub_log)), .size = size, .root = {{1, 2, 3}}};
    assert_int_equal(checkpoint_sign(&forged, s->kit->hub_log, &note, NULL), TG_OK);
    assert_int_equal(ask(bf, buf_slice(&note), &evidence), TG_CONFLICT);
    assert_true(evidence.n > 0);
    assert_int_equal(bf->goodbye, REASON_CONFLICT);
    assert_int_equal(s->alarms, size - 2);
    buf_free(&note);
    buf_free(&evidence);
    actor_hello(bf);
    stage_settle(s);
  }
}

static void every_frame_s_checkpoint_is_looked_at(void **state)
{
  struct stage *s = *state;
  struct actor *bf = &s->actor[BF];
  struct buf note = buf_new(LIMIT_CHECKPOINT);
  const struct checkpoint forged = {
      .origin = slice_str(secret_key_name(s->kit->hub_log)), .size = 3, .root = {{1, 2, 3}}};
  assert_int_equal(checkpoint_sign(&forged, s->kit->hub_log, &note, NULL), TG_OK);
  Tg__Receipts receipts = TG__RECEIPTS__INIT;
  Tg__Documents documents = TG__DOCUMENTS__INIT;
  receipts.checkpoint = documents.checkpoint = strict_data(buf_slice(&note));
  receipts.credit_count = 1;
  const struct {
    enum frame_type type;
    const ProtobufCMessage *message;
  } frames[] = {{FRAME_RECEIPTS, &receipts.base}, {FRAME_DOCUMENTS, &documents.base}};
  for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
    actor_frame(bf, frames[i].type, frames[i].message);
    stage_settle(s);
    assert_int_equal(bf->goodbye, REASON_CONFLICT);
    assert_int_equal(s->alarms, i + 1);
    actor_hello(bf);
    stage_settle(s);
    assert_true(bf->open);
  }
  buf_free(&note);
}

static void an_old_image_of_the_store_is_noticed(void **state)
{
  struct stage *s = *state;
  char command[256];
  stage_settle(s);
  snprintf(command, sizeof command, "cp -r %s %s.old", s->folder, s->folder);
  hub_free(s->hub);
  s->hub = NULL;
  assert_int_equal(system(command), 0);
  assert_int_equal(stage_restart(s), TG_OK);
  assert_int_equal(hub_time(s->hub, s->now), TG_OK);
  actor_hello(&s->actor[ML]);
  stage_settle(s);
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  hub_free(s->hub);
  s->hub = NULL;
  snprintf(command, sizeof command, "rm -rf %s && mv %s.old %s", s->folder, s->folder, s->folder);
  assert_int_equal(system(command), 0);
  assert_int_equal(stage_restart(s), TG_STALE);
}

static void a_signer_that_signs_something_else_stops_the_hub(void **state)
{
  struct stage *s = *state;
  s->slow_signer = true;
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  assert_true(s->ask_pending);
  assert_int_equal(s->actor[ML].outcomes, 0); /* nothing is acknowledged before */
  assert_true(hub_signed(s->hub, buf_slice(&s->signed_note)) != TG_OK);
}

struct files {
  size_t tiles, bundles, notes;
  uint64_t size;
};

static enum tg_err take_tile(void *context, const struct tile_name *name, struct slice bytes)
{
  struct files *f = context;
  assert_int_equal(bytes.n, name->width * (name->entries ? 34u : 32u));
  *(name->entries ? &f->bundles : &f->tiles) += 1;
  return TG_OK;
}

static enum tg_err take_note(void *context, uint64_t size, struct slice note)
{
  struct files *f = context;
  assert_true(note.n > 0);
  f->size = size;
  f->notes++;
  return TG_OK;
}

static void the_log_is_published_as_it_grows(void **state)
{
  struct stage *s = *state;
  struct files f = {0};
  const struct hub_files to = {.context = &f, .tile = take_tile, .checkpoint = take_note};
  uint64_t published = 0;
  bool more;
  for (int i = 0; i < 300; i++)
    actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  assert_int_equal(hub_log_publish(s->hub, &published, &to, &more), TG_OK);
  assert_false(more);
  assert_int_equal(published, s->actor[ML].seen.size > published ? 0 : published);
  assert_true(f.size > 300 && f.size == published);
  assert_int_equal(f.notes, 1);
  assert_int_equal(f.bundles, (published + 255) / 256);
  f = (struct files){0};
  assert_int_equal(hub_log_publish(s->hub, &published, &to, &more), TG_OK);
  assert_int_equal(f.notes + f.tiles + f.bundles, 0);
}

/* ---- witnesses */

static void two_must_cosign(struct charter *c)
{
  c->witness_quorum = (struct quorum){.n = 1, .term = {{.count = 2, .group = "members"}}};
}

/* The node says, in a Tick, what it saw last, cosigned with this key. */
static void vouch(struct actor *a, const struct secret_key *key)
{
  struct stage *s = a->stage;
  const struct slice seen = slice_of(a->seen.note, a->seen.note_n);
  struct buf out = buf_new(LIMIT_CHECKPOINT);
  struct note note;
  Tg__Tick m = TG__TICK__INIT;
  assert_int_equal(note_parse(seen, NULL, &note, NULL), TG_OK);
  buf_put_slice(&out, seen);
  assert_int_equal(note_cosign(&out, note.text, key, s->now.wall, NULL), TG_OK);
  m.time = (uint64_t)s->now.wall;
  m.checkpoint = strict_data(buf_slice(&out));
  actor_frame(a, FRAME_TICK, &m.base);
  buf_free(&out);
  stage_settle(s);
}

static size_t lines_of_note(const struct actor *a)
{
  struct note note;
  assert_int_equal(note_parse(slice_of(a->seen.note, a->seen.note_n), NULL, &note, NULL), TG_OK);
  return note.n;
}

static void expect_count(struct stage *s, const char *name, unsigned n)
{
  char wanted[64];
  struct buf stats = buf_new(64 * 1024);
  assert_int_equal(hub_stats(s->hub, &stats), TG_OK);
  buf_put_u8(&stats, 0);
  snprintf(wanted, sizeof wanted, "\"%s\":%u,", name, n);
  if (!strstr((const char *)stats.p, wanted))
    fail_msg("%s is not %u: %s", name, n, (const char *)stats.p);
  buf_free(&stats);
}

static void witnesses_are_called_once_and_settle_the_log(void **state)
{
  (void)state;
  struct stage *s = stage_new(3, two_must_cosign);
  struct files f = {0};
  const struct hub_files to = {.context = &f, .tile = take_tile, .checkpoint = take_note};
  uint64_t published = 0;
  bool more;
  stage_pass(s, 2000);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(s->actor[i].ticks, 1);
  assert_int_equal(hub_log_publish(s->hub, &published, &to, &more), TG_OK);
  vouch(&s->actor[ML], s->actor[ML].kit->witness);
  vouch(&s->actor[ML], s->actor[ML].kit->witness); /* twice is once */
  assert_int_equal(s->actor[NE].ticks, 1);
  vouch(&s->actor[BF], s->actor[BF].kit->witness);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(s->actor[i].ticks, 2);
    assert_int_equal(lines_of_note(&s->actor[i]), 3);
  }
  expect_count(s, "cosignatures", 2);
  expect_count(s, "log_settled", (unsigned)published);
  assert_int_equal(hub_log_publish(s->hub, &published, &to, &more), TG_OK);
  assert_int_equal(f.notes, 2); /* once more, for its cosignatures */
  assert_int_equal(hub_log_publish(s->hub, &published, &to, &more), TG_OK);
  assert_int_equal(f.notes, 2);
  stage_pass(s, 10000); /* then nobody has anything to say */
  assert_int_equal(s->actor[NE].ticks, 2);
  stage_free(s);
}

static void false_cosignatures_change_nothing(void **state)
{
  (void)state;
  struct stage *s = stage_new(3, two_must_cosign);
  struct actor *ml = &s->actor[ML], *bf = &s->actor[BF];
  Tg__Tick garbage = TG__TICK__INIT;
  stage_pass(s, 2000);
  vouch(ml, bf->kit->witness); /* another's key */
  vouch(bf, ml->kit->witness);
  garbage.time = (uint64_t)s->now.wall;
  garbage.checkpoint = strict_data(slice_str("it is all true, believe me\n"));
  actor_frame(bf, FRAME_TICK, &garbage.base);
  stage_settle(s);
  expect_count(s, "cosignatures_ignored", 3);
  const struct checkpoint_seen old = ml->seen;
  actor_publish(ml, (struct story){.to = "BF"});
  stage_settle(s);
  ml->seen = old;
  vouch(ml, ml->kit->witness); /* too late: the log has grown */
  expect_count(s, "cosignatures_ignored", 4);
  expect_count(s, "cosignatures", 0);
  expect_count(s, "log_settled", 0);
  assert_true(ml->open && bf->open);
  assert_int_equal(s->alarms, 0);
  stage_free(s);
}

static void a_witness_of_another_history_is_an_alarm(void **state)
{
  (void)state;
  struct stage *s = stage_new(3, two_must_cosign);
  struct actor *bf = &s->actor[BF];
  stage_pass(s, 2000);
  const struct checkpoint forged = {
      .origin = slice_str(secret_key_name(s->kit->hub_log)), .size = bf->seen.size, .root = {{1, 2, 3}}};
  struct buf note = buf_new(LIMIT_CHECKPOINT);
  assert_int_equal(checkpoint_sign(&forged, s->kit->hub_log, &note, NULL), TG_OK);
  memcpy(bf->seen.note, note.p, note.n);
  bf->seen.note_n = note.n;
  vouch(bf, bf->kit->witness);
  assert_int_equal(bf->goodbye, REASON_CONFLICT);
  assert_int_equal(s->alarms, 1);
  expect_count(s, "cosignatures", 0);
  buf_free(&note);
  stage_free(s);
}

/* FLASH within a minute, ROUTINE within twelve hours: who does not answer is named to the operator, once. */
static void receipts_that_do_not_come_are_an_alarm(void **state)
{
  struct stage *s = *state;
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .precedence = PRECEDENCE_ROUTINE});
  stage_settle(s);
  actor_receive(&s->actor[BF], 0, RECEIPT_STORED);
  actor_receive(&s->actor[BF], 1, RECEIPT_STORED);
  stage_settle(s);
  stage_pass(s, 2 * TG_HOUR);
  assert_int_equal(s->alarms, 0); /* it answered */
  actor_hello(&s->actor[ML]); /* both were silent for too long */
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .precedence = PRECEDENCE_ROUTINE, .lifetime = 7 * TG_DAY});
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .precedence = PRECEDENCE_FLASH, .lifetime = 7 * TG_DAY});
  stage_settle(s);
  stage_pass(s, 50 * TG_SECOND);
  assert_int_equal(s->alarms, 0);
  stage_pass(s, 15 * TG_SECOND);
  assert_int_equal(s->alarms, 1);
  stage_pass(s, 11 * TG_HOUR);
  assert_int_equal(s->alarms, 1);
  stage_pass(s, TG_HOUR);
  assert_int_equal(s->alarms, 2);
  expect_count(s, "receipts_overdue", 2);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, three, gone)
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
      STORY(what_expires_leaves_the_queue),
      STORY(receipts_that_do_not_come_are_an_alarm),
      STORY(clocks_are_not_believed),
      STORY(credit_is_respected_and_flash_goes_first),
      cmocka_unit_test(too_many_flash_are_refused),
      cmocka_unit_test(a_full_queue_refuses),
      STORY(one_number_for_two_bulletins_is_evidence),
      STORY(nobody_speaks_as_another),
      STORY(a_false_signature_takes_nothing),
      STORY(garbage_is_counted_and_the_abuser_cut),
      STORY(an_oversized_frame_is_refused),
      STORY(a_receipt_for_what_one_was_not_given_is_not_taken),
      STORY(a_revoked_node_is_cut_and_what_it_said_is_held),
      STORY(a_silent_session_ends),
      STORY(a_lost_frame_ends_the_session_and_nothing_else),
      STORY(another_checkpoint_of_our_log_is_an_alarm),
      STORY(what_another_node_saw_is_proven),
      STORY(who_was_told_another_history_gets_the_proof),
      STORY(every_frame_s_checkpoint_is_looked_at),
      STORY(an_old_image_of_the_store_is_noticed),
      STORY(a_signer_that_signs_something_else_stops_the_hub),
      STORY(the_log_is_published_as_it_grows),
      cmocka_unit_test(witnesses_are_called_once_and_settle_the_log),
      cmocka_unit_test(false_cosignatures_change_nothing),
      cmocka_unit_test(a_witness_of_another_history_is_an_alarm),
  };
  return cmocka_run_group_tests_name("broker_hub", tests, NULL, NULL);
}
