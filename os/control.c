#include "os/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union fd_room {
  struct cmsghdr head;
  char room[CMSG_SPACE(sizeof(int))];
};

enum tg_err control_send(int control, enum control_type type, const char *name, int fd)
{
  char kind = (char)type;
  struct iovec parts[2] = {{.iov_base = &kind, .iov_len = 1},
                           {.iov_base = (char *)(uintptr_t)name, .iov_len = name ? strlen(name) : 0}};
  struct msghdr m = {.msg_iov = parts, .msg_iovlen = 2};
  union fd_room room;
  if (fd >= 0) {
    memset(&room, 0, sizeof room);
    m.msg_control = room.room;
    m.msg_controllen = sizeof room.room;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
  }
  ssize_t n;
  do
    n = sendmsg(control, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  if (n >= 0)
    return TG_OK;
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? TG_BUSY : TG_UNREACHABLE;
}

static int take_fd(struct msghdr *m)
{
  int fd = -1;
  struct cmsghdr *c = CMSG_FIRSTHDR(m);
  if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof fd))
    memcpy(&fd, CMSG_DATA(c), sizeof fd);
  return fd;
}

enum tg_err control_receive(int control, bool wait, struct control_message *ret)
{
  char text[1 + CONTROL_NAME_MAX + 1];
  struct iovec part = {.iov_base = text, .iov_len = sizeof text};
  union fd_room room;
  struct msghdr m = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = room.room, .msg_controllen = sizeof room.room};
  ssize_t n;
  do
    n = recvmsg(control, &m, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
  while (n < 0 && errno == EINTR);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return TG_BUSY;
  if (n <= 0)
    return TG_UNREACHABLE;
  int fd = take_fd(&m);
  bool good = n <= 1 + CONTROL_NAME_MAX && !(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
              (text[0] == CONTROL_CHANNEL ? fd >= 0 : text[0] == CONTROL_START || text[0] == CONTROL_READY || text[0] == CONTROL_ORPHAN);
  if (!good) {
    if (fd >= 0)
      close(fd);
    return TG_BAD_INPUT;
  }
  *ret = (struct control_message){.type = (enum control_type)text[0], .fd = fd};
  memcpy(ret->name, text + 1, (size_t)n - 1);
  return TG_OK;
}
