/* The world as the directory knows it: standing, ceilings, blocs through time, agencies, places. */
#include "../keys/world.h"

#include "policy/set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>

static struct policy_world *built(const struct world *w, tg_time at)
{
  struct policy_world *p = NULL;
  assert_int_equal(policy_world_build(w->d, at, &p), TG_OK);
  return p;
}

static bool in_bloc(const struct policy_world *p, const char *bloc, size_t member, tg_time at)
{
  struct memberset members = {0};
  return policy_world_bloc(p, slice_str(bloc), at, &members) &&
         memberset_has(&members, (unsigned)policy_world_member(p, world_code(member)));
}

static void a_world_without_a_charter_is_none(void **state)
{
  (void)state;
  struct hash exchange = {{1}};
  struct directory *d = directory_new(&exchange);
  struct policy_world *p;
  assert_int_equal(policy_world_build(d, WORLD_START, &p), TG_NOT_FOUND);
  directory_free(d);
}

static void members_blocs_and_agencies_as_the_directory_has_them(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *a = world_issue(w, ML, "ML/dgse/n1", ROLE_NODE),
                    *b = world_issue(w, ML, "ML/dgse/n2", ROLE_NODE),
                    *c = world_issue(w, NG, "NG/dss/n1", ROLE_NODE);
  struct policy_world *p = built(w, WORLD_START + TG_DAY), *copy;
  assert_int_equal(p->member_count, WORLD_MEMBERS);
  int ng = policy_world_member(p, world_code(NG));
  assert_true(ng >= 0 && p->members[ng].originates && p->members[ng].receives && p->members[ng].connects);
  assert_int_equal(p->agency_count, 2); /* each once */
  assert_string_equal(p->agencies[1].name, "dss");
  assert_int_equal(p->agencies[1].member, ng);
  assert_true(p->place_count >= 1 && p->suite_count >= 1);
  assert_true(in_bloc(p, "AES", ML, WORLD_START + TG_DAY) && !in_bloc(p, "AES", NG, WORLD_START + TG_DAY));
  assert_false(in_bloc(p, "AES", ML, 0)); /* before the exchange was founded there was none */
  assert_false(in_bloc(p, "LCBC", ML, WORLD_START + TG_DAY));
  copy = policy_world_copy(p);
  policy_world_free(p);
  assert_int_equal(policy_world_member(copy, world_code(NG)), ng);
  assert_int_equal(memberset_count(&(struct memberset){{policy_world_everyone(copy).w[0]}}), WORLD_MEMBERS);
  assert_true(in_bloc(copy, "ECOWAS", NG, WORLD_START + TG_DAY));
  policy_world_free(copy);
  secret_key_free(a);
  secret_key_free(b);
  secret_key_free(c);
  world_free(w);
}

static void a_charter_changes_blocs_and_standing_at_its_time(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct charter *c = world_charter(w);
  tg_time change = WORLD_START + 10 * TG_DAY;
  world_follow(w, c, change);
  c->member[charter_member(c, world_code(NG)) - c->member].standing = STANDING_NO_SENDING;
  c->member[charter_member(c, world_code(NG)) - c->member].ceiling = LEVEL_RESTRICTED;
  snprintf(c->bloc[1].name, sizeof c->bloc[1].name, "%s",
           strcmp(c->bloc[1].name, "ECOWAS") ? "SAHEL3" : "WEST");
  c->quorum.n = 1;
  snprintf(c->quorum.term[0].group, sizeof c->quorum.term[0].group, "members");
  struct buf text = world_note_charter(c, w->root, WORLD_MEMBERS);
  world_add(w->d, DOCUMENT_CHARTER, text, WORLD_START + TG_DAY, TG_OK);
  struct policy_world *before = built(w, change - 1), *after = built(w, change);
  int ng = policy_world_member(after, world_code(NG));
  const char *gone = strcmp(c->bloc[1].name, "WEST") ? "AES" : "ECOWAS";
  size_t member = strcmp(gone, "AES") ? NG : ML;
  assert_true(before->members[ng].originates && !after->members[ng].originates);
  assert_true(after->members[ng].receives && after->members[ng].connects);
  assert_int_equal(after->members[ng].ceiling, LEVEL_RESTRICTED);
  assert_true(in_bloc(after, gone, member, change - 1) && !in_bloc(after, gone, member, change));
  assert_true(!in_bloc(after, c->bloc[1].name, member, change - 1) &&
              in_bloc(after, c->bloc[1].name, member, change));
  /* Both are worlds that a set accepts, and agree on indexes. */
  struct policy_set *set;
  assert_int_equal(policy_set_new(before, change - 1, &set), TG_OK);
  assert_int_equal(policy_set_world(set, after, change), TG_OK);
  policy_set_free(set);
  policy_world_free(before);
  policy_world_free(after);
  charter_free(c);
  world_free(w);
}

static void give_policy(struct world *w, uint64_t serial, const char *rules, struct secret_key *const *officer)
{
  struct buf text = buf_new(4096);
  buf_printf(&text, "toguna/policy v1\nmember ML\nserial %u\neffective 2026-12-01T00:00:00Z\n%s", (unsigned)serial, rules);
  world_add(w->d, DOCUMENT_POLICY, world_sign(&text, officer, 1), WORLD_START + TG_DAY, TG_OK);
}

static uint64_t serial_in_force(const struct directory *d, tg_time at)
{
  struct policy_set *set;
  assert_int_equal(policy_set_build(d, at, &set), TG_OK);
  const struct policy *p = policy_set_policy(set, (unsigned)directory_member_index(d, world_code(ML)), at);
  const uint64_t serial = p ? policy_serial(p) : 0;
  policy_set_free(set);
  return serial;
}

static void what_cannot_be_read_permits_nothing_and_neither_does_the_one_before(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct secret_key *officer = world_issue(w, ML, "ML/policy-1", ROLE_POLICY);
  struct policy_set *none = NULL;
  assert_int_equal(policy_set_build(w->d, WORLD_START - TG_DAY, &none), TG_NOT_FOUND);
  assert_null(none);
  assert_int_equal(serial_in_force(w->d, WORLD_START + TG_DAY), 0);
  give_policy(w, 1, "export allow ** to SN\n", &officer);
  assert_int_equal(serial_in_force(w->d, WORLD_START + TG_DAY), 1);
  give_policy(w, 2, "export whisper ** to SN\n", &officer);
  assert_int_equal(serial_in_force(w->d, WORLD_START + TG_DAY), 0);
  give_policy(w, 3, "export allow ** to NG\n", &officer);
  assert_int_equal(serial_in_force(w->d, WORLD_START + TG_DAY), 3);
  secret_key_free(officer);
  world_free(w);
}

static void a_world_holds_until_a_charter_or_a_standing_changes(void **state)
{
  (void)state;
  struct world *w = world_new(NULL);
  struct charter *c = world_charter(w);
  tg_time change = WORLD_START + 10 * TG_DAY;
  struct policy_world *before = built(w, WORLD_START + TG_DAY);
  world_follow(w, c, change);
  struct buf text = world_note_charter(c, w->root, WORLD_MEMBERS);
  world_add(w->d, DOCUMENT_CHARTER, text, WORLD_START + TG_DAY, TG_OK);
  assert_true(policy_world_holds(before, w->d, change - 1));
  assert_false(policy_world_holds(before, w->d, change));
  assert_false(policy_world_holds(before, w->d, WORLD_START - TG_DAY));
  policy_world_free(before);
  charter_free(c);
  world_free(w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_cannot_be_read_permits_nothing_and_neither_does_the_one_before),
      cmocka_unit_test(a_world_holds_until_a_charter_or_a_standing_changes),
      cmocka_unit_test(a_world_without_a_charter_is_none),
      cmocka_unit_test(members_blocs_and_agencies_as_the_directory_has_them),
      cmocka_unit_test(a_charter_changes_blocs_and_standing_at_its_time),
  };
  if (sodium_init() < 0)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
