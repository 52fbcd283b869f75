#include "client/node/logged.h"

#include "client/node/record.h"
#include "client/node/watch.h"

#include <string.h>

/* ---- what a hub shows ---- */

/* The entry names the document by its hash; whose it is and which number it has stands there for whoever looks for it, and must be right as well. */
static bool is_about(const struct entry *e, const struct hash *document, enum reason reason, const struct directory_news *news)
{
  if (e->type != (reason == REASON_NONE ? ENTRY_DOCUMENT : ENTRY_DOCUMENT_REFUSED) || !hash_eq(&e->subject, document) || e->reason != reason)
    return false;
  return !news || (memcmp(e->member, news->member.code, sizeof e->member) == 0 && e->number == news->serial);
}

enum tg_err logged_check(struct node_core *core, const struct opening *opening, const struct hash *document, enum reason reason,
                         const struct directory_news *news, struct tg_why *why)
{
  struct entry entry;
  enum tg_err err = watch_entry(core, opening, &entry, why);
  if (err != TG_OK)
    return err;
  if (!is_about(&entry, document, reason, news))
    return why_set(why, TG_BAD_PROOF, NULL, N_("the log entry is about something else"), NULL, NULL, NULL, NULL);
  return TG_OK;
}

/* ---- what is kept ---- */

enum tg_err logged_keep(struct node_core *core, const struct hash *document, const struct opening *opening)
{
  enum tg_err err = core_begin(core);
  if (err != TG_OK)
    return err;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT OR IGNORE INTO logged(hash, log, leaf, size, entry, salt, path)"
                                                            " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE EXISTS(SELECT 1 FROM document WHERE hash = ?1)");
  db_bind_blob(s, 1, hash_slice(document));
  db_bind_text(s, 2, slice_str(watch_log(core)));
  db_bind_u64(s, 3, opening->index);
  db_bind_u64(s, 4, watch_size(core));
  db_bind_blob(s, 5, opening->entry);
  db_bind_blob(s, 6, opening->salt);
  db_bind_blob(s, 7, opening->path);
  return db_run(s);
}

enum tg_err logged_forget(struct node_core *core, const struct hash *document)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "DELETE FROM logged WHERE hash = ?");
  db_bind_blob(s, 1, hash_slice(document));
  return db_run(s);
}

/* ---- rows ---- */

#define ROW                                                                                                                                      \
  "SELECT logged.place, logged.size, hash, kind, content, proof, leaf, entry, salt, path FROM logged JOIN document USING(hash) WHERE log = ?1 AND "

static bool copy(struct db_stmt *s, int column, struct arena *arena, struct slice *ret)
{
  const struct slice bytes = db_blob(s, column);
  *ret = bytes.n ? arena_copy(arena, bytes) : bytes;
  return ret->p || !ret->n;
}

static enum tg_err read(struct node_core *core, struct db_stmt *s, struct arena *arena, void *ret)
{
  struct logged_row r = {.place = db_u64(s, 0), .size = db_u64(s, 1), .kind = (enum document_kind)db_u64(s, 3), .opening.index = db_u64(s, 6)};
  (void)core;
  if (!db_bytes(s, 2, r.document.b, sizeof r.document.b))
    return TG_DISK;
  if (!copy(s, 4, arena, &r.content) || !copy(s, 5, arena, &r.proof) || !copy(s, 7, arena, &r.opening.entry) ||
      !copy(s, 8, arena, &r.opening.salt) || !copy(s, 9, arena, &r.opening.path))
    return TG_NO_MEMORY;
  *(struct logged_row *)ret = r;
  return TG_OK;
}

static enum tg_err row(struct node_core *core, struct db_stmt *s, const char *log, struct arena *arena, struct logged_row *ret)
{
  db_bind_text(s, 1, slice_str(log));
  return record_row(core, s, read, arena, ret);
}

enum tg_err logged_after(struct node_core *core, uint64_t place, struct arena *arena, struct logged_row *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), ROW "logged.place > ?2 ORDER BY logged.place LIMIT 1");
  db_bind_u64(s, 2, place < INT64_MAX ? place : INT64_MAX);
  return row(core, s, watch_log(core), arena, ret);
}

enum tg_err logged_of(struct node_core *core, const char *log, const struct hash *document, struct arena *arena, struct logged_row *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), ROW "hash = ?2");
  db_bind_blob(s, 2, hash_slice(document));
  return row(core, s, log, arena, ret);
}

enum tg_err logged_at(struct node_core *core, uint64_t leaf, struct hash *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT hash FROM logged WHERE leaf = ? ORDER BY place DESC LIMIT 1");
  db_bind_u64(s, 1, leaf);
  return db_hash(s, ret);
}
