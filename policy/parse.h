/* What the files of the parser share: parse.c (lines, the head), parse_rule.c and parse_list.c (rules), parse_value.c (single values). */
#ifndef TOGUNA_POLICY_PARSE_H
#define TOGUNA_POLICY_PARSE_H

#include "policy/lex.h"
#include "policy/rule.h"

struct nearest;

struct parser {
  struct reader r;
  struct policy *p;
  const struct policy_world *world; /* NULL: only shapes are checked */
  enum tg_err err;                  /* TG_NO_MEMORY: give up */
  size_t n_pins, n_windows, suggestions;
  tg_time window[POLICY_WINDOWS_MAX];
};

/* Is this the first word of a rule? */
bool parse_is_rule(struct slice first);
/* Offers every first word of a rule to a search. */
void parse_rule_words(struct nearest *n);
/* Reads the line in r as a rule and appends it to the policy. False: reported, or out of memory (parser.err). */
bool parse_rule(struct parser *x);

/* Each reads the next word as a value. False: reported. */
bool parse_country(struct parser *x, struct country *ret);
bool parse_number(struct parser *x, uint64_t max, uint64_t *ret);
bool parse_level(struct parser *x, uint8_t *ret);
bool parse_tlp(struct parser *x, uint8_t *ret);
bool parse_size(struct parser *x, uint64_t *ret, struct slice *ret_text);
bool parse_duration(struct parser *x, tg_time *ret, struct slice *ret_text);
/* A date or time. For a date the moment it begins, *ret_length how long it lasts: a day, or for a time one millisecond. */
bool parse_time(struct parser *x, tg_time *ret, tg_time *ret_length, struct slice *ret_text);
/* Nothing may follow on the line. */
bool parse_end(struct parser *x);
/* "'word' is not one of...": an error at `word` that offers the nearest of n words, if one is near. */
bool parse_unknown(struct parser *x, struct slice word, const char *what, const char *const *words, size_t n,
                   const char *todo);
/* Is there still time to look for the nearest word? A search costs a thousand times what reading the word did; only as many are
   made as problems can be shown. */
bool parse_may_suggest(struct parser *x);
/* Does the word hold a letter of another alphabet? Then says so and returns true. */
bool parse_foreign_letter(struct parser *x, struct slice word);

#endif
