#include "policy/parse_list.h"

#include "keys/nearest.h"
#include "policy/pattern.h"

#include <string.h>

/* --- the forms of rules --- */

static bool after_approvals(struct parser *x, struct rule *r);
static bool after_retain(struct parser *x, struct rule *r);
static bool after_label(struct parser *x, struct rule *r);

/* One row per kind of rule. */
static const struct form forms[] = {
    {{"export", "allow"}, RULE_EXPORT_ALLOW, true, "to", LISTS | PERMIT | CLAUSE_SIZE, CLAUSE_NAMES, NULL},
    {{"export", "deny"}, RULE_EXPORT_DENY, true, "to", LISTS | RESTRICT, CLAUSE_NAMES, NULL},
    {{"export", "require", "approvals"},
     RULE_APPROVALS,
     false,
     "to",
     CLAUSE_FOR | LISTS | RESTRICT,
     CLAUSE_FOR,
     after_approvals},
    {{"export", "require", "orcon"},
     RULE_ORCON,
     false,
     "to",
     CLAUSE_FOR | LISTS | RESTRICT,
     CLAUSE_FOR,
     NULL},
    {{"export", "retain"}, RULE_RETAIN, false, NULL, CLAUSE_FOR | RESTRICT, CLAUSE_FOR, after_retain},
    {{"transit", "deny"},
     RULE_TRANSIT_DENY,
     false,
     "hub-in",
     CLAUSE_FOR | LISTS | RESTRICT,
     CLAUSE_FOR | CLAUSE_NAMES,
     NULL},
    {{"import", "allow"}, RULE_IMPORT_ALLOW, true, "from", LISTS | PERMIT | CLAUSE_SIZE, CLAUSE_NAMES, NULL},
    {{"import", "deny"}, RULE_IMPORT_DENY, true, "from", LISTS | RESTRICT, CLAUSE_NAMES, NULL},
    {{"onward", "ask"}, RULE_ONWARD_ASK, false, "to", CLAUSE_FOR | LISTS | PERMIT, CLAUSE_FOR, NULL},
    {{"onward", "allow"}, RULE_ONWARD_ALLOW, true, "to", LISTS | PERMIT, CLAUSE_NAMES, NULL},
    {{"label"}, RULE_LABEL, false, NULL, 0, 0, after_label},
    {{"pin", "never"}, RULE_PIN, true, "to", LISTS | CLAUSE_TLP | CLAUSE_WHEN, CLAUSE_NAMES, NULL},
};

enum { FORMS = sizeof forms / sizeof *forms };

bool parse_is_rule(struct slice first)
{
  for (size_t i = 0; i < FORMS; i++)
    if (slice_is(first, forms[i].word[0]))
      return true;
  return false;
}

void parse_rule_words(struct nearest *n)
{
  for (size_t i = 0; i < FORMS; i++)
    nearest_try(n, forms[i].word[0]);
}

/* Which form do the words begin? Takes them. */
static const struct form *find_form(struct parser *x)
{
  const struct form *candidates[FORMS];
  size_t n = 0;
  struct slice first = reader_take(&x->r);
  for (size_t i = 0; i < FORMS; i++)
    if (slice_is(first, forms[i].word[0]))
      candidates[n++] = &forms[i];
  for (size_t depth = 1; n && depth < FORM_WORDS && candidates[0]->word[depth]; depth++) {
    const char *words[FORMS];
    size_t kept = 0;
    struct slice word = reader_take(&x->r);
    for (size_t i = 0; i < n; i++)
      words[i] = candidates[i]->word[depth] ? candidates[i]->word[depth] : "";
    for (size_t i = 0; i < n; i++)
      if (slice_is(word, words[i]))
        candidates[kept++] = candidates[i];
    if (!kept) {
      if (word.n)
        parse_unknown(x, word, N_("'%1$s' does not begin a rule here"), words, n,
                      N_("the page on policies shows each kind of rule"));
      else
        reader_error(&x->r, word, N_("the line ends too early"),
                     N_("the page on policies shows each kind of rule"), NULL, NULL);
      return NULL;
    }
    n = kept;
  }
  return candidates[0];
}

/* --- clauses --- */

static bool clause_names(struct parser *x, struct draft *d)
{
  d->rule.outside = reader_takes(&x->r, "outside");
  return parse_names(x, d, &d->rule.names);
}

static bool clause_except(struct parser *x, struct draft *d)
{
  return parse_names(x, d, &d->rule.except);
}

/* 0 stands for "as they are" inside, so the first moment of 1970 is read as the next one. */
static bool clause_as_of(struct parser *x, struct draft *d)
{
  tg_time length;
  if (!parse_time(x, &d->rule.as_of, &length, &d->rule.as_of_text))
    return false;
  d->rule.as_of += d->rule.as_of == 0;
  return true;
}

static bool clause_up_to(struct parser *x, struct draft *d)
{
  d->rule.level_stated = true;
  return parse_level(x, &d->rule.level);
}

static bool clause_tlp(struct parser *x, struct draft *d)
{
  struct slice word = reader_peek(&x->r);
  char text[128];
  d->rule.tlp_stated = true;
  if (!parse_tlp(x, &d->rule.tlp))
    return false;
  bool and_above = reader_takes(&x->r, "and") && reader_takes(&x->r, "above");
  if (rule_permits(d->form->kind) && and_above)
    return reader_error(&x->r, word, N_("a rule that permits covers all TLP colours up to one"),
                        N_("write 'tlp %1$s' alone"), shown(word, text), NULL);
  if (!rule_permits(d->form->kind) && !and_above)
    return reader_error(&x->r, word, N_("a rule that forbids covers a TLP colour and all above it"),
                        N_("write 'tlp %1$s and above'"), shown(word, text), NULL);
  return true;
}

static bool clause_size(struct parser *x, struct draft *d)
{
  struct policy *p = x->p;
  struct slice word = reader_peek(&x->r);
  size_t i = 0;
  if (!parse_size(x, &d->rule.max_size, &d->rule.size_text))
    return false;
  while (i < p->n_sizes && p->size[i] < d->rule.max_size)
    i++;
  if (i < p->n_sizes && p->size[i] == d->rule.max_size)
    return true;
  if (p->n_sizes == POLICY_SIZES_MAX)
    return parse_too_many(x, word, N_("there are more different sizes than one policy may name"));
  memmove(p->size + i + 1, p->size + i, (p->n_sizes - i) * sizeof *p->size);
  p->size[i] = d->rule.max_size;
  p->n_sizes++;
  return true;
}

static bool clause_when(struct parser *x, struct draft *d)
{
  if (!reader_takes(&x->r, "origin") || !reader_takes(&x->r, "agency"))
    return reader_error(&x->r, reader_peek(&x->r),
                        N_("'when' knows one condition: the agency a bulletin comes from"),
                        N_("write 'when origin agency ML/dgse'"), NULL, NULL);
  return parse_agencies(x, d);
}

/* Counts the different dates of a policy: each is a moment at which everything is compiled anew. */
static bool note_window(struct parser *x, struct slice word, tg_time at)
{
  for (size_t i = 0; i < x->n_windows; i++)
    if (x->window[i] == at)
      return true;
  if (x->n_windows == POLICY_WINDOWS_MAX)
    return parse_too_many(x, word, N_("there are more different dates than one policy may name"));
  x->window[x->n_windows++] = at;
  return true;
}

static bool clause_from(struct parser *x, struct draft *d)
{
  tg_time length;
  return parse_time(x, &d->rule.from, &length, &d->rule.from_text) &&
         note_window(x, d->rule.from_text, d->rule.from);
}

/* Up to and with the day or moment. */
static bool clause_until(struct parser *x, struct draft *d)
{
  tg_time last, length;
  if (!parse_time(x, &last, &length, &d->rule.until_text))
    return false;
  d->rule.until = last + length;
  return note_window(x, d->rule.until_text, d->rule.until);
}

static const struct {
  const char *word;
  enum clause bit;
  bool (*read)(struct parser *x, struct draft *d);
} clauses[] = {
    {"for", CLAUSE_FOR, parse_what},       {"except", CLAUSE_EXCEPT, clause_except},
    {"as-of", CLAUSE_AS_OF, clause_as_of}, {"up-to", CLAUSE_UP_TO, clause_up_to},
    {"tlp", CLAUSE_TLP, clause_tlp},       {"max-size", CLAUSE_SIZE, clause_size},
    {"when", CLAUSE_WHEN, clause_when},    {"from", CLAUSE_FROM, clause_from},
    {"until", CLAUSE_UNTIL, clause_until},
};

enum { CLAUSES = sizeof clauses / sizeof *clauses };

/* "from" begins a list of members in imports, and everywhere a date: dates begin with a digit. */
static bool begins_names(const struct parser *x, const struct draft *d, struct slice word)
{
  if (!d->form->names || !slice_is(word, d->form->names))
    return false;
  struct slice next = x->r.at < x->r.n ? x->r.word[x->r.at].text : slice_of(NULL, 0);
  return !slice_is(word, "from") || !next.n || next.p[0] < '0' || next.p[0] > '9';
}

static bool unknown_clause(struct parser *x, const struct draft *d, struct slice word)
{
  const char *words[CLAUSES + 1];
  size_t n = 0;
  for (size_t i = 0; i < CLAUSES; i++)
    if (d->form->may & clauses[i].bit)
      words[n++] = clauses[i].word;
  if (d->form->names)
    words[n++] = d->form->names;
  bool topics =
      (d->form->may & CLAUSE_FOR) && !(d->seen & CLAUSE_FOR) && (pattern_valid(word) || parse_is_level(word));
  return parse_unknown(x, word, N_("'%1$s' cannot stand here"), words, n,
                       topics ? N_("write 'for' before topics and levels")
                              : N_("remove it, or begin a new line"));
}

static bool misplaced_clause(struct parser *x, const struct draft *d, struct slice word, enum clause bit)
{
  char text[128];
  if (bit == CLAUSE_UP_TO)
    return reader_error(&x->r, word, N_("a rule that forbids covers a level and all above it, not 'up-to'"),
                        N_("write the level before the members, as 'at SECRET and above'"), NULL, NULL);
  if (bit == CLAUSE_FOR && d->form->direct)
    return reader_error(&x->r, word, N_("this rule names its topics without 'for'"), N_("remove the word"),
                        NULL, NULL);
  return reader_error(&x->r, word, N_("'%1$s' has no meaning in this kind of rule"), N_("remove it"),
                      shown(word, text), NULL);
}

/* One clause. False ends the line: what follows a mistake cannot be told apart. */
static bool read_clause(struct parser *x, struct draft *d)
{
  struct slice word = reader_take(&x->r);
  enum clause bit = 0;
  bool (*read)(struct parser *, struct draft *) = NULL;
  char text[128];
  for (size_t i = 0; i < CLAUSES; i++)
    if (slice_is(word, clauses[i].word)) {
      bit = clauses[i].bit;
      read = clauses[i].read;
    }
  if (begins_names(x, d, word)) {
    bit = CLAUSE_NAMES;
    read = clause_names;
  }
  if (!read)
    return unknown_clause(x, d, word);
  if (!(d->form->may & bit))
    return misplaced_clause(x, d, word, bit);
  if (d->seen & bit)
    return reader_error(&x->r, word, N_("'%1$s' stands here a second time"), N_("keep one of the two"),
                        shown(word, text), NULL);
  d->seen |= bit;
  return read(x, d);
}

/* --- what only one kind says --- */

static bool after_approvals(struct parser *x, struct rule *r)
{
  uint64_t n;
  if (!parse_number(x, 8, &n))
    return false;
  r->approvals = (uint8_t)n;
  if (reader_takes(&x->r, "by") && reader_takes(&x->r, "release"))
    return true;
  return reader_error(&x->r, reader_peek(&x->r),
                      N_("approvals are given by officers with the role 'release'"),
                      N_("write 'approvals 2 by release for ...'"), NULL, NULL);
}

static bool after_retain(struct parser *x, struct rule *r)
{
  return parse_duration(x, &r->retain, &r->retain_text);
}

static void add_label(struct policy *p, const struct rule *r)
{
  size_t i = policy_label_place(p, r->label);
  memmove(p->label + i + 1, p->label + i, (p->n_labels - i) * sizeof *p->label);
  p->label[i] = (struct rule_label){r->label, r->level};
  p->n_labels++;
}

static bool after_label(struct parser *x, struct rule *r)
{
  enum { LABEL_BYTES = 64 }; /* as in a portion (docs/protocol.md §10) */
  struct slice word = reader_peek(&x->r);
  bool quoted = x->r.at < x->r.n && x->r.word[x->r.at].quoted;
  reader_take(&x->r);
  if (!quoted || word.n < 3 || word.n > LABEL_BYTES + 2)
    return reader_error(&x->r, word,
                        N_("here a national label must stand, in quotation marks, of at most 64 bytes"),
                        N_("write it as label \"SECRET-DEFENSE\" is SECRET"), NULL, NULL);
  r->label = slice_of(word.p + 1, word.n - 2);
  if (policy_label_level(x->p, r->label))
    return reader_error(&x->r, word, N_("this label stands here a second time"),
                        N_("keep one of the two lines"), NULL, NULL);
  if (x->p->n_labels == POLICY_LABELS_MAX)
    return parse_too_many(x, word, N_("there are more labels than one policy may name"));
  if (!reader_takes(&x->r, "is"))
    return reader_error(&x->r, reader_peek(&x->r), N_("here 'is' must stand"),
                        N_("write it as label \"SECRET-DEFENSE\" is SECRET"), NULL, NULL);
  if (!parse_level(x, &r->level))
    return false;
  add_label(x->p, r);
  return true;
}

/* --- the whole rule --- */

static bool check_complete(struct parser *x, const struct draft *d)
{
  unsigned lacks = d->form->must & ~d->seen;
  struct slice end = slice_of(NULL, 0);
  if (lacks & CLAUSE_FOR)
    return reader_error(&x->r, end, N_("the rule does not say for which topics or levels"),
                        N_("add 'for' and topics; 'for **' means all"), NULL, NULL);
  if (lacks & CLAUSE_NAMES)
    return reader_error(&x->r, end, N_("the rule does not say for which members"),
                        N_("add '%1$s' and members or blocs; * means everyone"), d->form->names, NULL);
  if (d->rule.kind == RULE_PIN && x->n_pins++ == POLICY_PINS_MAX)
    return parse_too_many(x, end, N_("there are more pins than one policy may have"));
  return true;
}

bool parse_rule(struct parser *x)
{
  struct policy *p = x->p;
  struct draft d = {.form = find_form(x)};
  if (!d.form)
    return false;
  bool permits = rule_permits(d.form->kind);
  d.rule = (struct rule){.line = x->r.number,
                         .kind = d.form->kind,
                         .level = permits ? LEVEL_TOP_SECRET : LEVEL_UNCLASSIFIED,
                         .tlp = permits ? TLP_RED : TLP_CLEAR,
                         .max_size = UINT64_MAX,
                         .from = INT64_MIN,
                         .until = INT64_MAX};
  if (d.form->after && !d.form->after(x, &d.rule))
    return false;
  bool good = !d.form->direct || parse_what(x, &d);
  for (bool on = good || d.in_list; on && !x->err && !d.stopped && reader_peek(&x->r).n;) {
    d.in_list = false;
    bool read = d.form->may ? read_clause(x, &d) : parse_end(x);
    good = good && read;
    on = read || d.in_list;
  }
  if (x->world && !x->err) /* also of a line with other mistakes */
    good = parse_names_known(x, &d, d.rule.names) && good;
  if (x->world && !x->err)
    good = parse_names_known(x, &d, d.rule.except) && good;
  if (x->err || !good || !check_complete(x, &d))
    return false;
  if (!room_for(&p->rule, &p->cap_rules, p->n_rules, sizeof *p->rule))
    return x->err = TG_NO_MEMORY, false;
  p->rule[p->n_rules++] = d.rule;
  return true;
}
