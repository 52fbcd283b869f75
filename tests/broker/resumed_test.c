/* Sessions at the hub's port for bad lines: strangers from anywhere, members with more nodes than there is room for or that confirm nothing, and no descriptors left. The test is
   ZeroMQ behind the door, and decides where each connection comes from. */
#include "broker/front/resumed.h"
#include "os/log.h"
#include "os/lookup.h"
#include "os/resume.h"
#include "tests/os/kit.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sodium.h>
#include <sys/resource.h>

/* Linked with -Wl,--wrap=clock_mono and -Wl,--wrap=accept4: time that passed without waiting for it, and the address that connections come from. */
static int64_t ahead;
static struct sockaddr_storage from;
static unsigned accepts;
int64_t __real_clock_mono(void);
int64_t __wrap_clock_mono(void);
int64_t __wrap_clock_mono(void) { return __real_clock_mono() + ahead; }
int __real_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags);
int __wrap_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags);
int __wrap_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
  const int came = __real_accept4(fd, a, n, flags);
  accepts++;
  if (came >= 0)
    memcpy(a, &from, sizeof from); /* resumed.c gives room for any address */
  return came;
}

enum { MOST = 1 << 20 }; /* bytes that all sessions hold */

static struct loop *l;
static int door;
static uint16_t port;
static struct resumed *r;

/* A node's connection: its end of the line, its token, and ZeroMQ's end behind the door. */
struct node {
  int line, zeromq;
  uint8_t token[RESUME_TOKEN];
};

static void come_from(const char *address)
{
  char text[80];
  struct endpoint e;
  struct lookup_address a;
  snprintf(text, sizeof text, "tcp://[%s]:9", address);
  assert_int_equal(endpoint_read(slice_str(text), &e), TG_OK);
  assert_int_equal(lookup_number(&e, false, &a), 1);
  from = a.at;
}

static void on_turned(void *arg, const struct seal_pk *key, bool busy) { (void)arg, (void)key, (void)busy; }

static struct resumed *listens(uint16_t *ret_port)
{
  char endpoint[64], at[64];
  struct sockaddr_in own;
  socklen_t n = sizeof own;
  struct resumed *ret;
  *ret_port = kit_port(NULL);
  assert_int_equal(getsockname(door, (struct sockaddr *)&own, &n), 0);
  snprintf(endpoint, sizeof endpoint, "resume://127.0.0.1:%u", *ret_port);
  snprintf(at, sizeof at, "tcp://127.0.0.1:%u", ntohs(own.sin_port));
  assert_int_equal(resumed_new(l, endpoint, at, MOST, on_turned, NULL, &ret, NULL), TG_OK);
  return ret;
}

static int setup(void **state)
{
  (void)state;
  struct rlimit all;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
  all.rlim_cur = all.rlim_max < 8192 ? all.rlim_max : 8192;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
  l = loop_new();
  kit_port(&door);
  assert_int_equal(listen(door, 1024), 0);
  come_from("2001:db8:ffff::1");
  r = listens(&port);
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  resumed_free(&r);
  close(door);
  loop_free(l);
  return 0;
}

static void turns(unsigned n)
{
  while (n--)
    loop_turn(l, 0);
}

static void connect_to(int fd, uint16_t to)
{
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(to), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
}

static void say_opening(int fd, const uint8_t *token, uint8_t kind, uint64_t count)
{
  struct buf b = buf_new(RESUME_OPENING);
  buf_put(&b, "TGR\1", 4);
  buf_put_u8(&b, kind);
  buf_put(&b, token, RESUME_TOKEN);
  buf_put_u32(&b, 0);
  buf_put_u64(&b, count);
  assert_int_equal(send(fd, b.p, b.n, MSG_NOSIGNAL), RESUME_OPENING);
  buf_free(&b);
}

/* 0: began; 1: goes on; 2: it does not; -1: nothing is said, and the connection ended. */
static int answered(int fd)
{
  uint8_t bytes[9];
  KIT_UNTIL(l, kit_is_readable(fd));
  const ssize_t n = recv(fd, bytes, sizeof bytes, MSG_WAITALL);
  return n == sizeof bytes ? bytes[0] : -1;
}

static int opens(uint16_t to, const uint8_t *token, uint8_t kind, uint64_t count, int *ret_line)
{
  *ret_line = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  connect_to(*ret_line, to);
  say_opening(*ret_line, token, kind, count);
  return answered(*ret_line);
}

static struct node begins(uint16_t to)
{
  struct node n;
  randombytes_buf(n.token, sizeof n.token);
  assert_int_equal(opens(to, n.token, 0, 0, &n.line), 0);
  n.zeromq = accept(door, NULL, NULL);
  assert_true(n.zeromq >= 0);
  ahead++; /* so that one is older than the other */
  return n;
}

/* Its line is still there, or it goes on over another. */
static bool lives(struct node *n)
{
  int line;
  const bool goes_on = opens(port, n->token, 1, 0, &line) == 1;
  close(n->line);
  n->line = line;
  return goes_on;
}

static size_t living(struct node *n, size_t many)
{
  size_t alive = 0;
  for (size_t i = 0; i < many; i++)
    alive += lives(&n[i]);
  return alive;
}

static void leave(struct node *n, size_t many)
{
  for (size_t i = 0; i < many; i++) {
    close(n[i].line);
    close(n[i].zeromq);
  }
}

static void met(struct node *n, uint32_t member, uint8_t key)
{
  const struct seal_pk k = {{key, (uint8_t)member, (uint8_t)(member >> 8)}};
  resumed_met(r, &k, member, n->zeromq);
}

/* ---- strangers */

/* Whose network has 2^64 addresses is one host. */
static void a_network_of_addresses_has_one_share(void **state)
{
  enum { MANY = RESUMED_SHARE + 40 };
  (void)state;
  struct node honest = begins(port), flood[MANY];
  for (unsigned i = 0; i < MANY; i++) {
    char address[64];
    snprintf(address, sizeof address, "2001:db8:1:2:%x:%x::%x", i * 7919 % 65536, i, i + 1);
    come_from(address);
    flood[i] = begins(port);
  }
  assert_int_equal(living(flood, MANY), RESUMED_SHARE);
  assert_true(lives(&honest));
  leave(flood, MANY);
  leave(&honest, 1);
}

/* Who has many such networks puts out his own, though others came before him. */
static void a_customer_with_many_networks_puts_out_his_own(void **state)
{
  enum { MANY = RESUMED_STRANGERS + 40 };
  (void)state;
  static struct node flood[MANY];
  struct node honest = begins(port);
  for (unsigned i = 0; i < MANY; i++) {
    char address[64];
    snprintf(address, sizeof address, "2001:db8:1:%x::1", i);
    come_from(address);
    flood[i] = begins(port);
  }
  assert_true(lives(&honest));
  assert_int_equal(living(flood, MANY), RESUMED_STRANGERS - 1);
  leave(flood, MANY);
  leave(&honest, 1);
}

/* Those who do not say what they want are counted likewise. */
static void who_says_nothing_whole_puts_out_his_own(void **state)
{
  enum { MANY = RESUMED_GUESTS + 40 };
  (void)state;
  static int flood[MANY];
  uint8_t token[RESUME_TOKEN] = {1};
  int honest = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  connect_to(honest, port);
  assert_int_equal(send(honest, "TGR\1\0", 5, 0), 5); /* the rest is under way, on a slow line */
  accepts = 0;
  KIT_UNTIL(l, accepts > 1);
  for (unsigned i = 0; i < MANY; i++) {
    char address[64];
    snprintf(address, sizeof address, "2001:db8:1:%x::1", i);
    come_from(address);
    flood[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    connect_to(flood[i], port);
    assert_int_equal(send(flood[i], "T", 1, 0), 1);
    accepts = 0;
    ahead++;
    KIT_UNTIL(l, accepts > 1);
  }
  struct buf rest = buf_new(RESUME_OPENING);
  buf_put(&rest, token, sizeof token);
  buf_put_u32(&rest, 0);
  buf_put_u64(&rest, 0);
  assert_int_equal(send(honest, rest.p, rest.n, MSG_NOSIGNAL), rest.n);
  assert_int_equal(answered(honest), 0);
  buf_free(&rest);
  close(honest);
  for (unsigned i = 0; i < MANY; i++)
    close(flood[i]);
}

/* ---- members */

static void a_member_with_many_nodes_puts_out_its_own(void **state)
{
  enum { MANY = RESUMED_NODES + 20 };
  (void)state;
  static struct node many[MANY];
  struct node other = begins(port);
  met(&other, 1, 1);
  for (unsigned i = 0; i < MANY; i++) {
    many[i] = begins(port);
    met(&many[i], 2 + 256 * (i / 250), (uint8_t)(i % 250)); /* of two members, the first with most */
  }
  assert_true(lives(&other));
  assert_int_equal(living(many + 250, MANY - 250), MANY - 250);
  assert_int_equal(living(many, 250), RESUMED_NODES - 1 - (MANY - 250));
  struct node stranger = begins(port); /* and there is room for strangers */
  assert_true(lives(&stranger));
  leave(many, MANY);
  leave(&other, 1);
  leave(&stranger, 1);
}

static void pass(unsigned seconds)
{
  while (seconds--) {
    ahead += 1000;
    turns(8);
  }
}

/* ZeroMQ has as much for it as it takes. The other end reads none of it, and confirms nothing. */
static void fill(struct node *n)
{
  static const uint8_t bytes[4096];
  assert_int_equal(fcntl(n->zeromq, F_SETFL, O_NONBLOCK), 0);
  for (unsigned still = 0; still < 3; still++) {
    while (send(n->zeromq, bytes, sizeof bytes, MSG_NOSIGNAL) > 0)
      still = 0;
    turns(2);
  }
}

/* As when the kernel gives up what ZeroMQ left in it. */
static void hang_up(struct node *n)
{
  const struct linger at_once = {.l_onoff = 1};
  assert_int_equal(setsockopt(n->zeromq, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  close(n->zeromq);
}

/* Of one member, and never confirmed: its own are cut, before others who hold as much. */
static void who_holds_most_is_cut_and_nobody_else(void **state)
{
  enum { MANY = RESUMED_NODES - 2, SLACK = 128 << 10 };
  (void)state;
  static struct node flood[MANY];
  struct node honest[2];
  const struct mallinfo2 empty = mallinfo2();
  for (unsigned i = 0; i < 2; i++) {
    honest[i] = begins(port);
    met(&honest[i], i + 1, 1);
    fill(&honest[i]);
  }
  for (unsigned i = 0; i < MANY; i++) {
    flood[i] = begins(port);
    met(&flood[i], 3, (uint8_t)i);
    fill(&flood[i]);
    const struct mallinfo2 now = mallinfo2(); /* says nothing under a sanitizer */
    assert_in_range(now.uordblks + now.hblkhd, 0, empty.uordblks + empty.hblkhd + MOST + SLACK + i * 1024);
  }
  assert_in_range(living(flood, MANY), 1, MANY - 1);
  assert_int_equal(living(honest, 2), 2);
  leave(flood, MANY);
  leave(honest, 2);
}

/* A whole window comes over a line on which nothing is confirmed. */
static void reads_a_window(int line)
{
  static uint8_t bytes[2 * RESUME_WINDOW];
  size_t came = 0;
  for (ssize_t more; came < RESUME_WINDOW; came += (size_t)more) {
    KIT_UNTIL(l, kit_is_readable(line));
    more = recv(line, bytes, sizeof bytes, 0);
    assert_true(more > 0);
  }
}

/* There is less for each, and nobody is cut; when the others have left there is more again. */
static void many_nodes_share_what_may_be_held(void **state)
{
  enum { MANY = 40 };
  (void)state;
  static struct node n[MANY];
  for (unsigned i = 0; i < MANY; i++) {
    n[i] = begins(port);
    met(&n[i], i, 1);
  }
  for (unsigned i = 0; i < MANY; i++)
    fill(&n[i]);
  assert_int_equal(living(n, MANY), MANY);
  for (unsigned i = 1; i < MANY; i++) {
    hang_up(&n[i]);
    close(n[i].line);
  }
  pass(15);
  reads_a_window(n[0].line);
  leave(n, 1);
}

static void a_member_with_many_nodes_narrows_its_own(void **state)
{
  enum { MANY = 100 };
  (void)state;
  static struct node many[MANY];
  struct node other = begins(port);
  met(&other, 1, 1);
  for (unsigned i = 0; i < MANY; i++) {
    many[i] = begins(port);
    met(&many[i], 2, (uint8_t)i);
  }
  fill(&other);
  reads_a_window(other.line);
  leave(many, MANY);
  leave(&other, 1);
}

/* ---- what strangers did */

static void what_strangers_do_is_counted(void **state)
{
  (void)state;
  const uint8_t token[RESUME_TOKEN] = {3};
  int fd[4];
  for (int i = 0; i < 4; i++) {
    fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    connect_to(fd[i], port);
  }
  static const uint8_t nonsense[RESUME_OPENING] = "GET / HTTP/1.1";
  assert_int_equal(send(fd[0], nonsense, sizeof nonsense, MSG_NOSIGNAL), sizeof nonsense);
  KIT_UNTIL(l, resumed_counts(r).malformed == 1);
  assert_int_equal(send(fd[1], "TGR", 3, MSG_NOSIGNAL), 3);
  assert_int_equal(shutdown(fd[1], SHUT_WR), 0);
  KIT_UNTIL(l, resumed_counts(r).unopened == 1);
  say_opening(fd[2], token, 0, 0);
  assert_int_equal(answered(fd[2]), 0);
  assert_int_equal(send(fd[2], "\377\377\377", 3, MSG_NOSIGNAL), 3);
  KIT_UNTIL(l, resumed_counts(r).malformed == 2);
  say_opening(fd[3], token, 1, 0); /* a session that is over: of a node, perhaps */
  assert_int_equal(answered(fd[3]), 2);
  for (int i = 0; i < 4; i++)
    close(fd[i]);
  turns(8);
  assert_int_equal(resumed_counts(r).malformed, 2);
  assert_int_equal(resumed_counts(r).unopened, 1);
}

/* A node that comes to another port of the hub. */
static void a_newer_session_of_a_node_ends_the_older_wherever_it_is(void **state)
{
  (void)state;
  uint16_t second;
  struct resumed *other = listens(&second);
  struct node older = begins(port), newer = begins(second);
  const struct seal_pk key = {{7}};
  resumed_met(r, &key, 1, older.zeromq);
  resumed_met(other, &key, 1, older.zeromq);
  assert_true(lives(&older));
  resumed_met(r, &key, 1, newer.zeromq);
  resumed_met(other, &key, 1, newer.zeromq);
  assert_false(lives(&older));
  int line;
  assert_int_equal(opens(second, newer.token, 1, 0, &line), 1);
  close(line);
  leave(&older, 1);
  leave(&newer, 1);
  resumed_free(&other);
}

/* ---- ends */

static bool has_ended(int fd)
{
  uint8_t away[4096];
  ssize_t n;
  while ((n = recv(fd, away, sizeof away, MSG_DONTWAIT)) > 0)
    ;
  return n == 0 || errno != EAGAIN;
}

/* The core has cut it. What was said to it has some seconds to go out, however the node goes on talking. */
static void who_was_cut_is_not_kept(void **state)
{
  (void)state;
  struct node n = begins(port);
  met(&n, 1, 1);
  close(n.zeromq);
  pass(5);
  bool ended = has_ended(n.line);
  assert_false(ended);
  for (unsigned i = 0; i < 60 && !ended; i++) {
    ahead += 1000;
    (void)send(n.line, "\2x", 2, MSG_NOSIGNAL);
    turns(8);
    ended = has_ended(n.line);
  }
  assert_true(ended);
  close(n.line);
}

/* However much of it is unconfirmed, and whatever comes: the kernel gives up what nobody takes. */
static void who_was_cut_is_not_kept_for_what_it_does_not_confirm(void **state)
{
  (void)state;
  struct node n = begins(port);
  met(&n, 1, 1);
  fill(&n);
  hang_up(&n);
  pass(5);
  assert_true(lives(&n));
  pass(10);
  assert_false(lives(&n));
  close(n.line);
}

/* docs/protocol.md, §12. */
static void a_count_that_cannot_be_ends_the_session(void **state)
{
  (void)state;
  struct node n = begins(port);
  int line;
  assert_int_equal(opens(port, n.token, 1, 1 << 20, &line), 2);
  close(line);
  assert_false(lives(&n));
  assert_true(has_ended(n.zeromq) || (turns(8), has_ended(n.zeromq)));
  leave(&n, 1);
}

/* ---- no descriptors */

/* Limits them to those that are open. */
static struct rlimit limit(void)
{
  struct rlimit before, none;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = dup(0);
  close(next);
  none = before;
  none.rlim_cur = (rlim_t)next;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  return before;
}

/* What was closed since is taken by others. */
static int taken[64];
static size_t n_taken;

static void take_the_rest(void)
{
  for (int fd; (fd = dup(0)) >= 0;) {
    assert_true(n_taken < sizeof taken / sizeof *taken);
    taken[n_taken++] = fd;
  }
}

static void give_back(const struct rlimit *before)
{
  assert_int_equal(setrlimit(RLIMIT_NOFILE, before), 0);
  while (n_taken)
    close(taken[--n_taken]);
}

static int new_socket(void)
{
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  return fd;
}

/* Over the one that was kept. Then nobody can come in, and nobody is tried again and again; until there are some. */
static void without_descriptors_a_session_goes_on_and_nothing_is_tried_in_vain(void **state)
{
  (void)state;
  struct node n = begins(port);
  met(&n, 1, 1);
  const uint8_t token[RESUME_TOKEN] = {9};
  int next = new_socket(), other = new_socket();
  const struct rlimit before = limit();
  connect_to(next, port);
  say_opening(next, n.token, 1, 0);
  assert_int_equal(answered(next), 1);
  take_the_rest();
  connect_to(other, port);
  say_opening(other, token, 0, 0);
  accepts = 0;
  turns(500);
  assert_in_range(accepts, 1, 20);
  give_back(&before);
  ahead += 2000;
  assert_int_equal(answered(other), 0);
  close(other);
  close(next);
  leave(&n, 1);
}

static void without_descriptors_strangers_give_way(void **state)
{
  enum { MANY = 4 };
  (void)state;
  struct node n[MANY], stranger[MANY];
  int next[MANY];
  for (int i = 0; i < MANY; i++) {
    stranger[i] = begins(port);
    n[i] = begins(port);
    met(&n[i], 1, (uint8_t)(1 + i));
    next[i] = new_socket();
  }
  const struct rlimit before = limit();
  for (int i = 0; i < MANY; i++) { /* the first over the one that is kept */
    connect_to(next[i], port);
    say_opening(next[i], n[i].token, 1, 0);
    assert_int_equal(answered(next[i]), 1);
    take_the_rest();
  }
  give_back(&before);
  leave(n, MANY);
  leave(stranger, MANY);
  for (int i = 0; i < MANY; i++)
    close(next[i]);
}

static void say_nothing(void *arg, enum log_level level, const char *line) { (void)arg, (void)level, (void)line; }

int main(void)
{
  log_set_sink(say_nothing, NULL); /* hundreds are cut */
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(a_network_of_addresses_has_one_share),
      T(a_customer_with_many_networks_puts_out_his_own),
      T(who_says_nothing_whole_puts_out_his_own),
      T(a_member_with_many_nodes_puts_out_its_own),
      T(who_holds_most_is_cut_and_nobody_else),
      T(many_nodes_share_what_may_be_held),
      T(a_member_with_many_nodes_narrows_its_own),
      T(what_strangers_do_is_counted),
      T(a_newer_session_of_a_node_ends_the_older_wherever_it_is),
      T(who_was_cut_is_not_kept),
      T(who_was_cut_is_not_kept_for_what_it_does_not_confirm),
      T(a_count_that_cannot_be_ends_the_session),
      T(without_descriptors_a_session_goes_on_and_nothing_is_tried_in_vain),
      T(without_descriptors_strangers_give_way),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
