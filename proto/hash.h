/* Labelled SHA-256 and HKDF-SHA256 (RFC 5869). A label is ASCII text; its terminating zero byte is hashed too,
   so that no label is the beginning of another. */
#ifndef TOGUNA_PROTO_HASH_H
#define TOGUNA_PROTO_HASH_H

#include "proto/base.h"
#include <sodium.h>

/* H("label" ‖ bytes). */
struct hash hash_labelled(const char *label, struct slice bytes);
/* H(bytes), without a label. */
struct hash hash_plain(struct slice bytes);

/* The same piece by piece: hash_begin, any number of puts, hash_end. Fixed-width integers are big-endian.
   Nothing separates the pieces: put only lengths that are fixed, or one variable piece at the end. */
struct hash_state {
  crypto_hash_sha256_state sha;
};
void hash_begin(struct hash_state *s, const char *label);
void hash_put(struct hash_state *s, const void *p, size_t n);
void hash_put_hash(struct hash_state *s, const struct hash *h);
void hash_put_u16(struct hash_state *s, uint16_t v);
void hash_put_u32(struct hash_state *s, uint32_t v);
void hash_put_u64(struct hash_state *s, uint64_t v);
struct hash hash_end(struct hash_state *s);

/* RFC 5869 §2.2 and §2.3. An empty salt is 32 zero bytes. n is at most 255 × 32 (asserted). */
void hkdf_extract(struct slice salt, struct slice ikm, uint8_t prk[32]);
void hkdf_expand(const uint8_t prk[32], struct slice info, uint8_t *out, size_t n);
/* Two outputs of n bytes from one key, whose blocks are hashed once for both. */
void hkdf_expand_two(const uint8_t prk[32], const struct slice info[2], uint8_t *const out[2], size_t n);
/* The same for an input that is the concatenation of parts. */
void hkdf_extract_parts(struct slice salt, const struct slice *ikm, size_t count, uint8_t prk[32]);
void hkdf_expand_parts(const uint8_t prk[32], const struct slice *info, size_t count, uint8_t *out, size_t n);

#endif
