#include "client/node/shell/relay.h"

#include "os/carry.h"
#include "os/log.h"
#include "os/lookup.h"
#include "os/unix.h"
#include "os/zsock.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  RETRY_MS = 200,        /* after a line that broke: nothing is known against the hub */
  PROVEN_MS = 10000,     /* a session that goes on for so long is none that the hub turns away */
  TELL_MS = 60000,       /* one notice in so long */
  CONNECT_MS = 15000,    /* to one address */
  DETACHED_MS = 60000,   /* without a line; then the session is over */
  LOCAL_MS = 5000,       /* ZeroMQ of this process has so long to come */
  LEAVE_MS = 5000,       /* for last words */
  NAME = 12 + 2 * 16,    /* "toguna-link-" and by chance */
};

/* Invariants: at most one of lookup, dialing (a socket that connects, or is connected and waits for `local`) and rest is under way; carry exists from
   ZeroMQ's coming until the session is over; listener from `ready` until then. Of a session: since when, and has ZeroMQ met the hub over it? */
struct relay {
  struct loop *loop;
  const struct relay_events *events;
  void *arg;
  struct endpoint endpoint;
  uint32_t rate;
  struct zsock_retry retry;
  int wait_ms; /* before the next try */
  struct loop_timer *rest, *limit, *detached;
  struct lookup *lookup;
  struct lookup_address address[LOOKUP_MAX];
  size_t n, next;
  int dialing, listener;
  struct loop_watch *dialing_watch, *listener_watch;
  char local[sizeof "ipc://@" + NAME];
  struct carry *carry;
  int64_t since, told; /* told: of sessions that were not resumed; 0: never */
  bool up, leaving;
};

static void dial(void *arg);

/* ---- between two tries */

static void close_fd(int *fd, struct loop_watch **watch)
{
  loop_watch_free(watch);
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

static void stop_dialing(struct relay *r)
{
  loop_timer_stop(r->limit);
  lookup_free(&r->lookup);
  close_fd(&r->dialing, &r->dialing_watch);
  close_fd(&r->listener, &r->listener_watch);
}

static void rest(struct relay *r)
{
  stop_dialing(r);
  loop_timer_in(r->rest, r->wait_ms + (r->wait_ms > RETRY_MS ? (int64_t)randombytes_uniform((uint32_t)r->retry.first_ms) : 0));
  r->wait_ms = 2 * r->wait_ms < r->retry.most_ms ? 2 * r->wait_ms : r->retry.most_ms;
}

/* An answer to the opening proves nothing: a hub that has no room, or does not know our key, gives it too, and would be called five times a second. */
static void judge(struct relay *r, bool proven)
{
  if (r->carry && resume_was_met(carry_resume(r->carry)) && (proven || loop_now(r->loop) - r->since >= PROVEN_MS))
    r->wait_ms = RETRY_MS;
}

static void over(struct relay *r)
{
  loop_timer_stop(r->detached);
  judge(r, false);
  carry_free(&r->carry);
  if (!r->leaving && !loop_timer_is_set(r->rest))
    rest(r);
  r->events->over(r->arg, r);
}

static void on_detached(void *arg) { over(arg); }

/* ---- the session */

static void on_lost(void *arg)
{
  struct relay *r = arg;
  if (r->leaving) {
    over(r);
    return;
  }
  judge(r, r->up);
  if (!loop_timer_is_set(r->detached))
    loop_timer_in(r->detached, DETACHED_MS);
  rest(r);
}

static void tell(const struct relay *r, enum tg_err err)
{
  char where[sizeof "resume://[]:65535" + ENDPOINT_HOST];
  struct tg_why why;
  const bool v6 = strchr(r->endpoint.host, ':') != NULL;
  snprintf(where, sizeof where, "resume://%s%s%s:%u", v6 ? "[" : "", r->endpoint.host, v6 ? "]" : "", r->endpoint.port);
  if (err == TG_BAD_INPUT)
    why_set(&why, err, where, N_("what answers here does not speak as the resume:// address of a hub does"),
            N_("Compare it with the hub's `listen resume://...` line"), NULL, NULL, NULL);
  else if (err == TG_NOT_FOUND)
    why_set(&why, err, where, N_("the hub does not know the session that was to go on, or has no room for it"), N_("It is begun anew by itself"), NULL, NULL, NULL);
  else
    why_set(&why, err, where, N_("the session cannot go on"), NULL, NULL, NULL, NULL);
  log_event(LOG_NOTICE, "session-not-resumed", log_err("error", err), log_why(&why));
}

static void on_over(void *arg, enum tg_err why)
{
  struct relay *r = arg;
  const int64_t now = loop_now(r->loop);
  if (why != TG_OK && (!r->told || now - r->told >= TELL_MS)) {
    tell(r, why);
    r->told = now;
  }
  over(r);
}

static void on_turned(void *arg, bool busy)
{
  struct relay *r = arg;
  if (!r->leaving)
    r->events->turned(r->arg, busy);
}

/* The line is connected: the session goes over it. */
static void use_line(struct relay *r)
{
  uint8_t token[RESUME_TOKEN];
  const int fd = r->dialing;
  loop_watch_free(&r->dialing_watch);
  r->dialing = -1;
  loop_timer_stop(r->limit);
  loop_timer_stop(r->detached);
  randombytes_buf(token, sizeof token);
  resume_connect(carry_resume(r->carry), token);
  if (carry_line(r->carry, fd) != TG_OK)
    on_lost(r);
}

/* ---- ZeroMQ comes */

static void on_local(void *arg, short events)
{
  static const struct carry_events carried = {.lost = on_lost, .over = on_over, .turned = on_turned};
  struct relay *r = arg;
  struct unix_peer peer;
  int fd;
  (void)events;
  if (unix_accept(r->listener, &peer, &fd) != TG_OK)
    return;
  if (peer.pid != getpid()) { /* the name is hard to guess, but nobody's secret */
    close(fd);
    return;
  }
  close_fd(&r->listener, &r->listener_watch);
  r->since = loop_now(r->loop);
  r->up = false;
  if (carry_new(r->loop, fd, r->rate, &carried, r, &r->carry) != TG_OK)
    rest(r);
  else
    use_line(r);
}

/* A listener under a new name for each session; ZeroMQ is told to come. */
static enum tg_err invite(struct relay *r)
{
  uint8_t chance[16];
  char name[NAME + 1];
  randombytes_buf(chance, sizeof chance);
  memcpy(name, "toguna-link-", 12);
  sodium_bin2hex(name + 12, sizeof name - 12, chance, sizeof chance);
  snprintf(r->local, sizeof r->local, "ipc://@%s", name);
  enum tg_err err = unix_listen_abstract(name, &r->listener);
  if (err == TG_OK && !(r->listener_watch = loop_watch(r->loop, r->listener, POLLIN, on_local, r)))
    err = TG_NO_MEMORY;
  return err;
}

/* ---- the line */

static void connected(struct relay *r)
{
  loop_watch_free(&r->dialing_watch); /* until it is used: what a hub says unasked is its own affair */
  if (r->carry) {
    use_line(r);
  } else if (invite(r) == TG_OK) {
    loop_timer_in(r->limit, LOCAL_MS);
    r->events->ready(r->arg);
  } else {
    rest(r);
  }
}

static void next_address(struct relay *r);

static void on_dialing(void *arg, short events)
{
  struct relay *r = arg;
  int error = 0;
  socklen_t n = sizeof error;
  (void)events;
  if (getsockopt(r->dialing, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || error)
    next_address(r);
  else
    connected(r);
}

static void on_limit(void *arg)
{
  struct relay *r = arg;
  if (r->listener >= 0)
    rest(r);
  else
    next_address(r);
}

static void next_address(struct relay *r)
{
  close_fd(&r->dialing, &r->dialing_watch);
  loop_timer_stop(r->limit);
  while (r->next < r->n) {
    const struct lookup_address *a = &r->address[r->next++];
    r->dialing = socket(a->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (r->dialing >= 0 && (connect(r->dialing, (const struct sockaddr *)&a->at, a->n) == 0 || errno == EINPROGRESS) &&
        (r->dialing_watch = loop_watch(r->loop, r->dialing, POLLOUT, on_dialing, r))) {
      loop_timer_in(r->limit, CONNECT_MS);
      return;
    }
    close_fd(&r->dialing, &r->dialing_watch);
  }
  r->n = 0; /* none answers: perhaps the hub has moved */
  rest(r);
}

static void on_found(void *arg, const struct lookup_address *found, size_t n)
{
  struct relay *r = arg;
  r->n = n;
  memcpy(r->address, found, n * sizeof *found);
  lookup_free(&r->lookup);
  next_address(r);
}

/* What answered before is tried first, without asking for its name over the line that has just broken. */
static void dial(void *arg)
{
  struct relay *r = arg;
  r->next = 0;
  if (r->n == 0)
    r->n = lookup_number(&r->endpoint, false, r->address);
  if (r->n > 0)
    next_address(r);
  else if (!(r->lookup = lookup_new(r->loop, &r->endpoint, on_found, r)))
    rest(r);
}

/* ---- */

enum tg_err relay_new(struct loop *l, const char *endpoint, uint32_t rate, const struct relay_events *events, void *arg, struct relay **ret)
{
  struct relay *r = calloc(1, sizeof *r);
  if (!r)
    return TG_NO_MEMORY;
  *r = (struct relay){.loop = l, .events = events, .arg = arg, .rate = rate, .retry = zsock_retry_new(), .wait_ms = RETRY_MS, .dialing = -1, .listener = -1};
  r->rest = loop_timer(l, dial, r);
  r->limit = loop_timer(l, on_limit, r);
  r->detached = loop_timer(l, on_detached, r);
  enum tg_err err = r->rest && r->limit && r->detached ? endpoint_read(slice_str(endpoint), &r->endpoint) : TG_NO_MEMORY;
  if (err != TG_OK) {
    relay_free(&r);
    return err;
  }
  loop_timer_in(r->rest, 0);
  *ret = r;
  return TG_OK;
}

void relay_free(struct relay **taken)
{
  struct relay *r = taken ? *taken : NULL;
  if (!r)
    return;
  *taken = NULL;
  stop_dialing(r);
  carry_free(&r->carry);
  loop_timer_free(&r->rest);
  loop_timer_free(&r->limit);
  loop_timer_free(&r->detached);
  free(r);
}

const char *relay_local(const struct relay *r) { return r->local; }

void relay_up(struct relay *r) { r->up = true; }

/* The carry notices by itself that ZeroMQ has closed, once what it had to say is said. */
void relay_leave(struct relay *r)
{
  r->leaving = true;
  stop_dialing(r);
  loop_timer_stop(r->rest);
  loop_timer_in(r->detached, r->carry ? LEAVE_MS : 0);
}
