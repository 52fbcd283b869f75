/* A node finds the hub's sentence again in the English that it was told. */
#include "policy/refusal.h"
#include "policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void read_back(const char *where, const char *what, const char *todo, const char *a, const char *b, const char *c)
{
  char text[640];
  struct tg_why said, heard = {0};
  why_set(&said, TG_REFUSED, where, what, todo, a, b, c);
  why_render(&said, NULL, text, sizeof text);
  assert_true(refusal_read(text, &heard));
  assert_int_equal(heard.err, TG_REFUSED);
  assert_string_equal(heard.where, where);
  assert_string_equal(heard.what, what);
  assert_true(todo ? heard.todo && !strcmp(heard.todo, todo) : !heard.todo);
  assert_string_equal(heard.arg[0], a ? a : "");
  assert_string_equal(heard.arg[1], b ? b : "");
  assert_string_equal(heard.arg[2], c ? c : "");
}

static void every_sentence_is_found_again(void **state)
{
  (void)state;
  read_back("ML:7", REFUSAL_WIDENS_ALONE, REFUSAL_SIGN, "alert", NULL, NULL);
  read_back("ML:7", REFUSAL_WIDENS_SOON, REFUSAL_WAIT, "alert", "2026-12-01T00:00:00Z", NULL);
  read_back("", REFUSAL_DROPS_PIN_ALONE, REFUSAL_SIGN, "report.roads", NULL, NULL);
  read_back("ML:12", REFUSAL_DROPS_PIN_SOON, REFUSAL_WAIT, "report.roads", "2026-12-01T00:00:00.125Z", NULL);
  read_back("NE:5", REFUSAL_PIN, NULL, "NE", "outside AES", "alert SECRET: from ML to SN");
  read_back("expires", REFUSAL_OVER, REFUSAL_OVER_TODO, "2026-12-01T00:00:00Z", NULL, NULL);
  read_back("ML:9:14", REFUSAL_NO_MEMBER, REFUSAL_REMOVE_MEMBER, "FR", NULL, NULL);
  read_back("ML:9:14", REFUSAL_NO_MEMBER, REFUSAL_NEAR_MEMBER, "NX", "NE", NULL);
}

static void is_not(const char *text)
{
  struct tg_why heard = {.err = TG_BUSY};
  assert_false(refusal_read(text, &heard));
  assert_int_equal(heard.err, TG_BUSY);
}

static void what_was_altered_is_left_as_it_is(void **state)
{
  char text[4096];
  (void)state;
  is_not("");
  is_not(": : : : : : : ");
  is_not("%1$s");
  is_not("the serial is not the next");
  is_not("ML:7: it permits more than before and has one signature only: alert. Have a second policy officer sign");
  is_not("ML:7: it permits more than before and has one signature only: alert. have a second policy officer sign it");
  is_not("ML:7: it permits more than before and has one signature only: alert. Have a second policy officer sign it!");
  is_not("it permits more than before and has one signature only: \n. Have a second policy officer sign it");
  memset(text, 'a', sizeof text);
  text[sizeof text - 1] = 0;
  is_not(text);
  snprintf(text, sizeof text, "it permits more than before and has one signature only: %0200d. Have a second policy officer sign it", 0);
  is_not(text);
  snprintf(text, sizeof text, "%0200d: FR is no member of this exchange. Remove it, or change the charter first", 0);
  is_not(text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_sentence_is_found_again),
      cmocka_unit_test(what_was_altered_is_left_as_it_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
