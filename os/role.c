/* The child's side of supervisor.h. */
#include "os/supervisor.h"

#include "os/control.h"
#include "os/log.h"
#include "os/random.h"
#include "os/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ORPHAN_MS = 1000 };

struct channel {
  char peer[CONTROL_NAME_MAX + 1];
  int fd;
};

struct role_start {
  char program[64];
  const char *name;
  uint8_t *brief; /* sodium_malloc'd; NULL when forgotten */
  size_t brief_n;
  struct channel channel[ROLE_MAX]; /* not yet taken by the role */
  size_t n_channels;
  struct loop_watch *watch;
  const struct role_events *events;
  void *arg;
  struct loop *orphaned; /* whose loop ends with this code soon */
  int code;
};

/* "togunad: core": the name behind ": ", or NULL. */
static const char *name_in(const char *arg0)
{
  const char *colon = strstr(arg0, ": ");
  return colon && colon[2] ? colon + 2 : NULL;
}

bool role_is_child(int argc, char **argv)
{
  return argc == 1 && name_in(argv[0]) != NULL;
}

const char *role_start_name(const struct role_start *s)
{
  return s->name;
}

static bool read_exactly(int fd, uint8_t *to, size_t n)
{
  while (n > 0) {
    ssize_t got = read(fd, to, n);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    to += got;
    n -= (size_t)got;
  }
  return true;
}

static bool read_brief(struct role_start *s)
{
  uint8_t head[4];
  if (!read_exactly(CONTROL_BRIEF_FD, head, sizeof head))
    return false;
  struct slice in = slice_of(head, sizeof head);
  uint32_t n = 0;
  (void)take_u32(&in, &n); /* four bytes are there */
  if (n > ROLE_BRIEF_MAX)
    return false;
  s->brief = sodium_malloc(n ? n : 1);
  s->brief_n = n;
  bool ok = s->brief && read_exactly(CONTROL_BRIEF_FD, s->brief, n);
  close(CONTROL_BRIEF_FD);
  return ok;
}

struct slice role_brief(const struct role_start *s)
{
  return slice_of(s->brief, s->brief ? s->brief_n : 0);
}

void role_brief_forget(struct role_start *s)
{
  sodium_free(s->brief);
  s->brief = NULL;
}

static bool read_channels(struct role_start *s)
{
  struct control_message m;
  while (control_receive(CONTROL_FD, true, &m) == TG_OK) {
    if (m.type == CONTROL_START)
      return true;
    if (m.type != CONTROL_CHANNEL || s->n_channels == ROLE_MAX)
      return false;
    struct channel *c = &s->channel[s->n_channels++];
    memcpy(c->peer, m.name, sizeof c->peer);
    c->fd = m.fd;
  }
  return false;
}

int role_channel(struct role_start *s, const char *peer)
{
  for (size_t i = 0; i < s->n_channels; i++)
    if (s->channel[i].fd >= 0 && !strcmp(s->channel[i].peer, peer)) {
      int fd = s->channel[i].fd;
      s->channel[i].fd = -1;
      return fd;
    }
  return -1;
}

/* --- the supervisor's voice */

static void hear_control(void *arg, short events)
{
  struct role_start *s = arg;
  struct control_message m;
  enum tg_err err;
  (void)events;
  while ((err = control_receive(CONTROL_FD, false, &m)) == TG_OK) {
    if (m.type == CONTROL_CHANNEL && s->events->channel)
      s->events->channel(s->arg, m.name, m.fd);
    else if (m.fd >= 0)
      close(m.fd);
  }
  if (err != TG_BUSY)
    _exit(tg_exit_code(TG_INTERNAL)); /* the parent is gone: nobody would restart or stop us any more */
}

static void hear_stop(void *arg, int signal)
{
  struct role_start *s = arg;
  (void)signal;
  s->events->stop(s->arg);
}

static void hear_reload(void *arg, int signal)
{
  struct role_start *s = arg;
  (void)signal;
  if (s->events->reload)
    s->events->reload(s->arg);
}

static void hear_backup(void *arg, int signal)
{
  struct role_start *s = arg;
  (void)signal;
  if (s->events->backup)
    s->events->backup(s->arg);
}

enum tg_err role_watch(struct role_start *s, struct loop *l, const struct role_events *events, void *arg)
{
  s->events = events;
  s->arg = arg;
  s->watch = loop_watch(l, CONTROL_FD, POLLIN, hear_control, s);
  if (!s->watch)
    return TG_NO_MEMORY;
  enum tg_err err = loop_signal(l, SIGTERM, hear_stop, s);
  if (err == TG_OK)
    err = loop_signal(l, SIGHUP, hear_reload, s);
  return err == TG_OK ? loop_signal(l, SIGUSR1, hear_backup, s) : err;
}

static void orphan_over(void *arg)
{
  const struct role_start *s = arg;
  loop_stop(s->orphaned, s->code);
}

void role_orphaned(struct role_start *s, struct loop *l, int code)
{
  struct loop_timer *over = loop_timer(l, orphan_over, s); /* freed with the loop */
  s->orphaned = l;
  s->code = code;
  (void)control_send(CONTROL_FD, CONTROL_ORPHAN, NULL, -1); /* a parent that is slow hears of both deaths at once */
  if (over)
    loop_timer_in(over, ORPHAN_MS);
  else
    loop_stop(l, code);
}

void role_ready(struct role_start *s)
{
  (void)s;
  (void)control_send(CONTROL_FD, CONTROL_READY, NULL, -1); /* a parent that is gone ends us by itself */
}

/* --- start */

static bool is_control(void)
{
  int type = 0;
  socklen_t n = sizeof type;
  return getsockopt(CONTROL_FD, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_SEQPACKET;
}

static const struct role *find_role(const char *name, const struct role *roles, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (!strcmp(roles[i].name, name))
      return &roles[i];
  return NULL;
}

/* Frames of a batch are some hundred KiB, and what waits in a channel some MiB, made and let go many times a second. By itself the allocator maps each anew
   from the system, or gives the top of its heap back, and the system clears every page again: a fifth of what the front took. */
static void keep_memory(void)
{
  enum { MAPPED_FROM = 32 * 1024 * 1024, KEPT = 16 * 1024 * 1024 };
  mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
  mallopt(M_TRIM_THRESHOLD, KEPT);
}

int role_main(char **argv, const struct role *roles, size_t n)
{
  static struct role_start start; /* one role per process */
  struct role_start *s = &start;
  const char *name = name_in(argv[0]);
  const struct role *role = name ? find_role(name, roles, n) : NULL;
  if (!role || !is_control()) {
    fprintf(stderr, "%s: this process is started by its own program only\n", argv[0]);
    return tg_exit_code(TG_USAGE);
  }
  fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC);
  fcntl(CONTROL_BRIEF_FD, F_SETFD, FD_CLOEXEC);
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_NAME, role->name);
  sandbox_harden();
  keep_memory();
  random_use();
  snprintf(s->program, sizeof s->program, "%.*s", (int)(name - 2 - argv[0]), argv[0]);
  s->name = role->name;
  log_open(s->program, s->name);
  if (sodium_init() < 0 || !read_brief(s) || !read_channels(s)) {
    log_event(LOG_ERROR, "role-not-briefed");
    return tg_exit_code(TG_INTERNAL);
  }
  int code = role->main(s);
  role_brief_forget(s);
  for (size_t i = 0; i < s->n_channels; i++)
    if (s->channel[i].fd >= 0)
      close(s->channel[i].fd);
  return code;
}
