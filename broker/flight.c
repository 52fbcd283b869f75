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

enum tg_err flight_add(struct session *s, uint64_t leaf, unsigned rank, uint64_t bytes, int64_t sent)
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
  s->flights[at] = (struct flight){.leaf = leaf, .rank = rank, .bytes = bytes, .sent = sent};
  s->flight_count++;
  s->flight_bytes += bytes;
  s->window.used += flight_weight(bytes);
  return TG_OK;
}

bool flight_done(struct session *s, uint64_t leaf, unsigned *ret_rank)
{
  size_t at = place(s, leaf);
  if (at == s->flight_count || s->flights[at].leaf != leaf || s->flights[at].done)
    return false;
  s->flights[at].done = true;
  s->flight_bytes -= s->flights[at].bytes;
  s->window.used -= flight_weight(s->flights[at].bytes);
  if (ret_rank)
    *ret_rank = s->flights[at].rank;
  return true;
}

/* ---- how much may be under way */

static uint64_t bounded(uint64_t n, uint64_t least, uint64_t most)
{
  return n < least ? least : n > most ? most : n;
}

static uint64_t size_of(const struct flight_window *w)
{
  return w->probe ? FLIGHT_PROBE : w->size ? w->size : FLIGHT_FIRST;
}

uint64_t flight_share(const struct session *s)
{
  const uint64_t quarter = size_of(&s->window) / 4;
  return quarter > FLIGHT_FRAME ? quarter : FLIGHT_FRAME;
}

bool flight_is_full(struct session *s, uint64_t bytes, int64_t now)
{
  struct flight_window *w = &s->window;
  if (w->known && !w->probe && now - w->least_at > FLIGHT_PROBE_MS + FLIGHT_PROBE_TRIPS * w->least)
    w->probe = now;
  if (!s->flight_count || w->used + flight_weight(bytes) <= size_of(w))
    return false;
  w->met = true;
  return true;
}

/* Once in a trip: to where a trip would take as long as it should. */
static void resize(struct flight_window *w, int64_t now, int64_t trip, bool idle)
{
  const uint64_t aim = (uint64_t)(w->least + w->least / 4 + FLIGHT_QUEUE_MS), took = trip > 0 ? (uint64_t)trip : 1;
  const uint64_t size = w->size ? w->size : FLIGHT_FIRST;
  uint64_t next = size;
  if (!idle && now - w->changed < trip)
    return;
  w->changed = now;
  w->busy |= !idle;
  if (idle)
    next = w->busy ? size + size / 2 : 2 * size;
  else if (took < aim ? w->met : !w->hold)
    next = bounded(size * aim / took, size / 2, 2 * size);
  w->size = bounded(next, FLIGHT_LEAST, FLIGHT_MOST);
  w->hold = idle ? FLIGHT_HOLD : w->hold ? w->hold - 1 : 0;
  w->met = false;
}

/* A lucky trip is not the rule: a shorter one counts for a part. */
static void learn_least(struct flight_window *w, int64_t trip, int64_t now, bool alone)
{
  if (w->known && !alone && trip > w->least)
    return;
  w->least = !w->known || alone ? trip : w->least - (w->least - trip + 7) / 8;
  w->known = true;
  w->least_at = now;
  w->probe = alone ? 0 : w->probe;
}

void flight_sweep(struct session *s, int64_t now)
{
  struct flight_window *w = &s->window;
  size_t kept = 0;
  int64_t sent = 0; /* of the newest that are done with */
  for (size_t i = 0; i < s->flight_count; i++)
    if (!s->flights[i].done)
      s->flights[kept++] = s->flights[i];
    else if (s->flights[i].sent > sent)
      sent = s->flights[i].sent;
  s->flight_count = kept;
  if (!sent)
    return;
  const bool probing = w->probe != 0;
  learn_least(w, now - sent, now, probing && sent > w->probe);
  if (!probing)
    resize(w, now, now - sent, !kept && w->met);
}
