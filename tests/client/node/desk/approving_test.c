/* What waits for approvals is seen by who may approve it and who wrote it, and by nobody else at the node. */
#include "client/node/waiting.h"
#include "proto/body.h"
#include "proto/portion.h"
#include "tests/client/node/desk/rig.h"

#include <jansson.h>
#include <sodium.h>

enum { WRITER = 1, OTHER_WRITER, LOOKER, CHECKER }; /* programs of PUBLISHER, another publisher, READER, APPROVER */

static const char rules[] = "export allow ** to * up-to SECRET\nimport allow ** from * up-to SECRET\n"
                            "export require approvals 1 by release for **\n";

static int begin(void **state)
{
  struct rig *r = *state = rig_new();
  struct tg_why why;
  kit_policy(r->kit, 0, rules, r->now.wall, 2);
  assert_int_equal(node_document(r->core, buf_slice(&r->kit->member[0].policy), &why), TG_OK);
  rig_turn(r);
  rig_join(r, WRITER, PUBLISHER);
  rig_join(r, OTHER_WRITER, SECOND_PUBLISHER);
  rig_join(r, LOOKER, READER);
  rig_join(r, CHECKER, APPROVER);
  r->read = r->n_answers;
  return 0;
}

static int end(void **state)
{
  rig_free(*state);
  return 0;
}

static struct hash published(struct rig *r, const char *text) { return rig_publish(r, WRITER, 10, "alert.attack", text); }

static enum tg_err read_it(struct rig *r, uint64_t client, const struct hash *draft)
{
  static uint64_t request = 100;
  Tg__LRead m = TG__LREAD__INIT;
  m.request = ++request;
  m.bulletin = strict_data_of(draft->b, sizeof draft->b);
  rig_send(r, client, LOCAL_READ, &m.base);
  const struct answer *a = &r->answer[r->read++];
  assert_int_equal(a->client, client);
  return a->type == LOCAL_ERROR ? (enum tg_err)((const Tg__LError *)a->message)->err : TG_OK;
}

static size_t listed(struct rig *r, uint64_t client)
{
  static uint64_t request = 200;
  Tg__LQuery m = TG__LQUERY__INIT;
  m.request = ++request;
  m.what = strict_data(slice_str("waiting"));
  rig_send(r, client, LOCAL_QUERY, &m.base);
  const Tg__LJson *answer = rig_expect(r, client, LOCAL_JSON, m.request);
  json_t *list = json_loadb((const char *)answer->json.data, answer->json.len, 0, NULL);
  assert_true(json_is_array(list));
  size_t n = json_array_size(list);
  json_decref(list);
  return n;
}

static void deny(struct rig *r, uint64_t client, uint64_t request, const struct hash *draft)
{
  Tg__LDeny m = TG__LDENY__INIT;
  m.request = request;
  m.draft = strict_data_of(draft->b, sizeof draft->b);
  m.reason = strict_data(slice_str("not today"));
  rig_send(r, client, LOCAL_DENY, &m.base);
}

static void its_author_and_approvers_see_it_and_nobody_else(void **state)
{
  struct rig *r = *state;
  const struct hash draft = published(r, "between us");
  assert_int_equal(read_it(r, WRITER, &draft), TG_OK);
  assert_int_equal(read_it(r, CHECKER, &draft), TG_OK);
  assert_int_equal(read_it(r, OTHER_WRITER, &draft), TG_REFUSED);
  assert_int_equal(read_it(r, LOOKER, &draft), TG_NOT_FOUND); /* as if it were not there */
  assert_int_equal(listed(r, WRITER), 1);
  assert_int_equal(listed(r, CHECKER), 1);
  assert_int_equal(listed(r, OTHER_WRITER), 0);
}

static const struct answer *read_sealed(struct rig *r, uint64_t client, const struct hash *draft)
{
  static uint64_t request = 300;
  Tg__LRead m = TG__LREAD__INIT;
  m.request = ++request;
  m.bulletin = strict_data_of(draft->b, sizeof draft->b);
  m.sealed = true;
  rig_send(r, client, LOCAL_READ, &m.base);
  return &r->answer[r->read++];
}

static enum tg_err refusal(const struct answer *a)
{
  return a->type == LOCAL_ERROR ? (enum tg_err)((const Tg__LError *)a->message)->err : TG_OK;
}

static enum tg_err no_head(void *context, const struct body_head *head)
{
  (void)context;
  (void)head;
  return TG_OK;
}

static enum tg_err append(void *context, struct slice bytes)
{
  buf_put_slice(context, bytes);
  return TG_OK;
}

static void who_may_see_it_opens_the_sealed_bytes_himself(void **state)
{
  struct rig *r = *state;
  const struct hash draft = published(r, "between us");
  struct arena *arena = arena_new(1 << 20);
  struct waiting_row row;
  struct portion p;
  struct body_key key;
  struct body_opener *opener;
  struct buf text = buf_new(1024);
  const struct body_reader reader = {.head = no_head, .content = append, .context = &text};
  assert_int_equal(refusal(read_sealed(r, OTHER_WRITER, &draft)), TG_REFUSED);
  assert_int_equal(refusal(read_sealed(r, LOOKER, &draft)), TG_NOT_FOUND);
  assert_int_equal(waiting_row(r->core, &draft, arena, &row), TG_OK);
  assert_int_equal(portion_parse(data_slice(row.record->portions[0]), arena, &p, NULL), TG_OK);
  const struct answer *a = read_sealed(r, CHECKER, &draft);
  assert_int_equal(a->type, LOCAL_CONTENT);
  const Tg__LContent *content = (const Tg__LContent *)a->message;
  assert_true(content->end && content->data.len == p.seal.size && content->key.len == sizeof key.b);
  assert_null(memmem(content->data.data, content->data.len, "between us", 10));
  memcpy(key.b, content->key.data, sizeof key.b);
  assert_int_equal(body_opener_new(0, &p.seal, &key, 1024, &reader, &opener, NULL), TG_OK);
  assert_int_equal(body_opener_put(opener, data_slice(content->data), NULL), TG_OK);
  assert_int_equal(body_opener_finish(opener, NULL), TG_OK);
  assert_true(slice_is(buf_slice(&text), "between us"));
  body_opener_free(opener);
  buf_free(&text);
  arena_free(arena);
  deny(r, WRITER, 44, &draft);
  rig_expect(r, WRITER, LOCAL_DONE, 44);
  assert_int_equal(refusal(read_sealed(r, CHECKER, &draft)), TG_NOT_FOUND); /* nothing waits there any more */
}

static void an_approver_reads_nothing_else(void **state)
{
  struct rig *r = *state;
  Tg__LList list = TG__LLIST__INIT;
  list.request = 20;
  rig_send(r, CHECKER, LOCAL_LIST, &list.base);
  rig_expect_error(r, CHECKER, 20, TG_REFUSED);
  const struct hash nothing = {{1}};
  assert_int_equal(read_it(r, CHECKER, &nothing), TG_REFUSED);
}

static void it_goes_only_to_who_may_see_it_to_be_previewed(void **state)
{
  struct rig *r = *state;
  const struct hash draft = published(r, "to whom?");
  Tg__LPreview m = TG__LPREVIEW__INIT;
  m.waiting = strict_data_of(draft.b, sizeof draft.b);
  m.request = 30;
  rig_send(r, CHECKER, LOCAL_PREVIEW, &m.base);
  const Tg__LAudience *audience = rig_expect(r, CHECKER, LOCAL_AUDIENCE, 30);
  assert_int_equal(audience->n_lines, 1);
  assert_int_equal(audience->approvals, 1);
  rig_send(r, OTHER_WRITER, LOCAL_PREVIEW, &m.base);
  rig_expect_error(r, OTHER_WRITER, 30, TG_NOT_FOUND); /* as if it were not there */
  m.request = 31;
  m.waiting.len = 0;
  rig_send(r, CHECKER, LOCAL_PREVIEW, &m.base);
  rig_expect_error(r, CHECKER, 31, TG_BAD_INPUT);
}

static void its_author_takes_it_back_and_another_does_not(void **state)
{
  struct rig *r = *state;
  const struct hash draft = published(r, "on second thoughts");
  deny(r, OTHER_WRITER, 40, &draft);
  rig_expect_error(r, OTHER_WRITER, 40, TG_NOT_FOUND);
  deny(r, LOOKER, 41, &draft);
  rig_expect_error(r, LOOKER, 41, TG_REFUSED);
  deny(r, WRITER, 42, &draft);
  rig_expect(r, WRITER, LOCAL_DONE, 42);
  assert_int_equal(listed(r, WRITER), 0);
  deny(r, CHECKER, 43, &draft);
  rig_expect_error(r, CHECKER, 43, TG_NOT_FOUND);
}

static void only_approvers_bring_approvals(void **state)
{
  struct rig *r = *state;
  const struct hash draft = published(r, "mine");
  const uint8_t zeros[64] = {1};
  Tg__LApprove m = TG__LAPPROVE__INIT;
  m.request = 50;
  m.draft = strict_data_of(draft.b, sizeof draft.b);
  m.officer = strict_data_of(zeros, 32);
  m.time = (uint64_t)r->now.wall;
  m.signature = strict_data_of(zeros, 64);
  rig_send(r, WRITER, LOCAL_APPROVE, &m.base);
  rig_expect_error(r, WRITER, 50, TG_REFUSED);
  rig_send(r, CHECKER, LOCAL_APPROVE, &m.base); /* by a key that is nobody's */
  rig_expect_error(r, CHECKER, 50, TG_NOT_FOUND);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
  const struct CMUnitTest tests[] = {
      STORY(its_author_and_approvers_see_it_and_nobody_else),
      STORY(who_may_see_it_opens_the_sealed_bytes_himself),
      STORY(an_approver_reads_nothing_else),
      STORY(it_goes_only_to_who_may_see_it_to_be_previewed),
      STORY(its_author_takes_it_back_and_another_does_not),
      STORY(only_approvers_bring_approvals),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
