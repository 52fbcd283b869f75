#include "client/node/arrivals_inside.h"

#include "client/node/bundle_in.h"
#include "client/node/carried.h"
#include "client/node/gossip.h"
#include "client/node/history.h"
#include "client/node/inbox.h"
#include "client/node/says.h"
#include "client/node/talk.h"
#include "client/node/watch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  COMING_MAX = 4096,       /* bulletins whose bodies are coming */
  PATIENCE_MS = 60 * 1000, /* for chunks that were asked for, while others come */
  SILENCE_MS = 5 * 1000,   /* when none comes at all, on a line that is not slow: what the hub could not hand to us it forgot */
  CHECK_EVERY = 60 * 1000, /* for what has expired */
  CHECKED_PER_TURN = 8,    /* chunks of a large body, some 3 ms: what is urgent waits for it */
  CHECK_ARENA = 4 * LIMIT_FRAME,
};

struct arrivals *arrivals_new(void)
{
  struct arrivals *a = calloc(1, sizeof *a);
  if (a && !(a->arena = arena_new(CHECK_ARENA))) {
    free(a);
    return NULL;
  }
  return a;
}

void arrivals_free(struct arrivals *a)
{
  if (!a)
    return;
  arrivals_free_aside(a);
  check_free(a->check);
  arena_free(a->arena);
  for (size_t i = 0; i < a->n; i++)
    buf_free(&a->coming[i].pieces);
  free(a->coming);
  free(a);
}

size_t arrivals_count(const struct node_core *core) { return core->arrivals->n; }

size_t arrivals_places(const struct node_core *core, const char *hub, uint64_t *ret, size_t max)
{
  const struct arrivals *a = core->arrivals;
  size_t n = 0;
  for (size_t i = 0; i < a->n && n < max; i++)
    if (!strcmp(a->coming[i].hub, hub))
      ret[n++] = a->coming[i].queue;
  return n;
}

static void end_check(struct arrivals *a)
{
  check_free(a->check);
  a->check = NULL;
  arena_reset(a->arena); /* wipes the keys */
}

static enum tg_err remove_coming(struct node_core *core, const struct hash *id)
{
  struct arrivals *a = core->arrivals;
  struct coming *c = arrivals_find(a, id);
  if (a->check && hash_eq(&a->checking, id))
    end_check(a);
  if (!c)
    return TG_OK;
  buf_free(&c->pieces);
  a->n--;
  memmove(c, c + 1, (size_t)(a->coming + a->n - c) * sizeof *c); /* what came first is asked for first */
  struct db_stmt *s = db_stmt(depot_db(core->depot), "DELETE FROM arriving WHERE id = ?");
  db_bind_blob(s, 1, hash_slice(id));
  return db_run(s);
}

static enum tg_err drop_bodies(struct node_core *core, const struct coming *c)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < c->n; i++)
    err = depot_body_drop(core->depot, c->part[i].body);
  core->sweeping = true;
  return err;
}

/* ---- the end of a delivery, one way or the other ---- */

/* The log of the hub in whose queue it is; NULL: of one that was given up. */
static enum tg_err log_of(struct node_core *core, const struct coming *c, const char **ret)
{
  const struct charter_hub *hub = NULL;
  *ret = c->log[0] ? core_log_still(core, c->log) : NULL;
  enum tg_err err = c->log[0] ? TG_OK : history_only_hub(core, &hub);
  if (err == TG_NOT_FOUND && c->queue) {
    Tg__Delivery *m;
    err = arrivals_get(core, &c->id, core->arena, &m);
    if (err != TG_OK)
      return err;
    const struct opening o = {data_slice(m->entry), data_slice(m->salt), m->leaf, data_slice(m->path)};
    err = history_log(core, &o, ret);
  }
  if (hub)
    *ret = hub->log.name;
  return err == TG_NOT_FOUND ? TG_OK : err;
}

static enum tg_err decline(struct node_core *core, const struct judged *j, const struct coming *c, const char *log, enum receipt_event event,
                           const char *told, const struct tg_why *why)
{
  const struct hash *id = &c->id;
  char name[HOLDER_MAX + 1];
  core_name_of(core, &j->delivery.header.subject.originator, name);
  enum tg_err err = core_begin(core);
  if (c->queue == 0) { /* it leaves no trace: when the hub brings it, it is looked at again */
    bundle_in_declined(core, id, event, why);
    return err == TG_OK ? core_tell(core, NODE_ERROR, told, id, name, j->content.number, why) : err;
  }
  if (err == TG_OK && j->opened)
    err = inbox_number(core, &j->delivery.header, &j->content);
  if (err == TG_OK)
    err = inbox_decline(core, log, id, event);
  if (err == TG_OK)
    err = says_done(core, log, c->queue, c->bytes);
  return err == TG_OK ? core_tell(core, NODE_ERROR, told, id, name, j->content.number, why) : err;
}

static enum tg_err take_in(struct node_core *core, const Tg__Delivery *message, const struct judged *j, const struct check *check,
                           const struct coming *c, const char *log)
{
  unsigned portion[LIMIT_PORTIONS];
  struct depot_content content[LIMIT_PORTIONS];
  const struct header *header = &j->delivery.header;
  bool purged = false;
  enum tg_err err = inbox_is_purged(core, &c->id, j->originator->credential.holder.member, &purged);
  if (err == TG_OK && purged) { /* taken back before it came */
    err = drop_bodies(core, c);
    return err == TG_OK ? decline(core, j, c, log, RECEIPT_PURGED, "purged", NULL) : err;
  }
  for (size_t i = 0; i < c->n; i++) {
    portion[i] = c->part[i].portion;
    content[i] = check_content(check, i);
  }
  struct inbox_arrival arrival = {.message = message,
                                  .header = header,
                                  .member = j->originator->credential.holder.member,
                                  .keep_until = j->keep_until,
                                  .wrapped = &j->content,
                                  .portion_count = c->n,
                                  .portion = portion,
                                  .content = content,
                                  .log = log,
                                  .carried = c->queue == 0};
  core->urgent |= header->subject.precedence == PRECEDENCE_FLASH;
  if (err == TG_OK)
    err = inbox_take(core, &arrival);
  return err == TG_OK && c->queue ? says_done(core, log, c->queue, c->bytes) : err;
}

/* The bytes are not those that the originator committed to: they are forgotten and, if they came as chunks, asked for again. */
static enum tg_err altered(struct node_core *core, struct coming *c)
{
  struct tg_why why;
  if (c->queue == 0)
    return TG_DISK; /* it was measured when the bundle was read */
  enum tg_err err = drop_bodies(core, c);
  for (size_t i = 0; err == TG_OK && i < c->n; i++) {
    err = depot_body_new(core->depot, &c->part[i].body);
    if (err == TG_OK)
      err = depot_body_own(core->depot, c->part[i].body);
    c->part[i].have = 0;
  }
  buf_clear(&c->pieces);
  c->asked = c->handle = 0;
  Tg__Delivery *message;
  if (err == TG_OK)
    err = arrivals_get(core, &c->id, core->arena, &message);
  if (err == TG_OK)
    err = arrivals_put(core, c, message);
  if (err != TG_OK)
    return err;
  why_set(&why, TG_BAD_PROOF, NULL, N_("the body that came is not the one its originator sealed"), NULL, NULL, NULL, NULL);
  return talk_strike(core, "body-altered", &c->id, &why);
}

static enum tg_err conclude(struct node_core *core, const Tg__Delivery *message, const struct judged *j,
                            const struct check *check, const struct coming *c, const char *log, enum check_result result,
                            const struct tg_why *why)
{
  if (result == CHECK_GOOD)
    return take_in(core, message, j, check, c, log);
  enum tg_err err = drop_bodies(core, c);
  return err == TG_OK ? decline(core, j, c, log, RECEIPT_UNREADABLE, "unreadable", why) : err;
}

/* ---- deliveries ---- */

/* Puts the body that came along into the depot. */
static enum tg_err put_inline(struct node_core *core, struct part *part, struct slice sealed)
{
  enum tg_err err = TG_OK;
  for (; err == TG_OK && part->have < part->chunks; part->have++) {
    struct slice chunk;
    if (!take(&sealed, body_chunk_size(part->size, part->have), &chunk))
      return TG_INTERNAL; /* delivery_check() measured it */
    err = depot_chunk_put(core->depot, part->body, part->have, chunk);
  }
  return err;
}

static void came_by(const struct node_core *core, struct coming *c, const Tg__Delivery *message)
{
  c->queue = message->queue;
  snprintf(c->hub, sizeof c->hub, "%s", talk_hub(core));
  snprintf(c->log, sizeof c->log, "%s", watch_log(core));
}

static enum tg_err begin(struct node_core *core, const Tg__Delivery *message, const struct judged *j, struct coming *c)
{
  came_by(core, c, message);
  enum tg_err err = arrivals_describe(message, &j->delivery.header, core->arena, c);
  if (err == TG_OK)
    err = core_begin(core);
  for (size_t i = 0; err == TG_OK && i < c->n; i++) {
    struct part *part = &c->part[i];
    err = depot_body_new(core->depot, &part->body);
    if (err == TG_OK && j->delivery.inline_bodies >> part->portion & 1)
      err = put_inline(core, part, j->delivery.bodies[part->portion]);
  }
  return err;
}

static struct check_bodies bodies_of(const struct coming *c)
{
  struct check_bodies b = {.measured = 0};
  for (size_t i = 0; i < c->n; i++)
    b.body[i] = c->part[i].body;
  return b;
}

/* Everything came along: it is small, and finished at once. */
static enum tg_err finish_now(struct node_core *core, const Tg__Delivery *message, const struct judged *j, struct coming *c)
{
  struct check_bodies bodies = bodies_of(c);
  bodies.measured = j->delivery.inline_bodies; /* delivery_check() */
  struct check *check = check_new(j, &bodies);
  enum check_result result;
  struct tg_why why = {0};
  enum tg_err err = check ? check_step(core, check, UINT_MAX, &result, &why) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = conclude(core, message, j, check, c, watch_log(core), result, &why);
  check_free(check);
  return err;
}

static enum tg_err wait_for_bodies(struct node_core *core, const Tg__Delivery *message, struct coming *c)
{
  if (core->arrivals->n == COMING_MAX) /* beyond the credit that was granted: the hub keeps it */
    return drop_bodies(core, c);
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < c->n; i++)
    err = depot_body_own(core->depot, c->part[i].body);
  if (err == TG_OK)
    err = arrivals_put(core, c, message);
  if (err == TG_OK && !arrivals_add(core->arrivals, c))
    err = TG_NO_MEMORY;
  return err == TG_OK ? core_tell(core, NODE_DEBUG, "arriving", &c->id, NULL, c->queue, NULL) : err;
}

static enum tg_err take_judged(struct node_core *core, const Tg__Delivery *message, const struct judged *j,
                               enum judge_verdict verdict, const struct tg_why *why)
{
  struct coming c = {.id = j->delivery.header.id, .queue = message->queue, .bytes = arrivals_credit(message)};
  enum tg_err err;
  switch (verdict) {
  case JUDGE_FORGED:
    return talk_strike(core, "delivery-forged", NULL, why);
  case JUDGE_REFUSED:
    return decline(core, j, &c, watch_log(core), RECEIPT_IMPORT_REFUSED, "import-refused", why);
  case JUDGE_UNREADABLE:
    return decline(core, j, &c, watch_log(core), RECEIPT_UNREADABLE, "unreadable", why);
  case JUDGE_TAKE:
    err = begin(core, message, j, &c);
    if (err == TG_OK)
      err = arrivals_lacking(&c) ? wait_for_bodies(core, message, &c) : finish_now(core, message, j, &c);
    return err;
  }
  return TG_INTERNAL;
}

static enum tg_err hear(struct node_core *core, const Tg__Delivery *message, const struct judged *judged, const struct witness_state *under,
                        bool *ret_believe)
{
  const struct opening logged = {
      .entry = data_slice(message->entry), .salt = data_slice(message->salt), .index = message->leaf, .path = data_slice(message->path)};
  return gossip_hear(core, &judged->delivery.header, &logged, under, ret_believe);
}

/* A bundle brought it, or another hub, and now this one does: what the hub says of it must hold as it would have at first. */
static enum tg_err settle_carried(struct node_core *core, const Tg__Delivery *message, const struct hash *id, const struct witness_state *under)
{
  struct judged *judged = arena_alloc(core->arena, sizeof *judged);
  enum judge_verdict verdict;
  struct tg_why why = {0};
  bool believe = true;
  enum tg_err err = judged ? judge_delivery(core, message, id, under, core->arena, judged, &verdict, &why) : TG_NO_MEMORY;
  if (err == TG_OK && verdict == JUDGE_FORGED)
    return talk_strike(core, "delivery-forged", NULL, &why);
  if (err == TG_OK)
    err = hear(core, message, judged, under, &believe);
  if (err == TG_OK && believe)
    err = carried_settle(core, message, judged);
  return err == TG_OK && believe ? says_done(core, watch_log(core), message->queue, arrivals_credit(message)) : err;
}

/* Is this where it stands, as we know it? Each hub salts its own entries. */
static enum tg_err is_placed(struct node_core *core, const Tg__Delivery *message, const struct hash *id, bool *ret)
{
  struct opening o;
  enum tg_err err = inbox_opening(core, id, core->arena, &o);
  *ret = err == TG_OK && o.index == message->leaf && slice_eq(o.salt, data_slice(message->salt)) && slice_eq(o.entry, data_slice(message->entry));
  return err == TG_NOT_FOUND ? TG_OK : err;
}

/* It came before: what was said of it is said again, so that the hub may forget it. */
static enum tg_err repeat(struct node_core *core, const Tg__Delivery *message, const struct witness_state *under, const struct hash *id)
{
  uint64_t leaf;
  bool carried = false, placed = true;
  enum tg_err err = inbox_leaf(core, id, &leaf);
  if (err == TG_OK)
    err = carried_is(core, id, &carried); /* with its proof on the stick, its leaf is the hub's already */
  if (err == TG_OK)
    err = is_placed(core, message, id, &placed);
  if (err == TG_OK && (carried || !placed))
    return settle_carried(core, message, id, under);
  if (err == TG_OK || err == TG_NOT_FOUND)
    err = inbox_repeat(core, id);
  return err == TG_OK ? says_done(core, watch_log(core), message->queue, arrivals_credit(message)) : err;
}

static bool same_place(const Tg__Delivery *a, const Tg__Delivery *b)
{
  return a->leaf == b->leaf && slice_eq(data_slice(a->salt), data_slice(b->salt)) && slice_eq(data_slice(a->entry), data_slice(b->entry));
}

/* Its bodies are coming, or being opened, and it stands in the log of another hub too, or stood in one that was lost: who brings it now hears what becomes
   of it, so what this one says of it must hold as it would have at first. What came of it stays: its id names that. */
static enum tg_err place_anew(struct node_core *core, const Tg__Delivery *message, const struct witness_state *under, struct coming *c, Tg__Delivery *kept)
{
  struct arrivals *a = core->arrivals;
  struct judged *judged = arena_alloc(core->arena, sizeof *judged); /* wiped with the arena */
  enum judge_verdict verdict;
  struct tg_why why = {0};
  bool believe = true;
  enum tg_err err = judged ? judge_delivery(core, message, &c->id, under, core->arena, judged, &verdict, &why) : TG_NO_MEMORY;
  if (err == TG_OK && verdict == JUDGE_FORGED)
    return talk_strike(core, "delivery-forged", NULL, &why);
  if (err == TG_OK)
    err = hear(core, message, judged, under, &believe);
  if (err != TG_OK || !believe)
    return err;
  if (a->check && hash_eq(&a->checking, &c->id))
    end_check(a); /* it holds the other place */
  kept->entry = message->entry;
  kept->salt = message->salt;
  kept->leaf = message->leaf;
  kept->path = message->path;
  came_by(core, c, message);
  err = core_begin(core);
  return err == TG_OK ? arrivals_put(core, c, kept) : err;
}

/* It is coming already. */
static enum tg_err come_again(struct node_core *core, const Tg__Delivery *message, const struct witness_state *under, struct coming *c)
{
  Tg__Delivery *kept;
  enum tg_err err = arrivals_get(core, &c->id, core->arena, &kept);
  if (err != TG_OK)
    return err;
  if (!same_place(kept, message))
    return place_anew(core, message, under, c, kept);
  came_by(core, c, message);
  return TG_OK;
}

enum tg_err arrivals_take(struct node_core *core, const Tg__Delivery *message, const struct witness_state *under)
{
  struct arrivals *a = core->arrivals;
  struct hash id = header_id(data_slice(message->header));
  struct coming *c = arrivals_find(a, &id);
  enum judge_verdict verdict;
  struct tg_why why = {0};
  unsigned event;
  if (c && c->queue)
    return come_again(core, message, under, c);
  if (c) { /* a bundle's, not opened yet: the hub's has the proof */
    struct coming copy = *c;
    enum tg_err dropped = drop_bodies(core, &copy);
    if (dropped == TG_OK)
      dropped = remove_coming(core, &id);
    if (dropped != TG_OK)
      return dropped;
  }
  enum tg_err err = inbox_met(core, &id, &event);
  if (err != TG_NOT_FOUND)
    return err == TG_OK ? repeat(core, message, under, &id) : err;
  if (!core_has_room(core)) {
    bool told = a->starved;
    a->starved = true;
    return told ? TG_OK : core_tell(core, NODE_ERROR, "disk-full", NULL, NULL, core->free_bytes, NULL);
  }
  struct judged *judged = arena_alloc(core->arena, sizeof *judged); /* wiped with the arena */
  if (!judged)
    return TG_NO_MEMORY;
  bool believe = true;
  err = judge_delivery(core, message, &id, under, core->arena, judged, &verdict, &why);
  if (err == TG_OK && verdict != JUDGE_FORGED)
    err = hear(core, message, judged, under, &believe);
  return err == TG_OK && believe ? take_judged(core, message, judged, verdict, &why) : err;
}

void arrivals_room_changed(struct node_core *core)
{
  struct arrivals *a = core->arrivals;
  if (core_has_room(core) && a->starved)
    a->again = true;
  if (core_has_room(core))
    a->starved = false;
  core_wake_now(core);
}

/* ---- what bundles bring ---- */

bool arrivals_may_carry(const struct node_core *core, size_t n) { return core->arrivals->n + n <= COMING_MAX; }

enum tg_err arrivals_carry(struct node_core *core, const Tg__Delivery *message, const struct judged *j, const uint64_t *bodies)
{
  struct coming c = {.id = j->delivery.header.id};
  enum tg_err err = arrivals_describe(message, &j->delivery.header, core->arena, &c);
  for (size_t i = 0; err == TG_OK && i < c.n; i++) {
    c.part[i].body = bodies[i];
    c.part[i].have = c.part[i].chunks;
  }
  return err == TG_OK ? wait_for_bodies(core, message, &c) : err;
}

/* ---- checking what is complete ---- */

static struct coming *next_to_check(struct arrivals *a)
{
  struct coming *best = NULL;
  for (size_t i = 0; i < a->n; i++)
    if (!arrivals_lacking(&a->coming[i]) && (!best || a->coming[i].precedence > best->precedence))
      best = &a->coming[i];
  return best;
}

/* Judges it again: our rules and its originator's standing may have changed since it began to come. */
static enum tg_err begin_check(struct node_core *core, struct coming *c)
{
  struct arrivals *a = core->arrivals;
  enum judge_verdict verdict;
  struct tg_why why = {0};
  struct coming copy = *c;
  const char *log = NULL;
  struct check_bodies bodies = bodies_of(c);
  arena_reset(a->arena);
  a->judged = arena_alloc(a->arena, sizeof *a->judged);
  enum tg_err err = a->judged ? arrivals_get(core, &c->id, a->arena, &a->message) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = judge_delivery(core, a->message, &c->id, NULL, a->arena, a->judged, &verdict, &why);
  if (err != TG_OK)
    return err;
  if (verdict != JUDGE_TAKE) {
    err = log_of(core, c, &log);
    if (err == TG_OK)
      err = drop_bodies(core, &copy);
    if (err == TG_OK)
      err = decline(core, a->judged, &copy, log, verdict == JUDGE_REFUSED ? RECEIPT_IMPORT_REFUSED : RECEIPT_UNREADABLE,
                    verdict == JUDGE_REFUSED ? "import-refused" : "unreadable", &why);
    arena_reset(a->arena);
    return err == TG_OK ? remove_coming(core, &copy.id) : err;
  }
  a->checking = c->id;
  a->check = check_new(a->judged, &bodies);
  return a->check ? TG_OK : TG_NO_MEMORY;
}

static enum tg_err go_on_checking(struct node_core *core)
{
  struct arrivals *a = core->arrivals;
  struct coming *c = arrivals_find(a, &a->checking);
  enum check_result result;
  struct tg_why why = {0};
  enum tg_err err = c ? check_step(core, a->check, CHECKED_PER_TURN, &result, &why) : TG_INTERNAL;
  if (err != TG_OK || result == CHECK_MORE)
    return err;
  if (result == CHECK_ALTERED) {
    end_check(a);
    return altered(core, c);
  }
  struct coming copy = *c;
  const char *log;
  err = log_of(core, c, &log);
  if (err == TG_OK)
    err = conclude(core, a->message, a->judged, a->check, &copy, log, result, &why);
  return err == TG_OK ? remove_coming(core, &copy.id) : err;
}

enum tg_err arrivals_turn(struct node_core *core)
{
  struct arrivals *a = core->arrivals;
  enum tg_err err = arrivals_end_turn(core);
  struct coming *c = a->check ? NULL : next_to_check(a);
  if (err != TG_OK || (!a->check && !c))
    return err;
  if (core->urgent && (!c || c->precedence != PRECEDENCE_FLASH)) { /* commits first */
    core_wake_now(core);
    return TG_OK;
  }
  err = core_begin(core);
  if (err == TG_OK && c)
    err = begin_check(core, c);
  if (err == TG_OK && a->check)
    err = go_on_checking(core);
  if (err == TG_OK && (a->check || next_to_check(a)))
    core_wake_now(core);
  return err;
}

/* ---- time ---- */

static enum tg_err give_up(struct node_core *core, const struct coming *expired)
{
  struct coming c = *expired;
  enum tg_err err = core_begin(core);
  if (err == TG_OK)
    err = drop_bodies(core, &c);
  if (err == TG_OK)
    err = remove_coming(core, &c.id);
  return err == TG_OK ? core_tell(core, NODE_NOTICE, "expired-incomplete", &c.id, NULL, c.queue, NULL) : err;
}

static int64_t silent_at(const struct node_core *core)
{
  const struct arrivals *a = core->arrivals;
  const int64_t silence = !a->silence ? SILENCE_MS : a->silence < PATIENCE_MS ? a->silence : PATIENCE_MS;
  return a->n && talk_is_open(core) && !talk_is_slow(core) && core_has_room(core) ? a->heard + silence : INT64_MAX;
}

enum tg_err arrivals_time(struct node_core *core)
{
  struct arrivals *a = core->arrivals;
  if (a->again) {
    a->again = false;
    enum tg_err err = talk_again(core);
    if (err != TG_OK)
      return err;
  }
  if (core->now.mono >= silent_at(core)) {
    arrivals_ask_again(a);
    a->heard = core->now.mono;
    a->silence = !a->silence ? 2 * SILENCE_MS : a->silence < PATIENCE_MS ? 2 * a->silence : a->silence;
    core->due = true;
  }
  if (core->now.mono < a->due)
    return TG_OK;
  a->due = core->now.mono + CHECK_EVERY;
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < a->n;) {
    struct coming *c = &a->coming[i];
    if (core->now.mono - c->since >= PATIENCE_MS)
      c->asked = 0;
    if (c->expires <= core_careful_now(core))
      err = give_up(core, c); /* another takes its place */
    else
      i++;
  }
  return err;
}

int64_t arrivals_due(const struct node_core *core)
{
  const struct arrivals *a = core->arrivals;
  const int64_t silent = silent_at(core);
  return a->again ? core->now.mono : !a->n ? INT64_MAX : silent < a->due ? silent : a->due;
}

bool arrivals_is_coming(const struct node_core *core, const struct hash *id) { return arrivals_find(core->arrivals, id) != NULL; }

enum tg_err arrivals_forget(struct node_core *core, const struct hash *id, struct country member, bool *ret_any)
{
  struct coming *c = arrivals_find(core->arrivals, id);
  const struct node *node = c ? directory_node(core->directory, &c->originator) : NULL;
  *ret_any = node && country_eq(node->credential.holder.member, member);
  if (!*ret_any)
    return TG_OK;
  struct coming copy = *c;
  const char *log;
  enum tg_err err = log_of(core, c, &log);
  if (err == TG_OK)
    err = drop_bodies(core, &copy);
  if (err == TG_OK)
    err = remove_coming(core, id);
  if (err != TG_OK || copy.queue == 0) /* of what a bundle brought nothing is said */
    return err;
  err = inbox_decline(core, log, id, RECEIPT_PURGED);
  return err == TG_OK ? says_done(core, log, copy.queue, copy.bytes) : err;
}
