#include "os/ahead.h"

#include "os/wal.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 512, ROOM_MOST = 16384, NUMBER = 4 /* bytes of a page's number, with which a frame begins */ };

/* Of a page: its last frame that is certain, and the one that stands in the database; 0: none. */
struct slot {
  uint32_t page, last, written;
};

/* Invariants: room is a power of two; there are twice as many slots, so that one is always free; next <= committed. */
struct ahead {
  uint32_t *page_of; /* by frame, from 0; 0: not known */
  struct slot *slots;
  size_t room;
  uint64_t committed, next; /* frames */
  bool blind;
};

struct ahead *ahead_new(void)
{
  return calloc(1, sizeof(struct ahead));
}

void ahead_free(struct ahead *a)
{
  if (!a)
    return;
  free(a->page_of);
  free(a->slots);
  free(a);
}

void ahead_clear(struct ahead *a)
{
  if (a->room) {
    memset(a->page_of, 0, a->room * sizeof *a->page_of);
    memset(a->slots, 0, 2 * a->room * sizeof *a->slots);
  }
  a->committed = a->next = 0;
  a->blind = false;
}

static struct slot *slot_of(struct slot *slots, size_t room, uint32_t page)
{
  size_t at = page * UINT32_C(0x9e3779b1) & (2 * room - 1);
  while (slots[at].page && slots[at].page != page)
    at = (at + 1) & (2 * room - 1);
  return &slots[at];
}

static bool grow(struct ahead *a)
{
  const size_t room = a->room ? 2 * a->room : ROOM_FIRST;
  uint32_t *page_of = room <= ROOM_MOST ? calloc(room, sizeof *page_of) : NULL;
  struct slot *slots = page_of ? calloc(2 * room, sizeof *slots) : NULL;
  if (!slots) {
    free(page_of);
    return false;
  }
  if (a->room)
    memcpy(page_of, a->page_of, a->room * sizeof *page_of);
  for (size_t i = 0; i < 2 * a->room; i++)
    if (a->slots[i].page)
      *slot_of(slots, room, a->slots[i].page) = a->slots[i];
  free(a->page_of);
  free(a->slots);
  a->page_of = page_of;
  a->slots = slots;
  a->room = room;
  return true;
}

/* SQLite writes a frame's head and its page apart, and either in two when a sync falls between. Of anything else it is not known what it does. */
static bool is_of_a_frame(uint64_t within, size_t n)
{
  return within + n <= WAL_FRAME && (within > 0 ? within >= NUMBER : n >= NUMBER);
}

void ahead_logged(struct ahead *a, const uint8_t *bytes, size_t n, uint64_t at)
{
  if (at == 0)
    ahead_clear(a);
  if (a->blind || (at == 0 && n == WAL_HEAD))
    return;
  const uint64_t frame = at < WAL_HEAD ? UINT64_MAX : (at - WAL_HEAD) / WAL_FRAME;
  const uint64_t within = at < WAL_HEAD ? 0 : (at - WAL_HEAD) % WAL_FRAME;
  a->blind = frame < a->committed || frame >= ROOM_MOST || !is_of_a_frame(within, n);
  while (!a->blind && frame >= a->room)
    a->blind = !grow(a);
  if (!a->blind && within == 0)
    a->page_of[frame] = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Frames that stood there when the store was opened are not known: a checkpoint writes them. */
void ahead_committed(struct ahead *a, uint64_t frames)
{
  for (uint64_t i = a->committed; !a->blind && i < frames && i < a->room; i++)
    if (a->page_of[i]) {
      struct slot *s = slot_of(a->slots, a->room, a->page_of[i]);
      s->page = a->page_of[i];
      s->last = (uint32_t)i + 1;
    }
  if (frames > a->committed)
    a->committed = frames;
}

static int by_page(const void *a, const void *b)
{
  const struct ahead_page *x = a, *y = b;
  return (x->page > y->page) - (x->page < y->page);
}

size_t ahead_take(struct ahead *a, uint64_t frames, struct ahead_page out[AHEAD_AT_ONCE])
{
  size_t n = 0;
  const uint64_t known = a->committed < a->room ? a->committed : a->room, below = frames < known ? frames : known;
  for (; !a->blind && n < AHEAD_AT_ONCE && a->next < below; a->next++) {
    const uint32_t page = a->page_of[a->next];
    if (page && slot_of(a->slots, a->room, page)->last == a->next + 1)
      out[n++] = (struct ahead_page){page, (uint32_t)a->next + 1};
  }
  qsort(out, n, sizeof *out, by_page); /* what lies side by side is one write */
  return n;
}

void ahead_wrote(struct ahead *a, struct ahead_page written)
{
  struct slot *s = a->blind ? NULL : slot_of(a->slots, a->room, written.page);
  if (s && s->page)
    s->written = written.frame;
}

bool ahead_is_written(const struct ahead *a, uint32_t page)
{
  if (a->blind || !a->room)
    return false;
  const struct slot *s = slot_of(a->slots, a->room, page);
  return s->page && s->last == s->written;
}

uint32_t ahead_written_by(const struct ahead *a, uint64_t frame)
{
  const uint32_t page = !a->blind && frame > 0 && frame <= a->room ? a->page_of[frame - 1] : 0;
  const struct slot *s = page ? slot_of(a->slots, a->room, page) : NULL;
  return s && s->last == frame && s->written == frame ? page : 0;
}
