/* Nodes on bad lines: a port where sessions of docs/protocol.md §12 begin and go on. Each is carried to the front's own ZeroMQ port, which sees a
   connection that never breaks; who is at its other end ZeroMQ finds out as ever. Bounded: so many that have not said what they want, so many sessions of
   strangers, so many of members' nodes; of one host no more than RESUMED_SHARE of the first two; when places are short, the network, or the member, that has most
   of them loses one. Bounded too is what all sessions hold: the more nodes there are, the less may be unconfirmed of each (64 KiB at most); and when it
   is too much all the same, the member that holds most loses the session that does. */
#ifndef TOGUNA_BROKER_FRONT_RESUMED_H
#define TOGUNA_BROKER_FRONT_RESUMED_H

#include "os/loop.h"

enum { RESUMED_GUESTS = 256, RESUMED_STRANGERS = 256, RESUMED_NODES = 256, RESUMED_SESSIONS = RESUMED_STRANGERS + RESUMED_NODES, RESUMED_SHARE = 64 };

struct resumed;

/* The line to the node of this key takes no more for now, or takes more again. */
typedef void resumed_turned_fn(void *arg, const struct seal_pk *key, bool busy);

/* Listens at "resume://address:port". door: where our ZeroMQ listens, "tcp://address:port" without a wildcard. most: bytes that all sessions
   hold. TG_BUSY: the address is in use; TG_BAD_INPUT: no such address; TG_INTERNAL, TG_NO_MEMORY. */
enum tg_err resumed_new(struct loop *l, const char *endpoint, const char *door, size_t most, resumed_turned_fn *fn, void *arg, struct resumed **ret, struct tg_why *why);
void resumed_free(struct resumed **r); /* NULL is fine */
/* ZeroMQ heard this key, of this member, first over its connection fd. Older sessions of that key end; if one of ours is at the other end, it is the key's
   from now on. */
void resumed_met(struct resumed *r, const struct seal_pk *key, uint32_t member, int fd);
/* Is the descriptor one of ours? What the kernel counts of it is not ZeroMQ's. */
bool resumed_owns(const struct resumed *r, int fd);

/* What strangers did before ZeroMQ saw anything of them. */
struct resumed_counts {
  uint64_t unopened;  /* went, or were sent away, before they had said what they want */
  uint64_t malformed; /* said what makes no sense */
};
struct resumed_counts resumed_counts(const struct resumed *r);

#endif
