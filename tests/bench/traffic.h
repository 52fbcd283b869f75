/* Bulletins through real nodes: programs that publish and programs that read, all in one loop of this process, so that one clock measures both ends.
   A content begins with its run and number; whoever reads compares all of it. */
#ifndef TOGUNA_BENCH_TRAFFIC_H
#define TOGUNA_BENCH_TRAFFIC_H

#include "tests/bench/bench.h"

enum { TRAFFIC_PROGRAMS = 16, TRAFFIC_STAMP = 24, TRAFFIC_SIZE_MAX = 1 << 20 };

/* One stream of bulletins. Several may flow in one run. */
struct traffic_stream {
  uint64_t count, size;
  double rate;   /* bulletins a second, each sent when its time has come whatever became of those before (open loop); 0: as fast as answers come */
  bool flash;    /* else ROUTINE */
  bool spooled;  /* published before: read only */
  bool unread;   /* publish only */
  double *took;  /* seconds from the time at which it was due until its content was read, by number; may be NULL. Last reader counts */
  /* filled in */
  uint64_t published, read;
  double first_read, last_read, last_published; /* bench_now() */
};

struct traffic_plan {
  const char *from[TRAFFIC_PROGRAMS]; /* sockets of publishing nodes, */
  const char *to[TRAFFIC_PROGRAMS][TRAFFIC_PROGRAMS + 1]; /* each with its release list, ended by NULL */
  size_t n_from;
  const char *at[TRAFFIC_PROGRAMS]; /* sockets of reading nodes; every bulletin must come to each */
  size_t n_at;
  const char *topic; /* of this run; streams are labels below it */
  double silence;    /* seconds without anything until the run is given up; 0: 60 */
  double linger;     /* open loops: seconds of an open-loop stream to wait before the first */
};

/* Runs until everything is published and read. False, and something was said, when anything was not as it should be. */
bool traffic_run(const struct traffic_plan *plan, struct traffic_stream *streams, size_t n);

/* {"p50_ms", "p99_ms", "p999_ms", "max_ms"} of n times, which are sorted by this. */
json_t *traffic_percentiles(double *took, uint64_t n);

#endif
