/* How the next message in a stream of ZeroMQ under CURVE will begin. Of the 42 bytes that ZMTP 3.1 and CURVE put around a message 25 stand before its seal:
   flags, length, "\7MESSAGE" and a number that counts up; who has seen the messages before can say them from the length alone. Nothing depends on what the
   stream really is: of any other, bytes are foretold wrongly or not at all, and whoever asks compares them before he leaves them out. Pure. */
#ifndef TOGUNA_OS_ZHEAD_H
#define TOGUNA_OS_ZHEAD_H

#include "proto/base.h"

enum {
  ZHEAD_GREETING = 64,
  ZHEAD_BODY = 16,               /* "\7MESSAGE" and the number */
  ZHEAD_LEAST = 33,              /* of a whole body: those, the seal's tag and one byte under it */
  ZHEAD_MAX = 1 + 8 + ZHEAD_BODY /* flags, a long length, those */
};

/* Where one way of it stands; all zero: at its beginning. Two that were passed the same bytes, in whatever pieces, are equal. */
struct zhead {
  uint32_t greeting; /* bytes of it that came */
  uint32_t n;        /* bytes of head */
  uint64_t left;     /* bytes of the body that come after them */
  uint64_t number;   /* of the last MESSAGE; 0: none yet */
  uint8_t head[ZHEAD_MAX];
};

void zhead_pass(struct zhead *z, struct slice bytes);
/* How many bytes of p belong to what is under way: to the greeting, to the message that has begun, or to the one that begins with p. At most p.n. */
size_t zhead_until_next(const struct zhead *z, struct slice p);
/* The beginning of a message whose body (of ZeroMQ's: seal included) has `size` bytes; 0: it cannot be said here, or for such a size. */
size_t zhead_foretell(const struct zhead *z, uint64_t size, uint8_t out[ZHEAD_MAX]);
/* The other way round: does p begin with a whole message of just this beginning? Its size, or 0. */
uint64_t zhead_foretold(const struct zhead *z, struct slice p);

#endif
