/* The `limit NAME VALUE` lines of a charter: one table of names, units, defaults and bounds. */
#ifndef TOGUNA_KEYS_LIMIT_H
#define TOGUNA_KEYS_LIMIT_H

#include "keys/charter.h"

/* Reads one line into limits. *ret_row is the table's row, so that the caller sees a name a second time.
   TG_BAD_INPUT: unknown name (with the nearest), malformed, or out of bounds. */
enum tg_err limit_parse(const struct document *d, const struct line *l, struct charter_limits *limits, size_t *ret_row,
                        struct tg_why *why);
/* Appends a line for every limit that is not at its default. */
void limit_print(const struct charter_limits *limits, struct buf *out);
/* Name of a row; NULL past the end. */
const char *limit_name(size_t row);

enum { LIMIT_ROWS = 19 };

#endif
