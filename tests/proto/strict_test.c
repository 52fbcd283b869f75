/* Canonical form: every other spelling of a message is refused, and what is accepted survives protobuf-c unchanged. */
#include "proto/frame.h"
#include "proto/bulletin.pb-c.h"
#include "proto/session.pb-c.h"
#include "tests/proto/chance.h"
#include "tests/proto/generate.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <cmocka.h>

static const uint8_t id[32] = {1, 2, 3};

static enum tg_err check(const struct strict_limits *limits, struct buf *b)
{
  struct tg_why why = {0};
  enum tg_err err = strict_check(limits, buf_slice(b), &why);
  if (err) {
    assert_int_equal(why.err, err);
    assert_non_null(why.what);
    assert_true(why.where[0]);
  }
  buf_free(b);
  return err;
}

/* Want{bulletin: id, portion: 2, chunk: 300, count: 7}, with hooks for what may go wrong. */
static struct buf want(void)
{
  struct buf b = buf_new(4096);
  wire_bytes(&b, 1, id, 32);
  wire_number(&b, 2, 2);
  wire_number(&b, 3, 300);
  wire_number(&b, 4, 7);
  return b;
}

static void a_plain_message_passes(void **state)
{
  (void)state;
  struct buf b = want();
  assert_int_equal(check(&limits_want, &b), TG_OK);
}

static void every_beginning_of_a_message_is_refused(void **state)
{
  (void)state;
  struct buf b = want();
  for (size_t n = 0; n < b.n; n++)
    assert_int_equal(strict_check(&limits_want, slice_of(b.p, n), NULL), TG_BAD_INPUT);
  buf_free(&b);
}

static void nothing_may_follow(void **state)
{
  (void)state;
  for (unsigned byte = 0; byte < 256; byte++) {
    struct buf b = want();
    buf_put_u8(&b, (uint8_t)byte);
    assert_int_equal(check(&limits_want, &b), TG_BAD_INPUT);
  }
}

static void a_singular_field_comes_once(void **state)
{
  (void)state;
  struct buf b = want();
  wire_number(&b, 4, 7);
  assert_int_equal(check(&limits_want, &b), TG_BAD_INPUT);

  struct buf c = buf_new(4096);
  wire_number(&c, 1, 1);
  wire_bytes(&c, 2, "x", 1);
  wire_bytes(&c, 2, "x", 1);
  assert_int_equal(check(&limits_goodbye, &c), TG_BAD_INPUT);
}

/* protobuf-c merges two occurrences of one sub-message: half of a signed object could come in each. */
static void a_sub_message_comes_once(void **state)
{
  (void)state;
  uint8_t receipt[64] = {0}, salt[16] = {0}, signature[64] = {0};
  struct buf proof = buf_new(256);
  wire_number(&proof, 1, 1);
  wire_bytes(&proof, 4, signature, 64);
  for (int times = 1; times <= 2; times++) {
    struct buf b = buf_new(4096);
    wire_number(&b, 1, 1);
    wire_bytes(&b, 2, receipt, 64);
    for (int i = 0; i < times; i++)
      wire_bytes(&b, 3, proof.p, proof.n);
    wire_bytes(&b, 4, "entry", 5);
    wire_bytes(&b, 5, salt, 16);
    assert_int_equal(check(&limits_receipt_note, &b), times == 1 ? TG_OK : TG_BAD_INPUT);
  }
  buf_free(&proof);
}

static void fields_ascend(void **state)
{
  (void)state;
  struct buf b = buf_new(4096);
  wire_bytes(&b, 1, id, 32);
  wire_number(&b, 3, 300);
  wire_number(&b, 2, 2);
  wire_number(&b, 4, 7);
  assert_int_equal(check(&limits_want, &b), TG_BAD_INPUT);
}

static void only_known_fields(void **state)
{
  (void)state;
  static const uint32_t numbers[] = {7, 15, 16, 1000, 19000, (1u << 29) - 1};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct buf b = want();
    wire_number(&b, numbers[i], 1);
    assert_int_equal(check(&limits_want, &b), TG_BAD_INPUT);
  }
  struct buf zero = buf_new(64); /* field 0, before all others */
  buf_put(&zero, "\x00\x01", 2);
  wire_bytes(&zero, 1, id, 32);
  wire_number(&zero, 4, 7);
  assert_int_equal(check(&limits_want, &zero), TG_BAD_INPUT);
}

static void required_fields_are_there(void **state)
{
  (void)state;
  struct buf b = buf_new(64);
  wire_number(&b, 4, 7);
  assert_int_equal(check(&limits_want, &b), TG_BAD_INPUT);
  struct buf c = buf_new(64);
  wire_bytes(&c, 1, id, 32);
  assert_int_equal(check(&limits_want, &c), TG_BAD_INPUT);
}

static void varints_are_minimal(void **state)
{
  (void)state;
  static const struct {
    const char *bytes;
    size_t n;
  } bad[] = {
      {"\x20\x87\x00", 3},                                             /* 7 in two bytes */
      {"\x20\x87\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11},            /* 7 in ten bytes */
      {"\x20\x87\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 12},        /* in eleven */
      {"\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11},            /* above 64 bits */
      {"\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12},        /* eleven bytes */
      {"\xa0\x00\x07", 3},                                             /* the tag in two bytes */
      {"\x20", 1},                                                     /* no value */
      {"\x20\x87", 2},                                                 /* no end */
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct buf b = buf_new(128);
    wire_bytes(&b, 1, id, 32);
    buf_put(&b, bad[i].bytes, bad[i].n);
    assert_int_equal(check(&limits_want, &b), TG_BAD_INPUT);
  }
  struct buf length = buf_new(128); /* the length in two bytes */
  buf_put(&length, "\x0a\xa0\x00", 3);
  buf_put(&length, id, 32);
  wire_number(&length, 4, 7);
  assert_int_equal(check(&limits_want, &length), TG_BAD_INPUT);
}

static void defaults_are_absent(void **state)
{
  (void)state;
  struct buf b = buf_new(64);
  wire_bytes(&b, 1, id, 32);
  wire_number(&b, 2, 0);
  wire_number(&b, 4, 7);
  assert_int_equal(check(&limits_want, &b), TG_BAD_INPUT);
  struct buf c = buf_new(64); /* Goodbye.detail */
  wire_number(&c, 1, 1);
  wire_bytes(&c, 2, "", 0);
  assert_int_equal(check(&limits_goodbye, &c), TG_BAD_INPUT);
}

static void numbers_keep_their_width(void **state)
{
  (void)state;
  struct buf b = buf_new(64); /* protobuf-c would cut 2^32 + 2 to 2 */
  wire_bytes(&b, 1, id, 32);
  wire_number(&b, 2, (UINT64_C(1) << 32) + 2);
  wire_number(&b, 4, 7);
  assert_int_equal(check(&limits_want, &b), TG_BAD_INPUT);
}

static void wire_types_are_the_fields(void **state)
{
  (void)state;
  for (unsigned wire = 1; wire < 8; wire++) {
    struct buf b = buf_new(128);
    wire_bytes(&b, 1, id, 32);
    wire_tag(&b, 4, wire);
    buf_put(&b, "\x07\x00\x00\x00\x00\x00\x00\x00", 8);
    assert_int_equal(check(&limits_want, &b), TG_BAD_INPUT);
  }
  for (unsigned wire = 0; wire < 8; wire++) {
    struct buf b = buf_new(128);
    wire_tag(&b, 1, wire);
    buf_put_u8(&b, 32);
    buf_put(&b, id, 32);
    wire_number(&b, 4, 7);
    assert_int_equal(check(&limits_want, &b), wire == 2 ? TG_OK : TG_BAD_INPUT);
  }
}

static void lengths_stay_inside(void **state)
{
  (void)state;
  static const uint64_t lengths[] = {33, 127, 128, 65536, UINT32_MAX, INT64_MAX, UINT64_MAX};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    struct buf b = buf_new(128);
    wire_tag(&b, 1, 2);
    wire_varint(&b, lengths[i]);
    buf_put(&b, id, 32);
    assert_int_not_equal(check(&limits_want, &b), TG_OK);
  }
}

static void lengths_are_within_limits(void **state)
{
  (void)state;
  uint8_t key[33] = {1};
  struct buf less = buf_new(64), more = buf_new(64);
  wire_bytes(&less, 1, key, 31);
  wire_number(&less, 4, 7);
  assert_int_equal(check(&limits_want, &less), TG_BAD_INPUT);
  wire_bytes(&more, 1, key, 33);
  wire_number(&more, 4, 7);
  assert_int_equal(check(&limits_want, &more), TG_TOO_BIG);
}

static void paths_are_whole_hashes(void **state)
{
  (void)state;
  static const uint8_t path[96], signature[64];
  for (size_t n = 1; n <= 96; n++) {
    struct buf b = buf_new(512);
    wire_number(&b, 1, 8);
    wire_bytes(&b, 3, path, n);
    wire_bytes(&b, 4, signature, 64);
    assert_int_equal(check(&limits_batch_proof, &b), n % 32 ? TG_BAD_INPUT : TG_OK);
  }
}

static void repeated_elements_stay_together(void **state)
{
  (void)state;
  static const uint8_t salt[16];
  struct buf b = buf_new(256);
  wire_bytes(&b, 1, salt, 16);
  wire_bytes(&b, 2, "ML", 2);
  wire_bytes(&b, 3, "BF", 2);
  wire_bytes(&b, 2, "NE", 2);
  assert_int_equal(check(&limits_release, &b), TG_BAD_INPUT);
  struct buf empty = buf_new(256);
  wire_bytes(&empty, 1, salt, 16);
  wire_bytes(&empty, 2, "ML", 2);
  wire_bytes(&empty, 2, "", 0);
  assert_int_equal(check(&limits_release, &empty), TG_BAD_INPUT);
}

static void counts_are_within_limits(void **state)
{
  (void)state;
  static const uint8_t salt[16];
  for (unsigned count = LIMIT_NAMES; count <= LIMIT_NAMES + 1; count++) {
    struct buf b = buf_new(4096);
    wire_bytes(&b, 1, salt, 16);
    for (unsigned i = 0; i < count; i++)
      wire_bytes(&b, 2, "ML", 2);
    assert_int_equal(check(&limits_release, &b), count > LIMIT_NAMES ? TG_TOO_BIG : TG_OK);
  }
}

static void packed_stays_packed(void **state)
{
  (void)state;
  struct buf good = buf_new(256), loose = buf_new(256), empty = buf_new(256), zero = buf_new(256), cut = buf_new(256);
  wire_bytes(&good, 3, "\x01\x02\x80\x01", 4);
  assert_int_equal(check(&limits_receipts, &good), TG_OK);
  wire_number(&loose, 3, 1); /* unpacked, as protobuf-c would also read it */
  wire_number(&loose, 3, 2);
  assert_int_equal(check(&limits_receipts, &loose), TG_BAD_INPUT);
  wire_bytes(&empty, 3, "", 0);
  assert_int_equal(check(&limits_receipts, &empty), TG_BAD_INPUT);
  wire_bytes(&zero, 3, "\x01\x00", 2); /* a queue place is never 0 */
  assert_int_equal(check(&limits_receipts, &zero), TG_BAD_INPUT);
  wire_bytes(&cut, 3, "\x01\x80", 2);
  assert_int_equal(check(&limits_receipts, &cut), TG_BAD_INPUT);
  struct buf twice = buf_new(256);
  wire_bytes(&twice, 3, "\x01", 1);
  wire_bytes(&twice, 3, "\x02", 1);
  assert_int_equal(check(&limits_receipts, &twice), TG_BAD_INPUT);
  struct buf many = buf_new(8192);
  wire_tag(&many, 3, 2);
  wire_varint(&many, 4097);
  for (int i = 0; i < 4097; i++)
    buf_put_u8(&many, 1);
  assert_int_equal(check(&limits_receipts, &many), TG_TOO_BIG);
}

static void text_is_clean(void **state)
{
  (void)state;
  static const struct {
    const char *p;
    size_t n;
    enum tg_err err;
  } texts[] = {
      {"bonjour", 7, TG_OK},         {"N\xe2\x80\x99" "Djam\xc3\xa9na", 12, TG_OK}, {"a\0b", 3, TG_BAD_INPUT},
      {"a\nb", 3, TG_BAD_INPUT},     {"\x7f", 1, TG_BAD_INPUT},                  {"\xff", 1, TG_BAD_INPUT},
      {"\xc0\x80", 2, TG_BAD_INPUT}, {"\xed\xa0\x80", 3, TG_BAD_INPUT},          {"\xf4\x90\x80\x80", 4, TG_BAD_INPUT},
      {"\xe2\x80", 2, TG_BAD_INPUT}, {"\xe2\x80\xae" "abc", 6, TG_BAD_INPUT},    {"\xe2\x81\xa6x", 4, TG_BAD_INPUT},
      {"\xc2\x85", 2, TG_BAD_INPUT},
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct buf b = buf_new(64);
    wire_number(&b, 1, 1);
    wire_bytes(&b, 2, texts[i].p, texts[i].n);
    assert_int_equal(check(&limits_goodbye, &b), texts[i].err);
  }
}

/* Our schemas nest three deep; a made-up one that nests without end is stopped at four. */
static void nesting_is_bounded(void **state)
{
  (void)state;
  static struct strict_limits endless;
  static struct strict_field fields[2];
  fields[0] = (struct strict_field){.number = 1, .count = 10, .message = &endless};
  fields[1] = (struct strict_field){.number = 2, .min = 1, .max = 10};
  endless = (struct strict_limits){.descriptor = &tg__submit__descriptor, .max = 4096, .field_count = 2,
                                   .fields = fields};
  for (unsigned depth = 1; depth <= 100; depth++) {
    struct buf b = buf_new(4096);
    wire_bytes(&b, 2, "x", 1);
    for (unsigned i = 1; i < depth; i++) {
      struct buf outer = buf_new(4096);
      wire_bytes(&outer, 1, b.p, b.n);
      buf_free(&b);
      b = outer;
    }
    assert_int_equal(check(&endless, &b), depth <= STRICT_DEPTH ? TG_OK : TG_BAD_INPUT);
  }
}

static void a_message_is_not_longer_than_its_limit(void **state)
{
  (void)state;
  struct buf b = buf_new(LIMIT_FRAME);
  wire_bytes(&b, 1, id, 32);
  while (b.n <= limits_want.max)
    buf_put_u8(&b, 0);
  assert_int_equal(check(&limits_want, &b), TG_TOO_BIG);
}

/* Unpacks and packs again: exactly the same bytes, or the form is not canonical after all. */
static void assert_survives_protobuf_c(const struct strict_limits *limits, struct slice bytes, struct arena *arena)
{
  ProtobufCMessage *m;
  struct tg_why why;
  arena_reset(arena);
  assert_int_equal(strict_unpack(limits, bytes, arena, &m, &why), TG_OK);
  assert_int_equal(m->n_unknown_fields, 0);
  struct buf again = buf_new(LIMIT_FRAME);
  assert_int_equal(strict_pack(limits, m, &again, &why), TG_OK);
  assert_true(slice_eq(bytes, buf_slice(&again)));
  buf_free(&again);
}

static void every_message_within_limits_passes(void **state)
{
  (void)state;
  struct arena *arena = arena_new(FRAME_ARENA);
  for (size_t i = 0; limits_all[i]; i++)
    for (int round = 0; round < 50; round++) {
      struct buf b = buf_new(LIMIT_FRAME);
      struct tg_why why = {0};
      generate_message(limits_all[i], &b);
      if (b.n <= limits_all[i]->max && strict_check(limits_all[i], buf_slice(&b), &why)) {
        print_error("%s: %s\n", why.where, why.what);
        fail();
      }
      if (b.n <= limits_all[i]->max)
        assert_survives_protobuf_c(limits_all[i], buf_slice(&b), arena);
      buf_free(&b);
    }
  arena_free(arena);
}

/* Whatever a mutation does, what passes is canonical. */
static void what_passes_has_one_encoding(void **state)
{
  (void)state;
  struct arena *arena = arena_new(FRAME_ARENA);
  size_t passed = 0;
  for (size_t i = 0; limits_all[i]; i++)
    for (int round = 0; round < 300; round++) {
      struct buf b = buf_new(LIMIT_FRAME);
      generate_message(limits_all[i], &b);
      for (uint64_t flips = 1 + chance_below(3); flips && b.n; flips--)
        b.p[chance_below(b.n)] = (uint8_t)chance_below(256);
      if (!strict_check(limits_all[i], buf_slice(&b), NULL)) {
        assert_survives_protobuf_c(limits_all[i], buf_slice(&b), arena);
        passed++;
      }
      buf_free(&b);
    }
  assert_true(passed > 100);
  arena_free(arena);
}

/* What the arena spends on a message of this kind, crowded as far as its limit allows. */
static size_t cost_of(const struct frame_kind *kind, size_t share, struct arena *arena)
{
  struct buf b = buf_new(4 * LIMIT_FRAME);
  struct tg_why why = {0};
  ProtobufCMessage *m;
  size_t budget = kind->limits->max;
  do { /* the budget is kept roughly: less of it until the message fits */
    buf_clear(&b);
    generate_crowd(kind->limits, budget, share, &b);
    budget -= budget / 50;
  } while (b.n > kind->limits->max);
  arena_reset(arena);
  enum tg_err err = strict_unpack(kind->limits, buf_slice(&b), arena, &m, &why);
  if (err)
    print_error("%s (%zu bytes): %s: %s\n", kind->name, b.n, why.where, why.what);
  assert_int_equal(err, TG_OK);
  buf_free(&b);
  return arena_used(arena);
}

/* The message of each type of frame that costs most memory still fits in the arena that frame.h promises. */
static void no_frame_costs_more_than_its_arena(void **state)
{
  (void)state;
  static const size_t shares[] = {1, 4, 16, 64, 256, 1024};
  struct arena *arena = arena_new(FRAME_ARENA);
  size_t worst = 0;
  for (uint8_t type = FRAME_HELLO; type <= FRAME_RECEIPTS_LOGGED; type++)
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
      size_t cost = cost_of(frame_kind(type), shares[i], arena);
      worst = cost > worst ? cost : worst;
    }
  print_message("worst frame: %zu bytes of %d\n", worst, FRAME_ARENA);
  arena_free(arena);
}

static void a_small_arena_is_an_answer(void **state)
{
  (void)state;
  struct arena *arena = arena_new(64);
  ProtobufCMessage *m = NULL;
  struct buf b = want();
  assert_int_equal(strict_unpack(&limits_want, buf_slice(&b), arena, &m, NULL), TG_TOO_BIG);
  assert_null(m);
  buf_free(&b);
  arena_free(arena);
}

static void packing_refuses_what_checking_would(void **state)
{
  (void)state;
  struct tg_why why;
  struct buf b = buf_new(100);
  Tg__Goodbye m = TG__GOODBYE__INIT;
  buf_put_str(&b, "before");
  m.reason = 1;
  m.detail = strict_data(slice_str("a\nb"));
  assert_int_equal(strict_pack(&limits_goodbye, &m.base, &b, &why), TG_BAD_INPUT);
  assert_string_equal(why.where, "Goodbye.detail");
  assert_true(slice_is(buf_slice(&b), "before"));
  static const char longer[120] = "x";
  m.detail = strict_data_of(longer, sizeof longer);
  assert_int_equal(strict_pack(&limits_goodbye, &m.base, &b, &why), TG_TOO_BIG);
  assert_true(slice_is(buf_slice(&b), "before"));
  m.detail = strict_data(slice_str("ok")); /* a full buffer did not spoil it */
  assert_int_equal(strict_pack(&limits_goodbye, &m.base, &b, &why), TG_OK);
  buf_free(&b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_plain_message_passes),
      cmocka_unit_test(every_beginning_of_a_message_is_refused),
      cmocka_unit_test(nothing_may_follow),
      cmocka_unit_test(a_singular_field_comes_once),
      cmocka_unit_test(a_sub_message_comes_once),
      cmocka_unit_test(fields_ascend),
      cmocka_unit_test(only_known_fields),
      cmocka_unit_test(required_fields_are_there),
      cmocka_unit_test(varints_are_minimal),
      cmocka_unit_test(defaults_are_absent),
      cmocka_unit_test(numbers_keep_their_width),
      cmocka_unit_test(wire_types_are_the_fields),
      cmocka_unit_test(lengths_stay_inside),
      cmocka_unit_test(lengths_are_within_limits),
      cmocka_unit_test(paths_are_whole_hashes),
      cmocka_unit_test(repeated_elements_stay_together),
      cmocka_unit_test(counts_are_within_limits),
      cmocka_unit_test(packed_stays_packed),
      cmocka_unit_test(text_is_clean),
      cmocka_unit_test(nesting_is_bounded),
      cmocka_unit_test(a_message_is_not_longer_than_its_limit),
      cmocka_unit_test(every_message_within_limits_passes),
      cmocka_unit_test(what_passes_has_one_encoding),
      cmocka_unit_test(no_frame_costs_more_than_its_arena),
      cmocka_unit_test(a_small_arena_is_an_answer),
      cmocka_unit_test(packing_refuses_what_checking_would),
  };
  chance_seed(2);
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
