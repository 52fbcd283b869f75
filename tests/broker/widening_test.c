/* One officer alone opens nothing: not by a leap in serials, and not by a charter that waits. */
#include "tests/broker/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ML, BF, NE, SN };

#define ACCEPT "import allow ** from * up-to SECRET\n"
#define ALLOW_ALL "export allow ** to * up-to SECRET\n" ACCEPT
#define ALLOW_NE "export allow ** to NE up-to SECRET\n" ACCEPT

static int four(void **state)
{
  *state = stage_new(4, NULL);
  return 0;
}

/* ML publishes rules under a serial; what the hub says. */
static enum reason bring(struct stage *s, uint64_t serial, const char *rules, tg_time effective, size_t officers)
{
  struct actor *ml = &s->actor[ML];
  struct buf note = kit_policy_note(s->kit, ML, serial, rules, effective, officers);
  actor_bring(ml, &note);
  stage_settle(s);
  buf_free(&note);
  assert_true(ml->document_outcomes > 0);
  return ml->document_outcome[ml->document_outcomes - 1];
}

static void restart(struct stage *s)
{
  stage_settle(s);
  hub_free(s->hub);
  s->hub = NULL;
  assert_int_equal(stage_restart(s), TG_OK);
  assert_int_equal(hub_time(s->hub, s->now), TG_OK);
  for (size_t i = 0; i < 4; i++)
    actor_hello(&s->actor[i]);
  stage_settle(s);
}

static enum reason say(struct stage *s, const char *to)
{
  struct actor *ml = &s->actor[ML];
  actor_publish(ml, (struct story){.to = to});
  stage_settle(s);
  assert_true(ml->outcomes > 0);
  return ml->outcome[ml->outcomes - 1].reason;
}

static void a_serial_that_leaps_leaves_the_policy_in_force(void **state)
{
  struct stage *s = *state;
  char brief[256], end[25];
  assert_int_equal(bring(s, 2, ALLOW_NE, s->now.wall, 1), REASON_NONE);
  assert_int_equal(bring(s, 1000, ALLOW_NE, s->now.wall + 30 * TG_DAY, 1), REASON_NONE);
  restart(s);
  assert_int_equal(say(s, "NE"), REASON_NONE);
  time_print(s->now.wall + 20 * TG_DAY, end);
  snprintf(brief, sizeof brief, "expires %s\n%s", end, ALLOW_ALL);
  assert_int_equal(bring(s, 1001, brief, s->now.wall, 1), REASON_QUORUM);
  assert_int_not_equal(say(s, "BF"), REASON_NONE);
}

static void a_serial_that_leaps_takes_no_narrowing_back(void **state)
{
  struct stage *s = *state;
  assert_int_equal(bring(s, 2, ALLOW_NE, s->now.wall + 7 * TG_DAY, 1), REASON_NONE);
  /* Equal to the narrow one when that begins, and gone before the far one. */
  assert_int_equal(bring(s, 1000, ALLOW_NE, s->now.wall + 30 * TG_DAY, 1), REASON_NONE);
  char brief[256], end[25];
  time_print(s->now.wall + 20 * TG_DAY, end);
  snprintf(brief, sizeof brief, "expires %s\n%s", end, ALLOW_ALL);
  assert_int_equal(bring(s, 1001, brief, s->now.wall, 1), REASON_QUORUM);
}

/* SN joins AES. Members of a charter stand by code: BF ML NE SN. */
static void sn_joins_aes(struct charter *c)
{
  for (size_t i = 0; i < c->n_blocs; i++)
    if (!strcmp(c->bloc[i].name, "AES")) {
      uint16_t *all = calloc(4, sizeof *all);
      assert_non_null(all);
      for (uint16_t m = 0; m < 4; m++)
        all[m] = m;
      free(c->bloc[i].member);
      c->bloc[i].member = all;
      c->bloc[i].n = 4;
    }
}

static void charter_waits(struct stage *s)
{
  struct buf note = kit_next_charter(s->kit, s->now.wall + 7 * TG_DAY, sn_joins_aes);
  assert_int_equal(stage_document(s, &note), TG_OK);
  stage_settle(s);
  buf_free(&note);
}

static void a_bloc_that_will_grow_is_read_as_it_will_be(void **state)
{
  struct stage *s = *state;
  assert_int_equal(bring(s, 2, "export allow ** to AES except SN up-to SECRET\n" ACCEPT, s->now.wall, 1), REASON_NONE);
  charter_waits(s);
  assert_int_equal(bring(s, 3, "export allow ** to AES up-to SECRET\n" ACCEPT, s->now.wall, 1), REASON_QUORUM);
  assert_int_equal(bring(s, 3, "export allow ** to AES except SN up-to SECRET\n" ACCEPT, s->now.wall, 1), REASON_NONE);
}

/* The same states today; no charter waits. */
static void one_officer_opens_nothing_to_who_joins_later(void **state)
{
  struct stage *s = *state;
  assert_int_equal(bring(s, 2, "export allow ** to ML BF NE SN up-to SECRET\n" ACCEPT, s->now.wall, 1), REASON_NONE);
  assert_int_equal(bring(s, 3, ALLOW_ALL, s->now.wall, 1), REASON_QUORUM);
  assert_int_equal(bring(s, 3, ALLOW_ALL, s->now.wall + 2 * TG_DAY, 2), REASON_NONE);
}

static void pins_look_at_the_charter_that_waits(void **state)
{
  struct stage *s = *state;
  charter_waits(s);
  assert_int_equal(bring(s, 2, "export allow ** to AES up-to SECRET\npin never ** to SN\n" ACCEPT, s->now.wall, 1), REASON_PIN);
  assert_int_equal(bring(s, 2, "export allow ** to AES except SN up-to SECRET\npin never ** to SN\n" ACCEPT, s->now.wall, 1),
                   REASON_NONE);
}

/* At a hub at work, by whatever way it comes. */
static void a_pin_holds_back_the_charter_that_breaks_it(void **state)
{
  struct stage *s = *state;
  struct buf charter = kit_next_charter(s->kit, s->now.wall + 7 * TG_DAY, sn_joins_aes);
  assert_int_equal(bring(s, 2, "export allow ** to AES up-to SECRET\npin never ** to SN\n" ACCEPT, s->now.wall, 1), REASON_NONE);
  assert_int_equal(stage_document(s, &charter), TG_REFUSED);
  actor_bring(&s->actor[NE], &charter);
  stage_settle(s);
  assert_int_equal(s->actor[NE].document_outcome[s->actor[NE].document_outcomes - 1], REASON_PIN);
  assert_int_equal(bring(s, 3, "export allow ** to NE up-to SECRET\npin never ** to SN\n" ACCEPT, s->now.wall, 1), REASON_NONE);
  assert_int_equal(stage_document(s, &charter), TG_OK);
  buf_free(&charter);
}

/* Without its pin one officer could open by the next bloc that grows; and until it may go, it guards. */
static void a_pin_goes_by_two_and_in_time(void **state)
{
  struct stage *s = *state;
  const char *pinned = ALLOW_NE "pin never ** to SN\n";
  assert_int_equal(bring(s, 2, pinned, s->now.wall, 1), REASON_NONE);
  assert_int_equal(bring(s, 3, ALLOW_NE, s->now.wall, 1), REASON_QUORUM);
  assert_int_equal(bring(s, 3, ALLOW_NE, s->now.wall + 2 * TG_DAY, 1), REASON_QUORUM);
  assert_int_equal(bring(s, 3, ALLOW_NE, s->now.wall, 2), REASON_QUORUM);
  assert_int_equal(bring(s, 3, ALLOW_NE, s->now.wall + 2 * TG_DAY, 2), REASON_NONE);
  /* What it forbids stays forbidden until then: a policy of now is compared with it, and must keep it. */
  assert_int_equal(bring(s, 4, "export allow ** to NE SN up-to SECRET\n" ACCEPT, s->now.wall, 2), REASON_QUORUM);
  assert_int_equal(bring(s, 4, ALLOW_NE, s->now.wall + TG_HOUR, 1), REASON_QUORUM);
  assert_int_equal(bring(s, 4, "import allow ** from NE up-to SECRET\npin never ** to SN\n", s->now.wall, 1), REASON_NONE);
}

static void hub_moves_to_france(struct charter *c)
{
  memcpy(c->hub[0].host.code, "FR", 2);
}

static void the_hub_stands_where_the_charter_in_force_says(void **state)
{
  struct stage *s = *state;
  assert_int_equal(bring(s, 2, "export allow ** to * up-to SECRET\ntransit deny hub-in SN for **\n" ACCEPT, s->now.wall, 1), REASON_NONE);
  assert_int_equal(say(s, "BF"), REASON_POLICY);
  struct buf note = kit_next_charter(s->kit, s->now.wall + 7 * TG_DAY, hub_moves_to_france);
  assert_int_equal(stage_document(s, &note), TG_OK);
  buf_free(&note);
  stage_settle(s);
  assert_int_equal(say(s, "BF"), REASON_POLICY);
}

static void bring_founding(void *context, struct slice note)
{
  struct stage *s = context;
  struct tg_why why;
  assert_int_equal(hub_document(s->hub, note, &why), TG_OK);
}

static enum tg_err bring_policy(struct stage *s, uint64_t serial, const char *rules, tg_time effective, size_t officers)
{
  struct buf note = kit_policy_note(s->kit, ML, serial, rules, effective, officers);
  const enum tg_err err = stage_document(s, &note);
  buf_free(&note);
  return err;
}

/* A hub that is to follow one that was lost reads what ML widened long ago, in good time, and then narrowed: nobody can widen in good time for a
   hub that does not know of it yet. Two officers it still takes; and once a charter names this hub, time as well. */
static void who_comes_later_takes_what_was_widened_in_its_time(void **state)
{
  struct stage *s = *state;
  assert_int_equal(bring_policy(s, 2, ALLOW_NE, s->now.wall, 1), TG_OK);
  struct secret_key *transport, *log;
  kit_hub_keys("hub2", &transport, &log);
  strcpy(s->config.name, "hub2");
  strcat(s->database, ".2");
  buf_clear(&s->signed_note);
  assert_int_equal(stage_restart(s), TG_OK);
  assert_int_equal(hub_time(s->hub, s->now), TG_OK);
  kit_each_document(s->kit, bring_founding, s);
  assert_int_equal(bring_policy(s, 2, ALLOW_NE, s->now.wall - 30 * TG_MINUTE, 1), TG_OK);
  assert_int_equal(bring_policy(s, 3, ALLOW_ALL, s->now.wall - 20 * TG_MINUTE, 1), TG_REFUSED);
  assert_int_equal(bring_policy(s, 3, ALLOW_ALL, s->now.wall - 20 * TG_MINUTE, 2), TG_OK);
  assert_int_equal(bring_policy(s, 4, ALLOW_NE, s->now.wall - 10 * TG_MINUTE, 1), TG_OK);
  struct buf charter = kit_charter_naming(s->kit, s->now.wall, "hub2", transport, log);
  assert_int_equal(stage_document(s, &charter), TG_OK);
  assert_int_equal(bring_policy(s, 5, ALLOW_ALL, s->now.wall, 2), TG_REFUSED);
  assert_int_equal(bring_policy(s, 5, ALLOW_ALL, s->now.wall + 2 * TG_DAY, 2), TG_OK);
  buf_free(&charter);
  secret_key_free(transport);
  secret_key_free(log);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, four, stage_gone)

int main(void)
{
  const struct CMUnitTest tests[] = {
      STORY(a_serial_that_leaps_leaves_the_policy_in_force),
      STORY(a_serial_that_leaps_takes_no_narrowing_back),
      STORY(a_bloc_that_will_grow_is_read_as_it_will_be),
      STORY(one_officer_opens_nothing_to_who_joins_later),
      STORY(the_hub_stands_where_the_charter_in_force_says),
      STORY(pins_look_at_the_charter_that_waits),
      STORY(a_pin_holds_back_the_charter_that_breaks_it),
      STORY(a_pin_goes_by_two_and_in_time),
      STORY(who_comes_later_takes_what_was_widened_in_its_time),
  };
  return cmocka_run_group_tests_name("broker_widening", tests, NULL, NULL);
}
