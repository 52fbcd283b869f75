#include "proto/arena.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Blocks form a list, newest first; the first one ever made survives resets. */
struct block {
  struct block *older;
  size_t size, used;
  _Alignas(max_align_t) uint8_t bytes[];
};

/* Invariants: spent <= budget; spent is what was handed out since the last reset, alignment included. */
struct arena {
  struct block *newest;
  size_t budget, spent;
  ProtobufCAllocator allocator;
};

enum { FIRST_BLOCK = 8 * 1024, ALIGN = _Alignof(max_align_t) };

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
  *a = (struct arena){.budget = budget, .allocator = {.alloc = allocate, .free = release, .allocator_data = a}};
  a->newest = block_new(FIRST_BLOCK, NULL);
  if (!a->newest) {
    free(a);
    return NULL;
  }
  return a;
}

void arena_reset(struct arena *a)
{
  while (a->newest->older) {
    struct block *b = a->newest;
    a->newest = b->older;
    block_free(b);
  }
  sodium_memzero(a->newest->bytes, a->newest->used);
  a->newest->used = 0;
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
    if (!b)
      return NULL;
    a->newest = b;
  }
  void *p = a->newest->bytes + a->newest->used;
  a->newest->used += rounded;
  a->spent += rounded;
  return memset(p, 0, rounded);
}

struct slice arena_copy(struct arena *a, struct slice s)
{
  void *p = s.n ? arena_alloc(a, s.n) : NULL;
  return p ? slice_of(memcpy(p, s.p, s.n), s.n) : slice_of(NULL, 0);
}

size_t arena_used(const struct arena *a) { return a->spent; }
ProtobufCAllocator *arena_allocator(struct arena *a) { return &a->allocator; }
