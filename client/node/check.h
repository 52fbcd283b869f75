/* The bodies of one bulletin, opened from end to end before anybody hears of it: are they what was sealed, and can they be read?
   In steps, so that a large one keeps nothing urgent waiting. */
#ifndef TOGUNA_CLIENT_NODE_CHECK_H
#define TOGUNA_CLIENT_NODE_CHECK_H

#include "client/node/judge.h"

/* Where the sealed chunks of each delivered portion stand in the depot. */
struct check_bodies {
  uint64_t body[LIMIT_PORTIONS];
  uint32_t measured; /* mask of portions that came along with the delivery, which compared them with what their Portion commits to */
};

enum check_result {
  CHECK_MORE,       /* not done yet */
  CHECK_GOOD,
  CHECK_ALTERED,    /* not the bytes that the originator committed to: whoever brought them changed them */
  CHECK_UNREADABLE, /* its originator committed to what cannot be opened */
};

struct check;
/* Borrows `judged` and what it points into. NULL without memory. */
struct check *check_new(const struct judged *judged, const struct check_bodies *bodies);
void check_free(struct check *c); /* wipes */
/* Goes on for at most `chunks` chunks. */
enum tg_err check_step(struct node_core *core, struct check *c, unsigned chunks, enum check_result *ret, struct tg_why *ret_why);
/* After CHECK_GOOD: what depot_content_put() takes for the i-th delivered portion; borrowed. */
struct depot_content check_content(const struct check *c, size_t i);

#endif
