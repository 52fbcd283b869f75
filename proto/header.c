#include "proto/header.h"

#include "proto/bulletin.pb-c.h"
#include "proto/hash.h"

#include <assert.h>
#include <string.h>

static void message_of(const struct approval *a, Tg__Approval *ret)
{
  *ret = (Tg__Approval)TG__APPROVAL__INIT;
  ret->officer = strict_data_of(a->officer.b, sizeof a->officer.b);
  ret->time = (uint64_t)a->time;
  ret->signature = strict_data_of(a->signature.b, sizeof a->signature.b);
}

static struct approval view(const Tg__Approval *m)
{
  struct approval a = {.time = (tg_time)m->time};
  memcpy(a.officer.b, m->officer.data, sizeof a.officer.b);
  memcpy(a.signature.b, m->signature.data, sizeof a.signature.b);
  return a;
}

/* Two approvals of one officer are one person's, whatever a policy counts. */
static enum tg_err check_approvals(const struct approval *a, size_t count, struct tg_why *why)
{
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < i; j++)
      if (sign_pk_eq(&a[i].officer, &a[j].officer))
        return why_set(why, TG_BAD_INPUT, "Header.approvals", N_("an officer approves twice"), NULL, NULL, NULL, NULL);
  return TG_OK;
}

enum tg_err header_build(const struct header *d, struct buf *out, struct tg_why *why)
{
  Tg__Approval approvals[LIMIT_APPROVALS], *pointers[LIMIT_APPROVALS];
  Tg__Header m = TG__HEADER__INIT;
  assert(d->approval_count <= LIMIT_APPROVALS);
  for (size_t i = 0; i < d->approval_count; i++) {
    message_of(&d->approvals[i], &approvals[i]);
    pointers[i] = &approvals[i];
  }
  m.subject = strict_data(d->subject.bytes);
  m.approvals = pointers;
  m.n_approvals = d->approval_count;
  m.charter_version = d->charter_version;
  m.policy_serial = d->policy_serial;
  m.policy_hash = strict_data_of(d->policy_hash.b, sizeof d->policy_hash.b);
  m.number = d->number;
  m.audience_root = strict_data_of(d->audience_root.b, sizeof d->audience_root.b);
  m.audience_count = d->audience_count;
  m.checkpoint = strict_data(d->checkpoint);
  enum tg_err err = check_approvals(d->approvals, d->approval_count, why);
  return err ? err : strict_pack(&limits_header, &m.base, out, why);
}

enum tg_err header_parse_known(struct slice bytes, const struct hash *id, struct arena *arena, struct header *ret, struct tg_why *why)
{
  ProtobufCMessage *message;
  enum tg_err err = strict_unpack(&limits_header, bytes, arena, &message, why);
  if (err)
    return err;
  const Tg__Header *m = (const Tg__Header *)message;
  struct header h = {.bytes = bytes,
                     .id = *id,
                     .approval_count = m->n_approvals,
                     .charter_version = m->charter_version,
                     .policy_serial = m->policy_serial,
                     .number = m->number,
                     .audience_count = m->audience_count,
                     .checkpoint = strict_slice(m->checkpoint)};
  memcpy(h.policy_hash.b, m->policy_hash.data, sizeof h.policy_hash.b);
  memcpy(h.audience_root.b, m->audience_root.data, sizeof h.audience_root.b);
  for (size_t i = 0; i < m->n_approvals; i++)
    h.approvals[i] = view(m->approvals[i]);
  err = check_approvals(h.approvals, h.approval_count, why);
  if (!err)
    err = subject_parse(strict_slice(m->subject), arena, &h.subject, why);
  if (!err)
    *ret = h;
  return err;
}

enum tg_err header_parse(struct slice bytes, struct arena *arena, struct header *ret, struct tg_why *why)
{
  struct hash none = {{0}};
  enum tg_err err = header_parse_known(bytes, &none, arena, ret, why);
  if (!err)
    ret->id = header_id(bytes);
  return err;
}

enum precedence header_hint(struct slice bytes)
{
  struct slice subject;
  uint64_t n;
  return strict_peek_bytes(bytes, 1, &subject) && strict_peek_number(subject, 6, &n) && n >= PRECEDENCE_ROUTINE && n <= PRECEDENCE_FLASH
             ? (enum precedence)n
             : PRECEDENCE_ROUTINE;
}

struct hash header_id(struct slice bytes) { return hash_labelled("toguna/bulletin/v1", bytes); }
