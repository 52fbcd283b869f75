/* A small HTTP/1.1 server for the loopback interface, on libmicrohttpd, inside the event loop: one thread, GET
   and HEAD only, everything bounded. Linked by the processes that serve, and by no other (toguna_http). */
#ifndef TOGUNA_OS_HTTP_H
#define TOGUNA_OS_HTTP_H

#include "os/loop.h"
#include "proto/buf.h"

#define HTTP_ADDRESS_MAX 64 /* bytes of "[::1]:65535", NUL included, generously */

/* Listens at "127.0.0.1:7780" or "[::1]:7780": numeric, and loopback only, since what is behind speaks no TLS
   and asks nobody who he is; port 0: any that is free. TG_BAD_INPUT: no such address; TG_BUSY: another
   program listens there; TG_INTERNAL. Written so that it needs no rights afterwards. */
enum tg_err http_listen(const char *address, int *ret_fd, struct tg_why *why);
/* Is it an address that http_listen() takes? TG_BAD_INPUT, with `where` in the why. */
enum tg_err http_check_address(const char *address, const char *where, struct tg_why *why);
/* The port of a listening socket. */
uint16_t http_port(int fd);

struct http_header {
  const char *name, *value;
};

/* Points into the server: gone when the handler returns. */
struct http_request {
  struct slice path; /* as it was sent: begins with '/', nothing unescaped, no query */
  const char *host;  /* what the client believes to speak to; "" when it does not say */
  const void *connection;
};
/* Appends the argument of this name in the query, unescaped, to *ret. TG_NOT_FOUND; TG_BAD_INPUT for escapes
   that are none, and for NUL; TG_TOO_BIG. */
enum tg_err http_argument(const struct http_request *r, const char *name, struct buf *ret);

struct http_answer {
  unsigned status; /* 0: 404, and nothing else is looked at */
  const char *type, *caching; /* Content-Type, Cache-Control: literals; NULL: left out, and no-store */
  struct slice body;          /* copied after the handler has returned */
};

struct http_options {
  int fd;                            /* of http_listen(); taken, also on failure */
  unsigned connections;              /* at most, at once; more wait unaccepted */
  int idle_ms;                       /* a connection on which nothing comes is closed */
  int request_ms;                    /* so is one whose request is not read, answered and taken within this time */
  const struct http_header *headers; /* of every answer; kept */
  size_t n_headers;
  void (*handler)(void *arg, const struct http_request *request, struct http_answer *ret);
  void *arg;
};

struct http;
/* TG_NO_MEMORY, TG_INTERNAL. */
enum tg_err http_new(struct loop *l, const struct http_options *o, struct http **ret, struct tg_why *why);
void http_free(struct http **h); /* closes all connections; NULL is fine */

#endif
