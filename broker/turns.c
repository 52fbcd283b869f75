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

/* A place in a ring; first in what stands there. */
struct seat {
  struct seat *next, *before;
};

/* One who has frames here, or something out: in the table, and in one of its member's rings. */
struct sender {
  struct seat seat;
  struct table_entry entry;
  struct seal_pk key;
  struct member *member;
  struct frame *first, **end;
  uint64_t bytes; /* what its frames cost */
  int64_t credit; /* bytes it may say before the member's other nodes have their turn */
  uint64_t out;
};

/* One whose nodes are senders here, or who has debts: in the table, and in one of two rings. */
struct member {
  struct seat seat;
  struct table_entry entry;
  struct seat *at, *still; /* senders: who have frames, and whose turn it is; who have none, but something out */
  uint64_t bytes;          /* what their frames cost */
  int64_t credit;          /* bytes they may say before others have their turn; below 0 they owe them */
  uint64_t out;
  bool goes; /* its ring is `at` */
};

struct turns {
  struct turns_options options;
  struct table senders, members;
  struct seat *at;    /* members: who may go on or have debts, and whose turn it is */
  struct seat *still; /* who have nothing here, or enough out */
  uint64_t bytes;
};

struct turns *turns_new(struct turns_options options)
{
  struct turns *t = calloc(1, sizeof *t);
  if (!t)
    return NULL;
  t->options = options;
  if (table_init(&t->senders) == TG_OK && table_init(&t->members) == TG_OK)
    return t;
  table_done(&t->senders);
  table_done(&t->members);
  free(t);
  return NULL;
}

/* ---- the rings */

/* Its turn comes after all others'. */
static void ring_join(struct seat **ring, struct seat *s)
{
  s->next = *ring ? *ring : s;
  s->before = *ring ? (*ring)->before : s;
  s->next->before = s->before->next = s;
  *ring = *ring ? *ring : s;
}

static void ring_leave(struct seat **ring, struct seat *s)
{
  if (*ring == s)
    *ring = s->next == s ? NULL : s->next;
  s->next->before = s->before;
  s->before->next = s->next;
}

static struct sender *sender_at(struct seat *s)
{
  return (struct sender *)(void *)s;
}

static struct member *member_at(struct seat *s)
{
  return (struct member *)(void *)s;
}

static bool may_say(const struct turns *t, const struct member *m)
{
  return m->at && (t->options.window == 0 || m->out < t->options.window);
}

/* Puts it where it belongs by now: into one of the rings, or away. */
static void settle_member(struct turns *t, struct member *m)
{
  const bool goes = may_say(t, m) || m->credit < 0, stays = m->at || m->still || m->credit < 0;
  if (stays && goes == m->goes)
    return;
  ring_leave(m->goes ? &t->at : &t->still, &m->seat);
  m->goes = goes;
  if (stays) {
    ring_join(goes ? &t->at : &t->still, &m->seat);
  } else {
    table_remove(&t->members, &m->entry);
    free(m);
  }
}

/* After the end of its frames, or their beginning. */
static void sender_moves(struct sender *s)
{
  struct member *m = s->member;
  ring_leave(s->first ? &m->still : &m->at, &s->seat);
  ring_join(s->first ? &m->at : &m->still, &s->seat);
}

/* Forgets who has nothing here any more; and its member. */
static void settle(struct turns *t, struct sender *s)
{
  struct member *m = s->member;
  if (!s->first && s->out == 0) {
    ring_leave(&m->still, &s->seat);
    table_remove(&t->senders, &s->entry);
    free(s);
  }
  settle_member(t, m);
}

/* ---- */

static void spend(struct turns *t, struct sender *s, uint64_t cost)
{
  s->first->left -= cost;
  s->bytes -= cost;
  s->member->bytes -= cost;
  t->bytes -= cost;
}

/* Its first frame. */
static void drop_first(struct turns *t, struct sender *s)
{
  struct frame *f = s->first;
  spend(t, s, f->left);
  s->first = f->next;
  free(f);
  if (s->first)
    return;
  s->end = &s->first;
  sender_moves(s);
}

static uint64_t sender_drop(struct turns *t, struct sender *s)
{
  const uint64_t dropped = s->bytes;
  while (s->first)
    drop_first(t, s);
  settle(t, s);
  return dropped;
}

static void member_drop(struct turns *t, struct member *m)
{
  m->out = 0;
  m->credit = -1; /* it stays until the last of them has gone */
  for (struct seat *s; (s = m->at ? m->at : m->still);) {
    sender_at(s)->out = 0;
    (void)sender_drop(t, sender_at(s));
  }
  m->credit = 0;
  settle_member(t, m);
}

void turns_free(struct turns *t)
{
  if (!t)
    return;
  for (struct seat *m; (m = t->at ? t->at : t->still);)
    member_drop(t, member_at(m));
  table_done(&t->senders);
  table_done(&t->members);
  free(t);
}

/* What its member stands under. */
static struct seal_pk name_of(const struct turns *t, const struct seal_pk *key)
{
  struct seal_pk name = {{0}};
  if (!t->options.member)
    return *key;
  const uint32_t number = t->options.member(t->options.arg, key);
  memcpy(name.b, &number, sizeof number);
  return name;
}

static struct member *member_of(struct turns *t, const struct seal_pk *key)
{
  const struct seal_pk name = name_of(t, key);
  struct member *m = table_find(&t->members, name.b);
  if (m || !(m = calloc(1, sizeof *m)))
    return m;
  ring_join(&t->still, &m->seat);
  table_put(&t->members, &m->entry, name.b, m);
  return m;
}

static struct sender *sender_new(struct turns *t, const struct seal_pk *key)
{
  struct sender *s = calloc(1, sizeof *s);
  struct member *m = s ? member_of(t, key) : NULL;
  if (!m) {
    free(s);
    return NULL;
  }
  s->key = *key;
  s->member = m;
  s->end = &s->first;
  ring_join(&m->still, &s->seat);
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
  const bool first = !s->first;
  *s->end = f;
  s->end = &f->next;
  t->bytes += f->left;
  s->bytes += f->left;
  s->member->bytes += f->left;
  if (first)
    sender_moves(s);
  settle_member(t, s->member);
  return TG_OK;
}

/* Of its next step, as far as that can be known before. */
static int64_t price(const struct turns *t, const struct sender *s)
{
  return (int64_t)(t->options.part && s->first->left > t->options.part ? t->options.part : s->first->left);
}

/* Whose turn it is of the nodes of one that may say something. Ends: every turn adds to a credit. */
static struct sender *sender_next(const struct turns *t, struct member *m)
{
  struct sender *s;
  while (s = sender_at(m->at), s->credit < price(t, s)) {
    s->credit += QUANTUM;
    m->at = s->seat.next;
  }
  return s;
}

bool turns_next(struct turns *t, const struct seal_pk **ret_from, struct slice *ret_frame, bool *ret_begun)
{
  struct sender *s = NULL;
  while (t->at && !s) { /* ends: the same */
    struct member *m = member_at(t->at);
    s = may_say(t, m) ? sender_next(t, m) : NULL;
    if (s && m->credit >= price(t, s))
      break;
    s = NULL;
    m->credit += QUANTUM;
    t->at = m->seat.next;
    settle_member(t, m);
  }
  if (!s)
    return false;
  *ret_from = &s->key;
  *ret_frame = slice_of(s->first->bytes, s->first->n);
  if (ret_begun)
    *ret_begun = s->first->begun;
  return true;
}

static void charge(struct sender *s, uint64_t cost)
{
  s->credit -= (int64_t)cost;
  s->member->credit -= (int64_t)cost;
}

/* Whom turns_next() told last. */
static struct sender *at_work(const struct turns *t)
{
  return sender_at(member_at(t->at)->at);
}

uint64_t turns_part(struct turns *t, size_t left)
{
  struct sender *s = at_work(t);
  const uint64_t cost = left < s->first->left ? s->first->left - left : 0;
  charge(s, cost);
  s->first->begun = true;
  spend(t, s, cost);
  return cost;
}

uint64_t turns_done(struct turns *t)
{
  struct sender *s = at_work(t);
  const uint64_t cost = s->first->left;
  charge(s, cost);
  if (t->options.window) {
    s->out += cost;
    s->member->out += cost;
  }
  drop_first(t, s);
  settle(t, s);
  return cost;
}

void turns_back(struct turns *t, const struct seal_pk *from, uint64_t cost)
{
  struct sender *s = table_find(&t->senders, from->b);
  if (!s)
    return;
  const uint64_t back = cost < s->out ? cost : s->out;
  s->out -= back;
  s->member->out -= back;
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
  const struct seal_pk name = name_of(t, from);
  const struct member *m = table_find(&t->members, name.b);
  return m ? m->bytes : 0;
}

/* Who of a ring of senders has most. */
static const struct sender *most_of(struct seat *ring)
{
  const struct sender *most = NULL;
  struct seat *at = ring;
  do {
    const struct sender *s = at ? sender_at(at) : NULL;
    if (s && (!most || s->bytes > most->bytes))
      most = s;
  } while (at && (at = at->next) != ring);
  return most;
}

static void most_of_members(struct seat *ring, uint64_t least, struct turns_heap *most)
{
  struct seat *at = ring;
  do {
    const struct sender *s = at ? most_of(member_at(at)->at) : NULL;
    if (s && s->bytes >= least && s->member->bytes > most->of_member)
      *most = (struct turns_heap){.key = s->key, .bytes = s->bytes, .of_member = s->member->bytes};
  } while (at && (at = at->next) != ring);
}

bool turns_most(const struct turns *t, uint64_t least, struct turns_heap *ret)
{
  struct turns_heap most = {.bytes = 0};
  most_of_members(t->at, least, &most);
  most_of_members(t->still, least, &most);
  if (most.of_member > 0)
    *ret = most;
  return most.of_member > 0;
}
