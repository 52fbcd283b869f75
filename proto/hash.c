#include "proto/hash.h"

#include <assert.h>
#include <string.h>

void hash_begin(struct hash_state *s, const char *label)
{
  crypto_hash_sha256_init(&s->sha);
  hash_put(s, label, strlen(label) + 1);
}

void hash_put(struct hash_state *s, const void *p, size_t n)
{
  if (n)
    crypto_hash_sha256_update(&s->sha, p, n);
}

void hash_put_hash(struct hash_state *s, const struct hash *h) { hash_put(s, h->b, sizeof h->b); }

static void put_big_endian(struct hash_state *s, uint64_t v, size_t n)
{
  uint8_t b[8];
  for (size_t i = 0; i < n; i++)
    b[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
  hash_put(s, b, n);
}

void hash_put_u16(struct hash_state *s, uint16_t v) { put_big_endian(s, v, 2); }
void hash_put_u32(struct hash_state *s, uint32_t v) { put_big_endian(s, v, 4); }
void hash_put_u64(struct hash_state *s, uint64_t v) { put_big_endian(s, v, 8); }

struct hash hash_end(struct hash_state *s)
{
  struct hash h;
  crypto_hash_sha256_final(&s->sha, h.b);
  return h;
}

struct hash hash_labelled(const char *label, struct slice bytes)
{
  struct hash_state s;
  hash_begin(&s, label);
  hash_put(&s, bytes.p, bytes.n);
  return hash_end(&s);
}

struct hash hash_plain(struct slice bytes)
{
  struct hash_state s;
  crypto_hash_sha256_init(&s.sha);
  hash_put(&s, bytes.p, bytes.n);
  return hash_end(&s);
}

/* crypto_auth_hmacsha256_init() of 1.0.18 takes no NULL key, even of length 0. */
static void hmac_begin(crypto_auth_hmacsha256_state *h, struct slice key)
{
  static const uint8_t empty[1];
  crypto_auth_hmacsha256_init(h, key.n ? key.p : empty, key.n);
}

static void hmac_put(crypto_auth_hmacsha256_state *h, struct slice s)
{
  if (s.n)
    crypto_auth_hmacsha256_update(h, s.p, s.n);
}

static void hmac_end(crypto_auth_hmacsha256_state *h, uint8_t out[32])
{
  crypto_auth_hmacsha256_final(h, out);
  sodium_memzero(h, sizeof *h);
}

void hkdf_extract_parts(struct slice salt, const struct slice *ikm, size_t count, uint8_t prk[32])
{
  crypto_auth_hmacsha256_state h;
  hmac_begin(&h, salt); /* HMAC pads with zeros, so that an empty key is 32 zero bytes */
  for (size_t i = 0; i < count; i++)
    hmac_put(&h, ikm[i]);
  hmac_end(&h, prk);
}

void hkdf_extract(struct slice salt, struct slice ikm, uint8_t prk[32]) { hkdf_extract_parts(salt, &ikm, 1, prk); }

/* keyed: the state that every block of this key begins with. */
static void expand(const crypto_auth_hmacsha256_state *keyed, const struct slice *info, size_t count, uint8_t *out, size_t n)
{
  uint8_t block[32];
  assert(n <= 255 * sizeof block);
  for (uint8_t counter = 1; n; counter++) {
    size_t some = n < sizeof block ? n : sizeof block;
    crypto_auth_hmacsha256_state h = *keyed;
    hmac_put(&h, slice_of(block, counter > 1 ? sizeof block : 0));
    for (size_t i = 0; i < count; i++)
      hmac_put(&h, info[i]);
    hmac_put(&h, slice_of(&counter, 1));
    hmac_end(&h, block);
    memcpy(out, block, some);
    out += some;
    n -= some;
  }
  sodium_memzero(block, sizeof block);
}

void hkdf_expand_parts(const uint8_t prk[32], const struct slice *info, size_t count, uint8_t *out, size_t n)
{
  crypto_auth_hmacsha256_state keyed;
  hmac_begin(&keyed, slice_of(prk, 32));
  expand(&keyed, info, count, out, n);
  sodium_memzero(&keyed, sizeof keyed);
}

void hkdf_expand(const uint8_t prk[32], struct slice info, uint8_t *out, size_t n)
{
  hkdf_expand_parts(prk, &info, 1, out, n);
}

void hkdf_expand_two(const uint8_t prk[32], const struct slice info[2], uint8_t *const out[2], size_t n)
{
  crypto_auth_hmacsha256_state keyed;
  hmac_begin(&keyed, slice_of(prk, 32));
  for (size_t i = 0; i < 2; i++)
    expand(&keyed, &info[i], 1, out[i], n);
  sodium_memzero(&keyed, sizeof keyed);
}
