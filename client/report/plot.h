/* Plots as inline SVG, drawn here: nothing is fetched, nothing runs. Colours are classes of the page's style, so
   that light, dark and print all work; every plot says in words what it shows, and a table stands beside it. */
#ifndef TOGUNA_REPORT_PLOT_H
#define TOGUNA_REPORT_PLOT_H

#include "proto/buf.h"

enum { PLOT_SERIES_MAX = 8, PLOT_WIDTH = 860 };

/* Bars that stand on each other: value[column * n_series + series]. Labels are borrowed. */
struct plot_stack {
  const char *about; /* what it shows, in words */
  size_t n_columns, n_series;
  const char *const *column; /* labels; some are left out where there is no room */
  const char *const *series;
  const uint64_t *value;
};
void plot_stack(const struct plot_stack *p, struct buf *out);

/* One bar for each row, to the right; `back` (may be NULL): a second one to the left, of what came back. */
struct plot_bars {
  const char *about;
  size_t n;
  const char *const *label;
  const uint64_t *value, *back;
};
void plot_bars(const struct plot_bars *p, struct buf *out);

/* For each row a range on a logarithmic scale of time: half, nine tenths and ninety-nine hundredths were faster. */
struct plot_ranges {
  const char *about;
  size_t n;
  const char *const *label;
  const uint64_t (*ms)[3]; /* ascending; all zero: nothing to show */
};
void plot_ranges(const struct plot_ranges *p, struct buf *out);

/* "850 ms", "3.2 s", "14 min", "5 h" */
enum { PLOT_SPAN = 24 };
const char *plot_span(uint64_t ms, char out[PLOT_SPAN]);

#endif
