#include "keys/keyring.h"
#include "proto/hpke.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
  SUITE = 1,
  NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
  TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
  ENTRY_BYTES = 2 + 8 + 8 + 32,
  HEAD_BYTES = 8 + 4,
  APART = 4096, /* serials of announcements whose moment cannot be told */
};

/* Begins every stored ring, and is the additional data of its encryption. */
static const char MAGIC[] = "toguna/keyring/v1";

struct entry {
  struct sealing_key key;
  uint8_t secret[32];
};

/* Invariants: entry[] is in guarded memory, ascending by from, not overlapping; n <= cap <= KEYRING_MAX; serial is the
   last one announced. */
struct keyring {
  struct entry *entry;
  size_t n, cap;
  uint64_t serial;
};

struct keyring *keyring_new(void)
{
  return calloc(1, sizeof(struct keyring));
}

void keyring_free(struct keyring *r)
{
  if (!r)
    return;
  sodium_free(r->entry);
  free(r);
}

size_t keyring_count(const struct keyring *r)
{
  return r->n;
}

static enum tg_err reserve(struct keyring *r, size_t n)
{
  size_t cap = r->cap ? r->cap : 64;
  if (n <= r->cap)
    return TG_OK;
  if (n > KEYRING_MAX)
    return TG_TOO_BIG;
  while (cap < n)
    cap *= 2;
  struct entry *entry = sodium_allocarray(cap, sizeof *entry);
  if (!entry)
    return TG_NO_MEMORY;
  if (r->n)
    memcpy(entry, r->entry, r->n * sizeof *entry);
  sodium_free(r->entry);
  r->entry = entry;
  r->cap = cap;
  return TG_OK;
}

/* A fresh key for [from, until) at place i. */
static enum tg_err insert(struct keyring *r, size_t i, tg_time from, tg_time until)
{
  uint8_t seed[32];
  enum tg_err err = reserve(r, r->n + 1);
  if (err)
    return err;
  struct entry *e = &r->entry[i];
  memmove(e + 1, e, (r->n - i) * sizeof *e);
  r->n++;
  *e = (struct entry){.key = {.suite = SUITE, .from = from, .until = until}};
  randombytes_buf(seed, sizeof seed);
  hpke_derive_key_pair(seed, e->secret, &e->key.key);
  sodium_memzero(seed, sizeof seed);
  e->key.id = sealing_key_id(SUITE, &e->key.key);
  return TG_OK;
}

enum tg_err keyring_fill(struct keyring *r, tg_time now, tg_time period, uint64_t ahead, size_t *ret_made)
{
  size_t made = 0, i = 0;
  enum tg_err err = TG_OK;
  if (period < TG_MINUTE || now < 0 || ahead < 1 || ahead > SEALING_KEYS_MAX - 2)
    return TG_BAD_INPUT;
  tg_time t = now / period * period, end = t + ((tg_time)ahead + 1) * period;
  /* Walk the time line; wherever no key covers it, make one up to the next period or the next key. */
  while (!err && t < end) {
    while (i < r->n && r->entry[i].key.until <= t)
      i++;
    if (i < r->n && r->entry[i].key.from <= t) {
      t = r->entry[i].key.until;
      continue;
    }
    tg_time until = (t / period + 1) * period;
    if (i < r->n && r->entry[i].key.from < until)
      until = r->entry[i].key.from;
    err = insert(r, i, t, until);
    made += !err;
    t = until;
  }
  if (!err)
    *ret_made = made;
  return err;
}

size_t keyring_erase(struct keyring *r, tg_time now, tg_time keep)
{
  size_t gone = 0;
  while (gone < r->n && r->entry[gone].key.until + keep < now)
    gone++;
  if (gone == 0)
    return 0;
  memmove(r->entry, r->entry + gone, (r->n - gone) * sizeof *r->entry);
  r->n -= gone;
  sodium_memzero(r->entry + r->n, gone * sizeof *r->entry);
  return gone;
}

enum tg_err keyring_find(const struct keyring *r, const struct key_id *id, const uint8_t **ret_secret,
                         struct seal_pk *ret_key)
{
  for (size_t i = 0; i < r->n; i++) {
    if (!key_id_eq(&r->entry[i].key.id, id))
      continue;
    *ret_secret = r->entry[i].secret;
    *ret_key = r->entry[i].key.key;
    return TG_OK;
  }
  return TG_NOT_FOUND;
}

/* The first key to announce. Whose clock is ahead of others' must not take from them the key of a time that is not over for
   them: what ended less than a day ago stays announced, as far as there is room beside what is to come. */
static size_t first_announced(const struct keyring *r, tg_time now)
{
  size_t first = 0;
  while (first < r->n && r->entry[first].key.until <= now &&
         (r->entry[first].key.until <= now - TG_DAY || r->n - first > SEALING_KEYS_MAX))
    first++;
  return first;
}

enum tg_err keyring_announce(struct keyring *r, const struct hash *exchange, const struct sign_pk *node,
                             uint64_t above, tg_time now, struct buf *out)
{
  const uint64_t last = above > r->serial ? above : r->serial;
  const bool lasts = r->n > 0 && r->entry[r->n - 1].key.until > now;
  struct sealing_keys *k = calloc(1, sizeof *k);
  if (!k)
    return TG_NO_MEMORY;
  k->exchange = *exchange;
  k->node = *node;
  k->serial = now > 0 && (uint64_t)now > last ? (uint64_t)now : last + 1 + randombytes_uniform(APART);
  for (size_t i = first_announced(r, now); i < r->n && k->n < SEALING_KEYS_MAX; i++)
    k->key[k->n++] = r->entry[i].key;
  enum tg_err err = lasts ? sealing_keys_print(k, out) : TG_NOT_FOUND;
  if (!err)
    r->serial = k->serial;
  free(k);
  return err;
}

/* --- stored --- */

static void put_be(uint8_t *p, uint64_t v, size_t n)
{
  for (size_t i = 0; i < n; i++)
    p[i] = (uint8_t)(v >> 8 * (n - 1 - i));
}

/* The plaintext of a ring into p, which has room. */
static void write_plain(const struct keyring *r, uint8_t *p)
{
  put_be(p, r->serial, 8);
  put_be(p + 8, r->n, 4);
  p += HEAD_BYTES;
  for (size_t i = 0; i < r->n; i++, p += ENTRY_BYTES) {
    const struct entry *e = &r->entry[i];
    put_be(p, e->key.suite, 2);
    put_be(p + 2, (uint64_t)e->key.from, 8);
    put_be(p + 10, (uint64_t)e->key.until, 8);
    memcpy(p + 18, e->secret, 32);
  }
}

enum tg_err keyring_seal(const struct keyring *r, const uint8_t storage[32], struct buf *out)
{
  size_t n = HEAD_BYTES + r->n * ENTRY_BYTES;
  uint8_t nonce[NONCE], *plain = sodium_malloc(n);
  if (!plain)
    return TG_NO_MEMORY;
  write_plain(r, plain);
  randombytes_buf(nonce, sizeof nonce);
  buf_put(out, MAGIC, sizeof MAGIC);
  buf_put(out, nonce, sizeof nonce);
  uint8_t *to = buf_grow(out, n + TAG);
  if (to)
    crypto_aead_xchacha20poly1305_ietf_encrypt(to, NULL, plain, n, (const uint8_t *)MAGIC, sizeof MAGIC, NULL,
                                               nonce, storage);
  sodium_free(plain);
  return buf_status(out);
}

static bool read_entry(struct slice *s, struct keyring *r)
{
  uint16_t suite;
  uint64_t from, until;
  struct slice secret;
  if (!take_u16(s, &suite) || !take_u64(s, &from) || !take_u64(s, &until) || !take(s, 32, &secret))
    return false;
  if (suite != SUITE || from >= until || until > INT64_MAX)
    return false;
  if (r->n > 0 && (tg_time)from < r->entry[r->n - 1].key.until)
    return false;
  struct entry *e = &r->entry[r->n++];
  *e = (struct entry){.key = {.suite = suite, .from = (tg_time)from, .until = (tg_time)until}};
  memcpy(e->secret, secret.p, sizeof e->secret);
  crypto_scalarmult_base(e->key.key.b, e->secret);
  e->key.id = sealing_key_id(suite, &e->key.key);
  return true;
}

static enum tg_err read_plain(struct slice s, struct keyring **ret)
{
  uint32_t n;
  struct keyring *r = keyring_new();
  if (!r)
    return TG_NO_MEMORY;
  bool good =
      take_u64(&s, &r->serial) && take_u32(&s, &n) && n <= KEYRING_MAX && s.n == (size_t)n * ENTRY_BYTES;
  enum tg_err err = good ? reserve(r, n) : TG_BAD_INPUT;
  for (uint32_t i = 0; !err && i < n; i++)
    if (!read_entry(&s, r))
      err = TG_BAD_INPUT;
  if (err)
    keyring_free(r);
  else
    *ret = r;
  return err;
}

enum tg_err keyring_open(struct slice bytes, const uint8_t storage[32], struct keyring **ret)
{
  struct slice magic, nonce;
  if (!take(&bytes, sizeof MAGIC, &magic) || memcmp(magic.p, MAGIC, sizeof MAGIC) ||
      !take(&bytes, NONCE, &nonce) || bytes.n < TAG || bytes.n > TAG + HEAD_BYTES + KEYRING_MAX * ENTRY_BYTES)
    return TG_BAD_INPUT;
  uint8_t *plain = sodium_malloc(bytes.n - TAG + 1);
  unsigned long long n;
  if (!plain)
    return TG_NO_MEMORY;
  enum tg_err err = TG_BAD_SEAL;
  if (!crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &n, NULL, bytes.p, bytes.n, magic.p, magic.n,
                                                  nonce.p, storage))
    err = read_plain(slice_of(plain, (size_t)n), ret);
  sodium_free(plain);
  return err;
}
