/* The front as the real process it is, with strangers, garbage and slow readers at its port. */
#include "tests/broker/rig.h"

#include "broker/memory.h"
#include "os/zauth.h"
#include "os/zsock.h"
#include "proto/frame.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/socket.h>

struct key_pair {
  struct seal_pk public_key;
  uint8_t secret[32];
};

static struct key_pair key_new(void)
{
  struct key_pair k;
  crypto_box_keypair(k.public_key.b, k.secret);
  return k;
}

/* ---- the hub's side */

struct story {
  struct rig *front;
  struct front_brief brief;
  struct seal_pk hub;
  uint16_t port;
  void *context;
};

static struct story tell(void)
{
  struct story s = {.port = kit_port(NULL)};
  assert_true(sodium_init() >= 0);
  struct key_pair hub = key_new();
  s.hub = hub.public_key;
  s.brief.n = 1;
  s.brief.memory = MEMORY_LEAST;
  memcpy(s.brief.transport_key, hub.secret, sizeof hub.secret);
  snprintf(s.brief.endpoint[0], sizeof s.brief.endpoint[0], "tcp://127.0.0.1:%u", s.port);
  s.front = rig_start("front", "core", &s.brief, sizeof s.brief, MESSAGE_FRONT_LIMITS(32u << 20));
  return s;
}

/* The first `own` are each a member's only node, the others all of one. */
static void allow_members(struct story *s, const struct seal_pk *keys, size_t n, size_t own)
{
  struct buf message = buf_new(1 << 20);
  for (size_t i = 0; i < n; i++) {
    buf_put(&message, keys[i].b, sizeof keys[i].b);
    buf_put_u32(&message, (uint32_t)(i < own ? i : own) + 1);
  }
  rig_say(s->front, MESSAGE_ALLOW, buf_slice(&message));
  buf_free(&message);
}

static void allow(struct story *s, const struct seal_pk *keys, size_t n)
{
  allow_members(s, keys, n, n);
}

static void say_to(struct story *s, enum message type, const struct seal_pk *to, struct slice frame)
{
  assert_int_equal(message_send(s->front->peer, type, to, frame), TG_OK);
}

static void expect_frame(struct story *s, const struct seal_pk *from, const char *text)
{
  struct slice got = rig_expect(s->front, MESSAGE_FRAME);
  struct seal_pk key;
  assert_true(message_take_key(&got, &key));
  assert_true(seal_pk_eq(&key, from));
  assert_true(slice_is(got, text));
}

/* ---- a node's side */

struct node {
  struct zauth *zmq; /* for its context only */
  struct zsock *link;
  unsigned up, down, refused, messages;
  char last[64];
};

static void on_message(void *arg, const struct seal_pk *from, struct slice body)
{
  struct node *n = arg;
  (void)from;
  n->messages++;
  snprintf(n->last, sizeof n->last, "%.*s", (int)(body.n < 60 ? body.n : 60), (const char *)body.p);
}
static void on_up(void *arg)
{
  ((struct node *)arg)->up++;
}
static void on_down(void *arg)
{
  ((struct node *)arg)->down++;
}
static void on_refused(void *arg)
{
  ((struct node *)arg)->refused++;
}

static void connect_to(struct story *s, struct node *n, const struct key_pair *key)
{
  static const struct zsock_events events = {
      .message = on_message, .up = on_up, .down = on_down, .refused = on_refused, .failed = on_down};
  char endpoint[64];
  snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", s->port);
  *n = (struct node){.up = 0};
  assert_int_equal(zauth_new(&n->zmq, NULL), TG_OK);
  const struct zsock_client_options o = {.endpoint = endpoint,
                                         .server_key = &s->hub,
                                         .public_key = &key->public_key,
                                         .secret_key = key->secret,
                                         .max_body = 2 * LIMIT_FRAME,
                                         .reconnect_ms = 50,
                                         .reconnect_max_ms = 200};
  assert_int_equal(zsock_client(zauth_context(n->zmq), &o, &n->link, NULL), TG_OK);
  assert_int_equal(zsock_watch(n->link, s->front->loop, &events, n), TG_OK);
}

static void leave(struct node *n)
{
  zsock_free(&n->link);
  zauth_free(&n->zmq);
}

static int knock(const struct story *s)
{
  struct sockaddr_in at = {
      .sin_family = AF_INET, .sin_port = htons(s->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
    return fd;
  close(fd);
  return -1;
}

/* ---- stories */

static void nobody_is_heard_before_the_core_says_who(void **unused)
{
  (void)unused;
  struct story s = tell();
  struct key_pair ml = key_new();
  assert_int_equal(knock(&s), -1);
  allow(&s, &ml.public_key, 1);
  rig_expect_ready(s.front);
  int fd = knock(&s);
  assert_true(fd >= 0);
  close(fd);
  rig_stop(s.front);
}

static void an_allowed_node_is_served_and_a_stranger_is_not(void **unused)
{
  (void)unused;
  struct story s = tell();
  struct key_pair ml = key_new(), stranger = key_new();
  struct node node, other;
  allow(&s, &ml.public_key, 1);
  connect_to(&s, &node, &ml);
  connect_to(&s, &other, &stranger);
  KIT_UNTIL(s.front->loop, node.up && other.refused);
  assert_int_equal(zsock_send(node.link, NULL, slice_str("hello")), TG_OK);
  expect_frame(&s, &ml.public_key, "hello");
  say_to(&s, MESSAGE_SEND, &ml.public_key, slice_str("welcome"));
  KIT_UNTIL(s.front->loop, node.messages == 1);
  assert_string_equal(node.last, "welcome");
  assert_int_equal(other.up, 0);
  say_to(&s, MESSAGE_SEND, &stranger.public_key, slice_str("for nobody"));
  struct slice gone = rig_expect(s.front, MESSAGE_GONE);
  assert_memory_equal(gone.p, stranger.public_key.b, 32);
  leave(&node);
  leave(&other);
  rig_stop(s.front);
}

static void garbage_at_the_port_changes_nothing(void **unused)
{
  (void)unused;
  struct story s = tell();
  struct key_pair ml = key_new();
  struct node node;
  int held[32];
  allow(&s, &ml.public_key, 1);
  rig_expect_ready(s.front);
  for (size_t i = 0; i < sizeof held / sizeof *held; i++) {
    uint8_t noise[4096];
    held[i] = knock(&s);
    assert_true(held[i] >= 0);
    randombytes_buf(noise, sizeof noise);
    if (i % 4 == 1)
      memcpy(noise, "\xff\0\0\0\0\0\0\0\x01\x7f\x03\0CURVE", 17); /* a greeting, then noise */
    size_t n = i % 4 == 3 ? 5 : sizeof noise;                     /* or half of one, and then silence */
    (void)!send(held[i], noise, n, MSG_NOSIGNAL);
    if (i % 2) {
      close(held[i]);
      held[i] = -1;
    }
  }
  connect_to(&s, &node, &ml);
  KIT_UNTIL(s.front->loop, node.up);
  assert_int_equal(zsock_send(node.link, NULL, slice_str("still here")), TG_OK);
  expect_frame(&s, &ml.public_key, "still here");
  for (size_t i = 0; i < sizeof held / sizeof *held; i++)
    if (held[i] >= 0)
      close(held[i]);
  leave(&node);
  rig_stop(s.front);
}

static void an_oversized_message_costs_its_sender_the_connection(void **unused)
{
  (void)unused;
  struct story s = tell();
  struct key_pair ml = key_new();
  struct node node;
  uint8_t *big = calloc(1, LIMIT_FRAME + 1);
  allow(&s, &ml.public_key, 1);
  connect_to(&s, &node, &ml);
  KIT_UNTIL(s.front->loop, node.up);
  assert_int_equal(zsock_send(node.link, NULL, slice_of(big, LIMIT_FRAME + 1)), TG_OK);
  KIT_UNTIL(s.front->loop, node.down && node.up == 2);
  assert_int_equal(zsock_send(node.link, NULL, slice_str("a small one")), TG_OK);
  expect_frame(&s, &ml.public_key, "a small one");
  free(big);
  leave(&node);
  rig_stop(s.front);
}

static void a_cut_node_may_come_back_and_a_revoked_one_may_not(void **unused)
{
  (void)unused;
  struct story s = tell();
  struct key_pair ml = key_new(), ne = key_new();
  const struct seal_pk both[] = {ml.public_key, ne.public_key};
  struct node node;
  allow(&s, both, 2);
  connect_to(&s, &node, &ml);
  KIT_UNTIL(s.front->loop, node.up);
  assert_int_equal(zsock_send(node.link, NULL, slice_str("one")), TG_OK);
  expect_frame(&s, &ml.public_key, "one");
  say_to(&s, MESSAGE_CUT, &ml.public_key, slice_of(NULL, 0));
  KIT_UNTIL(s.front->loop, node.down == 1 && node.up == 2);
  assert_int_equal(zsock_send(node.link, NULL, slice_str("two")), TG_OK);
  expect_frame(&s, &ml.public_key, "two");
  allow(&s, &ne.public_key, 1);
  KIT_UNTIL(s.front->loop, node.down >= 2 && node.refused);
  assert_int_equal(node.up, 2);
  leave(&node);
  rig_stop(s.front);
}

/* What a session begins with comes at once: a Want for each body that waits, outcomes, receipts. A frame that found no room would end it, and the next as well. */
static void what_a_session_begins_with_finds_room(void **unused)
{
  (void)unused;
  enum { BEGINNING = 192 };
  struct story s = tell();
  struct key_pair ml = key_new();
  struct node node;
  const uint8_t frame[40] = {FRAME_VERSION, FRAME_DELIVER};
  allow(&s, &ml.public_key, 1);
  connect_to(&s, &node, &ml);
  KIT_UNTIL(s.front->loop, node.up);
  assert_int_equal(zsock_send(node.link, NULL, slice_str("hello")), TG_OK);
  expect_frame(&s, &ml.public_key, "hello");
  for (int i = 0; i < BEGINNING; i++)
    assert_int_equal(message_send(s.front->peer, MESSAGE_SEND, &ml.public_key, slice_of(frame, sizeof frame)), TG_OK);
  KIT_UNTIL(s.front->loop, node.messages == BEGINNING || node.down || s.front->heard.n);
  assert_int_equal(node.messages, BEGINNING);
  leave(&node);
  rig_stop(s.front);
}

static void a_node_that_does_not_read_costs_no_memory(void **unused)
{
  (void)unused;
  struct story s = tell();
  struct key_pair ml = key_new();
  struct node node;
  static uint8_t frame[64 * 1024] = {FRAME_VERSION, FRAME_DELIVER}; /* a queue of these is less than the front may hold: it would cut the node for that first */
  allow(&s, &ml.public_key, 1);
  connect_to(&s, &node, &ml);
  KIT_UNTIL(s.front->loop, node.up);
  assert_int_equal(zsock_send(node.link, NULL, slice_str("hello")), TG_OK);
  expect_frame(&s, &ml.public_key, "hello");
  zsock_pause(node.link, true);
  for (int i = 0; i < 4096 && s.front->heard.n == 0; i++) {
    if (message_send(s.front->peer, MESSAGE_SEND, &ml.public_key, slice_of(frame, sizeof frame)) == TG_BUSY)
      KIT_UNTIL(s.front->loop, pipe_queued(s.front->peer) == 0);
    loop_turn(s.front->loop, 0);
  }
  struct slice dropped = rig_expect(s.front, MESSAGE_DROPPED);
  assert_int_equal(dropped.n, 33);
  assert_memory_equal(dropped.p, ml.public_key.b, 32);
  assert_int_equal(dropped.p[32], FRAME_DELIVER);
  /* Nothing follows behind what was lost. */
  zsock_pause(node.link, false);
  KIT_UNTIL(s.front->loop, node.down);
  leave(&node);
  rig_stop(s.front);
}

static void an_occupied_port_ends_it_with_code_4(void **unused)
{
  (void)unused;
  struct story s = tell();
  rig_kill(s.front);
  int fd;
  s.port = kit_port(&fd);
  assert_int_equal(listen(fd, 1), 0);
  snprintf(s.brief.endpoint[0], sizeof s.brief.endpoint[0], "tcp://127.0.0.1:%u", s.port);
  s.front = rig_start("front", "core", &s.brief, sizeof s.brief, MESSAGE_FRONT_LIMITS(32u << 20));
  allow(&s, NULL, 0);
  assert_int_equal(rig_end(s.front), 4);
  close(fd);
}

/* The core deals with one sender's long frame and hears no more of him meanwhile, but of others. */
static void who_has_said_much_waits_until_it_is_dealt_with(void **unused)
{
  enum { LONG = 200 * 1024 };
  (void)unused;
  struct story s = tell();
  struct key_pair key[2] = {key_new(), key_new()};
  struct seal_pk keys[2] = {key[0].public_key, key[1].public_key};
  struct node loud, quiet;
  uint8_t *words = calloc(1, LONG);
  assert_non_null(words);
  allow(&s, keys, 2);
  rig_expect_ready(s.front);
  connect_to(&s, &loud, &key[0]);
  connect_to(&s, &quiet, &key[1]);
  KIT_UNTIL(s.front->loop, loud.up == 1 && quiet.up == 1);
  for (int i = 0; i < 2; i++)
    assert_int_equal(zsock_send(loud.link, NULL, slice_of(words, LONG)), TG_OK);
  assert_int_equal(rig_expect(s.front, MESSAGE_FRAME).n, 32 + LONG);
  assert_int_equal(zsock_send(loud.link, NULL, slice_str("after the second")), TG_OK);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(zsock_send(quiet.link, NULL, slice_str("little")), TG_OK);
    expect_frame(&s, &keys[1], "little");
  }
  const uint8_t cost[] = {0, 4, 0, 0}; /* more than it was */
  say_to(&s, MESSAGE_TAKEN, &keys[0], slice_of(cost, sizeof cost));
  assert_int_equal(rig_expect(s.front, MESSAGE_FRAME).n, 32 + LONG);
  say_to(&s, MESSAGE_TAKEN, &keys[0], slice_of(cost, sizeof cost));
  expect_frame(&s, &keys[0], "after the second");
  free(words);
  leave(&loud);
  leave(&quiet);
  rig_stop(s.front);
}

/* The next frame; whose it was. */
static struct seal_pk expect_sender(struct story *s)
{
  struct slice got = rig_expect(s->front, MESSAGE_FRAME);
  struct seal_pk key;
  assert_true(message_take_key(&got, &key));
  return key;
}

/* The nodes of one member have together no more before the core than one of another's. */
static void many_nodes_are_heard_as_one_member(void **unused)
{
  enum { NODES = 16, EACH = 10, LONG = 20000, WINDOW = 128 * 1024 / LONG + 1 };
  (void)unused;
  struct story s = tell();
  static uint8_t words[LONG];
  static struct node loud[NODES];
  struct key_pair key[1 + NODES];
  struct seal_pk keys[1 + NODES];
  struct node quiet;
  for (int i = 0; i <= NODES; i++) {
    key[i] = key_new();
    keys[i] = key[i].public_key;
  }
  allow_members(&s, keys, 1 + NODES, 1);
  rig_expect_ready(s.front);
  connect_to(&s, &quiet, &key[0]);
  for (int i = 0; i < NODES; i++)
    connect_to(&s, &loud[i], &key[1 + i]);
  for (int i = 0; i < NODES; i++)
    KIT_UNTIL(s.front->loop, quiet.up && loud[i].up);
  for (int i = 0; i < NODES * EACH; i++)
    assert_int_equal(zsock_send(loud[i % NODES].link, NULL, slice_of(words, LONG)), TG_OK);
  struct seal_pk said[WINDOW];
  for (int i = 0; i < WINDOW; i++)
    said[i] = expect_sender(&s);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(zsock_send(quiet.link, NULL, slice_str("little")), TG_OK);
    expect_frame(&s, &keys[0], "little"); /* and nothing else before it */
  }
  const uint8_t cost[] = {0, 0, LONG / 256, 255};
  for (int i = 0; i < NODES * EACH; i++) {
    say_to(&s, MESSAGE_TAKEN, &said[i % WINDOW], slice_of(cost, sizeof cost));
    if (i < NODES * EACH - WINDOW)
      said[i % WINDOW] = expect_sender(&s);
  }
  for (int i = 0; i < NODES; i++)
    leave(&loud[i]);
  leave(&quiet);
  rig_stop(s.front);
}

/* Who waits for no answer fills what there is for frames that wait, though the core takes none of them; others are heard meanwhile, and he is cut for it. */
static void who_waits_for_no_answer_keeps_nobody_from_being_heard(void **unused)
{
  enum { LONG = 200 * 1000, MUCH = 2 * MEMORY_LEAST / 16 };
  (void)unused;
  struct story s = tell();
  struct key_pair key[2] = {key_new(), key_new()};
  struct seal_pk keys[2] = {key[0].public_key, key[1].public_key};
  struct node loud, quiet;
  static uint8_t words[LONG];
  uint64_t said = 0;
  allow(&s, keys, 2);
  rig_expect_ready(s.front);
  connect_to(&s, &loud, &key[0]);
  connect_to(&s, &quiet, &key[1]);
  KIT_UNTIL(s.front->loop, loud.up == 1 && quiet.up == 1);
  assert_int_equal(zsock_send(loud.link, NULL, slice_of(words, LONG)), TG_OK);
  assert_int_equal(rig_expect(s.front, MESSAGE_FRAME).n, 32 + LONG);
  for (const int64_t until = clock_mono() + 60000; s.front->heard.n == 0 && clock_mono() < until; loop_turn(s.front->loop, 1)) {
    if (said < MUCH && zsock_send(loud.link, NULL, slice_of(words, LONG)) == TG_OK)
      said += LONG;
  }
  const struct slice gone = rig_expect(s.front, MESSAGE_GONE);
  assert_memory_equal(gone.p, keys[0].b, sizeof keys[0].b);
  KIT_UNTIL(s.front->loop, loud.down >= 1);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(zsock_send(quiet.link, NULL, slice_str("little")), TG_OK);
    expect_frame(&s, &keys[1], "little");
  }
  leave(&loud);
  leave(&quiet);
  rig_stop(s.front);
}

/* Says so many words of LONG bytes. */
enum { LONG = 200 * 1000, HONEST = 21 /* of them are what waits for answers at most */ };

static void say_much(struct story *s, struct node *n, int words)
{
  static const uint8_t word[LONG];
  for (const int64_t until = clock_mono() + 60000; words > 0 && clock_mono() < until; loop_turn(s->front->loop, 1))
    words -= zsock_send(n->link, NULL, slice_of(word, LONG)) == TG_OK;
  assert_int_equal(words, 0);
}

/* The core takes frame after frame; of each of these it gets `each`, and what else comes is of others. Nobody is gone. */
static void expect_all(struct story *s, const struct seal_pk *keys, size_t n, int each)
{
  const uint8_t cost[] = {0, 4, 0, 0};
  int came[8] = {0};
  for (size_t done = 0; done < n;) {
    const struct seal_pk from = expect_sender(s);
    say_to(s, MESSAGE_TAKEN, &from, slice_of(cost, sizeof cost));
    for (size_t i = 0; i < n; i++)
      done += seal_pk_eq(&from, &keys[i]) && ++came[i] == each;
  }
}

/* Who fills what there is and is silent then leaves no room to the others: he is cut, and not the first who says something honest after him. */
static void who_fills_it_and_is_silent_is_cut_and_not_who_speaks_next(void **unused)
{
  enum { FILLS = MEMORY_LEAST / 16 / LONG + 1 };
  (void)unused;
  struct story s = tell();
  struct key_pair key[2] = {key_new(), key_new()};
  struct seal_pk keys[2] = {key[0].public_key, key[1].public_key};
  struct node silent, honest;
  allow(&s, keys, 2);
  rig_expect_ready(s.front);
  connect_to(&s, &silent, &key[0]);
  connect_to(&s, &honest, &key[1]);
  KIT_UNTIL(s.front->loop, silent.up == 1 && honest.up == 1);
  say_much(&s, &silent, FILLS);
  const struct seal_pk first = expect_sender(&s);
  assert_true(seal_pk_eq(&first, &keys[0]));
  const struct slice gone = rig_expect(s.front, MESSAGE_GONE);
  assert_memory_equal(gone.p, keys[0].b, sizeof keys[0].b);
  leave(&silent);
  say_much(&s, &honest, HONEST);
  expect_all(&s, keys + 1, 1, HONEST);
  assert_int_equal(honest.down, 0);
  leave(&honest);
  rig_stop(s.front);
}

/* What waits of a member's nodes for answers may be more together than should wait. But when it is so much that nobody would be heard, and more than all others', one goes. */
static void nodes_that_wait_for_answers_are_not_cut_for_being_many(void **unused)
{
  enum { NODES = 4, TOO_MANY = 5 };
  (void)unused;
  struct story s = tell();
  struct key_pair key[TOO_MANY];
  struct seal_pk keys[TOO_MANY];
  struct node node[TOO_MANY];
  for (int i = 0; i < TOO_MANY; i++) {
    key[i] = key_new();
    keys[i] = key[i].public_key;
  }
  allow_members(&s, keys, TOO_MANY, 0);
  rig_expect_ready(s.front);
  for (int i = 0; i < TOO_MANY; i++)
    connect_to(&s, &node[i], &key[i]);
  for (int i = 0; i < TOO_MANY; i++)
    KIT_UNTIL(s.front->loop, node[i].up);
  for (int i = 0; i < NODES; i++)
    say_much(&s, &node[i], HONEST);
  expect_all(&s, keys, NODES, HONEST);
  for (int i = 0; i < TOO_MANY; i++) {
    assert_int_equal(node[i].down, 0);
    say_much(&s, &node[i], HONEST);
  }
  (void)expect_sender(&s);
  const struct slice gone = rig_expect(s.front, MESSAGE_GONE);
  int whose = 0;
  while (whose < TOO_MANY && memcmp(gone.p, keys[whose].b, sizeof keys[whose].b) != 0)
    whose++;
  assert_in_range(whose, 0, TOO_MANY - 1);
  for (int i = 0; i < TOO_MANY; i++)
    leave(&node[i]);
  rig_stop(s.front);
}

/* Whoever starts it from a shell. */
static void it_takes_the_descriptors_that_it_may_have(void **unused)
{
  (void)unused;
  struct rlimit before, few;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  few = before;
  few.rlim_cur = 256;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
  struct story s = tell();
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  allow(&s, NULL, 0);
  rig_expect_ready(s.front);
  struct rlimit its;
  assert_int_equal(prlimit(s.front->pid, RLIMIT_NOFILE, NULL, &its), 0);
  assert_int_equal(its.rlim_cur, before.rlim_max < 16384 ? before.rlim_max : 16384);
  rig_stop(s.front);
}

static void without_its_core_it_ends(void **unused)
{
  (void)unused;
  struct story s = tell();
  allow(&s, NULL, 0);
  rig_expect_ready(s.front);
  pipe_free(&s.front->peer);
  assert_int_equal(rig_end(s.front), 5);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nobody_is_heard_before_the_core_says_who),
      cmocka_unit_test(an_allowed_node_is_served_and_a_stranger_is_not),
      cmocka_unit_test(garbage_at_the_port_changes_nothing),
      cmocka_unit_test(an_oversized_message_costs_its_sender_the_connection),
      cmocka_unit_test(a_cut_node_may_come_back_and_a_revoked_one_may_not),
      cmocka_unit_test(what_a_session_begins_with_finds_room),
      cmocka_unit_test(a_node_that_does_not_read_costs_no_memory),
      cmocka_unit_test(an_occupied_port_ends_it_with_code_4),
      cmocka_unit_test(who_has_said_much_waits_until_it_is_dealt_with),
      cmocka_unit_test(many_nodes_are_heard_as_one_member),
      cmocka_unit_test(who_waits_for_no_answer_keeps_nobody_from_being_heard),
      cmocka_unit_test(who_fills_it_and_is_silent_is_cut_and_not_who_speaks_next),
      cmocka_unit_test(nodes_that_wait_for_answers_are_not_cut_for_being_many),
      cmocka_unit_test(it_takes_the_descriptors_that_it_may_have),
      cmocka_unit_test(without_its_core_it_ends),
  };
  return rig_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
