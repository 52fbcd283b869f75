/* libtoguna: many publications under way at once. */
#include "tests/client/lib/open.h"

#include <stdlib.h>
#include <string.h>

/* What was told of one submission. */
struct told {
  unsigned times;
  enum toguna_err err;
  enum toguna_state state;
  uint8_t id;
  char text[1024];
};

static void note(void *context, enum toguna_err err, const struct toguna_progress *progress, const struct toguna_error *error)
{
  struct told *told = context;
  told->times++;
  told->err = err;
  told->state = progress ? progress->state : TOGUNA_IS_EXPIRED;
  told->id = progress ? progress->id.b[0] : 0;
  strcpy(told->text, error ? error->text : "");
}

static enum toguna_err submit(struct toguna *node, const void *memory, size_t size, enum toguna_wait wait,
                              toguna_on_published *on_published, void *context)
{
  const char *to[] = {"SN", NULL}, *topics[] = {"alert.attack", NULL};
  struct toguna_portion portion = {
      .level = TOGUNA_RESTRICTED, .tlp = TOGUNA_TLP_AMBER, .to = to, .content = {.memory = memory, .size = size}};
  struct toguna_draft draft = {.topics = topics, .portions = &portion, .portion_count = 1};
  return toguna_submit(node, &draft, wait, on_published, context, NULL);
}

/* ---- */

static void answers_in_another_order(struct fake *f)
{
  uint64_t request[3];
  fake_accept(f);
  for (size_t i = 0; i < 3; i++) {
    const Tg__LPublish *m = fake_expect(f, LOCAL_PUBLISH);
    fake_check(f, m->brief && m->n_contents == 1 && m->contents[0].data[0] == 'a' + i);
    request[i] = fake_request(f);
  }
  fake_progress(f, 0xc3, 0, "");
  fake_answer_to(f, request[1]);
  fake_error(f, TG_REFUSED, "ml.policy:3", "your policy lets nobody have it", "", "");
  fake_answer_to(f, request[2]);
  fake_progress(f, 0xc3, 1, "");
  fake_done(f, 1);
  fake_answer_to(f, request[0]);
  fake_progress(f, 0xc1, 0, "");
  fake_progress(f, 0xc1, 4, "it is too late");
  fake_done(f, 1);
  fake_expect(f, LOCAL_LIST);
  fake_done(f, 0);
  fake_until_closed(f);
}

static int never(void *context, const struct toguna_item *item)
{
  (void)context;
  (void)item;
  return 1;
}

static void each_is_told_what_became_of_it(void **state)
{
  (void)state;
  struct fake *f = fake_start(answers_in_another_order, NULL);
  struct toguna *node = open_to(f);
  struct told told[3] = {{0}};
  struct toguna_error e;
  assert_int_equal(toguna_outstanding(node), 0);
  assert_int_equal(toguna_collect(node, -1, NULL), TOGUNA_OK); /* nothing to wait for */
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(submit(node, i == 0 ? "a" : i == 1 ? "b" : "c", 1, TOGUNA_ACCEPTED, note, &told[i]), TOGUNA_OK);
  assert_int_equal(toguna_outstanding(node), 3);
  assert_int_equal(toguna_list(node, NULL, never, NULL, &e), TOGUNA_USAGE); /* first things first */
  while (toguna_outstanding(node))
    assert_int_equal(toguna_collect(node, -1, NULL), TOGUNA_OK);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(told[i].times, 1);
  assert_int_equal(told[0].err, TOGUNA_REFUSED); /* by the hub */
  assert_int_equal(told[0].state, TOGUNA_IS_REFUSED);
  assert_int_equal(told[0].id, 0xc1);
  assert_non_null(strstr(told[0].text, "it is too late"));
  assert_int_equal(told[1].err, TOGUNA_REFUSED); /* by the node */
  assert_string_equal(told[1].text, "ml.policy:3: your policy lets nobody have it");
  assert_int_equal(told[1].id, 0);
  assert_int_equal(told[2].err, TOGUNA_OK);
  assert_int_equal(told[2].state, TOGUNA_IS_ACCEPTED);
  assert_int_equal(told[2].id, 0xc3);
  assert_int_equal(toguna_list(node, NULL, never, NULL, NULL), TOGUNA_OK);
  toguna_close(node);
  fake_finish(f);
}

/* ---- */

static void takes_all_and_is_slow(struct fake *f)
{
  uint64_t first = 0;
  fake_accept(f);
  for (size_t i = 0; i < TOGUNA_OUTSTANDING_MAX; i++) {
    fake_expect(f, LOCAL_PUBLISH);
    first = first ? first : fake_request(f);
  }
  fake_answer_to(f, first);
  fake_progress(f, 0xcc, 0, "");
  fake_done(f, 1);
  fake_expect(f, LOCAL_PUBLISH); /* that of the callback */
  fake_hang_up(f);
}

struct again {
  struct toguna *node;
  struct told told;
  unsigned submitted;
};

static void submit_another(void *context, enum toguna_err err, const struct toguna_progress *progress,
                           const struct toguna_error *error)
{
  struct again *a = context;
  note(&a->told, err, progress, error);
  assert_int_equal(toguna_collect(a->node, 0, NULL), TOGUNA_USAGE);
  if (submit(a->node, "x", 1, TOGUNA_SPOOLED, note, &a->told) == TOGUNA_OK)
    a->submitted++;
}

static void so_many_fit_and_one_that_is_over_makes_room(void **state)
{
  (void)state;
  struct fake *f = fake_start(takes_all_and_is_slow, NULL);
  struct toguna *node = open_to(f);
  struct again again = {.node = node};
  for (size_t i = 0; i < TOGUNA_OUTSTANDING_MAX; i++)
    assert_int_equal(submit(node, "x", 1, TOGUNA_SPOOLED, submit_another, &again), TOGUNA_OK);
  assert_int_equal(submit(node, "x", 1, TOGUNA_SPOOLED, submit_another, &again), TOGUNA_BUSY);
  assert_int_equal(toguna_collect(node, -1, NULL), TOGUNA_OK);
  assert_int_equal(again.told.times, 1);
  assert_int_equal(again.submitted, 1);
  assert_int_equal(toguna_outstanding(node), TOGUNA_OUTSTANDING_MAX);
  assert_int_equal(toguna_collect(node, -1, NULL), TOGUNA_UNREACHABLE); /* what became of the rest is unknown */
  assert_int_equal(again.told.times, 1);
  toguna_close(node);
  fake_finish(f);
}

/* ---- */

static void takes_a_long_one_between_two(struct fake *f)
{
  size_t size = *(size_t *)fake_context(f), got = 0;
  uint64_t request[2];
  fake_accept(f);
  fake_check(f, ((const Tg__LPublish *)fake_expect(f, LOCAL_PUBLISH))->n_contents == 1);
  request[0] = fake_request(f);
  fake_check(f, ((const Tg__LPublish *)fake_expect(f, LOCAL_PUBLISH))->n_contents == 0);
  while (got < size)
    got += ((const Tg__LData *)fake_expect(f, LOCAL_PUBLISH_DATA))->data.len;
  request[1] = fake_request(f);
  fake_check(f, got == size);
  fake_expect(f, LOCAL_PUBLISH);
  fake_done(f, 1); /* without ever having said that it is spooled */
  for (size_t i = 0; i < 2; i++) {
    fake_answer_to(f, request[i]);
    fake_progress(f, (uint8_t)(0xc0 + i), 0, "");
    fake_done(f, 1);
  }
  fake_until_closed(f);
}

static void long_content_comes_after_its_wish(void **state)
{
  (void)state;
  size_t size = 3 << 20;
  struct fake *f = fake_start(takes_a_long_one_between_two, &size);
  struct toguna *node = open_to(f);
  struct told told[3] = {{0}};
  char *memory = calloc(1, size);
  assert_non_null(memory);
  assert_int_equal(submit(node, "x", 1, TOGUNA_SPOOLED, note, &told[0]), TOGUNA_OK);
  assert_int_equal(submit(node, memory, size, TOGUNA_SPOOLED, note, &told[1]), TOGUNA_OK);
  free(memory); /* it was read */
  assert_int_equal(submit(node, NULL, 0, TOGUNA_SPOOLED, NULL, NULL), TOGUNA_USAGE);
  assert_int_equal(submit(node, "x", 1, (enum toguna_wait)7, note, &told[2]), TOGUNA_USAGE);
  assert_int_equal(submit(node, "x", 1, TOGUNA_SPOOLED, note, &told[2]), TOGUNA_OK);
  while (toguna_outstanding(node))
    assert_int_equal(toguna_collect(node, -1, NULL), TOGUNA_OK);
  assert_int_equal(told[0].err, TOGUNA_OK);
  assert_int_equal(told[1].err, TOGUNA_OK);
  assert_int_equal(told[1].id, 0xc1);
  assert_int_equal(told[2].err, TOGUNA_BAD_INPUT);
  toguna_close(node);
  fake_finish(f);
}

static void says_nothing(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_PUBLISH);
  fake_until_closed(f);
}

static void nothing_in_time_is_no_failure(void **state)
{
  (void)state;
  struct fake *f = fake_start(says_nothing, NULL);
  struct toguna *node = open_to(f);
  struct told told = {0};
  assert_int_equal(submit(node, "x", 1, TOGUNA_SPOOLED, note, &told), TOGUNA_OK);
  assert_int_equal(toguna_collect(node, 0, NULL), TOGUNA_BUSY);
  assert_int_equal(toguna_collect(node, 20, NULL), TOGUNA_BUSY);
  assert_int_equal(toguna_outstanding(node), 1);
  assert_true(toguna_fd(node) >= 0);
  toguna_close(node); /* with one outstanding */
  assert_int_equal(told.times, 0);
  fake_finish(f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_is_told_what_became_of_it),
      cmocka_unit_test(so_many_fit_and_one_that_is_over_makes_room),
      cmocka_unit_test(long_content_comes_after_its_wish),
      cmocka_unit_test(nothing_in_time_is_no_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
