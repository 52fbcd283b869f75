/* The commands that review a log: the part of fields.c about them. */
#ifndef TOGUNA_CLI_FIELDS_AUDIT_H
#define TOGUNA_CLI_FIELDS_AUDIT_H

#include "client/cli/fields.h"

enum { FIELDS_MAX = 64, FIELDS_AUDIT = 13 };

struct fields_page {
  const char *command, *shape;
  struct field field[FIELDS_MAX];
};

extern const struct fields_page fields_audit[FIELDS_AUDIT];

#endif
