#include "tests/broker/rig.h"

#include "os/control.h"
#include "os/unix.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

static const struct role ROLES[] = {{.name = "front", .main = front_main},
                                    {.name = "signer", .main = signer_main}};

int rig_main(int argc, char **argv, const struct CMUnitTest *tests, size_t n)
{
  if (role_is_child(argc, argv))
    return role_main(argv, ROLES, sizeof ROLES / sizeof *ROLES);
  signal(SIGPIPE, SIG_IGN);
  return _cmocka_run_group_tests("tests", tests, n, NULL, NULL);
}

static void on_frame(void *arg, struct slice frame)
{
  struct rig *rig = arg;
  buf_put_u32(&rig->heard, (uint32_t)frame.n);
  buf_put_slice(&rig->heard, frame);
  assert_int_equal(buf_status(&rig->heard), TG_OK);
}

static void on_closed(void *arg, enum tg_err why)
{
  struct rig *rig = arg;
  (void)why;
  pipe_free(&rig->peer);
}

static void become(const char *role, int control, int brief)
{
  char title[64];
  snprintf(title, sizeof title, "rig: %s", role);
  char *argv[] = {title, NULL};
  int c = fcntl(control, F_DUPFD, 16), b = fcntl(brief, F_DUPFD, 16);
  if (dup2(c, CONTROL_FD) < 0 || dup2(b, CONTROL_BRIEF_FD) < 0)
    _exit(99);
  close_range(CONTROL_BRIEF_FD + 1, ~0u, 0);
  sigset_t wait;
  sigemptyset(&wait);
  sigaddset(&wait, SIGTERM);
  sigprocmask(SIG_SETMASK, &wait, NULL);
  execv("/proc/self/exe", argv);
  _exit(99);
}

struct rig *rig_start(const char *role, const char *peer, const void *brief, size_t size,
                      struct pipe_limits limits)
{
  static const struct pipe_events events = {.frame = on_frame, .closed = on_closed};
  struct rig *rig = calloc(1, sizeof *rig);
  int control[2], pipes[2], channel[2];
  assert_non_null(rig);
  rig->heard = buf_new(256u << 20);
  rig->loop = loop_new();
  assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), 0);
  assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
  assert_int_equal(unix_pair(channel), TG_OK);
  rig->pid = fork();
  if (rig->pid == 0)
    become(role, control[1], pipes[0]);
  close(control[1]);
  close(pipes[0]);
  const uint8_t head[4] = {0, (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size};
  assert_int_equal(write(pipes[1], head, 4), 4);
  assert_int_equal(write(pipes[1], brief, size), size);
  close(pipes[1]);
  rig->control = control[0];
  assert_int_equal(control_send(rig->control, CONTROL_CHANNEL, peer, channel[1]), TG_OK);
  assert_int_equal(control_send(rig->control, CONTROL_START, NULL, -1), TG_OK);
  close(channel[1]);
  assert_int_equal(pipe_new(rig->loop, channel[0], &limits, &events, rig, &rig->peer), TG_OK);
  return rig;
}

void rig_expect_ready(struct rig *rig)
{
  struct control_message m = {.type = CONTROL_START};
  KIT_UNTIL(rig->loop, control_receive(rig->control, false, &m) != TG_BUSY);
  assert_int_equal(m.type, CONTROL_READY);
}

void rig_say(struct rig *rig, enum message type, struct slice rest)
{
  const uint8_t head = (uint8_t)type;
  const struct slice parts[] = {slice_of(&head, 1), rest};
  assert_non_null(rig->peer);
  assert_int_equal(pipe_send_parts(rig->peer, parts, 2), TG_OK);
}

struct slice rig_expect(struct rig *rig, enum message type)
{
  static uint8_t frame[2u << 20];
  KIT_UNTIL(rig->loop, rig->heard.n > 0 || !rig->peer);
  assert_true(rig->heard.n > 0);
  struct slice rest = buf_slice(&rig->heard), bytes;
  uint32_t n;
  assert_true(take_u32(&rest, &n) && take(&rest, n, &bytes) && n > 0 && n <= sizeof frame);
  memcpy(frame, bytes.p, n);
  memmove(rig->heard.p, rest.p, rest.n);
  rig->heard.n = rest.n;
  assert_int_equal(frame[0], type);
  return slice_of(frame + 1, n - 1);
}

static int wait_for(struct rig *rig)
{
  int status;
  pid_t got = 0;
  KIT_UNTIL(rig->loop, (got = waitpid(rig->pid, &status, WNOHANG)) != 0);
  assert_int_equal(got, rig->pid);
  pipe_free(&rig->peer);
  loop_free(rig->loop);
  buf_free(&rig->heard);
  close(rig->control);
  free(rig);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int rig_end(struct rig *rig)
{
  return wait_for(rig);
}

void rig_stop(struct rig *rig)
{
  assert_int_equal(kill(rig->pid, SIGTERM), 0);
  assert_int_equal(wait_for(rig), 0);
}

void rig_kill(struct rig *rig)
{
  assert_int_equal(kill(rig->pid, SIGKILL), 0);
  assert_int_equal(wait_for(rig), -SIGKILL);
}
