/* content, safe: what a content is, and what a terminal is given of it. */
#include "client/cli/content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define TEXT "text/plain; charset=utf-8"
#define BYTES "application/octet-stream"
#define STIX "application/stix+json;version=2.1"
#define JSON "application/json"
#define CAP "application/cap+xml"
#define CAP_NS "urn:oasis:names:tc:emergency:cap:1.2"

static void a_content_is_known_by_itself(void **state)
{
  (void)state;
  static const struct {
    const char *content, *type;
  } cases[] = {
      {"", TEXT},
      {"Convoi bloqué\n", TEXT},
      {"tab\tand form feed\f", TEXT},
      {"\x1b[31mred", BYTES},
      {"\xff\xfe", BYTES},
      {"cut in a character \xc3", BYTES},
      {"{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[{\"spec_version\":\"2.1\"}]}", STIX},
      {" \n{\"type\":\"indicator\",\"spec_version\":\"2.1\"}", STIX},
      {"{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[{\"spec_version\":\"2.0\"}]}", JSON},
      {"{\"type\":\"bundle\",\"id\":7}", JSON},
      {"[1,2]", JSON},
      {"{\"type\":\"bundle\",\"id\":\"bundle--1\"", TEXT}, /* not whole */
      {"<alert xmlns=\"" CAP_NS "\">", CAP},
      {"\xef\xbb\xbf<?xml version=\"1.0\"?><!-- a > b -->\n<cap:alert\n xmlns:cap='" CAP_NS "' >", CAP},
      {"<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.1\">", TEXT},
      {"<alerts xmlns=\"" CAP_NS "\">", TEXT},
      {"<x><alert xmlns=\"" CAP_NS "\"/></x>", TEXT},
      {"<!DOCTYPE alert><alert xmlns=\"" CAP_NS "\">", TEXT},
      {"<?xml never ends", TEXT},
      {"<!-- never ends <alert xmlns=\"" CAP_NS "\">", TEXT},
      {"<", TEXT},
      {"<>", TEXT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *type = content_type_of(slice_str(cases[i].content), true);
    if (strcmp(type, cases[i].type) != 0)
      fail_msg("%s is %s, not %s", cases[i].content, type, cases[i].type);
  }
  assert_string_equal(content_type_of(slice_of("a\0b", 3), true), BYTES);
  assert_string_equal(content_type_of(slice_str("the beginning of a text, cut in a character \xc3"), false), TEXT);
  assert_string_equal(content_type_of(slice_str("{\"type\":"), false), TEXT);
}

static void what_can_be_shown_is_known_by_its_type(void **state)
{
  (void)state;
  static const char *const shown[] = {"text/plain", "TEXT/html; charset=x", STIX, JSON,
                                      CAP,          "application/xml",      NULL};
  static const char *const hidden[] = {BYTES, "application/pdf", "image/png", "application/jsonx", "", NULL};
  for (size_t i = 0; shown[i]; i++)
    assert_true(content_is_text(shown[i]));
  for (size_t i = 0; hidden[i]; i++)
    assert_false(content_is_text(hidden[i]));
  assert_false(content_is_text(NULL));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_content_is_known_by_itself),
      cmocka_unit_test(what_can_be_shown_is_known_by_its_type),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
