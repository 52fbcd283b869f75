/* With several hubs: back to the one that is preferred, and a look at the others now and then. Each hub keeps what is for us in a queue of
   its own, and what we have to say to it waits here; a node that stayed for ever with the one that it fell back to would never hear of the one, nor the other of it. */
#include "client/node/talk_inside.h"

#include "client/node/arrivals.h"
#include "client/node/outbox.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum {
  RETURN_MS = 10 * 60 * 1000, /* from a hub that is not the preferred one: is that there again? */
  LOOK_MS = 60 * 60 * 1000,   /* at the others: each session of each node is two entries of a log */
  MISSES_MAX = 4,             /* each time that nobody is there the next waits twice as long, up to so many times */
  QUIET_MS = 3000,            /* a hub that has nothing more for us says nothing but Ticks */
  STAY_MS = 30 * 1000,        /* when something of ours waits meanwhile; what is urgent waits for nothing */
  STAY_MAX_MS = 3 * 60 * 1000, /* whatever comes: meanwhile nothing that waits at home is heard of, be it a FLASH */
  HELD_MS = 60 * 60 * 1000,   /* so long after its time a body that is coming or going may hold it where it is, */
  ANSWER_MS = 10 * 1000,      /* and so long, since it was sent, what has no answer */
  LOOK_CONNECT_MS = 5000,     /* to a hub that is only looked in at; on a slow line as long as to any */
  AGAIN_MS = 5000,
};

static bool is_of(const struct talk *t, size_t i, const char *hub) { return strcmp(t->candidates[i].hub, hub) == 0; }
static bool is_home(const struct talk *t, size_t i) { return is_of(t, i, t->candidates[0].hub); }

/* The first address of the next hub after this one; 0 at the end. */
static size_t next_hub(const struct talk *t, size_t after)
{
  for (size_t i = after + 1; i < t->n; i++)
    if (!is_of(t, i, t->candidates[after].hub) && !is_home(t, i))
      return i;
  return 0;
}

static bool has_others(const struct talk *t)
{
  return t->n > 1 && (!is_home(t, t->current) || next_hub(t, t->current) != 0);
}

bool talk_is_away(const struct node_core *core) { return core->talk->away; }
static const char *log_of(const struct talk *t, size_t i) { return t->candidates[i].log.name; }

void talk_round_hurry(struct node_core *core, enum precedence precedence)
{
  struct talk *t = core->talk;
  const int64_t soon = core->now.mono + ((int64_t)(precedence >= PRECEDENCE_IMMEDIATE ? STAY_MS : RETURN_MS) << t->misses);
  if (t->away || !t->look || t->look <= soon)
    return;
  t->look = soon;
  core_wake_at(core, soon);
}

bool talk_round_welcome(struct node_core *core)
{
  struct talk *t = core->talk;
  const bool home = is_home(t, t->current), was = t->away, back = strcmp(t->hub, t->left) == 0;
  t->opened = t->given = core->now.mono;
  if (was && !back)
    t->misses = 0;
  if (home || !was || back || !is_of(t, 0, t->left))
    t->away = false;
  if (t->away)
    return true;
  const bool goes_on = strcmp(t->hub, t->stayed) == 0 && t->look && core->now.mono - t->look < HELD_MS;
  snprintf(t->stayed, sizeof t->stayed, "%s", t->hub);
  if (goes_on) /* on a line that drops often its time would never come */
    return false;
  const int64_t pause = (int64_t)(home ? LOOK_MS : RETURN_MS) << t->misses;
  t->look = core->now.mono + pause + (int64_t)randombytes_uniform((uint32_t)(pause / 4));
  return was && back;
}

void talk_round_failed(struct talk *t)
{
  if (t->n && is_home(t, t->current) && (is_of(t, t->current, t->left) || !is_home(t, (t->current + 1) % t->n)))
    t->away = false; /* whoever answers now is who there is */
}

static enum tg_err leave(struct node_core *core, size_t to)
{
  struct talk *t = core->talk;
  Tg__Goodbye frame = TG__GOODBYE__INIT;
  frame.reason = REASON_CLOSED;
  enum tg_err err = talk_send(core, FRAME_GOODBYE, &frame.base);
  t->current = to;
  t->rest_ms = TALK_REST_FIRST_MS;
  return err == TG_OK ? talk_rest(core, 0) : err;
}

/* Nothing of ours goes out here but what amends what stands here: who is at home would not hear of it before he looks in too. One hub that always has something more holds it neither from
   its home nor from the others: the next look begins with the hub after this one. */
static enum tg_err visit(struct node_core *core, bool *ret_left)
{
  struct talk *t = core->talk;
  const int64_t stayed = core->now.mono - t->opened;
  uint64_t place;
  bool urgent = false, waits = false;
  enum tg_err err = outbox_has_waiting(core, PRECEDENCE_IMMEDIATE, log_of(t, 0), &urgent);
  if (err == TG_OK)
    err = outbox_has_waiting(core, PRECEDENCE_ROUTINE, log_of(t, 0), &waits);
  if (err != TG_OK)
    return err;
  const bool quiet = core->now.mono - t->given >= QUIET_MS && arrivals_places(core, t->hub, &place, 1) == 0 && !outbox_is_asked(core) && !outbox_is_bound(core, log_of(t, t->current));
  *ret_left = urgent || quiet || stayed >= STAY_MAX_MS || (waits && stayed >= STAY_MS);
  if (!*ret_left)
    return TG_OK;
  t->seen = quiet ? 0 : t->current;
  return leave(core, quiet && !urgent ? next_hub(t, t->current) : 0);
}

/* What is coming, or going, here is broken off by leaving: half a body would begin anew. Of what has no answer the hub may ask for more. */
static bool is_held(const struct node_core *core)
{
  const struct talk *t = core->talk;
  uint64_t place;
  if (core->now.mono - t->look >= HELD_MS)
    return false;
  return arrivals_places(core, t->hub, &place, 1) > 0 || outbox_is_asked(core) || outbox_is_under_way(core, ANSWER_MS);
}

/* What is urgent keeps it at home, to where it would be called back at once; a hub that it fell back to may never answer, and holds it so long and no longer. */
static enum tg_err set_out(struct node_core *core, bool *ret_left)
{
  struct talk *t = core->talk;
  const bool home = is_home(t, t->current);
  bool urgent = false;
  enum tg_err err = TG_OK;
  if (core->now.mono < t->look || core->now.mono - t->opened < STAY_MS || is_held(core))
    return TG_OK;
  if (home || core->now.mono - t->look < HELD_MS)
    err = outbox_has_waiting(core, home ? PRECEDENCE_IMMEDIATE : PRECEDENCE_FLASH, log_of(t, t->current), &urgent);
  if (err != TG_OK || urgent)
    return err;
  *ret_left = t->away = true;
  t->look = 0;
  t->misses += t->misses < MISSES_MAX;
  snprintf(t->left, sizeof t->left, "%s", t->hub);
  if (!home)
    return leave(core, 0);
  const size_t next = next_hub(t, t->seen);
  return leave(core, next ? next : next_hub(t, 0));
}

/* On the way home it is called back when each address there was tried for a while, on a slow line not before time is up: a hub that takes nothing, which it fell back to,
   would have it for ever. *ret_next: the next address is tried. */
static enum tg_err try_home(struct node_core *core, bool *ret_tried, bool *ret_next)
{
  struct talk *t = core->talk;
  const int64_t due = t->deadline - TALK_SWITCH_MS + LOOK_CONNECT_MS;
  *ret_tried = *ret_next = false;
  if (t->state != TALK_CONNECTING || core->config->line_rate)
    return TG_OK;
  if (core->now.mono < due) {
    core_wake_at(core, due);
    return TG_OK;
  }
  t->candidates[t->current].failed = core->now.mono;
  *ret_next = t->current + 1 < t->n && is_home(t, t->current + 1);
  *ret_tried = !*ret_next;
  return *ret_next ? talk_next(core, 0) : TG_OK;
}

/* The first address of the hub that was left. */
static size_t left_at(const struct talk *t)
{
  size_t i = 0;
  while (i + 1 < t->n && !is_of(t, i, t->left))
    i++;
  return i;
}

/* Only where no session is open: visit() looks itself. Who answers now is who there is, so that it is called back once. */
enum tg_err talk_round_called_back(struct node_core *core, bool *ret)
{
  struct talk *t = core->talk;
  *ret = false;
  if (!t->away || !t->n || is_of(t, t->current, t->left))
    return TG_OK;
  bool urgent = false, tried = true;
  const size_t left = left_at(t);
  enum tg_err err = outbox_has_waiting(core, PRECEDENCE_IMMEDIATE, log_of(t, left), &urgent);
  if (err == TG_OK && urgent && is_home(t, t->current))
    err = try_home(core, &tried, ret);
  if (err != TG_OK || !urgent || !tried)
    return err;
  *ret = true;
  if (t->state == TALK_GREETING)
    err = talk_end(core, REASON_CLOSED, "");
  t->away = false;
  t->misses -= t->misses > 0; /* it did not find out whether anybody is there */
  t->rest_ms = TALK_REST_FIRST_MS;
  t->current = left;
  return err == TG_OK ? talk_call_if_due(core) : err;
}

size_t talk_round_after(const struct talk *t)
{
  return t->away && !is_home(t, t->current) ? next_hub(t, t->current) : (t->current + 1) % t->n;
}

int64_t talk_round_patience(const struct node_core *core)
{
  const struct talk *t = core->talk;
  return t->away && !is_home(t, t->current) && !core->config->line_rate ? LOOK_CONNECT_MS : TALK_SWITCH_MS;
}

enum tg_err talk_round_time(struct node_core *core, bool *ret_left)
{
  *ret_left = false;
  if (!has_others(core->talk))
    return TG_OK;
  return core->talk->away ? visit(core, ret_left) : set_out(core, ret_left);
}

int64_t talk_round_due(const struct node_core *core)
{
  const struct talk *t = core->talk;
  if (!has_others(t))
    return INT64_MAX;
  const int64_t due = t->away ? t->given + QUIET_MS : t->look;
  return due > core->now.mono ? due : core->now.mono + AGAIN_MS;
}
