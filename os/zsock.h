/* ZeroMQ sockets set up the one safe way: a CURVE ROUTER that hears only allowed keys (hub), and a CURVE
   DEALER that speaks only to the server it knows (node). A peer is its CURVE public key, never its routing
   id. One body part per message. One thread per socket. */
#ifndef TOGUNA_OS_ZSOCK_H
#define TOGUNA_OS_ZSOCK_H

#include "os/loop.h"
#include "os/zauth.h"

struct zsock;

struct zsock_server_options {
  const char *endpoint;           /* "tcp://[::]:7440", "tcp://127.0.0.1:*" */
  const uint8_t *secret_key;      /* 32 bytes, borrowed for the call */
  size_t max_body;                /* bytes of one message; a longer one cuts its sender */
  int queue;                      /* messages to a peer that may wait; 0: 64. From it: as many, 64 at most */
  int handshake_ms;               /* 0: 8 s */
};

/* Binds and proves, by connecting with a random key that must be refused, that the door is shut before
   anybody is heard: TG_INTERNAL when it is not (after at most 8 s). A sandbox must therefore let the server
   connect to its own port. Starts threads. TG_BUSY: the address is in use; TG_BAD_INPUT: no such
   address; TG_INTERNAL. */
enum tg_err zsock_server(struct zauth *auth, const struct zsock_server_options *o, struct zsock **ret,
                         struct tg_why *why);

struct zsock_client_options {
  const char *endpoint; /* "tcp://hub.example:7440", or "ipc://@name" of this process */
  const struct seal_pk *server_key;
  const struct seal_pk *public_key;
  const uint8_t *secret_key; /* 32 bytes, borrowed for the call */
  size_t max_body;
  int queue, handshake_ms;            /* as above */
  int reconnect_ms, reconnect_max_ms; /* 0: by zsock_retry_new() */
};

/* How a client tries again: first_ms after it lost the server, then twice as long each time up to most_ms, and a little by chance (less than
   first_ms) each time. Drawn anew for each socket, first_ms 400 to 800, most_ms 15 s to 30 s: hundreds of nodes that lost one hub at
   the same moment come back one after the other, and all within half a minute of its return. */
struct zsock_retry {
  int first_ms, most_ms;
};
struct zsock_retry zsock_retry_new(void);

/* Connects in the background and for ever; zsock_events tells how it goes. After `refused` libzmq does not
   try again: free the socket and make a new one when the key may have been admitted. TG_BAD_INPUT for an
   impossible endpoint. */
enum tg_err zsock_client(void *zmq_context, const struct zsock_client_options *o, struct zsock **ret,
                         struct tg_why *why);
void zsock_free(struct zsock **z); /* before zauth_free(); NULL is fine */
/* "tcp://127.0.0.1:40123": where a server really listens. */
const char *zsock_endpoint(const struct zsock *z);
/* Where this process reaches its own server: the same without a wildcard. */
void zsock_own_address(const struct zsock *z, char out[256]);

/* All may send, cut and pause; none may free the socket: ask for that with a loop_after. */
struct zsock_events {
  /* One message. from is NULL on a client. body is gone after return. */
  void (*message)(void *arg, const struct seal_pk *from, struct slice body);
  /* Client: connected and authenticated; connection lost; key refused by the server; the server did not prove
     to be the one expected, or spoke no CURVE. Server: never called. May be NULL. */
  void (*up)(void *arg);
  void (*down)(void *arg);
  void (*refused)(void *arg);
  void (*failed)(void *arg);
  /* Server: the first message of this key over a connection, before message(); fd is libzmq's, to be looked at. May be NULL. */
  void (*met)(void *arg, const struct seal_pk *from, int fd);
  /* Messages that could not be sent may be tried again. May be NULL. */
  void (*writable)(void *arg);
};
/* Joins the socket to a loop. events is kept, not copied. Once per socket. */
enum tg_err zsock_watch(struct zsock *z, struct loop *l, const struct zsock_events *events, void *arg);
/* While paused nothing is received: libzmq's queues fill, then TCP's. */
void zsock_pause(struct zsock *z, bool paused);

/* Sends without waiting. to: the peer's key on a server (its newest session), NULL on a client. TG_OK:
   queued, no more than that. TG_BUSY: that peer's queue is full, nothing was taken. TG_UNREACHABLE: no
   session. TG_TOO_BIG. */
enum tg_err zsock_send(struct zsock *z, const struct seal_pk *to, struct slice body);

/* Server: exactly these keys may connect; sessions of all others are cut. TG_NO_MEMORY: nothing changed. */
enum tg_err zsock_allow(struct zsock *z, const struct seal_pk *keys, size_t n);
/* Server: closes every TCP connection this key was heard on; returns how many. The peer may come back if it
   is still allowed. A session that never said anything has no key here yet; nothing it says passes unless its
   key is allowed then. */
size_t zsock_cut(struct zsock *z, const struct seal_pk *key);

/* Server: closes the connections that hold most of our memory until the others hold no more than `most` bytes together; returns how many. All of the process's
   TCP connections are looked at, also those that did not prove a key. Looks at each descriptor: for emergencies. */
size_t zsock_relieve(struct zsock *z, uint64_t most);
/* Those of which fn says that they are none of libzmq's are left alone. */
void zsock_spare(struct zsock *z, bool (*fn)(void *arg, int fd), void *arg);

/* What strangers did; for metrics. */
struct zsock_counts {
  uint64_t received, sent;
  uint64_t connections, handshakes_ok, handshakes_failed, refused_keys, disconnected;
  uint64_t bad_parts;      /* messages of a wrong number of parts; their sender was cut */
  uint64_t unknown_sender; /* messages without a proven, still allowed key; dropped */
  uint64_t cut;
};
struct zsock_counts zsock_counts(struct zsock *z);

#endif
