#include "audit/dossier_share.h"

#include "proto/merkle.h"

#include <string.h>

enum { PROOF_MAX = 8 * 1024, SCRATCH = 64 * 1024, OPEN_PORTION_MAX = 64 * 1024 };
_Static_assert(OPEN_PORTION_MAX > LIMIT_PORTION + LIMIT_RELEASE + 4096, "any fits");

/* ---- a bulletin as a recipient was given it ---- */

enum tg_err dossier_delivery_put(struct buf *out, const Tg__Delivery *d)
{
  struct buf bytes = buf_new(OPEN_PORTION_MAX);
  enum tg_err err = d->proof && d->n_portions && d->n_portions <= LIMIT_PORTIONS ? TG_OK : TG_BAD_INPUT;
  dossier_part_put(out, strict_slice(d->header));
  buf_put_u8(out, (uint8_t)d->n_portions);
  for (size_t i = 0; !err && i < d->n_portions; i++) {
    buf_clear(&bytes);
    err = strict_pack(&limits_open_portion, &d->portions[i]->base, &bytes, NULL);
    dossier_part_put(out, buf_slice(&bytes));
  }
  if (!err)
    err = strict_pack(&limits_batch_proof, &d->proof->base, out, NULL);
  buf_free(&bytes);
  return err ? err : buf_status(out);
}

static enum tg_err read_portion(const Tg__OpenPortion *m, const struct subject *s, struct arena *arena, struct portion *p,
                                struct release *r)
{
  enum tg_err err = portion_parse(strict_slice(m->portion), arena, p, NULL);
  if (err)
    return err;
  *r = (struct release){.to_count = 0};
  err = portion_verify(strict_slice(m->portion), p->index, s->portion_count, strict_slice(m->path), &s->portion_root, NULL);
  if (err || m->release.len == 0)
    return err;
  struct hash hash = release_hash(strict_slice(m->release));
  return hash_eq(&hash, &p->release_hash) ? release_parse(strict_slice(m->release), arena, r, NULL) : TG_BAD_PROOF;
}

static enum tg_err read_portions(struct slice *rest, unsigned n, struct arena *arena, struct dossier_bulletin *b)
{
  for (unsigned i = 0; i < n; i++) {
    struct slice bytes;
    ProtobufCMessage *m;
    if (!dossier_part_take(rest, OPEN_PORTION_MAX, &bytes))
      return TG_BAD_INPUT;
    enum tg_err err = strict_unpack(&limits_open_portion, bytes, arena, &m, NULL);
    if (!err)
      err = read_portion((const Tg__OpenPortion *)m, &b->header.subject, arena, &b->portions[i], &b->releases[i]);
    if (err)
      return err;
    if (i && b->portions[i].index <= b->portions[i - 1].index)
      return TG_BAD_PROOF;
  }
  b->portion_count = n;
  b->whole = false; /* even with all portions: to whom it was wrapped is not known */
  return TG_OK;
}

enum tg_err share_bulletin(const struct dossier *d, struct arena *arena, struct dossier_bulletin **ret, struct tg_why *why)
{
  struct slice rest = d->paper[DOSSIER_DELIVERY], header;
  ProtobufCMessage *proof;
  uint8_t n;
  struct dossier_bulletin *b = arena_alloc(arena, sizeof *b);
  if (!b)
    return TG_NO_MEMORY;
  if (!dossier_part_take(&rest, LIMIT_HEADER, &header) || !take_u8(&rest, &n) || n == 0 || n > LIMIT_PORTIONS ||
      header_parse(header, arena, &b->header, NULL) != TG_OK)
    return dossier_mismatch(why, "bulletin", N_("what is kept of the bulletin is no bulletin"));
  enum tg_err err = read_portions(&rest, n, arena, b);
  if (err)
    return err == TG_NO_MEMORY ? err
                               : dossier_mismatch(why, "bulletin", N_("a portion or its release list is not what the bulletin commits to"));
  if (strict_unpack(&limits_batch_proof, rest, arena, &proof, NULL) != TG_OK)
    return dossier_mismatch(why, "bulletin", N_("its originator's signature is missing"));
  b->proof = (const Tg__BatchProof *)proof;
  *ret = b;
  return TG_OK;
}

bool dossier_is_share(const struct dossier *d)
{
  return d->paper[DOSSIER_DELIVERY].n || d->paper[DOSSIER_OWN].n || d->paper[DOSSIER_SHARES].n;
}

bool dossier_own(const struct dossier *d, struct sign_pk *ret_node, uint32_t *ret_portions, tg_time *ret_stored)
{
  struct slice s = d->paper[DOSSIER_OWN], key;
  uint64_t stored;
  if (s.n != DOSSIER_OWN_BYTES || !take(&s, sizeof ret_node->b, &key) || !take_u32(&s, ret_portions) || !take_u64(&s, &stored) ||
      stored > INT64_MAX)
    return false;
  memcpy(ret_node->b, key.p, sizeof ret_node->b);
  *ret_stored = (tg_time)stored;
  return true;
}

enum tg_err share_own(const struct dossier *d, const struct dossier_bulletin *b, struct tg_why *why)
{
  struct sign_pk node;
  uint32_t portions, here = 0;
  tg_time stored;
  for (size_t i = 0; i < b->portion_count; i++)
    here |= (uint32_t)1 << b->portions[i].index;
  if (dossier_own(d, &node, &portions, &stored) && portions == here)
    return TG_OK;
  return dossier_mismatch(why, "recipients", N_("a recipient is given portions that the bulletin has not"));
}

/* ---- receipts of a batch, some of them ---- */

static void put_part(struct buf *out, struct slice s)
{
  buf_put_u16(out, (uint16_t)s.n);
  buf_put_slice(out, s);
}

enum tg_err dossier_share_put(struct buf *out, struct slice receipt, const Tg__BatchProof *proof)
{
  struct buf bytes = buf_new(PROOF_MAX);
  enum tg_err err = receipt.n > LIMIT_RECEIPT ? TG_TOO_BIG : strict_pack(&limits_batch_proof, &proof->base, &bytes, NULL);
  if (!err) {
    put_part(out, receipt);
    put_part(out, buf_slice(&bytes));
    err = buf_status(out);
  }
  buf_free(&bytes);
  return err;
}

bool share_take(struct slice *rest, struct slice *ret_receipt, struct slice *ret_proof)
{
  uint16_t n, m;
  return take_u16(rest, &n) && n <= LIMIT_RECEIPT && take(rest, n, ret_receipt) && take_u16(rest, &m) && m <= PROOF_MAX &&
         take(rest, m, ret_proof);
}

static bool has_share(struct slice shares, struct slice receipt)
{
  struct slice r, p;
  while (shares.n && share_take(&shares, &r, &p))
    if (r.n == receipt.n && memcmp(r.p, receipt.p, r.n) == 0)
      return true;
  return false;
}

void dossier_shares_join(struct buf *out, struct slice mine, struct slice more)
{
  struct slice receipt, proof;
  buf_put_slice(out, mine);
  while (more.n && share_take(&more, &receipt, &proof))
    if (!has_share(mine, receipt)) {
      put_part(out, receipt);
      put_part(out, proof);
    }
}

/* The proof of one share, and the root of its batch. */
static enum tg_err read_share(struct slice *rest, struct arena *arena, struct hash *ret_id, const Tg__BatchProof **ret_proof,
                              struct hash *ret_root)
{
  struct slice receipt, proof;
  ProtobufCMessage *message;
  if (!share_take(rest, &receipt, &proof))
    return TG_BAD_INPUT;
  enum tg_err err = strict_unpack(&limits_batch_proof, proof, arena, &message, NULL);
  if (err)
    return err;
  const Tg__BatchProof *p = (const Tg__BatchProof *)message;
  *ret_id = statement_id(STATEMENT_RECEIPT, receipt);
  *ret_proof = p;
  struct hash leaf = merkle_leaf(slice_of(ret_id->b, sizeof ret_id->b));
  return merkle_path_root(&leaf, p->index, p->size, strict_slice(p->path), ret_root);
}

enum tg_err share_receipts(const struct dossier *d, const struct entry *e, struct arena *arena, struct tg_why *why)
{
  struct slice rest = d->paper[DOSSIER_SHARES];
  while (rest.n) {
    const Tg__BatchProof *proof;
    struct hash id, root;
    enum tg_err err = read_share(&rest, arena, &id, &proof, &root);
    if (err == TG_NO_MEMORY)
      return err;
    if (err || proof->size != e->number || !hash_eq(&root, &e->subject))
      return dossier_mismatch(why, "receipts", N_("the receipts kept there are not those that were logged"));
  }
  return TG_OK;
}

enum tg_err share_signed(const struct dossier *d, const struct hash *exchange, const struct sign_pk *node, struct batch_verifier *v,
                         struct tg_why *why)
{
  struct arena *arena = arena_new(SCRATCH);
  struct slice rest = d->paper[DOSSIER_SHARES];
  enum tg_err err = arena ? TG_OK : TG_NO_MEMORY;
  while (!err && rest.n) {
    const Tg__BatchProof *proof;
    struct hash id, root;
    arena_reset(arena);
    err = read_share(&rest, arena, &id, &proof, &root);
    if (!err)
      err = batch_verify(v, exchange, node, &id, proof, why);
  }
  arena_free(arena);
  return err;
}
