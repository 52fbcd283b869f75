#include "policy/change.h"

#include "policy/cases.h"
#include "policy/set_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two policies of one member at one time, seen side by side, in a world in which others have joined too: who they will be is nobody's to know when the
   policy is signed. */
struct comparison {
  unsigned member;
  const struct policy_world *now;
  size_t members; /* that there are now; beyond them those who join */
  struct policy_world *world; /* with them */
  size_t n_blocs;
  struct slice *bloc; /* that either policy names */
  struct reading *old_reading, *next_reading;
  struct plan *old, *next; /* old == NULL: it has expired, and permits nothing */
  tg_time at;
  /* Everything the two tell apart: pairs of classes with an example, agencies, sizes. */
  struct case_pairs pairs;
  size_t n_agencies;
  const struct rule_agency *agency[2 * POLICY_AGENCIES_MAX + 1]; /* the first is NULL: any other */
  size_t n_sizes;
  uint64_t size[2 * POLICY_SIZES_MAX + 1];
  struct policy_example *example; /* where to put what is found; may be NULL */
};

/* The cells of one case in both policies. */
struct cells {
  struct a_case c;
  struct memberset old_export, next_export, old_import, next_import;
  const struct outcome *old, *next;
};

static const struct outcome nothing; /* what a policy says that has expired */

/* --- what was found --- */

static const char *code_of(const struct comparison *x, unsigned member)
{
  return x->world->members[member].code.code;
}

/* As a rule would name one who joins: "ECOWAS", "AES ECOWAS", "*". */
static const char *blocs_of(const struct comparison *x, unsigned member, char out[128])
{
  size_t n = 0;
  out[0] = 0;
  for (size_t k = 0; k < x->n_blocs && n + BLOC_MAX + 2 < 128; k++)
    if (policy_world_joined_is_in(x->now, member - x->members, k, x->n_blocs))
      n += (size_t)snprintf(out + n, 128 - n, "%s%.*s", n ? " " : "", (int)x->bloc[k].n, (const char *)x->bloc[k].p);
  return n ? out : "*";
}

/* `what`, or `what_joins` of one who joins, is filled with our code, `other` and the case. */
static bool found(const struct comparison *x, const struct a_case *c, enum policy_effect effect, unsigned other, enum rule_kind kind,
                  const char *what, const char *what_joins, const char *other_name)
{
  char where[160] = "", text[128], blocs[128];
  const bool joins = other < MEMBERS_MAX && other >= x->members;
  const unsigned seen = joins ? MEMBERS_MAX : other;
  case_example(c, effect, effect == POLICY_OPENS_IMPORT ? seen : x->member, effect == POLICY_OPENS_IMPORT ? x->member : seen, x->example);
  if (!x->example)
    return true;
  const struct rule *rule = other < MEMBERS_MAX ? case_rule(x->next_reading, kind, c, x->world->members[effect == POLICY_OPENS_IMPORT ? other : x->member].code, other) : NULL;
  if (rule) {
    x->example->line = rule->line;
    snprintf(where, sizeof where, "%.120s:%u", x->next_reading->policy->file, rule->line);
  }
  case_print(c, text);
  why_set(&x->example->why, TG_REFUSED, where, joins ? what_joins : what, NULL, code_of(x, x->member),
          joins ? blocs_of(x, other, blocs) : other < MEMBERS_MAX ? code_of(x, other) : other_name, text);
  return true;
}

/* --- effects, one function each: is there one in this case? --- */

static bool opens_export(const struct comparison *x, const struct cells *k)
{
  struct memberset more = memberset_minus(k->next_export, k->old_export);
  if (memberset_empty(&more))
    return false;
  unsigned to = memberset_next(&more, 0);
  return found(x, &k->c, POLICY_OPENS_EXPORT, to, RULE_EXPORT_ALLOW, N_("%1$s would now tell %2$s: %3$s"),
               N_("%1$s would now tell whoever joins later (%2$s): %3$s"), NULL);
}

static bool opens_import(const struct comparison *x, const struct cells *k)
{
  struct memberset more = memberset_minus(k->next_import, k->old_import);
  /* An agency that a rule names belongs to one member only. */
  for (unsigned from = memberset_next(&more, 0); from < MEMBERS_MAX; from = memberset_next(&more, from + 1))
    if (!k->c.agency || country_eq(x->world->members[from].code, k->c.agency->member))
      return found(x, &k->c, POLICY_OPENS_IMPORT, from, RULE_IMPORT_ALLOW,
                   N_("%1$s would now accept from %2$s: %3$s"), N_("%1$s would now accept from whoever joins later (%2$s): %3$s"), NULL);
  return false;
}

static bool opens_onward(const struct comparison *x, const struct cells *k)
{
  struct memberset allow = memberset_minus(k->next->onward_allow, k->old->onward_allow),
                   any = memberset_minus(k->next->onward_any, k->old->onward_any);
  if (!memberset_empty(&allow))
    return found(x, &k->c, POLICY_OPENS_ONWARD, memberset_next(&allow, 0), RULE_ONWARD_ALLOW,
                 N_("others could now pass on from %1$s to %2$s without asking: %3$s"),
                 N_("others could now pass on from %1$s to whoever joins later (%2$s) without asking: %3$s"), NULL);
  return !memberset_empty(&any) &&
         found(x, &k->c, POLICY_OPENS_ONWARD, memberset_next(&any, 0), RULE_ONWARD_ASK,
               N_("others could now ask %1$s to pass on to %2$s: %3$s"),
               N_("others could now ask %1$s to pass on to whoever joins later (%2$s): %3$s"), NULL);
}

static bool drops_obligation(const struct comparison *x, const struct cells *k)
{
  struct memberset dropped = memberset_minus(k->old->orcon, k->next->orcon);
  for (size_t n = 0; n < APPROVALS_LEVELS; n++)
    dropped = memberset_or(dropped, memberset_minus(k->old->more_than[n], k->next->more_than[n]));
  dropped = memberset_and(dropped, k->next_export);
  return !memberset_empty(&dropped) &&
         found(x, &k->c, POLICY_DROPS_OBLIGATION, memberset_next(&dropped, 0), RULE_EXPORT_ALLOW,
               N_("%1$s would now tell %2$s with fewer approvals, or without ORCON: %3$s"),
               N_("%1$s would now tell whoever joins later (%2$s) with fewer approvals, or without ORCON: %3$s"), NULL);
}

static bool opens_transit(const struct comparison *x, const struct cells *k)
{
  const struct country *place;
  for (size_t i = 0; !memberset_empty(&k->next_export) && (place = country_at(i)); i++)
    if (placeset_has(&k->old->denied, *place) && !placeset_has(&k->next->denied, *place)) {
      found(x, &k->c, POLICY_OPENS_TRANSIT, MEMBERS_MAX, RULE_EXPORT_ALLOW,
            N_("what %1$s sends could now pass a hub in %2$s: %3$s"), NULL, place->code);
      if (x->example)
        x->example->place = *place;
      return true;
    }
  return false;
}

static bool lengthens_retention(const struct comparison *x, const struct cells *k)
{
  return !memberset_empty(&k->next_export) && k->old->retain &&
         (!k->next->retain || k->next->retain > k->old->retain) &&
         found(x, &k->c, POLICY_LENGTHENS_RETENTION, MEMBERS_MAX, RULE_EXPORT_ALLOW,
               N_("recipients could now keep for longer what %1$s sends: %3$s"), NULL, NULL);
}

static bool (*const effects[])(const struct comparison *x, const struct cells *k) = {
    opens_export, opens_import, opens_onward, drops_obligation, opens_transit, lengthens_retention,
};

/* --- all cases of one moment --- */

static struct memberset row_of(const struct plan *p, bool import, const struct a_case *c, size_t class,
                               size_t marking)
{
  if (!p)
    return (struct memberset){0};
  size_t variant = c->agency ? plan_variant(p, c->agency->member, slice_str(c->agency->name)) : 0;
  size_t cell = plan_cell(p, variant, plan_size(p, c->size), class, marking);
  return import ? *plan_import(p, cell) : *plan_export(p, cell);
}

static const struct outcome *outcome_of(const struct plan *p, const struct a_case *c, size_t class,
                                        size_t marking)
{
  return p ? plan_outcome(p, c->agency ? plan_variant(p, c->agency->member, slice_str(c->agency->name)) : 0,
                          class, marking)
           : &nothing;
}

static bool case_widens(const struct comparison *x, const struct case_pair *pair, size_t agency, size_t size,
                        size_t marking)
{
  struct cells k = {.c = {.topic = pair->topic,
                          .level = case_level(marking),
                          .tlp = case_tlp(marking),
                          .agency = x->agency[agency],
                          .size = x->size[size],
                          .time = x->at}};
  k.old_export = row_of(x->old, false, &k.c, pair->old_class, marking);
  k.next_export = row_of(x->next, false, &k.c, pair->next_class, marking);
  k.old_import = row_of(x->old, true, &k.c, pair->old_class, marking);
  k.next_import = row_of(x->next, true, &k.c, pair->next_class, marking);
  k.old = outcome_of(x->old, &k.c, pair->old_class, marking);
  k.next = outcome_of(x->next, &k.c, pair->next_class, marking);
  bool widens = false;
  for (size_t i = 0; !widens && i < sizeof effects / sizeof *effects; i++)
    widens = effects[i](x, &k);
  return widens;
}

/* Labels: those that read lower than before, or at all. */
static bool label_widens(const struct comparison *x)
{
  const struct policy *old = x->old_reading->policy, *next = x->next_reading->policy;
  for (size_t i = 0; i < next->n_rules; i++) {
    const struct rule *r = &next->rule[i];
    uint8_t before = r->kind == RULE_LABEL ? policy_label_level(old, r->label) : r->level;
    if (r->kind != RULE_LABEL || (before && before <= r->level))
      continue;
    struct a_case c = {.topic = "", .level = r->level, .tlp = TLP_CLEAR, .time = x->at};
    char where[160], label[128];
    case_example(&c, POLICY_OPENS_LABEL, x->member, MEMBERS_MAX, x->example);
    if (!x->example)
      return true;
    snprintf(where, sizeof where, "%.120s:%u", next->file, r->line);
    snprintf(label, sizeof label, "%.*s", (int)r->label.n, (const char *)r->label.p);
    x->example->line = r->line;
    why_set(&x->example->why, TG_REFUSED, where,
            N_("the label \"%2$s\" of %1$s would now read as %3$s, lower than before"), NULL,
            code_of(x, x->member), label, level_name(r->level));
    return true;
  }
  return false;
}

static bool moment_widens(const struct comparison *x)
{
  for (size_t p = 0; p < x->pairs.n; p++)
    for (size_t a = 0; a < x->n_agencies; a++)
      for (size_t s = 0; s < x->n_sizes; s++)
        for (size_t m = 0; m < MARKINGS; m++)
          if (case_widens(x, &x->pairs.pair[p], a, s, m))
            return true;
  return label_widens(x);
}

/* --- what the two tell apart --- */

static void find_blocs(struct comparison *x, const struct policy *p, const struct policy_world *w)
{
  struct memberset members;
  for (size_t i = 0; i < p->n_names; i++) {
    bool known = p->name[i].kind != NAME_BLOC || !policy_world_bloc(w, p->name[i].text, w->at, &members);
    for (size_t k = 0; k < x->n_blocs && !known; k++)
      known = slice_eq(x->bloc[k], p->name[i].text);
    if (!known)
      x->bloc[x->n_blocs++] = p->name[i].text;
  }
}

static void find_agencies(struct comparison *x, const struct policy *p)
{
  for (size_t i = 0; i < p->n_agencies; i++) {
    bool known = false;
    for (size_t k = 1; k < x->n_agencies && !known; k++)
      known = country_eq(x->agency[k]->member, p->agency[i].member) &&
              !strcmp(x->agency[k]->name, p->agency[i].name);
    if (!known)
      x->agency[x->n_agencies++] = &p->agency[i];
  }
}

/* A size at each limit, and one above all. */
static void find_sizes(struct comparison *x, const struct policy *p)
{
  for (size_t i = 0; i < p->n_sizes; i++)
    x->size[x->n_sizes++] = p->size[i];
}

static enum tg_err compare(struct comparison *x, tg_time from, bool *ret)
{
  enum { CASES_MAX = 20000000 };
  size_t cases = 0;
  enum tg_err err = case_pairs(x->old_reading->policy, x->next_reading->policy, &x->pairs);
  x->n_agencies = 1; /* agency[0]: any other */
  find_agencies(x, x->old_reading->policy);
  find_agencies(x, x->next_reading->policy);
  find_sizes(x, x->old_reading->policy);
  find_sizes(x, x->next_reading->policy);
  x->size[x->n_sizes++] = UINT64_MAX;
  tg_time end_old = x->old_reading->policy->expires, end_next = x->next_reading->policy->expires;
  for (x->at = from; !err && !*ret && x->at < INT64_MAX && (!end_next || x->at < end_next);) {
    bool lives = !end_old || x->at < end_old;
    cases += x->pairs.n * x->n_agencies * x->n_sizes * MARKINGS;
    if (cases > CASES_MAX)
      return TG_TOO_BIG;
    x->old = lives ? plan_new(x->old_reading, x->at) : NULL;
    x->next = plan_new(x->next_reading, x->at);
    err = x->next && (x->old || !lives) ? TG_OK : TG_NO_MEMORY;
    tg_time until = err ? x->at : x->next->until;
    *ret = !err && moment_widens(x);
    until = x->old && x->old->until < until ? x->old->until : until;
    plan_free(x->old);
    plan_free(x->next);
    x->old = x->next = NULL;
    x->at = until;
  }
  /* Pins carry no dates: they hold as long as their policy does. */
  if (!err && !*ret && (!end_old || from < end_old))
    err = case_pin_dropped(&x->pairs, x->old_reading->policy, x->next_reading->policy, from, 0, ret, x->example);
  if (*ret && x->example && x->example->effect == POLICY_DROPS_PIN)
    x->example->originator = x->member;
  return err;
}

/* x->world: as it will be when others have joined. */
static enum tg_err begin(struct comparison *x, const struct policy *old, const struct policy *next, const struct policy_world *world)
{
  x->now = world;
  x->members = world->member_count;
  x->bloc = calloc(old->n_names + next->n_names + 1, sizeof *x->bloc);
  if (!x->bloc)
    return TG_NO_MEMORY;
  find_blocs(x, old, world);
  find_blocs(x, next, world);
  if (!policy_world_joiners(world, x->n_blocs))
    return TG_TOO_BIG;
  x->world = policy_world_joined(world, x->bloc, x->n_blocs);
  if (!x->world)
    return TG_NO_MEMORY;
  x->old_reading = policy_reading_new(old, x->world);
  x->next_reading = policy_reading_new(next, x->world);
  return x->old_reading && x->next_reading ? TG_OK : TG_NO_MEMORY;
}

enum tg_err policy_widens(const struct policy *old, const struct policy *next,
                          const struct policy_world *world, tg_time from, bool *ret,
                          struct policy_example *ret_example)
{
  int member = policy_world_member(world, next->member);
  bool widens = false;
  if (old && (!country_eq(old->member, next->member) || member < 0))
    return TG_BAD_INPUT;
  if (!old) {
    *ret = false;
    return TG_OK;
  }
  struct policy_example example;
  struct comparison x = {.member = (unsigned)member, .example = &example};
  enum tg_err err = begin(&x, old, next, world);
  if (!err)
    err = compare(&x, from, &widens);
  policy_reading_free(x.old_reading);
  policy_reading_free(x.next_reading);
  case_pairs_free(&x.pairs);
  policy_world_free(x.world);
  free(x.bloc);
  if (err)
    return err;
  if (widens && ret_example)
    *ret_example = example;
  *ret = widens;
  return TG_OK;
}

/* The last moment before t at which a policy of the member begins, or `from`. */
static tg_time start_before(const struct policy_set *set, unsigned member, tg_time from, tg_time t)
{
  tg_time last = INT64_MIN;
  for (size_t i = 0; i < set->member[member].n; i++)
    if (set->member[member].kept[i].start < t && set->member[member].kept[i].start > last)
      last = set->member[member].kept[i].start;
  return last > from ? last : from;
}

enum tg_err policy_set_narrowed_from(const struct policy_set *set, const struct policy *next, tg_time from, tg_time *ret,
                                     struct policy_example *ret_example)
{
  const int member = policy_world_member(set->world, next->member);
  *ret = INT64_MAX;
  if (member < 0)
    return TG_BAD_INPUT;
  while (*ret > from) {
    const tg_time t = start_before(set, (unsigned)member, from, *ret);
    const struct kept *old = set_kept(set, (unsigned)member, t);
    bool widens = false;
    enum tg_err err = policy_widens(old ? old->reading->policy : NULL, next, set->world, t, &widens, ret_example);
    if (err || widens)
      return err;
    *ret = t;
  }
  return TG_OK;
}
