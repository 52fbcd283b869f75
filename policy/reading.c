#include "policy/reading.h"

#include <stdlib.h>

struct reading *policy_reading_share(struct reading *r)
{
  atomic_fetch_add(&r->references, 1);
  return r;
}

void policy_reading_free(struct reading *r)
{
  if (!r || atomic_fetch_sub(&r->references, 1) > 1)
    return;
  policy_free(r->policy);
  free(r->who);
  free(r->where);
  free(r);
}

/* What a list of names stands for. `lost`: a bloc in it no longer exists. A state that is no member any more
   is simply nobody: its name says exactly who it was, and nothing reaches it. */
struct meaning {
  struct memberset members;
  bool lost;
};

static struct meaning list_meaning(const struct policy *p, struct span list, const struct policy_world *w,
                                   tg_time at)
{
  struct meaning m = {0};
  for (uint32_t i = 0; i < list.n; i++) {
    const struct rule_name *n = &p->name[list.from + i];
    struct memberset bloc = {0};
    struct country country;
    int member;
    if (n->kind == NAME_EVERYONE)
      m.members = policy_world_everyone(w);
    else if (n->kind == NAME_BLOC)
      m.lost = !policy_world_bloc(w, n->text, at, &bloc) || m.lost;
    else if (!country_parse(n->text, &country) && (member = policy_world_member(w, country)) >= 0)
      memberset_add(&m.members, (unsigned)member);
    m.members = memberset_or(m.members, bloc);
  }
  return m;
}

static struct memberset rule_who(const struct policy *p, const struct rule *r, const struct policy_world *w)
{
  tg_time at = r->as_of ? r->as_of : w->at;
  struct memberset everyone = policy_world_everyone(w), nobody = {0};
  struct meaning names = list_meaning(p, r->names, w, at), except = list_meaning(p, r->except, w, at);
  if (!r->names.n)
    names.members = everyone;
  if (rule_permits(r->kind) && (except.lost || (names.lost && r->outside)))
    return nobody;
  if (!rule_permits(r->kind) && names.lost)
    return everyone;
  if (r->outside)
    names.members = memberset_minus(everyone, names.members);
  return memberset_and(memberset_minus(names.members, except.members), everyone);
}

/* --- places --- */

static void add_place(struct placeset *s, struct country c)
{
  int bit = place_bit(c);
  if (bit >= 0)
    s->w[bit >> 6] |= UINT64_C(1) << (bit & 63);
}

/* False when a bloc in the list no longer exists. */
static bool list_places(const struct policy *p, struct span list, const struct policy_world *w, tg_time at,
                        struct placeset *out)
{
  bool known = true;
  for (uint32_t i = 0; i < list.n; i++) {
    const struct rule_name *n = &p->name[list.from + i];
    struct country country;
    struct memberset bloc = {0};
    if (n->kind == NAME_EVERYONE)
      for (size_t k = 0; k < 11; k++)
        out->w[k] = UINT64_MAX;
    else if (n->kind == NAME_BLOC)
      known = policy_world_bloc(w, n->text, at, &bloc) && known;
    else if (!country_parse(n->text, &country))
      add_place(out, country);
    for (unsigned m = memberset_next(&bloc, 0); m < w->member_count; m = memberset_next(&bloc, m + 1))
      add_place(out, w->members[m].code);
  }
  return known;
}

static struct placeset rule_where(const struct policy *p, const struct rule *r, const struct policy_world *w)
{
  tg_time at = r->as_of ? r->as_of : w->at;
  struct placeset places = {0}, except = {0};
  bool known = list_places(p, r->names, w, at, &places);
  list_places(p, r->except, w, at, &except);
  for (size_t k = 0; k < 11; k++) {
    uint64_t named = r->outside ? ~places.w[k] : places.w[k];
    places.w[k] = known ? named & ~except.w[k] : UINT64_MAX;
  }
  return places;
}

static bool fill_places(struct reading *r, const struct policy_world *w)
{
  const struct policy *p = r->policy;
  for (size_t i = 0; i < p->n_rules; i++) {
    if (p->rule[i].kind != RULE_TRANSIT_DENY)
      continue;
    if (!r->where && !(r->where = calloc(p->n_rules, sizeof *r->where)))
      return false;
    r->where[i] = rule_where(p, &p->rule[i], w);
  }
  return true;
}

struct reading *policy_reading_new(const struct policy *p, const struct policy_world *w)
{
  struct reading *r = calloc(1, sizeof *r);
  if (!r)
    return NULL;
  atomic_init(&r->references, 1);
  r->policy = policy_share(p);
  r->who = calloc(p->n_rules + 1, sizeof *r->who);
  if (!r->who || !fill_places(r, w)) {
    policy_reading_free(r);
    return NULL;
  }
  for (size_t i = 0; i < p->n_rules; i++)
    r->who[i] = rule_who(p, &p->rule[i], w);
  return r;
}

bool policy_reading_applies(const struct reading *r, size_t i, const struct facts *f, struct slice topic)
{
  const struct policy *p = r->policy;
  const struct rule *rule = &p->rule[i];
  return rule_in_time(rule, f->time) && rule_covers_marking(rule, f->level, f->tlp) &&
         f->size <= rule->max_size && rule_covers_agency(p, rule, f->originator, f->agency) &&
         rule_covers_topic(p, rule, topic);
}
