/* Tables of expectations: whatever the text, reading gives an answer with every problem in order; and every line of a good
   table can be asked. */
#include "policy/expectations.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask_all(const struct expectations *t, const struct policy_world *world)
{
  struct policy_set *set;
  assert(!policy_set_new(world, 1, &set));
  for (size_t i = 0; i < t->n; i++)
    for (unsigned m = memberset_next(&t->list[i].to, 0); m < MEMBERS_MAX; m = memberset_next(&t->list[i].to, m + 1)) {
      bool met;
      struct policy_reason reason;
      assert(!expectation_ask(t, &t->list[i], set, (struct country){"ML"}, 1, m, &met, &reason));
      assert(reason.stage != POLICY_PERMITTED); /* nobody has a policy */
    }
  policy_set_free(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const struct policy_member members[] = {{{"ML"}, true, true, true, 5}, {{"NG"}, true, true, true, 3}};
  static const struct policy_bloc blocs[] = {{"AES", 0, true, {{1}}}};
  static const struct policy_agency agencies[] = {{0, "dgse"}};
  const struct policy_world world = {.at = 1,
                                     .member_count = 2,
                                     .members = members,
                                     .bloc_count = 1,
                                     .blocs = blocs,
                                     .agency_count = 1,
                                     .agencies = agencies,
                                     .suite_count = 1,
                                     .suites = {1}};
  struct expectations *t;
  struct problems problems = {0};
  struct buf shown = buf_new(1 << 20);
  enum tg_err err = expectations_parse(slice_of(data, size), "table", &world, &t, &problems, NULL);
  assert((err != TG_OK) == problems.errors);
  for (size_t i = 0; i < problems.n; i++) {
    assert(!i || problems.list[i - 1].line <= problems.list[i].line);
    problem_show(&problems.list[i], slice_of(data, size), NULL, &shown);
  }
  if (!err) {
    ask_all(t, &world);
    expectations_free(t);
  }
  problems_free(&problems);
  buf_free(&shown);
  return 0;
}
