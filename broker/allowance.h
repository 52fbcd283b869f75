/* How much of something is allowed within an hour, and still is: a bucket that refills steadily. Kept in
   memory only: a restart forgives. */
#ifndef TOGUNA_BROKER_ALLOWANCE_H
#define TOGUNA_BROKER_ALLOWANCE_H

#include "proto/base.h"

/* A plain value; zeroed is full. used: in units times milliseconds of an hour. */
struct allowance {
  uint64_t used;
  int64_t at; /* monotonic */
};

/* Takes n of `per_hour` when that much is left; false, and nothing is taken, when not. */
static inline bool allowance_take(struct allowance *a, uint64_t per_hour, uint64_t n, int64_t mono)
{
  const uint64_t hour = 3600 * 1000;
  uint64_t elapsed = mono > a->at ? (uint64_t)(mono - a->at) : 0;
  uint64_t limit, cost, back, used;
  if (elapsed > hour)
    elapsed = hour;
  if (__builtin_mul_overflow(per_hour, hour, &limit) || __builtin_mul_overflow(n, hour, &cost) ||
      __builtin_mul_overflow(per_hour, elapsed, &back))
    return false;
  used = a->used > back ? a->used - back : 0;
  a->used = used;
  a->at = mono;
  if (cost > limit || used > limit - cost)
    return false;
  a->used = used + cost;
  return true;
}

/* Gives n back that were taken just now. */
static inline void allowance_return(struct allowance *a, uint64_t n)
{
  const uint64_t cost = n * 3600 * 1000;
  a->used = a->used > cost ? a->used - cost : 0;
}

#endif
