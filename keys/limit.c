#include "keys/limit.h"
#include "keys/nearest.h"
#include "proto/limits.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum unit { COUNT, SIZE, DURATION };

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define AT(member) offsetof(struct charter_limits, member)

const struct charter_limits CHARTER_LIMITS_DEFAULT = {
    .body_size = GIB,
    .lifetime = 30 * TG_DAY,
    .frame = LIMIT_FRAME,
    .inline_body = 256 * KIB,
    .portions = LIMIT_PORTIONS,
    .recipients = LIMIT_WRAPS,
    .bulletins_per_hour = 100000,
    .flash_per_hour = 120,
    .immediate_per_hour = 1200,
    .queue = 100000,
    .queue_bytes = 16 * GIB,
    .documents_per_hour = 600,
    .credentials = 256,
    .sessions = 64,
    .clock_skew = 5 * TG_MINUTE,
    .widening_delay = TG_DAY,
    .sealing_period = TG_DAY,
    .sealing_ahead = 30,
    .sealing_window = 7 * TG_DAY,
};

/* All values are 64 bits wide, so that one pair of functions reads and writes them. */
static const struct row {
  const char *name;
  enum unit unit;
  size_t at;
  uint64_t min, max;
} rows[LIMIT_ROWS] = {
    {"body-size", SIZE, AT(body_size), 64 * KIB, 1024 * GIB},
    {"lifetime", DURATION, AT(lifetime), TG_HOUR, 400 * TG_DAY},
    {"frame", SIZE, AT(frame), 128 * KIB, LIMIT_FRAME},
    {"inline-body", SIZE, AT(inline_body), 0, 512 * KIB},
    {"portions", COUNT, AT(portions), 1, LIMIT_PORTIONS},
    {"recipients", COUNT, AT(recipients), 1, LIMIT_WRAPS},
    {"bulletins-per-hour", COUNT, AT(bulletins_per_hour), 1, 1000000000},
    {"flash-per-hour", COUNT, AT(flash_per_hour), 1, 1000000000},
    {"immediate-per-hour", COUNT, AT(immediate_per_hour), 1, 1000000000},
    {"queue", COUNT, AT(queue), 1, 100000000},
    {"queue-bytes", SIZE, AT(queue_bytes), MIB, 1024 * 1024 * GIB},
    {"documents-per-hour", COUNT, AT(documents_per_hour), 1, 1000000},
    {"credentials", COUNT, AT(credentials), 1, 4096},
    {"sessions", COUNT, AT(sessions), 1, 4096},
    {"clock-skew", DURATION, AT(clock_skew), TG_SECOND, TG_DAY},
    {"widening-delay", DURATION, AT(widening_delay), TG_SECOND, 90 * TG_DAY},
    {"sealing-period", DURATION, AT(sealing_period), TG_MINUTE, 90 * TG_DAY},
    {"sealing-ahead", COUNT, AT(sealing_ahead), 1, 100},
    {"sealing-window", DURATION, AT(sealing_window), TG_MINUTE, 400 * TG_DAY},
};

_Static_assert(sizeof(struct charter_limits) == LIMIT_ROWS * sizeof(uint64_t), "every limit has its row");

static uint64_t get(const struct charter_limits *limits, const struct row *row)
{
  uint64_t v;
  memcpy(&v, (const char *)limits + row->at, sizeof v);
  return v;
}

static void set(struct charter_limits *limits, const struct row *row, uint64_t v)
{
  memcpy((char *)limits + row->at, &v, sizeof v);
}

const char *limit_name(size_t row)
{
  return row < LIMIT_ROWS ? rows[row].name : NULL;
}

static enum tg_err unknown_limit(const struct document *d, const struct line *l, struct tg_why *why)
{
  struct nearest nearest = nearest_to(l->word[0].text);
  char name[64];
  for (size_t i = 0; i < LIMIT_ROWS; i++)
    nearest_try(&nearest, rows[i].name);
  snprintf(name, sizeof name, "%.*s", l->word[0].text.n > 60 ? 60 : (int)l->word[0].text.n,
           (const char *)l->word[0].text.p);
  return document_error(d, l, 0, TG_BAD_INPUT, N_("there is no limit named '%1$s'"),
                        nearest.best ? N_("did you mean '%2$s'?") : NULL, name, nearest.best, why);
}

/* The largest unit that divides v. */
static void value_print(enum unit unit, uint64_t v, char out[32])
{
  static const struct {
    uint64_t factor;
    const char *name;
  } units[][4] = {
      [COUNT] = {{1, ""}},
      [SIZE] = {{GIB, "GiB"}, {MIB, "MiB"}, {KIB, "KiB"}, {1, ""}},
      [DURATION] = {{TG_DAY, "d"}, {TG_HOUR, "h"}, {TG_MINUTE, "m"}, {TG_SECOND, "s"}},
  };
  for (size_t i = 0; i < 4 && units[unit][i].factor; i++) {
    bool divides = v % units[unit][i].factor == 0 && (v || i == 3);
    if (divides || unit == COUNT) {
      snprintf(out, 32, "%llu%s", (unsigned long long)(v / units[unit][i].factor), units[unit][i].name);
      return;
    }
  }
  assert(false && "a duration in a charter is of whole seconds");
}

static enum tg_err value_parse(const struct document *d, const struct line *l, const struct row *row,
                               uint64_t *ret, struct tg_why *why)
{
  tg_time duration;
  enum tg_err err = TG_INTERNAL;
  switch (row->unit) {
  case COUNT:
    return document_number(d, l, 1, row->min, row->max, ret, why);
  case SIZE:
    return document_size(d, l, 1, ret, why);
  case DURATION:
    err = document_duration(d, l, 1, &duration, why);
    if (!err)
      *ret = (uint64_t)duration;
  }
  return err;
}

enum tg_err limit_parse(const struct document *d, const struct line *l, struct charter_limits *limits,
                        size_t *ret_row, struct tg_why *why)
{
  size_t i = 0;
  uint64_t v;
  while (i < LIMIT_ROWS && !slice_is(l->word[0].text, rows[i].name))
    i++;
  if (i == LIMIT_ROWS)
    return unknown_limit(d, l, why);
  enum tg_err err = value_parse(d, l, &rows[i], &v, why);
  if (err)
    return err;
  if (v < rows[i].min || v > rows[i].max) {
    char least[32], most[32];
    value_print(rows[i].unit, rows[i].min, least);
    value_print(rows[i].unit, rows[i].max, most);
    return document_error(d, l, 1, TG_BAD_INPUT, N_("this limit must be between %1$s and %2$s"), NULL, least,
                          most, why);
  }
  set(limits, &rows[i], v);
  *ret_row = i;
  return TG_OK;
}

void limit_print(const struct charter_limits *limits, struct buf *out)
{
  for (size_t i = 0; i < LIMIT_ROWS; i++) {
    char value[32];
    uint64_t v = get(limits, &rows[i]);
    if (v == get(&CHARTER_LIMITS_DEFAULT, &rows[i]))
      continue;
    value_print(rows[i].unit, v, value);
    buf_printf(out, "limit %s %s\n", rows[i].name, value);
  }
}
