/* The process's own random generator: no byte twice, not after a fork, not from another thread, not after the clock's tick. */
#include "os/random.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { BLOCK = 16, LARGE = 3 << 20 };

static int order(const void *a, const void *b) { return memcmp(a, b, BLOCK); }

static void expect_no_block_twice(uint8_t *bytes, size_t n)
{
  qsort(bytes, n / BLOCK, BLOCK, order);
  for (size_t i = BLOCK; i < n; i += BLOCK)
    assert_memory_not_equal(bytes + i, bytes + i - BLOCK, BLOCK);
}

static void test_it_is_in_use(void **state)
{
  (void)state;
  assert_string_equal(randombytes_implementation_name(), "toguna");
}

static void test_large_and_small_never_repeat(void **state)
{
  (void)state;
  uint8_t *bytes = malloc(LARGE);
  assert_non_null(bytes);
  randombytes_buf(bytes, LARGE / 2); /* beyond what one key gives */
  for (size_t at = LARGE / 2; at < LARGE; at += BLOCK)
    randombytes_buf(bytes + at, BLOCK);
  expect_no_block_twice(bytes, LARGE);
  free(bytes);
}

/* Half of all bits are set, within what chance allows ten standard deviations. */
static void test_bits_are_even(void **state)
{
  (void)state;
  uint32_t set = 0;
  for (size_t i = 0; i < 100000; i++)
    set += (uint32_t)__builtin_popcount(randombytes_random());
  assert_in_range(set, 1600000 - 8950, 1600000 + 8950);
  for (uint32_t i = 1; i < 1000; i++)
    assert_true(randombytes_uniform(i) < i);
}

static void test_a_child_says_something_else(void **state)
{
  (void)state;
  uint8_t both[4 * BLOCK], warm[BLOCK];
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  randombytes_buf(warm, sizeof warm); /* bytes lie ready */
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    randombytes_buf(both, 2 * BLOCK);
    _exit(write(ends[1], both, 2 * BLOCK) == 2 * BLOCK ? 0 : 1);
  }
  randombytes_buf(both, 2 * BLOCK);
  assert_int_equal(read(ends[0], both + 2 * BLOCK, 2 * BLOCK), 2 * BLOCK);
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  close(ends[0]);
  close(ends[1]);
  expect_no_block_twice(both, sizeof both);
}

static void *draw(void *to)
{
  for (size_t at = 0; at < LARGE / 8; at += BLOCK)
    randombytes_buf((uint8_t *)to + at, BLOCK);
  return NULL;
}

static void test_threads_say_different_things(void **state)
{
  (void)state;
  pthread_t threads[4];
  uint8_t *bytes = malloc(LARGE / 2);
  assert_non_null(bytes);
  for (size_t i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, draw, bytes + i * (LARGE / 8)), 0);
  for (size_t i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
  expect_no_block_twice(bytes, LARGE / 2);
  free(bytes);
}

/* libzmq closes the generator when its last context goes. */
static void test_it_goes_on_after_close(void **state)
{
  (void)state;
  uint8_t bytes[2 * BLOCK] = {0};
  assert_int_equal(randombytes_close(), 0);
  randombytes_buf(bytes, BLOCK);
  randombytes_stir();
  randombytes_buf(bytes + BLOCK, BLOCK);
  assert_false(sodium_is_zero(bytes, BLOCK));
  assert_memory_not_equal(bytes, bytes + BLOCK, BLOCK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_it_is_in_use),
      cmocka_unit_test(test_large_and_small_never_repeat),
      cmocka_unit_test(test_bits_are_even),
      cmocka_unit_test(test_a_child_says_something_else),
      cmocka_unit_test(test_threads_say_different_things),
      cmocka_unit_test(test_it_goes_on_after_close),
  };
  random_use();
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
