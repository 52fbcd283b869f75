/* Whom a server socket has heard, by the descriptor of their TCP connection. Private to zsock.c.
   libzmq tells with each message which descriptor it came from; the kernel's cookie of the socket (never
   reused) makes sure that a later cut strikes that connection and no other that got its number since. */
#ifndef TOGUNA_OS_ZPEERS_H
#define TOGUNA_OS_ZPEERS_H

#include "proto/base.h"

struct zpeers;

struct zpeers *zpeers_new(void); /* NULL without memory */
void zpeers_free(struct zpeers **p);

/* A message of `bytes` with this routing id, of this proven key, came over fd (-1: not known; then it is not
   remembered). Is it the first of that key over this connection? */
bool zpeers_heard(struct zpeers *p, int fd, struct slice id, const struct seal_pk *key, size_t bytes);
/* There was nothing more to be heard, of anybody. */
void zpeers_silent(struct zpeers *p);
/* So many bytes were handed over for the connection that zpeers_newest() named last. */
void zpeers_gave(struct zpeers *p, size_t bytes);
/* The routing id the key was heard under last; points into p until the next call that changes it. */
bool zpeers_newest(struct zpeers *p, const struct seal_pk *key, struct slice *ret_id);
/* That newest one is gone. */
void zpeers_forget(struct zpeers *p, const struct seal_pk *key);
/* Shuts down every connection of the key, or of all keys but those that `keep` says yes to. Returns how
   many. */
size_t zpeers_cut(struct zpeers *p, const struct seal_pk *key);
size_t zpeers_cut_unless(struct zpeers *p, bool (*keep)(void *arg, const struct seal_pk *key), void *arg);
/* Shuts down the connections that have most in this process's memory - read from the network and not yet heard, handed over and not yet sent, by what the
   kernel counts of each - until all others together have no more than `most` bytes. Those that never said anything are among them. Returns how many. */
size_t zpeers_relieve(struct zpeers *p, uint64_t most);
/* Connections of this process that are none of libzmq's: they are not weighed. */
void zpeers_spare(struct zpeers *p, bool (*fn)(void *arg, int fd), void *arg);

#endif
