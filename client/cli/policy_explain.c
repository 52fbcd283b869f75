/* toguna policy explain: who would receive one bulletin, and by which line of whose policy, from files alone.
 */
#include "policy/explain.h"

#include "client/cli/question.h"
#include "client/cli/show.h"
#include "os/clock.h"

struct explain_options {
  struct common common;
  struct described bulletin;
  struct options_list documents;
};

struct explaining {
  struct policies p;
  struct question q;
};

/* --- the answer --- */

static void answer_one(const struct call *call, const struct country *code, const struct policy_reason *r,
                       struct grid *g, json_t *list)
{
  char text[1024], rule[QUESTION_RULE];
  bool yes = r->stage == POLICY_PERMITTED;
  why_render(&r->why, tr, text, sizeof text);
  question_rule(r, rule);
  if (call->json) {
    json_array_append_new(list, json_pack("{s:s,s:b,s:s,s:s,s:i,s:s,s:s}", "member", code->code, "permitted",
                                          yes, "stage", policy_stage_name(r->stage), "file",
                                          r->policy ? policy_file(r->policy) : "", "line", (int)r->line,
                                          "rule", rule, "reason", text));
    return;
  }
  grid_row(g, (const char *const[]){code->code, country_name(code, speak_language()),
                                    yes ? _("yes") : _("no"), text, rule});
  grid_tint(g, 2, yes ? TINT_GOOD : TINT_BAD);
  grid_tint(g, 4, TINT_DIM);
}

static enum tg_err answer(const struct call *call, const struct explaining *x, struct tg_why *why)
{
  struct grid *g = grid_new(5, (const char *const[]){_("member"), "", _("gets it"), _("why"), _("rule")});
  json_t *list = json_array();
  bool anybody = false;
  enum tg_err err = TG_OK;
  const struct memberset *release = &x->q.portion.release;
  for (unsigned i = memberset_next(release, 0); err == TG_OK && i < MEMBERS_MAX;
       i = memberset_next(release, i + 1)) {
    struct policy_reason reason;
    if (i == x->q.request.originator)
      continue;
    err = policy_explain(x->p.set, &x->q.request, 0, i, POLICY_ASKED_BY_ALL, &reason);
    if (err == TG_OK)
      answer_one(call, directory_member_code(x->p.folio->directory, i), &reason, g, list);
    anybody |= err == TG_OK && reason.stage == POLICY_PERMITTED;
  }
  if (err == TG_OK && call->json)
    show_json(json_incref(list));
  json_decref(list);
  if (err == TG_OK && !call->json)
    grid_print(g);
  else
    grid_free(g);
  if (err != TG_OK)
    return why_set(why, err, "--topic", N_("this is not a topic"),
                   N_("Write it like alert.attack, without wildcards"), NULL, NULL, NULL);
  return anybody ? TG_OK
                 : why_set(why, TG_REFUSED, NULL, N_("nobody on the release list would receive this"),
                           N_("The lines above say why"), NULL, NULL, NULL);
}

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const struct explain_options *o = call->options;
  struct explaining x = {0};
  tg_time now = clock_wall();
  enum tg_err err = question_complete(&o->bulletin, why);
  if (err == TG_OK)
    err = policies_read(&o->documents, call->arg, call->n, now, &x.p, why);
  if (err == TG_OK)
    err = question_read(&o->bulletin, &x.p, x.p.at, &x.q, why);
  if (err == TG_OK && !call->json)
    policies_tell_at(&x.p, now);
  if (err == TG_OK)
    err = answer(call, &x, why);
  policies_free(&x.p);
  return err;
}

static const struct option_key options[] = {
    POLICIES_OPTION_DOCUMENTS(struct explain_options),
    QUESTION_OPTIONS(struct explain_options),
};

const struct command command_policy_explain = {
    .noun = "policy",
    .verb = "explain",
    .section = SECTION_PAPERS,
    .summary = N_("Say who would receive a bulletin, and by which line of whose policy"),
    .operands = N_("[POLICY...]"),
    .min = 0,
    .max = OPERANDS_ANY,
    .about = N_("Asks the policies in these files, drafts or notes, in place of those in force. Nothing is "
                "sent. The exit code is "
                "1 when nobody would receive it."),
    .examples = "toguna policy explain ML.policy SN.policy -d charter.note --from ML/dgse --to SN --topic "
                "alert.attack --class "
                "RESTRICTED --tlp amber\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct explain_options),
    .run = run,
};
