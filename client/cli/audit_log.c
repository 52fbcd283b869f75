/* toguna audit log, show: the entries of a log, checked, by what they say. */
#include "client/cli/sight.h"

#include "keys/note.h"

#include <stdio.h>
#include <string.h>

struct log_options {
  struct common common;
  SIGHT_MEMBERS;
  char *from, *to, *state, *topic, *decision, *precedence, *who, *role, *type, *rule, *subject;
  bool oldest;
  uint64_t count, cursor;
};

static enum tg_err filter_of(const struct log_options *o, struct review_filter *f, struct tg_why *why)
{
  *f = (struct review_filter){.state = o->state,
                              .topic = o->topic,
                              .decision = o->decision,
                              .precedence = o->precedence,
                              .who = o->who,
                              .role = o->role,
                              .type = o->type,
                              .rule = o->rule,
                              .subject = o->subject,
                              .oldest_first = o->oldest};
  enum tg_err err = sight_time(o->from, "--from", &f->from, why);
  if (!err)
    err = sight_time(o->to, "--to", &f->to, why);
  return err ? err : review_filter_check(f, why);
}

/* What one line says of it beyond its type. */
static const char *about(const json_t *e, char *out, size_t size)
{
  char topics[300], given[200], denied[200];
  const char *reason = sight_text(e, "reason_sentence");
  if (*reason) {
    snprintf(out, size, "%s", _(reason));
    return out;
  }
  sight_words(json_object_get(e, "topics"), topics, sizeof topics);
  sight_words(json_object_get(e, "given"), given, sizeof given);
  sight_words(json_object_get(e, "denied"), denied, sizeof denied);
  snprintf(out, size, "%s%s%s%s%s%s%s", topics, *given ? (*topics ? " > " : "> ") : "", given, *denied ? " (" : "",
           *denied ? _("not") : "", *denied ? " " : "", denied);
  if (*denied && strlen(out) + 2 < size)
    strcat(out, ")");
  return out;
}

static void print_page(const json_t *page)
{
  size_t i;
  const json_t *e;
  struct grid *g = grid_new(
      7, (const char *const[]){_("ENTRY"), _("TIME"), _("WHAT"), _("STATE"), _("NODE"), _("SUBJECT"), _("MORE")});
  json_array_foreach(json_object_get(page, "entries"), i, e) {
    char index[24], time[SHOW_TIME], id[16], more[900];
    snprintf(index, sizeof index, "%lld", (long long)json_integer_value(json_object_get(e, "index")));
    grid_row(g, (const char *const[]){index, sight_when(e, "time", time), sight_text(e, "type"), sight_text(e, "state"),
                                      sight_text(e, "actor"), sight_id(e, "subject", id), about(e, more, sizeof more)});
    if (strcmp(sight_text(e, "decision"), "refused") == 0 || strcmp(sight_text(e, "type"), "alarm") == 0)
      grid_tint(g, 2, TINT_BAD);
  }
  if (grid_rows(g))
    grid_print(g);
  else {
    grid_free(g);
    puts(_("No entry says this."));
  }
  const json_t *next = json_object_get(page, "next");
  if (json_is_integer(next))
    printf(_("There are more: --cursor %lld\n"), (long long)json_integer_value(next));
}

static enum tg_err run_log(struct call *call, struct tg_why *why)
{
  const struct log_options *o = call->options;
  struct review_filter f;
  struct review *r = NULL;
  json_t *page = NULL;
  enum tg_err err = filter_of(o, &f, why);
  if (!err)
    err = sight_open(call, SIGHT_OF(o), &r, why);
  if (!err)
    err = review_entries(r, &f, o->cursor, (unsigned)(o->count ? o->count : 50), &page, why);
  review_free(r);
  if (!err && call->json)
    show_json(json_incref(page));
  else if (!err)
    print_page(page);
  json_decref(page);
  return err;
}

#define WORD(name_, placeholder_, help_)                                                                               \
  {#name_, 0, OPTION_ONE, VALUE_TEXT, offsetof(struct log_options, name_), {.max = 128}, placeholder_, help_}

static const struct option_key log_options[] = {
    SIGHT_OPTIONS(struct log_options),
    WORD(from, N_("TIME"), N_("Not before: 2026-12-01, 2026-12-01T08:00:00Z, or how long ago (24h, 7d).")),
    WORD(to, N_("TIME"), N_("Before this time.")),
    WORD(state, N_("CODE"), N_("Of this state, or about a bulletin that it was given or denied.")),
    WORD(topic, N_("TOPIC"), N_("This topic, or one below it.")),
    WORD(decision, N_("WORD"), N_("accepted, refused, denied (to some), or not-all (refused, or denied to some).")),
    WORD(precedence, N_("WORD"), N_("flash, immediate, priority or routine.")),
    WORD(who, N_("NAME"), N_("A node or officer, by the beginning of its name (ML/dgse) or of its key in hex.")),
    WORD(role, N_("ROLE"), N_("node, or an officer's: policy, release, auditor, security.")),
    WORD(type, N_("TYPE"), N_("accepted, refused, forwarded, receipts, document, session-opened, ... alarm.")),
    WORD(rule, N_("WORD"), N_("Refused or denied by this stage (export, import, ...) or for this reason.")),
    WORD(subject, N_("ID"), N_("About the bulletin or document whose hash begins so.")),
    {"oldest", 0, OPTION_FLAG, VALUE_TEXT, offsetof(struct log_options, oldest), {0}, NULL, N_("Oldest first.")},
    {"count", 'n', OPTION_ONE, VALUE_NUMBER, offsetof(struct log_options, count), {.min = 1, .max = REVIEW_PAGE_MAX},
     N_("N"), N_("How many entries; 50 unless stated.")},
    {"cursor", 0, OPTION_ONE, VALUE_NUMBER, offsetof(struct log_options, cursor), {.max = INT64_MAX}, N_("N"),
     N_("Go on where the page before ended.")},
};

const struct command command_audit_log = {
    .noun = "audit",
    .verb = "log",
    .section = SECTION_LOOK,
    .summary = N_("List the entries of a log by time, state, topic, decision, precedence or person"),
    .operands = "",
    .about = N_("Every entry is held against its leaf, and all leaves against the root that the hub's log key signed, when "
                "it is first seen; it then stands in an index of your own, so that later questions are answered at once. What "
                "does not match is named, and nothing of it is shown."),
    .examples = "toguna audit log --log copy --charter charter.note\n"
                "toguna audit log --log copy --state TD --decision not-all --from 7d\n"
                "toguna audit log --log copy --topic alerte --precedence flash --json\n",
    .options = log_options,
    .n_options = sizeof log_options / sizeof *log_options,
    .size = sizeof(struct log_options),
    .run = run_log,
};

/* ---- show ---- */

struct show_options {
  struct common common;
  SIGHT_MEMBERS;
};

static void line(const char *label, const char *value)
{
  if (value && *value)
    printf("%s%*s %s\n", label, show_width(label) < 12 ? (int)(12 - show_width(label)) : 0, "", value);
}

static void print_rulings(const json_t *ruling)
{
  size_t i, k;
  const json_t *portion, *d;
  json_array_foreach(json_object_get(ruling, "portions"), i, portion) {
    char words[300];
    printf(_("portion %zu: permitted to %s\n"), i, sight_words(json_object_get(portion, "permitted"), words, sizeof words));
    json_array_foreach(json_object_get(portion, "denied"), k, d) {
      const char *rule = sight_text(d, "rule");
      printf("  %s: %s", sight_text(d, "state"), _(sight_text(d, "sentence")));
      if (*rule)
        printf(" (%s:%lld: %s)", sight_text(d, "file"), (long long)json_integer_value(json_object_get(d, "line")), rule);
      putchar('\n');
    }
  }
}

static void print_receipts(const json_t *list)
{
  size_t i;
  const json_t *one;
  json_array_foreach(list, i, one) {
    char id[16], time[SHOW_TIME];
    printf("  %s %s %s %s\n", sight_text(one, "node"), _(sight_text(one, "event")), sight_id(one, "bulletin", id),
           sight_when(one, "time", time));
  }
}

static void print_entry(const json_t *e)
{
  char time[SHOW_TIME], words[300], index[24];
  snprintf(index, sizeof index, "%lld", (long long)json_integer_value(json_object_get(e, "index")));
  line(_("entry"), index);
  line(_("what"), _(sight_text(e, "sentence")));
  line(_("time"), sight_when(e, "time", time));
  line(_("state"), sight_text(e, "state"));
  line(_("node"), sight_text(e, "actor"));
  line(_("subject"), sight_text(e, "subject"));
  line(_("reason"), *sight_text(e, "reason_sentence") ? _(sight_text(e, "reason_sentence")) : "");
  line(_("detail"), sight_text(e, "detail"));
  line(_("precedence"), sight_text(e, "precedence"));
  line(_("topics"), sight_words(json_object_get(e, "topics"), words, sizeof words));
  line(_("leaf"), sight_text(e, "leaf"));
  print_rulings(json_object_get(e, "ruling"));
  print_receipts(json_object_get(e, "receipts"));
  const char *text = sight_text(json_object_get(e, "document"), "text");
  if (*text)
    printf("\n%s", text);
}

static enum tg_err run_show(struct call *call, struct tg_why *why)
{
  const struct show_options *o = call->options;
  uint64_t index;
  struct review *r = NULL;
  json_t *entry = NULL;
  if (number_parse(slice_str(call->arg[0]), INT64_MAX, &index) != TG_OK)
    return why_set(why, TG_USAGE, call->arg[0], N_("an entry is given by its place in the log, a number from 0"),
                   N_("`toguna audit log` shows them"), NULL, NULL, NULL);
  enum tg_err err = sight_open(call, SIGHT_OF(o), &r, why);
  if (!err)
    err = review_entry(r, index, &entry, why);
  review_free(r);
  if (!err && call->json)
    show_json(json_incref(entry));
  else if (!err)
    print_entry(entry);
  json_decref(entry);
  return err;
}

static const struct option_key show_options[] = {SIGHT_OPTIONS(struct show_options)};

const struct command command_audit_show = {
    .noun = "audit",
    .verb = "show",
    .section = SECTION_LOOK,
    .summary = N_("Show one entry of a log with all that belongs to it"),
    .operands = N_("INDEX"),
    .min = 1,
    .max = 1,
    .examples = "toguna audit show 1042 --log copy --charter charter.note\n",
    .options = show_options,
    .n_options = sizeof show_options / sizeof *show_options,
    .size = sizeof(struct show_options),
    .run = run_show,
};
