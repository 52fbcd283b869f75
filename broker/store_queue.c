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
  if (!err)
    err = store_share_add(store, row->node, row->leaf, 1, (int64_t)row->bytes);
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

/* A row's key into the first four places of a statement. */
static void bind_row(struct db_stmt *s, nodeno node, bool held, unsigned rank, uint64_t leaf)
{
  db_bind_u64(s, 1, node);
  db_bind_u64(s, 2, held);
  db_bind_u64(s, 3, rank);
  db_bind_u64(s, 4, leaf);
}

/* What a row weighs. TG_NOT_FOUND. Asked before the row is changed: RETURNING would make a table in memory for each. */
static enum tg_err row_bytes(struct store *store, nodeno node, bool held, unsigned rank, uint64_t leaf, int64_t *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT bytes FROM queue WHERE node = ?1 AND held = ?2 AND rank = ?3 AND leaf = ?4");
  bind_row(s, node, held, rank, leaf);
  enum tg_err err = db_one(s);
  if (!err)
    *ret = db_i64(s, 0);
  db_reset(s);
  return err;
}

/* Deletes one row. TG_NOT_FOUND. */
static enum tg_err row_delete(struct store *store, nodeno node, bool held, unsigned rank, uint64_t leaf)
{
  int64_t bytes;
  enum tg_err err = row_bytes(store, node, held, rank, leaf, &bytes);
  if (err)
    return err;
  struct db_stmt *s = db_stmt(store->db, "DELETE FROM queue WHERE node = ?1 AND held = ?2 AND rank = ?3 AND leaf = ?4");
  bind_row(s, node, held, rank, leaf);
  err = db_run(s);
  if (!err)
    err = store_share_add(store, node, leaf, -1, -bytes);
  return err ? err : store_tally_add(store, node, held, rank, -1, -bytes);
}

enum { AT_ONCE = 256 };

/* One row less waits for each of these bulletins, AT_ONCE at most, ascending; with the last one its content goes. */
static enum tg_err rows_done(struct store *store, const uint64_t *leaf, size_t n)
{
  uint64_t last[AT_ONCE];
  size_t lasts = 0;
  for (size_t i = 0; i < n; i++) {
    bool is = false;
    enum tg_err err = store_recent_row_done(store, leaf[i], &is);
    if (err && err != TG_NOT_FOUND)
      return err;
    if (!err && is)
      last[lasts++] = leaf[i];
  }
  return store_bulletins_drop(store, last, lasts);
}

enum tg_err store_row_remove(struct store *store, nodeno node, unsigned rank, uint64_t leaf, bool *ret_removed)
{
  enum tg_err err = row_delete(store, node, false, rank, leaf);
  if (err == TG_NOT_FOUND)
    err = row_delete(store, node, true, rank, leaf);
  bool removed = !err;
  if (removed)
    err = rows_done(store, &leaf, 1);
  else if (err == TG_NOT_FOUND)
    err = TG_OK;
  if (!err && ret_removed)
    *ret_removed = removed;
  return err;
}

/* Are these rows, none held, all that there are from the first to the last of them? What each weighs. */
static enum tg_err rows_match(struct store *store, nodeno node, unsigned rank, const uint64_t *leaf, size_t n, int64_t *bytes, bool *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT leaf, bytes FROM queue WHERE node = ?1 AND held = ?2 AND rank = ?3 AND leaf >= ?4"
                                         " AND leaf <= ?5 ORDER BY leaf");
  size_t at = 0;
  bool row = true;
  bind_row(s, node, false, rank, leaf[0]);
  db_bind_u64(s, 5, leaf[n - 1]);
  for (*ret = true; *ret && row;) {
    enum tg_err err = db_step(s, &row);
    if (err)
      return err;
    if (!row)
      break;
    *ret = at < n && db_u64(s, 0) == leaf[at];
    if (*ret)
      bytes[at++] = db_i64(s, 1);
  }
  db_reset(s);
  *ret = *ret && at == n;
  return TG_OK;
}

/* Removes the rows that rows_match() found. */
static enum tg_err rows_delete(struct store *store, nodeno node, unsigned rank, const uint64_t *leaf, size_t n, const int64_t *bytes)
{
  int64_t sum = 0;
  struct db_stmt *s = db_stmt(store->db, "DELETE FROM queue WHERE node = ?1 AND held = ?2 AND rank = ?3 AND leaf >= ?4 AND leaf <= ?5");
  bind_row(s, node, false, rank, leaf[0]);
  db_bind_u64(s, 5, leaf[n - 1]);
  enum tg_err err = db_run(s);
  if (!err && db_changes(store->db) != n)
    err = TG_DISK;
  for (size_t i = 0; !err && i < n; i++) {
    sum += bytes[i];
    err = store_share_add(store, node, leaf[i], -1, -bytes[i]);
  }
  return err ? err : store_tally_add(store, node, false, rank, -(int64_t)n, -sum);
}

enum tg_err store_rows_remove(struct store *store, nodeno node, unsigned rank, const uint64_t *leaf, size_t n)
{
  enum tg_err err = TG_OK;
  for (size_t k; !err && n; leaf += k, n -= k) {
    int64_t bytes[AT_ONCE];
    bool all = false;
    k = n < AT_ONCE ? n : AT_ONCE;
    if (k > 1)
      err = rows_match(store, node, rank, leaf, k, bytes, &all);
    if (!err && all)
      err = rows_delete(store, node, rank, leaf, k, bytes);
    if (!err && all)
      err = rows_done(store, leaf, k);
    for (size_t i = 0; !err && !all && i < k; i++)
      err = store_row_remove(store, node, rank, leaf[i], NULL);
  }
  return err;
}

enum tg_err store_row_hold(struct store *store, nodeno node, unsigned rank, uint64_t leaf, bool held)
{
  int64_t bytes;
  enum tg_err err = row_bytes(store, node, !held, rank, leaf, &bytes);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  struct db_stmt *s = db_stmt(store->db, "UPDATE queue SET held = ?5 WHERE node = ?1 AND held = ?2 AND rank = ?3"
                                         " AND leaf = ?4");
  bind_row(s, node, !held, rank, leaf);
  db_bind_u64(s, 5, held);
  err = db_run(s);
  if (!err)
    err = store_tally_add(store, node, !held, rank, -1, -bytes);
  return err ? err : store_tally_add(store, node, held, rank, 1, bytes);
}
