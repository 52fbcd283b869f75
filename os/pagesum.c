#include "os/pagesum.h"

#include <sodium.h>
#include <string.h>

enum { BODY = PAGESUM_PAGE - PAGESUM_BYTES, RESERVED = 20 }; /* where SQLite's header has the number of reserved bytes */
_Static_assert((int)PAGESUM_BYTES == (int)crypto_shorthash_BYTES, "one SipHash");
_Static_assert(crypto_shorthash_KEYBYTES == 16, "a name of 8 bytes, and the number");

static void sum(const uint8_t page[PAGESUM_PAGE], uint64_t number, uint8_t out[PAGESUM_BYTES])
{
  uint8_t key[crypto_shorthash_KEYBYTES] = "tg/page";
  for (unsigned i = 0; i < 8; i++)
    key[8 + i] = (uint8_t)(number >> (8 * i));
  crypto_shorthash(out, page, BODY, key);
}

void pagesum_put(uint8_t page[PAGESUM_PAGE], uint64_t number)
{
  sum(page, number, page + BODY);
}

bool pagesum_holds(const uint8_t page[PAGESUM_PAGE], uint64_t number)
{
  uint8_t is[PAGESUM_BYTES];
  sum(page, number, is);
  return memcmp(is, page + BODY, sizeof is) == 0;
}

bool pagesum_has_room(const uint8_t page[PAGESUM_PAGE])
{
  return page[RESERVED] == PAGESUM_BYTES;
}

bool pagesum_is_without(const uint8_t page[PAGESUM_PAGE])
{
  uint8_t as_if[PAGESUM_PAGE];
  if (page[RESERVED] != 0)
    return false;
  memcpy(as_if, page, sizeof as_if);
  as_if[RESERVED] = PAGESUM_BYTES;
  return !pagesum_holds(as_if, 1);
}
