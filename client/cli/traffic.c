#include "client/cli/traffic.h"

#include "audit/entry.h"

#include <stdlib.h>
#include <string.h>

enum { STEPS_READABLE = 400, STEPS_MAX = 20000 };

const char *const traffic_names[TRAFFIC_KINDS] = {"accepted", "refused", "receipts", "other"};

static const struct {
  const char *name;
  tg_time step;
} STEPS[] = {{"minute", TG_MINUTE}, {"hour", TG_HOUR}, {"day", TG_DAY}, {"week", 7 * TG_DAY}};
enum { N_STEPS = sizeof STEPS / sizeof *STEPS };

/* ---- filling */

static uint8_t kind_of(const char *type)
{
  for (uint8_t k = 0; type && k < TRAFFIC_OTHER; k++)
    if (!strcmp(type, traffic_names[k]))
      return k;
  return TRAFFIC_OTHER;
}

static bool make_room(struct traffic *t)
{
  if (t->n < t->room)
    return true;
  size_t room = t->room ? 2 * t->room : 1024;
  struct traffic_entry *grown = realloc(t->entry, room * sizeof *grown);
  if (!grown)
    return false;
  t->entry = grown;
  t->room = room;
  return true;
}

static enum tg_err take_entry(struct traffic *t, const json_t *e)
{
  const json_int_t index = json_integer_value(json_object_get(e, "index"));
  const char *state = json_string_value(json_object_get(e, "state"));
  struct traffic_entry x = {.time = json_integer_value(json_object_get(e, "time_ms")),
                            .kind = kind_of(json_string_value(json_object_get(e, "type")))};
  if (index < 0 || (uint64_t)index < t->next)
    return TG_OK; /* of the moment at which we ended last time */
  if (!make_room(t))
    return TG_NO_MEMORY;
  if (state && strlen(state) == 2)
    memcpy(x.state, state, sizeof x.state);
  t->entry[t->n++] = x;
  t->next = (uint64_t)index + 1;
  return TG_OK;
}

static enum tg_err take_page(struct traffic *t, const json_t *page, uint64_t *ret_cursor, bool *ret_more)
{
  const json_t *e, *next = json_object_get(page, "next");
  size_t i;
  json_array_foreach(json_object_get(page, "entries"), i, e)
    if (take_entry(t, e) != TG_OK)
      return TG_NO_MEMORY;
  *ret_more = json_is_integer(next);
  *ret_cursor = *ret_more ? (uint64_t)json_integer_value(next) : 0;
  return TG_OK;
}

enum tg_err traffic_take(struct traffic *t, struct review *r, struct tg_why *why)
{
  const struct review_filter filter = {
      .from = t->n ? t->entry[t->n - 1].time : t->from, .to = t->to, .oldest_first = true};
  uint64_t cursor = 0;
  bool more = true;
  enum tg_err err = TG_OK;
  while (err == TG_OK && more) {
    json_t *page = NULL;
    err = review_entries(r, &filter, cursor, REVIEW_PAGE_MAX, &page, why);
    if (err == TG_OK && take_page(t, page, &cursor, &more) != TG_OK)
      err = why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
    json_decref(page);
  }
  return err;
}

void traffic_free(struct traffic *t)
{
  free(t->entry);
  *t = (struct traffic){.n = 0};
}

/* ---- counting */

static void span_of(const struct traffic *t, tg_time *ret_first, tg_time *ret_last)
{
  *ret_first = INT64_MAX;
  *ret_last = 0;
  for (size_t i = 0; i < t->n; i++) { /* the hub's clock may have been set back: not in order for certain */
    *ret_first = t->entry[i].time < *ret_first ? t->entry[i].time : *ret_first;
    *ret_last = t->entry[i].time > *ret_last ? t->entry[i].time : *ret_last;
  }
}

static size_t choose_step(const char *wanted, tg_time span)
{
  size_t i = 0;
  while (wanted && i < N_STEPS && strcmp(wanted, STEPS[i].name) != 0)
    i++;
  if (!wanted || i == N_STEPS)
    for (i = 0; i + 1 < N_STEPS && span / STEPS[i].step > STEPS_READABLE; i++) {}
  while (i + 1 < N_STEPS && span / STEPS[i].step > STEPS_MAX)
    i++;
  return i;
}

json_t *traffic_timeline(const struct traffic *t, const char *wanted)
{
  tg_time first, last;
  span_of(t, &first, &last);
  const size_t chosen = choose_step(wanted, t->n ? last - first : 0);
  const tg_time step = STEPS[chosen].step, begin = t->n ? first / step * step : 0;
  const size_t n = t->n ? (size_t)((last - begin) / step) + 1 : 0;
  json_int_t(*count)[TRAFFIC_KINDS] = n <= STEPS_MAX * 8 ? calloc(n + 1, sizeof *count) : NULL;
  json_t *line = json_object(), *steps = json_array(), *times = json_array();
  if (!count) {
    json_decref(line), json_decref(steps), json_decref(times);
    return NULL;
  }
  for (size_t i = 0; i < t->n; i++)
    count[(t->entry[i].time - begin) / step][t->entry[i].kind]++;
  for (size_t i = 0; i < N_STEPS; i++)
    json_array_append_new(steps, json_string(STEPS[i].name));
  for (size_t i = 0; i < n; i++)
    json_array_append_new(times, json_integer(begin + (tg_time)i * step));
  for (size_t k = 0; k < TRAFFIC_KINDS; k++) {
    json_t *values = json_array();
    for (size_t i = 0; i < n; i++)
      json_array_append_new(values, json_integer(count[i][k]));
    json_object_set_new(line, traffic_names[k], values);
  }
  json_object_set_new(line, "step", json_string(STEPS[chosen].name));
  json_object_set_new(line, "step_ms", json_integer(step));
  json_object_set_new(line, "steps", steps);
  json_object_set_new(line, "times", times);
  free(count);
  return line;
}

static int by_day(const void *x, const void *y)
{
  const struct traffic_entry *a = x, *b = y;
  const tg_time m = a->time / TG_DAY, n = b->time / TG_DAY;
  return m < n ? -1 : m > n;
}

static void count_into(json_t *day, const struct traffic_entry *e)
{
  json_t *counts = e->kind < TRAFFIC_OTHER ? json_object_get(day, traffic_names[e->kind]) : NULL;
  if (counts && *e->state)
    json_object_set_new(counts, e->state, json_integer(json_integer_value(json_object_get(counts, e->state)) + 1));
}

json_t *traffic_days(const struct traffic *t)
{
  struct traffic_entry *sorted = calloc(t->n + 1, sizeof *sorted);
  json_t *days = json_array(), *day = NULL;
  if (!sorted) {
    json_decref(days);
    return NULL;
  }
  if (t->n)
    memcpy(sorted, t->entry, t->n * sizeof *sorted);
  qsort(sorted, t->n, sizeof *sorted, by_day);
  for (size_t i = 0; i < t->n; i++) {
    if (!day || by_day(&sorted[i - 1], &sorted[i]) != 0) {
      char text[25];
      time_print(sorted[i].time, text);
      day = json_pack("{s:s%,s:{},s:{},s:{}}", "day", text, (size_t)10, traffic_names[0], traffic_names[1], traffic_names[2]);
      json_array_append_new(days, day);
    }
    count_into(day, &sorted[i]);
  }
  free(sorted);
  return days;
}
