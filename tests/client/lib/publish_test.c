/* libtoguna: previews and publications. */
#include "tests/client/lib/open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A draft that is in order: one portion, "hello". */
struct letter {
  const char *to[3], *topics[3];
  struct toguna_portion portion[2];
  struct toguna_draft draft;
};

static struct toguna_draft *letter(struct letter *l)
{
  *l = (struct letter){.to = {"AES", "SN", NULL}, .topics = {"alert.attack", NULL}};
  l->portion[0] = (struct toguna_portion){.level = TOGUNA_RESTRICTED,
                                          .tlp = TOGUNA_TLP_AMBER,
                                          .to = l->to,
                                          .title = "Convoi",
                                          .content = {.memory = "hello", .size = 5}};
  l->portion[1] = l->portion[0];
  l->draft = (struct toguna_draft){
      .precedence = TOGUNA_FLASH, .topics = l->topics, .portions = l->portion, .portion_count = 1};
  return &l->draft;
}

/* ---- preview ---- */

static void shows_an_audience(struct fake *f)
{
  fake_accept(f);
  const Tg__LPreview *m = fake_expect(f, LOCAL_PREVIEW);
  fake_check(f, m->draft->n_portions == 1);
  fake_check(f, m->draft->portions[0]->size == 5 && m->draft->portions[0]->level == 2);
  fake_check(f, slice_is(strict_slice(m->draft->portions[0]->content_type), "text/plain; charset=utf-8"));
  Tg__LAudience a = TG__LAUDIENCE__INIT;
  Tg__LAudienceLine line[3], *lines[3] = {&line[0], &line[1], &line[2]};
  ProtobufCBinaryData nodes[] = {fake_text("SN/drn/n1"), fake_text("SN/drn/n2")}, args[] = {fake_text("SN")};
  ProtobufCBinaryData missing[] = {fake_text("an officer must approve it")};
  for (size_t i = 0; i < 3; i++)
    line[i] = (Tg__LAudienceLine)TG__LAUDIENCE_LINE__INIT;
  line[0].member = fake_text("SN");
  line[0].stage = 3;
  line[0].rule_file = fake_text("ml.policy");
  line[0].rule_line = 12;
  line[0].rule_text = fake_text("deny export to SN");
  line[0].what = fake_text("your policy does not let %1$s have it");
  line[0].args = args;
  line[0].n_args = 1;
  line[1].member = fake_text("NE");
  line[1].portions = 1;
  line[1].new_for_topic = 1;
  line[1].fallback_key = 1;
  line[2].member = fake_text("BF");
  line[2].portions = 1;
  line[2].nodes = nodes;
  line[2].n_nodes = 2;
  a.lines = lines;
  a.n_lines = 3;
  a.missing = missing;
  a.n_missing = 1;
  fake_send(f, LOCAL_AUDIENCE, &a.base);
  fake_until_closed(f);
}

static void a_preview_says_who_will_read_and_who_not_and_why(void **state)
{
  (void)state;
  struct fake *f = fake_start(shows_an_audience, NULL);
  struct toguna *node = open_to(f);
  struct toguna_audience *audience;
  struct letter l;
  assert_int_equal(toguna_preview(node, letter(&l), &audience, NULL), TOGUNA_OK);
  toguna_close(node); /* the audience is the caller's */
  const struct toguna_audience_line *const *lines = audience->lines;
  assert_string_equal(lines[0]->member, "BF"); /* permitted first, each group by code */
  assert_string_equal(lines[0]->nodes[1], "SN/drn/n2");
  assert_null(lines[0]->nodes[2]);
  assert_string_equal(lines[1]->member, "NE");
  assert_true(lines[1]->new_for_topic && lines[1]->fallback_key);
  assert_string_equal(lines[1]->reason, "");
  assert_string_equal(lines[2]->member, "SN");
  assert_int_equal(lines[2]->portions, 0);
  assert_int_equal(lines[2]->stage, TOGUNA_STAGE_EXPORT);
  assert_string_equal(lines[2]->rule_file, "ml.policy");
  assert_int_equal(lines[2]->rule_line, 12);
  assert_string_equal(lines[2]->reason, "your policy does not let SN have it");
  assert_null(lines[3]);
  assert_string_equal(audience->missing[0], "an officer must approve it");
  assert_null(audience->missing[1]);
  toguna_audience_free(audience);
  toguna_audience_free(NULL);
  fake_finish(f);
}

/* ---- drafts that cannot be ---- */

static void greets_only(struct fake *f)
{
  fake_accept(f);
  fake_until_closed(f);
}

static enum toguna_err try_draft(struct toguna *node, const struct toguna_draft *draft,
                                 struct toguna_error *error)
{
  return toguna_publish(node, draft, TOGUNA_SPOOLED, -1, NULL, NULL, NULL, error);
}

static void a_draft_that_cannot_be_is_refused_before_anything_is_sent(void **state)
{
  (void)state;
  struct fake *f = fake_start(greets_only, NULL);
  struct toguna *node = open_to(f);
  struct toguna_error e;
  struct letter l;
  assert_int_equal(try_draft(node, NULL, &e), TOGUNA_USAGE);
  letter(&l)->portion_count = 0;
  assert_int_equal(try_draft(node, &l.draft, &e), TOGUNA_BAD_INPUT);
  letter(&l);
  l.portion[0].level = 0;
  assert_int_equal(try_draft(node, &l.draft, &e), TOGUNA_BAD_INPUT);
  assert_string_equal(e.where, "portion 1");
  letter(&l)->portion_count = 2;
  l.portion[1].tlp = 0;
  assert_int_equal(try_draft(node, &l.draft, &e), TOGUNA_BAD_INPUT);
  assert_string_equal(e.where, "portion 2");
  letter(&l);
  l.to[0] = NULL;
  assert_int_equal(try_draft(node, &l.draft, &e), TOGUNA_BAD_INPUT);
  assert_non_null(strstr(e.text, "release list is empty"));
  letter(&l);
  l.topics[0] = NULL;
  assert_int_equal(try_draft(node, &l.draft, &e), TOGUNA_BAD_INPUT);
  l.topics[0] = "alert.**";
  assert_int_equal(try_draft(node, &l.draft, &e), TOGUNA_BAD_INPUT);
  assert_non_null(strstr(e.text, "wildcard"));
  l.topics[0] = "Alert";
  assert_int_equal(try_draft(node, &l.draft, &e), TOGUNA_BAD_INPUT);
  letter(&l);
  l.portion[0].filename = "../etc/passwd";
  assert_int_equal(try_draft(node, &l.draft, &e), TOGUNA_BAD_INPUT);
  letter(&l);
  l.portion[0].title = "reads \xe2\x80\xae other";
  assert_int_equal(try_draft(node, &l.draft, &e), TOGUNA_BAD_INPUT);
  letter(&l);
  l.portion[0].content = (struct toguna_source){.fd = 9999};
  assert_int_equal(try_draft(node, &l.draft, &e), TOGUNA_BAD_INPUT);
  assert_int_equal(toguna_publish(node, letter(&l), (enum toguna_wait)9, -1, NULL, NULL, NULL, &e),
                   TOGUNA_USAGE);
  toguna_close(node);
  fake_finish(f);
}

/* ---- publishing ---- */

struct content {
  uint64_t portion[2];
  uint8_t sum[2]; /* of all bytes */
};

static void take_content(struct fake *f, const Tg__LPublish *m, struct content *got)
{
  uint64_t size[2] = {m->draft->portions[0]->size,
                      m->draft->n_portions > 1 ? m->draft->portions[1]->size : 0};
  *got = (struct content){0};
  fake_check(f, m->n_contents == 0 || m->n_contents == m->draft->n_portions); /* short content comes along */
  for (size_t at = 0; at < m->n_contents; at++) {
    fake_check(f, m->contents[at].len == size[at]);
    for (size_t i = 0; i < m->contents[at].len; i++)
      got->sum[at] = (uint8_t)(got->sum[at] + m->contents[at].data[i]);
    got->portion[at] = size[at];
  }
  for (uint32_t at = 0; at < 2; at++)
    while (got->portion[at] < size[at]) {
      const Tg__LData *d = fake_expect(f, LOCAL_PUBLISH_DATA);
      fake_check(f, d->portion == at);
      for (size_t i = 0; i < d->data.len; i++)
        got->sum[at] = (uint8_t)(got->sum[at] + d->data.data[i]);
      got->portion[at] += d->data.len;
      fake_check(f, got->portion[at] <= size[at]);
    }
}

static void takes_and_settles(struct fake *f)
{
  fake_accept(f);
  const Tg__LPublish *m = fake_expect(f, LOCAL_PUBLISH);
  fake_check(f, m->wait == 3 && m->draft->precedence == 4 && m->draft->kind == 1);
  take_content(f, m, fake_context(f));
  for (uint32_t s = 0; s <= 3; s++)
    fake_progress(f, 0xcc, s, "");
  fake_done(f, 0);
  fake_until_closed(f);
}

static int note_state(void *context, const struct toguna_progress *progress)
{
  char *states = context;
  states[strlen(states)] = (char)('0' + progress->state);
  return 0;
}

/* A reader that gives one byte more each time. */
static ssize_t trickle(void *context, void *buffer, size_t n)
{
  size_t *step = context;
  size_t give = ++*step < n ? *step : n;
  memset(buffer, 1, give);
  return (ssize_t)give;
}

static void content_goes_out_in_order_and_every_state_is_told(void **state)
{
  (void)state;
  struct content got;
  struct fake *f = fake_start(takes_and_settles, &got);
  struct toguna *node = open_to(f);
  struct toguna_progress progress;
  struct letter l;
  size_t step = 0;
  char states[16] = "";
  size_t big = 3 * 1000 * 1000;
  uint8_t *memory = calloc(1, big);
  memory[big - 1] = 9;
  letter(&l)->portion_count = 2;
  l.portion[0].content = (struct toguna_source){.memory = memory, .size = big};
  l.portion[1].content = (struct toguna_source){.read = trickle, .context = &step, .size = 1000};
  assert_int_equal(toguna_publish(node, &l.draft, TOGUNA_SETTLED, 10000, note_state, states, &progress, NULL),
                   TOGUNA_OK);
  assert_string_equal(states, "0123");
  assert_int_equal(progress.state, TOGUNA_IS_SETTLED);
  assert_int_equal(progress.number, 7);
  assert_int_equal(progress.leaf, 41);
  assert_int_equal(progress.id.b[31], 0xcc);
  toguna_close(node);
  fake_finish(f);
  assert_int_equal(got.portion[0], big);
  assert_int_equal(got.sum[0], 9);
  assert_int_equal(got.portion[1], 1000);
  assert_int_equal(got.sum[1], (uint8_t)1000);
  free(memory);
}

static void takes_and_spools(struct fake *f)
{
  fake_accept(f);
  take_content(f, fake_expect(f, LOCAL_PUBLISH), fake_context(f));
  fake_progress(f, 0xcc, 0, "");
  fake_done(f, 0);
  fake_until_closed(f);
}

static void content_may_come_from_a_file_from_where_it_stands_or_a_pipe(void **state)
{
  (void)state;
  for (int piped = 0; piped < 2; piped++) {
    struct content got;
    struct fake *f = fake_start(takes_and_spools, &got);
    struct toguna *node = open_to(f);
    struct letter l;
    int fd[2];
    FILE *file = tmpfile();
    fputs("skip12345", file);
    fflush(file);
    assert_int_equal(lseek(fileno(file), 4, SEEK_SET), 4);
    assert_int_equal(pipe(fd), 0);
    assert_int_equal(write(fd[1], "12345", 5), 5);
    close(fd[1]);
    letter(&l);
    l.portion[0].content = (struct toguna_source){.fd = piped ? fd[0] : fileno(file)};
    assert_int_equal(try_draft(node, &l.draft, NULL), TOGUNA_OK);
    toguna_close(node);
    fake_finish(f);
    assert_int_equal(got.portion[0], 5);
    assert_int_equal(got.sum[0], '1' + '2' + '3' + '4' + '5');
    fclose(file);
    close(fd[0]);
  }
}

static ssize_t fails(void *context, void *buffer, size_t n)
{
  (void)context, (void)buffer, (void)n;
  return -1;
}

static ssize_t ends_early(void *context, void *buffer, size_t n)
{
  (void)context, (void)buffer, (void)n;
  return 0;
}

static void hears_it_called_off(struct fake *f)
{
  fake_accept(f);
  for (int i = 0; i < 2; i++) {
    fake_expect(f, LOCAL_PUBLISH);
    uint64_t request = fake_request(f);
    fake_expect(f, LOCAL_CANCEL);
    fake_check(f, fake_request(f) == request);
  }
  take_content(f, fake_expect(f, LOCAL_PUBLISH), fake_context(f));
  fake_progress(f, 0xcc, 0, "");
  fake_done(f, 0);
  fake_until_closed(f);
}

static void a_source_that_fails_calls_the_publication_off(void **state)
{
  (void)state;
  struct content got;
  struct fake *f = fake_start(hears_it_called_off, &got);
  struct toguna *node = open_to(f);
  struct toguna_error e;
  struct letter l;
  letter(&l);
  l.portion[0].content = (struct toguna_source){.read = fails, .size = 10};
  assert_int_equal(try_draft(node, &l.draft, &e), TOGUNA_BAD_INPUT); /* so short that nothing was sent */
  l.portion[0].content.size = 100000;
  assert_int_equal(try_draft(node, &l.draft, &e), TOGUNA_BAD_INPUT);
  assert_string_equal(e.where, "portion 1");
  l.portion[0].content.read = ends_early;
  assert_int_equal(try_draft(node, &l.draft, &e), TOGUNA_BAD_INPUT);
  assert_int_equal(try_draft(node, letter(&l), &e), TOGUNA_OK); /* and the connection is as good as before */
  toguna_close(node);
  fake_finish(f);
}

/* ---- no for an answer ---- */

static void refuses_in_the_middle(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_PUBLISH);
  fake_error(f, TG_REFUSED, "ml.policy:3", "your policy lets nobody have it", "", "");
  take_content(f, fake_expect(f, LOCAL_PUBLISH), fake_context(f)); /* what was on its way is not in the way */
  fake_progress(f, 0xcc, 0, "");
  fake_done(f, 0);
  fake_until_closed(f);
}

static void refuses_and_hangs_up(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_PUBLISH);
  fake_error(f, TG_REFUSED, "ml.policy:3", "your policy lets nobody have it", "", "");
  fake_hang_up(f);
}

static void a_refusal_is_heard_before_all_content_is_sent(void **state)
{
  (void)state;
  struct fake *f = fake_start(refuses_and_hangs_up, NULL);
  struct toguna *node = open_to(f);
  struct toguna_error e;
  struct letter l;
  size_t big = 64 << 20;
  uint8_t *memory = calloc(1, big); /* far more than a socket holds: nobody reads it */
  letter(&l);
  l.portion[0].content = (struct toguna_source){.memory = memory, .size = big};
  assert_int_equal(try_draft(node, &l.draft, &e), TOGUNA_REFUSED);
  assert_string_equal(e.text, "ml.policy:3: your policy lets nobody have it");
  free(memory);
  toguna_close(node);
  fake_finish(f);
}

static void a_refusal_leaves_the_connection_usable(void **state)
{
  (void)state;
  struct content got;
  struct fake *f = fake_start(refuses_in_the_middle, &got);
  struct toguna *node = open_to(f);
  struct letter l;
  letter(&l);
  l.portion[0].content = (struct toguna_source){.memory = "", .size = 0};
  assert_int_equal(try_draft(node, &l.draft, NULL), TOGUNA_REFUSED);
  assert_int_equal(try_draft(node, letter(&l), NULL), TOGUNA_OK);
  toguna_close(node);
  fake_finish(f);
}

static void hub_refuses(struct fake *f)
{
  fake_accept(f);
  take_content(f, fake_expect(f, LOCAL_PUBLISH), fake_context(f));
  fake_progress(f, 0xcc, 0, "");
  fake_progress(f, 0xcc, 4, "its charter is out of date");
  fake_done(f, 0);
  fake_until_closed(f);
}

static void a_refusal_of_the_hub_is_a_refusal_with_its_words(void **state)
{
  (void)state;
  struct content got;
  struct fake *f = fake_start(hub_refuses, &got);
  struct toguna *node = open_to(f);
  struct toguna_progress progress = {0};
  struct toguna_error e;
  struct letter l;
  assert_int_equal(toguna_publish(node, letter(&l), TOGUNA_ACCEPTED, -1, NULL, NULL, &progress, &e),
                   TOGUNA_REFUSED);
  assert_int_equal(progress.state, TOGUNA_IS_REFUSED);
  assert_string_equal(progress.detail, "its charter is out of date");
  assert_string_equal(e.where, "cccccccccccc");
  assert_non_null(strstr(e.text, "its charter is out of date"));
  toguna_close(node);
  fake_finish(f);
}

/* ---- waiting ---- */

static void spools_and_keeps_silent(struct fake *f)
{
  fake_accept(f);
  take_content(f, fake_expect(f, LOCAL_PUBLISH), fake_context(f));
  uint64_t request = fake_request(f);
  fake_progress(f, 0xcc, 0, "");
  fake_expect(f, LOCAL_CANCEL);
  fake_check(f, fake_request(f) == request);
  fake_progress(f, 0xcc, 1, ""); /* was on its way */
  fake_expect(f, LOCAL_LIST);
  fake_done(f, 0);
  fake_until_closed(f);
}

static int never(void *context, const struct toguna_item *item)
{
  (void)context, (void)item;
  return 1;
}

static void the_time_to_wait_ends_without_harm(void **state)
{
  (void)state;
  struct content got;
  struct fake *f = fake_start(spools_and_keeps_silent, &got);
  struct toguna *node = open_to(f);
  struct toguna_progress progress = {.number = 99};
  struct toguna_error e;
  struct letter l;
  assert_int_equal(toguna_publish(node, letter(&l), TOGUNA_DELIVERED, 30, NULL, NULL, &progress, &e),
                   TOGUNA_BUSY);
  assert_int_equal(progress.state, TOGUNA_IS_SPOOLED);
  assert_int_equal(progress.number, 7);
  assert_int_equal(toguna_list(node, NULL, never, NULL, NULL), TOGUNA_OK);
  toguna_close(node);
  fake_finish(f);
}

static int enough(void *context, const struct toguna_progress *progress)
{
  (void)progress;
  struct toguna_audience *audience;
  struct letter l;
  struct toguna_error e;
  assert_int_equal(toguna_preview(context, letter(&l), &audience, &e), TOGUNA_USAGE); /* not from inside */
  return 1;
}

static void a_callback_may_end_the_waiting(void **state)
{
  (void)state;
  struct content got;
  struct fake *f = fake_start(spools_and_keeps_silent, &got);
  struct toguna *node = open_to(f);
  struct letter l;
  assert_int_equal(toguna_publish(node, letter(&l), TOGUNA_SETTLED, -1, enough, node, NULL, NULL), TOGUNA_OK);
  assert_int_equal(toguna_list(node, NULL, never, NULL, NULL), TOGUNA_OK);
  toguna_close(node);
  fake_finish(f);
}

static void dies_before_it_spooled(struct fake *f)
{
  fake_accept(f);
  const Tg__LPublish *m = fake_expect(f, LOCAL_PUBLISH);
  fake_check(f, m->brief && m->n_contents == 1);
  fake_hang_up(f);
}

static void a_node_that_dies_has_not_spooled(void **state)
{
  (void)state;
  struct fake *f = fake_start(dies_before_it_spooled, NULL);
  struct toguna *node = open_to(f);
  struct toguna_progress progress = {.number = 99};
  struct letter l;
  assert_int_equal(toguna_publish(node, letter(&l), TOGUNA_SPOOLED, -1, NULL, NULL, &progress, NULL),
                   TOGUNA_UNREACHABLE);
  assert_int_equal(progress.number, 99);
  toguna_close(node);
  fake_finish(f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_preview_says_who_will_read_and_who_not_and_why),
      cmocka_unit_test(a_draft_that_cannot_be_is_refused_before_anything_is_sent),
      cmocka_unit_test(content_goes_out_in_order_and_every_state_is_told),
      cmocka_unit_test(content_may_come_from_a_file_from_where_it_stands_or_a_pipe),
      cmocka_unit_test(a_source_that_fails_calls_the_publication_off),
      cmocka_unit_test(a_refusal_is_heard_before_all_content_is_sent),
      cmocka_unit_test(a_refusal_leaves_the_connection_usable),
      cmocka_unit_test(a_refusal_of_the_hub_is_a_refusal_with_its_words),
      cmocka_unit_test(the_time_to_wait_ends_without_harm),
      cmocka_unit_test(a_callback_may_end_the_waiting),
      cmocka_unit_test(a_node_that_dies_has_not_spooled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
