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

static enum tg_err add_recipients(struct hub *hub, uint64_t leaf, struct buf *out)
{
  struct store_recipient *list;
  size_t n = 0;
  enum tg_err err = store_bulletin_recipients(hub->store, leaf, hub->item, &list, &n);
  for (size_t i = 0; !err && i < n; i++) {
    struct party *p;
    err = party_numbered(&hub->parties, hub->store, list[i].node, &p);
    if (err)
      return err;
    buf_put(out, p->identity.b, sizeof p->identity.b);
    buf_put_u32(out, list[i].portions);
  }
  return found(err);
}

static enum tg_err add_content(struct hub *hub, uint64_t leaf, struct buf *out)
{
  struct slice bytes = {0};
  struct content *c;
  enum tg_err err = found(store_bulletin_content(hub->store, leaf, hub->item, &bytes));
  if (err || bytes.n == 0)
    return err;
  err = content_read(bytes, hub->item, &c);
  if (!err)
    dossier_bulletin_put(out, c->message);
  return err;
}

/* One more paper, or none. */
static void add(struct dossier *d, enum dossier_paper paper, struct hub *hub, struct buf *bytes)
{
  d->paper[paper] = arena_copy(hub->item, buf_slice(bytes));
  buf_clear(bytes);
}

static enum tg_err add_bulletin(struct hub *hub, struct dossier *d, struct buf *bytes)
{
  enum tg_err err = add_content(hub, d->index, bytes);
  add(d, DOSSIER_BULLETIN, hub, bytes);
  if (!err && d->paper[DOSSIER_BULLETIN].n)
    err = add_recipients(hub, d->index, bytes);
  add(d, DOSSIER_RECIPIENTS, hub, bytes);
  return err ? err : found(store_bulletin_decision(hub->store, d->index, hub->item, &d->paper[DOSSIER_DECISION]));
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

static enum tg_err add_papers(struct hub *hub, struct dossier *d, struct buf *bytes)
{
  struct entry e;
  if (entry_parse(d->paper[DOSSIER_ENTRY], &e, NULL) != TG_OK)
    return TG_DISK;
  switch (e.type) {
  case ENTRY_ACCEPTED:
  case ENTRY_REFUSED:
    return add_bulletin(hub, d, bytes);
  case ENTRY_RECEIPTS:
    return found(store_said(hub->store, d->index, hub->item, &d->paper[DOSSIER_RECEIPTS]));
  case ENTRY_DOCUMENT:
    return add_document(hub, &e.subject, d, bytes);
  default:
    return TG_OK;
  }
}

enum tg_err hub_dossiers(struct hub *hub, uint64_t bundle, unsigned width, struct buf *out)
{
  struct buf bytes = buf_new(DOSSIER_MAX);
  enum tg_err err = TG_OK;
  for (unsigned i = 0; !err && i < width; i++) {
    struct store_entry e;
    struct dossier d = {.index = bundle * TILE_WIDTH + i};
    arena_reset(hub->item);
    err = store_entry(hub->store, d.index, hub->item, &e);
    if (err)
      break;
    memcpy(d.salt, e.salt, sizeof d.salt);
    d.paper[DOSSIER_ENTRY] = e.bytes;
    err = add_papers(hub, &d, &bytes);
    if (!err)
      dossier_put(out, &d);
  }
  buf_free(&bytes);
  return err ? err : buf_status(out);
}
