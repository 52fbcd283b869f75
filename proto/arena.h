/* One sweep of memory for everything learnt about one bulletin or frame. */
#ifndef TOGUNA_PROTO_ARENA_H
#define TOGUNA_PROTO_ARENA_H

#include "proto/base.h"
#include <protobuf-c/protobuf-c.h>

struct arena;

/* An arena that hands out at most `budget` bytes in all between two resets. NULL without memory. */
struct arena *arena_new(size_t budget);
/* Wipes and frees everything. NULL is fine. */
void arena_free(struct arena *a);
/* Wipes and keeps the first block: the arena is as new. */
void arena_reset(struct arena *a);
/* n zeroed bytes aligned for any type, or NULL when the budget or memory is exhausted. Valid until reset. */
void *arena_alloc(struct arena *a, size_t n);
struct slice arena_copy(struct arena *a, struct slice s); /* {NULL,0} on failure, or when s is empty */
size_t arena_used(const struct arena *a);
/* For x__unpack(): allocations come from the arena, frees do nothing, so no x__free_unpacked is needed. */
ProtobufCAllocator *arena_allocator(struct arena *a);

#endif
