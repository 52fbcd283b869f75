/* Which policy is in force when; changes that succeed whole or not at all. */
#include "kit.h"

#include <sodium.h>

static enum tg_err put(struct policy_set *set, unsigned serial, const char *rules, tg_time from)
{
  struct policy *p = kit_policy("ML", serial, rules);
  enum tg_err err = policy_set_put(set, &p, from, KIT_NOW, NULL);
  assert_true((err == TG_OK) == (p == NULL));
  policy_free(p);
  return err;
}

static struct policy_set *receivers(void)
{
  return kit_set("BF import allow ** from *", "NE import allow ** from *", "SN import allow ** from *", NULL);
}

static const char *told(const struct policy_set *set, tg_time at)
{
  struct kit_bulletin b;
  kit_bulletin(&b, ML, "alert", LEVEL_RESTRICTED);
  b.request.time = at;
  b.request.expires = INT64_MAX;
  return kit_permitted(set, &b);
}

static void the_highest_serial_that_has_begun_decides(void **state)
{
  (void)state;
  struct policy_set *set = receivers();
  assert_int_equal(put(set, 3, "export allow ** to BF", 0), TG_OK);
  assert_string_equal(told(set, KIT_NOW), "BF");
  assert_int_equal(put(set, 5, "export allow ** to NE", KIT_NOW + TG_DAY), TG_OK); /* a widening waits */
  assert_string_equal(told(set, KIT_NOW), "BF");
  assert_int_equal(policy_set_until(set), KIT_NOW + TG_DAY);
  assert_string_equal(told(set, KIT_NOW + TG_DAY), "NE"); /* right, though compiled for another time */
  assert_int_equal(policy_set_advance(set, KIT_NOW + TG_DAY), TG_OK);
  assert_string_equal(told(set, KIT_NOW + TG_DAY), "NE");
  assert_string_equal(told(set, KIT_NOW), "BF");
  /* One with a higher serial that begins earlier overtakes it for good. */
  assert_int_equal(put(set, 6, "export allow ** to SN", KIT_NOW + TG_HOUR), TG_OK);
  assert_string_equal(told(set, KIT_NOW + 2 * TG_DAY), "SN");
  assert_int_equal(policy_serial(policy_set_policy(set, ML, KIT_NOW + 2 * TG_DAY)), 6);
  assert_null(policy_set_policy(set, TD, KIT_NOW));
  policy_set_free(set);
}

static void serials_are_strict(void **state)
{
  (void)state;
  struct policy_set *set = receivers();
  assert_int_equal(put(set, 3, "export allow ** to BF", 0), TG_OK);
  assert_int_equal(put(set, 3, "export allow ** to BF", 0), TG_DUPLICATE);
  assert_int_equal(put(set, 3, "export allow ** to NE", 0), TG_CONFLICT);
  assert_int_equal(put(set, 2, "export allow ** to NE", 0), TG_STALE);
  assert_string_equal(told(set, KIT_NOW), "BF"); /* the old policy stays in force */
  policy_set_free(set);
}

static void a_draft_is_supposed_whatever_its_serial_and_date(void **state)
{
  (void)state;
  struct policy_set *set = receivers(), *with;
  assert_int_equal(put(set, 3, "export allow ** to BF", 0), TG_OK);
  assert_int_equal(put(set, 5, "export allow ** to NE", KIT_NOW + TG_DAY), TG_OK);
  struct policy *draft = NULL;
  const char *text = "toguna/policy v1\nmember ML\nserial 2\neffective 2026-12-20T00:00:00Z\nexpires 2027-01-01T00:00:00Z\n"
                     "export allow ** to SN\n";
  assert_int_equal(policy_parse(slice_str(text), "draft", kit_world(), &draft, NULL, NULL), TG_OK);
  assert_int_equal(policy_set_copy(set, &with), TG_OK);
  assert_int_equal(policy_set_suppose(with, draft, KIT_NOW), TG_OK);
  policy_free(draft);
  assert_string_equal(told(with, KIT_NOW), "SN"); /* long before it says it begins */
  assert_string_equal(told(with, KIT_NOW + 2 * TG_DAY), "SN");
  assert_string_equal(told(with, kit_time("2027-01-01T00:00:00Z")), "");
  assert_string_equal(told(set, KIT_NOW), "BF"); /* the set it was copied from is as it was */
  struct policy *stranger = NULL;
  text = "toguna/policy v1\nmember FR\nserial 2\neffective 2026-12-20T00:00:00Z\nexport allow ** to SN\n";
  assert_int_equal(policy_parse(slice_str(text), "draft", NULL, &stranger, NULL, NULL), TG_OK);
  assert_int_equal(policy_set_suppose(with, stranger, KIT_NOW), TG_NOT_FOUND);
  policy_free(stranger);
  assert_string_equal(told(with, KIT_NOW), "SN");
  policy_set_free(with);
  policy_set_free(set);
}

static void a_policy_needs_no_file_name(void **state)
{
  (void)state;
  struct policy *p = NULL;
  struct tg_why why = {0};
  const char *good = "toguna/policy v1\nmember ML\nserial 2\neffective 2026-12-20T00:00:00Z\nexport allow ** to SN\n";
  const char *bad[] = {"toguna/policy v1\nmember ML\nserial 2\neffective 2026-12-20T00:00:00Z\nexport alow ** to SN\n", "", "\xff\n"};
  assert_int_equal(policy_parse(slice_str(good), NULL, kit_world(), &p, NULL, &why), TG_OK);
  assert_string_equal(policy_file(p), "");
  policy_free(p);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct problems list = {0};
    p = NULL;
    assert_int_not_equal(policy_parse(slice_str(bad[i]), NULL, NULL, &p, &list, &why), TG_OK);
    assert_null(p);
    assert_non_null(why.what);
    problems_free(&list);
  }
}

static void an_expired_policy_permits_nothing_and_hides_older_ones(void **state)
{
  (void)state;
  struct policy_set *set = receivers();
  assert_int_equal(put(set, 1, "export allow ** to BF", 0), TG_OK);
  assert_int_equal(put(set, 2, "expires 2026-12-02T00:00:00Z\nexport allow ** to NE", 0), TG_OK);
  assert_string_equal(told(set, KIT_NOW), "NE");
  assert_int_equal(policy_set_until(set), KIT_NOW + TG_DAY);
  assert_string_equal(told(set, KIT_NOW + TG_DAY), "");
  struct hash before = policy_set_hash(set, KIT_NOW), after = policy_set_hash(set, KIT_NOW + TG_DAY);
  assert_false(hash_eq(&before, &after));
  assert_int_equal(policy_set_advance(set, KIT_NOW + TG_DAY), TG_OK);
  assert_string_equal(told(set, KIT_NOW + TG_DAY), "");
  assert_int_equal(policy_set_until(set), INT64_MAX);
  policy_set_free(set);
}

static void so_many_may_wait_and_no_more(void **state)
{
  (void)state;
  struct policy_set *set = receivers();
  for (unsigned i = 1; i <= POLICY_KEPT_MAX; i++)
    assert_int_equal(put(set, i, "export allow ** to BF", i * TG_MINUTE), TG_OK); /* all long in force */
  assert_int_equal(put(set, 17, "export allow ** to NE", 0), TG_OK);
  assert_string_equal(told(set, KIT_NOW), "NE");
  for (unsigned i = 18; i < 17 + POLICY_KEPT_MAX; i++)
    assert_int_equal(put(set, i, "export allow ** to SN", KIT_NOW + i), TG_OK);
  assert_int_equal(put(set, 100, "export allow ** to SN", KIT_NOW + 100), TG_QUOTA);
  assert_string_equal(told(set, KIT_NOW), "NE");
  policy_set_free(set);
}

static void a_copy_changes_alone(void **state)
{
  (void)state;
  struct policy_set *set = receivers(), *copy;
  assert_int_equal(put(set, 1, "export allow ** to BF", 0), TG_OK);
  assert_int_equal(policy_set_copy(set, &copy), TG_OK);
  assert_int_equal(put(copy, 2, "export allow ** to NE", 0), TG_OK);
  assert_string_equal(told(set, KIT_NOW), "BF");
  assert_string_equal(told(copy, KIT_NOW), "NE");
  policy_set_free(set);
  assert_int_equal(policy_set_remove(copy, ML, KIT_NOW), TG_OK);
  assert_string_equal(told(copy, KIT_NOW), "");
  policy_set_free(copy);
}

static void who_leaves_gets_nothing_and_blocs_change_meaning(void **state)
{
  (void)state;
  struct policy_set *set =
      kit_set("ML export allow ** to AES SN\nexport deny report.** to G5-SAHEL as-of 2020-01-01",
              "BF import allow ** from *", "NE import allow ** from *", "SN import allow ** from *", NULL);
  struct policy_world world = *kit_world();
  struct policy_member members[KIT_MEMBERS];
  struct policy_bloc blocs[8];
  memcpy(members, world.members, sizeof members);
  memcpy(blocs, world.blocs, world.bloc_count * sizeof *blocs);
  world.members = members;
  world.blocs = blocs;
  assert_string_equal(told(set, KIT_NOW), "BF NE SN");
  members[BF] = (struct policy_member){.ceiling = 5};
  assert_int_equal(policy_set_world(set, &world, KIT_NOW), TG_OK);
  assert_string_equal(told(set, KIT_NOW), "NE SN");
  members[BF] = kit_world()->members[BF]; /* and comes back: its policy speaks again */
  world.at = KIT_NOW + TG_DAY;
  blocs[0].exists = false; /* AES is dissolved: it permits nothing, the name beside it still does */
  assert_int_equal(policy_set_world(set, &world, KIT_NOW), TG_OK);
  assert_string_equal(told(set, KIT_NOW), "SN");
  struct kit_bulletin b;
  kit_bulletin(&b, ML, "report.x", LEVEL_RESTRICTED);
  assert_string_equal(kit_permitted(set, &b), "SN");
  blocs[3].exists = false; /* a bloc that was never there: the deny covers everyone */
  assert_int_equal(policy_set_world(set, &world, KIT_NOW), TG_OK);
  assert_string_equal(kit_permitted(set, &b), "");
  blocs[2].since = 0; /* two entries of one time: no world */
  assert_int_equal(policy_set_world(set, &world, KIT_NOW), TG_BAD_INPUT);
  assert_string_equal(kit_permitted(set, &b), "");
  policy_set_free(set);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_policy_needs_no_file_name),
      cmocka_unit_test(a_draft_is_supposed_whatever_its_serial_and_date),
      cmocka_unit_test(the_highest_serial_that_has_begun_decides),
      cmocka_unit_test(serials_are_strict),
      cmocka_unit_test(an_expired_policy_permits_nothing_and_hides_older_ones),
      cmocka_unit_test(so_many_may_wait_and_no_more),
      cmocka_unit_test(a_copy_changes_alone),
      cmocka_unit_test(who_leaves_gets_nothing_and_blocs_change_meaning),
  };
  if (sodium_init() < 0)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
