/* What a node keeps, for how long, and what becomes of it: corrections, recalls, expiry, an old image, a full disk. */
#include "client/node/record.h"
#include "client/node/rotation.h"
#include "tests/client/node/look_paper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- second thoughts ---- */

static void a_correction_supersedes(void **state)
{
  struct pair *p = world_start(*state);
  struct hash first, second;
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "north"}, &first), TG_OK);
  pair_settle(p);
  assert_int_equal(
      pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "south", .kind = KIND_CORRECTION, .supersedes = &first},
                   &second),
      TG_OK);
  pair_settle(p);
  assert_int_equal(look_row(p, BF, &first)->state, INBOX_SUPERSEDED);
  assert_true(hash_eq(&look_row(p, BF, &first)->superseded_by, &second));
  assert_int_equal(look_row(p, BF, &second)->state, INBOX_CURRENT);
}

static void nobody_corrects_what_another_state_said(void **state)
{
  struct pair *p = world_start(*state);
  struct hash id;
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF,NE", .text = "ours"}, &id), TG_OK);
  pair_settle(p);
  assert_int_equal(
      pair_publish(p, BF, &(struct pair_bulletin){.to = "NE", .text = "x", .kind = KIND_CORRECTION, .supersedes = &id}, NULL),
      TG_REFUSED);
  assert_int_equal(
      pair_publish(p, BF, &(struct pair_bulletin){.to = "NE", .text = "x", .kind = KIND_RECALL, .supersedes = &id}, NULL),
      TG_NOT_FOUND);
}

static void recall(void **state, enum node_recall how, enum receipt_event said, enum inbox_state left, bool readable)
{
  struct pair *p = world_pair(state);
  struct hash id, taking_back;
  char text[256];
  pair_config(p, BF)->on_recall = how;
  world_start(*state);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "too much"}, &id), TG_OK);
  pair_settle(p);
  assert_int_equal(
      pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "sorry", .kind = KIND_RECALL, .supersedes = &id}, &taking_back),
      TG_OK);
  pair_settle(p);
  assert_int_equal(look_row(p, BF, &id)->state, left);
  assert_int_equal(look_text(p, BF, &id, text), readable);
  assert_true(look_track(p, ML, &id, said));
  assert_true(look_text(p, BF, &taking_back, text)); /* the reason stays */
}

static void a_recall_purges(void **state) { recall(state, NODE_RECALL_PURGE, RECEIPT_PURGED, INBOX_PURGED, false); }
static void a_recall_is_noted(void **state) { recall(state, NODE_RECALL_RETAIN, RECEIPT_RETAINED, INBOX_RETAINED, true); }
static void a_recall_is_refused(void **state)
{
  recall(state, NODE_RECALL_REFUSE, RECEIPT_RECALL_REFUSED, INBOX_CURRENT, true);
}

/* Who never saw it has an answer too, or its originator would wait for it until it expires. */
static void a_recall_of_what_never_came_is_answered(void **state)
{
  struct pair *p = world_start(*state);
  struct hash id, recall_id;
  pair_plug(p, BF, false);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF,NE", .text = "too early"}, &id), TG_OK);
  pair_settle(p);
  assert_int_equal(look_sent(p, ML, &id), SENT_ACCEPTED);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF,NE", .text = "sorry", .kind = KIND_RECALL, .supersedes = &id},
                                &recall_id),
                   TG_OK);
  pair_settle(p);
  pair_plug(p, BF, true);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 1); /* the recall alone */
  assert_true(look_track(p, ML, &id, RECEIPT_PURGED));
  assert_true(look_sent(p, ML, &id) >= SENT_DELIVERED);
  assert_int_equal(pair_told(p, ML, "expired-unanswered"), 0);
}

/* The hub takes what is recalled out of the queue: nobody waits for it, neither the recall nor what was sent in between. */
static void what_was_recalled_is_not_missed(void **state)
{
  struct pair *p = world_start(*state);
  struct hash first, between, recall_id;
  pair_plug(p, BF, false);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "too early"}, &first), TG_OK);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "in between"}, &between), TG_OK);
  pair_settle(p);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "sorry", .kind = KIND_RECALL, .supersedes = &first}, NULL),
                   TG_OK);
  pair_settle(p);
  pair_plug(p, BF, true);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 2);
  assert_false(look_row(p, BF, &between)->missing_before);
  const unsigned told = pair_told(p, BF, "number-missing"); /* what was in between came first, and could not know */
  pair_plug(p, BF, false);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "once more"}, &first), TG_OK);
  pair_settle(p);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "sorry", .kind = KIND_RECALL, .supersedes = &first}, &recall_id),
                   TG_OK);
  pair_settle(p);
  pair_plug(p, BF, true);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 3);
  assert_false(look_row(p, BF, &recall_id)->missing_before);
  assert_int_equal(pair_told(p, BF, "number-missing"), told);
}

/* Nor what its node could not send in time, or its hub refused. */
static void what_was_never_accepted_is_not_missed(void **state)
{
  struct world *w = *state;
  struct pair *p = world_start(w);
  struct hash id[3];
  id[0] = world_publish(p, "BF", "one");
  pair_settle(p);
  pair_plug(p, ML, false);
  assert_int_equal(
      pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "today", .expires = (uint64_t)(pair_now(p) + TG_DAY)}, &id[1]), TG_OK);
  pair_pass(p, 2 * TG_DAY);
  assert_int_equal(look_sent(p, ML, &id[1]), SENT_EXPIRED);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "not allowed"}, &id[1]), TG_OK);
  kit_policy(w->kit, ML, "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\nexport deny ** to BF\n", pair_now(p), 1);
  pair_document(p, buf_slice(&w->kit->member[ML].policy));
  pair_plug(p, ML, true);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_sent(p, ML, &id[1]), SENT_REFUSED);
  kit_policy(w->kit, ML, "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\n", pair_now(p) + 8 * TG_DAY, 2);
  pair_document(p, buf_slice(&w->kit->member[ML].policy));
  pair_pass(p, 9 * TG_DAY);
  id[2] = world_publish(p, "BF", "two");
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 2);
  assert_false(look_row(p, BF, &id[2])->missing_before);
  assert_int_equal(pair_told(p, BF, "number-missing"), 0);
  assert_int_equal(pair_told(p, BF, "chain-broken"), 0);
}

static void what_the_hub_holds_back_is_tracked_with_its_reason(void **state)
{
  struct world *w = *state;
  struct pair *p = world_start(*state);
  struct hash id;
  Tg__LTrack track = TG__LTRACK__INIT;
  enum local_type type;
  pair_plug(p, BF, false);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "not any more"}, &id), TG_OK);
  pair_settle(p);
  track.bulletin = slice_data(hash_slice(&id));
  assert_false(((const Tg__LTrackItem *)pair_ask(p, ML, LOCAL_TRACK, &track.base, &type))->held); /* it merely waits */
  kit_policy(w->kit, ML, "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\nexport deny ** to BF\n", pair_now(p), 1);
  pair_document(p, buf_slice(&w->kit->member[ML].policy));
  pair_settle(p);
  const Tg__LTrackItem *item = (const Tg__LTrackItem *)pair_ask(p, ML, LOCAL_TRACK, &track.base, &type);
  assert_int_equal(type, LOCAL_TRACK_ITEM);
  assert_true(item->held);
  assert_true(item->detail.len > 0);
  assert_int_equal(item->event, 0);
  pair_plug(p, BF, true);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 0);
}

/* ---- an old image of the store ---- */

static void copy_store(struct pair *p, size_t member, const char *from, const char *to)
{
  char command[512];
  snprintf(command, sizeof command, "rm -f %1$s%3$s-wal && cp %1$s%2$s %1$s%3$s", pair_database(p, member), from, to);
  assert_int_equal(system(command), 0);
}

static void copied(struct pair *p, size_t member)
{
  pair_kill(p, member);
  copy_store(p, member, "", ".old");
  pair_start(p, member);
  pair_settle(p);
}

static void set_back(struct pair *p, size_t member)
{
  pair_kill(p, member);
  copy_store(p, member, ".old", "");
  pair_start(p, member);
  pair_settle(p);
}

/* Does the doctor say what is to be done after a copy was put back? */
static bool doctor_says_old(struct world *w, size_t member)
{
  json_t *doctor = look_paper_asked(w, member, "doctor", NULL, NULL), *finding;
  size_t i;
  bool found = false;
  json_array_foreach(json_object_get(doctor, "findings"), i, finding)
    found |= strcmp(json_string_value(json_object_get(finding, "name")), "store") == 0;
  assert_true(!found || !json_is_true(json_object_get(doctor, "well")));
  json_decref(doctor);
  return found;
}

/* Who restores yesterday's copy numbers nothing twice, and is told what happened. */
static void a_restored_image_numbers_nothing_twice(void **state)
{
  struct pair *p = world_start(*state);
  struct hash id;
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "one"}, NULL), TG_OK);
  pair_settle(p);
  copied(p, ML);
  for (unsigned i = 0; i < 2; i++)
    assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "lost"}, NULL), TG_OK);
  pair_settle(p);
  set_back(p, ML);
  assert_int_equal(pair_told(p, ML, "store-is-old"), 1);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "two"}, &id), TG_OK);
  pair_settle(p);
  assert_true(look_sent(p, ML, &id) >= SENT_DELIVERED);
  assert_int_equal(look_inbox(p, BF), 4);
  assert_true(doctor_says_old(*state, ML));
  assert_false(doctor_says_old(*state, BF));
  assert_int_equal(pair_told(p, BF, "number-twice"), 0);
  assert_int_equal(pair_told(p, BF, "chain-broken"), 0); /* though it has got all that ML forgot */
}

/* ML publishes before it has met its hub again, as many as the hub has that it forgot: under no number that was used. */
static void a_restored_image_that_publishes_at_once_numbers_nothing_twice(void **state)
{
  struct pair *p = world_start(*state);
  struct hash id[3];
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "one"}, NULL), TG_OK);
  pair_settle(p);
  copied(p, ML);
  for (unsigned i = 0; i < 3; i++)
    assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF,NE", .text = "lost"}, NULL), TG_OK);
  pair_settle(p);
  pair_kill(p, ML);
  copy_store(p, ML, ".old", "");
  pair_plug(p, ML, false);
  pair_start(p, ML);
  for (unsigned i = 0; i < 3; i++) /* to NE it has never written, as far as it knows */
    assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF,NE", .text = "spooled"}, &id[i]), TG_OK);
  pair_settle(p);
  assert_int_equal(look_sent(p, ML, &id[0]), SENT_SPOOLED);
  pair_plug(p, ML, true);
  pair_pass(p, TG_MINUTE);
  for (unsigned i = 0; i < 3; i++) {
    assert_true(look_sent(p, ML, &id[i]) >= SENT_DELIVERED && look_sent(p, ML, &id[i]) <= SENT_SETTLED);
    assert_false(look_row(p, BF, &id[i])->missing_before);
    assert_false(look_row(p, NE, &id[i])->missing_before);
  }
  world_reconnect(p, ML);
  assert_int_equal(pair_told(p, ML, "store-is-old"), 1);
  assert_int_equal(pair_told(p, ML, "refused"), 0);
  assert_int_equal(look_inbox(p, BF), 7);
  assert_int_equal(look_inbox(p, NE), 6);
  for (size_t who = BF; who <= NE; who++) {
    assert_int_equal(pair_told(p, who, "number-twice"), 0);
    assert_int_equal(pair_told(p, who, "chain-broken"), 0);
    assert_int_equal(pair_told(p, who, "number-missing"), 0);
  }
}

/* What was numbered without a hub may be in a bundle alone. A copy from before it numbers what follows otherwise, though the hub has heard of neither. */
static void what_the_hub_never_saw_is_not_numbered_twice_either(void **state)
{
  struct pair *p = world_start(*state);
  struct hash lost, id;
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "one"}, NULL), TG_OK);
  pair_settle(p);
  copied(p, ML);
  pair_plug(p, ML, false);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "in a bundle alone"}, &lost), TG_OK);
  const uint64_t number = outbox_next_number(pair_core(p, ML)) - 1;
  pair_kill(p, ML);
  copy_store(p, ML, ".old", "");
  pair_plug(p, ML, true);
  pair_start(p, ML);
  pair_settle(p);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "two"}, &id), TG_OK);
  pair_settle(p);
  assert_int_equal(look_row(p, BF, &id)->number, 2); /* the hub's last number was its own */
  assert_true(number > 2);
  assert_int_equal(pair_told(p, ML, "store-is-old"), 0);
}

static bool keep_chunks(void *context, struct buf *frame)
{
  (void)context;
  return frame->p[1] != FRAME_CHUNK;
}

/* What waits at the hub for its body has a number, though the hub's last number is that of what was decided. */
static void what_waits_at_the_hub_is_not_numbered_twice_either(void **state)
{
  struct pair *p = world_start(*state);
  struct hash id;
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "one"}, NULL), TG_OK);
  pair_settle(p);
  copied(p, ML);
  pair_set_uplink(p, ML, keep_chunks, NULL);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 3 << 20}, NULL), TG_OK);
  pair_settle(p);
  const uint64_t lost = outbox_next_number(pair_core(p, ML)) - 1;
  set_back(p, ML);
  assert_int_equal(pair_told(p, ML, "store-is-old"), 1);
  assert_int_equal(outbox_next_number(pair_core(p, ML)), lost);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "two"}, &id), TG_OK);
  assert_true(outbox_next_number(pair_core(p, ML)) > lost + 1);
  pair_settle(p);
  assert_true(look_sent(p, ML, &id) >= SENT_DELIVERED && look_sent(p, ML, &id) <= SENT_SETTLED);
  world_restart(p, ML);
  assert_int_equal(pair_told(p, ML, "store-is-old"), 1); /* once */
}

/* A FLASH overtakes what was numbered before a start of its node. */
static void what_is_overtaken_across_a_leap_is_missed_until_it_comes(void **state)
{
  struct pair *p = world_start(*state);
  struct hash slow, flash;
  pair_plug(p, ML, false);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "slow"}, &slow), TG_OK);
  pair_kill(p, ML);
  pair_start(p, ML);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "fast", .precedence = PRECEDENCE_FLASH}, &flash), TG_OK);
  pair_plug(p, ML, true);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 2);
  assert_int_equal(pair_told(p, BF, "number-missing"), 1);
  assert_false(look_row(p, BF, &flash)->missing_before);
  assert_false(look_row(p, BF, &slow)->missing_before);
  assert_true(look_row(p, BF, &flash)->number > look_row(p, BF, &slow)->number + 1);
  assert_int_equal(pair_told(p, BF, "chain-broken"), 0);
}

/* Whose clock goes behind besides gives its receipts serials that the hub has already: they are not taken for those it had then. */
static void a_restored_image_with_a_clock_behind_is_heard(void **state)
{
  struct pair *p = world_start(*state);
  struct hash id;
  pair_kill(p, BF);
  copy_store(p, BF, "", ".old");
  pair_start(p, BF);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "forgotten"}, NULL), TG_OK);
  pair_settle(p);
  pair_kill(p, BF);
  copy_store(p, BF, ".old", "");
  pair_set_clock(p, BF, -TG_MINUTE);
  pair_start(p, BF);
  pair_settle(p);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "two"}, &id), TG_OK);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 1);
  assert_true(look_sent(p, ML, &id) >= SENT_DELIVERED);
}

/* ---- a full disk ---- */

static void a_full_disk_takes_nothing_and_loses_nothing(void **state)
{
  struct pair *p = world_start(*state);
  struct hash id;
  node_disk(pair_core(p, BF), 1 << 20);
  assert_int_equal(pair_publish(p, BF, &(struct pair_bulletin){.to = "ML", .text = "x"}, NULL), TG_QUOTA);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "wait"}, &id), TG_OK);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 0);
  assert_int_equal(pair_told(p, BF, "disk-full"), 1);
  node_disk(pair_core(p, BF), UINT64_C(1) << 40);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 1);
}

/* ---- what stands on the disk ---- */

static void nothing_readable_stands_on_the_disk(void **state)
{
  struct pair *p = world_start(*state);
  struct hash id;
  static const char text[] = "sixteen fuel lorries left at dawn", title[] = "Convoy towards Kidal";
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = text, .title = title, .topic = "alert.convoy"}, &id),
                   TG_OK);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 1);
  for (size_t m = ML; m <= BF; m++) {
    struct record_content content;
    assert_int_equal(record_content(pair_core(p, m), &id, 0, pair_core(p, m)->arena, &content), TG_OK);
    assert_true(look_file(p, m, "SQLite", 6)); /* the search works */
    assert_false(look_file(p, m, content.key.b, sizeof content.key.b));
    assert_false(look_file(p, m, text, 16));
    assert_false(look_file(p, m, title, strlen(title)));
    assert_false(look_file(p, m, "alert.convoy", 12));
  }
}

static void what_is_purged_leaves_no_key_behind(void **state)
{
  struct pair *p = world_start(*state);
  struct hash id;
  struct depot_content content;
  struct node_core *core = pair_core(p, BF);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "secret"}, &id), TG_OK);
  pair_settle(p);
  assert_int_equal(depot_content(core->depot, &id, 0, core->arena, &content), TG_OK);
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT secret FROM content WHERE bulletin = ?");
  bool row;
  uint8_t locked[48];
  db_bind_blob(s, 1, hash_slice(&id));
  assert_int_equal(db_step(s, &row), TG_OK);
  memcpy(locked, db_blob(s, 0).p, sizeof locked);
  db_reset(s);
  assert_true(look_file(p, BF, locked, sizeof locked));
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "x", .kind = KIND_RECALL, .supersedes = &id}, NULL),
                   TG_OK);
  pair_settle(p);
  assert_false(look_file(p, BF, locked, sizeof locked));
}

static void sealing_keys_roll_and_old_ones_are_erased(void **state)
{
  struct pair *p = world_start(*state);
  struct node_core *core = pair_core(p, BF);
  struct hash id;
  struct slice ring;
  uint8_t before[64];
  arena_reset(core->arena);
  assert_int_equal(depot_fact(core->depot, "ring", core->arena, &ring), TG_OK);
  memcpy(before, ring.p + 24, sizeof before);
  assert_true(look_file(p, BF, before, sizeof before));
  struct key_id first = directory_sealing_keys(pair_core(p, ML)->directory, &core->me)->key[0].id;
  const uint8_t *secret;
  struct seal_pk public;
  assert_int_equal(rotation_find(core, &first, &secret, &public), TG_OK);
  pair_pass(p, 45 * TG_DAY);
  assert_int_equal(rotation_find(core, &first, &secret, &public), TG_NOT_FOUND);
  assert_false(look_file(p, BF, before, sizeof before)); /* nor what it was kept in */
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "still here"}, &id), TG_OK);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 1);
}

/* For whoever's clock is right the day is not over when it is for BF. */
static void a_clock_ahead_takes_no_key_from_the_day(void **state)
{
  struct pair *p = world_start(*state);
  struct hash id;
  const tg_time period = core_charter(pair_core(p, BF))->limits.sealing_period;
  pair_set_clock(p, BF, 2 * TG_HOUR);
  pair_pass(p, period - pair_now(p) % period - TG_HOUR);
  assert_int_equal(pair_told(p, BF, "sealing-keys-made"), 2);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "before midnight"}, &id), TG_OK);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 1);
}

/* Not before its time, though this machine's clock runs ahead of the hub's; and then what it was stored in is overwritten at once. */
static void a_sealing_key_goes_when_it_must_and_from_the_disk_too(void **state)
{
  struct pair *p = world_start(*state);
  struct node_core *core = pair_core(p, BF);
  const struct sealing_key first = directory_sealing_keys(pair_core(p, ML)->directory, &core->me)->key[0];
  const struct charter_limits *limits = &core_charter(core)->limits;
  const tg_time end = first.until + limits->sealing_window + limits->lifetime;
  const uint8_t *secret;
  struct seal_pk public;
  uint8_t last[64];
  pair_set_clock(p, BF, 20 * TG_HOUR);
  pair_pass(p, end - TG_DAY - pair_now(p));
  while (rotation_find(core, &first.id, &secret, &public) == TG_OK) {
    struct slice ring;
    arena_reset(core->arena);
    assert_int_equal(depot_fact(core->depot, "ring", core->arena, &ring), TG_OK);
    memcpy(last, ring.p + 24, sizeof last);
    pair_pass(p, 2 * TG_HOUR);
    assert_true(pair_now(p) < end + TG_DAY);
  }
  assert_true(pair_now(p) >= end);
  assert_false(look_file(p, BF, last, sizeof last));
}

static void an_originator_limits_how_long_others_keep_it(void **state)
{
  struct pair *p = world_start(*state);
  struct world *w = *state;
  struct hash id;
  char text[256];
  kit_policy(w->kit, ML, "export allow ** to * up-to SECRET\nexport retain 3d for **\n", pair_now(p), 2);
  pair_document(p, buf_slice(&w->kit->member[ML].policy));
  pair_pass(p, TG_MINUTE);
  tg_time written = pair_now(p);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "for three days"}, &id), TG_OK);
  pair_settle(p);
  assert_int_equal(look_row(p, BF, &id)->expires, written + 3 * TG_DAY);
  pair_pass(p, 2 * TG_DAY);
  assert_true(look_text(p, BF, &id, text));
  pair_pass(p, 2 * TG_DAY);
  assert_false(look_text(p, BF, &id, text));
  assert_true(look_text(p, ML, &id, text)); /* its own it keeps */
}

static void what_has_expired_is_erased(void **state)
{
  struct pair *p = world_start(*state);
  struct hash id;
  char text[256];
  assert_int_equal(
      pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "today", .expires = (uint64_t)(pair_now(p) + TG_DAY)}, &id), TG_OK);
  pair_settle(p);
  assert_true(look_text(p, BF, &id, text));
  pair_pass(p, 2 * TG_DAY);
  assert_int_equal(look_row(p, BF, &id)->state, INBOX_EXPIRED);
  assert_false(look_text(p, BF, &id, text));
  assert_false(look_text(p, ML, &id, text));
  assert_true(look_sent(p, ML, &id) >= SENT_DELIVERED);
}

/* ---- a clock that leaps ---- */

static bool has_sealing_key(struct pair *p, size_t member, const struct key_id *key)
{
  const uint8_t *secret;
  struct seal_pk public;
  return rotation_find(pair_core(p, member), key, &secret, &public) == TG_OK;
}

/* Whoever can set a node's clock could have it erase all that it has, and every key that others write to it with. */
static void a_clock_that_leaps_erases_nothing(void **state)
{
  struct pair *p = world_start(*state);
  char text[256];
  const struct hash id = world_publish(p, "BF", "kept");
  const struct sign_pk bf = pair_core(p, BF)->me;
  const struct key_id key = directory_sealing_keys(pair_core(p, ML)->directory, &bf)->key[0].id;
  pair_pass(p, 2 * TG_HOUR);
  pair_plug(p, BF, false);
  pair_set_clock(p, BF, 400 * TG_DAY);
  pair_pass(p, 2 * TG_HOUR);
  pair_kill(p, BF); /* nor when it starts so */
  pair_start(p, BF);
  pair_pass(p, 2 * TG_HOUR);
  assert_int_equal(pair_told(p, BF, "clock-leapt"), 1); /* it remembers */
  pair_kill(p, BF);
  pair_set_clock(p, BF, 0);
  pair_plug(p, BF, true);
  pair_start(p, BF);
  pair_pass(p, TG_HOUR);
  assert_true(has_sealing_key(p, BF, &key));
  assert_true(look_text(p, BF, &id, text));
  const struct hash second = world_publish(p, "BF", "still here");
  pair_pass(p, TG_MINUTE);
  assert_true(look_text(p, BF, &second, text));
}

/* It was off for so long, and is right: a hub says so, or nobody for a day. */
static void a_clock_that_was_right_is_believed_in_the_end(void **state)
{
  struct pair *p = world_start(*state);
  char text[256];
  const struct hash id = world_publish(p, "BF,NE", "kept");
  pair_pass(p, 2 * TG_HOUR);
  pair_plug(p, BF, false);
  pair_set_clock(p, BF, 400 * TG_DAY);
  pair_set_clock(p, NE, 400 * TG_DAY);
  pair_set_hub_clock(p, 400 * TG_DAY);
  pair_pass(p, 2 * TG_HOUR);
  assert_false(look_text(p, NE, &id, text));
  assert_true(look_text(p, BF, &id, text));
  pair_pass(p, TG_DAY);
  assert_false(look_text(p, BF, &id, text));
}

/* A node that is never on for an hour knows what time it was all the same. */
static void a_clock_that_leaps_between_short_days_erases_nothing(void **state)
{
  struct pair *p = world_start(*state);
  char text[256];
  const struct hash id = world_publish(p, "BF", "kept");
  pair_settle(p);
  pair_kill(p, BF);
  pair_plug(p, BF, false);
  pair_set_clock(p, BF, 400 * TG_DAY);
  pair_start(p, BF);
  pair_pass(p, 2 * TG_HOUR);
  assert_int_equal(pair_told(p, BF, "clock-leapt"), 1);
  assert_true(look_text(p, BF, &id, text));
}

/* A machine without a clock begins in another century: what its node knew of the time it knows still when the clock is set. */
static void a_clock_that_begins_in_the_past_makes_nobody_forget_the_time(void **state)
{
  struct pair *p = world_start(*state);
  char text[256];
  const struct hash id = world_publish(p, "BF", "kept");
  pair_settle(p);
  for (unsigned i = 0; i < 2; i++) {
    pair_kill(p, BF);
    pair_plug(p, BF, false);
    pair_set_clock(p, BF, -20 * 365 * TG_DAY);
    pair_start(p, BF);
    pair_pass(p, i ? 2 * TG_HOUR : 5 * TG_MINUTE); /* to be kept, or not */
    pair_set_clock(p, BF, 0);
    pair_pass(p, 5 * TG_MINUTE);
    assert_int_equal(pair_told(p, BF, "clock-leapt"), 0);
  }
  pair_set_clock(p, BF, 400 * TG_DAY);
  pair_pass(p, 5 * TG_MINUTE);
  assert_int_equal(pair_told(p, BF, "clock-leapt"), 1);
  assert_true(look_text(p, BF, &id, text));
}

/* Nor does a time that cannot be, which an earlier version kept. */
static void a_clock_beyond_all_time_does_not_lock_the_store(void **state)
{
  struct pair *p = world_start(*state);
  char text[256];
  uint8_t never[16];
  pair_plug(p, BF, false);
  pair_set_clock(p, BF, (tg_time)LIMIT_TIME);
  pair_pass(p, 26 * TG_HOUR);
  world_restart(p, BF);
  pair_set_clock(p, BF, 0);
  memset(never, 0xff, sizeof never);
  assert_int_equal(core_begin(pair_core(p, BF)), TG_OK);
  assert_int_equal(depot_fact_put(pair_core(p, BF)->depot, "clock", slice_of(never, sizeof never)), TG_OK);
  pair_settle(p);
  world_restart(p, BF);
  pair_plug(p, BF, true);
  pair_pass(p, TG_MINUTE);
  const struct hash id = world_publish(p, "BF", "still here");
  pair_pass(p, TG_MINUTE);
  assert_true(look_text(p, BF, &id, text));
}

/* All sealing keys of the copy are over, and the announcement that waited in it was overtaken: new ones are made at once. */
static void a_restored_image_whose_sealing_keys_are_over_makes_new_ones(void **state)
{
  struct pair *p = world_start(*state);
  struct hash id;
  const tg_time period = core_charter(pair_core(p, BF))->limits.sealing_period;
  const uint64_t ahead = core_charter(pair_core(p, BF))->limits.sealing_ahead;
  pair_pass(p, 2 * TG_HOUR);
  pair_plug(p, BF, false);
  pair_pass(p, period + TG_HOUR);
  pair_kill(p, BF);
  copy_store(p, BF, "", ".old");
  pair_plug(p, BF, true);
  pair_start(p, BF);
  pair_pass(p, (tg_time)(ahead + 3) * period);
  set_back(p, BF);
  assert_int_equal(pair_told(p, BF, "document-not-accepted"), 1);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "sealed to the new ones"}, &id), TG_OK);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 1);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, world_new, world_free)
  const struct CMUnitTest tests[] = {
      STORY(a_correction_supersedes),
      STORY(nobody_corrects_what_another_state_said),
      STORY(a_recall_purges),
      STORY(a_recall_is_noted),
      STORY(a_recall_is_refused),
      STORY(a_recall_of_what_never_came_is_answered),
      STORY(what_was_recalled_is_not_missed),
      STORY(what_was_never_accepted_is_not_missed),
      STORY(what_the_hub_holds_back_is_tracked_with_its_reason),
      STORY(a_restored_image_numbers_nothing_twice),
      STORY(a_restored_image_that_publishes_at_once_numbers_nothing_twice),
      STORY(what_the_hub_never_saw_is_not_numbered_twice_either),
      STORY(what_waits_at_the_hub_is_not_numbered_twice_either),
      STORY(what_is_overtaken_across_a_leap_is_missed_until_it_comes),
      STORY(a_restored_image_with_a_clock_behind_is_heard),
      STORY(a_full_disk_takes_nothing_and_loses_nothing),
      STORY(nothing_readable_stands_on_the_disk),
      STORY(what_is_purged_leaves_no_key_behind),
      STORY(sealing_keys_roll_and_old_ones_are_erased),
      STORY(a_clock_ahead_takes_no_key_from_the_day),
      STORY(a_sealing_key_goes_when_it_must_and_from_the_disk_too),
      STORY(an_originator_limits_how_long_others_keep_it),
      STORY(what_has_expired_is_erased),
      STORY(a_clock_that_leaps_erases_nothing),
      STORY(a_clock_that_was_right_is_believed_in_the_end),
      STORY(a_clock_that_leaps_between_short_days_erases_nothing),
      STORY(a_clock_that_begins_in_the_past_makes_nobody_forget_the_time),
      STORY(a_clock_beyond_all_time_does_not_lock_the_store),
      STORY(a_restored_image_whose_sealing_keys_are_over_makes_new_ones),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
