#include "keys/sealing.h"
#include "proto/hash.h"
#include "proto/limits.h"
#include "proto/bulletin.pb-c.h"

#include <sodium.h>
#include <string.h>

struct key_id sealing_key_id(uint16_t suite, const struct seal_pk *key)
{
  struct hash_state state;
  struct key_id id;
  hash_begin(&state, "toguna/key-id/v1");
  hash_put_u16(&state, suite);
  hash_put(&state, key->b, sizeof key->b);
  struct hash h = hash_end(&state);
  memcpy(id.b, h.b, sizeof id.b);
  return id;
}

bool key_id_eq(const struct key_id *a, const struct key_id *b)
{
  return !memcmp(a->b, b->b, sizeof a->b);
}

static enum tg_err bad(const char *what, struct tg_why *why)
{
  return why_set(why, TG_BAD_INPUT, "SealingKeys", what, N_("the node that made it must be mended"), NULL,
                 NULL, NULL);
}

/* A point of small order would let anybody compute the shared secret: X25519 with it gives zero. */
static bool point_usable(const struct seal_pk *key)
{
  static const uint8_t scalar[32] = {9};
  uint8_t shared[32];
  return !crypto_scalarmult(shared, scalar, key->b);
}

static enum tg_err read_key(const Tg__SealingKey *from, struct sealing_key *to, struct tg_why *why)
{
  if (from->key.len != sizeof to->key.b || from->suite == 0 || from->suite > UINT16_MAX)
    return bad(N_("a sealing key is of a suite that does not exist"), why);
  if (from->from >= from->until || from->until > LIMIT_TIME)
    return bad(N_("a sealing key ends before it begins"), why);
  to->suite = (uint16_t)from->suite;
  to->from = (tg_time)from->from;
  to->until = (tg_time)from->until;
  memcpy(to->key.b, from->key.data, sizeof to->key.b);
  if (!point_usable(&to->key))
    return bad(N_("a sealing key is not a usable public key"), why);
  to->id = sealing_key_id(to->suite, &to->key);
  return TG_OK;
}

/* Ascending by (suite, from), not overlapping within a suite, no key twice. */
static bool in_order(const struct sealing_keys *k, size_t i)
{
  const struct sealing_key *now = &k->key[i], *last = &k->key[i - 1];
  for (size_t j = 0; j < i; j++)
    if (seal_pk_eq(&k->key[j].key, &now->key))
      return false;
  return now->suite > last->suite || (now->suite == last->suite && now->from >= last->until);
}

static enum tg_err read_keys(const Tg__SealingKeys *from, struct sealing_keys *to, struct tg_why *why)
{
  if (from->n_keys == 0 || from->n_keys > SEALING_KEYS_MAX || from->serial == 0)
    return bad(N_("an announcement has 1 to 128 keys and a serial"), why);
  if (hash_read(slice_of(from->exchange.data, from->exchange.len), &to->exchange) ||
      from->node.len != sizeof to->node.b)
    return bad(N_("an announcement names its exchange and its node"), why);
  memcpy(to->node.b, from->node.data, sizeof to->node.b);
  to->serial = from->serial;
  for (to->n = 0; to->n < from->n_keys; to->n++) {
    enum tg_err err = read_key(from->keys[to->n], &to->key[to->n], why);
    if (err)
      return err;
    if (to->n > 0 && !in_order(to, to->n))
      return bad(N_("the sealing keys overlap, repeat or are not in order"), why);
  }
  return TG_OK;
}

enum tg_err sealing_keys_parse(struct slice bytes, struct sealing_keys *ret, struct tg_why *why)
{
  ProtobufCMessage *message;
  struct sealing_keys k = {0};
  struct arena *arena = arena_new(4 * (size_t)LIMIT_SEALING_KEYS);
  if (!arena)
    return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  enum tg_err err = strict_unpack(&limits_sealing_keys, bytes, arena, &message, why);
  if (!err)
    err = read_keys((const Tg__SealingKeys *)message, &k, why);
  if (!err)
    *ret = k;
  arena_free(arena);
  return err;
}

static ProtobufCBinaryData binary(const void *p, size_t n)
{
  return (ProtobufCBinaryData){.len = n, .data = (uint8_t *)(uintptr_t)p}; /* only read from */
}

enum tg_err sealing_keys_print(const struct sealing_keys *k, struct buf *out)
{
  Tg__SealingKeys message = TG__SEALING_KEYS__INIT;
  Tg__SealingKey keys[SEALING_KEYS_MAX], *pointers[SEALING_KEYS_MAX];
  message.exchange = binary(k->exchange.b, sizeof k->exchange.b);
  message.node = binary(k->node.b, sizeof k->node.b);
  message.serial = k->serial;
  message.n_keys = k->n;
  message.keys = pointers;
  for (size_t i = 0; i < k->n; i++) {
    keys[i] = (Tg__SealingKey)TG__SEALING_KEY__INIT;
    keys[i].suite = k->key[i].suite;
    keys[i].from = (uint64_t)k->key[i].from;
    keys[i].until = (uint64_t)k->key[i].until;
    keys[i].key = binary(k->key[i].key.b, sizeof k->key[i].key.b);
    pointers[i] = &keys[i];
  }
  return strict_pack(&limits_sealing_keys, &message.base, out, NULL);
}

enum tg_err sealing_choose(const struct sealing_keys *k, uint16_t suite, tg_time at, tg_time window,
                           struct sealing_choice *ret)
{
  const struct sealing_key *last = NULL;
  for (size_t i = 0; i < k->n; i++) {
    const struct sealing_key *key = &k->key[i];
    if (key->suite != suite || key->from > at)
      continue;
    if (at < key->until)
      return *ret = (struct sealing_choice){*key, false}, TG_OK;
    if (at - key->until <= window && (!last || key->until > last->until))
      last = key;
  }
  if (!last)
    return TG_NOT_FOUND;
  *ret = (struct sealing_choice){*last, true};
  return TG_OK;
}
