/* What processes cost, read from the system: processor time, memory, bytes on TCP connections. */
#ifndef TOGUNA_BENCH_METER_H
#define TOGUNA_BENCH_METER_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

enum { METER_MAX = 160 };

/* One process under watch. */
struct metered {
  char name[32]; /* "hub.core" */
  pid_t pid;
  double cpu; /* seconds when the meter was set */
};

struct meter {
  size_t n;
  struct metered process[METER_MAX];
  uint16_t port; /* of the hub */
  uint64_t wire; /* bytes in and out on its connections when the meter was set */
  double self;   /* processor time of this program itself */
};

/* Forgets everything; watches connections to this local port (0: none). */
void meter_clear(struct meter *m, uint16_t port);
/* Watches a daemon and its children, which are named after their roles: "hub" becomes hub.parent, hub.core … */
void meter_add(struct meter *m, const char *name, pid_t daemon);
/* From here on. */
void meter_set(struct meter *m);
/* {"cpu_us": {process: microseconds per item since meter_set()}, "self_us": of this program, "wire_bytes": per item, "peak_kib": {process: most memory
   that ever was resident}}; processes that cost less than 0.05 µs are left out of cpu_us. */
void meter_read(const struct meter *m, double items, json_t *into);
/* Most resident memory of this process, in KiB; 0 when it is gone. */
/* KiB that the process of this index holds now; 0: it is gone. */
uint64_t meter_resident(const struct meter *m, size_t process);
uint64_t meter_peak(const struct meter *m, const char *process);

/* Processor seconds of a process, all threads, user and system. */
double meter_cpu(pid_t pid);

#endif
