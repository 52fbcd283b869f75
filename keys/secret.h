/* Secret keys in memory. The bytes live in guarded, locked memory and leave it only through the functions below. A key
   serves one purpose, its kind. */
#ifndef TOGUNA_KEYS_SECRET_H
#define TOGUNA_KEYS_SECRET_H

#include "keys/note.h"

enum key_kind {
  KEY_MEMBER_ROOT = 1, /* Ed25519: signs charters, credentials, revocations, withdrawals */
  KEY_OFFICER,         /* Ed25519: policies and grants; approvals */
  KEY_NODE,            /* Ed25519 identity (batches of statements, nothing else) and a 32-byte storage key */
  KEY_TRANSPORT,       /* X25519, CURVE, of a node or hub */
  KEY_HUB_LOG,         /* Ed25519: checkpoints */
  KEY_WITNESS,         /* Ed25519: cosignatures */
  KEY_STORAGE,         /* 32 bytes: what a hub or program keeps encrypted at rest */
};

/* "member-root", "officer", "node", "transport", "hub-log", "witness", "storage"; never NULL. */
const char *key_kind_name(enum key_kind kind);
enum tg_err key_kind_parse(struct slice s, enum key_kind *ret);

struct secret_key;

/* A fresh key. name is the full key name, exchange-qualified: "sahel.example/ML". TG_BAD_INPUT (name), TG_NO_MEMORY
   (also when the machine refuses to lock memory and has none left). */
enum tg_err secret_key_new(enum key_kind kind, const char *name, struct secret_key **ret);
/* From 32 given bytes (two for KEY_NODE: seed and storage key, 64): tests, restoring, other tools' keys. */
enum tg_err secret_key_from(enum key_kind kind, const char *name, struct slice secret, struct secret_key **ret);
/* Wipes. NULL is fine. */
void secret_key_free(struct secret_key *key);

enum key_kind secret_key_kind(const struct secret_key *key);
const char *secret_key_name(const struct secret_key *key); /* as it was made: borrowed from the key */
/* The 32 public bytes: Ed25519 for the signing kinds, X25519 for KEY_TRANSPORT; zeros for KEY_STORAGE. */
const uint8_t *secret_key_public(const struct secret_key *key);
/* The same, typed. Broken invariant (abort) when the kind has none. */
struct sign_pk secret_key_sign_pk(const struct secret_key *key);
struct seal_pk secret_key_seal_pk(const struct secret_key *key);
/* The note key under which this key's notes verify. TG_USAGE for kinds that sign no notes. */
enum tg_err secret_key_note_key(const struct secret_key *key, struct note_key *ret);

/* Ed25519 over message. TG_USAGE for kinds that cannot sign. What the bytes mean is the caller's duty: labels of
   docs/protocol.md for statements and approvals; notes go through note_sign(). */
enum tg_err secret_key_sign(const struct secret_key *key, struct slice message, struct sign_sig *ret);

/* The secret halves, for the libraries that need them; borrowed, readable until secret_key_free(). NULL when the kind
   has none. */
const uint8_t *secret_key_ed25519(const struct secret_key *key); /* 64 bytes, libsodium's form */
const uint8_t *secret_key_x25519(const struct secret_key *key);  /* 32 bytes */
const uint8_t *secret_key_storage(const struct secret_key *key); /* 32 bytes */

/* The bytes to store: 32, or 64 for KEY_NODE. Borrowed. */
struct slice secret_key_bytes(const struct secret_key *key);

#endif
