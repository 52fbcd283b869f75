/* What an originator may have sealed: the input is the plaintext of a wrap (first byte even) or of a body
   (odd), sealed properly, so that everything behind the authentication is reached. */
#include "proto/hash.h"
#include "proto/hpke.h"
#include "proto/wrap.h"
#include "tests/proto/bodies.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  return sodium_init() < 0 ? -1 : 0;
}

/* docs/protocol.md §6. */
static struct hash info_of(const struct wrap_parties *p)
{
  struct hash_state s;
  hash_begin(&s, "toguna/wrap-info/v1");
  hash_put_u16(&s, p->suite);
  hash_put_hash(&s, &p->exchange);
  hash_put(&s, p->originator.b, 32);
  hash_put(&s, p->originator_member, 2);
  hash_put(&s, p->recipient.b, 32);
  hash_put(&s, p->recipient_member, 2);
  hash_put(&s, p->recipient_key.b, 32);
  return hash_end(&s);
}

static struct hash aad_of(const struct wrap_parties *p, const struct wrap_binding *b, uint32_t portions)
{
  struct hash_state s;
  hash_begin(&s, "toguna/wrap-aad/v1");
  hash_put_hash(&s, &b->subject_hash);
  hash_put_u64(&s, b->bulletin_number);
  hash_put_u32(&s, portions);
  hash_put(&s, p->recipient.b, 32);
  return hash_end(&s);
}

/* As many portions as this plaintext has room for, from `first` on. */
static uint32_t mask_for(size_t n, unsigned first)
{
  size_t keys = n < 41 ? 0 : (n - 41) / 33;
  if (n < 41 || (n - 41) % 33 || keys < 1 || keys > LIMIT_PORTIONS)
    return 0;
  return (((UINT32_C(1) << keys) - 1) << first % LIMIT_PORTIONS) & 0xffff;
}

static void wrap(struct slice plain, unsigned first)
{
  static uint8_t secret[32], ikm[32] = {1};
  struct wrap_parties p = {.suite = 1, .originator_member = {'M', 'L'}, .recipient_member = {'N', 'G'}};
  struct wrap_binding b = {.bulletin_number = 7};
  struct wrap_content content;
  struct hpke h;
  uint8_t sealed[41 + 33 * LIMIT_PORTIONS + HPKE_TAG];
  struct wrap w = {.portions = mask_for(plain.n, first), .sealed = slice_of(sealed, plain.n + HPKE_TAG)};
  if (!w.portions)
    return;
  hpke_derive_key_pair(ikm, secret, &p.recipient_key);
  struct hash info = info_of(&p), aad = aad_of(&p, &b, w.portions);
  assert(hpke_send(&p.recipient_key, slice_of(info.b, 32), NULL, &h, w.enc) == TG_OK);
  assert(hpke_seal(&h, slice_of(aad.b, 32), plain, sealed) == TG_OK);
  wrap_key_id(p.suite, &p.recipient_key, w.key_id);
  struct wrap_opener *opener = wrap_opener_new(1);
  assert(opener);
  enum tg_err err = wrap_open(opener, &w, &p, secret, &b, &content, NULL);
  assert(err == TG_OK || err == TG_BAD_INPUT);
  assert(err || (content.portions == w.portions && content.number >= 1));
  wrap_opener_free(opener);
}

static void body(struct slice plain, unsigned tag)
{
  static const uint8_t tags[] = {crypto_secretstream_xchacha20poly1305_TAG_FINAL,
                                 crypto_secretstream_xchacha20poly1305_TAG_MESSAGE};
  struct body_key key = {{3}};
  struct sealed_body b;
  struct opened_body o;
  if (plain.n == 0)
    return;
  uint8_t *padded = NULL;
  if (tag & 2) { /* padded as an honest sealer does: the fuzzer need not find the length */
    size_t n = (size_t)body_padded(plain.n);
    padded = calloc(1, n);
    assert(padded);
    memcpy(padded, plain.p, plain.n);
    plain = slice_of(padded, n);
  }
  body_forge(0, &key, plain, &tags[tag & 1], 1, &b);
  if (body_read(&b, 1 << 20, &o) == TG_OK) {
    assert(o.heads == 1 && o.content.n == o.head.size);
    buf_free(&o.content);
  }
  body_drop(&b);
  free(padded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size < 1)
    return 0;
  struct slice rest = slice_of(data + 1, size - 1);
  if (data[0] & 1)
    body(rest, data[0] >> 1);
  else
    wrap(rest, data[0] >> 1);
  return 0;
}
