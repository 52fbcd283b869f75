/* A node where it stands: its core on a disk of its own, its link, its socket. */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESTART_MS = 3000 };

static struct node_now now(const struct sim *s, int node)
{
  return (struct node_now){.wall = sim_wall(s) + s->node[node].site.skew,
                           .mono = s->mono};
}

static struct event for_node(const struct sim *s, int node,
                             void (*happens)(struct sim *, const struct event *))
{
  return (struct event){.happens = happens, .node = node, .life = s->node[node].site.life};
}

/* ---- the end of a process */

static void starts_again(struct sim *s, const struct event *e)
{
  const struct node_site *n = &s->node[e->node];
  if (e->life == n->site.life && !site_alive(&n->site) && !n->away)
    node_site_start(s, e->node);
}

void node_site_crash(struct sim *s, int node)
{
  struct node_site *n = &s->node[node];
  if (!site_alive(&n->site))
    return;
  sim_tell(s, n->site.name, "POWER FAILS");
  disk_cut(n->site.disk);
  node_free(n->core);
  n->core = NULL;
  disk_restore(n->site.disk);
  network_cut(s, node);
  n->site.life++;
  n->wire.wanted = false;
  program_node_down(s, node);
  agenda_post(s, sim_between(s, 20, RESTART_MS), for_node(s, node, starts_again), (struct slice){0});
}

void node_site_lose(struct sim *s, int node, const struct kit_node *next)
{
  struct node_site *n = &s->node[node];
  node_site_crash(s, node);
  hub_site_gone(s, n->wire.hub, node);
  sim_tell(s, n->site.name, "is LOST, with its disk");
  n->away = true;
  n->site.life += 2; /* who was to start it again need not */
  n->wire.session += 2; /* of that machine nothing comes any more */
  disk_image_free(n->site.copy);
  n->site.copy = NULL;
  disk_image_restore(n->site.disk, s->stage->blank_node);
  n->holder = next;
  n->secrets = (struct node_secrets){.node = next->identity, .witness = next->witness};
  n->reader.place = 0;
  oracle_replaced(s, node);
}

void node_site_copy(struct sim *s, int node)
{
  struct node_site *n = &s->node[node];
  disk_image_free(n->site.copy);
  n->site.copy = disk_image(n->site.disk);
  n->copied = s->n_publications;
  for (size_t i = 0; i < s->n_publications; i++) {
    struct publication *p = &s->publication[i];
    if (p->node == node)
      p->unanswered = !p->spooled && !p->refused;
  }
  n->stated_in_copy = n->n_stated;
  n->copied_place = n->reader.place;
  sim_tell(s, n->site.name, "its disk is copied");
}

void node_site_restore(struct sim *s, int node)
{
  struct node_site *n = &s->node[node];
  if (n->restored || !site_alive(&n->site))
    return;
  node_site_crash(s, node);
  sim_tell(s, n->site.name, "its disk is replaced by an old copy");
  disk_image_restore(n->site.disk, n->site.copy);
  n->restored = true;
  n->reader.place = n->copied_place;
  oracle_restored(s, node);
}

static bool check(struct sim *s, int node, enum tg_err err, const struct tg_why *why)
{
  struct site *site = &s->node[node].site;
  char text[400] = "";
  if (err == TG_OK)
    return true;
  if (why && why->what)
    why_render(why, NULL, text, sizeof text);
  if (!site->sabotaged)
    sim_fail(s, site->name, "it ended by itself: %s %s", tg_err_name(err), text);
  sim_tell(s, site->name, "what it needs failed it: %s", tg_err_name(err));
  node_site_crash(s, node);
  return false;
}

/* ---- turns */

static void turn_ends(struct sim *s, const struct event *e)
{
  struct node_site *n = &s->node[e->node];
  struct tg_why why = {.err = TG_OK};
  if (!site_hears(&n->site, e))
    return;
  n->site.in_turn = n->site.turn_posted = false;
  const enum tg_err err = SCARCE(&n->site, node_turn(n->core, &why));
  if (n->site.doomed < 0 || (check(s, e->node, err, &why) && n->site.stopping))
    node_site_crash(s, e->node); /* after a stop nothing more is written: pulling the plug changes nothing */
}

static bool turn(struct sim *s, int node)
{
  struct site *site = &s->node[node].site;
  if (!site_alive(site))
    return false;
  if (!site->turn_posted) {
    site->turn_posted = true;
    agenda_post(s, sim_between(s, 0, 3), for_node(s, node, turn_ends), (struct slice){0});
  }
  if (site->in_turn)
    return true;
  site->in_turn = true;
  return check(s, node, SCARCE(&s->node[node].site, node_time(s->node[node].core, now(s, node))), NULL);
}

void node_site_frame(struct sim *s, int node, struct slice frame)
{
  if (turn(s, node))
    check(s, node, SCARCE(&s->node[node].site, node_frame(s->node[node].core, frame)), NULL);
}

void node_site_link(struct sim *s, int node, enum node_link_state state)
{
  if (turn(s, node))
    check(s, node, SCARCE(&s->node[node].site, node_link(s->node[node].core, state)), NULL);
}

void node_site_dropped(struct sim *s, int node, const bool types[static WIRE_TYPES])
{
  for (unsigned type = 0; type < WIRE_TYPES; type++)
    if (types[type] && turn(s, node))
      check(s, node, SCARCE(&s->node[node].site, node_dropped(s->node[node].core, (uint8_t)type)), NULL);
}

void node_site_drained(struct sim *s, int node)
{
  if (turn(s, node))
    check(s, node, SCARCE(&s->node[node].site, node_drained(s->node[node].core)), NULL);
}

void node_site_joined(struct sim *s, int node, uint64_t client)
{
  if (turn(s, node))
    check(s, node, SCARCE(&s->node[node].site, node_client_joined(s->node[node].core, client, 0)), NULL);
}

void node_site_program(struct sim *s, int node, uint64_t client, enum local_type type,
                       const ProtobufCMessage *message)
{
  struct buf frame = buf_new(LOCAL_FRAME);
  struct tg_why why = {.err = TG_OK};
  if (local_encode(type, message, &frame, &why) != TG_OK)
    sim_fail(s, s->node[node].site.name, "a program cannot say what it wants: %s", why.what);
  else if (turn(s, node))
    check(s, node, SCARCE(&s->node[node].site, node_client_frame(s->node[node].core, client, buf_slice(&frame))), NULL);
  buf_free(&frame);
}

void node_site_disk(struct sim *s, int node, uint64_t free_bytes)
{
  if (turn(s, node))
    node_disk(s->node[node].core, free_bytes);
}

void node_site_stop(struct sim *s, int node)
{
  struct node_site *n = &s->node[node];
  if (n->site.stopping || !turn(s, node))
    return;
  sim_tell(s, n->site.name, "is told to stop");
  n->site.stopping = true;
  check(s, node, SCARCE(&s->node[node].site, node_stop(n->core)), NULL);
}

/* ---- effects */

static struct here here_of(void *context)
{
  scarce_rest();
  return *(const struct here *)context;
}

static size_t effect_to_hub(void *context, struct slice frame)
{
  struct here h = here_of(context);
  if (!site_effect(&h.s->node[h.which].site))
    return 0;
  oracle_states(h.s, h.which, frame);
  oracle_cosigns(h.s, h.s->node[h.which].wire.hub, frame);
  return network_to_hub(h.s, h.which, frame);
}

static void effect_connect(void *context, const char *endpoint, const struct seal_pk *key)
{
  struct here h = here_of(context);
  if (!site_effect(&h.s->node[h.which].site))
    return;
  if (!endpoint) {
    network_disconnect(h.s, h.which);
    return;
  }
  for (int hub = 0; hub < SIM_HUBS; hub++) {
    const struct seal_pk expected = secret_key_seal_pk(h.s->hub[hub].transport);
    if (seal_pk_eq(key, &expected)) {
      network_connect(h.s, h.which, hub);
      return;
    }
  }
  sim_fail(h.s, h.s->node[h.which].site.name, "it connects to a hub of another key");
}

/* event.number is the client */
static void frame_arrives(struct sim *s, const struct event *e)
{
  if (site_hears(&s->node[e->node].site, e))
    program_frame(s, e->node, e->number, slice_of(e->bytes, e->n));
}

static void socket_closes(struct sim *s, const struct event *e)
{
  if (site_hears(&s->node[e->node].site, e))
    program_closed(s, e->node, e->number);
}

static size_t effect_to_client(void *context, uint64_t client, struct slice frame)
{
  struct here h = here_of(context);
  struct event e = for_node(h.s, h.which, frame_arrives);
  e.number = client;
  if (site_effect(&h.s->node[h.which].site))
    agenda_post(h.s, 0, e, frame);
  return 0;
}

static void effect_close_client(void *context, uint64_t client)
{
  struct here h = here_of(context);
  struct event e = for_node(h.s, h.which, socket_closes);
  e.number = client;
  if (site_effect(&h.s->node[h.which].site))
    agenda_post(h.s, 0, e, (struct slice){0});
}

static void effect_hook(void *context, const struct node_hook *order)
{
  struct here h = here_of(context);
  sim_fail(h.s, h.s->node[h.which].site.name, "it runs hook %zu, and has none", order->hook);
}

static void wakes(struct sim *s, const struct event *e)
{
  if (site_hears(&s->node[e->node].site, e) && e->number == s->node[e->node].site.wish)
    (void)turn(s, e->node);
}

static void effect_wake_at(void *context, int64_t mono)
{
  struct here h = here_of(context);
  struct site *site = &h.s->node[h.which].site;
  site->wish++;
  if (mono == INT64_MAX)
    return;
  struct event e = for_node(h.s, h.which, wakes);
  e.number = site->wish;
  agenda_post(h.s, mono - h.s->mono, e, (struct slice){0});
}

static void effect_evidence(void *context, const char *name, struct slice text)
{
  struct here h = here_of(context);
  struct site *site = &h.s->node[h.which].site;
  const bool is_last = !h.s->quiet && random_chance(&h.s->chance, 20), before = is_last && random_chance(&h.s->chance, 50);
  if (site_effect(site) && !before)
    oracle_evidence(h.s, h.which, name, text);
  if (is_last)
    site->doomed = -1; /* the power fails just before, or just after */
  if (site->doomed < 0)
    disk_cut(site->disk); /* the turn's transaction comes after this */
}

/* A node that was set back, at a hub that knows none of the numbers it had given: neither can know them, and what follows such a number hangs on the one bulletin of the two
   that a recipient does not have there. */
static bool is_forgotten_number(const struct sim *s, const struct node_event *event)
{
  const bool of_number = !strcmp(event->name, "number-twice") || !strcmp(event->name, "chain-broken");
  for (int i = 0; s->serving > 0 && event->who && of_number && i < SIM_NODES; i++)
    if (s->node[i].restored && !strncmp(event->who, s->node[i].site.name, 2))
      return true;
  return false;
}

static void effect_tell(void *context, const struct node_event *event)
{
  struct here h = here_of(context);
  char text[300] = "";
  if (event->why)
    why_render(event->why, NULL, text, sizeof text);
  sim_tell(h.s, h.s->node[h.which].site.name, "%s %s #%llu %s", event->name, event->who ? event->who : "",
           (unsigned long long)event->number, text);
  h.s->node[h.which].distrusts |= strcmp(event->name, "log-forked") == 0;
  const bool is_old = (strcmp(event->name, "store-is-old") == 0 || strcmp(event->name, "receipt-of-a-stranger") == 0) && h.s->node[h.which].restored;
  if (event->level == NODE_ALARM && !is_old && !h.s->forked && !is_forgotten_number(h.s, event) && strcmp(event->name, "receipts-overdue") != 0) /* faults do make things late */
    sim_fail(h.s, h.s->node[h.which].site.name, "an alarm in an honest exchange: %s %s", event->name, text);
}

/* ---- the start */

void node_site_document(struct sim *s, int node, struct slice note)
{
  struct tg_why why = {.err = TG_OK};
  if (!turn(s, node))
    return;
  enum tg_err err = SCARCE(&s->node[node].site, node_document(s->node[node].core, note, &why));
  if (err == TG_REFUSED && ((s->revoking && node == SIM_REVOKED) || s->forked))
    return;
  if (err == TG_REFUSED)
    sim_fail(s, s->node[node].site.name, "a document is refused: %s %s", why.what ? why.what : "",
             why.arg[0]);
  else
    check(s, node, err, &why);
}

void node_site_start(struct sim *s, int node)
{
  struct node_site *n = &s->node[node];
  n->here = (struct here){.s = s, .which = node};
  const struct node_effects effects = {.context = &n->here,
                                       .to_hub = effect_to_hub,
                                       .connect = effect_connect,
                                       .to_client = effect_to_client,
                                       .close_client = effect_close_client,
                                       .hook = effect_hook,
                                       .wake_at = effect_wake_at,
                                       .evidence = effect_evidence,
                                       .tell = effect_tell};
  struct site old = n->site;
  struct tg_why why = {.err = TG_OK};
  n->site = (struct site){
      .disk = old.disk, .life = old.life + 1, .wish = old.wish, .sabotaged = old.sabotaged, .scarce = old.scarce, .copy = old.copy, .skew = old.skew};
  memcpy(n->site.name, old.name, sizeof old.name);
  sim_tell(s, n->site.name, "starts");
  if (!check(s, node, SCARCE(&s->node[node].site, node_new(&n->config, &n->secrets, &effects, now(s, node), &n->core, &why)), &why))
    return;
  node_site_document(s, node, buf_slice(&s->kit->charter));
  if (succession_charter(s, node).n > 0)
    node_site_document(s, node, succession_charter(s, node));
  node_site_document(s, node, buf_slice(&n->holder->credential));
  program_node_up(s, node);
}
