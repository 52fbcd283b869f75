/* The table of limits fits the schemas, row by row. */
#include "proto/body.h"
#include "proto/frame.h"
#include "proto/hpke.h"
#include "proto/wrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void every_field_has_its_row(void **state)
{
  (void)state;
  for (size_t i = 0; limits_all[i]; i++) {
    const struct strict_limits *l = limits_all[i];
    assert_int_equal(l->field_count, l->descriptor->n_fields);
    for (size_t k = 0; k < l->field_count; k++)
      assert_int_equal(l->fields[k].number, l->descriptor->fields[k].id);
  }
}

/* The kinds of field that strict.c knows, and rows that say what their kind needs. */
static void every_row_fits_its_field(void **state)
{
  (void)state;
  for (size_t i = 0; limits_all[i]; i++)
    for (size_t k = 0; k < limits_all[i]->field_count; k++) {
      const struct strict_field *f = &limits_all[i]->fields[k];
      const ProtobufCFieldDescriptor *schema = &limits_all[i]->descriptor->fields[k];
      assert_true((schema->label == PROTOBUF_C_LABEL_REPEATED) == (f->count > 0));
      assert_true((schema->type == PROTOBUF_C_TYPE_MESSAGE) == (f->message != NULL));
      if (f->message) {
        assert_ptr_equal(f->message->descriptor, schema->descriptor);
        continue;
      }
      assert_true(f->min >= 1 && f->min <= f->max);
      assert_true(schema->type == PROTOBUF_C_TYPE_BYTES || schema->type == PROTOBUF_C_TYPE_UINT32 ||
                  schema->type == PROTOBUF_C_TYPE_UINT64);
      assert_true(schema->type == PROTOBUF_C_TYPE_BYTES || !(f->flags & (STRICT_TEXT | STRICT_STEPS)));
      if (f->count && schema->type != PROTOBUF_C_TYPE_BYTES)
        assert_true(schema->flags & PROTOBUF_C_FIELD_FLAG_PACKED);
    }
}

static bool is_in_all(const struct strict_limits *l)
{
  for (size_t i = 0; limits_all[i]; i++)
    if (limits_all[i] == l)
      return true;
  return false;
}

static void every_message_is_in_the_list_once(void **state)
{
  (void)state;
  size_t n = 0;
  for (; limits_all[n]; n++)
    for (size_t k = 0; k < limits_all[n]->field_count; k++)
      if (limits_all[n]->fields[k].message)
        assert_true(is_in_all(limits_all[n]->fields[k].message));
  assert_int_equal(n, 44);
}

static unsigned depth_of(const struct strict_limits *l)
{
  unsigned deepest = 0;
  for (size_t k = 0; k < l->field_count; k++) {
    unsigned depth = l->fields[k].message ? depth_of(l->fields[k].message) : 0;
    deepest = depth > deepest ? depth : deepest;
  }
  return deepest + 1;
}

static void no_schema_nests_too_deeply(void **state)
{
  (void)state;
  for (size_t i = 0; limits_all[i]; i++)
    assert_true(depth_of(limits_all[i]) <= STRICT_DEPTH);
}

static const struct strict_field *row(const struct strict_limits *l, uint32_t number)
{
  for (size_t k = 0; k < l->field_count; k++)
    if (l->fields[k].number == number)
      return &l->fields[k];
  fail();
  return NULL;
}

/* Figures that stand in two places, because limits.c comes below the headers that name them. */
static void the_table_agrees_with_the_headers(void **state)
{
  (void)state;
  assert_int_equal(row(&limits_portion, 11)->min, BODY_MIN + BODY_OVERHEAD);
  assert_true(row(&limits_portion, 11)->max == BODY_SEALED_MAX);
  assert_true(row(&limits_body_head, 5)->max == BODY_MAX);
  assert_int_equal(row(&limits_chunk, 4)->max, BODY_SEALED);
  assert_int_equal(row(&limits_body, 2)->min, BODY_MIN + BODY_OVERHEAD);
  assert_int_equal(row(&limits_wrap, 6)->max, WRAP_USES - 1);
  assert_int_equal(row(&limits_wrap, 7)->min, 41 + 33 + HPKE_TAG);
  assert_int_equal(row(&limits_wrap, 7)->max, 41 + 33 * LIMIT_PORTIONS + HPKE_TAG);
}

static void frames_are_in_order(void **state)
{
  (void)state;
  assert_null(frame_kind(0));
  for (uint8_t type = FRAME_HELLO; type <= FRAME_RECEIPTS_LOGGED; type++) {
    assert_int_equal(frame_kind(type)->type, type);
    assert_true(frame_kind(type)->limits->max <= LIMIT_MESSAGE);
  }
  for (unsigned type = FRAME_RECEIPTS_LOGGED + 1; type < 256; type++)
    assert_null(frame_kind((uint8_t)type));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_field_has_its_row),          cmocka_unit_test(every_row_fits_its_field),
      cmocka_unit_test(every_message_is_in_the_list_once), cmocka_unit_test(no_schema_nests_too_deeply),
      cmocka_unit_test(the_table_agrees_with_the_headers), cmocka_unit_test(frames_are_in_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
