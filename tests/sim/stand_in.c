/* What stands before libsodium's functions in a simulation: two thirds of its time went into arithmetic on curves, and much of the rest into
   the kernel, for pages with guards. Curves and guards are tried elsewhere, with the vectors of their standards; here it matters who signs
   what for whom, and when. A signature is a hash under the public key, so whoever holds other bytes or another key sees it fail; a shared
   secret is a hash of both public keys, so both sides find the same one. Neither keeps out an adversary who computes: the simulator has none.
   `main.c` asks for the real ones with --curves. */
#include "tests/sim/stand_in.h"

#include "tests/sim/scarce.h"

#include <dlfcn.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static bool curves;

void stand_in_curves(void)
{
  curves = true;
}

/* The function of libsodium behind the one of that name here. */
static void find(void *function, const char *name)
{
  void *symbol = dlsym(RTLD_NEXT, name);
  if (!symbol)
    abort();
  memcpy(function, &symbol, sizeof symbol);
}

/* ---- signatures */

static void sign(unsigned char *out, const unsigned char *message, unsigned long long n, const unsigned char *key)
{
  crypto_generichash(out, crypto_sign_BYTES, message, n, key, crypto_sign_PUBLICKEYBYTES);
}

int crypto_sign_detached(unsigned char *signature, unsigned long long *ret_n, const unsigned char *message, unsigned long long n,
                         const unsigned char *secret)
{
  static int (*real)(unsigned char *, unsigned long long *, const unsigned char *, unsigned long long, const unsigned char *);
  if (!real)
    find(&real, "crypto_sign_detached");
  if (curves)
    return real(signature, ret_n, message, n, secret);
  if (ret_n)
    *ret_n = crypto_sign_BYTES;
  sign(signature, message, n, secret + crypto_sign_SEEDBYTES);
  return 0;
}

int crypto_sign_verify_detached(const unsigned char *signature, const unsigned char *message, unsigned long long n, const unsigned char *key)
{
  static int (*real)(const unsigned char *, const unsigned char *, unsigned long long, const unsigned char *);
  unsigned char expected[crypto_sign_BYTES];
  if (!real)
    find(&real, "crypto_sign_verify_detached");
  if (curves)
    return real(signature, message, n, key);
  sign(expected, message, n, key);
  return memcmp(expected, signature, sizeof expected) == 0 ? 0 : -1;
}

/* ---- shared secrets */

/* A point from two inputs. The same few keys are looked at again and again, by each site, so what came out is kept. */
static void blend(unsigned char *out, const unsigned char *first, size_t n, const unsigned char *second)
{
  enum { POINT = crypto_scalarmult_BYTES, KEPT = 4096 };
  static struct {
    unsigned char in[2 * POINT], out[POINT];
    bool known;
  } kept[KEPT];
  unsigned char in[2 * POINT] = {0};
  uint32_t at;
  memcpy(in, first, n);
  memcpy(in + POINT, second, POINT);
  memcpy(&at, second, sizeof at);
  at = (at ^ first[0]) % KEPT;
  if (!kept[at].known || memcmp(kept[at].in, in, sizeof in) != 0) {
    crypto_generichash(kept[at].out, POINT, first, n, second, POINT);
    memcpy(kept[at].in, in, sizeof in);
    kept[at].known = true;
  }
  memcpy(out, kept[at].out, POINT);
}

int crypto_scalarmult_base(unsigned char *out, const unsigned char *scalar)
{
  static int (*real)(unsigned char *, const unsigned char *);
  if (!real)
    find(&real, "crypto_scalarmult_base");
  if (curves)
    return real(out, scalar);
  blend(out, (const unsigned char *)"base", 4, scalar);
  return 0;
}

int crypto_scalarmult(unsigned char *out, const unsigned char *scalar, const unsigned char *point)
{
  static int (*real)(unsigned char *, const unsigned char *, const unsigned char *);
  unsigned char own[crypto_scalarmult_BYTES];
  if (!real)
    find(&real, "crypto_scalarmult");
  if (curves)
    return real(out, scalar, point);
  crypto_scalarmult_base(own, scalar);
  const bool first = memcmp(own, point, sizeof own) < 0;
  blend(out, first ? own : point, sizeof own, first ? point : own);
  return 0;
}

/* ---- memory; as libsodium has it, nobody finds zeros in it */

void *sodium_malloc(const size_t n)
{
  void *p = scarce_never(n ? n : 1); /* the rooms keep some of it from one seed to the next */
  if (p)
    memset(p, 0xdb, n);
  return p;
}

void *sodium_allocarray(size_t count, size_t size)
{
  return size > 0 && count >= SIZE_MAX / size ? NULL : sodium_malloc(count * size);
}

void sodium_free(void *p)
{
  free(p);
}

int sodium_mprotect_readonly(void *p)
{
  (void)p;
  return 0;
}
