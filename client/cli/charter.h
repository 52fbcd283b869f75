/* A charter in a file, as the verbs of toguna charter use it. */
#ifndef TOGUNA_CLI_CHARTER_H
#define TOGUNA_CLI_CHARTER_H

#include "client/cli/command.h"
#include "keys/charter.h"
#include "keys/note.h"

/* A text without signatures, or a note. */
struct charter_file {
  struct buf bytes;
  struct note *note; /* NULL: nobody has signed yet */
  struct slice text;
  struct hash hash;
  struct charter *charter;
};
enum tg_err charter_file_read(const char *path, struct charter_file *ret, struct tg_why *why);
void charter_file_free(struct charter_file *f);

/* What was agreed, as options say it; empty or NULL: as it is. */
struct charter_terms {
  char *after; /* the charter before */
  char *quorum, *witness_quorum, *effective;
  struct options_list blocs, limits, ceilings, suspended; /* "NAME=VALUE" */
  struct options_list suites, removed;
};
/* Appends the text of a charter made of cards and terms, checked. */
enum tg_err charter_draft(char *const *cards, size_t n, const struct charter_terms *terms, struct buf *out,
                          struct tg_why *why);

/* Shows it to people, or as JSON. */
enum tg_err charter_show(const struct call *call, const char *path, struct tg_why *why);

#endif
