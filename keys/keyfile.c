#include "keys/keyfile.h"
#include "keys/codec.h"
#include "keys/document.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define MIB (UINT64_C(1024) * 1024)

const struct keyfile_cost KEYFILE_COST_DEFAULT = {3, 256 * MIB};
const struct keyfile_cost KEYFILE_COST_LIGHT = {2, 64 * MIB};
const struct keyfile_cost KEYFILE_COST_TEST = {1, 8 * MIB};

enum {
  SALT = crypto_pwhash_SALTBYTES,
  NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
  TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
  KEY = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
  SECRET_MAX = 64,
};

enum { KIND, NAME, PUBLIC, KDF, CIPHER };

static const struct line_rule rules[] = {
    [KIND] = {"kind", 1, 1, LINE_ONCE},     [NAME] = {"name", 1, 1, LINE_ONCE},
    [PUBLIC] = {"public", 1, 1, LINE_ONCE}, [KDF] = {"kdf", 4, 4, LINE_ONCE},
    [CIPHER] = {"cipher", 2, 2, LINE_ONCE},
};

static const struct document_grammar grammar = {"toguna/keyfile v1", rules, sizeof rules / sizeof *rules,
                                                false};

/* A key file taken apart. head and body point into its bytes. */
struct parts {
  struct keyfile_head head;
  struct slice text; /* all before the body: the additional data */
  uint8_t salt[SALT], nonce[NONCE];
  uint8_t sealed[SECRET_MAX + TAG];
  size_t n_sealed;
};

static bool cost_valid(struct keyfile_cost cost)
{
  return cost.passes >= 1 && cost.passes <= 16 && cost.memory >= 8 * MIB && cost.memory <= 1024 * MIB;
}

/* argon2id(passphrase, salt) into key, which is in guarded memory. */
static enum tg_err derive(uint8_t key[KEY], struct slice passphrase, const uint8_t salt[SALT],
                          struct keyfile_cost cost, struct tg_why *why)
{
  if (!crypto_pwhash(key, KEY, (const char *)passphrase.p, passphrase.n, salt, cost.passes,
                     (size_t)cost.memory, crypto_pwhash_ALG_ARGON2ID13))
    return TG_OK;
  char memory[24];
  snprintf(memory, sizeof memory, "%llu", (unsigned long long)(cost.memory / MIB));
  return why_set(why, TG_NO_MEMORY, NULL, N_("there are not %1$s MiB of memory to work on the passphrase"),
                 N_("close other programs, or use a machine with more memory"), memory, NULL, NULL);
}

/* --- writing --- */

static void put_head(const struct secret_key *key, struct keyfile_cost cost, const uint8_t salt[SALT],
                     const uint8_t nonce[NONCE], struct buf *out)
{
  char public_key[KEY_TEXT];
  key_print(secret_key_public(key), public_key);
  buf_printf(out, "toguna/keyfile v1\nkind %s\nname %s\npublic %s\nkdf argon2id %llu %llu ",
             key_kind_name(secret_key_kind(key)), secret_key_name(key), public_key,
             (unsigned long long)cost.passes, (unsigned long long)cost.memory);
  base64_put(out, salt, SALT);
  buf_put_str(out, "\ncipher xchacha20-poly1305 ");
  base64_put(out, nonce, NONCE);
  buf_put_str(out, "\n\n");
}

static enum tg_err seal(const struct secret_key *key, struct slice passphrase, struct keyfile_cost cost,
                        uint8_t aead_key[KEY], struct buf *out, struct tg_why *why)
{
  uint8_t salt[SALT], nonce[NONCE], sealed[SECRET_MAX + TAG];
  unsigned long long n;
  struct slice secret = secret_key_bytes(key);
  struct buf text = buf_new(KEYFILE_BYTES_MAX);
  randombytes_buf(salt, sizeof salt);
  randombytes_buf(nonce, sizeof nonce);
  enum tg_err err = derive(aead_key, passphrase, salt, cost, why);
  if (!err) {
    put_head(key, cost, salt, nonce, &text);
    err = buf_status(&text);
  }
  if (!err) {
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, &n, secret.p, secret.n, text.p, text.n, NULL, nonce,
                                               aead_key);
    base64_put(&text, sealed, (size_t)n);
    buf_put_str(&text, "\n");
    err = buf_status(&text);
  }
  if (!err) {
    buf_put_slice(out, buf_slice(&text));
    err = buf_status(out);
  }
  buf_free(&text);
  return err;
}

enum tg_err keyfile_seal(const struct secret_key *key, struct slice passphrase, struct keyfile_cost cost,
                         struct buf *out, struct tg_why *why)
{
  if (passphrase.n == 0 || passphrase.n > PASSPHRASE_MAX)
    return why_set(why, TG_USAGE, NULL, N_("a passphrase has 1 to 1024 bytes"),
                   N_("choose another passphrase"), NULL, NULL, NULL);
  if (!cost_valid(cost))
    return why_set(why, TG_USAGE, NULL, N_("the cost of a passphrase is 1 to 16 passes over 8 MiB to 1 GiB"),
                   NULL, NULL, NULL, NULL);
  uint8_t *aead_key = sodium_malloc(KEY);
  if (!aead_key)
    return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  enum tg_err err = seal(key, passphrase, cost, aead_key, out, why);
  sodium_free(aead_key);
  return err;
}

/* --- reading --- */

static enum tg_err bad_line(const struct document *d, const struct line *l, size_t i, struct tg_why *why)
{
  return document_error(d, l, i, TG_BAD_INPUT,
                        N_("this line of the key file is damaged, or of a newer program"),
                        N_("restore the file from its copy"), NULL, NULL, why);
}

static enum tg_err read_kdf(const struct document *d, struct parts *p, struct tg_why *why)
{
  const struct line *l = document_find(d, KDF);
  if (!slice_is(l->word[0].text, "argon2id") || base64_read(l->word[3].text, p->salt, SALT))
    return bad_line(d, l, 0, why);
  enum tg_err err = document_number(d, l, 1, 1, 16, &p->head.cost.passes, why);
  return err ? err : document_number(d, l, 2, 8 * MIB, 1024 * MIB, &p->head.cost.memory, why);
}

static enum tg_err read_name(const struct document *d, struct parts *p, struct tg_why *why)
{
  const struct line *l = document_find(d, NAME);
  struct note_key check;
  static const struct sign_pk none;
  if (note_key_make(l->word[0].text, NOTE_ED25519, &none, &check))
    return bad_line(d, l, 0, why);
  memcpy(p->head.name, check.name, sizeof p->head.name);
  return TG_OK;
}

static enum tg_err read_head(const struct document *d, struct parts *p, struct tg_why *why)
{
  const struct line *kind = document_find(d, KIND), *cipher = document_find(d, CIPHER);
  if (key_kind_parse(kind->word[0].text, &p->head.kind))
    return bad_line(d, kind, 0, why);
  if (!slice_is(cipher->word[0].text, "xchacha20-poly1305") ||
      base64_read(cipher->word[1].text, p->nonce, NONCE))
    return bad_line(d, cipher, 0, why);
  enum tg_err err = read_name(d, p, why);
  if (!err)
    err = document_key(d, document_find(d, PUBLIC), 0, p->head.public_key, why);
  return err ? err : read_kdf(d, p, why);
}

/* The body is the last line, behind the only empty one. */
static bool split_body(struct slice bytes, struct slice *ret_head, struct slice *ret_body)
{
  const uint8_t *gap = bytes.n <= KEYFILE_BYTES_MAX ? memmem(bytes.p, bytes.n, "\n\n", 2) : NULL;
  if (!gap || bytes.p[bytes.n - 1] != '\n')
    return false;
  size_t head = (size_t)(gap - bytes.p) + 1;
  if (head + 2 > bytes.n)
    return false;
  *ret_head = slice_of(bytes.p, head);
  *ret_body = slice_of(bytes.p + head + 1, bytes.n - head - 2);
  return true;
}

static enum tg_err parts_read(struct slice bytes, const char *file, struct parts *p, struct tg_why *why)
{
  struct slice head, body;
  struct document *d;
  file = file ? file : "key file";
  if (!split_body(bytes, &head, &body) || base64_read_upto(body, p->sealed, sizeof p->sealed, &p->n_sealed))
    return why_set(why, TG_BAD_INPUT, file, N_("this is not a key file, or it was cut off"),
                   N_("restore the file from its copy"), NULL, NULL, NULL);
  enum tg_err err = document_parse(&grammar, head, file, &d, why);
  if (err)
    return err;
  p->text = slice_of(head.p, head.n + 1);
  err = read_head(d, p, why);
  document_free(d);
  return err;
}

enum tg_err keyfile_peek(struct slice bytes, const char *file, struct keyfile_head *ret, struct tg_why *why)
{
  struct parts p = {0};
  enum tg_err err = parts_read(bytes, file, &p, why);
  if (!err)
    *ret = p.head;
  return err;
}

/* secret: SECRET_MAX bytes followed by the KEY bytes of the cipher's key, in guarded memory. */
static enum tg_err open_parts(const struct parts *p, struct slice passphrase, uint8_t *secret,
                              struct secret_key **ret, struct tg_why *why)
{
  unsigned long long n;
  uint8_t *aead_key = secret + SECRET_MAX;
  struct secret_key *key;
  enum tg_err err = derive(aead_key, passphrase, p->salt, p->head.cost, why);
  if (err)
    return err;
  if (p->n_sealed < TAG ||
      crypto_aead_xchacha20poly1305_ietf_decrypt(secret, &n, NULL, p->sealed, p->n_sealed, p->text.p,
                                                 p->text.n, p->nonce, aead_key))
    return TG_BAD_PASSPHRASE;
  err = secret_key_from(p->head.kind, p->head.name, slice_of(secret, (size_t)n), &key);
  if (err == TG_NO_MEMORY)
    return why_set(why, err, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  if (err)
    return TG_BAD_PASSPHRASE;
  if (sodium_memcmp(secret_key_public(key), p->head.public_key, 32)) {
    secret_key_free(key);
    return TG_BAD_PASSPHRASE;
  }
  *ret = key;
  return TG_OK;
}

enum tg_err keyfile_open(struct slice bytes, const char *file, struct slice passphrase,
                         struct secret_key **ret, struct tg_why *why)
{
  struct parts p = {0};
  enum tg_err err = parts_read(bytes, file, &p, why);
  if (err)
    return err;
  uint8_t *secret = passphrase.n <= PASSPHRASE_MAX ? sodium_malloc(SECRET_MAX + KEY) : NULL;
  if (!secret && passphrase.n <= PASSPHRASE_MAX)
    return why_set(why, TG_NO_MEMORY, file, N_("out of memory"), NULL, NULL, NULL, NULL);
  err = secret ? open_parts(&p, passphrase, secret, ret, why) : TG_BAD_PASSPHRASE;
  sodium_free(secret);
  if (err == TG_BAD_PASSPHRASE)
    why_set(why, err, file, N_("the passphrase is wrong, or the key file of %1$s is damaged"),
            N_("type the passphrase again; if it is surely right, restore the file from its copy"),
            p.head.name, NULL, NULL);
  return err;
}
