/* toguna-bench: measures an exchange from outside, as the programs of its agencies see it, and its hub alone. Every bulletin is counted and its
   content compared; a run that lost, doubled or changed anything has no figure. Nothing is switched off: what is set, an operator
   could set in charter, hub.conf or node.conf. */
#ifndef TOGUNA_BENCH_H
#define TOGUNA_BENCH_H

#include "os/options.h"

#include <jansson.h>

/* What was asked for on the command line. 0: as the workload says. */
struct bench_options {
  bool help, json, quick, full, keep;
  char *folder, *from, *at, *to, *plots;
  uint64_t count, size, rate, readers, publishers;
};

/* One workload: its figures as an array of rows, or NULL when it did not come out as it should; then something was said on standard error. */
struct bench;
typedef json_t *bench_work(struct bench *b);

struct bench {
  const struct bench_options *options;
  char folder[256]; /* of this run; everything in it goes at the end */
  unsigned stands;  /* exchanges founded so far */
  const char *hub_lines; /* more lines for hub.conf; NULL: none */
  json_t *floors;   /* NULL before they were measured */
};

/* Says what went wrong, once, and returns NULL. */
json_t *bench_fails(const char *what, const char *why);
/* The rows of a workload of which a part failed: what was measured stays, and a last row says which failure bench_fails() told. Returns rows. */
json_t *bench_partly(const char *work, json_t *rows);
/* Says what is going on now; elsewhere than on a terminal at most every ten seconds. */
void bench_says(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The count of a workload: what the command line says, or one of these by profile. */
uint64_t bench_count(const struct bench *b, uint64_t quick, uint64_t standard, uint64_t full);

/* Seconds of a clock that never goes back. */
double bench_now(void);

#endif
