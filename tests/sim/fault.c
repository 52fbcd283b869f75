/* Everything that goes wrong, at times and in an order that the seed decides. */
#include "tests/sim/sim.h"

enum { PAUSE_MS = 1200 };

static struct site *site_of(struct sim *s, int who)
{
  return who < 0 ? &s->hub.site : &s->node[who].site;
}

static void power(struct sim *s, int who)
{
  if (who < 0)
    hub_site_crash(s);
  else
    node_site_crash(s, who);
}

/* In the middle of what a turn does after its commit. */
static void power_soon(struct sim *s, int who)
{
  site_of(s, who)->doomed = 1 + (int)random_below(&s->chance, 12);
}

static void disk(struct sim *s, int who)
{
  struct site *site = site_of(s, who);
  sim_tell(s, site->name, "its disk will fail");
  site->sabotaged = true;
  disk_fail_after(site->disk, 1 + random_below(&s->chance, 40), random_chance(&s->chance, 50));
}

static void line(struct sim *s, int who)
{
  network_cut(s, who < 0 ? 0 : who);
}

static void stop(struct sim *s, int who)
{
  if (who < 0)
    hub_site_stop(s);
  else
    node_site_stop(s, who);
}

static void front(struct sim *s, int who)
{
  (void)who;
  hub_site_front_dies(s);
}

static void wall_clock(struct sim *s, int who)
{
  struct site *site = site_of(s, who);
  site->skew = sim_between(s, -60, 60) * TG_SECOND;
  sim_tell(s, site->name, "its clock jumps: %lld s off", (long long)(site->skew / TG_SECOND));
}

/* Further than the charter lets clocks differ. */
static void wrong_hour(struct sim *s, int who)
{
  struct site *site = site_of(s, who);
  s->clocks_off = true;
  site->skew = sim_between(s, -6, 6) * TG_HOUR;
  sim_tell(s, site->name, "its clock jumps: %lld h off", (long long)(site->skew / TG_HOUR));
}

static void revoke(struct sim *s, int who)
{
  (void)who;
  hub_site_revoke(s);
}

static void narrow(struct sim *s, int who)
{
  (void)who;
  hub_site_narrow(s);
}

static void strikes(struct sim *s, const struct event *e)
{
  static void (*const faults[])(struct sim *, int) = {power, power, power_soon, power_soon, disk,      line,
                                                      line,  line,  stop,       front,      wall_clock};
  static void (*const rare[])(struct sim *, int) = {wrong_hour, revoke, narrow, narrow};
  (void)e;
  if (s->quiet)
    return;
  int who = (int)random_below(&s->chance, SIM_NODES + 1) - 1;
  if (random_chance(&s->chance, 8))
    rare[random_below(&s->chance, sizeof rare / sizeof *rare)](s, who);
  else
    faults[random_below(&s->chance, sizeof faults / sizeof *faults)](s, who);
  agenda_post(s, sim_between(s, 10, PAUSE_MS), (struct event){.happens = strikes, .node = -1},
              (struct slice){0});
}

void fault_begin(struct sim *s)
{
  agenda_post(s, sim_between(s, 10, 2 * PAUSE_MS), (struct event){.happens = strikes, .node = -1},
              (struct slice){0});
}

void fault_end(struct sim *s)
{
  s->quiet = true;
  for (int who = -1; who < SIM_NODES; who++) {
    struct site *site = site_of(s, who);
    disk_fail_after(site->disk, 0, false);
    site->skew = 0;
    if (site->doomed > 0)
      site->doomed = 0;
  }
  sim_tell(s, "sim", "the last fault is over");
}
