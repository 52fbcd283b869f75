/* What reviewing a large log costs: review_bench [ENTRIES [keep]] (1,000,000 unless stated), in a temporary folder; with `keep` it stays, and
   the key is told, for timing the programs themselves on it.
     make      the log is made up: a fifth are bulletins with header, decision and recipients, the rest forwarded,
               receipts and sessions; its signatures of nodes are not verified, for no charter says which exchange it is
     index     every entry against its leaf, its papers against it, all leaves against the signed root; once
     page      `toguna audit log` after that: first page of 50, by filter, each a fresh question to an open index
     reopen    what it takes to open the index again
     verify    recount() over the static files, against the bare SHA-256 of the same hashes in the same run */
#include "audit/checkpoint.h"
#include "audit/dossier.h"
#include "audit/ledger.h"
#include "audit/recount.h"
#include "client/review/review.h"
#include "keys/secret.h"
#include "os/clock.h"
#include "os/file.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STATES = 18, TOPICS = 40, PAGE = 50, RUNS = 20 };

static const char *const state[STATES] = {"ML", "BF", "NE", "SN", "NG", "TD", "MR", "DZ", "BJ", "CV", "CI", "GM", "GH", "GN", "GW", "LR", "SL", "TG"};

struct made {
  char folder[256];
  struct secret_key *key;
  struct ledger *ledger;
  struct arena *arena;
  struct buf openings, leaves;
  uint64_t seed;
};

static void must(enum tg_err err, const char *what)
{
  if (err == TG_OK)
    return;
  fprintf(stderr, "%s: %s\n", what, tg_err_name(err));
  exit(1);
}

static double seconds(int64_t since)
{
  return (double)(clock_mono() - since) / 1000;
}

static uint64_t chance(struct made *m)
{
  m->seed = m->seed * 6364136223846793005ULL + 1442695040888963407ULL;
  return m->seed >> 33;
}

/* ---- files */

static void put_file(const struct made *m, const char *name, struct slice bytes)
{
  char path[512], folder[512];
  snprintf(path, sizeof path, "%s/%s", m->folder, name);
  snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
  must(file_mkdir(folder, 0700, NULL), folder);
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(bytes.p, 1, bytes.n, f) != bytes.n || fclose(f))
    must(TG_DISK, path);
}

static enum tg_err write_tile(void *context, unsigned level, uint64_t index, struct slice hashes)
{
  char name[TILE_PATH_MAX];
  (void)tile_name_print(&(struct tile_name){.level = level, .index = index, .width = (unsigned)(hashes.n / 32)}, name);
  put_file(context, name, hashes);
  return TG_OK;
}

static enum tg_err read_tile(void *context, unsigned level, uint64_t index, uint8_t out[TILE_BYTES], size_t *ret)
{
  (void)context, (void)level, (void)index, (void)out, (void)ret;
  return TG_NOT_FOUND;
}

/* ---- entries */

static void key_of(uint64_t who, uint8_t out[32])
{
  memset(out, 0x11, 32);
  memcpy(out, &who, sizeof who);
}

static struct slice copy(struct made *m, struct buf *b)
{
  struct slice s = arena_copy(m->arena, buf_slice(b));
  buf_free(b);
  return s;
}

/* Portion, release list, subject and header as an originator makes them. */
static void make_bulletin(struct made *m, struct entry *e, struct dossier *d, tg_time time)
{
  struct buf release = buf_new(LIMIT_RELEASE), portion = buf_new(LIMIT_PORTION), subject = buf_new(LIMIT_SUBJECT),
             header = buf_new(LIMIT_HEADER), whole = buf_new(DOSSIER_MAX), proof = buf_new(4096);
  const struct slice to[] = {slice_str("AES"), slice_str("ECOWAS")};
  char topic[48];
  struct portion_draft draft = {.index = 0, .level = 2, .tlp = 2, .seal = {.size = 4096 + 16, .chunks = 1}};
  Tg__BatchProof batch = TG__BATCH_PROOF__INIT;
  uint8_t signature[64] = {1};
  must(release_build(to, 2, NULL, 0, &release, NULL), "release");
  draft.release_hash = release_hash(buf_slice(&release));
  draft.seal.size = body_padded(100) + 17; /* and a tag */
  draft.seal.chunks = body_chunks(draft.seal.size);
  memset(draft.seal.root.b, 5, 32);
  memset(draft.seal.key_commitment.b, 6, 32);
  memset(draft.seal.stream_header, 7, sizeof draft.seal.stream_header);
  must(portion_build(&draft, &portion, NULL), "portion");
  snprintf(topic, sizeof topic, "alert.kind%u", (unsigned)(chance(m) % TOPICS));
  struct slice one = buf_slice(&portion);
  struct subject s = {.suite = SUITE_1, .originator = e->actor, .created = time, .expires = time + TG_DAY,
                      .precedence = (enum precedence)(1 + chance(m) % 4), .kind = KIND_REPORT, .topic_count = 1, .topics = {slice_str(topic)},
                      .portion_root = portion_root(&one, 1), .portion_count = 1};
  memset(s.exchange.b, 9, 32);
  must(subject_build(&s, &subject, NULL), "subject");
  struct header h = {.subject = {.bytes = buf_slice(&subject)}, .charter_version = 1, .policy_serial = 1, .number = e->number,
                     .audience_count = 3};
  memset(h.policy_hash.b, 8, 32);
  memset(h.audience_root.b, 8, 32);
  must(header_build(&h, &header, NULL), "header");
  e->subject = header_id(buf_slice(&header));
  batch.size = 1;
  batch.signature = strict_data(slice_of(signature, sizeof signature));
  Tg__Submission message = TG__SUBMISSION__INIT;
  ProtobufCBinaryData p = strict_data(buf_slice(&portion)), r = strict_data(buf_slice(&release));
  message.header = strict_data(buf_slice(&header));
  message.portions = &p;
  message.releases = &r;
  message.n_portions = message.n_releases = 1;
  message.proof = &batch;
  dossier_bulletin_put(&whole, &message);
  d->paper[DOSSIER_BULLETIN] = copy(m, &whole);
  buf_free(&release), buf_free(&portion), buf_free(&subject), buf_free(&header), buf_free(&proof);
}

static void make_decision(struct made *m, struct entry *e, struct dossier *d)
{
  const char yes[2][2] = {{'B', 'F'}, {'N', 'E'}};
  struct ruling_denial no = {.member = {'T', 'D'}, .stage = 3, .line = 6};
  memset(no.policy.b, 3, 32);
  struct ruling_portion portion = {.permitted = yes, .permitted_count = 2, .denied = &no, .denied_count = chance(m) % 8 == 0};
  struct ruling ruling = {.portions = &portion, .portion_count = 1};
  struct buf bytes = buf_new(LIMIT_DECISION), recipients = buf_new(200);
  memset(ruling.salt, 4, sizeof ruling.salt);
  must(ruling_build(&ruling, &bytes, NULL), "ruling");
  e->decision = ruling_hash(buf_slice(&bytes));
  d->paper[DOSSIER_DECISION] = copy(m, &bytes);
  for (unsigned i = 0; i < 3; i++) {
    uint8_t node[32];
    key_of(i + 1, node);
    buf_put(&recipients, node, 32);
    buf_put_u32(&recipients, 1);
  }
  d->paper[DOSSIER_RECIPIENTS] = copy(m, &recipients);
}

static void make_entry(struct made *m, uint64_t i)
{
  const tg_time time = INT64_C(1764600000000) + (tg_time)i * 40;
  const uint64_t who = chance(m) % STATES;
  static const enum entry_type types[] = {ENTRY_ACCEPTED, ENTRY_FORWARDED, ENTRY_RECEIPTS, ENTRY_FORWARDED, ENTRY_RECEIPTS};
  struct entry e = {.type = i % 1000 == 999 ? ENTRY_REFUSED : types[i % 5], .time = time, .number = i + 1};
  struct dossier d = {.index = i};
  struct buf bytes = buf_new(LIMIT_ENTRY);
  memcpy(e.member, state[who], 2);
  key_of(who, e.actor.b);
  memcpy(e.subject.b, &i, sizeof i);
  e.subject.b[31] = 1;
  if (e.type == ENTRY_ACCEPTED) {
    e.charter_version = 1;
    memset(e.policy_set.b, 2, 32);
    make_bulletin(m, &e, &d, time);
    make_decision(m, &e, &d);
  }
  e.reason = e.type == ENTRY_REFUSED ? REASON_QUOTA : 0;
  must(entry_build(&e, &bytes, NULL), "entry");
  memcpy(d.salt, &i, sizeof i);
  d.paper[DOSSIER_ENTRY] = copy(m, &bytes);
  struct hash leaf = entry_leaf(d.salt, d.paper[DOSSIER_ENTRY]);
  uint64_t place;
  must(ledger_append(m->ledger, &leaf, &place), "ledger");
  dossier_put(&m->openings, &d);
  tile_bundle_put(&m->leaves, &leaf);
  arena_reset(m->arena);
}

static void put_bundle(struct made *m, uint64_t bundle, unsigned width)
{
  char name[DOSSIER_PATH_MAX], tile[TILE_PATH_MAX];
  dossier_path(bundle, name);
  put_file(m, name, buf_slice(&m->openings));
  (void)tile_name_print(&(struct tile_name){.entries = true, .index = bundle, .width = width}, tile);
  put_file(m, tile, buf_slice(&m->leaves));
  m->openings.n = m->leaves.n = 0;
}

static void make_log(struct made *m, uint64_t n)
{
  const struct tile_store store = {.context = m, .read = read_tile, .write = write_tile};
  struct buf note = buf_new(CHECKPOINT_BYTES_MAX);
  must(ledger_open(&store, 0, &m->ledger, NULL), "ledger");
  for (uint64_t i = 0; i < n; i++) {
    make_entry(m, i);
    if ((i + 1) % TILE_WIDTH == 0 || i + 1 == n)
      put_bundle(m, i / TILE_WIDTH, (unsigned)(i % TILE_WIDTH) + 1);
  }
  must(ledger_flush(m->ledger), "flush");
  const struct checkpoint c = {.origin = slice_str(secret_key_name(m->key)), .size = n, .root = ledger_root(m->ledger)};
  must(checkpoint_sign(&c, m->key, &note, NULL), "sign");
  put_file(m, "checkpoint", buf_slice(&note));
  buf_free(&note);
  ledger_free(m->ledger);
}

/* ---- figures */

static void time_page(struct review *r, const char *name, const struct review_filter *f)
{
  double worst = 0, sum = 0;
  size_t found = 0;
  for (unsigned i = 0; i < RUNS; i++) {
    json_t *page = NULL;
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    must(review_entries(r, f, 0, PAGE, &page, NULL), name);
    clock_gettime(CLOCK_MONOTONIC, &b);
    const double ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
    worst = ms > worst ? ms : worst;
    sum += ms;
    found = json_array_size(json_object_get(page, "entries"));
    json_decref(page);
  }
  printf("page    %-34s %3zu entries  mean %7.2f ms  worst %7.2f ms\n", name, found, sum / RUNS, worst);
}

static void time_pages(struct review *r)
{
  const struct {
    const char *name;
    struct review_filter f;
  } all[] = {
      {"everything", {0}},
      {"state ML", {.state = "ML"}},
      {"topic, precedence, state", {.topic = "alert.kind7", .precedence = "flash", .state = "TG"}},
      {"refused", {.decision = "refused"}},
      {"denied to some, oldest", {.decision = "denied", .oldest_first = true}},
      {"nothing has both", {.type = "receipts", .precedence = "flash"}},
      {"an hour in the middle", {.from = INT64_C(1764620000000), .to = INT64_C(1764623600000), .type = "accepted"}},
      {"one key", {.who = "0300000000000000"}},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    time_page(r, all[i].name, &all[i].f);
}

static enum tg_err read_file(void *context, const struct tile_name *name, struct buf *out)
{
  const struct made *m = context;
  char path[512], tail[TILE_PATH_MAX];
  (void)tile_name_print(name, tail);
  snprintf(path, sizeof path, "%s/%s", m->folder, tail);
  return file_read(path, RECOUNT_FILE_MAX, out, NULL);
}

static void found(void *context, const struct recount_finding *f)
{
  (void)context, (void)f;
  must(TG_BAD_PROOF, "verify");
}

static void time_verify(struct made *m, uint64_t n)
{
  struct note_key key;
  struct checkpoint c;
  struct buf note = buf_new(CHECKPOINT_BYTES_MAX);
  struct recount_result result;
  const struct recount_source source = {.context = m, .read = read_file, .found = found};
  char path[512];
  snprintf(path, sizeof path, "%s/checkpoint", m->folder);
  must(secret_key_note_key(m->key, &key), "key");
  must(file_read(path, CHECKPOINT_BYTES_MAX, &note, NULL), path);
  must(checkpoint_open(buf_slice(&note), &key, &c, NULL, NULL), "checkpoint");
  int64_t began = clock_mono();
  must(recount(&c, &source, &result), "verify");
  const double verify = seconds(began);
  began = clock_mono();
  struct hash h = {{0}};
  for (uint64_t i = 0; i < n; i++) { /* a leaf and, on average, one node */
    h = merkle_leaf(slice_of(h.b, 32));
    h = merkle_node(&h, &h);
  }
  const double bare = seconds(began);
  printf("verify  %.0f entries/s on one core; bare SHA-256 of the same hashes %.0f entries/s: %.0f %% (%02x)\n", (double)n / verify,
         (double)n / bare, 100 * bare / verify, h.b[0]);
  buf_free(&note);
}

int main(int argc, char **argv)
{
  const uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
  struct made m = {.openings = buf_new(DOSSIER_BUNDLE_MAX), .leaves = buf_new(DOSSIER_MAX), .arena = arena_new(DOSSIER_MAX)};
  char vkey[NOTE_VKEY_MAX], index[512], command[600];
  struct note_key key;
  struct review *r = NULL;
  struct tg_why why = {.err = TG_OK};
  if (sodium_init() < 0 || n == 0)
    return 1;
  snprintf(m.folder, sizeof m.folder, "%s/toguna-review-bench-%d", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());
  must(secret_key_new(KEY_HUB_LOG, "bench.example/log", &m.key), "key");
  must(secret_key_note_key(m.key, &key), "key");
  note_key_print(&key, vkey);
  int64_t began = clock_mono();
  make_log(&m, n);
  printf("make    %llu entries in %.1f s\n", (unsigned long long)n, seconds(began));
  snprintf(index, sizeof index, "%s/index.db", m.folder);
  const struct review_place place = {.folder = m.folder, .key = vkey, .index = index};
  began = clock_mono();
  enum tg_err err = review_open(&place, NULL, NULL, &r, &why);
  if (err) {
    char text[512];
    why_render(&why, NULL, text, sizeof text);
    fprintf(stderr, "%s\n", text);
    return 1;
  }
  printf("index   %.1f s: %.0f entries/s\n", seconds(began), (double)n / seconds(began));
  time_pages(r);
  review_free(r);
  began = clock_mono();
  must(review_open(&place, NULL, NULL, &r, &why), "reopen");
  printf("reopen  %.0f ms\n", seconds(began) * 1000);
  review_free(r);
  time_verify(&m, n);
  secret_key_free(m.key);
  arena_free(m.arena);
  buf_free(&m.openings);
  buf_free(&m.leaves);
  if (argc > 2) {
    printf("kept    --log %s --key %s\n", m.folder, vkey);
    return 0;
  }
  snprintf(command, sizeof command, "rm -rf '%s'", m.folder);
  return system(command) != 0;
}
