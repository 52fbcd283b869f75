/* What a bulletin costs in the hub's core: a real store on the disk, bulletins sealed beforehand, nodes that only
   confirm. Nothing of the nodes is counted.

     hub_bench [bulletins] [readers] [per frame] [bytes] [folder]

   Says for each part of the hub's work the CPU microseconds per bulletin (submitting) and per delivery, then what
   it wrote. `valgrind --tool=callgrind --toggle-collect=hub_frame --toggle-collect=hub_commit ...` shows where. With
   "absent" as sixth word the readers come only when all is queued. */
#include "proto/hash.h"
#include "tests/broker/stage.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { HEARD_MAX = 1 << 16, WARM = 64 };

/* A delivery that is to be confirmed. */
struct heard {
  uint64_t queue;
  struct hash id;
};

struct reader {
  struct actor *actor;
  struct heard heard[HEARD_MAX];
  size_t n;
  uint64_t delivered, bytes;
};

struct bench {
  struct stage *stage;
  struct reader *reader[STAGE_NODES];
  size_t readers;
  uint64_t outcomes, delivered, seen, frames;
  double submit, receipts, commit, sign, wall, system; /* system: of commit */
  uint64_t commits;
  double took[1 << 16]; /* wall time of the latest commits */
};

static double seconds(clockid_t clock)
{
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double cpu(void)
{
  return seconds(CLOCK_THREAD_CPUTIME_ID);
}

static double cpu_of_system(void)
{
  struct rusage u;
  getrusage(RUSAGE_THREAD, &u);
  return (double)u.ru_stime.tv_sec + 1e-6 * (double)u.ru_stime.tv_usec;
}

/* Pages of this process that no file stands behind, in KiB: the hub's and those of the bulletins sealed beforehand. */
static unsigned long resident(void)
{
  char line[128];
  unsigned long v = 0;
  FILE *f = fopen("/proc/self/status", "r");
  while (f && fgets(line, sizeof line, f))
    if (strncmp(line, "RssAnon:", 8) == 0)
      v = strtoul(line + 8, NULL, 10);
  if (f)
    fclose(f);
  return v;
}

static uint64_t io_count(const char *name)
{
  char line[128];
  unsigned long long v = 0;
  FILE *f = fopen("/proc/self/io", "r");
  size_t n = strlen(name);
  while (f && fgets(line, sizeof line, f))
    if (strncmp(line, name, n) == 0)
      v = strtoull(line + n + 1, NULL, 10);
  if (f)
    fclose(f);
  return v;
}

/* ---- what the hub orders: frames are kept, and looked at between its turns */

static struct frames {
  struct {
    struct seal_pk peer;
    uint8_t *p;
    size_t n;
  } list[8192];
  size_t n;
} kept;

static void on_send(void *context, const struct seal_pk *peer, struct slice frame)
{
  struct bench *b = context;
  b->frames++;
  if (kept.n == sizeof kept.list / sizeof *kept.list)
    abort();
  uint8_t *p = malloc(frame.n);
  memcpy(p, frame.p, frame.n);
  kept.list[kept.n].peer = *peer;
  kept.list[kept.n].p = p;
  kept.list[kept.n++].n = frame.n;
}

static void on_allow(void *context, const struct hub_peer *peers, size_t count)
{
  (void)context, (void)peers, (void)count;
}

static void on_cut(void *context, const struct seal_pk *peer)
{
  (void)context, (void)peer;
  fprintf(stderr, "a node was cut\n");
  abort();
}

static void on_sign(void *context, const struct hub_sign *r)
{
  struct bench *b = context;
  const struct signing_request request = {r->old_size, r->new_size, r->new_root, r->path};
  buf_clear(&b->stage->ask);
  signing_request_print(&request, &b->stage->ask);
  b->stage->ask_pending = true;
}

static void on_wake(void *context, int64_t mono)
{
  (void)context, (void)mono;
}

static void on_tell(void *context, const struct hub_event *event)
{
  (void)context;
  if (event->level < HUB_NOTICE || strcmp(event->name, "bulletin-refused") == 0) {
    char text[512] = "";
    if (event->why)
      why_render(event->why, NULL, text, sizeof text);
    fprintf(stderr, "%s %s\n", event->name, text);
    abort();
  }
}

static void listen_to(struct bench *b, struct actor *a, struct reader *r, struct slice frame)
{
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  arena_reset(b->stage->arena);
  assert_int_equal(frame_decode(frame, FRAME_TO_NODE, b->stage->arena, &kind, &message, NULL), TG_OK);
  if (kind->type == FRAME_WELCOME)
    a->open = true;
  if (kind->type == FRAME_OUTCOMES)
    b->outcomes += ((const Tg__Outcomes *)message)->n_items;
  if (kind->type == FRAME_RECEIPT_NOTES) {
    const Tg__ReceiptNotes *m = (const Tg__ReceiptNotes *)message;
    a->note_cursor = m->items[m->n_items - 1]->sequence;
    b->seen += m->n_items;
  }
  if (kind->type != FRAME_DELIVER || !r)
    return;
  const Tg__Deliver *m = (const Tg__Deliver *)message;
  for (size_t i = 0; i < m->n_items; i++) {
    assert_true(r->n < HEARD_MAX);
    r->heard[r->n++] = (struct heard){.queue = m->items[i]->queue, .id = header_id(strict_slice(m->items[i]->header))};
    r->bytes += m->items[i]->n_bodies ? m->items[i]->bodies[0]->sealed.len : 0;
  }
  r->delivered += m->n_items;
  b->delivered += m->n_items;
}

static void listen_all(struct bench *b)
{
  for (size_t i = 0; i < kept.n; i++) {
    for (size_t j = 0; j < b->stage->actors; j++) {
      const struct seal_pk pk = secret_key_seal_pk(b->stage->actor[j].kit->transport);
      if (seal_pk_eq(&pk, &kept.list[i].peer))
        listen_to(b, &b->stage->actor[j], j ? b->reader[j - 1] : NULL, slice_of(kept.list[i].p, kept.list[i].n));
    }
    free(kept.list[i].p);
  }
  kept.n = 0;
}

/* ---- turns */

static void commit(struct bench *b)
{
  struct tg_why why = {0};
  const double from = cpu(), system = cpu_of_system(), wall = seconds(CLOCK_MONOTONIC);
  if (hub_commit(b->stage->hub, &why) != TG_OK) {
    char text[512];
    why_render(&why, NULL, text, sizeof text);
    fprintf(stderr, "%s\n", text);
    abort();
  }
  b->commit += cpu() - from;
  b->system += cpu_of_system() - system;
  b->took[b->commits++ % (sizeof b->took / sizeof *b->took)] = seconds(CLOCK_MONOTONIC) - wall;
}

static void sign(struct bench *b)
{
  struct signing_request request;
  struct signing_state next;
  struct stage *s = b->stage;
  struct tg_why why = {0};
  if (!s->ask_pending)
    return;
  s->ask_pending = false;
  assert_int_equal(signing_request_parse(buf_slice(&s->ask), &request), TG_OK);
  assert_int_equal(signing_advance(&s->signer, &request, s->now.wall, &next, &why), TG_OK);
  s->signer = next;
  buf_clear(&s->signed_note);
  const struct checkpoint c = signing_checkpoint(&s->signer);
  assert_int_equal(checkpoint_sign(&c, s->kit->hub_log, &s->signed_note, &why), TG_OK);
  const double from = cpu();
  assert_int_equal(hub_signed(s->hub, buf_slice(&s->signed_note)), TG_OK);
  b->sign += cpu() - from;
}

static void say(struct bench *b, struct actor *a, enum frame_type type, const ProtobufCMessage *message, double *cost)
{
  struct buf out = buf_new(LIMIT_FRAME);
  struct tg_why why = {0};
  const struct seal_pk peer = secret_key_seal_pk(a->kit->transport);
  assert_int_equal(frame_encode(type, message, &out, &why), TG_OK);
  const double from = cpu();
  assert_int_equal(hub_frame(b->stage->hub, &peer, buf_slice(&out)), TG_OK);
  *cost += cpu() - from;
  buf_free(&out);
}

static void *key_of(const struct actor *a)
{
  return (void *)(uintptr_t)secret_key_ed25519(a->kit->identity);
}

static void confirm(struct bench *b, struct reader *r, size_t most)
{
  enum { ITEMS = 256 };
  ProtobufCBinaryData items[ITEMS];
  uint64_t queues[ITEMS];
  struct buf bytes[ITEMS];
  Tg__Receipts m = TG__RECEIPTS__INIT;
  size_t n = r->n < most ? r->n : most;
  struct batch *batch = batch_new();
  struct hash root;
  struct sign_sig signature;
  if (!n)
    return;
  for (size_t i = 0; i < n; i++) {
    struct receipt draft = {.bulletin = r->heard[i].id,
                            .node = secret_key_sign_pk(r->actor->kit->identity),
                            .event = RECEIPT_STORED,
                            .time = b->stage->now.wall,
                            .number = r->delivered - r->n + i + 1,
                            .checkpoint_size = b->stage->signer.size};
    draft.checkpoint_root = signing_checkpoint(&b->stage->signer).root;
    bytes[i] = buf_new(LIMIT_RECEIPT);
    assert_int_equal(receipt_build(&draft, &bytes[i], NULL), TG_OK);
    const struct hash id = statement_id(STATEMENT_RECEIPT, buf_slice(&bytes[i]));
    assert_int_equal(batch_add(batch, &id, NULL), TG_OK);
    items[i] = strict_data(buf_slice(&bytes[i]));
    queues[i] = r->heard[i].queue;
  }
  assert_int_equal(batch_sign(batch, &b->stage->kit->exchange, batch_sign_with_key, key_of(r->actor)), TG_OK);
  batch_result(batch, &root, &signature);
  m.signature = strict_data_of(signature.b, 64);
  m.items = items;
  m.n_items = n;
  m.queues = queues;
  m.n_queues = n;
  m.credit_count = n;
  m.credit_bytes = (1 << 16) * n;
  m.serial = ++r->actor->serial;
  say(b, r->actor, FRAME_RECEIPTS, &m.base, &b->receipts);
  for (size_t i = 0; i < n; i++)
    buf_free(&bytes[i]);
  memmove(r->heard, r->heard + n, (r->n - n) * sizeof *r->heard);
  r->n -= n;
  batch_free(batch);
}

static void turn(struct bench *b)
{
  b->stage->now.mono++;
  b->stage->now.wall++;
  assert_int_equal(hub_time(b->stage->hub, b->stage->now), TG_OK);
  sign(b);
  commit(b);
  listen_all(b);
}

static void notes_seen(struct bench *b, struct actor *a, uint64_t *last)
{
  Tg__ReceiptsSeen m = TG__RECEIPTS_SEEN__INIT;
  if (a->note_cursor == *last)
    return;
  *last = m.sequence = a->note_cursor;
  say(b, a, FRAME_RECEIPTS_SEEN, &m.base, &b->receipts);
}

/* ---- bulletins */

static void sign_together(struct actor *a, Tg__Submission **list, size_t n)
{
  struct batch *batch = batch_new();
  for (size_t i = 0; i < n; i++) {
    const struct hash id = header_id(strict_slice(list[i]->header));
    assert_int_equal(batch_add(batch, &id, NULL), TG_OK);
  }
  assert_int_equal(batch_sign(batch, &a->stage->kit->exchange, batch_sign_with_key, key_of(a)), TG_OK);
  for (size_t i = 0; i < n; i++)
    list[i]->proof = batch_proof(batch, i, a->stage->said);
  batch_free(batch);
}

static void tune(struct charter *c)
{
  c->limits.bulletins_per_hour = 1000000000;
  c->limits.queue = 100000000;
  c->limits.queue_bytes = UINT64_C(1) << 49;
}

static void restart_with_own_effects(struct bench *b)
{
  struct stage *s = b->stage;
  struct store *store;
  struct tg_why why = {0};
  const struct hub_effects effects = {.context = b,
                                      .send = on_send,
                                      .allow = on_allow,
                                      .cut = on_cut,
                                      .sign = on_sign,
                                      .wake_at = on_wake,
                                      .tell = on_tell};
  hub_free(s->hub);
  assert_int_equal(
      store_open(&(struct store_options){.database = s->database, .bodies = s->bodies}, &store, &why), TG_OK);
  s->config.per_hour = s->config.queue_count = 1000000000;
  s->config.queue_bytes = s->config.member_bytes = UINT64_C(1) << 50;
  const double from = seconds(CLOCK_MONOTONIC);
  assert_int_equal(hub_new(&s->config, &store, &effects, s->now, buf_slice(&s->signed_note), &s->hub, &why), TG_OK);
  printf("started in %.3f s\n", seconds(CLOCK_MONOTONIC) - from);
}

static void connect_reader(struct bench *b, size_t i)
{
  struct actor *a = &b->stage->actor[i];
  a->credit_count = 100000;
  a->credit_bytes = UINT64_C(1) << 30;
  actor_hello(a);
}

static int by_size(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void report(struct bench *b, size_t count)
{
  const size_t n_took = b->commits < sizeof b->took / sizeof *b->took ? b->commits : sizeof b->took / sizeof *b->took;
  const double n = (double)count, d = (double)(b->delivered ? b->delivered : 1);
  printf("submit %.1f us, commit %.1f us (%.1f of the system), signed %.1f us a bulletin; receipts %.1f us a delivery; in all %.1f us a "
         "bulletin, %.1f us a delivery\n",
         1e6 * b->submit / n, 1e6 * b->commit / n, 1e6 * b->system / n, 1e6 * b->sign / n, 1e6 * b->receipts / d,
         1e6 * (b->submit + b->commit + b->sign + b->receipts) / n,
         1e6 * (b->submit + b->commit + b->sign + b->receipts) / d);
  printf("%llu turns, %llu deliveries, %llu notes, %.1f writes and %.0f bytes a bulletin; %.0f bulletins a second "
         "of wall time, nodes included\n",
         (unsigned long long)b->commits, (unsigned long long)b->delivered, (unsigned long long)b->seen,
         (double)io_count("syscw") / n, (double)io_count("wchar") / n, n / b->wall);
  qsort(b->took, n_took, sizeof *b->took, by_size);
  printf("a commit took p50 %.2f ms, p99 %.2f ms, at most %.2f ms\n", 1e3 * b->took[n_took / 2],
         1e3 * b->took[n_took - 1 - n_took / 100], 1e3 * b->took[n_took - 1]);
}

int main(int argc, char **argv)
{
  const size_t count = argc > 1 ? (size_t)atol(argv[1]) : 4096, readers = argc > 2 ? (size_t)atol(argv[2]) : 1;
  const size_t group = argc > 3 ? (size_t)atol(argv[3]) : 64, bytes = argc > 4 ? (size_t)atol(argv[4]) : 1024;
  const bool absent = argc > 5 && strcmp(argv[5], "absent") == 0;
  static struct bench b;
  b.readers = readers;
  b.stage = stage_new(1 + readers > 1 ? 1 + readers : 2, tune);
  struct actor *from = &b.stage->actor[0];
  for (size_t i = 0; i < readers; i++) {
    b.reader[i] = calloc(1, sizeof **b.reader);
    b.reader[i]->actor = &b.stage->actor[i + 1];
  }
  uint8_t *content = calloc(1, bytes + 1);
  memset(content, 'x', bytes);
  Tg__Submission **list = calloc(count, sizeof(Tg__Submission *));
  struct sealed sealed;
  for (size_t i = 0; i < count; i++) {
    sealed = actor_seal(from, (struct story){.to = "*", .content = slice_of(content, bytes)});
    list[i] = sealed.message;
    body_drop(&sealed.body);
  }
  for (size_t i = 0; i < count; i += group)
    sign_together(from, list + i, count - i < group ? count - i : group);
  printf("sealed\n");
  restart_with_own_effects(&b);
  connect_reader(&b, 0);
  for (size_t i = 0; i < readers && !absent; i++)
    connect_reader(&b, i + 1);
  for (int i = 0; i < 5; i++)
    turn(&b);
  const double start = seconds(CLOCK_MONOTONIC);
  uint64_t last = 0;
  b.commit = b.sign = b.system = 0;
  b.commits = 0;
  for (size_t i = 0; i < count; i += group) {
    Tg__Submit m = TG__SUBMIT__INIT;
    m.items = list + i;
    m.n_items = count - i < group ? count - i : group;
    say(&b, from, FRAME_SUBMIT, &m.base, &b.submit);
    for (size_t r = 0; r < readers; r++)
      confirm(&b, b.reader[r], 256);
    notes_seen(&b, from, &last);
    turn(&b);
  }
  if (absent) {
    for (int i = 0; i < 10; i++)
      turn(&b);
    b.wall = seconds(CLOCK_MONOTONIC) - start;
    report(&b, count);
    const unsigned long before = resident();
    const double from_start = seconds(CLOCK_MONOTONIC);
    restart_with_own_effects(&b);
    b.submit = b.receipts = b.commit = b.sign = b.system = 0;
    connect_reader(&b, 0);
    for (size_t i = 0; i < readers; i++)
      connect_reader(&b, i + 1);
    while (!b.delivered)
      turn(&b);
    printf("first delivery %.3f s after the start; the store's file was open before: %lu -> %lu KiB\n",
           seconds(CLOCK_MONOTONIC) - from_start, before, resident());
  }
  for (size_t turns = 0; (b.outcomes < count || b.seen < count * readers) && turns < 100000; turns++) {
    for (size_t r = 0; r < readers; r++)
      confirm(&b, b.reader[r], 256);
    notes_seen(&b, from, &last);
    turn(&b);
  }
  b.wall = seconds(CLOCK_MONOTONIC) - start;
  report(&b, count);
  stage_free(b.stage);
  return b.delivered == count * readers ? 0 : 1;
}
