/* Where a hub is reached, as people write it. */
#include "proto/endpoint.h"
#include <stdint.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

static void addresses_are_taken_apart(void **state)
{
  (void)state;
  static const struct {
    const char *text, *host;
    enum endpoint_kind kind;
    uint16_t port;
  } good[] = {{"tcp://hub.example:7700", "hub.example", ENDPOINT_TCP, 7700},
              {"resume://hub.example:7701", "hub.example", ENDPOINT_RESUME, 7701},
              {"tcp://[2001:db8::1]:1", "2001:db8::1", ENDPOINT_TCP, 1},
              {"resume://0.0.0.0:65535", "0.0.0.0", ENDPOINT_RESUME, 65535},
              {"tcp://*:0", "*", ENDPOINT_TCP, 0}};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct endpoint e;
    assert_int_equal(endpoint_read(slice_str(good[i].text), &e), TG_OK);
    assert_string_equal(e.host, good[i].host);
    assert_int_equal(e.kind, good[i].kind);
    assert_int_equal(e.port, good[i].port);
    assert_int_equal(endpoint_resumes(good[i].text), e.kind == ENDPOINT_RESUME);
  }
}

static void others_are_none(void **state)
{
  (void)state;
  static const char *const bad[] = {"",           "tcp://",        "tcp://:7700",     "hub.example:7700",    "http://hub.example:80", "resume:/hub:1",
                                    "tcp://host", "tcp://host:1x", "tcp://host:-1",   "tcp://host:65536",    "tcp://host:",           "ipc://@x"};
  char longest[ENDPOINT_HOST + 20] = "tcp://";
  struct endpoint e = {.port = 5};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(endpoint_read(slice_str(bad[i]), &e), TG_BAD_INPUT);
  assert_int_equal(endpoint_read(slice_of("tcp://a\0b:7", 11), &e), TG_BAD_INPUT);
  memset(longest + 6, 'a', ENDPOINT_HOST);
  strcpy(longest + 6 + ENDPOINT_HOST, ":7");
  assert_int_equal(endpoint_read(slice_str(longest), &e), TG_OK);
  longest[6 + ENDPOINT_HOST] = 'a';
  strcpy(longest + 7 + ENDPOINT_HOST, ":7");
  assert_int_equal(endpoint_read(slice_str(longest), &e), TG_BAD_INPUT);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(addresses_are_taken_apart), cmocka_unit_test(others_are_none)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
