#include "policy/policy.h"

#include "keys/document.h"
#include "keys/nearest.h"
#include "policy/parse.h"
#include "policy/lint.h"
#include "policy/pattern.h"

#include <stdlib.h>
#include <string.h>

/* --- the head --- */

static bool head_exchange(struct parser *x)
{
  struct slice name = reader_take(&x->r);
  char text[128];
  return exchange_name_valid(name) ||
         reader_error(&x->r, name, N_("'%1$s' is not the name of an exchange"),
                      N_("use small letters, digits, '-' and '.', as in sahel.example"), shown(name, text),
                      NULL);
}

static bool head_member(struct parser *x)
{
  struct slice word = reader_peek(&x->r);
  char text[128];
  if (!parse_country(x, &x->p->member))
    return false;
  return !x->world || policy_world_member(x->world, x->p->member) >= 0 ||
         reader_error(&x->r, word, N_("%1$s is no member of this exchange"),
                      N_("write the code of the member whose policy this is"), shown(word, text), NULL);
}

static bool head_serial(struct parser *x)
{
  return parse_number(x, INT64_MAX, &x->p->serial);
}

/* A moment, never a day alone: other parties read this line by the grammar of all documents. */
static bool head_time(struct parser *x, tg_time *ret)
{
  tg_time length;
  struct slice word;
  if (!parse_time(x, ret, &length, &word))
    return false;
  return length != TG_DAY || reader_error(&x->r, word, N_("here a moment must stand, not a day"),
                                          N_("write it in UTC, as 2026-12-01T00:00:00Z"), NULL, NULL);
}

static bool head_effective(struct parser *x)
{
  return head_time(x, &x->p->effective);
}
/* 0 stands for "never" inside: who writes that very moment means a policy that is over. */
static bool head_expires(struct parser *x)
{
  if (!head_time(x, &x->p->expires))
    return false;
  x->p->expires += x->p->expires == 0;
  return true;
}

static bool head_language(struct parser *x)
{
  struct slice tag = reader_take(&x->r);
  char text[128];
  bool good = tag.n >= 2 && tag.n < sizeof x->p->language && tag.p[0] != '-' && tag.p[tag.n - 1] != '-';
  for (size_t i = 0; i < tag.n; i++) {
    uint8_t c = tag.p[i] | 0x20;
    good = good && ((c >= 'a' && c <= 'z') || (tag.p[i] >= '0' && tag.p[i] <= '9') || tag.p[i] == '-');
  }
  if (!good)
    return reader_error(&x->r, tag, N_("'%1$s' is not a language"), N_("write its tag, as fr or en"),
                        shown(tag, text), NULL);
  memcpy(x->p->language, tag.p, tag.n);
  return true;
}

static bool head_visibility(struct parser *x)
{
  static const char *const words[] = {"members", "hub"};
  struct slice word = reader_take(&x->r);
  x->p->visibility = slice_is(word, "hub") ? POLICY_FOR_HUB : POLICY_FOR_MEMBERS;
  return slice_is(word, "hub") || slice_is(word, "members") ||
         parse_unknown(x, word, N_("'%1$s' does not say who may read this policy"), words, 2,
                       N_("write 'members' or 'hub'"));
}

static const struct head {
  const char *keyword;
  bool needed;
  bool (*read)(struct parser *x);
} heads[] = {
    {"exchange", false, head_exchange},     {"member", true, head_member},
    {"serial", true, head_serial},          {"effective", true, head_effective},
    {"expires", false, head_expires},       {"language", false, head_language},
    {"visibility", false, head_visibility},
};

enum { HEADS = sizeof heads / sizeof *heads };

static size_t head_of(struct slice keyword)
{
  size_t i = 0;
  while (i < HEADS && !slice_is(keyword, heads[i].keyword))
    i++;
  return i;
}

static bool unknown_keyword(struct parser *x, struct slice word)
{
  struct nearest nearest = nearest_to(word);
  char text[128];
  if (parse_foreign_letter(x, word))
    return false;
  bool suggest = parse_may_suggest(x);
  for (size_t i = 0; suggest && i < HEADS; i++)
    nearest_try(&nearest, heads[i].keyword);
  if (suggest)
    parse_rule_words(&nearest);
  if (nearest.best)
    return reader_error(&x->r, word, N_("unknown keyword '%1$s'"), N_("did you mean '%2$s'?"),
                        shown(word, text), nearest.best);
  return reader_error(
      &x->r, word, N_("unknown keyword '%1$s'"),
      N_("a line begins with export, import, transit, onward, label, pin, or a word of the head"),
      shown(word, text), NULL);
}

/* --- lines --- */

/* Splits line `number`; false when it holds nothing to read, or nothing that can be read. */
static bool open_line(struct parser *x, uint32_t number)
{
  struct slice line = x->p->line[number - 1];
  if (line.n > POLICY_LINE_MAX) {
    x->r.line = slice_of(NULL, 0);
    x->r.number = number;
    x->r.code = TG_TOO_BIG;
    return reader_error(&x->r, x->r.line, N_("the line is longer than a line may be"),
                        N_("split the rule: several short rules say the same"), NULL, NULL);
  }
  /* Comments are checked for hidden characters too: what is signed is what is read. */
  return reader_split(&x->r, number, line) && x->r.n;
}

static void read_head(struct parser *x)
{
  uint32_t seen[HEADS] = {0};
  for (uint32_t number = 2; number <= x->p->n_lines; number++) {
    if (!open_line(x, number))
      continue;
    struct slice keyword = reader_take(&x->r);
    size_t i = head_of(keyword);
    if (i == HEADS) {
      if (!parse_is_rule(keyword))
        unknown_keyword(x, keyword);
      continue;
    }
    x->p->line_rule[number - 1] = LINE_HEAD;
    if (seen[i])
      reader_error(&x->r, keyword, N_("'%1$s' stands here a second time"), N_("keep one of the two lines"),
                   heads[i].keyword, NULL);
    else if (heads[i].read(x))
      parse_end(x);
    seen[i] = number;
  }
  x->r.number = 1;
  x->r.line = slice_of(NULL, 0);
  for (size_t i = 0; i < HEADS; i++)
    if (heads[i].needed && !seen[i])
      reader_error(&x->r, x->r.line, N_("the line '%1$s' is missing"), N_("add it"), heads[i].keyword, NULL);
}

static void read_rules(struct parser *x)
{
  struct problems quiet = {0}, *loud = x->r.problems;
  for (uint32_t number = 2; number <= x->p->n_lines && !x->err; number++) {
    /* What cannot be split was reported with the head. */
    x->r.problems = &quiet;
    bool open = x->p->line[number - 1].n <= POLICY_LINE_MAX && open_line(x, number);
    x->r.problems = loud;
    if (!open || !parse_is_rule(reader_peek(&x->r)))
      continue;
    if (x->p->n_rules == POLICY_RULES_MAX) {
      x->r.code = TG_TOO_BIG;
      reader_error(&x->r, x->r.line, N_("there are more rules than a policy may have"),
                   N_("use wider patterns or blocs"), NULL, NULL);
      break;
    }
    if (parse_rule(x))
      x->p->line_rule[number - 1] = (int32_t)x->p->n_rules - 1;
  }
  problems_free(&quiet);
}

/* --- the whole text --- */

static bool split_lines(struct policy *p)
{
  size_t n = 0;
  for (size_t i = 0; i < p->text_n; i++)
    n += p->text[i] == '\n';
  p->line = calloc(n + 2, sizeof *p->line);
  p->line_rule = calloc(n + 2, sizeof *p->line_rule);
  if (!p->line || !p->line_rule)
    return false;
  struct slice rest = slice_of(p->text, p->text_n), line;
  while (take_line(&rest, &line))
    p->line[p->n_lines++] = line;
  if (rest.n)
    p->line[p->n_lines++] = rest;
  for (size_t i = 0; i < p->n_lines; i++)
    p->line_rule[i] = LINE_OTHER;
  return true;
}

static struct policy *policy_new(struct slice text, const char *file)
{
  struct policy *p = calloc(1, sizeof *p);
  if (!p)
    return NULL;
  atomic_init(&p->references, 1);
  p->text = slice_dup(text);
  p->text_n = text.n;
  p->file = slice_dup(slice_str(file));
  p->hash = document_hash(text);
  if (p->text && p->file && split_lines(p))
    return p;
  policy_free(p);
  return NULL;
}

static enum tg_err whole(struct parser *x, enum tg_err err, const char *what, const char *todo, const char *a)
{
  x->r.code = err;
  x->r.number = 1;
  x->r.line = slice_of(NULL, 0);
  reader_error(&x->r, x->r.line, what, todo, a, NULL);
  return err;
}

/* What makes every further word about the text useless. */
static enum tg_err check_whole(struct parser *x, struct slice text)
{
  struct slice rest = text, first = slice_of(NULL, 0);
  char name[128];
  if (text.n > POLICY_TEXT_MAX)
    return whole(x, TG_TOO_BIG, N_("the policy is longer than a policy may be (256 KiB)"),
                 N_("use wider patterns or blocs"), NULL);
  if (!take_line(&rest, &first))
    first = text;
  if (first.n >= 3 && memcmp(first.p, "\xef\xbb\xbf", 3) == 0)
    return whole(x, TG_BAD_INPUT, N_("the file begins with a mark that cannot be seen (byte order mark)"),
                 N_("save the file as UTF-8 without it"), NULL);
  if (first.n && first.p[first.n - 1] == '\r')
    return whole(x, TG_BAD_INPUT, N_("the lines end as on Windows (CR LF)"),
                 N_("save the file with Unix line ends (LF)"), NULL);
  if (!slice_is(first, "toguna/policy v1"))
    return whole(x, TG_UNKNOWN, N_("the first line is '%1$s' where 'toguna/policy v1' must stand"),
                 N_("a newer version needs a newer program"),
                 text_valid(first, NULL) ? shown(first, name) : "?");
  return TG_OK;
}

static int by_bytes(const void *a, const void *b)
{
  return text_order(**(struct slice *const *)a, **(struct slice *const *)b);
}

/* Keeps each pattern once; what rules pointed to becomes its new place. */
static enum tg_err unify_patterns(struct policy *p)
{
  size_t n = p->n_patterns, kept = 0;
  const struct slice **order = calloc(n + 1, sizeof *order);
  struct slice *unique = calloc(n + 1, sizeof *unique);
  uint32_t *renamed = calloc(n + 1, sizeof *renamed);
  if (order && unique && renamed) {
    for (size_t i = 0; i < n; i++)
      order[i] = &p->pattern[i];
    qsort(order, n, sizeof *order, by_bytes);
    for (size_t i = 0; i < n; i++) {
      if (!kept || !slice_eq(unique[kept - 1], *order[i]))
        unique[kept++] = *order[i];
      renamed[order[i] - p->pattern] = (uint32_t)kept - 1;
    }
    for (size_t i = 0; i < p->n_rule_patterns; i++)
      p->rule_pattern[i] = renamed[p->rule_pattern[i]];
  }
  bool done = order && unique && renamed;
  free(order);
  free(renamed);
  if (!done) {
    free(unique);
    return TG_NO_MEMORY;
  }
  free(p->pattern);
  p->pattern = unique;
  p->n_patterns = kept;
  return TG_OK;
}

/* By pattern, the rules that use it. A rule without patterns covers every topic: it is kept in a last,
 * additional place. */
static enum tg_err index_rules(struct policy *p)
{
  size_t n = p->n_patterns + 1;
  uint32_t *from = calloc(n + 2, sizeof *from),
           *rules = calloc(p->n_rule_patterns + p->n_rules + 1, sizeof *rules);
  p->pattern_rules_from = from;
  p->pattern_rules = rules;
  if (!from || !rules)
    return TG_NO_MEMORY;
  for (int pass = 0; pass < 2; pass++) {
    for (uint32_t i = 0; i < p->n_rules; i++) {
      struct span s = p->rule[i].patterns;
      for (uint32_t k = 0; k < (s.n ? s.n : 1); k++) {
        uint32_t pattern = s.n ? p->rule_pattern[s.from + k] : (uint32_t)p->n_patterns;
        if (pass == 0)
          from[pattern + 2]++;
        else
          rules[from[pattern + 1]++] = i;
      }
    }
    for (size_t k = 2; pass == 0 && k < n + 2; k++)
      from[k] += from[k - 1];
  }
  return TG_OK;
}

/* How many different outcomes of a topic, agency, size and marking the tables of this policy would hold. */
static bool too_many_cases(const struct policy *p)
{
  enum { CASES_MAX = 400000 };
  size_t markings = 25, cases = p->classes.count * markings;
  return cases * (p->n_agencies + 1) * (p->n_sizes + 1) > CASES_MAX;
}

static enum tg_err build_machine(struct parser *x)
{
  struct policy *p = x->p;
  enum tg_err err = unify_patterns(p);
  err = err ? err : topics_build(p->pattern, p->n_patterns, &p->topics, &p->class_of, &p->classes);
  err = err ? err : index_rules(p);
  if (err == TG_TOO_BIG || (!err && (too_many_cases(p) || p->classes.count > UINT16_MAX)))
    err = whole(x, TG_TOO_BIG, N_("the wildcards of this policy combine into too many cases"),
                N_("put fewer ** into the middle of patterns, and fewer agencies and sizes into one policy"),
                NULL);
  return err;
}

static void read_text(struct parser *x, struct slice text)
{
  if (x->p->n_lines > POLICY_LINES_MAX) {
    whole(x, TG_TOO_BIG, N_("the policy has more lines than a policy may have"),
          N_("use wider patterns or blocs"), NULL);
    return;
  }
  read_head(x);
  if (text.p[text.n - 1] != '\n') {
    x->r.number = (uint32_t)x->p->n_lines;
    x->r.line = x->p->line[x->p->n_lines - 1];
    reader_error(&x->r, slice_of(NULL, 0), N_("the last line does not end"),
                 N_("end it with a line end; the file may have been cut off"), NULL, NULL);
  }
  read_rules(x);
  if (!x->err && !x->r.problems->errors)
    x->err = build_machine(x);
  if (!x->err && !x->r.problems->errors)
    lint(x);
}

static enum tg_err out_of_memory(const char *file, struct tg_why *why)
{
  return why_set(why, TG_NO_MEMORY, file, N_("out of memory"), NULL, NULL, NULL, NULL);
}

enum tg_err policy_parse(struct slice text, const char *file, const struct policy_world *world,
                         struct policy **ret, struct problems *problems, struct tg_why *why)
{
  struct problems own = {0};
  struct parser *x = calloc(1, sizeof *x);
  file = file ? file : "";
  if (!x)
    return out_of_memory(file, why);
  x->world = world;
  x->r.file = file;
  x->r.problems = problems ? problems : &own;
  if (!check_whole(x, text)) {
    x->p = policy_new(text, file);
    if (x->p)
      read_text(x, text);
    else
      x->err = TG_NO_MEMORY;
  }
  enum tg_err err = x->err == TG_NO_MEMORY ? out_of_memory(file, why) : TG_OK;
  if (!err && x->r.problems->errors) {
    const struct tg_why *first = x->r.problems->n ? &x->r.problems->list[0].why : &x->r.first;
    err = first->err; /* no warnings yet: those come when there are no errors */
    if (why)
      *why = *first;
  }
  if (err)
    policy_free(x->p);
  else
    *ret = x->p;
  problems_free(&own);
  free(x);
  return err;
}
