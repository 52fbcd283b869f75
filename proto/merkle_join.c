/* Two consistency proofs of one growing tree, put together. A proof names subtrees, whose bounds follow from the sizes; what the joined one
   must name is among these, or is put together of them. */
#include "proto/merkle.h"

#include <string.h>

enum { HASH = sizeof(struct hash), KNOWN_MAX = 2 * MERKLE_PATH_MAX + 2 };

/* Leaves from .. to - 1. */
struct span {
  uint64_t from, to;
};

struct known {
  size_t n;
  struct span span[KNOWN_MAX];
  struct hash hash[KNOWN_MAX];
};

/* RFC 6962 §2.1.1: the largest power of two below n, n > 1. */
static uint64_t split(uint64_t n)
{
  uint64_t k = 1;
  while (k < n - k)
    k *= 2;
  return k;
}

/* The subtrees of PROOF(old, D[size]) of RFC 6962 §2.1.2, in its order; how many. */
static size_t spans(uint64_t old, uint64_t size, struct span out[MERKLE_PATH_MAX])
{
  struct span at = {0, size}, down[MERKLE_PATH_MAX];
  size_t n = 0, depth = 0;
  while (at.to != old) {
    const uint64_t middle = at.from + split(at.to - at.from);
    if (old <= middle) {
      down[depth++] = (struct span){middle, at.to};
      at.to = middle;
    } else {
      down[depth++] = (struct span){at.from, middle};
      at.from = middle;
    }
  }
  if (at.from != 0)
    out[n++] = at;
  while (depth)
    out[n++] = down[--depth];
  return n;
}

static bool learn(struct known *k, uint64_t old, uint64_t size, struct slice path)
{
  struct span span[MERKLE_PATH_MAX];
  const size_t n = spans(old, size, span);
  if (path.n != n * HASH)
    return false;
  for (size_t i = 0; i < n; i++, k->n++) {
    k->span[k->n] = span[i];
    memcpy(k->hash[k->n].b, path.p + i * HASH, HASH);
  }
  return true;
}

static void learn_root(struct known *k, uint64_t size, const struct hash *root)
{
  k->span[k->n] = (struct span){0, size};
  k->hash[k->n++] = *root;
}

/* As deep as the tree is high; where nothing is known it ends at the first leaf. */
static bool find(const struct known *k, struct span s, struct hash *ret)
{
  struct hash left, right;
  for (size_t i = 0; i < k->n; i++)
    if (k->span[i].from == s.from && k->span[i].to == s.to) {
      *ret = k->hash[i];
      return true;
    }
  if (s.to - s.from < 2)
    return false;
  const uint64_t middle = s.from + split(s.to - s.from);
  if (!find(k, (struct span){s.from, middle}, &left) || !find(k, (struct span){middle, s.to}, &right))
    return false;
  *ret = merkle_node(&left, &right);
  return true;
}

enum tg_err merkle_consistency_join(const struct merkle_step *old, const struct merkle_step *middle, struct slice first, uint64_t size,
                                    struct slice second, struct merkle_path *ret)
{
  struct known known = {.n = 0};
  struct span span[MERKLE_PATH_MAX];
  struct merkle_path out = {.n = 0};
  if (old->size == 0 || old->size >= middle->size || middle->size >= size || size > MERKLE_SIZE_MAX ||
      !learn(&known, old->size, middle->size, first) || !learn(&known, middle->size, size, second))
    return TG_BAD_PROOF;
  learn_root(&known, old->size, &old->root);
  learn_root(&known, middle->size, &middle->root);
  const size_t n = spans(old->size, size, span);
  for (; out.n < n; out.n++)
    if (!find(&known, span[out.n], &out.hash[out.n]))
      return TG_BAD_PROOF;
  *ret = out;
  return TG_OK;
}
