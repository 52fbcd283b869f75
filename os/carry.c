#include "os/carry.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  READ = 4096,
  ROUNDS = 16, /* of reading and writing before others have their turn */
  LOOK_MS = 1000,
  CONFIRM_MS = 5000, /* what came is confirmed by then, however little */
  STALL_MS = 20000,  /* so long nothing came while something was waited for: the line is dead, and nobody said so */
};

/* Invariants: the watch of a side exists exactly while its descriptor does; owed is since when something came that is not confirmed, 0 while there is nothing;
   heard is when something came last, or when nothing was waited for or could be heard; waited: something was, when looked at last. */
struct carry {
  struct loop *loop;
  struct resume *resume;
  const struct carry_events *events;
  void *arg;
  int local, line;
  struct loop_watch *local_watch, *line_watch;
  struct loop_timer *look;
  int64_t owed, heard;
  bool busy, waited, mute; /* mute: nothing can be said over this line any more */
};

static void hang_up(int *fd, struct loop_watch **watch)
{
  loop_watch_free(watch);
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

void carry_free(struct carry **taken)
{
  struct carry *c = taken ? *taken : NULL;
  if (!c)
    return;
  *taken = NULL;
  hang_up(&c->local, &c->local_watch);
  hang_up(&c->line, &c->line_watch);
  loop_timer_free(&c->look);
  resume_free(&c->resume);
  free(c);
}

/* ---- bytes. Those that return something: has the other side of that socket gone? */

static bool is_gone(ssize_t n) { return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR); }

static bool read_local(struct carry *c, enum tg_err *err)
{
  uint8_t bytes[READ];
  const size_t room = resume_room(c->resume);
  if (c->local < 0 || !room)
    return false;
  const ssize_t n = recv(c->local, bytes, room < sizeof bytes ? room : sizeof bytes, 0);
  if (n > 0)
    *err = resume_put(c->resume, slice_of(bytes, (size_t)n));
  return is_gone(n);
}

static bool write_local(struct carry *c)
{
  const struct slice in = resume_in(c->resume);
  if (!in.n)
    return false;
  if (c->local < 0) { /* nobody wants it any more */
    resume_gave(c->resume, in.n);
    return false;
  }
  const ssize_t n = send(c->local, in.p, in.n, MSG_NOSIGNAL);
  if (n > 0)
    resume_gave(c->resume, (size_t)n);
  return is_gone(n);
}

static bool read_line(struct carry *c, enum tg_err *err)
{
  uint8_t bytes[READ];
  if (c->line < 0 || resume_in(c->resume).n)
    return false;
  const ssize_t n = recv(c->line, bytes, sizeof bytes, 0);
  if (n > 0) {
    c->heard = loop_now(c->loop);
    *err = resume_take(c->resume, slice_of(bytes, (size_t)n));
  }
  return is_gone(n);
}

/* What came before the line broke is read first: that it is gone is heard there. */
static void write_line(struct carry *c)
{
  const struct slice out = c->line >= 0 && !c->mute ? resume_out(c->resume) : slice_of(NULL, 0);
  if (!out.n)
    return;
  const ssize_t n = send(c->line, out.p, out.n, MSG_NOSIGNAL);
  if (n > 0)
    resume_wrote(c->resume, (size_t)n);
  c->mute = is_gone(n);
}

/* ---- how it stands afterwards */

static void lose_line(struct carry *c)
{
  hang_up(&c->line, &c->line_watch);
  resume_lost(c->resume);
}

static void watch(struct carry *c)
{
  const bool in = resume_in(c->resume).n > 0;
  if (c->local_watch)
    loop_watch_set(c->local_watch, (short)((resume_room(c->resume) ? POLLIN : 0) | (in ? POLLOUT : 0)));
  if (c->line_watch)
    loop_watch_set(c->line_watch, (short)((in ? 0 : POLLIN) | (!c->mute && (resume_out(c->resume).n || resume_is_starved(c->resume)) ? POLLOUT : 0)));
}

static void set_timer(struct carry *c)
{
  const int64_t now = loop_now(c->loop);
  const bool owes = resume_owes(c->resume), waits = resume_waits(c->resume);
  c->owed = !owes ? 0 : c->owed ? c->owed : now;
  if (!waits || !c->waited || resume_in(c->resume).n) /* an idle spell, or one in which we did not read, is nobody's silence */
    c->heard = now;
  c->waited = waits;
  if ((owes || waits) && c->line >= 0 && !loop_timer_is_set(c->look))
    loop_timer_in(c->look, LOOK_MS);
}

/* To be asked after what came was read: this process may have stood still, not the other. */
static bool is_stalled(const struct carry *c)
{
  return c->line >= 0 && c->waited && !resume_in(c->resume).n && loop_now(c->loop) - c->heard >= STALL_MS;
}

/* Tells what has come of it: at most one thing, last. */
static void settle(struct carry *c, enum tg_err err, bool lost)
{
  const bool ended = resume_is_ended(c->resume) || (c->local < 0 && (c->line < 0 || lost)); /* the other side hangs up when it has heard our end */
  if (err != TG_OK || ended) {
    hang_up(&c->local, &c->local_watch);
    if (c->line >= 0)
      shutdown(c->line, SHUT_WR);
    lose_line(c);
    c->events->over(c->arg, err);
    return;
  }
  if (lost)
    lose_line(c);
  watch(c);
  set_timer(c);
  const bool busy = resume_is_busy(c->resume), turned = busy != c->busy;
  c->busy = busy;
  if (turned && c->events->turned)
    c->events->turned(c->arg, busy);
  if (lost)
    c->events->lost(c->arg);
  else if (c->events->moved)
    c->events->moved(c->arg);
}

static void pump(struct carry *c, bool judges)
{
  enum tg_err err = TG_OK;
  bool lost = false;
  for (int i = 0; err == TG_OK && !lost && i < ROUNDS; i++) {
    const uint64_t before = resume_moved(c->resume);
    lost = read_line(c, &err);
    const bool deaf = write_local(c), mute = err == TG_OK && read_local(c, &err);
    if (deaf || mute) {
      hang_up(&c->local, &c->local_watch);
      resume_end(c->resume);
    }
    if (err == TG_OK)
      write_line(c);
    lost |= resume_is_starved(c->resume);
    if (resume_moved(c->resume) == before)
      break;
  }
  settle(c, err, lost || (judges && is_stalled(c)));
}

static void on_events(void *arg, short events)
{
  (void)events;
  pump(arg, false);
}

static void on_look(void *arg)
{
  struct carry *c = arg;
  if (c->owed && loop_now(c->loop) - c->owed >= CONFIRM_MS)
    resume_confirm(c->resume);
  pump(c, true);
}

/* ---- */

enum tg_err carry_new(struct loop *l, int local, uint32_t rate, const struct carry_events *events, void *arg, struct carry **ret)
{
  struct carry *c = calloc(1, sizeof *c);
  if (!c) {
    close(local);
    return TG_NO_MEMORY;
  }
  *c = (struct carry){.loop = l, .events = events, .arg = arg, .local = local, .line = -1, .busy = true};
  c->resume = resume_new(rate);
  c->local_watch = loop_watch(l, local, 0, on_events, c);
  c->look = loop_timer(l, on_look, c);
  if (!c->resume || !c->local_watch || !c->look) {
    carry_free(&c);
    return TG_NO_MEMORY;
  }
  watch(c);
  *ret = c;
  return TG_OK;
}

struct resume *carry_resume(struct carry *c) { return c->resume; }

/* As ZeroMQ's connections are set (zsock.c): of a line over which nothing is under way only the kernel can hear that it is dead. */
static void set_line(int fd)
{
  static const struct {
    int level, name, value;
  } options[] = {{IPPROTO_TCP, TCP_NODELAY, 1},
                 {IPPROTO_TCP, TCP_KEEPIDLE, 60},
                 {IPPROTO_TCP, TCP_KEEPINTVL, 20},
                 {IPPROTO_TCP, TCP_KEEPCNT, 3},
                 {SOL_SOCKET, SO_KEEPALIVE, 1}};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof options[i].value);
}

enum tg_err carry_line(struct carry *c, int fd)
{
  hang_up(&c->line, &c->line_watch);
  set_line(fd);
  c->line = fd;
  c->mute = false;
  c->line_watch = loop_watch(c->loop, fd, POLLIN | POLLOUT, on_events, c);
  c->heard = loop_now(c->loop);
  if (c->line_watch)
    return TG_OK;
  lose_line(c);
  return TG_NO_MEMORY;
}

bool carry_owns(const struct carry *c, int fd) { return fd >= 0 && (fd == c->local || fd == c->line); }
int carry_local(const struct carry *c) { return c->local; }
