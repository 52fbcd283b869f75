#include "keys/table.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum tg_err table_init(struct table *t)
{
  *t = (struct table){.n_buckets = 64};
  t->bucket = calloc(t->n_buckets, sizeof *t->bucket);
  randombytes_buf(t->seed, sizeof t->seed);
  return t->bucket ? TG_OK : TG_NO_MEMORY;
}

void table_done(struct table *t)
{
  free(t->bucket);
  t->bucket = NULL;
}

static struct table_entry **place(const struct table *t, const uint8_t key[32])
{
  uint64_t h;
  uint8_t out[crypto_shorthash_BYTES];
  crypto_shorthash(out, key, 32, t->seed);
  memcpy(&h, out, sizeof h);
  return &t->bucket[h & (t->n_buckets - 1)];
}

/* Doubles the buckets. Without memory the chains just stay longer. */
static void grow(struct table *t)
{
  struct table bigger = *t;
  bigger.n_buckets = 2 * t->n_buckets;
  bigger.bucket = calloc(bigger.n_buckets, sizeof *bigger.bucket);
  if (!bigger.bucket)
    return;
  for (size_t i = 0; i < t->n_buckets; i++) {
    for (struct table_entry *e = t->bucket[i], *next; e; e = next) {
      struct table_entry **to = place(&bigger, e->key);
      next = e->next;
      e->next = *to;
      *to = e;
    }
  }
  free(t->bucket);
  *t = bigger;
}

void *table_find(const struct table *t, const uint8_t key[32])
{
  for (const struct table_entry *e = *place(t, key); e; e = e->next)
    if (!memcmp(e->key, key, 32))
      return e->thing;
  return NULL;
}

void table_put(struct table *t, struct table_entry *e, const uint8_t key[32], void *thing)
{
  assert(thing && !e->thing && !table_find(t, key));
  if (t->n >= t->n_buckets)
    grow(t);
  struct table_entry **to = place(t, key);
  memcpy(e->key, key, 32);
  e->thing = thing;
  e->next = *to;
  *to = e;
  t->n++;
}

void table_remove(struct table *t, struct table_entry *e)
{
  if (!e->thing)
    return;
  struct table_entry **at = place(t, e->key);
  while (*at != e)
    at = &(*at)->next;
  *at = e->next;
  e->thing = NULL;
  t->n--;
}
