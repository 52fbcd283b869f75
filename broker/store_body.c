#include "broker/store_body.h"
#include "broker/store_inside.h"

enum { PORTION_BITS = 4 };

static uint64_t body_place(uint64_t leaf, unsigned portion) { return leaf << PORTION_BITS | portion; }

enum tg_err store_body_put(struct store *store, uint64_t leaf, unsigned portion, struct slice sealed)
{
  struct db_stmt *s = db_stmt(store->db, "INSERT INTO body(place, sealed) VALUES(?1, ?2)");
  db_bind_u64(s, 1, body_place(leaf, portion));
  db_bind_blob(s, 2, sealed);
  return db_run(s);
}

enum tg_err store_body(struct store *store, uint64_t leaf, unsigned portion, struct arena *arena, struct slice *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT sealed FROM body WHERE place = ?1");
  db_bind_u64(s, 1, body_place(leaf, portion));
  enum tg_err err = db_one(s);
  if (!err)
    err = store_copy(s, 0, arena, ret);
  db_reset(s);
  return err;
}

/* ---- submissions that wait */

/* How many wait in all. */
static enum tg_err parked_rows(struct store *store, uint64_t *ret)
{
  return store_count_rows(&store->parked, db_stmt(store->db, "SELECT count(*) FROM parked"), ret);
}

enum tg_err store_parked_put(struct store *store, const struct store_parked *p)
{
  struct db_stmt *s = db_stmt(store->db, "INSERT INTO parked(id, originator, member, why, until, bytes, item)"
                                         " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  store_bind_hash(s, 1, &p->id);
  db_bind_u64(s, 2, p->originator);
  db_bind_text(s, 3, slice_of(p->member, 2));
  db_bind_u64(s, 4, p->why);
  db_bind_i64(s, 5, p->until);
  db_bind_u64(s, 6, p->bytes);
  db_bind_blob(s, 7, p->item);
  enum tg_err err = db_run(s);
  if (err)
    return err;
  store->parked.rows++; /* whether known yet or not: the table says it then */
  return store_usage_add(store, p->member, (int64_t)p->bytes);
}

#define PARKED_COLUMNS "place, id, originator, member, why, until, bytes, item"

static enum tg_err parked_read(struct db_stmt *s, struct arena *arena, struct store_parked *ret, uint64_t *ret_place)
{
  enum tg_err err = db_one(s);
  struct store_parked p = {0};
  if (!err)
    err = store_bytes(s, 1, p.id.b, 32);
  if (!err && (db_text(s, 3).n != 2 || db_u64(s, 4) < PARKED_FOR_BODIES || db_u64(s, 4) > PARKED_FOR_DOCUMENTS))
    err = TG_DISK;
  if (!err)
    err = store_copy(s, 7, arena, &p.item);
  if (!err) {
    p.originator = (nodeno)db_u64(s, 2);
    p.member[0] = (char)db_text(s, 3).p[0];
    p.member[1] = (char)db_text(s, 3).p[1];
    p.why = (enum parked_for)db_u64(s, 4);
    p.until = db_i64(s, 5);
    p.bytes = db_u64(s, 6);
    *ret = p;
    if (ret_place)
      *ret_place = db_u64(s, 0);
  }
  db_reset(s);
  return err;
}

enum tg_err store_parked(struct store *store, const struct hash *id, struct arena *arena, struct store_parked *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT " PARKED_COLUMNS " FROM parked WHERE id = ?1");
  store_bind_hash(s, 1, id);
  return parked_read(s, arena, ret, NULL);
}

enum tg_err store_parked_next(struct store *store, nodeno originator, uint64_t after, struct arena *arena,
                              struct store_parked *ret, uint64_t *ret_place)
{
  struct db_stmt *s =
      originator
          ? db_stmt(store->db, "SELECT " PARKED_COLUMNS
                               " FROM parked WHERE place > ?1 AND originator = ?2 ORDER BY place LIMIT 1")
          : db_stmt(store->db, "SELECT " PARKED_COLUMNS " FROM parked WHERE place > ?1 ORDER BY place LIMIT 1");
  db_bind_u64(s, 1, after);
  if (originator)
    db_bind_u64(s, 2, originator);
  return parked_read(s, arena, ret, ret_place);
}

enum tg_err store_parked_prefixes(struct store *store, nodeno originator, unsigned most, struct buf *out)
{
  uint64_t rows;
  enum tg_err err = parked_rows(store, &rows);
  if (err || rows == 0)
    return err;
  struct db_stmt *s = db_stmt(store->db, "SELECT id FROM parked WHERE originator = ?1 ORDER BY place LIMIT ?2");
  db_bind_u64(s, 1, originator);
  db_bind_u64(s, 2, most);
  bool row;
  while ((err = db_step(s, &row)) == TG_OK && row) {
    struct hash id;
    err = store_bytes(s, 0, id.b, sizeof id.b);
    if (err) {
      db_reset(s);
      return err;
    }
    buf_put(out, id.b, PARKED_PREFIX);
  }
  return err;
}

enum tg_err store_parked_due(struct store *store, tg_time now, struct arena *arena, struct store_parked *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT " PARKED_COLUMNS
                                         " FROM parked WHERE until <= ?1 ORDER BY until, place LIMIT 1");
  db_bind_i64(s, 1, now);
  return parked_read(s, arena, ret, NULL);
}

enum tg_err store_parked_wait(struct store *store, const struct hash *id, tg_time until)
{
  struct db_stmt *s = db_stmt(store->db, "UPDATE parked SET until = ?2 WHERE id = ?1 AND until < ?2");
  store_bind_hash(s, 1, id);
  db_bind_i64(s, 2, until);
  return db_run(s);
}

enum tg_err store_parked_count(struct store *store, nodeno originator, uint64_t *ret)
{
  uint64_t rows;
  enum tg_err err = parked_rows(store, &rows);
  if (!err && rows == 0)
    *ret = 0;
  if (err || rows == 0)
    return err;
  struct db_stmt *s = db_stmt(store->db, "SELECT count(*) FROM parked WHERE originator = ?1");
  db_bind_u64(s, 1, originator);
  err = db_one(s);
  if (!err)
    *ret = db_u64(s, 0);
  db_reset(s);
  return err;
}

enum tg_err store_parked_remove(struct store *store, const struct hash *id)
{
  struct db_stmt *s = db_stmt(store->db, "DELETE FROM parked WHERE id = ?1 RETURNING member, bytes");
  store_bind_hash(s, 1, id);
  enum tg_err err = db_one(s);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  struct slice text = db_text(s, 0);
  if (text.n != 2) {
    db_reset(s);
    return TG_DISK;
  }
  char member[2] = {(char)text.p[0], (char)text.p[1]};
  int64_t bytes = db_i64(s, 1);
  err = db_run(s);
  if (err)
    return err;
  store->parked.rows--;
  return store_usage_add(store, member, -bytes);
}
