/* What the files of a bundle's reading share: bundle_in.c, bundle_in_check.c, bundle_in_receipts.c. */
#ifndef TOGUNA_CLIENT_NODE_BUNDLE_IN_INSIDE_H
#define TOGUNA_CLIENT_NODE_BUNDLE_IN_INSIDE_H

#include "client/node/bundle_in.h"
#include "proto/bundle.h"

/* A parcel of ours. Invariants: bodies are in the depot and nobody's, until the bulletin is handed to arrivals; tally is there for portions
   whose chunks have not all come; `known` ones have neither. outcome 0: not decided. */
struct brought {
  struct hash id;
  Tg__Delivery delivery;
  struct slice checkpoint;
  tg_time expires;
  bool known, owned;
  size_t n;
  unsigned portion[LIMIT_PORTIONS];
  uint64_t body[LIMIT_PORTIONS];
  struct body_tally *tally[LIMIT_PORTIONS];
  bool complete[LIMIT_PORTIONS];
  enum bundle_outcome outcome;
  unsigned event; /* of one that was declined; 0: nothing is stated */
  struct tg_why why;
};

struct bundle_in {
  uint64_t size, came;
  struct bundle_reader *reader;
  struct arena *kept, *work;
  bool ended, checked;
  struct sign_pk from;
  const Tg__Document **documents;
  size_t n_documents, cap_documents;
  struct brought *brought[BUNDLE_PARCELS];
  size_t n_brought;
  struct hash at; /* the bulletin whose parcels came last; zeros: none */
  bool any;
  const Tg__BundleReceipts *receipts[BUNDLE_RECEIPT_RUNS];
  size_t n_receipts;
  struct bundle_result *results; /* of receipts */
  size_t n_results, cap_results;
};

/* *ret: err, and why says what is wrong with the bundle. TG_OK. */
enum tg_err bundle_in_no(struct tg_why *why, enum tg_err *ret, enum tg_err err, const char *what, const char *todo);
/* All of it is here: checked, and if nothing is wrong with any of it, taken in. *ret: the verdict. */
enum tg_err bundle_in_finish(struct node_core *core, struct bundle_in *b, enum tg_err *ret, struct tg_why *why);

#endif
