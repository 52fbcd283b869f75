#include "audit/lines.h"

#include "keys/codec.h"
#include "proto/hash.h"

#include <stdio.h>
#include <string.h>

struct lines lines_of(struct slice bytes, const char *file, struct tg_why *why)
{
  return (struct lines){.rest = bytes, .file = file, .number = 0, .why = why};
}

enum tg_err lines_refuse(const struct lines *l, const char *what, const char *argument)
{
  char where[160];
  snprintf(where, sizeof where, "%.140s:%u", l->file, l->number);
  return why_set(l->why, TG_BAD_INPUT, where, what, NULL, argument, NULL, NULL);
}

enum tg_err lines_take(struct lines *l, struct slice *ret)
{
  l->number++;
  return take_line(&l->rest, ret) ? TG_OK : lines_refuse(l, N_("the text ends too early"), NULL);
}

enum tg_err lines_take_exact(struct lines *l, const char *text)
{
  struct slice line;
  enum tg_err err = lines_take(l, &line);
  if (err)
    return err;
  return slice_is(line, text) ? TG_OK : lines_refuse(l, N_("this line should read '%1$s'"), text);
}

/* The value behind "keyword ", or false. */
static bool value_of(struct slice line, const char *keyword, struct slice *ret)
{
  size_t n = strlen(keyword);
  if (line.n < n + 2 || memcmp(line.p, keyword, n) != 0 || line.p[n] != ' ' || line.p[n + 1] == ' ')
    return false;
  *ret = slice_of(line.p + n + 1, line.n - n - 1);
  return true;
}

bool lines_next_is(const struct lines *l, const char *keyword)
{
  struct slice ahead = l->rest, line, value;
  return take_line(&ahead, &line) && value_of(line, keyword, &value);
}

enum tg_err lines_take_value(struct lines *l, const char *keyword, struct slice *ret)
{
  struct slice line;
  enum tg_err err = lines_take(l, &line);
  if (err)
    return err;
  return value_of(line, keyword, ret)
             ? TG_OK
             : lines_refuse(l, N_("this line should begin with '%1$s' and have a value"), keyword);
}

enum tg_err lines_take_number(struct lines *l, const char *keyword, uint64_t max, uint64_t *ret)
{
  struct slice value;
  enum tg_err err = lines_take_value(l, keyword, &value);
  if (err)
    return err;
  return number_parse(value, max, ret)
             ? lines_refuse(l, N_("the value of '%1$s' is not a number, or is too large"), keyword)
             : TG_OK;
}

enum tg_err lines_take_hash(struct lines *l, const char *keyword, struct hash *ret)
{
  struct slice value;
  enum tg_err err = lines_take_value(l, keyword, &value);
  if (err)
    return err;
  return base64_read(value, ret->b, sizeof ret->b)
             ? lines_refuse(l, N_("the value of '%1$s' is not a hash in base64"), keyword)
             : TG_OK;
}

enum tg_err lines_take_block(struct lines *l, const char *keyword, size_t max, struct slice *ret)
{
  uint64_t n;
  enum tg_err err = lines_take_number(l, keyword, max, &n);
  if (err)
    return err;
  struct slice block;
  if (n == 0 || !take(&l->rest, (size_t)n, &block) || block.p[n - 1] != '\n')
    return lines_refuse(l, N_("what follows is not as long as '%1$s' says"), keyword);
  for (size_t i = 0; i < block.n; i++)
    l->number += block.p[i] == '\n';
  *ret = block;
  return TG_OK;
}

void lines_put_block(struct buf *out, const char *keyword, struct slice block)
{
  buf_printf(out, "%s %zu\n", keyword, block.n);
  buf_put_slice(out, block);
}

void lines_put_checksum(struct buf *out, size_t from, const char *label)
{
  if (out->failed)
    return;
  char hex[HASH_TEXT];
  struct hash sum = hash_labelled(label, slice_of(out->p + from, out->n - from));
  hash_print(&sum, hex);
  buf_printf(out, "checksum %s\n", hex);
}

enum tg_err lines_take_checksum(struct lines *l, struct slice whole, const char *label)
{
  struct slice value, before = slice_of(whole.p, whole.n - l->rest.n);
  struct hash stated, sum = hash_labelled(label, before);
  enum tg_err err = lines_take_value(l, "checksum", &value);
  if (err)
    return err;
  if (hash_parse(value, &stated) || !hash_eq(&stated, &sum) || l->rest.n != 0)
    return lines_refuse(l, N_("the file is damaged: its checksum does not match"), NULL);
  return TG_OK;
}
