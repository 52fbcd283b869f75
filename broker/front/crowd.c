#include "broker/front/crowd.h"

#include <string.h>

static size_t size_of(const struct crowd_one *all, size_t n, const struct lookup_net *group)
{
  size_t size = 0;
  for (size_t i = 0; i < n; i++)
    size += memcmp(&all[i].group, group, sizeof *group) == 0;
  return size;
}

void *crowd_gives_way(const struct crowd_one *all, size_t n)
{
  const struct crowd_one *found = NULL;
  size_t most = 0;
  for (size_t i = 0; i < n; i++) {
    const size_t size = size_of(all, n, &all[i].group);
    if (!found || size > most || (size == most && all[i].since < found->since)) {
      found = &all[i];
      most = size;
    }
  }
  return found ? found->who : NULL;
}
