#include "policy/joint.h"

#include <stdlib.h>

struct joint *joint_share(struct joint *j)
{
  atomic_fetch_add(&j->references, 1);
  return j;
}

void joint_free(struct joint *j)
{
  if (!j || atomic_fetch_sub(&j->references, 1) > 1)
    return;
  for (size_t g = 0; g < j->n_groups; g++) {
    topics_free(&j->group[g].topics);
    free(j->group[g].classes);
  }
  free(j);
}

/* Turns the states of each part into classes. */
static uint16_t *classes_of(const struct joint *j, const unsigned *places, size_t n, const uint32_t *parts,
                            size_t n_states)
{
  uint16_t *classes = calloc(n_states * n, sizeof *classes);
  for (size_t s = 0; classes && s < n_states; s++)
    for (size_t k = 0; k < n; k++)
      classes[s * n + k] = (uint16_t)j->policy[places[k]]->class_of[parts[s * n + k]];
  return classes;
}

static enum tg_err add_group(struct joint *j, const unsigned *places, size_t n)
{
  enum { STATES_MAX = 1 << 17, CELLS_MAX = 1 << 22 };
  const struct topics *parts[MEMBERS_MAX];
  struct joint_group *g = &j->group[j->n_groups];
  uint32_t *states;
  for (size_t k = 0; k < n; k++)
    parts[k] = &j->policy[places[k]]->topics;
  /* One policy alone always fits: it did when it was parsed. */
  enum tg_err err = topics_join(parts, n, n == 1 || STATES_MAX < CELLS_MAX / n ? STATES_MAX : CELLS_MAX / n,
                                &g->topics, &states);
  if (err)
    return err;
  g->n = n;
  g->classes = classes_of(j, places, n, states, g->topics.n_states);
  free(states);
  if (!g->classes) {
    topics_free(&g->topics);
    return TG_NO_MEMORY;
  }
  for (size_t k = 0; k < n; k++) {
    j->group_of[places[k]] = (uint16_t)j->n_groups;
    j->column[places[k]] = (uint16_t)k;
  }
  j->n_groups++;
  return TG_OK;
}

/* All in one group, or halves of them in their own. */
static enum tg_err add_places(struct joint *j, const unsigned *places, size_t n)
{
  enum tg_err err = n ? add_group(j, places, n) : TG_OK;
  if (err != TG_TOO_BIG || n == 1)
    return err;
  err = add_places(j, places, n / 2);
  return err ? err : add_places(j, places + n / 2, n - n / 2);
}

struct joint *joint_new(const struct policy *const policies[MEMBERS_MAX])
{
  unsigned places[MEMBERS_MAX];
  size_t n = 0;
  struct joint *j = calloc(1, sizeof *j);
  if (!j)
    return NULL;
  atomic_init(&j->references, 1);
  for (unsigned i = 0; i < MEMBERS_MAX; i++) {
    j->policy[i] = policies[i];
    if (policies[i])
      places[n++] = i;
  }
  if (!add_places(j, places, n))
    return j;
  joint_free(j);
  return NULL;
}
