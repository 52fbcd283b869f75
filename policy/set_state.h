/* The inside of a set, for the files that decide, explain and compare. */
#ifndef TOGUNA_POLICY_SET_STATE_H
#define TOGUNA_POLICY_SET_STATE_H

#include "policy/joint.h"
#include "policy/plan.h"
#include "policy/set.h"

/* One policy of a member. */
struct kept {
  tg_time start;           /* in force from then on, as long as no higher serial is */
  struct reading *reading; /* against the set's world; shares the policy */
};

/* Invariants: kept ascends by serial; plan[i] is that of the policy in force and unexpired of a present member, and holds
   while from <= t < until; joint is over exactly those policies. */
struct policy_set {
  struct policy_world *world;
  struct {
    size_t n;
    struct kept kept[POLICY_KEPT_MAX];
  } member[MEMBERS_MAX];
  tg_time from, until;
  struct plan *plan[MEMBERS_MAX]; /* NULL: permits nothing */
  struct joint *joint;
  struct memberset receivers[6], connected[6]; /* by level: who may receive new bulletins, or what is owed, of that level */
};

/* The member's policy in force at a time, expired or not; NULL: none. */
const struct kept *set_kept(const struct policy_set *set, unsigned member, tg_time at);
/* The same, NULL also when it has expired or its owner is no member: what permits anything at all. */
const struct reading *set_reading(const struct policy_set *set, unsigned member, tg_time at);

#endif
