#include "client/lib/channel.h"

#include "client/lib/error.h"
#include "os/clock.h"
#include "os/unix.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD = 4, READ_AHEAD = 64 * 1024, HELD = HEAD + LOCAL_FRAME + READ_AHEAD, QUEUED = 256 * 1024 };

/* Invariants: in.p[at..in.n) has not been looked at; once `over` is set nothing is sent or received; `mute`
   means that the node reads no more, but what it said before is still to be read. */
struct channel {
  int fd, silence;
  uint64_t number;
  struct buf in, out;
  size_t at;
  struct arena *arena;
  bool over, mute;
};

enum tg_err channel_open(const char *path, struct channel **ret, struct tg_why *why)
{
  struct channel *c = calloc(1, sizeof *c);
  /* Twice what a frame takes: what is made of a message for the caller lives beside it. */
  struct arena *arena = arena_new((size_t)2 * LOCAL_ARENA);
  enum tg_err err =
      c && arena ? TG_OK : why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  int fd = -1;
  if (err == TG_OK)
    err = unix_connect(path, &fd, why);
  if (err != TG_OK) {
    arena_free(arena);
    free(c);
    return err;
  }
  *c = (struct channel){
      .fd = fd, .silence = 60000, .arena = arena, .in = buf_new(HELD), .out = buf_new(QUEUED + HEAD + LOCAL_FRAME)};
  *ret = c;
  return TG_OK;
}

void channel_free(struct channel *c)
{
  if (!c)
    return;
  close(c->fd);
  buf_free(&c->in);
  buf_free(&c->out);
  arena_free(c->arena);
  free(c);
}

void channel_set_silence(struct channel *c, int milliseconds)
{
  c->silence = milliseconds;
}
int channel_fd(const struct channel *c)
{
  return c->fd;
}
struct arena *channel_arena(struct channel *c)
{
  return c->arena;
}
uint64_t channel_number(struct channel *c)
{
  return ++c->number;
}

static enum tg_err over(struct tg_why *why)
{
  return why_set(why, TG_UNREACHABLE, NULL, N_("this connection to the node has ended"),
                 N_("Open another one"), NULL, NULL, NULL);
}

/* Nothing can be trusted on this connection any more. */
static enum tg_err break_with(struct channel *c, enum tg_err err)
{
  c->over = true;
  return err;
}

/* ---- waiting ---- */

static int64_t deadline_of(int timeout_ms)
{
  return timeout_ms < 0 ? INT64_MAX : clock_mono() + timeout_ms;
}

/* Waits for events. Those that happened, 0 when the deadline has passed. */
static short wait_for(const struct channel *c, short events, int64_t deadline)
{
  for (;;) {
    int64_t left = deadline == INT64_MAX ? -1 : deadline - clock_mono();
    struct pollfd ready = {.fd = c->fd, .events = events};
    int rc = poll(&ready, 1,
                  left > INT32_MAX                    ? INT32_MAX
                  : left < 0 && deadline != INT64_MAX ? 0
                                                      : (int)left);
    if (rc > 0)
      return ready.revents;
    if (rc < 0 && errno != EINTR && errno != EAGAIN)
      return POLLERR; /* the read or write that follows tells more */
    if (deadline != INT64_MAX && clock_mono() >= deadline)
      return 0;
  }
}

/* ---- reading ---- */

/* Reads what is there. TG_OK: something came; TG_BUSY: nothing now; TG_UNREACHABLE: the end. */
static enum tg_err fill(struct channel *c)
{
  if (c->at > 0) {
    memmove(c->in.p, c->in.p + c->at, c->in.n - c->at);
    c->in.n -= c->at;
    c->at = 0;
  }
  size_t before = c->in.n;
  uint8_t *room = buf_grow(&c->in, READ_AHEAD);
  if (!room)
    return TG_NO_MEMORY;
  ssize_t n;
  do
    n = recv(c->fd, room, READ_AHEAD, MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  c->in.n = before + (n > 0 ? (size_t)n : 0);
  if (n > 0)
    return TG_OK;
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? TG_BUSY : TG_UNREACHABLE;
}

/* The whole frame at the front of what was read. TG_BUSY: not whole yet. */
static enum tg_err next_frame(struct channel *c, struct slice *ret)
{
  struct slice rest = {c->in.p + c->at, c->in.n - c->at};
  uint32_t size;
  if (!take_u32(&rest, &size))
    return TG_BUSY;
  if (size > LOCAL_FRAME)
    return TG_TOO_BIG;
  if (!take(&rest, size, ret))
    return TG_BUSY;
  c->at += HEAD + size;
  return TG_OK;
}

/* What the node says went wrong, as our own why. The sentences stay in the arena. */
static enum tg_err take_error(struct channel *c, const Tg__LError *e, struct tg_why *why)
{
  enum tg_err err = error_known(e->err);
  if (!why)
    return err;
  struct slice text[6] = {strict_slice(e->where), strict_slice(e->what), strict_slice(e->todo)};
  const char *words[6] = {"", "", "", "", "", ""};
  for (size_t i = 0; i < e->n_args && i < 3; i++)
    text[3 + i] = strict_slice(e->args[i]);
  for (size_t i = 0; i < 6; i++) {
    char *copy = arena_alloc(c->arena, text[i].n + 1);
    if (copy && text[i].n)
      memcpy(copy, text[i].p, text[i].n);
    if (copy)
      words[i] = copy;
  }
  return why_set(why, err, words[0], words[1], words[2], words[3], words[4], words[5]);
}

/* A frame of the node's, checked. An LError without a request ends the channel. */
static enum tg_err decode(struct channel *c, struct slice frame, const struct local_kind **ret_kind,
                          ProtobufCMessage **ret_message, struct tg_why *why)
{
  arena_reset(c->arena);
  enum tg_err err = local_decode(frame, LOCAL_TO_PROGRAM, c->arena, ret_kind, ret_message, why);
  if (err != TG_OK)
    return break_with(c, err);
  if ((*ret_kind)->type == LOCAL_ERROR && local_request(*ret_message) == 0)
    return break_with(c, take_error(c, (const Tg__LError *)*ret_message, why));
  return TG_OK;
}

static enum tg_err not_asked(struct channel *c, const struct local_kind *kind, struct tg_why *why)
{
  return break_with(c, why_set(why, TG_BAD_INPUT, kind->name, N_("the node answers what was not asked"),
                               N_("Check that the program and its node are of the same release"), NULL, NULL,
                               NULL));
}

/* Looks at a frame. *ret_ours tells whether it answers the request: one that is over may have answers on
 * their way. */
static enum tg_err take_frame(struct channel *c, struct slice frame, uint64_t request, uint32_t answers,
                              bool *ret_ours, enum local_type *ret_type, ProtobufCMessage **ret_message,
                              struct tg_why *why)
{
  const struct local_kind *kind;
  ProtobufCMessage *message;
  *ret_ours = true;
  enum tg_err err = decode(c, frame, &kind, &message, why);
  if (err != TG_OK)
    return err;
  uint64_t number = local_request(message);
  if (number == request && kind->type == LOCAL_ERROR)
    return take_error(c, (const Tg__LError *)message, why);
  *ret_ours = number == request || number > c->number;
  if (!*ret_ours)
    return TG_OK;
  if (number != request || !(answers & ANSWER(kind->type)))
    return not_asked(c, kind, why);
  *ret_type = kind->type;
  *ret_message = message;
  return TG_OK;
}

/* Reads more, waiting until the deadline. *ret_came is false when nothing came. */
static enum tg_err more(struct channel *c, int64_t deadline, bool *ret_came, struct tg_why *why)
{
  enum tg_err err;
  *ret_came = true;
  while ((err = fill(c)) == TG_BUSY)
    if (!wait_for(c, POLLIN, deadline)) {
      *ret_came = false;
      return TG_OK;
    }
  if (err == TG_NO_MEMORY)
    return break_with(c, why_set(why, err, NULL, N_("out of memory"), NULL, NULL, NULL, NULL));
  if (err != TG_OK)
    return break_with(c, why_set(why, TG_UNREACHABLE, NULL, N_("the node ended the connection"),
                                 N_("See its journal, then try again"), NULL, NULL, NULL));
  return TG_OK;
}

/* The next whole frame; *ret_came false when none came before the deadline. */
static enum tg_err await_frame(struct channel *c, int64_t deadline, struct slice *ret, bool *ret_came, struct tg_why *why)
{
  enum tg_err err;
  *ret_came = true;
  while (*ret_came && (err = next_frame(c, ret)) != TG_OK) {
    if (err == TG_TOO_BIG)
      return break_with(c,
                        why_set(why, err, NULL, N_("the node sends a frame that is longer than any may be"),
                                N_("Check that a toguna-node listens at this socket"), NULL, NULL, NULL));
    err = more(c, deadline, ret_came, why);
    if (err != TG_OK)
      return err;
  }
  return TG_OK;
}

enum tg_err channel_next(struct channel *c, int timeout_ms, uint64_t *ret_request, enum local_type *ret_type,
                         ProtobufCMessage **ret_message, struct tg_why *why)
{
  const struct local_kind *kind;
  struct slice frame;
  bool came;
  if (c->over)
    return over(why);
  enum tg_err err = await_frame(c, deadline_of(timeout_ms), &frame, &came, why);
  if (err == TG_OK && !came)
    *ret_message = NULL;
  if (err != TG_OK || !came)
    return err;
  err = decode(c, frame, &kind, ret_message, why);
  if (err != TG_OK)
    return err;
  *ret_request = local_request(*ret_message);
  *ret_type = kind->type;
  return *ret_request <= c->number ? TG_OK : not_asked(c, kind, why);
}

enum tg_err channel_error(struct channel *c, const ProtobufCMessage *message, struct tg_why *why)
{
  return take_error(c, (const Tg__LError *)message, why);
}

enum tg_err channel_poll(struct channel *c, uint64_t request, uint32_t answers, int timeout_ms,
                         enum local_type *ret_type, ProtobufCMessage **ret_message, struct tg_why *why)
{
  int64_t deadline = deadline_of(timeout_ms);
  bool came = true;
  if (c->over)
    return over(why);
  while (came) {
    struct slice frame;
    bool ours = false;
    enum tg_err err = await_frame(c, deadline, &frame, &came, why);
    if (err == TG_OK && came)
      err = take_frame(c, frame, request, answers, &ours, ret_type, ret_message, why);
    if (ours || err != TG_OK)
      return err;
  }
  *ret_message = NULL;
  return TG_OK;
}

static enum tg_err too_silent(struct channel *c, struct tg_why *why)
{
  return break_with(c, why_set(why, TG_BUSY, NULL, N_("the node has not answered in time"),
                               N_("See with \"toguna status\" whether it is well, then try again"), NULL,
                               NULL, NULL));
}

enum tg_err channel_answer(struct channel *c, uint64_t request, uint32_t answers, enum local_type *ret_type,
                           ProtobufCMessage **ret_message, struct tg_why *why)
{
  enum tg_err err = channel_poll(c, request, answers, c->silence, ret_type, ret_message, why);
  return err == TG_OK && !*ret_message ? too_silent(c, why) : err;
}

/* ---- writing ---- */

/* Writes what is queued. Reads meanwhile, so that a node that is writing to us comes to read. */
enum tg_err channel_flush(struct channel *c, struct tg_why *why)
{
  if (c->over)
    return over(why);
  for (size_t at = 0; at < c->out.n && !c->mute;) {
    ssize_t n = send(c->fd, c->out.p + at, c->out.n - at, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      at += (size_t)n;
      continue;
    }
    if (errno == EINTR)
      continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS) {
      c->mute = true;
      break;
    }
    bool room = c->in.n - c->at < HEAD + LOCAL_FRAME;
    short ready = wait_for(c, (short)(room ? POLLIN | POLLOUT : POLLOUT), deadline_of(c->silence));
    if (!ready)
      return too_silent(c, why);
    if (room && (ready & POLLIN) && fill(c) == TG_UNREACHABLE)
      c->mute = true;
  }
  if (c->out.n)
    sodium_memzero(c->out.p, c->out.n);
  buf_clear(&c->out);
  return TG_OK;
}

enum tg_err channel_queue(struct channel *c, enum local_type type, const ProtobufCMessage *message,
                         struct tg_why *why)
{
  if (c->over)
    return over(why);
  size_t before = c->out.n;
  buf_put_u32(&c->out, 0);
  enum tg_err err = buf_status(&c->out) == TG_OK
                        ? local_encode(type, message, &c->out, why)
                        : why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  if (err != TG_OK) {
    c->out.n = before;
    c->out.failed = false;
    return err;
  }
  uint32_t size = (uint32_t)(c->out.n - before - HEAD);
  for (int i = 0; i < HEAD; i++)
    c->out.p[before + (size_t)i] = (uint8_t)(size >> 8 * (HEAD - 1 - i));
  return c->out.n >= QUEUED ? channel_flush(c, why) : TG_OK;
}

enum tg_err channel_send(struct channel *c, enum local_type type, const ProtobufCMessage *message,
                         struct tg_why *why)
{
  enum tg_err err = channel_queue(c, type, message, why);
  return err == TG_OK ? channel_flush(c, why) : err;
}

void channel_cancel(struct channel *c, uint64_t request)
{
  Tg__LCancel m = TG__LCANCEL__INIT;
  m.request = request;
  if (!c->over)
    (void)channel_send(c, LOCAL_CANCEL, &m.base, NULL);
}
