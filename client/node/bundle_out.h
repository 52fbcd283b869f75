/* Writing a bundle (proto/bundle.h, docs/protocol.md §11): bulletins of ours for one member's nodes, with what proves them, for where no
   hub is to be had. The same decision as at every other door: only to nodes that they were sealed to and that our policy permits now. */
#ifndef TOGUNA_CLIENT_NODE_BUNDLE_OUT_H
#define TOGUNA_CLIENT_NODE_BUNDLE_OUT_H

#include "client/node/core.h"
#include "proto/bundle.h"

struct bundle_out;

/* For the nodes whose name is `to` or begins with it: "BF", "BF/anr", "BF/anr/n1". n 0: all bulletins that one of them has not answered,
   the most urgent first. bare: no documents, no proofs. Verdicts: TG_NOT_FOUND: nobody of that name, no such bulletin here, or none was
   sealed to them; TG_REFUSED, TG_REVOKED, TG_EXPIRED: not any more. */
enum tg_err bundle_out_new(struct node_core *core, struct slice to, const struct hash *ids, size_t n, bool bare,
                           struct bundle_out **ret, enum tg_err *ret_verdict, struct tg_why *ret_why);
void bundle_out_free(struct bundle_out *b);
/* Its bulletins. */
size_t bundle_out_count(const struct bundle_out *b);
const struct hash *bundle_out_id(const struct bundle_out *b, size_t i);
/* The next piece, at most LOCAL_DATA bytes, valid until the next call; *ret_end with the last. */
enum tg_err bundle_out_next(struct node_core *core, struct bundle_out *b, struct slice *ret, bool *ret_end,
                            enum tg_err *ret_verdict, struct tg_why *ret_why);

/* ---- what both sides write */
enum tg_err bundle_out_head(struct node_core *core, struct bundle_hash *hash, struct country to, struct buf *out);
enum tg_err bundle_out_end(struct node_core *core, struct bundle_hash *hash, struct buf *out);

#endif
