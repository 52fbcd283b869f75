/* Bulletins of late, in memory: what was just decided is delivered, confirmed and let go within moments, and each of these asks for it. Says
   what the tables say, at any time: it changes with them. How many nodes still wait for a bulletin is counted here and written with
   the transaction, once for all that confirmed it. */
#include "broker/store_recent.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 2048, PLACES = 4 * SLOTS, PACKED = 16 * 8 };

/* Slot i holds a bulletin whose leaf is i modulo SLOTS. Invariants: rows is meaningful when counted; a slot that is dirty is counted and in
   the list of those to be written. */
struct slot {
  bool used, counted, dirty, has_recipients;
  struct store_bulletin b;
  uint64_t rows;
  size_t n;
  uint8_t packed[PACKED]; /* recipients */
};

struct recent {
  struct slot slot[SLOTS];
  uint16_t place[PLACES]; /* by id: 1 + slot, or 0; a hint */
  uint16_t dirty[SLOTS];
  size_t n_dirty;
};

enum tg_err store_recent_open(struct store *store)
{
  store->recent = calloc(1, sizeof *store->recent);
  return store->recent ? TG_OK : TG_NO_MEMORY;
}

void store_recent_close(struct store *store)
{
  free(store->recent);
  store->recent = NULL;
}

static size_t place_of(const struct hash *id)
{
  size_t at;
  memcpy(&at, id->b, sizeof at);
  return at % PLACES;
}

static struct slot *slot_of(const struct store *store, uint64_t leaf)
{
  struct slot *s = &store->recent->slot[leaf % SLOTS];
  return s->used && s->b.leaf == leaf ? s : NULL;
}

const struct store_bulletin *store_recent(const struct store *store, uint64_t leaf)
{
  const struct slot *s = slot_of(store, leaf);
  return s ? &s->b : NULL;
}

const struct store_bulletin *store_recent_by_id(const struct store *store, const struct hash *id)
{
  const uint16_t at = store->recent->place[place_of(id)];
  const struct slot *s = at ? &store->recent->slot[at - 1] : NULL;
  return s && s->used && hash_eq(&s->b.id, id) ? &s->b : NULL;
}

bool store_recent_recipients(const struct store *store, uint64_t leaf, struct slice *ret_packed)
{
  const struct slot *s = slot_of(store, leaf);
  if (!s || !s->has_recipients)
    return false;
  *ret_packed = slice_of(s->packed, s->n);
  return true;
}

static enum tg_err rows_write(struct store *store, struct slot *s)
{
  struct db_stmt *stmt = db_stmt(store->db, "UPDATE awaited SET rows = ?2 WHERE leaf = ?1");
  if (!s->dirty)
    return TG_OK;
  s->dirty = false;
  db_bind_u64(stmt, 1, s->b.leaf);
  db_bind_u64(stmt, 2, s->rows);
  return db_run(stmt);
}

enum tg_err store_recent_put(struct store *store, const struct store_bulletin *b, const struct slice *packed,
                             const uint64_t *rows)
{
  struct slot *s = &store->recent->slot[b->leaf % SLOTS];
  enum tg_err err = s->used ? rows_write(store, s) : TG_OK;
  if (err)
    return err;
  s->used = true;
  s->b = *b;
  s->counted = rows != NULL;
  s->rows = rows ? *rows : 0;
  s->has_recipients = packed && packed->n <= PACKED;
  s->n = s->has_recipients ? packed->n : 0;
  if (s->n)
    memcpy(s->packed, packed->p, s->n);
  store->recent->place[place_of(&b->id)] = (uint16_t)(1 + b->leaf % SLOTS);
  return TG_OK;
}

void store_recent_recalled(struct store *store, uint64_t leaf)
{
  struct slot *s = slot_of(store, leaf);
  if (s)
    s->b.recalled = true;
}

/* ---- who still waits */

static enum tg_err rows_read(struct store *store, uint64_t leaf, uint64_t *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT rows FROM awaited WHERE leaf = ?1");
  db_bind_u64(s, 1, leaf);
  enum tg_err err = db_one(s);
  if (!err)
    *ret = db_u64(s, 0);
  db_reset(s);
  return err;
}

enum tg_err store_recent_row_done(struct store *store, uint64_t leaf, bool *ret_last)
{
  struct store_bulletin b;
  struct slot *s = slot_of(store, leaf);
  enum tg_err err = s ? TG_OK : store_bulletin(store, leaf, &b); /* takes its slot */
  if (!err && !s)
    s = slot_of(store, leaf);
  if (!err && !s->counted)
    err = rows_read(store, leaf, &s->rows);
  if (err)
    return err;
  s->counted = true;
  s->rows -= s->rows > 0;
  *ret_last = s->rows == 0;
  if (s->rows && !s->dirty) {
    s->dirty = true;
    store->recent->dirty[store->recent->n_dirty++ % SLOTS] = (uint16_t)(leaf % SLOTS);
  }
  return TG_OK;
}

void store_recent_dropped(struct store *store, uint64_t leaf)
{
  struct slot *s = slot_of(store, leaf);
  if (s)
    s->counted = s->dirty = false;
}

enum tg_err store_recent_write(struct store *store)
{
  struct recent *r = store->recent;
  enum tg_err err = TG_OK;
  if (r->n_dirty > SLOTS) { /* more than the list holds: slots were used again, some are in it twice */
    for (size_t i = 0; !err && i < SLOTS; i++)
      err = rows_write(store, &r->slot[i]);
  } else {
    for (size_t i = 0; !err && i < r->n_dirty; i++)
      err = rows_write(store, &r->slot[r->dirty[i]]);
  }
  r->n_dirty = 0;
  return err;
}
