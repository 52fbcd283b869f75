#include "os/loop.h"

#include "os/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

#define READY_MAX 64

/* Whatever is registered begins with a thing. Invariant: a thing is in exactly one list, the living or the
   dead; the dead are freed between turns only, so that an event already fetched never points to freed
   memory. */
struct thing {
  struct loop *loop;
  struct thing *next, *prev;
  bool dead;
};

struct loop_watch {
  struct thing thing;
  int fd;
  short want;
  loop_watch_fn *fn;
  void *arg;
};

struct loop_timer {
  struct thing thing;
  int64_t at;
  uint64_t order; /* of setting: equal times fire in this order */
  size_t place;   /* in the heap, from 1; 0: at rest */
  loop_timer_fn *fn;
  void *arg;
};

struct loop_after {
  struct thing thing;
  enum loop_moment moment;
  bool asked;
  struct loop_after *next; /* among those asked for the same moment */
  loop_after_fn *fn;
  void *arg;
};

struct loop_zmq {
  struct thing thing;
  void *socket;
  int fd;
  struct loop_watch *watch;
  short want, ready;
  bool stirred, used; /* neither: what it is ready for is as it was */
  struct loop_zmq *next, *prev; /* among all ZeroMQ sockets of the loop */
  loop_zmq_fn *fn;
  void *arg;
};

struct after_list {
  struct loop_after *first, **last;
};

struct loop {
  int epoll;
  bool stopped;
  int code;
  int64_t now;
  struct thing living, dead; /* heads of circular lists */
  struct loop_zmq zmq;       /* head */
  struct loop_timer **heap;  /* heap[1..n_set], room for all living timers */
  size_t n_set, n_timers, cap_timers;
  uint64_t order;
  struct after_list after[2];
  int64_t batch_since; /* when the first idle function of this batch was asked for */
  int signal_fd;
  struct loop_watch *signal_watch;
  sigset_t signals;
  struct {
    loop_signal_fn *fn;
    void *arg;
  } on_signal[NSIG];
};

static void list_init(struct thing *head)
{
  head->next = head->prev = head;
}

static void list_add(struct thing *head, struct thing *t)
{
  t->next = head;
  t->prev = head->prev;
  head->prev->next = t;
  head->prev = t;
}

static void list_remove(struct thing *t)
{
  t->prev->next = t->next;
  t->next->prev = t->prev;
}

static void *thing_new(struct loop *l, size_t size)
{
  struct thing *t = calloc(1, size);
  if (!t)
    return NULL;
  t->loop = l;
  list_add(&l->living, t);
  return t;
}

static void thing_bury(struct thing *t)
{
  list_remove(t);
  t->dead = true;
  list_add(&t->loop->dead, t);
}

static void free_list(struct thing *head)
{
  while (head->next != head) {
    struct thing *t = head->next;
    list_remove(t);
    free(t);
  }
}

struct loop *loop_new(void)
{
  struct loop *l = calloc(1, sizeof *l);
  if (!l)
    return NULL;
  list_init(&l->living);
  list_init(&l->dead);
  l->zmq.next = l->zmq.prev = &l->zmq;
  for (int i = 0; i < 2; i++)
    l->after[i].last = &l->after[i].first;
  sigemptyset(&l->signals);
  l->signal_fd = -1;
  l->now = clock_mono();
  l->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (l->epoll < 0) {
    free(l);
    return NULL;
  }
  return l;
}

void loop_free(struct loop *l)
{
  if (!l)
    return;
  free_list(&l->living);
  free_list(&l->dead);
  if (l->signal_fd >= 0)
    close(l->signal_fd);
  close(l->epoll);
  free(l->heap);
  free(l);
}

/* --- descriptors */

static uint32_t epoll_events(short want)
{
  return ((want & POLLIN) ? (uint32_t)EPOLLIN : 0) | ((want & POLLOUT) ? (uint32_t)EPOLLOUT : 0);
}

static short poll_events(uint32_t events)
{
  int out = 0;
  out |= events & EPOLLIN ? POLLIN : 0;
  out |= events & EPOLLOUT ? POLLOUT : 0;
  out |= events & EPOLLHUP ? POLLHUP : 0;
  out |= events & EPOLLERR ? POLLERR : 0;
  return (short)out;
}

struct loop_watch *loop_watch(struct loop *l, int fd, short want, loop_watch_fn *fn, void *arg)
{
  struct loop_watch *w = thing_new(l, sizeof *w);
  if (!w)
    return NULL;
  w->fd = fd;
  w->fn = fn;
  w->arg = arg;
  w->want = want;
  struct epoll_event e = {.events = epoll_events(want), .data.ptr = w};
  if (want && epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
    list_remove(&w->thing);
    free(w);
    return NULL;
  }
  return w;
}

/* A watch that wants nothing leaves epoll altogether: epoll would report a hang-up again and again. */
void loop_watch_set(struct loop_watch *w, short want)
{
  if (want == w->want)
    return;
  struct epoll_event e = {.events = epoll_events(want), .data.ptr = w};
  int op = !want ? EPOLL_CTL_DEL : w->want ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  /* Fails only without kernel memory for ADD; then the descriptor stays silent and its timeout ends it. */
  if (epoll_ctl(w->thing.loop->epoll, op, w->fd, &e) == 0)
    w->want = want;
}

void loop_watch_free(struct loop_watch **taken)
{
  if (!taken || !*taken)
    return;
  loop_watch_set(*taken, 0);
  thing_bury(&(*taken)->thing);
  *taken = NULL;
}

/* --- timers: a binary heap, earliest at heap[1] */

static bool before(const struct loop_timer *a, const struct loop_timer *b)
{
  return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void heap_put(struct loop *l, size_t place, struct loop_timer *t)
{
  l->heap[place] = t;
  t->place = place;
}

static void heap_up(struct loop *l, size_t place)
{
  struct loop_timer *t = l->heap[place];
  for (; place > 1 && before(t, l->heap[place / 2]); place /= 2)
    heap_put(l, place, l->heap[place / 2]);
  heap_put(l, place, t);
}

static void heap_down(struct loop *l, size_t place)
{
  struct loop_timer *t = l->heap[place];
  for (size_t child; (child = place * 2) <= l->n_set; place = child) {
    if (child < l->n_set && before(l->heap[child + 1], l->heap[child]))
      child++;
    if (!before(l->heap[child], t))
      break;
    heap_put(l, place, l->heap[child]);
  }
  heap_put(l, place, t);
}

struct loop_timer *loop_timer(struct loop *l, loop_timer_fn *fn, void *arg)
{
  /* Room in the heap is made here, so that setting a timer cannot fail. */
  if (l->n_timers == l->cap_timers) {
    size_t cap = l->cap_timers ? l->cap_timers * 2 : 16;
    struct loop_timer **heap = realloc(l->heap, (cap + 1) * sizeof(struct loop_timer *));
    if (!heap)
      return NULL;
    l->heap = heap;
    l->cap_timers = cap;
  }
  struct loop_timer *t = thing_new(l, sizeof *t);
  if (!t)
    return NULL;
  l->n_timers++;
  t->fn = fn;
  t->arg = arg;
  return t;
}

void loop_timer_stop(struct loop_timer *t)
{
  struct loop *l = t->thing.loop;
  size_t place = t->place;
  if (place == 0)
    return;
  t->place = 0;
  struct loop_timer *last = l->heap[l->n_set--];
  if (last == t)
    return;
  heap_put(l, place, last);
  heap_up(l, place);
  heap_down(l, last->place);
}

void loop_timer_at(struct loop_timer *t, int64_t mono_ms)
{
  struct loop *l = t->thing.loop;
  loop_timer_stop(t);
  t->at = mono_ms;
  t->order = ++l->order;
  heap_put(l, ++l->n_set, t);
  heap_up(l, l->n_set);
}

void loop_timer_in(struct loop_timer *t, int64_t delay_ms)
{
  loop_timer_at(t, clock_mono() + (delay_ms > 0 ? delay_ms : 0));
}

bool loop_timer_is_set(const struct loop_timer *t)
{
  return t->place != 0;
}

void loop_timer_free(struct loop_timer **taken)
{
  if (!taken || !*taken)
    return;
  loop_timer_stop(*taken);
  (*taken)->thing.loop->n_timers--;
  thing_bury(&(*taken)->thing);
  *taken = NULL;
}

/* Those due now and set before this turn: one that sets itself to "now" again cannot starve the rest. */
static bool run_timers(struct loop *l)
{
  bool any = false;
  uint64_t set_before = l->order;
  while (l->n_set > 0 && l->heap[1]->at <= l->now && l->heap[1]->order <= set_before) {
    struct loop_timer *t = l->heap[1];
    loop_timer_stop(t);
    t->fn(t->arg);
    any = true;
  }
  return any;
}

/* --- signals */

static void read_signals(void *arg, short events)
{
  struct loop *l = arg;
  struct signalfd_siginfo info;
  (void)events;
  while (read(l->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
    if (info.ssi_signo < NSIG && l->on_signal[info.ssi_signo].fn)
      l->on_signal[info.ssi_signo].fn(l->on_signal[info.ssi_signo].arg, (int)info.ssi_signo);
}

enum tg_err loop_signal(struct loop *l, int signal, loop_signal_fn *fn, void *arg)
{
  if (signal <= 0 || signal >= NSIG)
    return TG_INTERNAL;
  sigaddset(&l->signals, signal);
  if (sigprocmask(SIG_BLOCK, &l->signals, NULL) != 0)
    return TG_INTERNAL;
  int fd = signalfd(l->signal_fd, &l->signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0)
    return TG_INTERNAL;
  l->signal_fd = fd;
  if (!l->signal_watch)
    l->signal_watch = loop_watch(l, fd, POLLIN, read_signals, l);
  if (!l->signal_watch)
    return TG_INTERNAL;
  l->on_signal[signal].fn = fn;
  l->on_signal[signal].arg = arg;
  return TG_OK;
}

/* --- end of turn, end of batch */

struct loop_after *loop_after(struct loop *l, enum loop_moment moment, loop_after_fn *fn, void *arg)
{
  struct loop_after *a = thing_new(l, sizeof *a);
  if (!a)
    return NULL;
  a->moment = moment;
  a->fn = fn;
  a->arg = arg;
  return a;
}

void loop_after_ask(struct loop_after *a)
{
  struct loop *l = a->thing.loop;
  struct after_list *list = &l->after[a->moment];
  if (a->asked)
    return;
  if (a->moment == LOOP_IDLE && !list->first)
    l->batch_since = clock_mono();
  a->asked = true;
  a->next = NULL;
  *list->last = a;
  list->last = &a->next;
}

void loop_after_free(struct loop_after **taken)
{
  struct loop_after *a = taken ? *taken : NULL;
  if (!a)
    return;
  struct after_list *list = &a->thing.loop->after[a->moment];
  for (struct loop_after **at = &list->first; *at; at = &(*at)->next)
    if (*at == a) {
      *at = a->next;
      if (!a->next)
        list->last = at;
      break;
    }
  thing_bury(&a->thing);
  *taken = NULL;
}

/* Runs those asked before the call, one by one from the list's head, so that one may free another. What is
   asked meanwhile waits. */
static void run_after(struct loop *l, enum loop_moment moment)
{
  struct after_list *list = &l->after[moment];
  size_t n = 0;
  for (struct loop_after *a = list->first; a; a = a->next)
    n++;
  for (; n > 0 && list->first; n--) {
    struct loop_after *a = list->first;
    list->first = a->next;
    if (!a->next)
      list->last = &list->first;
    a->asked = false;
    a->fn(a->arg);
  }
}

/* --- ZeroMQ */

static void zmq_stirred(void *arg, short events)
{
  struct loop_zmq *z = arg;
  (void)events;
  z->stirred = true;
}

struct loop_zmq *loop_zmq(struct loop *l, void *socket, short want, loop_zmq_fn *fn, void *arg)
{
  int fd;
  size_t n = sizeof fd;
  if (zmq_getsockopt(socket, ZMQ_FD, &fd, &n) != 0)
    return NULL;
  struct loop_zmq *z = thing_new(l, sizeof *z);
  if (!z)
    return NULL;
  z->socket = socket;
  z->fd = fd;
  z->want = want;
  z->used = true;
  z->fn = fn;
  z->arg = arg;
  z->watch = loop_watch(l, fd, POLLIN, zmq_stirred, z);
  if (!z->watch) {
    list_remove(&z->thing);
    free(z);
    return NULL;
  }
  z->next = &l->zmq;
  z->prev = l->zmq.prev;
  l->zmq.prev->next = z;
  l->zmq.prev = z;
  return z;
}

void loop_zmq_set(struct loop_zmq *z, short want)
{
  z->want = want;
  z->used = true;
}

void loop_zmq_used(struct loop_zmq *z)
{
  if (z)
    z->used = true;
}

void loop_zmq_free(struct loop_zmq **taken)
{
  struct loop_zmq *z = taken ? *taken : NULL;
  if (!z)
    return;
  loop_watch_free(&z->watch);
  /* z->next stays: a walk that stands on z goes on from it. */
  z->prev->next = z->next;
  z->next->prev = z->prev;
  thing_bury(&z->thing);
  *taken = NULL;
}

/* Asking for ZMQ_EVENTS lets the socket take in what its threads sent it, which empties ZMQ_FD: so look at
   that first. What its threads send wakes epoll, as long as nobody else has taken it in: a socket that nobody used need not be asked, and
   each question is two system calls. */
static bool zmq_look(struct loop_zmq *z)
{
  struct pollfd stir = {.fd = z->fd, .events = POLLIN};
  uint32_t events = 0;
  size_t n = sizeof events;
  if (!z->stirred && !z->used)
    return z->ready != 0;
  z->used = false;
  if (!z->stirred && poll(&stir, 1, 0) == 1)
    z->stirred = true;
  int rc;
  do
    rc = zmq_getsockopt(z->socket, ZMQ_EVENTS, &events, &n);
  while (rc != 0 && errno == EINTR);
  z->ready = rc == 0 ? (short)((short)events & z->want) : 0;
  return z->ready || z->stirred;
}

static bool look_at_zmq(struct loop *l)
{
  bool any = false;
  for (struct loop_zmq *z = l->zmq.next; z != &l->zmq; z = z->next)
    any |= zmq_look(z);
  return any;
}

static bool run_zmq(struct loop *l)
{
  bool any = false;
  for (struct loop_zmq *z = l->zmq.next; z != &l->zmq; z = z->next) {
    if (z->thing.dead || !zmq_look(z))
      continue;
    any |= z->ready != 0;
    z->stirred = false;
    z->used = true;
    z->fn(z->arg, z->ready);
  }
  return any;
}

/* --- turning */

static int sleep_ms(const struct loop *l, bool zmq_ready, int wait_ms)
{
  if (zmq_ready || l->after[LOOP_SOON].first || l->after[LOOP_IDLE].first)
    return 0;
  if (l->n_set == 0)
    return wait_ms;
  int64_t left = l->heap[1]->at - clock_mono();
  if (left < 0)
    left = 0;
  if (wait_ms >= 0 && left > wait_ms)
    left = wait_ms;
  return left > INT32_MAX ? INT32_MAX : (int)left;
}

static bool run_ready(const struct epoll_event *ready, int n)
{
  bool any = false;
  for (int i = 0; i < n; i++) {
    struct loop_watch *w = ready[i].data.ptr;
    short events = poll_events(ready[i].events);
    events = (short)(events & (w->want | POLLHUP | POLLERR)); /* want may have changed in this turn */
    if (w->thing.dead || !w->want || !events)
      continue;
    any = true;
    w->fn(w->arg, events);
  }
  return any;
}

bool loop_turn(struct loop *l, int wait_ms)
{
  struct epoll_event ready[READY_MAX];
  if (l->stopped)
    return false;
  int n = epoll_wait(l->epoll, ready, READY_MAX, sleep_ms(l, look_at_zmq(l), wait_ms));
  l->now = clock_mono();
  bool busy = run_timers(l);
  busy |= run_ready(ready, n);
  busy |= run_zmq(l);
  run_after(l, LOOP_SOON);
  busy |= l->after[LOOP_SOON].first != NULL; /* one that is not done yet goes on in the next turn */
  if (l->after[LOOP_IDLE].first && (!busy || clock_mono() - l->batch_since >= LOOP_BATCH_MS)) {
    run_after(l, LOOP_IDLE);
    run_after(l, LOOP_SOON);
  }
  free_list(&l->dead);
  return !l->stopped;
}

int loop_run(struct loop *l)
{
  while (loop_turn(l, -1))
    ;
  return l->code;
}

void loop_stop(struct loop *l, int code)
{
  l->stopped = true;
  l->code = code;
}

int loop_fd(const struct loop *l)
{
  return l->epoll;
}
int loop_wait_ms(struct loop *l)
{
  return sleep_ms(l, look_at_zmq(l), -1);
}
int64_t loop_now(const struct loop *l)
{
  return l->now;
}
