/* The question `doctor`: what is wrong here, and what to do about it. */
#include "client/node/query.h"

#include "client/node/hooks.h"
#include "client/node/journal.h"
#include "client/node/outbox.h"
#include "client/node/papers.h"
#include "client/node/talk.h"
#include "client/node/watch.h"
#include "proto/subject.h"

#include <stdio.h>

enum severity { WORTH_KNOWING, MUST_BE_MENDED };
static const tg_time CLOCK_TOLERATED = 5 * TG_MINUTE;
static const tg_time CREDENTIAL_SOON = 30 * TG_DAY;

/* Takes *why, filled in by who found it. */
static enum tg_err found(struct query *q, const char *name, enum severity severity, const struct tg_why *why)
{
  json_t *finding = query_why(why);
  if (!finding)
    return TG_NO_MEMORY;
  json_object_set_new(finding, "name", json_string(name));
  json_object_set_new(finding, "severity", json_string(severity == MUST_BE_MENDED ? "error" : "warning"));
  return json_array_append_new(q->json, finding) == 0 ? TG_OK : TG_NO_MEMORY;
}

static enum tg_err check_charter(struct node_core *core, struct query *q)
{
  struct tg_why why;
  if (papers_lack_charter(core))
    return found(q, "charter", MUST_BE_MENDED, papers_lack_charter(core));
  if (core_charter(core))
    return TG_OK;
  why_set(&why, TG_NOT_FOUND, NULL, N_("no charter is known, so that no hub is"),
          N_("put the exchange's charter into the documents folder and send SIGHUP"), NULL, NULL, NULL);
  return found(q, "charter", MUST_BE_MENDED, &why);
}

static enum tg_err check_credential(struct node_core *core, struct query *q)
{
  struct tg_why why = {0};
  const struct node *me = directory_node(core->directory, &core->me);
  char when[25];
  if (!me) {
    why_set(&why, TG_NOT_FOUND, NULL, N_("no credential names this node's key"),
            N_("have your member's root issue one, and put it into the documents folder"), NULL, NULL, NULL);
    return found(q, "credential", MUST_BE_MENDED, &why);
  }
  if (directory_may_act(core->directory, &core->me, core->now.wall, &why) != TG_OK)
    return found(q, "credential", MUST_BE_MENDED, &why);
  if (me->credential.not_after - core->now.wall > CREDENTIAL_SOON)
    return TG_OK;
  time_print(me->credential.not_after, when);
  why_set(&why, TG_EXPIRED, NULL, N_("this node's credential expires at %1$s"),
          N_("have a new one issued in time"), when, NULL, NULL);
  return found(q, "credential", WORTH_KNOWING, &why);
}

static enum tg_err check_policy(struct node_core *core, struct query *q)
{
  struct directory_policy policy;
  struct tg_why why;
  if (!core->named || directory_policy(core->directory, core->member, core->now.wall, &policy) == TG_OK)
    return TG_OK;
  why_set(&why, TG_NOT_FOUND, NULL, N_("%1$s has no policy in force, and what no rule permits is refused"),
          N_("have a policy officer sign one and publish it"), core->member.code, NULL, NULL);
  return found(q, "policy", MUST_BE_MENDED, &why);
}

static enum tg_err check_sealing(struct node_core *core, struct query *q)
{
  struct sealing_choice key;
  struct tg_why why;
  if (!core->named ||
      directory_sealing_key(core->directory, &core->me, SUITE_1, core->now.wall, &key) == TG_OK)
    return TG_OK;
  why_set(&why, TG_NOT_FOUND, NULL,
          N_("the exchange knows no sealing key of this node, so that nobody can send it anything"),
          N_("the node announces keys by itself once it is connected"), NULL, NULL, NULL);
  return found(q, "sealing-key", MUST_BE_MENDED, &why);
}

static enum tg_err check_hub(struct node_core *core, struct query *q)
{
  struct tg_why why;
  const bool refused = *talk_refused_by(core);
  if (!core_charter(core) || papers_lack_charter(core) || talk_is_open(core) || (talk_state(core) == TALK_CLOSED && !refused))
    return TG_OK;
  if (refused)
    talk_why_refused(core, &why);
  else if (talk_state(core) == TALK_ALONE)
    why_set(&why, TG_NOT_FOUND, NULL, N_("the charter has none of the hubs that this node is to use"),
            N_("compare the `hub` lines of node.conf with `toguna directory`"), NULL, NULL, NULL);
  else
    why_set(&why, TG_UNREACHABLE, NULL, N_("the node has no session with a hub"),
            N_("what is published waits here; look whether the hub is to be had at %2$s, and into the log"),
            talk_state_name(talk_state(core)), talk_endpoint(core), NULL);
  return found(q, "hub", MUST_BE_MENDED, &why);
}

static enum tg_err check_log(struct node_core *core, struct query *q)
{
  const struct charter *c = core_charter(core);
  struct tg_why why;
  for (size_t i = 0; c && i < c->n_hubs; i++) {
    bool forked = false;
    enum tg_err err = watch_is_forked(core, &c->hub[i], &forked);
    if (err != TG_OK)
      return err;
    if (!forked)
      continue;
    why_set(&why, TG_CONFLICT, NULL, N_("the hub %1$s showed two histories and is not used any more"),
            N_("the proof is in the folder `evidence`, and `toguna audit check` verifies it anywhere; show it to the other members"), c->hub[i].name, NULL, NULL);
    if ((err = found(q, "log-forked", MUST_BE_MENDED, &why)) != TG_OK)
      return err;
  }
  return TG_OK;
}

static enum tg_err check_clock(struct node_core *core, struct query *q)
{
  struct tg_why why;
  char minutes[32];
  tg_time off = core->hub_ahead < 0 ? -core->hub_ahead : core->hub_ahead;
  if (off <= CLOCK_TOLERATED)
    return TG_OK;
  snprintf(minutes, sizeof minutes, "%lld", (long long)(off / TG_MINUTE));
  why_set(&why, TG_EXPIRED, NULL, N_("this machine's clock and the hub's differ by %1$s minutes"),
          N_("set the clock: bulletins that seem to come from the future, or to be expired, are refused"),
          minutes, NULL, NULL);
  return found(q, "clock", MUST_BE_MENDED, &why);
}

static enum tg_err check_disk(struct node_core *core, struct query *q)
{
  struct tg_why why;
  if (core_has_room(core))
    return TG_OK;
  why_set(&why, TG_DISK, NULL, N_("the disk is nearly full: nothing new is accepted or published"),
          N_("make room on the disk of the node's folder"), NULL, NULL, NULL);
  return found(q, "disk", MUST_BE_MENDED, &why);
}

static enum tg_err check_refused(struct node_core *core, struct query *q)
{
  struct outbox_counts counts;
  struct tg_why why;
  char number[24];
  enum tg_err err = outbox_counts(core, &counts);
  if (err != TG_OK || counts.refused == 0)
    return err;
  snprintf(number, sizeof number, "%llu", (unsigned long long)counts.refused);
  why_set(&why, TG_REFUSED, NULL, counts.refused == 1 ? N_("the hub refused a bulletin of this node") : N_("the hub refused %1$s bulletins of this node"),
          N_("`toguna track` tells why"), number, NULL, NULL);
  return found(q, "refused", WORTH_KNOWING, &why);
}

static enum tg_err check_store(struct node_core *core, struct query *q)
{
  struct tg_why why;
  bool old;
  enum tg_err err = outbox_is_old(core, &old);
  if (err != TG_OK || !old)
    return err;
  why_set(&why, TG_STALE, NULL, N_("the store is an older copy: what it had received after the copy was made does not come again"),
          N_("ask the originators to export what they sent since (`toguna export --to`), and erase what they say they have recalled"), NULL, NULL, NULL);
  return found(q, "store", WORTH_KNOWING, &why);
}

static enum tg_err check_hub_disk(struct node_core *core, struct query *q)
{
  struct tg_why why;
  if (!outbox_rests(core))
    return TG_OK;
  why_set(&why, TG_DISK, NULL, N_("the hub's disk is nearly full: it takes nothing new"),
          N_("what waits here goes out when its operator has made room; tell the operator"), NULL, NULL, NULL);
  return found(q, "hub-disk", MUST_BE_MENDED, &why);
}

static enum tg_err check_overdue(struct node_core *core, struct query *q)
{
  struct outbox_counts counts;
  struct tg_why why;
  char number[24];
  enum tg_err err = outbox_counts(core, &counts);
  if (err != TG_OK || counts.overdue == 0)
    return err;
  snprintf(number, sizeof number, "%llu", (unsigned long long)counts.overdue);
  why_set(&why, TG_UNREACHABLE, NULL,
          counts.overdue == 1 ? N_("receipts are overdue for a bulletin of this node") : N_("receipts are overdue for %1$s bulletins of this node"),
          N_("`toguna sent` marks them and `toguna track` says who is silent; tell them by another way"), number, NULL, NULL);
  return found(q, "overdue", MUST_BE_MENDED, &why);
}

static enum tg_err check_hooks(struct node_core *core, struct query *q)
{
  struct hooks_counts counts;
  struct tg_why why;
  char number[24];
  enum tg_err err = hooks_counts(core, &counts);
  const uint64_t failed = counts.set_aside + counts.retrying;
  if (err != TG_OK || failed == 0)
    return err;
  snprintf(number, sizeof number, "%llu", (unsigned long long)failed);
  why_set(&why, TG_INTERNAL, NULL, failed == 1 ? N_("hooks failed for one bulletin or alarm") : N_("hooks failed for %1$s bulletins or alarms"),
          N_("mend the command; the log has its complaints"), number, NULL, NULL);
  return found(q, "hooks", WORTH_KNOWING, &why);
}

static enum tg_err check_journal(struct node_core *core, struct query *q)
{
  struct tg_why why;
  uint64_t rows;
  enum tg_err err = journal_check(core, &rows);
  if (err != TG_BAD_PROOF)
    return err;
  why_set(&why, TG_BAD_PROOF, NULL, N_("the node's journal was changed behind its back"),
          N_("keep a copy of the folder and find out who could write to it"), NULL, NULL, NULL);
  return found(q, "journal", MUST_BE_MENDED, &why);
}

enum tg_err query_doctor(struct node_core *core, struct query *q)
{
  static enum tg_err (*const checks[])(struct node_core *, struct query *) = {
      check_charter, check_credential, check_policy,  check_hub,   check_log,    check_sealing,
      check_clock,   check_disk, check_store, check_hub_disk, check_refused, check_overdue, check_hooks, check_journal};
  enum tg_err err = (q->json = json_array()) ? TG_OK : TG_NO_MEMORY;
  for (size_t i = 0; err == TG_OK && i < sizeof checks / sizeof *checks; i++)
    err = checks[i](core, q);
  json_t *findings = q->json;
  q->json = json_pack("{s:b, s:o}", "well", json_array_size(findings) == 0, "findings", findings);
  return err;
}
