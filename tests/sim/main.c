/* toguna_simulate [--seed N] [--count N] [--story]: whole exchanges under faults, one for each seed. */
#include "tests/sim/sim.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What the programs' own idea of these policies is stands in program.c. */
static struct kit *found(void)
{
  static struct random same; /* all seeds play in one exchange */
  same = random_new(1);
  random_drives_libsodium(&same);
  struct kit *k = kit_new(SIM_NODES, INT64_C(1796083200000), NULL);
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

static bool tell_failure(const struct kit *kit, uint64_t seed)
{
  printf("\nseed %llu failed. Its story:\n\n", (unsigned long long)seed);
  (void)sim_run(kit, seed, true, NULL);
  printf("\nAgain: toguna_simulate --seed %llu --story\n", (unsigned long long)seed);
  return false;
}

/* The same seed, the same events to the last byte. */
static bool replays(const struct kit *kit, uint64_t seed)
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

int main(int argc, char **argv)
{
  uint64_t seed = 1, count = 1, limit = UINT64_MAX;
  bool story = false;
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--seed") && i + 1 < argc)
      seed = strtoull(argv[++i], NULL, 10);
    else if (!strcmp(argv[i], "--count") && i + 1 < argc)
      count = strtoull(argv[++i], NULL, 10);
    else if (!strcmp(argv[i], "--seconds") && i + 1 < argc)
      limit = strtoull(argv[++i], NULL, 10);
    else if (!strcmp(argv[i], "--story"))
      story = true;
    else {
      fprintf(stderr, "usage: toguna_simulate [--seed N] [--count N] [--seconds N] [--story]\n");
      return 2;
    }
  }
  setvbuf(stdout, NULL, _IOLBF, 0); /* a story must not end before its end */
  struct kit *kit = found();
  double begun = seconds();
  uint64_t events = 0, published = 0, done = 0;
  bool ok = story || count == 1 || replays(kit, seed);
  for (; ok && done < count && seconds() - begun < (double)limit; done++) {
    struct sim stats;
    ok = sim_run(kit, seed + done, story, &stats) || story || tell_failure(kit, seed + done);
    ok = ok && !stats.failed;
    events += stats.events;
    published += stats.n_publications;
  }
  printf("%llu seeds from %llu, %llu publications, %llu events, %.1f s: %s\n", (unsigned long long)done,
         (unsigned long long)seed, (unsigned long long)published, (unsigned long long)events,
         seconds() - begun, ok ? "all held" : "FAILED");
  kit_free(kit);
  return ok ? 0 : 1;
}
