/* The tables of docs/protocol.md are those of the code: what a second implementation reads there is what this
   one enforces. `second_page_test print` writes both tables, to be pasted. */
#include "proto/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { PAGE_MAX = 1 << 20 };

static void put_range(struct buf *out, const struct strict_field *f, const ProtobufCFieldDescriptor *d)
{
  if (d->type == PROTOBUF_C_TYPE_MESSAGE)
    buf_printf(out, "`%s`", f->message->descriptor->short_name);
  else if (f->min == f->max)
    buf_printf(out, "%llu", (unsigned long long)f->min);
  else
    buf_printf(out, "%llu..%llu", (unsigned long long)f->min, (unsigned long long)f->max);
}

static const char *type_of(const struct strict_field *f, const ProtobufCFieldDescriptor *d)
{
  if (d->type == PROTOBUF_C_TYPE_MESSAGE)
    return "message";
  if (d->type != PROTOBUF_C_TYPE_BYTES)
    return d->type == PROTOBUF_C_TYPE_UINT64 ? "u64" : "u32";
  return f->flags & STRICT_TEXT ? "text" : f->flags & STRICT_STEPS ? "path" : "bytes";
}

static void put_field(struct buf *out, const struct strict_field *f, const ProtobufCFieldDescriptor *d)
{
  buf_printf(out, "| %u | %s | %s | ", f->number, d->name, type_of(f, d));
  put_range(out, f, d);
  buf_put_str(out, f->flags & STRICT_REQUIRED ? " | yes | " : " | | ");
  if (f->count)
    buf_printf(out, "%u%s%s", f->count, d->flags & PROTOBUF_C_FIELD_FLAG_PACKED ? ", packed" : "",
               f->flags & STRICT_EMPTY ? ", may be empty" : "");
  buf_put_str(out, " |\n");
}

static void put_limits(struct buf *out)
{
  buf_put_str(out, "<!-- limits -->\n");
  for (size_t i = 0; limits_all[i]; i++) {
    const struct strict_limits *l = limits_all[i];
    buf_printf(out, "\n**%s**, at most %zu bytes\n\n", l->descriptor->short_name, l->max);
    buf_put_str(out,
                "| # | field | type | length or value | required | times |\n|---|---|---|---|---|---|\n");
    for (size_t k = 0; k < l->field_count; k++)
      put_field(out, &l->fields[k], &l->descriptor->fields[k]);
  }
  buf_put_str(out, "\n<!-- end of limits -->\n");
}

static void put_frames(struct buf *out)
{
  static const char *const ways[] = {"", "node → hub", "hub → node", "both"};
  buf_put_str(out, "<!-- frames -->\n\n| type | message | direction |\n|---|---|---|\n");
  for (unsigned type = 0; type < 256; type++) {
    const struct frame_kind *kind = frame_kind((uint8_t)type);
    if (kind)
      buf_printf(out, "| %u | %s | %s |\n", type, kind->limits->descriptor->short_name,
                 ways[kind->direction]);
  }
  buf_put_str(out, "\n<!-- end of frames -->\n");
}

static char *page(void)
{
  static char text[PAGE_MAX];
  FILE *f = fopen(PROTOCOL_PAGE, "rb");
  assert_non_null(f);
  size_t n = fread(text, 1, sizeof text - 1, f);
  fclose(f);
  text[n] = 0;
  return text;
}

static void expect_on_page(void (*put)(struct buf *))
{
  struct buf want = buf_new(PAGE_MAX);
  put(&want);
  buf_put_u8(&want, 0);
  assert_int_equal(buf_status(&want), TG_OK);
  if (!strstr(page(), (const char *)want.p))
    fail_msg("docs/protocol.md has not the table that the code enforces: paste what `second_page_test print` "
             "writes");
  buf_free(&want);
}

static void the_limits_are_on_the_page(void **state)
{
  (void)state;
  expect_on_page(put_limits);
}

static void the_frames_are_on_the_page(void **state)
{
  (void)state;
  expect_on_page(put_frames);
}

int main(int argc, char **argv)
{
  if (argc == 2 && !strcmp(argv[1], "print")) {
    struct buf out = buf_new(PAGE_MAX);
    put_frames(&out);
    put_limits(&out);
    fwrite(out.p, 1, out.n, stdout);
    buf_free(&out);
    return 0;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_limits_are_on_the_page),
      cmocka_unit_test(the_frames_are_on_the_page),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
