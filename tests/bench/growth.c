/* Does anything grow that should not? The hub alone with a log that grows, and with members and nodes that grow; what a start takes, and what memory and
   disk hold. */
#include "tests/bench/works.h"

#include "tests/bench/hub_alone.h"
#include "tests/bench/plot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 1024, SLICE = 10000 };

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
  json_t *row = json_pack("{s:s,s:s,s:f,s:f,s:f,s:f,s:f}", "work", "growth", "what", what, "bulletins", (double)(p->first + p->count), "core_us", in(cost, "cpu_us", "hub.core"),
                          "front_us", in(cost, "cpu_us", "hub.front"), "core_kib", in(cost, "peak_kib", "hub.core"), "per_s", in(cost, NULL, "per_s"));
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

/* The log, slice by slice. */
static bool grow_log(struct bench *b, json_t *rows)
{
  static struct plot cost = {.title = "Processor time of the hub as its log grows", .x = "bulletins in the log", .y = "µs per bulletin", .log_x = true,
                             .n = 2, .curve = {{.name = "core"}, {.name = "front"}}},
                     memory = {.title = "Hub core: memory, and time of a restart after kill -9", .x = "bulletins in the log", .y = "MiB · hundredths of a second", .log_x = true,
                               .n = 2, .curve = {{.name = "memory, MiB"}, {.name = "restart, 10 ms"}}},
                     disk = {.title = "Disk of the hub: store, log and signer", .x = "bulletins in the log", .y = "MiB", .n = 1, .curve = {{.name = "all of it"}}};
  uint64_t all = bench_count(b, 20000, 200000, 1000000);
  struct stand s = {0};
  struct parcels p = {0};
  bool good = stand_open_hub(b, 2, &s) && parcels_open(&s, 1, &p);
  for (uint64_t done = 0, next = 100; good && done < all; next = next < SLICE ? next * 4 : SLICE) {
    uint64_t n = next < all - done ? next : all - done;
    bench_says("growth: %llu of %llu bulletins", (unsigned long long)done, (unsigned long long)all);
    json_t *row = slice(&s, &p, n, "the log grows");
    good = row != NULL;
    if (!row)
      break;
    done += n;
    json_array_append_new(rows, row);
    plot_add(&cost.curve[0], (double)done, in(row, NULL, "core_us"));
    plot_add(&cost.curve[1], (double)done, in(row, NULL, "front_us"));
    plot_add(&memory.curve[0], (double)done, in(row, NULL, "core_kib") / 1024);
    plot_add(&memory.curve[1], (double)done, 100 * in(row, NULL, "restart_s"));
    plot_add(&disk.curve[0], (double)done, in(row, NULL, "disk_mib"));
  }
  parcels_free(&p);
  stand_close(&s);
  if (good) {
    draw(b, &cost, "growth-log");
    draw(b, &memory, "growth-memory");
    draw(b, &disk, "growth-disk");
  }
  return good;
}

/* Members, one node each, all of them connected; every bulletin to one. */
static bool grow_members(struct bench *b, json_t *rows)
{
  static struct plot cost = {.title = "Processor time of the hub by members, all nodes connected", .x = "members, one node each", .y = "µs per bulletin to one node",
                             .n = 2, .curve = {{.name = "core"}, {.name = "front"}}};
  static const size_t members[] = {3, 10, 25, 50, 100, 200};
  size_t n = b->options->quick ? 3 : sizeof members / sizeof *members;
  for (size_t i = 0; i < n; i++) {
    struct stand s = {0};
    struct parcels p = {0};
    char text[60];
    snprintf(text, sizeof text, "%zu members", members[i]);
    bench_says("growth: %s", text);
    json_t *row = stand_open_hub(b, members[i], &s) && parcels_open(&s, 1, &p) ? slice(&s, &p, b->options->quick ? 2000 : SLICE, text) : NULL;
    parcels_free(&p);
    stand_close(&s);
    if (!row)
      return false;
    json_object_set_new(row, "members", json_integer((json_int_t)members[i]));
    json_array_append_new(rows, row);
    plot_add(&cost.curve[0], (double)members[i], in(row, NULL, "core_us"));
    plot_add(&cost.curve[1], (double)members[i], in(row, NULL, "front_us"));
  }
  draw(b, &cost, "growth-members");
  return true;
}

json_t *work_growth(struct bench *b)
{
  json_t *rows = json_array();
  if (grow_log(b, rows) && grow_members(b, rows))
    return rows;
  json_decref(rows);
  return NULL;
}
