#include "tests/bench/traffic.h"

#include "tests/bench/lane.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
  LANES = 4,          /* connections of one publishing program, and of one reading */
  AT_ONCE = 60 * 1024, /* content up to this travels with its wish and with what is followed */
  LONG_ONES = 3,      /* of longer ones, so many are under way on a connection */
  STREAMS = 2,
  PENDING_HIGH = 4096, PENDING_LOW = 1024, /* bulletins a reader knows of and has not asked for */
  PIECE = LOCAL_DATA,
  SHADES = 4096,      /* contents repeat only after so many numbers */
};

/* A publishing program. */
struct source {
  struct run *run;
  size_t from; /* which publisher of the plan */
  size_t stream;
  struct lane *lane[LANES];
  size_t open, turn;
  bool blocked; /* no slot was free when it last wanted one */
};

/* A reading program: one connection follows, the others read. */
struct sink {
  struct run *run;
  size_t at;
  struct lane *follow, *lane[LANES];
  size_t follow_slot, open;
  uint8_t (*pending)[32]; /* a ring of room for PENDING_HIGH and what was on its way */
  size_t first, n, room;
  bool paused;
  uint8_t id[LANES][LANE_SLOTS][32];
  struct buf content[LANES][LANE_SLOTS];
};

struct run {
  const struct traffic_plan *plan;
  struct traffic_stream *stream;
  size_t n_streams;
  struct loop *loop;
  struct loop_timer *watchdog;
  struct loop_watch *clock;
  int clock_fd;
  size_t open_stream; /* the one that has a rate; n_streams: none */
  uint64_t next[STREAMS];
  double started, stirred, due_from;
  uint8_t *seen[STREAMS]; /* per reader and number */
  uint64_t all_read[STREAMS];
  uint8_t *shade;
  size_t n_sources, n_sinks;
  struct source source[TRAFFIC_PROGRAMS * STREAMS];
  struct sink *sink[TRAFFIC_PROGRAMS];
  bool failed, going;
};

static void fail(struct run *r, const char *what, const char *why)
{
  if (!r->failed)
    bench_fails(what, why);
  r->failed = true;
  loop_stop(r->loop, 1);
}

/* ---- contents: 8 bytes run, 8 stream, 8 number, then a piece of one random text */

static struct slice body_of(const struct run *r, uint64_t number, uint64_t size)
{
  return slice_of(r->shade + number % SHADES, size - TRAFFIC_STAMP);
}

static void stamp(uint8_t out[TRAFFIC_STAMP], const struct run *r, uint64_t stream, uint64_t number)
{
  uint64_t words[3] = {0, stream, number};
  memcpy(&words[0], r->shade + SHADES / 2, 8); /* the text is the run's own, and so is any piece of it */
  words[0] ^= sizeof words;
  memcpy(out, words, sizeof words);
}

/* ---- the end */

static bool over(const struct run *r, size_t s)
{
  const struct traffic_stream *t = &r->stream[s];
  return (t->spooled || t->published >= t->count) && (t->unread || r->all_read[s] >= t->count * r->plan->n_at);
}

static void stir(struct run *r)
{
  bool all = true;
  r->stirred = bench_now();
  for (size_t s = 0; s < r->n_streams; s++)
    all = all && over(r, s);
  if (all)
    loop_stop(r->loop, 0);
}

static void on_watchdog(void *arg)
{
  struct run *r = arg;
  if (bench_now() - r->stirred > (r->plan->silence > 0 ? r->plan->silence : 60))
    fail(r, "silence", "nothing came for too long; some bulletins are still missing");
  loop_timer_in(r->watchdog, 500);
}

static void on_lost(void *arg, const char *why)
{
  fail(((struct source *)arg)->run, "a node", why); /* run stands first in sinks too */
}

/* ---- publishing */

static double due(const struct run *r, const struct traffic_stream *t, uint64_t number)
{
  return r->due_from + (double)number / t->rate;
}

static void publish_one(struct source *p, struct lane *lane, size_t slot)
{
  struct run *r = p->run;
  struct traffic_stream *t = &r->stream[p->stream];
  uint64_t number = r->next[p->stream]++;
  char topic[80];
  uint8_t piece[PIECE];
  ProtobufCBinaryData to[TRAFFIC_PROGRAMS], topics[1];
  Tg__LPortionDraft portion = TG__LPORTION_DRAFT__INIT, *portions[] = {&portion};
  Tg__LDraft draft = TG__LDRAFT__INIT;
  Tg__LPublish m = TG__LPUBLISH__INIT;
  snprintf(topic, sizeof topic, "%s.s%zu", r->plan->topic, p->stream);
  for (portion.n_to = 0; r->plan->to[p->from][portion.n_to]; portion.n_to++)
    to[portion.n_to] = strict_data(slice_str(r->plan->to[p->from][portion.n_to]));
  topics[0] = strict_data(slice_str(topic));
  portion.to = to;
  portion.level = 2; /* RESTRICTED */
  portion.tlp = 2;   /* GREEN */
  portion.content_type = strict_data(slice_str("application/octet-stream"));
  portion.size = t->size;
  draft.kind = 1;
  draft.precedence = t->flash ? 4 : 1;
  draft.flags = 1; /* exercise */
  draft.topics = topics;
  draft.n_topics = 1;
  draft.portions = portions;
  draft.n_portions = 1;
  m.request = lane_request(lane, slot);
  m.draft = &draft;
  m.brief = true;
  stamp(piece, r, p->stream, number);
  struct slice body = body_of(r, number, t->size);
  if (t->took)
    t->took[number] = t->rate > 0 ? due(r, t, number) : bench_now();
  if (t->size <= AT_ONCE) {
    ProtobufCBinaryData contents[] = {strict_data_of(piece, t->size)};
    memcpy(piece + TRAFFIC_STAMP, body.p, body.n);
    m.contents = contents;
    m.n_contents = 1;
    lane_send(lane, LOCAL_PUBLISH, &m.base);
    return;
  }
  lane_send(lane, LOCAL_PUBLISH, &m.base);
  for (size_t sent = 0, room = TRAFFIC_STAMP; sent < t->size && !r->failed;) {
    Tg__LData d = TG__LDATA__INIT;
    size_t n = body.n < PIECE - room ? body.n : PIECE - room;
    memcpy(piece + room, body.p, n);
    body = slice_of(body.p + n, body.n - n);
    d.request = m.request;
    d.data = strict_data_of(piece, room + n);
    lane_send(lane, LOCAL_PUBLISH_DATA, &d.base);
    sent += room + n;
    room = 0;
  }
}

/* As many as may go now. Bulletins of an open loop wait for their time, and, being late, count from it. */
static void pump_source(struct source *p)
{
  struct run *r = p->run;
  struct traffic_stream *t = &r->stream[p->stream];
  size_t slot;
  p->blocked = false;
  for (size_t tried = 0; r->going && !r->failed && tried < LANES && r->next[p->stream] < t->count;) {
    if (t->rate > 0 && due(r, t, r->next[p->stream]) > bench_now())
      return;
    struct lane *lane = p->lane[p->turn++ % LANES];
    if (lane_slot(lane, t->size <= AT_ONCE ? LANE_SLOTS : LONG_ONES, &slot)) {
      publish_one(p, lane, slot);
      tried = 0;
    } else {
      p->blocked = ++tried == LANES;
    }
  }
}

static void set_clock(struct run *r)
{
  const struct traffic_stream *t = &r->stream[r->open_stream];
  if (r->next[r->open_stream] >= t->count)
    return;
  double at = due(r, t, r->next[r->open_stream]), now = bench_now();
  for (size_t i = 0; i < r->n_sources; i++)
    if (r->source[i].stream == r->open_stream && r->source[i].blocked)
      return; /* no slot was free: the next answer goes on */
  if (at <= now)
    at = now + 1e-6;
  const struct itimerspec when = {.it_value = {(time_t)at, (long)((at - (double)(time_t)at) * 1e9)}};
  timerfd_settime(r->clock_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void on_clock(void *arg, short events)
{
  struct run *r = arg;
  uint64_t times;
  (void)events;
  if (read(r->clock_fd, &times, sizeof times) < 0)
    return;
  bool others = true; /* are over: then an open loop ends as well */
  for (size_t s = 0; s < r->n_streams; s++)
    others = others && (s == r->open_stream || over(r, s));
  struct traffic_stream *t = &r->stream[r->open_stream];
  if (others && r->n_streams > 1 && r->next[r->open_stream] > 0)
    t->count = r->next[r->open_stream];
  for (size_t i = 0; i < r->n_sources; i++)
    if (r->source[i].stream == r->open_stream)
      pump_source(&r->source[i]);
  set_clock(r);
  stir(r);
}

static void on_published(void *arg, struct lane *lane, size_t slot, enum local_type type, const ProtobufCMessage *message)
{
  struct source *p = arg;
  struct traffic_stream *t = &p->run->stream[p->stream];
  if (type == LOCAL_ERROR) {
    const Tg__LError *e = (const Tg__LError *)message;
    char text[300];
    snprintf(text, sizeof text, "%.*s", (int)e->what.len, (const char *)e->what.data);
    fail(p->run, "publish", text);
  } else if (type == LOCAL_DONE) {
    t->published++;
    t->last_published = bench_now();
    lane_done(lane, slot);
    pump_source(p);
    if (p->stream == p->run->open_stream)
      set_clock(p->run);
    stir(p->run);
  }
}

/* ---- reading */

static void check_content(struct sink *k, struct slice content)
{
  struct run *r = k->run;
  uint8_t expected[TRAFFIC_STAMP];
  uint64_t words[3];
  if (content.n < TRAFFIC_STAMP) {
    fail(r, "read", "a content that is too short");
    return;
  }
  memcpy(words, content.p, sizeof words);
  size_t s = (size_t)words[1];
  struct traffic_stream *t = s < r->n_streams ? &r->stream[s] : NULL;
  if (t)
    stamp(expected, r, s, words[2]);
  if (!t || memcmp(expected, content.p, sizeof expected) != 0 || words[2] >= r->next[s] || content.n != t->size) {
    fail(r, "read", "a content of another run, size or number");
    return;
  }
  struct slice body = body_of(r, words[2], t->size);
  if (memcmp(body.p, content.p + TRAFFIC_STAMP, body.n) != 0)
    fail(r, "read", "a content that was changed");
  if (r->seen[s][k->at * t->count + words[2]]++)
    fail(r, "read", "a bulletin came twice");
  t->last_read = bench_now();
  if (!r->all_read[s]++)
    t->first_read = t->last_read;
  t->read = r->all_read[s];
  if (t->took && k->at == 0)
    t->took[words[2]] = t->last_read - t->took[words[2]];
  stir(r);
}

static void pump_sink(struct sink *k)
{
  size_t slot;
  for (size_t i = 0; i < LANES && !k->run->failed; i++)
    while (k->n > 0 && lane_slot(k->lane[i], LONG_ONES, &slot)) {
      Tg__LRead m = TG__LREAD__INIT;
      memcpy(k->id[i][slot], k->pending[k->first], 32);
      k->first = (k->first + 1) % k->room;
      k->n--;
      m.request = lane_request(k->lane[i], slot);
      m.bulletin = strict_data_of(k->id[i][slot], 32);
      buf_clear(&k->content[i][slot]);
      lane_send(k->lane[i], LOCAL_READ, &m.base);
    }
  if (k->paused ? k->n < PENDING_LOW : k->n > PENDING_HIGH)
    lane_pause(k->follow, k->paused = !k->paused);
}

static void on_item(struct sink *k, const Tg__LItem *item)
{
  if (item->n_contents == 1) {
    check_content(k, strict_slice(item->contents[0]));
    return;
  }
  if (k->n == k->room) { /* what one buffer held after the pause */
    fail(k->run, "read", "more bulletins at once than the benchmark takes");
    return;
  }
  if (item->precedence == 4) /* FLASH: a person would look at it first as well */
    k->first = (k->first + k->room - 1) % k->room;
  memcpy(k->pending[item->precedence == 4 ? k->first : (k->first + k->n) % k->room], item->bulletin.data, 32);
  k->n++;
  k->run->stirred = bench_now();
}

static void on_read(void *arg, struct lane *lane, size_t slot, enum local_type type, const ProtobufCMessage *message)
{
  struct sink *k = arg;
  if (type == LOCAL_ERROR) {
    const Tg__LError *e = (const Tg__LError *)message;
    char text[300];
    snprintf(text, sizeof text, "%.*s", (int)e->what.len, (const char *)e->what.data);
    fail(k->run, "read", text);
  } else if (type == LOCAL_ITEM && lane == k->follow) {
    on_item(k, (const Tg__LItem *)message);
    pump_sink(k);
  } else if (type == LOCAL_CONTENT) {
    const Tg__LContent *content = (const Tg__LContent *)message;
    size_t i = 0;
    while (i < LANES && k->lane[i] != lane)
      i++;
    struct buf *b = &k->content[i][slot];
    buf_put_slice(b, strict_slice(content->data));
    if (!content->end)
      return;
    lane_done(lane, slot);
    check_content(k, buf_slice(b));
    pump_sink(k);
  }
}

/* ---- the run */

static bool all_open(const struct run *r)
{
  for (size_t i = 0; i < r->n_sources; i++)
    if (r->source[i].open < LANES)
      return false;
  for (size_t i = 0; i < r->n_sinks; i++)
    if (r->sink[i]->open < LANES + 1)
      return false;
  return true;
}

static void go(struct run *r)
{
  if (r->going || !all_open(r))
    return;
  r->going = true;
  r->started = bench_now();
  r->due_from = r->started + 0.01 + r->plan->linger;
  for (size_t i = 0; i < r->n_sources; i++)
    pump_source(&r->source[i]);
  if (r->open_stream < r->n_streams)
    set_clock(r);
  stir(r);
}

static void on_source_open(void *arg, struct lane *lane)
{
  struct source *p = arg;
  (void)lane;
  p->open++;
  go(p->run);
}

static void on_sink_open(void *arg, struct lane *lane)
{
  struct sink *k = arg;
  char topic[80];
  Tg__LFilter filter = TG__LFILTER__INIT;
  Tg__LFollow m = TG__LFOLLOW__INIT;
  k->open++;
  if (lane == k->follow && lane_slot(lane, LANE_SLOTS, &k->follow_slot)) {
    snprintf(topic, sizeof topic, "%s.**", k->run->plan->topic);
    filter.folder = 1;
    filter.topic = strict_data(slice_str(topic));
    m.request = lane_request(lane, k->follow_slot);
    m.filter = &filter;
    m.content = AT_ONCE;
    m.ahead = true;
    lane_send(lane, LOCAL_FOLLOW, &m.base);
  }
  go(k->run);
}

static bool add_source(struct run *r, size_t from, size_t stream)
{
  static const struct lane_events events = {.open = on_source_open, .answer = on_published, .lost = on_lost};
  struct source *p = &r->source[r->n_sources++];
  *p = (struct source){.run = r, .from = from, .stream = stream};
  for (size_t i = 0; i < LANES; i++)
    if (!(p->lane[i] = lane_new(r->loop, r->plan->from[from], &events, p)))
      return false;
  return true;
}

static bool add_sink(struct run *r, size_t at)
{
  static const struct lane_events events = {.open = on_sink_open, .answer = on_read, .lost = on_lost};
  struct sink *k = calloc(1, sizeof *k);
  if (!k)
    return false;
  r->sink[r->n_sinks++] = k;
  *k = (struct sink){.run = r, .at = at, .room = 16 * PENDING_HIGH};
  k->pending = calloc(k->room, sizeof *k->pending);
  k->follow = lane_new(r->loop, r->plan->at[at], &events, k);
  for (size_t i = 0; i < LANES; i++) {
    k->lane[i] = lane_new(r->loop, r->plan->at[at], &events, k);
    for (size_t j = 0; j < LANE_SLOTS; j++)
      k->content[i][j] = buf_new(TRAFFIC_SIZE_MAX + 1);
    if (!k->lane[i])
      return false;
  }
  return k->pending && k->follow;
}

static bool open_run(struct run *r)
{
  r->loop = loop_new();
  r->watchdog = r->loop ? loop_timer(r->loop, on_watchdog, r) : NULL;
  r->clock_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  r->clock = r->watchdog && r->clock_fd >= 0 ? loop_watch(r->loop, r->clock_fd, 1 /* POLLIN */, on_clock, r) : NULL;
  r->shade = malloc(TRAFFIC_SIZE_MAX + SHADES);
  bool good = r->clock && r->shade;
  /* The same for the runs of one topic: what was spooled by one is read by another. */
  uint8_t seed[randombytes_SEEDBYTES];
  crypto_generichash(seed, sizeof seed, (const uint8_t *)r->plan->topic, strlen(r->plan->topic), NULL, 0);
  if (good)
    randombytes_buf_deterministic(r->shade, TRAFFIC_SIZE_MAX + SHADES, seed);
  for (size_t s = 0; good && s < r->n_streams; s++) {
    struct traffic_stream *t = &r->stream[s];
    good = (r->seen[s] = calloc(t->count * (r->plan->n_at ? r->plan->n_at : 1), 1)) != NULL;
    if (t->rate > 0)
      r->open_stream = s;
    if (t->spooled)
      r->next[s] = t->count;
    for (size_t i = 0; good && !t->spooled && i < r->plan->n_from; i++)
      good = add_source(r, i, s);
  }
  for (size_t i = 0; good && i < r->plan->n_at; i++)
    good = add_sink(r, i);
  return good;
}

static void close_run(struct run *r)
{
  for (size_t i = 0; i < r->n_sources; i++)
    for (size_t j = 0; j < LANES; j++)
      lane_free(r->source[i].lane[j]);
  for (size_t i = 0; i < r->n_sinks; i++) {
    struct sink *k = r->sink[i];
    lane_free(k->follow);
    for (size_t j = 0; j < LANES; j++) {
      lane_free(k->lane[j]);
      for (size_t l = 0; l < LANE_SLOTS; l++)
        buf_free(&k->content[j][l]);
    }
    free(k->pending);
    free(k);
  }
  for (size_t s = 0; s < r->n_streams; s++)
    free(r->seen[s]);
  loop_watch_free(&r->clock);
  loop_timer_free(&r->watchdog);
  loop_free(r->loop);
  if (r->clock_fd >= 0)
    close(r->clock_fd);
  free(r->shade);
}

bool traffic_run(const struct traffic_plan *plan, struct traffic_stream *streams, size_t n)
{
  struct run *r = calloc(1, sizeof *r);
  if (!r)
    return bench_fails("traffic", "no memory");
  *r = (struct run){.plan = plan, .stream = streams, .n_streams = n, .open_stream = n, .clock_fd = -1, .stirred = bench_now()};
  bool good = open_run(r);
  if (!good)
    bench_fails(plan->n_from ? plan->from[0] : "traffic", "this node or the one that reads does not answer, or memory is short");
  if (good) {
    loop_timer_in(r->watchdog, 500);
    good = loop_run(r->loop) == 0 && !r->failed;
  }
  close_run(r);
  free(r);
  return good;
}

static int by_size(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

json_t *traffic_percentiles(double *took, uint64_t n)
{
  qsort(took, n, sizeof *took, by_size);
  return json_pack("{s:f,s:f,s:f,s:f}", "p50_ms", 1e3 * took[n / 2], "p99_ms", 1e3 * took[n * 99 / 100], "p999_ms", 1e3 * took[n * 999 / 1000], "max_ms",
                   1e3 * took[n - 1]);
}
