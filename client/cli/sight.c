#include "client/cli/sight.h"

#include "keys/codec.h"
#include "os/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the source ---- */

struct showing {
  int64_t began, shown; /* the last time; 0: nothing stands on the line */
};

/* Once a second, where a person looks on. */
static void progress(void *arg, uint64_t done, uint64_t of)
{
  struct showing *s = arg;
  const int64_t now = clock_mono();
  if (now - (s->shown ? s->shown : s->began) < TG_SECOND || of == 0)
    return;
  s->shown = now;
  fprintf(stderr, "\r%3u %%\033[K", (unsigned)((double)done * 100 / (double)of));
  fflush(stderr);
}

static void say_doubts(struct review *r)
{
  json_t *about = NULL;
  if (review_about(r, &about, NULL) != TG_OK)
    return;
  const json_int_t size = json_integer_value(json_object_get(about, "size"));
  const json_int_t opened = json_integer_value(json_object_get(about, "opened"));
  if (!json_is_true(json_object_get(about, "vouched")))
    fprintf(stderr, "%s\n", _("Nobody vouched for the charter: it is the one that this log holds itself. Compare its hash, or give --charter."));
  if (opened < size)
    fprintf(stderr, _("%llu of %llu entries are not open here: answers are about the others.\n"), (unsigned long long)(size - opened),
            (unsigned long long)size);
  json_decref(about);
}

enum tg_err sight_open(const struct call *call, const struct sight *sight, struct review **ret, struct tg_why *why)
{
  struct showing s = {.began = clock_mono()};
  const struct review_place place = {
      .folder = sight->log ? sight->log : ".", .charter = sight->charter, .key = sight->key, .index = sight->index};
  const bool watched = !call->json && isatty(STDERR_FILENO);
  enum tg_err err = review_open(&place, watched ? progress : NULL, &s, ret, why);
  if (s.shown)
    fputs("\r\033[K", stderr);
  if (err == TG_OK && !call->json)
    say_doubts(*ret);
  return err;
}

/* ---- times ---- */

enum tg_err sight_time(const char *text, const char *option, tg_time *ret, struct tg_why *why)
{
  char whole[32];
  tg_time ago;
  *ret = 0;
  if (!text)
    return TG_OK;
  snprintf(whole, sizeof whole, "%.10sT00:00:00Z", text);
  if (time_parse(slice_str(text), ret) == TG_OK || (strlen(text) == 10 && time_parse(slice_str(whole), ret) == TG_OK))
    return TG_OK;
  if (duration_parse(slice_str(text), &ago) == TG_OK)
    return *ret = clock_wall() - ago, TG_OK;
  return why_set(why, TG_USAGE, option, N_("%1$s is no time"),
                 N_("Give a day (2026-12-01), a time in UTC (2026-12-01T08:00:00Z), or how long ago (24h, 7d)"), text, NULL, NULL);
}

/* ---- answers ---- */

const char *sight_text(const json_t *j, const char *name)
{
  const char *text = json_string_value(json_object_get(j, name));
  return text ? text : "";
}

const char *sight_when(const json_t *j, const char *name, char out[SHOW_TIME])
{
  tg_time t = 0;
  const char *text = sight_text(j, name);
  if (*text)
    (void)time_parse(slice_str(text), &t);
  return show_time(t, out);
}

const char *sight_words(const json_t *list, char *out, size_t size)
{
  size_t i, n = 0;
  const json_t *one;
  out[0] = 0;
  json_array_foreach(list, i, one)
    if (n < size)
      n += (size_t)snprintf(out + n, size - n, "%s%s", n ? " " : "", json_string_value(one) ? json_string_value(one) : "?");
  return out;
}

const char *sight_id(const json_t *j, const char *name, char out[16])
{
  snprintf(out, 16, "%.12s", sight_text(j, name));
  return out;
}
