#include "broker/logbook.h"

#include "audit/ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Entries of late: each is asked for again by whoever is to have its proof, within moments. */
enum { LATE = 1024, LATE_PATH = 24 };
enum { LEAVES = 16384 }; /* what was logged of late: for the files, which are written once a second */
enum { PUBLISH_BEHIND = 2 * LEAVES }; /* leaves: who has more before him hurries */
struct late {
  uint64_t leaf; /* + 1; 0: empty */
  size_t n;
  uint8_t salt[ENTRY_SALT], bytes[LIMIT_ENTRY];
  uint64_t proven; /* size of the tree that path is of; 0: none */
  size_t path_n;
  struct hash path[LATE_PATH];
};

/* Invariants: signed_size <= size of the ledger; note is the checkpoint of signed_size, empty when that is 0;
   asked is 0 or above signed_size. */
struct logbook {
  struct store *store;
  struct ledger *ledger;
  struct arena *scratch;
  struct late *late; /* LATE of them, by leaf */
  struct hash *leaves; /* LEAVES of them, by leaf: those from leaves_from on that nothing stands in the place of */
  uint64_t leaves_from;
  uint64_t edge_index;
  size_t edge_bytes; /* of the lowest growing tile, as of the last flush; 0: read it back */
  uint8_t edge[TILE_BYTES];
  uint64_t signed_size, asked;
  uint64_t handed_out; /* the growing tiles of a log of this size were, since the start; 0: none yet */
  struct hash asked_root;
  struct merkle_path path; /* of the request */
  bool richer;             /* the note was settled, and not published since */
  bool known_signed;       /* the store knows that something was signed, or will with the transaction at hand */
  struct buf note;
};

/* The lowest, still growing tile is not written with every commit: its hashes are those of entries that are. */
static enum tg_err edge_rebuild(struct logbook *l, uint64_t index, uint8_t out[TILE_BYTES], size_t *ret_bytes)
{
  uint64_t size;
  size_t n = 0;
  enum tg_err err = store_log_size(l->store, &size);
  for (uint64_t leaf = index * TILE_WIDTH; !err && leaf < size && n < TILE_BYTES; leaf++) {
    struct store_entry e;
    arena_reset(l->scratch);
    err = store_entry(l->store, leaf, l->scratch, &e);
    if (err)
      break;
    const struct hash entry = entry_leaf(e.salt, e.bytes), hash = merkle_leaf(slice_of(entry.b, sizeof entry.b));
    memcpy(out + n, hash.b, sizeof hash.b);
    n += sizeof hash.b;
  }
  if (!err)
    *ret_bytes = n;
  return err == TG_NOT_FOUND ? TG_DISK : err;
}

static enum tg_err read_tile(void *context, unsigned level, uint64_t index, uint8_t out[TILE_BYTES],
                             size_t *ret_bytes)
{
  struct logbook *l = context;
  size_t n = 0;
  if (level == 0 && index == l->edge_index && l->edge_bytes) {
    memcpy(out, l->edge, l->edge_bytes);
    *ret_bytes = l->edge_bytes;
    return TG_OK;
  }
  enum tg_err err = store_tile(l->store, level, index, out, &n);
  if (level == 0 && ((!err && n < TILE_BYTES) || err == TG_NOT_FOUND))
    return edge_rebuild(l, index, out, ret_bytes);
  if (!err)
    *ret_bytes = n;
  return err;
}

static enum tg_err write_tile(void *context, unsigned level, uint64_t index, struct slice hashes)
{
  struct logbook *l = context;
  if (level > 0)
    return store_tile_put(l->store, level, index, hashes);
  const bool whole = hashes.n == TILE_BYTES;
  l->edge_index = index;
  l->edge_bytes = whole ? 0 : hashes.n;
  if (!whole)
    memcpy(l->edge, hashes.p, hashes.n);
  return whole ? store_tile_put(l->store, level, index, hashes) : TG_OK;
}

/* Kept by the store from the first signature on. */
static const char SIGNED[] = "signed";

static enum tg_err read_signed(struct logbook *l)
{
  struct slice had;
  enum tg_err err = store_fact(l->store, SIGNED, l->scratch, &had);
  l->known_signed = !err;
  return err == TG_NOT_FOUND ? TG_OK : err;
}

enum tg_err logbook_open(struct store *store, struct logbook **ret, struct tg_why *why)
{
  struct logbook *l = calloc(1, sizeof *l);
  if (!l)
    return TG_NO_MEMORY;
  l->store = store;
  l->note = buf_new(LIMIT_CHECKPOINT);
  l->scratch = arena_new(64 * 1024);
  l->late = calloc(LATE, sizeof *l->late);
  l->leaves = calloc(LEAVES, sizeof *l->leaves);
  uint64_t size;
  const struct tile_store tiles = {.context = l, .read = read_tile, .write = write_tile};
  enum tg_err err = l->scratch && l->late && l->leaves ? store_log_size(store, &size) : TG_NO_MEMORY;
  if (!err)
    err = ledger_open(&tiles, size, &l->ledger, why);
  if (!err)
    err = read_signed(l);
  if (err) {
    logbook_free(l);
    return err;
  }
  l->leaves_from = size;
  *ret = l;
  return TG_OK;
}

void logbook_free(struct logbook *l)
{
  if (!l)
    return;
  ledger_free(l->ledger);
  arena_free(l->scratch);
  free(l->late);
  free(l->leaves);
  buf_free(&l->note);
  free(l);
}

uint64_t logbook_size(const struct logbook *l)
{
  return ledger_size(l->ledger);
}
uint64_t logbook_signed_size(const struct logbook *l)
{
  return l->signed_size;
}
struct slice logbook_note(const struct logbook *l)
{
  return buf_slice(&l->note);
}

static void late_put(struct logbook *l, uint64_t leaf, const struct store_entry *e)
{
  struct late *late = &l->late[leaf % LATE];
  late->leaf = leaf + 1;
  late->n = e->bytes.n;
  memcpy(late->salt, e->salt, sizeof late->salt);
  memcpy(late->bytes, e->bytes.p, e->bytes.n);
  late->proven = 0;
}

/* The proof that a leaf is in the signed tree; asked for by everyone to whom it goes. */
static enum tg_err path_of(struct logbook *l, uint64_t leaf, struct merkle_path *ret)
{
  struct late *late = &l->late[leaf % LATE];
  const bool ours = late->leaf == leaf + 1;
  if (ours && late->proven == l->signed_size) {
    ret->n = late->path_n;
    memcpy(ret->hash, late->path, late->path_n * sizeof *late->path);
    return TG_OK;
  }
  enum tg_err err = ledger_inclusion(l->ledger, leaf, l->signed_size, ret);
  if (err || !ours || ret->n > LATE_PATH)
    return err;
  late->proven = l->signed_size;
  late->path_n = ret->n;
  memcpy(late->path, ret->hash, ret->n * sizeof *late->path);
  return TG_OK;
}

/* An entry, copied into the arena. */
static enum tg_err entry_read(struct logbook *l, uint64_t leaf, struct arena *arena, struct store_entry *ret)
{
  const struct late *late = &l->late[leaf % LATE];
  if (late->leaf != leaf + 1)
    return store_entry(l->store, leaf, arena, ret);
  ret->bytes = arena_copy(arena, slice_of(late->bytes, late->n));
  memcpy(ret->salt, late->salt, sizeof ret->salt);
  return ret->bytes.p ? TG_OK : TG_NO_MEMORY;
}

enum tg_err logbook_append(struct logbook *l, const struct entry *entry, uint64_t *ret_leaf)
{
  uint8_t bytes[LIMIT_ENTRY];
  struct buf out = {.p = bytes, .cap = sizeof bytes, .max = sizeof bytes};
  struct store_entry e;
  uint64_t leaf;
  if (entry_build(entry, &out, NULL))
    return TG_INTERNAL; /* an entry of ours against the table of its type: a mistake of ours */
  entry_salt(e.salt);
  e.bytes = buf_slice(&out);
  struct hash hash = entry_leaf(e.salt, e.bytes);
  enum tg_err err = ledger_append(l->ledger, &hash, &leaf);
  if (!err)
    err = store_entry_put(l->store, leaf, &e);
  if (!err)
    late_put(l, leaf, &e);
  if (!err)
    l->leaves[leaf % LEAVES] = hash;
  if (!err && ret_leaf)
    *ret_leaf = leaf;
  return err;
}

enum tg_err logbook_flush(struct logbook *l)
{
  return ledger_flush(l->ledger);
}

/* ---- the signer */

enum tg_err logbook_root(struct logbook *l, uint64_t size, struct hash *ret)
{
  return ledger_root_at(l->ledger, size, ret);
}

enum tg_err logbook_contains(struct logbook *l, uint64_t size, const struct hash *root, bool *ret)
{
  struct hash ours;
  if (size > ledger_size(l->ledger)) {
    *ret = false;
    return TG_OK;
  }
  enum tg_err err = ledger_root_at(l->ledger, size, &ours);
  if (!err)
    *ret = hash_eq(&ours, root);
  return err;
}

/* A store of an earlier version learns it at its next start. */
static enum tg_err remember_signed(struct logbook *l)
{
  enum tg_err err = l->known_signed ? TG_OK : store_fact_put(l->store, SIGNED, slice_str("yes"));
  l->known_signed = true;
  return err;
}

static enum tg_err note_keep(struct logbook *l, uint64_t size, struct slice note)
{
  buf_clear(&l->note);
  buf_put_slice(&l->note, note);
  if (buf_status(&l->note))
    return TG_NO_MEMORY;
  l->signed_size = size;
  l->richer = false;
  return remember_signed(l);
}

static enum tg_err forgotten(const char *where, struct tg_why *why)
{
  return why_set(why, TG_STALE, where, N_("the hub's store holds a log, and its signer remembers none: it could sign a second history"),
                 N_("Put back its folder as it last was, signer beside hub; if that is lost for good, nobody can go on with this log: "
                    "the members name another hub"),
                 NULL, NULL, NULL);
}

enum tg_err logbook_may_begin(struct store *store, const char *where, struct tg_why *why)
{
  uint64_t size;
  enum tg_err err = store_log_size(store, &size);
  return err || size == 0 ? err : forgotten(where, why);
}

enum tg_err logbook_resume(struct logbook *l, const struct note_key *key, struct slice bytes,
                           struct tg_why *why)
{
  struct checkpoint c;
  struct note note;
  bool contains;
  if (bytes.n == 0) /* a log that was never signed is its signer's from size 0; not so one that the signer has forgotten */
    return l->known_signed ? forgotten(NULL, why) : TG_OK;
  enum tg_err err = key ? checkpoint_open(bytes, key, &c, NULL, why) : note_parse(bytes, NULL, &note, why);
  if (!err && !key)
    err = checkpoint_parse(note.text, &c, why);
  if (!err)
    err = logbook_contains(l, c.size, &c.root, &contains);
  if (err)
    return err;
  if (!contains || (!key && c.size))
    return why_set(why, TG_STALE, NULL, N_("the hub's store is older than its last signed checkpoint"),
                   N_("put back the newest copy of the store; what came after that copy is lost to this hub, "
                      "and its members must agree on how to go on"),
                   NULL, NULL, NULL);
  return c.size ? note_keep(l, c.size, bytes) : TG_OK;
}

bool logbook_wants_signature(const struct logbook *l)
{
  return !l->asked && ledger_size(l->ledger) > l->signed_size;
}
bool logbook_awaits_signature(const struct logbook *l)
{
  return l->asked != 0;
}

enum tg_err logbook_ask(struct logbook *l, struct hub_sign *ret)
{
  uint64_t size = ledger_size(l->ledger);
  enum tg_err err = ledger_consistency(l->ledger, l->signed_size, size, &l->path);
  if (err)
    return err;
  l->asked = size;
  l->asked_root = ledger_root(l->ledger);
  *ret = (struct hub_sign){.old_size = l->signed_size,
                           .new_size = size,
                           .new_root = l->asked_root,
                           .path = merkle_path_slice(&l->path)};
  return TG_OK;
}

enum tg_err logbook_signed(struct logbook *l, const struct note_key *key, struct slice note,
                           struct tg_why *why)
{
  struct checkpoint c;
  enum tg_err err = checkpoint_open(note, key, &c, NULL, why);
  if (err)
    return err;
  if (!l->asked || c.size != l->asked || !hash_eq(&c.root, &l->asked_root))
    return why_set(why, TG_CONFLICT, NULL, N_("the signer signed something else than the hub's log"),
                   N_("is this the signer of another store? Do not go on with either before you know"), NULL,
                   NULL, NULL);
  l->asked = 0;
  return note_keep(l, c.size, note);
}

/* ---- witnesses */

enum tg_err logbook_cosigned(struct logbook *l, struct slice line)
{
  if (l->note.n + line.n + 1 > LIMIT_CHECKPOINT)
    return TG_TOO_BIG;
  buf_put_slice(&l->note, line);
  buf_put_u8(&l->note, '\n');
  return buf_status(&l->note) ? TG_NO_MEMORY : TG_OK;
}

void logbook_settled(struct logbook *l)
{
  l->richer = true;
}

/* ---- proofs */

static enum tg_err path_copy(const struct merkle_path *path, struct arena *arena, struct slice *ret)
{
  *ret = slice_of(NULL, 0);
  if (path->n == 0)
    return TG_OK;
  *ret = arena_copy(arena, merkle_path_slice(path));
  return ret->p ? TG_OK : TG_NO_MEMORY;
}

enum tg_err logbook_opening(struct logbook *l, uint64_t leaf, struct arena *arena, struct opening *ret)
{
  struct merkle_path path;
  struct store_entry e;
  struct opening o = {.index = leaf};
  assert(leaf < l->signed_size);
  enum tg_err err = entry_read(l, leaf, arena, &e);
  if (!err)
    err = path_of(l, leaf, &path);
  if (!err)
    err = path_copy(&path, arena, &o.path);
  if (err)
    return err == TG_NOT_FOUND ? TG_DISK : err; /* an entry that was appended is there */
  o.entry = e.bytes;
  o.salt = arena_copy(arena, slice_of(e.salt, sizeof e.salt));
  if (!o.salt.p)
    return TG_NO_MEMORY;
  *ret = o;
  return TG_OK;
}

enum tg_err logbook_chain(struct logbook *l, uint64_t from, struct arena *arena, struct slice *ret)
{
  struct merkle_path path;
  enum tg_err err = ledger_consistency(l->ledger, from, l->signed_size, &path);
  return err ? err : path_copy(&path, arena, ret);
}

/* ---- static files */

/* What was logged at this place. */
static enum tg_err leaf_of(struct logbook *l, uint64_t leaf, struct hash *ret)
{
  struct store_entry e;
  if (leaf >= l->leaves_from && leaf + LEAVES >= ledger_size(l->ledger)) {
    *ret = l->leaves[leaf % LEAVES];
    return TG_OK;
  }
  arena_reset(l->scratch);
  enum tg_err err = entry_read(l, leaf, l->scratch, &e);
  if (!err)
    *ret = entry_leaf(e.salt, e.bytes);
  return err;
}

static enum tg_err publish_entries(struct logbook *l, uint64_t index, unsigned width, const struct hub_files *files)
{
  struct buf out = buf_new(TILE_WIDTH * 34);
  const struct tile_name name = {.entries = true, .index = index, .width = width};
  enum tg_err err = TG_OK;
  for (unsigned i = 0; !err && i < width; i++) {
    struct hash leaf;
    err = leaf_of(l, index * TILE_WIDTH + i, &leaf);
    if (!err)
      tile_bundle_put(&out, &leaf);
  }
  if (!err && buf_status(&out))
    err = TG_NO_MEMORY;
  if (!err)
    err = files->tile(files->context, &name, buf_slice(&out));
  buf_free(&out);
  return err;
}

static enum tg_err publish_tile(struct logbook *l, unsigned level, uint64_t index, unsigned width,
                                const struct hub_files *files)
{
  uint8_t hashes[TILE_BYTES];
  size_t n = 0;
  enum tg_err err = read_tile(l, level, index, hashes, &n);
  if (err || n < (size_t)width * 32)
    return err && err != TG_NOT_FOUND ? err : TG_DISK;
  const struct tile_name name = {.level = level, .index = index, .width = width};
  return files->tile(files->context, &name, slice_of(hashes, (size_t)width * 32));
}

/* The files that become due when the log grows to `to`, at most one tile width beyond what is published:
   whole tiles, and at the very end the growing ones too. */
static enum tg_err publish_step(struct logbook *l, uint64_t to, bool end, const struct hub_files *files)
{
  uint64_t last = (to - 1) / TILE_WIDTH;
  enum tg_err err = publish_entries(l, last, tile_width(to, 0, last), files);
  for (unsigned level = 0; !err && level < TILE_LEVELS; level++) {
    uint64_t hashes = to >> (level * TILE_HEIGHT);
    if (hashes == 0)
      break;
    uint64_t index = (hashes - 1) / TILE_WIDTH;
    unsigned width = tile_width(to, level, index);
    bool whole_now = width == TILE_WIDTH && (to & ((UINT64_C(1) << (level * TILE_HEIGHT)) - 1)) == 0;
    if (!end && !whole_now)
      continue;
    if (l->handed_out && tile_width(l->handed_out, level, index) == width)
      continue; /* it has not grown */
    err = publish_tile(l, level, index, width, files);
  }
  return err;
}

enum tg_err logbook_publish(struct logbook *l, uint64_t *published, const struct hub_files *files,
                            bool *ret_more)
{
  *ret_more = false;
  if (*published < l->handed_out)
    l->handed_out = 0; /* the shell begins again */
  if (*published >= l->signed_size && !l->richer)
    return TG_OK;
  for (unsigned left = l->signed_size - *published > PUBLISH_BEHIND ? HUB_PUBLISH_BUNDLES : 1; *published < l->signed_size; left--) {
    uint64_t to = (*published / TILE_WIDTH + 1) * TILE_WIDTH;
    if (to > l->signed_size)
      to = l->signed_size;
    if (left == 0) {
      *ret_more = true;
      return TG_OK;
    }
    enum tg_err err = publish_step(l, to, to == l->signed_size, files);
    if (err)
      return err;
    if (to == l->signed_size)
      break; /* counts as published only with its checkpoint */
    *published = to;
  }
  enum tg_err err = files->checkpoint(files->context, l->signed_size, buf_slice(&l->note));
  if (err)
    return err;
  *published = l->handed_out = l->signed_size;
  l->richer = false;
  return TG_OK;
}
