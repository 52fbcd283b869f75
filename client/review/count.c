/* Counts over many bulletins: who gave whom, what was refused, what is owed. */
#include "client/review/inside.h"

#include "audit/reason.h"
#include "proto/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tg_time or_ever(tg_time t)
{
  return t ? t : INT64_MAX;
}

/* ---- from whom to whom ---- */

static json_t *find_pair(json_t *index, json_t *list, const char *from, const char *to)
{
  char key[8];
  snprintf(key, sizeof key, "%.2s>%.2s", from, to);
  json_t *p = json_object_get(index, key);
  if (p)
    return p;
  p = json_pack("{s:s,s:s,s:i,s:i,s:i,s:i,s:i}", "from", from, "to", to, "given", 0, "stored", 0, "read", 0, "acknowledged", 0,
                "denied", 0);
  json_object_set(index, key, p);
  json_array_append_new(list, p);
  return p;
}

static void text_of(struct db_stmt *s, int column, char out[3])
{
  struct slice t = db_text(s, column);
  snprintf(out, 3, "%.*s", (int)t.n, (const char *)t.p);
}

static enum tg_err count_given(struct review *r, tg_time from, tg_time to, json_t *index, json_t *list)
{
  static const char *const names[] = {"given", "stored", "read", "acknowledged"};
  struct db_stmt *s = db_stmt(r->db, "SELECT b.member, g.member, count(*), sum(stored > 0), sum(seen > 0), sum(acknowledged > 0)"
                                     " FROM bulletin b JOIN given g USING(leaf) WHERE b.time >= ?1 AND b.time < ?2 GROUP BY 1, 2");
  bool row;
  enum tg_err err;
  db_bind_i64(s, 1, from);
  db_bind_i64(s, 2, or_ever(to));
  while ((err = db_step(s, &row)) == TG_OK && row) {
    char a[3], b[3];
    text_of(s, 0, a);
    text_of(s, 1, b);
    json_t *p = find_pair(index, list, a, b);
    for (int i = 0; i < 4; i++)
      json_object_set_new(p, names[i], json_integer((json_int_t)db_u64(s, 2 + i)));
  }
  return err;
}

static enum tg_err count_denied(struct review *r, tg_time from, tg_time to, json_t *index, json_t *list)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT b.member, d.member, count(DISTINCT leaf) FROM bulletin b JOIN denied d USING(leaf)"
                                     " WHERE b.time >= ?1 AND b.time < ?2 GROUP BY 1, 2");
  bool row;
  enum tg_err err;
  db_bind_i64(s, 1, from);
  db_bind_i64(s, 2, or_ever(to));
  while ((err = db_step(s, &row)) == TG_OK && row) {
    char a[3], b[3];
    text_of(s, 0, a);
    text_of(s, 1, b);
    json_object_set_new(find_pair(index, list, a, b), "denied", json_integer((json_int_t)db_u64(s, 2)));
  }
  return err;
}

static enum tg_err add_state(void *list, const char *word)
{
  return json_array_append_new(list, json_string(word + strlen("state:"))) == 0 ? TG_OK : TG_NO_MEMORY;
}

enum tg_err review_matrix(struct review *r, tg_time from, tg_time to, json_t **ret, struct tg_why *why)
{
  json_t *index = json_object(), *list = json_array(), *states = json_array();
  (void)why;
  enum tg_err err = words_like(r->words, "state:", add_state, states);
  if (!err)
    err = count_given(r, from, to, index, list);
  if (!err)
    err = count_denied(r, from, to, index, list);
  json_decref(index);
  if (!err)
    *ret = json_pack("{s:O,s:O}", "states", states, "pairs", list);
  json_decref(states);
  json_decref(list);
  return err ? err : *ret ? TG_OK : TG_NO_MEMORY;
}

/* ---- refusals and denials, as one list of entries ---- */

static void spread(struct review *r, const json_t *entry, json_t *refusals, json_t *denials)
{
  const char *decision = json_string_value(json_object_get(entry, "decision"));
  size_t i;
  json_t *one;
  if (!decision || strcmp(decision, "refused") == 0)
    json_array_append(refusals, (json_t *)(uintptr_t)entry);
  if (!decision)
    return;
  json_t *denied = json_of_denied(r, (uint64_t)json_integer_value(json_object_get(entry, "index")));
  json_array_foreach(denied, i, one) {
    json_object_set(one, "index", json_object_get(entry, "index"));
    json_object_set(one, "time", json_object_get(entry, "time"));
    json_object_set(one, "from", json_object_get(entry, "state"));
    json_object_set(one, "subject", json_object_get(entry, "subject"));
    json_array_append(denials, one);
  }
  json_decref(denied);
}

/* What was refused as a whole, or to some: by the rule that said so. Without a rule in the filter, bulletins. */
enum tg_err review_refusals(struct review *r, const struct review_filter *f, uint64_t cursor, unsigned limit, json_t **ret,
                            struct tg_why *why)
{
  json_t *page = NULL, *refusals = json_array(), *denials = json_array(), *one;
  struct review_filter refused = *f;
  size_t i;
  if (!f->decision && !f->rule && !f->type)
    refused.decision = "not-all";
  enum tg_err err = review_entries(r, &refused, cursor, limit, &page, why);
  json_array_foreach(json_object_get(page, "entries"), i, one)
    spread(r, one, refusals, denials);
  if (!err)
    *ret = json_pack("{s:O,s:O,s:O}", "refusals", refusals, "denials", denials, "next", json_object_get(page, "next"));
  json_decref(page);
  json_decref(refusals);
  json_decref(denials);
  return err ? err : *ret ? TG_OK : TG_NO_MEMORY;
}

/* ---- what is owed ---- */

/* How long a recipient may take to say that it has it, by precedence. */
static tg_time clock_of(uint64_t precedence)
{
  static const tg_time clocks[] = {[PRECEDENCE_ROUTINE] = 12 * TG_HOUR,
                                   [PRECEDENCE_PRIORITY] = TG_HOUR,
                                   [PRECEDENCE_IMMEDIATE] = 10 * TG_MINUTE,
                                   [PRECEDENCE_FLASH] = TG_MINUTE};
  return precedence >= PRECEDENCE_ROUTINE && precedence <= PRECEDENCE_FLASH ? clocks[precedence] : 12 * TG_HOUR;
}

enum { OVERDUE_MAX = 10000 };

enum tg_err review_overdue(struct review *r, tg_time now, json_t **ret, struct tg_why *why)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT b.id, g.node, g.member, b.precedence, b.time, b.leaf, b.member FROM given g"
                                     " JOIN bulletin b USING(leaf) WHERE g.stored = 0 AND g.other = 0 AND b.time <= ?1"
                                     " ORDER BY b.precedence DESC, b.time LIMIT ?2");
  json_t *list = json_array();
  bool row;
  enum tg_err err;
  (void)why;
  db_bind_i64(s, 1, now - TG_MINUTE);
  db_bind_u64(s, 2, OVERDUE_MAX);
  while ((err = db_step(s, &row)) == TG_OK && row) {
    struct hash id = {{0}};
    struct sign_pk node = {{0}};
    char name[PAPERS_NAME];
    const tg_time due = db_i64(s, 4) + clock_of(db_u64(s, 3));
    (void)db_bytes(s, 0, id.b, 32);
    (void)db_bytes(s, 1, node.b, 32);
    if (due > now)
      continue;
    json_array_append_new(list, json_pack("{s:o,s:I,s:o,s:s,s:o,s:s,s:o,s:o,s:I}", "bulletin", json_of_hash(&id), "index",
                                          (json_int_t)db_u64(s, 5), "from", json_of_text(db_text(s, 6)), "node",
                                          papers_name(r, &node, name), "state", json_of_text(db_text(s, 2)), "precedence",
                                          precedence_name((enum precedence)db_u64(s, 3)), "accepted", json_of_time(db_i64(s, 4)),
                                          "due", json_of_time(due), "late_ms", (json_int_t)(now - due)));
  }
  if (!err)
    *ret = json_pack("{s:o,s:O}", "at", json_of_time(now), "overdue", list);
  json_decref(list);
  return err ? err : *ret ? TG_OK : TG_NO_MEMORY;
}
