#include "audit/entry.h"

#include "proto/hash.h"
#include "proto/log.pb-c.h"

#include <assert.h>
#include <string.h>

/* The parts an entry may have besides type and time. */
enum part {
  SUBJECT = 1 << 0,
  ACTOR = 1 << 1,
  MEMBER = 1 << 2,
  NUMBER = 1 << 3,
  CHARTER = 1 << 4,
  POLICY_SET = 1 << 5,
  DECISION = 1 << 6,
  REASON = 1 << 7,
  DETAIL = 1 << 8,
  PARTS = 9,
  WHO = ACTOR | MEMBER,
  RULES = CHARTER | POLICY_SET | DECISION,
  ANY_PART = (1 << PARTS) - 1,
};

static const char *const part_names[PARTS] = {
    "Entry.subject",    "Entry.actor",    "Entry.member", "Entry.number", "Entry.charter_version",
    "Entry.policy_set", "Entry.decision", "Entry.reason", "Entry.detail",
};

/* docs/protocol.md §7. Row i is type i + 1. */
static const struct kind {
  const char *name, *sentence;
  unsigned must, may;
} kinds[ENTRY_TYPES] = {
    {"accepted", N_("a bulletin was accepted"), SUBJECT | WHO | NUMBER | RULES, DETAIL},
    {"refused", N_("a bulletin was refused"), SUBJECT | WHO | REASON, NUMBER | RULES | DETAIL},
    {"forwarded", N_("bulletins were handed to a node"), SUBJECT | WHO | NUMBER, 0},
    {"receipts", N_("a node told what became of bulletins"), SUBJECT | WHO | NUMBER, 0},
    {"document", N_("a signed document was accepted"), SUBJECT, WHO | NUMBER | DETAIL},
    {"session-opened", N_("a node connected"), WHO, CHARTER | DETAIL},
    {"session-cut", N_("a node's session ended"), WHO | REASON, NUMBER | DETAIL},
    {"expired", N_("a bulletin expired"), SUBJECT | WHO | NUMBER, DETAIL},
    {"recalled", N_("a bulletin was recalled"), SUBJECT | WHO, NUMBER | DETAIL},
    {"held", N_("a bulletin is held back from a recipient"), SUBJECT | WHO | CHARTER | POLICY_SET,
     NUMBER | DECISION | REASON | DETAIL},
    {"configuration", N_("the hub's configuration changed"), SUBJECT, NUMBER | CHARTER | DETAIL},
    {"alarm", N_("the hub noticed something that should not happen"), REASON, ANY_PART},
    {"document-refused", N_("a signed document was refused"), SUBJECT | REASON, WHO | NUMBER | DETAIL},
    {"overdue", N_("recipients did not say in time that they have a bulletin"), SUBJECT | WHO | NUMBER, DETAIL},
};

const char *entry_type_name(unsigned type)
{
  return type >= 1 && type <= ENTRY_TYPES ? kinds[type - 1].name : "unknown";
}

const char *entry_type_sentence(unsigned type)
{
  return type >= 1 && type <= ENTRY_TYPES ? kinds[type - 1].sentence
                                          : N_("something happened that this version does not know");
}

enum tg_err entry_type_parse(struct slice name, enum entry_type *ret)
{
  for (unsigned i = 0; i < ENTRY_TYPES; i++)
    if (slice_is(name, kinds[i].name))
      return *ret = (enum entry_type)(i + 1), TG_OK;
  return TG_BAD_INPUT;
}

static bool key_is_zero(const struct sign_pk *key)
{
  static const struct sign_pk zero;
  return sign_pk_eq(key, &zero);
}

static unsigned parts_of(const struct entry *e)
{
  unsigned parts = 0;
  parts |= hash_is_zero(&e->subject) ? 0 : SUBJECT;
  parts |= key_is_zero(&e->actor) ? 0 : ACTOR;
  parts |= e->member[0] || e->member[1] ? MEMBER : 0;
  parts |= e->number ? NUMBER : 0;
  parts |= e->charter_version ? CHARTER : 0;
  parts |= hash_is_zero(&e->policy_set) ? 0 : POLICY_SET;
  parts |= hash_is_zero(&e->decision) ? 0 : DECISION;
  parts |= e->reason ? REASON : 0;
  parts |= e->detail.n ? DETAIL : 0;
  return parts;
}

static bool capital(char c)
{
  return c >= 'A' && c <= 'Z';
}

/* The table, for entries that are about to be logged and for those that came. */
static enum tg_err check(const struct entry *e, struct tg_why *why)
{
  if ((unsigned)e->type < 1 || (unsigned)e->type > ENTRY_TYPES)
    return why_set(why, TG_BAD_INPUT, "Entry.type", N_("no such type of log entry"), NULL, NULL, NULL, NULL);
  const struct kind *kind = &kinds[e->type - 1];
  unsigned parts = parts_of(e), lacks = kind->must & ~parts, extra = parts & ~(kind->must | kind->may);
  for (unsigned i = 0; i < PARTS; i++) {
    if (lacks >> i & 1)
      return why_set(why, TG_BAD_INPUT, part_names[i], N_("missing in a log entry of type %1$s"), NULL,
                     kind->name, NULL, NULL);
    if (extra >> i & 1)
      return why_set(why, TG_BAD_INPUT, part_names[i], N_("has no place in a log entry of type %1$s"), NULL,
                     kind->name, NULL, NULL);
  }
  if ((parts & MEMBER) && !(capital(e->member[0]) && capital(e->member[1])))
    return why_set(why, TG_BAD_INPUT, "Entry.member", N_("a member is two capital letters"), NULL, NULL, NULL,
                   NULL);
  return TG_OK;
}

static ProtobufCBinaryData bytes_or_none(unsigned parts, enum part part, const void *p, size_t n)
{
  return parts & part ? (ProtobufCBinaryData){.len = n, .data = (uint8_t *)p}
                      : (ProtobufCBinaryData){0, NULL};
}

enum tg_err entry_build(const struct entry *e, struct buf *out, struct tg_why *why)
{
  enum tg_err err = check(e, why);
  if (err)
    return err;
  if (!reason_known(e->reason))
    return why_set(why, TG_BAD_INPUT, "Entry.reason", N_("no such reason"), NULL, NULL, NULL, NULL);
  unsigned parts = parts_of(e);
  Tg__Entry m = TG__ENTRY__INIT;
  m.type = e->type;
  m.time = (uint64_t)e->time;
  m.subject = bytes_or_none(parts, SUBJECT, e->subject.b, sizeof e->subject.b);
  m.actor = bytes_or_none(parts, ACTOR, e->actor.b, sizeof e->actor.b);
  m.member = bytes_or_none(parts, MEMBER, e->member, sizeof e->member);
  m.number = e->number;
  m.charter_version = e->charter_version;
  m.policy_set = bytes_or_none(parts, POLICY_SET, e->policy_set.b, sizeof e->policy_set.b);
  m.decision = bytes_or_none(parts, DECISION, e->decision.b, sizeof e->decision.b);
  m.reason = e->reason;
  m.detail = bytes_or_none(parts, DETAIL, e->detail.p, e->detail.n);
  return strict_pack(&limits_entry, &m.base, out, why);
}

/* Memory for protobuf-c: one Entry within its limits takes less than half of this. */
struct scratch {
  size_t used;
  _Alignas(max_align_t) uint8_t bytes[4 * LIMIT_ENTRY];
};

static void *scratch_alloc(void *context, size_t n)
{
  struct scratch *s = context;
  const size_t align = _Alignof(max_align_t);
  size_t at = (s->used + align - 1) / align * align;
  if (at > sizeof s->bytes || n > sizeof s->bytes - at)
    return NULL;
  s->used = at + n;
  return s->bytes + at;
}

static void scratch_free(void *context, void *p)
{
  (void)context, (void)p;
}

/* A fixed-size field: absent, or not all zero, which would read as absent. The strict decoder has checked its
 * length. */
static enum tg_err fixed(ProtobufCBinaryData field, enum part part, void *ret, size_t n, struct tg_why *why)
{
  static const uint8_t zero[32];
  if (field.len == 0)
    return TG_OK;
  assert(field.len == n && n <= sizeof zero);
  if (!memcmp(field.data, zero, n))
    return why_set(why, TG_BAD_INPUT, part_names[__builtin_ctz(part)], N_("present, but all zero"), NULL,
                   NULL, NULL, NULL);
  memcpy(ret, field.data, n);
  return TG_OK;
}

static enum tg_err convert(const Tg__Entry *m, struct slice bytes, struct entry *ret, struct tg_why *why)
{
  *ret = (struct entry){.type = (enum entry_type)m->type,
                        .time = (tg_time)m->time,
                        .number = m->number,
                        .charter_version = m->charter_version,
                        .reason = m->reason};
  enum tg_err err = fixed(m->subject, SUBJECT, ret->subject.b, sizeof ret->subject.b, why);
  if (!err)
    err = fixed(m->actor, ACTOR, ret->actor.b, sizeof ret->actor.b, why);
  if (!err)
    err = fixed(m->member, MEMBER, ret->member, sizeof ret->member, why);
  if (!err)
    err = fixed(m->policy_set, POLICY_SET, ret->policy_set.b, sizeof ret->policy_set.b, why);
  if (!err)
    err = fixed(m->decision, DECISION, ret->decision.b, sizeof ret->decision.b, why);
  /* detail has the highest number, so in canonical form it is the end of the message: no copy has to outlive
   * us. */
  if (m->detail.len)
    ret->detail = slice_of(bytes.p + bytes.n - m->detail.len, m->detail.len);
  return err ? err : check(ret, why);
}

enum tg_err entry_parse(struct slice bytes, struct entry *ret, struct tg_why *why)
{
  enum tg_err err = strict_check(&limits_entry, bytes, why);
  if (err)
    return err;
  struct scratch scratch = {.used = 0};
  ProtobufCAllocator allocator = {.alloc = scratch_alloc, .free = scratch_free, .allocator_data = &scratch};
  Tg__Entry *m = tg__entry__unpack(&allocator, bytes.n, bytes.p);
  if (!m)
    return why_set(why, TG_BAD_INPUT, "Entry", N_("not a log entry"), NULL, NULL, NULL, NULL);
  struct entry e;
  err = convert(m, bytes, &e, why);
  if (!err)
    *ret = e;
  return err;
}

void entry_salt(uint8_t out[ENTRY_SALT])
{
  randombytes_buf(out, ENTRY_SALT);
}

struct hash entry_leaf(const uint8_t salt[ENTRY_SALT], struct slice bytes)
{
  struct hash_state s;
  hash_begin(&s, "toguna/leaf/v1");
  hash_put(&s, salt, ENTRY_SALT);
  hash_put(&s, bytes.p, bytes.n);
  return hash_end(&s);
}

struct hash entry_policy_set(const struct entry_policy *policies, size_t n)
{
  struct hash_state s;
  hash_begin(&s, "toguna/policy-set/v1");
  for (size_t i = 0; i < n; i++) {
    assert(i == 0 || memcmp(policies[i - 1].member, policies[i].member, 2) < 0);
    hash_put(&s, policies[i].member, sizeof policies[i].member);
    hash_put_hash(&s, &policies[i].hash);
  }
  return hash_end(&s);
}
