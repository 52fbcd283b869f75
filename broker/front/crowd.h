/* Who gives way when more want places than there are: of the group that has most, the one that is longest there. So nobody is put out by those of another
   group before they are more than his own. Pure. */
#ifndef TOGUNA_BROKER_FRONT_CROWD_H
#define TOGUNA_BROKER_FRONT_CROWD_H

#include "os/lookup.h"

/* Somebody who has a place, since when, and with whom he is counted. */
struct crowd_one {
  void *who;
  int64_t since;
  struct lookup_net group;
};

/* Who of the n loses his place; NULL: there is nobody. */
void *crowd_gives_way(const struct crowd_one *all, size_t n);

#endif
