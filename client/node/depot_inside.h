/* What the files of the depot share; for client/node/depot*.c alone. */
#ifndef TOGUNA_CLIENT_NODE_DEPOT_INSIDE_H
#define TOGUNA_CLIENT_NODE_DEPOT_INSIDE_H

#include "client/node/depot.h"
#include "os/late.h"

/* A row of `body` that this transaction has made (fresh) or changes. */
struct open_body {
  uint64_t id, chunks;
  bool owned, fresh;
};

/* Invariants: key is derived from the storage key and used for nothing but depot_lock() and depot_blind(). Rows of `body` are as in
   bodies[], which is put into the store before the commit; last_body is the highest id that was ever given. */
struct depot {
  struct db *db;
  uint8_t *key; /* 64 bytes of sodium_malloc: 32 to encrypt, 32 to blind */
  struct open_body *bodies;
  size_t n_bodies, cap_bodies;
  uint64_t last_body;
  struct late *late[DEPOT_FOLDERS];
};

/* ---- depot_body.c */

/* Which body was the last to be given an id. TG_DISK. */
enum tg_err depot_bodies_open(struct depot *depot);
/* Before the commit: rows that this transaction has made or changed. */
enum tg_err depot_bodies_write(struct depot *depot);

#endif
