#include "policy/expectations.h"

#include "policy/parse_list.h"
#include "proto/subject.h"

#include <stdio.h>
#include <stdlib.h>

/* A table on its way in. */
struct reading_table {
  struct parser x; /* its policy is NULL: only values are read with it */
  struct expectations *t;
  struct expectation line;
  bool has_member, wants_to;
};

/* --- clauses --- */

static bool clause_tlp(struct reading_table *r)
{
  return parse_tlp(&r->x, &r->line.tlp);
}

static bool clause_orcon(struct reading_table *r)
{
  r->line.orcon = true;
  return true;
}

static bool clause_label(struct reading_table *r)
{
  struct reader *x = &r->x.r;
  bool quoted = x->at < x->n && x->word[x->at].quoted;
  struct slice word = reader_take(x);
  if (!quoted || word.n < 3)
    return reader_error(x, word, N_("here a national label must stand, in quotation marks"),
                        N_("write it as label \"SECRET-DEFENSE\""), NULL, NULL);
  r->line.label = slice_of(word.p + 1, word.n - 2);
  return true;
}

static bool clause_approvals(struct reading_table *r)
{
  uint64_t n;
  if (!parse_number(&r->x, POLICY_APPROVALS_MAX, &n))
    return false;
  r->line.approvals = (unsigned)n;
  return true;
}

static bool clause_size(struct reading_table *r)
{
  struct slice text;
  return parse_size(&r->x, &r->line.size, &text);
}

static bool clause_from(struct reading_table *r)
{
  struct slice word = reader_take(&r->x.r);
  struct holder h;
  char text[128];
  if (holder_parse(word, &h) || h.node[0])
    return !parse_foreign_letter(&r->x, word) &&
           reader_error(&r->x.r, word, N_("'%1$s' is neither a member nor an agency"),
                        N_("write who sends as ML, or ML/dgse"), shown(word, text), NULL);
  int member = policy_world_member(r->x.world, h.member);
  if (member < 0)
    return parse_bad_name(&r->x, slice_of(word.p, 2));
  if (h.agency[0] && !parse_agency_known(&r->x, word, &h))
    return false;
  r->line.originator = (unsigned)member;
  snprintf(r->line.agency, sizeof r->line.agency, "%s", h.agency);
  return true;
}

static bool clause_through(struct reading_table *r)
{
  return parse_country(&r->x, &r->line.place);
}

static bool clause_on(struct reading_table *r)
{
  struct slice text;
  tg_time length;
  return parse_time(&r->x, &r->line.at, &length, &text);
}

/* "line 9", or the name of a stage. */
static bool clause_because(struct reading_table *r)
{
  const char *names[POLICY_SOURCES + 1] = {"line"};
  uint64_t number;
  if (reader_takes(&r->x.r, "line")) {
    if (!parse_number(&r->x, POLICY_LINES_MAX, &number))
      return false;
    r->line.rule_line = (uint32_t)number;
    return true;
  }
  struct slice word = reader_take(&r->x.r);
  for (unsigned s = POLICY_CHARTER; s <= POLICY_IMPORT; s++) {
    names[s] = policy_stage_name((enum policy_stage)s);
    if (slice_is(word, names[s]) && r->line.permitted)
      return reader_error(&r->x.r, word, N_("a stage refuses, it does not permit"),
                          N_("write the line that permits, as 'because line 9'"), NULL, NULL);
    if (slice_is(word, names[s])) {
      r->line.stage = (enum policy_stage)s;
      return true;
    }
  }
  return parse_unknown(&r->x, word, N_("'%1$s' is no reason"), names, POLICY_IMPORT + 1,
                       N_("write 'line' and its number, or charter, marking, export, obligation, transit or import"));
}

static bool clause_to(struct reading_table *r);

static const struct {
  const char *word;
  bool (*read)(struct reading_table *r);
} clauses[] = {
    {"tlp", clause_tlp},   {"orcon", clause_orcon}, {"label", clause_label},     {"approvals", clause_approvals},
    {"size", clause_size}, {"from", clause_from},   {"to", clause_to},           {"through", clause_through},
    {"on", clause_on},     {"because", clause_because},
};

enum { CLAUSES = sizeof clauses / sizeof *clauses };

static size_t clause_of(struct slice word)
{
  size_t i = 0;
  while (i < CLAUSES && !slice_is(word, clauses[i].word))
    i++;
  return i;
}

/* Members and blocs as they stand in the world, up to the next clause. */
static bool clause_to(struct reading_table *r)
{
  bool good = true;
  size_t n = 0;
  for (; reader_peek(&r->x.r).n && clause_of(reader_peek(&r->x.r)) == CLAUSES; n++) {
    struct slice word = reader_take(&r->x.r);
    struct memberset found = {0};
    struct country country;
    int member = country_parse(word, &country) ? -1 : policy_world_member(r->x.world, country);
    if (member >= 0)
      memberset_add(&found, (unsigned)member);
    else if (slice_is(word, "*"))
      found = policy_world_everyone(r->x.world);
    else if (!policy_world_bloc(r->x.world, word, r->x.world->at, &found))
      good = parse_bad_name(&r->x, word);
    r->line.to = memberset_or(r->line.to, found);
  }
  r->wants_to = false;
  return n ? good
           : reader_error(&r->x.r, reader_peek(&r->x.r), N_("here members or blocs must stand"),
                          N_("write country codes as ML, blocs as ECOWAS, or * for everyone"), NULL, NULL);
}

/* --- one line --- */

static bool read_verdict(struct reading_table *r)
{
  static const char *const words[] = {"permit", "refuse"};
  struct slice word = reader_take(&r->x.r);
  r->line.permitted = slice_is(word, "permit");
  return r->line.permitted || slice_is(word, "refuse") ||
         parse_unknown(&r->x, word, N_("'%1$s' is not what can be expected"), words, 2,
                       N_("write 'expect permit' or 'expect refuse'"));
}

static bool read_topics(struct reading_table *r)
{
  struct reader *x = &r->x.r;
  char text[128];
  while (reader_peek(x).n && !parse_is_level(reader_peek(x)) && clause_of(reader_peek(x)) == CLAUSES) {
    struct slice word = reader_take(x);
    uint8_t level;
    if (!level_parse(word, &level) || (word.p[0] >= 'A' && word.p[0] <= 'Z')) {
      x->at--;
      return parse_level(&r->x, &level); /* meant as a level: says how it is written */
    }
    if (!topic_valid(word))
      return !parse_foreign_letter(&r->x, word) &&
             reader_error(x, word, N_("'%1$s' is not a topic"), N_("write it like alert.attack, without wildcards"),
                          shown(word, text), NULL);
    if (r->line.topic_count == POLICY_TOPICS_MAX)
      return reader_error(x, word, N_("a bulletin has four topics at most"), N_("remove it"), NULL, NULL);
    r->line.topic[r->line.topic_count++] = word;
  }
  return r->line.topic_count || reader_error(x, reader_peek(x), N_("here topics must stand"),
                                             N_("write what the bulletin is about, as alert.attack"), NULL, NULL);
}

static bool read_clauses(struct reading_table *r)
{
  unsigned seen = 0;
  char text[128];
  while (reader_peek(&r->x.r).n) {
    struct slice word = reader_take(&r->x.r);
    size_t i = clause_of(word);
    if (i == CLAUSES) {
      const char *words[CLAUSES];
      for (size_t k = 0; k < CLAUSES; k++)
        words[k] = clauses[k].word;
      return parse_unknown(&r->x, word, N_("'%1$s' cannot stand here"), words, CLAUSES, N_("remove it, or begin a new line"));
    }
    if (seen & 1u << i)
      return reader_error(&r->x.r, word, N_("'%1$s' stands here a second time"), N_("keep one of the two"),
                          shown(word, text), NULL);
    seen |= 1u << i;
    if (!clauses[i].read(r))
      return false;
  }
  return !r->wants_to || reader_error(&r->x.r, slice_of(NULL, 0), N_("the line does not say for whom"),
                                      N_("add 'to' and members or blocs; * means everyone"), NULL, NULL);
}

static bool keep_line(struct reading_table *r)
{
  struct expectations *t = r->t;
  memberset_remove(&r->line.to, r->line.originator);
  if (!memberset_count(&r->line.to))
    return reader_error(&r->x.r, slice_of(NULL, 0), N_("nobody but the sender itself is named"),
                        N_("name those who must, or must not, receive it"), NULL, NULL);
  if (t->n == EXPECTATIONS_MAX) {
    r->x.r.code = TG_TOO_BIG;
    return reader_error(&r->x.r, slice_of(NULL, 0), N_("there are more expectations than one table may have"),
                        N_("split the table"), NULL, NULL);
  }
  if (!room_for(&t->list, &t->capacity, t->n, sizeof *t->list)) {
    r->x.err = TG_NO_MEMORY;
    return false;
  }
  t->list[t->n++] = r->line;
  return true;
}

static bool read_expect(struct reading_table *r)
{
  int member = policy_world_member(r->x.world, r->t->member);
  r->line = (struct expectation){.line = r->x.r.number, .tlp = TLP_CLEAR, .originator = member < 0 ? 0 : (unsigned)member};
  r->wants_to = true;
  return read_verdict(r) && read_topics(r) && parse_level(&r->x, &r->line.level) && read_clauses(r) && keep_line(r);
}

static bool read_member(struct reading_table *r, struct slice keyword)
{
  struct slice word = reader_peek(&r->x.r);
  if (r->has_member)
    return reader_error(&r->x.r, keyword, N_("'%1$s' stands here a second time"), N_("keep one of the two lines"), "member",
                        NULL);
  r->has_member = true;
  if (!parse_country(&r->x, &r->t->member) || !parse_end(&r->x))
    return false;
  return policy_world_member(r->x.world, r->t->member) >= 0 || parse_bad_name(&r->x, word);
}

static bool read_line(struct reading_table *r)
{
  static const char *const words[] = {"expect", "member"};
  struct slice word = reader_take(&r->x.r);
  if (slice_is(word, "member"))
    return read_member(r, word);
  if (!slice_is(word, "expect"))
    return parse_unknown(&r->x, word, N_("unknown keyword '%1$s'"), words, 2, N_("a line begins with member or expect"));
  if (r->has_member)
    return read_expect(r);
  r->has_member = true; /* said once */
  return reader_error(&r->x.r, word, N_("the line '%1$s' must stand first"), N_("write whose policy is asked, as 'member ML'"),
                      "member", NULL);
}

/* --- the whole table --- */

static bool whole(struct reading_table *r, enum tg_err err, const char *what, const char *todo)
{
  r->x.r.code = err;
  r->x.r.number = 1;
  r->x.r.line = slice_of(NULL, 0);
  return reader_error(&r->x.r, r->x.r.line, what, todo, NULL, NULL);
}

static void read_table(struct reading_table *r, struct slice text)
{
  struct slice rest = text, line;
  if (text.n > POLICY_TEXT_MAX) {
    whole(r, TG_TOO_BIG, N_("the table is longer than a table may be (256 KiB)"), N_("split the table"));
    return;
  }
  for (uint32_t number = 1; rest.n && !r->x.err; number++) {
    if (!take_line(&rest, &line)) { /* the last one, which does not end */
      line = rest;
      rest = slice_of(NULL, 0);
    }
    r->x.r.number = number;
    r->x.r.line = slice_of(NULL, 0);
    if (line.n > POLICY_LINE_MAX) {
      r->x.r.code = TG_TOO_BIG;
      reader_error(&r->x.r, r->x.r.line, N_("the line is longer than a line may be"), N_("split the line"), NULL, NULL);
    } else if (reader_split(&r->x.r, number, line) && number > 1 && r->x.r.n) {
      read_line(r);
    } else if (number == 1 && r->x.r.n && !slice_is(line, "toguna/expectations v1")) {
      whole(r, TG_UNKNOWN, N_("the first line is not 'toguna/expectations v1'"), N_("a newer version needs a newer program"));
      return;
    }
  }
}

static struct expectations *table_new(struct slice text, const char *file)
{
  struct expectations *t = calloc(1, sizeof *t);
  if (t && (t->text = slice_dup(text)) && (t->file = slice_dup(slice_str(file))))
    return t;
  expectations_free(t);
  return NULL;
}

enum tg_err expectations_parse(struct slice text, const char *file, const struct policy_world *world,
                               struct expectations **ret, struct problems *problems, struct tg_why *why)
{
  struct problems own = {0};
  struct reading_table *r = calloc(1, sizeof *r);
  if (r)
    r->t = table_new(text, file);
  if (!r || !r->t) {
    free(r);
    return why_set(why, TG_NO_MEMORY, file, N_("out of memory"), NULL, NULL, NULL, NULL);
  }
  r->x.world = world;
  r->x.r.file = r->t->file;
  r->x.r.problems = problems ? problems : &own;
  read_table(r, slice_of(r->t->text, text.n));
  if (!r->x.err && !r->x.r.problems->errors && !r->t->n)
    whole(r, TG_BAD_INPUT, N_("this table expects nothing"), N_("add lines such as 'expect refuse report.x SECRET to *'"));
  enum tg_err err = r->x.err ? why_set(why, r->x.err, file, N_("out of memory"), NULL, NULL, NULL, NULL) : TG_OK;
  if (!err && r->x.r.problems->errors) {
    err = r->x.r.first.err;
    if (why)
      *why = r->x.r.first;
  }
  if (err)
    expectations_free(r->t);
  else
    *ret = r->t;
  problems_free(&own);
  free(r);
  return err;
}

void expectations_free(struct expectations *t)
{
  if (!t)
    return;
  free(t->text);
  free(t->file);
  free(t->list);
  free(t);
}

/* --- asking --- */

/* Is a rule on this line of the table's member one of those that decided? */
static bool is_line(const struct expectations *t, uint32_t line, const struct policy_reason *r)
{
  bool first = r->policy && r->line == line && country_eq(policy_member(r->policy), t->member);
  bool second = r->import_policy && r->import_line == line && country_eq(policy_member(r->import_policy), t->member);
  return first || second;
}

enum tg_err expectation_ask(const struct expectations *t, const struct expectation *e, const struct policy_set *set,
                            struct country hub, tg_time now, unsigned member, bool *ret_met, struct policy_reason *ret)
{
  struct policy_portion portion = {
      .level = e->level, .tlp = e->tlp, .orcon = e->orcon, .label = e->label, .size = e->size, .release = e->to};
  struct country place = e->place.code[0] ? e->place : hub;
  tg_time at = e->at ? e->at : now;
  struct policy_request q = {.originator = e->originator,
                             .agency = slice_str(e->agency[0] ? e->agency : POLICY_AGENCY_OTHER),
                             .suite = policy_set_world_of(set)->suites[0],
                             .time = at,
                             .expires = at + TG_DAY,
                             .topic_count = e->topic_count,
                             .topics = e->topic,
                             .hub_count = 1,
                             .hubs = &place,
                             .approvals = e->approvals,
                             .portion_count = 1,
                             .portions = &portion};
  enum tg_err err = policy_explain(set, &q, 0, member, POLICY_ASKED_BY_ALL, ret);
  if (err != TG_OK)
    return err;
  *ret_met = (ret->stage == POLICY_PERMITTED) == e->permitted && (!e->rule_line || is_line(t, e->rule_line, ret)) &&
             (!e->stage || ret->stage == e->stage);
  return TG_OK;
}
