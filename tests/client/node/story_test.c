/* What a node promises its people, told as stories with the real hub. */
#include "client/node/record.h"
#include "client/node/rotation.h"
#include "client/node/watch.h"
#include "tests/client/node/look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBERS = 3 };
#define START ((tg_time)1796083200000) /* 2026-12-01T00:00:00Z */

struct world {
  struct kit *kit;
  struct pair *pair;
};

static int set_up(void **state)
{
  static struct world w;
  w.kit = kit_new(MEMBERS, START, NULL);
  w.pair = pair_new(w.kit);
  *state = &w;
  return 0;
}

static int tear_down(void **state)
{
  struct world *w = *state;
  pair_free(w->pair);
  kit_free(w->kit);
  return 0;
}

static struct pair *all_started(void **state)
{
  struct pair *p = ((struct world *)*state)->pair;
  for (size_t i = 0; i < MEMBERS; i++)
    pair_start(p, i);
  pair_settle(p); /* documents and sealing keys go round */
  return p;
}

static void restart(struct pair *p, size_t member)
{
  pair_kill(p, member);
  pair_start(p, member);
  pair_settle(p);
}

/* ---- witnesses ---- */

static void two_must_cosign(struct charter *c)
{
  c->witness_quorum = (struct quorum){.n = 1, .term = {{.count = 2, .group = "members"}}};
}

static int set_up_witnessed(void **state)
{
  static struct world w;
  w.kit = kit_new(MEMBERS, START, two_must_cosign);
  w.pair = pair_new(w.kit);
  *state = &w;
  return 0;
}

static void an_idle_exchange_settles_within_seconds_and_stays_silent(void **state)
{
  struct pair *p = all_started(state);
  struct hash id;
  const struct pair_bulletin b = {.to = "BF", .text = "to be settled"};
  assert_int_equal(pair_publish(p, ML, &b, &id), TG_OK);
  pair_settle(p);
  pair_pass(p, 3 * TG_SECOND);
  const uint64_t size = watch_size(pair_core(p, ML));
  assert_true(size > 0);
  for (size_t i = 0; i < MEMBERS; i++)
    assert_int_equal(watch_settled(pair_core(p, i)), size);
  assert_int_equal(look_sent(p, ML, &id), SENT_SETTLED);
  pair_pass(p, 5 * TG_MINUTE); /* cosigning writes nothing into the log: there is nothing new to settle */
  assert_int_equal(watch_size(pair_core(p, ML)), size);
}

static void one_witness_alone_settles_nothing(void **state)
{
  struct pair *p = all_started(state);
  pair_pass(p, 3 * TG_SECOND);
  pair_plug(p, BF, false);
  pair_plug(p, NE, false);
  pair_pass(p, TG_MINUTE);
  assert_true(watch_settled(pair_core(p, ML)) < watch_size(pair_core(p, ML)));
  pair_plug(p, BF, true);
  pair_pass(p, 3 * TG_MINUTE);
  assert_int_equal(watch_settled(pair_core(p, ML)), watch_size(pair_core(p, ML)));
}

/* ---- ordinary days ---- */

static void what_is_published_is_received_once(void **state)
{
  struct pair *p = all_started(state);
  struct hash id;
  char text[256];
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF,NE", .text = "three vehicles", .title = "Menaka"}, &id),
                   TG_OK);
  assert_int_equal(look_sent(p, ML, &id), SENT_SPOOLED);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 1);
  assert_int_equal(look_inbox(p, NE), 1);
  assert_int_equal(look_inbox(p, ML), 0);
  assert_true(look_text(p, BF, &id, text));
  assert_string_equal(text, "three vehicles");
  assert_int_equal(look_row(p, BF, &id)->number, 1);
  assert_false(look_row(p, BF, &id)->missing_before);
  assert_true(look_sent(p, ML, &id) >= SENT_DELIVERED);
  assert_true(look_track(p, ML, &id, RECEIPT_STORED));
  assert_true(look_text(p, ML, &id, text)); /* its own copy */
}

static void written_offline_it_goes_when_the_link_is_back(void **state)
{
  struct pair *p = all_started(state);
  struct hash id[3];
  pair_plug(p, ML, false);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "offline"}, &id[i]), TG_OK);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 0);
  restart(p, ML); /* and it survives the night */
  assert_int_equal(look_inbox(p, BF), 0);
  pair_plug(p, ML, true);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 3);
  for (size_t i = 0; i < 3; i++) {
    assert_true(look_sent(p, ML, &id[i]) >= SENT_DELIVERED);
    assert_int_equal(look_row(p, BF, &id[i])->number, i + 1);
  }
}

/* Whatever moment the power fails: nothing is lost, nothing shows twice. */
/* Both wait for the link, and the correction is the more urgent: it must not come to the hub before what it corrects. */
static void a_correction_does_not_overtake(void **state)
{
  struct pair *p = all_started(state);
  struct hash first, second, third;
  pair_plug(p, ML, false);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 600000}, &first), TG_OK);
  assert_int_equal(pair_publish(p, ML,
                                &(struct pair_bulletin){.to = "BF", .text = "south", .kind = KIND_CORRECTION,
                                                        .supersedes = &first, .precedence = PRECEDENCE_FLASH},
                                &second),
                   TG_OK);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "another"}, &third), TG_OK);
  pair_plug(p, ML, true);
  pair_pass(p, TG_MINUTE);
  assert_true(look_sent(p, ML, &first) == SENT_DELIVERED || look_sent(p, ML, &first) == SENT_SETTLED);
  assert_true(look_sent(p, ML, &second) == SENT_DELIVERED || look_sent(p, ML, &second) == SENT_SETTLED);
  assert_int_equal(look_row(p, BF, &first)->state, INBOX_SUPERSEDED);
  assert_int_equal(look_inbox(p, BF), 3);
}

static void power_cuts_lose_nothing_and_repeat_nothing(void **state)
{
  struct pair *p = all_started(state);
  struct hash id[8];
  for (size_t i = 0; i < 8; i++) {
    assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF,NE", .text = "again"}, &id[i]), TG_OK);
    if (i % 2)
      pair_kill(p, i % 4 == 1 ? ML : BF);
    else
      pair_settle(p);
    if (i % 2)
      pair_start(p, i % 4 == 1 ? ML : BF);
  }
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 8);
  assert_int_equal(look_inbox(p, NE), 8);
  restart(p, BF);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 8);
  for (size_t i = 0; i < 8; i++)
    assert_true(look_sent(p, ML, &id[i]) >= SENT_DELIVERED);
  assert_int_equal(pair_told(p, BF, "number-missing"), 0);
  assert_int_equal(pair_told(p, BF, "number-twice"), 0);
}

static void reading_and_acknowledging_reaches_the_originator(void **state)
{
  struct pair *p = all_started(state);
  struct hash id;
  enum local_type type;
  Tg__LAck ack = TG__LACK__INIT;
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "flash", .precedence = 4}, &id), TG_OK);
  pair_settle(p);
  assert_false(look_track(p, ML, &id, RECEIPT_READ));
  ack.bulletin = (ProtobufCBinaryData){32, id.b};
  assert_non_null(pair_ask(p, BF, LOCAL_ACK, &ack.base, &type));
  assert_int_equal(type, LOCAL_DONE);
  pair_settle(p);
  assert_true(look_track(p, ML, &id, RECEIPT_READ));
  assert_true(look_track(p, ML, &id, RECEIPT_ACKNOWLEDGED));
}

/* One bulletin, two tear-lines: each reader sees its own and does not learn of the other. */
static void a_tear_line_is_read_by_those_it_is_for(void **state)
{
  struct pair *p = all_started(state);
  struct hash id;
  char text[256];
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF,NE", .text = "for both", .tear_to = "NE",
                                                              .tear_text = "for one"}, &id), TG_OK);
  pair_settle(p);
  assert_int_equal(look_row(p, BF, &id)->portion_count, 1);
  assert_int_equal(look_row(p, NE, &id)->portion_count, 2);
  assert_true(look_text(p, BF, &id, text));
  assert_string_equal(text, "for both");
  assert_true(look_sent(p, ML, &id) >= SENT_DELIVERED);
}

/* What NE was told in confidence it cannot pass on to BF by declaring it as a source. */
static void a_source_binds_what_derives_from_it(void **state)
{
  struct pair *p = all_started(state);
  struct hash source, id;
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "NE", .text = "for you alone"}, &source), TG_OK);
  pair_settle(p);
  assert_int_equal(pair_publish(p, NE, &(struct pair_bulletin){.to = "BF", .text = "we hear", .source = &source}, NULL), TG_REFUSED);
  assert_int_equal(pair_publish(p, NE, &(struct pair_bulletin){.to = "ML,BF", .text = "we hear", .source = &source}, &id), TG_OK);
  pair_settle(p);
  assert_int_equal(look_inbox(p, ML), 1);
  assert_int_equal(look_inbox(p, BF), 0);
  assert_int_equal(pair_publish(p, BF, &(struct pair_bulletin){.to = "NE", .text = "x", .source = &source}, NULL), TG_NOT_FOUND);
}

/* ---- large bodies ---- */

static void a_large_body_travels_in_chunks_and_is_resumed(void **state)
{
  struct pair *p = all_started(state);
  struct hash id;
  const size_t size = 3 << 20;
  pair_plug(p, BF, false);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = size}, &id), TG_OK);
  restart(p, ML); /* the upload begins again from where the hub is */
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_sent(p, ML, &id), SENT_ACCEPTED);
  pair_plug(p, BF, true);
  for (unsigned i = 0; i < 4; i++) { /* the receiver's power fails while it comes */
    pair_pass(p, TG_SECOND);
    pair_kill(p, BF);
    pair_start(p, BF);
  }
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 1);
  assert_int_equal(look_size(p, BF, &id), (long)size);
  assert_true(look_sent(p, ML, &id) >= SENT_DELIVERED);
}

/* ---- second thoughts ---- */

static void a_correction_supersedes(void **state)
{
  struct pair *p = all_started(state);
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
  struct pair *p = all_started(state);
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
  struct pair *p = ((struct world *)*state)->pair;
  struct hash id, taking_back;
  char text[256];
  pair_config(p, BF)->on_recall = how;
  all_started(state);
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

/* ---- rules ---- */

static void our_own_policy_decides_what_leaves(void **state)
{
  struct pair *p = all_started(state);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "x", .level = 5}, NULL), TG_REFUSED);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "XX", .text = "x"}, NULL), TG_NOT_FOUND);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "ML", .text = "x"}, NULL), TG_REFUSED);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "x", .topic = "Not A Topic"}, NULL),
                   TG_BAD_INPUT);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "x", .expires = (uint64_t)START}, NULL),
                   TG_EXPIRED);
}

static void a_preview_names_who_gets_it_and_who_not(void **state)
{
  struct pair *p = all_started(state);
  ProtobufCBinaryData to[] = {{2, (uint8_t *)(uintptr_t) "BF"}, {2, (uint8_t *)(uintptr_t) "NE"}},
                      topic = {4, (uint8_t *)(uintptr_t) "note"};
  Tg__LPreview preview = TG__LPREVIEW__INIT;
  Tg__LDraft draft = TG__LDRAFT__INIT;
  Tg__LPortionDraft portion = TG__LPORTION_DRAFT__INIT, *portions[] = {&portion};
  enum local_type type;
  portion.level = portion.tlp = 2;
  portion.to = to;
  portion.n_to = 2;
  portion.size = 10;
  draft.topics = &topic;
  draft.n_topics = 1;
  draft.portions = portions;
  draft.n_portions = 1;
  preview.draft = &draft;
  const Tg__LAudience *a = (const Tg__LAudience *)pair_ask(p, ML, LOCAL_PREVIEW, &preview.base, &type);
  assert_int_equal(type, LOCAL_AUDIENCE);
  assert_int_equal(a->n_lines, 2);
  assert_memory_equal(a->lines[0]->member.data, "BF", 2);
  assert_int_equal(a->lines[0]->portions, 1);
  assert_int_equal(a->lines[0]->n_nodes, 1);
  assert_memory_equal(a->lines[0]->nodes[0].data, "BF/ops/n1", 9);

  portion.level = 5;
  a = (const Tg__LAudience *)pair_ask(p, ML, LOCAL_PREVIEW, &preview.base, &type);
  assert_int_equal(type, LOCAL_AUDIENCE);
  assert_int_equal(a->lines[0]->portions, 0);
  assert_int_not_equal(a->lines[0]->stage, 0);
  assert_true(a->lines[0]->what.len > 0);
}

static void a_recipient_that_was_erased_from_our_rules_is_told_apart(void **state)
{
  struct world *w = *state;
  struct pair *p = all_started(state);
  struct hash id;
  /* BF stops importing alerts; the originator's node has not heard of it yet. */
  pair_plug(p, ML, false);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF,NE", .text = "alert"}, &id), TG_OK);
  kit_policy(w->kit, BF, "export allow ** to * up-to SECRET\nimport allow report.** from * up-to SECRET\n", pair_now(p), 2);
  pair_document(p, buf_slice(&w->kit->member[BF].policy));
  pair_settle(p);
  pair_plug(p, ML, true);
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

/* Who restores yesterday's copy numbers nothing twice, and is told what happened. */
static void a_restored_image_numbers_nothing_twice(void **state)
{
  struct pair *p = all_started(state);
  struct hash id;
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "one"}, NULL), TG_OK);
  pair_settle(p);
  pair_kill(p, ML);
  copy_store(p, ML, "", ".old");
  pair_start(p, ML);
  pair_settle(p);
  for (unsigned i = 0; i < 2; i++)
    assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "lost"}, NULL), TG_OK);
  pair_settle(p);
  pair_kill(p, ML);
  copy_store(p, ML, ".old", "");
  pair_start(p, ML);
  pair_settle(p);
  assert_int_equal(pair_told(p, ML, "store-is-old"), 1);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "two"}, &id), TG_OK);
  pair_settle(p);
  assert_true(look_sent(p, ML, &id) >= SENT_DELIVERED);
  assert_int_equal(look_inbox(p, BF), 4);
  assert_int_equal(pair_told(p, BF, "number-twice"), 0);
}

/* ---- a full disk ---- */

static void a_full_disk_takes_nothing_and_loses_nothing(void **state)
{
  struct pair *p = all_started(state);
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
  struct pair *p = all_started(state);
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
  struct pair *p = all_started(state);
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
  struct pair *p = all_started(state);
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

static void an_originator_limits_how_long_others_keep_it(void **state)
{
  struct pair *p = all_started(state);
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
  struct pair *p = all_started(state);
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

static void a_follower_may_have_content_brought_along(void **state)
{
  struct pair *p = all_started(state);
  struct pair_bulletin letter = {.to = "BF", .text = "Three trucks", .tear_to = "BF", .tear_text = "north of Mopti"};
  struct pair_bulletin book = {.to = "BF", .size = 70000};
  enum local_type type;
  Tg__LFollow follow = TG__LFOLLOW__INIT;
  Tg__LFilter filter = TG__LFILTER__INIT;
  assert_int_equal(pair_publish(p, 0, &letter, NULL), TG_OK);
  assert_int_equal(pair_publish(p, 0, &book, NULL), TG_OK);
  pair_settle(p);
  unsigned told = pair_told(p, 0, "read");
  follow.content = 65536;
  follow.mark = 1;
  follow.filter = &filter;
  const Tg__LItem *item = (const Tg__LItem *)pair_ask(p, 1, LOCAL_FOLLOW, &follow.base, &type);
  assert_non_null(item);
  assert_int_equal(type, LOCAL_ITEM);
  assert_int_equal(item->n_contents, 2);
  assert_true(slice_is(strict_slice(item->contents[0]), "Three trucks"));
  assert_true(slice_is(strict_slice(item->contents[1]), "north of Mopti"));
  filter.after = item->place;
  pair_settle(p);
  assert_int_equal(pair_told(p, 0, "read"), told + 1); /* the originator knows, once */
  item = (const Tg__LItem *)pair_ask(p, 1, LOCAL_FOLLOW, &follow.base, &type);
  assert_non_null(item);
  assert_int_equal(item->n_contents, 0); /* too long to come along */
  pair_settle(p);
  assert_int_equal(pair_told(p, 0, "read"), told + 1);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define WITNESSED(f) cmocka_unit_test_setup_teardown(f, set_up_witnessed, tear_down)
  const struct CMUnitTest tests[] = {
      WITNESSED(an_idle_exchange_settles_within_seconds_and_stays_silent),
      WITNESSED(one_witness_alone_settles_nothing),
      STORY(a_follower_may_have_content_brought_along),
      STORY(what_is_published_is_received_once),
      STORY(written_offline_it_goes_when_the_link_is_back),
      STORY(a_correction_does_not_overtake),
      STORY(power_cuts_lose_nothing_and_repeat_nothing),
      STORY(reading_and_acknowledging_reaches_the_originator),
      STORY(a_tear_line_is_read_by_those_it_is_for),
      STORY(a_source_binds_what_derives_from_it),
      STORY(a_large_body_travels_in_chunks_and_is_resumed),
      STORY(a_correction_supersedes),
      STORY(nobody_corrects_what_another_state_said),
      STORY(a_recall_purges),
      STORY(a_recall_is_noted),
      STORY(a_recall_is_refused),
      STORY(our_own_policy_decides_what_leaves),
      STORY(a_preview_names_who_gets_it_and_who_not),
      STORY(a_recipient_that_was_erased_from_our_rules_is_told_apart),
      STORY(a_restored_image_numbers_nothing_twice),
      STORY(a_full_disk_takes_nothing_and_loses_nothing),
      STORY(nothing_readable_stands_on_the_disk),
      STORY(what_is_purged_leaves_no_key_behind),
      STORY(sealing_keys_roll_and_old_ones_are_erased),
      STORY(an_originator_limits_how_long_others_keep_it),
      STORY(what_has_expired_is_erased),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
