/* What the front holds for others, kept below its share of the hub's memory. libzmq counts messages and not bytes, and what it reads of a frame that is not whole
   yet it does not count at all; so the process looks at itself. Beyond half of the share memory is short: the front then empties libzmq's queues, and cuts
   whoever has more waiting than others (front.c). Beyond five eighths the connections that hold most are cut. A node that is cut comes again; what it had no
   answer for it says again. */
#ifndef TOGUNA_BROKER_FRONT_BURDEN_H
#define TOGUNA_BROKER_FRONT_BURDEN_H

#include "os/zsock.h"

struct burden;

/* Before the sandbox is entered. share: bytes. changed() is called when memory becomes short, and when it is no longer. NULL without memory. */
struct burden *burden_new(struct loop *loop, uint64_t share, void (*changed)(void *arg), void *arg);
void burden_free(struct burden *b); /* NULL is fine */
/* One more socket to look after: freed after burden_free(). */
void burden_add(struct burden *b, struct zsock *door);
/* So many bytes came in or go out. */
void burden_moved(struct burden *b, size_t bytes);
/* Frames may come faster than they are taken: look often, until told otherwise. */
void burden_hurry(struct burden *b, bool hurry);
bool burden_is_short(const struct burden *b);
/* One more was cut for it. */
void burden_cut(struct burden *b, size_t connections);

#endif
