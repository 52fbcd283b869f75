#include "client/node/talk.h"

#include "audit/reason.h"
#include "client/node/arrivals.h"
#include "client/node/gossip.h"
#include "client/node/outbox.h"
#include "client/node/papers.h"
#include "client/node/says.h"
#include "client/node/watch.h"

#include <stdio.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
  CANDIDATES_MAX = 32,
  GREETING_MS = 30 * 1000, /* from the link's coming up to Welcome */
  SWITCH_MS = 20 * 1000,   /* without a connection, until the next hub is tried */
  REST_FIRST_MS = 500,
  REST_MAX_MS = 60 * 1000,
  STRIKES_MAX = 16,
  SILENT_TICKS = 3,
  ARRIVING_MAX = 256, /* as many as a Hello has room for */
};
static const tg_time DEFAULT_TICK = 15 * TG_SECOND;
static const tg_time CLOCK_TOLERATED = 5 * TG_MINUTE;

/* A hub under one of its addresses. */
struct candidate {
  char hub[LABEL_MAX + 1];
  char endpoint[ENDPOINT_MAX + 1];
};

/* Invariants: current < n unless n is 0, and then state is TALK_ALONE; hub names whose session it is, "" outside CONNECTING, GREETING
   and OPEN. */
struct talk {
  enum talk_state state;
  size_t n, current;
  struct candidate candidates[CANDIDATES_MAX];
  char hub[LABEL_MAX + 1];
  uint8_t session[16];
  int64_t rest_ms, deadline; /* of RESTING, GREETING, and of CONNECTING when there is another hub */
  int64_t heard, said;       /* the last frame each way */
  uint64_t vouched;          /* size of the checkpoint that we cosigned in a Tick of this session last */
  unsigned strikes;
  uint64_t inline_body;
  size_t max_frame;
  bool full, stopped;
  struct pace pace; /* of the line */
};

const char *talk_state_name(enum talk_state state)
{
  switch (state) {
  case TALK_ALONE:
    return N_("alone");
  case TALK_RESTING:
    return N_("resting");
  case TALK_CONNECTING:
    return N_("connecting");
  case TALK_GREETING:
    return N_("greeting");
  case TALK_OPEN:
    return N_("open");
  }
  return "?";
}

struct talk *talk_new(void)
{
  struct talk *t = calloc(1, sizeof *t);
  if (t)
    t->rest_ms = REST_FIRST_MS;
  return t;
}

void talk_free(struct talk *t) { free(t); }

bool talk_is_open(const struct node_core *core) { return core->talk->state == TALK_OPEN; }
enum talk_state talk_state(const struct node_core *core) { return core->talk->state; }
const char *talk_hub(const struct node_core *core) { return core->talk->hub; }
uint64_t talk_inline_body(const struct node_core *core) { return core->talk->inline_body; }
size_t talk_max_frame(const struct node_core *core) { return core->talk->max_frame; }
void talk_queued(struct node_core *core, size_t bytes) { core->talk->full = bytes >= NODE_FULL; }
void talk_drained(struct node_core *core) { core->talk->full = false; }
bool talk_has_room(const struct node_core *core)
{
  const struct talk *t = core->talk;
  return talk_is_open(core) && !t->full && pace_is_free(&t->pace, core->now.mono);
}

size_t talk_piece(const struct node_core *core, size_t most) { return pace_piece(&core->talk->pace, most); }
bool talk_is_slow(const struct node_core *core) { return core->talk->pace.rate != 0; }

void talk_wake_when_free(struct node_core *core)
{
  const struct talk *t = core->talk;
  if (talk_is_open(core) && !t->full && !pace_is_free(&t->pace, core->now.mono))
    core_wake_at(core, pace_due(&t->pace));
}

static tg_time tick_of(const struct node_core *core) { return core->config->tick ? core->config->tick : DEFAULT_TICK; }

/* ---- sending ---- */

static enum tg_err send(struct node_core *core, enum frame_type type, const ProtobufCMessage *message)
{
  struct tg_why why = {0};
  buf_clear(&core->frame);
  enum tg_err err = frame_encode(type, message, &core->frame, &why);
  if (err != TG_OK) /* we made it: a limit of ours and one of the frame's disagree */
    return tg_exit_code(err) == 5 ? err : core_tell(core, NODE_ERROR, "frame-not-made", NULL, NULL, type, &why);
  core->talk->said = core->now.mono;
  pace_spend(&core->talk->pace, core->now.mono, core->frame.n);
  return orders_to_hub(core->orders, buf_slice(&core->frame));
}

enum tg_err talk_send(struct node_core *core, enum frame_type type, const ProtobufCMessage *message)
{
  return talk_is_open(core) ? send(core, type, message) : TG_OK;
}

static enum tg_err tick(struct node_core *core, struct slice other)
{
  Tg__Tick frame = TG__TICK__INIT;
  frame.time = (uint64_t)core->now.wall;
  frame.checkpoint = slice_data(watch_note(core));
  frame.other = slice_data(other);
  core->talk->vouched = watch_size(core);
  return send(core, FRAME_TICK, &frame.base);
}

enum tg_err talk_ask(struct node_core *core, struct slice other) { return talk_is_open(core) ? tick(core, other) : TG_OK; }

/* ---- where to connect ---- */

static void add_candidate(struct talk *t, const char *hub, const char *endpoint)
{
  if (t->n == CANDIDATES_MAX)
    return;
  struct candidate *c = &t->candidates[t->n++];
  snprintf(c->hub, sizeof c->hub, "%s", hub);
  snprintf(c->endpoint, sizeof c->endpoint, "%s", endpoint);
}

static void add_hub(struct talk *t, const struct charter_hub *hub, const char *endpoint)
{
  if (endpoint)
    add_candidate(t, hub->name, endpoint);
  else
    for (size_t i = 0; i < hub->n_endpoints; i++)
      add_candidate(t, hub->name, hub->endpoint[i]);
}

static void list_candidates(struct node_core *core)
{
  struct talk *t = core->talk;
  const struct charter *charter = core_charter(core);
  const struct node_config *config = core->config;
  t->n = 0;
  if (!charter)
    return;
  if (!config->hubs || !config->hubs[0]) {
    for (size_t i = 0; i < charter->n_hubs; i++)
      add_hub(t, &charter->hub[i], NULL);
    return;
  }
  for (size_t i = 0; config->hubs[i]; i++) {
    const struct charter_hub *hub = charter_hub(charter, slice_str(config->hubs[i]));
    if (hub)
      add_hub(t, hub, config->endpoints ? config->endpoints[i] : NULL);
  }
}

/* Waits, longer each time, with jitter so that a hundred nodes do not come back at once. */
static enum tg_err rest(struct node_core *core, int64_t at_least)
{
  struct talk *t = core->talk;
  int64_t ms = t->rest_ms > at_least ? t->rest_ms : at_least;
  t->state = t->n ? TALK_RESTING : TALK_ALONE;
  t->hub[0] = 0;
  t->deadline = core->now.mono + ms / 2 + (int64_t)randombytes_uniform((uint32_t)ms);
  t->rest_ms = t->rest_ms * 2 < REST_MAX_MS ? t->rest_ms * 2 : REST_MAX_MS;
  return orders_connect(core->orders, NULL, NULL);
}

static enum tg_err connect_now(struct node_core *core)
{
  struct talk *t = core->talk;
  const struct charter *charter = core_charter(core);
  for (size_t tried = 0; charter && tried < t->n; tried++) {
    const struct candidate *c = &t->candidates[t->current];
    const struct charter_hub *hub = charter_hub(charter, slice_str(c->hub));
    bool forked = true;
    enum tg_err err = hub ? watch_is_forked(core, hub, &forked) : TG_OK;
    if (err != TG_OK)
      return err;
    if (!forked) {
      t->state = TALK_CONNECTING;
      snprintf(t->hub, sizeof t->hub, "%s", c->hub);
      t->deadline = t->n > 1 ? core->now.mono + SWITCH_MS : INT64_MAX;
      err = orders_connect(core->orders, c->endpoint, &hub->transport);
      return err == TG_OK ? core_tell(core, NODE_DEBUG, "connecting", NULL, c->endpoint, 0, NULL) : err;
    }
    t->current = (t->current + 1) % t->n;
  }
  return rest(core, REST_MAX_MS);
}

static enum tg_err next_candidate(struct node_core *core, int64_t at_least)
{
  struct talk *t = core->talk;
  if (t->n)
    t->current = (t->current + 1) % t->n;
  return rest(core, at_least);
}

enum tg_err talk_hubs_changed(struct node_core *core)
{
  struct talk *t = core->talk;
  struct candidate before = t->n ? t->candidates[t->current] : (struct candidate){{0}, {0}};
  list_candidates(core);
  t->current = 0;
  for (size_t i = 0; i < t->n; i++)
    if (strcmp(t->candidates[i].hub, before.hub) == 0 && strcmp(t->candidates[i].endpoint, before.endpoint) == 0) {
      t->current = i;
      return TG_OK; /* the hub in use is still one of them */
    }
  t->rest_ms = REST_FIRST_MS;
  if (t->n == 0)
    return rest(core, 0);
  t->state = TALK_RESTING;
  t->deadline = core->now.mono;
  return TG_OK;
}

/* ---- greeting ---- */

static const struct charter_hub *present_hub(const struct node_core *core)
{
  const struct charter *charter = core_charter(core);
  return charter ? charter_hub(charter, slice_str(core->talk->hub)) : NULL;
}

static enum tg_err greet(struct node_core *core)
{
  struct talk *t = core->talk;
  const struct charter_hub *hub = present_hub(core);
  if (!hub)
    return next_candidate(core, 0);
  enum tg_err err = watch_begin(core, hub);
  if (err != TG_OK)
    return err;
  Tg__Hello hello = TG__HELLO__INIT;
  randombytes_buf(t->session, sizeof t->session);
  hello.protocol = 1;
  hello.node = slice_data(key_slice(&core->me));
  hello.software = text_data("toguna-node " TOGUNA_VERSION);
  hello.checkpoint = slice_data(watch_note(core));
  hello.credit_count = core->config->credit_count ? core->config->credit_count : 256;
  hello.credit_bytes = core->config->credit_bytes ? core->config->credit_bytes : 16u << 20;
  hello.rate = core->config->line_rate;
  uint64_t arriving[ARRIVING_MAX];
  hello.arriving = arriving;
  hello.n_arriving = arrivals_places(core, t->hub, arriving, ARRIVING_MAX);
  hello.time = (uint64_t)core->now.wall;
  hello.session = slice_data(slice_of(t->session, sizeof t->session));
  char cursor[64];
  snprintf(cursor, sizeof cursor, "notes/%s", t->hub);
  if ((err = papers_cursor(core, t->hub, &hello.document_cursor)) != TG_OK ||
      (err = depot_number(core->depot, cursor, &hello.receipt_cursor)) != TG_OK)
    return err;
  t->state = TALK_GREETING;
  t->deadline = core->now.mono + GREETING_MS;
  t->heard = core->now.mono;
  t->strikes = 0;
  t->full = false;
  t->pace = pace_of(core->config->line_rate);
  return send(core, FRAME_HELLO, &hello.base);
}

/* The session ends by our will; the next hub, or the same after a rest, is tried. */
static enum tg_err end(struct node_core *core, enum reason reason, const char *detail)
{
  Tg__Goodbye frame = TG__GOODBYE__INIT;
  frame.reason = reason;
  frame.detail = text_data(detail);
  enum tg_err err = send(core, FRAME_GOODBYE, &frame.base);
  return err == TG_OK ? next_candidate(core, 0) : err;
}

enum tg_err talk_distrust(struct node_core *core)
{
  return talk_is_open(core) ? end(core, REASON_CONFLICT, "checkpoint") : TG_OK;
}

enum tg_err talk_again(struct node_core *core)
{
  struct talk *t = core->talk;
  if (t->state != TALK_OPEN)
    return TG_OK;
  Tg__Goodbye frame = TG__GOODBYE__INIT;
  frame.reason = REASON_CLOSED;
  enum tg_err err = send(core, FRAME_GOODBYE, &frame.base);
  return err == TG_OK ? rest(core, 0) : err;
}

static enum tg_err check_clock(struct node_core *core, uint64_t hub_time)
{
  struct tg_why why;
  char minutes[32];
  core->hub_ahead = (tg_time)hub_time - core->now.wall;
  tg_time off = core->hub_ahead < 0 ? -core->hub_ahead : core->hub_ahead;
  if (off <= CLOCK_TOLERATED) {
    core->clock_told = false;
    return TG_OK;
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
    return end(core, REASON_PROTOCOL, "protocol version");
  t->state = TALK_OPEN;
  t->vouched = 0;
  gossip_welcome(core);
  t->rest_ms = REST_FIRST_MS;
  t->inline_body = welcome->max_inline_body;
  t->max_frame = welcome->max_frame && welcome->max_frame < LIMIT_FRAME ? (size_t)welcome->max_frame : LIMIT_FRAME;
  enum tg_err err = core_tell(core, NODE_NOTICE, "connected", NULL, t->hub, watch_size(core), NULL);
  if (err == TG_OK)
    err = check_clock(core, welcome->time);
  if (err == TG_OK)
    err = papers_welcome(core);
  if (err == TG_OK)
    err = says_welcome(core);
  if (err == TG_OK)
    err = arrivals_welcome(core);
  return err == TG_OK ? outbox_welcome(core, welcome->last_number) : err;
}

static enum tg_err on_goodbye(struct node_core *core, const ProtobufCMessage *message)
{
  const Tg__Goodbye *goodbye = (const Tg__Goodbye *)message;
  struct tg_why why;
  char detail[128];
  struct slice text = data_slice(goodbye->detail);
  snprintf(detail, sizeof detail, "%.*s", (int)(text.n < 127 ? text.n : 127), text.n ? (const char *)text.p : "");
  why_set(&why, TG_UNREACHABLE, core->talk->hub, N_("the hub closed the session (%1$s). %2$s"), NULL,
          reason_name(goodbye->reason), detail, NULL);
  bool ours = goodbye->reason == REASON_REVOKED || goodbye->reason == REASON_CREDENTIAL ||
              goodbye->reason == REASON_STANDING || goodbye->reason == REASON_ABUSE;
  enum tg_err err =
      core_tell(core, ours ? NODE_ERROR : NODE_NOTICE, "session-closed", NULL, core->talk->hub, goodbye->reason, &why);
  return err == TG_OK ? next_candidate(core, ours ? REST_MAX_MS / 2 : 0) : err;
}

static enum tg_err on_tick(struct node_core *core, const ProtobufCMessage *message)
{
  const struct charter *charter = core_charter(core);
  const bool is_asked = core->secrets->witness && charter && charter->witness_quorum.n &&
                        watch_size(core) != core->talk->vouched;
  const Tg__Tick *frame = (const Tg__Tick *)message;
  enum tg_err err = check_clock(core, frame->time);
  if (err == TG_OK)
    err = gossip_answer(core, data_slice(frame->other), data_slice(frame->other_path));
  /* The hub calls its witnesses by a Tick. */
  return err == TG_OK && is_asked && talk_is_open(core) ? tick(core, slice_of(NULL, 0)) : err;
}

/* ---- frames ---- */

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
  return papers_outcomes(core, (const Tg__DocumentOutcomes *)m);
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
  return err == TG_OK ? end(core, REASON_CONFLICT, "checkpoint") : err;
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
    return t->state == TALK_GREETING ? TG_OK : end(core, REASON_CONFLICT, "welcome");
  t->heard = core->now.mono;
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
  return end(core, REASON_ABUSE, "malformed or forged items");
}

/* ---- the link and time ---- */

enum tg_err talk_link(struct node_core *core, enum node_link_state link)
{
  struct talk *t = core->talk;
  if (t->stopped || t->state == TALK_ALONE || t->state == TALK_RESTING)
    return TG_OK;
  bool was_open = t->state == TALK_OPEN;
  enum tg_err err = TG_OK;
  switch (link) {
  case NODE_LINK_UP:
    return greet(core);
  case NODE_LINK_DOWN:
    t->state = TALK_CONNECTING;
    t->deadline = t->n > 1 ? core->now.mono + SWITCH_MS : INT64_MAX;
    return was_open ? core_tell(core, NODE_NOTICE, "disconnected", NULL, t->hub, 0, NULL) : TG_OK;
  case NODE_LINK_REFUSED:
    err = core_tell(core, NODE_ERROR, "hub-refuses-us", NULL, t->hub, 0, NULL);
    break;
  case NODE_LINK_FAILED:
    err = core_tell(core, NODE_ALARM, "hub-is-another", NULL, t->hub, 0, NULL);
    break;
  }
  return err == TG_OK ? next_candidate(core, 2000) : err;
}

static enum tg_err keep_alive(struct node_core *core)
{
  struct talk *t = core->talk;
  if (core->now.mono - t->heard >= SILENT_TICKS * tick_of(core)) {
    enum tg_err err = core_tell(core, NODE_NOTICE, "hub-silent", NULL, t->hub, 0, NULL);
    return err == TG_OK ? end(core, REASON_SILENT, "") : err;
  }
  return core->now.mono - t->said >= tick_of(core) ? tick(core, slice_of(NULL, 0)) : TG_OK;
}

enum tg_err talk_time(struct node_core *core)
{
  struct talk *t = core->talk;
  if (t->stopped)
    return TG_OK;
  switch (t->state) {
  case TALK_ALONE:
    return TG_OK;
  case TALK_RESTING:
    return core->now.mono >= t->deadline ? connect_now(core) : TG_OK;
  case TALK_CONNECTING:
    return core->now.mono >= t->deadline ? next_candidate(core, 0) : TG_OK;
  case TALK_GREETING:
    return core->now.mono >= t->deadline ? end(core, REASON_SILENT, "") : TG_OK;
  case TALK_OPEN:
    return keep_alive(core);
  }
  return TG_OK;
}

int64_t talk_due(const struct node_core *core)
{
  const struct talk *t = core->talk;
  if (t->stopped || t->state == TALK_ALONE)
    return INT64_MAX;
  if (t->state != TALK_OPEN)
    return t->deadline;
  int64_t silent = t->heard + SILENT_TICKS * tick_of(core), due = t->said + tick_of(core);
  return silent < due ? silent : due;
}

enum tg_err talk_stop(struct node_core *core)
{
  struct talk *t = core->talk;
  Tg__Goodbye frame = TG__GOODBYE__INIT;
  frame.reason = REASON_CLOSED;
  enum tg_err err = talk_send(core, FRAME_GOODBYE, &frame.base);
  t->stopped = true;
  t->state = TALK_ALONE;
  t->hub[0] = 0;
  return err;
}
