#include "policy/bag.h"

#include <stdlib.h>
#include <string.h>

bool room_for(void *array_pointer, size_t *cap, size_t n, size_t size)
{
  void *old, *grown;
  size_t bytes, want = n < 8 ? 16 : n * 2;
  if (n < *cap)
    return true;
  memcpy(&old, array_pointer,
         sizeof old); /* the address of any pointer to elements: all have one form here */
  if (__builtin_mul_overflow(want, size, &bytes) || !(grown = realloc(old, bytes)))
    return false;
  memcpy(array_pointer, &grown, sizeof grown);
  *cap = want;
  return true;
}

static size_t hash_of(const uint32_t *sequence, size_t n)
{
  uint64_t h = n;
  for (size_t i = 0; i < n; i++)
    h = (h ^ sequence[i]) * UINT64_C(0x9e3779b97f4a7c15) ^ h >> 29;
  return (size_t)(h ^ h >> 32);
}

const uint32_t *bag_get(const struct bag *b, uint32_t number, size_t *ret_n)
{
  size_t from = b->start[number];
  if (ret_n)
    *ret_n = b->start[number + 1] - from;
  return b->pool + from;
}

/* The slot of the sequence, or the free one where it belongs. */
static size_t slot_of(const struct bag *b, const uint32_t *sequence, size_t n)
{
  size_t i = hash_of(sequence, n) & (b->slots - 1), have_n;
  for (; b->slot[i]; i = (i + 1) & (b->slots - 1)) {
    const uint32_t *have = bag_get(b, b->slot[i] - 1, &have_n);
    if (have_n == n && (!n || !memcmp(have, sequence, n * sizeof *have)))
      break;
  }
  return i;
}

static bool grow_slots(struct bag *b)
{
  size_t slots = b->slots ? b->slots * 2 : 64, n;
  uint32_t *old = b->slot;
  if (b->count * 2 < b->slots)
    return true;
  uint32_t *slot = calloc(slots, sizeof *slot);
  if (!slot)
    return false;
  b->slot = slot;
  b->slots = slots;
  for (uint32_t i = 0; i < b->count; i++) {
    const uint32_t *sequence = bag_get(b, i, &n);
    b->slot[slot_of(b, sequence, n)] = i + 1;
  }
  free(old);
  return true;
}

static bool grow_pool(struct bag *b, size_t n)
{
  size_t cap = b->cap ? b->cap : 256;
  while (cap < b->n + n)
    cap *= 2;
  if (cap == b->cap)
    return true;
  uint32_t *pool = realloc(b->pool, cap * sizeof *pool);
  if (!pool)
    return false;
  b->pool = pool;
  b->cap = cap;
  return true;
}

uint32_t bag_put(struct bag *b, const uint32_t *sequence, size_t n)
{
  if (b->count >= BAG_NONE - 1 || !grow_slots(b) || !grow_pool(b, n) ||
      !room_for(&b->start, &b->start_cap, b->count + 1, sizeof *b->start))
    return BAG_NONE;
  size_t i = slot_of(b, sequence, n);
  if (b->slot[i])
    return b->slot[i] - 1;
  if (n)
    memcpy(b->pool + b->n, sequence, n * sizeof *sequence);
  b->start[b->count] = b->n;
  b->n += n;
  b->start[++b->count] = b->n;
  b->slot[i] = (uint32_t)b->count;
  return (uint32_t)b->count - 1;
}

void bag_free(struct bag *b)
{
  free(b->pool);
  free(b->start);
  free(b->slot);
  *b = (struct bag){0};
}
