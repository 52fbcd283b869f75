#include "client/node/depot.h"

#include "client/node/schema.h"
#include "proto/hash.h"
#include "proto/limits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES };

/* A row of `body` that this transaction has made (fresh) or changes. */
struct open_body {
  uint64_t id, chunks;
  bool owned, fresh;
};

/* Invariants: key is derived from the storage key and used for nothing but depot_lock() and depot_blind(). Rows of `body` are as in
   bodies[], which is put into the store before the commit; last_body is the highest id that was ever given. */
struct depot {
  struct db *db;
  uint8_t *key; /* 64 bytes of sodium_malloc: 32 to encrypt, 32 to blind */
  struct open_body *bodies;
  size_t n_bodies, cap_bodies;
  uint64_t last_body;
};

struct db *depot_db(struct depot *depot) { return depot->db; }

enum tg_err depot_explain(struct depot *depot, enum tg_err err, struct tg_why *why)
{
  return db_explain(depot->db, err, why);
}

enum tg_err depot_begin(struct depot *depot, struct tg_why *why)
{
  return db_in_transaction(depot->db) ? TG_OK : db_begin(depot->db, why);
}

/* Most bodies are whole and owned in the turn that made them, and then cost one statement. */
static enum tg_err put_bodies(struct depot *depot)
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

enum tg_err depot_commit(struct depot *depot, struct tg_why *why)
{
  if (!db_in_transaction(depot->db))
    return TG_OK;
  enum tg_err err = put_bodies(depot);
  return err == TG_OK ? db_commit(depot->db, why) : db_explain(depot->db, err, why);
}

enum tg_err depot_settle(struct depot *depot, struct tg_why *why) { return db_checkpoint(depot->db, why); }

/* ---- opening ---- */

static const char check_label[] = "toguna/depot-check/v1";

/* A new depot locks a known text; an old one must open it. */
static enum tg_err check_key(struct depot *depot, const char *path, struct tg_why *why)
{
  struct arena *arena = arena_new(4096);
  struct buf locked = buf_new(4096);
  struct slice found, text = slice_str(check_label);
  enum tg_err err = arena ? depot_fact(depot, "storage-check", arena, &found) : TG_NO_MEMORY;
  if (err == TG_OK) {
    if (depot_unlock(depot, check_label, text, found, arena, &found) != TG_OK)
      err = why_set(why, TG_BAD_SEAL, path, N_("the store was written under another storage key"),
                    N_("use the key file that belongs to this folder"), NULL, NULL, NULL);
  } else if (err == TG_NOT_FOUND) {
    err = depot_lock(depot, check_label, text, text, &locked);
    if (err == TG_OK)
      err = depot_fact_put(depot, "storage-check", buf_slice(&locked));
  }
  buf_free(&locked);
  arena_free(arena);
  return err;
}

static enum tg_err find_last_body(struct depot *depot)
{
  struct db_stmt *s = db_stmt(depot->db, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'body'");
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK)
    return err;
  depot->last_body = db_u64(s, 0);
  db_reset(s);
  return TG_OK;
}

enum tg_err depot_open(const struct depot_options *options, struct depot **ret, struct tg_why *why)
{
  struct depot *depot = calloc(1, sizeof *depot);
  if (!depot)
    return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  enum tg_err err = TG_NO_MEMORY;
  depot->key = sodium_malloc(64);
  if (!depot->key)
    goto out;
  hkdf_expand(options->storage_key, slice_of("toguna/depot/v1", 16), depot->key, 64);
  struct db_options o = {.path = options->path,
                         .vfs = options->vfs,
                         .application_id = SCHEMA_APPLICATION,
                         .migrations = schema_migrations,
                         .n_migrations = SCHEMA_MIGRATIONS};
  err = db_open(&o, &depot->db, why);
  if (err == TG_OK)
    err = check_key(depot, options->path, why);
  if (err == TG_OK)
    err = find_last_body(depot);
  if (err == TG_OK)
    err = depot_body_orphans(depot);
out:
  if (err != TG_OK) {
    if (err == TG_NO_MEMORY)
      why_set(why, err, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
    depot_close(&depot);
    return err;
  }
  *ret = depot;
  return TG_OK;
}

void depot_close(struct depot **depot)
{
  if (!depot || !*depot)
    return;
  db_close(&(*depot)->db);
  sodium_free((*depot)->key);
  free((*depot)->bodies);
  free(*depot);
  *depot = NULL;
}

/* ---- encryption at rest ---- */

static void additional(const char *label, struct slice id, struct buf *out)
{
  buf_put(out, label, strlen(label) + 1);
  buf_put_slice(out, id);
}

enum tg_err depot_lock(struct depot *depot, const char *label, struct slice id, struct slice plain, struct buf *out)
{
  struct buf ad = buf_new(512);
  additional(label, id, &ad);
  size_t before = out->n;
  uint8_t *nonce = buf_grow(out, NONCE);
  uint8_t *sealed = nonce ? buf_grow(out, plain.n + TAG) : NULL;
  enum tg_err err = buf_status(&ad) != TG_OK || !sealed ? TG_NO_MEMORY : TG_OK;
  if (err == TG_OK) {
    nonce = out->p + before; /* the second grow may have moved it */
    randombytes_buf(nonce, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, plain.p, plain.n, ad.p, ad.n, NULL, nonce, depot->key);
  }
  buf_free(&ad);
  return err;
}

enum tg_err depot_unlock(struct depot *depot, const char *label, struct slice id, struct slice locked, struct arena *arena,
                         struct slice *ret)
{
  if (locked.n < NONCE + TAG)
    return TG_DISK;
  struct buf ad = buf_new(512);
  additional(label, id, &ad);
  size_t n = locked.n - NONCE - TAG;
  uint8_t *plain = arena_alloc(arena, n ? n : 1);
  enum tg_err err = buf_status(&ad) != TG_OK || !plain ? TG_NO_MEMORY : TG_OK;
  if (err == TG_OK && crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, locked.p + NONCE, locked.n - NONCE, ad.p,
                                                                 ad.n, locked.p, depot->key) != 0)
    err = TG_DISK;
  buf_free(&ad);
  if (err == TG_OK)
    *ret = slice_of(plain, n);
  return err;
}

struct hash depot_blind(struct depot *depot, const char *label, struct slice text)
{
  struct hash h;
  crypto_generichash_state s;
  crypto_generichash_init(&s, depot->key + 32, 32, sizeof h.b);
  crypto_generichash_update(&s, (const uint8_t *)label, strlen(label) + 1);
  crypto_generichash_update(&s, text.p, text.n);
  crypto_generichash_final(&s, h.b, sizeof h.b);
  return h;
}

/* ---- facts ---- */

enum tg_err depot_fact(struct depot *depot, const char *name, struct arena *arena, struct slice *ret)
{
  struct db_stmt *s = db_stmt(depot->db, "SELECT value FROM fact WHERE name = ?");
  db_bind_text(s, 1, slice_str(name));
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err != TG_OK ? err : TG_NOT_FOUND;
  struct slice value = db_blob(s, 0), copy = arena_copy(arena, value);
  db_reset(s);
  if (value.n && !copy.p)
    return TG_NO_MEMORY;
  *ret = copy;
  return TG_OK;
}

enum tg_err depot_fact_put(struct depot *depot, const char *name, struct slice value)
{
  struct db_stmt *s = db_stmt(depot->db, "INSERT INTO fact VALUES(?, ?) ON CONFLICT DO UPDATE SET value = excluded.value");
  db_bind_text(s, 1, slice_str(name));
  db_bind_blob(s, 2, value);
  return db_run(s);
}

enum tg_err depot_number(struct depot *depot, const char *name, uint64_t *ret)
{
  struct db_stmt *s = db_stmt(depot->db, "SELECT value FROM fact WHERE name = ?");
  db_bind_text(s, 1, slice_str(name));
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK)
    return err;
  uint64_t value = 0;
  if (row) {
    struct slice bytes = db_blob(s, 0);
    err = bytes.n == 8 && take_u64(&bytes, &value) ? TG_OK : TG_DISK;
    db_reset(s);
  }
  if (err == TG_OK)
    *ret = value;
  return err;
}

enum tg_err depot_number_put(struct depot *depot, const char *name, uint64_t value)
{
  uint8_t b[8];
  for (int i = 0; i < 8; i++)
    b[i] = (uint8_t)(value >> (56 - 8 * i));
  return depot_fact_put(depot, name, slice_of(b, sizeof b));
}

/* ---- bodies ---- */

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
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err != TG_OK ? err : TG_NOT_FOUND;
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
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err != TG_OK ? err : TG_NOT_FOUND;
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
  enum tg_err put = put_bodies(depot);
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

/* ---- content ---- */

/* What a content row is bound to: bulletin and portion. */
static struct slice content_id(const struct hash *bulletin, unsigned portion, uint8_t out[33])
{
  memcpy(out, bulletin->b, 32);
  out[32] = (uint8_t)portion;
  return slice_of(out, 33);
}

static const char content_label[] = "toguna/content/v1";

enum tg_err depot_content_put(struct depot *depot, const struct hash *bulletin, unsigned portion,
                              const struct depot_content *content)
{
  uint8_t id[33];
  struct buf locked = buf_new(8192);
  enum tg_err err = depot_lock(depot, content_label, content_id(bulletin, portion, id), content->secret, &locked);
  if (err == TG_OK) {
    struct db_stmt *s = db_stmt(depot->db, "INSERT INTO content VALUES(?, ?, ?, ?)");
    db_bind_blob(s, 1, slice_of(bulletin->b, 32));
    db_bind_u64(s, 2, portion);
    db_bind_u64(s, 3, content->body);
    db_bind_blob(s, 4, buf_slice(&locked));
    err = db_run(s);
  }
  if (err == TG_OK)
    err = depot_body_own(depot, content->body);
  buf_free(&locked);
  return err;
}

enum tg_err depot_content(struct depot *depot, const struct hash *bulletin, unsigned portion, struct arena *arena,
                          struct depot_content *ret)
{
  struct db_stmt *s = db_stmt(depot->db, "SELECT body, secret FROM content WHERE bulletin = ? AND portion = ?");
  db_bind_blob(s, 1, slice_of(bulletin->b, 32));
  db_bind_u64(s, 2, portion);
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err != TG_OK ? err : TG_NOT_FOUND;
  uint8_t id[33];
  struct depot_content c = {.body = db_u64(s, 0)};
  err = depot_unlock(depot, content_label, content_id(bulletin, portion, id), db_blob(s, 1), arena, &c.secret);
  db_reset(s);
  if (err == TG_OK)
    *ret = c;
  return err;
}

enum tg_err depot_content_move(struct depot *depot, const struct hash *from, const struct hash *to, struct arena *arena)
{
  enum tg_err err = TG_OK;
  for (unsigned i = 0; err == TG_OK && i < LIMIT_PORTIONS; i++) {
    struct depot_content content;
    err = depot_content(depot, from, i, arena, &content);
    if (err == TG_OK)
      err = depot_content_put(depot, to, i, &content);
    else if (err == TG_NOT_FOUND)
      err = TG_OK;
  }
  if (err != TG_OK)
    return err;
  struct db_stmt *s = db_stmt(depot->db, "DELETE FROM content WHERE bulletin = ?");
  db_bind_blob(s, 1, slice_of(from->b, 32));
  return db_run(s);
}

enum tg_err depot_content_erase(struct depot *depot, const struct hash *bulletin, bool *ret_any)
{
  struct db_stmt *s =
      db_stmt(depot->db, "INSERT OR IGNORE INTO dropped SELECT body FROM content WHERE bulletin = ?");
  db_bind_blob(s, 1, slice_of(bulletin->b, 32));
  enum tg_err err = db_run(s);
  if (err != TG_OK)
    return err;
  s = db_stmt(depot->db, "DELETE FROM content WHERE bulletin = ?");
  db_bind_blob(s, 1, slice_of(bulletin->b, 32));
  err = db_run(s);
  if (err == TG_OK && ret_any)
    *ret_any = db_changes(depot->db) > 0;
  return err;
}
