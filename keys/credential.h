/* toguna/credential v1: a member's root vouches for a key of a node or officer. */
#ifndef TOGUNA_KEYS_CREDENTIAL_H
#define TOGUNA_KEYS_CREDENTIAL_H

#include "keys/document.h"

enum role { ROLE_NODE = 1, ROLE_POLICY, ROLE_RELEASE, ROLE_AUDITOR, ROLE_SECURITY };
const char *role_name(enum role role); /* "node", "policy", "release", "auditor", "security" */
enum tg_err role_parse(struct slice s, enum role *ret); /* TG_BAD_INPUT */

/* Plain values, filled in by credential_parse() or by who issues one. */
struct credential {
  char exchange[EXCHANGE_NAME_MAX + 1];
  struct holder holder;    /* nodes have three parts; officers two or three */
  enum role role;
  uint64_t serial;         /* per holder, from 1; a higher one replaces the lower */
  struct sign_pk identity; /* Ed25519 */
  struct seal_pk transport;/* nodes only: CURVE key */
  struct sign_pk witness;  /* nodes only, optional (zeros): cosignature key */
  bool has_witness;
  bool receives;           /* nodes only: does a bulletin to the member or its blocs go here? */
  tg_time not_before, not_after;
};

/* The signed text of a note; file names it in sentences. TG_BAD_INPUT, TG_UNKNOWN (another version). */
enum tg_err credential_parse(struct slice text, const char *file, struct credential *ret, struct tg_why *why);
/* Appends the text to be signed by the member's root; it parses back to the same. */
void credential_print(const struct credential *c, struct buf *out);
/* The key under which an officer's notes verify: named exchange/holder, type 01. */
enum tg_err credential_note_key(const struct credential *c, struct note_key *ret);
/* A node's witness key: named exchange/holder, type 04. TG_NOT_FOUND when it has none. */
enum tg_err credential_witness_key(const struct credential *c, struct note_key *ret);

#endif
