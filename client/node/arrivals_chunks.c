/* Chunks of large bodies: asked for in windows, the urgent first, from where each body is. */
#include "client/node/arrivals_inside.h"

#include "client/node/talk.h"

enum {
  ASKED_AT_ONCE = 4, /* bulletins that chunks are asked for */
  WINDOW = 32,       /* chunks asked for at a time; the next are asked for when so many are left: */
  WINDOW_LEFT = 8,
};

enum tg_err arrivals_chunk(struct node_core *core, const Tg__Chunk *frame)
{
  struct arrivals *a = core->arrivals;
  struct hash id;
  struct coming *c = hash_read(data_slice(frame->bulletin), &id) == TG_OK ? arrivals_find(a, &id) : NULL;
  struct part *part = c ? arrivals_lacking(c) : NULL;
  if (!part || part->portion != frame->portion || part->have != frame->chunk || frame->offset != c->pieces.n)
    return TG_OK; /* of an earlier request */
  const size_t size = body_chunk_size(part->size, part->have);
  struct slice chunk = data_slice(frame->sealed);
  if (chunk.n > size - c->pieces.n) {
    struct tg_why why;
    why_set(&why, TG_BAD_INPUT, "Chunk.sealed", N_("the chunk has not the length that its place demands"), NULL, NULL, NULL, NULL);
    return talk_strike(core, "chunk-malformed", &id, &why);
  }
  if (!core_has_room(core)) {
    a->starved = true;
    return TG_OK;
  }
  c->since = core->now.mono;
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
    c->asked = 0; /* of the next part */
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

static enum tg_err ask(struct node_core *core, struct coming *c)
{
  struct part *part = arrivals_lacking(c);
  if (c->asked < part->have)
    c->asked = part->have;
  if (c->asked == part->chunks || c->asked - part->have > WINDOW_LEFT)
    return TG_OK;
  Tg__Want frame = TG__WANT__INIT;
  uint64_t left = part->chunks - c->asked;
  frame.bulletin = slice_data(hash_slice(&c->id));
  frame.portion = part->portion;
  frame.chunk = c->asked;
  frame.count = left < WINDOW ? left : WINDOW;
  frame.offset = c->asked == part->have ? (uint32_t)c->pieces.n : 0;
  c->asked += frame.count;
  c->since = core->now.mono;
  return talk_send(core, FRAME_WANT, &frame.base);
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

enum tg_err arrivals_welcome(struct node_core *core)
{
  arrivals_ask_again(core->arrivals);
  return TG_OK;
}

void arrivals_dropped(struct node_core *core, enum frame_type type)
{
  if (type == FRAME_WANT)
    arrivals_ask_again(core->arrivals);
}
