#include "client/node/history.h"

#include "client/node/talk.h"
#include "client/node/watch.h"
#include "proto/merkle.h"

#include <string.h>

enum {
  ROOTS_KEPT = 100000,     /* entries of the log below the newest checkpoint */
  STEPS_AT_ONCE = 4096,    /* rows looked at for one proof: some milliseconds */
  PRUNED_AT_ONCE = 8,
};

/* ---- rows ---- */

#define ROW "SELECT size, root, note, settled, growth FROM root WHERE log = ? "

static enum tg_err one_row(struct db_stmt *s, const char *log, uint64_t size, struct arena *arena, struct history_row *ret)
{
  db_bind_text(s, 1, slice_str(log));
  db_bind_u64(s, 2, size < INT64_MAX ? size : INT64_MAX);
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
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

/* ---- letting go ---- */

static enum tg_err set_growth(struct node_core *core, const char *log, uint64_t size, struct slice growth)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE root SET growth = ? WHERE log = ? AND size = ?");
  db_bind_blob(s, 1, growth);
  db_bind_text(s, 2, slice_str(log));
  db_bind_u64(s, 3, size);
  return db_run(s);
}

/* The row after the one that goes is proven to extend the one before it. */
static enum tg_err bridge(struct node_core *core, const char *log, const struct history_row *gone)
{
  struct history_row before, after;
  struct merkle_path path = {.n = 0};
  enum tg_err err = one_row(db_stmt(depot_db(core->depot), ROW "AND size < ? ORDER BY size DESC LIMIT 1"), log, gone->size, core->scrap, &before);
  if (err == TG_NOT_FOUND)
    return TG_OK;
  if (err == TG_OK)
    err = history_after(core, log, gone->size, core->scrap, &after);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_OK : err;
  const struct merkle_step from = {before.size, before.root}, middle = {gone->size, gone->root};
  if (merkle_consistency_join(&from, &middle, gone->growth, after.size, after.growth, &path) != TG_OK)
    path.n = 0; /* there was a gap already */
  return set_growth(core, log, after.size, merkle_path_slice(&path));
}

static enum tg_err let_go(struct node_core *core, const char *log, const struct history_row *row)
{
  enum tg_err err = bridge(core, log, row);
  if (err != TG_OK)
    return err;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "DELETE FROM root WHERE log = ? AND size = ?");
  db_bind_text(s, 1, slice_str(log));
  db_bind_u64(s, 2, row->size);
  return db_run(s);
}

/* A few at a time of those below this size that nothing needs. All below *pruned are needed. */
static enum tg_err prune(struct node_core *core, const char *log, uint64_t below, uint64_t *pruned)
{
  for (unsigned i = 0; i < PRUNED_AT_ONCE; i++) {
    struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT size FROM root WHERE log = ? AND size > ? AND size < ? AND needed = 0 ORDER BY size LIMIT 1");
    struct history_row row;
    bool any;
    db_bind_text(s, 1, slice_str(log));
    db_bind_u64(s, 2, *pruned);
    db_bind_u64(s, 3, below);
    enum tg_err err = db_step(s, &any);
    if (err != TG_OK)
      return err;
    *pruned = any ? db_u64(s, 0) : below - 1;
    if (!any)
      return TG_OK;
    db_reset(s);
    arena_reset(core->scrap);
    err = history_at(core, log, *pruned, core->scrap, &row);
    if (err == TG_OK)
      err = let_go(core, log, &row);
    if (err != TG_OK)
      return err;
  }
  return TG_OK;
}

/* ---- keeping ---- */

enum tg_err history_need(struct node_core *core, const char *log, uint64_t size)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE root SET needed = 1 WHERE log = ? AND size = ?");
  db_bind_text(s, 1, slice_str(log));
  db_bind_u64(s, 2, size);
  return db_run(s);
}

/* One that settles what is needed since the one that was settled before is needed itself. */
static enum tg_err need_settled(struct node_core *core, const char *log, uint64_t size)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE root SET needed = 1 WHERE log = ?1 AND size = ?2 AND needed = 0 AND EXISTS(SELECT 1 FROM root"
                                                     " WHERE log = ?1 AND size < ?2 AND needed = 1 AND size > coalesce((SELECT size FROM root WHERE"
                                                     " log = ?1 AND size < ?2 AND settled = 1 ORDER BY size DESC LIMIT 1), 0))");
  db_bind_text(s, 1, slice_str(log));
  db_bind_u64(s, 2, size);
  return db_run(s);
}

enum tg_err history_put(struct node_core *core, const struct witness_state *state, struct slice growth, struct slice note,
                        bool settled, uint64_t *pruned)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT OR REPLACE INTO root VALUES(?, ?, ?, ?, ?, ?, 0)");
  db_bind_text(s, 1, slice_str(state->origin));
  db_bind_u64(s, 2, state->size);
  db_bind_blob(s, 3, hash_slice(&state->root));
  db_bind_blob(s, 4, note);
  db_bind_u64(s, 5, settled);
  db_bind_blob(s, 6, growth);
  enum tg_err err = db_run(s);
  if (err == TG_OK && settled)
    err = need_settled(core, state->origin, state->size);
  return err != TG_OK || state->size <= ROOTS_KEPT ? err : prune(core, state->origin, state->size - ROOTS_KEPT, pruned);
}

enum tg_err history_settle(struct node_core *core, const char *log, uint64_t size, struct slice note)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE root SET note = ?, settled = 1 WHERE log = ? AND size = ?");
  db_bind_blob(s, 1, note);
  db_bind_text(s, 2, slice_str(log));
  db_bind_u64(s, 3, size);
  enum tg_err err = db_run(s);
  return err == TG_OK ? need_settled(core, log, size) : err;
}

/* ---- proofs ---- */

/* The checkpoint to which this path leads, of `from` entries at least. Paths are as long as their sizes demand, so that few rows cost a hash. */
static enum tg_err find(struct node_core *core, const char *log, const struct hash *leaf, const struct opening *o, uint64_t from,
                        struct history_row *ret)
{
  struct history_row r = {.size = from > o->index ? from - 1 : o->index};
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

enum tg_err history_holds(struct node_core *core, const char *log, const struct opening *opening)
{
  struct history_row r;
  struct hash data, leaf;
  if (opening_leaf(opening, &data) != TG_OK)
    return TG_DISK; /* it was verified before it was kept */
  leaf = merkle_leaf(hash_slice(&data));
  return find(core, log, &leaf, opening, 0, &r);
}

enum tg_err history_hub(struct node_core *core, const struct opening *opening, const struct charter_hub **ret)
{
  const struct charter_hub *hub;
  const char *watched = watch_log(core);
  for (int others = 0; others < 2; others++)
    for (size_t i = 0; (hub = core_hub_still(core, i)); i++) {
      if ((strcmp(hub->log.name, watched) != 0) != others)
        continue;
      enum tg_err err = history_holds(core, hub->log.name, opening);
      if (err == TG_OK)
        *ret = hub;
      if (err != TG_NOT_FOUND)
        return err;
    }
  return TG_NOT_FOUND;
}

enum tg_err history_log(struct node_core *core, const struct opening *opening, const char **ret)
{
  const struct charter_hub *hub;
  enum tg_err err = history_hub(core, opening, &hub);
  if (err == TG_OK)
    *ret = hub->log.name;
  return err;
}

enum tg_err history_only_hub(struct node_core *core, const struct charter_hub **ret)
{
  const struct charter *charter = core_charter(core);
  bool others = true;
  if (!charter || charter->n_hubs != 1)
    return TG_NOT_FOUND;
  enum tg_err err = history_has_others(core, charter->hub[0].log.name, &others);
  if (err != TG_OK || others)
    return err != TG_OK ? err : TG_NOT_FOUND;
  *ret = &charter->hub[0];
  return TG_OK;
}

enum tg_err history_has_others(struct node_core *core, const char *log, bool *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT EXISTS(SELECT 1 FROM watched WHERE log <> ?1)");
  bool row;
  db_bind_text(s, 1, slice_str(log));
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK)
    return err;
  *ret = row && db_u64(s, 0) != 0;
  db_reset(s);
  return TG_OK;
}

enum tg_err history_prove(struct node_core *core, const char *log, const struct opening *opening, uint64_t from, struct arena *arena,
                          struct history_row *ret, struct slice *ret_path)
{
  struct history_row r;
  struct merkle_path path;
  struct hash data, leaf, root;
  enum tg_err err = opening_leaf(opening, &data);
  if (err != TG_OK || merkle_path_read(opening->path, &path) != TG_OK)
    return TG_DISK; /* it was verified before it was kept */
  leaf = merkle_leaf(hash_slice(&data));
  err = find(core, log, &leaf, opening, from, &r);
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
