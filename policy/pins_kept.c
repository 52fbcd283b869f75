/* Does a change of policy keep the pins of the one before? Members are compared as written, not as they are today: a pin guards
   against blocs and members that change. */
#include "policy/cases.h"
#include "policy/refusal.h"

#include <assert.h>
#include <stdio.h>

/* Pins of one policy, by place, as bits. */
typedef uint64_t pinset;
static_assert((int)POLICY_PINS_MAX <= 64, "a pin has a bit");

struct kept_pins {
  const struct case_pairs *pairs;
  const struct policy *old, *next;
  tg_time at;
  size_t n; /* pins of next */
  const struct rule *pin[POLICY_PINS_MAX];
  size_t work;
};

enum { WORK_MAX = 20000000 };

static bool list_has(const struct policy *p, struct span list, struct slice name)
{
  bool has = false;
  for (uint32_t i = 0; !has && i < list.n; i++)
    has = slice_eq(p->name[list.from + i].text, name);
  return has;
}

/* Is every name of a's list in b's? */
static bool list_within(const struct policy *a, struct span of_a, const struct policy *b, struct span of_b)
{
  bool within = true;
  for (uint32_t i = 0; within && i < of_a.n; i++)
    within = list_has(b, of_b, a->name[of_a.from + i].text);
  return within;
}

static bool is_everyone(const struct policy *p, const struct rule *r)
{
  bool everyone = !r->names.n;
  for (uint32_t i = 0; !everyone && i < r->names.n; i++)
    everyone = p->name[r->names.from + i].kind == NAME_EVERYONE;
  return everyone && !r->outside;
}

/* Does pin b of the next policy cover whom the part of pin a covers that its name stands for (or all of them after
   "outside"), in any world? */
static bool covers_members(const struct kept_pins *x, const struct rule *a, uint32_t name, const struct rule *b)
{
  if (!list_within(x->next, b->except, x->old, a->except) || (b->except.n && a->as_of != b->as_of))
    return false;
  if (is_everyone(x->next, b))
    return true;
  if (a->outside != b->outside || a->as_of != b->as_of)
    return false;
  if (a->outside)
    return list_within(x->old, a->names, x->next, b->names) && list_within(x->next, b->names, x->old, a->names);
  return a->names.n && list_has(x->next, b->names, x->old->name[a->names.from + name].text);
}

/* Pins of next that cover these members, and the lowest marking of pin a, so every one: pins have no upper end. */
static pinset candidates(const struct kept_pins *x, const struct rule *a, uint32_t name)
{
  pinset set = 0;
  for (size_t i = 0; i < x->n; i++)
    if (x->pin[i]->level <= a->level && x->pin[i]->tlp <= a->tlp && covers_members(x, a, name, x->pin[i]))
      set |= UINT64_C(1) << i;
  return set;
}

/* agency NULL: any, as of a pin that states none. */
static bool case_is_kept(const struct kept_pins *x, pinset set, size_t class, const struct rule_agency *agency)
{
  bool kept = false;
  for (size_t i = 0; !kept && i < x->n; i++)
    kept = (set >> i & 1) && case_covers_class(x->next, x->pin[i], class) &&
           (agency ? rule_covers_agency(x->next, x->pin[i], agency->member, slice_str(agency->name)) : !x->pin[i]->agencies.n);
  return kept;
}

static void tell(const struct kept_pins *x, const struct rule *pin, uint32_t name, const struct a_case *c,
                 struct policy_example *ret)
{
  char where[160], who[80], what[128];
  if (!ret)
    return;
  case_example(c, POLICY_DROPS_PIN, MEMBERS_MAX, MEMBERS_MAX, ret);
  ret->line = pin->line;
  const struct slice text = pin->names.n ? x->old->name[pin->names.from + name].text : slice_str("*");
  snprintf(where, sizeof where, "%.120s:%u", x->old->file, pin->line);
  snprintf(who, sizeof who, "%s%.*s", pin->outside ? "outside " : "", (int)text.n, (const char *)text.p);
  case_print(c, what);
  why_set(&ret->why, TG_REFUSED, where, REFUSAL_PIN, NULL, x->old->member.code, who,
          what);
}

/* What the name of a pin stands for, in every class of topics and agency, guarded by a set of the next policy's pins. */
static bool part_is_dropped(struct kept_pins *x, const struct rule *pin, uint32_t name, pinset set, struct policy_example *ret)
{
  const uint32_t agencies = pin->agencies.n ? pin->agencies.n : 1;
  for (size_t p = 0; p < x->pairs->n; p++) {
    const struct case_pair *pair = &x->pairs->pair[p];
    x->work += agencies * (1 + x->n);
    if (!case_covers_class(x->old, pin, pair->old_class))
      continue;
    for (uint32_t i = 0; i < agencies; i++) {
      const struct rule_agency *agency =
          pin->agencies.n ? &x->old->agency[x->old->rule_agency[pin->agencies.from + i]] : NULL;
      if (case_is_kept(x, set, pair->next_class, agency))
        continue;
      struct a_case c = {.topic = pair->topic, .level = pin->level, .tlp = pin->tlp, .agency = agency, .time = x->at};
      tell(x, pin, name, &c, ret);
      return true;
    }
  }
  return false;
}

enum tg_err case_pin_dropped(const struct case_pairs *pairs, const struct policy *old, const struct policy *next, tg_time at,
                             unsigned after, bool *ret, struct policy_example *ret_example)
{
  struct kept_pins x = {.pairs = pairs, .old = old, .next = next, .at = at};
  *ret = false;
  for (size_t i = 0; i < next->n_rules; i++)
    if (next->rule[i].kind == RULE_PIN && x.n < POLICY_PINS_MAX)
      x.pin[x.n++] = &next->rule[i];
  for (size_t i = 0; !*ret && i < old->n_rules; i++) {
    const struct rule *pin = &old->rule[i];
    if (pin->kind != RULE_PIN || pin->line <= after)
      continue;
    const uint32_t parts = pin->outside || !pin->names.n ? 1 : pin->names.n;
    pinset before = 0;
    for (uint32_t name = 0; !*ret && name < parts; name++) {
      const pinset set = candidates(&x, pin, name);
      if (x.work > WORK_MAX)
        return TG_TOO_BIG;
      if (!name || set != before)
        *ret = part_is_dropped(&x, pin, name, set, ret_example);
      before = set;
    }
  }
  return TG_OK;
}

enum tg_err policy_pin_dropped(const struct policy *old, const struct policy *next, const struct policy_world *world, tg_time at,
                               unsigned after, bool *ret, struct policy_example *ret_example)
{
  struct case_pairs pairs = {0};
  const int member = policy_world_member(world, next->member);
  *ret = false;
  if (!country_eq(old->member, next->member) || member < 0)
    return TG_BAD_INPUT;
  enum tg_err err = case_pairs(old, next, &pairs);
  if (!err)
    err = case_pin_dropped(&pairs, old, next, at, after, ret, ret_example);
  if (!err && *ret && ret_example)
    ret_example->originator = (unsigned)member;
  case_pairs_free(&pairs);
  return err;
}
