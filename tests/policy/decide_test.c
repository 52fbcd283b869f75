/* Who may receive: each condition of the language, alone and together. */
#include "kit.h"

#include <sodium.h>

#define IMPORT_ALL "\nimport allow ** from *"

static struct policy_set *open_world(const char *ml_rules)
{
  return kit_set(ml_rules, "BF" IMPORT_ALL, "NE" IMPORT_ALL, "NG" IMPORT_ALL, "SN" IMPORT_ALL,
                 "TD" IMPORT_ALL, "CI" IMPORT_ALL, "GH" IMPORT_ALL, NULL);
}

static void nothing_is_permitted_unless_both_sides_say_so(void **state)
{
  (void)state;
  struct kit_bulletin b;
  kit_bulletin(&b, ML, "alert.attack", LEVEL_SECRET);
  struct policy_set *set = kit_set(NULL, NULL);
  assert_string_equal(kit_permitted(set, &b), "");
  policy_set_free(set);
  set = kit_set("ML export allow ** to *", NULL);
  assert_string_equal(kit_permitted(set, &b), "");
  policy_set_free(set);
  set = kit_set("SN import allow ** from *", NULL);
  assert_string_equal(kit_permitted(set, &b), "");
  policy_set_free(set);
  set = kit_set("ML export allow alert.** to SN", "SN import allow ** from ML", "TD import allow ** from *",
                NULL);
  assert_string_equal(kit_permitted(set, &b), "SN");
  policy_set_free(set);
}

static void charter_first(void **state)
{
  (void)state;
  struct kit_bulletin b;
  struct policy_set *set = open_world("ML export allow ** to *\nimport allow ** from ML");
  kit_bulletin(&b, ML, "alert", LEVEL_CONFIDENTIAL);
  assert_string_equal(kit_permitted(set, &b), "BF ML NE NG SN TD CI"); /* GH is out of traffic */
  b.portion.level = LEVEL_SECRET;
  assert_string_equal(kit_permitted(set, &b), "BF ML NE SN TD CI"); /* NG may not see SECRET */
  b.request.owed = true;
  assert_string_equal(kit_permitted(set, &b),
                      "BF ML NE SN TD CI GH"); /* a recall reaches a suspended state */
  b.request.suite = 7;
  assert_string_equal(kit_permitted(set, &b), "");
  policy_set_free(set);
  set = kit_set("CI export allow ** to *", "ML import allow ** from *", NULL);
  kit_bulletin(&b, CI, "alert", LEVEL_RESTRICTED);
  assert_string_equal(kit_permitted(set, &b), ""); /* CI originates nothing */
  b.request.owed = true;
  assert_string_equal(kit_permitted(set, &b), "ML");
  policy_set_free(set);
}

static void the_marking_binds(void **state)
{
  (void)state;
  struct kit_bulletin b;
  struct policy_set *set =
      open_world("ML export allow ** to * up-to RESTRICTED\nexport allow ** to AES\n"
                 "label \"SECRET-DEFENSE\" is SECRET\nlabel \"DIFFUSION RESTREINTE\" is RESTRICTED");
  kit_bulletin(&b, ML, "alert", LEVEL_RESTRICTED);
  b.portion.release = kit_members("BF SN");
  assert_string_equal(kit_permitted(set, &b), "BF SN");
  b.portion.label = slice_str("DIFFUSION RESTREINTE");
  assert_string_equal(kit_permitted(set, &b), "BF SN");
  b.portion.label = slice_str("SECRET-DEFENSE"); /* the stricter of both counts */
  assert_string_equal(kit_permitted(set, &b), "BF");
  b.portion.label = slice_str("TRES SECRET"); /* unmapped: refused */
  assert_string_equal(kit_permitted(set, &b), "");
  b.portion.label = slice_str("");
  b.request.time = b.request.expires - 1;
  assert_string_equal(kit_permitted(set, &b), "BF SN");
  b.request.time = b.request.expires;
  assert_string_equal(kit_permitted(set, &b), "");
  policy_set_free(set);
}

static void levels_colours_sizes_agencies_and_dates(void **state)
{
  (void)state;
  struct kit_bulletin b;
  struct policy_set *set = open_world("ML export allow alert.** to AES up-to SECRET\n"
                                      "export allow alert.** to SN up-to RESTRICTED tlp amber max-size 1KiB\n"
                                      "export allow ** to TD from 2026-12-01 until 2026-12-02\n"
                                      "export allow report to CI when origin agency ML/dgse ML/dnrt\n"
                                      "export deny ** at SECRET and above to NE\n"
                                      "export deny alert.** to BF tlp red and above\n"
                                      "export deny ** to BF when origin agency ML/cyber");
  kit_bulletin(&b, ML, "alert.attack", LEVEL_RESTRICTED);
  assert_string_equal(kit_permitted(set, &b), "BF NE SN TD");
  b.portion.tlp = TLP_AMBER_STRICT;
  assert_string_equal(kit_permitted(set, &b), "BF NE TD");
  b.portion.tlp = TLP_RED;
  assert_string_equal(kit_permitted(set, &b), "NE TD");
  b.portion.tlp = TLP_CLEAR;
  b.portion.size = 1024;
  assert_string_equal(kit_permitted(set, &b), "BF NE SN TD");
  b.portion.size = 1025;
  assert_string_equal(kit_permitted(set, &b), "BF NE TD");
  b.portion.level = LEVEL_SECRET;
  assert_string_equal(kit_permitted(set, &b), "BF TD");
  b.request.agency = slice_str("cyber");
  assert_string_equal(kit_permitted(set, &b), "TD");
  b.topic[0] = slice_str("report");
  assert_string_equal(kit_permitted(set, &b), "TD");
  b.request.agency = slice_str("dnrt");
  assert_string_equal(kit_permitted(set, &b), "TD CI");
  b.request.expires = KIT_NOW + 90 * TG_DAY;
  b.request.time = KIT_NOW + 2 * TG_DAY - 1; /* the last moment of 2 December */
  assert_string_equal(kit_permitted(set, &b), "TD CI");
  b.request.time++;
  assert_string_equal(kit_permitted(set, &b), "CI");
  b.request.time = KIT_NOW - 1;
  assert_string_equal(kit_permitted(set, &b), "CI");
  policy_set_free(set);
}

static void lists_outside_and_except_and_blocs_as_of_a_date(void **state)
{
  (void)state;
  struct kit_bulletin b;
  struct policy_set *set = open_world("ML export allow a to outside AES except NG GH\n"
                                      "export allow b to ECOWAS\n"
                                      "export allow c to ECOWAS as-of 2024-06-01\n"
                                      "export allow d to *\nexport deny d to outside AES");
  kit_bulletin(&b, ML, "a", LEVEL_RESTRICTED);
  assert_string_equal(kit_permitted(set, &b), "SN TD CI");
  b.topic[0] = slice_str("b");
  assert_string_equal(kit_permitted(set, &b), "NG SN CI");
  b.topic[0] = slice_str("c");
  assert_string_equal(kit_permitted(set, &b), "BF NE NG SN CI");
  b.topic[0] = slice_str("d");
  assert_string_equal(kit_permitted(set, &b), "BF NE");
  policy_set_free(set);
}

/* It is 0 inside, where 0 means that nothing was stated. */
static void the_first_moment_of_all_is_a_time_too(void **state)
{
  (void)state;
  struct kit_bulletin b;
  struct policy_set *set = open_world("ML export allow c to ECOWAS as-of 1970-01-01");
  kit_bulletin(&b, ML, "c", LEVEL_RESTRICTED);
  assert_string_equal(kit_permitted(set, &b), "BF NE NG SN CI");
  policy_set_free(set);
  set = open_world("ML expires 1970-01-01T00:00:00Z\nexport allow c to *");
  assert_string_equal(kit_permitted(set, &b), "");
  policy_set_free(set);
}

static void every_topic_must_be_permitted(void **state)
{
  (void)state;
  struct kit_bulletin b;
  struct policy_set *set =
      open_world("ML export allow alert.** to SN TD\nexport allow report.*.short to SN BF\n"
                 "export allow **.end to BF");
  kit_bulletin(&b, ML, "alert", LEVEL_RESTRICTED); /* ** also stands for nothing */
  assert_string_equal(kit_permitted(set, &b), "SN TD");
  b.topic[1] = slice_str("report.humint.short");
  b.request.topic_count = 2;
  assert_string_equal(kit_permitted(set, &b), "SN");
  b.topic[0] = slice_str("x.y.end");
  assert_string_equal(kit_permitted(set, &b), "BF");
  b.topic[1] = slice_str("report.humint.x.short");
  assert_string_equal(kit_permitted(set, &b), "");
  policy_set_free(set);
}

static void obligations_are_owed_and_told(void **state)
{
  (void)state;
  struct kit_bulletin b;
  struct policy_decision d;
  struct policy_set *set = open_world("ML export allow ** to BF NE SN\n"
                                      "export require approvals 2 by release for SECRET and above\n"
                                      "export require approvals 3 by release for ** to NE\n"
                                      "export require orcon for report.humint.** to SN\n"
                                      "export retain 90d for **\nexport retain 7d for report.**");
  kit_bulletin(&b, ML, "report.humint.x", LEVEL_SECRET);
  assert_int_equal(policy_decide(set, &b.request, &d), TG_OK);
  assert_string_equal(kit_names(&d.portions[0].permitted), "");
  assert_string_equal(kit_names(&d.portions[0].unmet), "BF NE SN");
  assert_int_equal(d.portions[0].approvals, 3);
  assert_true(d.portions[0].orcon);
  assert_int_equal(d.portions[0].retain, 7 * TG_DAY);
  b.request.approvals = 2;
  b.portion.orcon = true;
  assert_int_equal(policy_decide(set, &b.request, &d), TG_OK);
  assert_string_equal(kit_names(&d.portions[0].permitted), "BF SN");
  assert_string_equal(kit_names(&d.portions[0].unmet), "NE");
  assert_int_equal(d.portions[0].approvals, 3);
  assert_false(d.portions[0].orcon);
  b.request.approvals = 8;
  assert_string_equal(kit_permitted(set, &b), "BF NE SN");
  policy_set_free(set);
}

static void hubs_and_sources(void **state)
{
  (void)state;
  struct kit_bulletin b;
  struct country path[2] = {{"FR"}, {"SN"}};
  struct policy_source sources[2] = {{.release = kit_members("BF SN")},
                                     {.release = kit_members("BF"), .granted = kit_members("TD")}};
  struct policy_set *set = open_world("ML export allow ** to *\ntransit deny hub-in ECOWAS for report.**\n"
                                      "transit deny hub-in outside ECOWAS FR for alert.**");
  kit_bulletin(&b, ML, "report", LEVEL_RESTRICTED);
  b.request.hubs = path;
  b.request.hub_count = 1;
  assert_string_equal(kit_permitted(set, &b), "BF NE NG SN TD CI");
  b.request.hub_count = 2;
  assert_string_equal(kit_permitted(set, &b), "");
  b.topic[0] = slice_str("alert");
  assert_string_equal(kit_permitted(set, &b), "BF NE NG SN TD CI");
  path[0] = (struct country){"DE"};
  assert_string_equal(kit_permitted(set, &b), "");
  b.topic[0] = slice_str("other");
  b.request.sources = sources;
  b.request.source_count = 1;
  assert_string_equal(kit_permitted(set, &b), "BF SN");
  b.request.source_count = 2;
  assert_string_equal(kit_permitted(set, &b), "BF");
  policy_set_free(set);
}

static void imports_look_at_the_originator(void **state)
{
  (void)state;
  struct kit_bulletin b;
  struct policy_set *set =
      kit_set("ML export allow ** to *", "NG export allow ** to *",
              "SN import allow ** from * up-to RESTRICTED\nimport deny ** from NG when origin agency NG/dss",
              "TD import allow alert.** from LCBC ML max-size 2KiB\nimport deny political.** from *", NULL);
  kit_bulletin(&b, ML, "alert.x", LEVEL_RESTRICTED);
  assert_string_equal(kit_permitted(set, &b), "SN TD");
  b.portion.size = 2049;
  assert_string_equal(kit_permitted(set, &b), "SN");
  kit_bulletin(&b, NG, "alert.x", LEVEL_RESTRICTED);
  assert_string_equal(kit_permitted(set, &b), "SN TD");
  b.request.agency = slice_str("dss");
  assert_string_equal(kit_permitted(set, &b), "TD");
  policy_set_free(set);
}

static void passing_on(void **state)
{
  (void)state;
  struct kit_bulletin b;
  struct memberset allow, ask;
  struct policy_set *set =
      kit_set("ML export allow ** to AES\nexport deny ** to NE\nonward ask for ** to ECOWAS NE\n"
              "onward allow alert.** to AES SN",
              NULL);
  kit_bulletin(&b, ML, "alert", LEVEL_RESTRICTED);
  assert_int_equal(policy_onward(set, &b.request, 0, &allow, &ask), TG_OK);
  assert_string_equal(kit_names(&allow), "BF ML SN");
  assert_string_equal(kit_names(&ask), "NE NG CI GH"); /* NE is denied: only on request */
  b.portion.orcon = true;
  policy_onward(set, &b.request, 0, &allow, &ask);
  assert_string_equal(kit_names(&allow), "");
  assert_string_equal(kit_names(&ask), "BF ML NE NG SN CI GH");
  b.topic[0] = slice_str("report");
  policy_onward(set, &b.request, 0, &allow, &ask);
  assert_string_equal(kit_names(&ask), "NE NG SN CI GH");
  assert_int_equal(policy_onward(set, &b.request, 1, &allow, &ask), TG_BAD_INPUT);
  policy_set_free(set);
}

static void portions_are_decided_each(void **state)
{
  (void)state;
  struct kit_bulletin b;
  struct policy_decision d;
  struct policy_set *set = open_world("ML export allow ** to BF\nexport allow ** to * up-to RESTRICTED");
  kit_bulletin(&b, ML, "alert", LEVEL_RESTRICTED);
  struct policy_portion portions[2] = {b.portion, b.portion};
  portions[1].level = LEVEL_TOP_SECRET;
  b.request.portions = portions;
  b.request.portion_count = 2;
  assert_int_equal(policy_decide(set, &b.request, &d), TG_OK);
  assert_string_equal(kit_names(&d.portions[0].permitted), "BF NE NG SN TD CI");
  assert_string_equal(kit_names(&d.portions[1].permitted), "BF");
  policy_set_free(set);
}

static void malformed_requests_permit_nobody(void **state)
{
  (void)state;
  struct kit_bulletin good, b;
  struct policy_decision d;
  struct policy_set *set = open_world("ML export allow ** to *");
  kit_bulletin(&good, ML, "alert", LEVEL_RESTRICTED);
  for (int i = 0; i < 10; i++) {
    kit_bulletin(&b, ML, "alert", LEVEL_RESTRICTED);
    struct country nowhere = {"s1"};
    memset(&d, 0xff, sizeof d);
    b.request.agency = i == 0 ? slice_str("") : b.request.agency;
    b.portion.level = i == 1 ? 0 : i == 2 ? 6 : b.portion.level;
    b.portion.tlp = i == 3 ? 0 : i == 4 ? 6 : b.portion.tlp;
    b.topic[0] = i == 5 ? slice_str("alert.*") : b.topic[0];
    b.request.topic_count = i == 6 ? 0 : 1;
    b.request.originator = i == 7 ? KIT_MEMBERS : ML;
    b.request.portion_count = i == 8 ? 17 : 1;
    b.request.hubs = &nowhere;
    b.request.hub_count = i == 9;
    assert_int_equal(policy_decide(set, &b.request, &d), TG_BAD_INPUT);
    for (size_t k = 0; k < d.portion_count; k++)
      assert_true(memberset_empty(&d.portions[k].permitted) && memberset_empty(&d.portions[k].unmet));
  }
  assert_string_equal(kit_permitted(set, &good), "BF NE NG SN TD CI");
  policy_set_free(set);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_permitted_unless_both_sides_say_so),
      cmocka_unit_test(charter_first),
      cmocka_unit_test(the_marking_binds),
      cmocka_unit_test(levels_colours_sizes_agencies_and_dates),
      cmocka_unit_test(lists_outside_and_except_and_blocs_as_of_a_date),
      cmocka_unit_test(every_topic_must_be_permitted),
      cmocka_unit_test(obligations_are_owed_and_told),
      cmocka_unit_test(hubs_and_sources),
      cmocka_unit_test(imports_look_at_the_originator),
      cmocka_unit_test(the_first_moment_of_all_is_a_time_too),
      cmocka_unit_test(passing_on),
      cmocka_unit_test(portions_are_decided_each),
      cmocka_unit_test(malformed_requests_permit_nobody),
  };
  if (sodium_init() < 0)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
