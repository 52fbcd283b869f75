/* What a command prints with --json, field by field, for its manual page. Commands that talk to a node have pages
   written by hand, which say it there. */
#ifndef TOGUNA_CLI_FIELDS_H
#define TOGUNA_CLI_FIELDS_H

#include <stddef.h>

struct field {
  const char *name;    /* "fingerprint"; indented by a dot for each level: "members.ceiling" */
  const char *meaning; /* N_() */
};

/* A field in the n-th place of what `command` ("charter show") prints; NULL after the last. *ret_shape, which may be
   NULL: N_() how many objects there are, the same for every field. */
const struct field *field_at(const char *command, size_t n, const char **ret_shape);

#endif
