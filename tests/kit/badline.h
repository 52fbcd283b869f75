/* A bad line between a node and its hub, in virtual time: so many bytes a second each way, late, and cut again and again. It counts what
   travels, by kind of frame, as ZeroMQ with CURVE would put it on a real line. Used by pair.c. */
#ifndef TOGUNA_TESTS_KIT_BADLINE_H
#define TOGUNA_TESTS_KIT_BADLINE_H

#include "proto/buf.h"

struct badline_resumed;

enum { BADLINE_KINDS = 16 };

/* bytes: frames as the cores made them; framing: what ZeroMQ and CURVE add; lost: of both, what was on its way when the line was cut, as far as it
   had left; sealed: of Chunk frames that arrived, the bytes of the body. */
struct badline_count {
  uint64_t frames, bytes, framing, lost, sealed;
};

struct badline_way {
  struct badline_count kind[BADLINE_KINDS]; /* by frame type */
  uint64_t handshake, left; /* left: of a resumed line, all bytes that did */
  int64_t free; /* microseconds: it is busy until then */
  struct badline_frame *queue;
  size_t n, cap;
};

/* Set rate, delay and cut_every, the rest zero. */
struct badline {
  uint64_t rate;     /* bytes a second each way */
  int64_t delay;     /* ms one way */
  int64_t cut_every; /* ms, between half and one and a half of it; 0: never */
  uint32_t chance;
  int64_t cut_at, up_at; /* ms; the next cut; when it is up again */
  unsigned cuts;
  struct badline_way up, down; /* from the node to the hub, and back */
  struct badline_resumed *resumed; /* of badline_resume() */
};

void badline_send(struct badline *l, struct badline_way *way, int64_t now, struct slice frame);
/* The next frame that has arrived, which lives until the next call for this way; false: none. */
bool badline_arrived(struct badline *l, struct badline_way *way, int64_t now, struct slice *ret);
/* It is cut: what is under way is lost. It is up again once both sides have met anew; or, of a resumed line, have connected. */
void badline_cut(struct badline *l, int64_t now);
/* From now on os/resume carries it, a session of which has begun: libzmq's meeting is behind it, its bytes are not. */
void badline_resume(struct badline *l, int64_t now);
/* Of a resumed line: did it become busy, or free, for the hub (or else for the node) since last asked? */
bool badline_turned(struct badline *l, bool hub, bool *ret_busy);
/* When something happens next on it: an arrival, a cut, its coming up. */
int64_t badline_next(const struct badline *l, int64_t now);
/* All bytes that left, both ways. */
uint64_t badline_carried(const struct badline *l);
void badline_print(const struct badline *l);
void badline_free(struct badline *l);

#endif
