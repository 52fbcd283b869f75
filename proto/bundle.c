#include "proto/bundle.h"

#include "proto/batch.h"
#include "proto/session.pb-c.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static const char magic[] = "toguna/bundle/v1";
static_assert(sizeof magic == BUNDLE_MAGIC, "the label with its zero byte");
static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(struct bundle_hash), "a hash that has begun");

/* Row i is type i + 1. most: how many in one bundle, 0 for as many as there are. */
static const struct kind {
  const struct strict_limits *limits;
  unsigned most;
} kinds[] = {
    {&limits_bundle_head, 1},
    {&limits_document, BUNDLE_DOCUMENTS},
    {&limits_parcel, BUNDLE_PARCELS},
    {&limits_chunk, 0},
    {&limits_bundle_receipts, BUNDLE_RECEIPT_RUNS},
    {&limits_bundle_end, 1},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static crypto_hash_sha256_state *state_of(struct bundle_hash *h) { return (crypto_hash_sha256_state *)(void *)h->state; }

static void hash_more(struct bundle_hash *h, struct slice bytes) { crypto_hash_sha256_update(state_of(h), bytes.p, bytes.n); }

struct hash bundle_statement(const struct bundle_hash *h)
{
  struct bundle_hash copy = *h;
  struct hash all;
  crypto_hash_sha256_final(state_of(&copy), all.b);
  return statement_id(STATEMENT_BUNDLE, slice_of(all.b, sizeof all.b));
}

/* ---- writing ---- */

void bundle_begin(struct bundle_hash *h, struct buf *out)
{
  crypto_hash_sha256_init(state_of(h));
  buf_put(out, magic, sizeof magic);
  hash_more(h, slice_of(magic, sizeof magic));
}

enum tg_err bundle_put(struct bundle_hash *h, enum bundle_type type, const ProtobufCMessage *message, struct buf *out,
                       struct tg_why *why)
{
  const struct strict_limits *limits = kinds[type - 1].limits;
  const size_t before = out->n, at = before + BUNDLE_FRAMING;
  assert(message->descriptor == limits->descriptor);
  buf_put_u32(out, 0);
  buf_put_u8(out, (uint8_t)type);
  enum tg_err err = buf_status(out);
  if (err == TG_OK)
    err = strict_pack(limits, message, out, why);
  if (err != TG_OK) {
    out->n = before;
    return err;
  }
  const size_t n = out->n - at;
  for (size_t i = 0; i < 4; i++)
    out->p[before + i] = (uint8_t)(n >> (24 - 8 * i));
  hash_more(h, slice_of(out->p + before, out->n - before));
  return TG_OK;
}

/* ---- reading ---- */

/* Invariants: part holds the beginning of the magic, while `begun` is false, or of a record, never more than that; hash covers what was
   before it, and not the end record. */
struct bundle_reader {
  bool begun, ended;
  unsigned count[KINDS];
  struct buf part;
  struct bundle_hash hash;
};

struct bundle_reader *bundle_reader_new(void)
{
  struct bundle_reader *r = calloc(1, sizeof *r);
  if (!r)
    return NULL;
  r->part = buf_new(BUNDLE_FRAMING + LIMIT_MESSAGE);
  crypto_hash_sha256_init(state_of(&r->hash));
  return r;
}

void bundle_reader_free(struct bundle_reader *r)
{
  if (!r)
    return;
  buf_free(&r->part);
  free(r);
}

struct hash bundle_read_statement(const struct bundle_reader *r) { return bundle_statement(&r->hash); }
bool bundle_read_ended(const struct bundle_reader *r) { return r->ended; }

static enum tg_err no(struct tg_why *why, enum tg_err err, const char *what)
{
  return why_set(why, err, "bundle", what, N_("Have it written again"), NULL, NULL, NULL);
}

/* Makes part n bytes long, if there are enough. */
static enum tg_err fill(struct bundle_reader *r, struct slice *bytes, size_t n, bool *ret)
{
  size_t lacks = n > r->part.n ? n - r->part.n : 0;
  struct slice piece;
  if (lacks > bytes->n)
    lacks = bytes->n;
  if (take(bytes, lacks, &piece))
    buf_put_slice(&r->part, piece);
  *ret = r->part.n >= n;
  return buf_status(&r->part) == TG_OK ? TG_OK : TG_NO_MEMORY;
}

static enum tg_err read_magic(struct bundle_reader *r, struct slice *bytes, struct tg_why *why)
{
  bool whole;
  enum tg_err err = fill(r, bytes, sizeof magic, &whole);
  if (err != TG_OK)
    return err;
  if (memcmp(r->part.p ? r->part.p : (const uint8_t *)magic, magic, r->part.n) != 0)
    return no(why, TG_BAD_INPUT, N_("this is no bundle, or one of a later release"));
  if (!whole)
    return TG_NOT_FOUND;
  hash_more(&r->hash, buf_slice(&r->part));
  buf_clear(&r->part);
  r->begun = true;
  return TG_OK;
}

/* What the record's first bytes say, before more of it is taken. */
static enum tg_err look(const struct bundle_reader *r, size_t *ret_n, enum bundle_type *ret, struct tg_why *why)
{
  struct slice head = buf_slice(&r->part);
  uint32_t n;
  uint8_t type;
  if (!take_u32(&head, &n) || !take_u8(&head, &type))
    return TG_INTERNAL;
  if (type < 1 || type > KINDS)
    return no(why, TG_UNKNOWN, N_("the bundle holds a record of an unknown kind"));
  const struct kind *kind = &kinds[type - 1];
  if (n > kind->limits->max)
    return no(why, TG_TOO_BIG, N_("the bundle holds a record that is longer than its kind permits"));
  if ((type == BUNDLE_HEAD) != (r->count[0] == 0) || (kind->most && r->count[type - 1] == kind->most))
    return no(why, TG_BAD_INPUT, N_("the records of the bundle do not stand in their order"));
  *ret_n = BUNDLE_FRAMING + n;
  *ret = (enum bundle_type)type;
  return TG_OK;
}

/* A place in a hub's order, or in its log, has no meaning on a stick. */
static bool is_of_a_hub(const Tg__Document *m)
{
  return m->sequence || m->entry.len || m->salt.len || m->leaf || m->path.len;
}

static enum tg_err check_message(const struct bundle_record *record, struct tg_why *why)
{
  const bool bad = (record->type == BUNDLE_DOCUMENT && is_of_a_hub((const Tg__Document *)record->message)) ||
                   (record->type == BUNDLE_CHUNK && (((const Tg__Chunk *)record->message)->offset || ((const Tg__Chunk *)record->message)->handle));
  return bad ? no(why, TG_BAD_INPUT, N_("the bundle holds a field that has no place in it")) : TG_OK;
}

enum tg_err bundle_read(struct bundle_reader *r, struct slice *bytes, struct arena *arena, struct arena *chunks,
                        struct bundle_record *ret, struct tg_why *why)
{
  size_t n = 0;
  bool whole = false;
  enum bundle_type type = BUNDLE_HEAD;
  enum tg_err err = r->begun ? TG_OK : read_magic(r, bytes, why);
  if (err != TG_OK)
    return err;
  if (r->ended)
    return bytes->n ? no(why, TG_BAD_INPUT, N_("something follows the end of the bundle")) : TG_NOT_FOUND;
  err = fill(r, bytes, BUNDLE_FRAMING, &whole);
  if (err == TG_OK && whole)
    err = look(r, &n, &type, why);
  if (err == TG_OK && whole)
    err = fill(r, bytes, n, &whole);
  if (err != TG_OK || !whole)
    return err != TG_OK ? err : TG_NOT_FOUND;
  struct bundle_record record = {.type = type};
  struct slice message = slice_of(r->part.p + BUNDLE_FRAMING, n - BUNDLE_FRAMING);
  struct tg_why cause = {0};
  err = strict_unpack(kinds[type - 1].limits, message, type == BUNDLE_CHUNK ? chunks : arena, &record.message, &cause);
  if (err != TG_OK && err != TG_NO_MEMORY)
    return why_set(why, TG_BAD_INPUT, "bundle", N_("the bundle was altered, or is not whole (%1$s)"), N_("Have it written again"),
                   cause.where, NULL, NULL);
  if (err == TG_OK)
    err = check_message(&record, why);
  if (err != TG_OK)
    return err;
  r->count[type - 1]++;
  if (type == BUNDLE_END)
    r->ended = true;
  else
    hash_more(&r->hash, buf_slice(&r->part));
  buf_clear(&r->part);
  *ret = record;
  return TG_OK;
}
