/* The inbox as those see it who only look. */
#include "client/node/inbox_inside.h"

#include "client/node/record.h"
#include "client/node/schema.h"
#include "client/node/watch.h"

static enum tg_err read_portions(const Tg__Delivery *message, struct arena *arena, struct inbox_row *row)
{
  size_t n = message->n_portions;
  struct portion *portions = arena_alloc(arena, (n ? n : 1) * sizeof *portions);
  struct release *releases = arena_alloc(arena, (n ? n : 1) * sizeof *releases);
  if (!portions || !releases)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < n; i++) {
    const Tg__OpenPortion *p = message->portions[i];
    if (portion_parse(data_slice(p->portion), arena, &portions[i], NULL) != TG_OK)
      return TG_DISK; /* it was checked when it came */
    if (p->release.len && release_parse(data_slice(p->release), arena, &releases[i], NULL) != TG_OK)
      return TG_DISK;
  }
  row->portion_count = n;
  row->portions = portions;
  row->releases = releases;
  return TG_OK;
}

static enum tg_err read_row(struct node_core *core, struct db_stmt *s, struct arena *arena, void *ret)
{
  ProtobufCMessage *message;
  struct inbox_row r = {.place = db_u64(s, 0),
                        .number = db_u64(s, 3),
                        .state = (enum inbox_state)db_u64(s, 4),
                        .received = db_i64(s, 5),
                        .expires = db_i64(s, 6),
                        .seen = db_u64(s, 7) != 0,
                        .acknowledged = db_u64(s, 8) != 0,
                        .leaf = db_u64(s, 9),
                        .missing_before = db_u64(s, 12) != 0,
                        .carried = db_u64(s, 13) != 0,
                        .settled = watch_shows_settled(core, db_text(s, 14), db_u64(s, 9))};
  if (!db_bytes(s, 1, r.id.b, sizeof r.id.b) || !db_bytes(s, 2, r.node.b, sizeof r.node.b))
    return TG_DISK;
  if (!db_is_null(s, 10) && !db_bytes(s, 10, r.superseded_by.b, sizeof r.superseded_by.b))
    return TG_DISK;
  enum tg_err err = record_unlock(core, inbox_label, &r.id, &tg__delivery__descriptor, db_blob(s, 11), arena, &message);
  if (err != TG_OK)
    return err;
  const Tg__Delivery *delivery = (const Tg__Delivery *)message;
  err = header_parse_known(data_slice(delivery->header), &r.id, arena, &r.header, NULL) == TG_OK ? TG_OK : TG_DISK;
  if (err == TG_OK)
    err = read_portions(delivery, arena, &r);
  if (err == TG_OK)
    *(struct inbox_row *)ret = r;
  return err;
}

#define ROW                                                                                                                     \
  "SELECT place, id, node, number, state, received, expires, seen, acknowledged, leaf, superseded_by, record,"                  \
  " EXISTS(SELECT 1 FROM heard WHERE heard.node = inbox.node AND heard.number = inbox.number AND heard.previous NOTNULL),"        \
  " EXISTS(SELECT 1 FROM carried WHERE carried.id = inbox.id), log"                                                                 \
  " FROM inbox "

enum tg_err inbox_row(struct node_core *core, const struct hash *id, struct arena *arena, struct inbox_row *ret)
{
  return record_row_of(core, db_stmt(depot_db(core->depot), ROW "WHERE " SCHEMA_INBOX("?1")), id, read_row, arena, ret);
}

enum tg_err inbox_after(struct node_core *core, uint64_t after, struct arena *arena, struct inbox_row *ret)
{
  return record_row_at(core, db_stmt(depot_db(core->depot), ROW "WHERE place > ? ORDER BY place LIMIT 1"), after, read_row, arena, ret);
}

enum tg_err inbox_flash_after(struct node_core *core, uint64_t after, struct arena *arena, struct inbox_row *ret)
{
  return record_row_at(core, db_stmt(depot_db(core->depot), ROW "INDEXED BY inbox_flash WHERE precedence = 4 AND place > ? ORDER BY place LIMIT 1"), after, read_row,
                       arena, ret);
}

enum tg_err inbox_below(struct node_core *core, uint64_t below, struct arena *arena, struct inbox_row *ret)
{
  return record_row_at(core, db_stmt(depot_db(core->depot), ROW "WHERE place < ? ORDER BY place DESC LIMIT 1"), below, read_row, arena, ret);
}

enum tg_err inbox_delivery(struct node_core *core, const struct hash *id, struct arena *arena, const Tg__Delivery **ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT record FROM inbox WHERE " SCHEMA_INBOX("?1"));
  ProtobufCMessage *message;
  db_bind_blob(s, 1, hash_slice(id));
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  err = record_unlock(core, inbox_label, id, &tg__delivery__descriptor, db_blob(s, 0), arena, &message);
  db_reset(s);
  if (err == TG_OK)
    *ret = (const Tg__Delivery *)message;
  return err;
}

enum tg_err inbox_opening(struct node_core *core, const struct hash *id, struct arena *arena, struct opening *ret)
{
  const Tg__Delivery *d;
  enum tg_err err = inbox_delivery(core, id, arena, &d);
  if (err == TG_OK && d->entry.len == 0)
    err = TG_NOT_FOUND; /* a bundle brought it, and no hub has logged it yet */
  if (err == TG_OK)
    *ret = (struct opening){data_slice(d->entry), data_slice(d->salt), d->leaf, data_slice(d->path)};
  return err;
}

enum tg_err inbox_last_place(struct node_core *core, uint64_t *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT coalesce(max(place), 0) FROM inbox");
  return db_number(s, ret);
}

enum tg_err inbox_counts(struct node_core *core, struct inbox_counts *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT count(*), count(*) FILTER (WHERE seen = 0),"
                                                     " count(*) FILTER (WHERE acknowledged = 0 AND precedence = 4) FROM inbox"
                                                     " WHERE state <> 2 AND state < 4");
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  *ret = (struct inbox_counts){.current = db_u64(s, 0), .unread = db_u64(s, 1), .unacknowledged_flash = db_u64(s, 2)};
  db_reset(s);
  return TG_OK;
}
