/* toguna audit overdue, anomalies, diff, export. */
#include "client/cli/sight.h"

#include "keys/note.h"
#include "os/clock.h"

#include <stdio.h>
#include <string.h>

struct watch_options {
  struct common common;
  SIGHT_MEMBERS;
  char *from, *to, *at;
};

static enum tg_err look(struct call *call, struct review **ret, struct tg_why *why)
{
  const struct watch_options *o = call->options;
  return sight_open(call, SIGHT_OF(o), ret, why);
}

static enum tg_err finish(struct call *call, struct review *r, enum tg_err err, json_t *answer, void (*print)(const json_t *))
{
  review_free(r);
  if (!err && call->json)
    show_json(json_incref(answer));
  else if (!err)
    print(answer);
  json_decref(answer);
  return err;
}

#define TIME_OPTION(name_, help_)                                                                                      \
  {#name_, 0, OPTION_ONE, VALUE_TEXT, offsetof(struct watch_options, name_), {.max = 40}, N_("TIME"), help_}

/* ---- overdue ---- */

static void print_overdue(const json_t *j)
{
  size_t i;
  const json_t *one;
  if (json_array_size(json_object_get(j, "overdue")) == 0) {
    puts(_("No receipt is overdue."));
    return;
  }
  struct grid *g = grid_new(5, (const char *const[]){_("BULLETIN"), _("PRECEDENCE"), _("RECIPIENT"), _("ACCEPTED"), _("DUE")});
  json_array_foreach(json_object_get(j, "overdue"), i, one) {
    char id[16], accepted[SHOW_TIME], due[SHOW_TIME];
    grid_row(g, (const char *const[]){sight_id(one, "bulletin", id), sight_text(one, "precedence"), sight_text(one, "node"),
                                      sight_when(one, "accepted", accepted), sight_when(one, "due", due)});
  }
  grid_print(g);
}

static enum tg_err run_overdue(struct call *call, struct tg_why *why)
{
  const struct watch_options *o = call->options;
  struct review *r = NULL;
  json_t *answer = NULL;
  tg_time at;
  enum tg_err err = sight_time(o->at, "--at", &at, why);
  if (!err)
    err = look(call, &r, why);
  if (!err)
    err = review_overdue(r, at ? at : clock_wall(), &answer, why);
  return finish(call, r, err, answer, print_overdue);
}

static const struct option_key overdue_options[] = {
    SIGHT_OPTIONS(struct watch_options),
    TIME_OPTION(at, N_("What was overdue at this time; now unless stated.")),
};

const struct command command_audit_overdue = {
    .noun = "audit",
    .verb = "overdue",
    .section = SECTION_LOOK,
    .summary = N_("List recipients that have not said in time that they have a bulletin"),
    .operands = "",
    .about = N_("A FLASH is due within 1 minute, IMMEDIATE 10 minutes, PRIORITY 1 hour, ROUTINE 12 hours after the hub accepted it."),
    .examples = "toguna audit overdue --log copy --charter charter.note\n",
    .options = overdue_options,
    .n_options = sizeof overdue_options / sizeof *overdue_options,
    .size = sizeof(struct watch_options),
    .run = run_overdue,
};

/* ---- anomalies ---- */

static void print_sentence(const json_t *one)
{
  char text[512];
  const json_t *args = json_object_get(one, "args");
  const char *const a[3] = {json_string_value(json_array_get(args, 0)), json_string_value(json_array_get(args, 1)),
                            json_string_value(json_array_get(args, 2))};
  const bool alarm = strcmp(sight_text(one, "kind"), "alarm") == 0;
  why_fill(_(sight_text(one, "sentence")), (const char *const[3]){alarm ? _(a[0]) : a[0], a[1], a[2]}, text, sizeof text);
  fputs(text, stdout);
}

static void print_anomalies(const json_t *j)
{
  size_t i;
  const json_t *one;
  if (json_array_size(json_object_get(j, "anomalies")) == 0)
    puts(_("Nothing unusual."));
  json_array_foreach(json_object_get(j, "anomalies"), i, one) {
    char time[SHOW_TIME];
    printf(_("%s  %s: "), sight_when(one, "time", time), _(sight_text(one, "kind")));
    print_sentence(one);
    putchar('\n');
  }
}

static enum tg_err run_anomalies(struct call *call, struct tg_why *why)
{
  const struct watch_options *o = call->options;
  struct review *r = NULL;
  json_t *answer = NULL;
  tg_time from, to;
  enum tg_err err = sight_time(o->from, "--from", &from, why);
  if (!err)
    err = sight_time(o->to, "--to", &to, why);
  if (!err)
    err = look(call, &r, why);
  if (!err)
    err = review_anomalies(r, from, to, &answer, why);
  return finish(call, r, err, answer, print_anomalies);
}

static const struct option_key anomalies_options[] = {
    SIGHT_OPTIONS(struct watch_options),
    TIME_OPTION(from, N_("Not before: 2026-12-01, 2026-12-01T08:00:00Z, or how long ago (24h, 7d).")),
    TIME_OPTION(to, N_("Before this time.")),
};

const struct command command_audit_anomalies = {
    .noun = "audit",
    .verb = "anomalies",
    .section = SECTION_LOOK,
    .summary = N_("List what is unusual: bursts, new pairs, rising denials, odd clocks, alarms"),
    .operands = "",
    .about = N_("Each with its reason in words and the figures behind it. None of it is an accusation: it is where an inspector looks first."),
    .examples = "toguna audit anomalies --log copy --from 7d --charter charter.note\n",
    .options = anomalies_options,
    .n_options = sizeof anomalies_options / sizeof *anomalies_options,
    .size = sizeof(struct watch_options),
    .run = run_anomalies,
};

/* ---- diff ---- */

/* Documents that took effect, each with whose it is. */
static void print_papers(const json_t *list)
{
  size_t i;
  const json_t *one;
  struct grid *g = grid_new(6, (const char *const[]){_("TIME"), _("DOCUMENT"), _("STATE"), _("HOLDER"), _("NUMBER"), _("HASH")});
  json_array_foreach(list, i, one) {
    char time[SHOW_TIME], id[16], serial[24] = "";
    const json_t *number = json_object_get(one, "serial");
    if (json_is_integer(number))
      snprintf(serial, sizeof serial, "%lld", (long long)json_integer_value(number));
    grid_row(g, (const char *const[]){sight_when(one, "time", time), _(sight_text(one, "kind")), sight_text(one, "state"), sight_text(one, "holder"),
                                      serial, sight_id(one, "hash", id)});
  }
  grid_print(g);
}

static void print_diff(const json_t *j)
{
  size_t i;
  const json_t *one;
  print_papers(json_object_get(j, "documents"));
  struct grid *g = grid_new(3, (const char *const[]){_("WHAT"), _("AS LONG BEFORE"), _("BETWEEN")});
  json_array_foreach(json_object_get(j, "counts"), i, one) {
    char before[24], between[24];
    snprintf(before, sizeof before, "%lld", (long long)json_integer_value(json_object_get(one, "before")));
    snprintf(between, sizeof between, "%lld", (long long)json_integer_value(json_object_get(one, "between")));
    grid_row(g, (const char *const[]){_(sight_text(one, "sentence")), before, between});
  }
  grid_print(g);
  json_array_foreach(json_object_get(j, "new_pairs"), i, one) {
    print_sentence(one);
    putchar('\n');
  }
}

static enum tg_err run_diff(struct call *call, struct tg_why *why)
{
  struct review *r = NULL;
  json_t *answer = NULL;
  tg_time from, to;
  enum tg_err err = sight_time(call->arg[0], call->arg[0], &from, why);
  if (!err)
    err = sight_time(call->arg[1], call->arg[1], &to, why);
  if (!err)
    err = look(call, &r, why);
  if (!err)
    err = review_diff(r, from, to, &answer, why);
  return finish(call, r, err, answer, print_diff);
}

static const struct option_key plain_options[] = {SIGHT_OPTIONS(struct watch_options)};

const struct command command_audit_diff = {
    .noun = "audit",
    .verb = "diff",
    .section = SECTION_LOOK,
    .summary = N_("Show what changed between two times: documents, traffic, who shares with whom"),
    .operands = N_("TIME TIME"),
    .min = 2,
    .max = 2,
    .examples = "toguna audit diff 2026-11-01 2026-12-01 --log copy --charter charter.note\n",
    .options = plain_options,
    .n_options = sizeof plain_options / sizeof *plain_options,
    .size = sizeof(struct watch_options),
    .run = run_diff,
};

/* ---- export ---- */

static void print_export(const char *folder, const json_t *about, uint64_t open)
{
  const uint64_t size = (uint64_t)json_integer_value(json_object_get(about, "size"));
  printf(trn("%s: %llu entry of %s, open: %llu, under root %s\n", "%s: %llu entries of %s, %llu of them open, under root %s\n", size), folder,
         (unsigned long long)size, sight_text(about, "log"), (unsigned long long)open, sight_text(about, "root"));
}

static enum tg_err run_export(struct call *call, struct tg_why *why)
{
  struct review *r = NULL;
  json_t *about = NULL;
  uint64_t entries;
  enum tg_err err = look(call, &r, why);
  if (!err)
    err = review_export(r, call->arg[0], &entries, why);
  if (!err)
    err = review_about(r, &about, why);
  if (!err && call->json)
    show_json(json_pack("{s:s,s:I,s:O,s:O,s:O}", "folder", call->arg[0], "entries", (json_int_t)entries, "log",
                        json_object_get(about, "log"), "size", json_object_get(about, "size"), "root", json_object_get(about, "root")));
  else if (!err)
    print_export(call->arg[0], about, entries);
  json_decref(about);
  review_free(r);
  return err;
}

const struct command command_audit_export = {
    .noun = "audit",
    .verb = "export",
    .section = SECTION_LOOK,
    .summary = N_("Copy a log with all its openings and documents, for an inspector elsewhere"),
    .operands = N_("FOLDER"),
    .min = 1,
    .max = 1,
    .about = N_("The folder must not exist. The copy says who sent what to whom and when: it is as sensitive as the hub itself, and only "
                "its owner may read it."),
    .examples = "toguna audit export copy --log /var/lib/toguna --charter charter.note\n",
    .options = plain_options,
    .n_options = sizeof plain_options / sizeof *plain_options,
    .size = sizeof(struct watch_options),
    .run = run_export,
};
