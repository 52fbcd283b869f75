/* A draft of the caller's as the node wants it, with its content. */
#ifndef TOGUNA_CLIENT_LIB_DRAFT_H
#define TOGUNA_CLIENT_LIB_DRAFT_H

#include "client/lib/source.h"
#include "client/local.h"
#include "proto/limits.h"

struct draft {
  Tg__LDraft message; /* borrows from the caller's draft and from the arena */
  struct arena *arena;
  struct source sources[LIMIT_PORTIONS];
  size_t n_sources;
};

/* "portion 2", for a why about it. */
enum { DRAFT_WHERE = 32 };
void draft_where(size_t portion, char out[DRAFT_WHERE]);

/* Checks what can be seen here and measures the content. only_size: nothing is read. draft_close() also after
 * a failure. */
enum tg_err draft_open(const struct toguna_draft *from, bool only_size, struct draft *d, struct tg_why *why);
void draft_close(struct draft *d);

#endif
