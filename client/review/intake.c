/* Taking in what is new, all or nothing: leaves make the tree, the tree must be the one that was signed, and every dossier
   must be that of its leaf. */
#include "client/review/inside.h"

#include "audit/recount.h"
#include "os/clock.h"

#include <inttypes.h>
#include <stdio.h>

enum { STEP = 64 /* bundles between two words of progress */ };

struct intake {
  struct review *r;
  struct arena *arena;
  struct buf leaves, dossiers;
  struct slice rest; /* of dossiers */
  struct dossier next;
  bool has_next;
  struct marks marks; /* of the block at hand */
  uint64_t had, opened; /* entries open to us before, and since */
  struct tg_why *why;
};

/* ---- whose log it is ---- */

/* Charters in the source's own beginning. */
static enum tg_err look_inside(struct review *r, key_each *each, void *arg)
{
  char name[DOSSIER_PATH_MAX];
  struct dossier d;
  struct buf bundle = buf_new(DOSSIER_BUNDLE_MAX);
  dossier_path(0, name);
  if (place_read(r->place.private, name, DOSSIER_BUNDLE_MAX, &bundle, NULL) == TG_OK)
    for (struct slice rest = buf_slice(&bundle), text; dossier_take(&rest, &d) == TG_OK;) {
      uint8_t kind;
      text = d.paper[DOSSIER_DOCUMENT];
      if (text.n && take_u8(&text, &kind) && kind == DOCUMENT_CHARTER)
        (void)each(arg, text);
    }
  buf_free(&bundle);
  return TG_OK;
}

static struct slice first_line(struct slice note)
{
  struct slice line;
  return take_line(&note, &line) ? line : note;
}

static enum tg_err read_checkpoint(struct review *r, struct buf *note, struct checkpoint *ret, struct tg_why *why)
{
  enum tg_err err = place_read(r->place.log, "checkpoint", CHECKPOINT_BYTES_MAX, note, why);
  if (!err && !r->place.has_key)
    err = key_find(r, first_line(buf_slice(note)), look_inside, why);
  if (err)
    return err;
  err = checkpoint_open(buf_slice(note), &r->place.key, ret, NULL, why);
  if (err && why && !why->where[0])
    snprintf(why->where, sizeof why->where, "%s", "checkpoint");
  return err;
}

/* ---- files of the log ---- */

static enum tg_err damaged(struct tg_why *why, enum tg_err err, const char *file, uint64_t entry, const char *what)
{
  char where[96], number[24];
  snprintf(number, sizeof number, "%" PRIu64, entry);
  snprintf(where, sizeof where, "%s:entry %s", file, number);
  return why_set(why, err, where, what, N_("Nothing of it is taken in. Fetch the files again; if they stay so, keep them as evidence"),
                 number, NULL, NULL);
}

/* A bundle of leaves at least this wide: a log that has grown on no longer holds its shorter self. */
static enum tg_err read_leaves(struct intake *in, uint64_t bundle, unsigned width)
{
  char path[TILE_PATH_MAX];
  for (unsigned w = width; w <= TILE_WIDTH; w++) {
    const struct tile_name name = {.entries = true, .index = bundle, .width = w};
    (void)tile_name_print(&name, path);
    buf_clear(&in->leaves);
    enum tg_err err = place_read(in->r->place.log, path, RECOUNT_FILE_MAX, &in->leaves, in->why);
    if (err == TG_NOT_FOUND)
      continue;
    if (!err && in->leaves.n != (size_t)w * 34)
      return damaged(in->why, TG_BAD_PROOF, path, bundle * TILE_WIDTH, N_("this file has not the length of a bundle of entries"));
    return err;
  }
  (void)tile_name_print(&(struct tile_name){.entries = true, .index = bundle, .width = width}, path);
  return damaged(in->why, TG_BAD_PROOF, path, bundle * TILE_WIDTH, N_("this file of the log is missing"));
}

/* ---- dossiers ---- */

static enum tg_err read_dossiers(struct intake *in, uint64_t bundle)
{
  char name[DOSSIER_PATH_MAX];
  buf_clear(&in->dossiers);
  dossier_path(bundle, name);
  enum tg_err err = place_read(in->r->place.private, name, DOSSIER_BUNDLE_MAX, &in->dossiers, in->why);
  in->rest = buf_slice(&in->dossiers);
  in->has_next = false;
  return err == TG_NOT_FOUND ? TG_OK : err; /* closed to us, which the answers say */
}

/* The next that stands in the file, behind the one before and of the same bundle. */
static bool take_dossier(struct intake *in, uint64_t bundle)
{
  const uint64_t before = in->next.index;
  const bool first = in->rest.p == in->dossiers.p;
  return dossier_take(&in->rest, &in->next) == TG_OK && in->next.index / TILE_WIDTH == bundle && (first || in->next.index > before);
}

/* The dossier of this leaf, if it is open. */
static enum tg_err next_dossier(struct intake *in, uint64_t leaf, bool *ret)
{
  char name[DOSSIER_PATH_MAX];
  *ret = false;
  while (!in->has_next && in->rest.n) {
    if (!take_dossier(in, leaf / TILE_WIDTH)) {
      dossier_path(leaf / TILE_WIDTH, name);
      return damaged(in->why, TG_BAD_PROOF, name, leaf, N_("the openings are cut off, out of order or damaged from entry %1$s on"));
    }
    in->has_next = in->next.index >= leaf;
  }
  if (!in->has_next || in->next.index != leaf)
    return TG_OK;
  in->has_next = false;
  *ret = true;
  return TG_OK;
}

/* A hub writes openings before the checkpoint that covers them: those of later entries may follow, which count for nothing yet, and nothing else. */
static enum tg_err end_dossiers(struct intake *in, uint64_t bundle)
{
  char name[DOSSIER_PATH_MAX];
  while (in->rest.n) {
    const uint64_t last = in->next.index;
    if (take_dossier(in, bundle))
      continue;
    dossier_path(bundle, name);
    return damaged(in->why, TG_BAD_PROOF, name, last, N_("behind the opening of entry %1$s something stands that is none"));
  }
  return TG_OK;
}

static enum tg_err put_entry(struct intake *in, uint64_t leaf, const struct hash *hash, const struct entry *e, uint64_t at,
                             uint64_t n)
{
  struct db_stmt *s = db_stmt(in->r->db, "INSERT INTO entry(leaf, time, type, hash, at, n) VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
  db_bind_u64(s, 1, leaf);
  db_bind_i64(s, 2, e ? e->time : 0);
  db_bind_u64(s, 3, e ? e->type : 0);
  db_bind_blob(s, 4, slice_of(hash->b, 32));
  db_bind_u64(s, 5, at);
  db_bind_u64(s, 6, n);
  return db_run(s);
}

enum tg_err intake_signed(struct review *r, const struct dossier *d, const struct entry *e, struct arena *arena, struct tg_why *why)
{
  struct dossier_bulletin *b;
  if (hash_is_zero(&r->exchange))
    return TG_OK; /* no charter is open to us: nothing tells which exchange this is */
  if (d->paper[DOSSIER_RECEIPTS].n || d->paper[DOSSIER_SHARES].n)
    return dossier_receipts_signed(d, &r->exchange, &e->actor, r->verifier, why);
  enum tg_err err = dossier_bulletin(d, arena, &b, why);
  return err == TG_NOT_FOUND ? TG_OK : err ? err : dossier_signed(b, &r->exchange, r->verifier, why);
}

static enum tg_err take_entry(struct intake *in, uint64_t leaf, const struct hash *hash)
{
  struct entry e;
  char name[DOSSIER_PATH_MAX], where[96];
  bool open;
  enum tg_err err = next_dossier(in, leaf, &open);
  if (err || !open)
    return err ? err : put_entry(in, leaf, hash, NULL, 0, 0);
  arena_reset(in->arena);
  err = dossier_check(&in->next, hash, in->arena, &e, in->why);
  if (!err && dossier_is_share(&in->next)) /* a hub has all of it: this would hide the rest */
    err = why_set(in->why, TG_BAD_PROOF, NULL, N_("something is kept there that does not belong to such an entry"), NULL, NULL, NULL, NULL);
  if (!err)
    err = intake_signed(in->r, &in->next, &e, in->arena, in->why);
  if (err) {
    dossier_path(leaf / TILE_WIDTH, name);
    snprintf(where, sizeof where, "%s:entry %" PRIu64, name, leaf);
    if (in->why)
      snprintf(in->why->where, sizeof in->why->where, "%s", where);
    return err;
  }
  marks_set(&in->marks, leaf, &e);
  const uint64_t at = (uint64_t)(in->next.paper[DOSSIER_ENTRY].p - in->dossiers.p) - DOSSIER_BEFORE_ENTRY;
  in->opened++;
  err = put_entry(in, leaf, hash, &e, at, (uint64_t)(in->rest.p - in->dossiers.p) - at);
  arena_reset(in->arena);
  if (!err)
    err = record(in->r, &in->next, &e, in->arena);
  if (err != TG_BAD_SIGNATURE && err != TG_BAD_INPUT && err != TG_BAD_PROOF)
    return err;
  dossier_path(leaf / TILE_WIDTH, name);
  return damaged(in->why, err, name, leaf, N_("the document that is kept there is not signed as it must have been"));
}

static enum tg_err take_bundle(struct intake *in, uint64_t bundle, uint64_t size)
{
  const unsigned width = tile_width(size, 0, bundle);
  enum tg_err err = read_leaves(in, bundle, width);
  if (!err)
    err = read_dossiers(in, bundle);
  if (!err)
    err = marks_load(in->r, bundle, &in->marks);
  for (unsigned i = (unsigned)(in->r->frontier.size % TILE_WIDTH); !err && i < width; i++) {
    struct hash leaf;
    (void)hash_read(slice_of(in->leaves.p + 34 * i + 2, 32), &leaf);
    struct hash node = merkle_leaf(slice_of(leaf.b, 32));
    merkle_frontier_append(&in->r->frontier, &node, NULL);
    err = take_entry(in, bundle * TILE_WIDTH + i, &leaf);
  }
  if (!err)
    err = end_dossiers(in, bundle);
  return err ? err : marks_store(in->r, bundle, &in->marks);
}

/* ---- what is wrong ---- */

struct diagnosis {
  struct review *r;
  struct recount_finding first;
  unsigned n;
};

static enum tg_err read_for_recount(void *context, const struct tile_name *name, struct buf *out)
{
  struct diagnosis *d = context;
  char path[TILE_PATH_MAX];
  (void)tile_name_print(name, path);
  return place_read(d->r->place.log, path, RECOUNT_FILE_MAX, out, NULL);
}

static void found(void *context, const struct recount_finding *f)
{
  struct diagnosis *d = context;
  if (d->n++ == 0)
    d->first = *f;
}

/* The entries do not lead to the signed root: by the tiles, which of them are not those that were signed? */
static enum tg_err diagnose(struct review *r, const struct checkpoint *c, struct tg_why *why)
{
  struct diagnosis d = {.r = r};
  struct recount_result result;
  char file[TILE_PATH_MAX] = "", at[24] = "";
  const struct recount_source source = {.context = &d, .read = read_for_recount, .found = found};
  enum tg_err err = recount(c, &source, &result);
  if (err == TG_OK)
    return why_set(why, TG_CONFLICT, r->place.log,
                   N_("this log does not extend what was seen of it before: it was rewritten, or it is another"),
                   N_("Keep both as evidence. Remove the index only if this is another log by right"), NULL, NULL, NULL);
  if (err != TG_BAD_PROOF)
    return err;
  (void)tile_name_print(&d.first.file, file);
  snprintf(at, sizeof at, "%" PRIu64, d.first.at);
  if (!d.n)
    return why_set(why, TG_BAD_PROOF, r->place.log, N_("these entries do not lead to what the log's key signed"),
                   N_("`toguna audit verify` looks at every file"), NULL, NULL, NULL);
  return why_set(why, TG_BAD_PROOF, file, recount_wrong_sentence(d.first.wrong),
                 N_("Nothing of it is taken in. Fetch the files again; if they stay so, keep them as evidence"), file, at, NULL);
}

/* ---- all of it ---- */

static enum tg_err put_tree(struct review *r)
{
  struct buf b = buf_new(8 + 32 * MERKLE_LEVELS);
  buf_put_u64(&b, r->frontier.size);
  for (size_t i = 0; i < MERKLE_LEVELS; i++)
    buf_put(&b, r->frontier.node[i].b, 32);
  enum tg_err err = buf_status(&b) ? TG_NO_MEMORY : index_fact_put(r, "tree", buf_slice(&b));
  buf_free(&b);
  return err;
}

static enum tg_err put_checkpoint(struct review *r, const struct checkpoint *c, struct slice note)
{
  struct db_stmt *s = db_stmt(r->db, "INSERT OR REPLACE INTO checkpoint(size, root, note, seen) VALUES(?1, ?2, ?3, ?4)");
  db_bind_u64(s, 1, c->size);
  db_bind_blob(s, 2, slice_of(c->root.b, 32));
  db_bind_blob(s, 3, note);
  db_bind_i64(s, 4, clock_wall());
  return db_run(s);
}

static enum tg_err compare(struct review *r, const struct checkpoint *c, struct tg_why *why)
{
  struct buf node = buf_new(256);
  const bool is_view = index_fact(r, "node", &node) == TG_OK;
  buf_free(&node);
  if (is_view)
    return why_set(why, TG_CONFLICT, r->place.log, N_("this index is of another source"), N_("Name another file with --index"), NULL, NULL,
                   NULL);
  struct hash root = r->frontier.size ? merkle_frontier_root(&r->frontier) : merkle_empty();
  if (c->size < r->size)
    return why_set(why, TG_STALE, r->place.log, N_("its checkpoint is older than one that was seen before"),
                   N_("Is this an old copy? A hub that shows it again has forgotten what it signed: keep it as evidence"), NULL,
                   NULL, NULL);
  if (c->size == r->size && c->size && !hash_eq(&root, &c->root))
    return why_set(why, TG_CONFLICT, r->place.log, N_("this log has another history than was seen of it before"),
                   N_("Keep both as evidence. Remove the index only if this is another log by right"), NULL, NULL, NULL);
  return TG_OK;
}

static enum tg_err take_all(struct intake *in, const struct checkpoint *c, struct slice note, review_progress *progress, void *arg)
{
  struct review *r = in->r;
  enum tg_err err = marks_fill(r, progress, arg, in->why);
  in->had = index_opened(r);
  for (uint64_t b = r->size / TILE_WIDTH; !err && r->frontier.size < c->size; b++) {
    err = take_bundle(in, b, c->size);
    if (progress && b % STEP == 0)
      progress(arg, r->frontier.size, c->size);
  }
  if (err)
    return err;
  struct hash root = c->size ? merkle_frontier_root(&r->frontier) : merkle_empty();
  if (!hash_eq(&root, &c->root))
    return TG_BAD_PROOF;
  err = witnesses_check(r, note, "checkpoint", in->why);
  if (!err)
    err = index_opened_put(r, in->had + in->opened);
  if (!err)
    err = words_flush(r->words);
  if (!err)
    err = put_tree(r);
  return err ? err : put_checkpoint(r, c, note);
}

enum tg_err intake(struct review *r, review_progress *progress, void *arg, uint64_t *ret_new, struct tg_why *why)
{
  if (place_is_view(&r->place))
    return view_take(r, ret_new, why);
  struct buf note = buf_new(CHECKPOINT_BYTES_MAX);
  struct checkpoint c;
  struct tg_why inner = {.err = TG_OK};
  const struct merkle_frontier before = r->frontier;
  struct intake in = {.r = r,
                      .arena = arena_new(REVIEW_ARENA),
                      .leaves = buf_new(RECOUNT_FILE_MAX),
                      .dossiers = buf_new(DOSSIER_BUNDLE_MAX),
                      .why = &inner};
  enum tg_err err = in.arena ? read_checkpoint(r, &note, &c, &inner) : TG_NO_MEMORY;
  if (!err)
    err = compare(r, &c, &inner);
  if (!err)
    err = db_begin(r->db, &inner);
  if (!err) {
    err = take_all(&in, &c, buf_slice(&note), progress, arg);
    if (!err)
      err = db_commit(r->db, &inner);
    else
      db_rollback(r->db);
  }
  if (err) {
    r->frontier = before;
    words_reset(r->words);
    if (err == TG_BAD_PROOF && !inner.what)
      err = diagnose(r, &c, &inner);
    if (why)
      *why = inner;
    buf_free(&note);
  } else {
    *ret_new = c.size - r->size;
    r->size = c.size;
    r->bundle_of = UINT64_MAX;
    buf_free(&r->note);
    r->note = note;
    r->checkpoint = c;
  }
  arena_free(in.arena);
  buf_free(&in.leaves);
  buf_free(&in.dossiers);
  return err;
}
