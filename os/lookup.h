/* Addresses of a host, without waiting for them: the C library asks name servers for as long as it takes, so a thread of its own does. */
#ifndef TOGUNA_OS_LOOKUP_H
#define TOGUNA_OS_LOOKUP_H

#include "os/loop.h"
#include "proto/endpoint.h"

#include <sys/socket.h>

enum { LOOKUP_MAX = 8 };

struct lookup_address {
  struct sockaddr_storage at;
  socklen_t n;
};

struct lookup;
/* Calls fn once with what was found, in the system's order; n 0: nothing. May be freed there. NULL without memory, descriptors or threads. */
typedef void lookup_fn(void *arg, const struct lookup_address *found, size_t n);
struct lookup *lookup_new(struct loop *l, const struct endpoint *e, lookup_fn *fn, void *arg);
void lookup_free(struct lookup **taken); /* fn is not called any more; the thread goes on alone until it knows. NULL is fine */
/* An address that is written as a number; passive: to listen there. How many, at most 1. */
size_t lookup_number(const struct endpoint *e, bool passive, struct lookup_address *ret);
/* The same address, be it IPv4 or written as IPv6; and the same port, if that counts? */
bool lookup_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b, bool port);

/* Whom to count as one: an IPv4 address, written as IPv6 or not, or of an IPv6 address the first `bits`, for who has these chooses the rest. */
struct lookup_net {
  uint8_t b[16];
};
struct lookup_net lookup_net(const struct sockaddr_storage *a, unsigned bits);

#endif
