#include "proto/body_stream.h"
#include "proto/buf.h"
#include "proto/limits.h"
#include "proto/locked.h"
#include "proto/merkle.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { ZSTD_LEVEL = 3, ZSTD_OUT = 16 * 1024 };

/* In guarded memory; the two buffers hold no key and are ordinary memory.
   Invariants: plain[0..filled) is the beginning of chunk `number`; a full chunk waits there until it is known not
   to be the last. unpadded counts the plaintext so far. */
struct body_sealer {
  crypto_secretstream_xchacha20poly1305_state stream;
  struct body_key key;
  struct body_seal seal; /* root set at the end */
  struct merkle_frontier chunks;
  uint32_t index;
  body_sink sink;
  void *context;
  uint64_t promised, taken; /* content bytes */
  uint64_t unpadded, number;
  ZSTD_CCtx *zstd; /* NULL without compression */
  uint8_t *plain, *sealed;
  size_t filled, used; /* used: high-water mark of filled, for wiping */
};

static struct locked_shelf shelf = {.size = sizeof(struct body_sealer)};

/* Seals plain[0..filled) as the next chunk. */
static enum tg_err emit(struct body_sealer *s, uint8_t tag)
{
  uint8_t data[BODY_CHUNK_DATA];
  struct slice sealed = slice_of(s->sealed, s->filled + BODY_OVERHEAD);
  body_chunk_data(s->index, s->number++, data);
  crypto_secretstream_xchacha20poly1305_push(&s->stream, s->sealed, NULL, s->plain, s->filled, data, sizeof data, tag);
  struct hash leaf = merkle_leaf(sealed);
  merkle_frontier_append(&s->chunks, &leaf, NULL);
  s->seal.size += sealed.n;
  s->filled = 0;
  return s->sink(s->context, sealed);
}

/* n bytes of plaintext; p NULL: zeros. */
static enum tg_err put_plain(struct body_sealer *s, const uint8_t *p, uint64_t n)
{
  while (n) {
    if (s->filled == BODY_CHUNK) {
      enum tg_err err = emit(s, crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
      if (err)
        return err;
    }
    size_t some = n < BODY_CHUNK - s->filled ? (size_t)n : BODY_CHUNK - s->filled;
    if (p) {
      memcpy(s->plain + s->filled, p, some);
      p += some;
    } else {
      memset(s->plain + s->filled, 0, some);
    }
    s->filled += some;
    s->used = s->filled > s->used ? s->filled : s->used;
    n -= some;
  }
  return TG_OK;
}

static enum tg_err put_unpadded(struct body_sealer *s, const void *p, size_t n, struct tg_why *why)
{
  if (n > BODY_MAX - s->unpadded)
    return why_set(why, TG_TOO_BIG, "body", N_("no body is as long as this"), NULL, NULL, NULL, NULL);
  s->unpadded += n;
  return put_plain(s, p, n);
}

static enum tg_err put_head(struct body_sealer *s, const struct body_head *head, struct tg_why *why)
{
  struct buf b = buf_new(4 + LIMIT_BODY_HEAD), m = buf_new(LIMIT_BODY_HEAD);
  enum tg_err err = body_head_pack(head, &m, why);
  if (!err)
    err = body_head_check(head, why);
  buf_put_u32(&b, (uint32_t)m.n);
  buf_put_slice(&b, buf_slice(&m));
  if (!err)
    err = buf_status(&b);
  if (!err)
    err = put_unpadded(s, b.p, b.n, why);
  buf_free(&m);
  buf_free(&b);
  return err;
}

static enum tg_err begin_compression(struct body_sealer *s)
{
  s->zstd = ZSTD_createCCtx();
  bool ready = s->zstd && !ZSTD_isError(ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) &&
               !ZSTD_isError(ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_windowLog, BODY_WINDOW_LOG)) &&
               !ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(s->zstd, s->promised));
  return ready ? TG_OK : TG_NO_MEMORY;
}

static void begin_stream(struct body_sealer *s, const struct body_key *key)
{
  uint8_t stream_key[32];
  if (key)
    s->key = *key;
  else
    randombytes_buf(s->key.b, sizeof s->key.b);
  body_derive(&s->key, stream_key, &s->seal.key_commitment);
  crypto_secretstream_xchacha20poly1305_init_push(&s->stream, s->seal.stream_header, stream_key);
  sodium_memzero(stream_key, sizeof stream_key);
}

/* Of the largest chunk there can be: most bodies are a small part of a whole one. What compression makes of a content is not known. */
static size_t chunk_max(const struct body_head *head)
{
  const uint64_t besides = 4 + LIMIT_BODY_HEAD;
  if (head->compression == BODY_ZSTD || head->size > BODY_CHUNK - besides)
    return BODY_CHUNK;
  uint64_t n = body_padded(besides + head->size);
  return n < BODY_CHUNK ? (size_t)n : BODY_CHUNK;
}

enum tg_err body_sealer_new(uint32_t index, const struct body_head *head, const struct body_key *key, body_sink sink,
                            void *context, struct body_sealer **ret, struct tg_why *why)
{
  struct body_sealer *s = locked_take(&shelf);
  enum tg_err err = TG_NO_MEMORY;
  if (!s)
    return err;
  *s = (struct body_sealer){.index = index, .sink = sink, .context = context, .promised = head->size};
  size_t chunk = chunk_max(head);
  s->plain = malloc(chunk);
  s->sealed = malloc(chunk + BODY_OVERHEAD);
  if (s->plain && s->sealed) {
    begin_stream(s, key);
    err = put_head(s, head, why);
  }
  if (!err && head->compression == BODY_ZSTD)
    err = begin_compression(s);
  if (err)
    body_sealer_free(s);
  else
    *ret = s;
  return err;
}

void body_sealer_free(struct body_sealer *s)
{
  if (!s)
    return;
  if (s->plain)
    sodium_memzero(s->plain, s->used);
  free(s->plain);
  free(s->sealed);
  ZSTD_freeCCtx(s->zstd);
  locked_give(&shelf, s); /* wipes */
}

static enum tg_err compress(struct body_sealer *s, struct slice content, ZSTD_EndDirective end, struct tg_why *why)
{
  uint8_t out[ZSTD_OUT];
  ZSTD_inBuffer in = {.src = content.p, .size = content.n};
  enum tg_err err = TG_OK;
  size_t left;
  do {
    ZSTD_outBuffer to = {.dst = out, .size = sizeof out};
    left = ZSTD_compressStream2(s->zstd, &to, &in, end);
    if (ZSTD_isError(left))
      return why_set(why, TG_INTERNAL, "body", N_("compression failed"), NULL, NULL, NULL, NULL);
    err = put_unpadded(s, out, to.pos, why);
  } while (!err && (end == ZSTD_e_end ? left > 0 : in.pos < in.size));
  sodium_memzero(out, sizeof out);
  return err;
}

enum tg_err body_sealer_put(struct body_sealer *s, struct slice content, struct tg_why *why)
{
  if (content.n > s->promised - s->taken)
    return why_set(why, TG_BAD_INPUT, "body", N_("there is more content than was promised"), NULL, NULL, NULL, NULL);
  s->taken += content.n;
  if (!content.n)
    return TG_OK;
  return s->zstd ? compress(s, content, ZSTD_e_continue, why) : put_unpadded(s, content.p, content.n, why);
}

enum tg_err body_sealer_finish(struct body_sealer *s, struct body_seal *ret, struct body_key *ret_key,
                               struct tg_why *why)
{
  enum tg_err err = TG_OK;
  if (s->taken != s->promised)
    return why_set(why, TG_BAD_INPUT, "body", N_("there is less content than was promised"), NULL, NULL, NULL, NULL);
  if (s->zstd)
    err = compress(s, slice_of(NULL, 0), ZSTD_e_end, why);
  if (!err)
    err = put_plain(s, NULL, body_padded(s->unpadded) - s->unpadded);
  if (!err)
    err = emit(s, crypto_secretstream_xchacha20poly1305_TAG_FINAL);
  if (err)
    return err;
  s->seal.root = merkle_frontier_root(&s->chunks);
  s->seal.chunks = s->number;
  *ret = s->seal;
  *ret_key = s->key;
  return TG_OK;
}
