#include "policy/cases.h"
#include "policy/refusal.h"
#include "policy/set_state.h"

#include <stdio.h>
#include <stdlib.h>

/* One policy at one time, against its own pins. */
struct pinned {
  const struct policy_set *set;
  unsigned member;
  const struct plan *plan;
  const topic_text *topics; /* by class */
  tg_time at;
};

static void tell(const struct pinned *x, const struct rule *pin, const struct a_case *c, unsigned to,
                 bool onward, struct policy_example *ret)
{
  char where[160], rule[128], what[128];
  const struct reading *r = x->plan->reading;
  const struct rule *culprit =
      case_rule(r, onward ? RULE_ONWARD_ALLOW : RULE_EXPORT_ALLOW, c, r->policy->member, to);
  case_example(c, onward ? POLICY_OPENS_ONWARD : POLICY_OPENS_EXPORT, x->member, to, ret);
  if (!ret)
    return;
  ret->line = pin->line;
  snprintf(where, sizeof where, "%.120s:%u", r->policy->file, pin->line);
  snprintf(rule, sizeof rule, "%.100s:%u", r->policy->file, culprit ? culprit->line : 0);
  case_print(c, what);
  if (onward)
    why_set(&ret->why, TG_REFUSED, where, REFUSAL_PIN_PASSES,
            N_("narrow that rule, or remove the pin"), rule, x->set->world->members[to].code.code, what);
  else
    why_set(&ret->why, TG_REFUSED, where, REFUSAL_PIN_TELLS,
            N_("narrow that rule, or remove the pin"), rule, x->set->world->members[to].code.code, what);
}

/* Everything the pin covers in one class of topics and agencies. The smallest size is the one that most rules
 * permit. */
static bool pin_holds(const struct pinned *x, size_t pin, size_t class, size_t variant,
                      struct policy_example *ret)
{
  const struct policy *p = x->plan->reading->policy;
  const struct rule *rule = &p->rule[pin];
  const struct memberset *who = &x->plan->reading->who[pin];
  for (size_t m = 0; m < MARKINGS; m++) {
    if (!rule_covers_marking(rule, case_level(m), case_tlp(m)))
      continue;
    struct a_case c = {.topic = x->topics[class],
                       .level = case_level(m),
                       .tlp = case_tlp(m),
                       .agency = variant ? &p->agency[variant - 1] : NULL,
                       .time = x->at};
    struct memberset told =
                         memberset_and(*who, *plan_export(x->plan, plan_cell(x->plan, variant, 0, class, m))),
                     passed = memberset_and(*who, plan_outcome(x->plan, variant, class, m)->onward_allow);
    if (memberset_empty(&told) && memberset_empty(&passed))
      continue;
    bool onward = memberset_empty(&told);
    tell(x, rule, &c, memberset_next(onward ? &passed : &told, 0), onward, ret);
    return false;
  }
  return true;
}

static bool pin_covers_variant(const struct policy *p, const struct rule *pin, size_t variant)
{
  return !pin->agencies.n || (variant && rule_covers_agency(p, pin, p->agency[variant - 1].member,
                                                            slice_str(p->agency[variant - 1].name)));
}

static enum tg_err check_pins(const struct pinned *x, struct policy_example *ret)
{
  const struct policy *p = x->plan->reading->policy;
  for (size_t i = 0; i < p->n_rules; i++)
    for (size_t class = 0; p->rule[i].kind == RULE_PIN && class < p->classes.count; class ++) {
      if (!x->topics[class][0] || !case_covers_class(p, &p->rule[i], class))
        continue;
      for (size_t v = 0; v < x->plan->variants; v++)
        if (pin_covers_variant(p, &p->rule[i], v) && !pin_holds(x, i, class, v, ret))
          return TG_REFUSED;
    }
  return TG_OK;
}

static bool has_pins(const struct policy *p)
{
  bool has = false;
  for (size_t i = 0; !has && i < p->n_rules; i++)
    has = p->rule[i].kind == RULE_PIN;
  return has;
}

/* The next moment after t at which another policy of the member begins. */
static tg_time next_start(const struct policy_set *set, unsigned member, tg_time t)
{
  tg_time next = INT64_MAX;
  for (size_t k = 0; k < set->member[member].n; k++)
    if (set->member[member].kept[k].start > t && set->member[member].kept[k].start < next)
      next = set->member[member].kept[k].start;
  return next;
}

/* The member's policy in force at t; *ret_until: when something changes. */
static enum tg_err check_moment(const struct policy_set *set, unsigned member, tg_time t,
                                struct policy_example *ret, tg_time *ret_until)
{
  struct reading *reading = (struct reading *)set_reading(set, member, t);
  *ret_until = next_start(set, member, t);
  if (!reading || !has_pins(reading->policy))
    return TG_OK;
  struct plan *ready = set->plan[member];
  bool usable = ready && ready->reading == reading && ready->from <= t && t < ready->until;
  struct plan *plan = usable ? plan_share(ready) : plan_new(reading, t);
  topic_text *topics = case_topics(reading->policy);
  struct pinned x = {set, member, plan, topics, t};
  enum tg_err err = plan && topics ? check_pins(&x, ret) : TG_NO_MEMORY;
  if (plan && plan->until < *ret_until)
    *ret_until = plan->until;
  plan_free(plan);
  free(topics);
  return err;
}

enum tg_err policy_pins_check(const struct policy_set *set, tg_time now, struct policy_example *ret_example)
{
  for (unsigned member = 0; member < set->world->member_count; member++)
    for (tg_time t = now, next; t < INT64_MAX; t = next) {
      enum tg_err err = check_moment(set, member, t, ret_example, &next);
      if (err)
        return err;
    }
  return TG_OK;
}

enum tg_err policy_pins_hold(const struct policy *p, const struct policy_world *world, tg_time from,
                             struct policy_example *ret_example)
{
  struct policy_set *set = NULL;
  enum tg_err err = policy_set_new(world, from, &set);
  if (!err)
    err = policy_set_suppose(set, p, from);
  if (!err)
    err = policy_pins_check(set, from, ret_example);
  policy_set_free(set);
  return err;
}
