/* Two histories, kept apart: the hub shows ML a log of its own and lets its bulletins through into the true one. Nothing that ML says of
   its checkpoints in frames is read there, and nothing true about the log comes back to it. */
#ifndef TOGUNA_TESTS_CLIENT_NODE_APART_H
#define TOGUNA_TESTS_CLIENT_NODE_APART_H

#include "tests/client/node/world.h"

struct apart {
  struct world *world;
  enum frame_direction direction;
  struct hash root; /* of the log that ML believes in, */
  uint64_t size;
  bool lied; /* once it was shown to ML */
};

/* ML believes in another log from now on. `down` and `up` are of its two ways to the hub, and live as long as that. */
void apart_begin(struct world *w, struct apart *down, struct apart *up);
/* The same, seen through until BF is there again; BF, if away, was never shown the size at which they part. */
void apart_settled(struct world *w, struct apart *down, struct apart *up, bool away);
/* Where a message has its checkpoint and the proof of it (NULL: none); NULL: it has no checkpoint. */
ProtobufCBinaryData *apart_checkpoint_of(enum frame_type type, ProtobufCMessage *m, ProtobufCBinaryData **ret_proof);

#endif
