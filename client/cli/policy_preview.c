/* toguna policy preview: who receives a described bulletin today, and who would under drafts. */
#include "client/cli/question.h"
#include "client/cli/reach.h"
#include "client/cli/show.h"
#include "keys/country.h"
#include "os/clock.h"

#include <stdio.h>

struct preview_options {
  struct common common;
  struct described bulletin;
  struct options_list documents;
  char *socket;
};

struct previewing {
  const struct call *call;
  struct policies p;
  struct policy_set *drafts;
  struct question q;
  tg_time at;
  struct grid *grid;
  json_t *list;
  size_t more, less;
};

static void tell(struct previewing *x, const struct country *code, bool today, const struct policy_reason *r)
{
  char text[1024], rule[QUESTION_RULE];
  bool then = r->stage == POLICY_PERMITTED;
  why_render(&r->why, tr, text, sizeof text);
  question_rule(r, rule);
  x->more += then && !today;
  x->less += today && !then;
  if (x->call->json) {
    json_array_append_new(x->list, json_pack("{s:s,s:b,s:b,s:s,s:s,s:i,s:s,s:s}", "member", code->code, "today", today,
                                             "permitted", then, "stage", policy_stage_name(r->stage), "file",
                                             r->policy ? policy_file(r->policy) : "", "line", (int)r->line, "rule", rule,
                                             "reason", text));
    return;
  }
  grid_row(x->grid, (const char *const[]){then == today ? "" : then ? "+" : "-", code->code,
                                          country_name(code, speak_language()), today ? _("yes") : _("no"),
                                          then ? _("yes") : _("no"), text, rule});
  grid_tint(x->grid, 4, then == today ? TINT_PLAIN : then ? TINT_WARN : TINT_GOOD);
  grid_tint(x->grid, 6, TINT_DIM);
}

static enum tg_err ask_all(struct previewing *x, struct tg_why *why)
{
  const struct memberset *release = &x->q.portion.release;
  for (unsigned m = memberset_next(release, 0); m < MEMBERS_MAX; m = memberset_next(release, m + 1)) {
    struct policy_reason today, then;
    if (m == x->q.request.originator)
      continue;
    enum tg_err err = policy_explain(x->p.set, &x->q.request, 0, m, POLICY_ASKED_BY_ALL, &today);
    if (err == TG_OK)
      err = policy_explain(x->drafts, &x->q.request, 0, m, POLICY_ASKED_BY_ALL, &then);
    if (err != TG_OK)
      return why_set(why, err, NULL, N_("no bulletin can be as these options say"), NULL, NULL, NULL, NULL);
    tell(x, directory_member_code(x->p.folio->directory, m), today.stage == POLICY_PERMITTED, &then);
  }
  return TG_OK;
}

static void finish(struct previewing *x)
{
  char time[SHOW_TIME];
  if (x->call->json) {
    show_json(json_pack("{s:o,s:I,s:I,s:O}", "at", json_time(x->at), "more", (json_int_t)x->more, "fewer",
                        (json_int_t)x->less, "members", x->list));
    return;
  }
  grid_print(x->grid);
  x->grid = NULL;
  printf(_("Decided as of %1$s: %2$zu would receive it that do not today, %3$zu would not that do.\n"),
         show_time(x->at, time), x->more, x->less);
}

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const struct preview_options *o = call->options;
  struct previewing x = {.call = call, .list = json_array()};
  tg_time now = clock_wall();
  x.grid = grid_new(7, (const char *const[]){"", _("member"), "", _("today"), _("then"), _("why"), _("rule")});
  enum tg_err err = question_complete(&o->bulletin, why);
  if (err == TG_OK)
    err = policies_ask(call, &o->documents, o->socket, now, &x.p, why);
  if (err == TG_OK)
    err = policies_with(&x.p, call->arg, call->n, now, &x.drafts, &x.at, why);
  if (err == TG_OK)
    err = question_read(&o->bulletin, &x.p, x.at, &x.q, why);
  if (err == TG_OK)
    err = ask_all(&x, why);
  if (err == TG_OK)
    finish(&x);
  if (x.grid)
    grid_free(x.grid);
  json_decref(x.list);
  policy_set_free(x.drafts);
  policies_free(&x.p);
  return err;
}

static const struct option_key options[] = {
    POLICIES_OPTION_WHERE(struct preview_options),
    QUESTION_OPTIONS(struct preview_options),
    REACH_OPTION(struct preview_options),
};

const struct command command_policy_preview = {
    .noun = "policy",
    .verb = "preview",
    .section = SECTION_PAPERS,
    .summary = N_("Say who would receive a bulletin under drafts, beside who does today"),
    .operands = N_("DRAFT..."),
    .min = 1,
    .max = OPERANDS_ANY,
    .about = N_("The drafts stand in place of the policies of their states, whatever their serials; everybody else's are "
                "those in force, as the node knows them or as they are among the documents named. A plus is who would receive it and does "
                "not today, a minus who would not and does. Nothing is sent."),
    .examples = "toguna policy preview ML-2.policy --from ML/dgse --to SN --topic alert.attack --class RESTRICTED --tlp amber\n"
                "toguna policy preview ML-2.policy -d documents --from ML/dgse --to SN --topic alert.attack --class RESTRICTED --tlp amber\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct preview_options),
    .run = run,
};
