/* W8: a member that floods, and what another notices of it: the latency of its bulletins, alone and beside the flood. The flood is sealed before and said by a connection that
   looks like a node (W7), in a process of its own, as fast as the hub takes it; it goes to a node that is away. */
#include "tests/bench/works.h"

#include "tests/bench/hub_alone.h"
#include "tests/bench/traffic.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OTHERS = 2 /* real nodes: one publishes, one reads */, FLOOD_PER_S = 15000 /* more than a hub takes */, SIZE = 1024 };

/* The flooding member and the one to which it writes. */
static void flooders(const struct stand *s, struct stand *ret)
{
  *ret = *s;
  ret->n = s->n - OTHERS;
  memmove(ret->node, s->node + OTHERS, ret->n * sizeof *ret->node);
}

/* What a node does whose programs publish without end, and what none does that keeps to its own window: bulletins of a frame, and under way. */
struct habit {
  const char *what;
  size_t batch;
  uint64_t window;
};
static const struct habit HABITS[] = {{"another floods as fast as a node may, 128 under way", 64, 128}, {"another floods with 4096 under way, which no node has", 256, 4096}};
enum { N_HABITS = sizeof HABITS / sizeof *HABITS };

static _Noreturn void flood(const struct stand *s, const struct habit *habit, uint64_t count, struct alone_times *shared)
{
  static struct stand own;
  static struct parcels p;
  flooders(s, &own);
  bool good = parcels_open(&own, 1, &p);
  p.batch_most = habit->batch;
  p.window = habit->window;
  good = good && parcels_make(&p, count, SIZE) && hub_alone_part(&own, &p, SIZE, ALONE_FILL, shared);
  _exit(good ? 0 : 5);
}

/* Until the flood is under way; false when it ended before. */
static bool await_flood(pid_t pid, const struct alone_times *shared)
{
  const struct timespec t = {0, 5000000};
  for (double until = bench_now() + 300; bench_now() < until; nanosleep(&t, NULL))
    if (shared->accepted)
      return true;
    else if (waitpid(pid, NULL, WNOHANG) == pid)
      break;
  bench_fails("W8", "the flood does not begin");
  return false;
}

static bool paced(const struct bench *b, struct stand *s, double rate, double seconds, json_t **ret)
{
  struct traffic_plan plan = {.n_from = 1, .from = {s->node[0].socket}, .to = {{s->node[1].member}}, .n_at = 1, .at = {s->node[1].socket}};
  const uint64_t count = (uint64_t)(rate * seconds);
  struct traffic_stream t = {.size = SIZE, .count = count, .rate = rate, .took = calloc(count, sizeof(double))};
  char topic[40];
  snprintf(topic, sizeof topic, "bench.flood%u-%d", b->stands, *ret != NULL);
  plan.topic = topic;
  *ret = NULL;
  if (t.took && traffic_run(&plan, &t, 1))
    *ret = traffic_percentiles(t.took, count);
  free(t.took);
  return *ret != NULL;
}

/* The same again while the flood lasts. */
static json_t *beside(const struct bench *b, struct stand *s, const struct habit *habit, double rate, double seconds, json_t *alone)
{
  struct alone_times *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  json_t *latency = alone, *row = NULL;
  pid_t pid = shared != MAP_FAILED ? fork() : -1;
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    flood(s, habit, (uint64_t)(FLOOD_PER_S * seconds), shared);
  }
  const bool begun = pid > 0 && await_flood(pid, shared);
  const uint64_t before = begun ? shared->accepted : 0;
  const double from = bench_now();
  if (begun && paced(b, s, rate, seconds, &latency)) {
    const double took = bench_now() - from, quiet = json_number_value(json_object_get(alone, "p99_ms"));
    row = json_pack("{s:s,s:s,s:f,s:f,s:O,s:o,s:f}", "work", "W8", "what", habit->what, "rate", rate, "flood_per_s",
                    (double)(shared->accepted - before) / took, "alone", alone, "latency", latency, "p99_ratio",
                    json_number_value(json_object_get(latency, "p99_ms")) / (quiet > 0 ? quiet : 1));
    if (waitpid(pid, NULL, WNOHANG) == pid) {
      json_object_set_new(row, "note", json_string("the flood ended before the measuring did"));
      pid = 0;
    }
  }
  if (pid > 0) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
  }
  if (shared != MAP_FAILED)
    munmap(shared, sizeof *shared);
  return row;
}

json_t *work_flood(struct bench *b)
{
  struct stand s = {0};
  json_t *alone = NULL, *rows = json_array(), *row = NULL;
  const double seconds = b->options->full ? 15 : b->options->quick ? 4 : 10, rate = b->options->rate ? (double)b->options->rate : 100;
  for (size_t i = 0; i < N_HABITS && (i == 0 || row); i++) {
    alone = row = NULL;
    if (stand_open_hub(b, OTHERS + 2, &s) && stand_start_nodes(&s, OTHERS) && paced(b, &s, rate, seconds, &alone))
      row = beside(b, &s, &HABITS[i], rate, seconds, alone);
    json_array_append_new(rows, row);
    json_decref(alone);
    stand_close(&s);
  }
  return row ? rows : bench_partly("W8", rows);
}
