/* A log in memory for the tests of this room, with its key: it grows, signs, proves and forks. */
#ifndef TOGUNA_TESTS_AUDIT_KIT_H
#define TOGUNA_TESTS_AUDIT_KIT_H

#include "audit/ledger.h"
#include "audit/opening.h"
#include "audit/witness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>

#define KIT_NOW INT64_C(1796083200000) /* 2026-12-01T00:00:00Z */

/* Tiles in memory. fail_after: this many writes succeed, the others are TG_DISK; below 0: all succeed. */
struct kit_tiles {
  struct kit_tile {
    unsigned level;
    uint64_t index;
    size_t n;
    uint8_t bytes[TILE_BYTES];
  } *tile;
  size_t n, cap, reads, writes;
  int fail_after;
};
struct tile_store kit_store(struct kit_tiles *tiles);
struct kit_tile *kit_tile(struct kit_tiles *tiles, unsigned level, uint64_t index); /* NULL: none */
void kit_tiles_free(struct kit_tiles *tiles);

/* Leaf i is the same in all logs below `fork`, and depends on `branch` from there on. */
struct kit_log {
  struct secret_key *key;
  struct note_key vkey;
  struct kit_tiles tiles;
  struct ledger *ledger;
  uint64_t fork, branch;
};
struct hash kit_leaf(const struct kit_log *log, uint64_t index);
struct kit_log *kit_log_new(const char *name, uint64_t size); /* the same name: the same key and leaves */
/* Another history under the same key: the first `fork` leaves of `log`, then others, `size` in all. */
struct kit_log *kit_log_fork(const struct kit_log *log, uint64_t fork, uint64_t size);
void kit_log_grow(struct kit_log *log, uint64_t size);
void kit_log_free(struct kit_log *log);
struct checkpoint kit_checkpoint(struct kit_log *log, uint64_t size);
/* The signed checkpoint at this size. */
struct buf kit_note(struct kit_log *log, uint64_t size);
struct merkle_path kit_consistency(struct kit_log *log, uint64_t old_size, uint64_t size);
/* Appends the leaf of this entry, salted with bytes `salt`, and returns its opening under the new size; the
 * path lives in *path. */
struct opening kit_append_entry(struct kit_log *log, struct slice entry, const uint8_t salt[ENTRY_SALT],
                                struct merkle_path *path);

struct secret_key *kit_key(enum key_kind kind, const char *name, uint8_t seed);
struct hash kit_hash(uint8_t byte); /* 32 times this byte */

/* An accepted bulletin with everything that such an entry has. */
struct entry kit_entry(void);

#endif
