/* Who may connect over ZeroMQ: the ZAP handler (ZeroMQ RFC 27) and the ZeroMQ context it guards.
   libzmq lets everybody in when no handler answers; so zsock_server() demands a zauth and tests it.
   The handler is a thread with a set in memory: handshakes never wait for the loop. */
#ifndef TOGUNA_OS_ZAUTH_H
#define TOGUNA_OS_ZAUTH_H

#include "proto/base.h"

#define ZAUTH_DOMAIN "toguna"

struct zauth;

/* Makes a ZeroMQ context and starts its handler, which allows nobody yet. Starts threads: enter the sandbox
   first. TG_INTERNAL, TG_NO_MEMORY. */
enum tg_err zauth_new(struct zauth **ret, struct tg_why *why);
/* All sockets of the context must be closed before. NULL is fine. */
void zauth_free(struct zauth **a);
void *zauth_context(struct zauth *a);

/* Exactly these CURVE keys may connect from now on; replaces the set at once. Live sessions are not touched:
   zsock_allow() also cuts those. TG_NO_MEMORY: the old set stands. */
enum tg_err zauth_allow(struct zauth *a, const struct seal_pk *keys, size_t n);
/* The key that a self-test of our own knocks with: it is refused like any other, and nobody is told. */
void zauth_knocks(struct zauth *a, const struct seal_pk *key);
bool zauth_allows(struct zauth *a, const struct seal_pk *key);
/* Handshakes answered so far. */
void zauth_counts(struct zauth *a, uint64_t *ret_allowed, uint64_t *ret_refused);

#endif
