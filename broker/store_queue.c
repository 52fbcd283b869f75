/* The rows of table queue, and the tallies that follow them. */
#include "broker/store_bulletin.h"
#include "broker/store_recent.h"

enum tg_err store_row_put(struct store *store, const struct store_row *row)
{
  struct db_stmt *s =
      db_stmt(store->db, "INSERT INTO queue(node, held, rank, leaf, portions, bytes, wrap_index, wrap, wrap_path)"
                         " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
  db_bind_u64(s, 1, row->node);
  db_bind_u64(s, 2, row->held);
  db_bind_u64(s, 3, row->rank);
  db_bind_u64(s, 4, row->leaf);
  db_bind_u64(s, 5, row->portions);
  db_bind_u64(s, 6, row->bytes);
  db_bind_u64(s, 7, row->wrap_index);
  db_bind_blob(s, 8, row->wrap);
  db_bind_blob(s, 9, row->wrap_path);
  enum tg_err err = db_run(s);
  return err ? err : store_tally_add(store, row->node, row->held, row->rank, 1, (int64_t)row->bytes);
}

static enum tg_err row_read(struct db_stmt *s, struct arena *arena, struct store_row *row)
{
  row->leaf = db_u64(s, 0);
  row->portions = (uint32_t)db_u64(s, 1);
  row->bytes = db_u64(s, 2);
  row->wrap_index = db_u64(s, 3);
  enum tg_err err = store_copy(s, 4, arena, &row->wrap);
  return err ? err : store_copy(s, 5, arena, &row->wrap_path);
}

enum tg_err store_rows_next(struct store *store, nodeno node, bool held, unsigned rank, uint64_t from, uint64_t below,
                            struct arena *arena, size_t most, struct store_row *ret, size_t *ret_n)
{
  struct db_stmt *s =
      db_stmt(store->db, "SELECT leaf, portions, bytes, wrap_index, wrap, wrap_path FROM queue"
                         " WHERE node = ?1 AND held = ?2 AND rank = ?3 AND leaf >= ?4 AND leaf < ?5"
                         " ORDER BY leaf LIMIT ?6");
  db_bind_u64(s, 1, node);
  db_bind_u64(s, 2, held);
  db_bind_u64(s, 3, rank);
  db_bind_u64(s, 4, from);
  db_bind_u64(s, 5, below);
  db_bind_u64(s, 6, most);
  size_t n = 0;
  for (bool row = true; row && n < most;) {
    enum tg_err err = db_step(s, &row);
    if (!err && row) {
      ret[n] = (struct store_row){.node = node, .held = held, .rank = rank};
      err = row_read(s, arena, &ret[n++]);
    }
    if (err) {
      db_reset(s);
      return err;
    }
  }
  db_reset(s);
  *ret_n = n;
  return TG_OK;
}

enum tg_err store_row_next(struct store *store, nodeno node, bool held, unsigned rank, uint64_t from, uint64_t below,
                           struct arena *arena, struct store_row *ret)
{
  size_t n;
  enum tg_err err = store_rows_next(store, node, held, rank, from, below, arena, 1, ret, &n);
  return err ? err : n ? TG_OK : TG_NOT_FOUND;
}

/* Deletes one row. TG_NOT_FOUND. */
static enum tg_err row_delete(struct store *store, nodeno node, bool held, unsigned rank, uint64_t leaf)
{
  struct db_stmt *s = db_stmt(store->db, "DELETE FROM queue WHERE node = ?1 AND held = ?2 AND rank = ?3 AND leaf = ?4"
                                         " RETURNING bytes");
  db_bind_u64(s, 1, node);
  db_bind_u64(s, 2, held);
  db_bind_u64(s, 3, rank);
  db_bind_u64(s, 4, leaf);
  enum tg_err err = store_one(s);
  if (err)
    return err;
  int64_t bytes = db_i64(s, 0);
  err = db_run(s);
  return err ? err : store_tally_add(store, node, held, rank, -1, -bytes);
}

/* One row less waits for this bulletin; with the last one its content goes. */
static enum tg_err row_done(struct store *store, uint64_t leaf)
{
  bool last = false;
  enum tg_err err = store_recent_row_done(store, leaf, &last);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  return last ? store_bulletin_drop(store, leaf) : TG_OK;
}

enum tg_err store_row_remove(struct store *store, nodeno node, unsigned rank, uint64_t leaf, bool *ret_removed)
{
  enum tg_err err = row_delete(store, node, false, rank, leaf);
  if (err == TG_NOT_FOUND)
    err = row_delete(store, node, true, rank, leaf);
  bool removed = !err;
  if (removed)
    err = row_done(store, leaf);
  else if (err == TG_NOT_FOUND)
    err = TG_OK;
  if (!err && ret_removed)
    *ret_removed = removed;
  return err;
}

enum tg_err store_row_hold(struct store *store, nodeno node, unsigned rank, uint64_t leaf, bool held)
{
  struct db_stmt *s = db_stmt(store->db, "UPDATE queue SET held = ?5 WHERE node = ?1 AND held = ?2 AND rank = ?3"
                                         " AND leaf = ?4 RETURNING bytes");
  db_bind_u64(s, 1, node);
  db_bind_u64(s, 2, !held);
  db_bind_u64(s, 3, rank);
  db_bind_u64(s, 4, leaf);
  db_bind_u64(s, 5, held);
  enum tg_err err = store_one(s);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  int64_t bytes = db_i64(s, 0);
  err = db_run(s);
  if (!err)
    err = store_tally_add(store, node, !held, rank, -1, -bytes);
  return err ? err : store_tally_add(store, node, held, rank, 1, bytes);
}
