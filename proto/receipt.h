/* What a recipient node states about one bulletin. Signed in batches (batch.h, STATEMENT_RECEIPT). */
#ifndef TOGUNA_PROTO_RECEIPT_H
#define TOGUNA_PROTO_RECEIPT_H

#include "proto/arena.h"
#include "proto/buf.h"

enum receipt_event {
  RECEIPT_STORED = 1,
  RECEIPT_READ,
  RECEIPT_ACKNOWLEDGED,
  RECEIPT_PURGED,
  RECEIPT_RETAINED,
  RECEIPT_RECALL_REFUSED,
  RECEIPT_UNREADABLE,
  RECEIPT_IMPORT_REFUSED,
};

struct receipt {
  struct slice bytes; /* exactly as they came; ignored in a draft */
  struct hash bulletin;
  struct sign_pk node;
  enum receipt_event event;
  tg_time time;
  uint64_t number;             /* as found in the wrap; 0 except when stored */
  struct hash checkpoint_root; /* all zero with checkpoint_size 0: none seen yet */
  uint64_t checkpoint_size;
};

/* "stored", "recall-refused"; "?" for a value outside the list. */
const char *receipt_event_name(enum receipt_event event);
/* Appends the Receipt bytes; out is as before on failure. */
enum tg_err receipt_build(const struct receipt *draft, struct buf *out, struct tg_why *why);
/* Refused besides what strict_unpack() refuses: a number on another event than stored, or none on stored; a checkpoint
   size without root or root without size. */
enum tg_err receipt_parse(struct slice bytes, struct arena *arena, struct receipt *ret, struct tg_why *why);

#endif
