#include "keys/secret.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

/* What a kind is made of. */
static const struct kind {
  const char *name;
  bool signs, transport, storage;
  uint8_t note_type; /* 0: signs no notes */
} kinds[] = {
    [KEY_MEMBER_ROOT] = {"member-root", .signs = true, .note_type = NOTE_ED25519},
    [KEY_OFFICER] = {"officer", .signs = true, .note_type = NOTE_ED25519},
    [KEY_NODE] = {"node", .signs = true, .storage = true},
    [KEY_TRANSPORT] = {"transport", .transport = true},
    [KEY_HUB_LOG] = {"hub-log", .signs = true, .note_type = NOTE_ED25519},
    [KEY_WITNESS] = {"witness", .signs = true, .note_type = NOTE_COSIGNATURE},
    [KEY_STORAGE] = {"storage", .storage = true},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

/* The whole structure lives in sodium_malloc memory, read-only once made. Invariant: stored[] holds, for each half that
   the kind has, 32 bytes: seed or X25519 scalar first, then the storage key. */
struct secret_key {
  enum key_kind kind;
  char name[NOTE_NAME_MAX + 1];
  uint8_t public_key[32];
  uint8_t ed25519[64];
  uint8_t stored[64];
  size_t n_stored;
};

const char *key_kind_name(enum key_kind kind)
{
  return kind >= KEY_MEMBER_ROOT && (size_t)kind < KINDS ? kinds[kind].name : "key";
}

enum tg_err key_kind_parse(struct slice s, enum key_kind *ret)
{
  for (size_t i = KEY_MEMBER_ROOT; i < KINDS; i++)
    if (slice_is(s, kinds[i].name))
      return *ret = (enum key_kind)i, TG_OK;
  return TG_BAD_INPUT;
}

static size_t stored_size(enum key_kind kind)
{
  const struct kind *k = &kinds[kind];
  return (k->signs || k->transport ? 32u : 0u) + (k->storage ? 32u : 0u);
}

/* An empty key of a kind in guarded memory. The name must be usable in a note key whatever the kind. */
static enum tg_err secret_alloc(enum key_kind kind, const char *name, struct secret_key **ret)
{
  struct note_key check;
  static const struct sign_pk none;
  if (kind < KEY_MEMBER_ROOT || (size_t)kind >= KINDS ||
      note_key_make(slice_str(name), NOTE_ED25519, &none, &check))
    return TG_BAD_INPUT;
  struct secret_key *key = sodium_malloc(sizeof *key);
  if (!key)
    return TG_NO_MEMORY;
  memset(key, 0, sizeof *key);
  key->kind = kind;
  key->n_stored = stored_size(kind);
  memcpy(key->name, name, strlen(name));
  *ret = key;
  return TG_OK;
}

/* Derives what follows from the stored bytes. */
static void secret_finish(struct secret_key *key)
{
  const struct kind *k = &kinds[key->kind];
  if (k->signs)
    crypto_sign_seed_keypair(key->public_key, key->ed25519, key->stored);
  if (k->transport)
    crypto_scalarmult_base(key->public_key, key->stored);
  sodium_mprotect_readonly(key);
}

enum tg_err secret_key_new(enum key_kind kind, const char *name, struct secret_key **ret)
{
  struct secret_key *key;
  enum tg_err err = secret_alloc(kind, name, &key);
  if (err)
    return err;
  randombytes_buf(key->stored, key->n_stored);
  secret_finish(key);
  *ret = key;
  return TG_OK;
}

enum tg_err secret_key_from(enum key_kind kind, const char *name, struct slice secret,
                            struct secret_key **ret)
{
  struct secret_key *key;
  enum tg_err err = secret_alloc(kind, name, &key);
  if (err)
    return err;
  if (secret.n != key->n_stored) {
    secret_key_free(key);
    return TG_BAD_INPUT;
  }
  memcpy(key->stored, secret.p, secret.n);
  secret_finish(key);
  *ret = key;
  return TG_OK;
}

void secret_key_free(struct secret_key *key)
{
  sodium_free(key); /* wipes */
}

enum key_kind secret_key_kind(const struct secret_key *key)
{
  return key->kind;
}
const char *secret_key_name(const struct secret_key *key)
{
  return key->name;
}
const uint8_t *secret_key_public(const struct secret_key *key)
{
  return key->public_key;
}

struct sign_pk secret_key_sign_pk(const struct secret_key *key)
{
  struct sign_pk pk;
  assert(kinds[key->kind].signs);
  memcpy(pk.b, key->public_key, sizeof pk.b);
  return pk;
}

struct seal_pk secret_key_seal_pk(const struct secret_key *key)
{
  struct seal_pk pk;
  assert(kinds[key->kind].transport);
  memcpy(pk.b, key->public_key, sizeof pk.b);
  return pk;
}

enum tg_err secret_key_note_key(const struct secret_key *key, struct note_key *ret)
{
  const struct kind *k = &kinds[key->kind];
  if (!k->note_type)
    return TG_USAGE;
  struct sign_pk pk = secret_key_sign_pk(key);
  return note_key_make(slice_str(key->name), (enum note_type)k->note_type, &pk, ret);
}

enum tg_err secret_key_sign(const struct secret_key *key, struct slice message, struct sign_sig *ret)
{
  if (!kinds[key->kind].signs)
    return TG_USAGE;
  crypto_sign_detached(ret->b, NULL, message.p, message.n, key->ed25519);
  return TG_OK;
}

const uint8_t *secret_key_ed25519(const struct secret_key *key)
{
  return kinds[key->kind].signs ? key->ed25519 : NULL;
}

const uint8_t *secret_key_x25519(const struct secret_key *key)
{
  return kinds[key->kind].transport ? key->stored : NULL;
}

const uint8_t *secret_key_storage(const struct secret_key *key)
{
  return kinds[key->kind].storage ? key->stored + key->n_stored - 32 : NULL;
}

struct slice secret_key_bytes(const struct secret_key *key)
{
  return slice_of(key->stored, key->n_stored);
}
