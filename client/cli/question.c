#include "client/cli/question.h"

#include "client/cli/init.h"
#include "proto/marking.h"
#include "proto/subject.h"

#include <stdio.h>
#include <stdlib.h>

static enum tg_err missing(const char *option, const char *todo, struct tg_why *why)
{
  return why_set(why, TG_USAGE, option, N_("this option is needed to ask the question"), todo, NULL, NULL, NULL);
}

enum tg_err question_complete(const struct described *d, struct tg_why *why)
{
  if (!d->from)
    return missing("--from", N_("Name who sends, such as ML/dgse"), why);
  if (!d->to.n)
    return missing("--to", N_("Name for whom it is, such as SN or ECOWAS"), why);
  if (!d->topics.n || d->topics.n > POLICY_TOPICS_MAX)
    return missing("--topic", N_("Name one to four topics, such as alert.attack"), why);
  return TG_OK;
}

static enum tg_err read_topics(const struct described *d, struct question *q, struct tg_why *why)
{
  for (size_t i = 0; i < d->topics.n; i++) {
    q->topics[i] = slice_str(d->topics.v[i]);
    if (!topic_valid(q->topics[i]))
      return why_set(why, TG_BAD_INPUT, "--topic", N_("this is not a topic"),
                     N_("Write it like alert.attack, without wildcards"), NULL, NULL, NULL);
  }
  return TG_OK;
}

static enum tg_err read_marking(const struct described *d, struct policy_portion *ret, struct tg_why *why)
{
  if (!d->class || level_parse(slice_str(d->class), &ret->level))
    return why_set(why, TG_USAGE, "--class", N_("this is not a level"),
                   N_("Levels are UNCLASSIFIED, RESTRICTED, CONFIDENTIAL, SECRET and TOP-SECRET"), NULL, NULL, NULL);
  if (!d->tlp || tlp_parse(slice_str(d->tlp), &ret->tlp))
    return why_set(why, TG_USAGE, "--tlp", N_("this is not a mark of the Traffic Light Protocol"),
                   N_("Marks are clear, green, amber, amber+strict and red"), NULL, NULL, NULL);
  ret->orcon = d->orcon;
  ret->label = slice_str(d->label ? d->label : "");
  ret->size = d->size ? d->size : 1024;
  return TG_OK;
}

static enum tg_err read_release(const struct described *d, const struct policies *p, tg_time at, struct memberset *ret,
                                struct tg_why *why)
{
  struct slice *to = calloc(d->to.n + d->except.n, sizeof *to);
  if (!to)
    return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  for (size_t i = 0; i < d->to.n; i++)
    to[i] = slice_str(d->to.v[i]);
  for (size_t i = 0; i < d->except.n; i++)
    to[d->to.n + i] = slice_str(d->except.v[i]);
  struct release_list list = {to, d->to.n, to + d->to.n, d->except.n};
  enum tg_err err = directory_resolve(p->folio->directory, &list, at, ret, why);
  free(to);
  return err;
}

enum tg_err question_read(const struct described *d, const struct policies *p, tg_time at, struct question *q,
                          struct tg_why *why)
{
  *q = (struct question){0};
  enum tg_err err = init_holder(d->from, &q->from, why);
  int originator = err ? -1 : directory_member_index(p->folio->directory, q->from.member);
  if (err == TG_OK && (originator < 0 || !q->from.agency[0]))
    err = why_set(why, TG_BAD_INPUT, "--from", N_("%1$s is not an agency of a member"), N_("Write it like ML/dgse"),
                  d->from, NULL, NULL);
  if (err == TG_OK)
    err = read_topics(d, q, why);
  if (err == TG_OK)
    err = read_marking(d, &q->portion, why);
  if (err == TG_OK)
    err = read_release(d, p, at, &q->portion.release, why);
  if (err == TG_OK)
    err = policies_hub(p, d->hub, at, &q->hub, why);
  q->request = (struct policy_request){.originator = (unsigned)originator,
                                       .agency = slice_str(q->from.agency),
                                       .suite = 1,
                                       .time = at,
                                       .expires = at + TG_DAY,
                                       .topic_count = d->topics.n,
                                       .topics = q->topics,
                                       .hub_count = 1,
                                       .hubs = &q->hub,
                                       .approvals = (unsigned)d->approvals,
                                       .portion_count = 1,
                                       .portions = &q->portion};
  return err;
}

const char *question_rule(const struct policy_reason *r, char out[QUESTION_RULE])
{
  struct slice line = r->policy && r->line ? policy_line(r->policy, r->line) : slice_of(NULL, 0);
  snprintf(out, QUESTION_RULE, "%.*s", (int)(line.n < 250 ? line.n : 250), line.p ? (const char *)line.p : "");
  return out;
}
