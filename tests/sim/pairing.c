/* Two hubs at once. The charter names a second one beside the first, from the founding or from a moment of the storm on; each camp prefers its own, or all
   go by the charter's order. Hubs do not speak to each other: nodes fall back, go home and look in by the hour, so a storm may last hours, with lulls in it. */
#include "tests/sim/sim.h"

enum { BEGINS_MS = 4000, AGAIN_MS = 300, LULL_MS = 15 * 60 * 1000, STORM_MORE_MS = 2 * 3600 * 1000, APART_MS = 20 * 60 * 1000, ECOWAS_FROM = 3 };

bool sim_is_named(const struct sim *s, int hub)
{
  return hub == s->serving || s->both;
}

void pairing_prefers(struct sim *s, int node)
{
  struct node_site *n = &s->node[node];
  const int first = node >= ECOWAS_FROM;
  if (!random_chance(&s->chance, 75))
    return;
  n->hubs[0] = s->hub[first].config.name;
  n->hubs[1] = s->hub[!first].config.name;
  n->config.hubs = n->hubs;
}

/* ---- its being named */

static void sign(struct sim *s)
{
  const struct hub_site *h = &s->hub[1];
  struct note note;
  s->effective = sim_wall(s);
  s->charter = kit_charter_adding(s->kit, s->effective, h->config.name, h->transport, h->log);
  if (note_parse(buf_slice(&s->charter), NULL, &note, NULL) == TG_OK)
    s->naming = document_hash(note.text);
}

/* The first hub has it, on its disk: it would refuse it an hour later. */
static void spreads(struct sim *s, const struct event *e)
{
  if (!s->hub[0].chartered) {
    (void)hub_site_document(s, 0, buf_slice(&s->charter));
    if (!s->quiet)
      agenda_post(s, AGAIN_MS, *e, (struct slice){0});
    return;
  }
  sim_tell(s, "sim", "the members have named a second hub beside the first");
  s->both = true;
  hub_site_start(s, 1);
  succession_tells(s);
}

static void begins(struct sim *s, const struct event *e)
{
  struct event then = *e;
  then.happens = spreads;
  if (s->quiet)
    return;
  sign(s);
  spreads(s, &then);
}

void pairing_founds(struct sim *s)
{
  if (!(s->plan.faults & PLAN_HUBS) || s->plan.founded)
    return;
  sign(s);
  s->both = true;
  s->told = (1u << SIM_NODES) - 1;
}

void pairing_begins(struct sim *s)
{
  if (random_chance(&s->chance, 70))
    s->storm += sim_between(s, 0, STORM_MORE_MS);
  if (!s->both)
    agenda_post(s, sim_between(s, 0, BEGINS_MS), (struct event){.happens = begins, .node = -1}, (struct slice){0});
}

bool pairing_is_over(const struct sim *s)
{
  return !s->both || s->told == (1u << SIM_NODES) - 1;
}

/* ---- what two hubs suffer */

int64_t pairing_lull(struct sim *s)
{
  return (s->plan.faults & PLAN_HUBS) && random_chance(&s->chance, 15) ? sim_between(s, 0, LULL_MS) : 0;
}

/* Some nodes, or all, cannot reach one of the hubs for a while. */
void pairing_parts(struct sim *s, int who)
{
  const unsigned all = (1u << SIM_NODES) - 1, some = random_chance(&s->chance, 50) ? all : (unsigned)random_below(&s->chance, all + 1);
  const int64_t ms = sim_between(s, 1000, random_chance(&s->chance, 50) ? 60 * 1000 : APART_MS);
  struct hub_site *h = &s->hub[random_below(&s->chance, SIM_HUBS)];
  (void)who;
  if (!s->both)
    return;
  sim_tell(s, h->site.name, "cannot be reached by %x for %lld s", some, (long long)(ms / 1000));
  for (int i = 0; i < SIM_NODES; i++)
    if (some >> i & 1) {
      h->barred[i] = s->mono + ms;
      if (&s->hub[s->node[i].wire.hub] == h)
        network_cut(s, i);
    }
}
