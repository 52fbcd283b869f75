/* The options about one portion, as they stand on the command line: before the first --portion they hold for
   all portions, behind a --portion for that one. */
#ifndef TOGUNA_CLI_MARKS_H
#define TOGUNA_CLI_MARKS_H

#include "client/cli/command.h"

struct marks {
  char *file; /* of --portion; NULL in the head */
  char *level, *tlp, *title, *label, *language, *type;
  struct options_list to, except;
  bool orcon, blind, compress;
};

/* Reads call->argv, which main has parsed already. head: what holds for all; group: one for each --portion,
 * malloc'd. */
enum tg_err marks_read(const struct call *call, struct marks *head, struct marks **ret_group, size_t *ret_n,
                       struct tg_why *why);
void marks_free(struct marks *head, struct marks *group, size_t n);

#endif
