#include "proto/hpke.h"

#include "proto/hash.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static const uint8_t kem_suite[] = {'K', 'E', 'M', 0x00, 0x20};
static const uint8_t hpke_suite[] = {'H', 'P', 'K', 'E', 0x00, 0x20, 0x00, 0x01, 0x00, 0x03};

enum { MODE_BASE = 0, MODE_PSK = 1, PSK_MIN = 32 };

#define SLICE(array) slice_of(array, sizeof array)

/* LabeledExtract and LabeledExpand (§4). */
static void extract(struct slice suite, struct slice salt, const char *label, struct slice ikm, uint8_t prk[32])
{
  const struct slice parts[] = {slice_str("HPKE-v1"), suite, slice_str(label), ikm};
  hkdf_extract_parts(salt, parts, 4, prk);
}

static void expand(struct slice suite, const uint8_t prk[32], const char *label, struct slice info, uint8_t *out,
                   size_t n)
{
  const uint8_t length[2] = {(uint8_t)(n >> 8), (uint8_t)n};
  const struct slice parts[] = {SLICE(length), slice_str("HPKE-v1"), suite, slice_str(label), info};
  hkdf_expand_parts(prk, parts, 5, out, n);
}

void hpke_derive_key_pair(const uint8_t ikm[32], uint8_t sk[32], struct seal_pk *pk)
{
  uint8_t prk[32];
  extract(SLICE(kem_suite), slice_of(NULL, 0), "dkp_prk", slice_of(ikm, 32), prk);
  expand(SLICE(kem_suite), prk, "sk", slice_of(NULL, 0), sk, 32);
  crypto_scalarmult_base(pk->b, sk);
  sodium_memzero(prk, sizeof prk);
}

/* The shared secret of sk and pk (§4.1). False when it would not depend on sk: a public key of small order. */
static bool kem_secret(const uint8_t sk[32], const uint8_t pk[32], const uint8_t enc[HPKE_ENC],
                       const struct seal_pk *recipient, uint8_t secret[32])
{
  uint8_t dh[32], prk[32], context[HPKE_ENC + 32];
  bool sound = crypto_scalarmult(dh, sk, pk) == 0;
  memcpy(context, enc, HPKE_ENC);
  memcpy(context + HPKE_ENC, recipient->b, sizeof recipient->b);
  extract(SLICE(kem_suite), slice_of(NULL, 0), "eae_prk", SLICE(dh), prk);
  expand(SLICE(kem_suite), prk, "shared_secret", SLICE(context), secret, 32);
  sodium_memzero(dh, sizeof dh);
  sodium_memzero(prk, sizeof prk);
  return sound;
}

/* §5.1 */
static void key_schedule(const uint8_t shared[32], struct slice info, const struct hpke_psk *psk, struct hpke *ret)
{
  uint8_t context[1 + 32 + 32], secret[32];
  struct slice none = slice_of(NULL, 0);
  context[0] = psk ? MODE_PSK : MODE_BASE;
  extract(SLICE(hpke_suite), none, "psk_id_hash", psk ? psk->id : none, context + 1);
  extract(SLICE(hpke_suite), none, "info_hash", info, context + 33);
  extract(SLICE(hpke_suite), slice_of(shared, 32), "secret", psk ? psk->psk : none, secret);
  expand(SLICE(hpke_suite), secret, "key", SLICE(context), ret->key, sizeof ret->key);
  expand(SLICE(hpke_suite), secret, "base_nonce", SLICE(context), ret->base_nonce, sizeof ret->base_nonce);
  expand(SLICE(hpke_suite), secret, "exp", SLICE(context), ret->exporter, sizeof ret->exporter);
  ret->seq = 0;
  sodium_memzero(secret, sizeof secret);
}

static bool psk_valid(const struct hpke_psk *psk) { return !psk || (psk->psk.n >= PSK_MIN && psk->id.n > 0); }

enum tg_err hpke_send(const struct seal_pk *recipient, struct slice info, const struct hpke_psk *psk, struct hpke *ret,
                      uint8_t ret_enc[HPKE_ENC])
{
  uint8_t ikm[32], sk[32], shared[32];
  struct seal_pk ephemeral;
  if (!psk_valid(psk))
    return TG_BAD_INPUT;
  randombytes_buf(ikm, sizeof ikm);
  hpke_derive_key_pair(ikm, sk, &ephemeral);
  bool sound = kem_secret(sk, recipient->b, ephemeral.b, recipient, shared);
  if (sound) {
    key_schedule(shared, info, psk, ret);
    ret->sender = true;
    memcpy(ret_enc, ephemeral.b, HPKE_ENC);
  }
  sodium_memzero(ikm, sizeof ikm);
  sodium_memzero(sk, sizeof sk);
  sodium_memzero(shared, sizeof shared);
  return sound ? TG_OK : TG_BAD_INPUT;
}

enum tg_err hpke_receive(const uint8_t enc[HPKE_ENC], const uint8_t sk[32], const struct seal_pk *pk, struct slice info,
                         const struct hpke_psk *psk, struct hpke *ret)
{
  uint8_t shared[32];
  if (!psk_valid(psk))
    return TG_BAD_INPUT;
  bool sound = kem_secret(sk, enc, enc, pk, shared);
  if (sound) {
    key_schedule(shared, info, psk, ret);
    ret->sender = false;
  }
  sodium_memzero(shared, sizeof shared);
  return sound ? TG_OK : TG_BAD_SEAL;
}

/* base_nonce XOR seq, as a 12-byte big-endian number (§5.2). */
static void nonce_at(const struct hpke *c, uint64_t seq, uint8_t nonce[12])
{
  memcpy(nonce, c->base_nonce, 12);
  for (size_t i = 0; i < 8; i++)
    nonce[11 - i] ^= (uint8_t)(seq >> (8 * i));
}

enum tg_err hpke_seal(struct hpke *c, struct slice aad, struct slice plain, uint8_t *out)
{
  uint8_t nonce[12];
  assert(c->sender);
  if (c->seq == UINT64_MAX)
    return TG_QUOTA;
  nonce_at(c, c->seq++, nonce);
  crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain.p, plain.n, aad.p, aad.n, NULL, nonce, c->key);
  return TG_OK;
}

enum tg_err hpke_open(const struct hpke *c, uint64_t seq, struct slice aad, struct slice sealed, uint8_t *out)
{
  uint8_t nonce[12];
  assert(!c->sender);
  nonce_at(c, seq, nonce);
  int bad = crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.p, sealed.n, aad.p, aad.n, nonce, c->key);
  return bad ? TG_BAD_SEAL : TG_OK;
}

void hpke_export(const struct hpke *c, struct slice exporter_context, uint8_t *out, size_t n)
{
  expand(SLICE(hpke_suite), c->exporter, "sec", exporter_context, out, n);
}
