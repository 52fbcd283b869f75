#include "proto/body.h"

#include "proto/body_stream.h"
#include "proto/buf.h"
#include "proto/bulletin.pb-c.h"
#include "proto/hash.h"
#include "proto/limits.h"
#include "proto/merkle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- sizes ---- */

static unsigned log2_floor(uint64_t n) { return 63 - (unsigned)__builtin_clzll(n); }

/* Padmé (Nikitin et al., PETS 2019): a length keeps only as many leading bits as its exponent is long. */
uint64_t body_padded(uint64_t n)
{
  assert(n <= BODY_MAX);
  if (n <= BODY_MIN)
    return BODY_MIN;
  unsigned e = log2_floor(n), s = log2_floor(e) + 1;
  uint64_t mask = (UINT64_C(1) << (e - s)) - 1;
  return (n + mask) & ~mask;
}

uint64_t body_chunks(uint64_t sealed_size)
{
  if (sealed_size == 0 || sealed_size > BODY_SEALED_MAX)
    return 0;
  uint64_t chunks = (sealed_size + BODY_SEALED - 1) / BODY_SEALED;
  uint64_t last = sealed_size - (chunks - 1) * BODY_SEALED;
  uint64_t plain = sealed_size - chunks * BODY_OVERHEAD;
  bool sound = last > BODY_OVERHEAD && body_padded(plain) == plain;
  return sound ? chunks : 0;
}

size_t body_chunk_size(uint64_t sealed_size, uint64_t chunk)
{
  uint64_t chunks = body_chunks(sealed_size);
  if (chunk >= chunks)
    return 0;
  return chunk + 1 < chunks ? BODY_SEALED : (size_t)(sealed_size - chunk * BODY_SEALED);
}

/* ---- what sealing and opening share ---- */

void body_derive(const struct body_key *key, uint8_t stream_key[32], struct hash *commitment)
{
  static const char body_label[] = "toguna/body-key/v1", commitment_label[] = "toguna/key-commitment/v1";
  const struct slice labels[2] = {slice_of(body_label, sizeof body_label), slice_of(commitment_label, sizeof commitment_label)};
  hkdf_expand_two(key->b, labels, (uint8_t *const[2]){stream_key, commitment->b}, sizeof commitment->b);
}

void body_chunk_data(uint32_t index, uint64_t chunk, uint8_t out[BODY_CHUNK_DATA])
{
  memcpy(out, "toguna/chunk/v1", 16);
  for (size_t i = 0; i < 4; i++)
    out[16 + i] = (uint8_t)(index >> (24 - 8 * i));
  for (size_t i = 0; i < 8; i++)
    out[20 + i] = (uint8_t)(chunk >> (56 - 8 * i));
}

enum tg_err body_head_pack(const struct body_head *head, struct buf *out, struct tg_why *why)
{
  Tg__BodyHead m = TG__BODY_HEAD__INIT;
  m.content_type = strict_data(head->content_type);
  m.title = strict_data(head->title);
  m.filename = strict_data(head->filename);
  m.language = strict_data(head->language);
  m.size = head->size;
  m.compression = head->compression;
  return strict_pack(&limits_body_head, &m.base, out, why);
}

enum tg_err body_head_unpack(struct slice bytes, struct arena *arena, struct body_head *ret, struct tg_why *why)
{
  ProtobufCMessage *message;
  enum tg_err err = strict_unpack(&limits_body_head, bytes, arena, &message, why);
  if (err)
    return err;
  const Tg__BodyHead *m = (const Tg__BodyHead *)message;
  *ret = (struct body_head){.content_type = strict_slice(m->content_type), .title = strict_slice(m->title),
                            .filename = strict_slice(m->filename), .language = strict_slice(m->language),
                            .size = m->size, .compression = m->compression ? BODY_ZSTD : BODY_PLAIN};
  return TG_OK;
}

bool media_type_valid(struct slice s)
{
  for (size_t i = 0; i < s.n; i++)
    if (s.p[i] < 0x20 || s.p[i] > 0x7e)
      return false;
  return memchr(s.p, '/', s.n) != NULL;
}

/* A name that could leave the folder it is put in must not even arrive. */
static bool filename_valid(struct slice s)
{
  return s.n == 0 ||
         (!memchr(s.p, '/', s.n) && !memchr(s.p, '\\', s.n) && !slice_is(s, ".") && !slice_is(s, ".."));
}

enum tg_err body_head_check(const struct body_head *head, struct tg_why *why)
{
  if (!media_type_valid(head->content_type))
    return why_set(why, TG_BAD_INPUT, "BodyHead.content_type", N_("this is not a media type"),
                   N_("use one such as text/plain"), NULL, NULL, NULL);
  if (!filename_valid(head->filename))
    return why_set(why, TG_BAD_INPUT, "BodyHead.filename", N_("this is a path and not the name of a file"), NULL, NULL,
                   NULL, NULL);
  if (head->compression == BODY_ZSTD && head->size == 0)
    return why_set(why, TG_BAD_INPUT, "BodyHead.compression", N_("nothing cannot be compressed"), NULL, NULL, NULL,
                   NULL);
  return TG_OK;
}

/* ---- ciphertext only ---- */

struct body_tally {
  struct hash root;
  uint64_t size, next;
  struct merkle_frontier chunks;
};

struct body_tally *body_tally_new(const struct hash *root, uint64_t sealed_size)
{
  struct body_tally *t = body_chunks(sealed_size) ? calloc(1, sizeof *t) : NULL;
  if (t) {
    t->root = *root;
    t->size = sealed_size;
  }
  return t;
}

void body_tally_free(struct body_tally *t) { free(t); }
uint64_t body_tally_next(const struct body_tally *t) { return t->next; }

enum tg_err body_tally_put(struct body_tally *t, struct slice sealed_chunk, struct tg_why *why)
{
  size_t want = body_chunk_size(t->size, t->next);
  if (!want)
    return why_set(why, TG_BAD_INPUT, "body", N_("there are more chunks than the portion says"), NULL, NULL, NULL, NULL);
  if (sealed_chunk.n != want)
    return why_set(why, TG_BAD_INPUT, "body", N_("a chunk has not the length of its place"), NULL, NULL, NULL, NULL);
  struct hash leaf = merkle_leaf(sealed_chunk);
  merkle_frontier_append(&t->chunks, &leaf, NULL);
  t->next++;
  return TG_OK;
}

enum tg_err body_tally_finish(const struct body_tally *t, struct tg_why *why)
{
  if (t->next < body_chunks(t->size))
    return why_set(why, TG_BAD_INPUT, "body", N_("chunks are missing"), NULL, NULL, NULL, NULL);
  struct hash root = merkle_frontier_root(&t->chunks);
  if (!hash_eq(&root, &t->root))
    return why_set(why, TG_BAD_PROOF, "body", N_("this is not the body that the portion commits to"), NULL, NULL, NULL,
                   NULL);
  return TG_OK;
}

enum tg_err body_check(struct slice sealed, const struct hash *root, uint64_t sealed_size, struct tg_why *why)
{
  struct body_tally t = {.root = *root, .size = sealed_size};
  struct slice chunk;
  if (!body_chunks(sealed_size) || sealed.n != sealed_size)
    return why_set(why, TG_BAD_INPUT, "body", N_("the body has not the size that the portion says"), NULL, NULL, NULL,
                   NULL);
  while (sealed.n) {
    take(&sealed, body_chunk_size(sealed_size, t.next), &chunk); /* cannot fail: the sizes add up to sealed_size */
    enum tg_err err = body_tally_put(&t, chunk, why);
    if (err)
      return err;
  }
  return body_tally_finish(&t, why);
}
