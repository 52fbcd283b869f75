#include "kit.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

static struct loop *l;
static char trace[256];

static void note(char c)
{
  size_t n = strlen(trace);
  assert_true(n + 1 < sizeof trace);
  trace[n] = c;
}

static int setup(void **state)
{
  (void)state;
  l = loop_new();
  memset(trace, 0, sizeof trace);
  return l ? 0 : -1;
}

static int teardown(void **state)
{
  (void)state;
  loop_free(l);
  return 0;
}

static void mark(void *arg)
{
  note(*(const char *)arg);
}

static void timers_fire_in_order(void **state)
{
  (void)state;
  struct loop_timer *t[5];
  static const char names[] = "abcde";
  for (int i = 0; i < 5; i++)
    assert_non_null(t[i] = loop_timer(l, mark, (void *)(uintptr_t)&names[i]));
  int64_t now = clock_mono();
  loop_timer_at(t[0], now + 30);
  loop_timer_at(t[1], now + 10);
  loop_timer_at(t[2], now + 20);
  loop_timer_at(t[3], now + 10); /* equal times: in the order of setting */
  loop_timer_at(t[4], now + 15);
  loop_timer_stop(t[4]);
  loop_timer_at(t[0], now + 5);
  KIT_UNTIL(l, strlen(trace) == 4);
  assert_string_equal(trace, "abdc");
  assert_true(clock_mono() >= now + 20);
  assert_false(loop_timer_is_set(t[0]));
  for (int i = 0; i < 5; i++)
    loop_timer_free(&t[i]);
}

/* The heap against a plain list, with many timers set, moved and stopped at random. */
static uint64_t fired_at_order[500];
static size_t fired;
static int64_t due[500];

static void fire(void *arg)
{
  size_t i = (size_t)(uintptr_t)arg;
  fired_at_order[fired++] = i;
}

static void five_hundred_timers_keep_their_order(void **state)
{
  (void)state;
  struct loop_timer *t[500];
  fired = 0;
  int64_t past = clock_mono() - 100000;
  srand(7);
  for (size_t i = 0; i < 500; i++)
    assert_non_null(t[i] = loop_timer(l, fire, (void *)(uintptr_t)i));
  for (int round = 0; round < 5000; round++) {
    size_t i = (size_t)rand() % 500;
    due[i] = past + rand() % 1000;
    loop_timer_at(t[i], due[i]);
    if (round % 3 == 0) {
      i = (size_t)rand() % 500;
      loop_timer_stop(t[i]);
      due[i] = -1;
    }
  }
  size_t expected = 0;
  for (size_t i = 0; i < 500; i++)
    expected += loop_timer_is_set(t[i]);
  loop_turn(l, 0);
  assert_int_equal(fired, expected);
  for (size_t i = 1; i < fired; i++)
    assert_true(due[fired_at_order[i - 1]] <= due[fired_at_order[i]]);
  for (size_t i = 0; i < 500; i++)
    loop_timer_free(&t[i]);
}

static struct loop_timer *again;
static int count;

static void set_again(void *arg)
{
  (void)arg;
  count++;
  loop_timer_in(again, 0);
}

static void a_timer_that_sets_itself_starves_nobody(void **state)
{
  (void)state;
  count = 0;
  again = loop_timer(l, set_again, NULL);
  loop_timer_in(again, 0);
  loop_turn(l, 10);
  assert_int_equal(count, 1);
  loop_turn(l, 10);
  assert_int_equal(count, 2);
  loop_timer_free(&again);
}

static struct loop_watch *left, *right;

static void drop_the_other(void *arg, short events)
{
  (void)events;
  note(arg == &left ? 'l' : 'r');
  loop_watch_free(&left);
  loop_watch_free(&right);
}

static void a_freed_watch_is_never_called(void **state)
{
  (void)state;
  int a[2], b[2];
  assert_int_equal(pipe(a), 0);
  assert_int_equal(pipe(b), 0);
  assert_int_equal(write(a[1], "x", 1), 1);
  assert_int_equal(write(b[1], "x", 1), 1);
  left = loop_watch(l, a[0], POLLIN, drop_the_other, &left);
  right = loop_watch(l, b[0], POLLIN, drop_the_other, &right);
  loop_turn(l, 100);
  loop_turn(l, 0);
  assert_int_equal(strlen(trace), 1);
  close(a[0]), close(a[1]), close(b[0]), close(b[1]);
}

static void a_watch_that_wants_nothing_is_silent(void **state)
{
  (void)state;
  int fds[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  struct loop_watch *w = loop_watch(l, fds[0], POLLIN, drop_the_other, NULL);
  loop_watch_set(w, 0);
  close(fds[1]);
  loop_turn(l, 20);
  assert_string_equal(trace, "");
  loop_watch_set(w, POLLIN);
  left = w;
  right = NULL;
  loop_turn(l, 1000);
  assert_string_equal(trace, "r");
  assert_null(left);
  close(fds[0]);
}

static void hear(void *arg, int signal)
{
  (void)arg;
  note(signal == SIGUSR1 ? '1' : '2');
}

static void signals_come_as_ordinary_calls(void **state)
{
  (void)state;
  assert_int_equal(loop_signal(l, SIGUSR1, hear, NULL), TG_OK);
  assert_int_equal(loop_signal(l, SIGUSR2, hear, NULL), TG_OK);
  raise(SIGUSR1);
  raise(SIGUSR2);
  assert_string_equal(trace, "");
  KIT_UNTIL(l, strlen(trace) == 2);
}

/* A batch: while input keeps coming, `idle` waits; it comes when the input pauses, or when its time is up. */
static struct loop_after *idle, *soon;
static int source[2], feed;

static void take(void *arg, short events)
{
  (void)arg;
  (void)events;
  char c;
  assert_int_equal(read(source[0], &c, 1), 1);
  note('i');
  loop_after_ask(soon);
  loop_after_ask(idle);
  if (--feed > 0)
    assert_int_equal(write(source[1], "x", 1), 1);
}

static void a_batch_ends_when_nothing_more_is_ready(void **state)
{
  (void)state;
  static const char s = 's', e = 'E';
  assert_int_equal(pipe(source), 0);
  struct loop_watch *w = loop_watch(l, source[0], POLLIN, take, NULL);
  soon = loop_after(l, LOOP_SOON, mark, (void *)(uintptr_t)&s);
  idle = loop_after(l, LOOP_IDLE, mark, (void *)(uintptr_t)&e);
  feed = 3;
  assert_int_equal(write(source[1], "x", 1), 1);
  KIT_UNTIL(l, strchr(trace, 'E'));
  /* A machine that stops for 5 ms in between may end the batch early; the order still holds. */
  assert_true(!strcmp(trace, "isisisE") || (strchr(trace, 'E') > strchr(trace, 's')));
  loop_watch_free(&w);
  loop_after_free(&soon);
  loop_after_free(&idle);
  close(source[0]), close(source[1]);
}

static void constant_load_cannot_hold_a_batch_open(void **state)
{
  (void)state;
  static const char e = 'E';
  static char other;
  assert_int_equal(pipe(source), 0);
  struct loop_watch *w = loop_watch(l, source[0], POLLIN, take, NULL);
  soon = loop_after(l, LOOP_SOON, mark, &other);
  idle = loop_after(l, LOOP_IDLE, mark, (void *)(uintptr_t)&e);
  feed = INT32_MAX;
  assert_int_equal(write(source[1], "x", 1), 1);
  int64_t start = clock_mono();
  while (!strchr(trace, 'E')) {
    loop_turn(l, 100);
    if (!strchr(trace, 'E'))
      memset(trace, 0, sizeof trace);
    assert_true(clock_mono() - start < DEADLINE_MS);
  }
  assert_true(clock_mono() - start >= LOOP_BATCH_MS);
  loop_watch_free(&w);
  loop_after_free(&soon);
  loop_after_free(&idle);
  close(source[0]), close(source[1]);
}

static void go_on(void *arg)
{
  mark(arg);
  if (--feed > 0)
    loop_after_ask(soon);
}

/* Work in parts: what comes is looked at between them, and the batch ends behind the last. */
static void a_batch_lasts_as_long_as_work_goes_on(void **state)
{
  (void)state;
  static const char s = 's', e = 'E';
  soon = loop_after(l, LOOP_SOON, go_on, (void *)(uintptr_t)&s);
  idle = loop_after(l, LOOP_IDLE, mark, (void *)(uintptr_t)&e);
  feed = 3;
  const int64_t start = clock_mono();
  loop_after_ask(soon);
  loop_after_ask(idle);
  KIT_UNTIL(l, strchr(trace, 'E'));
  assert_true(!strcmp(trace, "sssE") || clock_mono() - start >= LOOP_BATCH_MS);
  loop_after_free(&soon);
  loop_after_free(&idle);
}

static struct loop_after *first, *second;

static void free_second(void *arg)
{
  (void)arg;
  note('f');
  loop_after_free(&second);
}

static void what_is_freed_before_its_moment_does_not_run(void **state)
{
  (void)state;
  static const char s = 's';
  first = loop_after(l, LOOP_SOON, free_second, NULL);
  second = loop_after(l, LOOP_SOON, mark, (void *)(uintptr_t)&s);
  loop_after_ask(first);
  loop_after_ask(second);
  loop_after_ask(first);
  loop_turn(l, 0);
  loop_turn(l, 0);
  assert_string_equal(trace, "f");
  loop_after_free(&first);
}

static void stop(void *arg)
{
  loop_stop(l, *(const int *)arg);
}

static void run_returns_the_code(void **state)
{
  (void)state;
  static const int code = 7;
  struct loop_timer *t = loop_timer(l, stop, (void *)(uintptr_t)&code);
  loop_timer_in(t, 1);
  assert_int_equal(loop_run(l), 7);
  assert_false(loop_turn(l, 0));
}

static void an_outer_loop_can_drive_it(void **state)
{
  (void)state;
  static const char t = 't';
  struct loop_timer *timer = loop_timer(l, mark, (void *)(uintptr_t)&t);
  assert_int_equal(loop_wait_ms(l), -1);
  loop_timer_in(timer, 15);
  int64_t end = clock_mono() + DEADLINE_MS;
  while (!trace[0] && clock_mono() < end) {
    struct pollfd p = {.fd = loop_fd(l), .events = POLLIN};
    poll(&p, 1, loop_wait_ms(l));
    loop_turn(l, 0);
  }
  assert_string_equal(trace, "t");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(timers_fire_in_order),
      T(five_hundred_timers_keep_their_order),
      T(a_timer_that_sets_itself_starves_nobody),
      T(a_freed_watch_is_never_called),
      T(a_watch_that_wants_nothing_is_silent),
      T(signals_come_as_ordinary_calls),
      T(a_batch_ends_when_nothing_more_is_ready),
      T(constant_load_cannot_hold_a_batch_open),
      T(a_batch_lasts_as_long_as_work_goes_on),
      T(what_is_freed_before_its_moment_does_not_run),
      T(run_returns_the_code),
      T(an_outer_loop_can_drive_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
