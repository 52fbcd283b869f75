#include "os/http.h"

#include "os/fault.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  BACKLOG = 64,
  REQUEST_BYTES = 16 * 1024, /* of line and headers; an answer's headers lie there too */
};

/* A connection, so that one that is slow can be ended: libmicrohttpd knows only silence. */
struct visitor {
  struct visitor *next;
  int fd;
  int64_t deadline;
};

struct http {
  struct http_options o;
  struct loop *loop;
  struct MHD_Daemon *daemon;
  struct loop_watch *watch;
  struct loop_timer *turn, *sweep;
  struct visitor *visitors;
  bool parted; /* a connection was put away in this run */
};

/* ---- addresses */

static bool address_read(const char *address, struct addrinfo **ret)
{
  const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
  const char *colon = strrchr(address, ':');
  uint64_t port;
  char host[HTTP_ADDRESS_MAX];
  if (!colon || (size_t)(colon - address) >= sizeof host || number_parse(slice_str(colon + 1), UINT16_MAX, &port) != TG_OK)
    return false;
  size_t n = (size_t)(colon - address);
  bool bracketed = n > 2 && address[0] == '[' && address[n - 1] == ']';
  snprintf(host, sizeof host, "%.*s", (int)(bracketed ? n - 2 : n), address + bracketed);
  if (!bracketed && strchr(host, ':'))
    return false;
  return getaddrinfo(host, colon + 1, &hints, ret) == 0;
}

static bool is_loopback(const struct sockaddr *a)
{
  if (a->sa_family == AF_INET6)
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
  return a->sa_family == AF_INET && ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
}

static enum tg_err address_find(const char *address, const char *where, struct addrinfo **ret, struct tg_why *why)
{
  struct addrinfo *found = NULL;
  if (!address_read(address, &found))
    return why_set(why, TG_BAD_INPUT, where, N_("%1$s is no address to serve at"), N_("Write it like 127.0.0.1:7780 or [::1]:7780"),
                   address, NULL, NULL);
  if (!is_loopback(found->ai_addr)) {
    freeaddrinfo(found);
    return why_set(why, TG_BAD_INPUT, where, N_("%1$s is not on the loopback interface"),
                   N_("Write 127.0.0.1 or [::1], and let a web server that speaks TLS pass it on to others"), address, NULL, NULL);
  }
  *ret = found;
  return TG_OK;
}

enum tg_err http_check_address(const char *address, const char *where, struct tg_why *why)
{
  struct addrinfo *found = NULL;
  enum tg_err err = address_find(address, where, &found, why);
  if (err == TG_OK)
    freeaddrinfo(found);
  return err;
}

static enum tg_err cannot_listen(const char *address, struct tg_why *why)
{
  if (errno == EADDRINUSE)
    return why_set(why, TG_BUSY, address, N_("another program listens at this address"),
                   N_("Stop it first, or choose another port"), NULL, NULL, NULL);
  return fault_why(why, TG_INTERNAL, address, N_("cannot listen there: %1$s"), NULL);
}

enum tg_err http_listen(const char *address, int *ret_fd, struct tg_why *why)
{
  struct addrinfo *a = NULL;
  int on = 1;
  enum tg_err err = address_find(address, address, &a, why);
  if (err != TG_OK)
    return err;
  int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 || bind(fd, a->ai_addr, a->ai_addrlen) != 0 ||
      listen(fd, BACKLOG) != 0) {
    err = cannot_listen(address, why);
    if (fd >= 0)
      close(fd);
  } else {
    *ret_fd = fd;
  }
  freeaddrinfo(a);
  return err;
}

uint16_t http_port(int fd)
{
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } at = {.any.sa_family = AF_UNSPEC};
  socklen_t n = sizeof at;
  if (getsockname(fd, &at.any, &n) != 0)
    return 0;
  return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

/* ---- arguments. libmicrohttpd is told to unescape nothing, so that a path has one spelling; it turns '+' in a
   query into a space by itself. */

static int hex_digit(char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum tg_err http_argument(const struct http_request *r, const char *name, struct buf *ret)
{
  struct MHD_Connection *connection = (struct MHD_Connection *)(uintptr_t)r->connection;
  const char *text = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
  if (!text)
    return TG_NOT_FOUND;
  for (; *text; text++) {
    uint8_t byte = (uint8_t)*text;
    if (byte == '%') {
      int high = hex_digit(text[1]), low = high < 0 ? -1 : hex_digit(text[2]);
      if (low < 0 || high + low == 0)
        return TG_BAD_INPUT;
      byte = (uint8_t)(high << 4 | low);
      text += 2;
    }
    buf_put_u8(ret, byte);
  }
  return buf_status(ret);
}

static size_t unescape_nothing(void *arg, struct MHD_Connection *c, char *text)
{
  (void)arg;
  (void)c;
  return strlen(text);
}

/* ---- requests */

static enum MHD_Result answer(const struct http *h, struct MHD_Connection *c, const struct http_answer *a, bool last)
{
  static char none[1];
  bool found = a->status != 0;
  struct slice body = found ? a->body : slice_str("not found\n");
  struct MHD_Response *response =
      MHD_create_response_from_buffer(body.n, body.n ? (void *)(uintptr_t)body.p : none, MHD_RESPMEM_MUST_COPY);
  if (!response)
    return MHD_NO;
  const char *type = found ? a->type : "text/plain; charset=utf-8";
  const char *caching = found && a->caching ? a->caching : "no-store";
  bool ok = MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, caching) == MHD_YES;
  if (type)
    ok = ok && MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES;
  if (a->status == MHD_HTTP_METHOD_NOT_ALLOWED)
    ok = ok && MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") == MHD_YES;
  if (last)
    ok = ok && MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
  for (size_t i = 0; ok && i < h->o.n_headers; i++)
    ok = MHD_add_response_header(response, h->o.headers[i].name, h->o.headers[i].value) == MHD_YES;
  enum MHD_Result rc = ok ? MHD_queue_response(c, found ? a->status : MHD_HTTP_NOT_FOUND, response) : MHD_NO;
  MHD_destroy_response(response);
  return rc;
}

static const char *header_of(struct MHD_Connection *c, const char *name)
{
  const char *value = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
  return value ? value : "";
}

static enum MHD_Result refuse(const struct http *h, struct MHD_Connection *c, unsigned status, const char *sentence)
{
  const struct http_answer a = {.status = status, .type = "text/plain; charset=utf-8", .body = slice_str(sentence)};
  return answer(h, c, &a, true);
}

/* Asked twice for each request: an answer to the first call would close the connection. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **state)
{
  static int seen;
  const struct http *h = arg;
  (void)version;
  (void)upload;
  if (!*state) {
    *state = &seen;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
      return refuse(h, c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    const char *length = header_of(c, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (*header_of(c, MHD_HTTP_HEADER_TRANSFER_ENCODING) || (*length && strcmp(length, "0") != 0))
      return refuse(h, c, MHD_HTTP_BAD_REQUEST, "a request has no body here\n");
    return MHD_YES;
  }
  *upload_size = 0;
  const struct http_request r = {
      .path = slice_str(url), .host = header_of(c, MHD_HTTP_HEADER_HOST), .connection = c};
  struct http_answer a = {.status = 0};
  h->o.handler(h->o.arg, &r, &a);
  return answer(h, c, &a, false);
}

/* ---- who is connected, and for how long */

static void on_connection(void *arg, struct MHD_Connection *c, void **context, enum MHD_ConnectionNotificationCode code)
{
  struct http *h = arg;
  if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
    struct visitor *gone = *context;
    for (struct visitor **v = &h->visitors; *v; v = &(*v)->next)
      if (*v == gone) {
        *v = gone->next;
        break;
      }
    free(gone);
    *context = NULL;
    h->parted = true;
    return;
  }
  struct visitor *v = calloc(1, sizeof *v);
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (!v || !info) { /* silence still ends it */
    free(v);
    return;
  }
  *v = (struct visitor){.next = h->visitors, .fd = info->connect_fd, .deadline = loop_now(h->loop) + h->o.request_ms};
  h->visitors = v;
  *context = v;
  if (!loop_timer_is_set(h->sweep))
    loop_timer_in(h->sweep, h->o.request_ms);
}

static void on_completed(void *arg, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode code)
{
  struct http *h = arg;
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  struct visitor *v = info ? info->socket_context : NULL;
  (void)state;
  (void)code;
  if (v)
    v->deadline = loop_now(h->loop) + h->o.idle_ms + h->o.request_ms;
}

/* Closed for both directions, the socket becomes ready, and libmicrohttpd puts the connection away. */
static void on_sweep(void *arg)
{
  struct http *h = arg;
  int64_t now = loop_now(h->loop), next = INT64_MAX;
  for (struct visitor *v = h->visitors; v; v = v->next) {
    if (v->deadline <= now)
      (void)shutdown(v->fd, SHUT_RDWR);
    int64_t again = v->deadline <= now ? now + h->o.request_ms : v->deadline;
    next = again < next ? again : next;
  }
  if (h->visitors)
    loop_timer_at(h->sweep, next);
}

/* ---- the loop */

/* A run that begins with all connections taken does not listen, even when it ends with none: only the next one
   does, and nothing would call for it. */
static void work(struct http *h)
{
  MHD_UNSIGNED_LONG_LONG wait;
  do {
    h->parted = false;
    (void)MHD_run(h->daemon);
  } while (h->parted);
  if (MHD_get_timeout(h->daemon, &wait) == MHD_YES)
    loop_timer_in(h->turn, wait < 60000 ? (int64_t)wait : 60000);
  else
    loop_timer_stop(h->turn);
}

static void on_ready(void *arg, short events)
{
  (void)events;
  work(arg);
}

static void on_turn(void *arg)
{
  work(arg);
}

static struct MHD_Daemon *start(struct http *h)
{
  unsigned idle = (unsigned)(h->o.idle_ms + 999) / 1000;
  return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_PEDANTIC_CHECKS, 0, NULL, NULL, on_request, h, /* no thread: we call it */
                          MHD_OPTION_LISTEN_SOCKET, h->o.fd, MHD_OPTION_CONNECTION_LIMIT, h->o.connections,
                          MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, idle,
                          MHD_OPTION_UNESCAPE_CALLBACK, unescape_nothing, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
                          h, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_END);
}

enum tg_err http_new(struct loop *l, const struct http_options *o, struct http **ret, struct tg_why *why)
{
  struct http *h = calloc(1, sizeof *h);
  const union MHD_DaemonInfo *info = NULL;
  if (h) {
    *h = (struct http){.o = *o, .loop = l};
    h->turn = loop_timer(l, on_turn, h);
    h->sweep = h->turn ? loop_timer(l, on_sweep, h) : NULL;
    h->daemon = h->sweep ? start(h) : NULL;
    info = h->daemon ? MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    h->watch = info ? loop_watch(l, info->epoll_fd, POLLIN, on_ready, h) : NULL;
  }
  if (!h || !h->daemon)
    close(o->fd); /* else the daemon's to close */
  if (!h || !h->watch) {
    http_free(&h);
    return why_set(why, TG_INTERNAL, NULL, N_("the web server does not start"), NULL, NULL, NULL, NULL);
  }
  work(h);
  *ret = h;
  return TG_OK;
}

void http_free(struct http **taken)
{
  struct http *h = *taken;
  if (!h)
    return;
  loop_watch_free(&h->watch);
  if (h->daemon)
    MHD_stop_daemon(h->daemon);
  loop_timer_free(&h->turn);
  loop_timer_free(&h->sweep);
  free(h);
  *taken = NULL;
}
