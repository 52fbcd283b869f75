#include "tests/broker/stage.h"

#include "audit/opening.h"

#include "keys/sealing.h"
#include "proto/hash.h"
#include "proto/hpke.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { START = 1796083200 }; /* 2026-12-01T00:00:00Z */

/* ---- the signer */

static void answer_signer(struct stage *s)
{
  struct signing_request request;
  struct signing_state next;
  struct tg_why why = {0};
  s->ask_pending = false;
  assert_int_equal(signing_request_parse(buf_slice(&s->ask), &request), TG_OK);
  assert_int_equal(signing_advance(&s->signer, &request, s->now.wall, &next, &why), TG_OK);
  s->signer = next;
  buf_clear(&s->signed_note);
  const struct checkpoint c = signing_checkpoint(&s->signer);
  assert_int_equal(checkpoint_sign(&c, s->kit->hub_log, &s->signed_note, &why), TG_OK);
  assert_int_equal(hub_signed(s->hub, buf_slice(&s->signed_note)), TG_OK);
}

static void on_sign(void *context, const struct hub_sign *r)
{
  struct stage *s = context;
  const struct signing_request request = {r->old_size, r->new_size, r->new_root, r->path};
  assert_false(s->ask_pending);
  buf_clear(&s->ask);
  signing_request_print(&request, &s->ask);
  s->ask_pending = true;
}

/* ---- what nodes hear */

static struct note_key log_key(const struct stage *s)
{
  struct note_key key;
  assert_int_equal(secret_key_note_key(s->kit->hub_log, &key), TG_OK);
  return key;
}

/* The chain: what came must extend what was seen. */
static struct checkpoint chain(struct actor *a, ProtobufCBinaryData note, ProtobufCBinaryData proof)
{
  const struct note_key key = log_key(a->stage);
  struct checkpoint c = {0};
  struct tg_why why = {0};
  if (!note.len)
    return c;
  const struct checkpoint last = {.size = a->seen.size, .root = a->seen.size ? a->seen.root : merkle_empty()};
  assert_int_equal(checkpoint_open(strict_slice(note), &key, &c, NULL, &why), TG_OK);
  if (a->lied_to) {
    struct hash first, old, root;
    struct slice path = strict_slice(proof);
    assert_true(take(&path, sizeof first.b, &(struct slice){0}));
    memcpy(first.b, proof.data, sizeof first.b);
    assert_int_equal(merkle_consistency_roots(last.size, c.size, &first, path, &old, &root), TG_OK);
    assert_true(hash_eq(&root, &c.root) && !hash_eq(&old, &last.root));
    return c;
  }
  assert_int_equal(checkpoint_extends(&last, &c, strict_slice(proof), &why), TG_OK);
  a->seen.size = c.size;
  a->seen.root = c.root;
  a->seen.note_n = note.len;
  assert_true(note.len <= sizeof a->seen.note);
  memcpy(a->seen.note, note.data, note.len);
  return c;
}

static void opens(const struct checkpoint *c, ProtobufCBinaryData entry, ProtobufCBinaryData salt,
                  uint64_t leaf, ProtobufCBinaryData path, struct entry *ret)
{
  const struct opening o = {strict_slice(entry), strict_slice(salt), leaf, strict_slice(path)};
  struct tg_why why = {0};
  assert_int_equal(opening_verify(&o, c, ret, &why), TG_OK);
}

static void hear_welcome(struct actor *a, const ProtobufCMessage *message)
{
  const Tg__Welcome *m = (const Tg__Welcome *)message;
  chain(a, m->checkpoint, m->consistency);
  assert_memory_equal(m->session.data, a->session, 16);
  a->open = true;
  a->max_inline = m->max_inline_body;
  a->last_number = m->last_number;
}

static void hear_goodbye(struct actor *a, const ProtobufCMessage *message)
{
  a->goodbye = (enum reason)((const Tg__Goodbye *)message)->reason;
  a->open = false;
}

static void hear_outcomes(struct actor *a, const ProtobufCMessage *message)
{
  const Tg__Outcomes *m = (const Tg__Outcomes *)message;
  const struct checkpoint c = chain(a, m->checkpoint, m->consistency);
  for (size_t i = 0; i < m->n_items; i++) {
    const Tg__Outcome *o = m->items[i];
    struct entry e;
    opens(&c, o->entry, o->salt, o->leaf, o->path, &e);
    assert_memory_equal(e.subject.b, o->bulletin.data, 32);
    const struct hash decision = hash_labelled("toguna/decision/v1", strict_slice(o->decision));
    if (o->decision.len)
      assert_true(hash_eq(&decision, &e.decision));
    struct got_outcome *got = &a->outcome[a->outcomes++ % STAGE_KEPT];
    *got = (struct got_outcome){.id = e.subject,
                                .accepted = e.type == ENTRY_ACCEPTED,
                                .reason = (enum reason)e.reason,
                                .leaf = o->leaf};
    memcpy(got->detail, e.detail.n ? (const char *)e.detail.p : "", e.detail.n);
  }
}

static size_t actor_of(const struct stage *s, const struct sign_pk *identity)
{
  for (size_t i = 0; i < s->actors; i++) {
    const struct sign_pk pk = secret_key_sign_pk(s->actor[i].kit->identity);
    if (sign_pk_eq(&pk, identity))
      return i;
  }
  fail();
  return 0;
}

static const char *code_of(const struct actor *a)
{
  return a->stage->kit->member[a->member].code.code;
}

static void hear_delivery(struct actor *a, const struct checkpoint *c, const Tg__Delivery *m)
{
  struct delivery d;
  struct entry e;
  struct wrap_content content;
  struct tg_why why = {0};
  const struct sign_pk me = secret_key_sign_pk(a->kit->identity);
  assert_int_equal(delivery_check(m, &a->stage->kit->exchange, &me, a->verifier, a->stage->arena, &d, &why),
                   TG_OK);
  opens(c, m->entry, m->salt, m->leaf, m->path, &e);
  assert_int_equal(e.type, ENTRY_ACCEPTED);
  assert_true(hash_eq(&e.subject, &d.header.id));
  const struct actor *from = &a->stage->actor[actor_of(a->stage, &d.header.subject.originator)];
  assert_int_equal(
      bulletin_open(&d, code_of(from), code_of(a), &a->sealing, a->sealing_secret, a->opener, &content, &why),
      TG_OK);
  struct got_delivery *got = &a->delivery[a->deliveries++ % STAGE_KEPT];
  *got = (struct got_delivery){.id = d.header.id,
                               .queue = m->queue,
                               .number = content.number,
                               .precedence = d.header.subject.precedence,
                               .kind = d.header.subject.kind,
                               .inline_bodies = m->n_bodies,
                               .named = d.releases[0].to_count,
                               .approvals = d.header.approval_count,
                               .key = content.keys[d.portions[0].index],
                               .seal = d.portions[0].seal};
  sodium_memzero(&content, sizeof content);
}

static void hear_deliver(struct actor *a, const ProtobufCMessage *message)
{
  const Tg__Deliver *m = (const Tg__Deliver *)message;
  const struct checkpoint c = chain(a, m->checkpoint, m->consistency);
  for (size_t i = 0; i < m->n_items; i++)
    hear_delivery(a, &c, m->items[i]);
}

static void hear_notes(struct actor *a, const ProtobufCMessage *message)
{
  const Tg__ReceiptNotes *m = (const Tg__ReceiptNotes *)message;
  const struct checkpoint c = chain(a, m->checkpoint, m->consistency);
  for (size_t i = 0; i < m->n_items; i++) {
    const Tg__ReceiptNote *n = m->items[i];
    struct receipt r;
    struct entry e;
    struct tg_why why = {0};
    opens(&c, n->entry, n->salt, n->leaf, n->path, &e);
    assert_int_equal(e.type, ENTRY_RECEIPTS);
    assert_int_equal(receipt_parse(strict_slice(n->receipt), a->stage->arena, &r, &why), TG_OK);
    const struct hash id = statement_id(STATEMENT_RECEIPT, strict_slice(n->receipt));
    assert_int_equal(batch_verify(a->verifier, &a->stage->kit->exchange, &r.node, &id, n->proof, &why),
                     TG_OK);
    a->note[a->notes++ % STAGE_KEPT] = (struct got_note){n->sequence, r.event, r.bulletin};
    a->note_cursor = n->sequence;
  }
}

static void hear_documents(struct actor *a, const ProtobufCMessage *message)
{
  const Tg__Documents *m = (const Tg__Documents *)message;
  const struct checkpoint c = chain(a, m->checkpoint, m->consistency);
  for (size_t i = 0; i < m->n_items; i++) {
    const Tg__Document *d = m->items[i];
    struct entry e;
    struct note note;
    opens(&c, d->entry, d->salt, d->leaf, d->path, &e);
    const bool is_note = d->kind != DOCUMENT_SEALING_KEYS;
    assert_int_equal(is_note ? note_parse(strict_slice(d->content), NULL, &note, NULL) : TG_OK, TG_OK);
    const struct hash hash = is_note ? document_hash(note.text) : statement_id(STATEMENT_SEALING_KEYS, strict_slice(d->content));
    assert_int_equal(e.type, ENTRY_DOCUMENT);
    assert_true(hash_eq(&e.subject, &hash));
    assert_true(m->items[i]->sequence > a->document_cursor);
    a->document_cursor = m->items[i]->sequence;
    a->documents++;
  }
}

static void hear_document_outcomes(struct actor *a, const ProtobufCMessage *message)
{
  const Tg__DocumentOutcomes *m = (const Tg__DocumentOutcomes *)message;
  const struct checkpoint c = chain(a, m->checkpoint, m->consistency);
  for (size_t i = 0; i < m->n_items; i++) {
    struct entry e;
    if (m->items[i]->entry.len)
      opens(&c, m->items[i]->entry, m->items[i]->salt, m->items[i]->leaf, m->items[i]->path, &e);
    a->document_outcome[a->document_outcomes++ % STAGE_KEPT] = (enum reason)m->items[i]->reason;
  }
}

static void hear_want(struct actor *a, const ProtobufCMessage *message)
{
  const Tg__Want *m = (const Tg__Want *)message;
  a->wants++;
  a->wanted += m->count;
  if (m->chunk != a->want_end) /* not the continuation of the window */
    a->want_chunk = m->chunk;
  a->want_end = m->chunk + m->count;
  a->want_handle = m->handle;
  memcpy(a->want_id.b, m->bulletin.data, 32);
}

static void hear_chunk(struct actor *a, const ProtobufCMessage *message)
{
  const Tg__Chunk *m = (const Tg__Chunk *)message;
  a->chunks++;
  a->chunk_number = m->chunk;
  buf_put_slice(&a->body, strict_slice(m->sealed));
}

static void hear_seen(struct actor *a, const ProtobufCMessage *message)
{
  (void)message;
  a->seen_serials++;
}

static void hear_tick(struct actor *a, const ProtobufCMessage *message)
{
  const Tg__Tick *m = (const Tg__Tick *)message;
  chain(a, m->checkpoint, m->consistency);
  a->ticks++;
  if (m->other.len == 0)
    return;
  assert_int_equal(merkle_path_read(strict_slice(m->other_path), &a->other_path), TG_OK);
  a->answers++;
}

static void hear_logged(struct actor *a, const ProtobufCMessage *message)
{
  const Tg__ReceiptsLogged *m = (const Tg__ReceiptsLogged *)message;
  chain(a, m->checkpoint, m->consistency);
  a->logged++;
  a->logged_upto = m->upto;
}

static void (*const hears[])(struct actor *, const ProtobufCMessage *) = {
    [FRAME_WELCOME] = hear_welcome,     [FRAME_GOODBYE] = hear_goodbye,
    [FRAME_WANT] = hear_want,           [FRAME_CHUNK] = hear_chunk,
    [FRAME_OUTCOMES] = hear_outcomes,   [FRAME_DELIVER] = hear_deliver,
    [FRAME_RECEIPT_NOTES] = hear_notes, [FRAME_RECEIPTS_SEEN] = hear_seen,
    [FRAME_DOCUMENTS] = hear_documents, [FRAME_DOCUMENT_OUTCOMES] = hear_document_outcomes,
    [FRAME_TICK] = hear_tick,           [FRAME_RECEIPTS_LOGGED] = hear_logged,
};

/* ---- effects */

static struct actor *actor_by_key(struct stage *s, const struct seal_pk *peer)
{
  for (size_t i = 0; i < s->actors; i++) {
    const struct seal_pk pk = secret_key_seal_pk(s->actor[i].kit->transport);
    if (seal_pk_eq(&pk, peer))
      return &s->actor[i];
  }
  return NULL;
}

static void on_send(void *context, const struct seal_pk *peer, struct slice frame)
{
  struct actor *a = actor_by_key(context, peer);
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  struct tg_why why = {0};
  assert_non_null(a);
  arena_reset(a->stage->arena);
  assert_int_equal(frame_decode(frame, FRAME_TO_NODE, a->stage->arena, &kind, &message, &why), TG_OK);
  a->frames++;
  hears[kind->type](a, message);
}

static void on_allow(void *context, const struct hub_peer *peers, size_t count)
{
  (void)peers;
  ((struct stage *)context)->allowed = count;
}

static void on_cut(void *context, const struct seal_pk *peer)
{
  struct stage *s = context;
  (void)peer;
  s->cuts++;
}

static void on_wake(void *context, int64_t mono)
{
  (void)context, (void)mono;
}

static void on_tell(void *context, const struct hub_event *event)
{
  struct stage *s = context;
  s->alarms += event->level == HUB_ALARM;
  if (event->level == HUB_ERROR)
    snprintf(s->error, sizeof s->error, "%s", event->name);
}

/* ---- turns */

enum tg_err stage_commit(struct stage *s)
{
  struct tg_why why = {0};
  return hub_commit(s->hub, &why);
}

void stage_turn(struct stage *s)
{
  assert_int_equal(hub_time(s->hub, s->now), TG_OK);
  if (s->ask_pending && !s->slow_signer)
    answer_signer(s);
  assert_int_equal(stage_commit(s), TG_OK);
}

void stage_settle(struct stage *s)
{
  for (int turns = 0; turns < 1000; turns++) {
    size_t before = 0, after = 0;
    for (size_t i = 0; i < s->actors; i++)
      before += s->actor[i].frames;
    stage_turn(s);
    for (size_t i = 0; i < s->actors; i++)
      after += s->actor[i].frames;
    if (before == after && (s->slow_signer || !hub_is_busy(s->hub)))
      return;
  }
  fail_msg("the hub never comes to rest");
}

void stage_pass(struct stage *s, int64_t ms)
{
  for (int64_t left = ms; left > 0; left -= 1000) {
    s->now.wall += left < 1000 ? left : 1000;
    s->now.mono += left < 1000 ? left : 1000;
    stage_settle(s);
  }
}

/* ---- the hub's life */

static enum tg_err start(struct stage *s)
{
  struct store *store;
  s->why = (struct tg_why){0};
  const struct hub_effects effects = {.context = s,
                                      .send = on_send,
                                      .allow = on_allow,
                                      .cut = on_cut,
                                      .sign = on_sign,
                                      .wake_at = on_wake,
                                      .tell = on_tell};
  assert_int_equal(
      store_open(&(struct store_options){.database = s->database, .bodies = s->bodies, .vfs = s->vfs}, &store, &s->why), TG_OK);
  return hub_new(&s->config, &store, &effects, s->now, buf_slice(&s->signed_note), &s->hub, &s->why);
}

enum tg_err stage_restart(struct stage *s)
{
  hub_free(s->hub);
  s->hub = NULL;
  s->ask_pending = false;
  for (size_t i = 0; i < s->actors; i++)
    s->actor[i].open = false;
  return start(s);
}

enum tg_err stage_document(struct stage *s, const struct buf *note)
{
  struct tg_why why = {0};
  return hub_document(s->hub, buf_slice(note), &why);
}

static void found(void *context, struct slice note)
{
  struct stage *s = context;
  struct tg_why why = {0};
  assert_int_equal(hub_document(s->hub, note, &why), TG_OK);
}

struct actor *stage_actor(struct stage *s, size_t member, size_t node)
{
  assert_true(s->actors < STAGE_NODES);
  struct actor *a = &s->actor[s->actors++];
  uint8_t ikm[32];
  *a = (struct actor){.stage = s,
                      .kit = &s->kit->member[member].node[node],
                      .member = member,
                      .credit_count = 1000,
                      .credit_bytes = 16 << 20,
                      .sender = wrap_sender_new(16),
                      .verifier = batch_verifier_new(16),
                      .opener = wrap_opener_new(16),
                      .body = buf_new(64 << 20)};
  randombytes_buf(ikm, sizeof ikm);
  hpke_derive_key_pair(ikm, a->sealing_secret, &a->sealing);
  return a;
}

struct stage *stage_new(size_t n, void (*tune)(struct charter *))
{
  struct stage *s = calloc(1, sizeof *s);
  assert_non_null(s);
  const tg_time founded = (tg_time)START * 1000;
  s->kit = kit_new(n, founded, tune);
  s->arena = arena_new(64 << 20);
  s->said = arena_new(512 << 20);
  s->now = (struct hub_now){.wall = founded + TG_MINUTE, .mono = 1000000};
  s->signed_note = buf_new(LIMIT_CHECKPOINT);
  s->ask = buf_new(8192);
  strcpy(s->folder, "/tmp/toguna-hub-XXXXXX");
  assert_non_null(mkdtemp(s->folder));
  snprintf(s->database, sizeof s->database, "%s/hub.db", s->folder);
  snprintf(s->bodies, sizeof s->bodies, "%s/bodies", s->folder);
  assert_int_equal(mkdir(s->bodies, 0700), 0);
  assert_int_equal(signing_begin(slice_str(secret_key_name(s->kit->hub_log)), &s->signer), TG_OK);
  s->config = (struct hub_config){.exchange = s->kit->exchange};
  strcpy(s->config.name, "hub1");
  assert_int_equal(start(s), TG_OK);
  assert_int_equal(hub_time(s->hub, s->now), TG_OK);
  kit_each_document(s->kit, found, s);
  for (size_t i = 0; i < n; i++)
    stage_actor(s, i, 0);
  stage_settle(s);
  for (size_t i = 0; i < n; i++) {
    actor_hello(&s->actor[i]);
    actor_sealing_keys(&s->actor[i]);
  }
  stage_settle(s);
  for (size_t i = 0; i < n; i++) {
    assert_true(s->actor[i].open);
    actor_forget(&s->actor[i]);
  }
  return s;
}

void stage_move(struct stage *s, const char *vfs)
{
  s->vfs = vfs;
  if (vfs)
    strcpy(s->database, "/hub.db");
  else
    snprintf(s->database, sizeof s->database, "%s/moved.db", s->folder);
  buf_clear(&s->signed_note);
  assert_int_equal(signing_begin(slice_str(secret_key_name(s->kit->hub_log)), &s->signer), TG_OK);
  assert_int_equal(stage_restart(s), TG_OK);
  assert_int_equal(hub_time(s->hub, s->now), TG_OK);
  kit_each_document(s->kit, found, s);
  stage_settle(s);
  for (size_t i = 0; i < s->actors; i++) {
    struct actor *a = &s->actor[i];
    a->seen.size = a->seen.note_n = 0;
    a->document_cursor = a->note_cursor = 0;
    actor_hello(a);
    actor_sealing_keys(a);
  }
  stage_settle(s);
}

void stage_free(struct stage *s)
{
  char command[96];
  hub_free(s->hub);
  for (size_t i = 0; i < s->actors; i++) {
    wrap_sender_free(s->actor[i].sender);
    batch_verifier_free(s->actor[i].verifier);
    wrap_opener_free(s->actor[i].opener);
    buf_free(&s->actor[i].body);
  }
  kit_free(s->kit);
  arena_free(s->arena);
  arena_free(s->said);
  buf_free(&s->signed_note);
  buf_free(&s->ask);
  snprintf(command, sizeof command, "rm -rf %s", s->folder);
  assert_int_equal(system(command), 0);
  free(s);
}

int stage_three(void **state)
{
  *state = stage_new(3, NULL);
  return 0;
}

int stage_gone(void **state)
{
  stage_free(*state);
  return 0;
}

uint64_t stage_count(struct stage *s, const char *name)
{
  struct buf stats = buf_new(64 * 1024);
  char wanted[64];
  assert_int_equal(hub_stats(s->hub, &stats), TG_OK);
  buf_put_u8(&stats, 0);
  snprintf(wanted, sizeof wanted, "\"%s\":", name);
  const char *at = strstr((const char *)stats.p, wanted);
  assert_non_null(at);
  uint64_t n = strtoull(at + strlen(wanted), NULL, 10);
  buf_free(&stats);
  return n;
}

void actor_expect(const struct actor *a, size_t i, enum reason reason)
{
  assert_true(a->outcomes > i);
  if (a->outcome[i].reason != reason)
    fail_msg("expected %s, got %s: %s", reason_name(reason), reason_name(a->outcome[i].reason),
             a->outcome[i].detail);
  assert_int_equal(a->outcome[i].accepted, reason == REASON_NONE);
}
