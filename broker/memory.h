/* How the hub's memory is divided: what grows with traffic, each with its part of what the operator allows (hub.conf, `memory`). The rest - tables of nodes and rules,
   caches of a fixed size, the programs themselves - takes some 60 MiB of the core at most and 12 of the front, and grows with documents, not with traffic. */
#ifndef TOGUNA_BROKER_MEMORY_H
#define TOGUNA_BROKER_MEMORY_H

#include <stdint.h>

#define MEMORY_DEFAULT (UINT64_C(256) << 20)
#define MEMORY_LEAST (UINT64_C(192) << 20)

/* The front, in all: it looks at itself (broker/front/burden.h). */
static inline uint64_t memory_front(uint64_t all) { return all / 16 * 7; }
/* of that, frames that came and wait for the core; and half as much again while members that have too much there are cut; */
static inline uint64_t memory_turns(uint64_t all) { return all / 16; }
/* what resumed sessions hold: who has most of it is cut (broker/front/resumed.c), so the front need not weigh it. */
static inline uint64_t memory_resumed(uint64_t all) { return memory_front(all) / 8; }
/* Of the core: the store's cache; */
static inline uint64_t memory_cache(uint64_t all) { return all / 8 < (32u << 20) ? all / 8 : 32u << 20; }
/* frames taken in while a signature is awaited: beyond that no more are; */
static inline uint64_t memory_group(uint64_t all) { return all / 32; }
/* frames that came and were not taken in yet: so many of all senders together (each has little, front.c); */
static inline uint64_t memory_ingress(uint64_t all) { return all / 64; }
/* frames on their way out that wait for a commit; */
static inline uint64_t memory_effects(uint64_t all) { return all / 32; }
/* what waits in the channel to the front; */
static inline uint64_t memory_channel(uint64_t all) { return all / 16; }
/* what is remembered of deliveries under way, of all sessions. */
static inline uint64_t memory_flights(uint64_t all) { return all / 16; }

#endif
