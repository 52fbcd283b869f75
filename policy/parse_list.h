/* A rule line while it is read: its form, and the lists in it. parse_rule.c has the forms and clauses, parse_list.c the lists. */
#ifndef TOGUNA_POLICY_PARSE_LIST_H
#define TOGUNA_POLICY_PARSE_LIST_H

#include "policy/parse.h"

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

enum { FORM_WORDS = 3 };

/* One kind of rule. `direct`: topics or levels follow the keywords at once; else after `for`. `names`: the word before the list
   of members. `may`, `must`: which clauses can and have to stand. */
struct form {
  const char *word[FORM_WORDS];
  enum rule_kind kind;
  bool direct;
  const char *names;
  unsigned may, must;
  bool (*after)(struct parser *x, struct rule *r); /* what only this kind says, right after its words; or NULL */
};

/* A rule on its way in; its lists go into the policy at once. */
struct draft {
  const struct form *form;
  struct rule rule;
  unsigned seen;
  bool stopped; /* after a mistake that leaves the rest of the line without meaning */
  bool in_list; /* the last mistake was an element of a list: the rest of the line can be read */
};

/* Each reads a list up to the next clause and appends it to the policy. False: reported; draft says whether the rest of the
   line can still be read. parse_what(): topics, or "LEVEL and above", or "topics at LEVEL and above". */
bool parse_what(struct parser *x, struct draft *d);
bool parse_names(struct parser *x, struct draft *d, struct span *list);
bool parse_agencies(struct parser *x, struct draft *d);
/* Are the names of a list known in the world? hub-in names host countries, which need not be members. */
bool parse_names_known(struct parser *x, const struct draft *d, struct span list);
/* Reports that a limit is passed; TG_TOO_BIG. Returns false. */
bool parse_too_many(struct parser *x, struct slice word, const char *what);
bool parse_is_level(struct slice word);
/* Reports that a word is no member and no bloc, and offers the nearest. Returns false. */
bool parse_bad_name(struct parser *x, struct slice word);
/* Is this agency known in the world? Reports it otherwise, and offers the nearest of its member. */
bool parse_agency_known(struct parser *x, struct slice word, const struct holder *h);

#endif
