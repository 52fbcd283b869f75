#include "policy/parse.h"

#include "keys/nearest.h"
#include "policy/pattern.h"

#include <stdio.h>
#include <string.h>

/* --- the forms of rules --- */

enum clause {
  CLAUSE_FOR = 1,
  CLAUSE_NAMES = 2,
  CLAUSE_EXCEPT = 4,
  CLAUSE_AS_OF = 8,
  CLAUSE_UP_TO = 16,
  CLAUSE_TLP = 32,
  CLAUSE_SIZE = 64,
  CLAUSE_WHEN = 128,
  CLAUSE_FROM = 256,
  CLAUSE_UNTIL = 512,

  LISTS = CLAUSE_NAMES | CLAUSE_EXCEPT | CLAUSE_AS_OF,
  TIMES = CLAUSE_FROM | CLAUSE_UNTIL,
  PERMIT = CLAUSE_UP_TO | CLAUSE_TLP | CLAUSE_WHEN | TIMES,
  RESTRICT = CLAUSE_TLP | CLAUSE_WHEN | TIMES,
};

static bool after_approvals(struct parser *x, struct rule *r);
static bool after_retain(struct parser *x, struct rule *r);
static bool after_label(struct parser *x, struct rule *r);

enum { WORDS = 3 };

/* One row per kind of rule. `direct`: topics or levels follow the keywords at once; else after `for`. `names`: the word before
   the list of members. `may`, `must`: which clauses can and have to stand. */
static const struct form {
  const char *word[WORDS];
  enum rule_kind kind;
  bool direct;
  const char *names;
  unsigned may, must;
  bool (*after)(struct parser *x, struct rule *r); /* what only this kind says, right after its words; or NULL */
} forms[] = {
    {{"export", "allow"}, RULE_EXPORT_ALLOW, true, "to", LISTS | PERMIT | CLAUSE_SIZE, CLAUSE_NAMES, NULL},
    {{"export", "deny"}, RULE_EXPORT_DENY, true, "to", LISTS | RESTRICT, CLAUSE_NAMES, NULL},
    {{"export", "require", "approvals"}, RULE_APPROVALS, false, "to", CLAUSE_FOR | LISTS | RESTRICT, CLAUSE_FOR,
     after_approvals},
    {{"export", "require", "orcon"}, RULE_ORCON, false, "to", CLAUSE_FOR | LISTS | RESTRICT, CLAUSE_FOR, NULL},
    {{"export", "retain"}, RULE_RETAIN, false, NULL, CLAUSE_FOR | RESTRICT, CLAUSE_FOR, after_retain},
    {{"transit", "deny"}, RULE_TRANSIT_DENY, false, "hub-in", CLAUSE_FOR | LISTS | RESTRICT, CLAUSE_FOR | CLAUSE_NAMES,
     NULL},
    {{"import", "allow"}, RULE_IMPORT_ALLOW, true, "from", LISTS | PERMIT | CLAUSE_SIZE, CLAUSE_NAMES, NULL},
    {{"import", "deny"}, RULE_IMPORT_DENY, true, "from", LISTS | RESTRICT, CLAUSE_NAMES, NULL},
    {{"onward", "ask"}, RULE_ONWARD_ASK, false, "to", CLAUSE_FOR | LISTS | PERMIT, CLAUSE_FOR, NULL},
    {{"onward", "allow"}, RULE_ONWARD_ALLOW, true, "to", LISTS | PERMIT, CLAUSE_NAMES, NULL},
    {{"label"}, RULE_LABEL, false, NULL, 0, 0, after_label},
    {{"pin", "never"}, RULE_PIN, true, "to", LISTS | CLAUSE_TLP | CLAUSE_WHEN, CLAUSE_NAMES, NULL},
};

enum { FORMS = sizeof forms / sizeof *forms };

/* A rule on its way in, with its lists still apart from those of the policy. */
struct draft {
  const struct form *form;
  struct rule rule;
  unsigned seen;
  bool stopped; /* after a mistake that leaves the rest of the line without meaning */
  bool in_list; /* the last mistake was an element of a list: the rest of the line can be read */
};

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
  for (size_t depth = 1; n && depth < WORDS && candidates[0]->word[depth]; depth++) {
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
        reader_error(&x->r, word, N_("the line ends too early"), N_("the page on policies shows each kind of rule"),
                     NULL, NULL);
      return NULL;
    }
    n = kept;
  }
  return candidates[0];
}

/* --- lists --- */

/* Words that end a list, and so are never patterns. */
static const char *const clause_words[] = {"for",  "except", "as-of", "up-to",  "tlp", "max-size", "when",
                                           "from", "until",  "to",    "hub-in", "at",  "and",      "above"};

enum { WORDS_OF_CLAUSES = sizeof clause_words / sizeof *clause_words };

static bool is_clause(const struct draft *d, struct slice word)
{
  bool is = d->form->names && slice_is(word, d->form->names);
  for (size_t i = 0; !is && i < WORDS_OF_CLAUSES; i++)
    is = slice_is(word, clause_words[i]);
  return is;
}

static bool out_of_memory(struct parser *x)
{
  x->err = TG_NO_MEMORY;
  return false;
}

static bool too_many(struct parser *x, struct slice word, const char *what)
{
  x->r.code = TG_TOO_BIG;
  return reader_error(&x->r, word, what, N_("split the rule: several short rules say the same"), NULL, NULL);
}

static bool add_pattern(struct parser *x, struct draft *d, struct slice word)
{
  struct policy *p = x->p;
  char text[128];
  if (!pattern_valid(word))
    return !parse_foreign_letter(x, word) &&
           reader_error(&x->r, word, N_("'%1$s' is not a topic pattern"),
                        N_("write labels of small letters, digits and hyphens joined by dots; * stands for one label, "
                           "** for any number"),
                        shown(word, text), NULL);
  if (d->rule.patterns.n == POLICY_PATTERNS_MAX)
    return too_many(x, word, N_("there are more topic patterns than one rule may have"));
  if (!room_for(&p->pattern, &p->cap_patterns, p->n_patterns, sizeof *p->pattern) ||
      !room_for(&p->rule_pattern, &p->cap_rule_patterns, p->n_rule_patterns, sizeof *p->rule_pattern))
    return out_of_memory(x);
  p->rule_pattern[p->n_rule_patterns++] = (uint32_t)p->n_patterns;
  p->pattern[p->n_patterns++] = word;
  d->rule.patterns.n++;
  return true;
}

/* Nothing more can be told apart on this line. */
static bool stop(struct draft *d)
{
  d->stopped = true;
  return false;
}

/* "SECRET and above". */
static bool read_lowest_level(struct parser *x, struct draft *d)
{
  struct slice word = reader_peek(&x->r);
  char text[128];
  if (!parse_level(x, &d->rule.level))
    return false;
  if (rule_permits(d->form->kind))
    return reader_error(&x->r, word, N_("a rule that permits covers all levels up to one"),
                        N_("write the topics here and 'up-to %1$s' at the end"), shown(word, text), NULL);
  if (!reader_takes(&x->r, "and") || !reader_takes(&x->r, "above"))
    return reader_error(&x->r, reader_peek(&x->r), N_("a rule that forbids covers a level and all above it"),
                        N_("write '%1$s and above'"), shown(word, text), NULL);
  d->rule.level_stated = true;
  return true;
}

static bool is_level(struct slice word)
{
  for (uint8_t i = LEVEL_UNCLASSIFIED; i <= LEVEL_TOP_SECRET; i++)
    if (slice_is(word, level_name(i)))
      return true;
  return false;
}

/* Topics, or "LEVEL and above", or "topics at LEVEL and above". */
static bool read_what(struct parser *x, struct draft *d)
{
  bool good = true;
  d->rule.patterns.from = (uint32_t)x->p->n_rule_patterns;
  if (is_level(reader_peek(&x->r)))
    return read_lowest_level(x, d) || stop(d);
  while (reader_peek(&x->r).n && !is_clause(d, reader_peek(&x->r)) && !x->err)
    good = add_pattern(x, d, reader_take(&x->r)) && good;
  d->in_list = !good;
  if (slice_is(reader_peek(&x->r), "and")) {
    reader_error(&x->r, reader_peek(&x->r), N_("before 'and above' a level must stand, in capitals"),
                 N_("write it as 'SECRET and above'"), NULL, NULL);
    return stop(d);
  }
  if (!d->rule.patterns.n && good && !(d->form->direct && slice_is(reader_peek(&x->r), "for"))) {
    reader_error(&x->r, reader_peek(&x->r), N_("here topics must stand"), N_("write ** for all topics"), NULL, NULL);
    return stop(d);
  }
  if (reader_takes(&x->r, "at"))
    return (read_lowest_level(x, d) || stop(d)) && good;
  return good;
}

/* A member or bloc, then any country, then a word of the language that got into the list. */
static void suggest_name(const struct parser *x, struct slice word, struct nearest *nearest)
{
  for (size_t i = 0; x->world && i < x->world->member_count; i++)
    nearest_try(nearest, x->world->members[i].code.code);
  for (size_t i = 0; x->world && i < x->world->bloc_count; i++)
    nearest_try(nearest, x->world->blocs[i].name);
  nearest->best = nearest->best ? nearest->best : country_nearest(word);
  for (size_t i = 0; !nearest->best && i < WORDS_OF_CLAUSES; i++)
    nearest_try(nearest, clause_words[i]);
}

static bool bad_name(struct parser *x, struct slice word)
{
  struct nearest nearest = nearest_to(word);
  struct holder holder;
  char text[128];
  if (parse_foreign_letter(x, word))
    return false;
  if (!holder_parse(word, &holder) && !holder.agency[0])
    return reader_error(&x->r, word, N_("%1$s is no member of this exchange"), N_("remove it, or change the charter first"),
                        shown(word, text), NULL);
  if (!holder_parse(word, &holder))
    return reader_error(&x->r, word, N_("'%1$s' is an agency; rules speak of members and blocs"),
                        N_("write the member, %2$s"), shown(word, text), holder.member.code);
  if (parse_may_suggest(x))
    suggest_name(x, word, &nearest);
  if (nearest.best)
    return reader_error(&x->r, word, N_("'%1$s' is no member and no bloc"), N_("did you mean %2$s?"), shown(word, text),
                        nearest.best);
  return reader_error(&x->r, word, N_("'%1$s' is no member and no bloc"),
                      N_("write country codes as ML, blocs as ECOWAS, or * for everyone"), shown(word, text), NULL);
}

static bool add_name(struct parser *x, struct span *list, struct slice word)
{
  struct policy *p = x->p;
  struct country country;
  struct rule_name name = {.text = word, .kind = NAME_EVERYONE};
  if (!country_parse(word, &country))
    name.kind = NAME_MEMBER;
  else if (bloc_name_valid(word))
    name.kind = NAME_BLOC;
  else if (!slice_is(word, "*"))
    return bad_name(x, word);
  if (list->n == POLICY_NAMES_MAX)
    return too_many(x, word, N_("there are more names than one list may have"));
  if (!room_for(&p->name, &p->cap_names, p->n_names, sizeof *p->name))
    return out_of_memory(x);
  p->name[p->n_names++] = name;
  list->n++;
  return true;
}

static bool read_names(struct parser *x, struct draft *d, struct span *list)
{
  bool good = true;
  list->from = (uint32_t)x->p->n_names;
  while (reader_peek(&x->r).n && !is_clause(d, reader_peek(&x->r)) && !x->err)
    good = add_name(x, list, reader_take(&x->r)) && good;
  d->in_list = !good;
  if (!list->n && good)
    return reader_error(&x->r, reader_peek(&x->r), N_("here members or blocs must stand"),
                        N_("write country codes as ML, blocs as ECOWAS, or * for everyone"), NULL, NULL);
  return good;
}

/* Is this agency known in the world? Offers the nearest of its member. */
static bool check_agency(struct parser *x, struct slice word, const struct holder *h)
{
  char names[2][HOLDER_MAX + 1], text[128];
  struct nearest nearest = nearest_to(word);
  int member = policy_world_member(x->world, h->member);
  bool suggest = x->suggestions < 2 * PROBLEMS_MAX;
  for (size_t i = 0, k = 0; i < x->world->agency_count; i++) {
    const struct policy_agency *a = &x->world->agencies[i];
    if ((int)a->member != member)
      continue;
    snprintf(names[k], sizeof names[k], "%s/%s", h->member.code, a->name);
    if (slice_is(word, names[k]))
      return true;
    if (suggest)
      nearest_try(&nearest, names[k]);
    k = nearest.best == names[k] ? !k : k; /* the best so far stays where it is */
  }
  x->suggestions++;
  if (nearest.best)
    return reader_error(&x->r, word, N_("%1$s is no agency of this exchange"), N_("did you mean %2$s?"),
                        shown(word, text), nearest.best);
  return reader_error(&x->r, word, N_("%1$s is no agency of this exchange"),
                      N_("its credential must be published first"), shown(word, text), NULL);
}

static bool add_agency(struct parser *x, struct draft *d, struct slice word)
{
  struct policy *p = x->p;
  struct holder h;
  char text[128];
  bool own = d->form->kind != RULE_IMPORT_ALLOW && d->form->kind != RULE_IMPORT_DENY;
  if (holder_parse(word, &h) || !h.agency[0] || h.node[0])
    return !parse_foreign_letter(x, word) &&
           reader_error(&x->r, word, N_("'%1$s' is not the name of an agency"), N_("write member and agency, as ML/dgse"),
                        shown(word, text), NULL);
  if (own && !country_eq(h.member, p->member))
    return reader_error(&x->r, word, N_("%1$s sends nothing for %2$s"),
                        N_("this rule is about what your own agencies send"), shown(word, text), p->member.code);
  if (x->world && !check_agency(x, word, &h))
    return false;
  int known = policy_agency(p, h.member, slice_str(h.agency));
  if (known < 0 && p->n_agencies == POLICY_AGENCIES_MAX)
    return too_many(x, word, N_("there are more different agencies than one policy may name"));
  if (!room_for(&p->rule_agency, &p->cap_rule_agencies, p->n_rule_agencies, sizeof *p->rule_agency))
    return out_of_memory(x);
  if (known < 0) {
    known = (int)p->n_agencies++;
    p->agency[known].member = h.member;
    memcpy(p->agency[known].name, h.agency, sizeof h.agency);
  }
  p->rule_agency[p->n_rule_agencies++] = (uint8_t)known;
  d->rule.agencies.n++;
  return true;
}

/* --- clauses --- */

static bool clause_names(struct parser *x, struct draft *d)
{
  d->rule.outside = reader_takes(&x->r, "outside");
  return read_names(x, d, &d->rule.names);
}

static bool clause_except(struct parser *x, struct draft *d) { return read_names(x, d, &d->rule.except); }

static bool clause_as_of(struct parser *x, struct draft *d)
{
  tg_time length;
  return parse_time(x, &d->rule.as_of, &length, &d->rule.as_of_text);
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
    return too_many(x, word, N_("there are more different sizes than one policy may name"));
  memmove(p->size + i + 1, p->size + i, (p->n_sizes - i) * sizeof *p->size);
  p->size[i] = d->rule.max_size;
  p->n_sizes++;
  return true;
}

static bool clause_when(struct parser *x, struct draft *d)
{
  bool good = true;
  if (!reader_takes(&x->r, "origin") || !reader_takes(&x->r, "agency"))
    return reader_error(&x->r, reader_peek(&x->r), N_("'when' knows one condition: the agency a bulletin comes from"),
                        N_("write 'when origin agency ML/dgse'"), NULL, NULL);
  d->rule.agencies.from = (uint32_t)x->p->n_rule_agencies;
  while (reader_peek(&x->r).n && !is_clause(d, reader_peek(&x->r)) && !x->err)
    good = add_agency(x, d, reader_take(&x->r)) && good;
  d->in_list = !good;
  if (!d->rule.agencies.n && good)
    return reader_error(&x->r, reader_peek(&x->r), N_("here an agency must stand"), N_("write it as ML/dgse"), NULL, NULL);
  return good;
}

/* Counts the different dates of a policy: each is a moment at which everything is compiled anew. */
static bool note_window(struct parser *x, struct slice word, tg_time at)
{
  for (size_t i = 0; i < x->n_windows; i++)
    if (x->window[i] == at)
      return true;
  if (x->n_windows == POLICY_WINDOWS_MAX)
    return too_many(x, word, N_("there are more different dates than one policy may name"));
  x->window[x->n_windows++] = at;
  return true;
}

static bool clause_from(struct parser *x, struct draft *d)
{
  tg_time length;
  return parse_time(x, &d->rule.from, &length, &d->rule.from_text) && note_window(x, d->rule.from_text, d->rule.from);
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
    {"for", CLAUSE_FOR, read_what},       {"except", CLAUSE_EXCEPT, clause_except}, {"as-of", CLAUSE_AS_OF, clause_as_of},
    {"up-to", CLAUSE_UP_TO, clause_up_to}, {"tlp", CLAUSE_TLP, clause_tlp},          {"max-size", CLAUSE_SIZE, clause_size},
    {"when", CLAUSE_WHEN, clause_when},   {"from", CLAUSE_FROM, clause_from},       {"until", CLAUSE_UNTIL, clause_until},
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
  bool topics = (d->form->may & CLAUSE_FOR) && !(d->seen & CLAUSE_FOR) && (pattern_valid(word) || is_level(word));
  return parse_unknown(x, word, N_("'%1$s' cannot stand here"), words, n,
                       topics ? N_("write 'for' before topics and levels") : N_("remove it, or begin a new line"));
}

static bool misplaced_clause(struct parser *x, const struct draft *d, struct slice word, enum clause bit)
{
  char text[128];
  if (bit == CLAUSE_UP_TO)
    return reader_error(&x->r, word, N_("a rule that forbids covers a level and all above it, not 'up-to'"),
                        N_("write the level before the members, as 'at SECRET and above'"), NULL, NULL);
  if (bit == CLAUSE_FOR && d->form->direct)
    return reader_error(&x->r, word, N_("this rule names its topics without 'for'"), N_("remove the word"), NULL, NULL);
  return reader_error(&x->r, word, N_("'%1$s' has no meaning in this kind of rule"), N_("remove it"), shown(word, text),
                      NULL);
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
  return reader_error(&x->r, reader_peek(&x->r), N_("approvals are given by officers with the role 'release'"),
                      N_("write 'approvals 2 by release for ...'"), NULL, NULL);
}

static bool after_retain(struct parser *x, struct rule *r) { return parse_duration(x, &r->retain, &r->retain_text); }

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
    return reader_error(&x->r, word, N_("here a national label must stand, in quotation marks, of at most 64 bytes"),
                        N_("write it as label \"SECRET-DEFENSE\" is SECRET"), NULL, NULL);
  r->label = slice_of(word.p + 1, word.n - 2);
  if (policy_label_level(x->p, r->label))
    return reader_error(&x->r, word, N_("this label stands here a second time"), N_("keep one of the two lines"), NULL,
                        NULL);
  if (x->p->n_labels == POLICY_LABELS_MAX)
    return too_many(x, word, N_("there are more labels than one policy may name"));
  if (!reader_takes(&x->r, "is"))
    return reader_error(&x->r, reader_peek(&x->r), N_("here 'is' must stand"),
                        N_("write it as label \"SECRET-DEFENSE\" is SECRET"), NULL, NULL);
  if (!parse_level(x, &r->level))
    return false;
  add_label(x->p, r);
  return true;
}

/* --- the whole rule --- */

static bool ever_bloc(const struct policy_world *w, struct slice name)
{
  bool ever = false;
  for (size_t i = 0; !ever && i < w->bloc_count; i++)
    ever = slice_is(name, w->blocs[i].name);
  return ever;
}

/* Are the names of a list known? hub-in names host countries, which need not be members. */
static bool check_names(struct parser *x, const struct draft *d, struct span list)
{
  bool good = true;
  for (uint32_t i = 0; i < list.n; i++) {
    const struct rule_name *n = &x->p->name[list.from + i];
    struct country country;
    struct memberset members;
    char text[128];
    if (n->kind == NAME_MEMBER && d->form->kind != RULE_TRANSIT_DENY && !country_parse(n->text, &country) &&
        policy_world_member(x->world, country) < 0)
      good = bad_name(x, n->text);
    if (n->kind == NAME_BLOC && !policy_world_bloc(x->world, n->text, d->rule.as_of ? d->rule.as_of : x->world->at, &members))
      good = ever_bloc(x->world, n->text)
                 ? reader_error(&x->r, n->text, N_("there is no bloc %1$s at the time this rule reads it"),
                                N_("choose another date after 'as-of', or another bloc"), shown(n->text, text), NULL)
                 : bad_name(x, n->text);
  }
  return good;
}

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
    return too_many(x, end, N_("there are more pins than one policy may have"));
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
  bool good = !d.form->direct || read_what(x, &d);
  for (bool on = good || d.in_list; on && !x->err && !d.stopped && reader_peek(&x->r).n;) {
    d.in_list = false;
    bool read = d.form->may ? read_clause(x, &d) : parse_end(x);
    good = good && read;
    on = read || d.in_list;
  }
  if (x->world && !x->err) /* also of a line with other mistakes */
    good = check_names(x, &d, d.rule.names) && good;
  if (x->world && !x->err)
    good = check_names(x, &d, d.rule.except) && good;
  if (x->err || !good || !check_complete(x, &d))
    return false;
  if (!room_for(&p->rule, &p->cap_rules, p->n_rules, sizeof *p->rule))
    return out_of_memory(x);
  p->rule[p->n_rules++] = d.rule;
  return true;
}
