#include "os/zpeers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ID_MAX 255   /* ZMTP */
#define FD_MAX 65536 /* far above any limit on descriptors we run under */

struct peer {
  uint64_t heard;  /* when, counted in messages; 0: nobody */
  uint64_t cookie; /* 0: the connection was gone before we looked */
  struct seal_pk key;
  uint8_t id_n, id[ID_MAX];
};

/* Invariant: peer[fd] is the last that was heard over that descriptor; so there are never more than
   descriptors. */
struct zpeers {
  struct peer *peer;
  size_t n;
  uint64_t clock;
};

struct zpeers *zpeers_new(void)
{
  return calloc(1, sizeof(struct zpeers));
}

void zpeers_free(struct zpeers **p)
{
  if (!p || !*p)
    return;
  free((*p)->peer);
  free(*p);
  *p = NULL;
}

static uint64_t cookie_of(int fd)
{
  uint64_t cookie = 0;
  socklen_t n = sizeof cookie;
  return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &n) == 0 ? cookie : 0;
}

static bool grow(struct zpeers *p, size_t n)
{
  size_t to = p->n ? p->n : 64;
  while (to < n)
    to *= 2;
  struct peer *grown = realloc(p->peer, to * sizeof *grown);
  if (!grown)
    return false;
  memset(grown + p->n, 0, (to - p->n) * sizeof *grown);
  p->peer = grown;
  p->n = to;
  return true;
}

void zpeers_heard(struct zpeers *p, int fd, struct slice id, const struct seal_pk *key)
{
  if (fd < 0 || fd >= FD_MAX || id.n > ID_MAX || ((size_t)fd >= p->n && !grow(p, (size_t)fd + 1)))
    return;
  struct peer *peer = &p->peer[fd];
  bool same =
      peer->heard && peer->id_n == id.n && !memcmp(peer->id, id.p, id.n) && seal_pk_eq(&peer->key, key);
  if (!same) {
    peer->cookie = cookie_of(fd);
    peer->key = *key;
    peer->id_n = (uint8_t)id.n;
    memcpy(peer->id, id.p, id.n);
  }
  peer->heard = ++p->clock;
}

static struct peer *newest(const struct zpeers *p, const struct seal_pk *key)
{
  struct peer *best = NULL;
  for (size_t i = 0; i < p->n; i++) {
    struct peer *peer = &p->peer[i];
    if (peer->heard && (!best || peer->heard > best->heard) && seal_pk_eq(&peer->key, key))
      best = peer;
  }
  return best;
}

bool zpeers_newest(const struct zpeers *p, const struct seal_pk *key, struct slice *ret_id)
{
  const struct peer *peer = newest(p, key);
  if (peer)
    *ret_id = slice_of(peer->id, peer->id_n);
  return peer != NULL;
}

void zpeers_forget(struct zpeers *p, const struct seal_pk *key)
{
  struct peer *peer = newest(p, key);
  if (peer)
    peer->heard = 0;
}

/* Between the look and the blow libzmq's thread could close the descriptor and accept another under its
   number: a window of microseconds, whose victim is an honest peer that reconnects. */
static bool cut(struct zpeers *p, size_t fd)
{
  struct peer *peer = &p->peer[fd];
  peer->heard = 0;
  return peer->cookie != 0 && cookie_of((int)fd) == peer->cookie && shutdown((int)fd, SHUT_RDWR) == 0;
}

size_t zpeers_cut(struct zpeers *p, const struct seal_pk *key)
{
  size_t n = 0;
  for (size_t fd = 0; fd < p->n; fd++)
    if (p->peer[fd].heard && seal_pk_eq(&p->peer[fd].key, key))
      n += cut(p, fd);
  return n;
}

size_t zpeers_cut_unless(struct zpeers *p, bool (*keep)(void *arg, const struct seal_pk *key), void *arg)
{
  size_t n = 0;
  for (size_t fd = 0; fd < p->n; fd++)
    if (p->peer[fd].heard && !keep(arg, &p->peer[fd].key))
      n += cut(p, fd);
  return n;
}
