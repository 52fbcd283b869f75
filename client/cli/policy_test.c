/* toguna policy test: an officer's table of expectations, asked of policies. */
#include "client/cli/box.h"
#include "client/cli/policies.h"
#include "client/cli/problems.h"
#include "client/cli/question.h"
#include "client/cli/show.h"
#include "os/clock.h"
#include "policy/expectations.h"

#include <stdio.h>
#include <string.h>

struct test_options {
  struct common common;
  struct options_list documents;
  char *hub;
};

struct testing {
  const struct call *call;
  struct policies p;
  struct expectations *table;
  struct country hub;
  tg_time now;
  size_t asked, failed; /* lines, members of each counted apart */
  json_t *list;
};

static void fail_json(struct testing *x, const struct expectation *e, const char *member, const struct policy_reason *r,
                      const char *rule, const char *text)
{
  json_array_append_new(
      x->list, json_pack("{s:i,s:s,s:b,s:b,s:s,s:s,s:i,s:s,s:s}", "line", (int)e->line, "member", member, "expected",
                         e->permitted, "permitted", r->stage == POLICY_PERMITTED, "stage", policy_stage_name(r->stage),
                         "file", r->policy ? policy_file(r->policy) : "", "rule_line", (int)r->line, "rule", rule,
                         "reason", text));
}

/* The line as the officer wrote it, and what the policies say instead. */
static void fail_text(const struct testing *x, const struct expectation *e, const char *member,
                      const struct policy_reason *r, const char *rule, const char *text)
{
  bool yes = r->stage == POLICY_PERMITTED;
  struct slice rest = slice_str(x->table->text), line = rest;
  for (uint32_t i = 0; i < e->line; i++)
    if (!take_line(&rest, &line))
      line = rest;
  show_tinted(TINT_BAD, "- ");
  printf("%s:%u: %.*s\n", x->table->file, (unsigned)e->line, (int)line.n, (const char *)line.p);
  printf(yes == e->permitted ? _("    %1$s: as expected, but for another reason: %2$s\n")
         : yes               ? _("    %1$s would receive it: %2$s\n")
                             : _("    %1$s would not receive it: %2$s\n"),
         member, text);
  if (rule[0])
    printf("    %s:%u: %s\n", policy_file(r->policy), (unsigned)r->line, rule);
}

static enum tg_err ask_one(struct testing *x, const struct expectation *e, unsigned member, struct tg_why *why)
{
  struct policy_reason reason;
  char rule[QUESTION_RULE], text[1024];
  bool met;
  const char *code = x->p.world->members[member].code.code;
  if (expectation_ask(x->table, e, x->p.set, x->hub, x->now, member, &met, &reason))
    return why_set(why, TG_BAD_INPUT, x->table->file, N_("no bulletin can be as this table says"), NULL, NULL, NULL, NULL);
  x->asked++;
  if (met)
    return TG_OK;
  x->failed++;
  why_render(&reason.why, tr, text, sizeof text);
  question_rule(&reason, rule);
  if (x->call->json)
    fail_json(x, e, code, &reason, rule, text);
  else
    fail_text(x, e, code, &reason, rule, text);
  return TG_OK;
}

static enum tg_err ask_all(struct testing *x, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < x->table->n; i++) {
    const struct expectation *e = &x->table->list[i];
    for (unsigned m = memberset_next(&e->to, 0); err == TG_OK && m < x->p.world->member_count;
         m = memberset_next(&e->to, m + 1))
      err = ask_one(x, e, m, why);
  }
  return err;
}

static enum tg_err read_table(struct testing *x, const char *path, struct tg_why *why)
{
  struct buf bytes;
  struct problems problems = {0};
  const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
  enum tg_err err = box_read(path, &bytes, why);
  if (err == TG_OK)
    err = expectations_parse(buf_slice(&bytes), name, x->p.world, &x->table, &problems, why);
  if (problems.n && err != TG_OK && x->call->json)
    show_json(json_pack("{s:s,s:o}", "file", name, "problems", problems_json(&problems)));
  if (problems.n)
    err = problems_tell(x->call, path, &problems, buf_slice(&bytes), err,
                        N_("errors: %1$s; a table with an error tests nothing"), why);
  problems_free(&problems);
  buf_free(&bytes);
  return err;
}

static enum tg_err finish(struct testing *x, struct tg_why *why)
{
  char failed[24], asked[24];
  snprintf(failed, sizeof failed, "%zu", x->failed);
  snprintf(asked, sizeof asked, "%zu", x->asked);
  if (x->call->json)
    show_json(json_pack("{s:s,s:I,s:I,s:O}", "file", x->table->file, "asked", (json_int_t)x->asked, "failed",
                        (json_int_t)x->failed, "failures", x->list));
  else if (!x->failed)
    printf(trn("%1$s: %2$s expectation holds\n", "%1$s: all %2$s expectations hold\n", x->asked), x->table->file, asked);
  return x->failed ? why_set(why, TG_REFUSED, x->table->file,
                             x->failed == 1 ? N_("%1$s of %2$s expectations does not hold") : N_("%1$s of %2$s expectations do not hold"),
                             N_("Change the policy, or what is expected of it"), failed, asked, NULL)
                   : TG_OK;
}

static enum tg_err run(struct call *call, struct tg_why *why)
{
  const struct test_options *o = call->options;
  struct testing x = {.call = call, .list = json_array()};
  const tg_time now = clock_wall();
  enum tg_err err = policies_read(&o->documents, call->arg + 1, call->n - 1, now, &x.p, why);
  x.now = x.p.at;
  if (err == TG_OK)
    err = policies_hub(&x.p, o->hub, now, &x.hub, why);
  if (err == TG_OK && !call->json)
    policies_tell_at(&x.p, now);
  if (err == TG_OK)
    err = read_table(&x, call->arg[0], why);
  if (err == TG_OK)
    err = ask_all(&x, why);
  if (err == TG_OK)
    err = finish(&x, why);
  expectations_free(x.table);
  policies_free(&x.p);
  json_decref(x.list);
  return err;
}

static const struct option_key options[] = {
    POLICIES_OPTION_DOCUMENTS(struct test_options),
    POLICIES_OPTION_HUB(struct test_options),
};

const struct command command_policy_test = {
    .noun = "policy",
    .verb = "test",
    .section = SECTION_PAPERS,
    .summary = N_("Ask policies whether they do what a table expects"),
    .operands = N_("TABLE [POLICY...]"),
    .min = 1,
    .max = OPERANDS_ANY,
    .about = N_("The table is a text kept beside the policy: the line \"toguna/expectations v1\", the line \"member ML\", and then "
                "lines such as \"expect permit alert.attack RESTRICTED tlp amber to SN because line 9\" or \"expect refuse "
                "report.x SECRET to * because export\". The policies in the files named are asked in place of those in force. The exit code "
                "is 1 when something is not as expected, and the rule that decided is shown."),
    .examples = "toguna policy test ML.expect ML.policy SN.policy -d charter.note -d documents\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .size = sizeof(struct test_options),
    .run = run,
};
