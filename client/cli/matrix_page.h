/* The page of toguna policy matrix: states across states. Complete in itself: no network, no other file. Its table can be read
   without scripts; with them it filters by topic and level and tells the rule of each cell. */
#ifndef TOGUNA_CLI_MATRIX_PAGE_H
#define TOGUNA_CLI_MATRIX_PAGE_H

#include "client/cli/show.h"
#include "keys/country.h"

struct matrix_page {
  const char *language;
  const char *topic; /* the only one shown; NULL: all */
  char time[SHOW_TIME];
  const char *policies; /* by which it was decided; shown as text */
  bool dense; /* many states: a line each, levels by their letters, which the legend explains */
};

/* In this order: begin, head for each column, then for each row: row, its cells; end. */
void matrix_page_begin(const struct matrix_page *p, struct buf *out);
void matrix_page_head(const struct matrix_page *p, const struct country *to, struct buf *out);
void matrix_page_row(const struct matrix_page *p, const struct country *from, struct buf *out);
/* level 0: nothing. owed: the highest only with approvals or ORCON. */
void matrix_page_cell(const struct matrix_page *p, const struct country *from, const struct country *to, uint8_t level,
                      bool owed, struct buf *out);
/* flows: array of objects as toguna policy matrix --json prints them; classes: for each of them the numbers of the classes of
   topics in it; topics: what the filter offers, objects with name and classes. All borrowed. */
void matrix_page_end(const struct matrix_page *p, const json_t *flows, const json_t *classes, const json_t *topics,
                     struct buf *out);

#endif
