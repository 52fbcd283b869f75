/* One policy as its officer wrote and signed it: read, asked, printed back. Unchangeable once parsed. What each line means
   is in GRAMMAR.md. */
#ifndef TOGUNA_POLICY_POLICY_H
#define TOGUNA_POLICY_POLICY_H

#include "policy/problem.h"
#include "policy/world.h"

enum {
  POLICY_TEXT_MAX = 256 * 1024, /* bytes of a policy's text: with its signatures it fits a document */
  POLICY_LINES_MAX = 12000,
  POLICY_RULES_MAX = 10000,
  POLICY_LINE_MAX = 2048,       /* bytes of one line */
  POLICY_PATTERNS_MAX = 32,     /* topic patterns in one rule */
  POLICY_NAMES_MAX = 256,       /* names in one list */
  POLICY_AGENCIES_MAX = 32,     /* different agencies in one policy */
  POLICY_SIZES_MAX = 16,        /* different max-size values in one policy */
  POLICY_LABELS_MAX = 256,      /* label lines */
  POLICY_PINS_MAX = 64,         /* pin lines */
  POLICY_WINDOWS_MAX = 256,     /* different dates in from and until clauses of one policy */
};

struct policy;

enum policy_visibility { POLICY_FOR_MEMBERS, POLICY_FOR_HUB };

/* Reads the signed text of a policy note (note.text; whoever calls has verified the signatures, and that they are those
   of policy officers of policy_member()). `file` names it in problems and explanations ("ml.policy"; copied; NULL: it has no name).
   With a world, members, blocs and agencies must be known in it; with NULL only their shape is checked.
   Finds all errors at once; a policy with one error is no policy at all. problems and why may be NULL; a list given must be
   {0} or freed and is filled with warnings on success too.
   TG_OK; TG_BAD_INPUT (why: the first error); TG_UNKNOWN: another type or version; TG_TOO_BIG: beyond a limit above, or its
   wildcards combine into too many cases; TG_NO_MEMORY. Cost is linear in the text, bounded by the limits. */
enum tg_err policy_parse(struct slice text, const char *file, const struct policy_world *world, struct policy **ret,
                         struct problems *problems, struct tg_why *why);
/* NULL is fine. */
void policy_free(struct policy *p);

struct country policy_member(const struct policy *p);
uint64_t policy_serial(const struct policy *p); /* from 1 */
tg_time policy_effective(const struct policy *p);
tg_time policy_expires(const struct policy *p);   /* 0: never. From then on it permits nothing */
const char *policy_language(const struct policy *p); /* BCP 47, or "" */
enum policy_visibility policy_visibility(const struct policy *p);
const char *policy_file(const struct policy *p);
struct slice policy_text(const struct policy *p); /* as parsed: what was signed */
/* document_hash() of the text. */
struct hash policy_hash(const struct policy *p);
size_t policy_rules(const struct policy *p); /* how many rules, labels and pins */
/* What its rules name, for tools that compare: the i-th different agency, max-size value (ascending) or label, and the level
   that a label stands for. False, and nothing written, past the end. */
bool policy_agency_at(const struct policy *p, size_t i, struct country *ret_member, const char **ret_name);
bool policy_size_at(const struct policy *p, size_t i, uint64_t *ret);
bool policy_label_at(const struct policy *p, size_t i, struct slice *ret_text, uint8_t *ret_level);
/* The level that a label stands for; 0: it is not mapped. */
uint8_t policy_label_level(const struct policy *p, struct slice label);
/* A line of the text, 1-based, without its newline; empty past the end. */
struct slice policy_line(const struct policy *p, unsigned line);

/* Appends the policy in canonical form: one line per line of the original, comments and blank lines kept, clauses in the
   order of GRAMMAR.md, single spaces. Parses to the same policy; printing that gives the same text. */
void policy_print(const struct policy *p, struct buf *out);

#endif
