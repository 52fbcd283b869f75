/* Bodies: any size comes back as it was; anything changed, cut, moved or padded otherwise is refused. */
#include "tests/proto/bodies.h"
#include "tests/proto/chance.h"
#include "tests/proto/generate.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <zstd.h>
#include <cmocka.h>

enum {
  MESSAGE = crypto_secretstream_xchacha20poly1305_TAG_MESSAGE,
  PUSH = crypto_secretstream_xchacha20poly1305_TAG_PUSH,
  REKEY = crypto_secretstream_xchacha20poly1305_TAG_REKEY,
  FINAL = crypto_secretstream_xchacha20poly1305_TAG_FINAL,
};

/* ---- sizes ---- */

static void padding_is_padme(void **state)
{
  (void)state;
  static const struct {
    uint64_t n, padded;
  } known[] = {{0, 256}, {1, 256}, {255, 256}, {256, 256}, {257, 272}, {272, 272}, {273, 288}, {1000, 1024},
               {1025, 1088}, {65535, 65536}, {65536, 65536}, {65537, 67584}, {1000000, 1015808},
               {BODY_MAX, BODY_MAX}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    assert_int_equal(body_padded(known[i].n), known[i].padded);
  for (int round = 0; round < 100000; round++) {
    uint64_t n;
    chance_fill(&n, sizeof n);
    n = 1 + n % (UINT64_C(1) << chance_below(40));
    uint64_t p = body_padded(n);
    assert_true(p >= n && p >= 256);
    assert_true(body_padded(p) == p);
    assert_true(n < 256 || (p - n) * 100 < n * 12);
  }
}

static void only_sizes_of_bodies_have_chunks(void **state)
{
  (void)state;
  for (uint64_t plain = 0; plain < 200000; plain++) {
    uint64_t chunks = plain / BODY_CHUNK + (plain % BODY_CHUNK > 0);
    uint64_t sealed = plain + chunks * BODY_OVERHEAD;
    bool sound = plain >= 256 && body_padded(plain) == plain;
    assert_int_equal(body_chunks(sealed), sound ? chunks : 0);
  }
  assert_int_equal(body_chunks(BODY_SEALED + 17), 0); /* an empty last chunk */
  assert_true(body_chunks(BODY_SEALED_MAX) == BODY_MAX / BODY_CHUNK);
  assert_int_equal(body_chunks(BODY_SEALED_MAX + 1), 0);
  assert_int_equal(body_chunks(UINT64_MAX), 0);
  assert_int_equal(body_chunk_size(273, 0), 273);
  assert_int_equal(body_chunk_size(273, 1), 0);
  assert_int_equal(body_chunk_size(67584 + 34, 0), 65553);
  assert_int_equal(body_chunk_size(67584 + 34, 1), 2048 + 17);
}

/* ---- round trips ---- */

/* Random, or repetitive so that compression has work to do. */
static uint8_t *content_of(size_t n, bool repetitive)
{
  uint8_t *p = malloc(n + 1);
  chance_fill(p, n);
  for (size_t i = 0; repetitive && i < n; i++)
    p[i] = (uint8_t)("alerte "[i % 7] + (i % 1013 == 0 ? p[i] % 3 : 0));
  return p;
}

static void travels(size_t n, enum body_compression compression, size_t piece)
{
  uint8_t *content = content_of(n, compression == BODY_ZSTD);
  struct body_head head = head_of(n, compression, "Un titre");
  struct sealed_body sealed;
  struct opened_body opened;
  assert_int_equal(body_make(3, &head, NULL, slice_of(content, n), piece, &sealed), TG_OK);
  assert_int_equal(sealed.seal.size, sealed.bytes.n);
  assert_int_equal(sealed.seal.chunks, body_chunks(sealed.bytes.n));
  assert_int_equal(body_check(buf_slice(&sealed.bytes), &sealed.seal.root, sealed.seal.size, NULL), TG_OK);
  assert_int_equal(body_read(&sealed, n, &opened), TG_OK);
  assert_true(slice_eq(buf_slice(&opened.content), slice_of(content, n)));
  assert_int_equal(opened.heads, 1);
  assert_int_equal(opened.head.size, n);
  assert_string_equal(opened.title, "Un titre");
  buf_free(&opened.content);
  body_drop(&sealed);
  free(content);
}

static void any_size_travels(void **state)
{
  (void)state;
  static const size_t sizes[] = {0, 1, 2, 100, 255, 256, 257, 4095, 4096, 65535, 65536, 65537, 131071, 131072, 131073,
                                 200000, 327680, 1000003};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    travels(sizes[i], BODY_PLAIN, 0);
    travels(sizes[i], BODY_PLAIN, 1 + chance_below(5000));
    if (sizes[i])
      travels(sizes[i], BODY_ZSTD, 0);
    if (sizes[i])
      travels(sizes[i], BODY_ZSTD, 1 + chance_below(5000));
  }
  for (int round = 0; round < 40; round++) {
    travels(1 + chance_below(300000), BODY_PLAIN, 1 + chance_below(100000));
    travels(1 + chance_below(300000), BODY_ZSTD, 1 + chance_below(100000));
  }
}

/* Around a chunk's end, by plaintext: head and content together come to exactly so many bytes. */
static void chunk_borders_travel(void **state)
{
  (void)state;
  for (size_t unpadded = 65536 - 60; unpadded <= 65536 + 60; unpadded++)
    travels(unpadded - (4 + 12 + 10 + 4), BODY_PLAIN, 0);
}

static void incompressible_content_travels_compressed(void **state)
{
  (void)state;
  size_t n = 200000;
  uint8_t *content = content_of(n, false);
  struct body_head head = head_of(n, BODY_ZSTD, "");
  struct sealed_body sealed;
  struct opened_body opened;
  assert_int_equal(body_make(0, &head, NULL, slice_of(content, n), 0, &sealed), TG_OK);
  assert_int_equal(body_read(&sealed, n, &opened), TG_OK);
  assert_true(slice_eq(buf_slice(&opened.content), slice_of(content, n)));
  buf_free(&opened.content);
  body_drop(&sealed);
  free(content);
}

static enum tg_err nowhere(void *context, struct slice bytes)
{
  *(uint64_t *)context += bytes.n;
  return TG_OK;
}

struct through {
  struct body_opener *opener;
  uint64_t out;
};

static enum tg_err straight_into_the_opener(void *context, struct slice chunk)
{
  struct through *t = context;
  return t->opener ? body_opener_put(t->opener, chunk, NULL) : TG_OK;
}

static enum tg_err ignore_head(void *context, const struct body_head *head)
{
  (void)context, (void)head;
  return TG_OK;
}

static size_t resident_kib(void)
{
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (size_t)u.ru_maxrss;
}

static void stream(enum body_compression compression, uint64_t size, struct through *t, struct body_seal *seal,
                   struct body_key *key)
{
  static uint8_t piece[100000];
  struct body_head head = head_of(size, compression, "");
  struct body_sealer *s;
  assert_int_equal(body_sealer_new(0, &head, key, straight_into_the_opener, t, &s, NULL), TG_OK);
  for (uint64_t done = 0; done < size;) {
    size_t some = size - done < sizeof piece ? (size_t)(size - done) : sizeof piece;
    chance_fill(piece, some / 2); /* half random, half zeros */
    assert_int_equal(body_sealer_put(s, slice_of(piece, some), NULL), TG_OK);
    done += some;
  }
  assert_int_equal(body_sealer_finish(s, seal, key, NULL), TG_OK);
  body_sealer_free(s);
}

/* 40 MB sealed, checked by chunk and dropped: the process does not grow. */
static void memory_is_constant(void **state)
{
  (void)state;
  struct body_seal seal;
  struct body_key key = {{9}};
  struct through t = {0};
  stream(BODY_ZSTD, 1000000, &t, &seal, &key); /* warm */
  size_t before = resident_kib();
  stream(BODY_ZSTD, 40000000, &t, &seal, &key);
  stream(BODY_PLAIN, 40000000, &t, &seal, &key);
  assert_true(resident_kib() - before < 8 * 1024);
}

/* The same for opening: the seal is made first with the same seed, so that the second run seals the same bytes. */
static void opening_is_constant_too(void **state)
{
  (void)state;
  enum { SIZE = 20000000 };
  for (int compression = BODY_PLAIN; compression <= BODY_ZSTD; compression++) {
    struct body_seal seal, again;
    struct body_key key = {{9}};
    struct through t = {0};
    const struct body_reader reader = {.head = ignore_head, .content = nowhere, .context = &t.out};
    chance_seed(77);
    stream((enum body_compression)compression, SIZE, &t, &seal, &key);
    size_t before = resident_kib();
    assert_int_equal(body_opener_new(0, &seal, &key, SIZE, &reader, &t.opener, NULL), TG_OK);
    chance_seed(77);
    stream((enum body_compression)compression, SIZE, &t, &again, &key);
    assert_int_equal(body_opener_finish(t.opener, NULL), TG_OK);
    assert_int_equal(t.out, SIZE);
    assert_true(resident_kib() - before < 8 * 1024);
    body_opener_free(t.opener);
  }
}

/* ---- promises of the sealer ---- */

static void the_promise_is_kept(void **state)
{
  (void)state;
  struct body_head head = head_of(10, BODY_PLAIN, "");
  struct sealed_body b;
  assert_int_equal(body_make(0, &head, NULL, slice_str("ten bytes!!"), 0, &b), TG_BAD_INPUT);
  assert_int_equal(body_make(0, &head, NULL, slice_str("ten bytes"), 0, &b), TG_BAD_INPUT);
  assert_int_equal(body_make(0, &head, NULL, slice_str("ten bytes!"), 0, &b), TG_OK);
  body_drop(&b);
}

static void bad_heads_are_not_sealed(void **state)
{
  (void)state;
  static char long_title[514];
  memset(long_title, 'a', 513);
  struct body_head good = head_of(0, BODY_PLAIN, ""), bad[10];
  struct sealed_body b;
  for (size_t i = 0; i < 10; i++)
    bad[i] = good;
  bad[0].content_type = slice_str("");
  bad[1].content_type = slice_str("text");
  bad[2].content_type = slice_str("text/pl\xc3\xa9");
  bad[3].title = slice_str(long_title);
  bad[4].title = slice_str("two\nlines");
  bad[5].filename = slice_str("../etc/passwd");
  bad[6].filename = slice_str("..");
  bad[7].filename = slice_str("a\\b");
  bad[8].compression = BODY_ZSTD; /* of nothing */
  bad[9].size = BODY_MAX + 1;
  assert_int_equal(body_make(0, &good, NULL, slice_str(""), 0, &b), TG_OK);
  body_drop(&b);
  for (size_t i = 0; i < 10; i++)
    assert_int_not_equal(body_make(0, &bad[i], NULL, slice_str(""), 0, &b), TG_OK);
}

static enum tg_err disk_full(void *context, struct slice bytes)
{
  (void)context, (void)bytes;
  return TG_DISK;
}

static void errors_of_the_sink_come_through(void **state)
{
  (void)state;
  struct body_head head = head_of(0, BODY_PLAIN, "");
  struct body_sealer *s;
  struct body_seal seal;
  struct body_key key;
  assert_int_equal(body_sealer_new(0, &head, NULL, disk_full, NULL, &s, NULL), TG_OK);
  assert_int_equal(body_sealer_finish(s, &seal, &key, NULL), TG_DISK);
  body_sealer_free(s);
}

/* ---- attacks ---- */

static struct sealed_body three_chunks(void)
{
  uint8_t *content = content_of(180000, false);
  struct body_head head = head_of(180000, BODY_PLAIN, "");
  struct sealed_body b;
  assert_int_equal(body_make(1, &head, NULL, slice_of(content, 180000), 0, &b), TG_OK);
  assert_int_equal(b.seal.chunks, 3);
  free(content);
  return b;
}

static void chunks_keep_their_places(void **state)
{
  (void)state;
  struct sealed_body b = three_chunks(), other = three_chunks();
  struct opened_body o;
  struct slice c[3] = {body_chunk(&b, 0), body_chunk(&b, 1), body_chunk(&b, 2)};
  const struct {
    struct slice chunks[4];
    size_t n;
    enum tg_err err;
  } orders[] = {
      {{c[0], c[1], c[2]}, 3, TG_OK},
      {{c[0], c[1]}, 2, TG_BAD_INPUT},
      {{c[0]}, 1, TG_BAD_INPUT},
      {{{0}}, 0, TG_BAD_INPUT},
      {{c[1], c[0], c[2]}, 3, TG_BAD_SEAL},
      {{c[0], c[0], c[2]}, 3, TG_BAD_SEAL},
      {{c[0], c[2], c[1]}, 3, TG_BAD_INPUT}, /* by length */
      {{c[0], c[2]}, 2, TG_BAD_INPUT},
      {{c[0], c[1], c[2], c[2]}, 4, TG_BAD_INPUT},
      {{c[0], body_chunk(&other, 1), c[2]}, 3, TG_BAD_SEAL},
      {{c[0], slice_of(c[1].p, c[1].n - 1), c[2]}, 3, TG_BAD_INPUT},
      {{c[0], c[1], slice_of(c[2].p, c[2].n - 1)}, 3, TG_BAD_INPUT},
  };
  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
    assert_int_equal(body_read_chunks(&b, orders[i].chunks, orders[i].n, 200000, &o), orders[i].err);
    buf_free(&o.content);
  }
  body_drop(&b);
  body_drop(&other);
}

static void every_bit_counts(void **state)
{
  (void)state;
  struct body_head head = head_of(5, BODY_PLAIN, "");
  struct sealed_body b;
  struct opened_body o;
  assert_int_equal(body_make(0, &head, NULL, slice_str("hello"), 0, &b), TG_OK);
  assert_int_equal(b.bytes.n, 273);
  for (size_t bit = 0; bit < b.bytes.n * 8; bit++) {
    b.bytes.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(body_read(&b, 100, &o), TG_BAD_SEAL);
    assert_int_equal(body_check(buf_slice(&b.bytes), &b.seal.root, b.seal.size, NULL), TG_BAD_PROOF);
    b.bytes.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t bit = 0; bit < sizeof b.key.b * 8; bit++) {
    b.key.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(body_read(&b, 100, &o), TG_BAD_SEAL);
    b.key.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  for (size_t bit = 0; bit < 32 * 8; bit++) {
    b.seal.root.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(body_read(&b, 100, &o), TG_BAD_PROOF);
    b.seal.root.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  b.index = 1; /* another portion's chunk */
  assert_int_equal(body_read(&b, 100, &o), TG_BAD_SEAL);
  b.index = 0;
  b.seal.stream_header[3] ^= 1;
  assert_int_equal(body_read(&b, 100, &o), TG_BAD_SEAL);
  body_drop(&b);
}

/* Plaintext by hand: head, then content, then zeros up to `total`. */
static struct buf plaintext(const char *head_bytes, size_t head_n, struct slice content, size_t total)
{
  struct buf b = buf_new(1 << 20);
  buf_put_u32(&b, (uint32_t)head_n);
  buf_put(&b, head_bytes, head_n);
  buf_put_slice(&b, content);
  while (b.n < total)
    buf_put_u8(&b, 0);
  return b;
}

static struct buf head_bytes(uint64_t size, bool zstd)
{
  struct buf b = buf_new(64);
  wire_bytes(&b, 1, "a/b", 3);
  if (size)
    wire_number(&b, 5, size);
  if (zstd)
    wire_number(&b, 6, 1);
  return b;
}

/* What opening says of a body with this plaintext. */
static enum tg_err says(struct buf *plain, const uint8_t *tags, size_t n)
{
  struct sealed_body b;
  struct opened_body o;
  struct body_key key = {{5}};
  body_forge(0, &key, buf_slice(plain), tags, n, &b);
  enum tg_err err = body_read(&b, 1000000, &o);
  buf_free(&o.content);
  body_drop(&b);
  buf_free(plain);
  return err;
}

static const uint8_t final_tag[] = {FINAL};

static enum tg_err says_of(uint64_t size, bool zstd, struct slice content, size_t total)
{
  struct buf head = head_bytes(size, zstd), plain = plaintext((const char *)head.p, head.n, content, total);
  buf_free(&head);
  return says(&plain, final_tag, 1);
}

static void padding_is_exact(void **state)
{
  (void)state;
  uint8_t content[300] = {1};
  struct slice c = slice_of(content, 200); /* 4 + 8 + 200 bytes: padded to 256 */
  assert_int_equal(says_of(200, false, c, 256), TG_OK);
  assert_int_equal(says_of(200, false, c, 272), TG_BAD_INPUT); /* a length that bodies have, but not this one */
  assert_int_equal(says_of(200, false, c, 257), TG_BAD_INPUT);
  assert_int_equal(says_of(200, false, c, 65536), TG_BAD_INPUT);
  content[200] = 1;
  assert_int_equal(says_of(200, false, slice_of(content, 201), 256), TG_BAD_INPUT); /* not zero */
  assert_int_equal(says_of(201, false, slice_of(content, 201), 256), TG_OK);
  assert_int_equal(says_of(300, false, slice_of(content, 201), 256), TG_BAD_INPUT); /* less than it says */
}

static void heads_are_canonical(void **state)
{
  (void)state;
  static const struct {
    const char *p;
    size_t n;
  } heads[] = {
      {"\x0a\x03" "a/b\x28\x05", 7},             /* good */
      {"", 0},                                   /* no content type */
      {"\x0a\x03" "a/b\x28\x85\x00", 8},         /* a long varint */
      {"\x28\x05\x0a\x03" "a/b", 7},             /* out of order */
      {"\x0a\x03" "a/b\x28\x05\x30\x02", 9},     /* compression 2 */
      {"\x0a\x03" "a/b\x28\x05\x38\x01", 9},     /* an unknown field */
      {"\x0a\x03" "a/b\x12\x02\xff\xff\x28\x05", 11}, /* title is no UTF-8 */
      {"\x0a\x03" "a/b\x1a\x03" "a/b\x28\x05", 12},   /* file name is a path */
  };
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
    struct buf plain = plaintext(heads[i].p, heads[i].n, slice_str("hello"), 256);
    assert_int_equal(says(&plain, final_tag, 1), i ? TG_BAD_INPUT : TG_OK);
  }
  struct buf far = buf_new(256);
  buf_put_u32(&far, 1u << 31);
  while (far.n < 256)
    buf_put_u8(&far, 0);
  assert_int_equal(says(&far, final_tag, 1), TG_BAD_INPUT);
}

static void content_above_the_limit_is_refused(void **state)
{
  (void)state;
  struct body_head head = head_of(1000, BODY_ZSTD, "");
  uint8_t zeros[1000] = {0};
  struct sealed_body b;
  struct opened_body o;
  assert_int_equal(body_make(0, &head, NULL, slice_of(zeros, 1000), 0, &b), TG_OK);
  assert_int_equal(body_read(&b, 999, &o), TG_TOO_BIG);
  assert_int_equal(o.heads, 0);
  assert_int_equal(body_read(&b, 1000, &o), TG_OK);
  buf_free(&o.content);
  body_drop(&b);
}

static void tags_are_where_they_belong(void **state)
{
  (void)state;
  static const uint8_t wrong_last[] = {MESSAGE, PUSH, REKEY};
  for (size_t i = 0; i < sizeof wrong_last; i++) {
    struct buf head = head_bytes(5, false), plain = plaintext((const char *)head.p, head.n, slice_str("hello"), 256);
    assert_int_equal(says(&plain, &wrong_last[i], 1), TG_BAD_SEAL);
    buf_free(&head);
  }
  static const uint8_t two[][2] = {{MESSAGE, FINAL}, {FINAL, FINAL}, {REKEY, FINAL}, {PUSH, FINAL}, {MESSAGE, MESSAGE}};
  for (size_t i = 0; i < sizeof two / sizeof *two; i++) {
    uint8_t *content = content_of(66000, false);
    struct buf head = head_bytes(66000, false);
    struct buf plain = plaintext((const char *)head.p, head.n, slice_of(content, 66000), 67584);
    assert_int_equal(says(&plain, two[i], 2), i ? TG_BAD_SEAL : TG_OK);
    buf_free(&head);
    free(content);
  }
}

/* Who has K can seal other chunks under it, but not under the signed root: recipients cannot be told two texts. */
static void one_text_for_all(void **state)
{
  (void)state;
  struct body_head head = head_of(5, BODY_PLAIN, "");
  struct sealed_body b, other;
  struct opened_body o;
  assert_int_equal(body_make(0, &head, NULL, slice_str("hello"), 0, &b), TG_OK);
  struct buf h = head_bytes(5, false), plain = plaintext((const char *)h.p, h.n, slice_str("HELLO"), 256);
  body_forge(0, &b.key, buf_slice(&plain), final_tag, 1, &other);
  other.seal.root = b.seal.root;
  assert_int_equal(body_read(&other, 100, &o), TG_BAD_PROOF);
  body_drop(&b);
  body_drop(&other);
  buf_free(&plain);
  buf_free(&h);
}

/* ---- compression ---- */

static struct slice compressed(const void *p, size_t n, int window_log, uint8_t *out, size_t size)
{
  ZSTD_CCtx *c = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window_log);
  ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, 0); /* or the window would be the content's size */
  ZSTD_inBuffer in = {.src = p, .size = n};
  ZSTD_outBuffer to = {.dst = out, .size = size};
  assert_int_equal(ZSTD_compressStream2(c, &to, &in, ZSTD_e_flush), 0);
  assert_int_equal(ZSTD_compressStream2(c, &to, &in, ZSTD_e_end), 0);
  ZSTD_freeCCtx(c);
  return slice_of(out, to.pos);
}

static enum tg_err says_of_frame(uint64_t size, struct slice frame)
{
  struct buf head = head_bytes(size, true);
  size_t unpadded = 4 + head.n + frame.n;
  buf_free(&head);
  return says_of(size, true, frame, (size_t)body_padded(unpadded));
}

static void frames_are_what_they_say(void **state)
{
  (void)state;
  static uint8_t zeros[1000000], out[100000];
  struct slice f = compressed(zeros, 1000, 17, out, sizeof out);
  assert_int_equal(says_of_frame(1000, f), TG_OK);
  assert_int_equal(says_of_frame(999, f), TG_BAD_INPUT);
  assert_int_equal(says_of_frame(1001, f), TG_BAD_INPUT);
  assert_int_equal(says_of_frame(1000, slice_of(f.p, f.n - 3)), TG_BAD_INPUT); /* its last block */
  assert_int_equal(says_of_frame(1000, slice_of(f.p, 3)), TG_BAD_INPUT);
  assert_int_equal(says_of_frame(1000, slice_of(f.p, 0)), TG_BAD_INPUT);
  f = compressed(zeros, sizeof zeros, 17, out, sizeof out); /* a bomb: it stops at what the head says */
  assert_int_equal(says_of_frame(1000, f), TG_BAD_INPUT);
  assert_int_equal(says_of_frame(sizeof zeros, f), TG_OK);
}

static void windows_are_bounded(void **state)
{
  (void)state;
  static uint8_t out[100000];
  uint8_t *content = content_of(600000, true);
  assert_int_equal(says_of_frame(600000, compressed(content, 600000, 17, out, sizeof out)), TG_OK);
  assert_int_equal(says_of_frame(600000, compressed(content, 600000, 18, out, sizeof out)), TG_BAD_INPUT);
  free(content);
}

static void only_one_frame_and_of_the_right_kind(void **state)
{
  (void)state;
  static uint8_t zeros[1000], one[1000], both[2000];
  struct slice f = compressed(zeros, 500, 17, one, sizeof one);
  memcpy(both, f.p, f.n);
  memcpy(both + f.n, f.p, f.n);
  assert_int_equal(says_of_frame(1000, slice_of(both, 2 * f.n)), TG_BAD_INPUT);
  assert_int_equal(says_of_frame(500, slice_of(both, 2 * f.n)), TG_BAD_INPUT);

  static const uint8_t skippable[8] = {0x50, 0x2a, 0x4d, 0x18};
  memcpy(both, skippable, 8);
  memcpy(both + 8, f.p, f.n);
  assert_int_equal(says_of_frame(500, slice_of(both, 8 + f.n)), TG_BAD_INPUT);
  for (uint8_t version = 0x22; version <= 0x27; version++) { /* formats before 1.0 that the library still reads */
    memcpy(both, f.p, f.n);
    both[0] = version;
    assert_int_equal(says_of_frame(500, slice_of(both, f.n)), TG_BAD_INPUT);
  }
  struct buf head = head_bytes(0, true), plain = plaintext((const char *)head.p, head.n, f, 256);
  assert_int_equal(says(&plain, final_tag, 1), TG_BAD_INPUT); /* compressed nothing */
  buf_free(&head);
}

/* ---- the hub's side ---- */

static void a_tally_follows_the_chunks(void **state)
{
  (void)state;
  struct sealed_body b = three_chunks();
  struct body_tally *t = body_tally_new(&b.seal.root, b.seal.size);
  assert_int_equal(body_tally_put(t, body_chunk(&b, 2), NULL), TG_BAD_INPUT);
  for (uint64_t i = 0; i < 3; i++) {
    assert_int_equal(body_tally_next(t), i);
    assert_int_equal(body_tally_finish(t, NULL), TG_BAD_INPUT);
    assert_int_equal(body_tally_put(t, body_chunk(&b, i), NULL), TG_OK);
  }
  assert_int_equal(body_tally_finish(t, NULL), TG_OK);
  assert_int_equal(body_tally_put(t, body_chunk(&b, 2), NULL), TG_BAD_INPUT);
  assert_int_equal(body_tally_finish(t, NULL), TG_OK);
  body_tally_free(t);

  t = body_tally_new(&b.seal.root, b.seal.size);
  assert_int_equal(body_tally_put(t, body_chunk(&b, 1), NULL), TG_OK); /* the right length at the wrong place */
  assert_int_equal(body_tally_put(t, body_chunk(&b, 0), NULL), TG_OK);
  assert_int_equal(body_tally_put(t, body_chunk(&b, 2), NULL), TG_OK);
  assert_int_equal(body_tally_finish(t, NULL), TG_BAD_PROOF);
  body_tally_free(t);
  assert_null(body_tally_new(&b.seal.root, b.seal.size + 1));
  assert_int_equal(body_check(slice_of(b.bytes.p, b.bytes.n - 1), &b.seal.root, b.seal.size, NULL), TG_BAD_INPUT);
  body_drop(&b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(padding_is_padme),
      cmocka_unit_test(only_sizes_of_bodies_have_chunks),
      cmocka_unit_test(memory_is_constant),
      cmocka_unit_test(opening_is_constant_too),
      cmocka_unit_test(any_size_travels),
      cmocka_unit_test(chunk_borders_travel),
      cmocka_unit_test(incompressible_content_travels_compressed),
      cmocka_unit_test(the_promise_is_kept),
      cmocka_unit_test(bad_heads_are_not_sealed),
      cmocka_unit_test(errors_of_the_sink_come_through),
      cmocka_unit_test(chunks_keep_their_places),
      cmocka_unit_test(every_bit_counts),
      cmocka_unit_test(padding_is_exact),
      cmocka_unit_test(heads_are_canonical),
      cmocka_unit_test(content_above_the_limit_is_refused),
      cmocka_unit_test(tags_are_where_they_belong),
      cmocka_unit_test(one_text_for_all),
      cmocka_unit_test(frames_are_what_they_say),
      cmocka_unit_test(windows_are_bounded),
      cmocka_unit_test(only_one_frame_and_of_the_right_kind),
      cmocka_unit_test(a_tally_follows_the_chunks),
  };
  chance_seed(4);
  return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
