/* The hub's store: what is committed is there after a crash, what is not is not; nothing is counted twice. */
#include "broker/store_body.h"
#include "broker/store_bulletin.h"
#include "broker/store_document.h"
#include "proto/body.h"

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
  assert_int_equal(store_bulletins_forget(p->store, 8999, &more), TG_OK);
  assert_int_equal(store_bulletin_decision(p->store, 1, p->arena, &got), TG_OK);
  assert_true(slice_is(got, "decision"));
  assert_int_equal(store_bulletins_forget(p->store, 9000, &more), TG_OK);
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
  tg_time when;
  begin(p);
  put(p, 5, 10, 11);
  put(p, 4, 10, 11);
  assert_int_equal(store_bulletin_expiring(p->store, 5003, &leaf, &when), TG_NOT_FOUND);
  assert_int_equal(store_bulletin_expiring(p->store, 6000, &leaf, &when), TG_OK);
  assert_int_equal(leaf, 4);
  assert_int_equal(when, 5004);
  assert_int_equal(store_bulletin_drop(p->store, 4), TG_OK);
  assert_int_equal(store_bulletin_expiring(p->store, 6000, &leaf, &when), TG_OK);
  assert_int_equal(leaf, 5);
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
  const struct store_note note = {.receipt = slice_str("receipt"), .proof = slice_str("proof"), .leaf = 9};
  struct store_note back;
  assert_int_equal(store_node(p->store, &key, &node), TG_OK);
  for (int i = 0; i < 3; i++)
    assert_int_equal(store_note_put(p->store, node, &note), TG_OK);
  assert_int_equal(store_notes_seen(p->store, node, 2), TG_OK);
  assert_int_equal(store_note_next(p->store, node, 0, p->arena, &back), TG_OK);
  assert_int_equal(back.sequence, 3);
  assert_int_equal(store_note_next(p->store, node, 3, p->arena, &back), TG_NOT_FOUND);
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
      T(test_queue_in_order_and_tallied), T(test_bodies_go_with_the_last_row),
      T(test_uncommitted_chunks_do_not_count), T(test_expiry_comes_in_order),
      T(test_documents_and_notes),      T(test_parked),
      T(test_second_store_on_the_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
