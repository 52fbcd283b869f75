#include "broker/effect.h"

#include "keys/name.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT = 4 * 1024 * 1024, BYTES_MAX = 1024 * 1024 * 1024 };

enum { BARRED = 16 };

enum effect_kind { EFFECT_SEND, EFFECT_CUT, EFFECT_ALLOW, EFFECT_TELL };

/* An event as it is kept: what it points to moved in. */
struct told {
  struct hub_event event;
  char node[HOLDER_MAX + 1];
  struct hash subject;
  struct tg_why why;
};

struct effect {
  enum effect_kind kind;
  bool settled;        /* send: all that it says is on the disk */
  struct seal_pk peer; /* send, cut */
  size_t at, n;        /* send, allow: where its bytes stand */
  struct told *told;   /* tell: owned */
};

struct effects {
  struct effect *list;
  size_t n, cap;
  struct buf bytes;
  uint64_t full;
};

struct effects *effects_new(uint64_t full)
{
  struct effects *e = calloc(1, sizeof *e);
  if (e)
    *e = (struct effects){.bytes = buf_new(BYTES_MAX), .full = full};
  return e;
}

static void forget(struct effects *e)
{
  for (size_t i = 0; i < e->n; i++)
    free(e->list[i].told);
  e->n = 0;
}

void effects_free(struct effects *e)
{
  if (!e)
    return;
  forget(e);
  free(e->list);
  buf_free(&e->bytes);
  free(e);
}

static enum tg_err add(struct effects *e, struct effect effect)
{
  if (e->n == e->cap) {
    size_t cap = e->cap ? 2 * e->cap : 64;
    struct effect *list = realloc(e->list, cap * sizeof *list);
    if (!list)
      return TG_NO_MEMORY;
    e->list = list;
    e->cap = cap;
  }
  e->list[e->n++] = effect;
  return TG_OK;
}

/* Deliveries, outcomes, receipts and checkpoints are proved under the signed checkpoint, which is asked for after the commit of what it
   covers. Welcome and ReceiptsSeen say what this very turn changed. */
static bool is_settled(enum frame_type type)
{
  return type == FRAME_DELIVER || type == FRAME_OUTCOMES || type == FRAME_RECEIPT_NOTES || type == FRAME_CHUNK || type == FRAME_TICK ||
         type == FRAME_RECEIPTS_LOGGED;
}

enum tg_err effects_send(struct effects *e, const struct seal_pk *peer, enum frame_type type,
                         const ProtobufCMessage *message, size_t *ret_bytes)
{
  size_t at = e->bytes.n;
  const enum tg_err err = frame_encode(type, message, &e->bytes, NULL);
  if (err)
    return err == TG_NO_MEMORY ? err : TG_INTERNAL;
  if (ret_bytes)
    *ret_bytes = e->bytes.n - at;
  return add(e, (struct effect){
                    .kind = EFFECT_SEND, .settled = is_settled(type), .peer = *peer, .at = at, .n = e->bytes.n - at});
}

enum tg_err effects_cut(struct effects *e, const struct seal_pk *peer)
{
  return add(e, (struct effect){.kind = EFFECT_CUT, .peer = *peer});
}

/* Where a struct may stand: frames before it are of any length. */
enum tg_err effects_allow(struct effects *e, const struct hub_peer *peers, size_t count)
{
  static const uint8_t fill[_Alignof(struct hub_peer)];
  buf_put(&e->bytes, fill, (sizeof fill - e->bytes.n % sizeof fill) % sizeof fill);
  const size_t at = e->bytes.n;
  buf_put(&e->bytes, peers, count * sizeof *peers);
  if (buf_status(&e->bytes))
    return TG_NO_MEMORY;
  return add(e, (struct effect){.kind = EFFECT_ALLOW, .at = at, .n = count * sizeof *peers});
}

enum tg_err effects_tell(struct effects *e, const struct hub_event *event)
{
  struct told *t = calloc(1, sizeof *t);
  if (!t)
    return TG_NO_MEMORY;
  t->event = *event;
  if (event->node) {
    strncpy(t->node, event->node, sizeof t->node - 1);
    t->event.node = t->node;
  }
  if (event->subject) {
    t->subject = *event->subject;
    t->event.subject = &t->subject;
  }
  if (event->why) {
    t->why = *event->why;
    t->event.why = &t->why;
  }
  enum tg_err err = add(e, (struct effect){.kind = EFFECT_TELL, .told = t});
  if (err)
    free(t);
  return err;
}

bool effects_full(const struct effects *e)
{
  return e->bytes.n >= e->full;
}

bool effects_enough(const struct effects *e)
{
  return e->bytes.n >= EFFECTS_TURN;
}

bool effects_empty(const struct effects *e)
{
  return e->n == 0;
}

static void carry_out(const struct effects *e, const struct effect *f, const struct hub_effects *to)
{
  const uint8_t *bytes = e->bytes.p ? e->bytes.p + f->at : NULL;
  switch (f->kind) {
  case EFFECT_SEND:
    to->send(to->context, &f->peer, slice_of(bytes, f->n));
    break;
  case EFFECT_CUT:
    to->cut(to->context, &f->peer);
    break;
  case EFFECT_ALLOW:
    to->allow(to->context, (const struct hub_peer *)(const void *)bytes, f->n / sizeof(struct hub_peer));
    break;
  case EFFECT_TELL:
    if (to->tell)
      to->tell(to->context, &f->told->event);
    break;
  }
}

static void clear(struct effects *e)
{
  forget(e);
  if (e->bytes.cap > KEPT)
    buf_free(&e->bytes);
  else
    buf_clear(&e->bytes);
}

/* Peers for whom something waits: few, or nothing more goes ahead. */
struct barred {
  const struct seal_pk *peer[BARRED];
  size_t n;
};

static bool is_barred(const struct barred *b, const struct seal_pk *peer)
{
  for (size_t i = 0; i < b->n; i++)
    if (seal_pk_eq(b->peer[i], peer))
      return true;
  return false;
}

bool effects_advance(struct effects *e, const struct hub_effects *to)
{
  struct barred barred = {.n = 0};
  size_t kept = 0, n = e->n;
  bool open = true;
  for (size_t i = 0; i < n; i++) {
    const struct effect *f = &e->list[i];
    open = open && f->kind != EFFECT_ALLOW && barred.n < BARRED;
    if (open && f->settled && !is_barred(&barred, &f->peer)) {
      carry_out(e, f, to);
      continue;
    }
    e->list[kept] = *f;
    if (open && (f->kind == EFFECT_SEND || f->kind == EFFECT_CUT))
      barred.peer[barred.n++] = &e->list[kept].peer;
    kept++;
  }
  e->n = kept;
  if (!kept)
    clear(e);
  return kept != n;
}

void effects_flush(struct effects *e, const struct hub_effects *to)
{
  for (size_t i = 0; i < e->n; i++)
    carry_out(e, &e->list[i], to);
  clear(e);
}
