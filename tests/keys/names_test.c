/* country, name, nearest, codec, memberset: the small things that everything else trusts. */
#include "keys/codec.h"
#include "keys/memberset.h"
#include "keys/name.h"
#include "keys/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>

static void codes_are_capital_letters_that_iso_assigns(void **state)
{
  (void)state;
  struct country c;
  assert_int_equal(country_parse(slice_str("ML"), &c), TG_OK);
  assert_string_equal(c.code, "ML");
  static const char *const bad[] = {"", "M", "ml", "MLI", "XX", "ZZ", "UK", "M1"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(country_parse(slice_str(bad[i]), &c), TG_BAD_INPUT);
}

static void the_table_is_in_order_and_names_every_country_in_three_languages(void **state)
{
  (void)state;
  size_t n = 0;
  for (const struct country *c; (c = country_at(n)); n++) {
    struct country found;
    assert_int_equal(country_parse(slice_str(c->code), &found), TG_OK);
    if (n > 0)
      assert_true(strcmp(country_at(n - 1)->code, c->code) < 0);
    static const char *const languages[] = {"en", "fr", "pt"};
    for (size_t l = 0; l < 3; l++) {
      assert_true(text_valid(slice_str(country_name(c, languages[l])), NULL));
      assert_true(strlen(country_name(c, languages[l])) >= 3);
    }
  }
  assert_int_equal(n, 249);
  struct country td;
  assert_int_equal(country_parse(slice_str("TD"), &td), TG_OK);
  assert_string_equal(country_name(&td, "fr_FR.UTF-8"), "Tchad");
  assert_string_equal(country_name(&td, "pt"), "Chade");
  assert_string_equal(country_name(&td, NULL), "Chad");
}

static void a_country_is_suggested_from_what_people_type(void **state)
{
  (void)state;
  static const char *const pairs[][2] = {{"Mali", "ML"},    {"mali", "ML"},     {"MLI", "ML"},
                                         {"ml", "ML"},      {"Tchad", "TD"},    {"Chad", "TD"},
                                         {"Sénegal", "SN"}, {"Nigerria", "NG"}, {"Burkina Fasso", "BF"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    assert_string_equal(country_nearest(slice_str(pairs[i][0])), pairs[i][1]);
  assert_null(country_nearest(slice_str("XX")));
  assert_null(country_nearest(slice_str("")));
  assert_null(country_nearest(slice_str("Atlantis under the sea")));
}

static void distance_counts_edits_in_halves(void **state)
{
  (void)state;
  static const struct {
    const char *a, *b;
    size_t halves;
  } cases[] = {{"", "", 0},       {"abc", "abc", 0}, {"abc", "abd", 2},        {"abc", "acb", 2},
               {"abc", "ABC", 3}, {"abc", "", 6},    {"kitten", "sitting", 6}, {"exprot", "export", 2}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(nearest_distance(slice_str(cases[i].a), slice_str(cases[i].b)), cases[i].halves);
    assert_int_equal(nearest_distance(slice_str(cases[i].b), slice_str(cases[i].a)), cases[i].halves);
  }
  char lengthy[NEAREST_WORD_MAX + 2];
  memset(lengthy, 'a', sizeof lengthy - 1);
  lengthy[sizeof lengthy - 1] = 0;
  assert_true(nearest_distance(slice_str(lengthy), slice_str("a")) == SIZE_MAX);
}

static void holders_have_one_spelling(void **state)
{
  (void)state;
  static const char *const good[] = {"ML", "ML/dgse", "ML/policy-1", "ML/dgse/n1", "TD/a/0"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct holder h;
    char text[HOLDER_MAX + 1];
    assert_int_equal(holder_parse(slice_str(good[i]), &h), TG_OK);
    holder_print(&h, text);
    assert_string_equal(text, good[i]);
  }
  static const char *const bad[] = {"",
                                    "ml",
                                    "XX",
                                    "ML/",
                                    "ML/Dgse",
                                    "ML//n1",
                                    "ML/-a",
                                    "ML/a b",
                                    "ML/a/b/c",
                                    "MLdgse",
                                    "ML/dgse/",
                                    "/dgse",
                                    "ML/abcdefghijklmnopqrstuvwxyz0123456"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct holder h;
    assert_int_equal(holder_parse(slice_str(bad[i]), &h), TG_BAD_INPUT);
  }
  assert_true(bloc_name_valid(slice_str("AES")));
  assert_true(bloc_name_valid(slice_str("G5-SAHEL")));
  assert_false(bloc_name_valid(slice_str("ML")));
  assert_false(bloc_name_valid(slice_str("aes")));
  assert_true(exchange_name_valid(slice_str("sahel.example")));
  assert_false(exchange_name_valid(slice_str("sahel example")));
  assert_false(exchange_name_valid(slice_str("sahel/example")));
  assert_false(exchange_name_valid(slice_str("Sahel.example")));
}

static void bytes_have_one_spelling(void **state)
{
  (void)state;
  uint8_t out[32];
  size_t n;
  assert_int_equal(base64_read_upto(slice_str("AAEC"), out, sizeof out, &n), TG_OK);
  assert_int_equal(n, 3);
  static const char *const bad[] = {"AAE", "AAEC ", " AAEC", "AAE=C", "AAF=", "AA==\n", "A-_C", "AAEC===="};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(base64_read_upto(slice_str(bad[i]), out, sizeof out, &n), TG_BAD_INPUT);
  /* libsodium 1.0.18 reads some bytes above 127 as letters. */
  for (int c = 1; c < 256; c++) {
    char text[5] = {'A', (char)c, 'E', 'C', 0}, again[8];
    if (base64_read_upto(slice_of(text, 4), out, sizeof out, &n))
      continue;
    sodium_bin2base64(again, sizeof again, out, n, sodium_base64_VARIANT_ORIGINAL);
    assert_string_equal(again, text);
  }
  assert_int_equal(base64_read(slice_str("AAEC"), out, 4), TG_BAD_INPUT);
  assert_int_equal(base64_read(slice_str("AAECAw=="), out, 3), TG_BAD_INPUT);
  struct hash h;
  char text[HASH_TEXT], upper[HASH_TEXT];
  for (size_t i = 0; i < 32; i++)
    h.b[i] = (uint8_t)(i * 9);
  hash_print(&h, text);
  struct hash again;
  assert_int_equal(hash_parse(slice_str(text), &again), TG_OK);
  assert_true(hash_eq(&h, &again));
  memcpy(upper, text, sizeof upper);
  upper[63] = 'F';
  assert_int_equal(hash_parse(slice_str(upper), &again), TG_BAD_INPUT);
  assert_int_equal(hash_parse(slice_of(text, 63), &again), TG_BAD_INPUT);
}

static void a_set_holds_what_was_put_in(void **state)
{
  (void)state;
  struct memberset s = {0}, t = {0};
  static const unsigned in[] = {0, 1, 63, 64, 127, 128, 200, 255};
  enum { N = sizeof in / sizeof *in };
  assert_true(memberset_empty(&s));
  for (size_t i = 0; i < N; i++)
    memberset_add(&s, in[i]);
  assert_int_equal(memberset_count(&s), N);
  size_t k = 0;
  for (unsigned i = memberset_next(&s, 0); i < MEMBERS_MAX; i = memberset_next(&s, i + 1))
    assert_int_equal(i, in[k++]);
  assert_int_equal(k, N);
  assert_false(memberset_has(&s, 256));
  memberset_add(&t, 64);
  memberset_add(&t, 65);
  struct memberset both = memberset_and(s, t), either = memberset_or(s, t), rest = memberset_minus(t, s);
  assert_int_equal(memberset_count(&both), 1);
  assert_int_equal(memberset_count(&either), N + 1);
  assert_true(memberset_has(&rest, 65) && memberset_count(&rest) == 1);
  assert_true(memberset_within(&both, &s) && !memberset_within(&t, &s));
  memberset_remove(&either, 65);
  assert_true(memberset_eq(&either, &s));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(codes_are_capital_letters_that_iso_assigns),
      cmocka_unit_test(the_table_is_in_order_and_names_every_country_in_three_languages),
      cmocka_unit_test(a_country_is_suggested_from_what_people_type),
      cmocka_unit_test(distance_counts_edits_in_halves),
      cmocka_unit_test(holders_have_one_spelling),
      cmocka_unit_test(bytes_have_one_spelling),
      cmocka_unit_test(a_set_holds_what_was_put_in),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
