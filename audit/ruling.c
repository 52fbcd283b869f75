#include "audit/ruling.h"

#include "proto/hash.h"
#include "proto/log.pb-c.h"

#include <stdlib.h>
#include <string.h>

static bool member_valid(const char member[2])
{
  return member[0] >= 'A' && member[0] <= 'Z' && member[1] >= 'A' && member[1] <= 'Z';
}

/* Of members, and of denials, which begin with theirs. */
static int by_member(const void *a, const void *b)
{
  return memcmp(a, b, 2);
}

struct ruling_portion ruling_portion_of(size_t index, char (*permitted)[2], size_t n_permitted, struct ruling_denial *denied, size_t n_denied)
{
  qsort(permitted, n_permitted, sizeof *permitted, by_member);
  qsort(denied, n_denied, sizeof *denied, by_member);
  return (struct ruling_portion){.index = (uint32_t)index,
                                 .permitted = (const char(*)[2])permitted,
                                 .permitted_count = n_permitted,
                                 .denied = denied,
                                 .denied_count = n_denied};
}

static enum tg_err refuse(const char *where, const char *what, struct tg_why *why)
{
  return why_set(why, TG_BAD_INPUT, where, what, NULL, NULL, NULL, NULL);
}

/* Both lists are ascending, so one walk over both finds a member that stands in both. */
static bool share_a_member(const struct ruling_portion *p)
{
  for (size_t i = 0, k = 0; i < p->permitted_count && k < p->denied_count;) {
    int order = memcmp(p->permitted[i], p->denied[k].member, 2);
    if (order == 0)
      return true;
    *(order < 0 ? &i : &k) += 1;
  }
  return false;
}

static enum tg_err check_portion(const struct ruling_portion *p, struct tg_why *why)
{
  for (size_t i = 0; i < p->permitted_count; i++) {
    if (!member_valid(p->permitted[i]))
      return refuse("Decision.permitted", N_("a member is two capital letters"), why);
    if (i && memcmp(p->permitted[i - 1], p->permitted[i], 2) >= 0)
      return refuse("Decision.permitted", N_("members must be ascending, each once"), why);
  }
  for (size_t i = 0; i < p->denied_count; i++) {
    const struct ruling_denial *d = &p->denied[i];
    if (!member_valid(d->member))
      return refuse("Decision.denied", N_("a member is two capital letters"), why);
    if (i && memcmp(p->denied[i - 1].member, d->member, 2) >= 0)
      return refuse("Decision.denied", N_("members must be ascending, each once"), why);
    if (d->stage < 1 || d->stage > RULING_STAGES)
      return refuse("Decision.stage", N_("no such stage of a decision"), why);
  }
  if (share_a_member(p))
    return refuse("Decision", N_("a member is both permitted and denied"), why);
  return TG_OK;
}

static enum tg_err check(const struct ruling *r, struct tg_why *why)
{
  if (r->portion_count < 1 || r->portion_count > LIMIT_PORTIONS)
    return refuse("Decision.portions", N_("a decision is about 1 to 16 portions"), why);
  for (size_t i = 0; i < r->portion_count; i++) {
    if (i && r->portions[i - 1].index >= r->portions[i].index)
      return refuse("Decision.portions", N_("portions must be ascending, each once"), why);
    enum tg_err err = check_portion(&r->portions[i], why);
    if (err)
      return err;
  }
  return TG_OK;
}

/* ---- building: plain values to a message in an arena ---- */

static Tg__Denial *denial_message(const struct ruling_denial *d, struct arena *arena)
{
  Tg__Denial *m = arena_alloc(arena, sizeof *m);
  if (!m)
    return NULL;
  tg__denial__init(m);
  m->member = (ProtobufCBinaryData){.len = sizeof d->member, .data = (uint8_t *)d->member};
  m->stage = d->stage;
  if (!hash_is_zero(&d->policy))
    m->policy = (ProtobufCBinaryData){.len = sizeof d->policy.b, .data = (uint8_t *)d->policy.b};
  m->line = d->line;
  return m;
}

static Tg__PortionDecision *portion_message(const struct ruling_portion *p, struct arena *arena)
{
  Tg__PortionDecision *m = arena_alloc(arena, sizeof *m);
  ProtobufCBinaryData *permitted = arena_alloc(arena, p->permitted_count * sizeof *permitted);
  Tg__Denial **denied = arena_alloc(arena, p->denied_count * sizeof(Tg__Denial *));
  if (!m || (p->permitted_count && !permitted) || (p->denied_count && !denied))
    return NULL;
  tg__portion_decision__init(m);
  m->index = p->index;
  m->n_permitted = p->permitted_count;
  m->permitted = permitted;
  for (size_t i = 0; i < p->permitted_count; i++)
    permitted[i] = (ProtobufCBinaryData){.len = 2, .data = (uint8_t *)p->permitted[i]};
  m->n_denied = p->denied_count;
  m->denied = denied;
  for (size_t i = 0; i < p->denied_count; i++)
    if (!(denied[i] = denial_message(&p->denied[i], arena)))
      return NULL;
  return m;
}

static enum tg_err pack(const struct ruling *r, struct arena *arena, struct buf *out, struct tg_why *why)
{
  Tg__Decision m = TG__DECISION__INIT;
  m.salt = (ProtobufCBinaryData){.len = RULING_SALT, .data = (uint8_t *)r->salt};
  m.n_portions = r->portion_count;
  m.portions = arena_alloc(arena, r->portion_count * sizeof(Tg__PortionDecision *));
  if (!m.portions)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < r->portion_count; i++)
    if (!(m.portions[i] = portion_message(&r->portions[i], arena)))
      return TG_NO_MEMORY;
  return strict_pack(&limits_decision, &m.base, out, why);
}

enum tg_err ruling_build(const struct ruling *r, struct buf *out, struct tg_why *why)
{
  enum tg_err err = check(r, why);
  if (err)
    return err;
  struct arena *arena = arena_new(8 * LIMIT_DECISION);
  if (!arena)
    return TG_NO_MEMORY;
  err = pack(r, arena, out, why);
  arena_free(arena);
  return err;
}

/* ---- reading ---- */

static enum tg_err read_portion(const Tg__PortionDecision *m, struct arena *arena, struct ruling_portion *ret,
                                struct tg_why *why)
{
  char(*permitted)[2] = arena_alloc(arena, m->n_permitted * sizeof *permitted);
  struct ruling_denial *denied = arena_alloc(arena, m->n_denied * sizeof *denied);
  if ((m->n_permitted && !permitted) || (m->n_denied && !denied))
    return TG_TOO_BIG;
  for (size_t i = 0; i < m->n_permitted; i++)
    memcpy(permitted[i], m->permitted[i].data, 2);
  for (size_t i = 0; i < m->n_denied; i++) {
    const Tg__Denial *d = m->denied[i];
    denied[i] = (struct ruling_denial){.stage = d->stage, .line = d->line};
    memcpy(denied[i].member, d->member.data, 2);
    if (d->policy.len)
      memcpy(denied[i].policy.b, d->policy.data, sizeof denied[i].policy.b);
    if (d->policy.len && hash_is_zero(&denied[i].policy))
      return refuse("Denial.policy", N_("present, but all zero"), why);
  }
  *ret = (struct ruling_portion){.index = m->index,
                                 .permitted = (const char(*)[2])permitted,
                                 .permitted_count = m->n_permitted,
                                 .denied = denied,
                                 .denied_count = m->n_denied};
  return TG_OK;
}

enum tg_err ruling_parse(struct slice bytes, struct arena *arena, struct ruling *ret, struct tg_why *why)
{
  ProtobufCMessage *base;
  enum tg_err err = strict_unpack(&limits_decision, bytes, arena, &base, why);
  if (err)
    return err;
  const Tg__Decision *m = (const Tg__Decision *)base;
  struct ruling r = {.portion_count = m->n_portions};
  struct ruling_portion *portions = arena_alloc(arena, m->n_portions * sizeof *portions);
  memcpy(r.salt, m->salt.data, sizeof r.salt);
  if (!portions)
    return TG_TOO_BIG;
  for (size_t i = 0; i < m->n_portions && !err; i++)
    err = read_portion(m->portions[i], arena, &portions[i], why);
  r.portions = portions;
  if (!err)
    err = check(&r, why);
  if (!err)
    *ret = r;
  return err;
}

struct hash ruling_hash(struct slice bytes)
{
  return hash_labelled("toguna/decision/v1", bytes);
}
