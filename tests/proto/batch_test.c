/* Batch signatures: every statement proves its speaker alone, and a burst costs one verification. */
#include "proto/batch.h"
#include "proto/merkle.h"
#include "tests/proto/chance.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

struct speaker {
  struct sign_pk key;
  uint8_t secret[64];
};

static const struct hash exchange = {{1}}, elsewhere = {{2}};

static struct speaker speaker_new(void)
{
  struct speaker s;
  crypto_sign_keypair(s.key.b, s.secret);
  return s;
}

static struct hash id_number(uint64_t i)
{
  struct hash h = {{0}};
  memcpy(h.b, &i, sizeof i);
  return h;
}

static struct batch *batch_of(size_t n, struct speaker *s)
{
  struct batch *b = batch_new();
  for (uint64_t i = 0; i < n; i++) {
    uint64_t index;
    struct hash id = id_number(i);
    assert_int_equal(batch_add(b, &id, &index), TG_OK);
    assert_int_equal(index, i);
  }
  assert_int_equal(batch_sign(b, &exchange, batch_sign_with_key, s->secret), TG_OK);
  return b;
}

static void every_statement_of_any_batch_verifies(void **state)
{
  (void)state;
  struct speaker s = speaker_new();
  struct arena *arena = arena_new(1 << 20);
  for (size_t n = 1; n <= 33; n++) {
    struct batch *b = batch_of(n, &s);
    struct batch_verifier *v = batch_verifier_new(1);
    for (uint64_t i = 0; i < n; i++) {
      struct hash id = id_number(i), other = id_number(i + 1);
      Tg__BatchProof *p = batch_proof(b, i, arena);
      assert_int_equal(batch_verify(v, &exchange, &s.key, &id, p, NULL), TG_OK);
      assert_int_equal(batch_verify(v, &exchange, &s.key, &other, p, NULL), TG_BAD_SIGNATURE);
      assert_int_equal(batch_verify(v, &elsewhere, &s.key, &id, p, NULL), TG_BAD_SIGNATURE);
    }
    batch_free(b);
    batch_verifier_free(v);
    arena_reset(arena);
  }
  arena_free(arena);
}

static void proofs_are_exact(void **state)
{
  (void)state;
  struct speaker s = speaker_new(), t = speaker_new();
  struct arena *arena = arena_new(1 << 20);
  struct batch *b = batch_of(6, &s);
  struct batch_verifier *v = batch_verifier_new(4);
  struct hash id = id_number(4);
  const Tg__BatchProof *good = batch_proof(b, 4, arena);
  Tg__BatchProof p;
  assert_int_equal(batch_verify(v, &exchange, &s.key, &id, good, NULL), TG_OK);
  assert_int_equal(batch_verify(v, &exchange, &t.key, &id, good, NULL), TG_BAD_SIGNATURE);
  p = *good, p.index = 5;
  assert_int_equal(batch_verify(v, &exchange, &s.key, &id, &p, NULL), TG_BAD_SIGNATURE);
  p = *good, p.index = 6;
  assert_int_equal(batch_verify(v, &exchange, &s.key, &id, &p, NULL), TG_BAD_PROOF);
  p = *good, p.size = 0;
  assert_int_equal(batch_verify(v, &exchange, &s.key, &id, &p, NULL), TG_BAD_PROOF);
  p = *good, p.size = LIMIT_BATCH + 1;
  assert_int_equal(batch_verify(v, &exchange, &s.key, &id, &p, NULL), TG_BAD_PROOF);
  p = *good, p.path.len -= 32;
  assert_int_equal(batch_verify(v, &exchange, &s.key, &id, &p, NULL), TG_BAD_PROOF);
  p = *good, p.path.len -= 1;
  assert_int_equal(batch_verify(v, &exchange, &s.key, &id, &p, NULL), TG_BAD_PROOF);
  p = *good, p.signature.len = 63;
  assert_int_equal(batch_verify(v, &exchange, &s.key, &id, &p, NULL), TG_BAD_INPUT);
  batch_free(b);
  batch_verifier_free(v);
  arena_free(arena);
}

/* What is remembered is the signature too: another one under a known root is verified by itself. */
static void memory_does_not_excuse_a_bad_signature(void **state)
{
  (void)state;
  struct speaker s = speaker_new();
  struct arena *arena = arena_new(1 << 20);
  struct batch *b = batch_of(3, &s);
  struct batch_verifier *v = batch_verifier_new(4);
  struct hash id = id_number(0);
  Tg__BatchProof *p = batch_proof(b, 0, arena);
  assert_int_equal(batch_verify(v, &exchange, &s.key, &id, p, NULL), TG_OK);
  for (size_t bit = 0; bit < 512; bit++) {
    p->signature.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(batch_verify(v, &exchange, &s.key, &id, p, NULL), TG_BAD_SIGNATURE);
    p->signature.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  assert_int_equal(batch_verify(v, &exchange, &s.key, &id, p, NULL), TG_OK);
  batch_free(b);
  batch_verifier_free(v);
  arena_free(arena);
}

static void memory_is_bounded(void **state)
{
  (void)state;
  struct speaker s = speaker_new();
  struct arena *arena = arena_new(1 << 20);
  struct batch_verifier *v = batch_verifier_new(2);
  struct hash id = id_number(0);
  for (int round = 0; round < 3; round++)
    for (size_t n = 1; n <= 5; n++) {
      struct batch *b = batch_of(n, &s);
      assert_int_equal(batch_verify(v, &exchange, &s.key, &id, batch_proof(b, 0, arena), NULL), TG_OK);
      batch_free(b);
    }
  batch_verifier_free(v);
  arena_free(arena);
}

static void all_at_once(void **state)
{
  (void)state;
  struct speaker s = speaker_new();
  struct hash ids[9], root, want;
  struct sign_sig signature;
  for (size_t i = 0; i < 9; i++)
    ids[i] = id_number(i);
  struct batch *b = batch_of(9, &s);
  struct batch_verifier *v = batch_verifier_new(1);
  batch_result(b, &want, &signature);
  struct slice sig = slice_of(signature.b, 64);
  assert_int_equal(batch_verify_all(v, &exchange, &s.key, ids, 9, sig, &root, NULL), TG_OK);
  assert_true(hash_eq(&root, &want));
  assert_int_equal(batch_verify_all(v, &exchange, &s.key, ids, 8, sig, NULL, NULL), TG_BAD_SIGNATURE);
  assert_int_equal(batch_verify_all(v, &exchange, &s.key, ids, 0, sig, NULL, NULL), TG_BAD_INPUT);
  assert_int_equal(batch_verify_all(v, &exchange, &s.key, ids, 9, slice_of(sig.p, 0), NULL, NULL), TG_BAD_INPUT);
  struct hash first = ids[0];
  ids[0] = ids[1], ids[1] = first;
  assert_int_equal(batch_verify_all(v, &exchange, &s.key, ids, 9, sig, NULL, NULL), TG_BAD_SIGNATURE);
  batch_free(b);
  batch_verifier_free(v);
}

static enum tg_err locked(void *context, struct slice message, struct sign_sig *ret)
{
  (void)context, (void)message, (void)ret;
  return TG_BAD_PASSPHRASE;
}

static void a_key_that_does_not_sign_is_an_answer(void **state)
{
  (void)state;
  struct speaker s = speaker_new();
  struct batch *b = batch_new();
  struct hash id = id_number(0);
  assert_int_equal(batch_add(b, &id, NULL), TG_OK);
  assert_int_equal(batch_sign(b, &exchange, locked, NULL), TG_BAD_PASSPHRASE);
  assert_int_equal(batch_add(b, &id, NULL), TG_OK); /* and the batch goes on */
  assert_int_equal(batch_sign(b, &exchange, batch_sign_with_key, s.secret), TG_OK);
  assert_int_equal(batch_size(b), 2);
  batch_free(b);
}

static void a_batch_is_bounded(void **state)
{
  (void)state;
  struct speaker s = speaker_new();
  struct arena *arena = arena_new(1 << 16);
  struct batch *b = batch_new();
  struct batch_verifier *v = batch_verifier_new(1);
  struct hash id = {{0}};
  for (uint64_t i = 0; i < LIMIT_BATCH; i++) {
    id = id_number(i);
    assert_int_equal(batch_add(b, &id, NULL), TG_OK);
  }
  assert_int_equal(batch_add(b, &id, NULL), TG_QUOTA);
  assert_int_equal(batch_sign(b, &exchange, batch_sign_with_key, s.secret), TG_OK);
  Tg__BatchProof *p = batch_proof(b, LIMIT_BATCH - 1, arena);
  assert_int_equal(p->path.len, 16 * 32);
  assert_int_equal(batch_verify(v, &exchange, &s.key, &id, p, NULL), TG_OK);
  batch_free(b);
  batch_verifier_free(v);
  arena_free(arena);
}

static void kinds_of_statements_do_not_mix(void **state)
{
  (void)state;
  struct hash a = statement_id(STATEMENT_BULLETIN, slice_str("x")), b = statement_id(STATEMENT_RECEIPT, slice_str("x")),
              c = statement_id(STATEMENT_SEALING_KEYS, slice_str("x"));
  assert_false(hash_eq(&a, &b) || hash_eq(&b, &c) || hash_eq(&a, &c));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_statement_of_any_batch_verifies),
      cmocka_unit_test(proofs_are_exact),
      cmocka_unit_test(memory_does_not_excuse_a_bad_signature),
      cmocka_unit_test(memory_is_bounded),
      cmocka_unit_test(all_at_once),
      cmocka_unit_test(a_key_that_does_not_sign_is_an_answer),
      cmocka_unit_test(a_batch_is_bounded),
      cmocka_unit_test(kinds_of_statements_do_not_mix),
  };
  chance_seed(7);
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
