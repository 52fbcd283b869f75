/* toguna_simulate: whole exchanges under faults, one for each seed. README.md tells how to use it. */
#include "tests/sim/heap.h"
#include "tests/sim/sim.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Small enough for bodies of a few kilobytes to travel in chunks. */
static void tune(struct charter *c)
{
  c->limits.inline_body = SIM_INLINE;
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

static double seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool tell_failure(struct kit *kit, uint64_t seed)
{
  printf("\nseed %llu failed. Its story:\n\n", (unsigned long long)seed);
  (void)sim_run(kit, seed, true, NULL);
  printf("\nAgain: toguna_simulate --seed %llu --story\n", (unsigned long long)seed);
  return false;
}

/* The same seed, the same events to the last byte. */
static bool replays(struct kit *kit, uint64_t seed)
{
  struct sim first, second;
  sim_run(kit, seed, false, &first);
  sim_run(kit, seed, false, &second);
  if (first.digest == second.digest && first.events == second.events)
    return true;
  printf("seed %llu does not replay: %llu and %llu events\n", (unsigned long long)seed,
         (unsigned long long)first.events, (unsigned long long)second.events);
  return false;
}

/* What was asked for, and what came of it. */
struct run {
  uint64_t seed, count, seconds;
  const char *seeds; /* a file of seeds that failed once: they come first */
  bool story, all; /* all: go on after a failure, and name the seeds only */
  struct kit *kit;
  double begun;
  uint64_t done, events, published, failed;
  int64_t simulated; /* ms */
};

static bool plays(struct run *r, uint64_t seed)
{
  struct sim stats;
  bool held = sim_run(r->kit, seed, r->story, &stats);
  r->done++;
  r->events += stats.events;
  r->published += stats.n_publications;
  r->simulated += stats.mono;
  r->failed += !held;
  if (!held && r->all)
    printf("seed %llu failed\n", (unsigned long long)seed);
  return held || r->all || (r->story ? false : tell_failure(r->kit, seed));
}

static bool plays_known(struct run *r)
{
  char line[200], *end;
  bool ok = true;
  FILE *f = r->seeds ? fopen(r->seeds, "r") : NULL;
  if (r->seeds && !f) {
    fprintf(stderr, "%s: cannot be read\n", r->seeds);
    return false;
  }
  while (ok && f && fgets(line, sizeof line, f)) {
    uint64_t seed = strtoull(line, &end, 10);
    ok = end == line || plays(r, seed); /* a line that begins with no number is a remark */
  }
  if (f)
    fclose(f);
  return ok;
}

static bool read_options(int argc, char **argv, struct run *r)
{
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : NULL;
    uint64_t *number = !strcmp(argv[i], "--seed")      ? &r->seed
                       : !strcmp(argv[i], "--count")   ? &r->count
                       : !strcmp(argv[i], "--seconds") ? &r->seconds
                                                       : NULL;
    if (!strcmp(argv[i], "--story"))
      r->story = true;
    else if (!strcmp(argv[i], "--all"))
      r->all = true;
    else if (number && value)
      *number = strtoull(argv[++i], NULL, 10);
    else if (!strcmp(argv[i], "--seeds") && value)
      r->seeds = argv[++i];
    else
      return false;
  }
  return true;
}

int main(int argc, char **argv)
{
  struct run r = {.seed = 1, .count = 1, .seconds = UINT64_MAX};
  if (!read_options(argc, argv, &r)) {
    fprintf(stderr, "usage: toguna_simulate [--seed N] [--count N] [--seconds N] [--seeds FILE] [--story] [--all]\n");
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0); /* a story must not end before its end */
  heap_serves_sqlite();
  struct kit *kit = found();
  r.kit = kit;
  r.begun = seconds();
  bool ok = (r.story || r.count == 1 || replays(kit, r.seed)) && plays_known(&r);
  for (uint64_t i = 0; ok && i < r.count && seconds() - r.begun < (double)r.seconds; i++)
    ok = plays(&r, r.seed + i);
  ok = ok && r.failed == 0;
  printf("%llu seeds, %llu from %llu on, %llu publications, %llu events, %.1f simulated hours, %.1f s: %s\n",
         (unsigned long long)r.done, (unsigned long long)r.count, (unsigned long long)r.seed,
         (unsigned long long)r.published, (unsigned long long)r.events, (double)r.simulated / 3.6e6, seconds() - r.begun,
         ok ? "all held" : "FAILED");
  kit_free(kit);
  return ok ? 0 : 1;
}
