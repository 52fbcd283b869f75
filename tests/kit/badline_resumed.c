/* A bad line that the real os/resume carries, at both ends; between them libzmq's bytes as they would be. */
#include "tests/kit/badline_inside.h"

#include "os/resume.h"

#include <stdlib.h>
#include <string.h>

enum {
  PACKET = 512,        /* bytes that arrive whole or not at all */
  RETRY_MS = 200,      /* client/node/shell/relay.c */
  CONFIRM_MS = 5000,   /* os/carry.c */
  CONNECT_STEPS = 2,   /* of TCP: the client may speak a round trip after it began */
  MESSAGE = 8,
};

struct badline_end {
  struct resume *r;
  struct buf says, heard; /* libzmq's bytes: not taken yet, not a whole message yet */
  size_t given;           /* of heard, the last time */
  size_t skip;            /* of what comes: libzmq's meeting */
  uint64_t number;        /* of its next message */
  int64_t owes;           /* since when something is unconfirmed; 0: nothing is */
  bool busy;
};

/* Invariant: the client's end has connected exactly while called; the server's has accepted exactly while accepted. */
struct badline_resumed {
  struct badline_end near, far; /* node, hub */
  struct buf opening;
  bool called, accepted;
};

static void need(bool ok)
{
  if (!ok)
    abort();
}

static struct badline_end *speaker(struct badline *l, const struct badline_way *way) { return way == &l->up ? &l->resumed->near : &l->resumed->far; }
static struct badline_end *hearer(struct badline *l, const struct badline_way *way) { return way == &l->up ? &l->resumed->far : &l->resumed->near; }

static void drop(struct buf *b, size_t n)
{
  if (n)
    memmove(b->p, b->p + n, b->n - n);
  b->n -= n;
}

static void put_head(struct buf *b, uint8_t flags, size_t size)
{
  buf_put_u8(b, flags | (size > 255 ? 2 : 0));
  if (size > 255)
    buf_put_u64(b, size);
  else
    buf_put_u8(b, (uint8_t)size);
}

/* Greeting, and the rest as one command. */
static void put_meeting(struct buf *b, size_t n)
{
  static const uint8_t zero[MEET_UP];
  const size_t command = n - 64 - (n - 64 > 257 ? LONG : SHORT);
  buf_put(b, zero, 64);
  put_head(b, 4, command);
  buf_put(b, zero, command);
}

/* ---- one moment of it */

static void speak(struct badline *l, struct badline_way *way, int64_t now)
{
  struct badline_end *e = speaker(l, way);
  const size_t room = resume_room(e->r), n = e->says.n < room ? e->says.n : room;
  need(resume_put(e->r, slice_of(e->says.p, n)) == TG_OK);
  drop(&e->says, n);
  if (way == &l->up ? !l->resumed->called : !l->resumed->accepted)
    return;
  for (struct slice out; (out = resume_out(e->r)).n; resume_wrote(e->r, out.n)) {
    out.n = out.n < PACKET ? out.n : PACKET;
    badline_put(l, way, now, out, 0);
  }
}

static void hear(struct badline_end *e, int64_t now)
{
  struct slice in = resume_in(e->r);
  buf_put_slice(&e->heard, in);
  resume_gave(e->r, in.n);
  e->owes = !resume_owes(e->r) ? 0 : e->owes ? e->owes : now;
  if (e->owes && now >= e->owes + CONFIRM_MS)
    resume_confirm(e->r);
  const size_t skipped = e->skip < e->heard.n ? e->skip : e->heard.n;
  drop(&e->heard, skipped);
  e->skip -= skipped;
}

/* Bytes from the client: the opening first. */
static void serve(struct badline *l, struct slice bytes)
{
  struct badline_resumed *r = l->resumed;
  struct resume_opening o;
  struct slice part;
  if (!r->accepted) {
    const size_t lacks = RESUME_OPENING - r->opening.n;
    need(take(&bytes, lacks < bytes.n ? lacks : bytes.n, &part));
    buf_put_slice(&r->opening, part);
    if (r->opening.n < RESUME_OPENING)
      return;
    need(resume_opening_read(buf_slice(&r->opening), &o) == TG_OK && resume_accept(r->far.r, &o) == TG_OK);
    r->accepted = true;
  }
  need(resume_take(r->far.r, bytes) == TG_OK);
}

static void arrive(struct badline *l, struct badline_way *way, int64_t now)
{
  for (; way->n && way->queue[0].arrives <= now * 1000; badline_shift(way)) {
    const struct slice bytes = slice_of(way->queue[0].bytes, way->queue[0].n);
    way->left += bytes.n;
    if (way == &l->up)
      serve(l, bytes);
    else
      need(resume_take(l->resumed->near.r, bytes) == TG_OK);
    hear(hearer(l, way), now);
  }
}

static void call(struct badline *l)
{
  uint8_t token[RESUME_TOKEN] = {1};
  resume_connect(l->resumed->near.r, token);
  buf_clear(&l->resumed->opening);
  l->resumed->called = true;
}

static void step(struct badline *l, int64_t now)
{
  if (!l->resumed->called && l->up_at <= now)
    call(l);
  arrive(l, &l->up, now);
  arrive(l, &l->down, now);
  hear(&l->resumed->near, now);
  hear(&l->resumed->far, now);
  speak(l, &l->up, now);
  speak(l, &l->down, now);
}

/* ---- as badline.c does it */

void badline_resumed_send(struct badline *l, struct badline_way *way, int64_t now, struct slice frame)
{
  struct badline_end *e = speaker(l, way);
  static const uint8_t seal[SEAL - 2 * MESSAGE];
  put_head(&e->says, 0, frame.n + SEAL);
  buf_put_str(&e->says, "\7MESSAGE");
  buf_put_u64(&e->says, ++e->number);
  buf_put(&e->says, seal, sizeof seal);
  buf_put_slice(&e->says, frame);
  need(buf_status(&e->says) == TG_OK);
  step(l, now);
}

bool badline_resumed_arrived(struct badline *l, struct badline_way *way, int64_t now, struct slice *ret)
{
  struct badline_end *e = hearer(l, way);
  uint8_t flags, length;
  uint64_t size;
  step(l, now);
  drop(&e->heard, e->given);
  e->given = 0;
  struct slice rest = buf_slice(&e->heard);
  if (!take_u8(&rest, &flags) || !(flags & 2 ? take_u64(&rest, &size) : take_u8(&rest, &length)))
    return false;
  size = flags & 2 ? size : length;
  if (size > rest.n)
    return false;
  e->given = (size_t)(rest.p - e->heard.p) + size;
  *ret = slice_of(rest.p + SEAL, size - SEAL);
  badline_count(way, *ret);
  return true;
}

static void lose(struct badline *l, struct badline_way *way, int64_t now)
{
  for (; way->n; badline_shift(way)) {
    const struct badline_frame *f = &way->queue[0];
    const uint64_t gone = f->begins < now * 1000 ? (uint64_t)(now * 1000 - f->begins) * l->rate / 1000000 : 0, left = gone < f->n ? gone : f->n;
    way->left += left;
    way->kind[0].lost += left;
  }
  way->free = 0;
}

void badline_resumed_cut(struct badline *l, int64_t now)
{
  arrive(l, &l->up, now);
  arrive(l, &l->down, now);
  lose(l, &l->up, now);
  lose(l, &l->down, now);
  resume_lost(l->resumed->near.r);
  resume_lost(l->resumed->far.r);
  l->resumed->called = l->resumed->accepted = false;
  l->up_at = now + RETRY_MS + CONNECT_STEPS * l->delay;
}

int64_t badline_resumed_next(const struct badline *l)
{
  const int64_t near = l->resumed->near.owes, far = l->resumed->far.owes, first = near && (!far || near < far) ? near : far;
  return first ? first + CONFIRM_MS : INT64_MAX;
}

bool badline_turned(struct badline *l, bool hub, bool *ret_busy)
{
  struct badline_end *e = hub ? &l->resumed->far : &l->resumed->near;
  *ret_busy = resume_is_busy(e->r);
  const bool turned = *ret_busy != e->busy;
  e->busy = *ret_busy;
  return turned;
}

static struct badline_end end_new(uint32_t rate, size_t says, size_t hears)
{
  struct badline_end e = {.r = resume_new(rate), .says = buf_new(1 << 24), .heard = buf_new(1 << 24), .skip = hears, .number = 2};
  need(e.r != NULL);
  put_meeting(&e.says, says);
  return e;
}

void badline_resume(struct badline *l, int64_t now)
{
  need((l->resumed = calloc(1, sizeof *l->resumed)) != NULL);
  l->resumed->near = end_new((uint32_t)l->rate, MEET_UP, MEET_DOWN);
  l->resumed->far = end_new(0, MEET_DOWN, MEET_UP);
  l->resumed->opening = buf_new(RESUME_OPENING);
  step(l, now);
}

static void end_free(struct badline_end *e)
{
  resume_free(&e->r);
  buf_free(&e->says);
  buf_free(&e->heard);
}

void badline_resumed_free(struct badline_resumed **taken)
{
  struct badline_resumed *r = *taken;
  if (!r)
    return;
  *taken = NULL;
  end_free(&r->near);
  end_free(&r->far);
  buf_free(&r->opening);
  free(r);
}
