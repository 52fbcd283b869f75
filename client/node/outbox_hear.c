/* What comes back about bulletins of ours: the hub's answers and the recipients' receipts. Both are believed only with the
   log entry that opens under the checkpoint of their frame. */
#include "client/node/outbox_inside.h"

#include "audit/reason.h"
#include "client/node/desk.h"
#include "client/node/record.h"
#include "client/node/schema.h"
#include "client/node/talk.h"
#include "client/node/watch.h"
#include "proto/hash.h"
#include "proto/receipt.h"

#include <stdio.h>

enum { REST_MS = 5000, REST_MAX_MS = 5 * 60 * 1000 };

static enum tg_err no(struct tg_why *why, const char *what)
{
  return why_set(why, TG_BAD_PROOF, NULL, what, NULL, NULL, NULL, NULL);
}

/* ---- outcomes ---- */

/* A row as far as an answer needs it. */
struct asked {
  uint64_t place, number, state, open;
};

static enum tg_err find(struct node_core *core, const struct hash *id, struct asked *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT place, number, state, open FROM sent WHERE " SCHEMA_SENT("?1"));
  db_bind_blob(s, 1, hash_slice(id));
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  *ret = (struct asked){db_u64(s, 0), db_u64(s, 1), db_u64(s, 2), db_u64(s, 3)};
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

static enum tg_err put_outcome(struct node_core *core, const Tg__Outcome *item, const struct hash *id, uint64_t place,
                               const struct entry *entry)
{
  struct buf locked = buf_new(1 << 20);
  enum tg_err err = record_lock(core, outbox_outcome_label, id, &item->base, &locked);
  if (err == TG_OK) {
    struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE sent SET state = ?1, leaf = ?2, log = ?4, due = CASE WHEN ?1 = 4 THEN 0 ELSE due END WHERE place = ?3");
    db_bind_u64(s, 1, entry->type == ENTRY_ACCEPTED ? SENT_ACCEPTED : SENT_REFUSED);
    db_bind_u64(s, 2, item->leaf);
    db_bind_u64(s, 3, place);
    db_bind_text(s, 4, slice_str(watch_mark(core, watch_log(core))));
    err = db_run(s);
  }
  if (err == TG_OK) { /* one that was sent once more has an answer already */
    struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT OR REPLACE INTO answer VALUES(?, ?)");
    db_bind_u64(s, 1, place);
    db_bind_buf(s, 2, &locked);
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

/* Nothing is decided: the hub has no room, or waited for a body in vain. It is offered again after a while, longer each time. Proven like every
   answer, so that a hub which says so to some and not to others can be found out. */
static enum tg_err rest(struct node_core *core, const struct hash *id, unsigned reason)
{
  struct outbox *o = core->outbox;
  const bool told = o->rests_until != 0;
  if (core->now.mono < o->rests_until)
    return TG_OK; /* the others that were under way */
  o->rest = !told ? REST_MS : o->rest < REST_MAX_MS / 2 ? 2 * o->rest : REST_MAX_MS;
  o->rests_until = core->now.mono + o->rest;
  o->full = reason == REASON_FULL;
  struct tg_why why;
  if (reason == REASON_BODY_MISSING) {
    why_set(&why, TG_STALE, talk_hub(core), N_("for a day nothing came there of a body that is on its way: it is sent again from its beginning"),
            NULL, NULL, NULL, NULL);
    return core_tell(core, NODE_NOTICE, "body-missing", id, NULL, 0, &why);
  }
  why_set(&why, TG_DISK, talk_hub(core), N_("the hub's disk is nearly full: it takes nothing new"),
          N_("what waits here goes out when its operator has made room"), NULL, NULL, NULL);
  return told ? TG_OK : core_tell(core, NODE_ERROR, "hub-full", id, NULL, 0, &why);
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
  err = check_outcome(core, item, &id, asked.number, &entry, &why);
  if (err != TG_OK)
    return core_is_fatal(err) ? err : talk_strike(core, "outcome-forged", &id, &why);
  outbox_not_out(core->outbox, asked.place);
  outbox_stop_serving(core->outbox, &id);
  core->outbox->waiting = true;
  if (entry.type == ENTRY_REFUSED && reason_is_not_now(entry.reason))
    return rest(core, &id, entry.reason);
  if (asked.place == core->outbox->offered)
    core->outbox->rests_until = 0; /* recalls are taken all the same: they say nothing of the room */
  outbox_unbind(core->outbox, asked.place);
  err = put_outcome(core, item, &id, asked.place, &entry);
  if (err == TG_OK && entry.type == ENTRY_REFUSED)
    err = outbox_name_no_more(core, &id, asked.number);
  if (err != TG_OK)
    return err;
  if (entry.type == ENTRY_REFUSED)
    return tell_refused(core, &id, &entry, asked.number, item->leaf);
  err = core_tell(core, NODE_NOTICE, "accepted", &id, NULL, item->leaf, NULL);
  if (err == TG_OK)
    err = desk_progress(core, &id, SENT_ACCEPTED, asked.number, item->leaf, slice_of(NULL, 0));
  return err == TG_OK && asked.open == 0 ? outbox_advance(core, &id) : err; /* otherwise it waits for receipts */
}

enum tg_err outbox_outcomes(struct node_core *core, const Tg__Outcomes *frame)
{
  enum tg_err err = core_begin(core);
  for (size_t i = 0; err == TG_OK && talk_is_open(core) && i < frame->n_items; i++)
    err = conclude(core, frame->items[i]);
  return err;
}

enum tg_err outbox_outcome(struct node_core *core, const struct hash *id, struct arena *arena, const Tg__Outcome **ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT outcome FROM sent JOIN answer ON answer.place = sent.place WHERE " SCHEMA_SENT("?1"));
  ProtobufCMessage *message;
  db_bind_blob(s, 1, hash_slice(id));
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  err = record_unlock(core, outbox_outcome_label, id, &tg__outcome__descriptor, db_blob(s, 0), arena, &message);
  db_reset(s);
  if (err == TG_OK)
    *ret = (const Tg__Outcome *)message;
  return err;
}

enum tg_err outbox_opening(struct node_core *core, const struct hash *id, struct arena *arena, struct opening *ret)
{
  const Tg__Outcome *o;
  enum tg_err err = outbox_outcome(core, id, arena, &o);
  if (err == TG_OK)
    *ret = (struct opening){data_slice(o->entry), data_slice(o->salt), o->leaf, data_slice(o->path)};
  return err;
}

enum tg_err outbox_notes(struct node_core *core, const struct hash *id, struct arena *arena,
                         enum tg_err (*each)(void *arg, const Tg__ReceiptNote *note), void *arg)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT record FROM track WHERE number = " SCHEMA_NUMBER("?1") " AND event > 0 ORDER BY node, event");
  bool row;
  enum tg_err err;
  db_bind_blob(s, 1, hash_slice(id));
  while ((err = db_step(s, &row)) == TG_OK && row) {
    ProtobufCMessage *message;
    err = record_unlock(core, outbox_track_label, id, &tg__receipt_note__descriptor, db_blob(s, 0), arena, &message);
    if (err == TG_OK)
      err = each(arg, (const Tg__ReceiptNote *)message);
    if (err != TG_OK) {
      db_reset(s);
      return err;
    }
  }
  return err;
}

/* ---- receipts ---- */

static enum tg_err check_note(struct node_core *core, const Tg__ReceiptNote *item, struct receipt *ret, struct tg_why *why)
{
  struct opening opening = {.entry = data_slice(item->entry), .salt = data_slice(item->salt), .index = item->leaf,
                            .path = data_slice(item->path)};
  struct slice bytes = data_slice(item->receipt);
  struct hash root, id = statement_id(STATEMENT_RECEIPT, bytes);
  struct entry entry;
  enum tg_err err = receipt_parse(bytes, core->arena, ret, why);
  if (err == TG_OK)
    err = batch_verify_root(core->verifier, &core->config->exchange, &ret->node, &id, item->proof, &root, why);
  if (err == TG_OK)
    err = watch_entry(core, &opening, &entry, why);
  /* The root of the batch that it was signed in is the subject of its entry. */
  if (err == TG_OK && (entry.type != ENTRY_RECEIPTS || !hash_eq(&entry.subject, &root) || !sign_pk_eq(&entry.actor, &ret->node)))
    err = no(why, N_("the log entry is about something else"));
  return err;
}

/* A recipient of a bulletin of ours. */
struct addressed {
  uint64_t bulletin; /* our running number, which its rows of `track` are kept under */
  uint64_t number;   /* that the node's wrap carried */
  bool answered;     /* has it said anything? */
};

/* TG_NOT_FOUND: it is no recipient. */
static enum tg_err recipient(struct node_core *core, const struct receipt *receipt, struct addressed *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot),
                              "SELECT number, time, EXISTS(SELECT 1 FROM track AS t WHERE t.number = track.number AND"
                              " t.node = track.node AND t.event > 0) FROM track WHERE number = " SCHEMA_NUMBER("?1") " AND node = ?2 AND event = 0");
  db_bind_blob(s, 1, hash_slice(&receipt->bulletin));
  db_bind_blob(s, 2, key_slice(&receipt->node));
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  *ret = (struct addressed){.bulletin = db_u64(s, 0), .number = db_u64(s, 1), .answered = db_u64(s, 2) != 0};
  db_reset(s);
  return TG_OK;
}

static enum tg_err put_receipt(struct node_core *core, const struct receipt *receipt, uint64_t bulletin, const Tg__ReceiptNote *item)
{
  struct buf locked = buf_new(16 * 1024);
  enum tg_err err = record_lock(core, outbox_track_label, &receipt->bulletin, &item->base, &locked);
  if (err == TG_OK) {
    struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT INTO track VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(number, node, event) DO UPDATE SET"
                                                      " record = CASE WHEN ?6 THEN excluded.record ELSE record END");
    db_bind_u64(s, 1, bulletin);
    db_bind_blob(s, 2, key_slice(&receipt->node));
    db_bind_u64(s, 3, receipt->event);
    db_bind_i64(s, 4, receipt->time);
    db_bind_buf(s, 5, &locked);
    db_bind_u64(s, 6, item->entry.len != 0); /* what a bundle brought is without a place in the log until the hub brings it */
    err = db_run(s);
  }
  buf_free(&locked);
  return err;
}

static enum tg_err hear(struct node_core *core, const Tg__ReceiptNote *item)
{
  struct receipt receipt;
  struct tg_why why = {0};
  struct addressed to;
  char name[HOLDER_MAX + 1];
  enum tg_err err = check_note(core, item, &receipt, &why);
  if (err != TG_OK)
    return core_is_fatal(err) ? err : talk_strike(core, "receipt-forged", NULL, &why);
  core_name_of(core, &receipt.node, name);
  err = watch_compare(core, &receipt.node, receipt.checkpoint_size, &receipt.checkpoint_root, receipt.bytes);
  if (err == TG_OK)
    err = recipient(core, &receipt, &to);
  if (err == TG_NOT_FOUND)
    return core_tell(core, NODE_ALARM, "receipt-of-a-stranger", &receipt.bulletin, name, receipt.event, NULL);
  if (err == TG_OK && receipt.event == RECEIPT_STORED && receipt.number != to.number)
    err = core_tell(core, NODE_ALARM, "receipt-number-differs", &receipt.bulletin, name, receipt.number, NULL);
  if (err == TG_OK)
    err = put_receipt(core, &receipt, to.bulletin, item);
  if (err == TG_OK)
    err = core_tell(core, NODE_DEBUG, receipt_event_name(receipt.event), &receipt.bulletin, name, to.number, NULL);
  return err == TG_OK && !to.answered ? outbox_answered(core, &receipt.bulletin) : err;
}

static const char notes[] = "notes"; /* of a log: the sequence of the last one that we have */

enum tg_err outbox_heard(struct node_core *core, uint64_t *ret) { return watch_number(core, notes, ret); }

/* What was taken, good or not, is not sent again: a forged note was told as an alarm. */
enum tg_err outbox_receipts(struct node_core *core, const Tg__ReceiptNotes *frame)
{
  uint64_t cursor;
  Tg__ReceiptsSeen seen = TG__RECEIPTS_SEEN__INIT;
  enum tg_err err = watch_number(core, notes, &cursor);
  if (err == TG_OK)
    err = core_begin(core);
  for (size_t i = 0; err == TG_OK && talk_is_open(core) && i < frame->n_items; i++) {
    if (frame->items[i]->sequence <= cursor)
      continue;
    err = hear(core, frame->items[i]);
    cursor = frame->items[i]->sequence;
  }
  if (err == TG_OK)
    err = watch_number_put(core, notes, cursor);
  seen.sequence = cursor;
  return err == TG_OK && cursor ? talk_send(core, FRAME_RECEIPTS_SEEN, &seen.base) : err;
}

/* ---- receipts in a bundle ---- */

/* All of them by this node, about what was sent to it, under the numbers that it was sent under. Receipts for what is not known here any more
   (`keep-sent` is over, or an old copy of the store was restored) are no fault of theirs. */
static enum tg_err check_carried(struct node_core *core, const struct sign_pk *node, const Tg__BundleReceipts *m,
                                 struct receipt *list, struct hash *ids, enum tg_err *ret, struct tg_why *why)
{
  for (size_t i = 0; i < m->n_items; i++) {
    struct addressed to;
    struct asked asked;
    struct slice bytes = data_slice(m->items[i]);
    ids[i] = statement_id(STATEMENT_RECEIPT, bytes);
    *ret = receipt_parse(bytes, core->arena, &list[i], why);
    if (*ret != TG_OK)
      return core_is_fatal(*ret) ? *ret : TG_OK;
    enum tg_err err = recipient(core, &list[i], &to);
    const bool stranger = err == TG_NOT_FOUND;
    if (stranger)
      err = find(core, &list[i].bulletin, &asked);
    const bool forgotten = err == TG_NOT_FOUND;
    if (err != TG_OK && !forgotten)
      return err;
    if ((stranger && !forgotten) || !sign_pk_eq(&list[i].node, node)) {
      *ret = why_set(why, TG_NOT_FOUND, "bundle", N_("a receipt is about a bulletin that this node did not send to its signer"), NULL,
                     NULL, NULL, NULL);
      return TG_OK;
    }
    if (!forgotten && list[i].event == RECEIPT_STORED && list[i].number != to.number) {
      *ret = why_set(why, TG_BAD_INPUT, "bundle", N_("a receipt names another running number than its bulletin had"), NULL, NULL, NULL,
                     NULL);
      return TG_OK;
    }
  }
  return TG_OK;
}

/* TG_NOT_FOUND: for what is not known here any more. */
static enum tg_err put_carried(struct node_core *core, const struct receipt *receipt, const struct merkle_tree *tree, size_t i,
                               ProtobufCBinaryData signature)
{
  Tg__ReceiptNote note = TG__RECEIPT_NOTE__INIT;
  Tg__BatchProof proof = TG__BATCH_PROOF__INIT;
  struct merkle_path path;
  struct addressed to;
  merkle_tree_path(tree, i, &path);
  proof.size = merkle_tree_size(tree);
  proof.index = i;
  proof.path = slice_data(merkle_path_slice(&path));
  proof.signature = signature;
  note.receipt = slice_data(receipt->bytes);
  note.proof = &proof;
  enum tg_err err = recipient(core, receipt, &to);
  if (err == TG_OK)
    err = put_receipt(core, receipt, to.bulletin, &note);
  return err == TG_OK && !to.answered ? outbox_answered(core, &receipt->bulletin) : err;
}

enum tg_err outbox_carried_receipts(struct node_core *core, const struct sign_pk *node, const Tg__BundleReceipts *m, outbox_seen *seen,
                                    void *context, enum tg_err *ret_verdict, struct tg_why *why)
{
  struct receipt *list = arena_alloc(core->arena, m->n_items * sizeof *list);
  struct hash *ids = arena_alloc(core->arena, m->n_items * sizeof *ids);
  struct merkle_tree *tree = NULL;
  *ret_verdict = TG_OK;
  enum tg_err err = list && ids ? core_begin(core) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = check_carried(core, node, m, list, ids, ret_verdict, why);
  if (err != TG_OK || *ret_verdict != TG_OK)
    return err;
  *ret_verdict = batch_verify_tree(core->verifier, &core->config->exchange, node, ids, m->n_items, data_slice(m->signature), &tree, why);
  if (core_is_fatal(*ret_verdict))
    return *ret_verdict;
  for (size_t i = 0; err == TG_OK && *ret_verdict == TG_OK && seen && i < m->n_items; i++) { /* without `seen` it is only asked whether they are good */
    err = put_carried(core, &list[i], tree, i, m->signature);
    if (err == TG_OK)
      err = seen(context, &list[i]);
    else if (err == TG_NOT_FOUND)
      err = TG_OK;
  }
  merkle_tree_free(tree);
  return err;
}
