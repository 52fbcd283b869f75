/* W7: the hub alone. Its nodes are connections of this process that speak their protocol: they submit what was sealed before, take deliveries, compare them, and
   acknowledge with signed receipts. */
#include "tests/bench/works.h"

#include "audit/opening.h"
#include "os/clock.h"
#include "os/zsock.h"
#include "proto/frame.h"
#include "proto/receipt.h"
#include "tests/bench/hub_alone.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { CREDIT = 2048 /* deliveries under way to a reader */, SILENCE = 30 /* seconds */, MANY = 50 /* nodes */ };

struct alone;

/* One node, as far as the hub can tell. */
struct ghost {
  struct alone *run;
  struct identity *who;
  struct zsock *socket;
  struct checkpoint seen; /* size and root */
  bool open;
  uint64_t seen_serial;
  unsigned sessions;
  uint8_t *got; /* a reader's: by record */
  uint64_t deliveries;
};

struct alone {
  struct parcels *p;
  const struct stand *stand;
  struct meter meter;
  double began;
  struct loop *loop;
  struct loop_timer *watchdog;
  void *zmq;
  struct note_key log;
  struct arena *arena;
  struct buf frame;
  struct ghost ghost[STAND_NODES];
  enum alone_part part;
  size_t first, n; /* ghosts that connect: first to n - 1 */
  size_t open, next_frame;
  struct alone_times own, *times;
  uint64_t accepted, notes;
  double stirred, papered; /* when a document came last */
  bool failed, going;
};

static void fail(struct alone *r, const char *why)
{
  if (!r->failed)
    bench_fails("W7", why);
  r->failed = true;
  loop_stop(r->loop, 1);
}

static void say(struct ghost *g, enum frame_type type, const ProtobufCMessage *message)
{
  struct tg_why why = {0};
  buf_clear(&g->run->frame);
  if (frame_encode(type, message, &g->run->frame, &why) != TG_OK || zsock_send(g->socket, NULL, buf_slice(&g->run->frame)) != TG_OK)
    fail(g->run, "a frame could not be said");
}

/* Submits as much as the window lets. */
static void pump(struct alone *r)
{
  struct parcels *p = r->p;
  while (r->going && r->next_frame < p->frames && r->next_frame * p->batch - r->accepted + p->batch <= p->window) {
    if (zsock_send(r->ghost[0].socket, NULL, buf_slice(&p->frame[r->next_frame])) != TG_OK)
      return;
    r->next_frame++;
  }
}

static void stir(struct alone *r)
{
  const uint64_t readers = r->part == ALONE_FILL ? 0 : r->p->readers, fresh = r->p->count - r->p->fresh;
  const uint64_t due = r->part == ALONE_DRAIN ? r->p->count : fresh;
  bool all = r->part == ALONE_DRAIN || (r->accepted == fresh && r->notes == fresh * readers);
  for (size_t i = 1; i <= readers; i++)
    all = all && r->ghost[i].deliveries == due && r->ghost[i].seen_serial == r->ghost[i].who->serial;
  r->stirred = bench_now();
  if (all && r->going)
    loop_stop(r->loop, 0);
}

/* ---- what the hub says */

/* A checkpoint must extend the one before. */
static struct checkpoint chain(struct ghost *g, ProtobufCBinaryData note, ProtobufCBinaryData path)
{
  struct checkpoint c = g->seen;
  const struct checkpoint last = {.size = g->seen.size, .root = g->seen.size ? g->seen.root : merkle_empty()};
  if (!note.len)
    return c;
  enum tg_err err = checkpoint_open(strict_slice(note), &g->run->log, &c, NULL, NULL);
  if (err == TG_OK)
    err = checkpoint_extends(&last, &c, strict_slice(path), NULL);
  if (err != TG_OK) {
    char text[160];
    snprintf(text, sizeof text, "%s: a checkpoint of size %llu does not extend the one before, of size %llu (%s)", g->who->member, (unsigned long long)c.size,
             (unsigned long long)last.size, tg_err_name(err));
    fail(g->run, text);
  }
  g->seen = c;
  g->seen.origin = g->seen.extensions = slice_of(NULL, 0);
  return c;
}

static void hear_outcomes(struct ghost *g, const Tg__Outcomes *m)
{
  struct entry e;
  const struct checkpoint c = chain(g, m->checkpoint, m->consistency);
  for (size_t i = 0; i < m->n_items; i++) {
    const Tg__Outcome *o = m->items[i];
    const struct opening opening = {strict_slice(o->entry), strict_slice(o->salt), o->leaf, strict_slice(o->path)};
    /* All are looked at; the first of each frame is proven, as a sample. */
    bool good = i == 0 ? opening_verify(&opening, &c, &e, NULL) == TG_OK : entry_parse(strict_slice(o->entry), &e, NULL) == TG_OK;
    if (!good || e.type != ENTRY_ACCEPTED || parcels_find(g->run->p, &e.subject) == g->run->p->count)
      fail(g->run, "a bulletin was refused, or its outcome makes no sense");
    g->run->times->accepted = ++g->run->accepted;
  }
  pump(g->run);
}

static void hear_notes(struct ghost *g, const Tg__ReceiptNotes *m)
{
  Tg__ReceiptsSeen seen = TG__RECEIPTS_SEEN__INIT;
  chain(g, m->checkpoint, m->consistency);
  for (size_t i = 0; i < m->n_items; i++) {
    seen.sequence = m->items[i]->sequence;
    g->run->notes += seen.sequence > g->who->cursor; /* what the last session had not confirmed comes again */
    g->who->cursor = seen.sequence > g->who->cursor ? seen.sequence : g->who->cursor;
  }
  if (m->n_items)
    say(g, FRAME_RECEIPTS_SEEN, &seen.base);
}

static bool is_body(const struct parcels *p, uint64_t record, struct slice sealed)
{
  const struct body_digest d = body_digest_of(sealed);
  return !memcmp(&d, &p->body[record], sizeof d);
}

/* One receipt, into the frame's items. */
static bool receive(struct ghost *g, const Tg__Delivery *d, struct batch *batch, ProtobufCBinaryData *ret)
{
  struct parcels *p = g->run->p;
  const struct hash id = header_id(strict_slice(d->header));
  uint64_t record = parcels_find(p, &id);
  if (record == p->count || d->n_bodies != 1 || !is_body(p, record, strict_slice(d->bodies[0]->sealed)) || (g->got[record] && g->sessions == 1)) {
    fail(g->run, "a bulletin came that is none of ours, was changed, or came twice");
    return false;
  }
  g->deliveries += !g->got[record]; /* what one session had not answered comes again in the next */
  g->got[record] = 1;
  g->run->times->last = bench_now();
  if (g->run->times->first <= 0)
    g->run->times->first = g->run->times->last;
  const struct receipt draft = {.bulletin = id, .node = secret_key_sign_pk(g->who->node), .event = RECEIPT_STORED, .time = clock_wall(), .number = p->first + record + 1,
                                .checkpoint_root = g->seen.root, .checkpoint_size = g->seen.size};
  struct buf bytes = buf_new(LIMIT_RECEIPT);
  bool good = receipt_build(&draft, &bytes, NULL) == TG_OK;
  const struct hash statement = statement_id(STATEMENT_RECEIPT, buf_slice(&bytes));
  *ret = strict_data(arena_copy(g->run->arena, buf_slice(&bytes)));
  good = good && ret->len && batch_add(batch, &statement, NULL) == TG_OK;
  buf_free(&bytes);
  return good;
}

static void hear_deliver(struct ghost *g, const Tg__Deliver *m)
{
  Tg__Receipts receipts = TG__RECEIPTS__INIT;
  struct batch *batch = batch_new();
  struct sign_sig signature;
  struct hash root;
  chain(g, m->checkpoint, m->consistency);
  receipts.items = arena_alloc(g->run->arena, m->n_items * sizeof *receipts.items);
  receipts.queues = arena_alloc(g->run->arena, m->n_items * sizeof *receipts.queues);
  bool good = m->n_items == 0 || (batch && receipts.items && receipts.queues);
  for (size_t i = 0; good && i < m->n_items; i++) {
    good = receive(g, m->items[i], batch, &receipts.items[i]);
    receipts.queues[i] = m->items[i]->queue;
    receipts.credit_bytes += m->items[i]->n_bodies ? m->items[i]->bodies[0]->sealed.len : 0;
  }
  receipts.credit_count = m->n_items;
  if (good && m->n_items && batch_sign(batch, &g->run->p->exchange, batch_sign_with_key, (void *)(uintptr_t)secret_key_ed25519(g->who->node)) == TG_OK) {
    batch_result(batch, &root, &signature);
    receipts.n_items = receipts.n_queues = m->n_items;
    receipts.signature = strict_data_of(signature.b, sizeof signature.b);
    receipts.serial = ++g->who->serial;
    say(g, FRAME_RECEIPTS, &receipts.base);
  }
  batch_free(batch);
}

/* All are in, and none is still getting documents, of which many nodes have many: what is measured begins. */
static void go(struct alone *r)
{
  const bool settled = r->n - r->first < MANY || bench_now() - r->papered > 1;
  if (r->going || r->open < r->n - r->first || !settled)
    return;
  stand_meter(r->stand, &r->meter);
  meter_set(&r->meter);
  r->began = bench_now();
  r->going = true;
  pump(r);
}

static void on_message(void *arg, const struct seal_pk *from, struct slice body)
{
  struct ghost *g = arg;
  const struct frame_kind *kind;
  ProtobufCMessage *m;
  struct tg_why why = {0};
  (void)from;
  arena_reset(g->run->arena);
  if (g->run->failed)
    return;
  if (frame_decode(body, FRAME_TO_NODE, g->run->arena, &kind, &m, &why) != TG_OK) {
    fail(g->run, "a frame of the hub makes no sense");
    return;
  }
  switch (kind->type) {
  case FRAME_WELCOME:
    chain(g, ((Tg__Welcome *)m)->checkpoint, ((Tg__Welcome *)m)->consistency);
    g->run->open += g->sessions == 1;
    go(g->run);
    break;
  case FRAME_GOODBYE: {
    char text[100];
    snprintf(text, sizeof text, "the hub ended a session, reason %u", ((Tg__Goodbye *)m)->reason);
    fail(g->run, text);
    break;
  }
  case FRAME_OUTCOMES:
    hear_outcomes(g, (const Tg__Outcomes *)m);
    break;
  case FRAME_DELIVER:
    hear_deliver(g, (const Tg__Deliver *)m);
    break;
  case FRAME_RECEIPT_NOTES:
    hear_notes(g, (const Tg__ReceiptNotes *)m);
    break;
  case FRAME_RECEIPTS_SEEN:
    g->seen_serial = ((Tg__ReceiptsSeen *)m)->sequence;
    break;
  case FRAME_DOCUMENTS:
    chain(g, ((Tg__Documents *)m)->checkpoint, ((Tg__Documents *)m)->consistency);
    g->run->papered = bench_now();
    break;
  case FRAME_TICK:
    chain(g, ((Tg__Tick *)m)->checkpoint, ((Tg__Tick *)m)->consistency);
    break;
  case FRAME_HELLO:
  case FRAME_SUBMIT:
  case FRAME_WANT:
  case FRAME_CHUNK:
  case FRAME_RECEIPTS:
  case FRAME_DOCUMENT_OUTCOMES:
  case FRAME_RECEIPTS_WANTED:
  case FRAME_RECEIPTS_LOGGED:
    break;
  }
  if (kind->type != FRAME_TICK)
    stir(g->run);
}

/* ---- connections */

void *alone_context(size_t connections)
{
  void *zmq = zmq_ctx_new();
  if (zmq)
    zmq_ctx_set(zmq, ZMQ_MAX_SOCKETS, 64 + 4 * (int)connections); /* each has two more that watch it */
  return zmq;
}

bool alone_connect(void *zmq, const struct parcels *p, size_t i, struct zsock **ret)
{
  const struct seal_pk key = secret_key_seal_pk(p->who[i].transport);
  const struct zsock_client_options o = {.endpoint = p->hub->endpoint[0], .server_key = &p->hub->transport, .public_key = &key,
                                         .secret_key = secret_key_x25519(p->who[i].transport), .max_body = LIMIT_FRAME};
  return zsock_client(zmq, &o, ret, NULL) == TG_OK;
}

enum tg_err alone_hello(const struct identity *who, uint64_t document, struct buf *frame)
{
  Tg__Hello m = TG__HELLO__INIT;
  uint8_t session[16];
  const struct sign_pk me = secret_key_sign_pk(who->node);
  randombytes_buf(session, sizeof session);
  m.protocol = 1;
  m.node = strict_data_of(me.b, sizeof me.b);
  m.software = strict_data(slice_str("toguna-bench"));
  m.document_cursor = document;
  m.receipt_cursor = who->cursor;
  m.credit_count = CREDIT;
  m.credit_bytes = 16 << 20;
  m.time = (uint64_t)clock_wall();
  m.session = strict_data_of(session, sizeof session);
  return frame_encode(FRAME_HELLO, &m.base, frame, NULL);
}

static void on_up(void *arg)
{
  struct ghost *g = arg;
  g->seen = (struct checkpoint){.size = 0}; /* Hello states none, so the chain begins anew */
  g->sessions++;
  buf_clear(&g->run->frame);
  if (alone_hello(g->who, 0, &g->run->frame) != TG_OK || zsock_send(g->socket, NULL, buf_slice(&g->run->frame)) != TG_OK)
    fail(g->run, "a Hello could not be said");
}

static void on_writable(void *arg)
{
  pump(((struct ghost *)arg)->run);
}

static void on_refused(void *arg)
{
  fail(((struct ghost *)arg)->run, "the hub does not let a node in");
}

static bool connect_one(struct alone *r, size_t i)
{
  static const struct zsock_events events = {.message = on_message, .up = on_up, .refused = on_refused, .failed = on_refused, .writable = on_writable};
  struct ghost *g = &r->ghost[i];
  *g = (struct ghost){.run = r, .who = &r->p->who[i], .got = calloc(r->p->count, 1)};
  return g->got && alone_connect(r->zmq, r->p, i, &g->socket) && zsock_watch(g->socket, r->loop, &events, g) == TG_OK;
}

static void on_watchdog(void *arg)
{
  struct alone *r = arg;
  go(r);
  if (bench_now() - r->stirred > SILENCE) {
    char text[200];
    snprintf(text, sizeof text, "nothing came for %d s: of %llu bulletins %llu are accepted, %llu came to the first reader, %llu receipts came back", SILENCE,
             (unsigned long long)(r->p->count - r->p->fresh), (unsigned long long)r->accepted, (unsigned long long)r->ghost[1].deliveries, (unsigned long long)r->notes);
    fail(r, text);
  }
  loop_timer_in(r->watchdog, 500);
}

static bool open_run(struct alone *r)
{
  r->loop = loop_new();
  r->watchdog = r->loop ? loop_timer(r->loop, on_watchdog, r) : NULL;
  r->zmq = alone_context(r->p->n);
  r->arena = arena_new(FRAME_ARENA + (4 << 20));
  r->frame = buf_new(LIMIT_FRAME);
  r->first = r->part == ALONE_DRAIN;
  r->n = r->part == ALONE_ALL ? r->p->n : r->part == ALONE_FILL ? 1 : 1 + r->p->readers;
  r->next_frame = r->part == ALONE_DRAIN ? r->p->frames : 0;
  r->log = r->p->hub->log;
  r->stirred = bench_now();
  bool good = r->watchdog && r->zmq && r->arena;
  for (size_t i = r->first; good && i < r->n; i++)
    good = connect_one(r, i);
  if (good)
    loop_timer_in(r->watchdog, 500);
  return good;
}

static void close_run(struct alone *r)
{
  for (size_t i = 0; i < r->n; i++) {
    zsock_free(&r->ghost[i].socket);
    free(r->ghost[i].got);
  }
  loop_timer_free(&r->watchdog);
  loop_free(r->loop);
  if (r->zmq)
    zmq_ctx_term(r->zmq);
  arena_free(r->arena);
  buf_free(&r->frame);
}

/* ---- the workload */

static json_t *figures_of(struct bench *b, const struct alone *r, uint64_t size)
{
  const struct parcels *p = r->p;
  double seconds = bench_now() - r->began, count = (double)(r->part == ALONE_DRAIN ? p->count : p->count - p->fresh), readers = (double)p->readers;
  json_t *row = json_pack("{s:s,s:s,s:I,s:I,s:I,s:f,s:f,s:I,s:f,s:f}", "work", "W7", "what", "the hub alone, pre-sealed bulletins", "size", (json_int_t)size, "count",
                          (json_int_t)count, "readers", (json_int_t)p->readers, "per_s", count / seconds, "deliveries_per_s", count * readers / seconds, "batch",
                          (json_int_t)p->batch, "seal_us", p->seal_us, "submit_bytes", parcels_bytes(p) / count);
  json_object_set_new(row, "entries", json_integer((json_int_t)r->ghost[r->first].seen.size));
  meter_read(&r->meter, count, row);
  if (b)
    floors_compare(b, row);
  return row;
}

static json_t *play(struct bench *b, const struct stand *s, struct parcels *p, uint64_t size, enum alone_part part, struct alone_times *ret)
{
  struct alone *r = calloc(1, sizeof *r);
  json_t *row = NULL;
  if (!r)
    return NULL;
  r->p = p;
  r->stand = s;
  r->part = part;
  r->times = ret ? ret : &r->own;
  if (open_run(r) && loop_run(r->loop) == 0 && !r->failed)
    row = figures_of(b, r, size);
  close_run(r);
  free(r);
  return row;
}

json_t *hub_alone(struct bench *b, const struct stand *s, struct parcels *p, uint64_t size)
{
  return play(b, s, p, size, ALONE_ALL, NULL);
}

json_t *hub_alone_part(const struct stand *s, struct parcels *p, uint64_t size, enum alone_part part, struct alone_times *ret)
{
  return play(NULL, s, p, size, part, ret);
}

static json_t *with_readers(struct bench *b, size_t readers, uint64_t size, uint64_t count)
{
  struct stand s = {0};
  struct parcels p = {0};
  json_t *row = NULL;
  if (stand_open_hub(b, 1 + readers, &s) && parcels_open(&s, readers, &p) && parcels_make(&p, count, size))
    row = hub_alone(b, &s, &p, size);
  if (row)
    stand_stores(&s, (double)count, row);
  parcels_free(&p);
  stand_close(&s);
  return row;
}

json_t *work_hub(struct bench *b)
{
  static const uint64_t sizes[] = {1024, 256, 16384};
  json_t *rows = json_array();
  uint64_t count = bench_count(b, 10000, 50000, 200000);
  size_t readers[] = {1, 16}, n_readers = 2, n_sizes = b->options->full ? 3 : 1;
  if (b->options->readers) {
    readers[0] = (size_t)b->options->readers;
    n_readers = 1;
  }
  for (size_t i = 0; i < n_sizes; i++)
    for (size_t j = 0; j < n_readers; j++) {
      uint64_t size = b->options->size ? b->options->size : sizes[i];
      uint64_t n = readers[j] > 1 ? count / 4 + 1 : size > 4096 ? count / 4 + 1 : count;
      json_t *row = size <= 200 * 1024 ? with_readers(b, readers[j], size, n) : bench_fails("W7", "bodies above 200 KiB do not travel inside a frame");
      if (!row)
        return bench_partly("W7", rows);
      json_array_append_new(rows, row);
    }
  return rows;
}
