/* The outbox as those see it who only look. */
#include "client/node/outbox_inside.h"

#include "client/node/record.h"
#include "client/node/schema.h"
#include "client/node/watch.h"

static enum tg_err read_row(struct node_core *core, struct db_stmt *s, struct arena *arena, void *ret)
{
  ProtobufCMessage *message, *proof = NULL;
  struct sent_row r = {.place = db_u64(s, 0),
                       .number = db_u64(s, 2),
                       .precedence = (enum precedence)db_u64(s, 3),
                       .state = (enum sent_state)db_u64(s, 4),
                       .open = db_u64(s, 5),
                       .leaf = db_u64(s, 6),
                       .overdue = db_i64(s, 9) < 0,
                       .settled = watch_shows_settled(core, db_text(s, 10), db_u64(s, 6))};
  if (!db_bytes(s, 1, r.id.b, sizeof r.id.b))
    return TG_DISK;
  enum tg_err err =
      record_unlock(core, outbox_label, &r.id, &tg__submission__descriptor, db_blob(s, 7), arena, &message);
  if (err != TG_OK)
    return err;
  Tg__Submission *submission = (Tg__Submission *)message;
  struct slice proof_bytes = db_blob(s, 8);
  if (proof_bytes.n && strict_unpack(&limits_batch_proof, proof_bytes, arena, &proof, NULL) != TG_OK)
    return TG_DISK;
  if (header_parse_known(data_slice(submission->header), &r.id, arena, &r.header, NULL) != TG_OK)
    return TG_DISK;
  submission->proof = (Tg__BatchProof *)proof;
  r.message = submission;
  r.expires = r.header.subject.expires;
  *(struct sent_row *)ret = r;
  return TG_OK;
}

#define ROW "SELECT sent.place, id, number, precedence, state, open, leaf, record, proof, due, log FROM sent JOIN letter ON letter.place = sent.place "

enum tg_err outbox_row(struct node_core *core, const struct hash *id, struct arena *arena, struct sent_row *ret)
{
  return record_row_of(core, db_stmt(depot_db(core->depot), ROW "WHERE " SCHEMA_SENT("?1")), id, read_row, arena, ret);
}

enum tg_err outbox_after(struct node_core *core, uint64_t after, struct arena *arena, struct sent_row *ret)
{
  return record_row_at(core, db_stmt(depot_db(core->depot), ROW "WHERE sent.place > ? ORDER BY sent.place LIMIT 1"), after, read_row, arena, ret);
}

enum tg_err outbox_below(struct node_core *core, uint64_t below, struct arena *arena, struct sent_row *ret)
{
  return record_row_at(core, db_stmt(depot_db(core->depot), ROW "WHERE sent.place < ? ORDER BY sent.place DESC LIMIT 1"), below, read_row, arena, ret);
}

enum tg_err outbox_counts(struct node_core *core, struct outbox_counts *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT count(*) FILTER (WHERE state = 0),"
                                                     " count(*) FILTER (WHERE state IN (1, 2, 3)),"
                                                     " count(*) FILTER (WHERE state = 4), count(*) FILTER (WHERE due < 0) FROM sent");
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  *ret = (struct outbox_counts){.spooled = db_u64(s, 0), .accepted = db_u64(s, 1), .refused = db_u64(s, 2), .overdue = db_u64(s, 3)};
  db_reset(s);
  return TG_OK;
}
