/* The folder of documents that a node begins with: in what order it takes what lies there. */
#include "client/node/shell/intake.h"
#include "os/file.h"
#include "tests/client/node/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ALL "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\n"

static void put(const char *folder, const char *name, const struct buf *note)
{
  char path[160];
  struct tg_why why;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  assert_int_equal(file_write(path, buf_slice(note), 0600, &why), TG_OK);
}

static void clear(const char *folder, const char *name)
{
  char path[160];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  assert_int_equal(remove(path), 0);
}

static void nothing_else(struct charter *c) { (void)c; }

/* By name the charter that gives ML another root comes last, behind what who has the old one lets out. */
static void who_stole_a_root_that_was_replaced_makes_no_policy(void **state)
{
  struct world *w = *state;
  struct kit_member *ml = &w->kit->member[ML];
  struct secret_key *honest = ml->officer[0];
  char folder[] = "/tmp/toguna-intake-XXXXXX";
  struct tg_why why = {0};
  struct buf officer;
  assert_non_null(mkdtemp(folder));
  pair_plug(w->pair, BF, false);
  pair_start(w->pair, BF); /* knows the first charter */
  struct secret_key *thief = kit_officer(w->kit, ML, "ML/thief-1", ROLE_POLICY, &officer);
  ml->officer[0] = thief;
  struct buf policy = kit_policy_note(w->kit, ML, 1000, ALL, pair_now(w->pair), 1);
  ml->officer[0] = honest;
  kit_replace_root(w->kit, ML);
  struct buf charter = kit_next_charter(w->kit, pair_now(w->pair), nothing_else);
  put(folder, "a.note", &officer);
  put(folder, "b.note", &policy);
  put(folder, "c.note", &charter);
  assert_int_equal(intake_documents(pair_core(w->pair, BF), folder, &why), TG_OK);
  assert_int_equal(node_document(pair_core(w->pair, BF), buf_slice(&charter), &why), TG_OK); /* is known */
  assert_int_equal(node_document(pair_core(w->pair, BF), buf_slice(&policy), &why), TG_REFUSED);
  assert_int_equal(node_document(pair_core(w->pair, BF), buf_slice(&officer), &why), TG_REFUSED);
  assert_int_equal(why.err, TG_REVOKED);
  clear(folder, "a.note");
  clear(folder, "b.note");
  clear(folder, "c.note");
  assert_int_equal(rmdir(folder), 0);
  buf_free(&officer);
  buf_free(&policy);
  buf_free(&charter);
  secret_key_free(thief);
}

/* The key is vouched for by both roots, and the old one took it back in its time. */
static void what_a_replaced_root_took_back_stays_taken_back(void **state)
{
  struct world *w = *state;
  struct kit_member *ml = &w->kit->member[ML];
  char folder[] = "/tmp/toguna-intake-XXXXXX";
  struct tg_why why = {0};
  const struct sign_pk stolen = secret_key_sign_pk(ml->officer[0]);
  assert_non_null(mkdtemp(folder));
  pair_plug(w->pair, BF, false);
  pair_start(w->pair, BF);
  struct buf revocation = kit_revoke_key(w->kit, ML, &stolen, pair_now(w->pair));
  kit_replace_root(w->kit, ML);
  struct buf charter = kit_next_charter(w->kit, pair_now(w->pair), nothing_else);
  struct buf again = kit_vouch_again(w->kit, ML, 0);
  struct buf policy = kit_policy_note(w->kit, ML, 1000, ALL, pair_now(w->pair), 1);
  put(folder, "a.note", &again);
  put(folder, "b.note", &charter);
  put(folder, "c.note", &policy);
  put(folder, "d.note", &revocation);
  assert_int_equal(intake_documents(pair_core(w->pair, BF), folder, &why), TG_OK);
  assert_int_equal(node_document(pair_core(w->pair, BF), buf_slice(&revocation), &why), TG_OK); /* is known */
  assert_int_equal(node_document(pair_core(w->pair, BF), buf_slice(&again), &why), TG_REFUSED);
  assert_int_equal(node_document(pair_core(w->pair, BF), buf_slice(&policy), &why), TG_REFUSED);
  clear(folder, "a.note");
  clear(folder, "b.note");
  clear(folder, "c.note");
  clear(folder, "d.note");
  assert_int_equal(rmdir(folder), 0);
  buf_free(&revocation);
  buf_free(&charter);
  buf_free(&again);
  buf_free(&policy);
}

/* Its own signature has made the next one, and without it there would be too few. */
static void who_leaves_a_charter_afterwards_keeps_out_none_that_it_signed(void **state)
{
  struct world *w = *state;
  char folder[] = "/tmp/toguna-intake-XXXXXX";
  struct tg_why why = {0};
  assert_non_null(mkdtemp(folder));
  pair_plug(w->pair, BF, false);
  pair_start(w->pair, BF);
  struct buf ml = kit_withdrawal(w->kit, ML, 1, pair_now(w->pair)), ne = kit_withdrawal(w->kit, NE, 1, pair_now(w->pair));
  struct buf charter = kit_next_charter(w->kit, pair_now(w->pair), nothing_else);
  put(folder, "a.note", &ml);
  put(folder, "b.note", &ne);
  put(folder, "c.note", &charter);
  assert_int_equal(intake_documents(pair_core(w->pair, BF), folder, &why), TG_OK);
  assert_int_equal(node_document(pair_core(w->pair, BF), buf_slice(&charter), &why), TG_OK);
  assert_int_equal(node_document(pair_core(w->pair, BF), buf_slice(&ml), &why), TG_OK);
  clear(folder, "a.note");
  clear(folder, "b.note");
  clear(folder, "c.note");
  assert_int_equal(rmdir(folder), 0);
  buf_free(&ml);
  buf_free(&ne);
  buf_free(&charter);
}

/* ML's node was there, and has announced its sealing keys; then ML got another root. BF begins, and knows that before it meets the hub, which passes on what it took
   in long ago. */
static void an_honest_hub_is_accused_of_nothing(void **state)
{
  struct world *w = *state;
  struct tg_why why = {0};
  pair_start(w->pair, ML);
  pair_settle(w->pair);
  pair_kill(w->pair, ML);
  kit_replace_root(w->kit, ML);
  struct buf charter = kit_next_charter(w->kit, pair_now(w->pair), nothing_else);
  pair_document(w->pair, buf_slice(&charter));
  pair_plug(w->pair, BF, false);
  pair_start(w->pair, BF);
  assert_int_equal(node_document(pair_core(w->pair, BF), buf_slice(&charter), &why), TG_OK);
  pair_plug(w->pair, BF, true);
  pair_settle(w->pair);
  pair_pass(w->pair, TG_MINUTE);
  assert_int_equal(pair_told(w->pair, BF, "document-refused"), 5); /* two officers, a node, its sealing keys, a policy */
  assert_int_equal(pair_alarms(w->pair, BF), 0);
  buf_free(&charter);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(who_stole_a_root_that_was_replaced_makes_no_policy, world_new, world_free),
      cmocka_unit_test_setup_teardown(what_a_replaced_root_took_back_stays_taken_back, world_new, world_free),
      cmocka_unit_test_setup_teardown(an_honest_hub_is_accused_of_nothing, world_new, world_free),
      cmocka_unit_test_setup_teardown(who_leaves_a_charter_afterwards_keeps_out_none_that_it_signed, world_new, world_free),
  };
  return cmocka_run_group_tests_name("client_node_intake", tests, NULL, NULL);
}
