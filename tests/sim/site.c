#include "tests/sim/sim.h"

bool site_alive(const struct site *site)
{
  return site->life % 2 == 1;
}

bool site_hears(const struct site *site, const struct event *e)
{
  return site_alive(site) && e->life == site->life;
}

bool site_effect(struct site *site)
{
  scarce_rest();
  if (site->doomed > 0 && --site->doomed == 0)
    site->doomed = -1; /* the power is off; the turn that is running does not know yet */
  return site->doomed >= 0;
}
