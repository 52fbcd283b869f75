/* Hundreds of sessions at one hub that is killed: how long until all are back, whether they come as a herd, and what one costs while it does nothing. The
   nodes are connections of this process that say Hello, as in W7; when they try again is zsock_retry_new()'s to say, as it is for nodes. */
#include "tests/bench/works.h"

#include "os/zsock.h"
#include "proto/frame.h"
#include "tests/bench/hub_alone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { EACH = 5 /* nodes of one member */, LOOK_MS = 50, LIMIT = 300 /* seconds until it is given up */, SETTLED = 2 /* seconds without a document */ };

struct sheep {
  struct herd *herd;
  struct identity *who;
  struct zsock *socket;
  uint64_t document; /* the last that came */
  bool open;
  double back; /* seconds after the hub was ready again */
};

struct herd {
  struct stand stand;
  struct parcels p;
  struct loop *loop;
  struct loop_timer *look;
  void *zmq;
  struct arena *arena;
  struct buf frame;
  struct sheep *sheep;
  size_t n, open;
  double began, stirred, away; /* of the step at hand; when a document came last; how long the hub stays away */
  double ready;
  bool (*done)(const struct herd *h);
  const char *awaited;
  bool over, failed;
};

static void fail(struct herd *h, const char *why)
{
  if (!h->failed)
    bench_fails("herd", why);
  h->failed = true;
}

/* ---- one session */

static void on_up(void *arg)
{
  struct sheep *a = arg;
  buf_clear(&a->herd->frame);
  if (alone_hello(a->who, a->document, &a->herd->frame) != TG_OK || zsock_send(a->socket, NULL, buf_slice(&a->herd->frame)) != TG_OK)
    fail(a->herd, "a Hello could not be said");
}

static void on_down(void *arg)
{
  struct sheep *a = arg;
  a->herd->open -= a->open;
  a->open = false;
}

static void on_refused(void *arg)
{
  fail(((struct sheep *)arg)->herd, "the hub does not let a node in");
}

static void came_in(struct sheep *a)
{
  a->herd->open += !a->open;
  a->open = true;
  a->back = bench_now() - a->herd->ready;
}

static void took(struct sheep *a, const Tg__Documents *m)
{
  for (size_t i = 0; i < m->n_items; i++)
    a->document = m->items[i]->sequence > a->document ? m->items[i]->sequence : a->document;
  a->herd->stirred = bench_now();
}

static void on_message(void *arg, const struct seal_pk *from, struct slice body)
{
  struct sheep *a = arg;
  const struct frame_kind *kind;
  ProtobufCMessage *m;
  char text[100];
  (void)from;
  arena_reset(a->herd->arena);
  if (frame_decode(body, FRAME_TO_NODE, a->herd->arena, &kind, &m, NULL) != TG_OK) {
    fail(a->herd, "a frame of the hub makes no sense");
  } else if (kind->type == FRAME_WELCOME) {
    came_in(a);
  } else if (kind->type == FRAME_DOCUMENTS) {
    took(a, (const Tg__Documents *)m);
  } else if (kind->type == FRAME_GOODBYE) {
    snprintf(text, sizeof text, "the hub ended a session, reason %u", ((const Tg__Goodbye *)m)->reason);
    fail(a->herd, text);
  }
}

static bool connect_one(struct herd *h, size_t i)
{
  static const struct zsock_events events = {.message = on_message, .up = on_up, .down = on_down, .refused = on_refused};
  struct sheep *a = &h->sheep[i];
  *a = (struct sheep){.herd = h, .who = &h->p.who[i]};
  return alone_connect(h->zmq, &h->p, i, &a->socket) && zsock_watch(a->socket, h->loop, &events, a) == TG_OK;
}

/* ---- steps */

static void on_look(void *arg)
{
  struct herd *h = arg;
  char text[160];
  if (h->done(h)) {
    h->over = true;
  } else if (bench_now() - h->began > LIMIT) {
    snprintf(text, sizeof text, "%s: not within %d s; %zu of %zu sessions are open", h->awaited, LIMIT, h->open, h->n);
    fail(h, text);
  }
  bench_says("herd: %s, %zu of %zu sessions", h->awaited, h->open, h->n);
  loop_timer_in(h->look, LOOK_MS);
}

static bool await(struct herd *h, bool (*done)(const struct herd *h), const char *awaited)
{
  h->began = bench_now();
  h->done = done;
  h->awaited = awaited;
  h->over = false;
  loop_timer_in(h->look, LOOK_MS);
  while (!h->over && !h->failed)
    (void)loop_turn(h->loop, LOOK_MS);
  return !h->failed;
}

static bool all_in(const struct herd *h)
{
  return h->open == h->n;
}

static bool settled(const struct herd *h)
{
  return all_in(h) && bench_now() - h->stirred > SETTLED;
}

static bool long_gone(const struct herd *h)
{
  return h->open == 0 && bench_now() - h->began > h->away;
}

/* ---- figures */

static int by_time(const void *a, const void *b)
{
  double x = ((const struct sheep *)a)->back, y = ((const struct sheep *)b)->back;
  return (x > y) - (x < y);
}

/* The most that came within any one second. */
static size_t most_at_once(const struct herd *h)
{
  size_t most = 0;
  for (size_t i = 0, first = 0; i < h->n; i++) {
    while (h->sheep[i].back - h->sheep[first].back > 1)
      first++;
    most = i - first + 1 > most ? i - first + 1 : most;
  }
  return most;
}

/* What all sessions added, by process, per session. */
static json_t *memory_each(const struct meter *m, const uint64_t *before, double n)
{
  json_t *each = json_object();
  for (size_t i = 0; i < m->n; i++)
    json_object_set_new(each, m->process[i].name, json_real(((double)meter_resident(m, i) - (double)before[i]) / n));
  return each;
}

static json_t *row_of(struct herd *h, json_t *each)
{
  qsort(h->sheep, h->n, sizeof *h->sheep, by_time);
  return json_pack("{s:s,s:s,s:I,s:f,s:f,s:f,s:I,s:o}", "work", "herd", "what", "sessions come back to a hub that was killed", "sessions", (json_int_t)h->n, "away_s", h->away, "half_back_s",
                   h->sheep[h->n / 2].back, "back_s", h->sheep[h->n - 1].back, "most_in_a_second", (json_int_t)most_at_once(h), "session_kib", each);
}

/* ---- the workload */

static bool open_herd(struct herd *h)
{
  h->loop = loop_new();
  h->look = h->loop ? loop_timer(h->loop, on_look, h) : NULL;
  h->zmq = alone_context(h->n);
  h->arena = arena_new(FRAME_ARENA + (4 << 20));
  h->frame = buf_new(LIMIT_FRAME);
  h->sheep = calloc(h->n, sizeof *h->sheep);
  return h->look && h->zmq && h->arena && h->sheep;
}

static void close_herd(struct herd *h)
{
  for (size_t i = 0; h->sheep && i < h->n; i++)
    zsock_free(&h->sheep[i].socket);
  loop_timer_free(&h->look);
  loop_free(h->loop);
  if (h->zmq)
    zmq_ctx_term(h->zmq);
  arena_free(h->arena);
  buf_free(&h->frame);
  free(h->sheep);
  parcels_free(&h->p);
  stand_close(&h->stand);
}

static json_t *play(struct herd *h)
{
  struct meter meter;
  uint64_t before[METER_MAX];
  stand_meter(&h->stand, &meter);
  for (size_t i = 0; i < meter.n; i++)
    before[i] = meter_resident(&meter, i);
  bool good = true;
  for (size_t i = 0; good && i < h->n; i++)
    good = connect_one(h, i);
  if (!good || !await(h, settled, "all come in"))
    return NULL;
  json_t *each = memory_each(&meter, before, (double)h->n);
  stand_kill_hub(&h->stand);
  good = await(h, long_gone, "the hub is gone") && stand_start_hub(&h->stand, LIMIT);
  h->ready = bench_now();
  if (good && await(h, all_in, "all come back"))
    return row_of(h, each);
  json_decref(each);
  return NULL;
}

json_t *work_herd(struct bench *b)
{
  struct herd *h = calloc(1, sizeof *h);
  json_t *row = NULL;
  if (!h)
    return NULL;
  h->n = bench_count(b, 50, 500, 500);
  h->n = h->n < 2 * EACH ? 2 * EACH : h->n > STAND_NODES ? STAND_NODES : h->n;
  h->away = b->options->quick ? 2 : 20; /* long enough for most to have come to their longest pauses */
  bench_says("herd: an exchange of %zu nodes is founded", h->n);
  b->hub_lines = "memory 512MiB\n"; /* as operators.md has it for hundreds of nodes */
  if (stand_open_hub_of(b, h->n, EACH, &h->stand) && parcels_open(&h->stand, 1, &h->p) && open_herd(h))
    row = play(h);
  b->hub_lines = NULL;
  close_herd(h);
  free(h);
  return row ? json_pack("[o]", row) : NULL;
}
