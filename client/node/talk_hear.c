/* What the hub says: first the checkpoint of a frame, then the frame to whom it concerns. */
#include "client/node/talk_inside.h"

#include "client/node/arrivals.h"
#include "client/node/errands.h"
#include "client/node/gossip.h"
#include "client/node/outbox.h"
#include "client/node/papers.h"
#include "client/node/relog.h"
#include "client/node/says.h"
#include "client/node/stated.h"
#include "client/node/watch.h"

#include <stdio.h>

enum { STRIKES_MAX = 16 };
static const tg_time CLOCK_TOLERATED = 5 * TG_MINUTE;

static enum tg_err check_clock(struct node_core *core, uint64_t hub_time)
{
  struct tg_why why;
  char minutes[32];
  core->hub_ahead = (tg_time)hub_time - core->now.wall;
  tg_time off = core->hub_ahead < 0 ? -core->hub_ahead : core->hub_ahead;
  if (off <= CLOCK_TOLERATED) {
    if (core->clock_told)
      watch_cosign_again(core);
    core->clock_told = false;
    return steady_agreed(core);
  }
  if (core->clock_told)
    return TG_OK;
  core->clock_told = true;
  snprintf(minutes, sizeof minutes, "%lld", (long long)(off / TG_MINUTE));
  why_set(&why, TG_EXPIRED, NULL, N_("this machine's clock and the hub's differ by %1$s minutes"),
          N_("set the clock: bulletins that seem to come from the future, or to be expired, are refused"), minutes, NULL,
          NULL);
  return core_tell(core, NODE_ERROR, "clock-far-off", NULL, core->talk->hub, 0, &why);
}

static enum tg_err on_welcome(struct node_core *core, const ProtobufCMessage *message)
{
  const Tg__Welcome *welcome = (const Tg__Welcome *)message;
  struct talk *t = core->talk;
  if (welcome->protocol != 1)
    return talk_end(core, REASON_PROTOCOL, "protocol version");
  t->state = TALK_OPEN;
  t->shows = false;
  t->refused_by[0] = 0;
  t->vouched = 0; /* a Hello's cosignature is not counted */
  gossip_welcome(core);
  stated_welcome(core);
  t->rest_ms = TALK_REST_FIRST_MS;
  t->inline_body = welcome->max_inline_body;
  t->max_frame = welcome->max_frame && welcome->max_frame < LIMIT_FRAME ? (size_t)welcome->max_frame : LIMIT_FRAME;
  const bool only_looks = talk_round_welcome(core);
  enum tg_err err = core_tell(core, only_looks ? NODE_DEBUG : NODE_NOTICE, "connected", NULL, t->hub, watch_size(core), NULL);
  if (err == TG_OK)
    err = check_clock(core, welcome->time);
  if (err == TG_OK)
    err = relog_welcome(core);
  if (err == TG_OK)
    err = papers_welcome(core);
  if (err == TG_OK)
    err = says_welcome(core, welcome->receipts_serial);
  return err == TG_OK ? outbox_welcome(core, welcome->last_number, data_slice(welcome->parked)) : err;
}

static enum tg_err on_goodbye(struct node_core *core, const ProtobufCMessage *message)
{
  const Tg__Goodbye *goodbye = (const Tg__Goodbye *)message;
  struct tg_why why;
  char detail[128];
  const enum reason reason = (enum reason)goodbye->reason;
  const enum talk_state before = core->talk->state;
  struct slice text = data_slice(goodbye->detail);
  snprintf(detail, sizeof detail, "%.*s", (int)(text.n < 127 ? text.n : 127), text.n ? (const char *)text.p : "");
  enum tg_err err = arrivals_take_all(core); /* the frame is gone now */
  if (err != TG_OK || core->talk->state != before)
    return err;
  core->talk->shows = before == TALK_GREETING;
  gossip_goodbye(core);
  why_set(&why, TG_UNREACHABLE, core->talk->hub, N_("the hub closed the session (%1$s). %2$s"), NULL,
          reason_name(reason), detail, NULL);
  const bool refused = reason == REASON_REVOKED || reason == REASON_CREDENTIAL;
  bool ours = refused || reason == REASON_STANDING || reason == REASON_ABUSE;
  if (refused)
    talk_refused(core);
  err = core_tell(core, ours ? NODE_ERROR : NODE_NOTICE, "session-closed", NULL, core->talk->hub, reason, &why);
  if (err == TG_OK && refused)
    err = errands_turned_out(core);
  return err == TG_OK ? talk_next(core, ours ? TALK_REST_MAX_MS / 2 : 0) : err;
}

static enum tg_err on_tick(struct node_core *core, const ProtobufCMessage *message)
{
  const struct charter *charter = core_charter(core);
  const Tg__Tick *frame = (const Tg__Tick *)message;
  const bool is_asked = frame->checkpoint.len && core->secrets->witness && charter && charter->witness_quorum.n &&
                        watch_size(core) != core->talk->vouched;
  const bool was_off = core->clock_told;
  enum tg_err err = check_clock(core, frame->time);
  /* Cosignatures from the future counted for nothing, ours at the hub or others' here, and are not said twice in a session. */
  if (err == TG_OK && was_off && !core->clock_told)
    return talk_again(core);
  if (err == TG_OK)
    err = gossip_answer(core, data_slice(frame->other), data_slice(frame->other_path));
  /* The hub calls its witnesses by a Tick. */
  return err == TG_OK && is_asked && talk_is_open(core) ? talk_tick(core, slice_of(NULL, 0), true) : err;
}

static enum tg_err on_want(struct node_core *core, const ProtobufCMessage *m) { return outbox_want(core, (const Tg__Want *)m); }
static enum tg_err on_chunk(struct node_core *core, const ProtobufCMessage *m)
{
  return arrivals_chunk(core, (const Tg__Chunk *)m);
}
static enum tg_err on_outcomes(struct node_core *core, const ProtobufCMessage *m)
{
  return outbox_outcomes(core, (const Tg__Outcomes *)m);
}
static enum tg_err on_deliver(struct node_core *core, const ProtobufCMessage *m)
{
  return arrivals_deliver(core, (const Tg__Deliver *)m);
}
static enum tg_err on_receipt_notes(struct node_core *core, const ProtobufCMessage *m)
{
  return outbox_receipts(core, (const Tg__ReceiptNotes *)m);
}
static enum tg_err on_receipts_seen(struct node_core *core, const ProtobufCMessage *m)
{
  return says_seen(core, (const Tg__ReceiptsSeen *)m);
}
static enum tg_err on_documents(struct node_core *core, const ProtobufCMessage *m)
{
  return papers_from_hub(core, (const Tg__Documents *)m);
}
static enum tg_err on_document_outcomes(struct node_core *core, const ProtobufCMessage *m)
{
  return errands_outcomes(core, (const Tg__DocumentOutcomes *)m);
}

static enum tg_err on_receipts_logged(struct node_core *core, const ProtobufCMessage *m)
{
  return stated_take(core, (const Tg__ReceiptsLogged *)m);
}

/* Where a frame carries its checkpoint: offsets into the message; 0: it has none (no field stands at 0). */
struct handler {
  enum frame_type type;
  enum tg_err (*take)(struct node_core *core, const ProtobufCMessage *message);
  size_t checkpoint, consistency;
};

static const struct handler handlers[] = {
    {FRAME_WELCOME, on_welcome, offsetof(Tg__Welcome, checkpoint), offsetof(Tg__Welcome, consistency)},
    {FRAME_GOODBYE, on_goodbye, 0, 0},
    {FRAME_WANT, on_want, 0, 0},
    {FRAME_CHUNK, on_chunk, 0, 0},
    {FRAME_OUTCOMES, on_outcomes, offsetof(Tg__Outcomes, checkpoint), offsetof(Tg__Outcomes, consistency)},
    {FRAME_DELIVER, on_deliver, offsetof(Tg__Deliver, checkpoint), offsetof(Tg__Deliver, consistency)},
    {FRAME_RECEIPT_NOTES, on_receipt_notes, offsetof(Tg__ReceiptNotes, checkpoint), offsetof(Tg__ReceiptNotes, consistency)},
    {FRAME_RECEIPTS_SEEN, on_receipts_seen, 0, 0},
    {FRAME_DOCUMENTS, on_documents, offsetof(Tg__Documents, checkpoint), offsetof(Tg__Documents, consistency)},
    {FRAME_DOCUMENT_OUTCOMES, on_document_outcomes, offsetof(Tg__DocumentOutcomes, checkpoint),
     offsetof(Tg__DocumentOutcomes, consistency)},
    {FRAME_RECEIPTS_LOGGED, on_receipts_logged, offsetof(Tg__ReceiptsLogged, checkpoint), offsetof(Tg__ReceiptsLogged, consistency)},
    {FRAME_TICK, on_tick, offsetof(Tg__Tick, checkpoint), offsetof(Tg__Tick, consistency)},
};

static struct slice field(const ProtobufCMessage *message, size_t offset)
{
  return data_slice(*(const ProtobufCBinaryData *)(const void *)((const uint8_t *)message + offset));
}

/* The checkpoint first: nothing in a frame is looked at under a checkpoint that is not part of the chain. */
static enum tg_err take_checkpoint(struct node_core *core, const struct handler *handler, const ProtobufCMessage *message,
                                   bool *ret_go_on)
{
  struct tg_why why = {0};
  enum watch_verdict verdict = WATCH_CHAINED;
  enum tg_err err = TG_OK;
  uint64_t settled = watch_settled(core);
  if (handler->checkpoint)
    err = watch_take(core, field(message, handler->checkpoint), field(message, handler->consistency), &verdict, &why);
  *ret_go_on = err == TG_OK && verdict == WATCH_CHAINED;
  if (err != TG_OK)
    return err;
  if (verdict == WATCH_CHAINED)
    return watch_settled(core) != settled ? outbox_settled(core) : TG_OK;
  if (verdict == WATCH_BROKEN)
    err = core_tell(core, NODE_ALARM, "checkpoint-not-proven", NULL, core->talk->hub, watch_size(core), &why);
  return err == TG_OK ? talk_end(core, REASON_CONFLICT, "checkpoint") : err;
}

static const struct handler *handler_of(enum frame_type type)
{
  for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
    if (handlers[i].type == type)
      return &handlers[i];
  return NULL;
}

/* Two connections' frames may mix at the hub: it answers a Hello of an earlier one late, and then believes that session to be the
   newest. While we wait, such a Welcome is passed over; once we are in session the two of us have different chains, and begin anew.
   Nobody cheats. */
static bool is_of_another_session(const struct talk *t, const ProtobufCMessage *message)
{
  const Tg__Welcome *welcome = (const Tg__Welcome *)message;
  return t->state != TALK_GREETING || !slice_eq(data_slice(welcome->session), slice_of(t->session, sizeof t->session));
}

enum tg_err talk_frame(struct node_core *core, struct slice frame)
{
  struct talk *t = core->talk;
  const struct frame_kind *kind;
  ProtobufCMessage *message;
  struct tg_why why = {0};
  if (t->state != TALK_GREETING && t->state != TALK_OPEN)
    return TG_OK;
  enum tg_err err = frame_decode(frame, FRAME_TO_NODE, core->arena, &kind, &message, &why);
  if (err == TG_NO_MEMORY)
    return err;
  const struct handler *handler = err == TG_OK ? handler_of(kind->type) : NULL;
  if (!handler)
    return talk_strike(core, "frame-malformed", NULL, &why);
  bool early = t->state == TALK_GREETING && kind->type != FRAME_WELCOME && kind->type != FRAME_GOODBYE;
  if (early)
    return TG_OK; /* of an earlier session, still under way */
  if (kind->type == FRAME_WELCOME && is_of_another_session(t, message))
    return t->state == TALK_GREETING ? TG_OK : talk_end(core, REASON_CONFLICT, "welcome");
  t->heard = core->now.mono;
  if (kind->type != FRAME_TICK)
    t->given = core->now.mono;
  bool go_on;
  err = take_checkpoint(core, handler, message, &go_on);
  return err == TG_OK && go_on ? handler->take(core, message) : err;
}

enum tg_err talk_strike(struct node_core *core, const char *name, const struct hash *subject, const struct tg_why *why)
{
  struct talk *t = core->talk;
  enum tg_err err = core_tell(core, NODE_ALARM, name, subject, t->hub, ++t->strikes, why);
  if (err != TG_OK || t->strikes < STRIKES_MAX || t->state != TALK_OPEN)
    return err;
  return talk_end(core, REASON_ABUSE, "malformed or forged items");
}
