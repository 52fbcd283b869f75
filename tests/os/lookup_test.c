#include "kit.h"
#include "os/lookup.h"

struct answer {
  struct lookup *asked;
  unsigned times;
  size_t n;
  struct lookup_address first;
};

static void on_found(void *arg, const struct lookup_address *found, size_t n)
{
  struct answer *a = arg;
  a->times++;
  a->n = n;
  if (n)
    a->first = found[0];
  lookup_free(&a->asked);
}

static struct endpoint endpoint(const char *text)
{
  struct endpoint e;
  assert_int_equal(endpoint_read(slice_str(text), &e), TG_OK);
  return e;
}

static void a_name_is_found_and_the_loop_goes_on(void **state)
{
  (void)state;
  struct loop *l = loop_new();
  struct answer a = {.times = 0}, none = {.times = 0};
  const struct endpoint here = endpoint("tcp://localhost:7700"), nowhere = endpoint("tcp://no such host:7700");
  a.asked = lookup_new(l, &here, on_found, &a);
  none.asked = lookup_new(l, &nowhere, on_found, &none);
  assert_true(a.asked && none.asked);
  KIT_UNTIL(l, a.times && none.times);
  assert_true(a.n > 0 && a.times == 1);
  assert_int_equal(none.n, 0);
  struct lookup_address number;
  const struct endpoint four = endpoint("tcp://127.0.0.1:7700"), six = endpoint("tcp://[::1]:7700");
  assert_int_equal(lookup_number(&four, false, &number), 1);
  if (!lookup_same(&a.first.at, &number.at, true)) {
    assert_int_equal(lookup_number(&six, false, &number), 1);
    assert_true(lookup_same(&a.first.at, &number.at, true));
  }
  assert_int_equal(lookup_number(&here, false, &number), 0); /* that is no number */
  loop_free(l);
}

/* The thread is on its own then; the sanitizers see whether anything is freed under it. */
static void who_asks_may_go(void **state)
{
  (void)state;
  struct loop *l = loop_new();
  struct answer a = {.times = 0}, last = {.times = 0};
  const struct endpoint here = endpoint("tcp://localhost:7700");
  for (unsigned i = 0; i < 20; i++) {
    a.asked = lookup_new(l, &here, on_found, &a);
    assert_non_null(a.asked);
    lookup_free(&a.asked);
  }
  last.asked = lookup_new(l, &here, on_found, &last);
  KIT_UNTIL(l, last.times);
  assert_int_equal(a.times, 0);
  loop_free(l);
}

static void addresses_are_compared(void **state)
{
  (void)state;
  static const struct {
    const char *a, *b;
    bool same, same_host;
  } pairs[] = {{"tcp://10.0.0.1:7", "tcp://10.0.0.1:7", true, true},
               {"tcp://10.0.0.1:7", "tcp://[::ffff:10.0.0.1]:7", true, true},
               {"tcp://10.0.0.1:7", "tcp://10.0.0.1:8", false, true},
               {"tcp://10.0.0.1:7", "tcp://10.0.0.2:7", false, false},
               {"tcp://[2001:db8::1]:7", "tcp://[2001:db8::1]:7", true, true},
               {"tcp://[2001:db8::1]:7", "tcp://[2001:db8::2]:7", false, false}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    struct lookup_address a, b;
    const struct endpoint x = endpoint(pairs[i].a), y = endpoint(pairs[i].b);
    assert_int_equal(lookup_number(&x, true, &a), 1);
    assert_int_equal(lookup_number(&y, true, &b), 1);
    assert_int_equal(lookup_same(&a.at, &b.at, true), pairs[i].same);
    assert_int_equal(lookup_same(&a.at, &b.at, false), pairs[i].same_host);
  }
}

static bool is_one(const char *a, const char *b, unsigned bits)
{
  struct lookup_address x, y;
  const struct endpoint e = endpoint(a), f = endpoint(b);
  assert_int_equal(lookup_number(&e, true, &x), 1);
  assert_int_equal(lookup_number(&f, true, &y), 1);
  const struct lookup_net m = lookup_net(&x.at, bits), n = lookup_net(&y.at, bits);
  return memcmp(&m, &n, sizeof m) == 0;
}

/* Who has a network has all addresses in it; one of IPv4 is somebody. */
static void whoever_chooses_the_rest_is_one(void **state)
{
  (void)state;
  assert_true(is_one("tcp://[2001:db8:1:2::1]:7", "tcp://[2001:db8:1:2:ffff::1]:9", 64));
  assert_false(is_one("tcp://[2001:db8:1:2::1]:7", "tcp://[2001:db8:1:3::1]:7", 64));
  assert_true(is_one("tcp://[2001:db8:1:2::1]:7", "tcp://[2001:db8:1:3::1]:7", 63));
  assert_true(is_one("tcp://[2001:db8:1:2::1]:7", "tcp://[2001:db8:1:ffff::1]:7", 48));
  assert_false(is_one("tcp://[2001:db8:1:2::1]:7", "tcp://[2001:db8:2:2::1]:7", 48));
  assert_true(is_one("tcp://10.0.0.1:7", "tcp://[::ffff:10.0.0.1]:8", 48));
  assert_false(is_one("tcp://10.0.0.1:7", "tcp://10.0.0.2:7", 48));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_name_is_found_and_the_loop_goes_on),
      cmocka_unit_test(who_asks_may_go),
      cmocka_unit_test(addresses_are_compared),
      cmocka_unit_test(whoever_chooses_the_rest_is_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
