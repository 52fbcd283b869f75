/* The two-person rule, told as stories with the real hub: what our policy lets nobody send alone waits until officers have approved
   exactly that; and what people try so that less is enough. */
#include "client/node/waiting.h"
#include "keys/note.h"
#include "tests/client/node/look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

enum { MEMBERS = 3 };
#define START ((tg_time)1796083200000) /* 2026-12-01T00:00:00Z */
#define OPEN "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\n"

enum { RELEASE_1, RELEASE_2, RELEASE_3, POLICY_9, FOREIGN, OFFICERS };

struct world {
  struct kit *kit;
  struct pair *pair;
  struct secret_key *officer[OFFICERS];
};

static void bring(struct pair *p, struct buf note)
{
  pair_document(p, buf_slice(&note));
  buf_free(&note);
}

static void set_policy(struct world *w, const char *rules)
{
  kit_policy(w->kit, ML, rules, pair_now(w->pair), 2);
  pair_document(w->pair, buf_slice(&w->kit->member[ML].policy));
  pair_settle(w->pair);
  pair_pass(w->pair, 2 * TG_SECOND);
}

static int set_up_open(void **state)
{
  static struct world w;
  static const struct {
    size_t member;
    const char *holder;
    enum role role;
  } who[OFFICERS] = {{ML, "ML/release-1", ROLE_RELEASE},
                     {ML, "ML/release-2", ROLE_RELEASE},
                     {ML, "ML/release-3", ROLE_RELEASE},
                     {ML, "ML/policy-9", ROLE_POLICY},
                     {BF, "BF/release-1", ROLE_RELEASE}};
  w.kit = kit_new(MEMBERS, START, NULL);
  w.pair = pair_new(w.kit);
  pair_config(w.pair, ML)->own_approval = true;
  for (size_t i = 0; i < MEMBERS; i++)
    pair_start(w.pair, i);
  pair_settle(w.pair);
  for (size_t i = 0; i < OFFICERS; i++) {
    struct buf note;
    w.officer[i] = kit_officer(w.kit, who[i].member, who[i].holder, who[i].role, &note);
    bring(w.pair, note);
  }
  pair_settle(w.pair);
  *state = &w;
  return 0;
}

/* Whatever leaves Mali takes two approvals. */
static int set_up(void **state)
{
  set_up_open(state);
  set_policy(*state, OPEN "export require approvals 2 by release for **\n");
  return 0;
}

static int tear_down(void **state)
{
  struct world *w = *state;
  for (size_t i = 0; i < OFFICERS; i++)
    secret_key_free(w->officer[i]);
  pair_free(w->pair);
  kit_free(w->kit);
  return 0;
}

static struct hash publish(struct world *w, const char *text)
{
  struct hash draft;
  assert_int_equal(pair_publish(w->pair, ML, &(struct pair_bulletin){.to = "BF", .text = text, .title = "Kidal"}, &draft), TG_OK);
  pair_settle(w->pair);
  return draft;
}

static struct waiting_row row_of(struct world *w, const struct hash *draft)
{
  struct node_core *core = pair_core(w->pair, ML);
  struct waiting_row row;
  arena_reset(core->arena);
  assert_int_equal(waiting_row(core, draft, core->arena, &row), TG_OK);
  return row;
}

static struct approval signature_of(struct world *w, const struct hash *draft, size_t officer, tg_time time)
{
  const struct waiting_row row = row_of(w, draft);
  struct approval a = {.officer = secret_key_sign_pk(w->officer[officer]), .time = time};
  uint8_t message[APPROVAL_MESSAGE];
  approval_message(&row.subject, time, message);
  assert_int_equal(secret_key_sign(w->officer[officer], slice_of(message, sizeof message), &a.signature), TG_OK);
  return a;
}

/* What the node answers, and how many it says are lacking still. */
static enum tg_err bring_approval(struct world *w, const struct hash *draft, const struct approval *a, uint64_t *ret_lack)
{
  Tg__LApprove m = TG__LAPPROVE__INIT;
  enum local_type type;
  m.draft = slice_data(hash_slice(draft));
  m.officer = slice_data(key_slice(&a->officer));
  m.time = (uint64_t)a->time;
  m.signature = slice_data(slice_of(a->signature.b, sizeof a->signature.b));
  const ProtobufCMessage *answer = pair_ask(w->pair, ML, LOCAL_APPROVE, &m.base, &type);
  if (type == LOCAL_ERROR)
    return (enum tg_err)((const Tg__LError *)answer)->err;
  assert_int_equal(type, LOCAL_DONE);
  if (ret_lack)
    *ret_lack = ((const Tg__LDone *)answer)->count;
  pair_settle(w->pair);
  return TG_OK;
}

static enum tg_err approve(struct world *w, const struct hash *draft, size_t officer, uint64_t *ret_lack)
{
  const struct approval a = signature_of(w, draft, officer, pair_now(w->pair));
  return bring_approval(w, draft, &a, ret_lack);
}

static struct hash bulletin_of(struct world *w, const struct hash *draft)
{
  const struct waiting_row row = row_of(w, draft);
  struct hash id = {{0}};
  assert_int_equal(row.state, WAITING_SENT);
  assert_int_equal(row.record->bulletin.len, sizeof id.b);
  memcpy(id.b, row.record->bulletin.data, sizeof id.b);
  return id;
}

static void expect_waiting(struct world *w, const struct hash *draft)
{
  pair_settle(w->pair);
  assert_int_equal(row_of(w, draft).state, WAITING_OPEN);
  assert_int_equal(look_inbox(w->pair, BF), 0);
}

/* ---- as it should be ---- */

static void two_officers_approve_and_it_goes(void **state)
{
  struct world *w = *state;
  const struct hash draft = publish(w, "to be released");
  uint64_t lack = 9;
  char text[256];
  expect_waiting(w, &draft);
  assert_int_equal(approve(w, &draft, RELEASE_1, &lack), TG_OK);
  assert_int_equal(lack, 1);
  expect_waiting(w, &draft);
  assert_int_equal(approve(w, &draft, RELEASE_2, &lack), TG_OK);
  assert_int_equal(lack, 0);
  const struct hash id = bulletin_of(w, &draft);
  assert_int_equal(look_inbox(w->pair, BF), 1);
  assert_true(look_text(w->pair, BF, &id, text));
  assert_string_equal(text, "to be released");
  assert_int_equal(look_row(w->pair, BF, &id)->header.approval_count, 2);
  assert_true(look_sent(w->pair, ML, &id) >= SENT_DELIVERED);
  assert_true(look_text(w->pair, ML, &id, text)); /* its own copy moved along */
  assert_false(look_text(w->pair, ML, &draft, text));
}

static void a_draft_survives_a_power_cut_with_its_approvals(void **state)
{
  struct world *w = *state;
  const struct hash draft = publish(w, "written before the power went");
  assert_int_equal(approve(w, &draft, RELEASE_1, NULL), TG_OK);
  pair_kill(w->pair, ML);
  pair_start(w->pair, ML);
  pair_settle(w->pair);
  expect_waiting(w, &draft);
  assert_int_equal(approve(w, &draft, RELEASE_2, NULL), TG_OK);
  pair_kill(w->pair, ML);
  pair_start(w->pair, ML);
  pair_pass(w->pair, TG_MINUTE);
  (void)bulletin_of(w, &draft);
  assert_int_equal(look_inbox(w->pair, BF), 1);
}

static void nothing_of_a_draft_stands_on_the_disk_in_the_clear(void **state)
{
  struct world *w = *state;
  (void)publish(w, "nobody reads this on a stolen disk");
  assert_false(look_file(w->pair, ML, "stolen disk", 11));
  assert_false(look_file(w->pair, ML, "Kidal", 5));
  assert_false(look_file(w->pair, ML, "alert.attack", 12));
}

static void what_is_denied_is_erased_and_never_goes(void **state)
{
  struct world *w = *state;
  const struct hash draft = publish(w, "better not");
  Tg__LDeny m = TG__LDENY__INIT;
  enum local_type type;
  char text[256];
  assert_true(look_text(w->pair, ML, &draft, text)); /* an approver reads what he is to sign */
  assert_int_equal(approve(w, &draft, RELEASE_1, NULL), TG_OK);
  m.draft = slice_data(hash_slice(&draft));
  m.reason = slice_data(slice_str("names a source"));
  (void)pair_ask(w->pair, ML, LOCAL_DENY, &m.base, &type);
  assert_int_equal(type, LOCAL_DONE);
  assert_int_equal(row_of(w, &draft).state, WAITING_DENIED);
  assert_false(look_text(w->pair, ML, &draft, text));
  assert_int_equal(approve(w, &draft, RELEASE_2, NULL), TG_NOT_FOUND);
  pair_settle(w->pair);
  assert_int_equal(look_inbox(w->pair, BF), 0);
}

static void it_waits_no_longer_than_it_may(void **state)
{
  struct world *w = *state;
  const struct hash draft = publish(w, "until it is stale");
  assert_int_equal(approve(w, &draft, RELEASE_1, NULL), TG_OK);
  pair_pass(w->pair, 7 * TG_DAY + TG_HOUR);
  assert_int_equal(row_of(w, &draft).state, WAITING_EXPIRED);
  assert_int_equal(pair_told(w->pair, ML, "draft-expired"), 1);
  assert_int_equal(approve(w, &draft, RELEASE_2, NULL), TG_NOT_FOUND);
}

static void so_many_wait_and_no_more(void **state)
{
  struct world *w = *state;
  struct hash draft;
  for (size_t i = 0; i < WAITING_MAX; i++)
    draft = publish(w, "one of many");
  assert_int_equal(pair_publish(w->pair, ML, &(struct pair_bulletin){.to = "BF", .text = "one too many"}, NULL), TG_QUOTA);
  assert_int_equal(approve(w, &draft, RELEASE_1, NULL), TG_OK);
  assert_int_equal(approve(w, &draft, RELEASE_2, NULL), TG_OK); /* which makes room */
  (void)publish(w, "and now it may");
}

/* ---- the policy changes meanwhile ---- */

static void a_policy_that_closes_holds_a_draft_back(void **state)
{
  struct world *w = *state;
  const struct hash draft = publish(w, "to whom it may not concern");
  assert_int_equal(approve(w, &draft, RELEASE_1, NULL), TG_OK);
  set_policy(w, OPEN "export deny ** to BF\nexport require approvals 2 by release for **\n");
  assert_int_equal(approve(w, &draft, RELEASE_2, NULL), TG_OK); /* it stands, but nothing goes */
  expect_waiting(w, &draft);
}

static void a_policy_that_demands_more_is_asked_for_more(void **state)
{
  struct world *w = *state;
  const struct hash draft = publish(w, "dearer now");
  uint64_t lack;
  set_policy(w, OPEN "export require approvals 3 by release for **\n");
  assert_int_equal(approve(w, &draft, RELEASE_1, &lack), TG_OK);
  assert_int_equal(lack, 2);
  assert_int_equal(approve(w, &draft, RELEASE_2, &lack), TG_OK);
  assert_int_equal(lack, 1);
  expect_waiting(w, &draft);
  assert_int_equal(approve(w, &draft, RELEASE_3, &lack), TG_OK);
  assert_int_equal(lack, 0);
  assert_int_equal(look_inbox(w->pair, BF), 1);
}

/* ---- attacks ---- */

static void one_officer_does_not_approve_twice(void **state)
{
  struct world *w = *state;
  const struct hash draft = publish(w, "once is once");
  const struct approval a = signature_of(w, &draft, RELEASE_1, pair_now(w->pair));
  assert_int_equal(bring_approval(w, &draft, &a, NULL), TG_OK);
  assert_int_equal(bring_approval(w, &draft, &a, NULL), TG_DUPLICATE); /* replayed */
  assert_int_equal(approve(w, &draft, RELEASE_1, NULL), TG_DUPLICATE); /* signed again */
  expect_waiting(w, &draft);
}

static void an_approval_of_another_bulletin_is_none(void **state)
{
  struct world *w = *state;
  const struct hash harmless = publish(w, "harmless"), other = publish(w, "harmless"); /* alike, but not the same */
  const struct approval a = signature_of(w, &harmless, RELEASE_1, pair_now(w->pair));
  assert_int_equal(bring_approval(w, &other, &a, NULL), TG_BAD_SIGNATURE);
  expect_waiting(w, &other);
  assert_int_equal(row_of(w, &other).approval_count, 0);
}

static void the_wrong_role_the_wrong_state_and_the_wrong_time_are_refused(void **state)
{
  struct world *w = *state;
  const struct hash draft = publish(w, "not by just anybody");
  const struct approval early = signature_of(w, &draft, RELEASE_1, pair_now(w->pair) - TG_HOUR / 2);
  assert_int_equal(approve(w, &draft, POLICY_9, NULL), TG_REFUSED);
  assert_int_equal(approve(w, &draft, FOREIGN, NULL), TG_NOT_FOUND);
  assert_int_equal(bring_approval(w, &draft, &early, NULL), TG_REFUSED);
  assert_int_equal(row_of(w, &draft).approval_count, 0);
  expect_waiting(w, &draft);
}

static void revoke(struct world *w, size_t officer)
{
  const struct sign_pk key = secret_key_sign_pk(w->officer[officer]);
  bring(w->pair, kit_revoke_key(w->kit, ML, &key, pair_now(w->pair)));
  pair_settle(w->pair);
}

static void a_revoked_officer_does_not_count_any_more(void **state)
{
  struct world *w = *state;
  const struct hash draft = publish(w, "one of them was bought");
  uint64_t lack;
  assert_int_equal(approve(w, &draft, RELEASE_1, NULL), TG_OK);
  revoke(w, RELEASE_1);
  assert_int_equal(approve(w, &draft, RELEASE_2, &lack), TG_OK);
  assert_int_equal(lack, 1);
  expect_waiting(w, &draft);
  assert_int_equal(approve(w, &draft, RELEASE_1, NULL), TG_REVOKED);
  assert_int_equal(approve(w, &draft, RELEASE_3, &lack), TG_OK);
  assert_int_equal(lack, 0);
  const struct hash id = bulletin_of(w, &draft);
  assert_int_equal(look_row(w->pair, BF, &id)->header.approval_count, 2); /* his is not among them */
}

static void who_publishes_does_not_approve_unless_the_node_says_so(void **state)
{
  struct world *w = *state;
  pair_kill(w->pair, ML);
  pair_config(w->pair, ML)->own_approval = false;
  pair_start(w->pair, ML);
  pair_settle(w->pair);
  const struct hash draft = publish(w, "mine, and approved by me");
  assert_int_equal(approve(w, &draft, RELEASE_1, NULL), TG_REFUSED);
  expect_waiting(w, &draft);
}

/* A hub that lets pass what the originator's policy does not: who may read that policy notices. */
static void a_recipient_demands_what_the_hub_let_pass(void **state)
{
  struct world *w = *state;
  struct node_core *bf = pair_core(w->pair, BF);
  struct policy *policy;
  struct hash id;
  kit_policy(w->kit, ML, OPEN "export require approvals 2 by release for **\n", pair_now(w->pair), 2);
  struct note note;
  assert_int_equal(note_parse(buf_slice(&w->kit->member[ML].policy), NULL, &note, NULL), TG_OK);
  assert_int_equal(policy_parse(note.text, "ML", NULL, &policy, NULL, NULL), TG_OK);
  assert_int_equal(policy_set_put(bf->policies, &policy, 0, pair_now(w->pair), NULL), TG_OK);
  assert_int_equal(pair_publish(w->pair, ML, &(struct pair_bulletin){.to = "BF,NE", .text = "unapproved"}, &id), TG_OK);
  pair_settle(w->pair);
  assert_int_equal(look_inbox(w->pair, BF), 0);
  assert_int_equal(look_inbox(w->pair, NE), 1); /* which has not read that policy yet */
  assert_true(look_track(w->pair, ML, &id, RECEIPT_IMPORT_REFUSED));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(two_officers_approve_and_it_goes),
      TEST(a_draft_survives_a_power_cut_with_its_approvals),
      TEST(nothing_of_a_draft_stands_on_the_disk_in_the_clear),
      TEST(what_is_denied_is_erased_and_never_goes),
      TEST(it_waits_no_longer_than_it_may),
      TEST(so_many_wait_and_no_more),
      TEST(a_policy_that_closes_holds_a_draft_back),
      TEST(a_policy_that_demands_more_is_asked_for_more),
      TEST(one_officer_does_not_approve_twice),
      TEST(an_approval_of_another_bulletin_is_none),
      TEST(the_wrong_role_the_wrong_state_and_the_wrong_time_are_refused),
      TEST(a_revoked_officer_does_not_count_any_more),
      TEST(who_publishes_does_not_approve_unless_the_node_says_so),
      cmocka_unit_test_setup_teardown(a_recipient_demands_what_the_hub_let_pass, set_up_open, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
