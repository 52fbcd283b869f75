/* A hub that keeps two logs, with all its keys: what a node must notice, leave and keep evidence of, and what accuses nobody. */
#include "client/node/gossip.h"
#include "client/node/talk.h"
#include "client/node/watch.h"
#include "tests/client/node/apart.h"

#include "audit/checkpoint.h"
#include "audit/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void inject_tick(struct world *w, uint64_t size, const struct hash *root)
{
  struct note_key log;
  struct buf note = buf_new(CHECKPOINT_BYTES_MAX), frame = buf_new(LIMIT_FRAME);
  struct tg_why why;
  assert_int_equal(secret_key_note_key(w->kit->hub_log, &log), TG_OK);
  struct checkpoint c = {.origin = slice_str(log.name), .size = size, .root = *root};
  assert_int_equal(checkpoint_sign(&c, w->kit->hub_log, &note, &why), TG_OK);
  Tg__Tick tick = TG__TICK__INIT;
  tick.time = (uint64_t)pair_now(w->pair);
  tick.checkpoint = (ProtobufCBinaryData){note.n, note.p};
  assert_int_equal(frame_encode(FRAME_TICK, &tick.base, &frame, &why), TG_OK);
  pair_inject(w->pair, BF, buf_slice(&frame));
  buf_free(&note);
  buf_free(&frame);
}

static void a_forked_log_is_evidence_and_the_end_of_trust(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct hash other;
  world_publish(p, "BF", "before");
  pair_settle(p);
  memset(other.b, 7, sizeof other.b);
  inject_tick(w, watch_size(pair_core(p, BF)), &other);
  assert_int_equal(pair_told(p, BF, "log-forked"), 1);
  assert_int_equal(pair_evidence(p, BF), 1);
  assert_int_not_equal(talk_state(pair_core(p, BF)), TALK_OPEN);
  world_publish(p, "BF", "after");
  pair_pass(p, 10 * TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 1);
  pair_kill(p, BF); /* nor after a restart */
  pair_start(p, BF);
  pair_pass(p, 10 * TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 1);
}

static void a_checkpoint_without_proof_ends_the_session(void **state)
{
  struct world *w = *state;
  struct hash other;
  memset(other.b, 7, sizeof other.b);
  inject_tick(w, watch_size(pair_core(w->pair, BF)) + 10, &other);
  assert_int_equal(pair_told(w->pair, BF, "checkpoint-not-proven"), 1);
  assert_int_equal(pair_told(w->pair, BF, "log-forked"), 0);
  world_publish(w->pair, "BF", "after");
  pair_pass(w->pair, TG_MINUTE); /* a new session begins from what was proven */
  assert_int_equal(look_inbox(w->pair, BF), 1);
}

static void cross(struct world *w, bool away)
{
  struct pair *p = w->pair;
  struct apart down, up;
  apart_settled(w, &down, &up, away);
  assert_int_equal(look_inbox(p, BF), 2);
  world_publish(p, "BF", "from the other history");
  pair_pass(p, TG_MINUTE);
  assert_int_equal(pair_told(p, BF, "log-forked"), 1);
  assert_int_equal(pair_evidence(p, BF), 1);
  assert_int_not_equal(talk_state(pair_core(p, BF)), TALK_OPEN);
  const size_t had = look_inbox(p, BF);
  assert_int_equal(had, away ? 3 : 2); /* asked for a proof it had taken the bulletin meanwhile: it is ML's own word */
  assert_int_equal(pair_publish(p, NE, &(struct pair_bulletin){.to = "BF", .text = "after"}, NULL), TG_OK);
  pair_pass(p, 10 * TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), had); /* but nothing more from that hub */
}

/* ML's bulletins name what ML saw, where no hub can change it. */
static void one_bulletin_across_gives_the_hub_away(void **state) { cross(*state, false); }
static void what_was_not_seen_must_be_proven(void **state) { cross(*state, true); }

/* What ML wrote before the histories parted comes behind what it wrote after: an earlier checkpoint, which the hub can prove. */
static void an_earlier_checkpoint_does_not_excuse_the_later(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct apart down, up;
  pair_plug(p, BF, false);
  assert_int_equal(pair_publish(p, NE, &(struct pair_bulletin){.to = "ML", .text = "ML sees the log grow"}, NULL), TG_OK);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "before", .precedence = PRECEDENCE_ROUTINE}, NULL), TG_OK);
  pair_pass(p, TG_MINUTE);
  apart_begin(w, &down, &up);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "after", .precedence = PRECEDENCE_FLASH}, NULL), TG_OK);
  pair_pass(p, TG_MINUTE);
  pair_plug(p, BF, true);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 4); /* all of it, in one turn */
  assert_int_equal(pair_told(p, BF, "log-forked"), 1);
  assert_int_equal(pair_evidence(p, BF), 1);
}

enum { CROWD = 100 };

/* So many checkpoints that NE saw, BF did not, and the hub can prove. */
static void gather(struct pair *p, struct buf note[CROWD])
{
  for (size_t i = 0; i < CROWD; i++) {
    assert_int_equal(pair_publish(p, NE, &(struct pair_bulletin){.to = "ML", .text = "the log grows"}, NULL), TG_OK);
    pair_settle(p);
    note[i] = buf_new(LIMIT_BARE_CHECKPOINT);
    const struct slice seen = watch_bare(pair_core(p, NE));
    buf_put(&note[i], seen.p, seen.n);
  }
  pair_pass(p, TG_MINUTE); /* ML has asked about what NE saw */
}

/* BF hears of all of them, each from another node. */
static void crowd_in(struct pair *p, const struct buf note[CROWD])
{
  const struct witness_state under = watch_hold(pair_core(p, BF));
  bool believe;
  for (size_t i = 0; i < CROWD; i++) {
    struct header header = {.checkpoint = buf_slice(&note[i])};
    const struct opening opening = {.index = watch_size(pair_core(p, BF))};
    header.subject.originator.b[0] = (uint8_t)i;
    assert_int_equal(gossip_hear(pair_core(p, BF), &header, &opening, &under, &believe), TG_OK);
    assert_true(believe);
  }
}

/* A hub chooses what comes when: it lets many speak first of what it can prove. The one that tells of the other history finds a place, and a turn
   before theirs are over. */
static void a_crowd_does_not_hide_the_other_history(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct apart down, up;
  struct buf note[CROWD];
  pair_plug(p, BF, false);
  gather(p, note);
  apart_settled(w, &down, &up, true);
  crowd_in(p, note);
  world_publish(p, "BF", "from the other history");
  pair_settle(p);
  assert_int_equal(pair_told(p, BF, "log-forked"), 0); /* it was not asked about yet */
  pair_pass(p, TG_MINUTE);
  assert_int_equal(pair_told(p, BF, "log-forked"), 1);
  assert_int_equal(pair_evidence(p, BF), 1);
  for (size_t i = 0; i < CROWD; i++)
    buf_free(&note[i]);
}

/* Frames with a question are counted. */
static bool counts_questions(void *context, struct buf *frame)
{
  unsigned *n = context;
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  if (frame->p[1] != FRAME_TICK)
    return true;
  struct arena *arena = arena_new(FRAME_ARENA);
  assert_int_equal(frame_decode(buf_slice(frame), FRAME_TO_HUB, arena, &kind, &message, NULL), TG_OK);
  *n += ((const Tg__Tick *)message)->other.len > 0;
  arena_free(arena);
  return true;
}

/* What many nodes name is asked about once. */
static void what_is_proven_is_proven_for_all(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct buf note[CROWD], same[CROWD];
  unsigned questions = 0;
  pair_plug(p, BF, false);
  gather(p, note);
  pair_plug(p, BF, true);
  pair_pass(p, TG_MINUTE);
  for (size_t i = 0; i < CROWD; i++)
    same[i] = note[i % 3 * 40];
  pair_set_uplink(p, BF, counts_questions, &questions);
  crowd_in(p, same);
  pair_pass(p, 10 * TG_MINUTE);
  assert_int_equal(questions, 3);
  assert_int_equal(gossip_due(pair_core(p, BF)), INT64_MAX);
  pair_set_uplink(p, BF, NULL, NULL);
  for (size_t i = 0; i < CROWD; i++)
    buf_free(&note[i]);
}

/* BF's node begins anew, and is shown a log of one entry only: that of the bulletin that comes. */
static bool begins_with_it(void *context, struct buf *frame)
{
  struct world *w = context;
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  ProtobufCBinaryData *proof, *note;
  struct note_key log;
  struct buf forged = buf_new(CHECKPOINT_BYTES_MAX);
  struct arena *arena = arena_new(FRAME_ARENA);
  assert_int_equal(frame_decode(buf_slice(frame), FRAME_TO_NODE, arena, &kind, &message, NULL), TG_OK);
  const bool passes = kind->type != FRAME_DOCUMENTS; /* they are not in that log */
  if (kind->type == FRAME_DELIVER) {
    Tg__Deliver *m = (Tg__Deliver *)message;
    Tg__Delivery *d = m->items[0];
    const struct hash leaf = entry_leaf(d->salt.data, data_slice(d->entry));
    struct checkpoint c = {.size = 1, .root = merkle_leaf(hash_slice(&leaf))};
    assert_int_equal(secret_key_note_key(w->kit->hub_log, &log), TG_OK);
    c.origin = slice_str(log.name);
    assert_int_equal(checkpoint_sign(&c, w->kit->hub_log, &forged, NULL), TG_OK);
    m->n_items = 1;
    m->checkpoint = slice_data(buf_slice(&forged));
    m->consistency = (ProtobufCBinaryData){0, NULL};
    d->leaf = 0;
    d->path = (ProtobufCBinaryData){0, NULL};
  } else if ((note = apart_checkpoint_of(kind->type, message, &proof))) {
    *note = (ProtobufCBinaryData){0, NULL};
    if (proof)
      *proof = (ProtobufCBinaryData){0, NULL};
  }
  buf_clear(frame);
  assert_int_equal(frame_encode(kind->type, message, frame, NULL), TG_OK);
  arena_free(arena);
  buf_free(&forged);
  return passes;
}

static void know(void *core, struct slice note)
{
  assert_int_equal(node_document(core, note, NULL), TG_OK);
}

/* What ML's bulletin names had more entries than there are below it: the proof convinces without either node. */
static void a_bulletin_below_what_its_writer_saw_is_evidence(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct note_key log;
  struct evidence e;
  struct checkpoint seen, shown;
  char elsewhere[512];
  world_publish(p, "NE", "the log grows");
  pair_settle(p);
  pair_kill(p, BF);
  world_publish(p, "BF", "below its place");
  pair_settle(p);
  snprintf(elsewhere, sizeof elsewhere, "%s-anew", pair_config(p, BF)->database);
  pair_config(p, BF)->database = elsewhere;
  pair_set_filter(p, BF, begins_with_it, w);
  pair_start(p, BF);
  kit_each_document(w->kit, know, pair_core(p, BF)); /* as they stand in its folder */
  pair_pass(p, TG_MINUTE);
  assert_int_equal(pair_told(p, BF, "log-forked"), 1);
  assert_int_equal(pair_evidence(p, BF), 1);
  assert_int_equal(look_inbox(p, BF), 0);
  assert_int_not_equal(talk_state(pair_core(p, BF)), TALK_OPEN);
  assert_int_equal(evidence_parse(pair_proof(p, BF), "e", &e, NULL), TG_OK);
  assert_int_equal(e.kind, EVIDENCE_OUT_OF_ORDER);
  assert_int_equal(evidence_verify(&e, &seen, &shown, NULL), TG_OK);
  assert_int_equal(secret_key_note_key(w->kit->hub_log, &log), TG_OK);
  assert_true(note_key_eq(&e.log, &log) && shown.size == 1 && seen.size > 1);
  pair_kill(p, BF);
  pair_config(p, BF)->database = pair_database(p, BF);
  pair_start(p, BF);
}

/* Ticks come, answers do not. */
static bool drops_answers(void *context, struct buf *frame)
{
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  (void)context;
  if (frame->p[1] != FRAME_TICK)
    return true;
  struct arena *arena = arena_new(FRAME_ARENA);
  assert_int_equal(frame_decode(buf_slice(frame), FRAME_TO_NODE, arena, &kind, &message, NULL), TG_OK);
  const bool passes = ((const Tg__Tick *)message)->other.len == 0;
  arena_free(arena);
  return passes;
}

/* BF asks about the history that ML names. */
static void is_asked_in_vain(struct world *w, struct apart *down, struct apart *up)
{
  apart_settled(w, down, up, true);
  pair_set_filter(w->pair, BF, drops_answers, NULL);
  world_publish(w->pair, "BF", "from the other history");
}

/* A hub that gives no answer has given one. */
static void a_hub_that_does_not_prove_it_is_left(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct apart down, up;
  is_asked_in_vain(w, &down, &up);
  pair_pass(p, 20 * TG_SECOND);
  assert_int_equal(pair_told(p, BF, "checkpoint-not-proven"), 0);
  pair_pass(p, 40 * TG_SECOND); /* the session was ended in place of an answer, again and again */
  assert_int_equal(pair_told(p, BF, "checkpoint-not-proven"), 1);
  assert_int_equal(pair_told(p, BF, "log-forked"), 0); /* it may be slow; it is left, and asked again */
}

/* With another hub, which keeps another log, the question waits: that hub has nothing to prove, and is not accused. */
static void one_hub_is_not_asked_about_another(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct apart down, up;
  is_asked_in_vain(w, &down, &up);
  pair_pass(p, 5 * TG_SECOND);
  struct node_core *core = pair_core(p, BF);
  const struct charter_hub own = core_charter(core)->hub[0];
  struct charter_hub other = own;
  snprintf(other.log.name, sizeof other.log.name, "another.example/log");
  assert_int_not_equal(gossip_due(core), INT64_MAX);
  assert_int_equal(watch_begin(core, &other), TG_OK);
  gossip_welcome(core);
  assert_int_equal(gossip_due(core), INT64_MAX);
  assert_int_equal(watch_begin(core, &own), TG_OK);
  assert_int_not_equal(gossip_due(core), INT64_MAX);
}

/* The line dies with the answer on it. */
static bool dies_with_answers(void *context, struct buf *frame)
{
  bool *dead = context;
  *dead = *dead || !drops_answers(NULL, frame);
  return !*dead;
}

static void cut(struct pair *p, bool *dead)
{
  *dead = false;
  pair_plug(p, BF, true);
  pair_pass(p, 25 * TG_SECOND);
  pair_plug(p, BF, false);
  pair_pass(p, 5 * TG_SECOND);
}

/* The same answers lost on a line that is cut every half minute: the hub said nothing wrong, and is not accused; until an hour has passed. */
static void a_line_that_is_cut_accuses_nobody(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  unsigned cuts = 0;
  bool dead = false;
  pair_plug(p, BF, false);
  assert_int_equal(pair_publish(p, NE, &(struct pair_bulletin){.to = "ML", .text = "the log grows"}, NULL), TG_OK);
  pair_pass(p, 20 * TG_SECOND);
  world_publish(p, "BF", "by who saw it grow"); /* a checkpoint that BF was never shown */
  pair_settle(p);
  pair_set_filter(p, BF, dies_with_answers, &dead);
  for (; cuts < 100; cuts++) {
    cut(p, &dead);
    if (pair_told(p, BF, "checkpoint-not-proven"))
      fail_msg("accused after %u cuts", cuts + 1);
    assert_true(dead);
  }
  assert_int_equal(look_inbox(p, BF), 1); /* and it works meanwhile */
  for (; cuts < 140; cuts++)
    cut(p, &dead);
  assert_true(pair_told(p, BF, "checkpoint-not-proven") > 0);
  pair_set_filter(p, BF, NULL, NULL);
  pair_plug(p, BF, true);
  pair_pass(p, 15 * TG_MINUTE);
  assert_int_equal(talk_state(pair_core(p, BF)), TALK_OPEN);
}

/* Nothing is asked of an honest hub twice, and nothing is held against it. */
static void honest_hubs_prove_what_others_saw(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  for (int i = 0; i < 5; i++) {
    world_publish(p, "BF", "one more");
    assert_int_equal(pair_publish(p, BF, &(struct pair_bulletin){.to = "ML,NE", .text = "and back"}, NULL), TG_OK);
    pair_pass(p, 15 * TG_SECOND);
  }
  for (size_t i = 0; i < WORLD_MEMBERS; i++) {
    assert_int_equal(talk_state(pair_core(p, i)), TALK_OPEN);
    assert_int_equal(pair_told(p, i, "log-forked") + pair_told(p, i, "checkpoint-not-proven"), 0);
  }
  assert_int_equal(look_inbox(p, BF), 5);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, world_started, world_free)
  const struct CMUnitTest tests[] = {
      STORY(a_forked_log_is_evidence_and_the_end_of_trust),
      STORY(a_checkpoint_without_proof_ends_the_session),
      STORY(one_bulletin_across_gives_the_hub_away),
      STORY(what_was_not_seen_must_be_proven),
      STORY(an_earlier_checkpoint_does_not_excuse_the_later),
      STORY(a_crowd_does_not_hide_the_other_history),
      STORY(what_is_proven_is_proven_for_all),
      STORY(a_bulletin_below_what_its_writer_saw_is_evidence),
      STORY(a_hub_that_does_not_prove_it_is_left),
      STORY(one_hub_is_not_asked_about_another),
      STORY(a_line_that_is_cut_accuses_nobody),
      STORY(honest_hubs_prove_what_others_saw),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
