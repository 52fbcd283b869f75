/* The file that two nodes pass each other when no hub is to be had (docs/protocol.md §11): magic, then records, each of a type
   with its own limits. Reading takes pieces of any size and holds one record at a time; nothing is allocated for more than the
   record's type permits. What a record says is for the caller to check. */
#ifndef TOGUNA_PROTO_BUNDLE_H
#define TOGUNA_PROTO_BUNDLE_H

#include "proto/arena.h"
#include "proto/buf.h"
#include "proto/limits.h"
#include "proto/bundle.pb-c.h"

enum bundle_type {
  BUNDLE_HEAD = 1,
  BUNDLE_DOCUMENT, /* Tg__Document */
  BUNDLE_PARCEL,
  BUNDLE_CHUNK, /* Tg__Chunk */
  BUNDLE_RECEIPTS,
  BUNDLE_END,
};

enum {
  BUNDLE_MAGIC = 17, /* bytes before the first record: the label "toguna/bundle/v1" with its zero byte */
  BUNDLE_FRAMING = 5, /* bytes before each message: its length, its type */
  BUNDLE_PARCELS = 256, /* in one bundle at most, */
  BUNDLE_DOCUMENTS = 8192, /* and documents, */
  BUNDLE_RECEIPT_RUNS = 64, /* and records of receipts */
};

/* ---- writing: the caller keeps `hash` over everything that it appended, see bundle_hash */

struct bundle_hash {
  uint64_t state[32]; /* crypto_hash_sha256_state */
};

/* The magic. */
void bundle_begin(struct bundle_hash *hash, struct buf *out);
/* One record. Errors of strict_pack(); the message is of the type's kind (asserted). out and hash are as before on failure. */
enum tg_err bundle_put(struct bundle_hash *hash, enum bundle_type type, const ProtobufCMessage *message, struct buf *out,
                       struct tg_why *why);
/* The statement that the record BUNDLE_END proves: of all bytes so far. */
struct hash bundle_statement(const struct bundle_hash *hash);

/* ---- reading */

/* A record, as it was read. The message lives in the arena that was given for it. */
struct bundle_record {
  enum bundle_type type;
  ProtobufCMessage *message;
};

struct bundle_reader;
struct bundle_reader *bundle_reader_new(void); /* NULL without memory */
void bundle_reader_free(struct bundle_reader *r);
/* Takes from *bytes, moving it on, until a record is whole or nothing is left. Chunks, which are many, are read into an arena of their
   own, which the caller resets. TG_OK: *ret is a record, to be dealt with before
   the next call; TG_NOT_FOUND: more bytes are needed. TG_BAD_INPUT, TG_TOO_BIG, TG_UNKNOWN: this is no bundle, or was altered;
   the reader is then good for nothing. Checked here: the first record is the head and no other is; nothing follows the end; the counts
   above; a Document has no sequence and a Chunk no offset. */
enum tg_err bundle_read(struct bundle_reader *r, struct slice *bytes, struct arena *arena, struct arena *chunks,
                        struct bundle_record *ret, struct tg_why *why);
/* The statement of everything before the end record; has it come? */
struct hash bundle_read_statement(const struct bundle_reader *r);
bool bundle_read_ended(const struct bundle_reader *r);

#endif
