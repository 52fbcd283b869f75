#include "client/node/shell/runner.h"

#include "client/node/shell/brief.h"
#include "client/node/shell/wire.h"
#include "os/file.h"
#include "os/log.h"
#include "os/pipe.h"
#include "os/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* A hook's process. Invariant: pid > 0 exactly while one runs; the core gives one order at a time per hook.
 */
struct run {
  pid_t pid;
  uint64_t order;
  bool timed_out;
  struct loop_timer *limit;
};

struct runner {
  struct role_start *start;
  struct loop *loop;
  struct settings *settings;
  struct pipe *core;
  struct run run[SETTINGS_HOOKS_MAX];
  bool stopping;
};

/* ---- how it ended */

static void report(struct runner *r, uint64_t order, int code)
{
  struct buf message = buf_new(16);
  buf_put_u8(&message, WIRE_ENDED);
  buf_put_u64(&message, order);
  buf_put_u32(&message, (uint32_t)(code + 1));
  (void)pipe_send(r->core, buf_slice(&message)); /* a core that is gone needs no answer */
  buf_free(&message);
}

static void ended(struct runner *r, struct run *run, int status)
{
  bool exited = WIFEXITED(status) && !run->timed_out;
  int code = exited ? WEXITSTATUS(status) : -1;
  const char *name = r->settings->hook[run - r->run].name;
  if (run->timed_out)
    log_event(LOG_ERROR, "hook-stopped", log_text("hook", name),
              log_text("reason", "took longer than hook-time"));
  else if (code != 0)
    log_event(LOG_NOTICE, "hook-failed", log_text("hook", name), log_signed("code", code));
  kill(-run->pid, SIGKILL); /* what it left behind in its group */
  run->pid = 0;
  loop_timer_stop(run->limit);
  report(r, run->order, code);
}

static void on_child(void *arg, int signal)
{
  struct runner *r = arg;
  pid_t pid;
  int status;
  (void)signal;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
    for (size_t i = 0; i < r->settings->n_hooks; i++)
      if (r->run[i].pid == pid)
        ended(r, &r->run[i], status);
}

static void on_limit(void *arg)
{
  struct run *run = arg;
  if (run->pid <= 0)
    return;
  run->timed_out = true;
  kill(-run->pid, SIGKILL);
}

/* ---- running */

/* Between fork and exec: only what is safe there. */
static void become_hook(char **argv, int input)
{
  static char *const nothing[] = {NULL};
  sigset_t none;
  sigemptyset(&none);
  setpgid(0, 0);
  int null = open("/dev/null", O_WRONLY);
  if (null < 0 || dup2(input, 0) < 0 || dup2(null, 1) < 0)
    _exit(127);
  close_range(3, ~0u, 0); /* standard error stays: what a hook complains of belongs into the log */
  signal(SIGPIPE, SIG_DFL);
  signal(SIGINT, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(argv[0], argv, nothing);
  _exit(127);
}

static enum tg_err input_of(struct slice json, int *ret, struct tg_why *why)
{
  int fd;
  enum tg_err err = file_temp(NULL, &fd, why);
  if (err != TG_OK)
    return err;
  err = file_put_fd(fd, json, why);
  if (err == TG_OK && lseek(fd, 0, SEEK_SET) == 0) {
    *ret = fd;
    return TG_OK;
  }
  close(fd);
  return err == TG_OK ? TG_DISK : err;
}

static void start_hook(struct runner *r, struct run *run, uint64_t order, struct slice json)
{
  struct tg_why why = {0};
  int input;
  const struct settings_hook *hook = &r->settings->hook[run - r->run];
  enum tg_err err = input_of(json, &input, &why);
  if (err != TG_OK) {
    log_event(LOG_ERROR, "hook-not-run", log_text("hook", hook->name), log_why(&why));
    report(r, order, -1);
    return;
  }
  pid_t pid = fork();
  if (pid == 0)
    become_hook(hook->argv, input);
  close(input);
  if (pid < 0) {
    log_event(LOG_ERROR, "hook-not-run", log_text("hook", hook->name), log_errno("error", errno));
    report(r, order, -1);
    return;
  }
  setpgid(pid, pid); /* here too, so that the group exists before anybody signals it */
  run->pid = pid;
  run->order = order;
  run->timed_out = false;
  loop_timer_in(run->limit, r->settings->hook_time);
}

static void on_core(void *arg, struct slice message)
{
  struct runner *r = arg;
  uint8_t what;
  uint64_t order;
  uint32_t hook;
  if (!take_u8(&message, &what) || what != WIRE_RUN || !take_u64(&message, &order) ||
      !take_u32(&message, &hook) || hook >= r->settings->n_hooks)
    return;
  if (r->stopping || r->run[hook].pid > 0)
    report(r, order, -1);
  else
    start_hook(r, &r->run[hook], order, message);
}

static void on_core_gone(void *arg, enum tg_err why)
{
  struct runner *r = arg;
  (void)why;
  r->stopping = true;
  role_orphaned(r->start, r->loop, 0);
}

static void on_stop(void *arg)
{
  struct runner *r = arg;
  r->stopping = true;
  loop_stop(r->loop, 0);
}

/* ---- the process */

static enum tg_err prepare(struct runner *r, struct tg_why *why)
{
  struct node_keys none = {0};
  enum tg_err err = brief_take(role_brief(r->start), &r->settings, &none, why);
  role_brief_forget(r->start);
  node_keys_free(&none); /* it was given none */
  if (err != TG_OK)
    return err;
  log_set_level((enum log_level)r->settings->log);
  r->loop = loop_new();
  for (size_t i = 0; r->loop && i < r->settings->n_hooks; i++) {
    r->run[i].limit = loop_timer(r->loop, on_limit, &r->run[i]);
    if (!r->run[i].limit)
      return TG_NO_MEMORY;
  }
  return r->loop ? loop_signal(r->loop, SIGCHLD, on_child, r) : TG_NO_MEMORY;
}

static enum tg_err join(struct runner *r)
{
  static const struct pipe_events core_events = {.frame = on_core, .closed = on_core_gone};
  static const struct pipe_limits limits = {.max_frame = WIRE_HOOK_MAX, .max_queue = 1 << 20};
  static const struct role_events role_events = {.stop = on_stop};
  enum tg_err err = pipe_new(r->loop, role_channel(r->start, "core"), &limits, &core_events, r, &r->core);
  return err == TG_OK ? role_watch(r->start, r->loop, &role_events, r) : err;
}

/* Hooks may read and run what this user may, write to the configured folders only, and use the network. */
static enum tg_err confine(const struct runner *r, struct tg_why *why)
{
  const struct conf_lines *folders = &r->settings->hook_folders;
  struct sandbox_path *paths = calloc(folders->n + 2, sizeof *paths);
  if (!paths)
    return TG_NO_MEMORY;
  paths[0] = (struct sandbox_path){"/", SANDBOX_EXECUTE};
  paths[1] = (struct sandbox_path){"/dev/null", SANDBOX_WRITE};
  for (size_t i = 0; i < folders->n; i++)
    paths[2 + i] = (struct sandbox_path){folders->line[i].word[0], SANDBOX_WRITE};
  struct sandbox sandbox = {
      .profile = SANDBOX_RUNNER, .paths = paths, .n_paths = folders->n + 2, .connect_anywhere = true};
  enum tg_err err = sandbox_enter(&sandbox, why);
  free(paths);
  return err;
}

static void finish(struct runner *r)
{
  for (size_t i = 0; i < SETTINGS_HOOKS_MAX; i++) {
    if (r->run[i].pid > 0)
      kill(-r->run[i].pid, SIGKILL);
    loop_timer_free(&r->run[i].limit);
  }
  pipe_free(&r->core);
  loop_free(r->loop);
  settings_free(r->settings);
}

int runner_main(struct role_start *start)
{
  struct runner r = {.start = start};
  struct tg_why why = {0};
  enum tg_err err = prepare(&r, &why);
  if (err == TG_OK)
    err = join(&r);
  if (err == TG_OK)
    err = confine(&r, &why);
  int code = tg_exit_code(err);
  if (err == TG_OK) {
    role_ready(start);
    code = loop_run(r.loop);
  } else {
    log_event(LOG_ERROR, "cannot-start", log_err("error", err), log_why(&why));
  }
  finish(&r);
  return code;
}
