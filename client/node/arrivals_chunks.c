/* Chunks of large bodies: asked for in windows, the urgent first, from where each body is. */
#include "client/node/arrivals_inside.h"

#include "client/node/talk.h"

#include <string.h>

enum {
  ASKED_AT_ONCE = 4, /* bulletins that chunks are asked for */
  WINDOW = 8,        /* chunks asked for at a time; the next are asked for when so many are left: */
  WINDOW_LEFT = 4,   /* of all together a part of the 256 messages that the hub's front keeps for a node that reads slowly */
};

/* The bulletin that a chunk is of, by handle or by id and portion; NULL: none, or another portion of it is coming now. */
static struct coming *of_chunk(struct arrivals *a, const Tg__Chunk *frame)
{
  struct hash id;
  struct coming *c = NULL;
  if (!frame->handle) {
    c = hash_read(data_slice(frame->bulletin), &id) == TG_OK ? arrivals_find(a, &id) : NULL;
    const struct part *part = c ? arrivals_lacking(c) : NULL;
    return part && part->portion == frame->portion ? c : NULL;
  }
  for (size_t i = 0; !c && i < a->n && !frame->bulletin.len; i++)
    c = a->coming[i].handle == frame->handle ? &a->coming[i] : NULL;
  return c;
}

enum tg_err arrivals_chunk(struct node_core *core, const Tg__Chunk *frame)
{
  struct arrivals *a = core->arrivals;
  struct coming *c = of_chunk(a, frame);
  struct part *part = c ? arrivals_lacking(c) : NULL;
  if (!part || part->have != frame->chunk || frame->offset != c->pieces.n)
    return TG_OK; /* of an earlier request */
  const size_t size = body_chunk_size(part->size, part->have);
  struct slice chunk = data_slice(frame->sealed);
  if (chunk.n > size - c->pieces.n) {
    struct tg_why why;
    why_set(&why, TG_BAD_INPUT, "Chunk.sealed", N_("the chunk has not the length that its place demands"), NULL, NULL, NULL, NULL);
    return talk_strike(core, "chunk-malformed", &c->id, &why);
  }
  if (!core_has_room(core)) {
    a->starved = true;
    return TG_OK;
  }
  c->since = a->heard = core->now.mono;
  a->silence = 0;
  if (chunk.n < size && c->asked <= part->have)
    return TG_OK; /* nobody asked: a hub must not fill our memory with beginnings */
  if (chunk.n < size) {
    buf_put_slice(&c->pieces, chunk);
    if (buf_status(&c->pieces))
      return TG_NO_MEMORY;
    if (c->pieces.n < size)
      return TG_OK;
    chunk = buf_slice(&c->pieces);
  }
  enum tg_err err = core_begin(core);
  if (err == TG_OK)
    err = depot_chunk_put(core->depot, part->body, part->have, chunk);
  buf_clear(&c->pieces);
  part->have++;
  if (part->have == part->chunks)
    c->asked = c->handle = 0; /* of the next part */
  return err;
}

/* The urgent first; among equals, those that came first. */
static struct coming *next_to_ask(struct arrivals *a, const bool *passed)
{
  struct coming *best = NULL;
  for (size_t i = 0; i < a->n; i++)
    if (!passed[i] && arrivals_lacking(&a->coming[i]) && (!best || a->coming[i].precedence > best->precedence))
      best = &a->coming[i];
  return best;
}

/* The next chunks of the part that lacks some; false: as many as need be are asked for. */
static bool fill_want(struct node_core *core, struct coming *c, Tg__Want *ret)
{
  struct part *part = arrivals_lacking(c);
  if (c->asked < part->have)
    c->asked = part->have;
  if (c->asked == part->chunks || c->asked - part->have > WINDOW_LEFT)
    return false;
  const uint64_t left = part->chunks - c->asked;
  while (!c->handle)
    c->handle = ++core->arrivals->handles;
  tg__want__init(ret);
  ret->bulletin = slice_data(hash_slice(&c->id));
  ret->portion = part->portion;
  ret->chunk = c->asked;
  ret->count = left < WINDOW ? left : WINDOW;
  ret->offset = c->asked == part->have ? (uint32_t)c->pieces.n : 0;
  ret->handle = c->handle;
  c->asked += ret->count;
  c->since = core->arrivals->heard = core->now.mono;
  return true;
}

static enum tg_err ask(struct node_core *core, struct coming *c)
{
  Tg__Want frame;
  return fill_want(core, c, &frame) ? talk_send(core, FRAME_WANT, &frame.base) : TG_OK;
}

enum tg_err arrivals_wants(struct node_core *core, const char *hub, Tg__Want **ret, size_t max, size_t *ret_n)
{
  struct arrivals *a = core->arrivals;
  *ret_n = 0;
  arrivals_ask_again(a);
  if (a->n == 0 || !core_has_room(core))
    return TG_OK;
  bool *passed = arena_alloc(core->arena, a->n * sizeof *passed);
  if (!passed)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < a->n; i++)
    passed[i] = strcmp(a->coming[i].hub, hub) != 0;
  for (struct coming *c; *ret_n < max && *ret_n < ASKED_AT_ONCE && (c = next_to_ask(a, passed)); passed[c - a->coming] = true) {
    Tg__Want *want = arena_alloc(core->arena, sizeof *want);
    if (!want)
      return TG_NO_MEMORY;
    if (fill_want(core, c, want))
      ret[(*ret_n)++] = want;
  }
  return TG_OK;
}

enum tg_err arrivals_pump(struct node_core *core)
{
  struct arrivals *a = core->arrivals;
  if (a->n == 0 || !talk_is_open(core) || !core_has_room(core))
    return TG_OK;
  bool *passed = arena_alloc(core->arena, a->n * sizeof *passed);
  if (!passed)
    return TG_NO_MEMORY;
  enum tg_err err = TG_OK;
  for (unsigned i = 0; err == TG_OK && i < ASKED_AT_ONCE; i++) {
    struct coming *c = next_to_ask(a, passed);
    if (!c)
      break;
    passed[c - a->coming] = true;
    err = ask(core, c);
  }
  return err;
}

void arrivals_ask_again(struct arrivals *a)
{
  for (size_t i = 0; i < a->n; i++)
    a->coming[i].asked = 0;
}

void arrivals_dropped(struct node_core *core, enum frame_type type)
{
  if (type == FRAME_WANT)
    arrivals_ask_again(core->arrivals);
}
