/* The machine of many patterns says of every topic what each pattern says by itself. */
#include "policy/pattern.h"
#include "policy/topics.h"
#include "proto/subject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>

static const char *const labels[] = {"a", "b", "c", "x"};

static size_t random_text(bool wild, char out[64])
{
  size_t n = 0, parts = 1 + (size_t)rand() % 5;
  bool any = false;
  for (size_t i = 0; i < parts; i++) {
    int kind = wild ? rand() % 6 : 0;
    const char *part = kind == 5 && !any ? "**" : kind == 4 ? "*" : labels[rand() % 4];
    any = !strcmp(part, "**");
    n += (size_t)snprintf(out + n, 64 - n, "%s%s", i ? "." : "", part);
  }
  return n;
}

static bool accepts(const struct bag *accepted, uint32_t set, uint32_t pattern)
{
  size_t n;
  const uint32_t *list = bag_get(accepted, set, &n);
  bool found = false;
  for (size_t i = 0; i < n && !found; i++)
    found = list[i] == pattern;
  return found;
}

static void machines_agree_with_patterns_alone_and_joined(void **state)
{
  (void)state;
  enum { PATTERNS = 7, MACHINES = 3 };
  srand(20261201);
  for (int round = 0; round < 200; round++) {
    char text[MACHINES][PATTERNS][64];
    struct slice pattern[MACHINES][PATTERNS];
    struct topics t[MACHINES], joint;
    struct bag accepted[MACHINES];
    uint32_t *sets[MACHINES], *parts;
    const struct topics *all[MACHINES];
    for (size_t m = 0; m < MACHINES; m++) {
      for (size_t i = 0; i < PATTERNS; i++) {
        random_text(true, text[m][i]);
        pattern[m][i] = slice_str(text[m][i]);
        assert_true(pattern_valid(pattern[m][i]));
      }
      assert_int_equal(topics_build(pattern[m], PATTERNS, &t[m], &sets[m], &accepted[m]), TG_OK);
      all[m] = &t[m];
    }
    assert_int_equal(topics_join(all, MACHINES, 100000, &joint, &parts), TG_OK);
    for (int i = 0; i < 100; i++) {
      char topic[64];
      random_text(false, topic);
      uint32_t j = topics_walk(&joint, slice_str(topic));
      for (size_t m = 0; m < MACHINES; m++) {
        uint32_t s = topics_walk(&t[m], slice_str(topic));
        assert_int_equal(parts[j * MACHINES + m], s);
        for (uint32_t p = 0; p < PATTERNS; p++)
          if (accepts(&accepted[m], sets[m][s], p) != pattern_matches(pattern[m][p], slice_str(topic)))
            fail_msg("%s %s", text[m][p], topic);
      }
    }
    for (size_t m = 0; m < MACHINES; m++) {
      topics_free(&t[m]);
      bag_free(&accepted[m]);
      free(sets[m]);
    }
    topics_free(&joint);
    free(parts);
  }
}

static void every_example_leads_to_its_state(void **state)
{
  (void)state;
  const struct slice p[] = {slice_str("a.*.c"), slice_str("**.x.**"), slice_str("a.b.c.d.e.f.g.h"),
                            slice_str("x"), slice_str("*.*.*.*.*.*.*.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")};
  struct topics t;
  struct bag accepted;
  uint32_t *sets;
  topic_text *topic;
  size_t reached = 0;
  assert_int_equal(topics_build(p, 5, &t, &sets, &accepted), TG_OK);
  assert_int_equal(topics_examples(&t, &topic), TG_OK);
  for (uint32_t s = 0; s < t.n_states; s++) {
    if (!topic[s][0])
      continue;
    assert_true(topic_valid(slice_str(topic[s])));
    assert_int_equal(topics_walk(&t, slice_str(topic[s])), s);
    reached++;
  }
  assert_true(reached > 15 && !topic[0][0]); /* no topic is empty */
  topics_free(&t);
  bag_free(&accepted);
  free(sets);
  free(topic);
}

static void patterns_have_limits(void **state)
{
  (void)state;
  static const char *const good[] = {
      "a", "*", "**", "a.**", "**.a", "*.*", "**.a.**", "a-b.0", "a.b.c.d.e.f.g.h.**"};
  static const char *const bad[] = {"",
                                    ".",
                                    "a.",
                                    ".a",
                                    "a..b",
                                    "**.**",
                                    "a.**.**.b",
                                    "A",
                                    "a*",
                                    "***",
                                    "-a",
                                    "a-",
                                    "a_b",
                                    "a.b.c.d.e.f.g.h.i",
                                    "*.*.*.*.*.*.*.*.*"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_true(pattern_valid(slice_str(good[i])));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (pattern_valid(slice_str(bad[i])))
      fail_msg("%s", bad[i]);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(machines_agree_with_patterns_alone_and_joined),
      cmocka_unit_test(every_example_leads_to_its_state),
      cmocka_unit_test(patterns_have_limits),
  };
  if (sodium_init() < 0)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
