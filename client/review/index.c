/* The index: a SQLite file that can be removed at any time. */
#include "client/review/inside.h"

/* Booleans are 0 and 1; times are milliseconds; hashes and keys are blobs of 32 bytes. */
static const char FIRST[] =
    "CREATE TABLE fact(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE checkpoint(size INTEGER PRIMARY KEY, root BLOB NOT NULL, note BLOB NOT NULL, seen INTEGER NOT NULL) STRICT;"
    /* at, n: where its dossier stands in the file of its bundle; n 0: it is not open to us. */
    "CREATE TABLE entry(leaf INTEGER PRIMARY KEY, time INTEGER NOT NULL, type INTEGER NOT NULL, hash BLOB NOT NULL,"
    " at INTEGER NOT NULL, n INTEGER NOT NULL) STRICT;"
    /* Times within 256 entries: a clock may have gone back. */
    "CREATE TABLE span(block INTEGER PRIMARY KEY, low INTEGER NOT NULL, high INTEGER NOT NULL) STRICT;"
    "CREATE TABLE word(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE bits(word INTEGER NOT NULL, piece INTEGER NOT NULL, bits BLOB NOT NULL, PRIMARY KEY(word, piece))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE subject(hash BLOB NOT NULL, leaf INTEGER NOT NULL, PRIMARY KEY(hash, leaf)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE document(leaf INTEGER PRIMARY KEY, hash BLOB NOT NULL, kind INTEGER NOT NULL, accepted INTEGER NOT NULL) STRICT;"
    "CREATE TABLE bulletin(leaf INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, time INTEGER NOT NULL, created INTEGER NOT NULL,"
    " expires INTEGER NOT NULL, member TEXT NOT NULL, node BLOB NOT NULL, precedence INTEGER NOT NULL) STRICT;"
    "CREATE INDEX bulletin_time ON bulletin(time);"
    "CREATE TABLE given(leaf INTEGER NOT NULL, node BLOB NOT NULL, member TEXT NOT NULL, portions INTEGER NOT NULL,"
    " stored INTEGER NOT NULL, seen INTEGER NOT NULL, acknowledged INTEGER NOT NULL, other INTEGER NOT NULL,"
    " other_time INTEGER NOT NULL, PRIMARY KEY(leaf, node)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX given_open ON given(leaf) WHERE stored = 0 AND other = 0;"
    "CREATE TABLE denied(leaf INTEGER NOT NULL, portion INTEGER NOT NULL, member TEXT NOT NULL, stage INTEGER NOT NULL,"
    " policy BLOB NOT NULL, line INTEGER NOT NULL, PRIMARY KEY(leaf, portion, member)) STRICT, WITHOUT ROWID;";

/* Of a view. share: the entry's dossier, and its path under the checkpoint of `size`. paper: signed documents in the order in which the
   node accepted them. given.own: its times are the node's own word. */
static const char SECOND[] =
    "ALTER TABLE checkpoint ADD COLUMN growth BLOB;"
    "ALTER TABLE checkpoint ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE given ADD COLUMN own INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE share(leaf INTEGER PRIMARY KEY, size INTEGER NOT NULL, path BLOB NOT NULL, dossier BLOB NOT NULL) STRICT;"
    "CREATE TABLE paper(place INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL, accepted INTEGER NOT NULL,"
    " content BLOB NOT NULL) STRICT;";

/* Of each block of `span`: mark.c. What an index of an earlier version lacks is filled in there. */
static const char THIRD[] = "CREATE TABLE mark(block INTEGER PRIMARY KEY, slots BLOB NOT NULL) STRICT;";

const char *const REVIEW_SCHEMA[] = {FIRST, SECOND, THIRD};
const size_t REVIEW_SCHEMAS = sizeof REVIEW_SCHEMA / sizeof *REVIEW_SCHEMA;

enum { APPLICATION = 0x54675265 /* TgRe */, CACHE = 64 << 20, WAL = 64 << 20, HASHES = 32 * MERKLE_LEVELS };

enum tg_err index_fact(struct review *r, const char *name, struct buf *ret)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT value FROM fact WHERE name = ?1");
  db_bind_text(s, 1, slice_str(name));
  enum tg_err err = db_one(s);
  if (err)
    return err;
  buf_put_slice(ret, db_blob(s, 0));
  db_reset(s);
  return buf_status(ret);
}

enum tg_err index_fact_put(struct review *r, const char *name, struct slice value)
{
  struct db_stmt *s = db_stmt(r->db, "INSERT OR REPLACE INTO fact(name, value) VALUES(?1, ?2)");
  db_bind_text(s, 1, slice_str(name));
  db_bind_blob(s, 2, value);
  return db_run(s);
}

static const char OPENED[] = "opened";

static bool known_opened(struct review *r, uint64_t *ret)
{
  struct buf b = buf_new(8);
  const enum tg_err err = index_fact(r, OPENED, &b);
  struct slice s = buf_slice(&b);
  const bool known = err == TG_OK && take_u64(&s, ret);
  buf_free(&b);
  return known;
}

uint64_t index_opened(struct review *r)
{
  uint64_t n = 0;
  bool row;
  if (known_opened(r, &n))
    return n;
  struct db_stmt *s = db_stmt(r->db, "SELECT count(*) FROM entry WHERE n > 0");
  if (db_step(s, &row) == TG_OK && row) {
    n = db_u64(s, 0);
    db_reset(s);
  }
  return n;
}

enum tg_err index_opened_put(struct review *r, uint64_t n)
{
  struct buf b = buf_new(8);
  buf_put_u64(&b, n);
  enum tg_err err = buf_status(&b) ? buf_status(&b) : index_fact_put(r, OPENED, buf_slice(&b));
  buf_free(&b);
  return err;
}

enum tg_err index_place(struct review *r, uint64_t leaf, struct place_of *ret)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT at, n, time, hash FROM entry WHERE leaf = ?1");
  db_bind_u64(s, 1, leaf);
  enum tg_err err = db_one(s);
  if (err)
    return err;
  *ret = (struct place_of){.leaf = leaf, .at = db_u64(s, 0), .n = db_u64(s, 1), .time = db_i64(s, 2)};
  err = db_bytes(s, 3, ret->hash.b, sizeof ret->hash.b) ? TG_OK : TG_DISK;
  db_reset(s);
  return err;
}

static enum tg_err load_tree(struct review *r)
{
  struct buf b = buf_new(8 + HASHES);
  enum tg_err err = index_fact(r, "tree", &b);
  struct slice s = buf_slice(&b), hashes;
  if (!err && (!take_u64(&s, &r->size) || !take(&s, HASHES, &hashes)))
    err = TG_DISK;
  if (!err) {
    r->frontier.size = r->size;
    for (size_t i = 0; i < MERKLE_LEVELS; i++)
      (void)hash_read(slice_of(hashes.p + 32 * i, 32), &r->frontier.node[i]);
  }
  buf_free(&b);
  return err == TG_NOT_FOUND ? TG_OK : err;
}

enum tg_err index_open(struct review *r, const char *path, struct tg_why *why)
{
  const struct db_options options = {.path = path,
                                     .application_id = APPLICATION,
                                     .migrations = REVIEW_SCHEMA,
                                     .n_migrations = REVIEW_SCHEMAS,
                                     .cache_bytes = CACHE,
                                     .checkpoint_bytes = WAL};
  enum tg_err err = db_open(&options, &r->db, why);
  if (err == TG_BUSY)
    return why_set(why, err, path, N_("another command, such as the console, has this index open"),
                   N_("End it, or give this command an index of its own: --index FILE"), NULL, NULL, NULL);
  if (err)
    return err;
  r->words = words_new(r->db);
  err = r->words ? load_tree(r) : TG_NO_MEMORY;
  return err ? why_set(why, err, path, N_("the index cannot be read"), N_("Remove it: it is made again"), NULL, NULL, NULL) : TG_OK;
}
