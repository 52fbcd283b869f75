/* The hub's store: what is committed is there after a crash, what is not is not; nothing is counted twice. */
#include "broker/store_body.h"
#include "broker/store_bulletin.h"
#include "broker/store_document.h"
#include "broker/store_inside.h"
#include "broker/store_schema.h"
#include "proto/body.h"
#include "proto/hash.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
  char folder[64], database[96], bodies[96];
  struct store *store;
  struct arena *arena;
};

static void reopen(struct place *p)
{
  struct tg_why why = {0};
  store_close(&p->store);
  assert_int_equal(
      store_open(&(struct store_options){.database = p->database, .bodies = p->bodies}, &p->store, &why), TG_OK);
}

static int set_up(void **state)
{
  struct place *p = calloc(1, sizeof *p);
  strcpy(p->folder, "/tmp/toguna-store-XXXXXX");
  assert_non_null(mkdtemp(p->folder));
  snprintf(p->database, sizeof p->database, "%s/hub.db", p->folder);
  snprintf(p->bodies, sizeof p->bodies, "%s/bodies", p->folder);
  assert_int_equal(mkdir(p->bodies, 0700), 0);
  p->arena = arena_new(16u << 20);
  reopen(p);
  *state = p;
  return 0;
}

static size_t files(const struct place *p)
{
  size_t n = 0;
  DIR *dir = opendir(p->bodies);
  for (struct dirent *d; (d = readdir(dir));)
    n += d->d_name[0] != '.';
  closedir(dir);
  return n;
}

static int tear_down(void **state)
{
  struct place *p = *state;
  char command[96];
  store_close(&p->store);
  arena_free(p->arena);
  snprintf(command, sizeof command, "rm -rf %s", p->folder);
  assert_int_equal(system(command), 0);
  free(p);
  return 0;
}

static struct hash id_of(unsigned n)
{
  struct hash h = {{0}};
  h.b[0] = (uint8_t)n;
  h.b[31] = 1;
  return h;
}

static struct sign_pk key_of(unsigned n)
{
  struct sign_pk k = {{0}};
  k.b[0] = (uint8_t)n;
  return k;
}

static struct store_bulletin bulletin_of(unsigned n, nodeno originator)
{
  return (struct store_bulletin){.leaf = n, .id = id_of(n), .originator = originator, .member = "ML", .number = n,
                                 .accepted = true, .rank = n % 4, .kind = 1, .created = 1000, .expires = 5000 + n,
                                 .bytes = 100};
}

/* Puts bulletin n for two recipients, with their rows. */
static void put(struct place *p, unsigned n, nodeno a, nodeno b)
{
  struct store_bulletin bulletin = bulletin_of(n, 1);
  const struct store_recipient to[] = {{a, 1}, {b, 3}};
  const struct store_memory memory = {.until = 9000, .content = slice_str("content"), .decision = slice_str("decision")};
  assert_int_equal(store_bulletin_put(p->store, &bulletin, &memory, to, 2), TG_OK);
  for (size_t i = 0; i < 2; i++) {
    const struct store_row row = {.node = to[i].node, .leaf = n, .rank = bulletin.rank, .portions = to[i].portions,
                                  .bytes = 100, .wrap_index = i, .wrap = slice_str("wrap"), .wrap_path = {0}};
    assert_int_equal(store_row_put(p->store, &row), TG_OK);
  }
}

static void commit(struct place *p)
{
  struct tg_why why = {0};
  assert_int_equal(store_commit(p->store, &why), TG_OK);
}

static void begin(struct place *p)
{
  struct tg_why why = {0};
  assert_int_equal(store_begin(p->store, &why), TG_OK);
}

static void test_uncommitted_is_gone(void **state)
{
  struct place *p = *state;
  nodeno a, b, again;
  const struct sign_pk ka = key_of(1), kb = key_of(2);
  begin(p);
  assert_int_equal(store_node(p->store, &ka, &a), TG_OK);
  assert_int_equal(store_node(p->store, &kb, &b), TG_OK);
  put(p, 7, a, b);
  commit(p);
  begin(p);
  put(p, 8, a, b);
  reopen(p);
  struct store_bulletin found;
  assert_int_equal(store_bulletin(p->store, 7, &found), TG_OK);
  assert_int_equal(found.number, 7);
  assert_int_equal(found.expires, 5007);
  assert_memory_equal(found.member, "ML", 2);
  assert_int_equal(store_bulletin(p->store, 8, &found), TG_NOT_FOUND);
  struct hash id = id_of(7);
  assert_int_equal(store_bulletin_by_id(p->store, &id, &found), TG_OK);
  assert_int_equal(store_bulletin_by_number(p->store, 1, 7, &found), TG_OK);
  assert_int_equal(store_bulletin_by_number(p->store, 2, 7, &found), TG_NOT_FOUND);
  assert_int_equal(store_node(p->store, &ka, &again), TG_OK);
  assert_int_equal(again, a);
  struct store_node_state node;
  assert_int_equal(store_node_state(p->store, a, &node), TG_OK);
  assert_int_equal(node.last_number, 7);
  struct store_recipient *to;
  size_t n;
  assert_int_equal(store_bulletin_recipients(p->store, 7, p->arena, &to, &n), TG_OK);
  assert_int_equal(n, 2);
  assert_int_equal(to[1].node, b);
  assert_int_equal(to[1].portions, 3);
}

static void test_one_number_one_bulletin(void **state)
{
  struct place *p = *state;
  begin(p);
  put(p, 3, 1, 2);
  struct store_bulletin other = bulletin_of(4, 1);
  other.number = 3;
  const struct store_memory memory = {.until = 1};
  assert_int_equal(store_bulletin_put(p->store, &other, &memory, NULL, 0), TG_DUPLICATE);
  other = bulletin_of(5, 1);
  other.id = id_of(3);
  assert_int_equal(store_bulletin_put(p->store, &other, &memory, NULL, 0), TG_DUPLICATE);
}

/* An id like those of headers: anything. */
static struct hash any_id(unsigned n)
{
  return hash_plain(slice_of(&n, sizeof n));
}

static void put_any(struct place *p, unsigned n, enum tg_err expected)
{
  struct store_bulletin b = bulletin_of(n, 1);
  const struct store_memory memory = {.until = 9000};
  b.id = any_id(n);
  b.accepted = false;
  assert_int_equal(store_bulletin_put(p->store, &b, &memory, NULL, 0), expected);
}

static void expect_ids(struct place *p, unsigned from, unsigned to)
{
  for (unsigned n = from; n < to; n++) {
    const struct hash id = any_id(n);
    struct store_bulletin b = {0};
    assert_int_equal(store_bulletin_by_id(p->store, &id, &b), TG_OK);
    assert_int_equal(b.leaf, n);
    assert_true(hash_eq(&b.id, &id));
  }
}

static uint64_t ids_in_table(struct place *p)
{
  struct db *db;
  struct tg_why why = {0};
  store_close(&p->store);
  const struct db_options o = {.path = p->database, .application_id = STORE_APPLICATION_ID, .migrations = STORE_MIGRATIONS,
                               .n_migrations = STORE_MIGRATION_COUNT};
  assert_int_equal(db_open(&o, &db, &why), TG_OK);
  struct db_stmt *s = db_stmt(db, "SELECT count(*) FROM id_place");
  bool row;
  assert_int_equal(db_step(s, &row), TG_OK);
  const uint64_t n = db_u64(s, 0);
  db_reset(s);
  db_close(&db);
  reopen(p);
  return n;
}

/* Whether an id is in memory, in the table, or was read back at the start: it is found, and is nobody else's. */
static void test_ids_of_late_and_of_old(void **state)
{
  struct place *p = *state;
  enum { FEW = 1000, MANY = STORE_IDS_LATE + 5000, MORE = MANY + 3000, GROUP = 1000 };
  const struct sign_pk k = key_of(1);
  nodeno one;
  begin(p);
  assert_int_equal(store_node(p->store, &k, &one), TG_OK);
  assert_int_equal(one, 1);
  for (unsigned n = 1; n < MORE; n++) {
    put_any(p, n, TG_OK);
    if (n % GROUP == 0) {
      commit(p);
      if (n == FEW) {
        reopen(p);
        expect_ids(p, 1, FEW + 1);
        assert_int_equal(ids_in_table(p), 0);
      }
      if (n == MANY / GROUP * GROUP) {
        const uint64_t moved = ids_in_table(p);
        assert_true(moved >= n - STORE_IDS_LATE && moved < n / 2);
      }
      begin(p);
    }
  }
  expect_ids(p, 1, MORE);
  commit(p);
  reopen(p);
  expect_ids(p, 1, MORE);
  begin(p);
  for (unsigned n = 1; n < MORE; n += 7) /* used again with a number that is taken: found in memory or in the table */
    put_any(p, n, TG_DUPLICATE);
  const struct hash nobody = any_id(MORE + 1);
  struct store_bulletin b;
  assert_int_equal(store_bulletin_by_id(p->store, &nobody, &b), TG_NOT_FOUND);
}

/* Ids that begin alike, as far as the table looks. */
static void test_ids_that_begin_alike(void **state)
{
  struct place *p = *state;
  struct store_bulletin b = bulletin_of(1, 1), found;
  const struct store_memory memory = {.until = 9000};
  begin(p);
  for (unsigned n = 1; n <= 3; n++) {
    b = bulletin_of(n, 1);
    b.id = id_of(9);
    b.id.b[20] = (uint8_t)n;
    assert_int_equal(store_bulletin_put(p->store, &b, &memory, NULL, 0), TG_OK);
  }
  for (unsigned n = 4; n < STORE_IDS_LATE + 3000; n++) /* so many that the first twenty slices go, in this commit */
    put_any(p, n, TG_OK);
  commit(p);
  assert_true(ids_in_table(p) > 20 * STORE_IDS_LATE / 256);
  for (unsigned n = 1; n <= 3; n++) {
    struct hash id = id_of(9);
    id.b[20] = (uint8_t)n;
    assert_int_equal(store_bulletin_by_id(p->store, &id, &found), TG_OK);
    assert_int_equal(found.leaf, n);
  }
  struct hash id = id_of(9);
  assert_int_equal(store_bulletin_by_id(p->store, &id, &found), TG_NOT_FOUND);
}

static void test_queue_in_order_and_tallied(void **state)
{
  struct place *p = *state;
  begin(p);
  for (unsigned n = 0; n < 40; n++)
    put(p, n, 10, 11);
  commit(p);
  reopen(p);
  begin(p);
  struct store_tally t;
  assert_int_equal(store_tally(p->store, 10, &t), TG_OK);
  for (unsigned rank = 0; rank < 4; rank++) {
    assert_int_equal(t.count[rank], 10);
    assert_int_equal(t.bytes[rank], 1000);
  }
  struct store_row row;
  uint64_t from = 0;
  for (unsigned i = 0; i < 10; i++, from = row.leaf + 1) {
    assert_int_equal(store_row_next(p->store, 10, false, 2, from, 1000, p->arena, &row), TG_OK);
    assert_int_equal(row.leaf, 2 + 4 * i);
    assert_int_equal(row.wrap.n, 4);
  }
  assert_int_equal(store_row_next(p->store, 10, false, 2, from, 1000, p->arena, &row), TG_NOT_FOUND);
  assert_int_equal(store_row_next(p->store, 10, false, 2, 0, 2, p->arena, &row), TG_NOT_FOUND);

  assert_int_equal(store_row_hold(p->store, 10, 2, 6, true), TG_OK);
  assert_int_equal(store_row_next(p->store, 10, false, 2, 3, 1000, p->arena, &row), TG_OK);
  assert_int_equal(row.leaf, 10);
  assert_int_equal(store_row_next(p->store, 10, true, 2, 0, 1000, p->arena, &row), TG_OK);
  assert_int_equal(row.leaf, 6);
  assert_int_equal(store_tally(p->store, 10, &t), TG_OK);
  assert_int_equal(t.count[2], 10);
  assert_int_equal(t.held[2], 1);
  bool removed = false;
  assert_int_equal(store_row_remove(p->store, 10, 2, 6, &removed), TG_OK);
  assert_true(removed);
  assert_int_equal(store_row_remove(p->store, 10, 2, 6, &removed), TG_OK);
  assert_false(removed);
  assert_int_equal(store_tally(p->store, 10, &t), TG_OK);
  assert_int_equal(t.count[2], 9);
  assert_int_equal(t.held[2], 0);
  assert_int_equal(store_tally_all(p->store, &t), TG_OK);
  assert_int_equal(t.count[0] + t.count[1] + t.count[2] + t.count[3], 79);
}

/* n rows of rank 0 at leaves 4, 8, 12 …, for nodes 10 and 11. */
static void put_rank(struct place *p, unsigned n)
{
  for (unsigned i = 1; i <= n; i++) {
    struct store_bulletin b = bulletin_of(4 * i, 1);
    const struct store_recipient to[] = {{10, 1}, {11, 1}};
    const struct store_memory memory = {.until = 9000};
    b.id = any_id(i);
    assert_int_equal(store_bulletin_put(p->store, &b, &memory, to, 2), TG_OK);
    for (nodeno node = 10; node <= 11; node++) {
      const struct store_row row = {.node = node, .leaf = 4 * i, .portions = 1, .bytes = i, .wrap = slice_str("wrap")};
      assert_int_equal(store_row_put(p->store, &row), TG_OK);
    }
  }
}

static void expect_queue(struct place *p, nodeno node, uint64_t rows, uint64_t bytes, uint64_t held, uint64_t first)
{
  struct store_tally t;
  struct store_row row;
  assert_int_equal(store_tally(p->store, node, &t), TG_OK);
  assert_int_equal(t.count[0], rows);
  assert_int_equal(t.bytes[0], bytes);
  assert_int_equal(t.held[0], held);
  assert_int_equal(store_row_next(p->store, node, false, 0, 0, 100000, p->arena, &row), rows > held ? TG_OK : TG_NOT_FOUND);
  if (rows > held)
    assert_int_equal(row.leaf, first);
}

/* Rows that go together are exactly those that were named, whatever else lies between or is gone already. */
static void test_rows_go_together(void **state)
{
  enum { N = 600 };
  struct place *p = *state;
  uint64_t leaf[N];
  uint64_t bytes = N * (N + 1) / 2, rows, own;
  begin(p);
  put_rank(p, N);
  assert_int_equal(store_share(p->store, 10, "ML", &own, &rows), TG_OK); /* counted from here on */
  for (unsigned i = 0; i < N; i++)
    leaf[i] = 4 * (i + 1);
  /* Two of three that stand there: the one between them stays. */
  assert_int_equal(store_rows_remove(p->store, 10, 0, (const uint64_t[]){4, 12}, 2), TG_OK);
  expect_queue(p, 10, N - 2, bytes - 1 - 3, 0, 8);
  /* One of them is gone, one is held, one was never there. */
  assert_int_equal(store_row_hold(p->store, 10, 0, 20, true), TG_OK);
  assert_int_equal(store_rows_remove(p->store, 10, 0, (const uint64_t[]){8, 12, 16, 17, 20}, 5), TG_OK);
  expect_queue(p, 10, N - 5, bytes - 15, 0, 24);
  /* As many as were named, but not those. */
  assert_int_equal(store_rows_remove(p->store, 10, 0, (const uint64_t[]){24, 25, 32}, 3), TG_OK);
  expect_queue(p, 10, N - 7, bytes - 15 - 6 - 8, 0, 28);
  assert_int_equal(store_rows_remove(p->store, 10, 0, (const uint64_t[]){28, 36}, 2), TG_OK);
  assert_int_equal(store_rows_remove(p->store, 10, 0, leaf + 9, 0), TG_OK);
  expect_queue(p, 10, N - 9, bytes - 45, 0, 40);
  /* In one stretch, more than go at once. */
  assert_int_equal(store_rows_remove(p->store, 10, 0, leaf + 9, N - 10), TG_OK);
  expect_queue(p, 10, 1, N, 0, 4 * N);
  assert_int_equal(store_share(p->store, 10, "ML", &rows, &own), TG_OK);
  assert_int_equal(rows, 1);
  assert_int_equal(own, N);
  expect_queue(p, 11, N, bytes, 0, 4);
  assert_int_equal(store_rows_remove(p->store, 11, 1, leaf, N), TG_OK); /* of another rank */
  expect_queue(p, 11, N, bytes, 0, 4);
  assert_int_equal(store_rows_remove(p->store, 11, 0, leaf, N), TG_OK);
  expect_queue(p, 11, 0, 0, 0, 0);
  struct store_awaited left;
  commit(p);
  reopen(p);
  assert_int_equal(store_awaited_next(p->store, 0, &left), TG_OK); /* the one that node 10 still waits for */
  assert_int_equal(left.leaf, 4 * N);
  assert_int_equal(left.rows, 1);
  assert_int_equal(store_awaited_next(p->store, 4 * N + 1, &left), TG_NOT_FOUND);
}

static void test_bodies_go_with_the_last_row(void **state)
{
  struct place *p = *state;
  struct hash id = id_of(1);
  static uint8_t chunk[BODY_SEALED];
  struct slice got;
  uint64_t chunks, bytes;
  begin(p);
  put(p, 1, 10, 11);
  assert_int_equal(store_body_put(p->store, 1, 0, slice_str("sealed")), TG_OK);
  for (uint64_t c = 0; c < 3; c++) {
    memset(chunk, (int)c, sizeof chunk);
    assert_int_equal(store_file_append(p->store, &id, 1, c, slice_of(chunk, c < 2 ? sizeof chunk : 100)), TG_OK);
  }
  commit(p);
  reopen(p);
  begin(p);
  assert_int_equal(store_member_bytes(p->store, "ML", &bytes), TG_OK);
  assert_int_equal(bytes, 100);
  assert_int_equal(store_body(p->store, 1, 0, p->arena, &got), TG_OK);
  assert_true(slice_is(got, "sealed"));
  assert_int_equal(store_body(p->store, 1, 1, p->arena, &got), TG_NOT_FOUND);
  assert_int_equal(store_file_chunks(p->store, &id, 1, &chunks), TG_OK);
  assert_int_equal(chunks, 3);
  assert_int_equal(store_file_chunk(p->store, &id, 1, 2, 100, p->arena, &got), TG_OK);
  assert_int_equal(got.p[99], 2);
  assert_int_equal(files(p), 1);

  assert_int_equal(store_row_remove(p->store, 10, 1, 1, NULL), TG_OK);
  assert_int_equal(store_body(p->store, 1, 0, p->arena, &got), TG_OK);
  assert_int_equal(store_row_remove(p->store, 11, 1, 1, NULL), TG_OK);
  assert_int_equal(store_body(p->store, 1, 0, p->arena, &got), TG_NOT_FOUND);
  assert_int_equal(store_member_bytes(p->store, "ML", &bytes), TG_OK);
  assert_int_equal(bytes, 0);
  assert_int_equal(files(p), 1); /* not before the commit */
  commit(p);
  assert_int_equal(files(p), 0);
  assert_int_equal(store_bulletin_content(p->store, 1, p->arena, &got), TG_OK);
  assert_true(slice_is(got, "content")); /* still remembered */
  bool more;
  begin(p);
  assert_int_equal(store_bulletins_forget(p->store, TG_HOUR - 2, &more), TG_OK);
  assert_false(more);
  assert_int_equal(store_bulletin_decision(p->store, 1, p->arena, &got), TG_OK);
  assert_true(slice_is(got, "decision"));
  assert_int_equal(store_bulletins_forget(p->store, TG_HOUR - 1, &more), TG_OK);
  assert_int_equal(store_bulletin_decision(p->store, 1, p->arena, &got), TG_OK);
  assert_int_equal(got.n, 0);
}

static void test_uncommitted_chunks_do_not_count(void **state)
{
  struct place *p = *state;
  struct hash id = id_of(1);
  static uint8_t chunk[BODY_SEALED];
  uint64_t chunks;
  begin(p);
  assert_int_equal(store_file_append(p->store, &id, 0, 0, slice_of(chunk, sizeof chunk)), TG_OK);
  commit(p);
  begin(p);
  assert_int_equal(store_file_append(p->store, &id, 0, 1, slice_of(chunk, sizeof chunk)), TG_OK);
  reopen(p);
  assert_int_equal(store_file_chunks(p->store, &id, 0, &chunks), TG_OK);
  assert_int_equal(chunks, 1);
  begin(p);
  assert_int_equal(store_file_remove_all(p->store, &id), TG_OK);
  assert_int_equal(store_file_append(p->store, &id, 0, 0, slice_of(chunk, 10)), TG_OK);
  commit(p);
  assert_int_equal(files(p), 1); /* in use again: it stays */
}

static void test_expiry_comes_in_order(void **state)
{
  struct place *p = *state;
  uint64_t leaf;
  begin(p);
  put(p, 5, 10, 11);
  put(p, 4, 10, 11);
  assert_int_equal(store_bulletin_expiring(p->store, 5003, &leaf), TG_NOT_FOUND);
  assert_int_equal(store_bulletin_expiring(p->store, 6000, &leaf), TG_OK);
  assert_int_equal(leaf, 4);
  assert_int_equal(store_bulletin_drop(p->store, 4), TG_OK);
  assert_int_equal(store_bulletin_expiring(p->store, 6000, &leaf), TG_OK);
  assert_int_equal(leaf, 5);
}

static unsigned terms_asked;
enum tg_err __real_store_term_next(struct store *store, enum store_term_kind kind, tg_time until, struct store_term *at);
enum tg_err __wrap_store_term_next(struct store *store, enum store_term_kind kind, tg_time until, struct store_term *at);
enum tg_err __wrap_store_term_next(struct store *store, enum store_term_kind kind, tg_time until, struct store_term *at)
{
  terms_asked++;
  return __real_store_term_next(store, kind, until, at);
}

/* Whoever has many bulletins end in the same seconds does not make each of them as dear as all. */
static void test_much_that_ends_at_once_is_looked_for_once(void **state)
{
  enum { BLOCKS = 60, BLOCK = 256, ENDS = 1000, STILL = 7000 /* in the same stretch */ };
  struct place *p = *state;
  const struct store_recipient to[] = {{10, 1}};
  uint64_t leaf;
  begin(p);
  for (unsigned n = 0; n < 2 * BLOCKS; n++) {
    struct store_bulletin b = bulletin_of(n / 2 * BLOCK + n % 2, 1);
    const struct store_memory memory = {.until = 9000};
    b.number = n + 1;
    memcpy(b.id.b, &n, sizeof n);
    b.expires = n % 2 ? STILL : ENDS;
    assert_int_equal(store_bulletin_put(p->store, &b, &memory, to, 1), TG_OK);
  }
  terms_asked = 0;
  for (unsigned n = 0; n < BLOCKS; n++) {
    assert_int_equal(store_bulletin_expiring(p->store, ENDS + n, &leaf), TG_OK); /* time passes meanwhile */
    assert_int_equal(store_bulletin_drop(p->store, leaf), TG_OK);
  }
  assert_int_equal(store_bulletin_expiring(p->store, ENDS + BLOCKS, &leaf), TG_NOT_FOUND);
  assert_in_range(terms_asked, BLOCKS, 3 * BLOCKS);
  for (unsigned n = 0; n < BLOCKS; n++) {
    assert_int_equal(store_bulletin_expiring(p->store, STILL, &leaf), TG_OK);
    assert_int_equal(store_bulletin_drop(p->store, leaf), TG_OK);
  }
  assert_int_equal(store_bulletin_expiring(p->store, STILL, &leaf), TG_NOT_FOUND);
}

/* Terms of any length, in any order, some of them the same, over several blocks: each is found in its time, once, and after a restart too. */
static void test_each_has_its_term(void **state)
{
  enum { N = 700, STEP = 1700 };
  struct place *p = *state;
  static struct store_bulletin b[N];
  const struct store_recipient to[] = {{10, 1}};
  const struct sign_pk key = key_of(1);
  nodeno node;
  size_t expired = 0, remembered = N;
  begin(p);
  assert_int_equal(store_node(p->store, &key, &node), TG_OK);
  for (unsigned n = 0; n < N; n++) {
    b[n] = bulletin_of(n, node);
    b[n].number = n + 1;
    b[n].id.b[1] = (uint8_t)(n >> 8);
    b[n].expires = 1000 + (n * 7919U % 61) * 997;
    const struct store_memory memory = {.until = b[n].expires + (tg_time)(n % 5) * TG_HOUR, .content = slice_str("content")};
    assert_int_equal(store_bulletin_put(p->store, &b[n], &memory, to, 1), TG_OK);
    if (n % 100 == 49) {
      commit(p);
      reopen(p);
      begin(p);
    }
  }
  for (tg_time now = 0; now < 65000; now += STEP) {
    uint64_t leaf;
    enum tg_err err;
    while ((err = store_bulletin_expiring(p->store, now, &leaf)) == TG_OK) {
      assert_true(leaf < N && b[leaf].accepted && b[leaf].expires <= now && b[leaf].expires > now - STEP);
      b[leaf].accepted = false; /* seen */
      assert_int_equal(store_bulletin_drop(p->store, leaf), TG_OK);
      expired++;
    }
    assert_int_equal(err, TG_NOT_FOUND);
    for (unsigned n = 0; n < N; n++)
      assert_true(!b[n].accepted || b[n].expires > now);
  }
  assert_int_equal(expired, N);
  for (tg_time now = TG_HOUR - 1; remembered; now += TG_HOUR) {
    bool more = true;
    assert_true(now < 7 * TG_HOUR);
    while (more)
      assert_int_equal(store_bulletins_forget(p->store, now, &more), TG_OK);
    remembered = 0;
    for (unsigned n = 0; n < N; n++) {
      struct slice content;
      arena_reset(p->arena);
      assert_int_equal(store_bulletin_content(p->store, n, p->arena, &content), TG_OK);
      assert_int_equal(content.n != 0, b[n].expires + (tg_time)(n % 5) * TG_HOUR > now);
      remembered += content.n != 0;
    }
  }
  /* A term that was over and is used again. */
  uint64_t leaf;
  struct store_bulletin late = bulletin_of(N, node);
  late.number = N + 1;
  late.id.b[1] = 77;
  late.expires = b[N - 1].expires;
  const struct store_memory memory = {.until = 9000};
  assert_int_equal(store_bulletin_put(p->store, &late, &memory, to, 1), TG_OK);
  assert_int_equal(store_bulletin_expiring(p->store, 65000, &leaf), TG_OK);
  assert_int_equal(leaf, N);
}

/* Those that nobody awaits any more go together with their bodies, and nothing that stands between them. */
static void test_what_is_dropped_together(void **state)
{
  enum { N = 40 };
  struct place *p = *state;
  uint64_t mine[N / 2], all[N], bytes;
  struct slice got;
  begin(p);
  for (unsigned n = 0; n < N; n++) {
    /* Node 10 is given all of them, node 11 the first half, and 12 none. */
    struct store_bulletin b = bulletin_of(100 + n, 1);
    const struct store_memory memory = {.until = 9000, .content = slice_str("content")};
    const struct store_recipient to[] = {{10, 1}, {11, 1}};
    b.rank = 0;
    assert_int_equal(store_bulletin_put(p->store, &b, &memory, to, n < N / 2 ? 2 : 1), TG_OK);
    for (nodeno node = 10; node <= (n < N / 2 ? 11 : 10); node++) {
      const struct store_row row = {.node = node, .leaf = b.leaf, .portions = 1, .bytes = 100, .wrap = slice_str("wrap")};
      assert_int_equal(store_row_put(p->store, &row), TG_OK);
    }
    for (unsigned portion = 0; portion < 16; portion += 15)
      assert_int_equal(store_body_put(p->store, b.leaf, portion, slice_str("sealed")), TG_OK);
    all[n] = b.leaf;
  }
  commit(p);
  begin(p);
  /* Node 11 has the odd ones of its half, node 10 all: odd ones of the first half go, even ones stay between them. */
  for (unsigned i = 0; i < N / 4; i++)
    mine[i] = all[2 * i + 1];
  assert_int_equal(store_rows_remove(p->store, 11, 0, mine, N / 4), TG_OK);
  assert_int_equal(store_rows_remove(p->store, 10, 0, all, N), TG_OK);
  for (unsigned round = 0; round < 2; round++) {
    for (unsigned n = 0; n < N; n++)
      for (unsigned portion = 0; portion < 16; portion += 15)
        assert_int_equal(store_body(p->store, all[n], portion, p->arena, &got), n < N / 2 && n % 2 == 0 ? TG_OK : TG_NOT_FOUND);
    assert_int_equal(store_member_bytes(p->store, "ML", &bytes), TG_OK);
    assert_int_equal(bytes, 100 * N / 4);
    uint64_t from = 0, left = 0;
    for (struct store_awaited a; store_awaited_next(p->store, from, &a) == TG_OK; from = a.leaf + 1, left++)
      assert_int_equal(a.leaf, all[2 * left]);
    assert_int_equal(left, N / 4);
    commit(p);
    reopen(p);
    begin(p);
  }
  /* The rest, once more those that are gone already: each gives back its bytes once. */
  assert_int_equal(store_bulletins_drop(p->store, all, N), TG_OK);
  assert_int_equal(store_bulletins_drop(p->store, all, N), TG_OK);
  assert_int_equal(store_member_bytes(p->store, "ML", &bytes), TG_OK);
  assert_int_equal(bytes, 0);
}

static void test_documents_and_notes(void **state)
{
  struct place *p = *state;
  struct store_document d = {.kind = 2, .hash = id_of(1), .content = slice_str("note"), .leaf = 3, .accepted = 77};
  uint64_t first, second, last;
  begin(p);
  assert_int_equal(store_document_last(p->store, &last), TG_OK);
  assert_int_equal(last, 0);
  assert_int_equal(store_document_put(p->store, &d, &first), TG_OK);
  assert_int_equal(store_document_put(p->store, &d, &second), TG_DUPLICATE);
  d.hash = id_of(2);
  assert_int_equal(store_document_put(p->store, &d, &second), TG_OK);
  assert_true(second > first);
  struct store_document got;
  assert_int_equal(store_document_next(p->store, first, p->arena, &got), TG_OK);
  assert_int_equal(got.sequence, second);
  assert_int_equal(got.accepted, 77);
  assert_int_equal(store_document_drop(p->store, &d.hash), TG_OK);
  assert_int_equal(store_document_next(p->store, first, p->arena, &got), TG_NOT_FOUND);
  assert_int_equal(store_document_last(p->store, &last), TG_OK);
  assert_int_equal(last, second); /* never given again */

  nodeno node;
  const struct sign_pk key = key_of(5);
  struct store_notes row;
  assert_int_equal(store_notes_put(p->store, 99, 9, (const uint16_t[]){0}, 1), TG_NOT_FOUND);
  assert_int_equal(store_node(p->store, &key, &node), TG_OK);
  const uint16_t places[] = {5, 4, 65535};
  for (uint64_t i = 0; i < 3; i++)
    assert_int_equal(store_notes_put(p->store, node, 9 + i, places, 3), TG_OK);
  assert_int_equal(store_notes_put(p->store, node, 12, NULL, 0), TG_TOO_BIG);
  for (uint64_t after = 0; after < 9; after++) {
    assert_int_equal(store_notes_next(p->store, node, after, &row), TG_OK);
    assert_int_equal(row.first, 1 + after / 3 * 3);
    assert_int_equal(row.leaf, 9 + after / 3);
    assert_int_equal(row.count, 3);
    assert_int_equal(row.place[2], 65535);
  }
  assert_int_equal(store_notes_next(p->store, node, 9, &row), TG_NOT_FOUND);
  assert_int_equal(store_notes_seen(p->store, node, 5), TG_OK); /* the second row is not all seen */
  assert_int_equal(store_notes_next(p->store, node, 0, &row), TG_OK);
  assert_int_equal(row.first, 4);
  assert_int_equal(store_notes_seen(p->store, node, 9), TG_OK);
  assert_int_equal(store_notes_next(p->store, node, 0, &row), TG_NOT_FOUND);
  assert_int_equal(store_notes_put(p->store, node, 20, places, 2), TG_OK);
  assert_int_equal(store_notes_next(p->store, node, 0, &row), TG_OK);
  assert_int_equal(row.first, 10);
}

/* Rows that an earlier release left in table note. */
static void test_old_notes(void **state)
{
  struct place *p = *state;
  struct store_note back;
  struct store_notes row;
  const struct sign_pk key = key_of(1);
  struct db *db;
  struct tg_why why = {0};
  nodeno node;
  begin(p);
  assert_int_equal(store_node(p->store, &key, &node), TG_OK);
  const uint16_t place = 0;
  for (uint64_t i = 0; i < 3; i++) /* sequences that those rows are given below */
    assert_int_equal(store_notes_put(p->store, node, i, &place, 1), TG_OK);
  assert_int_equal(store_notes_seen(p->store, node, 3), TG_OK);
  commit(p);
  store_close(&p->store);
  const struct db_options o = {.path = p->database, .application_id = STORE_APPLICATION_ID, .migrations = STORE_MIGRATIONS,
                               .n_migrations = STORE_MIGRATION_COUNT};
  assert_int_equal(db_open(&o, &db, &why), TG_OK);
  for (uint64_t i = 1; i <= 3; i++) {
    struct db_stmt *s = db_stmt(db, "INSERT INTO note VALUES(?1, ?2, CAST('receipt' AS BLOB), CAST('proof' AS BLOB), 9)");
    db_bind_u64(s, 1, node);
    db_bind_u64(s, 2, i);
    assert_int_equal(db_run(s), TG_OK);
  }
  db_close(&db);
  reopen(p);
  begin(p);
  assert_int_equal(store_notes_put(p->store, node, 30, &place, 1), TG_OK);
  assert_int_equal(store_notes_seen(p->store, node, 2), TG_OK);
  assert_int_equal(store_note_next(p->store, node, 0, p->arena, &back), TG_OK);
  assert_int_equal(back.sequence, 3);
  assert_true(slice_is(back.proof, "proof"));
  assert_int_equal(store_note_next(p->store, node, 3, p->arena, &back), TG_NOT_FOUND);
  assert_int_equal(store_notes_next(p->store, node, 3, &row), TG_OK);
  assert_int_equal(row.first, 4);
  assert_int_equal(store_notes_seen(p->store, node, 3), TG_OK);
  assert_int_equal(store_note_next(p->store, node, 0, p->arena, &back), TG_NOT_FOUND);
  assert_int_equal(store_notes_next(p->store, node, 0, &row), TG_OK);
  assert_int_equal(row.first, 4);
}

static void test_parked(void **state)
{
  struct place *p = *state;
  struct store_parked q = {.id = id_of(1), .originator = 4, .member = "BF", .why = PARKED_FOR_BODIES, .until = 50,
                           .bytes = 1000, .item = slice_str("item")}, got;
  uint64_t bytes, count, place;
  begin(p);
  assert_int_equal(store_parked_put(p->store, &q), TG_OK);
  assert_int_equal(store_parked_put(p->store, &q), TG_DUPLICATE);
  commit(p);
  reopen(p);
  begin(p);
  assert_int_equal(store_member_bytes(p->store, "BF", &bytes), TG_OK);
  assert_int_equal(bytes, 1000);
  assert_int_equal(store_parked_count(p->store, 4, &count), TG_OK);
  assert_int_equal(count, 1);
  assert_int_equal(store_parked_due(p->store, 49, p->arena, &got), TG_NOT_FOUND);
  assert_int_equal(store_parked_due(p->store, 50, p->arena, &got), TG_OK);
  assert_int_equal(store_parked_next(p->store, 3, 0, p->arena, &got, &place), TG_NOT_FOUND);
  assert_int_equal(store_parked_next(p->store, 4, 0, p->arena, &got, &place), TG_OK);
  assert_true(slice_is(got.item, "item"));
  assert_memory_equal(got.member, "BF", 2);
  assert_int_equal(store_parked_next(p->store, 0, place, p->arena, &got, &place), TG_NOT_FOUND);
  assert_int_equal(store_parked_remove(p->store, &q.id), TG_OK);
  assert_int_equal(store_member_bytes(p->store, "BF", &bytes), TG_OK);
  assert_int_equal(bytes, 0);
}

static void test_second_store_on_the_file(void **state)
{
  struct place *p = *state;
  struct store *second = NULL;
  struct tg_why why = {0};
  assert_int_equal(
      store_open(&(struct store_options){.database = p->database, .bodies = p->bodies}, &second, &why), TG_BUSY);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      T(test_uncommitted_is_gone),      T(test_one_number_one_bulletin),
      T(test_ids_of_late_and_of_old),   T(test_ids_that_begin_alike),
      T(test_queue_in_order_and_tallied), T(test_rows_go_together),
      T(test_bodies_go_with_the_last_row),
      T(test_uncommitted_chunks_do_not_count), T(test_expiry_comes_in_order),
      T(test_much_that_ends_at_once_is_looked_for_once),
      T(test_each_has_its_term),        T(test_what_is_dropped_together),
      T(test_documents_and_notes),      T(test_old_notes),              T(test_parked),
      T(test_second_store_on_the_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
