#include "client/report/plot.h"

#include "client/report/markup.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum {
  LEFT = 56,
  TOP = 12,
  STACK_HEIGHT = 240,
  ROW = 26,
  LABEL = 170, /* width of the labels of rows */
  TICKS = 5,
};

static void begin(struct buf *out, const char *about, int height)
{
  buf_printf(out, "<svg role=\"img\" viewBox=\"0 0 %d %d\" aria-label=\"", PLOT_WIDTH, height);
  markup_text(out, about);
  buf_put_str(out, "\">\n");
}

static void end(struct buf *out)
{
  buf_put_str(out, "</svg>\n");
}

static void text(struct buf *out, double x, double y, const char *anchor, const char *content)
{
  buf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
  markup_text(out, content);
  buf_put_str(out, "</text>\n");
}

static void line(struct buf *out, double x1, double y1, double x2, double y2)
{
  buf_printf(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", x1, y1, x2, y2);
}

static void bar(struct buf *out, double x, double y, double width, double height, size_t colour, const char *said)
{
  buf_printf(out, "<rect class=\"s%zu\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>", colour, x, y, width, height);
  markup_text(out, said);
  buf_put_str(out, "</title></rect>\n");
}

/* 1, 2 or 5 times a power of ten, so that TICKS of them reach `most`. */
static uint64_t step_for(uint64_t most)
{
  static const uint64_t factors[] = {1, 2, 5};
  for (uint64_t ten = 1;; ten *= 10)
    for (size_t i = 0; i < 3; i++)
      if (factors[i] * ten * TICKS >= most || ten > UINT64_MAX / 1000)
        return factors[i] * ten;
}

/* ---- stacked columns */

static uint64_t highest_column(const struct plot_stack *p)
{
  uint64_t most = 1;
  for (size_t c = 0; c < p->n_columns; c++) {
    uint64_t sum = 0;
    for (size_t s = 0; s < p->n_series; s++)
      sum += p->value[c * p->n_series + s];
    most = sum > most ? sum : most;
  }
  return most;
}

static void put_column(const struct plot_stack *p, size_t c, double x, double width, double scale, struct buf *out)
{
  double y = TOP + STACK_HEIGHT;
  for (size_t s = 0; s < p->n_series; s++) {
    const uint64_t v = p->value[c * p->n_series + s];
    char said[256];
    if (!v)
      continue;
    snprintf(said, sizeof said, "%s, %s: %" PRIu64, p->column[c], p->series[s], v);
    y -= (double)v * scale;
    bar(out, x, y, width, (double)v * scale, s, said);
  }
}

static void put_legend(const struct plot_stack *p, struct buf *out)
{
  buf_put_str(out, "<ul class=\"legend\">");
  for (size_t s = 0; s < p->n_series; s++) {
    buf_printf(out, "<li><svg width=\"14\" height=\"14\" aria-hidden=\"true\"><rect class=\"s%zu\" width=\"14\" height=\"14\"/></svg> ", s);
    markup_text(out, p->series[s]);
    buf_put_str(out, "</li>");
  }
  buf_put_str(out, "</ul>\n");
}

void plot_stack(const struct plot_stack *p, struct buf *out)
{
  if (!p->n_columns)
    return;
  const uint64_t step = step_for(highest_column(p));
  const double scale = (double)STACK_HEIGHT / (double)(step * TICKS);
  const double slot = (double)(PLOT_WIDTH - LEFT) / (double)p->n_columns;
  const double width = slot * 0.8 < 60 ? slot * 0.8 : 60;
  const size_t every = 1 + (size_t)(78 / slot); /* a label needs so much room */
  begin(out, p->about, TOP + STACK_HEIGHT + 28);
  for (uint64_t i = 0; i <= TICKS; i++) {
    char label[24];
    double y = TOP + STACK_HEIGHT - (double)(i * step) * scale;
    snprintf(label, sizeof label, "%" PRIu64, i * step);
    line(out, LEFT, y, PLOT_WIDTH, y);
    text(out, LEFT - 8, y + 4, "end", label);
  }
  for (size_t c = 0; c < p->n_columns; c++) {
    double middle = LEFT + slot * ((double)c + 0.5);
    put_column(p, c, middle - width / 2, width, scale, out);
    if (c % every == 0)
      text(out, middle, TOP + STACK_HEIGHT + 20, "middle", p->column[c]);
  }
  end(out);
  put_legend(p, out);
}

/* ---- rows */

void plot_bars(const struct plot_bars *p, struct buf *out)
{
  uint64_t most = 1;
  if (!p->n)
    return;
  for (size_t i = 0; i < p->n; i++) {
    most = p->value[i] > most ? p->value[i] : most;
    most = p->back && p->back[i] > most ? p->back[i] : most;
  }
  const double room = PLOT_WIDTH - LABEL - 60, side = p->back ? room / 2 - 20 : room;
  const double zero = p->back ? LABEL + 30 + room / 2 : LABEL;
  begin(out, p->about, (int)p->n * ROW + TOP);
  for (size_t i = 0; i < p->n; i++) {
    const double y = 4 + (double)i * ROW, width = side * (double)p->value[i] / (double)most;
    char number[24];
    snprintf(number, sizeof number, "%" PRIu64, p->value[i]);
    text(out, LABEL - 10, y + 15, "end", p->label[i]);
    bar(out, zero, y, width, ROW - 8, 0, number);
    text(out, zero + width + 6, y + 15, "start", number);
    if (!p->back)
      continue;
    const double left = side * (double)p->back[i] / (double)most;
    snprintf(number, sizeof number, "%" PRIu64, p->back[i]);
    bar(out, zero - left, y, left, ROW - 8, 1, number);
    text(out, zero - left - 6, y + 15, "end", number);
  }
  line(out, zero, 0, zero, (double)p->n * ROW);
  end(out);
}

const char *plot_span(uint64_t ms, char out[PLOT_SPAN])
{
  if (ms < 1000)
    snprintf(out, PLOT_SPAN, "%" PRIu64 " ms", ms);
  else if (ms < 120000)
    snprintf(out, PLOT_SPAN, "%.1f s", (double)ms / 1000);
  else if (ms < 7200000)
    snprintf(out, PLOT_SPAN, "%.0f min", (double)ms / 60000);
  else
    snprintf(out, PLOT_SPAN, "%.0f h", (double)ms / 3600000);
  return out;
}

static double place_of(uint64_t ms, double scale)
{
  return LABEL + log10(ms > 1 ? (double)ms : 1.0) * scale;
}

void plot_ranges(const struct plot_ranges *p, struct buf *out)
{
  static const uint64_t marks[] = {1, 10, 100, 1000, 10000, 60000, 600000, 3600000, 43200000, 604800000};
  uint64_t most = 1000;
  if (!p->n)
    return;
  for (size_t i = 0; i < p->n; i++)
    most = p->ms[i][2] > most ? p->ms[i][2] : most;
  const double scale = (PLOT_WIDTH - LABEL - 50) / log10((double)most * 1.3);
  const double bottom = (double)p->n * ROW + 4;
  begin(out, p->about, (int)bottom + 24);
  for (size_t i = 0; i < sizeof marks / sizeof *marks && marks[i] <= most; i++) {
    char said[PLOT_SPAN];
    line(out, place_of(marks[i], scale), 0, place_of(marks[i], scale), bottom);
    text(out, place_of(marks[i], scale), bottom + 16, "middle", plot_span(marks[i], said));
  }
  for (size_t i = 0; i < p->n; i++) {
    const double y = 4 + (double)i * ROW, half = place_of(p->ms[i][0], scale), nine = place_of(p->ms[i][1], scale),
                 most_of = place_of(p->ms[i][2], scale);
    char said[3][PLOT_SPAN], all[96];
    text(out, LABEL - 10, y + 15, "end", p->label[i]);
    if (!p->ms[i][2])
      continue;
    snprintf(all, sizeof all, "50 %%: %s, 90 %%: %s, 99 %%: %s", plot_span(p->ms[i][0], said[0]), plot_span(p->ms[i][1], said[1]),
             plot_span(p->ms[i][2], said[2]));
    bar(out, half, y + 6, most_of - half < 2 ? 2 : most_of - half, 6, 2, all);
    bar(out, half, y + 3, nine - half < 2 ? 2 : nine - half, 12, 0, all);
    bar(out, half - 2, y, 4, 18, 1, all);
  }
  end(out);
}
