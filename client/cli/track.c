/* toguna track: who has a bulletin of ours, and what became of it there. */
#include "client/cli/bulletin.h"
#include "client/cli/reach.h"
#include "client/cli/waiting.h"

#include <stdio.h>
#include <string.h>

struct track_options {
  struct common common;
  char *socket;
};

enum { EVENTS = TOGUNA_IMPORT_REFUSED + 1 };

/* What one node said. */
struct recipient {
  const char *node, *member;
  bool said[EVENTS];
  int64_t time[EVENTS];
  const char *detail[EVENTS];
  const char *held; /* why; NULL: it is not */
};

struct tracking {
  struct arena *arena;
  struct recipient *recipient;
  size_t n, room;
};

static struct recipient *recipient_of(struct tracking *t, const struct toguna_track *track)
{
  for (size_t i = 0; i < t->n; i++)
    if (!strcmp(t->recipient[i].node, track->node))
      return &t->recipient[i];
  if (t->n == t->room) {
    size_t room = t->room ? 2 * t->room : 16;
    struct recipient *more = reach_room(t->arena, room, sizeof *more);
    if (t->n)
      memcpy(more, t->recipient, t->n * sizeof *more);
    t->recipient = more;
    t->room = room;
  }
  struct recipient *r = &t->recipient[t->n++];
  *r = (struct recipient){.node = reach_text(t->arena, track->node),
                          .member = reach_text(t->arena, track->member)};
  return r;
}

static int note(void *context, const struct toguna_track *track)
{
  struct tracking *t = context;
  if ((unsigned)track->event >= EVENTS)
    return 0; /* of a later release */
  struct recipient *r = recipient_of(t, track);
  r->said[track->event] = true;
  r->time[track->event] = track->time;
  r->detail[track->event] = reach_text(t->arena, track->detail);
  if (track->held)
    r->held = r->detail[track->event];
  return 0;
}

/* ---- for people ---- */

static const char *time_cell(const struct recipient *r, enum toguna_event event, char out[SHOW_TIME])
{
  return r->said[event] ? show_time(r->time[event], out) : "-";
}

/* What else it said, such as "recall-refused 2026-12-01 14:03:05 CET". */
static const char *other_cell(const struct recipient *r, char *out, size_t size)
{
  size_t n = 0;
  out[0] = 0;
  if (r->held)
    n = (size_t)snprintf(out, size, _("held: %s"), r->held);
  for (unsigned e = TOGUNA_PURGED; e < EVENTS && n < size; e++) {
    char time[SHOW_TIME];
    if (r->said[e])
      n += (size_t)snprintf(out + n, size - n, "%s%s %s%s%s", n ? ", " : "",
                            _(bulletin_event((enum toguna_event)e)), show_time(r->time[e], time),
                            r->detail[e] && *r->detail[e] ? ": " : "", r->detail[e] ? r->detail[e] : "");
  }
  return out;
}

static void print(const struct tracking *t, const struct toguna_item *item, bool ours)
{
  bulletin_card(item, ours);
  putchar('\n');
  if (!t->n) {
    puts(_("No recipient is known."));
    return;
  }
  struct grid *g = grid_new(
      5, (const char *const[]){_("RECIPIENT"), _("STORED"), _("READ"), _("ACKNOWLEDGED"), _("ELSE")});
  for (size_t i = 0; i < t->n; i++) {
    const struct recipient *r = &t->recipient[i];
    char stored[SHOW_TIME], read[SHOW_TIME], acknowledged[SHOW_TIME], other[600];
    grid_row(g, (const char *const[]){
                    r->node, time_cell(r, TOGUNA_STORED, stored), time_cell(r, TOGUNA_READ, read),
                    time_cell(r, TOGUNA_ACKNOWLEDGED, acknowledged), other_cell(r, other, sizeof other)});
    if (!r->said[TOGUNA_STORED] && !other[0])
      grid_tint(g, 0, TINT_WARN);
  }
  grid_print(g);
}

/* ---- for programs ---- */

static json_t *recipient_json(const struct recipient *r)
{
  json_t *events = json_array();
  for (unsigned e = TOGUNA_STORED; e < EVENTS; e++)
    if (r->said[e])
      json_array_append_new(
          events, json_pack("{s:s, s:o, s:s}", "event", bulletin_event((enum toguna_event)e), "time",
                            json_time(r->time[e]), "detail", r->detail[e] ? r->detail[e] : ""));
  return json_pack("{s:s, s:s, s:o, s:s?}", "node", r->node, "member", r->member, "events", events, "held", r->held);
}

static void print_json(const struct tracking *t, const struct toguna_item *item, bool ours)
{
  json_t *recipients = json_array();
  for (size_t i = 0; i < t->n; i++)
    json_array_append_new(recipients, recipient_json(&t->recipient[i]));
  show_json(json_pack("{s:o, s:o}", "bulletin", bulletin_json(item, ours), "recipients", recipients));
}

/* ---- what waits for approvals, or did ---- */

/* Its id begins so; *ret_found stays false when none does, or it is not for this user to see. What it became is found under the
   bulletin's own id. */
static enum tg_err track_waiting(struct call *call, struct toguna *node, struct arena *arena, bool *ret_found, struct tg_why *why)
{
  const struct waiting_draft *drafts;
  struct toguna_error said = call->said;
  json_t *json;
  size_t n;
  enum tg_err err = waiting_ask(call, node, call->arg[0], arena, &drafts, &n, &json, why);
  if (err == TG_REFUSED || err == TG_USAGE || (err == TG_OK && n != 1)) {
    call->said = said;
    if (err == TG_OK)
      json_decref(json);
    return TG_OK;
  }
  if (err != TG_OK)
    return err;
  *ret_found = true;
  if (call->json) {
    show_json(json_pack("{s:o, s:[]}", "bulletin", waiting_json(drafts), "recipients"));
  } else {
    bulletin_card(drafts->item, true);
    putchar('\n');
    waiting_missing(drafts);
  }
  json_decref(json);
  return TG_OK;
}

static enum tg_err track_sent(struct call *call, struct toguna *node, const struct toguna_item *item, struct arena *arena)
{
  struct tracking t = {.arena = arena};
  struct toguna_error error;
  if (toguna_track(node, &item->id, note, &t, &error) != TOGUNA_OK)
    return call_said(call, &error);
  if (call->json)
    print_json(&t, item, reach_is_ours(node, item));
  else
    print(&t, item, reach_is_ours(node, item));
  return TG_OK;
}

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const struct track_options *o = call->options;
  struct arena *arena = reach_arena();
  const struct toguna_item *item;
  struct toguna *node = NULL;
  bool waits = false;
  enum tg_err err = reach_open(call, o->socket, &node);
  if (err == TG_OK) {
    err = reach_find(call, node, call->arg[0], arena, &item);
    if (err == TG_OK) {
      err = track_sent(call, node, item, arena);
    } else if (err == TG_NOT_FOUND) {
      enum tg_err looked = track_waiting(call, node, arena, &waits, why);
      err = waits || looked != TG_OK ? looked : err;
    }
  }
  toguna_close(node);
  arena_free(arena);
  return err;
}

static const struct option_key options[] = {REACH_OPTION(struct track_options)};

const struct command command_track = {
    .verb = "track",
    .section = SECTION_BULLETINS,
    .summary = N_("Show who has a bulletin of ours, and what became of it there"),
    .operands = N_("ID"),
    .min = 1,
    .max = 1,
    .about = N_("Every time is a signed statement of that recipient's node. \"-\" means that it has said "
                "nothing yet; held, that the hub keeps it back, by the policies in force now. Of a bulletin that waits for approvals: who is missing."),
    .examples = "toguna track 3f2a\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct track_options),
    .run = run,
};
