/* Does the hub's memory stay below what hub.conf allows (`memory`), whatever comes? Members flood with frames of nearly half a MiB, half of their bulletins without the bodies that belong to
   them; the one to whom they write takes nothing; strangers begin frames and do not end them; and for a while the core does not answer at all. */
#include "tests/bench/works.h"

#include "os/clock.h"
#include "os/zsock.h"
#include "proto/frame.h"
#include "tests/bench/hub_alone.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

enum { MEMORY_MIB = 192, MEMBERS = 24, SIZE = 16384, EACH = 600 /* bulletins of a member */, STRANGERS = 200, PARTIAL = 900 * 1024, LIMIT = 300, QUIET = 4 /* seconds */ };

struct cap;

struct member {
  struct cap *cap;
  struct parcels p; /* its own bulletins; who[0] is the member itself */
  struct zsock *socket;
  size_t next; /* frame */
  bool open, deaf;
};

struct cap {
  struct stand stand;
  struct loop *loop;
  void *zmq;
  struct arena *arena;
  struct buf frame;
  struct member *member;
  size_t n;
  uint64_t said, outcomes, cuts;
  double stirred;
  int stranger[STRANGERS];
};

/* ---- members */

static void flood(struct member *m)
{
  while (m->open && !m->deaf && m->next < m->p.frames && zsock_send(m->socket, NULL, buf_slice(&m->p.frame[m->next])) == TG_OK) {
    m->next++;
    m->cap->said++;
    m->cap->stirred = bench_now();
  }
}

static void on_up(void *arg)
{
  struct member *m = arg;
  buf_clear(&m->cap->frame);
  if (alone_hello(&m->p.who[0], 0, &m->cap->frame) == TG_OK)
    (void)zsock_send(m->socket, NULL, buf_slice(&m->cap->frame));
}

/* Who was cut says everything again, as a node would what was not answered. */
static void on_down(void *arg)
{
  struct member *m = arg;
  m->cap->cuts += m->open;
  m->open = false;
}

static void on_writable(void *arg)
{
  flood(arg);
}

static void on_message(void *arg, const struct seal_pk *from, struct slice body)
{
  struct member *m = arg;
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  (void)from;
  arena_reset(m->cap->arena);
  if (frame_decode(body, FRAME_TO_NODE, m->cap->arena, &kind, &message, NULL) != TG_OK)
    return;
  if (kind->type == FRAME_WELCOME) {
    m->open = true;
    m->next = 0;
    if (m->deaf)
      zsock_pause(m->socket, true);
    m->cap->stirred = bench_now();
  } else if (kind->type == FRAME_OUTCOMES) {
    m->cap->outcomes += ((const Tg__Outcomes *)message)->n_items;
    m->cap->stirred = bench_now();
  }
  flood(m);
}

static void look_at(const struct stand *s, size_t member, struct stand *ret)
{
  *ret = *s;
  ret->n = 2;
  ret->node[0] = s->node[member];
  ret->node[1] = s->node[0]; /* to whom all write */
}

static bool join(struct cap *c, size_t i)
{
  static const struct zsock_events events = {.message = on_message, .up = on_up, .down = on_down, .writable = on_writable};
  static struct stand own;
  struct member *m = &c->member[i];
  *m = (struct member){.cap = c, .deaf = i == 0};
  look_at(&c->stand, i, &own);
  bench_says("cap: member %zu of %zu seals", i + 1, c->n);
  return parcels_open(&own, 1, &m->p) && (m->deaf || parcels_make_halved(&m->p, EACH, SIZE)) && alone_connect(c->zmq, &m->p, 0, &m->socket) &&
         zsock_watch(m->socket, c->loop, &events, m) == TG_OK;
}

static bool all_open(const struct cap *c)
{
  size_t open = 0;
  for (size_t i = 0; i < c->n; i++)
    open += c->member[i].open;
  return open == c->n;
}

static bool quiet(const struct cap *c)
{
  return bench_now() - c->stirred > QUIET;
}

/* Whoever is cut says everything again, so the flood has no end of its own. */
static bool enough(const struct cap *c)
{
  return c->outcomes >= MEMBERS * EACH / 2;
}

static bool await(struct cap *c, bool (*done)(const struct cap *c), const char *what)
{
  for (double until = bench_now() + LIMIT; bench_now() < until;) {
    (void)loop_turn(c->loop, 50);
    bench_says("cap: %s; %llu frames said, %llu outcomes, %llu cuts", what, (unsigned long long)c->said, (unsigned long long)c->outcomes, (unsigned long long)c->cuts);
    if (done(c))
      return true;
  }
  bench_fails("cap", what);
  return false;
}

/* ---- strangers */

/* A greeting of ZMTP, then the beginning of a command that would be as long as any frame may be. */
static int stranger_new(uint16_t port)
{
  static uint8_t bytes[64 + 9 + PARTIAL];
  const struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
  const struct timeval patience = {.tv_usec = 100000};
  memset(bytes, 0, sizeof bytes);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  bytes[10] = 3;
  memcpy(bytes + 12, "CURVE", 5);
  bytes[64] = 6; /* a long command */
  const uint64_t length = 1000 * 1000;
  for (int i = 0; i < 8; i++)
    bytes[65 + i] = (uint8_t)(length >> 8 * (7 - i));
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 || connect(fd, (const struct sockaddr *)&at, sizeof at) != 0) {
    if (fd >= 0)
      close(fd);
    return -1;
  }
  for (size_t sent = 0; sent < sizeof bytes;) {
    ssize_t n = send(fd, bytes + sent, sizeof bytes - sent, MSG_NOSIGNAL);
    if (n <= 0)
      break; /* cut, or not read: as it should be */
    sent += (size_t)n;
  }
  return fd;
}

/* ---- the workload */

static pid_t pid_of(const struct meter *m, const char *process)
{
  for (size_t i = 0; i < m->n; i++)
    if (!strcmp(m->process[i].name, process))
      return m->process[i].pid;
  return 0;
}

static bool play(struct cap *c, const struct meter *m)
{
  const pid_t core = pid_of(m, "hub.core");
  bool good = core > 0;
  for (size_t i = 0; good && i < c->n; i++)
    good = join(c, i);
  good = good && await(c, all_open, "all come in");
  if (!good)
    return false;
  kill(core, SIGSTOP);
  for (size_t i = 0; i < c->n; i++)
    flood(&c->member[i]);
  good = await(c, quiet, "the core stands still");
  for (size_t i = 0; i < STRANGERS; i++)
    c->stranger[i] = stranger_new(c->stand.port);
  kill(core, SIGCONT);
  c->stirred = bench_now();
  return good && await(c, enough, "the core works again");
}

/* Peaks against the cap; NULL, and something was said, when it was not kept or a process died. */
static json_t *row_of(const struct cap *c, const struct meter *m)
{
  json_t *peaks = json_object();
  uint64_t sum = 0;
  bool alive = true;
  char text[160];
  for (size_t i = 0; i < m->n; i++) {
    const uint64_t kib = meter_peak(m, m->process[i].name);
    json_object_set_new(peaks, m->process[i].name, json_integer((json_int_t)kib));
    alive = alive && kib > 0;
    sum += kib;
  }
  json_t *row = json_pack("{s:s,s:s,s:i,s:i,s:I,s:I,s:I,s:I,s:o}", "work", "cap", "what", "memory of the hub in a flood", "cap_kib", MEMORY_MIB * 1024, "size", SIZE, "sum_kib",
                          (json_int_t)sum, "frames", (json_int_t)c->said, "outcomes", (json_int_t)c->outcomes, "cuts", (json_int_t)c->cuts, "peak_kib", peaks);
  snprintf(text, sizeof text, "the hub's processes took %llu KiB together, of %d allowed", (unsigned long long)sum, MEMORY_MIB * 1024);
  if (alive && sum <= MEMORY_MIB * 1024)
    return row;
  json_object_set_new(row, "failed", json_string(alive ? text : "a process of the hub died in the flood"));
  bench_fails("cap", alive ? text : "a process of the hub died in the flood");
  return row;
}

static bool open_cap(struct cap *c)
{
  c->loop = loop_new();
  c->zmq = alone_context(MEMBERS);
  c->arena = arena_new(FRAME_ARENA + (4 << 20));
  c->frame = buf_new(LIMIT_FRAME);
  c->member = calloc(MEMBERS, sizeof *c->member);
  c->n = c->member ? MEMBERS : 0;
  memset(c->stranger, -1, sizeof c->stranger);
  return c->loop && c->zmq && c->arena && c->member;
}

static void close_cap(struct cap *c)
{
  for (size_t i = 0; i < c->n; i++) {
    zsock_free(&c->member[i].socket);
    parcels_free(&c->member[i].p);
  }
  for (size_t i = 0; i < STRANGERS; i++)
    if (c->stranger[i] >= 0)
      close(c->stranger[i]);
  loop_free(c->loop);
  if (c->zmq)
    zmq_ctx_term(c->zmq);
  arena_free(c->arena);
  buf_free(&c->frame);
  free(c->member);
  stand_close(&c->stand);
}

json_t *work_cap(struct bench *b)
{
  static struct cap c;
  struct meter meter;
  char line[32];
  json_t *row = NULL;
  memset(&c, 0, sizeof c);
  snprintf(line, sizeof line, "memory %dMiB\n", MEMORY_MIB);
  b->hub_lines = line;
  if (open_cap(&c) && stand_open_hub(b, MEMBERS, &c.stand)) {
    stand_meter(&c.stand, &meter);
    row = play(&c, &meter) ? row_of(&c, &meter) : NULL;
  }
  b->hub_lines = NULL;
  close_cap(&c);
  return row ? json_pack("[o]", row) : NULL;
}
