/* Sequences of numbers, each kept once: equal sequences have the same number. How sets of states, rows and outcomes become
   small integers. */
#ifndef TOGUNA_POLICY_BAG_H
#define TOGUNA_POLICY_BAG_H

#include "proto/base.h"

enum { BAG_NONE = UINT32_MAX };

/* {0} is an empty bag. Once a put failed for want of memory the bag is only good for bag_free(). */
struct bag {
  uint32_t *pool; /* all sequences, one after the other */
  size_t n, cap;
  size_t *start;  /* count + 1 places in pool */
  size_t count, start_cap;
  uint32_t *slot; /* number + 1; 0: free. A power of two, at most half full */
  size_t slots;
};

/* The number of the sequence, given out in order from 0; BAG_NONE without memory. */
uint32_t bag_put(struct bag *b, const uint32_t *sequence, size_t n);
/* The sequence with this number; valid until the next put. */
const uint32_t *bag_get(const struct bag *b, uint32_t number, size_t *ret_n);
void bag_free(struct bag *b);

/* For growing arrays: makes room for one more element of `size` bytes beyond n. False without memory, array unchanged. */
bool room_for(void *array_pointer, size_t *cap, size_t n, size_t size);

#endif
