/* Both ends of a session on real sockets: two programs at its sides see one connection, whatever becomes of the line. */
#include "kit.h"
#include "os/carry.h"
#include "os/unix.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sodium.h>

enum { MUCH = 400000, STALL_MS = 20000 };

/* Linked with -Wl,--wrap=clock_mono: time that passed without waiting for it. */
static int64_t ahead;
int64_t __real_clock_mono(void);
int64_t __wrap_clock_mono(void);
int64_t __wrap_clock_mono(void) { return __real_clock_mono() + ahead; }

/* A program, and the end that carries for it. */
struct side {
  struct carry *carry;
  int program;
  unsigned lost, over;
  enum tg_err why;
  uint8_t *says, *heard;
  size_t said, n;
};

static struct loop *l;
static struct side near, far;

static void on_lost(void *arg) { ((struct side *)arg)->lost++; }

static void on_over(void *arg, enum tg_err why)
{
  struct side *s = arg;
  s->over++;
  s->why = why;
  carry_free(&s->carry);
}

static void side_new(struct side *s)
{
  static const struct carry_events events = {.lost = on_lost, .over = on_over};
  int fds[2];
  assert_int_equal(unix_pair(fds), TG_OK);
  *s = (struct side){.program = fds[0], .says = malloc(MUCH), .heard = malloc(MUCH)};
  randombytes_buf(s->says, MUCH);
  assert_int_equal(carry_new(l, fds[1], 0, &events, s, &s->carry), TG_OK);
}

static int setup(void **state)
{
  (void)state;
  l = loop_new();
  side_new(&near);
  side_new(&far);
  return 0;
}

static void side_free(struct side *s)
{
  carry_free(&s->carry);
  if (s->program >= 0)
    close(s->program);
  free(s->says);
  free(s->heard);
}

static int teardown(void **state)
{
  (void)state;
  side_free(&near);
  side_free(&far);
  loop_free(l);
  return 0;
}

static bool came(int fd, uint8_t *p, size_t n) { return recv(fd, p, n, MSG_PEEK) == (ssize_t)n; }

/* A new line between the two; returns the server's end of it, before the server has it. */
static int call(void)
{
  uint8_t token[RESUME_TOKEN];
  int fds[2];
  assert_int_equal(unix_pair(fds), TG_OK);
  randombytes_buf(token, sizeof token);
  resume_connect(carry_resume(near.carry), token);
  assert_int_equal(carry_line(near.carry, fds[0]), TG_OK);
  return fds[1];
}

static void meet(void)
{
  uint8_t bytes[RESUME_OPENING];
  struct resume_opening o;
  const int fd = call();
  KIT_UNTIL(l, came(fd, bytes, sizeof bytes));
  assert_int_equal(recv(fd, bytes, sizeof bytes, 0), sizeof bytes);
  assert_int_equal(resume_opening_read(slice_of(bytes, sizeof bytes), &o), TG_OK);
  assert_int_equal(resume_accept(carry_resume(far.carry), &o), TG_OK);
  assert_int_equal(carry_line(far.carry, fd), TG_OK);
}

static void speak(struct side *s)
{
  const ssize_t n = s->said < MUCH ? send(s->program, s->says + s->said, MUCH - s->said, MSG_NOSIGNAL) : 0;
  s->said += n > 0 ? (size_t)n : 0;
}

static void hear(struct side *s)
{
  const ssize_t n = s->n < MUCH ? recv(s->program, s->heard + s->n, MUCH - s->n, 0) : 0;
  s->n += n > 0 ? (size_t)n : 0;
}

static bool go_on(size_t until)
{
  speak(&near), speak(&far);
  hear(&near), hear(&far);
  return near.n >= until && far.n >= until;
}

static void programs_see_one_connection(void **state)
{
  (void)state;
  for (size_t at = MUCH / 8; at <= MUCH; at += MUCH / 8) {
    meet(); /* over what there was, too: a line that nobody knows to be dead */
    KIT_UNTIL(l, go_on(at));
  }
  assert_memory_equal(near.heard, far.says, MUCH);
  assert_memory_equal(far.heard, near.says, MUCH);
  assert_int_equal(near.over + far.over, 0);
}

static void a_line_that_breaks_is_told_and_nothing_else(void **state)
{
  (void)state;
  int fds[2];
  meet();
  KIT_UNTIL(l, go_on(1000));
  assert_int_equal(unix_pair(fds), TG_OK);
  assert_int_equal(carry_line(far.carry, fds[0]), TG_OK); /* the old one is closed */
  close(fds[1]);
  KIT_UNTIL(l, near.lost == 1 && far.lost == 1);
  speak(&near);
  meet();
  KIT_UNTIL(l, go_on(MUCH));
  assert_memory_equal(far.heard, near.says, MUCH);
  assert_int_equal(near.over + far.over, 0);
}

static void small_sockets(void)
{
  const int small = 8192;
  for (struct side *s = &near; s; s = s == &near ? &far : NULL) {
    assert_int_equal(setsockopt(s->program, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    assert_int_equal(setsockopt(carry_local(s->carry), SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
  }
}

/* Neither it nor what carries for it takes more than buffers hold; and nothing is lost meanwhile. */
static void who_does_not_read_stops_who_speaks(void **state)
{
  (void)state;
  small_sockets();
  meet();
  for (unsigned i = 0; i < 2000; i++) {
    speak(&near);
    loop_turn(l, 0);
  }
  assert_true(near.said < MUCH);
  KIT_UNTIL(l, go_on(MUCH));
  assert_memory_equal(far.heard, near.says, MUCH);
}

static void an_end_is_heard_after_the_last_byte(void **state)
{
  (void)state;
  uint8_t byte;
  meet();
  speak(&near);
  const size_t said = near.said;
  close(near.program);
  near.program = -1;
  KIT_UNTIL(l, (hear(&far), far.over == 1 && near.over == 1));
  assert_int_equal(far.why, TG_OK);
  KIT_UNTIL(l, (hear(&far), far.n == said));
  assert_memory_equal(far.heard, near.says, said);
  assert_int_equal(recv(far.program, &byte, 1, 0), 0);
}

static void a_session_that_is_not_known_is_over(void **state)
{
  (void)state;
  uint8_t byte;
  const struct slice no = resume_refusal();
  const int fd = call();
  assert_int_equal(send(fd, no.p, no.n, 0), no.n);
  KIT_UNTIL(l, near.over == 1);
  assert_int_equal(near.why, TG_NOT_FOUND);
  assert_int_equal(recv(near.program, &byte, 1, 0), 0); /* its program hears of it */
  close(fd);
}

static void who_ends_without_a_line_is_over_at_once(void **state)
{
  (void)state;
  close(near.program);
  near.program = -1;
  KIT_UNTIL(l, near.over == 1);
  assert_int_equal(near.why, TG_OK);
}

/* ---- lines on which nothing comes */

/* Seconds in which nothing happens but what timers do; the loop turns in each until it has settled. */
static void seconds(unsigned n)
{
  while (n--) {
    ahead += 1000;
    for (unsigned i = 0; i < 8; i++)
      loop_turn(l, 0);
  }
}

static bool is_unheard(void) { return near.lost + far.lost + near.over + far.over == 0; }

/* So long that all is confirmed, and then as long again as a dead line would be given. */
static void an_idle_spell_is_nobodys_silence(void **state)
{
  (void)state;
  meet();
  KIT_UNTIL(l, go_on(1000));
  KIT_UNTIL(l, go_on(MUCH));
  seconds(STALL_MS / 1000 + 10);
  near.said = far.said = near.n = far.n = 0;
  assert_int_equal(send(near.program, near.says, 100, 0), 100);
  loop_turn(l, 0); /* it is on its way, and not confirmed: little never is at once */
  loop_turn(l, 0);
  seconds(4);
  assert_true(is_unheard());
  seconds(STALL_MS / 1000 + 10);
  assert_true(is_unheard());
}

/* What is not read may hold what was waited for. */
static void who_does_not_read_gives_nobody_up(void **state)
{
  (void)state;
  small_sockets();
  meet();
  KIT_UNTIL(l, go_on(1000));
  for (unsigned i = 0; i < 2000; i++) { /* until nobody takes anything */
    speak(&near), speak(&far);
    loop_turn(l, 0);
  }
  assert_true(near.said < MUCH && far.said < MUCH);
  seconds(2 * STALL_MS / 1000);
  assert_true(is_unheard());
  KIT_UNTIL(l, go_on(MUCH));
  assert_true(is_unheard());
}

/* A process that stood still has not heard what came meanwhile. */
static void a_pause_of_our_own_is_nobodys_silence(void **state)
{
  (void)state;
  enum { OPENED = RESUME_OPENING + 1 + 50 };
  uint8_t bytes[OPENED];
  const int fd = call();
  assert_int_equal(send(near.program, near.says, 50, 0), 50);
  KIT_UNTIL(l, came(fd, bytes, sizeof bytes));
  ahead += 2 * STALL_MS;
  assert_int_equal(send(fd, "\0\0\0\0\0\0\0\0\0\0\62", 11, 0), 11); /* it began, and has fifty bytes */
  for (unsigned i = 0; i < 8; i++)
    loop_turn(l, 0);
  assert_true(is_unheard());
  close(fd);
}

static void a_line_that_is_silent_is_given_up(void **state)
{
  (void)state;
  const int fd = call();
  seconds(STALL_MS / 1000 - 2);
  assert_int_equal(near.lost, 0);
  seconds(4);
  assert_int_equal(near.lost, 1);
  close(fd);
}

/* Of a line over which nothing is under way the kernel hears that it is dead. */
static void the_kernel_looks_after_a_line_that_rests(void **state)
{
  (void)state;
  int value = 0;
  socklen_t n = sizeof value;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  assert_int_equal(carry_line(near.carry, fd), TG_OK);
  assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &n), 0);
  assert_int_equal(value, 1);
  assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &value, &n), 0);
  assert_int_equal(value, 60);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(programs_see_one_connection),         T(a_line_that_breaks_is_told_and_nothing_else), T(who_does_not_read_stops_who_speaks),
      T(an_end_is_heard_after_the_last_byte), T(a_session_that_is_not_known_is_over),         T(who_ends_without_a_line_is_over_at_once),
      T(an_idle_spell_is_nobodys_silence),    T(who_does_not_read_gives_nobody_up),           T(a_pause_of_our_own_is_nobodys_silence),
      T(a_line_that_is_silent_is_given_up),   T(the_kernel_looks_after_a_line_that_rests),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
