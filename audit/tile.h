/* Tiles (c2sp.org/tlog-tiles): how a log's tree is stored and served. A tile of level L holds up to 256
   consecutive roots of complete subtrees of 256^L leaves. These are the only hashes a log must keep: whatever
   lies between is hashed from them, and every proof for every size can be made. */
#ifndef TOGUNA_AUDIT_TILE_H
#define TOGUNA_AUDIT_TILE_H

#include "proto/buf.h"
#include "proto/merkle.h"

enum {
  TILE_HEIGHT = 8, /* levels of the tree in one tile */
  TILE_WIDTH = 1 << TILE_HEIGHT,
  TILE_BYTES = TILE_WIDTH * 32,
  TILE_LEVELS = 8,    /* tile levels of a tree of at most MERKLE_SIZE_MAX leaves */
  TILE_PATH_MAX = 64, /* bytes of a printed path, NUL included */
};

/* Where tiles are kept. Both functions return TG_OK or an error that is handed through. */
struct tile_store {
  void *context;
  /* Fills out with the tile's hashes and says how many bytes that is (a multiple of 32, at most TILE_BYTES).
     It may hold more than was ever asked for: a tile only grows. TG_NOT_FOUND when there is none. */
  enum tg_err (*read)(void *context, unsigned level, uint64_t index, uint8_t out[TILE_BYTES],
                      size_t *ret_bytes);
  /* Stores a tile in place of its shorter self. NULL in a store that is only read. */
  enum tg_err (*write)(void *context, unsigned level, uint64_t index, struct slice hashes);
};

/* How many hashes the tile has in a tree of `size` leaves: 0 (no such tile) .. TILE_WIDTH. */
unsigned tile_width(uint64_t size, unsigned level, uint64_t index);

/* The name of a static file. */
struct tile_name {
  bool entries;   /* tile/entries/N: leaves; otherwise tile/L/N */
  unsigned level; /* 0 for entries */
  uint64_t index;
  unsigned width; /* 1..TILE_WIDTH */
};
/* "tile/1/x001/x234/067.p/17"; returns the length. */
size_t tile_name_print(const struct tile_name *name, char out[TILE_PATH_MAX]);
/* Reads exactly what tile_name_print() writes. TG_BAD_INPUT for everything else, such as levels of
 * TILE_LEVELS and above. */
enum tg_err tile_name_parse(struct slice path, struct tile_name *ret);

/* One leaf in an entry bundle: u16 length (32) ‖ leaf. */
void tile_bundle_put(struct buf *out, const struct hash *leaf);

/* Reads a tree out of tiles, keeping the most recently used ones expanded (16 KiB each). */
struct tile_reader;
/* The store's functions are used until tile_reader_free(); slots: tiles kept, at least 1. NULL without
 * memory. */
struct tile_reader *tile_reader_new(const struct tile_store *store, size_t slots);
void tile_reader_free(struct tile_reader *r);
/* A merkle_fetch; `from` is a struct tile_reader. TG_NOT_FOUND when the tile is not there or too short for
   that subtree; TG_INTERNAL when the store gave something that is no tile. */
enum tg_err tile_fetch(void *from, unsigned level, uint64_t index, struct hash *ret);
/* Tells the reader the first n hashes (1..TILE_WIDTH) of a tile, so that it need not read them from the
   store: the growing tiles of who appends. */
void tile_reader_feed(struct tile_reader *r, unsigned level, uint64_t index, const struct hash *hashes,
                      unsigned n);

#endif
