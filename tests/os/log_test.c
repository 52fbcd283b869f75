#include "kit.h"
#include "os/log.h"

static char seen[8192];
static unsigned lines;

static void keep(void *arg, enum log_level level, const char *line)
{
  (void)arg;
  (void)level;
  snprintf(seen, sizeof seen, "%s", line);
  lines++;
}

static int listen_in(void **state)
{
  (void)state;
  log_set_sink(keep, NULL);
  log_set_level(LOG_NOTICE);
  lines = 0;
  seen[0] = 0;
  return 0;
}

static void an_event_is_one_line_of_pairs(void **state)
{
  (void)state;
  const uint8_t id[32] = {0xab, 0xcd, 1, 2, 3, 4, 5, 6, 7};
  log_event(LOG_NOTICE, "bulletin-accepted", log_hex("id", slice_of(id, 32)), log_number("leaf", UINT64_MAX),
            log_signed("skew", -3), log_text("member", "ML"), log_err("error", TG_BAD_SEAL));
  assert_string_equal(
      seen, "notice bulletin-accepted id=abcd010203040506 leaf=18446744073709551615 skew=-3 member=ML "
            "error=bad-seal");
  log_event(LOG_ALARM, "alone");
  assert_string_equal(seen, "alarm alone");
}

static void hostile_values_stay_values(void **state)
{
  (void)state;
  log_event(LOG_NOTICE, "x", log_text("a", "1 leaf=9"), log_text("b", "q\"\\\n\x1b[2J"), log_text("c", ""),
            log_slice("d", slice_of("a\0\xff", 3)), log_text("e", "Ségou\u202e"), log_text("f", NULL));
  assert_string_equal(seen, "notice x a=\"1 leaf=9\" b=\"q\\\"\\\\\\x0a\\x1b[2J\" c=\"\" d=\"a\\x00\\xff\" "
                            "e=\"Ségou\\xe2\\x80\\xae\" f=-");
}

static void a_line_never_outgrows_a_pipe(void **state)
{
  (void)state;
  char big[20000];
  memset(big, '\n', sizeof big);
  log_event(LOG_NOTICE, "y", log_slice("a", slice_of(big, sizeof big)),
            log_slice("b", slice_of(big, sizeof big)), log_slice("c", slice_of(big, sizeof big)),
            log_text("d", "z"));
  assert_true(strlen(seen) < 4000);
  assert_non_null(strstr(seen, " left-out=3"));
}

static void explanations_are_rendered(void **state)
{
  (void)state;
  struct tg_why why;
  why_set(&why, TG_BAD_INPUT, "hub.conf:3:1", N_("unknown keyword %1$s"), NULL, "lsten", NULL, NULL);
  log_event(LOG_ERROR, "not-started", log_why(&why), log_errno("errno", 28));
  assert_string_equal(
      seen,
      "error not-started why=\"hub.conf:3:1: unknown keyword lsten\" errno=\"No space left on device\"");
}

static void debug_is_quiet_until_asked_for(void **state)
{
  (void)state;
  log_event(LOG_DEBUG, "detail");
  assert_int_equal(lines, 0);
  log_set_level(LOG_DEBUG);
  log_event(LOG_DEBUG, "detail");
  assert_int_equal(lines, 1);
}

static void a_flood_of_one_event_is_counted_not_printed(void **state)
{
  (void)state;
  for (int i = 0; i < 5000; i++)
    log_event(LOG_ALARM, "flood", log_number("i", (uint64_t)i));
  assert_true(lines >= 100 && lines <= 1000); /* at most a few seconds went by */
  unsigned before = lines;
  log_event(LOG_NOTICE, "another");
  assert_int_equal(lines, before + 1);
  int64_t end = clock_mono() + DEADLINE_MS;
  while (lines == before + 1 && clock_mono() < end)
    log_event(LOG_ALARM, "flood");
  assert_non_null(strstr(seen, "alarm flood suppressed="));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(an_event_is_one_line_of_pairs, listen_in),
      cmocka_unit_test_setup(hostile_values_stay_values, listen_in),
      cmocka_unit_test_setup(a_line_never_outgrows_a_pipe, listen_in),
      cmocka_unit_test_setup(explanations_are_rendered, listen_in),
      cmocka_unit_test_setup(debug_is_quiet_until_asked_for, listen_in),
      cmocka_unit_test_setup(a_flood_of_one_event_is_counted_not_printed, listen_in),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
