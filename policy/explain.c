#include "policy/explain.h"

#include "policy/judge.h"

#include <stdio.h>

/* What is said of one member, and who asks. */
struct question {
  const struct policy_set *set;
  const struct policy_request *q;
  const struct policy_portion *portion;
  struct facts facts;
  bool mapped; /* is the national label? */
  unsigned member;
  const char *code, *from; /* of the member and the originator */
  bool sees_export, sees_import;
};

static void say(struct policy_reason *r, const char *where, const char *what, const char *todo, const char *a,
                const char *b, const char *c)
{
  why_set(&r->why, r->stage == POLICY_PERMITTED ? TG_OK : TG_REFUSED, where, what, todo, a, b, c);
}

/* --- one function per stage --- */

static void charter_reason(const struct question *x, struct policy_reason *r)
{
  const struct policy_member *from = &x->set->world->members[x->q->originator],
                             *to = x->member < x->set->world->member_count
                                       ? &x->set->world->members[x->member]
                                       : NULL;
  const char *level = level_name(x->facts.level);
  if (!to || !to->code.code[0])
    say(r, NULL, N_("this state is no member of the exchange"), NULL, NULL, NULL, NULL);
  else if (!(x->q->owed ? from->connects : from->originates))
    say(r, NULL, N_("%1$s may not send this under the charter in force"), NULL, x->from, NULL, NULL);
  else if (!(x->q->owed ? to->connects : to->receives))
    say(r, NULL, N_("%1$s may not receive this under the charter in force"), NULL, x->code, NULL, NULL);
  else if (x->facts.level > from->ceiling)
    say(r, NULL, N_("%2$s is above the highest level that the charter lets %1$s send"), NULL, x->from, level,
        NULL);
  else if (x->facts.level > to->ceiling)
    say(r, NULL, N_("%2$s is above the highest level that the charter lets %1$s receive"), NULL, x->code,
        level, NULL);
  else
    say(r, NULL, N_("the charter does not allow the cipher suite of this bulletin"), NULL, NULL, NULL, NULL);
}

static void marking_reason(const struct question *x, struct policy_reason *r)
{
  char label[128];
  size_t n = x->portion->label.n < sizeof label ? x->portion->label.n : sizeof label - 1;
  snprintf(label, sizeof label, "%.*s", (int)n, (const char *)x->portion->label.p);
  if (!x->mapped)
    say(r, NULL, N_("the policy of %1$s in force does not say which level the label \"%2$s\" stands for"),
        N_("add a line such as: label \"%2$s\" is SECRET"), x->from, label, NULL);
  else if (x->q->time >= x->q->expires)
    say(r, NULL, N_("the bulletin has expired"), NULL, NULL, NULL, NULL);
  else
    say(r, NULL, N_("%1$s is not on the release list"), NULL, x->code, NULL, NULL);
}

static void export_reason(const struct question *x, struct policy_reason *r, const char *where)
{
  if (!set_kept(x->set, x->q->originator, x->q->time))
    say(r, NULL, N_("%1$s has no policy in force, which permits nothing"), N_("publish one"), x->from, NULL,
        NULL);
  else if (!set_reading(x->set, x->q->originator, x->q->time))
    say(r, NULL, N_("the policy of %1$s has expired and permits nothing"), N_("publish a new one"), x->from,
        NULL, NULL);
  else if (r->line)
    say(r, where, N_("%1$s does not tell this to %2$s"), NULL, x->from, x->code, NULL);
  else
    say(r, NULL, N_("no rule of %1$s allows telling this to %2$s"), NULL, x->from, x->code, NULL);
}

static void obligation_reason(const struct question *x, const struct judgement *j, struct policy_reason *r,
                              const char *where)
{
  char need[16], have[16];
  snprintf(need, sizeof need, "%u", j->approvals);
  snprintf(have, sizeof have, "%u", x->q->approvals);
  if (j->approvals && j->orcon)
    say(r, where,
        j->approvals == 1 ? N_("telling this to %1$s takes an approval by a release officer (there are %3$s), and the caveat ORCON")
                          : N_("telling this to %1$s takes %2$s approvals by release officers, of which there are %3$s, and the "
                               "caveat ORCON"),
        N_("ask the officers to approve it, and mark it ORCON"), x->code, need, have);
  else if (j->approvals)
    say(r, where,
        j->approvals == 1 ? N_("telling this to %1$s takes an approval by a release officer, and there is none")
                          : N_("telling this to %1$s takes %2$s approvals by release officers, of which there are %3$s"),
        N_("ask the officers to approve it"), x->code, need, have);
  else
    say(r, where, N_("telling this to %1$s takes the caveat ORCON"), N_("mark it ORCON"), x->code, NULL,
        NULL);
}

static void import_reason(const struct question *x, struct policy_reason *r, const char *where)
{
  if (!x->sees_import)
    say(r, NULL, N_("refused by the recipient, %1$s"), NULL, x->code, NULL, NULL);
  else if (!set_reading(x->set, x->member, x->q->time))
    say(r, NULL, N_("%1$s has no policy in force, which accepts nothing"), N_("publish one"), x->code, NULL,
        NULL);
  else if (r->line)
    say(r, where, N_("%1$s does not accept this from %2$s"), NULL, x->code, x->from, NULL);
  else
    say(r, NULL, N_("no rule of %1$s accepts this from %2$s"), NULL, x->code, x->from, NULL);
}

static void permitted_reason(const struct question *x, struct policy_reason *r, const char *where)
{
  char accepted[128] = "";
  if (r->import_line)
    snprintf(accepted, sizeof accepted, "%.100s:%u", policy_file(r->import_policy), r->import_line);
  if (r->line && r->import_line)
    say(r, where, N_("%1$s tells this to %2$s, which accepts it by %3$s"), NULL, x->from, x->code, accepted);
  else if (r->line)
    say(r, where, N_("%1$s tells this to %2$s, which accepts it"), NULL, x->from, x->code, NULL);
  else
    say(r, accepted, N_("%2$s accepts this from %1$s"), NULL, x->from, x->code, NULL);
}

/* --- the answer --- */

static void fill(const struct question *x, const struct judgement *j, struct policy_reason *r)
{
  bool theirs = j->stage == POLICY_IMPORT, seen = theirs ? x->sees_import : x->sees_export;
  char where[160] = "";
  r->stage = j->stage;
  if (j->reading && j->rule != SIZE_MAX && seen) {
    r->policy = j->reading->policy;
    r->line = j->reading->policy->rule[j->rule].line;
    snprintf(where, sizeof where, "%.120s:%u", policy_file(r->policy), r->line);
  }
  if (j->import && x->sees_import) {
    r->import_policy = j->import->policy;
    r->import_line = j->import->policy->rule[j->import_rule].line;
  }
  switch (j->stage) {
  case POLICY_PERMITTED:
    permitted_reason(x, r, where);
    break;
  case POLICY_CHARTER:
    charter_reason(x, r);
    break;
  case POLICY_MARKING:
    marking_reason(x, r);
    break;
  case POLICY_EXPORT:
    export_reason(x, r, where);
    break;
  case POLICY_OBLIGATION:
    obligation_reason(x, j, r, where);
    break;
  case POLICY_TRANSIT:
    say(r, where, N_("%1$s does not let this pass through the hub's country"), NULL, x->from, NULL, NULL);
    break;
  case POLICY_IMPORT:
    import_reason(x, r, where);
    break;
  case POLICY_SOURCES:
    say(r, NULL, N_("a bulletin that this one derives from was not released to %1$s"),
        N_("ask its originator for release"), x->code, NULL, NULL);
    break;
  }
}

enum tg_err policy_explain(const struct policy_set *set, const struct policy_request *request, size_t portion,
                           unsigned member, int asked_by, struct policy_reason *ret)
{
  if (request_check(set, request) || portion >= request->portion_count)
    return TG_BAD_INPUT;
  bool all = asked_by == POLICY_ASKED_BY_ALL, sender = asked_by == (int)request->originator,
       recipient = asked_by == (int)member;
  if (!all && !sender && !recipient)
    return TG_NOT_FOUND;
  struct judgement j = judge(set, request, portion, member);
  bool its_own = j.stage == POLICY_PERMITTED || (j.stage == POLICY_IMPORT && !j.kept_from_it);
  if (!all && !sender && !its_own)
    return TG_NOT_FOUND;
  struct question x = {.set = set,
                       .q = request,
                       .portion = &request->portions[portion],
                       .member = member,
                       .from = set->world->members[request->originator].code.code,
                       .code = member < set->world->member_count ? set->world->members[member].code.code : "",
                       .sees_export = all || sender,
                       .sees_import = all || recipient};
  struct policy_reason reason = {.stage = j.stage};
  x.mapped = request_facts(set, request, portion, &x.facts);
  fill(&x, &j, &reason);
  *ret = reason;
  return TG_OK;
}
