#include "proto/wrap.h"

#include "proto/bulletin.pb-c.h"
#include "proto/hash.h"
#include "proto/hpke.h"
#include "proto/subject.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
  SALT = 16,
  FIXED = 8 + 32 + 1, /* running number, previous id, number of keys */
  PER_KEY = 1 + 32,
  PLAIN_MAX = FIXED + PER_KEY * LIMIT_PORTIONS,
};

/* ---- what the keys are bound to ---- */

void wrap_key_id(uint16_t suite, const struct seal_pk *key, uint8_t ret[WRAP_KEY_ID])
{
  struct hash_state s;
  hash_begin(&s, "toguna/key-id/v1");
  hash_put_u16(&s, suite);
  hash_put(&s, key->b, sizeof key->b);
  struct hash h = hash_end(&s);
  memcpy(ret, h.b, WRAP_KEY_ID);
}

static struct hash info_of(const struct wrap_parties *p)
{
  struct hash_state s;
  hash_begin(&s, "toguna/wrap-info/v1");
  hash_put_u16(&s, p->suite);
  hash_put_hash(&s, &p->exchange);
  hash_put(&s, p->originator.b, sizeof p->originator.b);
  hash_put(&s, p->originator_member, sizeof p->originator_member);
  hash_put(&s, p->recipient.b, sizeof p->recipient.b);
  hash_put(&s, p->recipient_member, sizeof p->recipient_member);
  hash_put(&s, p->recipient_key.b, sizeof p->recipient_key.b);
  return hash_end(&s);
}

static struct hash aad_of(const struct wrap_binding *b, uint32_t portions, const struct sign_pk *recipient)
{
  struct hash_state s;
  hash_begin(&s, "toguna/wrap-aad/v1");
  hash_put_hash(&s, &b->subject_hash);
  hash_put_u64(&s, b->bulletin_number);
  hash_put_u32(&s, portions);
  hash_put(&s, recipient->b, sizeof recipient->b);
  return hash_end(&s);
}

/* ---- the plaintext ---- */

static size_t keys_in(uint32_t portions) { return (size_t)__builtin_popcount(portions); }
static size_t plain_size(uint32_t portions) { return FIXED + PER_KEY * keys_in(portions); }

/* Number 1 has no predecessor. */
static bool content_valid(const struct wrap_content *c)
{
  return c->number >= 1 && (c->number > 1 || hash_is_zero(&c->previous)) && c->portions &&
         c->portions < (UINT32_C(1) << LIMIT_PORTIONS);
}

static void write_plain(const struct wrap_content *c, uint8_t *out)
{
  for (size_t i = 0; i < 8; i++)
    out[i] = (uint8_t)(c->number >> (56 - 8 * i));
  memcpy(out + 8, c->previous.b, 32);
  out[40] = (uint8_t)keys_in(c->portions);
  uint8_t *p = out + FIXED;
  for (uint8_t i = 0; i < LIMIT_PORTIONS; i++) {
    if (!(c->portions >> i & 1))
      continue;
    p[0] = i;
    memcpy(p + 1, c->keys[i].b, sizeof c->keys[i].b);
    p += PER_KEY;
  }
}

/* The keys must be exactly those of the mask. */
static bool read_plain(struct slice plain, uint32_t portions, struct wrap_content *ret)
{
  struct slice previous, key;
  uint8_t n, index;
  if (!take_u64(&plain, &ret->number) || !take(&plain, 32, &previous) || !take_u8(&plain, &n) ||
      n != keys_in(portions))
    return false;
  memcpy(ret->previous.b, previous.p, sizeof ret->previous.b);
  ret->portions = portions;
  for (uint8_t i = 0; i < LIMIT_PORTIONS; i++) {
    if (!(portions >> i & 1))
      continue;
    if (!take_u8(&plain, &index) || index != i || !take(&plain, 32, &key))
      return false;
    memcpy(ret->keys[i].b, key.p, sizeof ret->keys[i].b);
  }
  return plain.n == 0 && content_valid(ret);
}

/* ---- bytes ---- */

enum tg_err wrap_parse(struct slice bytes, struct arena *arena, struct wrap *ret, struct tg_why *why)
{
  ProtobufCMessage *message;
  enum tg_err err = strict_unpack(&limits_wrap, bytes, arena, &message, why);
  if (err)
    return err;
  const Tg__Wrap *m = (const Tg__Wrap *)message;
  if (m->sealed.len != plain_size(m->portions) + HPKE_TAG)
    return why_set(why, TG_BAD_INPUT, "Wrap.sealed", N_("the length does not fit the number of portions"), NULL, NULL,
                   NULL, NULL);
  struct wrap w = {.bytes = bytes,
                   .salt = strict_slice(m->salt),
                   .portions = m->portions,
                   .seq = m->seq,
                   .sealed = strict_slice(m->sealed),
                   .fallback = m->fallback};
  memcpy(w.recipient.b, m->recipient.data, sizeof w.recipient.b);
  memcpy(w.key_id, m->key_id.data, sizeof w.key_id);
  memcpy(w.enc, m->enc.data, sizeof w.enc);
  *ret = w;
  return TG_OK;
}

/* ---- sealing ---- */

/* One HPKE context from us to one sealing key; used: the moment of its last use, by the sender's own count, 0 for
   an empty place. */
struct burst {
  struct hash info;
  struct hpke context;
  uint8_t enc[HPKE_ENC];
  tg_time born;
  uint64_t used;
};

/* In guarded memory, the bursts with it. */
struct wrap_sender {
  size_t cap;
  uint64_t uses;
  struct burst bursts[];
};

struct wrap_sender *wrap_sender_new(size_t contexts)
{
  assert(contexts >= 1 && contexts <= 65536);
  size_t size = sizeof(struct wrap_sender) + contexts * sizeof(struct burst);
  struct wrap_sender *s = sodium_malloc(size);
  if (s) {
    memset(s, 0, size);
    s->cap = contexts;
  }
  return s;
}

void wrap_sender_free(struct wrap_sender *s) { sodium_free(s); }

static bool burst_serves(const struct burst *b, tg_time now)
{
  return b->used && b->context.seq < WRAP_USES && now >= b->born && now - b->born < WRAP_AGE;
}

/* The burst of these parties, or the place where a new one may begin: an empty one, or the longest unused. */
static struct burst *burst_find(struct wrap_sender *s, const struct hash *info)
{
  struct burst *oldest = &s->bursts[0];
  for (struct burst *b = s->bursts; b < s->bursts + s->cap; b++) {
    if (b->used && hash_eq(&b->info, info))
      return b;
    if (b->used < oldest->used)
      oldest = b;
  }
  return oldest;
}

static enum tg_err burst_for(struct wrap_sender *s, const struct wrap_parties *parties, tg_time now, struct burst **ret)
{
  struct hash info = info_of(parties);
  struct burst *b = burst_find(s, &info);
  if (!burst_serves(b, now) || !hash_eq(&b->info, &info)) {
    sodium_memzero(b, sizeof *b);
    enum tg_err err =
        hpke_send(&parties->recipient_key, slice_of(info.b, sizeof info.b), NULL, &b->context, b->enc);
    if (err)
      return err;
    b->info = info;
    b->born = now;
  }
  b->used = ++s->uses;
  *ret = b;
  return TG_OK;
}

static enum tg_err check_sealing(const struct wrap_parties *parties, const struct wrap_content *content,
                                 struct tg_why *why)
{
  if (parties->suite != SUITE_1)
    return why_set(why, TG_UNKNOWN, "Wrap", N_("this program does not know that suite"), NULL, NULL, NULL, NULL);
  if (!content_valid(content))
    return why_set(why, TG_BAD_INPUT, "Wrap", N_("a wrap has a running number, its predecessor and a portion"), NULL, NULL,
                   NULL, NULL);
  return TG_OK;
}

enum tg_err wrap_seal(struct wrap_sender *s, const struct wrap_parties *parties, const struct wrap_binding *binding,
                      const struct wrap_content *content, bool fallback, tg_time now, struct buf *out,
                      struct tg_why *why)
{
  uint8_t salt[SALT], key_id[WRAP_KEY_ID], plain[PLAIN_MAX], sealed[PLAIN_MAX + HPKE_TAG];
  struct burst *b;
  Tg__Wrap m = TG__WRAP__INIT;
  enum tg_err err = check_sealing(parties, content, why);
  if (err)
    return err;
  err = burst_for(s, parties, now, &b);
  if (err)
    return why_set(why, err, "Wrap", N_("the recipient's sealing key is no usable key"), NULL, NULL, NULL, NULL);

  size_t n = plain_size(content->portions);
  struct hash aad = aad_of(binding, content->portions, &parties->recipient);
  m.seq = b->context.seq;
  write_plain(content, plain);
  err = hpke_seal(&b->context, slice_of(aad.b, sizeof aad.b), slice_of(plain, n), sealed);
  sodium_memzero(plain, sizeof plain);
  if (err)
    return err;
  randombytes_buf(salt, sizeof salt);
  wrap_key_id(parties->suite, &parties->recipient_key, key_id);
  m.salt = strict_data_of(salt, sizeof salt);
  m.recipient = strict_data_of(parties->recipient.b, sizeof parties->recipient.b);
  m.key_id = strict_data_of(key_id, sizeof key_id);
  m.portions = content->portions;
  m.enc = strict_data_of(b->enc, sizeof b->enc);
  m.sealed = strict_data_of(sealed, n + HPKE_TAG);
  m.fallback = fallback;
  return strict_pack(&limits_wrap, &m.base, out, why);
}

/* ---- opening ---- */

struct opened {
  struct hash info;
  uint8_t enc[HPKE_ENC];
  struct hpke context;
  uint64_t used; /* as in struct burst */
};

/* In guarded memory. */
struct wrap_opener {
  size_t cap;
  uint64_t uses;
  struct opened opened[];
};

struct wrap_opener *wrap_opener_new(size_t contexts)
{
  assert(contexts >= 1 && contexts <= 65536);
  size_t size = sizeof(struct wrap_opener) + contexts * sizeof(struct opened);
  struct wrap_opener *o = sodium_malloc(size);
  if (o) {
    memset(o, 0, size);
    o->cap = contexts;
  }
  return o;
}

void wrap_opener_free(struct wrap_opener *o) { sodium_free(o); }
void wrap_opener_forget(struct wrap_opener *o) { sodium_memzero(o->opened, o->cap * sizeof o->opened[0]); }

static struct opened *opened_find(struct wrap_opener *o, const struct hash *info, const uint8_t enc[HPKE_ENC])
{
  for (struct opened *e = o->opened; e < o->opened + o->cap; e++)
    if (e->used && !memcmp(e->enc, enc, HPKE_ENC) && hash_eq(&e->info, info))
      return e;
  return NULL;
}

/* Only what opened something is remembered, so that junk cannot push out a burst. */
static void opened_remember(struct wrap_opener *o, const struct opened *what)
{
  struct opened *oldest = &o->opened[0];
  for (struct opened *e = o->opened; e < o->opened + o->cap; e++)
    if (e->used < oldest->used)
      oldest = e;
  *oldest = *what;
  oldest->used = ++o->uses;
}

/* The plaintext of w under a context. */
static enum tg_err open_with(const struct hpke *context, const struct wrap *w, const struct wrap_parties *parties,
                             const struct wrap_binding *binding, struct wrap_content *ret, struct tg_why *why)
{
  uint8_t plain[PLAIN_MAX];
  struct wrap_content content = {0};
  struct hash aad = aad_of(binding, w->portions, &parties->recipient);
  enum tg_err err = hpke_open(context, w->seq, slice_of(aad.b, sizeof aad.b), w->sealed, plain);
  if (err)
    return why_set(why, err, "Wrap", N_("the wrap does not open with this key for this bulletin"), NULL, NULL, NULL, NULL);
  if (read_plain(slice_of(plain, w->sealed.n - HPKE_TAG), w->portions, &content))
    *ret = content;
  else
    err = why_set(why, TG_BAD_INPUT, "Wrap", N_("what the wrap holds is malformed"), NULL, NULL, NULL, NULL);
  sodium_memzero(plain, sizeof plain);
  sodium_memzero(&content, sizeof content);
  return err;
}

enum tg_err wrap_open(struct wrap_opener *o, const struct wrap *w, const struct wrap_parties *parties,
                      const uint8_t secret_key[32], const struct wrap_binding *binding, struct wrap_content *ret,
                      struct tg_why *why)
{
  uint8_t key_id[WRAP_KEY_ID];
  wrap_key_id(parties->suite, &parties->recipient_key, key_id);
  if (!sign_pk_eq(&w->recipient, &parties->recipient) || memcmp(w->key_id, key_id, sizeof key_id))
    return why_set(why, TG_BAD_SEAL, "Wrap", N_("the wrap is for another recipient or key"), NULL, NULL, NULL, NULL);

  struct opened fresh = {.info = info_of(parties)};
  struct opened *known = opened_find(o, &fresh.info, w->enc);
  if (known) {
    known->used = ++o->uses;
    return open_with(&known->context, w, parties, binding, ret, why);
  }
  memcpy(fresh.enc, w->enc, sizeof fresh.enc);
  enum tg_err err = hpke_receive(w->enc, secret_key, &parties->recipient_key,
                                 slice_of(fresh.info.b, sizeof fresh.info.b), NULL, &fresh.context);
  if (err)
    err = why_set(why, err, "Wrap", N_("the wrap's public key is no usable key"), NULL, NULL, NULL, NULL);
  else
    err = open_with(&fresh.context, w, parties, binding, ret, why);
  if (!err)
    opened_remember(o, &fresh);
  sodium_memzero(&fresh, sizeof fresh);
  return err;
}

/* ---- the tree ---- */

struct merkle_tree *audience_tree(const struct slice *wraps, size_t count)
{
  struct hash few[16] = {0}, *leaves = few;
  assert(count >= 1 && count <= LIMIT_WRAPS);
  if (count > sizeof few / sizeof *few && !(leaves = calloc(count, sizeof *leaves)))
    return NULL;
  for (size_t i = 0; i < count; i++)
    leaves[i] = merkle_leaf(wraps[i]);
  struct merkle_tree *tree = merkle_tree_new(leaves, count);
  if (leaves != few)
    free(leaves);
  return tree;
}

enum tg_err audience_verify(struct slice wrap, uint64_t index, uint64_t count, struct slice path,
                            const struct hash *root, struct tg_why *why)
{
  struct hash leaf = merkle_leaf(wrap);
  if (merkle_path_verify(&leaf, index, count, path, root))
    return why_set(why, TG_BAD_PROOF, "Wrap", N_("this wrap is not part of the bulletin"), NULL, NULL, NULL, NULL);
  return TG_OK;
}
