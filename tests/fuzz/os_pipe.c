/* Any bytes from the other end of a channel, cut into any pieces: exactly the frames they spell, then the
   right end. */
#include "os/pipe.h"
#include "os/unix.h"
#include "proto/buf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_MAX 5000

struct end {
  struct slice left; /* of the same bytes, read a second way */
  bool closed;
  enum tg_err why;
};

static void on_frame(void *arg, struct slice frame)
{
  struct end *e = arg;
  uint32_t n;
  struct slice expected;
  if (!take_u32(&e->left, &n) || !take(&e->left, n, &expected) || !slice_eq(frame, expected))
    abort();
}

static void on_closed(void *arg, enum tg_err why)
{
  struct end *e = arg;
  e->closed = true;
  e->why = why;
}

/* What must be told at the end, given what no frame was made of. */
static enum tg_err expected_end(struct slice left)
{
  uint32_t n;
  if (left.n == 0)
    return TG_OK;
  if (!take_u32(&left, &n))
    return TG_UNREACHABLE;
  return n > FRAME_MAX ? TG_TOO_BIG : TG_UNREACHABLE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const struct pipe_limits limits = {.max_frame = FRAME_MAX, .max_queue = FRAME_MAX};
  static const struct pipe_events events = {.frame = on_frame, .closed = on_closed};
  if (size < 1 || size > 60000)
    return 0;
  size_t piece = (size_t)data[0] + 1;
  struct slice bytes = slice_of(data + 1, size - 1);
  struct end e = {.left = bytes};
  struct pipe *p = NULL;
  struct loop *l = loop_new();
  int fds[2];
  if (!l || unix_pair(fds) != TG_OK || pipe_new(l, fds[0], &limits, &events, &e, &p) != TG_OK)
    abort();
  struct slice rest = bytes, part;
  while (!e.closed && take(&rest, rest.n < piece ? rest.n : piece, &part) && part.n > 0) {
    if (send(fds[1], part.p, part.n, MSG_NOSIGNAL) != (ssize_t)part.n)
      abort();
    loop_turn(l, 0);
  }
  close(fds[1]);
  while (!e.closed)
    loop_turn(l, 1000);
  if (e.why != expected_end(e.left))
    abort();
  pipe_free(&p);
  loop_free(l);
  return 0;
}
