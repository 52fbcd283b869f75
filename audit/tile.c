#include "audit/tile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

unsigned tile_width(uint64_t size, unsigned level, uint64_t index)
{
  if (level >= TILE_LEVELS)
    return 0;
  uint64_t hashes = size >> (level * TILE_HEIGHT);
  if (index > UINT64_MAX / TILE_WIDTH || hashes <= index * TILE_WIDTH)
    return 0;
  uint64_t width = hashes - index * TILE_WIDTH;
  return width < TILE_WIDTH ? (unsigned)width : TILE_WIDTH;
}

/* ---- names ---- */

/* Groups of three decimal digits, the first ones marked x: 1234067 is x001/x234/067. */
static void index_print(uint64_t index, struct buf *out)
{
  uint64_t unit = 1;
  while (index / unit >= 1000)
    unit *= 1000;
  for (; unit > 1; unit /= 1000)
    buf_printf(out, "x%03u/", (unsigned)(index / unit % 1000));
  buf_printf(out, "%03u", (unsigned)(index % 1000));
}

size_t tile_name_print(const struct tile_name *name, char out[TILE_PATH_MAX])
{
  struct buf b = buf_new(TILE_PATH_MAX - 1);
  if (name->entries)
    buf_put_str(&b, "tile/entries/");
  else
    buf_printf(&b, "tile/%u/", name->level);
  index_print(name->index, &b);
  if (name->width < TILE_WIDTH)
    buf_printf(&b, ".p/%u", name->width);
  assert(!b.failed); /* the longest index has 9 groups: 13 + 44 + 6 bytes */
  memcpy(out, b.p, b.n);
  out[b.n] = 0;
  size_t n = b.n;
  buf_free(&b);
  return n;
}

static bool skip(struct slice *s, const char *text)
{
  size_t n = strlen(text);
  struct slice head;
  return s->n >= n && !memcmp(s->p, text, n) && take(s, n, &head);
}

/* The run of digits at the front, as a number of at most three digits. */
static bool take_digits(struct slice *s, uint64_t *ret, size_t *ret_n)
{
  uint64_t v = 0;
  size_t n = 0;
  for (; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++) {
    if (n == 3)
      return false;
    v = v * 10 + (uint64_t)(s->p[n] - '0');
  }
  struct slice digits;
  *ret = v;
  *ret_n = n;
  return n > 0 && take(s, n, &digits);
}

static bool take_index(struct slice *s, uint64_t *ret)
{
  uint64_t v = 0, group;
  size_t n;
  for (bool more = true; more;) {
    more = skip(s, "x");
    if (!take_digits(s, &group, &n) || n != 3 || v > (UINT64_MAX - group) / 1000 || (more && !skip(s, "/")))
      return false;
    v = v * 1000 + group;
  }
  *ret = v;
  return true;
}

enum tg_err tile_name_parse(struct slice path, struct tile_name *ret)
{
  struct slice rest = path;
  struct tile_name name = {.width = TILE_WIDTH};
  uint64_t v;
  size_t n;
  if (!skip(&rest, "tile/"))
    return TG_BAD_INPUT;
  name.entries = skip(&rest, "entries/");
  if (!name.entries) {
    if (!take_digits(&rest, &v, &n) || v >= TILE_LEVELS || !skip(&rest, "/"))
      return TG_BAD_INPUT;
    name.level = (unsigned)v;
  }
  if (!take_index(&rest, &name.index))
    return TG_BAD_INPUT;
  if (rest.n) {
    if (!skip(&rest, ".p/") || !take_digits(&rest, &v, &n) || v < 1 || v >= TILE_WIDTH)
      return TG_BAD_INPUT;
    name.width = (unsigned)v;
  }
  /* Leading zeros and groups too many have several spellings of one name: only the printed one is it. */
  char printed[TILE_PATH_MAX];
  if (!slice_eq(path, slice_of(printed, tile_name_print(&name, printed))))
    return TG_BAD_INPUT;
  *ret = name;
  return TG_OK;
}

void tile_bundle_put(struct buf *out, const struct hash *leaf)
{
  buf_put_u16(out, sizeof leaf->b);
  buf_put(out, leaf->b, sizeof leaf->b);
}

/* ---- reading ---- */

/* A tile with everything between its hashes and its root. Row r has the roots of subtrees of 2^r of its
   hashes; row ROWS - 1 has two. The root itself stands in the tile above. Invariant: the first width >> r
   hashes of row r are there. used is 0 in an empty slot. */
enum { ROWS = TILE_HEIGHT, NODES = 2 * TILE_WIDTH - 2 };
struct slot {
  uint64_t used; /* when, in look-ups of this reader */
  uint64_t index;
  unsigned level, width;
  struct hash *node; /* NODES of them */
};

struct tile_reader {
  struct tile_store store;
  uint64_t clock;
  size_t n;
  struct slot *slot;
  struct hash *nodes; /* of all slots, apart so that a search touches little memory */
};

static struct hash *row(const struct slot *s, unsigned r)
{
  return s->node + 2 * TILE_WIDTH - (2 * TILE_WIDTH >> r);
}

static void slot_add(struct slot *s, const struct hash *hash)
{
  unsigned at = s->width++;
  row(s, 0)[at] = *hash;
  for (unsigned r = 1; r < ROWS && (s->width & ((1u << r) - 1)) == 0; r++) {
    at /= 2;
    row(s, r)[at] = merkle_node(&row(s, r - 1)[2 * at], &row(s, r - 1)[2 * at + 1]);
  }
}

struct tile_reader *tile_reader_new(const struct tile_store *store, size_t slots)
{
  struct tile_reader *r = slots ? calloc(1, sizeof *r) : NULL;
  if (!r)
    return NULL;
  r->store = *store;
  r->n = slots;
  r->slot = calloc(slots, sizeof *r->slot);
  r->nodes = calloc(slots, NODES * sizeof *r->nodes);
  if (!r->slot || !r->nodes) {
    tile_reader_free(r);
    return NULL;
  }
  for (size_t i = 0; i < slots; i++)
    r->slot[i].node = r->nodes + i * NODES;
  return r;
}

void tile_reader_free(struct tile_reader *r)
{
  if (!r)
    return;
  free(r->nodes);
  free(r->slot);
  free(r);
}

static struct slot *slot_find(struct tile_reader *r, unsigned level, uint64_t index)
{
  for (size_t i = 0; i < r->n; i++)
    if (r->slot[i].used && r->slot[i].level == level && r->slot[i].index == index)
      return r->slot[i].used = ++r->clock, &r->slot[i];
  return NULL;
}

/* The slot used least recently, emptied for another tile. */
static struct slot *slot_take(struct tile_reader *r, unsigned level, uint64_t index)
{
  struct slot *oldest = &r->slot[0];
  for (size_t i = 1; i < r->n; i++)
    if (r->slot[i].used < oldest->used)
      oldest = &r->slot[i];
  oldest->used = ++r->clock;
  oldest->level = level;
  oldest->index = index;
  oldest->width = 0;
  return oldest;
}

/* Brings the slot of a tile up to what the store has now. */
static enum tg_err slot_read(struct tile_reader *r, unsigned level, uint64_t index, struct slot **ret)
{
  uint8_t bytes[TILE_BYTES];
  size_t n = 0;
  enum tg_err err = r->store.read(r->store.context, level, index, bytes, &n);
  if (err)
    return err;
  if (n == 0 || n > sizeof bytes || n % sizeof(struct hash) != 0)
    return TG_INTERNAL;
  struct slot *s = slot_find(r, level, index);
  if (!s)
    s = slot_take(r, level, index);
  while (s->width < n / sizeof(struct hash)) {
    struct hash hash;
    memcpy(hash.b, bytes + s->width * sizeof hash, sizeof hash);
    slot_add(s, &hash);
  }
  return *ret = s, TG_OK;
}

enum tg_err tile_fetch(void *from, unsigned level, uint64_t index, struct hash *ret)
{
  struct tile_reader *r = from;
  unsigned tile_level = level / TILE_HEIGHT, in_row = level % TILE_HEIGHT;
  unsigned row_width = TILE_WIDTH >> in_row;
  uint64_t tile = index / row_width;
  unsigned at = (unsigned)(index % row_width);
  struct slot *s = slot_find(r, tile_level, tile);
  if (!s || at >= s->width >> in_row) {
    enum tg_err err = slot_read(r, tile_level, tile, &s);
    if (err)
      return err;
  }
  if (at >= s->width >> in_row)
    return TG_NOT_FOUND;
  *ret = row(s, in_row)[at];
  return TG_OK;
}

void tile_reader_feed(struct tile_reader *r, unsigned level, uint64_t index, const struct hash *hashes,
                      unsigned n)
{
  assert(n >= 1 && n <= TILE_WIDTH);
  struct slot *s = slot_find(r, level, index);
  if (!s)
    s = slot_take(r, level, index);
  while (s->width < n)
    slot_add(s, &hashes[s->width]);
}
