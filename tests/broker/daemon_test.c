/* togunad as its operator meets it: started, stopped, killed in parts, started wrongly. */
#include "tests/kit/daemon.h"

#include "keys/keyfile.h"
#include "os/file.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define EXCHANGE "5d0b0a4f9a0c0f5e2a4c8d7be0a1f3c29e8d7c6b5a493827160f5e4d3c2b1a09"
#define PASSPHRASE "a long passphrase"

/* ---- waiting; the log is the only thing that tells */

struct story {
  struct daemon d;
  uint16_t port;
};

static size_t count(const struct story *s, const char *what)
{
  size_t n = 0;
  for (const char *at = daemon_log(&s->d); (at = strstr(at, what)); at++)
    n++;
  return n;
}

/* ---- the operator's hands */

static void write_key(const struct story *s, const char *name, enum key_kind kind, const char *key_name)
{
  struct secret_key *key;
  struct buf bytes = buf_new(KEYFILE_BYTES_MAX);
  assert_int_equal(secret_key_new(kind, key_name, &key), TG_OK);
  assert_int_equal(keyfile_seal(key, slice_str(PASSPHRASE), KEYFILE_COST_TEST, &bytes, NULL), TG_OK);
  assert_int_equal(file_write(kit_path(s->d.folder, name), buf_slice(&bytes), 0600, NULL), TG_OK);
  secret_key_free(key);
  buf_free(&bytes);
}

static void write_config(const struct story *s, const char *more)
{
  char text[1024];
  snprintf(text, sizeof text,
           "exchange " EXCHANGE "\nname hub-1\nlisten tcp://127.0.0.1:%u\npassphrase-file pass\n%s", s->port,
           more);
  daemon_put(&s->d, "hub.conf", slice_str(text));
}

static struct story tell(void)
{
  struct story s = {.d = {.folder = kit_folder(), .program = TOGUNAD, .config = "hub.conf"}, .port = kit_port(NULL)};
  assert_true(sodium_init() >= 0);
  write_key(&s, "transport.key", KEY_TRANSPORT, "sahel.example/hub-1");
  write_key(&s, "log.key", KEY_HUB_LOG, "sahel.example/hub-1-log");
  daemon_put(&s.d, "pass", slice_str(PASSPHRASE "\n"));
  write_config(&s, "");
  assert_int_equal(mkdir(kit_path(s.d.folder, "documents"), 0700), 0);
  return s;
}

static void forget(struct story *s)
{
  kit_remove(s->d.folder);
}

/* The process of this role, by its title; 0 when there is none. */
static pid_t role(const struct story *s, const char *name)
{
  char path[300], text[128], title[64];
  pid_t found = 0;
  DIR *proc = opendir("/proc");
  snprintf(title, sizeof title, "togunad: %s", name);
  for (struct dirent *e; (e = readdir(proc));) {
    long parent = 0;
    snprintf(path, sizeof path, "/proc/%s/stat", e->d_name);
    FILE *f = e->d_name[0] > '9' ? NULL : fopen(path, "re");
    if (!f)
      continue;
    bool child = fscanf(f, "%*d (%*[^)]) %*c %ld", &parent) == 1 && parent == s->d.pid;
    fclose(f);
    snprintf(path, sizeof path, "/proc/%s/cmdline", e->d_name);
    int fd = child ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0)
      close(fd);
    text[n > 0 ? n : 0] = 0;
    if (!strcmp(text, title))
      found = (pid_t)atol(e->d_name);
  }
  closedir(proc);
  return found;
}

static bool is_open(const struct story *s)
{
  struct sockaddr_in at = {
      .sin_family = AF_INET, .sin_port = htons(s->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool open = connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
  close(fd);
  return open;
}

/* ---- stories */

static void it_starts_stops_and_starts_again(void **unused)
{
  (void)unused;
  struct story s = tell();
  for (int i = 0; i < 3; i++) {
    daemon_start(&s.d);
    assert_true(is_open(&s));
    daemon_stop(&s.d);
    assert_false(is_open(&s));
  }
  forget(&s);
}

static void a_check_starts_nothing(void **unused)
{
  (void)unused;
  struct story s = tell();
  daemon_run(&s.d, "--check");
  assert_int_equal(daemon_end(&s.d), 0);
  assert_true(daemon_says(&s.d, "is in order"));
  assert_int_equal(access(kit_path(s.d.folder, "data"), F_OK), -1);
  forget(&s);
}

static void a_killed_front_comes_back(void **unused)
{
  (void)unused;
  struct story s = tell();
  daemon_start(&s.d);
  pid_t first = role(&s, "front"), core = role(&s, "core");
  assert_true(first > 0 && core > 0);
  kill(first, SIGSEGV);
  DAEMON_UNTIL(count(&s, " listening ") == 2, &s.d);
  assert_true(is_open(&s));
  assert_int_equal(role(&s, "core"), core);
  assert_true(role(&s, "front") != first);
  daemon_stop(&s.d);
  forget(&s);
}

static void without_core_or_signer_it_ends(void **unused)
{
  (void)unused;
  static const char *const vital[] = {"core", "signer"};
  struct story s = tell();
  for (size_t i = 0; i < 2; i++) {
    daemon_start(&s.d);
    kill(role(&s, vital[i]), SIGKILL);
    assert_int_equal(daemon_end(&s.d), 5);
    assert_false(is_open(&s));
  }
  daemon_start(&s.d); /* and it is as well as before */
  daemon_stop(&s.d);
  forget(&s);
}

/* The parent is slow to hear of it, and the core is not; it must not be taken for the reason. */
static void who_ended_first_is_told_as_the_reason(void **unused)
{
  (void)unused;
  struct story s = tell();
  daemon_start(&s.d);
  const pid_t signer = role(&s, "signer");
  kill(s.d.pid, SIGSTOP);
  kill(signer, SIGKILL);
  DAEMON_UNTIL(daemon_says(&s.d, "signer-lost") || daemon_says(&s.d, "hub-failed"), &s.d);
  kill(s.d.pid, SIGCONT);
  assert_int_equal(daemon_end(&s.d), 5);
  assert_true(daemon_says(&s.d, "role-died role=signer"));
  assert_false(daemon_says(&s.d, "role-died role=core"));
  assert_false(daemon_says(&s.d, "hub-failed"));
  forget(&s);
}

static void killed_whole_it_leaves_nothing_behind(void **unused)
{
  (void)unused;
  struct story s = tell();
  daemon_start(&s.d);
  pid_t roles[] = {role(&s, "front"), role(&s, "core"), role(&s, "signer")};
  kill(s.d.pid, SIGKILL);
  assert_int_equal(daemon_end(&s.d), -SIGKILL);
  for (size_t i = 0; i < 3; i++)
    DAEMON_UNTIL(kill(roles[i], 0) != 0 && errno == ESRCH, &s.d);
  daemon_start(&s.d);
  daemon_stop(&s.d);
  forget(&s);
}

static void a_second_one_on_the_same_folder_is_told_so(void **unused)
{
  (void)unused;
  struct story s = tell(), second;
  daemon_start(&s.d);
  second = s;
  daemon_expect_refusal(&second.d, 4, "togunad: ");
  assert_true(daemon_says(&second.d, "data"));
  daemon_stop(&s.d);
  forget(&s);
}

static void an_occupied_port_is_told(void **unused)
{
  (void)unused;
  struct story s = tell();
  int fd;
  s.port = kit_port(&fd);
  assert_int_equal(listen(fd, 1), 0);
  write_config(&s, "");
  daemon_expect_refusal(&s.d, 4, "another program listens at this address");
  close(fd);
  daemon_start(&s.d);
  daemon_stop(&s.d);
  forget(&s);
}

static void what_the_operator_does_wrong_is_said_in_a_sentence(void **unused)
{
  (void)unused;
  struct story s = tell();
  daemon_put(&s.d, "pass", slice_str("another passphrase\n"));
  daemon_expect_refusal(&s.d, 3, "transport.key: ");
  daemon_put(&s.d, "pass", slice_str(PASSPHRASE "\n"));
  assert_int_equal(chmod(kit_path(s.d.folder, "pass"), 0644), 0);
  daemon_expect_refusal(&s.d, 3, "pass: ");
  daemon_put(&s.d, "pass", slice_str(PASSPHRASE "\n"));
  assert_int_equal(rename(kit_path(s.d.folder, "transport.key"), kit_path(s.d.folder, "t.key")), 0);
  daemon_expect_refusal(&s.d, 3, "transport.key: ");
  write_config(&s, "transport-key log.key\n");
  daemon_expect_refusal(&s.d, 3, "holds a key of kind hub-log, not transport");
  write_config(&s, "");
  daemon_put(&s.d, "transport.key", slice_str("toguna/keyfile v1\nkind transport\n"));
  daemon_expect_refusal(&s.d, 3, "transport.key");
  assert_int_equal(rename(kit_path(s.d.folder, "t.key"), kit_path(s.d.folder, "transport.key")), 0);
  write_config(&s, "flsah-per-hour 3\n");
  daemon_expect_refusal(&s.d, 3, "Did you mean flash-per-hour?");
  daemon_put(&s.d, "hub.conf", slice_str("name hub-1\nlisten tcp://127.0.0.1:7700\n"));
  daemon_expect_refusal(&s.d, 3, "exchange is missing");
  write_config(&s, "documents nowhere\n");
  daemon_expect_refusal(&s.d, 3, "nowhere: the folder of documents is not there");
  write_config(&s, "user nobody-of-that-name\n");
  if (geteuid() == 0)
    daemon_expect_refusal(&s.d, 3, "there is no such user");
  assert_int_equal(access(kit_path(s.d.folder, "data"), F_OK), -1);
  write_config(&s, "");
  daemon_start(&s.d);
  daemon_stop(&s.d);
  forget(&s);
}

static void without_a_terminal_it_asks_for_a_file(void **unused)
{
  (void)unused;
  struct story s = tell();
  char text[256];
  snprintf(text, sizeof text, "exchange " EXCHANGE "\nname hub-1\nlisten tcp://127.0.0.1:%u\n", s.port);
  daemon_put(&s.d, "hub.conf", slice_str(text));
  daemon_expect_refusal(&s.d, 2, "there is no terminal");
  forget(&s);
}

static void a_document_that_is_none_costs_only_itself(void **unused)
{
  (void)unused;
  struct story s = tell();
  daemon_put(&s.d, "documents/a.note", slice_str("no note\n"));
  daemon_start(&s.d);
  assert_true(daemon_says(&s.d, "document-refused"));
  assert_true(daemon_says(&s.d, "a.note"));
  kill(s.d.pid, SIGHUP);
  DAEMON_UNTIL(count(&s, "documents-taken") == 2, &s.d);
  daemon_stop(&s.d);
  forget(&s);
}

static void nothing_secret_is_seen_from_outside(void **unused)
{
  (void)unused;
  static const char *const roles[] = {"front", "core", "signer"};
  struct story s = tell();
  daemon_start(&s.d);
  for (size_t i = 0; i < 3; i++) {
    char path[64];
    struct buf b = buf_new(1 << 16);
    snprintf(path, sizeof path, "/proc/%ld/environ", (long)role(&s, roles[i]));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *at = buf_grow(&b, 1 << 15);
    ssize_t n = fd >= 0 ? read(fd, at, 1 << 15) : 0;
    assert_true(n > 0 || geteuid() != 0); /* who is not root may not even look */
    assert_null(memmem(at, n > 0 ? (size_t)n : 0, PASSPHRASE, strlen(PASSPHRASE)));
    if (fd >= 0)
      close(fd);
    buf_free(&b);
  }
  assert_false(daemon_says(&s.d, PASSPHRASE));
  daemon_stop(&s.d);
  forget(&s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_starts_stops_and_starts_again),
      cmocka_unit_test(a_check_starts_nothing),
      cmocka_unit_test(a_killed_front_comes_back),
      cmocka_unit_test(without_core_or_signer_it_ends),
      cmocka_unit_test(who_ended_first_is_told_as_the_reason),
      cmocka_unit_test(killed_whole_it_leaves_nothing_behind),
      cmocka_unit_test(a_second_one_on_the_same_folder_is_told_so),
      cmocka_unit_test(an_occupied_port_is_told),
      cmocka_unit_test(what_the_operator_does_wrong_is_said_in_a_sentence),
      cmocka_unit_test(without_a_terminal_it_asks_for_a_file),
      cmocka_unit_test(a_document_that_is_none_costs_only_itself),
      cmocka_unit_test(nothing_secret_is_seen_from_outside),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
