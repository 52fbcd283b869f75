#include "audit/ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Tiles kept for proofs: the right edge of eight levels, and room for older leaves. 1 MiB. */
enum { SLOTS = 64 };

/* The last, still growing tile of one level, as it is written. Invariant: width < TILE_WIDTH; the first width
   hashes are there; they are in the store unless dirty. */
struct edge {
  unsigned width;
  bool dirty;
  struct hash hash[TILE_WIDTH];
};

struct ledger {
  struct tile_store store;
  struct tile_reader *reader;
  struct merkle_frontier frontier;
  struct edge edge[TILE_LEVELS];
  struct merkle_edge proven; /* of the size that paths were asked for last */
};

static uint64_t edge_index(const struct ledger *l, unsigned level)
{
  return l->frontier.size >> (level * TILE_HEIGHT) >> TILE_HEIGHT;
}

static enum tg_err incomplete(struct tg_why *why)
{
  return why_set(why, TG_INTERNAL, NULL, N_("the log's tree is not complete in its store"),
                 N_("restore the store from a copy; do not continue with this one"), NULL, NULL, NULL);
}

/* Reads the growing tile of one level, as far as it counts. */
static enum tg_err edge_load(struct ledger *l, unsigned level, struct tg_why *why)
{
  struct edge *e = &l->edge[level];
  uint8_t bytes[TILE_BYTES];
  size_t n = 0;
  e->width = (unsigned)((l->frontier.size >> (level * TILE_HEIGHT)) % TILE_WIDTH);
  if (e->width == 0)
    return TG_OK;
  enum tg_err err = l->store.read(l->store.context, level, edge_index(l, level), bytes, &n);
  if (err && err != TG_NOT_FOUND)
    return err;
  if (err || n > sizeof bytes || n < e->width * sizeof(struct hash))
    return incomplete(why);
  memcpy(e->hash, bytes, e->width * sizeof(struct hash));
  return TG_OK;
}

/* A merkle_fetch that knows the growing tiles: what the store holds of them may be shorter, or longer after a
 * crash. */
static enum tg_err fetch(void *from, unsigned level, uint64_t index, struct hash *ret)
{
  struct ledger *l = from;
  unsigned tile_level = level / TILE_HEIGHT;
  uint64_t tile = index >> (TILE_HEIGHT - level % TILE_HEIGHT);
  const struct edge *e = &l->edge[tile_level];
  if (e->width && tile == edge_index(l, tile_level))
    tile_reader_feed(l->reader, tile_level, tile, e->hash, e->width);
  return tile_fetch(l->reader, level, index, ret);
}

static enum tg_err load(struct ledger *l, uint64_t size, struct tg_why *why)
{
  l->frontier.size = size;
  for (unsigned level = 0; level < TILE_LEVELS; level++) {
    enum tg_err err = edge_load(l, level, why);
    if (err)
      return err;
  }
  enum tg_err err = merkle_stored_frontier(size, fetch, l, &l->frontier);
  return err == TG_NOT_FOUND || err == TG_INTERNAL ? incomplete(why) : err;
}

enum tg_err ledger_open(const struct tile_store *store, uint64_t size, struct ledger **ret,
                        struct tg_why *why)
{
  if (size > MERKLE_SIZE_MAX)
    return TG_BAD_INPUT;
  struct ledger *l = calloc(1, sizeof *l);
  if (!l)
    return TG_NO_MEMORY;
  l->store = *store;
  l->reader = tile_reader_new(store, SLOTS);
  enum tg_err err = l->reader ? load(l, size, why) : TG_NO_MEMORY;
  if (err)
    ledger_free(l);
  else
    *ret = l;
  return err;
}

void ledger_free(struct ledger *l)
{
  if (!l)
    return;
  tile_reader_free(l->reader);
  free(l);
}

uint64_t ledger_size(const struct ledger *l)
{
  return l->frontier.size;
}

struct hash ledger_root(const struct ledger *l)
{
  return merkle_frontier_root(&l->frontier);
}

static enum tg_err edge_write(struct ledger *l, unsigned level, uint64_t index)
{
  struct edge *e = &l->edge[level];
  e->dirty = false;
  return l->store.write(l->store.context, level, index, slice_of(e->hash, e->width * sizeof(struct hash)));
}

/* Adds the hash at `place` of a level; a tile that is full goes to the store, and the edge moves on. */
static enum tg_err edge_add(struct ledger *l, unsigned level, uint64_t place, const struct hash *hash)
{
  struct edge *e = &l->edge[level];
  assert(e->width == place % TILE_WIDTH);
  e->hash[e->width++] = *hash;
  e->dirty = true;
  if (e->width < TILE_WIDTH)
    return TG_OK;
  enum tg_err err = edge_write(l, level, place / TILE_WIDTH);
  e->width = 0;
  return err;
}

enum tg_err ledger_append(struct ledger *l, const struct hash *leaf, uint64_t *ret_index)
{
  if (l->frontier.size >= MERKLE_SIZE_MAX)
    return TG_QUOTA;
  struct hash done[MERKLE_LEVELS], hash = merkle_leaf(slice_of(leaf->b, sizeof leaf->b));
  uint64_t index = l->frontier.size;
  unsigned complete = merkle_frontier_append(&l->frontier, &hash, done);
  for (unsigned level = 0; level * TILE_HEIGHT < complete; level++) {
    enum tg_err err = edge_add(l, level, index >> (level * TILE_HEIGHT), &done[level * TILE_HEIGHT]);
    if (err)
      return err;
  }
  *ret_index = index;
  return TG_OK;
}

enum tg_err ledger_flush(struct ledger *l)
{
  for (unsigned level = 0; level < TILE_LEVELS; level++) {
    if (!l->edge[level].dirty)
      continue;
    enum tg_err err = edge_write(l, level, edge_index(l, level));
    if (err)
      return err;
  }
  return TG_OK;
}

enum tg_err ledger_root_at(struct ledger *l, uint64_t size, struct hash *ret)
{
  return size > l->frontier.size ? TG_BAD_INPUT : merkle_stored_root(size, fetch, l, ret);
}

enum tg_err ledger_inclusion(struct ledger *l, uint64_t index, uint64_t size, struct merkle_path *ret)
{
  return size > l->frontier.size ? TG_BAD_INPUT : merkle_inclusion_edge(index, size, fetch, l, &l->proven, ret);
}

enum tg_err ledger_consistency(struct ledger *l, uint64_t old_size, uint64_t size, struct merkle_path *ret)
{
  return size > l->frontier.size ? TG_BAD_INPUT : merkle_consistency(old_size, size, fetch, l, ret);
}
