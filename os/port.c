#include "os/port.h"

#include "proto/endpoint.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* As libzmq will: a port whose last connections still fade away is free. 0, or the errno of bind(2). */
static int try_bind(const struct addrinfo *a)
{
  int on = 1, fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0), error = 0;
  if (fd < 0)
    return 0;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 && bind(fd, a->ai_addr, a->ai_addrlen) != 0)
    error = errno;
  close(fd);
  return error;
}

enum tg_err port_check(const char *endpoint, struct tg_why *why)
{
  const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  struct endpoint e;
  char port[8];
  if (endpoint_read(slice_str(endpoint), &e) != TG_OK)
    return TG_OK;
  snprintf(port, sizeof port, "%u", e.port);
  if (getaddrinfo(e.host, port, &hints, &found) != 0)
    return TG_OK;
  int error = try_bind(found);
  freeaddrinfo(found);
  if (error == EADDRINUSE)
    return why_set(why, TG_BUSY, endpoint, N_("another program listens at this address"),
                   N_("Stop it first, or choose another port"), NULL, NULL, NULL);
  if (error == EACCES || error == EPERM)
    return why_set(why, TG_INTERNAL, endpoint, N_("the system does not let this program listen there"),
                   N_("Choose a port from 1024 on"), NULL, NULL, NULL);
  return TG_OK;
}
