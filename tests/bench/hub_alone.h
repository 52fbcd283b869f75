/* The hub alone, fed by connections that only look like nodes. */
#ifndef TOGUNA_BENCH_HUB_ALONE_H
#define TOGUNA_BENCH_HUB_ALONE_H

#include "tests/bench/parcel.h"

/* Connects all nodes of the parcels to the stand's hub, submits the bulletins at hand and takes them at every reader, until the last receipt is back at the
   publisher. The row of W7; compared with the floors unless b is NULL. NULL: it failed. */
json_t *hub_alone(struct bench *b, const struct stand *s, struct parcels *p, uint64_t size);

#endif
