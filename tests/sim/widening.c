/* A policy that permits more: signed by two officers, and in force a day later. All sleep over that day. Who heard of it later, from the successor of a lost
   hub or because it was away, keeps a day of its own. */
#include "tests/sim/sim.h"

enum { BEGINS_MS = 4000, AGAIN_MS = 700 };

static const char rules[] = "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\n";

void widening_documents(struct sim *s, int hub)
{
  if (!s->wider.begun)
    return;
  if (s->wider.taken[hub].life != s->hub[hub].site.life) /* what the last one took may have been lost with it */
    s->wider.taken[hub].times = 0;
  s->wider.taken[hub].life = s->hub[hub].site.life;
  s->wider.taken[hub].times = hub_site_document(s, hub, buf_slice(&s->wider.note)) ? s->wider.taken[hub].times + 1 : 0;
}

bool widening_is_over(const struct sim *s)
{
  return !s->wider.begun || s->wider.over;
}

bool widening_may_hold(const struct sim *s)
{
  return s->wider.begun && (s->clocks_off || sim_wall(s) + 2 * TG_MINUTE >= s->wider.effective);
}

/* Hands it to each hub once more that has not had it for long. */
static bool have_taken(struct sim *s)
{
  bool all = true;
  for (int hub = 0; hub < SIM_HUBS; hub++)
    if (sim_is_named(s, hub) && s->wider.taken[hub].times < 2) {
      widening_documents(s, hub);
      all = false;
    }
  return all;
}

/* When the hub has it, and what it has is on its disk; or cannot have it, its clock being wrong. */
static void day_passes(struct sim *s, const struct event *e)
{
  if (!s->clocks_off && !have_taken(s)) {
    agenda_post(s, AGAIN_MS, *e, (struct slice){0});
    return;
  }
  s->slept += TG_DAY + TG_HOUR;
  s->wider.over = true;
  sim_tell(s, "sim", "all sleep for a day, and %s takes in more", s->node[SIM_WIDER].site.name);
}

static void begins(struct sim *s, const struct event *e)
{
  (void)e;
  if (s->quiet)
    return;
  s->wider.begun = true;
  s->wider.effective = sim_wall(s) + TG_DAY + 5 * TG_MINUTE;
  s->wider.note = kit_policy_note(s->kit, SIM_WIDER, s->kit->member[SIM_WIDER].policy_serial + 1, rules, s->wider.effective, 2);
  sim_tell(s, s->node[SIM_WIDER].site.name, "its state signs a policy that takes in more");
  hub_site_news(s, widening_documents);
  agenda_post(s, sim_between(s, AGAIN_MS, BEGINS_MS), (struct event){.happens = day_passes, .node = -1}, (struct slice){0});
}

void widening_begins(struct sim *s)
{
  agenda_post(s, sim_between(s, 100, BEGINS_MS), (struct event){.happens = begins, .node = -1}, (struct slice){0});
}

void widening_is_known(struct sim *s)
{
  int node = SIM_WIDER;
  while (node == SIM_WIDER || node == SIM_NARROWER) /* that one tells nobody anything political */
    node = (int)random_below(&s->chance, SIM_NODES);
  program_report(s, node, 2, 1u << SIM_WIDER);
}
