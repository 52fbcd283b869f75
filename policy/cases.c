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

bool case_covers_class(const struct policy *p, const struct rule *r, size_t class)
{
  size_t n;
  const uint32_t *patterns = bag_get(&p->classes, (uint32_t)class, &n);
  bool covers = !r->patterns.n;
  for (uint32_t i = 0; !covers && i < r->patterns.n; i++)
    for (size_t k = 0; !covers && k < n; k++)
      covers = p->rule_pattern[r->patterns.from + i] == patterns[k];
  return covers;
}

enum tg_err case_pairs(const struct policy *old, const struct policy *next, struct case_pairs *ret)
{
  const struct topics *both[2] = {&old->topics, &next->topics};
  struct topics joint;
  struct bag seen = {0};
  uint32_t *parts;
  *ret = (struct case_pairs){0};
  enum tg_err err = topics_join(both, 2, TOPICS_STATES_MAX, &joint, &parts);
  if (err)
    return err;
  err = topics_examples(&joint, &ret->topics);
  if (!err && !(ret->pair = calloc(joint.n_states, sizeof *ret->pair)))
    err = TG_NO_MEMORY;
  for (size_t s = 0; !err && s < joint.n_states; s++) {
    uint32_t pair[2] = {old->class_of[parts[2 * s]], next->class_of[parts[2 * s + 1]]};
    if (!ret->topics[s][0])
      continue;
    uint32_t number = bag_put(&seen, pair, 2);
    if (number == BAG_NONE)
      err = TG_NO_MEMORY;
    else if (number == ret->n)
      ret->pair[ret->n++] = (struct case_pair){pair[0], pair[1], ret->topics[s]};
  }
  topics_free(&joint);
  bag_free(&seen);
  free(parts);
  return err;
}

void case_pairs_free(struct case_pairs *p)
{
  free(p->pair);
  free(p->topics);
  *p = (struct case_pairs){0};
}
