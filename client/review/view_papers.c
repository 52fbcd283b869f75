/* The documents that a node's view rests on: signed, or refused. */
#include "client/review/view_inside.h"

#include "keys/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum tg_err put_paper(struct view *v, const struct hash *hash, unsigned kind, tg_time accepted, struct slice bytes, bool *ret_new)
{
  struct db_stmt *s = db_stmt(v->r->db, "INSERT INTO paper(hash, kind, accepted, content) VALUES(?1, ?2, ?3, ?4)");
  db_bind_blob(s, 1, slice_of(hash->b, 32));
  db_bind_u64(s, 2, kind);
  db_bind_i64(s, 3, accepted);
  db_bind_blob(s, 4, bytes);
  enum tg_err err = db_run(s);
  *ret_new = err == TG_OK;
  return err == TG_DUPLICATE ? TG_OK : err;
}

static enum tg_err take_note(struct view *v, struct slice bytes, tg_time accepted)
{
  struct note *note = malloc(sizeof *note);
  enum document_kind kind;
  bool fresh = false;
  enum tg_err err = note ? note_parse(bytes, v->where, note, v->why) : TG_NO_MEMORY;
  if (!err)
    err = document_kind_of(note->text, v->where, &kind, v->why);
  struct hash hash = err ? (struct hash){{0}} : document_hash(note->text);
  free(note);
  if (!err)
    err = put_paper(v, &hash, kind, accepted, bytes, &fresh);
  const enum tg_err taken = !err && fresh ? papers_take_bare(v->r, kind, bytes, accepted, NULL) : TG_OK;
  if (taken == TG_BAD_SIGNATURE || taken == TG_BAD_INPUT || taken == TG_BAD_PROOF)
    return view_wrong(v, TG_BAD_SIGNATURE, N_("the document that is kept there is not signed as it must have been"));
  return err;
}

enum tg_err view_take_document(struct view *v, const json_t *one)
{
  const char *note = json_string_value(json_object_get(one, "note")), *accepted = json_string_value(json_object_get(one, "accepted"));
  tg_time at;
  if (!note || !accepted || time_parse(slice_str(accepted), &at) != TG_OK)
    return view_odd(v);
  return take_note(v, slice_str(note), at);
}

static bool has_paper(struct view *v, const char *hex)
{
  struct db_stmt *s = db_stmt(v->r->db, "SELECT 1 FROM paper WHERE hash = ?1");
  struct hash hash;
  bool row = false;
  if (hash_parse(slice_str(hex), &hash) != TG_OK)
    return false;
  db_bind_blob(s, 1, slice_of(hash.b, 32));
  if (db_step(s, &row) == TG_OK && row)
    db_reset(s);
  return row;
}

/* Announcements of sealing keys are no notes, and say nothing about who may do what. */
enum tg_err view_ask_documents(struct view *v)
{
  const struct place *p = &v->r->place;
  json_t *list = NULL, *one, *full;
  size_t i;
  enum tg_err err = p->ask(p->ask_arg, "documents", (const char *const[]){NULL}, &list, v->why);
  json_array_foreach(list, i, one) {
    const char *hash = json_string_value(json_object_get(one, "hash"));
    const char *kind = json_string_value(json_object_get(one, "kind"));
    if (err || !hash || !kind || strcmp(kind, document_kind_name(DOCUMENT_SEALING_KEYS)) == 0 || has_paper(v, hash))
      continue;
    snprintf(v->where, sizeof v->where, "document %.12s", hash);
    err = p->ask(p->ask_arg, "document", (const char *const[]){hash, NULL}, &full, v->why);
    if (err)
      continue;
    if (json_is_string(json_object_get(full, "note"))) {
      json_object_set(full, "accepted", json_object_get(one, "accepted"));
      err = view_take_document(v, full);
    }
    json_decref(full);
  }
  json_decref(list);
  return err;
}

enum tg_err view_charters(struct review *r, key_each *each, void *arg)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT content FROM paper WHERE kind = ?1 ORDER BY place");
  bool row;
  enum tg_err err;
  db_bind_u64(s, 1, DOCUMENT_CHARTER);
  while ((err = db_step(s, &row)) == TG_OK && row)
    (void)each(arg, db_blob(s, 0));
  return err;
}
