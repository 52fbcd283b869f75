/* What policies, approvals and suspensions let pass, at the hub: when it accepts, and again when it dispatches. */
#include "tests/broker/stage.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ML, BF, NE, SN };
enum { RELEASE_1, RELEASE_2, POLICY_9, FOREIGN, OFFICERS };

#define ALLOW_ALL "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\n"

struct world {
  struct stage *stage;
  struct secret_key *officer[OFFICERS];
};

static void bring(struct stage *s, struct buf note)
{
  assert_int_equal(stage_document(s, &note), TG_OK);
  buf_free(&note);
  stage_settle(s);
}

static int four(void **state)
{
  static struct world w;
  static const struct {
    size_t member;
    const char *holder;
    enum role role;
  } who[OFFICERS] = {{ML, "ML/release-1", ROLE_RELEASE},
                     {ML, "ML/release-2", ROLE_RELEASE},
                     {ML, "ML/policy-9", ROLE_POLICY},
                     {BF, "BF/release-1", ROLE_RELEASE}};
  w.stage = stage_new(4, NULL);
  for (size_t i = 0; i < OFFICERS; i++) {
    struct buf note;
    w.officer[i] = kit_officer(w.stage->kit, who[i].member, who[i].holder, who[i].role, &note);
    bring(w.stage, note);
  }
  *state = &w;
  return 0;
}

static int gone(void **state)
{
  struct world *w = *state;
  for (size_t i = 0; i < OFFICERS; i++)
    secret_key_free(w->officer[i]);
  stage_free(w->stage);
  return 0;
}

static void expect(const struct actor *a, enum reason reason)
{
  const struct got_outcome *last = &a->outcome[a->outcomes - 1];
  assert_true(a->outcomes > 0);
  if (last->reason != reason)
    fail_msg("expected %s, got %s: %s", reason_name(reason), reason_name(last->reason), last->detail);
}

static struct hash say(struct actor *a, struct story t, enum reason reason)
{
  struct hash id = actor_publish(a, t);
  stage_settle(a->stage);
  expect(a, reason);
  return id;
}

static void leave(struct actor *a)
{
  struct seal_pk peer = secret_key_seal_pk(a->kit->transport);
  assert_int_equal(hub_gone(a->stage->hub, &peer), TG_OK);
}

/* ---- approvals */

static void demand_two(struct world *w)
{
  struct stage *s = w->stage;
  kit_policy(s->kit, ML, ALLOW_ALL "export require approvals 2 by release for **\n", s->now.wall, 2);
  assert_int_equal(stage_document(s, &s->kit->member[ML].policy), TG_OK);
  stage_settle(s);
}

static void what_takes_two_approvals_passes_with_two(void **state)
{
  struct world *w = *state;
  struct actor *ml = &w->stage->actor[ML], *bf = &w->stage->actor[BF];
  const struct secret_key *one[] = {w->officer[RELEASE_1], NULL}, *two[] = {w->officer[RELEASE_1], w->officer[RELEASE_2], NULL};
  demand_two(w);
  say(ml, (struct story){.to = "BF"}, REASON_POLICY);
  say(ml, (struct story){.to = "BF", .officers = one}, REASON_POLICY);
  assert_int_equal(bf->deliveries, 0);
  say(ml, (struct story){.to = "BF", .officers = two}, REASON_NONE);
  assert_int_equal(bf->deliveries, 1);
  assert_int_equal(bf->delivery[0].approvals, 2); /* which it can check itself */
}

static void an_approval_that_does_not_count_refuses_all(void **state)
{
  struct world *w = *state;
  struct stage *s = w->stage;
  struct actor *ml = &s->actor[ML];
  const struct secret_key *role[] = {w->officer[RELEASE_1], w->officer[POLICY_9], NULL},
                          *state_of_another[] = {w->officer[RELEASE_1], w->officer[FOREIGN], NULL},
                          *two[] = {w->officer[RELEASE_1], w->officer[RELEASE_2], NULL};
  struct header first;
  demand_two(w);
  say(ml, (struct story){.to = "BF", .officers = role}, REASON_APPROVALS);
  say(ml, (struct story){.to = "BF", .officers = state_of_another}, REASON_APPROVALS);
  struct sealed b = actor_seal(ml, (struct story){.to = "BF", .officers = two});
  assert_int_equal(header_parse(strict_slice(b.message->header), s->said, &first, NULL), TG_OK);
  say(ml, (struct story){.to = "BF", .approvals = first.approvals, .approval_count = 2, .number = first.number}, REASON_APPROVALS);
  body_drop(&b.body);
  assert_int_equal(s->actor[BF].deliveries, 0);
}

static void revoke(struct world *w, size_t officer)
{
  const struct sign_pk key = secret_key_sign_pk(w->officer[officer]);
  bring(w->stage, kit_revoke_key(w->stage->kit, ML, &key, w->stage->now.wall));
}

static void a_revoked_officer_holds_back_what_is_queued(void **state)
{
  struct world *w = *state;
  struct stage *s = w->stage;
  const struct secret_key *two[] = {w->officer[RELEASE_1], w->officer[RELEASE_2], NULL};
  demand_two(w);
  leave(&s->actor[BF]);
  say(&s->actor[ML], (struct story){.to = "BF", .officers = two}, REASON_NONE);
  revoke(w, RELEASE_2);
  actor_hello(&s->actor[BF]);
  stage_settle(s);
  assert_int_equal(s->actor[BF].deliveries, 0);
  say(&s->actor[ML], (struct story){.to = "BF", .officers = two}, REASON_APPROVALS);
}

/* ---- blind */

static void a_blind_audience_is_shown_to_nobody(void **state)
{
  const struct world *w = *state;
  struct stage *s = w->stage;
  say(&s->actor[ML], (struct story){.to = "BF NE", .caveats = CAVEAT_BLIND}, REASON_NONE);
  say(&s->actor[ML], (struct story){.to = "BF NE"}, REASON_NONE);
  for (size_t i = BF; i <= NE; i++) {
    assert_int_equal(s->actor[i].deliveries, 2);
    assert_int_equal(s->actor[i].delivery[0].named, 0);
    assert_int_equal(s->actor[i].delivery[1].named, 2);
  }
  assert_int_equal(s->actor[SN].deliveries, 0);
}

/* ---- suspension, by degrees */

static enum standing degree;

static void suspend_bf(struct charter *c)
{
  for (size_t i = 0; i < c->n_members; i++)
    if (strcmp(c->member[i].code.code, "BF") == 0)
      c->member[i].standing = degree;
}

static void suspend(struct world *w, enum standing to)
{
  degree = to;
  bring(w->stage, kit_next_charter(w->stage->kit, w->stage->now.wall, suspend_bf));
}

static void who_may_not_send_still_receives(void **state)
{
  struct world *w = *state;
  struct stage *s = w->stage;
  suspend(w, STANDING_NO_SENDING);
  say(&s->actor[BF], (struct story){.to = "ML"}, REASON_POLICY);
  say(&s->actor[ML], (struct story){.to = "BF NE"}, REASON_NONE);
  assert_int_equal(s->actor[BF].deliveries, 1);
  actor_receive(&s->actor[BF], 0, RECEIPT_STORED); /* receipts are owed */
  stage_settle(s);
  assert_int_equal(s->actor[ML].notes, 1);
}

static void who_is_cut_off_gets_nothing_new(void **state)
{
  struct world *w = *state;
  struct stage *s = w->stage;
  leave(&s->actor[BF]);
  say(&s->actor[ML], (struct story){.to = "BF NE"}, REASON_NONE); /* queued for BF */
  suspend(w, STANDING_NO_NEW_TRAFFIC);
  say(&s->actor[ML], (struct story){.to = "BF NE"}, REASON_POLICY);
  actor_hello(&s->actor[BF]);
  stage_settle(s);
  assert_int_equal(s->actor[BF].deliveries, 0);
}

static void a_suspended_member_takes_back_and_corrects_where_its_bulletin_went(void **state)
{
  struct world *w = *state;
  struct stage *s = w->stage;
  struct hash said = say(&s->actor[BF], (struct story){.to = "ML"}, REASON_NONE);
  suspend(w, STANDING_NO_NEW_TRAFFIC);
  say(&s->actor[BF], (struct story){.to = "ML NE", .kind = KIND_CORRECTION, .supersedes = said}, REASON_POLICY);
  say(&s->actor[BF], (struct story){.to = "NE", .kind = KIND_CORRECTION, .supersedes = said}, REASON_POLICY);
  assert_int_equal(s->actor[NE].deliveries, 0); /* which would have been new traffic under another name */
  say(&s->actor[BF], (struct story){.to = "ML", .kind = KIND_CORRECTION, .supersedes = said}, REASON_NONE);
  say(&s->actor[BF], (struct story){.to = "ML", .kind = KIND_RECALL, .supersedes = said}, REASON_NONE);
  assert_int_equal(s->actor[ML].deliveries, 3);
}

static void a_suspended_member_hears_of_corrections_of_what_it_was_given_only(void **state)
{
  struct world *w = *state;
  struct stage *s = w->stage;
  struct actor *ml = &s->actor[ML], *bf = &s->actor[BF];
  struct hash known = say(ml, (struct story){.to = "BF NE"}, REASON_NONE), unknown = say(ml, (struct story){.to = "NE"}, REASON_NONE);
  suspend(w, STANDING_NO_NEW_TRAFFIC);
  actor_forget(bf);
  say(ml, (struct story){.to = "BF NE", .kind = KIND_CORRECTION, .supersedes = unknown}, REASON_POLICY);
  assert_int_equal(bf->deliveries, 0);
  say(ml, (struct story){.to = "BF NE", .kind = KIND_CORRECTION, .supersedes = known}, REASON_NONE);
  assert_int_equal(bf->deliveries, 1);
}

/* Between acceptance and dispatch everything may change. */
static void a_correction_that_waits_is_looked_at_again(void **state)
{
  struct world *w = *state;
  struct stage *s = w->stage;
  struct hash id = say(&s->actor[ML], (struct story){.to = "NE"}, REASON_NONE);
  leave(&s->actor[BF]);
  say(&s->actor[ML], (struct story){.to = "BF NE", .kind = KIND_CORRECTION, .supersedes = id}, REASON_NONE); /* wider, as it may be */
  suspend(w, STANDING_NO_NEW_TRAFFIC);
  actor_hello(&s->actor[BF]);
  stage_settle(s);
  assert_int_equal(s->actor[BF].deliveries, 0);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, four, gone)

int main(void)
{
  const struct CMUnitTest tests[] = {
      STORY(what_takes_two_approvals_passes_with_two),
      STORY(an_approval_that_does_not_count_refuses_all),
      STORY(a_revoked_officer_holds_back_what_is_queued),
      STORY(a_blind_audience_is_shown_to_nobody),
      STORY(who_may_not_send_still_receives),
      STORY(who_is_cut_off_gets_nothing_new),
      STORY(a_suspended_member_takes_back_and_corrects_where_its_bulletin_went),
      STORY(a_suspended_member_hears_of_corrections_of_what_it_was_given_only),
      STORY(a_correction_that_waits_is_looked_at_again),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
