/* local: the frames between programs and their node. */
#include "client/local.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static ProtobufCBinaryData text(const char *s) { return (ProtobufCBinaryData){strlen(s), (uint8_t *)(uintptr_t)s}; }

static void limits_are_those_of_the_schema(void **state)
{
  (void)state;
  for (size_t i = 0; local_limits_all[i]; i++) {
    const struct strict_limits *l = local_limits_all[i];
    assert_int_equal(l->field_count, l->descriptor->n_fields);
    for (size_t f = 0; f < l->field_count; f++) {
      const ProtobufCFieldDescriptor *d = &l->descriptor->fields[f];
      assert_int_equal(l->fields[f].number, d->id);
      assert_int_equal(l->fields[f].count > 0, d->label == PROTOBUF_C_LABEL_REPEATED);
      if (d->type == PROTOBUF_C_TYPE_MESSAGE)
        assert_ptr_equal(l->fields[f].message->descriptor, d->descriptor);
      else
        assert_true(l->fields[f].max > 0);
    }
  }
}

static void every_type_has_its_row(void **state)
{
  (void)state;
  for (unsigned type = 1; type <= LOCAL_BACKUP; type++) {
    const struct local_kind *kind = local_kind((uint8_t)type);
    assert_non_null(kind);
    assert_int_equal(kind->type, type);
    assert_int_equal(kind->limits->fields[0].number, 1);
  }
  assert_null(local_kind(0));
  assert_null(local_kind(LOCAL_BACKUP + 1));
}

static void a_frame_comes_back_as_it_was(void **state)
{
  (void)state;
  struct arena *arena = arena_new(LOCAL_ARENA);
  struct buf out = buf_new(LOCAL_FRAME);
  Tg__LPublish m = TG__LPUBLISH__INIT;
  Tg__LDraft draft = TG__LDRAFT__INIT;
  Tg__LPortionDraft portion = TG__LPORTION_DRAFT__INIT, *portions[] = {&portion};
  ProtobufCBinaryData topics[] = {text("alert.attack")}, to[] = {text("AES"), text("SN")};
  portion.level = 2;
  portion.tlp = 3;
  portion.to = to;
  portion.n_to = 2;
  portion.size = 70000;
  draft.kind = 1;
  draft.topics = topics;
  draft.n_topics = 1;
  draft.portions = portions;
  draft.n_portions = 1;
  m.request = 7;
  m.draft = &draft;
  m.wait = 2;
  assert_int_equal(local_encode(LOCAL_PUBLISH, &m.base, &out, NULL), TG_OK);
  const struct local_kind *kind;
  ProtobufCMessage *back;
  assert_int_equal(local_decode(buf_slice(&out), LOCAL_TO_NODE, arena, &kind, &back, NULL), TG_OK);
  assert_int_equal(kind->type, LOCAL_PUBLISH);
  assert_int_equal(local_request(back), 7);
  const Tg__LPublish *p = (const Tg__LPublish *)back;
  assert_int_equal(p->draft->portions[0]->size, 70000);
  assert_memory_equal(p->draft->portions[0]->to[1].data, "SN", 2);
  assert_int_equal(local_decode(buf_slice(&out), LOCAL_TO_PROGRAM, arena, &kind, &back, NULL), TG_BAD_INPUT);
  out.p[0] = 2;
  assert_int_equal(local_decode(buf_slice(&out), LOCAL_TO_NODE, arena, &kind, &back, NULL), TG_UNKNOWN);
  buf_free(&out);
  arena_free(arena);
}

static void an_error_keeps_its_arguments_in_order(void **state)
{
  (void)state;
  struct arena *arena = arena_new(LOCAL_ARENA);
  struct buf out = buf_new(LOCAL_FRAME);
  struct tg_why why;
  ProtobufCBinaryData args[3];
  why_set(&why, TG_REFUSED, "ml.policy:4", "%2$s may not", NULL, "", "SN", NULL);
  Tg__LError e = local_error(3, &why, args);
  assert_int_equal(local_encode(LOCAL_ERROR, &e.base, &out, NULL), TG_OK);
  const struct local_kind *kind;
  ProtobufCMessage *back;
  assert_int_equal(local_decode(buf_slice(&out), LOCAL_TO_PROGRAM, arena, &kind, &back, NULL), TG_OK);
  const Tg__LError *b = (const Tg__LError *)back;
  assert_int_equal(b->err, TG_REFUSED);
  assert_int_equal(b->n_args, 2);
  assert_int_equal(b->args[0].len, 0);
  assert_memory_equal(b->args[1].data, "SN", 2);
  buf_free(&out);
  arena_free(arena);
}

static void what_is_beyond_a_limit_is_not_made(void **state)
{
  (void)state;
  struct buf out = buf_new(LOCAL_FRAME);
  static uint8_t much[LOCAL_DATA + 1];
  Tg__LData m = TG__LDATA__INIT;
  m.request = 1;
  m.data = (ProtobufCBinaryData){sizeof much, much};
  buf_put_str(&out, "before");
  assert_int_not_equal(local_encode(LOCAL_PUBLISH_DATA, &m.base, &out, NULL), TG_OK);
  assert_int_equal(out.n, 6);
  m.data.len = LOCAL_DATA;
  assert_int_equal(local_encode(LOCAL_PUBLISH_DATA, &m.base, &out, NULL), TG_OK);
  buf_free(&out);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(limits_are_those_of_the_schema), cmocka_unit_test(every_type_has_its_row),
      cmocka_unit_test(a_frame_comes_back_as_it_was),   cmocka_unit_test(an_error_keeps_its_arguments_in_order),
      cmocka_unit_test(what_is_beyond_a_limit_is_not_made),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
