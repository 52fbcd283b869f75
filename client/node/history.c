#include "client/node/history.h"

#include "proto/merkle.h"

enum {
  ROOTS_KEPT = 100000,     /* entries of the log below the newest checkpoint */
  STEPS_AT_ONCE = 4096,    /* rows looked at for one proof: some milliseconds */
};

/* ---- rows ---- */

enum tg_err history_put(struct node_core *core, const struct witness_state *state, struct slice growth, struct slice note,
                        bool settled)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT OR REPLACE INTO root VALUES(?, ?, ?, ?, ?, ?)");
  db_bind_text(s, 1, slice_str(state->origin));
  db_bind_u64(s, 2, state->size);
  db_bind_blob(s, 3, hash_slice(&state->root));
  db_bind_blob(s, 4, note);
  db_bind_u64(s, 5, settled);
  db_bind_blob(s, 6, growth);
  enum tg_err err = db_run(s);
  if (err != TG_OK || state->size <= ROOTS_KEPT)
    return err;
  s = db_stmt(depot_db(core->depot), "DELETE FROM root WHERE log = ? AND size < ?");
  db_bind_text(s, 1, slice_str(state->origin));
  db_bind_u64(s, 2, state->size - ROOTS_KEPT);
  return db_run(s);
}

enum tg_err history_settle(struct node_core *core, const char *log, uint64_t size, struct slice note)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE root SET note = ?, settled = 1 WHERE log = ? AND size = ?");
  db_bind_blob(s, 1, note);
  db_bind_text(s, 2, slice_str(log));
  db_bind_u64(s, 3, size);
  return db_run(s);
}

#define ROW "SELECT size, root, note, settled, growth FROM root WHERE log = ? "

static enum tg_err one_row(struct db_stmt *s, const char *log, uint64_t size, struct arena *arena, struct history_row *ret)
{
  bool row;
  db_bind_text(s, 1, slice_str(log));
  db_bind_u64(s, 2, size < INT64_MAX ? size : INT64_MAX);
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err != TG_OK ? err : TG_NOT_FOUND;
  struct history_row r = {.size = db_u64(s, 0), .settled = db_u64(s, 3) != 0};
  struct slice note = db_blob(s, 2), growth = db_blob(s, 4);
  bool read = db_bytes(s, 1, r.root.b, sizeof r.root.b);
  r.note = arena_copy(arena, note);
  r.growth = growth.n ? arena_copy(arena, growth) : growth;
  db_reset(s);
  if (!read || note.n == 0)
    return TG_DISK;
  if (!r.note.p || (growth.n && !r.growth.p))
    return TG_NO_MEMORY;
  *ret = r;
  return TG_OK;
}

enum tg_err history_at(struct node_core *core, const char *log, uint64_t size, struct arena *arena, struct history_row *ret)
{
  return one_row(db_stmt(depot_db(core->depot), ROW "AND size = ?"), log, size, arena, ret);
}

enum tg_err history_after(struct node_core *core, const char *log, uint64_t size, struct arena *arena, struct history_row *ret)
{
  return one_row(db_stmt(depot_db(core->depot), ROW "AND size > ? ORDER BY size LIMIT 1"), log, size, arena, ret);
}

/* ---- proofs ---- */

/* The checkpoint to which this path leads. Paths are as long as their sizes demand, so that few rows cost a hash. */
static enum tg_err find(struct node_core *core, const char *log, const struct hash *leaf, const struct opening *o,
                        struct history_row *ret)
{
  struct history_row r = {.size = o->index};
  struct hash root;
  for (unsigned i = 0; i < STEPS_AT_ONCE; i++) {
    arena_reset(core->scrap);
    enum tg_err err = history_after(core, log, r.size, core->scrap, &r);
    if (err != TG_OK)
      return err;
    if (merkle_path_root(leaf, o->index, r.size, o->path, &root) != TG_OK || !hash_eq(&root, &r.root))
      continue;
    *ret = r;
    return TG_OK;
  }
  return TG_NOT_FOUND;
}

static enum tg_err keep(struct arena *arena, const struct history_row *r, struct slice path, struct history_row *ret,
                        struct slice *ret_path)
{
  struct history_row copy = *r;
  struct slice p = path.n ? arena_copy(arena, path) : path;
  copy.note = arena_copy(arena, r->note);
  copy.growth = slice_of(NULL, 0);
  if (!copy.note.p || (path.n && !p.p))
    return TG_NO_MEMORY;
  *ret = copy;
  *ret_path = p;
  return TG_OK;
}

enum tg_err history_prove(struct node_core *core, const char *log, const struct opening *opening, struct arena *arena,
                          struct history_row *ret, struct slice *ret_path)
{
  struct history_row r;
  struct merkle_path path;
  struct hash data, leaf, root;
  enum tg_err err = opening_leaf(opening, &data);
  if (err != TG_OK || merkle_path_read(opening->path, &path) != TG_OK)
    return TG_DISK; /* it was verified before it was kept */
  leaf = merkle_leaf(hash_slice(&data));
  err = find(core, log, &leaf, opening, &r);
  if (err == TG_OK)
    err = keep(arena, &r, opening->path, ret, ret_path);
  for (unsigned i = 0; err == TG_OK && !r.settled && i < STEPS_AT_ONCE; i++) {
    const uint64_t old = r.size;
    arena_reset(core->scrap);
    err = history_after(core, log, old, core->scrap, &r);
    if (err != TG_OK)
      return err == TG_NOT_FOUND ? TG_OK : err;
    if (merkle_path_grow(opening->index, old, merkle_path_slice(&path), r.size, r.growth, &path) != TG_OK ||
        merkle_path_root(&leaf, opening->index, r.size, merkle_path_slice(&path), &root) != TG_OK || !hash_eq(&root, &r.root))
      return TG_OK; /* a row between them is gone: what was found first stands */
    if (r.settled)
      err = keep(arena, &r, merkle_path_slice(&path), ret, ret_path);
  }
  return err;
}
