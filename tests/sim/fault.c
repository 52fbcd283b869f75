/* Everything that goes wrong, at times and in an order that the seed decides. */
#include "tests/sim/sim.h"

enum { PAUSE_MS = 1200 };
#define NIGHTS_MAX (20 * TG_DAY) /* bulletins live for thirty */

/* -1 is the hub that serves; where there are two, -2 the other. */
static int hub_of(const struct sim *s, int who)
{
  return who == -1 ? s->serving : SIM_HUBS - 1;
}

static struct site *site_of(struct sim *s, int who)
{
  return who < 0 ? &s->hub[hub_of(s, who)].site : &s->node[who].site;
}

static void power(struct sim *s, int who)
{
  if (who < 0)
    hub_site_crash(s, hub_of(s, who));
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
    hub_site_stop(s, hub_of(s, who));
  else
    node_site_stop(s, who);
}

static void front(struct sim *s, int who)
{
  hub_site_front_dies(s, who < 0 ? hub_of(s, who) : s->serving);
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

static void memory(struct sim *s, int who)
{
  struct site *site = site_of(s, who);
  site->scarce = 1 + random_below(&s->chance, random_chance(&s->chance, 50) ? 100 : 3000);
  site->sabotaged = true;
  sim_tell(s, site->name, "its allocation no. %llu from now on will fail", (unsigned long long)site->scarce);
}

static void tell_space(struct sim *s, int who, uint64_t free_bytes)
{
  if (who < 0)
    hub_site_disk(s, hub_of(s, who), free_bytes);
  else
    node_site_disk(s, who, free_bytes);
}

static void space_again(struct sim *s, const struct event *e)
{
  if (s->quiet)
    return;
  disk_full(site_of(s, e->node)->disk, false);
  sim_tell(s, site_of(s, e->node)->name, "its disk has room again");
  tell_space(s, e->node, UINT64_C(1) << 40);
}

/* It is told in time, or only finds out. */
static void full(struct sim *s, int who)
{
  struct site *site = site_of(s, who);
  const bool told = random_chance(&s->chance, 60), is = !told || random_chance(&s->chance, 30);
  sim_tell(s, site->name, "its disk is %s%s", is ? "full" : "nearly full", told ? ", and it hears of it" : "");
  if (is) {
    site->sabotaged = true;
    disk_full(site->disk, true);
  }
  if (told)
    tell_space(s, who, 4096);
  agenda_post(s, sim_between(s, 100, 4 * PAUSE_MS), (struct event){.happens = space_again, .node = who}, (struct slice){0});
}

static void carry(struct sim *s, int who)
{
  carrier_sets_out(s, who < 0 ? 0 : who, (int)random_below(&s->chance, SIM_NODES));
}

/* All sleep, and wake up in another period of the sealing keys: what is under way was sealed for one that is over. */
static void night(struct sim *s, const struct event *e)
{
  if (s->quiet || s->slept > NIGHTS_MAX)
    return;
  s->slept += sim_between(s, 6, 40) * TG_HOUR;
  sim_tell(s, "sim", "all sleep until hour %lld", (long long)(s->slept / TG_HOUR));
  agenda_post(s, 2 * pairing_lull(s) + sim_between(s, 500, 8 * PAUSE_MS), *e, (struct slice){0});
}

static void cheat(struct sim *s, const struct event *e)
{
  (void)e;
  hub_site_cheat(s);
}

static void image(struct sim *s, int who)
{
  const bool has = site_of(s, who)->copy;
  if (who < 0 && has)
    hub_site_restore(s, hub_of(s, who));
  else if (who < 0)
    hub_site_copy(s, hub_of(s, who));
  else if (has)
    node_site_restore(s, who);
  else
    node_site_copy(s, who);
}

/* One of those that the seed's plan has; false: it has none. */
static bool planned(struct sim *s, int who)
{
  static const struct {
    unsigned fault;
    void (*strike)(struct sim *, int);
  } more[] = {{PLAN_MEMORY, memory}, {PLAN_FULL, full}, {PLAN_IMAGE, image}, {PLAN_CARRY, carry}, {PLAN_HUBS, pairing_parts}};
  void (*mine[sizeof more / sizeof *more])(struct sim *, int);
  size_t n = 0;
  for (size_t i = 0; i < sizeof more / sizeof *more; i++)
    if (s->plan.faults & more[i].fault)
      mine[n++] = more[i].strike;
  if (n == 0 || !random_chance(&s->chance, 40))
    return false;
  mine[random_below(&s->chance, n)](s, who);
  return true;
}

static void strikes(struct sim *s, const struct event *e)
{
  static void (*const faults[])(struct sim *, int) = {power, power, power_soon, power_soon, disk,      line,
                                                      line,  line,  stop,       front,      wall_clock};
  static void (*const rare[])(struct sim *, int) = {wrong_hour, revoke, narrow, narrow};
  (void)e;
  if (s->quiet)
    return;
  const int hubs = s->both ? SIM_HUBS : 1, who = (int)random_below(&s->chance, (uint64_t)(SIM_NODES + hubs)) - hubs;
  if (planned(s, who))
    ;
  else if (random_chance(&s->chance, 8))
    rare[random_below(&s->chance, sizeof rare / sizeof *rare)](s, who);
  else
    faults[random_below(&s->chance, sizeof faults / sizeof *faults)](s, who);
  agenda_post(s, pairing_lull(s) + sim_between(s, 10, PAUSE_MS), (struct event){.happens = strikes, .node = -1},
              (struct slice){0});
}

void fault_begin(struct sim *s)
{
  for (int i = 0; i < 3 && (s->plan.faults & PLAN_CARRY); i++)
    carry(s, (int)random_below(&s->chance, SIM_NODES));
  if ((s->plan.faults & (PLAN_NIGHT | PLAN_WIDEN)) == PLAN_NIGHT) /* a policy has its own night */
    agenda_post(s, sim_between(s, 100, 4 * PAUSE_MS), (struct event){.happens = night, .node = -1}, (struct slice){0});
  if ((s->plan.faults & (PLAN_HUB | PLAN_CHEAT)) == PLAN_HUB) /* of one that cheats nothing need arrive */
    succession_begins(s);
  if (s->plan.faults & PLAN_HUBS)
    pairing_begins(s);
  if (s->plan.faults & PLAN_REPLACE)
    replacement_begins(s);
  if (s->plan.faults & PLAN_WIDEN)
    widening_begins(s);
  if (s->plan.faults & PLAN_CHEAT)
    agenda_post(s, sim_between(s, 10, PAUSE_MS), (struct event){.happens = cheat, .node = -1}, (struct slice){0});
  agenda_post(s, sim_between(s, 10, 2 * PAUSE_MS), (struct event){.happens = strikes, .node = -1},
              (struct slice){0});
}

/* Nothing is wrong with it any more. */
static void mended(struct site *site)
{
  disk_fail_after(site->disk, 0, false);
  disk_full(site->disk, false);
  site->scarce = 0;
  site->skew = 0;
  if (site->doomed > 0)
    site->doomed = 0;
}

void fault_end(struct sim *s)
{
  s->quiet = true;
  for (int hub = 0; hub < SIM_HUBS && s->hub[hub].site.disk; hub++)
    mended(&s->hub[hub].site);
  for (int node = 0; node < SIM_NODES; node++)
    mended(&s->node[node].site);
  for (int who = s->both ? -SIM_HUBS : -1; who < SIM_NODES && (s->plan.faults & PLAN_FULL); who++)
    tell_space(s, who, UINT64_C(1) << 40);
  sim_tell(s, "sim", "the last fault is over");
}
