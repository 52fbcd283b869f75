/* Channels: real socket pairs, two ends in one loop, and raw bytes where an end misbehaves. */
#include "kit.h"
#include "os/pipe.h"
#include "os/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/socket.h>

#define MIB (1u << 20)

/* One end and what it heard. */
struct end {
  struct pipe *pipe;
  size_t frames, bytes, drained;
  bool closed, pause_each, free_at_frame;
  enum tg_err why;
  uint8_t last_byte;
  char last[64];
  crypto_hash_sha256_state hash;
};

static struct loop *l;
static struct end a, b;
static int raw = -1;

static void on_frame(void *arg, struct slice frame)
{
  struct end *e = arg;
  e->frames++;
  e->bytes += frame.n;
  crypto_hash_sha256_update(&e->hash, frame.p, frame.n);
  snprintf(e->last, sizeof e->last, "%.*s", (int)(frame.n < 60 ? frame.n : 60), (const char *)frame.p);
  if (e->pause_each)
    pipe_pause(e->pipe, true);
  if (e->free_at_frame && e->frames == 2)
    pipe_free(&e->pipe);
}

static void on_closed(void *arg, enum tg_err why)
{
  struct end *e = arg;
  assert_false(e->closed);
  e->closed = true;
  e->why = why;
}

static void on_drained(void *arg)
{
  ((struct end *)arg)->drained++;
}

static const struct pipe_events events = {.frame = on_frame, .closed = on_closed, .drained = on_drained};
static const struct pipe_limits limits = {.max_frame = MIB, .max_queue = 4 * MIB};

static void open_end(struct end *e, int fd, const struct pipe_limits *lim)
{
  *e = (struct end){0};
  crypto_hash_sha256_init(&e->hash);
  assert_int_equal(pipe_new(l, fd, lim, &events, e, &e->pipe), TG_OK);
}

static int both(void **state)
{
  (void)state;
  int fds[2];
  assert_true(sodium_init() >= 0);
  l = loop_new();
  assert_int_equal(unix_pair(fds), TG_OK);
  open_end(&a, fds[0], &limits);
  open_end(&b, fds[1], &limits);
  return 0;
}

/* One end is a pipe, the other raw bytes in the test's hand. */
static int one(void **state)
{
  (void)state;
  int fds[2];
  l = loop_new();
  assert_int_equal(unix_pair(fds), TG_OK);
  open_end(&a, fds[0], &limits);
  b = (struct end){0};
  raw = fds[1];
  return 0;
}

static int over(void **state)
{
  (void)state;
  pipe_free(&a.pipe);
  pipe_free(&b.pipe);
  if (raw >= 0)
    close(raw);
  raw = -1;
  loop_free(l);
  return 0;
}

static void frames_arrive_whole_and_in_order(void **state)
{
  (void)state;
  const struct slice parts[] = {slice_str("he"), slice_of(NULL, 0), slice_str("llo")};
  assert_int_equal(pipe_send_parts(a.pipe, parts, 3), TG_OK);
  assert_int_equal(pipe_send(a.pipe, slice_of(NULL, 0)), TG_OK);
  assert_int_equal(pipe_send(a.pipe, slice_str("last")), TG_OK);
  KIT_UNTIL(l, b.frames == 3);
  assert_int_equal(b.bytes, 9);
  assert_string_equal(b.last, "last");
}

/* Sizes around every border, both directions at once; what comes out hashes to what went in. */
static void frames_of_all_sizes_survive(void **state)
{
  (void)state;
  static uint8_t content[MIB];
  crypto_hash_sha256_state to_b, to_a;
  crypto_hash_sha256_init(&to_b);
  crypto_hash_sha256_init(&to_a);
  randombytes_buf(content, sizeof content);
  for (int i = 0; i < 400; i++) {
    static const uint32_t borders[] = {0, 1, 4, 4092, 4096, 65531, 65532, 65536, 65537, 200000, MIB - 1, MIB};
    size_t n = i % 3 ? randombytes_uniform(3000) : borders[randombytes_uniform(12)];
    if (pipe_queued(a.pipe) > 2 * MIB || pipe_queued(b.pipe) > 2 * MIB)
      KIT_UNTIL(l, pipe_queued(a.pipe) == 0 && pipe_queued(b.pipe) == 0);
    assert_int_equal(pipe_send(a.pipe, slice_of(content, n)), TG_OK);
    assert_int_equal(pipe_send(b.pipe, slice_of(content, n)), TG_OK);
    crypto_hash_sha256_update(&to_b, content, n);
    crypto_hash_sha256_update(&to_a, content, n);
  }
  KIT_UNTIL(l, a.frames == 400 && b.frames == 400);
  uint8_t h1[32], h2[32];
  crypto_hash_sha256_final(&to_b, h1);
  crypto_hash_sha256_final(&b.hash, h2);
  assert_memory_equal(h1, h2, 32);
  crypto_hash_sha256_final(&to_a, h1);
  crypto_hash_sha256_final(&a.hash, h2);
  assert_memory_equal(h1, h2, 32);
}

static void a_slow_reader_pushes_back(void **state)
{
  (void)state;
  static uint8_t frame[64 * 1024];
  pipe_pause(b.pipe, true);
  size_t sent = 0;
  int64_t end = clock_mono() + DEADLINE_MS;
  for (;;) {
    enum tg_err err = pipe_send(a.pipe, slice_of(frame, sizeof frame));
    if (err == TG_BUSY && pipe_queued(a.pipe) > 4 * MIB - sizeof frame - 8)
      break;
    sent += err == TG_OK;
    loop_turn(l, 0);
    assert_true(clock_mono() < end);
  }
  assert_true(pipe_queued(a.pipe) <= 4 * MIB);
  assert_int_equal(pipe_flush(a.pipe, 0), TG_BUSY);
  assert_int_equal(a.drained, 0);
  assert_int_equal(b.frames, 0);
  pipe_pause(b.pipe, false);
  KIT_UNTIL(l, a.drained == 1);
  KIT_UNTIL(l, b.frames == sent);
  assert_int_equal(a.drained, 1);
  assert_int_equal(pipe_queued(a.pipe), 0);
}

static void who_asks_is_told_long_before_the_queue_is_full(void **state)
{
  (void)state;
  static uint8_t frame[64 * 1024];
  pipe_pause(b.pipe, true);
  size_t sent = 0;
  for (; pipe_queued(a.pipe) < MIB; sent++)
    assert_int_equal(pipe_send(a.pipe, slice_of(frame, sizeof frame)), TG_OK);
  pipe_tell_drained(a.pipe, 128 * 1024);
  loop_turn(l, 0);
  assert_int_equal(a.drained, 0);
  pipe_pause(b.pipe, false);
  KIT_UNTIL(l, a.drained == 1);
  assert_true(pipe_queued(a.pipe) <= 128 * 1024);
  KIT_UNTIL(l, b.frames == sent);
  assert_int_equal(a.drained, 1);
}

static void a_pause_stops_between_two_frames(void **state)
{
  (void)state;
  b.pause_each = true;
  for (int i = 0; i < 3; i++)
    pipe_send(a.pipe, slice_str("x"));
  for (size_t i = 1; i <= 3; i++) {
    KIT_UNTIL(l, b.frames == i);
    loop_turn(l, 10);
    assert_int_equal(b.frames, i);
    pipe_pause(b.pipe, false);
  }
}

static void what_was_sent_before_the_end_is_read(void **state)
{
  (void)state;
  b.pause_each = true;
  for (int i = 0; i < 3; i++)
    pipe_send(a.pipe, slice_str("x"));
  assert_int_equal(pipe_flush(a.pipe, 1000), TG_OK);
  pipe_free(&a.pipe);
  KIT_UNTIL(l, b.frames == 1);
  b.pause_each = false;
  assert_false(b.closed);
  /* Writing fails now; that must not lose what can still be read. */
  (void)pipe_send(b.pipe, slice_str("into the void"));
  loop_turn(l, 10);
  pipe_pause(b.pipe, false);
  KIT_UNTIL(l, b.closed);
  assert_int_equal(b.frames, 3);
  assert_int_equal(pipe_send(b.pipe, slice_str("y")), TG_UNREACHABLE);
}

/* ---- a machine that fails */

ssize_t __real_sendmsg(int fd, const struct msghdr *m, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags);
static int send_error;

ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags)
{
  if (!send_error)
    return __real_sendmsg(fd, m, flags);
  errno = send_error;
  send_error = 0;
  return -1;
}

/* The frame is lost; each would wait for the other for ever. */
static void a_failed_send_ends_both_sides(void **state)
{
  (void)state;
  assert_int_equal(pipe_send(b.pipe, slice_str("said before")), TG_OK);
  assert_int_equal(pipe_flush(b.pipe, 0), TG_OK);
  send_error = ENOMEM;
  assert_int_equal(pipe_send(a.pipe, slice_str("lost")), TG_OK);
  KIT_UNTIL(l, a.closed && b.closed);
  assert_int_equal(a.frames, 1);
  assert_int_equal(b.frames, 0);
}

static void a_quiet_end_is_no_error(void **state)
{
  (void)state;
  pipe_free(&a.pipe);
  KIT_UNTIL(l, b.closed);
  assert_int_equal(b.why, TG_OK);
}

static void a_pipe_may_be_freed_in_its_own_call(void **state)
{
  (void)state;
  b.free_at_frame = true;
  for (int i = 0; i < 5; i++)
    pipe_send(a.pipe, slice_str("x"));
  KIT_UNTIL(l, !b.pipe);
  assert_int_equal(b.frames, 2);
  KIT_UNTIL(l, a.closed);
}

static void oversized_frames_are_refused_on_both_sides(void **state)
{
  (void)state;
  static uint8_t big[MIB + 1];
  assert_int_equal(pipe_send(a.pipe, slice_of(big, sizeof big)), TG_TOO_BIG);
  const struct slice parts[] = {slice_of(big, MIB), slice_of(big, SIZE_MAX / 2)};
  assert_int_equal(pipe_send_parts(a.pipe, parts, 2), TG_TOO_BIG);
  assert_int_equal(write(raw, "\x00\x10\x00\x01", 4), 4);
  KIT_UNTIL(l, a.closed);
  assert_int_equal(a.why, TG_TOO_BIG);
  assert_int_equal(a.frames, 0);
}

static void a_frame_cut_short_is_told(void **state)
{
  (void)state;
  assert_int_equal(write(raw, "\0\0\0\1x\0\0\0\5hal", 12), 12);
  close(raw);
  raw = -1;
  KIT_UNTIL(l, a.closed);
  assert_int_equal(a.frames, 1);
  assert_int_equal(a.why, TG_UNREACHABLE);
}

static void send_fds(int fd, size_t n, const char *bytes, size_t size)
{
  struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
  char room[CMSG_SPACE(sizeof(int) * 64)] __attribute__((aligned(8))) = {0};
  struct msghdr m = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = CMSG_SPACE(sizeof(int) * n)};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int) * n);
  for (size_t i = 0; i < n; i++)
    memcpy(CMSG_DATA(c) + i * sizeof(int), &(int){0}, sizeof(int));
  assert_int_equal(sendmsg(fd, &m, 0), size);
}

static size_t open_fds(void)
{
  size_t n = 0;
  for (int fd = 0; fd < 1024; fd++)
    n += fcntl(fd, F_GETFD) >= 0;
  return n;
}

static void descriptors_are_refused_and_closed(void **state)
{
  (void)state;
  size_t before = open_fds();
  send_fds(raw, 40, "\0\0\0\1x", 5);
  KIT_UNTIL(l, a.closed);
  assert_int_equal(a.why, TG_BAD_INPUT);
  assert_int_equal(a.frames, 0);
  assert_int_equal(open_fds(), before);
}

static void slow_bytes_make_the_same_frames(void **state)
{
  (void)state;
  static const char stream[] = "\0\0\0\3abc\0\0\0\0\0\0\0\5hello";
  for (size_t i = 0; i < sizeof stream - 1; i++) {
    assert_int_equal(write(raw, stream + i, 1), 1);
    loop_turn(l, 0);
  }
  KIT_UNTIL(l, a.frames == 3);
  assert_int_equal(a.bytes, 8);
  assert_string_equal(a.last, "hello");
  assert_false(a.closed);
}

int main(void)
{
#define BOTH(f) cmocka_unit_test_setup_teardown(f, both, over)
#define ONE(f) cmocka_unit_test_setup_teardown(f, one, over)
  const struct CMUnitTest tests[] = {
      BOTH(frames_arrive_whole_and_in_order),
      BOTH(frames_of_all_sizes_survive),
      BOTH(a_slow_reader_pushes_back),
      BOTH(who_asks_is_told_long_before_the_queue_is_full),
      BOTH(a_pause_stops_between_two_frames),
      BOTH(what_was_sent_before_the_end_is_read),
      BOTH(a_failed_send_ends_both_sides),
      BOTH(a_failed_send_ends_both_sides),
      BOTH(a_quiet_end_is_no_error),
      BOTH(a_pipe_may_be_freed_in_its_own_call),
      ONE(oversized_frames_are_refused_on_both_sides),
      ONE(a_frame_cut_short_is_told),
      ONE(descriptors_are_refused_and_closed),
      ONE(slow_bytes_make_the_same_frames),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
