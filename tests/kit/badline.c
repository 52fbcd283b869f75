#include "tests/kit/badline.h"

#include "proto/frame.h"
#include "proto/session.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What two ends of libzmq 4.3 say before the first message: greeting, HELLO and INITIATE one way, greeting, WELCOME and READY the other, in seven
   steps of which each waits for the one before; and how long a client with a line-rate rests before it tries again, on average. As badlink.py counts on real sockets. */
enum { MEET_UP = 567, MEET_DOWN = 301, MEET_STEPS = 7, REST_MS = 300 };
enum { SEAL = 33, SHORT = 2, LONG = 9 };

struct badline_frame {
  int64_t begins, leaves, arrives; /* microseconds */
  uint8_t *bytes;
  size_t n, framing;
};

static size_t framing_of(size_t n) { return SEAL + (n + SEAL > 255 ? LONG : SHORT); }

static struct badline_count *count_of(struct badline_way *way, const struct badline_frame *f)
{
  return &way->kind[f->n > 1 ? f->bytes[1] % BADLINE_KINDS : 0];
}

void badline_send(struct badline *l, struct badline_way *way, int64_t now, struct slice frame)
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
  f->framing = framing_of(frame.n);
  f->begins = way->free > now * 1000 ? way->free : now * 1000;
  f->leaves = f->begins + (int64_t)((f->n + f->framing) * 1000000 / l->rate);
  f->arrives = f->leaves + l->delay * 1000;
  way->free = f->leaves;
}

/* A piece of a body, as Chunk has it. */
static uint64_t sealed_of(const struct badline_frame *f)
{
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  struct arena *arena = arena_new(1 << 17);
  uint64_t n = 0;
  if (arena && f->n > 1 && f->bytes[1] == FRAME_CHUNK &&
      frame_decode(slice_of(f->bytes, f->n), FRAME_TO_NODE, arena, &kind, &message, NULL) == TG_OK)
    n = ((const Tg__Chunk *)message)->sealed.len;
  arena_free(arena);
  return n;
}

static void shift(struct badline_way *way)
{
  free(way->queue[0].bytes);
  memmove(way->queue, way->queue + 1, --way->n * sizeof *way->queue);
}

bool badline_arrived(struct badline_way *way, int64_t now, struct slice *ret)
{
  while (way->n && !way->queue[0].framing) /* given out the last time */
    shift(way);
  if (!way->n || way->queue[0].arrives > now * 1000)
    return false;
  struct badline_frame *f = &way->queue[0];
  struct badline_count *c = count_of(way, f);
  c->frames++;
  c->bytes += f->n;
  c->framing += f->framing;
  c->sealed += sealed_of(f);
  f->framing = 0;
  *ret = slice_of(f->bytes, f->n);
  return true;
}

static void lose(struct badline_way *way, uint64_t rate, int64_t now)
{
  for (; way->n; shift(way)) {
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
  lose(&l->up, l->rate, now);
  lose(&l->down, l->rate, now);
  l->cuts++;
  l->up.handshake += MEET_UP;
  l->down.handshake += MEET_DOWN;
  l->up_at = now + REST_MS + MEET_STEPS * l->delay + (int64_t)((MEET_UP + MEET_DOWN) * 1000 / l->rate);
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
  if (l->up_at > now)
    at = earlier(at, l->up_at);
  return l->cut_every ? earlier(at, l->cut_at) : at;
}

static uint64_t way_carried(const struct badline_way *way)
{
  uint64_t n = way->handshake;
  for (size_t i = 0; i < BADLINE_KINDS; i++)
    n += way->kind[i].bytes + way->kind[i].framing + way->kind[i].lost;
  return n;
}

uint64_t badline_carried(const struct badline *l) { return way_carried(&l->up) + way_carried(&l->down); }

static void way_print(const char *name, const struct badline_way *way)
{
  printf("%s: %llu bytes, %llu of them to meet\n", name, (unsigned long long)way_carried(way), (unsigned long long)way->handshake);
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
      shift(way);
    free(way->queue);
    way->queue = NULL;
    way->cap = 0;
  }
}
