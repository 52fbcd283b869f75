/* Documents of others and their entries in the log: what a node can prove of them, and a hub that shows another entry than there is, or none. */
#include "audit/checkpoint.h"
#include "client/node/core.h"
#include "client/node/logged.h"
#include "keys/grant.h"
#include "keys/codec.h"
#include "tests/client/node/look_paper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MEMBERS = WORLD_MEMBERS };

/* ---- proofs */

/* NE is neither whose policy it is nor whom it concerns. */
static void a_third_member_proves_when_a_policy_was_logged(void **state)
{
  struct world *w = *state;
  const struct hash policy = look_paper_policy(w, false);
  const struct note_key log = look_paper_log(w);
  struct arena *arena = arena_new(1 << 20);
  struct logged_row row;
  char place[24];
  for (size_t i = 0; i < MEMBERS; i++)
    assert_true(look_paper_policy_is_proved(w, i, &policy));
  assert_int_equal(logged_of(pair_core(w->pair, NE), log.name, &policy, arena, &row), TG_OK);
  snprintf(place, sizeof place, "%llu", (unsigned long long)row.opening.index);
  assert_true(look_paper_is_proved(w, NE, place, &policy, "ML", w->kit->member[ML].policy_serial)); /* or by its place in the log */
  world_restart(w->pair, NE);
  assert_true(look_paper_policy_is_proved(w, NE, &policy));
  arena_free(arena);
}

/* Each document that a node has is proven by it: those that it brought itself, those that came before it did, what announces keys. */
static void nothing_that_a_node_believes_is_without_its_entry(void **state)
{
  struct world *w = *state;
  look_paper_policy(w, false);
  for (size_t i = 0; i < MEMBERS; i++) {
    struct directory_item item = {.order = 0};
    json_t *page = look_paper_asked(w, i, "review", "documents", "0");
    size_t n = 0, keys = 0;
    for (; directory_next(pair_core(w->pair, i)->directory, item.order, &item) == TG_OK; n++) {
      char hex[65];
      hash_print(&item.hash, hex);
      json_t *proof = look_paper_asked(w, i, "prove", hex, NULL);
      if (!json_is_string(json_object_get(proof, "proof")))
        fail_msg("%zu cannot prove document %s of kind %u", i, hex, item.kind);
      keys += item.kind == DOCUMENT_SEALING_KEYS;
      json_decref(proof);
    }
    assert_int_equal(keys, MEMBERS);
    assert_int_equal(json_array_size(json_object_get(page, "entries")), n);
    json_decref(page);
  }
}

static void who_was_away_is_shown_the_entries_of_what_came_meanwhile(void **state)
{
  struct world *w = *state;
  const struct note_key log = look_paper_log(w);
  struct arena *arena = arena_new(1 << 20);
  struct logged_row row;
  pair_plug(w->pair, NE, false);
  const struct hash policy = look_paper_policy(w, false);
  for (unsigned i = 0; i < 40; i++) /* the log grows on: the path that it is shown is another than others were */
    assert_int_equal(pair_publish(w->pair, ML, &(struct pair_bulletin){.to = "NE", .text = "meanwhile"}, NULL), TG_OK);
  pair_pass(w->pair, TG_MINUTE);
  assert_false(look_paper_is_known(w, NE, &policy));
  pair_plug(w->pair, NE, true);
  pair_pass(w->pair, TG_MINUTE);
  assert_true(look_paper_is_known(w, NE, &policy));
  assert_true(look_paper_policy_is_proved(w, NE, &policy));
  assert_int_equal(logged_of(pair_core(w->pair, NE), log.name, &policy, arena, &row), TG_OK);
  assert_true(row.size > row.opening.index + 40); /* the checkpoint under which it was shown, wherever its entry stands */
  assert_int_equal(pair_told(w->pair, NE, "document-forged"), 0);
  arena_free(arena);
}

/* What only the hub and its own state may read has no entry for others either; and one that was refused has one for nobody. */
static void what_a_policy_withholds_stays_withheld(void **state)
{
  struct world *w = *state;
  const struct hash policy = look_paper_policy(w, true);
  const struct note_key log = look_paper_log(w);
  struct arena *arena = arena_new(1 << 20);
  struct logged_row row;
  assert_true(look_paper_policy_is_proved(w, ML, &policy));
  for (size_t i = BF; i < MEMBERS; i++) {
    pair_kill(w->pair, i); /* and not when it asks for all again */
    assert_int_equal(unlink(pair_database(w->pair, i)), 0);
    pair_start(w->pair, i);
    pair_pass(w->pair, TG_MINUTE);
    assert_false(look_paper_is_known(w, i, &policy));
    assert_false(look_paper_policy_is_proved(w, i, &policy));
    assert_int_equal(logged_of(pair_core(w->pair, i), log.name, &policy, arena, &row), TG_NOT_FOUND);
  }
  arena_free(arena);
}

/* An announcement of keys that a newer one took the place of is forgotten, and its entry with it. */
static void an_entry_is_kept_as_long_as_its_document(void **state)
{
  struct world *w = *state;
  struct look_paper_kept k = look_paper_kept(w, ML);
  for (unsigned day = 0; day < 40 && k.ever == k.now; day++) { /* until keys were changed */
    pair_pass(w->pair, TG_DAY);
    k = look_paper_kept(w, ML);
  }
  pair_pass(w->pair, TG_DAY);
  for (size_t i = 0; i < MEMBERS; i++) {
    k = look_paper_kept(w, i);
    assert_true(k.ever > k.now);
    assert_int_equal(k.now, k.documents);
  }
}

/* ---- what has expired */

/* ML grants something for an hour. */
static struct buf short_grant(struct world *w, const struct secret_key *officer)
{
  const tg_time now = pair_now(w->pair);
  struct grant g = {.member = w->kit->member[ML].code, .serial = 1, .bulletin = {{9}}, .issued = now, .until = now + TG_HOUR, .n_to = 1, .to = {"BF"}};
  struct buf text = buf_new(NOTE_BYTES_MAX), note = buf_new(NOTE_BYTES_MAX);
  snprintf(g.exchange, sizeof g.exchange, "%s", core_charter(pair_core(w->pair, ML))->exchange);
  grant_print(&g, &text);
  assert_int_equal(note_begin(&note, buf_slice(&text)), TG_OK);
  assert_int_equal(note_sign(&note, buf_slice(&text), officer, NULL), TG_OK);
  buf_free(&text);
  return note;
}

/* A hub shows who comes later all that it ever took: that some of it is over accuses nobody. */
static void what_has_expired_accuses_nobody(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct buf credential;
  struct secret_key *officer = kit_officer(w->kit, ML, "ML/release-1", ROLE_RELEASE, &credential);
  struct buf grant = short_grant(w, officer);
  const struct hash hash = look_paper_hash(buf_slice(&grant));
  pair_document(p, buf_slice(&credential));
  pair_document(p, buf_slice(&grant));
  pair_pass(p, 2 * TG_HOUR);
  assert_true(look_paper_is_known(w, NE, &hash));
  pair_kill(p, NE);
  assert_int_equal(unlink(pair_database(p, NE)), 0);
  pair_start(p, NE);
  pair_pass(p, TG_MINUTE);
  const struct hash policy = look_paper_hash(buf_slice(&w->kit->member[ML].policy));
  assert_true(look_paper_is_known(w, NE, &policy));
  assert_false(look_paper_is_known(w, NE, &hash));
  assert_int_equal(pair_told(p, NE, "document-refused") + pair_told(p, NE, "document-forged"), 0);
  buf_free(&credential);
  buf_free(&grant);
  secret_key_free(officer);
}

/* Who knows of a revocation before it is shown what its key had signed until then: that is not taken, and the hub did nothing wrong. */
static void what_was_revoked_since_is_no_alarm(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  const struct sign_pk lost = secret_key_sign_pk(w->kit->member[ML].officer[1]);
  struct buf note = kit_revoke_key(w->kit, ML, &lost, pair_now(p));
  pair_document(p, buf_slice(&note));
  pair_settle(p);
  const unsigned before = pair_alarms(p, NE);
  pair_kill(p, NE);
  assert_int_equal(unlink(pair_database(p, NE)), 0);
  pair_start(p, NE);
  assert_int_equal(node_document(pair_core(p, NE), buf_slice(&note), NULL), TG_OK);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(pair_told(p, NE, "document-refused"), 1); /* that officer's credential */
  assert_int_equal(pair_alarms(p, NE), before);
  buf_free(&note);
}

/* ---- a hub that lies */

struct liar {
  struct world *world;
  struct hash about; /* the document that it lies about */
  void (*change)(struct liar *l, Tg__Documents *m, size_t at);
  unsigned lies;
};

static bool lie(void *context, struct buf *frame)
{
  struct liar *l = context;
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  if (frame->p[1] != FRAME_DOCUMENTS)
    return true;
  struct arena *arena = arena_new(FRAME_ARENA);
  assert_int_equal(frame_decode(buf_slice(frame), FRAME_TO_NODE, arena, &kind, &message, NULL), TG_OK);
  Tg__Documents *m = (Tg__Documents *)message;
  for (size_t i = 0; i < m->n_items; i++) {
    const struct hash hash = m->items[i]->kind == DOCUMENT_SEALING_KEYS ? (struct hash){{0}} : look_paper_hash(data_slice(m->items[i]->content));
    if (!hash_eq(&hash, &l->about))
      continue;
    l->change(l, m, i);
    l->lies++;
  }
  buf_clear(frame);
  assert_int_equal(frame_encode(FRAME_DOCUMENTS, message, frame, NULL), TG_OK);
  arena_free(arena);
  return true;
}

static void another_salt(struct liar *l, Tg__Documents *m, size_t at)
{
  (void)l;
  m->items[at]->salt.data[0] ^= 1;
}

static void another_path(struct liar *l, Tg__Documents *m, size_t at)
{
  (void)l;
  m->items[at]->path.data[0] ^= 1;
}

static void another_place(struct liar *l, Tg__Documents *m, size_t at)
{
  (void)l;
  m->items[at]->leaf ^= 1;
}

static void no_entry(struct liar *l, Tg__Documents *m, size_t at)
{
  (void)l;
  m->items[at]->entry = m->items[at]->salt = m->items[at]->path = (ProtobufCBinaryData){0, NULL};
  m->items[at]->leaf = 0;
}

/* A true entry of the log, of another document. */
static void entry_of_another(struct liar *l, Tg__Documents *m, size_t at)
{
  (void)l;
  const Tg__Document *other = m->items[at ? at - 1 : 1];
  Tg__Document *d = m->items[at];
  d->entry = other->entry;
  d->salt = other->salt;
  d->leaf = other->leaf;
  d->path = other->path;
}

/* Its number says that it came before the one that was logged before it. */
static void before_another(struct liar *l, Tg__Documents *m, size_t at)
{
  (void)l;
  assert_true(at > 0);
  Tg__Document *const former = m->items[at - 1];
  const uint64_t sequence = former->sequence;
  former->sequence = m->items[at]->sequence;
  m->items[at]->sequence = sequence;
  m->items[at - 1] = m->items[at];
  m->items[at] = former;
}

/* Each is in the log. */
static void documents_in_another_order_are_told(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  pair_plug(p, NE, false);
  struct buf first = kit_revoke_key(w->kit, ML, &(struct sign_pk){{1}}, pair_now(p)), second = kit_revoke_key(w->kit, ML, &(struct sign_pk){{2}}, pair_now(p));
  struct liar l = {.world = w, .change = before_another, .about = look_paper_hash(buf_slice(&second))};
  pair_document(p, buf_slice(&first));
  pair_document(p, buf_slice(&second));
  pair_set_filter(p, NE, lie, &l);
  pair_plug(p, NE, true);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(l.lies, 1);
  assert_int_equal(pair_told(p, NE, "documents-out-of-order"), 1);
  pair_set_filter(p, NE, NULL, NULL);
  world_reconnect(p, NE);
  assert_int_equal(pair_told(p, NE, "documents-out-of-order"), 1);
  assert_int_equal(pair_told(p, BF, "documents-out-of-order"), 0);
  buf_free(&first);
  buf_free(&second);
}

/* Also where the line breaks between them. */
static void the_order_is_remembered(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  struct buf first = kit_revoke_key(w->kit, ML, &(struct sign_pk){{1}}, pair_now(p)), second = kit_revoke_key(w->kit, ML, &(struct sign_pk){{2}}, pair_now(p));
  pair_document(p, buf_slice(&first));
  pair_pass(p, TG_MINUTE);
  pair_plug(p, NE, false);
  pair_document(p, buf_slice(&second));
  world_alter(p, NE, "UPDATE fact SET value = x'00000000000fffff' WHERE name LIKE 'leaf/%'"); /* as if it had come later */
  pair_plug(p, NE, true);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(pair_told(p, NE, "documents-out-of-order"), 1);
  buf_free(&first);
  buf_free(&second);
}

/* Whatever is wrong with the entry, the document is not taken, and what came with it is; once the hub is honest it is. */
static void what_is_not_in_the_log_is_not_taken(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  void (*const changes[])(struct liar *, Tg__Documents *, size_t) = {another_salt, another_path, another_place, no_entry, entry_of_another};
  for (unsigned i = 0; i < sizeof changes / sizeof *changes; i++) {
    struct liar l = {.world = w, .change = changes[i]};
    pair_plug(p, NE, false);
    l.about = look_paper_policy(w, false);
    kit_policy(w->kit, BF, LOOK_PAPER_ALLOW "export deny ** to ML\n", pair_now(p), 1);
    pair_document(p, buf_slice(&w->kit->member[BF].policy));
    const struct hash other = look_paper_hash(buf_slice(&w->kit->member[BF].policy));
    pair_set_filter(p, NE, lie, &l);
    pair_plug(p, NE, true);
    pair_pass(p, TG_MINUTE);
    assert_int_equal(l.lies, 1);
    assert_int_equal(pair_told(p, NE, "document-forged"), i + 1);
    assert_false(look_paper_is_known(w, NE, &l.about));
    assert_false(look_paper_policy_is_proved(w, NE, &l.about));
    assert_true(look_paper_is_known(w, NE, &other));
    pair_set_filter(p, NE, NULL, NULL);
    world_reconnect(p, NE); /* it asks again */
    assert_int_equal(pair_told(p, NE, "document-forged"), i + 1);
    assert_true(look_paper_is_known(w, NE, &l.about));
    assert_true(look_paper_policy_is_proved(w, NE, &l.about));
  }
}

/* ML's node begins anew; the hub shows it a log of one entry, that of the founding charter, which says what `spoil` makes of it. */
struct forger {
  struct world *world;
  void (*spoil)(struct entry *e);
  unsigned shown;
};

static bool forge(void *context, struct buf *frame)
{
  struct forger *f = context;
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  struct entry e;
  struct buf entry = buf_new(LIMIT_ENTRY), note = buf_new(CHECKPOINT_BYTES_MAX);
  struct arena *arena = arena_new(FRAME_ARENA);
  assert_int_equal(frame_decode(buf_slice(frame), FRAME_TO_NODE, arena, &kind, &message, NULL), TG_OK);
  const bool passes = kind->type == FRAME_WELCOME || (kind->type == FRAME_DOCUMENTS && !f->shown++);
  if (kind->type == FRAME_WELCOME) {
    Tg__Welcome *m = (Tg__Welcome *)message;
    m->checkpoint = m->consistency = (ProtobufCBinaryData){0, NULL};
  }
  if (passes && kind->type == FRAME_DOCUMENTS) {
    Tg__Documents *m = (Tg__Documents *)message;
    Tg__Document *d = m->items[0];
    assert_int_equal(d->kind, DOCUMENT_CHARTER);
    assert_int_equal(entry_parse(data_slice(d->entry), &e, NULL), TG_OK);
    if (f->spoil)
      f->spoil(&e);
    assert_int_equal(entry_build(&e, &entry, NULL), TG_OK);
    const struct note_key log = look_paper_log(f->world);
    const struct hash leaf = entry_leaf(d->salt.data, buf_slice(&entry));
    const struct checkpoint c = {.origin = slice_str(log.name), .size = 1, .root = merkle_leaf(hash_slice(&leaf))};
    assert_int_equal(checkpoint_sign(&c, f->world->kit->hub_log, &note, NULL), TG_OK);
    m->n_items = 1;
    m->checkpoint = slice_data(buf_slice(&note));
    m->consistency = d->path = (ProtobufCBinaryData){0, NULL};
    d->entry = slice_data(buf_slice(&entry));
    d->leaf = 0;
  }
  buf_clear(frame);
  assert_int_equal(frame_encode(kind->type, message, frame, NULL), TG_OK);
  arena_free(arena);
  buf_free(&entry);
  buf_free(&note);
  return passes;
}

static void of_another_document(struct entry *e) { e->subject.b[0] ^= 1; }
static void of_another_state(struct entry *e) { memcpy(e->member, "NE", 2); }
static void of_another_number(struct entry *e) { e->number++; }
static void of_another_kind(struct entry *e)
{
  e->type = ENTRY_CONFIGURATION;
  memset(&e->actor, 0, sizeof e->actor);
}
static void refused_as_well(struct entry *e)
{
  e->type = ENTRY_DOCUMENT_REFUSED;
  e->reason = REASON_PIN;
}

/* Who looks for what one state brought, or for a number, finds it by its entry: that must say what the document says. */
static void an_entry_that_says_something_else_is_refused(void **state)
{
  struct world *w = *state;
  struct pair *p = w->pair;
  void (*const spoils[])(struct entry *) = {NULL, of_another_document, of_another_state, of_another_number, of_another_kind, refused_as_well};
  char anew[512];
  pair_kill(p, ML);
  snprintf(anew, sizeof anew, "%s-anew", pair_database(p, ML));
  pair_config(p, ML)->database = anew;
  for (unsigned i = 0; i < sizeof spoils / sizeof *spoils; i++) {
    struct forger f = {.world = w, .spoil = spoils[i]};
    pair_set_filter(p, ML, forge, &f);
    pair_start(p, ML);
    pair_pass(p, 5 * TG_SECOND);
    assert_true(f.shown > 0);
    assert_int_equal(pair_told(p, ML, "document-forged"), i); /* the first says the truth */
    pair_kill(p, ML);
    assert_int_equal(unlink(anew), 0);
  }
  pair_config(p, ML)->database = pair_database(p, ML);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, world_started, world_free)

int main(void)
{
  const struct CMUnitTest tests[] = {
      STORY(a_third_member_proves_when_a_policy_was_logged),
      STORY(nothing_that_a_node_believes_is_without_its_entry),
      STORY(who_was_away_is_shown_the_entries_of_what_came_meanwhile),
      STORY(what_a_policy_withholds_stays_withheld),
      STORY(an_entry_is_kept_as_long_as_its_document),
      STORY(what_has_expired_accuses_nobody),
      STORY(what_was_revoked_since_is_no_alarm),
      STORY(what_is_not_in_the_log_is_not_taken),
      STORY(documents_in_another_order_are_told),
      STORY(the_order_is_remembered),
      STORY(an_entry_that_says_something_else_is_refused),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
