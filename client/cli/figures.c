/* The figures of a report, counted from a review. */
#include "client/cli/figures.h"

#include "audit/entry.h"
#include "client/cli/show.h"
#include "client/cli/traffic.h"

#include <stdlib.h>
#include <string.h>

/* ---- latency: from acceptance to receipts */

enum { N_PRECEDENCES = PRECEDENCE_FLASH };

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

/* ---- figures */

struct refused {
  const char *reason; /* of reason_name() */
  unsigned number;
  uint64_t count, last; /* last: index of the newest */
};

struct count {
  struct review *review;
  tg_time from, to;
  struct times times[N_PRECEDENCES];
  struct refused *refused;
  size_t n_refused;
  bool failed; /* out of memory */
};

static enum tg_err no_memory(struct tg_why *why)
{
  return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
}

/* The index was there a moment ago, and can be made again. */
static enum tg_err not_readable(enum tg_err err, struct tg_why *why)
{
  return err == TG_NO_MEMORY ? no_memory(why)
                             : why_set(why, err, NULL, N_("the index cannot be read"), N_("Remove it: it is made again"), NULL, NULL, NULL);
}

/* ---- refused as a whole, and to some */

static void take_mark(void *arg, const struct review_mark *m)
{
  struct count *c = arg;
  const char *name = reason_name(m->reason);
  size_t i = 0;
  if (m->type != ENTRY_REFUSED || m->reason == 0)
    return;
  while (i < c->n_refused && strcmp(c->refused[i].reason, name) != 0)
    i++;
  if (i == c->n_refused) {
    struct refused *grown = realloc(c->refused, (i + 1) * sizeof *grown);
    if (!grown) {
      c->failed = true;
      return;
    }
    c->refused = grown;
    c->refused[c->n_refused++] = (struct refused){.reason = name, .number = m->reason};
  }
  c->refused[i].count++;
  c->refused[i].last = m->index;
}

/* Those most often first, and of those as often the newest. */
static int by_count(const void *x, const void *y)
{
  const struct refused *a = x, *b = y;
  if (a->count != b->count)
    return a->count < b->count ? 1 : -1;
  return a->last < b->last ? 1 : a->last > b->last ? -1 : 0;
}

static json_t *refusals_of(struct count *c)
{
  json_t *rows = json_array();
  if (c->n_refused)
    qsort(c->refused, c->n_refused, sizeof *c->refused, by_count);
  for (size_t i = 0; i < c->n_refused; i++)
    json_array_append_new(rows, json_pack("{s:s,s:I,s:s}", "sentence", tr(reason_sentence(c->refused[i].number)), "count",
                                          (json_int_t)c->refused[i].count, "reason", c->refused[i].reason));
  return rows;
}

static enum tg_err put_refusals(struct count *c, json_t *figures, struct tg_why *why)
{
  json_t *denials = NULL, *row;
  size_t i;
  enum tg_err err = review_marks(c->review, c->from, c->to, take_mark, c);
  if (err == TG_OK && c->failed)
    err = TG_NO_MEMORY;
  if (err == TG_OK)
    err = review_denials(c->review, c->from, c->to, &denials);
  if (err != TG_OK)
    return not_readable(err, why);
  json_array_foreach(denials, i, row)
    json_object_set_new(row, "sentence", json_string(tr(json_string_value(json_object_get(row, "sentence")))));
  json_object_set_new(figures, "refusals", refusals_of(c));
  json_object_set_new(figures, "denials", denials);
  return TG_OK;
}

static enum tg_err put_traffic(struct count *c, json_t *figures, struct tg_why *why)
{
  json_t *days = NULL;
  enum tg_err err = traffic_days(c->review, c->from, c->to, &days);
  if (err != TG_OK)
    return not_readable(err, why);
  json_object_set_new(figures, "days", days);
  return TG_OK;
}

static enum tg_err put_pairs(struct count *c, json_t *figures, struct tg_why *why)
{
  json_t *matrix = NULL;
  enum tg_err err = review_matrix(c->review, c->from, c->to, &matrix, why);
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
  json_object_set_new(figures, "from", json_time(c->from));
  json_object_set_new(figures, "to", json_time(c->to));
  return err;
}

static enum tg_err take_given(void *arg, enum precedence precedence, tg_time accepted, tg_time stored)
{
  struct count *c = arg;
  if (precedence < PRECEDENCE_ROUTINE || precedence > PRECEDENCE_FLASH)
    return TG_OK;
  struct times *t = &c->times[PRECEDENCE_FLASH - precedence];
  if (stored)
    return times_add(t, stored > accepted ? (uint64_t)(stored - accepted) : 0);
  t->open++;
  return TG_OK;
}

static enum tg_err put_latency(struct count *c, json_t *figures, struct tg_why *why)
{
  json_t *rows = json_array();
  enum tg_err err = review_given(c->review, c->from, c->to, take_given, c);
  for (int p = PRECEDENCE_FLASH; p >= PRECEDENCE_ROUTINE; p--)
    json_array_append_new(rows, latency_of(&c->times[PRECEDENCE_FLASH - p], precedence_name((enum precedence)p)));
  json_object_set_new(figures, "latency", rows);
  return err == TG_OK ? err : not_readable(err, why);
}

enum tg_err figures_count(struct review *r, tg_time from, tg_time to, tg_time now, json_t **ret, struct tg_why *why)
{
  struct count c = {.review = r, .from = from, .to = to};
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
  for (size_t i = 0; i < N_PRECEDENCES; i++)
    free(c.times[i].ms);
  free(c.refused);
  if (err == TG_OK)
    *ret = figures;
  else
    json_decref(figures);
  return err;
}
