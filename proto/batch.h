/* What a node says, and one signature for many of them (docs/protocol.md §3). */
#ifndef TOGUNA_PROTO_BATCH_H
#define TOGUNA_PROTO_BATCH_H

#include "proto/arena.h"
#include "proto/base.h"
#include "proto/limits.h"
#include "proto/merkle.h"
#include "proto/bulletin.pb-c.h"

enum statement { STATEMENT_BULLETIN, STATEMENT_RECEIPT, STATEMENT_SEALING_KEYS, STATEMENT_BUNDLE };

/* H("label of the kind" ‖ bytes): bytes are a Header, a Receipt or a SealingKeys as they travel, or the hash of
   a bundle's. */
struct hash statement_id(enum statement kind, struct slice bytes);

/* The bytes that a node's identity key signs. */
enum { BATCH_MESSAGE = 16 + 32 + 8 + 32 };
void batch_message(const struct hash *exchange, uint64_t size, const struct hash *root, uint8_t out[BATCH_MESSAGE]);

/* Signs a batch message. TG_OK, or whatever keeps the key from signing. */
typedef enum tg_err (*batch_signer)(void *context, struct slice message, struct sign_sig *ret);
/* A batch_signer whose context is an Ed25519 secret key: 64 bytes, libsodium's form. */
enum tg_err batch_sign_with_key(void *secret_key, struct slice message, struct sign_sig *ret);

/* Statements gathered for one signature. */
struct batch;
struct batch *batch_new(void); /* empty; NULL without memory */
void batch_free(struct batch *b);
/* Adds a statement id; *ret_index (may be NULL) is its place. TG_QUOTA beyond LIMIT_BATCH; TG_NO_MEMORY; not after
   batch_sign() (asserted). */
enum tg_err batch_add(struct batch *b, const struct hash *id, uint64_t *ret_index);
uint64_t batch_size(const struct batch *b);
/* Signs all that was added, one or more (asserted). */
enum tg_err batch_sign(struct batch *b, const struct hash *exchange, batch_signer signer, void *context);
/* The root and signature of a signed batch. */
void batch_result(const struct batch *b, struct hash *ret_root, struct sign_sig *ret_signature);
/* The proof of statement `index` of a signed batch, in the arena. NULL when the arena is exhausted. */
Tg__BatchProof *batch_proof(const struct batch *b, uint64_t index, struct arena *arena);

/* Verifying: remembers (exchange, key, size, root, signature) that were verified, so that a burst costs one signature verification, and
   the nodes of the latest bursts' trees, so that each path is hashed only where it is new. Not for several threads at once. */
struct batch_verifier;
struct batch_verifier *batch_verifier_new(size_t remembered); /* 1 or more; places are given by signature. NULL without memory */
void batch_verifier_free(struct batch_verifier *v);
/* Did `key` sign, within this exchange, a batch that holds `id` where the proof says? TG_BAD_PROOF for a malformed
   proof; TG_BAD_SIGNATURE when the root it leads to was not signed. */
enum tg_err batch_verify(struct batch_verifier *v, const struct hash *exchange, const struct sign_pk *key,
                         const struct hash *id, const Tg__BatchProof *proof, struct tg_why *why);
/* The same, giving the root of the batch. */
enum tg_err batch_verify_root(struct batch_verifier *v, const struct hash *exchange, const struct sign_pk *key,
                              const struct hash *id, const Tg__BatchProof *proof, struct hash *ret_root, struct tg_why *why);
/* Did `key` sign the batch of exactly these ids, 1..LIMIT_BATCH, in this order? For the frame Receipts. Gives the root
   (ret_root may be NULL). */
enum tg_err batch_verify_all(struct batch_verifier *v, const struct hash *exchange, const struct sign_pk *key,
                             const struct hash *ids, size_t count, struct slice signature, struct hash *ret_root,
                             struct tg_why *why);
/* The same, giving the whole tree, for proofs of its statements; merkle_tree_free(). */
enum tg_err batch_verify_tree(struct batch_verifier *v, const struct hash *exchange, const struct sign_pk *key,
                              const struct hash *ids, size_t count, struct slice signature,
                              struct merkle_tree **ret_tree, struct tg_why *why);

#endif
