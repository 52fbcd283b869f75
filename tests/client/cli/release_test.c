/* toguna release: requests, grants and denials. */
#include "tests/client/cli/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

static const struct outcome *shown;

/* A bulletin of BF for us, and BF's request about one of ours. */
static struct sample *from_bf(void)
{
  return sample_two();
}

static struct sample *request_of_bf(void)
{
  static uint8_t about[32];
  struct sample *s = sample_two();
  memset(about, 0xaa, sizeof about);
  s->item.kind = 6;
  s->item.replies_to = strict_data_of(about, sizeof about);
  s->item.n_portions = 1;
  return s;
}

static void let_it_go(struct fake *f, uint32_t kind, char *content, size_t size)
{
  const Tg__LPreview *p = fake_expect(f, LOCAL_PREVIEW);
  const Tg__LDraft *d = p->draft;
  fake_check(f, d->kind == kind && d->replies_to.len == 32 && d->replies_to.data[0] == 0xbb &&
                    d->n_portions == 1);
  fake_check(f, d->portions[0]->n_to == 1 && slice_is(strict_slice(d->portions[0]->to[0]), "BF"));
  Tg__LAudience a = TG__LAUDIENCE__INIT;
  Tg__LAudienceLine line = TG__LAUDIENCE_LINE__INIT, *lines[] = {&line};
  line.member = fake_text("BF");
  line.portions = 1;
  a.lines = lines;
  a.n_lines = 1;
  fake_send(f, LOCAL_AUDIENCE, &a.base);
  const Tg__LPublish *m = fake_expect(f, LOCAL_PUBLISH);
  fake_check(f, m->n_contents == 1 && m->contents[0].len < size);
  memcpy(content, m->contents[0].data, m->contents[0].len);
  content[m->contents[0].len] = 0;
  fake_progress(f, 0xcc, 0, "");
  fake_done(f, 0);
}

static void takes_a_request(struct fake *f)
{
  char content[256];
  fake_accept(f);
  fake_expect(f, LOCAL_RESOLVE);
  fake_item(f, &from_bf()->item);
  let_it_go(f, 6, content, sizeof content);
  fake_check(f, !strcmp(content, "Chad guards the same road"));
  fake_until_closed(f);
}

static void a_request_goes_to_the_originator_with_its_reason(void **state)
{
  (void)state;
  struct fake *f = fake_start(takes_a_request, NULL);
  shown = run(f, NULL, "release", "request", "bbbb", "--reason", "Chad guards the same road", NULL);
  expect_text(shown->err, "");
  assert_int_equal(shown->code, 0);
  fake_finish(f);
  expect_refusal(run(NULL, NULL, "release", "request", "bbbb", NULL), 2, "--reason", NULL);
}

static void takes_a_denial(struct fake *f)
{
  char content[256];
  fake_accept(f);
  fake_expect(f, LOCAL_RESOLVE);
  fake_item(f, &request_of_bf()->item);
  let_it_go(f, 8, content, sizeof content);
  fake_until_closed(f);
}

static void a_denial_answers_the_request(void **state)
{
  (void)state;
  struct fake *f = fake_start(takes_a_denial, NULL);
  assert_int_equal(run(f, NULL, "release", "deny", "bbbb", "--reason", "no", NULL)->code, 0);
  fake_finish(f);
}

static void gives_a_report(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_RESOLVE);
  fake_item(f, &from_bf()->item);
  fake_expect_nothing(f);
}

static void only_requests_are_answered(void **state)
{
  (void)state;
  struct fake *f = fake_start(gives_a_report, NULL);
  expect_refusal(run(f, NULL, "release", "deny", "bbbb", "--reason", "no", NULL), 3, "no release request",
                 NULL);
  fake_finish(f);
}

/* ---- a grant */

struct granted {
  char note[4096], content[4096];
};

static void takes_a_grant(struct fake *f)
{
  struct granted *g = fake_context(f);
  fake_accept(f);
  fake_expect(f, LOCAL_RESOLVE);
  fake_item(f, &request_of_bf()->item);
  fake_expect(f, LOCAL_QUERY);
  fake_json(f, "{\"charter\":{\"exchange\":\"sahel.example\"}}", true);
  const Tg__LDocument *m = fake_expect(f, LOCAL_PUT_DOCUMENT);
  fake_check(f, m->content.len < sizeof g->note);
  memcpy(g->note, m->content.data, m->content.len);
  fake_done(f, 1);
  let_it_go(f, 7, g->content, sizeof g->content);
  fake_until_closed(f);
}

static void a_grant_is_signed_handed_in_and_sent(void **state)
{
  (void)state;
  static struct granted g;
  const char *passphrase = put_file("passphrase", "a passphrase for tests\n"),
             *key = in_folder("release-1.key");
  assert_int_equal(chmod(passphrase, 0600), 0);
  shown = run(NULL, NULL, "key", "new", "officer", "sahel.example/ML/release-1", key, "--passphrase-file",
              passphrase, "--kdf", "test", NULL);
  expect_text(shown->err, "");
  struct fake *f = fake_start(takes_a_grant, &g);
  shown = run(f, NULL, "release", "grant", "bbbb", "--key", key, "--passphrase-file", passphrase, "--until",
              "2031-01-01T00:00:00Z", "--grant-to", "BF", "--grant-to", "ECOWAS", "--serial", "12", NULL);
  expect_text(shown->err, "");
  assert_int_equal(shown->code, 0);
  fake_finish(f);
  assert_string_equal(g.note, g.content);
  assert_ptr_equal(strstr(g.note, "toguna/grant v1\n"), g.note);
  static const char *const lines[] = {
      "\nexchange sahel.example\n",
      "\nmember ML\n",
      "\nserial 12\n",
      "\nbulletin aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
      "\nuntil 2031-01-01T00:00:00Z\n",
      "\nto BF ECOWAS\n",
      "\n\n\u2014 sahel.example/ML/release-1 "};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    if (!strstr(g.note, lines[i]))
      fail_msg("no line %s in:\n%s", lines[i], g.note);
}

static void a_grant_needs_a_key_and_an_end(void **state)
{
  (void)state;
  expect_refusal(run(NULL, NULL, "release", "grant", "bbbb", "--until", "30d", NULL), 2, "--key", NULL);
  expect_refusal(run(NULL, NULL, "release", "grant", "bbbb", "--key", "x.key", NULL), 2, "--until", NULL);
}

static void lists_both_folders(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_LIST);
  fake_item(f, &sample_flash()->item);
  fake_item(f, &request_of_bf()->item);
  fake_done(f, 2);
  const Tg__LList *m = fake_expect(f, LOCAL_LIST);
  fake_check(f, m->filter->folder == 2);
  fake_done(f, 0);
  fake_until_closed(f);
}

static void the_list_has_requests_and_answers_only(void **state)
{
  (void)state;
  struct fake *f = fake_start(lists_both_folders, NULL);
  shown = run(f, NULL, "release", "list", NULL);
  assert_int_equal(shown->code, 0);
  expect_text(shown->out, "ID            KIND             PRECEDENCE  MARKING                 FROM       "
                          "CREATED                  ANSWERS\n"
                          "bbbbbbbbbbbb  release-request  PRIORITY    UNCLASSIFIED TLP:GREEN  BF/anr/n1  "
                          "2026-11-30 13:00:00 UTC  "
                          "aaaaaaaaaaaa\n");
  fake_finish(f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_request_goes_to_the_originator_with_its_reason),
      cmocka_unit_test(a_denial_answers_the_request),
      cmocka_unit_test(only_requests_are_answered),
      cmocka_unit_test(a_grant_is_signed_handed_in_and_sent),
      cmocka_unit_test(a_grant_needs_a_key_and_an_end),
      cmocka_unit_test(the_list_has_requests_and_answers_only),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
