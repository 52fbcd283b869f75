/* One tear-line portion: its marking, what it commits to, and its release list. */
#ifndef TOGUNA_PROTO_PORTION_H
#define TOGUNA_PROTO_PORTION_H

#include "proto/arena.h"
#include "proto/body.h"
#include "proto/buf.h"
#include "proto/marking.h"

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

/* A release list as received, valid: names as written, not yet known to exist. Each name is a member "ML", an agency
   "ML/dgse" or a bloc "ECOWAS" by its shape: [A-Z][A-Z0-9-]* then optionally / and [a-z0-9][a-z0-9-]*. */
struct release {
  struct slice bytes; /* exactly as they came */
  struct slice salt;
  size_t to_count, except_count; /* to_count is 1 or more */
  const struct slice *to, *except;
};

/* Appends Release bytes with a fresh salt. Names must be of the right shape, and no name twice in a list
   (TG_BAD_INPUT). */
enum tg_err release_build(const struct slice *to, size_t to_count, const struct slice *except, size_t except_count,
                          struct buf *out, struct tg_why *why);
enum tg_err release_parse(struct slice bytes, struct arena *arena, struct release *ret, struct tg_why *why);
/* H("toguna/release/v1" ‖ bytes). */
struct hash release_hash(struct slice bytes);

/* The portion tree over the Portion bytes in order, 1..LIMIT_PORTIONS of them. */
struct hash portion_tree_root(const struct slice *portions, size_t count);
/* Appends the path of portion `index` to out. */
enum tg_err portion_tree_path(const struct slice *portions, size_t count, size_t index, struct buf *out);
/* Does path place these Portion bytes at index of count under root? TG_OK or TG_BAD_PROOF. */
enum tg_err portion_tree_verify(struct slice portion, size_t index, size_t count, struct slice path,
                                const struct hash *root, struct tg_why *why);

#endif
