/* Unix stream sockets: listening, connecting, and who is at the other end. All descriptors are
   close-on-exec and non-blocking. */
#ifndef TOGUNA_OS_UNIX_H
#define TOGUNA_OS_UNIX_H

#include "proto/base.h"
#include <sys/types.h>

/* The process that connected, as the kernel knows it: the numbers at the time of connect(2). */
struct unix_peer {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};

/* Listens at path with exactly this mode. A socket nobody listens at any more is replaced; one that answers
   is TG_BUSY; anything else in its place is TG_DUPLICATE and left alone. TG_BAD_INPUT when the path is too
   long (107 bytes), TG_DISK. */
enum tg_err unix_listen(const char *path, mode_t mode, int *ret_fd, struct tg_why *why);
/* Under a name that is in no folder ("@name" of ZeroMQ's): anybody on this machine may connect. TG_BUSY: the name is taken; TG_INTERNAL. */
enum tg_err unix_listen_abstract(const char *name, int *ret_fd);
/* The next waiting connection. TG_BUSY when there is none now, or when descriptors are used up. */
enum tg_err unix_accept(int listen_fd, struct unix_peer *ret_peer, int *ret_fd);
/* TG_UNREACHABLE with a why that says whether the socket is missing, dead, or closed to this user. */
enum tg_err unix_connect(const char *path, int *ret_fd, struct tg_why *why);
enum tg_err unix_pair(int ret_fds[2]);

#endif
