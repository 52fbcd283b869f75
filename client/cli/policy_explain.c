/* toguna policy explain: who would receive one bulletin, and by which line of whose policy, from files alone.
 */
#include "policy/explain.h"

#include "client/cli/init.h"
#include "client/cli/policies.h"
#include "client/cli/show.h"
#include "os/clock.h"
#include "proto/marking.h"
#include "proto/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct explain_options {
  struct common common;
  char *from, *class, *tlp, *label, *hub;
  struct options_list to, except, topics, documents;
  uint64_t approvals, size;
  bool orcon;
};

/* Everything one question needs; borrowed by the request. */
struct question {
  const struct explain_options *o;
  struct policies p;
  tg_time now;
  struct slice topics[POLICY_TOPICS_MAX];
  struct country hub;
  struct policy_portion portion;
  struct policy_request request;
  struct holder from;
};

/* --- the bulletin --- */

static enum tg_err missing(const char *option, const char *todo, struct tg_why *why)
{
  return why_set(why, TG_USAGE, option, N_("this option is needed to ask the question"), todo, NULL, NULL,
                 NULL);
}

static enum tg_err check_asked(const struct explain_options *o, struct tg_why *why)
{
  if (!o->from)
    return missing("--from", N_("Name who sends, such as ML/dgse"), why);
  if (!o->to.n)
    return missing("--to", N_("Name for whom it is, such as SN or ECOWAS"), why);
  if (!o->topics.n || o->topics.n > POLICY_TOPICS_MAX)
    return missing("--topic", N_("Name one to four topics, such as alert.attack"), why);
  return TG_OK;
}

static enum tg_err read_marking(struct question *q, struct tg_why *why)
{
  const struct explain_options *o = q->o;
  if (!o->class || level_parse(slice_str(o->class), &q->portion.level))
    return why_set(why, TG_USAGE, "--class", N_("this is not a level"),
                   N_("Levels are UNCLASSIFIED, RESTRICTED, CONFIDENTIAL, SECRET and TOP-SECRET"), NULL, NULL,
                   NULL);
  if (!o->tlp || tlp_parse(slice_str(o->tlp), &q->portion.tlp))
    return why_set(why, TG_USAGE, "--tlp", N_("this is not a mark of the Traffic Light Protocol"),
                   N_("Marks are clear, green, amber, amber+strict and red"), NULL, NULL, NULL);
  q->portion.orcon = o->orcon;
  q->portion.label = slice_str(o->label ? o->label : "");
  q->portion.size = o->size ? o->size : 1024;
  return TG_OK;
}

static enum tg_err read_release(struct question *q, struct tg_why *why)
{
  const struct explain_options *o = q->o;
  struct slice *to = calloc(o->to.n + o->except.n, sizeof *to);
  if (!to)
    return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  for (size_t i = 0; i < o->to.n; i++)
    to[i] = slice_str(o->to.v[i]);
  for (size_t i = 0; i < o->except.n; i++)
    to[o->to.n + i] = slice_str(o->except.v[i]);
  struct release_list list = {to, o->to.n, to + o->to.n, o->except.n};
  enum tg_err err = directory_resolve(q->p.folio->directory, &list, q->now, &q->portion.release, why);
  free(to);
  return err;
}

static enum tg_err read_request(struct question *q, struct tg_why *why)
{
  const struct explain_options *o = q->o;
  enum tg_err err = init_holder(o->from, &q->from, why);
  int originator = err ? -1 : directory_member_index(q->p.folio->directory, q->from.member);
  if (err == TG_OK && (originator < 0 || !q->from.agency[0]))
    err = why_set(why, TG_BAD_INPUT, "--from", N_("%1$s is not an agency of a member"),
                  N_("Write it like ML/dgse"), o->from, NULL, NULL);
  for (size_t i = 0; err == TG_OK && i < o->topics.n; i++)
    q->topics[i] = slice_str(o->topics.v[i]);
  if (err == TG_OK)
    err = read_marking(q, why);
  if (err == TG_OK)
    err = read_release(q, why);
  if (err == TG_OK)
    err = policies_hub(&q->p, o->hub, q->now, &q->hub, why);
  q->request = (struct policy_request){.originator = (unsigned)originator,
                                       .agency = slice_str(q->from.agency),
                                       .suite = 1,
                                       .time = q->now,
                                       .expires = q->now + TG_DAY,
                                       .topic_count = o->topics.n,
                                       .topics = q->topics,
                                       .hub_count = 1,
                                       .hubs = &q->hub,
                                       .approvals = (unsigned)o->approvals,
                                       .portion_count = 1,
                                       .portions = &q->portion};
  return err;
}

static enum tg_err prepare(struct question *q, const struct call *call, struct tg_why *why)
{
  const struct explain_options *o = q->o;
  enum tg_err err = check_asked(o, why);
  if (err == TG_OK)
    err = policies_read(&o->documents, call->arg, call->n, q->now, &q->p, why);
  return err ? err : read_request(q, why);
}

/* --- the answer --- */

/* "export allow alert.** to AES": the line that decided. */
static void rule_text(const struct policy_reason *r, char out[256])
{
  struct slice line = r->policy && r->line ? policy_line(r->policy, r->line) : slice_of(NULL, 0);
  snprintf(out, 256, "%.*s", (int)(line.n < 250 ? line.n : 250), line.p ? (const char *)line.p : "");
}

static void answer_one(const struct call *call, const struct country *code, const struct policy_reason *r,
                       struct grid *g, json_t *list)
{
  char text[1024], rule[256];
  bool yes = r->stage == POLICY_PERMITTED;
  why_render(&r->why, tr, text, sizeof text);
  rule_text(r, rule);
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

static enum tg_err answer(const struct call *call, const struct question *q, struct tg_why *why)
{
  struct grid *g = grid_new(5, (const char *const[]){_("member"), "", _("gets it"), _("why"), _("rule")});
  json_t *list = json_array();
  bool anybody = false;
  enum tg_err err = TG_OK;
  const struct memberset *release = &q->portion.release;
  for (unsigned i = memberset_next(release, 0); err == TG_OK && i < MEMBERS_MAX;
       i = memberset_next(release, i + 1)) {
    struct policy_reason reason;
    if (i == q->request.originator)
      continue;
    err = policy_explain(q->p.set, &q->request, 0, i, POLICY_ASKED_BY_ALL, &reason);
    if (err == TG_OK)
      answer_one(call, directory_member_code(q->p.folio->directory, i), &reason, g, list);
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
  struct question q = {.o = call->options, .now = clock_wall()};
  enum tg_err err = prepare(&q, call, why);
  if (err == TG_OK)
    err = answer(call, &q, why);
  policies_free(&q.p);
  return err;
}

#define MANY(name, letter, member, placeholder, help)                                                        \
  {                                                                                                          \
    name, letter, OPTION_MANY, VALUE_TEXT, offsetof(struct explain_options, member), {0}, placeholder, help  \
  }
#define TEXT(name, member, placeholder, help)                                                                \
  {                                                                                                          \
    name, 0, OPTION_ONE, VALUE_TEXT, offsetof(struct explain_options, member), {0}, placeholder, help        \
  }

static const struct option_key options[] = {
    POLICIES_OPTION_DOCUMENTS(struct explain_options),
    TEXT("from", from, N_("COUNTRY/AGENCY"), N_("Who sends.")),
    MANY("to", 0, to, N_("NAME"), N_("For whom: members, blocs, agencies. May be repeated.")),
    MANY("except", 0, except, N_("NAME"), N_("Members and blocs that it is not for. May be repeated.")),
    MANY("topic", 't', topics, N_("TOPIC"), N_("What it is about, one to four times.")),
    TEXT("class", class, N_("LEVEL"), N_("UNCLASSIFIED, RESTRICTED, CONFIDENTIAL, SECRET or TOP-SECRET.")),
    TEXT("tlp", tlp, N_("MARK"), N_("clear, green, amber, amber+strict or red.")),
    TEXT("label", label, N_("TEXT"), N_("The national label.")),
    {"orcon",
     0,
     OPTION_FLAG,
     VALUE_BOOL,
     offsetof(struct explain_options, orcon),
     {0},
     NULL,
     N_("It carries the caveat ORCON.")},
    {"approvals",
     0,
     OPTION_ONE,
     VALUE_NUMBER,
     offsetof(struct explain_options, approvals),
     {.max = POLICY_APPROVALS_MAX},
     N_("N"),
     N_("So many officers have approved it.")},
    {"size",
     0,
     OPTION_ONE,
     VALUE_SIZE,
     offsetof(struct explain_options, size),
     {.min = 1},
     N_("SIZE"),
     N_("Of the sealed body, such as 16MiB.")},
    POLICIES_OPTION_HUB(struct explain_options),
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
