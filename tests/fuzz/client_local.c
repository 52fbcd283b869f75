/* Any bytes as a frame between a program and its node, both ways: refused, or the one encoding of a message.
 */
#include "client/local.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one_way(struct slice frame, enum local_direction direction)
{
  struct arena *arena = arena_new(LOCAL_ARENA);
  struct buf out = buf_new(LOCAL_FRAME);
  const struct local_kind *kind;
  ProtobufCMessage *message;
  if (!arena)
    abort();
  if (local_decode(frame, direction, arena, &kind, &message, NULL) == TG_OK) {
    if (kind->direction != direction || local_encode(kind->type, message, &out, NULL) != TG_OK)
      abort();
    if (!slice_eq(buf_slice(&out), frame))
      abort();
    (void)local_request(message);
  }
  buf_free(&out);
  arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  one_way(slice_of(data, size), LOCAL_TO_NODE);
  one_way(slice_of(data, size), LOCAL_TO_PROGRAM);
  return 0;
}
