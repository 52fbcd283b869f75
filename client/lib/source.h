/* Where the bytes of a portion come from, as one thing to read. */
#ifndef TOGUNA_CLIENT_LIB_SOURCE_H
#define TOGUNA_CLIENT_LIB_SOURCE_H

#include "client/lib/toguna.h"
#include "proto/base.h"

enum { SOURCE_PIPE_MAX = 64 << 20 };

/* Invariant: `left` more bytes are to come. `held` is what a pipe gave, owned. */
struct source {
  const struct toguna_source *from;
  uint64_t size, left;
  uint8_t *held;
  size_t held_size;
};

/* How much it is. A pipe is read to its end, unless `only_size`, when its size counts as 0. TG_TOO_BIG,
   TG_BAD_INPUT, TG_DISK, TG_NO_MEMORY. `where` names the portion. */
enum tg_err source_open(const struct toguna_source *from, bool only_size, const char *where,
                        struct source *ret, struct tg_why *why);
void source_close(struct source *s); /* wipes */
/* The next 1..n bytes; 0 at the end. TG_BAD_INPUT when the source ends early or says that it failed. */
enum tg_err source_read(struct source *s, void *buffer, size_t n, const char *where, size_t *ret_n,
                        struct tg_why *why);

#endif
