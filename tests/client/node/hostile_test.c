/* A hub that cheats in what it delivers and answers, with all its keys: what a node must notice and refuse. */
#include "client/node/watch.h"
#include "tests/client/node/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sodium.h>
#include <stdio.h>

#include <cmocka.h>

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
    struct hash id = world_publish(p, "BF", "as it was said");
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
  struct pair *p = world_pair(state);
  struct tamper t = {.type = FRAME_DELIVER, .times = 1, .change = double_items};
  pair_set_filter(p, BF, tamper, &t);
  world_publish(p, "BF", "once");
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
  tick.time = WORLD_FOUNDED;
  tick.checkpoint = deliver->checkpoint;
  tick.consistency = deliver->consistency;
  buf_clear(frame);
  assert_int_equal(frame_encode(FRAME_TICK, &tick.base, frame, &why), TG_OK);
  arena_free(arena);
  return true;
}

static void a_withheld_bulletin_is_missed(void **state)
{
  struct pair *p = world_pair(state);
  bool withheld = false;
  world_publish(p, "BF", "one");
  pair_settle(p);
  pair_set_filter(p, BF, withhold, &withheld);
  struct hash second = world_publish(p, "BF", "two");
  pair_settle(p);
  pair_set_filter(p, BF, NULL, NULL);
  struct hash third = world_publish(p, "BF", "three");
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 2);
  assert_true(look_row(p, BF, &third)->missing_before);
  assert_int_equal(pair_told(p, BF, "number-missing"), 1);
  reconnect(p); /* it was only late */
  assert_int_equal(look_inbox(p, BF), 3);
  assert_false(look_row(p, BF, &third)->missing_before);
  assert_int_equal(look_row(p, BF, &second)->number, 2);
}

/* What was overtaken, and can then not be opened, has come all the same. */
static void what_cannot_be_read_is_missed_by_nobody(void **state)
{
  struct pair *p = world_pair(state);
  bool withheld = false;
  pair_set_filter(p, BF, withhold, &withheld);
  const struct hash first = world_publish(p, "BF", "one");
  pair_settle(p);
  pair_set_filter(p, BF, NULL, NULL);
  const struct hash second = world_publish(p, "BF", "two");
  pair_settle(p);
  assert_true(look_row(p, BF, &second)->missing_before);
  assert_int_equal(inbox_decline(pair_core(p, BF), watch_log(pair_core(p, BF)), &first, RECEIPT_UNREADABLE), TG_OK);
  assert_false(look_row(p, BF, &second)->missing_before);
}

/* ML forgets which bulletin went to BF last, and names another in the next: what an originator does that tells two readers two stories. */
static void lose_the_chain(struct pair *p)
{
  world_alter(p, ML, "UPDATE pair SET last = randomblob(32)");
  pair_settle(p);
}

static void a_broken_chain_is_noticed(void **state)
{
  struct pair *p = world_pair(state);
  world_publish(p, "BF", "one");
  pair_settle(p);
  lose_the_chain(p);
  world_publish(p, "BF", "two");
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 2);
  assert_int_equal(pair_told(p, BF, "chain-broken"), 1);
}

/* The later one says who must have come before it; that is remembered until it comes, over a restart too. */
static void a_broken_chain_is_noticed_whichever_comes_first(void **state)
{
  struct pair *p = world_pair(state);
  bool withheld = false;
  world_publish(p, "BF", "one");
  pair_settle(p);
  pair_set_filter(p, BF, withhold, &withheld);
  world_publish(p, "BF", "two");
  pair_settle(p);
  pair_set_filter(p, BF, NULL, NULL);
  lose_the_chain(p);
  world_publish(p, "BF", "three");
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 2);
  assert_int_equal(pair_told(p, BF, "chain-broken"), 0); /* nobody can know yet */
  world_restart(p, BF);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 3);
  assert_int_equal(pair_told(p, BF, "chain-broken"), 1);
  world_publish(p, "BF", "four");
  pair_settle(p);
  assert_int_equal(pair_told(p, BF, "chain-broken"), 1); /* what follows is as it must be */
}

static void spoil_queue(struct tamper *t, ProtobufCMessage *message)
{
  (void)t;
  ((Tg__Deliver *)message)->items[0]->queue = UINT64_C(1) << 62; /* the largest that the wire takes */
}

static void an_impossible_place_in_the_queue_breaks_nothing(void **state)
{
  struct pair *p = world_pair(state);
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
  struct pair *p = world_pair(state);
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
  struct pair *p = world_pair(state);
  struct tamper t = {.type = FRAME_OUTCOMES, .times = 1, .change = spoil_outcome};
  pair_set_filter(p, ML, tamper, &t);
  struct hash id = world_publish(p, "BF", "x");
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
  struct pair *p = world_pair(state);
  struct tamper t = {.type = FRAME_RECEIPT_NOTES, .times = 1, .change = spoil_receipt};
  pair_set_filter(p, ML, tamper, &t);
  struct hash id = world_publish(p, "BF", "x");
  pair_settle(p);
  assert_int_equal(pair_told(p, ML, "receipt-forged"), 1);
  assert_int_equal(look_sent(p, ML, &id), SENT_ACCEPTED);
  assert_false(look_track(p, ML, &id, RECEIPT_STORED));
  pair_set_filter(p, ML, NULL, NULL);
}

/* ---- entries that are in the log, and are of something else ---- */

/* Each of the first two items of a frame gets the other's place in the log: both are proven under its checkpoint. */
#define EXCHANGE(type, x, y)                                                                                 \
  do {                                                                                                       \
    type exchanged = *(x);                                                                                   \
    (x)->entry = (y)->entry, (x)->salt = (y)->salt, (x)->leaf = (y)->leaf, (x)->path = (y)->path;             \
    (y)->entry = exchanged.entry, (y)->salt = exchanged.salt, (y)->leaf = exchanged.leaf, (y)->path = exchanged.path; \
  } while (0)

static void exchange_deliveries(struct tamper *t, ProtobufCMessage *message)
{
  const Tg__Deliver *m = (const Tg__Deliver *)message;
  (void)t;
  assert_true(m->n_items >= 2);
  EXCHANGE(Tg__Delivery, m->items[0], m->items[1]);
}

static void exchange_outcomes(struct tamper *t, ProtobufCMessage *message)
{
  const Tg__Outcomes *m = (const Tg__Outcomes *)message;
  (void)t;
  assert_true(m->n_items >= 2);
  EXCHANGE(Tg__Outcome, m->items[0], m->items[1]);
}

static void exchange_receipts(struct tamper *t, ProtobufCMessage *message)
{
  const Tg__ReceiptNotes *m = (const Tg__ReceiptNotes *)message;
  (void)t;
  assert_true(m->n_items >= 2);
  EXCHANGE(Tg__ReceiptNote, m->items[0], m->items[1]);
}

static void exchange_decisions(struct tamper *t, ProtobufCMessage *message)
{
  const Tg__Outcomes *m = (const Tg__Outcomes *)message;
  (void)t;
  assert_true(m->n_items >= 2);
  const ProtobufCBinaryData first = m->items[0]->decision;
  m->items[0]->decision = m->items[1]->decision;
  m->items[1]->decision = first;
}

static void a_delivery_with_the_entry_of_another_is_not_taken(void **state)
{
  struct pair *p = world_pair(state);
  struct tamper t = {.type = FRAME_DELIVER, .times = 1, .change = exchange_deliveries};
  pair_set_filter(p, BF, tamper, &t);
  world_publish(p, "BF", "one");
  world_publish(p, "BF", "two");
  pair_settle(p);
  assert_int_equal(t.times, 0);
  assert_int_equal(look_inbox(p, BF), 0);
  assert_true(pair_told(p, BF, "delivery-forged") >= 1);
  pair_set_filter(p, BF, NULL, NULL);
  reconnect(p);
  assert_int_equal(look_inbox(p, BF), 2);
}

/* Nor is a decision believed that is another bulletin's. */
static void an_answer_with_the_entry_of_another_is_none(void **state)
{
  void (*const changes[])(struct tamper *, ProtobufCMessage *) = {exchange_outcomes, exchange_decisions};
  struct pair *p = world_pair(state);
  for (size_t i = 0; i < 2; i++) {
    struct tamper t = {.type = FRAME_OUTCOMES, .times = 1, .change = changes[i]};
    pair_set_filter(p, ML, tamper, &t);
    const struct hash one = world_publish(p, "BF", "one"), two = world_publish(p, "NE", "two");
    pair_settle(p);
    assert_int_equal(t.times, 0);
    assert_true(pair_told(p, ML, "outcome-forged") > i);
    assert_int_equal(look_sent(p, ML, &one), SENT_SPOOLED);
    assert_int_equal(look_sent(p, ML, &two), SENT_SPOOLED);
    pair_set_filter(p, ML, NULL, NULL);
    pair_plug(p, ML, false);
    pair_plug(p, ML, true);
    pair_pass(p, TG_MINUTE);
    assert_true(look_sent(p, ML, &one) >= SENT_ACCEPTED);
    assert_true(look_sent(p, ML, &two) >= SENT_ACCEPTED);
  }
}

static void a_receipt_with_the_entry_of_another_delivers_nothing(void **state)
{
  struct pair *p = world_pair(state);
  struct tamper t = {.type = FRAME_RECEIPT_NOTES, .times = 1, .change = exchange_receipts};
  pair_set_filter(p, ML, tamper, &t);
  const struct hash id = world_publish(p, "BF,NE", "x");
  pair_settle(p);
  assert_int_equal(t.times, 0);
  assert_true(pair_told(p, ML, "receipt-forged") >= 1);
  assert_int_equal(look_sent(p, ML, &id), SENT_ACCEPTED);
  assert_false(look_track(p, ML, &id, RECEIPT_STORED));
  pair_set_filter(p, ML, NULL, NULL);
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
  struct hash id = world_publish(p, "BF", "x");
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

#define SECRETS "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\n"

/* ML's node is told a policy of its state past the hub's own checks. */
static void told_policy(struct world *w, uint64_t serial, const char *rules, tg_time effective, size_t officers)
{
  struct tg_why why = {0};
  struct buf note = kit_policy_note(w->kit, ML, serial, rules, effective, officers);
  assert_int_equal(node_document(pair_core(w->pair, ML), buf_slice(&note), &why), TG_OK);
  buf_free(&note);
  pair_settle(w->pair);
}

static uint64_t serial_in_force(const struct world *w)
{
  const struct node_core *core = pair_core(w->pair, ML);
  const struct policy *p = policy_set_policy(core->policies, (unsigned)core_member_index(core), pair_now(w->pair));
  return p ? policy_serial(p) : 0;
}

static void a_widening_that_ends_before_the_delay_is_one(void **state)
{
  struct world *w = *state;
  char end[25], rules[256];
  time_print(pair_now(w->pair) + 12 * TG_HOUR, end);
  snprintf(rules, sizeof rules, SECRETS "export allow ** to NE up-to TOP-SECRET until %s\n", end);
  told_policy(w, 2, rules, pair_now(w->pair), 1);
  assert_int_equal(serial_in_force(w), 1);
  pair_pass(w->pair, TG_MINUTE);
  assert_int_equal(pair_told(w->pair, ML, "policy-widens-unsigned"), 1);
}

static void one_officer_drops_no_pin(void **state)
{
  struct world *w = *state;
  told_policy(w, 2, SECRETS "pin never TOP-SECRET and above to *\n", pair_now(w->pair), 1);
  assert_int_equal(serial_in_force(w), 2);
  told_policy(w, 3, SECRETS, pair_now(w->pair), 1);
  assert_int_equal(serial_in_force(w), 2);
  pair_pass(w->pair, TG_MINUTE);
  assert_int_equal(pair_told(w->pair, ML, "policy-widens-unsigned"), 1);
  told_policy(w, 4, SECRETS, pair_now(w->pair), 2);
  assert_int_equal(serial_in_force(w), 2); /* not before the delay */
  pair_pass(w->pair, TG_DAY + TG_MINUTE);
  assert_int_equal(serial_in_force(w), 4);
}

/* What was opened by two and is taken back by one before it holds, never holds. */
static void one_officer_narrows_what_waits(void **state)
{
  struct world *w = *state;
  const tg_time then = pair_now(w->pair) + TG_DAY;
  pair_pass(w->pair, TG_MINUTE); /* so this node lets it wait a minute longer than it says */
  told_policy(w, 2, SECRETS "export allow ** to * up-to TOP-SECRET\n", then, 2);
  told_policy(w, 3, SECRETS "export allow ** to BF up-to TOP-SECRET\n", then, 1);
  assert_int_equal(pair_told(w->pair, ML, "policy-widens-unsigned"), 0);
  assert_int_equal(serial_in_force(w), 1);
  pair_pass(w->pair, TG_DAY + 2 * TG_MINUTE);
  assert_int_equal(serial_in_force(w), 3);
}

/* A newer language than ours, signed by our officer: what it may close we cannot know, today or after a restart. */
static void an_unreadable_policy_brings_no_older_one_back(void **state)
{
  struct world *w = *state;
  told_policy(w, 2, "export permit ** to * unless war\n", pair_now(w->pair), 1);
  assert_int_equal(serial_in_force(w), 0);
  pair_pass(w->pair, TG_MINUTE); /* it is in the store */
  pair_kill(w->pair, ML);
  pair_start(w->pair, ML);
  assert_int_equal(serial_in_force(w), 0);
  pair_settle(w->pair);
  told_policy(w, 3, SECRETS, pair_now(w->pair), 1);
  assert_int_equal(serial_in_force(w), 3);
}

/* ---- documents that nobody signed ---- */

/* Alarms run hooks and fill what the node keeps of them: a hub that makes them up is not listened to for long, and what comes after is taken. */
static void documents_that_are_none_end_the_session(void **state)
{
  enum { MADE_UP = 40, BEFORE_IT_ENDS = 16 };
  struct pair *p = world_pair(state);
  Tg__Documents frame = TG__DOCUMENTS__INIT;
  Tg__Document item[MADE_UP], *items[MADE_UP];
  struct buf bytes = buf_new(1 << 20);
  for (unsigned i = 0; i < MADE_UP; i++) {
    tg__document__init(items[i] = &item[i]);
    item[i].sequence = 1000 + i;
    item[i].kind = DOCUMENT_REVOCATION;
    item[i].content = slice_data(slice_str("toguna/revocation v1\n\nno signature\n"));
  }
  frame.items = items;
  frame.n_items = MADE_UP;
  assert_int_equal(frame_encode(FRAME_DOCUMENTS, &frame.base, &bytes, NULL), TG_OK);
  pair_inject(p, BF, buf_slice(&bytes));
  pair_settle(p);
  assert_int_equal(pair_told(p, BF, "document-refused"), BEFORE_IT_ENDS);
  pair_pass(p, TG_MINUTE);
  world_publish(p, "BF", "still here");
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 1);
  buf_free(&bytes);
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
  world_publish(w->pair, "BF", "still alive");
  pair_pass(w->pair, TG_MINUTE);
  assert_int_equal(look_inbox(w->pair, BF), 1);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, world_started, world_free)
  const struct CMUnitTest tests[] = {
      STORY(a_changed_delivery_is_not_taken),
      STORY(what_comes_twice_shows_once),
      STORY(a_withheld_bulletin_is_missed),
      STORY(what_cannot_be_read_is_missed_by_nobody),
      STORY(a_broken_chain_is_noticed),
      STORY(a_broken_chain_is_noticed_whichever_comes_first),
      STORY(an_impossible_place_in_the_queue_breaks_nothing),
      STORY(a_changed_chunk_costs_the_transfer_and_no_more),
      STORY(an_acceptance_that_is_not_in_the_log_counts_for_nothing),
      STORY(a_forged_receipt_delivers_nothing),
      STORY(a_delivery_with_the_entry_of_another_is_not_taken),
      STORY(an_answer_with_the_entry_of_another_is_none),
      STORY(a_receipt_with_the_entry_of_another_delivers_nothing),
      STORY(a_revoked_key_is_not_believed_whatever_the_hub_says),
      STORY(our_own_import_rules_hold_whatever_the_hub_says),
      STORY(a_widening_that_ends_before_the_delay_is_one),
      STORY(one_officer_drops_no_pin),
      STORY(one_officer_narrows_what_waits),
      STORY(an_unreadable_policy_brings_no_older_one_back),
      STORY(documents_that_are_none_end_the_session),
      STORY(no_bytes_break_a_node),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
