/* Who is who, by the signed documents in the log. */
#include "client/review/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static enum tg_err add(struct review *r, struct directory **into, const struct dossier *d, tg_time accepted,
                       struct directory_news *ret)
{
  uint8_t kind;
  struct slice bytes;
  if (!take_kind(d, &kind, &bytes))
    return TG_NOT_FOUND;
  enum tg_err err = begin(r, kind, bytes, into);
  if (err || !*into)
    return err ? err : TG_NOT_FOUND;
  return directory_add(*into, (enum document_kind)kind, bytes, d->paper[DOSSIER_PROOF], DIRECTORY_RELAYED, accepted, ret, NULL);
}

enum tg_err papers_take(struct review *r, const struct dossier *d, tg_time accepted, struct directory_news *ret)
{
  enum tg_err err = add(r, &r->directory, d, accepted, ret);
  return err;
}

enum tg_err papers_until(struct review *r, uint64_t leaf, struct directory **ret)
{
  struct directory *all = NULL;
  struct arena *arena = arena_new(REVIEW_ARENA);
  enum tg_err err = arena ? TG_OK : TG_NO_MEMORY;
  for (uint64_t from = 0; !err;) {
    struct db_stmt *s = db_stmt(r->db, "SELECT leaf FROM document WHERE leaf >= ?1 AND leaf < ?2 ORDER BY leaf LIMIT 1");
    bool row;
    struct dossier d;
    struct entry e;
    db_bind_u64(s, 1, from);
    db_bind_u64(s, 2, leaf);
    err = db_step(s, &row);
    if (err || !row)
      break;
    from = db_u64(s, 0) + 1;
    db_reset(s);
    arena_reset(arena);
    err = file_dossier(r, from - 1, arena, &d, &e, NULL);
    if (!err && add(r, &all, &d, e.time, NULL) == TG_NO_MEMORY)
      err = TG_NO_MEMORY;
  }
  arena_free(arena);
  if (err)
    directory_free(all);
  else
    *ret = all;
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
