#include "os/lookup.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The thread's and ours: whoever has done with it last frees it. */
struct question {
  struct endpoint endpoint;
  struct lookup_address found[LOOKUP_MAX];
  atomic_size_t n; /* written last */
  int told; /* an eventfd: the answer is there */
  atomic_int users;
};

struct lookup {
  struct question *question;
  struct loop_watch *watch;
  lookup_fn *fn;
  void *arg;
};

static size_t resolve(const struct endpoint *e, int flags, struct lookup_address *ret, size_t most)
{
  const struct addrinfo hints = {.ai_flags = AI_NUMERICSERV | flags, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  char port[8];
  size_t n = 0;
  snprintf(port, sizeof port, "%u", e->port);
  if (getaddrinfo(e->host, port, &hints, &found) != 0)
    return 0;
  for (const struct addrinfo *a = found; a && n < most; a = a->ai_next) {
    if (a->ai_addrlen > sizeof ret[n].at)
      continue;
    ret[n] = (struct lookup_address){.n = a->ai_addrlen};
    memcpy(&ret[n++].at, a->ai_addr, a->ai_addrlen);
  }
  freeaddrinfo(found);
  return n;
}

size_t lookup_number(const struct endpoint *e, bool passive, struct lookup_address *ret)
{
  return resolve(e, AI_NUMERICHOST | (passive ? AI_PASSIVE : 0), ret, 1);
}

struct place {
  uint8_t host[16];
  uint16_t port;
};

static struct place place_of(const struct sockaddr_storage *a)
{
  struct place p = {.host = {[10] = 0xff, [11] = 0xff}}; /* as IPv6 writes what is IPv4's */
  if (a->ss_family == AF_INET) {
    const struct sockaddr_in *in = (const void *)a;
    memcpy(p.host + 12, &in->sin_addr, 4);
    p.port = in->sin_port;
  } else if (a->ss_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const void *)a;
    memcpy(p.host, &in6->sin6_addr, sizeof p.host);
    p.port = in6->sin6_port;
  }
  return p;
}

bool lookup_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b, bool port)
{
  const struct place x = place_of(a), y = place_of(b);
  return memcmp(x.host, y.host, sizeof x.host) == 0 && (!port || x.port == y.port);
}

struct lookup_net lookup_net(const struct sockaddr_storage *a, unsigned bits)
{
  static const uint8_t four[12] = {[10] = 0xff, [11] = 0xff};
  const struct place p = place_of(a);
  struct lookup_net net;
  memcpy(net.b, p.host, sizeof net.b);
  for (unsigned i = bits; memcmp(p.host, four, sizeof four) != 0 && i < 8 * sizeof net.b; i++)
    net.b[i / 8] &= (uint8_t)~(0x80 >> i % 8);
  return net;
}

static void leave(struct question *q)
{
  if (atomic_fetch_sub(&q->users, 1) > 1)
    return;
  close(q->told);
  free(q);
}

static void *ask(void *arg)
{
  struct question *q = arg;
  size_t n = resolve(&q->endpoint, AI_ADDRCONFIG, q->found, LOOKUP_MAX);
  if (n == 0) /* a machine that has but its loopback interface */
    n = resolve(&q->endpoint, 0, q->found, LOOKUP_MAX);
  atomic_store(&q->n, n);
  (void)eventfd_write(q->told, 1);
  leave(q);
  return NULL;
}

static void on_told(void *arg, short events)
{
  struct lookup *l = arg;
  (void)events;
  loop_watch_free(&l->watch);
  const size_t n = atomic_load(&l->question->n);
  l->fn(l->arg, l->question->found, n);
}

static bool begin(struct question *q)
{
  pthread_t thread;
  pthread_attr_t attr;
  if (pthread_attr_init(&attr) != 0)
    return false;
  atomic_fetch_add(&q->users, 1);
  const bool began = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0 && pthread_create(&thread, &attr, ask, q) == 0;
  pthread_attr_destroy(&attr);
  if (!began)
    atomic_fetch_sub(&q->users, 1);
  return began;
}

struct lookup *lookup_new(struct loop *loop, const struct endpoint *e, lookup_fn *fn, void *arg)
{
  struct lookup *l = calloc(1, sizeof *l);
  struct question *q = calloc(1, sizeof *q);
  if (!l || !q || (q->told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) {
    free(l);
    free(q);
    return NULL;
  }
  q->endpoint = *e;
  atomic_init(&q->users, 1);
  *l = (struct lookup){.question = q, .fn = fn, .arg = arg};
  l->watch = loop_watch(loop, q->told, POLLIN, on_told, l);
  if (!l->watch || !begin(q))
    lookup_free(&l);
  return l;
}

void lookup_free(struct lookup **taken)
{
  struct lookup *l = taken ? *taken : NULL;
  if (!l)
    return;
  *taken = NULL;
  loop_watch_free(&l->watch);
  leave(l->question);
  free(l);
}
