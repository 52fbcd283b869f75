/* toguna-bench: docs/man/toguna-bench.1.scd */
#include "tests/bench/works.h"

#include "tests/bench/table.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

static const struct option_key KEYS[] = {
    {"quick", 0, OPTION_FLAG, VALUE_BOOL, offsetof(struct bench_options, quick), {0}, NULL, "All workloads, small: under two minutes on two cores."},
    {"full", 0, OPTION_FLAG, VALUE_BOOL, offsetof(struct bench_options, full), {0}, NULL, "All workloads, all sizes, long."},
    {"count", 'n', OPTION_ONE, VALUE_NUMBER, offsetof(struct bench_options, count), {.min = 1, .max = 100000000}, "N", "Bulletins of a workload, or of its backlog; w3 and w8 go by time."},
    {"size", 's', OPTION_ONE, VALUE_SIZE, offsetof(struct bench_options, size), {.min = 24, .max = 1 << 20}, "SIZE", "Content of each; 1KiB unless stated."},
    {"rate", 'r', OPTION_ONE, VALUE_NUMBER, offsetof(struct bench_options, rate), {.min = 1, .max = 1000000}, "N", "Bulletins a second of an open loop."},
    {"publishers", 0, OPTION_ONE, VALUE_NUMBER, offsetof(struct bench_options, publishers), {.min = 1, .max = 8}, "N", "Publishing nodes of W6."},
    {"readers", 0, OPTION_ONE, VALUE_NUMBER, offsetof(struct bench_options, readers), {.min = 1, .max = 16}, "N", "Reading nodes of W2, W6 and W7."},
    {"from", 0, OPTION_ONE, VALUE_PATH, offsetof(struct bench_options, from), {0}, "SOCKET", "Measure a running exchange: the publishing node's socket."},
    {"at", 0, OPTION_ONE, VALUE_PATH, offsetof(struct bench_options, at), {0}, "SOCKET", "… and the reading node's."},
    {"to", 0, OPTION_ONE, VALUE_TEXT, offsetof(struct bench_options, to), {0}, "MEMBER", "… and the reading node's state."},
    {"plots", 0, OPTION_ONE, VALUE_PATH, offsetof(struct bench_options, plots), {0}, "FOLDER", "Write the curves of `growth` there, as SVG."},
    {"folder", 'f', OPTION_ONE, VALUE_PATH, offsetof(struct bench_options, folder), {0}, "FOLDER", "Where the exchanges stand while they are measured; /tmp unless stated. What is measured is this disk."},
    {"keep", 0, OPTION_FLAG, VALUE_BOOL, offsetof(struct bench_options, keep), {0}, NULL, "Leave them there afterwards."},
    {"json", 0, OPTION_FLAG, VALUE_BOOL, offsetof(struct bench_options, json), {0}, NULL, "Print JSON, for programs."},
    {"help", 'h', OPTION_FLAG, VALUE_BOOL, offsetof(struct bench_options, help), {0}, NULL, "This text."},
};
enum { N_KEYS = sizeof KEYS / sizeof *KEYS };

static const struct {
  const char *name, *what;
  bench_work *work;
  bool always;  /* when no workload is named */
  bool borrows; /* can measure an exchange that runs already */
} WORKS[] = {
    {"floors", "what the libraries and the disk cost by themselves", work_floors, true, true},
    {"w1", "durable pipeline, node to hub to node", work_pipeline, true, true},
    {"w2", "fan-out to 16 reading nodes, with --quick to 8", work_fan, true, false},
    {"w3", "latency at a given rate", work_paced, true, true},
    {"w4", "FLASH while a backlog drains", work_flash, true, false},
    {"w5", "catching up after an outage", work_outage, true, false},
    {"w6", "several publishing and reading nodes", work_many, true, false},
    {"w7", "the hub alone", work_hub, true, false},
    {"w8", "a member that floods, and what another notices", work_flood, true, false},
    {"herd", "500 sessions come back to a hub that was killed", work_herd, false, false},
    {"cap", "memory of the hub in a flood, against what hub.conf allows", work_cap, false, false},
    {"growth", "cost by log size, members and nodes", work_growth, false, false},
};
enum { N_WORKS = sizeof WORKS / sizeof *WORKS };

/* ---- for all workloads */

static char last_failure[400];

json_t *bench_fails(const char *what, const char *why)
{
  snprintf(last_failure, sizeof last_failure, "%s: %s", what, why);
  fprintf(stderr, "toguna-bench: %s\n", last_failure);
  return NULL;
}

json_t *bench_partly(const char *work, json_t *rows)
{
  json_array_append_new(rows, json_pack("{s:s,s:s,s:s}", "work", work, "what", "failed", "failed", last_failure[0] ? last_failure : "for a reason that it did not say"));
  return rows;
}

void bench_says(const char *format, ...)
{
  enum { APART = 10 };
  static double said;
  const bool person = isatty(2);
  char text[200];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (person) {
    fprintf(stderr, "\r\033[K%s", text);
  } else if (*text && (said <= 0 || bench_now() - said >= APART)) {
    said = bench_now();
    fprintf(stderr, "toguna-bench: %s\n", text);
  }
}

uint64_t bench_count(const struct bench *b, uint64_t quick, uint64_t standard, uint64_t full)
{
  return b->options->count ? b->options->count : b->options->quick ? quick : b->options->full ? full : standard;
}

double bench_now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the run */

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *at)
{
  (void)s, (void)kind, (void)at;
  return remove(path);
}

static bool wanted(const struct bench_options *o, const struct operands *words, size_t work)
{
  if (o->from && !WORKS[work].borrows)
    return false;
  for (size_t i = 0; i < words->n; i++)
    if (!strcasecmp(words->v[i], WORKS[work].name))
      return true;
  return words->n == 0 && WORKS[work].always;
}

/* Why the workloads named cannot be run as asked, with the word at fault; NULL: they can. */
static const char *refused(const struct bench_options *o, const struct operands *words, const char **ret_word)
{
  for (size_t i = 0; i < words->n; i++) {
    size_t work = 0;
    *ret_word = words->v[i];
    while (work < N_WORKS && strcasecmp(words->v[i], WORKS[work].name) != 0)
      work++;
    if (work == N_WORKS)
      return "there is no such workload; toguna-bench --help lists them";
    if (o->from && !WORKS[work].borrows)
      return "does not measure a running exchange; floors, w1 and w3 do";
  }
  return NULL;
}

/* A folder that was named must be there before anything is measured. */
static bool usable(const char *folder)
{
  if (!folder || access(folder, W_OK | X_OK) == 0)
    return true;
  fprintf(stderr, "toguna-bench: %s: %s; name a folder that exists and can be written to\n", folder, strerror(errno));
  return false;
}

static bool has_failed(const json_t *rows)
{
  size_t i;
  json_t *row;
  bool failed = false;
  json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    failed = failed || json_object_get(row, "failed");
  return failed;
}

/* Every workload that is wanted, whatever became of those before; false when one failed. */
static bool run_all(struct bench *b, const struct operands *words, json_t *rows)
{
  bool good = true;
  for (size_t i = 0; i < N_WORKS; i++) {
    if (!wanted(b->options, words, i))
      continue;
    bench_says("%s: %s", WORKS[i].name, WORKS[i].what);
    last_failure[0] = 0;
    json_t *got = WORKS[i].work(b);
    if (!got)
      got = bench_partly(WORKS[i].name, json_array());
    else if (WORKS[i].work == work_floors)
      b->floors = json_incref(json_array_get(got, 0));
    json_array_extend(rows, got);
    good = good && !has_failed(got);
    json_decref(got);
  }
  bench_says("%s", "");
  return good;
}

static int help(void)
{
  struct buf text = buf_new(1 << 16);
  options_help(KEYS, N_KEYS, NULL, 0, &text);
  puts("Usage: toguna-bench [OPTION]... [WORKLOAD]...\nMeasures an exchange of its own in a temporary folder on this machine's loopback.\n\nWorkloads; all but herd, cap and growth when "
       "none is named:");
  for (size_t i = 0; i < N_WORKS; i++)
    printf("  %-8s %s\n", WORKS[i].name, WORKS[i].what);
  printf("\nOptions\n%.*s", (int)text.n, (const char *)text.p);
  buf_free(&text);
  return 0;
}

/* Whoever interrupts a run is told what stays; the daemons end with this program (stand.c). */
static char left[400];

static void on_end(int sign)
{
  ssize_t n = write(2, left, strlen(left));
  (void)n;
  _exit(128 + sign);
}

static void mind_interruptions(const char *folder)
{
  const struct sigaction end = {.sa_handler = on_end};
  snprintf(left, sizeof left, "\ntoguna-bench: interrupted; what it left is in %s\n", folder);
  sigaction(SIGINT, &end, NULL);
  sigaction(SIGTERM, &end, NULL);
  sigaction(SIGHUP, &end, NULL);
}

/* A failure says where its traces are, and whether the disk may be why: hub and nodes stop before it is full. */
static void tell_what_is_left(const char *folder)
{
  enum { LITTLE = 512 };
  struct statvfs disk;
  fprintf(stderr, "toguna-bench: what it left is in %s\n", folder);
  if (statvfs(folder, &disk) != 0)
    return;
  const uint64_t mib = (uint64_t)disk.f_bavail * disk.f_frsize >> 20;
  if (mib < LITTLE)
    fprintf(stderr, "toguna-bench: its disk has only %llu MiB left, and hub and nodes keep a reserve; name another with --folder\n", (unsigned long long)mib);
}

static int measure(const struct bench_options *o, const struct operands *words)
{
  struct bench b = {.options = o};
  snprintf(b.folder, sizeof b.folder, "%s/toguna-bench-XXXXXX", o->folder ? o->folder : "/tmp");
  if (!mkdtemp(b.folder)) {
    bench_fails(b.folder, strerror(errno));
    return 5;
  }
  mind_interruptions(b.folder);
  json_t *rows = json_array(), *all = json_pack("{s:o,s:O}", "machine", table_machine(b.folder), "rows", rows);
  double began = bench_now();
  bool good = run_all(&b, words, rows);
  json_object_set_new(all, "seconds", json_real(bench_now() - began));
  if (o->json) {
    json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    putchar('\n');
  } else {
    table_print(all);
  }
  if (!good)
    tell_what_is_left(b.folder);
  else if (!o->keep)
    nftw(b.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  json_decref(b.floors);
  json_decref(all);
  json_decref(rows);
  return good ? 0 : 5;
}

int main(int argc, char **argv)
{
  struct bench_options o = {0};
  struct operands words;
  struct tg_why why = {0};
  char text[1024];
  if (options_parse(argc, argv, KEYS, N_KEYS, &o, &words, &why) != TG_OK) {
    why_render(&why, NULL, text, sizeof text);
    fprintf(stderr, "toguna-bench: %s\n", text);
    return 2;
  }
  int code = 2;
  const char *odd = NULL, *reason = refused(&o, &words, &odd);
  if (reason)
    fprintf(stderr, "toguna-bench: %s: %s\n", odd, reason);
  else if (o.quick && o.full)
    fprintf(stderr, "toguna-bench: --quick and --full exclude each other; give one\n");
  else if (!!o.from + !!o.at + !!o.to != 0 && !(o.from && o.at && o.to))
    fprintf(stderr, "toguna-bench: a running exchange is named by --from, --at and --to together\n");
  else if (!usable(o.folder) || !usable(o.plots))
    code = 2;
  else if (sodium_init() < 0)
    code = 5;
  else
    code = o.help ? help() : measure(&o, &words);
  free(words.v);
  options_free(KEYS, N_KEYS, &o);
  return code;
}
