/* Memory that runs out: one allocation of a core fails, the n-th from when it was told. */
#ifndef TOGUNA_TESTS_SIM_SCARCE_H
#define TOGUNA_TESTS_SIM_SCARCE_H

#include "proto/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What `call` (one into a core) answers; while it runs, allocations count down site->scarce, and the one that brings it to zero fails. */
#define SCARCE(site, call) (scarce_begin(&(site)->scarce), scarce_end(&(site)->scarce, (call)))
void scarce_begin(uint64_t *left);
enum tg_err scarce_end(uint64_t *left, enum tg_err err);
/* From here on it is the simulator that allocates, until the next call. */
void scarce_rest(void);
bool scarce_fails(void); /* is this allocation the one? */
void *scarce_never(size_t n); /* malloc() that is not counted: for what one seed leaves to the next */

#endif
