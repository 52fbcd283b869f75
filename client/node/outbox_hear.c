/* What comes back about bulletins of ours: the hub's answers and the recipients' receipts. Both are believed only with the
   log entry that opens under the checkpoint of their frame. */
#include "client/node/outbox_inside.h"

#include "audit/reason.h"
#include "client/node/desk.h"
#include "client/node/record.h"
#include "client/node/talk.h"
#include "client/node/watch.h"
#include "proto/hash.h"
#include "proto/merkle.h"
#include "proto/receipt.h"

#include <stdio.h>

static enum tg_err no(struct tg_why *why, const char *what)
{
  return why_set(why, TG_BAD_PROOF, NULL, what, NULL, NULL, NULL, NULL);
}

/* ---- outcomes ---- */

/* A row as far as an answer needs it. */
struct asked {
  uint64_t place, number, state;
};

static enum tg_err find(struct node_core *core, const struct hash *id, struct asked *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT place, number, state FROM sent WHERE id = ?");
  db_bind_blob(s, 1, hash_slice(id));
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err != TG_OK ? err : TG_NOT_FOUND;
  *ret = (struct asked){db_u64(s, 0), db_u64(s, 1), db_u64(s, 2)};
  db_reset(s);
  return TG_OK;
}

static enum tg_err check_outcome(struct node_core *core, const Tg__Outcome *item, const struct hash *id, uint64_t number,
                                 struct entry *ret, struct tg_why *why)
{
  struct opening opening = {.entry = data_slice(item->entry), .salt = data_slice(item->salt), .index = item->leaf,
                            .path = data_slice(item->path)};
  enum tg_err err = watch_entry(core, &opening, ret, why);
  if (err != TG_OK)
    return err;
  if ((ret->type != ENTRY_ACCEPTED && ret->type != ENTRY_REFUSED) || !hash_eq(&ret->subject, id) ||
      !sign_pk_eq(&ret->actor, &core->me) || ret->number != number)
    return no(why, N_("the log entry is about something else"));
  struct hash decision = hash_labelled("toguna/decision/v1", data_slice(item->decision));
  if (item->decision.len && !hash_eq(&decision, &ret->decision))
    return no(why, N_("the decision is not the one in the log"));
  return TG_OK;
}

static enum tg_err put_outcome(struct node_core *core, const Tg__Outcome *item, const struct hash *id,
                               const struct entry *entry)
{
  struct buf locked = buf_new(1 << 20);
  enum tg_err err = record_lock(core, outbox_outcome_label, id, &item->base, &locked);
  if (err == TG_OK) {
    struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE sent SET state = ?1, leaf = ?2, outcome = ?3, due = CASE WHEN ?1 = 4 THEN 0 ELSE due END WHERE id = ?4");
    db_bind_u64(s, 1, entry->type == ENTRY_ACCEPTED ? SENT_ACCEPTED : SENT_REFUSED);
    db_bind_u64(s, 2, item->leaf);
    db_bind_blob(s, 3, buf_slice(&locked));
    db_bind_blob(s, 4, hash_slice(id));
    err = db_run(s);
  }
  buf_free(&locked);
  return err;
}

static enum tg_err tell_refused(struct node_core *core, const struct hash *id, const struct entry *entry, uint64_t number,
                                uint64_t leaf)
{
  struct tg_why why;
  char detail[128];
  snprintf(detail, sizeof detail, "%.*s", (int)(entry->detail.n < 127 ? entry->detail.n : 127), (const char *)entry->detail.p);
  why_set(&why, TG_REFUSED, NULL, N_("the hub refused the bulletin (%1$s). %2$s"), NULL, reason_name(entry->reason), detail,
          NULL);
  enum tg_err err = core_tell(core, NODE_ERROR, "refused", id, NULL, number, &why);
  struct slice words = entry->detail.n ? entry->detail : slice_str(reason_sentence(entry->reason));
  return err == TG_OK ? desk_progress(core, id, SENT_REFUSED, number, leaf, words) : err;
}

static enum tg_err conclude(struct node_core *core, const Tg__Outcome *item)
{
  struct hash id;
  struct asked asked;
  struct entry entry;
  struct tg_why why = {0};
  if (hash_read(data_slice(item->bulletin), &id) != TG_OK)
    return TG_OK;
  enum tg_err err = find(core, &id, &asked);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_OK : err;
  if (asked.state != SENT_SPOOLED)
    return TG_OK; /* answered before */
  if (check_outcome(core, item, &id, asked.number, &entry, &why) != TG_OK)
    return talk_strike(core, "outcome-forged", &id, &why);
  outbox_not_out(core->outbox, asked.place);
  outbox_stop_serving(core->outbox, &id);
  core->outbox->waiting = true;
  err = put_outcome(core, item, &id, &entry);
  if (err != TG_OK)
    return err;
  if (entry.type == ENTRY_REFUSED)
    return tell_refused(core, &id, &entry, asked.number, item->leaf);
  err = core_tell(core, NODE_NOTICE, "accepted", &id, NULL, item->leaf, NULL);
  if (err == TG_OK)
    err = desk_progress(core, &id, SENT_ACCEPTED, asked.number, item->leaf, slice_of(NULL, 0));
  return err == TG_OK ? outbox_advance(core, &id) : err;
}

enum tg_err outbox_outcomes(struct node_core *core, const Tg__Outcomes *frame)
{
  enum tg_err err = core_begin(core);
  for (size_t i = 0; err == TG_OK && i < frame->n_items; i++)
    err = conclude(core, frame->items[i]);
  return err;
}

enum tg_err outbox_opening(struct node_core *core, const struct hash *id, struct arena *arena, struct opening *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT outcome FROM sent WHERE id = ? AND outcome IS NOT NULL");
  ProtobufCMessage *message;
  bool row;
  db_bind_blob(s, 1, hash_slice(id));
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err != TG_OK ? err : TG_NOT_FOUND;
  err = record_unlock(core, outbox_outcome_label, id, &tg__outcome__descriptor, db_blob(s, 0), arena, &message);
  db_reset(s);
  if (err != TG_OK)
    return err;
  const Tg__Outcome *o = (const Tg__Outcome *)message;
  *ret = (struct opening){data_slice(o->entry), data_slice(o->salt), o->leaf, data_slice(o->path)};
  return TG_OK;
}

enum tg_err outbox_detail(struct node_core *core, const struct hash *id, struct arena *arena, struct slice *ret)
{
  struct opening opening;
  struct entry entry;
  *ret = slice_of(NULL, 0);
  enum tg_err err = outbox_opening(core, id, arena, &opening);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_OK : err;
  if (entry_parse(opening.entry, &entry, NULL) != TG_OK)
    return TG_DISK;
  if (entry.type == ENTRY_REFUSED)
    *ret = entry.detail.n ? entry.detail : slice_str(reason_sentence(entry.reason));
  return TG_OK;
}

/* ---- receipts ---- */

/* The root of the batch that the receipt was signed in: the subject of its log entry. */
static enum tg_err batch_root(const struct hash *id, const Tg__BatchProof *proof, struct hash *ret)
{
  struct hash leaf = merkle_leaf(hash_slice(id));
  return merkle_path_root(&leaf, proof->index, proof->size, data_slice(proof->path), ret);
}

static enum tg_err check_note(struct node_core *core, const Tg__ReceiptNote *item, struct receipt *ret, struct tg_why *why)
{
  struct opening opening = {.entry = data_slice(item->entry), .salt = data_slice(item->salt), .index = item->leaf,
                            .path = data_slice(item->path)};
  struct slice bytes = data_slice(item->receipt);
  struct hash root, id = statement_id(STATEMENT_RECEIPT, bytes);
  struct entry entry;
  enum tg_err err = receipt_parse(bytes, core->arena, ret, why);
  if (err == TG_OK)
    err = batch_verify(core->verifier, &core->config->exchange, &ret->node, &id, item->proof, why);
  if (err == TG_OK)
    err = watch_entry(core, &opening, &entry, why);
  if (err == TG_OK)
    err = batch_root(&id, item->proof, &root);
  if (err == TG_OK && (entry.type != ENTRY_RECEIPTS || !hash_eq(&entry.subject, &root) || !sign_pk_eq(&entry.actor, &ret->node)))
    err = no(why, N_("the log entry is about something else"));
  return err;
}

/* The running number that the node's wrap carried. TG_NOT_FOUND: it is no recipient. *ret_answered: has it said anything? */
static enum tg_err recipient(struct node_core *core, const struct receipt *receipt, uint64_t *ret_number, bool *ret_answered)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot),
                              "SELECT time, EXISTS(SELECT 1 FROM track AS t WHERE t.bulletin = track.bulletin AND"
                              " t.node = track.node AND t.event > 0) FROM track WHERE bulletin = ? AND node = ? AND event = 0");
  db_bind_blob(s, 1, hash_slice(&receipt->bulletin));
  db_bind_blob(s, 2, key_slice(&receipt->node));
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err != TG_OK ? err : TG_NOT_FOUND;
  *ret_number = db_u64(s, 0);
  *ret_answered = db_u64(s, 1) != 0;
  db_reset(s);
  return TG_OK;
}

static enum tg_err put_receipt(struct node_core *core, const struct receipt *receipt, const Tg__ReceiptNote *item)
{
  struct buf locked = buf_new(16 * 1024);
  enum tg_err err = record_lock(core, outbox_track_label, &receipt->bulletin, &item->base, &locked);
  if (err == TG_OK) {
    struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT OR IGNORE INTO track VALUES(?, ?, ?, ?, ?)");
    db_bind_blob(s, 1, hash_slice(&receipt->bulletin));
    db_bind_blob(s, 2, key_slice(&receipt->node));
    db_bind_u64(s, 3, receipt->event);
    db_bind_i64(s, 4, receipt->time);
    db_bind_blob(s, 5, buf_slice(&locked));
    err = db_run(s);
  }
  buf_free(&locked);
  return err;
}

static enum tg_err close_one(struct node_core *core, const struct hash *bulletin)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE sent SET open = open - 1 WHERE id = ? AND open > 0");
  db_bind_blob(s, 1, hash_slice(bulletin));
  enum tg_err err = db_run(s);
  return err == TG_OK ? outbox_advance(core, bulletin) : err;
}

static enum tg_err hear(struct node_core *core, const Tg__ReceiptNote *item)
{
  struct receipt receipt;
  struct tg_why why = {0};
  uint64_t number;
  bool answered;
  char name[HOLDER_MAX + 1];
  if (check_note(core, item, &receipt, &why) != TG_OK)
    return talk_strike(core, "receipt-forged", NULL, &why);
  core_name_of(core, &receipt.node, name);
  enum tg_err err = watch_compare(core, &receipt.node, receipt.checkpoint_size, &receipt.checkpoint_root, receipt.bytes);
  if (err == TG_OK)
    err = recipient(core, &receipt, &number, &answered);
  if (err == TG_NOT_FOUND)
    return core_tell(core, NODE_ALARM, "receipt-of-a-stranger", &receipt.bulletin, name, receipt.event, NULL);
  if (err == TG_OK && receipt.event == RECEIPT_STORED && receipt.number != number)
    err = core_tell(core, NODE_ALARM, "receipt-number-differs", &receipt.bulletin, name, receipt.number, NULL);
  if (err == TG_OK)
    err = put_receipt(core, &receipt, item);
  if (err == TG_OK)
    err = core_tell(core, NODE_DEBUG, receipt_event_name(receipt.event), &receipt.bulletin, name, number, NULL);
  return err == TG_OK && !answered ? close_one(core, &receipt.bulletin) : err;
}

/* What was taken, good or not, is not sent again: a forged note was told as an alarm. */
enum tg_err outbox_receipts(struct node_core *core, const Tg__ReceiptNotes *frame)
{
  char name[64];
  uint64_t cursor;
  Tg__ReceiptsSeen seen = TG__RECEIPTS_SEEN__INIT;
  snprintf(name, sizeof name, "notes/%s", talk_hub(core));
  enum tg_err err = depot_number(core->depot, name, &cursor);
  if (err == TG_OK)
    err = core_begin(core);
  for (size_t i = 0; err == TG_OK && i < frame->n_items; i++) {
    if (frame->items[i]->sequence <= cursor)
      continue;
    err = hear(core, frame->items[i]);
    cursor = frame->items[i]->sequence;
  }
  if (err == TG_OK)
    err = depot_number_put(core->depot, name, cursor);
  seen.sequence = cursor;
  return err == TG_OK && cursor ? talk_send(core, FRAME_RECEIPTS_SEEN, &seen.base) : err;
}
