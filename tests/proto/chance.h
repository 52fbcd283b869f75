/* Chance that repeats, and bytes as hex: for the tests of this room. */
#ifndef TOGUNA_TESTS_PROTO_CHANCE_H
#define TOGUNA_TESTS_PROTO_CHANCE_H

#include "proto/base.h"

/* From now on libsodium's generator is a function of the seed. */
void chance_seed(uint64_t seed);
/* The next n bytes that libsodium draws are these; after them, the seeded ones again. */
void chance_feed(const void *p, size_t n);
/* 0 .. n-1 */
uint64_t chance_below(uint64_t n);
void chance_fill(void *p, size_t n);

/* Hex to bytes; ends the process when s is no hex or more than max bytes. */
struct slice unhex(const char *s, uint8_t *out, size_t max);

#endif
