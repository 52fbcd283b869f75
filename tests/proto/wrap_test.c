/* Wraps: bursts of one HPKE context, and opening in any order. */
#include "proto/wrap.h"
#include "proto/hpke.h"
#include "proto/subject.h"
#include "tests/proto/chance.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define NOW ((tg_time)1796083200000)

struct pair {
  struct wrap_parties parties;
  uint8_t secret[32];
};

static struct pair pair_of(uint8_t who)
{
  uint8_t ikm[32] = {who};
  struct pair p = {.parties = {.suite = SUITE_1, .exchange = {{1}}, .originator = {{2}}, .recipient = {{who}},
                               .originator_member = "ML", .recipient_member = "BF"}};
  hpke_derive_key_pair(ikm, p.secret, &p.parties.recipient_key);
  return p;
}

static const struct wrap_binding binding = {.subject_hash = {{3}}, .bulletin_number = 4};

static struct wrap_content content_of(uint64_t number, uint32_t portions)
{
  struct wrap_content c = {.number = number, .previous = {{number > 1}}, .portions = portions};
  for (uint8_t i = 0; i < LIMIT_PORTIONS; i++)
    if (portions >> i & 1)
      memset(c.keys[i].b, 0x40 + i, 32);
  return c;
}

/* A wrap with its bytes; seals or fails the test. */
static struct wrap sealed(struct wrap_sender *s, const struct pair *p, uint64_t number, uint32_t portions, tg_time now,
                          struct arena *arena)
{
  struct buf b = buf_new(LIMIT_WRAP);
  struct wrap w;
  struct wrap_content c = content_of(number, portions);
  assert_int_equal(wrap_seal(s, &p->parties, &binding, &c, false, now, &b, NULL), TG_OK);
  assert_int_equal(wrap_parse(arena_copy(arena, buf_slice(&b)), arena, &w, NULL), TG_OK);
  buf_free(&b);
  return w;
}

static void assert_opens(struct wrap_opener *o, const struct pair *p, const struct wrap *w, uint64_t number)
{
  struct wrap_content got, want = content_of(number, w->portions);
  assert_int_equal(wrap_open(o, w, &p->parties, p->secret, &binding, &got, NULL), TG_OK);
  assert_int_equal(got.number, number);
  assert_true(hash_eq(&got.previous, &want.previous));
  assert_memory_equal(got.keys, want.keys, sizeof got.keys);
}

static void one_context_serves_a_burst(void **state)
{
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct wrap_sender *s = wrap_sender_new(4);
  struct wrap_opener *o = wrap_opener_new(1);
  struct pair p = pair_of(9);
  struct wrap w[5];
  for (uint64_t i = 0; i < 5; i++) {
    w[i] = sealed(s, &p, i + 1, 1, NOW + (tg_time)i, arena);
    assert_int_equal(w[i].seq, i);
    assert_memory_equal(w[i].enc, w[0].enc, 32);
  }
  static const size_t order[] = {3, 0, 4, 4, 1, 2};
  for (size_t i = 0; i < 6; i++)
    assert_opens(o, &p, &w[order[i]], order[i] + 1);
  wrap_sender_free(s);
  wrap_opener_free(o);
  arena_free(arena);
}

static void a_context_ends_by_use_by_age_and_by_a_clock_gone_back(void **state)
{
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct wrap_sender *s = wrap_sender_new(4);
  struct pair p = pair_of(9);
  struct wrap first = sealed(s, &p, 1, 1, NOW, arena), last = sealed(s, &p, 1, 1, NOW + WRAP_AGE - 1, arena);
  assert_memory_equal(first.enc, last.enc, 32);
  struct wrap aged = sealed(s, &p, 1, 1, NOW + WRAP_AGE, arena);
  assert_int_equal(aged.seq, 0);
  assert_memory_not_equal(aged.enc, first.enc, 32);
  struct wrap back = sealed(s, &p, 1, 1, NOW, arena);
  assert_int_equal(back.seq, 0);
  assert_memory_not_equal(back.enc, aged.enc, 32);
  for (uint64_t i = 1; i < WRAP_USES; i++) {
    struct wrap w = sealed(s, &p, 1, 1, NOW, arena);
    assert_int_equal(w.seq, i);
    arena_reset(arena);
  }
  struct wrap next = sealed(s, &p, 1, 1, NOW, arena);
  assert_int_equal(next.seq, 0);
  wrap_sender_free(s);
  arena_free(arena);
}

static void contexts_are_bounded_and_the_oldest_gives_way(void **state)
{
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct wrap_sender *s = wrap_sender_new(2);
  struct pair a = pair_of(1), b = pair_of(2), c = pair_of(3);
  sealed(s, &a, 1, 1, NOW, arena);
  sealed(s, &b, 1, 1, NOW, arena);
  assert_int_equal(sealed(s, &a, 1, 1, NOW, arena).seq, 1);
  sealed(s, &c, 1, 1, NOW, arena); /* b gives way */
  assert_int_equal(sealed(s, &a, 1, 1, NOW, arena).seq, 2);
  assert_int_equal(sealed(s, &b, 1, 1, NOW, arena).seq, 0);
  wrap_sender_free(s);
  arena_free(arena);
}

static void other_parties_are_another_context(void **state)
{
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct wrap_sender *s = wrap_sender_new(16);
  struct pair p = pair_of(9), q = p;
  sealed(s, &p, 1, 1, NOW, arena);
  q.parties.recipient_member[1] = 'J';
  assert_int_equal(sealed(s, &q, 1, 1, NOW, arena).seq, 0);
  q = p, q.parties.originator.b[5] = 1;
  assert_int_equal(sealed(s, &q, 1, 1, NOW, arena).seq, 0);
  q = p, q.parties.exchange.b[5] = 1;
  assert_int_equal(sealed(s, &q, 1, 1, NOW, arena).seq, 0);
  q = p, q.parties.recipient.b[5] = 1;
  assert_int_equal(sealed(s, &q, 1, 1, NOW, arena).seq, 0);
  assert_int_equal(sealed(s, &p, 1, 1, NOW, arena).seq, 1);
  wrap_sender_free(s);
  arena_free(arena);
}

static void any_set_of_portions_travels(void **state)
{
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct wrap_sender *s = wrap_sender_new(4);
  struct wrap_opener *o = wrap_opener_new(1);
  struct pair p = pair_of(9);
  static const uint32_t masks[] = {1, 2, 0x8000, 0x5555, 0xffff, 0x0104};
  for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
    struct wrap w = sealed(s, &p, i + 1, masks[i], NOW, arena);
    assert_int_equal(w.sealed.n, 57 + 33 * (size_t)__builtin_popcount(masks[i]));
    assert_opens(o, &p, &w, i + 1);
  }
  wrap_sender_free(s);
  wrap_opener_free(o);
  arena_free(arena);
}

static void nonsense_is_not_sealed(void **state)
{
  (void)state;
  struct wrap_sender *s = wrap_sender_new(1);
  struct pair p = pair_of(9);
  struct buf b = buf_new(LIMIT_WRAP);
  struct wrap_content c = content_of(0, 1);
  assert_int_equal(wrap_seal(s, &p.parties, &binding, &c, false, NOW, &b, NULL), TG_BAD_INPUT);
  c = content_of(1, 0);
  assert_int_equal(wrap_seal(s, &p.parties, &binding, &c, false, NOW, &b, NULL), TG_BAD_INPUT);
  c = content_of(1, 0x10000);
  assert_int_equal(wrap_seal(s, &p.parties, &binding, &c, false, NOW, &b, NULL), TG_BAD_INPUT);
  c = content_of(1, 1), c.previous.b[0] = 1; /* the first has no predecessor */
  assert_int_equal(wrap_seal(s, &p.parties, &binding, &c, false, NOW, &b, NULL), TG_BAD_INPUT);
  c = content_of(1, 1), p.parties.suite = 2;
  assert_int_equal(wrap_seal(s, &p.parties, &binding, &c, false, NOW, &b, NULL), TG_UNKNOWN);
  assert_int_equal(b.n, 0);
  wrap_sender_free(s);
  buf_free(&b);
}

static void what_is_bound_is_checked(void **state)
{
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct wrap_sender *s = wrap_sender_new(4);
  struct wrap_opener *o = wrap_opener_new(4);
  struct pair p = pair_of(9);
  struct wrap w = sealed(s, &p, 1, 3, NOW, arena), bad;
  struct wrap_content c;
  struct wrap_binding other = binding;

  for (int cached = 0; cached < 2; cached++) { /* with a fresh decapsulation and with a remembered one */
    other = binding, other.bulletin_number++;
    assert_int_equal(wrap_open(o, &w, &p.parties, p.secret, &other, &c, NULL), TG_BAD_SEAL);
    other = binding, other.subject_hash.b[31] ^= 1;
    assert_int_equal(wrap_open(o, &w, &p.parties, p.secret, &other, &c, NULL), TG_BAD_SEAL);
    bad = w, bad.portions = 5;
    assert_int_equal(wrap_open(o, &bad, &p.parties, p.secret, &binding, &c, NULL), TG_BAD_SEAL);
    bad = w, bad.seq = 1;
    assert_int_equal(wrap_open(o, &bad, &p.parties, p.secret, &binding, &c, NULL), TG_BAD_SEAL);
    bad = w, bad.key_id[0] ^= 1;
    assert_int_equal(wrap_open(o, &bad, &p.parties, p.secret, &binding, &c, NULL), TG_BAD_SEAL);
    bad = w, bad.recipient.b[3] ^= 1;
    assert_int_equal(wrap_open(o, &bad, &p.parties, p.secret, &binding, &c, NULL), TG_BAD_SEAL);
    bad = w, memset(bad.enc, 0, 32);
    assert_int_equal(wrap_open(o, &bad, &p.parties, p.secret, &binding, &c, NULL), TG_BAD_SEAL);
    assert_opens(o, &p, &w, 1);
  }
  wrap_opener_forget(o);
  uint8_t no_key[32] = {1};
  assert_int_equal(wrap_open(o, &w, &p.parties, no_key, &binding, &c, NULL), TG_BAD_SEAL);
  wrap_sender_free(s);
  wrap_opener_free(o);
  arena_free(arena);
}

/* Seals any plaintext as a wrap would: for what wrap_seal() refuses to make. */
static enum tg_err opening_says(const struct pair *p, uint32_t portions, struct slice plain)
{
  struct buf info = buf_new(512), aad = buf_new(512);
  struct hash h_info, h_aad;
  struct hpke context;
  struct wrap w = {.recipient = p->parties.recipient, .portions = portions};
  struct wrap_opener *o = wrap_opener_new(1);
  struct wrap_content c;
  uint8_t sealed_bytes[700];
  buf_put(&info, "toguna/wrap-info/v1", 20);
  buf_put_u16(&info, 1);
  buf_put(&info, p->parties.exchange.b, 32);
  buf_put(&info, p->parties.originator.b, 32);
  buf_put(&info, "ML", 2);
  buf_put(&info, p->parties.recipient.b, 32);
  buf_put(&info, "BF", 2);
  buf_put(&info, p->parties.recipient_key.b, 32);
  buf_put(&aad, "toguna/wrap-aad/v1", 19);
  buf_put(&aad, binding.subject_hash.b, 32);
  buf_put_u64(&aad, binding.bulletin_number);
  buf_put_u32(&aad, portions);
  buf_put(&aad, p->parties.recipient.b, 32);
  crypto_hash_sha256(h_info.b, info.p, info.n);
  crypto_hash_sha256(h_aad.b, aad.p, aad.n);
  assert_int_equal(hpke_send(&p->parties.recipient_key, slice_of(h_info.b, 32), NULL, &context, w.enc), TG_OK);
  assert_int_equal(hpke_seal(&context, slice_of(h_aad.b, 32), plain, sealed_bytes), TG_OK);
  w.sealed = slice_of(sealed_bytes, plain.n + HPKE_TAG);
  wrap_key_id(SUITE_1, &p->parties.recipient_key, w.key_id);
  enum tg_err err = wrap_open(o, &w, &p->parties, p->secret, &binding, &c, NULL);
  wrap_opener_free(o);
  buf_free(&info);
  buf_free(&aad);
  return err;
}

static void what_is_inside_is_checked(void **state)
{
  (void)state;
  struct pair p = pair_of(9);
  uint8_t plain[41 + 66] = {0};
  struct slice all = slice_of(plain, sizeof plain);
  plain[7] = 1;  /* number 1, no previous */
  plain[40] = 2; /* keys 0 and 3 */
  plain[41 + 33] = 3;
  assert_int_equal(opening_says(&p, 9, all), TG_OK);
  assert_int_equal(opening_says(&p, 3, all), TG_BAD_INPUT);
  assert_int_equal(opening_says(&p, 1, all), TG_BAD_INPUT);
  plain[40] = 1;
  assert_int_equal(opening_says(&p, 9, all), TG_BAD_INPUT);
  plain[40] = 2, plain[41] = 3, plain[41 + 33] = 0; /* descending */
  assert_int_equal(opening_says(&p, 9, all), TG_BAD_INPUT);
  plain[41] = 3, plain[41 + 33] = 3; /* twice */
  assert_int_equal(opening_says(&p, 9, all), TG_BAD_INPUT);
  plain[41] = 0;
  plain[7] = 0; /* number 0 */
  assert_int_equal(opening_says(&p, 9, all), TG_BAD_INPUT);
  plain[7] = 2; /* number 2 of an originator that knows of none before it */
  assert_int_equal(opening_says(&p, 9, all), TG_OK);
  plain[7] = 1, plain[8] = 1; /* number 1 with a predecessor */
  assert_int_equal(opening_says(&p, 9, all), TG_BAD_INPUT);
  plain[7] = 2;
  assert_int_equal(opening_says(&p, 9, all), TG_OK);
  for (size_t n = 0; n < sizeof plain; n++)
    assert_int_equal(opening_says(&p, 9, slice_of(plain, n)), TG_BAD_INPUT);
}

static void the_length_fits_the_mask(void **state)
{
  (void)state;
  struct arena *arena = arena_new(1 << 20);
  struct wrap_sender *s = wrap_sender_new(4);
  struct pair p = pair_of(9);
  struct wrap one = sealed(s, &p, 1, 1, NOW, arena), two = sealed(s, &p, 1, 3, NOW, arena), got;
  struct buf b = buf_new(1024); /* the mask of `two` in the bytes of `one`: portions is the one byte after its tag */
  buf_put_slice(&b, one.bytes);
  uint8_t *mask = memmem(b.p, b.n, "\x20\x01", 2);
  assert_non_null(mask);
  mask[1] = 3;
  assert_int_equal(wrap_parse(buf_slice(&b), arena, &got, NULL), TG_BAD_INPUT);
  assert_int_equal(wrap_parse(two.bytes, arena, &got, NULL), TG_OK);
  buf_free(&b);
  wrap_sender_free(s);
  arena_free(arena);
}

static void the_audience_is_a_tree(void **state)
{
  (void)state;
  struct slice wraps[7];
  static uint8_t bytes[7] = {1, 2, 3, 4, 5, 6, 7};
  for (size_t n = 1; n <= 7; n++) {
    for (size_t i = 0; i < n; i++)
      wraps[i] = slice_of(&bytes[i], 1);
    struct merkle_tree *t = audience_tree(wraps, n);
    for (size_t i = 0; i < n; i++) {
      struct merkle_path path;
      merkle_tree_path(t, i, &path);
      assert_int_equal(audience_verify(wraps[i], i, n, merkle_path_slice(&path), merkle_tree_root(t), NULL), TG_OK);
      assert_int_equal(audience_verify(wraps[i], i + 1, n, merkle_path_slice(&path), merkle_tree_root(t), NULL),
                       TG_BAD_PROOF);
      assert_int_equal(audience_verify(slice_str("x"), i, n, merkle_path_slice(&path), merkle_tree_root(t), NULL),
                       TG_BAD_PROOF);
    }
    merkle_tree_free(t);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_context_serves_a_burst),
      cmocka_unit_test(a_context_ends_by_use_by_age_and_by_a_clock_gone_back),
      cmocka_unit_test(contexts_are_bounded_and_the_oldest_gives_way),
      cmocka_unit_test(other_parties_are_another_context),
      cmocka_unit_test(any_set_of_portions_travels),
      cmocka_unit_test(nonsense_is_not_sealed),
      cmocka_unit_test(what_is_bound_is_checked),
      cmocka_unit_test(what_is_inside_is_checked),
      cmocka_unit_test(the_length_fits_the_mask),
      cmocka_unit_test(the_audience_is_a_tree),
  };
  chance_seed(6);
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
