/* Nodes of one Merkle tree that were proven to be in it. Statements of one batch, and entries under one checkpoint, come with paths that are
   mostly the same: a path is hashed only up to the first node that is known, and compared from there. What is believed is exactly
   what merkle_path_verify() would believe; only the hashing that was done before is not done again. */
#ifndef TOGUNA_PROTO_PROVEN_H
#define TOGUNA_PROTO_PROVEN_H

#include "proto/base.h"

enum {
  PROVEN_WIDE = 5,                                         /* levels with room for a whole batch of PROVEN_LEAVES … */
  PROVEN_LEAVES = 256,
  PROVEN_NARROW = 8,                                       /* … above them, so many nodes of each */
  PROVEN_LEVELS = 48,                                      /* nodes higher up are not kept */
  PROVEN_NODES = 256 + 128 + 64 + 32 + 16 + PROVEN_NARROW * (PROVEN_LEVELS - PROVEN_WIDE),
};

struct proven_node {
  uint64_t index;
  uint32_t age; /* the tree it belongs to: struct proven's, or it is not there */
  struct hash hash;
};

/* Plain data, about 32 KiB; zeros: nothing is known. Invariant: each node of the present age led to `root`, in a tree of `size` leaves. */
struct proven {
  uint64_t size;
  struct hash root;
  uint32_t age;
  struct proven_node node[PROVEN_NODES];
};

/* merkle_path_verify(), with what is known of the tree of this size and root; another tree than last time begins anew. */
enum tg_err proven_verify(struct proven *p, const struct hash *leaf, uint64_t index, uint64_t size, struct slice path,
                          const struct hash *root);

#endif
