/* Checking vectors, whoever made them: one function per kind. Each returns what the parser says and compares
   what the vector states. */
#include "tests/second/vector.h"

#include "audit/evidence.h"
#include "audit/proof.h"
#include "audit/ruling.h"
#include "keys/document.h"
#include "keys/sealing.h"
#include "proto/bulletin.h"
#include "proto/frame.h"
#include "proto/hash.h"
#include "proto/receipt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA = 16 << 20 };

/* What a check works with: the vector, memory, and the first thing that was not as stated. */
struct trial {
  const json_t *v;
  struct arena *arena;
  const char *wrong;
};

static void same(struct trial *t, const char *name, bool is_same)
{
  if (!is_same && !t->wrong)
    t->wrong = name;
}

static void same_bytes(struct trial *t, const char *name, const void *p, size_t n)
{
  same(t, name, slice_eq(vector_bytes(t->v, name), slice_of(p, n)));
}

static void same_number(struct trial *t, const char *name, uint64_t number)
{
  same(t, name, vector_number(t->v, name) == number);
}

/* ---- messages and frames ---- */

static enum tg_err parse_subject(struct slice s, struct arena *a)
{
  struct subject x;
  return subject_parse(s, a, &x, NULL);
}

static enum tg_err parse_header(struct slice s, struct arena *a)
{
  struct header x;
  return header_parse(s, a, &x, NULL);
}

static enum tg_err parse_portion(struct slice s, struct arena *a)
{
  struct portion x;
  return portion_parse(s, a, &x, NULL);
}

static enum tg_err parse_release(struct slice s, struct arena *a)
{
  struct release x;
  return release_parse(s, a, &x, NULL);
}

static enum tg_err parse_wrap(struct slice s, struct arena *a)
{
  struct wrap x;
  return wrap_parse(s, a, &x, NULL);
}

static enum tg_err parse_receipt(struct slice s, struct arena *a)
{
  struct receipt x;
  return receipt_parse(s, a, &x, NULL);
}

static enum tg_err parse_sealing_keys(struct slice s, struct arena *a)
{
  struct sealing_keys x;
  (void)a;
  return sealing_keys_parse(s, &x, NULL);
}

static enum tg_err parse_entry(struct slice s, struct arena *a)
{
  struct entry x;
  (void)a;
  return entry_parse(s, &x, NULL);
}

static enum tg_err parse_decision(struct slice s, struct arena *a)
{
  struct ruling x;
  return ruling_parse(s, a, &x, NULL);
}

static const struct {
  const char *type;
  enum tg_err (*parse)(struct slice, struct arena *);
} parsers[] = {
    {"Subject", parse_subject}, {"Header", parse_header},     {"Portion", parse_portion},
    {"Release", parse_release}, {"Wrap", parse_wrap},         {"Receipt", parse_receipt},
    {"Entry", parse_entry},     {"Decision", parse_decision}, {"SealingKeys", parse_sealing_keys},
};

static enum tg_err check_message(struct trial *t)
{
  const char *type = vector_text(t->v, "type");
  struct slice data = vector_bytes(t->v, "data");
  const struct strict_limits *const *l = limits_all;
  ProtobufCMessage *message;
  while (*l && strcmp((*l)->descriptor->short_name, type))
    l++;
  if (!*l)
    return t->wrong = "type", TG_INTERNAL;
  enum tg_err err = strict_unpack(*l, data, t->arena, &message, NULL);
  if (err)
    return err;
  struct buf again = buf_new(LIMIT_FRAME);
  err = strict_pack(*l, message, &again, NULL);
  same(t, "its canonical form", slice_eq(data, buf_slice(&again)));
  buf_free(&again);
  for (size_t i = 0; !err && i < sizeof parsers / sizeof *parsers; i++)
    if (!strcmp(parsers[i].type, type))
      err = parsers[i].parse(data, t->arena);
  return err;
}

static enum tg_err check_frame(struct trial *t)
{
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  bool to_hub = !strcmp(vector_text(t->v, "direction"), "node → hub");
  enum tg_err err = frame_decode(vector_bytes(t->v, "data"), to_hub ? FRAME_TO_HUB : FRAME_TO_NODE, t->arena,
                                 &kind, &message, NULL);
  if (!err)
    same(t, "type", !strcmp(vector_text(t->v, "type"), kind->limits->descriptor->short_name));
  return err;
}

/* ---- hashes, batches, approvals ---- */

static struct hash policy_set_of(const json_t *v)
{
  struct entry_policy policies[32];
  size_t i;
  const json_t *one;
  json_array_foreach(json_object_get(v, "policies"), i, one)
  {
    memcpy(policies[i].member, json_string_value(json_array_get(one, 0)), 2);
    struct slice hash = vector_hex(json_string_value(json_array_get(one, 1)));
    memcpy(policies[i].hash.b, hash.p, 32);
  }
  return entry_policy_set(policies, i);
}

static struct hash statement_bulletin(struct slice s)
{
  return statement_id(STATEMENT_BULLETIN, s);
}

static struct hash statement_receipt(struct slice s)
{
  return statement_id(STATEMENT_RECEIPT, s);
}

static struct hash statement_sealing_keys(struct slice s)
{
  return statement_id(STATEMENT_SEALING_KEYS, s);
}

static const struct {
  const char *what;
  struct hash (*hash)(struct slice);
} hashes[] = {
    {"bulletin", statement_bulletin},
    {"receipt", statement_receipt},
    {"sealing-keys", statement_sealing_keys},
    {"subject", subject_hash},
    {"release", release_hash},
    {"decision", ruling_hash},
    {"document", document_hash},
};

static enum tg_err check_hash(struct trial *t)
{
  const char *what = vector_text(t->v, "what");
  struct hash h;
  if (!strcmp(what, "policy-set")) {
    h = policy_set_of(t->v);
    same_bytes(t, "hash", h.b, 32);
    return TG_OK;
  }
  struct slice data = vector_bytes(t->v, "data");
  if (!strcmp(what, "key-id")) {
    struct seal_pk key;
    uint8_t id[WRAP_KEY_ID];
    vector_fixed(t->v, "data", key.b, 32);
    wrap_key_id((uint16_t)vector_number(t->v, "suite"), &key, id);
    same_bytes(t, "hash", id, sizeof id);
    return TG_OK;
  }
  if (!strcmp(what, "leaf")) {
    uint8_t salt[ENTRY_SALT];
    vector_fixed(t->v, "salt", salt, sizeof salt);
    h = entry_leaf(salt, data);
    same_bytes(t, "hash", h.b, 32);
    return TG_OK;
  }
  for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
    if (!strcmp(hashes[i].what, what)) {
      h = hashes[i].hash(data);
      same_bytes(t, "hash", h.b, 32);
      return TG_OK;
    }
  return t->wrong = "what", TG_INTERNAL;
}

static enum tg_err check_batch(struct trial *t)
{
  struct hash exchange, id;
  struct sign_pk key;
  Tg__BatchProof proof = TG__BATCH_PROOF__INIT;
  vector_fixed(t->v, "exchange", exchange.b, 32);
  vector_fixed(t->v, "id", id.b, 32);
  vector_fixed(t->v, "public", key.b, 32);
  proof.size = vector_number(t->v, "size");
  proof.index = vector_number(t->v, "index");
  proof.path = strict_data(vector_bytes(t->v, "path"));
  proof.signature = strict_data(vector_bytes(t->v, "signature"));
  struct batch_verifier *verifier = batch_verifier_new(1);
  enum tg_err err = verifier ? batch_verify(verifier, &exchange, &key, &id, &proof, NULL) : TG_NO_MEMORY;
  batch_verifier_free(verifier);
  return err;
}

static enum tg_err check_approval(struct trial *t)
{
  struct subject subject;
  struct approval approval = {.time = (tg_time)vector_number(t->v, "time")};
  vector_fixed(t->v, "officer", approval.officer.b, 32);
  vector_fixed(t->v, "signature", approval.signature.b, 64);
  enum tg_err err = subject_parse(vector_bytes(t->v, "subject"), t->arena, &subject, NULL);
  return err ? err : approval_verify(&subject, &approval, NULL);
}

/* ---- bodies and wraps ---- */

static enum tg_err check_padding(struct trial *t)
{
  same_number(t, "padded", body_padded(vector_number(t->v, "length")));
  return TG_OK;
}

struct opened {
  struct buf head, content;
};

static enum tg_err take_head(void *context, const struct body_head *head)
{
  struct opened *o = context;
  return body_head_pack(head, &o->head, NULL);
}

static enum tg_err take_content(void *context, struct slice bytes)
{
  struct opened *o = context;
  buf_put_slice(&o->content, bytes);
  return buf_status(&o->content);
}

static enum tg_err open_body(uint32_t index, const struct body_seal *seal, const struct body_key *key,
                             struct slice sealed, struct opened *ret)
{
  struct body_reader reader = {.head = take_head, .content = take_content, .context = ret};
  struct body_opener *opener = NULL;
  enum tg_err err = body_opener_new(index, seal, key, 1 << 20, &reader, &opener, NULL);
  while (!err && sealed.n) {
    struct slice chunk;
    take(&sealed, sealed.n < BODY_SEALED ? sealed.n : BODY_SEALED, &chunk);
    err = body_opener_put(opener, chunk, NULL);
  }
  if (!err)
    err = body_opener_finish(opener, NULL);
  body_opener_free(opener);
  return err;
}

static enum tg_err check_body(struct trial *t)
{
  struct body_seal seal = {.size = vector_number(t->v, "body_size")};
  struct body_key key;
  struct opened o = {.head = buf_new(LIMIT_BODY_HEAD), .content = buf_new(1 << 20)};
  vector_fixed(t->v, "key", key.b, 32);
  vector_fixed(t->v, "key_commitment", seal.key_commitment.b, 32);
  vector_fixed(t->v, "body_root", seal.root.b, 32);
  vector_fixed(t->v, "stream_header", seal.stream_header, sizeof seal.stream_header);
  seal.chunks = body_chunks(seal.size);
  enum tg_err err =
      open_body((uint32_t)vector_number(t->v, "index"), &seal, &key, vector_bytes(t->v, "sealed"), &o);
  if (!err) {
    struct hash hash = hash_plain(buf_slice(&o.content));
    same_bytes(t, "head", o.head.p, o.head.n);
    same_bytes(t, "content_hash", hash.b, 32);
  }
  buf_free(&o.head);
  buf_free(&o.content);
  return err;
}

static enum tg_err check_wrap(struct trial *t)
{
  const json_t *v = t->v, *one;
  struct wrap_parties p = {.suite = (uint16_t)vector_number(v, "suite")};
  struct wrap_binding b = {.bulletin_number = vector_number(v, "bulletin_number")};
  struct wrap_content content;
  struct wrap wrap;
  uint8_t secret[32];
  size_t i;
  vector_fixed(v, "exchange", p.exchange.b, 32);
  vector_fixed(v, "originator", p.originator.b, 32);
  vector_fixed(v, "recipient", p.recipient.b, 32);
  vector_fixed(v, "recipient_key", p.recipient_key.b, 32);
  vector_fixed(v, "recipient_secret", secret, 32);
  vector_fixed(v, "subject_hash", b.subject_hash.b, 32);
  memcpy(p.originator_member, vector_text(v, "originator_member"), 2);
  memcpy(p.recipient_member, vector_text(v, "recipient_member"), 2);
  enum tg_err err = wrap_parse(vector_bytes(v, "wrap"), t->arena, &wrap, NULL);
  if (err)
    return err;
  struct wrap_opener *opener = wrap_opener_new(1);
  err = opener ? wrap_open(opener, &wrap, &p, secret, &b, &content, NULL) : TG_NO_MEMORY;
  wrap_opener_free(opener);
  if (err)
    return err;
  same_number(t, "number", content.number);
  same_bytes(t, "previous", content.previous.b, 32);
  uint32_t mask = 0;
  json_array_foreach(json_object_get(v, "keys"), i, one)
  {
    size_t index = (size_t)json_integer_value(json_array_get(one, 0));
    mask |= UINT32_C(1) << index;
    same(
        t, "keys",
        slice_eq(vector_hex(json_string_value(json_array_get(one, 1))), slice_of(content.keys[index].b, 32)));
  }
  same(t, "keys", mask == content.portions);
  return TG_OK;
}

/* ---- whole bulletins ---- */

static enum tg_err check_submission(struct trial *t)
{
  struct hash exchange;
  struct submission s;
  ProtobufCMessage *message;
  vector_fixed(t->v, "exchange", exchange.b, 32);
  enum tg_err err = strict_unpack(&limits_submission, vector_bytes(t->v, "data"), t->arena, &message, NULL);
  if (err)
    return err;
  struct batch_verifier *verifier = batch_verifier_new(1);
  err = submission_check((const Tg__Submission *)message, &exchange, verifier, t->arena, &s, NULL);
  batch_verifier_free(verifier);
  if (!err)
    same_bytes(t, "id", s.header.id.b, 32);
  return err;
}

/* Opens every body that came along and compares it with "contents". */
static enum tg_err open_contents(struct trial *t, const struct delivery *d,
                                 const struct wrap_content *content)
{
  const json_t *contents = json_object_get(t->v, "contents");
  size_t n = 0;
  for (size_t i = 0; i < d->portion_count; i++) {
    uint32_t index = d->portions[i].index;
    if (!(d->inline_bodies >> index & 1))
      continue;
    struct opened o = {.head = buf_new(LIMIT_BODY_HEAD), .content = buf_new(1 << 20)};
    enum tg_err err = open_body(index, &d->portions[i].seal, &content->keys[index], d->bodies[index], &o);
    const json_t *want = json_array_get(contents, n++);
    if (!err)
      same(t, "contents",
           json_integer_value(json_array_get(want, 0)) == index &&
               slice_eq(vector_hex(json_string_value(json_array_get(want, 1))), buf_slice(&o.content)));
    buf_free(&o.head);
    buf_free(&o.content);
    if (err)
      return err;
  }
  same(t, "contents", json_array_size(contents) == n);
  return TG_OK;
}

static enum tg_err check_delivery(struct trial *t)
{
  struct hash exchange;
  struct sign_pk me;
  struct seal_pk key;
  struct delivery d;
  struct wrap_content content;
  uint8_t secret[32];
  ProtobufCMessage *message;
  vector_fixed(t->v, "exchange", exchange.b, 32);
  vector_fixed(t->v, "me", me.b, 32);
  vector_fixed(t->v, "public", key.b, 32);
  vector_fixed(t->v, "secret", secret, 32);
  enum tg_err err = strict_unpack(&limits_delivery, vector_bytes(t->v, "data"), t->arena, &message, NULL);
  if (err)
    return err;
  struct batch_verifier *verifier = batch_verifier_new(1);
  struct wrap_opener *opener = wrap_opener_new(1);
  err = delivery_check((const Tg__Delivery *)message, &exchange, &me, verifier, t->arena, &d, NULL);
  if (!err)
    err = bulletin_open(&d, vector_text(t->v, "originator_member"), vector_text(t->v, "member"), &key, secret,
                        opener, &content, NULL);
  if (!err) {
    same_number(t, "number", content.number);
    err = open_contents(t, &d, &content);
  }
  wrap_opener_free(opener);
  batch_verifier_free(verifier);
  return err;
}

/* ---- the log ---- */

static struct note_key key_of(const struct trial *t, const char *name)
{
  struct note_key key;
  if (note_key_parse(slice_str(vector_text(t->v, name)), &key, NULL)) {
    fprintf(stderr, "vector %s: no usable '%s'\n", vector_text(t->v, "name"), name);
    exit(2);
  }
  return key;
}

static enum tg_err check_checkpoint(struct trial *t)
{
  struct note_key log = key_of(t, "log");
  struct checkpoint c;
  enum tg_err err = checkpoint_open(slice_str(vector_text(t->v, "note")), &log, &c, NULL, NULL);
  if (!err) {
    same_number(t, "size", c.size);
    same_bytes(t, "root", c.root.b, 32);
  }
  return err;
}

static enum tg_err check_cosignature(struct trial *t)
{
  struct note_key known[] = {key_of(t, "log"), key_of(t, "witness")};
  struct note_verdict verdict[2];
  struct note note;
  enum tg_err err = note_parse(slice_str(vector_text(t->v, "note")), NULL, &note, NULL);
  if (!err)
    err = note_verify(&note, known, 2, verdict, NULL);
  if (!err && !(verdict[0].good && verdict[1].good))
    err = TG_BAD_SIGNATURE;
  if (!err)
    same_number(t, "time", (uint64_t)(verdict[1].time / TG_SECOND));
  return err;
}

static enum tg_err check_consistency(struct trial *t)
{
  struct checkpoint old = {.size = vector_number(t->v, "old_size")},
                    next = {.size = vector_number(t->v, "size")};
  vector_fixed(t->v, "old_root", old.root.b, 32);
  vector_fixed(t->v, "root", next.root.b, 32);
  return checkpoint_extends(&old, &next, vector_bytes(t->v, "path"), NULL);
}

static enum tg_err check_opening(struct trial *t)
{
  struct checkpoint c = {.size = vector_number(t->v, "size")};
  struct opening o = {.entry = vector_bytes(t->v, "entry"),
                      .salt = vector_bytes(t->v, "salt"),
                      .index = vector_number(t->v, "index"),
                      .path = vector_bytes(t->v, "path")};
  struct entry e;
  vector_fixed(t->v, "root", c.root.b, 32);
  enum tg_err err = opening_verify(&o, &c, &e, NULL);
  if (!err)
    same_number(t, "type", e.type);
  return err;
}

static enum tg_err check_proof(struct trial *t)
{
  struct note_key log = key_of(t, "log");
  struct proof p;
  struct entry e;
  enum tg_err err = proof_parse(slice_str(vector_text(t->v, "file")), NULL, &p, NULL);
  if (!err)
    err = proof_verify_opening(&p, &log, &e, NULL, NULL, NULL);
  if (!err)
    same_number(t, "type", e.type);
  return err;
}

static enum tg_err check_evidence(struct trial *t)
{
  const json_t *sizes = json_object_get(t->v, "sizes");
  struct evidence e;
  struct checkpoint first, second;
  enum tg_err err = evidence_parse(slice_str(vector_text(t->v, "file")), NULL, &e, NULL);
  if (!err)
    err = evidence_verify(&e, &first, &second, NULL);
  if (!err)
    same(t, "sizes",
         json_integer_value(json_array_get(sizes, 0)) == (json_int_t)first.size &&
             json_integer_value(json_array_get(sizes, 1)) == (json_int_t)second.size);
  return err;
}

/* ---- one vector ---- */

static const struct {
  const char *kind;
  enum tg_err (*check)(struct trial *);
} checks[] = {
    {"message", check_message},
    {"frame", check_frame},
    {"hash", check_hash},
    {"batch", check_batch},
    {"approval", check_approval},
    {"padding", check_padding},
    {"body", check_body},
    {"wrap", check_wrap},
    {"submission", check_submission},
    {"delivery", check_delivery},
    {"checkpoint", check_checkpoint},
    {"cosignature", check_cosignature},
    {"consistency", check_consistency},
    {"opening", check_opening},
    {"proof", check_proof},
    {"evidence", check_evidence},
};

const char *vector_check(const json_t *v)
{
  static char what[200];
  bool valid = json_is_true(json_object_get(v, "valid"));
  for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
    if (strcmp(checks[i].kind, vector_text(v, "kind")))
      continue;
    struct trial t = {.v = v, .arena = arena_new(ARENA)};
    enum tg_err err = t.arena ? checks[i].check(&t) : TG_NO_MEMORY;
    arena_free(t.arena);
    if (err == TG_NO_MEMORY || err == TG_INTERNAL || t.wrong)
      return snprintf(what, sizeof what, "differs in: %s (%s)", t.wrong ? t.wrong : "?", tg_err_name(err)),
             what;
    if (valid && err)
      return snprintf(what, sizeof what, "refused: %s", tg_err_name(err)), what;
    return !valid && !err ? "accepted, but must be refused" : NULL;
  }
  return "no such kind of vector";
}
