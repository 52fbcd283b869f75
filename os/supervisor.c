#include "os/supervisor.h"

#include "os/clock.h"
#include "os/control.h"
#include "os/log.h"
#include "os/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_MS 10000
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 30000
#define LIVED_MS 60000 /* who lived so long begins with the shortest wait again */

/* Life of a role's process:
     (no pid) --spawn--> running --READY--> running, ready --exit--> (no pid), waiting for its timer when
   disposable Invariant: control >= 0 and watch set exactly while pid > 0. */
struct child {
  struct supervisor *in;
  const struct role *role;
  pid_t pid;
  int control;
  struct loop_watch *watch;
  struct loop_timer *restart;
  int64_t started, backoff;
  bool was_ready; /* one process of this role once said so */
  bool told;      /* to stop */
  bool ended;     /* as status says, and that is not dealt with yet */
  bool orphan;    /* for want of another, it said */
  int status;
};

struct supervisor {
  const struct supervisor_options *options;
  struct loop *loop;
  struct child child[ROLE_MAX];
  size_t n;
  struct loop_timer *grace;
  bool stopping, all_ready;
  int code;
  pid_t parent;
};

/* --- systemd */

/* sd_notify(3) in full needs no more than this. */
static void notify(const char *state)
{
  const char *path = getenv("NOTIFY_SOCKET");
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof at.sun_path)
    return;
  memcpy(at.sun_path, path, strlen(path));
  if (at.sun_path[0] == '@')
    at.sun_path[0] = 0;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return;
  socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
  (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&at, n);
  close(fd);
}

/* --- stopping */

/* The number of one that ended may be another's by now. */
static bool runs(const struct child *c) { return c->pid > 0 && !c->ended; }

static void stop_next(struct supervisor *v)
{
  for (size_t i = 0; i < v->n; i++)
    if (runs(&v->child[i])) {
      if (v->child[i].told)
        return;
      v->child[i].told = true;
      kill(v->child[i].pid, SIGTERM);
      loop_timer_in(v->grace, v->options->grace_ms ? v->options->grace_ms : GRACE_MS);
      return;
    }
  loop_timer_stop(v->grace);
  loop_stop(v->loop, v->code);
}

static void stop_all(struct supervisor *v, int code)
{
  if (v->stopping)
    return;
  v->stopping = true;
  v->code = code;
  notify("STOPPING=1");
  for (size_t i = 0; i < v->n; i++)
    loop_timer_stop(v->child[i].restart);
  stop_next(v);
}

static void grace_over(void *arg)
{
  struct supervisor *v = arg;
  for (size_t i = 0; i < v->n; i++)
    if (runs(&v->child[i])) {
      log_event(LOG_ERROR, "role-killed", log_text("role", v->child[i].role->name),
                log_text("reason", "did not stop in time"));
      kill(v->child[i].pid, SIGKILL);
      return;
    }
}

/* --- starting */

/* Runs in the new process, between fork and exec: only what is safe there. Never returns. */
static void become_child(const struct supervisor *v, const struct role *role, int control, int brief)
{
  char title[96];
  snprintf(title, sizeof title, "%s: %s", v->options->program, role->name);
  char *argv[] = {title, NULL};
  /* Out of the way of the numbers they are to have. */
  int c = fcntl(control, F_DUPFD, 16), b = fcntl(brief, F_DUPFD, 16);
  int null = open("/dev/null", O_RDWR);
  if (c < 0 || b < 0 || null < 0 || dup2(null, 0) < 0 || dup2(c, CONTROL_FD) < 0 ||
      dup2(b, CONTROL_BRIEF_FD) < 0)
    _exit(tg_exit_code(TG_INTERNAL));
  close_range(CONTROL_BRIEF_FD + 1, ~0u, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != v->parent) /* it died before the line above */
    _exit(tg_exit_code(TG_INTERNAL));
  /* What arrives before the role listens must wait for it; ^C is the parent's business. */
  sigset_t wait;
  sigemptyset(&wait);
  sigaddset(&wait, SIGTERM);
  sigaddset(&wait, SIGHUP);
  sigaddset(&wait, SIGUSR1);
  sigprocmask(SIG_SETMASK, &wait, NULL);
  signal(SIGINT, SIG_IGN);
  execv("/proc/self/exe", argv);
  _exit(tg_exit_code(TG_INTERNAL));
}

/* A pipe that holds the whole brief, so that nobody waits for anybody. Pipe buffers are never swapped. */
static enum tg_err brief_pipe(struct supervisor *v, const struct role *role, int *ret_fd)
{
  struct tg_why why = {0};
  struct buf brief = buf_new(ROLE_BRIEF_MAX);
  int fds[2];
  enum tg_err err = v->options->brief ? v->options->brief(v->options->arg, role->name, &brief, &why) : TG_OK;
  if (err == TG_OK)
    err = buf_status(&brief);
  if (err != TG_OK) {
    log_event(LOG_ERROR, "role-not-briefed", log_text("role", role->name), log_err("error", err),
              log_why(&why));
    buf_free(&brief);
    return err;
  }
  uint8_t head[4] = {(uint8_t)(brief.n >> 24), (uint8_t)(brief.n >> 16), (uint8_t)(brief.n >> 8),
                     (uint8_t)brief.n};
  if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
    buf_free(&brief);
    return TG_INTERNAL;
  }
  bool fits = fcntl(fds[1], F_SETPIPE_SZ, (int)(ROLE_BRIEF_MAX + 4096)) > 0 || brief.n < 60000;
  if (!fits || write(fds[1], head, sizeof head) != (ssize_t)sizeof head ||
      (brief.n > 0 && write(fds[1], brief.p, brief.n) != (ssize_t)brief.n)) {
    log_event(LOG_ERROR, "role-not-briefed", log_text("role", role->name), log_errno("error", errno));
    err = TG_INTERNAL;
  }
  close(fds[1]);
  buf_free(&brief);
  if (err != TG_OK) {
    close(fds[0]);
    return err;
  }
  fcntl(fds[0], F_SETFL, 0); /* the child may wait */
  *ret_fd = fds[0];
  return TG_OK;
}

static void hear_child(void *arg, short events);

static enum tg_err spawn(struct child *c)
{
  struct supervisor *v = c->in;
  int control[2], brief;
  enum tg_err err = brief_pipe(v, c->role, &brief);
  if (err != TG_OK)
    return err;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) != 0) {
    close(brief);
    return TG_INTERNAL;
  }
  pid_t pid = fork();
  if (pid == 0)
    become_child(v, c->role, control[1], brief);
  close(control[1]);
  close(brief);
  if (pid > 0)
    c->watch = loop_watch(v->loop, control[0], POLLIN, hear_child, c);
  if (pid < 0 || !c->watch) {
    log_event(LOG_ERROR, "role-not-started", log_text("role", c->role->name), log_errno("error", errno));
    close(control[0]);
    if (pid > 0)
      kill(pid, SIGKILL); /* reaped with the others */
    return TG_INTERNAL;
  }
  c->pid = pid;
  c->control = control[0];
  c->started = clock_mono();
  log_event(LOG_DEBUG, "role-started", log_text("role", c->role->name), log_signed("pid", pid));
  return TG_OK;
}

static bool names(const struct role *role, const char *peer)
{
  for (size_t i = 0; i < ROLE_PEERS_MAX && role->peers[i]; i++)
    if (!strcmp(role->peers[i], peer))
      return true;
  return false;
}

static bool are_peers(const struct role *a, const struct role *b)
{
  return names(a, b->name) || names(b, a->name);
}

/* A fresh channel between two running roles. */
static enum tg_err wire(struct child *a, struct child *b)
{
  int fds[2];
  if (unix_pair(fds) != TG_OK)
    return TG_INTERNAL;
  enum tg_err err = control_send(a->control, CONTROL_CHANNEL, b->role->name, fds[0]);
  if (err == TG_OK)
    err = control_send(b->control, CONTROL_CHANNEL, a->role->name, fds[1]);
  close(fds[0]);
  close(fds[1]);
  return err == TG_UNREACHABLE ? TG_OK : err; /* one that just died is reaped and wired anew */
}

static enum tg_err start_all(struct supervisor *v)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < v->n; i++)
    err = spawn(&v->child[i]);
  for (size_t i = 0; err == TG_OK && i < v->n; i++)
    for (size_t j = i + 1; err == TG_OK && j < v->n; j++)
      if (are_peers(v->child[i].role, v->child[j].role))
        err = wire(&v->child[i], &v->child[j]);
  for (size_t i = 0; err == TG_OK && i < v->n; i++)
    (void)control_send(v->child[i].control, CONTROL_START, NULL, -1);
  return err;
}

static void start_again(void *arg)
{
  struct child *c = arg;
  struct supervisor *v = c->in;
  enum tg_err err = spawn(c);
  for (size_t i = 0; err == TG_OK && i < v->n; i++)
    if (&v->child[i] != c && v->child[i].pid > 0 && are_peers(c->role, v->child[i].role))
      err = wire(c, &v->child[i]);
  if (err == TG_OK)
    (void)control_send(c->control, CONTROL_START, NULL, -1);
  else
    stop_all(v, tg_exit_code(err));
}

/* --- what children say and how they end */

static void hear_child(void *arg, short events)
{
  struct child *c = arg;
  struct supervisor *v = c->in;
  struct control_message m;
  enum tg_err err;
  (void)events;
  while ((err = control_receive(c->control, false, &m)) == TG_OK) {
    if (m.fd >= 0)
      close(m.fd);
    if (m.type == CONTROL_READY)
      c->was_ready = true;
    if (m.type == CONTROL_ORPHAN)
      c->orphan = true;
  }
  if (err != TG_BUSY)
    loop_watch_set(c->watch, 0); /* its death is told by SIGCHLD */
  bool all = true;
  for (size_t i = 0; i < v->n; i++)
    all &= v->child[i].was_ready;
  if (!all || v->all_ready)
    return;
  v->all_ready = true;
  notify("READY=1");
  if (v->options->ready)
    v->options->ready(v->options->arg);
}

static void died(struct child *c)
{
  struct supervisor *v = c->in;
  const int status = c->status;
  bool killed = WIFSIGNALED(status);
  int code = killed ? tg_exit_code(TG_INTERNAL) : WEXITSTATUS(status);
  loop_watch_free(&c->watch);
  close(c->control);
  c->control = -1;
  c->pid = 0;
  c->ended = c->orphan = false;
  if (v->stopping) {
    stop_next(v);
    return;
  }
  log_event(LOG_ERROR, "role-died", log_text("role", c->role->name),
            killed ? log_signed("signal", WTERMSIG(status)) : log_signed("code", code),
            log_text("then", c->role->disposable && c->was_ready ? "restart" : "stop"));
  if (!c->role->disposable || !c->was_ready) {
    stop_all(v, code ? code : tg_exit_code(TG_INTERNAL)); /* nobody asked it to end, however well it did */
    return;
  }
  if (clock_mono() - c->started >= LIVED_MS || c->backoff == 0)
    c->backoff = BACKOFF_MIN_MS;
  loop_timer_in(c->restart, c->backoff);
  c->backoff = c->backoff * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : c->backoff * 2;
}

static void dealt_with(struct supervisor *v, bool disposable, bool orphan)
{
  for (size_t i = 0; i < v->n; i++)
    if (v->child[i].ended && v->child[i].role->disposable == disposable && v->child[i].orphan == orphan)
      died(&v->child[i]);
}

/* Of those that ended together the vital one comes first, and none before whose want it ended for: who follows must not be taken for the reason. */
static void reap(void *arg, int signal)
{
  struct supervisor *v = arg;
  int status;
  pid_t pid;
  (void)signal;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
    for (size_t i = 0; i < v->n; i++)
      if (v->child[i].pid == pid) {
        v->child[i].ended = true;
        v->child[i].status = status;
      }
  for (size_t i = 0; i < v->n; i++)
    if (v->child[i].ended)
      hear_child(&v->child[i], 0); /* a role may say something and end before we listened */
  dealt_with(v, false, false);
  dealt_with(v, false, true);
  dealt_with(v, true, false);
  dealt_with(v, true, true);
}

static void told_to_stop(void *arg, int signal)
{
  struct supervisor *v = arg;
  log_event(LOG_NOTICE, "stopping", log_signed("signal", signal));
  stop_all(v, 0);
}

static void told_to_pass_on(void *arg, int signal)
{
  struct supervisor *v = arg;
  for (size_t i = 0; i < v->n; i++)
    if (runs(&v->child[i]))
      kill(v->child[i].pid, signal);
}

/* --- the whole */

static enum tg_err prepare(struct supervisor *v)
{
  const struct supervisor_options *o = v->options;
  v->parent = getpid();
  v->n = o->n_roles;
  v->loop = o->n_roles <= ROLE_MAX && o->n_roles > 0 ? loop_new() : NULL;
  v->grace = v->loop ? loop_timer(v->loop, grace_over, v) : NULL;
  if (!v->grace)
    return TG_INTERNAL;
  for (size_t i = 0; i < v->n; i++) {
    v->child[i] = (struct child){.in = v, .role = &o->roles[i], .control = -1};
    v->child[i].restart = loop_timer(v->loop, start_again, &v->child[i]);
    if (!v->child[i].restart)
      return TG_NO_MEMORY;
  }
  signal(SIGPIPE, SIG_IGN);
  enum tg_err err = loop_signal(v->loop, SIGCHLD, reap, v);
  if (err == TG_OK)
    err = loop_signal(v->loop, SIGTERM, told_to_stop, v);
  if (err == TG_OK)
    err = loop_signal(v->loop, SIGINT, told_to_stop, v);
  if (err == TG_OK)
    err = loop_signal(v->loop, SIGHUP, told_to_pass_on, v);
  if (err == TG_OK)
    err = loop_signal(v->loop, SIGUSR1, told_to_pass_on, v);
  return err;
}

int supervisor_run(const struct supervisor_options *o)
{
  struct supervisor v = {.options = o};
  enum tg_err err = prepare(&v);
  int code = tg_exit_code(err);
  if (err == TG_OK) {
    err = start_all(&v);
    if (err != TG_OK) {
      for (size_t i = 0; i < v.n; i++)
        if (v.child[i].pid > 0)
          kill(v.child[i].pid, SIGKILL); /* they wait for their start and have done nothing yet */
      stop_all(&v, tg_exit_code(err));
    }
    code = loop_run(v.loop);
  }
  loop_free(v.loop);
  return code;
}
