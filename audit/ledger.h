/* The ledger: the appending side of a log. It keeps the right edge of the tree in memory and everything else
   in tiles.

   What ledger_append() adds can be proved at once; it is on the disk after ledger_flush() and the store's own
   commit. Fail-stop: after any error of the store the ledger and the disk may differ, and the caller must
   open it anew from the disk. */
#ifndef TOGUNA_AUDIT_LEDGER_H
#define TOGUNA_AUDIT_LEDGER_H

#include "audit/tile.h"

struct ledger;

/* Opens the log of `size` leaves that the store holds; size 0 reads nothing. The store's functions are used
   until ledger_free(). TG_BAD_INPUT: size too large; TG_INTERNAL: tiles are missing or too short for this
   size; TG_NO_MEMORY, or the store's error. Tiles longer than size demands are what a crash left between two
   commits, and are overwritten. */
enum tg_err ledger_open(const struct tile_store *store, uint64_t size, struct ledger **ret,
                        struct tg_why *why);
void ledger_free(struct ledger *l); /* NULL is fine */

/* As of the last append, flushed or not. */
uint64_t ledger_size(const struct ledger *l);
struct hash ledger_root(const struct ledger *l);

/* Appends one leaf (the 32 bytes of entry_leaf()); *ret_index is its place. Writes tiles as they become full.
   Errors: the store's; TG_QUOTA: the log is full. */
enum tg_err ledger_append(struct ledger *l, const struct hash *leaf, uint64_t *ret_index);
/* Writes the tiles that grew since the last flush: at most one per level. Call it before the store's commit.
 */
enum tg_err ledger_flush(struct ledger *l);

/* For any size up to ledger_size(): the root, the proof that a leaf is in, the proof that one size extends
   another. TG_BAD_INPUT: index or size beyond; or the store's error. */
enum tg_err ledger_root_at(struct ledger *l, uint64_t size, struct hash *ret);
enum tg_err ledger_inclusion(struct ledger *l, uint64_t index, uint64_t size, struct merkle_path *ret);
enum tg_err ledger_consistency(struct ledger *l, uint64_t old_size, uint64_t size, struct merkle_path *ret);

#endif
