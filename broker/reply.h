/* Building what a node is sent: pieces in the reply arena, and how much fits one frame. */
#ifndef TOGUNA_BROKER_REPLY_H
#define TOGUNA_BROKER_REPLY_H

#include "broker/session.h"

enum {
  REPLY_ITEMS = 128,       /* in one frame */
  REPLY_ITEM = 8,          /* bytes that an item takes besides its own */
  REPLY_FRAME = 20 * 1024, /* bytes a frame takes besides its items: checkpoint and proof */
  REPLY_DELIVERY = 8 * 1024, /* bytes a Delivery has beyond what it shares with its Submission: wrap, paths, log entry */
};

/* Bytes of items that one frame may hold. */
static inline size_t reply_room(const struct hub *hub)
{
  uint64_t frame = hub_limits(hub)->frame;
  return (size_t)(frame < LIMIT_FRAME ? frame : LIMIT_FRAME) - REPLY_FRAME;
}

/* Copies; empty when the arena is exhausted, which the frame's own limits then catch. */
static inline ProtobufCBinaryData reply_hash(const struct hub *hub, const struct hash *h)
{
  return strict_data(arena_copy(hub->reply, slice_of(h->b, sizeof h->b)));
}

static inline ProtobufCBinaryData reply_text(const struct hub *hub, const char *text)
{
  return strict_data(arena_copy(hub->reply, slice_str(text)));
}

#endif
