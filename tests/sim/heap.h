/* SQLite's memory in a simulation. */
#ifndef TOGUNA_TESTS_SIM_HEAP_H
#define TOGUNA_TESTS_SIM_HEAP_H

/* From now on SQLite takes its memory from free lists of this process, and asks for no mutex: a third of a simulation's time went into
   malloc() of a sanitizer that cannot look into Debian's SQLite anyway. Before any other call of SQLite; once; one thread. */
void heap_serves_sqlite(void);

#endif
