#include "proto/batch.h"

#include "proto/hash.h"
#include "proto/merkle.h"
#include "proto/proven.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct hash statement_id(enum statement kind, struct slice bytes)
{
  static const char *const labels[] = {
      [STATEMENT_BULLETIN] = "toguna/bulletin/v1",
      [STATEMENT_RECEIPT] = "toguna/receipt/v1",
      [STATEMENT_SEALING_KEYS] = "toguna/sealing-keys/v1",
      [STATEMENT_BUNDLE] = "toguna/bundle/v1",
  };
  return hash_labelled(labels[kind], bytes);
}

void batch_message(const struct hash *exchange, uint64_t size, const struct hash *root, uint8_t out[BATCH_MESSAGE])
{
  static const char label[] = "toguna/batch/v1";
  static_assert(sizeof label + 32 + 8 + 32 == BATCH_MESSAGE, "label, exchange, size, root");
  memcpy(out, label, sizeof label);
  memcpy(out + sizeof label, exchange->b, 32);
  for (size_t i = 0; i < 8; i++)
    out[sizeof label + 32 + i] = (uint8_t)(size >> (56 - 8 * i));
  memcpy(out + sizeof label + 40, root->b, 32);
}

enum tg_err batch_sign_with_key(void *secret_key, struct slice message, struct sign_sig *ret)
{
  return crypto_sign_detached(ret->b, NULL, message.p, message.n, secret_key) ? TG_INTERNAL : TG_OK;
}

/* ---- signing ---- */

/* Invariants: leaves[0..n) are the leaf hashes of the ids; tree exists from the signature on. */
struct batch {
  struct hash *leaves;
  size_t n, cap;
  struct merkle_tree *tree;
  struct sign_sig signature;
};

struct batch *batch_new(void) { return calloc(1, sizeof(struct batch)); }

void batch_free(struct batch *b)
{
  if (!b)
    return;
  merkle_tree_free(b->tree);
  free(b->leaves);
  free(b);
}

enum tg_err batch_add(struct batch *b, const struct hash *id, uint64_t *ret_index)
{
  assert(!b->tree);
  if (b->n == LIMIT_BATCH)
    return TG_QUOTA;
  if (b->n == b->cap) {
    size_t cap = b->cap ? b->cap * 2 : 16;
    struct hash *leaves = realloc(b->leaves, cap * sizeof *leaves);
    if (!leaves)
      return TG_NO_MEMORY;
    b->leaves = leaves;
    b->cap = cap;
  }
  if (ret_index)
    *ret_index = b->n;
  b->leaves[b->n++] = merkle_leaf(slice_of(id->b, sizeof id->b));
  return TG_OK;
}

uint64_t batch_size(const struct batch *b) { return b->n; }

enum tg_err batch_sign(struct batch *b, const struct hash *exchange, batch_signer signer, void *context)
{
  uint8_t message[BATCH_MESSAGE];
  assert(b->n && !b->tree);
  struct merkle_tree *tree = merkle_tree_new(b->leaves, b->n);
  if (!tree)
    return TG_NO_MEMORY;
  batch_message(exchange, b->n, merkle_tree_root(tree), message);
  enum tg_err err = signer(context, slice_of(message, sizeof message), &b->signature);
  if (err)
    merkle_tree_free(tree);
  else
    b->tree = tree;
  return err;
}

void batch_result(const struct batch *b, struct hash *ret_root, struct sign_sig *ret_signature)
{
  assert(b->tree);
  *ret_root = *merkle_tree_root(b->tree);
  *ret_signature = b->signature;
}

Tg__BatchProof *batch_proof(const struct batch *b, uint64_t index, struct arena *arena)
{
  struct merkle_path path;
  assert(b->tree && index < b->n);
  merkle_tree_path(b->tree, (size_t)index, &path);
  Tg__BatchProof *proof = arena_alloc(arena, sizeof *proof);
  struct slice steps = arena_copy(arena, merkle_path_slice(&path));
  struct slice signature = arena_copy(arena, slice_of(b->signature.b, sizeof b->signature.b));
  if (!proof || steps.n != merkle_path_slice(&path).n || !signature.n)
    return NULL;
  *proof = (Tg__BatchProof)TG__BATCH_PROOF__INIT;
  proof->size = b->n;
  proof->index = index;
  proof->path = strict_data(steps);
  proof->signature = strict_data(signature);
  return proof;
}

/* ---- verifying ---- */

/* What was verified: the key, the exact message and the exact signature. */
struct verified {
  struct sign_pk key;
  uint8_t message[BATCH_MESSAGE];
  struct sign_sig signature;
};

/* A batch of which statements come one by one. */
struct burst {
  struct verified what; /* zeros: none */
  struct hash root;
  uint64_t used;
  struct proven proven;
};

enum { BURSTS = 6 }; /* nodes whose bulletins come in one frame, mostly */

/* Invariants: what stands in verified[] is good, or zeros; its place is given by the signature. The bursts are good. */
struct batch_verifier {
  struct burst burst[BURSTS];
  uint64_t uses;
  size_t cap;
  struct verified verified[];
};

struct batch_verifier *batch_verifier_new(size_t remembered)
{
  assert(remembered >= 1 && remembered <= LIMIT_BATCH);
  struct batch_verifier *v = calloc(1, sizeof *v + remembered * sizeof v->verified[0]);
  if (v)
    v->cap = remembered;
  return v;
}

void batch_verifier_free(struct batch_verifier *v) { free(v); }

/* Whoever chooses signatures so that they fall into one place makes us verify them, as if nothing were remembered. */
static struct verified *place_of(struct batch_verifier *v, const struct verified *what)
{
  uint64_t at;
  memcpy(&at, what->signature.b, sizeof at);
  return &v->verified[at % v->cap];
}

static enum tg_err verify_root(struct batch_verifier *v, const struct hash *exchange, const struct sign_pk *key,
                               uint64_t size, const struct hash *root, struct slice signature, struct tg_why *why)
{
  struct verified what = {.key = *key};
  if (signature.n != sizeof what.signature.b)
    return why_set(why, TG_BAD_INPUT, "BatchProof.signature", N_("a signature has 64 bytes"), NULL, NULL, NULL, NULL);
  batch_message(exchange, size, root, what.message);
  memcpy(what.signature.b, signature.p, sizeof what.signature.b);
  struct verified *place = place_of(v, &what);
  if (!memcmp(place, &what, sizeof what))
    return TG_OK;
  if (crypto_sign_verify_detached(what.signature.b, what.message, sizeof what.message, key->b))
    return why_set(why, TG_BAD_SIGNATURE, "BatchProof.signature", N_("the node did not sign this"), NULL, NULL, NULL,
                   NULL);
  *place = what;
  return TG_OK;
}

/* The burst that this statement says to be of; NULL: none that is known. */
static struct burst *burst_of(struct batch_verifier *v, const struct hash *exchange, const struct sign_pk *key,
                              const Tg__BatchProof *proof)
{
  uint8_t message[BATCH_MESSAGE];
  for (struct burst *b = v->burst; b < v->burst + BURSTS; b++) {
    if (!b->used || memcmp(b->what.signature.b, proof->signature.data, sizeof b->what.signature.b) || !sign_pk_eq(&b->what.key, key))
      continue;
    batch_message(exchange, proof->size, &b->root, message);
    return memcmp(message, b->what.message, sizeof message) ? NULL : b;
  }
  return NULL;
}

/* A batch of several was verified: the others of it will come. */
static void burst_begin(struct batch_verifier *v, const struct hash *exchange, const struct sign_pk *key, const struct hash *leaf,
                        const Tg__BatchProof *proof, const struct hash *root)
{
  struct burst *oldest = v->burst;
  for (struct burst *b = v->burst; b < v->burst + BURSTS; b++)
    if (b->used < oldest->used)
      oldest = b;
  oldest->what.key = *key;
  oldest->root = *root;
  oldest->used = ++v->uses;
  batch_message(exchange, proof->size, root, oldest->what.message);
  memcpy(oldest->what.signature.b, proof->signature.data, sizeof oldest->what.signature.b);
  (void)proven_verify(&oldest->proven, leaf, proof->index, proof->size, strict_slice(proof->path), root);
}

enum tg_err batch_verify(struct batch_verifier *v, const struct hash *exchange, const struct sign_pk *key,
                         const struct hash *id, const Tg__BatchProof *proof, struct tg_why *why)
{
  struct hash root;
  return batch_verify_root(v, exchange, key, id, proof, &root, why);
}

enum tg_err batch_verify_root(struct batch_verifier *v, const struct hash *exchange, const struct sign_pk *key,
                              const struct hash *id, const Tg__BatchProof *proof, struct hash *ret_root, struct tg_why *why)
{
  struct hash root, leaf = merkle_leaf(slice_of(id->b, sizeof id->b));
  struct burst *burst = proof->signature.len == sizeof(struct sign_sig) ? burst_of(v, exchange, key, proof) : NULL;
  if (burst && !proven_verify(&burst->proven, &leaf, proof->index, proof->size, strict_slice(proof->path), &burst->root)) {
    burst->used = ++v->uses;
    *ret_root = burst->root;
    return TG_OK;
  }
  if (proof->size > LIMIT_BATCH ||
      merkle_path_root(&leaf, proof->index, proof->size, strict_slice(proof->path), &root))
    return why_set(why, TG_BAD_PROOF, "BatchProof.path", N_("this is no path in a batch of that size"), NULL, NULL, NULL,
                   NULL);
  enum tg_err err = verify_root(v, exchange, key, proof->size, &root, strict_slice(proof->signature), why);
  if (!err && proof->size > 1 && !burst)
    burst_begin(v, exchange, key, &leaf, proof, &root);
  if (!err)
    *ret_root = root;
  return err;
}

enum tg_err batch_verify_tree(struct batch_verifier *v, const struct hash *exchange, const struct sign_pk *key,
                              const struct hash *ids, size_t count, struct slice signature,
                              struct merkle_tree **ret_tree, struct tg_why *why)
{
  if (count < 1 || count > LIMIT_BATCH)
    return why_set(why, TG_BAD_INPUT, "batch", N_("a batch has 1 to 65536 statements"), NULL, NULL, NULL, NULL);
  struct hash *leaves = calloc(count, sizeof *leaves);
  for (size_t i = 0; leaves && i < count; i++)
    leaves[i] = merkle_leaf(slice_of(ids[i].b, sizeof ids[i].b));
  struct merkle_tree *tree = leaves ? merkle_tree_new(leaves, count) : NULL;
  free(leaves);
  if (!tree)
    return TG_NO_MEMORY;
  enum tg_err err = verify_root(v, exchange, key, count, merkle_tree_root(tree), signature, why);
  if (err)
    merkle_tree_free(tree);
  else
    *ret_tree = tree;
  return err;
}

enum tg_err batch_verify_all(struct batch_verifier *v, const struct hash *exchange, const struct sign_pk *key,
                             const struct hash *ids, size_t count, struct slice signature, struct hash *ret_root,
                             struct tg_why *why)
{
  struct merkle_tree *tree;
  enum tg_err err = batch_verify_tree(v, exchange, key, ids, count, signature, &tree, why);
  if (err)
    return err;
  if (ret_root)
    *ret_root = *merkle_tree_root(tree);
  merkle_tree_free(tree);
  return TG_OK;
}
