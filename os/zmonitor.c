#include "os/zmonitor.h"

#include "os/clock.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define EVENTS_PER_CALL 64
#define ZAP_REFUSED 400

struct zmonitor {
  void *socket, *pair;
  struct loop_zmq *watch;
  void (*fn)(void *arg, enum zmonitor_event event);
  void *arg;
};

static const struct {
  uint16_t zmq;
  enum zmonitor_event event;
} known[] = {{ZMQ_EVENT_CONNECTED, ZMONITOR_CONNECTED},
             {ZMQ_EVENT_ACCEPTED, ZMONITOR_CONNECTED},
             {ZMQ_EVENT_HANDSHAKE_SUCCEEDED, ZMONITOR_HANDSHAKE_OK},
             {ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, ZMONITOR_REFUSED},
             {ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, ZMONITOR_FAILED},
             {ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, ZMONITOR_FAILED},
             {ZMQ_EVENT_DISCONNECTED, ZMONITOR_DISCONNECTED}};

struct zmonitor *zmonitor_new(void *context, void *socket)
{
  char address[64];
  int mask = 0, linger = 0,
      hwm = 10000; /* a flood of handshakes must not fill memory: beyond that events are lost */
  struct zmonitor *m = calloc(1, sizeof *m);
  if (!m)
    return NULL;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    mask |= known[i].zmq;
  snprintf(address, sizeof address, "inproc://monitor-%08x%08x", (unsigned)randombytes_random(),
           (unsigned)randombytes_random());
  m->pair = zmq_socket(context, ZMQ_PAIR);
  if (!m->pair || zmq_setsockopt(m->pair, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
      zmq_setsockopt(m->pair, ZMQ_RCVHWM, &hwm, sizeof hwm) != 0 ||
      zmq_socket_monitor(socket, address, mask) != 0) {
    if (m->pair)
      zmq_close(m->pair);
    free(m);
    return NULL;
  }
  m->socket = socket;
  if (zmq_connect(m->pair, address) != 0)
    zmonitor_free(&m);
  return m;
}

void zmonitor_free(struct zmonitor **taken)
{
  struct zmonitor *m = taken ? *taken : NULL;
  if (!m)
    return;
  *taken = NULL;
  loop_zmq_free(&m->watch);
  zmq_socket_monitor(m->socket, NULL, 0);
  zmq_close(m->pair);
  free(m);
}

/* One event: u16 number and u32 value in native order, then the endpoint, which says nothing we want. */
static bool receive(struct zmonitor *m, uint16_t *ret_number, uint32_t *ret_value)
{
  uint8_t head[6];
  char endpoint[8];
  int rc;
  do
    rc = zmq_recv(m->pair, head, sizeof head, ZMQ_DONTWAIT);
  while (rc < 0 && errno == EINTR);
  if (rc != (int)sizeof head)
    return false;
  memcpy(ret_number, head, 2);
  memcpy(ret_value, head + 2, 4);
  (void)zmq_recv(m->pair, endpoint, sizeof endpoint, ZMQ_DONTWAIT);
  return true;
}

static void stirred(void *arg, short events)
{
  struct zmonitor *m = arg;
  uint16_t number;
  uint32_t value;
  (void)events;
  for (int i = 0; i < EVENTS_PER_CALL && receive(m, &number, &value); i++)
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
      if (known[k].zmq == number)
        m->fn(m->arg, known[k].event);
}

enum tg_err zmonitor_watch(struct zmonitor *m, struct loop *l,
                           void (*fn)(void *arg, enum zmonitor_event event), void *arg)
{
  m->fn = fn;
  m->arg = arg;
  m->watch = loop_zmq(l, m->pair, ZMQ_POLLIN, stirred, m);
  return m->watch ? TG_OK : TG_NO_MEMORY;
}

bool zmonitor_wait_refused(struct zmonitor *m, int wait_ms)
{
  int64_t until = clock_mono() + wait_ms;
  for (int64_t left = wait_ms; left >= 0; left = until - clock_mono()) {
    zmq_pollitem_t item = {.socket = m->pair, .events = ZMQ_POLLIN};
    if (zmq_poll(&item, 1, left) < 0 && errno != EINTR)
      return false;
    uint16_t number;
    uint32_t value;
    while (receive(m, &number, &value)) {
      if (number == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
        return value == ZAP_REFUSED;
      if (number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        return false;
    }
  }
  return false;
}
