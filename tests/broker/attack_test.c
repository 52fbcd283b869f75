/* A hostile member with a valid node and its real keys: it may not stop the hub, fill its disk, stand in others' way,
   or get around what its suspension or an originator's control forbid. */
#include "tests/broker/stage.h"
#include "tests/sim/disk.h"

#include "audit/reason.h"
#include "proto/hash.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sqlite3.h>

#include <cmocka.h>

enum { ML, BF, NE };

/* The hub still does its work for others. */
static void expect_alive(struct stage *s)
{
  struct actor *bf = &s->actor[BF], *ne = &s->actor[NE];
  if (!bf->open)
    actor_hello(bf);
  if (!ne->open)
    actor_hello(ne);
  stage_settle(s);
  size_t before = ne->deliveries;
  actor_publish(bf, (struct story){.to = "NE"});
  stage_settle(s);
  assert_int_equal(ne->deliveries, before + 1);
}

/* What the store holds of something, by SQL, between turns. */
static int64_t count(struct stage *s, const char *sql)
{
  sqlite3 *db;
  sqlite3_stmt *row;
  hub_free(s->hub); /* it alone may have the store open */
  s->hub = NULL;
  assert_int_equal(sqlite3_open_v2(s->database, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(row), SQLITE_ROW);
  int64_t n = sqlite3_column_int64(row, 0);
  sqlite3_finalize(row);
  sqlite3_close(db);
  assert_int_equal(stage_restart(s), TG_OK);
  return n;
}

/* ---- stopping the hub */

/* Authentic, broken in its parts, and under a number that is taken: refused like any other. */
static void a_broken_bulletin_under_a_taken_number_stops_nothing(void **state)
{
  struct stage *s = *state;
  struct actor *ml = &s->actor[ML];
  actor_publish(ml, (struct story){.to = "BF", .number = 7});
  stage_settle(s);
  struct sealed b = actor_seal(ml, (struct story){.to = "BF", .number = 7});
  b.message->releases[0].data[2] ^= 1;
  actor_submit(ml, &b);
  stage_settle(s);
  assert_int_equal(ml->outcomes, 2);
  assert_false(ml->outcome[1].accepted);
  body_drop(&b.body);
  expect_alive(s);
}

/* The widest numbers that the wire takes, and wider ones. */
static void no_number_is_too_large_for_the_store(void **state)
{
  struct stage *s = *state;
  struct actor *ml = &s->actor[ML];
  static const uint64_t numbers[] = {UINT64_C(1) << 62, (UINT64_C(1) << 62) + 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    uint64_t queue[] = {numbers[i]};
    Tg__Receipts m = TG__RECEIPTS__INIT;
    m.queues = queue;
    m.n_queues = 1;
    m.credit_count = numbers[i];
    m.credit_bytes = numbers[i];
    m.serial = numbers[i];
    size_t n = tg__receipts__get_packed_size(&m);
    uint8_t frame[128] = {1, FRAME_RECEIPTS};
    assert_true(n + 2 <= sizeof frame);
    tg__receipts__pack(&m, frame + 2);
    actor_raw(ml, frame, n + 2);
    stage_settle(s);
  }
  expect_alive(s);
}

/* As many inline bodies as a Submit can hold must also fit the Deliver that carries them on. */
static void the_largest_submission_can_be_delivered(void **state)
{
  struct stage *s = *state;
  struct actor *ml = &s->actor[ML];
  size_t said = 0;
  for (size_t last = 300; last < 32000; last += 500) {
    Tg__Submission *m = actor_seal_portions(ml, "BF", 5, 250000, last).message;
    if (tg__submission__get_packed_size(m) > LIMIT_MESSAGE - 16)
      break;
    actor_submit(ml, &(struct sealed){.message = m});
    stage_settle(s);
    assert_int_equal(ml->outcomes, ++said);
    for (; s->actor[BF].deliveries > 0; s->actor[BF].deliveries--)
      actor_receive(&s->actor[BF], s->actor[BF].deliveries - 1, RECEIPT_STORED);
  }
  assert_false(ml->outcome[said - 1].accepted);
  assert_true(ml->outcome[0].accepted);
  expect_alive(s);
}

/* ---- filling its disk */

static void few_an_hour(struct charter *c)
{
  c->limits.bulletins_per_hour = 20;
}

/* What is refused beyond the quota is bounded as well: the log and the store do not grow as fast as somebody can talk. */
static void refusals_are_rationed_too(void **state)
{
  (void)state;
  struct stage *s = stage_new(3, few_an_hour);
  struct actor *ml = &s->actor[ML];
  for (int i = 0; i < 200; i++) {
    if (!ml->open)
      actor_hello(ml);
    actor_publish(ml, (struct story){.to = "BF"});
    stage_settle(s);
  }
  assert_true(count(s, "SELECT count(*) FROM bulletin") <= 2 * 20 + 1);
  expect_alive(s);
  stage_free(s);
}

/* A cheat is proved once; a thousand proofs of it would only fill the disk. */
static void evidence_of_one_node_is_rationed(void **state)
{
  struct stage *s = *state;
  struct actor *ml = &s->actor[ML];
  for (int i = 0; i < 60; i++)
    actor_publish(ml, (struct story){.to = "BF", .number = 7});
  stage_settle(s);
  int64_t kept = count(s, "SELECT count(*) FROM evidence");
  assert_true(kept >= 1 && kept <= 16);
  expect_alive(s);
}

/* Every Hello is two leaves of the log. */
static void hellos_are_rationed(void **state)
{
  struct stage *s = *state;
  struct actor *ml = &s->actor[ML];
  int64_t before = count(s, "SELECT count(*) FROM entry");
  for (int i = 0; i < 3000; i++) {
    actor_hello(ml);
    stage_settle(s);
  }
  assert_int_equal(ml->goodbye, REASON_QUOTA);
  assert_true(count(s, "SELECT count(*) FROM entry") - before < 2500);
  expect_alive(s);
  stage_pass(s, 60000);
  actor_hello(ml); /* and it is let in again in time */
  stage_settle(s);
  assert_true(ml->open);
}

/* ---- standing in others' way */

static void few_documents(struct charter *c)
{
  c->limits.documents_per_hour = 10;
}

/* A stolen node talks so many documents that its member's other node could not bring its revocation. */
static void a_stolen_node_cannot_keep_its_revocation_out(void **state)
{
  (void)state;
  struct stage *s = stage_new(3, few_documents);
  struct actor *ml = &s->actor[ML];
  struct kit_node *second = kit_add_node(s->kit, ML);
  assert_int_equal(stage_document(s, &second->credential), TG_OK);
  struct actor *other = stage_actor(s, ML, 1);
  actor_hello(other);
  for (unsigned i = 0; i < 40; i++) {
    struct buf policy = kit_policy_note(s->kit, ML, 2 + i, "import allow ** from * up-to SECRET\n", s->now.wall, 1);
    actor_bring(ml, &policy);
    buf_free(&policy);
  }
  stage_settle(s);
  assert_true(ml->open);
  assert_int_equal(ml->document_outcome[ml->document_outcomes - 1], REASON_QUOTA);
  struct buf note = kit_revoke(s->kit, ML, ml->kit, s->now.wall);
  actor_bring(other, &note);
  stage_settle(s);
  assert_int_equal(ml->goodbye, REASON_REVOKED);
  buf_free(&note);
  stage_free(s);
}

/* A line that dropped something has a node say all its documents again, known ones and all. */
static void what_is_known_already_uses_up_nothing(void **state)
{
  (void)state;
  struct stage *s = stage_new(3, few_documents);
  struct actor *ml = &s->actor[ML];
  for (int i = 0; i < 40; i++)
    actor_bring(ml, &s->kit->member[ML].policy);
  struct buf policy = kit_policy_note(s->kit, ML, 2, "import allow ** from * up-to SECRET\n", s->now.wall, 1);
  actor_bring(ml, &policy);
  stage_settle(s);
  assert_int_equal(ml->document_outcome[ml->document_outcomes - 1], REASON_NONE);
  assert_int_equal(ml->document_outcomes, 41);
  buf_free(&policy);
  stage_free(s);
}

/* One node begins more uploads than the hub carries at once, and feeds each just enough not to stall. */
static void slow_uploads_leave_room_for_others(void **state)
{
  struct stage *s = *state;
  struct actor *ml = &s->actor[ML], *bf = &s->actor[BF];
  enum { MANY = 80, SIZE = 300000 };
  static uint8_t bytes[SIZE];
  randombytes_buf(bytes, sizeof bytes);
  for (int i = 0; i < MANY; i++) {
    struct sealed b = actor_seal(ml, (struct story){.to = "NE", .content = slice_of(bytes, SIZE), .apart = true});
    actor_submit(ml, &b);
    body_drop(&b.body);
  }
  stage_settle(s);
  struct sealed b = actor_seal(bf, (struct story){.to = "NE", .content = slice_of(bytes, SIZE), .apart = true});
  actor_submit(bf, &b);
  stage_settle(s);
  assert_int_equal(bf->wants, 1);
  for (uint64_t chunk = bf->want_chunk; chunk < bf->want_end; chunk++)
    actor_chunk(bf, &b, chunk);
  stage_settle(s);
  actor_expect(bf, 0, REASON_NONE);
  body_drop(&b.body);
}

/* One byte of a chunk. */
static void drip(struct actor *a, const struct sealed *b, uint32_t offset)
{
  Tg__Chunk m = TG__CHUNK__INIT;
  m.bulletin = strict_data_of(b->id.b, 32);
  m.offset = offset;
  m.sealed = strict_data(slice_of(body_chunk(&b->body, 0).p + offset, 1));
  actor_frame(a, FRAME_CHUNK, &m.base);
}

/* All of them do so, and each place is fed a byte now and then, so that none ever stalls. A place is held for a time, not for ever. */
static void dripped_bytes_hold_no_place_for_ever(void **state)
{
  (void)state;
  enum { NODES = 4, EACH = 16, PLACES = EACH * NODES, SIZE = 300000 };
  static uint8_t bytes[SIZE];
  static struct sealed b[PLACES + 1];
  struct stage *s = stage_new(NODES, NULL);
  randombytes_buf(bytes, sizeof bytes);
  for (size_t i = 0; i <= PLACES; i++) {
    struct actor *a = &s->actor[i % NODES];
    b[i] = actor_seal(a, (struct story){.to = i % NODES == NE ? "BF" : "NE", .content = slice_of(bytes, SIZE), .apart = true});
    actor_submit(a, &b[i]);
    stage_settle(s);
  }
  struct actor *late = &s->actor[0];
  assert_int_equal(late->wants, EACH); /* its last one waits */
  for (uint32_t round = 0; round < 125 && late->wants == EACH; round++) {
    for (size_t i = 0; i < PLACES; i++)
      drip(&s->actor[i % NODES], &b[i], round);
    stage_pass(s, 5000);
  }
  assert_true(late->wants > EACH);
  assert_memory_equal(late->want_id.b, b[PLACES].id.b, 32);
  for (size_t i = 0; i <= PLACES; i++)
    body_drop(&b[i].body);
  stage_free(s);
}

/* Routine traffic to an absent node must not keep a FLASH of somebody else from it. */
static void short_queues(struct charter *c)
{
  c->limits.queue = 16;
}

static void a_flood_of_routine_leaves_room_for_flash(void **state)
{
  (void)state;
  struct stage *s = stage_new(3, short_queues);
  struct actor *ml = &s->actor[ML], *ne = &s->actor[NE];
  struct seal_pk peer = secret_key_seal_pk(s->actor[BF].kit->transport);
  assert_int_equal(hub_gone(s->hub, &peer), TG_OK);
  s->actor[BF].open = false;
  for (int i = 0; i < 30; i++)
    actor_publish(ml, (struct story){.to = "BF"});
  stage_settle(s);
  actor_expect(ml, 29, REASON_QUOTA);
  actor_publish(ne, (struct story){.to = "BF", .precedence = PRECEDENCE_FLASH});
  stage_settle(s);
  actor_expect(ne, 0, REASON_NONE);
  stage_free(s);
}

/* Nor may one member's flood keep what others say from it: each takes no more than it leaves free, also when the hub began anew. */
static void a_flood_of_one_leaves_room_for_the_others(void **state)
{
  (void)state;
  struct stage *s = stage_new(4, short_queues);
  struct actor *ml = &s->actor[ML], *ne = &s->actor[NE], *sn = &s->actor[3];
  struct seal_pk peer = secret_key_seal_pk(s->actor[BF].kit->transport);
  assert_int_equal(hub_gone(s->hub, &peer), TG_OK);
  s->actor[BF].open = false;
  size_t taken[2] = {0};
  for (int i = 0; i < 30; i++)
    actor_publish(ml, (struct story){.to = "BF"});
  stage_settle(s);
  for (int i = 0; i < 30; i++)
    actor_publish(ne, (struct story){.to = "BF"});
  stage_settle(s);
  for (int i = 0; i < 30; i++) {
    taken[0] += ml->outcome[i].accepted;
    taken[1] += ne->outcome[i].accepted;
  }
  assert_int_equal(taken[0], 5); /* half of the ten that ROUTINE may fill */
  assert_int_equal(taken[1], 3); /* and again of what was left, and one */
  assert_int_equal(stage_restart(s), TG_OK);
  actor_hello(ml);
  actor_hello(sn);
  stage_settle(s);
  actor_forget(ml);
  actor_publish(ml, (struct story){.to = "BF"});
  actor_publish(sn, (struct story){.to = "BF"});
  stage_settle(s);
  actor_expect(ml, 0, REASON_QUOTA);
  actor_expect(sn, 0, REASON_NONE);
  stage_free(s);
}

/* ---- getting around what is forbidden */

/* A list that names an agency reaches its nodes, and no other of the same state. */
static void an_agency_s_bulletin_is_wrapped_for_no_other(void **state)
{
  struct stage *s = *state;
  struct actor *ml = &s->actor[ML];
  assert_int_equal(stage_document(s, &kit_add_node_of(s->kit, BF, "dgse")->credential), TG_OK);
  actor_publish(ml, (struct story){.to = "BF/dgse", .wraps = "BF"}); /* whose node on the stage is of BF/ops */
  actor_publish(ml, (struct story){.to = "BF/ops"});
  stage_settle(s);
  actor_expect(ml, 0, REASON_POLICY);
  actor_expect(ml, 1, REASON_NONE);
  assert_int_equal(s->actor[BF].deliveries, 1);
}

/* Neither as something new nor as a correction of something that may pass; a recall carries no source at all (proto/subject.c). */
static void an_orcon_source_goes_no_further(void **state)
{
  struct stage *s = *state;
  struct actor *ml = &s->actor[ML], *bf = &s->actor[BF];
  struct hash secret = actor_publish(ml, (struct story){.to = "BF", .caveats = CAVEAT_ORCON});
  struct hash mine = actor_publish(bf, (struct story){.to = "NE"});
  stage_settle(s);
  assert_int_equal(bf->deliveries, 1);
  assert_int_equal(s->actor[NE].deliveries, 1);
  actor_publish(bf, (struct story){.to = "NE", .source = secret});
  actor_publish(bf, (struct story){.to = "NE", .source = secret, .kind = KIND_CORRECTION, .supersedes = mine});
  stage_settle(s);
  assert_int_equal(bf->outcomes, 3);
  for (size_t i = 1; i < 3; i++)
    assert_false(bf->outcome[i].accepted);
  assert_int_equal(s->actor[NE].deliveries, 1);
}

/* To who was given none of it, what others said answers as what nobody said: else a member could ask the hub about ids. */
static void a_source_of_others_tells_nothing(void **state)
{
  struct stage *s = *state;
  struct actor *ml = &s->actor[ML], *ne = &s->actor[NE];
  const struct hash theirs = actor_publish(ml, (struct story){.to = "BF"}), nobodys = {{7}};
  stage_settle(s);
  actor_publish(ne, (struct story){.to = "BF", .source = nobodys});
  actor_publish(ne, (struct story){.to = "BF", .source = theirs});
  stage_settle(s);
  actor_expect(ne, 0, REASON_POLICY);
  actor_expect(ne, 1, REASON_POLICY);
  assert_string_equal(ne->outcome[0].detail, ne->outcome[1].detail);
}

/* ---- two words under one number, and what others may read */

#define ALLOW "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\n"

static void two_policies_with_one_serial_are_evidence(void **state)
{
  struct stage *s = *state;
  struct actor *ml = &s->actor[ML];
  kit_policy(s->kit, ML, ALLOW "export deny ** to NE\n", s->now.wall, 1);
  actor_bring(ml, &s->kit->member[ML].policy);
  s->kit->member[ML].policy_serial--;
  kit_policy(s->kit, ML, ALLOW "export deny ** to BF\n", s->now.wall, 1);
  actor_bring(ml, &s->kit->member[ML].policy);
  stage_settle(s);
  assert_int_equal(ml->document_outcome[0], REASON_NONE);
  assert_int_equal(ml->document_outcome[1], REASON_CONFLICT);
  assert_int_equal(s->alarms, 1);
  assert_int_equal(count(s, "SELECT count(*) FROM evidence"), 1);
}

/* Nobody but its own member and the hub reads such a policy. */
static void a_hidden_policy_is_shown_to_its_member_only(void **state)
{
  struct stage *s = *state;
  kit_policy(s->kit, ML, "visibility hub\n" ALLOW "export deny ** to NE\n", s->now.wall, 1);
  for (size_t i = 0; i < 3; i++)
    actor_forget(&s->actor[i]);
  actor_bring(&s->actor[ML], &s->kit->member[ML].policy);
  stage_settle(s);
  assert_int_equal(s->actor[ML].document_outcome[0], REASON_NONE);
  assert_int_equal(s->actor[ML].documents, 1);
  assert_int_equal(s->actor[BF].documents, 0);
  assert_int_equal(s->actor[NE].documents, 0);
}

/* Its entry is for who brought it. */
static void a_refused_document_is_shown_to_nobody_else(void **state)
{
  struct stage *s = *state;
  kit_policy(s->kit, ML, ALLOW "export allow ** to * up-to TOP-SECRET\n", s->now.wall, 1); /* it widens, and one officer signed it */
  for (size_t i = 0; i < 3; i++)
    actor_forget(&s->actor[i]);
  actor_bring(&s->actor[ML], &s->kit->member[ML].policy);
  stage_settle(s);
  assert_int_equal(s->actor[ML].document_outcome[0], REASON_QUORUM);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(s->actor[i].documents + (i == ML ? 0 : s->actor[i].document_outcomes), 0);
}

/* A folder that was mixed up, or put there by somebody. */
static void the_store_of_another_hub_is_not_taken(void **state)
{
  struct stage *s = *state;
  strcpy(s->config.name, "hub2");
  assert_int_equal(stage_restart(s), TG_CONFLICT);
  strcpy(s->config.name, "hub1");
  s->config.exchange.b[0] ^= 1;
  assert_int_equal(stage_restart(s), TG_CONFLICT);
  s->config.exchange.b[0] ^= 1;
  assert_int_equal(stage_restart(s), TG_OK);
}

/* ---- a disk that fails */

/* The n-th write or sync of a turn fails, whichever: the hub stops, nobody was told anything, and from the disk it goes on. */
static void what_the_disk_did_not_take_is_not_acknowledged(void **state)
{
  struct stage *s = *state;
  struct random r = random_new(1);
  struct disk *d = disk_new("attack", &r);
  bool failed = true;
  unsigned failures = 0;
  stage_move(s, disk_vfs(d));
  for (uint64_t n = 1; failed; n++) {
    struct actor *ml = &s->actor[ML];
    for (size_t i = 0; i < s->actors; i++)
      actor_forget(&s->actor[i]);
    struct sealed b = actor_seal(ml, (struct story){.to = "BF"});
    actor_submit(ml, &b);
    disk_fail_after(d, n, n & 1);
    failed = stage_commit(s) != TG_OK;
    disk_fail_after(d, 0, false);
    failures += failed;
    if (failed) {
      assert_int_equal(ml->outcomes, 0);
      assert_int_equal(s->actor[BF].deliveries, 0);
      assert_int_equal(stage_restart(s), TG_OK);
      for (size_t i = 0; i < s->actors; i++)
        actor_hello(&s->actor[i]);
      stage_settle(s);
      actor_submit(ml, &b);
    }
    stage_settle(s);
    assert_int_equal(ml->outcomes, 1);
    actor_expect(ml, 0, REASON_NONE);
    assert_int_equal(s->actor[BF].deliveries, 1);
    actor_receive(&s->actor[BF], 0, RECEIPT_STORED); /* or it would come again with the next session */
    stage_settle(s);
    body_drop(&b.body);
  }
  assert_true(failures >= 2); /* a write and a sync at least */
  hub_free(s->hub);
  s->hub = NULL;
  disk_free(d);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, stage_three, stage_gone)
  const struct CMUnitTest tests[] = {
      STORY(a_broken_bulletin_under_a_taken_number_stops_nothing),
      STORY(no_number_is_too_large_for_the_store),
      STORY(the_largest_submission_can_be_delivered),
      cmocka_unit_test(refusals_are_rationed_too),
      STORY(evidence_of_one_node_is_rationed),
      STORY(hellos_are_rationed),
      cmocka_unit_test(what_is_known_already_uses_up_nothing),
      cmocka_unit_test(a_stolen_node_cannot_keep_its_revocation_out),
      STORY(slow_uploads_leave_room_for_others),
      STORY(dripped_bytes_hold_no_place_for_ever),
      cmocka_unit_test(a_flood_of_routine_leaves_room_for_flash),
      cmocka_unit_test(a_flood_of_one_leaves_room_for_the_others),
      STORY(an_agency_s_bulletin_is_wrapped_for_no_other),
      STORY(an_orcon_source_goes_no_further),
      STORY(a_source_of_others_tells_nothing),
      STORY(two_policies_with_one_serial_are_evidence),
      STORY(a_hidden_policy_is_shown_to_its_member_only),
      STORY(a_refused_document_is_shown_to_nobody_else),
      STORY(the_store_of_another_hub_is_not_taken),
      STORY(what_the_disk_did_not_take_is_not_acknowledged),
  };
  return cmocka_run_group_tests_name("broker_attack", tests, NULL, NULL);
}
