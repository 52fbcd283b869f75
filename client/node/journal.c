#include "client/node/journal.h"

#include "proto/hash.h"

enum { ROW_MAX = 16 * 1024 };

static const char label[] = "toguna/journal/v1", chain_label[] = "toguna/journal-chain/v1";

/* chain = H(label ‖ chain before ‖ place ‖ time ‖ locked record): also who cannot read the rows can tell that none is gone. */
static struct hash chain_of(const struct hash *before, uint64_t place, tg_time time, struct slice locked)
{
  struct hash_state s;
  hash_begin(&s, chain_label);
  hash_put_hash(&s, before);
  hash_put_u64(&s, place);
  hash_put_u64(&s, (uint64_t)time);
  hash_put(&s, locked.p, locked.n);
  return hash_end(&s);
}

/* What a row's record is bound to. */
static struct hash id_of(uint64_t place)
{
  struct hash_state s;
  hash_begin(&s, label);
  hash_put_u64(&s, place);
  return hash_end(&s);
}

/* ---- where the chain ends; kept apart, so that rows cut off at the end are missed ---- */

static enum tg_err end_of(struct node_core *core, uint64_t *ret_place, struct hash *ret_chain)
{
  struct slice bytes, chain;
  if (core->journal.known) {
    *ret_place = core->journal.place;
    *ret_chain = core->journal.chain;
    return TG_OK;
  }
  enum tg_err err = depot_fact(core->depot, "journal-end", core->scrap, &bytes);
  *ret_place = 0;
  *ret_chain = (struct hash){{0}};
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_OK : err;
  if (!take_u64(&bytes, ret_place) || !take(&bytes, 32, &chain) || bytes.n)
    return TG_DISK;
  return hash_read(chain, ret_chain);
}

static enum tg_err put_end(struct node_core *core, uint64_t place, const struct hash *chain)
{
  struct buf b = buf_new(64);
  buf_put_u64(&b, place);
  buf_put(&b, chain->b, sizeof chain->b);
  enum tg_err err = buf_status(&b) == TG_OK ? depot_fact_put(core->depot, "journal-end", buf_slice(&b)) : TG_NO_MEMORY;
  buf_free(&b);
  return err;
}

enum tg_err journal_turn(struct node_core *core)
{
  if (!core->journal.dirty)
    return TG_OK;
  core->journal.dirty = false;
  return put_end(core, core->journal.place, &core->journal.chain);
}

/* ---- rows ---- */

static void put_text(struct buf *b, struct slice s)
{
  buf_put_u16(b, (uint16_t)(s.n < 1024 ? s.n : 1024));
  buf_put(b, s.p, s.n < 1024 ? s.n : 1024);
}

static bool take_text(struct slice *s, struct slice *ret)
{
  uint16_t n;
  return take_u16(s, &n) && take(s, n, ret);
}

static enum tg_err lock(struct node_core *core, uint64_t place, const struct journal_row *row, struct buf *out)
{
  struct buf plain = buf_new(ROW_MAX);
  struct hash id = id_of(place);
  buf_put_u32(&plain, row->uid);
  buf_put(&plain, row->subject.b, sizeof row->subject.b);
  put_text(&plain, row->action);
  put_text(&plain, row->program);
  put_text(&plain, row->detail);
  enum tg_err err = buf_status(&plain) == TG_OK ? TG_OK : TG_NO_MEMORY;
  if (err == TG_OK)
    err = depot_lock(core->depot, label, hash_slice(&id), buf_slice(&plain), out);
  buf_free(&plain);
  return err;
}

enum tg_err journal_add(struct node_core *core, const struct journal_row *row)
{
  uint64_t last;
  struct hash chain;
  struct buf locked = buf_new(ROW_MAX + 256);
  arena_reset(core->scrap);
  enum tg_err err = core_begin(core);
  if (err == TG_OK)
    err = end_of(core, &last, &chain);
  if (err == TG_OK)
    err = lock(core, last + 1, row, &locked);
  if (err == TG_OK) {
    chain = chain_of(&chain, last + 1, core->now.wall, buf_slice(&locked));
    struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT INTO journal VALUES(?, ?, ?, ?)");
    db_bind_u64(s, 1, last + 1);
    db_bind_i64(s, 2, core->now.wall);
    db_bind_buf(s, 3, &locked);
    db_bind_blob(s, 4, hash_slice(&chain));
    err = db_run(s);
  }
  if (err == TG_OK)
    core->journal = (struct journal_end){.known = true, .dirty = true, .place = last + 1, .chain = chain};
  buf_free(&locked);
  return err;
}

enum tg_err journal_after(struct node_core *core, uint64_t after, struct arena *arena, struct journal_row *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT place, time, record FROM journal WHERE place > ? ORDER BY place LIMIT 1");
  struct slice plain, subject;
  db_bind_u64(s, 1, after < INT64_MAX ? after : INT64_MAX);
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  struct journal_row r = {.place = db_u64(s, 0), .time = db_i64(s, 1)};
  struct hash id = id_of(r.place);
  err = depot_unlock(core->depot, label, hash_slice(&id), db_blob(s, 2), arena, &plain);
  db_reset(s);
  if (err != TG_OK)
    return err;
  if (!take_u32(&plain, &r.uid) || !take(&plain, 32, &subject) || hash_read(subject, &r.subject) != TG_OK ||
      !take_text(&plain, &r.action) || !take_text(&plain, &r.program) || !take_text(&plain, &r.detail) || plain.n)
    return TG_DISK; /* we wrote it */
  *ret = r;
  return TG_OK;
}

enum tg_err journal_check(struct node_core *core, uint64_t *ret_rows)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT place, time, record, chain FROM journal ORDER BY place");
  struct hash chain = {{0}}, end;
  uint64_t rows = 0, last;
  bool row, holds = true;
  enum tg_err err;
  while ((err = db_step(s, &row)) == TG_OK && row) {
    struct hash stored;
    chain = chain_of(&chain, ++rows, db_i64(s, 1), db_blob(s, 2));
    holds = holds && db_u64(s, 0) == rows && db_bytes(s, 3, stored.b, sizeof stored.b) && hash_eq(&stored, &chain);
  }
  arena_reset(core->scrap);
  if (err == TG_OK)
    err = end_of(core, &last, &end);
  if (err != TG_OK)
    return err;
  *ret_rows = rows;
  return holds && last == rows && hash_eq(&end, &chain) ? TG_OK : TG_BAD_PROOF;
}
