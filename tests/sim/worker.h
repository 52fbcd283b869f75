/* Many seeds, by several processes. */
#ifndef TOGUNA_TESTS_SIM_WORKER_H
#define TOGUNA_TESTS_SIM_WORKER_H

#include "tests/sim/sim.h"

/* What is to be played, and what came of it. The latter is shared by all processes: worker_results(). */
struct run {
  uint64_t seed, count, seconds, jobs;
  const char *seeds; /* a file of seeds that failed once: they come first */
  bool story, all;   /* all: go on after a failure, and name the seeds only */
  int plan;          /* -1: each seed's own */
  struct kit *kit;
  struct results *results;
};

/* Of all seeds so far. */
struct results {
  _Atomic uint64_t next, done, events, publications, failed;
  _Atomic uint64_t digest; /* sum of the seeds': the same as long as all stories are */
  _Atomic int64_t simulated; /* ms */
  _Atomic uint64_t first_failed; /* UINT64_MAX: none */
};
struct results *worker_results(void);

/* Plays the seeds from results->next on until all are done, or one has failed. `jobs` processes do, each on a stage of its own. */
void worker_play_all(struct run *run);
/* The seed's own plan, or the one that was asked for: a number. */
struct plan worker_plan(uint64_t seed, int plan);

#endif
