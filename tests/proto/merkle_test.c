/* Merkle trees: the vectors of transparency-dev/merkle, then the same answers from every way of asking, for
   trees of every small size. */
#include "proto/merkle.h"

#include <jansson.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SIZES = 140 }; /* covers two tile-like borders and every shape of right edge up to 2^7 */

static struct hash leaf_number(uint64_t i)
{
  uint8_t data[8];
  for (size_t k = 0; k < 8; k++)
    data[k] = (uint8_t)(i >> 8 * k);
  return merkle_leaf(slice_of(data, sizeof data));
}

/* The definition of RFC 6962 §2.1, word for word: slow, and independent of the code under test. */
static struct hash definition(const struct hash *leaves, size_t n)
{
  if (n == 1)
    return leaves[0];
  size_t k = 1;
  while (2 * k < n)
    k *= 2;
  struct hash left = definition(leaves, k), right = definition(leaves + k, n - k);
  return merkle_node(&left, &right);
}

/* A store of complete subtrees that refuses whatever a tree of `size` leaves cannot have. */
struct store {
  const struct hash *leaves;
  uint64_t size;
  size_t fetched;
};

static enum tg_err store_fetch(void *from, unsigned level, uint64_t index, struct hash *ret)
{
  struct store *s = from;
  if (level >= 63 || (index + 1) << level > s->size)
    return TG_NOT_FOUND;
  s->fetched++;
  *ret = definition(s->leaves + (index << level), (size_t)1 << level);
  return TG_OK;
}

static int leaves_setup(void **state)
{
  struct hash *leaves = calloc(SIZES, sizeof *leaves);
  for (uint64_t i = 0; i < SIZES; i++)
    leaves[i] = leaf_number(i);
  *state = leaves;
  return 0;
}

static int leaves_teardown(void **state)
{
  free(*state);
  return 0;
}

/* ---- vectors ---- */

/* One base64 hash of the file. Some vectors hold texts of other lengths: no `struct hash` can be that, so
   they are filled up with zeros. */
static struct hash vector_hash(const json_t *j)
{
  struct hash h = {{0}};
  size_t n = 0;
  const char *text = json_string_value(j);
  assert_non_null(text);
  assert_int_equal(
      sodium_base642bin(h.b, sizeof h.b, text, strlen(text), NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL),
      0);
  return h;
}

static struct merkle_path vector_path(const json_t *proof)
{
  struct merkle_path p = {.n = 0};
  const json_t *item;
  size_t i;
  json_array_foreach(proof, i, item)
  {
    assert_true(i < MERKLE_PATH_MAX);
    p.hash[p.n++] = vector_hash(item);
  }
  return p;
}

/* jansson has no unsigned 64-bit integers; the one vector beyond INT64_MAX is read as the double next to it,
   which is far outside its tree as well. */
static uint64_t vector_number(const json_t *j)
{
  if (json_is_real(j))
    return json_real_value(j) >= 18446744073709551615.0 ? UINT64_MAX : (uint64_t)json_real_value(j);
  assert_true(json_is_integer(j));
  return (uint64_t)json_integer_value(j);
}

static json_t *vectors_load(void)
{
  json_error_t error;
  json_t *all = json_load_file(TEST_VECTORS "/merkle-rfc6962-vectors.json", JSON_DECODE_INT_AS_REAL, &error);
  if (!all)
    fail_msg("%s:%d: %s", error.source, error.line, error.text);
  return all;
}

static void inclusion_vectors(void **state)
{
  (void)state;
  json_t *all = vectors_load();
  const json_t *v, *list = json_object_get(all, "inclusion");
  size_t i, good = 0;
  assert_int_equal(json_array_size(list), 98);
  json_array_foreach(list, i, v)
  {
    struct hash leaf = vector_hash(json_object_get(v, "leafHash")),
                root = vector_hash(json_object_get(v, "root"));
    struct merkle_path p = vector_path(json_object_get(v, "proof"));
    enum tg_err err =
        merkle_path_verify(&leaf, vector_number(json_object_get(v, "leafIdx")),
                           vector_number(json_object_get(v, "treeSize")), merkle_path_slice(&p), &root);
    if (json_string_length(json_object_get(v, "root")) ==
        0) /* a root that is not there is refused by its type */
      err = hash_read(slice_of(NULL, 0), &root);
    bool want = !json_is_true(json_object_get(v, "wantErr"));
    good += want;
    if ((err == TG_OK) != want)
      fail_msg("inclusion vector %zu: %s", i, json_string_value(json_object_get(v, "file")));
  }
  assert_true(good > 0);
  json_decref(all);
}

static void consistency_vectors(void **state)
{
  (void)state;
  json_t *all = vectors_load();
  const json_t *v, *list = json_object_get(all, "consistency");
  size_t i, good = 0;
  assert_int_equal(json_array_size(list), 98);
  json_array_foreach(list, i, v)
  {
    struct hash old = vector_hash(json_object_get(v, "root1")),
                root = vector_hash(json_object_get(v, "root2"));
    struct merkle_path p = vector_path(json_object_get(v, "proof"));
    enum tg_err err =
        merkle_consistency_verify(vector_number(json_object_get(v, "size1")), &old,
                                  vector_number(json_object_get(v, "size2")), &root, merkle_path_slice(&p));
    bool want = !json_is_true(json_object_get(v, "wantErr"));
    good += want;
    if ((err == TG_OK) != want)
      fail_msg("consistency vector %zu: %s", i, json_string_value(json_object_get(v, "file")));
  }
  assert_true(good > 0);
  json_decref(all);
}

/* The classic eight leaves of Certificate Transparency, with the root of every beginning. */
static void known_roots(void **state)
{
  (void)state;
  json_t *all = json_load_file(TEST_VECTORS "/note-vectors.json", 0, NULL);
  assert_non_null(all);
  const json_t *derived = json_object_get(all, "derived"), *roots = json_object_get(derived, "roots_hex");
  struct merkle_frontier f = {.size = 0};
  for (size_t n = 0;; n++) {
    char hex[65];
    struct hash root = merkle_frontier_root(&f);
    sodium_bin2hex(hex, sizeof hex, root.b, sizeof root.b);
    assert_string_equal(hex, json_string_value(json_array_get(roots, n)));
    const char *data = json_string_value(json_array_get(json_object_get(derived, "leaves_hex"), n));
    if (!data)
      break;
    uint8_t bytes[64];
    size_t length;
    assert_int_equal(sodium_hex2bin(bytes, sizeof bytes, data, strlen(data), NULL, &length, NULL), 0);
    struct hash leaf = merkle_leaf(slice_of(bytes, length));
    sodium_bin2hex(hex, sizeof hex, leaf.b, sizeof leaf.b);
    assert_string_equal(hex,
                        json_string_value(json_array_get(json_object_get(derived, "leaf_hashes_hex"), n)));
    merkle_frontier_append(&f, &leaf, NULL);
  }
  assert_int_equal(f.size, 8);
  json_decref(all);
}

/* ---- properties ---- */

static void all_ways_lead_to_one_root(void **state)
{
  const struct hash *leaves = *state;
  struct merkle_frontier f = {.size = 0};
  struct hash empty = merkle_empty(), got = merkle_root(NULL, 0);
  assert_true(hash_eq(&got, &empty));
  for (size_t n = 1; n <= SIZES; n++) {
    merkle_frontier_append(&f, &leaves[n - 1], NULL);
    struct hash want = definition(leaves, n);
    struct store s = {.leaves = leaves, .size = n};
    struct merkle_frontier loaded;
    got = merkle_root(leaves, n);
    assert_true(hash_eq(&got, &want));
    got = merkle_frontier_root(&f);
    assert_true(hash_eq(&got, &want));
    assert_int_equal(merkle_stored_root(n, store_fetch, &s, &got), TG_OK);
    assert_true(hash_eq(&got, &want));
    assert_int_equal(merkle_stored_frontier(n, store_fetch, &s, &loaded), TG_OK);
    got = merkle_frontier_root(&loaded);
    assert_true(hash_eq(&got, &want));
    struct merkle_tree *t = merkle_tree_new(leaves, n);
    assert_int_equal(merkle_tree_size(t), n);
    assert_true(hash_eq(merkle_tree_root(t), &want));
    merkle_tree_free(t);
  }
}

static void append_names_every_subtree_it_completes(void **state)
{
  const struct hash *leaves = *state;
  struct merkle_frontier f = {.size = 0};
  for (size_t n = 1; n <= SIZES; n++) {
    struct hash done[MERKLE_LEVELS];
    unsigned k = merkle_frontier_append(&f, &leaves[n - 1], done);
    assert_int_equal(k, __builtin_ctzll(n) + 1);
    for (unsigned level = 0; level < k; level++) {
      size_t index = (n - 1) >> level;
      struct hash want = definition(leaves + (index << level), (size_t)1 << level);
      assert_true(hash_eq(&done[level], &want));
    }
  }
}

static void every_leaf_of_every_tree_is_proved(void **state)
{
  const struct hash *leaves = *state;
  for (size_t n = 1; n <= SIZES; n++) {
    struct merkle_tree *t = merkle_tree_new(leaves, n);
    struct store s = {.leaves = leaves, .size = n};
    for (size_t i = 0; i < n; i++) {
      struct merkle_path stored, built;
      merkle_tree_path(t, i, &built);
      assert_int_equal(merkle_inclusion(i, n, store_fetch, &s, &stored), TG_OK);
      assert_true(slice_eq(merkle_path_slice(&built), merkle_path_slice(&stored)));
      assert_int_equal(merkle_path_verify(&leaves[i], i, n, merkle_path_slice(&built), merkle_tree_root(t)),
                       TG_OK);
      assert_int_not_equal(
          merkle_path_verify(&leaves[(i + 1) % SIZES], i, n, merkle_path_slice(&built), merkle_tree_root(t)),
          TG_OK);
    }
    merkle_tree_free(t);
  }
}

static unsigned fetched;
static enum tg_err counting_fetch(void *from, unsigned level, uint64_t index, struct hash *ret)
{
  fetched++;
  return store_fetch(from, level, index, ret);
}

/* With the right edge kept from one leaf to the next, whatever size was asked for before, paths are the same; and what is kept is not asked for again. */
static void paths_are_the_same_with_an_edge_that_is_kept(void **state)
{
  const struct hash *leaves = *state;
  struct merkle_edge edge = {.size = 0};
  unsigned alone = 0, kept = 0;
  for (size_t n = 1; n <= SIZES; n++) {
    struct store s = {.leaves = leaves, .size = n};
    for (size_t i = 0; i < n; i++) {
      const size_t older = i % 5 == 0 && n > 1 ? n - 1 : n; /* every now and then of another size */
      const size_t at = i < older ? i : older - 1;
      struct merkle_path want, is;
      fetched = 0;
      assert_int_equal(merkle_inclusion(at, older, counting_fetch, &s, &want), TG_OK);
      alone += fetched;
      fetched = 0;
      assert_int_equal(merkle_inclusion_edge(at, older, counting_fetch, &s, &edge, &is), TG_OK);
      kept += fetched;
      assert_true(slice_eq(merkle_path_slice(&want), merkle_path_slice(&is)));
    }
  }
  assert_true(kept < alone);
}

static void every_tree_extends_every_beginning_of_it(void **state)
{
  const struct hash *leaves = *state;
  struct hash root[SIZES + 1];
  for (size_t n = 0; n <= SIZES; n++)
    root[n] = merkle_root(leaves, n);
  for (size_t n = 1; n <= SIZES; n++) {
    for (size_t m = 0; m <= n; m++) {
      struct store s = {.leaves = leaves, .size = n};
      struct merkle_path p;
      assert_int_equal(merkle_consistency(m, n, store_fetch, &s, &p), TG_OK);
      struct slice path = merkle_path_slice(&p);
      assert_int_equal(p.n == 0, m == 0 || m == n);
      if (m == 0)
        continue;
      assert_int_equal(merkle_consistency_verify(m, &root[m], n, &root[n], path), TG_OK);
      assert_int_equal(merkle_consistency_verify(m, &root[m - 1], n, &root[n], path), TG_BAD_PROOF);
      assert_int_equal(merkle_consistency_verify(m, &root[m], n, &root[n - 1], path), TG_BAD_PROOF);
    }
  }
}

/* No flipped bit, missing hash, added hash or neighbouring position is accepted. */
static void no_changed_proof_is_accepted(void **state)
{
  const struct hash *leaves = *state;
  for (size_t n = 2; n <= 20; n++) {
    struct merkle_tree *t = merkle_tree_new(leaves, n);
    const struct hash *root = merkle_tree_root(t);
    for (size_t i = 0; i < n; i++) {
      struct merkle_path p;
      merkle_tree_path(t, i, &p);
      uint8_t *bytes = (uint8_t *)p.hash;
      struct slice whole = merkle_path_slice(&p);
      for (size_t bit = 0; bit < whole.n * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(merkle_path_verify(&leaves[i], i, n, whole, root), TG_BAD_PROOF);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
      }
      p.hash[p.n] = *root;
      assert_int_equal(merkle_path_verify(&leaves[i], i, n, slice_of(whole.p, whole.n - 32), root),
                       TG_BAD_PROOF);
      assert_int_equal(merkle_path_verify(&leaves[i], i, n, slice_of(whole.p, whole.n - 1), root),
                       TG_BAD_PROOF);
      assert_int_equal(merkle_path_verify(&leaves[i], i, n, slice_of(whole.p, whole.n + 32), root),
                       TG_BAD_PROOF);
      assert_int_equal(merkle_path_verify(&leaves[i], i ^ 1, n, whole, root), TG_BAD_PROOF);
      assert_int_equal(merkle_path_verify(&leaves[i], n, n, whole, root), TG_BAD_PROOF);
      assert_int_equal(merkle_path_verify(&leaves[i], i, 0, whole, root), TG_BAD_PROOF);
    }
    merkle_tree_free(t);
  }
}

static void no_changed_consistency_is_accepted(void **state)
{
  const struct hash *leaves = *state;
  for (size_t n = 2; n <= 20; n++) {
    struct hash root = merkle_root(leaves, n);
    for (size_t m = 1; m < n; m++) {
      struct hash old = merkle_root(leaves, m);
      struct store s = {.leaves = leaves, .size = n};
      struct merkle_path p;
      assert_int_equal(merkle_consistency(m, n, store_fetch, &s, &p), TG_OK);
      uint8_t *bytes = (uint8_t *)p.hash;
      struct slice whole = merkle_path_slice(&p);
      for (size_t bit = 0; bit < whole.n * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(merkle_consistency_verify(m, &old, n, &root, whole), TG_BAD_PROOF);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
      }
      p.hash[p.n] = root;
      assert_int_equal(merkle_consistency_verify(m, &old, n, &root, slice_of(whole.p, whole.n - 32)),
                       TG_BAD_PROOF);
      assert_int_equal(merkle_consistency_verify(m, &old, n, &root, slice_of(whole.p, whole.n + 32)),
                       TG_BAD_PROOF);
      assert_int_equal(merkle_consistency_verify(m, &old, n, &root, slice_of(NULL, 0)), TG_BAD_PROOF);
      assert_int_equal(merkle_consistency_verify(n, &root, m, &old, whole), TG_BAD_PROOF);
    }
  }
}

/* A path from another beginning still leads to the true tree: it shows what that tree begins with. */
static void a_path_names_the_beginning_it_comes_from(void **state)
{
  const struct hash *leaves = *state;
  for (size_t n = 2; n <= 40; n++) {
    struct hash root = merkle_root(leaves, n), old, new;
    for (size_t m = 1; m < n; m++) {
      struct hash true_old = merkle_root(leaves, m);
      struct store s = {.leaves = leaves, .size = n};
      struct merkle_path p;
      assert_int_equal(merkle_consistency(m, n, store_fetch, &s, &p), TG_OK);
      struct slice rest = merkle_path_slice(&p);
      struct hash first = true_old;
      if (!merkle_old_is_complete(m)) {
        first = p.hash[0];
        rest = slice_of(rest.p + 32, rest.n - 32);
      }
      assert_int_equal(merkle_consistency_roots(m, n, &first, rest, &old, &new), TG_OK);
      assert_true(hash_eq(&old, &true_old));
      assert_true(hash_eq(&new, &root));
      assert_int_equal(merkle_consistency_roots(n, n, &first, rest, &old, &new), TG_BAD_PROOF);
      assert_int_equal(merkle_consistency_roots(0, n, &first, rest, &old, &new), TG_BAD_PROOF);
    }
  }
}

/* Every leaf of every tree, from every earlier size to every later one: the path is the one that the tree itself gives. */
static void an_old_path_grows_with_the_tree(void **state)
{
  const struct hash *leaves = *state;
  for (size_t n = 1; n <= 40; n++)
    for (size_t m = 1; m <= n; m++)
      for (size_t i = 0; i < m; i++) {
        struct store old = {.leaves = leaves, .size = m}, new = {.leaves = leaves, .size = n};
        struct merkle_path p, c, want, got;
        assert_int_equal(merkle_inclusion(i, m, store_fetch, &old, &p), TG_OK);
        assert_int_equal(merkle_consistency(m, n, store_fetch, &new, &c), TG_OK);
        assert_int_equal(merkle_inclusion(i, n, store_fetch, &new, &want), TG_OK);
        struct slice path = merkle_path_slice(&p), steps = merkle_path_slice(&c);
        assert_int_equal(merkle_path_grow(i, m, path, n, steps, &got), TG_OK);
        assert_int_equal(got.n, want.n);
        if (want.n)
          assert_memory_equal(got.hash, want.hash, want.n * 32);
        assert_int_equal(merkle_path_grow(m, m, path, n, steps, &got), TG_BAD_PROOF);
        assert_int_equal(merkle_path_grow(i, n + 1, path, n, steps, &got), TG_BAD_PROOF);
        if (m == n)
          continue;
        /* Cut or lengthened it is refused, or leads to no root. */
        struct hash root = merkle_root(leaves, n);
        for (size_t k = 0; k < c.n; k++)
          if (merkle_path_grow(i, m, path, n, slice_of(steps.p, k * 32), &got) == TG_OK)
            assert_int_equal(merkle_path_verify(&leaves[i], i, n, merkle_path_slice(&got), &root), TG_BAD_PROOF);
        c.hash[c.n] = root;
        if (merkle_path_grow(i, m, path, n, slice_of(steps.p, steps.n + 32), &got) == TG_OK)
          assert_int_equal(merkle_path_verify(&leaves[i], i, n, merkle_path_slice(&got), &root), TG_BAD_PROOF);
      }
}

/* Every tree through every one between: the path is the one that the tree itself gives. */
static void two_steps_of_a_tree_are_one(void **state)
{
  const struct hash *leaves = *state;
  for (size_t n = 3; n <= 36; n++)
    for (size_t m = 2; m < n; m++)
      for (size_t k = 1; k < m; k++) {
        struct store middle = {.leaves = leaves, .size = m}, new = {.leaves = leaves, .size = n};
        const struct merkle_step a = {k, merkle_root(leaves, k)}, b = {m, merkle_root(leaves, m)};
        struct merkle_path first, second, want, got;
        assert_int_equal(merkle_consistency(k, m, store_fetch, &middle, &first), TG_OK);
        assert_int_equal(merkle_consistency(m, n, store_fetch, &new, &second), TG_OK);
        assert_int_equal(merkle_consistency(k, n, store_fetch, &new, &want), TG_OK);
        const struct slice one = merkle_path_slice(&first), two = merkle_path_slice(&second);
        assert_int_equal(merkle_consistency_join(&a, &b, one, n, two, &got), TG_OK);
        assert_int_equal(got.n, want.n);
        assert_memory_equal(got.hash, want.hash, want.n * 32);
        if (one.n)
          assert_int_equal(merkle_consistency_join(&a, &b, slice_of(one.p, one.n - 32), n, two, &got), TG_BAD_PROOF);
        assert_int_equal(merkle_consistency_join(&a, &b, one, n, slice_of(two.p, two.n - 32), &got), TG_BAD_PROOF);
        assert_int_equal(merkle_consistency_join(&b, &a, one, n, two, &got), TG_BAD_PROOF);
        assert_int_equal(merkle_consistency_join(&a, &b, one, m, two, &got), TG_BAD_PROOF);
      }
}

/* A forged hash comes out as a path that leads nowhere. */
static void a_forged_step_proves_nothing(void **state)
{
  const struct hash *leaves = *state;
  const struct merkle_step a = {11, merkle_root(leaves, 11)}, b = {22, merkle_root(leaves, 22)};
  struct store middle = {.leaves = leaves, .size = 22}, new = {.leaves = leaves, .size = 37};
  const struct hash root = merkle_root(leaves, 37);
  struct merkle_path first, second, got;
  assert_int_equal(merkle_consistency(11, 22, store_fetch, &middle, &first), TG_OK);
  assert_int_equal(merkle_consistency(22, 37, store_fetch, &new, &second), TG_OK);
  unsigned changed = 0;
  for (size_t i = 0; i < first.n + second.n; i++) {
    uint8_t *byte = i < first.n ? first.hash[i].b : second.hash[i - first.n].b;
    *byte ^= 1;
    assert_int_equal(merkle_consistency_join(&a, &b, merkle_path_slice(&first), 37, merkle_path_slice(&second), &got), TG_OK);
    changed += merkle_consistency_verify(11, &a.root, 37, &root, merkle_path_slice(&got)) != TG_OK;
    *byte ^= 1;
  }
  assert_true(changed > 3); /* some are not needed any more */
  assert_int_equal(merkle_consistency_join(&a, &b, merkle_path_slice(&first), 37, merkle_path_slice(&second), &got), TG_OK);
  assert_int_equal(merkle_consistency_verify(11, &a.root, 37, &root, merkle_path_slice(&got)), TG_OK);
}

static enum tg_err disk_fails(void *from, unsigned level, uint64_t index, struct hash *ret)
{
  size_t *left = from;
  (void)level, (void)index;
  if ((*left)-- == 0)
    return TG_DISK;
  *ret = merkle_empty();
  return TG_OK;
}

static void a_failing_store_is_told_and_changes_nothing(void **state)
{
  (void)state;
  for (size_t ok = 0; ok < 6; ok++) {
    struct hash root = {{7}}, untouched = {{7}};
    struct merkle_path p = {.n = 999};
    size_t left = ok;
    if (ok < 3) { /* 1 + 2 + 4 leaves: three subtrees */
      assert_int_equal(merkle_stored_root(7, disk_fails, &left, &root), TG_DISK);
      assert_true(hash_eq(&root, &untouched));
    }
    left = ok;
    enum tg_err err = merkle_inclusion(0, 63, disk_fails, &left, &p);
    assert_int_equal(err, TG_DISK);
    assert_int_equal(p.n, 999);
  }
}

static void what_cannot_be_asked_is_refused(void **state)
{
  (void)state;
  struct merkle_path p;
  struct hash h;
  struct merkle_frontier f;
  assert_int_equal(merkle_inclusion(5, 5, disk_fails, NULL, &p), TG_BAD_INPUT);
  assert_int_equal(merkle_inclusion(0, MERKLE_SIZE_MAX + 1, disk_fails, NULL, &p), TG_BAD_INPUT);
  assert_int_equal(merkle_consistency(6, 5, disk_fails, NULL, &p), TG_BAD_INPUT);
  assert_int_equal(merkle_stored_root(UINT64_MAX, disk_fails, NULL, &h), TG_BAD_INPUT);
  assert_int_equal(merkle_stored_frontier(UINT64_MAX, disk_fails, NULL, &f), TG_BAD_INPUT);
  assert_null(merkle_tree_new(NULL, 0));
  assert_int_equal(merkle_path_read(slice_of("x", 1), &p), TG_BAD_INPUT);
  static const uint8_t long_path[65 * 32];
  assert_int_equal(merkle_path_read(slice_of(long_path, sizeof long_path), &p), TG_BAD_INPUT);
  assert_int_equal(merkle_path_read(slice_of(long_path, 64 * 32), &p), TG_OK);
  assert_int_equal(p.n, 64);
}

static enum tg_err any_hash(void *from, unsigned level, uint64_t index, struct hash *ret)
{
  (void)from;
  uint64_t data[2] = {level, index};
  return *ret = merkle_leaf(slice_of(data, sizeof data)), TG_OK;
}

/* The largest trees: paths stay within their array, and what is built verifies. The subtree hashes are
   invented, so the root is whatever the path leads to; both sides must agree on the shape. */
static void the_largest_trees_fit(void **state)
{
  (void)state;
  static const uint64_t sizes[] = {MERKLE_SIZE_MAX, MERKLE_SIZE_MAX - 1, (MERKLE_SIZE_MAX >> 1) + 1};
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    uint64_t n = sizes[k], indexes[] = {0, 1, n / 2, n - 2, n - 1};
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
      struct merkle_path p;
      struct hash root, leaf = leaf_number(1);
      assert_int_equal(merkle_inclusion(indexes[i], n, any_hash, NULL, &p), TG_OK);
      assert_true(p.n <= 62);
      assert_int_equal(merkle_path_root(&leaf, indexes[i], n, merkle_path_slice(&p), &root), TG_OK);
      if (indexes[i] > 0) {
        assert_int_equal(merkle_consistency(indexes[i], n, any_hash, NULL, &p), TG_OK);
        assert_true(p.n <= 63);
      }
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(inclusion_vectors),
      cmocka_unit_test(consistency_vectors),
      cmocka_unit_test(known_roots),
      cmocka_unit_test(all_ways_lead_to_one_root),
      cmocka_unit_test(append_names_every_subtree_it_completes),
      cmocka_unit_test(every_leaf_of_every_tree_is_proved),
      cmocka_unit_test(paths_are_the_same_with_an_edge_that_is_kept),
      cmocka_unit_test(every_tree_extends_every_beginning_of_it),
      cmocka_unit_test(no_changed_proof_is_accepted),
      cmocka_unit_test(no_changed_consistency_is_accepted),
      cmocka_unit_test(a_path_names_the_beginning_it_comes_from),
      cmocka_unit_test(an_old_path_grows_with_the_tree),
      cmocka_unit_test(two_steps_of_a_tree_are_one),
      cmocka_unit_test(a_forged_step_proves_nothing),
      cmocka_unit_test(a_failing_store_is_told_and_changes_nothing),
      cmocka_unit_test(what_cannot_be_asked_is_refused),
      cmocka_unit_test(the_largest_trees_fit),
  };
  return cmocka_run_group_tests(tests, leaves_setup, leaves_teardown);
}
