/* toguna-node as the person who runs it meets it: started without a hub, spoken to by programs, killed in
 * parts, started wrongly. */
#include "tests/kit/exchange.h"
#include "tests/kit/daemon.h"

#include "client/local.h"
#include "keys/codec.h"
#include "keys/keyfile.h"
#include "os/file.h"
#include "os/unix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <sys/stat.h>

#define PASSPHRASE "a long passphrase"

/* ---- waiting; the log is the only thing that tells */

struct story {
  struct daemon d;
  struct kit *kit;
  size_t documents;
};

/* ---- what somebody prepares */

static void write_key(const struct story *s, const char *name, const struct secret_key *key)
{
  struct buf bytes = buf_new(KEYFILE_BYTES_MAX);
  assert_int_equal(keyfile_seal(key, slice_str(PASSPHRASE), KEYFILE_COST_TEST, &bytes, NULL), TG_OK);
  daemon_put(&s->d, name, buf_slice(&bytes));
  buf_free(&bytes);
}

/* In the wrong order of names: the node finds the right one. */
static void write_document(void *context, struct slice note)
{
  struct story *s = context;
  char name[64];
  snprintf(name, sizeof name, "documents/%02zu.note", 99 - s->documents++);
  daemon_put(&s->d, name, note);
}

static void write_config(const struct story *s, const char *more)
{
  char text[2048], exchange[HASH_TEXT];
  hash_print(&s->kit->exchange, exchange);
  snprintf(text, sizeof text, "exchange %s\nsocket node.sock\npassphrase-file pass\n%s", exchange, more);
  daemon_put(&s->d, "node.conf", slice_str(text));
}

static struct story prepare(void)
{
  struct story s = {.d = {.folder = kit_folder(), .program = TOGUNA_NODE, .config = "node.conf"}};
  assert_true(sodium_init() >= 0);
  s.kit = kit_new(2, clock_wall() - TG_DAY, NULL);
  const struct kit_node *node = &s.kit->member[0].node[0];
  assert_int_equal(mkdir(kit_path(s.d.folder, "documents"), 0700), 0);
  write_key(&s, "node.key", node->identity);
  write_key(&s, "transport.key", node->transport);
  write_key(&s, "witness.key", node->witness);
  daemon_put(&s.d, "pass", slice_str(PASSPHRASE "\n"));
  kit_each_document(s.kit, write_document, &s);
  write_config(&s, "");
  return s;
}

static void forget(struct story *s)
{
  kit_remove(s->d.folder);
  kit_free(s->kit);
}

/* ---- running */

/* The process of a role among our children's children; 0 when there is none. */
static pid_t role(const struct story *s, const char *name)
{
  char path[300], line[512] = "", wanted[64];
  struct dirent *e;
  DIR *proc = opendir("/proc");
  pid_t found = 0;
  snprintf(wanted, sizeof wanted, "toguna-node: %s", name);
  while (!found && (e = readdir(proc))) {
    long pid = strtol(e->d_name, NULL, 10);
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%ld/cmdline", pid);
    FILE *f = pid > 0 ? fopen(path, "r") : NULL;
    size_t n = f ? fread(line, 1, sizeof line - 1, f) : 0;
    if (f)
      fclose(f);
    line[n] = 0;
    if (!n || strcmp(line, wanted) != 0)
      continue;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    f = fopen(path, "r");
    if (f && fscanf(f, "%*d (%*[^)]) %*c %d", &parent) == 1 && parent == s->d.pid)
      found = (pid_t)pid;
    if (f)
      fclose(f);
  }
  closedir(proc);
  return found;
}

/* ---- a program */

static int connect_to(const struct story *s)
{
  int fd;
  struct tg_why why = {0};
  assert_int_equal(unix_connect(kit_path(s->d.folder, "node.sock"), &fd, &why), TG_OK);
  assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
  return fd;
}

static void say_bytes(int fd, struct slice frame)
{
  uint8_t head[4] = {(uint8_t)(frame.n >> 24), (uint8_t)(frame.n >> 16), (uint8_t)(frame.n >> 8),
                     (uint8_t)frame.n};
  assert_int_equal(write(fd, head, 4), 4);
  assert_int_equal(write(fd, frame.p, frame.n), (ssize_t)frame.n);
}

static void say(int fd, enum local_type type, const ProtobufCMessage *message)
{
  struct buf frame = buf_new(LOCAL_FRAME);
  assert_int_equal(local_encode(type, message, &frame, NULL), TG_OK);
  say_bytes(fd, buf_slice(&frame));
  buf_free(&frame);
}

static bool read_all(int fd, uint8_t *to, size_t n)
{
  for (size_t got = 0; got < n;) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ssize_t more = poll(&p, 1, DEADLINE_MS) == 1 ? read(fd, to + got, n - got) : 0;
    if (more <= 0)
      return false;
    got += (size_t)more;
  }
  return true;
}

/* The next frame as a message in the arena; NULL when the node has hung up. */
static const ProtobufCMessage *hear(int fd, struct arena *arena, enum local_type type)
{
  static uint8_t bytes[LOCAL_FRAME];
  uint8_t head[4];
  const struct local_kind *kind;
  ProtobufCMessage *message;
  if (!read_all(fd, head, 4))
    return NULL;
  size_t n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
  assert_true(n <= sizeof bytes && read_all(fd, bytes, n));
  assert_int_equal(local_decode(slice_of(bytes, n), LOCAL_TO_PROGRAM, arena, &kind, &message, NULL), TG_OK);
  assert_int_equal(kind->type, type);
  return message;
}

static int greet(const struct story *s, struct arena *arena)
{
  Tg__LHello hello = TG__LHELLO__INIT;
  hello.request = 1;
  hello.protocol = LOCAL_PROTOCOL;
  int fd = connect_to(s);
  say(fd, LOCAL_HELLO, &hello.base);
  const Tg__LWelcome *w = (const Tg__LWelcome *)hear(fd, arena, LOCAL_WELCOME);
  assert_non_null(w);
  assert_true(slice_is(strict_slice(w->node), "ML/ops/n1"));
  assert_int_equal(w->n_roles, 6); /* who runs it is admin */
  return fd;
}

static void ask_status(int fd, struct arena *arena)
{
  Tg__LQuery query = TG__LQUERY__INIT;
  query.request = 2;
  query.what = strict_data(slice_str("status"));
  say(fd, LOCAL_QUERY, &query.base);
  const Tg__LJson *j = (const Tg__LJson *)hear(fd, arena, LOCAL_JSON);
  assert_true(j && j->end && j->json.len > 0);
}

/* ---- stories */

static void it_starts_without_a_hub_answers_programs_and_stops(void **state)
{
  (void)state;
  struct story s = prepare();
  struct arena *arena = arena_new(LOCAL_ARENA);
  daemon_start(&s.d);
  int fd = greet(&s, arena);
  ask_status(fd, arena);
  assert_false(daemon_says(&s.d, "document-not-taken"));
  assert_int_equal(kill(s.d.pid, SIGTERM), 0);
  const Tg__LError *bye = (const Tg__LError *)hear(fd, arena, LOCAL_ERROR);
  assert_true(bye && bye->err == TG_UNREACHABLE);
  assert_int_equal(daemon_end(&s.d), 0);
  close(fd);
  daemon_start(&s.d); /* a second time, on what the first left */
  close(greet(&s, arena));
  daemon_stop(&s.d);
  arena_free(arena);
  forget(&s);
}

static void garbage_costs_its_own_connection_only(void **state)
{
  (void)state;
  struct story s = prepare();
  struct arena *arena = arena_new(LOCAL_ARENA);
  uint8_t junk[3000];
  daemon_start(&s.d);
  int good = greet(&s, arena);
  for (unsigned i = 0; i < 40; i++) {
    int fd = connect_to(&s);
    randombytes_buf(junk, sizeof junk);
    if (i % 2) /* whole frames of garbage; or no frames at all */
      say_bytes(fd, slice_of(junk, sizeof junk));
    else if (write(fd, junk, sizeof junk) < 0)
      assert_int_equal(errno, EPIPE);
    if (i % 4 == 1)
      assert_int_equal(((const Tg__LError *)hear(fd, arena, LOCAL_ERROR))->request, 0);
    close(fd);
  }
  int huge = connect_to(&s);
  static const uint8_t head[4] = {0x7f, 0xff, 0xff, 0xff};
  assert_int_equal(write(huge, head, 4), 4);
  assert_null(hear(huge, arena, LOCAL_ERROR)); /* hung up, nothing allocated */
  close(huge);
  ask_status(good, arena);
  close(good);
  daemon_stop(&s.d);
  arena_free(arena);
  forget(&s);
}

static void a_dead_link_is_started_again_and_programs_notice_nothing(void **state)
{
  (void)state;
  struct story s = prepare();
  struct arena *arena = arena_new(LOCAL_ARENA);
  daemon_start(&s.d);
  int fd = greet(&s, arena);
  pid_t before = role(&s, "link"), after = 0;
  assert_true(before > 0);
  assert_int_equal(kill(before, SIGKILL), 0);
  DAEMON_UNTIL((after = role(&s, "link")) > 0 && after != before, &s.d);
  DAEMON_UNTIL(daemon_says(&s.d, "link-gone"), &s.d);
  ask_status(fd, arena);
  close(fd);
  daemon_stop(&s.d);
  arena_free(arena);
  forget(&s);
}

static void a_dead_core_ends_the_program_and_the_next_start_goes_on(void **state)
{
  (void)state;
  struct story s = prepare();
  struct arena *arena = arena_new(LOCAL_ARENA);
  daemon_start(&s.d);
  pid_t core = role(&s, "core"), link = role(&s, "link");
  assert_int_equal(kill(core, SIGKILL), 0);
  assert_int_equal(daemon_end(&s.d), 5);
  assert_int_not_equal(kill(link, 0), 0);
  daemon_start(&s.d);
  int fd = greet(&s, arena);
  ask_status(fd, arena);
  close(fd);
  kill(s.d.pid, SIGKILL); /* and the parent: none of its children stays */
  daemon_end(&s.d);
  daemon_start(&s.d);
  daemon_stop(&s.d);
  arena_free(arena);
  forget(&s);
}

static void a_second_one_on_the_folder_is_refused(void **state)
{
  (void)state;
  struct story s = prepare();
  daemon_start(&s.d);
  struct story second = s;
  daemon_expect_refusal(&second.d, 4, "toguna-node: ");
  assert_false(daemon_says(&second.d, "ready"));
  daemon_stop(&s.d);
  forget(&s);
}

static void wrong_starts_get_one_sentence_and_their_exit_code(void **state)
{
  (void)state;
  struct story s = prepare();
  write_config(&s, "scoket /tmp/x\n");
  daemon_expect_refusal(&s.d, 3, "socket"); /* the nearest keyword */
  write_config(&s, "user nobody-of-this-name reader\n");
  daemon_expect_refusal(&s.d, 3, "no user nobody-of-this-name");
  write_config(&s, "user root poet\n");
  daemon_expect_refusal(&s.d, 3, "unknown role poet");
  write_config(&s, "hook x relative/path\n");
  daemon_expect_refusal(&s.d, 3, "absolute path");
  write_config(&s, "");
  daemon_put(&s.d, "pass", slice_str("something else\n"));
  daemon_expect_refusal(&s.d, 3, "node.key");
  daemon_put(&s.d, "pass", slice_str(PASSPHRASE "\n"));
  daemon_put(&s.d, "node.key", slice_str("toguna/keyfile v1\nrubbish\n"));
  daemon_expect_refusal(&s.d, 3, "node.key");
  write_key(&s, "node.key", s.kit->member[0].node[0].transport);
  daemon_expect_refusal(&s.d, 3, "not node");
  assert_int_equal(unlink(kit_path(s.d.folder, "node.conf")), 0);
  daemon_expect_refusal(&s.d, 3, "cannot be read");
  daemon_run(&s.d, "--no-such-option");
  assert_int_equal(daemon_end(&s.d), 2);
  forget(&s);
}

/* What stops a start stops a check, and a check leaves nothing behind; the node it is about may run meanwhile. */
static void a_check_opens_the_keys_and_starts_nothing(void **state)
{
  (void)state;
  struct story s = prepare();
  daemon_run(&s.d, "--check");
  assert_int_equal(daemon_end(&s.d), 0);
  assert_true(daemon_says(&s.d, "is in order"));
  assert_int_equal(access(kit_path(s.d.folder, "data"), F_OK), -1);
  daemon_start(&s.d);
  struct story beside = s;
  daemon_run(&beside.d, "--check");
  assert_int_equal(daemon_end(&beside.d), 0);
  daemon_stop(&s.d);
  assert_int_equal(chmod(kit_path(s.d.folder, "pass"), 0644), 0);
  daemon_run(&s.d, "--check");
  assert_int_equal(daemon_end(&s.d), 3);
  assert_true(daemon_says(&s.d, "pass"));
  daemon_put(&s.d, "pass", slice_str("something else\n"));
  daemon_run(&s.d, "--check");
  assert_int_equal(daemon_end(&s.d), 3);
  assert_true(daemon_says(&s.d, "node.key") && !daemon_says(&s.d, "is in order"));
  forget(&s);
}

static void a_socket_in_use_or_too_long_is_told(void **state)
{
  (void)state;
  struct story s = prepare();
  char line[300];
  int fd;
  assert_int_equal(unix_listen(kit_path(s.d.folder, "node.sock"), 0600, &fd, NULL), TG_OK);
  daemon_expect_refusal(&s.d, 4, "node.sock");
  close(fd);
  snprintf(line, sizeof line, "%0*d", 150, 0);
  char text[600], exchange[HASH_TEXT];
  hash_print(&s.kit->exchange, exchange);
  snprintf(text, sizeof text, "exchange %s\nsocket /tmp/%s\npassphrase-file pass\n", exchange, line);
  daemon_put(&s.d, "node.conf", slice_str(text));
  daemon_expect_refusal(&s.d, 3, "cannot-start");
  forget(&s);
}

static void a_folder_of_another_node_is_left_alone(void **state)
{
  (void)state;
  struct story s = prepare();
  daemon_start(&s.d);
  daemon_stop(&s.d);
  write_key(&s, "node.key", s.kit->member[1].node[0].identity);
  daemon_expect_refusal(&s.d, 3, "cannot-start");
  write_key(&s, "node.key", s.kit->member[0].node[0].identity);
  daemon_start(&s.d);
  daemon_stop(&s.d);
  forget(&s);
}

static void documents_are_read_again_on_sighup(void **state)
{
  (void)state;
  struct story s = prepare();
  daemon_start(&s.d);
  daemon_put(&s.d, "documents/zz.note", slice_str("this is no note\n"));
  assert_int_equal(kill(s.d.pid, SIGHUP), 0);
  DAEMON_UNTIL(daemon_says(&s.d, "document-not-taken"), &s.d);
  daemon_stop(&s.d);
  forget(&s);
}

int main(void)
{
  signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_starts_without_a_hub_answers_programs_and_stops),
      cmocka_unit_test(garbage_costs_its_own_connection_only),
      cmocka_unit_test(a_dead_link_is_started_again_and_programs_notice_nothing),
      cmocka_unit_test(a_dead_core_ends_the_program_and_the_next_start_goes_on),
      cmocka_unit_test(a_second_one_on_the_folder_is_refused),
      cmocka_unit_test(wrong_starts_get_one_sentence_and_their_exit_code),
      cmocka_unit_test(a_check_opens_the_keys_and_starts_nothing),
      cmocka_unit_test(a_socket_in_use_or_too_long_is_told),
      cmocka_unit_test(a_folder_of_another_node_is_left_alone),
      cmocka_unit_test(documents_are_read_again_on_sighup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
