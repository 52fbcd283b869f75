#include "os/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD 4
#define WITH_FD 0x80000000u
#define FRAME_MAX 0x7fffff00u
#define FDS_MAX 16         /* descriptors waiting, each way */
#define READ_AHEAD 65536   /* bytes asked for in one read, at least */
#define WRITE_EARLY 262144 /* so many bytes queued are written at once, not at the turn's end */
#define READS_PER_TURN 8   /* one busy pipe must not starve the others */

/* Bytes that wait between two ends: the live part is p[at..at+n). */
struct bytes {
  uint8_t *p;
  size_t at, n, cap;
};

/* A descriptor to be sent with the byte at `position` of the stream. */
struct sending {
  uint64_t position;
  int fd;
};

/* Invariants: out.n <= max_queue, or one frame; sending[] is ascending by position and lies within [sent,
   sent + out.n); after `ended` nothing is read or sent; calls > 0 while a function of the owner's may run,
   and then the pipe is not freed, only marked. */
struct pipe {
  struct loop_watch *watch;
  struct loop_after *flush, *resume, *tell;
  const struct pipe_events *events;
  void *arg;
  struct pipe_limits limits;
  int fd;
  struct bytes in, out;
  uint64_t sent; /* bytes of the stream written so far */
  struct sending sending[FDS_MAX];
  size_t n_sending;
  int received[FDS_MAX];
  size_t n_received;
  bool paused;
  bool refused;    /* somebody waits for `drained` … */
  size_t low;      /* … which is told when no more than this is queued */
  bool read_over;  /* nothing more can be read; whole frames may still be in the buffer */
  bool write_over; /* nothing more can be written; what the other side said before is still read */
  bool ended;
  enum tg_err end_why;
  unsigned calls;
  bool dead;
};

static bool bytes_room(struct bytes *b, size_t n)
{
  if (b->cap - b->at - b->n >= n)
    return true;
  if (b->cap - b->n >= n && b->at >= b->n) { /* moving costs no more than was used already */
    memmove(b->p, b->p + b->at, b->n);
    b->at = 0;
    return true;
  }
  size_t cap = b->cap ? b->cap : 4096;
  while (cap - b->n < n) {
    if (cap > SIZE_MAX / 2)
      return false;
    cap *= 2;
  }
  uint8_t *p = malloc(cap);
  if (!p)
    return false;
  if (b->n)
    memcpy(p, b->p + b->at, b->n);
  if (b->p)
    sodium_memzero(b->p, b->cap);
  free(b->p);
  *b = (struct bytes){.p = p, .n = b->n, .cap = cap};
  return true;
}

static void bytes_drop(struct bytes *b, size_t n)
{
  b->at += n;
  b->n -= n;
  if (b->n == 0)
    b->at = 0;
}

static void bytes_free(struct bytes *b)
{
  if (b->p)
    sodium_memzero(b->p, b->cap);
  free(b->p);
  *b = (struct bytes){0};
}

static void update_watch(struct pipe *p)
{
  int want = 0;
  if (!p->ended && !p->paused && !p->read_over)
    want |= POLLIN;
  if (!p->ended && p->out.n > 0)
    want |= POLLOUT;
  loop_watch_set(p->watch, (short)want);
}

static void destroy(struct pipe *p)
{
  loop_after_free(&p->flush);
  loop_after_free(&p->resume);
  loop_after_free(&p->tell);
  loop_watch_free(&p->watch);
  for (size_t i = 0; i < p->n_sending; i++)
    close(p->sending[i].fd);
  for (size_t i = 0; i < p->n_received; i++)
    close(p->received[i]);
  close(p->fd);
  bytes_free(&p->in);
  bytes_free(&p->out);
  free(p);
}

static void leave(struct pipe *p)
{
  if (--p->calls == 0 && p->dead)
    destroy(p);
}

void pipe_free(struct pipe **taken)
{
  struct pipe *p = taken ? *taken : NULL;
  if (!p)
    return;
  *taken = NULL;
  p->dead = p->ended = true;
  p->calls++;
  leave(p);
}

/* The end is told from the loop, not from inside a call of the owner's. */
static void end(struct pipe *p, enum tg_err why)
{
  if (p->ended)
    return;
  p->ended = true;
  p->end_why = why;
  update_watch(p);
  loop_after_ask(p->tell);
}

static void tell_end(void *arg)
{
  struct pipe *p = arg;
  p->calls++;
  p->events->closed(p->arg, p->end_why);
  leave(p);
}

/* --- writing */

static ssize_t send_some(struct pipe *p, size_t n, int fd)
{
  struct iovec part = {.iov_base = p->out.p + p->out.at, .iov_len = n};
  union {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
  if (fd >= 0) {
    memset(&control, 0, sizeof control);
    m.msg_control = control.room;
    m.msg_controllen = sizeof control.room;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
  }
  ssize_t sent;
  do
    sent = sendmsg(p->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  return sent;
}

/* One system call: up to the next descriptor, or from it to the one after. False when the socket takes no
   more. */
static bool write_step(struct pipe *p)
{
  size_t n = p->out.n;
  int fd = -1;
  if (p->n_sending > 0 && p->sending[0].position == p->sent) {
    fd = p->sending[0].fd;
    if (p->n_sending > 1)
      n = (size_t)(p->sending[1].position - p->sent);
  } else if (p->n_sending > 0) {
    n = (size_t)(p->sending[0].position - p->sent);
  }
  ssize_t sent = send_some(p, n, fd);
  if (sent < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS && errno != ETOOMANYREFS) {
      p->write_over = true;
      bytes_drop(&p->out, p->out.n);
    }
    return false;
  }
  if (fd >= 0) {
    close(fd);
    memmove(p->sending, p->sending + 1, --p->n_sending * sizeof *p->sending);
  }
  p->sent += (uint64_t)sent;
  bytes_drop(&p->out, (size_t)sent);
  return true;
}

static void write_all(struct pipe *p)
{
  while (p->out.n > 0 && write_step(p))
    ;
  /* A burst's memory is not kept for ever. */
  if (p->out.n == 0 && p->out.cap > WRITE_EARLY * 2)
    bytes_free(&p->out);
  update_watch(p);
}

static void write_and_tell(void *arg)
{
  struct pipe *p = arg;
  if (p->ended)
    return;
  p->calls++;
  write_all(p);
  if (p->refused && !p->write_over && p->out.n <= p->low) {
    p->refused = false;
    if (p->events->drained)
      p->events->drained(p->arg);
  }
  leave(p);
}

static enum tg_err queue(struct pipe *p, const struct slice *parts, size_t n, int fd)
{
  size_t size = 0;
  if (p->ended || p->write_over)
    return TG_UNREACHABLE;
  for (size_t i = 0; i < n; i++) {
    if (parts[i].n > p->limits.max_frame - size)
      return TG_TOO_BIG;
    size += parts[i].n;
  }
  if ((p->out.n > 0 && p->out.n + HEAD + size > p->limits.max_queue) ||
      (fd >= 0 && p->n_sending == FDS_MAX)) {
    pipe_tell_drained(p, p->limits.max_queue / 2);
    return TG_BUSY;
  }
  if (!bytes_room(&p->out, HEAD + size))
    return TG_NO_MEMORY;
  if (fd >= 0)
    p->sending[p->n_sending++] = (struct sending){.position = p->sent + p->out.n, .fd = fd};
  uint32_t head = (uint32_t)size | (fd >= 0 ? WITH_FD : 0);
  uint8_t *to = p->out.p + p->out.at + p->out.n;
  for (int i = 0; i < HEAD; i++)
    *to++ = (uint8_t)(head >> 8 * (HEAD - 1 - i));
  for (size_t i = 0; i < n; i++)
    if (parts[i].n) {
      memcpy(to, parts[i].p, parts[i].n);
      to += parts[i].n;
    }
  p->out.n += HEAD + size;
  if (p->out.n >= WRITE_EARLY)
    write_all(p);
  if (p->out.n > 0 || p->refused)
    loop_after_ask(p->flush);
  return TG_OK;
}

enum tg_err pipe_send(struct pipe *p, struct slice frame)
{
  return queue(p, &frame, 1, -1);
}

enum tg_err pipe_send_parts(struct pipe *p, const struct slice *parts, size_t n)
{
  return queue(p, parts, n, -1);
}

enum tg_err pipe_send_fd(struct pipe *p, struct slice frame, int fd)
{
  if (!p->limits.descriptors)
    return TG_USAGE;
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0)
    return TG_INTERNAL;
  enum tg_err err = queue(p, &frame, 1, copy);
  if (err != TG_OK)
    close(copy);
  return err;
}

enum tg_err pipe_flush(struct pipe *p, int wait_ms)
{
  if (p->ended || p->write_over)
    return TG_UNREACHABLE;
  write_all(p);
  while (p->out.n > 0) {
    struct pollfd ready = {.fd = p->fd, .events = POLLOUT};
    int rc = poll(&ready, 1, wait_ms);
    if (rc < 0 && errno == EINTR)
      continue;
    if (rc <= 0)
      break;
    write_all(p);
  }
  return p->write_over ? TG_UNREACHABLE : p->out.n == 0 ? TG_OK : TG_BUSY;
}

void pipe_tell_drained(struct pipe *p, size_t bytes)
{
  if (!p->refused || bytes > p->low)
    p->low = bytes;
  p->refused = true;
  loop_after_ask(p->flush);
}

size_t pipe_queued(const struct pipe *p)
{
  return p->out.n;
}

/* --- reading */

/* Keeps the descriptors that came with a read; false when there are more than anybody honest sends. */
static bool keep_fds(struct pipe *p, struct msghdr *m)
{
  bool ok = !(m->msg_flags & MSG_CTRUNC);
  for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
      continue;
    size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < n; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
      if (ok && p->n_received < FDS_MAX) {
        p->received[p->n_received++] = fd;
      } else {
        close(fd);
        ok = false;
      }
    }
  }
  return ok;
}

/* Without room for control data the kernel drops descriptors sent to us and says so with MSG_CTRUNC. */
static ssize_t receive_some(struct pipe *p, size_t room, bool *ret_honest)
{
  struct iovec part = {.iov_base = p->in.p + p->in.at + p->in.n, .iov_len = room};
  union {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int) * FDS_MAX)];
  } control;
  struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
  if (p->limits.descriptors) {
    m.msg_control = control.room;
    m.msg_controllen = sizeof control.room;
  }
  ssize_t n;
  do
    n = recvmsg(p->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  *ret_honest = n < 0 || keep_fds(p, &m);
  return n;
}

static uint32_t head_of(const struct bytes *b)
{
  const uint8_t *h = b->p + b->at;
  return (uint32_t)h[0] << 24 | (uint32_t)h[1] << 16 | (uint32_t)h[2] << 8 | h[3];
}

/* The frame at the front of the buffer, if it is whole. *ret_need: how many bytes it has in all, once
   known. */
static enum tg_err next_frame(struct pipe *p, size_t *ret_need, struct slice *ret, int *ret_fd)
{
  *ret_need = HEAD;
  if (p->in.n < HEAD)
    return TG_BUSY;
  uint32_t head = head_of(&p->in);
  bool with_fd = (head & WITH_FD) != 0;
  size_t size = head & ~WITH_FD;
  if (with_fd && !p->limits.descriptors)
    return TG_BAD_INPUT;
  if (size > p->limits.max_frame)
    return TG_TOO_BIG;
  *ret_need = HEAD + size;
  if (p->in.n < HEAD + size)
    return TG_BUSY;
  /* The kernel delivers a descriptor with the first byte it was sent with, so it is here before the frame is
     whole. */
  if (with_fd && p->n_received == 0)
    return TG_BAD_INPUT;
  *ret = slice_of(p->in.p + p->in.at + HEAD, size);
  *ret_fd = -1;
  if (with_fd) {
    *ret_fd = p->received[0];
    memmove(p->received, p->received + 1, --p->n_received * sizeof *p->received);
  }
  return TG_OK;
}

/* Hands over the whole frames in the buffer. TG_BUSY: more bytes are needed (*ret_need in all); TG_OK: paused
   or ended by the owner meanwhile. */
static enum tg_err deliver(struct pipe *p, size_t *ret_need)
{
  while (!p->paused && !p->ended) {
    struct slice frame;
    int fd;
    enum tg_err err = next_frame(p, ret_need, &frame, &fd);
    if (err != TG_OK)
      return err;
    p->events->frame(p->arg, frame, fd);
    bytes_drop(&p->in, *ret_need);
  }
  return TG_OK;
}

/* Reads once. TG_BUSY: nothing there now; TG_OK: there was something, the end included. */
static enum tg_err read_step(struct pipe *p, size_t need)
{
  size_t room = need - p->in.n > READ_AHEAD ? need - p->in.n : READ_AHEAD;
  bool honest;
  if (!bytes_room(&p->in, room))
    return TG_NO_MEMORY;
  ssize_t n = receive_some(p, p->in.cap - p->in.at - p->in.n, &honest);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return TG_BUSY;
  if (!honest)
    return TG_BAD_INPUT;
  if (n > 0)
    p->in.n += (size_t)n;
  else
    p->read_over = true;
  if (n < 0)
    p->write_over = true; /* reset */
  return TG_OK;
}

static void read_frames(struct pipe *p)
{
  for (int reads = 0;; reads++) {
    size_t need = HEAD;
    enum tg_err err = deliver(p, &need);
    if (err == TG_OK || (err == TG_BUSY && reads == READS_PER_TURN && !p->read_over))
      return;
    if (err == TG_BUSY && p->read_over) {
      end(p, p->in.n == 0 && !p->write_over ? TG_OK : TG_UNREACHABLE);
      return;
    }
    if (err == TG_BUSY) {
      err = read_step(p, need);
      if (err == TG_BUSY)
        return;
    }
    if (err != TG_OK) {
      end(p, err);
      return;
    }
  }
}

/* Reads and hands over, and gives back a buffer that grew for a large frame once it is empty. */
static void read_and_tell(void *arg)
{
  struct pipe *p = arg;
  if (p->paused || p->ended)
    return;
  p->calls++;
  read_frames(p);
  if (p->in.n == 0 && p->in.cap > 4 * READ_AHEAD)
    bytes_free(&p->in);
  update_watch(p);
  leave(p);
}

static void ready(void *arg, short events)
{
  struct pipe *p = arg;
  p->calls++;
  if (events & POLLOUT)
    write_and_tell(p);
  if (events & (POLLIN | POLLHUP | POLLERR))
    read_and_tell(p);
  leave(p);
}

void pipe_pause(struct pipe *p, bool paused)
{
  bool resumed = p->paused && !paused;
  p->paused = paused;
  update_watch(p);
  /* Frames already in the buffer wake no descriptor. */
  if (resumed && !p->ended)
    loop_after_ask(p->resume);
}

int pipe_fd(const struct pipe *p)
{
  return p->fd;
}

enum tg_err pipe_new(struct loop *l, int fd, const struct pipe_limits *limits,
                     const struct pipe_events *events, void *arg, struct pipe **ret)
{
  struct pipe *p = calloc(1, sizeof *p);
  int flags = fcntl(fd, F_GETFL);
  if (!p || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    enum tg_err err = p ? TG_INTERNAL : TG_NO_MEMORY;
    free(p);
    close(fd);
    return err;
  }
  p->fd = fd;
  p->limits = *limits;
  if (p->limits.max_frame > FRAME_MAX)
    p->limits.max_frame = FRAME_MAX;
  p->events = events;
  p->arg = arg;
  p->watch = loop_watch(l, fd, POLLIN, ready, p);
  p->flush = loop_after(l, LOOP_SOON, write_and_tell, p);
  p->resume = loop_after(l, LOOP_SOON, read_and_tell, p);
  p->tell = loop_after(l, LOOP_SOON, tell_end, p);
  if (!p->watch || !p->flush || !p->resume || !p->tell) {
    destroy(p);
    return TG_NO_MEMORY;
  }
  *ret = p;
  return TG_OK;
}
