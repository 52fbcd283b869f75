#include "tests/sim/sim.h"

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
  EVENTS_MAX = 400000, /* beyond: something goes round in circles */
};

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
  agenda_post(s, sim_between(s, 20, 600), (struct event){.happens = publishes, .node = e->node},
              (struct slice){0});
}

static struct disk *disk_of(struct sim *s, const char *name)
{
  char vfs[32];
  snprintf(vfs, sizeof vfs, "sim-%s", name);
  return disk_new(vfs, &s->chance);
}

static void make_folder(struct sim *s)
{
  const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf(s->hub.bodies, sizeof s->hub.bodies, "%s/toguna-sim-XXXXXX", where);
  if (!mkdtemp(s->hub.bodies))
    abort();
}

static void remove_folder(struct sim *s)
{
  DIR *d = opendir(s->hub.bodies);
  for (struct dirent *e; d && (e = readdir(d));)
    if (e->d_name[0] != '.')
      unlinkat(dirfd(d), e->d_name, 0);
  if (d)
    closedir(d);
  rmdir(s->hub.bodies);
}

static void set_up(struct sim *s)
{
  make_folder(s);
  snprintf(s->hub.site.name, sizeof s->hub.site.name, "hub");
  s->hub.site.disk = disk_of(s, "hub");
  s->hub.config = (struct hub_config){.exchange = s->kit->exchange, .name = "hub1"};
  if (signing_begin(slice_str(secret_key_name(s->kit->hub_log)), &s->hub.signed_state) != TG_OK)
    abort();
  for (int i = 0; i < SIM_NODES; i++) {
    struct node_site *n = &s->node[i];
    const struct kit_node *k = &s->kit->member[i].node[0];
    snprintf(n->site.name, sizeof n->site.name, "%s", s->kit->member[i].code.code);
    n->site.disk = disk_of(s, n->site.name);
    n->config = (struct node_config){
        .exchange = s->kit->exchange, .database = "node.db", .vfs = disk_vfs(n->site.disk)};
    if (random_chance(&s->chance, 20)) /* behind a line of 19.2 kbit/s and more */
      n->config.line_rate = UINT64_C(2400) << random_below(&s->chance, 6);
    n->secrets = (struct node_secrets){.node = k->identity, .witness = k->witness};
    n->reader.text = buf_new(1 << 20);
  }
  hub_site_start(s);
  for (int i = 0; i < SIM_NODES; i++)
    node_site_start(s, i);
  s->storm = sim_between(s, STORM_MIN_MS, random_chance(&s->chance, 25) ? STORM_MS : STORM_MS / 3);
  s->to_publish = 2 + random_below(&s->chance, SIM_PUBLICATIONS - 2);
  agenda_post(s, sim_between(s, 300, 1500), (struct event){.happens = publishes, .node = -1},
              (struct slice){0});
  fault_begin(s);
}

static void take_down(struct sim *s)
{
  hub_free(s->hub.hub);
  remove_folder(s);
  disk_free(s->hub.site.disk);
  for (int i = 0; i < SIM_NODES; i++) {
    node_free(s->node[i].core);
    disk_free(s->node[i].site.disk);
    buf_free(&s->node[i].reader.text);
  }
  for (size_t i = 0; i < s->n_publications; i++)
    for (size_t part = 0; part < SIM_PARTS; part++)
      free(s->publication[i].part[part].text);
  agenda_clear(s);
  arena_free(s->arena);
  free(s->root);
}

/* ---- going on */

static void looks(struct sim *s, const struct event *e)
{
  for (int i = 0; i < SIM_NODES; i++)
    program_look(s, i);
  agenda_post(s, s->mono < 5 * STORM_MS ? LOOK_MS : 60 * LOOK_MS,
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
    if (++s->events > EVENTS_MAX)
      sim_fail(s, "sim", "%d events and no end", EVENTS_MAX);
  }
}

/* What was taken back is asked for once more, wherever the recall has come. */
static void reread(struct sim *s)
{
  for (size_t i = 0; i < s->n_publications; i++) {
    const struct publication *recall = &s->publication[i];
    for (int node = 0; node < SIM_NODES; node++)
      if (recall->kind == KIND_RECALL && (recall->part[0].shown >> node & 1)) {
        program_reread(s, node, recall->target);
        run_until(s, s->mono + LOOK_MS, NULL);
      }
  }
}

static void story_of(struct sim *s)
{
  set_up(s);
  run_until(s, s->storm, NULL);
  fault_end(s);
  agenda_post(s, 0, (struct event){.happens = looks, .node = -1}, (struct slice){0});
  run_until(s, s->mono + QUIET_MS, oracle_settled);
  if (s->failed)
    return;
  if (!oracle_settled(s)) {
    oracle_explain(s);
    sim_fail(s, "sim", "not everything arrived, two hours after the last fault");
    return;
  }
  reread(s);
  hub_free(s->hub.hub);
  s->hub.hub = NULL;
  s->hub.site.life++;
  oracle_inspect(s);
}

bool sim_run(struct kit *kit, uint64_t seed, bool story, struct sim *ret_stats)
{
  struct sim *s = calloc(1, sizeof *s);
  if (!s || !(s->arena = arena_new(LOCAL_ARENA)))
    abort();
  s->seed = seed;
  s->chance = random_new(seed * 2 + 1);
  s->entropy = random_new(seed * 2);
  s->kit = kit;
  s->story = story;
  random_drives_libsodium(&s->entropy);
  story_of(s);
  take_down(s);
  bool ok = !s->failed;
  if (ret_stats)
    *ret_stats = *s;
  free(s);
  return ok;
}
