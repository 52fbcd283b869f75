/* The event loop of a process: descriptors, timers, signals, ZeroMQ sockets, and the end of a batch.
   One thread runs it and calls all its functions. No function is called from inside another's call, only from
   loop_run() and loop_turn(), in this order each turn:
     1 expired timers, earliest first   2 ready descriptors and signals   3 ZeroMQ sockets
     4 `soon` functions (asked for during this turn: output is gathered and written here)
     5 `idle` functions, when nothing else was ready and no `soon` function asked for another turn, or LOOP_BATCH_MS after the first was asked for;
       then 4 again */
#ifndef TOGUNA_OS_LOOP_H
#define TOGUNA_OS_LOOP_H

#include "proto/base.h"

struct loop;

/* A batch (what idle functions end, such as a group commit) lasts at most this long under constant load. */
#define LOOP_BATCH_MS 5

/* NULL without memory or descriptors. */
struct loop *loop_new(void);
/* Frees whatever is still registered; closes no descriptor of the caller's. NULL is fine. */
void loop_free(struct loop *l);

/* Runs until loop_stop(), whose code it returns. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int code);
/* One turn, waiting at most wait_ms (-1: for ever) for something to happen. False once stopped. For tests and
   for programs that own the outer loop. */
bool loop_turn(struct loop *l, int wait_ms);
/* Readable when loop_turn() has work; and how long the outer loop may sleep at most (-1: for ever). */
int loop_fd(const struct loop *l);
int loop_wait_ms(struct loop *l);
/* The monotonic time of this turn (clock_mono). */
int64_t loop_now(const struct loop *l);

/* --- descriptors. `events` and `want` are of POLLIN, POLLOUT; POLLHUP and POLLERR are reported unasked,
   unless want is 0: then nothing is. */
struct loop_watch;
typedef void loop_watch_fn(void *arg, short events);
/* NULL without memory, or when the descriptor cannot be watched (a regular file). */
struct loop_watch *loop_watch(struct loop *l, int fd, short want, loop_watch_fn *fn, void *arg);
void loop_watch_set(struct loop_watch *w, short want);
/* Free before closing the descriptor. Allowed inside any function of the loop, its own included: a freed
   watch is never called again. Pointer becomes NULL; NULL is fine. The same holds for all *_free below. */
void loop_watch_free(struct loop_watch **w);

/* --- timers: fire once, then rest until set again. */
struct loop_timer;
typedef void loop_timer_fn(void *arg);
/* At rest; NULL without memory. */
struct loop_timer *loop_timer(struct loop *l, loop_timer_fn *fn, void *arg);
void loop_timer_in(struct loop_timer *t, int64_t delay_ms); /* replaces an earlier setting */
void loop_timer_at(struct loop_timer *t, int64_t mono_ms);  /* clock_mono() */
void loop_timer_stop(struct loop_timer *t);
bool loop_timer_is_set(const struct loop_timer *t);
void loop_timer_free(struct loop_timer **t);

/* --- signals: blocked for the process and read from a descriptor; fn runs as ordinary code. Call before
   threads are made, so that they inherit the mask. One function per signal. TG_INTERNAL. */
typedef void loop_signal_fn(void *arg, int signal);
enum tg_err loop_signal(struct loop *l, int signal, loop_signal_fn *fn, void *arg);

/* --- end of turn, end of batch: fn runs once for any number of loop_after_ask() before it. */
enum loop_moment { LOOP_SOON, LOOP_IDLE };
struct loop_after;
typedef void loop_after_fn(void *arg);
/* NULL without memory. */
struct loop_after *loop_after(struct loop *l, enum loop_moment moment, loop_after_fn *fn, void *arg);
void loop_after_ask(struct loop_after *a);
void loop_after_free(struct loop_after **a);

/* --- ZeroMQ. ZMQ_FD is edge-triggered and any use of the socket eats edges, so the loop asks ZMQ_EVENTS
   itself before it sleeps: of sockets that stirred, or were used. Whoever uses one outside of fn says so with loop_zmq_used(). `want` and `events` are of ZMQ_POLLIN,
   ZMQ_POLLOUT. fn is also called with events 0 when the socket stirred without becoming ready: sends that
   found a peer's queue full may be tried again. fn should take a bounded number of messages; it is called
   again while more wait. */
struct loop_zmq;
typedef void loop_zmq_fn(void *arg, short events);
struct loop_zmq *loop_zmq(struct loop *l, void *zmq_socket, short want, loop_zmq_fn *fn, void *arg);
void loop_zmq_set(struct loop_zmq *z, short want); /* 0 pauses: ZeroMQ's own limits then push back */
void loop_zmq_used(struct loop_zmq *z); /* it was sent to, or read from; NULL is fine */
void loop_zmq_free(struct loop_zmq **z);           /* before zmq_close() */

#endif
