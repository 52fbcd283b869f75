/* Signed notes: the published vectors, then everything that must not pass. */
#include "keys/codec.h"
#include "keys/note.h"
#include "keys/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>
#include <sodium.h>

static const char EXAMPLE_VKEY[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
static const char EXAMPLE[] =
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

static struct note_key vkey(const char *text)
{
  struct note_key key;
  struct tg_why why;
  assert_int_equal(note_key_parse(slice_str(text), &key, &why), TG_OK);
  return key;
}

static json_t *vectors(void)
{
  json_error_t error;
  json_t *json = json_load_file(TEST_VECTORS "/note-vectors.json", 0, &error);
  assert_non_null(json);
  return json;
}

static const char *text_of(const json_t *object, const char *name)
{
  const char *text = json_string_value(json_object_get(object, name));
  assert_non_null(text);
  return text;
}

static void expect_verified(const char *text, const struct note_key *known, size_t n,
                            struct note_verdict *verdicts)
{
  struct note note;
  struct tg_why why;
  assert_int_equal(note_parse(slice_str(text), NULL, &note, &why), TG_OK);
  assert_int_equal(note_verify(&note, known, n, verdicts, &why), TG_OK);
}

static void published_notes_verify(void **state)
{
  (void)state;
  json_t *json = vectors(), *one;
  size_t i;
  json_array_foreach(json_object_get(json, "official"), i, one)
  {
    struct note_key key = vkey(text_of(one, "vkey"));
    struct note_verdict verdict;
    char printed[NOTE_VKEY_MAX];
    expect_verified(text_of(one, "note"), &key, 1, &verdict);
    assert_true(verdict.good && verdict.time == 0);
    note_key_print(&key, printed);
    assert_string_equal(printed, text_of(one, "vkey"));
  }
  assert_int_equal(i, 2);
  assert_int_equal(vkey(text_of(json, "type4_vkey_only")).type, NOTE_COSIGNATURE);
  json_decref(json);
}

static struct secret_key *key_from_hex(enum key_kind kind, const char *name, const char *hex)
{
  uint8_t seed[32];
  struct secret_key *key;
  assert_int_equal(sodium_hex2bin(seed, sizeof seed, hex, strlen(hex), NULL, NULL, NULL), 0);
  assert_int_equal(secret_key_from(kind, name, slice_of(seed, sizeof seed), &key), TG_OK);
  return key;
}

/* Ed25519 is deterministic: signing the same text again must give the very same note. */
static void checkpoints_verify_and_are_signed_alike(void **state)
{
  (void)state;
  json_t *json = vectors(), *derived = json_object_get(json, "derived"), *one;
  struct secret_key *log =
      key_from_hex(KEY_HUB_LOG, "bulletin.example/log-a", text_of(derived, "log_seed_hex"));
  struct secret_key *witness =
      key_from_hex(KEY_WITNESS, "witness.example/w1", text_of(derived, "witness_seed_hex"));
  size_t i;
  json_array_foreach(json_object_get(derived, "checkpoints"), i, one)
  {
    struct note_key known[] = {vkey(text_of(one, "witness_vkey")), vkey(text_of(one, "log_vkey"))};
    struct note_verdict verdicts[2];
    struct note note;
    struct buf again = buf_new(NOTE_BYTES_MAX);
    tg_time time = json_integer_value(json_object_get(one, "timestamp")) * TG_SECOND;
    expect_verified(text_of(one, "note"), known, 2, verdicts);
    assert_true(verdicts[0].good && verdicts[0].time == time && verdicts[1].good);
    assert_int_equal(note_parse(slice_str(text_of(one, "note")), NULL, &note, NULL), TG_OK);
    assert_int_equal(note_begin(&again, note.text), TG_OK);
    assert_int_equal(note_sign(&again, note.text, log, NULL), TG_OK);
    assert_int_equal(note_cosign(&again, note.text, witness, time, NULL), TG_OK);
    assert_true(slice_eq(buf_slice(&again), note.bytes));
    buf_free(&again);
  }
  assert_int_equal(i, 4);
  secret_key_free(log);
  secret_key_free(witness);
  json_decref(json);
}

static void a_key_line_has_one_spelling(void **state)
{
  (void)state;
  struct note_key key;
  struct tg_why why;
  static const char *const bad[] = {
      "",
      "example.com/foo",
      "example.com/foo+530d903a",
      "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",  /* another id */
      "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",  /* another name */
      "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",  /* capitals */
      "example.com/foo+0530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", /* nine digits */
      "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2",   /* cut */
      "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k ",
      "example com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
      "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(note_key_parse(slice_str(bad[i]), &key, &why), TG_BAD_INPUT);
  struct sign_pk pk = {{1}};
  static const char *const names[] = {"", "a b", "a+b", "a\xe2\x80\x83z", "a\xc2\xa0z", "a\nb", "\xff"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    assert_int_equal(note_key_make(slice_str(names[i]), NOTE_ED25519, &pk, &key), TG_BAD_INPUT);
  char name[NOTE_NAME_MAX + 2];
  memset(name, 'n', sizeof name);
  assert_int_equal(note_key_make(slice_of(name, NOTE_NAME_MAX), NOTE_ED25519, &pk, &key), TG_OK);
  assert_int_equal(note_key_make(slice_of(name, NOTE_NAME_MAX + 1), NOTE_ED25519, &pk, &key), TG_BAD_INPUT);
}

static void malformed_notes_are_refused(void **state)
{
  (void)state;
  static const char *const bad[] = {
      "",
      "\n",
      "\n\n",
      "text\n",
      "text\n\n",
      "\n— example.com/foo Uw2QOkn8\n",
      "text\n— example.com/foo Uw2QOkn8\n",     /* no empty line */
      "text\n\n— example.com/foo Uw2QOkn8",     /* cut off */
      "text\n\n— example.com/foo Uw2QOkn8\r\n", /* converted */
      "text\n\n- example.com/foo Uw2QOkn8\n",   /* a hyphen */
      "text\n\n— example.com/foo  Uw2QOkn8\n",  /* two spaces */
      "text\n\n— example.com/foo Uw2QOg==\n",   /* an id and no signature */
      "text\n\n— example.com/foo Uw2QOkn8 \n",
      "text\n\n— Uw2QOkn8\n",
      "text\n\n— a+b Uw2QOkn8\n",
      "text\n\n— example.com/foo Uw2QOkn8\nmore\n",
      "te\txt\n\n— example.com/foo Uw2QOkn8\n",
      "te\xffxt\n\n— example.com/foo Uw2QOkn8\n",
  };
  struct note note;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(note_parse(slice_str(bad[i]), NULL, &note, NULL), TG_BAD_INPUT);
}

static void the_text_ends_at_the_last_empty_line(void **state)
{
  (void)state;
  struct note note;
  static const char text[] = "one\n\ntwo\n\n\n— example.com/foo Uw2QOkn8\n— other Uw2QOkn8\n";
  assert_int_equal(note_parse(slice_str(text), NULL, &note, NULL), TG_OK);
  assert_true(slice_is(note.text, "one\n\ntwo\n\n"));
  assert_int_equal(note.n, 2);
  assert_int_equal(note.sig[1].id, 0x530d903a);
  assert_true(slice_is(note.sig[1].name, "other"));
}

/* Every single bit of a note counts, but for those of unknown signatures. */
static void no_changed_note_verifies(void **state)
{
  (void)state;
  struct note_key key = vkey(EXAMPLE_VKEY);
  size_t n = strlen(EXAMPLE);
  for (size_t at = 0; at < n; at++) {
    for (int bit = 0; bit < 8; bit++) {
      char changed[sizeof EXAMPLE];
      struct note note;
      struct note_verdict verdict = {0};
      memcpy(changed, EXAMPLE, sizeof EXAMPLE);
      changed[at] = (char)(changed[at] ^ 1 << bit);
      if (!note_parse(slice_of(changed, n), NULL, &note, NULL))
        assert_int_equal(note_verify(&note, &key, 1, &verdict, NULL), TG_BAD_SIGNATURE);
      assert_false(verdict.good);
    }
  }
}

static void the_rules_about_known_and_unknown_keys(void **state)
{
  (void)state;
  char both[600];
  struct note note;
  struct tg_why why;
  struct note_key known[2] = {vkey(EXAMPLE_VKEY),
                              vkey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")};
  struct note_verdict verdicts[2];
  /* An unknown signature is ignored. */
  snprintf(both, sizeof both, "%s%s", EXAMPLE, "— stranger Uw2QOkn8\n");
  expect_verified(both, known, 2, verdicts);
  assert_true(verdicts[0].good && !verdicts[1].good);
  /* A known one that is bad spoils the note, good ones beside it or not. */
  snprintf(both, sizeof both, "%s%s", EXAMPLE,
           "— PeterNeumann "
           "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n");
  assert_int_equal(note_parse(slice_str(both), NULL, &note, NULL), TG_OK);
  assert_int_equal(note_verify(&note, known, 2, verdicts, &why), TG_BAD_SIGNATURE);
  assert_string_equal(why.arg[0], "PeterNeumann");
  /* Nobody known, nobody at all. */
  assert_int_equal(note_parse(slice_str(EXAMPLE), NULL, &note, NULL), TG_OK);
  assert_int_equal(note_verify(&note, known + 1, 1, verdicts, NULL), TG_BAD_SIGNATURE);
  assert_int_equal(note_verify(&note, known, 0, verdicts, NULL), TG_BAD_SIGNATURE);
  /* The same key configured twice is the same key; two keys under one name and id are a mistake. */
  struct note_key twice[2] = {known[0], known[0]};
  assert_int_equal(note_verify(&note, twice, 2, verdicts, NULL), TG_OK);
  twice[1].pk.b[0] ^= 1;
  assert_int_equal(note_verify(&note, twice, 2, verdicts, NULL), TG_CONFLICT);
}

static void a_key_signs_only_what_it_is_for(void **state)
{
  (void)state;
  static const enum key_kind kinds[] = {KEY_NODE, KEY_TRANSPORT, KEY_STORAGE, KEY_WITNESS};
  struct slice text = slice_str("text\n");
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    struct secret_key *key;
    struct buf out = buf_new(4096);
    struct tg_why why;
    assert_int_equal(secret_key_new(kinds[i], "sahel.example/ML", &key), TG_OK);
    assert_int_equal(note_sign(&out, text, key, &why), TG_USAGE);
    assert_int_equal(note_cosign(&out, text, key, 0, &why), kinds[i] == KEY_WITNESS ? TG_OK : TG_USAGE);
    secret_key_free(key);
    buf_free(&out);
  }
}

static struct buf signed_by(struct slice text, struct secret_key *const *keys, size_t n)
{
  struct buf out = buf_new(NOTE_BYTES_MAX);
  assert_int_equal(note_begin(&out, text), TG_OK);
  for (size_t i = 0; i < n; i++)
    assert_int_equal(note_sign(&out, text, keys[i], NULL), TG_OK);
  return out;
}

static void signatures_of_several_hands_merge(void **state)
{
  (void)state;
  struct secret_key *keys[3];
  struct note_key known[3];
  struct note_verdict verdicts[3];
  static const char *const names[] = {"sahel.example/ML", "sahel.example/BF", "sahel.example/NE"};
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(secret_key_new(KEY_MEMBER_ROOT, names[i], &keys[i]), TG_OK);
    assert_int_equal(secret_key_note_key(keys[i], &known[i]), TG_OK);
  }
  struct slice text = slice_str("toguna/charter v1\n# accentué\n");
  struct buf a = signed_by(text, keys, 2), b = signed_by(text, keys + 1, 2), merged = buf_new(NOTE_BYTES_MAX);
  struct buf other = signed_by(slice_str("toguna/charter v1\n# accentue\n"), keys, 1);
  struct note na, nb, no, nm;
  struct tg_why why;
  assert_int_equal(note_parse(buf_slice(&a), NULL, &na, NULL), TG_OK);
  assert_int_equal(note_parse(buf_slice(&b), NULL, &nb, NULL), TG_OK);
  assert_int_equal(note_parse(buf_slice(&other), NULL, &no, NULL), TG_OK);
  assert_int_equal(note_merge(&merged, &na, &nb, &why), TG_OK);
  assert_int_equal(note_parse(buf_slice(&merged), NULL, &nm, NULL), TG_OK);
  assert_int_equal(nm.n, 3);
  assert_int_equal(note_verify(&nm, known, 3, verdicts, NULL), TG_OK);
  assert_true(verdicts[0].good && verdicts[1].good && verdicts[2].good);
  buf_clear(&merged);
  assert_int_equal(note_merge(&merged, &na, &no, &why), TG_CONFLICT);
  assert_string_equal(why.arg[0], "2");
  for (size_t i = 0; i < 3; i++)
    secret_key_free(keys[i]);
  buf_free(&a);
  buf_free(&b);
  buf_free(&other);
  buf_free(&merged);
}

static void limits_hold(void **state)
{
  (void)state;
  struct note note;
  struct buf b = buf_new(2 * NOTE_BYTES_MAX);
  buf_put_str(&b, "text\n\n");
  for (size_t i = 0; i < NOTE_SIGNATURES_MAX; i++)
    buf_printf(&b, "— k%zu Uw2QOkn8\n", i);
  assert_int_equal(note_parse(buf_slice(&b), NULL, &note, NULL), TG_OK);
  assert_int_equal(note.n, NOTE_SIGNATURES_MAX);
  buf_put_str(&b, "— k Uw2QOkn8\n");
  assert_int_equal(note_parse(buf_slice(&b), NULL, &note, NULL), TG_TOO_BIG);
  buf_clear(&b);
  for (size_t i = 0; i <= NOTE_BYTES_MAX / 8; i++)
    buf_put_str(&b, "1234567\n");
  buf_put_str(&b, "\n— k Uw2QOkn8\n");
  assert_int_equal(note_parse(buf_slice(&b), NULL, &note, NULL), TG_TOO_BIG);
  assert_false(note_text_valid(slice_str("no end of line")));
  assert_false(note_text_valid(slice_str("")));
  buf_free(&b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(published_notes_verify),
      cmocka_unit_test(checkpoints_verify_and_are_signed_alike),
      cmocka_unit_test(a_key_line_has_one_spelling),
      cmocka_unit_test(malformed_notes_are_refused),
      cmocka_unit_test(the_text_ends_at_the_last_empty_line),
      cmocka_unit_test(no_changed_note_verifies),
      cmocka_unit_test(the_rules_about_known_and_unknown_keys),
      cmocka_unit_test(a_key_signs_only_what_it_is_for),
      cmocka_unit_test(signatures_of_several_hands_merge),
      cmocka_unit_test(limits_hold),
  };
  if (sodium_init() < 0)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
