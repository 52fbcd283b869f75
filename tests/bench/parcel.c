#include "tests/bench/parcel.h"

#include "keys/document.h"
#include "keys/keyfile.h"
#include "os/clock.h"
#include "os/file.h"
#include "proto/frame.h"
#include "proto/hpke.h"
#include "tests/proto/bodies.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME_ROOM = 900 * 1024, BATCH_MOST = 256, WINDOW = 4096, WINDOW_BYTES = 8 << 20, ARENA = 64 << 20 };

static bool fails(const char *what, const struct tg_why *why)
{
  char text[512];
  why_render(why, NULL, text, sizeof text);
  bench_fails(what, why->what ? text : "the bulletins of W7 could not be made");
  return false;
}

/* ---- who */

static struct secret_key *read_key(const char *folder, const char *name, struct tg_why *why)
{
  char path[450];
  struct buf bytes = buf_new(KEYFILE_BYTES_MAX);
  struct secret_key *key = NULL;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  if (file_read_private(path, KEYFILE_BYTES_MAX, &bytes, why) == TG_OK)
    (void)keyfile_open(buf_slice(&bytes), path, slice_str("for measuring only"), &key, why);
  buf_free(&bytes);
  return key;
}

static bool read_identity(const struct stand_node *n, struct identity *who, struct tg_why *why)
{
  uint8_t ikm[32], secret[32];
  memcpy(who->member, n->member, sizeof who->member);
  who->node = read_key(n->folder, "node.key", why);
  who->transport = who->node ? read_key(n->folder, "transport.key", why) : NULL;
  randombytes_buf(ikm, sizeof ikm);
  hpke_derive_key_pair(ikm, secret, &who->sealing);
  return who->transport != NULL;
}

/* The text of a note in a file, which is kept in bytes. */
static bool read_note(const char *path, struct buf *bytes, struct note *ret, struct tg_why *why)
{
  *bytes = buf_new(NOTE_BYTES_MAX);
  return file_read(path, NOTE_BYTES_MAX, bytes, why) == TG_OK && note_parse(buf_slice(bytes), path, ret, why) == TG_OK;
}

static bool read_papers(const struct stand *s, struct parcels *p, struct tg_why *why)
{
  char path[450];
  struct buf charter = buf_new(0), policy = buf_new(0);
  struct note note;
  snprintf(path, sizeof path, "%s/x/charter.note", s->folder);
  bool good = read_note(path, &charter, &note, why) && charter_parse(note.text, path, &p->charter, why) == TG_OK;
  if (good)
    p->exchange = document_hash(note.text);
  snprintf(path, sizeof path, "%s/x/members/%s/documents/%s-policy.note", s->folder, s->node[0].member, s->node[0].member);
  good = good && read_note(path, &policy, &note, why);
  if (good) {
    p->policy = document_hash(note.text);
    p->hub = charter_hub(p->charter, slice_str("hub1"));
  }
  buf_free(&charter);
  buf_free(&policy);
  for (size_t i = 0; good && i < s->n; i++)
    good = read_identity(&s->node[i], &p->who[p->n++], why);
  return good && p->hub;
}

/* ---- bulletins */

static int by_code(const void *a, const void *b)
{
  return memcmp(((const struct slice *)a)->p, ((const struct slice *)b)->p, 2);
}

struct maker {
  struct parcels *p;
  struct arena *arena;
  struct batch *batch;
  uint8_t *content;
  uint64_t size;
  struct buf sealed[BATCH_MOST]; /* bodies of the frame at hand */
  size_t n_sealed;
  struct tg_why why;
  bool failed;
};

static void check(struct maker *m, enum tg_err err)
{
  m->failed = m->failed || err != TG_OK;
}

static struct slice kept(struct maker *m, struct buf *b)
{
  struct slice s = arena_copy(m->arena, buf_slice(b));
  check(m, b->failed || !s.n ? TG_NO_MEMORY : TG_OK);
  buf_free(b);
  return s;
}

static struct slice make_release(struct maker *m)
{
  struct slice to[STAND_NODES];
  struct buf out = buf_new(LIMIT_RELEASE);
  for (size_t i = 1; i <= m->p->readers; i++)
    to[i - 1] = slice_str(m->p->who[i].member);
  qsort(to, m->p->readers, sizeof *to, by_code);
  check(m, release_build(to, m->p->readers, NULL, 0, &out, &m->why));
  return kept(m, &out);
}

static struct slice make_portion(struct maker *m, const struct sealed_body *body, struct slice release)
{
  struct buf out = buf_new(LIMIT_PORTION);
  const struct portion_draft d = {.level = LEVEL_RESTRICTED, .tlp = TLP_GREEN, .release_hash = release_hash(release), .seal = body->seal};
  check(m, portion_build(&d, &out, &m->why));
  return kept(m, &out);
}

static struct slice make_subject(struct maker *m, const struct slice *portion)
{
  struct buf out = buf_new(LIMIT_SUBJECT);
  const struct subject d = {.suite = SUITE_1,
                            .exchange = m->p->exchange,
                            .originator = secret_key_sign_pk(m->p->who[0].node),
                            .created = clock_wall(),
                            .expires = clock_wall() + 7 * TG_DAY,
                            .precedence = PRECEDENCE_ROUTINE,
                            .kind = KIND_REPORT,
                            .flags = FLAG_EXERCISE,
                            .topic_count = 1,
                            .topics = {slice_str("bench.alone")},
                            .portion_root = portion_root(portion, 1),
                            .portion_count = 1};
  check(m, subject_build(&d, &out, &m->why));
  return kept(m, &out);
}

static void close_up(struct maker *m, uint64_t record, struct slice subject, const struct slice *portion, const struct body_key *key,
                     struct bulletin_sealed *sealed)
{
  struct bulletin_recipient to[STAND_NODES];
  struct parcels *p = m->p;
  for (size_t i = 1; i <= p->readers; i++) {
    to[i - 1] = (struct bulletin_recipient){.identity = secret_key_sign_pk(p->who[i].node), .key = p->who[i].sealing, .portions = 1, .number = p->first + record + 1,
                                            .previous = p->last};
    memcpy(to[i - 1].member, p->who[i].member, 2);
  }
  struct bulletin_draft d = {.subject = subject, .charter_version = 1, .policy_serial = 1, .policy_hash = p->policy, .number = p->first + record + 1, .portions = portion, .keys = key,
                             .portion_count = 1, .recipients = to, .recipient_count = p->readers};
  memcpy(d.originator_member, p->who[0].member, 2);
  if (!m->failed)
    check(m, bulletin_seal(&d, p->sender, clock_wall(), m->arena, sealed, &m->why));
  p->last = p->id[record] = sealed->id;
}

static Tg__Submission *make_one(struct maker *m, uint64_t record)
{
  struct parcels *p = m->p;
  struct sealed_body body = {0};
  struct bulletin_sealed sealed = {0};
  const struct body_head head = {.content_type = slice_str("application/octet-stream"), .size = m->size};
  Tg__Submission *s = arena_alloc(m->arena, sizeof *s);
  Tg__Body *b = arena_alloc(m->arena, sizeof *b);
  ProtobufCBinaryData *data = arena_alloc(m->arena, (3 + p->readers) * sizeof *data);
  Tg__Body **bodies = arena_alloc(m->arena, sizeof *bodies);
  if (!s || !b || !data || !bodies) {
    check(m, TG_NO_MEMORY);
    return NULL;
  }
  memcpy(m->content, &record, sizeof record);
  check(m, body_make(0, &head, NULL, slice_of(m->content, m->size), 0, &body));
  struct slice release = make_release(m), portion = make_portion(m, &body, release), subject = make_subject(m, &portion);
  close_up(m, record, subject, &portion, &body.key, &sealed);
  m->sealed[m->n_sealed++] = body.bytes; /* taken */
  p->body[record] = body_digest_of(buf_slice(&body.bytes));
  check(m, batch_add(m->batch, &sealed.id, NULL));
  tg__submission__init(s);
  tg__body__init(b);
  s->header = strict_data(sealed.header);
  data[0] = strict_data(portion);
  data[1] = strict_data(release);
  for (size_t i = 0; i < sealed.wrap_count; i++)
    data[2 + i] = strict_data(sealed.wraps[i]);
  s->portions = &data[0];
  s->releases = &data[1];
  s->wraps = &data[2];
  s->n_portions = s->n_releases = s->n_bodies = 1;
  s->n_wraps = sealed.wrap_count;
  b->sealed = strict_data(buf_slice(&m->sealed[m->n_sealed - 1]));
  bodies[0] = b;
  s->bodies = bodies;
  if (p->halved && record % 2)
    s->n_bodies = 0;
  return s;
}

/* One frame: its bulletins share one signature, as those of a busy node do. */
static void make_frame(struct maker *m, size_t frame)
{
  struct parcels *p = m->p;
  uint64_t first = p->fresh + frame * p->batch, n = p->count - first < p->batch ? p->count - first : p->batch;
  Tg__Submit submit = TG__SUBMIT__INIT;
  arena_reset(m->arena);
  m->batch = batch_new();
  submit.items = arena_alloc(m->arena, n * sizeof *submit.items);
  submit.n_items = n;
  for (uint64_t i = 0; i < n && !m->failed; i++)
    submit.items[i] = make_one(m, first + i);
  if (!m->failed)
    check(m, batch_sign(m->batch, &p->exchange, batch_sign_with_key, (void *)(uintptr_t)secret_key_ed25519(p->who[0].node)));
  for (uint64_t i = 0; i < n && !m->failed; i++)
    check(m, (submit.items[i]->proof = batch_proof(m->batch, i, m->arena)) ? TG_OK : TG_NO_MEMORY);
  p->frame[frame] = buf_new(LIMIT_FRAME);
  if (!m->failed)
    check(m, frame_encode(FRAME_SUBMIT, &submit.base, &p->frame[frame], &m->why));
  batch_free(m->batch);
  while (m->n_sealed > 0)
    buf_free(&m->sealed[--m->n_sealed]);
}

static void index_all(struct parcels *p)
{
  for (uint64_t i = 0; i < p->count; i++) {
    size_t at;
    memcpy(&at, p->id[i].b, sizeof at);
    for (at &= p->index_size - 1; p->index[at]; at = (at + 1) & (p->index_size - 1))
      ;
    p->index[at] = i + 1;
  }
}

uint64_t parcels_find(const struct parcels *p, const struct hash *id)
{
  size_t at;
  memcpy(&at, id->b, sizeof at);
  for (at &= p->index_size - 1; p->index[at]; at = (at + 1) & (p->index_size - 1))
    if (hash_eq(&p->id[p->index[at] - 1], id))
      return p->index[at] - 1;
  return p->count;
}

double parcels_bytes(const struct parcels *p)
{
  double sum = 0;
  for (size_t i = 0; i < p->frames; i++)
    sum += (double)p->frame[i].n;
  return sum;
}

struct body_digest body_digest_of(struct slice sealed)
{
  struct body_digest d;
  crypto_generichash(d.b, sizeof d.b, sealed.p, sealed.n, NULL, 0);
  return d;
}

/* Room for what is known of `count`; what is known already stays. */
static bool room(struct parcels *p)
{
  for (p->index_size = 1024; p->index_size < 2 * p->count; p->index_size *= 2)
    ;
  struct hash *id = realloc(p->id, p->count * sizeof *id);
  p->id = id ? id : p->id;
  struct body_digest *body = realloc(p->body, p->count * sizeof *body);
  p->body = body ? body : p->body;
  free(p->index);
  p->index = calloc(p->index_size, sizeof *p->index);
  return id && body && p->index;
}

static bool make_all(struct parcels *p, uint64_t size, struct tg_why *why)
{
  struct maker m = {.p = p, .size = size, .arena = arena_new(ARENA), .content = malloc(size)};
  const uint64_t fresh = p->count - p->fresh;
  size_t each = 1500 + (size_t)body_padded(size + 64) + 420 * (1 + p->readers);
  p->batch = FRAME_ROOM / each < BATCH_MOST ? FRAME_ROOM / each : BATCH_MOST;
  if (p->batch > p->batch_most)
    p->batch = p->batch_most;
  if (p->window > WINDOW_BYTES / each) /* who sends more than it may is cut when the hub's memory is short */
    p->window = WINDOW_BYTES / each > 2 * p->batch ? WINDOW_BYTES / each : 2 * p->batch;
  p->frames = (fresh + p->batch - 1) / p->batch;
  p->frame = calloc(p->frames, sizeof *p->frame);
  bool good = m.arena && m.content && p->frame && room(p);
  if (good)
    randombytes_buf(m.content, size);
  double began = bench_now();
  for (size_t i = 0; good && i < p->frames; i++) {
    make_frame(&m, i);
    good = !m.failed;
  }
  p->seal_us = 1e6 * (bench_now() - began) / (double)fresh;
  if (good)
    index_all(p);
  *why = m.why;
  arena_free(m.arena);
  free(m.content);
  return good;
}

static void drop_frames(struct parcels *p)
{
  for (size_t i = 0; p->frame && i < p->frames; i++)
    buf_free(&p->frame[i]);
  free(p->frame);
  p->frame = NULL;
  p->frames = 0;
}

static void drop(struct parcels *p)
{
  drop_frames(p);
  free(p->id);
  free(p->body);
  free(p->index);
  p->id = NULL;
  p->body = NULL;
  p->index = NULL;
}

bool parcels_open(const struct stand *s, size_t readers, struct parcels *ret)
{
  struct tg_why why = {0};
  *ret = (struct parcels){.readers = readers, .batch_most = BATCH_MOST, .window = WINDOW, .sender = wrap_sender_new(STAND_NODES)};
  return (ret->sender && read_papers(s, ret, &why)) || fails("W7", &why);
}

bool parcels_make(struct parcels *p, uint64_t count, uint64_t size)
{
  struct tg_why why = {0};
  drop(p);
  p->first += p->count;
  p->count = count;
  p->fresh = 0;
  return make_all(p, size, &why) || fails("W7", &why);
}

bool parcels_make_halved(struct parcels *p, uint64_t count, uint64_t size)
{
  p->halved = true;
  return parcels_make(p, count, size);
}

bool parcels_more(struct parcels *p, uint64_t count, uint64_t size)
{
  struct tg_why why = {0};
  drop_frames(p);
  p->fresh = p->count;
  p->count += count;
  return make_all(p, size, &why) || fails("W7", &why);
}

void parcels_free(struct parcels *p)
{
  drop(p);
  for (size_t i = 0; i < p->n; i++) {
    secret_key_free(p->who[i].node);
    secret_key_free(p->who[i].transport);
  }
  wrap_sender_free(p->sender);
  charter_free(p->charter);
  *p = (struct parcels){.n = 0};
}
