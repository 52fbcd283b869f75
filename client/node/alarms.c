#include "client/node/alarms.h"

#include "client/node/hooks.h"
#include "client/node/item.h"
#include "client/node/query.h"
#include "keys/codec.h"
#include "proto/hash.h"

#include <stdlib.h>
#include <string.h>

static const char label[] = "toguna/alarm/v1";

/* What a row's record is bound to. */
static struct hash id_of(uint64_t place)
{
  struct hash_state s;
  hash_begin(&s, label);
  hash_put_u64(&s, place);
  return hash_end(&s);
}

static bool wanted(const struct node_core *core)
{
  for (size_t i = 0; core->config->hooks && core->config->hook_alarms && core->config->hooks[i]; i++)
    if (core->config->hook_alarms[i])
      return true;
  return false;
}

enum tg_err alarms_last_place(struct node_core *core, uint64_t *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT coalesce(max(place), 0) FROM alarm");
  return db_number(s, ret);
}

/* ---- keeping ---- */

static enum tg_err insert(struct node_core *core, uint64_t place, struct slice record)
{
  struct buf locked = buf_new(64 * 1024);
  const struct hash id = id_of(place);
  enum tg_err err = depot_lock(core->depot, label, hash_slice(&id), record, &locked);
  if (err == TG_OK) {
    struct db_stmt *s = db_stmt(depot_db(core->depot), "INSERT INTO alarm VALUES(?, ?)");
    db_bind_u64(s, 1, place);
    db_bind_buf(s, 2, &locked);
    err = db_run(s);
  }
  if (err == TG_OK && place > ALARMS_KEPT) {
    struct db_stmt *s = db_stmt(depot_db(core->depot), "DELETE FROM alarm WHERE place <= ?");
    db_bind_u64(s, 1, place - ALARMS_KEPT);
    err = db_run(s);
  }
  buf_free(&locked);
  return err;
}

enum tg_err alarms_keep(struct node_core *core, const struct node_event *event)
{
  static const struct hash none;
  uint64_t last = 0;
  if (!wanted(core))
    return TG_OK;
  json_t *json = json_pack("{s:i, s:s, s:o, s:o, s:o, s:I, s:o}", "version", 1, "alarm", event->name, "time", query_time(core->now.wall),
                           "subject", query_hex(event->subject ? event->subject : &none), "who",
                           event->who ? query_text(slice_str(event->who)) : json_null(), "number", (json_int_t)event->number, "sentence",
                           event->why ? query_why(event->why) : json_null());
  char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
  json_decref(json);
  enum tg_err err = text ? core_begin(core) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = alarms_last_place(core, &last);
  if (err == TG_OK)
    err = insert(core, last + 1, slice_str(text));
  free(text);
  if (err == TG_OK)
    hooks_offer(core);
  return err;
}

/* ---- handing out ---- */

static enum tg_err add_silent(struct node_core *core, const struct hash *id, json_t *list)
{
  struct track_row row;
  enum tg_err err = item_track(core, id, NULL, &row);
  for (; err == TG_OK; err = item_track(core, id, &row, &row)) {
    json_t *one = row.event ? NULL : json_pack("{s:s, s:s}", "node", row.name, "member", row.member.code);
    if (!row.event && json_array_append_new(list, one) != 0)
      return TG_NO_MEMORY;
  }
  return err == TG_NOT_FOUND ? TG_OK : err;
}

/* Who is silent now; of a bulletin that is no longer kept nothing is added. */
static enum tg_err add_overdue(struct node_core *core, json_t *alarm, struct arena *arena)
{
  struct sent_row row;
  struct hash id;
  const char *subject = json_string_value(json_object_get(alarm, "subject"));
  if (!subject || hash_parse(slice_str(subject), &id) != TG_OK)
    return TG_DISK;
  enum tg_err err = outbox_row(core, &id, arena, &row);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_OK : err;
  json_t *silent = json_array();
  if ((err = add_silent(core, &id, silent)) != TG_OK) {
    json_decref(silent);
    return err;
  }
  json_t *more = json_pack("{s:s, s:s, s:b, s:o, s:b, s:o}", "bulletin", subject, "precedence", precedence_name(row.precedence), "exercise",
                           (row.header.subject.flags & FLAG_EXERCISE) != 0, "created", query_time(row.header.subject.created), "accepted",
                           row.state != SENT_SPOOLED, "silent", silent);
  err = more && json_object_update(alarm, more) == 0 ? TG_OK : TG_NO_MEMORY;
  json_decref(more);
  return err;
}

static enum tg_err next(struct node_core *core, uint64_t after, struct arena *arena, uint64_t *ret_place, struct slice *ret_record)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT place, record FROM alarm WHERE place > ? ORDER BY place LIMIT 1");
  db_bind_u64(s, 1, after);
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  *ret_place = db_u64(s, 0);
  const struct hash id = id_of(*ret_place);
  err = depot_unlock(core->depot, label, hash_slice(&id), db_blob(s, 1), arena, ret_record);
  db_reset(s);
  return err;
}

enum tg_err alarms_after(struct node_core *core, uint64_t after, struct arena *arena, uint64_t *ret_place, json_t **ret)
{
  struct slice record;
  uint64_t place;
  enum tg_err err = next(core, after, arena, &place, &record);
  if (err != TG_OK)
    return err;
  json_t *alarm = json_loadb((const char *)record.p, record.n, 0, NULL);
  const char *name = json_string_value(json_object_get(alarm, "alarm"));
  if (!name)
    err = TG_DISK; /* we wrote it */
  if (err == TG_OK && json_object_set_new(alarm, "place", json_integer((json_int_t)place)) != 0)
    err = TG_NO_MEMORY;
  if (err == TG_OK && strcmp(name, "receipts-overdue") == 0)
    err = add_overdue(core, alarm, arena);
  if (err != TG_OK) {
    json_decref(alarm);
    return err;
  }
  *ret_place = place;
  *ret = alarm;
  return TG_OK;
}
