/* Bulletins whose bodies are coming, in memory and in the store: they survive a restart. */
#include "client/node/arrivals_inside.h"

#include "client/node/record.h"

#include <stdlib.h>

static const char arriving_label[] = "toguna/arriving/v1";

struct coming *arrivals_find(struct arrivals *a, const struct hash *id)
{
  for (size_t i = 0; i < a->n; i++)
    if (hash_eq(&a->coming[i].id, id))
      return &a->coming[i];
  return NULL;
}

struct part *arrivals_lacking(struct coming *c)
{
  for (size_t i = 0; i < c->n; i++)
    if (c->part[i].have < c->part[i].chunks)
      return &c->part[i];
  return NULL;
}

struct coming *arrivals_add(struct arrivals *a, const struct coming *c)
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
  a->coming[a->n].pieces = buf_new(BODY_SEALED);
  return &a->coming[a->n++];
}

enum tg_err arrivals_put(struct node_core *core, const struct coming *c, const Tg__Delivery *message)
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
    db_bind_buf(s, 3, &record);
    db_bind_buf(s, 4, &bodies);
    err = db_run(s);
  }
  buf_free(&record);
  buf_free(&bodies);
  return err;
}

enum tg_err arrivals_get(struct node_core *core, const struct hash *id, struct arena *arena, Tg__Delivery **ret)
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

uint64_t arrivals_credit(const Tg__Delivery *message)
{
  uint64_t bytes = 0;
  for (size_t i = 0; i < message->n_bodies; i++)
    bytes += message->bodies[i]->sealed.len;
  return bytes;
}

enum tg_err arrivals_describe(const Tg__Delivery *message, const struct header *header, struct arena *arena, struct coming *c)
{
  if (message->n_portions > LIMIT_PORTIONS)
    return TG_DISK; /* it was checked when it came */
  c->precedence = header->subject.precedence;
  c->expires = header->subject.expires;
  c->originator = header->subject.originator;
  c->bytes = arrivals_credit(message);
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
  struct header header;
  arena_reset(core->scrap);
  if (!db_bytes(s, 0, c.id.b, sizeof c.id.b))
    return TG_DISK;
  enum tg_err err =
      record_unlock(core, arriving_label, &c.id, &tg__delivery__descriptor, db_blob(s, 2), core->scrap, &message);
  if (err == TG_OK && header_parse_known(data_slice(((Tg__Delivery *)message)->header), &c.id, core->scrap, &header, NULL) != TG_OK)
    err = TG_DISK; /* it was checked when it came */
  if (err == TG_OK)
    err = arrivals_describe((Tg__Delivery *)message, &header, core->scrap, &c);
  for (size_t i = 0; err == TG_OK && i < c.n; i++) {
    err = take_u64(&bodies, &c.part[i].body) ? depot_body_chunks(core->depot, c.part[i].body, &c.part[i].have) : TG_DISK;
    if (err == TG_NOT_FOUND)
      err = TG_DISK;
  }
  if (err == TG_OK && !arrivals_add(core->arrivals, &c))
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
