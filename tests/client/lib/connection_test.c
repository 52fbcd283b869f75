/* libtoguna: connecting, greeting, and nodes that do not behave. */
#include "tests/client/lib/open.h"

#include <stdlib.h>
#include <string.h>

static int never(void *context, const struct toguna_item *item)
{
  (void)context, (void)item;
  fail_msg("nothing should have been shown");
  return 1;
}

/* ---- greeting ---- */

static void greets(struct fake *f)
{
  fake_accept(f);
  fake_until_closed(f);
}

static void an_open_connection_knows_who_answers(void **state)
{
  (void)state;
  struct fake *f = fake_start(greets, NULL);
  struct toguna *node = open_to(f);
  const struct toguna_self *self = toguna_self(node);
  assert_string_equal(self->node, "ML/dgse/n1");
  assert_string_equal(self->member, "ML");
  assert_int_equal(self->exchange[0], 0xe1);
  assert_string_equal(self->roles[0], "reader");
  assert_string_equal(self->roles[2], "officer");
  assert_null(self->roles[3]);
  toguna_close(node);
  fake_finish(f);
}

static void the_socket_may_come_from_the_environment(void **state)
{
  (void)state;
  struct fake *f = fake_start(greets, NULL);
  setenv("TOGUNA_SOCKET", fake_path(f), 1);
  struct toguna *node = NULL;
  assert_int_equal(toguna_open(NULL, NULL, &node, NULL), TOGUNA_OK);
  unsetenv("TOGUNA_SOCKET");
  toguna_close(node);
  fake_finish(f);
}

static void nobody_there_is_unreachable(void **state)
{
  (void)state;
  struct toguna *node = NULL;
  struct toguna_error error;
  assert_int_equal(toguna_open("/nowhere/node.sock", "test", &node, &error), TOGUNA_UNREACHABLE);
  assert_null(node);
  assert_int_equal(error.err, TOGUNA_UNREACHABLE);
  assert_string_equal(error.where, "/nowhere/node.sock");
  assert_true(*error.what && *error.todo);
  assert_non_null(strstr(error.text, error.what));
  assert_int_equal(toguna_exit_code(error.err), 4);
}

static void will_not_have_it(struct fake *f)
{
  fake_accept_silently(f);
  fake_expect(f, LOCAL_HELLO);
  fake_error(f, TG_REFUSED, NULL, "user %1$s may not use this node", "Ask %% its administrator", "1000");
  fake_until_closed(f);
}

static void a_refused_greeting_tells_why(void **state)
{
  (void)state;
  struct fake *f = fake_start(will_not_have_it, NULL);
  struct toguna *node = NULL;
  struct toguna_error error;
  assert_int_equal(toguna_open(fake_path(f), "test", &node, &error), TOGUNA_REFUSED);
  assert_string_equal(error.text, "user 1000 may not use this node. Ask % its administrator");
  assert_string_equal(error.what, "user 1000 may not use this node");
  assert_string_equal(error.where, "");
  fake_finish(f);
}

static void another_protocol(struct fake *f)
{
  static const uint8_t exchange[32] = {1};
  fake_accept_silently(f);
  fake_expect(f, LOCAL_HELLO);
  Tg__LWelcome m = TG__LWELCOME__INIT;
  m.protocol = 2;
  m.node = fake_text("ML/dgse/n1");
  m.member = fake_text("ML");
  m.exchange = strict_data_of(exchange, sizeof exchange);
  fake_send(f, LOCAL_WELCOME, &m.base);
  fake_until_closed(f);
}

static void another_version_is_told(void **state)
{
  (void)state;
  struct fake *f = fake_start(another_protocol, NULL);
  struct toguna *node = NULL;
  assert_int_equal(toguna_open(fake_path(f), "test", &node, NULL), TOGUNA_UNKNOWN);
  fake_finish(f);
}

/* ---- nodes that do not behave: every one ends in one clear error, none in a crash or a wait for ever ----
 */

static const struct bad {
  const char *name;
  const char *bytes;
  size_t n;
  enum toguna_err err;
} bad[] = {
    {"garbage", "\xff\xff\xff\xff garbage", 12, TOGUNA_TOO_BIG},
    {"another protocol", "HTTP/1.1 400 Bad Request\r\n\r\n", 28, TOGUNA_TOO_BIG},
    {"an empty frame", "\0\0\0\0", 4, TOGUNA_BAD_INPUT},
    {"another version", "\0\0\0\2\2\4", 6, TOGUNA_UNKNOWN},
    {"an unknown type", "\0\0\0\2\1\x63", 6, TOGUNA_UNKNOWN},
    {"a frame that never travels this way", "\0\0\0\4\1\x16\x08\2", 8, TOGUNA_BAD_INPUT},
    {"a message without its request", "\0\0\0\2\1\4", 6, TOGUNA_BAD_INPUT},
    {"a message not in canonical form", "\0\0\0\5\1\4\x08\x82\0", 9, TOGUNA_BAD_INPUT},
    {"an answer to a request never made", "\0\0\0\4\1\4\x08\x63", 8, TOGUNA_BAD_INPUT},
    {"an answer of the wrong type", "\0\0\0\x14\1\x0e\x08\2\x12\x0etwo and a half", 24, TOGUNA_BAD_INPUT},
    {"half a frame", "\0\0\0\x20\1", 5, TOGUNA_UNREACHABLE},
    {"nothing", "", 0, TOGUNA_UNREACHABLE},
};

static void answers_badly(struct fake *f)
{
  const struct bad *b = fake_context(f);
  fake_accept(f);
  fake_expect(f, LOCAL_LIST);
  fake_bytes(f, b->bytes, b->n);
  fake_hang_up(f);
}

static void a_bad_answer_is_an_error_and_ends_the_connection(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct fake *f = fake_start(answers_badly, (void *)(uintptr_t)&bad[i]);
    struct toguna *node = open_to(f);
    struct toguna_error error;
    enum toguna_err err = toguna_list(node, NULL, never, NULL, &error);
    if (err != bad[i].err)
      fail_msg("%s: %s (%s)", bad[i].name, toguna_err_name(err), error.text);
    assert_true(*error.text);
    assert_int_equal(toguna_list(node, NULL, never, NULL, &error), TOGUNA_UNREACHABLE);
    toguna_close(node);
    fake_finish(f);
  }
}

static void says_why_and_goes(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_LIST);
  /* An LError without a request is about the connection. */
  static const uint8_t frame[] = "\0\0\0\x0f\1\3\x10\x81\x08\x22\x08stopping";
  fake_bytes(f, frame, sizeof frame - 1);
  fake_hang_up(f);
}

static void a_node_may_say_why_it_goes(void **state)
{
  (void)state;
  struct fake *f = fake_start(says_why_and_goes, NULL);
  struct toguna *node = open_to(f);
  struct toguna_error error;
  assert_int_equal(toguna_list(node, NULL, never, NULL, &error), TOGUNA_BUSY);
  assert_string_equal(error.text, "stopping");
  toguna_close(node);
  fake_finish(f);
}

static void keeps_silent(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_LIST);
  fake_until_closed(f);
}

static void silence_has_a_limit(void **state)
{
  (void)state;
  struct fake *f = fake_start(keeps_silent, NULL);
  struct toguna *node = open_to(f);
  struct toguna_error error;
  toguna_set_timeout(node, 50);
  assert_int_equal(toguna_list(node, NULL, never, NULL, &error), TOGUNA_BUSY);
  assert_int_equal(toguna_exit_code(error.err), 4);
  assert_int_equal(toguna_list(node, NULL, never, NULL, &error), TOGUNA_UNREACHABLE);
  toguna_close(node);
  fake_finish(f);
}

static void answers_byte_by_byte(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_LIST);
  static const uint8_t frame[] = "\0\0\0\4\1\4\x08\2"; /* LDone of request 2 */
  for (size_t i = 0; i < sizeof frame - 1; i++) {
    fake_bytes(f, frame + i, 1);
    fake_pause(f, 5);
  }
  fake_until_closed(f);
}

static void a_slow_node_is_waited_for(void **state)
{
  (void)state;
  struct fake *f = fake_start(answers_byte_by_byte, NULL);
  struct toguna *node = open_to(f);
  assert_int_equal(toguna_list(node, NULL, never, NULL, NULL), TOGUNA_OK);
  toguna_close(node);
  fake_finish(f);
}

/* ---- errors and names ---- */

static void says_strange_things(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_LIST);
  fake_error(f, (enum tg_err)0x01ff, "ml.policy:12", "%1$s%2$s %s %n %9$s 100%%", "%1$s", "%n%s");
  fake_expect(f, LOCAL_LIST);
  fake_error(f, (enum tg_err)0xbeef, "", "x", "", "");
  fake_expect(f, LOCAL_LIST);
  fake_error(f, TG_QUOTA, "", "", "", "");
  fake_until_closed(f);
}

static void sentences_of_the_node_are_text_not_formats(void **state)
{
  (void)state;
  struct fake *f = fake_start(says_strange_things, NULL);
  struct toguna *node = open_to(f);
  struct toguna_error error;
  assert_int_equal(toguna_list(node, NULL, never, NULL, &error),
                   TOGUNA_REFUSED); /* the class is known, the number not */
  assert_string_equal(error.text, "ml.policy:12: %n%s %s %n %9$s 100%. %n%s");
  assert_int_equal(toguna_list(node, NULL, never, NULL, &error), TOGUNA_INTERNAL);
  assert_int_equal(toguna_list(node, NULL, never, NULL, &error), TOGUNA_QUOTA);
  assert_string_equal(error.text, "this is refused"); /* a node without words still leaves a sentence */
  toguna_close(node);
  fake_finish(f);
}

static void names_and_codes_are_stable(void **state)
{
  (void)state;
  assert_string_equal(toguna_err_name(TOGUNA_NOT_FOUND), "not-found");
  assert_int_equal(toguna_exit_code(TOGUNA_OK), 0);
  assert_int_equal(toguna_exit_code(TOGUNA_REVOKED), 1);
  assert_int_equal(toguna_exit_code(TOGUNA_USAGE), 2);
  assert_int_equal(toguna_exit_code(TOGUNA_UNKNOWN), 3);
  assert_int_equal(toguna_exit_code(TOGUNA_DISK), 5);
  assert_true(*toguna_version());
  struct toguna_id id, again;
  char text[65];
  memset(&id, 0x5a, sizeof id);
  toguna_id_print(&id, text);
  assert_int_equal(strlen(text), 64);
  assert_int_equal(toguna_id_parse(text, &again), TOGUNA_OK);
  assert_memory_equal(&id, &again, sizeof id);
  assert_int_equal(toguna_id_parse("5a", &again), TOGUNA_BAD_INPUT);
  text[10] = 'g';
  assert_int_equal(toguna_id_parse(text, &again), TOGUNA_BAD_INPUT);
  assert_int_equal(toguna_id_parse(NULL, &again), TOGUNA_BAD_INPUT);
  toguna_close(NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_open_connection_knows_who_answers),
      cmocka_unit_test(the_socket_may_come_from_the_environment),
      cmocka_unit_test(nobody_there_is_unreachable),
      cmocka_unit_test(a_refused_greeting_tells_why),
      cmocka_unit_test(another_version_is_told),
      cmocka_unit_test(a_bad_answer_is_an_error_and_ends_the_connection),
      cmocka_unit_test(a_node_may_say_why_it_goes),
      cmocka_unit_test(silence_has_a_limit),
      cmocka_unit_test(a_slow_node_is_waited_for),
      cmocka_unit_test(sentences_of_the_node_are_text_not_formats),
      cmocka_unit_test(names_and_codes_are_stable),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
