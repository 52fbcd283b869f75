/* Reading a bundle, piece by piece (proto/bundle.h, docs/protocol.md §11). Everything in it is checked before anything of it counts: that it
   is whole and as its writer signed it, who that is, the documents, each bulletin as if a hub had brought it, the bodies. One fault, and
   nothing is taken in; what our rules alone refuse is declined, and the rest goes on. Then bulletins are opened like all that arrive
   (arrivals.h), and the node states what became of them in a bundle of receipts. */
#ifndef TOGUNA_CLIENT_NODE_BUNDLE_IN_H
#define TOGUNA_CLIENT_NODE_BUNDLE_IN_H

#include "client/node/core.h"

enum bundle_outcome { BUNDLE_TAKEN = 1, BUNDLE_WAS_HERE, BUNDLE_DECLINED, BUNDLE_RECEIPT };

/* What became of one bulletin, or what a receipt says. why: of one that was declined. */
struct bundle_result {
  struct hash id;
  enum bundle_outcome outcome;
  struct sign_pk node; /* who states the receipt */
  unsigned event;
  struct tg_why why;
};

/* One at a time. Verdicts: TG_BUSY: another is being read; TG_QUOTA: no room for one of so many bytes; TG_NOT_FOUND: our credential is not known yet. */
enum tg_err bundle_in_new(struct node_core *core, uint64_t size, struct bundle_in **ret, enum tg_err *ret_verdict,
                          struct tg_why *ret_why);
/* Nothing of what was not taken in stays. Takes *b; NULL, or a pointer to NULL, is fine. */
enum tg_err bundle_in_abort(struct node_core *core, struct bundle_in **b);
/* At the end of the process, when the store is not to be touched any more: it drops by itself at the next start. */
void bundle_in_free(struct bundle_in *b);
/* The next bytes. Any verdict but TG_OK ends it. With the last byte everything is checked. */
enum tg_err bundle_in_put(struct node_core *core, struct bundle_in *b, struct slice bytes, enum tg_err *ret_verdict,
                          struct tg_why *ret_why);
/* All has come and was found good, and what was taken in has been opened, or not. */
bool bundle_in_is_done(struct node_core *core, const struct bundle_in *b);
/* Then: the i-th result; false past the end. */
enum tg_err bundle_in_result(struct node_core *core, struct bundle_in *b, size_t i, struct bundle_result *ret, bool *ret_any);
/* And the receipts for whoever wrote it, as a bundle; appends nothing when there is nothing to say. */
enum tg_err bundle_in_receipts(struct node_core *core, struct bundle_in *b, struct buf *out);

/* arrivals.c could not take in what a bundle brought. */
void bundle_in_declined(struct node_core *core, const struct hash *id, unsigned event, const struct tg_why *why);

#endif
