#include "client/node/inbox.h"

#include "client/node/arrivals.h"
#include "client/node/desk.h"
#include "client/node/hooks.h"
#include "client/node/record.h"
#include "client/node/says.h"

#include <stdlib.h>
#include <string.h>

enum { CHECK_EVERY = 30 * 1000, EXPIRE_AT_ONCE = 256 };

static const char inbox_label[] = "toguna/inbox/v1";

struct inbox {
  int64_t due; /* of the next look for what has expired */
};

struct inbox *inbox_new(void) { return calloc(1, sizeof(struct inbox)); }
void inbox_free(struct inbox *i) { free(i); }

enum tg_err inbox_load(struct node_core *core)
{
  core->inbox->due = core->now.mono;
  return TG_OK;
}

int64_t inbox_due(const struct node_core *core) { return core->inbox->due; }

/* ---- what was met ---- */

enum tg_err inbox_met(struct node_core *core, const struct hash *id, unsigned *ret_event)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT event FROM met WHERE id = ?");
  db_bind_blob(s, 1, hash_slice(id));
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err != TG_OK ? err : TG_NOT_FOUND;
  *ret_event = (unsigned)db_u64(s, 0);
  db_reset(s);
  return TG_OK;
}

static enum tg_err put_met(struct node_core *core, const struct hash *id, unsigned event)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT INTO met VALUES(?, ?)");
  db_bind_blob(s, 1, hash_slice(id));
  db_bind_u64(s, 2, event);
  return db_run(s);
}

enum tg_err inbox_decline(struct node_core *core, const struct hash *id, unsigned event)
{
  enum tg_err err = core_begin(core);
  if (err == TG_OK)
    err = put_met(core, id, event);
  return err == TG_OK ? says_receipt(core, id, event, 0) : err;
}

enum tg_err inbox_repeat(struct node_core *core, const struct hash *id)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT met.event, inbox.number FROM met LEFT JOIN inbox ON inbox.id = met.id"
                                                     " WHERE met.id = ?");
  db_bind_blob(s, 1, hash_slice(id));
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err;
  unsigned event = (unsigned)db_u64(s, 0);
  uint64_t number = db_u64(s, 1);
  db_reset(s);
  return says_receipt(core, id, event, number);
}

/* ---- running numbers ---- */

/* The bulletin that came with a number. TG_NOT_FOUND. */
static enum tg_err heard(struct node_core *core, const struct sign_pk *node, uint64_t number, struct hash *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT id FROM heard WHERE node = ? AND number = ?");
  db_bind_blob(s, 1, key_slice(node));
  db_bind_u64(s, 2, number);
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err != TG_OK ? err : TG_NOT_FOUND;
  err = db_bytes(s, 0, ret->b, sizeof ret->b) ? TG_OK : TG_DISK;
  db_reset(s);
  return err;
}

enum tg_err inbox_number(struct node_core *core, const struct sign_pk *node, const struct wrap_content *wrapped,
                         const struct hash *id)
{
  char name[HOLDER_MAX + 1];
  struct hash other;
  core_name_of(core, node, name);
  if (wrapped->number > INT64_MAX) /* no honest node ever counts so far */
    return core_tell(core, NODE_ALARM, "number-impossible", id, name, wrapped->number, NULL);
  enum tg_err err = heard(core, node, wrapped->number, &other);
  if (err == TG_OK) /* two bulletins under one number: both are signed, and kept */
    return hash_eq(&other, id) ? TG_OK : core_tell(core, NODE_ALARM, "number-twice", id, name, wrapped->number, NULL);
  if (err != TG_NOT_FOUND)
    return err;
  err = wrapped->number > 1 ? heard(core, node, wrapped->number - 1, &other) : TG_NOT_FOUND;
  if (err == TG_OK && !hash_eq(&other, &wrapped->previous))
    err = core_tell(core, NODE_ALARM, "chain-broken", id, name, wrapped->number, NULL);
  else if (err == TG_NOT_FOUND)
    err = wrapped->number > 1 ? core_tell(core, NODE_NOTICE, "number-missing", id, name, wrapped->number - 1, NULL) : TG_OK;
  if (err != TG_OK)
    return err;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT INTO heard VALUES(?, ?, ?)");
  db_bind_blob(s, 1, key_slice(node));
  db_bind_u64(s, 2, wrapped->number);
  db_bind_blob(s, 3, hash_slice(id));
  return db_run(s);
}

/* ---- corrections and recalls ---- */

static enum tg_err put_state(struct node_core *core, const struct hash *id, enum inbox_state state)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE inbox SET state = ? WHERE id = ?");
  db_bind_u64(s, 1, state);
  db_bind_blob(s, 2, hash_slice(id));
  return db_run(s);
}

static enum tg_err erase(struct node_core *core, const struct hash *id, enum inbox_state state)
{
  enum tg_err err = depot_content_erase(core->depot, id, NULL);
  core->sweeping = core->settle = true;
  return err == TG_OK ? put_state(core, id, state) : err;
}

/* A row of the inbox was taken back: we do as we are configured, and say so. */
static enum tg_err recall(struct node_core *core, const struct hash *target)
{
  enum tg_err err;
  switch (core->config->on_recall) {
  case NODE_RECALL_PURGE:
    err = erase(core, target, INBOX_PURGED);
    return err == TG_OK ? says_receipt(core, target, RECEIPT_PURGED, 0) : err;
  case NODE_RECALL_RETAIN:
    err = put_state(core, target, INBOX_RETAINED);
    return err == TG_OK ? says_receipt(core, target, RECEIPT_RETAINED, 0) : err;
  case NODE_RECALL_REFUSE:
    return says_receipt(core, target, RECEIPT_RECALL_REFUSED, 0);
  }
  return TG_INTERNAL;
}

static enum tg_err supersede(struct node_core *core, const struct hash *target, const struct hash *by)
{
  struct db_stmt *s =
      db_stmt(depot_db(core->depot), "UPDATE inbox SET superseded_by = ?, state = CASE state WHEN 0 THEN 1 ELSE state END"
                                     " WHERE id = ?");
  db_bind_blob(s, 1, hash_slice(by));
  db_bind_blob(s, 2, hash_slice(target));
  return db_run(s);
}

static enum tg_err amend(struct node_core *core, const struct hash *target, const struct hash *by, enum kind kind)
{
  enum tg_err err = kind == KIND_RECALL ? recall(core, target) : supersede(core, target, by);
  return err == TG_OK ? core_tell(core, NODE_NOTICE, kind == KIND_RECALL ? "recalled" : "corrected", target, NULL, 0, NULL) : err;
}

/* The member of whoever said a bulletin that we have, and whether it may still be amended. TG_NOT_FOUND. */
static enum tg_err said_by(struct node_core *core, const struct hash *id, struct country *ret, bool *ret_living)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT node, state FROM inbox WHERE id = ?");
  struct sign_pk key;
  bool row;
  db_bind_blob(s, 1, hash_slice(id));
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err != TG_OK ? err : TG_NOT_FOUND;
  bool read = db_bytes(s, 0, key.b, sizeof key.b);
  *ret_living = db_u64(s, 1) <= INBOX_SUPERSEDED;
  db_reset(s);
  const struct node *node = read ? directory_node(core->directory, &key) : NULL;
  if (!node)
    return read ? TG_NOT_FOUND : TG_DISK;
  *ret = node->credential.holder.member;
  return TG_OK;
}

/* It was taken back before it came: nothing of it is here, and its originator is told so; if it comes after all, amend_arrival() has its
   say. */
static enum tg_err recall_unseen(struct node_core *core, const struct hash *target, struct country member)
{
  unsigned event;
  bool coming = arrivals_is_coming(core, target);
  enum tg_err err = inbox_met(core, target, &event);
  if (err != TG_NOT_FOUND)
    return err; /* it has been answered */
  if (coming)
    return core->config->on_recall == NODE_RECALL_PURGE ? arrivals_forget(core, target, member, &coming) : TG_OK;
  return says_receipt(core, target, RECEIPT_PURGED, 0);
}

/* What this bulletin does to an earlier one, or to one that is still to come. Only the state that said that one may. */
static enum tg_err amend_target(struct node_core *core, const struct inbox_arrival *a)
{
  const struct subject *subject = &a->header->subject;
  struct country member;
  bool living;
  if (subject->kind != KIND_CORRECTION && subject->kind != KIND_RECALL)
    return TG_OK;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT OR IGNORE INTO amended VALUES(?, ?, ?, ?)");
  db_bind_blob(s, 1, hash_slice(&subject->supersedes));
  db_bind_blob(s, 2, hash_slice(&a->header->id));
  db_bind_u64(s, 3, subject->kind);
  db_bind_text(s, 4, slice_str(a->member.code));
  enum tg_err err = db_run(s);
  if (err == TG_OK)
    err = said_by(core, &subject->supersedes, &member, &living);
  if (err == TG_OK && !country_eq(member, a->member))
    return core_tell(core, NODE_ALARM, "amended-by-another", &a->header->id, a->member.code, 0, NULL);
  if (err == TG_OK)
    return living ? amend(core, &subject->supersedes, &a->header->id, subject->kind) : TG_OK;
  if (err != TG_NOT_FOUND)
    return err;
  return subject->kind == KIND_RECALL ? recall_unseen(core, &subject->supersedes, a->member) : TG_OK;
}

/* What came earlier and concerns this one. */
static enum tg_err amend_arrival(struct node_core *core, const struct inbox_arrival *a)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT by, kind FROM amended WHERE target = ? AND member = ? ORDER BY kind");
  db_bind_blob(s, 1, hash_slice(&a->header->id));
  db_bind_text(s, 2, slice_str(a->member.code));
  bool row;
  enum tg_err err;
  while ((err = db_step(s, &row)) == TG_OK && row) {
    struct hash by;
    err = db_bytes(s, 0, by.b, sizeof by.b) ? amend(core, &a->header->id, &by, (enum kind)db_u64(s, 1)) : TG_DISK;
    if (err != TG_OK) {
      db_reset(s);
      return err;
    }
  }
  return err;
}

enum tg_err inbox_is_purged(struct node_core *core, const struct hash *id, struct country member, bool *ret)
{
  *ret = false;
  if (core->config->on_recall != NODE_RECALL_PURGE)
    return TG_OK;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT 1 FROM amended WHERE target = ? AND member = ? AND kind = 4 LIMIT 1");
  db_bind_blob(s, 1, hash_slice(id));
  db_bind_text(s, 2, slice_str(member.code));
  enum tg_err err = db_step(s, ret);
  db_reset(s);
  return err;
}

/* ---- taking in ---- */

/* Everything that proves it for ever stays; the wrap does not, or the content key could be had from it after a purge. */
static enum tg_err put_row(struct node_core *core, const struct inbox_arrival *a)
{
  Tg__Delivery bare = *a->message;
  struct buf record = buf_new(2 << 20);
  const struct subject *subject = &a->header->subject;
  bare.n_bodies = 0;
  bare.wrap = (ProtobufCBinaryData){0, NULL};
  enum tg_err err = record_lock(core, inbox_label, &a->header->id, &bare.base, &record);
  if (err == TG_OK) {
    struct db_stmt *s = db_stmt(depot_db(core->depot),
                                "INSERT INTO inbox(id, node, number, precedence, state, received, expires, seen, acknowledged,"
                                " leaf, record) VALUES(?, ?, ?, ?, 0, ?, ?, 0, 0, ?, ?)");
    db_bind_blob(s, 1, hash_slice(&a->header->id));
    db_bind_blob(s, 2, key_slice(&subject->originator));
    db_bind_u64(s, 3, a->wrapped->number);
    db_bind_u64(s, 4, subject->precedence);
    db_bind_i64(s, 5, core->now.wall);
    db_bind_i64(s, 6, a->keep_until);
    db_bind_u64(s, 7, a->message->leaf);
    db_bind_blob(s, 8, buf_slice(&record));
    err = db_run(s);
  }
  buf_free(&record);
  return err;
}

enum tg_err inbox_take(struct node_core *core, const struct inbox_arrival *a)
{
  const struct hash *id = &a->header->id;
  char name[HOLDER_MAX + 1];
  core_name_of(core, &a->header->subject.originator, name);
  enum tg_err err = core_begin(core);
  if (err == TG_OK)
    err = put_met(core, id, RECEIPT_STORED);
  if (err == TG_OK)
    err = inbox_number(core, &a->header->subject.originator, a->wrapped, id);
  if (err == TG_OK)
    err = put_row(core, a);
  for (size_t i = 0; err == TG_OK && i < a->portion_count; i++)
    err = depot_content_put(core->depot, id, a->portion[i], &a->content[i]);
  if (err == TG_OK)
    err = says_receipt(core, id, RECEIPT_STORED, a->wrapped->number);
  if (err == TG_OK)
    err = amend_target(core, a);
  if (err == TG_OK)
    err = amend_arrival(core, a);
  if (err == TG_OK)
    err = core_tell(core, NODE_NOTICE, "received", id, name, a->wrapped->number, NULL);
  if (err != TG_OK)
    return err;
  desk_inbox_new(core);
  hooks_offer(core);
  return TG_OK;
}

/* ---- expiry ---- */

enum tg_err inbox_time(struct node_core *core)
{
  if (core->now.mono < core->inbox->due)
    return TG_OK;
  for (unsigned i = 0; i < EXPIRE_AT_ONCE; i++) {
    struct db_stmt *s =
        db_stmt(depot_db(core->depot), "SELECT id FROM inbox WHERE state IN (0, 1, 3) AND expires <= ? LIMIT 1");
    db_bind_i64(s, 1, core_careful_now(core));
    bool row;
    struct hash id;
    enum tg_err err = db_step(s, &row);
    if (err != TG_OK)
      return err;
    if (!row) {
      core->inbox->due = core->now.mono + CHECK_EVERY;
      return TG_OK;
    }
    bool read = db_bytes(s, 0, id.b, sizeof id.b);
    db_reset(s);
    err = read ? core_begin(core) : TG_DISK;
    if (err == TG_OK)
      err = erase(core, &id, INBOX_EXPIRED);
    if (err == TG_OK)
      err = core_tell(core, NODE_DEBUG, "expired", &id, NULL, 0, NULL);
    if (err != TG_OK)
      return err;
  }
  return TG_OK; /* the rest in the next turn: it is due */
}

/* ---- looking ---- */

static enum tg_err read_portions(const Tg__Delivery *message, struct arena *arena, struct inbox_row *row)
{
  size_t n = message->n_portions;
  struct portion *portions = arena_alloc(arena, (n ? n : 1) * sizeof *portions);
  struct release *releases = arena_alloc(arena, (n ? n : 1) * sizeof *releases);
  if (!portions || !releases)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < n; i++) {
    const Tg__OpenPortion *p = message->portions[i];
    if (portion_parse(data_slice(p->portion), arena, &portions[i], NULL) != TG_OK)
      return TG_DISK; /* it was checked when it came */
    if (p->release.len && release_parse(data_slice(p->release), arena, &releases[i], NULL) != TG_OK)
      return TG_DISK;
  }
  row->portion_count = n;
  row->portions = portions;
  row->releases = releases;
  return TG_OK;
}

static enum tg_err read_row(struct node_core *core, struct db_stmt *s, struct arena *arena, struct inbox_row *ret)
{
  ProtobufCMessage *message;
  struct inbox_row r = {.place = db_u64(s, 0),
                        .number = db_u64(s, 3),
                        .state = (enum inbox_state)db_u64(s, 4),
                        .received = db_i64(s, 5),
                        .expires = db_i64(s, 6),
                        .seen = db_u64(s, 7) != 0,
                        .acknowledged = db_u64(s, 8) != 0,
                        .leaf = db_u64(s, 9),
                        .missing_before = db_u64(s, 12) != 0};
  if (!db_bytes(s, 1, r.id.b, sizeof r.id.b) || !db_bytes(s, 2, r.node.b, sizeof r.node.b))
    return TG_DISK;
  if (!db_is_null(s, 10) && !db_bytes(s, 10, r.superseded_by.b, sizeof r.superseded_by.b))
    return TG_DISK;
  enum tg_err err = record_unlock(core, inbox_label, &r.id, &tg__delivery__descriptor, db_blob(s, 11), arena, &message);
  if (err != TG_OK)
    return err;
  const Tg__Delivery *delivery = (const Tg__Delivery *)message;
  err = header_parse(data_slice(delivery->header), arena, &r.header, NULL) == TG_OK ? TG_OK : TG_DISK;
  if (err == TG_OK)
    err = read_portions(delivery, arena, &r);
  if (err == TG_OK)
    *ret = r;
  return err;
}

static enum tg_err one_row(struct node_core *core, struct db_stmt *s, struct arena *arena, struct inbox_row *ret)
{
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err != TG_OK ? err : TG_NOT_FOUND;
  err = read_row(core, s, arena, ret);
  db_reset(s);
  return err;
}

#define ROW                                                                                                                     \
  "SELECT place, id, node, number, state, received, expires, seen, acknowledged, leaf, superseded_by, record,"                  \
  " number > 1 AND NOT EXISTS(SELECT 1 FROM heard WHERE heard.node = inbox.node AND heard.number = inbox.number - 1)"           \
  " FROM inbox "

enum tg_err inbox_row(struct node_core *core, const struct hash *id, struct arena *arena, struct inbox_row *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), ROW "WHERE id = ?");
  db_bind_blob(s, 1, hash_slice(id));
  return one_row(core, s, arena, ret);
}

enum tg_err inbox_after(struct node_core *core, uint64_t after, struct arena *arena, struct inbox_row *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), ROW "WHERE place > ? ORDER BY place LIMIT 1");
  db_bind_u64(s, 1, after < INT64_MAX ? after : INT64_MAX);
  return one_row(core, s, arena, ret);
}

enum tg_err inbox_below(struct node_core *core, uint64_t below, struct arena *arena, struct inbox_row *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), ROW "WHERE place < ? ORDER BY place DESC LIMIT 1");
  db_bind_u64(s, 1, below < INT64_MAX ? below : INT64_MAX);
  return one_row(core, s, arena, ret);
}

enum tg_err inbox_opening(struct node_core *core, const struct hash *id, struct arena *arena, struct opening *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT record FROM inbox WHERE id = ?");
  ProtobufCMessage *message;
  bool row;
  db_bind_blob(s, 1, hash_slice(id));
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err != TG_OK ? err : TG_NOT_FOUND;
  err = record_unlock(core, inbox_label, id, &tg__delivery__descriptor, db_blob(s, 0), arena, &message);
  db_reset(s);
  if (err != TG_OK)
    return err;
  const Tg__Delivery *d = (const Tg__Delivery *)message;
  *ret = (struct opening){data_slice(d->entry), data_slice(d->salt), d->leaf, data_slice(d->path)};
  return TG_OK;
}

enum tg_err inbox_last_place(struct node_core *core, uint64_t *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT coalesce(max(place), 0) FROM inbox");
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK)
    return err;
  *ret = db_u64(s, 0);
  db_reset(s);
  return TG_OK;
}

enum tg_err inbox_counts(struct node_core *core, struct inbox_counts *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT count(*), count(*) FILTER (WHERE seen = 0),"
                                                     " count(*) FILTER (WHERE acknowledged = 0 AND precedence = 4) FROM inbox"
                                                     " WHERE state IN (0, 1, 3)");
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK)
    return err;
  *ret = (struct inbox_counts){.current = db_u64(s, 0), .unread = db_u64(s, 1), .unacknowledged_flash = db_u64(s, 2)};
  db_reset(s);
  return TG_OK;
}

/* ---- what readers do ---- */

static enum tg_err flags(struct node_core *core, const struct hash *id, bool *ret_seen, bool *ret_acknowledged)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT seen, acknowledged FROM inbox WHERE id = ?");
  db_bind_blob(s, 1, hash_slice(id));
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err != TG_OK ? err : TG_NOT_FOUND;
  *ret_seen = db_u64(s, 0) != 0;
  *ret_acknowledged = db_u64(s, 1) != 0;
  db_reset(s);
  return TG_OK;
}

enum tg_err inbox_mark_read(struct node_core *core, const struct hash *id)
{
  bool seen, acknowledged;
  enum tg_err err = flags(core, id, &seen, &acknowledged);
  if (err != TG_OK || seen)
    return err;
  err = core_begin(core);
  if (err != TG_OK)
    return err;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE inbox SET seen = 1 WHERE id = ?");
  db_bind_blob(s, 1, hash_slice(id));
  err = db_run(s);
  return err == TG_OK ? says_receipt(core, id, RECEIPT_READ, 0) : err;
}

enum tg_err inbox_acknowledge(struct node_core *core, const struct hash *id)
{
  bool seen, acknowledged;
  enum tg_err err = flags(core, id, &seen, &acknowledged);
  if (err != TG_OK || acknowledged)
    return err;
  err = inbox_mark_read(core, id);
  if (err == TG_OK)
    err = core_begin(core);
  if (err != TG_OK)
    return err;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE inbox SET acknowledged = 1 WHERE id = ?");
  db_bind_blob(s, 1, hash_slice(id));
  err = db_run(s);
  return err == TG_OK ? says_receipt(core, id, RECEIPT_ACKNOWLEDGED, 0) : err;
}
