#include "client/node/talk_inside.h"

#include "client/node/arrivals.h"
#include "client/node/errands.h"
#include "client/node/outbox.h"
#include "client/node/papers.h"
#include "client/node/watch.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum {
  GREETING_MS = 30 * 1000, /* from the link's coming up to Welcome */
  BROKEN_HANDSHAKES = 3,   /* in a row: then it is no accident */
  SILENT_TICKS = 3,
  ARRIVING_MAX = 256, /* as many as a Hello has room for */
  WANTS_MAX = 8,
};
static const tg_time DEFAULT_TICK = 15 * TG_SECOND;

const char *talk_state_name(enum talk_state state)
{
  switch (state) {
  case TALK_ALONE:
    return N_("alone");
  case TALK_RESTING:
    return N_("resting");
  case TALK_CLOSED:
    return N_("waiting for its call window");
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
    t->rest_ms = TALK_REST_FIRST_MS;
  return t;
}

void talk_free(struct talk *t) { free(t); }

int64_t talk_heard(const struct node_core *core)
{
  return core->talk->heard;
}

bool talk_is_open(const struct node_core *core) { return core->talk->state == TALK_OPEN; }
enum talk_state talk_state(const struct node_core *core) { return core->talk->state; }
const char *talk_hub(const struct node_core *core) { return core->talk->hub; }
const char *talk_endpoint(const struct node_core *core)
{
  const struct talk *t = core->talk;
  return t->n ? t->candidates[t->current].endpoint : "";
}
const char *talk_next_hub(const struct node_core *core)
{
  const struct talk *t = core->talk;
  return t->n ? t->candidates[t->current].hub : "";
}
const char *talk_refused_by(const struct node_core *core) { return core->talk->refused_by; }
void talk_why_refused(const struct node_core *core, struct tg_why *ret)
{
  why_set(ret, TG_REFUSED, NULL, N_("the hub %1$s refuses this node's key: it knows no credential for it, or the credential has expired or was revoked"),
          N_("ask your member's security officer, or the hub's operator; what is published waits here"), core->talk->refused_by, NULL, NULL);
}
void talk_refused(struct node_core *core) { snprintf(core->talk->refused_by, sizeof core->talk->refused_by, "%s", core->talk->hub); }
uint64_t talk_inline_body(const struct node_core *core, enum precedence precedence)
{
  const struct talk *t = core->talk;
  const size_t line = pace_inline(&t->pace, precedence == PRECEDENCE_FLASH, LIMIT_FRAME);
  return t->inline_body < line ? t->inline_body : line;
}
size_t talk_max_frame(const struct node_core *core) { return core->talk->max_frame; }
void talk_queued(struct node_core *core, size_t bytes) { core->talk->full = bytes >= NODE_FULL; }
void talk_dropped(struct node_core *core) { core->talk->noted = core->talk->vouched = 0; }
void talk_drained(struct node_core *core) { core->talk->full = false; }
void talk_line(struct node_core *core, bool busy) { core->talk->pace.held = busy; }
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

struct slice talk_note(struct node_core *core)
{
  struct talk *t = core->talk;
  if (t->noted == watch_size(core))
    return slice_of(NULL, 0);
  t->noted = watch_size(core);
  return watch_note(core);
}

enum tg_err talk_tick(struct node_core *core, struct slice other, bool vouch)
{
  Tg__Tick frame = TG__TICK__INIT;
  frame.time = (uint64_t)core->now.wall;
  frame.checkpoint = slice_data(vouch ? watch_note(core) : talk_note(core));
  frame.other = slice_data(other);
  if (vouch)
    core->talk->vouched = core->talk->noted = watch_size(core);
  return send(core, FRAME_TICK, &frame.base);
}

enum tg_err talk_ask(struct node_core *core, struct slice other) { return talk_is_open(core) ? talk_tick(core, other, false) : TG_OK; }

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
    return talk_next(core, 0);
  arrivals_drop_aside(core);
  enum tg_err err = watch_begin(core, hub);
  if (err != TG_OK)
    return err;
  Tg__Hello hello = TG__HELLO__INIT;
  randombytes_buf(t->session, sizeof t->session);
  hello.protocol = 1;
  hello.node = slice_data(key_slice(&core->me));
  hello.software = text_data("toguna-node " TOGUNA_VERSION);
  struct hash root = watch_root(core);
  if (core->config->line_rate && !t->shows && watch_size(core)) {
    hello.seen_size = watch_size(core);
    hello.seen_root = slice_data(hash_slice(&root));
  } else {
    hello.checkpoint = slice_data(watch_note(core));
  }
  hello.credit_count = core->config->credit_count ? core->config->credit_count : 256;
  hello.credit_bytes = core->config->credit_bytes ? core->config->credit_bytes : CORE_CREDIT_BYTES;
  hello.rate = core->config->line_rate;
  uint64_t arriving[ARRIVING_MAX];
  hello.arriving = arriving;
  hello.n_arriving = arrivals_places(core, t->hub, arriving, ARRIVING_MAX);
  Tg__Want *wants[WANTS_MAX];
  hello.wants = wants;
  if ((err = arrivals_wants(core, t->hub, wants, WANTS_MAX, &hello.n_wants)) != TG_OK)
    return err;
  hello.time = (uint64_t)core->now.wall;
  hello.session = slice_data(slice_of(t->session, sizeof t->session));
  if ((err = papers_cursor(core, &hello.document_cursor)) != TG_OK ||
      (err = outbox_heard(core, &hello.receipt_cursor)) != TG_OK)
    return err;
  t->state = TALK_GREETING;
  t->deadline = core->now.mono + GREETING_MS;
  t->heard = core->now.mono;
  t->strikes = 0;
  t->noted = watch_size(core);
  t->full = false;
  t->pace = pace_of(core->config->line_rate);
  return send(core, FRAME_HELLO, &hello.base);
}

enum tg_err talk_end(struct node_core *core, enum reason reason, const char *detail)
{
  Tg__Goodbye frame = TG__GOODBYE__INIT;
  frame.reason = reason;
  frame.detail = text_data(detail);
  enum tg_err err = send(core, FRAME_GOODBYE, &frame.base);
  return err == TG_OK ? talk_next(core, 0) : err;
}

enum tg_err talk_distrust(struct node_core *core)
{
  return talk_is_open(core) ? talk_end(core, REASON_CONFLICT, "checkpoint") : TG_OK;
}

enum tg_err talk_again(struct node_core *core)
{
  struct talk *t = core->talk;
  if (t->state != TALK_OPEN)
    return TG_OK;
  Tg__Goodbye frame = TG__GOODBYE__INIT;
  frame.reason = REASON_CLOSED;
  enum tg_err err = send(core, FRAME_GOODBYE, &frame.base);
  return err == TG_OK ? talk_rest(core, 0) : err;
}

/* ---- the link and time ---- */

enum tg_err talk_link(struct node_core *core, enum node_link_state link)
{
  struct talk *t = core->talk;
  if (t->stopped || t->state == TALK_ALONE || t->state == TALK_RESTING || t->state == TALK_CLOSED)
    return TG_OK;
  bool was_open = t->state == TALK_OPEN;
  struct tg_why why;
  enum tg_err err = TG_OK;
  switch (link) {
  case NODE_LINK_UP:
    t->candidates[t->current].broken_handshakes = 0;
    return greet(core);
  case NODE_LINK_DOWN:
    t->state = TALK_CONNECTING;
    t->deadline = t->n > 1 ? core->now.mono + talk_round_patience(core) : INT64_MAX;
    if (was_open)
      err = core_tell(core, NODE_NOTICE, "disconnected", NULL, t->hub, 0, NULL);
    if (err == TG_OK && was_open && t->away) /* a look that began anew each time would have no end */
      return talk_next(core, 0);
    return err == TG_OK && was_open ? talk_better(core) : err;
  case NODE_LINK_REFUSED:
    talk_refused(core);
    talk_why_refused(core, &why);
    err = core_tell(core, NODE_ERROR, "hub-refuses-us", NULL, t->hub, 0, &why);
    if (err == TG_OK)
      err = errands_turned_out(core);
    break;
  case NODE_LINK_FAILED:
    /* From outside a line that breaks within the handshake looks like a hub with another key. A line does it now and then. */
    if (++t->candidates[t->current].broken_handshakes >= BROKEN_HANDSHAKES)
      err = core_tell(core, NODE_ALARM, "hub-is-another", NULL, t->hub, t->candidates[t->current].broken_handshakes, NULL);
    else
      err = core_tell(core, NODE_NOTICE, "handshake-broken", NULL, t->hub, 0, NULL);
    break;
  }
  t->candidates[t->current].failed = core->now.mono;
  return err == TG_OK ? talk_next(core, 2000) : err;
}

static enum tg_err keep_alive(struct node_core *core)
{
  struct talk *t = core->talk;
  if (core->now.mono - t->heard >= SILENT_TICKS * tick_of(core)) {
    enum tg_err err = core_tell(core, NODE_NOTICE, "hub-silent", NULL, t->hub, 0, NULL);
    return err == TG_OK ? talk_end(core, REASON_SILENT, "") : err;
  }
  bool left;
  enum tg_err err = talk_round_time(core, &left);
  return err == TG_OK && !left && core->now.mono - t->said >= tick_of(core) ? talk_tick(core, slice_of(NULL, 0), false) : err;
}

enum tg_err talk_time(struct node_core *core)
{
  struct talk *t = core->talk;
  bool over = false;
  enum tg_err err = t->stopped ? TG_OK : talk_end_of_call(core, &over);
  if (err == TG_OK && !over && !t->stopped && t->state != TALK_OPEN)
    err = talk_round_called_back(core, &over);
  if (err != TG_OK || over || t->stopped)
    return err;
  switch (t->state) {
  case TALK_ALONE:
    return TG_OK;
  case TALK_RESTING:
  case TALK_CLOSED:
    return core->now.mono >= t->deadline ? talk_call_if_due(core) : TG_OK;
  case TALK_CONNECTING:
    if (core->now.mono < t->deadline)
      return TG_OK;
    t->candidates[t->current].failed = core->now.mono;
    return talk_next(core, 0);
  case TALK_GREETING:
    if (core->now.mono < t->deadline)
      return TG_OK;
    t->candidates[t->current].failed = core->now.mono;
    return talk_end(core, REASON_SILENT, "");
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
  if (t->state != TALK_OPEN && core->config->n_calls) /* a call that does not get through ends as well */
    return t->deadline < core->now.mono + TALK_CALL_CHECK_MS ? t->deadline : core->now.mono + TALK_CALL_CHECK_MS;
  if (t->state != TALK_OPEN)
    return t->deadline;
  int64_t silent = t->heard + SILENT_TICKS * tick_of(core), due = t->said + tick_of(core);
  const int64_t round = talk_round_due(core);
  due = silent < due ? silent : due;
  return round < due ? round : due;
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
