/* Large bodies: one file each, named "id-portion", written strictly in order. The table `file` says how many chunks are
   certain; what a file holds beyond them is from a turn that was never committed, and is written over. */
#include "broker/store_body.h"
#include "broker/store_inside.h"
#include "proto/body.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAME_BYTES = 64 + 1 + 2 + 1, REMOVALS_PER_COMMIT = 64 };

static void file_name(const struct hash *id, unsigned portion, char out[NAME_BYTES])
{
  char hex[65];
  sodium_bin2hex(hex, sizeof hex, id->b, sizeof id->b);
  snprintf(out, NAME_BYTES, "%s-%u", hex, portion % 100);
}

enum tg_err store_files_open(struct store *store, const char *folder, struct tg_why *why)
{
  store->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (store->folder < 0)
    return why_set(why, TG_DISK, folder, N_("the folder for bodies cannot be opened: %1$s"),
                   N_("make it, owned by the hub's user"), strerror(errno), NULL, NULL);
  store->bodies = strdup(folder);
  return store->bodies ? TG_OK : TG_NO_MEMORY;
}

/* ---- open files */

static enum tg_err file_sync(struct store_file *f)
{
  if (f->dirty && fdatasync(f->fd))
    return TG_DISK;
  f->dirty = false;
  return TG_OK;
}

static void file_close(struct store_file *f)
{
  if (f->fd >= 0)
    close(f->fd);
  *f = (struct store_file){.fd = -1};
}

static struct store_file *file_find(struct store *store, const struct hash *id, unsigned portion)
{
  for (size_t i = 0; i < FILES_OPEN; i++)
    if (store->file[i].fd >= 0 && store->file[i].portion == portion && hash_eq(&store->file[i].id, id))
      return &store->file[i];
  return NULL;
}

/* A free place, or that of the file longest unused, which is synced first. */
static enum tg_err file_place(struct store *store, struct store_file **ret)
{
  struct store_file *oldest = &store->file[0];
  for (size_t i = 0; i < FILES_OPEN; i++) {
    struct store_file *f = &store->file[i];
    if (f->fd < 0) {
      *ret = f;
      return TG_OK;
    }
    if (f->used < oldest->used)
      oldest = f;
  }
  enum tg_err err = file_sync(oldest);
  file_close(oldest);
  *ret = oldest;
  return err;
}

/* Finds or opens a body's file; `make` lets it come into being. TG_NOT_FOUND. */
static enum tg_err file_use(struct store *store, const struct hash *id, unsigned portion, bool make,
                            struct store_file **ret)
{
  struct store_file *f = file_find(store, id, portion);
  if (!f) {
    if (store->folder < 0)
      return TG_NOT_FOUND;
    enum tg_err err = file_place(store, &f);
    if (err)
      return err;
    char name[NAME_BYTES];
    file_name(id, portion, name);
    int fd = openat(store->folder, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (make ? O_CREAT : 0), 0600);
    if (fd < 0)
      return errno == ENOENT ? TG_NOT_FOUND : TG_DISK;
    *f = (struct store_file){.fd = fd, .id = *id, .portion = portion};
    store->folder_dirty |= make;
  }
  f->used = ++store->clock;
  *ret = f;
  return TG_OK;
}

enum tg_err store_files_sync(struct store *store)
{
  for (size_t i = 0; i < FILES_OPEN; i++)
    if (file_sync(&store->file[i]))
      return TG_DISK;
  if (store->folder_dirty && fsync(store->folder))
    return TG_DISK;
  store->folder_dirty = false;
  return TG_OK;
}

void store_files_close(struct store *store)
{
  for (size_t i = 0; i < FILES_OPEN; i++)
    file_close(&store->file[i]);
  if (store->folder >= 0)
    close(store->folder);
  store->folder = -1;
}

/* ---- chunks */

enum tg_err store_file_chunks(struct store *store, const struct hash *id, unsigned portion, uint64_t *ret)
{
  struct db_stmt *s = db_stmt(store->db, "SELECT chunks FROM file WHERE id = ?1 AND portion = ?2");
  store_bind_hash(s, 1, id);
  db_bind_u64(s, 2, portion);
  enum tg_err err = db_one(s);
  uint64_t chunks = err ? 0 : db_u64(s, 0);
  db_reset(s);
  if (err && err != TG_NOT_FOUND)
    return err;
  *ret = chunks;
  return TG_OK;
}

/* How many bodies there are in files. */
static enum tg_err file_rows(struct store *store, uint64_t *ret)
{
  return store_count_rows(&store->files, db_stmt(store->db, "SELECT count(*) FROM file"), ret);
}

static enum tg_err chunks_record(struct store *store, const struct hash *id, unsigned portion, uint64_t chunks)
{
  store->files.rows += chunks == 1; /* whether known yet or not: the table says it then */
  struct db_stmt *s = db_stmt(store->db, "INSERT INTO file(id, portion, chunks) VALUES(?1, ?2, ?3)"
                                         " ON CONFLICT(id, portion) DO UPDATE SET chunks = excluded.chunks");
  store_bind_hash(s, 1, id);
  db_bind_u64(s, 2, portion);
  db_bind_u64(s, 3, chunks);
  return db_run(s);
}

/* A name that comes into use again must not be removed after this commit. */
static enum tg_err trash_rescue(struct store *store, const struct hash *id, unsigned portion)
{
  char name[NAME_BYTES];
  file_name(id, portion, name);
  struct db_stmt *s = db_stmt(store->db, "DELETE FROM trash WHERE name = ?1");
  db_bind_text(s, 1, slice_str(name));
  return db_run(s);
}

static enum tg_err write_all(int fd, struct slice bytes, off_t at)
{
  while (bytes.n) {
    ssize_t n = pwrite(fd, bytes.p, bytes.n, at);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return TG_DISK;
    bytes = slice_of(bytes.p + n, bytes.n - (size_t)n);
    at += n;
  }
  return TG_OK;
}

/* What damages files, not who would deceive: recipients check against what the originator signed. */
static void chunk_sum(struct slice sealed, uint8_t out[crypto_shorthash_BYTES])
{
  static const uint8_t key[crypto_shorthash_KEYBYTES] = "tg/chunk in file";
  crypto_shorthash(out, sealed.p, sealed.n, key);
}

static enum tg_err sum_record(struct store *store, const struct hash *id, unsigned portion, uint64_t chunk, struct slice sealed)
{
  uint8_t sum[crypto_shorthash_BYTES];
  struct db_stmt *s = db_stmt(store->db, "INSERT OR REPLACE INTO sum(id, portion, chunk, sum) VALUES(?1, ?2, ?3, ?4)");
  chunk_sum(sealed, sum);
  store_bind_hash(s, 1, id);
  db_bind_u64(s, 2, portion);
  db_bind_u64(s, 3, chunk);
  db_bind_blob(s, 4, slice_of(sum, sizeof sum));
  return db_run(s);
}

/* TG_CONFLICT: the file has other bytes than were written. */
static enum tg_err sum_compare(struct store *store, const struct hash *id, unsigned portion, uint64_t chunk, struct slice sealed)
{
  uint8_t is[crypto_shorthash_BYTES], was[crypto_shorthash_BYTES];
  struct db_stmt *s = db_stmt(store->db, "SELECT sum FROM sum WHERE id = ?1 AND portion = ?2 AND chunk = ?3");
  store_bind_hash(s, 1, id);
  db_bind_u64(s, 2, portion);
  db_bind_u64(s, 3, chunk);
  enum tg_err err = db_one(s);
  if (!err)
    err = store_bytes(s, 0, was, sizeof was);
  db_reset(s);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  chunk_sum(sealed, is);
  return memcmp(is, was, sizeof is) == 0 ? TG_OK : TG_CONFLICT;
}

enum tg_err store_file_append(struct store *store, const struct hash *id, unsigned portion, uint64_t chunk,
                              struct slice sealed)
{
  struct store_file *f;
  enum tg_err err = chunk ? TG_OK : trash_rescue(store, id, portion);
  if (!err)
    err = file_use(store, id, portion, true, &f);
  if (err)
    return err == TG_NOT_FOUND ? TG_DISK : err; /* a hub without a folder for bodies asks for none */
  f->dirty = true;
  err = write_all(f->fd, sealed, (off_t)(chunk * BODY_SEALED));
  if (!err)
    err = sum_record(store, id, portion, chunk, sealed);
  return err ? err : chunks_record(store, id, portion, chunk + 1);
}

enum tg_err store_file_chunk(struct store *store, const struct hash *id, unsigned portion, uint64_t chunk, size_t size,
                             struct arena *arena, struct slice *ret)
{
  struct store_file *f;
  enum tg_err err = file_use(store, id, portion, false, &f);
  if (err)
    return err;
  uint8_t *bytes = arena_alloc(arena, size);
  if (!bytes)
    return TG_NO_MEMORY;
  for (size_t have = 0; have < size;) {
    ssize_t n = pread(f->fd, bytes + have, size - have, (off_t)(chunk * BODY_SEALED + have));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return TG_DISK;
    if (n == 0)
      return TG_NOT_FOUND;
    have += (size_t)n;
  }
  err = sum_compare(store, id, portion, chunk, slice_of(bytes, size));
  if (!err)
    *ret = slice_of(bytes, size);
  return err;
}

/* ---- removal */

static enum tg_err trash_add(struct store *store, const struct hash *id, unsigned portion)
{
  struct store_file *f = file_find(store, id, portion);
  if (f)
    file_close(f); /* without sync: nobody will read it */
  char name[NAME_BYTES];
  file_name(id, portion, name);
  struct db_stmt *s = db_stmt(store->db, "INSERT OR IGNORE INTO trash(name) VALUES(?1)");
  db_bind_text(s, 1, slice_str(name));
  store->trash = true;
  return db_run(s);
}

static enum tg_err sums_remove(struct store *store, const struct hash *id)
{
  struct db_stmt *s = db_stmt(store->db, "DELETE FROM sum WHERE id = ?1");
  store_bind_hash(s, 1, id);
  return db_run(s);
}

enum tg_err store_file_remove_all(struct store *store, const struct hash *id)
{
  for (;;) {
    uint64_t rows;
    enum tg_err err = file_rows(store, &rows);
    if (err || rows == 0)
      return err;
    struct db_stmt *s = db_stmt(store->db, "DELETE FROM file WHERE id = ?1 AND portion ="
                                           " (SELECT min(portion) FROM file WHERE id = ?1) RETURNING portion");
    store_bind_hash(s, 1, id);
    err = db_one(s);
    if (err)
      return err == TG_NOT_FOUND ? TG_OK : err;
    store->files.rows--;
    unsigned portion = (unsigned)db_u64(s, 0);
    err = db_run(s);
    if (!err)
      err = sums_remove(store, id);
    if (!err)
      err = trash_add(store, id, portion);
    if (err)
      return err;
  }
}

enum tg_err store_files_sweep(struct store *store)
{
  for (int i = 0; i < REMOVALS_PER_COMMIT; i++) {
    struct db_stmt *s = db_stmt(store->db, "DELETE FROM trash WHERE name = (SELECT min(name) FROM trash) RETURNING name");
    enum tg_err err = db_one(s);
    if (err)
      return err == TG_NOT_FOUND ? TG_OK : err;
    char name[NAME_BYTES] = {0};
    struct slice text = db_text(s, 0);
    if (text.n < sizeof name)
      memcpy(name, text.p, text.n);
    err = db_run(s);
    if (err)
      return err;
    if (store->folder >= 0 && unlinkat(store->folder, name, 0) && errno != ENOENT)
      return TG_DISK;
  }
  store->trash = true; /* more than that: the next commit goes on */
  return TG_OK;
}
