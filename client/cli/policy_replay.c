/* toguna policy replay: what drafts would have done to the bulletins that this node sent and received. */
#include "client/cli/policy_replay.h"

#include "client/cli/bulletin.h"
#include "client/cli/question.h"
#include "client/cli/reach.h"
#include "client/cli/show.h"
#include "client/cli/sight.h"
#include "client/cli/wish.h"
#include "os/clock.h"

#include <stdio.h>

struct replaying {
  const struct call *call;
  struct policies p;
  struct policy_set *drafts;
  struct country hub;
  tg_time at;
  json_t *list;
  size_t bulletins, unclear; /* unclear: the exchange has changed too much for it to be asked */
  size_t opened, closed;     /* (bulletin, portion, state) */
};

/* --- one portion --- */

/* What is asked about it; borrows from the item. */
struct asked {
  const struct toguna_item *item;
  const struct toguna_portion_info *info;
  struct holder from;
  struct slice topics[POLICY_TOPICS_MAX];
  struct policy_portion portion;
  struct policy_request request;
};

enum { NAMES_MAX = 512 };

static size_t names(const char *const *list, struct slice *out, size_t n)
{
  for (size_t i = 0; list && list[i] && n < NAMES_MAX; i++)
    out[n++] = slice_str(list[i]);
  return n;
}

/* Blocs as they stood when it was published. */
static bool resolve(const struct replaying *x, struct asked *a)
{
  struct slice name[NAMES_MAX];
  size_t n_to = names(a->info->to, name, 0), n = names(a->info->except, name, n_to);
  struct release_list list = {name, n_to, name + n_to, n - n_to};
  return directory_resolve(x->p.folio->directory, &list, a->item->created, &a->portion.release, NULL) == TG_OK;
}

/* It went out, so whoever had to approve it did: as many as today's policies ask for are taken as given. */
static bool count_approvals(const struct replaying *x, struct asked *a)
{
  struct policy_decision d;
  if (policy_decide(x->p.set, &a->request, &d))
    return false;
  a->request.approvals = d.portions[0].approvals;
  return true;
}

static bool prepare(const struct replaying *x, const struct toguna_item *item, const struct toguna_portion_info *info,
                    struct asked *a)
{
  size_t n = 0;
  *a = (struct asked){.item = item, .info = info};
  while (item->topics[n] && n < POLICY_TOPICS_MAX) {
    a->topics[n] = slice_str(item->topics[n]);
    n++;
  }
  int originator = holder_parse(slice_str(item->originator), &a->from)
                       ? -1
                       : directory_member_index(x->p.folio->directory, a->from.member);
  a->portion = (struct policy_portion){.level = (uint8_t)info->level,
                                       .tlp = (uint8_t)info->tlp,
                                       .orcon = info->caveats & TOGUNA_ORCON,
                                       .label = slice_str(info->label ? info->label : ""),
                                       .size = info->size};
  a->request = (struct policy_request){.originator = (unsigned)originator,
                                       .agency = slice_str(a->from.agency),
                                       .suite = 1,
                                       .time = x->at,
                                       .expires = x->at + TG_DAY,
                                       .topic_count = n,
                                       .topics = a->topics,
                                       .hub_count = 1,
                                       .hubs = &x->hub,
                                       .portion_count = 1,
                                       .portions = &a->portion};
  return originator >= 0 && resolve(x, a) && count_approvals(x, a);
}

/* --- telling --- */

static void tell(struct replaying *x, const struct asked *a, const char *member, const struct policy_reason *r)
{
  char id[BULLETIN_SHORT], mark[BULLETIN_MARK], text[1024], rule[QUESTION_RULE], topics[320] = "";
  bool opens = r->stage == POLICY_PERMITTED;
  size_t n = 0;
  for (size_t i = 0; i < a->request.topic_count && n < sizeof topics; i++)
    n += (size_t)snprintf(topics + n, sizeof topics - n, "%s%s", i ? " " : "", a->item->topics[i]);
  why_render(&r->why, tr, text, sizeof text);
  question_rule(r, rule);
  bulletin_mark(a->info->level, a->info->tlp, a->info->caveats, mark);
  if (x->call->json) {
    json_array_append_new(
        x->list, json_pack("{s:o,s:i,s:s,s:s,s:s,s:s,s:b,s:s,s:s,s:i,s:s,s:s}", "id", bulletin_id_json(&a->item->id),
                           "portion", (int)a->info->index, "from", a->item->originator, "member", member, "topics", topics,
                           "marking", mark, "opens", opens, "stage", policy_stage_name(r->stage), "file",
                           r->policy ? policy_file(r->policy) : "", "line", (int)r->line, "rule", rule, "reason", text));
    return;
  }
  show_tinted(opens ? TINT_WARN : TINT_GOOD, opens ? "+ " : "- ");
  printf(opens ? _("%1$s would have received %2$s from %3$s (%4$s, %5$s): %6$s\n")
               : _("%1$s would not have received %2$s from %3$s (%4$s, %5$s): %6$s\n"),
         member, bulletin_short(&a->item->id, id), a->item->originator, topics, mark, text);
  if (rule[0])
    printf("    %s:%u: %s\n", policy_file(r->policy), (unsigned)r->line, rule);
}

static bool replay_portion(struct replaying *x, const struct asked *a)
{
  const struct memberset *release = &a->portion.release;
  for (unsigned m = memberset_next(release, 0); m < MEMBERS_MAX; m = memberset_next(release, m + 1)) {
    struct policy_reason today, then;
    if (m == a->request.originator)
      continue;
    if (policy_explain(x->p.set, &a->request, 0, m, POLICY_ASKED_BY_ALL, &today) ||
        policy_explain(x->drafts, &a->request, 0, m, POLICY_ASKED_BY_ALL, &then))
      return false;
    bool was = today.stage == POLICY_PERMITTED, is = then.stage == POLICY_PERMITTED;
    if (was == is)
      continue;
    x->opened += is;
    x->closed += was;
    tell(x, a, directory_member_code(x->p.folio->directory, m)->code, &then);
  }
  return true;
}

static int replay(void *context, const struct toguna_item *item)
{
  struct replaying *x = context;
  bool clear = true;
  for (size_t i = 0; item->portions && item->portions[i]; i++) {
    struct asked a;
    clear = prepare(x, item, item->portions[i], &a) && replay_portion(x, &a) && clear;
  }
  x->bulletins++;
  x->unclear += !clear;
  return 0;
}

/* --- the command --- */

static enum tg_err each_folder(struct call *call, struct replaying *x, struct tg_why *why)
{
  const struct replay_options *o = call->options;
  struct toguna_filter filter = {.limit = o->limit};
  struct toguna_error error;
  struct toguna *node;
  enum tg_err err = o->since ? wish_time("--since", o->since, true, &filter.since, why) : TG_OK;
  if (err == TG_OK)
    err = reach_open(call, o->socket, &node);
  if (err != TG_OK)
    return err;
  for (int folder = TOGUNA_INBOX; err == TG_OK && folder <= TOGUNA_SENT; folder++) {
    filter.folder = (enum toguna_folder)folder;
    if (toguna_list(node, &filter, replay, x, &error) != TOGUNA_OK)
      err = call_said(call, &error);
  }
  toguna_close(node);
  return err;
}

static void finish(struct replaying *x)
{
  char time[SHOW_TIME];
  if (x->call->json) {
    show_json(json_pack("{s:o,s:I,s:I,s:I,s:I,s:O}", "at", json_time(x->at), "bulletins", (json_int_t)x->bulletins,
                        "unclear", (json_int_t)x->unclear, "opened", (json_int_t)x->opened, "closed",
                        (json_int_t)x->closed, "differences", x->list));
    return;
  }
  if (!x->opened && !x->closed)
    puts(x->bulletins ? _("Nothing would have been different.") : _("No bulletin was decided again."));
  printf(_("Bulletins decided again: %1$zu, as of %2$s. Deliveries that would have been added: %3$zu; held back: %4$zu.\n"),
         x->bulletins, show_time(x->at, time), x->opened, x->closed);
  if (x->unclear)
    printf(_("Bulletins that say too little to be decided again: %1$zu (a blind audience, or states that are gone).\n"),
           x->unclear);
}

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const struct replay_options *o = call->options;
  if (o->log || o->node)
    return policy_replay_log(call, why);
  struct replaying x = {.call = call, .list = json_array()};
  tg_time now = clock_wall();
  enum tg_err err = policies_ask(call, &o->documents, o->socket, now, &x.p, why);
  if (err == TG_OK)
    err = policies_hub(&x.p, o->hub, now, &x.hub, why);
  if (err == TG_OK)
    err = policies_with(&x.p, call->arg, call->n, now, &x.drafts, &x.at, why);
  if (err == TG_OK)
    err = each_folder(call, &x, why);
  if (err == TG_OK)
    finish(&x);
  json_decref(x.list);
  policy_set_free(x.drafts);
  policies_free(&x.p);
  return err;
}

static const struct option_key options[] = {
    POLICIES_OPTION_WHERE(struct replay_options),
    {"since", 0, OPTION_ONE, VALUE_TEXT, offsetof(struct replay_options, since), {0}, N_("WHEN"),
     N_("Only from then on: 24h, or 2026-12-01T00:00:00Z.")},
    {"limit", 0, OPTION_ONE, VALUE_NUMBER, offsetof(struct replay_options, limit), {.min = 1}, N_("N"),
     N_("Only the newest N of each folder.")},
    POLICIES_OPTION_HUB(struct replay_options),
    REACH_OPTION(struct replay_options),
    {"log", 0, OPTION_ONE, VALUE_PATH, offsetof(struct replay_options, log), {0}, N_("FOLDER"),
     N_("Not over what the node has, but over a log: a hub's folder, or a copy that `toguna audit export` made.")},
    {"node", 0, OPTION_FLAG, VALUE_BOOL, offsetof(struct replay_options, node), {0}, NULL,
     N_("As with --log, over what this machine's node can prove of the log.")},
    SIGHT_OPTIONS_TRUST(struct replay_options),
};

const struct command command_policy_replay = {
    .noun = "policy",
    .verb = "replay",
    .section = SECTION_PAPERS,
    .summary = N_("Say what drafts would have changed for the bulletins of a node, or of a log"),
    .operands = N_("DRAFT..."),
    .min = 1,
    .max = OPERANDS_ANY,
    .about = N_("Takes every bulletin that the node sent or received, and decides it again: under the policies in force today, and with the "
                "drafts in place of those of their states. Only what differs is shown: a plus is a delivery that the drafts add, a "
                "minus one that they hold back. Approvals that today's policies ask for count as given. Nothing is sent. "
                "With --log or --node every bulletin that the hub accepted is decided again, entry by entry: under the charter and policies of its "
                "own time, with the drafts in place of those of their states. What the hub logged is what was. A bulletin that is not "
                "open there, or whose decision cannot be made again exactly, is counted and not guessed."),
    .examples = "toguna policy replay ML-2.policy\n"
                "toguna policy replay ML-2.policy --since 30d --json\n"
                "toguna policy replay ML-2.policy --log /var/lib/togunad --charter charter.note\n"
                "toguna policy replay ML-2.policy --node\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct replay_options),
    .run = run,
};
