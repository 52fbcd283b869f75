/* One bulletin described in words, to be asked of policies. */
#ifndef TOGUNA_CLI_QUESTION_H
#define TOGUNA_CLI_QUESTION_H

#include "client/cli/policies.h"
#include "policy/explain.h"

/* As options describe it. */
struct described {
  char *from, *class, *tlp, *label, *hub;
  struct options_list to, except, topics;
  uint64_t approvals, size;
  bool orcon;
};

/* The same in the terms of policy/. The request borrows from the rest, so a question stays where it is. */
struct question {
  struct holder from;
  struct slice topics[POLICY_TOPICS_MAX];
  struct country hub;
  struct policy_portion portion;
  struct policy_request request;
};

/* Is everything there that must be said? TG_USAGE. Before files are read. */
enum tg_err question_complete(const struct described *d, struct tg_why *why);
/* TG_USAGE, TG_BAD_INPUT, TG_NOT_FOUND: a word that means nothing in this exchange. */
enum tg_err question_read(const struct described *d, const struct policies *p, tg_time at, struct question *ret,
                          struct tg_why *why);

/* "export allow alert.** to AES": the line that decided; empty when none did. */
enum { QUESTION_RULE = 256 };
const char *question_rule(const struct policy_reason *r, char out[QUESTION_RULE]);

/* Rows for a table of options: of a structure with a `struct described bulletin`. */
#define QUESTION_ROW(type, name, letter, shape, kind, field, limits, placeholder, help)                                \
  {                                                                                                                    \
    name, letter, shape, kind, offsetof(type, bulletin.field), limits, placeholder, help                               \
  }
#define QUESTION_NO_LIMITS                                                                                             \
  {                                                                                                                    \
    0                                                                                                                  \
  }
#define QUESTION_MANY(type, name, letter, field, placeholder, help)                                                    \
  QUESTION_ROW(type, name, letter, OPTION_MANY, VALUE_TEXT, field, QUESTION_NO_LIMITS, placeholder, help)
#define QUESTION_TEXT(type, name, field, placeholder, help)                                                            \
  QUESTION_ROW(type, name, 0, OPTION_ONE, VALUE_TEXT, field, QUESTION_NO_LIMITS, placeholder, help)
#define QUESTION_OPTIONS(type)                                                                                         \
  QUESTION_TEXT(type, "from", from, N_("COUNTRY/AGENCY"), N_("Who sends.")),                                           \
      QUESTION_MANY(type, "to", 0, to, N_("NAME"), N_("For whom: members, blocs, agencies. May be repeated.")),        \
      QUESTION_MANY(type, "except", 0, except, N_("NAME"),                                                             \
                    N_("Members and blocs that it is not for. May be repeated.")),                                     \
      QUESTION_MANY(type, "topic", 't', topics, N_("TOPIC"), N_("What it is about, one to four times.")),              \
      QUESTION_TEXT(type, "class", class, N_("LEVEL"),                                                                 \
                    N_("UNCLASSIFIED, RESTRICTED, CONFIDENTIAL, SECRET or TOP-SECRET.")),                              \
      QUESTION_TEXT(type, "tlp", tlp, N_("MARK"), N_("clear, green, amber, amber+strict or red.")),                    \
      QUESTION_TEXT(type, "label", label, N_("TEXT"), N_("The national label.")),                                      \
      QUESTION_ROW(type, "orcon", 0, OPTION_FLAG, VALUE_BOOL, orcon, QUESTION_NO_LIMITS, NULL,                         \
                   N_("It carries the caveat ORCON.")),                                                                \
      QUESTION_ROW(type, "approvals", 0, OPTION_ONE, VALUE_NUMBER, approvals, {.max = POLICY_APPROVALS_MAX}, N_("N"),  \
                   N_("So many officers have approved it.")),                                                          \
      QUESTION_ROW(type, "size", 0, OPTION_ONE, VALUE_SIZE, size, {.min = 1}, N_("SIZE"),                              \
                   N_("Of the sealed body, such as 16MiB.")),                                                          \
      QUESTION_TEXT(type, "hub", hub, N_("NAME"), N_("The hub it passes; the first of the charter unless stated."))

#endif
