#include "client/cli/safe.h"

#include <stdio.h>

/* How many bytes a character has that begins with this one; 0: none begins so. */
static size_t length_of(uint8_t first)
{
  return first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

static void print_bytes(struct safe *s)
{
  for (size_t i = 0; i < s->n; i++)
    printf("\\x%02x", s->held[i]);
}

static void print_held(struct safe *s)
{
  struct slice held = {s->held, s->n};
  if (!utf8_valid(held))
    print_bytes(s);
  else if (text_valid(held, "\n\t"))
    fwrite(s->held, 1, s->n, stdout);
  else if (s->n == 1)
    printf("\\x%02x", s->held[0]);
  else if (s->n == 2)
    printf("\\u{%x}", (unsigned)(s->held[0] & 31) << 6 | (s->held[1] & 63));
  else
    printf("\\u{%x}",
           (unsigned)(s->held[0] & 15) << 12 | (unsigned)(s->held[1] & 63) << 6 | (s->held[2] & 63));
  s->last = s->held[s->n - 1];
  s->n = 0;
}

/* What is held cannot become a character any more. */
static void give_up(struct safe *s)
{
  print_bytes(s);
  s->last = 0;
  s->n = 0;
}

static void put_byte(struct safe *s, uint8_t c)
{
  bool goes_on = (c & 0xc0) == 0x80;
  if (s->n == 1 && s->held[0] == '\r') { /* a line of another system's text */
    s->n = 0;
    if (c != '\n')
      fputs("\\x0d", stdout);
  }
  if (s->n && !goes_on)
    give_up(s);
  s->held[s->n++] = c;
  size_t want = length_of(s->held[0]);
  if (want == 0)
    give_up(s);
  else if (s->n == want && c != '\r')
    print_held(s);
}

void safe_put(struct safe *s, struct slice piece)
{
  for (size_t i = 0; i < piece.n; i++)
    put_byte(s, piece.p[i]);
}

int safe_piece(void *safe, const void *data, size_t n)
{
  safe_put(safe, slice_of(data, n));
  return 0;
}

void safe_end(struct safe *s)
{
  if (s->n)
    give_up(s);
  if (s->last != '\n')
    putchar('\n');
  *s = (struct safe){0};
}
