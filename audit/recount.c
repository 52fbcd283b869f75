#include "audit/recount.h"

#include <stdlib.h>
#include <string.h>

/* Two ways to one answer. Upwards: from the entries alone to a root; if that is the signed one, the entries
   are right and a tile that differs from what they make it is wrong. If it is not, some entry is wrong; then
   downwards: from the signed root through the tiles, each of which its parent vouches for, to the entries
   that do not match. */

struct edge {
  unsigned width;
  struct hash hash[TILE_WIDTH];
};

struct work {
  const struct checkpoint *checkpoint;
  const struct recount_source *source;
  struct recount_result result;
  struct merkle_frontier tree; /* upwards */
  struct edge edge[TILE_LEVELS];
  bool broken; /* upwards: leaves are missing that no tile replaces */
  struct buf file;
  size_t n_differing; /* told when it is known who is right */
  struct recount_finding differing[RECOUNT_TOLD_MAX];
  size_t n_told;
  struct recount_finding told[RECOUNT_TOLD_MAX];
};

static const struct {
  const char *name, *sentence;
} words[] = {
    [RECOUNT_MISSING] = {"missing", N_("%1$s is missing")},
    [RECOUNT_LENGTH] = {"length", N_("%1$s has not the length of such a file")},
    [RECOUNT_ENTRY] = {"entry", N_("%1$s: entry %2$s is not the one that was logged")},
    [RECOUNT_HASH] = {"hash", N_("%1$s: hash %2$s is not that of what was logged")},
    [RECOUNT_DIFFERS] = {"differs",
                         N_("%1$s: hash %2$s is not what the entries make it, and neither leads to the "
                            "signed root")},
};

const char *recount_wrong_name(enum recount_wrong wrong)
{
  return words[wrong].name;
}

const char *recount_wrong_sentence(enum recount_wrong wrong)
{
  return words[wrong].sentence;
}

/* ---- files ---- */

static bool is_told(const struct work *w, const struct recount_finding *f)
{
  for (size_t i = 0; i < w->n_told; i++) {
    const struct recount_finding *t = &w->told[i];
    if (t->wrong == f->wrong && t->at == f->at && t->file.entries == f->file.entries &&
        t->file.level == f->file.level && t->file.index == f->file.index)
      return true;
  }
  return false;
}

/* Once: both ways come by the same files. */
static void tell(struct work *w, enum recount_wrong wrong, const struct tile_name *file, uint64_t at)
{
  struct recount_finding finding = {.wrong = wrong, .file = *file, .at = at};
  if (is_told(w, &finding))
    return;
  w->result.wrong++;
  if (w->n_told == RECOUNT_TOLD_MAX)
    return;
  w->told[w->n_told++] = finding;
  w->source->found(w->source->context, &finding);
}

/* The file of this name, or a wider one of which it was the beginning: the full one, or that of a copy which was
   taken when the log had grown by less. name->width becomes that of the file. */
static enum tg_err read_grown(struct work *w, struct tile_name *name)
{
  const unsigned narrow = name->width;
  buf_clear(&w->file);
  enum tg_err err = w->source->read(w->source->context, name, &w->file);
  for (unsigned width = TILE_WIDTH; err == TG_NOT_FOUND && width > narrow; width--) {
    name->width = width;
    buf_clear(&w->file);
    err = w->source->read(w->source->context, name, &w->file);
  }
  return err;
}

/* `each` bytes per hash or leaf. *ret says whether the file can be used; if not, that was told. */
static enum tg_err take_file(struct work *w, const struct tile_name *name, size_t each, bool *ret)
{
  struct tile_name held = *name;
  enum tg_err err = read_grown(w, &held);
  *ret = false;
  if (err == TG_NOT_FOUND)
    return tell(w, RECOUNT_MISSING, name, 0), TG_OK;
  if (err && err != TG_TOO_BIG)
    return err;
  *ret = !err && w->file.n == each * held.width;
  if (!*ret)
    tell(w, RECOUNT_LENGTH, &held, 0);
  return TG_OK;
}

static struct tile_name tile_at(const struct work *w, unsigned level, uint64_t index)
{
  return (struct tile_name){
      .level = level, .index = index, .width = tile_width(w->checkpoint->size, level, index)};
}

static enum tg_err take_tile(struct work *w, const struct tile_name *name, struct hash *ret, bool *ret_usable)
{
  enum tg_err err = take_file(w, name, sizeof *ret, ret_usable);
  if (!err && *ret_usable)
    memcpy(ret, w->file.p, name->width * sizeof *ret);
  return err;
}

/* The leaf hashes of a bundle. */
static enum tg_err take_bundle(struct work *w, uint64_t index, struct hash *ret, bool *ret_usable)
{
  struct tile_name name = tile_at(w, 0, index);
  name.entries = true;
  enum tg_err err = take_file(w, &name, 2 + sizeof *ret, ret_usable);
  struct slice rest = buf_slice(&w->file), leaf;
  uint16_t n;
  for (unsigned i = 0; !err && *ret_usable && i < name.width; i++) {
    if (!take_u16(&rest, &n) || n != sizeof *ret || !take(&rest, n, &leaf)) {
      *ret_usable = false;
      tell(w, RECOUNT_LENGTH, &name, i);
      break;
    }
    ret[i] = merkle_leaf(leaf);
  }
  return err;
}

static unsigned first_difference(const struct hash *a, const struct hash *b, unsigned n)
{
  unsigned i = 0;
  while (i < n && hash_eq(&a[i], &b[i]))
    i++;
  return i;
}

/* ---- upwards ---- */

static enum tg_err compare_tile(struct work *w, unsigned level, uint64_t index, const struct hash *want)
{
  struct tile_name name = tile_at(w, level, index);
  struct hash have[TILE_WIDTH];
  bool usable;
  enum tg_err err = take_tile(w, &name, have, &usable);
  if (err || !usable)
    return err;
  unsigned at = first_difference(have, want, name.width);
  if (at == name.width)
    return w->result.tiles++, TG_OK;
  if (w->n_differing < RECOUNT_TOLD_MAX)
    w->differing[w->n_differing++] = (struct recount_finding){.file = name, .at = at};
  return TG_OK;
}

/* Adds a hash to its level's tile, which is compared when it is full. */
static enum tg_err edge_add(struct work *w, unsigned level, uint64_t place, const struct hash *hash,
                            bool compare)
{
  struct edge *e = &w->edge[level];
  e->hash[e->width++] = *hash;
  if (e->width < TILE_WIDTH)
    return TG_OK;
  e->width = 0;
  return compare ? compare_tile(w, level, place / TILE_WIDTH, e->hash) : TG_OK;
}

/* The leaves of one bundle. compare: they did not come from the tile itself. */
static enum tg_err add_leaves(struct work *w, const struct hash *leaves, unsigned n, bool compare)
{
  struct hash done[MERKLE_LEVELS];
  for (unsigned i = 0; i < n; i++) {
    uint64_t index = w->tree.size;
    unsigned complete = merkle_frontier_append(&w->tree, &leaves[i], done);
    for (unsigned level = 0; level * TILE_HEIGHT < complete; level++) {
      enum tg_err err =
          edge_add(w, level, index >> (level * TILE_HEIGHT), &done[level * TILE_HEIGHT], level || compare);
      if (err)
        return err;
    }
  }
  return TG_OK;
}

/* The growing tiles at the right edge. */
static enum tg_err compare_edges(struct work *w, bool compare_leaves)
{
  enum tg_err err = TG_OK;
  for (unsigned level = 0; level < TILE_LEVELS && !err; level++) {
    const struct edge *e = &w->edge[level];
    uint64_t index = w->checkpoint->size >> (level * TILE_HEIGHT) >> TILE_HEIGHT;
    if (e->width && (level || compare_leaves))
      err = compare_tile(w, level, index, e->hash);
  }
  return err;
}

/* One bundle. Where it is not there its tile stands in, so that the rest can be judged. */
static enum tg_err climb_bundle(struct work *w, uint64_t index, bool *ret_stood_in)
{
  struct hash leaves[TILE_WIDTH];
  struct tile_name tile = tile_at(w, 0, index);
  bool usable, from_tile;
  enum tg_err err = take_bundle(w, index, leaves, &usable);
  if (err)
    return err;
  w->result.entries += usable ? tile.width : 0;
  from_tile = *ret_stood_in = !usable;
  if (from_tile)
    err = take_tile(w, &tile, leaves, &usable);
  w->broken |= !err && !usable;
  return err || w->broken ? err : add_leaves(w, leaves, tile.width, !from_tile);
}

static enum tg_err climb(struct work *w)
{
  bool stood_in = false;
  uint64_t size = w->checkpoint->size;
  for (uint64_t i = 0; tile_width(size, 0, i); i++) {
    enum tg_err err = climb_bundle(w, i, &stood_in);
    if (err)
      return err;
    uint64_t done = (i + 1) * TILE_WIDTH;
    if (w->source->progress)
      w->source->progress(w->source->context, done < size ? done : size);
    if (w->broken && w->n_told == RECOUNT_TOLD_MAX)
      return TG_OK; /* a checkpoint can state any size: nothing is there, and that was told often enough */
  }
  return w->broken ? TG_OK : compare_edges(w, !stood_in);
}

/* ---- downwards ---- */

/* One entry bundle against the hashes that its tile has, which are those of the signed tree. */
static enum tg_err judge_bundle(struct work *w, uint64_t index, const struct hash *want)
{
  struct hash have[TILE_WIDTH];
  bool usable;
  struct tile_name name = tile_at(w, 0, index);
  enum tg_err err = take_bundle(w, index, have, &usable);
  name.entries = true;
  for (unsigned i = 0; !err && usable && i < name.width; i++) {
    bool right = hash_eq(&have[i], &want[i]);
    w->result.entries += right;
    if (!right)
      tell(w, RECOUNT_ENTRY, &name, index * TILE_WIDTH + i);
  }
  return err;
}

/* A tile whose root its parent vouches for (NULL: one at the right edge, which the signed root itself has
   shown), and then everything below it. */
static enum tg_err judge_tile(struct work *w, unsigned level, uint64_t index, const struct hash *root)
{
  struct tile_name name = tile_at(w, level, index);
  struct hash have[TILE_WIDTH];
  bool usable;
  enum tg_err err = take_tile(w, &name, have, &usable);
  if (err || !usable)
    return err;
  struct hash is = merkle_root(have, name.width);
  if (root && !hash_eq(&is, root))
    return tell(w, RECOUNT_HASH, &name, 0), TG_OK;
  w->result.tiles++;
  if (level == 0)
    return judge_bundle(w, index, have);
  for (unsigned i = 0; i < name.width && !err; i++)
    err = judge_tile(w, level - 1, index * TILE_WIDTH + i, &have[i]);
  return err;
}

/* A tile_store over the source. */
static enum tg_err store_read(void *context, unsigned level, uint64_t index, uint8_t out[TILE_BYTES],
                              size_t *ret_bytes)
{
  struct work *w = context;
  struct tile_name name = tile_at(w, level, index);
  bool usable;
  enum tg_err err = take_file(w, &name, sizeof(struct hash), &usable);
  if (err || !usable)
    return err ? err : TG_NOT_FOUND;
  *ret_bytes = name.width * sizeof(struct hash);
  memcpy(out, w->file.p, *ret_bytes);
  return TG_OK;
}

/* The root that the tiles alone lead to. TG_NOT_FOUND when some that this takes are not there. */
static enum tg_err root_of_tiles(struct work *w, struct hash *ret)
{
  struct tile_store store = {.context = w, .read = store_read};
  struct tile_reader *reader = tile_reader_new(&store, TILE_LEVELS);
  enum tg_err err = reader ? merkle_stored_root(w->checkpoint->size, tile_fetch, reader, ret) : TG_NO_MEMORY;
  tile_reader_free(reader);
  return err;
}

/* The growing tiles hold everything that the root is hashed from; everything else hangs below them. */
static enum tg_err descend(struct work *w)
{
  struct hash root;
  w->result.entries = w->result.tiles = 0;
  enum tg_err err = root_of_tiles(w, &root);
  if (err == TG_NOT_FOUND || (!err && !hash_eq(&root, &w->checkpoint->root)))
    return TG_OK;
  w->result.reached = !err;
  for (unsigned level = 0; level < TILE_LEVELS && !err; level++) {
    uint64_t index = w->checkpoint->size >> (level * TILE_HEIGHT) >> TILE_HEIGHT;
    if (tile_width(w->checkpoint->size, level, index))
      err = judge_tile(w, level, index, NULL);
  }
  return err;
}

/* ---- both ---- */

static enum tg_err both_ways(struct work *w)
{
  enum tg_err err = climb(w);
  if (err)
    return err;
  struct hash root = merkle_frontier_root(&w->tree);
  bool entries_right = !w->broken && hash_eq(&root, &w->checkpoint->root);
  w->result.reached = entries_right;
  if (!entries_right && (err = descend(w)))
    return err;
  enum recount_wrong wrong = entries_right ? RECOUNT_HASH : RECOUNT_DIFFERS;
  for (size_t i = 0; i < w->n_differing && (entries_right || !w->result.reached); i++)
    tell(w, wrong, &w->differing[i].file, w->differing[i].at);
  return w->result.reached && !w->result.wrong ? TG_OK : TG_BAD_PROOF;
}

enum tg_err recount(const struct checkpoint *checkpoint, const struct recount_source *source,
                    struct recount_result *ret)
{
  struct work *w = calloc(1, sizeof *w);
  if (!w)
    return TG_NO_MEMORY;
  w->checkpoint = checkpoint;
  w->source = source;
  w->file = buf_new(RECOUNT_FILE_MAX);
  enum tg_err err = both_ways(w);
  if (err == TG_OK || err == TG_BAD_PROOF)
    *ret = w->result;
  buf_free(&w->file);
  free(w);
  return err;
}
