#include "proto/subject.h"

#include "proto/bulletin.pb-c.h"
#include "proto/hash.h"
#include "proto/word.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#define COUNT(table) (sizeof table / sizeof *table)

/* ---- words ---- */

static const char *const precedences[] = {"ROUTINE", "PRIORITY", "IMMEDIATE", "FLASH"};

enum presence { NEVER, MAY, MUST };

/* What each kind says and refers to. */
static const struct {
  enum presence supersedes, replies_to;
} kinds[] = {
    [KIND_REPORT] = {NEVER, NEVER},
    [KIND_REPLY] = {NEVER, MUST},
    [KIND_CORRECTION] = {MUST, MAY},
    [KIND_RECALL] = {MUST, NEVER},
    [KIND_QUESTION] = {NEVER, MAY},
    [KIND_RELEASE_REQUEST] = {NEVER, MUST},
    [KIND_RELEASE_GRANT] = {NEVER, MUST},
    [KIND_RELEASE_DENIAL] = {NEVER, MUST},
};
static const char *const kind_words[] = {"report",   "reply",           "correction",    "recall",
                                         "question", "release-request", "release-grant", "release-denial"};

const char *precedence_name(enum precedence p) { return word_name(precedences, COUNT(precedences), p); }
const char *kind_name(enum kind kind) { return word_name(kind_words, COUNT(kind_words), kind); }

enum tg_err precedence_parse(struct slice s, enum precedence *ret)
{
  unsigned number = word_find(precedences, COUNT(precedences), s);
  if (!number)
    return TG_BAD_INPUT;
  *ret = (enum precedence)number;
  return TG_OK;
}

enum tg_err kind_parse(struct slice s, enum kind *ret)
{
  unsigned number = word_find(kind_words, COUNT(kind_words), s);
  if (!number)
    return TG_BAD_INPUT;
  *ret = (enum kind)number;
  return TG_OK;
}

/* ---- topics ---- */

static bool label_valid(struct slice s)
{
  if (s.n < 1 || s.n > LIMIT_TOPIC_LABEL || s.p[0] == '-' || s.p[s.n - 1] == '-')
    return false;
  for (size_t i = 0; i < s.n; i++)
    if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '-')
      return false;
  return true;
}

bool topic_valid(struct slice s)
{
  if (s.n > LIMIT_TOPIC)
    return false;
  size_t labels = 0, begin = 0;
  for (size_t i = 0; i <= s.n; i++) {
    if (i < s.n && s.p[i] != '.')
      continue;
    if (!label_valid(slice_of(s.p ? s.p + begin : NULL, i - begin)))
      return false;
    labels++;
    begin = i + 1;
  }
  return labels <= LIMIT_TOPIC_LABELS;
}

/* ---- rules ---- */

static enum tg_err refuse(struct tg_why *why, enum tg_err err, const char *where, const char *what)
{
  return why_set(why, err, where, what, NULL, NULL, NULL, NULL);
}

static enum tg_err check_topics(const struct subject *s, struct tg_why *why)
{
  for (size_t i = 0; i < s->topic_count; i++) {
    if (!topic_valid(s->topics[i]))
      return why_set(why, TG_BAD_INPUT, "Subject.topics", N_("this is not a topic"),
                     N_("write labels of a-z, 0-9 and hyphens joined by dots, without wildcards"), NULL, NULL, NULL);
    for (size_t j = 0; j < i; j++)
      if (slice_eq(s->topics[i], s->topics[j]))
        return refuse(why, TG_BAD_INPUT, "Subject.topics", N_("a topic is there twice"));
  }
  return TG_OK;
}

/* A recall reaches whom policies are not asked about: it passes nothing on. */
static enum tg_err check_sources(const struct subject *s, struct tg_why *why)
{
  if (s->kind == KIND_RECALL && s->source_count)
    return refuse(why, TG_BAD_INPUT, "Subject.sources", N_("a recall derives from nothing"));
  for (size_t i = 0; i < s->source_count; i++)
    for (size_t j = 0; j < i; j++)
      if (hash_eq(&s->sources[i], &s->sources[j]))
        return refuse(why, TG_BAD_INPUT, "Subject.sources", N_("a source is there twice"));
  return TG_OK;
}

static enum tg_err check_reference(const struct subject *s, bool present, enum presence due, const char *where,
                                   struct tg_why *why)
{
  if (due == MUST && !present)
    return why_set(why, TG_BAD_INPUT, where, N_("a bulletin of kind %1$s must name another one here"), NULL,
                   kind_name(s->kind), NULL, NULL);
  if (due == NEVER && present)
    return why_set(why, TG_BAD_INPUT, where, N_("a bulletin of kind %1$s names no other one here"), NULL,
                   kind_name(s->kind), NULL, NULL);
  return TG_OK;
}

/* The rules that concern more than one field, for a subject whose fields are within limits.c. */
static enum tg_err check(const struct subject *s, bool supersedes, bool replies_to, struct tg_why *why)
{
  if (s->suite != SUITE_1)
    return why_set(why, TG_UNKNOWN, "Subject.suite", N_("this program does not know the suite of this bulletin"),
                   N_("look for a newer release of this program"), NULL, NULL, NULL);
  if (s->created >= s->expires)
    return refuse(why, TG_BAD_INPUT, "Subject.expires", N_("the bulletin expires before it is created"));
  enum tg_err err = check_topics(s, why);
  if (!err)
    err = check_sources(s, why);
  if (!err)
    err = check_reference(s, supersedes, kinds[s->kind].supersedes, "Subject.supersedes", why);
  if (!err)
    err = check_reference(s, replies_to, kinds[s->kind].replies_to, "Subject.replies_to", why);
  if (err)
    return err;
  if ((supersedes && hash_is_zero(&s->supersedes)) || (replies_to && hash_is_zero(&s->replies_to)))
    return refuse(why, TG_BAD_INPUT, "Subject", N_("zeros are no bulletin id"));
  return TG_OK;
}

/* ---- bytes ---- */

static ProtobufCBinaryData data_of_hash(const struct hash *h) { return strict_data_of(h->b, sizeof h->b); }

static ProtobufCBinaryData data_of_reference(const struct hash *h)
{
  return hash_is_zero(h) ? strict_data_of(NULL, 0) : data_of_hash(h);
}

enum tg_err subject_build(const struct subject *d, struct buf *out, struct tg_why *why)
{
  ProtobufCBinaryData topics[LIMIT_TOPICS], sources[LIMIT_SOURCES];
  Tg__Subject m = TG__SUBJECT__INIT;
  assert(d->topic_count <= LIMIT_TOPICS && d->source_count <= LIMIT_SOURCES);
  for (size_t i = 0; i < d->topic_count; i++)
    topics[i] = strict_data(d->topics[i]);
  for (size_t i = 0; i < d->source_count; i++)
    sources[i] = data_of_hash(&d->sources[i]);
  m.suite = d->suite;
  m.exchange = data_of_hash(&d->exchange);
  m.originator = strict_data_of(d->originator.b, sizeof d->originator.b);
  m.created = (uint64_t)d->created;
  m.expires = (uint64_t)d->expires;
  m.precedence = d->precedence;
  m.kind = d->kind;
  m.flags = d->flags;
  m.topics = topics;
  m.n_topics = d->topic_count;
  m.sources = sources;
  m.n_sources = d->source_count;
  m.supersedes = data_of_reference(&d->supersedes);
  m.replies_to = data_of_reference(&d->replies_to);
  m.portion_root = data_of_hash(&d->portion_root);
  m.portion_count = d->portion_count;

  size_t before = out->n;
  enum tg_err err = strict_pack(&limits_subject, &m.base, out, why);
  if (err)
    return err;
  err = check(d, m.supersedes.len > 0, m.replies_to.len > 0, why);
  if (err)
    out->n = before;
  return err;
}

static struct hash hash_of_data(ProtobufCBinaryData data)
{
  struct hash h = {{0}};
  hash_read(strict_slice(data), &h); /* 32 bytes or absent, as limits.c says: then zeros */
  return h;
}

static void view(const Tg__Subject *m, struct slice bytes, struct subject *ret)
{
  *ret = (struct subject){.bytes = bytes,
                          .suite = (uint16_t)m->suite,
                          .exchange = hash_of_data(m->exchange),
                          .created = (tg_time)m->created, /* within LIMIT_TIME; so is expires */
                          .expires = (tg_time)m->expires,
                          .precedence = (enum precedence)m->precedence,
                          .kind = (enum kind)m->kind,
                          .flags = m->flags,
                          .topic_count = m->n_topics,
                          .source_count = m->n_sources,
                          .supersedes = hash_of_data(m->supersedes),
                          .replies_to = hash_of_data(m->replies_to),
                          .portion_root = hash_of_data(m->portion_root),
                          .portion_count = m->portion_count};
  memcpy(ret->originator.b, m->originator.data, sizeof ret->originator.b);
  for (size_t i = 0; i < m->n_topics; i++)
    ret->topics[i] = strict_slice(m->topics[i]);
  for (size_t i = 0; i < m->n_sources; i++)
    ret->sources[i] = hash_of_data(m->sources[i]);
}

enum tg_err subject_parse(struct slice bytes, struct arena *arena, struct subject *ret, struct tg_why *why)
{
  ProtobufCMessage *message;
  struct subject s;
  enum tg_err err = strict_unpack(&limits_subject, bytes, arena, &message, why);
  if (err)
    return err;
  const Tg__Subject *m = (const Tg__Subject *)message;
  view(m, bytes, &s);
  err = check(&s, m->supersedes.len > 0, m->replies_to.len > 0, why);
  if (!err)
    *ret = s;
  return err;
}

struct hash subject_hash(struct slice bytes) { return hash_labelled("toguna/subject/v1", bytes); }

/* ---- approvals ---- */

void approval_message(const struct subject *subject, tg_time time, uint8_t out[APPROVAL_MESSAGE])
{
  static const char label[] = "toguna/approval/v1";
  static_assert(sizeof label + 32 + 32 + 8 == APPROVAL_MESSAGE, "label, exchange, subject hash, time");
  const struct hash hash = subject_hash(subject->bytes);
  memcpy(out, label, sizeof label);
  memcpy(out + sizeof label, subject->exchange.b, 32);
  memcpy(out + sizeof label + 32, hash.b, 32);
  for (size_t i = 0; i < 8; i++)
    out[sizeof label + 64 + i] = (uint8_t)((uint64_t)time >> (56 - 8 * i));
}

void approval_sign(const struct subject *subject, tg_time time, const uint8_t secret_key[64], struct approval *ret)
{
  uint8_t message[APPROVAL_MESSAGE];
  approval_message(subject, time, message);
  ret->time = time;
  crypto_sign_ed25519_sk_to_pk(ret->officer.b, secret_key);
  crypto_sign_detached(ret->signature.b, NULL, message, sizeof message, secret_key);
}

enum tg_err approval_verify(const struct subject *subject, const struct approval *approval, struct tg_why *why)
{
  uint8_t message[APPROVAL_MESSAGE];
  approval_message(subject, approval->time, message);
  if (crypto_sign_verify_detached(approval->signature.b, message, sizeof message, approval->officer.b))
    return refuse(why, TG_BAD_SIGNATURE, "Approval", N_("the officer did not sign this subject"));
  return TG_OK;
}
