/* The change of hub. The machine of the first is lost with its disk and its signer's, or is to be given up; the members sign a charter that names
   another, on an empty disk with keys of its own, whose operator hands it all documents that there are. Officers hand that charter in at each node
   when it reaches them, and the nodes bring what they hold. */
#include "tests/sim/sim.h"

enum { SIGNING_MS = 3000, TELLING_MS = 3000, BEGINS_MS = 4000 };

struct slice succession_charter(const struct sim *s, int node)
{
  return s->told >> node & 1 ? buf_slice(&s->charter) : (struct slice){0};
}

bool succession_is_over(const struct sim *s)
{
  return !s->succeeding || (s->hub[0].lost && s->serving > 0 && s->told == (1u << SIM_NODES) - 1);
}

static void hand_over(struct sim *s, int hub, const struct buf *note)
{
  if (note->n > 0)
    (void)hub_site_document(s, hub, buf_slice(note));
}

void succession_documents(struct sim *s, int hub)
{
  if (hub == 0 && !s->both)
    return;
  hand_over(s, hub, &s->revocation_note);
  hand_over(s, hub, &s->narrower_note);
  hand_over(s, hub, &s->charter);
}

/* ---- the first hub */

static void lose(struct sim *s, int hub)
{
  struct hub_site *h = &s->hub[hub];
  if (h->lost)
    return;
  hub_site_crash(s, hub);
  h->lost = true;
  sim_tell(s, h->site.name, "is LOST, with its disk and its signer's");
  oracle_hub_lost(s, hub);
  disk_image_free(h->site.copy);
  h->site.copy = NULL;
}

static void loses(struct sim *s, const struct event *e)
{
  lose(s, e->hub);
}

/* ---- the second */

static void told(struct sim *s, const struct event *e)
{
  struct node_site *n = &s->node[e->node];
  sim_tell(s, n->site.name, "an officer hands in the charter that names %s", s->hub[s->both ? 1 : s->serving].site.name);
  s->told |= 1u << e->node;
  if (random_chance(&s->chance, 50))
    node_site_stop(s, e->node); /* and it finds it when it starts again */
  else
    node_site_document(s, e->node, buf_slice(&s->charter));
}

void succession_tells(struct sim *s)
{
  for (int i = 0; i < SIM_NODES; i++)
    agenda_post(s, sim_between(s, 0, TELLING_MS), (struct event){.happens = told, .node = i}, (struct slice){0});
}

static void names_another(struct sim *s, const struct event *e)
{
  struct hub_site *h = &s->hub[1];
  (void)e;
  s->charter = kit_charter_naming(s->kit, sim_wall(s), h->config.name, h->transport, h->log);
  s->serving = 1;
  sim_tell(s, "sim", "the members name another hub");
  hub_site_start(s, 1);
  succession_tells(s);
}

static void begins(struct sim *s, const struct event *e)
{
  const bool at_once = random_chance(&s->chance, 70); /* otherwise it works on while nodes turn away from it */
  if (s->quiet)
    return;
  s->succeeding = true;
  if (at_once)
    lose(s, e->hub);
  else
    agenda_post(s, sim_between(s, SIGNING_MS / 2, SIGNING_MS + TELLING_MS), (struct event){.happens = loses, .node = -1}, (struct slice){0});
  agenda_post(s, sim_between(s, 200, SIGNING_MS), (struct event){.happens = names_another, .node = -1}, (struct slice){0});
}

void succession_begins(struct sim *s)
{
  agenda_post(s, sim_between(s, 100, BEGINS_MS), (struct event){.happens = begins, .node = -1}, (struct slice){0});
}
