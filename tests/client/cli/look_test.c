/* toguna inbox, sent, read, ack, track, status, doctor, directory: what people and programs see. */
#include "tests/client/cli/run.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static json_t *json_of(const char *text)
{
  json_error_t error;
  json_t *j = json_loads(text, JSON_DECODE_ANY, &error);
  if (!j)
    fail_msg("not JSON: %s\n%s", error.text, text);
  return j;
}

static const char *text_at(const json_t *j, const char *key)
{
  const char *text = json_string_value(json_object_get(j, key));
  return text ? text : "(none)";
}

/* The keys of an object, in order: the shape that programs rely on. */
static void expect_keys(const json_t *object, const char *wanted)
{
  char keys[1024] = "";
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)object, key, value)
  {
    strcat(keys, *keys ? " " : "");
    strcat(keys, key);
  }
  expect_text(keys, wanted);
}

/* ---- inbox, sent ---- */

static void lists_two(struct fake *f)
{
  fake_accept(f);
  const Tg__LList *m = fake_expect(f, LOCAL_LIST);
  fake_check(f, m->filter->folder == 1);
  struct sample *flash = sample_flash();
  flash->item.read = 1;
  fake_item(f, &flash->item);
  struct sample *two = sample_two();
  two->item.flags = 1;
  two->item.missing_before = 1;
  fake_item(f, &two->item);
  fake_done(f, 2);
  fake_until_closed(f);
}

static void an_inbox_is_a_table_with_precedence_and_marking(void **state)
{
  (void)state;
  struct fake *f = fake_start(lists_two, NULL);
  const struct outcome *o = run(f, NULL, "inbox", NULL);
  assert_int_equal(o->code, 0);
  expect_text(o->out, "ID            PRECEDENCE  MARKING               FROM        TOPIC         RECEIVED    "
                      "             STATE"
                      "                                            TITLE\n"
                      "aaaaaaaaaaaa  FLASH       RESTRICTED TLP:AMBER  ML/dgse/n1  alert.attack  2026-11-30 "
                      "12:00:01 UTC  read, unsettled"
                      "                                  Convoi de carburant bloqué\n"
                      "bbbbbbbbbbbb  PRIORITY    SECRET TLP:RED ORCON  BF/anr/n1   patrol        2026-11-30 "
                      "13:00:02 UTC  unread, unsettled, exercise, "
                      "one missing before  Patrol, summary\n");
  expect_text(o->err, "");
  fake_finish(f);
}

static void an_inbox_for_programs_is_one_array(void **state)
{
  (void)state;
  struct fake *f = fake_start(lists_two, NULL);
  const struct outcome *o = run(f, NULL, "inbox", "--json", NULL);
  assert_int_equal(o->code, 0);
  json_t *list = json_of(o->out), *one = json_array_get(list, 1),
         *portion = json_array_get(json_object_get(one, "portions"), 1);
  assert_int_equal(json_array_size(list), 2);
  expect_keys(one,
              "id place from member kind precedence exercise created received expires supersedes replies_to "
              "superseded_by read acknowledged state number leaf missing_before overdue settled carried topics sources portions");
  expect_keys(
      portion,
      "portion class tlp orcon blind label to except content_type title filename language size complete");
  expect_text(text_at(one, "id"), "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
  expect_text(text_at(one, "received"), "2026-11-30T13:00:02Z");
  expect_text(text_at(one, "precedence"), "PRIORITY");
  expect_text(text_at(one, "state"), "current");
  expect_text(text_at(portion, "class"), "SECRET");
  expect_text(text_at(portion, "tlp"), "red");
  expect_text(text_at(portion, "label"), "BF-SECRET-DEFENSE");
  assert_true(json_is_true(json_object_get(portion, "orcon")));
  assert_true(json_is_null(json_object_get(portion, "filename")));
  json_decref(list);
  fake_finish(f);
}

static void lists_what_is_asked(struct fake *f)
{
  fake_accept(f);
  const Tg__LList *m = fake_expect(f, LOCAL_LIST);
  fake_check(f, m->filter->unread && m->filter->limit == 3 && m->filter->since == UINT64_C(1796040000000));
  fake_check(f, slice_is(strict_slice(m->filter->from), "ML") &&
                    slice_is(strict_slice(m->filter->topic), "alert.**"));
  fake_done(f, 0);
  fake_until_closed(f);
}

static void an_inbox_can_be_narrowed(void **state)
{
  (void)state;
  struct fake *f = fake_start(lists_what_is_asked, NULL);
  const struct outcome *o = run(f, NULL, "inbox", "--unread", "--from", "ML", "--topic", "alert.**",
                                "--since", "2026-11-30T12:00:00Z", "--limit", "3", NULL);
  assert_int_equal(o->code, 0);
  expect_text(o->out, "There are no such bulletins.\n");
  fake_finish(f);
  expect_refusal(run(NULL, NULL, "inbox", "--since", "yesterday", NULL), 2, "--since", "yesterday", "24h",
                 NULL);
  expect_refusal(run(NULL, NULL, "inbox", "--limit", "many", NULL), 2, "--limit", "many", NULL);
}

static void follows_until_it_stops(struct fake *f)
{
  fake_accept(f);
  fake_accept(f);
  const Tg__LFollow *m = fake_expect(f, LOCAL_FOLLOW);
  fake_check(f, m->filter->folder == 2);
  struct sample *flash = sample_flash();
  flash->item.state = 2;
  fake_item(f, &flash->item);
  fake_error(f, TG_BUSY, "", "the node stops", "", "");
  fake_until_closed(f);
}

static void following_shows_each_as_it_comes_and_says_why_it_ends(void **state)
{
  (void)state;
  struct fake *f = fake_start(follows_until_it_stops, NULL);
  const struct outcome *o = run(f, NULL, "sent", "--follow", NULL);
  expect_text(o->out, "aaaaaaaaaaaa  FLASH      RESTRICTED TLP:AMBER    AES SN        alert.attack    "
                      "2026-11-30 12:00:00 UTC  "
                      "delivered, unsettled  Convoi de carburant bloqué\n");
  expect_refusal(o, 4, "the node stops", NULL);
  fake_finish(f);
  f = fake_start(follows_until_it_stops, NULL);
  o = run(f, NULL, "sent", "--follow", "--json", NULL);
  assert_ptr_equal(strchr(o->out, '\n'), o->out + strlen(o->out) - 1); /* one object, one line */
  json_t *j = json_of(o->out);
  expect_text(text_at(j, "state"), "delivered");
  json_decref(j);
  j = json_of(o->err);
  expect_text(text_at(j, "error"), "busy");
  expect_text(text_at(j, "what"), "the node stops");
  json_decref(j);
  fake_finish(f);
}

static void no_node_is_code_four_and_one_sentence(void **state)
{
  (void)state;
  static const char *const verbs[] = {"inbox", "sent", "status", "doctor", "directory", NULL};
  for (size_t i = 0; verbs[i]; i++)
    expect_refusal(run(NULL, NULL, verbs[i], NULL), 4, "/nowhere/node.sock", "socket", NULL);
  expect_refusal(run(NULL, NULL, "read", "aaaa", "--socket", "/else/node.sock", NULL), 4, "/else/node.sock",
                 NULL);
}

/* ---- read ---- */

static const char hostile[] = "Alerte\r\n\x1b]0;owned\x07 r\xc3\xa9union \xe2\x80\xae txt\xff\n";

static void gives_hostile_text(struct fake *f)
{
  fake_accept(f);
  const Tg__LResolve *m = fake_expect(f, LOCAL_RESOLVE);
  fake_check(f, slice_is(strict_slice(m->prefix), "aaaa"));
  struct sample *flash = sample_flash();
  flash->item.originator = fake_text("NE/dged/n1");
  fake_item(f, &flash->item);
  const Tg__LRead *r = fake_expect(f, LOCAL_READ);
  fake_check(f, r->mark && r->portion == 0);
  for (size_t i = 0; hostile[i]; i++) /* byte by byte: characters are cut everywhere */
    fake_content(f, (const char[]){hostile[i], 0}, false);
  fake_content(f, "", true);
  fake_until_closed(f);
}

static void content_cannot_touch_the_terminal(void **state)
{
  (void)state;
  struct fake *f = fake_start(gives_hostile_text, NULL);
  const struct outcome *o = run(f, NULL, "read", "AAAA", NULL);
  assert_int_equal(o->code, 0);
  expect_text(o->out, "FLASH  RESTRICTED TLP:AMBER\n"
                      "id        aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
                      "from      NE/dged/n1\n"
                      "kind      report\n"
                      "topics    alert.attack\n"
                      "created   2026-11-30 12:00:00 UTC\n"
                      "received  2026-11-30 12:00:01 UTC\n"
                      "expires   2026-12-30 12:00:00 UTC\n"
                      "state     unread, unsettled\n"
                      "log       entry 340, not settled: the hub alone vouches for it\n"
                      "\n"
                      "RESTRICTED TLP:AMBER\n"
                      "Convoi de carburant bloqué\n"
                      "For AES SN\n"
                      "text/plain; charset=utf-8, 42 B\n"
                      "\n"
                      "Alerte\n"
                      "\\x1b]0;owned\\x07 réunion \\u{202e} txt\\xff\n");
  fake_finish(f);
}

static void gives_two_portions(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_RESOLVE);
  struct sample *two = sample_two();
  two->portion[1].content_type = fake_text("application/pdf");
  two->portion[1].filename = fake_text("carte.pdf");
  fake_item(f, &two->item);
  const char *parts = fake_context(f);
  for (; *parts; parts++) {
    const Tg__LRead *r = fake_expect(f, LOCAL_READ);
    fake_check(f, r->portion == (uint32_t)(*parts - '1'));
    fake_content(f, *parts == '1' ? "summary" : "\1\2binary\xff", false);
    fake_content(f, "", true);
  }
  fake_until_closed(f);
}

static void each_portion_stands_under_its_own_marking(void **state)
{
  (void)state;
  struct fake *f = fake_start(gives_two_portions, (void *)(uintptr_t) "1");
  const struct outcome *o = run(f, NULL, "read", "bbbb", NULL);
  assert_int_equal(o->code, 0);
  const char *portions = strstr(o->out, "\n\nPortion 1");
  assert_non_null(portions);
  expect_text(portions, "\n\nPortion 1: UNCLASSIFIED TLP:GREEN\n"
                        "Patrol, summary\n"
                        "For ECOWAS AES\n"
                        "text/plain; charset=utf-8, 10 B\n"
                        "\n"
                        "summary\n"
                        "\n"
                        "Portion 2: SECRET TLP:RED ORCON  BF-SECRET-DEFENSE\n"
                        "Patrol, details\n"
                        "For AES, except NE\n"
                        "application/pdf, 20 B, carte.pdf\n"
                        "This is not text. Save it with --output FILE.\n");
  fake_finish(f);
}

static void programs_get_text_or_base64(void **state)
{
  (void)state;
  struct fake *f = fake_start(gives_two_portions, (void *)(uintptr_t) "12");
  const struct outcome *o = run(f, NULL, "read", "bbbb", "--json", NULL);
  assert_int_equal(o->code, 0);
  json_t *j = json_of(o->out), *portions = json_object_get(j, "portions");
  expect_text(text_at(json_array_get(portions, 0), "text"), "summary");
  expect_text(text_at(json_array_get(portions, 1), "base64"), "AQJiaW5hcnn/");
  assert_null(json_object_get(json_array_get(portions, 1), "text"));
  json_decref(j);
  fake_finish(f);
}

static void a_file_is_written_whole_and_never_over_another(void **state)
{
  (void)state;
  const char *path = in_folder("saved.pdf");
  struct fake *f = fake_start(gives_two_portions, (void *)(uintptr_t) "2");
  const struct outcome *o = run(f, NULL, "read", "bbbb", "--portion", "2", "--output", path, NULL);
  assert_int_equal(o->code, 0);
  assert_non_null(strstr(o->out, "saved.pdf: 20 B, SECRET TLP:RED ORCON\n"));
  fake_finish(f);
  char *content = get_file("saved.pdf");
  expect_text(content, "\1\2binary\xff");
  free(content);

  f = fake_start(gives_two_portions, (void *)(uintptr_t) ""); /* it is not asked for: nobody has read what could not be written */
  expect_refusal(run(f, NULL, "read", "bbbb", "--portion", "1", "--output", path, NULL), 3, "saved.pdf", "--replace", NULL);
  fake_finish(f);
  content = get_file("saved.pdf");
  expect_text(content, "\1\2binary\xff");
  free(content);

  f = fake_start(gives_two_portions, (void *)(uintptr_t) "1");
  assert_int_equal(run(f, NULL, "read", "bbbb", "--portion", "1", "--output", path, "--replace", NULL)->code,
                   0);
  fake_finish(f);
  content = get_file("saved.pdf");
  expect_text(content, "summary");
  free(content);

  f = fake_start(gives_two_portions, (void *)(uintptr_t) "");
  expect_refusal(run(f, NULL, "read", "bbbb", "--output", path, NULL), 2, "bbbbbbbbbbbb", "--portion", NULL);
  fake_finish(f);
  f = fake_start(gives_two_portions, (void *)(uintptr_t) "");
  expect_refusal(run(f, NULL, "read", "bbbb", "--portion", "3", NULL), 3, "portion 3", NULL);
  fake_finish(f);
}

static void dies_while_it_gives(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_RESOLVE);
  fake_item(f, &sample_flash()->item);
  fake_expect(f, LOCAL_READ);
  fake_content(f, "half of", false);
  fake_hang_up(f);
}

static void half_a_content_is_no_file(void **state)
{
  (void)state;
  struct fake *f = fake_start(dies_while_it_gives, NULL);
  expect_refusal(run(f, NULL, "read", "aaaa", "--output", in_folder("half.txt"), NULL), 4, "connection",
                 NULL);
  assert_int_not_equal(access(in_folder("half.txt"), F_OK), 0);
  fake_finish(f);
}

static void finds_several(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_RESOLVE);
  fake_error(f, TG_CONFLICT, "aaaa", "several bulletins begin with this", "Give more digits", "");
  fake_until_closed(f);
}

static void a_prefix_must_name_one(void **state)
{
  (void)state;
  struct fake *f = fake_start(finds_several, NULL);
  expect_refusal(run(f, NULL, "read", "aaaa", NULL), 3, "aaaa", "several", NULL);
  fake_finish(f);
}

/* ---- ack, track ---- */

static void takes_acks(struct fake *f)
{
  fake_accept(f);
  for (int i = 0; i < 2; i++) {
    fake_expect(f, LOCAL_RESOLVE);
    fake_item(f, i ? &sample_two()->item : &sample_flash()->item);
    fake_expect(f, LOCAL_ACK);
    fake_done(f, 1);
  }
  fake_until_closed(f);
}

static void several_can_be_acknowledged(void **state)
{
  (void)state;
  struct fake *f = fake_start(takes_acks, NULL);
  const struct outcome *o = run(f, NULL, "ack", "aaaa", "bbbb", NULL);
  assert_int_equal(o->code, 0);
  expect_text(o->out, "aaaaaaaaaaaa: acknowledged to ML/dgse/n1\nbbbbbbbbbbbb: acknowledged to BF/anr/n1\n");
  fake_finish(f);
}

static void tracks(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_RESOLVE);
  struct sample *flash = sample_flash();
  flash->item.state = 3;
  flash->item.settled = true;
  fake_item(f, &flash->item);
  fake_expect(f, LOCAL_TRACK);
  fake_track(f, "BF/anr/n1", 1, INT64_C(1796040002000));
  fake_track(f, "NE/dged/n1", 1, INT64_C(1796040003000));
  fake_track(f, "BF/anr/n1", 3, INT64_C(1796040060000));
  fake_track(f, "NE/dged/n1", 6, INT64_C(1796043600000));
  fake_track(f, "SN/drn/n1", 0, 0);
  fake_done(f, 5);
  fake_until_closed(f);
}

static void tracking_has_one_row_for_each_recipient(void **state)
{
  (void)state;
  struct fake *f = fake_start(tracks, NULL);
  const struct outcome *o = run(f, NULL, "track", "aaaa", NULL);
  assert_int_equal(o->code, 0);
  const char *table = strstr(o->out, "RECIPIENT");
  assert_non_null(table);
  assert_non_null(strstr(o->out, "state    settled\n"));
  expect_text(table, "RECIPIENT   STORED                   READ  ACKNOWLEDGED             ELSE\n"
                     "BF/anr/n1   2026-11-30 12:00:02 UTC  -     2026-11-30 12:01:00 UTC\n"
                     "NE/dged/n1  2026-11-30 12:00:03 UTC  -     -                        recall-refused "
                     "2026-11-30 13:00:00 UTC\n"
                     "SN/drn/n1   -                        -     -\n");
  fake_finish(f);
  f = fake_start(tracks, NULL);
  o = run(f, NULL, "track", "aaaa", "--json", NULL);
  json_t *j = json_of(o->out), *recipients = json_object_get(j, "recipients");
  expect_keys(j, "bulletin recipients");
  assert_int_equal(json_array_size(recipients), 3);
  expect_keys(json_array_get(recipients, 0), "node member events held");
  assert_int_equal(json_array_size(json_object_get(json_array_get(recipients, 0), "events")), 2);
  assert_int_equal(json_array_size(json_object_get(json_array_get(recipients, 2), "events")), 0);
  json_decref(j);
  fake_finish(f);
}

/* ---- status, doctor, directory ---- */

static void answers(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_QUERY);
  fake_json(f, fake_context(f), true);
  fake_until_closed(f);
}

#define STATUS                                                                                               \
  "{\"node\":\"ML/dgse/"                                                                                     \
  "n1\",\"member\":\"ML\",\"version\":\"0.1.0\",\"charter\":{\"exchange\":\"sahel.example\","                \
  "\"version\":2},\"hub\":{\"state\":\"open\",\"name\":\"h1\",\"endpoint\":\"resume://192.0.2.1:7001\","       \
  "\"log_size\":341,\"log_settled\":340},"                                                                 \
  "\"sent\":{\"spooled\":1,\"accepted\":2,\"refused\":0},\"inbox\":{\"current\":9,\"unread\":4,"             \
  "\"unacknowledged_flash\":1},\"arriving\":0,\"machine\":{\"disk_free\":1073741824}}"

static void status_says_how_the_node_is(void **state)
{
  (void)state;
  struct fake *f = fake_start(answers, (void *)(uintptr_t)STATUS);
  const struct outcome *o = run(f, NULL, "status", NULL);
  assert_int_equal(o->code, 0);
  expect_text(o->out, "node             ML/dgse/n1\n"
                      "exchange         sahel.example\n"
                      "charter version  2\n"
                      "hub              h1 open, resume://192.0.2.1:7001\n"
                      "log              341 entries, 340 settled\n"
                      "inbox            9 current, 4 unread, 1 FLASH not acknowledged\n"
                      "sent             1 spooled, 2 accepted, 0 refused\n"
                      "arriving         0 bulletins\n"
                      "disk free        1.0 GiB\n"
                      "release          0.1.0\n");
  fake_finish(f);
  f = fake_start(answers, (void *)(uintptr_t) "{\"hub\":{\"state\":\"resting\",\"name\":\"h1\",\"refused_by\":\"h1\",\"full\":true,"
                                               "\"asked_again\":\"2026-12-01T14:03:05Z\"}}");
  o = run(f, NULL, "status", NULL);
  assert_non_null(strstr(o->out, "h1 resting\n                 h1 REFUSES THIS NODE'S KEY; see toguna doctor\n"));
  assert_non_null(strstr(o->out, "its disk is FULL: what is published waits here, and is offered again at 2026-12-01 "));
  fake_finish(f);
  f = fake_start(answers, (void *)(uintptr_t) "no JSON");
  expect_refusal(run(f, NULL, "status", NULL), 3, "JSON", NULL);
  fake_finish(f);
}

#define FINDING                                                                                              \
  "{\"name\":\"disk\",\"severity\":\"%s\",\"error\":\"disk\",\"where\":\"\",\"what\":\"%%1$s is full\","     \
  "\"todo\":\"make room\",\"args\":[\"/srv\"]}"

static void the_doctor_ends_with_three_only_when_something_must_be_mended(void **state)
{
  (void)state;
  char json[1024];
  struct fake *f = fake_start(answers, (void *)(uintptr_t) "{\"well\":true,\"findings\":[]}");
  const struct outcome *o = run(f, NULL, "doctor", NULL);
  assert_int_equal(o->code, 0);
  expect_text(o->out, "All is well.\n");
  fake_finish(f);
  snprintf(json, sizeof json, "{\"well\":false,\"findings\":[" FINDING "]}", "warning");
  f = fake_start(answers, json);
  o = run(f, NULL, "doctor", NULL);
  assert_int_equal(o->code, 0);
  expect_text(o->out, "worth knowing\n  /srv is full\n  make room\n");
  fake_finish(f);
  snprintf(json, sizeof json, "{\"well\":false,\"findings\":[" FINDING "]}", "error");
  f = fake_start(answers, json);
  o = run(f, NULL, "doctor", NULL);
  expect_text(o->out, "wrong\n  /srv is full\n  make room\n");
  expect_refusal(o, 3, "mended", "1", NULL);
  fake_finish(f);
}

#define DIRECTORY                                                                                            \
  "{\"exchange\":\"e1\",\"charter\":2,\"members\":[{\"member\":\"ML\",\"name\":\"Mali\",\"standing\":"       \
  "\"member\","                                                                                              \
  "\"ceiling\":\"SECRET\",\"policy\":{\"serial\":3},\"nodes\":[{\"name\":\"ML/dgse/n1\",\"valid\":true,"     \
  "\"revoked\":false,\"expires\":\"2027-01-01T00:00:00Z\",\"sealing_key\":true,\"fallback_key\":false}]},"   \
  "{\"member\":\"TD\",\"standing\":\"member\",\"ceiling\":\"SECRET\",\"policy\":null,\"nodes\":[{\"name\":"  \
  "\"TD/ans/"                                                                                                \
  "n1\",\"valid\":false,\"revoked\":true,\"expires\":null}]}],\"blocs\":[{\"name\":\"AES\",\"members\":"     \
  "[\"BF\",\"ML\",\"NE\"]}],\"hubs\":[{\"name\":\"h1\",\"host\":\"SN\",\"endpoints\":[\"tcp://"              \
  "192.0.2.1:7001\",\"resume://192.0.2.1:7002\"]}]}"

static void the_directory_shows_who_is_there(void **state)
{
  (void)state;
  struct fake *f = fake_start(answers, (void *)(uintptr_t)DIRECTORY);
  const struct outcome *o = run(f, NULL, "directory", NULL);
  assert_int_equal(o->code, 0);
  expect_text(o->out, "STATE  NAME        STANDING  UP TO   POLICY  VALID UNTIL\n"
                      "ML     Mali        member    SECRET  3\n"
                      "       ML/dgse/n1  ready                     2027-01-01 00:00:00 UTC\n"
                      "TD     Chad        member    SECRET  -\n"
                      "       TD/ans/n1   revoked                   -\n"
                      "\n"
                      "BLOC  MEMBERS\n"
                      "AES   BF ML NE\n"
                      "\n"
                      "HUB  STANDS IN  ENDPOINT\n"
                      "h1   SN         tcp://192.0.2.1:7001\n"
                      "                resume://192.0.2.1:7002\n");
  fake_finish(f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_inbox_is_a_table_with_precedence_and_marking),
      cmocka_unit_test(an_inbox_for_programs_is_one_array),
      cmocka_unit_test(an_inbox_can_be_narrowed),
      cmocka_unit_test(following_shows_each_as_it_comes_and_says_why_it_ends),
      cmocka_unit_test(no_node_is_code_four_and_one_sentence),
      cmocka_unit_test(content_cannot_touch_the_terminal),
      cmocka_unit_test(each_portion_stands_under_its_own_marking),
      cmocka_unit_test(programs_get_text_or_base64),
      cmocka_unit_test(a_file_is_written_whole_and_never_over_another),
      cmocka_unit_test(half_a_content_is_no_file),
      cmocka_unit_test(a_prefix_must_name_one),
      cmocka_unit_test(several_can_be_acknowledged),
      cmocka_unit_test(tracking_has_one_row_for_each_recipient),
      cmocka_unit_test(status_says_how_the_node_is),
      cmocka_unit_test(the_doctor_ends_with_three_only_when_something_must_be_mended),
      cmocka_unit_test(the_directory_shows_who_is_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
