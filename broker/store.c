#include "broker/store_inside.h"
#include "broker/store_recent.h"
#include "broker/store_schema.h"

#include <stdlib.h>
#include <string.h>

enum { TILE_INDEX_BITS = 56 };

/* ---- life */

static enum tg_err database_open(struct store *store, const struct store_options *o, struct tg_why *why)
{
  return db_open(&(struct db_options){.path = o->database,
                                      .vfs = o->vfs,
                                      .application_id = STORE_APPLICATION_ID,
                                      .migrations = STORE_MIGRATIONS,
                                      .n_migrations = STORE_MIGRATION_COUNT,
                                      .cache_bytes = o->cache_bytes ? o->cache_bytes : 32u << 20,
                                      .checkpoint_bytes = o->checkpoint_bytes},
                 &store->db, why);
}

/* An id's leaf. More than one id may begin as the table has them; store_bulletin_by_id() looks there itself. */
static const struct late_table ids = {
    .slices = "SELECT below FROM id_slice ORDER BY no",
    .slice = "UPDATE id_slice SET below = ?2 WHERE no = ?1",
    .put = "INSERT INTO id_place(head, leaf) VALUES(substr(?1, 1, 8), ?2)",
    .since = "SELECT leaf, id, 0 FROM bulletin WHERE leaf >= ?1 ORDER BY leaf",
    .most = STORE_IDS_LATE,
};

enum tg_err store_open(const struct store_options *options, struct store **ret, struct tg_why *why)
{
  struct store *store = calloc(1, sizeof *store);
  if (!store)
    return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  store->folder = -1;
  for (size_t i = 0; i < FILES_OPEN; i++)
    store->file[i].fd = -1;
  enum tg_err err = store_numbers_open(store);
  if (!err)
    err = store_recent_open(store);
  if (!err)
    err = database_open(store, options, why);
  if (!err)
    err = late_open(store->db, &ids, &store->ids);
  if (!err && options->bodies)
    err = store_files_open(store, options->bodies, why);
  if (err) {
    store_close(&store);
    return err;
  }
  store->trash = true; /* a crash may have left some */
  *ret = store;
  return TG_OK;
}

void store_close(struct store **store)
{
  if (!store || !*store)
    return;
  store_files_close(*store);
  store_shares_close(*store);
  store_numbers_close(*store);
  store_recent_close(*store);
  late_close((*store)->ids);
  db_close(&(*store)->db);
  free((*store)->bodies);
  free(*store);
  *store = NULL;
}

enum tg_err store_begin(struct store *store, struct tg_why *why)
{
  return db_in_transaction(store->db) ? TG_OK : db_begin(store->db, why);
}

enum tg_err store_commit(struct store *store, struct tg_why *why)
{
  if (!db_in_transaction(store->db))
    return TG_OK;
  enum tg_err err = store_numbers_write(store);
  if (!err)
    err = store_recent_write(store);
  if (!err)
    err = late_write(store->ids);
  if (err)
    return db_explain(store->db, err, why);
  err = store_files_sync(store);
  if (err)
    return why_set(why, err, store->bodies, N_("a body could not be written to the disk"),
                   N_("free space or replace the disk, then start the hub again"), NULL, NULL, NULL);
  err = db_commit(store->db, why);
  if (err || !store->trash)
    return err;
  /* What the committed rows no longer name goes now; a crash before this leaves it to the next start. */
  store->trash = false;
  err = db_begin(store->db, why);
  if (!err)
    err = store_files_sweep(store);
  return err ? err : db_commit(store->db, why);
}

bool store_takes_bodies(const struct store *store) { return store->folder >= 0; }

bool store_is_open(const struct store *store) { return db_in_transaction(store->db); }

bool store_has_changed(const struct store *store)
{
  return db_has_changed(store->db);
}

bool store_failed(const struct store *store) { return db_failed(store->db); }

enum tg_err store_explain(struct store *store, enum tg_err err, struct tg_why *why)
{
  return db_explain(store->db, err, why);
}

/* ---- reading rows */

enum tg_err store_copy(struct db_stmt *s, int column, struct arena *arena, struct slice *ret)
{
  struct slice blob = db_blob(s, column);
  struct slice copy = arena_copy(arena, blob);
  if (blob.n && !copy.p)
    return TG_NO_MEMORY;
  *ret = copy;
  return TG_OK;
}

enum tg_err store_bytes(struct db_stmt *s, int column, void *out, size_t n)
{
  return db_bytes(s, column, out, n) ? TG_OK : TG_DISK;
}

enum tg_err store_count_rows(struct store_count *count, struct db_stmt *s, uint64_t *ret)
{
  enum tg_err err = count->known ? TG_OK : db_one(s);
  if (!count->known && !err)
    *count = (struct store_count){.known = true, .rows = db_u64(s, 0)};
  db_reset(s);
  if (!err)
    *ret = count->rows;
  return err;
}

void store_bind_hash(struct db_stmt *s, int at, const struct hash *h)
{
  db_bind_blob(s, at, slice_of(h->b, sizeof h->b));
}

/* ---- facts */

enum tg_err store_fact(struct store *store, const char *name, struct arena *arena, struct slice *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT value FROM fact WHERE name = ?1");
  db_bind_text(s, 1, slice_str(name));
  enum tg_err err = db_one(s);
  if (!err)
    err = store_copy(s, 0, arena, ret);
  db_reset(s);
  return err;
}

enum tg_err store_fact_put(struct store *store, const char *name, struct slice value)
{
  struct db_stmt *s = db_stmt(store->db, "INSERT INTO fact(name, value) VALUES(?1, ?2)"
                                         " ON CONFLICT(name) DO UPDATE SET value = excluded.value");
  db_bind_text(s, 1, slice_str(name));
  db_bind_blob(s, 2, value);
  return db_run(s);
}

enum tg_err store_fact_drop(struct store *store, const char *name)
{
  struct db_stmt *s = db_stmt(store->db, "DELETE FROM fact WHERE name = ?1");
  db_bind_text(s, 1, slice_str(name));
  return db_run(s);
}

/* ---- nodes */

enum tg_err store_node(struct store *store, const struct sign_pk *identity, nodeno *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT no FROM node WHERE identity = ?1");
  db_bind_blob(s, 1, slice_of(identity->b, 32));
  enum tg_err err = db_one(s);
  if (!err)
    *ret = (nodeno)db_u64(s, 0);
  db_reset(s);
  if (err != TG_NOT_FOUND)
    return err;
  s = db_stmt(store->db, "INSERT INTO node(identity) VALUES(?1) RETURNING no");
  db_bind_blob(s, 1, slice_of(identity->b, 32));
  err = db_one(s);
  nodeno no = err ? 0 : (nodeno)db_u64(s, 0);
  if (!err)
    err = db_run(s); /* RETURNING: the insert is done once the statement is at its end */
  if (!err)
    *ret = no;
  return err;
}

enum tg_err store_node_key(struct store *store, nodeno node, struct sign_pk *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT identity FROM node WHERE no = ?1");
  db_bind_u64(s, 1, node);
  enum tg_err err = db_one(s);
  if (!err)
    err = store_bytes(s, 0, ret->b, 32);
  db_reset(s);
  return err;
}

/* ---- the log */

enum tg_err store_entry_put(struct store *store, uint64_t leaf, const struct store_entry *entry)
{
  struct db_stmt *s = db_stmt(store->db, "INSERT INTO entry(leaf, salt, bytes) VALUES(?1, ?2, ?3)");
  db_bind_u64(s, 1, leaf);
  db_bind_blob(s, 2, slice_of(entry->salt, sizeof entry->salt));
  db_bind_blob(s, 3, entry->bytes);
  return db_run(s);
}

enum tg_err store_entry(struct store *store, uint64_t leaf, struct arena *arena, struct store_entry *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT salt, bytes FROM entry WHERE leaf = ?1");
  db_bind_u64(s, 1, leaf);
  enum tg_err err = db_one(s);
  struct store_entry entry = {0};
  if (!err)
    err = store_bytes(s, 0, entry.salt, sizeof entry.salt);
  if (!err)
    err = store_copy(s, 1, arena, &entry.bytes);
  db_reset(s);
  if (!err)
    *ret = entry;
  return err;
}

static uint64_t tile_place(unsigned level, uint64_t index) { return (uint64_t)level << TILE_INDEX_BITS | index; }

enum tg_err store_tile(struct store *store, unsigned level, uint64_t index, uint8_t out[8192], size_t *ret_bytes)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT hashes FROM tile WHERE place = ?1");
  db_bind_u64(s, 1, tile_place(level, index));
  enum tg_err err = db_one(s);
  if (!err) {
    struct slice hashes = db_blob(s, 0);
    if (hashes.n > 8192 || hashes.n % 32) {
      err = TG_DISK;
    } else {
      memcpy(out, hashes.p, hashes.n);
      *ret_bytes = hashes.n;
    }
  }
  db_reset(s);
  return err;
}

enum tg_err store_tile_put(struct store *store, unsigned level, uint64_t index, struct slice hashes)
{
  struct db_stmt *s = db_stmt(store->db, "INSERT INTO tile(place, hashes) VALUES(?1, ?2)"
                                         " ON CONFLICT(place) DO UPDATE SET hashes = excluded.hashes");
  db_bind_u64(s, 1, tile_place(level, index));
  db_bind_blob(s, 2, hashes);
  return db_run(s);
}

enum tg_err store_log_size(struct store *store, uint64_t *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT coalesce(max(leaf) + 1, 0) FROM entry");
  enum tg_err err = db_one(s);
  if (!err)
    *ret = db_u64(s, 0);
  db_reset(s);
  return err;
}

struct db_counts store_counts(const struct store *store)
{
  return db_counts(store->db);
}
