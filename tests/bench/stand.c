#include "tests/bench/stand.h"

#include "client/lib/toguna.h"
#include "keys/country.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ML publishes and SN reads, whatever the size; then all others in the order of their codes. */
static const char *state_of(size_t i)
{
  for (size_t at = 0, seen = 2;; at++) {
    const struct country *c = country_at(at);
    if (i < 2 || !c)
      return i == 0 ? "ML" : "SN";
    if (strcmp(c->code, "ML") != 0 && strcmp(c->code, "SN") != 0 && seen++ == i)
      return c->code;
  }
}

static bool fails(const char *what, const char *why)
{
  bench_fails(what, why);
  return false;
}

static void rest(double seconds)
{
  const struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&t, NULL);
}

/* ---- programs */

bool stand_program(const char *name, char *out, size_t size)
{
  static const char *const places[] = {"", "../broker/", "../client/node/", "../client/cli/"};
  char self[512];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  self[n > 0 ? n : 0] = 0;
  char *slash = strrchr(self, '/');
  if (slash)
    slash[1] = 0;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    if ((size_t)snprintf(out, size, "%s%s%s", self, places[i], name) < size && access(out, X_OK) == 0)
      return true;
  }
  return fails(name, "not found beside toguna-bench; build it");
}

/* Its standard output and error go to a file. It ends with us: a daemon left behind by an interrupted run would disturb the next. */
static pid_t spawn(char **argv, const char *log)
{
  const pid_t us = getpid();
  pid_t pid = fork();
  if (pid != 0)
    return pid;
  int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (out < 0 || in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
    _exit(5);
  setenv("LC_ALL", "C.UTF-8", 1);
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != us) /* it died before the line above */
    _exit(5);
  execv(argv[0], argv);
  _exit(5);
}

static bool run(char **argv, const char *log)
{
  int status = 0;
  pid_t pid = spawn(argv, log);
  if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
    return fails(argv[0], log);
  return true;
}

/* ---- files */

static bool append(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool append(const char *path, const char *format, ...)
{
  va_list args;
  FILE *f = fopen(path, "a");
  va_start(args, format);
  bool good = f && vfprintf(f, format, args) >= 0;
  va_end(args);
  if (f && fclose(f) != 0)
    good = false;
  return good || fails(path, strerror(errno));
}

static bool contains(const char *path, const char *word)
{
  char line[4096];
  bool found = false;
  FILE *f = fopen(path, "r");
  while (f && !found && fgets(line, sizeof line, f))
    found = strstr(line, word) != NULL;
  if (f)
    fclose(f);
  return found;
}

static uint16_t free_port(void)
{
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  uint16_t port = 0;
  if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && getsockname(fd, (struct sockaddr *)&a, &n) == 0)
    port = ntohs(a.sin_port);
  if (fd >= 0)
    close(fd);
  return port;
}

/* ---- founding */

static void name_all(struct stand *s, size_t n)
{
  char folder[sizeof s->folder], own[sizeof s->node->folder];
  memcpy(folder, s->folder, sizeof folder);
  s->n = n;
  for (size_t i = 0; i < n; i++) {
    struct stand_node *node = &s->node[i];
    const char *state = state_of(i / s->each);
    const size_t number = i % s->each + 1;
    snprintf(node->member, sizeof node->member, "%s", state);
    snprintf(node->name, sizeof node->name, "%s/ops/n%zu", state, number);
    snprintf(own, sizeof own, "%s/x/nodes/%s-ops-n%zu", folder, state, number);
    memcpy(node->folder, own, sizeof own);
    snprintf(node->socket, sizeof node->socket, "%s/node.sock", own);
    snprintf(node->config, sizeof node->config, "%s/node.conf", own);
    snprintf(node->log, sizeof node->log, "%s/%s-%zu.log", folder, state, number);
  }
  snprintf(s->hub_config, sizeof s->hub_config, "%s/x/hub/hub.conf", folder);
  snprintf(s->hub_log, sizeof s->hub_log, "%s/hub.log", folder);
  snprintf(s->passphrase, sizeof s->passphrase, "%s/passphrase", folder);
}

/* What an operator of a busy exchange would write: the limits that keep a member from flooding the others, and nothing else. */
static bool found(struct stand *s)
{
  char toguna[600], endpoint[64], folder[400], log[400], *argv[STAND_NODES + 32];
  size_t n = 0;
  snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", s->port);
  snprintf(folder, sizeof folder, "%s/x", s->folder);
  snprintf(log, sizeof log, "%s/init.log", s->folder);
  if (!stand_program("toguna", toguna, sizeof toguna) || !append(s->passphrase, "for measuring only\n") || chmod(s->passphrase, 0600) != 0)
    return false;
  const char *fixed[] = {toguna, "init", "exchange", "bench.example", "--open", "--hub", "hub1", "--kdf", "test", "--limit", "bulletins-per-hour=1000000000",
                         "--limit", "flash-per-hour=1000000000", "--limit", "queue=100000000", "--endpoint", endpoint, "--folder", folder, "--passphrase-file", s->passphrase};
  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
    argv[n++] = (char *)(uintptr_t)fixed[i];
  for (size_t i = 0; i < s->n; i++)
    argv[n++] = s->node[i].name;
  argv[n] = NULL;
  return run(argv, log) && append(s->hub_config, "bulletins-per-hour 1000000000\nflash-per-hour 1000000\nqueue-count 100000000\n");
}

static bool prepare(struct bench *b, size_t n, size_t each, struct stand *s)
{
  *s = (struct stand){.port = free_port(), .each = each};
  snprintf(s->folder, sizeof s->folder, "%s/%u", b->folder, ++b->stands);
  name_all(s, n);
  if (mkdir(s->folder, 0700) != 0)
    return fails(s->folder, strerror(errno));
  return found(s) && (!b->hub_lines || append(s->hub_config, "%s", b->hub_lines));
}

/* ---- daemons */

static pid_t start(const char *program, char *config, const char *log)
{
  char path[600], option[] = "--config";
  if (!stand_program(program, path, sizeof path))
    return 0;
  char *argv[] = {path, option, config, NULL};
  pid_t pid = spawn(argv, log);
  return pid > 0 ? pid : 0;
}

static bool running(pid_t *pid)
{
  if (*pid && waitpid(*pid, NULL, WNOHANG) == *pid)
    *pid = 0;
  return *pid != 0;
}

/* Until the word stands in the log; the pause is short, because start-up is among what is measured. */
static bool await_word(pid_t *pid, const char *log, const char *word, double limit)
{
  for (double until = bench_now() + limit; bench_now() < until; rest(0.002)) {
    if (contains(log, word))
      return true;
    if (!running(pid))
      return fails(log, "the daemon ended; its log says why");
  }
  return fails(log, "the daemon does not say that it is ready");
}

static void stop(pid_t *pid, int sign)
{
  if (*pid) {
    kill(sign == SIGKILL ? -*pid : *pid, sign);
    waitpid(*pid, NULL, 0);
  }
  *pid = 0;
}

bool stand_start_hub(struct stand *s, double limit)
{
  unlink(s->hub_log);
  s->hub = start("togunad", s->hub_config, s->hub_log);
  return s->hub && await_word(&s->hub, s->hub_log, " ready", limit);
}

bool stand_start_node(struct stand *s, size_t node)
{
  struct stand_node *n = &s->node[node];
  unlink(n->log);
  n->pid = start("toguna-node", n->config, n->log);
  return n->pid != 0;
}

void stand_stop_node(struct stand *s, size_t node)
{
  stop(&s->node[node].pid, SIGTERM);
}
void stand_stop_hub(struct stand *s)
{
  stop(&s->hub, SIGTERM);
}
void stand_kill_hub(struct stand *s)
{
  stop(&s->hub, SIGKILL);
}

void stand_close(struct stand *s)
{
  for (size_t i = 0; i < s->n; i++)
    stop(&s->node[i].pid, SIGKILL);
  stop(&s->hub, SIGKILL);
}

/* ---- what nodes say */

json_t *stand_ask(const struct stand *s, size_t node, const char *what)
{
  struct toguna *t;
  char *text = NULL;
  json_t *answer = NULL;
  if (toguna_open(s->node[node].socket, "toguna-bench", &t, NULL) != TOGUNA_OK)
    return NULL;
  if (toguna_query(t, what, NULL, &text, NULL) == TOGUNA_OK)
    answer = json_loads(text, 0, NULL);
  free(text);
  toguna_close(t);
  return answer;
}

bool stand_await_node(struct stand *s, size_t node, double limit)
{
  struct stand_node *n = &s->node[node];
  if (!await_word(&n->pid, n->log, " ready", limit))
    return false;
  for (double until = bench_now() + limit; bench_now() < until; rest(0.005)) {
    json_t *status = stand_ask(s, node, "status");
    const char *state = json_string_value(json_object_get(json_object_get(status, "hub"), "state"));
    bool open = state && !strcmp(state, "open");
    json_decref(status);
    if (open)
      return true;
  }
  return fails(n->log, "the node does not come to the hub");
}

static size_t keys_known(const struct stand *s, size_t node)
{
  json_t *directory = stand_ask(s, node, "directory"), *member, *one;
  size_t i, j, known = 0;
  json_array_foreach(json_object_get(directory, "members"), i, member)
    json_array_foreach(json_object_get(member, "nodes"), j, one)
      known += json_is_true(json_object_get(one, "sealing_key"));
  json_decref(directory);
  return known;
}

/* Every node that will be written to has announced its keys to every one that runs. */
static bool await_keys(struct stand *s, size_t n)
{
  double until = bench_now() + 60;
  for (size_t i = 0; i < n; i++)
    while (keys_known(s, i) < n) {
      if (bench_now() > until)
        return fails(s->node[i].log, "the nodes do not learn each other's sealing keys");
      rest(0.01);
    }
  return true;
}

bool stand_start_nodes(struct stand *s, size_t n)
{
  bool good = true;
  for (size_t i = 0; good && i < n; i++)
    good = stand_start_node(s, i);
  for (size_t i = 0; good && i < n; i++)
    good = stand_await_node(s, i, 60);
  return good && await_keys(s, n);
}

bool stand_open_hub(struct bench *b, size_t n, struct stand *ret)
{
  return stand_open_hub_of(b, n, 1, ret);
}

bool stand_open_hub_of(struct bench *b, size_t n, size_t each, struct stand *ret)
{
  return prepare(b, n, each, ret) && stand_start_hub(ret, 60);
}

/* One that runs already: nothing of it is started, stopped or metered. */
static bool borrow(const struct bench_options *o, struct stand *ret)
{
  *ret = (struct stand){.n = 2};
  snprintf(ret->node[0].socket, sizeof ret->node[0].socket, "%s", o->from);
  snprintf(ret->node[1].socket, sizeof ret->node[1].socket, "%s", o->at);
  snprintf(ret->node[1].member, sizeof ret->node[1].member, "%s", o->to);
  return true;
}

bool stand_open(struct bench *b, size_t n, size_t resting, struct stand *ret)
{
  if (b->options->from)
    return borrow(b->options, ret);
  bool good = stand_open_hub(b, n, ret) && stand_start_nodes(ret, n);
  for (size_t i = resting; good && i < n; i++)
    stand_stop_node(ret, i);
  return good;
}

/* ---- figures */

static uint64_t sum_of_files;

static int add_file(const char *path, const struct stat *st, int kind, struct FTW *at)
{
  (void)path, (void)at;
  sum_of_files += kind == FTW_F ? (uint64_t)st->st_blocks * 512 : 0;
  return 0;
}

uint64_t stand_hub_bytes(const struct stand *s)
{
  char path[450];
  snprintf(path, sizeof path, "%s/x/hub/data", s->folder);
  sum_of_files = 0;
  nftw(path, add_file, 16, FTW_PHYS);
  return sum_of_files;
}

void stand_meter(const struct stand *s, struct meter *m)
{
  meter_clear(m, s->port);
  if (s->hub)
    meter_add(m, "hub", s->hub);
  for (size_t i = 0; i < s->n; i++)
    if (s->node[i].pid)
      meter_add(m, s->node[i].member, s->node[i].pid);
}

static json_t *hub_stats(const struct stand *s)
{
  char path[450];
  snprintf(path, sizeof path, "%s/x/hub/data/hub/stats.json", s->folder);
  return json_load_file(path, 0, NULL);
}

/* Since `before`, which is taken. */
static void put_store(json_t *into, const char *name, const json_t *after, double items)
{
  double commits = json_number_value(json_object_get(after, "commits"));
  double syncs = json_number_value(json_object_get(after, "syncs"));
  if (after)
    json_object_set_new(into, name, json_pack("{s:f,s:f,s:f}", "commits", commits, "syncs", syncs, "items_per_commit", commits > 0 ? items / commits : 0));
}

void stand_stores(struct stand *s, double items, json_t *into)
{
  json_t *all = json_object(), *hub;
  for (size_t i = 0; i < s->n && i < 2; i++) {
    json_t *status = s->node[i].pid ? stand_ask(s, i, "status") : NULL;
    put_store(all, s->node[i].member, json_object_get(status, "store"), items);
    json_decref(status);
  }
  stand_stop_hub(s);
  hub = hub_stats(s);
  put_store(all, "hub", hub, items);
  json_decref(hub);
  json_object_set_new(into, "store", all);
}
