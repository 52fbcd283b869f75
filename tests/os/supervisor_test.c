/* One program as several real processes. This file is also the program that is supervised: its roles write
   what they live through into a file that the test reads. */
#include "kit.h"
#include "os/file.h"
#include "os/log.h"
#include "os/pipe.h"
#include "os/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

/* --- the program: front (disposable) <-> core <-> signer */

struct actor {
  struct role_start *start;
  struct loop *loop;
  char mode[32];
  int trace;
  struct pipe *front, *core, *signer;
};

static void tell(const struct actor *a, const char *what)
{
  char line[200];
  int n = snprintf(line, sizeof line, "%s %ld %s\n", role_start_name(a->start), (long)getpid(), what);
  if (write(a->trace, line, (size_t)n) != n)
    abort();
}

static void heard(void *arg, struct slice frame)
{
  struct actor *a = arg;
  char text[100];
  snprintf(text, sizeof text, "heard %.*s", (int)frame.n, (const char *)frame.p);
  tell(a, text);
}

static void gone(void *arg, enum tg_err why)
{
  struct actor *a = arg;
  (void)why;
  tell(a, "peer-gone");
  if (!strcmp(a->mode, "follows"))
    loop_stop(a->loop, 5);
  const char *orphan = !strcmp(a->mode, "waits") ? "front" : !strcmp(a->mode, "vital") ? "core" : "";
  if (!strcmp(role_start_name(a->start), orphan))
    role_orphaned(a->start, a->loop, 5);
}

static void join(struct actor *a, const char *peer, int fd)
{
  static const struct pipe_limits limits = {.max_frame = 1000, .max_queue = 10000};
  static const struct pipe_events events = {.frame = heard, .closed = gone};
  struct pipe **p = !strcmp(peer, "front") ? &a->front : !strcmp(peer, "core") ? &a->core : &a->signer;
  pipe_free(p);
  char text[64];
  snprintf(text, sizeof text, "hello from %s", role_start_name(a->start));
  if (pipe_new(a->loop, fd, &limits, &events, a, p) != TG_OK || pipe_send(*p, slice_str(text)) != TG_OK)
    abort();
}

static void on_channel(void *arg, const char *peer, int fd)
{
  char text[64];
  snprintf(text, sizeof text, "channel %s", peer);
  tell(arg, text);
  join(arg, peer, fd);
}

static void on_stop(void *arg)
{
  struct actor *a = arg;
  if (!strcmp(a->mode, "stubborn") && !strcmp(role_start_name(a->start), "core"))
    return;
  tell(a, "stopped");
  loop_stop(a->loop, 0);
}

static void on_reload(void *arg)
{
  tell(arg, "reload");
}

static bool is_of_followers(const struct actor *a) { return !strcmp(a->mode, "follows") || !strcmp(a->mode, "waits"); }

static void on_backup(void *arg)
{
  struct actor *a = arg;
  tell(a, "backup");
  if ((is_of_followers(a) && !strcmp(role_start_name(a->start), "core")) ||
      (!strcmp(a->mode, "vital") && !strcmp(role_start_name(a->start), "signer")))
    loop_stop(a->loop, 2);
}

static int act(struct role_start *start)
{
  static const struct role_events events = {.channel = on_channel, .stop = on_stop, .reload = on_reload, .backup = on_backup};
  static const char *const peers[] = {"front", "core", "signer"};
  struct actor a = {.start = start, .loop = loop_new()};
  struct slice brief = role_brief(start), folder, mode, secret;
  char path[300];
  if (!a.loop || !take_line(&brief, &folder) || !take_line(&brief, &mode) || !take_line(&brief, &secret))
    return 77;
  snprintf(path, sizeof path, "%.*s/trace", (int)folder.n, (const char *)folder.p);
  snprintf(a.mode, sizeof a.mode, "%.*s", (int)mode.n, (const char *)mode.p);
  a.trace = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  tell(&a, slice_is(secret, "s3cret") ? "briefed" : "wrong-brief");
  role_brief_forget(start);
  if (role_brief(start).n != 0)
    return 78;
  if (!strcmp(a.mode, "bad-front") && !strcmp(role_start_name(start), "front")) {
    loop_free(a.loop);
    return 3;
  }
  for (int i = 0; i < 3; i++) {
    int fd = role_channel(start, peers[i]);
    if (fd >= 0)
      join(&a, peers[i], fd);
  }
  if (role_channel(start, "front") >= 0 || role_watch(start, a.loop, &events, &a) != TG_OK)
    return 79;
  tell(&a, "ready");
  if (!is_of_followers(&a) || strcmp(role_start_name(start), "front"))
    role_ready(start);
  int code = loop_run(a.loop);
  pipe_free(&a.front);
  pipe_free(&a.core);
  pipe_free(&a.signer);
  loop_free(a.loop);
  close(a.trace);
  return code;
}

static const struct role roles[] = {{.name = "front", .main = act, .disposable = true, .peers = {"core"}},
                                    {.name = "core", .main = act, .peers = {"signer"}},
                                    {.name = "signer", .main = act}};

/* --- the test's side */

struct story {
  char *folder;
  char mode[32];
  pid_t parent;
  int notify;
};

static enum tg_err give_brief(void *arg, const char *role, struct buf *ret, struct tg_why *why)
{
  struct story *s = arg;
  if (!strcmp(s->mode, "no-brief") && !strcmp(role, "signer"))
    return why_set(why, TG_BAD_PASSPHRASE, "hub.key", N_("wrong passphrase"), NULL, NULL, NULL, NULL);
  buf_printf(ret, "%s\n%s\ns3cret\n", s->folder, s->mode);
  for (int i = 0; i < 20000; i++)
    buf_put_str(ret, "0123456789"); /* larger than a pipe by default */
  return TG_OK;
}

static void all_ready(void *arg)
{
  struct story *s = arg;
  (void)file_write(kit_path(s->folder, "all-ready"), slice_str("x"), 0600, NULL);
}

static struct story start(const char *mode)
{
  struct story s = {.folder = kit_folder()};
  snprintf(s.mode, sizeof s.mode, "%s", mode);
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  snprintf(at.sun_path, sizeof at.sun_path, "%s/notify", s.folder);
  s.notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(s.notify, (struct sockaddr *)&at, sizeof at), 0);
  s.parent = fork();
  if (s.parent == 0) {
    const struct supervisor_options o = {.program = "os-test",
                                         .roles = roles,
                                         .n_roles = 3,
                                         .brief = give_brief,
                                         .ready = all_ready,
                                         .arg = &s,
                                         .grace_ms = strcmp(mode, "stubborn") == 0 ? 500 : 20000};
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int code = supervisor_run(&o);
    free(s.folder);
    exit(code);
  }
  return s;
}

/* How often the trace holds this line of a role, with any pid; the pid of the last one goes to *ret_pid. */
static int told(const struct story *s, const char *role, const char *what, pid_t *ret_pid)
{
  struct buf b = buf_new(1u << 20);
  int n = 0;
  struct slice line;
  if (file_read(kit_path(s->folder, "trace"), 1u << 20, &b, NULL) != TG_OK)
    return 0;
  struct slice rest = buf_slice(&b);
  while (take_line(&rest, &line)) {
    char r[32], w[200] = "";
    long pid;
    char *text = slice_dup(line);
    if (sscanf(text, "%31s %ld %199[^\n]", r, &pid, w) == 3 && !strcmp(r, role) && !strcmp(w, what)) {
      n++;
      if (ret_pid)
        *ret_pid = (pid_t)pid;
    }
    free(text);
  }
  buf_free(&b);
  return n;
}

static void nap(void)
{
  poll(NULL, 0, 5);
}

#define UNTIL(condition)                                                                                     \
  do {                                                                                                       \
    int64_t end_ = clock_mono() + DEADLINE_MS;                                                               \
    while (!(condition)) {                                                                                   \
      nap();                                                                                                 \
      if (clock_mono() > end_)                                                                               \
        fail_msg("waited in vain for: %s", #condition);                                                      \
    }                                                                                                        \
  } while (0)

static int end(struct story *s)
{
  int status;
  int64_t until = clock_mono() + DEADLINE_MS;
  while (waitpid(s->parent, &status, WNOHANG) == 0) {
    nap();
    if (clock_mono() > until)
      fail_msg("the supervisor never ended");
  }
  close(s->notify);
  kit_remove(s->folder);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void all_at_work(const struct story *s)
{
  UNTIL(told(s, "front", "heard hello from core", NULL) == 1 &&
        told(s, "core", "heard hello from front", NULL) == 1 &&
        told(s, "core", "heard hello from signer", NULL) == 1 &&
        told(s, "signer", "heard hello from core", NULL) == 1 &&
        access(kit_path(s->folder, "all-ready"), F_OK) == 0);
}

static void assert_notified(const struct story *s, const char *text)
{
  char got[64] = "";
  struct pollfd p = {.fd = s->notify, .events = POLLIN};
  assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
  assert_true(recv(s->notify, got, sizeof got - 1, 0) > 0);
  assert_string_equal(got, text);
}

/* Position of a line in the trace, for order. */
static size_t place(const struct story *s, const char *text)
{
  struct buf b = buf_new(1u << 20);
  assert_int_equal(file_read(kit_path(s->folder, "trace"), 1u << 20, &b, NULL), TG_OK);
  buf_put_u8(&b, 0);
  char *at = NULL;
  for (char *c = (char *)b.p; (c = strstr(c, text)); c++)
    at = c;
  assert_non_null(at);
  size_t n = (size_t)(at - (char *)b.p);
  buf_free(&b);
  return n;
}

static void roles_are_briefed_wired_and_stopped_in_order(void **state)
{
  (void)state;
  struct story s = start("plain");
  all_at_work(&s);
  assert_notified(&s, "READY=1");
  kill(s.parent, SIGHUP);
  UNTIL(told(&s, "front", "reload", NULL) && told(&s, "core", "reload", NULL) &&
        told(&s, "signer", "reload", NULL));
  kill(s.parent, SIGUSR1);
  UNTIL(told(&s, "front", "backup", NULL) && told(&s, "core", "backup", NULL) && told(&s, "signer", "backup", NULL));
  pid_t f, c, g;
  told(&s, "front", "ready", &f);
  told(&s, "core", "ready", &c);
  told(&s, "signer", "ready", &g);
  kill(s.parent, SIGTERM);
  UNTIL(told(&s, "signer", "stopped", NULL));
  assert_notified(&s, "STOPPING=1");
  char line[3][64];
  snprintf(line[0], 64, "front %ld stopped", (long)f);
  snprintf(line[1], 64, "core %ld stopped", (long)c);
  snprintf(line[2], 64, "signer %ld stopped", (long)g);
  assert_true(place(&s, line[0]) < place(&s, line[1]));
  assert_true(place(&s, line[1]) < place(&s, line[2]));
  assert_int_equal(end(&s), 0);
}

static void a_killed_front_comes_back_with_a_fresh_channel(void **state)
{
  (void)state;
  struct story s = start("plain");
  all_at_work(&s);
  for (int i = 1; i <= 3; i++) {
    pid_t front = 0;
    assert_int_equal(told(&s, "front", "ready", &front), i);
    kill(front, i == 2 ? SIGSEGV : SIGKILL);
    UNTIL(told(&s, "core", "channel front", NULL) == i &&
          told(&s, "core", "heard hello from front", NULL) == i + 1 &&
          told(&s, "front", "heard hello from core", NULL) == i + 1);
  }
  assert_int_equal(told(&s, "core", "ready", NULL), 1);
  assert_int_equal(told(&s, "signer", "ready", NULL), 1);
  kill(s.parent, SIGTERM);
  assert_int_equal(end(&s), 0);
}

static bool is_alive(pid_t pid)
{
  return kill(pid, 0) == 0 || errno != ESRCH;
}

static void when_a_vital_role_dies_all_stop(void **state)
{
  (void)state;
  struct story s = start("plain");
  all_at_work(&s);
  pid_t core = 0, front = 0, signer = 0;
  told(&s, "core", "ready", &core);
  told(&s, "front", "ready", &front);
  told(&s, "signer", "ready", &signer);
  kill(core, SIGKILL);
  UNTIL(told(&s, "signer", "stopped", NULL) == 1);
  assert_int_equal(told(&s, "front", "stopped", NULL), 1);
  assert_int_equal(end(&s), 5);
  assert_false(is_alive(core) || is_alive(front) || is_alive(signer));
}

static bool is_zombie(pid_t pid)
{
  char path[64], state = 0;
  snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
  FILE *f = fopen(path, "re");
  const bool zombie = f && fscanf(f, "%*d (%*[^)]) %c", &state) == 1 && state == 'Z';
  if (f)
    fclose(f);
  return zombie;
}

/* The core fails while it starts, and a front that is not ready yet has nothing to do without it. Whichever the parent, which is slow, hears of first: the core is
   the reason, and its code decides whether anybody starts the program again. */
static void who_follows_is_not_taken_for_the_reason(void **state)
{
  (void)state;
  static const char *const modes[] = {"follows", "waits"};
  for (size_t i = 0; i < 2; i++) {
    struct story s = start(modes[i]);
    pid_t core = 0, front = 0;
    UNTIL(told(&s, "front", "heard hello from core", NULL) && told(&s, "core", "heard hello from front", NULL) && told(&s, "core", "ready", &core));
    told(&s, "front", "ready", &front);
    kill(s.parent, SIGSTOP);
    kill(core, SIGUSR1);
    UNTIL(is_zombie(core) && told(&s, "front", "peer-gone", NULL) && (i == 1 || is_zombie(front)));
    kill(s.parent, SIGCONT);
    assert_int_equal(end(&s), 2);
  }
}

/* Both are vital, and the one that ended for want of the other stands before it in the table. */
static void a_vital_role_that_follows_is_not_taken_for_the_reason(void **state)
{
  (void)state;
  struct story s = start("vital");
  pid_t core = 0, signer = 0;
  all_at_work(&s);
  UNTIL(told(&s, "core", "heard hello from signer", NULL));
  told(&s, "core", "ready", &core);
  told(&s, "signer", "ready", &signer);
  kill(s.parent, SIGSTOP);
  kill(signer, SIGUSR1);
  UNTIL(is_zombie(signer) && is_zombie(core));
  kill(s.parent, SIGCONT);
  assert_int_equal(end(&s), 2);
}

/* The front ends late: its parent, which has heard of the core, has told it to. */
static void an_orphan_waits_to_be_told(void **state)
{
  (void)state;
  struct story s = start("waits");
  pid_t core = 0;
  UNTIL(told(&s, "front", "heard hello from core", NULL) && told(&s, "core", "ready", &core));
  kill(core, SIGUSR1);
  UNTIL(told(&s, "front", "stopped", NULL) == 1);
  assert_int_equal(end(&s), 2);
}

static void a_vital_role_that_ends_by_itself_is_no_success(void **state)
{
  (void)state;
  struct story s = start("plain");
  all_at_work(&s);
  pid_t signer = 0;
  told(&s, "signer", "ready", &signer);
  kill(signer, SIGTERM); /* it stops in good order, but nobody asked the program to */
  assert_int_equal(end(&s), 5);
}

static void no_child_outlives_its_parent(void **state)
{
  (void)state;
  struct story s = start("plain");
  all_at_work(&s);
  pid_t pid[3] = {0};
  for (int i = 0; i < 3; i++)
    told(&s, roles[i].name, "ready", &pid[i]);
  kill(s.parent, SIGKILL);
  UNTIL(!is_alive(pid[0]) && !is_alive(pid[1]) && !is_alive(pid[2]));
  assert_int_equal(end(&s), -SIGKILL);
}

static void a_role_that_does_not_stop_is_killed(void **state)
{
  (void)state;
  struct story s = start("stubborn");
  all_at_work(&s);
  kill(s.parent, SIGTERM);
  assert_int_equal(end(&s), 0);
}

static void a_front_that_cannot_start_ends_the_program(void **state)
{
  (void)state;
  struct story s = start("bad-front");
  assert_int_equal(end(&s), 3);
}

static void without_its_brief_nothing_starts(void **state)
{
  (void)state;
  struct story s = start("no-brief");
  assert_int_equal(end(&s), 3);
}

static bool file_holds(const char *path, const char *text)
{
  struct buf b = buf_new(1u << 20);
  char piece[4096];
  ssize_t n;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  while (fd >= 0 && (n = read(fd, piece, sizeof piece)) > 0)
    buf_put(&b, piece, (size_t)n);
  if (fd >= 0)
    close(fd);
  bool found = b.n > 0 && memmem(b.p, b.n, text, strlen(text)) != NULL;
  buf_free(&b);
  return found;
}

static void secrets_stand_in_no_argument_or_environment(void **state)
{
  (void)state;
  struct story s = start("plain");
  all_at_work(&s);
  for (int i = 0; i < 3; i++) {
    pid_t pid = 0;
    char path[64], title[32];
    told(&s, roles[i].name, "ready", &pid);
    snprintf(path, sizeof path, "/proc/%ld/cmdline", (long)pid);
    snprintf(title, sizeof title, "os-test: %s", roles[i].name);
    assert_true(file_holds(path, title));
    assert_false(file_holds(path, "s3cret"));
    snprintf(path, sizeof path, "/proc/%ld/environ", (long)pid);
    assert_false(file_holds(path, "s3cret"));
    snprintf(path, sizeof path, "/proc/%ld/limits", (long)pid);
    assert_true(file_holds(path, "Max core file size        0                    0"));
  }
  kill(s.parent, SIGTERM);
  assert_int_equal(end(&s), 0);
}

static void a_role_cannot_be_started_by_hand(void **state)
{
  (void)state;
  pid_t child = fork();
  if (child == 0) {
    char *argv[] = {(char[]){"os-test: core"}, NULL};
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 2);
    close_range(3, ~0u, 0);
    execv("/proc/self/exe", argv);
    _exit(9);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 2);
}

int main(int argc, char **argv)
{
  if (role_is_child(argc, argv))
    return role_main(argv, roles, 3);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(roles_are_briefed_wired_and_stopped_in_order),
      cmocka_unit_test(a_killed_front_comes_back_with_a_fresh_channel),
      cmocka_unit_test(when_a_vital_role_dies_all_stop),
      cmocka_unit_test(a_vital_role_that_ends_by_itself_is_no_success),
      cmocka_unit_test(who_follows_is_not_taken_for_the_reason),
      cmocka_unit_test(a_vital_role_that_follows_is_not_taken_for_the_reason),
      cmocka_unit_test(an_orphan_waits_to_be_told),
      cmocka_unit_test(no_child_outlives_its_parent),
      cmocka_unit_test(a_role_that_does_not_stop_is_killed),
      cmocka_unit_test(a_front_that_cannot_start_ends_the_program),
      cmocka_unit_test(without_its_brief_nothing_starts),
      cmocka_unit_test(secrets_stand_in_no_argument_or_environment),
      cmocka_unit_test(a_role_cannot_be_started_by_hand),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
