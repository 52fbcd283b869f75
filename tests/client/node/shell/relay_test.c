/* The node's end of a resumed connection, and a hub that answers at its port: how often it is called, whatever it does then. */
#include "client/node/shell/relay.h"
#include "os/log.h"
#include "os/resume.h"
#include "os/unix.h"
#include "tests/os/kit.h"

#include <sodium.h>
#include <sys/un.h>

/* Linked with -Wl,--wrap=clock_mono: time that passed without waiting for it. */
static int64_t ahead;
int64_t __real_clock_mono(void);
int64_t __wrap_clock_mono(void);
int64_t __wrap_clock_mono(void) { return __real_clock_mono() + ahead; }

struct story {
  struct loop *loop;
  int listener;
  struct relay *relay;
  int local; /* ZeroMQ of this process */
  unsigned ready, over;
};

/* ZeroMQ comes; of "ipc://@name" the name. */
static void on_ready(void *arg)
{
  struct story *s = arg;
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  const char *name = relay_local(s->relay) + strlen("ipc://@");
  memcpy(at.sun_path + 1, name, strlen(name));
  s->local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(s->local, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))), 0);
  s->ready++;
}

static void on_over(void *arg, struct relay *r)
{
  struct story *s = arg;
  (void)r;
  close(s->local);
  s->local = -1;
  s->over++;
}

static void on_turned(void *arg, bool busy) { (void)arg, (void)busy; }

static struct story tell(void)
{
  struct story s = {.loop = loop_new(), .local = -1};
  kit_port(&s.listener);
  assert_int_equal(listen(s.listener, 8), 0);
  return s;
}

static void begin(struct story *s)
{
  static const struct relay_events events = {.ready = on_ready, .over = on_over, .turned = on_turned};
  struct sockaddr_in at;
  socklen_t n = sizeof at;
  char endpoint[64];
  assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &n), 0);
  snprintf(endpoint, sizeof endpoint, "resume://127.0.0.1:%u", ntohs(at.sin_port));
  assert_int_equal(relay_new(s->loop, endpoint, 0, &events, s, &s->relay), TG_OK);
}

static void end(struct story *s)
{
  relay_free(&s->relay);
  if (s->local >= 0)
    close(s->local);
  close(s->listener);
  loop_free(s->loop);
}

/* Its next call; time goes by meanwhile, a hundredth of a second at a time. */
static int called(struct story *s)
{
  const int64_t until = clock_mono() + DEADLINE_MS;
  while (!kit_is_readable(s->listener)) {
    ahead += 10;
    loop_turn(s->loop, 0);
    assert_true(clock_mono() < until);
  }
  const int fd = accept(s->listener, NULL, NULL);
  assert_true(fd >= 0);
  return fd;
}

/* The opening; is it of a new session? */
static bool opened(struct story *s, int fd)
{
  uint8_t bytes[RESUME_OPENING];
  struct resume_opening o;
  KIT_UNTIL(s->loop, kit_is_readable(fd));
  assert_int_equal(recv(fd, bytes, sizeof bytes, MSG_WAITALL), sizeof bytes);
  assert_int_equal(resume_opening_read(slice_of(bytes, sizeof bytes), &o), TG_OK);
  return o.begins;
}

/* It began, or goes on. */
static void answer(int fd, uint8_t status)
{
  const uint8_t bytes[9] = {status};
  assert_int_equal(send(fd, bytes, sizeof bytes, 0), sizeof bytes);
}

static void pass(struct story *s, unsigned ms)
{
  ahead += ms;
  for (unsigned i = 0; i < 8; i++)
    loop_turn(s->loop, 0);
}

static void count(void *arg, enum log_level level, const char *line)
{
  (void)level;
  *(unsigned *)arg += strstr(line, "session-not-resumed") && strstr(line, "resume://127.0.0.1:") && strstr(line, "has no room for it");
}

/* Sessions begin and are forgotten, as at a hub whose places strangers fight for. */
static void who_answers_and_keeps_nothing_is_called_less_and_less(void **state)
{
  (void)state;
  struct story s = tell();
  unsigned notices = 0;
  log_set_sink(count, &notices);
  begin(&s);
  const int64_t since = clock_mono();
  for (unsigned i = 0; i < 6; i++) {
    int fd = called(&s);
    if (opened(&s, fd)) {
      answer(fd, 0);
    } else {
      const struct slice no = resume_refusal();
      assert_int_equal(send(fd, no.p, no.n, 0), no.n);
    }
    for (unsigned turns = 0; turns < 8; turns++)
      loop_turn(s.loop, 0);
    close(fd);
  }
  assert_true(s.over >= 2);
  assert_true(clock_mono() - since > 6000); /* five waits of 200 ms and twice as much each time; of 200 and 400 ms they were two seconds and a half */
  log_set_sink(NULL, NULL);
  assert_int_equal(notices, 1);
  end(&s);
}

static int64_t next_wait(struct story *s, int fd)
{
  const int64_t since = clock_mono();
  close(fd);
  const int next = called(s);
  const int64_t waited = clock_mono() - since;
  assert_false(opened(s, next));
  answer(next, 1);
  pass(s, 0);
  close(next);
  return waited;
}

static int grown(struct story *s)
{
  int fd = called(s);
  assert_true(opened(s, fd));
  answer(fd, 0);
  pass(s, 0);
  for (unsigned i = 0; i < 3; i++) { /* a session over which nobody has met yet: the wait grows */
    close(fd);
    fd = called(s);
    assert_false(opened(s, fd));
    answer(fd, 1);
    pass(s, 0);
  }
  return fd;
}

static void a_line_that_breaks_after_both_have_met_is_to_blame(void **state)
{
  (void)state;
  struct story s = tell();
  begin(&s);
  const int fd = grown(&s);
  relay_up(s.relay);
  assert_in_range(next_wait(&s, fd), 190, 300);
  assert_int_equal(s.over, 0);
  end(&s);
}

static void a_session_that_lasts_is_proof_enough(void **state)
{
  (void)state;
  struct story s = tell();
  begin(&s);
  const int fd = grown(&s);
  pass(&s, 10000);
  assert_in_range(next_wait(&s, fd), 190, 300);
  assert_int_equal(s.over, 0);
  end(&s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(who_answers_and_keeps_nothing_is_called_less_and_less),
      cmocka_unit_test(a_line_that_breaks_after_both_have_met_is_to_blame),
      cmocka_unit_test(a_session_that_lasts_is_proof_enough),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
