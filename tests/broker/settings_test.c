/* hub.conf: what its reader gets, and what a mistake gets him. */
#include "tests/os/kit.h"

#include "broker/settings.h"
#include "os/file.h"

#define HEAD "exchange 5d0b0a4f9a0c0f5e2a4c8d7be0a1f3c29e8d7c6b5a493827160f5e4d3c2b1a09\nname hub-1\n"
#define LISTEN "listen tcp://127.0.0.1:7700\n"

static enum tg_err read_text(const char *text, struct settings *ret, struct tg_why *why)
{
  char *folder = kit_folder();
  const char *path = kit_path(folder, "hub.conf");
  assert_int_equal(file_write(path, slice_str(text), 0600, NULL), TG_OK);
  enum tg_err err = settings_read(path, ret, why);
  if (err == TG_OK)
    assert_true(strncmp(ret->folder, folder, strlen(folder)) == 0);
  kit_remove(folder);
  return err;
}

static void what_is_not_said_has_its_documented_default(void **unused)
{
  (void)unused;
  struct settings s = {0};
  struct hub_config c;
  assert_int_equal(read_text(HEAD LISTEN, &s, NULL), TG_OK);
  settings_hub(&s, &c);
  assert_int_equal(c.exchange.b[0], 0x5d);
  assert_int_equal(c.exchange.b[31], 0x09);
  assert_string_equal(c.name, "hub-1");
  assert_int_equal(c.clock_skew, 5 * TG_MINUTE);
  assert_int_equal(c.flash_per_hour, 120);
  assert_int_equal(c.per_hour, 100000);
  assert_int_equal(c.queue_count, 1000000);
  assert_int_equal(c.queue_bytes, UINT64_C(16) << 30);
  assert_int_equal(c.member_bytes, UINT64_C(16) << 30);
  assert_int_equal(c.parked_count, 256);
  assert_int_equal(c.memory, UINT64_C(256) << 20);
  assert_int_equal(c.disk_reserve, UINT64_C(256) << 20);
  assert_int_equal(c.in_flight_count, 4096);
  assert_int_equal(c.in_flight_bytes, 4 << 20);
  assert_int_equal(c.strikes, 16);
  assert_int_equal(c.refusal_window, TG_MINUTE);
  assert_int_equal(c.tick, 15 * TG_SECOND);
  settings_free(&s);
}

static void what_is_said_holds(void **unused)
{
  (void)unused;
  struct settings s = {0};
  struct hub_config c;
  assert_int_equal(read_text(HEAD LISTEN "listen tcp://[::1]:7701\nlisten resume://0.0.0.0:7702\nflash-per-hour 3\nin-flight-bytes 2MiB\n"
                                         "strike-window 10s\nstrikes 2\nmemory 1GiB\nuser toguna\nserve-log [::1]:7780\n",
                             &s, NULL),
                   TG_OK);
  settings_hub(&s, &c);
  assert_int_equal(s.listen.n, 3);
  assert_int_equal(settings_port(s.listen.line[2].word[0]), 7702);
  assert_int_equal(c.flash_per_hour, 3);
  assert_int_equal(c.in_flight_bytes, 2 << 20);
  assert_int_equal(c.refusal_window, 10 * TG_SECOND);
  assert_int_equal(c.strikes, 2);
  assert_int_equal(c.memory, 1 << 30);
  assert_string_equal(s.user, "toguna");
  assert_string_equal(s.serve_log, "[::1]:7780");
  settings_free(&s);
}

static void mistakes_are_said_with_their_place(void **unused)
{
  (void)unused;
  static const struct {
    const char *text, *says;
  } cases[] = {
      {"name hub-1\n" LISTEN, "exchange is missing"},
      {HEAD, "listen is missing"},
      {HEAD LISTEN "qeue-count 5\n", "Did you mean queue-count?"},
      {HEAD LISTEN "name hub-2\n", "stands twice"},
      {"exchange 5d0b\nname hub-1\n" LISTEN, "64 hex digits"},
      {"exchange 0000000000000000000000000000000000000000000000000000000000000000\nname hub-1\n" LISTEN,
       "64 hex digits"},
      {HEAD "listen tcp://127.0.0.1\n", ":3: tcp://127.0.0.1 is no address to listen at"},
      {HEAD "listen tcp://*:7700\n", "no address to listen at"},
      {HEAD "listen tcp://127.0.0.1:0\n", "no address to listen at"},
      {HEAD "listen tcp://127.0.0.1:70000\n", "no address to listen at"},
      {HEAD "listen resume://127.0.0.1:7701\n", "resume:// only"},
      {HEAD LISTEN "listen resume://*:7701\n", "no address to listen at"},
      {HEAD "listen ipc:///tmp/x\n", "no address to listen at"},
      {HEAD LISTEN "listen resume:/127.0.0.1:7701\n", "like resume://0.0.0.0:7701"},
      {HEAD LISTEN "listen resume://127.0.0.1:7700\n", ":4: resume://127.0.0.1:7700 is taken by another line"},
      {HEAD LISTEN "serve-log 0.0.0.0:7780\n", "not on the loopback interface"},
      {HEAD LISTEN "serve-log [2001:db8::1]:7780\n", "not on the loopback interface"},
      {HEAD LISTEN "serve-log localhost:7780\n", "no address to serve at"},
      {HEAD LISTEN "serve-log ::1:7780\n", "no address to serve at"},
      {HEAD LISTEN "serve-log 127.0.0.1\n", "no address to serve at"},
      {HEAD LISTEN "serve-log 127.0.0.1:77800\n", "no address to serve at"},
      {HEAD LISTEN "strikes 0\n", "hub.conf:4:9"},
      {HEAD LISTEN "in-flight-bytes 5\n", "hub.conf:4:17"},
      {HEAD LISTEN LISTEN LISTEN LISTEN LISTEN LISTEN LISTEN LISTEN LISTEN, "more than 8"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct settings s = {0}, nothing = {0};
    struct tg_why why = {.err = TG_OK};
    char text[600];
    assert_int_equal(read_text(cases[i].text, &s, &why), TG_BAD_INPUT);
    why_render(&why, NULL, text, sizeof text);
    if (!strstr(text, cases[i].says))
      fail_msg("expected: %s\nbut got: %s", cases[i].says, text);
    assert_memory_equal(&s, &nothing, sizeof s);
  }
}

static void the_printed_file_reads_back(void **unused)
{
  (void)unused;
  struct settings s = {0};
  struct buf text = buf_new(1 << 16);
  settings_print(NULL, &text);
  buf_put_u8(&text, 0);
  char *at = strstr((char *)text.p, "HASH-OF-CHARTER-VERSION-1");
  assert_non_null(at);
  struct buf whole = buf_new(1 << 16);
  buf_put(&whole, text.p, (size_t)(at - (char *)text.p));
  buf_put_str(&whole, "5d0b0a4f9a0c0f5e2a4c8d7be0a1f3c29e8d7c6b5a493827160f5e4d3c2b1a09");
  buf_put_str(&whole, at + strlen("HASH-OF-CHARTER-VERSION-1"));
  buf_put_u8(&whole, 0);
  assert_int_equal(read_text((char *)whole.p, &s, NULL), TG_OK);
  settings_free(&s);
  buf_free(&whole);
  buf_free(&text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_not_said_has_its_documented_default),
      cmocka_unit_test(what_is_said_holds),
      cmocka_unit_test(mistakes_are_said_with_their_place),
      cmocka_unit_test(the_printed_file_reads_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
