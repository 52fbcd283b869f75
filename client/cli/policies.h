/* The policies of an exchange from files alone: those given, and for everybody else the one in force among the documents. */
#ifndef TOGUNA_CLI_POLICIES_H
#define TOGUNA_CLI_POLICIES_H

#include "client/cli/command.h"
#include "client/cli/folio.h"
#include "policy/set.h"

struct policies {
  struct folio *folio;
  struct policy_world *world;
  struct policy_set *set;
  tg_time at; /* when all of the files have begun, `now` at the earliest: what is to be asked about */
};

/* TG_USAGE without documents; TG_NOT_FOUND without a charter in force among them; TG_BAD_INPUT for a file that is no policy.
   policies_free() in any case. */
enum tg_err policies_read(const struct options_list *documents, char *const *files, size_t n_files, tg_time now,
                          struct policies *ret, struct tg_why *why);
/* The same without files, of documents, or where none are named of what a node knows (folio_fetch()). */
enum tg_err policies_ask(struct call *call, const struct options_list *documents, const char *socket, tg_time now,
                         struct policies *ret, struct tg_why *why);
void policies_free(struct policies *p);
/* Says which moment that is, on standard output, when it is still to come. */
void policies_tell_at(const struct policies *p, tg_time now);

/* A second set in which the policies of these files stand in the place of those of their states, whatever the serials:
   drafts. *ret_at: when all of them have begun, `now` at the earliest; what both sets are to be compared at. Caller frees. */
enum tg_err policies_with(const struct policies *p, char *const *files, size_t n_files, tg_time now,
                          struct policy_set **ret, tg_time *ret_at, struct tg_why *why);

/* The policy in one file, draft or note, read against a world. Caller frees. */
enum tg_err policies_file(const char *path, const struct policy_world *world, struct policy **ret, struct tg_why *why);

/* The country whose hub is meant: of this name, or the first of the charter. */
enum tg_err policies_hub(const struct policies *p, const char *name, tg_time now, struct country *ret, struct tg_why *why);

#define POLICIES_OPTION_DOCUMENTS(type)                                                                                \
  {                                                                                                                    \
    "documents", 'd', OPTION_MANY, VALUE_TEXT, offsetof(type, documents), {0}, N_("NOTE|FOLDER"),                      \
        N_("The charter, credentials, and policies of those who are not among the files. May be repeated.")            \
  }
/* For policies_ask(). */
#define POLICIES_OPTION_WHERE(type)                                                                                    \
  {                                                                                                                    \
    "documents", 'd', OPTION_MANY, VALUE_TEXT, offsetof(type, documents), {0}, N_("NOTE|FOLDER"),                      \
        N_("The charter, credentials and policies in force. Without it the node is asked. May be repeated.")           \
  }
#define POLICIES_OPTION_HUB(type)                                                                                      \
  {                                                                                                                    \
    "hub", 0, OPTION_ONE, VALUE_TEXT, offsetof(type, hub), {0}, N_("NAME"),                                            \
        N_("The hub it passes; the first of the charter unless stated.")                                               \
  }

#endif
