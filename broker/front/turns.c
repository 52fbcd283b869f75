#include "broker/front/turns.h"

#include "keys/table.h"

#include <stdlib.h>
#include <string.h>

enum {
  QUANTUM = 32 * 1024, /* bytes that a sender may say more with each turn */
  WRAP = 64,           /* what a frame costs beyond its bytes: memory here, and work for the core. A million empty ones are not nothing */
};

struct frame {
  struct frame *next;
  size_t n;
  uint8_t bytes[];
};

static uint64_t cost(const struct frame *f) { return f->n + WRAP; }

/* One who has frames here: in the table and in the ring; it goes with its last frame. */
struct sender {
  struct table_entry entry;
  struct seal_pk key;
  struct frame *first, **end;
  uint64_t bytes;  /* of its frames */
  uint64_t credit; /* bytes it may say before others have their turn */
  struct sender *next, *before;
};

struct turns {
  struct table senders;
  struct sender *at; /* whose turn it is; NULL: nothing waits */
  uint64_t bytes;
};

struct turns *turns_new(void)
{
  struct turns *t = calloc(1, sizeof *t);
  if (t && table_init(&t->senders) != TG_OK) {
    free(t);
    return NULL;
  }
  return t;
}

/* Its first frame. */
static void drop_first(struct turns *t, struct sender *s)
{
  struct frame *f = s->first;
  s->first = f->next;
  if (!s->first)
    s->end = &s->first;
  t->bytes -= cost(f);
  s->bytes -= cost(f);
  free(f);
}

/* It has no frames any more. */
static void sender_free(struct turns *t, struct sender *s)
{
  if (t->at == s)
    t->at = s->next == s ? NULL : s->next;
  s->next->before = s->before;
  s->before->next = s->next;
  table_remove(&t->senders, &s->entry);
  free(s);
}

static void sender_drop(struct turns *t, struct sender *s)
{
  while (s->first)
    drop_first(t, s);
  sender_free(t, s);
}

void turns_free(struct turns *t)
{
  if (!t)
    return;
  while (t->at)
    sender_drop(t, t->at);
  table_done(&t->senders);
  free(t);
}

/* Its turn comes after all others'. */
static struct sender *sender_new(struct turns *t, const struct seal_pk *key)
{
  struct sender *s = calloc(1, sizeof *s);
  if (!s)
    return NULL;
  s->key = *key;
  s->end = &s->first;
  s->next = t->at ? t->at : s;
  s->before = t->at ? t->at->before : s;
  s->next->before = s->before->next = s;
  t->at = t->at ? t->at : s;
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
  f->next = NULL;
  f->n = frame.n;
  if (frame.n)
    memcpy(f->bytes, frame.p, frame.n);
  *s->end = f;
  s->end = &f->next;
  t->bytes += cost(f);
  s->bytes += cost(f);
  return TG_OK;
}

bool turns_next(struct turns *t, const struct seal_pk **ret_from, struct slice *ret_frame)
{
  if (!t->at)
    return false;
  while (t->at->credit < cost(t->at->first)) { /* ends: every turn adds to a credit */
    t->at->credit += QUANTUM;
    t->at = t->at->next;
  }
  *ret_from = &t->at->key;
  *ret_frame = slice_of(t->at->first->bytes, t->at->first->n);
  return true;
}

void turns_done(struct turns *t)
{
  struct sender *s = t->at;
  s->credit -= cost(s->first); /* which it had: turns_next() */
  drop_first(t, s);
  if (!s->first)
    sender_free(t, s);
}

void turns_forget(struct turns *t, const struct seal_pk *from)
{
  struct sender *s = table_find(&t->senders, from->b);
  if (s)
    sender_drop(t, s);
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
