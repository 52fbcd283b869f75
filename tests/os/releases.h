/* What the tests of a store's schema share: stores of earlier releases are opened by this one. What was released is never changed, and what stood in it
   stands in it still. A release adds a row to `released` for each migration that it brings; `schema_test print` writes them. */
#ifndef TOGUNA_TESTS_OS_RELEASES_H
#define TOGUNA_TESTS_OS_RELEASES_H

#include "os/db.h"
#include "proto/hash.h"
#include "tests/os/kit.h"

#include <sodium.h>

struct releases {
  const char *const *migrations;
  size_t n_migrations;
  const char *const *released; /* SHA-256 of each migration as it was released, in hex */
  size_t n_released;
};

static inline void releases_hash(const char *sql, char out[65])
{
  const struct hash h = hash_plain(slice_str(sql));
  sodium_bin2hex(out, 65, h.b, sizeof h.b);
}

static inline void releases_expect_unchanged(const struct releases *r)
{
  assert_true(r->n_migrations >= r->n_released);
  for (size_t i = 0; i < r->n_released; i++) {
    char hex[65];
    releases_hash(r->migrations[i], hex);
    if (strcmp(hex, r->released[i]) != 0)
      fail_msg("migration %zu is not the one that was released: stores of that release would not be read. Add another instead", i);
  }
  if (r->n_migrations != r->n_released)
    fail_msg("migration %zu has no row here: add its hash", r->n_released);
}

static inline void releases_run(struct db *db, const char *sql)
{
  if (db_run(db_stmt(db, sql)) != TG_OK)
    fail_msg("%s", sql);
}

static inline uint64_t releases_count(struct db *db, const char *sql)
{
  uint64_t n = 0;
  if (db_number(db_stmt(db, sql), &n) != TG_OK)
    fail_msg("%s", sql);
  return n;
}

static inline struct db *releases_open(const struct releases *r, const char *path, size_t version)
{
  const struct db_options o = {.path = path, .application_id = 0x5447, .migrations = r->migrations, .n_migrations = version};
  struct db *db = NULL;
  struct tg_why why = {0};
  if (db_open(&o, &db, &why) != TG_OK)
    fail_msg("version %zu: %s %s", version, why.what, why.arg[0]);
  return db;
}

/* From every released version to this one, by one step after the other and by all at once. `fill` puts into a store of version `from` what that release had
   put; `check` looks for it in the store of this version. */
static inline void releases_expect_opened(const struct releases *r, void fill(struct db *db, size_t from), void check(struct db *db, size_t from))
{
  for (size_t from = 1; from <= r->n_migrations; from++)
    for (size_t step = 1; step <= 2; step++) {
      char *folder = kit_folder();
      const char *path = kit_path(folder, "s.db");
      struct db *db = releases_open(r, path, from);
      fill(db, from);
      db_close(&db);
      for (size_t v = step == 1 ? from + 1 : r->n_migrations; v <= r->n_migrations; v++) {
        db = releases_open(r, path, v);
        db_close(&db);
      }
      db = releases_open(r, path, r->n_migrations);
      check(db, from);
      assert_int_equal(db_check(db, NULL), TG_OK);
      db_close(&db);
      kit_remove(folder);
    }
}

/* What `print` writes: `released` as it is now. */
static inline int releases_print(const struct releases *r)
{
  for (size_t i = 0; i < r->n_migrations; i++) {
    char hex[65];
    releases_hash(r->migrations[i], hex);
    printf("    \"%s\",\n", hex);
  }
  return 0;
}

#endif
