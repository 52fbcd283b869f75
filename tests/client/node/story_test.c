/* What a node promises its people on ordinary days, told as stories with the real hub. */
#include "client/node/record.h"
#include "client/node/talk.h"
#include "tests/client/node/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- ordinary days ---- */

static void what_is_published_is_received_once(void **state)
{
  struct pair *p = world_start(*state);
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
  struct pair *p = world_start(*state);
  struct hash id[3];
  pair_plug(p, ML, false);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "offline"}, &id[i]), TG_OK);
  pair_settle(p);
  assert_int_equal(look_inbox(p, BF), 0);
  world_restart(p, ML); /* and it survives the night */
  assert_int_equal(look_inbox(p, BF), 0);
  pair_plug(p, ML, true);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 3);
  const uint64_t first = look_row(p, BF, &id[0])->number;
  for (size_t i = 0; i < 3; i++) {
    assert_true(look_sent(p, ML, &id[i]) >= SENT_DELIVERED);
    assert_int_equal(look_row(p, BF, &id[i])->number, first + i);
    assert_false(look_row(p, BF, &id[i])->missing_before);
  }
}

/* What it has no room for stays here, is offered now and then, and goes when there is room: in order, once. */
static void a_full_hub_is_waited_for(void **state)
{
  struct pair *p = world_start(*state);
  struct hash id[3], urgent, early, recall;
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "a mistake"}, &early), TG_OK);
  pair_settle(p);
  pair_hub_disk(p, 1 << 20);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "later"}, &id[i]), TG_OK);
  pair_pass(p, TG_MINUTE);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(look_sent(p, ML, &id[i]), SENT_SPOOLED);
  assert_int_equal(pair_told(p, ML, "hub-full"), 1);
  assert_true(outbox_rests(pair_core(p, ML)));
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "recall", .kind = KIND_RECALL, .supersedes = &early}, &recall),
                   TG_OK);
  pair_settle(p); /* it comes behind them all, and is taken */
  assert_true(look_sent(p, ML, &recall) >= SENT_ACCEPTED);
  assert_true(outbox_rests(pair_core(p, ML)));
  pair_kill(p, ML); /* and it is still so after a power cut */
  pair_start(p, ML);
  pair_pass(p, 10 * TG_MINUTE);
  assert_int_equal(look_sent(p, ML, &id[0]), SENT_SPOOLED);
  pair_hub_disk(p, UINT64_C(1) << 30);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "now", .precedence = PRECEDENCE_FLASH}, &urgent), TG_OK);
  pair_settle(p); /* a FLASH asks at once, and what waits goes with it */
  for (size_t i = 0; i < 3; i++)
    assert_true(look_sent(p, ML, &id[i]) >= SENT_DELIVERED);
  assert_int_equal(look_inbox(p, BF), 6); /* the recall as well */
  assert_false(outbox_rests(pair_core(p, ML)));
}

/* A line that breaks within the handshake accuses nobody; a hub with another key does so every time. */
static void a_broken_handshake_is_no_other_hub(void **state)
{
  struct pair *p = world_start(*state);
  for (unsigned round = 0; round < 2; round++) {
    pair_plug(p, ML, false);
    for (unsigned i = 0; i < 2; i++) {
      assert_int_equal(node_link(pair_core(p, ML), NODE_LINK_FAILED), TG_OK);
      pair_pass(p, 2 * TG_MINUTE);
    }
    pair_plug(p, ML, true);
    pair_pass(p, TG_MINUTE);
  }
  assert_int_equal(pair_told(p, ML, "handshake-broken"), 4);
  assert_int_equal(pair_told(p, ML, "hub-is-another"), 0);
  pair_plug(p, ML, false);
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(node_link(pair_core(p, ML), NODE_LINK_FAILED), TG_OK);
    pair_pass(p, 2 * TG_MINUTE);
  }
  assert_int_equal(pair_told(p, ML, "hub-is-another"), 1);
}

/* Both wait for the link, and the correction is the more urgent: it must not come to the hub before what it corrects. */
static void a_correction_does_not_overtake(void **state)
{
  struct pair *p = world_start(*state);
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

/* Whatever moment the power fails: nothing is lost, nothing shows twice. */
static void power_cuts_lose_nothing_and_repeat_nothing(void **state)
{
  struct pair *p = world_start(*state);
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
  world_restart(p, BF);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 8);
  for (size_t i = 0; i < 8; i++)
    assert_true(look_sent(p, ML, &id[i]) >= SENT_DELIVERED);
  assert_int_equal(pair_told(p, BF, "number-missing"), 0);
  assert_int_equal(pair_told(p, BF, "number-twice"), 0);
}

static void reading_and_acknowledging_reaches_the_originator(void **state)
{
  struct pair *p = world_start(*state);
  struct hash id;
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "flash", .precedence = 4}, &id), TG_OK);
  pair_settle(p);
  assert_false(look_track(p, ML, &id, RECEIPT_READ));
  world_acknowledge(p, &id);
  pair_settle(p);
  assert_true(look_track(p, ML, &id, RECEIPT_READ));
  assert_true(look_track(p, ML, &id, RECEIPT_ACKNOWLEDGED));
}

/* One bulletin, two tear-lines: each reader sees its own and does not learn of the other. */
static void a_tear_line_is_read_by_those_it_is_for(void **state)
{
  struct pair *p = world_start(*state);
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
  struct pair *p = world_start(*state);
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
  struct pair *p = world_start(*state);
  struct hash id;
  const size_t size = 3 << 20;
  pair_plug(p, BF, false);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = size}, &id), TG_OK);
  world_restart(p, ML); /* the upload begins again from where the hub is */
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

/* context: an unsigned, how many chunks are lost yet. A front whose queue to a node is full lets go of them, and the hub forgets what was wanted. */
static bool loses_chunks(void *context, struct buf *frame)
{
  unsigned *left = context;
  const bool lost = frame->p[1] == FRAME_CHUNK && *left > 0;
  *left -= lost;
  return !lost;
}

static void chunks_that_were_lost_are_asked_for_again_soon(void **state)
{
  struct pair *p = world_start(*state);
  enum { LARGE = 12 };
  unsigned left = 9;
  pair_plug(p, BF, false);
  for (unsigned i = 0; i < LARGE; i++)
    assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 300000}, NULL), TG_OK);
  pair_pass(p, TG_MINUTE);
  pair_set_filter(p, BF, loses_chunks, &left);
  pair_plug(p, BF, true);
  pair_pass(p, 30 * TG_SECOND);
  assert_int_equal(left, 0);
  assert_int_equal(look_inbox(p, BF), LARGE);
}

/* A bulletin that came early is not overtaken by more than are asked for beside it. */
static void large_bodies_of_one_precedence_come_in_their_order(void **state)
{
  struct pair *p = world_start(*state);
  enum { LARGE = 12, AT_ONCE = 4 };
  struct hash id[LARGE];
  uint64_t place[LARGE];
  pair_plug(p, BF, false);
  for (unsigned i = 0; i < LARGE; i++)
    assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 300000}, &id[i]), TG_OK);
  pair_pass(p, TG_MINUTE);
  pair_plug(p, BF, true);
  pair_pass(p, 30 * TG_SECOND);
  assert_int_equal(look_inbox(p, BF), LARGE);
  for (unsigned i = 0; i < LARGE; i++) {
    unsigned overtaken = 0;
    place[i] = look_row(p, BF, &id[i])->place;
    for (unsigned j = 0; j < i; j++)
      overtaken += place[j] > place[i];
    assert_in_range(overtaken, 0, AT_ONCE - 1);
  }
}

/* context: an unsigned that counts. */
static bool counts_and_loses_chunks(void *context, struct buf *frame)
{
  const bool chunk = frame->p[1] == FRAME_CHUNK;
  *(unsigned *)context += chunk;
  return !chunk;
}

/* They wait in the queue that the hub's front keeps for a node, beside all else that it is told: a frame that found no room there would end the session. */
static void few_chunks_are_under_way_at_a_time(void **state)
{
  struct pair *p = world_start(*state);
  enum { LARGE = 6, FEW = 64 };
  unsigned under_way = 0;
  pair_plug(p, BF, false);
  for (unsigned i = 0; i < LARGE; i++)
    assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 5 << 19}, NULL), TG_OK);
  pair_pass(p, TG_MINUTE);
  pair_set_filter(p, BF, counts_and_loses_chunks, &under_way);
  pair_plug(p, BF, true);
  pair_pass(p, 4 * TG_SECOND); /* before any is asked for again */
  assert_in_range(under_way, 1, FEW);
  pair_pass(p, 2 * TG_MINUTE); /* asked for again after 5 s, 10, 20, 40, not every 5 */
  assert_in_range(under_way, FEW, 6 * FEW);
  pair_set_filter(p, BF, NULL, NULL);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), LARGE);
}

/* context: an unsigned that counts. Chunks do not get through, so the body never is there. */
static bool counts_submissions(void *context, struct buf *frame)
{
  *(unsigned *)context += frame->p[1] == FRAME_SUBMIT;
  return frame->p[1] != FRAME_CHUNK;
}

static void what_waits_at_the_hub_is_not_submitted_again(void **state)
{
  struct pair *p = world_start(*state);
  struct hash large, small;
  unsigned submitted = 0;
  pair_set_uplink(p, ML, counts_submissions, &submitted);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 3 << 20}, &large), TG_OK);
  pair_pass(p, TG_SECOND);
  assert_int_equal(submitted, 1);
  for (unsigned i = 0; i < 3; i++) { /* the line breaks, and the node's power fails */
    pair_plug(p, ML, false);
    pair_settle(p);
    if (i == 1)
      world_restart(p, ML);
    pair_plug(p, ML, true);
    pair_pass(p, TG_MINUTE);
  }
  assert_int_equal(submitted, 1);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "more"}, &small), TG_OK); /* others go on */
  pair_pass(p, TG_SECOND);
  assert_int_equal(submitted, 2);
  assert_true(look_sent(p, ML, &small) >= SENT_ACCEPTED);
  pair_set_uplink(p, ML, NULL, NULL);
  pair_pass(p, TG_MINUTE);
  assert_true(look_sent(p, ML, &large) >= SENT_DELIVERED);
}

/* What the hub sends once so many chunks came, the last of them included, is held back. */
struct chunks_held {
  unsigned left;
  struct buf frame[8];
  size_t n;
};

static bool holds_the_last_chunk(void *context, struct buf *frame)
{
  struct chunks_held *h = context;
  if (h->left > 0) {
    h->left -= frame->p[1] == FRAME_CHUNK;
    return true;
  }
  assert_true(h->n < sizeof h->frame / sizeof *h->frame);
  h->frame[h->n] = buf_new(LIMIT_FRAME);
  buf_put_slice(&h->frame[h->n++], buf_slice(frame));
  return false;
}

/* Whatever is urgent finds its turn between the parts of a long check. */
static void a_large_body_is_checked_over_many_turns(void **state)
{
  enum { CHUNKS = 49, A_TURN = 16 };
  struct pair *p = world_start(*state);
  struct chunks_held h = {.left = CHUNKS - 1};
  struct hash id;
  unsigned turns = 0;
  pair_set_filter(p, BF, holds_the_last_chunk, &h);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .size = 3 << 20}, &id), TG_OK);
  pair_settle(p);
  assert_int_equal(h.left, 0);
  assert_true(h.n > 0 && look_inbox(p, BF) == 0);
  for (size_t i = 0; i < h.n; i++) {
    assert_int_equal(node_frame(pair_core(p, BF), buf_slice(&h.frame[i])), TG_OK);
    buf_free(&h.frame[i]);
  }
  for (; look_inbox(p, BF) == 0; turns++)
    assert_int_equal(node_turn(pair_core(p, BF), NULL), TG_OK);
  assert_true(turns > CHUNKS / A_TURN);
  pair_set_filter(p, BF, NULL, NULL);
  pair_pass(p, TG_MINUTE);
  assert_true(look_sent(p, ML, &id) >= SENT_DELIVERED);
}

/* context: how many frames of receipts are lost. */
static bool loses_receipts(void *context, struct buf *frame)
{
  unsigned *left = context;
  const bool lost = frame->p[1] == FRAME_RECEIPTS && *left > 0;
  *left -= lost;
  return !lost;
}

static void receipts_that_did_not_go_out_are_stated_again(void **state)
{
  struct pair *p = world_start(*state);
  struct hash first, second;
  unsigned left = 1;
  pair_set_uplink(p, BF, loses_receipts, &left);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "first"}, &first), TG_OK);
  pair_settle(p);
  assert_int_equal(left, 0);
  assert_int_equal(node_dropped(pair_core(p, BF), FRAME_RECEIPTS), TG_OK); /* the link says that it had no room */
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "second"}, &second), TG_OK);
  pair_pass(p, TG_MINUTE);
  assert_int_equal(look_inbox(p, BF), 2);
  assert_true(look_sent(p, ML, &second) >= SENT_DELIVERED);
  assert_true(look_sent(p, ML, &first) >= SENT_DELIVERED);
}

static void a_follower_may_have_content_brought_along(void **state)
{
  struct pair *p = world_start(*state);
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

/* ---- rules ---- */

static void our_own_policy_decides_what_leaves(void **state)
{
  struct pair *p = world_start(*state);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "x", .level = 5}, NULL), TG_REFUSED);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "XX", .text = "x"}, NULL), TG_NOT_FOUND);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "ML", .text = "x"}, NULL), TG_REFUSED);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "x", .topic = "Not A Topic"}, NULL),
                   TG_BAD_INPUT);
  assert_int_equal(pair_publish(p, ML, &(struct pair_bulletin){.to = "BF", .text = "x", .expires = (uint64_t)WORLD_FOUNDED}, NULL),
                   TG_EXPIRED);
}

static void a_preview_names_who_gets_it_and_who_not(void **state)
{
  struct pair *p = world_start(*state);
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
  struct pair *p = world_start(*state);
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

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, world_new, world_free)
  const struct CMUnitTest tests[] = {
      STORY(a_follower_may_have_content_brought_along),
      STORY(what_is_published_is_received_once),
      STORY(a_full_hub_is_waited_for),
      STORY(a_broken_handshake_is_no_other_hub),
      STORY(written_offline_it_goes_when_the_link_is_back),
      STORY(a_correction_does_not_overtake),
      STORY(power_cuts_lose_nothing_and_repeat_nothing),
      STORY(reading_and_acknowledging_reaches_the_originator),
      STORY(a_tear_line_is_read_by_those_it_is_for),
      STORY(a_source_binds_what_derives_from_it),
      STORY(a_large_body_travels_in_chunks_and_is_resumed),
      STORY(chunks_that_were_lost_are_asked_for_again_soon),
      STORY(large_bodies_of_one_precedence_come_in_their_order),
      STORY(few_chunks_are_under_way_at_a_time),
      STORY(a_large_body_is_checked_over_many_turns),
      STORY(receipts_that_did_not_go_out_are_stated_again),
      STORY(what_waits_at_the_hub_is_not_submitted_again),
      STORY(our_own_policy_decides_what_leaves),
      STORY(a_preview_names_who_gets_it_and_who_not),
      STORY(a_recipient_that_was_erased_from_our_rules_is_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
