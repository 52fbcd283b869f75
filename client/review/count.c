/* Counts over many bulletins: who gave whom, what was refused, what is owed. */
#include "client/review/inside.h"

#include "policy/decide.h"

#include <stdlib.h>
#include <string.h>

static tg_time or_ever(tg_time t)
{
  return t ? t : INT64_MAX;
}

/* ---- from whom to whom ---- */

/* By state: 0 is none that is known, then AA to ZZ, so that ascending is as the codes are. */
enum { CODES = 1 + 26 * 26, GIVEN = 0, STORED, SEEN, CONFIRMED, DENIED, COUNTS };

struct pairs {
  uint32_t (*count)[CODES][COUNTS]; /* [from][to] */
  uint64_t denied_of[CODES];        /* the leaf that a state was last counted as denied of, and 1 */
};

static size_t code_at(struct db_stmt *s, int column)
{
  const struct slice t = db_text(s, column);
  if (t.n != 2 || t.p[0] < 'A' || t.p[0] > 'Z' || t.p[1] < 'A' || t.p[1] > 'Z')
    return 0;
  return 1 + (size_t)(t.p[0] - 'A') * 26 + (size_t)(t.p[1] - 'A');
}

static void put_code(size_t at, char out[3])
{
  memset(out, 0, 3);
  if (at) {
    out[0] = (char)('A' + (at - 1) / 26);
    out[1] = (char)('A' + (at - 1) % 26);
  }
}

/* Row by row: to have SQLite group them takes four times as long. */
static enum tg_err count_given(struct review *r, tg_time from, tg_time to, struct pairs *p)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT b.member, g.member, stored > 0, seen > 0, acknowledged > 0 FROM bulletin b CROSS JOIN given g"
                                     " USING(leaf) WHERE b.time >= ?1 AND b.time < ?2");
  bool row;
  enum tg_err err;
  db_bind_i64(s, 1, from);
  db_bind_i64(s, 2, or_ever(to));
  while ((err = db_step(s, &row)) == TG_OK && row) {
    uint32_t *count = p->count[code_at(s, 0)][code_at(s, 1)];
    count[GIVEN]++;
    for (int i = 0; i < 3; i++)
      count[STORED + i] += (uint32_t)db_u64(s, 2 + i);
  }
  return err;
}

/* A bulletin counts once, of however many portions it was. */
static enum tg_err count_denied(struct review *r, tg_time from, tg_time to, struct pairs *p)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT b.member, d.member, d.leaf FROM denied d CROSS JOIN bulletin b USING(leaf)"
                                     " WHERE b.time >= ?1 AND b.time < ?2");
  bool row;
  enum tg_err err;
  db_bind_i64(s, 1, from);
  db_bind_i64(s, 2, or_ever(to));
  while ((err = db_step(s, &row)) == TG_OK && row) {
    const size_t denied = code_at(s, 1);
    const uint64_t leaf = db_u64(s, 2) + 1;
    if (p->denied_of[denied] != leaf)
      p->count[code_at(s, 0)][denied][DENIED]++;
    p->denied_of[denied] = leaf;
  }
  return err;
}

static void list_pairs(const struct pairs *p, bool given, json_t *list)
{
  static const char *const names[COUNTS] = {"given", "stored", "read", "acknowledged", "denied"};
  char a[3], b[3];
  for (size_t from = 0; from < CODES; from++)
    for (size_t to = 0; to < CODES; to++) {
      const uint32_t *count = p->count[from][to];
      if (given ? !count[GIVEN] : count[GIVEN] || !count[DENIED])
        continue;
      put_code(from, a);
      put_code(to, b);
      json_t *j = json_pack("{s:s,s:s}", "from", a, "to", b);
      for (size_t i = 0; i < COUNTS; i++)
        json_object_set_new(j, names[i], json_integer(count[i]));
      json_array_append_new(list, j);
    }
}

static enum tg_err add_state(void *list, const char *word)
{
  return json_array_append_new(list, json_string(word + strlen("state:"))) == 0 ? TG_OK : TG_NO_MEMORY;
}

enum tg_err review_matrix(struct review *r, tg_time from, tg_time to, json_t **ret, struct tg_why *why)
{
  struct pairs *p = calloc(1, sizeof *p);
  json_t *list = json_array(), *states = json_array();
  (void)why;
  if (p)
    p->count = calloc(CODES, sizeof *p->count);
  enum tg_err err = p && p->count ? words_like(r->words, "state:", add_state, states) : TG_NO_MEMORY;
  if (!err)
    err = count_given(r, from, to, p);
  if (!err)
    err = count_denied(r, from, to, p);
  if (!err) {
    list_pairs(p, true, list);
    list_pairs(p, false, list);
    *ret = json_pack("{s:O,s:O}", "states", states, "pairs", list);
  }
  if (p)
    free(p->count);
  free(p);
  json_decref(states);
  json_decref(list);
  return err ? err : *ret ? TG_OK : TG_NO_MEMORY;
}

/* ---- for the first time ---- */

/* Of each pair; leaf: 1 more than the place. */
struct earliest {
  tg_time time;
  uint64_t leaf;
};

/* Row by row, as above. */
static enum tg_err find_firsts(struct review *r, struct earliest (*pair)[CODES])
{
  struct db_stmt *s = db_stmt(r->db, "SELECT b.member, g.member, b.time, b.leaf FROM bulletin b CROSS JOIN given g USING(leaf) WHERE b.member <> g.member");
  bool row;
  enum tg_err err;
  while ((err = db_step(s, &row)) == TG_OK && row) {
    struct earliest *e = &pair[code_at(s, 0)][code_at(s, 1)];
    const tg_time time = db_i64(s, 2);
    const uint64_t leaf = db_u64(s, 3) + 1;
    if (!e->leaf || time < e->time)
      e->time = time;
    if (!e->leaf || leaf < e->leaf)
      e->leaf = leaf;
  }
  return err;
}

/* The latest first, of equal ones by code. */
static int by_time(const void *a, const void *b)
{
  const struct first *x = a, *y = b;
  if (x->time != y->time)
    return x->time < y->time ? 1 : -1;
  const int from = strcmp(x->from, y->from);
  return from ? from : strcmp(x->to, y->to);
}

static enum tg_err list_firsts(struct earliest (*pair)[CODES], tg_time from, tg_time to, struct first **ret, size_t *ret_n)
{
  size_t n = 0, room = 0;
  struct first *list = NULL;
  for (size_t a = 0; a < CODES; a++)
    for (size_t b = 0; b < CODES; b++) {
      const struct earliest *e = &pair[a][b];
      if (!e->leaf || e->time < from || e->time > to)
        continue;
      if (n == room) {
        struct first *grown = realloc(list, (room = room ? 2 * room : 64) * sizeof *list);
        if (!grown)
          return free(list), TG_NO_MEMORY;
        list = grown;
      }
      list[n] = (struct first){.time = e->time, .leaf = e->leaf - 1};
      put_code(a, list[n].from);
      put_code(b, list[n++].to);
    }
  if (n)
    qsort(list, n, sizeof *list, by_time);
  *ret = list;
  *ret_n = n;
  return TG_OK;
}

enum tg_err count_firsts(struct review *r, tg_time from, tg_time to, struct first **ret, size_t *ret_n)
{
  struct earliest(*pair)[CODES] = calloc(CODES, sizeof *pair);
  enum tg_err err = pair ? find_firsts(r, pair) : TG_NO_MEMORY;
  if (!err)
    err = list_firsts(pair, from, to, ret, ret_n);
  free(pair);
  return err;
}

/* ---- when it arrived ---- */

enum tg_err review_given(struct review *r, tg_time from, tg_time to, review_each_given *each, void *arg)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT b.precedence, b.time, g.stored FROM bulletin b CROSS JOIN given g USING(leaf)"
                                     " WHERE b.time >= ?1 AND b.time < ?2 AND b.precedence > 0");
  bool row;
  enum tg_err err;
  db_bind_i64(s, 1, from);
  db_bind_i64(s, 2, or_ever(to));
  while ((err = db_step(s, &row)) == TG_OK && row) {
    err = each(arg, (enum precedence)db_u64(s, 0), db_i64(s, 1), db_i64(s, 2));
    if (err) {
      db_reset(s);
      break;
    }
  }
  return err;
}

/* ---- by which stage ---- */

enum tg_err review_denials(struct review *r, tg_time from, tg_time to, json_t **ret)
{
  /* those that happened last stand first among equals */
  struct db_stmt *s = db_stmt(r->db, "SELECT min(d.stage, 8), count(*) AS n, max(d.leaf) AS last FROM denied d JOIN entry e USING(leaf)"
                                     " WHERE e.time >= ?1 AND e.time < ?2 GROUP BY 1 ORDER BY n DESC, last DESC, min(d.member)");
  json_t *list = json_array();
  bool row;
  enum tg_err err = list ? TG_OK : TG_NO_MEMORY;
  db_bind_i64(s, 1, from);
  db_bind_i64(s, 2, or_ever(to));
  while (!err && (err = db_step(s, &row)) == TG_OK && row) {
    const unsigned stage = (unsigned)db_u64(s, 0);
    json_array_append_new(list, json_pack("{s:s,s:s,s:I}", "stage", policy_stage_name((enum policy_stage)stage), "sentence",
                                          json_stage_sentence(stage), "count", (json_int_t)db_u64(s, 1)));
  }
  if (!err)
    *ret = json_incref(list);
  json_decref(list);
  return err;
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
