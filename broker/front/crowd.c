#include "broker/front/crowd.h"

#include <string.h>

static size_t weight_of(const struct crowd_one *all, size_t n, const struct lookup_net *group)
{
  size_t weight = 0;
  for (size_t i = 0; i < n; i++)
    weight += memcmp(&all[i].group, group, sizeof *group) == 0 ? all[i].weight : 0;
  return weight;
}

static bool goes_before(const struct crowd_one *a, const struct crowd_one *b)
{
  return a->weight > b->weight || (a->weight == b->weight && a->since < b->since);
}

void *crowd_gives_way(const struct crowd_one *all, size_t n)
{
  const struct crowd_one *found = NULL;
  size_t most = 0;
  for (size_t i = 0; i < n; i++) {
    const size_t weight = weight_of(all, n, &all[i].group);
    if (!found || weight > most || (weight == most && goes_before(&all[i], found))) {
      found = &all[i];
      most = weight;
    }
  }
  return found ? found->who : NULL;
}
