/* Counting what was logged by time and state: pages that follow each other, taking up where one ended, and steps that
   stay readable. The review is made up here. */
#include "client/cli/traffic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { PAGE = 7 };

static struct log {
  size_t n;
  tg_time time[3000];
  bool fails;
} logged;

static const char *type_of(size_t i)
{
  static const char *const types[] = {"accepted", "forwarded", "receipts", "refused", "session-opened"};
  return types[i % 5];
}

enum tg_err review_entries(struct review *r, const struct review_filter *f, uint64_t cursor, unsigned limit, json_t **ret, struct tg_why *why)
{
  json_t *entries = json_array(), *next = json_null();
  (void)r;
  (void)limit;
  assert_true(f->oldest_first);
  for (size_t i = (size_t)cursor; i < logged.n; i++) {
    if (logged.time[i] < f->from || (f->to && logged.time[i] >= f->to))
      continue;
    if (json_array_size(entries) == PAGE) {
      next = json_integer((json_int_t)i);
      break;
    }
    json_array_append_new(entries, json_pack("{s:I,s:I,s:s,s:s?}", "index", (json_int_t)i, "time_ms", (json_int_t)logged.time[i], "type",
                                             type_of(i), "state", i % 3 ? "ML" : i % 2 ? "SN" : NULL));
  }
  *ret = json_pack("{s:o,s:o}", "entries", entries, "next", next);
  return logged.fails ? why_set(why, TG_DISK, NULL, N_("out of memory"), NULL, NULL, NULL, NULL) : TG_OK;
}

static void log_more(size_t n, tg_time step)
{
  for (; n > 0; n--, logged.n++)
    logged.time[logged.n] = logged.n ? logged.time[logged.n - 1] + step : TG_DAY + TG_HOUR;
}

static int begin(void **unused)
{
  (void)unused;
  memset(&logged, 0, sizeof logged);
  return 0;
}

static json_int_t sum(const json_t *values)
{
  json_int_t n = 0;
  for (size_t i = 0; i < json_array_size(values); i++)
    n += json_integer_value(json_array_get(values, i));
  return n;
}

static void every_entry_is_counted_once(void **unused)
{
  (void)unused;
  struct traffic t = {.n = 0};
  log_more(50, 0); /* all at one moment */
  assert_int_equal(traffic_take(&t, NULL, NULL), TG_OK);
  assert_int_equal(t.n, 50);
  assert_int_equal(traffic_take(&t, NULL, NULL), TG_OK);
  assert_int_equal(t.n, 50);
  log_more(3, 0);
  log_more(30, TG_SECOND);
  assert_int_equal(traffic_take(&t, NULL, NULL), TG_OK);
  assert_int_equal(t.n, 83);
  json_t *line = traffic_timeline(&t, "hour");
  assert_int_equal(sum(json_object_get(line, "accepted")), 17);
  assert_int_equal(sum(json_object_get(line, "refused")), 16);
  assert_int_equal(sum(json_object_get(line, "receipts")), 17);
  assert_int_equal(sum(json_object_get(line, "other")), 33);
  json_decref(line);
  traffic_free(&t);
}

static void only_a_time(void **unused)
{
  (void)unused;
  log_more(100, TG_MINUTE);
  struct traffic t = {.from = logged.time[10], .to = logged.time[20]};
  assert_int_equal(traffic_take(&t, NULL, NULL), TG_OK);
  assert_int_equal(t.n, 10);
  traffic_free(&t);
}

static void steps_stay_readable(void **unused)
{
  (void)unused;
  static const struct {
    tg_time apart;
    const char *wanted, *step;
  } cases[] = {{TG_SECOND, NULL, "minute"}, {10 * TG_MINUTE, NULL, "hour"}, {TG_HOUR, NULL, "day"}, {TG_HOUR, "hour", "hour"},
               {TG_DAY, "nonsense", "week"}, {TG_HOUR, "minute", "hour"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct traffic t = {.n = 0};
    begin(NULL);
    log_more(2000, cases[i].apart);
    assert_int_equal(traffic_take(&t, NULL, NULL), TG_OK);
    json_t *line = traffic_timeline(&t, cases[i].wanted);
    assert_string_equal(json_string_value(json_object_get(line, "step")), cases[i].step);
    assert_int_equal(json_array_size(json_object_get(line, "times")), json_array_size(json_object_get(line, "other")));
    assert_int_equal(sum(json_object_get(line, "accepted")), 400);
    json_decref(line);
    traffic_free(&t);
  }
}

static void days_and_states(void **unused)
{
  (void)unused;
  struct traffic t = {.n = 0};
  log_more(1, 0);
  log_more(29, TG_HOUR);
  assert_int_equal(traffic_take(&t, NULL, NULL), TG_OK);
  json_t *days = traffic_days(&t);
  assert_int_equal(json_array_size(days), 2);
  const json_t *first = json_array_get(days, 0);
  assert_string_equal(json_string_value(json_object_get(first, "day")), "1970-01-02");
  assert_int_equal(json_integer_value(json_object_get(json_object_get(first, "accepted"), "ML")), 3);
  assert_int_equal(json_integer_value(json_object_get(json_object_get(first, "accepted"), "SN")), 1);
  json_decref(days);
  traffic_free(&t);
}

static void nothing_and_failure(void **unused)
{
  (void)unused;
  struct traffic t = {.n = 0};
  assert_int_equal(traffic_take(&t, NULL, NULL), TG_OK);
  json_t *line = traffic_timeline(&t, NULL), *days = traffic_days(&t);
  assert_int_equal(json_array_size(json_object_get(line, "times")), 0);
  assert_int_equal(json_array_size(days), 0);
  json_decref(line);
  json_decref(days);
  logged.fails = true;
  assert_int_equal(traffic_take(&t, NULL, NULL), TG_DISK);
  traffic_free(&t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(every_entry_is_counted_once, begin), cmocka_unit_test_setup(only_a_time, begin),
      cmocka_unit_test_setup(steps_stay_readable, begin),         cmocka_unit_test_setup(days_and_states, begin),
      cmocka_unit_test_setup(nothing_and_failure, begin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
