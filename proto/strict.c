#include "proto/strict.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum wire { WIRE_VARINT = 0, WIRE_BYTES = 2 };

/* Which field of which message is being looked at; names are put together only when something is wrong. */
struct place {
  const struct strict_limits *limits;
  size_t field;
  struct tg_why *why;
};

static const struct strict_field *field_of(struct place at) { return &at.limits->fields[at.field]; }

static const ProtobufCFieldDescriptor *schema_of(struct place at)
{
  return &at.limits->descriptor->fields[at.field];
}

static enum tg_err refuse_message(const struct strict_limits *limits, enum tg_err err, const char *what,
                                  struct tg_why *why)
{
  char max[24];
  snprintf(max, sizeof max, "%zu", limits->max);
  return why_set(why, err, limits->descriptor->short_name, what, NULL, max, NULL, NULL);
}

static enum tg_err refuse(struct place at, enum tg_err err, const char *what, uint64_t value, uint64_t limit)
{
  char where[96], v[24], l[24];
  if (!at.why)
    return err;
  snprintf(where, sizeof where, "%s.%s", at.limits->descriptor->short_name, schema_of(at)->name);
  snprintf(v, sizeof v, "%" PRIu64, value);
  snprintf(l, sizeof l, "%" PRIu64, limit);
  return why_set(at.why, err, where, what, NULL, v, l, NULL);
}

/* A varint of at most 64 bits in its shortest form. */
static bool take_varint(struct slice *s, uint64_t *ret)
{
  uint64_t v = 0;
  for (size_t i = 0; i < 10 && i < s->n; i++) {
    uint8_t b = s->p[i];
    if (i == 9 && b > 1) /* the tenth byte holds bit 63 only */
      return false;
    v |= (uint64_t)(b & 0x7f) << (7 * i);
    if (b & 0x80)
      continue;
    if (b == 0 && i > 0)
      return false;
    *s = slice_of(s->p + i + 1, s->n - i - 1);
    *ret = v;
    return true;
  }
  return false;
}

static bool take_run(struct slice *s, struct slice *ret)
{
  struct slice rest = *s;
  uint64_t n;
  if (!take_varint(&rest, &n) || n > rest.n)
    return false;
  *s = rest;
  return take(s, (size_t)n, ret);
}

static enum tg_err check_number(struct place at, struct slice *s)
{
  const struct strict_field *f = field_of(at);
  uint64_t v;
  if (!take_varint(s, &v))
    return refuse(at, TG_BAD_INPUT, N_("this is not a number in its shortest form"), 0, 0);
  if (v > UINT32_MAX && schema_of(at)->type == PROTOBUF_C_TYPE_UINT32)
    return refuse(at, TG_BAD_INPUT, N_("%1$s does not fit in 32 bits"), v, 0);
  if (v > 1 && schema_of(at)->type == PROTOBUF_C_TYPE_BOOL)
    return refuse(at, TG_BAD_INPUT, N_("%1$s is neither true nor false"), v, 0);
  if (v == 0 && !f->count)
    return refuse(at, TG_BAD_INPUT, N_("this is zero and should be absent"), 0, 0);
  if (v < f->min)
    return refuse(at, TG_BAD_INPUT, N_("%1$s is below the least value allowed, %2$s"), v, f->min);
  if (v > f->max)
    return refuse(at, TG_BAD_INPUT, N_("%1$s is above the greatest value allowed, %2$s"), v, f->max);
  return TG_OK;
}

static enum tg_err check_packed(struct place at, struct slice run)
{
  for (uint32_t n = 0; run.n; n++) {
    if (n == field_of(at)->count)
      return refuse(at, TG_TOO_BIG, N_("there are more than %2$s of these"), 0, field_of(at)->count);
    enum tg_err err = check_number(at, &run);
    if (err)
      return err;
  }
  return TG_OK;
}

static enum tg_err check_bytes(struct place at, struct slice run)
{
  const struct strict_field *f = field_of(at);
  if (run.n == 0 && (f->flags & STRICT_EMPTY))
    return TG_OK;
  if (run.n > f->max)
    return refuse(at, TG_TOO_BIG, N_("%1$s bytes are more than the %2$s allowed"), run.n, f->max);
  if (run.n < f->min)
    return refuse(at, TG_BAD_INPUT, N_("%1$s bytes are less than the %2$s needed"), run.n, f->min);
  if ((f->flags & STRICT_STEPS) && run.n % sizeof(struct hash))
    return refuse(at, TG_BAD_INPUT, N_("%1$s bytes are not a whole number of hashes"), run.n, 0);
  if ((f->flags & STRICT_TEXT) && !text_valid(run, NULL))
    return refuse(at, TG_BAD_INPUT, N_("this is not clean UTF-8 text"), 0, 0);
  return TG_OK;
}

static enum tg_err check_message(const struct strict_limits *limits, struct slice bytes, unsigned depth,
                                 struct tg_why *why);

static bool is_number(const ProtobufCFieldDescriptor *schema)
{
  return schema->type == PROTOBUF_C_TYPE_UINT32 || schema->type == PROTOBUF_C_TYPE_UINT64 ||
         schema->type == PROTOBUF_C_TYPE_BOOL;
}

/* One element, its tag already taken. */
static enum tg_err check_element(struct place at, enum wire wire, struct slice *s, unsigned depth)
{
  const ProtobufCFieldDescriptor *schema = schema_of(at);
  bool number = is_number(schema);
  bool packed = number && schema->label == PROTOBUF_C_LABEL_REPEATED;
  struct slice run;
  if (wire != (number && !packed ? WIRE_VARINT : WIRE_BYTES))
    return refuse(at, TG_BAD_INPUT, N_("the wire type is not this field's"), 0, 0);
  if (number && !packed)
    return check_number(at, s);
  if (!take_run(s, &run))
    return refuse(at, TG_BAD_INPUT, N_("this is cut short"), 0, 0);
  if (schema->type == PROTOBUF_C_TYPE_MESSAGE)
    return check_message(field_of(at)->message, run, depth + 1, at.why);
  if (run.n == 0 && !(field_of(at)->flags & STRICT_EMPTY))
    return refuse(at, TG_BAD_INPUT, N_("this is empty and should be absent"), 0, 0);
  if (packed)
    return check_packed(at, run);
  assert(schema->type == PROTOBUF_C_TYPE_BYTES); /* our schemas use nothing else */
  return check_bytes(at, run);
}

/* Does another element of the same field follow? Then its tag is taken. */
static bool take_same_tag(struct slice *s, uint64_t tag)
{
  struct slice rest = *s;
  uint64_t next;
  if (!take_varint(&rest, &next) || next != tag)
    return false;
  *s = rest;
  return true;
}

/* All elements of one field, the first tag already taken. */
static enum tg_err check_field(struct place at, uint64_t tag, struct slice *s, unsigned depth)
{
  const struct strict_field *f = field_of(at);
  bool many = f->count && !is_number(schema_of(at)); /* packed numbers are one run */
  enum tg_err err = check_element(at, (enum wire)(tag & 7), s, depth);
  for (uint32_t n = 1; !err && many && take_same_tag(s, tag); n++) {
    if (n == f->count)
      return refuse(at, TG_TOO_BIG, N_("there are more than %2$s of these"), 0, f->count);
    err = check_element(at, (enum wire)(tag & 7), s, depth);
  }
  return err;
}

/* The fields from at.field up to and without `number` are absent: may they be? */
static enum tg_err skip_absent(struct place *at, uint64_t number)
{
  for (; at->field < at->limits->field_count && field_of(*at)->number < number; at->field++)
    if (field_of(*at)->flags & STRICT_REQUIRED)
      return refuse(*at, TG_BAD_INPUT, N_("this is missing"), 0, 0);
  return TG_OK;
}

static enum tg_err check_message(const struct strict_limits *limits, struct slice bytes, unsigned depth,
                                 struct tg_why *why)
{
  struct place at = {.limits = limits, .field = 0, .why = why};
  if (depth > STRICT_DEPTH)
    return refuse_message(limits, TG_BAD_INPUT, N_("messages are nested too deeply"), why);
  if (bytes.n > limits->max)
    return refuse_message(limits, TG_TOO_BIG, N_("this is longer than the %1$s bytes allowed"), why);
  while (bytes.n) {
    uint64_t tag;
    if (!take_varint(&bytes, &tag))
      return refuse_message(limits, TG_BAD_INPUT, N_("a field's tag is malformed"), why);
    enum tg_err err = skip_absent(&at, tag >> 3);
    if (err)
      return err;
    if (at.field == limits->field_count || field_of(at)->number != tag >> 3)
      return refuse_message(limits, TG_BAD_INPUT, N_("a field is unknown, out of order, or there twice"), why);
    err = check_field(at, tag, &bytes, depth);
    if (err)
      return err;
    at.field++;
  }
  return skip_absent(&at, UINT64_MAX);
}

enum tg_err strict_check(const struct strict_limits *limits, struct slice bytes, struct tg_why *why)
{
  return check_message(limits, bytes, 1, why);
}

enum tg_err strict_unpack(const struct strict_limits *limits, struct slice bytes, struct arena *arena,
                          ProtobufCMessage **ret, struct tg_why *why)
{
  enum tg_err err = strict_check(limits, bytes, why);
  if (err)
    return err;
  ProtobufCMessage *m = protobuf_c_message_unpack(limits->descriptor, arena_allocator(arena), bytes.n, bytes.p);
  if (!m && arena_is_starved(arena)) /* no fault of the message */
    return TG_NO_MEMORY;
  if (!m) /* it is well-formed, so the budget is all that can have ended */
    return refuse_message(limits, TG_TOO_BIG, N_("there is no memory left for this message"), why);
  *ret = m;
  return TG_OK;
}

enum tg_err strict_pack(const struct strict_limits *limits, const ProtobufCMessage *message, struct buf *out,
                        struct tg_why *why)
{
  assert(message->descriptor == limits->descriptor);
  size_t n = protobuf_c_message_get_packed_size(message), before = out->n;
  const enum tg_err failed = out->failed;
  if (n > limits->max)
    return refuse_message(limits, TG_TOO_BIG, N_("this is longer than the %1$s bytes allowed"), why);
  uint8_t *p = buf_grow(out, n);
  if (out->failed) {
    const bool memory = out->failed == TG_NO_MEMORY;
    out->failed = failed; /* what is in out stays good */
    if (memory)
      return TG_NO_MEMORY;
    return refuse_message(limits, TG_TOO_BIG, N_("there is no room left for this message"), why);
  }
  if (n)
    protobuf_c_message_pack(message, p);
  enum tg_err err = strict_check(limits, slice_of(p, n), why);
  if (err)
    out->n = before;
  return err;
}

/* The field, and what stands after its tag. */
static bool peek(struct slice s, uint32_t field, uint64_t wire, struct slice *ret)
{
  uint64_t tag, n;
  struct slice run;
  while (take_varint(&s, &tag)) {
    if (tag >> 3 == field) {
      *ret = s;
      return (tag & 7) == wire;
    }
    if (!((tag & 7) == WIRE_VARINT ? take_varint(&s, &n) : (tag & 7) == WIRE_BYTES && take_run(&s, &run)))
      return false;
  }
  return false;
}

bool strict_peek_number(struct slice message, uint32_t field, uint64_t *ret)
{
  struct slice s;
  return peek(message, field, WIRE_VARINT, &s) && take_varint(&s, ret);
}

bool strict_peek_bytes(struct slice message, uint32_t field, struct slice *ret)
{
  struct slice s;
  return peek(message, field, WIRE_BYTES, &s) && take_run(&s, ret);
}

struct slice strict_slice(ProtobufCBinaryData data) { return slice_of(data.data, data.len); }

/* protobuf-c reads what it packs and its structs have no const. */
ProtobufCBinaryData strict_data_of(const void *p, size_t n) { return (ProtobufCBinaryData){n, (uint8_t *)p}; }
ProtobufCBinaryData strict_data(struct slice s) { return strict_data_of(s.p, s.n); }
