/* Requests about what waits for approvals: who may see it, approve it, deny it; and the question of what waits, and for whom. */
#include "client/node/query.h"
#include "client/node/request.h"
#include "client/node/waiting.h"

#include "keys/approver.h"
#include "keys/codec.h"

#include <string.h>

bool approving_may_see(const struct request *r, const struct waiting_row *row)
{
  const unsigned roles = request_roles(r);
  return (roles & NODE_APPROVER) || ((roles & NODE_PUBLISHER) && request_author(r).uid == row->record->uid);
}

/* ---- approving, denying ---- */

enum tg_err approving_approve(struct node_core *core, struct request *r, const ProtobufCMessage *message)
{
  const Tg__LApprove *m = (const Tg__LApprove *)message;
  struct approval approval = {.time = (tg_time)m->time};
  struct tg_why why = {0};
  struct hash draft;
  unsigned lack;
  char key[KEY_TEXT];
  (void)hash_read(data_slice(m->draft), &draft); /* lengths by their limits */
  memcpy(approval.officer.b, m->officer.data, sizeof approval.officer.b);
  memcpy(approval.signature.b, m->signature.data, sizeof approval.signature.b);
  enum tg_err verdict, err = waiting_approve(core, &draft, &approval, request_author(r).uid, &lack, &verdict, &why);
  if (err != TG_OK)
    return err;
  if (verdict != TG_OK)
    return request_refuse(core, r, &why);
  key_print(approval.officer.b, key);
  err = request_journal(core, r, "approved", &draft, key);
  return err == TG_OK ? request_done(core, r, lack) : err;
}

enum tg_err approving_deny(struct node_core *core, struct request *r, const ProtobufCMessage *message)
{
  const Tg__LDeny *m = (const Tg__LDeny *)message;
  struct tg_why why = {0};
  struct waiting_row row;
  struct hash draft;
  char reason[LOCAL_REASON + 1];
  (void)hash_read(data_slice(m->draft), &draft);
  enum tg_err verdict = TG_OK, err = waiting_row(core, &draft, core->arena, &row);
  if (core_is_fatal(err))
    return err;
  if (err == TG_OK && !approving_may_see(r, &row)) /* to this user it is not there */
    memset(draft.b, 0, sizeof draft.b);
  err = waiting_deny(core, &draft, data_slice(m->reason), request_author(r).uid, &verdict, &why);
  if (err != TG_OK)
    return err;
  if (verdict != TG_OK)
    return request_refuse(core, r, &why);
  memcpy(reason, m->reason.data, m->reason.len);
  reason[m->reason.len] = 0;
  err = request_journal(core, r, "denied", &draft, reason);
  return err == TG_OK ? request_done(core, r, 1) : err;
}

/* ---- what waits ---- */

static json_t *base64_json(struct slice bytes)
{
  struct buf text = buf_new(64 << 10);
  base64_put(&text, bytes.p, bytes.n);
  json_t *j = query_text(buf_slice(&text));
  buf_free(&text);
  return j;
}

static json_t *base64_list(size_t n, const ProtobufCBinaryData *list)
{
  json_t *j = json_array();
  for (size_t i = 0; i < n; i++)
    json_array_append_new(j, base64_json(data_slice(list[i])));
  return j;
}

static json_t *approvals_json(struct node_core *core, const struct waiting_row *row, uint32_t counting)
{
  json_t *list = json_array();
  for (size_t i = 0; i < row->approval_count; i++) {
    const struct officer *officer = directory_officer(core->directory, &row->approvals[i].officer);
    char name[HOLDER_MAX + 1] = "";
    if (officer)
      holder_print(&officer->credential.holder, name);
    json_array_append_new(list, json_pack("{s:s, s:o, s:b}", "officer", name, "time", query_time(row->approvals[i].time), "counts",
                                          (int)(counting >> i & 1)));
  }
  return list;
}

static bool has_approved(const struct waiting_row *row, uint32_t counting, const struct sign_pk *key)
{
  for (size_t i = 0; i < row->approval_count; i++)
    if ((counting >> i & 1) && sign_pk_eq(&row->approvals[i].officer, key))
      return true;
  return false;
}

/* The officers who might approve it still. */
static json_t *candidates_json(struct node_core *core, const struct waiting_row *row, uint32_t counting)
{
  json_t *list = json_array();
  const struct officer *o;
  for (size_t i = 0; (o = directory_officer_at(core->directory, i)); i++) {
    char name[HOLDER_MAX + 1];
    const struct sign_pk *key = &o->credential.identity;
    if (approver_may(core->directory, (unsigned)core_member_index(core), key, core->now.wall, NULL) != TG_OK ||
        has_approved(row, counting, key))
      continue;
    holder_print(&o->credential.holder, name);
    json_array_append_new(list, json_string(name));
  }
  return list;
}

static json_t *contents_json(const Tg__LDraft *wish)
{
  json_t *list = json_array();
  for (size_t i = 0; wish && i < wish->n_portions; i++) {
    const Tg__LPortionDraft *p = wish->portions[i];
    struct body_head head = plan_head(p);
    json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o, s:I}", "title", query_text(head.title), "filename",
                                          query_text(head.filename), "content_type", query_text(head.content_type), "language",
                                          query_text(head.language), "size", (json_int_t)head.size));
  }
  return list;
}

/* How it stands with it: what it takes, and what else keeps it from going (NULL: nothing). */
static enum tg_err stand(struct node_core *core, const struct waiting_row *row, struct arena *arena, unsigned *ret_demanded,
                         unsigned *ret_lack, struct tg_why *ret_held)
{
  uint32_t mask;
  enum tg_err verdict;
  *ret_demanded = row->record->demanded;
  *ret_lack = 0;
  if (row->state != WAITING_OPEN)
    return TG_OK;
  struct plan *plan = arena_alloc(arena, sizeof *plan);
  enum tg_err err = plan ? waiting_plan(core, row, arena, plan, &verdict, ret_held) : TG_NO_MEMORY;
  if (err != TG_OK || verdict != TG_OK)
    return err;
  const unsigned have = waiting_counting(core, row, &mask);
  if (plan->approvals) {
    *ret_demanded = plan->approvals;
    *ret_lack = plan->approvals - have;
  }
  return TG_OK;
}

static enum tg_err draft_json(struct node_core *core, const struct waiting_row *row, struct arena *arena, json_t **ret)
{
  const Tg__LWaiting *m = row->record;
  struct tg_why held = {0};
  unsigned demanded, lack;
  uint32_t counting;
  struct hash bulletin = {{0}};
  enum tg_err err = stand(core, row, arena, &demanded, &lack, &held);
  if (err != TG_OK)
    return err;
  (void)waiting_counting(core, row, &counting);
  if (m->bulletin.len)
    (void)hash_read(data_slice(m->bulletin), &bulletin);
  const bool open = row->state == WAITING_OPEN;
  *ret = json_pack("{s:o, s:s, s:o, s:o, s:I, s:o, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", //
                   "draft", query_hex(&row->id), "state", waiting_state_name(row->state), "bulletin", query_hex(&bulletin),
                   "until", open ? query_time(row->until) : json_null(), //
                   "uid", (json_int_t)m->uid, "program", query_text(data_slice(m->program)), "demanded", (int)demanded, "lacking",
                   (int)lack, "approvals", approvals_json(core, row, counting), "candidates",
                   open ? candidates_json(core, row, counting) : json_array(), //
                   "held", held.what ? query_why(&held) : json_null(), "ended", query_time((tg_time)m->ended), "reason",
                   m->reason.len ? query_text(data_slice(m->reason)) : json_null(), //
                   "subject", base64_json(data_slice(m->subject)), "portions", base64_list(m->n_portions, m->portions), "releases",
                   base64_list(m->n_releases, m->releases), "contents", contents_json(m->wish));
  return *ret ? TG_OK : TG_NO_MEMORY;
}

/* Does its id begin with these hex digits? */
static bool begins_with(const struct waiting_row *row, struct slice prefix)
{
  char id[HASH_TEXT];
  hash_print(&row->id, id);
  return prefix.n < HASH_TEXT && memcmp(id, prefix.p, prefix.n) == 0;
}

static bool is_asked_for(const struct query *q, const struct waiting_row *row)
{
  return (q->n ? begins_with(row, q->args[0]) : row->state == WAITING_OPEN) && approving_may_see(q->request, row);
}

static enum tg_err list(struct node_core *core, struct query *q, struct arena *arena)
{
  struct waiting_row row = {.place = 0};
  for (;;) {
    json_t *one;
    arena_reset(arena);
    enum tg_err err = waiting_after(core, row.place, arena, &row);
    if (err == TG_NOT_FOUND)
      return TG_OK;
    if (err == TG_OK && !is_asked_for(q, &row))
      continue;
    if (err == TG_OK)
      err = draft_json(core, &row, arena, &one);
    if (err != TG_OK)
      return err;
    if (json_array_append_new(q->json, one) != 0)
      return TG_NO_MEMORY;
  }
}

enum tg_err query_waiting(struct node_core *core, struct query *q)
{
  if (q->n > 1 || (q->n == 1 && (q->args[0].n < 4 || q->args[0].n > 64))) {
    q->verdict = why_set(&q->why, TG_USAGE, NULL, N_("this question takes the beginning of a draft's id, 4 hex digits or more"), NULL,
                         NULL, NULL, NULL);
    return TG_OK;
  }
  struct arena *arena = arena_new(2 * LOCAL_ARENA); /* a wish, and what is planned for it */
  q->json = json_array();
  enum tg_err err = arena && q->json ? list(core, q, arena) : TG_NO_MEMORY;
  arena_free(arena);
  return err;
}
