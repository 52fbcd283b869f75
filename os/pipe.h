/* A channel of frames over a Unix stream socket, between our processes and with local programs.
   On the wire: u32 big-endian, then the bytes. Frames may be empty. Many frames share one system call both ways:
   what is sent during a turn of the loop goes out at its end. Descriptors that come along are refused. */
#ifndef TOGUNA_OS_PIPE_H
#define TOGUNA_OS_PIPE_H

#include "os/loop.h"

struct pipe;

struct pipe_events {
  /* One frame. Points into the pipe's buffer, gone after return. May send, pause and free this very pipe. */
  void (*frame)(void *arg, struct slice frame);
  /* Called once, never after pipe_free(): nothing can be sent or received any more; the owner frees the pipe.
     TG_OK: the other side closed between two frames; TG_UNREACHABLE: it went away; TG_BAD_INPUT, TG_TOO_BIG:
     it broke the framing; TG_NO_MEMORY. What was complete before the end has been delivered. */
  void (*closed)(void *arg, enum tg_err why);
  /* After pipe_send() answered TG_BUSY: at least half of the queue is free again; or as pipe_tell_drained()
     asked. May be NULL. */
  void (*drained)(void *arg);
};

struct pipe_limits {
  size_t max_frame; /* bytes of one frame, both ways; below 2^31 */
  size_t max_queue; /* bytes waiting to be written; at least one frame always fits an empty queue */
};

/* Takes fd (made non-blocking and close-on-exec; closed by pipe_free, also closed on failure). events is
   kept, not copied. TG_NO_MEMORY, TG_INTERNAL. */
enum tg_err pipe_new(struct loop *l, int fd, const struct pipe_limits *limits,
                     const struct pipe_events *events, void *arg, struct pipe **ret);
/* What is still queued is lost; pipe_flush() first where that matters. Wipes its buffers. */
void pipe_free(struct pipe **p);

/* Queues one frame, given whole or in parts. TG_OK; TG_BUSY: the queue is full, nothing was taken, `drained`
   will be called; TG_TOO_BIG; TG_UNREACHABLE after the end. */
enum tg_err pipe_send(struct pipe *p, struct slice frame);
enum tg_err pipe_send_parts(struct pipe *p, const struct slice *parts, size_t n);

/* Writes what is queued, waiting up to wait_ms for a slow reader. TG_OK when nothing is left, TG_BUSY
   otherwise. */
enum tg_err pipe_flush(struct pipe *p, int wait_ms);
size_t pipe_queued(const struct pipe *p); /* bytes */
/* Asks for `drained`, once, as soon as at most `bytes` are queued: for who wants to stop before the queue is
 * full. */
void pipe_tell_drained(struct pipe *p, size_t bytes);

/* While paused nothing is read: the other side fills its own queue and learns it. */
void pipe_pause(struct pipe *p, bool paused);

#endif
