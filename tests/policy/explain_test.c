/* The reason for each stage, and how much of it each party hears. */
#include "kit.h"

#include "policy/explain.h"

#include <sodium.h>

static struct policy_set *story(void)
{
  return kit_set("ML export allow alert.** to AES NG\n" /* line 5 */
                 "export deny alert.** to NG when origin agency ML/dgse\n"
                 "export require approvals 2 by release for SECRET and above\n"
                 "transit deny hub-in SN for alert.secret.**\n"
                 "label \"SD\" is SECRET",
                 "BF import allow ** from ML\nimport deny alert.noise from *", /* lines 5, 6 */
                 "NG import allow ** from *", NULL);
}

static void expect(const struct policy_set *set, const struct kit_bulletin *b, unsigned member, int asked_by,
                   enum policy_stage stage, const char *sentence)
{
  struct policy_reason r;
  char text[512];
  assert_int_equal(policy_explain(set, &b->request, 0, member, asked_by, &r), TG_OK);
  assert_int_equal(r.stage, stage);
  assert_int_equal(r.why.err, stage == POLICY_PERMITTED ? TG_OK : TG_REFUSED);
  why_render(&r.why, NULL, text, sizeof text);
  assert_string_equal(text, sentence);
}

static void expect_nothing(const struct policy_set *set, const struct kit_bulletin *b, unsigned member,
                           int asked_by)
{
  struct policy_reason r;
  assert_int_equal(policy_explain(set, &b->request, 0, member, asked_by, &r), TG_NOT_FOUND);
}

static void each_stage_has_its_sentence(void **state)
{
  (void)state;
  struct policy_set *set = story();
  struct kit_bulletin b;
  kit_bulletin(&b, ML, "alert.x", LEVEL_RESTRICTED);
  expect(set, &b, BF, -1, POLICY_PERMITTED,
         "test.policy:5: ML tells this to BF, which accepts it by test.policy:5");
  expect(set, &b, NG, -1, POLICY_EXPORT, "test.policy:6: ML does not tell this to NG");
  expect(set, &b, SN, -1, POLICY_EXPORT, "no rule of ML allows telling this to SN");
  expect(set, &b, NE, -1, POLICY_IMPORT, "NE has no policy in force, which accepts nothing. Publish one");
  expect(set, &b, GH, -1, POLICY_CHARTER, "GH may not receive this under the charter in force");
  b.portion.level = LEVEL_SECRET;
  expect(set, &b, NG, -1, POLICY_CHARTER,
         "SECRET is above the highest level that the charter lets NG receive");
  expect(set, &b, BF, -1, POLICY_OBLIGATION,
         "test.policy:7: telling this to BF takes 2 approvals by release officers, of which there are 0. Ask "
         "the officers "
         "to approve it");
  b.request.approvals = 2;
  b.topic[0] = slice_str("alert.secret");
  b.request.hubs = &(struct country){"SN"};
  b.request.hub_count = 1;
  expect(set, &b, BF, -1, POLICY_TRANSIT,
         "test.policy:8: ML does not let this pass through the hub's country");
  b.request.hub_count = 0;
  b.topic[0] = slice_str("alert.noise");
  expect(set, &b, BF, -1, POLICY_IMPORT, "test.policy:6: BF does not accept this from ML");
  b.topic[0] = slice_str("alert");
  struct policy_source source = {.release = kit_members("NE")};
  b.request.sources = &source;
  b.request.source_count = 1;
  expect(set, &b, BF, -1, POLICY_SOURCES,
         "a bulletin that this one derives from was not released to BF. Ask its originator for release");
  b.request.time = b.request.expires;
  expect(set, &b, BF, -1, POLICY_MARKING, "the bulletin has expired");
  b.request.time = KIT_NOW;
  b.portion.label = slice_str("TSD");
  expect(set, &b, BF, -1, POLICY_MARKING,
         "the policy of ML in force does not say which level the label \"TSD\" stands for. Add a line such "
         "as: label "
         "\"TSD\" is SECRET");
  b.portion.label = slice_str("");
  b.portion.release = kit_members("NE");
  expect(set, &b, BF, -1, POLICY_MARKING, "BF is not on the release list");
  kit_bulletin(&b, SN, "alert", LEVEL_RESTRICTED);
  expect(set, &b, BF, -1, POLICY_EXPORT, "SN has no policy in force, which permits nothing. Publish one");
  policy_set_free(set);
}

static void the_originator_hears_no_foreign_rule(void **state)
{
  (void)state;
  struct policy_set *set = story();
  struct policy_reason r;
  struct kit_bulletin b;
  kit_bulletin(&b, ML, "alert.x", LEVEL_RESTRICTED);
  expect(set, &b, BF, ML, POLICY_PERMITTED, "test.policy:5: ML tells this to BF, which accepts it");
  expect(set, &b, NG, ML, POLICY_EXPORT, "test.policy:6: ML does not tell this to NG");
  expect(set, &b, NE, ML, POLICY_IMPORT, "refused by the recipient, NE");
  b.topic[0] = slice_str("alert.noise");
  expect(set, &b, BF, ML, POLICY_IMPORT, "refused by the recipient, BF"); /* the same words, rule or none */
  assert_int_equal(policy_explain(set, &b.request, 0, BF, ML, &r), TG_OK);
  assert_null(r.policy);
  assert_int_equal(r.line, 0);
  policy_set_free(set);
}

static void a_recipient_hears_of_itself_and_nothing_else(void **state)
{
  (void)state;
  struct policy_set *set = story();
  struct kit_bulletin b;
  kit_bulletin(&b, ML, "alert.x", LEVEL_RESTRICTED);
  expect(set, &b, BF, BF, POLICY_PERMITTED, "test.policy:5: BF accepts this from ML");
  expect_nothing(set, &b, NG, NG); /* kept out by the originator */
  expect_nothing(set, &b, SN, SN);
  expect_nothing(set, &b, BF, NE); /* not its business */
  expect_nothing(set, &b, BF, 200);
  b.topic[0] = slice_str("alert.noise");
  expect(set, &b, BF, BF, POLICY_IMPORT, "test.policy:6: BF does not accept this from ML");
  struct policy_source source = {.release = kit_members("NE")};
  b.request.sources = &source;
  b.request.source_count = 1;
  expect_nothing(set, &b, BF, BF); /* it derives from what BF may not know: not even its own refusal tells so */
  b.request.source_count = 0;
  b.portion.level = LEVEL_SECRET;
  expect_nothing(set, &b, BF, BF); /* approvals lack: it was never sent */
  b.portion.level = 9;
  struct policy_reason r;
  assert_int_equal(policy_explain(set, &b.request, 0, BF, -1, &r), TG_BAD_INPUT);
  policy_set_free(set);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_stage_has_its_sentence),
      cmocka_unit_test(the_originator_hears_no_foreign_rule),
      cmocka_unit_test(a_recipient_hears_of_itself_and_nothing_else),
  };
  if (sodium_init() < 0)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
