/* Making vectors with the first implementation: the same kinds as tests/second/vectors.py makes, from a seed.
 */
#include "tests/second/vector.h"

#include "audit/evidence.h"
#include "audit/proof.h"
#include "audit/ruling.h"
#include "keys/sealing.h"
#include "proto/frame.h"
#include "proto/hash.h"
#include "tests/audit/kit.h"
#include "tests/proto/chance.h"
#include "tests/proto/generate.h"
#include "tests/proto/story.h"

static json_t *all;

static json_t *vector(const char *kind, bool valid, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static json_t *vector(const char *kind, bool valid, const char *format, ...)
{
  char name[120];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(name, sizeof name, format, arguments);
  va_end(arguments);
  json_t *v = json_object();
  vector_put_text(v, "kind", kind);
  vector_put_text(v, "name", name);
  json_object_set_new(v, "valid", json_boolean(valid));
  json_array_append_new(all, v);
  return v;
}

/* The same vector with one bit of one value changed: must be refused. */
static void flipped(const json_t *good, const char *name, size_t bit)
{
  json_t *v = json_deep_copy(good);
  struct slice s = vector_bytes(good, name);
  uint8_t *p = (uint8_t *)s.p; /* vector_bytes() made a copy for us */
  char title[160];
  snprintf(title, sizeof title, "%s: bit %zu of %s", vector_text(good, "name"), bit % (8 * s.n), name);
  p[bit / 8 % s.n] ^= (uint8_t)(1 << bit % 8);
  vector_put_text(v, "name", title);
  json_object_set_new(v, "valid", json_false());
  vector_put_bytes(v, name, s);
  json_array_append_new(all, v);
}

static void put_fixed(json_t *v, const char *name, const void *p, size_t n)
{
  vector_put_bytes(v, name, slice_of(p, n));
}

/* ---- messages ---- */

/* Within the limits of its fields; the rules above fields are tried with real ones, below. */
static bool has_rules(const char *type)
{
  static const char *const with[] = {"Subject", "Header", "Portion",  "Release",    "Wrap",
                                     "Receipt", "Entry",  "Decision", "SealingKeys"};
  for (size_t i = 0; i < sizeof with / sizeof *with; i++)
    if (!strcmp(with[i], type))
      return true;
  return false;
}

static void put_message(const char *type, const char *what, struct slice data)
{
  json_t *v = vector("message", true, "%s %s", type, what);
  vector_put_text(v, "type", type);
  vector_put_bytes(v, "data", data);
}

static void make_messages(void)
{
  struct buf b = buf_new(LIMIT_FRAME);
  for (size_t i = 0; limits_all[i]; i++) {
    const char *type = limits_all[i]->descriptor->short_name;
    for (int k = 0; k < 4 && !has_rules(type);) {
      buf_clear(&b);
      generate_message(limits_all[i], &b);
      if (b.n > 1500)
        continue;
      char what[20];
      snprintf(what, sizeof what, "%d", k++);
      put_message(type, what, buf_slice(&b));
    }
  }
  for (unsigned type = 1; type <= FRAME_RECEIPTS_LOGGED; type++) {
    const struct frame_kind *kind = frame_kind((uint8_t)type);
    do {
      buf_clear(&b);
      buf_put_u8(&b, FRAME_VERSION);
      buf_put_u8(&b, (uint8_t)type);
      generate_message(kind->limits, &b);
    } while (b.n > 2500);
    json_t *v = vector("frame", true, "%s", kind->name);
    vector_put_text(v, "direction", kind->direction & FRAME_TO_HUB ? "node → hub" : "hub → node");
    vector_put_text(v, "type", kind->limits->descriptor->short_name);
    vector_put_bytes(v, "data", buf_slice(&b));
    flipped(v, "data", 0);
  }
  buf_free(&b);
}

static void put_hash(const char *what, struct slice data, struct hash hash)
{
  json_t *v = vector("hash", true, "%s", what);
  vector_put_text(v, "what", what);
  vector_put_bytes(v, "data", data);
  put_fixed(v, "hash", hash.b, 32);
}

/* ---- a bulletin ---- */

static void make_batches(const struct story *s)
{
  struct batch *b = batch_new();
  struct hash ids[5];
  for (size_t i = 0; i < 5; i++) {
    chance_fill(ids[i].b, 32);
    assert_int_equal(batch_add(b, &ids[i], NULL), TG_OK);
  }
  assert_int_equal(batch_sign(b, &s->exchange, batch_sign_with_key, (void *)s->originator.secret), TG_OK);
  for (size_t i = 0; i < 5; i++) {
    const Tg__BatchProof *p = batch_proof(b, i, s->arena);
    json_t *v = vector("batch", true, "%zu of 5", i);
    put_fixed(v, "public", s->originator.identity.b, 32);
    put_fixed(v, "exchange", s->exchange.b, 32);
    put_fixed(v, "id", ids[i].b, 32);
    vector_put_number(v, "size", p->size);
    vector_put_number(v, "index", p->index);
    vector_put_bytes(v, "path", strict_slice(p->path));
    vector_put_bytes(v, "signature", strict_slice(p->signature));
    static const char *const parts[] = {"public", "exchange", "id", "path", "signature"};
    for (size_t k = 0; k < 5; k++)
      flipped(v, parts[k], (size_t)chance_below(1000));
  }
  batch_free(b);
}

static void make_approval(const struct story *s)
{
  json_t *v = vector("approval", true, "an officer's");
  vector_put_bytes(v, "subject", s->subject.bytes);
  put_fixed(v, "officer", s->approval.officer.b, 32);
  vector_put_number(v, "time", (uint64_t)s->approval.time);
  put_fixed(v, "signature", s->approval.signature.b, 64);
  flipped(v, "officer", 3);
  flipped(v, "signature", 100);
  flipped(v, "signature", 300);
}

static void put_body(const char *name, const struct body_head *head, struct slice content)
{
  struct sealed_body b;
  struct buf head_bytes = buf_new(LIMIT_BODY_HEAD);
  Tg__BodyHead m = TG__BODY_HEAD__INIT;
  struct hash hash = hash_plain(content);
  assert_int_equal(body_make(5, head, NULL, content, 1000, &b), TG_OK);
  m.content_type = strict_data(head->content_type);
  m.title = strict_data(head->title);
  m.size = head->size;
  m.compression = head->compression;
  assert_int_equal(strict_pack(&limits_body_head, &m.base, &head_bytes, NULL), TG_OK);
  json_t *v = vector("body", true, "%s", name);
  vector_put_number(v, "index", b.index);
  put_fixed(v, "key", b.key.b, 32);
  put_fixed(v, "key_commitment", b.seal.key_commitment.b, 32);
  put_fixed(v, "stream_header", b.seal.stream_header, BODY_STREAM_HEADER);
  put_fixed(v, "body_root", b.seal.root.b, 32);
  vector_put_number(v, "body_size", b.seal.size);
  vector_put_bytes(v, "sealed", buf_slice(&b.bytes));
  vector_put_bytes(v, "head", buf_slice(&head_bytes));
  put_fixed(v, "content_hash", hash.b, 32);
  if (b.bytes.n < 2000) {
    static const char *const parts[] = {"key", "key_commitment", "stream_header", "body_root", "sealed"};
    for (size_t k = 0; k < 5; k++)
      flipped(v, parts[k], (size_t)chance_below(10000));
  }
  buf_free(&head_bytes);
  body_drop(&b);
}

static void make_bodies(void)
{
  static uint8_t content[130000];
  struct body_head head = head_of(0, BODY_PLAIN, "vide");
  put_body("empty", &head, slice_of(content, 0));
  memset(content, 'x', sizeof content);
  head = head_of(700, BODY_PLAIN, "un titre");
  put_body("plain", &head, slice_of(content, 700));
  head = head_of(sizeof content, BODY_ZSTD, "beaucoup");
  put_body("compressed", &head, slice_of(content, sizeof content));
  chance_fill(content, 40000);
  head = head_of(70000, BODY_ZSTD, "deux");
  put_body("two chunks, compressed", &head, slice_of(content, 70000));
  for (uint64_t n = 1; n < UINT64_C(1) << 40; n = n * 3 + chance_below(n)) {
    json_t *v = vector("padding", true, "%llu bytes", (unsigned long long)n);
    vector_put_number(v, "length", n);
    vector_put_number(v, "padded", body_padded(n));
  }
}

static void make_wraps(const struct story *s)
{
  for (size_t i = 0; i < s->sealed.wrap_count; i++) {
    size_t r = s->sealed.recipient_of[i];
    const struct story_node *node = &s->recipients[r];
    const struct bulletin_recipient *d = &s->drafts[r];
    json_t *v = vector("wrap", true, "recipient %zu", r), *keys = json_array();
    vector_put_number(v, "suite", SUITE_1);
    put_fixed(v, "exchange", s->exchange.b, 32);
    put_fixed(v, "originator", s->originator.identity.b, 32);
    vector_put_text(v, "originator_member", "ML");
    put_fixed(v, "recipient", node->identity.b, 32);
    char member[3] = {node->member[0], node->member[1], 0};
    vector_put_text(v, "recipient_member", member);
    put_fixed(v, "recipient_key", node->key.b, 32);
    put_fixed(v, "recipient_secret", node->key_secret, 32);
    const struct hash hash = subject_hash(s->subject.bytes);
    put_fixed(v, "subject_hash", hash.b, 32);
    vector_put_number(v, "bulletin_number", 41);
    vector_put_bytes(v, "wrap", s->sealed.wraps[i]);
    vector_put_number(v, "number", d->number);
    put_fixed(v, "previous", d->previous.b, 32);
    for (uint32_t k = 0; k < s->portion_count; k++)
      if (d->portions >> k & 1) {
        char hex[65];
        sodium_bin2hex(hex, sizeof hex, s->keys[k].b, 32);
        json_array_append_new(keys, json_pack("[i,s]", (int)k, hex));
      }
    json_object_set_new(v, "keys", keys);
    static const char *const parts[] = {"exchange", "originator", "recipient", "subject_hash"};
    for (size_t k = 0; k < 4; k++)
      flipped(v, parts[k], (size_t)chance_below(256));
    flipped(v, "wrap", 8 * (s->sealed.wraps[i].n - 1));
  }
}

static void make_submission(struct story *s, struct buf *b)
{
  assert_int_equal(strict_pack(&limits_submission, &story_submission(s)->base, b, NULL), TG_OK);
  json_t *v = vector("submission", true, "three portions, five recipients");
  put_fixed(v, "exchange", s->exchange.b, 32);
  vector_put_bytes(v, "data", buf_slice(b));
  put_fixed(v, "id", s->sealed.id.b, 32);
  flipped(v, "exchange", 9);
  for (int i = 0; i < 20; i++)
    flipped(v, "data", (size_t)chance_below(8 * b->n));
}

static void make_delivery(struct story *s, size_t to, struct buf *b)
{
  struct entry e = kit_entry();
  struct buf entry = buf_new(LIMIT_ENTRY);
  const struct story_node *node = &s->recipients[to];
  Tg__Delivery *m = story_delivery(s, to);
  assert_int_equal(entry_build(&e, &entry, NULL), TG_OK);
  m->entry = strict_data(buf_slice(&entry));
  assert_int_equal(strict_pack(&limits_delivery, &m->base, b, NULL), TG_OK);
  json_t *v = vector("delivery", true, "to recipient %zu", to), *contents = json_array();
  put_fixed(v, "exchange", s->exchange.b, 32);
  put_fixed(v, "me", node->identity.b, 32);
  vector_put_text(v, "originator_member", "ML");
  char member[3] = {node->member[0], node->member[1], 0};
  vector_put_text(v, "member", member);
  put_fixed(v, "public", node->key.b, 32);
  put_fixed(v, "secret", node->key_secret, 32);
  vector_put_bytes(v, "data", buf_slice(b));
  vector_put_number(v, "number", s->drafts[to].number);
  for (uint32_t k = 0; k < s->portion_count; k++)
    if (s->drafts[to].portions >> k & 1) {
      char hex[2000];
      sodium_bin2hex(hex, sizeof hex, (const uint8_t *)s->contents[k], strlen(s->contents[k]));
      json_array_append_new(contents, json_pack("[i,s]", (int)k, hex));
    }
  json_object_set_new(v, "contents", contents);
  flipped(v, "me", 9);
  flipped(v, "secret", 77);
  buf_free(&entry);
}

static struct slice make_receipt(const struct story *s, struct buf *b)
{
  struct receipt r = {.bulletin = s->sealed.id,
                      .node = s->recipients[0].identity,
                      .event = RECEIPT_STORED,
                      .time = STORY_TIME,
                      .number = 3,
                      .checkpoint_root = kit_hash(3),
                      .checkpoint_size = 9};
  buf_clear(b);
  assert_int_equal(receipt_build(&r, b, NULL), TG_OK);
  return buf_slice(b);
}

static void make_sealing_keys(const struct story *s, struct buf *b)
{
  struct sealing_keys k = {.exchange = s->exchange, .node = s->originator.identity, .serial = 2, .n = 3};
  for (size_t i = 0; i < k.n; i++)
    k.key[i] = (struct sealing_key){.suite = SUITE_1,
                                    .from = STORY_TIME + (tg_time)i * TG_DAY,
                                    .until = STORY_TIME + (tg_time)(i + 1) * TG_DAY,
                                    .key = s->recipients[i].key};
  buf_clear(b);
  assert_int_equal(sealing_keys_print(&k, b), TG_OK);
  put_message("SealingKeys", "of three days", buf_slice(b));
  put_hash("sealing-keys", buf_slice(b), statement_id(STATEMENT_SEALING_KEYS, buf_slice(b)));
}

static void make_bulletin(struct story *s)
{
  struct buf b = buf_new(LIMIT_FRAME);
  make_batches(s);
  make_approval(s);
  make_wraps(s);
  make_submission(s, &b);
  for (size_t i = 0; i < s->recipient_count; i++) {
    buf_clear(&b);
    make_delivery(s, i, &b);
  }
  put_message("Subject", "of the story", s->subject.bytes);
  put_message("Header", "of the story", s->sealed.header);
  put_message("Portion", "of the story", s->portions[1]);
  put_message("Release", "of the story", s->releases[0]);
  put_message("Wrap", "of the story", s->sealed.wraps[2]);
  put_hash("bulletin", s->sealed.header, s->sealed.id);
  put_hash("subject", s->subject.bytes, subject_hash(s->subject.bytes));
  put_hash("release", s->releases[0], release_hash(s->releases[0]));
  struct slice receipt = make_receipt(s, &b);
  put_message("Receipt", "of the story", receipt);
  put_hash("receipt", receipt, statement_id(STATEMENT_RECEIPT, receipt));
  make_sealing_keys(s, &b);
  buf_free(&b);
}

/* ---- the log ---- */

static void make_rulings(void)
{
  static const char permitted[][2] = {{'B', 'F'}, {'N', 'E'}};
  static const struct ruling_denial denied[] = {
      {.member = {'N', 'G'}, .stage = 3}, {.member = {'T', 'D'}, .stage = 6, .policy = {{9}}, .line = 12}};
  struct ruling_portion p = {
      .permitted = permitted, .permitted_count = 2, .denied = denied, .denied_count = 2};
  struct ruling r = {.salt = {5}, .portions = &p, .portion_count = 1};
  struct buf b = buf_new(LIMIT_DECISION);
  assert_int_equal(ruling_build(&r, &b, NULL), TG_OK);
  put_message("Decision", "of one portion", buf_slice(&b));
  put_hash("decision", buf_slice(&b), ruling_hash(buf_slice(&b)));
  buf_free(&b);
}

static void put_note(json_t *v, const char *name, const struct buf *note)
{
  json_object_set_new(v, name, json_stringn((const char *)note->p, note->n));
}

static void make_checkpoints(struct kit_log *log)
{
  char vkey[NOTE_VKEY_MAX], witness_vkey[NOTE_VKEY_MAX];
  struct secret_key *witness = kit_key(KEY_WITNESS, "sahel.example/ML/ops/n1", 3);
  struct note_key key;
  struct note note;
  note_key_print(&log->vkey, vkey);
  assert_int_equal(secret_key_note_key(witness, &key), TG_OK);
  note_key_print(&key, witness_vkey);
  for (uint64_t size = 0; size <= 40; size += 8) {
    struct buf text = kit_note(log, size);
    struct checkpoint c = kit_checkpoint(log, size);
    json_t *v = vector("checkpoint", true, "of %llu", (unsigned long long)size);
    vector_put_text(v, "log", vkey);
    put_note(v, "note", &text);
    vector_put_number(v, "size", size);
    put_fixed(v, "root", c.root.b, 32);
    assert_int_equal(note_parse(buf_slice(&text), NULL, &note, NULL), TG_OK);
    struct buf cosigned = buf_new(CHECKPOINT_BYTES_MAX);
    buf_put_slice(&cosigned, note.bytes);
    assert_int_equal(note_cosign(&cosigned, note.text, witness, KIT_NOW, NULL), TG_OK);
    v = vector("cosignature", true, "of %llu", (unsigned long long)size);
    vector_put_text(v, "log", vkey);
    vector_put_text(v, "witness", witness_vkey);
    put_note(v, "note", &cosigned);
    vector_put_number(v, "time", (uint64_t)(KIT_NOW / TG_SECOND));
    cosigned.p[cosigned.n - 20] ^= 1;
    v = json_deep_copy(v);
    vector_put_text(v, "name", "one letter of it changed");
    json_object_set_new(v, "valid", json_false());
    put_note(v, "note", &cosigned);
    json_array_append_new(all, v);
    buf_free(&cosigned);
    buf_free(&text);
  }
  secret_key_free(witness);
}

static void make_consistency(struct kit_log *log)
{
  for (uint64_t m = 0; m <= 40; m += 5)
    for (uint64_t n = m; n <= 40; n += 7) {
      struct checkpoint old = kit_checkpoint(log, m), next = kit_checkpoint(log, n);
      struct merkle_path path = kit_consistency(log, m, n);
      json_t *v = vector("consistency", true, "%llu to %llu", (unsigned long long)m, (unsigned long long)n);
      vector_put_number(v, "old_size", m);
      put_fixed(v, "old_root", old.root.b, 32);
      vector_put_number(v, "size", n);
      put_fixed(v, "root", next.root.b, 32);
      vector_put_bytes(v, "path", merkle_path_slice(&path));
      if (m == 0)
        continue;
      flipped(v, "old_root", 3);
      flipped(v, "root", 200);
      if (path.n)
        flipped(v, "path", (size_t)chance_below(10000));
    }
}

static void make_openings(struct kit_log *log)
{
  char vkey[NOTE_VKEY_MAX];
  note_key_print(&log->vkey, vkey);
  for (uint8_t i = 0; i < 4; i++) {
    struct entry e = kit_entry();
    struct buf entry = buf_new(LIMIT_ENTRY), file = buf_new(PROOF_BYTES_MAX);
    struct merkle_path path;
    uint8_t salt[ENTRY_SALT];
    entry_salt(salt);
    e.number += i;
    e.detail = slice_str("détail");
    assert_int_equal(entry_build(&e, &entry, NULL), TG_OK);
    struct opening o = kit_append_entry(log, buf_slice(&entry), salt, &path);
    struct checkpoint c = kit_checkpoint(log, ledger_size(log->ledger));
    json_t *v = vector("opening", true, "entry %u", i);
    vector_put_bytes(v, "entry", o.entry);
    vector_put_bytes(v, "salt", o.salt);
    vector_put_number(v, "index", o.index);
    vector_put_bytes(v, "path", o.path);
    vector_put_number(v, "size", c.size);
    put_fixed(v, "root", c.root.b, 32);
    vector_put_number(v, "type", e.type);
    static const char *const parts[] = {"entry", "salt", "path", "root"};
    for (size_t k = 0; k < 4; k++)
      flipped(v, parts[k], (size_t)chance_below(1000));
    struct hash leaf = entry_leaf(salt, o.entry);
    json_t *h = vector("hash", true, "leaf %u", i);
    vector_put_text(h, "what", "leaf");
    vector_put_bytes(h, "data", o.entry);
    vector_put_bytes(h, "salt", o.salt);
    put_fixed(h, "hash", leaf.b, 32);
    put_message("Entry", "with a detail", o.entry);
    struct buf note = kit_note(log, c.size);
    assert_int_equal(proof_print(&o, buf_slice(&note), &file), TG_OK);
    v = vector("proof", true, "entry %u", i);
    vector_put_text(v, "log", vkey);
    put_note(v, "file", &file);
    vector_put_number(v, "type", e.type);
    buf_free(&note);
    buf_free(&file);
    buf_free(&entry);
  }
}

/* What a witness writes down when it is shown the other of two histories. */
static void make_evidence(struct kit_log *log)
{
  struct kit_log *fork = kit_log_fork(log, 10, 40);
  for (uint64_t seen = 12; seen < 40; seen += 9) {
    struct buf first = kit_note(log, seen), evidence = buf_new(EVIDENCE_BYTES_MAX);
    struct witness_state state, next;
    assert_int_equal(witness_update(NULL, &log->vkey, buf_slice(&first), slice_str(""), &state, NULL, NULL),
                     TG_OK);
    for (uint64_t size = seen; size <= 40; size += 11) {
      struct buf second = kit_note(fork, size);
      struct merkle_path path = kit_consistency(fork, seen, size);
      buf_clear(&evidence);
      assert_int_equal(witness_update(&state, &log->vkey, buf_slice(&second), merkle_path_slice(&path), &next,
                                      &evidence, NULL),
                       TG_CONFLICT);
      json_t *v =
          vector("evidence", true, "%llu and %llu", (unsigned long long)seen, (unsigned long long)size);
      put_note(v, "file", &evidence);
      json_object_set_new(v, "sizes", json_pack("[i,i]", (int)seen, (int)size));
      buf_free(&second);
    }
    buf_free(&evidence);
    buf_free(&first);
  }
  kit_log_free(fork);
}

/* A bulletin whose header names the log at `seen`, at a place below. */
static void make_evidence_of_order(const struct story *s, struct kit_log *log)
{
  static const uint8_t salt[ENTRY_SALT] = {5, 4, 3};
  for (uint64_t at = 0; at < 30; at += 7) {
    const uint64_t seen = at + 1 + at % 4;
    struct kit_log *other = kit_log_fork(log, at, at);
    struct buf first = kit_note(log, seen), bytes = buf_new(LIMIT_HEADER), said = buf_new(LIMIT_ENTRY), file = buf_new(EVIDENCE_BYTES_MAX);
    struct arena *arena = arena_new(1 << 18);
    struct header header;
    struct entry entry = kit_entry();
    struct merkle_path path;
    struct evidence e;
    assert_int_equal(header_parse(s->sealed.header, arena, &header, NULL), TG_OK);
    header.checkpoint = buf_slice(&first);
    assert_int_equal(header_build(&header, &bytes, NULL), TG_OK);
    assert_int_equal(header_parse(buf_slice(&bytes), arena, &header, NULL), TG_OK);
    entry.subject = header.id;
    assert_int_equal(entry_build(&entry, &said, NULL), TG_OK);
    struct opening opening = kit_append_entry(other, buf_slice(&said), salt, &path);
    kit_log_grow(other, at + 1 + at % 3);
    assert_int_equal(ledger_inclusion(other->ledger, at, at + 1 + at % 3, &path), TG_OK);
    opening.path = merkle_path_slice(&path);
    struct buf second = kit_note(other, at + 1 + at % 3);
    assert_int_equal(evidence_out_of_order(&log->vkey, &header, &opening, buf_slice(&second), &e), TG_OK);
    assert_int_equal(evidence_print(&e, &file, NULL), TG_OK);
    json_t *v = vector("evidence", true, "a bulletin at %llu that names the log at %llu", (unsigned long long)at, (unsigned long long)seen);
    put_note(v, "file", &file);
    json_object_set_new(v, "sizes", json_pack("[i,i]", (int)seen, (int)(at + 1 + at % 3)));
    struct buf *used[] = {&first, &bytes, &said, &file, &second};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++)
      buf_free(used[i]);
    arena_free(arena);
    kit_log_free(other);
  }
}

json_t *vector_make(void)
{
  all = json_array();
  chance_seed(1);
  struct story *s = story_new(3, 5);
  struct kit_log *log = kit_log_new("hub1.sahel.example/log", 40);
  make_messages();
  make_bodies();
  make_bulletin(s);
  make_rulings();
  make_checkpoints(log);
  make_consistency(log);
  make_evidence(log);
  make_evidence_of_order(s, log);
  make_openings(log);
  kit_log_free(log);
  story_free(s);
  return all;
}
