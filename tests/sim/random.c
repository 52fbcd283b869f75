#include "tests/sim/random.h"

#include <sodium.h>
#include <string.h>

static struct random *driving; /* libsodium's hook takes no context; one simulation runs per process */

struct random random_new(uint64_t seed) { return (struct random){.state = seed}; }

/* SplitMix64 (Steele, Lea, Flood 2014): passes BigCrush, and any seed will do. */
uint64_t random_next(struct random *r)
{
  uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

uint64_t random_below(struct random *r, uint64_t n) { return random_next(r) % n; }
bool random_chance(struct random *r, unsigned percent) { return random_below(r, 100) < percent; }

static const char *name(void) { return "toguna-simulation"; }
static uint32_t word(void) { return (uint32_t)random_next(driving); }

static void fill(void *const out, const size_t n)
{
  uint8_t *p = out;
  for (size_t i = 0; i < n; i += 8) {
    uint64_t v = random_next(driving);
    memcpy(p + i, &v, n - i < 8 ? n - i : 8);
  }
}

void random_drives_libsodium(struct random *r)
{
  static randombytes_implementation seeded = {.implementation_name = name, .random = word, .buf = fill};
  driving = r;
  randombytes_set_implementation(&seeded);
}
