/* libtoguna: looking into folders and following them. */
#include "tests/client/lib/open.h"

#include <poll.h>
#include <string.h>

/* ---- a list ---- */

static void lists_two(struct fake *f)
{
  fake_accept(f);
  const Tg__LList *m = fake_expect(f, LOCAL_LIST);
  fake_check(f, m->filter->folder == 1 && m->filter->unread && m->filter->limit == 5 &&
                    m->filter->since == 1000);
  fake_check(f, slice_is(strict_slice(m->filter->from), "ML") &&
                    slice_is(strict_slice(m->filter->topic), "alert.**"));
  fake_item(f, &sample_flash()->item);
  struct sample *two = sample_two();
  uint8_t first[32];
  memset(first, 0xaa, sizeof first);
  ProtobufCBinaryData sources[] = {strict_data_of(first, 32)};
  two->item.supersedes = sources[0];
  two->item.sources = sources;
  two->item.n_sources = 1;
  two->item.missing_before = 1;
  two->item.state = 3;
  fake_item(f, &two->item);
  fake_done(f, 2);
  fake_until_closed(f);
}

static int look(void *context, const struct toguna_item *item)
{
  int *seen = context;
  if (++*seen == 1) {
    assert_int_equal(item->id.b[0], 0xaa);
    assert_int_equal(item->place, 1);
    assert_string_equal(item->originator, "ML/dgse/n1");
    assert_int_equal(item->kind, TOGUNA_REPORT);
    assert_int_equal(item->precedence, TOGUNA_FLASH);
    assert_int_equal(item->created, INT64_C(1796040000000));
    assert_string_equal(item->topics[0], "alert.attack");
    assert_null(item->topics[1]);
    assert_null(item->supersedes);
    assert_null(item->replies_to);
    assert_int_equal(item->source_count, 0);
    assert_string_equal(item->portions[0]->to[1], "SN");
    assert_string_equal(item->portions[0]->language, "fr");
    assert_null(item->portions[0]->filename);
    assert_int_equal(item->portions[0]->size, 42);
    assert_null(item->portions[1]);
    assert_false(item->missing_before);
  } else {
    assert_int_equal(item->supersedes->b[31], 0xaa);
    assert_int_equal(item->source_count, 1);
    assert_int_equal(item->sources[0].b[0], 0xaa);
    assert_int_equal(item->state, TOGUNA_RECALLED_RETAINED);
    assert_int_equal(item->portions[1]->level, TOGUNA_SECRET);
    assert_int_equal(item->portions[1]->caveats, TOGUNA_ORCON);
    assert_string_equal(item->portions[1]->label, "BF-SECRET-DEFENSE");
    assert_string_equal(item->portions[1]->except[0], "NE");
    assert_true(item->missing_before);
  }
  return 0;
}

static void a_folder_is_shown_oldest_first_with_all_that_is_known(void **state)
{
  (void)state;
  struct fake *f = fake_start(lists_two, NULL);
  struct toguna *node = open_to(f);
  struct toguna_filter filter = {
      .unread = true, .from = "ML", .topic = "alert.**", .since = 1000, .limit = 5};
  int seen = 0;
  assert_int_equal(toguna_list(node, &filter, look, &seen, NULL), TOGUNA_OK);
  assert_int_equal(seen, 2);
  toguna_close(node);
  fake_finish(f);
}

static void lists_without_end(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_LIST);
  uint64_t request = fake_request(f);
  for (int i = 0; i < 5; i++)
    fake_item(f, &sample_flash()->item);
  fake_expect(f, LOCAL_CANCEL);
  fake_check(f, fake_request(f) == request);
  const Tg__LResolve *m = fake_expect(f, LOCAL_RESOLVE);
  fake_check(f, slice_is(strict_slice(m->prefix), "bbbb"));
  fake_item(f, &sample_two()->item);
  fake_until_closed(f);
}

static int only_one(void *context, const struct toguna_item *item)
{
  *(int *)context += 1 + (item->portions[1] != NULL);
  return 1;
}

static void who_has_seen_enough_may_go_on_with_something_else(void **state)
{
  (void)state;
  struct fake *f = fake_start(lists_without_end, NULL);
  struct toguna *node = open_to(f);
  int seen = 0;
  assert_int_equal(toguna_list(node, NULL, only_one, &seen, NULL), TOGUNA_OK);
  assert_int_equal(seen, 1);
  assert_int_equal(toguna_find(node, "BBBB", only_one, &seen, NULL), TOGUNA_OK);
  assert_int_equal(seen, 3);
  toguna_close(node);
  fake_finish(f);
}

static void finds_none_or_several(struct fake *f)
{
  fake_accept(f);
  fake_expect(f, LOCAL_RESOLVE);
  fake_error(f, TG_NOT_FOUND, "cafe", "there is no such bulletin", "", "");
  fake_expect(f, LOCAL_RESOLVE);
  fake_error(f, TG_CONFLICT, "aaaa", "several bulletins begin with this", "Give more digits", "");
  fake_until_closed(f);
}

static void a_prefix_names_one_bulletin_or_none(void **state)
{
  (void)state;
  struct fake *f = fake_start(finds_none_or_several, NULL);
  struct toguna *node = open_to(f);
  int seen = 0;
  static const char *const no_prefix[] = {"", "abc", "xyzw", "aaaa ", NULL};
  for (size_t i = 0; no_prefix[i]; i++)
    assert_int_equal(toguna_find(node, no_prefix[i], only_one, &seen, NULL), TOGUNA_BAD_INPUT);
  assert_int_equal(toguna_find(node, NULL, only_one, &seen, NULL), TOGUNA_BAD_INPUT);
  assert_int_equal(toguna_find(node, "cafe", only_one, &seen, NULL), TOGUNA_NOT_FOUND);
  assert_int_equal(toguna_find(node, "aaaa", only_one, &seen, NULL), TOGUNA_CONFLICT);
  assert_int_equal(seen, 0);
  toguna_close(node);
  fake_finish(f);
}

/* ---- following ---- */

static void feeds_a_follower(struct fake *f)
{
  fake_accept(f);
  fake_accept(f); /* a second connection */
  const Tg__LFollow *m = fake_expect(f, LOCAL_FOLLOW);
  fake_check(f, m->filter->after == 7 && !m->ahead);
  uint64_t follow = fake_request(f);
  fake_item(f, &sample_flash()->item);
  fake_turn_to(f, 1);
  fake_expect(f, LOCAL_ACK); /* the program uses its first connection meanwhile */
  fake_done(f, 1);
  fake_turn_to(f, 2);
  struct sample *two = sample_two();
  two->item.request = follow;
  fake_check(f, fake_request(f) == follow); /* both connections number from 1: hello 1, request 2 */
  fake_item(f, &two->item);
  fake_hang_up(f);
  fake_turn_to(f, 1);
  fake_until_closed(f);
}

static void a_subscription_has_a_connection_of_its_own(void **state)
{
  (void)state;
  struct fake *f = fake_start(feeds_a_follower, NULL);
  struct toguna *node = open_to(f);
  struct toguna_subscription *s;
  const struct toguna_item *item;
  struct toguna_error error;
  struct toguna_filter filter = {.after = 7};
  assert_int_equal(toguna_subscribe(node, &filter, &s, &error), TOGUNA_OK);
  struct pollfd ready = {.fd = toguna_subscription_fd(s), .events = POLLIN};
  assert_int_equal(poll(&ready, 1, 10000), 1);
  assert_int_equal(toguna_next(s, 10000, &item, NULL), TOGUNA_OK);
  assert_int_equal(item->id.b[0], 0xaa);
  assert_int_equal(toguna_next(s, 0, &item, &error), TOGUNA_BUSY);
  assert_int_equal(toguna_next(s, 10, &item, &error), TOGUNA_BUSY);
  struct toguna_id id = item->id;
  assert_int_equal(toguna_ack(node, &id, NULL), TOGUNA_OK);
  int seen = 0;
  assert_int_equal(toguna_run(s, only_one, &seen, NULL), TOGUNA_OK);
  assert_int_equal(seen, 2);
  assert_int_equal(toguna_run(s, only_one, &seen, &error), TOGUNA_UNREACHABLE);
  toguna_subscription_free(s);
  toguna_subscription_free(NULL);
  toguna_close(node);
  fake_finish(f);
}

static void feeds_with_content(struct fake *f)
{
  fake_accept(f);
  fake_accept(f);
  const Tg__LFollow *m = fake_expect(f, LOCAL_FOLLOW);
  fake_check(f, m->content == 65536 && m->mark && m->ahead);
  struct sample *two = sample_two();
  ProtobufCBinaryData contents[2] = {fake_text("what was seen"), {0, NULL}};
  two->portion[0].size = contents[0].len;
  two->portion[1].size = 0;
  two->item.contents = contents;
  two->item.n_contents = 2;
  two->item.ahead = true;
  fake_item(f, &two->item);
  two->item.ahead = false;
  two->item.n_contents = 0; /* one that is too long */
  two->portion[0].size = 100000;
  fake_item(f, &two->item);
  fake_until_closed(f);
}

static void what_is_short_comes_with_its_content(void **state)
{
  (void)state;
  struct fake *f = fake_start(feeds_with_content, NULL);
  struct toguna *node = open_to(f);
  struct toguna_filter filter = {.content = 1 << 20, .mark = true, .ahead = true};
  struct toguna_subscription *s;
  const struct toguna_item *item;
  assert_int_equal(toguna_subscribe(node, &filter, &s, NULL), TOGUNA_OK);
  assert_int_equal(toguna_next(s, -1, &item, NULL), TOGUNA_OK);
  assert_string_equal(item->portions[0]->content, "what was seen");
  assert_true(item->ahead);
  assert_string_equal(item->portions[1]->content, "");
  assert_int_equal(toguna_next(s, -1, &item, NULL), TOGUNA_OK);
  assert_null(item->portions[0]->content);
  assert_false(item->ahead);
  toguna_subscription_free(s);
  toguna_close(node);
  fake_finish(f);
}

static void lets_nobody_follow(struct fake *f)
{
  fake_accept(f);
  fake_accept(f);
  fake_expect(f, LOCAL_FOLLOW);
  fake_error(f, TG_REFUSED, "", "this takes the role reader", "", "");
  fake_until_closed(f);
}

static void a_refused_subscription_says_so_once_it_is_read(void **state)
{
  (void)state;
  struct fake *f = fake_start(lets_nobody_follow, NULL);
  struct toguna *node = open_to(f);
  struct toguna_subscription *s;
  const struct toguna_item *item;
  assert_int_equal(toguna_subscribe(node, NULL, &s, NULL), TOGUNA_OK);
  assert_int_equal(toguna_next(s, -1, &item, NULL), TOGUNA_REFUSED);
  toguna_subscription_free(s);
  toguna_close(node);
  fake_finish(f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_folder_is_shown_oldest_first_with_all_that_is_known),
      cmocka_unit_test(who_has_seen_enough_may_go_on_with_something_else),
      cmocka_unit_test(a_prefix_names_one_bulletin_or_none),
      cmocka_unit_test(a_subscription_has_a_connection_of_its_own),
      cmocka_unit_test(what_is_short_comes_with_its_content),
      cmocka_unit_test(a_refused_subscription_says_so_once_it_is_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
