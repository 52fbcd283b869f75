/* How much of everything: the one table of limits, per message and field (docs/protocol.md §10). */
#ifndef TOGUNA_PROTO_LIMITS_H
#define TOGUNA_PROTO_LIMITS_H

#include "proto/strict.h"

enum {
  LIMIT_FRAME = 1024 * 1024, /* bytes of a frame, its two leading bytes included */
  LIMIT_MESSAGE = LIMIT_FRAME - 2,
  LIMIT_PORTIONS = 16,
  LIMIT_WRAPS = 1024,
  LIMIT_APPROVALS = 8,
  LIMIT_TOPICS = 4,
  LIMIT_TOPIC = 64,         /* bytes of one topic */
  LIMIT_TOPIC_LABEL = 32,   /* bytes of one of its labels */
  LIMIT_TOPIC_LABELS = 8,   /* labels of one topic */
  LIMIT_SOURCES = 16,
  LIMIT_NAMES = 256,        /* names in a release list, and again in its exceptions */
  LIMIT_NAME = 34,          /* bytes of one such name: "ML", "AES", "ML/dgse" */
  LIMIT_LABEL = 64,         /* bytes of a national label */
  LIMIT_BATCH = 65536,      /* statements signed at once */
  LIMIT_SUBJECT = 2048,     /* bytes of a Subject */
  LIMIT_HEADER = 4096,
  LIMIT_PORTION = 512,
  LIMIT_RELEASE = 20 * 1024,
  LIMIT_WRAP = 1024,
  LIMIT_RECEIPT = 256,
  LIMIT_SEALING_KEYS = 64 * 1024,
  LIMIT_BODY_HEAD = 1024,
  LIMIT_ENTRY = 512,
  LIMIT_DECISION = 256 * 1024,
  LIMIT_DOCUMENT = 256 * 1024, /* bytes of a signed note */
  LIMIT_CHECKPOINT = 16 * 1024,
  LIMIT_PARCEL = 400 * 1024, /* one bulletin for one node, in a bundle, without bodies */
  LIMIT_BARE_CHECKPOINT = 640, /* one without cosignatures */
};

/* The last millisecond of the year 9999. */
#define LIMIT_TIME UINT64_C(253402300799999)

/* bulletin.proto */
extern const struct strict_limits limits_subject, limits_approval, limits_header, limits_portion, limits_release,
    limits_wrap, limits_batch_proof, limits_body_head, limits_receipt, limits_sealing_keys, limits_sealing_key;
/* log.proto */
extern const struct strict_limits limits_entry, limits_decision, limits_portion_decision, limits_denial;
/* session.proto */
extern const struct strict_limits limits_hello, limits_welcome, limits_goodbye, limits_body, limits_submission,
    limits_submit, limits_want, limits_chunk, limits_outcome, limits_outcomes, limits_open_portion, limits_delivery,
    limits_deliver, limits_receipts, limits_receipt_note, limits_receipt_notes, limits_receipts_seen, limits_document,
    limits_documents, limits_document_outcome, limits_document_outcomes, limits_tick, limits_receipts_wanted, limits_stated_receipts,
    limits_receipts_logged;
/* bundle.proto */
extern const struct strict_limits limits_bundle_head, limits_parcel, limits_bundle_receipts, limits_bundle_end;

/* All of them, for tests and fuzzing, ended by NULL. */
extern const struct strict_limits *const limits_all[];

#endif
