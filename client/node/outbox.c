#include "client/node/outbox_inside.h"

#include "audit/reason.h"
#include "client/node/desk.h"
#include "client/node/overdue.h"
#include "client/node/record.h"
#include "client/node/talk.h"
#include "client/node/watch.h"

#include <stdlib.h>
#include <string.h>

enum { CHECK_EVERY = 30 * 1000, EXPIRE_AT_ONCE = 256 };
/* No honest hub has more of us than we know of, unless we were restored from an old image; and no image is so old. */
static const uint64_t NUMBERS_LOST_MAX = UINT64_C(1) << 32;

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

uint64_t outbox_next_number(const struct node_core *core) { return core->outbox->number + 1; }

/* ---- running numbers to each recipient ---- */

/* Where the node's row is or belongs. */
static size_t pair_place(const struct outbox *o, const struct sign_pk *node)
{
  size_t low = 0, high = o->n_pairs;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (memcmp(o->pairs[middle].node.b, node->b, sizeof node->b) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static enum tg_err load_pair(struct node_core *core, const struct sign_pk *node, struct pair *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT number, last FROM pair WHERE node = ?");
  db_bind_blob(s, 1, key_slice(node));
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK)
    return err;
  *ret = (struct pair){.node = *node, .number = core->outbox->pair_floor};
  if (row) {
    ret->number = db_u64(s, 0);
    err = db_bytes(s, 1, ret->last.b, sizeof ret->last.b) ? TG_OK : TG_DISK;
    db_reset(s);
  }
  return err;
}

/* The row of a node; valid until the next call. */
static enum tg_err pair_of(struct node_core *core, const struct sign_pk *node, struct pair **ret)
{
  struct outbox *o = core->outbox;
  size_t at = pair_place(o, node);
  if (at < o->n_pairs && sign_pk_eq(&o->pairs[at].node, node)) {
    *ret = &o->pairs[at];
    return TG_OK;
  }
  if (o->n_pairs == o->cap_pairs) {
    size_t cap = o->cap_pairs ? 2 * o->cap_pairs : 16;
    struct pair *more = reallocarray(o->pairs, cap, sizeof *more);
    if (!more)
      return TG_NO_MEMORY;
    o->pairs = more;
    o->cap_pairs = cap;
  }
  struct pair new;
  enum tg_err err = load_pair(core, node, &new);
  if (err != TG_OK)
    return err;
  memmove(&o->pairs[at + 1], &o->pairs[at], (o->n_pairs - at) * sizeof *o->pairs);
  o->n_pairs++;
  o->pairs[at] = new;
  *ret = &o->pairs[at];
  return TG_OK;
}

static enum tg_err put_pairs(struct node_core *core)
{
  struct outbox *o = core->outbox;
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < o->n_pairs; i++) {
    if (!o->pairs[i].dirty)
      continue;
    struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT OR REPLACE INTO pair VALUES(?, ?, ?)");
    db_bind_blob(s, 1, key_slice(&o->pairs[i].node));
    db_bind_u64(s, 2, o->pairs[i].number);
    db_bind_blob(s, 3, hash_slice(&o->pairs[i].last));
    err = db_run(s);
    o->pairs[i].dirty = false;
  }
  return err;
}

enum tg_err outbox_pair(struct node_core *core, const struct sign_pk *node, uint64_t *ret_number, struct hash *ret_previous)
{
  struct pair *pair;
  enum tg_err err = pair_of(core, node, &pair);
  if (err != TG_OK)
    return err;
  *ret_number = pair->number + 1;
  *ret_previous = pair->last;
  return TG_OK;
}

/* ---- taking in ---- */

static enum tg_err add_recipient(struct node_core *core, const struct hash *id, const struct outbox_recipient *recipient)
{
  struct pair *pair;
  enum tg_err err = pair_of(core, &recipient->node, &pair);
  if (err != TG_OK)
    return err;
  pair->number = recipient->number;
  pair->last = *id;
  pair->dirty = true;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT INTO track VALUES(?, ?, 0, ?, x'')"); /* event 0: its time is the number */
  db_bind_blob(s, 1, hash_slice(id));
  db_bind_blob(s, 2, key_slice(&recipient->node));
  db_bind_u64(s, 3, recipient->number);
  return db_run(s);
}

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
      db_stmt(depot_db(core->depot), "UPDATE sent SET precedence = ?1 WHERE id = ?2 AND state = 0 AND precedence < ?1");
  db_bind_u64(s, 1, subject->precedence);
  db_bind_blob(s, 2, hash_slice(&subject->supersedes));
  return db_run(s);
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
  for (size_t i = 0; err == TG_OK && i < n; i++)
    err = add_recipient(core, &header->id, &recipients[i]);
  if (err == TG_OK)
    err = remember_added(o, &added);
  if (err != TG_OK) {
    buf_free(&added.record);
    return err;
  }
  o->number = header->number;
  o->waiting = true;
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
  struct db_stmt *s = db_stmt(depot_db(core->depot),
                              "INSERT INTO sent(id, number, precedence, state, open, expires, leaf, record, proof, due)"
                              " VALUES(?, ?, ?, 0, ?, ?, 0, ?, ?, ?)");
  db_bind_blob(s, 1, hash_slice(&added->id));
  db_bind_u64(s, 2, added->number);
  db_bind_u64(s, 3, added->precedence);
  db_bind_u64(s, 4, added->recipients);
  db_bind_i64(s, 5, added->expires);
  db_bind_blob(s, 6, buf_slice(&added->record));
  db_bind_blob(s, 7, proof);
  db_bind_i64(s, 8, overdue_from(core, added->precedence));
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
    err = put_pairs(core);
  return err == TG_OK ? depot_number_put(core->depot, "bulletin-number", o->number) : err;
}

/* ---- an old image of the store was restored: what was numbered since must not be numbered again ---- */

static enum tg_err skip_numbers(struct node_core *core, uint64_t gap)
{
  struct outbox *o = core->outbox;
  enum tg_err err = core_begin(core);
  if (err != TG_OK)
    return err;
  o->number += gap;
  o->pair_floor += gap;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE pair SET number = number + ?");
  db_bind_u64(s, 1, gap); /* no recipient can have got more */
  err = db_run(s);
  o->n_pairs = 0; /* to be read anew */
  if (err == TG_OK)
    err = depot_number_put(core->depot, "bulletin-number", o->number);
  if (err == TG_OK)
    err = depot_number_put(core->depot, "pair-floor", o->pair_floor);
  if (err != TG_OK)
    return err;
  struct tg_why why;
  why_set(&why, TG_STALE, core->config->database,
          N_("the hub has bulletins of ours that this store does not know: it is an older copy"),
          N_("numbering goes on above them; look at `toguna track` on another copy for what they were"), NULL, NULL, NULL);
  return core_tell(core, NODE_ALARM, "store-is-old", NULL, NULL, gap, &why);
}

enum tg_err outbox_welcome(struct node_core *core, uint64_t last_number)
{
  struct outbox *o = core->outbox;
  o->n_out = o->n_serving = 0;
  o->waiting = true;
  if (last_number <= o->number)
    return TG_OK;
  if (last_number - o->number <= NUMBERS_LOST_MAX)
    return skip_numbers(core, last_number - o->number);
  struct tg_why why;
  why_set(&why, TG_BAD_INPUT, talk_hub(core), N_("the hub names a bulletin number of ours that cannot be"), NULL, NULL, NULL,
          NULL);
  return talk_strike(core, "number-impossible", NULL, &why);
}

/* ---- states ---- */

void outbox_not_out(struct outbox *o, uint64_t place)
{
  for (size_t i = 0; i < o->n_out; i++)
    if (o->out[i] == place) {
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
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE sent SET state = ?1, due = CASE WHEN ?1 < 2 THEN due ELSE 0 END WHERE id = ?2");
  db_bind_u64(s, 1, state);
  db_bind_blob(s, 2, hash_slice(id));
  return db_run(s);
}

static enum tg_err reach(struct node_core *core, const struct hash *id, enum sent_state state, uint64_t number, uint64_t leaf)
{
  enum tg_err err = put_state(core, id, state);
  return err == TG_OK ? desk_progress(core, id, state, number, leaf, slice_of(NULL, 0)) : err;
}

/* A settled bulletin need not stay readable for ever. */
static enum tg_err shorten(struct node_core *core, const struct hash *id)
{
  if (!core->config->keep_sent)
    return TG_OK;
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE sent SET expires = min(expires, ?) WHERE id = ?");
  db_bind_i64(s, 1, core->now.wall + core->config->keep_sent);
  db_bind_blob(s, 2, hash_slice(id));
  return db_run(s);
}

enum tg_err outbox_advance(struct node_core *core, const struct hash *id)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT state, open, number, leaf FROM sent WHERE id = ?");
  db_bind_blob(s, 1, hash_slice(id));
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err;
  uint64_t state = db_u64(s, 0), open = db_u64(s, 1), number = db_u64(s, 2), leaf = db_u64(s, 3);
  db_reset(s);
  if (state == SENT_ACCEPTED && open == 0) {
    state = SENT_DELIVERED;
    err = reach(core, id, SENT_DELIVERED, number, leaf);
    if (err == TG_OK)
      err = core_tell(core, NODE_NOTICE, "delivered", id, NULL, number, NULL);
  }
  if (err == TG_OK && state == SENT_DELIVERED && leaf < watch_settled(core)) {
    err = reach(core, id, SENT_SETTLED, number, leaf);
    if (err == TG_OK)
      err = shorten(core, id);
  }
  return err;
}

enum tg_err outbox_settled(struct node_core *core)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT id FROM sent WHERE state = 2 AND leaf < ? LIMIT 1");
  for (;;) { /* each leaves state 2, so this ends */
    db_bind_u64(s, 1, watch_settled(core));
    bool row;
    struct hash id;
    enum tg_err err = core_begin(core);
    if (err == TG_OK)
      err = db_step(s, &row);
    if (err != TG_OK || !row)
      return err;
    bool read = db_bytes(s, 0, id.b, sizeof id.b);
    db_reset(s);
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
  outbox_stop_serving(core->outbox, id);
  struct db_stmt *s = db_stmt(depot_db(core->depot), "UPDATE sent SET expires = ? WHERE id = ?"); /* nothing is left to erase */
  db_bind_i64(s, 1, INT64_MAX);
  db_bind_blob(s, 2, hash_slice(id));
  err = db_run(s);
  if (err != TG_OK || state >= SENT_DELIVERED)
    return err;
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

/* ---- looking ---- */

static enum tg_err read_row(struct node_core *core, struct db_stmt *s, struct arena *arena, struct sent_row *ret)
{
  ProtobufCMessage *message, *proof = NULL;
  struct sent_row r = {.place = db_u64(s, 0),
                       .number = db_u64(s, 2),
                       .precedence = (enum precedence)db_u64(s, 3),
                       .state = (enum sent_state)db_u64(s, 4),
                       .open = db_u64(s, 5),
                       .leaf = db_u64(s, 6),
                       .overdue = db_i64(s, 9) < 0};
  if (!db_bytes(s, 1, r.id.b, sizeof r.id.b))
    return TG_DISK;
  enum tg_err err =
      record_unlock(core, outbox_label, &r.id, &tg__submission__descriptor, db_blob(s, 7), arena, &message);
  if (err != TG_OK)
    return err;
  Tg__Submission *submission = (Tg__Submission *)message;
  struct slice proof_bytes = db_blob(s, 8);
  if (proof_bytes.n && strict_unpack(&limits_batch_proof, proof_bytes, arena, &proof, NULL) != TG_OK)
    return TG_DISK;
  if (header_parse(data_slice(submission->header), arena, &r.header, NULL) != TG_OK)
    return TG_DISK;
  submission->proof = (Tg__BatchProof *)proof;
  r.message = submission;
  r.expires = r.header.subject.expires;
  *ret = r;
  return TG_OK;
}

/* The one row of a statement that selects ROW, whose parameters are bound. */
static enum tg_err one_row(struct node_core *core, struct db_stmt *s, struct arena *arena, struct sent_row *ret)
{
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err != TG_OK ? err : TG_NOT_FOUND;
  err = read_row(core, s, arena, ret);
  db_reset(s);
  return err;
}

#define ROW "SELECT place, id, number, precedence, state, open, leaf, record, proof, due FROM sent "

enum tg_err outbox_row(struct node_core *core, const struct hash *id, struct arena *arena, struct sent_row *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), ROW "WHERE id = ?");
  db_bind_blob(s, 1, hash_slice(id));
  return one_row(core, s, arena, ret);
}

enum tg_err outbox_after(struct node_core *core, uint64_t after, struct arena *arena, struct sent_row *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), ROW "WHERE place > ? ORDER BY place LIMIT 1");
  db_bind_u64(s, 1, after < INT64_MAX ? after : INT64_MAX);
  return one_row(core, s, arena, ret);
}

enum tg_err outbox_below(struct node_core *core, uint64_t below, struct arena *arena, struct sent_row *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), ROW "WHERE place < ? ORDER BY place DESC LIMIT 1");
  db_bind_u64(s, 1, below < INT64_MAX ? below : INT64_MAX);
  return one_row(core, s, arena, ret);
}

enum tg_err outbox_counts(struct node_core *core, struct outbox_counts *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT count(*) FILTER (WHERE state = 0),"
                                                     " count(*) FILTER (WHERE state IN (1, 2, 3)),"
                                                     " count(*) FILTER (WHERE state = 4), count(*) FILTER (WHERE due < 0) FROM sent");
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK)
    return err;
  *ret = (struct outbox_counts){.spooled = db_u64(s, 0), .accepted = db_u64(s, 1), .refused = db_u64(s, 2), .overdue = db_u64(s, 3)};
  db_reset(s);
  return TG_OK;
}
