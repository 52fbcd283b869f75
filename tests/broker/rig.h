/* One real process of togunad, with the test in place of its parent and of its one peer. */
#ifndef TOGUNA_TESTS_BROKER_RIG_H
#define TOGUNA_TESTS_BROKER_RIG_H

#include "broker/message.h"
#include "broker/role.h"
#include "tests/os/kit.h"

struct rig {
  pid_t pid;
  struct loop *loop;
  struct pipe *peer; /* NULL once the process has closed it */
  struct buf heard;  /* frames that were not taken yet: u32 length, bytes */
  int control;
};

/* To be called first in main(): runs the role when this process was started as one. */
int rig_main(int argc, char **argv, const struct CMUnitTest *tests, size_t n);

/* Starts the role; the test speaks as `peer`. */
struct rig *rig_start(const char *role, const char *peer, const void *brief, size_t size,
                      struct pipe_limits limits);
/* The role said that it is at work. */
void rig_expect_ready(struct rig *rig);
void rig_say(struct rig *rig, enum message type, struct slice rest);
/* Waits for the next frame, which must be of this type; what follows the type, valid until the next call. */
struct slice rig_expect(struct rig *rig, enum message type);
/* The process ends by itself; its exit code, or minus the signal. Frees the rig. */
int rig_end(struct rig *rig);
/* Stops it with SIGTERM; it must end with 0. */
void rig_stop(struct rig *rig);
/* Kills it as a power cut would. */
void rig_kill(struct rig *rig);

#endif
