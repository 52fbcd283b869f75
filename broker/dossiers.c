/* What the hub's own auditors may see of each entry: put together when the log's files are written, once a second,
   never while bulletins pass. */
#include "audit/dossier.h"

#include "broker/content.h"
#include "broker/hub_inside.h"
#include "broker/store_bulletin.h"
#include "broker/store_document.h"

#include <string.h>

static enum tg_err found(enum tg_err err)
{
  return err == TG_NOT_FOUND ? TG_OK : err; /* forgotten, or never there */
}

static enum tg_err add_recipients(struct hub *hub, struct slice packed, struct buf *out)
{
  struct store_recipient r;
  while (store_recipient_take(&packed, &r)) {
    struct party *p;
    enum tg_err err = party_numbered(&hub->parties, hub->store, r.node, &p);
    if (err)
      return err;
    buf_put(out, p->identity.b, sizeof p->identity.b);
    buf_put_u32(out, r.portions);
  }
  return TG_OK;
}

/* Empty: forgotten. */
static enum tg_err add_content(struct hub *hub, struct slice bytes, struct buf *out)
{
  const Tg__Submission *m;
  if (bytes.n == 0)
    return TG_OK;
  enum tg_err err = content_message(bytes, hub->item, &m);
  if (!err)
    dossier_bulletin_put(out, m);
  return err;
}

/* One more paper, or none. */
static void add(struct dossier *d, enum dossier_paper paper, struct hub *hub, struct buf *bytes)
{
  d->paper[paper] = arena_copy(hub->item, buf_slice(bytes));
  buf_clear(bytes);
}

static enum tg_err add_bulletin(struct hub *hub, const struct store_leaf *leaf, struct dossier *d, struct buf *bytes)
{
  d->paper[DOSSIER_DECISION] = leaf->decision;
  enum tg_err err = add_content(hub, leaf->content, bytes);
  add(d, DOSSIER_BULLETIN, hub, bytes);
  if (!err && d->paper[DOSSIER_BULLETIN].n)
    err = add_recipients(hub, leaf->recipients, bytes);
  add(d, DOSSIER_RECIPIENTS, hub, bytes);
  return err;
}

static enum tg_err add_document(struct hub *hub, const struct hash *hash, struct dossier *d, struct buf *bytes)
{
  struct store_document doc;
  enum tg_err err = store_document_by_hash(hub->store, hash, hub->item, &doc);
  if (err)
    return found(err);
  buf_put_u8(bytes, (uint8_t)doc.kind);
  buf_put_slice(bytes, doc.content);
  add(d, DOSSIER_DOCUMENT, hub, bytes);
  d->paper[DOSSIER_PROOF] = doc.proof;
  return TG_OK;
}

static enum tg_err add_papers(struct hub *hub, const struct store_leaf *leaf, struct dossier *d, struct buf *bytes)
{
  struct entry e;
  if (entry_parse(d->paper[DOSSIER_ENTRY], &e, NULL) != TG_OK)
    return TG_DISK;
  switch (e.type) {
  case ENTRY_ACCEPTED:
  case ENTRY_REFUSED:
    return add_bulletin(hub, leaf, d, bytes);
  case ENTRY_RECEIPTS:
    return found(store_said(hub->store, d->index, hub->item, &d->paper[DOSSIER_RECEIPTS]));
  case ENTRY_DOCUMENT:
    return add_document(hub, &e.subject, d, bytes);
  default:
    return TG_OK;
  }
}

struct writing {
  struct hub *hub;
  struct buf bytes, *out;
};

static enum tg_err add_dossier(void *context, const struct store_leaf *leaf)
{
  struct writing *w = context;
  struct dossier d = {.index = leaf->leaf};
  arena_reset(w->hub->item);
  memcpy(d.salt, leaf->salt, sizeof d.salt);
  d.paper[DOSSIER_ENTRY] = leaf->bytes;
  enum tg_err err = add_papers(w->hub, leaf, &d, &w->bytes);
  if (!err)
    dossier_put(w->out, &d);
  return err;
}

enum tg_err hub_dossiers(struct hub *hub, uint64_t from, uint64_t below, struct buf *out)
{
  struct writing w = {.hub = hub, .bytes = buf_new(DOSSIER_MAX), .out = out};
  enum tg_err err = store_leaves(hub->store, from, below, add_dossier, &w);
  buf_free(&w.bytes);
  return err == TG_NOT_FOUND ? TG_DISK : err ? err : buf_status(out);
}
