/* One tear-line portion: its marking, what it commits to, and its release list. */
#ifndef TOGUNA_PROTO_PORTION_H
#define TOGUNA_PROTO_PORTION_H

#include "proto/arena.h"
#include "proto/body.h"
#include "proto/buf.h"
#include "proto/limits.h"
#include "proto/marking.h"
#include "proto/merkle.h"

/* A Portion as received, valid. Slices point into the bytes and the arena given to portion_parse(). */
struct portion {
  struct slice bytes; /* exactly as they came: the leaf of the portion tree */
  struct slice salt;
  uint32_t index; /* below LIMIT_PORTIONS */
  uint8_t level;  /* enum level */
  uint8_t tlp;    /* enum tlp */
  uint32_t caveats;   /* enum caveat */
  struct slice label; /* national label, may be empty */
  struct hash release_hash;
  struct body_seal seal;
};

/* What an originator decides about one portion; portion_build() adds the salt. */
struct portion_draft {
  uint32_t index;
  uint8_t level, tlp;
  uint32_t caveats;
  struct slice label;
  struct hash release_hash; /* release_hash() of the Release bytes */
  struct body_seal seal;    /* from body_sealer_finish() */
};

/* Appends the Portion bytes to out. TG_BAD_INPUT or TG_TOO_BIG for a draft outside its limits; out is then as before. */
enum tg_err portion_build(const struct portion_draft *draft, struct buf *out, struct tg_why *why);
/* Errors of strict_unpack(); TG_BAD_INPUT for a marking outside its scale or a size that no body has. */
enum tg_err portion_parse(struct slice bytes, struct arena *arena, struct portion *ret, struct tg_why *why);

/* One name of a release list, by its shape alone: a member "ML" (two capitals), an agency "ML/dgse" (member, slash, 1..31
   of a-z, 0-9 and hyphens, no hyphen first), or a bloc "ECOWAS" (3..31 of A-Z, 0-9 and hyphens, a letter first). */
bool release_name_valid(struct slice s);

/* A release list as received, valid: names as written, not yet known to exist. */
struct release {
  struct slice bytes; /* exactly as they came */
  struct slice salt;
  size_t to_count, except_count;  /* to_count is 1 or more */
  const struct slice *to, *except; /* ascending bytewise, no name twice in a list */
};

/* Appends Release bytes with a fresh salt and the names in order. TG_BAD_INPUT: a name of no valid shape, or twice in a
   list. */
enum tg_err release_build(const struct slice *to, size_t to_count, const struct slice *except, size_t except_count,
                          struct buf *out, struct tg_why *why);
enum tg_err release_parse(struct slice bytes, struct arena *arena, struct release *ret, struct tg_why *why);
/* H("toguna/release/v1" ‖ bytes). */
struct hash release_hash(struct slice bytes);

/* The portion tree over the Portion bytes in order, 1..LIMIT_PORTIONS of them: its root alone, or the tree for its paths
   (merkle_tree_path); NULL without memory. */
struct hash portion_root(const struct slice *portions, size_t count);
struct merkle_tree *portion_tree(const struct slice *portions, size_t count);
/* Does path place these Portion bytes at index of count under root? TG_OK or TG_BAD_PROOF. */
enum tg_err portion_verify(struct slice portion, size_t index, size_t count, struct slice path,
                                const struct hash *root, struct tg_why *why);

#endif
