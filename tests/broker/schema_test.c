/* Stores of earlier releases are opened by this one (releases.h). */
#include "broker/store_schema.h"
#include "tests/os/releases.h"

/* SHA-256 of each migration as it was released. */
static const char *const released[] = {
    "8f10c9ecbbc663829023f20b6e156f7582d570c582767a24856b7f2d6a091838",
    "81821ce3b5a0897acbe14f941faddf856b3fcd03c2d0342b868e74441f461e76",
    "a3d3bb5eea12d0728d7efd4a628be0b07325fe82d0a61928bd3024fa2c96d9b1",
    "5ae676cb8a5b7d7cc03c9b6acfa2e22b10c3421db3025aa682cbffcce422dec9",
    "e5a1f919516ec91ac5df817520a9f8012700ef5dc800da9b81bc9a53ad335040",
    "5dc0206e9a91e2cbe846ac3012a88b6db0d2f22d6ebf8307e32a73b824f03f80",
};
enum { IDS_APART = 4, TERMS = 6 }; /* the versions whose ids have a table of their own, and that have no indexes of times */

#define RELEASES (&(const struct releases){STORE_MIGRATIONS, STORE_MIGRATION_COUNT, released, sizeof released / sizeof *released})

static void what_was_released_is_not_changed(void **state)
{
  (void)state;
  releases_expect_unchanged(RELEASES);
}

static void fill(struct db *db, size_t from)
{
  releases_run(db, "INSERT INTO fact VALUES('name', x'01')");
  releases_run(db, "INSERT INTO entry VALUES(0, x'02', x'03')");
  releases_run(db, "INSERT INTO tile VALUES(0, x'04')");
  releases_run(db, "INSERT INTO body VALUES(16, x'05')");
  if (from < TERMS) { /* a release that has them puts them itself */
    releases_run(db, "INSERT INTO memory VALUES(700, 7200001, x'06', x'07'), (701, 7200002, x'06', x'07')");
    releases_run(db, "INSERT INTO awaited VALUES(700, 1, 16001), (701, 1, -5)");
  }
  releases_run(db, "INSERT INTO bulletin VALUES(7, x'00010203040506070809', 2, 'ML', 3, 1, 0, 1, 4, 5, 6, 8, x'09', x'0a', 1, x'0b')");
}

static void check(struct db *db, size_t from)
{
  assert_int_equal(releases_count(db, "SELECT count(*) FROM fact WHERE value = x'01'"), 1);
  assert_int_equal(releases_count(db, "SELECT count(*) FROM entry WHERE leaf = 0 AND salt = x'02' AND bytes = x'03'"), 1);
  assert_int_equal(releases_count(db, "SELECT count(*) FROM tile WHERE hashes = x'04'"), 1);
  assert_int_equal(releases_count(db, "SELECT count(*) FROM body WHERE place = 16 AND sealed = x'05'"), 1);
  assert_int_equal(releases_count(db, "SELECT count(*) FROM bulletin WHERE leaf = 7 AND id = x'00010203040506070809' AND originator = 2"
                                      " AND member = 'ML' AND number = 3 AND accepted = 1 AND rank = 0 AND kind = 1 AND created = 4"
                                      " AND expires = 5 AND bytes = 6 AND charter_version = 8 AND policy_set = x'09' AND recalls = x'0a'"
                                      " AND recalled = 1 AND recipients = x'0b'"), 1);
  assert_int_equal(releases_count(db, "SELECT count(*) FROM id_slice"), 256);
  if (from < IDS_APART) { /* what an earlier release decided is found by its id */
    assert_int_equal(releases_count(db, "SELECT count(*) FROM id_place WHERE head = x'0001020304050607' AND leaf = 7"), 1);
    assert_int_equal(releases_count(db, "SELECT count(*) FROM id_slice WHERE below = 8"), 256);
  }
  if (from < TERMS) {
    assert_int_equal(releases_count(db, "SELECT count(*) FROM term"), 3);
    assert_int_equal(releases_count(db, "SELECT count(*) FROM term WHERE kind = 0 AND stretch IN (0, 2) AND block = 2"), 2);
    assert_int_equal(releases_count(db, "SELECT count(*) FROM term WHERE kind = 1 AND stretch = 2 AND block = 2"), 1);
  }
}

static void a_store_of_any_release_opens_with_all_that_is_in_it(void **state)
{
  (void)state;
  releases_expect_opened(RELEASES, fill, check);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_released_is_not_changed),
      cmocka_unit_test(a_store_of_any_release_opens_with_all_that_is_in_it),
  };
  if (sodium_init() < 0)
    return 1;
  if (argc == 2 && strcmp(argv[1], "print") == 0)
    return releases_print(RELEASES);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
