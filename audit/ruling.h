/* A ruling: the decision about one bulletin as it is logged (message Decision): to whom of the release list
   each portion may go, and at which stage the others were denied. Opened to the originator; its hash stands
   in the entry. */
#ifndef TOGUNA_AUDIT_RULING_H
#define TOGUNA_AUDIT_RULING_H

#include "proto/arena.h"
#include "proto/buf.h"
#include "proto/limits.h"

enum { RULING_SALT = 16, RULING_STAGES = 7 }; /* stages: enum policy_stage of policy/decide.h, from 1 */

/* Why one member may not receive one portion. */
struct ruling_denial {
  char member[2];
  unsigned stage;     /* 1 charter 2 marking 3 export 4 obligation 5 transit 6 import 7 sources */
  struct hash policy; /* whose rule decided, when the originator may know it; zeros: not said */
  uint32_t line;      /* its line; 0: not said */
};

struct ruling_portion {
  uint32_t index;             /* of the portion */
  const char (*permitted)[2]; /* members, ascending */
  size_t permitted_count;
  const struct ruling_denial *denied; /* ascending by member, none of them permitted */
  size_t denied_count;
};

struct ruling {
  uint8_t salt[RULING_SALT];
  const struct ruling_portion *portions; /* ascending by index, 1..LIMIT_PORTIONS */
  size_t portion_count;
};

/* A portion with these two lists, which it borrows, and which are put into order where they stand. */
struct ruling_portion ruling_portion_of(size_t index, char (*permitted)[2], size_t n_permitted, struct ruling_denial *denied, size_t n_denied);

/* Appends the canonical bytes. TG_BAD_INPUT for an order, member or stage that is not as above; out as before
 * on failure. */
enum tg_err ruling_build(const struct ruling *ruling, struct buf *out, struct tg_why *why);
/* Reads strictly; everything lives in the arena. Also TG_TOO_BIG. */
enum tg_err ruling_parse(struct slice bytes, struct arena *arena, struct ruling *ret, struct tg_why *why);
/* H("toguna/decision/v1" ‖ bytes), as in Entry.decision. */
struct hash ruling_hash(struct slice bytes);

#endif
