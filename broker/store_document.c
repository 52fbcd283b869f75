#include "broker/store_document.h"
#include "audit/entry.h"
#include "broker/store_inside.h"
#include "proto/buf.h"

enum { PLACE_BYTES = 2 };

enum tg_err store_document_put(struct store *store, const struct store_document *d, uint64_t *ret_sequence)
{
  struct db_stmt *s = db_stmt(store->db, "INSERT INTO document(kind, hash, content, proof, leaf, accepted)"
                                         " VALUES(?1, ?2, ?3, ?4, ?5, ?6) RETURNING sequence");
  db_bind_u64(s, 1, d->kind);
  store_bind_hash(s, 2, &d->hash);
  db_bind_blob(s, 3, d->content);
  db_bind_blob(s, 4, d->proof);
  db_bind_u64(s, 5, d->leaf);
  db_bind_i64(s, 6, d->accepted);
  enum tg_err err = db_one(s);
  if (err)
    return err;
  uint64_t sequence = db_u64(s, 0);
  err = db_run(s);
  if (!err)
    *ret_sequence = sequence;
  return err;
}

#define DOCUMENT_COLUMNS "sequence, kind, hash, content, proof, leaf, accepted"

static enum tg_err document_read(struct db_stmt *s, struct arena *arena, struct store_document *ret)
{
  enum tg_err err = db_one(s);
  struct store_document d = {0};
  if (!err)
    err = store_bytes(s, 2, d.hash.b, 32);
  if (!err)
    err = store_copy(s, 3, arena, &d.content);
  if (!err)
    err = store_copy(s, 4, arena, &d.proof);
  if (!err) {
    d.sequence = db_u64(s, 0);
    d.kind = (unsigned)db_u64(s, 1);
    d.leaf = db_u64(s, 5);
    d.accepted = db_i64(s, 6);
    *ret = d;
  }
  db_reset(s);
  return err;
}

enum tg_err store_document_next(struct store *store, uint64_t after, struct arena *arena, struct store_document *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT " DOCUMENT_COLUMNS
                                         " FROM document WHERE sequence > ?1 ORDER BY sequence LIMIT 1");
  db_bind_u64(s, 1, after);
  return document_read(s, arena, ret);
}

enum tg_err store_document_by_hash(struct store *store, const struct hash *hash, struct arena *arena,
                                   struct store_document *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT " DOCUMENT_COLUMNS " FROM document WHERE hash = ?1");
  store_bind_hash(s, 1, hash);
  return document_read(s, arena, ret);
}

enum tg_err store_document_drop(struct store *store, const struct hash *hash)
{
  struct db_stmt *s = db_stmt(store->db, "DELETE FROM document WHERE hash = ?1");
  store_bind_hash(s, 1, hash);
  return db_run(s);
}

enum tg_err store_document_last(struct store *store, uint64_t *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT seq FROM sqlite_sequence WHERE name = 'document'");
  enum tg_err err = db_one(s);
  uint64_t last = err ? 0 : db_u64(s, 0);
  db_reset(s);
  if (err && err != TG_NOT_FOUND)
    return err;
  *ret = last;
  return TG_OK;
}

/* ---- receipt notes */

enum tg_err store_notes_put(struct store *store, nodeno originator, uint64_t leaf, const uint16_t *place, size_t count)
{
  uint8_t packed[STORE_NOTES * PLACE_BYTES];
  struct buf out = {.p = packed, .cap = sizeof packed, .max = sizeof packed};
  uint64_t first;
  for (size_t i = 0; i < count; i++)
    buf_put_u16(&out, place[i]);
  if (buf_status(&out) || !count)
    return TG_TOO_BIG;
  enum tg_err err = store_node_note(store, originator, count, &first);
  if (err)
    return err;
  struct db_stmt *s = db_stmt(store->db, "INSERT INTO notes(node, first, count, leaf, places) VALUES(?1, ?2, ?3, ?4, ?5)");
  db_bind_u64(s, 1, originator);
  db_bind_u64(s, 2, first);
  db_bind_u64(s, 3, count);
  db_bind_u64(s, 4, leaf);
  db_bind_buf(s, 5, &out);
  return db_run(s);
}

enum tg_err store_notes_next(struct store *store, nodeno originator, uint64_t after, struct store_notes *ret)
{
  /* Of those that begin at or before `after` only the last can go beyond it. */
  struct db_stmt *s = db_stmt(store->db, "SELECT first, count, leaf, places FROM notes"
                                         " WHERE node = ?1 AND first > ?2 - 256 AND first + count > ?2 + 1 ORDER BY first LIMIT 1");
  struct store_notes row = {0};
  db_bind_u64(s, 1, originator);
  db_bind_u64(s, 2, after);
  enum tg_err err = db_one(s);
  if (!err) {
    struct slice places = db_blob(s, 3);
    row.first = db_u64(s, 0);
    row.count = db_u64(s, 1);
    row.leaf = db_u64(s, 2);
    if (!row.count || row.count > STORE_NOTES || places.n != row.count * PLACE_BYTES)
      err = TG_DISK;
    for (size_t i = 0; !err && i < row.count; i++)
      (void)take_u16(&places, &row.place[i]);
  }
  db_reset(s);
  if (!err)
    *ret = row;
  return err;
}

/* Are there notes of an earlier release? Once there are none there never will be. */
static enum tg_err has_old(struct store *store, bool *ret)
{
  *ret = false;
  if (store->no_old_notes)
    return TG_OK;
  struct db_stmt *s = db_stmt(store->db, "SELECT 1 FROM note LIMIT 1");
  enum tg_err err = db_one(s);
  db_reset(s);
  *ret = !err;
  store->no_old_notes = err == TG_NOT_FOUND;
  return err == TG_NOT_FOUND ? TG_OK : err;
}

enum tg_err store_note_next(struct store *store, nodeno originator, uint64_t after, struct arena *arena,
                            struct store_note *ret)
{
  bool old;
  enum tg_err err = has_old(store, &old);
  if (err || !old)
    return err ? err : TG_NOT_FOUND;
  struct db_stmt *s = db_stmt(store->db, "SELECT sequence, receipt, proof, leaf FROM note"
                                         " WHERE node = ?1 AND sequence > ?2 ORDER BY sequence LIMIT 1");
  db_bind_u64(s, 1, originator);
  db_bind_u64(s, 2, after);
  struct store_note note = {0};
  err = db_one(s);
  if (!err)
    err = store_copy(s, 1, arena, &note.receipt);
  if (!err)
    err = store_copy(s, 2, arena, &note.proof);
  if (!err) {
    note.sequence = db_u64(s, 0);
    note.leaf = db_u64(s, 3);
    *ret = note;
  }
  db_reset(s);
  return err;
}

static enum tg_err seen(struct db_stmt *s, nodeno originator, uint64_t sequence)
{
  db_bind_u64(s, 1, originator);
  db_bind_u64(s, 2, sequence);
  return db_run(s);
}

enum tg_err store_notes_seen(struct store *store, nodeno originator, uint64_t sequence)
{
  bool old;
  enum tg_err err = has_old(store, &old);
  if (!err && old)
    err = seen(db_stmt(store->db, "DELETE FROM note WHERE node = ?1 AND sequence <= ?2"), originator, sequence);
  return err ? err
             : seen(db_stmt(store->db, "DELETE FROM notes WHERE node = ?1 AND first <= ?2 AND first + count <= ?2 + 1"), originator,
                    sequence);
}

enum tg_err store_said_put(struct store *store, uint64_t leaf, struct slice bytes)
{
  struct db_stmt *s = db_stmt(store->db, "INSERT INTO said(leaf, bytes) VALUES(?1, ?2)");
  db_bind_u64(s, 1, leaf);
  db_bind_blob(s, 2, bytes);
  return db_run(s);
}

enum tg_err store_said(struct store *store, uint64_t leaf, struct arena *arena, struct slice *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT bytes FROM said WHERE leaf = ?1");
  db_bind_u64(s, 1, leaf);
  enum tg_err err = db_one(s);
  if (!err)
    err = store_copy(s, 0, arena, ret);
  db_reset(s);
  return err;
}

enum tg_err store_said_size(struct store *store, uint64_t leaf, uint64_t *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT length(bytes) FROM said WHERE leaf = ?1");
  db_bind_u64(s, 1, leaf);
  return db_number(s, ret);
}

enum tg_err store_said_of(struct store *store, const struct sign_pk *node, uint64_t from, uint64_t *upto, size_t *rows, uint64_t *ret, size_t max, size_t *ret_n)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT said.leaf, entry.bytes FROM said JOIN entry USING(leaf) WHERE said.leaf >= ?1 AND said.leaf < ?2"
                                         " ORDER BY said.leaf");
  bool row;
  uint64_t last = 0;
  size_t n = 0, looked = 0;
  enum tg_err err = TG_OK;
  db_bind_u64(s, 1, from);
  db_bind_u64(s, 2, *upto);
  while (n < max && looked < *rows && !(err = db_step(s, &row)) && row) {
    struct entry e;
    err = entry_parse(db_blob(s, 1), &e, NULL) ? TG_DISK : TG_OK;
    if (err)
      break;
    last = db_u64(s, 0);
    looked++;
    if (sign_pk_eq(&e.actor, node))
      ret[n++] = last;
  }
  db_reset(s);
  if (err)
    return err;
  if (n == max || looked == *rows)
    *upto = last + 1;
  *rows = looked;
  *ret_n = n;
  return TG_OK;
}
