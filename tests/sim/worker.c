#include "tests/sim/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void *shared(size_t n) /* with all processes to come */
{
  void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED)
    abort();
  return p;
}

struct results *worker_results(void)
{
  struct results *r = shared(sizeof *r);
  r->first_failed = UINT64_MAX;
  return r;
}

struct plan worker_plan(uint64_t seed, int plan)
{
  return plan < 0 ? plan_of(seed) : plan_from((unsigned)plan);
}

/* The same seed, the same events to the last byte. */
static bool replays(const struct stage *stage, uint64_t seed, int plan, struct sim_stats *ret_first)
{
  struct sim_stats first = *ret_first, second;
  if (first.events == 0)
    sim_run(stage, seed, worker_plan(seed, plan), false, &first);
  *ret_first = first;
  sim_run(stage, seed, worker_plan(seed, plan), false, &second);
  if (first.digest == second.digest && first.events == second.events)
    return true;
  printf("seed %llu does not replay: %llu and %llu events\n", (unsigned long long)seed, (unsigned long long)first.events,
         (unsigned long long)second.events);
  return false;
}

static void count(struct results *r, uint64_t seed, const struct sim_stats *stats)
{
  r->done++;
  r->events += stats->events;
  r->publications += stats->publications;
  r->simulated += stats->simulated;
  r->digest += stats->digest;
  r->failed += !stats->held;
  if (!stats->held && seed < r->first_failed)
    r->first_failed = seed;
}

/* ---- seeds that failed once: "1859", or "1859 plan 0", and then a remark */

static void plays_known(struct run *r, const struct stage *stage)
{
  char line[200], *end;
  FILE *f = r->seeds ? fopen(r->seeds, "r") : NULL;
  if (r->seeds && !f) {
    fprintf(stderr, "%s: cannot be read\n", r->seeds);
    exit(2);
  }
  while (f && (r->all || r->results->failed == 0) && fgets(line, sizeof line, f)) {
    struct sim_stats stats;
    int plan = r->plan;
    uint64_t seed = strtoull(line, &end, 10);
    if (end == line)
      continue; /* a line that begins with no number is a remark */
    if (strncmp(end, " plan ", 6) == 0)
      plan = (int)strtol(end + 6, NULL, 10);
    if (!sim_run(stage, seed, worker_plan(seed, plan), false, &stats))
      printf("seed %llu failed, one that is known\n", (unsigned long long)seed);
    count(r->results, seed, &stats);
  }
  if (f)
    fclose(f);
}

static int64_t seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec;
}

static void works(struct run *r, bool first, int64_t end)
{
  struct results *results = r->results;
  struct sim_stats alone = {.events = 0}; /* the first seed's, when it was played first */
  struct stage stage;
  stage_open(&stage, r->kit);
  if (first)
    plays_known(r, &stage);
  if (first && results->failed == 0 && r->count > 1 && !replays(&stage, r->seed, r->plan, &alone))
    results->failed++;
  const uint64_t begun = results->next;
  while ((r->all || results->failed == 0) && seconds() < end) {
    uint64_t i = results->next++;
    struct sim_stats stats;
    if (i >= r->count)
      break;
    if (!sim_run(&stage, r->seed + i, worker_plan(r->seed + i, r->plan), false, &stats))
      printf("seed %llu plan %u failed\n", (unsigned long long)(r->seed + i), plan_number(worker_plan(r->seed + i, r->plan)));
    count(results, r->seed + i, &stats);
  }
  if (first && results->failed == 0 && results->next > begun + 1 && !replays(&stage, r->seed, r->plan, &alone))
    results->failed++; /* many seeds in between must not matter */
  stage_close(&stage);
}

void worker_play_all(struct run *r)
{
  const int64_t end = r->seconds > INT32_MAX ? INT64_MAX : seconds() + (int64_t)r->seconds;
  fflush(stdout);
  for (uint64_t job = 1; job < r->jobs; job++) {
    pid_t child = fork();
    if (child < 0)
      abort();
    if (child == 0) {
      works(r, false, end);
      exit(0);
    }
  }
  works(r, true, end);
  for (int status; wait(&status) > 0;)
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      printf("a process ended by itself in the middle of a seed\n");
      r->results->failed++;
    }
}
