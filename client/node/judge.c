#include "client/node/judge.h"

#include "client/node/rotation.h"
#include "client/node/watch.h"
#include "keys/approver.h"
#include "policy/explain.h"

#include <stdlib.h>
#include <string.h>

/* Our import rules, with everything else open: what others may say is their nodes' and the hub's to judge, by policies that we may
   not even see; of those that we see, the obligations. Invariant: `imports` was built of the policy `ours`, under the world of `at`; NULL: not built. */
struct judge {
  struct policy_set *imports;
  struct hash ours;
  tg_time at;
};

struct judge *judge_new(void) { return calloc(1, sizeof(struct judge)); }

void judge_free(struct judge *j)
{
  if (!j)
    return;
  policy_set_free(j->imports);
  free(j);
}

/* ---- the set of import rules ---- */

static enum tg_err put_text(struct policy_set *set, struct slice text, tg_time now)
{
  struct policy *policy = NULL;
  enum tg_err err = policy_parse(text, "", NULL, &policy, NULL, NULL);
  if (err == TG_OK)
    err = policy_set_put(set, &policy, 0, now, NULL);
  policy_free(policy);
  return err;
}

static enum tg_err put_open(struct policy_set *set, const char *member, tg_time now)
{
  struct buf text = buf_new(4096);
  buf_printf(&text,
             "toguna/policy v1\nmember %s\nserial 1\neffective 1970-01-01T00:00:00Z\nexport allow ** to * up-to TOP-SECRET\n",
             member);
  enum tg_err err = buf_status(&text) == TG_OK ? put_text(set, buf_slice(&text), now) : TG_NO_MEMORY;
  buf_free(&text);
  return err;
}

static enum tg_err build(struct node_core *core, const struct policy *ours, struct policy_set **ret)
{
  const struct policy_world *world = policy_set_world_of(core->policies);
  struct policy_set *set = NULL;
  unsigned me = (unsigned)core_member_index(core);
  enum tg_err err = policy_set_new(world, core->now.wall, &set);
  if (err == TG_OK)
    err = put_text(set, policy_text(ours), core->now.wall);
  for (unsigned i = 0; err == TG_OK && i < world->member_count; i++)
    if (i != me && world->members[i].code.code[0])
      err = put_open(set, world->members[i].code.code, core->now.wall);
  if (err == TG_OK)
    *ret = set;
  else
    policy_set_free(set);
  return err;
}

/* *ret NULL: we have no policy, which permits nothing. */
static enum tg_err imports(struct node_core *core, struct policy_set **ret)
{
  struct judge *j = core->judge;
  int me = core_member_index(core);
  const struct policy *ours =
      core->policies && me >= 0 ? policy_set_policy(core->policies, (unsigned)me, core->now.wall) : NULL;
  *ret = NULL;
  if (!ours)
    return TG_OK;
  struct hash hash = policy_hash(ours);
  tg_time at = policy_set_world_of(core->policies)->at;
  if (!j->imports || !hash_eq(&hash, &j->ours) || at != j->at) {
    struct policy_set *built;
    enum tg_err err = build(core, ours, &built);
    if (err == TG_NO_MEMORY || core_is_fatal(err))
      return err;
    if (err != TG_OK)
      return TG_OK; /* our rules cannot be read against this world: they permit nothing */
    policy_set_free(j->imports);
    j->imports = built;
    j->ours = hash;
    j->at = at;
  }
  enum tg_err err = TG_OK;
  if (core->now.wall >= policy_set_until(j->imports))
    err = policy_set_advance(j->imports, core->now.wall);
  *ret = j->imports;
  return err;
}

/* ---- our rules ---- */

/* Whom the portion's list names, as far as we see it: of a blind audience, us. */
static enum tg_err release_of(const struct node_core *core, const struct delivery *d, size_t i, struct memberset *ret)
{
  struct memberset set = {{0}};
  enum tg_err err = TG_OK;
  const struct release *r = &d->releases[i];
  struct release_list list = {.to = r->to, .n_to = r->to_count, .except = r->except, .n_except = r->except_count};
  if (r->to_count == 0)
    memberset_add(&set, (unsigned)core_member_index(core));
  else
    err = directory_resolve(core->directory, &list, d->header.subject.created, &set, NULL);
  *ret = err == TG_OK ? set : (struct memberset){{0}};
  return core_is_fatal(err) ? err : TG_OK;
}

static enum tg_err refuse(struct tg_why *why, enum judge_verdict *ret, enum judge_verdict verdict, enum tg_err err,
                          const char *what)
{
  *ret = verdict;
  why_set(why, err, NULL, what, NULL, NULL, NULL, NULL);
  return TG_OK;
}

static enum tg_err is_reached(const struct node_core *core, const struct delivery *d, bool *ret)
{
  const struct node *me = directory_node(core->directory, &core->me);
  *ret = me != NULL;
  for (size_t i = 0; *ret && i < d->portion_count; i++) {
    const struct release *r = &d->releases[i];
    struct release_list list = {.to = r->to, .n_to = r->to_count, .except = r->except, .n_except = r->except_count};
    const enum tg_err err = r->to_count ? directory_reaches(core->directory, &list, d->header.subject.created, me, NULL) : TG_OK;
    if (core_is_fatal(err))
      return err;
    *ret = err == TG_OK;
  }
  return TG_OK;
}

/* What its originator's own policy says, if we may see it: are its obligations met, approvals above all, and how long may we keep
   it, counted from when it was written? */
static enum tg_err ask_originators_rules(const struct node_core *core, struct judged *j, const struct policy_request *imports,
                                         bool logged, enum judge_verdict *ret, struct tg_why *why)
{
  const struct header *header = &j->delivery.header;
  struct policy_portion portions[POLICY_PORTIONS_MAX];
  struct policy_request request = *imports;
  struct policy_decision decision;
  request.approvals = (unsigned)header->approval_count; /* every one counts: check_originator() */
  request.portions = portions;
  for (size_t i = 0; i < request.portion_count; i++) {
    portions[i] = imports->portions[i];
    portions[i].label = j->delivery.portions[i].label;
  }
  /* A policy that only the hub may read is not asked. */
  const bool seen = policy_set_policy(core->policies, imports->originator, core->now.wall) != NULL;
  const enum tg_err err = policy_decide(core->policies, &request, &decision);
  if (err != TG_OK)
    return core_is_fatal(err) ? err : TG_OK;
  for (size_t i = 0; i < decision.portion_count; i++) {
    const struct policy_verdict *v = &decision.portions[i];
    tg_time until;
    if (!logged && seen && !memberset_has(&v->permitted, (unsigned)core_member_index(core)))
      return refuse(why, ret, JUDGE_REFUSED, TG_REFUSED, N_("its originator's own policy does not permit it to us, and no hub has decided"));
    if (memberset_has(&v->unmet, (unsigned)core_member_index(core)))
      return refuse(why, ret, JUDGE_REFUSED, TG_REFUSED,
                    N_("an obligation of its originator's own policy is not met: approvals, or the caveat ORCON"));
    if (v->retain && !__builtin_add_overflow(header->subject.created, v->retain, &until) && until < j->keep_until)
      j->keep_until = until;
  }
  return TG_OK;
}

static enum tg_err ask_rules(struct node_core *core, struct judged *j, bool logged, enum judge_verdict *ret, struct tg_why *why)
{
  const struct subject *subject = &j->delivery.header.subject;
  struct policy_portion portions[POLICY_PORTIONS_MAX];
  struct policy_decision decision;
  struct policy_set *set;
  bool reached;
  enum tg_err err = imports(core, &set);
  if (err != TG_OK)
    return err;
  if (!set)
    return refuse(why, ret, JUDGE_REFUSED, TG_REFUSED, N_("our state has no policy in force, which permits nothing"));
  if ((err = is_reached(core, &j->delivery, &reached)) != TG_OK)
    return err;
  if (!reached)
    return refuse(why, ret, JUDGE_REFUSED, TG_REFUSED, N_("its release list does not name this node"));
  for (size_t i = 0; i < j->delivery.portion_count; i++) {
    const struct portion *p = &j->delivery.portions[i];
    portions[i] = (struct policy_portion){.level = p->level, .tlp = p->tlp, .orcon = p->caveats & CAVEAT_ORCON,
                                          .size = p->seal.size};
    if ((err = release_of(core, &j->delivery, i, &portions[i].release)) != TG_OK)
      return err;
  }
  /* The label reads as its originator's policy says, which has been read already: the level stands beside it. */
  struct policy_request request = {.originator = j->originator->member,
                                   .agency = slice_str(j->originator->credential.holder.agency),
                                   .suite = subject->suite,
                                   .owed = subject->kind == KIND_CORRECTION,
                                   .time = core->now.wall,
                                   .expires = subject->expires,
                                   .topic_count = subject->topic_count,
                                   .topics = subject->topics,
                                   .portion_count = j->delivery.portion_count,
                                   .portions = portions};
  err = policy_decide(set, &request, &decision);
  if (core_is_fatal(err))
    return err;
  if (err != TG_OK)
    return refuse(why, ret, JUDGE_REFUSED, TG_REFUSED, N_("our rules cannot be asked about this"));
  for (size_t i = 0; i < decision.portion_count; i++)
    if (!memberset_has(&decision.portions[i].permitted, (unsigned)core_member_index(core))) {
      struct policy_reason reason;
      *ret = JUDGE_REFUSED;
      if (policy_explain(set, &request, i, (unsigned)core_member_index(core), core_member_index(core), &reason) == TG_OK && why)
        *why = reason.why;
      return TG_OK;
    }
  return ask_originators_rules(core, j, &request, logged, ret, why);
}

/* ---- who said it ---- */

/* A key that was revoked is not believed any more, whenever it signed; one that has merely expired was good when the hub logged it. */
static enum tg_err check_originator(struct node_core *core, const struct judged *j, tg_time logged, enum judge_verdict *ret,
                                    struct tg_why *why)
{
  const struct header *header = &j->delivery.header;
  tg_time at = logged < core->now.wall ? logged : core->now.wall;
  if (directory_may_act(core->directory, &header->subject.originator, at, why) != TG_OK) {
    *ret = JUDGE_REFUSED;
    return TG_OK;
  }
  for (size_t i = 0; i < header->approval_count; i++)
    if (approver_check(core->directory, j->originator->member, &header->subject, &header->approvals[i], core->now.wall, why) !=
        TG_OK) {
      *ret = JUDGE_REFUSED;
      return TG_OK;
    }
  return TG_OK;
}

/* No log knows it yet: what the hub would have asked of it is asked here. */
static enum tg_err check_times(struct node_core *core, const struct judged *j, enum judge_verdict *ret, struct tg_why *why)
{
  const struct subject *subject = &j->delivery.header.subject;
  const struct charter *charter = core_charter(core);
  if (!charter)
    return refuse(why, ret, JUDGE_REFUSED, TG_NOT_FOUND, N_("no charter is in force, which permits nothing"));
  if (subject->created > core->now.wall + charter->limits.clock_skew)
    return refuse(why, ret, JUDGE_REFUSED, TG_EXPIRED,
                  N_("it was written in the future: this machine's clock is wrong, or its originator's"));
  if (subject->expires - subject->created > charter->limits.lifetime)
    return refuse(why, ret, JUDGE_REFUSED, TG_REFUSED, N_("it is to live longer than the charter permits"));
  return TG_OK;
}

/* The log says that the hub accepted exactly this from exactly this node. */
static enum tg_err check_entry(struct node_core *core, const Tg__Delivery *message, const struct judged *j,
                               const struct witness_state *under, struct entry *ret, struct tg_why *why)
{
  if (!under && message->entry.len == 0) { /* a bundle brought it: it is judged as of now */
    *ret = (struct entry){.time = core->now.wall};
    return TG_OK;
  }
  struct opening opening = {.entry = data_slice(message->entry), .salt = data_slice(message->salt), .index = message->leaf,
                            .path = data_slice(message->path)};
  const struct header *header = &j->delivery.header;
  enum tg_err err = under ? watch_entry_under(core, under, &opening, ret, why) : entry_parse(opening.entry, ret, why);
  if (err != TG_OK)
    return err;
  if (ret->type != ENTRY_ACCEPTED || !hash_eq(&ret->subject, &header->id) || ret->number != header->number ||
      !sign_pk_eq(&ret->actor, &header->subject.originator) ||
      memcmp(ret->member, j->originator->credential.holder.member.code, 2) != 0)
    return why_set(why, TG_BAD_PROOF, NULL, N_("the log entry is about something else"), NULL, NULL, NULL, NULL);
  return TG_OK;
}

/* ---- the wrap ---- */

static enum tg_err open_wrap(struct node_core *core, struct judged *j, struct tg_why *why)
{
  struct key_id id;
  const uint8_t *secret;
  struct seal_pk key;
  memcpy(id.b, j->delivery.wrap.key_id, sizeof id.b);
  if (rotation_find(core, &id, &secret, &key) != TG_OK)
    return why_set(why, TG_BAD_SEAL, NULL, N_("it is sealed to a key that this node has erased, or never had"), NULL, NULL, NULL,
                   NULL);
  enum tg_err err = bulletin_open(&j->delivery, j->originator->credential.holder.member.code, core->member.code, &key, secret,
                                  core->opener, &j->content, why);
  if (err == TG_OK && j->content.number > INT64_MAX) /* no honest node ever counts so far, nor can our store */
    err = why_set(why, TG_BAD_INPUT, "Wrap.sealed", N_("its running number is impossible"), NULL, NULL, NULL, NULL);
  j->opened = err == TG_OK;
  return err;
}

/* ---- all of it ---- */

enum tg_err judge_delivery(struct node_core *core, const Tg__Delivery *message, const struct hash *id, const struct witness_state *under,
                           struct arena *arena, struct judged *ret, enum judge_verdict *ret_verdict, struct tg_why *why)
{
  struct entry entry;
  *ret = (struct judged){0};
  *ret_verdict = JUDGE_FORGED;
  enum tg_err err = delivery_check_known(message, id, &core->config->exchange, &core->me, core->verifier, arena, &ret->delivery, why);
  if (err != TG_OK)
    return core_is_fatal(err) ? err : TG_OK;
  const struct header *header = &ret->delivery.header;
  ret->originator = directory_node(core->directory, &header->subject.originator);
  ret->keep_until = header->subject.expires;
  if (!ret->originator || !core->named)
    return refuse(why, ret_verdict, JUDGE_FORGED, TG_NOT_FOUND, N_("no document of this exchange vouches for its originator"));
  if (!directory_charter_version(core->directory, header->charter_version, NULL))
    return refuse(why, ret_verdict, JUDGE_FORGED, TG_NOT_FOUND,
                  N_("it was decided by a charter that the hub has not shown to this node"));
  err = check_entry(core, message, ret, under, &entry, why);
  if (err != TG_OK)
    return core_is_fatal(err) ? err : TG_OK;
  *ret_verdict = JUDGE_TAKE;
  err = open_wrap(core, ret, why);
  if (core_is_fatal(err))
    return err;
  const bool readable = err == TG_OK, logged = message->entry.len != 0;
  err = check_originator(core, ret, entry.time, ret_verdict, why);
  if (err == TG_OK && *ret_verdict == JUDGE_TAKE && !logged)
    err = check_times(core, ret, ret_verdict, why);
  if (err != TG_OK || *ret_verdict != JUDGE_TAKE)
    return err;
  if (!readable) {
    *ret_verdict = JUDGE_UNREADABLE;
    return TG_OK;
  }
  return header->subject.kind == KIND_RECALL ? TG_OK : ask_rules(core, ret, logged, ret_verdict, why);
}
