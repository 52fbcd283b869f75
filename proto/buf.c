#include "proto/buf.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct buf buf_new(size_t max) { return (struct buf){.max = max}; }

void buf_free(struct buf *b)
{
  if (b->p)
    sodium_memzero(b->p, b->cap);
  free(b->p);
  *b = buf_new(b->max);
}

void buf_clear(struct buf *b)
{
  b->n = 0;
  b->failed = TG_OK;
}

uint8_t *buf_grow(struct buf *b, size_t n)
{
  if (!b->failed && n > b->max - b->n)
    b->failed = TG_TOO_BIG;
  if (b->failed)
    return NULL;
  if (n > b->cap - b->n) {
    size_t cap = b->cap < 64 ? 64 : b->cap;
    while (cap < b->n + n)
      cap = cap > b->max / 2 ? b->max : cap * 2;
    /* Not realloc: what it leaves behind would not be wiped. */
    uint8_t *p = malloc(cap);
    if (!p) {
      b->failed = TG_NO_MEMORY;
      return NULL;
    }
    if (b->p) {
      memcpy(p, b->p, b->n);
      sodium_memzero(b->p, b->cap);
      free(b->p);
    }
    b->p = p;
    b->cap = cap;
  }
  b->n += n;
  return b->p ? b->p + b->n - n : NULL; /* NULL: no bytes of an empty buffer, which is no failure */
}

void buf_put(struct buf *b, const void *p, size_t n)
{
  uint8_t *to = n ? buf_grow(b, n) : NULL;
  if (to)
    memcpy(to, p, n);
}

void buf_put_slice(struct buf *b, struct slice s) { buf_put(b, s.p, s.n); }
void buf_put_str(struct buf *b, const char *s) { buf_put(b, s, strlen(s)); }
void buf_put_u8(struct buf *b, uint8_t v) { buf_put(b, &v, 1); }

static void put_be(struct buf *b, uint64_t v, unsigned n)
{
  uint8_t be[8];
  for (unsigned i = 0; i < n; i++)
    be[i] = (uint8_t)(v >> 8 * (n - 1 - i));
  buf_put(b, be, n);
}

void buf_put_u16(struct buf *b, uint16_t v) { put_be(b, v, 2); }
void buf_put_u32(struct buf *b, uint32_t v) { put_be(b, v, 4); }
void buf_put_u64(struct buf *b, uint64_t v) { put_be(b, v, 8); }

void buf_printf(struct buf *b, const char *format, ...)
{
  va_list ap;
  char *text = NULL;
  va_start(ap, format);
  int n = vasprintf(&text, format, ap);
  va_end(ap);
  if (n < 0)
    b->failed = TG_NO_MEMORY;
  else
    buf_put(b, text, (size_t)n);
  if (n >= 0)
    free(text);
}

struct slice buf_slice(const struct buf *b) { return slice_of(b->p, b->n); }

enum tg_err buf_status(const struct buf *b)
{
  return b->failed;
}

bool take(struct slice *s, size_t n, struct slice *ret)
{
  if (n > s->n)
    return false;
  *ret = slice_of(s->p, n);
  s->p = n ? s->p + n : s->p;
  s->n -= n;
  return true;
}

static bool take_be(struct slice *s, size_t n, uint64_t *ret)
{
  struct slice be;
  uint64_t v = 0;
  if (!take(s, n, &be))
    return false;
  for (size_t i = 0; i < n; i++)
    v = v << 8 | be.p[i];
  *ret = v;
  return true;
}

bool take_u8(struct slice *s, uint8_t *ret)
{
  uint64_t v;
  return take_be(s, 1, &v) && (*ret = (uint8_t)v, true);
}

bool take_u16(struct slice *s, uint16_t *ret)
{
  uint64_t v;
  return take_be(s, 2, &v) && (*ret = (uint16_t)v, true);
}

bool take_u32(struct slice *s, uint32_t *ret)
{
  uint64_t v;
  return take_be(s, 4, &v) && (*ret = (uint32_t)v, true);
}

bool take_u64(struct slice *s, uint64_t *ret) { return take_be(s, 8, ret); }

bool take_line(struct slice *s, struct slice *ret)
{
  const uint8_t *end = s->n ? memchr(s->p, '\n', s->n) : NULL;
  if (!end)
    return false;
  *ret = slice_of(s->p, (size_t)(end - s->p));
  s->n -= ret->n + 1;
  s->p = end + 1;
  return true;
}
