/* What is unusual, and what changed: each with its reason in words. */
#include "client/review/inside.h"

#include "audit/reason.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  BURST_LEAST = 10,  /* bulletins in an hour below which nothing is a burst */
  BURST_TIMES = 5,   /* times the usual */
  DENIALS_LEAST = 5, /* in a day */
  DENIALS_TIMES = 3,
  LISTED = 100, /* of one kind */
};
#define CLOCK_BACK (2 * TG_SECOND)
#define CLOCK_AHEAD (5 * TG_MINUTE)

struct noticing {
  struct review *r;
  json_t *list;
  tg_time from, to;
};

static void notice(struct noticing *n, const char *kind, tg_time time, const char *state, const char *other, json_int_t value,
                   json_int_t usual, json_t *entries, const char *sentence, const char *a, const char *b, const char *c)
{
  json_array_append_new(n->list, json_pack("{s:s,s:o,s:s?,s:s?,s:I,s:I,s:o,s:s,s:[s,s,s]}", "kind", kind, "time", json_of_time(time),
                                           "state", state, "other", other, "value", value, "usual", usual, "entries",
                                           entries ? entries : json_array(), "sentence", sentence, "args", a ? a : "", b ? b : "",
                                           c ? c : ""));
}

static void text_of(struct db_stmt *s, int column, char out[3])
{
  struct slice t = db_text(s, column);
  snprintf(out, 3, "%.*s", (int)t.n, (const char *)t.p);
}

static const char *decimal(json_int_t v, char out[24])
{
  snprintf(out, 24, "%lld", (long long)v);
  return out;
}

/* ---- many at once: an hour in which a state sent far more than in its usual ones */

static enum tg_err bursts(struct noticing *n)
{
  struct db_stmt *s = db_stmt(n->r->db,
                              "WITH h AS (SELECT member, time / 3600000 AS hour, count(*) AS n FROM bulletin GROUP BY 1, 2),"
                              " t AS (SELECT member, sum(n) AS total, count(*) AS hours FROM h GROUP BY 1)"
                              " SELECT h.member, h.hour, h.n, CASE WHEN t.hours > 1 THEN (t.total - h.n) / (t.hours - 1) ELSE 0 END AS u"
                              " FROM h JOIN t USING(member) WHERE h.n >= ?1 AND t.hours > 1 AND h.n > ?2 * max(u, 1)"
                              " AND h.hour >= ?3 / 3600000 AND h.hour <= ?4 / 3600000 ORDER BY h.hour DESC LIMIT ?5");
  bool row;
  enum tg_err err;
  db_bind_u64(s, 1, BURST_LEAST);
  db_bind_u64(s, 2, BURST_TIMES);
  db_bind_i64(s, 3, n->from);
  db_bind_i64(s, 4, n->to);
  db_bind_u64(s, 5, LISTED);
  while ((err = db_step(s, &row)) == TG_OK && row) {
    char state[3], value[24], usual[24];
    text_of(s, 0, state);
    const json_int_t count = db_i64(s, 2), mean = db_i64(s, 3);
    notice(n, "burst", db_i64(s, 1) * TG_HOUR, state, NULL, count, mean, NULL,
           N_("%1$s sent %2$s bulletins within an hour; in its other hours it sent %3$s on average"), state, decimal(count, value),
           decimal(mean, usual));
  }
  return err;
}

/* ---- first times */

static enum tg_err new_pairs(struct noticing *n)
{
  struct db_stmt *s = db_stmt(n->r->db, "SELECT b.member, g.member, min(b.time) AS first, min(b.leaf) FROM bulletin b JOIN given g"
                                        " USING(leaf) WHERE b.member <> g.member GROUP BY 1, 2 HAVING first >= ?1 AND first <= ?2"
                                        " ORDER BY first DESC LIMIT ?3");
  bool row;
  enum tg_err err;
  db_bind_i64(s, 1, n->from);
  db_bind_i64(s, 2, n->to);
  db_bind_u64(s, 3, LISTED);
  while ((err = db_step(s, &row)) == TG_OK && row) {
    char a[3], b[3];
    text_of(s, 0, a);
    text_of(s, 1, b);
    notice(n, "new-pair", db_i64(s, 2), a, b, 1, 0, json_pack("[I]", (json_int_t)db_i64(s, 3)),
           N_("%1$s gave a bulletin to %2$s for the first time in this log"), a, b, NULL);
  }
  return err;
}

/* ---- more is denied than was */

static enum tg_err denials(struct noticing *n)
{
  struct db_stmt *s =
      db_stmt(n->r->db,
              "WITH h AS (SELECT b.member AS member, b.time / 86400000 AS day, count(DISTINCT leaf) AS n FROM bulletin b JOIN denied"
              " USING(leaf) GROUP BY 1, 2), d AS (SELECT member, count(DISTINCT time / 86400000) AS days FROM bulletin GROUP BY 1),"
              " t AS (SELECT member, sum(n) AS total FROM h GROUP BY 1)"
              " SELECT h.member, h.day, h.n, CASE WHEN d.days > 1 THEN (t.total - h.n) / (d.days - 1) ELSE 0 END AS u"
              " FROM h JOIN t USING(member) JOIN d USING(member) WHERE h.n >= ?1 AND d.days > 1 AND h.n > ?2 * max(u, 1)"
              " AND h.day >= ?3 / 86400000 AND h.day <= ?4 / 86400000 ORDER BY h.day DESC LIMIT ?5");
  bool row;
  enum tg_err err;
  db_bind_u64(s, 1, DENIALS_LEAST);
  db_bind_u64(s, 2, DENIALS_TIMES);
  db_bind_i64(s, 3, n->from);
  db_bind_i64(s, 4, n->to);
  db_bind_u64(s, 5, LISTED);
  while ((err = db_step(s, &row)) == TG_OK && row) {
    char state[3], value[24], usual[24];
    text_of(s, 0, state);
    const json_int_t count = db_i64(s, 2), mean = db_i64(s, 3);
    notice(n, "denials-rising", db_i64(s, 1) * TG_DAY, state, NULL, count, mean, NULL,
           N_("of the bulletins of %1$s, %2$s were kept from somebody on one day; on its other days %3$s on average"), state,
           decimal(count, value), decimal(mean, usual));
  }
  return err;
}

/* ---- clocks */

static enum tg_err clock_back(struct noticing *n)
{
  struct db_stmt *s = db_stmt(n->r->db, "SELECT leaf, time, before FROM (SELECT leaf, time, lag(time) OVER (ORDER BY leaf) AS before"
                                        " FROM entry WHERE n > 0) WHERE time < before - ?1 AND time >= ?2 AND time <= ?3 LIMIT ?4");
  bool row;
  enum tg_err err;
  db_bind_i64(s, 1, CLOCK_BACK);
  db_bind_i64(s, 2, n->from);
  db_bind_i64(s, 3, n->to);
  db_bind_u64(s, 4, LISTED);
  while ((err = db_step(s, &row)) == TG_OK && row) {
    char back[24], at[24];
    const json_int_t by = (db_i64(s, 2) - db_i64(s, 1)) / TG_SECOND;
    notice(n, "clock", db_i64(s, 1), NULL, NULL, by, 0, json_pack("[I]", (json_int_t)db_i64(s, 0)),
           N_("the hub's clock went back by %1$s seconds at entry %2$s"), decimal(by, back), decimal(db_i64(s, 0), at), NULL);
  }
  return err;
}

/* Moments that do not follow one another: what `rows` selects (leaf, time, by how much, state), between ?2 and ?3, off by more than ?1. */
static enum tg_err out_of_order(struct noticing *n, const char *rows, const char *sentence)
{
  struct db_stmt *s = db_stmt(n->r->db, rows);
  bool row;
  enum tg_err err;
  db_bind_i64(s, 1, CLOCK_AHEAD);
  db_bind_i64(s, 2, n->from);
  db_bind_i64(s, 3, n->to);
  db_bind_u64(s, 4, LISTED);
  while ((err = db_step(s, &row)) == TG_OK && row) {
    char state[3], seconds[24];
    text_of(s, 3, state);
    const json_int_t by = db_i64(s, 2) / TG_SECOND;
    notice(n, "clock", db_i64(s, 1), state, NULL, by, 0, json_pack("[I]", (json_int_t)db_i64(s, 0)), sentence, state, decimal(by, seconds),
           NULL);
  }
  return err;
}

static enum tg_err clock_ahead(struct noticing *n)
{
  return out_of_order(n, "SELECT leaf, time, created - time, member FROM bulletin WHERE created > time + ?1 AND time >= ?2"
                         " AND time <= ?3 ORDER BY leaf DESC LIMIT ?4",
                      N_("a bulletin of %1$s states a time %2$s seconds after the hub accepted it"));
}

static enum tg_err receipts_early(struct noticing *n)
{
  return out_of_order(n, "SELECT leaf, b.time, b.time - g.stored, g.member FROM given g JOIN bulletin b USING(leaf)"
                         " WHERE g.stored > 0 AND g.stored < b.time - ?1 AND b.time >= ?2 AND b.time <= ?3 LIMIT ?4",
                      N_("a node of %1$s signed that it stored a bulletin %2$s seconds before the hub accepted it"));
}

/* ---- what the hub itself noticed */

static enum tg_err alarms(struct noticing *n, struct tg_why *why)
{
  const struct review_filter f = {.from = n->from, .to = n->to == INT64_MAX ? 0 : n->to + 1, .type = "alarm"};
  json_t *page = NULL, *one;
  size_t i;
  enum tg_err err = review_entries(n->r, &f, 0, LISTED, &page, why);
  json_array_foreach(json_object_get(page, "entries"), i, one) {
    const char *state = json_string_value(json_object_get(one, "state"));
    const char *reason = json_string_value(json_object_get(one, "reason_sentence"));
    notice(n, "alarm", (tg_time)json_integer_value(json_object_get(one, "time_ms")), state, NULL, 1, 0,
           json_pack("[I]", json_integer_value(json_object_get(one, "index"))), N_("the hub raised an alarm: %1$s"), reason, NULL, NULL);
  }
  json_decref(page);
  return err;
}

enum tg_err review_anomalies(struct review *r, tg_time from, tg_time to, json_t **ret, struct tg_why *why)
{
  static enum tg_err (*const looks[])(struct noticing *) = {bursts,     new_pairs,   denials,
                                                            clock_back, clock_ahead, receipts_early};
  struct noticing n = {.r = r, .list = json_array(), .from = from, .to = to ? to : INT64_MAX};
  enum tg_err err = alarms(&n, why);
  for (size_t i = 0; !err && i < sizeof looks / sizeof *looks; i++)
    err = looks[i](&n);
  if (!err)
    *ret = json_pack("{s:O}", "anomalies", n.list);
  json_decref(n.list);
  return err ? err : *ret ? TG_OK : TG_NO_MEMORY;
}

/* ---- between two times ---- */

static enum tg_err documents(struct review *r, tg_time from, tg_time to, json_t *list, struct tg_why *why)
{
  const struct review_filter f = {.from = from, .to = to, .type = "document", .oldest_first = true};
  uint64_t cursor = 0;
  for (bool more = true; more;) {
    json_t *page = NULL, *one;
    size_t i;
    enum tg_err err = review_entries(r, &f, cursor, REVIEW_PAGE_MAX, &page, why);
    if (err)
      return err;
    json_array_foreach(json_object_get(page, "entries"), i, one) {
      struct db_stmt *s = db_stmt(r->db, "SELECT kind FROM document WHERE leaf = ?1");
      bool row = false;
      db_bind_i64(s, 1, json_integer_value(json_object_get(one, "index")));
      const char *kind = db_step(s, &row) == TG_OK && row ? document_kind_name((enum document_kind)db_u64(s, 0)) : NULL;
      json_array_append_new(list, json_pack("{s:O,s:O,s:s?,s:O,s:O,s:O}", "index", json_object_get(one, "index"), "time",
                                            json_object_get(one, "time"), "kind", kind, "state", json_object_get(one, "state"),
                                            "serial", json_object_get(one, "number"), "hash", json_object_get(one, "subject")));
      if (row)
        db_reset(s);
    }
    json_t *next = json_object_get(page, "next");
    more = json_is_integer(next);
    cursor = (uint64_t)json_integer_value(next);
    json_decref(page);
  }
  return TG_OK;
}

static enum tg_err counts(struct review *r, tg_time from, tg_time to, json_t *list)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT type, sum(time < ?1), sum(time >= ?1) FROM entry WHERE n > 0 AND time >= ?2 AND time < ?3"
                                     " GROUP BY type ORDER BY type");
  bool row;
  enum tg_err err;
  db_bind_i64(s, 1, from);
  db_bind_i64(s, 2, from - (to - from));
  db_bind_i64(s, 3, to);
  while ((err = db_step(s, &row)) == TG_OK && row)
    json_array_append_new(list, json_pack("{s:s,s:I,s:I}", "type", entry_type_name((unsigned)db_u64(s, 0)), "before",
                                          (json_int_t)db_u64(s, 1), "between", (json_int_t)db_u64(s, 2)));
  return err;
}

enum tg_err review_diff(struct review *r, tg_time before, tg_time after, json_t **ret, struct tg_why *why)
{
  if (before >= after)
    return why_set(why, TG_USAGE, NULL, N_("the second time must be after the first"), NULL, NULL, NULL, NULL);
  json_t *papers = json_array(), *types = json_array();
  struct noticing n = {.r = r, .list = json_array(), .from = before, .to = after - 1};
  enum tg_err err = documents(r, before, after, papers, why);
  if (!err)
    err = counts(r, before, after, types);
  if (!err)
    err = new_pairs(&n);
  if (!err)
    *ret = json_pack("{s:o,s:o,s:O,s:O,s:O}", "from", json_of_time(before), "to", json_of_time(after), "documents", papers, "counts",
                     types, "new_pairs", n.list);
  json_decref(papers);
  json_decref(types);
  json_decref(n.list);
  return err ? err : *ret ? TG_OK : TG_NO_MEMORY;
}
