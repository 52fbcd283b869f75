/* The checkpoints of a view: each the hub's, by its key, and each proven to extend the one before. */
#include "client/review/view_inside.h"

#include "os/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_AGAIN = 2000 /* entries: checkpoints that may have settled since */ };

static enum tg_err add_root(struct view *v, uint64_t size, const struct hash *hash)
{
  if (v->n_roots == v->cap_roots) {
    const size_t cap = v->cap_roots ? 2 * v->cap_roots : 256;
    struct view_root *grown = realloc(v->root, cap * sizeof *grown);
    if (!grown)
      return TG_NO_MEMORY;
    v->root = grown;
    v->cap_roots = cap;
  }
  v->root[v->n_roots++] = (struct view_root){size, *hash};
  return TG_OK;
}

enum tg_err view_load_roots(struct view *v, uint64_t *ret_again)
{
  struct db_stmt *s = db_stmt(v->r->db, "SELECT size, root, settled, length(growth) FROM checkpoint ORDER BY size");
  bool row;
  enum tg_err err;
  uint64_t settled = 0;
  while ((err = db_step(s, &row)) == TG_OK && row) {
    struct hash h;
    const uint64_t size = db_u64(s, 0);
    settled = db_u64(s, 2) ? size : settled;
    if (db_u64(s, 3) == 0)
      v->solid = size;
    err = db_bytes(s, 1, h.b, sizeof h.b) ? add_root(v, size, &h) : TG_DISK;
    if (err) {
      db_reset(s);
      return err;
    }
  }
  const uint64_t newest = v->n_roots ? v->root[v->n_roots - 1].size : 0;
  *ret_again = settled + LOOK_AGAIN < newest ? newest - LOOK_AGAIN : settled;
  return err;
}

const struct view_root *view_root_of(const struct view *v, uint64_t size)
{
  size_t low = 0, high = v->n_roots;
  while (low < high) {
    const size_t mid = (low + high) / 2;
    if (v->root[mid].size < size)
      low = mid + 1;
    else
      high = mid;
  }
  return low < v->n_roots && v->root[low].size == size ? &v->root[low] : NULL;
}

static enum tg_err put_checkpoint(struct view *v, const struct checkpoint *c, struct slice note, struct slice growth, bool settled)
{
  struct db_stmt *s = db_stmt(v->r->db, "INSERT INTO checkpoint(size, root, note, seen, growth, settled) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
                                        " ON CONFLICT(size) DO UPDATE SET note = excluded.note, settled = excluded.settled");
  db_bind_u64(s, 1, c->size);
  db_bind_blob(s, 2, slice_of(c->root.b, 32));
  db_bind_blob(s, 3, note);
  db_bind_i64(s, 4, clock_wall());
  db_bind_blob(s, 5, growth);
  db_bind_u64(s, 6, settled);
  return db_run(s);
}

/* Is it proven to extend the newest that we have? */
static enum tg_err extend(struct view *v, const struct checkpoint *c, struct slice growth)
{
  const struct view_root *last = v->n_roots ? &v->root[v->n_roots - 1] : NULL;
  if (last && c->size <= last->size)
    return view_wrong(v, TG_BAD_PROOF, N_("the checkpoints are out of order"));
  if (growth.n == 0)
    v->solid = c->size;
  if (last && growth.n == 0) {
    v->gaps++; /* those between were let go: the log's key vouches for it, and nothing else */
  } else if (last && merkle_consistency_verify(last->size, &last->hash, c->size, &c->root, growth) != TG_OK) {
    return view_wrong(v, TG_BAD_PROOF, N_("this checkpoint is not proven to extend the one before: the log has two histories, or the copy is damaged"));
  }
  return add_root(v, c->size, &c->root);
}

enum tg_err view_take_checkpoint(struct view *v, const json_t *one)
{
  struct checkpoint c;
  const json_t *note = json_object_get(one, "note");
  struct slice text = slice_of(json_string_value(note), json_string_length(note));
  const uint64_t size = (uint64_t)json_integer_value(json_object_get(one, "size"));
  if (!json_is_string(note) || !view_text_bytes(one, "growth", VIEW_PATH_BYTES, &v->path))
    return view_odd(v);
  snprintf(v->where + strlen(v->where), sizeof v->where - strlen(v->where), ":checkpoint %" PRIu64, size);
  enum tg_err err = checkpoint_open(text, &v->r->place.key, &c, NULL, v->why);
  if (err || c.size != size) {
    if (v->why)
      snprintf(v->why->where, sizeof v->why->where, "%s", v->where);
    return err ? err : view_odd(v);
  }
  err = witnesses_check(v->r, text, v->where, v->why);
  if (err)
    return err;
  const struct view_root *known = view_root_of(v, size);
  if (known && !hash_eq(&known->hash, &c.root))
    return view_wrong(v, TG_CONFLICT, N_("this log has another history than was seen of it before"));
  if (!known)
    err = extend(v, &c, buf_slice(&v->path));
  return err ? err : put_checkpoint(v, &c, text, buf_slice(&v->path), json_is_true(json_object_get(one, "settled")));
}
