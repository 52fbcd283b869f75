/* A node's own rolling sealing keys: a fresh, independent X25519 key for each period, erased for good when nothing that
   was sealed to it can still be due. That erasure is the forward secrecy of the exchange: never keep a copy. */
#ifndef TOGUNA_KEYS_KEYRING_H
#define TOGUNA_KEYS_KEYRING_H

#include "keys/sealing.h"
#include "proto/buf.h"

enum { KEYRING_MAX = 4096 }; /* keys held at once, expired ones that may still be needed included */

struct keyring;

/* An empty ring for suite 0x0001. NULL without memory. */
struct keyring *keyring_new(void);
void keyring_free(struct keyring *r); /* wipes */

/* Makes sure that there are keys for the period holding `now` and for `ahead` periods more (periods are multiples of
   `period` since 1970). *ret_made: how many were generated, when not 0 announce and store the ring. TG_BAD_INPUT for
   period < 1 minute or ahead out of 1..SEALING_KEYS_MAX - 2; TG_TOO_BIG when the ring is full (erase first; else the
   period is too short for the longest bulletin life); TG_NO_MEMORY. */
enum tg_err keyring_fill(struct keyring *r, tg_time now, tg_time period, uint64_t ahead, size_t *ret_made);
/* Erases keys with until + keep < now, keep being the charter's sealing window plus the longest bulletin life. Returns how
   many. Store the ring afterwards, over the old file. */
size_t keyring_erase(struct keyring *r, tg_time now, tg_time keep);
size_t keyring_count(const struct keyring *r);

/* The secret and public half of a key by its id; borrowed until the next fill, erase or free. TG_NOT_FOUND: never ours,
   or erased. */
enum tg_err keyring_find(const struct keyring *r, const struct key_id *id, const uint8_t **ret_secret,
                         struct seal_pk *ret_key);

/* The announcement of every key not yet expired at `now`, and of those that expired in the day before, for whose clock is behind ours; as SealingKeys
   bytes appended to out; the caller batch-signs them. TG_NOT_FOUND: every key is expired. Its serial is `now`; or, if the ring's last or `above` (that
   others know, 0: none) is not earlier, one of the 4,096 behind that. So an old copy of the ring, which has forgotten what it announced, comes after it;
   and if its clock is behind as well, its serial is most likely another one. Store the ring first: a serial must not be used twice. */
enum tg_err keyring_announce(struct keyring *r, const struct hash *exchange, const struct sign_pk *node, uint64_t above, tg_time now,
                             struct buf *out);

/* The ring as bytes for a file, encrypted under the node's storage key (XChaCha20-Poly1305), and back. keyring_open:
   TG_BAD_SEAL (another key, or damaged), TG_BAD_INPUT. */
enum tg_err keyring_seal(const struct keyring *r, const uint8_t storage[32], struct buf *out);
enum tg_err keyring_open(struct slice bytes, const uint8_t storage[32], struct keyring **ret);

#endif
