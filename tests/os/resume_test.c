/* A stream over connections that break anywhere: each byte comes once, in order, both ways; and nonsense from the other side is an answer. */
#include "os/resume.h"
#include "os/zhead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = 1200, STREAM = 20000 };

/* Linked with -Wl,--wrap=malloc. */
static bool scarce;
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n) { return scarce ? NULL : __real_malloc(n); }

/* One end with what it is to say and what it heard. */
struct side {
  struct resume *r;
  struct buf says, heard, line; /* line: on its way from it */
  size_t put;
};

struct world {
  struct side client, server;
  unsigned connections;
  uint64_t carried; /* bytes that arrived over the line */
};

/* ---- streams */

static void put_message(struct buf *b, uint64_t number, size_t body)
{
  const size_t size = 16 + body;
  buf_put_u8(b, size > 255 ? 2 : 0);
  if (size > 255)
    buf_put_u64(b, size);
  else
    buf_put_u8(b, (uint8_t)size);
  buf_put_str(b, "\7MESSAGE");
  buf_put_u64(b, number);
  randombytes_buf(buf_grow(b, body), body);
}

/* As libzmq speaks: greeting, commands, messages of which a number is left out once. */
static struct buf zeromq(unsigned messages, size_t body)
{
  struct buf b = buf_new(1 << 20);
  uint64_t number = 3;
  randombytes_buf(buf_grow(&b, 64), 64);
  buf_put_str(&b, "\4\x0d\5HELLO1234567");
  for (unsigned i = 0; i < messages; i++)
    put_message(&b, number += i == 3 ? 2 : 1, i % 3 ? body : 20);
  return b;
}

static struct buf noise(size_t n)
{
  struct buf b = buf_new(1 << 20);
  if (n)
    randombytes_buf(buf_grow(&b, n), n);
  return b;
}

/* ---- the world */

static struct side side_new(uint32_t rate, struct buf says)
{
  struct side s = {.r = resume_new(rate), .says = says, .heard = buf_new(1 << 20), .line = buf_new(1 << 20)};
  assert_non_null(s.r);
  return s;
}

static struct world world_new(struct buf up, struct buf down)
{
  return (struct world){.client = side_new(RATE, up), .server = side_new(0, down)};
}

static void side_free(struct side *s)
{
  resume_free(&s->r);
  buf_free(&s->says);
  buf_free(&s->heard);
  buf_free(&s->line);
}

static void world_free(struct world *w)
{
  side_free(&w->client);
  side_free(&w->server);
}

static void drop(struct buf *b, size_t n)
{
  if (n)
    memmove(b->p, b->p + n, b->n - n);
  b->n -= n;
}

static void speak(struct side *s)
{
  size_t n = s->says.n - s->put, room = resume_room(s->r);
  n = n < room ? n : room;
  assert_int_equal(resume_put(s->r, slice_of(s->says.p + s->put, n)), TG_OK);
  s->put += n;
  struct slice out = resume_out(s->r);
  buf_put_slice(&s->line, out);
  resume_wrote(s->r, out.n);
}

static void hear(struct side *s)
{
  struct slice in = resume_in(s->r);
  buf_put_slice(&s->heard, in);
  resume_gave(s->r, in.n);
}

static void cut(struct world *w)
{
  buf_clear(&w->client.line);
  buf_clear(&w->server.line);
  resume_lost(w->client.r);
  resume_lost(w->server.r);
}

/* The opening arrives whole. */
static void meet(struct world *w)
{
  uint8_t token[RESUME_TOKEN];
  struct resume_opening o;
  memset(token, (int)++w->connections, sizeof token);
  resume_connect(w->client.r, token);
  speak(&w->client);
  assert_int_equal(resume_opening_read(slice_of(w->client.line.p, RESUME_OPENING), &o), TG_OK);
  drop(&w->client.line, RESUME_OPENING);
  if (o.begins && w->connections > 1) { /* nothing of the one before was answered: another session */
    resume_free(&w->server.r);
    w->server.r = resume_new(0);
    w->server.put = 0;
    buf_clear(&w->server.heard);
  }
  assert_int_equal(resume_accept(w->server.r, &o), TG_OK);
  assert_true(resume_is_token(w->server.r, o.token));
}

/* At most `most` bytes; how many arrived. */
static size_t carry(struct side *from, struct side *to, size_t most)
{
  speak(from);
  const size_t n = from->line.n < most ? from->line.n : most;
  assert_int_equal(resume_take(to->r, slice_of(from->line.p, n)), TG_OK);
  drop(&from->line, n);
  hear(to);
  return n;
}

static bool is_whole(const struct side *a, const struct side *b) { return a->heard.n == b->says.n && b->heard.n == a->says.n; }

/* Pieces of `piece` bytes each way in turn, until `most` have arrived or everything has. */
static void run(struct world *w, size_t piece, uint64_t most)
{
  for (uint64_t left = most, n = 1; left && n && !is_whole(&w->client, &w->server); left -= n) {
    n = carry(&w->client, &w->server, left < piece ? left : piece);
    n += left > n ? carry(&w->server, &w->client, left - n < piece ? left - n : piece) : 0;
    w->carried += n;
  }
}

static void same(const struct side *heard, const struct side *said)
{
  assert_int_equal(heard->heard.n, said->says.n);
  assert_memory_equal(heard->heard.p, said->says.p, said->says.n);
}

static void whole(struct world *w)
{
  same(&w->client, &w->server);
  same(&w->server, &w->client);
}

/* ---- */

static void one_cut(size_t at, struct buf up, struct buf down)
{
  struct world w = world_new(up, down);
  meet(&w);
  run(&w, 7, at);
  cut(&w);
  meet(&w);
  run(&w, 100, UINT64_MAX);
  whole(&w);
  world_free(&w);
}

static void it_may_be_cut_after_any_byte(void **state)
{
  (void)state;
  for (size_t at = 0; at < 3000; at++) {
    one_cut(at, zeromq(12, 90), zeromq(9, 300));
    if (at % 5 == 0)
      one_cut(at, noise(700), noise(900));
  }
}

static void it_may_be_cut_again_and_again(void **state)
{
  (void)state;
  for (size_t every = 120; every < 1000; every += 13) { /* less does not bring an answer */
    struct world w = world_new(zeromq(40, 500), zeromq(60, 700));
    for (unsigned i = 0; i < 3000 && !is_whole(&w.client, &w.server); i++) {
      meet(&w);
      run(&w, 50, every);
      cut(&w);
    }
    whole(&w);
    world_free(&w);
  }
}

/* Of a message of 700 bytes in 42 more, 25 are not said, and two are. */
static void beginnings_of_messages_are_not_said(void **state)
{
  (void)state;
  struct world w = world_new(zeromq(2, 20), zeromq(0, 0));
  for (uint64_t number = 9; number < 109; number++)
    put_message(&w.server.says, number, 717);
  meet(&w);
  run(&w, 4096, UINT64_MAX);
  whole(&w);
  assert_true(w.carried < w.client.says.n + w.server.says.n - 99 * (25 - 2) + 350);
  world_free(&w);
}

static void the_window_bounds_what_is_kept(void **state)
{
  (void)state;
  struct world w = world_new(noise(10), noise(3 * RESUME_WINDOW));
  meet(&w);
  while (carry(&w.client, &w.server, 4096))
    ;
  for (unsigned i = 0; i < 100; i++)
    speak(&w.server);
  assert_int_equal(w.server.put, RESUME_WINDOW);
  assert_int_equal(resume_room(w.server.r), 0);
  assert_int_equal(resume_put(w.server.r, slice_of("x", 1)), TG_TOO_BIG);
  assert_true(resume_is_busy(w.server.r));
  resume_free(&w.server.r);
  world_free(&w);
}

static void a_slow_line_is_busy_soon(void **state)
{
  (void)state;
  struct world w = world_new(noise(10), noise(5 * RATE + 1));
  assert_true(resume_is_busy(w.client.r)); /* there is none yet */
  meet(&w);
  assert_false(resume_is_busy(w.client.r));
  assert_false(resume_is_busy(w.server.r));
  speak(&w.server);
  assert_true(resume_is_busy(w.server.r));
  run(&w, 100, UINT64_MAX);
  assert_false(resume_is_busy(w.server.r));
  cut(&w);
  assert_true(resume_is_busy(w.client.r));
  world_free(&w);
}

static void little_is_confirmed_when_asked_for(void **state)
{
  (void)state;
  struct world w = world_new(noise(10), noise(10));
  meet(&w);
  run(&w, 100, UINT64_MAX);
  assert_true(resume_waits(w.server.r) && resume_owes(w.client.r));
  resume_confirm(w.client.r);
  while (carry(&w.client, &w.server, 100))
    ;
  assert_false(resume_waits(w.server.r) || resume_owes(w.client.r));
  world_free(&w);
}

static void the_end_comes_after_the_last_byte(void **state)
{
  (void)state;
  struct world w = world_new(noise(3000), noise(10));
  meet(&w);
  speak(&w.client);
  resume_end(w.client.r);
  assert_int_equal(resume_room(w.client.r), 0);
  cut(&w);
  meet(&w);
  while (!resume_is_ended(w.server.r))
    assert_true(carry(&w.client, &w.server, 100) > 0);
  assert_true(resume_waits(w.client.r)); /* for the other side to hang up */
  same(&w.server, &w.client);
  world_free(&w);
}

/* Not even that what comes is here: the other side would have to take it for nonsense. */
static void nothing_is_said_after_the_end(void **state)
{
  (void)state;
  struct world w = world_new(noise(0), noise(20000));
  meet(&w);
  resume_end(w.client.r);
  while (!resume_is_ended(w.server.r))
    assert_true(carry(&w.client, &w.server, 100) > 0);
  speak(&w.server);
  while (carry(&w.server, &w.client, 5000) > 0) {
  }
  resume_confirm(w.client.r);
  assert_true(resume_owes(w.client.r));
  assert_int_equal(resume_out(w.client.r).n, 0);
  world_free(&w);
}

/* The line broke when the end was heard, and not all before it was handed on. */
static void the_end_may_be_said_again(void **state)
{
  (void)state;
  struct world w = world_new(noise(0), noise(0));
  const uint8_t token[RESUME_TOKEN] = {1};
  struct resume_opening o;
  meet(&w);
  assert_int_equal(resume_take(w.server.r, slice_of("\4ab\1", 4)), TG_OK);
  resume_lost(w.server.r);
  o = (struct resume_opening){.received = 0};
  memcpy(o.token, token, sizeof token);
  assert_int_equal(resume_accept(w.server.r, &o), TG_OK);
  assert_int_equal(resume_take(w.server.r, slice_of("\1", 1)), TG_OK);
  assert_false(resume_is_ended(w.server.r));
  assert_true(slice_is(resume_in(w.server.r), "ab"));
  resume_gave(w.server.r, 2);
  assert_true(resume_is_ended(w.server.r));
  world_free(&w);
}

/* Without memory for what the line should carry there is never a hole in it: what is on it stands, and the next connection carries the rest. */
static void without_memory_nothing_is_left_out(void **state)
{
  (void)state;
  for (unsigned at = 0; at < 30; at++) {
    struct world w = world_new(zeromq(40, 700), zeromq(40, 700));
    const uint8_t token[RESUME_TOKEN] = {0};
    scarce = true;
    resume_connect(w.client.r, token);
    scarce = false;
    assert_true(resume_is_starved(w.client.r));
    resume_lost(w.client.r);
    assert_false(resume_is_starved(w.client.r));
    meet(&w);
    run(&w, 300, 100 * at);
    cut(&w); /* what the line had is freed */
    meet(&w);
    const size_t n = at ? 0 : 3000; /* the rest was put before */
    assert_int_equal(resume_put(w.server.r, slice_of(w.server.says.p + w.server.put, n)), TG_OK);
    w.server.put += n;
    scarce = true;
    struct slice out = resume_out(w.server.r);
    scarce = false;
    buf_put_slice(&w.server.line, out);
    resume_wrote(w.server.r, out.n);
    if (resume_is_starved(w.server.r)) {
      assert_int_equal(resume_out(w.server.r).n, 0);
      while (w.server.line.n) /* what is on its way arrives */
        (void)carry(&w.server, &w.client, 100);
      cut(&w);
      meet(&w);
    }
    run(&w, 100, UINT64_MAX);
    whole(&w);
    world_free(&w);
  }
}

/* What came waits in memory when ZeroMQ takes no more: beginnings that were left out must not make it many times what was read. */
static void what_comes_unfolds_to_no_more_than_twice_as_much(void **state)
{
  (void)state;
  enum { LEAST = 33, SHORTEST = 16 };
  struct world w = world_new(zeromq(1, 20), noise(0));
  uint8_t shortest[RESUME_FRAME] = {0};
  meet(&w);
  run(&w, 4096, UINT64_MAX);
  hear(&w.server);
  for (size_t i = 0; i < sizeof shortest; i += 1 + LEAST - SHORTEST)
    shortest[i] = 2 * LEAST + 1;
  assert_int_equal(resume_take(w.server.r, slice_of(shortest, sizeof shortest)), TG_OK);
  assert_in_range(resume_in(w.server.r).n, sizeof shortest, 2 * sizeof shortest);
  for (uint8_t size = SHORTEST; size < LEAST; size++) { /* no seal is so small */
    struct world other = world_new(zeromq(1, 20), noise(0));
    const uint8_t head = (uint8_t)(2 * size + 1);
    meet(&other);
    run(&other, 4096, UINT64_MAX);
    assert_int_equal(resume_take(other.server.r, slice_of(&head, 1)), TG_BAD_INPUT);
    world_free(&other);
  }
  world_free(&w);
}

/* So is what stays unconfirmed; a session that has more than its window puts nothing until it has less. */
static void a_window_may_become_smaller_and_larger(void **state)
{
  (void)state;
  enum { SMALL = 8 << 10 };
  struct world w = world_new(noise(10), noise(3 * RESUME_WINDOW));
  meet(&w);
  resume_limit(w.server.r, SMALL);
  assert_int_equal(resume_room(w.server.r), SMALL);
  assert_int_equal(resume_put(w.server.r, slice_of(w.server.says.p, SMALL / 2)), TG_OK);
  assert_true(resume_is_busy(w.server.r));
  w.server.put = SMALL / 2;
  resume_limit(w.server.r, RESUME_WINDOW);
  assert_false(resume_is_busy(w.server.r));
  speak(&w.server);
  assert_int_equal(w.server.put, RESUME_WINDOW);
  assert_in_range(resume_holds(w.server.r), RESUME_WINDOW, 2 * RESUME_WINDOW);
  resume_limit(w.server.r, SMALL);
  assert_int_equal(resume_room(w.server.r), 0);
  run(&w, 4096, UINT64_MAX);
  whole(&w);
  world_free(&w);
}

/* A line that rests holds nothing. */
static void what_was_confirmed_is_not_held(void **state)
{
  (void)state;
  struct world w = world_new(noise(5000), noise(20000));
  meet(&w);
  run(&w, 4096, UINT64_MAX);
  resume_confirm(w.client.r);
  resume_confirm(w.server.r);
  while (carry(&w.client, &w.server, 4096) + carry(&w.server, &w.client, 4096))
    ;
  assert_int_equal(resume_out(w.client.r).n + resume_out(w.server.r).n, 0);
  assert_int_equal(resume_holds(w.client.r) + resume_holds(w.server.r), 0);
  world_free(&w);
}

/* Two bytes confirm one: as many as fit one reading, of a window that is full. */
static void many_small_confirmations_are_taken(void **state)
{
  (void)state;
  struct world w = world_new(noise(10), noise(RESUME_WINDOW));
  uint8_t one_by_one[4096];
  meet(&w);
  while (carry(&w.server, &w.client, 4096))
    ;
  for (size_t i = 0; i < sizeof one_by_one; i++)
    one_by_one[i] = i % 2;
  const size_t room = resume_room(w.server.r);
  assert_int_equal(resume_take(w.server.r, slice_of(one_by_one, sizeof one_by_one)), TG_OK);
  assert_int_equal(resume_room(w.server.r), room + sizeof one_by_one / 2);
  cut(&w);
  assert_int_equal(w.client.heard.n, RESUME_WINDOW);
  meet(&w);
  run(&w, 4096, UINT64_MAX);
  whole(&w);
  world_free(&w);
}

/* A session that was never answered is begun anew, under another name; one that was goes on under its own. */
static void a_token_is_kept_once_answered(void **state)
{
  (void)state;
  const uint8_t first[RESUME_TOKEN] = {1}, second[RESUME_TOKEN] = {2}, third[RESUME_TOKEN] = {3};
  struct resume *r = resume_new(RATE);
  resume_connect(r, first);
  resume_lost(r);
  resume_connect(r, second);
  assert_true(resume_is_token(r, second));
  assert_int_equal(resume_take(r, slice_of("\0\0\0\0\0\0\0\0\0", 9)), TG_OK);
  resume_lost(r);
  resume_connect(r, third);
  assert_true(resume_is_token(r, second));
  assert_false(resume_is_token(r, third));
  struct slice refusal = resume_refusal();
  assert_int_equal(resume_take(r, refusal), TG_NOT_FOUND);
  resume_free(&r);
}

static void openings_are_looked_at(void **state)
{
  (void)state;
  struct resume *r = resume_new(RATE), *server = resume_new(0);
  const uint8_t token[RESUME_TOKEN] = {7};
  struct resume_opening o;
  resume_connect(r, token);
  uint8_t bytes[RESUME_OPENING];
  assert_int_equal(resume_out(r).n, sizeof bytes);
  memcpy(bytes, resume_out(r).p, sizeof bytes);
  for (size_t n = 0; n < sizeof bytes; n++)
    assert_int_equal(resume_opening_read(slice_of(bytes, n), &o), TG_BAD_INPUT);
  for (size_t i = 0; i < 5; i++) { /* what it is, which version, what it wants */
    bytes[i] ^= 4;
    assert_int_equal(resume_opening_read(slice_of(bytes, sizeof bytes), &o), TG_BAD_INPUT);
    bytes[i] ^= 4;
  }
  bytes[sizeof bytes - 1] = 1; /* a new session has heard nothing */
  assert_int_equal(resume_opening_read(slice_of(bytes, sizeof bytes), &o), TG_BAD_INPUT);
  bytes[sizeof bytes - 1] = 0;
  assert_int_equal(resume_opening_read(slice_of(bytes, sizeof bytes), &o), TG_OK);
  assert_int_equal(o.rate, RATE);
  assert_int_equal(resume_accept(server, &o), TG_OK);
  assert_int_equal(resume_accept(server, &o), TG_BAD_INPUT); /* there is one */
  o.begins = false;
  o.received = 1; /* nothing was said */
  assert_int_equal(resume_accept(server, &o), TG_BAD_INPUT);
  o.received = 0;
  assert_int_equal(resume_accept(server, &o), TG_OK); /* a newer connection takes the place of the older */
  resume_free(&r);
  resume_free(&server);
}

static void nonsense_is_an_answer(void **state)
{
  (void)state;
  static const struct {
    const char *bytes;
    size_t n;
  } wrong[] = {
      {"\0\0", 2},             /* confirms nothing */
      {"\0\1", 2},             /* what was not said */
      {"\x80\0", 2},           /* not the shortest way to say 0 */
      {"\xff\xff\xff\xff", 4}, /* no number */
      {"\xff\xff\1", 3},       /* too long a frame */
      {"\x21", 1},             /* a message's beginning where none is known */
      {"\3", 1},               /* and of too short a one */
      {"\1\2x", 3},            /* after the end */
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct world w = world_new(noise(0), noise(0));
    meet(&w);
    assert_int_equal(resume_take(w.server.r, slice_of(wrong[i].bytes, wrong[i].n)), TG_BAD_INPUT);
    world_free(&w);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_may_be_cut_after_any_byte),
      cmocka_unit_test(it_may_be_cut_again_and_again),
      cmocka_unit_test(beginnings_of_messages_are_not_said),
      cmocka_unit_test(the_window_bounds_what_is_kept),
      cmocka_unit_test(a_slow_line_is_busy_soon),
      cmocka_unit_test(little_is_confirmed_when_asked_for),
      cmocka_unit_test(the_end_comes_after_the_last_byte),
      cmocka_unit_test(nothing_is_said_after_the_end),
      cmocka_unit_test(the_end_may_be_said_again),
      cmocka_unit_test(without_memory_nothing_is_left_out),
      cmocka_unit_test(what_comes_unfolds_to_no_more_than_twice_as_much),
      cmocka_unit_test(a_window_may_become_smaller_and_larger),
      cmocka_unit_test(what_was_confirmed_is_not_held),
      cmocka_unit_test(many_small_confirmations_are_taken),
      cmocka_unit_test(a_token_is_kept_once_answered),
      cmocka_unit_test(openings_are_looked_at),
      cmocka_unit_test(nonsense_is_an_answer),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
