/* How far this machine's clock may be believed for what cannot be undone. A clock that leaps ahead - a false time server, a wrong battery - must not erase at once every
   key and every bulletin that would have been due by then. Nor may
   it make sealing keys that begin when it says it is, and none for today. A day's leap is let pass; a longer one only when a hub's clock agrees, or when it has lasted a day. */
#ifndef TOGUNA_CLIENT_NODE_STEADY_H
#define TOGUNA_CLIENT_NODE_STEADY_H

#include "client/node/node.h"

struct node_core;

/* A plain value, of the core. It was `wall` when the monotonic clock stood at `mono`: that is believed. A clock that is far behind it is followed back only when that has
   lasted a day: a machine may begin each day in another century, and learn the time by and by. */
struct steady {
  tg_time wall;
  int64_t mono;
  int64_t leapt;  /* for how long the clock has been too far ahead; 0: it is not */
  int64_t behind; /* the same of a clock that is too far behind */
  int64_t looked; /* monotonic */
  int64_t kept;   /* when it was stored, monotonic */
  tg_time stored; /* what was; 0: nothing */
};

/* From the store, or as the clock stands. */
enum tg_err steady_load(struct node_core *core);
/* To be called as time passes. */
enum tg_err steady_time(struct node_core *core);
/* A hub's clock agrees with ours. */
enum tg_err steady_agreed(struct node_core *core);
/* The node stops. */
enum tg_err steady_stop(struct node_core *core);
/* Now, or, as long as the clock is too far ahead, what it would be without its leap. */
tg_time steady_now(const struct node_core *core);

#endif
