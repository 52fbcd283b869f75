/* Messages between the supervisor and its roles, over a SOCK_SEQPACKET pair. Private to supervisor.c and
   role.c. */
#ifndef TOGUNA_OS_CONTROL_H
#define TOGUNA_OS_CONTROL_H

#include "proto/base.h"

/* Where a child finds its ends, whatever was open before. */
#define CONTROL_FD 3
#define CONTROL_BRIEF_FD 4
#define CONTROL_NAME_MAX 15

enum control_type {
  CONTROL_CHANNEL = 'C', /* parent -> role: a channel to the named peer, with its descriptor */
  CONTROL_START = 'S',   /* parent -> role: that was all, begin */
  CONTROL_READY = 'R',   /* role -> parent */
  CONTROL_ORPHAN = 'O'   /* role -> parent: it ends for want of another */
};

struct control_message {
  enum control_type type;
  char name[CONTROL_NAME_MAX + 1];
  int fd; /* -1, or the receiver's, close-on-exec */
};

/* Never waits. TG_BUSY: the other side does not read; TG_UNREACHABLE: it is gone. fd stays the caller's. */
enum tg_err control_send(int control, enum control_type type, const char *name, int fd);
/* The next message. TG_BUSY: none now (or, with `wait`, never: it waits); TG_UNREACHABLE: the other side is
   gone; TG_BAD_INPUT. */
enum tg_err control_receive(int control, bool wait, struct control_message *ret);

#endif
