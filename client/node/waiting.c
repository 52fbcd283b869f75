#include "client/node/waiting_inside.h"

#include "client/node/desk.h"
#include "client/node/record.h"
#include "keys/approver.h"
#include "keys/codec.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECK_EVERY = 30 * 1000, STIRRED_AFTER = 1000 };
static const tg_time USUAL_TIME = 7 * TG_DAY;

/* Invariant: cursor is the place of the row that was looked at last in this round; 0 between rounds. */
struct waiting {
  uint64_t cursor;
  int64_t due;
};

struct waiting *waiting_new(void) { return calloc(1, sizeof(struct waiting)); }
void waiting_free(struct waiting *w) { free(w); }

const char *waiting_state_name(enum waiting_state state)
{
  static const char *const names[] = {"waiting", "sent", "denied", "expired"};
  return (unsigned)state < sizeof names / sizeof *names ? names[state] : "?";
}

/* ---- taking in ---- */

enum tg_err waiting_room(struct node_core *core, struct tg_why *why)
{
  uint64_t n;
  enum tg_err err = waiting_count(core, &n);
  if (err != TG_OK || n < WAITING_MAX)
    return err;
  return why_set(why, TG_QUOTA, NULL, N_("as many bulletins as may wait for approvals wait already"),
                 N_("have some of them approved or denied: toguna approve"), NULL, NULL, NULL);
}

enum tg_err waiting_add(struct node_core *core, const struct plan *plan, const struct seal_parts *parts,
                        const struct draft_author *author, struct tg_why *why)
{
  const struct hash id = subject_hash(parts->subject);
  const tg_time most = core->config->approval_time ? core->config->approval_time : USUAL_TIME;
  ProtobufCBinaryData portions[LIMIT_PORTIONS], releases[LIMIT_PORTIONS];
  Tg__LWaiting record = TG__LWAITING__INIT;
  struct buf locked = buf_new(4 << 20);
  for (size_t i = 0; i < plan->portion_count; i++) {
    portions[i] = slice_data(parts->portions[i]);
    releases[i] = slice_data(parts->releases[i]);
  }
  record.wish = (Tg__LDraft *)(uintptr_t)plan->wish;
  record.subject = slice_data(parts->subject);
  record.n_portions = record.n_releases = plan->portion_count;
  record.portions = portions;
  record.releases = releases;
  record.uid = author->uid;
  record.program = text_data(author->program);
  record.demanded = plan->approvals;
  enum tg_err err = waiting_room(core, why);
  if (err == TG_OK)
    err = record_lock(core, WAITING_LABEL, &id, &record.base, &locked);
  if (err == TG_OK) {
    const tg_time until = core->now.wall + most;
    struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT INTO waiting(id, state, until, record) VALUES(?, 0, ?, ?)");
    db_bind_blob(s, 1, hash_slice(&id));
    db_bind_i64(s, 2, until < plan->subject.expires ? until : plan->subject.expires);
    db_bind_buf(s, 3, &locked);
    err = db_run(s);
  }
  buf_free(&locked);
  return err == TG_OK ? core_tell(core, NODE_NOTICE, "waits-for-approval", &id, author->program, plan->approvals, NULL) : err;
}

/* ---- ends ---- */

/* What is remembered of ends is bounded. */
static enum tg_err forget_oldest(struct node_core *core)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot),
                              "DELETE FROM waiting WHERE state > 0 AND place <="
                              " (SELECT place FROM waiting WHERE state > 0 ORDER BY place DESC LIMIT 1 OFFSET ?)");
  db_bind_u64(s, 1, WAITING_ENDED_MAX);
  return db_run(s);
}

/* Nothing of the wish stays but what tells how it ended. */
static enum tg_err end(struct node_core *core, const struct waiting_row *row, enum waiting_state state, struct slice reason,
                       uint32_t uid, const struct hash *bulletin)
{
  Tg__LWaiting record = *row->record;
  record.wish = NULL;
  record.n_portions = record.n_releases = 0;
  record.reason = slice_data(reason);
  record.ended = (uint64_t)core->now.wall;
  record.ended_by = uid;
  if (bulletin)
    record.bulletin = slice_data(hash_slice(bulletin));
  enum tg_err err = waiting_put(core, row, state, row->subject.expires, &record);
  return err == TG_OK ? forget_oldest(core) : err;
}

static enum tg_err drop(struct node_core *core, const struct waiting_row *row, enum waiting_state state, struct slice reason,
                        uint32_t uid, const struct tg_why *why)
{
  enum tg_err err = end(core, row, state, reason, uid, NULL);
  if (err == TG_OK)
    err = depot_content_erase(core->depot, &row->id, NULL);
  core->sweeping = core->settle = true;
  if (err == TG_OK)
    err = core_tell(core, NODE_NOTICE, state == WAITING_DENIED ? "draft-denied" : "draft-expired", &row->id, NULL, 0, why);
  return err == TG_OK ? desk_draft_ended(core, &row->id, why) : err;
}

/* ---- may it go? ---- */

unsigned waiting_counting(struct node_core *core, const struct waiting_row *row, uint32_t *ret_mask)
{
  unsigned n = 0;
  *ret_mask = 0;
  for (size_t i = 0; i < row->approval_count; i++)
    if (approver_check(core->directory, (unsigned)core_member_index(core), &row->subject, &row->approvals[i], core->now.wall,
                       NULL) == TG_OK) {
      *ret_mask |= UINT32_C(1) << i;
      n++;
    }
  return n;
}

enum tg_err waiting_plan(struct node_core *core, const struct waiting_row *row, struct arena *arena, struct plan *ret,
                         enum tg_err *ret_verdict, struct tg_why *ret_why)
{
  uint64_t sizes[LIMIT_PORTIONS];
  uint32_t mask;
  struct plan_given given = {.subject = &row->subject, .approvals = waiting_counting(core, row, &mask)};
  for (size_t i = 0; i < row->record->n_portions && i < LIMIT_PORTIONS; i++) {
    struct portion p;
    if (portion_parse(data_slice(row->record->portions[i]), arena, &p, NULL) != TG_OK)
      return TG_DISK; /* we built it */
    sizes[i] = p.seal.size;
  }
  enum tg_err err = plan_make(core, row->record->wish, sizes, &given, arena, ret, ret_why);
  if (err == TG_OK)
    err = plan_check(core, ret, ret_why);
  if (core_is_fatal(err))
    return err;
  *ret_verdict = err;
  return TG_OK;
}

/* K of each portion, from where the draft's content stands. */
static enum tg_err read_keys(struct node_core *core, const struct waiting_row *row, struct body_key *keys)
{
  enum tg_err err = TG_OK;
  for (unsigned i = 0; err == TG_OK && i < row->record->n_portions; i++) {
    struct record_content content;
    err = record_content(core, &row->id, i, core->arena, &content);
    if (err == TG_OK)
      keys[i] = content.key;
    sodium_memzero(&content.key, sizeof content.key);
  }
  return err == TG_NOT_FOUND ? TG_DISK : err; /* it is erased with the row's end only */
}

static enum tg_err send_it(struct node_core *core, const struct waiting_row *row, const struct plan *plan, struct tg_why *why)
{
  struct seal_parts parts = {.subject = row->subject.bytes};
  struct approval approvals[LIMIT_APPROVALS];
  struct hash id;
  uint64_t number;
  uint32_t mask;
  size_t n = 0;
  (void)waiting_counting(core, row, &mask); /* one that counts no more would have all of it refused */
  for (size_t i = 0; i < row->approval_count; i++)
    if (mask >> i & 1)
      approvals[n++] = row->approvals[i];
  for (size_t i = 0; i < row->record->n_portions; i++) {
    parts.portions[i] = data_slice(row->record->portions[i]);
    parts.releases[i] = data_slice(row->record->releases[i]);
  }
  struct body_key *keys = sodium_allocarray(LIMIT_PORTIONS, sizeof *keys);
  enum tg_err err = keys ? read_keys(core, row, keys) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = seal_bulletin(core, plan, &parts, keys, approvals, n, &id, &number, why);
  sodium_free(keys);
  if (err == TG_OK)
    err = depot_content_move(core->depot, &row->id, &id, core->arena);
  if (err == TG_OK)
    err = end(core, row, WAITING_SENT, slice_of(NULL, 0), 0, &id);
  return err == TG_OK ? desk_draft_sent(core, &row->id, &id, number) : err;
}

/* Sends it if nothing lacks. *ret_lack: approvals that do; the verdict is what else keeps it. */
static enum tg_err try(struct node_core *core, const struct waiting_row *row, unsigned *ret_lack, enum tg_err *ret_verdict,
                       struct tg_why *ret_why)
{
  uint32_t mask;
  *ret_lack = 0;
  struct plan *plan = arena_alloc(core->arena, sizeof *plan);
  enum tg_err err = plan ? core_begin(core) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = waiting_plan(core, row, core->arena, plan, ret_verdict, ret_why);
  if (err != TG_OK || *ret_verdict != TG_OK)
    return err;
  if (plan->approvals) {
    *ret_lack = plan->approvals - waiting_counting(core, row, &mask);
    return TG_OK;
  }
  err = send_it(core, row, plan, ret_why);
  if (core_is_fatal(err))
    return err;
  *ret_verdict = err;
  return TG_OK;
}

/* ---- officers ---- */

static enum tg_err find_open(struct node_core *core, const struct hash *id, struct waiting_row *ret, struct tg_why *why)
{
  char text[HASH_TEXT];
  enum tg_err err = waiting_row(core, id, core->arena, ret);
  if (err == TG_OK && ret->state == WAITING_OPEN)
    return TG_OK;
  if (core_is_fatal(err))
    return err;
  hash_print(id, text);
  text[12] = 0;
  return why_set(why, TG_NOT_FOUND, text,
                 err == TG_OK ? N_("this bulletin waits for no approval any more") : N_("no such bulletin waits for approvals here"),
                 N_("see what waits: toguna approve"), NULL, NULL, NULL);
}

/* The row with one approval more; where there is no room for it, those that count no more make some. */
static enum tg_err add_approval(struct node_core *core, struct waiting_row *row, const struct approval *approval,
                                struct tg_why *why)
{
  uint8_t bytes[LIMIT_APPROVALS][APPROVAL_BYTES];
  ProtobufCBinaryData list[LIMIT_APPROVALS];
  Tg__LWaiting record = *row->record;
  uint32_t mask;
  size_t kept = 0;
  if (waiting_counting(core, row, &mask) == LIMIT_APPROVALS)
    return why_set(why, TG_QUOTA, NULL, N_("it has as many approvals as a bulletin can carry"), NULL, NULL, NULL, NULL);
  for (size_t i = 0; i < row->approval_count; i++)
    if ((mask >> i & 1) || row->approval_count < LIMIT_APPROVALS)
      row->approvals[kept++] = row->approvals[i];
  row->approvals[kept++] = *approval;
  row->approval_count = kept;
  for (size_t i = 0; i < kept; i++) {
    struct buf b = buf_new(APPROVAL_BYTES);
    buf_put(&b, row->approvals[i].officer.b, sizeof row->approvals[i].officer.b);
    buf_put_u64(&b, (uint64_t)row->approvals[i].time);
    buf_put(&b, row->approvals[i].signature.b, sizeof row->approvals[i].signature.b);
    if (buf_status(&b) != TG_OK) {
      buf_free(&b);
      return TG_NO_MEMORY;
    }
    memcpy(bytes[i], b.p, APPROVAL_BYTES);
    list[i] = slice_data(slice_of(bytes[i], APPROVAL_BYTES));
    buf_free(&b);
  }
  record.n_approvals = kept;
  record.approvals = list;
  return waiting_put(core, row, WAITING_OPEN, row->until, &record);
}

static enum tg_err approve(struct node_core *core, const struct hash *id, const struct approval *approval, uint32_t uid,
                           struct waiting_row *row, struct tg_why *why)
{
  enum tg_err err = find_open(core, id, row, why);
  if (err != TG_OK)
    return err;
  if (row->record->uid == uid && !core->config->own_approval)
    return why_set(why, TG_REFUSED, NULL, N_("who published it may not approve it too"),
                   N_("have another user of this node approve it, or set `own-approval accept` in the node's configuration"), NULL,
                   NULL, NULL);
  err = approver_check(core->directory, (unsigned)core_member_index(core), &row->subject, approval, core->now.wall, why);
  for (size_t i = 0; err == TG_OK && i < row->approval_count; i++)
    if (sign_pk_eq(&row->approvals[i].officer, &approval->officer))
      err = why_set(why, TG_DUPLICATE, NULL, N_("this officer has approved it already"), NULL, NULL, NULL, NULL);
  return err == TG_OK ? add_approval(core, row, approval, why) : err;
}

enum tg_err waiting_approve(struct node_core *core, const struct hash *id, const struct approval *approval, uint32_t uid,
                            unsigned *ret_lack, enum tg_err *ret_verdict, struct tg_why *ret_why)
{
  struct waiting_row row;
  enum tg_err held = TG_OK, err = approve(core, id, approval, uid, &row, ret_why);
  if (core_is_fatal(err))
    return err;
  *ret_verdict = err;
  if (err != TG_OK)
    return TG_OK;
  err = core_tell(core, NODE_NOTICE, "approved", id, NULL, row.approval_count, NULL);
  if (err == TG_OK) /* the approval stands, whatever else keeps it */
    err = waiting_row(core, id, core->arena, &row);
  return err == TG_OK ? try(core, &row, ret_lack, &held, ret_why) : err;
}

enum tg_err waiting_deny(struct node_core *core, const struct hash *id, struct slice reason, uint32_t uid,
                         enum tg_err *ret_verdict, struct tg_why *ret_why)
{
  struct waiting_row row;
  struct tg_why said;
  char text[128 + 1];
  enum tg_err err = find_open(core, id, &row, ret_why);
  if (core_is_fatal(err))
    return err;
  *ret_verdict = err;
  if (err != TG_OK)
    return TG_OK;
  snprintf(text, sizeof text, "%.*s", (int)reason.n, (const char *)reason.p);
  why_set(&said, TG_REFUSED, NULL, N_("its approval was denied: %1$s"), NULL, text, NULL, NULL);
  return drop(core, &row, WAITING_DENIED, reason, uid, &said);
}

/* ---- time ---- */

void waiting_stir(struct node_core *core)
{
  struct waiting *w = core->waiting;
  if (w->due > core->now.mono + STIRRED_AFTER)
    w->due = core->now.mono + STIRRED_AFTER;
}

int64_t waiting_due(const struct node_core *core) { return core->waiting->due; }

static enum tg_err look_at(struct node_core *core, const struct waiting_row *row)
{
  struct tg_why why = {0};
  enum tg_err held;
  unsigned lack;
  if (row->until > core->now.wall)
    return core_charter(core) && core->named ? try(core, row, &lack, &held, &why) : TG_OK;
  why_set(&why, TG_EXPIRED, NULL, N_("too few officers approved it in time"), N_("publish it again"), NULL, NULL, NULL);
  return drop(core, row, WAITING_EXPIRED, slice_of(NULL, 0), 0, &why);
}

/* A round is over: ends that nobody needs any more are forgotten. */
static enum tg_err rest(struct node_core *core)
{
  struct waiting *w = core->waiting;
  w->cursor = 0;
  w->due = core->now.mono + CHECK_EVERY;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT EXISTS(SELECT 1 FROM waiting WHERE state > 0 AND until <= ?)");
  db_bind_i64(s, 1, core_careful_now(core));
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK)
    return err;
  bool any = db_u64(s, 0) != 0;
  db_reset(s);
  if (!any)
    return TG_OK;
  err = core_begin(core);
  s = db_stmt(depot_db(core->depot), "DELETE FROM waiting WHERE state > 0 AND until <= ?");
  db_bind_i64(s, 1, core_careful_now(core));
  return err == TG_OK ? db_run(s) : err;
}

/* One draft at a turn: each takes memory and signatures of its own. */
enum tg_err waiting_time(struct node_core *core)
{
  struct waiting *w = core->waiting;
  struct waiting_row row;
  if (core->now.mono < w->due)
    return TG_OK;
  arena_reset(core->arena);
  enum tg_err err = waiting_open_after(core, w->cursor, core->arena, &row);
  if (err == TG_NOT_FOUND)
    return rest(core);
  if (err != TG_OK)
    return err;
  w->cursor = row.place;
  return look_at(core, &row);
}
