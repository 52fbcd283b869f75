#include "policy/decide.h"

#include "policy/judge.h"

const char *policy_stage_name(enum policy_stage stage)
{
  static const char *const names[] = {"permitted",  "charter", "marking", "export",
                                      "obligation", "transit", "import",  "sources"};
  return (size_t)stage < sizeof names / sizeof *names ? names[stage] : "?";
}

/* A request with its topics walked. */
struct passage {
  const struct policy_set *set;
  const struct policy_request *q;
  const struct plan *own; /* NULL: the originator permits nothing */
  size_t variant;
  bool suite;
  const uint16_t *row[POLICY_TOPICS_MAX]
                     [MEMBERS_MAX]; /* classes by topic and group; only joint->n_groups are filled in */
};

/* Is the time of this request one that the set is compiled for? */
static bool compiled(const struct policy_set *set, tg_time at)
{
  return set->from <= at && at < set->until;
}

static struct memberset pass_charter(const struct passage *x, const struct facts *f)
{
  const struct policy_set *set = x->set;
  const struct policy_member *from = &set->world->members[x->q->originator];
  bool stands = x->q->owed ? from->connects : from->originates;
  if (!x->suite || !stands || f->level > from->ceiling)
    return (struct memberset){0};
  return x->q->owed ? set->connected[f->level] : set->receivers[f->level];
}

static struct memberset pass_export(const struct passage *x, struct memberset s, const struct facts *f,
                                    size_t marking)
{
  size_t size = plan_size(x->own, f->size);
  for (size_t t = 0; t < x->q->topic_count; t++) {
    size_t class = joint_class(x->set->joint, x->row[t], x->q->originator);
    s = memberset_and(s, *plan_export(x->own, plan_cell(x->own, x->variant, size, class, marking)));
  }
  return s;
}

static bool denies_path(const struct outcome *o, const struct policy_request *q)
{
  bool denied = false;
  for (size_t i = 0; i < q->hub_count; i++)
    denied = denied || placeset_has(&o->denied, q->hubs[i]);
  return denied;
}

/* Who of s is owed more approvals than there are, or ORCON. The highest number required is found last. */
static void owe(const struct outcome *o, const struct policy_request *q, const struct policy_portion *p,
                struct memberset *ret_unmet)
{
  if (q->approvals < APPROVALS_LEVELS)
    *ret_unmet = memberset_or(*ret_unmet, o->more_than[q->approvals]);
  if (!p->orcon)
    *ret_unmet = memberset_or(*ret_unmet, o->orcon);
}

/* What those in `unmet` lack. */
static void tell_lack(const struct outcome *o, const struct policy_request *q, const struct policy_portion *p,
                      struct policy_verdict *v)
{
  for (unsigned n = q->approvals; n < APPROVALS_LEVELS; n++) {
    struct memberset lack = memberset_and(o->more_than[n], v->unmet);
    if (!memberset_empty(&lack) && n + 1 > v->approvals)
      v->approvals = n + 1;
  }
  struct memberset lack = memberset_and(o->orcon, v->unmet);
  v->orcon = v->orcon || (!p->orcon && !memberset_empty(&lack));
}

static struct memberset pass_import(const struct passage *x, struct memberset s, const struct facts *f,
                                    size_t marking)
{
  const struct joint *joint = x->set->joint;
  struct memberset accepted = {0};
  for (unsigned m = memberset_next(&s, 0); m < MEMBERS_MAX; m = memberset_next(&s, m + 1)) {
    const struct plan *p = x->set->plan[m];
    if (!p)
      continue;
    size_t variant = plan_variant(p, f->originator, f->agency), size = plan_size(p, f->size);
    bool good = true;
    for (size_t t = 0; t < x->q->topic_count; t++) {
      size_t cell = plan_cell(p, variant, size, joint_class(joint, x->row[t], m), marking);
      good = good && memberset_has(plan_import(p, cell), x->q->originator);
    }
    if (good)
      memberset_add(&accepted, m);
  }
  return accepted;
}

static struct memberset pass_sources(const struct policy_request *q, struct memberset s)
{
  for (size_t i = 0; i < q->source_count; i++)
    s = memberset_and(s, memberset_or(q->sources[i].release, q->sources[i].granted));
  return s;
}

static void decide_portion(const struct passage *x, size_t portion, struct policy_verdict *v)
{
  const struct policy_request *q = x->q;
  const struct policy_portion *p = &q->portions[portion];
  const struct outcome *outcome[POLICY_TOPICS_MAX];
  struct memberset owed = {0};
  struct facts f;
  bool path = true, mapped = request_facts(x->set, q, portion, &f);
  if (!x->own)
    return;
  size_t marking = plan_marking(f.level, f.tlp);
  for (size_t t = 0; t < q->topic_count; t++) {
    outcome[t] =
        plan_outcome(x->own, x->variant, joint_class(x->set->joint, x->row[t], q->originator), marking);
    if (outcome[t]->retain && (!v->retain || outcome[t]->retain < v->retain))
      v->retain = outcome[t]->retain;
    path = path && !denies_path(outcome[t], q);
    owe(outcome[t], q, p, &owed);
  }
  if (!mapped || q->time >= q->expires || !path)
    return;
  struct memberset s = memberset_and(pass_charter(x, &f), p->release);
  s = pass_export(x, s, &f, marking);
  s = pass_sources(q, s);
  s = pass_import(x, s, &f, marking);
  v->permitted = memberset_minus(s, owed);
  v->unmet = memberset_and(s, owed);
  for (size_t t = 0; t < q->topic_count && !memberset_empty(&v->unmet); t++)
    tell_lack(outcome[t], q, p, v);
}

/* The same, rule by rule, for a time that is not compiled. */
static void judge_portion(const struct policy_set *set, const struct policy_request *q, size_t portion,
                          struct policy_verdict *v)
{
  struct facts f;
  request_facts(set, q, portion, &f);
  v->retain = judge_retention(set, q, &f);
  for (unsigned m = 0; m < set->world->member_count; m++) {
    struct judgement j = judge(set, q, portion, m);
    if (j.stage == POLICY_PERMITTED)
      memberset_add(&v->permitted, m);
    if (!j.else_permitted)
      continue;
    memberset_add(&v->unmet, m);
    v->approvals = j.approvals > v->approvals ? j.approvals : v->approvals;
    v->orcon = v->orcon || j.orcon;
  }
}

static void prepare(struct passage *x, const struct policy_set *set, const struct policy_request *q)
{
  x->set = set;
  x->q = q;
  x->own = set->plan[q->originator];
  x->suite = false;
  for (size_t i = 0; i < set->world->suite_count; i++)
    x->suite = x->suite || set->world->suites[i] == q->suite;
  if (!x->own)
    return;
  x->variant = plan_variant(x->own, set->world->members[q->originator].code, q->agency);
  for (size_t t = 0; t < q->topic_count; t++)
    joint_walk(set->joint, q->topics[t], x->row[t]);
}

enum tg_err policy_decide(const struct policy_set *set, const struct policy_request *request,
                          struct policy_decision *ret)
{
  enum tg_err err = request_check(set, request);
  struct passage x __attribute__((uninitialized)); /* 8 KiB of rows: only those walked are read */
  ret->portion_count =
      request->portion_count < POLICY_PORTIONS_MAX ? request->portion_count : POLICY_PORTIONS_MAX;
  for (size_t i = 0; i < ret->portion_count; i++)
    ret->portions[i] = (struct policy_verdict){0};
  if (err)
    return err;
  bool fast = compiled(set, request->time);
  if (fast)
    prepare(&x, set, request);
  for (size_t i = 0; i < ret->portion_count; i++)
    if (fast)
      decide_portion(&x, i, &ret->portions[i]);
    else
      judge_portion(set, request, i, &ret->portions[i]);
  return TG_OK;
}

/* --- passing on --- */

static void onward_compiled(const struct passage *x, const struct facts *f, struct memberset *allow,
                            struct memberset *any)
{
  size_t marking = plan_marking(f->level, f->tlp);
  for (size_t t = 0; x->own && t < x->q->topic_count; t++) {
    const struct outcome *o =
        plan_outcome(x->own, x->variant, joint_class(x->set->joint, x->row[t], x->q->originator), marking);
    *allow = t ? memberset_and(*allow, o->onward_allow) : o->onward_allow;
    *any = t ? memberset_and(*any, o->onward_any) : o->onward_any;
  }
}

enum tg_err policy_onward(const struct policy_set *set, const struct policy_request *request, size_t portion,
                          struct memberset *ret_allow, struct memberset *ret_ask)
{
  struct memberset allow = {0}, any = {0};
  struct facts f;
  *ret_allow = *ret_ask = (struct memberset){0};
  if (request_check(set, request) || portion >= request->portion_count)
    return TG_BAD_INPUT;
  if (!request_facts(set, request, portion, &f))
    return TG_OK;
  if (compiled(set, request->time)) {
    struct passage x __attribute__((uninitialized));
    prepare(&x, set, request);
    onward_compiled(&x, &f, &allow, &any);
  } else {
    judge_onward(set, request, &f, &allow, &any);
  }
  if (request->portions[portion].orcon)
    allow = (struct memberset){0};
  *ret_allow = allow;
  *ret_ask = memberset_minus(any, allow);
  return TG_OK;
}
