/* A log's tree, read out of its static files (c2sp.org/tlog-tiles) in a folder. */
#ifndef TOGUNA_CLI_TILES_H
#define TOGUNA_CLI_TILES_H

#include "audit/checkpoint.h"
#include "audit/tile.h"

/* The leaf at `index`, and the path that leads from it to the checkpoint's root; both verified against it.
   TG_NOT_FOUND: the log is not so long; TG_BAD_PROOF, or the error of reading, naming the file: what the folder holds
   is not the log of this checkpoint. */
enum tg_err tiles_prove(const char *folder, const struct checkpoint *checkpoint, uint64_t index, struct hash *ret_leaf,
                        struct merkle_path *ret, struct tg_why *why);

/* The first `width` leaves of the bundle `index`, as they stand in the file; nothing is verified. Errors of reading;
   TG_BAD_PROOF: it is no such file. */
enum tg_err tiles_leaves(const char *folder, uint64_t index, unsigned width, struct hash ret[TILE_WIDTH], struct tg_why *why);

#endif
