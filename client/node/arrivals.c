#include "client/node/arrivals.h"

#include "client/node/check.h"
#include "client/node/inbox.h"
#include "client/node/record.h"
#include "client/node/says.h"
#include "client/node/talk.h"

#include <limits.h>
#include <stdlib.h>

enum {
  COMING_MAX = 4096,      /* bulletins whose bodies are coming */
  ASKED_AT_ONCE = 4,      /* of them, those that chunks are asked for */
  WINDOW = 32,            /* chunks asked for at a time; the next are asked for when so many are left: */
  WINDOW_LEFT = 8,
  PATIENCE_MS = 60 * 1000, /* for chunks that were asked for */
  CHECK_EVERY = 60 * 1000, /* for what has expired */
  CHECKED_PER_TURN = 64,   /* chunks of a large body: 4 MiB */
  CHECK_ARENA = 4 * LIMIT_FRAME,
};

static const char arriving_label[] = "toguna/arriving/v1";

/* One body of a bulletin that is coming: chunks 0..have-1 are in the depot. */
struct part {
  unsigned portion;
  uint64_t body, size, chunks, have;
};

/* Invariants: asked >= have of the first part that lacks something, while its chunks are under way; equal otherwise. */
struct coming {
  struct hash id;
  uint64_t queue, bytes;
  enum precedence precedence;
  tg_time expires;
  struct sign_pk originator;
  size_t n;
  struct part part[LIMIT_PORTIONS];
  uint64_t asked;
  int64_t since;
};

/* Invariants: coming[0..n) have rows in `arriving`; check, when there is one, is of the bulletin `checking`, which is complete, and
   lives in `arena`. */
struct arrivals {
  struct coming *coming;
  size_t n, cap;
  struct check *check;
  struct hash checking;
  struct arena *arena;
  struct judged *judged;
  Tg__Delivery *message;
  bool starved; /* something was not taken for want of room */
  bool again;   /* there is room now: the session must begin anew, so that it is sent again */
  int64_t due;
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
  check_free(a->check);
  arena_free(a->arena);
  free(a->coming);
  free(a);
}

size_t arrivals_count(const struct node_core *core) { return core->arrivals->n; }

static struct coming *find(struct arrivals *a, const struct hash *id)
{
  for (size_t i = 0; i < a->n; i++)
    if (hash_eq(&a->coming[i].id, id))
      return &a->coming[i];
  return NULL;
}

/* The first part that is not complete; NULL: all are. */
static struct part *lacking(struct coming *c)
{
  for (size_t i = 0; i < c->n; i++)
    if (c->part[i].have < c->part[i].chunks)
      return &c->part[i];
  return NULL;
}

static struct coming *add(struct arrivals *a, const struct coming *c)
{
  if (a->n == a->cap) {
    size_t cap = a->cap ? 2 * a->cap : 16;
    struct coming *more = reallocarray(a->coming, cap, sizeof *more);
    if (!more)
      return NULL;
    a->coming = more;
    a->cap = cap;
  }
  a->coming[a->n] = *c;
  return &a->coming[a->n++];
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
  struct coming *c = find(a, id);
  if (a->check && hash_eq(&a->checking, id))
    end_check(a);
  if (!c)
    return TG_OK;
  *c = a->coming[--a->n];
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

/* ---- what is kept of it ---- */

static enum tg_err put_row(struct node_core *core, const struct coming *c, const Tg__Delivery *message)
{
  Tg__Delivery bare = *message;
  struct buf record = buf_new(2 << 20), bodies = buf_new(8 * LIMIT_PORTIONS);
  bare.n_bodies = 0;
  for (size_t i = 0; i < c->n; i++)
    buf_put_u64(&bodies, c->part[i].body);
  enum tg_err err = record_lock(core, arriving_label, &c->id, &bare.base, &record);
  if (err == TG_OK) {
    struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT OR REPLACE INTO arriving VALUES(?, ?, ?, ?)");
    db_bind_blob(s, 1, hash_slice(&c->id));
    db_bind_u64(s, 2, c->queue);
    db_bind_blob(s, 3, buf_slice(&record));
    db_bind_blob(s, 4, buf_slice(&bodies));
    err = db_run(s);
  }
  buf_free(&record);
  buf_free(&bodies);
  return err;
}

static enum tg_err get_message(struct node_core *core, const struct hash *id, struct arena *arena, Tg__Delivery **ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT record FROM arriving WHERE id = ?");
  ProtobufCMessage *message;
  bool row;
  db_bind_blob(s, 1, hash_slice(id));
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK || !row)
    return err != TG_OK ? err : TG_DISK;
  err = record_unlock(core, arriving_label, id, &tg__delivery__descriptor, db_blob(s, 0), arena, &message);
  db_reset(s);
  if (err == TG_OK)
    *ret = (Tg__Delivery *)message;
  return err;
}

/* What a delivery took of the credit: the bodies that came along. */
static uint64_t credit_of(const Tg__Delivery *message)
{
  uint64_t bytes = 0;
  for (size_t i = 0; i < message->n_bodies; i++)
    bytes += message->bodies[i]->sealed.len;
  return bytes;
}

/* Fills in what the message says of its parts; bodies are left. */
static enum tg_err describe(const Tg__Delivery *message, struct arena *arena, struct coming *c)
{
  struct header header;
  if (header_parse(data_slice(message->header), arena, &header, NULL) != TG_OK || message->n_portions > LIMIT_PORTIONS)
    return TG_DISK; /* it was checked when it came */
  c->precedence = header.subject.precedence;
  c->expires = header.subject.expires;
  c->originator = header.subject.originator;
  c->bytes = credit_of(message);
  c->n = message->n_portions;
  for (size_t i = 0; i < c->n; i++) {
    struct portion portion;
    if (portion_parse(data_slice(message->portions[i]->portion), arena, &portion, NULL) != TG_OK)
      return TG_DISK;
    c->part[i].portion = portion.index;
    c->part[i].size = portion.seal.size;
    c->part[i].chunks = portion.seal.chunks;
  }
  return TG_OK;
}

static enum tg_err load_one(struct node_core *core, struct db_stmt *s)
{
  struct coming c = {.queue = db_u64(s, 1)};
  struct slice bodies = db_blob(s, 3);
  ProtobufCMessage *message;
  arena_reset(core->scrap);
  if (!db_bytes(s, 0, c.id.b, sizeof c.id.b))
    return TG_DISK;
  enum tg_err err =
      record_unlock(core, arriving_label, &c.id, &tg__delivery__descriptor, db_blob(s, 2), core->scrap, &message);
  if (err == TG_OK)
    err = describe((Tg__Delivery *)message, core->scrap, &c);
  for (size_t i = 0; err == TG_OK && i < c.n; i++) {
    err = take_u64(&bodies, &c.part[i].body) ? depot_body_chunks(core->depot, c.part[i].body, &c.part[i].have) : TG_DISK;
    if (err == TG_NOT_FOUND)
      err = TG_DISK;
  }
  if (err == TG_OK && !add(core->arrivals, &c))
    err = TG_NO_MEMORY;
  return err;
}

enum tg_err arrivals_load(struct node_core *core)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT id, queue, record, bodies FROM arriving");
  bool row;
  enum tg_err err;
  while ((err = db_step(s, &row)) == TG_OK && row)
    if ((err = load_one(core, s)) != TG_OK) {
      db_reset(s);
      return err;
    }
  return err;
}

/* ---- the end of a delivery, one way or the other ---- */

static enum tg_err decline(struct node_core *core, const struct judged *j, const struct hash *id, uint64_t queue,
                           uint64_t bytes, enum receipt_event event, const char *told, const struct tg_why *why)
{
  char name[HOLDER_MAX + 1];
  core_name_of(core, &j->delivery.header.subject.originator, name);
  enum tg_err err = core_begin(core);
  if (err == TG_OK && j->opened)
    err = inbox_number(core, &j->delivery.header.subject.originator, &j->content, id);
  if (err == TG_OK)
    err = inbox_decline(core, id, event);
  if (err == TG_OK)
    err = says_done(core, queue, bytes);
  return err == TG_OK ? core_tell(core, NODE_ERROR, told, id, name, j->content.number, why) : err;
}

static enum tg_err take_in(struct node_core *core, const Tg__Delivery *message, const struct judged *j, const struct check *check,
                           const struct coming *c)
{
  unsigned portion[LIMIT_PORTIONS];
  struct depot_content content[LIMIT_PORTIONS];
  const struct header *header = &j->delivery.header;
  bool purged = false;
  enum tg_err err = inbox_is_purged(core, &c->id, j->originator->credential.holder.member, &purged);
  if (err == TG_OK && purged) { /* taken back before it came */
    err = drop_bodies(core, c);
    return err == TG_OK ? decline(core, j, &c->id, c->queue, c->bytes, RECEIPT_PURGED, "purged", NULL) : err;
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
                                  .content = content};
  if (err == TG_OK)
    err = inbox_take(core, &arrival);
  return err == TG_OK ? says_done(core, c->queue, c->bytes) : err;
}

/* The bytes are not those that the originator committed to: they are forgotten and, if they came as chunks, asked for again. */
static enum tg_err altered(struct node_core *core, struct coming *c)
{
  struct tg_why why;
  enum tg_err err = drop_bodies(core, c);
  for (size_t i = 0; err == TG_OK && i < c->n; i++) {
    err = depot_body_new(core->depot, &c->part[i].body);
    if (err == TG_OK)
      err = depot_body_own(core->depot, c->part[i].body);
    c->part[i].have = 0;
  }
  c->asked = 0;
  Tg__Delivery *message;
  if (err == TG_OK)
    err = get_message(core, &c->id, core->arena, &message);
  if (err == TG_OK)
    err = put_row(core, c, message);
  if (err != TG_OK)
    return err;
  why_set(&why, TG_BAD_PROOF, NULL, N_("the body that came is not the one its originator sealed"), NULL, NULL, NULL, NULL);
  return talk_strike(core, "body-altered", &c->id, &why);
}

static enum tg_err conclude(struct node_core *core, const Tg__Delivery *message, const struct judged *j,
                            const struct check *check, const struct coming *c, enum check_result result,
                            const struct tg_why *why)
{
  if (result == CHECK_GOOD)
    return take_in(core, message, j, check, c);
  enum tg_err err = drop_bodies(core, c);
  return err == TG_OK ? decline(core, j, &c->id, c->queue, c->bytes, RECEIPT_UNREADABLE, "unreadable", why) : err;
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

static enum tg_err begin(struct node_core *core, const Tg__Delivery *message, const struct judged *j, struct coming *c)
{
  c->id = j->delivery.header.id;
  c->queue = message->queue;
  enum tg_err err = describe(message, core->arena, c);
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
  struct check_bodies b = {{0}};
  for (size_t i = 0; i < c->n; i++)
    b.body[i] = c->part[i].body;
  return b;
}

/* Everything came along: it is small, and finished at once. */
static enum tg_err finish_now(struct node_core *core, const Tg__Delivery *message, const struct judged *j, struct coming *c)
{
  struct check_bodies bodies = bodies_of(c);
  struct check *check = check_new(j, &bodies);
  enum check_result result;
  struct tg_why why = {0};
  enum tg_err err = check ? check_step(core, check, UINT_MAX, &result, &why) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = conclude(core, message, j, check, c, result, &why);
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
    err = put_row(core, c, message);
  if (err == TG_OK && !add(core->arrivals, c))
    err = TG_NO_MEMORY;
  return err == TG_OK ? core_tell(core, NODE_DEBUG, "arriving", &c->id, NULL, c->queue, NULL) : err;
}

static enum tg_err take_judged(struct node_core *core, const Tg__Delivery *message, const struct judged *j,
                               enum judge_verdict verdict, const struct tg_why *why)
{
  struct coming c = {0};
  uint64_t bytes = credit_of(message);
  const struct hash *id = &j->delivery.header.id;
  enum tg_err err;
  switch (verdict) {
  case JUDGE_FORGED:
    return talk_strike(core, "delivery-forged", NULL, why);
  case JUDGE_REFUSED:
    return decline(core, j, id, message->queue, bytes, RECEIPT_IMPORT_REFUSED, "import-refused", why);
  case JUDGE_UNREADABLE:
    return decline(core, j, id, message->queue, bytes, RECEIPT_UNREADABLE, "unreadable", why);
  case JUDGE_TAKE:
    err = begin(core, message, j, &c);
    if (err == TG_OK)
      err = lacking(&c) ? wait_for_bodies(core, message, &c) : finish_now(core, message, j, &c);
    return err;
  }
  return TG_INTERNAL;
}

/* It came before: what was said of it is said again, so that the hub may forget it. */
static enum tg_err repeat(struct node_core *core, const Tg__Delivery *message, const struct hash *id)
{
  enum tg_err err = inbox_repeat(core, id);
  return err == TG_OK ? says_done(core, message->queue, credit_of(message)) : err;
}

static enum tg_err take_one(struct node_core *core, const Tg__Delivery *message)
{
  struct arrivals *a = core->arrivals;
  struct hash id = header_id(data_slice(message->header));
  struct coming *c = find(a, &id);
  enum judge_verdict verdict;
  struct tg_why why = {0};
  unsigned event;
  if (message->queue > INT64_MAX) {
    why_set(&why, TG_BAD_INPUT, "Delivery.queue", N_("the place in the hub's queue is impossible"), NULL, NULL, NULL, NULL);
    return talk_strike(core, "delivery-forged", &id, &why);
  }
  if (c) {
    c->queue = message->queue;
    return TG_OK;
  }
  enum tg_err err = inbox_met(core, &id, &event);
  if (err != TG_NOT_FOUND)
    return err == TG_OK ? repeat(core, message, &id) : err;
  if (!core_has_room(core)) {
    bool told = a->starved;
    a->starved = true;
    return told ? TG_OK : core_tell(core, NODE_ERROR, "disk-full", NULL, NULL, core->free_bytes, NULL);
  }
  struct judged *judged = arena_alloc(core->arena, sizeof *judged); /* wiped with the arena */
  if (!judged)
    return TG_NO_MEMORY;
  err = judge_delivery(core, message, true, core->arena, judged, &verdict, &why);
  return err == TG_OK ? take_judged(core, message, judged, verdict, &why) : err;
}

enum tg_err arrivals_deliver(struct node_core *core, const Tg__Deliver *frame)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && i < frame->n_items; i++)
    err = take_one(core, frame->items[i]);
  return err;
}

/* ---- chunks ---- */

enum tg_err arrivals_chunk(struct node_core *core, const Tg__Chunk *frame)
{
  struct arrivals *a = core->arrivals;
  struct hash id;
  struct coming *c = hash_read(data_slice(frame->bulletin), &id) == TG_OK ? find(a, &id) : NULL;
  struct part *part = c ? lacking(c) : NULL;
  if (!part || part->portion != frame->portion || part->have != frame->chunk)
    return TG_OK; /* of an earlier request */
  if (frame->sealed.len != body_chunk_size(part->size, part->have)) {
    struct tg_why why;
    why_set(&why, TG_BAD_INPUT, "Chunk.sealed", N_("the chunk has not the length that its place demands"), NULL, NULL, NULL, NULL);
    return talk_strike(core, "chunk-malformed", &id, &why);
  }
  if (!core_has_room(core)) {
    a->starved = true;
    return TG_OK;
  }
  enum tg_err err = core_begin(core);
  if (err == TG_OK)
    err = depot_chunk_put(core->depot, part->body, part->have, data_slice(frame->sealed));
  part->have++;
  c->since = core->now.mono;
  if (part->have == part->chunks)
    c->asked = 0; /* of the next part */
  return err;
}

/* The urgent first; among equals, those that came first. */
static struct coming *next_to_ask(struct arrivals *a, const bool *passed)
{
  struct coming *best = NULL;
  for (size_t i = 0; i < a->n; i++)
    if (!passed[i] && lacking(&a->coming[i]) && (!best || a->coming[i].precedence > best->precedence))
      best = &a->coming[i];
  return best;
}

static enum tg_err ask(struct node_core *core, struct coming *c)
{
  struct part *part = lacking(c);
  if (c->asked < part->have)
    c->asked = part->have;
  if (c->asked == part->chunks || c->asked - part->have > WINDOW_LEFT)
    return TG_OK;
  Tg__Want frame = TG__WANT__INIT;
  uint64_t left = part->chunks - c->asked;
  frame.bulletin = slice_data(hash_slice(&c->id));
  frame.portion = part->portion;
  frame.chunk = c->asked;
  frame.count = left < WINDOW ? left : WINDOW;
  c->asked += frame.count;
  c->since = core->now.mono;
  return talk_send(core, FRAME_WANT, &frame.base);
}

enum tg_err arrivals_pump(struct node_core *core)
{
  struct arrivals *a = core->arrivals;
  if (a->n == 0 || !talk_is_open(core) || !core_has_room(core))
    return TG_OK;
  bool *passed = arena_alloc(core->arena, a->n * sizeof *passed);
  if (!passed)
    return TG_NO_MEMORY;
  enum tg_err err = TG_OK;
  for (unsigned i = 0; err == TG_OK && i < ASKED_AT_ONCE; i++) {
    struct coming *c = next_to_ask(a, passed);
    if (!c)
      break;
    passed[c - a->coming] = true;
    err = ask(core, c);
  }
  return err;
}

static void ask_again(struct arrivals *a)
{
  for (size_t i = 0; i < a->n; i++)
    a->coming[i].asked = 0;
}

enum tg_err arrivals_welcome(struct node_core *core)
{
  ask_again(core->arrivals);
  return TG_OK;
}

void arrivals_dropped(struct node_core *core, enum frame_type type)
{
  if (type == FRAME_WANT)
    ask_again(core->arrivals);
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

/* ---- checking what is complete ---- */

static struct coming *next_to_check(struct arrivals *a)
{
  struct coming *best = NULL;
  for (size_t i = 0; i < a->n; i++)
    if (!lacking(&a->coming[i]) && (!best || a->coming[i].precedence > best->precedence))
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
  struct check_bodies bodies = bodies_of(c);
  arena_reset(a->arena);
  a->judged = arena_alloc(a->arena, sizeof *a->judged);
  enum tg_err err = a->judged ? get_message(core, &c->id, a->arena, &a->message) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = judge_delivery(core, a->message, false, a->arena, a->judged, &verdict, &why);
  if (err != TG_OK)
    return err;
  if (verdict != JUDGE_TAKE) {
    err = drop_bodies(core, &copy);
    if (err == TG_OK)
      err = decline(core, a->judged, &copy.id, copy.queue, copy.bytes,
                    verdict == JUDGE_REFUSED ? RECEIPT_IMPORT_REFUSED : RECEIPT_UNREADABLE,
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
  struct coming *c = find(a, &a->checking);
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
  err = conclude(core, a->message, a->judged, a->check, &copy, result, &why);
  return err == TG_OK ? remove_coming(core, &copy.id) : err;
}

enum tg_err arrivals_turn(struct node_core *core)
{
  struct arrivals *a = core->arrivals;
  struct coming *c = a->check ? NULL : next_to_check(a);
  if (!a->check && !c)
    return TG_OK;
  enum tg_err err = core_begin(core);
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

enum tg_err arrivals_time(struct node_core *core)
{
  struct arrivals *a = core->arrivals;
  if (a->again) {
    a->again = false;
    enum tg_err err = talk_again(core);
    if (err != TG_OK)
      return err;
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
  return a->again ? core->now.mono : a->n ? a->due : INT64_MAX;
}

enum tg_err arrivals_forget(struct node_core *core, const struct hash *id, struct country member, bool *ret_any)
{
  struct coming *c = find(core->arrivals, id);
  const struct node *node = c ? directory_node(core->directory, &c->originator) : NULL;
  *ret_any = node && country_eq(node->credential.holder.member, member);
  if (!*ret_any)
    return TG_OK;
  struct coming copy = *c;
  enum tg_err err = drop_bodies(core, &copy);
  if (err == TG_OK)
    err = remove_coming(core, id);
  if (err == TG_OK)
    err = inbox_decline(core, id, RECEIPT_PURGED);
  return err == TG_OK ? says_done(core, copy.queue, copy.bytes) : err;
}
