/* The auditor's report: what figures become, whatever stands in them. */
#include "client/report/plot.h"
#include "client/report/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static json_t *figures(void)
{
  json_error_t error;
  json_t *f = json_loads(
      "{\"log\":\"sahel.example/dakar-log\",\"size\":567,\"root\":\"e1f6\",\"settled\":true,\"place\":\"copy\",\"made\":\"2026-12-01T00:00:00Z\","
      "\"from\":null,\"to\":null,\"states\":[\"ML\",\"SN\",\"TD\"],\"names\":{\"ML\":\"Mali\",\"SN\":\"<Sénégal & \\\"co\\\">\",\"TD\":\"Tchad\"},"
      "\"days\":[{\"day\":\"2026-11-28\",\"accepted\":{\"ML\":12,\"SN\":3},\"refused\":{\"TD\":1},\"receipts\":{\"SN\":12}},"
      "{\"day\":\"2026-11-29\",\"accepted\":{\"SN\":7},\"refused\":{},\"receipts\":{\"ML\":6}}],"
      "\"refusals\":[{\"reason\":\"audience\",\"sentence\":\"nobody may\",\"count\":1}],"
      "\"denials\":[{\"stage\":\"export\",\"sentence\":\"=cmd()\",\"count\":4}],"
      "\"latency\":[{\"precedence\":\"flash\",\"count\":9,\"open\":1,\"p50_ms\":12,\"p90_ms\":60,\"p99_ms\":900,\"max_ms\":1000},"
      "{\"precedence\":\"routine\",\"count\":0,\"open\":0,\"p50_ms\":0,\"p90_ms\":0,\"p99_ms\":0,\"max_ms\":0}],"
      "\"pairs\":[{\"from\":\"ML\",\"to\":\"SN\",\"given\":12,\"stored\":11,\"read\":4,\"denied\":0},"
      "{\"from\":\"SN\",\"to\":\"ML\",\"given\":7,\"stored\":6,\"read\":6,\"denied\":0}]}",
      0, &error);
  if (!f)
    fail_msg("%s", error.text);
  return f;
}

static char *page_of(const json_t *f)
{
  struct buf out = buf_new(REPORT_BYTES_MAX);
  assert_int_equal(report_page(f, &out), TG_OK);
  char *text = slice_dup(buf_slice(&out));
  buf_free(&out);
  return text;
}

static void says(const char *text, const char *what)
{
  if (!strstr(text, what))
    fail_msg("lacks: %s\n%s", what, text);
}

static void the_page_says_what_the_figures_say(void **unused)
{
  (void)unused;
  json_t *f = figures();
  char *page = page_of(f);
  says(page, "sahel.example/dakar-log");
  says(page, "<title>2026-11-28, Mali: 12</title>");
  says(page, "ML 12 &nbsp; SN 3");
  says(page, "50 %: 12 ms, 90 %: 60 ms, 99 %: 900 ms");
  says(page, "<td>Mali</td>\n<td class=\"words\">&lt;S");
  says(page, "<td>11</td><td>6</td>");
  free(page);
  json_decref(f);
}

/* It is read by people who trust it: nothing in it is fetched or run, and no name becomes markup. */
static void the_page_stands_alone(void **unused)
{
  (void)unused;
  json_t *f = figures();
  char *page = page_of(f);
  static const char *const never[] = {"<script", "http:", "https:", "src=", "href=", "url(", "@import", "<Sénégal", "onload"};
  for (size_t i = 0; i < sizeof never / sizeof *never; i++)
    if (strstr(page, never[i]))
      fail_msg("has: %s", never[i]);
  says(page, "default-src 'none'");
  says(page, "&lt;Sénégal &amp; &quot;co&quot;&gt;");
  free(page);
  json_decref(f);
}

static void the_table_has_a_row_for_each_figure(void **unused)
{
  (void)unused;
  json_t *f = figures();
  struct buf out = buf_new(REPORT_BYTES_MAX);
  assert_int_equal(report_csv(f, &out), TG_OK);
  char *text = slice_dup(buf_slice(&out));
  says(text, "table,day,state,other,measure,value\r\n");
  says(text, "traffic,2026-11-28,ML,,accepted,12\r\n");
  says(text, "latency,,flash,,p99_ms,900\r\n");
  says(text, "pairs,,ML,SN,stored,11\r\n");
  assert_null(strstr(text, "\n="));
  json_array_append_new(json_object_get(f, "refusals"), json_pack("{s:s,s:i}", "reason", "=1+1,\"x\"", "count", 2));
  buf_clear(&out);
  assert_int_equal(report_csv(f, &out), TG_OK);
  free(text);
  text = slice_dup(buf_slice(&out));
  says(text, "refusals,,\"'=1+1,\"\"x\"\"\",,count,2\r\n");
  free(text);
  buf_free(&out);
  json_decref(f);
}

static void nothing_and_nonsense(void **unused)
{
  (void)unused;
  struct buf out = buf_new(REPORT_BYTES_MAX);
  json_t *empty = json_loads("{\"states\":[],\"days\":[]}", 0, NULL), *odd = json_loads(
      "{\"states\":[\"ML\",7,null],\"days\":[{},{\"accepted\":3},{\"day\":4}],\"pairs\":{},\"latency\":[1,{\"p50_ms\":-5}],\"denials\":[[]]}", 0, NULL);
  assert_int_equal(report_page(json_null(), &out), TG_BAD_INPUT);
  assert_int_equal(report_csv(json_null(), &out), TG_BAD_INPUT);
  assert_int_equal(report_page(empty, &out), TG_OK);
  assert_int_equal(report_csv(empty, &out), TG_OK);
  assert_int_equal(report_page(odd, &out), TG_OK);
  assert_int_equal(report_csv(odd, &out), TG_OK);
  json_decref(empty);
  json_decref(odd);
  buf_free(&out);
}

/* Twenty states: seven have a colour, and the sum stays what it is. */
static void many_states(void **unused)
{
  (void)unused;
  json_t *accepted = json_object(), *states = json_array();
  for (int i = 0; i < 20; i++) {
    char code[3] = {'A', (char)('A' + i), 0};
    json_array_append_new(states, json_string(code));
    json_object_set_new(accepted, code, json_integer(i + 1));
  }
  json_t *f = json_pack("{s:o,s:[{s:s,s:o}]}", "states", states, "days", "day", "2026-11-28", "accepted", accepted);
  char *page = page_of(f);
  says(page, "2026-11-28, AT: 20");
  says(page, "2026-11-28, AN: 14");
  says(page, "the others: 91");
  free(page);
  json_decref(f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_page_says_what_the_figures_say), cmocka_unit_test(the_page_stands_alone),
      cmocka_unit_test(the_table_has_a_row_for_each_figure), cmocka_unit_test(nothing_and_nonsense),
      cmocka_unit_test(many_states),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
