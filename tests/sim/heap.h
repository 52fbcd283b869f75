/* SQLite's memory in a simulation. */
#ifndef TOGUNA_TESTS_SIM_HEAP_H
#define TOGUNA_TESTS_SIM_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/* From now on SQLite takes its memory from free lists of this process, and asks for no mutex: a third of a simulation's time went into
   malloc() of a sanitizer that cannot look into Debian's SQLite anyway. Before any other call of SQLite; once; one thread. */
void heap_serves_sqlite(void);
/* An allocation fails when f says so. What the free lists lack comes from `source`, which must not ask f again: they are fuller in a later seed. */
void heap_fails_when(bool (*f)(void), void *(*source)(size_t));

#endif
