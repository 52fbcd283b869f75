#include "broker/store_document.h"
#include "broker/store_inside.h"

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
  enum tg_err err = store_one(s);
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
  enum tg_err err = store_one(s);
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
  enum tg_err err = store_one(s);
  uint64_t last = err ? 0 : db_u64(s, 0);
  db_reset(s);
  if (err && err != TG_NOT_FOUND)
    return err;
  *ret = last;
  return TG_OK;
}

/* ---- receipt notes */

enum tg_err store_note_put(struct store *store, nodeno originator, const struct store_note *note)
{
  struct db_stmt *s = db_stmt(store->db, "UPDATE node SET notes_sequence = notes_sequence + 1 WHERE no = ?1"
                                         " RETURNING notes_sequence");
  db_bind_u64(s, 1, originator);
  enum tg_err err = store_one(s);
  if (err)
    return err;
  uint64_t sequence = db_u64(s, 0);
  err = db_run(s);
  if (err)
    return err;
  s = db_stmt(store->db, "INSERT INTO note(node, sequence, receipt, proof, leaf) VALUES(?1, ?2, ?3, ?4, ?5)");
  db_bind_u64(s, 1, originator);
  db_bind_u64(s, 2, sequence);
  db_bind_blob(s, 3, note->receipt);
  db_bind_blob(s, 4, note->proof);
  db_bind_u64(s, 5, note->leaf);
  return db_run(s);
}

enum tg_err store_note_next(struct store *store, nodeno originator, uint64_t after, struct arena *arena,
                            struct store_note *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT sequence, receipt, proof, leaf FROM note"
                                         " WHERE node = ?1 AND sequence > ?2 ORDER BY sequence LIMIT 1");
  db_bind_u64(s, 1, originator);
  db_bind_u64(s, 2, after);
  struct store_note note = {0};
  enum tg_err err = store_one(s);
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

enum tg_err store_notes_seen(struct store *store, nodeno originator, uint64_t sequence)
{
  struct db_stmt *s = db_stmt(store->db, "DELETE FROM note WHERE node = ?1 AND sequence <= ?2");
  db_bind_u64(s, 1, originator);
  db_bind_u64(s, 2, sequence);
  return db_run(s);
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
  enum tg_err err = store_one(s);
  if (!err)
    err = store_copy(s, 0, arena, ret);
  db_reset(s);
  return err;
}
