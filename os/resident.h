/* How much memory this process holds, as the operator sees it. */
#ifndef TOGUNA_OS_RESIDENT_H
#define TOGUNA_OS_RESIDENT_H

#include "proto/base.h"

#define RESIDENT_FILE "/proc/self/statm"

/* False: in a build with sanitizers, which keep what was freed, so that it says nothing. */
bool resident_is_expected(void);
/* Opens what tells it: before a sandbox is entered. -1: the system does not tell, or it
   is not expected to. Closed by the caller. */
int resident_open(void);
/* Bytes resident now; 0 when it is not known. */
uint64_t resident_now(int fd);

#endif
