#include "tests/kit/badline_inside.h"

#include "proto/frame.h"
#include "proto/session.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What two ends of libzmq 4.3 say before the first message: greeting, HELLO and INITIATE one way, greeting, WELCOME and READY the other, in seven
   steps of which each waits for the one before; and how long a client with a line-rate rests before it tries again, on average. As badlink.py counts on real sockets. */
enum { MEET_STEPS = 7, REST_MS = 300 };

static size_t framing_of(size_t n) { return SEAL + (n + SEAL > 255 ? LONG : SHORT); }

static struct badline_count *count_of(struct badline_way *way, const struct badline_frame *f)
{
  return &way->kind[f->n > 1 ? f->bytes[1] % BADLINE_KINDS : 0];
}

void badline_put(struct badline *l, struct badline_way *way, int64_t now, struct slice frame, size_t framing)
{
  if (way->n == way->cap) {
    way->cap = way->cap ? 2 * way->cap : 16;
    way->queue = realloc(way->queue, way->cap * sizeof *way->queue);
  }
  struct badline_frame *f = way->queue ? &way->queue[way->n++] : NULL;
  if (!f || !(f->bytes = malloc(frame.n ? frame.n : 1)))
    abort();
  memcpy(f->bytes, frame.p, frame.n);
  f->n = frame.n;
  f->framing = framing;
  f->begins = way->free > now * 1000 ? way->free : now * 1000;
  f->leaves = f->begins + (int64_t)((f->n + f->framing) * 1000000 / l->rate);
  f->arrives = f->leaves + l->delay * 1000;
  way->free = f->leaves;
}

void badline_send(struct badline *l, struct badline_way *way, int64_t now, struct slice frame)
{
  if (l->resumed)
    badline_resumed_send(l, way, now, frame);
  else
    badline_put(l, way, now, frame, framing_of(frame.n));
}

/* A piece of a body, as Chunk has it. */
static uint64_t sealed_of(struct slice f)
{
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  struct arena *arena = arena_new(1 << 17);
  uint64_t n = 0;
  if (arena && f.n > 1 && f.p[1] == FRAME_CHUNK && frame_decode(f, FRAME_TO_NODE, arena, &kind, &message, NULL) == TG_OK)
    n = ((const Tg__Chunk *)message)->sealed.len;
  arena_free(arena);
  return n;
}

void badline_shift(struct badline_way *way)
{
  free(way->queue[0].bytes);
  memmove(way->queue, way->queue + 1, --way->n * sizeof *way->queue);
}

void badline_count(struct badline_way *way, struct slice frame)
{
  struct badline_count *c = &way->kind[frame.n > 1 ? frame.p[1] % BADLINE_KINDS : 0];
  c->frames++;
  c->bytes += frame.n;
  c->framing += framing_of(frame.n);
  c->sealed += sealed_of(frame);
}

bool badline_arrived(struct badline *l, struct badline_way *way, int64_t now, struct slice *ret)
{
  if (l->resumed)
    return badline_resumed_arrived(l, way, now, ret);
  while (way->n && !way->queue[0].framing) /* given out the last time */
    badline_shift(way);
  if (!way->n || way->queue[0].arrives > now * 1000)
    return false;
  struct badline_frame *f = &way->queue[0];
  f->framing = 0;
  *ret = slice_of(f->bytes, f->n);
  badline_count(way, *ret);
  return true;
}

static void lose(struct badline_way *way, uint64_t rate, int64_t now)
{
  for (; way->n; badline_shift(way)) {
    const struct badline_frame *f = &way->queue[0];
    if (!f->framing || f->begins >= now * 1000)
      continue;
    const uint64_t gone = (uint64_t)(now * 1000 - f->begins) * rate / 1000000, whole = f->n + f->framing;
    count_of(way, f)->lost += gone < whole ? gone : whole;
  }
  way->free = 0;
}

void badline_cut(struct badline *l, int64_t now)
{
  l->cuts++;
  if (l->resumed) {
    badline_resumed_cut(l, now);
  } else {
    lose(&l->up, l->rate, now);
    lose(&l->down, l->rate, now);
    l->up.handshake += MEET_UP;
    l->down.handshake += MEET_DOWN;
    l->up_at = now + REST_MS + MEET_STEPS * l->delay + (int64_t)((MEET_UP + MEET_DOWN) * 1000 / l->rate);
  }
  l->chance += 0x9e3779b9; /* by the golden section: evenly spread over all lengths, however few cuts there are */
  if (l->cut_every)
    l->cut_at = now + l->cut_every / 2 + (int64_t)((uint64_t)l->chance * (uint64_t)l->cut_every >> 32);
}

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t next_arrival(const struct badline_way *way)
{
  const size_t first = way->n && !way->queue[0].framing;
  return first < way->n ? (way->queue[first].arrives + 999) / 1000 : INT64_MAX;
}

int64_t badline_next(const struct badline *l, int64_t now)
{
  int64_t at = earlier(next_arrival(&l->up), next_arrival(&l->down));
  if (l->resumed)
    at = earlier(at, badline_resumed_next(l));
  if (l->up_at > now)
    at = earlier(at, l->up_at);
  return l->cut_every ? earlier(at, l->cut_at) : at;
}

static uint64_t way_carried(const struct badline_way *way)
{
  uint64_t n = way->handshake;
  if (way->left)
    return way->left;
  for (size_t i = 0; i < BADLINE_KINDS; i++)
    n += way->kind[i].bytes + way->kind[i].framing + way->kind[i].lost;
  return n;
}

uint64_t badline_carried(const struct badline *l) { return way_carried(&l->up) + way_carried(&l->down); }

static void way_print(const char *name, const struct badline_way *way)
{
  printf("%s: %llu bytes, %llu of them to meet (on a resumed line that is not counted apart)\n", name, (unsigned long long)way_carried(way), (unsigned long long)way->handshake);
  for (size_t i = 0; i < BADLINE_KINDS; i++) {
    const struct badline_count *c = &way->kind[i];
    const struct frame_kind *kind = frame_kind((uint8_t)i);
    if (c->frames || c->lost)
      printf("  %-16s %6llu frames %8llu bytes (%llu of bodies) %7llu framing %6llu lost\n", kind ? kind->name : "?", (unsigned long long)c->frames,
             (unsigned long long)c->bytes, (unsigned long long)c->sealed, (unsigned long long)c->framing, (unsigned long long)c->lost);
  }
}

void badline_print(const struct badline *l)
{
  way_print("to the hub", &l->up);
  way_print("from the hub", &l->down);
}

void badline_free(struct badline *l)
{
  for (struct badline_way *way = &l->up; way; way = way == &l->up ? &l->down : NULL) {
    while (way->n)
      badline_shift(way);
    free(way->queue);
    way->queue = NULL;
    way->cap = 0;
  }
  badline_resumed_free(&l->resumed);
}
