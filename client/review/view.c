/* What one node can prove, or a copy of that: checkpoints, each proven to extend the one before; signed documents; and the node's own
   entries, each opened and with the path that leads it to one of these checkpoints. All or nothing, as in intake.c. */
#include "client/review/view_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- entries */

struct claim {
  struct hash leaf;
  uint64_t index, size; /* size: of the checkpoint that the path leads to, as the node says; it may not know */
  struct slice path;
};

static bool leads_to(const struct claim *c, const struct view_root *to)
{
  struct hash root;
  return to->size > c->index && merkle_path_root(&c->leaf, c->index, to->size, c->path, &root) == TG_OK && hash_eq(&root, &to->hash);
}

/* The checkpoint to which the path leads. Paths are as long as their sizes demand, so that few cost a hash. */
static bool find_root(const struct view *v, const struct claim *c, uint64_t *ret)
{
  const struct view_root *said = view_root_of(v, c->size);
  if (said && leads_to(c, said))
    return *ret = said->size, true;
  for (size_t i = 0; i < v->n_roots; i++)
    if (leads_to(c, &v->root[i]))
      return *ret = v->root[i].size, true;
  return false;
}

static enum tg_err put_share(struct view *v, const struct dossier *d, uint64_t size, struct slice path)
{
  struct db_stmt *s = db_stmt(v->r->db, "INSERT OR REPLACE INTO share(leaf, size, path, dossier) VALUES(?1, ?2, ?3, ?4)");
  buf_clear(&v->bytes);
  dossier_put(&v->bytes, d);
  if (buf_status(&v->bytes))
    return buf_status(&v->bytes);
  db_bind_u64(s, 1, d->index);
  db_bind_u64(s, 2, size);
  db_bind_blob(s, 3, path);
  db_bind_buf(s, 4, &v->bytes);
  return db_run(s);
}

static enum tg_err put_entry(struct view *v, uint64_t leaf, const struct hash *hash, const struct entry *e)
{
  struct db_stmt *s = db_stmt(v->r->db, "INSERT OR REPLACE INTO entry(leaf, time, type, hash, at, n) VALUES(?1, ?2, ?3, ?4, 0, 1)");
  db_bind_u64(s, 1, leaf);
  db_bind_i64(s, 2, e->time);
  db_bind_u64(s, 3, e->type);
  db_bind_blob(s, 4, slice_of(hash->b, 32));
  enum tg_err err = db_run(s);
  if (err)
    return err;
  struct marks marks;
  err = marks_load(v->r, leaf / TILE_WIDTH, &marks);
  if (err)
    return err;
  marks_set(&marks, leaf, e);
  return marks_store(v->r, leaf / TILE_WIDTH, &marks);
}

/* A batch of receipts comes in shares, with each bulletin that it is about. False: all of it is known. */
static enum tg_err join_known(struct view *v, struct dossier *d, bool *ret_new)
{
  struct slice bytes;
  struct dossier known;
  *ret_new = true;
  enum tg_err err = view_dossier(v->r, d->index, v->arena, &bytes);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  if (dossier_take(&bytes, &known) != TG_OK)
    return TG_DISK;
  buf_clear(&v->join);
  dossier_shares_join(&v->join, known.paper[DOSSIER_SHARES], d->paper[DOSSIER_SHARES]);
  if (v->join.n == known.paper[DOSSIER_SHARES].n) {
    *ret_new = false;
    return TG_OK;
  }
  d->paper[DOSSIER_SHARES] = buf_slice(&v->join);
  return buf_status(&v->join);
}

/* Older than all checkpoints that the node shows without a gap, as far as it says so. */
static bool is_older(const struct view *v, const struct claim *c)
{
  return v->r->place.kind == REVIEW_NODE && (c->size ? c->size : c->index) < v->solid;
}

/* Under a checkpoint that the node has let go: the node believes its own store, and we do not. It is counted, and left out. That can be said only of
   what is older; and a copy holds nothing of the kind. */
static enum tg_err unproven(struct view *v, const struct claim *c)
{
  if (is_older(v, c)) {
    v->unproven++;
    return TG_OK;
  }
  return view_wrong(v, TG_BAD_PROOF, N_("the path of this entry leads to none of the checkpoints: the opening is not that of what was logged, or the path is damaged"));
}

/* A node goes on while it is asked: what came since is under checkpoints that it had not yet when it showed them. */
static enum tg_err look_again(struct view *v)
{
  char at[sizeof v->where];
  memcpy(at, v->where, sizeof at);
  const uint64_t newest = v->n_roots ? v->root[v->n_roots - 1].size : 0;
  enum tg_err err = view_each_page(v, "checkpoints", "checkpoints", newest, view_take_checkpoint);
  memcpy(v->where, at, sizeof at);
  return err;
}

static enum tg_err lead_to_root(struct view *v, struct claim *c, uint64_t *ret, bool *ret_found)
{
  *ret_found = find_root(v, c, ret);
  if (*ret_found || v->r->place.kind != REVIEW_NODE || is_older(v, c))
    return TG_OK;
  c->path = c->path.n ? arena_copy(v->arena, c->path) : c->path; /* its buffer is used again */
  enum tg_err err = c->path.p || !c->path.n ? look_again(v) : TG_NO_MEMORY;
  if (!err)
    *ret_found = find_root(v, c, ret);
  return err;
}

static enum tg_err take_dossier(struct view *v, struct dossier *d, uint64_t said, struct slice path)
{
  struct entry e;
  uint64_t size;
  bool fresh, found;
  enum tg_err err = join_known(v, d, &fresh);
  if (err || !fresh)
    return err;
  struct hash leaf = entry_leaf(d->salt, d->paper[DOSSIER_ENTRY]);
  struct claim claim = {.leaf = merkle_leaf(slice_of(leaf.b, sizeof leaf.b)), .index = d->index, .size = said, .path = path};
  err = lead_to_root(v, &claim, &size, &found);
  if (err || !found)
    return err ? err : unproven(v, &claim);
  err = dossier_check(d, &leaf, v->arena, &e, v->why);
  if (!err)
    err = intake_signed(v->r, d, &e, v->arena, v->why);
  if (err) {
    if (v->why)
      snprintf(v->why->where, sizeof v->why->where, "%s", v->where);
    return err;
  }
  err = put_share(v, d, size, claim.path);
  if (!err)
    err = put_entry(v, d->index, &leaf, &e);
  v->fresh++;
  return err ? err : record(v->r, d, &e, v->arena);
}

static enum tg_err take_entry(struct view *v, const json_t *one)
{
  struct dossier d;
  struct buf bytes = buf_new(DOSSIER_MAX + 64);
  const uint64_t index = (uint64_t)json_integer_value(json_object_get(one, "index"));
  snprintf(v->where + strlen(v->where), sizeof v->where - strlen(v->where), ":entry %" PRIu64, index);
  arena_reset(v->arena);
  enum tg_err err = view_text_bytes(one, "dossier", DOSSIER_MAX, &bytes) && view_text_bytes(one, "path", VIEW_PATH_BYTES, &v->path) ? TG_OK : view_odd(v);
  struct slice rest = buf_slice(&bytes);
  if (!err && (dossier_take(&rest, &d) != TG_OK || rest.n || d.index != index))
    err = view_odd(v);
  if (!err)
    err = take_dossier(v, &d, (uint64_t)json_integer_value(json_object_get(one, "size")), buf_slice(&v->path));
  buf_free(&bytes);
  return err;
}

enum tg_err view_dossier(struct review *r, uint64_t leaf, struct arena *arena, struct slice *ret)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT dossier FROM share WHERE leaf = ?1");
  db_bind_u64(s, 1, leaf);
  enum tg_err err = db_one(s);
  if (err)
    return err;
  *ret = arena_copy(arena, db_blob(s, 0));
  db_reset(s);
  return ret->p ? TG_OK : TG_NO_MEMORY;
}

/* ---- all of it */

static enum tg_err put_number(struct review *r, const char *name, uint64_t n)
{
  char text[24];
  snprintf(text, sizeof text, "%" PRIu64, n);
  return index_fact_put(r, name, slice_str(text));
}

static bool fact_is(struct review *r, const char *name, const char *text)
{
  struct buf b = buf_new(256);
  const bool is = index_fact(r, name, &b) == TG_OK && slice_is(buf_slice(&b), text);
  buf_free(&b);
  return is;
}

/* An index is of one node's view. */
static enum tg_err same_view(struct view *v, const char *node)
{
  struct buf b = buf_new(256);
  enum tg_err err = index_fact(v->r, "node", &b);
  const bool other = err == TG_OK && !slice_is(buf_slice(&b), node);
  buf_free(&b);
  if (err == TG_NOT_FOUND)
    return v->r->size ? why_set(v->why, TG_CONFLICT, v->r->place.log, N_("this index is of another source"), N_("Name another file with --index"),
                                NULL, NULL, NULL)
                      : index_fact_put(v->r, "node", slice_str(node));
  return other ? why_set(v->why, TG_CONFLICT, v->r->place.log, N_("this index is of another source"), N_("Name another file with --index"), NULL,
                         NULL, NULL)
               : err;
}

static enum tg_err load_newest(struct review *r)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1");
  enum tg_err err = db_one(s);
  if (err)
    return err;
  buf_clear(&r->note);
  buf_put_slice(&r->note, db_blob(s, 0));
  db_reset(s);
  err = buf_status(&r->note);
  if (!err)
    err = checkpoint_open(buf_slice(&r->note), &r->place.key, &r->checkpoint, NULL, NULL);
  r->size = err ? r->size : r->checkpoint.size;
  return err;
}

static enum tg_err take_entries(struct view *v)
{
  if (v->r->place.kind == REVIEW_NODE_COPY)
    return view_each_page(v, "entries", "entries", 0, take_entry);
  enum tg_err err = view_each_page(v, "documents", "entries", 0, take_entry);
  if (!err)
    err = view_each_page(v, "sent", "entries", 0, take_entry);
  if (!err)
    err = view_each_page(v, "received", "entries", 0, take_entry);
  return err ? err : view_each_page(v, "stated", "entries", 0, take_entry); /* last: they are about those that came */
}

/* A copy says itself how much it holds, and shows the newest checkpoint apart. */
static enum tg_err is_newest(struct view *v, const json_t *state)
{
  const struct place *p = &v->r->place;
  const struct view_root *newest = v->n_roots ? &v->root[v->n_roots - 1] : NULL;
  const uint64_t size = (uint64_t)json_integer_value(json_object_get(state, "size"));
  struct checkpoint c;
  snprintf(v->where, sizeof v->where, "%s", "view/state.json");
  if (size && (!newest || newest->size < size))
    return view_wrong(v, TG_BAD_PROOF, N_("the newest of its checkpoints are missing"));
  if (p->kind == REVIEW_NODE)
    return TG_OK;
  buf_clear(&v->join);
  snprintf(v->where, sizeof v->where, "%s", "checkpoint");
  enum tg_err err = place_read(p->log, "checkpoint", CHECKPOINT_BYTES_MAX, &v->join, v->why);
  if (!err)
    err = checkpoint_open(buf_slice(&v->join), &p->key, &c, NULL, v->why);
  if (!err)
    err = witnesses_check(v->r, buf_slice(&v->join), "checkpoint", v->why);
  if (!err && (!newest || c.size != newest->size || !hash_eq(&c.root, &newest->hash)))
    return view_wrong(v, TG_BAD_PROOF, N_("this checkpoint is not the newest of those that the copy proves"));
  return err;
}

static enum tg_err all_here(struct view *v, const json_t *state)
{
  struct db_stmt *s = db_stmt(v->r->db, "SELECT count(*) FROM share");
  const json_t *entries = json_object_get(state, "entries");
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err)
    return err;
  const uint64_t n = db_u64(s, 0);
  db_reset(s);
  snprintf(v->where, sizeof v->where, "%s", "view/state.json");
  return json_is_integer(entries) && (uint64_t)json_integer_value(entries) > n ? view_wrong(v, TG_BAD_PROOF, N_("entries that this copy held are missing"))
                                                                               : TG_OK;
}

static enum tg_err take_new(struct view *v, const json_t *state, uint64_t again)
{
  struct review *r = v->r;
  const char *stamp = json_string_value(json_object_get(state, "stamp"));
  enum tg_err err = view_each_page(v, "checkpoints", "checkpoints", r->place.kind == REVIEW_NODE ? again : 0, view_take_checkpoint);
  if (!err && v->gaps)
    err = put_number(r, "gaps", v->gaps);
  if (!err)
    err = is_newest(v, state);
  if (!err && stamp && fact_is(r, "stamp", stamp))
    return TG_OK; /* the log has grown, and nothing of it concerns this node */
  if (!err)
    err = take_entries(v);
  if (!err)
    err = all_here(v, state);
  if (!err)
    err = words_flush(r->words);
  if (!err)
    err = put_number(r, "unproven", v->unproven);
  return err || !stamp ? err : index_fact_put(r, "stamp", slice_str(stamp));
}

static enum tg_err take_all(struct view *v, const json_t *state)
{
  struct review *r = v->r;
  const char *node = json_string_value(json_object_get(state, "node")), *log = json_string_value(json_object_get(state, "log"));
  uint64_t again = 0;
  if (!node || !log || strlen(node) > HOLDER_MAX)
    return view_odd(v);
  enum tg_err err = same_view(v, node);
  if (!err)
    err = marks_fill(r, NULL, NULL, v->why);
  if (!err && !r->directory)
    err = papers_first(r, UINT64_MAX, &r->directory);
  if (!err)
    err = r->place.kind == REVIEW_NODE ? view_ask_documents(v) : view_each_page(v, "documents", "documents", 0, view_take_document);
  if (!err && !r->place.has_key)
    err = key_find(r, slice_str(log), view_charters, v->why);
  if (!err)
    err = view_load_roots(v, &again);
  const uint64_t had = v->n_roots ? v->root[v->n_roots - 1].size : 0, has = (uint64_t)json_integer_value(json_object_get(state, "size"));
  if (!err && has < had)
    return why_set(v->why, TG_STALE, r->place.log, N_("its checkpoint is older than one that was seen before"),
                   N_("Is this an old copy? A hub that shows it again has forgotten what it signed: keep it as evidence"), NULL, NULL, NULL);
  return err ? err : take_new(v, state, again);
}

static enum tg_err read_state(struct view *v, json_t **ret)
{
  const struct place *p = &v->r->place;
  if (p->kind == REVIEW_NODE_COPY)
    return view_read_json(v, "view/state.json", ret);
  return p->ask(p->ask_arg, "review", (const char *const[]){NULL}, ret, v->why);
}

enum tg_err view_take(struct review *r, uint64_t *ret_new, struct tg_why *why)
{
  struct tg_why inner = {.err = TG_OK};
  struct view v = {.r = r,
                   .arena = arena_new(2 * REVIEW_ARENA),
                   .bytes = buf_new(DOSSIER_MAX + 64),
                   .path = buf_new(2 * VIEW_PATH_BYTES + 64),
                   .join = buf_new(DOSSIER_MAX),
                   .why = &inner};
  json_t *state = NULL;
  enum tg_err err = v.arena ? read_state(&v, &state) : TG_NO_MEMORY;
  if (!err)
    err = db_begin(r->db, &inner);
  if (!err) {
    err = take_all(&v, state);
    if (!err)
      err = db_commit(r->db, &inner);
    else
      db_rollback(r->db);
    if (err)
      words_reset(r->words);
  }
  json_decref(state);
  if (!err)
    err = load_newest(r);
  if (err == TG_NOT_FOUND && !inner.what)
    err = why_set(&inner, err, r->place.log, N_("this node has not seen a checkpoint of the hub's log yet"), N_("Try again once it has met the hub"), NULL,
                  NULL, NULL);
  if (err && why)
    *why = inner;
  if (!err)
    *ret_new = v.fresh;
  free(v.root);
  arena_free(v.arena);
  buf_free(&v.bytes);
  buf_free(&v.path);
  buf_free(&v.join);
  return err;
}
