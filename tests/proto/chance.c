#include "tests/proto/chance.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static struct {
  uint8_t key[32];
  uint64_t counter;
  uint8_t fed[256];
  size_t from, to;
} chance;

static const char *name(void) { return "toguna-test"; }

static void fill(void *const out, const size_t n)
{
  uint8_t nonce[8];
  uint8_t *p = out;
  size_t fed = chance.to - chance.from < n ? chance.to - chance.from : n;
  memcpy(p, chance.fed + chance.from, fed);
  chance.from += fed;
  if (fed == n)
    return;
  memcpy(nonce, &chance.counter, sizeof nonce);
  chance.counter++;
  crypto_stream_chacha20(p + fed, n - fed, nonce, chance.key);
}

static uint32_t word(void)
{
  uint32_t v;
  fill(&v, sizeof v);
  return v;
}

void chance_seed(uint64_t seed)
{
  static randombytes_implementation seeded = {.implementation_name = name, .random = word, .buf = fill};
  memset(&chance, 0, sizeof chance);
  memcpy(chance.key, &seed, sizeof seed);
  randombytes_set_implementation(&seeded);
}

void chance_feed(const void *p, size_t n)
{
  if (n > sizeof chance.fed)
    abort();
  memcpy(chance.fed, p, n);
  chance.from = 0;
  chance.to = n;
}

uint64_t chance_below(uint64_t n)
{
  uint64_t v;
  fill(&v, sizeof v);
  return v % n;
}

void chance_fill(void *p, size_t n) { fill(p, n); }

struct slice unhex(const char *s, uint8_t *out, size_t max)
{
  size_t n;
  const char *end;
  if (sodium_hex2bin(out, max, s, strlen(s), NULL, &n, &end) || *end)
    abort();
  return slice_of(out, n);
}
