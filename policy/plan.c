#include "policy/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct plan *plan_share(struct plan *p)
{
  atomic_fetch_add(&p->references, 1);
  return p;
}

void plan_free(struct plan *p)
{
  if (!p || atomic_fetch_sub(&p->references, 1) > 1)
    return;
  policy_reading_free(p->reading);
  free(p->export_cell);
  free(p->import_cell);
  free(p->outcome_cell);
  free(p->row);
  free(p->outcome);
  free(p);
}

/* --- sets of members by marking ---
   A permitting rule is entered once, at the highest marking it covers, and spreads down; a restricting one at
   the lowest, and spreads up. So the cost is the rules plus the cells, not their product. */

struct grid {
  struct memberset at[MARKINGS];
};

static void merge(struct memberset *into, const struct memberset *from)
{
  *into = memberset_or(*into, *from);
}

static void spread_down(struct grid *g)
{
  for (size_t i = MARKINGS; i-- > 0;) {
    if (i % 5 < 4)
      merge(&g->at[i], &g->at[i + 1]);
    if (i / 5 < 4)
      merge(&g->at[i], &g->at[i + 5]);
  }
}

static void spread_up(struct grid *g)
{
  for (size_t i = 0; i < MARKINGS; i++) {
    if (i % 5 > 0)
      merge(&g->at[i], &g->at[i - 1]);
    if (i / 5 > 0)
      merge(&g->at[i], &g->at[i - 5]);
  }
}

/* --- compiling --- */

struct compiler {
  struct plan *plan;
  const struct policy *policy;
  const struct reading *reading;
  tg_time at;
  struct bag rows, outcomes;
  uint32_t *rules; /* of the class at hand, those in force at `at` */
  size_t n_rules;
  bool *listed;       /* by rule: is it in `rules`? */
  struct grid *allow; /* by size class */
  bool failed;
};

static uint32_t put_row(struct compiler *c, const struct memberset *s)
{
  uint32_t words[sizeof *s / sizeof(uint32_t)], row;
  memcpy(words, s, sizeof *s);
  row = bag_put(&c->rows, words, sizeof words / sizeof *words);
  c->failed = c->failed || row == BAG_NONE;
  return row;
}

static uint32_t put_outcome(struct compiler *c, const struct outcome *o)
{
  static_assert(sizeof(struct outcome) % sizeof(uint64_t) == 0, "no gaps");
  uint32_t words[sizeof *o / sizeof(uint32_t)], number;
  memcpy(words, o, sizeof *o);
  number = bag_put(&c->outcomes, words, sizeof words / sizeof *words);
  c->failed = c->failed || number == BAG_NONE;
  return number;
}

static void list_rule(struct compiler *c, uint32_t i)
{
  if (c->listed[i] || !rule_in_time(&c->policy->rule[i], c->at))
    return;
  c->listed[i] = true;
  c->rules[c->n_rules++] = i;
}

/* The rules of a class of topics: those of each pattern that matches there, and those for every topic. */
static void gather_rules(struct compiler *c, uint32_t class)
{
  const struct policy *p = c->policy;
  size_t n;
  const uint32_t *patterns = bag_get(&p->classes, class, &n);
  while (c->n_rules > 0)
    c->listed[c->rules[--c->n_rules]] = false;
  for (size_t i = 0; i <= n; i++) {
    size_t pattern = i < n ? patterns[i] : p->n_patterns;
    for (uint32_t k = p->pattern_rules_from[pattern]; k < p->pattern_rules_from[pattern + 1]; k++)
      list_rule(c, p->pattern_rules[k]);
  }
}

/* Does the rule cover the agencies that `variant` stands for? */
static bool covers_variant(const struct policy *p, const struct rule *r, size_t variant)
{
  bool covered = !r->agencies.n;
  for (uint32_t i = 0; !covered && i < r->agencies.n; i++)
    covered = p->rule_agency[r->agencies.from + i] + 1u == variant;
  return covered;
}

static size_t size_class(const struct policy *p, const struct rule *r)
{
  size_t i = 0;
  while (i < p->n_sizes && p->size[i] < r->max_size)
    i++;
  return i;
}

/* One direction of a class: who is allowed and not denied. */
static void compile_direction(struct compiler *c, uint32_t class, size_t variant, enum rule_kind allow,
                              enum rule_kind deny, uint32_t *cells)
{
  struct grid denied = {0};
  size_t sizes = c->plan->sizes;
  memset(c->allow, 0, sizes * sizeof *c->allow);
  for (size_t i = 0; i < c->n_rules; i++) {
    const struct rule *r = &c->policy->rule[c->rules[i]];
    if ((r->kind != allow && r->kind != deny) || !covers_variant(c->policy, r, variant))
      continue;
    struct grid *g = r->kind == allow ? &c->allow[size_class(c->policy, r)] : &denied;
    merge(&g->at[plan_marking(r->level, r->tlp)], &c->reading->who[c->rules[i]]);
  }
  spread_up(&denied);
  for (size_t s = sizes; s-- > 0;) {
    for (size_t m = 0; s + 1 < sizes && m < MARKINGS; m++)
      merge(&c->allow[s].at[m], &c->allow[s + 1].at[m]);
    spread_down(&c->allow[s]);
  }
  for (size_t s = 0; s < sizes; s++)
    for (size_t m = 0; m < MARKINGS; m++) {
      struct memberset row = memberset_minus(c->allow[s].at[m], denied.at[m]);
      cells[plan_cell(c->plan, variant, s, class, m)] = put_row(c, &row);
    }
}

static void owe(struct outcome *o, const struct rule *r, const struct memberset *who,
                const struct placeset *where)
{
  for (size_t n = 0; n < r->approvals && n < APPROVALS_LEVELS; n++)
    merge(&o->more_than[n], who);
  if (r->kind == RULE_ORCON)
    merge(&o->orcon, who);
  if (r->kind == RULE_RETAIN && (!o->retain || r->retain < o->retain))
    o->retain = r->retain;
  for (size_t k = 0; where && k < sizeof where->w / sizeof *where->w; k++)
    o->denied.w[k] |= where->w[k];
}

/* What holds at a marking holds above it. */
static void owe_as_well(struct outcome *o, const struct outcome *below)
{
  for (size_t n = 0; n < APPROVALS_LEVELS; n++)
    merge(&o->more_than[n], &below->more_than[n]);
  merge(&o->orcon, &below->orcon);
  if (below->retain && (!o->retain || below->retain < o->retain))
    o->retain = below->retain;
  for (size_t k = 0; k < sizeof o->denied.w / sizeof *o->denied.w; k++)
    o->denied.w[k] |= below->denied.w[k];
}

/* Obligations, transit and onward release of a class. */
static void compile_outcomes(struct compiler *c, uint32_t class, size_t variant)
{
  struct outcome at[MARKINGS] = {0};
  struct grid onward = {0}, ask = {0}, denied = {0};
  for (size_t i = 0; i < c->n_rules; i++) {
    const struct rule *r = &c->policy->rule[c->rules[i]];
    const struct memberset *who = &c->reading->who[c->rules[i]];
    size_t m = plan_marking(r->level, r->tlp);
    if (!covers_variant(c->policy, r, variant))
      continue;
    if (r->kind == RULE_EXPORT_DENY)
      merge(&denied.at[m], who);
    else if (r->kind == RULE_ONWARD_ALLOW)
      merge(&onward.at[m], who);
    else if (r->kind == RULE_ONWARD_ASK)
      merge(&ask.at[m], who);
    else if (r->kind == RULE_APPROVALS || r->kind == RULE_ORCON || r->kind == RULE_RETAIN ||
             r->kind == RULE_TRANSIT_DENY)
      owe(&at[m], r, who, r->kind == RULE_TRANSIT_DENY ? &c->reading->where[c->rules[i]] : NULL);
  }
  spread_up(&denied);
  spread_down(&onward);
  spread_down(&ask);
  for (size_t m = 0; m < MARKINGS; m++) {
    if (m % 5 > 0)
      owe_as_well(&at[m], &at[m - 1]);
    if (m / 5 > 0)
      owe_as_well(&at[m], &at[m - 5]);
    at[m].onward_allow = memberset_minus(onward.at[m], denied.at[m]);
    at[m].onward_any = memberset_or(onward.at[m], ask.at[m]);
    c->plan->outcome_cell[(variant * c->plan->classes + class) * MARKINGS + m] = put_outcome(c, &at[m]);
  }
}

/* Between which moments around `at` nothing in the policy begins or ends. */
static void find_window(struct plan *plan, const struct policy *p, tg_time at)
{
  plan->from = INT64_MIN;
  plan->until = p->expires ? p->expires : INT64_MAX;
  for (size_t i = 0; i < p->n_rules; i++) {
    const tg_time edges[] = {p->rule[i].from, p->rule[i].until};
    for (size_t k = 0; k < 2; k++) {
      if (edges[k] <= at && edges[k] > plan->from)
        plan->from = edges[k];
      if (edges[k] > at && edges[k] < plan->until)
        plan->until = edges[k];
    }
  }
}

static void *copy_of(const uint32_t *pool, size_t count, size_t size)
{
  void *copy = malloc(count * size + 1);
  if (copy)
    memcpy(copy, pool, count * size);
  return copy;
}

static bool compile(struct compiler *c)
{
  struct plan *plan = c->plan;
  size_t classes = plan->classes, cells = plan->variants * classes * MARKINGS;
  c->rules = calloc(c->policy->n_rules + 1, sizeof *c->rules);
  c->listed = calloc(c->policy->n_rules + 1, sizeof *c->listed);
  c->allow = calloc(plan->sizes, sizeof *c->allow);
  plan->export_cell = calloc(cells * plan->sizes, sizeof *plan->export_cell);
  plan->import_cell = calloc(cells * plan->sizes, sizeof *plan->import_cell);
  plan->outcome_cell = calloc(cells, sizeof *plan->outcome_cell);
  if (!c->rules || !c->listed || !c->allow || !plan->export_cell || !plan->import_cell || !plan->outcome_cell)
    return false;
  for (uint32_t class = 0; class < classes && !c->failed; class ++) {
    gather_rules(c, class);
    for (size_t v = 0; v < plan->variants; v++) {
      compile_direction(c, class, v, RULE_EXPORT_ALLOW, RULE_EXPORT_DENY, plan->export_cell);
      compile_direction(c, class, v, RULE_IMPORT_ALLOW, RULE_IMPORT_DENY, plan->import_cell);
      compile_outcomes(c, class, v);
    }
  }
  if (c->failed)
    return false;
  plan->row = copy_of(c->rows.pool, c->rows.count, sizeof *plan->row);
  plan->outcome = copy_of(c->outcomes.pool, c->outcomes.count, sizeof *plan->outcome);
  return plan->row && plan->outcome;
}

struct plan *plan_new(struct reading *reading, tg_time at)
{
  struct plan *plan = calloc(1, sizeof *plan);
  if (!plan)
    return NULL;
  const struct policy *p = reading->policy;
  atomic_init(&plan->references, 1);
  plan->reading = policy_reading_share(reading);
  plan->variants = p->n_agencies + 1;
  plan->sizes = p->n_sizes + 1;
  plan->classes = p->classes.count;
  find_window(plan, p, at);
  struct compiler c = {.plan = plan, .policy = p, .reading = reading, .at = at};
  bool done = compile(&c);
  free(c.rules);
  free(c.listed);
  free(c.allow);
  bag_free(&c.rows);
  bag_free(&c.outcomes);
  if (done)
    return plan;
  plan_free(plan);
  return NULL;
}
