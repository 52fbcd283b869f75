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
#define FRAME_MAX 0x7fffff00u
#define READ_AHEAD 65536   /* bytes asked for in one read, at least */
#define WRITE_EARLY 262144 /* so many bytes queued are written at once, not at the turn's end */
#define READS_PER_TURN 8   /* one busy pipe must not starve the others */
#define BYTES_PER_TURN 131072 /* nor one with long frames, each of which may be milliseconds of work */

/* Bytes that wait between two ends: the live part is p[at..at+n). */
struct bytes {
  uint8_t *p;
  size_t at, n, cap;
};

/* Invariants: out.n <= max_queue, or one frame; after `ended` nothing is read or sent; calls > 0 while a function of the owner's
   may run, and then the pipe is not freed, only marked. */
struct pipe {
  struct loop_watch *watch;
  struct loop_after *flush, *resume, *tell;
  const struct pipe_events *events;
  void *arg;
  struct pipe_limits limits;
  int fd;
  struct bytes in, out;
  uint64_t taken; /* bytes read so far */
  bool paused;
  bool refused;    /* somebody waits for `drained` … */
  size_t low;      /* … which is told when no more than this is queued */
  bool read_over;  /* nothing more can be read; whole frames may still be in the buffer */
  bool full;       /* the socket took no more: it is watched until it does */
  bool emptied;    /* the last read took all there was */
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
  if (!p->ended && p->full && p->out.n > 0)
    want |= POLLOUT;
  loop_watch_set(p->watch, (short)want);
}

static void destroy(struct pipe *p)
{
  loop_after_free(&p->flush);
  loop_after_free(&p->resume);
  loop_after_free(&p->tell);
  loop_watch_free(&p->watch);
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

/* One system call. False when the socket takes no more. */
static bool write_step(struct pipe *p)
{
  struct iovec part = {.iov_base = p->out.p + p->out.at, .iov_len = p->out.n};
  const struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
  ssize_t sent;
  do
    sent = sendmsg(p->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  p->full = sent < 0;
  if (sent < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS) {
      /* What was queued is lost: both sides must learn it, or each would wait for the other for ever. What came before is
         still read. */
      p->write_over = true;
      bytes_drop(&p->out, p->out.n);
      (void)shutdown(p->fd, SHUT_RDWR);
    }
    return false;
  }
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

enum tg_err pipe_send_parts(struct pipe *p, const struct slice *parts, size_t n)
{
  size_t size = 0;
  if (p->ended || p->write_over)
    return TG_UNREACHABLE;
  for (size_t i = 0; i < n; i++) {
    if (parts[i].n > p->limits.max_frame - size)
      return TG_TOO_BIG;
    size += parts[i].n;
  }
  if (p->out.n > 0 && p->out.n + HEAD + size > p->limits.max_queue) {
    pipe_tell_drained(p, p->limits.max_queue / 2);
    return TG_BUSY;
  }
  if (!bytes_room(&p->out, HEAD + size))
    return TG_NO_MEMORY;
  uint8_t *to = p->out.p + p->out.at + p->out.n;
  for (int i = 0; i < HEAD; i++)
    *to++ = (uint8_t)(size >> 8 * (HEAD - 1 - i));
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
  return pipe_send_parts(p, &frame, 1);
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

/* There is no room for control data: the kernel drops descriptors sent to us and says so with MSG_CTRUNC. */
static ssize_t receive_some(struct pipe *p, size_t room, bool *ret_honest)
{
  struct iovec part = {.iov_base = p->in.p + p->in.at + p->in.n, .iov_len = room};
  struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
  ssize_t n;
  do
    n = recvmsg(p->fd, &m, MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  *ret_honest = n < 0 || !(m.msg_flags & MSG_CTRUNC);
  return n;
}

static uint32_t head_of(const struct bytes *b)
{
  const uint8_t *h = b->p + b->at;
  return (uint32_t)h[0] << 24 | (uint32_t)h[1] << 16 | (uint32_t)h[2] << 8 | h[3];
}

/* The frame at the front of the buffer, if it is whole. *ret_need: how many bytes it has in all, once
   known. */
static enum tg_err next_frame(struct pipe *p, size_t *ret_need, struct slice *ret)
{
  *ret_need = HEAD;
  if (p->in.n < HEAD)
    return TG_BUSY;
  size_t size = head_of(&p->in);
  if (size > p->limits.max_frame)
    return TG_TOO_BIG;
  *ret_need = HEAD + size;
  if (p->in.n < HEAD + size)
    return TG_BUSY;
  *ret = slice_of(p->in.p + p->in.at + HEAD, size);
  return TG_OK;
}

/* Hands over the whole frames in the buffer. TG_BUSY: more bytes are needed (*ret_need in all); TG_OK: paused
   or ended by the owner meanwhile. */
static enum tg_err deliver(struct pipe *p, size_t *ret_need)
{
  while (!p->paused && !p->ended) {
    struct slice frame;
    enum tg_err err = next_frame(p, ret_need, &frame);
    if (err != TG_OK)
      return err;
    p->events->frame(p->arg, frame);
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
  room = p->in.cap - p->in.at - p->in.n;
  ssize_t n = receive_some(p, room, &honest);
  p->emptied = n > 0 && (size_t)n < room;
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return TG_BUSY;
  if (!honest)
    return TG_BAD_INPUT;
  if (n > 0) {
    p->in.n += (size_t)n;
    p->taken += (uint64_t)n;
  } else {
    p->read_over = true;
  }
  if (n < 0)
    p->write_over = true; /* reset */
  return TG_OK;
}

static void read_frames(struct pipe *p)
{
  const uint64_t from = p->taken;
  for (int reads = 0;; reads++) {
    size_t need = HEAD;
    enum tg_err err = deliver(p, &need);
    const bool enough = reads == READS_PER_TURN || p->taken - from >= BYTES_PER_TURN;
    if (err == TG_OK || (err == TG_BUSY && enough && !p->read_over))
      return;
    if (err == TG_BUSY && p->read_over) {
      end(p, p->in.n == 0 && !p->write_over ? TG_OK : TG_UNREACHABLE);
      return;
    }
    if (err == TG_BUSY) {
      if (reads > 0 && p->emptied)
        return; /* what came meanwhile wakes us */
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
