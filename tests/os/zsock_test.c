/* ZeroMQ with real TCP connections: who is let in, who is not, and that a revoked peer's connection is really
   gone. */
#include "kit.h"
#include "os/log.h"
#include "os/zpeers.h"
#include "os/zsock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <zmq.h>

#define MAX_BODY 100000

/* --- faults of the library's set-up, by --wrap */

static bool no_handler, no_domain, no_enforce, enforce_fails;
static int outgoing, incoming; /* messages that may wait at a server, as set last */

int __real_zmq_bind(void *socket, const char *address);
int __wrap_zmq_bind(void *socket, const char *address);
int __real_zmq_setsockopt(void *socket, int option, const void *value, size_t n);
int __wrap_zmq_setsockopt(void *socket, int option, const void *value, size_t n);

int __wrap_zmq_bind(void *socket, const char *address)
{
  if (no_handler && strstr(address, "zap"))
    return __real_zmq_bind(socket, "inproc://elsewhere");
  return __real_zmq_bind(socket, address);
}

int __wrap_zmq_setsockopt(void *socket, int option, const void *value, size_t n)
{
  if ((no_domain && option == ZMQ_ZAP_DOMAIN) || (no_enforce && option == 93))
    return 0;
  int type = 0;
  size_t size = sizeof type;
  if ((option == ZMQ_SNDHWM || option == ZMQ_RCVHWM) && zmq_getsockopt(socket, ZMQ_TYPE, &type, &size) == 0 && type == ZMQ_ROUTER)
    *(option == ZMQ_SNDHWM ? &outgoing : &incoming) = *(const int *)value;
  if (enforce_fails && option == 93) {
    errno = EINVAL;
    return -1;
  }
  return __real_zmq_setsockopt(socket, option, value, n);
}

/* --- people */

struct node {
  struct seal_pk pk;
  uint8_t sk[32];
  void *context, *raw; /* raw: raw_open() */
  struct zsock *sock;
  unsigned up, down, refused, failed, received;
  size_t bytes;
  char last[64];
};

struct hub {
  struct seal_pk pk;
  uint8_t sk[32];
  struct zauth *auth;
  struct zsock *sock;
  unsigned received, writable;
  struct seal_pk from;
  char last[64];
  bool echo;
};

static struct loop *l;
static struct hub hub;
static struct node a, b;

static void make_key(struct seal_pk *pk, uint8_t sk[32])
{
  uint8_t p[32];
  crypto_box_keypair(p, sk);
  memcpy(pk->b, p, 32);
}

static void hub_heard(void *arg, const struct seal_pk *from, struct slice body)
{
  struct hub *h = arg;
  h->received++;
  h->from = *from;
  snprintf(h->last, sizeof h->last, "%.*s", (int)(body.n < 60 ? body.n : 60), (const char *)body.p);
  if (h->echo)
    (void)zsock_send(h->sock, from, body);
}

static void hub_writable(void *arg)
{
  ((struct hub *)arg)->writable++;
}

static void node_heard(void *arg, const struct seal_pk *from, struct slice body)
{
  struct node *n = arg;
  assert_null(from);
  n->received++;
  n->bytes += body.n;
  snprintf(n->last, sizeof n->last, "%.*s", (int)(body.n < 60 ? body.n : 60), (const char *)body.p);
}
static void node_up(void *arg)
{
  ((struct node *)arg)->up++;
}
static void node_down(void *arg)
{
  ((struct node *)arg)->down++;
}
static void node_refused(void *arg)
{
  ((struct node *)arg)->refused++;
}
static void node_failed(void *arg)
{
  ((struct node *)arg)->failed++;
}

static const struct zsock_events hub_events = {.message = hub_heard, .writable = hub_writable};
static const struct zsock_events node_events = {
    .message = node_heard, .up = node_up, .down = node_down, .refused = node_refused, .failed = node_failed};

static enum tg_err hub_open(const char *endpoint, struct tg_why *why)
{
  const struct zsock_server_options o = {
      .endpoint = endpoint, .secret_key = hub.sk, .max_body = MAX_BODY, .queue = 8};
  enum tg_err err = zsock_server(hub.auth, &o, &hub.sock, why);
  if (err == TG_OK)
    assert_int_equal(zsock_watch(hub.sock, l, &hub_events, &hub), TG_OK);
  return err;
}

static void node_open(struct node *n, const struct seal_pk *server)
{
  const struct zsock_client_options o = {.endpoint = zsock_endpoint(hub.sock),
                                         .server_key = server,
                                         .public_key = &n->pk,
                                         .secret_key = n->sk,
                                         .max_body = MAX_BODY,
                                         .queue = 8,
                                         .reconnect_ms = 20,
                                         .reconnect_max_ms = 100};
  if (!n->context)
    n->context = zmq_ctx_new();
  assert_int_equal(zsock_client(n->context, &o, &n->sock, NULL), TG_OK);
  assert_int_equal(zsock_watch(n->sock, l, &node_events, n), TG_OK);
}

static void allow(struct node *one, struct node *two)
{
  struct seal_pk keys[2];
  size_t n = 0;
  if (one)
    keys[n++] = one->pk;
  if (two)
    keys[n++] = two->pk;
  assert_int_equal(zsock_allow(hub.sock, keys, n), TG_OK);
}

static int setup(void **state)
{
  (void)state;
  log_set_level(LOG_ALARM);
  assert_true(sodium_init() >= 0);
  no_handler = no_domain = no_enforce = enforce_fails = false;
  l = loop_new();
  hub = (struct hub){.echo = true};
  a = b = (struct node){0};
  make_key(&hub.pk, hub.sk);
  make_key(&a.pk, a.sk);
  make_key(&b.pk, b.sk);
  assert_int_equal(zauth_new(&hub.auth, NULL), TG_OK);
  assert_int_equal(hub_open("tcp://127.0.0.1:*", NULL), TG_OK);
  return 0;
}

static void node_close(struct node *n)
{
  zsock_free(&n->sock);
  if (n->raw) /* here, so that a test that fails ends: a context waits for its sockets */
    zmq_close(n->raw);
  if (n->context)
    zmq_ctx_term(n->context);
  n->context = n->raw = NULL;
}

static int teardown(void **state)
{
  (void)state;
  node_close(&a);
  node_close(&b);
  zsock_free(&hub.sock);
  zauth_free(&hub.auth);
  loop_free(l);
  return 0;
}

static void say(struct node *n, const char *text)
{
  int64_t end = clock_mono() + DEADLINE_MS;
  while (zsock_send(n->sock, NULL, slice_str(text)) != TG_OK) { /* TG_BUSY until connected */
    loop_turn(l, 10);
    assert_true(clock_mono() < end);
  }
}

/* --- stories */

static void allowed_keys_are_heard_and_known(void **state)
{
  (void)state;
  allow(&a, &b);
  node_open(&a, &hub.pk);
  node_open(&b, &hub.pk);
  say(&a, "from a");
  KIT_UNTIL(l, hub.received == 1 && a.received == 1);
  assert_true(seal_pk_eq(&hub.from, &a.pk));
  assert_string_equal(a.last, "from a");
  say(&b, "from b");
  KIT_UNTIL(l, hub.received == 2 && b.received == 1);
  assert_true(seal_pk_eq(&hub.from, &b.pk));
  assert_int_equal(a.received, 1);
  KIT_UNTIL(l, a.up == 1 && b.up == 1);
  assert_int_equal(zsock_send(hub.sock, &hub.pk, slice_str("x")), TG_UNREACHABLE);
  static const uint8_t big[MAX_BODY + 1];
  assert_int_equal(zsock_send(hub.sock, &a.pk, slice_of(big, MAX_BODY + 1)), TG_TOO_BIG);
  assert_int_equal(zsock_send(hub.sock, &a.pk, slice_of(big, MAX_BODY)), TG_OK);
  KIT_UNTIL(l, a.received == 2);
  assert_int_equal(a.bytes, MAX_BODY + 6);
  assert_int_equal(zsock_counts(hub.sock).received, 2);
}

static void an_unknown_key_is_refused(void **state)
{
  (void)state;
  allow(&a, NULL);
  node_open(&b, &hub.pk);
  KIT_UNTIL(l, b.refused > 0);
  node_open(&a, &hub.pk);
  say(&a, "x");
  KIT_UNTIL(l, hub.received == 1);
  assert_int_equal(b.up, 0);
  assert_true(seal_pk_eq(&hub.from, &a.pk));
  uint64_t yes, no;
  zauth_counts(hub.auth, &yes, &no);
  assert_int_equal(yes, 1);
  assert_true(no >= 2); /* the self-test is one */
}

static void a_node_hears_only_the_hub_it_knows(void **state)
{
  (void)state;
  allow(&a, NULL);
  node_open(&a, &b.pk); /* another server's key */
  KIT_UNTIL(l, a.failed > 1);
  assert_int_equal(a.up, 0);
  assert_int_equal(hub.received, 0);
  assert_int_equal(zsock_send(a.sock, NULL, slice_str("x")), TG_BUSY);
}

/* Set-ups in which libzmq would let strangers in, or nobody would answer: no server comes to be. */
static void a_door_that_does_not_shut_is_not_opened(void **state)
{
  (void)state;
  struct tg_why why;
  zsock_free(&hub.sock);
  zauth_free(&hub.auth);
  no_handler = true;
  assert_int_equal(zauth_new(&hub.auth, NULL), TG_OK);
  no_domain = no_enforce = true; /* everybody would be let in */
  assert_int_equal(hub_open("tcp://127.0.0.1:*", &why), TG_INTERNAL);
  assert_non_null(strstr(why.what, "self-test"));
  no_domain = false; /* still so: the domain alone does not help */
  assert_int_equal(hub_open("tcp://127.0.0.1:*", &why), TG_INTERNAL);
  assert_null(hub.sock);
  no_enforce = false;
  enforce_fails = true;
  assert_int_equal(hub_open("tcp://127.0.0.1:*", &why), TG_INTERNAL);
  assert_non_null(strstr(why.what, "setting"));
  assert_null(hub.sock);
}

/* Refused by the library alone, because no handler answers: not the refusal that proves our handler at
   work. */
static void silence_is_no_proof(void **state)
{
  (void)state;
  struct tg_why why;
  zsock_free(&hub.sock);
  zauth_free(&hub.auth);
  no_handler = true;
  assert_int_equal(zauth_new(&hub.auth, NULL), TG_OK);
  assert_int_equal(hub_open("tcp://127.0.0.1:*", &why), TG_INTERNAL);
  assert_non_null(strstr(why.what, "self-test"));
}

static void a_revoked_peer_is_cut_and_stays_out(void **state)
{
  (void)state;
  allow(&a, &b);
  node_open(&a, &hub.pk);
  node_open(&b, &hub.pk);
  say(&a, "1");
  say(&b, "1");
  KIT_UNTIL(l, a.received == 1 && b.received == 1);
  int64_t start = clock_mono();
  allow(&b, NULL);
  assert_int_equal(zsock_counts(hub.sock).cut, 1);
  KIT_UNTIL(l, a.down == 1); /* its TCP connection is closed, it did not just fall silent */
  assert_true(clock_mono() - start < 10000); /* a heartbeat that fails to come is missed after 45 s */
  KIT_UNTIL(l, a.refused >= 1);
  assert_int_equal(zsock_send(hub.sock, &a.pk, slice_str("x")), TG_UNREACHABLE);
  say(&b, "2");
  KIT_UNTIL(l, b.received == 2);
  assert_int_equal(b.down, 0);
  assert_int_equal(a.up, 1);
  assert_int_equal(hub.received, 3);
  /* Admitted again, with a new socket, it is heard again. */
  zsock_free(&a.sock);
  allow(&a, &b);
  node_open(&a, &hub.pk);
  say(&a, "3");
  KIT_UNTIL(l, a.received == 2);
}

static void a_cut_peer_that_is_allowed_comes_back(void **state)
{
  (void)state;
  allow(&a, NULL);
  node_open(&a, &hub.pk);
  say(&a, "1");
  KIT_UNTIL(l, a.received == 1 && a.up == 1);
  assert_int_equal(zsock_cut(hub.sock, &a.pk), 1);
  assert_int_equal(zsock_cut(hub.sock, &a.pk), 0);
  KIT_UNTIL(l, a.down == 1 && a.up == 2);
  say(&a, "2");
  KIT_UNTIL(l, a.received == 2);
}

static void what_waited_when_the_key_was_revoked_is_not_heard(void **state)
{
  (void)state;
  allow(&a, NULL);
  node_open(&a, &hub.pk);
  say(&a, "1");
  KIT_UNTIL(l, a.received == 1);
  zsock_pause(hub.sock, true);
  say(&a, "2");
  say(&a, "3");
  struct zsock_counts before = zsock_counts(a.sock);
  assert_int_equal(before.sent, 3);
  /* Until they lie in the server's queue: the library can tell. */
  for (int i = 0; i < 20; i++)
    loop_turn(l, 10);
  assert_int_equal(hub.received, 1);
  allow(NULL, NULL);
  zsock_pause(hub.sock, false);
  KIT_UNTIL(l, a.refused >= 1);
  for (int i = 0; i < 20; i++)
    loop_turn(l, 10);
  assert_int_equal(hub.received, 1);
}

/* A member's raw socket, to misbehave with; node_close() closes it. */
static void *raw_open(struct node *n)
{
  n->context = zmq_ctx_new();
  void *s = n->raw = zmq_socket(n->context, ZMQ_DEALER);
  int zero = 0;
  zmq_setsockopt(s, ZMQ_LINGER, &zero, sizeof zero);
  zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, hub.pk.b, 32);
  zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, n->pk.b, 32);
  zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, n->sk, 32);
  assert_int_equal(zmq_connect(s, zsock_endpoint(hub.sock)), 0);
  return s;
}

/* Until it is heard. What its thread had in hand when the hub cut the connection goes down with it: TCP takes it, and nobody reads it. */
static void raw_say_again(void *s, const char *text)
{
  const int64_t end = clock_mono() + DEADLINE_MS;
  const unsigned before = hub.received;
  while (hub.received == before) {
    assert_int_equal(zmq_send(s, text, strlen(text), 0), strlen(text));
    for (int i = 0; i < 50 && hub.received == before; i++)
      loop_turn(l, 10);
    assert_true(clock_mono() < end);
  }
  assert_string_equal(hub.last, text);
}

static void a_message_of_many_parts_costs_the_connection(void **state)
{
  (void)state;
  allow(&a, &b);
  node_open(&a, &hub.pk);
  say(&a, "1");
  KIT_UNTIL(l, a.received == 1);
  void *s = raw_open(&b);
  const uint64_t before = zsock_counts(hub.sock).disconnected;
  for (int i = 0; i < 50; i++)
    assert_int_equal(zmq_send(s, "x", 1, ZMQ_SNDMORE), 1);
  assert_int_equal(zmq_send(s, "x", 1, 0), 1);
  KIT_UNTIL(l, zsock_counts(hub.sock).bad_parts == 1 && zsock_counts(hub.sock).cut == 1);
  raw_say_again(s, "good"); /* it may come back and behave */
  KIT_UNTIL(l, zsock_counts(hub.sock).disconnected > before);
  const uint64_t gone = zsock_counts(hub.sock).disconnected;
  static const uint8_t big[MAX_BODY + 5000];
  assert_int_equal(zmq_send(s, big, sizeof big, 0), sizeof big); /* the library itself ends this */
  KIT_UNTIL(l, zsock_counts(hub.sock).disconnected > gone);
  assert_string_equal(hub.last, "good");
  say(&a, "2");
  KIT_UNTIL(l, a.received == 2);
  assert_int_equal(a.down, 0);
}

static void a_slow_peer_stops_only_its_own_queue(void **state)
{
  (void)state;
  static const uint8_t body[MAX_BODY];
  allow(&a, &b);
  node_open(&b, &hub.pk);
  say(&b, "1");
  void *s = raw_open(&a);
  assert_int_equal(zmq_send(s, "hello", 5, 0), 5);
  KIT_UNTIL(l, hub.received == 2 && b.received == 1);
  /* a's own library takes in 1000 and then TCP fills: after that the hub's queue of 8. */
  size_t sent = 0;
  int64_t end = clock_mono() + DEADLINE_MS;
  enum tg_err err;
  size_t busy_in_a_row = 0;
  while (busy_in_a_row < 20) {
    err = zsock_send(hub.sock, &a.pk, slice_of(body, sizeof body));
    sent += err == TG_OK;
    busy_in_a_row = err == TG_BUSY ? busy_in_a_row + 1 : 0;
    if (err == TG_BUSY)
      loop_turn(l, 10);
    assert_true(clock_mono() < end);
  }
  assert_true(sent >= 8);
  assert_true(hub.writable > 0);
  assert_int_equal(zsock_send(hub.sock, &b.pk, slice_str("still")), TG_OK);
  KIT_UNTIL(l, b.received == 2);
  /* It reads at last: room again, and of what the hub took nothing is missing. */
  end = clock_mono() + DEADLINE_MS;
  size_t read = 0;
  err = TG_BUSY;
  while (read < 1 + sent + 1) { /* the answer to its greeting first, the end last */
    if (err == TG_BUSY)
      err = zsock_send(hub.sock, &a.pk, slice_str("end"));
    zmq_pollitem_t item = {.socket = s, .events = ZMQ_POLLIN};
    if (zmq_poll(&item, 1, 0) == 1) {
      zmq_msg_t m;
      zmq_msg_init(&m);
      const int size = zmq_msg_recv(&m, s, 0);
      assert_int_equal(size, read == 0 ? strlen("hello") : read <= sent ? sizeof body : strlen("end"));
      read++;
      zmq_msg_close(&m);
    }
    loop_turn(l, 0);
    assert_true(clock_mono() < end);
  }
  assert_int_equal(err, TG_OK);
}

/* -1 when the hub takes no more. */
static int tcp_to_hub(void)
{
  const char *port = strrchr(zsock_endpoint(hub.sock), ':');
  struct sockaddr_in at = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)atoi(port + 1)),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return connect(fd, (struct sockaddr *)&at, sizeof at) == 0 ? fd : -1;
}

static void garbage_at_the_port_disturbs_nobody(void **state)
{
  (void)state;
  allow(&a, NULL);
  node_open(&a, &hub.pk);
  say(&a, "1");
  KIT_UNTIL(l, a.received == 1);
  int fds[40];
  for (int i = 0; i < 40; i++) {
    uint8_t junk[600];
    fds[i] = tcp_to_hub();
    assert_true(fds[i] >= 0);
    randombytes_buf(junk, sizeof junk);
    if (i % 3 == 1) /* a good greeting first, as far as the mechanism */
      memcpy(junk, "\xff\0\0\0\0\0\0\0\0\x7f\3\0CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 33);
    if (i % 3 == 2)
      memcpy(junk, "\xff\0\0\0\0\0\0\0\0\x7f\3\0NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 33);
    if (i % 4)
      (void)!send(fds[i], junk, sizeof junk, MSG_NOSIGNAL);
  }
  say(&a, "2");
  KIT_UNTIL(l, a.received == 2 && zsock_counts(hub.sock).connections >= 41);
  for (int i = 0; i < 40; i++)
    close(fds[i]);
  say(&a, "3");
  KIT_UNTIL(l, a.received == 3 && zsock_counts(hub.sock).handshakes_failed > 0);
  assert_int_equal(a.down, 0);
  assert_int_equal(hub.received, 3);
}

/* Strangers take every descriptor there is. Who is in stays in; when the strangers go, others come in again. */
static void a_flood_of_connections_drives_nobody_out(void **state)
{
  (void)state;
  allow(&a, &b);
  node_open(&a, &hub.pk);
  say(&a, "1");
  KIT_UNTIL(l, a.received == 1);
  struct rlimit before, tight;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  fflush(NULL);
  pid_t flood = fork();
  if (flood == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < 300; i++)
      (void)tcp_to_hub();
    for (;;)
      pause();
  }
  int next = dup(0);
  close(next);
  tight = before;
  tight.rlim_cur = (rlim_t)next + 30;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
  KIT_UNTIL(l, zsock_counts(hub.sock).connections >= 20);
  for (unsigned i = 2; i < 20; i++) {
    say(&a, "still here");
    KIT_UNTIL(l, a.received == i);
  }
  assert_int_equal(a.down, 0);
  kill(flood, SIGKILL);
  assert_int_equal(waitpid(flood, NULL, 0), flood);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  node_open(&b, &hub.pk);
  say(&b, "1");
  KIT_UNTIL(l, b.received == 1);
}

static void a_taken_or_senseless_address_is_told(void **state)
{
  (void)state;
  struct tg_why why;
  struct zsock *other = NULL;
  struct zsock_server_options o = {
      .endpoint = zsock_endpoint(hub.sock), .secret_key = hub.sk, .max_body = 1000};
  assert_int_equal(zsock_server(hub.auth, &o, &other, &why), TG_BUSY);
  o.endpoint = "tcp://no-such-interface:1";
  assert_int_equal(zsock_server(hub.auth, &o, &other, &why), TG_BAD_INPUT);
  o.endpoint = "nonsense";
  assert_int_equal(zsock_server(hub.auth, &o, &other, &why), TG_BAD_INPUT);
  struct zsock_client_options c = {
      .endpoint = "ipc:///tmp/x", .server_key = &hub.pk, .public_key = &a.pk, .secret_key = a.sk};
  assert_int_equal(zsock_client(zauth_context(hub.auth), &c, &other, &why), TG_BAD_INPUT);
  assert_null(other);
}

static void a_node_finds_a_hub_that_was_restarted(void **state)
{
  (void)state;
  allow(&a, NULL);
  node_open(&a, &hub.pk);
  say(&a, "1");
  KIT_UNTIL(l, a.received == 1);
  char endpoint[256];
  snprintf(endpoint, sizeof endpoint, "%s", zsock_endpoint(hub.sock));
  zsock_free(&hub.sock);
  KIT_UNTIL(l, a.down == 1);
  int64_t end = clock_mono() + DEADLINE_MS;
  while (hub_open(endpoint, NULL) == TG_BUSY) { /* the port is given back by a thread */
    loop_turn(l, 10);
    assert_true(clock_mono() < end);
  }
  KIT_UNTIL(l, a.up == 2);
  say(&a, "2");
  KIT_UNTIL(l, a.received == 2);
}

static void the_wildcard_address_proves_itself_too(void **state)
{
  (void)state;
  struct zsock *other = NULL;
  struct zsock_server_options o = {.endpoint = "tcp://[::]:*", .secret_key = hub.sk, .max_body = 1000};
  assert_int_equal(zsock_server(hub.auth, &o, &other, NULL), TG_OK);
  zsock_free(&other);
  o.endpoint = "tcp://0.0.0.0:*";
  assert_int_equal(zsock_server(hub.auth, &o, &other, NULL), TG_OK);
  zsock_free(&other);
}

/* The number of a closed descriptor is given to another connection: a cut must not strike that one. */
static void a_reused_number_is_not_cut(void **state)
{
  (void)state;
  struct zpeers *p = zpeers_new();
  int first[2], second[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, first), 0);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, second), 0);
  zpeers_heard(p, first[0], slice_str("id-a"), &a.pk, 1);
  zpeers_heard(p, -1, slice_str("id-x"), &b.pk, 1);
  struct slice id;
  assert_true(zpeers_newest(p, &a.pk, &id) && slice_is(id, "id-a"));
  assert_false(zpeers_newest(p, &b.pk, &id));
  assert_int_equal(dup2(second[0], first[0]), first[0]);
  assert_int_equal(zpeers_cut(p, &a.pk), 0);
  assert_int_equal(write(second[1], "x", 1), 1); /* still open */
  zpeers_heard(p, second[0], slice_str("id-b"), &b.pk, 1);
  zpeers_heard(p, second[0], slice_str("id-c"), &b.pk, 1); /* a new session over the same number */
  assert_true(zpeers_newest(p, &b.pk, &id) && slice_is(id, "id-c"));
  assert_int_equal(zpeers_cut(p, &b.pk), 1);
  assert_int_equal(send(second[1], "x", 1, MSG_NOSIGNAL), -1);
  assert_false(zpeers_newest(p, &b.pk, &id));
  close(first[0]), close(first[1]), close(second[0]), close(second[1]);
  zpeers_free(&p);
}

/* A peer may choose its id. One that comes again under it, over the same number, is the same peer over another connection. */
static void a_chosen_id_does_not_save_from_a_cut(void **state)
{
  (void)state;
  struct zpeers *p = zpeers_new();
  int first[2], second[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, first), 0);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, second), 0);
  zpeers_heard(p, first[0], slice_str("mine"), &a.pk, 1);
  assert_int_equal(dup2(second[0], first[0]), first[0]);
  zpeers_heard(p, first[0], slice_str("mine"), &a.pk, 1);
  assert_int_equal(zpeers_cut(p, &a.pk), 1);
  assert_int_equal(send(second[1], "x", 1, MSG_NOSIGNAL), -1);
  close(first[0]), close(first[1]), close(second[0]), close(second[1]);
  zpeers_free(&p);
}

static void tcp_pair(int ret[2])
{
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof at;
  int door = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(door, (struct sockaddr *)&at, n), 0);
  assert_int_equal(listen(door, 1), 0);
  assert_int_equal(getsockname(door, (struct sockaddr *)&at, &n), 0);
  ret[1] = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(connect(ret[1], (struct sockaddr *)&at, n), 0);
  ret[0] = accept(door, NULL, NULL);
  assert_true(ret[0] >= 0);
  close(door);
}

/* So many bytes, and they are read at the other end. */
static void flow(int from, int to, size_t n)
{
  uint8_t bytes[256] = {0};
  for (size_t done = 0; done < n;) {
    const size_t some = n - done < sizeof bytes ? n - done : sizeof bytes;
    assert_int_equal(send(from, bytes, some, MSG_NOSIGNAL), some);
    assert_int_equal(recv(to, bytes, some, MSG_WAITALL), some);
    done += some;
  }
}

/* What libzmq asks and answers between messages is held by nobody, and covers nothing that is. */
static void signs_of_life_weigh_nothing_and_hide_nothing(void **state)
{
  enum { PING = 42, PONG = 40, MESSAGE = 36 /* of one byte */, DAY = 24 * 3600 / 15, MUCH = 100000, LITTLE = 8192 };
  (void)state;
  struct zpeers *p = zpeers_new();
  struct slice id;
  int at[2];
  tcp_pair(at);
  for (unsigned i = 0; i < 3; i++) {
    flow(at[1], at[0], i == 1 ? DAY * PING : 0);
    flow(at[0], at[1], i == 1 ? DAY * PONG : 0);
    flow(at[1], at[0], MESSAGE);
    zpeers_heard(p, at[0], slice_str("id"), &a.pk, 1);
    zpeers_silent(p);
  }
  zpeers_heard(p, at[1], slice_str("the other end"), &b.pk, DAY * PONG); /* all of it came to it */
  assert_int_equal(zpeers_relieve(p, LITTLE + DAY * (PING - PONG)), 0);
  assert_true(zpeers_newest(p, &a.pk, &id));
  zpeers_gave(p, MUCH);
  assert_int_equal(zpeers_relieve(p, MUCH - LITTLE), 1);
  close(at[0]), close(at[1]);
  zpeers_free(&p);
}

/* Nor may what the kernel still has of a connection come in behind the cut: libzmq's thread would read it all, of every one that was cut. */
static void of_what_is_cut_nothing_more_is_read(void **state)
{
  static const uint8_t big[60000];
  (void)state;
  struct zpeers *p = zpeers_new();
  int at[2], there = 0;
  uint8_t byte;
  tcp_pair(at);
  assert_int_equal(send(at[1], big, sizeof big, MSG_NOSIGNAL | MSG_DONTWAIT), sizeof big);
  flow(at[1], at[0], 1); /* so that something was read, and is held */
  KIT_UNTIL(l, ioctl(at[0], FIONREAD, &there) == 0 && there == (int)sizeof big);
  assert_int_equal(zpeers_relieve(p, 0), 1);
  assert_int_equal(recv(at[0], &byte, 1, MSG_DONTWAIT), 0);
  close(at[0]), close(at[1]);
  zpeers_free(&p);
}

static int weighed[2];

static bool is_another(void *arg, int fd)
{
  (void)arg;
  return fd != weighed[0] && fd != weighed[1];
}

/* Until libzmq has closed it, what was thrown away of one that was cut is held by nobody: it is no reason to cut another. And the other is found wherever it stands. */
static void what_was_cut_weighs_nothing(void **state)
{
  enum { MUCH = 40000, FAR = 5000 /* beyond the first block of descriptors that are asked about */ };
  static const uint8_t big[20000];
  (void)state;
  struct zpeers *p = zpeers_new();
  struct rlimit limit;
  int cut[2], honest[2], there = 0;
  uint8_t byte;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const struct rlimit wide = {.rlim_cur = limit.rlim_max < FAR + 1 ? limit.rlim_max : FAR + 1, .rlim_max = limit.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &wide), 0);
  tcp_pair(cut);
  assert_int_equal(send(cut[1], big, sizeof big, MSG_NOSIGNAL | MSG_DONTWAIT), sizeof big);
  flow(cut[1], cut[0], 1);
  KIT_UNTIL(l, ioctl(cut[0], FIONREAD, &there) == 0 && there == (int)sizeof big);
  weighed[0] = weighed[1] = cut[0];
  zpeers_spare(p, is_another, NULL);
  assert_int_equal(zpeers_relieve(p, 0), 1);
  tcp_pair(honest);
  const int far = wide.rlim_cur > FAR ? dup2(honest[0], FAR) : honest[0];
  if (far != honest[0])
    close(honest[0]);
  weighed[1] = far;
  flow(honest[1], far, MUCH);
  assert_int_equal(zpeers_relieve(p, MUCH), 0);
  assert_int_equal(recv(far, &byte, 1, MSG_DONTWAIT), -1);
  assert_int_equal(zpeers_relieve(p, MUCH - 1), 1);
  assert_int_equal(recv(far, &byte, 1, MSG_DONTWAIT), 0);
  close(cut[0]), close(cut[1]), close(far), close(honest[1]);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
  zpeers_free(&p);
}

/* libzmq's own arithmetic (get_new_reconnect_ivl): after how long, once the server is away for `away` ms, the try that finds it back comes. */
static int64_t comes_back(int64_t away)
{
  const struct zsock_retry retry = zsock_retry_new();
  int64_t at = 0;
  for (int64_t wait = retry.first_ms; at < away; wait = wait * 2 < retry.most_ms ? wait * 2 : retry.most_ms)
    at += wait + (int64_t)randombytes_uniform((uint32_t)retry.first_ms);
  return at - away;
}

static void a_herd_that_lost_its_hub_comes_back_in_a_line(void **state)
{
  enum { NODES = 500, SECONDS = 60 };
  static const int64_t away[] = {10 * 1000, 60 * 1000, 10 * 60 * 1000, 12 * 3600 * 1000};
  (void)state;
  for (size_t i = 0; i < sizeof away / sizeof *away; i++) {
    unsigned in_second[SECONDS] = {0}, most = 0, back = 0;
    for (int n = 0; n < NODES; n++) {
      const int64_t at = comes_back(away[i]);
      assert_in_range(at, 0, SECONDS * 1000 - 1);
      in_second[at / 1000]++;
    }
    for (unsigned s = 0; s < SECONDS; s++) {
      most = in_second[s] > most ? in_second[s] : most;
      back += in_second[s];
    }
    print_message("hub away for %d s: %u of %u nodes back within %d s, at most %u in one second\n", (int)(away[i] / 1000), back, NODES, SECONDS, most);
    assert_int_equal(back, NODES);
    assert_in_range(most, 1, away[i] < 60 * 1000 ? NODES / 3 : NODES / 6);
  }
}

/* What we have for a peer may wait in any number; what a peer has for us takes memory that is not his. */
static void a_longer_queue_is_not_one_for_what_comes(void **state)
{
  (void)state;
  zsock_free(&hub.sock);
  const struct zsock_server_options o = {.endpoint = "tcp://127.0.0.1:*", .secret_key = hub.sk, .max_body = MAX_BODY, .queue = 256};
  assert_int_equal(zsock_server(hub.auth, &o, &hub.sock, NULL), TG_OK);
  assert_int_equal(outgoing, 256);
  assert_in_range(incoming, 1, 64);
}

static bool is_any(void *arg, int fd)
{
  (void)arg;
  return fd >= 0;
}

/* What a connection holds is told by what it said and was told: were that off by a few bytes each time, who says much could hide what it holds, and an honest one
   would seem to hold what it does not. */
static void many_small_messages_weigh_nothing_and_hide_nothing(void **state)
{
  enum { MANY = 2000, WIRE = 36, OTHER_END = MANY * WIRE /* it is in this process, and nobody tells what came to it */, LITTLE = 8192 };
  static const uint8_t big[MAX_BODY];
  (void)state;
  allow(&a, NULL);
  node_open(&a, &hub.pk);
  for (unsigned i = 1; i <= MANY; i++) { /* one by one, so that each acknowledges the one before */
    say(&a, "x");
    KIT_UNTIL(l, a.received == i);
  }
  assert_int_equal(zsock_relieve(hub.sock, OTHER_END + LITTLE), 0);
  zsock_pause(hub.sock, true);
  assert_int_equal(zsock_send(a.sock, NULL, slice_of(big, MAX_BODY)), TG_OK);
  zsock_spare(hub.sock, is_any, NULL);
  assert_int_equal(zsock_relieve(hub.sock, 0), 0);
  zsock_spare(hub.sock, NULL, NULL);
  KIT_UNTIL(l, zsock_relieve(hub.sock, OTHER_END + MAX_BODY - LITTLE) == 1);
  KIT_UNTIL(l, a.down == 1);
}

static void who_holds_most_is_cut_first(void **state)
{
  enum { SMALL = 20000, LITTLE = 8192 };
  static const uint8_t big[MAX_BODY];
  (void)state;
  allow(&a, &b);
  node_open(&a, &hub.pk);
  node_open(&b, &hub.pk);
  say(&a, "x");
  say(&b, "x");
  KIT_UNTIL(l, a.received == 1 && b.received == 1);
  zsock_pause(hub.sock, true);
  assert_int_equal(zsock_send(b.sock, NULL, slice_of(big, SMALL)), TG_OK);
  assert_int_equal(zsock_send(a.sock, NULL, slice_of(big, MAX_BODY)), TG_OK);
  KIT_UNTIL(l, zsock_relieve(hub.sock, MAX_BODY - LITTLE) == 1);
  KIT_UNTIL(l, a.down == 1);
  assert_int_equal(b.down, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(allowed_keys_are_heard_and_known),
      T(an_unknown_key_is_refused),
      T(a_node_hears_only_the_hub_it_knows),
      T(a_door_that_does_not_shut_is_not_opened),
      T(silence_is_no_proof),
      T(a_revoked_peer_is_cut_and_stays_out),
      T(a_cut_peer_that_is_allowed_comes_back),
      T(what_waited_when_the_key_was_revoked_is_not_heard),
      T(a_message_of_many_parts_costs_the_connection),
      T(a_slow_peer_stops_only_its_own_queue),
      T(garbage_at_the_port_disturbs_nobody),
      T(a_flood_of_connections_drives_nobody_out),
      T(a_taken_or_senseless_address_is_told),
      T(a_node_finds_a_hub_that_was_restarted),
      T(the_wildcard_address_proves_itself_too),
      T(a_reused_number_is_not_cut),
      T(a_chosen_id_does_not_save_from_a_cut),
      T(signs_of_life_weigh_nothing_and_hide_nothing),
      T(of_what_is_cut_nothing_more_is_read),
      T(what_was_cut_weighs_nothing),
      T(a_longer_queue_is_not_one_for_what_comes),
      T(many_small_messages_weigh_nothing_and_hide_nothing),
      T(who_holds_most_is_cut_first),
      T(a_herd_that_lost_its_hub_comes_back_in_a_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
