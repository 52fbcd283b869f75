/* "Did you mean ...?": the known word nearest to an unknown one. */
#ifndef TOGUNA_KEYS_NEAREST_H
#define TOGUNA_KEYS_NEAREST_H

#include "proto/base.h"

enum { NEAREST_WORD_MAX = 64 }; /* longer words are never near anything */

/* How many single-character insertions, deletions, substitutions or swaps of neighbours lead from a to b (optimal
   string alignment), ASCII case counting half: the result is in half edits. SIZE_MAX when either is longer
   than NEAREST_WORD_MAX. */
size_t nearest_distance(struct slice a, struct slice b);

/* A search: feed candidates, read the best. */
struct nearest {
  struct slice word;
  size_t distance;
  const char *best; /* NULL while nothing is near enough: within a third of the word's length, at least one edit */
};

struct nearest nearest_to(struct slice word);
/* candidate is kept as a pointer while it is the best. The first of equals stays. */
void nearest_try(struct nearest *n, const char *candidate);

#endif
