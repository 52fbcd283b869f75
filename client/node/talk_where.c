/* Which hub is connected to, at which of its addresses, and when. */
#include "client/node/talk_inside.h"

#include "client/node/arrivals.h"
#include "client/node/calls.h"
#include "client/node/outbox.h"
#include "client/node/papers.h"
#include "client/node/watch.h"
#include "proto/endpoint.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { CALL_LINGER_MS = 60 * 1000 }; /* what a call was made for is answered: the hub may have something too, and receipts come */

/* ---- where to connect ---- */

static void add_candidate(struct talk *t, const struct charter_hub *hub, const char *endpoint)
{
  if (t->n == TALK_CANDIDATES_MAX)
    return;
  struct candidate *c = &t->candidates[t->n++];
  *c = (struct candidate){.transport = hub->transport, .log = hub->log}; /* what is told of another that stood here before is not its fault */
  snprintf(c->hub, sizeof c->hub, "%s", hub->name);
  snprintf(c->endpoint, sizeof c->endpoint, "%s", endpoint);
}

static void add_of_kind(struct talk *t, const struct charter_hub *hub, bool resumes)
{
  for (size_t i = 0; i < hub->n_endpoints; i++)
    if (endpoint_resumes(hub->endpoint[i]) == resumes)
      add_candidate(t, hub, hub->endpoint[i]);
}

/* On a slow line what outlives its cuts comes first; on others it is but one hand more, and taken only where there is nothing else. */
static void add_hub(struct node_core *core, const struct charter_hub *hub, const char *endpoint)
{
  struct talk *t = core->talk;
  const size_t before = t->n;
  if (endpoint) {
    add_candidate(t, hub, endpoint);
    return;
  }
  if (core->config->line_rate)
    add_of_kind(t, hub, true);
  add_of_kind(t, hub, false);
  if (t->n == before)
    add_of_kind(t, hub, true);
}

static void list_candidates(struct node_core *core)
{
  struct talk *t = core->talk;
  const struct charter *charter = core_charter(core);
  const struct node_config *config = core->config;
  t->n = 0;
  if (!charter || papers_lack_charter(core)) /* whom an old charter names may have been replaced for what it did */
    return;
  if (!config->hubs || !config->hubs[0]) {
    for (size_t i = 0; i < charter->n_hubs; i++)
      add_hub(core, &charter->hub[i], NULL);
    return;
  }
  for (size_t i = 0; config->hubs[i]; i++) {
    const struct charter_hub *hub = charter_hub(charter, slice_str(config->hubs[i]));
    if (hub)
      add_hub(core, hub, config->endpoints ? config->endpoints[i] : NULL);
  }
}

/* Waits, longer each time, with jitter so that a hundred nodes do not come back at once. */
enum tg_err talk_rest(struct node_core *core, int64_t at_least)
{
  struct talk *t = core->talk;
  int64_t ms = t->rest_ms > at_least ? t->rest_ms : at_least;
  t->state = t->n ? TALK_RESTING : TALK_ALONE;
  t->hub[0] = 0;
  t->deadline = core->now.mono + ms / 2 + (int64_t)randombytes_uniform((uint32_t)ms);
  t->rest_ms = t->rest_ms * 2 < TALK_REST_MAX_MS ? t->rest_ms * 2 : TALK_REST_MAX_MS;
  return orders_connect(core->orders, NULL, NULL);
}

/* ---- call windows ---- */

/* May the hub be called now: a window is open, or something urgent waits? */
static enum tg_err is_call_due(struct node_core *core, bool *ret)
{
  const struct node_config *config = core->config;
  *ret = calls_open(config->calls, config->n_calls, core->now.wall);
  if (*ret)
    return TG_OK;
  const unsigned least = config->call_for ? config->call_for : PRECEDENCE_IMMEDIATE;
  return least <= PRECEDENCE_FLASH ? outbox_has_waiting(core, (enum precedence)least, core->talk->candidates[core->talk->current].log.name, ret) : TG_OK;
}

/* Stays away until a window opens or something urgent comes. */
static enum tg_err hang_up(struct node_core *core)
{
  struct talk *t = core->talk;
  const bool was = t->state == TALK_CLOSED;
  Tg__Goodbye frame = TG__GOODBYE__INIT;
  frame.reason = REASON_CLOSED;
  enum tg_err err = talk_send(core, FRAME_GOODBYE, &frame.base);
  const int64_t opens = calls_opens_in(core->config->calls, core->config->n_calls, core->now.wall);
  t->state = TALK_CLOSED;
  t->hub[0] = 0;
  t->away = false; /* the next call begins with the hub that is preferred */
  t->current = 0;
  t->rest_ms = TALK_REST_FIRST_MS;
  t->deadline = core->now.mono + (opens < TALK_CALL_CHECK_MS ? opens : TALK_CALL_CHECK_MS);
  if (err != TG_OK || was)
    return err;
  err = orders_connect(core->orders, NULL, NULL);
  return err == TG_OK ? core_tell(core, NODE_NOTICE, "call-window-closed", NULL, NULL, (uint64_t)(opens / TG_MINUTE), NULL) : err;
}

enum tg_err talk_end_of_call(struct node_core *core, bool *ret_over)
{
  struct talk *t = core->talk;
  bool due = true;
  *ret_over = false;
  if (!core->config->n_calls || t->state == TALK_ALONE || t->state == TALK_CLOSED)
    return TG_OK;
  enum tg_err err = is_call_due(core, &due);
  if (due)
    t->wanted = core->now.mono;
  if (err != TG_OK || due || core->now.mono - t->wanted < CALL_LINGER_MS)
    return err;
  *ret_over = true;
  err = arrivals_take_all(core);
  return err == TG_OK ? hang_up(core) : err;
}

static enum tg_err connect_now(struct node_core *core);

enum tg_err talk_call_if_due(struct node_core *core)
{
  struct talk *t = core->talk;
  bool due = true;
  enum tg_err err = is_call_due(core, &due);
  if (err != TG_OK || !due)
    return err != TG_OK ? err : hang_up(core);
  t->wanted = core->now.mono;
  return connect_now(core);
}

void talk_urgent(struct node_core *core, enum precedence precedence)
{
  const unsigned least = core->config->call_for ? core->config->call_for : PRECEDENCE_IMMEDIATE;
  if (core->talk->state == TALK_CLOSED && precedence >= least) {
    core->talk->deadline = core->now.mono;
    core_wake_now(core);
  }
  if (core->talk->away && precedence >= PRECEDENCE_IMMEDIATE)
    core_wake_now(core);
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
      t->deadline = t->n > 1 ? core->now.mono + talk_round_patience(core) : INT64_MAX;
      err = orders_connect(core->orders, c->endpoint, &hub->transport);
      return err == TG_OK ? core_tell(core, NODE_DEBUG, "connecting", NULL, c->endpoint, 0, NULL) : err;
    }
    t->current = (t->current + 1) % t->n;
  }
  return talk_rest(core, TALK_REST_MAX_MS);
}

enum tg_err talk_better(struct node_core *core)
{
  struct talk *t = core->talk;
  const struct candidate *now = &t->candidates[t->current];
  if (!core->config->line_rate || endpoint_resumes(now->endpoint))
    return TG_OK;
  for (size_t i = 0; i < t->n; i++) {
    const struct candidate *c = &t->candidates[i];
    if (strcmp(c->hub, now->hub) != 0 || !endpoint_resumes(c->endpoint) || (c->failed && core->now.mono - c->failed < TALK_BETTER_MS))
      continue;
    t->current = i;
    return talk_rest(core, 0); /* a hub that comes back is not met by all its nodes in one moment */
  }
  return TG_OK;
}

enum tg_err talk_next(struct node_core *core, int64_t at_least)
{
  struct talk *t = core->talk;
  if (t->n) {
    const size_t next = talk_round_after(t);
    talk_round_failed(t);
    t->current = next;
  }
  if (t->away) { /* that one was another hub, and is not tried again */
    t->rest_ms = TALK_REST_FIRST_MS;
    at_least = 0;
  }
  return talk_rest(core, at_least);
}

bool talk_goes_to(const struct node_core *core, const char *log)
{
  const struct talk *t = core->talk;
  for (size_t i = 0; i < t->n; i++)
    if (strcmp(t->candidates[i].log.name, log) == 0)
      return true;
  return false;
}

static bool is_same(const struct candidate *a, const struct candidate *b)
{
  return !strcmp(a->hub, b->hub) && !strcmp(a->endpoint, b->endpoint) && seal_pk_eq(&a->transport, &b->transport) && note_key_eq(&a->log, &b->log);
}

enum tg_err talk_hubs_changed(struct node_core *core)
{
  struct talk *t = core->talk;
  struct candidate before = t->n ? t->candidates[t->current] : (struct candidate){.hub = {0}};
  list_candidates(core);
  t->away = false; /* where it came from may be no more */
  t->stayed[0] = 0;
  outbox_unbind_all(core);
  t->current = t->seen = 0;
  for (size_t i = 0; i < t->n; i++)
    if (is_same(&t->candidates[i], &before)) {
      t->current = i;
      return TG_OK; /* the hub in use is still one of them */
    }
  t->rest_ms = TALK_REST_FIRST_MS;
  if (t->n == 0)
    return talk_rest(core, 0);
  t->state = TALK_RESTING;
  t->deadline = core->now.mono;
  return TG_OK;
}
