/* toguna inbox, toguna sent: the bulletins of this node, in a table or as they come. */
#include "client/cli/bulletin.h"
#include "client/cli/waiting.h"
#include "client/cli/wish.h"
#include "keys/name.h"
#include "policy/pattern.h"

#include <stdio.h>
#include <string.h>

struct inbox_options {
  struct common common;
  char *socket, *from, *topic, *since;
  bool unread, follow;
  uint64_t limit;
};

struct showing {
  bool json, sent;
  struct grid *grid; /* for people; NULL before the first */
  json_t *list;      /* for programs */
};

static int add(void *context, const struct toguna_item *item)
{
  struct showing *s = context;
  if (s->json) {
    json_array_append_new(s->list, bulletin_json(item, s->sent));
    return 0;
  }
  if (!s->grid)
    s->grid = bulletin_table(s->sent);
  bulletin_row(s->grid, item, s->sent);
  return 0;
}

static enum tg_err list(struct call *call, struct toguna *node, const struct toguna_filter *filter)
{
  struct toguna_error error;
  struct showing s = {.json = call->json, .sent = filter->folder == TOGUNA_SENT};
  if (s.json)
    s.list = json_array();
  enum toguna_err err = toguna_list(node, filter, add, &s, &error);
  if (s.grid)
    grid_print(s.grid);
  else if (!s.json && err == TOGUNA_OK)
    puts(_("There are no such bulletins."));
  if (s.json && err == TOGUNA_OK)
    show_json(s.list);
  else
    json_decref(s.list);
  return err == TOGUNA_OK ? TG_OK : call_said(call, &error);
}

static int say(void *context, const struct toguna_item *item)
{
  const struct showing *s = context;
  if (s->json)
    show_json(bulletin_json(item, s->sent));
  else
    bulletin_line(item, s->sent);
  return fflush(stdout) != 0; /* who cannot be told need not wait; main says why */
}

static enum tg_err follow(struct call *call, struct toguna *node, const struct toguna_filter *filter)
{
  struct toguna_error error;
  struct toguna_subscription *subscription = NULL;
  struct showing s = {.json = call->json, .sent = filter->folder == TOGUNA_SENT};
  struct toguna_filter urgent = *filter;
  urgent.ahead = true;
  enum toguna_err err = toguna_subscribe(node, &urgent, &subscription, &error);
  if (err == TOGUNA_OK)
    err = toguna_run(subscription, say, &s, &error);
  toguna_subscription_free(subscription);
  return err == TOGUNA_OK ? TG_OK : call_said(call, &error);
}

static enum tg_err check(const struct inbox_options *o, struct tg_why *why)
{
  if (o->topic && !pattern_valid(slice_str(o->topic)))
    return why_set(why, TG_USAGE, "--topic", N_("%1$s is not a topic, nor a pattern of one"),
                   N_("Write it as alert.attack, or alert.** for all alerts"), o->topic, NULL, NULL);
  struct holder holder;
  if (o->from && holder_parse(slice_str(o->from), &holder) != TG_OK)
    return why_set(why, TG_USAGE, "--from", N_("%1$s is neither a state nor an agency"),
                   N_("Write states as ML, agencies as ML/dgse"), o->from, NULL, NULL);
  return TG_OK;
}

/* Below what was sent: what is not sent yet. Who may not see it is shown nothing. */
static void list_waiting(struct call *call, struct toguna *node)
{
  struct arena *arena = reach_arena();
  const struct toguna_error said = call->said;
  const struct waiting_draft *drafts;
  struct tg_why why;
  json_t *json;
  size_t n;
  if (waiting_ask(call, node, NULL, arena, &drafts, &n, &json, &why) == TG_OK) {
    if (n) {
      printf("\n%s\n", _("Waiting for approvals:"));
      waiting_table(drafts, n);
    }
    json_decref(json);
  }
  call->said = said;
  arena_free(arena);
}

static enum tg_err look(struct call *call, enum toguna_folder folder, struct tg_why *why)
{
  const struct inbox_options *o = call->options;
  struct toguna_filter filter = {
      .folder = folder, .unread = o->unread, .from = o->from, .topic = o->topic, .limit = o->limit};
  struct toguna *node;
  enum tg_err err = check(o, why);
  if (err == TG_OK && o->since)
    err = wish_time("--since", o->since, true, &filter.since, why);
  if (err == TG_OK)
    err = reach_open(call, o->socket, &node);
  if (err != TG_OK)
    return err;
  err = o->follow ? follow(call, node, &filter) : list(call, node, &filter);
  if (err == TG_OK && !o->follow && !call->json && folder == TOGUNA_SENT)
    list_waiting(call, node);
  toguna_close(node);
  return err;
}

static enum tg_err run_inbox(struct call *call, struct tg_why *why)
{
  return look(call, TOGUNA_INBOX, why);
}
static enum tg_err run_sent(struct call *call, struct tg_why *why)
{
  return look(call, TOGUNA_SENT, why);
}

#define ROW(option, shape, kind, field, placeholder, help)                                                   \
  {                                                                                                          \
    option, 0, shape, kind, offsetof(struct inbox_options, field), {0}, placeholder, help                    \
  }
#define COMMON_ROWS                                                                                          \
  ROW("topic", OPTION_ONE, VALUE_TEXT, topic, N_("TOPIC"),                                                   \
      N_("Only this topic; * and ** stand for labels: alert.**")),                                           \
      ROW("since", OPTION_ONE, VALUE_TEXT, since, N_("WHEN"),                                                \
          N_("Only from then on: 24h, or 2026-12-01T00:00:00Z.")),                                           \
      {"limit",   0,        OPTION_ONE, VALUE_NUMBER, offsetof(struct inbox_options, limit), {.min = 1},     \
       N_("N"),   N_("Only the newest N.")},                                                                 \
      ROW("follow", OPTION_FLAG, VALUE_BOOL, follow, NULL, N_("Then wait, and show each as it comes.")),     \
      REACH_OPTION(struct inbox_options)

static const struct option_key inbox_options[] = {
    ROW("unread", OPTION_FLAG, VALUE_BOOL, unread, NULL, N_("Only what nobody here has read.")),
    ROW("from", OPTION_ONE, VALUE_TEXT, from, N_("NAME"), N_("Only from this state or agency: ML, ML/dgse.")),
    COMMON_ROWS,
};
static const struct option_key sent_options[] = {COMMON_ROWS};

const struct command command_inbox = {
    .verb = "inbox",
    .section = SECTION_BULLETINS,
    .summary = N_("Show the bulletins that have come"),
    .operands = "",
    .about = N_("Oldest first. With --json: one array, or with --follow one object a line. \"one missing "
                "before\" says that a "
                "bulletin which its originator numbered before this one has not come."),
    .examples = "toguna inbox --unread\n"
                "toguna inbox --from ML --topic 'alert.**' --since 24h\n"
                "toguna inbox --follow --json\n",
    .options = inbox_options,
    .n_options = sizeof inbox_options / sizeof *inbox_options,
    .size = sizeof(struct inbox_options),
    .run = run_inbox,
};

const struct command command_sent = {
    .verb = "sent",
    .section = SECTION_BULLETINS,
    .summary = N_("Show the bulletins that this node has sent"),
    .operands = "",
    .about = N_("The state is how far each is: spooled by the node, accepted by the hub, delivered to "
                "everybody, settled in "
                "the witnessed log; or refused, or expired. toguna track tells more about one. What waits for approvals is listed "
                "below."),
    .examples = "toguna sent --since 24h\n"
                "toguna sent --json\n",
    .options = sent_options,
    .n_options = sizeof sent_options / sizeof *sent_options,
    .size = sizeof(struct inbox_options),
    .run = run_sent,
};
