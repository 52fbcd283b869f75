/* What people read: the machine, and the rows as a table. */
#ifndef TOGUNA_BENCH_TABLE_H
#define TOGUNA_BENCH_TABLE_H

#include <jansson.h>

/* {"cpu", "cores", "kernel", "memory_mib", "disk", "load", "time"}; disk: the file system that holds `folder`. */
json_t *table_machine(const char *folder);
/* Prints {"machine", "rows", "seconds"} to standard output. */
void table_print(const json_t *all);

#endif
