/* What is unusual, and what changed: each with its reason in words. */
#include "client/review/inside.h"

#include "policy/policy.h"

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

/* Rows of s: a member, the unit of time in which it was far above its mean, how much there was of it, and the mean. */
static enum tg_err risen(struct noticing *n, struct db_stmt *s, unsigned least, unsigned times, const char *kind, tg_time unit,
                         const char *sentence)
{
  bool row;
  enum tg_err err;
  db_bind_u64(s, 1, least);
  db_bind_u64(s, 2, times);
  db_bind_i64(s, 3, n->from);
  db_bind_i64(s, 4, n->to);
  db_bind_u64(s, 5, LISTED);
  while ((err = db_step(s, &row)) == TG_OK && row) {
    char state[3], value[24], usual[24];
    text_of(s, 0, state);
    const json_int_t count = db_i64(s, 2), mean = db_i64(s, 3);
    notice(n, kind, db_i64(s, 1) * unit, state, NULL, count, mean, NULL, sentence, state, decimal(count, value), decimal(mean, usual));
  }
  return err;
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
  return risen(n, s, BURST_LEAST, BURST_TIMES, N_("burst"), TG_HOUR,
               N_("%1$s sent %2$s bulletins within an hour; in its other hours it sent %3$s on average"));
}

/* ---- first times */

static enum tg_err new_pairs(struct noticing *n)
{
  struct first *list = NULL;
  size_t count = 0;
  enum tg_err err = count_firsts(n->r, n->from, n->to, &list, &count);
  for (size_t i = 0; i < count && i < LISTED; i++)
    notice(n, N_("new-pair"), list[i].time, list[i].from, list[i].to, 1, 0, json_pack("[I]", (json_int_t)list[i].leaf),
           N_("%1$s gave a bulletin to %2$s for the first time in this log"), list[i].from, list[i].to, NULL);
  free(list);
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
  return risen(n, s, DENIALS_LEAST, DENIALS_TIMES, N_("denials-rising"), TG_DAY,
               N_("of the bulletins of %1$s, %2$s were kept from somebody on one day; on its other days %3$s on average"));
}

/* ---- clocks */

struct backwards {
  struct noticing *n;
  tg_time before; /* of the entry before; INT64_MIN: none */
  size_t found;
};

static void look_back(void *arg, const struct review_mark *m)
{
  struct backwards *b = arg;
  const tg_time before = b->before;
  char back[24], at[24];
  b->before = m->time;
  if (m->time >= before - CLOCK_BACK || m->time < b->n->from || m->time > b->n->to || b->found++ >= LISTED)
    return;
  const json_int_t by = (before - m->time) / TG_SECOND;
  notice(b->n, N_("clock"), m->time, NULL, NULL, by, 0, json_pack("[I]", (json_int_t)m->index),
         N_("the hub's clock went back by %1$s seconds at entry %2$s"), decimal(by, back), decimal((json_int_t)m->index, at), NULL);
}

static enum tg_err clock_back(struct noticing *n)
{
  struct backwards b = {.n = n, .before = INT64_MIN + CLOCK_BACK};
  return review_marks(n->r, 0, 0, look_back, &b);
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
    notice(n, N_("alarm"), (tg_time)json_integer_value(json_object_get(one, "time_ms")), state, NULL, 1, 0,
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

/* Whose it is: what its line "holder" says; "": it has none. */
static const char *holder_of(struct slice note, char out[HOLDER_MAX + 1])
{
  static const char word[] = "holder ";
  struct slice line;
  out[0] = 0;
  while (!out[0] && take_line(&note, &line))
    if (line.n > sizeof word - 1 && line.n < sizeof word + HOLDER_MAX && memcmp(line.p, word, sizeof word - 1) == 0)
      snprintf(out, HOLDER_MAX + 1, "%.*s", (int)(line.n - sizeof word + 1), (const char *)line.p + sizeof word - 1);
  return out;
}

/* Of a view: as its node accepted them, without entries. */
static enum tg_err papers(struct review *r, tg_time from, tg_time to, json_t *list)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT hash, kind, accepted, content FROM paper WHERE accepted >= ?1 AND accepted < ?2 ORDER BY place");
  struct note *note = calloc(1, sizeof *note);
  bool row;
  enum tg_err err = note ? TG_OK : TG_NO_MEMORY;
  db_bind_i64(s, 1, from);
  db_bind_i64(s, 2, to);
  while (!err && (err = db_step(s, &row)) == TG_OK && row) {
    struct hash hash = {{0}};
    struct policy *p = NULL;
    char holder[HOLDER_MAX + 1];
    const unsigned kind = (unsigned)db_u64(s, 1);
    (void)db_bytes(s, 0, hash.b, 32);
    if (kind == DOCUMENT_POLICY && note_parse(db_blob(s, 3), NULL, note, NULL) == TG_OK)
      (void)policy_parse(note->text, "policy", NULL, &p, NULL, NULL);
    const struct country member = p ? policy_member(p) : (struct country){""};
    json_array_append_new(list, json_pack("{s:n,s:o,s:s,s:s?,s:o,s:s,s:o}", "index", "time", json_of_time(db_i64(s, 2)), "kind",
                                          document_kind_name((enum document_kind)kind), "state", p ? member.code : NULL, "serial",
                                          p ? json_integer((json_int_t)policy_serial(p)) : json_null(), "holder",
                                          holder_of(db_blob(s, 3), holder), "hash", json_of_hash(&hash)));
    policy_free(p);
  }
  free(note);
  return err;
}

static const char *holder_at(struct review *r, uint64_t leaf, char out[HOLDER_MAX + 1])
{
  struct dossier d;
  struct entry e;
  out[0] = 0;
  arena_reset(r->arena);
  if (file_dossier(r, leaf, r->arena, &d, &e, NULL) != TG_OK || d.paper[DOSSIER_DOCUMENT].n < 2 || d.paper[DOSSIER_DOCUMENT].p[0] == DOCUMENT_SEALING_KEYS)
    return out;
  return holder_of(slice_of(d.paper[DOSSIER_DOCUMENT].p + 1, d.paper[DOSSIER_DOCUMENT].n - 1), out);
}

static enum tg_err documents(struct review *r, tg_time from, tg_time to, json_t *list, struct tg_why *why)
{
  if (place_is_view(&r->place))
    return papers(r, from, to, list);
  const struct review_filter f = {.from = from, .to = to, .type = "document", .oldest_first = true};
  uint64_t cursor = 0;
  for (bool more = true; more;) {
    json_t *page = NULL, *one;
    size_t i;
    enum tg_err err = review_entries(r, &f, cursor, REVIEW_PAGE_MAX, &page, why);
    if (err)
      return err;
    json_array_foreach(json_object_get(page, "entries"), i, one) {
      char holder[HOLDER_MAX + 1];
      struct db_stmt *s = db_stmt(r->db, "SELECT kind FROM document WHERE leaf = ?1");
      bool row = false;
      db_bind_i64(s, 1, json_integer_value(json_object_get(one, "index")));
      const char *kind = db_step(s, &row) == TG_OK && row ? document_kind_name((enum document_kind)db_u64(s, 0)) : NULL;
      json_array_append_new(list, json_pack("{s:O,s:O,s:s?,s:O,s:O,s:s,s:O}", "index", json_object_get(one, "index"), "time",
                                            json_object_get(one, "time"), "kind", kind, "state", json_object_get(one, "state"),
                                            "serial", json_object_get(one, "number"), "holder",
                                            holder_at(r, (uint64_t)json_integer_value(json_object_get(one, "index")), holder), "hash", json_object_get(one, "subject")));
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

struct counts {
  tg_time from;
  uint64_t before[ENTRY_TYPES + 1], between[ENTRY_TYPES + 1];
};

static void count_type(void *arg, const struct review_mark *m)
{
  struct counts *c = arg;
  if (m->type <= ENTRY_TYPES)
    (m->time < c->from ? c->before : c->between)[m->type]++;
}

static enum tg_err counts(struct review *r, tg_time from, tg_time to, json_t *list)
{
  struct counts c = {.from = from};
  const tg_time since = from - (to - from);
  enum tg_err err = review_marks(r, since ? since : -1, to, count_type, &c);
  for (unsigned type = 1; !err && type <= ENTRY_TYPES; type++)
    if (c.before[type] || c.between[type])
      json_array_append_new(list, json_pack("{s:s,s:s,s:I,s:I}", "type", entry_type_name(type), "sentence", entry_type_sentence(type), "before",
                                            (json_int_t)c.before[type], "between", (json_int_t)c.between[type]));
  return err;
}

enum tg_err review_diff(struct review *r, tg_time before, tg_time after, json_t **ret, struct tg_why *why)
{
  if (before >= after)
    return why_set(why, TG_USAGE, NULL, N_("the second time must be after the first"), NULL, NULL, NULL, NULL);
  json_t *signed_ones = json_array(), *types = json_array();
  struct noticing n = {.r = r, .list = json_array(), .from = before, .to = after - 1};
  enum tg_err err = documents(r, before, after, signed_ones, why);
  if (!err)
    err = counts(r, before, after, types);
  if (!err)
    err = new_pairs(&n);
  if (!err)
    *ret = json_pack("{s:o,s:o,s:O,s:O,s:O}", "from", json_of_time(before), "to", json_of_time(after), "documents", signed_ones, "counts",
                     types, "new_pairs", n.list);
  json_decref(signed_ones);
  json_decref(types);
  json_decref(n.list);
  return err ? err : *ret ? TG_OK : TG_NO_MEMORY;
}
