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

static enum traffic_kind kind_of(unsigned type)
{
  return type == ENTRY_ACCEPTED   ? TRAFFIC_ACCEPTED
         : type == ENTRY_REFUSED  ? TRAFFIC_REFUSED
         : type == ENTRY_RECEIPTS ? TRAFFIC_RECEIPTS
                                  : TRAFFIC_OTHER;
}

/* ---- along time ---- */

struct line {
  tg_time begin, step;
  size_t n;
  json_int_t (*count)[TRAFFIC_KINDS];
};

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

static void count_step(void *arg, const struct review_mark *m)
{
  struct line *l = arg;
  const tg_time at = (m->time - l->begin) / l->step;
  if (at >= 0 && (uint64_t)at < l->n)
    l->count[at][kind_of(m->type)]++;
}

static json_t *print_line(const struct line *l, size_t chosen)
{
  json_t *line = json_object(), *steps = json_array(), *times = json_array();
  for (size_t i = 0; i < N_STEPS; i++)
    json_array_append_new(steps, json_string(STEPS[i].name));
  for (size_t i = 0; i < l->n; i++)
    json_array_append_new(times, json_integer(l->begin + (tg_time)i * l->step));
  for (size_t k = 0; k < TRAFFIC_KINDS; k++) {
    json_t *values = json_array();
    for (size_t i = 0; i < l->n; i++)
      json_array_append_new(values, json_integer(l->count[i][k]));
    json_object_set_new(line, traffic_names[k], values);
  }
  json_object_set_new(line, "step", json_string(STEPS[chosen].name));
  json_object_set_new(line, "step_ms", json_integer(l->step));
  json_object_set_new(line, "steps", steps);
  json_object_set_new(line, "times", times);
  return line;
}

enum tg_err traffic_timeline(struct review *r, const char *wanted, json_t **ret)
{
  tg_time first, last;
  enum tg_err err = review_span(r, &first, &last);
  if (err != TG_OK)
    return err;
  const size_t chosen = choose_step(wanted, last - first);
  const tg_time step = STEPS[chosen].step, begin = first / step * step;
  struct line l = {.begin = begin, .step = step, .n = last ? (size_t)((last - begin) / step) + 1 : 0};
  l.count = l.n <= STEPS_MAX * 8 ? calloc(l.n + 1, sizeof *l.count) : NULL;
  err = l.count ? review_marks(r, 0, 0, count_step, &l) : TG_NO_MEMORY;
  if (err == TG_OK && !(*ret = print_line(&l, chosen)))
    err = TG_NO_MEMORY;
  free(l.count);
  return err;
}

/* ---- by day and state ---- */

enum { LETTERS = 26 };
#define COUNTED TRAFFIC_OTHER /* and what comes before it */

struct day {
  tg_time day;
  json_t *seen[COUNTED]; /* states, in the order in which they appear */
  uint32_t count[COUNTED][LETTERS * LETTERS];
};

struct days {
  struct day **day; /* ascending */
  size_t n, at;     /* at: the one that was counted into last */
  bool failed;      /* out of memory */
};

static struct day *make_day(struct days *d, size_t at, tg_time day)
{
  struct day **grown = realloc(d->day, (d->n + 1) * sizeof *grown), *new = calloc(1, sizeof *new);
  if (grown)
    d->day = grown;
  if (!grown || !new)
    return free(new), NULL;
  memmove(grown + at + 1, grown + at, (d->n - at) * sizeof *grown);
  grown[at] = new;
  d->n++;
  new->day = day;
  for (size_t k = 0; k < COUNTED; k++)
    new->seen[k] = json_object();
  return new;
}

static struct day *find_day(struct days *d, tg_time day)
{
  size_t low = 0, high = d->n;
  if (d->n && d->day[d->at]->day == day)
    return d->day[d->at];
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (d->day[middle]->day < day)
      low = middle + 1;
    else
      high = middle;
  }
  struct day *found = low < d->n && d->day[low]->day == day ? d->day[low] : make_day(d, low, day);
  d->at = found ? low : d->at;
  return found;
}

static bool letter(char c)
{
  return c >= 'A' && c <= 'Z';
}

static size_t place_of(const char *state)
{
  return (size_t)(state[0] - 'A') * LETTERS + (size_t)(state[1] - 'A');
}

static void count_day(void *arg, const struct review_mark *m)
{
  struct days *d = arg;
  const enum traffic_kind kind = kind_of(m->type);
  struct day *day = find_day(d, m->time / TG_DAY);
  if (!day)
    d->failed = true;
  if (!day || kind >= COUNTED || !letter(m->state[0]) || !letter(m->state[1]))
    return;
  if (day->count[kind][place_of(m->state)]++ == 0)
    json_object_set_new(day->seen[kind], m->state, json_null());
}

static json_t *print_day(struct day *day)
{
  char text[25];
  time_print(day->day * TG_DAY, text);
  json_t *j = json_pack("{s:s%}", "day", text, (size_t)10), *value;
  for (size_t k = 0; k < COUNTED; k++) {
    const char *state;
    json_object_foreach(day->seen[k], state, value)
      json_object_set_new(day->seen[k], state, json_integer(day->count[k][place_of(state)]));
    json_object_set(j, traffic_names[k], day->seen[k]);
  }
  return j;
}

enum tg_err traffic_days(struct review *r, tg_time from, tg_time to, json_t **ret)
{
  struct days d = {.n = 0};
  enum tg_err err = review_marks(r, from, to, count_day, &d);
  json_t *days = json_array();
  if (err == TG_OK && (d.failed || !days))
    err = TG_NO_MEMORY;
  for (size_t i = 0; i < d.n; i++) {
    if (err == TG_OK && json_array_append_new(days, print_day(d.day[i])) != 0)
      err = TG_NO_MEMORY;
    for (size_t k = 0; k < COUNTED; k++)
      json_decref(d.day[i]->seen[k]);
    free(d.day[i]);
  }
  free(d.day);
  if (err == TG_OK)
    *ret = json_incref(days);
  json_decref(days);
  return err;
}
