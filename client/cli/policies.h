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
};

/* TG_USAGE without documents; TG_NOT_FOUND without a charter in force among them; TG_BAD_INPUT for a file that is no policy.
   A file takes effect at `now`, or when it says, whichever is later. policies_free() in any case. */
enum tg_err policies_read(const struct options_list *documents, char *const *files, size_t n_files, tg_time now,
                          struct policies *ret, struct tg_why *why);
void policies_free(struct policies *p);

/* The policy in one file, draft or note, read against a world. Caller frees. */
enum tg_err policies_file(const char *path, const struct policy_world *world, struct policy **ret, struct tg_why *why);

/* The country whose hub is meant: of this name, or the first of the charter. */
enum tg_err policies_hub(const struct policies *p, const char *name, tg_time now, struct country *ret, struct tg_why *why);

#define POLICIES_OPTION_DOCUMENTS(type)                                                                                \
  {                                                                                                                    \
    "documents", 'd', OPTION_MANY, VALUE_TEXT, offsetof(type, documents), {0}, N_("NOTE|FOLDER"),                      \
        N_("The charter, credentials, and policies of those who are not among the files. May be repeated.")            \
  }
#define POLICIES_OPTION_HUB(type)                                                                                      \
  {                                                                                                                    \
    "hub", 0, OPTION_ONE, VALUE_TEXT, offsetof(type, hub), {0}, N_("NAME"),                                            \
        N_("The hub it passes; the first of the charter unless stated.")                                               \
  }

#endif
