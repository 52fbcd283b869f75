#include "broker/paper.h"

#include "broker/foresight.h"
#include "policy/change.h"
#include "policy/refusal.h"

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

/* What is said of a widening, to one whom a second officer did not sign, and to one that begins too soon. */
static const char *widening_words(const struct policy_example *example, bool too_soon)
{
  static const char *const words[2][2] = {
      {REFUSAL_WIDENS_ALONE, REFUSAL_WIDENS_SOON},
      {REFUSAL_DROPS_PIN_ALONE, REFUSAL_DROPS_PIN_SOON}};
  return words[example->effect == POLICY_DROPS_PIN][too_soon];
}

/* A widening takes a second officer and the charter's delay; a member's first policy and a narrowing neither. Whether what is older than we are
   came in time those knew to whom it came: the delay was theirs, and each node keeps it by its own clock. */
static enum tg_err check_widening(struct hub *hub, struct paper *p, const struct policy *next,
                                  const struct policy_set *set, tg_time at)
{
  struct policy_example example = {0};
  const tg_time from = later(at, p->news.effective);
  tg_time narrowed;
  enum tg_err err = policy_set_narrowed_from(set, next, from, &narrowed, &example);
  if (err)
    return refuse_for(p, err);
  if (narrowed == from)
    return TG_OK;
  if (p->news.n_signers < WIDENING_SIGNERS) {
    why_set(&p->why, TG_REFUSED, example.why.where,
            widening_words(&example, false), REFUSAL_SIGN, example.topic, NULL, NULL);
    return refuse(p, REASON_QUORUM);
  }
  if (p->how == DIRECTORY_FRESH && p->news.effective < hub->now.wall + hub_limits(hub)->widening_delay) {
    char when[25];
    time_print(hub->now.wall + hub_limits(hub)->widening_delay, when);
    why_set(&p->why, TG_REFUSED, example.why.where,
            widening_words(&example, true), REFUSAL_WAIT, example.topic, when, NULL);
    return refuse(p, REASON_QUORUM);
  }
  return TG_OK;
}

static enum tg_err refuse_by_pin(struct paper *p, enum tg_err err, const struct policy_example *example)
{
  if (!err)
    return TG_OK;
  if (err != TG_REFUSED)
    return refuse_for(p, err);
  p->why = example->why;
  return refuse(p, REASON_PIN);
}

static enum tg_err check_pins(struct paper *p, const struct policy_set *set, tg_time at)
{
  struct policy_example example = {0};
  const enum tg_err err = policy_pins_check(set, at, &example);
  return refuse_by_pin(p, err, &example);
}

static enum tg_err check_own_pins(struct paper *p, const struct policy *policy, const struct policy_set *set, tg_time at)
{
  struct policy_example example = {0};
  const enum tg_err err = policy_pins_hold(policy, policy_set_world_of(set), later(at, p->news.effective), &example);
  return refuse_by_pin(p, err, &example);
}

/* Adds it to the set if all pins hold then. In a load of the past its own: those of others may be broken under a charter that is replaced, and
   are looked at with the one that replaces it. */
static enum tg_err put_policy(struct paper *p, struct policy **policy, struct policy_set *set, tg_time at)
{
  enum tg_err err = p->past ? check_own_pins(p, *policy, set, at) : TG_OK;
  if (err || p->reason)
    return err;
  err = policy_set_put(set, policy, 0, at, &p->why);
  if (err)
    return refuse_for(p, err);
  return p->past ? TG_OK : check_pins(p, set, at);
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
  why_set(&p->why, TG_EXPIRED, "expires", REFUSAL_OVER, REFUSAL_OVER_TODO,
          when, NULL, NULL);
  return refuse(p, REASON_EXPIRED);
}

/* Would it widen, or break a pin, under this charter once that is in force? */
static enum tg_err check_under(struct hub *hub, struct paper *p, const struct charter *c)
{
  struct policy_set *set = NULL;
  struct policy *policy = NULL;
  enum tg_err err = rules_compile(hub->rules.directory, c->effective, &set);
  if (!err && set)
    err = policy_parse(p->news.text, p->news.member.code, NULL, &policy, NULL, &p->why);
  /* A member that will have left tells nobody anything. */
  if (!err && set && policy_world_member(policy_set_world_of(set), p->news.member) >= 0) {
    err = check_widening(hub, p, policy, set, c->effective);
    if (!err && !p->reason)
      err = put_policy(p, &policy, set, c->effective);
  }
  policy_free(policy);
  policy_set_free(set);
  return err;
}

/* Charters that wait change blocs: what a policy opens through one of them, it opens. */
static enum tg_err check_waiting_charters(struct hub *hub, struct paper *p)
{
  const struct charter *c;
  enum tg_err err = TG_OK;
  for (uint64_t v = 1; !err && !p->reason && (c = directory_charter_version(hub->rules.directory, v, NULL)); v++)
    if (c->effective > hub->now.wall)
      err = check_under(hub, p, c);
  return err;
}

/* Where those before it are missing, one officer may have left them out: nothing can be measured against what is not here, and it may be honest. */
static enum tg_err tell_of_leap(struct hub *hub, const struct paper *p)
{
  struct directory_policy newest;
  struct tg_why why;
  if (p->news.serial == 1 || p->news.n_signers >= WIDENING_SIGNERS)
    return TG_OK;
  const enum tg_err err = directory_policy_serial(hub->rules.directory, p->news.member, 0, &newest);
  if (err != TG_NOT_FOUND)
    return err;
  why_set(&why, TG_NOT_FOUND, "serial",
          N_("no policy of %1$s was here before this one, which has a later serial and one signature: it may open what an earlier one had closed"),
          N_("compare it with what that member and its neighbours have"), p->news.member.code, NULL, NULL);
  return hub_tell(hub, HUB_ERROR, "policy-without-earlier", NULL, &p->hash, p->news.serial, &why);
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
    err = check_widening(hub, p, policy, set, hub->now.wall);
  if (!err && !p->reason)
    err = check_waiting_charters(hub, p);
  if (!err && !p->reason) {
    p->hidden = policy_visibility(policy) == POLICY_FOR_HUB;
    err = put_policy(p, &policy, set, at);
  }
  if (!err && !p->reason)
    err = tell_of_leap(hub, p);
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
  enum tg_err err = rules_replay(hub->store, &hub->config.exchange, &trial, NULL);
  if (!err)
    err = directory_add(trial, p->kind, p->content, p->proof, p->how, hub->now.wall, NULL, &p->why);
  if (!err)
    err = rules_compile(trial, at, &set);
  if (!err && set)
    err = check_pins(p, set, at);
  policy_set_free(set);
  directory_free(trial);
  return err;
}

/* One that is never in force here keeps no pin, and no pin it: it says what those behind it follow from. Otherwise an officer of one member, by a pin that
   only it breaks, could keep all who begin from every later one. */
static bool never_in_force(const struct paper *p)
{
  return p->past && foresight_replaces(p->past, p->news.serial, p->news.effective);
}

/* A hub that came later begins with the charters of the time before it, which do not name it; it serves nobody until one does. */
static enum tg_err check_charter(struct hub *hub, struct paper *p)
{
  struct tg_why why;
  struct charter *c;
  enum tg_err err = charter_parse(p->news.text, NULL, &c, &p->why);
  if (err)
    return refuse_for(p, err);
  const bool named = charter_hub(c, slice_str(hub->config.name)) != NULL;
  charter_free(c);
  why_set(&why, TG_NOT_FOUND, "charter", N_("the charter names no hub %1$s: nobody is let in until a later one does"),
          N_("A later one may follow; if none does, give this hub the name that the charter gives it"), hub->config.name, NULL, NULL);
  if (!named)
    err = hub_tell(hub, HUB_ERROR, "charter-without-us", NULL, &p->hash, p->news.serial, &why);
  if (err || !directory_newest_charter(hub->rules.directory) || never_in_force(p))
    return err;
  return check_charter_pins(hub, p);
}

/* ---- any document */

enum tg_err paper_examine(struct hub *hub, struct paper *p)
{
  /* Before we have begun nothing was ours to decide: what others took in then is taken in as it was. */
  p->how = p->past || !hub_has_begun(hub) ? DIRECTORY_RELAYED : DIRECTORY_FRESH;
  enum tg_err err = directory_check(hub->rules.directory, p->kind, p->content, p->proof, p->how,
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
