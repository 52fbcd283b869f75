/* A frame: version byte 01, type byte, message (docs/protocol.md §9). */
#ifndef TOGUNA_PROTO_FRAME_H
#define TOGUNA_PROTO_FRAME_H

#include "proto/limits.h"

enum { FRAME_VERSION = 1 };

enum frame_type {
  FRAME_HELLO = 1,
  FRAME_WELCOME,
  FRAME_GOODBYE,
  FRAME_SUBMIT,
  FRAME_WANT,
  FRAME_CHUNK,
  FRAME_OUTCOMES,
  FRAME_DELIVER,
  FRAME_RECEIPTS,
  FRAME_RECEIPT_NOTES,
  FRAME_RECEIPTS_SEEN,
  FRAME_DOCUMENTS,
  FRAME_DOCUMENT_OUTCOMES,
  FRAME_TICK,
  FRAME_RECEIPTS_WANTED,
  FRAME_RECEIPTS_LOGGED,
};

enum frame_direction { FRAME_TO_HUB = 1, FRAME_TO_NODE = 2, FRAME_BOTH_WAYS = 3 };

/* One row of the table: all that is known of a type before its message is read. */
struct frame_kind {
  enum frame_type type;
  const char *name; /* "submit", for logs and counters */
  enum frame_direction direction;
  const struct strict_limits *limits; /* of the message: the frame is two bytes longer */
  bool chained; /* to a node it carries a checkpoint and the proof from the frame before: a session does not survive its loss */
};

/* The row of a type byte, or NULL for a type this version does not know. */
const struct frame_kind *frame_kind(uint8_t type);

/* The row of a frame that may travel this way and is not too long; its message is not looked at. Constant time:
   what a front does with foreign bytes. TG_UNKNOWN: version or type; TG_TOO_BIG; TG_BAD_INPUT: too short, or
   a type that never travels this way. */
enum tg_err frame_peek(struct slice bytes, enum frame_direction direction, const struct frame_kind **ret,
                       struct tg_why *why);

/* Appends a frame to out; out is as before on failure. The message must be of the type's kind (asserted).
   Errors of strict_pack(). */
enum tg_err frame_encode(enum frame_type type, const ProtobufCMessage *message, struct buf *out, struct tg_why *why);

/* frame_peek(), then strict_unpack() into the arena: *ret_message is a Tg__Submit … as ret_kind->type says, valid
   until the arena is reset. An arena of FRAME_ARENA bytes takes any frame. */
enum { FRAME_ARENA = 8 * LIMIT_FRAME };
enum tg_err frame_decode(struct slice bytes, enum frame_direction direction, struct arena *arena,
                         const struct frame_kind **ret_kind, ProtobufCMessage **ret_message, struct tg_why *why);

#endif
