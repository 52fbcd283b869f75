#include "tests/sim/sim.h"

#include "broker/store_schema.h"
#include "client/node/schema.h"
#include "os/db.h"
#include "os/log.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  STORM_MIN_MS = 2000,    /* faults and publications; many short stories find more than few long ones */
  STORM_MS = 15000,
  QUIET_MS = 2 * 3600000, /* and so long for everything to arrive */
  LOOK_MS = 500,
  SETTLED_MS = 90000,     /* and so long for everybody to hear of documents: a greeting that was lost before is given up after 30 s */
  FOUNDING_MS = 5000, /* without a fault: everybody is connected and knows everybody's keys */
  EVENTS_MAX = 400000, /* beyond: something goes round in circles */
  ROUND_MS = 48 * 3600000, /* with two hubs: until everybody has looked in at both, and at answers again, be it late after hours of nobody's being there */
  ROUND_LOOK_MS = 300000,
  ROUND_EVENTS = 5 * EVENTS_MAX,
};

size_t sim_mark(const struct sim *s, char out[SIM_MARK])
{
  return (size_t)snprintf(out, SIM_MARK, " of seed %llu, portion ", (unsigned long long)s->seed);
}

tg_time sim_wall(const struct sim *s)
{
  return s->kit->start + SIM_BEGINS + s->mono + s->slept;
}

bool sim_rules_change(const struct sim *s)
{
  return s->clocks_off || s->revoking || s->narrowing || s->forked || s->replaced.begun || s->wider.begun;
}

/* What is written when all is over has nothing against it. */
bool sim_may_be_refused(const struct sim *s, const struct publication *p)
{
  return sim_rules_change(s) && !(p && s->late && (size_t)(p - s->publication) >= s->late_from);
}

int64_t sim_between(struct sim *s, int64_t least, int64_t most)
{
  return least + (int64_t)random_below(&s->chance, (uint64_t)(most - least) + 1);
}

/* ---- the story */

static void print(const struct sim *s, const char *who, const char *mark, const char *format, va_list args)
{
  printf("%10.3f %-6s %s", (double)s->mono / 1000, who, mark);
  vprintf(format, args);
  putchar('\n');
}

void sim_tell(struct sim *s, const char *who, const char *format, ...)
{
  va_list args;
  if (!s->story)
    return;
  va_start(args, format);
  print(s, who, "", format, args);
  va_end(args);
}

void sim_fail(struct sim *s, const char *who, const char *format, ...)
{
  va_list args;
  if (s->failed)
    return;
  s->failed = true;
  va_start(args, format);
  print(s, who, "FAILED: ", format, args);
  va_end(args);
}

/* ---- beginning */

static void publishes(struct sim *s, const struct event *e)
{
  if (s->quiet || s->to_publish == 0)
    return;
  s->to_publish--;
  program_publish(s, (int)random_below(&s->chance, SIM_NODES));
  agenda_post(s, pairing_lull(s) + sim_between(s, 20, 600), (struct event){.happens = publishes, .node = e->node},
              (struct slice){0});
}

static struct disk *disk_of(struct sim *s, const char *name)
{
  char vfs[48];
  snprintf(vfs, sizeof vfs, "sim-%s-%llu", name, (unsigned long long)s->seed);
  return disk_new(vfs, &s->chance);
}

static struct sim *sim_new(const struct stage *stage, uint64_t seed, struct plan plan)
{
  struct sim *s = calloc(1, sizeof *s);
  if (!s || !(s->arena = arena_new(LOCAL_ARENA)))
    abort();
  s->seed = seed;
  s->chance = random_new(seed * 2 + 1);
  s->entropy = random_new(seed * 2);
  s->plan = plan;
  s->kit = stage->kit;
  s->stage = stage;
  for (int hub = 0; hub < SIM_HUBS; hub++) {
    s->hub[hub].transport = stage->machine[hub].transport;
    s->hub[hub].log = stage->machine[hub].log;
    s->hub[hub].bodies = stage->machine[hub].bodies;
  }
  return s;
}

/* Everything stands as it did when the founding was over and all had stopped. */
static void take_founded(struct sim *s, const struct stage *stage)
{
  s->mono = FOUNDING_MS;
  s->hub[0].signed_state = stage->signed_state;
  s->hub[0].roots = log_roots_copy(&stage->roots);
  disk_image_restore(s->hub[0].site.disk, stage->hub);
  for (int i = 0; i < SIM_NODES; i++)
    disk_image_restore(s->node[i].site.disk, stage->node[i]);
}

/* Nothing has been, but the stores are laid out. */
static void take_blank(struct sim *s, const struct stage *stage)
{
  disk_image_restore(s->hub[0].site.disk, stage->blank_hub);
  for (int i = 0; i < SIM_NODES; i++)
    disk_image_restore(s->node[i].site.disk, stage->blank_node);
}

static void set_up_hub(struct sim *s, int hub, const char *name)
{
  struct hub_site *h = &s->hub[hub];
  snprintf(h->site.name, sizeof h->site.name, "%s", name);
  h->site.disk = disk_of(s, name);
  h->config = (struct hub_config){.exchange = s->kit->exchange, .part = 1}; /* a bulletin at a time, and whatever else happens between two of them */
  snprintf(h->config.name, sizeof h->config.name, "hub%d", hub + 1);
  if (signing_begin(slice_str(secret_key_name(h->log)), &h->signed_state) != TG_OK)
    abort();
}

static void set_up(struct sim *s, const struct stage *stage)
{
  random_drives_libsodium(&s->entropy);
  set_up_hub(s, 0, "hub");
  if (s->plan.faults & (PLAN_HUB | PLAN_HUBS)) {
    set_up_hub(s, 1, "hub2");
    disk_image_restore(s->hub[1].site.disk, stage->blank_hub);
  }
  for (int i = 0; i < SIM_NODES; i++) {
    struct node_site *n = &s->node[i];
    const struct kit_node *k = n->holder = &s->kit->member[i].node[0];
    snprintf(n->site.name, sizeof n->site.name, "%s", s->kit->member[i].code.code);
    n->site.disk = disk_of(s, n->site.name);
    n->config = (struct node_config){
        .exchange = s->kit->exchange, .database = "node.db", .vfs = disk_vfs(n->site.disk)};
    if (!s->quiet && random_chance(&s->chance, 20)) /* behind a line of 19.2 kbit/s and more */
      n->config.line_rate = UINT64_C(2400) << random_below(&s->chance, 6);
    if (s->plan.faults & PLAN_HUBS)
      pairing_prefers(s, i);
    n->secrets = (struct node_secrets){.node = k->identity, .witness = k->witness};
    n->reader.text = buf_new(1 << 20);
    n->looker.json = buf_new(1 << 20);
    n->carrier.bundle = buf_new(SIZE_MAX / 2);
    n->carrier.answer = buf_new(SIZE_MAX / 2);
  }
  if (s->plan.founded)
    take_founded(s, stage);
  else if (s->plan.faults & PLAN_BLANK)
    take_blank(s, stage);
  pairing_founds(s);
  hub_site_start(s, 0);
  if (s->both)
    hub_site_start(s, 1);
  for (int i = 0; i < SIM_NODES; i++)
    node_site_start(s, i);
}

/* From here on it is this seed's story. */
static void storm_begins(struct sim *s)
{
  s->storm = s->mono + sim_between(s, STORM_MIN_MS, random_chance(&s->chance, 25) ? STORM_MS : STORM_MS / 3);
  s->to_publish = 2 + random_below(&s->chance, SIM_STORM - 2);
  agenda_post(s, sim_between(s, 300, 1500), (struct event){.happens = publishes, .node = -1},
              (struct slice){0});
  fault_begin(s);
}

static void take_down(struct sim *s)
{
  for (int i = 0; i < SIM_HUBS && s->hub[i].site.disk; i++) {
    struct hub_site *h = &s->hub[i];
    disk_cut(h->site.disk); /* nothing more is written */
    hub_free(h->hub);
    disk_image_free(h->site.copy);
    disk_image_free(h->cheat);
    disk_free(h->site.disk);
    free(h->roots.root);
    free(h->cosigned);
  }
  for (int i = 0; i < SIM_NODES; i++) {
    disk_cut(s->node[i].site.disk);
    node_free(s->node[i].core);
    disk_image_free(s->node[i].site.copy);
    disk_free(s->node[i].site.disk);
    buf_free(&s->node[i].reader.text);
    buf_free(&s->node[i].looker.json);
    buf_free(&s->node[i].carrier.bundle);
    buf_free(&s->node[i].carrier.answer);
  }
  for (size_t i = 0; i < s->n_publications; i++)
    for (size_t part = 0; part < SIM_PARTS; part++)
      free(s->publication[i].part[part].text);
  agenda_clear(s);
  arena_free(s->arena);
  buf_free(&s->charter);
  buf_free(&s->revocation_note);
  buf_free(&s->narrower_note);
  buf_free(&s->replaced.revocation);
  buf_free(&s->wider.note);
  free(s->other.root);
  free(s);
}

/* ---- going on */

static int64_t look_ms(const struct sim *s)
{
  const bool round = s->plan.faults & PLAN_HUBS;
  if (round && s->mono > s->storm + STORM_MS)
    return ROUND_LOOK_MS;
  return round || s->mono < 5 * STORM_MS ? LOOK_MS : 60 * LOOK_MS;
}

static void looks(struct sim *s, const struct event *e)
{
  for (int i = 0; i < SIM_NODES; i++)
    program_look(s, i);
  agenda_post(s, look_ms(s),
              (struct event){.happens = looks, .node = e->node}, (struct slice){0});
}

/* What happened, in one number: a replay must come to the same. */
static void digest(struct sim *s, const struct event *e)
{
  s->digest = (s->digest ^ (uint64_t)e->at ^ (uint64_t)(unsigned)e->node << 40) * UINT64_C(0x100000001b3);
  for (size_t i = 0; i < e->n; i++)
    s->digest = (s->digest ^ e->bytes[i]) * UINT64_C(0x100000001b3);
}

static void run_until(struct sim *s, int64_t end, bool (*done)(const struct sim *s))
{
  struct event e;
  while (!s->failed && !(done && done(s)) && s->mono < end && agenda_next(s, &e)) {
    digest(s, &e);
    e.happens(s, &e);
    free(e.bytes);
    if (++s->events > (s->plan.faults & PLAN_HUBS ? ROUND_EVENTS : EVENTS_MAX))
      sim_fail(s, "sim", "%llu events and no end", (unsigned long long)s->events);
  }
}

/* What was taken back is asked for once more, wherever the recall has come. */
static void reread(struct sim *s)
{
  for (size_t i = 0; i < s->n_publications; i++) {
    const struct publication *recall = &s->publication[i];
    for (int node = 0; node < SIM_NODES; node++)
      if (recall->kind == KIND_RECALL && (recall->part[0].shown >> node & 1) && !s->node[node].restored) { /* it forgot that, too */
        program_reread(s, node, recall->target);
        run_until(s, s->mono + LOOK_MS, NULL);
      }
  }
}

/* The newest of each node's that was accepted is to be proven. */
static void prove(struct sim *s)
{
  bool asked[SIM_NODES] = {false};
  for (size_t i = s->n_publications; i-- > 0;) {
    const struct publication *p = &s->publication[i];
    if (!p->accepted || p->lost || asked[p->node] || s->node[p->node].restored)
      continue;
    asked[p->node] = true;
    program_prove(s, p->node, p);
  }
  run_until(s, s->mono + LOOK_MS, NULL);
}

static int64_t quiet_ms(const struct sim *s) { return s->plan.faults & PLAN_HUBS ? ROUND_MS : QUIET_MS; }

/* A node was replaced, or a policy permits more, and everything that can come came: now all is as in any exchange. */
static void live_on(struct sim *s)
{
  const bool wider = s->wider.begun && !s->clocks_off;
  if (!(s->replaced.begun || wider) || s->forked || s->failed || !oracle_settled(s))
    return;
  const int64_t known = s->plan.faults & PLAN_HUBS ? ROUND_MS / 8 : SETTLED_MS;
  run_until(s, s->mono + known, NULL);
  if (wider) { /* who heard of it only now keeps its day, too */
    s->slept += TG_DAY + TG_HOUR;
    run_until(s, s->mono + known, NULL);
  }
  s->late = true;
  s->late_from = s->n_publications;
  if (s->replaced.begun)
    replacement_is_known(s);
  if (wider)
    widening_is_known(s);
  run_until(s, s->mono + quiet_ms(s), oracle_settled);
}

static void story_of(struct sim *s)
{
  storm_begins(s);
  run_until(s, s->storm, NULL);
  fault_end(s);
  agenda_post(s, 0, (struct event){.happens = looks, .node = -1}, (struct slice){0});
  run_until(s, s->mono + quiet_ms(s), oracle_settled);
  live_on(s);
  if (s->failed)
    return;
  if (!oracle_settled(s) && s->forked) {
    oracle_deceived(s);
    sim_fail(s, "sim", "who saw two histories has no evidence, two hours after the last fault");
    return;
  }
  if (!oracle_settled(s)) {
    oracle_explain(s);
    sim_fail(s, "sim", "not everything arrived, %lld hours after the last fault", (long long)(quiet_ms(s) / 3600000));
    return;
  }
  reread(s);
  if (s->forked)
    return;
  prove(s);
  for (int hub = 0; hub < SIM_HUBS; hub++) {
    struct hub_site *h = &s->hub[hub];
    if (!sim_is_named(s, hub))
      continue;
    oracle_slander(s, hub);
    hub_free(h->hub);
    h->hub = NULL;
    h->site.life++;
  }
  oracle_inspect(s);
}

struct plan plan_of(uint64_t seed)
{
  struct random r = random_new(~seed);
  struct plan plan = {.founded = !random_chance(&r, 15)};
  for (unsigned fault = PLAN_MEMORY; fault <= PLAN_IMAGE; fault *= 2)
    if (random_chance(&r, 20))
      plan.faults |= fault;
  if (!plan.founded && random_chance(&r, 80))
    plan.faults |= PLAN_BLANK;
  if (random_chance(&r, 20))
    plan.faults |= PLAN_CHEAT;
  if (random_chance(&r, 20))
    plan.faults |= PLAN_CARRY;
  if (random_chance(&r, 20))
    plan.faults |= PLAN_NIGHT;
  if (random_chance(&r, 10) && !(plan.faults & PLAN_CHEAT)) /* dearer than the others by half */
    plan.faults |= PLAN_HUB;
  if (random_chance(&r, 10))
    plan.faults |= PLAN_REPLACE;
  if (random_chance(&r, 10))
    plan.faults |= PLAN_WIDEN;
  if (random_chance(&r, 12) && !(plan.faults & (PLAN_CHEAT | PLAN_HUB)))
    plan.faults |= PLAN_HUBS;
  return plan;
}

unsigned plan_number(struct plan plan)
{
  return plan.faults | (plan.founded ? PLAN_FOUNDED : 0);
}

struct plan plan_from(unsigned number)
{
  return (struct plan){.founded = number & PLAN_FOUNDED, .faults = number & ~(unsigned)PLAN_FOUNDED};
}

bool sim_run(const struct stage *stage, uint64_t seed, struct plan plan, bool story, struct sim_stats *ret)
{
  struct sim *s = sim_new(stage, seed, plan);
  s->story = story;
  set_up(s, stage);
  story_of(s);
  *ret = (struct sim_stats){
      .held = !s->failed, .events = s->events, .digest = s->digest, .publications = s->n_publications, .simulated = s->mono};
  take_down(s);
  stage_tidy(stage);
  return ret->held;
}

/* ---- the stage */

static struct disk_image *lay_out(struct db_options o)
{
  struct random chance = random_new(0);
  struct disk *disk = disk_new("sim-blank", &chance);
  struct db *db = NULL;
  o.vfs = disk_vfs(disk);
  if (db_open(&o, &db, NULL) != TG_OK)
    abort();
  db_close(&db);
  struct disk_image *image = disk_image(disk);
  disk_free(disk);
  return image;
}

/* Plays the founding, and keeps what is on the disks when all have stopped. */
static void found(struct stage *stage)
{
  struct sim *s = sim_new(stage, UINT64_MAX, (struct plan){.founded = false});
  s->quiet = true;
  set_up(s, stage);
  run_until(s, FOUNDING_MS, NULL);
  if (s->failed)
    abort();
  hub_free(s->hub[0].hub);
  s->hub[0].hub = NULL;
  stage->hub = disk_image(s->hub[0].site.disk);
  for (int i = 0; i < SIM_NODES; i++) {
    node_free(s->node[i].core);
    s->node[i].core = NULL;
    stage->node[i] = disk_image(s->node[i].site.disk);
  }
  stage->signed_state = s->hub[0].signed_state;
  stage->roots = s->hub[0].roots;
  s->hub[0].roots = (struct log_roots){0};
  take_down(s);
}

static void set_aside(struct stage *stage, int hub)
{
  const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  char name[16];
  snprintf(name, sizeof name, "hub%d", hub + 1);
  snprintf(stage->machine[hub].bodies, sizeof stage->machine[hub].bodies, "%s/toguna-sim-XXXXXX", where);
  if (!mkdtemp(stage->machine[hub].bodies))
    abort();
  stage->machine[hub].transport = stage->kit->hub_transport;
  stage->machine[hub].log = stage->kit->hub_log;
  if (hub > 0)
    kit_hub_keys(name, &stage->machine[hub].transport, &stage->machine[hub].log);
}

static void set_aside_nodes(struct stage *stage, int member)
{
  const char *name = stage->kit->member[member].node[0].name;
  char other[HOLDER_MAX + 1];
  snprintf(other, sizeof other, "%s/ops/n9", stage->kit->member[member].code.code);
  kit_replace_node(stage->kit, (size_t)member, name, &stage->spare[member][0]);
  kit_replace_node(stage->kit, (size_t)member, other, &stage->spare[member][1]);
}

void stage_open(struct stage *stage, struct kit *kit)
{
  static struct random same; /* as the exchange, so are the machines that wait to be named */
  same = random_new(2);
  random_drives_libsodium(&same);
  *stage = (struct stage){.kit = kit};
  for (int i = 0; i < SIM_HUBS; i++)
    set_aside(stage, i);
  for (int i = 0; i < SIM_NODES; i++)
    set_aside_nodes(stage, i);
  stage->blank_hub = lay_out((struct db_options){.path = "hub.db",
                                                 .application_id = STORE_APPLICATION_ID,
                                                 .migrations = STORE_MIGRATIONS,
                                                 .n_migrations = STORE_MIGRATION_COUNT});
  stage->blank_node = lay_out((struct db_options){.path = "node.db",
                                                  .application_id = SCHEMA_APPLICATION,
                                                  .migrations = schema_migrations,
                                                  .n_migrations = SCHEMA_MIGRATIONS});
  found(stage);
}

static void empty(const char *folder)
{
  DIR *d = opendir(folder);
  for (struct dirent *e; d && (e = readdir(d));)
    if (e->d_name[0] != '.')
      unlinkat(dirfd(d), e->d_name, 0);
  if (d)
    closedir(d);
}

void stage_tidy(const struct stage *stage)
{
  for (int i = 0; i < SIM_HUBS; i++)
    empty(stage->machine[i].bodies);
}

void stage_close(struct stage *stage)
{
  disk_image_free(stage->blank_hub);
  disk_image_free(stage->blank_node);
  disk_image_free(stage->hub);
  for (int i = 0; i < SIM_NODES; i++)
    disk_image_free(stage->node[i]);
  free(stage->roots.root);
  stage_tidy(stage);
  for (int i = 0; i < SIM_HUBS; i++)
    rmdir(stage->machine[i].bodies);
  for (int i = 0; i < 2 * SIM_NODES; i++)
    kit_node_free(&stage->spare[i / 2][i % 2]);
  for (int i = 1; i < SIM_HUBS; i++) {
    secret_key_free(stage->machine[i].transport);
    secret_key_free(stage->machine[i].log);
  }
}
