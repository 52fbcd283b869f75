/* Dossiers: what belongs to an entry proves itself against it, and every bit of it that can be checked is. */
#include "tests/audit/kit.h"

#include "audit/dossier.h"
#include "audit/tile.h"
#include "keys/document.h"
#include "proto/merkle.h"

#include <string.h>

/* A dossier of receipts entry of two receipts, or of a refused bulletin with a decision; built in `store`. */
struct made {
  struct buf entry, receipts, decision;
  struct dossier d;
  struct hash leaf;
};

static void finish(struct made *m, const struct entry *e)
{
  assert_int_equal(entry_build(e, &m->entry, NULL), TG_OK);
  memset(m->d.salt, 7, sizeof m->d.salt);
  m->d.paper[DOSSIER_ENTRY] = buf_slice(&m->entry);
  m->leaf = entry_leaf(m->d.salt, m->d.paper[DOSSIER_ENTRY]);
}

static struct entry entry_of(enum entry_type type)
{
  struct entry e = {.type = type, .time = 1000, .number = 2, .member = {'M', 'L'}};
  memset(e.actor.b, 1, sizeof e.actor.b);
  memset(e.subject.b, 2, sizeof e.subject.b);
  return e;
}

static void make_receipts(struct made *m)
{
  uint8_t signature[64] = {3};
  struct hash ids[2];
  *m = (struct made){.entry = buf_new(LIMIT_ENTRY), .receipts = buf_new(4096), .decision = buf_new(4096)};
  buf_put(&m->receipts, signature, sizeof signature);
  for (unsigned i = 0; i < 2; i++) {
    struct buf bytes = buf_new(LIMIT_RECEIPT);
    struct receipt r = {.event = RECEIPT_READ, .time = 900 + i};
    memset(r.bulletin.b, 4, 32);
    memset(r.node.b, 1, 32);
    assert_int_equal(receipt_build(&r, &bytes, NULL), TG_OK);
    ids[i] = statement_id(STATEMENT_RECEIPT, buf_slice(&bytes));
    ids[i] = merkle_leaf(slice_of(ids[i].b, 32));
    buf_put_u16(&m->receipts, (uint16_t)bytes.n);
    buf_put_slice(&m->receipts, buf_slice(&bytes));
    buf_free(&bytes);
  }
  struct entry e = entry_of(ENTRY_RECEIPTS);
  e.subject = merkle_root(ids, 2);
  m->d.paper[DOSSIER_RECEIPTS] = buf_slice(&m->receipts);
  finish(m, &e);
}

static void make_decision(struct made *m)
{
  const char yes[1][2] = {{'S', 'N'}};
  const struct ruling_portion portion = {.permitted = yes, .permitted_count = 1};
  const struct ruling ruling = {.portions = &portion, .portion_count = 1};
  *m = (struct made){.entry = buf_new(LIMIT_ENTRY), .receipts = buf_new(4096), .decision = buf_new(4096)};
  assert_int_equal(ruling_build(&ruling, &m->decision, NULL), TG_OK);
  struct entry e = entry_of(ENTRY_REFUSED);
  e.reason = REASON_QUOTA;
  e.charter_version = 1;
  memset(e.policy_set.b, 5, 32);
  e.decision = ruling_hash(buf_slice(&m->decision));
  m->d.paper[DOSSIER_DECISION] = buf_slice(&m->decision);
  finish(m, &e);
}

static void free_made(struct made *m)
{
  buf_free(&m->entry);
  buf_free(&m->receipts);
  buf_free(&m->decision);
}

static enum tg_err check(const struct dossier *d, const struct hash *leaf)
{
  struct arena *arena = arena_new(4 * DOSSIER_MAX);
  struct entry e;
  enum tg_err err = dossier_check(d, leaf, arena, &e, NULL);
  arena_free(arena);
  return err;
}

static void what_was_put_is_taken(void **unused)
{
  (void)unused;
  struct made a, b;
  struct dossier d;
  struct buf file = buf_new(1 << 20);
  make_receipts(&a);
  make_decision(&b);
  b.d.index = 1;
  dossier_put(&file, &a.d);
  dossier_put(&file, &b.d);
  struct slice rest = buf_slice(&file);
  assert_int_equal(dossier_take(&rest, &d), TG_OK);
  assert_true(slice_eq(d.paper[DOSSIER_RECEIPTS], a.d.paper[DOSSIER_RECEIPTS]));
  assert_int_equal(check(&d, &a.leaf), TG_OK);
  assert_int_equal(dossier_take(&rest, &d), TG_OK);
  assert_int_equal(d.index, 1);
  assert_int_equal(check(&d, &b.leaf), TG_OK);
  assert_int_equal(rest.n, 0);
  assert_int_equal(check(&d, &a.leaf), TG_BAD_PROOF);
  free_made(&a);
  free_made(&b);
  buf_free(&file);
}

/* Every single bit of a file: it is no dossier, another place, or not that of the leaf. Only the signature of receipts, which takes
   the exchange to be verified, is for others to check. */
static void every_flipped_bit_is_noticed(void **unused)
{
  (void)unused;
  for (unsigned which = 0; which < 2; which++) {
    struct made m;
    struct buf file = buf_new(1 << 20);
    which ? make_decision(&m) : make_receipts(&m);
    dossier_put(&file, &m.d);
    const size_t signature = which ? SIZE_MAX : (size_t)(DOSSIER_BEFORE_ENTRY + m.entry.n + 5);
    for (size_t bit = 0; bit < 8 * file.n; bit++) {
      struct dossier d;
      const size_t at = bit / 8;
      if (at >= signature && at < signature + 64)
        continue;
      file.p[at] ^= (uint8_t)(1 << bit % 8);
      struct slice rest = buf_slice(&file);
      const bool taken = dossier_take(&rest, &d) == TG_OK && rest.n == 0 && d.index == 0;
      if (taken && check(&d, &m.leaf) == TG_OK)
        fail_msg("bit %zu of dossier %u", bit, which);
      file.p[at] ^= (uint8_t)(1 << bit % 8);
    }
    free_made(&m);
    buf_free(&file);
  }
}

static void what_is_cut_off_is_none(void **unused)
{
  (void)unused;
  struct made m;
  struct dossier d;
  struct buf file = buf_new(1 << 20);
  make_receipts(&m);
  dossier_put(&file, &m.d);
  for (size_t n = 0; n < file.n; n++) {
    struct slice rest = slice_of(file.p, n);
    assert_int_equal(dossier_take(&rest, &d), TG_BAD_INPUT);
    assert_int_equal(rest.n, n);
  }
  free_made(&m);
  buf_free(&file);
}

static void papers_of_another_entry_are_refused(void **unused)
{
  (void)unused;
  struct made a, b;
  make_receipts(&a);
  make_decision(&b);
  a.d.paper[DOSSIER_DECISION] = b.d.paper[DOSSIER_DECISION];
  assert_int_equal(check(&a.d, &a.leaf), TG_BAD_PROOF);
  b.d.paper[DOSSIER_RECEIPTS] = a.d.paper[DOSSIER_RECEIPTS];
  assert_int_equal(check(&b.d, &b.leaf), TG_BAD_PROOF);
  b.d.paper[DOSSIER_RECEIPTS] = slice_of(NULL, 0);
  b.d.paper[DOSSIER_RECIPIENTS] = slice_of("0123456789abcdef0123456789abcdef\0\0\0\1", DOSSIER_RECIPIENT);
  assert_int_equal(check(&b.d, &b.leaf), TG_BAD_PROOF);
  free_made(&a);
  free_made(&b);
}

/* ---- what a party has: its receipts of a batch */

struct batch_made {
  struct buf receipt[3];
  struct hash id[3];
  struct merkle_path path[3];
};

static void make_batch(struct batch_made *b, struct hash *ret_root)
{
  struct hash leaf[3];
  for (unsigned i = 0; i < 3; i++) {
    struct receipt r = {.event = RECEIPT_READ, .time = 900 + i};
    memset(r.bulletin.b, (int)i + 4, 32);
    memset(r.node.b, 1, 32);
    b->receipt[i] = buf_new(LIMIT_RECEIPT);
    assert_int_equal(receipt_build(&r, &b->receipt[i], NULL), TG_OK);
    b->id[i] = statement_id(STATEMENT_RECEIPT, buf_slice(&b->receipt[i]));
    leaf[i] = merkle_leaf(slice_of(b->id[i].b, 32));
  }
  struct merkle_tree *t = merkle_tree_new(leaf, 3);
  assert_non_null(t);
  *ret_root = *merkle_tree_root(t);
  for (unsigned i = 0; i < 3; i++)
    merkle_tree_path(t, i, &b->path[i]);
  merkle_tree_free(t);
}

static void put_share(struct batch_made *b, unsigned i, struct buf *out)
{
  uint8_t signature[64] = {3};
  Tg__BatchProof proof = TG__BATCH_PROOF__INIT;
  const struct slice path = merkle_path_slice(&b->path[i]);
  proof.index = i;
  proof.size = 3;
  proof.path = (ProtobufCBinaryData){path.n, (uint8_t *)(uintptr_t)path.p};
  proof.signature = (ProtobufCBinaryData){64, signature};
  assert_int_equal(dossier_share_put(out, buf_slice(&b->receipt[i]), &proof), TG_OK);
}

static void shares_are_of_the_batch_that_was_logged(void **unused)
{
  (void)unused;
  struct batch_made b;
  struct made m = {.entry = buf_new(LIMIT_ENTRY)};
  struct buf one = buf_new(8192), two = buf_new(8192), both = buf_new(8192);
  struct entry e = entry_of(ENTRY_RECEIPTS);
  struct receipt receipt;
  struct arena *arena = arena_new(1 << 16);
  make_batch(&b, &e.subject);
  e.number = 3;
  put_share(&b, 0, &one);
  put_share(&b, 2, &two);
  finish(&m, &e);
  dossier_shares_join(&both, buf_slice(&one), buf_slice(&two));
  assert_int_equal(both.n, one.n + two.n);
  buf_clear(&both);
  dossier_shares_join(&both, buf_slice(&one), buf_slice(&one)); /* known: nothing is added */
  assert_int_equal(both.n, one.n);
  buf_clear(&both);
  dossier_shares_join(&both, buf_slice(&one), buf_slice(&two));
  m.d.paper[DOSSIER_SHARES] = buf_slice(&both);
  assert_int_equal(check(&m.d, &m.leaf), TG_OK);
  assert_true(dossier_is_share(&m.d));
  unsigned n = 0;
  for (struct slice rest = dossier_receipts(&m.d); dossier_receipt_next(&m.d, &rest, arena, &receipt) == TG_OK; n++)
    assert_int_equal(receipt.time, 900 + 2 * n);
  assert_int_equal(n, 2);
  for (size_t bit = 0; bit < 8 * (one.n - 64); bit++) { /* the signature stands last: it takes the exchange */
    both.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    if (check(&m.d, &m.leaf) == TG_OK)
      fail_msg("bit %zu of a share", bit);
    both.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  m.d.paper[DOSSIER_RECEIPTS] = m.d.paper[DOSSIER_SHARES]; /* one or the other */
  assert_int_equal(check(&m.d, &m.leaf), TG_BAD_PROOF);
  for (unsigned i = 0; i < 3; i++)
    buf_free(&b.receipt[i]);
  buf_free(&one);
  buf_free(&two);
  buf_free(&both);
  buf_free(&m.entry);
  arena_free(arena);
}

static void paths_have_a_thousand_files_a_folder(void **unused)
{
  (void)unused;
  char path[DOSSIER_PATH_MAX];
  dossier_path(0, path);
  assert_string_equal(path, "openings/000000/000");
  dossier_path(1234567, path);
  assert_string_equal(path, "openings/001234/567");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_put_is_taken),
      cmocka_unit_test(every_flipped_bit_is_noticed),
      cmocka_unit_test(what_is_cut_off_is_none),
      cmocka_unit_test(papers_of_another_entry_are_refused),
      cmocka_unit_test(shares_are_of_the_batch_that_was_logged),
      cmocka_unit_test(paths_have_a_thousand_files_a_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
