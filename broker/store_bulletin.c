#include "broker/store_body.h"
#include "broker/store_bulletin.h"
#include "broker/store_recent.h"
#include "proto/buf.h"

#include <string.h>

enum { RECIPIENT_BYTES = 8 };

/* ---- writing */

static enum tg_err bulletin_insert(struct store *store, const struct store_bulletin *b, struct slice recipients)
{
  struct db_stmt *s = db_stmt(store->db, "INSERT INTO bulletin(leaf, id, originator, member, number, accepted, rank, kind,"
                                         " created, expires, bytes, charter_version, policy_set, recalls, recipients)"
                                         " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)");
  db_bind_u64(s, 1, b->leaf);
  store_bind_hash(s, 2, &b->id);
  db_bind_u64(s, 3, b->originator);
  db_bind_text(s, 4, slice_of(b->member, 2));
  if (b->number)
    db_bind_u64(s, 5, b->number);
  else
    db_bind_null(s, 5);
  db_bind_u64(s, 6, b->accepted);
  db_bind_u64(s, 7, b->rank);
  db_bind_u64(s, 8, b->kind);
  db_bind_i64(s, 9, b->created);
  db_bind_i64(s, 10, b->expires);
  db_bind_u64(s, 11, b->bytes);
  db_bind_u64(s, 12, b->charter_version);
  store_bind_hash(s, 13, &b->policy_set);
  store_bind_hash(s, 14, &b->recalls);
  db_bind_blob(s, 15, recipients);
  return db_run(s);
}

static enum tg_err memory_insert(struct store *store, uint64_t leaf, const struct store_memory *m)
{
  struct db_stmt *s = db_stmt(store->db, "INSERT INTO memory(leaf, until, content, decision) VALUES(?1, ?2, ?3, ?4)");
  db_bind_u64(s, 1, leaf);
  db_bind_i64(s, 2, m->until);
  db_bind_blob(s, 3, m->content);
  db_bind_blob(s, 4, m->decision);
  enum tg_err err = db_run(s);
  return err ? err : store_term_put(store, TERM_FORGOTTEN, m->until, leaf);
}

static enum tg_err awaited_insert(struct store *store, const struct store_bulletin *b, size_t rows)
{
  struct db_stmt *s = db_stmt(store->db, "INSERT INTO awaited(leaf, rows, expires) VALUES(?1, ?2, ?3)");
  db_bind_u64(s, 1, b->leaf);
  db_bind_u64(s, 2, rows);
  db_bind_i64(s, 3, b->expires);
  enum tg_err err = db_run(s);
  if (!err)
    err = store_term_put(store, TERM_EXPIRES, b->expires, b->leaf);
  return err ? err : store_usage_add(store, b->member, (int64_t)b->bytes);
}

/* TG_DUPLICATE: this id is decided. The table is asked only where it can be there: an id is the hash of a header with originator and number, and
   whatever was decided has taken its number, or had one that was taken. */
static enum tg_err check_new(struct store *store, const struct store_bulletin *b)
{
  struct store_node_state state;
  struct store_bulletin other;
  uint64_t leaf;
  if (late_held(store->ids, &b->id, 0, &leaf))
    return TG_DUPLICATE;
  enum tg_err err = store_node_state(store, b->originator, &state);
  if (!err && b->number > state.last_number)
    return TG_OK;
  if (!err || err == TG_NOT_FOUND)
    err = store_bulletin_by_id(store, &b->id, &other);
  return err == TG_OK ? TG_DUPLICATE : err == TG_NOT_FOUND ? TG_OK : err;
}

enum tg_err store_bulletin_put(struct store *store, const struct store_bulletin *bulletin,
                               const struct store_memory *memory, const struct store_recipient *recipients,
                               size_t count)
{
  uint8_t packed[STORE_RECIPIENTS * RECIPIENT_BYTES];
  struct buf out = {.p = packed, .cap = sizeof packed, .max = sizeof packed};
  for (size_t i = 0; i < count; i++) {
    buf_put_u32(&out, recipients[i].node);
    buf_put_u32(&out, recipients[i].portions);
  }
  if (buf_status(&out))
    return TG_TOO_BIG;
  enum tg_err err = check_new(store, bulletin);
  if (!err)
    err = bulletin_insert(store, bulletin, buf_slice(&out));
  if (!err)
    err = late_put(store->ids, &bulletin->id, 0, bulletin->leaf);
  if (!err)
    err = memory_insert(store, bulletin->leaf, memory);
  if (!err && bulletin->accepted)
    err = awaited_insert(store, bulletin, count);
  if (!err && bulletin->number)
    err = store_node_number(store, bulletin->originator, bulletin->number);
  const struct slice list = buf_slice(&out);
  const uint64_t rows = count;
  if (!err)
    err = store_recent_put(store, bulletin, &list, bulletin->accepted ? &rows : NULL);
  return err;
}

enum tg_err store_bulletin_recalled(struct store *store, uint64_t leaf)
{
  struct db_stmt *s = db_stmt(store->db, "UPDATE bulletin SET recalled = 1 WHERE leaf = ?1");
  db_bind_u64(s, 1, leaf);
  store_recent_recalled(store, leaf);
  return db_run(s);
}

/* ---- reading */

#define BULLETIN_COLUMNS                                                                                               \
  "leaf, id, originator, member, number, accepted, rank, kind, created, expires, bytes, charter_version, policy_set,"  \
  " recalls, recalled"

/* The one bulletin that s selects, its columns as BULLETIN_COLUMNS. */
static enum tg_err bulletin_read(struct store *store, struct db_stmt *s, struct store_bulletin *ret)
{
  enum tg_err err = db_one(s);
  struct store_bulletin b = {0};
  if (!err)
    err = store_bytes(s, 1, b.id.b, 32);
  if (!err)
    err = store_bytes(s, 12, b.policy_set.b, 32);
  if (!err)
    err = store_bytes(s, 13, b.recalls.b, 32);
  if (!err && db_text(s, 3).n != 2)
    err = TG_DISK;
  if (!err) {
    b.leaf = db_u64(s, 0);
    b.originator = (nodeno)db_u64(s, 2);
    memcpy(b.member, db_text(s, 3).p, 2);
    b.number = db_u64(s, 4);
    b.accepted = db_u64(s, 5) != 0;
    b.rank = (unsigned)db_u64(s, 6) % STORE_RANKS;
    b.kind = (unsigned)db_u64(s, 7);
    b.created = db_i64(s, 8);
    b.expires = db_i64(s, 9);
    b.bytes = db_u64(s, 10);
    b.charter_version = db_u64(s, 11);
    b.recalled = db_u64(s, 14) != 0;
    *ret = b;
  }
  db_reset(s);
  return err ? err : store_recent_put(store, &b, NULL, NULL);
}

enum tg_err store_bulletin(struct store *store, uint64_t leaf, struct store_bulletin *ret)
{
  const struct store_bulletin *recent = store_recent(store, leaf);
  if (recent) {
    *ret = *recent;
    return TG_OK;
  }
  struct db_stmt *s = db_stmt(store->db, "SELECT " BULLETIN_COLUMNS " FROM bulletin WHERE leaf = ?1");
  db_bind_u64(s, 1, leaf);
  return bulletin_read(store, s, ret);
}

enum tg_err store_bulletin_by_id(struct store *store, const struct hash *id, struct store_bulletin *ret)
{
  const struct store_bulletin *recent = store_recent_by_id(store, id);
  if (recent) {
    *ret = *recent;
    return TG_OK;
  }
  uint64_t leaf;
  if (late_held(store->ids, id, 0, &leaf))
    return store_bulletin(store, leaf, ret);
  struct db_stmt *s = db_stmt(store->db, "SELECT " BULLETIN_COLUMNS " FROM bulletin WHERE id = ?1"
                                         " AND leaf IN (SELECT leaf FROM id_place WHERE head = substr(?1, 1, 8))");
  store_bind_hash(s, 1, id);
  return bulletin_read(store, s, ret);
}

enum tg_err store_bulletin_by_number(struct store *store, nodeno originator, uint64_t number,
                                     struct store_bulletin *ret)
{
  struct store_node_state state;
  enum tg_err err = store_node_state(store, originator, &state);
  if (!err && number > state.last_number)
    return TG_NOT_FOUND; /* the ordinary case: the next */
  if (err && err != TG_NOT_FOUND)
    return err;
  struct db_stmt *s =
      db_stmt(store->db, "SELECT " BULLETIN_COLUMNS " FROM bulletin WHERE originator = ?1 AND number = ?2");
  db_bind_u64(s, 1, originator);
  db_bind_u64(s, 2, number);
  return bulletin_read(store, s, ret);
}

/* A blob by leaf, or an empty slice. */
static enum tg_err blob_read(struct db_stmt *s, uint64_t leaf, struct arena *arena, struct slice *ret)
{
  db_bind_u64(s, 1, leaf);
  struct slice found = {0};
  enum tg_err err = db_one(s);
  if (!err)
    err = store_copy(s, 0, arena, &found);
  db_reset(s);
  if (err && err != TG_NOT_FOUND)
    return err;
  *ret = found;
  return TG_OK;
}

enum tg_err store_bulletin_content(struct store *store, uint64_t leaf, struct arena *arena, struct slice *ret)
{
  return blob_read(db_stmt(store->db, "SELECT content FROM memory WHERE leaf = ?1"), leaf, arena, ret);
}

enum tg_err store_bulletin_decision(struct store *store, uint64_t leaf, struct arena *arena, struct slice *ret)
{
  return blob_read(db_stmt(store->db, "SELECT decision FROM memory WHERE leaf = ?1"), leaf, arena, ret);
}

bool store_recipient_take(struct slice *packed, struct store_recipient *ret)
{
  return take_u32(packed, &ret->node) && take_u32(packed, &ret->portions);
}

enum tg_err store_bulletin_recipients(struct store *store, uint64_t leaf, struct arena *arena,
                                      struct store_recipient **ret, size_t *ret_count)
{
  struct slice packed;
  enum tg_err err =
      store_recent_recipients(store, leaf, &packed)
          ? TG_OK
          : blob_read(db_stmt(store->db, "SELECT recipients FROM bulletin WHERE leaf = ?1"), leaf, arena, &packed);
  if (err)
    return err;
  size_t count = packed.n / RECIPIENT_BYTES;
  struct store_recipient *all = arena_alloc(arena, (count ? count : 1) * sizeof *all);
  if (!all)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < count; i++)
    if (!store_recipient_take(&packed, &all[i]))
      return TG_DISK;
  *ret = all;
  *ret_count = count;
  return TG_OK;
}

static enum tg_err leaf_read(struct db_stmt *s, struct store_leaf *ret)
{
  *ret = (struct store_leaf){
      .leaf = db_u64(s, 0), .bytes = db_blob(s, 2), .content = db_blob(s, 3), .decision = db_blob(s, 4), .recipients = db_blob(s, 5)};
  return store_bytes(s, 1, ret->salt, sizeof ret->salt);
}

enum tg_err store_leaves(struct store *store, uint64_t from, uint64_t below, store_leaf_each *each, void *context)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT entry.leaf, salt, entry.bytes, content, decision, recipients FROM entry"
                                         " LEFT JOIN memory ON memory.leaf = entry.leaf LEFT JOIN bulletin ON bulletin.leaf = entry.leaf"
                                         " WHERE entry.leaf >= ?1 AND entry.leaf < ?2 ORDER BY entry.leaf");
  enum tg_err err = TG_OK;
  db_bind_u64(s, 1, from);
  db_bind_u64(s, 2, below);
  for (bool row = true; !err && from < below; from++) {
    struct store_leaf leaf;
    err = db_step(s, &row);
    if (!err && !row)
      return TG_NOT_FOUND;
    if (!err)
      err = leaf_read(s, &leaf);
    if (!err && leaf.leaf != from)
      err = TG_NOT_FOUND;
    if (!err)
      err = each(context, &leaf);
  }
  db_reset(s);
  return err;
}

enum tg_err store_awaited_next(struct store *store, uint64_t from, struct store_awaited *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT awaited.leaf, rows, rank, id FROM awaited JOIN bulletin ON bulletin.leaf = awaited.leaf"
                                         " WHERE awaited.leaf >= ?1 ORDER BY awaited.leaf LIMIT 1");
  struct store_awaited a;
  db_bind_u64(s, 1, from);
  enum tg_err err = db_one(s);
  if (!err)
    err = store_bytes(s, 3, a.id.b, 32);
  if (!err) {
    a.leaf = db_u64(s, 0);
    a.rows = db_u64(s, 1);
    a.rank = (unsigned)db_u64(s, 2);
    *ret = a;
  }
  db_reset(s);
  return err;
}

/* ---- letting go */

static enum tg_err first_expired(struct store *store, const struct store_term *t, tg_time until, uint64_t *ret_leaf)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT leaf FROM awaited WHERE leaf >= ?1 AND leaf < ?2 AND expires <= ?3 ORDER BY expires, leaf LIMIT 1");
  db_bind_u64(s, 1, t->first);
  db_bind_u64(s, 2, t->below);
  db_bind_i64(s, 3, until);
  return db_number(s, ret_leaf);
}

/* The first of this block; or TG_NOT_FOUND, and the block is behind us. */
static enum tg_err expired_in(struct store *store, const struct store_term *t, tg_time until, uint64_t *ret_leaf)
{
  enum tg_err err = first_expired(store, t, until, ret_leaf);
  if (err != TG_NOT_FOUND || !t->over)
    return err;
  err = store_term_drop(store, TERM_EXPIRES, t);
  return err ? err : TG_NOT_FOUND;
}

/* Goes on with the block where the last one was found: much may expire in one stretch, and all its blocks would be looked through for each of it. What has come to its
   term behind us is found when the blocks begin again. */
enum tg_err store_bulletin_expiring(struct store *store, tg_time until, uint64_t *ret_leaf)
{
  struct store_expiry *e = &store->expiry;
  if (!e->at.there || until < e->begun)
    *e = (struct store_expiry){.begun = until};
  enum tg_err err = e->at.there ? expired_in(store, &e->at, until, ret_leaf) : TG_NOT_FOUND;
  while (err == TG_NOT_FOUND) {
    err = store_term_next(store, TERM_EXPIRES, until, &e->at);
    if (err == TG_OK) {
      err = expired_in(store, &e->at, until, ret_leaf);
    } else if (err == TG_NOT_FOUND) {
      const bool whole = e->begun == until;
      *e = (struct store_expiry){.begun = until};
      if (whole)
        return err;
    }
  }
  return err;
}

static enum tg_err by_leaf(struct db_stmt *s, uint64_t leaf)
{
  db_bind_u64(s, 1, leaf);
  return db_run(s);
}

/* Its large bodies go, and what it occupied is free. */
static enum tg_err gives_back(struct store *store, uint64_t leaf)
{
  struct store_bulletin b;
  enum tg_err err = store_bulletin(store, leaf, &b);
  if (!err)
    err = store_file_remove_all(store, &b.id);
  return err ? err : store_usage_add(store, b.member, -(int64_t)b.bytes);
}

enum tg_err store_bulletin_drop(struct store *store, uint64_t leaf)
{
  enum tg_err err = by_leaf(db_stmt(store->db, "DELETE FROM awaited WHERE leaf = ?1"), leaf);
  if (!err)
    store_recent_dropped(store, leaf);
  if (err || !db_changes(store->db))
    return err; /* dropped before, or refused */
  err = by_leaf(db_stmt(store->db, "DELETE FROM body WHERE place >= ?1 << 4 AND place < (?1 + 1) << 4"), leaf);
  return err ? err : gives_back(store, leaf);
}

static enum tg_err stretch(struct db_stmt *s, uint64_t first, uint64_t last)
{
  db_bind_u64(s, 1, first);
  db_bind_u64(s, 2, last);
  return db_run(s);
}

/* Are these all that are awaited from the first to the last of them? */
static enum tg_err are_all_awaited(struct store *store, const uint64_t *leaf, size_t n, bool *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT leaf FROM awaited WHERE leaf >= ?1 AND leaf <= ?2 ORDER BY leaf");
  size_t at = 0;
  bool row = true;
  enum tg_err err = TG_OK;
  db_bind_u64(s, 1, leaf[0]);
  db_bind_u64(s, 2, leaf[n - 1]);
  for (*ret = true; !err && *ret && row;) {
    err = db_step(s, &row);
    if (!err && row)
      *ret = at < n && db_u64(s, 0) == leaf[at++];
  }
  db_reset(s);
  *ret = *ret && at == n;
  return err;
}

enum tg_err store_bulletins_drop(struct store *store, const uint64_t *leaf, size_t n)
{
  bool all = false;
  enum tg_err err = n > 1 ? are_all_awaited(store, leaf, n, &all) : TG_OK;
  if (!err && all)
    err = stretch(db_stmt(store->db, "DELETE FROM awaited WHERE leaf >= ?1 AND leaf <= ?2"), leaf[0], leaf[n - 1]);
  if (!err && all) /* what has a body is awaited: there are no others in between */
    err = stretch(db_stmt(store->db, "DELETE FROM body WHERE place >= ?1 << 4 AND place < (?2 + 1) << 4"), leaf[0], leaf[n - 1]);
  for (size_t i = 0; !err && i < n; i++) {
    if (all)
      store_recent_dropped(store, leaf[i]);
    err = all ? gives_back(store, leaf[i]) : store_bulletin_drop(store, leaf[i]);
  }
  return err;
}

enum tg_err store_bulletins_forget(struct store *store, tg_time now, bool *ret_more)
{
  struct store_term t = {0};
  enum tg_err err = store_term_next(store, TERM_FORGOTTEN, now, &t);
  *ret_more = !err && t.over;
  if (err || !t.over)
    return err == TG_NOT_FOUND ? TG_OK : err;
  struct db_stmt *s = db_stmt(store->db, "DELETE FROM memory WHERE leaf >= ?1 AND leaf < ?2 AND until <= ?3");
  db_bind_u64(s, 1, t.first);
  db_bind_u64(s, 2, t.below);
  db_bind_i64(s, 3, now);
  err = db_run(s);
  return err ? err : store_term_drop(store, TERM_FORGOTTEN, &t);
}

/* ---- evidence */

enum tg_err store_evidence_put(struct store *store, uint64_t leaf, struct slice bytes)
{
  struct db_stmt *s = db_stmt(store->db, "INSERT INTO evidence(leaf, bytes) VALUES(?1, ?2)");
  db_bind_u64(s, 1, leaf);
  db_bind_blob(s, 2, bytes);
  return db_run(s);
}
