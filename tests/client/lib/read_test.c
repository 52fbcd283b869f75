/* libtoguna: content, acknowledgements, tracking, questions, documents. */
#include "tests/client/lib/open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct toguna_id flash = {{0xaa, 0xaa}};

/* ---- content ---- */

static void gives_content(struct fake *f)
{
  fake_accept(f);
  const Tg__LRead *m = fake_expect(f, LOCAL_READ);
  fake_check(f, m->portion == 1 && m->offset == 3 && m->mark && m->bulletin.data[0] == 0xaa);
  fake_content(f, "one ", false);
  fake_content(f, "two", true);
  fake_expect(f, LOCAL_READ);
  fake_content(f, "three", false);
  fake_expect(f, LOCAL_CANCEL);
  fake_content(f, "four", true); /* was on its way */
  fake_expect(f, LOCAL_READ);
  fake_content(f, "five", false);
  fake_error(f, TG_BAD_SEAL, "aaaaaaaaaaaa", "the content does not open", "", "");
  fake_until_closed(f);
}

static int add(void *context, const void *data, size_t n)
{
  strncat(context, data, n);
  return 0;
}

static int stop(void *context, const void *data, size_t n)
{
  (void)data;
  *(size_t *)context += n;
  return 1;
}

static void content_comes_in_pieces_until_its_end(void **state)
{
  (void)state;
  struct fake *f = fake_start(gives_content, NULL);
  struct toguna *node = open_to(f);
  struct toguna_error error;
  char text[64] = "";
  size_t n = 0;
  assert_int_equal(toguna_read(node, &flash, 1, 3, true, add, text, NULL), TOGUNA_OK);
  assert_string_equal(text, "one two");
  assert_int_equal(toguna_read(node, &flash, 0, 0, false, stop, &n, NULL), TOGUNA_OK);
  assert_int_equal(n, 5);
  text[0] = 0;
  /* Content that was handed over is not finished before the end: an error may come instead. */
  assert_int_equal(toguna_read(node, &flash, 0, 0, false, add, text, &error), TOGUNA_BAD_SEAL);
  assert_string_equal(text, "five");
  toguna_close(node);
  fake_finish(f);
}

static void gives_ten_bytes(struct fake *f)
{
  fake_accept(f);
  for (int i = 0; i < 3; i++) {
    fake_expect(f, LOCAL_READ);
    fake_content(f, "01234", false);
    fake_content(f, "56789", true);
  }
  fake_expect(f, LOCAL_READ);
  fake_content(f, "", true);
  fake_until_closed(f);
}

static void all_content_fits_or_nothing_is_handed_out(void **state)
{
  (void)state;
  struct fake *f = fake_start(gives_ten_bytes, NULL);
  struct toguna *node = open_to(f);
  struct toguna_error error;
  char *data = NULL;
  size_t size = 99;
  assert_int_equal(toguna_read_all(node, &flash, 0, false, 9, &data, &size, &error), TOGUNA_TOO_BIG);
  assert_int_equal(toguna_read_all(node, &flash, 0, false, 4, &data, &size, &error), TOGUNA_TOO_BIG);
  assert_null(data);
  assert_int_equal(size, 99);
  assert_int_equal(toguna_read_all(node, &flash, 0, false, 10, &data, &size, &error), TOGUNA_OK);
  assert_int_equal(size, 10);
  assert_string_equal(data, "0123456789");
  free(data);
  assert_int_equal(toguna_read_all(node, &flash, 0, false, 0, &data, &size, &error), TOGUNA_OK);
  assert_int_equal(size, 0);
  assert_string_equal(data, "");
  free(data);
  toguna_close(node);
  fake_finish(f);
}

/* ---- the rest ---- */

static void tracks(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_TRACK);
  fake_track(f, "BF/anr/n1", 1, 1000);
  fake_track(f, "BF/anr/n1", 3, 2000);
  fake_track(f, "SN/drn/n1", 0, 0);
  fake_done(f, 3);
  fake_expect(f, LOCAL_TRACK);
  fake_error(f, TG_NOT_FOUND, "aaaa", "this node has sent no such bulletin", "", "");
  fake_until_closed(f);
}

static int note(void *context, const struct toguna_track *track)
{
  char line[64];
  snprintf(line, sizeof line, "%s %s %d %d;", track->member, track->node, track->event, (int)track->time);
  strcat(context, line);
  return 0;
}

static void tracking_tells_who_has_it_and_who_has_said_nothing(void **state)
{
  (void)state;
  struct fake *f = fake_start(tracks, NULL);
  struct toguna *node = open_to(f);
  char all[256] = "";
  assert_int_equal(toguna_track(node, &flash, note, all, NULL), TOGUNA_OK);
  assert_string_equal(all, "BF BF/anr/n1 1 1000;BF BF/anr/n1 3 2000;SN SN/drn/n1 0 0;");
  assert_int_equal(toguna_track(node, &flash, note, all, NULL), TOGUNA_NOT_FOUND);
  toguna_close(node);
  fake_finish(f);
}

static void answers_questions(struct fake *f)
{
  fake_accept(f);
  const Tg__LQuery *m = fake_expect(f, LOCAL_QUERY);
  fake_check(f, slice_is(strict_slice(m->what), "document") && m->n_args == 1);
  fake_check(f, slice_is(strict_slice(m->args[0]), "cafe"));
  fake_json(f, "{\"a\":", false);
  fake_json(f, "1}", true);
  fake_expect(f, LOCAL_QUERY);
  fake_error(f, TG_UNKNOWN, "weather", "this node does not answer such questions", "", "");
  fake_until_closed(f);
}

static void a_question_gets_one_json_text(void **state)
{
  (void)state;
  struct fake *f = fake_start(answers_questions, NULL);
  struct toguna *node = open_to(f);
  const char *const arguments[] = {"cafe", NULL};
  char *json = NULL;
  assert_int_equal(toguna_query(node, "document", arguments, &json, NULL), TOGUNA_OK);
  assert_string_equal(json, "{\"a\":1}");
  free(json);
  json = NULL;
  assert_int_equal(toguna_query(node, "weather", NULL, &json, NULL), TOGUNA_UNKNOWN);
  assert_null(json);
  toguna_close(node);
  fake_finish(f);
}

static void takes_documents(struct fake *f)
{
  fake_accept(f);
  const Tg__LDocument *m = fake_expect(f, LOCAL_PUT_DOCUMENT);
  fake_check(f, slice_is(strict_slice(m->content), "toguna/grant v1\n"));
  fake_done(f, 1);
  fake_expect(f, LOCAL_PUT_DOCUMENT);
  fake_error(f, TG_DUPLICATE, "", "this document is known already", "", "");
  fake_expect(f, LOCAL_ACK);
  fake_done(f, 1);
  fake_until_closed(f);
}

static void a_document_is_handed_in_once(void **state)
{
  (void)state;
  static const char grant[] = "toguna/grant v1\n";
  static uint8_t much[LOCAL_DOCUMENT + 1];
  struct fake *f = fake_start(takes_documents, NULL);
  struct toguna *node = open_to(f);
  assert_int_equal(toguna_document(node, grant, strlen(grant), NULL), TOGUNA_OK);
  assert_int_equal(toguna_document(node, grant, strlen(grant), NULL), TOGUNA_DUPLICATE);
  assert_int_equal(toguna_document(node, much, sizeof much, NULL), TOGUNA_TOO_BIG);
  assert_int_equal(toguna_document(node, "", 0, NULL), TOGUNA_BAD_INPUT);
  assert_int_equal(toguna_ack(node, &flash, NULL), TOGUNA_OK);
  toguna_close(node);
  fake_finish(f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(content_comes_in_pieces_until_its_end),
      cmocka_unit_test(all_content_fits_or_nothing_is_handed_out),
      cmocka_unit_test(tracking_tells_who_has_it_and_who_has_said_nothing),
      cmocka_unit_test(a_question_gets_one_json_text),
      cmocka_unit_test(a_document_is_handed_in_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
