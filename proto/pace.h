/* A line that carries so many bytes a second: when may the next be said? Whoever says more fills queues on the way, in which what is
   urgent then waits; so it is kept back where it can still be overtaken. Pure; times are milliseconds of a monotonic clock. */
#ifndef TOGUNA_PROTO_PACE_H
#define TOGUNA_PROTO_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACE_LEAST = 64, PACE_PIECE_MS = 600, PACE_INLINE_MS = 400, PACE_PIECE_LEAST = 512, PACE_FRAME = 96, PACE_FLASH = 6 };

/* All zero: no limit is known. */
struct pace {
  uint64_t rate; /* bytes a second */
  int64_t free;  /* microseconds; the line is busy until then */
  bool held;     /* whoever carries it says that it takes no more for now, whatever the rate: it is cut, or behind */
};

/* rate 0: no limit; less than PACE_LEAST counts as that. */
struct pace pace_of(uint64_t rate);
bool pace_is_free(const struct pace *p, int64_t mono);
/* The moment, rounded up, from which it is free; INT64_MAX while it is held, for then somebody will say so. */
int64_t pace_due(const struct pace *p);
/* A message of so many bytes was said; what frames and packets add is counted too (PACE_FRAME). What is said while the line is busy comes after what was said before. */
void pace_spend(struct pace *p, int64_t mono, size_t bytes);
/* How much may be said at once, so that nothing waits much longer than PACE_PIECE_MS for it; `most` at the most. */
size_t pace_piece(const struct pace *p, size_t most);
/* How large a body may be that goes in one frame with its bulletin: what the line carries in PACE_INLINE_MS, for the rest of that frame takes a second
   already. A FLASH takes up to PACE_FLASH times as much: to be asked for it costs a round trip more, and nothing overtakes it. */
size_t pace_inline(const struct pace *p, bool flash, size_t most);

#endif
