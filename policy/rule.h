/* The inside of a parsed policy, for the files of this room: its lines, its rules, and the machine of its topics. */
#ifndef TOGUNA_POLICY_RULE_H
#define TOGUNA_POLICY_RULE_H

#include "policy/policy.h"
#include "policy/topics.h"
#include "proto/marking.h"

#include <stdatomic.h>

enum rule_kind {
  RULE_EXPORT_ALLOW,
  RULE_EXPORT_DENY,
  RULE_APPROVALS,
  RULE_ORCON,
  RULE_RETAIN,
  RULE_TRANSIT_DENY,
  RULE_IMPORT_ALLOW,
  RULE_IMPORT_DENY,
  RULE_ONWARD_ASK,
  RULE_ONWARD_ALLOW,
  RULE_LABEL,
  RULE_PIN,
};

/* A run of elements in one of a policy's arrays. */
struct span {
  uint32_t from, n;
};

/* A member or bloc as a rule names it; "*" has neither. */
struct rule_name {
  struct slice text;
  enum { NAME_EVERYONE, NAME_MEMBER, NAME_BLOC } kind;
};

struct rule_agency {
  struct country member;
  char name[LABEL_MAX + 1];
};

/* One line. A rule applies to a portion when all of its conditions do; what a line does not state is no condition.
   `level` and `tlp` are the highest a permitting rule covers, and the lowest a restricting one does (rule_permits()). */
struct rule {
  uint32_t line;
  enum rule_kind kind;
  uint8_t level, tlp;
  uint8_t approvals;
  bool outside;          /* everyone but `names` */
  bool level_stated, tlp_stated;
  struct span patterns;  /* of policy.rule_pattern; n == 0: every topic */
  struct span names;     /* of policy.name; n == 0: every member */
  struct span except;
  struct span agencies;  /* of policy.rule_agency; n == 0: every agency */
  uint64_t max_size;     /* UINT64_MAX: none */
  tg_time from, until;   /* applies while from <= t < until */
  tg_time as_of;         /* 0: blocs as they stand */
  tg_time retain;
  struct slice label;    /* without quotes */
  struct slice from_text, until_text, as_of_text, size_text, retain_text; /* as written, for printing */
};

struct policy {
  atomic_uint references;
  char *file;
  char *text; /* a copy; slices point into it */
  size_t text_n;
  struct hash hash;
  struct country member;
  uint64_t serial;
  tg_time effective, expires;
  char language[36];
  enum policy_visibility visibility;

  size_t n_lines;
  struct slice *line;    /* by number - 1 */
  int32_t *line_rule;    /* by number - 1: index of its rule; LINE_HEAD.. for other lines */
  size_t n_rules, cap_rules;
  struct rule *rule;     /* in order of lines */
  size_t n_names, cap_names;
  struct rule_name *name;
  size_t n_rule_patterns, cap_rule_patterns;
  uint32_t *rule_pattern; /* indexes of `pattern` */
  size_t n_patterns, cap_patterns;
  struct slice *pattern;  /* all different ones, once read */
  size_t n_rule_agencies, cap_rule_agencies;
  uint8_t *rule_agency;   /* indexes of `agency` */
  size_t n_agencies;
  struct rule_agency agency[POLICY_AGENCIES_MAX];
  size_t n_labels;
  struct rule_label {
    struct slice text;
    uint8_t level;
  } label[POLICY_LABELS_MAX]; /* ascending by policy_label_place() */
  size_t n_sizes;
  uint64_t size[POLICY_SIZES_MAX]; /* all max-size values, ascending */

  struct topics topics;
  uint32_t *class_of;     /* by state of topics */
  struct bag classes;     /* by class: the patterns that match */
  uint32_t *pattern_rules_from, *pattern_rules; /* by pattern: the rules that use it; last: those of every topic */
};

enum { LINE_OTHER = -1, LINE_HEAD = -2 };

/* One more owner of a policy; each calls policy_free(). */
struct policy *policy_share(const struct policy *p);

/* Allow and ask rules, and labels: a rule that is missing or no longer understood permits nothing. The others restrict: such a
   rule covers everyone. */
static inline bool rule_permits(enum rule_kind kind)
{
  return kind == RULE_EXPORT_ALLOW || kind == RULE_IMPORT_ALLOW || kind == RULE_ONWARD_ASK ||
         kind == RULE_ONWARD_ALLOW || kind == RULE_LABEL;
}

static inline bool rule_in_time(const struct rule *r, tg_time at)
{
  return r->from <= at && at < r->until;
}

/* Does one of the rule's patterns match? */
bool rule_covers_topic(const struct policy *p, const struct rule *r, struct slice topic);
/* Does the rule cover this agency of this member? */
bool rule_covers_agency(const struct policy *p, const struct rule *r, struct country member, struct slice agency);
/* Is this marking within the rule's bounds? */
bool rule_covers_marking(const struct rule *r, uint8_t level, uint8_t tlp);
/* Where a label stands, or would stand, in policy.label. */
size_t policy_label_place(const struct policy *p, struct slice label);
/* Place of an agency in policy.agency; -1: not named. */
int policy_agency(const struct policy *p, struct country member, struct slice name);

#endif
