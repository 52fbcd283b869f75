#include "proto/merkle.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { HASH = sizeof(struct hash) };

struct slice merkle_path_slice(const struct merkle_path *p)
{
  return slice_of(p->hash, p->n * HASH);
}

enum tg_err merkle_path_read(struct slice s, struct merkle_path *ret)
{
  if (s.n % HASH != 0 || s.n / HASH > MERKLE_PATH_MAX)
    return TG_BAD_INPUT;
  ret->n = s.n / HASH;
  if (s.n)
    memcpy(ret->hash, s.p, s.n);
  return TG_OK;
}

struct hash merkle_empty(void)
{
  struct hash h;
  crypto_hash_sha256(h.b, NULL, 0);
  return h;
}

struct hash merkle_leaf(struct slice data)
{
  static const uint8_t prefix = 0x00;
  crypto_hash_sha256_state state;
  struct hash h;
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, &prefix, 1);
  if (data.n)
    crypto_hash_sha256_update(&state, data.p, data.n);
  crypto_hash_sha256_final(&state, h.b);
  return h;
}

/* left and right may stand anywhere, not necessarily in a struct hash: paths are verified where they lie. */
static struct hash node_of(const uint8_t left[HASH], const uint8_t right[HASH])
{
  uint8_t data[1 + 2 * HASH];
  struct hash h;
  data[0] = 0x01;
  memcpy(data + 1, left, HASH);
  memcpy(data + 1 + HASH, right, HASH);
  crypto_hash_sha256(h.b, data, sizeof data);
  return h;
}

struct hash merkle_node(const struct hash *left, const struct hash *right)
{
  return node_of(left->b, right->b);
}

struct hash merkle_root(const struct hash *leaves, size_t n)
{
  struct merkle_frontier f = {.size = 0};
  for (size_t i = 0; i < n; i++)
    merkle_frontier_append(&f, &leaves[i], NULL);
  return merkle_frontier_root(&f);
}

unsigned merkle_frontier_append(struct merkle_frontier *f, const struct hash *leaf,
                                struct hash ret_done[MERKLE_LEVELS])
{
  assert(f->size < MERKLE_SIZE_MAX);
  struct hash h = *leaf;
  unsigned level = 0;
  if (ret_done)
    ret_done[0] = h;
  for (; f->size >> level & 1; level++) {
    h = merkle_node(&f->node[level], &h);
    if (ret_done)
      ret_done[level + 1] = h;
  }
  f->node[level] = h;
  f->size++;
  return level + 1;
}

struct hash merkle_frontier_root(const struct merkle_frontier *f)
{
  bool started = false;
  struct hash h = {{0}};
  for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
    if (!(f->size >> level & 1))
      continue;
    h = started ? merkle_node(&f->node[level], &h) : f->node[level];
    started = true;
  }
  return started ? h : merkle_empty();
}

/* The hash of leaves [start, end): what lies left to right in complete subtrees, folded from the right.
   start is a multiple of the smallest power of two not below end - start, as every range of RFC 6962's
   recursion is; so the complete subtrees are those of the binary digits of end - start, biggest first. */
static enum tg_err range_root(uint64_t start, uint64_t end, merkle_fetch *fetch, void *from, struct hash *ret)
{
  bool started = false;
  struct hash h = {{0}};
  uint64_t at = end;
  for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
    if (!((end - start) >> level & 1))
      continue;
    struct hash part;
    at -= UINT64_C(1) << level;
    enum tg_err err = fetch(from, level, at >> level, &part);
    if (err)
      return err;
    h = started ? merkle_node(&part, &h) : part;
    started = true;
  }
  *ret = started ? h : merkle_empty();
  return TG_OK;
}

enum tg_err merkle_stored_root(uint64_t size, merkle_fetch *fetch, void *from, struct hash *ret)
{
  return size > MERKLE_SIZE_MAX ? TG_BAD_INPUT : range_root(0, size, fetch, from, ret);
}

enum tg_err merkle_stored_frontier(uint64_t size, merkle_fetch *fetch, void *from,
                                   struct merkle_frontier *ret)
{
  if (size > MERKLE_SIZE_MAX)
    return TG_BAD_INPUT;
  struct merkle_frontier f = {.size = size};
  for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
    if (!(size >> level & 1))
      continue;
    enum tg_err err = fetch(from, level, (size >> level) - 1, &f.node[level]);
    if (err)
      return err;
  }
  *ret = f;
  return TG_OK;
}

/* Largest power of two below n, for n >= 2. */
static uint64_t split(uint64_t n)
{
  return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

/* RFC 6962's recursions descend from the root, so they meet the hashes of a path last first. */
static void reverse(struct merkle_path *p)
{
  for (size_t i = 0; i < p->n / 2; i++) {
    struct hash h = p->hash[i];
    p->hash[i] = p->hash[p->n - 1 - i];
    p->hash[p->n - 1 - i] = h;
  }
}

/* The hash of leaves [middle, size), where the complete subtree before them has 2^level leaves. */
static enum tg_err edge_root(uint64_t middle, uint64_t size, unsigned level, merkle_fetch *fetch, void *from, struct merkle_edge *edge,
                             struct hash *ret)
{
  if (!edge)
    return range_root(middle, size, fetch, from, ret);
  if (edge->size != size) {
    edge->size = size;
    edge->known = 0;
  }
  enum tg_err err = edge->known >> level & 1 ? TG_OK : range_root(middle, size, fetch, from, &edge->root[level]);
  if (err)
    return err;
  edge->known |= UINT64_C(1) << level;
  *ret = edge->root[level];
  return TG_OK;
}

enum tg_err merkle_inclusion(uint64_t index, uint64_t size, merkle_fetch *fetch, void *from,
                             struct merkle_path *ret)
{
  return merkle_inclusion_edge(index, size, fetch, from, NULL, ret);
}

enum tg_err merkle_inclusion_edge(uint64_t index, uint64_t size, merkle_fetch *fetch, void *from, struct merkle_edge *edge,
                                  struct merkle_path *ret)
{
  if (index >= size || size > MERKLE_SIZE_MAX)
    return TG_BAD_INPUT;
  struct merkle_path path = {.n = 0};
  uint64_t start = 0, end = size;
  while (end - start > 1) {
    const uint64_t half = split(end - start), middle = start + half;
    bool left = index < middle;
    enum tg_err err = !left         ? range_root(start, middle, fetch, from, &path.hash[path.n])
                      : end == size ? edge_root(middle, size, (unsigned)__builtin_ctzll(half), fetch, from, edge, &path.hash[path.n])
                                    : range_root(middle, end, fetch, from, &path.hash[path.n]);
    if (err)
      return err;
    path.n++;
    *(left ? &end : &start) = middle;
  }
  reverse(&path);
  *ret = path;
  return TG_OK;
}

/* RFC 6962 §2.1.2 SUBPROOF(old, D[start:end], whole) as a loop. The old tree ends at leaf `old`; `whole` says
   that it fills the range from its beginning on, so that its root is known to whoever verifies. */
enum tg_err merkle_consistency(uint64_t old, uint64_t size, merkle_fetch *fetch, void *from,
                               struct merkle_path *ret)
{
  if (old > size || size > MERKLE_SIZE_MAX)
    return TG_BAD_INPUT;
  struct merkle_path path = {.n = 0};
  uint64_t start = 0, end = size;
  enum tg_err err = TG_OK;
  while (old != 0 && old != end) {
    uint64_t middle = start + split(end - start);
    bool left = old <= middle;
    err = left ? range_root(middle, end, fetch, from, &path.hash[path.n])
               : range_root(start, middle, fetch, from, &path.hash[path.n]);
    if (err)
      return err;
    path.n++;
    *(left ? &end : &start) = middle;
  }
  if (start != 0) {
    err = range_root(start, end, fetch, from, &path.hash[path.n++]);
    if (err)
      return err;
  }
  reverse(&path);
  *ret = path;
  return TG_OK;
}

/* All levels one after the other, leaves first; a last node without sibling stands again on the next level.
   Invariant: level[l] begins at node[offset], has (size + 2^l - 1) >> l nodes; the last level has one. */
struct merkle_tree {
  size_t size;
  struct hash *root;
  struct hash node[];
};

static size_t level_up(size_t count)
{
  return count / 2 + (count & 1);
}

struct merkle_tree *merkle_tree_new(const struct hash *leaves, size_t n)
{
  if (n == 0 || n > MERKLE_TREE_MAX)
    return NULL;
  size_t total = n;
  for (size_t count = n; count > 1;)
    total += count = level_up(count);
  struct merkle_tree *t = malloc(sizeof *t + total * HASH);
  if (!t)
    return NULL;
  t->size = n;
  memcpy(t->node, leaves, n * HASH);
  struct hash *below = t->node;
  for (size_t count = n; count > 1; count = level_up(count)) {
    struct hash *above = below + count;
    for (size_t i = 0; i < count / 2; i++)
      above[i] = merkle_node(&below[2 * i], &below[2 * i + 1]);
    if (count & 1)
      above[count / 2] = below[count - 1];
    below = above;
  }
  t->root = below;
  return t;
}

void merkle_tree_free(struct merkle_tree *t)
{
  free(t);
}
size_t merkle_tree_size(const struct merkle_tree *t)
{
  return t->size;
}
const struct hash *merkle_tree_root(const struct merkle_tree *t)
{
  return t->root;
}

void merkle_tree_path(const struct merkle_tree *t, size_t index, struct merkle_path *ret)
{
  assert(index < t->size);
  const struct hash *level = t->node;
  ret->n = 0;
  for (size_t count = t->size; count > 1; count = level_up(count)) {
    if ((index ^ 1) < count)
      ret->hash[ret->n++] = level[index ^ 1];
    level += count;
    index >>= 1;
  }
}

enum tg_err merkle_path_root(const struct hash *leaf, uint64_t index, uint64_t size, struct slice path,
                             struct hash *ret)
{
  if (index >= size || path.n % HASH != 0)
    return TG_BAD_PROOF;
  uint64_t fn = index, sn = size - 1; /* names of RFC 9162 §2.1.3.2 */
  struct hash r = *leaf;
  for (size_t at = 0; at < path.n; at += HASH) {
    if (sn == 0)
      return TG_BAD_PROOF;
    if ((fn & 1) || fn == sn) {
      r = node_of(path.p + at, r.b);
      while (!(fn & 1) && fn != 0)
        fn >>= 1, sn >>= 1;
    } else {
      r = node_of(r.b, path.p + at);
    }
    fn >>= 1, sn >>= 1;
  }
  if (sn != 0)
    return TG_BAD_PROOF;
  *ret = r;
  return TG_OK;
}

enum tg_err merkle_path_verify(const struct hash *leaf, uint64_t index, uint64_t size, struct slice path,
                               const struct hash *root)
{
  struct hash reached;
  enum tg_err err = merkle_path_root(leaf, index, size, path, &reached);
  if (err)
    return err;
  return hash_eq(&reached, root) ? TG_OK : TG_BAD_PROOF;
}

enum tg_err merkle_consistency_roots(uint64_t old_size, uint64_t size, const struct hash *first,
                                     struct slice rest, struct hash *ret_old, struct hash *ret)
{
  if (old_size == 0 || old_size >= size || rest.n % HASH != 0)
    return TG_BAD_PROOF;
  uint64_t fn = old_size - 1, sn = size - 1; /* names of RFC 9162 §2.1.4.2 */
  struct hash fr = *first, sr = *first;
  for (; fn & 1; fn >>= 1)
    sn >>= 1;
  for (size_t at = 0; at < rest.n; at += HASH) {
    if (sn == 0)
      return TG_BAD_PROOF;
    if ((fn & 1) || fn == sn) {
      fr = node_of(rest.p + at, fr.b);
      sr = node_of(rest.p + at, sr.b);
      while (!(fn & 1) && fn != 0)
        fn >>= 1, sn >>= 1;
    } else {
      sr = node_of(sr.b, rest.p + at);
    }
    fn >>= 1, sn >>= 1;
  }
  if (sn != 0)
    return TG_BAD_PROOF;
  *ret_old = fr;
  *ret = sr;
  return TG_OK;
}

enum tg_err merkle_consistency_verify(uint64_t old_size, const struct hash *old_root, uint64_t size,
                                      const struct hash *root, struct slice path)
{
  if (old_size == 0 || old_size > size || path.n % HASH != 0)
    return TG_BAD_PROOF;
  if (old_size == size)
    return path.n == 0 && hash_eq(old_root, root) ? TG_OK : TG_BAD_PROOF;
  if (path.n == 0)
    return TG_BAD_PROOF;
  struct hash first = *old_root, old, new;
  if (!merkle_old_is_complete(old_size)) {
    memcpy(first.b, path.p, HASH);
    path = slice_of(path.p + HASH, path.n - HASH);
  }
  enum tg_err err = merkle_consistency_roots(old_size, size, &first, path, &old, &new);
  if (err)
    return err;
  return hash_eq(&old, old_root) && hash_eq(&new, root) ? TG_OK : TG_BAD_PROOF;
}

static void path_add(struct merkle_path *p, struct slice hashes)
{
  if (hashes.n)
    memcpy(p->hash[p->n].b, hashes.p, hashes.n); /* callers count: at most MERKLE_PATH_MAX together */
  p->n += hashes.n / HASH;
}

/* Above the complete subtree of 2^level leaves that the leaf shares with the old tree's end, or lies beside, only
   what the consistency path says counts; below it, only what its old path says. */
enum tg_err merkle_path_grow(uint64_t index, uint64_t old_size, struct slice path, uint64_t size,
                             struct slice consistency, struct merkle_path *ret)
{
  if (index >= old_size || old_size > size || size > MERKLE_SIZE_MAX || path.n % HASH || consistency.n % HASH ||
      path.n / HASH > MERKLE_PATH_MAX || consistency.n / HASH > MERKLE_PATH_MAX)
    return TG_BAD_PROOF;
  if (old_size == size)
    return consistency.n ? TG_BAD_PROOF : merkle_path_read(path, ret);
  uint64_t fn = old_size - 1, sn = size - 1; /* names of RFC 9162 §2.1.4.2 */
  unsigned level = 0;
  size_t at = 0;
  struct hash sr = {{0}}; /* of the new tree's subtree in which the old tree ends */
  struct merkle_path out = {0};
  for (; fn & 1; fn >>= 1, level++)
    sn >>= 1;
  if (!merkle_old_is_complete(old_size)) {
    if (consistency.n == 0)
      return TG_BAD_PROOF;
    memcpy(sr.b, consistency.p, HASH);
    at = HASH;
  }
  bool met = index >> level == fn; /* the leaf is in that subtree */
  for (; !met && at < consistency.n && sn != 0; at += HASH) {
    const bool left = (fn & 1) || fn == sn;
    for (; left && !(fn & 1) && fn != 0; fn >>= 1, level++)
      sn >>= 1;
    if ((met = left && fn && index >> level == fn - 1))
      break;
    sr = left ? node_of(consistency.p + at, sr.b) : node_of(sr.b, consistency.p + at);
    fn >>= 1, sn >>= 1, level++;
  }
  if (!met || path.n < level * HASH)
    return TG_BAD_PROOF;
  const bool beside = index >> level != fn;
  if (level + beside + (consistency.n - at) / HASH > MERKLE_PATH_MAX)
    return TG_BAD_PROOF;
  path_add(&out, slice_of(path.p, level * HASH));
  if (beside) {
    path_add(&out, slice_of(sr.b, HASH));
    at += HASH; /* the hash of the leaf's own side */
  }
  path_add(&out, slice_of(consistency.p + at, consistency.n - at));
  *ret = out;
  return TG_OK;
}
