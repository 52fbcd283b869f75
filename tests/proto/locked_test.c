/* Guarded memory that is used again: empty when taken, wiped when given back, and no more of it kept than said. */
#include "proto/locked.h"

#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { SIZE = 1000, MANY = LOCKED_KEPT + 8 };

static void test_empty_when_taken(void **state)
{
  static struct locked_shelf shelf = {.size = SIZE};
  (void)state;
  uint8_t *p = locked_take(&shelf);
  assert_non_null(p);
  assert_true(sodium_is_zero(p, SIZE));
  memset(p, 'S', SIZE);
  locked_give(&shelf, p);
  uint8_t *again = locked_take(&shelf);
  assert_ptr_equal(again, p); /* the same pages … */
  assert_true(sodium_is_zero(again, SIZE)); /* … without what was on them */
  locked_give(&shelf, again);
  locked_give(&shelf, NULL);
}

static void test_only_so_many_are_kept(void **state)
{
  static struct locked_shelf shelf = {.size = SIZE};
  void *p[MANY];
  (void)state;
  for (size_t i = 0; i < MANY; i++) {
    p[i] = locked_take(&shelf);
    assert_non_null(p[i]);
    for (size_t j = 0; j < i; j++)
      assert_ptr_not_equal(p[i], p[j]);
    memset(p[i], 1, SIZE);
  }
  for (size_t i = 0; i < MANY; i++)
    locked_give(&shelf, p[i]);
  size_t kept = 0;
  for (size_t i = 0; i < LOCKED_KEPT; i++)
    kept += shelf.kept[i] != NULL;
  assert_int_equal(kept, LOCKED_KEPT);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_empty_when_taken),
      cmocka_unit_test(test_only_so_many_are_kept),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
