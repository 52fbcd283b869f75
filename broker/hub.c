#include "broker/hub_inside.h"

#include "broker/chores.h"
#include "broker/cosign.h"
#include "broker/docket.h"
#include "broker/memory.h"
#include "broker/notes.h"
#include "broker/overdue.h"
#include "broker/pump.h"
#include "broker/session.h"
#include "broker/station.h"
#include "broker/registry.h"
#include "broker/upload.h"
#include "proto/hash.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA = 24 * 1024 * 1024, ARENA_KEPT = 1024 * 1024, BATCHES_REMEMBERED = 4096, CHORES_MS = 1000, BUSY_MS = 3000, IDLE_MS = 5000, EVIDENCE_PER_HOUR = 16 };
_Static_assert((size_t)ARENA >= (size_t)FRAME_ARENA, "any frame fits");

/* ---- configuration */

static void defaults(struct hub_config *c)
{
  const struct {
    uint64_t *value, otherwise;
  } numbers[] = {
      {&c->flash_per_hour, 120},
      {&c->per_hour, 100000},
      {&c->queue_count, 1000000},
      {&c->queue_bytes, UINT64_C(16) << 30},
      {&c->member_bytes, UINT64_C(16) << 30},
      {&c->parked_count, 256},
      {&c->in_flight_count, 4096},
      {&c->in_flight_bytes, UINT64_C(4) << 20},
      {&c->disk_reserve, UINT64_C(256) << 20},
      {&c->part, HUB_PART},
      {&c->memory, MEMORY_DEFAULT},
  };
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (!*numbers[i].value)
      *numbers[i].value = numbers[i].otherwise;
  if (!c->clock_skew)
    c->clock_skew = 5 * TG_MINUTE;
  static const tg_time due[] = {TG_MINUTE, 10 * TG_MINUTE, TG_HOUR, 12 * TG_HOUR};
  for (size_t i = 0; i < sizeof due / sizeof *due; i++)
    if (!c->receipts_due[i])
      c->receipts_due[i] = due[i];
  if (!c->strikes)
    c->strikes = 16;
  if (!c->refusal_window)
    c->refusal_window = TG_MINUTE;
  if (!c->tick)
    c->tick = 15 * TG_SECOND;
}

/* What the operator decided, as the log names it. */
static struct hash config_hash(const struct hub_config *c)
{
  struct hash_state h;
  hash_begin(&h, "toguna/hub-config/v2");
  hash_put_hash(&h, &c->exchange);
  const uint64_t numbers[] = {(uint64_t)c->clock_skew,
                              c->flash_per_hour,
                              c->per_hour,
                              c->queue_count,
                              c->queue_bytes,
                              c->member_bytes,
                              c->parked_count,
                              c->in_flight_count,
                              c->in_flight_bytes,
                              c->disk_reserve,
                              c->memory,
                              c->strikes,
                              (uint64_t)c->refusal_window,
                              (uint64_t)c->tick};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    hash_put_u64(&h, numbers[i]);
  for (size_t i = 0; i < sizeof c->receipts_due / sizeof *c->receipts_due; i++)
    hash_put_u64(&h, (uint64_t)c->receipts_due[i]);
  hash_put(&h, c->name, strlen(c->name));
  return hash_end(&h);
}

/* ---- what everybody asks */

const struct charter_hub *hub_self(const struct hub *hub)
{
  const struct charter *c = directory_newest_charter(hub->rules.directory);
  return c ? charter_hub(c, slice_str(hub->config.name)) : NULL;
}

uint64_t hub_awaited_charter(const struct hub *hub)
{
  return directory_charter_version(hub->rules.directory, hub->awaited, NULL) ? 0 : hub->awaited;
}

bool hub_has_begun(const struct hub *hub)
{
  return hub_self(hub) && !hub_awaited_charter(hub);
}

const struct charter *hub_charter(const struct hub *hub)
{
  return directory_charter(hub->rules.directory, hub->now.wall);
}

const struct charter_limits *hub_limits(const struct hub *hub)
{
  const struct charter *c = hub_charter(hub);
  return c ? &c->limits : &CHARTER_LIMITS_DEFAULT;
}

enum tg_err hub_tell(struct hub *hub, enum hub_level level, const char *name, const struct party *node,
                     const struct hash *subject, uint64_t number, const struct tg_why *why)
{
  if (!hub->effects.tell)
    return TG_OK;
  const struct hub_event event = {.level = level,
                                  .name = name,
                                  .node = node ? node->name : NULL,
                                  .subject = subject,
                                  .number = number,
                                  .why = why && why->what ? why : NULL};
  return effects_tell(hub->out, &event);
}

enum tg_err hub_log(struct hub *hub, struct entry *entry, uint64_t *ret_leaf)
{
  entry->time = hub->now.wall;
  return logbook_append(hub->log, entry, ret_leaf);
}

enum tg_err hub_alarm(struct hub *hub, enum reason reason, struct party *node,
                      const struct hash *subject, struct slice evidence)
{
  struct entry e = {.type = ENTRY_ALARM, .reason = reason};
  uint64_t leaf;
  if (node)
    e.actor = node->identity;
  if (subject)
    e.subject = *subject;
  enum tg_err err = hub_log(hub, &e, &leaf);
  if (!err && evidence.n && (!node || allowance_take(&node->evidence, EVIDENCE_PER_HOUR, 1, hub->now.mono)))
    err = store_evidence_put(hub->store, leaf, evidence);
  return err ? err : hub_tell(hub, HUB_ALARM, reason_name(reason), node, subject, leaf, NULL);
}

static uint32_t member_number(const struct node *node)
{
  const char *code = node->credential.holder.member.code;
  return (uint32_t)(uint8_t)code[0] << 8 | (uint8_t)code[1];
}

uint32_t hub_member(const struct hub *hub, const struct seal_pk *peer)
{
  const struct node *node = directory_node_by_transport(hub->rules.directory, peer);
  return node ? member_number(node) : 0;
}

enum tg_err hub_allow(struct hub *hub)
{
  struct buf peers = buf_new(64 * 1024 * 1024);
  const struct node *node;
  for (size_t i = 0; hub_has_begun(hub) && (node = directory_node_at(hub->rules.directory, i)); i++)
    if (!directory_may_act(hub->rules.directory, &node->credential.identity, hub->now.wall, NULL)) {
      const struct hub_peer peer = {node->credential.transport, member_number(node)};
      buf_put(&peers, &peer, sizeof peer);
    }
  struct hash h = hash_labelled("toguna/allowed", buf_slice(&peers));
  enum tg_err err = buf_status(&peers) ? TG_NO_MEMORY : TG_OK;
  if (!err && !hash_eq(&h, &hub->allowed)) {
    hub->allowed = h;
    err = effects_allow(hub->out, (const struct hub_peer *)(const void *)peers.p, peers.n / sizeof(struct hub_peer));
  }
  buf_free(&peers);
  return err;
}

/* ---- beginning and end */

/* A fact that must not change; put down when it is not there yet. */
static enum tg_err same_fact(struct hub *hub, const char *name, struct slice value, struct tg_why *why)
{
  struct slice had;
  arena_reset(hub->item);
  enum tg_err err = store_fact(hub->store, name, hub->item, &had);
  if (err == TG_NOT_FOUND)
    return store_fact_put(hub->store, name, value);
  if (err || slice_eq(had, value))
    return err;
  return why_set(why, TG_CONFLICT, NULL, N_("this store is of another exchange or hub: its %1$s differs"),
                 N_("start the hub in the folder that belongs to it"), name, NULL, NULL);
}

#define AWAITED "charter-awaited"

static enum tg_err resume_awaited(struct hub *hub)
{
  struct slice bytes;
  arena_reset(hub->item);
  enum tg_err err = store_fact(hub->store, AWAITED, hub->item, &bytes);
  if (err)
    return err == TG_NOT_FOUND ? TG_OK : err;
  return take_u64(&bytes, &hub->awaited) && !bytes.n ? TG_OK : TG_DISK;
}

static enum tg_err log_config(struct hub *hub)
{
  const struct hash h = config_hash(&hub->config);
  struct entry e = {.type = ENTRY_CONFIGURATION, .subject = h};
  struct slice had;
  arena_reset(hub->item);
  enum tg_err err = store_fact(hub->store, "configuration", hub->item, &had);
  if (err && err != TG_NOT_FOUND)
    return err;
  if (!err && slice_eq(had, slice_of(h.b, sizeof h.b)))
    return TG_OK;
  err = store_fact_put(hub->store, "configuration", slice_of(h.b, sizeof h.b));
  return err ? err : hub_log(hub, &e, NULL);
}

struct arena *hub_frame_arena(void)
{
  struct arena *a = arena_new(ARENA);
  if (a)
    arena_keep(a, ARENA_KEPT);
  return a;
}

static enum tg_err make_parts(struct hub *hub)
{
  hub->out = effects_new(memory_effects(hub->config.memory));
  hub->verifier = batch_verifier_new(BATCHES_REMEMBERED);
  hub->dockets = dockets_new();
  hub->notes = notes_new();
  hub->uploads = uploads_new();
  hub->frame = hub_frame_arena();
  hub->item = arena_new(ARENA);
  hub->reply = arena_new(ARENA);
  if (!hub->out || !hub->verifier || !hub->dockets || !hub->notes || !hub->uploads || !hub->frame || !hub->item ||
      !hub->reply)
    return TG_NO_MEMORY;
  arena_keep(hub->reply, ARENA_KEPT);
  return parties_init(&hub->parties);
}

static enum tg_err start(struct hub *hub, struct slice signed_note, struct tg_why *why)
{
  enum tg_err err = make_parts(hub);
  if (!err && (hash_is_zero(&hub->config.exchange) || !hub->config.name[0]))
    return why_set(why, TG_BAD_INPUT, NULL,
                   N_("the hub was not told its name, or the hash of its exchange's first charter"),
                   N_("set both in the hub's configuration"), NULL, NULL, NULL);
  if (!err)
    err = store_begin(hub->store, why);
  if (!err)
    err = same_fact(hub, "exchange", slice_of(hub->config.exchange.b, 32), why);
  if (!err)
    err = same_fact(hub, "hub", slice_str(hub->config.name), why);
  if (!err)
    err = logbook_open(hub->store, &hub->log, why);
  if (!err)
    err = rules_replay(hub->store, &hub->config.exchange, &hub->rules.directory, why);
  if (!err)
    err = rules_reread(&hub->rules, hub->now.wall);
  if (!err)
    err = resume_awaited(hub);
  if (!err) {
    const struct charter_hub *self = hub_self(hub);
    err = logbook_resume(hub->log, self ? &self->log : NULL, signed_note, why);
  }
  if (!err)
    err = cosign_resume(hub, why);
  if (!err)
    err = overdue_resume(hub);
  if (!err)
    err = log_config(hub);
  return err ? err : hub_allow(hub);
}

enum tg_err hub_new(const struct hub_config *config, struct store **store, const struct hub_effects *effects,
                    struct hub_now now, struct slice signed_note, struct hub **ret, struct tg_why *why)
{
  struct hub *hub = calloc(1, sizeof *hub);
  if (!hub) {
    store_close(store);
    return TG_NO_MEMORY;
  }
  hub->config = *config;
  hub->effects = *effects;
  hub->now = now;
  hub->store = *store;
  *store = NULL;
  hub->disk_free = UINT64_MAX;
  hub->round = 1; /* a new session has had no turn in any */
  defaults(&hub->config);
  enum tg_err err = start(hub, signed_note, why);
  if (err) {
    hub_free(hub);
    return err;
  }
  effects_flush(hub->out, &hub->effects);
  hub->effects.wake_at(hub->effects.context, now.mono); /* the first turn writes down what starting changed */
  *ret = hub;
  return TG_OK;
}

void hub_free(struct hub *hub)
{
  if (!hub)
    return;
  sessions_forget(hub);
  parties_done(&hub->parties);
  logbook_free(hub->log);
  rules_done(&hub->rules);
  uploads_free(hub->uploads);
  dockets_free(hub->dockets);
  notes_free(hub->notes);
  batch_verifier_free(hub->verifier);
  effects_free(hub->out);
  arena_free(hub->frame);
  arena_free(hub->item);
  arena_free(hub->reply);
  store_close(&hub->store);
  free(hub);
}

/* ---- events */

enum tg_err hub_time(struct hub *hub, struct hub_now now)
{
  enum tg_err err = store_begin(hub->store, NULL);
  hub->now = now;
  hub->looked = 0;
  if (err || now.mono < hub->chores)
    return err;
  hub->chores = now.mono + CHORES_MS;
  return chores(hub);
}

/* Room again is a little more than the reserve: at the brink it is not said twice a second. */
enum tg_err hub_disk(struct hub *hub, uint64_t free_bytes)
{
  const uint64_t reserve = hub->config.disk_reserve;
  const bool full = free_bytes < reserve || (hub->full && free_bytes - reserve < reserve / 8);
  hub->disk_free = free_bytes;
  if (full == hub->full)
    return TG_OK;
  hub->full = full;
  if (!full)
    return hub_tell(hub, HUB_NOTICE, "disk-has-room", NULL, NULL, free_bytes, NULL);
  struct tg_why why;
  why_set(&why, TG_DISK, NULL, N_("the disk is nearly full: nothing new is accepted, what was accepted is delivered"),
          N_("Make room on the disk of the hub's folder; no restart is needed"), NULL, NULL, NULL);
  return hub_tell(hub, HUB_ERROR, "disk-nearly-full", NULL, NULL, free_bytes, &why);
}

/* Who stands behind this key, if it may connect. NULL: nobody. */
static enum tg_err peer_party(struct hub *hub, const struct seal_pk *peer, struct party **ret)
{
  const struct node *node = directory_node_by_transport(hub->rules.directory, peer);
  *ret = NULL;
  if (!node || !hub_has_begun(hub) ||
      directory_may_act(hub->rules.directory, &node->credential.identity, hub->now.wall, NULL))
    return TG_OK;
  enum tg_err err = party_of(&hub->parties, hub->store, &node->credential.identity, ret);
  if (!err)
    holder_print(&node->credential.holder, (*ret)->name);
  return err;
}

/* The same, with all that whoever has no right to it any more has here at its end. */
static enum tg_err admit(struct hub *hub, const struct seal_pk *peer, struct party **ret)
{
  enum tg_err err = store_begin(hub->store, NULL);
  if (!err)
    err = peer_party(hub, peer, ret);
  if (err || *ret)
    return err;
  struct session *s = session_of(hub, peer);
  return s ? session_close(hub, s, REASON_REVOKED, END_SAY | END_CUT) : effects_cut(hub->out, peer);
}

enum tg_err hub_hear(struct hub *hub, const struct seal_pk *peer, struct slice frame, size_t *ret_left)
{
  struct party *party;
  *ret_left = 0;
  if (hub->stopping)
    return TG_OK;
  enum tg_err err = admit(hub, peer, &party);
  if (err || !party)
    return err;
  if (party_is_struck(party, hub->config.strikes, hub->config.refusal_window, hub->now.mono))
    return effects_cut(hub->out, peer);
  return station_frame(hub, peer, party, frame, ret_left);
}

enum tg_err hub_go_on(struct hub *hub, const struct seal_pk *peer, size_t *ret_left)
{
  struct session *s = session_of(hub, peer);
  struct party *party;
  *ret_left = 0;
  enum tg_err err = s ? admit(hub, peer, &party) : TG_OK; /* it may have lost its right since the part before */
  return err || !s || !party ? err : station_go_on(hub, s, ret_left);
}

enum tg_err hub_frame(struct hub *hub, const struct seal_pk *peer, struct slice frame)
{
  size_t left;
  enum tg_err err = hub_hear(hub, peer, frame, &left);
  while (!err && left)
    err = hub_go_on(hub, peer, &left);
  return err;
}

enum tg_err hub_gone(struct hub *hub, const struct seal_pk *peer)
{
  hub->due = true;
  hub->stirred = hub->now.mono;
  struct session *s = session_of(hub, peer);
  enum tg_err err = store_begin(hub->store, NULL);
  return err || !s ? err : session_close(hub, s, REASON_CLOSED, END_QUIETLY);
}

enum tg_err hub_line(struct hub *hub, const struct seal_pk *peer, bool busy)
{
  struct session *s = session_of(hub, peer);
  if (s)
    s->pace.held = busy;
  return TG_OK;
}

enum tg_err hub_dropped(struct hub *hub, const struct seal_pk *peer, uint8_t type)
{
  struct session *s = session_of(hub, peer);
  enum tg_err err = store_begin(hub->store, NULL);
  hub->due = true;
  if (err || !s)
    return err;
  const struct frame_kind *kind = frame_kind(type);
  if (!kind || kind->chained)
    return session_close(hub, s, REASON_CLOSED, END_CUT);
  if (type == FRAME_CHUNK)
    s->want_count = 0; /* the node asks again from where it is */
  return TG_OK; /* a Want is asked again when nothing comes; and a node says again the receipts that nobody has seen */
}

enum tg_err hub_disconnected(struct hub *hub)
{
  hub->due = true;
  hub->stirred = hub->now.mono;
  enum tg_err err = store_begin(hub->store, NULL);
  if (!err)
    err = sessions_close_all(hub, REASON_RESTARTED, END_QUIETLY);
  hub->allowed = (struct hash){{0}};
  return err ? err : hub_allow(hub);
}

enum tg_err hub_signed(struct hub *hub, struct slice note)
{
  struct tg_why why = {0};
  enum tg_err err = store_begin(hub->store, NULL);
  if (!err && !hub->has_key)
    return TG_CONFLICT; /* nothing was asked */
  if (!err)
    err = logbook_signed(hub->log, &hub->key, note, &why);
  return err;
}

static enum tg_err take_document(struct hub *hub, struct slice content, const struct foresight *past, struct tg_why *ret_refusal)
{
  bool refused;
  struct tg_why why = {0};
  enum tg_err err = store_begin(hub->store, NULL);
  hub->due = true;
  hub->stirred = hub->now.mono;
  if (!err)
    err = registry_file(hub, content, past, &refused, &why);
  if (err || !refused)
    return err;
  if (ret_refusal)
    *ret_refusal = why;
  return TG_REFUSED;
}

enum tg_err hub_document(struct hub *hub, struct slice content, struct tg_why *ret_refusal)
{
  return take_document(hub, content, NULL, ret_refusal);
}

enum tg_err hub_past_document(struct hub *hub, const struct foresight *foresight, struct slice content, struct tg_why *ret_refusal)
{
  return take_document(hub, content, foresight, ret_refusal);
}

enum tg_err hub_await_charter(struct hub *hub, uint64_t version)
{
  struct buf out = buf_new(8);
  if (version == hub->awaited)
    return TG_OK;
  hub->awaited = version;
  hub->papers_came = hub->due = true; /* who may connect has changed */
  buf_put_u64(&out, version);
  enum tg_err err = buf_status(&out) ? TG_NO_MEMORY : store_begin(hub->store, NULL);
  if (!err)
    err = store_fact_put(hub->store, AWAITED, buf_slice(&out));
  buf_free(&out);
  return err;
}

enum tg_err hub_stop(struct hub *hub)
{
  enum tg_err err = store_begin(hub->store, NULL);
  hub->stopping = hub->due = true;
  return err ? err : sessions_close_all(hub, REASON_STOPPING, END_SAY);
}

struct store *hub_store(struct hub *hub)
{
  return hub->store;
}

void hub_explain(struct hub *hub, struct tg_why *why)
{
  if (store_failed(hub->store))
    (void)store_explain(hub->store, TG_DISK, why);
}

bool hub_is_busy(const struct hub *hub)
{
  /* Before it has begun nothing is signed, and nobody waits for it. */
  const bool put_off = hub->put_off && !hub->stopping;
  return !effects_empty(hub->out) || logbook_awaits_signature(hub->log) ||
         (logbook_wants_signature(hub->log) && !put_off && (hub->has_key || hub_has_begun(hub)));
}

enum tg_err hub_log_publish(struct hub *hub, uint64_t *published, const struct hub_files *files,
                            bool *ret_more)
{
  return logbook_publish(hub->log, published, files, ret_more);
}

/* ---- the end of a turn */

/* Asks for a signature of what is now on the disk. */
static enum tg_err ask_signer(struct hub *hub)
{
  struct hub_sign request;
  if (hub_has_begun(hub)) { /* until then nobody could verify it, or it may have to begin once more */
    hub->key = hub_self(hub)->log;
    hub->has_key = true;
  }
  if (!hub->has_key || !logbook_wants_signature(hub->log))
    return TG_OK;
  enum tg_err err = logbook_ask(hub->log, &request);
  if (!err)
    hub->effects.sign(hub->effects.context, &request);
  return err;
}

/* The chores of a hub to which nothing happens are done less often: whatever happens, they come first (hub_time). */
static int64_t chores_wake(const struct hub *hub)
{
  const int64_t idle = hub->config.tick / 3 < IDLE_MS ? hub->config.tick / 3 : IDLE_MS;
  const bool busy = hub->now.mono - hub->stirred < BUSY_MS || hub->chores <= hub->now.mono;
  return busy ? hub->chores : hub->chores - CHORES_MS + (idle > CHORES_MS ? idle : CHORES_MS);
}

static void ask_wake(struct hub *hub)
{
  const int64_t chores = chores_wake(hub);
  int64_t at = hub->hurry ? hub->now.mono : hub->paced < chores ? hub->paced : chores;
  if (hub->put_off && hub->put_off < at)
    at = hub->put_off;
  hub->effects.wake_at(hub->effects.context, at);
}

/* Does nobody wait for what this transaction changed? Then it stays open for a while, and is on the disk with what comes next. */
static bool may_stay_open(struct hub *hub)
{
  if (hub->due || hub->stopping || !effects_empty(hub->out))
    return false;
  if (!hub->heard && !store_has_changed(hub->store) && !logbook_wants_signature(hub->log))
    return false; /* nothing is put off */
  if (!hub->put_off)
    hub->put_off = hub->now.mono + HUB_PUT_OFF_MS;
  return hub->now.mono < hub->put_off;
}

/* Whoever could not take something apart for lack of memory may have taken that for a fault of who sent it: then nothing of this turn
   becomes a fact, and nothing goes out. The process ends, and what came comes again. */
static enum tg_err check_memory(const struct hub *hub)
{
  return arena_is_starved(hub->frame) || arena_is_starved(hub->item) || arena_is_starved(hub->reply) ? TG_NO_MEMORY : TG_OK;
}

enum tg_err hub_advance(struct hub *hub)
{
  if (hub->papers_came || logbook_awaits_signature(hub->log))
    return TG_OK;
  enum tg_err err = store_begin(hub->store, NULL);
  if (!err)
    err = pump(hub);
  if (!err)
    err = check_memory(hub);
  if (!err)
    (void)effects_advance(hub->out, &hub->effects);
  return err;
}

bool hub_gathers(const struct hub *hub)
{
  return logbook_awaits_signature(hub->log) && !effects_full(hub->out);
}

void hub_hold(struct hub *hub, bool hold)
{
  hub->hold = hold;
}

bool hub_is_urgent(const struct hub *hub)
{
  return hub->urgent;
}

static enum tg_err write_turn(struct hub *hub, struct tg_why *why)
{
  enum tg_err err = logbook_flush(hub->log);
  if (!err)
    err = store_commit(hub->store, why);
  if (err)
    return err;
  hub->due = hub->heard = hub->urgent = false;
  hub->put_off = 0;
  effects_flush(hub->out, &hub->effects);
  return logbook_awaits_signature(hub->log) ? TG_OK : ask_signer(hub);
}

enum tg_err hub_commit(struct hub *hub, struct tg_why *why)
{
  /* While the signer works the group gathers. */
  if (hub_gathers(hub))
    return TG_OK;
  const bool papers = hub->papers_came; /* what they permit goes out after they are certain */
  enum tg_err err = store_begin(hub->store, why);
  hub->hurry = false;
  hub->paced = INT64_MAX;
  if (!err)
    err = pump(hub);
  if (!err)
    err = check_memory(hub);
  if (err)
    return err;
  const bool went = !papers && effects_advance(hub->out, &hub->effects);
  if (!may_stay_open(hub)) {
    if (went && hub->effects.push)
      hub->effects.push(hub->effects.context);
    err = write_turn(hub, why);
  }
  if (!err)
    ask_wake(hub);
  return err;
}
