/* The policies of all members, compiled for decisions. One object answers for the whole exchange.

   A set never holds half a change: every function that changes it either succeeds, or leaves it as it was.
   Threads: what takes a const set may run in any number of threads while nobody changes it. To change a set in use:
   policy_set_copy(), change the copy, check its pins, swap the pointer, free the old one when its readers are done. */
#ifndef TOGUNA_POLICY_SET_H
#define TOGUNA_POLICY_SET_H

#include "policy/policy.h"

enum { POLICY_KEPT_MAX = 16 }; /* policies per member: the one in force and those that wait */

struct policy_set;

/* A set without policies: permits nothing. Copies the world. TG_NO_MEMORY, TG_BAD_INPUT (a world against its invariants). */
enum tg_err policy_set_new(const struct policy_world *world, tg_time now, struct policy_set **ret);
/* A second set, equal and independent; policies are shared inside. */
enum tg_err policy_set_copy(const struct policy_set *set, struct policy_set **ret);
/* The policies that a directory knows, in force at `at` and waiting, against its world. One that this version cannot read permits
   nothing, and neither does the one before it. TG_NO_MEMORY; errors of policy_world_build(). */
enum tg_err policy_set_build(const struct directory *d, tg_time at, struct policy_set **ret);
/* NULL is fine. */
void policy_set_free(struct policy_set *set);

/* Takes in a policy, in force from the later of `from` and its own effective time, as long as no higher serial of its
   member is: at any time the highest serial already in force decides alone; when that one has expired, nothing is permitted.
   `from` carries a widening's delay; 0 for none. On TG_OK the set owns *policy and the pointer is NULL; else untouched.
   TG_DUPLICATE: the same text is in; TG_CONFLICT: same serial, other text; TG_STALE: a higher serial is in;
   TG_NOT_FOUND: its member is not in the world; TG_QUOTA: POLICY_KEPT_MAX of that member wait; TG_NO_MEMORY. */
enum tg_err policy_set_put(struct policy_set *set, struct policy **policy, tg_time from, tg_time now, struct tg_why *why);
/* For drafts: from now on this policy alone stands for its member, whatever its serial, and as if it had always been in force
   (when it expires, it does). A share is taken. TG_NOT_FOUND: its member is not in the world; TG_NO_MEMORY. */
enum tg_err policy_set_suppose(struct policy_set *set, const struct policy *policy, tg_time now);
/* Forgets all policies of a member (index), which then permits nothing. */
enum tg_err policy_set_remove(struct policy_set *set, unsigned member, tg_time now);
/* Reads all policies against a new world of the same directory. A bloc that no longer exists permits nothing in an allow and
   covers everyone in a deny, an obligation or a pin; a state that is no member any more is nobody (GRAMMAR.md). */
enum tg_err policy_set_world(struct policy_set *set, const struct policy_world *world, tg_time now);
/* To be called as time passes, at the latest at policy_set_until(): compiles for the time after a date in a rule or a
   policy's start. Decisions are right without it, but slow. Cheap when there is nothing to do. */
enum tg_err policy_set_advance(struct policy_set *set, tg_time now);
/* The next moment at which something in the set changes by itself; INT64_MAX: never. Queued bulletins are to be decided
   again then. */
tg_time policy_set_until(const struct policy_set *set);

/* Borrowed; it changes with policy_set_world(). */
const struct policy_world *policy_set_world_of(const struct policy_set *set);
/* The policy of a member in force at a time, expired or not; NULL: none. */
const struct policy *policy_set_policy(const struct policy_set *set, unsigned member, tg_time at);
/* The policies in force, as log entries name them (docs/protocol.md §7): ascending by member code. */
struct hash policy_set_hash(const struct policy_set *set, tg_time at);

#endif
