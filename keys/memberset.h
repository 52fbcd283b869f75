/* A set of members: 256 bits. A member's bit is its index in the directory (directory_member_index()), so
   sets of different directories must never be mixed, stored or sent. */
#ifndef TOGUNA_KEYS_MEMBERSET_H
#define TOGUNA_KEYS_MEMBERSET_H

#include "proto/base.h"

enum { MEMBERS_MAX = 256 };

/* A plain value; {0} is the empty set. */
struct memberset {
  uint64_t w[4];
};

static inline void memberset_add(struct memberset *s, unsigned i) { s->w[i >> 6 & 3] |= UINT64_C(1) << (i & 63); }

static inline void memberset_remove(struct memberset *s, unsigned i)
{
  s->w[i >> 6 & 3] &= ~(UINT64_C(1) << (i & 63));
}

static inline bool memberset_has(const struct memberset *s, unsigned i)
{
  return i < MEMBERS_MAX && (s->w[i >> 6] >> (i & 63) & 1);
}

static inline bool memberset_empty(const struct memberset *s)
{
  return !(s->w[0] | s->w[1] | s->w[2] | s->w[3]);
}

static inline unsigned memberset_count(const struct memberset *s)
{
  return (unsigned)(__builtin_popcountll(s->w[0]) + __builtin_popcountll(s->w[1]) +
                    __builtin_popcountll(s->w[2]) + __builtin_popcountll(s->w[3]));
}

static inline bool memberset_eq(const struct memberset *a, const struct memberset *b)
{
  return a->w[0] == b->w[0] && a->w[1] == b->w[1] && a->w[2] == b->w[2] && a->w[3] == b->w[3];
}

/* Is every member of a in b? */
static inline bool memberset_within(const struct memberset *a, const struct memberset *b)
{
  return !((a->w[0] & ~b->w[0]) | (a->w[1] & ~b->w[1]) | (a->w[2] & ~b->w[2]) | (a->w[3] & ~b->w[3]));
}

static inline struct memberset memberset_and(struct memberset a, struct memberset b)
{
  return (struct memberset){{a.w[0] & b.w[0], a.w[1] & b.w[1], a.w[2] & b.w[2], a.w[3] & b.w[3]}};
}

static inline struct memberset memberset_or(struct memberset a, struct memberset b)
{
  return (struct memberset){{a.w[0] | b.w[0], a.w[1] | b.w[1], a.w[2] | b.w[2], a.w[3] | b.w[3]}};
}

/* What is in a and not in b. */
static inline struct memberset memberset_minus(struct memberset a, struct memberset b)
{
  return (struct memberset){{a.w[0] & ~b.w[0], a.w[1] & ~b.w[1], a.w[2] & ~b.w[2], a.w[3] & ~b.w[3]}};
}

/* The lowest index >= from in s; MEMBERS_MAX when there is none. The loop over a set:
   for (unsigned i = memberset_next(&s, 0); i < MEMBERS_MAX; i = memberset_next(&s, i + 1)) */
static inline unsigned memberset_next(const struct memberset *s, unsigned from)
{
  for (unsigned word = from >> 6; word < 4; word++) {
    uint64_t left = s->w[word];
    if (word == from >> 6)
      left &= ~UINT64_C(0) << (from & 63);
    if (left)
      return word * 64 + (unsigned)__builtin_ctzll(left);
  }
  return MEMBERS_MAX;
}

#endif
