/* What waits, on the disk: one row each, its record locked under the node's storage key. */
#include "client/node/record.h"
#include "client/node/waiting_inside.h"

#include <string.h>

const char WAITING_LABEL[] = "toguna/waiting/v1";

static enum tg_err read_approval(ProtobufCBinaryData bytes, struct approval *ret)
{
  struct slice s = data_slice(bytes), officer, signature;
  uint64_t time;
  if (!take(&s, sizeof ret->officer.b, &officer) || !take_u64(&s, &time) || !take(&s, sizeof ret->signature.b, &signature))
    return TG_DISK; /* we wrote it */
  memcpy(ret->officer.b, officer.p, sizeof ret->officer.b);
  ret->time = (tg_time)time;
  memcpy(ret->signature.b, signature.p, sizeof ret->signature.b);
  return TG_OK;
}

static enum tg_err read_row(struct node_core *core, struct db_stmt *s, struct arena *arena, void *ret)
{
  ProtobufCMessage *message;
  struct waiting_row r = {.place = db_u64(s, 0), .state = (enum waiting_state)db_u64(s, 2), .until = db_i64(s, 3)};
  if (!db_bytes(s, 1, r.id.b, sizeof r.id.b))
    return TG_DISK;
  enum tg_err err = record_unlock(core, WAITING_LABEL, &r.id, &tg__lwaiting__descriptor, db_blob(s, 4), arena, &message);
  if (err != TG_OK)
    return err;
  r.record = (const Tg__LWaiting *)message;
  if (r.record->n_approvals > LIMIT_APPROVALS || subject_parse(data_slice(r.record->subject), arena, &r.subject, NULL) != TG_OK)
    return TG_DISK;
  for (; err == TG_OK && r.approval_count < r.record->n_approvals; r.approval_count++)
    err = read_approval(r.record->approvals[r.approval_count], &r.approvals[r.approval_count]);
  if (err == TG_OK)
    *(struct waiting_row *)ret = r;
  return err;
}

#define ROW "SELECT place, id, state, until, record FROM waiting "

enum tg_err waiting_row(struct node_core *core, const struct hash *id, struct arena *arena, struct waiting_row *ret)
{
  return record_row_of(core, db_stmt(depot_db(core->depot), ROW "WHERE id = ?"), id, read_row, arena, ret);
}

enum tg_err waiting_after(struct node_core *core, uint64_t after, struct arena *arena, struct waiting_row *ret)
{
  return record_row_at(core, db_stmt(depot_db(core->depot), ROW "WHERE place > ? ORDER BY place LIMIT 1"), after, read_row, arena, ret);
}

enum tg_err waiting_count(struct node_core *core, uint64_t *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT count(*) FROM waiting WHERE state = 0");
  return db_number(s, ret);
}

enum tg_err waiting_open_after(struct node_core *core, uint64_t after, struct arena *arena, struct waiting_row *ret)
{
  return record_row_at(core, db_stmt(depot_db(core->depot), ROW "WHERE state = 0 AND place > ? ORDER BY place LIMIT 1"), after, read_row, arena, ret);
}

enum tg_err waiting_put(struct node_core *core, const struct waiting_row *row, enum waiting_state state, tg_time until,
                        const Tg__LWaiting *record)
{
  struct buf locked = buf_new(4 << 20);
  enum tg_err err = core_begin(core);
  if (err == TG_OK)
    err = record_lock(core, WAITING_LABEL, &row->id, &record->base, &locked);
  if (err == TG_OK) {
    struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE waiting SET state = ?, until = ?, record = ? WHERE id = ?");
    db_bind_u64(s, 1, state);
    db_bind_i64(s, 2, until);
    db_bind_buf(s, 3, &locked);
    db_bind_blob(s, 4, hash_slice(&row->id));
    err = db_run(s);
  }
  buf_free(&locked);
  return err;
}
