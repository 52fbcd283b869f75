/* What the two kinds of a bad line share: badline.c, badline_resumed.c. */
#ifndef TOGUNA_TESTS_KIT_BADLINE_INSIDE_H
#define TOGUNA_TESTS_KIT_BADLINE_INSIDE_H

#include "tests/kit/badline.h"

/* What two ends of libzmq 4.3 say before the first message, each way; and what ZeroMQ and CURVE put around each. */
enum { MEET_UP = 567, MEET_DOWN = 301 };
enum { SEAL = 33, SHORT = 2, LONG = 9 };

struct badline_frame {
  int64_t begins, leaves, arrives; /* microseconds */
  uint8_t *bytes;
  size_t n, framing;
};

/* Onto the line; off it. */
void badline_put(struct badline *l, struct badline_way *way, int64_t now, struct slice bytes, size_t framing);
void badline_shift(struct badline_way *way);
/* A frame arrived whole. */
void badline_count(struct badline_way *way, struct slice frame);

void badline_resumed_send(struct badline *l, struct badline_way *way, int64_t now, struct slice frame);
bool badline_resumed_arrived(struct badline *l, struct badline_way *way, int64_t now, struct slice *ret);
void badline_resumed_cut(struct badline *l, int64_t now);
int64_t badline_resumed_next(const struct badline *l);
void badline_resumed_free(struct badline_resumed **r);

#endif
