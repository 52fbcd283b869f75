/* When bulletins expire, and when they are forgotten: of each stretch of time, the blocks of the log in which some of these stand. What comes
   together mostly goes together, so that a row stands for many of them, where an index would have one for each; which they are is looked up in the
   block. A row stays until its stretch is over, whether or not they are there still. */
#include "broker/store_inside.h"

enum { BLOCK = 256 };

/* Milliseconds of a stretch. What has expired is looked for every second, in all blocks of the stretch that is not over. */
static const tg_time STRETCH[STORE_TERMS] = {[TERM_EXPIRES] = 8 * 1000, [TERM_FORGOTTEN] = TG_HOUR};

static uint64_t stretch_of(enum store_term_kind kind, tg_time when)
{
  return when > 0 ? (uint64_t)(when / STRETCH[kind]) : 0;
}

static struct store_term *known_at(struct store *store, enum store_term_kind kind, uint64_t stretch)
{
  return &store->terms[kind][stretch % TERMS_KNOWN];
}

static bool is_known(struct store *store, enum store_term_kind kind, uint64_t stretch, int64_t block)
{
  const struct store_term *t = known_at(store, kind, stretch);
  return t->there && t->stretch == stretch && t->block == block;
}

static enum tg_err run(struct db_stmt *s, enum store_term_kind kind, uint64_t stretch, int64_t block)
{
  db_bind_u64(s, 1, kind);
  db_bind_u64(s, 2, stretch);
  db_bind_i64(s, 3, block);
  return db_run(s);
}

enum tg_err store_term_put(struct store *store, enum store_term_kind kind, tg_time when, uint64_t leaf)
{
  const struct store_term t = {.there = true, .stretch = stretch_of(kind, when), .block = (int64_t)(leaf / BLOCK)};
  if (is_known(store, kind, t.stretch, t.block))
    return TG_OK;
  enum tg_err err = run(db_stmt(store->db, "INSERT OR IGNORE INTO term(kind, stretch, block) VALUES(?1, ?2, ?3)"), kind, t.stretch, t.block);
  if (!err)
    *known_at(store, kind, t.stretch) = t;
  return err;
}

enum tg_err store_term_next(struct store *store, enum store_term_kind kind, tg_time until, struct store_term *at)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT stretch, block FROM term WHERE kind = ?1 AND (stretch, block) > (?2, ?3) AND stretch <= ?4"
                                         " ORDER BY stretch, block LIMIT 1");
  db_bind_u64(s, 1, kind);
  db_bind_u64(s, 2, at->stretch);
  db_bind_i64(s, 3, at->there ? at->block : -1);
  db_bind_u64(s, 4, stretch_of(kind, until));
  enum tg_err err = db_one(s);
  if (!err) {
    *at = (struct store_term){.there = true, .stretch = db_u64(s, 0), .block = db_i64(s, 1)};
    at->first = (uint64_t)at->block * BLOCK;
    at->below = at->first + BLOCK;
    at->over = ((tg_time)at->stretch + 1) * STRETCH[kind] - 1 <= until;
  }
  db_reset(s);
  return err;
}

enum tg_err store_term_drop(struct store *store, enum store_term_kind kind, const struct store_term *t)
{
  if (is_known(store, kind, t->stretch, t->block))
    known_at(store, kind, t->stretch)->there = false;
  return run(db_stmt(store->db, "DELETE FROM term WHERE kind = ?1 AND stretch = ?2 AND block = ?3"), kind, t->stretch, t->block);
}
