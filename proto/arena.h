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
/* Wipes everything and keeps one block for what comes next: to its owner the arena is as new. */
void arena_reset(struct arena *a);
/* How large a block a reset may keep, instead of 16 KiB: for an arena in which frame after frame is taken apart. */
void arena_keep(struct arena *a, size_t n);
/* n zeroed bytes aligned for any type, or NULL when the budget or memory is exhausted. Valid until reset. */
void *arena_alloc(struct arena *a, size_t n);
struct slice arena_copy(struct arena *a, struct slice s); /* {NULL,0} on failure, or when s is empty */
/* Has memory ever run out below it, its budget apart? Then what came of it says nothing of who sent what was taken apart: nothing may be
   decided by it. Resets do not forget it. */
bool arena_is_starved(const struct arena *a);
size_t arena_used(const struct arena *a);
size_t arena_held(const struct arena *a); /* bytes of memory that it takes up, some KiB of them even when nothing is used */
/* For x__unpack(): allocations come from the arena, frees do nothing, so no x__free_unpacked is needed. */
ProtobufCAllocator *arena_allocator(struct arena *a);

#endif
