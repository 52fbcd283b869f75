/* Documents that we bring to a hub, until it has answered: what it refuses, puts off, or puts off for ever. */
#include "client/node/core.h"
#include "tests/client/node/look_paper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>

enum { MEMBERS = WORLD_MEMBERS, ANYBODY = 0 };

/* ---- two revocations of one key */

/* Both signed by ML's root; neither is the other. */
static void revoke_twice(struct world *w, struct buf note[2])
{
  const struct sign_pk lost = {{7}};
  for (unsigned i = 0; i < 2; i++)
    note[i] = kit_revoke_key(w->kit, ML, &lost, pair_now(w->pair) + i);
}

static void offers(struct world *w, size_t member, struct slice note)
{
  Tg__LDocument m = TG__LDOCUMENT__INIT;
  struct buf all = buf_new(1 << 20);
  enum local_type type;
  m.content = slice_data(note);
  pair_program(w->pair, member, ANYBODY, LOCAL_PUT_DOCUMENT, &m.base, &all, &type);
  buf_free(&all);
}

/* The hub has one, a node brings the other: it is refused, and the refusal is in the log as any is. */
static void what_was_said_already_is_refused_in_the_log(void **state)
{
  struct world *w = *state;
  struct buf note[2];
  revoke_twice(w, note);
  pair_plug(w->pair, ML, false);
  pair_document(w->pair, buf_slice(&note[0]));
  offers(w, ML, buf_slice(&note[1]));
  pair_plug(w->pair, ML, true);
  pair_pass(w->pair, TG_MINUTE);
  assert_int_equal(pair_told(w->pair, ML, "document-outcome-forged"), 0);
  assert_int_equal(pair_told(w->pair, ML, "document-not-accepted"), 1);
  world_reconnect(w->pair, ML); /* it is not brought again */
  assert_int_equal(pair_told(w->pair, ML, "document-not-accepted"), 1);
  for (unsigned i = 0; i < 2; i++)
    buf_free(&note[i]);
}

/* NE knows one from its folder, the hub shows the other: of that nothing is kept, nor its entry. */
static void what_was_said_already_leaves_nothing(void **state)
{
  struct world *w = *state;
  struct buf note[2];
  revoke_twice(w, note);
  assert_int_equal(node_document(pair_core(w->pair, NE), buf_slice(&note[1]), NULL), TG_OK);
  const struct look_paper_kept before = look_paper_kept(w, NE);
  pair_document(w->pair, buf_slice(&note[0]));
  pair_pass(w->pair, TG_MINUTE);
  const struct look_paper_kept after = look_paper_kept(w, NE), other = look_paper_kept(w, BF);
  assert_int_equal(other.now, other.documents);
  assert_int_equal(after.now, before.now);
  assert_int_equal(after.documents, before.documents);
  assert_int_equal(pair_told(w->pair, NE, "document-forged") + pair_told(w->pair, NE, "document-refused"), 0);
  for (unsigned i = 0; i < 2; i++)
    buf_free(&note[i]);
}

/* ---- a hub that has had enough */

static void one_an_hour(struct charter *c) { c->limits.documents_per_hour = 1; }

static int set_up_frugal(void **state)
{
  static struct world w;
  w.kit = kit_new(MEMBERS, WORLD_FOUNDED, one_an_hour);
  w.pair = pair_new(w.kit);
  world_start(&w);
  *state = &w;
  return 0;
}

/* What a hub puts off is in no log, and that accuses nobody: the document is offered again, and taken. */
static void a_document_that_is_put_off_comes_later(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  Tg__LDocument m = TG__LDOCUMENT__INIT;
  struct buf all = buf_new(1 << 20);
  enum local_type type;
  kit_policy(w->kit, ML, LOOK_PAPER_ALLOW "export deny ** to BF\n", pair_now(p), 1);
  m.content = slice_data(buf_slice(&w->kit->member[ML].policy));
  const struct hash policy = look_paper_hash(buf_slice(&w->kit->member[ML].policy));
  pair_program(p, ML, ANYBODY, LOCAL_PUT_DOCUMENT, &m.base, &all, &type); /* its keys were the document of this hour */
  pair_settle(p);
  assert_int_equal(pair_told(p, ML, "document-put-off"), 1);
  assert_false(look_paper_is_known(w, NE, &policy));
  pair_pass(p, 2 * 60 * TG_MINUTE);
  world_reconnect(p, ML);
  assert_true(look_paper_is_known(w, NE, &policy));
  assert_true(look_paper_policy_is_proved(w, NE, &policy));
  assert_int_equal(pair_told(p, ML, "document-outcome-forged"), 0);
  buf_free(&all);
}

enum { OFTEN = 512 };

/* context: NULL, or it says so again and again. */
static bool puts_off(void *context, struct buf *frame)
{
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  Tg__DocumentOutcome *items[OFTEN];
  if (frame->p[1] != FRAME_DOCUMENT_OUTCOMES)
    return true;
  struct arena *arena = arena_new(FRAME_ARENA);
  assert_int_equal(frame_decode(buf_slice(frame), FRAME_TO_NODE, arena, &kind, &message, NULL), TG_OK);
  Tg__DocumentOutcomes *m = (Tg__DocumentOutcomes *)message;
  for (size_t i = 0; i < m->n_items; i++) {
    m->items[i]->reason = REASON_QUOTA;
    m->items[i]->entry = m->items[i]->salt = m->items[i]->path = (ProtobufCBinaryData){0, NULL};
    m->items[i]->leaf = 0;
  }
  for (size_t i = 0; context && i < OFTEN; i++)
    items[i] = m->items[0];
  if (context) {
    m->items = items;
    m->n_items = OFTEN;
  }
  buf_clear(frame);
  assert_int_equal(frame_encode(FRAME_DOCUMENT_OUTCOMES, message, frame, NULL), TG_OK);
  arena_free(arena);
  return true;
}

/* What is put off is an errand still: a hub that says so without end would fill a node's memory with its text, and its log. */
static void what_is_offered_once_is_answered_once(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct buf note[2];
  bool often = true;
  revoke_twice(w, note);
  pair_set_filter(p, ML, puts_off, &often);
  offers(w, ML, buf_slice(&note[0]));
  pair_settle(p);
  assert_int_equal(pair_told(p, ML, "document-put-off"), 1);
  pair_set_filter(p, ML, NULL, NULL);
  world_reconnect(p, ML);
  assert_int_equal(pair_told(p, ML, "document-put-off"), 1);
  const struct hash hash = look_paper_hash(buf_slice(&note[0]));
  assert_true(look_paper_is_known(w, ML, &hash) && look_paper_is_known(w, NE, &hash));
  for (unsigned i = 0; i < 2; i++)
    buf_free(&note[i]);
}

/* No hourly limit lasts for half a day. */
static void who_puts_off_for_ever_is_an_alarm(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct buf note[2];
  revoke_twice(w, note);
  pair_set_filter(p, ML, puts_off, NULL);
  offers(w, ML, buf_slice(&note[0]));
  pair_settle(p);
  const unsigned before = pair_alarms(p, ML);
  pair_pass(p, TG_HOUR);
  world_reconnect(p, ML);
  assert_true(pair_told(p, ML, "document-put-off") > 1);
  assert_int_equal(pair_alarms(p, ML), before);
  pair_pass(p, 4 * TG_HOUR);
  world_reconnect(p, ML);
  const unsigned alarms = pair_alarms(p, ML), told = pair_told(p, ML, "document-put-off");
  assert_true(alarms > before);
  pair_set_filter(p, ML, NULL, NULL);
  world_reconnect(p, ML); /* once it has decided, the next that is put off is as any */
  pair_set_filter(p, ML, puts_off, NULL);
  const struct sign_pk another = {{8}};
  struct buf next = kit_revoke_key(w->kit, ML, &another, pair_now(p));
  offers(w, ML, buf_slice(&next));
  pair_settle(p);
  assert_int_equal(pair_told(p, ML, "document-put-off"), told + 1);
  assert_int_equal(pair_alarms(p, ML), alarms);
  for (unsigned i = 0; i < 2; i++)
    buf_free(&note[i]);
  buf_free(&next);
}

static bool but_documents(void *context, struct buf *frame)
{
  unsigned *dropped = context;
  const bool pass = frame->n < 2 || frame->p[1] != FRAME_DOCUMENTS;
  *dropped += !pass;
  return pass;
}

/* The line had no room for it, and stays. */
static void what_did_not_go_out_is_offered_again(void **state)
{
  struct world *w = *state;
  struct buf note[2];
  unsigned dropped = 0;
  revoke_twice(w, note);
  pair_set_uplink(w->pair, ML, but_documents, &dropped);
  offers(w, ML, buf_slice(&note[0]));
  pair_settle(w->pair);
  assert_int_equal(dropped, 1);
  pair_set_uplink(w->pair, ML, NULL, NULL);
  assert_int_equal(node_dropped(pair_core(w->pair, ML), FRAME_DOCUMENTS), TG_OK);
  pair_pass(w->pair, 5 * TG_SECOND);
  const struct hash hash = look_paper_hash(buf_slice(&note[0]));
  assert_true(look_paper_is_known(w, NE, &hash));
  for (unsigned i = 0; i < 2; i++)
    buf_free(&note[i]);
}

/* It may be something that never goes. */
static void what_never_goes_out_is_offered_ever_less_often(void **state)
{
  struct world *w = *state;
  struct buf note[2];
  unsigned dropped = 0;
  revoke_twice(w, note);
  pair_set_uplink(w->pair, ML, but_documents, &dropped);
  offers(w, ML, buf_slice(&note[0]));
  pair_settle(w->pair);
  for (unsigned i = 0, told = 0; i < 120; i++) {
    if (told < dropped)
      assert_int_equal(node_dropped(pair_core(w->pair, ML), FRAME_DOCUMENTS), TG_OK);
    told = dropped;
    pair_pass(w->pair, TG_SECOND);
  }
  assert_in_range(dropped, 4, 10);
  pair_set_uplink(w->pair, ML, NULL, NULL);
  pair_pass(w->pair, 6 * TG_MINUTE);
  const struct hash hash = look_paper_hash(buf_slice(&note[0]));
  assert_true(look_paper_is_known(w, NE, &hash));
  for (unsigned i = 0; i < 2; i++)
    buf_free(&note[i]);
}

/* What the hub does with the note ends the session that its answer would come in. */
static void who_hands_in_its_own_end_is_answered(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  Tg__LDocument m = TG__LDOCUMENT__INIT;
  enum local_type type = LOCAL_ERROR;
  struct buf note = kit_revoke(w->kit, ML, &w->kit->member[ML].node[0], pair_now(p));
  const struct hash hash = look_paper_hash(buf_slice(&note));
  m.content = slice_data(buf_slice(&note));
  pair_plug(p, ML, false);
  assert_null(pair_ask(p, ML, LOCAL_PUT_DOCUMENT, &m.base, &type));
  assert_int_equal(node_link(pair_core(p, ML), NODE_LINK_REFUSED), TG_OK);
  pair_pass(p, TG_MINUTE);
  assert_null(pair_answered(p, ML, &type)); /* no hub has it */
  pair_plug(p, ML, true);
  pair_pass(p, TG_MINUTE);
  assert_true(look_paper_is_known(w, NE, &hash));
  assert_null(pair_answered(p, ML, &type)); /* it was cut, and does not know why */
  assert_int_equal(node_link(pair_core(p, ML), NODE_LINK_REFUSED), TG_OK);
  pair_pass(p, TG_MINUTE);
  assert_non_null(pair_answered(p, ML, &type));
  assert_int_equal(type, LOCAL_DONE);
  assert_true(look_paper_is_known(w, ML, &hash)); /* and `doctor` says what it means */
  buf_free(&note);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, world_started, world_free)

int main(void)
{
  const struct CMUnitTest tests[] = {
      STORY(what_was_said_already_is_refused_in_the_log),
      STORY(what_was_said_already_leaves_nothing),
      cmocka_unit_test_setup_teardown(a_document_that_is_put_off_comes_later, set_up_frugal, world_free),
      STORY(what_is_offered_once_is_answered_once),
      STORY(who_puts_off_for_ever_is_an_alarm),
      STORY(what_did_not_go_out_is_offered_again),
      STORY(what_never_goes_out_is_offered_ever_less_often),
      STORY(who_hands_in_its_own_end_is_answered),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
