/* What the scripted nodes say. */
#include "keys/sealing.h"
#include "proto/hash.h"
#include "proto/hpke.h"
#include "tests/broker/stage.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void *need(struct stage *s, size_t n)
{
  void *p = arena_alloc(s->said, n);
  assert_non_null(p);
  return p;
}

static ProtobufCBinaryData kept(struct stage *s, const struct buf *b)
{
  assert_false(b->failed);
  return strict_data(arena_copy(s->said, buf_slice(b)));
}

static void *identity_key(const struct actor *a)
{
  return (void *)(uintptr_t)secret_key_ed25519(a->kit->identity);
}

void actor_raw(struct actor *a, const void *p, size_t n)
{
  const struct seal_pk peer = secret_key_seal_pk(a->kit->transport);
  assert_int_equal(hub_frame(a->stage->hub, &peer, slice_of(p, n)), TG_OK);
}

void actor_frame(struct actor *a, enum frame_type type, const ProtobufCMessage *message)
{
  struct buf out = buf_new(LIMIT_FRAME);
  struct tg_why why = {0};
  assert_int_equal(frame_encode(type, message, &out, &why), TG_OK);
  actor_raw(a, out.p, out.n);
  buf_free(&out);
}

void actor_forget(struct actor *a)
{
  a->outcomes = a->deliveries = a->notes = a->documents = a->document_outcomes = a->wants = a->chunks =
      a->ticks = 0;
  a->seen_serials = 0;
  a->goodbye = REASON_NONE;
  buf_clear(&a->body);
}

void actor_hello(struct actor *a)
{
  Tg__Hello m = TG__HELLO__INIT;
  const struct sign_pk me = secret_key_sign_pk(a->kit->identity);
  randombytes_buf(a->session, sizeof a->session);
  m.protocol = 1;
  m.node = strict_data_of(me.b, 32);
  m.software = strict_data(slice_str("test"));
  m.document_cursor = a->document_cursor;
  m.checkpoint = strict_data_of(a->seen.note, a->seen.note_n);
  m.credit_count = a->credit_count;
  m.credit_bytes = a->credit_bytes;
  m.receipt_cursor = a->note_cursor;
  m.time = (uint64_t)a->stage->now.wall;
  m.session = strict_data_of(a->session, 16);
  a->goodbye = REASON_NONE;
  actor_frame(a, FRAME_HELLO, &m.base);
}

/* Signs one statement as a batch of its own. */
static Tg__BatchProof *sign_alone(struct actor *a, const struct hash *id)
{
  struct batch *b = batch_new();
  assert_int_equal(batch_add(b, id, NULL), TG_OK);
  assert_int_equal(batch_sign(b, &a->stage->kit->exchange, batch_sign_with_key, identity_key(a)), TG_OK);
  Tg__BatchProof *proof = batch_proof(b, 0, a->stage->said);
  assert_non_null(proof);
  batch_free(b);
  return proof;
}

void actor_sealing_keys(struct actor *a)
{
  struct sealing_keys keys = {.exchange = a->stage->kit->exchange,
                              .node = secret_key_sign_pk(a->kit->identity),
                              .serial = (uint64_t)a->stage->now.wall,
                              .n = 1};
  struct buf bytes = buf_new(LIMIT_SEALING_KEYS);
  keys.key[0] = (struct sealing_key){.suite = SUITE_1,
                                     .from = a->stage->kit->start,
                                     .until = a->stage->kit->start + 10 * TG_DAY,
                                     .key = a->sealing,
                                     .id = sealing_key_id(SUITE_1, &a->sealing)};
  assert_int_equal(sealing_keys_print(&keys, &bytes), TG_OK);
  Tg__Document d = TG__DOCUMENT__INIT, *items[] = {&d};
  Tg__Documents m = TG__DOCUMENTS__INIT;
  const struct hash id = statement_id(STATEMENT_SEALING_KEYS, buf_slice(&bytes));
  d.kind = DOCUMENT_SEALING_KEYS;
  d.content = strict_data(buf_slice(&bytes));
  d.proof = sign_alone(a, &id);
  m.items = items;
  m.n_items = 1;
  actor_frame(a, FRAME_DOCUMENTS, &m.base);
  buf_free(&bytes);
}

void actor_bring(struct actor *a, const struct buf *note)
{
  Tg__Document d = TG__DOCUMENT__INIT, *items[] = {&d};
  Tg__Documents m = TG__DOCUMENTS__INIT;
  struct note parsed;
  enum document_kind kind;
  assert_int_equal(note_parse(buf_slice(note), NULL, &parsed, NULL), TG_OK);
  assert_int_equal(document_kind_of(parsed.text, NULL, &kind, NULL), TG_OK);
  d.kind = kind;
  d.content = strict_data(buf_slice(note));
  m.items = items;
  m.n_items = 1;
  actor_frame(a, FRAME_DOCUMENTS, &m.base);
}

void actor_cosign(struct actor *a, const struct secret_key *key)
{
  const struct slice seen = slice_of(a->seen.note, a->seen.note_n);
  struct buf out = buf_new(LIMIT_CHECKPOINT);
  struct note note;
  Tg__Tick m = TG__TICK__INIT;
  assert_int_equal(note_parse(seen, NULL, &note, NULL), TG_OK);
  buf_put_slice(&out, seen);
  assert_int_equal(note_cosign(&out, note.text, key, a->stage->now.wall, NULL), TG_OK);
  m.time = (uint64_t)a->stage->now.wall;
  m.checkpoint = strict_data(buf_slice(&out));
  actor_frame(a, FRAME_TICK, &m.base);
  buf_free(&out);
}

/* ---- bulletins */

/* The members named in a list of words: "BF SN"; "*": all but the originator's. */
static size_t members_named(const struct actor *a, const char *list, size_t out[STAGE_NODES])
{
  size_t n = 0;
  for (size_t i = 0; i < a->stage->actors; i++) {
    const char *code = a->stage->kit->member[a->stage->actor[i].member].code.code;
    if (strcmp(list, "*") == 0 ? &a->stage->actor[i] != a : strstr(list, code) != NULL)
      out[n++] = i;
  }
  return n;
}

static ProtobufCBinaryData release_of(struct actor *a, const char *list)
{
  struct slice to[STAGE_NODES];
  size_t members[STAGE_NODES], n = members_named(a, list, members);
  struct buf out = buf_new(LIMIT_RELEASE);
  for (size_t i = 0; i < n; i++)
    to[i] = slice_str(a->stage->kit->member[a->stage->actor[members[i]].member].code.code);
  if (strchr(list, '/')) { /* an agency, alone */
    to[0] = slice_str(list);
    n = 1;
  }
  for (size_t i = 0; i < n; i++) /* ascending, as lists are */
    for (size_t j = i + 1; j < n; j++)
      if (memcmp(to[j].p, to[i].p, 2) < 0) {
        const struct slice t = to[i];
        to[i] = to[j];
        to[j] = t;
      }
  assert_int_equal(release_build(to, n, NULL, 0, &out, NULL), TG_OK);
  const ProtobufCBinaryData data = kept(a->stage, &out);
  buf_free(&out);
  return data;
}

static ProtobufCBinaryData portion_of(struct actor *a, const struct story *t, const struct sealed_body *body,
                                      ProtobufCBinaryData release)
{
  struct buf out = buf_new(LIMIT_PORTION);
  const struct portion_draft d = {.level = t->level ? t->level : LEVEL_RESTRICTED,
                                  .tlp = TLP_AMBER,
                                  .caveats = t->caveats,
                                  .index = body->index,
                                  .release_hash = release_hash(strict_slice(release)),
                                  .seal = body->seal};
  assert_int_equal(portion_build(&d, &out, NULL), TG_OK);
  const ProtobufCBinaryData data = kept(a->stage, &out);
  buf_free(&out);
  return data;
}

static struct slice subject_of(struct actor *a, const struct story *t, const struct slice *portions, size_t n)
{
  struct buf out = buf_new(LIMIT_SUBJECT);
  const struct subject d = {.suite = SUITE_1,
                            .exchange = a->stage->kit->exchange,
                            .originator = secret_key_sign_pk(a->kit->identity),
                            .created = a->stage->now.wall,
                            .expires = a->stage->now.wall + (t->lifetime ? t->lifetime : 7 * TG_DAY),
                            .precedence = t->precedence ? t->precedence : PRECEDENCE_ROUTINE,
                            .kind = t->kind ? t->kind : KIND_REPORT,
                            .topic_count = 1,
                            .topics = {slice_str(t->topic ? t->topic : "alert.test")},
                            .supersedes = t->supersedes,
                            .source_count = !hash_is_zero(&t->source),
                            .sources = {t->source},
                            .portion_root = portion_root(portions, n),
                            .portion_count = (uint32_t)n};
  assert_int_equal(subject_build(&d, &out, NULL), TG_OK);
  const struct slice s = strict_slice(kept(a->stage, &out));
  buf_free(&out);
  return s;
}

/* Wraps and header, by the running numbers that this node keeps for each other. */
/* The approvals of a story, those of its officers last. */
static size_t approve(struct actor *a, const struct story *t, struct slice subject, struct approval out[LIMIT_APPROVALS])
{
  struct subject parsed;
  size_t n = t->approval_count;
  assert_int_equal(subject_parse(subject, a->stage->said, &parsed, NULL), TG_OK);
  for (size_t i = 0; i < n; i++)
    out[i] = t->approvals[i];
  for (const struct secret_key *const *officer = t->officers; officer && *officer; officer++, n++) {
    uint8_t message[APPROVAL_MESSAGE];
    out[n] = (struct approval){.officer = secret_key_sign_pk(*officer), .time = a->stage->now.wall};
    approval_message(&parsed, out[n].time, message);
    assert_int_equal(secret_key_sign(*officer, slice_of(message, sizeof message), &out[n].signature), TG_OK);
  }
  return n;
}

static struct bulletin_sealed close_up(struct actor *a, const struct story *t, struct slice subject,
                                       const struct slice *portions, const struct body_key *keys, size_t count)
{
  struct stage *s = a->stage;
  struct bulletin_recipient to[STAGE_NODES];
  size_t members[STAGE_NODES], n = members_named(a, t->wraps ? t->wraps : t->to ? t->to : "*", members);
  const struct kit_member *me = &s->kit->member[a->member];
  struct approval approvals[LIMIT_APPROVALS];
  struct note policy;
  struct bulletin_sealed sealed;
  assert_int_equal(note_parse(buf_slice(&me->policy), NULL, &policy, NULL), TG_OK);
  for (size_t i = 0; i < n; i++) {
    const size_t at = members[i];
    const struct actor *other = &s->actor[at];
    to[i] = (struct bulletin_recipient){.identity = secret_key_sign_pk(other->kit->identity),
                                        .key = other->sealing,
                                        .portions = a->summary && at == (size_t)(a->summary - s->actor) ? 1 : (1U << count) - 1,
                                        .number = ++a->sent_to[at],
                                        .previous = a->last_to[at]};
    memcpy(to[i].member, s->kit->member[other->member].code.code, 2);
  }
  struct bulletin_draft d = {.subject = subject,
                             .approvals = approvals,
                             .approval_count = approve(a, t, subject, approvals),
                             .charter_version = 1,
                             .policy_serial = me->policy_serial,
                             .policy_hash = document_hash(policy.text),
                             .number = t->number ? t->number : ++a->number,
                             .portions = portions,
                             .keys = keys,
                             .portion_count = count,
                             .recipients = to,
                             .recipient_count = n};
  memcpy(d.originator_member, me->code.code, 2);
  assert_int_equal(bulletin_seal(&d, a->sender, s->now.wall, s->said, &sealed, NULL), TG_OK);
  for (size_t i = 0; i < n; i++)
    a->last_to[members[i]] = sealed.id;
  return sealed;
}

static Tg__Submission *message_of(struct actor *a, const struct bulletin_sealed *sealed,
                                  ProtobufCBinaryData portion, ProtobufCBinaryData release,
                                  const struct sealed_body *body, bool apart)
{
  struct stage *s = a->stage;
  Tg__Submission *m = need(s, sizeof *m);
  tg__submission__init(m);
  m->header = strict_data(sealed->header);
  m->proof = sign_alone(a, &sealed->id);
  m->portions = need(s, sizeof *m->portions);
  m->releases = need(s, sizeof *m->releases);
  m->wraps = need(s, sealed->wrap_count * sizeof *m->wraps);
  m->portions[0] = portion;
  m->releases[0] = release;
  m->n_portions = m->n_releases = 1;
  m->n_wraps = sealed->wrap_count;
  for (size_t i = 0; i < sealed->wrap_count; i++)
    m->wraps[i] = strict_data(sealed->wraps[i]);
  if (apart)
    return m;
  m->bodies = need(s, sizeof *m->bodies);
  m->bodies[0] = need(s, sizeof **m->bodies);
  tg__body__init(m->bodies[0]);
  m->bodies[0]->sealed = kept(s, &body->bytes);
  m->n_bodies = 1;
  return m;
}

struct sealed actor_seal(struct actor *a, struct story t)
{
  struct sealed b = {0};
  const struct slice content = t.content.n ? t.content : slice_str("Convoi attendu demain.");
  const struct body_head head = head_of(content.n, BODY_PLAIN, "Note");
  assert_int_equal(body_make(0, &head, NULL, content, 0, &b.body), TG_OK);
  const ProtobufCBinaryData release = release_of(a, t.to ? t.to : "*");
  const ProtobufCBinaryData portion = portion_of(a, &t, &b.body, release);
  const struct slice bytes = strict_slice(portion);
  const struct slice subject = subject_of(a, &t, &bytes, 1);
  const struct bulletin_sealed sealed = close_up(a, &t, subject, &bytes, &b.body.key, 1);
  b.id = sealed.id;
  b.message = message_of(a, &sealed, portion, release, &b.body, t.apart);
  return b;
}

struct sealed actor_seal_portions(struct actor *a, const char *to, size_t n, size_t bytes, size_t last)
{
  struct stage *s = a->stage;
  const struct story t = {.to = to};
  const ProtobufCBinaryData release = release_of(a, to);
  struct slice portions[LIMIT_PORTIONS];
  struct body_key keys[LIMIT_PORTIONS];
  struct sealed_body body[LIMIT_PORTIONS];
  uint8_t *content = need(s, bytes > last ? bytes : last);
  for (size_t i = 0; i < n; i++) {
    const size_t size = i + 1 < n ? bytes : last;
    const struct body_head head = head_of(size, BODY_PLAIN, "Note");
    randombytes_buf(content, size);
    assert_int_equal(body_make((uint32_t)i, &head, NULL, slice_of(content, size), 0, &body[i]), TG_OK);
    portions[i] = strict_slice(portion_of(a, &t, &body[i], release));
    keys[i] = body[i].key;
  }
  const struct bulletin_sealed sealed = close_up(a, &t, subject_of(a, &t, portions, n), portions, keys, n);
  struct sealed b = {.id = sealed.id, .message = message_of(a, &sealed, strict_data(portions[0]), release, &body[0], true)};
  Tg__Submission *m = b.message;
  m->portions = need(s, n * sizeof *m->portions);
  m->releases = need(s, n * sizeof *m->releases);
  m->bodies = need(s, n * sizeof *m->bodies);
  m->n_portions = m->n_releases = m->n_bodies = n;
  for (size_t i = 0; i < n; i++) {
    m->portions[i] = strict_data(portions[i]);
    m->releases[i] = release;
    m->bodies[i] = need(s, sizeof **m->bodies);
    tg__body__init(m->bodies[i]);
    m->bodies[i]->portion = (uint32_t)i;
    m->bodies[i]->sealed = kept(s, &body[i].bytes);
    body_drop(&body[i]);
  }
  return b;
}

void actor_sign(struct actor *a, Tg__Submission *m)
{
  const struct hash id = header_id(strict_slice(m->header));
  m->proof = sign_alone(a, &id);
}

void actor_submit(struct actor *a, const struct sealed *b)
{
  Tg__Submission *items[] = {b->message};
  Tg__Submit m = TG__SUBMIT__INIT;
  m.items = items;
  m.n_items = 1;
  actor_frame(a, FRAME_SUBMIT, &m.base);
}

struct hash actor_publish(struct actor *a, struct story t)
{
  struct sealed b = actor_seal(a, t);
  actor_submit(a, &b);
  body_drop(&b.body);
  return b.id;
}

void actor_chunk(struct actor *a, const struct sealed *b, uint64_t chunk)
{
  Tg__Chunk m = TG__CHUNK__INIT;
  m.bulletin = strict_data_of(b->id.b, 32);
  m.chunk = chunk;
  m.sealed = strict_data(body_chunk(&b->body, chunk));
  actor_frame(a, FRAME_CHUNK, &m.base);
}

void actor_chunk_by(struct actor *a, const struct sealed *b, uint64_t chunk, uint32_t handle, bool named)
{
  Tg__Chunk m = TG__CHUNK__INIT;
  if (named)
    m.bulletin = strict_data_of(b->id.b, 32);
  m.chunk = chunk;
  m.handle = handle;
  m.sealed = strict_data(body_chunk(&b->body, chunk));
  actor_frame(a, FRAME_CHUNK, &m.base);
}

void actor_want(struct actor *a, const struct hash *id, uint64_t chunk, uint64_t count)
{
  Tg__Want m = TG__WANT__INIT;
  m.bulletin = strict_data_of(id->b, 32);
  m.chunk = chunk;
  m.count = count;
  actor_frame(a, FRAME_WANT, &m.base);
}

static struct buf receipt_of(const struct actor *a, const struct got_delivery *d, enum receipt_event event)
{
  const struct receipt draft = {.bulletin = d->id,
                                .node = secret_key_sign_pk(a->kit->identity),
                                .event = event,
                                .time = a->stage->now.wall,
                                .number = event == RECEIPT_STORED ? d->number : 0,
                                .checkpoint_root = a->seen.root,
                                .checkpoint_size = a->seen.size};
  struct buf bytes = buf_new(LIMIT_RECEIPT);
  assert_int_equal(receipt_build(&draft, &bytes, NULL), TG_OK);
  return bytes;
}

void actor_receive_all(struct actor *a, size_t from, size_t to, enum receipt_event event)
{
  const size_t n = to - from;
  struct buf bytes[STAGE_KEPT];
  ProtobufCBinaryData items[STAGE_KEPT];
  uint64_t queues[STAGE_KEPT];
  struct batch *batch = batch_new();
  struct hash root;
  struct sign_sig signature;
  Tg__Receipts m = TG__RECEIPTS__INIT;
  assert_true(n <= STAGE_KEPT);
  for (size_t i = 0; i < n; i++) {
    bytes[i] = receipt_of(a, &a->delivery[from + i], event);
    const struct hash id = statement_id(STATEMENT_RECEIPT, buf_slice(&bytes[i]));
    assert_int_equal(batch_add(batch, &id, NULL), TG_OK);
    items[i] = strict_data(buf_slice(&bytes[i]));
    queues[i] = a->delivery[from + i].queue;
  }
  assert_int_equal(batch_sign(batch, &a->stage->kit->exchange, batch_sign_with_key, identity_key(a)), TG_OK);
  batch_result(batch, &root, &signature);
  m.signature = strict_data_of(signature.b, sizeof signature.b);
  m.items = items;
  m.queues = queues;
  m.n_items = m.n_queues = n;
  m.credit_count = n;
  m.credit_bytes = n << 16;
  m.serial = ++a->serial;
  actor_frame(a, FRAME_RECEIPTS, &m.base);
  for (size_t i = 0; i < n; i++)
    buf_free(&bytes[i]);
  batch_free(batch);
}

void actor_receive(struct actor *a, size_t i, enum receipt_event event)
{
  actor_receive_all(a, i, i + 1, event);
}
