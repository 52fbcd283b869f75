/* The question `explain`: why a member may, or may not, receive a bulletin that this node sent, by the
 * policies in force now. */
#include "client/node/explain.h"

#include "client/node/query.h"
#include "keys/approver.h"
#include "keys/codec.h"
#include "policy/explain.h"
#include "proto/portion.h"
#include "proto/wrap.h"

enum { HUBS_MAX = POLICY_HUBS_MAX };

/* A bulletin of ours as policies look at it. Slices live in the arena. */
struct case_file {
  struct country hubs[HUBS_MAX];
  struct policy_portion portions[POLICY_PORTIONS_MAX];
  struct policy_request request;
  struct arena *arena;
};

static enum tg_err read_portion(struct node_core *core, const struct sent_row *row, size_t i, struct case_file *c)
{
  struct portion p;
  struct release r;
  enum tg_err err = portion_parse(data_slice(row->message->portions[i]), c->arena, &p, NULL);
  if (err == TG_OK)
    err = release_parse(data_slice(row->message->releases[i]), c->arena, &r, NULL);
  if (err != TG_OK)
    return TG_DISK; /* we wrote it */
  struct release_list list = {.to = r.to, .n_to = r.to_count, .except = r.except, .n_except = r.except_count};
  c->portions[i] = (struct policy_portion){.level = p.level,
                                           .tlp = p.tlp,
                                           .orcon = (p.caveats & CAVEAT_ORCON) != 0,
                                           .label = p.label,
                                           .size = p.seal.size};
  /* A list of states that are members no longer reaches nobody. */
  (void)directory_resolve(core->directory, &list, row->header.subject.created, &c->portions[i].release, NULL);
  return TG_OK;
}

static unsigned approvals(const struct node_core *core, const struct header *h)
{
  unsigned n = 0;
  for (size_t i = 0; i < h->approval_count; i++)
    n += approver_check(core->directory, (unsigned)core_member_index(core), &h->subject, &h->approvals[i], core->now.wall,
                        NULL) == TG_OK;
  return n;
}

static enum tg_err open_case(struct node_core *core, const struct sent_row *row, struct case_file *c)
{
  const struct charter_hub *hubs[HUBS_MAX];
  const struct subject *s = &row->header.subject;
  size_t n_hubs = core_hubs(core, hubs, HUBS_MAX);
  if (row->message->n_portions > POLICY_PORTIONS_MAX)
    return TG_DISK;
  for (size_t i = 0; i < n_hubs; i++)
    c->hubs[i] = hubs[i]->host;
  for (size_t i = 0; i < row->message->n_portions; i++) {
    enum tg_err err = read_portion(core, row, i, c);
    if (err != TG_OK)
      return err;
  }
  c->request = (struct policy_request){.originator = (unsigned)core_member_index(core),
                                       .agency = slice_str(core->my_agency),
                                       .suite = s->suite,
                                       .owed = s->kind == KIND_RECALL || s->kind == KIND_CORRECTION,
                                       .time = core->now.wall,
                                       .expires = s->expires,
                                       .topic_count = s->topic_count,
                                       .topics = s->topics,
                                       .hub_count = n_hubs,
                                       .hubs = c->hubs,
                                       .approvals = approvals(core, &row->header),
                                       .portion_count = row->message->n_portions,
                                       .portions = c->portions};
  return TG_OK;
}

static json_t *rule_json(const struct policy_reason *reason)
{
  if (!reason->policy || reason->line == 0)
    return json_null();
  return json_pack("{s:s, s:i, s:o}", "file", policy_file(reason->policy), "line", (int)reason->line, "text",
                   query_text(policy_line(reason->policy, reason->line)));
}

static json_t *portion_json(const struct node_core *core, const struct case_file *c, size_t portion,
                            unsigned member)
{
  struct policy_reason reason;
  if (policy_explain(core->policies, &c->request, portion, member, (int)c->request.originator, &reason) !=
      TG_OK)
    return json_pack("{s:i, s:n}", "portion", (int)portion, "permitted");
  return json_pack("{s:i, s:b, s:s, s:o, s:o}", "portion", (int)portion, "permitted",
                   reason.stage == POLICY_PERMITTED, "stage", policy_stage_name(reason.stage), "rule",
                   rule_json(&reason), "why", query_why(&reason.why));
}

/* The portions that were sealed to it. */
static uint32_t sealed_to(const struct sent_row *row, const struct sign_pk *recipient, struct arena *arena)
{
  struct wrap w;
  for (size_t i = 0; i < row->message->n_wraps; i++)
    if (wrap_parse(data_slice(row->message->wraps[i]), arena, &w, NULL) == TG_OK && sign_pk_eq(&w.recipient, recipient))
      return w.portions;
  return 0;
}

enum tg_err explain_held(struct node_core *core, const struct sent_row *row, const struct sign_pk *recipient, struct arena *arena,
                         bool *ret, struct tg_why *ret_why)
{
  struct case_file c = {.arena = arena};
  struct policy_reason reason;
  const struct node *node = directory_node(core->directory, recipient);
  *ret = false;
  if (!node || !core->policies || !core->named || row->header.subject.kind == KIND_RECALL)
    return TG_OK;
  const uint32_t portions = sealed_to(row, recipient, arena);
  enum tg_err err = open_case(core, row, &c);
  for (size_t i = 0; err == TG_OK && !*ret && i < row->message->n_portions; i++)
    if ((portions >> i & 1) && policy_explain(core->policies, &c.request, i, node->member, (int)c.request.originator, &reason) == TG_OK &&
        reason.stage != POLICY_PERMITTED) {
      *ret = true;
      *ret_why = reason.why;
    }
  return err;
}

static enum tg_err refuse(struct query *q, enum tg_err err, const char *what, const char *todo)
{
  q->verdict = why_set(&q->why, err, NULL, what, todo, NULL, NULL, NULL);
  return TG_OK;
}

enum tg_err query_explain(struct node_core *core, struct query *q)
{
  struct hash id;
  struct country member;
  struct sent_row row;
  struct case_file c = {.arena = core->arena};
  if (q->n != 2 || hash_parse(q->args[0], &id) != TG_OK || country_parse(q->args[1], &member) != TG_OK)
    return refuse(q, TG_USAGE, N_("this question takes the whole id of a bulletin and the code of a state"),
                  NULL);
  int index = directory_member_index(core->directory, member);
  if (index < 0 || !core->policies || !core->named)
    return refuse(q, TG_NOT_FOUND, N_("this state is not known in the exchange"),
                  N_("`toguna directory` lists the members"));
  enum tg_err err = outbox_row(core, &id, core->arena, &row);
  if (err == TG_NOT_FOUND)
    return refuse(q, err, N_("there is no such bulletin among those this node sent"),
                  N_("only the originator's node explains"));
  if (err == TG_OK)
    err = open_case(core, &row, &c);
  if (err != TG_OK)
    return err;
  json_t *portions = json_array();
  for (size_t i = 0; i < row.message->n_portions; i++)
    json_array_append_new(portions, portion_json(core, &c, i, (unsigned)index));
  q->json =
      json_pack("{s:o, s:s, s:o}", "bulletin", query_hex(&id), "member", member.code, "portions", portions);
  return q->json ? TG_OK : TG_NO_MEMORY;
}
