#include "os/zsock.h"

#include "os/log.h"
#include "os/zpeers.h"
#include "os/zmonitor.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define ZAP_ENFORCE_DOMAIN 93 /* works in the stable library; its name is hidden behind the draft API */
#define CURVE_OVERHEAD 33     /* per frame, counted by MAXMSGSIZE */
#define HANDSHAKE_LEAST 1024  /* MAXMSGSIZE bounds the handshake's commands too */
#define QUEUE 64
#define HANDSHAKE_MS 15000 /* seven ways over a satellite, each of a second or more */
#define CONNECT_TIMEOUT_MS 15000
#define LINGER_MS 1000 /* for a last goodbye */
#define MESSAGES_PER_CALL 64
#define RETRY_MS 20 /* ROUTER cannot tell when one peer's queue has room again */

struct zsock {
  struct zauth *auth; /* NULL on a client */
  void *socket;
  struct zmonitor *monitor;
  struct zpeers *peers; /* NULL on a client */
  size_t max_body;
  char endpoint[256];
  struct loop_zmq *watch;
  struct loop_timer *retry;
  const struct zsock_events *events;
  void *arg;
  bool paused, held, up;
  struct zsock_counts counts;
};

/* --- making */

struct number_option {
  int option, value;
};

static int set_numbers(void *socket, const struct number_option *o, size_t n)
{
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < n; i++)
    rc = zmq_setsockopt(socket, o[i].option, &o[i].value, sizeof o[i].value);
  return rc;
}

static int or_default(int value, int otherwise)
{
  return value > 0 ? value : otherwise;
}

/* No heartbeats of ZeroMQ's, on either side: libzmq 4.3.4 fails an assertion when a connection breaks of which it reads no more because its queue
   is full and behind which a PING stands. Sessions have their own signs of life. */
static int set_common(void *socket, size_t max_body, int queue, int handshake_ms)
{
  int64_t max = (int64_t)max_body + CURVE_OVERHEAD;
  if (max < HANDSHAKE_LEAST)
    max = HANDSHAKE_LEAST;
  const struct number_option numbers[] = {{ZMQ_LINGER, LINGER_MS},
                                          {ZMQ_SNDHWM, or_default(queue, QUEUE)},
                                          /* What is to go out we made; what comes is as much as others like. */
                                          {ZMQ_RCVHWM, queue > 0 && queue < QUEUE ? queue : QUEUE},
                                          {ZMQ_HANDSHAKE_IVL, or_default(handshake_ms, HANDSHAKE_MS)},
                                          {ZMQ_IPV6, 1}};
  int rc = set_numbers(socket, numbers, sizeof numbers / sizeof *numbers);
  return rc == 0 ? zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max, sizeof max) : rc;
}

static enum tg_err cannot(const char *where, enum tg_err err, const char *what, struct tg_why *why)
{
  return why_set(why, err, where, what, NULL, zmq_strerror(errno), NULL, NULL);
}

static struct zsock *zsock_new(void *context, int type, size_t max_body)
{
  struct zsock *z = calloc(1, sizeof *z);
  if (!z)
    return NULL;
  z->max_body = max_body;
  z->socket = zmq_socket(context, type);
  z->monitor = z->socket ? zmonitor_new(context, z->socket) : NULL;
  if (!z->monitor)
    zsock_free(&z);
  return z;
}

void zsock_free(struct zsock **taken)
{
  struct zsock *z = taken ? *taken : NULL;
  if (!z)
    return;
  *taken = NULL;
  loop_zmq_free(&z->watch);
  loop_timer_free(&z->retry);
  zmonitor_free(&z->monitor);
  if (z->socket)
    zmq_close(z->socket);
  zpeers_free(&z->peers);
  free(z);
}

const char *zsock_endpoint(const struct zsock *z)
{
  return z->endpoint;
}

static enum tg_err bind_server(struct zsock *z, const char *endpoint, struct tg_why *why)
{
  size_t n = sizeof z->endpoint;
  if (zmq_bind(z->socket, endpoint) == 0)
    return zmq_getsockopt(z->socket, ZMQ_LAST_ENDPOINT, z->endpoint, &n) == 0
               ? TG_OK
               : cannot(endpoint, TG_INTERNAL, N_("cannot listen there: %1$s"), why);
  if (errno == EADDRINUSE)
    return why_set(why, TG_BUSY, endpoint, N_("another program listens at this address"),
                   N_("Stop it first, or choose another port"), NULL, NULL, NULL);
  if (errno == EACCES || errno == EPERM)
    return why_set(why, TG_INTERNAL, endpoint, N_("the system does not let this program listen there"),
                   N_("Choose a port from 1024 on"), NULL, NULL, NULL);
  return why_set(why, TG_BAD_INPUT, endpoint, N_("cannot listen at this address: %1$s"),
                 N_("Write it like tcp://[::]:7440"), zmq_strerror(errno), NULL, NULL);
}

static int set_server(void *socket, const struct zsock_server_options *o)
{
  const struct number_option numbers[] = {{ZMQ_ROUTER_MANDATORY, 1},
                                          {ZMQ_ROUTER_HANDOVER, 0},
                                          {ZMQ_TCP_KEEPALIVE, 1},
                                          {ZMQ_TCP_KEEPALIVE_IDLE, 60},
                                          {ZMQ_TCP_KEEPALIVE_INTVL, 20},
                                          {ZMQ_TCP_KEEPALIVE_CNT, 3},
                                          {ZMQ_BACKLOG, 256},
                                          {ZMQ_CURVE_SERVER, 1},
                                          {ZAP_ENFORCE_DOMAIN, 1}};
  int rc = set_common(socket, o->max_body, o->queue, o->handshake_ms);
  if (rc == 0)
    rc = zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, ZAUTH_DOMAIN, sizeof ZAUTH_DOMAIN - 1);
  if (rc == 0)
    rc = set_numbers(socket, numbers, sizeof numbers / sizeof *numbers);
  return rc == 0 ? zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, o->secret_key, 32) : rc;
}

/* The wildcard is no destination. */
void zsock_own_address(const struct zsock *z, char out[256])
{
  const char *endpoint = z->endpoint, *port = strrchr(endpoint, ':');
  bool wild = !strncmp(endpoint, "tcp://0.0.0.0:", 14) || !strncmp(endpoint, "tcp://[::]:", 11);
  if (wild)
    snprintf(out, 256, "tcp://127.0.0.1%s", port);
  else
    snprintf(out, 256, "%s", endpoint);
}

/* Knocks with a key nobody knows. Only a plain refusal by the handler counts: silence proves nothing. */
static enum tg_err prove_shut(struct zsock *z, void *context, const uint8_t *server_secret,
                              struct tg_why *why)
{
  uint8_t server_pk[32], pk[32], sk[32];
  char address[256];
  struct zsock *knock = NULL;
  crypto_scalarmult_base(server_pk, server_secret);
  crypto_box_keypair(pk, sk);
  zsock_own_address(z, address);
  struct seal_pk server, own;
  memcpy(server.b, server_pk, sizeof server.b);
  memcpy(own.b, pk, sizeof own.b);
  zauth_knocks(z->auth, &own);
  const struct zsock_client_options o = {
      .endpoint = address, .server_key = &server, .public_key = &own, .secret_key = sk, .max_body = 1};
  enum tg_err err = zsock_client(context, &o, &knock, why);
  sodium_memzero(sk, sizeof sk);
  if (err != TG_OK)
    return err;
  bool refused = zmonitor_wait_refused(knock->monitor, HANDSHAKE_MS);
  zsock_free(&knock);
  if (refused)
    return TG_OK;
  return why_set(
      why, TG_INTERNAL, z->endpoint, N_("the self-test failed: an unknown key was not refused"),
      N_("Nobody was let in. Check that this program may connect to its own port, and report this"), NULL,
      NULL, NULL);
}

enum tg_err zsock_server(struct zauth *auth, const struct zsock_server_options *o, struct zsock **ret,
                         struct tg_why *why)
{
  struct zsock *z = zsock_new(zauth_context(auth), ZMQ_ROUTER, o->max_body);
  if (!z || !(z->peers = zpeers_new())) {
    zsock_free(&z);
    return why_set(why, TG_NO_MEMORY, o->endpoint, N_("out of memory"), NULL, NULL, NULL, NULL);
  }
  z->auth = auth;
  enum tg_err err = TG_OK;
  if (set_server(z->socket, o) != 0)
    err = cannot(o->endpoint, TG_INTERNAL, N_("ZeroMQ refuses a setting we cannot do without: %1$s"), why);
  if (err == TG_OK)
    err = bind_server(z, o->endpoint, why);
  if (err == TG_OK)
    err = prove_shut(z, zauth_context(auth), o->secret_key, why);
  if (err != TG_OK) {
    zsock_free(&z);
    return err;
  }
  *ret = z;
  return TG_OK;
}

struct zsock_retry zsock_retry_new(void)
{
  return (struct zsock_retry){400 + (int)randombytes_uniform(400), 15000 + (int)randombytes_uniform(15000)};
}

static int set_client(void *socket, const struct zsock_client_options *o)
{
  const struct zsock_retry retry = zsock_retry_new();
  const struct number_option numbers[] = {
      {ZMQ_IMMEDIATE, 1},
      {ZMQ_RECONNECT_IVL, or_default(o->reconnect_ms, retry.first_ms)},
      {ZMQ_RECONNECT_IVL_MAX, or_default(o->reconnect_max_ms, retry.most_ms)},
      {ZMQ_CONNECT_TIMEOUT, CONNECT_TIMEOUT_MS}};
  int rc = set_common(socket, o->max_body, o->queue, o->handshake_ms);
  if (rc == 0)
    rc = set_numbers(socket, numbers, sizeof numbers / sizeof *numbers);
  if (rc == 0)
    rc = zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, o->server_key->b, 32);
  if (rc == 0)
    rc = zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, o->public_key->b, 32);
  return rc == 0 ? zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, o->secret_key, 32) : rc;
}

enum tg_err zsock_client(void *context, const struct zsock_client_options *o, struct zsock **ret,
                         struct tg_why *why)
{
  struct zsock *z = zsock_new(context, ZMQ_DEALER, o->max_body);
  if (!z)
    return why_set(why, TG_NO_MEMORY, o->endpoint, N_("out of memory"), NULL, NULL, NULL, NULL);
  snprintf(z->endpoint, sizeof z->endpoint, "%s", o->endpoint);
  enum tg_err err = TG_OK;
  if (set_client(z->socket, o) != 0)
    err = cannot(o->endpoint, TG_INTERNAL, N_("ZeroMQ refuses a setting we cannot do without: %1$s"), why);
  else if ((strncmp(o->endpoint, "tcp://", 6) != 0 && strncmp(o->endpoint, "ipc://@", 7) != 0) || zmq_connect(z->socket, o->endpoint) != 0)
    err = why_set(why, TG_BAD_INPUT, o->endpoint, N_("this is not an address one can connect to"),
                  N_("Write it like tcp://hub.example:7440"), NULL, NULL, NULL);
  if (err != TG_OK) {
    zsock_free(&z);
    return err;
  }
  *ret = z;
  return TG_OK;
}

/* --- receiving */

/* The parts of one message: the routing id (server only) and the body. False when nothing more is there. */
struct parts {
  zmq_msg_t id, body;
  size_t n;
};

static bool receive_part(void *socket, zmq_msg_t *m, bool *ret_more)
{
  int rc;
  do
    rc = zmq_msg_recv(m, socket, ZMQ_DONTWAIT);
  while (rc < 0 && errno == EINTR);
  *ret_more = rc >= 0 && zmq_msg_more(m);
  return rc >= 0;
}

/* Whole messages only are ever handed out by libzmq, so DONTWAIT cannot stop in the middle of one. What is
   beyond the second part is read away: their number is not bounded by the library. */
static bool receive_parts(void *socket, struct parts *p, size_t expected)
{
  bool more = true;
  for (p->n = 0; more; p->n++) {
    zmq_msg_t spare;
    zmq_msg_init(&spare);
    zmq_msg_t *to = expected == 2 && p->n == 0 ? &p->id : p->n == expected - 1 ? &p->body : &spare;
    bool got = receive_part(socket, to, &more);
    zmq_msg_close(&spare);
    if (!got)
      return p->n > 0;
  }
  return true;
}

/* The key libzmq proved, as our ZAP handler named it. A peer cannot forge the property where ZAP ran. */
static bool proven_key(zmq_msg_t *m, struct seal_pk *ret)
{
  const char *user = zmq_msg_gets(m, "User-Id");
  const char *end;
  size_t n;
  return user && strlen(user) == 64 && sodium_hex2bin(ret->b, sizeof ret->b, user, 64, NULL, &n, &end) == 0 &&
         n == 32;
}

static void receive_on_server(struct zsock *z, struct parts *p)
{
  struct seal_pk key;
  if (p->n < 2 || !proven_key(&p->body, &key)) {
    z->counts.unknown_sender++;
    return;
  }
  int fd = zmq_msg_get(&p->body, ZMQ_SRCFD);
  struct slice id = slice_of(zmq_msg_data(&p->id), zmq_msg_size(&p->id));
  const bool met = zpeers_heard(z->peers, fd, id, &key, zmq_msg_size(&p->body));
  if (!zauth_allows(z->auth, &key)) {
    z->counts.unknown_sender++;
    z->counts.cut += zpeers_cut(z->peers, &key);
    return;
  }
  if (p->n != 2 || zmq_msg_size(&p->body) > z->max_body) {
    z->counts.bad_parts++;
    log_event(LOG_ALARM, "malformed-message", log_hex("key", slice_of(key.b, sizeof key.b)),
              log_number("parts", p->n));
    z->counts.cut += zpeers_cut(z->peers, &key);
    return;
  }
  z->counts.received++;
  if (met && z->events->met)
    z->events->met(z->arg, &key, fd);
  z->events->message(z->arg, &key, slice_of(zmq_msg_data(&p->body), zmq_msg_size(&p->body)));
}

static void receive_on_client(struct zsock *z, struct parts *p)
{
  if (p->n != 1 || zmq_msg_size(&p->body) > z->max_body) {
    z->counts.bad_parts++;
    return;
  }
  z->counts.received++;
  z->events->message(z->arg, NULL, slice_of(zmq_msg_data(&p->body), zmq_msg_size(&p->body)));
}

static void may_write(struct zsock *z)
{
  if (!z->held)
    return;
  z->held = false;
  if (!z->auth)
    loop_zmq_set(z->watch, z->paused ? 0 : ZMQ_POLLIN);
  loop_timer_stop(z->retry);
  if (z->events->writable)
    z->events->writable(z->arg);
}

static void retry(void *arg)
{
  may_write(arg);
}

static void stirred(void *arg, short events)
{
  struct zsock *z = arg;
  struct parts p;
  zmq_msg_init(&p.id);
  zmq_msg_init(&p.body);
  for (int i = 0; (events & ZMQ_POLLIN) && i < MESSAGES_PER_CALL && !z->paused; i++) {
    if (!receive_parts(z->socket, &p, z->auth ? 2 : 1)) {
      if (z->auth)
        zpeers_silent(z->peers);
      break;
    }
    if (z->auth)
      receive_on_server(z, &p);
    else
      receive_on_client(z, &p);
  }
  zmq_msg_close(&p.id);
  zmq_msg_close(&p.body);
  if (z->auth || (events & ZMQ_POLLOUT))
    may_write(z);
}

/* --- what the monitor saw */

static void call(const struct zsock *z, void (*fn)(void *))
{
  if (fn && !z->auth)
    fn(z->arg);
}

static void connection_event(void *arg, enum zmonitor_event event)
{
  struct zsock *z = arg;
  switch (event) {
  case ZMONITOR_CONNECTED:
    z->counts.connections++;
    return;
  case ZMONITOR_HANDSHAKE_OK:
    z->counts.handshakes_ok++;
    z->up = true;
    call(z, z->events->up);
    return;
  case ZMONITOR_REFUSED:
    z->counts.refused_keys++;
    call(z, z->events->refused);
    return;
  case ZMONITOR_FAILED:
    z->counts.handshakes_failed++;
    call(z, z->events->failed);
    return;
  case ZMONITOR_DISCONNECTED:
    z->counts.disconnected++;
    if (z->up)
      call(z, z->events->down);
    z->up = false;
    return;
  }
}

enum tg_err zsock_watch(struct zsock *z, struct loop *l, const struct zsock_events *events, void *arg)
{
  z->events = events;
  z->arg = arg;
  z->watch = loop_zmq(l, z->socket, ZMQ_POLLIN, stirred, z);
  z->retry = loop_timer(l, retry, z);
  if (!z->watch || !z->retry)
    return TG_NO_MEMORY;
  return zmonitor_watch(z->monitor, l, connection_event, z);
}

void zsock_pause(struct zsock *z, bool paused)
{
  z->paused = paused;
  int want = (paused ? 0 : ZMQ_POLLIN) | (z->held && !z->auth ? ZMQ_POLLOUT : 0);
  loop_zmq_set(z->watch, (short)want);
}

/* --- sending */

static void hold(struct zsock *z)
{
  z->held = true;
  if (!z->watch)
    return;
  if (z->auth)
    loop_timer_in(z->retry, RETRY_MS);
  else
    loop_zmq_set(z->watch, (short)((z->paused ? 0 : ZMQ_POLLIN) | ZMQ_POLLOUT));
}

static enum tg_err send_part(struct zsock *z, struct slice part, int flags)
{
  int rc;
  loop_zmq_used(z->watch);
  do
    rc = zmq_send(z->socket, part.p, part.n, flags | ZMQ_DONTWAIT);
  while (rc < 0 && errno == EINTR);
  if (rc >= 0)
    return TG_OK;
  if (errno == EAGAIN) {
    hold(z);
    return TG_BUSY;
  }
  return errno == EHOSTUNREACH ? TG_UNREACHABLE : TG_INTERNAL;
}

/* The newest session first; one that libzmq no longer knows is forgotten and the next tried. */
static enum tg_err send_id(struct zsock *z, const struct seal_pk *to)
{
  struct slice id;
  while (zpeers_newest(z->peers, to, &id)) {
    enum tg_err err = send_part(z, id, ZMQ_SNDMORE);
    if (err != TG_UNREACHABLE)
      return err;
    zpeers_forget(z->peers, to);
  }
  return TG_UNREACHABLE;
}

enum tg_err zsock_send(struct zsock *z, const struct seal_pk *to, struct slice body)
{
  if (body.n > z->max_body)
    return TG_TOO_BIG;
  enum tg_err err = z->auth ? send_id(z, to) : TG_OK;
  /* ROUTER decided at the id: the body that follows is taken, or dropped with a peer that just went. */
  if (err == TG_OK)
    err = send_part(z, body, 0);
  if (err == TG_OK && z->auth)
    zpeers_gave(z->peers, body.n);
  z->counts.sent += err == TG_OK;
  return err;
}

/* --- admitting and cutting */

size_t zsock_cut(struct zsock *z, const struct seal_pk *key)
{
  size_t n = zpeers_cut(z->peers, key);
  z->counts.cut += n;
  return n;
}

size_t zsock_relieve(struct zsock *z, uint64_t most)
{
  size_t n = zpeers_relieve(z->peers, most);
  z->counts.cut += n;
  return n;
}

void zsock_spare(struct zsock *z, bool (*fn)(void *arg, int fd), void *arg)
{
  zpeers_spare(z->peers, fn, arg);
}

static bool is_allowed(void *arg, const struct seal_pk *key)
{
  return zauth_allows(arg, key);
}

enum tg_err zsock_allow(struct zsock *z, const struct seal_pk *keys, size_t n)
{
  enum tg_err err = zauth_allow(z->auth, keys, n);
  if (err == TG_OK)
    z->counts.cut += zpeers_cut_unless(z->peers, is_allowed, z->auth);
  return err;
}

struct zsock_counts zsock_counts(struct zsock *z)
{
  return z->counts;
}
