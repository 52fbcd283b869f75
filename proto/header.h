/* The Header: the approved Subject and what its node adds; the hub reads it (docs/protocol.md §5). */
#ifndef TOGUNA_PROTO_HEADER_H
#define TOGUNA_PROTO_HEADER_H

#include "proto/subject.h"

/* A Header as received, valid on its own; signatures, standing, policy and trees are others' to check. */
struct header {
  struct slice bytes; /* exactly as they came; empty in a draft */
  struct hash id;     /* the bulletin id; ignored in a draft */
  struct subject subject;
  size_t approval_count;
  struct approval approvals[LIMIT_APPROVALS];
  uint64_t charter_version, policy_serial;
  struct hash policy_hash;
  uint64_t number; /* running number of the originator node, from 1 */
  struct hash audience_root;
  uint32_t audience_count;
  struct slice checkpoint; /* the newest note of its hub's log that the originator had seen; empty: none */
};

/* Appends the Header bytes: draft->subject.bytes, exactly as approved, and the other fields of draft. out is as before on
   failure; TG_BAD_INPUT for one officer twice. The Subject itself is not looked at. */
enum tg_err header_build(const struct header *draft, struct buf *out, struct tg_why *why);
/* Refused besides: what subject_parse() refuses; one officer approving twice. */
enum tg_err header_parse(struct slice bytes, struct arena *arena, struct header *ret, struct tg_why *why);
/* The same where the caller knows the id: it has hashed these bytes already, or they stand in its own store under this id. */
enum tg_err header_parse_known(struct slice bytes, const struct hash *id, struct arena *arena, struct header *ret, struct tg_why *why);

/* The precedence that these bytes seem to state, whatever else they are; PRECEDENCE_ROUTINE when none. A hint for what to look at first:
   header_parse() says what it is. */
enum precedence header_hint(struct slice bytes);

/* H("toguna/bulletin/v1" ‖ Header bytes). */
struct hash header_id(struct slice header_bytes);

#endif
