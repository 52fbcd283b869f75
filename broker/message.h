/* What the processes of the hub say to each other (docs/design.md): one message is a frame of os/pipe, its
   first byte the type. They trust each other's framing and nothing more: a message that makes no sense ends
   who hears it. */
#ifndef TOGUNA_BROKER_MESSAGE_H
#define TOGUNA_BROKER_MESSAGE_H

#include "os/pipe.h"
#include "proto/limits.h"

enum message {
  /* front -> core */
  MESSAGE_FRAME = 'F',   /* key(32) frame */
  MESSAGE_GONE = 'G',    /* key(32): no connection of it is known */
  MESSAGE_DROPPED = 'D', /* key(32) frame-type(1) */
  MESSAGE_LINE = 'L',    /* key(32) busy(1): its line takes no more for now, or takes more again */
  /* core -> front */
  MESSAGE_SEND = 'S',  /* key(32) frame */
  MESSAGE_ALLOW = 'A', /* n times key(32) member(4): hub_peer */
  MESSAGE_CUT = 'C',   /* key(32) */
  MESSAGE_TAKEN = 'T', /* key(32) cost(4): so much of its frames is dealt with (turns_back()) */
  /* core -> signer */
  MESSAGE_SIGN = 'R',  /* a struct signing_request, printed */
  MESSAGE_BEGIN = 'B', /* remember from now on; answered by N */
  /* signer -> core; unasked at its start: E, or N with the last note it signed, or none */
  MESSAGE_EMPTY = 'E',  /* it remembers nothing, not even that a log began */
  MESSAGE_NOTE = 'N',   /* checkpoint note */
  MESSAGE_REFUSED = 'X' /* why, for people */
};

/* Splits off the type. False when the message is empty. */
static inline bool message_take(struct slice *message, enum message *ret)
{
  uint8_t type;
  if (!take_u8(message, &type))
    return false;
  *ret = (enum message)type;
  return true;
}

static inline bool message_take_key(struct slice *message, struct seal_pk *ret)
{
  struct slice key;
  if (!take(message, sizeof ret->b, &key))
    return false;
  for (size_t i = 0; i < key.n; i++)
    ret->b[i] = key.p[i];
  return true;
}

/* type, key, rest. Errors of pipe_send(). */
static inline enum tg_err message_send(struct pipe *to, enum message type, const struct seal_pk *key,
                                       struct slice rest)
{
  const uint8_t head = (uint8_t)type;
  const struct slice parts[] = {slice_of(&head, 1), slice_of(key->b, sizeof key->b), rest};
  return pipe_send_parts(to, parts, 3);
}

/* front -> core: the front hears nobody while more than a fraction of this waits (front.c); as many nodes may be allowed as a frame is long. */
#define MESSAGE_CORE_LIMITS ((struct pipe_limits){.max_frame = 33 + LIMIT_FRAME, .max_queue = 4u << 20})
/* core -> front: memory_channel(). */
#define MESSAGE_FRONT_LIMITS(queue) ((struct pipe_limits){.max_frame = 33 + LIMIT_FRAME, .max_queue = (queue)})
/* Of core <-> signer: one request at a time. */
#define MESSAGE_SIGNER_LIMITS                                                                                \
  ((struct pipe_limits){.max_frame = 1 + LIMIT_CHECKPOINT, .max_queue = 64u << 10})

#endif
