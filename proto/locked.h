/* Guarded, locked memory for secrets that live as long as one bulletin is worked on. libsodium gives every allocation pages of its
   own, with a guard page on both sides, out of reach of core dumps and swap: worth it, but twelve system calls each time.
   A shelf keeps a few such allocations of one size for the next user, as they are: guards stay up, bytes are wiped. */
#ifndef TOGUNA_PROTO_LOCKED_H
#define TOGUNA_PROTO_LOCKED_H

#include <stdatomic.h>
#include <stddef.h>

enum { LOCKED_KEPT = 32 };

/* For one type: static, initialised with its size, never changed by anybody else. Safe from any number of threads. A process that
   forks after its use holds copies that are not locked, as of any libsodium allocation. */
struct locked_shelf {
  size_t size;
  _Atomic(void *) kept[LOCKED_KEPT];
};

/* `size` bytes, all zero. NULL: no memory. */
void *locked_take(struct locked_shelf *shelf);
/* Wipes at once. NULL is fine. p must have come from this shelf. */
void locked_give(struct locked_shelf *shelf, void *p);

#endif
