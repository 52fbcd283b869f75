/* Labelled hashes and HKDF, against the published vectors. */
#include "proto/hash.h"
#include "tests/proto/chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

struct hkdf_case {
  const char *ikm, *salt, *info, *prk, *okm;
};

/* RFC 5869, appendix A.1 to A.3. */
static const struct hkdf_case cases[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
     "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637"
     "38393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
     "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f9091929394959697"
     "98999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
     "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7"
     "e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
     "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
     "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8"
     "367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
     "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
};

static void hkdf_is_rfc_5869(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t ikm[100], salt[100], info[100], want_prk[32], want[100], prk[32], okm[100];
    struct slice s_ikm = unhex(cases[i].ikm, ikm, sizeof ikm), s_salt = unhex(cases[i].salt, salt, sizeof salt);
    struct slice s_info = unhex(cases[i].info, info, sizeof info), s_okm = unhex(cases[i].okm, want, sizeof want);
    unhex(cases[i].prk, want_prk, sizeof want_prk);
    hkdf_extract(s_salt, s_ikm, prk);
    assert_memory_equal(prk, want_prk, sizeof prk);
    hkdf_expand(prk, s_info, okm, s_okm.n);
    assert_memory_equal(okm, want, s_okm.n);

    const struct slice halves[] = {slice_of(s_info.p, s_info.n / 2),
                                   slice_of(s_info.p + s_info.n / 2, s_info.n - s_info.n / 2)};
    memset(okm, 0, sizeof okm);
    hkdf_expand_parts(prk, halves, 2, okm, s_okm.n);
    assert_memory_equal(okm, want, s_okm.n);

    uint8_t first[100], second[100], half[100];
    hkdf_expand(prk, halves[0], half, s_okm.n);
    hkdf_expand_two(prk, (const struct slice[2]){halves[0], s_info}, (uint8_t *const[2]){first, second}, s_okm.n);
    assert_memory_equal(first, half, s_okm.n);
    assert_memory_equal(second, want, s_okm.n);
  }
}

static void a_label_is_not_the_beginning_of_another(void **state)
{
  (void)state;
  struct hash a = hash_labelled("toguna/x", slice_str("yz")), b = hash_labelled("toguna/xy", slice_str("z"));
  assert_false(hash_eq(&a, &b));
  struct hash c = hash_plain(slice_of("toguna/x\0yz", 11));
  assert_true(hash_eq(&a, &c));
}

static void pieces_hash_as_the_whole(void **state)
{
  (void)state;
  struct hash_state s;
  struct hash h = {{7}};
  uint8_t whole[4 + 2 + 4 + 8 + 32] = {'a', 'b', 'c', 0, 1, 2, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 7};
  hash_begin(&s, "abc");
  hash_put_u16(&s, 0x0102);
  hash_put_u32(&s, 0x01020304);
  hash_put_u64(&s, UINT64_C(0x0102030405060708));
  hash_put_hash(&s, &h);
  hash_put(&s, NULL, 0);
  struct hash pieces = hash_end(&s), at_once = hash_plain(slice_of(whole, sizeof whole));
  assert_true(hash_eq(&pieces, &at_once));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hkdf_is_rfc_5869),
      cmocka_unit_test(a_label_is_not_the_beginning_of_another),
      cmocka_unit_test(pieces_hash_as_the_whole),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
