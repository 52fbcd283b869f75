/* What a driver and the processes it torments share: one small file, mapped by all of them. Numbers are little-endian
   words of 64 bits; tests/faults/page.py has the same places. */
#ifndef TOGUNA_TESTS_FAULTS_PAGE_H
#define TOGUNA_TESTS_FAULTS_PAGE_H

#include <stdint.h>

enum {
  PAGE_ROLES = 8, /* parent, core, front or link, signer, window, hooks; the order stands in preload.c */
  PAGE_WHAT = 64,
  PAGE_TRACE = 4096
};

enum fault {
  FAULT_NONE = 0,
  FAULT_KILL = 1,     /* SIGKILL just before the call */
  FAULT_CUT = 2,      /* a power cut: what was not synced is lost, then SIGKILL */
  FAULT_EIO = 3,      /* the call fails once */
  FAULT_ENOSPC = 4,
  FAULT_EINTR = 5,
  FAULT_SHORT = 6,    /* half of it is written */
  FAULT_POWER = 7,    /* a power cut of the whole daemon: what none of its processes synced is lost, and nothing leaves any of them any more */
};

/* One role of one daemon, over all processes that play it. */
struct page_role {
  uint64_t count;  /* calls that matter, so far */
  uint64_t at;     /* the fault strikes at the first call from this number on that can have it; 0: never */
  uint64_t fault;
  uint64_t struck; /* 1: it did */
  uint64_t number; /* of the call that it struck */
  uint64_t pid;    /* of the process that plays it now, */
  uint64_t undone; /* 1: the power is off, and what it had not synced is undone */
  char what[PAGE_WHAT]; /* that call, and what it was about */
  uint8_t trace[PAGE_TRACE]; /* which faults each of the newest calls could have had, as bits; by its number */
};

struct page {
  uint64_t torn;   /* a power cut keeps some of the unsynced blocks, chosen by this seed; 0: none */
  uint64_t budget; /* files may grow by so many bytes more, plus one; 0: without limit */
  uint64_t off;    /* 1: the power is off, until who started the daemon puts 0 */
  struct page_role role[PAGE_ROLES];
};

#endif
