/* A hub is lost and another takes its place, with a log of its own. */
#include "client/node/core.h"
#include "client/node/talk.h"
#include "client/node/watch.h"
#include "keys/codec.h"
#include "tests/client/node/hubs.h"
#include "tests/client/node/look_paper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void replace_the_hub(struct world *w)
{
  struct pair *p = w->pair;
  struct tg_why why;
  struct buf charter = kit_next_charter(w->kit, pair_now(p), hubs_second_alone);
  pair_document(p, buf_slice(&charter));
  for (size_t i = 0; i < WORLD_MEMBERS; i++) {
    pair_reach(p, i, FIRST, false);
    assert_int_equal(node_document(pair_core(p, i), buf_slice(&charter), &why), TG_OK);
  }
  buf_free(&charter);
}

/* Of ML's, whose line breaks before the hub is lost; the others have met the next. */
static struct hash delivered_before_the_loss(struct world *w)
{
  struct pair *p = w->pair;
  const struct hash id = world_publish(p, "BF", "before the loss");
  pair_settle(p);
  pair_plug(p, ML, false);
  replace_the_hub(w);
  pair_pass(p, 2 * TG_MINUTE);
  return id;
}

static void break_a_handshake(struct pair *p, size_t member, const char *endpoint)
{
  hubs_until_it_tries(p, member, endpoint);
  assert_int_equal(node_link(pair_core(p, member), NODE_LINK_FAILED), TG_OK);
  assert_int_equal(talk_state(pair_core(p, member)), TALK_RESTING);
}

/* Three broken handshakes in a row are another key, told as an alarm; two with the lost hub and one with the next are not. */
static void the_next_hub_has_not_the_faults_of_the_lost(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  pair_plug(p, BF, false);
  break_a_handshake(p, BF, HUBS_FIRST);
  break_a_handshake(p, BF, HUBS_FIRST);
  replace_the_hub(w);
  break_a_handshake(p, BF, HUBS_SECOND);
  pair_pass(p, 10 * TG_SECOND);
  assert_int_equal(pair_told(p, BF, "hub-is-another"), 0);
  assert_int_equal(pair_told(p, BF, "handshake-broken"), 3);
}

/* It is read when the hub that delivered it is lost, and before its originator brought it to the next: that one hears nothing of it until it delivers it, and then
   all. */
static void what_a_lost_hub_delivered_is_said_to_the_next(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  const struct hash id = delivered_before_the_loss(w);
  assert_string_equal(talk_hub(pair_core(p, BF)), "hub2");
  world_acknowledge(p, &id);
  pair_pass(p, TG_MINUTE);
  pair_plug(p, ML, true);
  pair_pass(p, 2 * TG_MINUTE);
  assert_int_equal(pair_told(p, ML, "log-given-up"), 1);
  assert_true(look_track(p, ML, &id, RECEIPT_READ) && look_track(p, ML, &id, RECEIPT_ACKNOWLEDGED));
  assert_int_equal(look_inbox(p, BF), 1);
  hubs_no_strikes(p);
}

/* The checkpoints of the lost log may not be here any more: a version that did not keep them watched it. It is another log all the same. */
static void a_lost_log_without_checkpoints_is_another(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  const struct hash id = delivered_before_the_loss(w);
  world_alter(p, BF, "DELETE FROM root WHERE log LIKE '%hub1'");
  pair_pass(p, TG_MINUTE);
  world_acknowledge(p, &id);
  pair_pass(p, TG_MINUTE);
  hubs_no_strikes(p);
}

static void nothing_new(struct charter *c) { (void)c; }

static void next_charter(struct world *w, void (*tune)(struct charter *))
{
  struct tg_why why;
  struct buf charter = kit_next_charter(w->kit, pair_now(w->pair), tune);
  assert_int_equal(node_document(pair_core(w->pair, BF), buf_slice(&charter), &why), TG_OK);
  pair_settle(w->pair);
  buf_free(&charter);
}

/* However many charters name it. */
static void each_log_is_listed_once(void **state)
{
  struct world *w = *state;
  next_charter(w, nothing_new);
  const struct node_core *core = pair_core(w->pair, BF);
  assert_int_equal(core_charter(core)->version, 2);
  assert_ptr_equal(core_hub_ever(core, 0), &core_charter(core)->hub[0]);
  assert_null(core_hub_ever(core, 1));
}

static void a_former_log_is_listed_behind(void **state)
{
  struct world *w = *state;
  next_charter(w, hubs_second_alone);
  const struct node_core *core = pair_core(w->pair, BF);
  assert_string_equal(core_hub_ever(core, 0)->name, "hub2");
  assert_string_equal(core_hub_ever(core, 1)->name, "hub1");
  assert_null(core_hub_ever(core, 2));
}

/* By a clock that is set back, the charter in force is one that does not name that hub: what came of it, was coming and is to be said waits until the clock is right. */
static void a_clock_that_is_set_back_forgets_no_hub(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  const struct pair_bulletin large = {.to = "BF", .size = 3 << 20};
  struct hubs_held held = {.deliveries = false};
  struct hash id, short_one;
  replace_the_hub(w);
  pair_pass(p, 2 * TG_MINUTE);
  pair_set_filter(p, BF, hubs_no_chunks, &held);
  assert_int_equal(pair_publish(p, ML, &large, &id), TG_OK);
  short_one = world_publish(p, "BF", "by an old clock");
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 1);
  pair_set_clock(p, BF, -10 * TG_MINUTE);
  world_acknowledge(p, &short_one);
  pair_set_filter(p, BF, NULL, NULL);
  pair_pass(p, TG_MINUTE);
  assert_string_equal(core_charter(pair_core(p, BF))->hub[0].name, "hub1");
  assert_string_equal(core_hub_ever(pair_core(p, BF), 0)->name, "hub2"); /* its log proves what it did: on a stick, too */
  assert_int_equal(look_inbox(p, BF), 1);
  pair_set_clock(p, BF, 0);
  pair_pass(p, 2 * TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 2);
  world_acknowledge(p, &id);
  pair_settle(p);
  assert_true(look_track(p, ML, &id, RECEIPT_STORED) && look_track(p, ML, &id, RECEIPT_ACKNOWLEDGED));

  assert_true(look_track(p, ML, &short_one, RECEIPT_STORED) && look_track(p, ML, &short_one, RECEIPT_ACKNOWLEDGED));
  hubs_no_strikes(p);
}

/* The node's proof that it was logged, as it answers `prove`. Borrowed until the next question. */
static struct slice proof_of(struct pair *p, size_t member, const struct hash *id)
{
  Tg__LQuery m = TG__LQUERY__INIT;
  enum local_type type;
  char hex[HASH_TEXT];
  hash_print(id, hex);
  ProtobufCBinaryData arg = {strlen(hex), (uint8_t *)hex};
  m.what = (ProtobufCBinaryData){5, (uint8_t *)(uintptr_t)"prove"};
  m.args = &arg;
  m.n_args = 1;
  const Tg__LJson *answer = (const Tg__LJson *)pair_ask(p, member, LOCAL_QUERY, &m.base, &type);
  assert_non_null(answer);
  assert_int_equal(type, LOCAL_JSON);
  return slice_of(answer->json.data, answer->json.len);
}

/* Before its originator has met the next hub, which knows nothing of it yet. */
static void what_a_lost_hub_logged_is_proven_still(void **state)
{
  static const char from_log[] = "\"log\":\"sahel.example/hub1\"";
  struct world *w = *state;
  struct pair *p = w->pair;
  const struct hash id = delivered_before_the_loss(w);
  assert_string_equal(core_charter(pair_core(p, ML))->hub[0].name, "hub2");
  const struct slice proof = proof_of(p, ML, &id);
  assert_non_null(memmem(proof.p, proof.n, "\"proof\":\"", 9));
  assert_non_null(memmem(proof.p, proof.n, from_log, sizeof from_log - 1));
}

static void expect_heard_of(struct pair *p, const struct hash *id)
{
  world_acknowledge(p, id);
  pair_pass(p, TG_MINUTE);
  assert_true(look_track(p, ML, id, RECEIPT_STORED));
  assert_true(look_track(p, ML, id, RECEIPT_READ) && look_track(p, ML, id, RECEIPT_ACKNOWLEDGED));
  hubs_no_strikes(p);
}

/* The next hub delivers what is under way, and hears what is done with it. */
static void a_body_that_was_coming_stands_in_the_next_log(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct hubs_held held = {.frame = buf_new(LIMIT_FRAME)};
  struct hash id;
  pair_set_filter(p, BF, hubs_no_chunks, &held);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 3 << 20}, &id), TG_OK);
  pair_settle(p);
  replace_the_hub(w);
  pair_pass(p, 2 * TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 0);
  world_restart(p, BF); /* it is on the disk */
  pair_set_filter(p, BF, NULL, NULL);
  pair_pass(p, 2 * TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 1);
  expect_heard_of(p, &id);
  buf_free(&held.frame);
}

/* The same when all of it is there and is being opened. */
static void a_body_that_is_opened_stands_in_the_next_log(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  const struct pair_bulletin large = {.to = "BF", .size = 3 << 20};
  struct hubs_last_chunk last = {.frame = buf_new(LIMIT_FRAME)};
  struct hubs_held held = {.frame = buf_new(LIMIT_FRAME)};
  struct hash id;
  pair_set_filter(p, BF, hubs_but_the_last_chunk, &last);
  assert_int_equal(pair_publish(p, NE, &large, NULL), TG_OK);
  pair_settle(p);
  last = (struct hubs_last_chunk){.withheld = last.seen, .frame = last.frame};
  pair_plug(p, NE, false); /* the next hub has one to deliver */
  assert_int_equal(pair_publish(p, ML, &large, &id), TG_OK);
  pair_settle(p);
  pair_plug(p, ML, false);
  pair_set_filter(p, BF, hubs_no_chunks, &held);
  replace_the_hub(w);
  pair_pass(p, 2 * TG_MINUTE);
  held.deliveries = true;
  pair_plug(p, ML, true);
  for (unsigned i = 0; i < 120 && !held.frame.n; i++)
    pair_pass(p, TG_SECOND);
  assert_true(held.frame.n > 0);
  pair_inject(p, BF, buf_slice(&last.frame));
  assert_int_equal(look_inbox(p, BF), 1); /* a few of its chunks were opened in this turn */
  pair_inject(p, BF, buf_slice(&held.frame));
  assert_int_equal(look_inbox(p, BF), 1);
  pair_set_filter(p, BF, NULL, NULL);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 2);
  expect_heard_of(p, &id);
  buf_free(&held.frame);
  buf_free(&last.frame);
}

/* ML's next hub has the bulletin and its recall before BF asks: it delivers the recall alone. What BF had of the lost one, and what it does with it now, is said there. */
static void recalled_at_the_next(void **state, enum node_recall how, enum receipt_event event)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct hash id, recall;
  pair_kill(p, BF);
  pair_config(p, BF)->on_recall = how;
  pair_start(p, BF);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "wrong", .precedence = PRECEDENCE_ROUTINE}, &id), TG_OK);
  pair_settle(p);
  pair_plug(p, ML, false);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "it was", .kind = KIND_RECALL, .supersedes = &id,
                                                               .precedence = PRECEDENCE_IMMEDIATE}, &recall), TG_OK);
  replace_the_hub(w);
  pair_pass(p, 2 * TG_MINUTE);
  world_acknowledge(p, &id); /* nobody can be told yet */
  pair_plug(p, BF, false);
  pair_plug(p, ML, true);
  pair_pass(p, 2 * TG_MINUTE);
  assert_true(look_sent(p, ML, &recall) >= SENT_ACCEPTED && look_sent(p, ML, &id) >= SENT_ACCEPTED);
  pair_plug(p, BF, true);
  pair_pass(p, 2 * TG_MINUTE);
  assert_true(look_track(p, ML, &id, event));
  assert_true(look_track(p, ML, &id, RECEIPT_STORED) && look_track(p, ML, &id, RECEIPT_ACKNOWLEDGED));
  hubs_no_strikes(p);
}

static void a_recall_at_the_next_hub_purges(void **state) { recalled_at_the_next(state, NODE_RECALL_PURGE, RECEIPT_PURGED); }
static void a_recall_at_the_next_hub_is_noted(void **state) { recalled_at_the_next(state, NODE_RECALL_RETAIN, RECEIPT_RETAINED); }
static void a_recall_at_the_next_hub_is_refused(void **state) { recalled_at_the_next(state, NODE_RECALL_REFUSE, RECEIPT_RECALL_REFUSED); }

/* Both came by the lost hub, which told nobody what became of it; the next delivers the recall alone. */
static void recalled_at_the_lost(void **state, enum node_recall how, enum receipt_event event)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct hash id, recall;
  pair_kill(p, BF);
  pair_config(p, BF)->on_recall = how;
  pair_start(p, BF);
  pair_pass(p, TG_MINUTE);
  const struct pair_bulletin wrong = {.to = "BF", .text = "wrong", .precedence = PRECEDENCE_ROUTINE};
  assert_int_equal(pair_publish(p, ML, &wrong, &id), TG_OK);
  pair_settle(p);
  pair_set_uplink(p, BF, hubs_no_receipts, NULL);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "it was", .kind = KIND_RECALL, .supersedes = &id,
                                                               .precedence = PRECEDENCE_IMMEDIATE}, &recall), TG_OK);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 2);
  assert_false(look_track(p, ML, &id, event));
  replace_the_hub(w);
  pair_plug(p, BF, false);
  pair_set_uplink(p, BF, NULL, NULL);
  pair_pass(p, 4 * TG_MINUTE);
  assert_true(look_sent(p, ML, &recall) >= SENT_ACCEPTED && look_sent(p, ML, &id) >= SENT_ACCEPTED);
  pair_plug(p, BF, true);
  pair_pass(p, 2 * TG_MINUTE);
  assert_true(look_track(p, ML, &id, event));
  hubs_no_strikes(p);
}

static void a_purge_that_was_not_said_is_said_with_its_recall(void **state) { recalled_at_the_lost(state, NODE_RECALL_PURGE, RECEIPT_PURGED); }
static void a_refusal_that_was_not_said_is_said_with_its_recall(void **state)
{
  recalled_at_the_lost(state, NODE_RECALL_REFUSE, RECEIPT_RECALL_REFUSED);
}

/* To the next hub goes what the lost one had, and its recall, which is more urgent and must not come first. On a slow line there is room for one. */
static void an_urgent_recall_does_not_stand_before_what_it_recalls(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  pair_kill(p, ML);
  pair_config(p, ML)->line_rate = 1200;
  pair_start(p, ML);
  pair_pass(p, TG_MINUTE);
  struct hash id, recall, other;
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "wrong", .precedence = PRECEDENCE_ROUTINE}, &id), TG_OK);
  pair_pass(p, TG_MINUTE);
  assert_true(look_sent(p, ML, &id) >= SENT_ACCEPTED);
  pair_plug(p, ML, false);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "it was", .kind = KIND_RECALL, .supersedes = &id,
                                                               .precedence = PRECEDENCE_IMMEDIATE}, &recall), TG_OK);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "right"}, &other), TG_OK);
  replace_the_hub(w);
  pair_plug(p, ML, true);
  pair_pass(p, 5 * TG_MINUTE);
  assert_int_equal(pair_told(p, ML, "log-given-up"), 1);
  assert_true(look_sent(p, ML, &other) >= SENT_ACCEPTED && look_sent(p, ML, &recall) >= SENT_ACCEPTED);
  assert_true(look_track(p, ML, &id, RECEIPT_PURGED));
  hubs_no_strikes(p);
}

struct greeting {
  struct buf welcome; /* kept from it */
  unsigned documents; /* of its own, that went out */
};

static bool but_the_welcome(void *context, struct buf *frame)
{
  struct greeting *g = context;
  if (hubs_type(frame, FRAME_TO_NODE) != FRAME_WELCOME || g->welcome.n)
    return true;
  buf_put_slice(&g->welcome, buf_slice(frame));
  return false;
}

static bool count_documents(void *context, struct buf *frame)
{
  struct greeting *g = context;
  g->documents += hubs_type(frame, FRAME_TO_HUB) == FRAME_DOCUMENTS;
  return true;
}

/* The charter comes into force between its Hello and the Welcome. What it announced before is nothing to tell a hub that is named no more: that one would say that it
   has it, and the next would never hear of it. */
static void a_hub_that_is_named_no_more_is_brought_nothing(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct greeting g = {.welcome = buf_new(LIMIT_FRAME)};
  struct tg_why why;
  pair_set_filter(p, BF, but_the_welcome, &g);
  pair_plug(p, BF, false);
  pair_plug(p, BF, true);
  for (unsigned i = 0; i < 100 && !g.welcome.n; i++)
    pair_run(p, 100);
  assert_int_equal(talk_state(pair_core(p, BF)), TALK_GREETING);
  assert_int_equal(node_time(pair_core(p, BF), (struct node_now){.wall = pair_now(p), .mono = pair_mono(p)}), TG_OK); /* it looks at the time once a second */
  struct buf charter = kit_next_charter(w->kit, pair_now(p) + 100, hubs_second_alone);
  assert_int_equal(node_document(pair_core(p, BF), buf_slice(&charter), &why), TG_OK);
  pair_run(p, 150);
  pair_set_uplink(p, BF, count_documents, &g);
  pair_inject(p, BF, buf_slice(&g.welcome));
  assert_int_equal(pair_told(p, BF, "log-given-up"), 0);
  assert_int_equal(g.documents, 0);
  pair_document(p, buf_slice(&charter));
  pair_pass(p, TG_MINUTE);
  assert_string_equal(talk_hub(pair_core(p, BF)), "hub2");
  assert_int_equal(pair_told(p, BF, "log-given-up"), 1);
  assert_true(g.documents > 0);
  hubs_no_strikes(p);
  buf_free(&charter);
  buf_free(&g.welcome);
}

/* The same name and the same address, and other keys: what is open with the former is over, and it is brought nothing. */
static void other_keys(struct charter *c)
{
  const struct charter_hub was = c->hub[0];
  hubs_second_alone(c);
  memcpy(c->hub[0].name, was.name, sizeof was.name);
  memcpy(c->hub[0].endpoint, was.endpoint, sizeof was.endpoint);
}

/* What its documents and notes are numbered by begins anew with the log: who went on where the former stopped would not hear of what stands before that. */
static void a_hub_with_other_keys_is_heard_from_its_beginning(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct tg_why why;
  static struct secret_key *transport, *log; /* its signer has it as long as the hub is there */
  kit_hub_keys("hub1-anew", &transport, &log);
  struct buf charter = kit_charter_naming(w->kit, pair_now(p), "hub1", transport, log);
  const struct sign_pk stolen = secret_key_sign_pk(w->kit->member[ML].officer[0]);
  struct buf revocation = kit_revoke_key(w->kit, ML, &stolen, pair_now(p));
  pair_add_successor(p, "hub1", transport, log, buf_slice(&charter));
  pair_document_at(p, THIRD, buf_slice(&revocation));
  pair_reach(p, BF, FIRST, false);
  assert_int_equal(node_document(pair_core(p, BF), buf_slice(&charter), &why), TG_OK);
  pair_pass(p, TG_MINUTE);
  assert_string_equal(watch_log(pair_core(p, BF)), "sahel.example/hub1-anew");
  assert_int_equal(directory_officer_may(pair_core(p, BF)->directory, &stolen, ROLE_POLICY, pair_now(p), NULL), TG_REVOKED);
  assert_int_equal(pair_alarms(p, BF), 0);
  buf_free(&charter);
  buf_free(&revocation);
}

static void a_hub_with_other_keys_is_another(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct greeting g = {.welcome = buf_new(1)};
  struct tg_why why;
  assert_int_equal(talk_state(pair_core(p, BF)), TALK_OPEN);
  struct buf charter = kit_next_charter(w->kit, pair_now(p), other_keys);
  pair_set_uplink(p, BF, count_documents, &g);
  assert_int_equal(node_document(pair_core(p, BF), buf_slice(&charter), &why), TG_OK);
  pair_run(p, 200);
  assert_int_not_equal(talk_state(pair_core(p, BF)), TALK_OPEN);
  assert_int_equal(pair_told(p, BF, "log-given-up"), 0);
  assert_int_equal(g.documents, 0);
  buf_free(&charter);
  buf_free(&g.welcome);
}

/* The next charter but one names the lost hub again. Until it was met under that one, it is as lost as any. */
static void a_hub_that_will_be_named_again_is_given_up_now(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct tg_why why;
  pair_plug(p, BF, false);
  (void)world_publish(p, "BF", "accepted, and not delivered");
  pair_settle(p);
  struct buf second = kit_next_charter(w->kit, pair_now(p), hubs_second_alone);
  struct buf third = kit_charter_after(w->kit, buf_slice(&second), pair_now(p) + 30 * TG_DAY, hubs_both);
  pair_document(p, buf_slice(&second));
  pair_document(p, buf_slice(&third));
  for (size_t i = 0; i < WORLD_MEMBERS; i++) {
    pair_reach(p, i, FIRST, false);
    assert_int_equal(node_document(pair_core(p, i), buf_slice(&second), &why), TG_OK);
    assert_int_equal(node_document(pair_core(p, i), buf_slice(&third), &why), TG_OK);
  }
  pair_plug(p, BF, true);
  pair_pass(p, 10 * TG_MINUTE);
  assert_int_equal(pair_told(p, ML, "log-given-up"), 1);
  assert_int_equal(look_inbox(p, BF), 1);
  hubs_no_strikes(p);
  buf_free(&second);
  buf_free(&third);
}

/* All are with the other of two hubs when the first, which was lost, is named no more: nobody waits for the line to break. */
static void a_session_that_goes_on_brings_what_a_lost_hub_had(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct tg_why why;
  assert_string_equal(talk_hub(pair_core(p, ML)), "hub1");
  pair_plug(p, BF, false);
  (void)world_publish(p, "BF", "accepted by the first");
  pair_settle(p);
  for (size_t i = 0; i < WORLD_MEMBERS; i++)
    pair_reach(p, i, FIRST, false);
  pair_plug(p, BF, true);
  pair_pass(p, 30 * TG_MINUTE);
  assert_string_equal(talk_hub(pair_core(p, ML)), "hub2");
  assert_int_equal(look_inbox(p, BF), 0);
  struct buf charter = kit_next_charter(w->kit, pair_now(p), hubs_second_of_two);
  pair_document(p, buf_slice(&charter));
  for (size_t i = 0; i < WORLD_MEMBERS; i++)
    assert_int_equal(node_document(pair_core(p, i), buf_slice(&charter), &why), TG_OK);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(pair_told(p, ML, "log-given-up"), 1);
  assert_int_equal(look_inbox(p, BF), 1);
  hubs_no_strikes(p);
  buf_free(&charter);
}

/* By a clock that is set back it acknowledges what the lost hub delivered, and has that to say to nobody once the clock is right. */
static void nothing_is_kept_for_a_log_that_is_given_up(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  const struct hash id = delivered_before_the_loss(w);
  pair_set_clock(p, BF, -10 * TG_MINUTE);
  pair_pass(p, TG_MINUTE);
  world_acknowledge(p, &id);
  pair_pass(p, TG_MINUTE);
  assert_true(look_said(p, BF, "sahel.example/hub1") > 0);
  pair_set_clock(p, BF, 0);
  pair_plug(p, ML, true);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_said(p, BF, "sahel.example/hub1"), 0);
  pair_pass(p, 10 * TG_MINUTE);
  assert_true(look_track(p, ML, &id, RECEIPT_ACKNOWLEDGED));
  hubs_no_strikes(p);
}

/* ---- a charter that an earlier program took in */

static void another_key_for_the_log(struct charter *c)
{
  struct secret_key *log;
  assert_int_equal(secret_key_new(KEY_HUB_LOG, c->hub[0].log.name, &log), TG_OK);
  assert_int_equal(secret_key_note_key(log, &c->hub[0].log), TG_OK);
  secret_key_free(log);
}

/* BF's node has it in its store, and comes back. */
static void leave_a_charter(struct world *w, void (*tune)(struct charter *))
{
  struct buf charter = kit_next_charter(w->kit, pair_now(w->pair), tune), statement = buf_new(4 * LIMIT_DOCUMENT);
  buf_put_str(&statement, "INSERT INTO document(kind, hash, content, proof, accepted, in_force) VALUES(1, x'01', x'");
  for (size_t i = 0; i < charter.n; i++) {
    char hex[3];
    snprintf(hex, sizeof hex, "%02x", charter.p[i]);
    buf_put_str(&statement, hex);
  }
  buf_put_str(&statement, "', x'', 1, 0)");
  buf_put_u8(&statement, 0);
  assert_int_equal(buf_status(&statement), TG_OK);
  world_alter(w->pair, BF, (const char *)statement.p);
  buf_free(&charter);
  buf_free(&statement);
}

static bool doctor_misses_a_charter(struct world *w)
{
  json_t *doctor = look_paper_asked(w, BF, "doctor", NULL, NULL), *finding;
  bool found = false;
  size_t i;
  json_array_foreach(json_object_get(doctor, "findings"), i, finding)
    found |= !strcmp(json_string_value(json_object_get(finding, "name")), "charter");
  json_decref(doctor);
  return found;
}

/* Whom the charter before names may be who has the key that the members gave up. */
static void a_node_whose_store_gives_a_log_another_key_meets_no_hub(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  leave_a_charter(w, another_key_for_the_log);
  pair_pass(p, 10 * TG_MINUTE);
  assert_int_equal(pair_told(p, BF, "charter-not-taken"), 1);
  assert_int_equal(talk_state(pair_core(p, BF)), TALK_ALONE);
  assert_true(doctor_misses_a_charter(w));
  replace_the_hub(w); /* another of this version */
  pair_pass(p, 10 * TG_MINUTE);
  assert_true(talk_is_open(pair_core(p, BF)));
  world_restart(p, BF);
  assert_int_equal(pair_told(p, BF, "charter-not-taken"), 1);
  assert_true(talk_is_open(pair_core(p, BF)));
  assert_false(doctor_misses_a_charter(w));
}

int main(void)
{
#define STORY(f, begin) cmocka_unit_test_setup_teardown(f, begin, hubs_free)
  const struct CMUnitTest tests[] = {
      STORY(the_next_hub_has_not_the_faults_of_the_lost, hubs_one),
      STORY(what_a_lost_hub_delivered_is_said_to_the_next, hubs_one),
      STORY(a_hub_that_is_named_no_more_is_brought_nothing, hubs_one),
      STORY(a_hub_with_other_keys_is_another, hubs_one),
      STORY(a_hub_with_other_keys_is_heard_from_its_beginning, hubs_one),
      STORY(a_hub_that_will_be_named_again_is_given_up_now, hubs_one),
      STORY(a_session_that_goes_on_brings_what_a_lost_hub_had, hubs_two),
      STORY(nothing_is_kept_for_a_log_that_is_given_up, hubs_one),
      STORY(what_a_lost_hub_logged_is_proven_still, hubs_one),
      STORY(a_lost_log_without_checkpoints_is_another, hubs_one),
      STORY(each_log_is_listed_once, hubs_one),
      STORY(a_former_log_is_listed_behind, hubs_one),
      STORY(a_clock_that_is_set_back_forgets_no_hub, hubs_one),
      STORY(a_body_that_was_coming_stands_in_the_next_log, hubs_one),
      STORY(a_body_that_is_opened_stands_in_the_next_log, hubs_one),
      STORY(a_recall_at_the_next_hub_purges, hubs_one),
      STORY(a_recall_at_the_next_hub_is_noted, hubs_one),
      STORY(a_recall_at_the_next_hub_is_refused, hubs_one),
      STORY(a_purge_that_was_not_said_is_said_with_its_recall, hubs_one),
      STORY(a_refusal_that_was_not_said_is_said_with_its_recall, hubs_one),
      STORY(a_node_whose_store_gives_a_log_another_key_meets_no_hub, hubs_one),
      STORY(an_urgent_recall_does_not_stand_before_what_it_recalls, hubs_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
