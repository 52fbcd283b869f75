#include "broker/flight.h"

#include <stdlib.h>
#include <string.h>

/* Where the leaf is, or would be. */
static size_t place(const struct session *s, uint64_t leaf)
{
  size_t low = 0, high = s->flight_count;
  if (high && s->flights[high - 1].leaf < leaf)
    return high; /* the ordinary case: the newest */
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (s->flights[middle].leaf < leaf)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

bool flight_has(const struct session *s, uint64_t leaf)
{
  size_t at = place(s, leaf);
  return at < s->flight_count && s->flights[at].leaf == leaf;
}

enum tg_err flight_add(struct session *s, uint64_t leaf, unsigned rank, uint64_t bytes)
{
  size_t at = place(s, leaf);
  if (s->flight_count == s->flight_cap) {
    size_t cap = s->flight_cap ? 2 * s->flight_cap : 32;
    struct flight *list = realloc(s->flights, cap * sizeof *list);
    if (!list)
      return TG_NO_MEMORY;
    s->flights = list;
    s->flight_cap = cap;
  }
  memmove(s->flights + at + 1, s->flights + at, (s->flight_count - at) * sizeof *s->flights);
  s->flights[at] = (struct flight){.leaf = leaf, .rank = rank, .bytes = bytes};
  s->flight_count++;
  s->flight_bytes += bytes;
  return TG_OK;
}

bool flight_done(struct session *s, uint64_t leaf, unsigned *ret_rank)
{
  size_t at = place(s, leaf);
  if (at == s->flight_count || s->flights[at].leaf != leaf || s->flights[at].done)
    return false;
  s->flights[at].done = true;
  s->flight_bytes -= s->flights[at].bytes;
  if (ret_rank)
    *ret_rank = s->flights[at].rank;
  return true;
}

void flight_sweep(struct session *s)
{
  size_t kept = 0;
  for (size_t i = 0; i < s->flight_count; i++)
    if (!s->flights[i].done)
      s->flights[kept++] = s->flights[i];
  s->flight_count = kept;
}
