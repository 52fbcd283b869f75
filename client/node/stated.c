#include "client/node/stated.h"

#include "client/node/record.h"
#include "client/node/talk.h"
#include "client/node/watch.h"
#include "proto/receipt.h"

#include <stdio.h>
#include <stdlib.h>

enum {
  STEP = 4096,            /* places that an answer covers in which nothing stands (docs/protocol.md) */
  WISH_MS = 10 * 1000,    /* who wants them says so again */
  PATIENCE_MS = 30 * 1000 /* the hub may pass over a question */
};

static const char label[] = "toguna/stated/v1";

struct stated {
  bool asked; /* in this session, for those from `from` on, at `since`, and not answered */
  uint64_t from;
  int64_t since, wished_until; /* monotonic */
};

struct stated *stated_new(void) { return calloc(1, sizeof(struct stated)); }
void stated_free(struct stated *s) { free(s); }
void stated_welcome(struct node_core *core) { core->stated->asked = false; }

struct opening stated_opening(const Tg__StatedReceipts *m)
{
  return (struct opening){.entry = data_slice(m->entry), .salt = data_slice(m->salt), .index = m->leaf, .path = data_slice(m->path)};
}

/* ---- how far they are here ---- */

static const char cursors[] = "stated";

static enum tg_err cursor(struct node_core *core, uint64_t *ret) { return watch_number(core, cursors, ret); }

static enum tg_err ask(struct node_core *core, uint64_t from)
{
  struct stated *s = core->stated;
  Tg__ReceiptsWanted frame = TG__RECEIPTS_WANTED__INIT;
  if (!talk_is_open(core) || from >= watch_size(core) || core->now.mono >= s->wished_until)
    return TG_OK;
  if (s->asked && core->now.mono - s->since < PATIENCE_MS)
    return TG_OK;
  s->asked = true;
  s->from = frame.from = from;
  s->since = core->now.mono;
  return talk_send(core, FRAME_RECEIPTS_WANTED, &frame.base);
}

enum tg_err stated_wish(struct node_core *core, uint64_t *ret_upto)
{
  core->stated->wished_until = core->now.mono + WISH_MS;
  enum tg_err err = cursor(core, ret_upto);
  return err == TG_OK ? ask(core, *ret_upto) : err;
}

/* ---- taking in ---- */

static enum tg_err no(struct tg_why *why, const char *what)
{
  return why_set(why, TG_BAD_PROOF, NULL, what, NULL, NULL, NULL, NULL);
}

/* Did we sign this batch, and is it the one that the entry names? A line too slow for it brings the entry alone. */
static enum tg_err check_batch(struct node_core *core, const Tg__StatedReceipts *item, const struct entry *entry, struct tg_why *why)
{
  struct hash *ids = arena_alloc(core->arena, item->n_items * sizeof *ids + 1);
  struct merkle_tree *tree = NULL;
  if (!ids)
    return TG_NO_MEMORY;
  if (!item->n_items)
    return TG_OK;
  for (size_t i = 0; i < item->n_items; i++)
    ids[i] = statement_id(STATEMENT_RECEIPT, data_slice(item->items[i]));
  enum tg_err err = batch_verify_tree(core->verifier, &core->config->exchange, &core->me, ids, item->n_items, data_slice(item->signature), &tree, why);
  if (err == TG_OK && (item->n_items != entry->number || !hash_eq(merkle_tree_root(tree), &entry->subject)))
    err = no(why, N_("the log entry is about something else"));
  merkle_tree_free(tree);
  return err;
}

static enum tg_err check(struct node_core *core, const Tg__StatedReceipts *item, struct tg_why *why)
{
  struct entry entry;
  const struct opening opening = stated_opening(item);
  enum tg_err err = watch_entry(core, &opening, &entry, why);
  if (err == TG_OK && (entry.type != ENTRY_RECEIPTS || !sign_pk_eq(&entry.actor, &core->me)))
    err = no(why, N_("the log entry is about something else"));
  return err == TG_OK ? check_batch(core, item, &entry, why) : err;
}

static struct hash id_of(uint64_t leaf)
{
  struct hash id = {{0}};
  for (unsigned i = 0; i < 8; i++)
    id.b[i] = (uint8_t)(leaf >> (56 - 8 * i));
  return id;
}

static enum tg_err keep(struct node_core *core, const Tg__StatedReceipts *item)
{
  struct buf locked = buf_new(2 * LIMIT_FRAME);
  const struct hash id = id_of(item->leaf);
  enum tg_err err = record_lock(core, label, &id, &item->base, &locked);
  if (err == TG_OK) {
    struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT OR IGNORE INTO stated(log, leaf, size, record) VALUES(?, ?, ?, ?)");
    db_bind_text(s, 1, slice_str(watch_log(core)));
    db_bind_u64(s, 2, item->leaf);
    db_bind_u64(s, 3, watch_size(core));
    db_bind_blob(s, 4, buf_slice(&locked));
    err = db_run(s);
  }
  buf_free(&locked);
  return err;
}

/* The hub covers a stretch, or shows something: else it could be asked for ever. */
static bool goes_on(const struct node_core *core, const Tg__ReceiptsLogged *frame)
{
  const uint64_t end = watch_size(core), step = frame->from + STEP < end ? frame->from + STEP : end;
  uint64_t at = frame->from;
  for (size_t i = 0; i < frame->n_items; at = frame->items[i++]->leaf + 1)
    if (frame->items[i]->leaf < at || frame->items[i]->leaf >= frame->upto)
      return false;
  return frame->upto <= end && (frame->n_items ? frame->upto >= at : frame->upto >= step);
}

enum tg_err stated_take(struct node_core *core, const Tg__ReceiptsLogged *frame)
{
  struct stated *s = core->stated;
  struct tg_why why = {0};
  if (!s->asked || frame->from != s->from || !core_has_room(core))
    return TG_OK;
  s->asked = false;
  enum tg_err err = goes_on(core, frame) ? core_begin(core) : no(&why, N_("the answer skips entries, or shows none and goes on"));
  for (size_t i = 0; err == TG_OK && i < frame->n_items; i++) {
    err = check(core, frame->items[i], &why);
    if (err == TG_OK)
      err = keep(core, frame->items[i]);
  }
  if (err != TG_OK)
    return core_is_fatal(err) ? err : talk_strike(core, "receipts-forged", NULL, &why);
  err = watch_number_put(core, cursors, frame->upto);
  return err == TG_OK ? ask(core, frame->upto) : err;
}

/* ---- rows ---- */

static enum tg_err read(struct node_core *core, struct db_stmt *s, struct arena *arena, void *ret)
{
  struct stated_row r = {.place = db_u64(s, 0), .size = db_u64(s, 1)};
  const struct hash id = id_of(db_u64(s, 2));
  ProtobufCMessage *message;
  enum tg_err err = record_unlock(core, label, &id, &tg__stated_receipts__descriptor, db_blob(s, 3), arena, &message);
  if (err != TG_OK)
    return err;
  r.message = (const Tg__StatedReceipts *)message;
  *(struct stated_row *)ret = r;
  return TG_OK;
}

enum tg_err stated_after(struct node_core *core, uint64_t place, struct arena *arena, struct stated_row *ret)
{
  struct db_stmt *s =
      db_stmt(depot_db(core->depot), "SELECT place, size, leaf, record FROM stated WHERE place > ?1 AND log = ?2 ORDER BY place LIMIT 1");
  db_bind_u64(s, 1, place < INT64_MAX ? place : INT64_MAX);
  db_bind_text(s, 2, slice_str(watch_log(core)));
  return record_row(core, s, read, arena, ret);
}

enum tg_err stated_at(struct node_core *core, const char *log, uint64_t leaf, struct arena *arena, struct stated_row *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT place, size, leaf, record FROM stated WHERE log = ?1 AND leaf = ?2");
  db_bind_text(s, 1, slice_str(log));
  db_bind_u64(s, 2, leaf);
  return record_row(core, s, read, arena, ret);
}
