/* A real daemon of ours as a child process, in a folder of its test: started, stopped, and heard by its log. */
#ifndef TOGUNA_TESTS_KIT_DAEMON_H
#define TOGUNA_TESTS_KIT_DAEMON_H

#include "os/clock.h"
#include "tests/os/kit.h"

#include <poll.h>
#include <sys/types.h>

struct daemon {
  char *folder;      /* its log is log.txt there */
  const char *program, *config; /* what is run, with --config of this file in the folder */
  pid_t pid;
  size_t mark; /* bytes of the log before it was started last */
};

/* Waits for what its log, or the system, tells; fails with the log. */
#define DAEMON_UNTIL(condition, d)                                                                           \
  do {                                                                                                       \
    int64_t end_ = clock_mono() + DEADLINE_MS;                                                            \
    while (!(condition)) {                                                                                   \
      poll(NULL, 0, 5);                                                                                      \
      if (clock_mono() > end_)                                                                               \
        fail_msg("waited in vain for: %s\n%s", #condition, daemon_log(d));                                   \
    }                                                                                                        \
  } while (0)

/* What it said since it was started last; until the next call. */
const char *daemon_log(const struct daemon *d);
bool daemon_says(const struct daemon *d, const char *what);
/* A file of its folder. */
void daemon_put(const struct daemon *d, const char *name, struct slice bytes);

/* option: one more argument, or NULL. It has no terminal. */
void daemon_run(struct daemon *d, const char *option);
void daemon_start(struct daemon *d); /* and waits until it is ready */
int daemon_end(const struct daemon *d); /* waits for its end: exit code, or minus the signal */
void daemon_stop(const struct daemon *d); /* SIGTERM; must end with 0 */
/* It does not start: exit code and sentence are as documented. */
void daemon_expect_refusal(struct daemon *d, int code, const char *sentence);

#endif
