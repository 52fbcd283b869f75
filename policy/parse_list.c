#include "policy/parse_list.h"

#include "keys/nearest.h"
#include "policy/pattern.h"
#include "policy/refusal.h"

#include <stdio.h>
#include <string.h>

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

bool parse_too_many(struct parser *x, struct slice word, const char *what)
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
           reader_error(
               &x->r, word, N_("'%1$s' is not a topic pattern"),
               N_("write labels of small letters, digits and hyphens joined by dots; * stands for one label, "
                  "** for any number"),
               shown(word, text), NULL);
  if (d->rule.patterns.n == POLICY_PATTERNS_MAX)
    return parse_too_many(x, word, N_("there are more topic patterns than one rule may have"));
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

bool parse_is_level(struct slice word)
{
  for (uint8_t i = LEVEL_UNCLASSIFIED; i <= LEVEL_TOP_SECRET; i++)
    if (slice_is(word, level_name(i)))
      return true;
  return false;
}

bool parse_what(struct parser *x, struct draft *d)
{
  bool good = true;
  d->rule.patterns.from = (uint32_t)x->p->n_rule_patterns;
  if (parse_is_level(reader_peek(&x->r)))
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
    reader_error(&x->r, reader_peek(&x->r), N_("here topics must stand"), N_("write ** for all topics"), NULL,
                 NULL);
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

bool parse_bad_name(struct parser *x, struct slice word)
{
  struct nearest nearest = nearest_to(word);
  struct holder holder;
  char text[128];
  if (parse_foreign_letter(x, word))
    return false;
  if (memchr(word.p, ',', word.n) || memchr(word.p, ';', word.n))
    return reader_error(&x->r, word, N_("'%1$s' is no member and no bloc"),
                        N_("between names stands a space, and nothing else: SN NG"), shown(word, text), NULL);
  if (!holder_parse(word, &holder) && !holder.agency[0]) {
    for (size_t i = 0; x->world && i < x->world->member_count && parse_may_suggest(x); i++)
      nearest_try(&nearest, x->world->members[i].code.code);
    if (nearest.best)
      return reader_error(&x->r, word, REFUSAL_NO_MEMBER,
                          REFUSAL_NEAR_MEMBER, shown(word, text), nearest.best);
    return reader_error(&x->r, word, REFUSAL_NO_MEMBER,
                        REFUSAL_REMOVE_MEMBER, shown(word, text), NULL);
  }
  if (!holder_parse(word, &holder))
    return reader_error(&x->r, word, N_("'%1$s' is an agency; rules speak of members and blocs"),
                        N_("write the member, %2$s"), shown(word, text), holder.member.code);
  if (parse_may_suggest(x))
    suggest_name(x, word, &nearest);
  if (nearest.best)
    return reader_error(&x->r, word, N_("'%1$s' is no member and no bloc"), N_("did you mean %2$s?"),
                        shown(word, text), nearest.best);
  return reader_error(&x->r, word, N_("'%1$s' is no member and no bloc"),
                      N_("write country codes as ML, blocs as ECOWAS, or * for everyone"), shown(word, text),
                      NULL);
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
    return parse_bad_name(x, word);
  if (list->n == POLICY_NAMES_MAX)
    return parse_too_many(x, word, N_("there are more names than one list may have"));
  if (!room_for(&p->name, &p->cap_names, p->n_names, sizeof *p->name))
    return out_of_memory(x);
  p->name[p->n_names++] = name;
  list->n++;
  return true;
}

bool parse_names(struct parser *x, struct draft *d, struct span *list)
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

bool parse_agency_known(struct parser *x, struct slice word, const struct holder *h)
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
           reader_error(&x->r, word, N_("'%1$s' is not the name of an agency"),
                        N_("write member and agency, as ML/dgse"), shown(word, text), NULL);
  if (own && !country_eq(h.member, p->member))
    return reader_error(&x->r, word, N_("%1$s sends nothing for %2$s"),
                        N_("this rule is about what your own agencies send"), shown(word, text),
                        p->member.code);
  if (x->world && !parse_agency_known(x, word, &h))
    return false;
  int known = policy_agency(p, h.member, slice_str(h.agency));
  if (known < 0 && p->n_agencies == POLICY_AGENCIES_MAX)
    return parse_too_many(x, word, N_("there are more different agencies than one policy may name"));
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

bool parse_agencies(struct parser *x, struct draft *d)
{
  bool good = true;
  d->rule.agencies.from = (uint32_t)x->p->n_rule_agencies;
  while (reader_peek(&x->r).n && !is_clause(d, reader_peek(&x->r)) && !x->err)
    good = add_agency(x, d, reader_take(&x->r)) && good;
  d->in_list = !good;
  if (!d->rule.agencies.n && good)
    return reader_error(&x->r, reader_peek(&x->r), N_("here an agency must stand"), N_("write it as ML/dgse"),
                        NULL, NULL);
  return good;
}

static bool ever_bloc(const struct policy_world *w, struct slice name)
{
  bool ever = false;
  for (size_t i = 0; !ever && i < w->bloc_count; i++)
    ever = slice_is(name, w->blocs[i].name);
  return ever;
}

bool parse_names_known(struct parser *x, const struct draft *d, struct span list)
{
  bool good = true;
  for (uint32_t i = 0; i < list.n; i++) {
    const struct rule_name *n = &x->p->name[list.from + i];
    struct country country;
    struct memberset members;
    char text[128];
    if (n->kind == NAME_MEMBER && d->form->kind != RULE_TRANSIT_DENY && !country_parse(n->text, &country) &&
        policy_world_member(x->world, country) < 0)
      good = parse_bad_name(x, n->text);
    if (n->kind == NAME_BLOC &&
        !policy_world_bloc(x->world, n->text, d->rule.as_of ? d->rule.as_of : x->world->at, &members))
      good = ever_bloc(x->world, n->text)
                 ? reader_error(&x->r, n->text, N_("there is no bloc %1$s at the time this rule reads it"),
                                N_("choose another date after 'as-of', or another bloc"),
                                shown(n->text, text), NULL)
                 : parse_bad_name(x, n->text);
  }
  return good;
}
