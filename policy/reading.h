/* A policy read against a world: which members each of its rules is about, which countries a transit rule names. Unchangeable,
   shared by sets. */
#ifndef TOGUNA_POLICY_READING_H
#define TOGUNA_POLICY_READING_H

#include "policy/rule.h"

/* A set of countries by code, members or not. */
struct placeset {
  uint64_t w[11]; /* 26 × 26 bits */
};

/* The bit of a code of two capitals; -1 for anything else. */
static inline int place_bit(struct country c)
{
  unsigned a = (unsigned)(c.code[0] - 'A'), b = (unsigned)(c.code[1] - 'A');
  return a < 26 && b < 26 ? (int)(a * 26 + b) : -1;
}

static inline bool placeset_has(const struct placeset *s, struct country c)
{
  int bit = place_bit(c);
  return bit >= 0 && (s->w[bit >> 6] >> (bit & 63) & 1);
}

struct reading {
  atomic_uint references;
  struct policy *policy;
  struct memberset *who;  /* by rule */
  struct placeset *where; /* by rule; transit rules only, else empty. NULL when there are none */
};

/* Shares the policy. NULL without memory. */
struct reading *policy_reading_new(const struct policy *p, const struct policy_world *w);
struct reading *policy_reading_share(struct reading *r);
void policy_reading_free(struct reading *r);

/* One portion as rules see it. */
struct facts {
  uint8_t level; /* the stricter of what is stated and what the national label stands for */
  uint8_t tlp;
  uint64_t size;
  struct country originator;
  struct slice agency;
  tg_time time;
};

/* Does rule i apply to this portion under this topic, whoever receives it? */
bool policy_reading_applies(const struct reading *r, size_t i, const struct facts *f, struct slice topic);

#endif
