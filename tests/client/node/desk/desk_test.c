/* Local programs at their node, request by request: what they are answered, what they may not, and what
 * garbage does. */
#include "tests/client/node/desk/rig.h"

#include "proto/header.h"
#include "proto/marking.h"

#include <jansson.h>
#include <sodium.h>

static int begin(void **state)
{
  return (*state = rig_new()) == NULL;
}

static int end(void **state)
{
  rig_free(*state);
  return 0;
}

/* ---- who may ---- */

static void a_program_is_greeted_with_what_it_may_do(void **state)
{
  struct rig *r = *state;
  rig_join(r, 1, PUBLISHER);
  const Tg__LWelcome *w = (const Tg__LWelcome *)r->answer[0].message;
  assert_true(slice_is(strict_slice(w->node), "ML/ops/n1"));
  assert_true(slice_is(strict_slice(w->member), "ML"));
  assert_int_equal(w->n_roles, 1);
  assert_true(slice_is(strict_slice(w->roles[0]), "publisher"));
  rig_join(r, 2, OWNER);
  assert_int_equal(((const Tg__LWelcome *)r->answer[1].message)->n_roles, 6);
}

static void a_stranger_is_told_why_and_closed(void **state)
{
  struct rig *r = *state;
  rig_join(r, 7, NOBODY);
  assert_int_equal(r->closed, 7);
}

static void everybody_may_only_what_the_roles_allow(void **state)
{
  struct rig *r = *state;
  Tg__LPreview preview = TG__LPREVIEW__INIT;
  Tg__LDraft draft = TG__LDRAFT__INIT;
  Tg__LList list = TG__LLIST__INIT;
  Tg__LQuery query = TG__LQUERY__INIT;
  Tg__LDocument document = TG__LDOCUMENT__INIT;
  rig_join(r, 1, READER);
  rig_join(r, 2, PUBLISHER);
  preview.request = 2;
  preview.draft = &draft;
  rig_send(r, 1, LOCAL_PREVIEW, &preview.base);
  rig_expect_error(r, 1, 2, TG_REFUSED);
  list.request = 2;
  rig_send(r, 2, LOCAL_LIST, &list.base);
  rig_expect_error(r, 2, 2, TG_REFUSED);
  query.request = 3;
  query.what = strict_data(slice_str("journal"));
  rig_send(r, 1, LOCAL_QUERY, &query.base);
  rig_expect_error(r, 1, 3, TG_REFUSED);
  document.request = 4;
  document.content = strict_data(slice_str("x"));
  rig_send(r, 1, LOCAL_PUT_DOCUMENT, &document.base);
  rig_expect_error(r, 1, 4, TG_REFUSED);
}

/* ---- garbage ---- */

static void garbage_ends_the_connection_with_a_sentence(void **state)
{
  struct rig *r = *state;
  static const char *const frames[] = {"", "\1", "\2\1", "\1\143zzzz", "\1\1\377\377", "\1\2\10\1"};
  static const size_t sizes[] = {0, 1, 2, 6, 4, 4};
  for (size_t i = 0; i < 6; i++) {
    uint64_t client = 10 + i;
    rig_join(r, client, OWNER);
    rig_bytes(r, client, frames[i], sizes[i]);
    const Tg__LError *e = rig_expect(r, client, LOCAL_ERROR, 0);
    assert_int_equal(e->request, 0);
    assert_int_equal(r->closed, client);
  }
  rig_join(r, 99, OWNER); /* and the node is well */
}

static void nothing_comes_before_hello_and_hello_comes_once(void **state)
{
  struct rig *r = *state;
  Tg__LList list = TG__LLIST__INIT;
  Tg__LHello hello = TG__LHELLO__INIT;
  list.request = 5;
  assert_int_equal(node_client_joined(r->core, 1, OWNER), TG_OK);
  rig_send(r, 1, LOCAL_LIST, &list.base);
  rig_expect(r, 1, LOCAL_ERROR, 0);
  rig_join(r, 2, OWNER);
  hello.request = 2;
  hello.protocol = 1;
  rig_send(r, 2, LOCAL_HELLO, &hello.base);
  rig_expect(r, 2, LOCAL_ERROR, 0);
  hello.protocol = 2;
  assert_int_equal(node_client_joined(r->core, 3, OWNER), TG_OK);
  rig_send(r, 3, LOCAL_HELLO, &hello.base);
  rig_expect_error(r, 3, 2, TG_UNKNOWN);
  assert_int_equal(r->closed, 3);
}

static void a_number_in_use_ends_the_connection(void **state)
{
  struct rig *r = *state;
  Tg__LFollow follow = TG__LFOLLOW__INIT;
  rig_join(r, 1, READER);
  follow.request = 2;
  rig_send(r, 1, LOCAL_FOLLOW, &follow.base);
  rig_expect_silence(r);
  rig_send(r, 1, LOCAL_FOLLOW, &follow.base);
  rig_expect(r, 1, LOCAL_ERROR, 0);
  assert_int_equal(r->closed, 1);
}

static void too_many_requests_and_programs_are_told_to_wait(void **state)
{
  struct rig *r = *state;
  Tg__LFollow follow = TG__LFOLLOW__INIT;
  Tg__LCancel cancel = TG__LCANCEL__INIT;
  rig_join(r, 1, READER);
  for (uint64_t i = 0; i < 256; i++) {
    follow.request = 2 + i;
    rig_send(r, 1, LOCAL_FOLLOW, &follow.base);
  }
  rig_expect_silence(r);
  follow.request = 999;
  rig_send(r, 1, LOCAL_FOLLOW, &follow.base);
  rig_expect_error(r, 1, 999, TG_BUSY);
  cancel.request = 100; /* one that is over makes room for one */
  rig_send(r, 1, LOCAL_CANCEL, &cancel.base);
  rig_send(r, 1, LOCAL_FOLLOW, &follow.base);
  rig_expect_silence(r);
  for (uint64_t client = 2; client <= 128; client++)
    assert_int_equal(node_client_joined(r->core, client, READER), TG_OK);
  assert_int_equal(node_client_joined(r->core, 129, READER), TG_OK);
  rig_turn(r);
  rig_expect(r, 129, LOCAL_ERROR, 0);
  assert_int_equal(r->closed, 129);
}

/* ---- publishing, listing, reading ---- */

static Tg__LItem *first_of(struct rig *r, uint64_t client, uint64_t request, Tg__LFilter *filter)
{
  Tg__LList list = TG__LLIST__INIT;
  filter->folder = 2;
  list.request = request;
  list.filter = filter;
  rig_send(r, client, LOCAL_LIST, &list.base);
  return (Tg__LItem *)(uintptr_t)rig_expect(r, client, LOCAL_ITEM, request);
}

static void what_is_published_is_listed_and_read_back(void **state)
{
  struct rig *r = *state;
  rig_join(r, 1, PUBLISHER);
  rig_join(r, 2, READER);
  struct hash id = rig_publish(r, 1, 2, "alert.fuel", "a convoy is blocked");
  Tg__LFilter filter = TG__LFILTER__INIT;
  const Tg__LItem *item = first_of(r, 2, 3, &filter);
  assert_true(slice_eq(strict_slice(item->bulletin), slice_of(id.b, 32)));
  assert_true(slice_is(strict_slice(item->portions[0]->title), "A title"));
  const Tg__LDone *done = rig_expect(r, 2, LOCAL_DONE, 3);
  assert_int_equal(done->count, 1);
  Tg__LRead read = TG__LREAD__INIT;
  read.request = 4;
  read.bulletin = strict_data_of(id.b, 32);
  rig_send(r, 2, LOCAL_READ, &read.base);
  const Tg__LContent *content = rig_expect(r, 2, LOCAL_CONTENT, 4);
  assert_true(slice_is(strict_slice(content->data), "a convoy is blocked"));
  assert_true(content->end);
  read.offset = 2;
  read.count = 6;
  rig_send(r, 2, LOCAL_READ, &read.base);
  content = rig_expect(r, 2, LOCAL_CONTENT, 4);
  assert_true(slice_is(strict_slice(content->data), "convoy"));
}

static void what_was_acknowledged_to_the_program_survives_a_crash(void **state)
{
  struct rig *r = *state;
  rig_join(r, 1, PUBLISHER);
  struct hash id = rig_publish(r, 1, 2, "alert.fuel", "kept");
  rig_restart(r);
  rig_join(r, 1, READER);
  Tg__LFilter filter = TG__LFILTER__INIT;
  assert_true(slice_eq(strict_slice(first_of(r, 1, 2, &filter)->bulletin), slice_of(id.b, 32)));
}

static void a_program_that_goes_in_the_middle_leaves_nothing(void **state)
{
  struct rig *r = *state;
  Tg__LPublish publish = TG__LPUBLISH__INIT;
  Tg__LDraft draft = TG__LDRAFT__INIT;
  Tg__LPortionDraft portion = TG__LPORTION_DRAFT__INIT, *portions[1] = {&portion};
  ProtobufCBinaryData topics[1] = {strict_data(slice_str("a"))}, to[1] = {strict_data(slice_str("BF"))};
  Tg__LData data = TG__LDATA__INIT;
  static uint8_t bytes[65536];
  portion = (Tg__LPortionDraft){.base = portion.base,
                                .level = 1,
                                .tlp = 1,
                                .n_to = 1,
                                .to = to,
                                .size = 100000,
                                .content_type = strict_data(slice_str("application/octet-stream"))};
  draft.kind = KIND_REPORT;
  draft.precedence = PRECEDENCE_ROUTINE;
  draft.n_topics = draft.n_portions = 1;
  draft.topics = topics;
  draft.portions = portions;
  publish.request = data.request = 2;
  publish.draft = &draft;
  data.data = strict_data_of(bytes, sizeof bytes);
  rig_join(r, 1, PUBLISHER);
  rig_send(r, 1, LOCAL_PUBLISH, &publish.base);
  rig_send(r, 1, LOCAL_PUBLISH_DATA, &data.base);
  rig_expect_silence(r);
  assert_int_equal(node_client_gone(r->core, 1), TG_OK);
  rig_turn(r);
  rig_join(r, 2, OWNER);
  Tg__LList list = TG__LLIST__INIT;
  Tg__LFilter filter = TG__LFILTER__INIT;
  filter.folder = 2;
  list.request = 2;
  list.filter = &filter;
  rig_send(r, 2, LOCAL_LIST, &list.base);
  assert_int_equal(((const Tg__LDone *)rig_expect(r, 2, LOCAL_DONE, 2))->count, 0);
  /* more content than promised is refused, and the rest of it is ignored */
  rig_send(r, 2, LOCAL_PUBLISH, &publish.base);
  rig_send(r, 2, LOCAL_PUBLISH_DATA, &data.base);
  rig_send(r, 2, LOCAL_PUBLISH_DATA, &data.base);
  rig_expect_error(r, 2, 2, TG_BAD_INPUT);
  rig_send(r, 2, LOCAL_PUBLISH_DATA, &data.base);
  rig_expect_silence(r);
}

/* A wish whose content comes with it: portions of 3 and 0 bytes. */
struct along {
  Tg__LPublish publish;
  Tg__LDraft draft;
  Tg__LPortionDraft portion[2], *portions[2];
  ProtobufCBinaryData topic, to, contents[2];
};

static struct along *along(uint64_t request)
{
  static struct along a;
  a = (struct along){.publish = TG__LPUBLISH__INIT,
                     .draft = TG__LDRAFT__INIT,
                     .portion = {TG__LPORTION_DRAFT__INIT, TG__LPORTION_DRAFT__INIT},
                     .topic = strict_data(slice_str("alert.fuel")),
                     .to = strict_data(slice_str("BF")),
                     .contents = {strict_data(slice_str("abc")), {0, NULL}}};
  for (size_t i = 0; i < 2; i++) {
    a.portion[i].level = 1;
    a.portion[i].tlp = 1;
    a.portion[i].n_to = 1;
    a.portion[i].to = &a.to;
    a.portion[i].content_type = strict_data(slice_str("text/plain"));
    a.portions[i] = &a.portion[i];
  }
  a.portion[0].size = 3;
  a.draft.kind = KIND_REPORT;
  a.draft.precedence = PRECEDENCE_ROUTINE;
  a.draft.n_topics = 1;
  a.draft.topics = &a.topic;
  a.draft.n_portions = 2;
  a.draft.portions = a.portions;
  a.publish.request = request;
  a.publish.draft = &a.draft;
  a.publish.n_contents = 2;
  a.publish.contents = a.contents;
  return &a;
}

static void short_content_comes_with_the_wish(void **state)
{
  struct rig *r = *state;
  rig_join(r, 1, OWNER);
  struct along *a = along(2);
  rig_send(r, 1, LOCAL_PUBLISH, &a->publish.base);
  const Tg__LProgress *progress = rig_expect(r, 1, LOCAL_PROGRESS, 2);
  assert_non_null(progress->audience);
  struct hash id;
  const uint64_t number = progress->number;
  assert_int_equal(hash_read(strict_slice(progress->bulletin), &id), TG_OK);
  rig_expect(r, 1, LOCAL_DONE, 2);
  Tg__LRead read = TG__LREAD__INIT;
  read.request = 3;
  read.bulletin = strict_data_of(id.b, 32);
  rig_send(r, 1, LOCAL_READ, &read.base);
  const Tg__LContent *content = rig_expect(r, 1, LOCAL_CONTENT, 3);
  assert_true(content->end && slice_is(strict_slice(content->data), "abc"));

  a = along(4);
  a->publish.brief = 1;
  a->portion[0].compression = 1;
  rig_send(r, 1, LOCAL_PUBLISH, &a->publish.base);
  progress = rig_expect(r, 1, LOCAL_PROGRESS, 4);
  assert_null(progress->audience);
  assert_int_equal(progress->number, number + 1);
  rig_expect(r, 1, LOCAL_DONE, 4);
}

static void content_with_the_wish_must_be_what_it_says(void **state)
{
  struct rig *r = *state;
  rig_join(r, 1, OWNER);
  struct along *a = along(2);
  a->publish.n_contents = 1;
  rig_send(r, 1, LOCAL_PUBLISH, &a->publish.base);
  rig_expect_error(r, 1, 2, TG_BAD_INPUT);
  a = along(3);
  a->portion[1].size = 1;
  rig_send(r, 1, LOCAL_PUBLISH, &a->publish.base);
  rig_expect_error(r, 1, 3, TG_BAD_INPUT);
  a = along(4); /* refused by what it says, and nothing is left of it */
  a->to = strict_data(slice_str("XX"));
  rig_send(r, 1, LOCAL_PUBLISH, &a->publish.base);
  rig_expect_error(r, 1, 4, TG_NOT_FOUND);
  rig_restart(r);
  rig_join(r, 2, OWNER);
  Tg__LList list = TG__LLIST__INIT;
  Tg__LFilter filter = TG__LFILTER__INIT;
  filter.folder = 2;
  list.request = 2;
  list.filter = &filter;
  rig_send(r, 2, LOCAL_LIST, &list.base);
  assert_int_equal(((const Tg__LDone *)rig_expect(r, 2, LOCAL_DONE, 2))->count, 0);
}

/* More than a commit of its own each: all of a turn are one transaction and one signature. */
static void many_are_published_in_one_turn(void **state)
{
  struct rig *r = *state;
  rig_join(r, 1, OWNER);
  for (uint64_t i = 0; i < 200; i++) {
    struct buf frame = buf_new(LOCAL_FRAME);
    assert_int_equal(local_encode(LOCAL_PUBLISH, &along(10 + i)->publish.base, &frame, NULL), TG_OK);
    assert_int_equal(node_client_frame(r->core, 1, buf_slice(&frame)), TG_OK);
    buf_free(&frame);
  }
  rig_turn(r);
  uint64_t first = 0;
  for (uint64_t i = 0; i < 200; i++) {
    const uint64_t number = ((const Tg__LProgress *)rig_expect(r, 1, LOCAL_PROGRESS, 10 + i))->number;
    first = i ? first : number;
    assert_int_equal(number, first + i);
    rig_expect(r, 1, LOCAL_DONE, 10 + i);
  }
  rig_expect_silence(r);
}

static void filters_let_through_what_they_name(void **state)
{
  static const struct {
    const char *topic, *from;
    uint64_t limit;
    size_t found;
  } filters[] = {{NULL, NULL, 0, 4},
                 {"alert.fuel", NULL, 0, 2},
                 {"alert.**", NULL, 0, 3},
                 {"alert.*", NULL, 0, 2},
                 {"**", NULL, 0, 4},
                 {"alert", NULL, 0, 0},
                 {NULL, "ML", 0, 4},
                 {NULL, "ML/ops", 0, 4},
                 {NULL, "ML/op", 0, 0},
                 {NULL, "BF", 0, 0},
                 {NULL, NULL, 2, 2},
                 {"alert.fuel", NULL, 1, 1},
                 {"alert.fuel.**", NULL, 0, 3},
                 {"*.fuel", NULL, 0, 2}};
  struct rig *r = *state;
  rig_join(r, 1, OWNER);
  rig_publish(r, 1, 2, "alert.fuel", "one");
  rig_publish(r, 1, 2, "report", "two");
  rig_publish(r, 1, 2, "alert.fuel", "three");
  struct hash last = rig_publish(r, 1, 2, "alert.fuel.north", "four");
  for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
    Tg__LList list = TG__LLIST__INIT;
    Tg__LFilter filter = TG__LFILTER__INIT;
    filter.folder = 2;
    filter.topic = strict_data(slice_str(filters[i].topic ? filters[i].topic : ""));
    filter.from = strict_data(slice_str(filters[i].from ? filters[i].from : ""));
    filter.limit = filters[i].limit;
    list.request = 10 + i;
    list.filter = &filter;
    rig_send(r, 1, LOCAL_LIST, &list.base);
    const Tg__LItem *item = NULL;
    for (size_t n = 0; n < filters[i].found; n++)
      item = rig_expect(r, 1, LOCAL_ITEM, 10 + i);
    if (!filters[i].topic && item) /* the newest comes last */
      assert_true(slice_eq(strict_slice(item->bulletin), slice_of(last.b, 32)));
    assert_int_equal(((const Tg__LDone *)rig_expect(r, 1, LOCAL_DONE, 10 + i))->count, filters[i].found);
  }
}

static void a_follower_sees_what_was_and_what_comes_until_it_cancels(void **state)
{
  struct rig *r = *state;
  Tg__LFollow follow = TG__LFOLLOW__INIT;
  Tg__LFilter filter = TG__LFILTER__INIT;
  Tg__LCancel cancel = TG__LCANCEL__INIT;
  rig_join(r, 1, READER);
  rig_join(r, 2, PUBLISHER);
  rig_publish(r, 2, 2, "alert.fuel", "before");
  filter.folder = 2;
  follow.request = 5;
  follow.filter = &filter;
  rig_send(r, 1, LOCAL_FOLLOW, &follow.base);
  uint64_t place = ((const Tg__LItem *)rig_expect(r, 1, LOCAL_ITEM, 5))->place;
  rig_publish(r, 2, 2, "alert.fuel", "after");
  /* the publisher was answered first; the item follows */
  assert_true(((const Tg__LItem *)rig_expect(r, 1, LOCAL_ITEM, 5))->place > place);
  cancel.request = 5;
  rig_send(r, 1, LOCAL_CANCEL, &cancel.base);
  rig_publish(r, 2, 2, "alert.fuel", "unseen");
  rig_expect_silence(r);
}

static void a_slow_reader_gets_no_more_until_it_has_drained(void **state)
{
  struct rig *r = *state;
  rig_join(r, 1, OWNER);
  enum { SIZE = 3 << 20 };
  Tg__LPublish publish = TG__LPUBLISH__INIT;
  Tg__LDraft draft = TG__LDRAFT__INIT;
  Tg__LPortionDraft portion = TG__LPORTION_DRAFT__INIT, *portions[1] = {&portion};
  ProtobufCBinaryData topics[1] = {strict_data(slice_str("a"))}, to[1] = {strict_data(slice_str("BF"))};
  Tg__LData data = TG__LDATA__INIT;
  static uint8_t bytes[65536];
  portion = (Tg__LPortionDraft){.base = portion.base,
                                .level = 1,
                                .tlp = 1,
                                .n_to = 1,
                                .to = to,
                                .size = SIZE,
                                .content_type = strict_data(slice_str("application/octet-stream"))};
  draft.kind = KIND_REPORT;
  draft.precedence = PRECEDENCE_ROUTINE;
  draft.n_topics = draft.n_portions = 1;
  draft.topics = topics;
  draft.portions = portions;
  publish.request = data.request = 2;
  publish.draft = &draft;
  data.data = strict_data_of(bytes, sizeof bytes);
  rig_send(r, 1, LOCAL_PUBLISH, &publish.base);
  for (int i = 0; i < SIZE / 65536; i++)
    rig_send(r, 1, LOCAL_PUBLISH_DATA, &data.base);
  const Tg__LProgress *progress = rig_expect(r, 1, LOCAL_PROGRESS, 2);
  rig_expect(r, 1, LOCAL_DONE, 2);

  Tg__LRead read = TG__LREAD__INIT;
  read.request = 3;
  read.bulletin = progress->bulletin;
  r->waiting = NODE_FULL;
  r->sent_bytes = 0;
  rig_send(r, 1, LOCAL_READ, &read.base);
  for (int i = 0; i < 20; i++)
    rig_turn(r);
  assert_true(r->sent_bytes > 0 && r->sent_bytes < 2 * NODE_FULL);
  size_t before = r->sent_bytes, got = 0;
  r->waiting = 0;
  assert_int_equal(node_client_drained(r->core, 1), TG_OK);
  rig_turn(r); /* the clock stands still meanwhile */
  assert_true(r->sent_bytes > before + SIZE / 2);
  for (bool last = false; !last;) {
    const Tg__LContent *c = rig_expect(r, 1, LOCAL_CONTENT, 3);
    got += c->data.len;
    last = c->end;
  }
  assert_int_equal(got, SIZE);
}

/* ---- audience, tracking, resolving ---- */

static void a_preview_names_each_state_and_why_not(void **state)
{
  struct rig *r = *state;
  Tg__LPreview preview = TG__LPREVIEW__INIT;
  Tg__LDraft draft = TG__LDRAFT__INIT;
  Tg__LPortionDraft portion = TG__LPORTION_DRAFT__INIT, *portions[1] = {&portion};
  ProtobufCBinaryData topics[1] = {strict_data(slice_str("alert.fuel"))};
  ProtobufCBinaryData to[2] = {strict_data(slice_str("BF")), strict_data(slice_str("NE"))};
  portion = (Tg__LPortionDraft){.base = portion.base,
                                .level = LEVEL_RESTRICTED,
                                .tlp = 3,
                                .n_to = 2,
                                .to = to,
                                .size = 5,
                                .content_type = strict_data(slice_str("text/plain"))};
  draft.kind = KIND_REPORT;
  draft.precedence = PRECEDENCE_FLASH;
  draft.n_topics = draft.n_portions = 1;
  draft.topics = topics;
  draft.portions = portions;
  preview.request = 2;
  preview.draft = &draft;
  rig_join(r, 1, PUBLISHER);
  rig_send(r, 1, LOCAL_PREVIEW, &preview.base);
  const Tg__LAudience *a = rig_expect(r, 1, LOCAL_AUDIENCE, 2);
  assert_int_equal(a->n_lines, 2);
  assert_int_equal(a->lines[0]->portions, 1);
  portion.level = LEVEL_TOP_SECRET; /* above what the policy lets out */
  rig_send(r, 1, LOCAL_PREVIEW, &preview.base);
  a = rig_expect(r, 1, LOCAL_AUDIENCE, 2);
  assert_int_equal(a->lines[0]->portions, 0);
  assert_true(a->lines[0]->stage > 0 && a->lines[0]->what.len > 0);
  to[1] = strict_data(slice_str("XX"));
  rig_send(r, 1, LOCAL_PREVIEW, &preview.base);
  rig_expect_error(r, 1, 2, TG_NOT_FOUND);
}

static void a_bulletin_is_found_by_the_beginning_of_its_id_and_tracked(void **state)
{
  struct rig *r = *state;
  Tg__LResolve resolve = TG__LRESOLVE__INIT;
  Tg__LTrack track = TG__LTRACK__INIT;
  Tg__LAck ack = TG__LACK__INIT;
  char prefix[17];
  rig_join(r, 1, OWNER);
  struct hash id = rig_publish(r, 1, 2, "alert.fuel", "text");
  sodium_bin2hex(prefix, sizeof prefix, id.b, 8);
  resolve.request = 3;
  resolve.prefix = strict_data(slice_str(prefix));
  rig_send(r, 1, LOCAL_RESOLVE, &resolve.base);
  const Tg__LItem *item = rig_expect(r, 1, LOCAL_ITEM, 3);
  assert_true(slice_eq(strict_slice(item->bulletin), slice_of(id.b, 32)));
  resolve.prefix = strict_data(slice_str(prefix[0] == '0' ? "1111111111" : "0000000000"));
  rig_send(r, 1, LOCAL_RESOLVE, &resolve.base);
  rig_expect_error(r, 1, 3, TG_NOT_FOUND);
  resolve.prefix = strict_data(slice_str("xyz"));
  rig_send(r, 1, LOCAL_RESOLVE, &resolve.base);
  rig_expect_error(r, 1, 3, TG_BAD_INPUT);

  track.request = 4;
  track.bulletin = strict_data_of(id.b, 32);
  rig_send(r, 1, LOCAL_TRACK, &track.base);
  const Tg__LTrackItem *t = rig_expect(r, 1, LOCAL_TRACK_ITEM, 4);
  assert_true(slice_is(strict_slice(t->node), "BF/ops/n1"));
  assert_int_equal(t->event, 0);
  assert_int_equal(((const Tg__LDone *)rig_expect(r, 1, LOCAL_DONE, 4))->count, 1);

  uint8_t unknown[32] = {9};
  track.bulletin = ack.bulletin = strict_data_of(unknown, 32);
  rig_send(r, 1, LOCAL_TRACK, &track.base);
  rig_expect_error(r, 1, 4, TG_NOT_FOUND);
  ack.request = 5;
  rig_send(r, 1, LOCAL_ACK, &ack.base);
  rig_expect_error(r, 1, 5, TG_NOT_FOUND);
}

/* ---- questions ---- */

static json_t *ask(struct rig *r, uint64_t client, const char *what, const char *a, const char *b)
{
  Tg__LQuery query = TG__LQUERY__INIT;
  ProtobufCBinaryData args[2] = {strict_data(slice_str(a ? a : "")), strict_data(slice_str(b ? b : ""))};
  struct buf text = buf_new(1 << 24);
  query.request = 77;
  query.what = strict_data(slice_str(what));
  query.n_args = (size_t)(a != NULL) + (b != NULL);
  query.args = args;
  rig_send(r, client, LOCAL_QUERY, &query.base);
  for (bool last = false; !last;) {
    const Tg__LJson *piece = rig_expect(r, client, LOCAL_JSON, 77);
    buf_put_slice(&text, strict_slice(piece->json));
    last = piece->end;
  }
  json_t *json = json_loadb((const char *)text.p, text.n, JSON_DECODE_ANY, NULL);
  assert_non_null(json);
  buf_free(&text);
  return json;
}

static const char *text_at(const json_t *j, const char *key)
{
  const char *text = json_string_value(json_object_get(j, key));
  assert_non_null(text);
  return text;
}

static void questions_are_answered_in_json(void **state)
{
  struct rig *r = *state;
  rig_join(r, 1, OWNER);
  json_t *status = ask(r, 1, "status", NULL, NULL);
  assert_string_equal(text_at(status, "node"), "ML/ops/n1");
  assert_int_equal(json_integer_value(json_object_get(json_object_get(status, "charter"), "version")), 1);
  json_decref(status);

  json_t *directory = ask(r, 1, "directory", NULL, NULL);
  json_t *members = json_object_get(directory, "members");
  assert_int_equal(json_array_size(members), 3);
  assert_int_equal(json_array_size(json_object_get(json_array_get(members, 0), "nodes")), 1);
  json_decref(directory);

  json_t *documents = ask(r, 1, "documents", NULL, NULL);
  assert_true(json_array_size(documents) >= 10);
  json_t *document = ask(r, 1, "document", text_at(json_array_get(documents, 0), "hash"), NULL);
  assert_string_equal(text_at(document, "kind"), "charter");
  assert_non_null(strstr(text_at(document, "note"), "toguna/charter v1"));
  json_decref(document);
  json_decref(documents);
}

static bool finds(const json_t *doctor, const char *name)
{
  size_t i;
  json_t *finding;
  json_array_foreach(json_object_get(doctor, "findings"), i,
                     finding) if (strcmp(text_at(finding, "name"), name) ==
                                  0) return strlen(text_at(finding, "what")) > 0;
  return false;
}

static void the_doctor_says_what_is_wrong(void **state)
{
  struct rig *r = *state;
  rig_join(r, 1, OWNER);
  json_t *doctor = ask(r, 1, "doctor", NULL, NULL);
  assert_true(finds(doctor, "hub"));
  char *text = json_dumps(doctor, 0);
  assert_non_null(strstr(text, "had at %2$s"));
  assert_non_null(strstr(text, "\"connecting\", \"tcp://"));
  free(text);
  assert_false(finds(doctor, "disk"));
  assert_false(finds(doctor, "credential"));
  json_decref(doctor);
  node_disk(r->core, 1000);
  doctor = ask(r, 1, "doctor", NULL, NULL);
  assert_true(finds(doctor, "disk"));
  json_decref(doctor);
  node_disk(r->core, UINT64_C(1) << 40);
  r->now.wall += 3640 * TG_DAY; /* the credential runs out */
  r->now.mono += 1000;
  doctor = ask(r, 1, "doctor", NULL, NULL);
  assert_true(finds(doctor, "credential"));
  json_decref(doctor);
}

static void an_explanation_names_the_rule(void **state)
{
  struct rig *r = *state;
  char id_text[65];
  rig_join(r, 1, OWNER);
  struct hash id = rig_publish(r, 1, 2, "alert.fuel", "text");
  sodium_bin2hex(id_text, sizeof id_text, id.b, 32);
  json_t *explain = ask(r, 1, "explain", id_text, "BF");
  json_t *portion = json_array_get(json_object_get(explain, "portions"), 0);
  assert_true(json_is_true(json_object_get(portion, "permitted")));
  assert_string_equal(text_at(json_object_get(portion, "rule"), "file"), "ml.policy");
  json_decref(explain);
  explain = ask(r, 1, "explain", id_text, "NE"); /* not on the list */
  portion = json_array_get(json_object_get(explain, "portions"), 0);
  assert_true(json_is_false(json_object_get(portion, "permitted")));
  assert_string_equal(text_at(portion, "stage"), "marking");
  json_decref(explain);
}

static void wrong_questions_get_a_sentence(void **state)
{
  static const char *const wrong[][2] = {
      {"weather", NULL}, {"document", NULL}, {"document", "abc"}, {"explain", "x"}, {"journal", "-1"}};
  struct rig *r = *state;
  rig_join(r, 1, OWNER);
  for (size_t i = 0; i < 5; i++) {
    Tg__LQuery query = TG__LQUERY__INIT;
    ProtobufCBinaryData args[1] = {strict_data(slice_str(wrong[i][1] ? wrong[i][1] : ""))};
    query.request = 2;
    query.what = strict_data(slice_str(wrong[i][0]));
    query.n_args = wrong[i][1] != NULL;
    query.args = args;
    rig_send(r, 1, LOCAL_QUERY, &query.base);
    rig_expect_error(r, 1, 2, TG_USAGE);
  }
}

static void the_journal_tells_who_did_what(void **state)
{
  struct rig *r = *state;
  rig_join(r, 1, PUBLISHER);
  rig_publish(r, 1, 2, "alert.fuel", "text");
  rig_join(r, 2, OWNER);
  json_t *journal = ask(r, 2, "journal", NULL, NULL);
  assert_true(json_is_true(json_object_get(journal, "whole")));
  json_t *row = json_array_get(json_object_get(journal, "rows"), 0);
  assert_string_equal(text_at(row, "action"), "published");
  assert_string_equal(text_at(row, "program"), "test");
  assert_int_equal(json_integer_value(json_object_get(row, "uid")), PUBLISHER);
  json_decref(journal);
}

/* ---- documents ---- */

static void a_document_that_does_not_verify_is_refused_at_once(void **state)
{
  struct rig *r = *state;
  Tg__LDocument document = TG__LDOCUMENT__INIT;
  rig_join(r, 1, OFFICER);
  document.request = 2;
  document.content = strict_data(slice_str("toguna/policy v1\nnot a note\n"));
  rig_send(r, 1, LOCAL_PUT_DOCUMENT, &document.base);
  rig_expect_error(r, 1, 2, TG_BAD_INPUT);
  document.content = strict_data(buf_slice(&r->kit->charter)); /* known since the start */
  rig_send(r, 1, LOCAL_PUT_DOCUMENT, &document.base);
  const Tg__LError *e = rig_expect(r, 1, LOCAL_ERROR, 2);
  assert_int_equal(e->err, TG_DUPLICATE);
}

static void a_good_document_waits_for_the_hub(void **state)
{
  struct rig *r = *state;
  Tg__LDocument document = TG__LDOCUMENT__INIT;
  rig_join(r, 1, OFFICER);
  kit_policy(r->kit, 0, "export allow report.** to BF up-to RESTRICTED\n", r->now.wall, 1);
  document.request = 2;
  document.content = strict_data(buf_slice(&r->kit->member[0].policy));
  rig_send(r, 1, LOCAL_PUT_DOCUMENT, &document.base);
  rig_expect_silence(r);
}

/* ---- the end ---- */

static void a_stop_is_told_to_every_program(void **state)
{
  struct rig *r = *state;
  Tg__LFollow follow = TG__LFOLLOW__INIT;
  struct tg_why why = {0};
  rig_join(r, 1, READER);
  rig_join(r, 2, READER);
  follow.request = 2;
  rig_send(r, 1, LOCAL_FOLLOW, &follow.base);
  assert_int_equal(node_stop(r->core), TG_OK);
  assert_int_equal(node_turn(r->core, &why), TG_OK);
  assert_int_equal(((const Tg__LError *)rig_expect(r, 1, LOCAL_ERROR, 0))->err, TG_UNREACHABLE);
  assert_int_equal(((const Tg__LError *)rig_expect(r, 2, LOCAL_ERROR, 0))->err, TG_UNREACHABLE);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
  const struct CMUnitTest tests[] = {
      STORY(a_program_is_greeted_with_what_it_may_do),
      STORY(a_stranger_is_told_why_and_closed),
      STORY(everybody_may_only_what_the_roles_allow),
      STORY(garbage_ends_the_connection_with_a_sentence),
      STORY(nothing_comes_before_hello_and_hello_comes_once),
      STORY(a_number_in_use_ends_the_connection),
      STORY(too_many_requests_and_programs_are_told_to_wait),
      STORY(what_is_published_is_listed_and_read_back),
      STORY(what_was_acknowledged_to_the_program_survives_a_crash),
      STORY(a_program_that_goes_in_the_middle_leaves_nothing),
      STORY(short_content_comes_with_the_wish),
      STORY(content_with_the_wish_must_be_what_it_says),
      STORY(many_are_published_in_one_turn),
      STORY(filters_let_through_what_they_name),
      STORY(a_follower_sees_what_was_and_what_comes_until_it_cancels),
      STORY(a_slow_reader_gets_no_more_until_it_has_drained),
      STORY(a_preview_names_each_state_and_why_not),
      STORY(a_bulletin_is_found_by_the_beginning_of_its_id_and_tracked),
      STORY(questions_are_answered_in_json),
      STORY(the_doctor_says_what_is_wrong),
      STORY(an_explanation_names_the_rule),
      STORY(wrong_questions_get_a_sentence),
      STORY(the_journal_tells_who_did_what),
      STORY(a_document_that_does_not_verify_is_refused_at_once),
      STORY(a_good_document_waits_for_the_hub),
      STORY(a_stop_is_told_to_every_program),
  };
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
