/* The file that two nodes pass each other: read in pieces of any size as in one, in its order only, and never beyond a record's limit. */
#include "proto/bundle.h"
#include "proto/session.pb-c.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static uint8_t bytes[65553];
static ProtobufCBinaryData data(size_t n) { return strict_data_of(bytes, n); }

static void put(struct bundle_hash *h, enum bundle_type type, struct buf *out)
{
  Tg__BundleHead head = TG__BUNDLE_HEAD__INIT;
  Tg__Document document = TG__DOCUMENT__INIT;
  Tg__Chunk chunk = TG__CHUNK__INIT;
  Tg__BundleReceipts receipts = TG__BUNDLE_RECEIPTS__INIT;
  Tg__BundleEnd end = TG__BUNDLE_END__INIT;
  Tg__BatchProof proof = TG__BATCH_PROOF__INIT;
  ProtobufCBinaryData item = data(100);
  head.exchange = head.from = chunk.bulletin = data(32);
  head.to = strict_data(slice_str("ML"));
  head.time = 1;
  document.kind = 1;
  document.content = data(1000);
  chunk.sealed = data(sizeof bytes);
  receipts.signature = proof.signature = data(64);
  receipts.n_items = 1;
  receipts.items = &item;
  proof.size = 1;
  end.proof = &proof;
  const ProtobufCMessage *of[] = {NULL, &head.base, &document.base, NULL, &chunk.base, &receipts.base, &end.base};
  assert_int_equal(bundle_put(h, type, of[type], out, NULL), TG_OK);
}

static struct buf bundle(const enum bundle_type *types, size_t n, struct hash *ret_statement)
{
  struct bundle_hash h;
  struct buf out = buf_new(8 << 20);
  bundle_begin(&h, &out);
  for (size_t i = 0; i < n; i++) {
    if (types[i] == BUNDLE_END)
      *ret_statement = bundle_statement(&h);
    put(&h, types[i], &out);
  }
  return out;
}

/* Reads it in pieces; the records' types go to `got`. The last error: TG_NOT_FOUND when all was read and nothing was wrong. */
static enum tg_err read_back(struct slice all, size_t piece, struct buf *got, struct hash *ret_statement, bool *ret_ended)
{
  struct bundle_reader *r = bundle_reader_new();
  struct arena *arena = arena_new(8 << 20);
  enum tg_err err = TG_NOT_FOUND;
  while (all.n && err == TG_NOT_FOUND) {
    struct slice now;
    struct bundle_record record;
    (void)take(&all, piece < all.n ? piece : all.n, &now);
    while ((err = bundle_read(r, &now, arena, arena, &record, NULL)) == TG_OK)
      buf_put_u8(got, (uint8_t)record.type);
  }
  *ret_statement = bundle_read_statement(r);
  *ret_ended = bundle_read_ended(r);
  arena_free(arena);
  bundle_reader_free(r);
  return err;
}

static const enum bundle_type whole[] = {BUNDLE_HEAD, BUNDLE_DOCUMENT, BUNDLE_CHUNK, BUNDLE_CHUNK, BUNDLE_RECEIPTS, BUNDLE_END};
enum { WHOLE = sizeof whole / sizeof *whole };

static void it_reads_alike_in_any_pieces(void **state)
{
  (void)state;
  static const size_t pieces[] = {1, 2, 5, 16, 17, 18, 1000, 65536, SIZE_MAX};
  struct hash written, read;
  struct buf all = bundle(whole, WHOLE, &written);
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    struct buf got = buf_new(100);
    bool ended;
    assert_int_equal(read_back(buf_slice(&all), pieces[i], &got, &read, &ended), TG_NOT_FOUND);
    assert_true(ended && hash_eq(&written, &read));
    assert_int_equal(got.n, WHOLE);
    for (size_t k = 0; k < WHOLE; k++)
      assert_int_equal(got.p[k], whole[k]);
    buf_free(&got);
  }
  buf_free(&all);
}

static void any_bit_changes_the_statement_or_is_refused(void **state)
{
  (void)state;
  struct hash written, read;
  struct buf all = bundle(whole, WHOLE, &written);
  for (size_t i = 0; i < all.n - 80; i += 1 + i / 37) { /* the end record is not under its own statement */
    struct buf got = buf_new(100);
    bool ended;
    all.p[i] ^= 1;
    const enum tg_err err = read_back(buf_slice(&all), SIZE_MAX, &got, &read, &ended);
    assert_true(err != TG_NOT_FOUND || !ended || !hash_eq(&written, &read));
    all.p[i] ^= 1;
    buf_free(&got);
  }
  buf_free(&all);
}

static void records_have_their_order_and_counts(void **state)
{
  (void)state;
  static const enum bundle_type bad[][3] = {{BUNDLE_DOCUMENT, BUNDLE_HEAD, BUNDLE_END}, {BUNDLE_HEAD, BUNDLE_HEAD, BUNDLE_END},
                                            {BUNDLE_HEAD, BUNDLE_END, BUNDLE_END}, {BUNDLE_HEAD, BUNDLE_END, BUNDLE_DOCUMENT}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct hash statement;
    struct buf all = bundle(bad[i], 3, &statement), got = buf_new(100);
    bool ended;
    assert_int_equal(read_back(buf_slice(&all), SIZE_MAX, &got, &statement, &ended), TG_BAD_INPUT);
    buf_free(&all);
    buf_free(&got);
  }
}

/* What only a hub says of a document has no place on a stick. */
static void a_document_has_no_place_in_a_log(void **state)
{
  (void)state;
  static const enum bundle_type head[] = {BUNDLE_HEAD};
  for (unsigned i = 0; i < 6; i++) {
    struct bundle_hash h;
    struct hash statement;
    struct buf all = bundle(head, 1, &statement), got = buf_new(100);
    Tg__Document d = TG__DOCUMENT__INIT;
    bool ended;
    d.kind = 1;
    d.content = data(1000);
    d.sequence = i == 1;
    d.entry = data(i == 2 ? 100 : 0);
    d.salt = data(i == 3 ? 16 : 0);
    d.leaf = i == 4;
    d.path = data(i == 5 ? 64 : 0);
    bundle_begin(&h, &got);
    buf_clear(&got);
    assert_int_equal(bundle_put(&h, BUNDLE_DOCUMENT, &d.base, &all, NULL), TG_OK);
    assert_int_equal(read_back(buf_slice(&all), SIZE_MAX, &got, &statement, &ended), i ? TG_BAD_INPUT : TG_NOT_FOUND);
    buf_free(&all);
    buf_free(&got);
  }
}

/* The length is believed only as far as the record's kind permits. */
static void a_record_is_not_longer_than_its_kind(void **state)
{
  (void)state;
  static const enum bundle_type head[] = {BUNDLE_HEAD};
  struct hash statement;
  for (uint8_t type = 0; type < 9; type++) {
    struct buf all = bundle(head, 1, &statement), got = buf_new(100);
    bool ended;
    buf_put_u32(&all, 0x7fffffff);
    buf_put_u8(&all, type);
    const enum tg_err err = read_back(buf_slice(&all), SIZE_MAX, &got, &statement, &ended);
    assert_int_equal(err, type < 1 || type > 6 ? TG_UNKNOWN : TG_TOO_BIG);
    buf_free(&all);
    buf_free(&got);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_reads_alike_in_any_pieces),
      cmocka_unit_test(any_bit_changes_the_statement_or_is_refused),
      cmocka_unit_test(records_have_their_order_and_counts),
      cmocka_unit_test(a_document_has_no_place_in_a_log),
      cmocka_unit_test(a_record_is_not_longer_than_its_kind),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
