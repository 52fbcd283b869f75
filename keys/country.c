#include "keys/country.h"
#include "keys/nearest.h"

#include <string.h>
#include <strings.h>

/* One row of ISO 3166-1 with the short names that people of our languages use. Ascending by code. */
static const struct row {
  struct country country;
  const char *alpha3; /* of Africa only: to recognise a habit, never accepted */
  const char *en, *fr, *pt;
} rows[] = {
#define ROW(code, alpha3, en, fr, pt) {{code}, alpha3, en, fr, pt},
#include "keys/country_rows.h"
#undef ROW
};

enum { ROWS = sizeof rows / sizeof *rows };

static const struct row *row_of(const char code[2])
{
  size_t low = 0, high = ROWS;
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = memcmp(code, rows[middle].country.code, 2);
    if (order == 0)
      return &rows[middle];
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return NULL;
}

enum tg_err country_parse(struct slice s, struct country *ret)
{
  const struct row *row = s.n == 2 ? row_of((const char *)s.p) : NULL;
  if (!row)
    return TG_BAD_INPUT;
  *ret = row->country;
  return TG_OK;
}

bool country_eq(struct country a, struct country b)
{
  return a.code[0] == b.code[0] && a.code[1] == b.code[1];
}

const char *country_name(const struct country *c, const char *language)
{
  const struct row *row = row_of(c->code);
  if (!row)
    return c->code;
  if (language && !strncmp(language, "fr", 2))
    return row->fr;
  if (language && !strncmp(language, "pt", 2))
    return row->pt;
  return row->en;
}

/* Case folded for ASCII only: enough for a suggestion. */
static bool is_name(struct slice s, const char *name)
{
  return name && strlen(name) == s.n && !strncasecmp((const char *)s.p, name, s.n);
}

const char *country_nearest(struct slice s)
{
  for (size_t i = 0; s.n && i < ROWS; i++)
    if (is_name(s, rows[i].en) || is_name(s, rows[i].fr) || is_name(s, rows[i].pt) ||
        is_name(s, rows[i].alpha3) || is_name(s, rows[i].country.code))
      return rows[i].country.code;
  struct nearest best = nearest_to(s);
  const char *code = NULL;
  for (size_t i = 0; i < ROWS; i++) {
    const char *const names[] = {rows[i].en, rows[i].fr, rows[i].pt};
    for (size_t k = 0; k < 3 && s.n > 3; k++) {
      size_t before = best.distance;
      nearest_try(&best, names[k]);
      if (best.distance < before)
        code = rows[i].country.code;
    }
  }
  return code;
}

const struct country *country_at(size_t n)
{
  return n < ROWS ? &rows[n].country : NULL;
}
