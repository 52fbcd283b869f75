#include "client/node/calls.h"

enum { MINUTES = 24 * 60 };

static bool read_minute(struct slice *text, uint16_t *ret)
{
  if (text->n < 5 || text->p[2] != ':')
    return false;
  for (size_t i = 0; i < 5; i++)
    if (i != 2 && (text->p[i] < '0' || text->p[i] > '9'))
      return false;
  const unsigned hour = (text->p[0] - '0') * 10u + text->p[1] - '0', minute = (text->p[3] - '0') * 10u + text->p[4] - '0';
  *text = slice_of(text->p + 5, text->n - 5);
  *ret = (uint16_t)(hour * 60 + minute);
  return minute < 60 && (hour < 24 || (hour == 24 && minute == 0));
}

enum tg_err call_window_parse(struct slice text, struct call_window *ret)
{
  struct call_window w;
  if (!read_minute(&text, &w.from) || text.n < 1 || text.p[0] != '-')
    return TG_BAD_INPUT;
  text = slice_of(text.p + 1, text.n - 1);
  if (!read_minute(&text, &w.until) || text.n > 0 || w.from == w.until || w.from == MINUTES)
    return TG_BAD_INPUT;
  *ret = w;
  return TG_OK;
}

static int64_t time_of_day(tg_time wall)
{
  return wall % TG_DAY;
}

bool calls_open(const struct call_window *windows, size_t n, tg_time wall)
{
  const int64_t minute = time_of_day(wall) / TG_MINUTE;
  for (size_t i = 0; i < n; i++) {
    const struct call_window *w = &windows[i];
    if (w->from < w->until ? minute >= w->from && minute < w->until : minute >= w->from || minute < w->until)
      return true;
  }
  return n == 0;
}

int64_t calls_opens_in(const struct call_window *windows, size_t n, tg_time wall)
{
  int64_t soonest = TG_DAY;
  if (calls_open(windows, n, wall))
    return 0;
  for (size_t i = 0; i < n; i++) {
    const int64_t from = windows[i].from * TG_MINUTE - time_of_day(wall), in = from < 0 ? from + TG_DAY : from;
    soonest = in < soonest ? in : soonest;
  }
  return soonest;
}
