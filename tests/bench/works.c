/* W1 to W6: an exchange of real daemons, measured by the programs at its two ends. */
#include "tests/bench/works.h"

#include "os/clock.h"
#include "tests/bench/stand.h"
#include "tests/bench/traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const uint64_t SIZES[] = {256, 1024, 16 * 1024, 1024 * 1024};
enum { N_SIZES = sizeof SIZES / sizeof *SIZES, ML = 0, SN = 1 };

/* ---- plans */

static void topic_of(char out[40])
{
  static unsigned run;
  snprintf(out, 40, "bench.%llx-%u", (unsigned long long)clock_wall(), run++);
}

/* The first n_from nodes write to the n_at that follow them. */
static void plan_between(const struct stand *s, size_t n_from, size_t n_at, struct traffic_plan *p)
{
  p->n_from = n_from;
  p->n_at = n_at;
  for (size_t i = 0; i < n_from; i++)
    p->from[i] = s->node[i].socket;
  for (size_t i = 0; i < n_at; i++) {
    p->at[i] = s->node[n_from + i].socket;
    for (size_t j = 0; j < n_from; j++)
      p->to[j][i] = s->node[n_from + i].member;
  }
}

static json_t *row_of(const char *work, const char *what, const struct traffic_stream *t, double seconds)
{
  json_t *row = json_pack("{s:s,s:s,s:I,s:I,s:f}", "work", work, "what", what, "size", (json_int_t)t->size, "count", (json_int_t)t->count, "seconds", seconds);
  if (t->read)
    json_object_set_new(row, "per_s", json_real((double)t->read / seconds));
  return row;
}

/* How many bulletins keep this plan busy for about so long: asked of the plan itself, which is warm afterwards. 0: it failed. */
static uint64_t fitting(const struct bench *b, const struct traffic_plan *plan, uint64_t size, double seconds)
{
  struct traffic_stream t = {.count = size > 65536 ? 8 : 200, .size = size};
  struct traffic_plan p = *plan;
  char topic[40];
  topic_of(topic);
  p.topic = topic;
  if (b->options->count)
    return b->options->count;
  double from = bench_now();
  if (!traffic_run(&p, &t, 1))
    return 0;
  return (uint64_t)((double)t.count * seconds / (bench_now() - from)) + 1;
}

static double length_of(const struct bench *b)
{
  return b->options->full ? 30 : b->options->quick ? 5 : 10;
}

/* As fast as it goes, with the meters of a stand. NULL: failed. */
static json_t *at_full_speed(const struct bench *b, struct stand *s, const char *work, const char *what, size_t from, size_t at, uint64_t size, double length)
{
  struct traffic_plan plan = {.n_from = 0};
  struct meter meter;
  char topic[40];
  plan_between(s, from, at, &plan);
  struct traffic_stream t = {.size = size, .count = fitting(b, &plan, size, length)};
  topic_of(topic);
  plan.topic = topic;
  stand_meter(s, &meter);
  meter_set(&meter);
  double began = bench_now();
  if (!t.count || !traffic_run(&plan, &t, 1))
    return NULL;
  json_t *row = row_of(work, what, &t, t.last_read - began);
  json_object_set_new(row, "spooled_per_s", json_real((double)t.published / (t.last_published - began)));
  meter_read(&meter, (double)t.count, row);
  return row;
}

/* ---- W1 */

static bool sizes_wanted(const struct bench *b, uint64_t size)
{
  return b->options->size ? size == b->options->size : b->options->full || size == 1024 || (!b->options->quick && size == 16 * 1024);
}

json_t *work_pipeline(struct bench *b)
{
  json_t *rows = json_array(), *row = NULL;
  bool found = false;
  for (size_t i = 0; i < N_SIZES + 1; i++) {
    uint64_t size = i < N_SIZES ? SIZES[i] : b->options->size;
    struct stand s = {0};
    if (i < N_SIZES ? !sizes_wanted(b, size) : found || !size)
      continue;
    found = true;
    row = stand_open(b, 2, 2, &s) ? at_full_speed(b, &s, "W1", "durable pipeline, one node to one node", 1, 1, size, length_of(b)) : NULL;
    if (row && !b->options->from)
      stand_stores(&s, json_number_value(json_object_get(row, "count")), row);
    stand_close(&s);
    if (!row)
      break;
    json_array_append_new(rows, row);
  }
  return row ? rows : bench_partly("W1", rows);
}

/* ---- W2 and W6 */

static json_t *crowd(struct bench *b, const char *work, const char *what, size_t from, size_t at, double length)
{
  struct stand s = {0};
  char text[80];
  uint64_t size = b->options->size ? b->options->size : 1024;
  snprintf(text, sizeof text, what, from, at);
  json_t *row = stand_open(b, from + at, from + at, &s) ? at_full_speed(b, &s, work, text, from, at, size, length) : NULL;
  if (row)
    stand_stores(&s, json_number_value(json_object_get(row, "count")), row);
  stand_close(&s);
  return row;
}

static json_t *just(json_t *row)
{
  return row ? json_pack("[o]", row) : NULL;
}

json_t *work_fan(struct bench *b)
{
  size_t readers = b->options->readers ? (size_t)b->options->readers : b->options->quick ? 8 : 16;
  return just(crowd(b, "W2", "fan-out, %zu node to %zu nodes, deliveries", 1, readers, length_of(b)));
}

json_t *work_many(struct bench *b)
{
  static const size_t pairs[][2] = {{2, 1}, {1, 2}, {2, 2}, {4, 4}};
  json_t *rows = json_array();
  size_t n = b->options->quick ? 1 : sizeof pairs / sizeof *pairs;
  if (b->options->publishers)
    n = 1;
  for (size_t i = 0; i < n; i++) {
    size_t from = b->options->publishers ? (size_t)b->options->publishers : b->options->quick ? 2 : pairs[i][0];
    size_t at = b->options->publishers ? (b->options->readers ? (size_t)b->options->readers : from) : b->options->quick ? 2 : pairs[i][1];
    json_t *row = crowd(b, "W6", "%zu nodes write to %zu nodes, deliveries", from, at, length_of(b) / 2);
    if (!row)
      return bench_partly("W6", rows);
    json_array_append_new(rows, row);
  }
  return rows;
}

/* ---- W3 */

static json_t *paced(struct stand *s, const char *what, double rate, bool flash, uint64_t count, uint64_t size)
{
  struct traffic_plan plan = {.n_from = 0};
  struct traffic_stream t = {.size = size, .count = count, .rate = rate, .flash = flash, .took = calloc(count, sizeof(double))};
  struct meter meter;
  char topic[40];
  json_t *row = NULL;
  plan_between(s, 1, 1, &plan);
  topic_of(topic);
  plan.topic = topic;
  stand_meter(s, &meter);
  meter_set(&meter);
  double began = bench_now();
  if (t.took && traffic_run(&plan, &t, 1)) {
    row = row_of("W3", what, &t, t.last_read - began);
    json_object_set_new(row, "rate", json_real(rate));
    json_object_set_new(row, "latency", traffic_percentiles(t.took, t.count));
    meter_read(&meter, (double)t.count, row);
  }
  free(t.took);
  return row;
}

json_t *work_paced(struct bench *b)
{
  json_t *rows = json_array(), *row = NULL;
  struct stand s = {0};
  double seconds = b->options->full ? 30 : b->options->quick ? 4 : 10;
  uint64_t size = b->options->size ? b->options->size : 1024;
  if (stand_open(b, 2, 2, &s)) {
    row = paced(&s, "a lone FLASH, twenty a second", 20, true, (uint64_t)(20 * seconds), size);
    json_array_append_new(rows, row);
    const double rates[] = {100, 1000}, asked = (double)b->options->rate;
    for (size_t i = 0; row && i < (asked > 0 ? 1 : 2); i++) {
      double rate = asked > 0 ? asked : rates[i];
      row = paced(&s, "open loop, ROUTINE", rate, false, (uint64_t)(rate * seconds), size);
      json_array_append_new(rows, row);
    }
  }
  stand_close(&s);
  return row ? rows : bench_partly("W3", rows);
}

/* ---- W4 and W5: a reader that was away */

/* Publishes `count` while the reader rests, and waits until the hub has accepted all. */
static bool fill(struct stand *s, const char *topic, uint64_t count, uint64_t size, double *ret_seconds)
{
  struct traffic_plan plan = {.topic = topic, .n_from = 1, .from = {s->node[ML].socket}, .to = {{s->node[SN].member}}};
  struct traffic_stream t = {.count = count, .size = size, .unread = true};
  double began = bench_now();
  if (!traffic_run(&plan, &t, 1))
    return false;
  for (double until = bench_now() + 600; bench_now() < until;) {
    json_t *status = stand_ask(s, ML, "status");
    json_int_t spooled = json_integer_value(json_object_get(json_object_get(status, "sent"), "spooled"));
    bool known = status != NULL;
    json_decref(status);
    if (known && spooled == 0) {
      *ret_seconds = bench_now() - began;
      return true;
    }
    const struct timespec t20 = {0, 20000000};
    nanosleep(&t20, NULL);
  }
  return bench_fails("fill", "the hub did not accept everything within ten minutes");
}

json_t *work_flash(struct bench *b)
{
  struct stand s = {0};
  struct meter meter;
  char topic[40];
  uint64_t count = bench_count(b, 5000, 20000, 100000), size = b->options->size ? b->options->size : 1024;
  double rate = b->options->rate ? (double)b->options->rate : 50, filled;
  enum { FLASHES = 200000 };
  double *took = calloc(FLASHES, sizeof *took);
  json_t *row = NULL;
  topic_of(topic);
  if (took && stand_open(b, 2, SN, &s) && fill(&s, topic, count, size, &filled) && stand_start_node(&s, SN) && stand_await_node(&s, SN, 60)) {
    struct traffic_plan plan = {.topic = topic};
    struct traffic_stream t[2] = {{.count = count, .size = size, .spooled = true}, {.count = FLASHES, .size = size, .rate = rate, .flash = true, .took = took}};
    plan_between(&s, 1, 1, &plan);
    stand_meter(&s, &meter);
    meter_set(&meter);
    double began = bench_now();
    if (traffic_run(&plan, t, 2)) {
      row = row_of("W4", "FLASH while a backlog drains to the same node", &t[1], t[1].last_read - began);
      json_object_set_new(row, "backlog", json_integer((json_int_t)count));
      json_object_set_new(row, "rate", json_real(rate));
      json_object_set_new(row, "drain_per_s", json_real((double)count / (t[0].last_read - began)));
      json_object_set_new(row, "latency", traffic_percentiles(took, t[1].count));
      meter_read(&meter, (double)count, row);
    }
  }
  free(took);
  stand_close(&s);
  return just(row);
}

/* With real nodes at both ends. */
static json_t *outage(struct bench *b, uint64_t count, uint64_t size)
{
  struct stand s = {0};
  struct meter meter, first;
  char topic[40];
  double filled = 0;
  json_t *row = NULL;
  topic_of(topic);
  if (!stand_open(b, 2, SN, &s) || !fill(&s, topic, count, size, &filled))
    goto out;
  stand_meter(&s, &first);
  uint64_t before = meter_peak(&first, "hub.core");
  stand_kill_hub(&s);
  double began = bench_now();
  if (!stand_start_hub(&s, 60) || !stand_start_node(&s, SN))
    goto out;
  double ready = bench_now() - began;
  if (!stand_await_node(&s, SN, 60))
    goto out;
  struct traffic_plan plan = {.topic = topic};
  struct traffic_stream t = {.count = count, .size = size, .spooled = true};
  plan_between(&s, 1, 1, &plan);
  plan.n_from = 0;
  stand_meter(&s, &meter);
  meter_set(&meter);
  if (traffic_run(&plan, &t, 1)) {
    row = row_of("W5", "catching up after an outage", &t, t.last_read - began);
    json_object_set_new(row, "fill_per_s", json_real((double)count / filled));
    json_object_set_new(row, "hub_ready_s", json_real(ready));
    json_object_set_new(row, "first_s", json_real(t.first_read - began));
    json_object_set_new(row, "drain_per_s", json_real((double)(count - 1) / (t.last_read - t.first_read)));
    json_object_set_new(row, "hub_peak_kib_while_filling", json_integer((json_int_t)before));
    meter_read(&meter, (double)count, row);
  }
out:
  stand_close(&s);
  return row;
}

json_t *work_outage(struct bench *b)
{
  enum { REAL_MOST = 200000, MILLION = 1000000 }; /* beyond the first, real nodes would take longer to fill than anybody waits */
  const uint64_t count = bench_count(b, 5000, 20000, 100000), size = b->options->size ? b->options->size : 1024;
  json_t *rows = json_array();
  json_t *row = count > REAL_MOST ? backlog_alone(b, count, size) : outage(b, count, size);
  json_array_append_new(rows, row);
  if (row && b->options->full && !b->options->count) {
    row = backlog_alone(b, MILLION, size);
    json_array_append_new(rows, row);
  }
  return row ? rows : bench_partly("W5", rows);
}
