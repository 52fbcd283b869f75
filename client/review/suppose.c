/* What drafts would have changed, entry by entry. */
#include "client/review/replay.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

struct supposing {
  struct review *r;
  struct policy **draft;
  size_t n_drafts;
  struct ground ground;
  struct policy_set *drafts; /* the ground's policies, and the drafts in their place */
  uint64_t generation;       /* of the ground that it was made of */
  review_difference *each;
  void *arg;
  uint64_t bulletins, opened, closed, not_open, unclear;
  struct hash first_unclear;
};

/* ---- drafts ---- */

static enum tg_err read_drafts(struct supposing *x, const struct review_draft *drafts, size_t n, tg_time now, struct tg_why *why)
{
  struct policy_world *world = NULL;
  enum tg_err err = x->r->directory ? policy_world_build(x->r->directory, now, &world) : TG_NOT_FOUND;
  if (err)
    return why_set(why, err, NULL, N_("no charter in force is open here"), NULL, NULL, NULL, NULL);
  x->draft = calloc(n, sizeof *x->draft);
  err = x->draft ? TG_OK : TG_NO_MEMORY;
  for (size_t i = 0; !err && i < n; i++) {
    err = policy_parse(drafts[i].text, drafts[i].file, world, &x->draft[i], NULL, why);
    x->n_drafts += !err;
    if (!err && policy_world_member(world, policy_member(x->draft[i])) < 0)
      err = why_set(why, TG_NOT_FOUND, drafts[i].file, N_("%1$s is no member of this exchange"), NULL,
                    policy_member(x->draft[i]).code, NULL, NULL);
  }
  policy_world_free(world);
  return err;
}

/* The drafts in place of what was in force at an entry. A state that was no member yet is nobody, whatever its draft says. */
static enum tg_err suppose(struct supposing *x)
{
  if (x->drafts && x->generation == x->ground.generation)
    return TG_OK;
  policy_set_free(x->drafts);
  x->drafts = NULL;
  enum tg_err err = policy_set_copy(x->ground.set, &x->drafts);
  for (size_t i = 0; !err && i < x->n_drafts; i++)
    err = policy_set_suppose(x->drafts, x->draft[i], x->ground.at);
  x->generation = x->ground.generation;
  return err == TG_NOT_FOUND ? TG_OK : err;
}

/* ---- one bulletin ---- */

static const char *topics_of(const struct policy_request *q, char out[POLICY_TOPICS_MAX * 65])
{
  size_t n = 0;
  for (size_t i = 0; i < q->topic_count; i++)
    n += (size_t)snprintf(out + n, 65, "%s%.*s", i ? " " : "", (int)q->topics[i].n, (const char *)q->topics[i].p);
  return out;
}

static const char *marking_of(const struct policy_portion *p, char out[64])
{
  snprintf(out, 64, "%s TLP:%s%s", level_name(p->level), tlp_name(p->tlp), p->orcon ? " ORCON" : "");
  for (char *c = out; *c; c++)
    *c = (char)toupper((unsigned char)*c);
  return out;
}

static json_t *args_of(const struct tg_why *why)
{
  return json_pack("[s,s,s]", why->arg[0], why->arg[1], why->arg[2]);
}

static enum tg_err tell(struct supposing *x, const struct replay *p, size_t portion, unsigned member)
{
  const bool opens = !memberset_has(&p->decision.portions[portion].permitted, member);
  char topics[POLICY_TOPICS_MAX * 65] = "", mark[64], name[PAPERS_NAME];
  struct policy_reason reason;
  if (policy_explain(x->drafts, &p->request, portion, member, POLICY_ASKED_BY_ALL, &reason))
    return TG_INTERNAL; /* the same was decided */
  json_t *j = json_pack(
      "{s:I,s:o,s:I,s:o,s:I,s:s,s:s,s:s,s:s,s:b,s:s,s:s,s:I,s:o,s:s,s:o}", "index", (json_int_t)p->dossier.index, "time",
      json_of_time(p->entry.time), "time_ms", (json_int_t)p->entry.time, "id", json_of_hash(&p->entry.subject), "portion",
      (json_int_t)portion, "from", papers_name(x->r, &p->bulletin->header.subject.originator, name), "member",
      directory_member_code(p->directory, member)->code, "topics", topics_of(&p->request, topics), "marking",
      marking_of(&p->request.portions[portion], mark), "opens", opens, "stage", policy_stage_name(reason.stage), "file",
      reason.policy ? policy_file(reason.policy) : "", "line", (json_int_t)reason.line, "rule",
      json_of_text(reason.policy && reason.line ? policy_line(reason.policy, reason.line) : slice_of(NULL, 0)), "sentence",
      reason.why.what ? reason.why.what : "", "args", args_of(&reason.why));
  if (!j)
    return TG_NO_MEMORY;
  x->each(x->arg, j);
  json_decref(j);
  *(opens ? &x->opened : &x->closed) += 1;
  return TG_OK;
}

static enum tg_err compare(struct supposing *x, const struct replay *p)
{
  struct policy_decision then;
  enum tg_err err = policy_decide(x->drafts, &p->request, &then);
  for (size_t i = 0; !err && i < p->request.portion_count; i++) {
    const struct memberset was = p->decision.portions[i].permitted, is = then.portions[i].permitted;
    const struct memberset changed = memberset_or(memberset_minus(was, is), memberset_minus(is, was));
    for (unsigned m = memberset_next(&changed, 0); !err && m < MEMBERS_MAX; m = memberset_next(&changed, m + 1))
      err = tell(x, p, i, m);
  }
  return err;
}

static void note_unclear(struct supposing *x, const struct replay *p)
{
  if (x->unclear++ == 0)
    x->first_unclear = p->entry.subject;
}

/* Of a recall nothing can differ: it goes to those who had what it recalls. */
static enum tg_err one(struct supposing *x, uint64_t leaf, struct tg_why *why)
{
  struct replay p;
  enum tg_err err = replay_make(x->r, leaf, &x->ground, &p, why);
  if (err == TG_NOT_FOUND && !p.bulletin)
    x->not_open++;
  else if (err == TG_NOT_FOUND || (!err && !replay_agrees(&p)))
    note_unclear(x, &p);
  else if (!err) {
    x->bulletins++;
    err = p.bulletin->header.subject.kind == KIND_RECALL ? TG_OK : suppose(x);
    if (!err && p.bulletin->header.subject.kind != KIND_RECALL)
      err = compare(x, &p);
  }
  replay_done(&p);
  return err == TG_NOT_FOUND ? TG_OK : err;
}

/* ---- all of them ---- */

static enum tg_err walk(struct supposing *x, tg_time since, tg_time before, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  for (uint64_t from = 0; !err;) {
    struct db_stmt *s = db_stmt(x->r->db, "SELECT leaf FROM entry WHERE leaf >= ?1 AND type = ?2 AND time >= ?3 AND time < ?4"
                                          " ORDER BY leaf LIMIT 1");
    bool row;
    db_bind_u64(s, 1, from);
    db_bind_u64(s, 2, ENTRY_ACCEPTED);
    db_bind_i64(s, 3, since);
    db_bind_i64(s, 4, before ? before : INT64_MAX);
    err = db_step(s, &row);
    if (err || !row)
      break;
    from = db_u64(s, 0) + 1;
    db_reset(s);
    err = one(x, from - 1, why);
  }
  return err;
}

static enum tg_err count(struct review *r, unsigned type, tg_time since, tg_time before, json_int_t *ret)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT count(*) FROM entry WHERE type = ?1 AND time >= ?2 AND time < ?3");
  bool row;
  db_bind_u64(s, 1, type);
  db_bind_i64(s, 2, since);
  db_bind_i64(s, 3, before ? before : INT64_MAX);
  enum tg_err err = db_step(s, &row);
  *ret = !err && row ? (json_int_t)db_u64(s, 0) : 0;
  if (!err && row)
    db_reset(s);
  return err;
}

static enum tg_err summary(const struct supposing *x, tg_time since, tg_time before, json_t **ret)
{
  json_int_t refused, unopened;
  enum tg_err err = count(x->r, ENTRY_REFUSED, since, before, &refused);
  if (!err)
    err = count(x->r, 0, 0, 0, &unopened); /* when they were written is not open either */
  if (err)
    return err;
  *ret = json_pack("{s:I,s:I,s:I,s:I,s:{s:I,s:o},s:I,s:I,s:I}", "bulletins", (json_int_t)x->bulletins, "opened", (json_int_t)x->opened,
                   "closed", (json_int_t)x->closed, "not_open", (json_int_t)x->not_open, "unclear", "count", (json_int_t)x->unclear,
                   "first", json_of_hash(&x->first_unclear), "refused", refused, "closed_entries", unopened, "entries",
                   (json_int_t)x->r->size);
  return *ret ? TG_OK : TG_NO_MEMORY;
}

enum tg_err review_suppose(struct review *r, const struct review_draft *drafts, size_t n, tg_time now, tg_time since, tg_time before,
                           review_difference *each, void *arg, json_t **ret, struct tg_why *why)
{
  struct supposing x = {.r = r, .each = each, .arg = arg};
  enum tg_err err = read_drafts(&x, drafts, n, now, why);
  if (!err)
    err = walk(&x, since, before, why);
  if (!err)
    err = summary(&x, since, before, ret);
  for (size_t i = 0; i < x.n_drafts; i++)
    policy_free(x.draft[i]);
  free(x.draft);
  policy_set_free(x.drafts);
  ground_done(&x.ground);
  return err;
}
