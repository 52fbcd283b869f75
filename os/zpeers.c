#include "os/zpeers.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ID_MAX 255   /* ZMTP */
#define FD_BLOCK 4096
#define FD_MAX 65536 /* far above any limit on descriptors we run under */
#define DISCARD (64u << 20) /* at once: more than a connection's queue holds */
#define SEAL 33      /* bytes that CURVE puts around a message: "\7MESSAGE", nonce, tag, flags */

struct peer {
  uint64_t heard;  /* when, counted in messages; 0: nobody */
  uint64_t cookie; /* 0: the connection was gone before we looked */
  uint64_t taken, given; /* bytes on the wire of what came from it to us, and of what we handed over for it; signs of life among them, once they are known for such */
  uint64_t mark, marked; /* bytes that had been read of it, and when (in messages); 0: not yet */
  struct seal_pk key;
  uint8_t id_n, id[ID_MAX];
};

/* Invariant: peer[fd] is the last that was heard over that descriptor; so there are never more than
   descriptors. */
struct zpeers {
  struct peer *peer;
  size_t n;
  size_t named; /* by zpeers_newest() last */
  uint64_t clock;
  uint64_t empty; /* when nothing more was there to be heard */
  bool (*spare)(void *arg, int fd); /* NULL: none */
  void *spare_arg;
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

/* Exactly: a byte too many with each of a million messages would hide a megabyte of what is held, or make one up. */
static uint64_t on_wire(size_t body)
{
  const size_t sealed = body + SEAL;
  return sealed + (sealed > UINT8_MAX ? 9 : 2); /* ZMTP's flags and length */
}

/* Bytes that came over this connection and do not lie in the kernel any more. False when fd is no TCP connection, or listens, or was shut by us: what was thrown away then
   would seem to have been read. */
static bool bytes_read(int fd, uint64_t *ret_read, uint64_t *ret_acked)
{
  enum { ESTABLISHED = 1, CLOSE_WAIT = 8 }; /* <linux/tcp.h> has no names for them */
  struct tcp_info info;
  socklen_t n = sizeof info;
  int unread = 0;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0 || n < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received ||
      (info.tcpi_state != ESTABLISHED && info.tcpi_state != CLOSE_WAIT) || ioctl(fd, FIONREAD, &unread) != 0)
    return false;
  const uint64_t came = info.tcpi_bytes_received, lies = (uint64_t)unread;
  *ret_read = came > lies ? came - lies : 0;
  *ret_acked = info.tcpi_bytes_acked;
  return true;
}

/* Signs of life come between messages, and libzmq keeps them to itself: they would seem to be held, 240 KB of them a day. But what comes behind a message that had not
   come yet when there was nothing to be heard is no longer in anybody's memory: all that had been read before it is behind us. What of that was no message was a
   sign of life, or the handshake, and we answered with no more than it. */
static void settle(struct zpeers *p, struct peer *peer, int fd)
{
  uint64_t acked;
  if (peer->marked && peer->marked >= p->empty)
    return; /* there has been something to be heard ever since */
  if (peer->marked && peer->mark > peer->taken) {
    peer->given += peer->mark - peer->taken;
    peer->taken = peer->mark;
  }
  peer->marked = bytes_read(fd, &peer->mark, &acked) ? p->clock : 0;
}

bool zpeers_heard(struct zpeers *p, int fd, struct slice id, const struct seal_pk *key, size_t bytes)
{
  if (fd < 0 || fd >= FD_MAX || id.n > ID_MAX || ((size_t)fd >= p->n && !grow(p, (size_t)fd + 1)))
    return false;
  struct peer *peer = &p->peer[fd];
  const uint64_t cookie = cookie_of(fd); /* a peer may choose its id, and have it again in its next connection */
  bool same = peer->heard && peer->cookie == cookie && peer->id_n == id.n && !memcmp(peer->id, id.p, id.n) && seal_pk_eq(&peer->key, key);
  if (!same) {
    *peer = (struct peer){.cookie = cookie, .key = *key, .id_n = (uint8_t)id.n};
    memcpy(peer->id, id.p, id.n);
  }
  peer->heard = ++p->clock;
  peer->taken += on_wire(bytes);
  settle(p, peer, fd);
  return !same;
}

void zpeers_spare(struct zpeers *p, bool (*fn)(void *arg, int fd), void *arg)
{
  p->spare = fn;
  p->spare_arg = arg;
}

void zpeers_silent(struct zpeers *p)
{
  p->empty = ++p->clock;
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

bool zpeers_newest(struct zpeers *p, const struct seal_pk *key, struct slice *ret_id)
{
  const struct peer *peer = newest(p, key);
  if (!peer)
    return false;
  p->named = (size_t)(peer - p->peer);
  *ret_id = slice_of(peer->id, peer->id_n);
  return true;
}

void zpeers_gave(struct zpeers *p, size_t bytes)
{
  if (p->named < p->n)
    p->peer[p->named].given += on_wire(bytes);
}

void zpeers_forget(struct zpeers *p, const struct seal_pk *key)
{
  struct peer *peer = newest(p, key);
  if (peer)
    peer->heard = 0;
}

/* On a descriptor of our own: libzmq's thread may close the other meanwhile and accept an honest peer under its number. What the kernel still has of it that thread would
   read all the same, and keep as long as it gets to reading the end: of some hundred connections at once that is far more than was to be saved. */
static bool shut(int fd, uint64_t cookie)
{
  const int own = cookie ? dup(fd) : -1;
  if (own < 0) /* no descriptor is left: a number that is used anew within microseconds is an honest peer that reconnects */
    return cookie && cookie_of(fd) == cookie && shutdown(fd, SHUT_RDWR) == 0;
  const bool it = cookie_of(own) == cookie && shutdown(own, SHUT_RDWR) == 0;
  while (it && recv(own, NULL, DISCARD, MSG_TRUNC | MSG_DONTWAIT) > 0)
    ;
  close(own);
  return it;
}

static bool cut(struct zpeers *p, size_t fd)
{
  struct peer *peer = &p->peer[fd];
  peer->heard = 0;
  return shut((int)fd, peer->cookie);
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

/* ---- what connections hold */

struct held {
  int fd;
  uint64_t cookie, bytes;
};

/* Bytes of this connection in our memory, and of its handshake and newest signs of life; false when fd is no TCP connection. What was read of it, less what came to us; and
   what we handed over, less what went out. */
static bool weigh(const struct zpeers *p, int fd, struct held *ret)
{
  uint64_t came, went;
  if (p->spare && p->spare(p->spare_arg, fd))
    return false;
  if (!bytes_read(fd, &came, &went))
    return false;
  *ret = (struct held){.fd = fd, .cookie = cookie_of(fd)};
  const struct peer *peer = (size_t)fd < p->n && p->peer[fd].cookie == ret->cookie ? &p->peer[fd] : NULL;
  const uint64_t taken = peer ? peer->taken : 0;
  ret->bytes = came > taken ? came - taken : 0;
  ret->bytes += peer && peer->given > went ? peer->given - went : 0;
  return ret->cookie != 0;
}

static int heavier(const void *a, const void *b)
{
  const uint64_t x = ((const struct held *)a)->bytes, y = ((const struct held *)b)->bytes;
  return (x < y) - (x > y);
}

/* Appends to held what the connections among the descriptors from..to - 1 hold. One question says which of them are open: a limit on descriptors is far above what is
   used, and asked one by one they would take so long that more comes meanwhile than is let go. */
static size_t weigh_block(const struct zpeers *p, int from, int to, struct held **held, size_t n)
{
  struct pollfd open[FD_BLOCK];
  size_t more = 0;
  for (int fd = from; fd < to; fd++)
    open[fd - from] = (struct pollfd){.fd = fd};
  const nfds_t asked = (nfds_t)(to - from);
  const bool known = poll(open, asked, 0) >= 0;
  for (nfds_t i = 0; i < asked; i++)
    more += !known || !(open[i].revents & POLLNVAL);
  struct held *larger = more ? reallocarray(*held, n + more, sizeof **held) : NULL;
  if (!larger)
    return n;
  *held = larger;
  for (nfds_t i = 0; i < asked; i++)
    if (!known || !(open[i].revents & POLLNVAL))
      n += weigh(p, open[i].fd, &larger[n]);
  return n;
}

size_t zpeers_relieve(struct zpeers *p, uint64_t most)
{
  struct rlimit limit = {.rlim_cur = FD_MAX};
  (void)getrlimit(RLIMIT_NOFILE, &limit);
  const int end = limit.rlim_cur < FD_MAX ? (int)limit.rlim_cur : FD_MAX;
  struct held *held = NULL;
  size_t n = 0, cut_n = 0;
  uint64_t sum = 0;
  for (int fd = 3; fd < end; fd += FD_BLOCK)
    n = weigh_block(p, fd, fd + FD_BLOCK < end ? fd + FD_BLOCK : end, &held, n);
  for (size_t i = 0; i < n; i++)
    sum += held[i].bytes;
  if (n)
    qsort(held, n, sizeof *held, heavier);
  for (size_t i = 0; i < n && sum > most && held[i].bytes > 0; i++) {
    sum -= held[i].bytes;
    cut_n += shut(held[i].fd, held[i].cookie);
  }
  free(held);
  return cut_n;
}
