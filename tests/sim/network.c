/* The lines between nodes and hubs. Within a session frames keep their order and none is lost, as TCP has it;
   when it breaks, what is under way is lost, or comes late, behind the first frames of the next session; and
   what a full queue does not take is told to who sent it. */
#include "tests/sim/sim.h"

#include "proto/frame.h"

#include <string.h>

enum { RETRY_MS = 400, DELAY_MS = 40 };

static struct slice bytes_of(const struct event *e)
{
  return slice_of(e->bytes, e->n);
}
static uint8_t type_of(struct slice frame)
{
  return frame.n > 1 ? frame.p[1] : 0;
}

static int64_t arrival(struct sim *s, int64_t *last)
{
  int64_t at = s->mono + sim_between(s, 0, random_chance(&s->chance, 5) ? 20 * DELAY_MS : DELAY_MS);
  *last = at > *last ? at : *last;
  return *last - s->mono;
}

/* ---- sessions */

static void comes_up(struct sim *s, const struct event *e)
{
  struct wire *w = &s->node[e->node].wire;
  if (!site_hears(&s->node[e->node].site, e) || e->number != w->attempt || !w->wanted || w->up)
    return;
  const struct hub_site *h = &s->hub[w->hub];
  if (!site_alive(&h->site) || !h->front || (!s->quiet && (s->mono < w->barred || s->mono < h->barred[e->node]))) {
    agenda_post(s, sim_between(s, RETRY_MS / 2, 2 * RETRY_MS),
                (struct event){.happens = comes_up, .node = e->node, .life = e->life, .number = e->number},
                (struct slice){0});
    return;
  }
  if (!hub_site_admits(s, w->hub, e->node)) {
    node_site_link(s, e->node, NODE_LINK_REFUSED);
    return;
  }
  if (h->revoked && e->node == SIM_REVOKED)
    sim_fail(s, h->site.name, "it lets a revoked node in");
  w->up = true;
  w->session++;
  w->waiting = 0;
  w->last_to_hub = w->last_to_node = s->mono;
  sim_tell(s, s->node[e->node].site.name, "connected (session %llu)", (unsigned long long)w->session);
  node_site_link(s, e->node, NODE_LINK_UP);
}

static void attempt(struct sim *s, int node, int64_t delay)
{
  struct wire *w = &s->node[node].wire;
  agenda_post(s, delay,
              (struct event){
                  .happens = comes_up, .node = node, .life = s->node[node].site.life, .number = ++w->attempt},
              (struct slice){0});
}

static void hub_learns(struct sim *s, const struct event *e)
{
  const struct wire *w = &s->node[e->node].wire;
  if (site_hears(&s->hub[e->hub].site, e) && !(w->up && w->hub == e->hub))
    hub_site_gone(s, e->hub, e->node);
}

/* The node turns away from a hub that it was connected with. */
static void leaves(struct sim *s, int node, int hub)
{
  const struct wire *w = &s->node[node].wire;
  if (w->up && w->hub != hub)
    agenda_post(s, sim_between(s, 0, 100), (struct event){.happens = hub_learns, .node = node, .hub = w->hub, .life = s->hub[w->hub].site.life},
                (struct slice){0});
}

void network_connect(struct sim *s, int node, int hub)
{
  struct wire *w = &s->node[node].wire;
  leaves(s, node, hub);
  w->up = false;
  w->wanted = true;
  w->hub = hub;
  attempt(s, node, sim_between(s, 1, DELAY_MS));
}

void network_disconnect(struct sim *s, int node)
{
  s->node[node].wire.up = s->node[node].wire.wanted = false;
}

static void goes_down(struct sim *s, const struct event *e)
{
  if (site_hears(&s->node[e->node].site, e) && !s->node[e->node].wire.up)
    node_site_link(s, e->node, NODE_LINK_DOWN);
}

void network_cut(struct sim *s, int node)
{
  struct wire *w = &s->node[node].wire;
  if (!w->up)
    return;
  w->up = false;
  sim_tell(s, s->node[node].site.name, "the line breaks");
  agenda_post(s, sim_between(s, 0, 100),
              (struct event){.happens = goes_down, .node = node, .life = s->node[node].site.life},
              (struct slice){0});
  if (random_chance(&s->chance, 50)) /* the front notices only when it sends */
    agenda_post(s, sim_between(s, 0, 100),
                (struct event){.happens = hub_learns, .node = node, .hub = w->hub, .life = s->hub[w->hub].site.life},
                (struct slice){0});
  attempt(s, node, sim_between(s, 100, 3 * RETRY_MS)); /* the link process tries again by itself */
}

void network_bar(struct sim *s, int node, int64_t ms)
{
  sim_tell(s, s->node[node].site.name, "its line is cut for %lld ms", (long long)ms);
  s->node[node].wire.barred = s->mono + ms;
  network_cut(s, node);
}

/* ---- frames; event.number is the session */

/* Does a frame of another session still come? libzmq reads connections in turn, so the old one's last words
 * may follow the new one's first. None comes behind one that was lost. */
static bool comes_through(struct sim *s, int node, uint64_t session)
{
  struct wire *w = &s->node[node].wire;
  if (w->up && w->session == session)
    return true;
  const bool late = w->up && w->session == session + 1 && !s->quiet && random_chance(&s->chance, 30);
  if (!late && session > w->gap)
    w->gap = session;
  return late && session > w->gap;
}

static void reaches_hub(struct sim *s, const struct event *e)
{
  struct wire *w = &s->node[e->node].wire;
  if (w->session == e->number) {
    w->waiting -= e->n < w->waiting ? e->n : w->waiting;
    if (w->waiting == 0 && w->up)
      node_site_drained(s, e->node);
  }
  if (site_hears(&s->hub[e->hub].site, e) && w->hub == e->hub && comes_through(s, e->node, e->number))
    hub_site_frame(s, e->hub, e->node, bytes_of(e));
}

static void reaches_node(struct sim *s, const struct event *e)
{
  const struct wire *w = &s->node[e->node].wire;
  if (site_hears(&s->node[e->node].site, e) && w->up && w->session == e->number) {
    oracle_is_shown(s, w->hub, e->node, bytes_of(e));
    node_site_frame(s, e->node, bytes_of(e));
  }
}

static void node_learns(struct sim *s, const struct event *e)
{
  struct wire *w = &s->node[e->node].wire;
  bool dropped[WIRE_TYPES];
  if (!site_hears(&s->node[e->node].site, e))
    return;
  memcpy(dropped, w->dropped, sizeof dropped);
  memset(w->dropped, 0, sizeof w->dropped);
  w->dropping = 0;
  node_site_dropped(s, e->node, dropped);
}

/* Nothing that the node sends overtakes a frame that was dropped: it would be missing before what follows. */
static void drop(struct sim *s, int node, uint8_t type)
{
  struct wire *w = &s->node[node].wire;
  const uint64_t life = s->node[node].site.life;
  if (w->dropping != life) {
    memset(w->dropped, 0, sizeof w->dropped);
    w->dropping = life;
    agenda_post(s, 0, (struct event){.happens = node_learns, .node = node, .life = life}, (struct slice){0});
  }
  w->dropped[type % WIRE_TYPES] = true;
}

static void front_tells(struct sim *s, const struct event *e)
{
  if (!site_hears(&s->hub[e->hub].site, e))
    return;
  if (e->number > UINT8_MAX)
    hub_site_gone(s, e->hub, e->node);
  else
    hub_site_dropped(s, e->hub, e->node, (uint8_t)e->number);
}

/* A full queue: the front cuts who would see a gap, at once, and tells the core. */
static void front_drops(struct sim *s, int hub, int node, uint8_t type)
{
  const struct frame_kind *kind = frame_kind(type);
  const bool is_here = s->node[node].wire.up && s->node[node].wire.hub == hub;
  agenda_post(s, 0,
              (struct event){.happens = front_tells,
                             .node = node,
                             .hub = hub,
                             .life = s->hub[hub].site.life,
                             .number = is_here ? type : UINT64_MAX},
              (struct slice){0});
  if (is_here && kind && kind->chained)
    network_cut(s, node);
}

size_t network_to_hub(struct sim *s, int node, struct slice frame)
{
  struct wire *w = &s->node[node].wire;
  const bool full = w->up && !s->quiet && random_chance(&s->chance, 1);
  if (!w->up || full || w->dropping == s->node[node].site.life) {
    drop(s, node, type_of(frame));
    return w->waiting;
  }
  w->waiting += frame.n;
  const struct event e = {
      .happens = reaches_hub, .node = node, .hub = w->hub, .life = s->hub[w->hub].site.life, .number = w->session};
  agenda_post(s, arrival(s, &w->last_to_hub), e, frame);
  return w->waiting;
}

void network_to_node(struct sim *s, int hub, const struct seal_pk *peer, struct slice frame)
{
  for (int i = 0; i < SIM_NODES; i++) {
    struct wire *w = &s->node[i].wire;
    struct seal_pk key = secret_key_seal_pk(s->node[i].holder->transport);
    if (!seal_pk_eq(&key, peer))
      continue;
    oracle_leaves(s, hub, i, frame);
    if (!w->up || w->hub != hub || (!s->quiet && random_chance(&s->chance, 1)))
      front_drops(s, hub, i, type_of(frame));
    else
      agenda_post(s, arrival(s, &w->last_to_node),
                  (struct event){
                      .happens = reaches_node, .node = i, .life = s->node[i].site.life, .number = w->session},
                  frame);
    return;
  }
  if (s->replaced.begun) {
    const struct seal_pk former = secret_key_seal_pk(s->replaced.former->transport);
    if (seal_pk_eq(&former, peer))
      return; /* the hub was told that it is gone, in this turn */
  }
  sim_fail(s, s->hub[hub].site.name, "it sends to a key that is nobody's");
}
