#include "client/node/outbox_inside.h"

#include "client/node/desk.h"
#include "client/node/history.h"
#include "client/node/overdue.h"
#include "client/node/record.h"
#include "client/node/schema.h"
#include "client/node/talk.h"
#include "client/node/watch.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { CHECK_EVERY = 30 * 1000, EXPIRE_AT_ONCE = 256, PARKED_PREFIX = 8, PARKED_NAMED = 128, LEAP_BY_CHANCE = 1 << 20 };

const char outbox_label[] = "toguna/sent/v1";
const char outbox_outcome_label[] = "toguna/sent-outcome/v1";
const char outbox_track_label[] = "toguna/track/v1";

struct outbox *outbox_new(void) { return calloc(1, sizeof(struct outbox)); }

void outbox_free(struct outbox *o)
{
  if (!o)
    return;
  for (size_t i = 0; i < o->n_added; i++)
    buf_free(&o->added[i].record);
  free(o->added);
  free(o->pairs);
  outbox_bound_free(o);
  free(o);
}

enum tg_err outbox_load(struct node_core *core)
{
  struct outbox *o = core->outbox;
  o->waiting = true;
  enum tg_err err = overdue_load(core);
  if (err == TG_OK)
    err = depot_number(core->depot, "bulletin-number", &o->number);
  return err == TG_OK ? depot_number(core->depot, "pair-floor", &o->pair_floor) : err;
}

bool outbox_rests(const struct node_core *core) { return core->outbox->rests_until != 0 && core->outbox->full; }

tg_time outbox_rests_until(const struct node_core *core)
{
  const int64_t left = core->outbox->rests_until - core->now.mono;
  return outbox_rests(core) && left > 0 ? core->now.wall + left : 0;
}

enum tg_err outbox_has_waiting(struct node_core *core, enum precedence least, const char *log, bool *ret)
{
  for (size_t i = 0; i < core->outbox->n_added; i++)
    if (core->outbox->added[i].precedence >= least) {
      *ret = true;
      return TG_OK;
    }
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT place FROM sent WHERE state = 0 AND precedence >= ?");
  db_bind_u64(s, 1, least);
  bool row;
  enum tg_err err;
  *ret = false;
  while ((err = db_step(s, &row)) == TG_OK && row)
    if (outbox_may_go(core->outbox, db_u64(s, 0), log)) {
      *ret = true;
      db_reset(s);
      return TG_OK;
    }
  return err;
}

bool outbox_is_under_way(const struct node_core *core, int64_t within)
{
  const struct outbox *o = core->outbox;
  for (size_t i = 0; i < o->n_out; i++) /* what is parked waits for its decision wherever we are */
    if ((o->out[i].bytes && core->now.mono - o->out[i].said < within) || (o->chunk && core->now.mono - o->chunk < within))
      return true;
  return false;
}

bool outbox_is_asked(const struct node_core *core) { return core->outbox->n_serving > 0; }

uint64_t outbox_next_number(const struct node_core *core) { return core->outbox->number + 1; }

/* ---- taking in ---- */

/* Takes the record. */
static enum tg_err remember_added(struct outbox *o, const struct added *added)
{
  if (o->n_added == o->cap_added) {
    size_t cap = o->cap_added ? 2 * o->cap_added : 16;
    struct added *more = reallocarray(o->added, cap, sizeof *more);
    if (!more)
      return TG_NO_MEMORY;
    o->added = more;
    o->cap_added = cap;
  }
  o->added[o->n_added++] = *added;
  return TG_OK;
}

/* What is amended goes first, so it goes as urgently as what amends it. */
static enum tg_err hurry_target(struct node_core *core, const struct subject *subject)
{
  if (subject->kind != KIND_CORRECTION && subject->kind != KIND_RECALL)
    return TG_OK;
  struct db_stmt *s =
      db_stmt(depot_db(core->depot), "UPDATE sent SET precedence = ?1 WHERE " SCHEMA_SENT("?2") " AND state = 0 AND precedence < ?1");
  db_bind_u64(s, 1, subject->precedence);
  db_bind_blob(s, 2, hash_slice(&subject->supersedes));
  return db_run(s);
}

static enum tg_err note_recall(struct node_core *core, const struct subject *subject)
{
  if (subject->kind != KIND_RECALL)
    return TG_OK;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT OR IGNORE INTO recalled VALUES(?)");
  db_bind_blob(s, 1, hash_slice(&subject->supersedes));
  return db_run(s);
}

enum tg_err outbox_is_recalled(struct node_core *core, const struct hash *id, bool *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT 1 FROM recalled WHERE id = ?");
  db_bind_blob(s, 1, hash_slice(id));
  return db_any(s, ret);
}

enum tg_err outbox_add(struct node_core *core, const struct header *header, const Tg__Submission *message,
                       const struct outbox_recipient *recipients, size_t n)
{
  struct outbox *o = core->outbox;
  struct added added = {.id = header->id, .number = header->number, .recipients = n, .precedence = header->subject.precedence,
                        .expires = header->subject.expires, .record = buf_new(4 << 20)};
  enum tg_err err = core_begin(core);
  if (err == TG_OK)
    err = record_lock(core, outbox_label, &header->id, &message->base, &added.record);
  if (err == TG_OK)
    err = hurry_target(core, &header->subject);
  if (err == TG_OK)
    err = note_recall(core, &header->subject);
  for (size_t i = 0; err == TG_OK && i < n; i++)
    err = outbox_add_recipient(core, header, &recipients[i]);
  if (err == TG_OK)
    err = remember_added(o, &added);
  if (err != TG_OK) {
    buf_free(&added.record);
    return err;
  }
  o->number = header->number;
  o->waiting = true;
  core->urgent |= header->subject.precedence == PRECEDENCE_FLASH;
  talk_urgent(core, header->subject.precedence);
  if (header->subject.precedence == PRECEDENCE_FLASH || header->subject.kind == KIND_RECALL)
    o->rests_until = o->rests_until ? core->now.mono : 0; /* a full hub is asked at once: it may have room by now, and it takes recalls */
  return core_tell(core, NODE_NOTICE, "spooled", &header->id, NULL, header->number, NULL);
}

enum tg_err outbox_batch(struct node_core *core, struct batch *batch)
{
  struct outbox *o = core->outbox;
  for (size_t i = 0; i < o->n_added; i++) {
    enum tg_err err = batch_add(batch, &o->added[i].id, &o->added[i].index);
    if (err != TG_OK)
      return err;
  }
  return TG_OK;
}

static enum tg_err add_row(struct node_core *core, const struct added *added, struct slice proof)
{
  const uint64_t place = depot_place_new(core->depot, DEPOT_SENT);
  struct db_stmt *s = db_stmt(depot_db(core->depot),
                              "INSERT INTO sent(id, number, precedence, state, open, expires, leaf, due, place) VALUES(?, ?, ?, 0, ?, ?, 0, ?, ?)");
  db_bind_blob(s, 1, hash_slice(&added->id));
  db_bind_u64(s, 2, added->number);
  db_bind_u64(s, 3, added->precedence);
  db_bind_u64(s, 4, added->recipients);
  db_bind_i64(s, 5, added->expires);
  db_bind_i64(s, 6, overdue_from(core, added->precedence));
  db_bind_u64(s, 7, place);
  enum tg_err err = db_run(s);
  if (err == TG_OK)
    err = depot_placed(core->depot, DEPOT_SENT, &added->id, place);
  if (err != TG_OK)
    return err;
  s = db_stmt(depot_db(core->depot), "INSERT INTO letter VALUES(?, ?, ?)");
  db_bind_u64(s, 1, place);
  db_bind_buf(s, 2, &added->record);
  db_bind_blob(s, 3, proof);
  return db_run(s);
}

static enum tg_err put_added(struct node_core *core, const struct added *added, const struct batch *batch)
{
  struct buf bytes = buf_new(8192);
  arena_reset(core->scrap);
  Tg__BatchProof *proof = batch_proof(batch, added->index, core->scrap);
  enum tg_err err = proof ? strict_pack(&limits_batch_proof, &proof->base, &bytes, NULL) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = add_row(core, added, buf_slice(&bytes));
  buf_free(&bytes);
  return err;
}

enum tg_err outbox_signed(struct node_core *core, const struct batch *batch)
{
  struct outbox *o = core->outbox;
  enum tg_err err = TG_OK;
  if (!o->n_added)
    return TG_OK;
  for (size_t i = 0; err == TG_OK && i < o->n_added; i++)
    err = put_added(core, &o->added[i], batch);
  for (size_t i = 0; i < o->n_added; i++)
    buf_free(&o->added[i].record);
  o->n_added = 0;
  if (err == TG_OK)
    err = outbox_put_pairs(core);
  return err == TG_OK ? depot_number_put(core->depot, "bulletin-number", o->number) : err;
}

enum tg_err outbox_spool_again(struct node_core *core, const struct hash *id)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE sent SET state = 0 WHERE " SCHEMA_SENT("?1"));
  db_bind_blob(s, 1, hash_slice(id));
  core->outbox->waiting = true;
  return db_run(s);
}

/* A row as far as its course is concerned. */
struct course {
  uint64_t place, state, open, number, leaf;
  bool settled; /* where it stands */
};

static enum tg_err find_course(struct node_core *core, const struct hash *id, struct course *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT place, state, open, number, leaf, log FROM sent WHERE " SCHEMA_SENT("?1"));
  db_bind_blob(s, 1, hash_slice(id));
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  *ret = (struct course){db_u64(s, 0), db_u64(s, 1), db_u64(s, 2), db_u64(s, 3), db_u64(s, 4), watch_has_settled(core, db_text(s, 5), db_u64(s, 4))};
  db_reset(s);
  return TG_OK;
}

/* ---- an old copy of the store was restored: what was numbered since must not be numbered again ---- */

/* Far above, where no other copy of this store counts: behind the clock, and some way on by chance, for a clock may stand still. */
static enum tg_err leap(struct node_core *core)
{
  struct outbox *o = core->outbox;
  const uint64_t clock = core->now.wall > 0 ? (uint64_t)core->now.wall : 0;
  enum tg_err err = core_begin(core);
  if (err != TG_OK)
    return err;
  o->number = (o->number > clock ? o->number : clock) + 1 + randombytes_uniform(LEAP_BY_CHANCE);
  outbox_raise_pairs(o, o->number);
  err = depot_number_put(core->depot, "bulletin-number", o->number);
  return err == TG_OK ? depot_number_put(core->depot, "pair-floor", o->pair_floor) : err;
}

enum tg_err outbox_ready(struct node_core *core)
{
  struct outbox *o = core->outbox;
  if (o->leapt || (o->confirmed && talk_is_open(core)))
    return TG_OK;
  enum tg_err err = leap(core);
  o->leapt = err == TG_OK;
  return err;
}

static enum tg_err is_ours(struct node_core *core, uint64_t number, bool *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT 1 FROM sent WHERE number = ?");
  db_bind_u64(s, 1, number);
  return db_any(s, ret);
}

static const char old_since[] = "store-old-since";

enum tg_err outbox_is_old(struct node_core *core, bool *ret)
{
  const struct charter *charter = core_charter(core);
  uint64_t since;
  enum tg_err err = depot_number(core->depot, old_since, &since);
  if (err == TG_OK)
    *ret = since && (!charter || (tg_time)since + charter->limits.lifetime > core_careful_now(core));
  return err;
}

/* Told once of each `mark` in turn. */
static enum tg_err tell_old(struct node_core *core, uint64_t mark, uint64_t last_number)
{
  static const char fact[] = "number-forgotten";
  uint64_t told;
  struct tg_why why;
  enum tg_err err = depot_number(core->depot, fact, &told);
  if (err != TG_OK || told == mark)
    return err;
  err = core_begin(core);
  if (err == TG_OK)
    err = depot_number_put(core->depot, fact, mark);
  if (err == TG_OK)
    err = depot_number_put(core->depot, old_since, core->now.wall > 0 ? (uint64_t)core->now.wall : 1);
  if (err != TG_OK)
    return err;
  why_set(&why, TG_STALE, core->config->database,
          N_("the hub has bulletins of ours that this store does not know: it is an older copy"),
          N_("numbering goes on above them; look at `toguna track` on another copy for what they were"), NULL, NULL, NULL);
  return core_tell(core, NODE_ALARM, "store-is-old", NULL, NULL, last_number, &why);
}

/* What waits at the hub was sent; it asks for the rest by itself. Others' ids may begin alike: then one of ours waits for a session more. */
static enum tg_err parked_is_out(struct node_core *core, const uint8_t *prefix, bool *ret_ours)
{
  struct outbox *o = core->outbox;
  struct hash low, high, id;
  struct course c;
  unsigned n = 0;
  memset(&low, 0, sizeof low);
  memset(&high, 0xff, sizeof high);
  memcpy(low.b, prefix, PARKED_PREFIX);
  memcpy(high.b, prefix, PARKED_PREFIX);
  enum tg_err err = depot_between(core->depot, DEPOT_SENT, &low, &high, &id, &n);
  *ret_ours = n > 0;
  if (err != TG_OK || !n)
    return err;
  err = find_course(core, &id, &c);
  if (err == TG_OK && c.state == SENT_SPOOLED && o->n_out < OUTBOX_WINDOW)
    o->out[o->n_out++] = (struct out){.place = c.place}; /* its bytes are there */
  return err;
}

/* The last number is that of what was decided; what waits has one above it perhaps, and is known by its name alone. */
enum tg_err outbox_welcome(struct node_core *core, uint64_t last_number, struct slice parked)
{
  struct outbox *o = core->outbox;
  enum tg_err err = TG_OK;
  bool ours = true;
  uint64_t mark = last_number;
  o->n_out = o->n_serving = 0;
  o->chunk = 0;
  o->waiting = true;
  o->confirmed = false;
  if (last_number)
    err = is_ours(core, last_number, &ours);
  for (size_t at = 0; err == TG_OK && at + PARKED_PREFIX <= parked.n; at += PARKED_PREFIX) {
    bool known = false;
    err = parked_is_out(core, parked.p + at, &known);
    if (ours && !known)
      memcpy(&mark, parked.p + at, sizeof mark);
    ours &= known;
  }
  if (err != TG_OK)
    return err;
  o->leapt = false;
  if (!talk_is_away(core))
    outbox_bound_hurry(core);
  const struct charter_hub *only; /* another may have had higher ones of us */
  err = history_only_hub(core, &only);
  if (err != TG_OK && err != TG_NOT_FOUND)
    return err;
  o->confirmed = err == TG_OK && ours && last_number == o->number && parked.n < PARKED_NAMED * PARKED_PREFIX; /* of more than that the rest is not named */
  return ours ? TG_OK : tell_old(core, mark, last_number);
}

/* ---- states ---- */

void outbox_not_out(struct outbox *o, uint64_t place)
{
  for (size_t i = 0; i < o->n_out; i++)
    if (o->out[i].place == place) {
      o->out[i] = o->out[--o->n_out];
      return;
    }
}

void outbox_stop_serving(struct outbox *o, const struct hash *id)
{
  size_t kept = 0;
  for (size_t i = 0; i < o->n_serving; i++)
    if (!hash_eq(&o->serving[i].bulletin, id))
      o->serving[kept++] = o->serving[i];
  o->n_serving = kept;
}

static enum tg_err put_state(struct node_core *core, const struct hash *id, enum sent_state state)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE sent SET state = ?1, due = CASE WHEN ?1 < 2 THEN due ELSE 0 END WHERE " SCHEMA_SENT("?2"));
  db_bind_u64(s, 1, state);
  db_bind_blob(s, 2, hash_slice(id));
  return db_run(s);
}

static enum tg_err reach(struct node_core *core, const struct hash *id, enum sent_state state, uint64_t number, uint64_t leaf)
{
  enum tg_err err = put_state(core, id, state);
  return err == TG_OK ? desk_progress(core, id, state, number, leaf, slice_of(NULL, 0)) : err;
}

/* One statement for all that came of it; a settled bulletin need not stay readable for ever. */
static enum tg_err put_course(struct node_core *core, const struct course *c, bool advanced)
{
  const bool shorten = c->state == SENT_SETTLED && core->config->keep_sent;
  struct db_stmt *s = advanced ? db_stmt(depot_db(core->depot), "UPDATE sent SET open = ?1, state = ?3, due = 0, expires = min(expires, ?4)"
                                                                " WHERE place = ?2")
                               : db_stmt(depot_db(core->depot), "UPDATE sent SET open = ?1 WHERE place = ?2");
  db_bind_u64(s, 1, c->open);
  db_bind_u64(s, 2, c->place);
  if (advanced) {
    db_bind_u64(s, 3, c->state);
    db_bind_i64(s, 4, shorten ? core->now.wall + core->config->keep_sent : INT64_MAX);
  }
  return db_run(s);
}

static enum tg_err tell_course(struct node_core *core, const struct hash *id, const struct course *before, const struct course *c)
{
  enum tg_err err = TG_OK;
  if (before->state < SENT_DELIVERED && c->state >= SENT_DELIVERED) {
    err = desk_progress(core, id, SENT_DELIVERED, c->number, c->leaf, slice_of(NULL, 0));
    if (err == TG_OK)
      err = core_tell(core, NODE_NOTICE, "delivered", id, NULL, c->number, NULL);
  }
  if (err == TG_OK && before->state < SENT_SETTLED && c->state == SENT_SETTLED)
    err = desk_progress(core, id, SENT_SETTLED, c->number, c->leaf, slice_of(NULL, 0));
  return err;
}

static enum tg_err advance(struct node_core *core, const struct hash *id, bool answered)
{
  struct course before, c;
  enum tg_err err = find_course(core, id, &before);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_OK : err;
  c = before;
  c.open -= answered && c.open > 0;
  if (c.state == SENT_ACCEPTED && c.open == 0)
    c.state = SENT_DELIVERED;
  if (c.state == SENT_DELIVERED && c.settled)
    c.state = SENT_SETTLED;
  if (c.open == before.open && c.state == before.state)
    return TG_OK;
  err = put_course(core, &c, c.state != before.state);
  return err == TG_OK ? tell_course(core, id, &before, &c) : err;
}

enum tg_err outbox_advance(struct node_core *core, const struct hash *id) { return advance(core, id, false); }
enum tg_err outbox_answered(struct node_core *core, const struct hash *id) { return advance(core, id, true); }

enum tg_err outbox_settled(struct node_core *core)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT id, leaf, log, place FROM sent WHERE state = 2 AND leaf < ?1 AND (leaf, place) > (?2, ?3) ORDER BY leaf, place LIMIT 1");
  for (uint64_t leaf = 0, place = 0;;) {
    db_bind_u64(s, 1, watch_settled(core));
    db_bind_u64(s, 2, leaf);
    db_bind_u64(s, 3, place);
    bool row;
    struct hash id;
    enum tg_err err = core_begin(core);
    if (err == TG_OK)
      err = db_step(s, &row);
    if (err != TG_OK || !row)
      return err;
    const bool read = db_bytes(s, 0, id.b, sizeof id.b), here = watch_has_settled(core, db_text(s, 2), db_u64(s, 1));
    leaf = db_u64(s, 1);
    place = db_u64(s, 3);
    db_reset(s);
    if (read && !here) /* that is a place in another log */
      continue;
    err = read ? outbox_advance(core, &id) : TG_DISK;
    if (err != TG_OK)
      return err;
  }
}

/* ---- expiry ---- */

static enum tg_err expire(struct node_core *core, const struct hash *id, uint64_t place, enum sent_state state, uint64_t number)
{
  enum tg_err err = core_begin(core);
  if (err == TG_OK)
    err = depot_content_erase(core->depot, id, NULL);
  if (err != TG_OK)
    return err;
  core->sweeping = core->settle = true;
  outbox_not_out(core->outbox, place);
  outbox_unbind(core->outbox, place);
  outbox_stop_serving(core->outbox, id);
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE sent SET expires = ? WHERE place = ?"); /* nothing is left to erase */
  db_bind_i64(s, 1, INT64_MAX);
  db_bind_u64(s, 2, place);
  err = db_run(s);
  if (err != TG_OK || state >= SENT_DELIVERED)
    return err;
  err = state == SENT_SPOOLED ? outbox_name_no_more(core, id, number) : TG_OK;
  if (err == TG_OK)
    err = reach(core, id, SENT_EXPIRED, number, 0);
  return err == TG_OK ? core_tell(core, NODE_ERROR, "expired-unanswered", id, NULL, number, NULL) : err;
}

enum tg_err outbox_time(struct node_core *core)
{
  enum tg_err told = overdue_time(core);
  if (told != TG_OK || core->now.mono < core->outbox->due)
    return told;
  for (unsigned i = 0; i < EXPIRE_AT_ONCE; i++) {
    struct db_stmt *s = db_stmt(depot_db(core->depot),
                                "SELECT id, place, state, number FROM sent WHERE state < 4 AND expires <= ? LIMIT 1");
    db_bind_i64(s, 1, core_careful_now(core));
    bool row;
    struct hash id;
    enum tg_err err = db_step(s, &row);
    if (err != TG_OK)
      return err;
    if (!row) {
      core->outbox->due = core->now.mono + CHECK_EVERY;
      return TG_OK;
    }
    bool read = db_bytes(s, 0, id.b, sizeof id.b);
    uint64_t place = db_u64(s, 1), state = db_u64(s, 2), number = db_u64(s, 3);
    db_reset(s);
    err = read ? expire(core, &id, place, (enum sent_state)state, number) : TG_DISK;
    if (err != TG_OK)
      return err;
  }
  return TG_OK; /* the rest in the next turn: it is due */
}

int64_t outbox_due(const struct node_core *core)
{
  const int64_t receipts = overdue_due(core);
  return receipts < core->outbox->due ? receipts : core->outbox->due;
}
