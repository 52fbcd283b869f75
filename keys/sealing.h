/* Announced sealing keys: what others know of a node's rolling keys (proto SealingKeys), and which of them to use. */
#ifndef TOGUNA_KEYS_SEALING_H
#define TOGUNA_KEYS_SEALING_H

#include "proto/buf.h"

enum { SEALING_KEYS_MAX = 128 };

struct key_id { uint8_t b[8]; };

/* H("toguna/key-id/v1" ‖ u16 suite ‖ key)[0..8] (protocol §6). */
struct key_id sealing_key_id(uint16_t suite, const struct seal_pk *key);
bool key_id_eq(const struct key_id *a, const struct key_id *b);

struct sealing_key {
  uint16_t suite;
  tg_time from, until; /* current while from <= t < until */
  struct seal_pk key;
  struct key_id id;
};

/* One announcement, decoded. Keys ascending by (suite, from), not overlapping within a suite, no key twice. */
struct sealing_keys {
  struct hash exchange;
  struct sign_pk node;
  uint64_t serial;
  size_t n;
  struct sealing_key key[SEALING_KEYS_MAX];
};

/* Decodes and checks SealingKeys bytes (strictly). Who signed them is checked by the caller (batch). TG_BAD_INPUT also
   for keys that are no usable curve points. */
enum tg_err sealing_keys_parse(struct slice bytes, struct sealing_keys *ret, struct tg_why *why);
/* Appends the canonical SealingKeys bytes. */
enum tg_err sealing_keys_print(const struct sealing_keys *k, struct buf *out);

struct sealing_choice {
  struct sealing_key key;
  bool fallback; /* no key is current: this is the most recently expired one */
};

/* The key to seal with at time `at`: the current one; else the one that expired last, if not longer than `window` ago,
   with fallback set; else TG_NOT_FOUND. A key whose time has not come is never chosen. */
enum tg_err sealing_choose(const struct sealing_keys *k, uint16_t suite, tg_time at, tg_time window,
                           struct sealing_choice *ret);

#endif
