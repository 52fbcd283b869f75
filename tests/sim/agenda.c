#include "tests/sim/sim.h"

#include <stdlib.h>
#include <string.h>

static bool earlier(const struct event *a, const struct event *b)
{
  return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(struct event *a, struct event *b)
{
  struct event t = *a;
  *a = *b;
  *b = t;
}

void agenda_post(struct sim *s, int64_t delay, struct event what, struct slice bytes)
{
  struct agenda *a = &s->agenda;
  what.at = s->mono + (delay > 0 ? delay : 0);
  what.order = a->posted++;
  what.n = bytes.n;
  what.bytes = bytes.n ? malloc(bytes.n) : NULL;
  if (a->n == a->room) {
    a->room = a->room ? 2 * a->room : 256;
    a->v = realloc(a->v, a->room * sizeof *a->v);
  }
  if (!a->v || (bytes.n && !what.bytes))
    abort();
  if (bytes.n)
    memcpy(what.bytes, bytes.p, bytes.n);
  size_t at = a->n++;
  for (a->v[at] = what; at > 0 && earlier(&a->v[at], &a->v[(at - 1) / 2]); at = (at - 1) / 2)
    swap(&a->v[at], &a->v[(at - 1) / 2]);
}

bool agenda_next(struct sim *s, struct event *ret)
{
  struct agenda *a = &s->agenda;
  if (a->n == 0)
    return false;
  *ret = a->v[0];
  a->v[0] = a->v[--a->n];
  for (size_t at = 0;;) {
    size_t first = at, left = 2 * at + 1;
    for (size_t child = left; child < left + 2 && child < a->n; child++)
      if (earlier(&a->v[child], &a->v[first]))
        first = child;
    if (first == at)
      break;
    swap(&a->v[at], &a->v[first]);
    at = first;
  }
  s->mono = ret->at;
  return true;
}

void agenda_clear(struct sim *s)
{
  for (size_t i = 0; i < s->agenda.n; i++)
    free(s->agenda.v[i].bytes);
  free(s->agenda.v);
  s->agenda = (struct agenda){.n = 0};
}
