/* Local programs at the node's socket: who they are, frames both ways, and what becomes of a program that
   does not read or asks for too many connections. */
#ifndef TOGUNA_CLIENT_NODE_SHELL_CLIENTS_H
#define TOGUNA_CLIENT_NODE_SHELL_CLIENTS_H

#include "os/loop.h"

enum {
  CLIENTS_MAX = 144,      /* connections; more wait until one ends */
  CLIENTS_PER_USER = 64,  /* more of one user are closed at once */
  CLIENTS_QUEUE = 4 << 20 /* bytes for a program that does not read; then it is left */
};

struct clients;

struct clients_events {
  void (*joined)(void *arg, uint64_t client, uint32_t uid);
  void (*frame)(void *arg, uint64_t client, struct slice frame);
  void (*drained)(void *arg, uint64_t client);
  void (*gone)(void *arg, uint64_t client); /* not for one that clients_close() was called for */
};

/* Takes the listening socket (unix_listen()). events is kept, not copied. TG_NO_MEMORY. */
enum tg_err clients_new(struct loop *l, int listen_fd, const struct clients_events *events, void *arg,
                        struct clients **ret);
void clients_free(struct clients **c); /* NULL, or a pointer to NULL, is fine */

/* The bytes that now wait for it; from NODE_FULL on `drained` will follow. One that is gone: 0. Calls no
 * event. */
size_t clients_send(struct clients *c, uint64_t client, struct slice frame);
/* After what was sent. */
void clients_close(struct clients *c, uint64_t client);
/* Waits up to wait_ms for each program to take what was sent. */
void clients_flush(struct clients *c, int wait_ms);

#endif
