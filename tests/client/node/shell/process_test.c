/* The link and the hook runner as real processes, by themselves: the test is parent, core and hub. This file is also the program
   whose roles they are. */
#include "tests/os/kit.h"

#include "client/node/shell/brief.h"
#include "client/node/shell/link.h"
#include "client/node/shell/runner.h"
#include "client/node/shell/wire.h"
#include "os/control.h"
#include "os/file.h"
#include "os/pipe.h"
#include "os/unix.h"
#include "os/zsock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define EXCHANGE "exchange 5d0b0a4f9a0c0f5e2a4c8d7be0a1f3c29e8d7c6b5a493827160f5e4d3c2b1a09\n"

static const struct role roles[] = {{.name = "link", .main = link_main}, {.name = "hooks", .main = runner_main}};

/* ---- the process under test */

struct child {
  pid_t pid;
  int control;
  struct loop *loop;
  struct pipe *pipe;
  struct buf heard; /* messages of the process, each with its length before it */
  char *folder;
};

static void on_frame(void *arg, struct slice frame)
{
  struct child *c = arg;
  buf_put_u32(&c->heard, (uint32_t)frame.n);
  buf_put_slice(&c->heard, frame);
}

static void on_closed(void *arg, enum tg_err why)
{
  (void)why;
  pipe_free(&((struct child *)arg)->pipe);
}

static void become(const char *role, int control, int brief)
{
  char title[64];
  snprintf(title, sizeof title, "test: %s", role);
  char *argv[] = {title, NULL};
  int c = fcntl(control, F_DUPFD, 16), b = fcntl(brief, F_DUPFD, 16);
  sigset_t wait;
  sigemptyset(&wait);
  sigaddset(&wait, SIGTERM);
  sigprocmask(SIG_SETMASK, &wait, NULL);
  if (dup2(c, CONTROL_FD) < 0 || dup2(b, CONTROL_BRIEF_FD) < 0)
    _exit(99);
  close_range(CONTROL_BRIEF_FD + 1, ~0u, 0);
  execv("/proc/self/exe", argv);
  _exit(99);
}

static void give(int control, int brief_fd, int channel, const struct buf *brief)
{
  uint8_t head[4] = {0, (uint8_t)(brief->n >> 16), (uint8_t)(brief->n >> 8), (uint8_t)brief->n};
  assert_int_equal(write(brief_fd, head, 4), 4);
  assert_int_equal(write(brief_fd, brief->p, brief->n), (ssize_t)brief->n);
  close(brief_fd);
  assert_int_equal(control_send(control, CONTROL_CHANNEL, "core", channel), TG_OK);
  assert_int_equal(control_send(control, CONTROL_START, NULL, -1), TG_OK);
  close(channel);
}

static struct child *start(const char *role, const char *conf, struct secret_key *transport)
{
  static const struct pipe_events events = {.frame = on_frame, .closed = on_closed};
  static const struct pipe_limits limits = {.max_frame = 2 << 20, .max_queue = 4 << 20};
  struct child *c = calloc(1, sizeof *c);
  struct settings *settings = NULL;
  struct node_keys keys = {.transport = transport};
  struct buf brief = buf_new(1 << 18);
  struct control_message m = {.type = CONTROL_START};
  int control[2], brief_fd[2], channel[2];
  struct tg_why why = {0};
  assert_int_equal(settings_parse("/tmp/node.conf", slice_str(conf), &settings, &why), TG_OK);
  assert_int_equal(brief_put(settings, &keys, &brief), TG_OK);
  assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), 0);
  assert_int_equal(pipe2(brief_fd, O_CLOEXEC), 0);
  assert_int_equal(unix_pair(channel), TG_OK);
  c->pid = fork();
  if (c->pid == 0)
    become(role, control[1], brief_fd[0]);
  close(control[1]);
  close(brief_fd[0]);
  give(control[0], brief_fd[1], channel[1], &brief);
  c->control = control[0];
  c->loop = loop_new();
  c->heard = buf_new(64 << 20);
  assert_int_equal(pipe_new(c->loop, channel[0], &limits, &events, c, &c->pipe), TG_OK);
  KIT_UNTIL(c->loop, control_receive(c->control, false, &m) != TG_BUSY);
  assert_int_equal(m.type, CONTROL_READY);
  buf_free(&brief);
  settings_free(settings);
  return c;
}

static void stop(struct child *c)
{
  int status;
  pid_t got = 0;
  assert_int_equal(kill(c->pid, SIGTERM), 0);
  KIT_UNTIL(c->loop, (got = waitpid(c->pid, &status, WNOHANG)) != 0);
  assert_int_equal(status, 0);
  pipe_free(&c->pipe);
  loop_free(c->loop);
  buf_free(&c->heard);
  close(c->control);
  free(c);
}

/* The next message of the process, without its first byte, which must be this. */
static struct slice expect(struct child *c, enum wire what)
{
  static uint8_t message[2 << 20];
  KIT_UNTIL(c->loop, c->heard.n > 0);
  struct slice rest = buf_slice(&c->heard), bytes;
  uint32_t n;
  assert_true(take_u32(&rest, &n) && take(&rest, n, &bytes) && n > 0 && n <= sizeof message);
  memcpy(message, bytes.p, n);
  memmove(c->heard.p, rest.p, rest.n);
  c->heard.n = rest.n;
  assert_int_equal(message[0], what);
  return slice_of(message + 1, n - 1);
}

/* ---- hooks */

static void order(struct child *c, uint64_t number, uint32_t hook, const char *json)
{
  struct buf message = buf_new(1 << 20);
  buf_put_u8(&message, WIRE_RUN);
  buf_put_u64(&message, number);
  buf_put_u32(&message, hook);
  buf_put_str(&message, json);
  assert_int_equal(pipe_send(c->pipe, buf_slice(&message)), TG_OK);
  buf_free(&message);
}

static void expect_end(struct child *c, uint64_t number, int code)
{
  struct slice message = expect(c, WIRE_ENDED);
  uint64_t got;
  uint32_t ended = 0;
  assert_true(take_u64(&message, &got) && take_u32(&message, &ended));
  assert_int_equal(got, number);
  assert_int_equal((int)ended - 1, code);
}

static char *script(const char *folder, const char *name, const char *text)
{
  char *path = strdup(kit_path(folder, name));
  assert_int_equal(file_write(path, slice_str(text), 0700, NULL), TG_OK);
  return path;
}

static void a_hook_gets_its_bulletin_and_nothing_else(void **state)
{
  (void)state;
  char conf[1024], text[512];
  char *folder = kit_folder();
  snprintf(text, sizeof text, "#!/bin/sh\n{ cat; echo; env -u PWD -u SHLVL -u _ | wc -l; echo \"$1\"; } > %s/out\n", folder);
  char *path = script(folder, "hook", text);
  setenv("SECRET", "not for hooks", 1);
  snprintf(conf, sizeof conf, EXCHANGE "hook file %s \"one word\"\nhook-folder %s\n", path, folder);
  struct child *c = start("hooks", conf, NULL);
  order(c, 7, 0, "{\"bulletin\":\"x\"}");
  expect_end(c, 7, 0);
  struct buf out = buf_new(4096);
  assert_int_equal(file_read(kit_path(folder, "out"), 4096, &out, NULL), TG_OK);
  buf_put_u8(&out, 0);
  assert_string_equal((const char *)out.p, "{\"bulletin\":\"x\"}\n0\none word\n");
  buf_free(&out);
  stop(c);
  free(path);
  kit_remove(folder);
}

static void hooks_fail_hang_and_never_start(void **state)
{
  (void)state;
  char conf[1024];
  char *folder = kit_folder();
  char *fails = script(folder, "fails", "#!/bin/sh\nexit 3\n");
  char *hangs = script(folder, "hangs", "#!/bin/sh\nsleep 1000 & sleep 1000\n");
  char *gone = script(folder, "gone", "#!/bin/sh\n");
  snprintf(conf, sizeof conf, EXCHANGE "hook-time 4s\nhook a %s\nhook b %s\nhook c %s\n", fails, hangs, gone);
  struct child *c = start("hooks", conf, NULL);
  unlink(gone);
  order(c, 1, 0, "{}");
  expect_end(c, 1, 3);
  order(c, 2, 2, "{}");
  expect_end(c, 2, 127);
  order(c, 3, 1, "{}");
  order(c, 4, 0, "{}"); /* the other one does not wait for it */
  expect_end(c, 4, 3);
  order(c, 5, 1, "{}"); /* one at a time */
  expect_end(c, 5, -1);
  expect_end(c, 3, -1);
  order(c, 6, 1, "{}");
  stop(c); /* while one hangs */
  free(fails);
  free(hangs);
  free(gone);
  kit_remove(folder);
}

/* ---- the link */

struct hub {
  struct zauth *auth;
  struct zsock *socket;
  struct secret_key *key;
  size_t frames;
  struct seal_pk from;
  char last[64];
};

static void on_hub_message(void *arg, const struct seal_pk *from, struct slice body)
{
  struct hub *h = arg;
  h->frames++;
  h->from = *from;
  snprintf(h->last, sizeof h->last, "%.*s", (int)body.n, (const char *)body.p);
}

static struct hub *hub_open(struct loop *l, const struct secret_key *admitted, const char *endpoint)
{
  static const struct zsock_events events = {.message = on_hub_message};
  struct hub *h = calloc(1, sizeof *h);
  struct tg_why why = {0};
  struct seal_pk key = secret_key_seal_pk(admitted);
  assert_int_equal(secret_key_new(KEY_TRANSPORT, "sahel.example/hub1", &h->key), TG_OK);
  assert_int_equal(zauth_new(&h->auth, &why), TG_OK);
  struct zsock_server_options options = {.endpoint = endpoint, .secret_key = secret_key_x25519(h->key), .max_body = 1 << 20};
  assert_int_equal(zsock_server(h->auth, &options, &h->socket, &why), TG_OK);
  assert_int_equal(zsock_allow(h->socket, &key, 1), TG_OK);
  assert_int_equal(zsock_watch(h->socket, l, &events, h), TG_OK);
  return h;
}

static void hub_close(struct hub *h)
{
  zsock_free(&h->socket);
  zauth_free(&h->auth);
  secret_key_free(h->key);
  free(h);
}

static void connect_to(struct child *c, const char *endpoint, const struct secret_key *hub)
{
  struct buf message = buf_new(512);
  struct seal_pk key = secret_key_seal_pk(hub);
  buf_put_u8(&message, WIRE_CONNECT);
  buf_put(&message, key.b, sizeof key.b);
  buf_put_str(&message, endpoint);
  assert_int_equal(pipe_send(c->pipe, buf_slice(&message)), TG_OK);
  buf_free(&message);
}

static void send_frame(struct child *c, uint32_t session, const char *frame)
{
  struct buf message = buf_new(512);
  buf_put_u8(&message, WIRE_SEND);
  buf_put_u32(&message, session);
  buf_put_str(&message, frame);
  assert_int_equal(pipe_send(c->pipe, buf_slice(&message)), TG_OK);
  buf_free(&message);
}

static uint32_t expect_up(struct child *c)
{
  struct slice message = expect(c, WIRE_UP);
  uint32_t session = 0;
  assert_true(take_u32(&message, &session));
  return session;
}

static void frames_travel_both_ways_and_never_into_another_session(void **state)
{
  (void)state;
  struct secret_key *me, *stranger;
  assert_int_equal(secret_key_new(KEY_TRANSPORT, "sahel.example/ML/ops/n1", &me), TG_OK);
  assert_int_equal(secret_key_new(KEY_TRANSPORT, "sahel.example/BF/ops/n1", &stranger), TG_OK);
  struct child *c = start("link", EXCHANGE, me);
  struct hub *h = hub_open(c->loop, me, "tcp://127.0.0.1:*");
  send_frame(c, 0, "\1\7early"); /* nobody is there */
  assert_int_equal(expect(c, WIRE_DROPPED).p[0], 7);
  connect_to(c, zsock_endpoint(h->socket), h->key);
  uint32_t session = expect_up(c);
  send_frame(c, session, "\1\1hello");
  KIT_UNTIL(c->loop, h->frames == 1);
  assert_string_equal(h->last, "\1\1hello");
  assert_memory_equal(h->from.b, secret_key_public(me), 32);
  assert_int_equal(zsock_send(h->socket, &h->from, slice_str("welcome")), TG_OK);
  assert_true(slice_is(expect(c, WIRE_FRAME), "welcome"));

  assert_true(zsock_cut(h->socket, &h->from) > 0); /* it comes back by itself, with a new number */
  expect(c, WIRE_LOST);
  uint32_t next = expect_up(c);
  assert_int_not_equal(next, session);
  send_frame(c, session, "\1\5of the past");
  assert_int_equal(expect(c, WIRE_DROPPED).p[0], 5);
  send_frame(c, next, "\1\1hello again");
  KIT_UNTIL(c->loop, h->frames == 2);
  assert_string_equal(h->last, "\1\1hello again");

  connect_to(c, zsock_endpoint(h->socket), stranger); /* who answers there has another key */
  expect(c, WIRE_ANOTHER);
  hub_close(h); /* before the loop it is joined to */
  stop(c);

  c = start("link", EXCHANGE, stranger); /* and a hub that does not admit us says so */
  h = hub_open(c->loop, me, "tcp://127.0.0.1:*");
  connect_to(c, zsock_endpoint(h->socket), h->key);
  expect(c, WIRE_REFUSED);
  hub_close(h);
  stop(c);
  secret_key_free(me);
  secret_key_free(stranger);
}

/* What is to fail says so. */
enum tg_err __real_zsock_send(struct zsock *z, const struct seal_pk *to, struct slice body);
enum tg_err __wrap_zsock_send(struct zsock *z, const struct seal_pk *to, struct slice body);
enum tg_err __wrap_zsock_send(struct zsock *z, const struct seal_pk *to, struct slice body)
{
  return slice_is(body, "\1\7it fails") ? TG_INTERNAL : __real_zsock_send(z, to, body);
}

/* Both frames are there when the process reads. It would be started anew. */
static void nothing_follows_a_frame_that_cannot_be_sent(void **state)
{
  (void)state;
  struct secret_key *me;
  int status;
  pid_t got = 0;
  assert_int_equal(secret_key_new(KEY_TRANSPORT, "sahel.example/ML/ops/n1", &me), TG_OK);
  struct child *c = start("link", EXCHANGE, me);
  struct hub *h = hub_open(c->loop, me, "tcp://127.0.0.1:*");
  connect_to(c, zsock_endpoint(h->socket), h->key);
  const uint32_t session = expect_up(c);
  send_frame(c, session, "\1\7it fails");
  send_frame(c, session, "\1\7behind it");
  KIT_UNTIL(c->loop, (got = waitpid(c->pid, &status, WNOHANG)) != 0);
  assert_true(got == c->pid && WIFEXITED(status) && WEXITSTATUS(status) != 0);
  struct child *next = start("link", EXCHANGE, me);
  connect_to(next, zsock_endpoint(h->socket), h->key);
  KIT_UNTIL(c->loop, (loop_turn(next->loop, 0), next->heard.n > 0));
  send_frame(next, expect_up(next), "\1\1hello");
  KIT_UNTIL(c->loop, (loop_turn(next->loop, 0), h->frames > 0));
  assert_string_equal(h->last, "\1\1hello");
  assert_int_equal(h->frames, 1);
  hub_close(h);
  stop(next);
  pipe_free(&c->pipe);
  loop_free(c->loop);
  buf_free(&c->heard);
  close(c->control);
  free(c);
  secret_key_free(me);
}

int main(int argc, char **argv)
{
  if (sodium_init() < 0)
    return 1;
  if (role_is_child(argc, argv))
    return role_main(argv, roles, sizeof roles / sizeof *roles);
  signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_hook_gets_its_bulletin_and_nothing_else),
      cmocka_unit_test(hooks_fail_hang_and_never_start),
      cmocka_unit_test(frames_travel_both_ways_and_never_into_another_session),
      cmocka_unit_test(nothing_follows_a_frame_that_cannot_be_sent),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
