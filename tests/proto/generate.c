#include "tests/proto/generate.h"

#include "tests/proto/chance.h"

enum { PIECE = 2 * 1024 * 1024 };

void wire_varint(struct buf *b, uint64_t v)
{
  for (; v >= 0x80; v >>= 7)
    buf_put_u8(b, (uint8_t)(v | 0x80));
  buf_put_u8(b, (uint8_t)v);
}

void wire_tag(struct buf *b, uint32_t number, unsigned wire) { wire_varint(b, (uint64_t)number << 3 | wire); }

void wire_bytes(struct buf *b, uint32_t number, const void *p, size_t n)
{
  wire_tag(b, number, 2);
  wire_varint(b, n);
  buf_put(b, p, n);
}

void wire_number(struct buf *b, uint32_t number, uint64_t v)
{
  wire_tag(b, number, 0);
  wire_varint(b, v);
}

/* How a message is made: lengths, values and counts are asked of these. */
struct taste {
  bool (*present)(const struct strict_field *f);
  uint64_t (*value)(uint64_t min, uint64_t max);
  size_t (*length)(uint64_t min, uint64_t max);
  uint32_t (*count)(uint32_t max);
  size_t share; /* of a sub-message in the budget: one part in so many */
};

static void make(const struct strict_limits *limits, const struct taste *taste, size_t budget, struct buf *out);

static uint64_t cap_of(const ProtobufCFieldDescriptor *schema, uint64_t max)
{
  return schema->type == PROTOBUF_C_TYPE_UINT32 && max > UINT32_MAX ? UINT32_MAX : max;
}

static void put_bytes(const struct strict_field *f, const struct taste *taste, struct buf *out)
{
  static uint8_t bytes[4096];
  size_t n = taste->length(f->min < 1 ? 1 : f->min, f->max);
  if (f->flags & STRICT_STEPS)
    n = (n + 31) / 32 * 32;
  for (size_t i = 0; i < n; i++)
    bytes[i] = (uint8_t)('a' + chance_below(26));
  wire_bytes(out, f->number, bytes, n);
}

static void put_message(const struct strict_field *f, const struct taste *taste, size_t budget, struct buf *out)
{
  struct buf inner = buf_new(PIECE);
  make(f->message, taste, budget, &inner);
  wire_bytes(out, f->number, inner.p, inner.n);
  buf_free(&inner);
}

static void put_packed(const struct strict_field *f, const struct taste *taste, struct buf *out)
{
  struct buf run = buf_new(PIECE);
  uint32_t count = taste->count(f->count);
  for (uint32_t i = 0; i < count; i++)
    wire_varint(&run, taste->value(f->min, f->max));
  wire_bytes(out, f->number, run.p, run.n);
  buf_free(&run);
}

static void put_field(const struct strict_field *f, const ProtobufCFieldDescriptor *schema, const struct taste *taste,
                      size_t budget, struct buf *out)
{
  bool number = schema->type == PROTOBUF_C_TYPE_UINT32 || schema->type == PROTOBUF_C_TYPE_UINT64;
  size_t begin = out->n;
  if (number && f->count) {
    put_packed(f, taste, out);
    return;
  }
  if (number) {
    wire_number(out, f->number, taste->value(f->min < 1 ? 1 : f->min, cap_of(schema, f->max)));
    return;
  }
  uint32_t count = f->count ? taste->count(f->count) : 1;
  size_t last = 0;
  for (uint32_t i = 0; i < count && (i == 0 || out->n - begin + last <= budget); i++) {
    size_t before = out->n;
    if (schema->type == PROTOBUF_C_TYPE_MESSAGE)
      put_message(f, taste, budget / taste->share, out);
    else
      put_bytes(f, taste, out);
    last = out->n - before;
  }
}

static void make(const struct strict_limits *limits, const struct taste *taste, size_t budget, struct buf *out)
{
  size_t begin = out->n;
  for (size_t i = 0; i < limits->field_count; i++) {
    const struct strict_field *f = &limits->fields[i];
    size_t spent = out->n - begin;
    if ((f->flags & STRICT_REQUIRED) || taste->present(f))
      put_field(f, &limits->descriptor->fields[i], taste, budget > spent ? budget - spent : 0, out);
  }
}

static bool now_and_then(const struct strict_field *f)
{
  (void)f;
  return chance_below(2);
}

static uint64_t any_value(uint64_t min, uint64_t max)
{
  uint64_t v;
  chance_fill(&v, sizeof v);
  v >>= chance_below(64); /* as many short ones as long ones */
  return v < min ? min : v > max ? max - v % (max - min < 1 ? 1 : max - min) : v;
}

static size_t any_length(uint64_t min, uint64_t max)
{
  uint64_t most = max < 300 ? max : min > 300 ? min : 300;
  return (size_t)(min + chance_below(most - min + 1));
}

static uint32_t few(uint32_t max) { return (uint32_t)(1 + chance_below(max < 4 ? max : 4)); }

void generate_message(const struct strict_limits *limits, struct buf *out)
{
  static const struct taste random = {now_and_then, any_value, any_length, few, 1};
  make(limits, &random, SIZE_MAX / 2, out);
}

static bool always(const struct strict_field *f) { return f->max < 1024 || f->message; }
static uint64_t least(uint64_t min, uint64_t max) { return (void)max, min; }
static size_t shortest(uint64_t min, uint64_t max) { return (void)max, (size_t)min; }
static uint32_t most(uint32_t max) { return max; }

void generate_crowd(const struct strict_limits *limits, size_t budget, size_t share, struct buf *out)
{
  const struct taste crowd = {always, least, shortest, most, share};
  make(limits, &crowd, budget, out);
}
