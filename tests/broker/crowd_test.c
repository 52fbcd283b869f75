/* Who gives way. */
#include "broker/front/crowd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct crowd_one one(int *who, uint8_t group, int64_t since) { return (struct crowd_one){.who = who, .since = since, .group = {{group}}}; }

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

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(of_nobody_nobody_gives_way),
      cmocka_unit_test(the_oldest_of_the_largest_group_gives_way),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
