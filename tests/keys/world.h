/* A small exchange for the tests of this room: six members in two blocs, their keys, and documents made to order. */
#ifndef TOGUNA_TESTS_KEYS_WORLD_H
#define TOGUNA_TESTS_KEYS_WORLD_H

#include "keys/directory.h"
#include "keys/secret.h"

enum { ML, BF, NE, SN, NG, TD, WORLD_MEMBERS };

#define WORLD_START INT64_C(1796083200000) /* 2026-12-01T00:00:00Z */

struct world {
  struct secret_key *root[WORLD_MEMBERS];
  struct secret_key *hub_transport, *hub_log;
  struct buf charter;   /* version 1, signed by all */
  struct hash exchange; /* its hash */
  struct directory *d;  /* knows version 1 */
};

/* quorum 2 of AES and 1 of ECOWAS; AES = ML BF NE, ECOWAS = SN NG; TD in neither. tune may be NULL. */
struct world *world_new(void (*tune)(struct charter *));
void world_free(struct world *w);

/* Version 1 as a structure, to be changed into others; freed with charter_free(). */
struct charter *world_charter(const struct world *w);
/* `c` made the follower of the newest charter known, effective at `effective`. */
void world_follow(const struct world *w, struct charter *c, tg_time effective);

/* "ML" of a member; the key of a holder. */
struct country world_code(size_t member);
struct secret_key *world_key(enum key_kind kind, const char *holder);

/* A credential with dates of a year from WORLD_START. node: also makes up a transport key. */
struct credential world_credential(const char *holder, enum role role, const struct secret_key *identity);

/* The printed document as a note with these signers. */
struct buf world_sign(struct buf *text, struct secret_key *const *keys, size_t n);
struct buf world_note_charter(const struct charter *c, struct secret_key *const *keys, size_t n);
struct buf world_note_credential(const struct credential *c, const struct secret_key *key);
struct buf world_note_revocation(const struct revocation *r, struct secret_key *const *keys, size_t n);
struct buf world_note_withdrawal(const struct withdrawal *w, const struct secret_key *key);
struct buf world_note_grant(const struct grant *g, const struct secret_key *key);
struct buf world_note_policy(size_t member, uint64_t serial, tg_time effective, struct secret_key *const *keys, size_t n);

/* directory_add() of a note FRESH at `now`, which is freed. Says the reason when it is not `expected`. */
void world_add(struct directory *d, enum document_kind kind, struct buf note, tg_time now, enum tg_err expected);
/* Adds a credential issued by the member's root, which must be accepted. Returns its holder's key, freed by the caller. */
struct secret_key *world_issue(struct world *w, size_t member, const char *holder, enum role role);

#endif
