#include "client/node/seal.h"

#include "client/node/outbox.h"
#include "client/node/watch.h"
#include "proto/bulletin.h"

#include <string.h>

static enum tg_err list_recipients(struct node_core *core, const struct plan *plan, struct bulletin_recipient **ret)
{
  struct bulletin_recipient *list = arena_alloc(core->arena, plan->recipient_count * sizeof *list);
  if (!list)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < plan->recipient_count; i++) {
    const struct plan_recipient *r = &plan->recipients[i];
    list[i] = (struct bulletin_recipient){.identity = r->node->credential.identity, .key = r->key.key.key,
                                          .fallback = r->key.fallback, .portions = r->portions};
    memcpy(list[i].member, r->node->credential.holder.member.code, 2);
    enum tg_err err = outbox_pair(core, &list[i].identity, &list[i].number, &list[i].previous);
    if (err != TG_OK)
      return err;
  }
  *ret = list;
  return TG_OK;
}

static enum tg_err spool(struct node_core *core, const struct plan *plan, const struct seal_parts *parts,
                         const struct bulletin_sealed *sealed, const struct bulletin_recipient *recipients)
{
  struct arena *arena = core->arena;
  size_t n = plan->portion_count;
  Tg__Submission message = TG__SUBMISSION__INIT;
  message.header = slice_data(sealed->header);
  message.portions = arena_alloc(arena, n * sizeof *message.portions);
  message.releases = arena_alloc(arena, n * sizeof *message.releases);
  message.wraps = arena_alloc(arena, sealed->wrap_count * sizeof *message.wraps);
  struct outbox_recipient *to = arena_alloc(arena, plan->recipient_count * sizeof *to);
  if (!message.portions || !message.releases || !message.wraps || !to)
    return TG_NO_MEMORY;
  message.n_portions = message.n_releases = n;
  message.n_wraps = sealed->wrap_count;
  for (size_t i = 0; i < n; i++) {
    message.portions[i] = slice_data(parts->portions[i]);
    message.releases[i] = slice_data(parts->releases[i]);
  }
  for (size_t i = 0; i < sealed->wrap_count; i++)
    message.wraps[i] = slice_data(sealed->wraps[i]);
  for (size_t i = 0; i < plan->recipient_count; i++)
    to[i] = (struct outbox_recipient){recipients[i].identity, recipients[i].number};
  return outbox_add(core, sealed->view, &message, to, plan->recipient_count);
}

enum tg_err seal_bulletin(struct node_core *core, const struct plan *plan, const struct seal_parts *parts,
                          const struct body_key *keys, const struct approval *approvals, size_t approval_count,
                          struct hash *ret_id, uint64_t *ret_number, struct tg_why *why)
{
  struct bulletin_recipient *recipients;
  struct bulletin_sealed sealed;
  const struct policy *policy = policy_set_policy(core->policies, (unsigned)core_member_index(core), core->now.wall);
  enum tg_err err = outbox_ready(core);
  if (err == TG_OK)
    err = list_recipients(core, plan, &recipients);
  if (err != TG_OK)
    return err;
  struct bulletin_draft draft = {.subject = parts->subject,
                                 .approvals = approvals,
                                 .approval_count = approval_count,
                                 .charter_version = core_charter(core)->version,
                                 .policy_serial = policy_serial(policy),
                                 .policy_hash = policy_hash(policy),
                                 .number = outbox_next_number(core),
                                 .portions = parts->portions,
                                 .keys = keys,
                                 .portion_count = plan->portion_count,
                                 .recipients = recipients,
                                 .recipient_count = plan->recipient_count,
                                 .checkpoint = watch_bare(core)};
  memcpy(draft.originator_member, core->member.code, 2);
  err = bulletin_seal(&draft, core->sender, core->now.wall, core->arena, &sealed, why);
  if (err == TG_OK)
    err = spool(core, plan, parts, &sealed, recipients);
  if (err == TG_OK)
    err = plan_air(core, plan);
  if (err == TG_OK) {
    *ret_id = sealed.id;
    *ret_number = draft.number;
  }
  return err;
}
