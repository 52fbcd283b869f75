/* HPKE (RFC 9180), suite DHKEM(X25519, HKDF-SHA256) 0x0020, HKDF-SHA256 0x0001, ChaCha20-Poly1305 0x0003, modes
   base and psk. Nothing here says who sent: bulletins are signed. */
#ifndef TOGUNA_PROTO_HPKE_H
#define TOGUNA_PROTO_HPKE_H

#include "proto/base.h"

enum { HPKE_ENC = 32, HPKE_TAG = 16 };

/* One context, secret: keep it in sodium_malloc() memory, or sodium_memzero() it after use. A sender's context
   only seals and a recipient's only opens (asserted).
   Invariants: seq counts the seals made; it never wraps. */
struct hpke {
  uint8_t key[32];
  uint8_t base_nonce[12];
  uint8_t exporter[32];
  uint64_t seq;
  bool sender;
};

/* A pre-shared secret and its name (RFC 9180 §5.1.2), both not empty. psk holds 32 bytes of entropy or more
   (shorter is refused with TG_BAD_INPUT). Passing NULL instead means mode base. */
struct hpke_psk {
  struct slice psk, id;
};

/* DeriveKeyPair of RFC 9180 §7.1.3: how Toguna makes every X25519 sealing key, from 32 random bytes. */
void hpke_derive_key_pair(const uint8_t ikm[32], uint8_t sk[32], struct seal_pk *pk);

/* A fresh context to a recipient and the encapsulated key that goes with it. TG_BAD_INPUT for a public key of
   small order or a short psk. */
enum tg_err hpke_send(const struct seal_pk *recipient, struct slice info, const struct hpke_psk *psk, struct hpke *ret,
                      uint8_t ret_enc[HPKE_ENC]);
/* The recipient's side. sk and pk are one key pair: pk is not computed again. TG_BAD_SEAL when enc is of small order. */
enum tg_err hpke_receive(const uint8_t enc[HPKE_ENC], const uint8_t sk[32], const struct seal_pk *pk, struct slice info,
                         const struct hpke_psk *psk, struct hpke *ret);

/* Seals at the context's own sequence number, then counts on. out takes plain.n + HPKE_TAG bytes and may not
   overlap plain. TG_QUOTA when the numbers are used up. */
enum tg_err hpke_seal(struct hpke *context, struct slice aad, struct slice plain, uint8_t *out);
/* Opens what was sealed at seq, in any order. out takes sealed.n - HPKE_TAG bytes; it holds nothing of use on
   failure. TG_BAD_SEAL when it does not open. */
enum tg_err hpke_open(const struct hpke *context, uint64_t seq, struct slice aad, struct slice sealed, uint8_t *out);
/* RFC 9180 §5.3. n is at most 255 × 32 (asserted). */
void hpke_export(const struct hpke *context, struct slice exporter_context, uint8_t *out, size_t n);

#endif
