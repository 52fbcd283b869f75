/* Measures a running exchange from outside, as two programs of two agencies would see it: one publishes at the node behind
   --from, the other reads at the node behind --at. Every bulletin is counted and its content compared; a figure of a run that lost,
   doubled or changed anything is not printed. Nothing is switched off for it.

     exchange_bench latency --from SOCKET --at SOCKET --to SN --count 100
         one FLASH at a time on an idle exchange: from before toguna_publish() until the other side has read the content
         (a member may send 120 FLASH an hour and 100,000 bulletins in all, unless charter and hub.conf say otherwise)
     exchange_bench rate --from SOCKET --at SOCKET --to SN --count 20000 --size 1024 --connections 64
         that many programs publish at once; from the first publication to the last content read
     exchange_bench fill --from SOCKET --to SN --count 100000 --size 1024 --connections 64
         publishes and waits until the hub has accepted the last; nobody reads

   Prints one JSON object. Exit code 0, or 5 when anything was not as it should be. */
#include "client/lib/toguna.h"
#include "os/clock.h"
#include "os/options.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SIZE_MAX_BODY = 1 << 20, SILENCE_MS = 60000, STAMP = 24 }; /* a content begins with its run (16 hex digits) and number (8 bytes) */

struct plan {
  bool help;
  char *from, *at, *to, *topic;
  uint64_t count, size, connections;
};

static const struct option_key KEYS[] = {
    {"from", 0, OPTION_ONE, VALUE_TEXT, offsetof(struct plan, from), {0}, "SOCKET", "socket of the publishing node"},
    {"at", 0, OPTION_ONE, VALUE_TEXT, offsetof(struct plan, at), {0}, "SOCKET", "socket of the reading node"},
    {"to", 0, OPTION_ONE, VALUE_TEXT, offsetof(struct plan, to), {0}, "MEMBER", "release list"},
    {"topic", 0, OPTION_ONE, VALUE_TEXT, offsetof(struct plan, topic), {0}, "TOPIC", "topic (alert.bench)"},
    {"count", 0, OPTION_ONE, VALUE_NUMBER, offsetof(struct plan, count), {.min = 1, .max = 10000000}, "N", "bulletins"},
    {"size", 0, OPTION_ONE, VALUE_NUMBER, offsetof(struct plan, size), {.min = STAMP, .max = SIZE_MAX_BODY}, "BYTES",
     "content of each"},
    {"connections", 0, OPTION_ONE, VALUE_NUMBER, offsetof(struct plan, connections), {.min = 1, .max = 512}, "N",
     "programs that publish at once"},
    {"help", 'h', OPTION_FLAG, VALUE_BOOL, offsetof(struct plan, help), {0}, NULL, "this text"},
};

/* Shared by all threads of a run. */
struct run {
  const struct plan *plan;
  char name[17]; /* so that bulletins of an earlier run are not counted */
  atomic_uint_fast64_t next;
  atomic_bool failed;
  uint8_t *seen;      /* by number */
  double *read_at;    /* seconds, by number; latency only */
  pthread_mutex_t lock;
  pthread_cond_t moved;
  uint64_t read;
};

static double seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fail(struct run *run, const char *what, const char *why)
{
  if (!atomic_exchange(&run->failed, true))
    fprintf(stderr, "exchange_bench: %s: %s\n", what, why);
  pthread_mutex_lock(&run->lock);
  pthread_cond_broadcast(&run->moved);
  pthread_mutex_unlock(&run->lock);
}

static void content_fill(const struct run *run, uint64_t number, uint8_t *out)
{
  memcpy(out, run->name, 16);
  memcpy(out + 16, &number, 8);
  for (size_t i = STAMP; i < run->plan->size; i++)
    out[i] = (uint8_t)(i * 31 + number * 7 + (i >> 8));
}

static bool publish(struct run *run, struct toguna *node, uint64_t number, uint8_t *scratch, enum toguna_wait wait)
{
  struct toguna_error error;
  const char *to[] = {run->plan->to, NULL}, *topics[] = {run->plan->topic, NULL};
  content_fill(run, number, scratch);
  struct toguna_portion portion = {.level = TOGUNA_RESTRICTED, .tlp = TOGUNA_TLP_GREEN, .to = to,
                                   .content_type = "application/octet-stream",
                                   .content = {.memory = scratch, .size = run->plan->size}};
  struct toguna_draft draft = {.precedence = wait == TOGUNA_SPOOLED ? TOGUNA_FLASH : TOGUNA_ROUTINE, .topics = topics,
                               .flags = TOGUNA_EXERCISE, .portions = &portion, .portion_count = 1};
  if (run->plan->connections > 1)
    draft.precedence = TOGUNA_ROUTINE;
  if (toguna_publish(node, &draft, wait, 600000, NULL, NULL, NULL, &error) == TOGUNA_OK)
    return true;
  fail(run, "publish", error.text);
  return false;
}

static void *publisher(void *context)
{
  struct run *run = context;
  struct toguna_error error;
  struct toguna *node;
  uint8_t *scratch = malloc(run->plan->size);
  if (!scratch)
    abort();
  if (toguna_open(run->plan->from, "exchange_bench", &node, &error) != TOGUNA_OK) {
    fail(run, run->plan->from, error.text);
    free(scratch);
    return NULL;
  }
  while (!run->failed) {
    uint64_t number = atomic_fetch_add(&run->next, 1);
    if (number >= run->plan->count)
      break;
    bool last = number + run->plan->connections >= run->plan->count;
    if (!publish(run, node, number, scratch, !run->plan->at && last ? TOGUNA_ACCEPTED : TOGUNA_SPOOLED))
      break;
  }
  toguna_close(node);
  free(scratch);
  return NULL;
}

/* Takes note of a content that was read; true when it is one of this run. */
static bool note(struct run *run, const uint8_t *data, size_t n, uint8_t *expected)
{
  uint64_t number;
  if (n < STAMP || memcmp(data, run->name, 16) != 0)
    return false;
  memcpy(&number, data + 16, 8);
  if (number >= run->plan->count || n != run->plan->size) {
    fail(run, "read", "a content of another size or number");
    return false;
  }
  content_fill(run, number, expected);
  if (memcmp(expected, data, n) != 0)
    fail(run, "read", "a content that was changed");
  pthread_mutex_lock(&run->lock);
  bool twice = run->seen[number]++;
  run->read++;
  if (run->read_at)
    run->read_at[number] = seconds();
  pthread_cond_broadcast(&run->moved);
  pthread_mutex_unlock(&run->lock);
  if (twice)
    fail(run, "read", "a bulletin came twice");
  return true;
}

struct reader {
  struct run *run;
  struct toguna *node;
  struct toguna_subscription *subscription;
  uint8_t *expected;
};

static void *reader(void *context)
{
  struct reader *r = context;
  struct toguna_error error;
  while (!r->run->failed && r->run->read < r->run->plan->count) {
    const struct toguna_item *item;
    enum toguna_err err = toguna_next(r->subscription, SILENCE_MS, &item, &error);
    if (err == TOGUNA_BUSY)
      snprintf(error.text, sizeof error.text, "nothing came for a minute: see toguna sent at the publishing node");
    char *data = NULL;
    size_t n = 0;
    if (err == TOGUNA_OK)
      err = toguna_read_all(r->node, &item->id, 0, false, SIZE_MAX_BODY, &data, &n, &error);
    if (err != TOGUNA_OK) {
      fail(r->run, "read", error.text);
      break;
    }
    note(r->run, (const uint8_t *)data, n, r->expected);
    free(data);
  }
  return NULL;
}

/* Subscribes to what comes from now on. */
static bool reader_open(struct reader *r, struct run *run)
{
  struct toguna_error error;
  struct toguna_filter filter = {.topic = run->plan->topic};
  *r = (struct reader){.run = run, .expected = malloc(run->plan->size)};
  if (!r->expected || toguna_open(run->plan->at, "exchange_bench", &r->node, &error) != TOGUNA_OK ||
      toguna_subscribe(r->node, &filter, &r->subscription, &error) != TOGUNA_OK) {
    fail(run, run->plan->at, error.text);
    return false;
  }
  return true;
}

static void reader_close(struct reader *r)
{
  toguna_subscription_free(r->subscription);
  toguna_close(r->node);
  free(r->expected);
}

static int by_size(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* One at a time; the reader is another thread of this process, so that one clock measures both ends. */
static void latency(struct run *run)
{
  struct reader r;
  struct toguna_error error;
  struct toguna *node = NULL;
  pthread_t thread;
  uint64_t n = run->plan->count;
  uint8_t *scratch = malloc(run->plan->size);
  double *took = calloc(n, sizeof *took);
  if (!scratch || !took || !reader_open(&r, run) ||
      toguna_open(run->plan->from, "exchange_bench", &node, &error) != TOGUNA_OK) {
    fail(run, "start", "no memory, or no node");
    return;
  }
  if (pthread_create(&thread, NULL, reader, &r) != 0)
    abort();
  for (uint64_t i = 0; i < n && !run->failed; i++) {
    double from = seconds();
    if (!publish(run, node, i, scratch, TOGUNA_SPOOLED))
      break;
    pthread_mutex_lock(&run->lock);
    while (!run->seen[i] && !run->failed)
      pthread_cond_wait(&run->moved, &run->lock);
    took[i] = run->read_at[i] - from;
    pthread_mutex_unlock(&run->lock);
  }
  pthread_join(thread, NULL);
  qsort(took, n, sizeof *took, by_size);
  if (!run->failed)
    printf("{\"what\":\"publish to read, one FLASH at a time\",\"count\":%llu,\"size\":%llu,\"p50_ms\":%.3f,"
           "\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
           (unsigned long long)n, (unsigned long long)run->plan->size, 1e3 * took[n / 2], 1e3 * took[(n * 99) / 100],
           1e3 * took[n - 1]);
  reader_close(&r);
  toguna_close(node);
  free(took);
  free(scratch);
}

static void rate(struct run *run)
{
  struct reader r;
  pthread_t reading, *publishing = calloc(run->plan->connections, sizeof *publishing);
  if (!publishing || (run->plan->at && !reader_open(&r, run)))
    return;
  double from = seconds();
  if (run->plan->at && pthread_create(&reading, NULL, reader, &r) != 0)
    abort();
  for (uint64_t i = 0; i < run->plan->connections; i++)
    if (pthread_create(&publishing[i], NULL, publisher, run) != 0)
      abort();
  for (uint64_t i = 0; i < run->plan->connections; i++)
    pthread_join(publishing[i], NULL);
  double spooled = seconds() - from;
  if (run->plan->at) {
    pthread_join(reading, NULL);
    reader_close(&r);
  }
  double all = seconds() - from;
  free(publishing);
  if (!run->failed)
    printf("{\"what\":\"%s\",\"count\":%llu,\"size\":%llu,\"connections\":%llu,\"spooled_per_s\":%.0f,\"per_s\":%.0f,"
           "\"seconds\":%.2f}\n",
           run->plan->at ? "publish to read, all at once" : "publish, nobody reads", (unsigned long long)run->plan->count,
           (unsigned long long)run->plan->size, (unsigned long long)run->plan->connections,
           (double)run->plan->count / spooled, (double)run->plan->count / all, all);
}

int main(int argc, char **argv)
{
  struct plan plan = {.count = 1000, .size = 1024, .connections = 1};
  struct operands words;
  struct tg_why why = {0};
  char text[1024];
  size_t n = sizeof KEYS / sizeof *KEYS;
  if (options_parse(argc, argv, KEYS, n, &plan, &words, &why) != TG_OK) {
    why_render(&why, NULL, text, sizeof text);
    fprintf(stderr, "exchange_bench: %s\n", text);
    return 2;
  }
  const char *mode = words.n == 1 ? words.v[0] : "";
  bool latent = !strcmp(mode, "latency"), fill = !strcmp(mode, "fill");
  if (plan.help || !plan.from || !plan.to || (!latent && !fill && strcmp(mode, "rate") != 0) || fill == !!plan.at) {
    fprintf(stderr, "usage: exchange_bench latency|rate|fill --from SOCKET [--at SOCKET] --to MEMBER [--count N] [--size N]"
                    " [--connections N]\n");
    return plan.help ? 0 : 2;
  }
  if (!plan.topic)
    plan.topic = slice_dup(slice_str("alert.bench"));
  struct run run = {.plan = &plan, .seen = calloc(plan.count, 1), .read_at = calloc(plan.count, sizeof(double))};
  pthread_mutex_init(&run.lock, NULL);
  pthread_cond_init(&run.moved, NULL);
  snprintf(run.name, sizeof run.name, "%016llx", (unsigned long long)clock_wall());
  (latent ? latency : rate)(&run);
  free(run.seen);
  free(run.read_at);
  free(words.v);
  options_free(KEYS, n, &plan);
  return run.failed ? 5 : 0;
}
