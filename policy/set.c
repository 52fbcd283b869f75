#include "policy/set.h"

#include "policy/set_state.h"
#include "proto/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- look-ups --- */

const struct kept *set_kept(const struct policy_set *set, unsigned member, tg_time at)
{
  for (size_t i = member < MEMBERS_MAX ? set->member[member].n : 0; i-- > 0;)
    if (set->member[member].kept[i].start <= at)
      return &set->member[member].kept[i];
  return NULL;
}

const struct reading *set_reading(const struct policy_set *set, unsigned member, tg_time at)
{
  const struct kept *k = set_kept(set, member, at);
  if (!k || member >= set->world->member_count || !set->world->members[member].code.code[0])
    return NULL;
  tg_time expires = k->reading->policy->expires;
  return !expires || at < expires ? k->reading : NULL;
}

const struct policy_world *policy_set_world_of(const struct policy_set *set)
{
  return set->world;
}
tg_time policy_set_until(const struct policy_set *set)
{
  return set->until;
}

const struct policy *policy_set_policy(const struct policy_set *set, unsigned member, tg_time at)
{
  const struct kept *k = set_kept(set, member, at);
  return k ? k->reading->policy : NULL;
}

static int by_code(const void *a, const void *b)
{
  const struct policy *x = *(const struct policy *const *)a, *y = *(const struct policy *const *)b;
  return memcmp(x->member.code, y->member.code, 2);
}

struct hash policy_set_hash(const struct policy_set *set, tg_time at)
{
  const struct policy *in_force[MEMBERS_MAX];
  struct hash_state state;
  size_t n = 0;
  for (unsigned i = 0; i < MEMBERS_MAX; i++)
    if (set_reading(set, i, at))
      in_force[n++] = set_reading(set, i, at)->policy;
  qsort(in_force, n, sizeof *in_force, by_code);
  hash_begin(&state, "toguna/policy-set/v1");
  for (size_t i = 0; i < n; i++) {
    hash_put(&state, in_force[i]->member.code, 2);
    hash_put_hash(&state, &in_force[i]->hash);
  }
  return hash_end(&state);
}

/* --- life --- */

void policy_set_free(struct policy_set *set)
{
  if (!set)
    return;
  for (size_t i = 0; i < MEMBERS_MAX; i++) {
    for (size_t k = 0; k < set->member[i].n; k++)
      policy_reading_free(set->member[i].kept[k].reading);
    plan_free(set->plan[i]);
  }
  joint_free(set->joint);
  policy_world_free(set->world);
  free(set);
}

/* An equal set over `world` (taken, also on failure); NULL without memory. */
static struct policy_set *clone(const struct policy_set *set, struct policy_world *world)
{
  struct policy_set *copy = world ? malloc(sizeof *copy) : NULL;
  if (!copy) {
    policy_world_free(world);
    return NULL;
  }
  *copy = *set;
  copy->world = world;
  for (size_t i = 0; i < MEMBERS_MAX; i++) {
    for (size_t k = 0; k < copy->member[i].n; k++)
      policy_reading_share(copy->member[i].kept[k].reading);
    if (copy->plan[i])
      plan_share(copy->plan[i]);
  }
  if (copy->joint)
    joint_share(copy->joint);
  return copy;
}

/* Makes `set` what `next` is, if the change succeeded; `next` is gone. */
static enum tg_err commit(struct policy_set *set, struct policy_set *next, enum tg_err err)
{
  if (!err) {
    struct policy_set old = *set;
    *set = *next;
    *next = old;
  }
  policy_set_free(next);
  return err;
}

/* --- compiling --- */

static void note_event(struct policy_set *set, tg_time at, tg_time now)
{
  if (at <= now && at > set->from)
    set->from = at;
  if (at > now && at < set->until)
    set->until = at;
}

static void find_window(struct policy_set *set, tg_time now)
{
  set->from = INT64_MIN;
  set->until = INT64_MAX;
  for (unsigned i = 0; i < MEMBERS_MAX; i++) {
    for (size_t k = 0; k < set->member[i].n; k++)
      note_event(set, set->member[i].kept[k].start, now);
    const struct kept *k = set_kept(set, i, now);
    if (k && k->reading->policy->expires)
      note_event(set, k->reading->policy->expires, now);
    if (set->plan[i]) {
      note_event(set, set->plan[i]->from, now);
      note_event(set, set->plan[i]->until, now);
    }
  }
}

/* The plan of one member at `now`, the old one if it still holds. */
static enum tg_err plan_member(struct policy_set *set, unsigned i, tg_time now)
{
  struct plan *old = set->plan[i];
  struct reading *reading = (struct reading *)set_reading(set, i, now);
  if (reading && old && old->reading == reading && old->from <= now && now < old->until)
    return TG_OK;
  struct plan *plan = reading ? plan_new(reading, now) : NULL;
  if (reading && !plan)
    return TG_NO_MEMORY;
  set->plan[i] = plan;
  plan_free(old);
  return TG_OK;
}

static enum tg_err join_machines(struct policy_set *set)
{
  const struct policy *policies[MEMBERS_MAX];
  for (size_t i = 0; i < MEMBERS_MAX; i++)
    policies[i] = set->plan[i] ? set->plan[i]->reading->policy : NULL;
  if (set->joint && !memcmp(policies, set->joint->policy, sizeof policies))
    return TG_OK;
  struct joint *joint = joint_new(policies);
  if (!joint)
    return TG_NO_MEMORY;
  joint_free(set->joint);
  set->joint = joint;
  return TG_OK;
}

static void sort_members(struct policy_set *set)
{
  memset(set->receivers, 0, sizeof set->receivers);
  memset(set->connected, 0, sizeof set->connected);
  for (unsigned i = 0; i < set->world->member_count; i++) {
    const struct policy_member *m = &set->world->members[i];
    for (uint8_t level = LEVEL_UNCLASSIFIED;
         m->code.code[0] && level <= m->ceiling && level <= LEVEL_TOP_SECRET; level++) {
      if (m->receives)
        memberset_add(&set->receivers[level], i);
      if (m->connects)
        memberset_add(&set->connected[level], i);
    }
  }
}

static enum tg_err compile(struct policy_set *set, tg_time now)
{
  enum tg_err err = TG_OK;
  sort_members(set);
  for (unsigned i = 0; !err && i < MEMBERS_MAX; i++)
    err = plan_member(set, i, now);
  err = err ? err : join_machines(set);
  if (!err)
    find_window(set, now);
  return err;
}

/* --- changing --- */

static enum tg_err check_world(const struct policy_world *w)
{
  if (w->member_count > MEMBERS_MAX || w->place_count > POLICY_PLACES_MAX ||
      w->suite_count > POLICY_SUITES_MAX)
    return TG_BAD_INPUT;
  for (size_t i = 1; i < w->bloc_count; i++) {
    int order = strcmp(w->blocs[i - 1].name, w->blocs[i].name);
    if (order > 0 || (order == 0 && w->blocs[i - 1].since >= w->blocs[i].since))
      return TG_BAD_INPUT;
  }
  return TG_OK;
}

enum tg_err policy_set_new(const struct policy_world *world, tg_time now, struct policy_set **ret)
{
  enum tg_err err = check_world(world);
  if (err)
    return err;
  struct policy_set *set = calloc(1, sizeof *set);
  if (!set)
    return TG_NO_MEMORY;
  set->world = policy_world_copy(world);
  err = set->world ? compile(set, now) : TG_NO_MEMORY;
  if (err) {
    policy_set_free(set);
    return err;
  }
  *ret = set;
  return TG_OK;
}

enum tg_err policy_set_copy(const struct policy_set *set, struct policy_set **ret)
{
  struct policy_set *copy = clone(set, policy_world_copy(set->world));
  if (!copy)
    return TG_NO_MEMORY;
  *ret = copy;
  return TG_OK;
}

/* May this policy follow those that are kept? */
static enum tg_err check_place(const struct policy_set *set, unsigned member, const struct policy *p,
                               struct tg_why *why)
{
  char serial[24];
  snprintf(serial, sizeof serial, "%llu", (unsigned long long)p->serial);
  for (size_t i = set->member[member].n; i-- > 0;) {
    const struct policy *other = set->member[member].kept[i].reading->policy;
    if (hash_eq(&other->hash, &p->hash))
      return why_set(why, TG_DUPLICATE, p->file, N_("this policy is known already"), NULL, NULL, NULL, NULL);
    if (other->serial == p->serial)
      return why_set(why, TG_CONFLICT, p->file, N_("there is another policy of %1$s with serial %2$s"),
                     N_("give it a higher serial"), p->member.code, serial, NULL);
  }
  size_t n = set->member[member].n;
  if (n && set->member[member].kept[n - 1].reading->policy->serial > p->serial)
    return why_set(why, TG_STALE, p->file, N_("a policy of %1$s with a serial above %2$s is known"),
                   N_("give it a higher serial"), p->member.code, serial, NULL);
  return TG_OK;
}

/* Makes room among the kept ones: the oldest goes, if it is no longer in force. */
static bool make_room(struct policy_set *set, unsigned member, tg_time now)
{
  size_t n = set->member[member].n;
  struct kept *kept = set->member[member].kept;
  if (n < POLICY_KEPT_MAX)
    return true;
  if (set_kept(set, member, now) <= kept) /* also when none is in force yet */
    return false;
  policy_reading_free(kept[0].reading);
  memmove(kept, kept + 1, --set->member[member].n * sizeof *kept);
  return true;
}

enum tg_err policy_set_put(struct policy_set *set, struct policy **policy, tg_time from, tg_time now,
                           struct tg_why *why)
{
  struct policy *p = *policy;
  int member = policy_world_member(set->world, p->member);
  if (member < 0)
    return why_set(why, TG_NOT_FOUND, p->file, N_("%1$s is no member of this exchange"), NULL, p->member.code,
                   NULL, NULL);
  enum tg_err err = check_place(set, (unsigned)member, p, why);
  if (err)
    return err;
  struct policy_set *next = clone(set, policy_world_copy(set->world));
  struct reading *reading = next ? policy_reading_new(p, next->world) : NULL;
  if (reading && !make_room(next, (unsigned)member, now)) {
    policy_reading_free(reading);
    policy_set_free(next);
    return why_set(why, TG_QUOTA, p->file, N_("too many policies of %1$s are waiting to take effect"),
                   N_("wait until one of them does"), p->member.code, NULL, NULL);
  }
  if (reading)
    next->member[member].kept[next->member[member].n++] =
        (struct kept){.start = from > p->effective ? from : p->effective, .reading = reading};
  err = reading ? compile(next, now) : TG_NO_MEMORY;
  if (next)
    err = commit(set, next, err);
  if (err)
    return why_set(why, err, p->file, N_("out of memory"), NULL, NULL, NULL, NULL);
  policy_free(p); /* the reading has its share */
  *policy = NULL;
  return TG_OK;
}

static void forget(struct policy_set *set, unsigned member)
{
  while (set->member[member].n)
    policy_reading_free(set->member[member].kept[--set->member[member].n].reading);
}

enum tg_err policy_set_suppose(struct policy_set *set, const struct policy *policy, tg_time now)
{
  const int member = policy_world_member(set->world, policy->member);
  if (member < 0)
    return TG_NOT_FOUND;
  struct policy_set *next = clone(set, policy_world_copy(set->world));
  struct reading *reading = next ? policy_reading_new(policy, next->world) : NULL;
  if (!reading) {
    policy_set_free(next);
    return TG_NO_MEMORY;
  }
  forget(next, (unsigned)member);
  next->member[member].kept[next->member[member].n++] = (struct kept){.start = INT64_MIN, .reading = reading};
  return commit(set, next, compile(next, now));
}

enum tg_err policy_set_remove(struct policy_set *set, unsigned member, tg_time now)
{
  if (member >= MEMBERS_MAX || !set->member[member].n)
    return TG_OK;
  struct policy_set *next = clone(set, policy_world_copy(set->world));
  if (!next)
    return TG_NO_MEMORY;
  forget(next, member);
  return commit(set, next, compile(next, now));
}

enum tg_err policy_set_world(struct policy_set *set, const struct policy_world *world, tg_time now)
{
  enum tg_err err = check_world(world);
  if (err)
    return err;
  struct policy_set *next = clone(set, policy_world_copy(world));
  if (!next)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < MEMBERS_MAX && !err; i++)
    for (size_t k = 0; k < next->member[i].n && !err; k++) {
      struct kept *kept = &next->member[i].kept[k];
      struct reading *reading = policy_reading_new(kept->reading->policy, next->world);
      err = reading ? TG_OK : TG_NO_MEMORY;
      if (err)
        break;
      policy_reading_free(kept->reading);
      kept->reading = reading;
    }
  return commit(set, next, err ? err : compile(next, now));
}

enum tg_err policy_set_advance(struct policy_set *set, tg_time now)
{
  if (set->from <= now && now < set->until)
    return TG_OK;
  struct policy_set *next = clone(set, policy_world_copy(set->world));
  return next ? commit(set, next, compile(next, now)) : TG_NO_MEMORY;
}
