/* Who is who, by the signed documents in the log. */
#include "client/review/inside.h"

#include <stdio.h>
#include <stdlib.h>

/* The founding charter, if this is one: its hash is the exchange. */
static bool is_founding(struct slice bytes, struct hash *ret)
{
  struct charter *c = NULL;
  struct note *note = malloc(sizeof *note);
  bool founding = note && note_parse(bytes, NULL, note, NULL) == TG_OK && charter_parse(note->text, NULL, &c, NULL) == TG_OK &&
                  c->version == 1;
  if (founding)
    *ret = document_hash(note->text);
  charter_free(c);
  free(note);
  return founding;
}

static bool take_kind(const struct dossier *d, uint8_t *kind, struct slice *bytes)
{
  *bytes = d->paper[DOSSIER_DOCUMENT];
  return bytes->n > 0 && take_u8(bytes, kind);
}

static enum tg_err begin(struct review *r, uint8_t kind, struct slice bytes, struct directory **d)
{
  struct hash exchange;
  if (*d || kind != DOCUMENT_CHARTER || !is_founding(bytes, &exchange) ||
      (!hash_is_zero(&r->exchange) && !hash_eq(&exchange, &r->exchange)))
    return TG_OK;
  r->exchange = exchange;
  *d = directory_new(&exchange);
  return *d ? TG_OK : TG_NO_MEMORY;
}

static enum tg_err add_bytes(struct review *r, struct directory **into, uint8_t kind, struct slice bytes, struct slice proof,
                             tg_time accepted, struct directory_news *ret)
{
  enum tg_err err = begin(r, kind, bytes, into);
  if (err || !*into)
    return err ? err : TG_NOT_FOUND;
  return directory_add(*into, (enum document_kind)kind, bytes, proof, DIRECTORY_RELAYED, accepted, ret, NULL);
}

static enum tg_err add(struct review *r, struct directory **into, const struct dossier *d, tg_time accepted,
                       struct directory_news *ret)
{
  uint8_t kind;
  struct slice bytes;
  if (!take_kind(d, &kind, &bytes))
    return TG_NOT_FOUND;
  return add_bytes(r, into, kind, bytes, d->paper[DOSSIER_PROOF], accepted, ret);
}

enum tg_err papers_take_bare(struct review *r, unsigned kind, struct slice bytes, tg_time accepted, struct directory_news *ret)
{
  return add_bytes(r, &r->directory, (uint8_t)kind, bytes, slice_of(NULL, 0), accepted, ret);
}

/* Those of a view. What the directory does not take is no error, as in papers_take(). */
enum tg_err papers_first(struct review *r, uint64_t n, struct directory **ret)
{
  struct directory *all = NULL;
  bool row;
  enum tg_err err;
  struct db_stmt *s = db_stmt(r->db, "SELECT kind, accepted, content FROM paper ORDER BY place LIMIT ?1");
  db_bind_u64(s, 1, n < INT64_MAX ? n : INT64_MAX);
  while ((err = db_step(s, &row)) == TG_OK && row)
    if (add_bytes(r, &all, (uint8_t)db_u64(s, 0), db_blob(s, 2), slice_of(NULL, 0), db_i64(s, 1), NULL) == TG_NO_MEMORY) {
      db_reset(s);
      err = TG_NO_MEMORY;
      break;
    }
  if (err)
    directory_free(all);
  else
    *ret = all;
  return err;
}

enum tg_err papers_take(struct review *r, const struct dossier *d, tg_time accepted, struct directory_news *ret)
{
  enum tg_err err = add(r, &r->directory, d, accepted, ret);
  return err;
}

/* *ret is `below` when there is none. */
static enum tg_err next_document(struct review *r, uint64_t from, uint64_t below, uint64_t *ret)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT leaf FROM document WHERE leaf >= ?1 AND leaf < ?2 ORDER BY leaf LIMIT 1");
  bool row;
  db_bind_u64(s, 1, from);
  db_bind_u64(s, 2, below);
  enum tg_err err = db_step(s, &row);
  *ret = below;
  if (err || !row)
    return err;
  *ret = db_u64(s, 0);
  db_reset(s);
  return TG_OK;
}

enum tg_err papers_between(struct review *r, uint64_t from, uint64_t below, struct directory **into, bool *ret_rules, struct tg_why *why)
{
  struct arena *arena = NULL;
  enum tg_err err;
  *ret_rules = false;
  while ((err = next_document(r, from, below, &from)) == TG_OK && from < below) {
    struct dossier d;
    struct entry e;
    if (!arena && !(arena = arena_new(REVIEW_ARENA)))
      return TG_NO_MEMORY;
    arena_reset(arena);
    err = file_dossier(r, from++, arena, &d, &e, why);
    if (!err && add(r, into, &d, e.time, NULL) == TG_NO_MEMORY)
      err = TG_NO_MEMORY;
    if (err)
      break;
    *ret_rules |= d.paper[DOSSIER_DOCUMENT].n && d.paper[DOSSIER_DOCUMENT].p[0] != DOCUMENT_SEALING_KEYS;
  }
  arena_free(arena);
  return err;
}

const char *papers_name(const struct review *r, const struct sign_pk *key, char out[PAPERS_NAME])
{
  const struct node *n = r->directory ? directory_node(r->directory, key) : NULL;
  const struct officer *o = r->directory ? directory_officer(r->directory, key) : NULL;
  if (n)
    holder_print(&n->credential.holder, out);
  else if (o)
    holder_print(&o->credential.holder, out);
  else
    for (unsigned i = 0; i < 8; i++)
      snprintf(out + 2 * i, 3, "%02x", key->b[i]);
  return out;
}

void papers_member(const struct review *r, const struct sign_pk *node, char out[3])
{
  const struct node *n = r->directory ? directory_node(r->directory, node) : NULL;
  snprintf(out, 3, "%s", n ? n->credential.holder.member.code : "");
}
