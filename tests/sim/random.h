/* The one source of chance of a simulation: a seed gives the same numbers on every machine. */
#ifndef TOGUNA_TESTS_SIM_RANDOM_H
#define TOGUNA_TESTS_SIM_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
  uint64_t state;
};

struct random random_new(uint64_t seed);
uint64_t random_next(struct random *r);                 /* all 64 bits */
uint64_t random_below(struct random *r, uint64_t n);    /* 0 .. n-1; n > 0 */
bool random_chance(struct random *r, unsigned percent); /* true in percent of cases */
/* From now on libsodium draws from r (process-wide): keys, salts and nonces repeat with the seed. r must outlive its use. */
void random_drives_libsodium(struct random *r);

#endif
