#include "broker/paper.h"

#include "policy/change.h"
#include "proto/hash.h"

enum { WIDENING_SIGNERS = 2 };

static enum tg_err refuse(struct paper *p, enum reason reason)
{
  p->reason = reason;
  return TG_OK;
}

struct hash paper_hash(enum document_kind kind, struct slice content)
{
  struct note note;
  if (kind == DOCUMENT_SEALING_KEYS)
    return statement_id(STATEMENT_SEALING_KEYS, content);
  return document_hash(note_parse(content, NULL, &note, NULL) ? content : note.text);
}

static enum reason reason_of(enum tg_err err)
{
  switch (err) {
  case TG_STALE:
    return REASON_STALE;
  case TG_CONFLICT:
    return REASON_CONFLICT;
  case TG_NOT_FOUND:
    return REASON_UNKNOWN_REFERENCE;
  case TG_BAD_SIGNATURE:
  case TG_BAD_PROOF:
    return REASON_SIGNATURE;
  case TG_REVOKED:
    return REASON_REVOKED;
  case TG_EXPIRED:
    return REASON_EXPIRED;
  case TG_REFUSED:
    return REASON_QUORUM;
  case TG_QUOTA:
    return REASON_QUOTA;
  case TG_TOO_BIG:
    return REASON_TOO_BIG;
  default:
    return REASON_MALFORMED;
  }
}

/* Refused for err unless it is one that ends the process. */
static enum tg_err refuse_for(struct paper *p, enum tg_err err)
{
  return err == TG_NO_MEMORY ? err : refuse(p, reason_of(err));
}

static tg_time later(tg_time a, tg_time b)
{
  return a > b ? a : b;
}

/* ---- policies */

/* Does it permit what any of the member's policies would not, at the moments when it takes their place? Those
   are the one in force when it takes effect, and each that was to follow. */
static enum tg_err widens(struct hub *hub, const struct paper *p, const struct policy *next,
                          const struct policy_set *set, tg_time from, bool *ret,
                          struct policy_example *example)
{
  const int member = directory_member_index(hub->rules.directory, p->news.member);
  struct directory_policy newest;
  const struct policy_world *world = policy_set_world_of(set);
  enum tg_err err =
      policy_widens(policy_set_policy(set, (unsigned)member, from), next, world, from, ret, example);
  if (err || *ret || directory_policy_serial(hub->rules.directory, p->news.member, 0, &newest))
    return err;
  for (uint64_t serial = newest.serial, n = 0; !err && !*ret && serial && n < DIRECTORY_POLICIES_MAX;
       serial--, n++) {
    struct directory_policy d;
    if (directory_policy_serial(hub->rules.directory, p->news.member, serial, &d) || d.effective <= from)
      continue;
    const struct policy *pending = policy_set_policy(set, (unsigned)member, d.effective);
    err = policy_widens(pending, next, world, d.effective, ret, example);
  }
  return err;
}

/* A widening takes a second officer and the charter's delay; a member's first policy and a narrowing neither.
 */
static enum tg_err check_widening(struct hub *hub, struct paper *p, const struct policy *next,
                                  const struct policy_set *set)
{
  struct policy_example example = {0};
  bool wider;
  const tg_time from = later(hub->now.wall, p->news.effective);
  enum tg_err err = widens(hub, p, next, set, from, &wider, &example);
  if (err)
    return refuse_for(p, err);
  if (!wider)
    return TG_OK;
  if (p->news.n_signers < WIDENING_SIGNERS) {
    why_set(&p->why, TG_REFUSED, example.why.where,
            N_("it permits more than before and has one signature only: %1$s"),
            N_("have a second policy officer sign it"), example.topic, NULL, NULL);
    return refuse(p, REASON_QUORUM);
  }
  if (p->news.effective < hub->now.wall + hub_limits(hub)->widening_delay) {
    char when[25];
    time_print(hub->now.wall + hub_limits(hub)->widening_delay, when);
    why_set(&p->why, TG_REFUSED, example.why.where,
            N_("it permits more than before and takes effect too soon: %1$s"),
            N_("make it effective %2$s or later"), example.topic, when, NULL);
    return refuse(p, REASON_QUORUM);
  }
  return TG_OK;
}

static enum tg_err check_pins(struct paper *p, const struct policy_set *set, tg_time at)
{
  struct policy_example example = {0};
  enum tg_err err = policy_pins_check(set, at, &example);
  if (!err)
    return TG_OK;
  if (err != TG_REFUSED)
    return refuse_for(p, err);
  p->why = example.why;
  return refuse(p, REASON_PIN);
}

/* The policies in force, or those that will be when the charter is. */
static enum tg_err base_set(struct hub *hub, tg_time *at, struct policy_set **ret)
{
  const struct charter *newest = directory_newest_charter(hub->rules.directory);
  if (hub->rules.set)
    return policy_set_copy(hub->rules.set, ret);
  if (newest)
    *at = later(*at, newest->effective);
  return rules_compile(hub->rules.directory, *at, ret);
}

/* One that is over before it begins would take the place of the one in force, and permit nothing: that is a mistake, for who
   means it writes a policy without rules. */
static enum tg_err check_life(const struct hub *hub, struct paper *p, const struct policy *policy)
{
  const tg_time end = policy_expires(policy);
  char when[25];
  if (!end || end > later(hub->now.wall, policy_effective(policy)))
    return TG_OK;
  time_print(end, when);
  why_set(&p->why, TG_EXPIRED, "expires", N_("this policy is over before it begins: %1$s"), N_("give it a later end, or none"),
          when, NULL, NULL);
  return refuse(p, REASON_EXPIRED);
}

static enum tg_err check_policy(struct hub *hub, struct paper *p)
{
  struct policy_set *set = NULL;
  struct policy *policy = NULL;
  tg_time at = hub->now.wall;
  enum tg_err err = base_set(hub, &at, &set);
  if (err)
    return err;
  if (!set)
    return refuse(p, REASON_UNKNOWN_REFERENCE);
  err = policy_parse(p->news.text, p->news.member.code, policy_set_world_of(set), &policy, NULL, &p->why);
  if (err)
    err = refuse_for(p, err);
  else
    err = check_life(hub, p, policy);
  if (!err && !p->reason)
    err = check_widening(hub, p, policy, set);
  if (!err && !p->reason) {
    p->hidden = policy_visibility(policy) == POLICY_FOR_HUB;
    enum tg_err put = policy_set_put(set, &policy, 0, at, &p->why);
    err = put ? refuse_for(p, put) : check_pins(p, set, at);
  }
  policy_free(policy);
  if (err || p->reason || !hub->rules.set)
    policy_set_free(set);
  else
    p->set = set;
  return err;
}

/* ---- charters */

/* Would every pin hold under it? Tried on a second directory, for one that was added cannot be taken out. */
static enum tg_err check_charter_pins(struct hub *hub, struct paper *p)
{
  struct directory *trial = NULL;
  struct policy_set *set = NULL;
  const tg_time at = later(hub->now.wall, p->news.effective);
  enum tg_err err = rules_replay(hub->store, &hub->config.exchange, &trial);
  if (!err)
    err = directory_add(trial, p->kind, p->content, p->proof, DIRECTORY_FRESH, hub->now.wall, NULL, &p->why);
  if (!err)
    err = rules_compile(trial, at, &set);
  if (!err && set)
    err = check_pins(p, set, at);
  policy_set_free(set);
  directory_free(trial);
  return err;
}

static enum tg_err check_charter(struct hub *hub, struct paper *p)
{
  struct charter *c;
  if (directory_newest_charter(hub->rules.directory))
    return check_charter_pins(hub, p);
  enum tg_err err = charter_parse(p->news.text, NULL, &c, &p->why);
  if (err)
    return refuse_for(p, err);
  bool named = charter_hub(c, slice_str(hub->config.name)) != NULL;
  charter_free(c);
  if (named)
    return TG_OK;
  why_set(&p->why, TG_REFUSED, "charter", N_("the charter names no hub %1$s"),
          N_("give this hub the name that the charter gives it"), hub->config.name, NULL, NULL);
  return refuse(p, REASON_UNKNOWN_REFERENCE);
}

/* ---- any document */

enum tg_err paper_examine(struct hub *hub, struct paper *p)
{
  enum tg_err err = directory_check(hub->rules.directory, p->kind, p->content, p->proof, DIRECTORY_FRESH,
                                    hub->now.wall, &p->news, &p->why);
  p->known = err == TG_DUPLICATE;
  if (p->known)
    return TG_OK;
  if (err)
    return refuse_for(p, err);
  if (p->kind == DOCUMENT_POLICY)
    return check_policy(hub, p);
  return p->kind == DOCUMENT_CHARTER ? check_charter(hub, p) : TG_OK;
}

void paper_done(struct paper *p)
{
  policy_set_free(p->set);
  p->set = NULL;
}
