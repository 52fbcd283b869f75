/* ISO 3166-1 alpha-2 codes and short names. Codes are compared, never names: names have several spellings.
   Which of them are members of what is data in charters, never compiled in. */
#ifndef TOGUNA_KEYS_COUNTRY_H
#define TOGUNA_KEYS_COUNTRY_H

#include "proto/buf.h"

/* A country code as it is kept everywhere: two capital letters and a NUL. */
struct country {
  char code[3];
};

/* Is s two capital letters that ISO 3166-1 assigns? TG_BAD_INPUT otherwise; *ret untouched then. */
enum tg_err country_parse(struct slice s, struct country *ret);
bool country_eq(struct country a, struct country b);

/* The short name in `language` ("fr", "pt", anything else: English), UTF-8, static. The code itself (of *c, borrowed)
   when it is not in the table. */
const char *country_name(const struct country *c, const char *language);

/* The code of the country that s probably means: an exact name in any of the three languages without regard to case,
   else a code or name within a few typing errors, an ISO alpha-3 code of our region, or NULL. For messages only. */
const char *country_nearest(struct slice s);

/* The n-th row of the table, in code order; NULL past the end. */
const struct country *country_at(size_t n);

#endif
