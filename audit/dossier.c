#include "audit/dossier_share.h"

#include "keys/document.h"
#include "keys/note.h"

#include <stdio.h>
#include <string.h>

enum { FOLDER = 1000, SIGNATURE = 64 };

void dossier_path(uint64_t bundle, char out[DOSSIER_PATH_MAX])
{
  snprintf(out, DOSSIER_PATH_MAX, "openings/%06llu/%03u", (unsigned long long)(bundle / FOLDER % 1000000000000ULL),
           (unsigned)(bundle % FOLDER));
}

/* ---- the file ---- */

void dossier_put(struct buf *out, const struct dossier *d)
{
  uint32_t length = 8 + ENTRY_SALT;
  for (unsigned k = DOSSIER_ENTRY; k < DOSSIER_PAPERS; k++)
    length += d->paper[k].n ? (uint32_t)d->paper[k].n + 5 : 0;
  buf_put_u32(out, length);
  buf_put_u64(out, d->index);
  buf_put(out, d->salt, sizeof d->salt);
  for (unsigned k = DOSSIER_ENTRY; k < DOSSIER_PAPERS; k++) {
    if (d->paper[k].n == 0)
      continue;
    buf_put_u8(out, (uint8_t)k);
    buf_put_u32(out, (uint32_t)d->paper[k].n);
    buf_put_slice(out, d->paper[k]);
  }
}

enum tg_err dossier_take(struct slice *rest, struct dossier *ret)
{
  struct slice s = *rest, one, salt;
  struct dossier d = {.index = 0};
  uint32_t length;
  unsigned last = 0;
  if (!take_u32(&s, &length) || length > DOSSIER_MAX || !take(&s, length, &one) || !take_u64(&one, &d.index) ||
      !take(&one, ENTRY_SALT, &salt))
    return TG_BAD_INPUT;
  memcpy(d.salt, salt.p, ENTRY_SALT);
  while (one.n) {
    uint8_t k;
    uint32_t n;
    struct slice bytes;
    if (!take_u8(&one, &k) || k <= last || k >= DOSSIER_PAPERS || !take_u32(&one, &n) || n == 0 || !take(&one, n, &bytes))
      return TG_BAD_INPUT;
    d.paper[k] = bytes;
    last = k;
  }
  if (d.paper[DOSSIER_ENTRY].n == 0)
    return TG_BAD_INPUT;
  *ret = d;
  *rest = s;
  return TG_OK;
}

/* ---- bulletins ---- */

void dossier_part_put(struct buf *out, struct slice s)
{
  buf_put_u32(out, (uint32_t)s.n);
  buf_put_slice(out, s);
}

bool dossier_part_take(struct slice *s, size_t max, struct slice *ret)
{
  uint32_t n;
  return take_u32(s, &n) && n <= max && take(s, n, ret);
}

void dossier_bulletin_put(struct buf *out, const Tg__Submission *s)
{
  dossier_part_put(out, strict_slice(s->header));
  buf_put_u8(out, (uint8_t)s->n_portions);
  for (size_t i = 0; i < s->n_portions && i < s->n_releases; i++) {
    dossier_part_put(out, strict_slice(s->portions[i]));
    dossier_part_put(out, strict_slice(s->releases[i]));
  }
  if (s->proof)
    (void)strict_pack(&limits_batch_proof, &s->proof->base, out, NULL);
}

enum tg_err dossier_mismatch(struct tg_why *why, const char *where, const char *what)
{
  return why_set(why, TG_BAD_PROOF, where, what,
                 N_("Somebody changed this copy, or the hub keeps another story than it logged: keep it as evidence"), NULL,
                 NULL, NULL);
}

static enum tg_err read_portion(struct slice *rest, struct arena *arena, struct portion *p, struct release *r)
{
  struct slice portion, release;
  if (!dossier_part_take(rest, LIMIT_PORTION, &portion) || !dossier_part_take(rest, LIMIT_RELEASE, &release))
    return TG_BAD_INPUT;
  enum tg_err err = portion_parse(portion, arena, p, NULL);
  if (!err)
    err = release_parse(release, arena, r, NULL);
  if (err)
    return err;
  struct hash hash = release_hash(release);
  return hash_eq(&hash, &p->release_hash) ? TG_OK : TG_BAD_PROOF;
}

enum tg_err dossier_bulletin(const struct dossier *d, struct arena *arena, struct dossier_bulletin **ret, struct tg_why *why)
{
  struct slice rest = d->paper[DOSSIER_BULLETIN], header, portions[LIMIT_PORTIONS];
  uint8_t n;
  ProtobufCMessage *proof;
  if (d->paper[DOSSIER_DELIVERY].n)
    return share_bulletin(d, arena, ret, why);
  if (rest.n == 0)
    return TG_NOT_FOUND;
  struct dossier_bulletin *b = arena_alloc(arena, sizeof *b);
  if (!b)
    return TG_NO_MEMORY;
  if (!dossier_part_take(&rest, LIMIT_HEADER, &header) || !take_u8(&rest, &n) || n == 0 || n > LIMIT_PORTIONS ||
      header_parse(header, arena, &b->header, NULL) != TG_OK)
    return dossier_mismatch(why, "bulletin", N_("what is kept of the bulletin is no bulletin"));
  for (unsigned i = 0; i < n; i++) {
    enum tg_err err = read_portion(&rest, arena, &b->portions[i], &b->releases[i]);
    if (err == TG_NO_MEMORY)
      return err;
    if (err)
      return dossier_mismatch(why, "bulletin", N_("a portion or its release list is not what the bulletin commits to"));
    portions[i] = b->portions[i].bytes;
  }
  b->portion_count = n;
  b->whole = true;
  struct hash root = portion_root(portions, n);
  if (n != b->header.subject.portion_count || !hash_eq(&root, &b->header.subject.portion_root))
    return dossier_mismatch(why, "bulletin", N_("a portion or its release list is not what the bulletin commits to"));
  if (strict_unpack(&limits_batch_proof, rest, arena, &proof, NULL) != TG_OK)
    return dossier_mismatch(why, "bulletin", N_("its originator's signature is missing"));
  b->proof = (const Tg__BatchProof *)proof;
  *ret = b;
  return TG_OK;
}

enum tg_err dossier_signed(const struct dossier_bulletin *b, const struct hash *exchange, struct batch_verifier *v,
                           struct tg_why *why)
{
  return batch_verify(v, exchange, &b->header.subject.originator, &b->header.id, b->proof, why);
}

enum tg_err dossier_ruling(const struct dossier *d, struct arena *arena, struct ruling *ret, struct tg_why *why)
{
  return d->paper[DOSSIER_DECISION].n ? ruling_parse(d->paper[DOSSIER_DECISION], arena, ret, why) : TG_NOT_FOUND;
}

/* ---- who was given it ---- */

size_t dossier_recipient_count(const struct dossier *d)
{
  return d->paper[DOSSIER_RECIPIENTS].n / DOSSIER_RECIPIENT;
}

void dossier_recipient(const struct dossier *d, size_t i, struct sign_pk *ret_node, uint32_t *ret_portions)
{
  struct slice s = slice_of(d->paper[DOSSIER_RECIPIENTS].p + i * DOSSIER_RECIPIENT, DOSSIER_RECIPIENT), key;
  if (take(&s, sizeof ret_node->b, &key) && take_u32(&s, ret_portions))
    memcpy(ret_node->b, key.p, sizeof ret_node->b);
}

/* ---- receipts ---- */

struct slice dossier_receipts(const struct dossier *d)
{
  struct slice s = d->paper[DOSSIER_RECEIPTS];
  if (d->paper[DOSSIER_SHARES].n)
    return d->paper[DOSSIER_SHARES];
  return s.n < SIGNATURE ? slice_of(NULL, 0) : slice_of(s.p + SIGNATURE, s.n - SIGNATURE);
}

static bool take_receipt(struct slice *rest, struct slice *ret)
{
  uint16_t n;
  return take_u16(rest, &n) && n <= LIMIT_RECEIPT && take(rest, n, ret);
}

enum tg_err dossier_receipt_next(const struct dossier *d, struct slice *rest, struct arena *arena, struct receipt *ret)
{
  struct slice bytes, proof;
  if (rest->n == 0)
    return TG_NOT_FOUND;
  if (d->paper[DOSSIER_SHARES].n ? !share_take(rest, &bytes, &proof) : !take_receipt(rest, &bytes))
    return TG_BAD_INPUT;
  return receipt_parse(bytes, arena, ret, NULL);
}

/* The ids of all receipts, in the arena. */
static enum tg_err receipt_ids(const struct dossier *d, struct arena *arena, struct hash **ret, size_t *ret_n)
{
  struct slice rest = dossier_receipts(d), bytes;
  size_t n = 0;
  while (rest.n)
    if (!take_receipt(&rest, &bytes) || ++n > LIMIT_BATCH)
      return TG_BAD_INPUT;
  struct hash *ids = n ? arena_alloc(arena, n * sizeof *ids) : NULL;
  if (!ids)
    return n ? TG_NO_MEMORY : TG_BAD_INPUT;
  rest = dossier_receipts(d);
  for (size_t i = 0; i < n && take_receipt(&rest, &bytes); i++)
    ids[i] = statement_id(STATEMENT_RECEIPT, bytes);
  *ret = ids;
  *ret_n = n;
  return TG_OK;
}

enum tg_err dossier_receipts_signed(const struct dossier *d, const struct hash *exchange, const struct sign_pk *node,
                                    struct batch_verifier *v, struct tg_why *why)
{
  struct arena *arena = arena_new(LIMIT_BATCH * sizeof(struct hash) + 4096);
  struct hash *ids;
  size_t n;
  if (arena && d->paper[DOSSIER_SHARES].n) {
    enum tg_err err = share_signed(d, exchange, node, v, why);
    arena_free(arena);
    return err;
  }
  enum tg_err err = arena ? receipt_ids(d, arena, &ids, &n) : TG_NO_MEMORY;
  if (!err)
    err = batch_verify_all(v, exchange, node, ids, n, slice_of(d->paper[DOSSIER_RECEIPTS].p, SIGNATURE), NULL, why);
  arena_free(arena);
  return err;
}

/* ---- all against the entry ---- */

static enum tg_err check_bulletin(const struct dossier *d, const struct entry *e, struct arena *arena, struct tg_why *why)
{
  struct dossier_bulletin *b;
  enum tg_err err = dossier_bulletin(d, arena, &b, why);
  if (err == TG_NOT_FOUND)
    return d->paper[DOSSIER_RECIPIENTS].n ? dossier_mismatch(why, "recipients", N_("recipients stand there without a bulletin")) : TG_OK;
  if (err)
    return err;
  if (!hash_eq(&b->header.id, &e->subject) || !sign_pk_eq(&b->header.subject.originator, &e->actor))
    return dossier_mismatch(why, "bulletin", N_("the bulletin kept there is another than the one that the entry names"));
  for (size_t i = 0; i < dossier_recipient_count(d); i++) {
    struct sign_pk node;
    uint32_t mask = 0;
    dossier_recipient(d, i, &node, &mask);
    if (mask == 0 || mask >> b->portion_count)
      return dossier_mismatch(why, "recipients", N_("a recipient is given portions that the bulletin has not"));
  }
  const size_t bytes = d->paper[DOSSIER_RECIPIENTS].n;
  if (!b->whole)
    return bytes ? dossier_mismatch(why, "recipients", N_("recipients stand there without a bulletin")) : share_own(d, b, why);
  if (e->type == ENTRY_ACCEPTED && bytes != (size_t)b->header.audience_count * DOSSIER_RECIPIENT)
    return dossier_mismatch(why, "recipients", N_("there are not as many recipients as its originator signed"));
  return TG_OK;
}

static enum tg_err check_receipts(const struct dossier *d, const struct entry *e, struct arena *arena, struct tg_why *why)
{
  struct hash *ids;
  size_t n;
  if (d->paper[DOSSIER_RECEIPTS].n == 0)
    return share_receipts(d, e, arena, why);
  enum tg_err err = receipt_ids(d, arena, &ids, &n);
  if (err == TG_NO_MEMORY)
    return err;
  for (size_t i = 0; !err && i < n; i++)
    ids[i] = merkle_leaf(slice_of(ids[i].b, sizeof ids[i].b));
  struct hash root = err ? (struct hash){{0}} : merkle_root(ids, n);
  if (err || n != e->number || !hash_eq(&root, &e->subject))
    return dossier_mismatch(why, "receipts", N_("the receipts kept there are not those that were logged"));
  return TG_OK;
}

static struct hash document_subject(struct slice s, struct note *note)
{
  uint8_t kind = 0;
  if (!take_u8(&s, &kind))
    return (struct hash){{0}};
  if (kind == DOCUMENT_SEALING_KEYS)
    return statement_id(STATEMENT_SEALING_KEYS, s);
  return document_hash(note_parse(s, NULL, note, NULL) ? s : note->text);
}

/* The papers that an entry of a type may have. */
static unsigned papers_of(const struct dossier *d, const struct entry *e)
{
  enum { OF_BULLETIN = 1 << DOSSIER_BULLETIN | 1 << DOSSIER_DECISION | 1 << DOSSIER_RECIPIENTS };
  enum { OF_PARTY = 1 << DOSSIER_DELIVERY | 1 << DOSSIER_OWN };
  switch (e->type) {
  case ENTRY_ACCEPTED:
    return d->paper[DOSSIER_DELIVERY].n ? OF_PARTY : OF_BULLETIN;
  case ENTRY_REFUSED:
    return OF_BULLETIN;
  case ENTRY_RECEIPTS:
    return 1 << (d->paper[DOSSIER_SHARES].n ? DOSSIER_SHARES : DOSSIER_RECEIPTS);
  case ENTRY_DOCUMENT:
    return 1 << DOSSIER_DOCUMENT | 1 << DOSSIER_PROOF;
  default:
    return 0;
  }
}

static bool papers_fit(const struct dossier *d, const struct entry *e)
{
  const unsigned may = papers_of(d, e) | 1 << DOSSIER_ENTRY;
  for (unsigned k = DOSSIER_ENTRY; k < DOSSIER_PAPERS; k++)
    if (d->paper[k].n && !(may >> k & 1))
      return false;
  return !d->paper[DOSSIER_PROOF].n || d->paper[DOSSIER_DOCUMENT].n;
}

static enum tg_err check_papers(const struct dossier *d, const struct entry *e, struct arena *arena, struct tg_why *why)
{
  if (!papers_fit(d, e))
    return dossier_mismatch(why, "papers", N_("something is kept there that does not belong to such an entry"));
  if (d->paper[DOSSIER_DECISION].n) {
    struct hash hash = ruling_hash(d->paper[DOSSIER_DECISION]);
    if (!hash_eq(&hash, &e->decision))
      return dossier_mismatch(why, "decision", N_("the decision kept there is not the one that was logged"));
  }
  if (d->paper[DOSSIER_DOCUMENT].n) {
    struct note *note = arena_alloc(arena, sizeof *note);
    if (!note)
      return TG_NO_MEMORY;
    struct hash hash = document_subject(d->paper[DOSSIER_DOCUMENT], note);
    if (!hash_eq(&hash, &e->subject))
      return dossier_mismatch(why, "document", N_("the document kept there is not the one that was logged"));
  }
  enum tg_err err = check_bulletin(d, e, arena, why);
  return err ? err : check_receipts(d, e, arena, why);
}

enum tg_err dossier_check(const struct dossier *d, const struct hash *leaf, struct arena *scratch, struct entry *ret,
                          struct tg_why *why)
{
  struct entry e;
  struct hash ours = entry_leaf(d->salt, d->paper[DOSSIER_ENTRY]);
  if (!hash_eq(&ours, leaf))
    return dossier_mismatch(why, "entry", N_("the opening is not that of what was logged"));
  if (entry_parse(d->paper[DOSSIER_ENTRY], &e, why) != TG_OK)
    return TG_BAD_INPUT;
  enum tg_err err = check_papers(d, &e, scratch, why);
  if (!err)
    *ret = e;
  return err;
}
