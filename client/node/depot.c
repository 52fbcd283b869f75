#include "client/node/depot_inside.h"

#include "client/node/schema.h"
#include "proto/hash.h"
#include "proto/limits.h"

#include <stdlib.h>
#include <string.h>

enum { NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES };

struct db *depot_db(struct depot *depot) { return depot->db; }

enum tg_err depot_explain(struct depot *depot, enum tg_err err, struct tg_why *why)
{
  return db_explain(depot->db, err, why);
}

enum tg_err depot_begin(struct depot *depot, struct tg_why *why)
{
  return db_in_transaction(depot->db) ? TG_OK : db_begin(depot->db, why);
}

enum tg_err depot_commit(struct depot *depot, struct tg_why *why)
{
  if (!db_in_transaction(depot->db))
    return TG_OK;
  enum tg_err err = depot_bodies_write(depot);
  for (size_t i = 0; err == TG_OK && i < DEPOT_FOLDERS; i++)
    err = late_write(depot->late[i]);
  return err == TG_OK ? db_commit(depot->db, why) : db_explain(depot->db, err, why);
}

enum tg_err depot_settle(struct depot *depot, struct tg_why *why) { return db_checkpoint(depot->db, why); }

/* ---- where rows stand ---- */

enum { LATE = 4096 }; /* ids of each folder in memory */

#define LATE_TABLE(kind, rows)                                                                                                      \
  {.slices = "SELECT below FROM slice WHERE kind = " kind " ORDER BY no",                                                           \
   .slice = "UPDATE slice SET below = ?2 WHERE kind = " kind " AND no = ?1",                                                        \
   .put = "INSERT INTO place VALUES(" kind ", " SCHEMA_HEAD("?1") ", ?2)",                                                          \
   .since = rows " WHERE place >= ?1 ORDER BY place",                                                                               \
   .most = LATE,
#define AT(table, id) "SELECT place FROM " table " WHERE place = ?3 AND " id " = ?1 AND "
#define AMONG(kind, table, id) "SELECT " table ".place FROM place JOIN " table " ON " table ".place = place.place WHERE kind = " kind \
                               " AND head = " SCHEMA_HEAD("?1") " AND " id " = ?1"

static const struct late_table late_tables[DEPOT_FOLDERS] = {
    LATE_TABLE("0", "SELECT place, id, 0 FROM sent") .find = AMONG("0", "sent", "id") " AND ?2 = 0", .at = AT("sent", "id") "?2 = 0"},
    LATE_TABLE("1", "SELECT place, id, 0 FROM inbox") .find = AMONG("1", "inbox", "id") " AND ?2 = 0"}, /* mostly asked for what is not there: no guess */
    LATE_TABLE("2", "SELECT place, bulletin, portion FROM content") .find = AMONG("2", "content", "bulletin") " AND portion = ?2",
     .at = AT("content", "bulletin") "portion = ?2"},
};

static enum tg_err find_place(void *context, struct slice id, uint64_t number, uint64_t *ret)
{
  struct hash hash;
  if (hash_read(id, &hash) != TG_OK)
    return TG_NOT_FOUND;
  return late_find(context, &hash, number, ret);
}

static enum tg_err open_places(struct depot *depot)
{
  static const char *const names[DEPOT_FOLDERS] = {"sent_place", "inbox_place", "content_place"};
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < DEPOT_FOLDERS; i++) {
    err = late_open(depot->db, &late_tables[i], &depot->late[i]);
    if (err == TG_OK)
      err = db_add_function(depot->db, names[i], find_place, depot->late[i]);
  }
  return err;
}

uint64_t depot_place_new(const struct depot *depot, enum depot_folder folder) { return late_next(depot->late[folder]); }

enum tg_err depot_placed(struct depot *depot, enum depot_folder folder, const struct hash *id, uint64_t place)
{
  return late_put(depot->late[folder], id, 0, place);
}

void depot_met(struct depot *depot, enum depot_folder folder, const struct hash *id, uint64_t place)
{
  late_seen(depot->late[folder], id, 0, place);
}

enum tg_err depot_between(struct depot *depot, enum depot_folder folder, const struct hash *low, const struct hash *high, struct hash *ret, unsigned *ret_n)
{
#define BETWEEN(kind, table) "SELECT id FROM place JOIN " table " ON " table ".place = place.place WHERE kind = " kind " AND head BETWEEN " \
                             SCHEMA_HEAD("?1") " AND " SCHEMA_HEAD("?2") " AND id BETWEEN ?1 AND ?2 LIMIT 2"
  struct db_stmt *s = folder == DEPOT_SENT ? db_stmt(depot->db, BETWEEN("0", "sent")) : db_stmt(depot->db, BETWEEN("1", "inbox"));
#undef BETWEEN
  size_t n = late_between(depot->late[folder], low, high, ret, 1);
  bool row;
  enum tg_err err;
  db_bind_blob(s, 1, slice_of(low->b, sizeof low->b));
  db_bind_blob(s, 2, slice_of(high->b, sizeof high->b));
  for (; (err = db_step(s, &row)) == TG_OK && row; n++)
    if (!db_bytes(s, 0, ret->b, sizeof ret->b))
      err = TG_DISK;
  *ret_n = n < 2 ? (unsigned)n : 2;
  return err;
}

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
    err = depot_unlock(depot, check_label, text, found, arena, &found);
    if (err != TG_OK && err != TG_NO_MEMORY)
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
    err = depot_bodies_open(depot);
  if (err == TG_OK)
    err = open_places(depot);
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
  for (size_t i = 0; i < DEPOT_FOLDERS; i++)
    late_close((*depot)->late[i]);
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
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
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
    const uint64_t place = depot_place_new(depot, DEPOT_CONTENT);
    struct db_stmt *s = db_stmt(depot->db, "INSERT INTO content(place, bulletin, portion, body, secret) VALUES(?, ?, ?, ?, ?)");
    db_bind_u64(s, 1, place);
    db_bind_blob(s, 2, slice_of(bulletin->b, 32));
    db_bind_u64(s, 3, portion);
    db_bind_u64(s, 4, content->body);
    db_bind_buf(s, 5, &locked);
    err = db_run(s);
    if (err == TG_OK)
      err = late_put(depot->late[DEPOT_CONTENT], bulletin, portion, place);
  }
  if (err == TG_OK)
    err = depot_body_own(depot, content->body);
  buf_free(&locked);
  return err;
}

enum tg_err depot_content(struct depot *depot, const struct hash *bulletin, unsigned portion, struct arena *arena,
                          struct depot_content *ret)
{
  struct db_stmt *s = db_stmt(depot->db, "SELECT body, secret FROM content WHERE " SCHEMA_CONTENT("?1", "?2"));
  db_bind_blob(s, 1, slice_of(bulletin->b, 32));
  db_bind_u64(s, 2, portion);
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  uint8_t id[33];
  struct depot_content c = {.body = db_u64(s, 0)};
  err = depot_unlock(depot, content_label, content_id(bulletin, portion, id), db_blob(s, 1), arena, &c.secret);
  db_reset(s);
  if (err == TG_OK)
    *ret = c;
  return err;
}

enum tg_err depot_content_body(struct depot *depot, const struct hash *bulletin, unsigned portion, uint64_t *ret)
{
  struct db_stmt *s = db_stmt(depot->db, "SELECT body FROM content WHERE " SCHEMA_CONTENT("?1", "?2"));
  db_bind_blob(s, 1, slice_of(bulletin->b, 32));
  db_bind_u64(s, 2, portion);
  return db_number(s, ret);
}

static enum tg_err erase_row(struct depot *depot, uint64_t place, bool body)
{
  enum tg_err err = TG_OK;
  if (body) {
    struct db_stmt *s = db_stmt(depot->db, "INSERT OR IGNORE INTO dropped SELECT body FROM content WHERE place = ?");
    db_bind_u64(s, 1, place);
    err = db_run(s);
  }
  if (err != TG_OK)
    return err;
  struct db_stmt *s = db_stmt(depot->db, "DELETE FROM content WHERE place = ?");
  db_bind_u64(s, 1, place);
  return db_run(s);
}

/* All rows of the bulletin, wherever their places are known; with the bodies or without. */
static enum tg_err erase_all(struct depot *depot, const struct hash *bulletin, bool bodies, bool *ret_any)
{
  const struct slice id = slice_of(bulletin->b, 32);
  uint64_t place;
  bool any = false;
  enum tg_err err = TG_OK;
  for (; err == TG_OK && late_take(depot->late[DEPOT_CONTENT], bulletin, &place); any = true)
    err = erase_row(depot, place, bodies);
  while (err == TG_OK) {
    struct db_stmt *s = db_stmt(depot->db, AMONG("2", "content", "bulletin") " LIMIT 1");
    db_bind_blob(s, 1, id);
    if ((err = db_number(s, &place)) != TG_OK)
      break;
    s = db_stmt(depot->db, "DELETE FROM place WHERE kind = 2 AND head = " SCHEMA_HEAD("?1") " AND place = ?2");
    db_bind_blob(s, 1, id);
    db_bind_u64(s, 2, place);
    err = db_run(s);
    if (err == TG_OK)
      err = erase_row(depot, place, bodies);
    any = true;
  }
  if (ret_any)
    *ret_any = any;
  return err == TG_NOT_FOUND ? TG_OK : err;
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
  return err == TG_OK ? erase_all(depot, from, false, NULL) : err;
}

enum tg_err depot_content_erase(struct depot *depot, const struct hash *bulletin, bool *ret_any)
{
  return erase_all(depot, bulletin, true, ret_any);
}
