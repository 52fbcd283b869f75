/* A hash table over 32-byte keys that others may have chosen: hashed with a secret seed, so that nobody can make chains
   grow. Entries live inside the things they lead to; putting and removing never fails. */
#ifndef TOGUNA_KEYS_TABLE_H
#define TOGUNA_KEYS_TABLE_H

#include "proto/base.h"

/* Embedded in a thing. Must stay where it is while it is in a table. */
struct table_entry {
  struct table_entry *next;
  uint8_t key[32];
  void *thing; /* NULL: in no table */
};

struct table {
  struct table_entry **bucket;
  size_t n_buckets, n; /* buckets: a power of two */
  uint8_t seed[16];
};

/* An empty table; TG_NO_MEMORY. */
enum tg_err table_init(struct table *t);
/* Frees the table, not the things. */
void table_done(struct table *t);
/* The thing under key, or NULL. */
void *table_find(const struct table *t, const uint8_t key[32]);
/* Puts e, which is in no table, under key; the key must be new (asserted). */
void table_put(struct table *t, struct table_entry *e, const uint8_t key[32], void *thing);
/* Takes e out; nothing happens when it is in none. */
void table_remove(struct table *t, struct table_entry *e);

#endif
