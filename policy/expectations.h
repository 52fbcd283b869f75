/* An officer's table of expectations, kept beside the policy: bulletins, and who must or must not receive them. GRAMMAR.md
   has its lines. Unlike a policy it is not signed: it decides nothing, it only asks. */
#ifndef TOGUNA_POLICY_EXPECTATIONS_H
#define TOGUNA_POLICY_EXPECTATIONS_H

#include "policy/explain.h"
#include "policy/problem.h"

enum { EXPECTATIONS_MAX = 10000 }; /* lines that expect something */

/* One line: a bulletin of one portion, and what must become of it at each member of `to`. Slices point into the table's text. */
struct expectation {
  uint32_t line;
  bool permitted;
  unsigned originator;        /* member index */
  char agency[LABEL_MAX + 1]; /* "": one that no rule names */
  size_t topic_count;
  struct slice topic[POLICY_TOPICS_MAX];
  uint8_t level, tlp;
  bool orcon;
  struct slice label; /* without quotes; empty: none */
  unsigned approvals;
  uint64_t size;
  struct memberset to;      /* without the originator */
  struct country place;     /* of the hub that it passes; "" not stated */
  tg_time at;               /* 0: when it is asked */
  uint32_t rule_line;       /* of the table's member, which must decide; 0: whichever */
  enum policy_stage stage;  /* which must refuse; POLICY_PERMITTED: whichever */
};

struct expectations {
  char *text, *file; /* copies */
  struct country member;
  size_t n, capacity;
  struct expectation *list; /* in order of lines */
};

/* Reads a whole table; as policy_parse() it finds all errors at once, and a table with one error is none. `world` is never
   NULL; problems and why may be. TG_OK; TG_BAD_INPUT; TG_UNKNOWN: another type or version; TG_TOO_BIG; TG_NO_MEMORY. */
enum tg_err expectations_parse(struct slice text, const char *file, const struct policy_world *world,
                               struct expectations **ret, struct problems *problems, struct tg_why *why);
/* NULL is fine. */
void expectations_free(struct expectations *t);

/* Does the set, at `now` unless the line says a time, do to `member` (of line.to) what the line expects, for the reason that it
   states? *ret is the reason in any case. hub: through whose hub a bulletin goes when the line does not say. TG_OK or
   TG_BAD_INPUT (an agency that no bulletin can come from). */
enum tg_err expectation_ask(const struct expectations *t, const struct expectation *e, const struct policy_set *set,
                            struct country hub, tg_time now, unsigned member, bool *ret_met, struct policy_reason *ret);

#endif
