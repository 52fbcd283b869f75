/* What a new policy opens, found in every case that rules tell apart; and pins. */
#include "kit.h"

#include "policy/change.h"

#include <sodium.h>

static bool widens(const char *old, const char *next, struct policy_example *ret)
{
  struct policy *a = kit_policy("ML", 1, old), *b = kit_policy("ML", 2, next);
  bool result;
  assert_int_equal(policy_widens(a, b, kit_world(), KIT_NOW, &result, ret), TG_OK);
  policy_free(a);
  policy_free(b);
  return result;
}

static void expect_widening(const char *old, const char *next, enum policy_effect effect,
                            const char *sentence)
{
  struct policy_example e;
  char text[512];
  assert_true(widens(old, next, &e));
  assert_int_equal(e.effect, effect);
  why_render(&e.why, NULL, text, sizeof text);
  assert_string_equal(text, sentence);
  assert_false(widens(next, next, NULL));
}

#define BASE "export allow alert.** to AES up-to SECRET\n"

static void each_effect_is_found(void **state)
{
  (void)state;
  expect_widening(BASE, BASE "export allow alert.attack to TD", POLICY_OPENS_EXPORT,
                  "test.policy:6: ML would now tell TD: alert.attack UNCLASSIFIED TLP:clear");
  expect_widening(BASE, "export allow alert.** to AES", POLICY_OPENS_EXPORT,
                  "test.policy:5: ML would now tell BF: alert TOP-SECRET TLP:clear");
  expect_widening(BASE "export deny alert.x.** to NE", BASE, POLICY_OPENS_EXPORT,
                  "test.policy:5: ML would now tell NE: alert.x UNCLASSIFIED TLP:clear");
  expect_widening(BASE "export deny ** to NE when origin agency ML/dgse", BASE, POLICY_OPENS_EXPORT,
                  "test.policy:5: ML would now tell NE: alert UNCLASSIFIED TLP:clear ML/dgse");
  expect_widening("import allow ** from NG max-size 1KiB", "import allow ** from NG max-size 2KiB",
                  POLICY_OPENS_IMPORT,
                  "test.policy:5: ML would now accept from NG: x UNCLASSIFIED TLP:clear");
  expect_widening("import allow ** from NG max-size 1KiB", "import allow ** from NG", POLICY_OPENS_IMPORT,
                  "test.policy:5: ML would now accept from NG: x UNCLASSIFIED TLP:clear");
  expect_widening(
      "onward ask for ** to SN", "onward allow ** to SN", POLICY_OPENS_ONWARD,
      "test.policy:5: others could now pass on from ML to SN without asking: x UNCLASSIFIED TLP:clear");
  expect_widening("", "onward ask for a to SN", POLICY_OPENS_ONWARD,
                  "test.policy:5: others could now ask ML to pass on to SN: a UNCLASSIFIED TLP:clear");
  expect_widening(BASE "export require approvals 3 by release for **",
                  BASE "export require approvals 2 by release for **", POLICY_DROPS_OBLIGATION,
                  "test.policy:5: ML would now tell BF with fewer approvals, or without ORCON: alert "
                  "UNCLASSIFIED TLP:clear");
  expect_widening(BASE "transit deny hub-in SN FR for **", BASE "transit deny hub-in SN for **",
                  POLICY_OPENS_TRANSIT,
                  "what ML sends could now pass a hub in FR: alert UNCLASSIFIED TLP:clear");
  expect_widening(BASE "export retain 7d for **", BASE "export retain 8d for **", POLICY_LENGTHENS_RETENTION,
                  "recipients could now keep for longer what ML sends: alert UNCLASSIFIED TLP:clear");
  expect_widening(BASE "export retain 7d for **", BASE, POLICY_LENGTHENS_RETENTION,
                  "recipients could now keep for longer what ML sends: alert UNCLASSIFIED TLP:clear");
  expect_widening("label \"SD\" is SECRET", "label \"SD\" is RESTRICTED", POLICY_OPENS_LABEL,
                  "test.policy:5: the label \"SD\" of ML would now read as RESTRICTED, lower than before");
}

/* The same members today, and others when somebody joins the exchange. */
static void who_joins_later_counts(void **state)
{
  (void)state;
#define ALL "BF ML NE NG SN TD CI GH"
#define SAYS(what) "test.policy:5: " what ": x UNCLASSIFIED TLP:clear"
  expect_widening("export allow ** to " ALL, "export allow ** to *", POLICY_OPENS_EXPORT, SAYS("ML would now tell whoever joins later (*)"));
  expect_widening("export allow ** to BF ML NE", "export allow ** to AES", POLICY_OPENS_EXPORT, SAYS("ML would now tell whoever joins later (AES)"));
  expect_widening("export allow ** to TD", "export allow ** to outside AES ECOWAS", POLICY_OPENS_EXPORT,
                  SAYS("ML would now tell whoever joins later (*)"));
  expect_widening("export allow ** to AES except ECOWAS", "export allow ** to AES", POLICY_OPENS_EXPORT,
                  SAYS("ML would now tell whoever joins later (AES ECOWAS)"));
  expect_widening("export allow ** to *\nexport deny ** to ECOWAS", "export allow ** to *\nexport deny ** to NG SN CI GH", POLICY_OPENS_EXPORT,
                  SAYS("ML would now tell whoever joins later (ECOWAS)"));
  expect_widening("import allow ** from " ALL, "import allow ** from *", POLICY_OPENS_IMPORT,
                  SAYS("ML would now accept from whoever joins later (*)"));
  expect_widening("onward ask for ** to " ALL, "onward ask for **", POLICY_OPENS_ONWARD,
                  SAYS("others could now ask ML to pass on to whoever joins later (*)"));
  expect_widening("onward allow ** to BF ML NE", "onward allow ** to AES", POLICY_OPENS_ONWARD,
                  SAYS("others could now pass on from ML to whoever joins later (AES) without asking"));
  expect_widening("export allow ** to *\nexport require orcon for **", "export allow ** to *\nexport require orcon for ** to " ALL,
                  POLICY_DROPS_OBLIGATION, SAYS("ML would now tell whoever joins later (*) with fewer approvals, or without ORCON"));
  static const char *const narrower[][2] = {
      {"export allow ** to *", "export allow ** to " ALL},
      {"export allow ** to *", "export allow ** to AES ECOWAS LCBC"},
      {"export allow ** to AES", "export allow ** to BF NE"},
      {"export allow ** to NG SN CI GH", "export allow ** to ECOWAS as-of 2026-01-01"}, /* as it stood: nobody joins that */
      {"export allow ** to BF ML NE", "export allow ** to G5-SAHEL as-of 2020-01-01 except TD"},
      {"export allow ** to *\nexport deny ** to NG SN CI GH", "export allow ** to *\nexport deny ** to ECOWAS"},
  };
  for (size_t i = 0; i < sizeof narrower / sizeof *narrower; i++)
    if (widens(narrower[i][0], narrower[i][1], NULL))
      fail_msg("%s -> %s", narrower[i][0], narrower[i][1]);
#undef SAYS
#undef ALL
}

static bool is_in(const struct policy_world *w, const char *bloc, tg_time at, size_t member)
{
  struct memberset members;
  return policy_world_bloc(w, slice_str(bloc), at, &members) && memberset_has(&members, (unsigned)member);
}

/* How many of those who joined are in exactly these of n blocs? */
static unsigned count_in(const struct policy_world *w, size_t from, const char *const *bloc, size_t n, unsigned mask)
{
  unsigned count = 0;
  for (size_t i = from; i < w->member_count; i++) {
    unsigned in = 0;
    for (size_t k = 0; k < n; k++)
      in |= (unsigned)is_in(w, bloc[k], w->at, i) << k;
    count += in == mask;
  }
  return count;
}

static void who_joins_may_be_in_any_blocs(void **state)
{
  (void)state;
  static const char *const few[] = {"AES", "ECOWAS"};
  const struct policy_world *now = kit_world();
  struct slice names[] = {slice_str(few[0]), slice_str(few[1])};
  struct policy_world *w = policy_world_joined(now, names, 2);
  assert_non_null(w);
  assert_int_equal(w->member_count, KIT_MEMBERS + 4);
  for (unsigned mask = 0; mask < 4; mask++)
    assert_int_equal(count_in(w, KIT_MEMBERS, few, 2, mask), 1);
  /* Who is there already is where it was, and so are blocs that no rule names, and all blocs before. */
  static const char *const all[] = {"AES", "ECOWAS", "G5-SAHEL", "LCBC"};
  const tg_time times[] = {now->at, now->at - 1, kit_time("2024-06-01T00:00:00Z"), kit_time("2020-01-01T00:00:00Z")};
  for (size_t k = 0; k < 4; k++)
    for (size_t t = 0; t < 4; t++)
      for (size_t i = 0; i < w->member_count; i++)
        if (i < KIT_MEMBERS || t > 0 || k > 1)
          assert_int_equal(is_in(w, all[k], times[t], i), i < KIT_MEMBERS && is_in(now, all[k], times[t], i));
  policy_world_free(w);
}

static void who_joins_is_in_none_one_or_all_of_many_blocs(void **state)
{
  (void)state;
  enum { MANY = POLICY_JOINED_BLOCS + 2 };
  static const char *const name[MANY] = {"A", "B", "C", "D", "E", "F", "G", "H"};
  struct policy_bloc blocs[MANY] = {{.exists = true}};
  struct slice names[MANY];
  struct policy_world world = *kit_world();
  for (size_t k = 0; k < MANY; k++) {
    blocs[k].exists = true;
    memcpy(blocs[k].name, name[k], 2);
    names[k] = slice_str(name[k]);
  }
  world.blocs = blocs;
  world.bloc_count = MANY;
  struct policy_world *w = policy_world_joined(&world, names, MANY);
  assert_non_null(w);
  assert_int_equal(w->member_count, KIT_MEMBERS + MANY + 2);
  assert_int_equal(count_in(w, KIT_MEMBERS, name, MANY, 0), 1);
  assert_int_equal(count_in(w, KIT_MEMBERS, name, MANY, (1u << MANY) - 1), 1);
  for (unsigned k = 0; k < MANY; k++)
    assert_int_equal(count_in(w, KIT_MEMBERS, name, MANY, 1u << k), 1);
  policy_world_free(w);
}

/* Six blocs that hold nobody yet, in an exchange of that many members: does telling the last of them open anything? */
static enum tg_err widens_among(size_t members, bool *ret)
{
  static const char *const name[] = {"BLOC-A", "BLOC-B", "BLOC-C", "BLOC-D", "BLOC-E", "BLOC-F"};
  enum { BLOCS = sizeof name / sizeof *name };
  struct policy_member all[MEMBERS_MAX] = {0};
  struct policy_bloc blocs[BLOCS] = {0};
  struct policy_world world = *kit_world();
  for (size_t i = 0; i < members; i++) {
    all[i] = world.members[ML];
    if (i != ML) /* "AA" to "JZ", but for ours */
      memcpy(all[i].code.code, (char[3]){(char)('A' + i / 26), (char)('A' + i % 26)}, 3);
  }
  for (size_t k = 0; k < BLOCS; k++) {
    blocs[k].exists = true;
    memcpy(blocs[k].name, name[k], strlen(name[k]) + 1);
  }
  world.members = all;
  world.member_count = members;
  world.blocs = blocs;
  world.bloc_count = BLOCS;
  world.agency_count = 0;
#define ALLOW_FIVE "export allow alert.** to BLOC-A BLOC-B BLOC-C BLOC-D BLOC-E"
  struct policy *old = kit_policy_of("ML", &world, ALLOW_FIVE), *next = kit_policy_of("ML", &world, ALLOW_FIVE " BLOC-F");
  enum tg_err err = policy_widens(old, next, &world, KIT_NOW, ret, NULL);
  policy_free(old);
  policy_free(next);
  return err;
}

/* A bloc that nobody could be tried for would be one that a single officer opens. */
static void where_there_is_no_room_for_who_joins_it_is_not_called_narrow(void **state)
{
  (void)state;
  bool widens = false;
  assert_int_equal(widens_among(100, &widens), TG_OK); /* one in each combination */
  assert_true(widens);
  assert_int_equal(widens_among(230, &widens), TG_OK); /* one in each */
  assert_true(widens);
  assert_int_equal(widens_among(250, &widens), TG_TOO_BIG);
}

static void narrowing_is_no_widening(void **state)
{
  (void)state;
  static const char *const narrower[] = {
      "",
      "export allow alert.attack to BF up-to SECRET",
      BASE "export deny ** to BF",
      BASE "export require approvals 1 by release for alert",
      BASE "transit deny hub-in * for **",
      BASE "pin never ** to outside AES",
      "export allow alert.** to BF ML up-to SECRET\nexport allow alert.** to NE up-to SECRET", /* the same in
                                                                                                  other words
                                                                                                */
      "export allow alert.** alert.x.** to AES G5-SAHEL as-of 2020-01-01 except TD up-to SECRET",
  };
  for (size_t i = 0; i < sizeof narrower / sizeof *narrower; i++)
    assert_false(widens(BASE, narrower[i], NULL));
}

/* Members are compared as written, for blocs and members change. */
static void a_pin_dropped_or_weakened_is_a_widening(void **state)
{
  (void)state;
#define PIN "pin never report.** at SECRET and above to outside AES"
#define LOST(who, what) "test.policy:5: a pin of ML would no longer hold for " who ": " what
  expect_widening(PIN, "", POLICY_DROPS_PIN, LOST("outside AES", "report SECRET TLP:clear"));
  expect_widening(PIN, "pin never report.** at TOP-SECRET and above to outside AES", POLICY_DROPS_PIN,
                  LOST("outside AES", "report SECRET TLP:clear"));
  expect_widening(PIN, PIN " tlp green and above", POLICY_DROPS_PIN, LOST("outside AES", "report SECRET TLP:clear"));
  expect_widening(PIN, "pin never report.* at SECRET and above to outside AES", POLICY_DROPS_PIN,
                  LOST("outside AES", "report SECRET TLP:clear"));
  expect_widening(PIN, PIN " except TD", POLICY_DROPS_PIN, LOST("outside AES", "report SECRET TLP:clear"));
  expect_widening(PIN, PIN " when origin agency ML/dgse", POLICY_DROPS_PIN, LOST("outside AES", "report SECRET TLP:clear"));
  expect_widening(PIN, "pin never report.** at SECRET and above to outside ECOWAS", POLICY_DROPS_PIN,
                  LOST("outside AES", "report SECRET TLP:clear"));
  expect_widening("pin never ** to NG TD", "pin never ** to NG", POLICY_DROPS_PIN, LOST("TD", "x UNCLASSIFIED TLP:clear"));
  /* The same today, and not when AES has grown. */
  expect_widening("pin never ** to AES", "pin never ** to BF ML NE", POLICY_DROPS_PIN, LOST("AES", "x UNCLASSIFIED TLP:clear"));
  expect_widening("pin never ** to * when origin agency ML/dgse ML/dnrt", "pin never ** to * when origin agency ML/dnrt",
                  POLICY_DROPS_PIN, LOST("*", "x UNCLASSIFIED TLP:clear ML/dgse"));
  /* What it opens is told first. */
  expect_widening(BASE PIN, BASE "export allow alert.attack to TD", POLICY_OPENS_EXPORT,
                  "test.policy:6: ML would now tell TD: alert.attack UNCLASSIFIED TLP:clear");
#undef LOST
}

static void a_pin_in_other_words_is_kept(void **state)
{
  (void)state;
  static const char *const kept[][2] = {
      {PIN, "# as before\n" PIN},
      {PIN, "pin never ** to *"},
      {PIN, "pin never report.** at RESTRICTED and above to outside AES"},
      {PIN, "pin never report at SECRET and above to outside AES\npin never report.*.** at SECRET and above to outside AES"},
      {"pin never ** to NG TD", "pin never ** to TD\npin never ** to SN NG"},
      {"pin never ** to NG AES except BF ML", "pin never ** to AES NG except ML"},
      {"pin never ** to * when origin agency ML/dgse ML/dnrt",
       "pin never ** to * when origin agency ML/dnrt\npin never ** to * when origin agency ML/dgse"},
      {"expires 2026-01-01T00:00:00Z\n" PIN, ""}, /* over before */
  };
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
    if (widens(kept[i][0], kept[i][1], NULL))
      fail_msg("%s -> %s", kept[i][0], kept[i][1]);
}

static void time_counts_too(void **state)
{
  (void)state;
  struct policy_example e;
  assert_true(
      widens(BASE "export deny ** to NE until 2027-03-31", BASE "export deny ** to NE until 2027-02-28", &e));
  assert_int_equal(e.time, kit_time("2027-03-01T00:00:00Z"));
  assert_true(widens("expires 2027-01-01T00:00:00Z\n" BASE, BASE, &e)); /* lives longer */
  assert_int_equal(e.time, kit_time("2027-01-01T00:00:00Z"));
  assert_false(widens(BASE, "expires 2027-01-01T00:00:00Z\n" BASE, NULL));
  assert_false(widens(BASE, BASE "export allow ** to TD until 2026-11-01", NULL)); /* over before */
  assert_true(widens(BASE, BASE "export allow ** to TD from 2030-01-01", &e));
}

static void a_first_policy_never_widens_and_members_do_not_mix(void **state)
{
  (void)state;
  struct policy *a = kit_policy("ML", 1, BASE), *b = kit_policy("NG", 1, BASE);
  bool result = true;
  assert_int_equal(policy_widens(NULL, a, kit_world(), KIT_NOW, &result, NULL), TG_OK);
  assert_false(result);
  assert_int_equal(policy_widens(a, b, kit_world(), KIT_NOW, &result, NULL), TG_BAD_INPUT);
  policy_free(a);
  policy_free(b);
}

static void expect_pin(const char *policy, const char *sentence)
{
  struct policy_set *set = kit_set(policy, NULL);
  struct policy_example e;
  char text[512] = "";
  enum tg_err err = policy_pins_check(set, KIT_NOW, &e);
  if (err)
    why_render(&e.why, NULL, text, sizeof text);
  assert_string_equal(text, sentence);
  assert_int_equal(err, sentence[0] ? TG_REFUSED : TG_OK);
  policy_set_free(set);
}

static void pins_are_checked_against_every_case(void **state)
{
  (void)state;
  expect_pin("ML " BASE "pin never SECRET and above to outside AES", "");
  expect_pin("ML " BASE "export allow alert.** to TD\npin never SECRET and above to outside AES",
             "test.policy:7: test.policy:6 tells TD what this pin forbids: alert SECRET TLP:clear. Narrow "
             "that rule, or remove "
             "the pin");
  expect_pin(
      "ML export allow report.** to NG\nexport deny report.humint.** to NG\npin never report.humint.** to NG",
      "");
  expect_pin(
      "ML export allow report.** to NG\nexport deny report.humint.** to NG\npin never **.humint.** to NG",
      "test.policy:7: test.policy:5 tells NG what this pin forbids: report.x.humint UNCLASSIFIED TLP:clear. "
      "Narrow "
      "that rule, or remove the pin");
  expect_pin("ML export allow x to TD from 2028-01-01\npin never x to *",
             "test.policy:6: test.policy:5 tells TD what this pin forbids: x UNCLASSIFIED TLP:clear. Narrow "
             "that rule, or "
             "remove the pin");
  expect_pin("ML onward allow x to TD\npin never ** to * tlp red and above",
             "test.policy:6: test.policy:5 lets others pass on to TD what this pin forbids: x UNCLASSIFIED "
             "TLP:red. Narrow "
             "that rule, or remove the pin");
}

static void a_bloc_that_grows_breaks_a_pin(void **state)
{
  (void)state;
  struct policy_set *set = kit_set("ML export allow ** to ECOWAS\npin never ** to TD", NULL);
  struct policy_world world = *kit_world();
  struct policy_bloc blocs[8];
  struct policy_example e;
  memcpy(blocs, world.blocs, world.bloc_count * sizeof *blocs);
  world.blocs = blocs;
  assert_int_equal(policy_pins_check(set, KIT_NOW, NULL), TG_OK);
  memberset_add(&blocs[2].members, TD);
  assert_int_equal(policy_set_world(set, &world, KIT_NOW), TG_OK);
  assert_int_equal(policy_pins_check(set, KIT_NOW, &e), TG_REFUSED);
  assert_int_equal(e.member, TD);
  assert_int_equal(e.line, 6);
  /* A bloc that is gone permits nothing, and a pin about it covers everyone. */
  world.bloc_count = 1;
  assert_int_equal(policy_set_world(set, &world, KIT_NOW), TG_OK);
  assert_int_equal(policy_pins_check(set, KIT_NOW, NULL), TG_OK);
  policy_set_free(set);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_effect_is_found),
      cmocka_unit_test(who_joins_later_counts),
      cmocka_unit_test(who_joins_may_be_in_any_blocs),
      cmocka_unit_test(who_joins_is_in_none_one_or_all_of_many_blocs),
      cmocka_unit_test(where_there_is_no_room_for_who_joins_it_is_not_called_narrow),
      cmocka_unit_test(narrowing_is_no_widening),
      cmocka_unit_test(a_pin_dropped_or_weakened_is_a_widening),
      cmocka_unit_test(a_pin_in_other_words_is_kept),
      cmocka_unit_test(time_counts_too),
      cmocka_unit_test(a_first_policy_never_widens_and_members_do_not_mix),
      cmocka_unit_test(pins_are_checked_against_every_case),
      cmocka_unit_test(a_bloc_that_grows_breaks_a_pin),
  };
  if (sodium_init() < 0)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
