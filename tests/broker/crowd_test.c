/* Who gives way. */
#include "broker/front/crowd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct crowd_one one(int *who, uint8_t group, int64_t since) { return (struct crowd_one){.who = who, .since = since, .weight = 1, .group = {{group}}}; }

static void of_nobody_nobody_gives_way(void **state)
{
  (void)state;
  assert_null(crowd_gives_way(NULL, 0));
}

static void the_oldest_of_the_largest_group_gives_way(void **state)
{
  (void)state;
  int a, b, c, d;
  const struct crowd_one all[] = {one(&a, 1, 5), one(&b, 2, 9), one(&c, 2, 7), one(&d, 2, 8)};
  assert_ptr_equal(crowd_gives_way(all, 4), &c);
  assert_ptr_equal(crowd_gives_way(all, 2), &a);     /* of groups alike, the oldest of all */
  assert_ptr_equal(crowd_gives_way(all + 1, 1), &b);
}

static struct crowd_one holds(int *who, uint8_t group, size_t weight) { return (struct crowd_one){.who = who, .weight = weight, .group = {{group}}}; }

static void the_heaviest_of_the_heaviest_group_gives_way(void **state)
{
  (void)state;
  int a, b, c, d;
  const struct crowd_one all[] = {holds(&a, 1, 50), holds(&b, 2, 20), holds(&c, 2, 30), holds(&d, 2, 10)};
  assert_ptr_equal(crowd_gives_way(all, 4), &c);
  assert_ptr_equal(crowd_gives_way(all, 2), &a);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(of_nobody_nobody_gives_way),
      cmocka_unit_test(the_oldest_of_the_largest_group_gives_way),
      cmocka_unit_test(the_heaviest_of_the_heaviest_group_gives_way),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
