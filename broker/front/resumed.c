#include "broker/front/resumed.h"

#include "broker/front/crowd.h"
#include "os/carry.h"
#include "os/log.h"
#include "os/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  BACKLOG = 256,
  ACCEPTS = 16,         /* in one turn */
  OPENING_MS = 15000,   /* 33 bytes over a line of any kind */
  DETACHED_MS = 60000,  /* without a line */
  LEAVE_MS = 10000,     /* for last words, once ZeroMQ has hung up */
  SWEEP_MS = 1000,
  DOOR_BYTES = 64 << 10, /* in the kernel, each way: what a node does not take waits in the core */
  WINDOW_LEAST = 8 << 10, /* seven seconds of a line of 9.6 kbit/s */
  HOST_BITS = 64,       /* of IPv6: whoever has one network has 2^64 addresses */
  SITE_BITS = 48,       /* and 65,536 such networks, when he is a larger customer */
};

/* A connection that has not said what it wants, or was told that it does not get it. */
struct guest {
  struct resumed *all;
  int fd; /* -1: nobody */
  struct lookup_net host, site;
  struct loop_watch *watch;
  int64_t since;
  bool refused;
  size_t n;
  uint8_t opening[RESUME_OPENING];
};

/* Invariants: of a session that ZeroMQ has heard, key and member say whose it is; detached is since when it has no line, 0 while it has one; leaving since when
   it was seen without ZeroMQ. */
struct session {
  struct resumed *all;
  struct carry *carry;
  struct lookup_net host, site; /* who began it */
  struct seal_pk key;
  uint32_t member;
  bool known;
  int64_t since, detached, leaving;
  size_t holds; /* bytes, when weighed last */
  size_t window; /* what may be unconfirmed of it */
};

struct resumed {
  struct loop *loop;
  struct lookup_address door;
  resumed_turned_fn *fn;
  void *arg;
  int listener, reserve; /* reserve: a descriptor for when there are no others, -1 while it is used */
  struct loop_watch *watch;
  struct loop_timer *sweep;
  struct guest guest[RESUMED_GUESTS];
  struct session *session[RESUMED_SESSIONS];
  size_t n;
  size_t most, held; /* bytes: of all sessions */
  struct resumed_counts counts;
};

/* ---- sessions */

static int by_member(const void *a, const void *b)
{
  const struct session *x = *(struct session *const *)a, *y = *(struct session *const *)b;
  return (x->member > y->member) - (x->member < y->member);
}

/* Sessions of nodes, those of a member beside each other. *ret_members: of how many. Returns how many sessions. */
static size_t nodes_by_member(struct resumed *r, struct session **ret, size_t *ret_members)
{
  size_t n = 0;
  for (size_t i = 0; i < r->n; i++)
    if (r->session[i]->known)
      ret[n++] = r->session[i];
  qsort(ret, n, sizeof *ret, by_member);
  *ret_members = 0;
  for (size_t i = 0; i < n; i++)
    *ret_members += i == 0 || ret[i]->member != ret[i - 1]->member;
  return n;
}

static void set_window(struct session *s, size_t window)
{
  window = window < WINDOW_LEAST ? WINDOW_LEAST : window < RESUME_WINDOW ? window : RESUME_WINDOW;
  if (window == s->window)
    return;
  s->window = window;
  resume_limit(carry_resume(s->carry), window);
}

/* A quarter of what may be held is divided by members, and each part by the nodes that its member has here: who has many narrows his own. What is made ready and what
   came takes some too, and who filled his window when it was larger has more, for a second. A stranger is told no more than a handshake. */
static void share_windows(struct resumed *r)
{
  struct session *all[RESUMED_SESSIONS];
  size_t members, n = nodes_by_member(r, all, &members);
  for (size_t i = 0, end; i < n; i = end) {
    for (end = i; end < n && all[end]->member == all[i]->member; end++)
      ;
    for (size_t k = i; k < end; k++)
      set_window(all[k], r->most / 4 / members / (end - i));
  }
}

static void session_free(struct session *s)
{
  struct resumed *r = s->all;
  for (size_t i = 0; i < r->n; i++)
    if (r->session[i] == s) {
      r->session[i] = r->session[--r->n];
      break;
    }
  r->held -= s->holds;
  carry_free(&s->carry);
  free(s);
  share_windows(r);
}

/* With whom it is counted once ZeroMQ has heard it. */
static struct lookup_net of_member(const struct session *s)
{
  struct lookup_net member = {{0}};
  memcpy(member.b, &s->member, sizeof s->member);
  member.b[SITE_BITS / 8] = 1; /* no network's */
  return member;
}

/* Of a member, or a network, that holds most: the session that does. */
static void cut_heaviest(struct resumed *r)
{
  struct crowd_one all[RESUMED_SESSIONS];
  for (size_t i = 0; i < r->n; i++) {
    struct session *s = r->session[i];
    const struct lookup_net group = s->known ? of_member(s) : s->site;
    all[i] = (struct crowd_one){.who = s, .since = s->since, .weight = s->holds, .group = group};
  }
  struct session *s = crowd_gives_way(all, r->n);
  if (s->known)
    log_event(LOG_NOTICE, "cut", log_hex("key", slice_of(s->key.b, sizeof s->key.b)), log_number("connections", 1), log_number("held", s->holds));
  session_free(s);
}

/* May free it. */
static void weigh(struct session *s)
{
  struct resumed *r = s->all;
  const size_t before = s->holds;
  s->holds = resume_holds(carry_resume(s->carry));
  r->held = r->held - before + s->holds;
  while (r->held > r->most)
    cut_heaviest(r);
}

static void on_moved(void *arg) { weigh(arg); }

static void on_lost(void *arg)
{
  struct session *s = arg;
  s->detached = loop_now(s->all->loop);
  weigh(s);
}

static void on_over(void *arg, enum tg_err why)
{
  struct session *s = arg;
  s->all->counts.malformed += why == TG_BAD_INPUT && !s->known;
  session_free(s);
}

static void on_turned(void *arg, bool busy)
{
  struct session *s = arg;
  if (s->known)
    s->all->fn(s->all->arg, &s->key, busy);
}

/* ---- when there are too many */

static bool is_one(const struct lookup_net *a, const struct lookup_net *b) { return memcmp(a, b, sizeof *a) == 0; }

static struct crowd_one stands(void *who, const struct lookup_net *group, int64_t since)
{
  return (struct crowd_one){.who = who, .since = since, .weight = 1, .group = *group};
}

/* Sessions that ZeroMQ has not heard: of this host, or of any. */
static size_t strangers(const struct resumed *r, const struct lookup_net *host, struct crowd_one *ret)
{
  size_t n = 0;
  for (size_t i = 0; i < r->n; i++) {
    struct session *s = r->session[i];
    if (!s->known && (!host || is_one(&s->host, host)))
      ret[n++] = stands(s, &s->site, s->since);
  }
  return n;
}

static size_t guests(struct resumed *r, const struct lookup_net *host, struct crowd_one *ret)
{
  size_t n = 0;
  for (struct guest *g = r->guest; g < r->guest + RESUMED_GUESTS; g++)
    if (g->fd >= 0 && (!host || is_one(&g->host, host)))
      ret[n++] = stands(g, &g->site, g->since);
  return n;
}

/* For one more of a stranger's. Nodes of members are not put out for it. */
static void make_room(struct resumed *r, const struct lookup_net *host)
{
  struct crowd_one all[RESUMED_SESSIONS];
  size_t n = strangers(r, host, all);
  if (n < RESUMED_SHARE && (n = strangers(r, NULL, all)) < RESUMED_STRANGERS)
    return;
  session_free(crowd_gives_way(all, n));
}

/* One has become a node's: so many places has each member as others leave him, and who wants more puts out his own. */
static void make_room_for_node(struct resumed *r)
{
  struct crowd_one all[RESUMED_SESSIONS];
  size_t n = 0;
  for (size_t i = 0; i < r->n; i++) {
    struct session *s = r->session[i];
    const struct lookup_net member = of_member(s);
    if (s->known)
      all[n++] = stands(s, &member, s->since);
  }
  if (n > RESUMED_NODES)
    session_free(crowd_gives_way(all, n));
}

static int to_door(const struct resumed *r)
{
  const int fd = socket(r->door.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), bytes = DOOR_BYTES;
  if (fd >= 0) {
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  }
  if (fd < 0 || connect(fd, (const struct sockaddr *)&r->door.at, r->door.n) == 0 || errno == EINPROGRESS)
    return fd;
  close(fd);
  return -1;
}

static struct session *session_new(struct resumed *r, const struct guest *g)
{
  static const struct carry_events events = {.lost = on_lost, .over = on_over, .turned = on_turned, .moved = on_moved};
  make_room(r, &g->host);
  struct session *s = calloc(1, sizeof *s);
  const int door = s ? to_door(r) : -1;
  if (door < 0 || carry_new(r->loop, door, 0, &events, s, &s->carry) != TG_OK) {
    free(s);
    return NULL;
  }
  s->all = r;
  s->host = g->host;
  s->site = g->site;
  s->since = s->detached = loop_now(r->loop);
  r->session[r->n++] = s;
  set_window(s, 0);
  return s;
}

/* All are compared, each in constant time. */
static struct session *session_find(const struct resumed *r, const uint8_t token[RESUME_TOKEN])
{
  struct session *found = NULL;
  for (size_t i = 0; i < r->n; i++)
    if (resume_is_token(carry_resume(r->session[i]->carry), token))
      found = r->session[i];
  return found;
}

/* ---- guests */

static void guest_free(struct guest *g)
{
  g->all->counts.unopened += g->fd >= 0 && g->n < sizeof g->opening;
  loop_watch_free(&g->watch);
  if (g->fd >= 0)
    close(g->fd);
  g->fd = -1;
}

/* What it says behind its opening is read away: closing over unread bytes would take the answer back. */
static void refuse(struct guest *g)
{
  const struct slice answer = resume_refusal();
  g->refused = true;
  if (send(g->fd, answer.p, answer.n, MSG_NOSIGNAL) < 0 || shutdown(g->fd, SHUT_WR) != 0)
    guest_free(g);
}

static void seat(struct guest *g)
{
  struct resumed *r = g->all;
  struct resume_opening o;
  if (resume_opening_read(slice_of(g->opening, g->n), &o) != TG_OK) {
    r->counts.malformed++;
    guest_free(g);
    return;
  }
  struct session *s = session_find(r, o.token);
  if (o.begins && !s)
    s = session_new(r, g);
  else if (o.begins)
    s = NULL; /* a token serves once */
  if (s && resume_accept(carry_resume(s->carry), &o) != TG_OK) { /* what it has, or lacks, cannot be; or there is no memory */
    r->counts.malformed++;
    session_free(s);
    s = NULL;
  }
  if (!s) {
    refuse(g);
    return;
  }
  loop_watch_free(&g->watch);
  s->detached = 0;
  if (carry_line(s->carry, g->fd) != TG_OK)
    s->detached = loop_now(r->loop);
  g->fd = -1;
}

static void on_guest(void *arg, short events)
{
  struct guest *g = arg;
  uint8_t away[4096];
  (void)events;
  const ssize_t n = g->refused ? recv(g->fd, away, sizeof away, 0) : recv(g->fd, g->opening + g->n, sizeof g->opening - g->n, 0);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
    guest_free(g);
  } else if (n > 0 && !g->refused) {
    g->n += (size_t)n;
    if (g->n == sizeof g->opening)
      seat(g);
  }
}

/* A free place, which may be made: as for sessions. */
static struct guest *place(struct resumed *r, const struct lookup_net *host)
{
  struct crowd_one all[RESUMED_GUESTS];
  size_t n = guests(r, host, all);
  struct guest *g = r->guest;
  if (n >= RESUMED_SHARE || (n = guests(r, NULL, all)) == RESUMED_GUESTS)
    guest_free(g = crowd_gives_way(all, n));
  while (g->fd >= 0)
    g++;
  return g;
}

static void admit(struct resumed *r, int fd, const struct sockaddr_storage *from)
{
  const struct lookup_net host = lookup_net(from, HOST_BITS);
  struct guest *g = place(r, &host);
  *g = (struct guest){.all = r, .fd = fd, .host = host, .site = lookup_net(from, SITE_BITS), .since = loop_now(r->loop)};
  if (!(g->watch = loop_watch(r->loop, fd, POLLIN, on_guest, g)))
    guest_free(g);
  else
    on_guest(g, POLLIN); /* who means it has said it: the kernel waited for that */
}

/* ---- when descriptors are used up. Who comes may be a node whose session goes on, which takes one and no more */

static bool are_short(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

static void keep_reserve(struct resumed *r)
{
  if (r->reserve < 0)
    r->reserve = fcntl(r->listener, F_DUPFD_CLOEXEC, 0);
}

/* False: nobody gives way. */
static bool give_up_one(struct resumed *r)
{
  struct crowd_one all[RESUMED_SESSIONS];
  size_t n;
  if ((n = guests(r, NULL, all)) > 0) {
    guest_free(crowd_gives_way(all, n));
  } else if ((n = strangers(r, NULL, all)) > 0) {
    session_free(crowd_gives_way(all, n));
  } else if (r->reserve >= 0) {
    close(r->reserve);
    r->reserve = -1;
  } else {
    return false;
  }
  return true;
}

static int accept_one(struct resumed *r, struct sockaddr_storage *ret_from)
{
  socklen_t n = sizeof *ret_from;
  return accept4(r->listener, (struct sockaddr *)ret_from, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* The listener stays readable while nobody can be let in: it rests until the next sweep. */
static void on_listener(void *arg, short events)
{
  struct resumed *r = arg;
  (void)events;
  for (int i = 0; i < ACCEPTS; i++) {
    struct sockaddr_storage from = {0};
    int fd = accept_one(r, &from);
    if (fd < 0 && are_short(errno) && (!give_up_one(r) || ((fd = accept_one(r, &from)) < 0 && are_short(errno))))
      loop_watch_set(r->watch, 0);
    if (fd < 0)
      return;
    admit(r, fd, &from);
  }
}

/* Of one whose window is full nothing is read: that ZeroMQ has gone is seen only by looking, and, behind what the kernel has for us, not before that gives up. */
static bool is_left(const struct session *s)
{
  struct pollfd local = {.fd = carry_local(s->carry), .events = POLLRDHUP};
  return local.fd < 0 || poll(&local, 1, 0) > 0;
}

static bool is_done(struct session *s, int64_t now)
{
  if (!s->leaving && is_left(s))
    s->leaving = now;
  return (s->detached && now - s->detached >= DETACHED_MS) || (s->leaving && now - s->leaving >= LEAVE_MS);
}

static void on_sweep(void *arg)
{
  struct resumed *r = arg;
  const int64_t now = loop_now(r->loop);
  for (size_t i = 0; i < RESUMED_GUESTS; i++)
    if (r->guest[i].fd >= 0 && now - r->guest[i].since >= OPENING_MS)
      guest_free(&r->guest[i]);
  for (size_t i = r->n; i-- > 0;)
    if (is_done(r->session[i], now))
      session_free(r->session[i]);
  keep_reserve(r);
  loop_watch_set(r->watch, POLLIN);
  loop_timer_in(r->sweep, SWEEP_MS);
}

/* ---- the front */

/* Is fd's other end the local socket of this session? */
static bool is_opposite(const struct session *s, int fd)
{
  struct sockaddr_storage theirs = {0}, own = {0};
  socklen_t n_theirs = sizeof theirs, n_own = sizeof own;
  return getpeername(fd, (struct sockaddr *)&theirs, &n_theirs) == 0 && getsockname(carry_local(s->carry), (struct sockaddr *)&own, &n_own) == 0 &&
         lookup_same(&theirs, &own, true);
}

void resumed_met(struct resumed *r, const struct seal_pk *key, uint32_t member, int fd)
{
  struct session *met = NULL;
  for (size_t i = 0; i < r->n; i++)
    if (is_opposite(r->session[i], fd))
      met = r->session[i];
  for (size_t i = r->n; i-- > 0;)
    if (r->session[i] != met && r->session[i]->known && seal_pk_eq(&r->session[i]->key, key))
      session_free(r->session[i]);
  if (!met)
    return;
  met->key = *key;
  met->member = member;
  met->known = true;
  make_room_for_node(r);
  share_windows(r);
}

bool resumed_owns(const struct resumed *r, int fd)
{
  bool owns = false;
  for (size_t i = 0; !owns && i < r->n; i++)
    owns = carry_owns(r->session[i]->carry, fd);
  for (size_t i = 0; !owns && i < RESUMED_GUESTS; i++)
    owns = fd == r->guest[i].fd;
  return owns;
}

struct resumed_counts resumed_counts(const struct resumed *r) { return r->counts; }

static enum tg_err cannot_listen(const char *endpoint, struct tg_why *why)
{
  if (errno == EADDRINUSE)
    return why_set(why, TG_BUSY, endpoint, N_("another program listens at this address"), N_("Stop it first, or choose another port"), NULL, NULL, NULL);
  return why_set(why, errno == EADDRNOTAVAIL ? TG_BAD_INPUT : TG_INTERNAL, endpoint, N_("cannot listen at this address: %1$s"),
                 N_("Write it like resume://0.0.0.0:7701"), strerror(errno), NULL, NULL);
}

static enum tg_err listen_at(struct resumed *r, const char *endpoint, struct tg_why *why)
{
  struct endpoint e;
  struct lookup_address a;
  const int on = 1, defer = OPENING_MS / 1000;
  if (endpoint_read(slice_str(endpoint), &e) != TG_OK || lookup_number(&e, true, &a) == 0)
    return why_set(why, TG_BAD_INPUT, endpoint, N_("cannot listen at this address: %1$s"), N_("Write it like resume://0.0.0.0:7701"),
                   strerror(EADDRNOTAVAIL), NULL, NULL);
  r->listener = socket(a.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (r->listener < 0 || setsockopt(r->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      setsockopt(r->listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer, sizeof defer) != 0 /* who says nothing stays with the kernel */ ||
      bind(r->listener, (const struct sockaddr *)&a.at, a.n) != 0 || listen(r->listener, BACKLOG) != 0)
    return cannot_listen(endpoint, why);
  keep_reserve(r);
  r->watch = loop_watch(r->loop, r->listener, POLLIN, on_listener, r);
  return r->watch ? TG_OK : TG_NO_MEMORY;
}

enum tg_err resumed_new(struct loop *l, const char *endpoint, const char *door, size_t most, resumed_turned_fn *fn, void *arg, struct resumed **ret, struct tg_why *why)
{
  struct resumed *r = calloc(1, sizeof *r);
  struct endpoint e;
  if (!r)
    return TG_NO_MEMORY;
  *r = (struct resumed){.loop = l, .most = most, .fn = fn, .arg = arg, .listener = -1, .reserve = -1, .sweep = loop_timer(l, on_sweep, r)};
  for (size_t i = 0; i < RESUMED_GUESTS; i++)
    r->guest[i] = (struct guest){.all = r, .fd = -1};
  enum tg_err err = r->sweep ? TG_OK : TG_NO_MEMORY;
  if (err == TG_OK && (endpoint_read(slice_str(door), &e) != TG_OK || lookup_number(&e, false, &r->door) == 0))
    err = why_set(why, TG_BAD_INPUT, door, N_("cannot listen at this address: %1$s"), N_("Write it like tcp://[::]:7440"), strerror(EADDRNOTAVAIL), NULL, NULL);
  if (err == TG_OK)
    err = listen_at(r, endpoint, why);
  if (err != TG_OK) {
    resumed_free(&r);
    return err;
  }
  loop_timer_in(r->sweep, SWEEP_MS);
  *ret = r;
  return TG_OK;
}

void resumed_free(struct resumed **taken)
{
  struct resumed *r = taken ? *taken : NULL;
  if (!r)
    return;
  *taken = NULL;
  loop_watch_free(&r->watch);
  if (r->listener >= 0)
    close(r->listener);
  if (r->reserve >= 0)
    close(r->reserve);
  for (size_t i = 0; i < RESUMED_GUESTS; i++)
    guest_free(&r->guest[i]);
  while (r->n)
    session_free(r->session[0]);
  loop_timer_free(&r->sweep);
  free(r);
}
