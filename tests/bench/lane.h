/* One connection of a program to its node with many requests under way, as docs/local-protocol.md allows: what keeps a node busy without a thread for each
   bulletin. */
#ifndef TOGUNA_BENCH_LANE_H
#define TOGUNA_BENCH_LANE_H

#include "client/local.h"
#include "os/loop.h"

enum { LANE_SLOTS = 100 }; /* below what a node takes: a program that keeps within it is never told to come back */

struct lane;

/* Answers. `slot` is what lane_send() was given; message lives until return. */
struct lane_events {
  void (*open)(void *arg, struct lane *lane); /* the node has greeted */
  void (*answer)(void *arg, struct lane *lane, size_t slot, enum local_type type, const ProtobufCMessage *message);
  void (*lost)(void *arg, const char *why); /* the connection ended, or made no sense */
};

/* Connects and greets. events is kept. NULL: nobody listens there. */
struct lane *lane_new(struct loop *loop, const char *socket, const struct lane_events *events, void *arg);
void lane_free(struct lane *lane); /* NULL is fine */

/* A slot in which no request is under way; false when `most` are. It is taken from then on, until lane_done(). */
bool lane_slot(struct lane *lane, size_t most, size_t *ret);
void lane_done(struct lane *lane, size_t slot);
bool lane_is_idle(const struct lane *lane);
/* A new number for the request of this slot. */
uint64_t lane_request(struct lane *lane, size_t slot);
/* Queues a frame. */
void lane_send(struct lane *lane, enum local_type type, const ProtobufCMessage *message);
/* While paused nothing is read, so that the node stops producing. */
void lane_pause(struct lane *lane, bool paused);

#endif
