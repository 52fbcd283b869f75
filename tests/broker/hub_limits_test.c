/* What the hub measures: times, credit, quotas, the disk, and receipts that are overdue. */
#include "broker/store_document.h"
#include "tests/broker/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ML, BF, NE };

static void what_expires_leaves_the_queue(void **state)
{
  struct stage *s = *state;
  struct seal_pk peer = secret_key_seal_pk(s->actor[BF].kit->transport);
  assert_int_equal(hub_gone(s->hub, &peer), TG_OK);
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .lifetime = TG_HOUR});
  stage_settle(s);
  s->now.wall += 2 * TG_HOUR;
  stage_pass(s, 3000);
  actor_hello(&s->actor[BF]);
  stage_settle(s);
  assert_int_equal(s->actor[BF].deliveries, 0);
  struct buf stats = buf_new(65536);
  assert_int_equal(hub_stats(s->hub, &stats), TG_OK);
  buf_put_u8(&stats, 0);
  assert_non_null(strstr((char *)stats.p, "\"expired\":1"));
  assert_non_null(strstr((char *)stats.p, "\"queued\":[0,0,0,0]"));
  buf_free(&stats);
}

static void clocks_are_not_believed(void **state)
{
  struct stage *s = *state;
  s->now.wall += TG_HOUR;
  struct sealed early = actor_seal(&s->actor[ML], (struct story){.to = "BF"});
  s->now.wall -= TG_HOUR;
  struct sealed late = actor_seal(&s->actor[ML], (struct story){.to = "BF", .lifetime = 60 * TG_DAY});
  actor_submit(&s->actor[ML], &early);
  actor_submit(&s->actor[ML], &late);
  stage_settle(s);
  actor_expect(&s->actor[ML], 0, REASON_CLOCK);
  actor_expect(&s->actor[ML], 1, REASON_EXPIRED);
  /* What was refused was said to nobody: there is nothing to correct or to take back. */
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .kind = KIND_CORRECTION, .supersedes = late.id});
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .kind = KIND_RECALL, .supersedes = late.id});
  stage_settle(s);
  actor_expect(&s->actor[ML], 2, REASON_NOT_ENTITLED);
  actor_expect(&s->actor[ML], 3, REASON_NOT_ENTITLED);
  body_drop(&early.body);
  body_drop(&late.body);
}

/* What ML writes when its clock is so far ahead. */
static enum reason said_ahead(struct stage *s, tg_time ahead)
{
  struct actor *ml = &s->actor[ML];
  actor_forget(ml);
  s->now.wall += ahead;
  struct sealed b = actor_seal(ml, (struct story){.to = "BF"});
  s->now.wall -= ahead;
  actor_submit(ml, &b);
  stage_settle(s);
  body_drop(&b.body);
  assert_int_equal(ml->outcomes, 1);
  return ml->outcome[0].reason;
}

/* The charter says 5 minutes. */
static void of_two_tolerances_of_clocks_the_stricter_holds(void **state)
{
  static const tg_time own[] = {TG_MINUTE, TG_HOUR}, stricter[] = {TG_MINUTE, 5 * TG_MINUTE};
  struct stage *s = *state;
  for (size_t i = 0; i < 2; i++) {
    s->config.clock_skew = own[i];
    assert_int_equal(stage_restart(s), TG_OK);
    actor_hello(&s->actor[ML]);
    stage_settle(s);
    assert_int_equal(said_ahead(s, stricter[i]), REASON_NONE);
    assert_int_equal(said_ahead(s, stricter[i] + 1), REASON_CLOCK);
  }
}

static void a_bulletin_lives_up_to_its_expiry_and_not_through_it(void **state)
{
  struct stage *s = *state;
  struct actor *ml = &s->actor[ML];
  struct sealed b = actor_seal(ml, (struct story){.to = "BF", .lifetime = TG_MINUTE});
  s->now.wall += TG_MINUTE;
  assert_int_equal(hub_time(s->hub, s->now), TG_OK);
  actor_submit(ml, &b);
  stage_settle(s);
  actor_expect(ml, 0, REASON_EXPIRED);
  body_drop(&b.body);
}

static void credit_is_respected_and_flash_goes_first(void **state)
{
  struct stage *s = *state;
  struct actor *bf = &s->actor[BF];
  bf->credit_count = 2;
  actor_hello(bf);
  stage_settle(s);
  for (int i = 0; i < 5; i++)
    actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  assert_int_equal(bf->deliveries, 2);
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .precedence = PRECEDENCE_FLASH});
  stage_settle(s);
  assert_int_equal(bf->deliveries, 2);
  actor_receive(bf, 0, RECEIPT_STORED);
  stage_settle(s);
  assert_int_equal(bf->deliveries, 3);
  assert_int_equal(bf->delivery[2].precedence, PRECEDENCE_FLASH);
  for (size_t i = 1; i < 6; i++) {
    actor_receive(bf, i, RECEIPT_STORED);
    stage_settle(s);
  }
  assert_int_equal(bf->deliveries, 6);
  assert_int_equal(s->actor[ML].notes, 6);
}

/* ML and NE say so many in turn, two of ML for each of NE; BF has them all, and said so. */
static void told_by_two(struct stage *s, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    actor_publish(&s->actor[i % 3 == 2 ? NE : ML], (struct story){.to = "BF"});
    if (i % 32 != 31 && i + 1 < n)
      continue;
    const size_t had = s->actor[BF].deliveries;
    stage_settle(s);
    actor_receive_all(&s->actor[BF], had, s->actor[BF].deliveries, RECEIPT_STORED);
    stage_settle(s);
  }
  assert_int_equal(s->actor[BF].deliveries, n);
}

/* Its notes are of sequences first … last, one by one, and of bulletins that BF has. */
static void expect_notes(const struct actor *a, uint64_t first, uint64_t last)
{
  const struct actor *bf = &a->stage->actor[BF];
  assert_int_equal(a->notes, last - first + 1);
  size_t at = 0;
  for (size_t i = 0; i < a->notes; i++) {
    assert_int_equal(a->note[i].sequence, first + i);
    while (at < bf->deliveries && !hash_eq(&bf->delivery[at].id, &a->note[i].bulletin))
      at++; /* in the order in which BF stated them */
    assert_true(at < bf->deliveries);
  }
}

/* One frame of receipts is one row for each originator, or two where it is long; notes come out of it whole, in order and provable: to who is here,
   to who comes later, to who had some of them already, and after a restart. */
static void receipts_of_one_frame_find_their_originators(void **state)
{
  enum { ALL = 402, OF_ML = 268, OF_NE = 134 };
  struct stage *s = *state;
  struct actor *ml = &s->actor[ML], *ne = &s->actor[NE], *bf = &s->actor[BF];
  told_by_two(s, ALL);
  assert_int_equal(ml->notes, OF_ML);
  const struct seal_pk left = secret_key_seal_pk(ml->kit->transport);
  assert_int_equal(hub_gone(s->hub, &left), TG_OK);
  ml->open = false;
  actor_forget(ne);
  actor_receive_all(bf, 0, ALL, RECEIPT_READ);
  stage_settle(s);
  expect_notes(ne, OF_NE + 1, 2 * OF_NE);
  actor_forget(ml);
  actor_hello(ml);
  stage_settle(s);
  expect_notes(ml, OF_ML + 1, 2 * OF_ML);
  /* ML has none of them after all, NE a part; neither has confirmed any. */
  assert_int_equal(stage_restart(s), TG_OK);
  actor_forget(ml);
  actor_forget(ne);
  ml->note_cursor = OF_ML;
  ne->note_cursor = OF_NE + 100;
  actor_hello(ml);
  actor_hello(ne);
  stage_settle(s);
  expect_notes(ml, OF_ML + 1, 2 * OF_ML);
  expect_notes(ne, OF_NE + 101, 2 * OF_NE);
  /* Confirmed in the middle of a row: the rest comes again, and nothing else. */
  for (uint64_t upto = OF_ML + 200; upto <= OF_ML + 260; upto += 60) {
    Tg__ReceiptsSeen seen = TG__RECEIPTS_SEEN__INIT;
    seen.sequence = upto;
    actor_frame(ml, FRAME_RECEIPTS_SEEN, &seen.base);
    stage_settle(s);
    actor_forget(ml);
    ml->note_cursor = upto;
    actor_hello(ml);
    stage_settle(s);
    expect_notes(ml, upto + 1, 2 * OF_ML);
  }
}

/* What a turn may make is less than all of them could have in it: who answers at once does not stand before who had nothing yet. */
static void each_has_its_turn_before_another_has_two(void **state)
{
  enum { RECIPIENTS = 3, EACH = 6, PORTIONS = 12, BYTES = 60000 }; /* two make more than a turn does */
  (void)state;
  struct stage *s = stage_new(1 + RECIPIENTS, NULL);
  size_t answered[1 + RECIPIENTS] = {0}, all = 0;
  for (size_t i = 1; i <= RECIPIENTS; i++) {
    const struct seal_pk peer = secret_key_seal_pk(s->actor[i].kit->transport);
    assert_int_equal(hub_gone(s->hub, &peer), TG_OK);
    s->actor[i].open = false;
  }
  for (size_t i = 0; i < EACH; i++) {
    const struct sealed b = actor_seal_portions(&s->actor[ML], "*", PORTIONS, BYTES, BYTES);
    actor_submit(&s->actor[ML], &b);
    stage_settle(s);
    actor_expect(&s->actor[ML], i, REASON_NONE);
  }
  for (size_t i = 1; i <= RECIPIENTS; i++)
    actor_hello(&s->actor[i]);
  for (unsigned turns = 0; all < RECIPIENTS * EACH; turns++) {
    assert_true(turns < 1000);
    stage_turn(s);
    size_t least = EACH, most = 0, before = all;
    for (size_t i = 1; i <= RECIPIENTS; i++) {
      struct actor *a = &s->actor[i];
      for (; answered[i] < a->deliveries; answered[i]++, all++)
        actor_receive(a, answered[i], RECEIPT_STORED);
      least = answered[i] < least ? answered[i] : least;
      most = answered[i] > most ? answered[i] : most;
    }
    assert_in_range(most, least, least + 1);
    assert_true(all - before < RECIPIENTS);
  }
  stage_free(s);
}

static void few_flash(struct charter *c)
{
  c->limits.flash_per_hour = 2;
}

static void few_immediate(struct charter *c)
{
  c->limits.immediate_per_hour = 2;
}

static void few_of_all(struct charter *c)
{
  c->limits.bulletins_per_hour = 10;
  c->limits.flash_per_hour = 2;
  c->limits.lifetime = TG_HOUR;
}

enum { NEW = 0, OLDER = 30 * TG_SECOND }; /* older: than the hub's log, which began just now */

/* The reason for the newest of ML's, which it says was written so long ago. */
static enum reason said(struct stage *s, enum precedence precedence, tg_time ago)
{
  struct actor *ml = &s->actor[ML];
  actor_forget(ml);
  s->now.wall -= ago;
  struct sealed b = actor_seal(ml, (struct story){.to = "BF", .precedence = precedence, .lifetime = TG_HOUR});
  s->now.wall += ago;
  actor_submit(ml, &b);
  stage_settle(s);
  body_drop(&b.body);
  assert_int_equal(ml->outcomes, 1);
  return ml->outcome[0].accepted ? REASON_NONE : ml->outcome[0].reason;
}

/* To the successor of a lost hub each brings again what that one had taken in, all at once. It can be no more than its limits for as long as a bulletin lives: so
   much is taken beside them, once, and what is new has its hour to itself. */
static void what_is_older_than_the_log_has_its_own_measure(void **state)
{
  (void)state;
  struct stage *s = stage_new(2, few_of_all);
  s->now.wall += 3 * TG_HOUR;
  stage_move(s, NULL); /* the exchange is older than a bulletin may become */
  for (int i = 0; i < 4; i++)
    assert_int_equal(said(s, PRECEDENCE_FLASH, OLDER), REASON_NONE);
  for (int i = 4; i < 20; i++)
    assert_int_equal(said(s, PRECEDENCE_ROUTINE, OLDER), REASON_NONE);
  for (int i = 0; i < 2; i++)
    assert_int_equal(said(s, PRECEDENCE_FLASH, NEW), REASON_NONE);
  assert_int_equal(said(s, PRECEDENCE_FLASH, NEW), REASON_QUOTA);
  for (int i = 3; i < 10; i++)
    assert_int_equal(said(s, PRECEDENCE_ROUTINE, i % 2 ? OLDER : NEW), REASON_NONE); /* beyond its measure it counts as what is new */
  assert_int_equal(said(s, PRECEDENCE_ROUTINE, OLDER), REASON_QUOTA);
  assert_int_equal(said(s, PRECEDENCE_ROUTINE, NEW), REASON_QUOTA);
  stage_free(s);
}

/* An exchange that began a minute ago has no more of a past than that. */
static void a_hub_that_succeeds_nobody_is_not_brought_much(void **state)
{
  (void)state;
  struct stage *s = stage_new(2, few_of_all);
  for (int i = 0; i < 2; i++)
    assert_int_equal(said(s, PRECEDENCE_FLASH, 2 * TG_MINUTE), REASON_AUDIENCE); /* older than the exchange: for nobody, and it counts as what is new */
  assert_int_equal(said(s, PRECEDENCE_FLASH, NEW), REASON_QUOTA);
  for (int i = 0; i < 2; i++)
    assert_int_equal(said(s, PRECEDENCE_FLASH, OLDER), REASON_NONE);
  assert_int_equal(said(s, PRECEDENCE_FLASH, OLDER), REASON_QUOTA);
  stage_free(s);
}

/* Whose receipts stand in between: looking through them is work, of which a turn has a little, however many nodes ask. */
static void ones_own_receipts_are_looked_for_a_little_in_each_turn(void **state)
{
  enum { ROWS = 700, FIRST = 64 }; /* what stands before is of all three */
  struct stage *s = *state;
  struct actor *asks[] = {&s->actor[BF], &s->actor[NE]};
  Tg__ReceiptsWanted m = TG__RECEIPTS_WANTED__INIT;
  unsigned turns = 0;
  for (int i = 0; i < ROWS; i++)
    actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  assert_int_equal(hub_time(s->hub, s->now), TG_OK);
  for (uint64_t leaf = FIRST; leaf < ROWS; leaf++)
    assert_int_equal(store_said_put(hub_store(s->hub), leaf, slice_str("of nobody here")), TG_OK);
  stage_settle(s);
  for (size_t i = 0; i < 2; i++)
    actor_frame(asks[i], FRAME_RECEIPTS_WANTED, &m.base);
  while (asks[0]->logged + asks[1]->logged < 2) {
    stage_turn(s);
    assert_true(turns++ < 10);
  }
  assert_in_range(turns, 4, 9);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(asks[i]->logged, 1);
    assert_true(asks[i]->logged_upto >= ROWS);
  }
}

static void too_many_immediate_are_refused(void **state)
{
  (void)state;
  struct stage *s = stage_new(2, few_immediate);
  for (int i = 0; i < 3; i++)
    actor_publish(&s->actor[ML], (struct story){.to = "BF", .precedence = PRECEDENCE_IMMEDIATE});
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .precedence = PRECEDENCE_FLASH});
  stage_settle(s);
  actor_expect(&s->actor[ML], 1, REASON_NONE);
  actor_expect(&s->actor[ML], 2, REASON_QUOTA);
  actor_expect(&s->actor[ML], 3, REASON_NONE);
  stage_free(s);
}

/* The host may allow fewer FLASH than the charter. */
static void a_hub_takes_no_more_flash_than_it_allows(void **state)
{
  struct stage *s = *state;
  s->config.flash_per_hour = 1;
  assert_int_equal(stage_restart(s), TG_OK);
  actor_hello(&s->actor[ML]);
  stage_settle(s);
  for (int i = 0; i < 2; i++)
    actor_publish(&s->actor[ML], (struct story){.to = "BF", .precedence = PRECEDENCE_FLASH});
  stage_settle(s);
  actor_expect(&s->actor[ML], 0, REASON_NONE);
  actor_expect(&s->actor[ML], 1, REASON_QUOTA);
}

static void too_many_flash_are_refused(void **state)
{
  (void)state;
  struct stage *s = stage_new(2, few_flash);
  for (int i = 0; i < 3; i++)
    actor_publish(&s->actor[ML], (struct story){.to = "BF", .precedence = PRECEDENCE_FLASH});
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  actor_expect(&s->actor[ML], 1, REASON_NONE);
  actor_expect(&s->actor[ML], 2, REASON_QUOTA);
  actor_expect(&s->actor[ML], 3, REASON_NONE);
  stage_free(s);
}

/* The host's own limit holds for a member, however many nodes it has and whatever the charter allows each of them. */
static void a_member_says_no_more_in_an_hour_than_its_hub_allows(void **state)
{
  struct stage *s = *state;
  struct actor *ml = &s->actor[ML];
  s->config.per_hour = 2;
  assert_int_equal(stage_restart(s), TG_OK);
  actor_hello(ml);
  actor_hello(&s->actor[NE]);
  stage_settle(s);
  for (int i = 0; i < 3; i++)
    actor_publish(ml, (struct story){.to = "BF"});
  actor_publish(&s->actor[NE], (struct story){.to = "BF"});
  stage_settle(s);
  actor_expect(ml, 1, REASON_NONE);
  actor_expect(ml, 2, REASON_QUOTA);
  actor_expect(&s->actor[NE], 0, REASON_NONE);
  stage_pass(s, 31 * 60 * 1000); /* half an hour gives one back */
  actor_hello(ml);
  stage_settle(s);
  actor_forget(ml);
  actor_publish(ml, (struct story){.to = "BF"});
  stage_settle(s);
  actor_expect(ml, 0, REASON_NONE);
}

static void small_bulletins(struct charter *c)
{
  c->limits.recipients = 1;
  c->limits.inline_body = 1024;
}

static void what_is_larger_than_the_charter_allows_is_refused(void **state)
{
  (void)state;
  static const uint8_t content[2000] = {0};
  struct stage *s = stage_new(3, small_bulletins);
  struct actor *ml = &s->actor[ML];
  actor_publish(ml, (struct story){.to = "BF"});
  actor_publish(ml, (struct story){.to = "BF NE"});
  actor_publish(ml, (struct story){.to = "BF", .content = slice_of(content, sizeof content)});
  stage_settle(s);
  actor_expect(ml, 0, REASON_NONE);
  actor_expect(ml, 1, REASON_TOO_BIG);
  actor_expect(ml, 2, REASON_TOO_BIG);
  stage_free(s);
}

/* Up to its room and not a bulletin beyond. */
static void a_member_takes_no_more_room_than_its_hub_gives(void **state)
{
  static const uint8_t content[2000] = {0};
  struct stage *s = *state;
  struct actor *ml = &s->actor[ML];
  struct seal_pk peer = secret_key_seal_pk(s->actor[BF].kit->transport);
  s->config.member_bytes = 5000;
  assert_int_equal(stage_restart(s), TG_OK);
  actor_hello(ml);
  actor_hello(&s->actor[NE]);
  stage_settle(s);
  assert_int_equal(hub_gone(s->hub, &peer), TG_OK);
  for (int i = 0; i < 3; i++)
    actor_publish(ml, (struct story){.to = "BF", .content = slice_of(content, sizeof content)});
  actor_publish(&s->actor[NE], (struct story){.to = "BF", .content = slice_of(content, sizeof content)});
  stage_settle(s);
  actor_expect(ml, 1, REASON_NONE);
  actor_expect(ml, 2, REASON_QUOTA);
  actor_expect(&s->actor[NE], 0, REASON_NONE);
}

static void short_queues(struct charter *c)
{
  c->limits.queue = 5;
}

static void a_full_queue_refuses(void **state)
{
  (void)state;
  struct stage *s = stage_new(2, short_queues);
  struct seal_pk peer = secret_key_seal_pk(s->actor[BF].kit->transport);
  assert_int_equal(hub_gone(s->hub, &peer), TG_OK);
  for (int i = 0; i < 4; i++)
    actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  stage_settle(s);
  actor_expect(&s->actor[ML], 2, REASON_NONE);
  actor_expect(&s->actor[ML], 3, REASON_QUOTA);
  stage_free(s);
}

/* Only the reserve is left: that is said and proven, nothing is spoilt by it, and the reserve is there for what must not wait. */
static void a_full_disk_is_said_and_passes(void **state)
{
  struct stage *s = *state;
  struct actor *ml = &s->actor[ML], *bf = &s->actor[BF];
  struct hash early = actor_publish(ml, (struct story){.to = "BF"});
  stage_settle(s);
  assert_int_equal(hub_disk(s->hub, 1 << 20), TG_OK);
  struct sealed late = actor_seal(ml, (struct story){.to = "BF"});
  actor_submit(ml, &late);
  stage_settle(s);
  actor_expect(ml, 1, REASON_FULL);
  assert_int_equal(bf->deliveries, 1);
  actor_publish(ml, (struct story){.to = "BF", .kind = KIND_RECALL, .supersedes = early});
  stage_settle(s);
  actor_expect(ml, 2, REASON_NONE);
  assert_int_equal(bf->deliveries, 2);
  assert_int_equal(hub_disk(s->hub, UINT64_C(257) << 20), TG_OK);
  actor_submit(ml, &late);
  stage_settle(s);
  actor_expect(ml, 3, REASON_FULL); /* at the brink: not twice a second */
  assert_int_equal(hub_disk(s->hub, UINT64_C(300) << 20), TG_OK);
  actor_submit(ml, &late);
  stage_settle(s);
  actor_expect(ml, 4, REASON_NONE);
  assert_int_equal(bf->deliveries, 3);
  body_drop(&late.body);
}

/* Ends the hub, and looks at what it wrote: so many entries of this type, each by a node of this member and of one. */
static void expect_logged(struct stage *s, enum entry_type type, const char *member, unsigned n)
{
  struct store *store = NULL;
  struct store_entry stored;
  struct entry e;
  uint64_t size;
  unsigned found = 0;
  hub_free(s->hub);
  s->hub = NULL;
  const struct store_options o = {.database = s->database, .bodies = s->bodies};
  assert_int_equal(store_open(&o, &store, NULL), TG_OK);
  assert_int_equal(store_log_size(store, &size), TG_OK);
  for (uint64_t leaf = 0; leaf < size; leaf++) {
    arena_reset(s->arena);
    assert_int_equal(store_entry(store, leaf, s->arena, &stored), TG_OK);
    assert_int_equal(entry_parse(stored.bytes, &e, NULL), TG_OK);
    if (e.type != type)
      continue;
    assert_memory_equal(e.member, member, 2);
    assert_int_equal(e.number, 1);
    found++;
  }
  assert_int_equal(found, n);
  store_close(&store);
}

/* FLASH within a minute, ROUTINE within twelve hours: who does not answer is named to the operator, once. */
static void receipts_that_do_not_come_are_an_alarm(void **state)
{
  struct stage *s = *state;
  actor_publish(&s->actor[ML], (struct story){.to = "BF"});
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .precedence = PRECEDENCE_ROUTINE});
  stage_settle(s);
  actor_receive(&s->actor[BF], 0, RECEIPT_STORED);
  actor_receive(&s->actor[BF], 1, RECEIPT_STORED);
  stage_settle(s);
  stage_pass(s, 2 * TG_HOUR);
  assert_int_equal(s->alarms, 0); /* it answered */
  actor_hello(&s->actor[ML]); /* both were silent for too long */
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .precedence = PRECEDENCE_ROUTINE, .lifetime = 7 * TG_DAY});
  actor_publish(&s->actor[ML], (struct story){.to = "BF", .precedence = PRECEDENCE_FLASH, .lifetime = 7 * TG_DAY});
  stage_settle(s);
  stage_pass(s, 50 * TG_SECOND);
  assert_int_equal(s->alarms, 0);
  stage_pass(s, 15 * TG_SECOND);
  assert_int_equal(s->alarms, 1);
  stage_pass(s, 11 * TG_HOUR);
  assert_int_equal(s->alarms, 1);
  stage_pass(s, TG_HOUR);
  assert_int_equal(s->alarms, 2);
  assert_int_equal(stage_count(s, "receipts_overdue"), 2);
  assert_int_equal(stage_restart(s), TG_OK);
  stage_settle(s);
  stage_pass(s, TG_HOUR);
  assert_int_equal(s->alarms, 2); /* once is enough */
  expect_logged(s, ENTRY_OVERDUE, "ML", 2);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, stage_three, stage_gone)
  const struct CMUnitTest tests[] = {
      STORY(what_expires_leaves_the_queue),
      STORY(a_full_disk_is_said_and_passes),
      STORY(receipts_that_do_not_come_are_an_alarm),
      STORY(clocks_are_not_believed),
      STORY(of_two_tolerances_of_clocks_the_stricter_holds),
      STORY(a_bulletin_lives_up_to_its_expiry_and_not_through_it),
      STORY(a_hub_takes_no_more_flash_than_it_allows),
      STORY(a_member_takes_no_more_room_than_its_hub_gives),
      STORY(a_member_says_no_more_in_an_hour_than_its_hub_allows),
      STORY(credit_is_respected_and_flash_goes_first),
      STORY(receipts_of_one_frame_find_their_originators),
      cmocka_unit_test(each_has_its_turn_before_another_has_two),
      cmocka_unit_test_setup_teardown(ones_own_receipts_are_looked_for_a_little_in_each_turn, stage_three, stage_gone),
      cmocka_unit_test(what_is_older_than_the_log_has_its_own_measure),
      cmocka_unit_test(a_hub_that_succeeds_nobody_is_not_brought_much),
      cmocka_unit_test(too_many_flash_are_refused),
      cmocka_unit_test(too_many_immediate_are_refused),
      cmocka_unit_test(what_is_larger_than_the_charter_allows_is_refused),
      cmocka_unit_test(a_full_queue_refuses),
  };
  return cmocka_run_group_tests_name("broker_hub_limits", tests, NULL, NULL);
}
