/* What local programs and their node say to each other over the node's Unix socket (docs/local-protocol.md).
   A frame is version byte 01, type byte, message; on the socket os/pipe's length stands before it. The node and
   libtoguna share this table, so neither trusts the other's bytes: everything received is checked for canonical form
   and limits (proto/strict.h) before protobuf-c sees it. */
#ifndef TOGUNA_CLIENT_LOCAL_H
#define TOGUNA_CLIENT_LOCAL_H

#include "proto/arena.h"
#include "proto/buf.h"
#include "proto/strict.h"
#include "proto/local.pb-c.h"

enum {
  LOCAL_VERSION = 1,      /* first byte of a frame */
  LOCAL_PROTOCOL = 1,     /* LHello.protocol, LWelcome.protocol */
  LOCAL_FRAME = 1 << 20,  /* bytes of a frame, its two leading bytes included: pipe_limits.max_frame */
  LOCAL_DATA = 64 * 1024, /* bytes of LData.data, LContent.data, LJson.json */
  LOCAL_DOCUMENT = 256 * 1024,
  LOCAL_REASON = 128,     /* bytes of LDeny.reason */
  LOCAL_NAME = 67,        /* bytes of a holder's name: "ML/dgse/n1" */
  LOCAL_EXPORTS = 256,    /* bulletins in one LExport */
  LOCAL_ARENA = 8 << 20,  /* an arena of this budget takes any frame */
};

enum local_type {
  LOCAL_HELLO = 1,
  LOCAL_WELCOME,
  LOCAL_ERROR,
  LOCAL_DONE,
  LOCAL_PREVIEW,
  LOCAL_AUDIENCE,
  LOCAL_PUBLISH,
  LOCAL_PUBLISH_DATA,
  LOCAL_PROGRESS,
  LOCAL_LIST,
  LOCAL_FOLLOW,
  LOCAL_ITEM,
  LOCAL_READ,
  LOCAL_CONTENT,
  LOCAL_ACK,
  LOCAL_TRACK,
  LOCAL_TRACK_ITEM,
  LOCAL_QUERY,
  LOCAL_JSON,
  LOCAL_PUT_DOCUMENT,
  LOCAL_RESOLVE,
  LOCAL_CANCEL,
  LOCAL_APPROVE,
  LOCAL_DENY,
  LOCAL_EXPORT,
  LOCAL_IMPORT,
  LOCAL_IMPORTED,
  LOCAL_BACKUP,
};

enum local_direction { LOCAL_TO_NODE = 1, LOCAL_TO_PROGRAM = 2 };

/* One row of the table. Every message has `request`, a number above 0 that the program chooses, as its first field; an
   LError without it is about the connection, which then ends. */
struct local_kind {
  enum local_type type;
  const char *name; /* "publish", for logs */
  enum local_direction direction;
  const struct strict_limits *limits;
};

/* The row of a type byte, or NULL. */
const struct local_kind *local_kind(uint8_t type);

/* Appends a frame to out, which is as before on failure. The message must be of the type's kind (asserted). Errors of
   strict_pack(): what is beyond a limit is refused here, not by the other side. */
enum tg_err local_encode(enum local_type type, const ProtobufCMessage *message, struct buf *out, struct tg_why *why);

/* The message of a frame that may travel this way, in the arena: *ret_message is a Tg__LPublish … as ret_kind->type
   says. TG_UNKNOWN: version or type; TG_TOO_BIG; TG_BAD_INPUT: malformed, or a type that never travels this way. */
enum tg_err local_decode(struct slice frame, enum local_direction direction, struct arena *arena,
                         const struct local_kind **ret_kind, ProtobufCMessage **ret_message, struct tg_why *why);

/* The number of the request that a decoded message belongs to; 0 in an LError about the connection. */
uint64_t local_request(const ProtobufCMessage *message);

/* An LError that says what `why` says; it borrows from *why. `args` needs room for the three arguments. */
Tg__LError local_error(uint64_t request, const struct tg_why *why, ProtobufCBinaryData args[3]);

/* The rows and limits of all messages, for tests and fuzzing; ended by NULL. */
extern const struct strict_limits *const local_limits_all[];

#endif
