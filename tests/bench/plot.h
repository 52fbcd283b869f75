/* Curves for the documentation, as SVG written by hand: no library, the same bytes for the same figures. */
#ifndef TOGUNA_BENCH_PLOT_H
#define TOGUNA_BENCH_PLOT_H

#include <stdbool.h>
#include <stddef.h>

enum { PLOT_POINTS = 256, PLOT_CURVES = 4 };

struct plot_curve {
  const char *name;
  size_t n;
  double x[PLOT_POINTS], y[PLOT_POINTS];
};

struct plot {
  const char *title, *x, *y; /* axes with their units */
  bool log_x;
  size_t n;
  struct plot_curve curve[PLOT_CURVES];
};

void plot_add(struct plot_curve *c, double x, double y);
/* FOLDER/NAME.svg. False when it cannot be written. */
bool plot_write(const struct plot *p, const char *folder, const char *name);

#endif
