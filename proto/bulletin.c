#include "proto/bulletin.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static enum tg_err refuse(struct tg_why *why, enum tg_err err, const char *where, const char *what)
{
  return why_set(why, err, where, what, NULL, NULL, NULL, NULL);
}

/* The bulletin is larger than what it may take, or there is no memory, which says nothing of it. */
static enum tg_err no_memory(const struct arena *arena, struct tg_why *why)
{
  return arena_is_starved(arena) ? TG_NO_MEMORY : refuse(why, TG_TOO_BIG, "bulletin", N_("there is no memory left for this bulletin"));
}

static uint32_t mask_of(size_t count) { return (UINT32_C(1) << count) - 1; }

/* ---- the originator ---- */

/* The recipients by identity key: order[i] is the place in the draft of the i-th. */
static size_t *order_of(const struct bulletin_draft *d, struct arena *arena)
{
  size_t *order = arena_alloc(arena, d->recipient_count * sizeof *order);
  for (size_t i = 0; order && i < d->recipient_count; i++) {
    size_t at = i; /* insertion: a thousand at most, and mostly given in order */
    while (at && memcmp(d->recipients[i].identity.b, d->recipients[order[at - 1]].identity.b, 32) < 0) {
      order[at] = order[at - 1];
      at--;
    }
    order[at] = i;
  }
  return order;
}

static enum tg_err check_recipients(const struct bulletin_draft *d, const size_t *order, struct tg_why *why)
{
  uint32_t reached = 0;
  for (size_t i = 0; i < d->recipient_count; i++) {
    const struct bulletin_recipient *r = &d->recipients[order[i]];
    if (!r->portions || r->portions & ~mask_of(d->portion_count))
      return refuse(why, TG_BAD_INPUT, "recipient", N_("a recipient has no portion, or one that is not there"));
    if (i && sign_pk_eq(&r->identity, &d->recipients[order[i - 1]].identity))
      return refuse(why, TG_BAD_INPUT, "recipient", N_("a recipient is there twice"));
    reached |= r->portions;
  }
  if (reached != mask_of(d->portion_count))
    return refuse(why, TG_BAD_INPUT, "recipient", N_("a portion has no recipient"));
  return TG_OK;
}

static enum tg_err check_draft(const struct bulletin_draft *d, const struct subject *subject, struct tg_why *why)
{
  if (d->recipient_count < 1 || d->recipient_count > LIMIT_WRAPS)
    return refuse(why, TG_BAD_INPUT, "recipient", N_("a bulletin has 1 to 1024 recipient nodes"));
  if (d->portion_count != subject->portion_count)
    return refuse(why, TG_BAD_INPUT, "Subject.portion_count", N_("the subject names another number of portions"));
  struct hash root = portion_root(d->portions, d->portion_count);
  if (!hash_eq(&root, &subject->portion_root))
    return refuse(why, TG_BAD_INPUT, "Subject.portion_root", N_("the subject names other portions"));
  return TG_OK;
}

static enum tg_err seal_wrap(const struct bulletin_draft *d, const struct subject *subject, const struct hash *hash,
                             const struct bulletin_recipient *r, struct wrap_sender *sender, tg_time now,
                             struct buf *out, struct tg_why *why)
{
  struct wrap_parties parties = {.suite = subject->suite,
                                 .exchange = subject->exchange,
                                 .originator = subject->originator,
                                 .recipient = r->identity,
                                 .recipient_key = r->key};
  struct wrap_binding binding = {.subject_hash = *hash, .bulletin_number = d->number};
  struct wrap_content content = {.number = r->number, .previous = r->previous, .portions = r->portions};
  memcpy(parties.originator_member, d->originator_member, 2);
  memcpy(parties.recipient_member, r->member, 2);
  for (size_t i = 0; i < d->portion_count; i++)
    if (r->portions >> i & 1)
      content.keys[i] = d->keys[i];
  enum tg_err err = wrap_seal(sender, &parties, &binding, &content, r->fallback, now, out, why);
  sodium_memzero(&content, sizeof content);
  return err;
}

static enum tg_err seal_wraps(const struct bulletin_draft *d, const struct subject *subject, const size_t *order,
                              struct wrap_sender *sender, tg_time now, struct arena *arena, struct slice **ret,
                              struct tg_why *why)
{
  struct slice *wraps = arena_alloc(arena, d->recipient_count * sizeof *wraps);
  struct buf one = buf_new(LIMIT_WRAP);
  const struct hash hash = subject_hash(subject->bytes);
  enum tg_err err = wraps ? TG_OK : no_memory(arena, why);
  for (size_t i = 0; !err && i < d->recipient_count; i++) {
    buf_clear(&one);
    err = seal_wrap(d, subject, &hash, &d->recipients[order[i]], sender, now, &one, why);
    if (err)
      break;
    wraps[i] = arena_copy(arena, buf_slice(&one));
    if (!wraps[i].n)
      err = no_memory(arena, why);
  }
  buf_free(&one);
  if (!err)
    *ret = wraps;
  return err;
}

static enum tg_err close_header(const struct bulletin_draft *d, const struct subject *subject, struct slice *wraps,
                                struct arena *arena, const struct header **ret, struct tg_why *why)
{
  struct header *view = arena_alloc(arena, sizeof *view);
  if (!view)
    return no_memory(arena, why);
  struct header h = {.subject = *subject,
                     .approval_count = d->approval_count,
                     .charter_version = d->charter_version,
                     .policy_serial = d->policy_serial,
                     .policy_hash = d->policy_hash,
                     .number = d->number,
                     .audience_count = (uint32_t)d->recipient_count,
                     .checkpoint = d->checkpoint};
  struct merkle_tree *tree = audience_tree(wraps, d->recipient_count);
  if (!tree)
    return TG_NO_MEMORY;
  h.audience_root = *merkle_tree_root(tree);
  merkle_tree_free(tree);
  if (d->approval_count)
    memcpy(h.approvals, d->approvals, d->approval_count * sizeof *d->approvals);

  struct buf out = buf_new(LIMIT_HEADER);
  enum tg_err err = header_build(&h, &out, why);
  struct slice bytes = err ? slice_of(NULL, 0) : arena_copy(arena, buf_slice(&out));
  buf_free(&out);
  if (!err && !bytes.n)
    err = no_memory(arena, why);
  if (err)
    return err;
  h.bytes = bytes;
  h.id = header_id(bytes);
  *view = h;
  *ret = view;
  return TG_OK;
}

enum tg_err bulletin_seal(const struct bulletin_draft *d, struct wrap_sender *sender, tg_time now, struct arena *arena,
                          struct bulletin_sealed *ret, struct tg_why *why)
{
  struct subject subject;
  const struct header *header;
  struct slice *wraps;
  assert(d->approval_count <= LIMIT_APPROVALS && d->portion_count >= 1 && d->portion_count <= LIMIT_PORTIONS);
  enum tg_err err = subject_parse(d->subject, arena, &subject, why);
  if (!err)
    err = check_draft(d, &subject, why);
  if (err)
    return err;
  size_t *order = order_of(d, arena);
  if (!order)
    return no_memory(arena, why);
  err = check_recipients(d, order, why);
  if (!err)
    err = seal_wraps(d, &subject, order, sender, now, arena, &wraps, why);
  if (!err)
    err = close_header(d, &subject, wraps, arena, &header, why);
  if (!err)
    *ret = (struct bulletin_sealed){.header = header->bytes, .id = header->id, .view = header,
                                    .wrap_count = d->recipient_count, .wraps = wraps, .recipient_of = order};
  return err;
}

/* ---- what hub and recipient check alike ---- */

static enum tg_err check_exchange(const struct header *h, const struct hash *exchange, struct tg_why *why)
{
  return hash_eq(&h->subject.exchange, exchange)
             ? TG_OK
             : refuse(why, TG_CONFLICT, "Subject.exchange", N_("the bulletin belongs to another exchange"));
}

/* A valid header of this exchange that its originator signed. */
static enum tg_err check_header(struct slice bytes, const struct hash *id, const Tg__BatchProof *proof, const struct hash *exchange,
                                struct batch_verifier *verifier, struct arena *arena, struct header *ret,
                                struct tg_why *why)
{
  enum tg_err err = header_parse_known(bytes, id, arena, ret, why);
  if (err)
    return err;
  err = check_exchange(ret, exchange, why);
  if (err)
    return err;
  return batch_verify(verifier, exchange, &ret->subject.originator, &ret->id, proof, why);
}

static enum tg_err check_release(struct slice bytes, const struct portion *p, struct arena *arena, struct release *ret,
                                 struct tg_why *why)
{
  struct hash h = release_hash(bytes);
  if (!hash_eq(&h, &p->release_hash))
    return refuse(why, TG_BAD_PROOF, "Release", N_("this is not the release list that the portion commits to"));
  return release_parse(bytes, arena, ret, why);
}

/* Inline bodies, ascending by portion, each whole. portion_of[i]: the portion of index i, or NULL. */
static enum tg_err check_bodies(Tg__Body *const *bodies, size_t count, const struct portion *const *portion_of,
                                uint32_t *ret_mask, struct slice ret[LIMIT_PORTIONS], struct tg_why *why)
{
  uint32_t mask = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t index = bodies[i]->portion; /* below LIMIT_PORTIONS, as limits.c says */
    const struct portion *p = portion_of[index];
    if (mask >> index || !p)
      return refuse(why, TG_BAD_INPUT, "Body.portion", N_("the bodies are not in order, or of no portion here"));
    struct slice sealed = strict_slice(bodies[i]->sealed);
    enum tg_err err = body_check(sealed, &p->seal.root, p->seal.size, why);
    if (err)
      return err;
    ret[index] = sealed;
    mask |= UINT32_C(1) << index;
  }
  *ret_mask = mask;
  return TG_OK;
}

/* ---- the hub ---- */

static enum tg_err check_portions(const Tg__Submission *m, struct arena *arena, struct submission *s,
                                  struct tg_why *why)
{
  struct slice bytes[LIMIT_PORTIONS];
  size_t count = m->n_portions;
  if (count != s->header.subject.portion_count || m->n_releases != count)
    return refuse(why, TG_BAD_INPUT, "Submission.portions", N_("the subject names another number of portions"));
  struct portion *portions = arena_alloc(arena, count * sizeof *portions);
  struct release *releases = arena_alloc(arena, count * sizeof *releases);
  if (!portions || !releases)
    return no_memory(arena, why);
  for (size_t i = 0; i < count; i++) {
    bytes[i] = strict_slice(m->portions[i]);
    enum tg_err err = portion_parse(bytes[i], arena, &portions[i], why);
    if (!err && portions[i].index != i)
      err = refuse(why, TG_BAD_INPUT, "Portion.index", N_("the portions are not in order"));
    if (!err)
      err = check_release(strict_slice(m->releases[i]), &portions[i], arena, &releases[i], why);
    if (err)
      return err;
  }
  struct hash root = portion_root(bytes, count);
  if (!hash_eq(&root, &s->header.subject.portion_root))
    return refuse(why, TG_BAD_PROOF, "Subject.portion_root", N_("the subject names other portions"));
  s->portion_count = count;
  s->portions = portions;
  s->releases = releases;
  return TG_OK;
}

/* Ascending recipients, every portion for somebody, nobody for a portion that is not there. */
static enum tg_err check_masks(const struct wrap *wraps, size_t count, size_t portions, struct tg_why *why)
{
  uint32_t reached = 0;
  for (size_t i = 0; i < count; i++) {
    if (i && memcmp(wraps[i - 1].recipient.b, wraps[i].recipient.b, 32) >= 0)
      return refuse(why, TG_BAD_INPUT, "Wrap.recipient", N_("the wraps are not in order, or a recipient is there twice"));
    if (wraps[i].portions & ~mask_of(portions))
      return refuse(why, TG_BAD_INPUT, "Wrap.portions", N_("the wrap is for a portion that is not there"));
    reached |= wraps[i].portions;
  }
  if (reached != mask_of(portions))
    return refuse(why, TG_BAD_INPUT, "Wrap.portions", N_("a portion has no recipient"));
  return TG_OK;
}

static enum tg_err check_wraps(const Tg__Submission *m, struct arena *arena, struct submission *s, struct tg_why *why)
{
  struct merkle_frontier audience = {0};
  size_t count = m->n_wraps;
  if (count != s->header.audience_count)
    return refuse(why, TG_BAD_INPUT, "Submission.wraps", N_("the header names another number of wraps"));
  struct wrap *wraps = arena_alloc(arena, count * sizeof *wraps);
  struct hash *leaves = arena_alloc(arena, count * sizeof *leaves);
  if (!wraps || !leaves)
    return no_memory(arena, why);
  for (size_t i = 0; i < count; i++) {
    struct slice bytes = strict_slice(m->wraps[i]);
    leaves[i] = merkle_leaf(bytes);
    enum tg_err err = wrap_parse(bytes, arena, &wraps[i], why);
    if (err)
      return err;
    merkle_frontier_append(&audience, &leaves[i], NULL);
  }
  struct hash root = merkle_frontier_root(&audience);
  if (!hash_eq(&root, &s->header.audience_root))
    return refuse(why, TG_BAD_PROOF, "Header.audience_root", N_("the header names another audience"));
  s->wrap_count = count;
  s->wraps = wraps;
  s->wrap_leaves = leaves;
  return check_masks(wraps, count, s->portion_count, why);
}

enum tg_err submission_check(const Tg__Submission *m, const struct hash *exchange, struct batch_verifier *verifier,
                             struct arena *arena, struct submission *ret, struct tg_why *why)
{
  struct header header;
  const struct hash id = header_id(strict_slice(m->header));
  enum tg_err err = check_header(strict_slice(m->header), &id, m->proof, exchange, verifier, arena, &header, why);
  return err ? err : submission_check_parts(m, &header, exchange, arena, ret, why);
}

enum tg_err submission_check_parts(const Tg__Submission *m, const struct header *header, const struct hash *exchange,
                                   struct arena *arena, struct submission *ret, struct tg_why *why)
{
  struct submission s = {.header = *header};
  const struct portion *portion_of[LIMIT_PORTIONS] = {NULL};
  enum tg_err err = check_exchange(header, exchange, why);
  if (!err)
    err = check_portions(m, arena, &s, why);
  if (!err)
    err = check_wraps(m, arena, &s, why);
  if (err)
    return err;
  for (size_t i = 0; i < s.portion_count; i++)
    portion_of[i] = &s.portions[i];
  err = check_bodies(m->bodies, m->n_bodies, portion_of, &s.inline_bodies, s.bodies, why);
  if (!err)
    *ret = s;
  return err;
}

/* ---- the recipient ---- */

static enum tg_err check_my_wrap(const Tg__Delivery *m, const struct sign_pk *me, struct arena *arena,
                                 struct delivery *d, struct tg_why *why)
{
  struct slice bytes = strict_slice(m->wrap);
  enum tg_err err = wrap_parse(bytes, arena, &d->wrap, why);
  if (err)
    return err;
  if (!sign_pk_eq(&d->wrap.recipient, me))
    return refuse(why, TG_NOT_FOUND, "Wrap.recipient", N_("the wrap is another node's"));
  if (d->wrap.portions & ~mask_of(d->header.subject.portion_count))
    return refuse(why, TG_BAD_INPUT, "Wrap.portions", N_("the wrap is for a portion that is not there"));
  return audience_verify(bytes, m->wrap_index, d->header.audience_count, strict_slice(m->wrap_path),
                         &d->header.audience_root, why);
}

/* Who may read a portion also reads for whom it is, unless the originator asked that he does not. */
static enum tg_err check_open_release(const Tg__OpenPortion *m, const struct portion *p, struct arena *arena,
                                      struct release *ret, struct tg_why *why)
{
  bool blind = p->caveats & CAVEAT_BLIND;
  if (blind != (m->release.len == 0))
    return refuse(why, TG_BAD_INPUT, "OpenPortion.release",
                  N_("a release list is there exactly when the audience is not blind"));
  *ret = (struct release){0};
  return blind ? TG_OK : check_release(strict_slice(m->release), p, arena, ret, why);
}

static enum tg_err check_open_portion(const Tg__OpenPortion *m, const struct subject *subject, struct arena *arena,
                                      struct portion *p, struct release *r, struct tg_why *why)
{
  enum tg_err err = portion_parse(strict_slice(m->portion), arena, p, why);
  if (!err)
    err = portion_verify(p->bytes, p->index, subject->portion_count, strict_slice(m->path), &subject->portion_root, why);
  return err ? err : check_open_release(m, p, arena, r, why);
}

/* Exactly the portions of the wrap, ascending. */
static enum tg_err check_open_portions(const Tg__Delivery *m, struct arena *arena, struct delivery *d,
                                       struct tg_why *why)
{
  size_t count = m->n_portions;
  uint32_t mask = 0;
  struct portion *portions = arena_alloc(arena, count * sizeof *portions);
  struct release *releases = arena_alloc(arena, count * sizeof *releases);
  if (!portions || !releases)
    return no_memory(arena, why);
  for (size_t i = 0; i < count; i++) {
    enum tg_err err =
        check_open_portion(m->portions[i], &d->header.subject, arena, &portions[i], &releases[i], why);
    if (err)
      return err;
    if (mask >> portions[i].index)
      return refuse(why, TG_BAD_INPUT, "Portion.index", N_("the portions are not in order"));
    mask |= UINT32_C(1) << portions[i].index;
  }
  if (mask != d->wrap.portions)
    return refuse(why, TG_BAD_INPUT, "Delivery.portions", N_("these are not the portions of the wrap"));
  d->portion_count = count;
  d->portions = portions;
  d->releases = releases;
  return TG_OK;
}

enum tg_err delivery_check(const Tg__Delivery *m, const struct hash *exchange, const struct sign_pk *me,
                           struct batch_verifier *verifier, struct arena *arena, struct delivery *ret,
                           struct tg_why *why)
{
  const struct hash id = header_id(strict_slice(m->header));
  return delivery_check_known(m, &id, exchange, me, verifier, arena, ret, why);
}

enum tg_err delivery_check_known(const Tg__Delivery *m, const struct hash *id, const struct hash *exchange, const struct sign_pk *me,
                                 struct batch_verifier *verifier, struct arena *arena, struct delivery *ret, struct tg_why *why)
{
  struct delivery d = {0};
  const struct portion *portion_of[LIMIT_PORTIONS] = {NULL};
  enum tg_err err = check_header(strict_slice(m->header), id, m->proof, exchange, verifier, arena, &d.header, why);
  if (!err)
    err = check_my_wrap(m, me, arena, &d, why);
  if (!err)
    err = check_open_portions(m, arena, &d, why);
  if (err)
    return err;
  for (size_t i = 0; i < d.portion_count; i++)
    portion_of[d.portions[i].index] = &d.portions[i];
  err = check_bodies(m->bodies, m->n_bodies, portion_of, &d.inline_bodies, d.bodies, why);
  if (!err)
    *ret = d;
  return err;
}

enum tg_err bulletin_open(const struct delivery *d, const char originator_member[2], const char my_member[2],
                          const struct seal_pk *key, const uint8_t secret_key[32], struct wrap_opener *opener,
                          struct wrap_content *ret, struct tg_why *why)
{
  const struct subject *subject = &d->header.subject;
  struct wrap_parties parties = {.suite = subject->suite,
                                 .exchange = subject->exchange,
                                 .originator = subject->originator,
                                 .recipient = d->wrap.recipient,
                                 .recipient_key = *key};
  struct wrap_binding binding = {.subject_hash = subject_hash(subject->bytes), .bulletin_number = d->header.number};
  memcpy(parties.originator_member, originator_member, 2);
  memcpy(parties.recipient_member, my_member, 2);
  return wrap_open(opener, &d->wrap, &parties, secret_key, &binding, ret, why);
}
