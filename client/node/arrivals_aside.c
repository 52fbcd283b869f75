/* Deliveries that have come and are not taken in yet. Checkpoints are proven one from the other and so taken in the order of their frames; what was opened
   under them waits here, and the most urgent is taken in first. Only memory: to the hub all of it is still under way. */
#include "client/node/arrivals_inside.h"

#include "client/node/talk.h"
#include "client/node/watch.h"

enum {
  TURN_ITEMS = 64, /* taken in before a turn ends, */
  STEP_ITEMS = 8,  /* and before the next look for what comes: some 0.8 ms */
};

/* A frame, taken apart in an arena of its own in which this stands too. left: items that wait. */
struct aside_frame {
  struct arena *arena;
  struct witness_state under; /* the newest checkpoint of the log when it came */
  size_t left, bytes;
};

struct aside_item {
  struct aside_frame *frame;
  const Tg__Delivery *message;
  struct aside_item *next;
};

static uint64_t most_bytes(const struct node_core *core) { return core->config->credit_bytes ? core->config->credit_bytes : CORE_CREDIT_BYTES; }

/* ---- frames */

static void frame_done(struct aside *a, struct aside_frame *f)
{
  struct arena *arena = f->arena;
  if (--f->left)
    return;
  a->bytes -= f->bytes;
  if (a->n_spare == ASIDE_SPARE) {
    arena_free(arena);
    return;
  }
  arena_reset(arena);
  a->spare[a->n_spare++] = arena;
}

static void push(struct aside *a, struct aside_item *item)
{
  const unsigned rank = PRECEDENCE_FLASH - header_hint(data_slice(item->message->header));
  struct aside_queue *q = &a->queue[rank];
  if (q->last)
    q->last->next = item;
  else
    q->first = item;
  q->last = item;
  a->n++;
}

static struct aside_item *pop(struct aside *a)
{
  struct aside_queue *q = a->queue;
  while (q < a->queue + ASIDE_RANKS && !q->first)
    q++;
  if (q == a->queue + ASIDE_RANKS)
    return NULL;
  struct aside_item *item = q->first;
  q->first = item->next;
  if (!q->first)
    q->last = NULL;
  a->n--;
  return item;
}

/* What the event's arena holds stays, in place of a fresh one. */
static enum tg_err keep_arena(struct node_core *core, struct arena **ret)
{
  struct aside *a = &core->arrivals->aside;
  struct arena *fresh = a->n_spare ? a->spare[--a->n_spare] : arena_new(CORE_ARENA);
  if (!fresh)
    return TG_NO_MEMORY;
  *ret = core->arena;
  core->arena = fresh;
  return TG_OK;
}

static enum tg_err put(struct node_core *core, const Tg__Deliver *message)
{
  struct aside *a = &core->arrivals->aside;
  struct aside_frame *f = arena_alloc(core->arena, sizeof *f);
  struct aside_item *item = arena_alloc(core->arena, message->n_items * sizeof *item);
  if (!f || !item)
    return TG_NO_MEMORY;
  *f = (struct aside_frame){.under = watch_hold(core), .left = message->n_items, .bytes = arena_held(core->arena)};
  enum tg_err err = keep_arena(core, &f->arena);
  if (err != TG_OK)
    return err;
  a->bytes += f->bytes;
  for (size_t i = 0; i < message->n_items; i++) {
    item[i] = (struct aside_item){.frame = f, .message = message->items[i]};
    push(a, &item[i]);
  }
  core->urgent |= a->queue[0].first != NULL;
  return TG_OK;
}

void arrivals_drop_aside(struct node_core *core)
{
  struct aside *a = &core->arrivals->aside;
  for (struct aside_item *item; (item = pop(a));)
    frame_done(a, item->frame);
}

void arrivals_free_aside(struct arrivals *arrivals)
{
  struct aside *a = &arrivals->aside;
  for (struct aside_item *item; (item = pop(a));)
    frame_done(a, item->frame);
  while (a->n_spare)
    arena_free(a->spare[--a->n_spare]);
}

/* ---- taking in */

/* One, the most urgent; a session that is over takes the others along: the hub brings them again. */
static enum tg_err take_next(struct node_core *core)
{
  struct aside *a = &core->arrivals->aside;
  struct aside_item *item = pop(a);
  if (!item)
    return TG_OK;
  core->due = true;
  a->taken++;
  arena_reset(core->arena);
  enum tg_err err = arrivals_take(core, item->message, &item->frame->under);
  arena_reset(core->arena);
  frame_done(a, item->frame);
  if (!talk_is_open(core))
    arrivals_drop_aside(core);
  return err;
}

enum tg_err arrivals_deliver(struct node_core *core, const Tg__Deliver *frame)
{
  const struct aside *a = &core->arrivals->aside;
  enum tg_err err = frame->n_items ? put(core, frame) : TG_OK;
  while (err == TG_OK && a->n && a->bytes > most_bytes(core)) /* beyond the credit that was granted */
    err = take_next(core);
  return err;
}

enum tg_err arrivals_take_all(struct node_core *core)
{
  enum tg_err err = TG_OK;
  while (err == TG_OK && core->arrivals->aside.n)
    err = take_next(core);
  return err;
}

/* Those that are most urgent, and nothing else before the commit; or so many. */
static enum tg_err take_some(struct node_core *core, size_t most)
{
  const struct aside *a = &core->arrivals->aside;
  const bool flash = a->queue[0].first != NULL;
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && a->n && (flash ? a->queue[0].first != NULL : i < most); i++)
    err = take_next(core);
  return err;
}

enum tg_err arrivals_step(struct node_core *core, bool *ret_more)
{
  const struct aside *a = &core->arrivals->aside;
  enum tg_err err = TG_OK;
  if (!core->urgent && a->taken < TURN_ITEMS)
    err = take_some(core, STEP_ITEMS);
  *ret_more = !core->urgent && a->n && a->taken < TURN_ITEMS;
  return err;
}

enum tg_err arrivals_end_turn(struct node_core *core)
{
  struct aside *a = &core->arrivals->aside;
  enum tg_err err = TG_OK;
  if (!talk_is_open(core))
    arrivals_drop_aside(core);
  if (core->urgent || a->taken < TURN_ITEMS)
    err = take_some(core, core->urgent ? 0 : TURN_ITEMS - a->taken);
  a->taken = 0;
  if (err == TG_OK && a->n)
    core_wake_now(core);
  return err;
}
