#include "broker/turns.h"

#include "keys/table.h"

#include <stdlib.h>
#include <string.h>

enum {
  QUANTUM = 32 * 1024, /* bytes that a sender may say more with each turn */
  WRAP = 64,           /* what a frame costs beyond its bytes: memory here, and work for the core. A million empty ones are not nothing */
};

struct frame {
  struct frame *next;
  uint64_t left; /* of its cost */
  bool begun;
  size_t n;
  uint8_t bytes[];
};

/* One who has frames here, or something out: in the table, and in one of two rings. */
struct sender {
  struct table_entry entry;
  struct seal_pk key;
  struct frame *first, **end;
  uint64_t bytes;  /* what its frames cost */
  int64_t credit;  /* bytes it may say before others have their turn; below 0 it owes them */
  uint64_t out;
  bool goes; /* its ring is `at` */
  struct sender *next, *before;
};

struct turns {
  struct turns_options options;
  struct table senders;
  struct sender *at;    /* who may go on or has debts, and whose turn it is */
  struct sender *still; /* who has nothing here, or enough out */
  uint64_t bytes;
};

struct turns *turns_new(struct turns_options options)
{
  struct turns *t = calloc(1, sizeof *t);
  if (t && table_init(&t->senders) != TG_OK) {
    free(t);
    return NULL;
  }
  if (t)
    t->options = options;
  return t;
}

/* ---- the rings */

/* Its turn comes after all others'. */
static void ring_join(struct sender **ring, struct sender *s)
{
  s->next = *ring ? *ring : s;
  s->before = *ring ? (*ring)->before : s;
  s->next->before = s->before->next = s;
  *ring = *ring ? *ring : s;
}

static void ring_leave(struct sender **ring, struct sender *s)
{
  if (*ring == s)
    *ring = s->next == s ? NULL : s->next;
  s->next->before = s->before;
  s->before->next = s->next;
}

static bool may_say(const struct turns *t, const struct sender *s)
{
  return s->first && (t->options.window == 0 || s->out < t->options.window);
}

/* Puts it where it belongs by now: into one of the rings, or away. */
static void settle(struct turns *t, struct sender *s)
{
  const bool goes = may_say(t, s) || s->credit < 0, stays = s->first || s->out > 0 || s->credit < 0;
  if (stays && goes == s->goes)
    return;
  ring_leave(s->goes ? &t->at : &t->still, s);
  s->goes = goes;
  if (stays) {
    ring_join(goes ? &t->at : &t->still, s);
  } else {
    table_remove(&t->senders, &s->entry);
    free(s);
  }
}

/* ---- */

static void spend(struct turns *t, struct sender *s, uint64_t cost)
{
  s->first->left -= cost;
  s->bytes -= cost;
  t->bytes -= cost;
}

/* Its first frame. */
static void drop_first(struct turns *t, struct sender *s)
{
  struct frame *f = s->first;
  spend(t, s, f->left);
  s->first = f->next;
  if (!s->first)
    s->end = &s->first;
  free(f);
}

static uint64_t sender_drop(struct turns *t, struct sender *s)
{
  const uint64_t bytes = s->bytes;
  while (s->first)
    drop_first(t, s);
  settle(t, s);
  return bytes;
}

void turns_free(struct turns *t)
{
  if (!t)
    return;
  for (struct sender *s; (s = t->at ? t->at : t->still);) {
    s->out = 0;
    s->credit = 0;
    (void)sender_drop(t, s);
  }
  table_done(&t->senders);
  free(t);
}

static struct sender *sender_new(struct turns *t, const struct seal_pk *key)
{
  struct sender *s = calloc(1, sizeof *s);
  if (!s)
    return NULL;
  s->key = *key;
  s->end = &s->first;
  ring_join(&t->still, s);
  table_put(&t->senders, &s->entry, s->key.b, s);
  return s;
}

enum tg_err turns_put(struct turns *t, const struct seal_pk *from, struct slice frame)
{
  struct frame *f = malloc(sizeof *f + frame.n);
  struct sender *s = f ? table_find(&t->senders, from->b) : NULL;
  if (f && !s)
    s = sender_new(t, from);
  if (!s) {
    free(f);
    return TG_NO_MEMORY;
  }
  *f = (struct frame){.n = frame.n, .left = frame.n + WRAP};
  if (frame.n)
    memcpy(f->bytes, frame.p, frame.n);
  *s->end = f;
  s->end = &f->next;
  t->bytes += f->left;
  s->bytes += f->left;
  settle(t, s);
  return TG_OK;
}

/* Of its next step, as far as that can be known before. */
static int64_t price(const struct turns *t, const struct sender *s)
{
  return (int64_t)(t->options.part && s->first->left > t->options.part ? t->options.part : s->first->left);
}

bool turns_next(struct turns *t, const struct seal_pk **ret_from, struct slice *ret_frame, bool *ret_begun)
{
  while (t->at && !(may_say(t, t->at) && t->at->credit >= price(t, t->at))) { /* ends: every turn adds to a credit */
    struct sender *s = t->at;
    s->credit += QUANTUM;
    t->at = s->next;
    settle(t, s);
  }
  if (!t->at)
    return false;
  *ret_from = &t->at->key;
  *ret_frame = slice_of(t->at->first->bytes, t->at->first->n);
  if (ret_begun)
    *ret_begun = t->at->first->begun;
  return true;
}

uint64_t turns_part(struct turns *t, size_t left)
{
  struct sender *s = t->at;
  const uint64_t cost = left < s->first->left ? s->first->left - left : 0;
  s->credit -= (int64_t)cost;
  s->first->begun = true;
  spend(t, s, cost);
  return cost;
}

uint64_t turns_done(struct turns *t)
{
  struct sender *s = t->at;
  const uint64_t cost = s->first->left;
  s->credit -= (int64_t)cost;
  if (t->options.window)
    s->out += cost;
  drop_first(t, s);
  settle(t, s);
  return cost;
}

void turns_back(struct turns *t, const struct seal_pk *from, uint64_t cost)
{
  struct sender *s = table_find(&t->senders, from->b);
  if (!s)
    return;
  s->out -= cost < s->out ? cost : s->out;
  settle(t, s);
}

uint64_t turns_forget(struct turns *t, const struct seal_pk *from)
{
  struct sender *s = table_find(&t->senders, from->b);
  return s ? sender_drop(t, s) : 0;
}

uint64_t turns_bytes(const struct turns *t)
{
  return t->bytes;
}

uint64_t turns_bytes_of(const struct turns *t, const struct seal_pk *from)
{
  const struct sender *s = table_find(&t->senders, from->b);
  return s ? s->bytes : 0;
}
