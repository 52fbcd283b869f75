/* toguna document send and its like: notes go to the node in the order in which they can be taken in. */
#include "tests/client/cli/run.h"
#include "tests/kit/exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct kit *kit;

/* A note of the kit as a file. */
static const char *note_file(const char *name, const struct buf *note)
{
  char *text = slice_dup(buf_slice(note));
  const char *path = put_file(name, text);
  free(text);
  return path;
}

static void expect_document(struct fake *f, const struct buf *wanted)
{
  const Tg__LDocument *m = fake_expect(f, LOCAL_PUT_DOCUMENT);
  fake_check(f, slice_eq(slice_of(m->content.data, m->content.len), buf_slice(wanted)));
}

static void takes_credential_then_policy(struct fake *f)
{
  fake_accept(f);
  expect_document(f, &kit->member[0].officer_credential[0]);
  fake_done(f, 1);
  expect_document(f, &kit->member[0].policy);
  fake_error(f, TG_DUPLICATE, "", "this document is known already", NULL, NULL);
  fake_until_closed(f);
}

static void documents_go_in_an_order_in_which_they_can_be_taken(void **state)
{
  (void)state;
  struct fake *f = fake_start(takes_credential_then_policy, NULL);
  char policy[300], credential[300];
  strcpy(policy, note_file("a-policy.note", &kit->member[0].policy));
  strcpy(credential, note_file("b-credential.note", &kit->member[0].officer_credential[0]));
  const struct outcome *o = run(f, NULL, "document", "send", policy, credential, NULL);
  assert_int_equal(o->code, 0);
  assert_non_null(strstr(o->out, "b-credential.note: accepted"));
  assert_non_null(strstr(o->out, "a-policy.note: was known already"));
  fake_finish(f);
}

/* The node's own end, by a root key: taken, and the doctor there knows what it means. */
static void is_revoked(struct fake *f)
{
  fake_accept(f);
  expect_document(f, fake_context(f));
  fake_done(f, 1);
  fake_until_closed(f);
  fake_accept(f);
  fake_expect(f, LOCAL_QUERY);
  fake_json(f, "{\"well\":false,\"findings\":[{\"name\":\"credential\",\"severity\":\"error\",\"error\":\"revoked\",\"where\":\"\","
               "\"what\":\"%1$s was revoked\",\"todo\":\"it needs a new key\",\"args\":[\"ML/dgse/n1\"]}]}", true);
  fake_until_closed(f);
}

static void a_node_that_took_its_own_end_is_told_of(void **state)
{
  (void)state;
  struct buf note = kit_revoke(kit, 0, &kit->member[0].node[0], kit->start);
  struct fake *f = fake_start(is_revoked, &note);
  const struct outcome *o = run(f, NULL, "document", "send", note_file("revoked.note", &note), NULL);
  assert_int_equal(o->code, 0);
  assert_non_null(strstr(o->out, "revoked.note: accepted"));
  assert_non_null(strstr(o->out, "That is the node that took it."));
  assert_non_null(strstr(o->out, "ML/dgse/n1 was revoked"));
  fake_finish(f);
  buf_free(&note);
}

static void refuses_the_policy(struct fake *f)
{
  fake_accept(f);
  expect_document(f, &kit->member[0].policy);
  fake_error(f, TG_REFUSED, "ML.policy:12", "this would break a guarantee", NULL, NULL);
  fake_until_closed(f);
}

static void a_refusal_is_told_in_the_nodes_words(void **state)
{
  (void)state;
  struct fake *f = fake_start(refuses_the_policy, NULL);
  const struct outcome *o = run(f, NULL, "policy", "publish", note_file("policy.note", &kit->member[0].policy), NULL);
  expect_refusal(o, 1, "ML.policy:12", "guarantee", NULL);
  fake_finish(f);
}

static void nothing_of_another_kind_leaves(void **state)
{
  (void)state;
  const struct outcome *o = run(NULL, NULL, "policy", "publish", note_file("charter.note", &kit->charter), NULL);
  expect_refusal(o, 3, "charter.note", "policy", NULL);
  o = run(NULL, NULL, "document", "send", put_file("text.note", "toguna/policy v1\n"), NULL);
  expect_refusal(o, 3, "text.note", NULL);
  o = run(NULL, NULL, "charter", "publish", note_file("charter.note", &kit->charter), "--socket", in_folder("none.sock"), NULL);
  expect_refusal(o, 4, "none.sock", NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(documents_go_in_an_order_in_which_they_can_be_taken),
      cmocka_unit_test(a_node_that_took_its_own_end_is_told_of),
      cmocka_unit_test(a_refusal_is_told_in_the_nodes_words),
      cmocka_unit_test(nothing_of_another_kind_leaves),
  };
  kit = kit_new(2, (tg_time)1790000000000, NULL);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  kit_free(kit);
  return failed;
}
