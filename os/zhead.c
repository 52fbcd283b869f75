#include "os/zhead.h"

#include <string.h>

enum { LONG = 2, SHORT_MOST = 255 };
static const char MESSAGE[8] = "\7MESSAGE";

static uint64_t number_at(const uint8_t *p)
{
  uint64_t v = 0;
  for (size_t i = 0; i < 8; i++)
    v = v << 8 | p[i];
  return v;
}

static void put_number(uint8_t *p, uint64_t v)
{
  for (size_t i = 0; i < 8; i++)
    p[i] = (uint8_t)(v >> 8 * (7 - i));
}

static size_t framing_of(uint8_t flags) { return flags & LONG ? 9 : 2; }

/* The size of the body, from a head that holds as much as tells it. */
static uint64_t size_of(const uint8_t *head) { return head[0] & LONG ? number_at(head + 1) : head[1]; }

/* One more byte of the head: is it whole? */
static void take_head(struct zhead *z, uint8_t byte)
{
  z->head[z->n++] = byte;
  const size_t framing = framing_of(z->head[0]);
  if (z->n < framing)
    return;
  const uint64_t size = size_of(z->head), begins = size < ZHEAD_BODY ? size : ZHEAD_BODY;
  if (z->n < framing + begins)
    return;
  if (begins == ZHEAD_BODY && memcmp(z->head + framing, MESSAGE, sizeof MESSAGE) == 0)
    z->number = number_at(z->head + framing + sizeof MESSAGE);
  z->left = size - begins;
  z->n = 0;
  memset(z->head, 0, sizeof z->head);
}

static size_t least(uint64_t a, size_t b) { return a < b ? (size_t)a : b; }

void zhead_pass(struct zhead *z, struct slice bytes)
{
  while (bytes.n) {
    size_t n = 1;
    if (z->greeting < ZHEAD_GREETING)
      z->greeting += (uint32_t)(n = least(ZHEAD_GREETING - z->greeting, bytes.n));
    else if (z->left)
      z->left -= n = least(z->left, bytes.n);
    else
      take_head(z, bytes.p[0]);
    bytes = slice_of(bytes.p + n, bytes.n - n);
  }
}

static bool is_between(const struct zhead *z) { return z->greeting == ZHEAD_GREETING && !z->n && !z->left; }

size_t zhead_until_next(const struct zhead *z, struct slice p)
{
  if (z->greeting < ZHEAD_GREETING)
    return least(ZHEAD_GREETING - z->greeting, p.n);
  if (z->left)
    return least(z->left, p.n);
  uint8_t head[9];
  const size_t had = z->n < sizeof head ? z->n : sizeof head, more = least(sizeof head - had, p.n);
  memcpy(head, z->head, had);
  memcpy(head + had, p.p, more);
  const size_t framing = had + more ? framing_of(head[0]) : 2;
  if (had + more < framing)
    return p.n;
  const uint64_t size = size_of(head);
  return size > UINT32_MAX ? p.n : least(framing + size - z->n, p.n);
}

size_t zhead_foretell(const struct zhead *z, uint64_t size, uint8_t out[ZHEAD_MAX])
{
  if (!is_between(z) || !z->number || z->number == UINT64_MAX || size < ZHEAD_LEAST)
    return 0;
  const bool is_long = size > SHORT_MOST;
  out[0] = is_long ? LONG : 0;
  if (is_long)
    put_number(out + 1, size);
  else
    out[1] = (uint8_t)size;
  const size_t framing = framing_of(out[0]);
  memcpy(out + framing, MESSAGE, sizeof MESSAGE);
  put_number(out + framing + sizeof MESSAGE, z->number + 1);
  return framing + ZHEAD_BODY;
}

uint64_t zhead_foretold(const struct zhead *z, struct slice p)
{
  uint8_t head[ZHEAD_MAX];
  if (p.n < 2 || p.n < framing_of(p.p[0]))
    return 0;
  const size_t framing = framing_of(p.p[0]);
  const uint64_t size = size_of(p.p);
  const size_t n = zhead_foretell(z, size, head);
  return n && size <= p.n - framing && memcmp(head, p.p, n) == 0 ? size : 0;
}
