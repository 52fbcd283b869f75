#include "policy/problem.h"
#include "policy/lex.h"
#include "policy/problem_list.h"

#include <stdlib.h>
#include <string.h>

void problems_free(struct problems *p)
{
  free(p->list);
  *p = (struct problems){0};
}

/* Where the problem belongs: by line, then column; found later comes after. */
static size_t place_of(const struct problems *list, const struct problem *p)
{
  size_t i = list->n;
  while (i > 0 && (list->list[i - 1].line > p->line ||
                   (list->list[i - 1].line == p->line && list->list[i - 1].column > p->column)))
    i--;
  return i;
}

void problems_add(struct problems *list, const struct problem *p)
{
  list->total++;
  list->errors = list->errors || !p->warning;
  if (!list->list)
    list->list = calloc(PROBLEMS_MAX, sizeof *list->list);
  size_t i = place_of(list, p);
  if (!list->list || i == PROBLEMS_MAX)
    return;
  list->n -= list->n == PROBLEMS_MAX; /* the last one gives way */
  memmove(list->list + i + 1, list->list + i, (list->n - i) * sizeof *list->list);
  list->list[i] = *p;
  list->n++;
}

size_t characters(struct slice s)
{
  size_t n = 0;
  for (size_t i = 0; i < s.n; i++)
    n += (s.p[i] & 0xc0) != 0x80;
  return n;
}

static struct slice line_of(struct slice text, uint32_t number)
{
  struct slice line = slice_of(NULL, 0);
  for (uint32_t i = 0; i < number; i++)
    if (!take_line(&text, &line)) {
      line = i + 1 == number ? text : slice_of(NULL, 0);
      break;
    }
  return line;
}

/* One character of a line as a terminal can show it; returns its bytes. */
static size_t show_character(struct slice rest, struct buf *out)
{
  size_t n = 1;
  while (n < rest.n && n < 4 && (rest.p[n] & 0xc0) == 0x80)
    n++;
  if (text_valid(slice_of(rest.p, n), NULL) && !lex_unseen(rest.p, n))
    buf_put(out, rest.p, n);
  else
    buf_put_u8(out, '?');
  return n;
}

void problem_show(const struct problem *p, struct slice text, const char *(*translate)(const char *),
                  struct buf *out)
{
  enum { BEFORE = 60, SHOWN = 110 }; /* characters of a long line: those around the place */
  char sentence[1024];
  struct slice line = line_of(text, p->line);
  why_render(&p->why, translate, sentence, sizeof sentence);
  buf_printf(out, "%s\n", sentence);
  if (!line.n)
    return;
  uint32_t first = p->column > BEFORE + 20 ? p->column - BEFORE : 1, column = 1;
  buf_put_str(out, first > 1 ? "  ..." : "  ");
  for (size_t i = 0; i < line.n && column < first + SHOWN; column++) {
    struct slice rest = slice_of(line.p + i, line.n - i);
    struct buf hidden = buf_new(4);
    i += show_character(rest, column < first ? &hidden : out);
    buf_free(&hidden);
  }
  buf_printf(out, "\n%*s", (int)(p->column - first) + (first > 1 ? 5 : 2), "");
  for (uint32_t i = 0; i < (p->width ? p->width : 1) && i < SHOWN; i++)
    buf_put_u8(out, '^');
  buf_put_u8(out, '\n');
}
