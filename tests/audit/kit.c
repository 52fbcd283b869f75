#include "tests/audit/kit.h"

#include "keys/secret.h"
#include "proto/hash.h"

/* ---- tiles ---- */

struct kit_tile *kit_tile(struct kit_tiles *t, unsigned level, uint64_t index)
{
  for (size_t i = 0; i < t->n; i++)
    if (t->tile[i].level == level && t->tile[i].index == index)
      return &t->tile[i];
  return NULL;
}

static enum tg_err tiles_read(void *context, unsigned level, uint64_t index, uint8_t out[TILE_BYTES],
                              size_t *ret_bytes)
{
  struct kit_tiles *t = context;
  const struct kit_tile *tile = kit_tile(t, level, index);
  t->reads++;
  if (!tile)
    return TG_NOT_FOUND;
  if (tile->n <= TILE_BYTES)
    memcpy(out, tile->bytes, tile->n);
  *ret_bytes = tile->n;
  return TG_OK;
}

static enum tg_err tiles_write(void *context, unsigned level, uint64_t index, struct slice hashes)
{
  struct kit_tiles *t = context;
  struct kit_tile *tile = kit_tile(t, level, index);
  if (t->fail_after >= 0 && (int)t->writes >= t->fail_after)
    return TG_DISK;
  t->writes++;
  if (!tile) {
    if (t->n == t->cap) {
      t->cap = t->cap ? 2 * t->cap : 8;
      t->tile = realloc(t->tile, t->cap * sizeof *t->tile);
      assert_non_null(t->tile);
    }
    tile = &t->tile[t->n++];
    tile->level = level;
    tile->index = index;
  }
  assert_true(hashes.n > 0 && hashes.n <= TILE_BYTES && hashes.n % 32 == 0);
  memcpy(tile->bytes, hashes.p, hashes.n);
  tile->n = hashes.n;
  return TG_OK;
}

struct tile_store kit_store(struct kit_tiles *tiles)
{
  return (struct tile_store){.context = tiles, .read = tiles_read, .write = tiles_write};
}

void kit_tiles_free(struct kit_tiles *t)
{
  free(t->tile);
  t->tile = NULL;
  t->n = t->cap = 0;
}

/* ---- logs ---- */

struct hash kit_hash(uint8_t byte)
{
  struct hash h;
  memset(h.b, byte, sizeof h.b);
  return h;
}

struct secret_key *kit_key(enum key_kind kind, const char *name, uint8_t seed)
{
  struct hash secret = kit_hash(seed);
  struct secret_key *key;
  assert_int_equal(secret_key_from(kind, name, slice_of(secret.b, sizeof secret.b), &key), TG_OK);
  return key;
}

struct hash kit_leaf(const struct kit_log *log, uint64_t index)
{
  struct hash_state s;
  hash_begin(&s, "test/leaf");
  hash_put_u64(&s, index);
  hash_put_u64(&s, index >= log->fork ? log->branch : 0);
  return hash_end(&s);
}

void kit_log_grow(struct kit_log *log, uint64_t size)
{
  while (ledger_size(log->ledger) < size) {
    uint64_t at = ledger_size(log->ledger), index;
    struct hash leaf = kit_leaf(log, at);
    assert_int_equal(ledger_append(log->ledger, &leaf, &index), TG_OK);
    assert_int_equal(index, at);
  }
  assert_int_equal(ledger_flush(log->ledger), TG_OK);
}

static struct kit_log *log_new(const char *name, uint64_t fork, uint64_t branch, uint64_t size)
{
  struct kit_log *log = calloc(1, sizeof *log);
  assert_non_null(log);
  log->key = kit_key(KEY_HUB_LOG, name, 7);
  assert_int_equal(secret_key_note_key(log->key, &log->vkey), TG_OK);
  log->tiles.fail_after = -1;
  log->fork = fork;
  log->branch = branch;
  struct tile_store store = kit_store(&log->tiles);
  assert_int_equal(ledger_open(&store, 0, &log->ledger, NULL), TG_OK);
  kit_log_grow(log, size);
  return log;
}

struct kit_log *kit_log_new(const char *name, uint64_t size)
{
  return log_new(name, 0, 0, size);
}

struct kit_log *kit_log_fork(const struct kit_log *log, uint64_t fork, uint64_t size)
{
  return log_new(secret_key_name(log->key), fork, log->branch + 1, size);
}

void kit_log_free(struct kit_log *log)
{
  ledger_free(log->ledger);
  kit_tiles_free(&log->tiles);
  secret_key_free(log->key);
  free(log);
}

struct checkpoint kit_checkpoint(struct kit_log *log, uint64_t size)
{
  struct checkpoint c = {.origin = slice_str(secret_key_name(log->key)), .size = size};
  assert_int_equal(ledger_root_at(log->ledger, size, &c.root), TG_OK);
  return c;
}

struct buf kit_note(struct kit_log *log, uint64_t size)
{
  struct checkpoint c = kit_checkpoint(log, size);
  struct buf note = buf_new(CHECKPOINT_BYTES_MAX);
  assert_int_equal(checkpoint_sign(&c, log->key, &note, NULL), TG_OK);
  return note;
}

struct merkle_path kit_consistency(struct kit_log *log, uint64_t old_size, uint64_t size)
{
  struct merkle_path path = {.n = 0};
  assert_int_equal(ledger_consistency(log->ledger, old_size, size, &path), TG_OK);
  return path;
}

struct opening kit_append_entry(struct kit_log *log, struct slice entry, const uint8_t salt[ENTRY_SALT],
                                struct merkle_path *path)
{
  struct opening o = {.entry = entry, .salt = slice_of(salt, ENTRY_SALT)};
  struct hash leaf;
  assert_int_equal(opening_leaf(&o, &leaf), TG_OK);
  assert_int_equal(ledger_append(log->ledger, &leaf, &o.index), TG_OK);
  assert_int_equal(ledger_flush(log->ledger), TG_OK);
  assert_int_equal(ledger_inclusion(log->ledger, o.index, ledger_size(log->ledger), path), TG_OK);
  o.path = merkle_path_slice(path);
  return o;
}

struct entry kit_entry(void)
{
  struct entry e = {.type = ENTRY_ACCEPTED,
                    .time = KIT_NOW,
                    .subject = kit_hash(0x11),
                    .member = {'M', 'L'},
                    .number = 41,
                    .charter_version = 1,
                    .policy_set = kit_hash(0x33),
                    .decision = kit_hash(0x44)};
  memset(e.actor.b, 0x22, sizeof e.actor.b);
  return e;
}
