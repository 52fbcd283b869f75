/* The topic machines of several policies walked at once. Where they would multiply into too many states together, they are
   split into groups, each with a machine of its own. */
#ifndef TOGUNA_POLICY_JOINT_H
#define TOGUNA_POLICY_JOINT_H

#include "policy/rule.h"

struct joint_group {
  struct topics topics;
  size_t n;
  uint16_t *classes; /* [state][column]: the class in that policy */
};

struct joint {
  atomic_uint references;
  size_t n_groups;
  struct joint_group group[MEMBERS_MAX];
  uint16_t group_of[MEMBERS_MAX], column[MEMBERS_MAX]; /* by place in `policy` */
  const struct policy *policy[MEMBERS_MAX];            /* whom it was made for, NULL: none; for comparison only */
};

/* A machine for these policies (NULL: none at that place). NULL without memory. */
struct joint *joint_new(const struct policy *const policies[MEMBERS_MAX]);
struct joint *joint_share(struct joint *j);
void joint_free(struct joint *j);

/* Where a topic leads in every group, as rows of classes: room for n_groups. */
static inline void joint_walk(const struct joint *j, struct slice topic, const uint16_t **ret_row)
{
  for (size_t g = 0; g < j->n_groups; g++)
    ret_row[g] = j->group[g].classes + topics_walk(&j->group[g].topics, topic) * j->group[g].n;
}

/* The class of the topic in the policy at `place`, which was not NULL. */
static inline size_t joint_class(const struct joint *j, const uint16_t *const *row, unsigned place)
{
  return row[j->group_of[place]][j->column[place]];
}

#endif
