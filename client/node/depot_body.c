/* Sealed bodies in the depot, chunk by chunk as they came, and the sweeping of those that nobody owns any more. */
#include "client/node/depot_inside.h"

#include <assert.h>
#include <stdlib.h>

enum tg_err depot_bodies_open(struct depot *depot)
{
  struct db_stmt *s = db_stmt(depot->db, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'body'");
  return db_number(s, &depot->last_body);
}

/* Most bodies are whole and owned in the turn that made them, and then cost one statement. */
enum tg_err depot_bodies_write(struct depot *depot)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < depot->n_bodies; i++) {
    const struct open_body *b = &depot->bodies[i];
    struct db_stmt *s = b->fresh ? db_stmt(depot->db, "INSERT INTO body(chunks, owned, id) VALUES(?, ?, ?)")
                                 : db_stmt(depot->db, "UPDATE body SET chunks = ?, owned = ? WHERE id = ?");
    db_bind_u64(s, 1, b->chunks);
    db_bind_u64(s, 2, b->owned);
    db_bind_u64(s, 3, b->id);
    err = db_run(s);
  }
  depot->n_bodies = 0;
  return err;
}

static uint64_t chunk_place(uint64_t body, uint64_t chunk) { return body * DEPOT_CHUNKS_MAX + chunk; }

/* The row as this transaction knows it, or NULL. It is one of the last. */
static struct open_body *find_body(const struct depot *depot, uint64_t body)
{
  for (size_t i = depot->n_bodies; i > 0; i--)
    if (depot->bodies[i - 1].id == body)
      return &depot->bodies[i - 1];
  return NULL;
}

static struct open_body *add_body(struct depot *depot)
{
  if (depot->n_bodies == depot->cap_bodies) {
    size_t cap = depot->cap_bodies ? 2 * depot->cap_bodies : 16;
    struct open_body *more = reallocarray(depot->bodies, cap, sizeof *more);
    if (!more)
      return NULL;
    depot->bodies = more;
    depot->cap_bodies = cap;
  }
  return &depot->bodies[depot->n_bodies++];
}

static enum tg_err load_body(struct depot *depot, uint64_t body, struct open_body *ret)
{
  struct db_stmt *s = db_stmt(depot->db, "SELECT chunks, owned FROM body WHERE id = ?");
  db_bind_u64(s, 1, body);
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  *ret = (struct open_body){.id = body, .chunks = db_u64(s, 0), .owned = db_u64(s, 1) != 0};
  db_reset(s);
  return TG_OK;
}

/* The row, to be changed. TG_NOT_FOUND. */
static enum tg_err open_body(struct depot *depot, uint64_t body, struct open_body **ret)
{
  struct open_body row;
  if ((*ret = find_body(depot, body)))
    return TG_OK;
  enum tg_err err = load_body(depot, body, &row);
  if (err != TG_OK)
    return err;
  if (!(*ret = add_body(depot)))
    return TG_NO_MEMORY;
  **ret = row;
  return TG_OK;
}

enum tg_err depot_body_new(struct depot *depot, uint64_t *ret_body)
{
  struct open_body *b = add_body(depot);
  if (!b)
    return TG_NO_MEMORY;
  *b = (struct open_body){.id = ++depot->last_body, .fresh = true};
  *ret_body = b->id;
  return TG_OK;
}

enum tg_err depot_body_chunks(struct depot *depot, uint64_t body, uint64_t *ret)
{
  const struct open_body *b = find_body(depot, body);
  struct open_body row;
  enum tg_err err = b ? TG_OK : load_body(depot, body, &row);
  if (err == TG_OK)
    *ret = b ? b->chunks : row.chunks;
  return err;
}

enum tg_err depot_chunk_put(struct depot *depot, uint64_t body, uint64_t chunk, struct slice sealed)
{
  assert(chunk < DEPOT_CHUNKS_MAX);
  struct open_body *b;
  enum tg_err err = open_body(depot, body, &b);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_DISK : err;
  assert(b->chunks == chunk);
  b->chunks++;
  struct db_stmt *s = db_stmt(depot->db, "INSERT INTO chunk VALUES(?, ?)");
  db_bind_u64(s, 1, chunk_place(body, chunk));
  db_bind_blob(s, 2, sealed);
  return db_run(s);
}

enum tg_err depot_chunk(struct depot *depot, uint64_t body, uint64_t chunk, struct arena *arena, struct slice *ret)
{
  struct db_stmt *s = db_stmt(depot->db, "SELECT sealed FROM chunk WHERE place = ?");
  db_bind_u64(s, 1, chunk_place(body, chunk));
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  struct slice copy = arena_copy(arena, db_blob(s, 0));
  db_reset(s);
  if (!copy.p)
    return TG_NO_MEMORY;
  *ret = copy;
  return TG_OK;
}

enum tg_err depot_body_own(struct depot *depot, uint64_t body)
{
  struct open_body *b;
  enum tg_err err = open_body(depot, body, &b);
  if (err == TG_OK)
    b->owned = true;
  return err == TG_NOT_FOUND ? TG_OK : err;
}

enum tg_err depot_body_drop(struct depot *depot, uint64_t body)
{
  struct db_stmt *s = db_stmt(depot->db, "INSERT OR IGNORE INTO dropped VALUES(?)");
  db_bind_u64(s, 1, body);
  return db_run(s);
}

enum tg_err depot_body_orphans(struct depot *depot)
{
  return db_run(db_stmt(depot->db, "INSERT OR IGNORE INTO dropped SELECT id FROM body WHERE owned = 0"));
}

/* Chunks come off the end, so that body.chunks stays true. */
enum tg_err depot_sweep(struct depot *depot, unsigned chunks, bool *ret_more)
{
  enum tg_err put = depot_bodies_write(depot);
  if (put != TG_OK)
    return put;
  for (unsigned left = chunks; left;) {
    struct db_stmt *s = db_stmt(depot->db, "SELECT body, chunks FROM dropped JOIN body ON body.id = dropped.body LIMIT 1");
    bool row;
    enum tg_err err = db_step(s, &row);
    if (err != TG_OK)
      return err;
    if (!row) {
      *ret_more = false;
      return TG_OK;
    }
    uint64_t body = db_u64(s, 0), have = db_u64(s, 1), take = have < left ? have : left;
    db_reset(s);
    s = db_stmt(depot->db, "DELETE FROM chunk WHERE place >= ? AND place < ?");
    db_bind_u64(s, 1, chunk_place(body, have - take));
    db_bind_u64(s, 2, chunk_place(body, have));
    if ((err = db_run(s)) != TG_OK)
      return err;
    if (take == have) {
      s = db_stmt(depot->db, "DELETE FROM dropped WHERE body = ?");
      db_bind_u64(s, 1, body);
      if ((err = db_run(s)) != TG_OK)
        return err;
      s = db_stmt(depot->db, "DELETE FROM body WHERE id = ?");
      db_bind_u64(s, 1, body);
    } else {
      s = db_stmt(depot->db, "UPDATE body SET chunks = ? WHERE id = ?");
      db_bind_u64(s, 1, have - take);
      db_bind_u64(s, 2, body);
    }
    if ((err = db_run(s)) != TG_OK)
      return err;
    left -= (unsigned)take ? (unsigned)take : 1; /* an empty body counts too, so that this ends */
  }
  *ret_more = true;
  return TG_OK;
}
