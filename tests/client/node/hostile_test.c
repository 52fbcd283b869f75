/* A hub that cheats, with all its keys: what a node must notice, refuse and keep evidence of. */
#include "client/node/talk.h"
#include "client/node/watch.h"
#include "tests/client/node/look.h"

#include "audit/checkpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { MEMBERS = 3 };
#define START ((tg_time)1796083200000) /* 2026-12-01T00:00:00Z */

struct world {
  struct kit *kit;
  struct pair *pair;
};

static int set_up(void **state)
{
  static struct world w;
  w.kit = kit_new(MEMBERS, START, NULL);
  w.pair = pair_new(w.kit);
  for (size_t i = 0; i < MEMBERS; i++)
    pair_start(w.pair, i);
  pair_settle(w.pair);
  *state = &w;
  return 0;
}

static int tear_down(void **state)
{
  struct world *w = *state;
  pair_free(w->pair);
  kit_free(w->kit);
  return 0;
}

/* Changes the first `times` frames of a type on their way to a node. */
struct tamper {
  enum frame_type type;
  unsigned times;
  void (*change)(struct tamper *t, ProtobufCMessage *message);
  struct world *world;
  struct buf document;
};

static bool tamper(void *context, struct buf *frame)
{
  struct tamper *t = context;
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  struct tg_why why = {0};
  if (!t->times || frame->p[1] != t->type)
    return true;
  t->times--;
  struct arena *arena = arena_new(FRAME_ARENA);
  assert_non_null(arena);
  assert_int_equal(frame_decode(buf_slice(frame), FRAME_TO_NODE, arena, &kind, &message, &why), TG_OK);
  t->change(t, message);
  buf_clear(frame);
  assert_int_equal(frame_encode(t->type, message, frame, &why), TG_OK);
  arena_free(arena);
  return true;
}

static struct hash publish(struct pair *p, const char *to, const char *text)
{
  struct hash id;
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = to, .text = text}, &id), TG_OK);
  return id;
}

/* BF's connection is made anew: what it did not answer comes again. */
static void reconnect(struct pair *p)
{
  pair_plug(p, BF, false);
  pair_plug(p, BF, true);
  pair_pass(p, TG_MINUTE);
}

/* ---- forged deliveries ---- */

static void spoil_header(struct tamper *t, ProtobufCMessage *message)
{
  (void)t;
  Tg__Delivery *d = ((Tg__Deliver *)message)->items[0];
  d->header.data[d->header.len - 1] ^= 1; /* audience_count */
}

static void spoil_portion(struct tamper *t, ProtobufCMessage *message)
{
  (void)t;
  Tg__OpenPortion *portion = ((Tg__Deliver *)message)->items[0]->portions[0];
  portion->portion.data[4] ^= 1; /* in the salt */
}

static void spoil_wrap(struct tamper *t, ProtobufCMessage *message)
{
  (void)t;
  Tg__Delivery *d = ((Tg__Deliver *)message)->items[0];
  d->wrap.data[d->wrap.len - 1] ^= 1;
}

static void spoil_body(struct tamper *t, ProtobufCMessage *message)
{
  (void)t;
  Tg__Body *body = ((Tg__Deliver *)message)->items[0]->bodies[0];
  body->sealed.data[100] ^= 1;
}

static void spoil_release(struct tamper *t, ProtobufCMessage *message)
{
  (void)t;
  Tg__OpenPortion *portion = ((Tg__Deliver *)message)->items[0]->portions[0];
  portion->release.data[4] ^= 1;
}

static void spoil_entry(struct tamper *t, ProtobufCMessage *message)
{
  (void)t;
  ((Tg__Deliver *)message)->items[0]->salt.data[0] ^= 1;
}

static void spoil_signature(struct tamper *t, ProtobufCMessage *message)
{
  (void)t;
  ((Tg__Deliver *)message)->items[0]->proof->signature.data[5] ^= 1;
}

/* Whatever part of a delivery the hub changes, nothing of it is taken; once it is honest, the bulletin comes. */
static void a_changed_delivery_is_not_taken(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  void (*const changes[])(struct tamper *, ProtobufCMessage *) = {
      spoil_header, spoil_portion, spoil_wrap, spoil_body, spoil_release, spoil_entry, spoil_signature};
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    struct tamper t = {.type = FRAME_DELIVER, .times = 1, .change = changes[i]};
    pair_set_filter(p, BF, tamper, &t);
    struct hash id = publish(p, "BF", "as it was said");
    pair_settle(p);
    assert_int_equal(t.times, 0);
    assert_int_equal(look_inbox(p, BF), i);
    assert_int_equal(pair_told(p, BF, "delivery-forged"), i + 1);
    assert_int_equal(look_sent(p, ML, &id), SENT_ACCEPTED); /* and nobody was told that it had come */
    reconnect(p);
    assert_int_equal(look_inbox(p, BF), i + 1);
  }
  pair_set_filter(p, BF, NULL, NULL);
}

static void double_items(struct tamper *t, ProtobufCMessage *message)
{
  static Tg__Delivery *twice[2];
  Tg__Deliver *frame = (Tg__Deliver *)message;
  (void)t;
  twice[0] = twice[1] = frame->items[0];
  frame->items = twice;
  frame->n_items = 2;
}

static void what_comes_twice_shows_once(void **state)
{
  struct pair *p = ((struct world *)*state)->pair;
  struct tamper t = {.type = FRAME_DELIVER, .times = 1, .change = double_items};
  pair_set_filter(p, BF, tamper, &t);
  publish(p, "BF", "once");
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 1);
  assert_int_equal(pair_told(p, BF, "received"), 1);
  pair_set_filter(p, BF, NULL, NULL);
}

/* Keeps a delivery back, but not its checkpoint: the chain of checkpoints stays whole. */
static bool withhold(void *context, struct buf *frame)
{
  bool *once = context;
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  struct tg_why why;
  Tg__Tick tick = TG__TICK__INIT;
  if (*once || frame->p[1] != FRAME_DELIVER)
    return true;
  *once = true;
  struct arena *arena = arena_new(FRAME_ARENA);
  assert_int_equal(frame_decode(buf_slice(frame), FRAME_TO_NODE, arena, &kind, &message, &why), TG_OK);
  const Tg__Deliver *deliver = (const Tg__Deliver *)message;
  tick.time = START;
  tick.checkpoint = deliver->checkpoint;
  tick.consistency = deliver->consistency;
  buf_clear(frame);
  assert_int_equal(frame_encode(FRAME_TICK, &tick.base, frame, &why), TG_OK);
  arena_free(arena);
  return true;
}

static void a_withheld_bulletin_is_missed(void **state)
{
  struct pair *p = ((struct world *)*state)->pair;
  bool withheld = false;
  publish(p, "BF", "one");
  pair_settle(p);
  pair_set_filter(p, BF, withhold, &withheld);
  struct hash second = publish(p, "BF", "two");
  pair_settle(p);
  pair_set_filter(p, BF, NULL, NULL);
  struct hash third = publish(p, "BF", "three");
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 2);
  assert_true(look_row(p, BF, &third)->missing_before);
  assert_int_equal(pair_told(p, BF, "number-missing"), 1);
  reconnect(p); /* it was only late */
  assert_int_equal(look_inbox(p, BF), 3);
  assert_false(look_row(p, BF, &third)->missing_before);
  assert_int_equal(look_row(p, BF, &second)->number, 2);
}

static void spoil_queue(struct tamper *t, ProtobufCMessage *message)
{
  (void)t;
  ((Tg__Deliver *)message)->items[0]->queue = UINT64_C(1) << 62; /* the largest that the wire takes */
}

static void an_impossible_place_in_the_queue_breaks_nothing(void **state)
{
  struct pair *p = ((struct world *)*state)->pair;
  struct tamper t = {.type = FRAME_DELIVER, .times = 1, .change = spoil_queue};
  pair_set_filter(p, BF, tamper, &t);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 1 << 20}, NULL), TG_OK);
  pair_pass(p, TG_SECOND);
  reconnect(p); /* the hub knows no such place, and offers it again */
  assert_int_equal(look_inbox(p, BF), 1);
  pair_set_filter(p, BF, NULL, NULL);
}

static void spoil_chunk(struct tamper *t, ProtobufCMessage *message)
{
  (void)t;
  ((Tg__Chunk *)message)->sealed.data[7] ^= 1;
}

static void a_changed_chunk_costs_the_transfer_and_no_more(void **state)
{
  struct pair *p = ((struct world *)*state)->pair;
  struct tamper t = {.type = FRAME_CHUNK, .times = 1, .change = spoil_chunk};
  struct hash id;
  pair_set_filter(p, BF, tamper, &t);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 2 << 20}, &id), TG_OK);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(t.times, 0);
  assert_int_equal(pair_told(p, BF, "body-altered"), 1);
  assert_int_equal(look_inbox(p, BF), 1);
  assert_int_equal(look_size(p, BF, &id), 2 << 20);
  pair_set_filter(p, BF, NULL, NULL);
}

/* ---- answers ---- */

static void spoil_outcome(struct tamper *t, ProtobufCMessage *message)
{
  (void)t;
  ((Tg__Outcomes *)message)->items[0]->salt.data[0] ^= 1;
}

static void an_acceptance_that_is_not_in_the_log_counts_for_nothing(void **state)
{
  struct pair *p = ((struct world *)*state)->pair;
  struct tamper t = {.type = FRAME_OUTCOMES, .times = 1, .change = spoil_outcome};
  pair_set_filter(p, ML, tamper, &t);
  struct hash id = publish(p, "BF", "x");
  pair_settle(p);
  assert_int_equal(pair_told(p, ML, "outcome-forged"), 1);
  assert_int_equal(look_sent(p, ML, &id), SENT_SPOOLED);
  pair_plug(p, ML, false);
  pair_plug(p, ML, true);
  pair_pass(p, TG_MINUTE);
  assert_true(look_sent(p, ML, &id) >= SENT_ACCEPTED); /* sent again, answered again */
  assert_int_equal(look_inbox(p, BF), 1);
  pair_set_filter(p, ML, NULL, NULL);
}

static void spoil_receipt(struct tamper *t, ProtobufCMessage *message)
{
  (void)t;
  Tg__ReceiptNote *note = ((Tg__ReceiptNotes *)message)->items[0];
  note->proof->signature.data[3] ^= 1;
}

static void a_forged_receipt_delivers_nothing(void **state)
{
  struct pair *p = ((struct world *)*state)->pair;
  struct tamper t = {.type = FRAME_RECEIPT_NOTES, .times = 1, .change = spoil_receipt};
  pair_set_filter(p, ML, tamper, &t);
  struct hash id = publish(p, "BF", "x");
  pair_settle(p);
  assert_int_equal(pair_told(p, ML, "receipt-forged"), 1);
  assert_int_equal(look_sent(p, ML, &id), SENT_ACCEPTED);
  assert_false(look_track(p, ML, &id, RECEIPT_STORED));
  pair_set_filter(p, ML, NULL, NULL);
}

/* ---- the log ---- */

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
  publish(p, "BF", "before");
  pair_settle(p);
  memset(other.b, 7, sizeof other.b);
  inject_tick(w, watch_size(pair_core(p, BF)), &other);
  assert_int_equal(pair_told(p, BF, "log-forked"), 1);
  assert_int_equal(pair_evidence(p, BF), 1);
  assert_int_not_equal(talk_state(pair_core(p, BF)), TALK_OPEN);
  publish(p, "BF", "after");
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
  publish(w->pair, "BF", "after");
  pair_pass(w->pair, TG_MINUTE); /* a new session begins from what was proven */
  assert_int_equal(look_inbox(w->pair, BF), 1);
}

/* ---- two histories, kept apart ----

   The hub shows ML a log of its own and lets its bulletins through into the true one. Nothing that ML says of its checkpoints in
   frames is read there, and nothing true about the log comes back to it. */

/* Where a message has its checkpoint and the proof of it. */
static ProtobufCBinaryData *checkpoint_of(enum frame_type type, ProtobufCMessage *m, ProtobufCBinaryData **ret_proof)
{
  switch (type) {
  case FRAME_HELLO:
    return *ret_proof = NULL, &((Tg__Hello *)m)->checkpoint;
  case FRAME_SUBMIT:
    return *ret_proof = NULL, &((Tg__Submit *)m)->checkpoint;
  case FRAME_RECEIPTS:
    return *ret_proof = NULL, &((Tg__Receipts *)m)->checkpoint;
  case FRAME_TICK:
    return *ret_proof = &((Tg__Tick *)m)->consistency, &((Tg__Tick *)m)->checkpoint;
  case FRAME_WELCOME:
    return *ret_proof = &((Tg__Welcome *)m)->consistency, &((Tg__Welcome *)m)->checkpoint;
  case FRAME_DOCUMENTS:
    return *ret_proof = &((Tg__Documents *)m)->consistency, &((Tg__Documents *)m)->checkpoint;
  default:
    return NULL;
  }
}

struct apart {
  struct world *world;
  enum frame_direction direction;
  struct hash root; /* of the log that ML believes in, */
  uint64_t size;
  bool lied; /* once it was shown to ML */
};

/* What the true tree would be if the last leaf that a proof reaches were another one. */
static bool other_end(const struct checkpoint *old, uint64_t size, const ProtobufCBinaryData *proof, struct hash *ret)
{
  struct hash first = old->root, was, root;
  struct slice rest = data_slice(*proof);
  if (!merkle_old_is_complete(old->size)) {
    memcpy(first.b, rest.p, 32);
    rest = slice_of(rest.p + 32, rest.n - 32);
  }
  for (size_t at = rest.n; at > 0; at -= 32) {
    uint8_t *last = (uint8_t *)(uintptr_t)(rest.p + at - 32);
    last[0] ^= 1;
    if (merkle_consistency_roots(old->size, size, &first, rest, &was, &root) == TG_OK && hash_eq(&was, &old->root)) {
      *ret = root;
      return true;
    }
    last[0] ^= 1;
  }
  return false;
}

static void lie(struct apart *a, ProtobufCBinaryData *note, ProtobufCBinaryData *proof, struct buf *forged)
{
  struct note_key log;
  struct checkpoint c;
  const struct checkpoint old = {.size = watch_size(pair_core(a->world->pair, ML)),
                                 .root = watch_root(pair_core(a->world->pair, ML))};
  assert_int_equal(secret_key_note_key(a->world->kit->hub_log, &log), TG_OK);
  assert_int_equal(checkpoint_open(data_slice(*note), &log, &c, NULL, NULL), TG_OK);
  if (c.size == old.size || !other_end(&old, c.size, proof, &c.root))
    return;
  assert_int_equal(checkpoint_sign(&c, a->world->kit->hub_log, forged, NULL), TG_OK);
  *note = slice_data(buf_slice(forged));
  a->size = c.size;
  a->root = c.root;
  a->lied = true;
}

static bool keep_apart(void *context, struct buf *frame)
{
  struct apart *a = context;
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  ProtobufCBinaryData *proof, *note;
  struct buf forged = buf_new(CHECKPOINT_BYTES_MAX);
  struct arena *arena = arena_new(FRAME_ARENA);
  bool passes = false;
  if (frame_decode(buf_slice(frame), a->direction, arena, &kind, &message, NULL) == TG_OK) {
    note = checkpoint_of(kind->type, message, &proof);
    passes = !a->lied || note || kind->type == FRAME_CHUNK || kind->type == FRAME_WANT || kind->type == FRAME_RECEIPTS_SEEN;
    if (a->direction == FRAME_TO_NODE && !a->lied && note && note->len)
      lie(a, note, proof, &forged);
    else if (a->direction == FRAME_TO_HUB || a->lied)
      if (note) {
        *note = (ProtobufCBinaryData){0, NULL};
        if (proof)
          *proof = (ProtobufCBinaryData){0, NULL};
      }
    buf_clear(frame);
    assert_int_equal(frame_encode(kind->type, message, frame, NULL), TG_OK);
  }
  arena_free(arena);
  buf_free(&forged);
  return passes;
}

/* ML believes in another log from now on. BF, if away, was never shown the size at which they part. */
static void part(struct world *w, struct apart *down, struct apart *up, bool away)
{
  pair_plug(w->pair, BF, !away);
  *down = (struct apart){.world = w, .direction = FRAME_TO_NODE};
  *up = (struct apart){.world = w, .direction = FRAME_TO_HUB};
  pair_set_filter(w->pair, ML, keep_apart, down);
  pair_set_uplink(w->pair, ML, keep_apart, up);
  assert_int_equal(pair_publish(w->pair, NE, &(struct pair_bulletin){.to = "BF", .text = "the log grows"}, NULL), TG_OK);
  pair_pass(w->pair, TG_MINUTE);
  assert_true(down->lied);
  assert_int_equal(pair_publish(w->pair, NE, &(struct pair_bulletin){.to = "BF", .text = "and grows on"}, NULL), TG_OK);
  pair_settle(w->pair);
  pair_plug(w->pair, BF, true);
  pair_pass(w->pair, TG_MINUTE);
  const struct hash root = watch_root(pair_core(w->pair, ML));
  assert_true(hash_eq(&root, &down->root));
  assert_int_equal(pair_told(w->pair, ML, "log-forked") + pair_told(w->pair, ML, "checkpoint-not-proven"), 0);
}

static void cross(struct world *w, bool away)
{
  struct pair *p = w->pair;
  struct apart down, up;
  part(w, &down, &up, away);
  assert_int_equal(look_inbox(p, BF), 2);
  publish(p, "BF", "from the other history");
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

/* A hub that gives no answer has given one. */
static void a_hub_that_does_not_prove_it_is_left(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct apart down, up;
  part(w, &down, &up, true);
  pair_set_filter(p, BF, drops_answers, NULL);
  publish(p, "BF", "from the other history");
  pair_pass(p, 20 * TG_SECOND);
  assert_int_equal(pair_told(p, BF, "checkpoint-not-proven"), 0);
  pair_pass(p, 40 * TG_SECOND); /* the session was ended in place of an answer, again and again */
  assert_int_equal(pair_told(p, BF, "checkpoint-not-proven"), 1);
  assert_int_equal(pair_told(p, BF, "log-forked"), 0); /* it may be slow; it is left, and asked again */
}

/* Nothing is asked of an honest hub twice, and nothing is held against it. */
static void honest_hubs_prove_what_others_saw(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  for (int i = 0; i < 5; i++) {
    publish(p, "BF", "one more");
    assert_int_equal(pair_publish(p, BF, &(struct pair_bulletin){.to = "ML,NE", .text = "and back"}, NULL), TG_OK);
    pair_pass(p, 15 * TG_SECOND);
  }
  for (size_t i = 0; i < MEMBERS; i++) {
    assert_int_equal(talk_state(pair_core(p, i)), TALK_OPEN);
    assert_int_equal(pair_told(p, i, "log-forked") + pair_told(p, i, "checkpoint-not-proven"), 0);
  }
  assert_int_equal(look_inbox(p, BF), 5);
}

/* ---- others who must not be believed ---- */

/* BF's own node learns of a document just before the delivery comes. */
static void learn_first(struct tamper *t, ProtobufCMessage *message)
{
  struct tg_why why = {0};
  (void)message;
  assert_int_equal(node_document(pair_core(t->world->pair, BF), buf_slice(&t->document), &why), TG_OK);
}

static struct hash deliver_after(struct world *w, struct buf document)
{
  struct pair *p = w->pair;
  struct tamper t = {.type = FRAME_DELIVER, .times = 1, .change = learn_first, .world = w, .document = document};
  pair_set_filter(p, BF, tamper, &t);
  struct hash id = publish(p, "BF", "x");
  pair_settle(p);
  assert_int_equal(t.times, 0);
  pair_set_filter(p, BF, NULL, NULL);
  return id;
}

static void a_revoked_key_is_not_believed_whatever_the_hub_says(void **state)
{
  struct world *w = *state;
  struct buf note = kit_revoke(w->kit, ML, &w->kit->member[ML].node[0], pair_now(w->pair));
  struct hash id = deliver_after(w, note);
  buf_free(&note);
  assert_int_equal(look_inbox(w->pair, BF), 0);
  assert_int_equal(pair_told(w->pair, BF, "import-refused"), 1);
  assert_true(look_track(w->pair, ML, &id, RECEIPT_IMPORT_REFUSED));
}

static void our_own_import_rules_hold_whatever_the_hub_says(void **state)
{
  struct world *w = *state;
  kit_policy(w->kit, BF, "export allow ** to * up-to SECRET\nimport allow report.** from * up-to SECRET\n", pair_now(w->pair), 2);
  struct hash id = deliver_after(w, w->kit->member[BF].policy);
  assert_int_equal(look_inbox(w->pair, BF), 0);
  assert_true(look_track(w->pair, ML, &id, RECEIPT_IMPORT_REFUSED));
  assert_true(look_sent(w->pair, ML, &id) >= SENT_DELIVERED); /* everybody has answered */
}

/* ---- any bytes at all ---- */

static void no_bytes_break_a_node(void **state)
{
  struct world *w = *state;
  uint8_t bytes[512];
  for (unsigned i = 0; i < 3000; i++) {
    size_t n = randombytes_uniform(sizeof bytes);
    randombytes_buf(bytes, sizeof bytes);
    bytes[0] = 1;
    bytes[1] = (uint8_t)(i % 16);
    pair_inject(w->pair, BF, slice_of(bytes, n));
  }
  assert_true(pair_told(w->pair, BF, "frame-malformed") > 0);
  pair_pass(w->pair, TG_MINUTE);
  publish(w->pair, "BF", "still alive");
  pair_pass(w->pair, TG_MINUTE);
  assert_int_equal(look_inbox(w->pair, BF), 1);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      STORY(a_changed_delivery_is_not_taken),
      STORY(what_comes_twice_shows_once),
      STORY(a_withheld_bulletin_is_missed),
      STORY(an_impossible_place_in_the_queue_breaks_nothing),
      STORY(a_changed_chunk_costs_the_transfer_and_no_more),
      STORY(an_acceptance_that_is_not_in_the_log_counts_for_nothing),
      STORY(a_forged_receipt_delivers_nothing),
      STORY(a_forked_log_is_evidence_and_the_end_of_trust),
      STORY(a_checkpoint_without_proof_ends_the_session),
      STORY(one_bulletin_across_gives_the_hub_away),
      STORY(what_was_not_seen_must_be_proven),
      STORY(a_hub_that_does_not_prove_it_is_left),
      STORY(honest_hubs_prove_what_others_saw),
      STORY(a_revoked_key_is_not_believed_whatever_the_hub_says),
      STORY(our_own_import_rules_hold_whatever_the_hub_says),
      STORY(no_bytes_break_a_node),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
