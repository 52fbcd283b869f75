/* The hub's log: proven to whoever saw a part of it, never two of it, published as it grows, settled by its witnesses. */
#include "audit/evidence.h"
#include "audit/witness.h"
#include "broker/logbook.h"
#include "tests/broker/stage.h"

#include "proto/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ML, BF, NE };

/* ---- the log */

static void another_checkpoint_of_our_log_is_an_alarm(void **state)
{
  struct stage *s = *state;
  for (uint64_t size = 3; size <= 9; size++) { /* powers of two among them */
    struct actor *bf = &s->actor[BF];
    const struct checkpoint_seen honest = bf->seen;
    const struct checkpoint forged = {
        .origin = slice_str(secret_key_name(s->kit->hub_log)), .size = size, .root = {{1, 2, (uint8_t)size}}};
    struct buf note = buf_new(LIMIT_CHECKPOINT);
    assert_int_equal(checkpoint_sign(&forged, s->kit->hub_log, &note, NULL), TG_OK);
    memcpy(bf->seen.note, note.p, note.n);
    bf->seen.note_n = note.n;
    bf->seen.size = forged.size;
    bf->seen.root = forged.root;
    bf->lied_to = true; /* the Welcome proves it */
    actor_hello(bf);
    stage_settle(s);
    assert_int_equal(bf->goodbye, REASON_CONFLICT);
    assert_int_equal(s->alarms, size - 2);
    buf_free(&note);
    bf->lied_to = false;
    bf->seen = honest;
    stage_pass(s, 61 * 1000); /* Hellos are rationed */
  }
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

/* The state of its signer is lost, or set back to before the first signature. Only where nobody knows of a log may one begin. */
static void a_signed_log_is_not_begun_anew(void **state)
{
  struct stage *s = *state;
  struct buf newest = s->signed_note;
  s->signed_note = buf_new(LIMIT_CHECKPOINT);
  for (unsigned i = 0; i < 2; i++)
    assert_int_equal(stage_restart(s), TG_STALE);
  buf_free(&s->signed_note);
  s->signed_note = newest;
  assert_int_equal(stage_restart(s), TG_OK);
  assert_int_equal(logbook_may_begin(hub_store(s->hub), NULL, NULL), TG_STALE);
}

static void bring(void *context, struct slice note)
{
  struct stage *s = context;
  assert_int_equal(hub_document(s->hub, note, NULL), TG_OK);
}

/* Its first entries were written, and it was killed before their signature: nobody has seen any, and it goes on without help. */
static void a_log_that_was_never_signed_is_begun(void **state)
{
  struct stage *s = *state;
  struct store *store;
  strcat(s->database, ".2");
  assert_int_equal(store_open(&(struct store_options){.database = s->database, .bodies = s->bodies}, &store, NULL), TG_OK);
  assert_int_equal(logbook_may_begin(store, NULL, NULL), TG_OK);
  store_close(&store);
  buf_clear(&s->signed_note);
  assert_int_equal(signing_begin(slice_str(secret_key_name(s->kit->hub_log)), &s->signer), TG_OK);
  s->slow_signer = true;
  for (unsigned life = 0; life < 3; life++) {
    assert_int_equal(stage_restart(s), TG_OK);
    assert_int_equal(hub_time(s->hub, s->now), TG_OK);
    if (life == 0)
      kit_each_document(s->kit, bring, s);
    stage_pass(s, 2000);
    assert_true(s->ask_pending);
    assert_int_equal(logbook_may_begin(hub_store(s->hub), NULL, NULL), TG_STALE);
  }
  s->slow_signer = false;
  stage_settle(s);
  assert_true(s->signer.size > 0);
  buf_clear(&s->signed_note); /* and from now on it is a log that was signed */
  stage_pass(s, 2000);
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
  uint8_t bundle[TILE_WIDTH * 34]; /* the last */
  unsigned lines; /* signatures of the last note */
  uint64_t size;
};

static enum tg_err take_tile(void *context, const struct tile_name *name, struct slice bytes)
{
  struct files *f = context;
  assert_int_equal(bytes.n, name->width * (name->entries ? 34u : 32u));
  *(name->entries ? &f->bundles : &f->tiles) += 1;
  if (name->entries)
    memcpy(f->bundle, bytes.p, bytes.n);
  for (unsigned i = 0; !name->entries && name->level == 0 && i < name->width; i++) { /* its bundle came before */
    assert_true(f->bundle[34 * i] == 0 && f->bundle[34 * i + 1] == 32);
    const struct hash hash = merkle_leaf(slice_of(f->bundle + 34 * i + 2, 32));
    assert_memory_equal(hash.b, bytes.p + 32 * i, 32);
  }
  return TG_OK;
}

static enum tg_err take_note(void *context, uint64_t size, struct slice note)
{
  struct files *f = context;
  struct note parsed;
  assert_int_equal(note_parse(note, NULL, &parsed, NULL), TG_OK);
  f->lines = (unsigned)parsed.n;
  f->size = size;
  f->notes++;
  return TG_OK;
}

/* All that is new: in parts, between which others are heard. */
static void publish(struct stage *s, uint64_t *published, const struct hub_files *to)
{
  const struct files *f = to->context;
  bool more = true;
  while (more) {
    const size_t before = f->bundles, notes = f->notes;
    const uint64_t from = *published;
    assert_int_equal(hub_log_publish(s->hub, published, to, &more), TG_OK);
    assert_true(f->bundles - before <= 1); /* a short way */
    assert_true(!more || (f->notes == notes && *published == from / TILE_WIDTH * TILE_WIDTH + TILE_WIDTH));
  }
}

static void the_log_is_published_as_it_grows(void **state)
{
  struct stage *s = *state;
  struct files f = {0};
  const struct hub_files to = {.context = &f, .tile = take_tile, .checkpoint = take_note};
  uint64_t published = 0;
  for (int i = 0; i < 300; i++)
    actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  publish(s, &published, &to);
  assert_true(published >= s->actor[ML].seen.size);
  assert_true(f.size > 300 && f.size == published);
  assert_int_equal(f.notes, 1);
  assert_int_equal(f.bundles, (published + 255) / 256);
  f = (struct files){0};
  publish(s, &published, &to);
  assert_int_equal(f.notes + f.tiles + f.bundles, 0);
  /* Little by little: what did not grow does not come again. */
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  publish(s, &published, &to);
  assert_true(f.notes == 1 && f.tiles == 1 && f.bundles == 1);
  f = (struct files){0};
  while (published < 512) {
    actor_publish(&s->actor[ML], (struct story){.to = "BF"});
    stage_settle(s);
    publish(s, &published, &to);
  }
  assert_int_equal(f.tiles, f.bundles + 1); /* the tile above, when the lowest became full */
  f = (struct files){0};
  published = 0; /* the files are gone */
  publish(s, &published, &to);
  assert_true(f.bundles == (published + 255) / 256 && f.tiles == f.bundles + 1);
}

/* ---- witnesses */

static void vouch(struct actor *a, const struct secret_key *key)
{
  actor_cosign(a, key);
  stage_settle(a->stage);
}

static size_t lines_of_note(const struct actor *a)
{
  struct note note;
  assert_int_equal(note_parse(slice_of(a->seen.note, a->seen.note_n), NULL, &note, NULL), TG_OK);
  return note.n;
}

static void witnesses_are_called_once_and_settle_the_log(void **state)
{
  (void)state;
  struct stage *s = stage_new(3, kit_two_cosign);
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
  assert_int_equal(stage_count(s, "cosignatures"), 2);
  assert_int_equal(stage_count(s, "log_settled"), published);
  assert_int_equal(hub_log_publish(s->hub, &published, &to, &more), TG_OK);
  assert_int_equal(f.notes, 2); /* once more, for its cosignatures */
  assert_int_equal(hub_log_publish(s->hub, &published, &to, &more), TG_OK);
  assert_int_equal(f.notes, 2);
  stage_pass(s, 10000); /* then nobody has anything to say */
  assert_int_equal(s->actor[NE].ticks, 2);
  stage_free(s);
}

static unsigned lines_published(struct stage *s)
{
  struct files f = {0};
  const struct hub_files to = {.context = &f, .tile = take_tile, .checkpoint = take_note};
  uint64_t published = 0;
  bool more;
  assert_int_equal(hub_log_publish(s->hub, &published, &to, &more), TG_OK);
  return f.lines;
}

/* Killed between two witnesses, and after the last: what they said stays said. */
static void a_restart_takes_back_no_cosignature(void **state)
{
  (void)state;
  struct stage *s = stage_new(3, kit_two_cosign);
  stage_pass(s, 2000);
  vouch(&s->actor[ML], s->actor[ML].kit->witness);
  assert_int_equal(stage_restart(s), TG_OK);
  assert_int_equal(stage_count(s, "log_settled"), 0);
  assert_int_equal(lines_published(s), 2); /* the log's own, and the one witness's */
  for (size_t i = 0; i < s->actors; i++)
    actor_hello(&s->actor[i]);
  stage_settle(s);
  stage_pass(s, 2000);
  vouch(&s->actor[ML], s->actor[ML].kit->witness);
  vouch(&s->actor[BF], s->actor[BF].kit->witness);
  const uint64_t settled = s->actor[BF].seen.size;
  assert_int_equal(stage_count(s, "log_settled"), settled);
  assert_int_equal(stage_restart(s), TG_OK);
  assert_int_equal(stage_count(s, "log_settled"), settled);
  assert_int_equal(lines_published(s), 3);
  stage_free(s);
}

/* The signer's state is an old copy: it would sign a second time at sizes that witnesses have seen. */
static void a_signer_behind_what_is_settled_begins_nothing(void **state)
{
  (void)state;
  struct stage *s = stage_new(3, kit_two_cosign);
  stage_pass(s, 2000);
  const uint64_t size = s->signer.size;
  struct buf old = buf_new(LIMIT_CHECKPOINT), newest;
  buf_put_slice(&old, buf_slice(&s->signed_note));
  assert_true(size > 0);
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  stage_pass(s, 2000);
  vouch(&s->actor[ML], s->actor[ML].kit->witness);
  vouch(&s->actor[BF], s->actor[BF].kit->witness);
  assert_true(stage_count(s, "log_settled") > size);
  newest = s->signed_note;
  s->signed_note = old; /* what the signer greets its hub with */
  assert_int_equal(stage_restart(s), TG_STALE);
  s->signed_note = newest;
  assert_int_equal(stage_restart(s), TG_OK);
  buf_free(&old);
  stage_free(s);
}

/* A clock that is far ahead would make cosignatures that count long after the witness was revoked. */
static void a_cosignature_of_the_future_counts_for_nothing(void **state)
{
  (void)state;
  struct stage *s = stage_new(3, kit_two_cosign);
  stage_pass(s, 2000);
  s->now.wall += TG_HOUR;
  actor_cosign(&s->actor[ML], s->actor[ML].kit->witness);
  s->now.wall -= TG_HOUR;
  stage_settle(s);
  assert_int_equal(stage_count(s, "cosignatures"), 0);
  assert_int_equal(stage_count(s, "cosignatures_ignored"), 1);
  vouch(&s->actor[ML], s->actor[ML].kit->witness);
  assert_int_equal(stage_count(s, "cosignatures"), 1);
  stage_free(s);
}

static void false_cosignatures_change_nothing(void **state)
{
  (void)state;
  struct stage *s = stage_new(3, kit_two_cosign);
  struct actor *ml = &s->actor[ML], *bf = &s->actor[BF];
  Tg__Tick garbage = TG__TICK__INIT;
  stage_pass(s, 2000);
  vouch(ml, bf->kit->witness); /* another's key */
  vouch(bf, ml->kit->witness);
  garbage.time = (uint64_t)s->now.wall;
  garbage.checkpoint = strict_data(slice_str("it is all true, believe me\n"));
  actor_frame(bf, FRAME_TICK, &garbage.base);
  stage_settle(s);
  assert_int_equal(stage_count(s, "cosignatures_ignored"), 3);
  const struct checkpoint_seen old = ml->seen;
  actor_publish(ml, (struct story){.to = "BF"});
  stage_settle(s);
  ml->seen = old;
  vouch(ml, ml->kit->witness); /* too late: the log has grown */
  assert_int_equal(stage_count(s, "cosignatures_ignored"), 4);
  assert_int_equal(stage_count(s, "cosignatures"), 0);
  assert_int_equal(stage_count(s, "log_settled"), 0);
  assert_true(ml->open && bf->open);
  assert_int_equal(s->alarms, 0);
  stage_free(s);
}

static void a_witness_of_another_history_is_an_alarm(void **state)
{
  (void)state;
  struct stage *s = stage_new(3, kit_two_cosign);
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
  assert_int_equal(stage_count(s, "cosignatures"), 0);
  buf_free(&note);
  stage_free(s);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, stage_three, stage_gone)
  const struct CMUnitTest tests[] = {
      STORY(another_checkpoint_of_our_log_is_an_alarm),
      STORY(what_another_node_saw_is_proven),
      STORY(who_was_told_another_history_gets_the_proof),
      STORY(every_frame_s_checkpoint_is_looked_at),
      STORY(an_old_image_of_the_store_is_noticed),
      STORY(a_signed_log_is_not_begun_anew),
      STORY(a_log_that_was_never_signed_is_begun),
      STORY(a_signer_that_signs_something_else_stops_the_hub),
      STORY(the_log_is_published_as_it_grows),
      cmocka_unit_test(witnesses_are_called_once_and_settle_the_log),
      cmocka_unit_test(a_restart_takes_back_no_cosignature),
      cmocka_unit_test(a_signer_behind_what_is_settled_begins_nothing),
      cmocka_unit_test(a_cosignature_of_the_future_counts_for_nothing),
      cmocka_unit_test(false_cosignatures_change_nothing),
      cmocka_unit_test(a_witness_of_another_history_is_an_alarm),
  };
  return cmocka_run_group_tests_name("broker_hub_log", tests, NULL, NULL);
}
