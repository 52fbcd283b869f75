/* What libzmq says about a socket's connections. Private to zsock.c. */
#ifndef TOGUNA_OS_ZMONITOR_H
#define TOGUNA_OS_ZMONITOR_H

#include "os/loop.h"

struct zmonitor;

enum zmonitor_event {
  ZMONITOR_CONNECTED,    /* TCP, either way */
  ZMONITOR_HANDSHAKE_OK, /* CURVE and ZAP done */
  ZMONITOR_REFUSED,      /* our key, or the peer's, is not allowed */
  ZMONITOR_FAILED,       /* no CURVE, wrong server key, garbage, hung up in the middle */
  ZMONITOR_DISCONNECTED
};

/* Before bind or connect. NULL on failure. */
struct zmonitor *zmonitor_new(void *context, void *socket);
void zmonitor_free(struct zmonitor **m); /* before the socket is closed */
enum tg_err zmonitor_watch(struct zmonitor *m, struct loop *l,
                           void (*fn)(void *arg, enum zmonitor_event event), void *arg);
/* Waits for the first verdict on a handshake: true when it was a refusal by the server's ZAP handler. */
bool zmonitor_wait_refused(struct zmonitor *m, int wait_ms);

#endif
