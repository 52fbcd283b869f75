#include "os/zauth.h"

#include "os/log.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define HANDLER_ADDRESS "inproc://zeromq.zap.01" /* fixed by RFC 27 */
#define MAX_SOCKETS 64

/* Invariant: `keys` is sorted by memcmp; it and `knock` are only touched under the mutex. */
struct zauth {
  void *context, *handler;
  pthread_t thread;
  pthread_mutex_t mutex;
  struct seal_pk *keys;
  size_t n;
  struct seal_pk knock; /* of the self-test; zeros: none yet */
  uint64_t allowed, refused;
};

/* The frames of a request, RFC 27 "Request"; REP has taken the delimiter away. */
enum { VERSION, REQUEST, DOMAIN, ADDRESS, IDENTITY, MECHANISM, CREDENTIALS, FRAMES };

static int compare(const void *a, const void *b)
{
  return memcmp(a, b, sizeof(struct seal_pk));
}

bool zauth_allows(struct zauth *a, const struct seal_pk *key)
{
  pthread_mutex_lock(&a->mutex);
  bool found = a->n > 0 && bsearch(key, a->keys, a->n, sizeof *a->keys, compare) != NULL;
  pthread_mutex_unlock(&a->mutex);
  return found;
}

enum tg_err zauth_allow(struct zauth *a, const struct seal_pk *keys, size_t n)
{
  struct seal_pk *copy = n ? calloc(n, sizeof *copy) : NULL;
  if (n && !copy)
    return TG_NO_MEMORY;
  if (n) {
    memcpy(copy, keys, n * sizeof *copy);
    qsort(copy, n, sizeof *copy, compare);
  }
  pthread_mutex_lock(&a->mutex);
  struct seal_pk *old = a->keys;
  a->keys = copy;
  a->n = n;
  pthread_mutex_unlock(&a->mutex);
  free(old);
  return TG_OK;
}

void zauth_knocks(struct zauth *a, const struct seal_pk *key)
{
  pthread_mutex_lock(&a->mutex);
  a->knock = *key;
  pthread_mutex_unlock(&a->mutex);
}

static bool is_knock(struct zauth *a, const struct seal_pk *key)
{
  pthread_mutex_lock(&a->mutex);
  bool is = compare(&a->knock, key) == 0;
  pthread_mutex_unlock(&a->mutex);
  return is;
}

void zauth_counts(struct zauth *a, uint64_t *ret_allowed, uint64_t *ret_refused)
{
  pthread_mutex_lock(&a->mutex);
  *ret_allowed = a->allowed;
  *ret_refused = a->refused;
  pthread_mutex_unlock(&a->mutex);
}

static struct slice bytes_of(zmq_msg_t *m)
{
  return slice_of(zmq_msg_data(m), zmq_msg_size(m));
}

/* Reads one whole request, keeping its first FRAMES frames. False when the context ends. *ret_n: how many
   came. */
static bool receive(void *handler, zmq_msg_t frames[FRAMES], size_t *ret_n)
{
  size_t n = 0;
  for (bool more = true; more; n++) {
    zmq_msg_t spare;
    zmq_msg_t *to = n < FRAMES ? &frames[n] : &spare;
    if (to == &spare)
      zmq_msg_init(&spare);
    int rc;
    do
      rc = zmq_msg_recv(to, handler, 0);
    while (rc < 0 && errno == EINTR);
    more = rc >= 0 && zmq_msg_more(to);
    if (to == &spare)
      zmq_msg_close(&spare);
    if (rc < 0)
      return false;
  }
  *ret_n = n;
  return true;
}

static bool decide(struct zauth *a, zmq_msg_t frames[FRAMES], size_t n, char user[65])
{
  struct seal_pk key;
  if (n != FRAMES || !slice_is(bytes_of(&frames[VERSION]), "1.0") ||
      !slice_is(bytes_of(&frames[DOMAIN]), ZAUTH_DOMAIN) ||
      !slice_is(bytes_of(&frames[MECHANISM]), "CURVE") || zmq_msg_size(&frames[CREDENTIALS]) != sizeof key)
    return false;
  memcpy(key.b, zmq_msg_data(&frames[CREDENTIALS]), sizeof key.b);
  bool allowed = zauth_allows(a, &key);
  if (allowed)
    sodium_bin2hex(user, 65, key.b, sizeof key.b);
  else if (!is_knock(a, &key))
    log_event(LOG_NOTICE, "peer-refused", log_hex("key", slice_of(key.b, sizeof key.b)),
              log_slice("address", bytes_of(&frames[ADDRESS])));
  return allowed;
}

static void answer(struct zauth *a, struct slice request, bool allowed, const char *user)
{
  const struct slice parts[] = {slice_str("1.0"),
                                request,
                                slice_str(allowed ? "200" : "400"),
                                slice_str(allowed ? "OK" : "refused"),
                                slice_str(user),
                                slice_of("", 0)}; /* no metadata */
  size_t n = sizeof parts / sizeof *parts;
  for (size_t i = 0; i < n; i++)
    if (zmq_send(a->handler, parts[i].p, parts[i].n, i + 1 < n ? ZMQ_SNDMORE : 0) < 0)
      return; /* the context ends; an unanswered handshake is refused */
}

static void *handle(void *arg)
{
  struct zauth *a = arg;
  zmq_msg_t frames[FRAMES];
  for (size_t i = 0; i < FRAMES; i++)
    zmq_msg_init(&frames[i]);
  size_t n;
  while (receive(a->handler, frames, &n)) {
    char user[65] = "";
    bool allowed = decide(a, frames, n, user);
    pthread_mutex_lock(&a->mutex);
    a->allowed += allowed;
    a->refused += !allowed;
    pthread_mutex_unlock(&a->mutex);
    answer(a, n > REQUEST ? bytes_of(&frames[REQUEST]) : slice_of("", 0), allowed, user);
  }
  for (size_t i = 0; i < FRAMES; i++)
    zmq_msg_close(&frames[i]);
  zmq_close(a->handler);
  return NULL;
}

static enum tg_err cannot(struct tg_why *why)
{
  return why_set(why, TG_INTERNAL, NULL, N_("ZeroMQ cannot be used: %1$s"), NULL, zmq_strerror(errno), NULL,
                 NULL);
}

enum tg_err zauth_new(struct zauth **ret, struct tg_why *why)
{
  struct zauth *a = calloc(1, sizeof *a);
  if (!a)
    return why_set(why, TG_NO_MEMORY, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  pthread_mutex_init(&a->mutex, NULL);
  a->context = zmq_ctx_new();
  int linger = 0;
  if (a->context && zmq_ctx_set(a->context, ZMQ_MAX_SOCKETS, MAX_SOCKETS) == 0)
    a->handler = zmq_socket(a->context, ZMQ_REP);
  if (!a->handler || zmq_setsockopt(a->handler, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
      zmq_bind(a->handler, HANDLER_ADDRESS) != 0)
    goto out;
  /* zmq_bind and pthread_create are full fences: the socket may move to its thread here. */
  int rc = pthread_create(&a->thread, NULL, handle, a);
  if (rc != 0) {
    errno = rc;
    goto out;
  }
  *ret = a;
  return TG_OK;
out:
  (void)cannot(why);
  if (a->handler)
    zmq_close(a->handler);
  if (a->context)
    zmq_ctx_term(a->context);
  pthread_mutex_destroy(&a->mutex);
  free(a);
  return TG_INTERNAL;
}

void zauth_free(struct zauth **taken)
{
  struct zauth *a = taken ? *taken : NULL;
  if (!a)
    return;
  *taken = NULL;
  zmq_ctx_shutdown(a->context); /* the handler's thread closes its socket and ends */
  pthread_join(a->thread, NULL);
  while (zmq_ctx_term(a->context) != 0 && errno == EINTR)
    ;
  pthread_mutex_destroy(&a->mutex);
  free(a->keys);
  free(a);
}

void *zauth_context(struct zauth *a)
{
  return a->context;
}
