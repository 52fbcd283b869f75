/* What a sandboxed process can no longer do, tried by real processes; and that what it needs still works. */
#include "kit.h"
#include "os/db.h"
#include "os/file.h"
#include "os/log.h"
#include "os/sandbox.h"
#include "os/unix.h"
#include "os/zsock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#ifdef TOGUNA_SANITIZED
#define NEEDS_SANDBOX() skip() /* left out there by design */
#else
#define NEEDS_SANDBOX() (void)0
#endif

static char *folder;
static uint16_t free_port, other_port;

static int setup(void **state)
{
  (void)state;
  log_set_level(LOG_ALARM);
  folder = kit_folder();
  assert_int_equal(mkdir(kit_path(folder, "own"), 0700), 0);
  assert_int_equal(mkdir(kit_path(folder, "read"), 0700), 0);
  assert_int_equal(mkdir(kit_path(folder, "other"), 0700), 0);
  assert_int_equal(file_write(kit_path(folder, "read/file"), slice_str("text"), 0600, NULL), TG_OK);
  assert_int_equal(file_write(kit_path(folder, "other/file"), slice_str("text"), 0600, NULL), TG_OK);
  free_port = kit_port(NULL);
  other_port = kit_port(NULL);
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  kit_remove(folder);
  return 0;
}

static struct sandbox_path paths[8];

static struct sandbox box(enum sandbox_profile profile)
{
  static char own[300], readable[300];
  snprintf(own, sizeof own, "%s/own", folder);
  snprintf(readable, sizeof readable, "%s/read", folder);
  size_t n = 0;
  paths[n++] = (struct sandbox_path){own, SANDBOX_WRITE};
  paths[n++] = (struct sandbox_path){readable, SANDBOX_READ};
  if (profile == SANDBOX_NETWORK)
    paths[n++] = (struct sandbox_path){"/etc", SANDBOX_READ};
  if (profile == SANDBOX_NETWORK || profile == SANDBOX_RUNNER)
    paths[n++] = (struct sandbox_path){"/usr", SANDBOX_EXECUTE};
  struct sandbox s = {.profile = profile, .paths = paths, .n_paths = n};
  if (profile == SANDBOX_NETWORK) {
    s.bind_ports = s.connect_ports = &free_port;
    s.n_bind_ports = s.n_connect_ports = 1;
  }
  return s;
}

/* Runs the act in a sandboxed process of its own. Its result: what the act returned, or minus the signal that
   ended it. */
static int result(const struct sandbox *s, int (*act)(void))
{
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    struct tg_why why = {0};
    if (sandbox_enter(s, &why) != TG_OK) {
      fprintf(stderr, "sandbox: %s %s %s\n", why.where, why.what, why.arg[0]);
      _exit(120);
    }
    _exit(act());
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int error_of(long rc)
{
  return rc >= 0 ? 0 : errno;
}

static int in(const char *name, int flags)
{
  int fd = open(kit_path(folder, name), flags | O_CLOEXEC, 0600);
  return error_of(fd);
}

/* --- acts: 0 when it worked, else errno */

static int act_own(void)
{
  return in("own/new", O_RDWR | O_CREAT);
}
static int act_read(void)
{
  return in("read/file", O_RDONLY);
}
static int act_write_read(void)
{
  return in("read/file", O_WRONLY);
}
static int act_make_read(void)
{
  return in("read/new", O_WRONLY | O_CREAT);
}
static int act_truncate_read(void)
{
  return in("read/file", O_RDONLY | O_TRUNC);
}
static int act_other(void)
{
  return in("other/file", O_RDONLY);
}
static int act_rename_out(void)
{
  if (in("own/x", O_RDWR | O_CREAT) != 0)
    return 121;
  return error_of(rename(kit_path(folder, "own/x"), kit_path(folder, "other/x")));
}
static int act_passwd(void)
{
  return error_of(open("/etc/shadow", O_RDONLY | O_CLOEXEC));
}
static int act_inet(void)
{
  return error_of(socket(AF_INET, SOCK_STREAM, 0));
}
static int act_inet6_udp(void)
{
  return error_of(socket(AF_INET6, SOCK_DGRAM, 0));
}
static int act_netlink(void)
{
  return error_of(socket(AF_NETLINK, SOCK_RAW, 0));
}
static int act_packet(void)
{
  return error_of(socket(AF_PACKET, SOCK_RAW, 0));
}
static int act_unix(void)
{
  return error_of(socket(AF_UNIX, SOCK_STREAM, 0));
}
static int act_pair(void)
{
  int fds[2];
  return error_of(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
}
static int act_exec(void)
{
  char *argv[] = {(char[]){"true"}, NULL};
  execv("/usr/bin/true", argv);
  return errno;
}
static int act_fork(void)
{
  pid_t pid = fork();
  if (pid == 0)
    _exit(0);
  return error_of(pid);
}
static void *thread(void *arg)
{
  return arg;
}
static int act_thread(void)
{
  pthread_t t;
  int rc = pthread_create(&t, NULL, thread, NULL);
  return rc ? rc : pthread_join(t, NULL);
}
static int act_ptrace(void)
{
  return error_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}
static int act_kill_parent(void)
{
  return error_of(kill(getppid(), 0));
}
/* A descriptor whose readiness is a signal to somebody else. */
static int act_own_by_parent(void)
{
  int ends[2];
  return pipe2(ends, O_CLOEXEC) != 0 ? errno : error_of(fcntl(ends[0], F_SETOWN, getppid()));
}
static int act_new_code(void)
{
  void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? errno : 0;
}
static int act_code_later(void)
{
  void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? 121 : error_of(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}
static int tcp(uint16_t port, bool connecting)
{
  struct sockaddr_in at = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  return error_of(connecting ? connect(fd, (struct sockaddr *)&at, sizeof at)
                             : bind(fd, (struct sockaddr *)&at, sizeof at));
}
static int act_bind(void)
{
  return tcp(free_port, false);
}
static int act_bind_other(void)
{
  return tcp(other_port, false);
}
static int act_connect(void)
{
  return tcp(free_port, true);
}
static int act_connect_other(void)
{
  return tcp(other_port, true);
}

static void files(void **state)
{
  (void)state;
  NEEDS_SANDBOX();
  if (sandbox_landlock_abi() < 3)
    skip();
  for (int p = SANDBOX_CORE; p <= SANDBOX_SERVER; p++) {
    struct sandbox s = box((enum sandbox_profile)p);
    assert_int_equal(result(&s, act_own), 0);
    assert_int_equal(result(&s, act_read), 0);
    assert_int_equal(result(&s, act_write_read), EACCES);
    assert_int_equal(result(&s, act_make_read), EACCES);
    assert_int_equal(result(&s, act_truncate_read), EACCES);
    assert_int_equal(result(&s, act_other), EACCES);
    assert_true(result(&s, act_rename_out) != 0);
    if (p != SANDBOX_NETWORK)
      assert_int_equal(result(&s, act_passwd), EACCES);
  }
}

static void calls(void **state)
{
  (void)state;
  NEEDS_SANDBOX();
  static const struct {
    const char *name;
    int (*act)(void);
    int expected[5]; /* core, network, signer, runner, server */
  } cases[] = {
      {"TCP", act_inet, {EPERM, 0, EPERM, 0, EPERM}},
      {"UDP", act_inet6_udp, {EPERM, 0, EPERM, 0, EPERM}},
      {"netlink", act_netlink, {EPERM, 0, EPERM, 0, EPERM}},
      {"packets", act_packet, {EPERM, EPERM, EPERM, 0, EPERM}},
      {"AF_UNIX", act_unix, {0, 0, EPERM, 0, EPERM}},
      {"socket pair", act_pair, {0, 0, EPERM, 0, EPERM}},
      {"exec", act_exec, {-SIGSYS, -SIGSYS, -SIGSYS, 0, -SIGSYS}},
      {"fork", act_fork, {EPERM, EPERM, EPERM, 0, EPERM}},
      {"thread", act_thread, {0, 0, EPERM, 0, EPERM}},
      {"ptrace", act_ptrace, {-SIGSYS, -SIGSYS, -SIGSYS, EPERM, -SIGSYS}},
      {"kill", act_kill_parent, {EPERM, EPERM, EPERM, EPERM, EPERM}},
      {"signal by descriptor", act_own_by_parent, {EPERM, EPERM, EPERM, 0, EPERM}},
      {"new code", act_new_code, {EPERM, 0, EPERM, 0, EPERM}},
      {"data to code", act_code_later, {EPERM, 0, EPERM, 0, EPERM}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int p = SANDBOX_CORE; p <= SANDBOX_SERVER; p++) {
      if (cases[i].act == act_kill_parent && sandbox_landlock_abi() < 6)
        continue;
      if (cases[i].act == act_packet && p == SANDBOX_RUNNER)
        continue; /* the kernel's own rules decide there */
      struct sandbox s = box((enum sandbox_profile)p);
      int got = result(&s, cases[i].act);
      if (got != cases[i].expected[p])
        fail_msg("%s in profile %d: %d, not %d", cases[i].name, p, got, cases[i].expected[p]);
    }
}

static void ports(void **state)
{
  (void)state;
  NEEDS_SANDBOX();
  if (sandbox_landlock_abi() < 4)
    skip();
  struct sandbox s = box(SANDBOX_NETWORK);
  assert_int_equal(result(&s, act_bind), 0);
  assert_int_equal(result(&s, act_bind_other), EACCES);
  assert_int_equal(result(&s, act_connect), ECONNREFUSED);
  assert_int_equal(result(&s, act_connect_other), EACCES);
  s.connect_anywhere = true;
  assert_int_equal(result(&s, act_connect_other), ECONNREFUSED);
  assert_int_equal(result(&s, act_bind_other), EACCES);
}

/* --- what the processes are there for still works */

static int work_of_a_core(void)
{
  static const char *const sql[] = {"CREATE TABLE t (x INTEGER) STRICT"};
  struct db *db = NULL;
  struct tg_why why = {0};
  struct db_options o = {.path = kit_path(folder, "own/hub.db"),
                         .application_id = 1,
                         .migrations = sql,
                         .n_migrations = 1,
                         .checkpoint_bytes = 8192};
  if (db_open(&o, &db, &why) != TG_OK)
    return 1;
  for (int i = 0; i < 50; i++)
    if (db_begin(db, NULL) || db_run(db_stmt(db, "INSERT INTO t VALUES (1)")) || db_commit(db, NULL))
      return 2;
  if (db_check(db, &why) != TG_OK)
    return 3;
  db_close(&db);
  struct file_lock *lock = NULL;
  if (file_lock_take(kit_path(folder, "own"), &lock, NULL) ||
      file_write(kit_path(folder, "own/f"), slice_str("x"), 0644, NULL) ||
      unlink(kit_path(folder, "own/f")) != 0)
    return 4;
  uint64_t space;
  int fd, temp;
  struct unix_peer peer;
  if (file_free_space(kit_path(folder, "own"), &space, NULL) ||
      file_temp(kit_path(folder, "own"), &temp, NULL) ||
      unix_listen(kit_path(folder, "own/sock"), 0600, &fd, NULL) || unix_accept(fd, &peer, &temp) != TG_BUSY)
    return 5;
  struct loop *l = loop_new();
  loop_turn(l, 1);
  loop_free(l);
  void *secret = sodium_malloc(32);
  if (!secret || sodium_mprotect_noaccess(secret) != 0)
    return 6;
  sodium_free(secret);
  return act_thread() ? 7 : 0;
}

static int work_of_a_signer(void)
{
  uint8_t pk[32], sk[64], sig[64];
  crypto_sign_keypair(pk, sk);
  crypto_sign_detached(sig, NULL, (const uint8_t *)"x", 1, sk);
  struct loop *l = loop_new();
  loop_turn(l, 1);
  loop_free(l);
  return file_write(kit_path(folder, "own/state"), slice_of(sig, 64), 0600, NULL) != TG_OK;
}

static int work_of_a_front(void)
{
  struct zauth *auth = NULL;
  struct zsock *sock = NULL;
  struct tg_why why = {0};
  uint8_t pk[32], sk[32];
  char endpoint[64];
  crypto_box_keypair(pk, sk);
  snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", free_port);
  const struct zsock_server_options o = {.endpoint = endpoint, .secret_key = sk, .max_body = 1000};
  if (zauth_new(&auth, &why) != TG_OK)
    return 1;
  if (zsock_server(auth, &o, &sock, &why) != TG_OK) {
    fprintf(stderr, "%s: %s %s\n", why.where, why.what, why.arg[0]);
    return 2;
  }
  zsock_free(&sock);
  zauth_free(&auth);
  struct addrinfo *found = NULL;
  if (getaddrinfo("localhost", "80", NULL, &found) != 0)
    return 3;
  freeaddrinfo(found);
  return 0;
}

static int work_of_a_runner(void)
{
  pid_t pid = fork();
  if (pid == 0)
    _exit(act_exec());
  int status;
  return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1;
}

static void honest_work_goes_on(void **state)
{
  (void)state;
  assert_true(sodium_init() >= 0);
  struct sandbox core = box(SANDBOX_CORE);
  assert_int_equal(result(&core, work_of_a_core), 0);
  struct sandbox signer = box(SANDBOX_SIGNER);
  assert_int_equal(result(&signer, work_of_a_signer), 0);
  struct sandbox front = box(SANDBOX_NETWORK);
  assert_int_equal(result(&front, work_of_a_front), 0);
  struct sandbox runner = box(SANDBOX_RUNNER);
  assert_int_equal(result(&runner, work_of_a_runner), 0);
}

/* --- the rest */

static int hardened(void)
{
  struct rlimit core;
  getrlimit(RLIMIT_CORE, &core);
  return !(prctl(PR_GET_DUMPABLE) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && core.rlim_max == 0);
}

static void no_process_leaves_a_core(void **state)
{
  (void)state;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    sandbox_harden();
    _exit(hardened());
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

static int is_nobody(void)
{
  const struct passwd *pw = getpwnam("nobody");
  uid_t r, e, s;
  int death = 0;
  getresuid(&r, &e, &s);
  prctl(PR_GET_PDEATHSIG, &death);
  bool right = pw && r == pw->pw_uid && e == r && s == r && getegid() == pw->pw_gid && setuid(0) != 0 &&
               death == SIGKILL;
  return !right || hardened();
}

static void roots_rights_are_given_up(void **state)
{
  (void)state;
  if (geteuid() != 0)
    skip();
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sandbox_harden();
    _exit(sandbox_become("nobody", NULL) == TG_OK ? is_nobody() : 50);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  struct tg_why why;
  assert_int_equal(sandbox_become("no-such-user-here", &why), TG_NOT_FOUND);
  /* Inside the whole sandbox too; the folder is opened before the user changes. */
  struct sandbox s = box(SANDBOX_CORE);
  s.user = "nobody";
  assert_int_equal(chown(kit_path(folder, "own"), getpwnam("nobody")->pw_uid, (gid_t)-1), 0);
  assert_int_equal(chmod(folder, 0711), 0);
  assert_int_equal(result(&s, act_own), 0);
  assert_int_equal(result(&s, act_read), EACCES); /* root's file */
}

static int nothing(void)
{
  return 0;
}

static void a_path_that_is_missing_stops_the_start(void **state)
{
  (void)state;
  NEEDS_SANDBOX();
  if (sandbox_landlock_abi() == 0)
    skip();
  struct sandbox s = box(SANDBOX_CORE);
  const struct sandbox_path none = {"/no/such/folder", SANDBOX_READ};
  s.paths = &none;
  s.n_paths = 1;
  assert_int_equal(result(&s, nothing), 120);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(files),
      T(calls),
      T(ports),
      T(honest_work_goes_on),
      T(no_process_leaves_a_core),
      T(roots_rights_are_given_up),
      T(a_path_that_is_missing_stops_the_start),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
