#include "os/random.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { KEY = crypto_stream_chacha20_KEYBYTES, READY = 480, DRAWN_MAX = 1 << 20 };

/* Of one thread. Invariants: ready[0..at) is zero; `key` is not the one that `ready` came from; nothing of it is used once
   `forks` or `tick` are not those of the moment. */
struct generator {
  uint8_t key[KEY];
  uint8_t ready[READY];
  size_t at;
  uint64_t drawn; /* since the kernel was asked */
  struct timespec tick;
  unsigned forks;
};

static _Thread_local struct generator own = {.at = READY, .drawn = DRAWN_MAX};
static atomic_uint forks;

static void forked(void) { atomic_fetch_add(&forks, 1); }

/* The kernel fails only where nothing can be sealed any more. */
static void ask_kernel(uint8_t *out, size_t n)
{
  size_t have = 0;
  while (have < n) {
    ssize_t some = getrandom(out + have, n - have, 0);
    if (some < 0 && errno == EINTR)
      continue;
    if (some <= 0)
      abort();
    have += (size_t)some;
  }
}

/* A new key unless this one is of this very moment. */
static void freshen(struct generator *g)
{
  struct timespec now = {0};
  unsigned n = atomic_load_explicit(&forks, memory_order_relaxed);
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  if (g->drawn < DRAWN_MAX && g->forks == n && g->tick.tv_sec == now.tv_sec && g->tick.tv_nsec == now.tv_nsec)
    return;
  ask_kernel(g->key, sizeof g->key);
  sodium_memzero(g->ready, sizeof g->ready);
  g->at = READY;
  g->drawn = 0;
  g->tick = now;
  g->forks = n;
}

/* The key makes its successor and the bytes that are given out next, and is gone. */
static void refill(struct generator *g)
{
  static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
  uint8_t stream[KEY + READY];
  crypto_stream_chacha20(stream, sizeof stream, nonce, g->key);
  memcpy(g->key, stream, KEY);
  memcpy(g->ready, stream + KEY, READY);
  sodium_memzero(stream, sizeof stream);
  g->at = 0;
}

static void fill(void *const out, const size_t n)
{
  struct generator *g = &own;
  uint8_t *to = out;
  freshen(g);
  for (size_t left = n; left;) {
    if (g->at == READY)
      refill(g);
    size_t some = left < READY - g->at ? left : READY - g->at;
    memcpy(to, g->ready + g->at, some);
    sodium_memzero(g->ready + g->at, some);
    g->at += some;
    to += some;
    left -= some;
  }
  g->drawn += n;
}

static uint32_t word(void)
{
  uint32_t v;
  fill(&v, sizeof v);
  return v;
}

static const char *name(void) { return "toguna"; }
static void stir(void) { own.drawn = DRAWN_MAX; }

static int close_it(void)
{
  sodium_memzero(&own, sizeof own);
  own.at = READY;
  own.drawn = DRAWN_MAX;
  return 0;
}

void random_use(void)
{
  static randombytes_implementation ours = {
      .implementation_name = name, .random = word, .stir = stir, .buf = fill, .close = close_it};
  if (pthread_atfork(NULL, NULL, forked) != 0)
    return; /* no memory: libsodium's own goes on */
  randombytes_set_implementation(&ours);
}
