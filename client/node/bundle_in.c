#include "client/node/bundle_in_inside.h"

#include "client/node/arrivals.h"
#include "client/node/inbox.h"

#include <stdlib.h>
#include <string.h>

enum {
  KEPT_ARENA = 48 << 20, /* documents, parcels and receipts of one bundle, decoded */
  WORK_ARENA = 8 << 20,
};

/* ---- life ---- */

enum tg_err bundle_in_no(struct tg_why *why, enum tg_err *ret, enum tg_err err, const char *what, const char *todo)
{
  *ret = why_set(why, err, "bundle", what, todo, NULL, NULL, NULL);
  return TG_OK;
}

void bundle_in_free(struct bundle_in *b)
{
  if (!b)
    return;
  for (size_t i = 0; i < b->n_brought; i++)
    for (size_t k = 0; k < LIMIT_PORTIONS; k++)
      body_tally_free(b->brought[i]->tally[k]);
  bundle_reader_free(b->reader);
  arena_free(b->kept);
  arena_free(b->work);
  free(b->documents);
  free(b->results);
  free(b);
}

enum tg_err bundle_in_new(struct node_core *core, uint64_t size, struct bundle_in **ret, enum tg_err *ret_verdict,
                          struct tg_why *why)
{
  *ret_verdict = TG_OK;
  if (core->importing)
    return bundle_in_no(why, ret_verdict, TG_BUSY, N_("another bundle is being read"), N_("Try again when it is done"));
  if (!core->named || !core_charter(core))
    return bundle_in_no(why, ret_verdict, TG_NOT_FOUND, N_("this node does not know yet whose it is: no charter or credential is here"),
                        N_("Let it connect to a hub once, or hand it the documents with `toguna document send`"));
  if (!core_has_room(core) || (core->free_bytes != UINT64_MAX && size > core->free_bytes / 2))
    return bundle_in_no(why, ret_verdict, TG_QUOTA, N_("the disk has no room for this bundle"), N_("Free some, and import it again"));
  struct bundle_in *b = calloc(1, sizeof *b);
  if (!b)
    return TG_NO_MEMORY;
  b->size = size;
  b->reader = bundle_reader_new();
  b->kept = arena_new(KEPT_ARENA);
  b->work = arena_new(WORK_ARENA);
  if (!b->reader || !b->kept || !b->work) {
    bundle_in_free(b);
    return TG_NO_MEMORY;
  }
  core->importing = b;
  *ret = b;
  return TG_OK;
}

enum tg_err bundle_in_abort(struct node_core *core, struct bundle_in **at)
{
  struct bundle_in *b = *at;
  enum tg_err err = TG_OK;
  if (!b)
    return TG_OK;
  *at = NULL;
  for (size_t i = 0; err == TG_OK && i < b->n_brought; i++) {
    struct brought *p = b->brought[i];
    for (size_t k = 0; err == TG_OK && k < p->n && !p->known && !p->owned; k++) {
      err = core_begin(core);
      if (err == TG_OK)
        err = depot_body_drop(core->depot, p->body[k]);
      core->sweeping = true;
    }
  }
  core->importing = NULL;
  bundle_in_free(b);
  return err;
}

/* ---- records ---- */

static enum tg_err take_head(struct node_core *core, struct bundle_in *b, const Tg__BundleHead *head, enum tg_err *ret,
                             struct tg_why *why)
{
  const tg_time skew = core_charter(core)->limits.clock_skew;
  if (!slice_eq(data_slice(head->exchange), hash_slice(&core->config->exchange)))
    return bundle_in_no(why, ret, TG_CONFLICT, N_("the bundle is of another exchange"), NULL);
  if (!slice_eq(data_slice(head->to), slice_of(core->member.code, 2))) {
    char to[3] = {(char)head->to.data[0], (char)head->to.data[1], 0};
    *ret = why_set(why, TG_BAD_INPUT, "bundle", N_("the bundle is for nodes of %1$s, and this is one of %2$s"),
                   N_("Carry it to a node of the state that it is for"), to, core->member.code, NULL);
    return TG_OK;
  }
  if ((tg_time)head->time > core->now.wall + skew)
    return bundle_in_no(why, ret, TG_EXPIRED, N_("the bundle was written in the future: this machine's clock is behind, or its writer's is ahead"),
                        N_("Set the clock that is wrong, then import it again"));
  memcpy(b->from.b, head->from.data, sizeof b->from.b);
  if (sign_pk_eq(&b->from, &core->me))
    return bundle_in_no(why, ret, TG_BAD_INPUT, N_("this node wrote the bundle itself"), N_("Carry it to the node that it is for"));
  const struct node *from = directory_node(core->directory, &b->from);
  if (from && from->revoked)
    return bundle_in_no(why, ret, TG_BAD_SIGNATURE, N_("the key of the node that wrote the bundle was revoked"),
                        N_("Tell the security officer of its state where the stick came from"));
  return TG_OK;
}

static enum tg_err take_document(struct bundle_in *b, const Tg__Document *m)
{
  if (b->n_documents == b->cap_documents) {
    size_t cap = b->cap_documents ? 2 * b->cap_documents : 64;
    const Tg__Document **more = reallocarray(b->documents, cap, sizeof *more);
    if (!more)
      return TG_NO_MEMORY;
    b->documents = more;
    b->cap_documents = cap;
  }
  b->documents[b->n_documents++] = m;
  return TG_OK;
}

/* As a hub would deliver it; borrows the parcel's parts. */
static Tg__Delivery delivery_of(const Tg__Parcel *m)
{
  Tg__Delivery d = TG__DELIVERY__INIT;
  d.header = m->header;
  d.proof = m->proof;
  d.n_portions = m->n_portions;
  d.portions = m->portions;
  d.wrap = m->wrap;
  d.wrap_index = m->wrap_index;
  d.wrap_path = m->wrap_path;
  d.entry = m->entry;
  d.salt = m->salt;
  d.leaf = m->leaf;
  d.path = m->path;
  return d;
}

/* Something in it cannot be read: whose fault that is does not matter, and nothing of it counts. */
static enum tg_err altered(enum tg_err err, const struct tg_why *cause, enum tg_err *ret, struct tg_why *why)
{
  if (core_is_fatal(err))
    return err;
  *ret = why_set(why, TG_BAD_INPUT, "bundle", N_("the bundle was altered, or is not whole (%1$s)"), N_("Have it written again"),
                 cause->where, NULL, NULL);
  return TG_OK;
}

static enum tg_err make_room(struct node_core *core, const struct bundle_in *b, struct brought *p, enum tg_err *ret, struct tg_why *why)
{
  for (size_t i = 0; i < p->delivery.n_portions; i++) {
    struct portion portion;
    struct tg_why cause = {0};
    enum tg_err err = portion_parse(data_slice(p->delivery.portions[i]->portion), b->work, &portion, &cause);
    if (err != TG_OK)
      return altered(err, &cause, ret, why);
    err = core_begin(core);
    if (err == TG_OK)
      err = depot_body_new(core->depot, &p->body[i]);
    if (err != TG_OK)
      return err;
    p->n = i + 1;
    p->portion[i] = portion.index;
    p->tally[i] = body_tally_new(&portion.seal.root, portion.seal.size);
    if (!p->tally[i])
      return TG_NO_MEMORY;
  }
  return TG_OK;
}

static enum tg_err take_parcel(struct node_core *core, struct bundle_in *b, const Tg__Parcel *m, enum tg_err *ret, struct tg_why *why)
{
  struct header header;
  struct wrap wrap;
  unsigned event;
  arena_reset(b->work);
  struct tg_why cause = {0};
  enum tg_err err = header_parse(data_slice(m->header), b->work, &header, &cause);
  if (err == TG_OK)
    err = wrap_parse(data_slice(m->wrap), b->work, &wrap, &cause);
  if (err != TG_OK)
    return altered(err, &cause, ret, why);
  if (!sign_pk_eq(&header.subject.originator, &b->from))
    return bundle_in_no(why, ret, TG_BAD_INPUT, N_("the bundle holds a bulletin of another node than the one that wrote it"), NULL);
  b->at = header.id;
  b->any = true;
  if (!sign_pk_eq(&wrap.recipient, &core->me))
    return TG_OK; /* another node of our state will read it */
  for (size_t i = 0; i < b->n_brought; i++)
    if (hash_eq(&b->brought[i]->id, &header.id))
      return bundle_in_no(why, ret, TG_BAD_INPUT, N_("the bundle holds a bulletin twice"), NULL);
  struct brought *p = arena_alloc(b->kept, sizeof *p);
  if (!p)
    return TG_NO_MEMORY;
  p->id = header.id;
  p->expires = header.subject.expires;
  p->delivery = delivery_of(m);
  p->checkpoint = data_slice(m->checkpoint);
  b->brought[b->n_brought++] = p;
  err = inbox_met(core, &p->id, &event);
  p->known = err == TG_OK || arrivals_is_coming(core, &p->id);
  if (err != TG_OK && err != TG_NOT_FOUND)
    return err;
  return p->known ? TG_OK : make_room(core, b, p, ret, why);
}

static enum tg_err take_chunk(struct node_core *core, struct bundle_in *b, const Tg__Chunk *m, enum tg_err *ret, struct tg_why *why)
{
  struct brought *p = b->n_brought ? b->brought[b->n_brought - 1] : NULL;
  if (!b->any || !slice_eq(data_slice(m->bulletin), hash_slice(&b->at)))
    return bundle_in_no(why, ret, TG_BAD_INPUT, N_("the bundle holds content of a bulletin that is not in it"), NULL);
  if (!p || !hash_eq(&p->id, &b->at) || p->known)
    return TG_OK; /* for another node, or here already */
  for (size_t i = 0; i < p->n; i++) {
    if (p->portion[i] != m->portion)
      continue;
    if (p->complete[i] || body_tally_next(p->tally[i]) != m->chunk)
      return bundle_in_no(why, ret, TG_BAD_INPUT, N_("content in the bundle does not stand in its order"), NULL);
    enum tg_err err = body_tally_put(p->tally[i], data_slice(m->sealed), NULL);
    if (err != TG_OK)
      return altered(err, &(struct tg_why){.where = "Chunk.sealed"}, ret, why);
    err = core_begin(core);
    if (err == TG_OK)
      err = depot_chunk_put(core->depot, p->body[i], m->chunk, data_slice(m->sealed));
    p->complete[i] = body_tally_finish(p->tally[i], NULL) == TG_OK;
    return err;
  }
  return TG_OK;
}

static enum tg_err take_end(struct node_core *core, struct bundle_in *b, const Tg__BundleEnd *m, enum tg_err *ret, struct tg_why *why)
{
  const struct hash statement = bundle_read_statement(b->reader);
  enum tg_err err = batch_verify(core->verifier, &core->config->exchange, &b->from, &statement, m->proof, NULL);
  b->ended = true;
  if (core_is_fatal(err))
    return err;
  return err == TG_OK ? TG_OK
                      : bundle_in_no(why, ret, TG_BAD_SIGNATURE, N_("the bundle was altered since its writer signed it"),
                                     N_("Have it written again, on another stick"));
}

static enum tg_err take_record(struct node_core *core, struct bundle_in *b, const struct bundle_record *record, enum tg_err *ret,
                               struct tg_why *why)
{
  switch (record->type) {
  case BUNDLE_HEAD:
    return take_head(core, b, (const Tg__BundleHead *)record->message, ret, why);
  case BUNDLE_DOCUMENT:
    return take_document(b, (const Tg__Document *)record->message);
  case BUNDLE_PARCEL:
    return take_parcel(core, b, (const Tg__Parcel *)record->message, ret, why);
  case BUNDLE_CHUNK:
    return take_chunk(core, b, (const Tg__Chunk *)record->message, ret, why);
  case BUNDLE_RECEIPTS:
    b->receipts[b->n_receipts++] = (const Tg__BundleReceipts *)record->message; /* the reader counts them */
    return TG_OK;
  case BUNDLE_END:
    return take_end(core, b, (const Tg__BundleEnd *)record->message, ret, why);
  }
  return TG_INTERNAL;
}

enum tg_err bundle_in_put(struct node_core *core, struct bundle_in *b, struct slice bytes, enum tg_err *ret_verdict,
                          struct tg_why *why)
{
  *ret_verdict = TG_OK;
  b->came += bytes.n;
  if (b->came > b->size || b->checked)
    return bundle_in_no(why, ret_verdict, TG_TOO_BIG, N_("more comes than was announced"), NULL);
  for (;;) {
    struct bundle_record record;
    arena_reset(b->work);
    enum tg_err err = bundle_read(b->reader, &bytes, b->kept, b->work, &record, why);
    if (err == TG_NOT_FOUND)
      break;
    if (core_is_fatal(err))
      return err;
    if (err == TG_OK)
      err = take_record(core, b, &record, ret_verdict, why);
    else
      *ret_verdict = err;
    if (*ret_verdict != TG_OK)
      return TG_OK;
    if (err != TG_OK)
      return err;
  }
  if (b->came < b->size)
    return TG_OK;
  if (!b->ended)
    return bundle_in_no(why, ret_verdict, TG_BAD_INPUT, N_("the bundle is not whole: its end is missing"), N_("Have it written again"));
  return bundle_in_finish(core, b, ret_verdict, why);
}

/* ---- what became of it ---- */

bool bundle_in_is_done(struct node_core *core, const struct bundle_in *b)
{
  for (size_t i = 0; b->checked && i < b->n_brought; i++)
    if (arrivals_is_coming(core, &b->brought[i]->id))
      return false;
  return b->checked;
}

void bundle_in_declined(struct node_core *core, const struct hash *id, unsigned event, const struct tg_why *why)
{
  struct bundle_in *b = core->importing;
  for (size_t i = 0; b && i < b->n_brought; i++)
    if (hash_eq(&b->brought[i]->id, id)) {
      b->brought[i]->outcome = BUNDLE_DECLINED;
      b->brought[i]->event = event;
      if (why)
        b->brought[i]->why = *why;
      else
        why_set(&b->brought[i]->why, TG_REVOKED, NULL, N_("it was taken back before it came"), NULL, NULL, NULL, NULL);
    }
}

enum tg_err bundle_in_result(struct node_core *core, struct bundle_in *b, size_t i, struct bundle_result *ret, bool *ret_any)
{
  unsigned event;
  *ret_any = true;
  if (i >= b->n_brought) {
    *ret_any = i - b->n_brought < b->n_results;
    if (*ret_any)
      *ret = b->results[i - b->n_brought];
    return TG_OK;
  }
  const struct brought *p = b->brought[i];
  *ret = (struct bundle_result){.id = p->id, .outcome = p->outcome, .event = p->event, .why = p->why};
  if (p->outcome)
    return TG_OK;
  enum tg_err err = inbox_met(core, &p->id, &event);
  if (err != TG_OK && err != TG_NOT_FOUND)
    return err;
  ret->outcome = err == TG_OK ? BUNDLE_TAKEN : BUNDLE_DECLINED;
  return TG_OK;
}
