/* Merkle trees as in RFC 6962 §2.1 and RFC 9162 §2.1, over SHA-256: hashes, growing trees, small trees in
   memory, and proofs. Everything here works on leaf HASHES (merkle_leaf of the data), so that data of any
   size is hashed once, where it is at hand. Verification allocates nothing and takes proofs as they travel:
   concatenated 32-byte hashes, the leaf's sibling first. */
#ifndef TOGUNA_PROTO_MERKLE_H
#define TOGUNA_PROTO_MERKLE_H

#include "proto/base.h"

enum {
  MERKLE_LEVELS = 63,   /* levels 0..62: a subtree of level l holds 2^l leaves */
  MERKLE_PATH_MAX = 64, /* no proof for a tree of at most MERKLE_SIZE_MAX leaves has more hashes */
};
#define MERKLE_SIZE_MAX (UINT64_C(1) << 62) /* leaves in a tree that we build */
#define MERKLE_TREE_MAX ((size_t)1 << 24)   /* leaves in a tree kept in memory */

/* A proof under construction: hash[0..n), as it will travel. */
struct merkle_path {
  size_t n;
  struct hash hash[MERKLE_PATH_MAX];
};
struct slice merkle_path_slice(const struct merkle_path *p); /* borrows p: n times 32 bytes */
/* Copies a travelled proof; TG_BAD_INPUT unless it is 0..64 whole hashes. */
enum tg_err merkle_path_read(struct slice s, struct merkle_path *ret);

/* Hashes (RFC 6962 §2.1). */
struct hash merkle_empty(void);                                             /* of the tree without leaves */
struct hash merkle_leaf(struct slice data);                                 /* H(00 ‖ data) */
struct hash merkle_node(const struct hash *left, const struct hash *right); /* H(01 ‖ left ‖ right) */
struct hash merkle_root(const struct hash *leaves, size_t n);               /* of n leaf hashes; n may be 0 */

/* The right edge of a growing tree: enough to append and to name the root, at most 63 hashes.
   Invariant: node[l] is the root of a complete subtree of 2^l leaves where bit l of size is set, and without
   meaning elsewhere. A zeroed struct is the empty tree; plain data, copied by assignment. */
struct merkle_frontier {
  uint64_t size;
  struct hash node[MERKLE_LEVELS];
};
/* Appends one leaf hash. Returns how many complete subtrees end with it, k >= 1: those of level 0 (the leaf),
   1 .. k-1; their roots go to ret_done[0..k) when it is not NULL. The subtree of level l has index
   (size - 1) >> l, with size as it is afterwards. The tree must hold less than MERKLE_SIZE_MAX leaves. */
unsigned merkle_frontier_append(struct merkle_frontier *f, const struct hash *leaf,
                                struct hash ret_done[MERKLE_LEVELS]);
struct hash merkle_frontier_root(const struct merkle_frontier *f);

/* Where stored subtree hashes come from: the root of the complete subtree of 2^level leaves that starts at
   leaf index << level. Must answer for every complete subtree of the size asked about; anything but TG_OK is
   handed through to the caller of the functions below. */
typedef enum tg_err merkle_fetch(void *from, unsigned level, uint64_t index, struct hash *ret);

/* The root, the right edge, and proofs of a stored tree as it was at `size` leaves. All fetch O(log size)
   hashes. TG_BAD_INPUT when index >= size, old_size > size or size > MERKLE_SIZE_MAX.
   merkle_inclusion: RFC 6962 §2.1.1. merkle_consistency: §2.1.2; empty for old_size 0 and for equal sizes. */
enum tg_err merkle_stored_root(uint64_t size, merkle_fetch *fetch, void *from, struct hash *ret);
enum tg_err merkle_stored_frontier(uint64_t size, merkle_fetch *fetch, void *from,
                                   struct merkle_frontier *ret);
enum tg_err merkle_inclusion(uint64_t index, uint64_t size, merkle_fetch *fetch, void *from,
                             struct merkle_path *ret);
/* Roots of the incomplete subtrees at the right edge of one tree: paths to it end in the same ones. Zeroed: none is known. Always of the same tree as
   it grows, for the roots are known by its size alone. */
struct merkle_edge {
  uint64_t size, known; /* bit l: root[l], of what lies right of the complete subtree of 2^l leaves there */
  struct hash root[MERKLE_LEVELS];
};
/* merkle_inclusion() for many leaves: what was hashed for one is not hashed again for the next. */
enum tg_err merkle_inclusion_edge(uint64_t index, uint64_t size, merkle_fetch *fetch, void *from, struct merkle_edge *edge,
                                  struct merkle_path *ret);
enum tg_err merkle_consistency(uint64_t old_size, uint64_t size, merkle_fetch *fetch, void *from,
                               struct merkle_path *ret);

/* A whole tree in memory, for batches, portions, audiences and chunks: built once in O(n), a path in O(log
 * n). */
struct merkle_tree;
/* From n leaf hashes, which are copied. NULL without memory, or when n is 0 or above MERKLE_TREE_MAX. */
struct merkle_tree *merkle_tree_new(const struct hash *leaves, size_t n);
void merkle_tree_free(struct merkle_tree *t); /* NULL is fine */
size_t merkle_tree_size(const struct merkle_tree *t);
const struct hash *merkle_tree_root(const struct merkle_tree *t); /* borrowed, as long as t */
/* The proof that leaf `index` (< size, asserted) is in the tree. */
void merkle_tree_path(const struct merkle_tree *t, size_t index, struct merkle_path *ret);

/* The root that `path` leads to from leaf hash `leaf` at `index` of `size` leaves (RFC 9162 §2.1.3.2), for
   callers that then check a signature over size and root. TG_BAD_PROOF when index >= size or the path has not
   exactly the length that index and size demand. Any size up to 2^64 - 1. */
enum tg_err merkle_path_root(const struct hash *leaf, uint64_t index, uint64_t size, struct slice path,
                             struct hash *ret);
/* Does path place leaf under root? TG_OK or TG_BAD_PROOF. */
enum tg_err merkle_path_verify(const struct hash *leaf, uint64_t index, uint64_t size, struct slice path,
                               const struct hash *root);
/* Is the tree (old_size, old_root) a beginning of the tree (size, root)? RFC 9162 §2.1.4.2. Equal sizes need
   an empty path and equal roots. old_size 0 is refused: nothing can be proved about the empty tree, every
   tree extends it; checkpoint_extends() of the audit room knows that case. The proof does not bind the sizes,
   which therefore must come with their roots from one signed text. TG_OK or TG_BAD_PROOF. */
enum tg_err merkle_consistency_verify(uint64_t old_size, const struct hash *old_root, uint64_t size,
                                      const struct hash *root, struct slice path);

/* Is the tree of this size one complete subtree? Then a consistency path from it does not repeat its root. */
static inline bool merkle_old_is_complete(uint64_t size)
{
  return (size & (size - 1)) == 0;
}

/* The two roots that a consistency path leads to, for 0 < old_size < size, when its first hash is given apart
   from the rest. Where *ret is the root of a tree, *ret_old is the root of its first old_size leaves,
   whatever anybody said about them: this is how a fork is proved. TG_BAD_PROOF when the path has not exactly
   the length that the sizes demand. */
enum tg_err merkle_consistency_roots(uint64_t old_size, uint64_t size, const struct hash *first,
                                     struct slice rest, struct hash *ret_old, struct hash *ret);

/* The path of leaf `index` in the tree of `size` leaves, from its path in the tree of its first old_size leaves
   and a consistency path between the two: who has seen a log grow can prove an old entry under a new checkpoint
   without asking anybody. Neither path is verified here: does the result lead to the new root? TG_BAD_PROOF when
   they have not the lengths that the sizes demand. */
enum tg_err merkle_path_grow(uint64_t index, uint64_t old_size, struct slice path, uint64_t size,
                             struct slice consistency, struct merkle_path *ret);

/* A tree as somebody saw it. */
struct merkle_step {
  uint64_t size;
  struct hash root;
};
/* The consistency path from `old` to the tree of `size` leaves, from those between old and `middle`, and between middle and that tree: who lets go of
   the tree in the middle can still prove that the last extends the first. 0 < old < middle < size. Nothing is verified here: two paths that
   verify give one that does. TG_BAD_PROOF when they have not the lengths that the sizes demand. */
enum tg_err merkle_consistency_join(const struct merkle_step *old, const struct merkle_step *middle, struct slice first, uint64_t size,
                                    struct slice second, struct merkle_path *ret);

#endif
