#include "client/cli/sight.h"

#include "os/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
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

static void say_view(const json_t *about, json_int_t size, json_int_t opened)
{
  const json_int_t gaps = json_integer_value(json_object_get(about, "gaps")), old = json_integer_value(json_object_get(about, "unproven"));
  fprintf(stderr,
          trn("%s knows what %llu of %llu entries says, which it is a party of: answers are about this one.\n",
              "%s knows what %llu of %llu entries say, which it is a party of: answers are about these.\n", (uint64_t)opened),
          sight_text(about, "node"), (unsigned long long)opened, (unsigned long long)size);
  if (old)
    fprintf(stderr,
            trn("%llu entry is under checkpoints that it no longer has, or of another hub's log: it is left out.\n",
                "%llu entries are under checkpoints that it no longer has, or of another hub's log: they are left out.\n", (uint64_t)old),
            (unsigned long long)old);
  if (gaps)
    fprintf(stderr,
            trn("At %llu place nothing here proves that one checkpoint extends the one before.\n",
                "At %llu places nothing here proves that one checkpoint extends the one before.\n", (uint64_t)gaps),
            (unsigned long long)gaps);
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
  if (review_is_view(r))
    say_view(about, size, opened);
  else if (opened == 0 && size)
    fprintf(stderr, "%s\n", _("No entry is open here: the log is there, and what it says is not. Nothing can be answered."));
  else if (opened < size)
    fprintf(stderr,
            trn("%llu of %llu entries is not open here: answers are about the others.\n",
                "%llu of %llu entries are not open here: answers are about the others.\n", (uint64_t)(size - opened)),
            (unsigned long long)(size - opened), (unsigned long long)size);
  json_decref(about);
}

/* Who asks the node, for as long as the command runs. */
struct asking {
  struct call *call;
  const char *socket;
};

static enum tg_err ask_node(void *arg, const char *what, const char *const *arguments, json_t **ret, struct tg_why *why)
{
  const struct asking *a = arg;
  return reach_ask(a->call, a->socket, what, arguments, ret, why);
}

/* ---- a node's own receipts */

enum { LOOK_MS = 50, SILENT_MS = 60 * 1000 };

/* The node asks the hub for as long as we ask it: up to where the log was when we began. */
static enum tg_err fetch_receipts(struct asking *a, bool watched, struct tg_why *why)
{
  static const char *const wish[] = {"stated", NULL};
  struct showing s = {.began = clock_mono()};
  json_int_t upto = -1, end = -1;
  bool connected = true;
  enum tg_err err = TG_OK;
  for (int64_t moved = clock_mono(); !err && connected && (end < 0 || upto < end);) {
    json_t *j = NULL;
    if (end >= 0)
      (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
    err = ask_node(a, "review", wish, &j, why);
    if (err)
      break;
    const json_int_t now = json_integer_value(json_object_get(j, "upto"));
    moved = now > upto ? clock_mono() : moved;
    upto = now;
    if (end < 0)
      end = json_integer_value(json_object_get(j, "size"));
    connected = json_is_true(json_object_get(j, "connected"));
    json_decref(j);
    if (watched && end > 0)
      progress(&s, (uint64_t)upto, (uint64_t)end);
    if (clock_mono() - moved > SILENT_MS)
      err = why_set(why, TG_UNREACHABLE, "--receipts", N_("the hub does not show this node its own receipts"),
                    N_("Try again later, or without --receipts: then they are the node's word alone"), NULL, NULL, NULL);
  }
  if (s.shown)
    fputs("\r\033[K", stderr);
  return err || connected || upto >= end
             ? err
             : why_set(why, TG_UNREACHABLE, "--receipts", N_("the node is not connected to a hub"),
                       N_("Try again later, or without --receipts: then they are the node's word alone"), NULL, NULL, NULL);
}

static bool is_node(const struct sight *s)
{
  return s->node || (s->socket && !s->log);
}

const char *sight_place(const struct sight *s)
{
  const char *socket = s->socket ? s->socket : getenv("TOGUNA_SOCKET");
  return !is_node(s) ? s->log ? s->log : "." : socket ? socket : "/run/toguna/node.sock";
}

enum tg_err sight_open(struct call *call, const struct sight *sight, struct review **ret, struct tg_why *why)
{
  static struct asking asking;
  struct showing s = {.began = clock_mono()};
  const struct review_place place = {.folder = sight_place(sight),
                                     .ask = is_node(sight) ? ask_node : NULL,
                                     .ask_arg = &asking,
                                     .charter = sight->charter,
                                     .key = sight->key,
                                     .index = sight->index};
  const bool watched = !call->json && isatty(STDERR_FILENO);
  asking = (struct asking){call, sight->socket};
  if (sight->log && (sight->node || sight->socket))
    return why_set(why, TG_USAGE, "--log", N_("say once where to look"), N_("Name a folder (--log), or a node (--node)"), NULL, NULL, NULL);
  if (sight->receipts && !is_node(sight))
    return why_set(why, TG_USAGE, "--receipts", N_("only a node can be asked for its own receipts"), N_("Give --node too: a hub's log, and a copy, hold the receipts of all"), NULL,
                   NULL, NULL);
  enum tg_err err = sight->receipts ? fetch_receipts(&asking, watched, why) : TG_OK;
  if (err != TG_OK)
    return err;
  err = review_open(&place, watched ? progress : NULL, &s, ret, why);
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
