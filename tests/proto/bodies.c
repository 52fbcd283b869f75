#include "tests/proto/bodies.h"

#include "proto/hash.h"
#include "proto/merkle.h"

#include <sodium.h>
#include <stdio.h>

enum { MOST = 80 * 1024 * 1024 };

struct body_head head_of(uint64_t size, enum body_compression compression, const char *title)
{
  return (struct body_head){.content_type = slice_str("text/plain"), .title = slice_str(title), .size = size,
                            .compression = compression};
}

static enum tg_err collect(void *context, struct slice bytes)
{
  buf_put_slice(context, bytes);
  return buf_status(context);
}

static enum tg_err put_all(struct body_sealer *s, struct slice content, size_t piece)
{
  enum tg_err err = TG_OK;
  while (!err && content.n) {
    struct slice some;
    take(&content, piece && piece < content.n ? piece : content.n, &some);
    err = body_sealer_put(s, some, NULL);
  }
  return err;
}

enum tg_err body_make(uint32_t index, const struct body_head *head, const struct body_key *key, struct slice content,
                      size_t piece, struct sealed_body *ret)
{
  struct body_sealer *s = NULL;
  *ret = (struct sealed_body){.index = index, .bytes = buf_new(MOST)};
  enum tg_err err = body_sealer_new(index, head, key, collect, &ret->bytes, &s, NULL);
  if (!err)
    err = put_all(s, content, piece);
  if (!err)
    err = body_sealer_finish(s, &ret->seal, &ret->key, NULL);
  body_sealer_free(s);
  if (err)
    buf_free(&ret->bytes);
  return err;
}

/* docs/protocol.md §4, written down a second time. */
void body_forge(uint32_t index, const struct body_key *key, struct slice plaintext, const uint8_t *tags, size_t tag_count,
                struct sealed_body *ret)
{
  crypto_secretstream_xchacha20poly1305_state stream;
  struct merkle_frontier chunks = {0};
  uint8_t stream_key[32];
  *ret = (struct sealed_body){.index = index, .bytes = buf_new(MOST), .key = *key};
  hkdf_expand(key->b, slice_of("toguna/body-key/v1", 19), stream_key, 32);
  hkdf_expand(key->b, slice_of("toguna/key-commitment/v1", 25), ret->seal.key_commitment.b, 32);
  crypto_secretstream_xchacha20poly1305_init_push(&stream, ret->seal.stream_header, stream_key);
  for (uint64_t i = 0; plaintext.n; i++) {
    struct slice some;
    struct buf data = buf_new(64);
    buf_put(&data, "toguna/chunk/v1", 16);
    buf_put_u32(&data, index);
    buf_put_u64(&data, i);
    take(&plaintext, plaintext.n < BODY_CHUNK ? plaintext.n : BODY_CHUNK, &some);
    uint8_t *out = buf_grow(&ret->bytes, some.n + BODY_OVERHEAD);
    crypto_secretstream_xchacha20poly1305_push(&stream, out, NULL, some.p, some.n, data.p, data.n,
                                               tags[i < tag_count ? i : tag_count - 1]);
    struct hash leaf = merkle_leaf(slice_of(out, some.n + BODY_OVERHEAD));
    merkle_frontier_append(&chunks, &leaf, NULL);
    buf_free(&data);
  }
  ret->seal.root = merkle_frontier_root(&chunks);
  ret->seal.size = ret->bytes.n;
  ret->seal.chunks = chunks.size;
}

void body_drop(struct sealed_body *b) { buf_free(&b->bytes); }

struct slice body_chunk(const struct sealed_body *b, uint64_t i)
{
  size_t from = (size_t)i * BODY_SEALED;
  return slice_of(b->bytes.p + from, b->bytes.n - from < BODY_SEALED ? b->bytes.n - from : BODY_SEALED);
}

static enum tg_err on_head(void *context, const struct body_head *head)
{
  struct opened_body *o = context;
  o->head = *head;
  snprintf(o->title, sizeof o->title, "%.*s", (int)head->title.n, head->title.n ? (const char *)head->title.p : "");
  o->heads++;
  return TG_OK;
}

static enum tg_err on_content(void *context, struct slice bytes)
{
  return collect(&((struct opened_body *)context)->content, bytes);
}

enum tg_err body_read_chunks(const struct sealed_body *b, const struct slice *chunks, size_t count, uint64_t max,
                             struct opened_body *ret)
{
  struct body_opener *o = NULL;
  const struct body_reader reader = {.head = on_head, .content = on_content, .context = ret};
  *ret = (struct opened_body){.content = buf_new(MOST)};
  enum tg_err err = body_opener_new(b->index, &b->seal, &b->key, max, &reader, &o, NULL);
  for (size_t i = 0; !err && i < count; i++)
    err = body_opener_put(o, chunks[i], NULL);
  if (!err)
    err = body_opener_finish(o, NULL);
  body_opener_free(o);
  if (err)
    buf_free(&ret->content);
  return err;
}

enum tg_err body_read(const struct sealed_body *b, uint64_t max, struct opened_body *ret)
{
  struct slice chunks[2048];
  size_t count = 0;
  for (size_t from = 0; from < b->bytes.n; from += BODY_SEALED)
    chunks[count] = body_chunk(b, count), count++;
  return body_read_chunks(b, chunks, count, max, ret);
}
