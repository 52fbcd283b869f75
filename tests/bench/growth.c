/* Does anything grow that should not? The hub alone with a log that grows, and with members and nodes that grow; what a start takes, and what memory and
   disk hold. */
#include "tests/bench/works.h"

#include "tests/bench/hub_alone.h"
#include "tests/bench/plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

enum { SIZE = 1024, SLICE = 10000, PIECE = 20000 /* between two slices, at once */ };
static const uint64_t BULLETINS_MOST = 9700000; /* some ten million entries of the log */
static const double DISK_LEFT = 8e9;            /* bytes that stay free for others */

static double in(const json_t *row, const char *object, const char *key)
{
  return json_number_value(json_object_get(object ? json_object_get(row, object) : row, key));
}

/* Draws when asked to. */
static void draw(const struct bench *b, const struct plot *p, const char *name)
{
  if (b->options->plots && !plot_write(p, b->options->plots, name))
    bench_fails(b->options->plots, "the plots cannot be written there");
}

/* What the hub costs now, with what a restart takes. NULL: failed. */
static json_t *slice(struct stand *s, struct parcels *p, uint64_t count, const char *what)
{
  json_t *cost = parcels_make(p, count, SIZE) ? hub_alone(NULL, s, p, SIZE) : NULL;
  if (!cost)
    return NULL;
  json_t *row = json_pack("{s:s,s:s,s:f,s:f,s:f,s:f,s:f,s:f}", "work", "growth", "what", what, "bulletins", (double)(p->first + p->count), "core_us", in(cost, "cpu_us", "hub.core"),
                          "front_us", in(cost, "cpu_us", "hub.front"), "entries", in(cost, NULL, "entries"), "core_kib", in(cost, "peak_kib", "hub.core"), "per_s", in(cost, NULL, "per_s"));
  json_decref(cost);
  double began = bench_now();
  stand_kill_hub(s);
  if (!stand_start_hub(s, 120)) {
    json_decref(row);
    return NULL;
  }
  json_object_set_new(row, "restart_s", json_real(bench_now() - began));
  json_object_set_new(row, "disk_mib", json_real((double)stand_hub_bytes(s) / (1 << 20)));
  return row;
}

/* Until when the log may grow, and how far. */
struct reach {
  uint64_t all;
  double until;
};

static bool has_reached(const struct bench *b, const struct reach *r, uint64_t bulletins)
{
  struct statvfs v;
  const bool room = statvfs(b->folder, &v) != 0 || (double)v.f_bavail * (double)v.f_frsize > DISK_LEFT;
  return bulletins >= r->all || bench_now() > r->until || !room;
}

/* Fills the log up to about so many bulletins, without looking closely. */
static bool fill(struct bench *b, struct stand *s, struct parcels *p, const struct reach *r, uint64_t upto)
{
  bool good = true;
  for (uint64_t now = p->first + p->count; good && now < upto && !has_reached(b, r, now); now = p->first + p->count) {
    bench_says("growth: %llu of %llu bulletins", (unsigned long long)now, (unsigned long long)r->all);
    json_t *row = parcels_make(p, upto - now < PIECE ? upto - now : PIECE, SIZE) ? hub_alone(NULL, s, p, SIZE) : NULL;
    good = row != NULL;
    json_decref(row);
  }
  return good;
}

/* The log: slices that are measured, each with a restart, at twice the bulletins of the one before. */
static bool grow_log(struct bench *b, json_t *rows)
{
  static struct plot cost = {.title = "Processor time of the hub as its log grows", .x = "entries in the log", .y = "µs per bulletin", .log_x = true,
                             .n = 2, .curve = {{.name = "core"}, {.name = "front"}}},
                     memory = {.title = "Hub core: memory, and time of a restart after kill -9", .x = "entries in the log", .y = "MiB · hundredths of a second", .log_x = true,
                               .n = 2, .curve = {{.name = "memory, MiB"}, {.name = "restart, 10 ms"}}},
                     disk = {.title = "Disk of the hub: store, log and signer", .x = "bulletins in the log", .y = "MiB", .n = 1, .curve = {{.name = "all of it"}}};
  const struct reach reach = {bench_count(b, 20000, BULLETINS_MOST, BULLETINS_MOST), b->options->count ? HUGE_VAL : bench_now() + (b->options->quick ? 60 : 13 * 60)};
  struct stand s = {0};
  struct parcels p = {0};
  bool good = stand_open_hub(b, 2, &s) && parcels_open(&s, 1, &p);
  for (uint64_t n = 100, done = 0; good && !has_reached(b, &reach, done); n = n * 4 < SLICE ? n * 4 : SLICE) {
    good = done < 2 * SLICE || fill(b, &s, &p, &reach, (2 * done < reach.all ? 2 * done : reach.all) - n);
    json_t *row = good ? slice(&s, &p, n, "the log grows") : NULL;
    good = row != NULL;
    if (!row)
      break;
    done = p.first + p.count;
    json_array_append_new(rows, row);
    const double entries = in(row, NULL, "entries");
    plot_add(&cost.curve[0], entries, in(row, NULL, "core_us"));
    plot_add(&cost.curve[1], entries, in(row, NULL, "front_us"));
    plot_add(&memory.curve[0], entries, in(row, NULL, "core_kib") / 1024);
    plot_add(&memory.curve[1], entries, 100 * in(row, NULL, "restart_s"));
    plot_add(&disk.curve[0], (double)done, in(row, NULL, "disk_mib"));
    draw(b, &cost, "growth-log"); /* each time: what was measured stays, whatever comes */
    draw(b, &memory, "growth-memory");
    draw(b, &disk, "growth-disk");
  }
  parcels_free(&p);
  stand_close(&s);
  return good;
}

/* Members and their nodes, all of them connected; every bulletin to one. */
static bool grow_members(struct bench *b, json_t *rows)
{
  static struct plot cost = {.title = "Processor time of the hub by nodes, all connected", .x = "nodes", .y = "µs per bulletin to one node",
                             .n = 2, .curve = {{.name = "core"}, {.name = "front"}}};
  static const struct {
    size_t members, each;
  } points[] = {{3, 1}, {10, 1}, {25, 1}, {50, 1}, {100, 1}, {200, 1}, {100, 5}};
  size_t n = b->options->quick ? 3 : sizeof points / sizeof *points;
  for (size_t i = 0; i < n; i++) {
    struct stand s = {0};
    struct parcels p = {0};
    char text[60];
    const size_t nodes = points[i].members * points[i].each;
    snprintf(text, sizeof text, "%zu members, %zu nodes", points[i].members, nodes);
    bench_says("growth: %s", text);
    b->hub_lines = nodes >= 100 ? "memory 512MiB\n" : NULL; /* as operators.md has it */
    json_t *row = stand_open_hub_of(b, nodes, points[i].each, &s) && parcels_open(&s, 1, &p) ? slice(&s, &p, b->options->quick ? 2000 : SLICE, text) : NULL;
    parcels_free(&p);
    stand_close(&s);
    b->hub_lines = NULL;
    if (!row)
      return false;
    json_object_set_new(row, "members", json_integer((json_int_t)points[i].members));
    json_array_append_new(rows, row);
    plot_add(&cost.curve[0], (double)nodes, in(row, NULL, "core_us"));
    plot_add(&cost.curve[1], (double)nodes, in(row, NULL, "front_us"));
  }
  draw(b, &cost, "growth-members");
  return true;
}

json_t *work_growth(struct bench *b)
{
  json_t *rows = json_array();
  const bool log = grow_log(b, rows), members = grow_members(b, rows);
  return log && members ? rows : bench_partly("growth", rows);
}
