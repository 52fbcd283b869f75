#include "proto/arena.h"
#include "proto/body_stream.h"
#include "proto/buf.h"
#include "proto/limits.h"
#include "proto/locked.h"
#include "proto/merkle.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { ARENA = 4 * LIMIT_BODY_HEAD };

enum phase { PHASE_HEAD, PHASE_PLAIN, PHASE_ZSTD, PHASE_PADDING };

/* In guarded memory; the buffers hold no key and are ordinary memory.
   Invariants: `yielded` content bytes went to the reader, never more than head.size; unpadded counts the plaintext
   before the padding. */
struct body_opener {
  crypto_secretstream_xchacha20poly1305_state stream;
  struct body_seal seal;
  struct merkle_frontier chunks;
  struct body_reader reader;
  struct arena *arena; /* of the head */
  enum phase phase;
  uint32_t index;
  uint64_t max, size, yielded; /* content bytes */
  uint64_t unpadded, number;
  ZSTD_DCtx *zstd;
  uint8_t *plain, *out;
  size_t used; /* most of plain that was ever filled, for wiping */
  bool proven; /* the chunks were measured against seal.root before */
};

static struct locked_shelf shelf = {.size = sizeof(struct body_opener)};

static enum tg_err refuse(struct tg_why *why, enum tg_err err, const char *what)
{
  return why_set(why, err, "body", what, NULL, NULL, NULL, NULL);
}

/* Derives the stream from K. TG_BAD_SEAL when the Portion commits to another. */
static enum tg_err begin_stream(struct body_opener *o, const struct body_key *key, struct tg_why *why)
{
  uint8_t stream_key[32];
  struct hash commitment;
  body_derive(key, stream_key, &commitment);
  crypto_secretstream_xchacha20poly1305_init_pull(&o->stream, o->seal.stream_header, stream_key);
  sodium_memzero(stream_key, sizeof stream_key);
  if (sodium_memcmp(commitment.b, o->seal.key_commitment.b, sizeof commitment.b))
    return refuse(why, TG_BAD_SEAL, N_("the key is not the one that the portion commits to"));
  return TG_OK;
}

enum tg_err body_opener_new(uint32_t index, const struct body_seal *seal, const struct body_key *key, uint64_t max,
                            const struct body_reader *reader, struct body_opener **ret, struct tg_why *why)
{
  if (!body_chunks(seal->size))
    return refuse(why, TG_BAD_INPUT, N_("no body has the size that the portion says"));
  struct body_opener *o = locked_take(&shelf);
  if (!o)
    return TG_NO_MEMORY;
  *o = (struct body_opener){.index = index, .seal = *seal, .max = max, .reader = *reader};
  o->plain = malloc(seal->size < BODY_CHUNK ? (size_t)seal->size : BODY_CHUNK);
  o->arena = arena_new(ARENA);
  enum tg_err err = o->plain && o->arena ? begin_stream(o, key, why) : TG_NO_MEMORY;
  if (err)
    body_opener_free(o);
  else
    *ret = o;
  return err;
}

void body_opener_proven(struct body_opener *o) { o->proven = true; }

void body_opener_free(struct body_opener *o)
{
  if (!o)
    return;
  if (o->plain)
    sodium_memzero(o->plain, o->used);
  if (o->out)
    sodium_memzero(o->out, BODY_CHUNK);
  free(o->plain);
  free(o->out);
  arena_free(o->arena);
  ZSTD_freeDCtx(o->zstd);
  locked_give(&shelf, o); /* wipes */
}

/* A decoder whose window is bounded and which a frame's first bytes cannot turn into another: zstd's library also
   knows skippable frames and formats older than 1.0. */
static enum tg_err begin_decompression(struct body_opener *o, struct slice rest, struct tg_why *why)
{
  static const uint8_t magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
  if (rest.n < sizeof magic || memcmp(rest.p, magic, sizeof magic)) /* all in the first chunk, heads being short */
    return refuse(why, TG_BAD_INPUT, N_("the content is not compressed as it says"));
  o->out = malloc(BODY_CHUNK);
  o->zstd = ZSTD_createDCtx();
  if (!o->out || !o->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(o->zstd, ZSTD_d_windowLogMax, BODY_WINDOW_LOG)))
    return TG_NO_MEMORY;
  o->phase = PHASE_ZSTD;
  return TG_OK;
}

static enum tg_err take_head(struct body_opener *o, struct slice *plain, struct tg_why *why)
{
  uint32_t n;
  struct slice bytes;
  struct body_head head;
  if (!take_u32(plain, &n) || n > LIMIT_BODY_HEAD || !take(plain, n, &bytes))
    return refuse(why, TG_BAD_INPUT, N_("the body has no head"));
  enum tg_err err = body_head_unpack(bytes, o->arena, &head, why);
  if (!err)
    err = body_head_check(&head, why);
  if (err)
    return err;
  if (head.size > o->max)
    return refuse(why, TG_TOO_BIG, N_("the content is larger than is taken here"));
  o->size = head.size;
  o->unpadded = 4 + (uint64_t)n;
  o->phase = head.size ? PHASE_PLAIN : PHASE_PADDING;
  if (head.compression == BODY_ZSTD)
    err = begin_decompression(o, *plain, why);
  return err ? err : o->reader.head(o->reader.context, &head);
}

static enum tg_err yield(struct body_opener *o, struct slice piece, struct tg_why *why)
{
  if (piece.n > o->size - o->yielded)
    return refuse(why, TG_BAD_INPUT, N_("there is more content than the head says"));
  o->yielded += piece.n;
  return piece.n ? o->reader.content(o->reader.context, piece) : TG_OK;
}

static enum tg_err take_plain(struct body_opener *o, struct slice *plain, struct tg_why *why)
{
  struct slice piece;
  uint64_t left = o->size - o->yielded;
  take(plain, left < plain->n ? (size_t)left : plain->n, &piece); /* cannot fail: not more than there is */
  o->unpadded += piece.n;
  enum tg_err err = yield(o, piece, why);
  if (o->yielded == o->size)
    o->phase = PHASE_PADDING;
  return err;
}

static enum tg_err take_compressed(struct body_opener *o, struct slice *plain, struct tg_why *why)
{
  ZSTD_inBuffer in = {.src = plain->p, .size = plain->n};
  size_t left;
  bool flushed;
  do {
    ZSTD_outBuffer to = {.dst = o->out, .size = BODY_CHUNK};
    left = ZSTD_decompressStream(o->zstd, &to, &in);
    if (ZSTD_isError(left))
      return refuse(why, TG_BAD_INPUT, N_("the compressed content is damaged"));
    enum tg_err err = yield(o, slice_of(o->out, to.pos), why);
    if (err)
      return err;
    flushed = to.pos < to.size;
  } while (left && (in.pos < in.size || !flushed));
  o->unpadded += in.pos;
  *plain = slice_of(plain->p + in.pos, plain->n - in.pos);
  if (left)
    return TG_OK; /* the frame goes on in the next chunk */
  if (o->yielded != o->size)
    return refuse(why, TG_BAD_INPUT, N_("there is less content than the head says"));
  o->phase = PHASE_PADDING;
  return TG_OK;
}

static enum tg_err take_padding(struct slice *plain, struct tg_why *why)
{
  if (plain->n && !sodium_is_zero(plain->p, plain->n))
    return refuse(why, TG_BAD_INPUT, N_("there are bytes after the content"));
  *plain = slice_of(NULL, 0);
  return TG_OK;
}

static enum tg_err take_plaintext(struct body_opener *o, struct slice plain, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  while (!err && plain.n)
    switch (o->phase) {
    case PHASE_HEAD:
      err = take_head(o, &plain, why);
      break;
    case PHASE_PLAIN:
      err = take_plain(o, &plain, why);
      break;
    case PHASE_ZSTD:
      err = take_compressed(o, &plain, why);
      break;
    case PHASE_PADDING:
      err = take_padding(&plain, why);
      break;
    }
  return err;
}

enum tg_err body_opener_put(struct body_opener *o, struct slice sealed_chunk, struct tg_why *why)
{
  uint8_t data[BODY_CHUNK_DATA], tag;
  size_t want = body_chunk_size(o->seal.size, o->number);
  if (!want || sealed_chunk.n != want)
    return refuse(why, TG_BAD_INPUT, N_("a chunk has not the length of its place"));
  bool last = o->number + 1 == body_chunks(o->seal.size);
  uint8_t due = last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                     : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
  size_t n = want - BODY_OVERHEAD;
  body_chunk_data(o->index, o->number, data);
  if (crypto_secretstream_xchacha20poly1305_pull(&o->stream, o->plain, NULL, &tag, sealed_chunk.p, sealed_chunk.n, data,
                                                 sizeof data) ||
      tag != due)
    return refuse(why, TG_BAD_SEAL, N_("a chunk is not the one that was sealed at its place"));
  o->used = n > o->used ? n : o->used;
  if (!o->proven) {
    struct hash leaf = merkle_leaf(sealed_chunk);
    merkle_frontier_append(&o->chunks, &leaf, NULL);
  }
  o->number++;
  return take_plaintext(o, slice_of(o->plain, n), why);
}

enum tg_err body_opener_finish(struct body_opener *o, struct tg_why *why)
{
  uint64_t chunks = body_chunks(o->seal.size);
  if (o->number < chunks)
    return refuse(why, TG_BAD_INPUT, N_("chunks are missing"));
  struct hash root = o->proven ? o->seal.root : merkle_frontier_root(&o->chunks);
  if (!hash_eq(&root, &o->seal.root))
    return refuse(why, TG_BAD_PROOF, N_("this is not the body that the portion commits to"));
  if (o->phase != PHASE_PADDING)
    return refuse(why, TG_BAD_INPUT, N_("there is less content than the head says"));
  if (body_padded(o->unpadded) != o->seal.size - chunks * BODY_OVERHEAD)
    return refuse(why, TG_BAD_INPUT, N_("the padding has not the length that it must have"));
  return TG_OK;
}
