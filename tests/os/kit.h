/* What the tests of this room share: a folder of their own, and waiting for conditions with a deadline. */
#ifndef TOGUNA_TESTS_OS_KIT_H
#define TOGUNA_TESTS_OS_KIT_H

#include "os/clock.h"
#include "os/loop.h"
#include "proto/base.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define DEADLINE_MS 40000

/* An empty folder under $TMPDIR or /tmp; remove it with kit_remove(). */
static inline char *kit_folder(void)
{
  const char *base = getenv("TMPDIR");
  char *path;
  assert_true(asprintf(&path, "%s/toguna-os-XXXXXX", base ? base : "/tmp") > 0);
  assert_non_null(mkdtemp(path));
  return path;
}

/* Has it something to read, or to accept, now? */
static inline bool kit_is_readable(int fd)
{
  struct pollfd p = {.fd = fd, .events = POLLIN};
  return poll(&p, 1, 0) == 1;
}

static inline void kit_remove(char *folder)
{
  char *command;
  assert_true(asprintf(&command, "rm -rf '%s'", folder) > 0);
  assert_int_equal(system(command), 0);
  free(command);
  free(folder);
}

static inline const char *kit_path(const char *folder, const char *name)
{
  static char path[4][512];
  static unsigned next;
  char *out = path[next++ % 4];
  snprintf(out, sizeof path[0], "%s/%s", folder, name);
  return out;
}

/* A TCP port of 127.0.0.1 that nobody uses; ret_fd not NULL: the caller's socket does, bound to it. */
static inline uint16_t kit_port(int *ret_fd)
{
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof at;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
  if (ret_fd)
    *ret_fd = fd;
  else
    close(fd);
  return ntohs(at.sin_port);
}

/* Turns the loop until the condition holds; fails the test after the deadline. */
#define KIT_UNTIL(loop, condition)                                                                           \
  do {                                                                                                       \
    int64_t kit_end = clock_mono() + DEADLINE_MS;                                                            \
    while (!(condition)) {                                                                                   \
      loop_turn((loop), 50);                                                                                 \
      if (clock_mono() > kit_end)                                                                            \
        fail_msg("waited in vain for: %s", #condition);                                                      \
    }                                                                                                        \
  } while (0)

#endif
