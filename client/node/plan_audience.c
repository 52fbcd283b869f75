/* A plan's audience as people see it. */
#include "client/node/plan.h"

#include "client/node/draft.h"
#include "policy/explain.h"

#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = MEMBERS_MAX, NODES_SHOWN = 64 };

static const char topic_label[] = "toguna/aired/v1";

/* ---- who was in the audience of these topics before ---- */

static enum tg_err aired(struct node_core *core, struct slice topic, const char *member, bool *ret_topic, bool *ret_member)
{
  struct hash blind = depot_blind(core->depot, topic_label, topic);
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT EXISTS(SELECT 1 FROM aired WHERE topic = ?1),"
                                                     " EXISTS(SELECT 1 FROM aired WHERE topic = ?1 AND member = ?2)");
  db_bind_blob(s, 1, hash_slice(&blind));
  db_bind_text(s, 2, slice_str(member));
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  *ret_topic = db_u64(s, 0) != 0;
  *ret_member = db_u64(s, 1) != 0;
  db_reset(s);
  return TG_OK;
}

/* Has one of the topics had an audience, and not this member in it? */
static enum tg_err is_new(struct node_core *core, const struct plan *plan, const char *member, bool *ret)
{
  *ret = false;
  for (size_t i = 0; i < plan->wish->n_topics; i++) {
    bool topic, was_in;
    enum tg_err err = aired(core, data_slice(plan->wish->topics[i]), member, &topic, &was_in);
    if (err != TG_OK)
      return err;
    *ret |= topic && !was_in;
  }
  return TG_OK;
}

enum tg_err plan_air(struct node_core *core, const struct plan *plan)
{
  for (size_t t = 0; t < plan->wish->n_topics; t++) {
    struct hash blind = depot_blind(core->depot, topic_label, data_slice(plan->wish->topics[t]));
    for (size_t i = 0; i < plan->recipient_count; i++) {
      struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT OR IGNORE INTO aired VALUES(?, ?)");
      db_bind_blob(s, 1, hash_slice(&blind));
      db_bind_text(s, 2, slice_str(plan->recipients[i].node->credential.holder.member.code));
      enum tg_err err = db_run(s);
      if (err != TG_OK)
        return err;
    }
  }
  return TG_OK;
}

/* ---- lines ---- */

static bool copy_text(struct arena *arena, const char *text, ProtobufCBinaryData *ret)
{
  struct slice copy = arena_copy(arena, slice_str(text));
  *ret = slice_data(copy);
  return copy.n == strlen(text);
}

static enum tg_err explain(struct arena *arena, const struct tg_why *why, Tg__LAudienceLine *line)
{
  if (!why->what)
    return TG_OK;
  line->what = text_data(why->what);
  line->n_args = 3;
  line->args = arena_alloc(arena, 3 * sizeof *line->args);
  for (size_t i = 0; line->args && i < 3; i++)
    if (!copy_text(arena, why->arg[i], &line->args[i]))
      return TG_NO_MEMORY;
  return line->args ? TG_OK : TG_NO_MEMORY;
}

/* The nodes of a member that it would be sealed to. */
static enum tg_err list_nodes(const struct plan *plan, unsigned member, struct arena *arena, Tg__LAudienceLine *line)
{
  line->nodes = arena_alloc(arena, NODES_SHOWN * sizeof *line->nodes);
  if (!line->nodes)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < plan->recipient_count; i++) {
    const struct plan_recipient *r = &plan->recipients[i];
    char name[HOLDER_MAX + 1];
    if (r->node->member != member)
      continue;
    line->portions |= r->portions;
    line->fallback_key |= r->key.fallback;
    holder_print(&r->node->credential.holder, name);
    if (line->n_nodes < NODES_SHOWN && !copy_text(arena, name, &line->nodes[line->n_nodes++]))
      return TG_NO_MEMORY;
  }
  return TG_OK;
}

/* Why a member gets none of the portions: the reason of the first that names it. */
static enum tg_err why_not(struct node_core *core, const struct plan *plan, unsigned member, struct arena *arena,
                           Tg__LAudienceLine *line)
{
  struct policy_reason reason = {.stage = POLICY_MARKING};
  struct tg_why why = {0};
  for (size_t i = 0; i < plan->portion_count; i++) {
    if (!memberset_has(&plan->portion[i].release, member))
      continue;
    bool permitted = memberset_has(&plan->decision.portions[i].permitted, member);
    if (permitted && memberset_has(&plan->not_given, member)) {
      line->stage = POLICY_CHARTER;
      why_set(&why, TG_REFUSED, NULL, N_("from and to suspended members a correction goes only to whom the bulletin went"), NULL, NULL,
              NULL, NULL);
      return explain(arena, &why, line);
    }
    if (permitted && memberset_has(&plan->without_key, member)) {
      line->stage = DRAFT_NO_KEY;
      why_set(&why, TG_REFUSED, NULL, N_("its node has announced no sealing key that may be used now"), NULL, NULL, NULL, NULL);
      return explain(arena, &why, line);
    }
    if (permitted || plan->recall) {
      line->stage = permitted ? DRAFT_NO_NODE : POLICY_MARKING;
      why_set(&why, TG_REFUSED, NULL,
              !permitted                           ? N_("it was not given what is taken back")
              : (int)member == core_member_index(core) ? N_("this is our own state, and no other node of it receives")
                                                   : N_("it has no node that receives"),
              NULL, NULL, NULL, NULL);
      return explain(arena, &why, line);
    }
    enum tg_err err = policy_explain(core->policies, &plan->request, i, member, core_member_index(core), &reason);
    if (core_is_fatal(err))
      return err;
    break;
  }
  line->stage = reason.stage;
  if (reason.policy && reason.line) {
    line->rule_line = reason.line;
    line->rule_text = slice_data(arena_copy(arena, policy_line(reason.policy, reason.line)));
    if (!copy_text(arena, policy_file(reason.policy), &line->rule_file))
      return TG_NO_MEMORY;
  }
  return explain(arena, &reason.why, line);
}

static enum tg_err line_of(struct node_core *core, const struct plan *plan, unsigned member, struct arena *arena,
                           Tg__LAudienceLine **ret)
{
  Tg__LAudienceLine *line = arena_alloc(arena, sizeof *line);
  const struct country *code = directory_member_code(core->directory, member);
  if (!line || !code)
    return line ? TG_INTERNAL : TG_NO_MEMORY;
  tg__laudience_line__init(line);
  if (!copy_text(arena, code->code, &line->member))
    return TG_NO_MEMORY;
  enum tg_err err = list_nodes(plan, member, arena, line);
  bool fresh = false;
  if (err == TG_OK && line->portions)
    err = is_new(core, plan, code->code, &fresh);
  else if (err == TG_OK)
    err = why_not(core, plan, member, arena, line);
  line->new_for_topic = fresh;
  *ret = line;
  return err;
}

static int by_use_and_code(const void *a, const void *b)
{
  const Tg__LAudienceLine *x = *(Tg__LAudienceLine *const *)a, *y = *(Tg__LAudienceLine *const *)b;
  if ((x->portions == 0) != (y->portions == 0))
    return x->portions == 0 ? 1 : -1;
  return memcmp(x->member.data, y->member.data, 2);
}

/* What approvals do not help. Sentences are translated where they are shown. */
static enum tg_err list_missing(const struct plan *plan, struct arena *arena, Tg__LAudience *ret)
{
  bool orcon = false;
  for (size_t i = 0; i < plan->portion_count; i++)
    orcon |= !memberset_empty(&plan->decision.portions[i].unmet) && plan->decision.portions[i].orcon;
  ret->missing = arena_alloc(arena, sizeof *ret->missing);
  if (!ret->missing)
    return TG_NO_MEMORY;
  if (orcon)
    ret->missing[ret->n_missing++] = text_data(N_("the policy demands the caveat ORCON"));
  return TG_OK;
}

enum tg_err plan_audience(struct node_core *core, const struct plan *plan, struct arena *arena, Tg__LAudience **ret)
{
  Tg__LAudience *audience = arena_alloc(arena, sizeof *audience);
  Tg__LAudienceLine **lines = arena_alloc(arena, LINES_MAX * sizeof *lines);
  struct memberset named = {{0}};
  enum tg_err err = audience && lines ? TG_OK : TG_NO_MEMORY;
  if (err != TG_OK)
    return err;
  tg__laudience__init(audience);
  for (size_t i = 0; i < plan->portion_count; i++)
    named = memberset_or(named, memberset_or(plan->portion[i].release, plan->decision.portions[i].permitted));
  for (unsigned m = memberset_next(&named, 0); err == TG_OK && m < MEMBERS_MAX; m = memberset_next(&named, m + 1))
    err = line_of(core, plan, m, arena, &lines[audience->n_lines++]);
  if (err == TG_OK)
    err = list_missing(plan, arena, audience);
  if (err != TG_OK)
    return err;
  qsort(lines, audience->n_lines, sizeof *lines, by_use_and_code);
  audience->lines = lines;
  audience->approvals = plan->approvals;
  *ret = audience;
  return TG_OK;
}
