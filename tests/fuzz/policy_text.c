/* Policies: whatever the text, parsing gives an answer with every problem in order; what parses prints,
   parses to the same and prints the same; and problems can be shown. */
#include "policy/policy.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_problems(const struct problems *problems, struct slice text)
{
  struct buf shown = buf_new(1 << 20);
  for (size_t i = 0; i < problems->n; i++) {
    assert(!i || problems->list[i - 1].line <= problems->list[i].line);
    problem_show(&problems->list[i], text, NULL, &shown);
  }
  buf_free(&shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const struct policy_member members[] = {{{"ML"}, true, true, true, 5},
                                                 {{"NG"}, true, true, true, 3}};
  static const struct policy_bloc blocs[] = {{"AES", 0, true, {{1}}}};
  static const struct policy_agency agencies[] = {{0, "dgse"}};
  const struct policy_world world = {.at = 1,
                                     .member_count = 2,
                                     .members = members,
                                     .bloc_count = 1,
                                     .blocs = blocs,
                                     .agency_count = 1,
                                     .agencies = agencies};
  for (int known = 0; known < 2; known++) {
    struct policy *p, *again;
    struct problems problems = {0};
    struct buf once = buf_new(1 << 20), twice = buf_new(1 << 20);
    enum tg_err err = policy_parse(slice_of(data, size), "text", known ? &world : NULL, &p, &problems, NULL);
    assert((err != TG_OK) == problems.errors);
    check_problems(&problems, slice_of(data, size));
    if (!err) {
      policy_print(p, &once);
      assert(!policy_parse(buf_slice(&once), "printed", known ? &world : NULL, &again, NULL, NULL));
      policy_print(again, &twice);
      assert(slice_eq(buf_slice(&once), buf_slice(&twice)) && policy_rules(p) == policy_rules(again));
      policy_free(again);
      policy_free(p);
    }
    problems_free(&problems);
    buf_free(&once);
    buf_free(&twice);
  }
  return 0;
}
