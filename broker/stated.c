#include "broker/stated.h"

#include "broker/reply.h"
#include "broker/store_document.h"

enum {
  STEP = 4096,     /* places of the log that one answer covers at the most, and does when nothing is in them */
  LOOKS = 256,     /* rows of anybody's that are looked at in a turn of the hub, whoever asks */
  PER_HOUR = 3600, /* answers to one member's nodes */
  LEAST = 64,      /* bytes of a receipt */
  PIECES = 4,      /* a slow line is busy for so many pieces at the most (pace.h) */
};

enum tg_err stated_want(struct hub *hub, struct session *s, const Tg__ReceiptsWanted *m)
{
  if (!allowance_take(&hub->parties.member[s->member].stated, PER_HOUR, 1, hub->now.mono))
    return TG_OK;
  s->stated = s->stated_at = m->from;
  s->work |= WORK_STATED;
  return TG_OK;
}

/* Bytes of items in one answer. */
static size_t room_for(const struct hub *hub, const struct session *s)
{
  const size_t most = reply_room(hub) / 2;
  return s->pace.rate ? PIECES * pace_piece(&s->pace, most / PIECES) : most;
}

/* The batch as it was signed, unless there is more of it than room. */
static enum tg_err add_batch(struct hub *hub, uint64_t leaf, size_t room, Tg__StatedReceipts *m)
{
  struct slice rest, signature, receipt;
  uint16_t length;
  uint64_t bytes;
  size_t n = 0;
  enum tg_err err = store_said_size(hub->store, leaf, &bytes);
  if (!err && bytes > room)
    return TG_OK;
  if (!err)
    err = store_said(hub->store, leaf, hub->reply, &rest);
  if (err)
    return err == TG_NOT_FOUND ? TG_DISK : err; /* kept for ever */
  ProtobufCBinaryData *items = arena_alloc(hub->reply, (rest.n / LEAST + 1) * sizeof *items);
  if (!items)
    return TG_NO_MEMORY;
  if (!take(&rest, sizeof(struct sign_sig), &signature))
    return TG_DISK;
  for (; rest.n; n++) {
    if (!take_u16(&rest, &length) || length < LEAST || !take(&rest, length, &receipt))
      return TG_DISK;
    items[n] = strict_data(receipt);
  }
  m->signature = strict_data(signature);
  m->items = items;
  m->n_items = n;
  return TG_OK;
}

static enum tg_err make(struct hub *hub, uint64_t leaf, size_t room, Tg__StatedReceipts **ret)
{
  struct opening o;
  Tg__StatedReceipts *m = arena_alloc(hub->reply, sizeof *m);
  if (!m)
    return TG_NO_MEMORY;
  tg__stated_receipts__init(m);
  enum tg_err err = logbook_opening(hub->log, leaf, hub->reply, &o);
  if (err)
    return err;
  m->entry = strict_data(o.entry);
  m->salt = strict_data(o.salt);
  m->leaf = leaf;
  m->path = strict_data(o.path);
  *ret = m;
  return add_batch(hub, leaf, room, m);
}

/* Those at the places of `leaf`, as far as there is room; at least the first. */
static enum tg_err fill(struct hub *hub, size_t room, const uint64_t *leaf, size_t n, Tg__ReceiptsLogged *m)
{
  size_t size = 0;
  m->items = arena_alloc(hub->reply, (n + 1) * sizeof(void *));
  if (!m->items)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < n; i++) {
    Tg__StatedReceipts *one;
    enum tg_err err = make(hub, leaf[i], room, &one);
    if (err)
      return err;
    const size_t takes = tg__stated_receipts__get_packed_size(one) + REPLY_ITEM;
    if (i && size + takes > room) {
      m->upto = leaf[i];
      return TG_OK;
    }
    size += takes;
    m->items[m->n_items++] = one;
  }
  return TG_OK;
}

/* Its own from where it is known that there are none below, as many as this turn may look for. *ret_done: there are some, or none up to *upto as it was; else the next turn goes on. */
static enum tg_err look(struct hub *hub, struct session *s, uint64_t *upto, uint64_t leaf[REPLY_ITEMS], size_t *ret_n, bool *ret_done)
{
  const uint64_t goal = *upto;
  size_t rows = LOOKS - hub->looked;
  *ret_done = false;
  if (rows == 0)
    return TG_OK;
  enum tg_err err = store_said_of(hub->store, &s->party->identity, s->stated_at, upto, &rows, leaf, REPLY_ITEMS, ret_n);
  if (err)
    return err;
  hub->looked += rows;
  s->stated_at = *upto;
  *ret_done = *ret_n > 0 || *upto == goal;
  return TG_OK;
}

enum tg_err stated_send(struct hub *hub, struct session *s, bool *ret_more)
{
  const uint64_t end = logbook_signed_size(hub->log), from = s->stated < end ? s->stated : end;
  Tg__ReceiptsLogged m = TG__RECEIPTS_LOGGED__INIT;
  uint64_t leaf[REPLY_ITEMS];
  size_t n = 0;
  bool done;
  (void)ret_more;
  if (!session_may_send(hub, s))
    return TG_OK;
  m.from = s->stated;
  m.upto = end - from < STEP ? end : from + STEP;
  enum tg_err err = look(hub, s, &m.upto, leaf, &n, &done);
  if (err || !done) {
    hub->hurry = true;
    return err;
  }
  s->work &= ~(unsigned)WORK_STATED;
  arena_reset(hub->reply);
  err = fill(hub, room_for(hub, s), leaf, n, &m);
  if (!err)
    err = session_chain(hub, s, &m.checkpoint, &m.consistency);
  return err ? err : session_send(hub, s, FRAME_RECEIPTS_LOGGED, &m.base);
}
