/* Frames that wait for the core: who says much waits for himself. */
#include "broker/turns.h"

#include "tests/os/kit.h"

#include <stdlib.h>
#include <string.h>

static const struct seal_pk LOUD = {{1}}, QUIET = {{2}}, THIRD = {{3}};

static void put(struct turns *t, const struct seal_pk *from, size_t n, uint8_t mark)
{
  uint8_t *p = calloc(1, n);
  assert_non_null(p);
  p[0] = mark;
  assert_int_equal(turns_put(t, from, slice_of(p, n)), TG_OK);
  free(p);
}

/* The mark of the next frame, which is taken. */
static int take_next(struct turns *t, const struct seal_pk *from)
{
  const struct seal_pk *key;
  struct slice frame;
  assert_true(turns_next(t, &key, &frame, NULL));
  if (from)
    assert_true(seal_pk_eq(key, from));
  const int mark = frame.p[0];
  turns_done(t);
  return mark;
}

static void test_small_frames_do_not_wait_behind_all_large_ones(void **state)
{
  (void)state;
  struct turns *t = turns_new((struct turns_options){0});
  const struct seal_pk *key;
  struct slice frame;
  assert_non_null(t);
  assert_false(turns_next(t, &key, &frame, NULL));
  for (uint8_t i = 0; i < 20; i++)
    put(t, &LOUD, 400 * 1024, i);
  for (uint8_t i = 0; i < 10; i++)
    put(t, &QUIET, 2000, 100 + i);
  put(t, &THIRD, 100000, 200);
  assert_in_range(turns_bytes(t), 20 * 400 * 1024 + 10 * 2000 + 100000, 20 * 400 * 1024 + 10 * 2000 + 100000 + 31 * 100);
  /* All of the quiet one's and the third's go before the second of the loud one's; each sender's in its order. */
  int loud = 0, quiet = 0, third = 0;
  while (quiet < 10 || third < 1) {
    const int mark = take_next(t, NULL);
    if (mark >= 200)
      third++;
    else if (mark >= 100)
      assert_int_equal(mark, 100 + quiet++);
    else
      assert_int_equal(mark, loud++);
    assert_true(loud <= 1);
  }
  for (; loud < 20; loud++)
    assert_int_equal(take_next(t, &LOUD), loud);
  assert_int_equal(turns_bytes(t), 0);
  assert_false(turns_next(t, &key, &frame, NULL));
  turns_free(t);
}

static void test_bytes_are_shared_evenly(void **state)
{
  (void)state;
  struct turns *t = turns_new((struct turns_options){0});
  const struct seal_pk *key;
  struct slice frame;
  uint64_t said[2] = {0, 0};
  for (int i = 0; i < 20; i++)
    put(t, &LOUD, 200 * 1000, 0);
  for (int i = 0; i < 2000; i++)
    put(t, &QUIET, 2000, 0);
  for (int i = 0; said[0] + said[1] < 4 * 1000 * 1000; i++) {
    assert_true(turns_next(t, &key, &frame, NULL));
    said[seal_pk_eq(key, &QUIET)] += frame.n;
    turns_done(t);
  }
  assert_in_range(said[0], 1700 * 1000, 2300 * 1000);
  turns_free(t);
}

static void test_what_one_said_is_forgotten(void **state)
{
  (void)state;
  struct turns *t = turns_new((struct turns_options){0});
  put(t, &LOUD, 1000, 1);
  put(t, &QUIET, 1000, 2);
  put(t, &LOUD, 1000, 3);
  turns_forget(t, &LOUD);
  turns_forget(t, &THIRD);
  assert_in_range(turns_bytes(t), 1000, 1100);
  assert_int_equal(take_next(t, &QUIET), 2);
  put(t, &LOUD, 0x10000, 4); /* it may come again */
  put(t, &QUIET, 10, 5);
  turns_free(t);
}

/* What has no bytes takes memory and time nevertheless. */
static void test_empty_frames_are_not_free(void **state)
{
  enum { MANY = 100 * 1000 };
  (void)state;
  struct turns *t = turns_new((struct turns_options){0});
  const struct seal_pk *key;
  struct slice frame;
  for (int i = 0; i < MANY; i++)
    assert_int_equal(turns_put(t, &LOUD, slice_of(NULL, 0)), TG_OK);
  put(t, &QUIET, 2000, 7);
  assert_true(turns_bytes_of(t, &LOUD) >= MANY * sizeof(void *));
  int before = 0;
  for (; turns_next(t, &key, &frame, NULL) && seal_pk_eq(key, &LOUD); before++)
    turns_done(t);
  assert_in_range(before, 1, MANY / 10);
  assert_int_equal(take_next(t, &QUIET), 7);
  const uint64_t one = turns_bytes_of(t, &LOUD) / (uint64_t)(MANY - before); /* what was said no longer counts against who said it */
  assert_int_equal(turns_bytes_of(t, &LOUD), one * (uint64_t)(MANY - before));
  assert_int_equal(turns_bytes_of(t, &LOUD), turns_bytes(t));
  turns_free(t);
}

/* Of a frame that is dealt with in parts the next one waits until others had their turn. */
static void test_others_come_between_the_parts_of_a_long_frame(void **state)
{
  enum { PART = 16 * 1024, LONG = 400 * 1024 };
  (void)state;
  struct turns *t = turns_new((struct turns_options){.part = PART});
  const struct seal_pk *key;
  struct slice frame;
  bool begun;
  uint64_t dealt = 0;
  size_t left = LONG;
  put(t, &LOUD, LONG, 1);
  const uint64_t all = turns_bytes(t);
  assert_true(turns_next(t, &key, &frame, &begun) && !begun);
  dealt += turns_part(t, left -= PART);
  for (uint8_t i = 0; i < 6; i++) {
    put(t, &QUIET, 2000, 100 + i);
    unsigned parts = 0;
    while (assert_true(turns_next(t, &key, &frame, &begun)), seal_pk_eq(key, &LOUD)) {
      assert_true(begun && frame.n == LONG);
      dealt += turns_part(t, left -= PART);
      parts++;
    }
    assert_false(begun);
    assert_int_equal(frame.p[0], 100 + i);
    turns_done(t);
    assert_true(parts <= 4);
  }
  while (assert_true(turns_next(t, &key, &frame, &begun)), left > PART)
    dealt += turns_part(t, left -= PART);
  assert_int_equal(turns_bytes(t), all - dealt);
  assert_int_equal(turns_done(t), left);
  assert_int_equal(turns_bytes(t), 0);
  assert_false(turns_next(t, &key, &frame, &begun));
  turns_free(t);
}

/* How long a part is is known when it is done: what was longer than thought others get as well, before its sender goes on and before he says anything else. */
static void test_a_part_that_was_long_is_paid_for(void **state)
{
  enum { PART = 16 * 1024, LONG = 400 * 1024, SAID = 2000 };
  (void)state;
  struct turns *t = turns_new((struct turns_options){.part = PART});
  const struct seal_pk *key;
  struct slice frame;
  uint64_t quiet = 0;
  put(t, &LOUD, LONG, 1);
  assert_true(turns_next(t, &key, &frame, NULL));
  turns_part(t, LONG / 2);
  for (int i = 0; i < 1000; i++)
    put(t, &QUIET, SAID, 2);
  for (; assert_true(turns_next(t, &key, &frame, NULL)), seal_pk_eq(key, &QUIET); quiet += SAID)
    turns_done(t);
  assert_in_range(quiet, LONG / 3, LONG);
  turns_done(t);
  put(t, &LOUD, 1000, 3);
  for (quiet = 0; assert_true(turns_next(t, &key, &frame, NULL)), seal_pk_eq(key, &QUIET); quiet += SAID)
    turns_done(t);
  assert_in_range(quiet, LONG / 3, LONG);
  assert_int_equal(take_next(t, &LOUD), 3);
  while (turns_bytes(t) > 0)
    (void)take_next(t, &QUIET);
  put(t, &LOUD, LONG, 4); /* alone it waits for nobody */
  assert_true(turns_next(t, &key, &frame, NULL));
  turns_done(t);
  assert_false(turns_next(t, &key, &frame, NULL));
  put(t, &LOUD, LONG, 5);
  assert_int_equal(take_next(t, &LOUD), 5);
  turns_free(t);
}

/* Who has enough out waits for it to be dealt with, and nobody waits with him. */
static void test_who_has_enough_out_is_passed_by(void **state)
{
  (void)state;
  struct turns *t = turns_new((struct turns_options){.window = 100 * 1000});
  const struct seal_pk *key;
  struct slice frame;
  uint64_t out = 0;
  for (uint8_t i = 0; i < 10; i++)
    put(t, &LOUD, 60 * 1000, i);
  for (int i = 0; i < 2; i++) {
    assert_true(turns_next(t, &key, &frame, NULL));
    assert_int_equal(frame.p[0], i);
    out += turns_done(t);
  }
  assert_false(turns_next(t, &key, &frame, NULL));
  put(t, &QUIET, 2000, 100);
  assert_int_equal(take_next(t, &QUIET), 100);
  assert_false(turns_next(t, &key, &frame, NULL));
  turns_back(t, &QUIET, UINT64_MAX); /* whatever it had */
  turns_back(t, &QUIET, 1);
  turns_back(t, &LOUD, out - 100 * 1000);
  assert_false(turns_next(t, &key, &frame, NULL)); /* still all of the window */
  turns_back(t, &LOUD, 1);
  assert_int_equal(take_next(t, &LOUD), 2);
  assert_false(turns_next(t, &key, &frame, NULL));
  /* What is out is out, whether or not what waits is forgotten. */
  const uint64_t waits = turns_bytes_of(t, &LOUD);
  assert_int_equal(turns_forget(t, &LOUD), waits);
  assert_int_equal(turns_bytes(t), 0);
  put(t, &LOUD, 1000, 7);
  assert_false(turns_next(t, &key, &frame, NULL));
  turns_back(t, &LOUD, UINT64_MAX);
  assert_int_equal(take_next(t, &LOUD), 7);
  put(t, &LOUD, 1000, 8);
  turns_free(t);
}

/* Sixteen of one member, whose number is 1; everybody else is one of his own. */
enum { NODES = 16 };
static struct seal_pk node_of_many(uint8_t i)
{
  return (struct seal_pk){{1, i}};
}
static uint32_t member(void *arg, const struct seal_pk *sender)
{
  (void)arg;
  return sender->b[0];
}

static void test_many_nodes_say_no_more_than_one(void **state)
{
  enum { SAID = 2000, EACH = 200 };
  (void)state;
  struct turns *t = turns_new((struct turns_options){.member = member});
  uint64_t said[4] = {0}, of[NODES] = {0};
  const struct seal_pk *key;
  struct slice frame;
  for (int n = 0; n < EACH; n++)
    for (uint8_t i = 0; i < NODES; i++) {
      const struct seal_pk from = node_of_many(i);
      put(t, &from, SAID, i);
    }
  for (int n = 0; n < 2 * EACH; n++) {
    put(t, &QUIET, SAID, 0);
    put(t, &THIRD, SAID, 0);
  }
  for (int n = 0; n < 4 * EACH; n++) {
    assert_true(turns_next(t, &key, &frame, NULL));
    said[key->b[0]] += frame.n;
    if (key->b[0] == 1)
      of[frame.p[0]] += frame.n;
    turns_done(t);
  }
  const uint64_t third = 4 * EACH * SAID / 3;
  for (int i = 1; i <= 3; i++)
    assert_in_range(said[i], third * 8 / 10, third * 12 / 10);
  for (int i = 0; i < NODES; i++) /* and it is divided among them */
    assert_in_range(of[i], 1, 3 * third / NODES);
  turns_free(t);
}

/* Together they have no more out than one, and none of what comes back is lost when who said it has gone. */
static void test_many_nodes_have_one_window(void **state)
{
  (void)state;
  struct turns *t = turns_new((struct turns_options){.window = 100 * 1000, .member = member});
  const struct seal_pk *key;
  struct slice frame;
  uint64_t out = 0, of[NODES] = {0};
  for (int n = 0; n < 10; n++)
    for (uint8_t i = 0; i < NODES; i++) {
      const struct seal_pk from = node_of_many(i);
      put(t, &from, 5000, i);
    }
  for (; turns_next(t, &key, &frame, NULL); out += turns_done(t))
    of[frame.p[0]] += frame.n;
  assert_in_range(out, 100 * 1000, 106 * 1000);
  put(t, &QUIET, 2000, 100);
  assert_int_equal(take_next(t, &QUIET), 100);
  const struct seal_pk first = node_of_many(0), last = node_of_many(NODES - 1);
  const uint64_t waits = turns_bytes_of(t, &last);
  assert_true(waits > 100 * 1000);
  const uint64_t gone = turns_forget(t, &last);
  assert_true(gone > 0);
  assert_int_equal(turns_bytes_of(t, &first), waits - gone);
  assert_false(turns_next(t, &key, &frame, NULL));
  for (uint8_t i = 0; i < NODES; i++) {
    const struct seal_pk from = node_of_many(i);
    turns_back(t, &from, UINT64_MAX);
  }
  while (turns_bytes(t) > 0) {
    assert_true(turns_next(t, &key, &frame, NULL));
    const struct seal_pk from = *key;
    turns_back(t, &from, turns_done(t));
  }
  turns_free(t);
}

/* One node of the member that has most in all, though another's has more alone; but nobody who has little. */
static void test_who_has_most(void **state)
{
  (void)state;
  struct turns *t = turns_new((struct turns_options){.member = member, .window = 1});
  struct turns_heap most;
  const struct seal_pk first = node_of_many(1), second = node_of_many(2);
  assert_false(turns_most(t, 1, &most));
  put(t, &QUIET, 5000, 1);
  put(t, &first, 3000, 2);
  put(t, &second, 4000, 3);
  assert_true(turns_most(t, 1, &most));
  assert_true(seal_pk_eq(&most.key, &second));
  assert_in_range(most.bytes, 4000, 4100);
  assert_in_range(most.of_member, 7000, 7200);
  assert_true(turns_most(t, 4500, &most));
  assert_true(seal_pk_eq(&most.key, &QUIET));
  assert_false(turns_most(t, 6000, &most));
  while (turns_bytes(t) > 5500) /* it has enough out, and still has most */
    take_next(t, NULL);
  assert_true(turns_most(t, 1, &most));
  assert_int_equal(most.of_member, turns_bytes_of(t, &most.key));
  turns_forget(t, &first);
  turns_forget(t, &second);
  turns_forget(t, &QUIET);
  assert_false(turns_most(t, 1, &most));
  turns_free(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_others_come_between_the_parts_of_a_long_frame), cmocka_unit_test(test_a_part_that_was_long_is_paid_for), cmocka_unit_test(test_who_has_enough_out_is_passed_by),
                                     cmocka_unit_test(test_empty_frames_are_not_free), cmocka_unit_test(test_small_frames_do_not_wait_behind_all_large_ones), cmocka_unit_test(test_bytes_are_shared_evenly),
                                     cmocka_unit_test(test_what_one_said_is_forgotten),
                                     cmocka_unit_test(test_many_nodes_say_no_more_than_one), cmocka_unit_test(test_many_nodes_have_one_window), cmocka_unit_test(test_who_has_most)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
