#include "client/report/report.h"

#include <string.h>

/* RFC 4180; a value that a spreadsheet would take for a formula gets a quote in front. */
static void put_field(struct buf *out, const char *text)
{
  bool formula = *text && strchr("=+-@\t\r", *text);
  if (!formula && !strpbrk(text, ",\"\r\n")) {
    buf_put_str(out, text);
    return;
  }
  buf_put_str(out, formula ? "\"'" : "\"");
  for (; *text; text++) {
    if (*text == '"')
      buf_put_u8(out, '"');
    buf_put_u8(out, (uint8_t)*text);
  }
  buf_put_u8(out, '"');
}

static void put_row(struct buf *out, const char *table, const char *day, const char *state, const char *other, const char *measure,
                    const json_t *value)
{
  const char *const fields[] = {table, day, state, other, measure};
  if (!json_is_integer(value))
    return;
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    put_field(out, fields[i] ? fields[i] : "");
    buf_put_u8(out, ',');
  }
  buf_printf(out, "%lld\r\n", (long long)json_integer_value(value));
}

static const char *text_of(const json_t *o, const char *key)
{
  const char *s = json_string_value(json_object_get(o, key));
  return s ? s : "";
}

static void put_days(const json_t *days, struct buf *out)
{
  static const char *const measures[] = {"accepted", "refused", "receipts"};
  const json_t *day, *count;
  const char *code;
  size_t i;
  json_array_foreach((json_t *)(uintptr_t)days, i, day)
    for (size_t k = 0; k < sizeof measures / sizeof *measures; k++)
      json_object_foreach(json_object_get(day, measures[k]), code, count)
        put_row(out, "traffic", text_of(day, "day"), code, NULL, measures[k], count);
}

/* Rows whose numbers are measures and whose words are at the given keys. */
static void put_table(const json_t *rows, const char *table, const char *state, const char *other, struct buf *out)
{
  const json_t *row, *value;
  const char *key;
  size_t i;
  json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    json_object_foreach((json_t *)(uintptr_t)row, key, value)
      put_row(out, table, NULL, text_of(row, state), other ? text_of(row, other) : NULL, key, value);
}

enum tg_err report_csv(const json_t *figures, struct buf *out)
{
  if (!json_is_object(figures) || !json_is_array(json_object_get(figures, "days")))
    return TG_BAD_INPUT;
  buf_put_str(out, "table,day,state,other,measure,value\r\n");
  put_days(json_object_get(figures, "days"), out);
  put_table(json_object_get(figures, "refusals"), "refusals", "reason", NULL, out);
  put_table(json_object_get(figures, "denials"), "denials", "stage", NULL, out);
  put_table(json_object_get(figures, "latency"), "latency", "precedence", NULL, out);
  put_table(json_object_get(figures, "pairs"), "pairs", "from", "to", out);
  return buf_status(out);
}
