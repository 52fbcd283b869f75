/* Key files: open with the right passphrase, and with nothing else. */
#include "keys/keyfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>

static const char PASSPHRASE[] = "un baobab ne pousse pas en un jour";

static struct secret_key *key_new(enum key_kind kind)
{
  struct secret_key *key;
  assert_int_equal(secret_key_new(kind, "sahel.example/ML/dgse/n1", &key), TG_OK);
  return key;
}

static struct buf sealed(const struct secret_key *key)
{
  struct buf out = buf_new(KEYFILE_BYTES_MAX);
  struct tg_why why;
  assert_int_equal(keyfile_seal(key, slice_str(PASSPHRASE), KEYFILE_COST_TEST, &out, &why), TG_OK);
  return out;
}

static enum tg_err open_with(struct slice bytes, const char *passphrase, struct tg_why *why)
{
  struct secret_key *key;
  enum tg_err err = keyfile_open(bytes, "ml.key", slice_str(passphrase), &key, why);
  if (!err)
    secret_key_free(key);
  return err;
}

static void every_kind_comes_back_as_it_was(void **state)
{
  (void)state;
  for (enum key_kind kind = KEY_MEMBER_ROOT; kind <= KEY_STORAGE; kind++) {
    struct secret_key *key = key_new(kind), *again;
    struct buf file = sealed(key);
    struct keyfile_head head;
    assert_int_equal(keyfile_peek(buf_slice(&file), NULL, &head, NULL), TG_OK);
    assert_int_equal(head.kind, kind);
    assert_string_equal(head.name, "sahel.example/ML/dgse/n1");
    assert_memory_equal(head.public_key, secret_key_public(key), 32);
    assert_int_equal(keyfile_open(buf_slice(&file), NULL, slice_str(PASSPHRASE), &again, NULL), TG_OK);
    assert_int_equal(secret_key_kind(again), kind);
    assert_true(slice_eq(secret_key_bytes(again), secret_key_bytes(key)));
    assert_memory_equal(secret_key_public(again), secret_key_public(key), 32);
    secret_key_free(key);
    secret_key_free(again);
    buf_free(&file);
  }
}

static void the_file_holds_no_secret_in_the_clear(void **state)
{
  (void)state;
  struct secret_key *key = key_new(KEY_NODE);
  struct buf file = sealed(key), again = sealed(key);
  struct slice secret = secret_key_bytes(key);
  char base64[200];
  assert_null(memmem(file.p, file.n, secret.p, 16));
  sodium_bin2base64(base64, sizeof base64, secret.p, 30, sodium_base64_VARIANT_ORIGINAL);
  assert_null(memmem(file.p, file.n, base64, 20));
  assert_null(memmem(file.p, file.n, PASSPHRASE, 8));
  assert_false(slice_eq(buf_slice(&file), buf_slice(&again))); /* fresh salt and nonce */
  secret_key_free(key);
  buf_free(&file);
  buf_free(&again);
}

static void a_wrong_passphrase_says_so(void **state)
{
  (void)state;
  struct secret_key *key = key_new(KEY_MEMBER_ROOT);
  struct buf file = sealed(key);
  struct tg_why why;
  char text[400];
  assert_int_equal(open_with(buf_slice(&file), "un baobab", &why), TG_BAD_PASSPHRASE);
  why_render(&why, NULL, text, sizeof text);
  assert_string_equal(
      text, "ml.key: the passphrase is wrong, or the key file of sahel.example/ML/dgse/n1 is damaged. "
            "Type the passphrase again; if it is surely right, restore the file from its copy");
  assert_int_equal(open_with(buf_slice(&file), "", &why), TG_BAD_PASSPHRASE);
  secret_key_free(key);
  buf_free(&file);
}

/* Each byte of the file is needed: changed, it is refused, as a bad file or as a wrong passphrase. */
static void damage_anywhere_is_noticed(void **state)
{
  (void)state;
  struct secret_key *key = key_new(KEY_OFFICER);
  struct buf file = sealed(key);
  for (size_t i = 0; i < file.n; i++) {
    struct tg_why why;
    uint8_t before = file.p[i];
    file.p[i] = before == 'B' ? 'C' : 'B';
    enum tg_err err = open_with(buf_slice(&file), PASSPHRASE, &why);
    assert_true(err == TG_BAD_INPUT || err == TG_BAD_PASSPHRASE || err == TG_UNKNOWN);
    file.p[i] = before;
  }
  for (size_t n = 0; n < file.n; n++)
    assert_int_not_equal(open_with(slice_of(file.p, n), PASSPHRASE, NULL), TG_OK);
  assert_int_equal(open_with(buf_slice(&file), PASSPHRASE, NULL), TG_OK);
  secret_key_free(key);
  buf_free(&file);
}

/* A hostile file must not make us work or allocate without end. */
static void the_cost_is_bounded_before_it_is_paid(void **state)
{
  (void)state;
  static const char *const costs[] = {"kdf argon2id 1 8388607 ",     "kdf argon2id 1 1073741825 ",
                                      "kdf argon2id 17 8388608 ",    "kdf argon2id 0 8388608 ",
                                      "kdf argon2id 1 99999999999 ", "kdf argon2i 1 8388608 "};
  for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
    char file[1024];
    snprintf(file, sizeof file,
             "toguna/keyfile v1\nkind officer\nname a/ML\npublic %s\n%sAAAAAAAAAAAAAAAAAAAAAA==\n"
             "cipher xchacha20-poly1305 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\n%s\n",
             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", costs[i],
             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    struct tg_why why;
    assert_int_equal(open_with(slice_str(file), PASSPHRASE, &why), TG_BAD_INPUT);
    assert_int_equal(strncmp(why.where, "ml.key:5:", 9), 0);
  }
  struct secret_key *key = key_new(KEY_OFFICER);
  struct buf out = buf_new(KEYFILE_BYTES_MAX);
  assert_int_equal(keyfile_seal(key, slice_str(""), KEYFILE_COST_TEST, &out, NULL), TG_USAGE);
  assert_int_equal(keyfile_seal(key, slice_str("x"), (struct keyfile_cost){1, 4096}, &out, NULL), TG_USAGE);
  secret_key_free(key);
  buf_free(&out);
}

static void a_key_serves_its_kind(void **state)
{
  (void)state;
  struct secret_key *transport = key_new(KEY_TRANSPORT), *node = key_new(KEY_NODE),
                    *storage = key_new(KEY_STORAGE);
  struct sign_sig sig;
  struct slice message = slice_str("message");
  assert_int_equal(secret_key_sign(transport, message, &sig), TG_USAGE);
  assert_int_equal(secret_key_sign(storage, message, &sig), TG_USAGE);
  assert_null(secret_key_ed25519(transport));
  assert_null(secret_key_x25519(node));
  assert_null(secret_key_storage(transport));
  assert_int_equal(secret_key_sign(node, message, &sig), TG_OK);
  assert_int_equal(crypto_sign_verify_detached(sig.b, message.p, message.n, secret_key_sign_pk(node).b), 0);
  assert_memory_not_equal(secret_key_storage(node), secret_key_bytes(node).p, 32);
  struct secret_key *none;
  assert_int_equal(secret_key_new(KEY_NODE, "with space", &none), TG_BAD_INPUT);
  assert_int_equal(secret_key_new((enum key_kind)99, "a", &none), TG_BAD_INPUT);
  assert_int_equal(secret_key_from(KEY_NODE, "a", slice_str("short"), &none), TG_BAD_INPUT);
  secret_key_free(transport);
  secret_key_free(node);
  secret_key_free(storage);
  secret_key_free(NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kind_comes_back_as_it_was),
      cmocka_unit_test(the_file_holds_no_secret_in_the_clear),
      cmocka_unit_test(a_wrong_passphrase_says_so),
      cmocka_unit_test(damage_anywhere_is_noticed),
      cmocka_unit_test(the_cost_is_bounded_before_it_is_paid),
      cmocka_unit_test(a_key_serves_its_kind),
  };
  if (sodium_init() < 0)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
