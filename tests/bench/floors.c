/* What a bulletin cannot do without, each by itself and in the same run as the workloads: machines differ, and differ from one hour to the next. */
#include "tests/bench/works.h"

#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum { KIB = 1024, GROUP = 64, ROWS = 16384, MESSAGES = 20000, FRAMES = 200, FRAME = 256 * 1024 };

static double cpu_now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- libsodium */

struct crypto {
  uint8_t pk[32], sk[64], sig[64], point[32], scalar[32], out[KIB + 64], data[KIB + 64], key[32], nonce[24];
};

static void do_sign(struct crypto *c)
{
  crypto_sign_detached(c->sig, NULL, c->data, 88, c->sk);
}
static void do_verify(struct crypto *c)
{
  if (crypto_sign_verify_detached(c->sig, c->data, 88, c->pk) != 0)
    abort();
}
static void do_agree(struct crypto *c)
{
  if (crypto_scalarmult(c->out, c->scalar, c->point) != 0)
    abort();
}
static void do_aead(struct crypto *c)
{
  unsigned long long n;
  crypto_aead_xchacha20poly1305_ietf_encrypt(c->out, &n, c->data, KIB, NULL, 0, NULL, c->nonce, c->key);
}
static void do_hash(struct crypto *c)
{
  crypto_hash_sha256(c->out, c->data, KIB);
}
static void do_small_hash(struct crypto *c)
{
  crypto_hash_sha256(c->out, c->data, 65); /* a node of a Merkle tree */
}

static double each_us(void (*f)(struct crypto *), struct crypto *c, unsigned times)
{
  double best = 1e9;
  for (int round = 0; round < 3; round++) { /* the least: what else the machine does is not the floor's */
    double began = cpu_now();
    for (unsigned i = 0; i < times; i++)
      f(c);
    double us = 1e6 * (cpu_now() - began) / times;
    best = us < best ? us : best;
  }
  return best;
}

static void put(json_t *figures, const char *name, double us)
{
  json_object_set_new(figures, name, json_real(us));
}

static void measure_crypto(json_t *figures)
{
  static const struct {
    const char *name;
    void (*f)(struct crypto *);
    unsigned times;
  } all[] = {{"sign", do_sign, 2000},           {"verify", do_verify, 1000},       {"x25519", do_agree, 1000},
             {"aead_1kib", do_aead, 20000}, {"sha256_1kib", do_hash, 10000}, {"sha256_node", do_small_hash, 100000}};
  struct crypto c;
  randombytes_buf(&c, sizeof c);
  crypto_sign_keypair(c.pk, c.sk);
  crypto_scalarmult_base(c.point, c.scalar);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    put(figures, all[i].name, each_us(all[i].f, &c, all[i].times));
}

/* ---- the disk */

static bool measure_sync(const struct bench *b, json_t *figures)
{
  char path[320];
  uint8_t block[4096] = {0};
  enum { TIMES = 200 };
  double wall[TIMES], before = cpu_now();
  snprintf(path, sizeof path, "%s/sync", b->folder);
  int fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  bool good = fd >= 0;
  for (int i = 0; good && i < TIMES; i++) {
    double began = bench_now();
    good = write(fd, block, sizeof block) == (ssize_t)sizeof block && fdatasync(fd) == 0;
    wall[i] = bench_now() - began;
  }
  if (fd >= 0)
    close(fd);
  for (int i = 1; good && i < TIMES; i++) /* by insertion: the median */
    for (int j = i; j > 0 && wall[j] < wall[j - 1]; j--) {
      double t = wall[j];
      wall[j] = wall[j - 1];
      wall[j - 1] = t;
    }
  if (good) {
    put(figures, "append_sync_wall", 1e6 * wall[TIMES / 2]);
    put(figures, "append_sync", 1e6 * (cpu_now() - before) / TIMES);
  }
  return good;
}

static bool run_sql(sqlite3 *db, const char *sql)
{
  return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool fill_rows(sqlite3 *db, const uint8_t *blob, int size)
{
  sqlite3_stmt *s = NULL;
  bool good = sqlite3_prepare_v2(db, "INSERT INTO t VALUES (?,?)", -1, &s, NULL) == SQLITE_OK;
  for (int i = 0; good && i < ROWS; i++) {
    if (i % GROUP == 0)
      good = run_sql(db, "BEGIN IMMEDIATE");
    sqlite3_bind_int(s, 1, i);
    sqlite3_bind_blob(s, 2, blob, size, SQLITE_STATIC);
    good = good && sqlite3_step(s) == SQLITE_DONE && sqlite3_reset(s) == SQLITE_OK;
    if (i % GROUP == GROUP - 1)
      good = good && run_sql(db, "COMMIT");
  }
  sqlite3_finalize(s);
  return good;
}

static bool measure_sqlite(const struct bench *b, json_t *figures)
{
  static const struct {
    const char *name, *wall;
    int size;
  } kinds[] = {{"sqlite_row_1kib", "sqlite_row_1kib_wall", KIB}, {"sqlite_row_100b", "sqlite_row_100b_wall", 100}};
  char path[320];
  uint8_t blob[KIB] = {1};
  sqlite3 *db = NULL;
  snprintf(path, sizeof path, "%s/floor.db", b->folder);
  bool good = sqlite3_open(path, &db) == SQLITE_OK && run_sql(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA locking_mode=EXCLUSIVE;");
  for (size_t i = 0; good && i < sizeof kinds / sizeof *kinds; i++) {
    good = run_sql(db, "DROP TABLE IF EXISTS t; CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB)");
    double wall = bench_now(), cpu = cpu_now();
    good = good && fill_rows(db, blob, kinds[i].size);
    put(figures, kinds[i].name, 1e6 * (cpu_now() - cpu) / ROWS);
    put(figures, kinds[i].wall, 1e6 * (bench_now() - wall) / ROWS);
  }
  sqlite3_close(db);
  return good;
}

/* ---- ZeroMQ with CURVE on loopback, both ends in this process */

struct mouth {
  void *socket;
  size_t size;
  int count;
};

static void *talk(void *arg)
{
  struct mouth *m = arg;
  char *bytes = calloc(1, m->size);
  for (int i = 0; bytes && i < m->count; i++)
    zmq_send(m->socket, bytes, m->size, 0);
  free(bytes);
  return NULL;
}

static bool curve(void *socket, bool server, const char *pk, const char *sk, const char *server_pk)
{
  int yes = 1, wait = 20000;
  return zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, pk, 40) == 0 && zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, sk, 40) == 0 &&
         zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait, sizeof wait) == 0 && zmq_setsockopt(socket, ZMQ_SNDTIMEO, &wait, sizeof wait) == 0 &&
         (server ? zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &yes, sizeof yes) == 0 : zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_pk, 40) == 0);
}

/* Processor and wall time per message of both ends together, in µs. */
static bool carry(size_t size, int count, double *ret_cpu, double *ret_wall)
{
  char pk[41], sk[41], endpoint[128];
  size_t n = sizeof endpoint;
  zmq_msg_t got;
  pthread_t thread;
  void *zmq = zmq_ctx_new(), *in = zmq_socket(zmq, ZMQ_PULL), *out = zmq_socket(zmq, ZMQ_PUSH);
  bool good = in && out && zmq_curve_keypair(pk, sk) == 0 && curve(in, true, pk, sk, NULL) && curve(out, false, pk, sk, pk) &&
              zmq_bind(in, "tcp://127.0.0.1:*") == 0 && zmq_getsockopt(in, ZMQ_LAST_ENDPOINT, endpoint, &n) == 0 && zmq_connect(out, endpoint) == 0;
  struct mouth m = {out, size, count};
  double cpu = cpu_now(), wall = bench_now();
  bool talking = good && pthread_create(&thread, NULL, talk, &m) == 0;
  zmq_msg_init(&got);
  for (int i = 0; talking && good && i < count; i++)
    good = zmq_msg_recv(&got, in, 0) == (int)size;
  zmq_msg_close(&got);
  if (talking)
    pthread_join(thread, NULL);
  *ret_cpu = 1e6 * (cpu_now() - cpu) / count;
  *ret_wall = 1e6 * (bench_now() - wall) / count;
  zmq_close(in);
  zmq_close(out);
  zmq_ctx_term(zmq);
  return good && talking;
}

static bool measure_curve(json_t *figures)
{
  double cpu, wall;
  if (!carry(KIB, MESSAGES, &cpu, &wall))
    return false;
  put(figures, "curve_1kib_message", cpu / 2);
  put(figures, "curve_1kib_message_wall", wall);
  if (!carry(FRAME, FRAMES, &cpu, &wall))
    return false;
  put(figures, "curve_per_kib", cpu / 2 / (FRAME / KIB));
  return true;
}

/* ---- together */

json_t *work_floors(struct bench *b)
{
  json_t *figures = json_object();
  measure_crypto(figures);
  if (measure_sync(b, figures) && measure_sqlite(b, figures) && measure_curve(figures))
    return json_pack("[{s:s,s:s,s:o}]", "work", "floors", "what", "processor time of one end, in microseconds; _wall: waiting included; rows in groups of 64", "figures", figures);
  json_decref(figures);
  return bench_fails("floors", "the disk, SQLite or ZeroMQ did not do as asked");
}

static double figure(const struct bench *b, const char *name)
{
  return json_number_value(json_object_get(json_object_get(b->floors, "figures"), name));
}

void floors_compare(struct bench *b, json_t *row)
{
  static const char *const hub[] = {"hub.core", "hub.front", "hub.signer", "hub.parent"};
  if (!b->floors) {
    json_t *rows = work_floors(b);
    b->floors = json_incref(json_array_get(rows, 0));
    json_decref(rows);
  }
  double batch = json_number_value(json_object_get(row, "batch")), readers = json_number_value(json_object_get(row, "readers"));
  double wire = json_number_value(json_object_get(row, "wire_bytes")), submit = json_number_value(json_object_get(row, "submit_bytes")), hub_us = 0;
  /* Per bulletin: one batch signature of the originator and one per reader and batch, two checkpoints signed per batch; every byte submitted hashed once,
     and eight tree nodes or leaves, eight more per reader; a row for the bulletin, two small ones, and four small ones per reader (queued, removed, receipt in, receipt out); three
     commits per batch; every byte on the wire enciphered or deciphered once by the hub. */
  const struct {
    const char *name;
    double us;
  } part[] = {{"verify", (1 + readers) / batch * figure(b, "verify")},
              {"sign", 2 / batch * figure(b, "sign")},
              {"hash", submit / 1024 * figure(b, "sha256_1kib") + (8 + 8 * readers) * figure(b, "sha256_node")},
              {"rows", figure(b, "sqlite_row_1kib") + (2 + 4 * readers) * figure(b, "sqlite_row_100b")},
              {"sync", 3 / batch * figure(b, "append_sync")},
              {"curve", wire / 1024 * figure(b, "curve_per_kib")}};
  double sum = 0;
  json_t *parts = json_object(), *cpu = json_object_get(row, "cpu_us");
  for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
    sum += part[i].us;
    put(parts, part[i].name, part[i].us);
  }
  for (size_t i = 0; i < sizeof hub / sizeof *hub; i++)
    hub_us += json_number_value(json_object_get(cpu, hub[i]));
  put(parts, "sum", sum);
  json_object_set_new(row, "floor_us", parts);
  json_object_set_new(row, "hub_us", json_real(hub_us));
  json_object_set_new(row, "floor_ratio", json_real(hub_us / sum));
}
