/* Counting what was logged by time and state: each entry once, and steps that stay readable. The review is made up here. */
#include "client/cli/traffic.h"

#include "audit/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct log {
  size_t n;
  tg_time time[3000];
  bool fails;
} logged;

static unsigned type_of(size_t i)
{
  static const enum entry_type types[] = {ENTRY_ACCEPTED, ENTRY_FORWARDED, ENTRY_RECEIPTS, ENTRY_REFUSED, ENTRY_SESSION_OPENED};
  return types[i % 5];
}

enum tg_err review_marks(struct review *r, tg_time from, tg_time to, review_each_mark *each, void *arg)
{
  (void)r;
  for (size_t i = 0; i < logged.n; i++) {
    struct review_mark m = {.index = i, .time = logged.time[i], .type = type_of(i)};
    snprintf(m.state, sizeof m.state, "%s", i % 3 ? "ML" : i % 2 ? "SN" : "");
    if (m.time >= from && (!to || m.time < to))
      each(arg, &m);
  }
  return logged.fails ? TG_DISK : TG_OK;
}

enum tg_err review_span(struct review *r, tg_time *ret_first, tg_time *ret_last)
{
  (void)r;
  *ret_first = logged.n ? INT64_MAX : 0;
  *ret_last = 0;
  for (size_t i = 0; i < logged.n; i++) {
    *ret_first = logged.time[i] < *ret_first ? logged.time[i] : *ret_first;
    *ret_last = logged.time[i] > *ret_last ? logged.time[i] : *ret_last;
  }
  return TG_OK;
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

static json_t *line_of(const char *step)
{
  json_t *line = NULL;
  assert_int_equal(traffic_timeline(NULL, step, &line), TG_OK);
  return line;
}

static void every_entry_is_counted_once(void **unused)
{
  (void)unused;
  log_more(53, 0); /* all at one moment */
  log_more(29, TG_SECOND);
  logged.time[logged.n] = logged.time[0] - 3 * TG_HOUR; /* the clock was set back */
  logged.n++;
  json_t *line = line_of("hour");
  assert_int_equal(sum(json_object_get(line, "accepted")), 17);
  assert_int_equal(sum(json_object_get(line, "refused")), 16);
  assert_int_equal(sum(json_object_get(line, "receipts")), 17);
  assert_int_equal(sum(json_object_get(line, "other")), 33);
  assert_int_equal(json_integer_value(json_array_get(json_object_get(line, "receipts"), 0)), 1);
  assert_int_equal(json_array_size(json_object_get(line, "times")), 4);
  json_decref(line);
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
    begin(NULL);
    log_more(2000, cases[i].apart);
    json_t *line = line_of(cases[i].wanted);
    assert_string_equal(json_string_value(json_object_get(line, "step")), cases[i].step);
    assert_int_equal(json_array_size(json_object_get(line, "times")), json_array_size(json_object_get(line, "other")));
    assert_int_equal(sum(json_object_get(line, "accepted")), 400);
    json_decref(line);
  }
}

static void days_and_states(void **unused)
{
  (void)unused;
  json_t *days = NULL;
  log_more(1, 0);
  log_more(29, TG_HOUR);
  logged.time[29] = logged.time[0] - TG_DAY; /* the clock was set back */
  assert_int_equal(traffic_days(NULL, 0, 0, &days), TG_OK);
  assert_int_equal(json_array_size(days), 3);
  const json_t *first = json_array_get(days, 1);
  assert_string_equal(json_string_value(json_object_get(first, "day")), "1970-01-02");
  assert_int_equal(json_integer_value(json_object_get(json_object_get(first, "accepted"), "ML")), 3);
  assert_int_equal(json_integer_value(json_object_get(json_object_get(first, "accepted"), "SN")), 1);
  assert_int_equal(json_object_size(json_object_get(json_array_get(days, 0), "accepted")), 0); /* the thirtieth opened a session */
  json_decref(days);
  assert_int_equal(traffic_days(NULL, logged.time[1], logged.time[6], &days), TG_OK);
  assert_int_equal(json_array_size(days), 1);
  assert_int_equal(json_integer_value(json_object_get(json_object_get(json_array_get(days, 0), "accepted"), "ML")), 1);
  json_decref(days);
}

static void nothing_and_failure(void **unused)
{
  (void)unused;
  json_t *line = line_of(NULL), *days = NULL;
  assert_int_equal(traffic_days(NULL, 0, 0, &days), TG_OK);
  assert_int_equal(json_array_size(json_object_get(line, "times")), 0);
  assert_int_equal(json_array_size(days), 0);
  json_decref(line);
  json_decref(days);
  logged.fails = true;
  assert_int_equal(traffic_timeline(NULL, NULL, &line), TG_DISK);
  assert_int_equal(traffic_days(NULL, 0, 0, &days), TG_DISK);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(every_entry_is_counted_once, begin), cmocka_unit_test_setup(steps_stay_readable, begin),
      cmocka_unit_test_setup(days_and_states, begin), cmocka_unit_test_setup(nothing_and_failure, begin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
