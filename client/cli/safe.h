/* Foreign text on a terminal: what could move the cursor, hide or reorder text is shown as an escape, never
 * obeyed. */
#ifndef TOGUNA_CLI_SAFE_H
#define TOGUNA_CLI_SAFE_H

#include "proto/base.h"

/* A text that comes in pieces; begin with zeros. */
struct safe {
  uint8_t held[4]; /* of a character whose rest is still to come */
  size_t n;
  uint8_t last; /* the last byte printed */
};
/* To standard output. Newlines and tabs stay; a carriage return before a newline goes; other control
   characters become \x1b, bytes that are not UTF-8 \xff, marks of direction \u{202e}. */
void safe_put(struct safe *s, struct slice piece);
/* A toguna_on_data whose context is a struct safe. */
int safe_piece(void *safe, const void *data, size_t n);
/* The end: what was held, and a newline unless there was one. */
void safe_end(struct safe *s);

#endif
