/* What stands in for libsodium's dear functions in a simulation; see stand_in.c. */
#ifndef TOGUNA_TESTS_SIM_STAND_IN_H
#define TOGUNA_TESTS_SIM_STAND_IN_H

#include <stdbool.h>

/* From now on the arithmetic is libsodium's own. Before anything is signed. */
void stand_in_curves(void);

#endif
