#include "policy/policy.h"

#include "keys/document.h"
#include "policy/pattern.h"
#include "policy/rule.h"

#include <stdlib.h>

struct policy *policy_share(const struct policy *p)
{
  struct policy *shared = (struct policy *)p; /* only the count changes */
  atomic_fetch_add(&shared->references, 1);
  return shared;
}

void policy_free(struct policy *p)
{
  if (!p || atomic_fetch_sub(&p->references, 1) > 1)
    return;
  free(p->file);
  free(p->text);
  free(p->line);
  free(p->line_rule);
  free(p->rule);
  free(p->name);
  free(p->rule_pattern);
  free(p->pattern);
  free(p->rule_agency);
  free(p->class_of);
  free(p->pattern_rules_from);
  free(p->pattern_rules);
  topics_free(&p->topics);
  bag_free(&p->classes);
  free(p);
}

struct country policy_member(const struct policy *p)
{
  return p->member;
}
uint64_t policy_serial(const struct policy *p)
{
  return p->serial;
}
tg_time policy_effective(const struct policy *p)
{
  return p->effective;
}
tg_time policy_expires(const struct policy *p)
{
  return p->expires;
}
const char *policy_language(const struct policy *p)
{
  return p->language;
}
enum policy_visibility policy_visibility(const struct policy *p)
{
  return p->visibility;
}
const char *policy_file(const struct policy *p)
{
  return p->file;
}
struct slice policy_text(const struct policy *p)
{
  return slice_of(p->text, p->text_n);
}
struct hash policy_hash(const struct policy *p)
{
  return p->hash;
}
size_t policy_rules(const struct policy *p)
{
  return p->n_rules;
}

struct slice policy_line(const struct policy *p, unsigned line)
{
  return line >= 1 && line <= p->n_lines ? p->line[line - 1] : slice_of(NULL, 0);
}

bool rule_covers_topic(const struct policy *p, const struct rule *r, struct slice topic)
{
  bool covered = !r->patterns.n;
  for (uint32_t i = 0; !covered && i < r->patterns.n; i++)
    covered = pattern_matches(p->pattern[p->rule_pattern[r->patterns.from + i]], topic);
  return covered;
}

bool rule_covers_agency(const struct policy *p, const struct rule *r, struct country member,
                        struct slice agency)
{
  bool covered = !r->agencies.n;
  for (uint32_t i = 0; !covered && i < r->agencies.n; i++) {
    const struct rule_agency *a = &p->agency[p->rule_agency[r->agencies.from + i]];
    covered = country_eq(a->member, member) && slice_is(agency, a->name);
  }
  return covered;
}

bool rule_covers_marking(const struct rule *r, uint8_t level, uint8_t tlp)
{
  return rule_permits(r->kind) ? level <= r->level && tlp <= r->tlp : level >= r->level && tlp >= r->tlp;
}

size_t policy_label_place(const struct policy *p, struct slice label)
{
  size_t low = 0, high = p->n_labels;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (text_order(p->label[middle].text, label) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

uint8_t policy_label_level(const struct policy *p, struct slice label)
{
  size_t i = policy_label_place(p, label);
  return i < p->n_labels && slice_eq(p->label[i].text, label) ? p->label[i].level : 0;
}

int policy_agency(const struct policy *p, struct country member, struct slice name)
{
  for (size_t i = 0; i < p->n_agencies; i++)
    if (country_eq(p->agency[i].member, member) && slice_is(name, p->agency[i].name))
      return (int)i;
  return -1;
}

bool policy_agency_at(const struct policy *p, size_t i, struct country *ret_member, const char **ret_name)
{
  if (i >= p->n_agencies)
    return false;
  *ret_member = p->agency[i].member;
  *ret_name = p->agency[i].name;
  return true;
}

bool policy_size_at(const struct policy *p, size_t i, uint64_t *ret)
{
  if (i >= p->n_sizes)
    return false;
  *ret = p->size[i];
  return true;
}

bool policy_label_at(const struct policy *p, size_t i, struct slice *ret_text, uint8_t *ret_level)
{
  if (i >= p->n_labels)
    return false;
  *ret_text = p->label[i].text;
  *ret_level = p->label[i].level;
  return true;
}
