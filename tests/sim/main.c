/* toguna_simulate: whole exchanges under faults, one for each seed. README.md tells how to use it. */
#include "tests/sim/heap.h"
#include "tests/sim/stand_in.h"
#include "tests/sim/worker.h"

#include <malloc.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#ifdef TOGUNA_SANITIZED
/* A simulation allocates and frees all the time. With the usual quarantine every allocation is on memory that was not touched
   for long, and half the time goes into page faults; what the cores free is small. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
  return "quarantine_size_mb=4:malloc_context_size=8";
}
#endif

/* Small enough for bodies of a few kilobytes to travel in chunks; and witnesses of both camps must see the log. */
static void tune(struct charter *c)
{
  c->limits.inline_body = SIM_INLINE;
  c->witness_quorum = (struct quorum){.n = 2, .term = {{.count = 1, .group = "AES"}, {.count = 1, .group = "ECOWAS"}}};
}

/* What the programs' own idea of these policies is stands in program.c. */
static struct kit *found(void)
{
  static struct random same; /* all seeds play in one exchange */
  same = random_new(1);
  random_drives_libsodium(&same);
  struct kit *k = kit_new(SIM_NODES, INT64_C(1796083200000), tune);
  static const char *const rules[SIM_NODES] = {
      NULL,
      "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\nimport deny political.** from "
      "*\n",
      "export allow alert.** to * up-to SECRET\nexport allow report.** to ML up-to SECRET\nimport allow ** "
      "from * up-to SECRET\n"};
  for (size_t i = 0; i < SIM_NODES; i++)
    if (rules[i]) {
      k->member[i].policy_serial = 0;
      kit_policy(k, i, rules[i], k->start, 1);
    }
  return k;
}

static bool read_options(int argc, char **argv, struct run *r)
{
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : NULL;
    uint64_t *number = !strcmp(argv[i], "--seed")      ? &r->seed
                       : !strcmp(argv[i], "--count")   ? &r->count
                       : !strcmp(argv[i], "--seconds") ? &r->seconds
                       : !strcmp(argv[i], "--jobs")    ? &r->jobs
                                                       : NULL;
    if (!strcmp(argv[i], "--story"))
      r->story = true;
    else if (!strcmp(argv[i], "--all"))
      r->all = true;
    else if (!strcmp(argv[i], "--curves"))
      stand_in_curves();
    else if (number && value)
      *number = strtoull(argv[++i], NULL, 10);
    else if (!strcmp(argv[i], "--plan") && value)
      r->plan = atoi(argv[++i]);
    else if (!strcmp(argv[i], "--seeds") && value)
      r->seeds = argv[++i];
    else
      return false;
  }
  return true;
}

static double clock_of(clockid_t which)
{
  struct timespec t;
  clock_gettime(which, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Processor time of this process and all that it started. */
static double processor(void)
{
  struct rusage own, children;
  getrusage(RUSAGE_SELF, &own);
  getrusage(RUSAGE_CHILDREN, &children);
  return (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec + children.ru_utime.tv_sec + children.ru_stime.tv_sec) +
         (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec + children.ru_utime.tv_usec + children.ru_stime.tv_usec) / 1e6;
}

static bool play_one(const struct run *r)
{
  struct stage stage;
  struct sim_stats stats;
  stage_open(&stage, r->kit);
  bool held = sim_run(&stage, r->seed, worker_plan(r->seed, r->plan), true, &stats);
  stage_close(&stage);
  return held;
}

static void tell_failure(const struct run *r)
{
  const unsigned long long seed = r->results->first_failed;
  struct stage stage;
  struct sim_stats stats;
  const unsigned plan = plan_number(worker_plan(seed, r->plan));
  printf("\nseed %llu plan %u failed. Its story:\n\n", seed, plan);
  stage_open(&stage, r->kit);
  (void)sim_run(&stage, seed, worker_plan(seed, r->plan), true, &stats);
  stage_close(&stage);
  printf("\nAgain: toguna_simulate --seed %llu --plan %u --story\n", seed, plan);
}

int main(int argc, char **argv)
{
  struct run r = {.seed = 1, .count = 1, .seconds = UINT64_MAX, .jobs = 1, .plan = -1};
  if (!read_options(argc, argv, &r)) {
    fprintf(stderr, "usage: toguna_simulate [--seed N] [--count N] [--seconds N] [--jobs N] [--seeds FILE] [--story] [--all] [--plan N] [--curves]\n");
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0); /* a story must not end before its end */
  heap_serves_sqlite();
  heap_fails_when(scarce_fails, scarce_never);
  mallopt(M_MMAP_THRESHOLD, 1 << 30); /* what one seed gave back the next one takes: the kernel is asked once */
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  const double begun = clock_of(CLOCK_MONOTONIC), spent = processor();
  r.kit = found();
  if (r.story) {
    bool held = play_one(&r);
    kit_free(r.kit);
    return held ? 0 : 1;
  }
  r.results = worker_results();
  worker_play_all(&r);
  const struct results *got = r.results;
  if (got->first_failed != UINT64_MAX && !r.all)
    tell_failure(&r);
  const double hours = (double)got->simulated / 3.6e6, took = clock_of(CLOCK_MONOTONIC) - begun, cpu = processor() - spent;
  printf("%llu seeds, %llu from %llu on, %llu publications, %llu events, %.1f simulated hours, digest %016llx, %.1f s: %s\n", (unsigned long long)got->done,
         (unsigned long long)r.count, (unsigned long long)r.seed, (unsigned long long)got->publications, (unsigned long long)got->events, hours,
         (unsigned long long)got->digest, took, got->failed == 0 ? "all held" : "FAILED");
  printf("%.1f ms of processor time a seed: %.0f seeds a minute of one core, %.0f simulated hours an hour of it\n",
         1000 * cpu / (double)(got->done ? got->done : 1), 60 * (double)got->done / cpu, 3600 * hours / cpu);
  kit_free(r.kit);
  return got->failed == 0 ? 0 : 1;
}
