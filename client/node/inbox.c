#include "client/node/inbox_inside.h"

#include "client/node/arrivals.h"
#include "client/node/carried.h"
#include "client/node/desk.h"
#include "client/node/history.h"
#include "client/node/hooks.h"
#include "client/node/record.h"
#include "client/node/says.h"
#include "client/node/schema.h"
#include "client/node/watch.h"

#include <stdlib.h>

enum { CHECK_EVERY = 30 * 1000, EXPIRE_AT_ONCE = 256 };

const char inbox_label[] = "toguna/inbox/v1";

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
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT 1 FROM inbox WHERE " SCHEMA_INBOX("?1") " UNION ALL SELECT event FROM met WHERE id = ?1 LIMIT 1");
  db_bind_blob(s, 1, hash_slice(id));
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
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

/* Who calls has asked; this is what makes sure that nothing is shown twice. TG_DUPLICATE. */
static enum tg_err must_be_new(struct node_core *core, const struct hash *id)
{
  unsigned event;
  enum tg_err err = inbox_met(core, id, &event);
  return err == TG_OK ? TG_DUPLICATE : err == TG_NOT_FOUND ? TG_OK : err;
}

enum tg_err inbox_decline(struct node_core *core, const char *log, const struct hash *id, unsigned event)
{
  enum tg_err err = core_begin(core);
  if (err == TG_OK)
    err = must_be_new(core, id);
  if (err == TG_OK)
    err = put_met(core, id, event);
  if (err == TG_OK)
    err = inbox_stop_waiting(core, id);
  return err == TG_OK ? says_receipt(core, log, id, event, 0) : err;
}

enum tg_err inbox_repeat(struct node_core *core, const struct hash *id)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT 1, number FROM inbox WHERE " SCHEMA_INBOX("?1")
                                                     " UNION ALL SELECT event, 0 FROM met WHERE id = ?1 LIMIT 1");
  db_bind_blob(s, 1, hash_slice(id));
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err;
  unsigned event = (unsigned)db_u64(s, 0);
  uint64_t number = db_u64(s, 1);
  db_reset(s);
  return says_receipt(core, watch_log(core), id, event, number);
}

/* ---- whom to tell what becomes of it ---- */

enum tg_err inbox_log(struct node_core *core, const struct hash *id, struct arena *arena, const char **ret)
{
  const struct charter_hub *hub;
  struct opening opening;
  *ret = NULL;
  enum tg_err err = history_only_hub(core, &hub);
  if (err == TG_OK)
    *ret = hub->log.name;
  if (err == TG_NOT_FOUND) {
    err = inbox_opening(core, id, arena, &opening);
    if (err == TG_OK)
      err = history_log(core, &opening, ret);
  }
  return err == TG_NOT_FOUND ? TG_OK : err;
}

static enum tg_err say(struct node_core *core, const struct hash *id, enum receipt_event event)
{
  const char *log;
  enum tg_err err = inbox_log(core, id, core->arena, &log);
  return err == TG_OK && log ? says_receipt(core, log, id, event, 0) : err;
}

/* Everything there is to say of it. TG_NOT_FOUND: it is not in the inbox. */
static enum tg_err restate(struct node_core *core, const char *log, const struct hash *id)
{
  unsigned events[INBOX_EVENTS];
  uint64_t number;
  size_t n = 0;
  enum tg_err err = inbox_events(core, id, events, &n, &number);
  for (size_t i = 0; err == TG_OK && i < n; i++)
    err = says_receipt(core, log, id, (enum receipt_event)events[i], number);
  return err;
}

/* ---- corrections and recalls ---- */

static enum tg_err put_state(struct node_core *core, const struct hash *id, enum inbox_state state)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE inbox SET state = ?2 WHERE " SCHEMA_INBOX("?1"));
  db_bind_blob(s, 1, hash_slice(id));
  db_bind_u64(s, 2, state);
  return db_run(s);
}

static enum tg_err erase(struct node_core *core, const struct hash *id, enum inbox_state state)
{
  enum tg_err err = depot_content_erase(core->depot, id, NULL);
  core->sweeping = core->settle = true;
  return err == TG_OK ? put_state(core, id, state) : err;
}

/* A row of the inbox was taken back: we do as we are configured. *ret_event: what there is to say of it. */
static enum tg_err do_recall(struct node_core *core, const struct hash *target, enum receipt_event *ret_event)
{
  switch (core->config->on_recall) {
  case NODE_RECALL_PURGE:
    *ret_event = RECEIPT_PURGED;
    return erase(core, target, INBOX_PURGED);
  case NODE_RECALL_RETAIN:
    *ret_event = RECEIPT_RETAINED;
    return put_state(core, target, INBOX_RETAINED);
  case NODE_RECALL_REFUSE:
    *ret_event = RECEIPT_RECALL_REFUSED;
    return TG_OK;
  }
  return TG_INTERNAL;
}

/* The hub that delivered the recall is told: it takes none of what it does not have, and delivers no more what was taken back. Where that came by a hub that is
   lost, this one has heard nothing of it yet. Of a recall from a stick (log NULL) the hub hears that has what it recalls. */
static enum tg_err say_recalled(struct node_core *core, const char *log, const struct hash *target, enum receipt_event event)
{
  const char *known;
  if (!log)
    return say(core, target, event);
  enum tg_err err = inbox_log(core, target, core->arena, &known);
  if (err != TG_OK)
    return err;
  return known ? says_receipt(core, log, target, event, 0) : restate(core, log, target);
}

static enum tg_err recall(struct node_core *core, const char *log, const struct hash *target)
{
  enum receipt_event event;
  enum tg_err err = do_recall(core, target, &event);
  return err == TG_OK ? say_recalled(core, log, target, event) : err;
}

static enum tg_err supersede(struct node_core *core, const struct hash *target, const struct hash *by)
{
  struct db_stmt *s =
      db_stmt(depot_db(core->depot), "UPDATE inbox SET superseded_by = ?1, state = CASE state WHEN 0 THEN 1 ELSE state END"
                                     " WHERE " SCHEMA_INBOX("?2"));
  db_bind_blob(s, 1, hash_slice(by));
  db_bind_blob(s, 2, hash_slice(target));
  return db_run(s);
}

/* log: of the hub that delivered the one of the two that came last; NULL: a stick brought it. */
static enum tg_err amend(struct node_core *core, const char *log, const struct hash *target, const struct hash *by, enum kind kind)
{
  enum tg_err err = kind == KIND_RECALL ? recall(core, log, target) : supersede(core, target, by);
  return err == TG_OK ? core_tell(core, NODE_NOTICE, kind == KIND_RECALL ? "recalled" : "corrected", target, NULL, 0, NULL) : err;
}

/* The member of whoever said a bulletin that we have, and whether it may still be amended. TG_NOT_FOUND. */
static enum tg_err said_by(struct node_core *core, const struct hash *id, struct country *ret, bool *ret_living)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT node, state FROM inbox WHERE " SCHEMA_INBOX("?1"));
  struct sign_pk key;
  db_bind_blob(s, 1, hash_slice(id));
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  bool read = db_bytes(s, 0, key.b, sizeof key.b);
  *ret_living = db_u64(s, 1) <= INBOX_SUPERSEDED;
  db_reset(s);
  const struct node *node = read ? directory_node(core->directory, &key) : NULL;
  if (!node)
    return read ? TG_NOT_FOUND : TG_DISK;
  *ret = node->credential.holder.member;
  return TG_OK;
}

/* The hub takes it out of our queue. Whoever named it as the one before waits no more, if it was of the state that took it back. */
static enum tg_err wait_no_more(struct node_core *core, const struct hash *target, struct country member)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT node FROM heard WHERE previous = ?");
  struct sign_pk key;
  db_bind_blob(s, 1, hash_slice(target));
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_OK : err;
  const bool read = db_bytes(s, 0, key.b, sizeof key.b);
  db_reset(s);
  const struct node *node = read ? directory_node(core->directory, &key) : NULL;
  if (!node)
    return read ? TG_OK : TG_DISK;
  return country_eq(node->credential.holder.member, member) ? inbox_stop_waiting(core, target) : TG_OK;
}

/* It was taken back before it came: nothing of it is here, and its originator is told so; if it comes after all, amend_arrival() has its
   say. */
static enum tg_err recall_unseen(struct node_core *core, const char *log, const struct hash *target, struct country member, bool carried)
{
  unsigned event;
  bool coming = arrivals_is_coming(core, target);
  enum tg_err err = inbox_met(core, target, &event);
  if (err != TG_NOT_FOUND)
    return err; /* it has been answered */
  err = wait_no_more(core, target, member);
  if (err != TG_OK)
    return err;
  if (coming)
    return core->config->on_recall == NODE_RECALL_PURGE ? arrivals_forget(core, target, member, &coming) : TG_OK;
  return carried ? TG_OK : says_receipt(core, log, target, RECEIPT_PURGED, 0); /* inbox_logged() says it, when the hub knows */
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
    return living ? amend(core, a->carried ? NULL : a->log, &subject->supersedes, &a->header->id, subject->kind) : TG_OK;
  if (err != TG_NOT_FOUND)
    return err;
  return subject->kind == KIND_RECALL ? recall_unseen(core, a->log, &subject->supersedes, a->member, a->carried) : TG_OK;
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
    err = db_bytes(s, 0, by.b, sizeof by.b) ? amend(core, a->carried ? NULL : a->log, &a->header->id, &by, (enum kind)db_u64(s, 1)) : TG_DISK;
    if (err != TG_OK) {
      db_reset(s);
      return err;
    }
  }
  return err;
}

enum tg_err inbox_is_recalled(struct node_core *core, const struct hash *id, struct country member, bool *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT 1 FROM amended WHERE target = ? AND member = ? AND kind = 4 LIMIT 1");
  db_bind_blob(s, 1, hash_slice(id));
  db_bind_text(s, 2, slice_str(member.code));
  return db_any(s, ret);
}

enum tg_err inbox_is_purged(struct node_core *core, const struct hash *id, struct country member, bool *ret)
{
  *ret = false;
  return core->config->on_recall == NODE_RECALL_PURGE ? inbox_is_recalled(core, id, member, ret) : TG_OK;
}

/* ---- taking in ---- */

/* Everything that proves it for ever stays; the wrap does not, or the content key could be had from it after a purge. */
static enum tg_err lock_row(struct node_core *core, const struct hash *id, const Tg__Delivery *message, struct buf *record)
{
  Tg__Delivery bare = *message;
  bare.n_bodies = 0;
  bare.wrap = (ProtobufCBinaryData){0, NULL};
  return record_lock(core, inbox_label, id, &bare.base, record);
}

/* What is in no log has no place there; this one no log reaches. */
static uint64_t leaf_of(const Tg__Delivery *message) { return message->entry.len ? message->leaf : INT64_MAX; }

static enum tg_err put_row(struct node_core *core, const struct inbox_arrival *a)
{
  struct buf record = buf_new(2 << 20);
  const struct subject *subject = &a->header->subject;
  const uint64_t place = depot_place_new(core->depot, DEPOT_INBOX);
  enum tg_err err = lock_row(core, &a->header->id, a->message, &record);
  if (err == TG_OK) {
    struct db_stmt *s = db_stmt(depot_db(core->depot),
                                "INSERT INTO inbox(id, node, number, precedence, state, received, expires, seen, acknowledged,"
                                " leaf, record, place, log) VALUES(?, ?, ?, ?, 0, ?, ?, 0, 0, ?, ?, ?, ?)");
    db_bind_blob(s, 1, hash_slice(&a->header->id));
    db_bind_blob(s, 2, key_slice(&subject->originator));
    db_bind_u64(s, 3, a->wrapped->number);
    db_bind_u64(s, 4, subject->precedence);
    db_bind_i64(s, 5, core->now.wall);
    db_bind_i64(s, 6, a->keep_until);
    db_bind_u64(s, 7, leaf_of(a->message));
    db_bind_buf(s, 8, &record);
    db_bind_u64(s, 9, place);
    db_bind_text(s, 10, slice_str(watch_mark(core, a->log)));
    err = db_run(s);
  }
  buf_free(&record);
  return err == TG_OK ? depot_placed(core->depot, DEPOT_INBOX, &a->header->id, place) : err;
}

enum tg_err inbox_take(struct node_core *core, const struct inbox_arrival *a)
{
  const struct hash *id = &a->header->id;
  char name[HOLDER_MAX + 1];
  core_name_of(core, &a->header->subject.originator, name);
  enum tg_err err = core_begin(core);
  if (err == TG_OK)
    err = must_be_new(core, id);
  if (err == TG_OK && a->carried)
    err = carried_put(core, id);
  if (err == TG_OK)
    err = inbox_number(core, a->header, a->wrapped);
  if (err == TG_OK)
    err = put_row(core, a);
  for (size_t i = 0; err == TG_OK && i < a->portion_count; i++)
    err = depot_content_put(core->depot, id, a->portion[i], &a->content[i]);
  if (err == TG_OK)
    err = says_receipt(core, a->log, id, RECEIPT_STORED, a->wrapped->number);
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

/* ---- what a bundle brought ---- */

/* It was taken back, and stands here as it did. */
static enum tg_err is_recall_refused(struct node_core *core, const struct hash *id, bool *ret)
{
  struct country member;
  bool living;
  *ret = false;
  enum tg_err err = said_by(core, id, &member, &living);
  return err == TG_OK && living ? inbox_is_recalled(core, id, member, ret) : err == TG_NOT_FOUND ? TG_OK : err;
}

enum tg_err inbox_events(struct node_core *core, const struct hash *id, unsigned ret[INBOX_EVENTS], size_t *ret_n,
                         uint64_t *ret_number)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT seen, acknowledged, state, number FROM inbox WHERE " SCHEMA_INBOX("?1"));
  size_t n = 0;
  db_bind_blob(s, 1, hash_slice(id));
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  ret[n++] = RECEIPT_STORED;
  if (db_u64(s, 0))
    ret[n++] = RECEIPT_READ;
  if (db_u64(s, 1))
    ret[n++] = RECEIPT_ACKNOWLEDGED;
  if (db_u64(s, 2) == INBOX_PURGED || db_u64(s, 2) == INBOX_RETAINED)
    ret[n++] = db_u64(s, 2) == INBOX_PURGED ? RECEIPT_PURGED : RECEIPT_RETAINED;
  *ret_number = db_u64(s, 3);
  db_reset(s);
  bool refused;
  err = is_recall_refused(core, id, &refused);
  if (err == TG_OK && refused)
    ret[n++] = RECEIPT_RECALL_REFUSED;
  *ret_n = n;
  return err;
}

/* A recall stands in this hub's log, which delivers no more what was taken back: what became of that is said with it. */
static enum tg_err restate_recalled(struct node_core *core, const struct hash *target)
{
  unsigned event;
  enum tg_err err = restate(core, watch_log(core), target);
  if (err != TG_NOT_FOUND)
    return err;
  err = inbox_met(core, target, &event);
  if (err == TG_NOT_FOUND)
    return says_receipt(core, watch_log(core), target, RECEIPT_PURGED, 0);
  return err == TG_OK ? inbox_repeat(core, target) : err;
}

enum tg_err inbox_leaf(struct node_core *core, const struct hash *id, uint64_t *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT leaf FROM inbox WHERE " SCHEMA_INBOX("?1"));
  db_bind_blob(s, 1, hash_slice(id));
  return db_number(s, ret);
}

enum tg_err inbox_logged(struct node_core *core, const Tg__Delivery *message, const struct header *header)
{
  struct buf record = buf_new(2 << 20);
  enum tg_err err = lock_row(core, &header->id, message, &record);
  if (err == TG_OK) {
    struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE inbox SET record = ?1, leaf = ?2, log = ?4 WHERE " SCHEMA_INBOX("?3"));
    db_bind_buf(s, 1, &record);
    db_bind_u64(s, 2, message->leaf);
    db_bind_blob(s, 3, hash_slice(&header->id));
    db_bind_text(s, 4, slice_str(watch_mark(core, watch_log(core))));
    err = db_run(s);
  }
  buf_free(&record);
  if (err == TG_OK)
    err = restate(core, watch_log(core), &header->id);
  return err == TG_OK && header->subject.kind == KIND_RECALL ? restate_recalled(core, &header->subject.supersedes) : err;
}

/* ---- expiry ---- */

enum tg_err inbox_time(struct node_core *core)
{
  if (core->now.mono < core->inbox->due)
    return TG_OK;
  for (unsigned i = 0; i < EXPIRE_AT_ONCE; i++) {
    struct db_stmt *s =
        db_stmt(depot_db(core->depot), "SELECT id FROM inbox WHERE state <> 2 AND state < 4 AND expires <= ? LIMIT 1");
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

/* ---- what readers do ---- */

static enum tg_err flags(struct node_core *core, const struct hash *id, bool *ret_seen, bool *ret_acknowledged)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT seen, acknowledged FROM inbox WHERE " SCHEMA_INBOX("?1"));
  db_bind_blob(s, 1, hash_slice(id));
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
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
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE inbox SET seen = 1 WHERE " SCHEMA_INBOX("?1"));
  db_bind_blob(s, 1, hash_slice(id));
  err = db_run(s);
  return err == TG_OK ? say(core, id, RECEIPT_READ) : err;
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
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE inbox SET acknowledged = 1 WHERE " SCHEMA_INBOX("?1"));
  db_bind_blob(s, 1, hash_slice(id));
  err = db_run(s);
  return err == TG_OK ? say(core, id, RECEIPT_ACKNOWLEDGED) : err;
}
