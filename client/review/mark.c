/* What each open entry is counted by, in blobs of a bundle's 256: a million of them are read in some hundredths of a second. */
#include "client/review/inside.h"

#include "proto/buf.h"

#include <string.h>

/* time (8), type (1; 0: not open to us), member (2; zeros: none), reason (4): big-endian */
static void put_slot(uint8_t slot[MARK_BYTES], const struct entry *e)
{
  for (int i = 0; i < 8; i++)
    slot[i] = (uint8_t)((uint64_t)e->time >> (56 - 8 * i));
  slot[8] = (uint8_t)e->type;
  memcpy(slot + 9, e->member, 2);
  for (int i = 0; i < 4; i++)
    slot[11 + i] = (uint8_t)(e->reason >> (24 - 8 * i));
}

static bool take_slot(const uint8_t slot[MARK_BYTES], struct review_mark *ret)
{
  uint64_t time = 0;
  if (slot[8] == 0)
    return false;
  for (int i = 0; i < 8; i++)
    time = time << 8 | slot[i];
  ret->time = (tg_time)time;
  ret->type = slot[8];
  memcpy(ret->state, slot + 9, 2);
  ret->state[2] = 0;
  ret->reason = 0;
  for (int i = 0; i < 4; i++)
    ret->reason = ret->reason << 8 | slot[11 + i];
  return true;
}

void marks_set(struct marks *m, uint64_t leaf, const struct entry *e)
{
  put_slot(m->slot[leaf % TILE_WIDTH], e);
}

enum tg_err marks_load(struct review *r, uint64_t block, struct marks *ret)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT slots FROM mark WHERE block = ?1");
  bool row;
  memset(ret, 0, sizeof *ret);
  db_bind_u64(s, 1, block);
  enum tg_err err = db_step(s, &row);
  if (err || !row)
    return err;
  const bool whole = db_bytes(s, 0, ret->slot, sizeof ret->slot);
  db_reset(s);
  return whole ? TG_OK : TG_DISK;
}

/* Times within the block: a clock may have gone back. False: nothing in it is open. */
static bool ends(const struct marks *m, tg_time *ret_low, tg_time *ret_high)
{
  struct review_mark at;
  *ret_low = INT64_MAX;
  *ret_high = INT64_MIN;
  for (size_t i = 0; i < TILE_WIDTH; i++)
    if (take_slot(m->slot[i], &at)) {
      *ret_low = at.time < *ret_low ? at.time : *ret_low;
      *ret_high = at.time > *ret_high ? at.time : *ret_high;
    }
  return *ret_low <= *ret_high;
}

enum tg_err marks_store(struct review *r, uint64_t block, const struct marks *m)
{
  tg_time low, high;
  if (!ends(m, &low, &high))
    return TG_OK;
  struct db_stmt *s = db_stmt(r->db, "INSERT OR REPLACE INTO span(block, low, high) VALUES(?1, ?2, ?3)");
  db_bind_u64(s, 1, block);
  db_bind_i64(s, 2, low);
  db_bind_i64(s, 3, high);
  enum tg_err err = db_run(s);
  if (err)
    return err;
  s = db_stmt(r->db, "INSERT OR REPLACE INTO mark(block, slots) VALUES(?1, ?2)");
  db_bind_u64(s, 1, block);
  db_bind_blob(s, 2, slice_of((const uint8_t *)m->slot, sizeof m->slot));
  return db_run(s);
}

/* ---- an index of an earlier version has none ---- */

static const char MARKED[] = "marked";

static bool are_marked(struct review *r)
{
  struct buf b = buf_new(8);
  const bool known = index_fact(r, MARKED, &b) == TG_OK;
  buf_free(&b);
  return known;
}

static enum tg_err fill_block(struct review *r, uint64_t block, struct tg_why *why)
{
  struct marks m = {0};
  enum tg_err err = TG_OK;
  for (uint64_t leaf = block * TILE_WIDTH; !err && leaf < (block + 1) * TILE_WIDTH; leaf++) {
    struct place_of at;
    struct dossier d;
    struct entry e;
    err = index_place(r, leaf, &at);
    if (err == TG_NOT_FOUND || (!err && at.n == 0)) {
      err = TG_OK; /* of a view, or not open to us */
      continue;
    }
    arena_reset(r->arena);
    if (!err)
      err = file_dossier(r, leaf, r->arena, &d, &e, why);
    if (!err)
      marks_set(&m, leaf, &e);
  }
  return err ? err : marks_store(r, block, &m);
}

static enum tg_err next_block(struct review *r, uint64_t *ret)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT block FROM span WHERE block >= ?1 ORDER BY block LIMIT 1");
  db_bind_u64(s, 1, *ret);
  return db_number(s, ret);
}

enum tg_err marks_fill(struct review *r, review_progress *progress, void *arg, struct tg_why *why)
{
  enum tg_err err;
  if (are_marked(r))
    return TG_OK;
  for (uint64_t block = 0; (err = next_block(r, &block)) == TG_OK; block++) {
    err = fill_block(r, block, why);
    if (err)
      return err;
    if (progress && block % 64 == 0)
      progress(arg, block * TILE_WIDTH, r->size);
  }
  return err == TG_NOT_FOUND ? index_fact_put(r, MARKED, slice_str("1")) : err;
}

/* ---- questions ---- */

enum tg_err review_marks(struct review *r, tg_time from, tg_time to, review_each_mark *each, void *arg)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT block, slots FROM span JOIN mark USING(block) WHERE high >= ?1 AND low < ?2 ORDER BY block");
  bool row;
  enum tg_err err;
  const tg_time after = from ? from : INT64_MIN, before = to ? to : INT64_MAX;
  db_bind_i64(s, 1, after);
  db_bind_i64(s, 2, before);
  while ((err = db_step(s, &row)) == TG_OK && row) {
    const struct slice slots = db_blob(s, 1);
    if (slots.n != MARK_BYTES * TILE_WIDTH) {
      db_reset(s);
      return TG_DISK;
    }
    const uint64_t first = db_u64(s, 0) * TILE_WIDTH;
    for (unsigned i = 0; i < TILE_WIDTH; i++) {
      struct review_mark m = {.index = first + i};
      if (take_slot(slots.p + (size_t)i * MARK_BYTES, &m) && m.time >= after && m.time < before)
        each(arg, &m);
    }
  }
  return err;
}

static enum tg_err one_time(struct db_stmt *s, tg_time *ret)
{
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err || !row)
    return err ? err : TG_INTERNAL;
  *ret = db_i64(s, 0);
  db_reset(s);
  return TG_OK;
}

enum tg_err review_span(struct review *r, tg_time *ret_first, tg_time *ret_last)
{
  enum tg_err err = one_time(db_stmt(r->db, "SELECT coalesce(min(low), 0) FROM span"), ret_first);
  return err ? err : one_time(db_stmt(r->db, "SELECT coalesce(max(high), 0) FROM span"), ret_last);
}
