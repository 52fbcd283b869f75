#include "client/node/backup.h"
#include "client/node/node.h"

#include "client/node/alarms.h"
#include "client/node/arrivals.h"
#include "client/node/carried.h"
#include "client/node/core.h"
#include "client/node/desk.h"
#include "client/node/errands.h"
#include "client/node/gossip.h"
#include "client/node/hooks.h"
#include "client/node/inbox.h"
#include "client/node/journal.h"
#include "client/node/judge.h"
#include "client/node/outbox.h"
#include "client/node/papers.h"
#include "client/node/relog.h"
#include "client/node/rotation.h"
#include "client/node/says.h"
#include "client/node/stated.h"
#include "client/node/talk.h"
#include "client/node/waiting.h"
#include "client/node/watch.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
  SCRAP = 4 << 20,
  SWEEP = 256, /* chunks of dropped bodies removed per turn */
  WRAP_CONTEXTS = 256,
  BATCHES_REMEMBERED = 256,
};
static const uint64_t DISK_RESERVE = UINT64_C(64) << 20;
static const tg_time CAREFUL_MAX = TG_DAY; /* a hub's clock may put off what must be erased by no more */

/* ---- starting and ending ---- */

static enum tg_err allocate(struct node_core *core)
{
  core->orders = orders_new();
  core->arena = arena_new(CORE_ARENA);
  core->scrap = arena_new(SCRAP);
  core->frame = buf_new(LIMIT_FRAME);
  core->directory = directory_new(&core->config->exchange);
  core->verifier = batch_verifier_new(BATCHES_REMEMBERED);
  core->sender = wrap_sender_new(WRAP_CONTEXTS);
  core->opener = wrap_opener_new(WRAP_CONTEXTS);
  core->watch = watch_new();
  core->gossip = gossip_new();
  core->papers = papers_new();
  core->errands = errands_new();
  core->rotation = rotation_new();
  core->talk = talk_new();
  core->waiting = waiting_new();
  core->outbox = outbox_new();
  core->says = says_new();
  core->stated = stated_new();
  core->arrivals = arrivals_new();
  core->judge = judge_new();
  core->inbox = inbox_new();
  core->desk = desk_new();
  core->hooks = hooks_new();
  bool all = core->orders && core->arena && core->scrap && core->directory && core->verifier && core->sender &&
             core->opener && core->watch && core->gossip && core->papers && core->errands && core->rotation && core->talk && core->waiting && core->outbox && core->says && core->stated &&
             core->arrivals && core->judge && core->inbox && core->desk && core->hooks;
  return all ? TG_OK : TG_NO_MEMORY;
}

void node_free(struct node_core *core)
{
  if (!core)
    return;
  hooks_free(core->hooks);
  desk_free(core->desk);
  inbox_free(core->inbox);
  judge_free(core->judge);
  arrivals_free(core->arrivals);
  says_free(core->says);
  stated_free(core->stated);
  outbox_free(core->outbox);
  waiting_free(core->waiting);
  talk_free(core->talk);
  rotation_free(core->rotation);
  papers_free(core->papers);
  errands_free(core->errands);
  gossip_free(core->gossip);
  watch_free(core->watch);
  wrap_opener_free(core->opener);
  wrap_sender_free(core->sender);
  batch_verifier_free(core->verifier);
  policy_set_free(core->policies);
  directory_free(core->directory);
  depot_close(&core->depot);
  buf_free(&core->frame);
  arena_free(core->scrap);
  arena_free(core->arena);
  orders_free(core->orders);
  free(core);
}

/* A store belongs to one node of one exchange for ever. */
static enum tg_err claim(struct node_core *core, const char *fact, struct slice ours, struct tg_why *why)
{
  struct slice found;
  enum tg_err err = depot_fact(core->depot, fact, core->arena, &found);
  if (err == TG_NOT_FOUND)
    return depot_fact_put(core->depot, fact, ours);
  if (err != TG_OK || slice_eq(found, ours))
    return err;
  return why_set(why, TG_CONFLICT, core->config->database, N_("the store belongs to another exchange or node"),
                 N_("use the folder that belongs to this node, or an empty one"), NULL, NULL, NULL);
}

static enum tg_err load(struct node_core *core, struct tg_why *why)
{
  enum tg_err err = steady_load(core);
  if (err == TG_OK)
    err = rotation_load(core, why);
  if (err == TG_OK)
    err = papers_load(core, why);
  if (err == TG_OK)
    err = relog_load(core);
  if (err == TG_OK)
    err = says_load(core);
  if (err == TG_OK)
    err = carried_load(core);
  if (err == TG_OK)
    err = outbox_load(core);
  if (err == TG_OK)
    err = inbox_load(core);
  if (err == TG_OK)
    err = arrivals_load(core);
  if (err == TG_OK)
    err = hooks_load(core);
  return err == TG_OK ? talk_hubs_changed(core) : err;
}

static enum tg_err start(struct node_core *core, struct tg_why *why)
{
  struct depot_options options = {.path = core->config->database,
                                  .vfs = core->config->vfs,
                                  .storage_key = secret_key_storage(core->secrets->node)};
  enum tg_err err = allocate(core);
  if (err == TG_OK)
    err = depot_open(&options, &core->depot, why);
  if (err == TG_OK)
    err = backup_clear(core, why);
  if (err != TG_OK)
    return err;
  err = depot_begin(core->depot, why);
  if (err == TG_OK)
    err = claim(core, "exchange", hash_slice(&core->config->exchange), why);
  if (err == TG_OK)
    err = claim(core, "node", key_slice(&core->me), why);
  if (err == TG_OK)
    err = load(core, why);
  if (err == TG_OK)
    err = depot_commit(core->depot, why);
  arena_reset(core->arena);
  return err;
}

/* What has no words yet is the store's error, or memory's. */
static void explain(struct node_core *core, enum tg_err err, struct tg_why *said, struct tg_why *why)
{
  if (said->err == TG_OK && core && core->depot && err != TG_NO_MEMORY)
    depot_explain(core->depot, err, said);
  else if (said->err == TG_OK)
    why_set(said, err, NULL, N_("out of memory"), NULL, NULL, NULL, NULL);
  if (why)
    *why = *said;
}

enum tg_err node_new(const struct node_config *config, const struct node_secrets *secrets,
                     const struct node_effects *effects, struct node_now now, struct node_core **ret, struct tg_why *why)
{
  struct tg_why said = {0};
  struct node_core *core = calloc(1, sizeof *core);
  enum tg_err err = core ? TG_OK : TG_NO_MEMORY;
  if (err == TG_OK) {
    *core = (struct node_core){.config = config, .secrets = secrets, .effects = *effects, .now = now, .wake = now.mono,
                               .woken = -1, .free_bytes = UINT64_MAX, .sweeping = true,
                               .me = secret_key_sign_pk(secrets->node)};
    err = start(core, &said);
  }
  if (err != TG_OK) {
    explain(core, err, &said, why);
    node_free(core);
    return err;
  }
  *ret = core;
  return TG_OK;
}

/* ---- what all parts use ---- */

enum tg_err core_begin(struct node_core *core) { return depot_begin(core->depot, NULL); }

const struct charter *core_charter(const struct node_core *core)
{
  return directory_charter(core->directory, core->now.wall);
}

void core_wake_at(struct node_core *core, int64_t mono)
{
  if (mono < core->wake)
    core->wake = mono;
}

void core_wake_now(struct node_core *core) { core->wake = core->now.mono; }

static uint64_t reserve(const struct node_core *core)
{
  return core->config->disk_reserve ? core->config->disk_reserve : DISK_RESERVE;
}

bool core_has_room(const struct node_core *core) { return core_has_room_for(core, 0); }

bool core_has_room_for(const struct node_core *core, uint64_t bytes)
{
  return core->free_bytes > reserve(core) && core->free_bytes - reserve(core) > bytes;
}

tg_time core_careful_now(const struct node_core *core)
{
  tg_time behind = core->hub_ahead < 0 ? -core->hub_ahead : 0;
  const tg_time hubs = core->now.wall - (behind < CAREFUL_MAX ? behind : CAREFUL_MAX), own = steady_now(core);
  return hubs < own ? hubs : own;
}

static bool names_log(const struct charter *charter, const struct note_key *log)
{
  for (size_t i = 0; charter && i < charter->n_hubs; i++)
    if (note_key_eq(&charter->hub[i].log, log))
      return true;
  return false;
}

bool core_names_log(const struct node_core *core, const struct note_key *log) { return names_log(core_charter(core), log); }

/* Of the charters of these versions. */
static const struct charter_hub *nth_hub(const struct node_core *core, uint64_t from, uint64_t to, size_t n)
{
  const struct charter *c = directory_newest_charter(core->directory), *later = NULL;
  for (; c && c->version >= from; c = directory_charter_version(core->directory, c->version - 1, NULL)) {
    if (c->version > to)
      continue;
    for (size_t i = 0; i < c->n_hubs; i++)
      if (!names_log(later, &c->hub[i].log) && n-- == 0)
        return &c->hub[i];
    later = c;
  }
  return NULL;
}

const struct charter_hub *core_hub_ever(const struct node_core *core, size_t n) { return nth_hub(core, 0, UINT64_MAX, n); }

const struct charter_hub *core_hub_still(const struct node_core *core, size_t n)
{
  const struct charter *charter = core_charter(core);
  const uint64_t version = charter ? charter->version : 0;
  return charter ? nth_hub(core, version, version > core->met_under ? version : core->met_under, n) : NULL;
}

const char *core_log_still(const struct node_core *core, const char *log)
{
  const struct charter_hub *hub;
  for (size_t i = 0; (hub = core_hub_still(core, i)); i++)
    if (!strcmp(log, hub->log.name))
      return hub->log.name;
  return NULL;
}

size_t core_hubs(const struct node_core *core, const struct charter_hub **ret, size_t max)
{
  const struct charter *charter = core_charter(core);
  const char *const *chosen = core->config->hubs;
  size_t n = 0;
  if (!charter)
    return 0;
  if (!chosen || !chosen[0]) {
    for (; n < charter->n_hubs && n < max; n++)
      ret[n] = &charter->hub[n];
    return n;
  }
  for (size_t i = 0; chosen[i] && n < max; i++)
    if ((ret[n] = charter_hub(charter, slice_str(chosen[i]))))
      n++;
  return n;
}

int core_member_index(const struct node_core *core)
{
  return core->named ? directory_member_index(core->directory, core->member) : -1;
}

void core_name_of(const struct node_core *core, const struct sign_pk *identity, char out[HOLDER_MAX + 1])
{
  const struct node *node = directory_node(core->directory, identity);
  if (node)
    holder_print(&node->credential.holder, out);
  else
    sodium_bin2hex(out, 17, identity->b, 8);
}

enum tg_err core_tell(struct node_core *core, enum node_level level, const char *name, const struct hash *subject,
                      const char *who, uint64_t number, const struct tg_why *why)
{
  struct node_event event = {.level = level, .name = name, .subject = subject, .who = who, .number = number, .why = why};
  enum tg_err err = level == NODE_ALARM ? alarms_keep(core, &event) : TG_OK;
  return err == TG_OK ? orders_tell(core->orders, &event) : err;
}

enum tg_err core_sign(void *context, struct slice message, struct sign_sig *ret)
{
  const struct node_core *core = context;
  return secret_key_sign(core->secrets->node, message, ret);
}

/* ---- roles ---- */

static const struct {
  enum node_role role;
  const char *name;
} roles[] = {{NODE_READER, "reader"},   {NODE_PUBLISHER, "publisher"}, {NODE_APPROVER, "approver"},
             {NODE_OFFICER, "officer"}, {NODE_AUDITOR, "auditor"},     {NODE_ADMIN, "admin"}};

const char *node_role_name(enum node_role role)
{
  for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
    if (roles[i].role == role)
      return roles[i].name;
  return "?";
}

enum tg_err node_role_parse(struct slice s, enum node_role *ret)
{
  for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
    if (slice_is(s, roles[i].name)) {
      *ret = roles[i].role;
      return TG_OK;
    }
  return TG_BAD_INPUT;
}

/* ---- events ---- */

/* Begins an event: whatever the last one left in the arena is gone. */
static enum tg_err event(struct node_core *core)
{
  arena_reset(core->arena);
  return core->failed;
}

/* Whoever could not take something apart for lack of memory may have taken that for a fault of who sent it: then nothing of this turn
   becomes a fact, and nothing goes out. The process ends, and what came comes again. */
static enum tg_err done(struct node_core *core, enum tg_err err)
{
  if (arena_is_starved(core->arena) || arena_is_starved(core->scrap))
    err = TG_NO_MEMORY;
  if (err != TG_OK)
    core->failed = err;
  return err;
}

enum tg_err node_time(struct node_core *core, struct node_now now)
{
  enum tg_err err = event(core);
  if (err != TG_OK)
    return err;
  core->now = now;
  if (core->stopping)
    return TG_OK;
  static enum tg_err (*const due[])(struct node_core *) = {steady_time, papers_time, rotation_time, talk_time, gossip_time,
                                                           outbox_time, waiting_time,  arrivals_time, inbox_time};
  for (size_t i = 0; err == TG_OK && i < sizeof due / sizeof *due; i++)
    err = due[i](core);
  return done(core, err);
}

void node_disk(struct node_core *core, uint64_t free_bytes)
{
  bool had = core_has_room(core);
  core->free_bytes = free_bytes;
  if (had != core_has_room(core))
    arrivals_room_changed(core);
}

enum tg_err node_link(struct node_core *core, enum node_link_state state)
{
  core->due = true;
  enum tg_err err = event(core);
  if (err == TG_OK)
    err = arrivals_take_all(core);
  return err == TG_OK ? done(core, talk_link(core, state)) : done(core, err);
}

enum tg_err node_line(struct node_core *core, bool busy)
{
  core->due = true;
  enum tg_err err = event(core);
  talk_line(core, busy);
  return done(core, err);
}

/* Nobody waits for what these change; who does, has an effect among the orders. */
static bool is_idle(struct slice frame)
{
  return frame.n > 1 && (frame.p[1] == FRAME_OUTCOMES || frame.p[1] == FRAME_RECEIPTS_SEEN);
}

enum tg_err node_frame(struct node_core *core, struct slice frame)
{
  core->due |= !is_idle(frame);
  enum tg_err err = event(core);
  return err == TG_OK && !core->stopping ? done(core, talk_frame(core, frame)) : err;
}

enum tg_err node_dropped(struct node_core *core, uint8_t type)
{
  core->due = true;
  enum tg_err err = event(core);
  const struct frame_kind *kind = frame_kind(type);
  if (err != TG_OK || !kind)
    return err;
  talk_dropped(core);
  outbox_dropped(core, kind->type);
  arrivals_dropped(core, kind->type);
  gossip_dropped(core, kind->type);
  errands_dropped(core, kind->type);
  return kind->type == FRAME_RECEIPTS ? done(core, says_dropped(core)) : TG_OK;
}

enum tg_err node_drained(struct node_core *core)
{
  talk_drained(core);
  return event(core);
}

enum tg_err node_client_joined(struct node_core *core, uint64_t client, uint32_t uid)
{
  core->due = true;
  enum tg_err err = event(core);
  return err == TG_OK ? done(core, desk_joined(core, client, uid)) : err;
}

enum tg_err node_client_frame(struct node_core *core, uint64_t client, struct slice frame)
{
  core->due = true;
  enum tg_err err = event(core);
  return err == TG_OK && !core->stopping ? done(core, desk_frame(core, client, frame)) : err;
}

enum tg_err node_client_drained(struct node_core *core, uint64_t client)
{
  enum tg_err err = event(core);
  return err == TG_OK ? done(core, desk_drained(core, client)) : err;
}

enum tg_err node_client_gone(struct node_core *core, uint64_t client)
{
  core->due = true;
  enum tg_err err = event(core);
  return err == TG_OK ? done(core, desk_gone(core, client)) : err;
}

enum tg_err node_hook_done(struct node_core *core, uint64_t order, int code)
{
  core->due = true;
  enum tg_err err = event(core);
  return err == TG_OK ? done(core, hooks_done(core, order, code)) : err;
}

enum tg_err node_stop(struct node_core *core)
{
  core->due = true;
  enum tg_err err = event(core);
  if (err != TG_OK || core->stopping)
    return err;
  err = arrivals_take_all(core);
  core->stopping = true;
  if (err == TG_OK)
    err = steady_stop(core);
  if (err == TG_OK)
    err = desk_stop(core);
  return done(core, err == TG_OK ? talk_stop(core) : err);
}

/* ---- the end of a turn ---- */

/* Everything that was stated in this turn and is not a receipt, under one signature. Receipts have their own: their frame carries no
   paths. */
static enum tg_err sign_statements(struct node_core *core)
{
  struct batch *batch = batch_new();
  enum tg_err err = batch ? TG_OK : TG_NO_MEMORY;
  if (err == TG_OK)
    err = rotation_batch(core, batch);
  if (err == TG_OK)
    err = outbox_batch(core, batch);
  if (err == TG_OK && batch_size(batch) > 0) {
    err = batch_sign(batch, &core->config->exchange, core_sign, core);
    if (err == TG_OK)
      err = rotation_signed(core, batch);
    if (err == TG_OK)
      err = outbox_signed(core, batch);
  }
  batch_free(batch);
  return err;
}

static enum tg_err sweep(struct node_core *core)
{
  if (!core->sweeping)
    return TG_OK;
  enum tg_err err = core_begin(core);
  if (err == TG_OK)
    err = depot_sweep(core->depot, SWEEP, &core->sweeping);
  if (err == TG_OK && core->sweeping)
    core_wake_now(core);
  return err;
}

static enum tg_err finish(struct node_core *core)
{
  static enum tg_err (*const steps[])(struct node_core *) = {
      arrivals_turn, sign_statements, desk_turn, hooks_turn, errands_pump, outbox_pump, arrivals_pump, says_turn, watch_turn, sweep, journal_turn};
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < sizeof steps / sizeof *steps; i++) {
    arena_reset(core->arena);
    err = steps[i](core);
  }
  return err;
}

static enum tg_err commit(struct node_core *core, struct tg_why *why)
{
  enum tg_err err = depot_commit(core->depot, why);
  if (err == TG_OK && core->settle) {
    core->settle = false;
    err = depot_settle(core->depot, why);
  }
  return err;
}

static void wake(struct node_core *core)
{
  if (core->stopping) {
    core->wake = INT64_MAX;
  } else {
    core_wake_at(core, talk_due(core));
    core_wake_at(core, gossip_due(core));
    core_wake_at(core, papers_due(core));
    core_wake_at(core, rotation_due(core));
    core_wake_at(core, outbox_due(core));
    core_wake_at(core, waiting_due(core));
    core_wake_at(core, arrivals_due(core));
    core_wake_at(core, inbox_due(core));
    core_wake_at(core, hooks_due(core));
  }
  if (core->wake != core->woken || core->wake <= core->now.mono) /* a timer that went off is set again, even for the same moment */
    core->effects.wake_at(core->effects.context, core->wake);
  core->woken = core->wake;
  core->wake = INT64_MAX;
}

/* Does nobody wait for what this transaction changed? Then it stays open for a while, and is on the disk with what comes next. */
static bool may_stay_open(struct node_core *core)
{
  if (core->due || core->stopping || core->settle || !orders_only_tell(core->orders) || !db_has_changed(depot_db(core->depot)))
    return false;
  if (!core->put_off)
    core->put_off = core->now.mono + NODE_PUT_OFF_MS;
  if (core->now.mono >= core->put_off)
    return false;
  core_wake_at(core, core->put_off);
  return true;
}

static void hub_queued(void *context, size_t bytes) { talk_queued(context, bytes); }
static void client_queued(void *context, uint64_t client, size_t bytes) { desk_queued(context, client, bytes); }

bool node_is_urgent(const struct node_core *core)
{
  return core->urgent && !core->failed;
}

enum tg_err node_step(struct node_core *core, bool *ret_more)
{
  enum tg_err err = event(core);
  *ret_more = false;
  return err == TG_OK && !core->stopping ? done(core, arrivals_step(core, ret_more)) : err;
}

enum tg_err node_turn(struct node_core *core, struct tg_why *why)
{
  struct orders_queued queued = {.context = core, .hub = hub_queued, .client = client_queued};
  struct tg_why said = {0};
  enum tg_err err = event(core);
  if (err == TG_OK)
    err = done(core, finish(core));
  if (err == TG_OK && may_stay_open(core)) {
    wake(core);
    return TG_OK;
  }
  if (err == TG_OK) {
    orders_keep_evidence(core->orders, &core->effects);
    err = commit(core, &said);
  }
  if (err != TG_OK) {
    explain(core, err, &said, why);
    return done(core, err);
  }
  core->due = core->urgent = false;
  core->put_off = 0;
  orders_carry_out(core->orders, &core->effects, &queued);
  backup_turn(core); /* when nothing waits for it any more */
  wake(core);
  return TG_OK;
}
