/* Where a hub is reached: "tcp://host:port", ZeroMQ, or "resume://host:port", the same carried over one connection after the other (docs/protocol.md §12). */
#ifndef TOGUNA_PROTO_ENDPOINT_H
#define TOGUNA_PROTO_ENDPOINT_H

#include "proto/base.h"

enum endpoint_kind { ENDPOINT_TCP, ENDPOINT_RESUME };
enum { ENDPOINT_HOST = 255 };

struct endpoint {
  enum endpoint_kind kind;
  char host[ENDPOINT_HOST + 1]; /* without the brackets of an IPv6 address */
  uint16_t port;
};

/* TG_BAD_INPUT: neither of the two, no host, or no port from 0 to 65535. Whether the host is one nobody asks here. */
enum tg_err endpoint_read(struct slice s, struct endpoint *ret);
bool endpoint_resumes(const char *endpoint);

#endif
