#include "broker/station.h"

#include "broker/cosign.h"
#include "broker/dispatch.h"
#include "broker/gossip.h"
#include "broker/notes.h"
#include "broker/receipts.h"
#include "broker/registry.h"
#include "broker/sequence.h"
#include "broker/stated.h"
#include "broker/upload.h"
#include "broker/verify.h"

#include <stdlib.h>

/* Each handler returns with *ret_bad set when something in the message was malformed or forged: one strike.
   The session may be gone when it returns. */
typedef enum tg_err handler(struct hub *hub, struct session *s, const ProtobufCMessage *message,
                            bool *ret_bad, struct tg_why *why);

static bool is_attack(const struct passage *p)
{
  return p->state == PASSAGE_FORGED ||
         (p->state == PASSAGE_DECIDED && (p->reason == REASON_MALFORMED || p->reason == REASON_SEAL));
}

/* A Submit that is being taken in, with the memory that it was taken apart in. */
struct rest {
  struct arena *arena; /* NULL: the hub's own, and it is done with before the next frame */
  const Tg__Submit *message;
  size_t at, part; /* the next item; so many are taken in at a time */
  size_t bytes;    /* of the frame */
};

static enum tg_err take_in(struct hub *hub, struct session *s, const Tg__Submission *item)
{
  struct party *party = s->party;
  const struct seal_pk peer = s->peer;
  struct passage p = {.party = party, .message = item};
  /* Refusals are logged for ever as well: they have the same limit as what is accepted, apart. */
  if (!allowance_take(&party->refusals, hub_limits(hub)->bulletins_per_hour, 1, hub->now.mono))
    return session_close(hub, s, REASON_QUOTA, END_SAY | END_CUT);
  p.node = directory_node(hub->rules.directory, &party->identity);
  arena_reset(hub->item);
  enum tg_err err = verify(hub, &p);
  if (!err)
    err = sequence(hub, &p);
  if (!err && p.reason == REASON_NONE)
    allowance_return(&party->refusals, 1);
  if (!err && is_attack(&p))
    err = session_strike(hub, party, &peer, &p.why);
  return err;
}

/* One part. Afterwards the session may be gone, and the rest of its Submit with it. */
static enum tg_err take_part(struct hub *hub, struct session *s, struct rest *rest)
{
  const struct party *party = s->party;
  const size_t from = rest->at, all = rest->message->n_items, below = all - from > rest->part ? from + rest->part : all;
  const Tg__Submit *m = rest->message;
  enum tg_err err = TG_OK;
  hub->due = hub->heard = true;
  rest->at = below;
  for (size_t i = from; !err && i < below && party->session == s; i++)
    err = take_in(hub, s, m->items[i]);
  return err;
}

/* The memory of the frame at hand goes to the session, and the hub gets another. */
static enum tg_err keep_rest(struct hub *hub, struct session *s, const struct rest *rest)
{
  struct arena *fresh = arena_is_starved(hub->frame) ? NULL : hub_frame_arena();
  s->rest = fresh ? malloc(sizeof *s->rest) : NULL;
  if (!s->rest) {
    arena_free(fresh);
    return TG_NO_MEMORY;
  }
  *s->rest = *rest;
  s->rest->arena = hub->frame;
  hub->frame = fresh;
  return TG_OK;
}

void station_forget(struct session *s)
{
  if (s->rest)
    arena_free(s->rest->arena);
  free(s->rest);
  s->rest = NULL;
}

/* How many items of a frame are about a part of it: they are mostly alike. */
static size_t items_of_part(const struct hub *hub, size_t items, size_t bytes)
{
  const size_t n = bytes ? items * hub->config.part / bytes : items;
  return n ? n : 1;
}

/* About so many bytes of it; some, as long as an item is left. */
static size_t bytes_left(const struct rest *rest)
{
  const size_t all = rest->message->n_items;
  return rest->at < all ? rest->bytes * (all - rest->at) / all : 0;
}

static enum tg_err submit(struct hub *hub, struct session *s, const Tg__Submit *m, size_t bytes, size_t *ret_left)
{
  const struct party *party = s->party;
  struct rest rest = {.message = m, .part = items_of_part(hub, m->n_items, bytes), .bytes = bytes};
  enum tg_err err = take_part(hub, s, &rest);
  if (err || rest.at == m->n_items || party->session != s)
    return err;
  *ret_left = bytes_left(&rest);
  return keep_rest(hub, s, &rest);
}

enum tg_err station_go_on(struct hub *hub, struct session *s, size_t *ret_left)
{
  const struct party *party = s->party;
  struct rest *rest = s->rest;
  *ret_left = 0;
  if (!rest)
    return TG_OK;
  s->rest = NULL; /* it outlives the session until the part is done */
  hub->stirred = hub->now.mono;
  s->heard = hub->now.mono;
  enum tg_err err = take_part(hub, s, rest);
  struct session *same = party->session == s ? s : NULL;
  *ret_left = !err && same ? bytes_left(rest) : 0;
  if (*ret_left) {
    s->rest = rest;
    return TG_OK;
  }
  arena_free(rest->arena);
  free(rest);
  return err;
}

static enum tg_err on_want(struct hub *hub, struct session *s, const ProtobufCMessage *message, bool *ret_bad,
                           struct tg_why *why)
{
  (void)ret_bad, (void)why;
  return dispatch_want(hub, s, (const Tg__Want *)message);
}

static enum tg_err on_chunk(struct hub *hub, struct session *s, const ProtobufCMessage *message,
                            bool *ret_bad, struct tg_why *why)
{
  arena_reset(hub->item);
  enum tg_err err = upload_chunk(hub, s, (const Tg__Chunk *)message, ret_bad);
  if (*ret_bad)
    why_set(why, TG_BAD_INPUT, "Chunk.sealed", N_("a chunk has not the size it must have"), NULL, NULL, NULL,
            NULL);
  return err;
}

static enum tg_err on_receipts(struct hub *hub, struct session *s, const ProtobufCMessage *message,
                               bool *ret_bad, struct tg_why *why)
{
  return receipts_take(hub, s, (const Tg__Receipts *)message, ret_bad, why);
}

static enum tg_err on_receipts_seen(struct hub *hub, struct session *s, const ProtobufCMessage *message,
                                    bool *ret_bad, struct tg_why *why)
{
  (void)ret_bad, (void)why;
  return notes_seen(hub, s, (const Tg__ReceiptsSeen *)message);
}

static enum tg_err on_receipts_wanted(struct hub *hub, struct session *s, const ProtobufCMessage *message,
                                      bool *ret_bad, struct tg_why *why)
{
  (void)ret_bad, (void)why;
  return stated_want(hub, s, (const Tg__ReceiptsWanted *)message);
}

static enum tg_err on_documents(struct hub *hub, struct session *s, const ProtobufCMessage *message,
                                bool *ret_bad, struct tg_why *why)
{
  const Tg__Documents *m = (const Tg__Documents *)message;
  (void)ret_bad, (void)why;
  enum tg_err err = TG_OK;
  for (size_t i = 0; !err && i < m->n_items; i++)
    err = registry_take(hub, s, m->items[i]);
  return err;
}

static enum tg_err on_tick(struct hub *hub, struct session *s, const ProtobufCMessage *message, bool *ret_bad,
                           struct tg_why *why)
{
  const Tg__Tick *m = (const Tg__Tick *)message;
  struct party *party = s->party;
  bool ended = false;
  (void)ret_bad, (void)why;
  enum tg_err err = cosign_take(hub, s, strict_slice(m->checkpoint));
  return err || party->session != s ? err : gossip_prove(hub, s, strict_slice(m->other), &ended);
}

static enum tg_err on_goodbye(struct hub *hub, struct session *s, const ProtobufCMessage *message,
                              bool *ret_bad, struct tg_why *why)
{
  (void)message, (void)ret_bad, (void)why;
  return session_close(hub, s, REASON_CLOSED, END_QUIETLY);
}

/* By frame type; Hello is dealt with apart, for it makes the session that these have, and so is Submit, of which a part is taken in at a time. checkpoint: where the message has the
   newest that the node saw; 0: it has none, or its handler looks at it. idle: nobody waits for what it changes, if it changes anything. */
static const struct {
  handler *take;
  size_t checkpoint;
  bool idle;
} handlers[] = {
    [FRAME_GOODBYE] = {on_goodbye, 0, false},
    [FRAME_SUBMIT] = {NULL, offsetof(Tg__Submit, checkpoint), false},
    [FRAME_WANT] = {on_want, 0, true},
    [FRAME_CHUNK] = {on_chunk, 0, false},
    [FRAME_RECEIPTS] = {on_receipts, offsetof(Tg__Receipts, checkpoint), false},
    [FRAME_RECEIPTS_SEEN] = {on_receipts_seen, 0, true},
    [FRAME_DOCUMENTS] = {on_documents, offsetof(Tg__Documents, checkpoint), false},
    [FRAME_TICK] = {on_tick, 0, false},
    [FRAME_RECEIPTS_WANTED] = {on_receipts_wanted, 0, true},
};

static enum tg_err hear(struct hub *hub, struct session *s, const ProtobufCMessage *message, size_t checkpoint, bool *ret_ended)
{
  const uint8_t *at = (const uint8_t *)message + checkpoint;
  *ret_ended = false;
  return checkpoint ? gossip_heard(hub, s, strict_slice(*(const ProtobufCBinaryData *)(const void *)at), ret_ended) : TG_OK;
}

static enum tg_err hello(struct hub *hub, const struct seal_pk *peer, struct party *party,
                         const ProtobufCMessage *message)
{
  arena_reset(hub->reply);
  enum tg_err err = session_hello(hub, peer, party, (const Tg__Hello *)message);
  return err || !party->session ? err : upload_resume(hub, party->session);
}

/* All that it said before comes first. */
static enum tg_err finish(struct hub *hub, const struct seal_pk *peer, struct party *party)
{
  enum tg_err err = TG_OK;
  for (size_t left = 1; !err && left && party->session && seal_pk_eq(&party->session->peer, peer);)
    err = station_go_on(hub, party->session, &left);
  return err;
}

enum tg_err station_frame(struct hub *hub, const struct seal_pk *peer, struct party *party,
                          struct slice frame, size_t *ret_left)
{
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  struct tg_why why = {0};
  bool bad = false;
  *ret_left = 0;
  enum tg_err err = finish(hub, peer, party);
  if (err)
    return err;
  arena_reset(hub->frame);
  hub->counts.frames++;
  if (frame.n > hub_limits(hub)->frame) {
    why_set(&why, TG_TOO_BIG, "frame", N_("this frame is longer than the charter allows"), NULL, NULL, NULL,
            NULL);
    return session_strike(hub, party, peer, &why);
  }
  err = frame_decode(frame, FRAME_TO_HUB, hub->frame, &kind, &message, &why);
  if (err)
    return err == TG_NO_MEMORY ? err : session_strike(hub, party, peer, &why);
  hub->heard = true;
  if (kind->type != FRAME_TICK) /* an idle node's sign of life */
    hub->stirred = hub->now.mono;
  hub->due |= kind->type == FRAME_HELLO || !handlers[kind->type].idle;
  if (kind->type == FRAME_HELLO)
    return hello(hub, peer, party, message);
  struct session *s = party->session;
  if (!s || !seal_pk_eq(&s->peer, peer))
    return kind->type == FRAME_GOODBYE
               ? TG_OK
               : session_turn_away(hub, peer, REASON_RESTARTED, reason_sentence(REASON_RESTARTED));
  s->heard = hub->now.mono;
  bool ended;
  err = hear(hub, s, message, handlers[kind->type].checkpoint, &ended);
  if (err || ended)
    return err;
  if (kind->type == FRAME_SUBMIT)
    return submit(hub, s, (const Tg__Submit *)message, frame.n, ret_left);
  err = handlers[kind->type].take(hub, s, message, &bad, &why);
  return err || !bad ? err : session_strike(hub, party, peer, &why);
}
