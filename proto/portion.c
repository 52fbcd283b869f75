#include "proto/portion.h"

#include "proto/bulletin.pb-c.h"
#include "proto/hash.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SALT = 16 };

enum tg_err portion_build(const struct portion_draft *d, struct buf *out, struct tg_why *why)
{
  uint8_t salt[SALT];
  Tg__Portion m = TG__PORTION__INIT;
  randombytes_buf(salt, sizeof salt);
  m.salt = strict_data_of(salt, sizeof salt);
  m.index = d->index;
  m.level = d->level;
  m.tlp = d->tlp;
  m.caveats = d->caveats;
  m.label = strict_data(d->label);
  m.release_hash = strict_data_of(d->release_hash.b, sizeof d->release_hash.b);
  m.key_commitment = strict_data_of(d->seal.key_commitment.b, sizeof d->seal.key_commitment.b);
  m.stream_header = strict_data_of(d->seal.stream_header, sizeof d->seal.stream_header);
  m.body_root = strict_data_of(d->seal.root.b, sizeof d->seal.root.b);
  m.body_size = d->seal.size;
  if (!body_chunks(d->seal.size))
    return why_set(why, TG_BAD_INPUT, "Portion.body_size", N_("no body has this size"), NULL, NULL, NULL, NULL);
  return strict_pack(&limits_portion, &m.base, out, why);
}

enum tg_err portion_parse(struct slice bytes, struct arena *arena, struct portion *ret, struct tg_why *why)
{
  ProtobufCMessage *message;
  enum tg_err err = strict_unpack(&limits_portion, bytes, arena, &message, why);
  if (err)
    return err;
  const Tg__Portion *m = (const Tg__Portion *)message;
  if (!body_chunks(m->body_size))
    return why_set(why, TG_BAD_INPUT, "Portion.body_size", N_("no body has this size"), NULL, NULL, NULL, NULL);
  struct portion p = {.bytes = bytes,
                      .salt = strict_slice(m->salt),
                      .index = m->index,
                      .level = (uint8_t)m->level, /* 1..5, as limits.c says; so is tlp */
                      .tlp = (uint8_t)m->tlp,
                      .caveats = m->caveats,
                      .label = strict_slice(m->label),
                      .seal = {.size = m->body_size, .chunks = body_chunks(m->body_size)}};
  memcpy(p.release_hash.b, m->release_hash.data, sizeof p.release_hash.b);
  memcpy(p.seal.key_commitment.b, m->key_commitment.data, sizeof p.seal.key_commitment.b);
  memcpy(p.seal.stream_header, m->stream_header.data, sizeof p.seal.stream_header);
  memcpy(p.seal.root.b, m->body_root.data, sizeof p.seal.root.b);
  *ret = p;
  return TG_OK;
}

/* ---- the release list ---- */

static bool is_capital(uint8_t c) { return c >= 'A' && c <= 'Z'; }
static bool is_small(uint8_t c) { return c >= 'a' && c <= 'z'; }
static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

static bool bloc_valid(struct slice s)
{
  if (s.n < 3 || s.n > 31 || !is_capital(s.p[0]))
    return false;
  for (size_t i = 1; i < s.n; i++)
    if (!is_capital(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '-')
      return false;
  return true;
}

static bool agency_label_valid(struct slice s)
{
  if (s.n < 1 || s.n > 31 || s.p[0] == '-')
    return false;
  for (size_t i = 0; i < s.n; i++)
    if (!is_small(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '-')
      return false;
  return true;
}

bool release_name_valid(struct slice s)
{
  bool member = s.n >= 2 && is_capital(s.p[0]) && is_capital(s.p[1]);
  if (member && s.n == 2)
    return true;
  if (member && s.p[2] == '/')
    return agency_label_valid(slice_of(s.p + 3, s.n - 3));
  return bloc_valid(s);
}

static int compare(const void *a, const void *b)
{
  const ProtobufCBinaryData *x = a, *y = b;
  int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);
  return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* Valid names, ascending, none twice? */
static enum tg_err check_names(const ProtobufCBinaryData *names, size_t count, const char *field, struct tg_why *why)
{
  for (size_t i = 0; i < count; i++) {
    if (!release_name_valid(strict_slice(names[i])))
      return why_set(why, TG_BAD_INPUT, field, N_("this is not the name of a member, agency or bloc"),
                     N_("write ML, ML/agency or ECOWAS"), NULL, NULL, NULL);
    if (i && compare(&names[i - 1], &names[i]) >= 0)
      return why_set(why, TG_BAD_INPUT, field, N_("the names are not in order, or one is there twice"), NULL, NULL, NULL,
                     NULL);
  }
  return TG_OK;
}

static enum tg_err check_release(const Tg__Release *m, struct tg_why *why)
{
  enum tg_err err = check_names(m->to, m->n_to, "Release.to", why);
  return err ? err : check_names(m->except, m->n_except, "Release.except", why);
}

/* Sorted copies, so that the list has one encoding whatever the order it was written in. */
static void sort_names(const struct slice *names, size_t count, ProtobufCBinaryData *ret)
{
  for (size_t i = 0; i < count; i++)
    ret[i] = strict_data(names[i]);
  if (count)
    qsort(ret, count, sizeof *ret, compare);
}

enum tg_err release_build(const struct slice *to, size_t to_count, const struct slice *except, size_t except_count,
                          struct buf *out, struct tg_why *why)
{
  uint8_t salt[SALT];
  ProtobufCBinaryData names[2][LIMIT_NAMES];
  Tg__Release m = TG__RELEASE__INIT;
  if (to_count > LIMIT_NAMES || except_count > LIMIT_NAMES)
    return why_set(why, TG_TOO_BIG, "Release", N_("a release list has no more than %1$s names"), NULL, "256", NULL, NULL);
  sort_names(to, to_count, names[0]);
  sort_names(except, except_count, names[1]);
  randombytes_buf(salt, sizeof salt);
  m.salt = strict_data_of(salt, sizeof salt);
  m.to = names[0];
  m.n_to = to_count;
  m.except = names[1];
  m.n_except = except_count;
  enum tg_err err = check_release(&m, why);
  return err ? err : strict_pack(&limits_release, &m.base, out, why);
}

static struct slice *slices(struct arena *arena, const ProtobufCBinaryData *names, size_t count)
{
  struct slice *s = arena_alloc(arena, count * sizeof *s);
  for (size_t i = 0; s && i < count; i++)
    s[i] = strict_slice(names[i]);
  return s;
}

enum tg_err release_parse(struct slice bytes, struct arena *arena, struct release *ret, struct tg_why *why)
{
  ProtobufCMessage *message;
  enum tg_err err = strict_unpack(&limits_release, bytes, arena, &message, why);
  if (err)
    return err;
  const Tg__Release *m = (const Tg__Release *)message;
  err = check_release(m, why);
  if (err)
    return err;
  const struct slice *to = slices(arena, m->to, m->n_to), *except = slices(arena, m->except, m->n_except);
  if ((!to || !except) && arena_is_starved(arena))
    return TG_NO_MEMORY;
  if (!to || !except)
    return why_set(why, TG_TOO_BIG, "Release", N_("there is no memory left for this message"), NULL, NULL, NULL, NULL);
  *ret = (struct release){.bytes = bytes, .salt = strict_slice(m->salt), .to_count = m->n_to,
                          .except_count = m->n_except, .to = to, .except = except};
  return TG_OK;
}

struct hash release_hash(struct slice bytes) { return hash_labelled("toguna/release/v1", bytes); }

/* ---- the tree ---- */

static void leaves_of(const struct slice *portions, size_t count, struct hash leaves[LIMIT_PORTIONS])
{
  assert(count >= 1 && count <= LIMIT_PORTIONS);
  for (size_t i = 0; i < count; i++)
    leaves[i] = merkle_leaf(portions[i]);
}

struct hash portion_root(const struct slice *portions, size_t count)
{
  struct hash leaves[LIMIT_PORTIONS];
  leaves_of(portions, count, leaves);
  return merkle_root(leaves, count);
}

struct merkle_tree *portion_tree(const struct slice *portions, size_t count)
{
  struct hash leaves[LIMIT_PORTIONS];
  leaves_of(portions, count, leaves);
  return merkle_tree_new(leaves, count);
}

enum tg_err portion_verify(struct slice portion, size_t index, size_t count, struct slice path, const struct hash *root,
                           struct tg_why *why)
{
  struct hash leaf = merkle_leaf(portion);
  if (merkle_path_verify(&leaf, index, count, path, root))
    return why_set(why, TG_BAD_PROOF, "Portion", N_("this portion is not part of the bulletin"), NULL, NULL, NULL, NULL);
  return TG_OK;
}
