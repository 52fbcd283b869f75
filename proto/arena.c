#include "proto/arena.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Blocks form a list, newest first; one of them survives resets. Invariant: the bytes [used, wiped) are zero. */
struct block {
  struct block *older;
  size_t size, used, wiped;
  _Alignas(max_align_t) uint8_t bytes[];
};

/* Invariants: spent <= budget; spent is what was handed out since the last reset, alignment included. */
struct arena {
  struct block *newest;
  size_t budget, spent, kept;
  bool starved;
  ProtobufCAllocator allocator;
};

enum { FIRST_BLOCK = 8 * 1024, KEPT = 16 * 1024, ALIGN = _Alignof(max_align_t) };

static void *allocate(void *arena, size_t n) { return arena_alloc(arena, n); }
static void release(void *arena, void *p) { (void)arena, (void)p; }

static struct block *block_new(size_t size, struct block *older)
{
  struct block *b = malloc(sizeof *b + size);
  if (b)
    *b = (struct block){.older = older, .size = size};
  return b;
}

static void block_free(struct block *b)
{
  sodium_memzero(b->bytes, b->used);
  free(b);
}

struct arena *arena_new(size_t budget)
{
  struct arena *a = malloc(sizeof *a);
  if (!a)
    return NULL;
  *a = (struct arena){.budget = budget, .kept = KEPT, .allocator = {.alloc = allocate, .free = release, .allocator_data = a}};
  a->newest = block_new(FIRST_BLOCK, NULL);
  if (!a->newest) {
    free(a);
    return NULL;
  }
  return a;
}

void arena_keep(struct arena *a, size_t n) { a->kept = n; }

static void wipe(struct block *b)
{
  sodium_memzero(b->bytes, b->used);
  b->wiped = b->used > b->wiped ? b->used : b->wiped;
  b->used = 0;
}

void arena_reset(struct arena *a)
{
  struct block *kept = a->newest;
  for (struct block *b = a->newest->older, *older; b; b = older) {
    older = b->older;
    const bool better = b->size > kept->size ? b->size <= a->kept : kept->size > a->kept;
    block_free(better ? kept : b);
    kept = better ? b : kept;
  }
  wipe(kept);
  kept->older = NULL;
  a->newest = kept;
  a->spent = 0;
}

void arena_free(struct arena *a)
{
  if (!a)
    return;
  arena_reset(a);
  block_free(a->newest);
  free(a);
}

void *arena_alloc(struct arena *a, size_t n)
{
  if (n > a->budget - a->spent)
    return NULL;
  size_t rounded = (n + ALIGN - 1) / ALIGN * ALIGN;
  if (rounded > a->budget - a->spent)
    return NULL;
  if (rounded > a->newest->size - a->newest->used) {
    size_t size = a->newest->size * 2;
    struct block *b = block_new(size < rounded ? rounded : size, a->newest);
    a->starved |= !b;
    if (!b)
      return NULL;
    a->newest = b;
  }
  struct block *b = a->newest;
  uint8_t *p = b->bytes + b->used;
  const size_t end = b->used + rounded, from = b->wiped > b->used ? b->wiped : b->used;
  if (end > from) /* never used before */
    memset(b->bytes + from, 0, end - from);
  b->used = end;
  a->spent += rounded;
  return p;
}

struct slice arena_copy(struct arena *a, struct slice s)
{
  void *p = s.n ? arena_alloc(a, s.n) : NULL;
  return p ? slice_of(memcpy(p, s.p, s.n), s.n) : slice_of(NULL, 0);
}

bool arena_is_starved(const struct arena *a) { return a->starved; }
size_t arena_used(const struct arena *a) { return a->spent; }

size_t arena_held(const struct arena *a)
{
  size_t n = sizeof *a;
  for (const struct block *b = a->newest; b; b = b->older)
    n += sizeof *b + b->size;
  return n;
}

ProtobufCAllocator *arena_allocator(struct arena *a) { return &a->allocator; }
