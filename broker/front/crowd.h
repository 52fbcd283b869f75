/* Who gives way when there are more, or more is held, than there is room for: of the group that weighs most the one that weighs most, and of equal ones the one
   that is longest there. So nobody is put out by those of another group before they weigh more than his own. Pure. */
#ifndef TOGUNA_BROKER_FRONT_CROWD_H
#define TOGUNA_BROKER_FRONT_CROWD_H

#include "os/lookup.h"

/* Somebody who has a place, since when, what he weighs (1, or bytes), and with whom he is counted. */
struct crowd_one {
  void *who;
  int64_t since;
  size_t weight;
  struct lookup_net group;
};

/* Who of the n loses his place; NULL: there is nobody. */
void *crowd_gives_way(const struct crowd_one *all, size_t n);

#endif
