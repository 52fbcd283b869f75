/* Two hubs at a time, each with a log of its own. What a node states about a bulletin goes to the hub in whose log that stands: to any other it would
   be forged. */
#include "client/node/talk.h"
#include "proto/subject.h"
#include "tests/client/node/hubs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* It came by the first hub and is read while the node is with the second, which hears only of its own. */
static void what_is_read_later_goes_to_the_hub_that_has_it(void **state)
{
  struct pair *p = world_pair(state);
  hubs_move_to(p, FIRST);
  const struct hash first = world_publish(p, "BF", "by the first");
  pair_settle(p);
  assert_true(look_track(p, ML, &first, RECEIPT_STORED));
  hubs_move_to(p, SECOND);
  world_acknowledge(p, &first);
  pair_settle(p);
  const struct hash second = world_publish(p, "BF", "by the second");
  pair_settle(p);
  world_acknowledge(p, &second);
  pair_pass(p, TG_MINUTE);
  assert_true(look_track(p, ML, &second, RECEIPT_READ) && look_track(p, ML, &second, RECEIPT_ACKNOWLEDGED));
  assert_false(look_track(p, ML, &first, RECEIPT_READ));
  world_restart(p, BF); /* it is on the disk */
  hubs_move_to(p, FIRST);
  assert_true(look_track(p, ML, &first, RECEIPT_READ) && look_track(p, ML, &first, RECEIPT_ACKNOWLEDGED));
  hubs_no_strikes(p);
}


/* Receipts for the first hub are lost on the way: the second, which confirms its own, must not end them. */
static void what_was_not_confirmed_waits_for_its_hub(void **state)
{
  struct pair *p = world_pair(state);
  hubs_move_to(p, FIRST);
  pair_set_uplink(p, BF, hubs_no_receipts, NULL);
  const struct hash first = world_publish(p, "BF", "by the first");
  pair_settle(p);
  world_acknowledge(p, &first);
  pair_settle(p);
  assert_false(look_track(p, ML, &first, RECEIPT_STORED));
  pair_reach(p, BF, FIRST, false);
  pair_set_uplink(p, BF, NULL, NULL);
  hubs_move_to(p, SECOND);
  const struct hash second = world_publish(p, "BF", "by the second");
  pair_settle(p);
  assert_true(look_track(p, ML, &second, RECEIPT_STORED));
  hubs_move_to(p, FIRST);
  assert_true(look_track(p, ML, &first, RECEIPT_STORED) && look_track(p, ML, &first, RECEIPT_ACKNOWLEDGED));
  hubs_no_strikes(p);
}

/* All of a body came, and before it was opened the power failed. The node comes back, finishes, and meets the other hub. */
static void what_is_finished_after_a_restart_is_said_to_who_delivered_it(void **state)
{
  struct pair *p = world_pair(state);
  const struct pair_bulletin large = {.to = "BF", .size = 3 << 20};
  struct hubs_last_chunk last = {.frame = buf_new(LIMIT_FRAME)};
  struct hash id;
  hubs_move_to(p, FIRST);
  pair_set_filter(p, BF, hubs_but_the_last_chunk, &last);
  assert_int_equal(pair_publish(p, ML, &large, NULL), TG_OK);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 1);
  last = (struct hubs_last_chunk){.withheld = last.seen, .frame = last.frame};
  assert_int_equal(pair_publish(p, ML, &large, &id), TG_OK);
  pair_settle(p);
  pair_inject(p, BF, buf_slice(&last.frame));
  assert_int_equal(look_inbox(p, BF), 1); /* a few of its chunks were opened in this turn */
  pair_kill(p, BF);
  pair_set_filter(p, BF, NULL, NULL);
  pair_reach(p, BF, FIRST, false);
  pair_start(p, BF);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 2);
  hubs_move_to(p, SECOND);
  assert_false(look_track(p, ML, &id, RECEIPT_STORED));
  hubs_no_strikes(p);
  pair_set_filter(p, BF, hubs_but_the_last_chunk, &last); /* it need not come again */
  hubs_move_to(p, FIRST);
  assert_true(look_track(p, ML, &id, RECEIPT_STORED));
  assert_int_equal(last.seen, last.withheld);
  hubs_no_strikes(p);
  buf_free(&last.frame);
}

/* A store of before, which did not keep for whom its receipts were. */
static void what_an_earlier_version_kept_finds_its_hub(void **state)
{
  struct pair *p = world_pair(state);
  hubs_move_to(p, FIRST);
  const struct hash first = world_publish(p, "BF", "by the first");
  pair_settle(p);
  hubs_move_to(p, SECOND);
  world_acknowledge(p, &first);
  pair_settle(p);
  world_alter(p, BF, "UPDATE said SET log = ''");
  pair_pass(p, TG_MINUTE);
  hubs_move_to(p, FIRST);
  assert_true(look_track(p, ML, &first, RECEIPT_READ) && look_track(p, ML, &first, RECEIPT_ACKNOWLEDGED));
  hubs_no_strikes(p);
}

static struct hash amend(struct pair *p, const struct hash *target, enum kind kind, enum precedence precedence)
{
  struct hash id;
  const struct pair_bulletin b = {.to = "BF", .text = "otherwise", .kind = kind, .supersedes = target, .precedence = precedence};
  assert_int_equal(pair_publish(p, ML, &b, &id), TG_OK);
  pair_settle(p);
  return id;
}

/* A hub refuses for good what amends a bulletin that it does not have: so it waits for the one that has. */
static void a_correction_waits_for_the_hub_that_has_what_it_corrects(void **state)
{
  struct pair *p = world_pair(state);
  hubs_move_to(p, FIRST);
  const struct hash first = world_publish(p, "BF", "by the first");
  pair_settle(p);
  hubs_move_to(p, SECOND);
  const struct hash correction = amend(p, &first, KIND_CORRECTION, PRECEDENCE_ROUTINE), recall = amend(p, &correction, KIND_RECALL, PRECEDENCE_FLASH);
  const struct hash second = world_publish(p, "BF", "by the second");
  pair_pass(p, 3 * TG_MINUTE);
  assert_int_equal(look_sent(p, ML, &correction), SENT_SPOOLED);
  assert_int_equal(look_sent(p, ML, &recall), SENT_SPOOLED);
  assert_true(look_sent(p, ML, &second) >= SENT_DELIVERED);
  world_restart(p, ML); /* it finds out again */
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_sent(p, ML, &correction), SENT_SPOOLED);
  hubs_move_to(p, FIRST);
  assert_true(look_sent(p, ML, &correction) >= SENT_DELIVERED);
  assert_true(look_sent(p, ML, &recall) >= SENT_DELIVERED);
  assert_true(look_track(p, ML, &correction, RECEIPT_PURGED));
  hubs_no_strikes(p);
}

/* At home, where the other hub is only looked in at: for this it is, soon, and nothing else of ours goes out there. */
static void an_urgent_recall_is_brought_to_the_other_hub(void **state)
{
  struct pair *p = world_pair(state);
  hubs_move_to(p, SECOND);
  const struct hash second = world_publish(p, "BF", "by the second");
  pair_settle(p);
  hubs_move_to(p, FIRST);
  pair_reach(p, ML, SECOND, true);
  const uint64_t accepted = pair_counted(p, SECOND, "accepted");
  const struct hash recall = amend(p, &second, KIND_RECALL, PRECEDENCE_IMMEDIATE);
  pair_pass(p, 30 * TG_SECOND);
  for (unsigned i = 0; i < 10; i++) {
    const struct hash other = world_publish(p, "BF", "for those at home");
    pair_pass(p, 6 * TG_SECOND);
    assert_true(look_sent(p, ML, &other) != SENT_REFUSED);
  }
  assert_int_equal(look_sent(p, ML, &recall), SENT_ACCEPTED);
  assert_string_equal(talk_hub(pair_core(p, ML)), "hub1");
  assert_int_equal(pair_counted(p, SECOND, "accepted"), accepted + 1);
  pair_reach(p, BF, SECOND, true);
  pair_pass(p, 90 * TG_MINUTE);
  pair_pass(p, 90 * TG_MINUTE);
  assert_true(look_track(p, ML, &recall, RECEIPT_STORED));
  assert_true(look_track(p, ML, &second, RECEIPT_PURGED));
  hubs_no_strikes(p);
}

static const char *const ends[] = {"", "-wal", "-end"}; /* of the files of a store */

static void copy_file(const char *from, const char *to)
{
  FILE *in = fopen(from, "rb"), *out = in ? fopen(to, "wb") : NULL;
  if (!in) {
    (void)remove(to);
    return;
  }
  assert_non_null(out);
  for (int c; (c = getc(in)) != EOF;)
    assert_int_equal(putc(c, out), c);
  assert_int_equal(fclose(out), 0);
  (void)fclose(in);
}

/* Its power fails; its disk is copied, or the copy takes its place. */
static void copy_store(struct pair *p, size_t member, bool back)
{
  pair_kill(p, member);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    char store[512], copy[512];
    snprintf(store, sizeof store, "%s%s", pair_database(p, member), ends[i]);
    snprintf(copy, sizeof copy, "%s-old%s", pair_database(p, member), ends[i]);
    copy_file(back ? copy : store, back ? store : copy);
    if (back)
      (void)remove(copy);
  }
  pair_start(p, member);
  pair_settle(p);
}

/* It went on at the first hub, and the second, with which its old copy agrees, knows nothing of that: its numbers must not be given again. */
static void an_old_copy_that_one_hub_agrees_with_repeats_no_number(void **state)
{
  struct pair *p = world_pair(state);
  hubs_move_to(p, FIRST);
  copy_store(p, ML, false); /* neither hub has anything of it */
  const struct hash lost = world_publish(p, "BF", "only the first knows");
  pair_settle(p);
  copy_store(p, ML, true);
  hubs_move_to(p, SECOND);
  const struct hash id = world_publish(p, "BF", "under a number of its own");
  pair_settle(p);
  assert_true(look_track(p, ML, &id, RECEIPT_STORED));
  assert_int_equal(pair_told(p, BF, "number-twice") + pair_told(p, BF, "chain-broken"), 0);
  assert_non_null(look_row(p, BF, &lost));
}

static bool no_ticks(void *context, struct buf *frame)
{
  (void)context;
  return hubs_type(frame, FRAME_TO_HUB) != FRAME_TICK;
}

/* At the second hub ML alone has cosigned what stands in its log; that of the first is longer, and settled. */
static void a_bulletin_is_settled_by_its_own_log(void **state)
{
  struct pair *p = world_pair(state);
  hubs_move_to(p, FIRST);
  for (unsigned i = 0; i < 20; i++)
    (void)world_publish(p, "BF", "by the first");
  pair_settle(p);
  hubs_move_to(p, SECOND);
  pair_reach(p, NE, SECOND, false);
  pair_set_uplink(p, BF, no_ticks, NULL);
  const struct hash second = world_publish(p, "BF", "by the second");
  pair_settle(p);
  assert_int_equal(look_sent(p, ML, &second), SENT_DELIVERED);
  pair_reach(p, BF, SECOND, false);
  pair_set_uplink(p, BF, NULL, NULL);
  hubs_move_to(p, FIRST);
  const struct hash first = world_publish(p, "BF", "by the first");
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_sent(p, ML, &first), SENT_SETTLED);
  assert_int_equal(look_sent(p, ML, &second), SENT_DELIVERED);
  hubs_move_to(p, SECOND);
  assert_int_equal(look_sent(p, ML, &second), SENT_SETTLED);
  assert_int_equal(look_sent(p, ML, &first), SENT_SETTLED);
}

int main(void)
{
#define STORY(f, begin) cmocka_unit_test_setup_teardown(f, begin, hubs_free)
  const struct CMUnitTest tests[] = {
      STORY(what_is_read_later_goes_to_the_hub_that_has_it, hubs_two),
      STORY(what_was_not_confirmed_waits_for_its_hub, hubs_two),
      STORY(what_is_finished_after_a_restart_is_said_to_who_delivered_it, hubs_two),
      STORY(what_an_earlier_version_kept_finds_its_hub, hubs_two),
      STORY(a_correction_waits_for_the_hub_that_has_what_it_corrects, hubs_two),
      STORY(an_urgent_recall_is_brought_to_the_other_hub, hubs_two),
      STORY(an_old_copy_that_one_hub_agrees_with_repeats_no_number, hubs_two),
      STORY(a_bulletin_is_settled_by_its_own_log, hubs_two_cosigned),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
