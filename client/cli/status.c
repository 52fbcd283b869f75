/* toguna status, toguna doctor: how this node is, what is wrong, and what to do. */
#include "client/cli/reach.h"
#include "client/cli/show.h"

#include <stdio.h>
#include <string.h>

struct status_options {
  struct common common;
  char *socket;
};

static const char *text_at(const json_t *j, const char *a, const char *b)
{
  const json_t *v = b ? json_object_get(json_object_get(j, a), b) : json_object_get(j, a);
  const char *text = json_string_value(v);
  return text ? text : "-";
}

static json_int_t number_at(const json_t *j, const char *a, const char *b)
{
  return json_integer_value(b ? json_object_get(json_object_get(j, a), b) : json_object_get(j, a));
}

/* ---- status ---- */

static void count_line(struct grid *g, const char *name, const char *format, json_int_t a, json_int_t b,
                       json_int_t c)
{
  char text[160];
  snprintf(text, sizeof text, format, (long long)a, (long long)b, (long long)c);
  grid_row(g, (const char *const[]){name, text});
}

/* What keeps the hub from taking what waits here. */
static void hub_lines(struct grid *g, const json_t *hub)
{
  char text[300], when[SHOW_TIME];
  const char *refused_by = json_string_value(json_object_get(hub, "refused_by"));
  const char *again = json_string_value(json_object_get(hub, "asked_again"));
  tg_time t;
  if (refused_by) {
    snprintf(text, sizeof text, _("%s REFUSES THIS NODE'S KEY; see toguna doctor"), refused_by);
    grid_row(g, (const char *const[]){"", text});
    grid_tint(g, 1, TINT_BAD);
  }
  if (!json_is_true(json_object_get(hub, "full")))
    return;
  if (again && time_parse(slice_str(again), &t) == TG_OK)
    snprintf(text, sizeof text, _("its disk is FULL: what is published waits here, and is offered again at %s"), show_time(t, when));
  else
    snprintf(text, sizeof text, "%s", _("its disk is FULL: what is published waits here"));
  grid_row(g, (const char *const[]){"", text});
  grid_tint(g, 1, TINT_BAD);
}

static void print_status(const json_t *j)
{
  char text[160], hub[300], size[SHOW_SIZE];
  struct grid *g = grid_new(2, NULL);
  grid_row(g, (const char *const[]){_("node"), text_at(j, "node", NULL)});
  grid_row(g, (const char *const[]){_("exchange"), text_at(j, "charter", "exchange")});
  snprintf(text, sizeof text, "%lld", (long long)number_at(j, "charter", "version"));
  grid_row(g, (const char *const[]){_("charter version"), text});
  const char *state = text_at(j, "hub", "state");
  const char *endpoint = json_string_value(json_object_get(json_object_get(j, "hub"), "endpoint"));
  snprintf(hub, sizeof hub, "%s %s%s%s", text_at(j, "hub", "name"), _(state), endpoint && *endpoint ? ", " : "", endpoint ? endpoint : "");
  grid_row(g, (const char *const[]){_("hub"), hub});
  grid_tint(g, 1, strcmp(state, "open") ? TINT_WARN : TINT_GOOD);
  hub_lines(g, json_object_get(j, "hub"));
  const json_t *name;
  size_t i;
  json_array_foreach(json_object_get(json_object_get(j, "hub"), "distrusted"), i, name)
  {
    snprintf(text, sizeof text, _("%s SHOWED TWO HISTORIES: nothing of it is believed; see toguna doctor"), json_string_value(name));
    grid_row(g, (const char *const[]){_("ALARM"), text});
    grid_tint(g, 1, TINT_BAD);
  }
  const json_int_t entries = number_at(j, "hub", "log_size"), overdue = number_at(j, "sent", "overdue"), arriving = number_at(j, "arriving", NULL);
  count_line(g, _("log"), trn("%lld entry, %lld settled", "%lld entries, %lld settled", (uint64_t)entries), entries,
             number_at(j, "hub", "log_settled"), 0);
  count_line(g, _("inbox"), _("%lld current, %lld unread, %lld FLASH not acknowledged"),
             number_at(j, "inbox", "current"), number_at(j, "inbox", "unread"),
             number_at(j, "inbox", "unacknowledged_flash"));
  if (number_at(j, "inbox", "unacknowledged_flash"))
    grid_tint(g, 1, TINT_BAD);
  count_line(g, _("sent"), _("%lld spooled, %lld accepted, %lld refused"), number_at(j, "sent", "spooled"),
             number_at(j, "sent", "accepted"), number_at(j, "sent", "refused"));
  if (number_at(j, "sent", "waiting")) {
    count_line(g, _("waiting"), _("%lld for approvals: toguna approve"), number_at(j, "sent", "waiting"), 0, 0);
    grid_tint(g, 1, TINT_WARN);
  }
  if (overdue) {
    count_line(g, _("ALARM"),
               trn("receipts of %lld bulletin are OVERDUE; see toguna sent", "receipts of %lld bulletins are OVERDUE; see toguna sent", (uint64_t)overdue),
               overdue, 0, 0);
    grid_tint(g, 1, TINT_BAD);
  }
  count_line(g, _("arriving"), trn("%lld bulletin", "%lld bulletins", (uint64_t)arriving), arriving, 0, 0);
  if (json_is_integer(json_object_get(json_object_get(j, "machine"), "disk_free")))
    grid_row(g, (const char *const[]){_("disk free"),
                                      show_size((uint64_t)number_at(j, "machine", "disk_free"), size)});
  grid_row(g, (const char *const[]){_("release"), text_at(j, "version", NULL)});
  grid_print(g);
}

static enum tg_err run_status(struct call *call, struct tg_why *why)
{
  const struct status_options *o = call->options;
  json_t *j;
  enum tg_err err = reach_ask(call, o->socket, "status", NULL, &j, why);
  if (err != TG_OK)
    return err;
  if (call->json) {
    show_json(j);
    return TG_OK;
  }
  print_status(j);
  json_decref(j);
  return TG_OK;
}

static const struct option_key options[] = {REACH_OPTION(struct status_options)};

const struct command command_status = {
    .verb = "status",
    .section = SECTION_LOOK,
    .summary = N_("Show how this node is"),
    .operands = "",
    .examples = "toguna status\n"
                "toguna status --json\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct status_options),
    .run = run_status,
};

/* ---- doctor ---- */

static bool is_error(const json_t *finding)
{
  const char *severity = json_string_value(json_object_get(finding, "severity"));
  return severity && !strcmp(severity, "error");
}

static void print_finding(const json_t *finding)
{
  char text[1024];
  show_tinted(is_error(finding) ? TINT_BAD : TINT_WARN, is_error(finding) ? _("wrong") : _("worth knowing"));
  putchar('\n');
  show_wrapped(show_sentence(finding, "what", text, sizeof text), 2);
  if (*show_sentence(finding, "todo", text, sizeof text))
    show_wrapped(text, 2);
}

static enum tg_err run_doctor(struct call *call, struct tg_why *why)
{
  const struct status_options *o = call->options;
  json_t *j, *finding;
  size_t i, wrong = 0;
  enum tg_err err = reach_ask(call, o->socket, "doctor", NULL, &j, why);
  if (err != TG_OK)
    return err;
  json_array_foreach(json_object_get(j, "findings"), i, finding)
  {
    wrong += is_error(finding);
    if (!call->json)
      print_finding(finding);
  }
  if (!call->json && i == 0)
    puts(_("All is well."));
  if (call->json)
    show_json(j);
  else
    json_decref(j);
  char number[24];
  snprintf(number, sizeof number, "%zu", wrong);
  return wrong ? why_set(why, TG_BAD_PROOF, NULL, N_("things that must be mended: %1$s"), NULL, number, NULL,
                         NULL)
               : TG_OK;
}

const struct command command_doctor = {
    .verb = "doctor",
    .section = SECTION_LOOK,
    .summary = N_("Find what is wrong with this node, and say what to do"),
    .operands = "",
    .about = N_("Ends with code 3 when something must be mended, with 4 when the node does not answer."),
    .examples = "toguna doctor\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct status_options),
    .run = run_doctor,
};
