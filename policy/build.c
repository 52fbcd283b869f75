/* A set of the policies that a directory knows. */
#include "policy/set.h"

#include "keys/directory.h"

/* What this version cannot read permits nothing, and neither does the one before it. */
static enum tg_err put(const struct directory_policy *p, tg_time at, struct policy_set *set)
{
  const char file[] = {(char)(p->member.code[0] | 0x20), (char)(p->member.code[1] | 0x20), '.', 'p', 'o', 'l', 'i', 'c', 'y', 0};
  struct policy *policy = NULL;
  const int member = policy_world_member(policy_set_world_of(set), p->member);
  enum tg_err err = policy_parse(p->text, file, NULL, &policy, NULL, NULL);
  if (err && err != TG_NO_MEMORY && member >= 0 && p->effective <= at)
    return policy_set_remove(set, (unsigned)member, at);
  if (!err)
    err = policy_set_put(set, &policy, 0, at, NULL);
  policy_free(policy);
  return err == TG_NO_MEMORY ? err : TG_OK;
}

/* The one in force, and those that wait. */
static enum tg_err put_member(const struct directory *d, struct country member, tg_time at, struct policy_set *set)
{
  struct directory_policy p;
  enum tg_err err = TG_OK;
  uint64_t before = directory_policy(d, member, at, &p) ? 0 : p.serial - 1;
  for (; !err && !directory_policy_after(d, member, before, &p); before = p.serial)
    err = put(&p, at, set);
  return err;
}

enum tg_err policy_set_build(const struct directory *d, tg_time at, struct policy_set **ret)
{
  struct policy_world *world = NULL;
  struct policy_set *set = NULL;
  enum tg_err err = policy_world_build(d, at, &world);
  if (!err)
    err = policy_set_new(world, at, &set);
  for (unsigned i = 0; !err && i < directory_member_count(d); i++)
    err = put_member(d, *directory_member_code(d, i), at, set);
  policy_world_free(world);
  if (err) {
    policy_set_free(set);
    return err;
  }
  *ret = set;
  return TG_OK;
}
