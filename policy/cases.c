#include "policy/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct rule *case_rule(const struct reading *r, enum rule_kind kind, const struct a_case *c,
                             struct country originator, unsigned member)
{
  struct facts f = {.level = c->level,
                    .tlp = c->tlp,
                    .size = c->size,
                    .originator = c->agency ? c->agency->member : originator,
                    .agency = slice_str(c->agency ? c->agency->name : ""),
                    .time = c->time};
  for (size_t i = 0; i < r->policy->n_rules; i++)
    if (r->policy->rule[i].kind == kind && memberset_has(&r->who[i], member) &&
        policy_reading_applies(r, i, &f, slice_str(c->topic)))
      return &r->policy->rule[i];
  return NULL;
}

void case_example(const struct a_case *c, enum policy_effect effect, unsigned originator, unsigned member,
                  struct policy_example *ret)
{
  if (!ret)
    return;
  *ret = (struct policy_example){.effect = effect,
                                 .originator = originator,
                                 .member = member,
                                 .level = c->level,
                                 .tlp = c->tlp,
                                 .size = c->size,
                                 .time = c->time};
  snprintf(ret->topic, sizeof ret->topic, "%s", c->topic);
  snprintf(ret->agency, sizeof ret->agency, "%s", c->agency ? c->agency->name : "");
}

void case_print(const struct a_case *c, char out[128])
{
  char from[48] = "";
  if (c->agency)
    snprintf(from, sizeof from, " %s/%s", c->agency->member.code, c->agency->name);
  snprintf(out, 128, "%.64s %s TLP:%s%.36s", c->topic, level_name(c->level), tlp_name(c->tlp), from);
}

topic_text *case_topics(const struct policy *p)
{
  topic_text *by_state, *by_class = calloc(p->classes.count, sizeof *by_class);
  if (!by_class || topics_examples(&p->topics, &by_state)) {
    free(by_class);
    return NULL;
  }
  for (size_t s = 0; s < p->topics.n_states; s++) {
    char *have = by_class[p->class_of[s]];
    if (by_state[s][0] && (!have[0] || strlen(by_state[s]) < strlen(have)))
      memcpy(have, by_state[s], sizeof by_state[s]);
  }
  free(by_state);
  return by_class;
}
