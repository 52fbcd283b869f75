#include "proto/proven.h"

#include "proto/merkle.h"

#include <string.h>

enum { HASH = sizeof(struct hash) };

/* Where a node stands: the subtree of leaves index << level .. of a tree whose size is known, so that every place is one node. */
struct place {
  unsigned level;
  uint64_t index;
};

/* What one path leads over: to be kept once it has led to the root. */
struct trail {
  size_t n;
  struct {
    struct place at;
    struct hash hash;
  } step[2 * MERKLE_PATH_MAX + 2];
};

static struct proven_node *node_at(struct proven *p, struct place at)
{
  static const unsigned first[PROVEN_WIDE] = {0, 256, 384, 448, 480};
  if (at.level >= PROVEN_LEVELS)
    return NULL;
  if (at.level < PROVEN_WIDE)
    return &p->node[first[at.level] + at.index % ((unsigned)PROVEN_LEAVES >> at.level)];
  return &p->node[496 + (at.level - PROVEN_WIDE) * PROVEN_NARROW + at.index % PROVEN_NARROW];
}

static bool is_known(struct proven *p, struct place at, const uint8_t hash[HASH])
{
  const struct proven_node *n = node_at(p, at);
  return n && n->age == p->age && n->index == at.index && memcmp(n->hash.b, hash, HASH) == 0;
}

static void lay(struct trail *t, struct place at, const uint8_t hash[HASH])
{
  t->step[t->n].at = at;
  memcpy(t->step[t->n++].hash.b, hash, HASH);
}

static void keep(struct proven *p, const struct trail *t)
{
  for (size_t i = 0; i < t->n; i++) {
    struct proven_node *n = node_at(p, t->step[i].at);
    if (n)
      *n = (struct proven_node){.index = t->step[i].at.index, .age = p->age, .hash = t->step[i].hash};
  }
}

/* RFC 9162 §2.1.3.2, as merkle_path_root() has it; fn and sn are named there. From a node that is known on, the siblings are compared instead:
   only those that led to the root together with it are known. *ret_unsure: one of them is not, so that all must be hashed. */
static bool climb(struct proven *p, const struct hash *leaf, uint64_t index, uint64_t size, struct slice path, bool use_known,
                  struct trail *trail, bool *ret_unsure)
{
  uint64_t sn = size - 1;
  struct place at = {.index = index};
  struct hash r = *leaf;
  bool known = false;
  *ret_unsure = false;
  trail->n = 0;
  for (size_t i = 0; i < path.n; i += HASH) {
    const uint8_t *sibling = path.p + i;
    if (sn == 0)
      return false;
    if (!known) {
      known = use_known && is_known(p, at, r.b);
      lay(trail, at, r.b);
    }
    const bool left = (at.index & 1) || at.index == sn;
    for (; left && !(at.index & 1) && at.index != 0; at.level++)
      at.index >>= 1, sn >>= 1;
    const struct place beside = {at.level, left ? at.index - 1 : at.index + 1};
    if (known && !is_known(p, beside, sibling)) {
      *ret_unsure = true;
      return false;
    }
    if (!known) {
      struct hash other;
      memcpy(other.b, sibling, HASH);
      lay(trail, beside, sibling);
      r = left ? merkle_node(&other, &r) : merkle_node(&r, &other);
    }
    at.index >>= 1, sn >>= 1, at.level++;
  }
  return sn == 0 && (known || hash_eq(&r, &p->root));
}

static void begin(struct proven *p, uint64_t size, const struct hash *root)
{
  if (p->age && p->size == size && hash_eq(&p->root, root))
    return;
  p->size = size;
  p->root = *root;
  if (++p->age == 0) { /* after 2^32 trees: what is left of the first ones must not count again */
    memset(p->node, 0, sizeof p->node);
    p->age = 1;
  }
}

enum tg_err proven_verify(struct proven *p, const struct hash *leaf, uint64_t index, uint64_t size, struct slice path,
                          const struct hash *root)
{
  struct trail trail;
  bool unsure;
  if (index >= size || path.n % HASH != 0 || path.n / HASH > MERKLE_PATH_MAX)
    return TG_BAD_PROOF;
  begin(p, size, root);
  bool good = climb(p, leaf, index, size, path, true, &trail, &unsure);
  if (!good && unsure)
    good = climb(p, leaf, index, size, path, false, &trail, &unsure);
  if (!good)
    return TG_BAD_PROOF;
  keep(p, &trail);
  return TG_OK;
}
