/* Paths verified with what is known must be believed exactly when they are believed without. */
#include "proto/merkle.h"
#include "proto/proven.h"
#include "tests/proto/chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SIZES = 70 };

static struct hash leaves[SIZES];

static int setup(void **state)
{
  (void)state;
  for (uint8_t i = 0; i < SIZES; i++)
    leaves[i] = merkle_leaf(slice_of(&i, 1));
  return 0;
}

/* One question to both. */
static void ask(struct proven *p, const struct hash *leaf, uint64_t index, uint64_t size, struct slice path, const struct hash *root)
{
  const enum tg_err plain = merkle_path_verify(leaf, index, size, path, root);
  assert_int_equal(proven_verify(p, leaf, index, size, path, root), plain);
}

/* Spoils a path, an index, a leaf or a size, or takes them from elsewhere. */
static void ask_spoilt(struct proven *p, const struct merkle_tree *t, uint64_t size)
{
  struct merkle_path path, other;
  const uint64_t index = chance_below(size);
  struct hash leaf = leaves[index];
  merkle_tree_path(t, index, &path);
  merkle_tree_path(t, chance_below(size), &other);
  struct slice bytes = merkle_path_slice(&path);
  uint64_t at = index, of = size;
  switch (chance_below(8)) {
  case 0:
    if (path.n)
      path.hash[chance_below(path.n)].b[chance_below(32)] ^= (uint8_t)(1 << chance_below(8));
    break;
  case 1:
    if (path.n && other.n)
      path.hash[chance_below(path.n)] = other.hash[chance_below(other.n)]; /* a node of this tree, in another place */
    break;
  case 2:
    at = chance_below(size + 2);
    break;
  case 3:
    leaf = leaves[chance_below(SIZES)];
    break;
  case 4:
    bytes.n -= bytes.n ? 1 + chance_below(bytes.n) : 0;
    break;
  case 5:
    bytes.n += sizeof(struct hash);
    break;
  case 6:
    leaf = path.n ? path.hash[0] : leaf;
    at ^= chance_below(2);
    break;
  default:
    of = 1 + chance_below(SIZES);
  }
  ask(p, &leaf, at, of, bytes, merkle_tree_root(t));
}

static void it_believes_what_is_believed_without(void **state)
{
  (void)state;
  struct proven *p = calloc(1, sizeof *p);
  chance_seed(7);
  for (uint64_t size = 1; size <= SIZES; size++) {
    struct merkle_tree *t = merkle_tree_new(leaves, size);
    for (size_t round = 0; round < 6 * size + 20; round++) {
      struct merkle_path path;
      const uint64_t index = round < size ? round : chance_below(size); /* as they come, then anyhow */
      memset(&path, 0, sizeof path);
      merkle_tree_path(t, index, &path);
      ask(p, &leaves[index], index, size, merkle_path_slice(&path), merkle_tree_root(t));
      ask_spoilt(p, t, size);
    }
    merkle_tree_free(t);
  }
  free(p);
}

/* A tree of the same size must not be believed by what is known of another, nor what comes after it. */
static void another_tree_begins_anew(void **state)
{
  (void)state;
  struct proven *p = calloc(1, sizeof *p);
  struct hash others[SIZES];
  memcpy(others, leaves, sizeof others);
  others[3] = leaves[40];
  struct merkle_tree *one = merkle_tree_new(leaves, 16), *two = merkle_tree_new(others, 16);
  for (size_t i = 0; i < 64; i++) {
    struct merkle_path a, b;
    merkle_tree_path(one, i % 16, &a);
    merkle_tree_path(two, i % 16, &b);
    ask(p, &leaves[i % 16], i % 16, 16, merkle_path_slice(&a), merkle_tree_root(one));
    if (i % 3)
      ask(p, &others[i % 16], i % 16, 16, merkle_path_slice(&b), merkle_tree_root(two));
    ask(p, &leaves[i % 16], i % 16, 16, merkle_path_slice(&a), merkle_tree_root(two));
    ask(p, &others[i % 16], i % 16, 16, merkle_path_slice(&b), merkle_tree_root(one));
  }
  merkle_tree_free(one);
  merkle_tree_free(two);
  free(p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_believes_what_is_believed_without),
      cmocka_unit_test(another_tree_begins_anew),
  };
  return cmocka_run_group_tests(tests, setup, NULL);
}
