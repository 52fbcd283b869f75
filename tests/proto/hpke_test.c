/* HPKE against appendix A.2 of RFC 9180, and what it must refuse. */
#include "proto/hpke.h"
#include "tests/proto/chance.h"

#include <jansson.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <cmocka.h>

static uint8_t room[16][512];

/* Member `key` of a JSON object as bytes, in one of 16 places. */
static struct slice hex_of(const json_t *object, const char *key, size_t place)
{
  return unhex(json_string_value(json_object_get(object, key)), room[place], sizeof room[place]);
}

static void check_messages(const json_t *v, struct hpke *sender, const struct hpke *receiver)
{
  size_t i;
  const json_t *m;
  json_array_foreach(json_object_get(v, "encryptions"), i, m)
  {
    uint8_t sealed[256], opened[256];
    struct slice pt = hex_of(m, "pt", 10), aad = hex_of(m, "aad", 11), ct = hex_of(m, "ct", 12);
    uint64_t seq = (uint64_t)json_integer_value(json_object_get(m, "seq"));
    sender->seq = seq; /* the vectors hold only some of the 257 messages */
    assert_int_equal(hpke_seal(sender, aad, pt, sealed), TG_OK);
    assert_true(sender->seq == seq + 1);
    assert_memory_equal(sealed, ct.p, ct.n);
    assert_int_equal(hpke_open(receiver, seq, aad, ct, opened), TG_OK);
    assert_memory_equal(opened, pt.p, pt.n);
    assert_int_equal(hpke_open(receiver, seq + 1, aad, ct, opened), TG_BAD_SEAL);
    assert_int_equal(hpke_open(receiver, seq, pt, ct, opened), TG_BAD_SEAL);
  }
  assert_int_equal(i, 6);
}

static void check_exports(const json_t *v, const struct hpke *context)
{
  size_t i;
  const json_t *e;
  json_array_foreach(json_object_get(v, "exports"), i, e)
  {
    uint8_t out[64];
    struct slice want = hex_of(e, "exported_value", 13);
    hpke_export(context, hex_of(e, "exporter_context", 12), out, want.n);
    assert_memory_equal(out, want.p, want.n);
  }
  assert_int_equal(i, 3);
}

static void check_vector(const json_t *v, bool with_psk)
{
  struct slice ikm_e = hex_of(v, "ikmE", 0), ikm_r = hex_of(v, "ikmR", 1), sk_r = hex_of(v, "skRm", 2);
  struct slice pk_r = hex_of(v, "pkRm", 3), enc = hex_of(v, "enc", 4), info = hex_of(v, "info", 5);
  struct hpke_psk psk = {0};
  if (with_psk)
    psk = (struct hpke_psk){.psk = hex_of(v, "psk", 6), .id = hex_of(v, "psk_id", 7)};

  uint8_t sk[32], got_enc[32];
  struct seal_pk pk;
  hpke_derive_key_pair(ikm_r.p, sk, &pk);
  assert_memory_equal(sk, sk_r.p, 32);
  assert_memory_equal(pk.b, pk_r.p, 32);

  struct hpke sender, receiver;
  chance_feed(ikm_e.p, ikm_e.n);
  assert_int_equal(hpke_send(&pk, info, with_psk ? &psk : NULL, &sender, got_enc), TG_OK);
  assert_memory_equal(got_enc, enc.p, 32);
  assert_int_equal(hpke_receive(got_enc, sk, &pk, info, with_psk ? &psk : NULL, &receiver), TG_OK);
  assert_memory_equal(sender.key, hex_of(v, "key", 8).p, 32);
  assert_memory_equal(sender.base_nonce, hex_of(v, "base_nonce", 8).p, 12);
  assert_memory_equal(receiver.exporter, hex_of(v, "exporter_secret", 8).p, 32);
  check_messages(v, &sender, &receiver);
  check_exports(v, &sender);
  check_exports(v, &receiver);
}

static void base_and_psk_are_rfc_9180(void **state)
{
  (void)state;
  size_t i, checked = 0;
  const json_t *v;
  json_t *file = json_load_file(TEST_VECTORS "/hpke-rfc9180.json", 0, NULL);
  assert_non_null(file);
  json_array_foreach(json_object_get(file, "vectors"), i, v)
  {
    json_int_t mode = json_integer_value(json_object_get(v, "mode"));
    if (mode > 1)
      continue;
    check_vector(v, mode == 1);
    checked++;
  }
  assert_int_equal(checked, 2);
  json_decref(file);
}

static void small_order_keys_are_refused(void **state)
{
  (void)state;
  struct seal_pk zero = {{0}}, one = {{1}}, pk;
  uint8_t sk[32], enc[32];
  struct hpke context;
  assert_int_equal(hpke_send(&zero, slice_str(""), NULL, &context, enc), TG_BAD_INPUT);
  assert_int_equal(hpke_send(&one, slice_str(""), NULL, &context, enc), TG_BAD_INPUT);
  hpke_derive_key_pair(zero.b, sk, &pk);
  assert_int_equal(hpke_receive(zero.b, sk, &pk, slice_str(""), NULL, &context), TG_BAD_SEAL);
}

static void a_weak_psk_is_refused(void **state)
{
  (void)state;
  struct seal_pk pk;
  uint8_t sk[32], enc[32], ikm[32] = {1};
  struct hpke context;
  hpke_derive_key_pair(ikm, sk, &pk);
  const struct hpke_psk bad[] = {{slice_of(ikm, 31), slice_str("id")}, {slice_of(ikm, 32), slice_str("")}};
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(hpke_send(&pk, slice_str(""), &bad[i], &context, enc), TG_BAD_INPUT);
    assert_int_equal(hpke_receive(pk.b, sk, &pk, slice_str(""), &bad[i], &context), TG_BAD_INPUT);
  }
}

static void numbers_never_wrap(void **state)
{
  (void)state;
  struct hpke sender = {.seq = UINT64_MAX, .sender = true};
  uint8_t out[16];
  assert_int_equal(hpke_seal(&sender, slice_str(""), slice_str(""), out), TG_QUOTA);
  assert_true(sender.seq == UINT64_MAX);
}

static void nothing_short_or_changed_opens(void **state)
{
  (void)state;
  uint8_t sk[32], ikm[32] = {2}, enc[32], sealed[64], out[64];
  struct seal_pk pk;
  struct hpke sender, receiver;
  hpke_derive_key_pair(ikm, sk, &pk);
  assert_int_equal(hpke_send(&pk, slice_str("i"), NULL, &sender, enc), TG_OK);
  assert_int_equal(hpke_receive(enc, sk, &pk, slice_str("i"), NULL, &receiver), TG_OK);
  assert_int_equal(hpke_seal(&sender, slice_str("a"), slice_str("hello"), sealed), TG_OK);
  for (size_t n = 0; n < 21; n++)
    assert_int_equal(hpke_open(&receiver, 0, slice_str("a"), slice_of(sealed, n), out), TG_BAD_SEAL);
  for (size_t bit = 0; bit < 21 * 8; bit++) {
    sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(hpke_open(&receiver, 0, slice_str("a"), slice_of(sealed, 21), out), TG_BAD_SEAL);
    sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  assert_int_equal(hpke_open(&receiver, 0, slice_str("a"), slice_of(sealed, 21), out), TG_OK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(base_and_psk_are_rfc_9180),    cmocka_unit_test(small_order_keys_are_refused),
      cmocka_unit_test(a_weak_psk_is_refused),        cmocka_unit_test(numbers_never_wrap),
      cmocka_unit_test(nothing_short_or_changed_opens),
  };
  chance_seed(1);
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
