/* The hub alone, fed by connections that only look like nodes. */
#ifndef TOGUNA_BENCH_HUB_ALONE_H
#define TOGUNA_BENCH_HUB_ALONE_H

#include "os/zsock.h"
#include "tests/bench/parcel.h"

/* For whoever else only looks like a node. */
/* A context for so many connections; NULL: no memory. */
void *alone_context(size_t connections);
/* Connects as the node of parcels' who[i]; what it says was not said. */
bool alone_connect(void *zmq, const struct parcels *p, size_t i, struct zsock **ret);
/* Its Hello, appended: it has all documents up to `document`, and receipts up to its cursor; no checkpoint. */
enum tg_err alone_hello(const struct identity *who, uint64_t document, struct buf *frame);

/* What is played: all of it; only submitting, while the readers are away; or only what waits for the readers. */
enum alone_part { ALONE_ALL, ALONE_FILL, ALONE_DRAIN };

/* How it goes: bench_now() of what came to readers, and how many were accepted. Written as it happens, so that another process may watch. */
struct alone_times {
  double first, last;
  volatile uint64_t accepted;
};

/* Connects the nodes of the parcels to the stand's hub, submits the bulletins that have frames, and takes all at hand at every reader, until the last receipt is back
   at the publisher. The row of W7; compared with the floors unless b is NULL. NULL: it failed. */
json_t *hub_alone(struct bench *b, const struct stand *s, struct parcels *p, uint64_t size);
/* A part of it. ret may be NULL. */
json_t *hub_alone_part(const struct stand *s, struct parcels *p, uint64_t size, enum alone_part part, struct alone_times *ret);

#endif
