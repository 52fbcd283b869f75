#include "policy/lint.h"

#include "policy/pattern.h"
#include "policy/reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A warning about a whole rule. */
static void warn(struct parser *x, const struct rule *r, const char *what, const char *todo, const char *a)
{
  x->r.number = r->line;
  x->r.line = x->p->line[r->line - 1];
  reader_warn(&x->r, x->r.line, what, todo, a, NULL);
}

static void never_in_time(struct parser *x, const struct rule *r)
{
  const struct policy *p = x->p;
  if (r->from >= r->until)
    warn(x, r, N_("this rule ends before it begins"), N_("exchange the dates"), NULL);
  else if (r->until <= p->effective || (p->expires && r->from >= p->expires))
    warn(x, r, N_("this rule is over before the policy takes effect, or begins after it ends"),
         N_("correct its dates"), NULL);
}

/* A rule that permits without a level goes as far as the charter lets it, today's and those to come: whoever wrote it may have thought of less. */
static void check_level(struct parser *x, const struct rule *r)
{
  int member = x->world ? policy_world_member(x->world, x->p->member) : -1;
  uint8_t ceiling = member >= 0 ? x->world->members[member].ceiling : LEVEL_TOP_SECRET;
  bool moves = r->kind == RULE_EXPORT_ALLOW || r->kind == RULE_IMPORT_ALLOW;
  if (!moves && r->kind != RULE_ONWARD_ALLOW)
    return;
  if (r->level_stated && r->level > ceiling)
    warn(x, r, N_("this rule goes above the highest level that the charter gives this member, %1$s"),
         N_("lower it, or change the charter"), level_name(ceiling));
  else if (!r->level_stated && moves)
    warn(x, r, N_("this rule names no level, so that it permits every one that the charter does, up to %1$s"),
         N_("add 'up-to %1$s' if that is meant, or a lower level"), level_name(ceiling));
}

/* Does every topic of `inner` match `outer`? May say no where the answer is yes: warnings only. */
static bool pattern_within(struct slice inner, struct slice outer)
{
  if (slice_eq(inner, outer) || slice_is(outer, "**"))
    return true;
  if (outer.n < 4 || memcmp(outer.p + outer.n - 3, ".**", 3) || memchr(outer.p, '*', outer.n - 3))
    return false;
  size_t n = outer.n - 3; /* "alert" of "alert.**" */
  return inner.n >= n && !memcmp(inner.p, outer.p, n) && (inner.n == n || inner.p[n] == '.');
}

static bool topics_within(const struct policy *p, const struct rule *inner, const struct rule *outer)
{
  bool within = true;
  for (uint32_t i = 0; outer->patterns.n && within && i < inner->patterns.n; i++) {
    bool found = false;
    for (uint32_t k = 0; !found && k < outer->patterns.n; k++)
      found = pattern_within(p->pattern[p->rule_pattern[inner->patterns.from + i]],
                             p->pattern[p->rule_pattern[outer->patterns.from + k]]);
    within = found;
  }
  return within;
}

/* Does `deny` take back all that `allow` gives? */
static bool hides(const struct reading *r, size_t deny, size_t allow)
{
  const struct rule *d = &r->policy->rule[deny], *a = &r->policy->rule[allow];
  bool same = (d->kind == RULE_EXPORT_DENY && a->kind == RULE_EXPORT_ALLOW) ||
              (d->kind == RULE_IMPORT_DENY && a->kind == RULE_IMPORT_ALLOW);
  return same && d->level == LEVEL_UNCLASSIFIED && d->tlp == TLP_CLEAR && !d->agencies.n &&
         d->from <= a->from && d->until >= a->until && memberset_within(&r->who[allow], &r->who[deny]) &&
         topics_within(r->policy, a, d);
}

/* Compares every allow with every deny, as long as that stays cheap. */
static void hidden_rules(struct parser *x, const struct reading *r)
{
  enum { PAIRS_MAX = 1000000 };
  const struct policy *p = x->p;
  char line[16];
  size_t pairs = 0;
  for (size_t d = 0; d < p->n_rules; d++)
    for (size_t a = 0;
         (p->rule[d].kind == RULE_EXPORT_DENY || p->rule[d].kind == RULE_IMPORT_DENY) && a < p->n_rules;
         a++) {
      if (++pairs > PAIRS_MAX)
        return;
      if (!hides(r, d, a))
        continue;
      snprintf(line, sizeof line, "%u", p->rule[d].line);
      warn(x, &p->rule[a], N_("this rule permits nothing: line %1$s denies all of it"),
           N_("remove one of the two"), line);
    }
}

/* What a state says to itself passes no policy. */
static void about_itself(struct parser *x, const struct reading *r, size_t i)
{
  const int own = policy_world_member(x->world, x->p->member);
  struct memberset self = {0};
  const enum rule_kind kind = x->p->rule[i].kind;
  const bool moves = kind == RULE_EXPORT_ALLOW || kind == RULE_EXPORT_DENY || kind == RULE_IMPORT_ALLOW || kind == RULE_IMPORT_DENY;
  if (own < 0 || !moves)
    return;
  memberset_add(&self, (unsigned)own);
  if (x->p->rule[i].names.n && memberset_eq(&r->who[i], &self))
    warn(x, &x->p->rule[i], N_("this rule is about %1$s alone, whose own policy this is"), N_("name other members"),
         x->p->member.code);
}

/* On a screen the line seems to end where the gap begins. */
static void wide_gap(struct parser *x, const struct rule *r)
{
  enum { GAP_MAX = 40 }; /* columns may be aligned */
  const struct slice line = x->p->line[r->line - 1];
  size_t gap = 0;
  for (size_t i = 0; i < line.n; i++) {
    if (line.p[i] != ' ' && gap > GAP_MAX) {
      warn(x, r, N_("after a wide gap this rule goes on: look at its end"), N_("'toguna policy fmt' closes the gap"), NULL);
      return;
    }
    gap = line.p[i] == ' ' ? gap + 1 : 0;
  }
}

struct placed {
  struct slice text;
  uint32_t rule;
};

static int by_text_and_place(const void *a, const void *b)
{
  const struct placed *x = a, *y = b;
  int order = text_order(x->text, y->text);
  return order ? order : (x->rule > y->rule) - (x->rule < y->rule);
}

/* Does no harm, and is most likely a slip: the second was to say something else. */
static void said_twice(struct parser *x)
{
  const struct policy *p = x->p;
  struct placed *all = calloc(p->n_rules + 1, sizeof *all);
  char line[16];
  for (uint32_t i = 0; all && i < p->n_rules; i++)
    all[i] = (struct placed){p->line[p->rule[i].line - 1], i};
  if (all)
    qsort(all, p->n_rules, sizeof *all, by_text_and_place);
  for (size_t i = 1; all && i < p->n_rules; i++)
    if (slice_eq(all[i].text, all[i - 1].text)) {
      snprintf(line, sizeof line, "%u", p->rule[all[i - 1].rule].line);
      warn(x, &p->rule[all[i].rule], N_("this rule stands in line %1$s already"), N_("remove one of the two"), line);
    }
  free(all);
}

void lint(struct parser *x)
{
  struct reading *r = x->world ? policy_reading_new(x->p, x->world) : NULL;
  for (size_t i = 0; i < x->p->n_rules; i++) {
    const struct rule *rule = &x->p->rule[i];
    never_in_time(x, rule);
    check_level(x, rule);
    wide_gap(x, rule);
    if (r)
      about_itself(x, r, i);
    if (r && rule->names.n && rule->kind != RULE_TRANSIT_DENY && memberset_empty(&r->who[i]))
      warn(x, rule, N_("this rule is about no member at all"), N_("look at its lists of members"), NULL);
  }
  said_twice(x);
  if (r)
    hidden_rules(x, r);
  policy_reading_free(r);
}
