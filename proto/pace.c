#include "proto/pace.h"

struct pace pace_of(uint64_t rate)
{
  return (struct pace){.rate = rate && rate < PACE_LEAST ? PACE_LEAST : rate};
}

bool pace_is_free(const struct pace *p, int64_t mono)
{
  return !p->held && (!p->rate || p->free <= mono * 1000);
}

int64_t pace_due(const struct pace *p)
{
  if (p->held)
    return INT64_MAX;
  return p->rate ? p->free / 1000 + (p->free % 1000 > 0) : 0;
}

void pace_spend(struct pace *p, int64_t mono, size_t bytes)
{
  if (!p->rate)
    return;
  if (p->free < mono * 1000)
    p->free = mono * 1000;
  p->free += (int64_t)(((uint64_t)bytes + PACE_FRAME) * 1000000 / p->rate);
}

/* What it carries in so many ms. */
static size_t in_time(const struct pace *p, uint64_t ms, size_t most)
{
  if (!p->rate || p->rate / 1000 >= most) /* also keeps the product below from overflowing */
    return most;
  uint64_t piece = p->rate * ms / 1000;
  if (piece < PACE_PIECE_LEAST)
    piece = PACE_PIECE_LEAST;
  return piece < most ? (size_t)piece : most;
}

size_t pace_piece(const struct pace *p, size_t most) { return in_time(p, PACE_PIECE_MS, most); }

size_t pace_inline(const struct pace *p, bool flash, size_t most)
{
  const size_t piece = in_time(p, PACE_INLINE_MS, most);
  return !flash ? piece : piece < most / PACE_FLASH ? piece * PACE_FLASH : most;
}
