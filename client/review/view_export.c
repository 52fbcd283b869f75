/* A node's view for other machines: as files that hold what the node would say, and proofs of single entries. */
#include "client/review/inside.h"

#include "audit/opening.h"
#include "audit/proof.h"
#include "os/file.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_ROWS = 500, PAGE_BYTES = 4 << 20, STEPS = 4096 /* checkpoints looked at for one that is settled */ };

struct out {
  struct review *r;
  const char *folder;
  size_t bytes; /* of the page at hand */
  uint64_t count;
  struct tg_why *why;
};

static enum tg_err put(struct out *o, const char *name, struct slice bytes)
{
  char path[REVIEW_PATH];
  if ((size_t)snprintf(path, sizeof path, "%s/%s", o->folder, name) >= sizeof path)
    return why_set(o->why, TG_BAD_INPUT, o->folder, N_("the path is too long"), NULL, NULL, NULL, NULL);
  return file_write(path, bytes, 0600, o->why);
}

static enum tg_err put_json(struct out *o, const char *name, json_t *j)
{
  char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
  enum tg_err err = text ? put(o, name, slice_str(text)) : TG_NO_MEMORY;
  free(text);
  json_decref(j);
  return err;
}

static json_t *base64_of(struct out *o, struct slice bytes)
{
  const size_t n = sodium_base64_ENCODED_LEN(bytes.n, sodium_base64_VARIANT_ORIGINAL);
  char *text = malloc(n);
  json_t *j = text ? json_string(sodium_bin2base64(text, n, bytes.p, bytes.n, sodium_base64_VARIANT_ORIGINAL)) : NULL;
  o->bytes += n;
  free(text);
  return j;
}

/* ---- rows */

static json_t *document(struct out *o, struct db_stmt *s)
{
  struct slice note = db_blob(s, 1);
  o->bytes += note.n;
  return json_pack("{s:o,s:o}", "accepted", json_of_time(db_i64(s, 2)), "note", json_of_text(note));
}

static json_t *checkpoint(struct out *o, struct db_stmt *s)
{
  struct slice note = db_blob(s, 1);
  o->bytes += note.n;
  return json_pack("{s:I,s:o,s:b,s:o}", "size", (json_int_t)db_u64(s, 0), "note", json_of_text(note), "settled", db_u64(s, 2) != 0, "growth",
                   base64_of(o, db_blob(s, 3)));
}

static json_t *entry(struct out *o, struct db_stmt *s)
{
  o->count++;
  return json_pack("{s:I,s:I,s:o,s:o}", "index", (json_int_t)db_u64(s, 0), "size", (json_int_t)db_u64(s, 3), "path", base64_of(o, db_blob(s, 1)),
                   "dossier", base64_of(o, db_blob(s, 2)));
}

/* Rows of a statement whose first column ascends, in files of their own. */
static enum tg_err put_pages(struct out *o, const char *what, const char *list, struct db_stmt *s, json_t *(*row_of)(struct out *, struct db_stmt *))
{
  char name[48];
  bool row = true;
  enum tg_err err = TG_OK;
  for (unsigned page = 0; !err && row; page++) {
    json_t *rows = json_array();
    o->bytes = 0;
    while (json_array_size(rows) < PAGE_ROWS && o->bytes < PAGE_BYTES && (err = db_step(s, &row)) == TG_OK && row)
      if (json_array_append_new(rows, row_of(o, s)) != 0)
        err = TG_NO_MEMORY;
    snprintf(name, sizeof name, "view/%s-%u.json", what, page);
    if (!err)
      err = put_json(o, name, json_pack("{s:o,s:o}", list, rows, "next", row ? json_integer(page + 1) : json_null()));
    else
      json_decref(rows);
  }
  return err;
}

static enum tg_err put_notes(struct out *o)
{
  struct db_stmt *s = db_stmt(o->r->db, "SELECT place, content, kind FROM paper ORDER BY place");
  char name[128];
  bool row;
  unsigned n = 0;
  enum tg_err err;
  while ((err = db_step(s, &row)) == TG_OK && row) {
    snprintf(name, sizeof name, "documents/%04u-%s.note", n++, document_kind_name((enum document_kind)db_u64(s, 2)));
    for (char *p = name; *p; p++)
      if (*p == ' ')
        *p = '-';
    err = put(o, name, db_blob(s, 1));
    if (err) {
      db_reset(s);
      return err;
    }
  }
  return err;
}

static enum tg_err put_state(struct out *o)
{
  struct buf node = buf_new(256);
  enum tg_err err = index_fact(o->r, "node", &node);
  if (!err)
    err = put_json(o, "view/state.json",
                   json_pack("{s:o,s:s,s:I,s:I}", "node", json_of_text(buf_slice(&node)), "log", o->r->place.key.name, "size",
                             (json_int_t)o->r->size, "entries", (json_int_t)o->count));
  buf_free(&node);
  return err;
}

static enum tg_err make_folders(struct out *o)
{
  static const char *const names[] = {"view", "documents"};
  char path[REVIEW_PATH];
  enum tg_err err = TG_OK;
  for (size_t i = 0; !err && i < 2; i++)
    err = (size_t)snprintf(path, sizeof path, "%s/%s", o->folder, names[i]) < sizeof path ? file_mkdir(path, 0700, o->why) : TG_BAD_INPUT;
  return err;
}

enum tg_err view_export(struct review *r, const char *folder, uint64_t *ret_entries, struct tg_why *why)
{
  struct out o = {.r = r, .folder = folder, .why = why};
  enum tg_err err = make_folders(&o);
  if (!err)
    err = put_pages(&o, "documents", "documents", db_stmt(r->db, "SELECT place, content, accepted FROM paper ORDER BY place"), document);
  if (!err)
    err = put_pages(&o, "checkpoints", "checkpoints", db_stmt(r->db, "SELECT size, note, settled, growth FROM checkpoint ORDER BY size"), checkpoint);
  if (!err)
    err = put_pages(&o, "entries", "entries", db_stmt(r->db, "SELECT leaf, path, dossier, size FROM share ORDER BY leaf"), entry);
  if (!err)
    err = put_notes(&o);
  if (!err)
    err = put_state(&o);
  if (!err)
    err = put(&o, "checkpoint", buf_slice(&r->note)); /* last: without it the folder is no copy */
  if (!err)
    *ret_entries = o.count;
  return err;
}

/* ---- proofs */

struct step {
  uint64_t size;
  struct hash root;
  bool settled;
  struct slice note, growth;
};

static enum tg_err read_step(struct db_stmt *s, uint64_t size, struct arena *arena, struct step *ret)
{
  db_bind_u64(s, 1, size);
  enum tg_err err = db_one(s);
  if (err)
    return err;
  struct step x = {.size = db_u64(s, 0), .settled = db_u64(s, 2) != 0};
  err = db_bytes(s, 1, x.root.b, sizeof x.root.b) ? TG_OK : TG_DISK;
  x.note = arena_copy(arena, db_blob(s, 3));
  struct slice growth = db_blob(s, 4);
  x.growth = growth.n ? arena_copy(arena, growth) : growth;
  db_reset(s);
  if (!err && (!x.note.p || (growth.n && !x.growth.p)))
    err = TG_NO_MEMORY;
  *ret = x;
  return err;
}

#define STEP "SELECT size, root, settled, note, growth FROM checkpoint "

/* Along the checkpoints to one that is settled; *path and *at stay where they are when there is none, or not all between are here. */
static void grow(struct review *r, const struct opening *o, const struct hash *leaf, struct merkle_path *path, struct step *at)
{
  struct merkle_path grown = *path;
  struct step next = *at;
  struct hash root;
  for (unsigned i = 0; i < STEPS && !next.settled; i++) {
    const uint64_t old = next.size;
    if (read_step(db_stmt(r->db, STEP "WHERE size > ?1 ORDER BY size LIMIT 1"), old, r->arena, &next) != TG_OK ||
        merkle_path_grow(o->index, old, merkle_path_slice(&grown), next.size, next.growth, &grown) != TG_OK ||
        merkle_path_root(leaf, o->index, next.size, merkle_path_slice(&grown), &root) != TG_OK || !hash_eq(&root, &next.root))
      return;
  }
  if (next.settled) {
    *path = grown;
    *at = next;
  }
}

enum tg_err review_proof(struct review *r, uint64_t index, struct buf *out, uint64_t *ret_size, bool *ret_settled, struct tg_why *why)
{
  struct dossier d;
  struct entry e;
  struct step at;
  struct merkle_path path;
  struct db_stmt *s = db_stmt(r->db, "SELECT size, path FROM share WHERE leaf = ?1");
  arena_reset(r->arena);
  enum tg_err err = file_dossier(r, index, r->arena, &d, &e, why);
  if (err)
    return err;
  db_bind_u64(s, 1, index);
  err = db_one(s);
  if (err)
    return err;
  const uint64_t size = db_u64(s, 0);
  err = merkle_path_read(db_blob(s, 1), &path);
  db_reset(s);
  if (!err)
    err = read_step(db_stmt(r->db, STEP "WHERE size = ?1"), size, r->arena, &at);
  if (err)
    return err;
  struct opening o = {.entry = d.paper[DOSSIER_ENTRY], .salt = slice_of(d.salt, sizeof d.salt), .index = index};
  struct hash data, leaf;
  err = opening_leaf(&o, &data);
  if (err)
    return err;
  leaf = merkle_leaf(slice_of(data.b, sizeof data.b));
  grow(r, &o, &leaf, &path, &at);
  o.path = merkle_path_slice(&path);
  *ret_size = at.size;
  *ret_settled = at.settled;
  return proof_print(&o, at.note, out);
}
