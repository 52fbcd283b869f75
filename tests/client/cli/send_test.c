/* toguna publish, reply, correct, recall: exactly what is asked for leaves, and nothing before its audience
 * was shown. */
#include "tests/client/cli/run.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* ---- the node's side ---- */

static bool has(size_t n, const ProtobufCBinaryData *list, const char *words)
{
  char all[512] = "";
  for (size_t i = 0; i < n; i++) {
    strcat(all, i ? " " : "");
    strncat(all, (const char *)list[i].data, list[i].len);
  }
  return !strcmp(all, words);
}

static bool is(ProtobufCBinaryData data, const char *word)
{
  return slice_is(strict_slice(data), word);
}

/* BF and NE may have everything, SN nothing; NE is new. */
static void show_audience(struct fake *f, uint32_t mask)
{
  Tg__LAudience a = TG__LAUDIENCE__INIT;
  Tg__LAudienceLine line[3], *lines[3] = {&line[0], &line[1], &line[2]};
  ProtobufCBinaryData bf[] = {fake_text("BF/anr/n1")},
                      ne[] = {fake_text("NE/dged/n1"), fake_text("NE/dged/n2")};
  for (size_t i = 0; i < 3; i++)
    line[i] = (Tg__LAudienceLine)TG__LAUDIENCE_LINE__INIT;
  line[0].member = fake_text("BF");
  line[0].nodes = bf;
  line[0].n_nodes = mask ? 1 : 0;
  line[1].member = fake_text("NE");
  line[1].nodes = ne;
  line[1].n_nodes = mask ? 2 : 0;
  line[1].new_for_topic = mask != 0;
  line[0].portions = line[1].portions = mask;
  line[0].stage = line[1].stage = mask ? 0 : 6;
  line[2].member = fake_text("SN");
  line[2].stage = 3;
  line[2].rule_file = fake_text("ml.policy");
  line[2].rule_line = 12;
  line[2].rule_text = fake_text("deny export topic alert.** to SN");
  line[2].what = fake_text("the policy of ML does not let SN have it");
  a.lines = lines;
  a.n_lines = 3;
  fake_send(f, LOCAL_AUDIENCE, &a.base);
}

/* All content of a publication, the portions one after the other. */
static void take_content(struct fake *f, const Tg__LPublish *publish, char *out, size_t size)
{
  const Tg__LDraft *d = publish->draft;
  uint64_t left[16];
  size_t n = d->n_portions, at = 0;
  for (size_t i = 0; i < n; i++)
    left[i] = d->portions[i]->size;
  for (size_t i = 0; i < publish->n_contents; i++) {
    ProtobufCBinaryData c = publish->contents[i];
    fake_check(f, i < n && c.len == left[i] && at + c.len < size);
    if (c.len)
      memcpy(out + at, c.data, c.len);
    at += c.len;
    left[i] = 0;
  }
  for (size_t i = 0; i < n; i++)
    while (left[i]) {
      const Tg__LData *m = fake_expect(f, LOCAL_PUBLISH_DATA);
      fake_check(f, m->portion == i && m->data.len <= left[i] && at + m->data.len < size);
      memcpy(out + at, m->data.data, m->data.len);
      at += m->data.len;
      left[i] -= m->data.len;
    }
  out[at] = 0;
}

static void goes_through(struct fake *f, uint32_t mask, void (*look)(struct fake *f, const Tg__LDraft *d),
                         const char *content)
{
  char got[4096];
  const Tg__LPreview *p = fake_expect(f, LOCAL_PREVIEW);
  look(f, p->draft);
  show_audience(f, mask);
  const Tg__LPublish *m = fake_expect(f, LOCAL_PUBLISH);
  uint32_t wait = m->wait;
  look(f, m->draft);
  take_content(f, m, got, sizeof got);
  fake_check(f, !strcmp(got, content));
  for (uint32_t s = 0; s <= wait; s++)
    fake_progress(f, 0xcc, s, "");
  fake_done(f, 0);
  fake_until_closed(f);
}

/* ---- publish ---- */

static void is_the_alert(struct fake *f, const Tg__LDraft *d)
{
  fake_check(f, d->kind == 1 && d->precedence == 4 && d->flags == 0 && d->expires == UINT64_C(1798632000000));
  fake_check(f, has(d->n_topics, d->topics, "alert.attack region.mopti") && d->n_portions == 1);
  const Tg__LPortionDraft *p = d->portions[0];
  fake_check(f, p->level == 2 && p->tlp == 3 && p->caveats == 1 && p->compression == 1);
  fake_check(f, has(p->n_to, p->to, "AES SN") && has(p->n_except, p->except, "NE/dged"));
  fake_check(f, is(p->title, "Convoi") && is(p->label, "ML-CD") && is(p->language, "fr") &&
                    is(p->filename, "alerte.txt"));
  fake_check(f, is(p->content_type, "text/plain; charset=utf-8"));
}

static void takes_the_alert(struct fake *f)
{
  fake_accept(f);
  goes_through(f, 1, is_the_alert, "Convoi bloqué\n");
}

static const struct outcome *publish_alert(struct fake *f, const char *more)
{
  return run(f, NULL, "publish", put_file("alerte.txt", "Convoi bloqué\n"), "--topic",
             "alert.attack,region.mopti", "--to", "AES", "--to=SN", "--except", "NE/dged", "--class",
             "restricted", "--tlp", "AMBER", "--precedence", "flash", "--title", "Convoi", "--label", "ML-CD",
             "--language", "fr", "--orcon", "--compress", "--expires", "2026-12-30T12:00:00Z", "--wait",
             "delivered", more, NULL);
}

#define AUDIENCE                                                                                             \
  "Will be able to read it:\n"                                                                               \
  "  BF  Burkina Faso    BF/anr/n1\n"                                                                        \
  "  NE  Niger           NE/dged/n1 NE/dged/n2  NEW for this topic\n"                                        \
  "Will not:\n"                                                                                              \
  "  SN  Senegal  ml.policy:12  the policy of ML does not let SN have it\n"                                  \
  "                             deny export topic alert.** to SN\n"                                          \
  "The audience is wider than this topic had before.\n"

static void a_bulletin_goes_out_after_its_audience_was_shown(void **state)
{
  (void)state;
  struct fake *f = fake_start(takes_the_alert, NULL);
  const struct outcome *o = publish_alert(f, NULL);
  expect_text(o->err, "");
  expect_text(o->out, "FLASH  alert.attack\n"
                      "  RESTRICTED TLP:AMBER ORCON  15 B  Convoi\n" AUDIENCE "cccccccccccc  spooled\n"
                      "cccccccccccc  accepted, entry 41 of the hub's log\n"
                      "cccccccccccc  delivered\n");
  assert_int_equal(o->code, 0);
  fake_finish(f);
}

static void programs_get_one_object(void **state)
{
  (void)state;
  struct fake *f = fake_start(takes_the_alert, NULL);
  const struct outcome *o = publish_alert(f, "--json");
  assert_int_equal(o->code, 0);
  json_t *j = json_loads(o->out, 0, NULL), *third;
  assert_non_null(j);
  assert_string_equal(json_string_value(json_object_get(j, "state")), "delivered");
  assert_string_equal(json_string_value(json_object_get(j, "bulletin")),
                      "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc");
  assert_int_equal(json_integer_value(json_object_get(j, "leaf")), 41);
  third = json_array_get(json_object_get(j, "audience"), 2);
  assert_true(json_is_false(json_object_get(third, "permitted")));
  assert_string_equal(json_string_value(json_object_get(third, "stage")), "export");
  assert_int_equal(json_integer_value(json_object_get(json_object_get(third, "rule"), "line")), 12);
  assert_true(
      json_is_true(json_object_get(json_array_get(json_object_get(j, "audience"), 1), "new_for_topic")));
  json_decref(j);
  fake_finish(f);
}

static void only_previews(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_PREVIEW);
  show_audience(f, *(const uint32_t *)fake_context(f));
  fake_expect_nothing(f);
}

static void a_dry_run_stops_after_the_audience(void **state)
{
  (void)state;
  uint32_t mask = 1;
  struct fake *f = fake_start(only_previews, &mask);
  const struct outcome *o = publish_alert(f, "--dry-run");
  assert_int_equal(o->code, 0);
  assert_non_null(strstr(o->out, AUDIENCE));
  assert_null(strstr(o->out, "spooled"));
  fake_finish(f);
}

static void an_audience_of_nobody_is_a_refusal_and_nothing_leaves(void **state)
{
  (void)state;
  uint32_t mask = 0;
  struct fake *f = fake_start(only_previews, &mask);
  const struct outcome *o = publish_alert(f, NULL);
  expect_refusal(o, 1, "nobody on the release list may have it", NULL);
  expect_text(o->out, "FLASH  alert.attack\n"
                      "  RESTRICTED TLP:AMBER ORCON  15 B  Convoi\n"
                      "Nobody will be able to read it.\n"
                      "Will not:\n"
                      "  BF  Burkina Faso                this state does not take it\n"
                      "  NE  Niger                       this state does not take it\n"
                      "  SN  Senegal       ml.policy:12  the policy of ML does not let SN have it\n"
                      "                                  deny export topic alert.** to SN\n");
  fake_finish(f);
}

/* ---- portions ---- */

static void is_a_tear_line(struct fake *f, const Tg__LDraft *d)
{
  fake_check(f, d->n_portions == 3 && has(d->n_topics, d->topics, "patrol"));
  const Tg__LPortionDraft *a = d->portions[0], *b = d->portions[1], *c = d->portions[2];
  fake_check(f, a->level == 1 && a->tlp == 2 && has(a->n_to, a->to, "ECOWAS") && a->n_except == 0 &&
                    a->caveats == 0);
  fake_check(f, b->level == 4 && b->tlp == 2 && has(b->n_to, b->to, "AES ML/dgse") && b->caveats == 1);
  fake_check(f, is(b->title, "Details") && is(b->content_type, "application/stix+json;version=2.1"));
  fake_check(f, c->level == 5 && c->tlp == 5 && has(c->n_to, c->to, "ECOWAS") && c->caveats == 0 &&
                    c->title.len == 0);
  fake_check(f, is(c->content_type, "application/cap+xml"));
}

#define STIX "{\"type\":\"indicator\",\"spec_version\":\"2.1\"}"
#define CAP "<?xml version='1.0'?>\n<!-- x --><c:alert xmlns:c='urn:oasis:names:tc:emergency:cap:1.2'/>"

static void takes_a_tear_line(struct fake *f)
{
  fake_accept(f);
  goes_through(f, 7, is_a_tear_line, "summary" STIX CAP);
}

static void each_portion_has_the_options_behind_it(void **state)
{
  (void)state;
  struct fake *f = fake_start(takes_a_tear_line, NULL);
  const struct outcome *o =
      run(f, NULL, "publish", "--class", "UNCLASSIFIED", "--tlp=green", "--to", "ECOWAS", "--portion",
          put_file("a.txt", "summary"), "--topic", "patrol", "--portion", put_file("b.json", STIX), "--class",
          "SECRET", "--to", "AES,ML/dgse", "--orcon", "--title", "Details", "--wait", "spooled", "--portion",
          put_file("c.xml", CAP), "--class", "TOP-SECRET", "--tlp", "red", NULL);
  expect_text(o->err, "");
  assert_non_null(strstr(o->out, "  1  UNCLASSIFIED TLP:GREEN  7 B   a.txt\n"
                                 "  2  SECRET TLP:GREEN ORCON  41 B  Details\n"
                                 "  3  TOP-SECRET TLP:RED      89 B  c.xml\n"));
  assert_non_null(strstr(o->out, "  BF  Burkina Faso  portions 1 2 3  BF/anr/n1\n"));
  assert_int_equal(o->code, 0);
  fake_finish(f);
}

static void shows_that_one_portion_is_for_nobody(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_PREVIEW);
  show_audience(f, 1);
  fake_expect_nothing(f);
}

static void a_portion_for_nobody_holds_the_whole_back(void **state)
{
  (void)state;
  struct fake *f = fake_start(shows_that_one_portion_is_for_nobody, NULL);
  const struct outcome *o = run(f, NULL, "publish", put_file("a.txt", "a"), put_file("b.txt", "b"), "--topic",
                                "patrol", "--to", "AES", "--class", "SECRET", "--tlp", "red", NULL);
  expect_refusal(o, 1, "portion 2", NULL);
  fake_finish(f);
}

static void is_from_a_pipe(struct fake *f, const Tg__LDraft *d)
{
  fake_check(f, d->portions[0]->filename.len == 0 && d->flags == 1 && d->portions[0]->size == 6);
}

static void takes_a_pipe(struct fake *f)
{
  fake_accept(f);
  goes_through(f, 1, is_from_a_pipe, "Flood\n");
}

static void without_a_file_standard_input_is_published(void **state)
{
  (void)state;
  struct fake *f = fake_start(takes_a_pipe, NULL);
  const struct outcome *o = run(f, "Flood\n", "publish", "--topic", "alert.flood", "--to", "ML", "--class",
                                "UNCLASSIFIED", "--tlp", "clear", "--exercise", NULL);
  assert_int_equal(o->code, 0);
  assert_non_null(strstr(o->out, "EXERCISE"));
  fake_finish(f);
}

/* ---- what cannot be meant ---- */

#define GOOD "publish", "--topic", "a", "--to", "ML", "--class", "SECRET", "--tlp", "red"

static void nothing_is_assumed_and_what_is_mistyped_is_told(void **state)
{
  (void)state;
  expect_refusal(run(NULL, "x", "publish", "--topic", "a", "--to", "ML", "--tlp", "red", NULL), 2, "--class",
                 NULL);
  expect_refusal(run(NULL, "x", "publish", "--topic", "a", "--to", "ML", "--class", "SECRET", NULL), 2,
                 "--tlp", NULL);
  expect_refusal(run(NULL, "x", "publish", "--to", "ML", "--class", "SECRET", "--tlp", "red", NULL), 2,
                 "--topic", NULL);
  expect_refusal(run(NULL, "x", "publish", "--topic", "a", "--class", "SECRET", "--tlp", "red", NULL), 2,
                 "--to", "empty", NULL);
  expect_refusal(
      run(NULL, "x", "publish", "--topic", "a", "--to", ",", "--class", "SECRET", "--tlp", "red", NULL), 3,
      "--to", "empty", NULL);
  expect_refusal(
      run(NULL, "x", "publish", "--topic", "a", "--to", "Mali", "--class", "SECRET", "--tlp", "red", NULL), 3,
      "Mali", "Did you mean ML?", NULL);
  expect_refusal(run(NULL, "x", GOOD, "--except", "XX", NULL), 3, "--except", "XX", NULL);
  expect_refusal(
      run(NULL, "x", "publish", "--topic", "a", "--to", "ML", "--class", "COSMIC", "--tlp", "red", NULL), 2,
      "COSMIC", "SECRET", NULL);
  expect_refusal(
      run(NULL, "x", "publish", "--topic", "a", "--to", "ML", "--class", "SECRET", "--tlp", "pink", NULL), 2,
      "pink", NULL);
  expect_refusal(run(NULL, "x", GOOD, "--precedence", "URGENT", NULL), 2, "URGENT", "FLASH", NULL);
  expect_refusal(run(NULL, "x", GOOD, "--expires", "soon", NULL), 2, "--expires", "soon", NULL);
  expect_refusal(run(NULL, "x", GOOD, "--wait", "read", NULL), 2, "--wait", "read", NULL);
  expect_refusal(run(NULL, "x", GOOD, in_folder("absent.txt"), NULL), 3, "absent.txt", NULL);
  expect_refusal(run(NULL, "x", GOOD, "/tmp", NULL), 3, "/tmp", "regular file", NULL);
  expect_refusal(run(NULL, "x", GOOD, NULL), 4, "/nowhere/node.sock", NULL);
  expect_refusal(run(NULL, "x", GOOD, "--class", "SECRET", NULL), 2, "--class", "twice", NULL);
  expect_refusal(run(NULL, "x", GOOD, "--portion=", NULL), 2, "--portion", NULL);
  expect_refusal(run(NULL, "x", GOOD, "--portion", in_folder("absent.txt"), NULL), 3, "absent.txt", NULL);
}

static void greets(struct fake *f)
{
  fake_accept(f);
  fake_expect_nothing(f);
}

static void a_topic_has_no_wildcard(void **state)
{
  (void)state;
  struct fake *f = fake_start(greets, NULL);
  expect_refusal(
      run(f, "x", "publish", "--topic", "alert.**", "--to", "ML", "--class", "SECRET", "--tlp", "red", NULL),
      3, "alert.**", "wildcard", NULL);
  fake_finish(f);
}

static void knows_no_such_member(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_PREVIEW);
  fake_error(f, TG_NOT_FOUND, "", "%1$s is not a member of this exchange", "", "FR");
  fake_expect_nothing(f);
}

static void what_the_node_knows_better_is_passed_on(void **state)
{
  (void)state;
  struct fake *f = fake_start(knows_no_such_member, NULL);
  expect_refusal(
      run(f, "x", "publish", "--topic", "a", "--to", "FR", "--class", "SECRET", "--tlp", "red", NULL), 3,
      "FR is not a member of this exchange", NULL);
  fake_finish(f);
}

static void spools_only(struct fake *f)
{
  char got[64];
  fake_accept(f);
  fake_expect(f, LOCAL_PREVIEW);
  show_audience(f, 1);
  const Tg__LPublish *m = fake_expect(f, LOCAL_PUBLISH);
  take_content(f, m, got, sizeof got);
  fake_progress(f, 0xcc, 0, "");
  fake_until_closed(f);
}

static void waiting_has_an_end_that_says_how_to_go_on(void **state)
{
  (void)state;
  struct fake *f = fake_start(spools_only, NULL);
  const struct outcome *o = run(f, "x", GOOD, "--wait", "settled", "--timeout", "1s", NULL);
  assert_non_null(strstr(o->out, "cccccccccccc  spooled\n"));
  expect_refusal(o, 4, "cccccccccccc", "toguna track", NULL);
  fake_finish(f);
}

/* ---- answers ---- */

static void is_a_reply(struct fake *f, const Tg__LDraft *d)
{
  fake_check(f, d->kind == 2 && d->replies_to.len == 32 && d->replies_to.data[0] == 0xbb &&
                    d->supersedes.len == 0);
  fake_check(f, d->precedence == 2 && has(d->n_topics, d->topics, "patrol") && d->n_portions == 1);
  const Tg__LPortionDraft *p = d->portions[0];
  fake_check(f, p->level == 4 && p->tlp == 5 && has(p->n_to, p->to, "BF") && p->title.len == 0);
}

static void takes_a_reply(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_RESOLVE);
  fake_item(f, &sample_two()->item);
  goes_through(f, 1, is_a_reply, "We see the same");
}

static void a_reply_goes_to_the_originator_under_the_same_marking(void **state)
{
  (void)state;
  struct fake *f = fake_start(takes_a_reply, NULL);
  const struct outcome *o = run(f, "We see the same", "reply", "bbbb", NULL);
  expect_text(o->err, "");
  assert_int_equal(o->code, 0);
  fake_finish(f);
}

static void give_ours(struct fake *f)
{
  fake_expect(f, LOCAL_RESOLVE);
  struct sample *two = sample_two();
  two->item.originator = fake_text("ML/dgse/n1");
  two->item.member = fake_text("ML");
  fake_item(f, &two->item);
}

static bool has_the_readers_of_two(const Tg__LDraft *d)
{
  const Tg__LPortionDraft *a = d->portions[0], *b = d->portions[1];
  return d->n_portions == 2 && has(a->n_to, a->to, "ECOWAS AES") && a->level == 1 && a->tlp == 2 &&
         has(b->n_to, b->to, "AES") && has(b->n_except, b->except, "NE") && b->level == 4 && b->tlp == 5 &&
         b->caveats == 1;
}

static void is_a_correction(struct fake *f, const Tg__LDraft *d)
{
  fake_check(f, d->kind == 3 && d->supersedes.len == 32 && d->supersedes.data[0] == 0xbb &&
                    has_the_readers_of_two(d));
  fake_check(f,
             is(d->portions[1]->title, "Patrol, details") && is(d->portions[1]->label, "BF-SECRET-DEFENSE"));
}

static void takes_a_correction(struct fake *f)
{
  fake_accept(f);
  give_ours(f);
  goes_through(f, 3, is_a_correction, "new summarynew details");
}

static void a_correction_goes_where_the_old_one_went(void **state)
{
  (void)state;
  struct fake *f = fake_start(takes_a_correction, NULL);
  const struct outcome *o = run(f, NULL, "correct", "bbbb", put_file("s.txt", "new summary"),
                                put_file("d.txt", "new details"), NULL);
  expect_text(o->err, "");
  assert_int_equal(o->code, 0);
  fake_finish(f);
}

static void gives_ours_only(struct fake *f)
{
  fake_accept(f);
  give_ours(f);
  fake_expect_nothing(f);
}

static void every_portion_must_be_corrected(void **state)
{
  (void)state;
  struct fake *f = fake_start(gives_ours_only, NULL);
  expect_refusal(run(f, NULL, "correct", "bbbb", put_file("s.txt", "new summary"), NULL), 2, "2 portions",
                 NULL);
  fake_finish(f);
}

static void is_a_recall(struct fake *f, const Tg__LDraft *d)
{
  fake_check(f, d->kind == 4 && d->supersedes.len == 32 && has_the_readers_of_two(d));
  fake_check(f,
             d->portions[0]->title.len == 0 && is(d->portions[0]->content_type, "text/plain; charset=utf-8"));
}

static void takes_a_recall(struct fake *f)
{
  fake_accept(f);
  give_ours(f);
  goes_through(f, 3, is_a_recall, "It was wrong.It was wrong.");
}

static void a_recall_reaches_every_reader_with_its_reason(void **state)
{
  (void)state;
  struct fake *f = fake_start(takes_a_recall, NULL);
  const struct outcome *o = run(f, NULL, "recall", "bbbb", "--reason", "It was wrong.", NULL);
  expect_text(o->err, "");
  assert_int_equal(o->code, 0);
  fake_finish(f);
  expect_refusal(run(NULL, NULL, "recall", "bbbb", NULL), 2, "--reason", NULL);
}

static void gives_another_s(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_RESOLVE);
  fake_item(f, &sample_two()->item);
  fake_expect_nothing(f);
}

static void only_the_originator_takes_back_or_corrects(void **state)
{
  (void)state;
  struct fake *f = fake_start(gives_another_s, NULL);
  expect_refusal(run(f, NULL, "recall", "bbbb", "--reason", "x", NULL), 1, "BF/anr/n1", NULL);
  fake_finish(f);
  f = fake_start(gives_another_s, NULL);
  expect_refusal(run(f, "x", "correct", "bbbb", NULL), 1, "BF/anr/n1", NULL);
  fake_finish(f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bulletin_goes_out_after_its_audience_was_shown),
      cmocka_unit_test(programs_get_one_object),
      cmocka_unit_test(a_dry_run_stops_after_the_audience),
      cmocka_unit_test(an_audience_of_nobody_is_a_refusal_and_nothing_leaves),
      cmocka_unit_test(each_portion_has_the_options_behind_it),
      cmocka_unit_test(a_portion_for_nobody_holds_the_whole_back),
      cmocka_unit_test(without_a_file_standard_input_is_published),
      cmocka_unit_test(nothing_is_assumed_and_what_is_mistyped_is_told),
      cmocka_unit_test(a_topic_has_no_wildcard),
      cmocka_unit_test(what_the_node_knows_better_is_passed_on),
      cmocka_unit_test(waiting_has_an_end_that_says_how_to_go_on),
      cmocka_unit_test(a_reply_goes_to_the_originator_under_the_same_marking),
      cmocka_unit_test(a_correction_goes_where_the_old_one_went),
      cmocka_unit_test(every_portion_must_be_corrected),
      cmocka_unit_test(a_recall_reaches_every_reader_with_its_reason),
      cmocka_unit_test(only_the_originator_takes_back_or_corrects),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
