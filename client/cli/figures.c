/* The figures of a report, counted from a review. */
#include "client/cli/figures.h"

#include "client/cli/show.h"
#include "client/cli/traffic.h"
#include "keys/country.h"

#include <stdlib.h>
#include <string.h>

/* ---- latency: from acceptance to receipts */

static const char *const PRECEDENCES[] = {"FLASH", "IMMEDIATE", "PRIORITY", "ROUTINE"};
enum { N_PRECEDENCES = sizeof PRECEDENCES / sizeof *PRECEDENCES };

struct times {
  size_t n, room;
  uint64_t *ms;
  uint64_t open; /* recipients that have not said that they have it */
};

static enum tg_err times_add(struct times *t, uint64_t ms)
{
  if (t->n == t->room) {
    const size_t room = t->room ? 2 * t->room : 256;
    uint64_t *grown = realloc(t->ms, room * sizeof *grown);
    if (!grown)
      return TG_NO_MEMORY;
    t->ms = grown;
    t->room = room;
  }
  t->ms[t->n++] = ms;
  return TG_OK;
}

static int by_size(const void *x, const void *y)
{
  const uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
  return a < b ? -1 : a > b;
}

/* The time that `percent` of all were not slower than. */
static json_int_t within(const struct times *t, unsigned percent)
{
  return t->n ? (json_int_t)t->ms[(t->n * percent + 99) / 100 - 1] : 0;
}

static json_t *latency_of(struct times *t, const char *precedence)
{
  if (t->n)
    qsort(t->ms, t->n, sizeof *t->ms, by_size);
  return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "precedence", precedence, "count", (json_int_t)t->n, "open", (json_int_t)t->open, "p50_ms",
                   within(t, 50), "p90_ms", within(t, 90), "p99_ms", within(t, 99), "max_ms", within(t, 100));
}

/* A moment as text in UTC; 0 when there is none. */
static tg_time moment(const json_t *o, const char *key)
{
  tg_time t = 0;
  const char *text = json_string_value(json_object_get(o, key));
  return text && time_parse(slice_str(text), &t) == TG_OK ? t : 0;
}

static enum tg_err take_story(struct times *t, const json_t *story, tg_time accepted)
{
  const json_t *recipient;
  size_t i;
  json_array_foreach(json_object_get(story, "recipients"), i, recipient) {
    const tg_time stored = moment(recipient, "stored");
    if (!stored)
      t->open++;
    else if (times_add(t, stored > accepted ? (uint64_t)(stored - accepted) : 0) != TG_OK)
      return TG_NO_MEMORY;
  }
  return TG_OK;
}

/* ---- figures */

struct count {
  struct review *review;
  struct review_filter filter; /* of the time */
  struct times times[N_PRECEDENCES];
  json_t *refusals, *denials; /* name: {"sentence","count"} */
};

static enum tg_err no_memory(struct tg_why *why)
{
  return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
}

static void count_one(json_t *counts, const char *name, const char *sentence)
{
  json_t *row = json_object_get(counts, name);
  if (!row) {
    row = json_pack("{s:s,s:i}", "sentence", sentence ? tr(sentence) : name, "count", 0);
    json_object_set_new(counts, name, row);
  }
  json_object_set_new(row, "count", json_integer(json_integer_value(json_object_get(row, "count")) + 1));
}

static void count_all(json_t *counts, const json_t *rows, const char *name, const char *sentence)
{
  const json_t *row;
  size_t i;
  json_array_foreach((json_t *)(uintptr_t)rows, i, row) {
    const char *key = json_string_value(json_object_get(row, name));
    if (key)
      count_one(counts, key, json_string_value(json_object_get(row, sentence)));
  }
}

static enum tg_err take_refusals(struct count *c, const json_t *page, struct tg_why *why)
{
  (void)why;
  count_all(c->refusals, json_object_get(page, "refusals"), "reason", "reason_sentence");
  count_all(c->denials, json_object_get(page, "denials"), "stage", "sentence");
  return TG_OK;
}

static struct times *times_of(struct count *c, const char *precedence)
{
  for (size_t i = 0; precedence && i < N_PRECEDENCES; i++)
    if (!strcmp(precedence, PRECEDENCES[i]))
      return &c->times[i];
  return NULL;
}

static enum tg_err take_accepted(struct count *c, const json_t *page, struct tg_why *why)
{
  const json_t *e;
  size_t i;
  json_array_foreach(json_object_get(page, "entries"), i, e) {
    struct times *t = times_of(c, json_string_value(json_object_get(e, "precedence")));
    const char *id = json_string_value(json_object_get(e, "subject"));
    json_t *story = NULL;
    if (!t || !id)
      continue; /* not open to this place */
    enum tg_err err = review_story(c->review, id, &story, why);
    if (err == TG_OK && take_story(t, story, json_integer_value(json_object_get(e, "time_ms"))) != TG_OK)
      err = no_memory(why);
    json_decref(story);
    if (err != TG_OK)
      return err;
  }
  return TG_OK;
}

typedef enum tg_err paged(struct review *r, const struct review_filter *f, uint64_t cursor, unsigned limit, json_t **ret,
                          struct tg_why *why);

static enum tg_err each_page(struct count *c, paged *ask, const char *type,
                             enum tg_err (*each)(struct count *c, const json_t *page, struct tg_why *why), struct tg_why *why)
{
  struct review_filter f = c->filter;
  uint64_t cursor = 0;
  enum tg_err err = TG_OK;
  f.type = type;
  do {
    json_t *page = NULL;
    err = ask(c->review, &f, cursor, REVIEW_PAGE_MAX, &page, why);
    if (err == TG_OK)
      err = each(c, page, why);
    const json_t *next = json_object_get(page, "next");
    cursor = json_is_integer(next) ? (uint64_t)json_integer_value(next) : 0;
    json_decref(page);
  } while (err == TG_OK && cursor);
  return err;
}

/* Those most often first. */
static json_t *rows_of(const json_t *counts, const char *name)
{
  json_t *rows = json_array();
  const json_t *row;
  const char *key;
  json_object_foreach((json_t *)(uintptr_t)counts, key, row) {
    json_t *x = json_deep_copy(row);
    const json_int_t count = json_integer_value(json_object_get(x, "count"));
    size_t at = 0;
    json_object_set_new(x, name, json_string(key));
    while (at < json_array_size(rows) && json_integer_value(json_object_get(json_array_get(rows, at), "count")) >= count)
      at++;
    json_array_insert_new(rows, at, x);
  }
  return rows;
}

static enum tg_err put_traffic(struct count *c, json_t *figures, struct tg_why *why)
{
  struct traffic t = {.from = c->filter.from, .to = c->filter.to};
  enum tg_err err = traffic_take(&t, c->review, why);
  json_t *days = err == TG_OK ? traffic_days(&t) : NULL;
  if (err == TG_OK && !days)
    err = no_memory(why);
  if (days)
    json_object_set_new(figures, "days", days);
  traffic_free(&t);
  return err;
}

static enum tg_err put_pairs(struct count *c, json_t *figures, struct tg_why *why)
{
  json_t *matrix = NULL;
  enum tg_err err = review_matrix(c->review, c->filter.from, c->filter.to, &matrix, why);
  if (err == TG_OK) {
    json_object_set(figures, "pairs", json_object_get(matrix, "pairs"));
    json_object_set(figures, "states", json_object_get(matrix, "states"));
    json_object_set_new(figures, "names", show_states(json_object_get(matrix, "states")));
  }
  json_decref(matrix);
  return err;
}

/* What the report is about, and what it stands on. */
static enum tg_err put_head(struct count *c, json_t *figures, tg_time now, struct tg_why *why)
{
  static const char *const kept[] = {"log", "size", "root", "settled", "vouched", "kind"};
  json_t *about = NULL;
  enum tg_err err = review_about(c->review, &about, why);
  for (size_t i = 0; err == TG_OK && i < sizeof kept / sizeof *kept; i++)
    json_object_set(figures, kept[i], json_object_get(about, kept[i]));
  json_decref(about);
  json_object_set_new(figures, "made", json_time(now));
  json_object_set_new(figures, "from", json_time(c->filter.from));
  json_object_set_new(figures, "to", json_time(c->filter.to));
  return err;
}

static enum tg_err put_latency(struct count *c, json_t *figures, struct tg_why *why)
{
  json_t *rows = json_array();
  enum tg_err err = each_page(c, review_entries, "accepted", take_accepted, why);
  for (size_t i = 0; i < N_PRECEDENCES; i++) {
    json_array_append_new(rows, latency_of(&c->times[i], PRECEDENCES[i]));
    free(c->times[i].ms);
  }
  json_object_set_new(figures, "latency", rows);
  return err;
}

static enum tg_err put_refusals(struct count *c, json_t *figures, struct tg_why *why)
{
  c->refusals = json_object();
  c->denials = json_object();
  enum tg_err err = each_page(c, review_refusals, NULL, take_refusals, why);
  json_object_set_new(figures, "refusals", rows_of(c->refusals, "reason"));
  json_object_set_new(figures, "denials", rows_of(c->denials, "stage"));
  json_decref(c->refusals);
  json_decref(c->denials);
  return err;
}

enum tg_err figures_count(struct review *r, tg_time from, tg_time to, tg_time now, json_t **ret, struct tg_why *why)
{
  struct count c = {.review = r, .filter = {.from = from, .to = to}};
  json_t *figures = json_object();
  enum tg_err err = put_head(&c, figures, now, why);
  if (err == TG_OK)
    err = put_traffic(&c, figures, why);
  if (err == TG_OK)
    err = put_refusals(&c, figures, why);
  if (err == TG_OK)
    err = put_latency(&c, figures, why);
  if (err == TG_OK)
    err = put_pairs(&c, figures, why);
  if (err == TG_OK)
    *ret = figures;
  else
    json_decref(figures);
  return err;
}
