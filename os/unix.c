#include "os/unix.h"

#include "os/fault.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128

static enum tg_err address_of(const char *path, struct sockaddr_un *ret, struct tg_why *why)
{
  size_t n = strlen(path);
  if (n == 0 || n >= sizeof ret->sun_path)
    return why_set(why, TG_BAD_INPUT, path, N_("the path of a socket has 1 to 107 bytes"),
                   N_("Choose a shorter folder"), NULL, NULL, NULL);
  memset(ret, 0, sizeof *ret);
  ret->sun_family = AF_UNIX;
  memcpy(ret->sun_path, path, n + 1);
  return TG_OK;
}

static int stream(void)
{
  return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* A socket file that refuses connections was left by a program that died: nobody can be hurt by removing
   it. */
static enum tg_err remove_stale(const char *path, const struct sockaddr_un *at, struct tg_why *why)
{
  struct stat st;
  if (lstat(path, &st) != 0)
    return errno == ENOENT ? TG_OK : fault_why(why, TG_DISK, path, N_("cannot listen there: %1$s"), NULL);
  if (!S_ISSOCK(st.st_mode))
    return why_set(why, TG_DUPLICATE, path, N_("something else stands where the socket should be"),
                   N_("Move it away, or choose another path"), NULL, NULL, NULL);
  int fd = stream();
  if (fd < 0)
    return fault_why(why, TG_INTERNAL, path, N_("cannot make a socket: %1$s"), NULL);
  int rc = connect(fd, (const struct sockaddr *)at, sizeof *at);
  int error = rc == 0 ? 0 : errno;
  close(fd);
  if (error != ECONNREFUSED)
    return why_set(why, TG_BUSY, path, N_("another program listens there"),
                   N_("Stop it first, or choose another path"), NULL, NULL, NULL);
  if (unlink(path) != 0 && errno != ENOENT)
    return fault_why(why, TG_DISK, path, N_("cannot remove the old socket: %1$s"), NULL);
  return TG_OK;
}

enum tg_err unix_listen(const char *path, mode_t mode, int *ret_fd, struct tg_why *why)
{
  struct sockaddr_un at;
  enum tg_err err = address_of(path, &at, why);
  if (err == TG_OK)
    err = remove_stale(path, &at, why);
  if (err != TG_OK)
    return err;
  int fd = stream();
  if (fd < 0)
    return fault_why(why, TG_INTERNAL, path, N_("cannot make a socket: %1$s"), NULL);
  /* The socket appears closed to everybody and is opened before it listens: there is no moment with a wider
     mode. */
  mode_t old = umask(0777);
  int rc = bind(fd, (const struct sockaddr *)&at, sizeof at);
  umask(old);
  if (rc != 0)
    err = fault_why(why, TG_DISK, path, N_("cannot listen there: %1$s"), NULL);
  else if (chmod(path, mode) != 0 || listen(fd, BACKLOG) != 0)
    err = fault_why(why, TG_DISK, path, N_("cannot listen there: %1$s"), NULL);
  if (err != TG_OK) {
    close(fd);
    return err;
  }
  *ret_fd = fd;
  return TG_OK;
}

enum tg_err unix_listen_abstract(const char *name, int *ret_fd)
{
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  const size_t n = strlen(name);
  if (n >= sizeof at.sun_path)
    return TG_INTERNAL;
  memcpy(at.sun_path + 1, name, n);
  const int fd = stream();
  if (fd < 0)
    return TG_INTERNAL;
  if (bind(fd, (const struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) == 0 && listen(fd, BACKLOG) == 0) {
    *ret_fd = fd;
    return TG_OK;
  }
  const enum tg_err err = errno == EADDRINUSE ? TG_BUSY : TG_INTERNAL;
  close(fd);
  return err;
}

static enum tg_err peer_of(int fd, struct unix_peer *ret)
{
  struct ucred cred;
  socklen_t n = sizeof cred;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) != 0)
    return TG_INTERNAL;
  *ret = (struct unix_peer){.pid = cred.pid, .uid = cred.uid, .gid = cred.gid};
  return TG_OK;
}

enum tg_err unix_accept(int listen_fd, struct unix_peer *ret_peer, int *ret_fd)
{
  int fd;
  do
    fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (fd < 0)
    return TG_BUSY;
  enum tg_err err = peer_of(fd, ret_peer);
  if (err != TG_OK) {
    close(fd);
    return err;
  }
  *ret_fd = fd;
  return TG_OK;
}

static enum tg_err cannot_connect(const char *path, struct tg_why *why)
{
  switch (errno) {
  case ENOENT:
    return why_set(why, TG_UNREACHABLE, path, N_("there is no such socket"),
                   N_("Start the program that serves it, or check the path"), NULL, NULL, NULL);
  case ECONNREFUSED:
    return why_set(why, TG_UNREACHABLE, path, N_("the program that served this socket is not running"),
                   N_("Start it"), NULL, NULL, NULL);
  case EACCES:
  case EPERM:
    return why_set(why, TG_UNREACHABLE, path, N_("you may not use this socket"),
                   N_("Ask who runs the program to add you to its group"), NULL, NULL, NULL);
  case EAGAIN:
    return why_set(why, TG_UNREACHABLE, path, N_("the program that serves this socket is too busy to answer"),
                   N_("Try again in a moment"), NULL, NULL, NULL);
  }
  (void)fault_why(why, TG_UNREACHABLE, path, N_("cannot connect: %1$s"), NULL);
  if (why)
    why->err = TG_UNREACHABLE;
  return TG_UNREACHABLE;
}

enum tg_err unix_connect(const char *path, int *ret_fd, struct tg_why *why)
{
  struct sockaddr_un at;
  enum tg_err err = address_of(path, &at, why);
  if (err != TG_OK)
    return err;
  int fd = stream();
  if (fd < 0)
    return fault_why(why, TG_INTERNAL, path, N_("cannot make a socket: %1$s"), NULL);
  if (connect(fd, (const struct sockaddr *)&at, sizeof at) != 0) {
    err = cannot_connect(path, why);
    close(fd);
    return err;
  }
  *ret_fd = fd;
  return TG_OK;
}

enum tg_err unix_pair(int ret_fds[2])
{
  return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) == 0 ? TG_OK
                                                                                          : TG_INTERNAL;
}
