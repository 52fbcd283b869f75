/* Stores of earlier releases are opened by this one (releases.h). */
#include "client/node/schema.h"
#include "tests/os/releases.h"

/* SHA-256 of each migration as it was released. */
static const char *const released[] = {
    "b9b2ce282db9b7af8f2d5474417a68321cd60aa8ae7ce054aa0e302fddd5bbfb",
    "f25e19319c435107c9a610a1c93b7a2c1ced0f4575e0cdf5fd0c995caae68ebd",
    "03cd33b72ccb64d60e9dbeffa65284ab648e6a5b36b0c633df029968f72365fb",
    "a4c50517ae2d5caf61f0aba9faec414f24674a3770375eca20dad9219a7edb78",
    "794c4d4756df341b2693878935a278b8a6c584f16fb1ea2da2e7e1d9d5e7c1aa",
    "6df1590ae363c4a6f196e4c4fef64ffcab5529803f87dfe1d792a243885d4450",
    "d08546dabc30aa82b49ecee32bbd2fad9a93c9b969e5970ed4e95a0e2b44f1be",
    "e5a038b9fdaafead0bcbb9f70d45691e45afc73a670f3abdb024b835adeb7801",
    "0f5186ccbb02942dfb918a6ceb0b7c01179ec85bd3e2a8490202a761a0fd473b",
    "2c77479f7c1db88e407a873d6ea7e56ef6c0d71b97ae51632fa6b86f6df280e5",
    "756b71111d2cdfdc0db55967d4ac44ebef0301a6e91c851cb3777e16352ed65f",
    "743328d702b54bdf8bd8b590a5d96905f6e3018e104f205041631507b0cf56a6",
    "bcf5d78f5c23f346591e8ab6a609f3e0d62e15776ea4a2913d42daa9b58d4c48",
    "1e91df8b75b6db054581d1a7df824b911df3becf197826184542a875b525236e",
    "d48cc2ef998440bf3a99a2b2f30fcee1e3362aaeef53d586c252ffe63e1c8413",
};
/* From this version on a bulletin of our own stands in sent, letter and answer, and met names what is not in the inbox. */
enum { APART = 7 };
/* From this version on ids of late stand in no index. */
enum { PLACED = 8 };
/* From this version on documents come with their entries. */
enum { SHOWN = 9 };
/* From this version on numbers may be left out. */
enum { LEFT_OUT = 12 };
/* From this version on receipts that were not confirmed say for which hub they are. */
enum { FOR_A_HUB = 14 };

#define RELEASES (&(const struct releases){schema_migrations, SCHEMA_MIGRATIONS, released, sizeof released / sizeof *released})

static void what_was_released_is_not_changed(void **state)
{
  (void)state;
  releases_expect_unchanged(RELEASES);
}

/* Two bulletins of our own: one spooled, one answered by the hub and by its recipient, whose content is still there. */
static void put_sent(struct db *db, size_t version)
{
  if (version < APART) {
    releases_run(db, "INSERT INTO sent(id, number, precedence, state, open, expires, leaf, record, proof, due)"
                     " VALUES(x'04', 9, 4, 0, 1, 5, 0, x'05', x'06', 0)");
    releases_run(db, "INSERT INTO sent(place, id, number, precedence, state, open, expires, leaf, record, proof, outcome, due)"
                     " VALUES(7, x'0404', 12, 1, 2, 0, 5, 3, x'15', x'16', x'17', 0)");
    releases_run(db, "INSERT INTO track VALUES(x'04', x'03', 0, 1, x''), (x'0404', x'03', 0, 2, x''), (x'0404', x'03', 1, 99, x'18')");
    releases_run(db, "INSERT INTO content VALUES(x'0404', 1, 20, x'19'), (x'04', 0, 21, x'1a')");
    return;
  }
  releases_run(db, "INSERT INTO sent(place, id, number, precedence, state, open, expires, leaf, due) VALUES(1, x'04', 9, 4, 0, 1, 5, 0, 0), (7, x'0404', 12, 1, 2, 0, 5, 3, 0)");
  releases_run(db, "INSERT INTO letter VALUES(1, x'05', x'06'), (7, x'15', x'16')");
  releases_run(db, "INSERT INTO answer VALUES(7, x'17')");
  releases_run(db, "INSERT INTO track VALUES(9, x'03', 0, 1, x''), (12, x'03', 0, 2, x''), (12, x'03', 1, 99, x'18')");
  releases_run(db, "INSERT INTO content(bulletin, portion, body, secret) VALUES(x'0404', 1, 20, x'19'), (x'04', 0, 21, x'1a')");
}

static void check_sent(struct db *db)
{
  assert_int_equal(releases_count(db, "SELECT count(*) FROM sent JOIN letter USING(place) WHERE id = x'04' AND state = 0 AND number = 9 AND"
                                      " record = x'05' AND proof = x'06' AND open = 1"), 1);
  assert_int_equal(releases_count(db, "SELECT count(*) FROM sent JOIN answer USING(place) JOIN letter USING(place) WHERE id = x'0404' AND"
                                      " place = 7 AND leaf = 3 AND outcome = x'17' AND record = x'15'"), 1);
  assert_int_equal(releases_count(db, "SELECT count(*) FROM answer"), 1); /* only of what was answered */
  assert_int_equal(releases_count(db, "SELECT count(*) FROM track WHERE number = 12 AND event = 1 AND time = 99 AND record = x'18'"), 1);
  assert_int_equal(releases_count(db, "SELECT count(*) FROM track WHERE event = 0"), 2);
  assert_int_equal(releases_count(db, "SELECT count(*) FROM content WHERE bulletin = x'0404' AND portion = 1 AND body = 20 AND secret = x'19'"), 1);
  assert_int_equal(releases_count(db, "SELECT count(*) FROM content"), 2);
  releases_run(db, "INSERT INTO sent(id, number, precedence, state, open, expires, leaf, due) VALUES(x'0405', 13, 1, 0, 1, 5, 0, 0)");
  assert_int_equal(releases_count(db, "SELECT place FROM sent WHERE number = 13"), 8); /* places go on where they were */
}

static void fill(struct db *db, size_t from)
{
  releases_run(db, "INSERT INTO fact VALUES('name', x'01'), ('cursor/hub1', x'0000000000000007')");
  releases_run(db, "INSERT INTO met VALUES(x'08', 3)");
  if (from < APART)
    releases_run(db, "INSERT INTO met VALUES(x'02', 1)");
  releases_run(db, "INSERT INTO heard(node, number, id) VALUES(x'03', 7, x'02')");
  put_sent(db, from);
  releases_run(db, "INSERT INTO watched VALUES('sahel.example/hub1', x'09', 3, 0)");
  releases_run(db, from < FOR_A_HUB ? "INSERT INTO said VALUES(17, x'0a')" : "INSERT INTO said VALUES(17, x'0a', 'sahel.example/hub1')");
  releases_run(db, "INSERT INTO inbox(id, node, number, precedence, state, received, expires, seen, acknowledged, leaf, record)"
                   " VALUES(x'02', x'03', 7, 4, 0, 1, 5, 0, 0, 3, x'07')");
}

static void check(struct db *db, size_t from)
{
  assert_int_equal(releases_count(db, "SELECT count(*) FROM fact WHERE name = 'name' AND value = x'01'"), 1);
  /* Whose documents came without their entries asks for all again. */
  assert_int_equal(releases_count(db, "SELECT count(*) FROM fact WHERE name = 'cursor/hub1'"), from >= SHOWN);
  assert_int_equal(releases_count(db, "SELECT count(*) FROM met"), 1); /* what is in the inbox has been met */
  assert_int_equal(releases_count(db, "SELECT count(*) FROM met WHERE id = x'08' AND event = 3"), 1);
  assert_int_equal(releases_count(db, "SELECT count(*) FROM inbox JOIN heard ON heard.id = inbox.id WHERE heard.number = 7"), 1);
  assert_int_equal(releases_count(db, "SELECT count(*) FROM heard WHERE previous = x''"), from < LEFT_OUT); /* 6 has not come, and nobody knows any more what it was */
  check_sent(db);
  if (from < PLACED) /* what stood there before stands in the table of places; what came since, in memory */
    assert_int_equal(releases_count(db, "SELECT count(*) FROM place LEFT JOIN sent ON kind = 0 AND sent.place = place.place AND substr(id, 1, 6) = head"
                                        " LEFT JOIN content ON kind = 2 AND content.place = place.place AND substr(bulletin, 1, 6) = head"
                                        " WHERE sent.place NOTNULL OR content.place NOTNULL OR (kind = 1 AND head = x'02')"), 5);
  assert_int_equal(releases_count(db, "SELECT count(*) FROM slice"), 3 * 256);
  assert_int_equal(releases_count(db, "SELECT count(*) FROM inbox WHERE id = x'02' AND leaf = 3 AND record = x'07'"), 1);
  assert_int_equal(releases_count(db, "SELECT count(*) FROM said WHERE serial = 17 AND frame = x'0a' AND log = 'sahel.example/hub1'"), 1); /* the only one there was */
  assert_int_equal(releases_count(db, "SELECT count(*) FROM carried"), 0); /* nothing that came before came in a bundle */
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
