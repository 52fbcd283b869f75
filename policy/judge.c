#include "policy/judge.h"

#include "proto/subject.h"

/* --- the request --- */

static bool portion_valid(const struct policy_portion *p)
{
  return p->level >= LEVEL_UNCLASSIFIED && p->level <= LEVEL_TOP_SECRET && p->tlp >= TLP_CLEAR &&
         p->tlp <= TLP_RED;
}

enum tg_err request_check(const struct policy_set *set, const struct policy_request *q)
{
  bool good = q->originator < set->world->member_count && set->world->members[q->originator].code.code[0] &&
              q->agency.n && q->topic_count >= 1 && q->topic_count <= POLICY_TOPICS_MAX &&
              q->hub_count <= POLICY_HUBS_MAX && q->source_count <= POLICY_SOURCES_MAX &&
              q->portion_count >= 1 && q->portion_count <= POLICY_PORTIONS_MAX;
  for (size_t i = 0; good && i < q->topic_count; i++)
    good = topic_valid(q->topics[i]);
  for (size_t i = 0; good && i < q->hub_count; i++)
    good = place_bit(q->hubs[i]) >= 0;
  for (size_t i = 0; good && i < q->portion_count; i++)
    good = portion_valid(&q->portions[i]);
  return good ? TG_OK : TG_BAD_INPUT;
}

bool request_facts(const struct policy_set *set, const struct policy_request *q, size_t portion,
                   struct facts *ret)
{
  const struct policy_portion *p = &q->portions[portion];
  uint8_t mapped = LEVEL_UNCLASSIFIED;
  if (p->label.n) {
    const struct reading *r = set_reading(set, q->originator, q->time);
    mapped = r ? policy_label_level(r->policy, p->label) : 0;
  }
  *ret = (struct facts){.level = mapped > p->level ? mapped : p->level,
                        .tlp = p->tlp,
                        .size = p->size,
                        .originator = set->world->members[q->originator].code,
                        .agency = q->agency,
                        .time = q->time};
  return mapped != 0;
}

/* --- stages --- */

/* The first rule of a kind that applies to the member, under this topic; SIZE_MAX: none. */
static size_t find_rule(const struct reading *r, enum rule_kind kind, const struct facts *f,
                        struct slice topic, unsigned member)
{
  for (size_t i = 0; r && i < r->policy->n_rules; i++)
    if (r->policy->rule[i].kind == kind && memberset_has(&r->who[i], member) &&
        policy_reading_applies(r, i, f, topic))
      return i;
  return SIZE_MAX;
}

static bool stage_charter(const struct policy_set *set, const struct policy_request *q, const struct facts *f,
                          unsigned member)
{
  const struct policy_world *w = set->world;
  if (member >= w->member_count || !w->members[member].code.code[0])
    return false;
  const struct policy_member *from = &w->members[q->originator], *to = &w->members[member];
  bool suite = false;
  for (size_t i = 0; i < w->suite_count; i++)
    suite = suite || w->suites[i] == q->suite;
  bool stands = q->owed ? from->connects && to->connects : from->originates && to->receives;
  return suite && stands && f->level <= from->ceiling && f->level <= to->ceiling;
}

static bool stage_marking(const struct policy_request *q, const struct policy_portion *p, bool mapped,
                          unsigned member)
{
  return mapped && q->time < q->expires && memberset_has(&p->release, member);
}

/* Allowed under every topic and denied under none; the rule that decides in *rule. */
static bool stage_rules(const struct reading *r, enum rule_kind allow, enum rule_kind deny,
                        const struct policy_request *q, const struct facts *f, unsigned member, size_t *rule)
{
  for (size_t i = 0; i < q->topic_count; i++)
    if ((*rule = find_rule(r, deny, f, q->topics[i], member)) != SIZE_MAX)
      return false;
  for (size_t i = 0; i < q->topic_count; i++)
    if ((*rule = find_rule(r, allow, f, q->topics[i], member)) == SIZE_MAX)
      return false;
  return true;
}

static bool any_topic(const struct reading *r, size_t i, const struct policy_request *q,
                      const struct facts *f)
{
  bool applies = false;
  for (size_t t = 0; !applies && t < q->topic_count; t++)
    applies = policy_reading_applies(r, i, f, q->topics[t]);
  return applies;
}

/* What lacks, and the first rule that is not met. */
static bool stage_obligations(const struct reading *r, const struct policy_request *q,
                              const struct policy_portion *p, const struct facts *f, unsigned member,
                              struct judgement *j, size_t *rule)
{
  bool met = true;
  for (size_t i = 0; r && i < r->policy->n_rules; i++) {
    const struct rule *o = &r->policy->rule[i];
    bool lacks =
        (o->kind == RULE_APPROVALS && o->approvals > q->approvals) || (o->kind == RULE_ORCON && !p->orcon);
    if (!lacks || !memberset_has(&r->who[i], member) || !any_topic(r, i, q, f))
      continue;
    if (met)
      *rule = i;
    met = false;
    j->orcon = j->orcon || o->kind == RULE_ORCON;
    if (o->approvals > j->approvals)
      j->approvals = o->approvals;
  }
  return met;
}

static bool stage_transit(const struct reading *r, const struct policy_request *q, const struct facts *f,
                          size_t *rule)
{
  for (size_t i = 0; r && r->where && i < r->policy->n_rules; i++)
    for (size_t h = 0; r->policy->rule[i].kind == RULE_TRANSIT_DENY && h < q->hub_count; h++)
      if (placeset_has(&r->where[i], q->hubs[h]) && any_topic(r, i, q, f)) {
        *rule = i;
        return false;
      }
  return true;
}

static bool stage_sources(const struct policy_request *q, unsigned member)
{
  for (size_t i = 0; i < q->source_count; i++)
    if (!memberset_has(&q->sources[i].release, member) && !memberset_has(&q->sources[i].granted, member))
      return false;
  return true;
}

static struct judgement refused(struct judgement j, enum policy_stage stage, const struct reading *r,
                                size_t rule)
{
  j.stage = stage;
  j.reading = r;
  j.rule = rule;
  return j;
}

struct judgement judge(const struct policy_set *set, const struct policy_request *q, size_t portion,
                       unsigned member)
{
  const struct policy_portion *p = &q->portions[portion];
  const struct reading *own = set_reading(set, q->originator, q->time),
                       *theirs = set_reading(set, member, q->time);
  struct judgement j = {.rule = SIZE_MAX, .import_rule = SIZE_MAX};
  struct facts f;
  size_t export, owed = SIZE_MAX, transit = SIZE_MAX, import;
  bool mapped = request_facts(set, q, portion, &f);
  if (!stage_charter(set, q, &f, member))
    return refused(j, POLICY_CHARTER, NULL, SIZE_MAX);
  if (!stage_marking(q, p, mapped, member))
    return refused(j, POLICY_MARKING, NULL, SIZE_MAX);
  if (!stage_rules(own, RULE_EXPORT_ALLOW, RULE_EXPORT_DENY, q, &f, member, &export))
    return refused(j, POLICY_EXPORT, own, export);
  bool met = stage_obligations(own, q, p, &f, member, &j, &owed),
       passes = stage_transit(own, q, &f, &transit),
       accepted = stage_rules(theirs, RULE_IMPORT_ALLOW, RULE_IMPORT_DENY, q, &f, q->originator, &import),
       sourced = stage_sources(q, member);
  j.else_permitted = !met && passes && accepted && sourced;
  j.kept_from_it = !sourced;
  if (!met)
    return refused(j, POLICY_OBLIGATION, own, owed);
  if (!passes)
    return refused(j, POLICY_TRANSIT, own, transit);
  if (!accepted)
    return refused(j, POLICY_IMPORT, theirs, import);
  if (!sourced)
    return refused(j, POLICY_SOURCES, NULL, SIZE_MAX);
  j.reading = own;
  j.rule = export;
  j.import = theirs;
  j.import_rule = import;
  return j;
}

tg_time judge_retention(const struct policy_set *set, const struct policy_request *q, const struct facts *f)
{
  const struct reading *r = set_reading(set, q->originator, q->time);
  tg_time shortest = 0;
  for (size_t i = 0; r && i < r->policy->n_rules; i++) {
    const struct rule *rule = &r->policy->rule[i];
    if (rule->kind == RULE_RETAIN && (!shortest || rule->retain < shortest) && any_topic(r, i, q, f))
      shortest = rule->retain;
  }
  return shortest;
}

void judge_onward(const struct policy_set *set, const struct policy_request *q, const struct facts *f,
                  struct memberset *ret_allow, struct memberset *ret_any)
{
  const struct reading *r = set_reading(set, q->originator, q->time);
  *ret_allow = *ret_any = (struct memberset){0};
  for (unsigned m = 0; r && m < set->world->member_count; m++) {
    bool allow = true, any = true;
    for (size_t i = 0; i < q->topic_count; i++) {
      bool allowed = find_rule(r, RULE_ONWARD_ALLOW, f, q->topics[i], m) != SIZE_MAX;
      any = any && (allowed || find_rule(r, RULE_ONWARD_ASK, f, q->topics[i], m) != SIZE_MAX);
      allow = allow && allowed && find_rule(r, RULE_EXPORT_DENY, f, q->topics[i], m) == SIZE_MAX;
    }
    if (allow)
      memberset_add(ret_allow, m);
    if (any)
      memberset_add(ret_any, m);
  }
}
