/* The strict decoder over every message there is: the first byte chooses. What it accepts protobuf-c can read
   within the promised memory, and writing it again gives the same bytes. */
#include "proto/frame.h"

#include <assert.h>
#include <sodium.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  return sodium_init() < 0 ? -1 : 0;
}

static void frames(struct slice bytes)
{
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  struct arena *arena = arena_new(FRAME_ARENA);
  struct buf again = buf_new(LIMIT_FRAME);
  if (frame_decode(bytes, FRAME_BOTH_WAYS, arena, &kind, &message, NULL) == TG_OK)
    assert(frame_encode(kind->type, message, &again, NULL) == TG_OK && slice_eq(bytes, buf_slice(&again)));
  buf_free(&again);
  arena_free(arena);
}

static void messages(const struct strict_limits *limits, struct slice bytes)
{
  ProtobufCMessage *message;
  if (strict_check(limits, bytes, NULL))
    return;
  struct arena *arena = arena_new(FRAME_ARENA);
  struct buf again = buf_new(LIMIT_FRAME);
  assert(strict_unpack(limits, bytes, arena, &message, NULL) == TG_OK);
  assert(strict_pack(limits, message, &again, NULL) == TG_OK);
  assert(slice_eq(bytes, buf_slice(&again)));
  buf_free(&again);
  arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  size_t count = 0;
  while (limits_all[count])
    count++;
  if (size < 1)
    return 0;
  struct slice rest = slice_of(data + 1, size - 1);
  if (data[0] % (count + 1) == count)
    frames(rest);
  else
    messages(limits_all[data[0] % (count + 1)], rest);
  return 0;
}
