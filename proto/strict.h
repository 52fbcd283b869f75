/* Canonical form (docs/protocol.md §1): one message, one encoding. Everything received goes through here
   before protobuf-c sees a byte, because protobuf-c accepts many spellings of one message, amplifies memory
   and knows no limits. */
#ifndef TOGUNA_PROTO_STRICT_H
#define TOGUNA_PROTO_STRICT_H

#include "proto/arena.h"
#include "proto/base.h"
#include "proto/buf.h"
#include <protobuf-c/protobuf-c.h>

enum { STRICT_DEPTH = 4 }; /* messages inside messages, the outermost counted */

enum strict_flag {
  STRICT_REQUIRED = 1, /* must be present: not empty, not zero */
  STRICT_TEXT = 2,     /* well-formed UTF-8 without control characters or bidirectional marks */
  STRICT_STEPS = 4,    /* a Merkle path: a multiple of 32 bytes */
  STRICT_EMPTY = 8,    /* an element of repeated bytes may be empty */
};

/* What one field may hold. Bytes are opaque here: a message inside a bytes field is checked by whoever
   parses it, so that one bad item does not condemn the frame it travels in. */
struct strict_field {
  uint32_t number;                     /* as in the schema */
  unsigned flags;                      /* enum strict_flag */
  uint64_t min, max;                   /* bytes: length; numbers: value. Of each element when repeated. A field that is
                                          absent is not measured; a singular one is never present with its default */
  uint32_t count;                      /* repeated: most elements; 0 for a singular field */
  const struct strict_limits *message; /* of a message field */
};

/* What one message may hold. Invariants (tests/proto/limits_test.c): as many fields as the descriptor, in its
   order, every number equal. The table of all of them is limits.h. */
struct strict_limits {
  const ProtobufCMessageDescriptor *descriptor;
  size_t max; /* bytes of the whole message */
  size_t field_count;
  const struct strict_field *fields;
};

/* Is `bytes` the canonical encoding of a message within its limits? Reads once, allocates nothing.
   TG_OK; TG_TOO_BIG beyond a length or count; TG_BAD_INPUT for everything else. why->where names the field,
   as in "Subject.topics". */
enum tg_err strict_check(const struct strict_limits *limits, struct slice bytes, struct tg_why *why);

/* strict_check(), then protobuf-c into the arena. The message and all it holds are copies that live until the
   arena is reset; never call x__free_unpacked on it. Also TG_TOO_BIG when the arena's budget ends, and TG_NO_MEMORY when
   memory does: that says nothing of the message, and whoever sent it must not be blamed. */
enum tg_err strict_unpack(const struct strict_limits *limits, struct slice bytes, struct arena *arena,
                          ProtobufCMessage **ret, struct tg_why *why);

/* Appends the canonical encoding of message to out. A message that strict_check() would refuse is refused
   with its error and out is as before; TG_TOO_BIG when out is full. */
enum tg_err strict_pack(const struct strict_limits *limits, const ProtobufCMessage *message, struct buf *out,
                        struct tg_why *why);

/* A look at one field of what was not checked yet: its number, or its bytes. False: it is absent, is neither, or this is no message. What it says
   may only be a hint until the whole was checked. */
bool strict_peek_number(struct slice message, uint32_t field, uint64_t *ret);
bool strict_peek_bytes(struct slice message, uint32_t field, struct slice *ret);

/* protobuf-c's bytes as a slice, and back; both borrow. */
struct slice strict_slice(ProtobufCBinaryData data);
ProtobufCBinaryData strict_data(struct slice s);
ProtobufCBinaryData strict_data_of(const void *p, size_t n);

#endif
