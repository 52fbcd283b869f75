#include "tests/bench/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 720, HEIGHT = 360, LEFT = 70, RIGHT = 150, TOP = 44, BOTTOM = 52 };

static const char *const COLOURS[PLOT_CURVES] = {"#0b6e4f", "#c1440e", "#2b59c3", "#7a5195"};

void plot_add(struct plot_curve *c, double x, double y)
{
  if (c->n == PLOT_POINTS)
    return;
  c->x[c->n] = x;
  c->y[c->n++] = y;
}

struct scale {
  double x0, x1, y1; /* y begins at 0: what is flat must look flat */
  bool log_x;
};

static double at_x(const struct scale *s, double x)
{
  double f = s->log_x ? log(x / s->x0) / log(s->x1 / s->x0) : (x - s->x0) / (s->x1 - s->x0);
  return LEFT + f * (WIDTH - LEFT - RIGHT);
}

static double at_y(const struct scale *s, double y)
{
  return HEIGHT - BOTTOM - y / s->y1 * (HEIGHT - TOP - BOTTOM);
}

/* 1, 2 or 5 times a power of ten, not below v. */
static double round_up(double v)
{
  double power = pow(10, floor(log10(v)));
  for (int i = 0; i < 3; i++) {
    double step = power * (const double[]){1, 2, 5}[i];
    if (step >= v * 0.999999)
      return step;
  }
  return 10 * power;
}

static void number(char out[32], double v)
{
  if (v >= 1e6)
    snprintf(out, 32, "%g M", v / 1e6);
  else if (v >= 1e4)
    snprintf(out, 32, "%g k", v / 1e3);
  else
    snprintf(out, 32, "%g", v);
}

static struct scale scale_of(const struct plot *p)
{
  struct scale s = {.x0 = 1e300, .log_x = p->log_x};
  for (size_t i = 0; i < p->n; i++)
    for (size_t j = 0; j < p->curve[i].n; j++) {
      s.x0 = fmin(s.x0, p->curve[i].x[j]);
      s.x1 = fmax(s.x1, p->curve[i].x[j]);
      s.y1 = fmax(s.y1, p->curve[i].y[j]);
    }
  if (!p->log_x)
    s.x0 = 0;
  s.y1 = s.y1 > 0 ? 1.1 * s.y1 : 1;
  if (s.x1 <= s.x0)
    s.x1 = s.x0 + 1;
  return s;
}

static void axes(FILE *f, const struct plot *p, const struct scale *s)
{
  char text[32];
  double step = round_up(s->y1 / 5);
  for (double y = 0; y <= s->y1; y += step) {
    number(text, y);
    fprintf(f, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT, WIDTH - RIGHT, at_y(s, y),
            at_y(s, y), LEFT - 8, at_y(s, y) + 4, text);
  }
  step = p->log_x ? 10 : round_up((s->x1 - s->x0) / 6);
  for (double x = p->log_x ? pow(10, ceil(log10(s->x0) - 1e-9)) : 0; x <= s->x1 * 1.000001; x = p->log_x ? x * step : x + step) {
    number(text, x);
    fprintf(f, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"#888\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", at_x(s, x), at_x(s, x),
            HEIGHT - BOTTOM, HEIGHT - BOTTOM + 5, at_x(s, x), HEIGHT - BOTTOM + 19, text);
  }
  fprintf(f, "<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\" stroke=\"#333\"/>\n", LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, HEIGHT - BOTTOM);
  fprintf(f, "<text x=\"%d\" y=\"22\" font-size=\"15\" font-weight=\"bold\">%s</text>\n<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", LEFT, p->title,
          (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, p->x);
  fprintf(f, "<text x=\"16\" y=\"%d\" text-anchor=\"middle\" transform=\"rotate(-90 16 %d)\">%s</text>\n", (TOP + HEIGHT - BOTTOM) / 2, (TOP + HEIGHT - BOTTOM) / 2, p->y);
}

static void curve(FILE *f, const struct plot_curve *c, const struct scale *s, size_t i)
{
  fprintf(f, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"", COLOURS[i]);
  for (size_t j = 0; j < c->n; j++)
    fprintf(f, "%.1f,%.1f ", at_x(s, c->x[j]), at_y(s, c->y[j]));
  fprintf(f, "\"/>\n");
  for (size_t j = 0; j < c->n && c->n <= 24; j++)
    fprintf(f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", at_x(s, c->x[j]), at_y(s, c->y[j]), COLOURS[i]);
  int y = TOP + 16 + (int)i * 20;
  fprintf(f, "<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\" stroke=\"%s\" stroke-width=\"3\"/><text x=\"%d\" y=\"%d\">%s</text>\n", WIDTH - RIGHT + 14, WIDTH - RIGHT + 34, y,
          y, COLOURS[i], WIDTH - RIGHT + 40, y + 4, c->name);
}

bool plot_write(const struct plot *p, const char *folder, const char *name)
{
  char path[512];
  snprintf(path, sizeof path, "%s/%s.svg", folder, name);
  FILE *f = fopen(path, "w");
  if (!f)
    return false;
  const struct scale s = scale_of(p);
  fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n"
             "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
          WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT);
  axes(f, p, &s);
  for (size_t i = 0; i < p->n; i++)
    curve(f, &p->curve[i], &s, i);
  fputs("</svg>\n", f);
  return fclose(f) == 0;
}
