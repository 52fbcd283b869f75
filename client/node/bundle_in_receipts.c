/* What this node states about the bulletins of a bundle, as a bundle of receipts for whoever wrote it. */
#include "client/node/bundle_in_inside.h"

#include "client/node/bundle_out.h"
#include "client/node/inbox.h"
#include "client/node/watch.h"
#include "proto/receipt.h"

struct stating {
  struct batch *batch;
  Tg__BundleReceipts m;
  ProtobufCBinaryData *items;
};

static enum tg_err state(struct node_core *core, struct bundle_in *b, struct stating *s, const struct hash *id, unsigned event,
                         uint64_t number)
{
  const struct receipt receipt = {.bulletin = *id,
                                  .node = core->me,
                                  .event = (enum receipt_event)event,
                                  .time = core->now.wall,
                                  .number = event == RECEIPT_STORED ? number : 0,
                                  .checkpoint_root = watch_root(core),
                                  .checkpoint_size = watch_size(core)};
  struct buf bytes = buf_new(LIMIT_RECEIPT);
  enum tg_err err = receipt_build(&receipt, &bytes, NULL);
  struct slice copy = err == TG_OK ? arena_copy(b->kept, buf_slice(&bytes)) : slice_of(NULL, 0);
  buf_free(&bytes);
  if (err != TG_OK || !copy.p)
    return err != TG_OK ? err : TG_NO_MEMORY;
  const struct hash statement = statement_id(STATEMENT_RECEIPT, copy);
  s->items[s->m.n_items++] = slice_data(copy);
  return batch_add(s->batch, &statement, NULL);
}

static enum tg_err state_one(struct node_core *core, struct bundle_in *b, struct stating *s, const struct brought *p)
{
  unsigned events[INBOX_EVENTS], met;
  size_t n = 0;
  uint64_t number = 0;
  enum tg_err err = inbox_events(core, &p->id, events, &n, &number);
  if (err == TG_NOT_FOUND && inbox_met(core, &p->id, &met) == TG_OK && met != RECEIPT_STORED)
    return state(core, b, s, &p->id, met, 0); /* answered earlier */
  if (err == TG_NOT_FOUND)
    return p->event ? state(core, b, s, &p->id, p->event, 0) : TG_OK;
  for (size_t i = 0; err == TG_OK && i < n; i++)
    err = state(core, b, s, &p->id, events[i], number);
  return err;
}

static enum tg_err write_receipts(struct node_core *core, struct bundle_in *b, struct stating *s, struct buf *out)
{
  const struct node *to = directory_node(core->directory, &b->from);
  struct bundle_hash hash;
  struct hash root;
  struct sign_sig signature;
  if (!to)
    return TG_INTERNAL; /* bundle_in_finish() looked */
  enum tg_err err = batch_sign(s->batch, &core->config->exchange, core_sign, core);
  if (err != TG_OK)
    return err;
  batch_result(s->batch, &root, &signature);
  s->m.signature = slice_data(slice_of(signature.b, sizeof signature.b));
  s->m.items = s->items;
  err = bundle_out_head(core, &hash, to->credential.holder.member, out);
  if (err == TG_OK)
    err = bundle_put(&hash, BUNDLE_RECEIPTS, &s->m.base, out, NULL);
  return err == TG_OK ? bundle_out_end(core, &hash, out) : err;
}

enum tg_err bundle_in_receipts(struct node_core *core, struct bundle_in *b, struct buf *out)
{
  struct stating s = {.batch = batch_new(), .m = TG__BUNDLE_RECEIPTS__INIT,
                      .items = arena_alloc(b->kept, (b->n_brought ? b->n_brought : 1) * INBOX_EVENTS * sizeof *s.items)};
  enum tg_err err = s.batch && s.items ? TG_OK : TG_NO_MEMORY;
  for (size_t i = 0; err == TG_OK && i < b->n_brought; i++)
    err = state_one(core, b, &s, b->brought[i]);
  if (err == TG_OK && s.m.n_items)
    err = write_receipts(core, b, &s, out);
  batch_free(s.batch);
  return err;
}
