#include "client/cli/box.h"
#include "client/cli/policy_replay.h"
#include "client/cli/sight.h"
#include "os/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- drafts ---- */

struct drafts {
  struct review_draft *draft;
  struct buf *bytes;
  size_t n;
};

static void drafts_free(struct drafts *d)
{
  for (size_t i = 0; d->bytes && i < d->n; i++)
    buf_free(&d->bytes[i]);
  free(d->bytes);
  free(d->draft);
}

/* The text of each, signed or not. drafts_free() in any case. */
static enum tg_err drafts_read(char *const *path, size_t n, struct drafts *ret, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  *ret = (struct drafts){calloc(n, sizeof *ret->draft), calloc(n, sizeof *ret->bytes), 0};
  if (!ret->draft || !ret->bytes)
    return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  for (size_t i = 0; !err && i < n; i++) {
    bool is_note;
    ret->draft[i].file = strrchr(path[i], '/') ? strrchr(path[i], '/') + 1 : path[i];
    err = box_read(path[i], &ret->bytes[i], why);
    ret->n = i + 1;
    if (!err)
      err = box_split(buf_slice(&ret->bytes[i]), path[i], &ret->draft[i].text, &is_note, why);
  }
  return err;
}

/* ---- telling ---- */

struct telling {
  const struct call *call;
  json_t *list; /* for --json */
  size_t told;
};

static void sentence_of(const json_t *d, char *out, size_t size)
{
  const json_t *args = json_object_get(d, "args");
  const char *arg[3];
  for (size_t i = 0; i < 3; i++) {
    const char *text = json_string_value(json_array_get(args, i));
    arg[i] = text ? text : "";
  }
  why_fill(_(sight_text(d, "sentence")), arg, out, size);
}

/* A review_difference. */
static void tell(void *arg, const json_t *d)
{
  struct telling *t = arg;
  char text[1024], id[16], time[SHOW_TIME];
  const bool opens = json_is_true(json_object_get(d, "opens"));
  sentence_of(d, text, sizeof text);
  t->told++;
  if (t->call->json) {
    json_t *copy = json_copy((json_t *)d);
    json_object_set_new(copy, "reason", json_string(text));
    json_array_append_new(t->list, copy);
    return;
  }
  show_tinted(opens ? TINT_WARN : TINT_GOOD, opens ? "+ " : "- ");
  printf(opens ? _("%1$s would have received %2$s from %3$s (%4$s, %5$s): %6$s\n")
               : _("%1$s would not have received %2$s from %3$s (%4$s, %5$s): %6$s\n"),
         sight_text(d, "member"), sight_id(d, "id", id), sight_text(d, "from"), sight_text(d, "topics"), sight_text(d, "marking"),
         text);
  printf(_("    entry %1$lld of the log, %2$s, portion %3$lld\n"), (long long)json_integer_value(json_object_get(d, "index")),
         sight_when(d, "time", time), (long long)json_integer_value(json_object_get(d, "portion")));
  if (*sight_text(d, "rule"))
    printf("    %s:%lld: %s\n", sight_text(d, "file"), (long long)json_integer_value(json_object_get(d, "line")),
           sight_text(d, "rule"));
}

static long long number(const json_t *j, const char *name)
{
  return json_integer_value(json_object_get(j, name));
}

static const char *nothing_told(const json_t *j)
{
  if (!number(j, "bulletins"))
    return _("No bulletin was decided again.");
  return number(j, "not_open") || number(j, "closed_entries") || number(json_object_get(j, "unclear"), "count")
             ? _("Of what can be decided again here, nothing would have been different.")
             : _("Nothing would have been different.");
}

/* A hub publishes its log a moment after it accepted a bulletin: what was not there yet is missing here, and the reader sees so. */
static void print_reach(const json_t *j)
{
  if (number(j, "entries"))
    printf(_("The log was read up to entry %1$lld; what the hub wrote later is not in it.\n"), number(j, "entries") - 1);
  else
    puts(_("The log has no entries yet."));
}

static void print_summary(const struct telling *t, const json_t *j)
{
  const json_t *unclear = json_object_get(j, "unclear");
  char id[16];
  if (!t->told)
    puts(nothing_told(j));
  printf(_("Bulletins decided again, each under the charter and policies of its time: %1$lld. Deliveries that would have been added: "
           "%2$lld; held back: %3$lld.\n"),
         number(j, "bulletins"), number(j, "opened"), number(j, "closed"));
  if (number(j, "not_open"))
    printf(_("Bulletins of which nothing is said, because what they were about is not open here: %1$lld.\n"), number(j, "not_open"));
  if (number(j, "closed_entries"))
    printf(_("Entries that are not open here at all, among which there may be more bulletins: %1$lld.\n"), number(j, "closed_entries"));
  if (number(unclear, "count"))
    printf(_("Bulletins of which nothing is said, because from what is open here the hub's own decision cannot be made again: %1$lld. "
             "The first is %2$s; see `toguna audit replay`.\n"),
           number(unclear, "count"), sight_id(unclear, "first", id));
  if (number(j, "refused"))
    printf(_("Bulletins that the hub refused, whose content nobody keeps: %1$lld. Nothing is said of them.\n"), number(j, "refused"));
  print_reach(j);
}

/* ---- the command ---- */

static enum tg_err check(const struct replay_options *o, struct tg_why *why)
{
  const char *wrong = o->documents.n ? "--documents" : o->hub ? "--hub" : o->limit ? "--limit" : o->log && o->node ? "--node" : NULL;
  return wrong ? why_set(why, TG_USAGE, wrong, N_("this option means nothing with %1$s"),
                         N_("The log names its hub and holds its documents: leave the option away"), o->log ? "--log" : "--node",
                         NULL, NULL)
               : TG_OK;
}

static enum tg_err suppose(struct call *call, struct review *r, const struct drafts *d, tg_time since, struct tg_why *why)
{
  struct telling t = {.call = call, .list = json_array()};
  json_t *summary = NULL;
  enum tg_err err = review_suppose(r, d->draft, d->n, clock_wall(), since, 0, tell, &t, &summary, why);
  if (!err && call->json) {
    json_object_set(summary, "differences", t.list);
    show_json(json_incref(summary));
  } else if (!err)
    print_summary(&t, summary);
  json_decref(summary);
  json_decref(t.list);
  return err;
}

enum tg_err policy_replay_log(struct call *call, struct tg_why *why)
{
  const struct replay_options *o = call->options;
  struct review *r = NULL;
  struct drafts d = {0};
  tg_time since = 0;
  enum tg_err err = check(o, why);
  if (!err)
    err = sight_time(o->since, "--since", &since, why);
  if (!err)
    err = drafts_read(call->arg, call->n, &d, why);
  if (!err)
    err = sight_open(call, SIGHT_OF(o), &r, why);
  if (!err)
    err = suppose(call, r, &d, since, why);
  review_free(r);
  drafts_free(&d);
  return err;
}
