#include "client/node/hooks.h"

#include "client/node/alarms.h"
#include "client/node/inbox.h"
#include "client/node/item.h"
#include "client/node/query.h"
#include "client/node/reading.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
  HOOKS_MAX = 64,
  PAUSE_FIRST_MS = 1000,
  PAUSE_MAX_MS = 10 * 60 * 1000,
  CONTENT_MAX =
      READING_PIECE, /* of a portion that comes along with its bulletin; longer ones are read by its id */
};

/* Where one hook is. Invariants: every row with place <= cursor is done with; order is not 0 exactly while
   one is out, for the row at `place`; tries counts the failures of the row after cursor. */
struct hook {
  const char *name;
  bool alarms; /* its rows are alarms, not bulletins */
  uint64_t cursor, place, order;
  uint64_t tries;
  int64_t due; /* monotonic; after a restart it is tried at once */
  bool idle;   /* nothing was there when it last looked */
};

struct hooks {
  struct arena *row; /* what is read for one order */
  size_t n;
  uint64_t last_order;
  struct hook hook[HOOKS_MAX];
};

struct hooks *hooks_new(void)
{
  struct hooks *h = calloc(1, sizeof *h);
  if (h && !(h->row = arena_new(LOCAL_ARENA))) {
    free(h);
    return NULL;
  }
  return h;
}

void hooks_free(struct hooks *h)
{
  if (!h)
    return;
  arena_free(h->row);
  free(h);
}

/* ---- the store ---- */

static enum tg_err store(struct node_core *core, const struct hook *h)
{
  enum tg_err err = core_begin(core);
  if (err != TG_OK)
    return err;
  struct db_stmt *s = db_stmt(depot_db(core->depot),
                              "INSERT OR REPLACE INTO hook(name, cursor, tries, due) VALUES(?, ?, ?, 0)");
  db_bind_text(s, 1, slice_str(h->name));
  db_bind_u64(s, 2, h->cursor);
  db_bind_u64(s, 3, h->tries);
  return db_run(s);
}

static enum tg_err load_one(struct node_core *core, struct hook *h)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT cursor, tries FROM hook WHERE name = ?");
  bool row;
  db_bind_text(s, 1, slice_str(h->name));
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK)
    return err;
  if (row) {
    h->cursor = db_u64(s, 0);
    h->tries = db_u64(s, 1);
    db_reset(s);
    return TG_OK;
  }
  err = h->alarms ? alarms_last_place(core, &h->cursor) : inbox_last_place(core, &h->cursor); /* a new one begins with what comes from now on */
  return err == TG_OK ? store(core, h) : err;
}

enum tg_err hooks_load(struct node_core *core)
{
  struct hooks *hooks = core->hooks;
  for (const char *const *name = core->config->hooks; name && *name; name++) {
    if (hooks->n == HOOKS_MAX)
      return TG_TOO_BIG;
    struct hook *h = &hooks->hook[hooks->n++];
    h->name = *name;
    h->alarms = core->config->hook_alarms && core->config->hook_alarms[name - core->config->hooks];
    enum tg_err err = load_one(core, h);
    if (err != TG_OK)
      return err;
  }
  return TG_OK;
}

/* ---- a bulletin as JSON ---- */

static json_t *texts(size_t n, const ProtobufCBinaryData *list)
{
  json_t *j = json_array();
  for (size_t i = 0; i < n; i++)
    json_array_append_new(j, query_text(data_slice(list[i])));
  return j;
}

static json_t *hex(ProtobufCBinaryData bytes)
{
  struct hash h = {{0}};
  (void)hash_read(data_slice(bytes), &h); /* absent: null */
  return query_hex(&h);
}

static bool is_readable(struct slice content_type)
{
  static const char *const kinds[] = {"text/", "application/json", "application/xml", "application/cap+xml",
                                      "application/stix+json"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (content_type.n >= strlen(kinds[i]) && memcmp(content_type.p, kinds[i], strlen(kinds[i])) == 0)
      return true;
  return false;
}

/* Short text comes along; *ret is null for anything else. */
static enum tg_err content(struct node_core *core, const struct hash *id, const Tg__LPortionInfo *p,
                           json_t **ret)
{
  struct reading *reading = NULL;
  struct slice piece = {0};
  bool end = false;
  *ret = json_null();
  if (!p->complete || p->size == 0 || p->size > CONTENT_MAX || !is_readable(data_slice(p->content_type)))
    return TG_OK;
  enum tg_err verdict, err = reading_new(core, id, p->index, 0, 0, &reading, &verdict, NULL);
  if (err == TG_OK && verdict == TG_OK)
    err = reading_next(core, reading, &piece, &end, &verdict, NULL);
  if (err == TG_OK && verdict == TG_OK && end && utf8_valid(piece))
    *ret = query_text(piece);
  reading_free(reading);
  return err;
}

static json_t *portion_head(const Tg__LPortionInfo *p)
{
  return json_pack("{s:i, s:s, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:b}", "portion",
                   (int)p->index, "level", level_name((uint8_t)p->level), "tlp", tlp_name((uint8_t)p->tlp),
                   "orcon", (p->caveats & CAVEAT_ORCON) != 0, "blind", p->blind, "label",
                   query_text(data_slice(p->label)), "to", texts(p->n_to, p->to), "except",
                   texts(p->n_except, p->except), "content_type", query_text(data_slice(p->content_type)),
                   "title", query_text(data_slice(p->title)), "filename", query_text(data_slice(p->filename)),
                   "language", query_text(data_slice(p->language)), "size", (json_int_t)p->size, "complete",
                   p->complete);
}

static json_t *item_head(const Tg__LItem *i, json_t *portions)
{
  json_t *sources = json_array();
  for (size_t n = 0; n < i->n_sources; n++)
    json_array_append_new(sources, hex(i->sources[n]));
  return json_pack("{s:i, s:o, s:o, s:o, s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "version",
                   1, "bulletin", hex(i->bulletin), "from", query_text(data_slice(i->originator)), "member",
                   query_text(data_slice(i->member)), "kind", kind_name((enum kind)i->kind), "precedence",
                   precedence_name((enum precedence)i->precedence), "exercise",
                   (i->flags & FLAG_EXERCISE) != 0, "topics", texts(i->n_topics, i->topics), "created",
                   query_time((tg_time)i->created), "received", query_time((tg_time)i->received), "expires",
                   query_time((tg_time)i->expires), "supersedes", hex(i->supersedes), "replies_to",
                   hex(i->replies_to), "sources", sources, "portions", portions);
}

static enum tg_err as_json(struct node_core *core, const struct inbox_row *row, json_t **ret)
{
  Tg__LItem *item;
  enum tg_err err = item_received(core, row, core->hooks->row, &item);
  json_t *portions = json_array();
  for (size_t i = 0; err == TG_OK && i < item->n_portions; i++) {
    json_t *text = NULL, *head = portion_head(item->portions[i]);
    err = content(core, &row->id, item->portions[i], &text);
    if (!head || json_object_set_new(head, "content", text) != 0 ||
        json_array_append_new(portions, head) != 0)
      err = err == TG_OK ? TG_NO_MEMORY : err;
  }
  if (err != TG_OK) {
    json_decref(portions);
    return err;
  }
  *ret = item_head(item, portions);
  return *ret ? TG_OK : TG_NO_MEMORY;
}

/* ---- orders ---- */

/* Takes json. */
static enum tg_err order(struct node_core *core, struct hook *h, uint64_t place, json_t *json)
{
  char *text = json_dumps(json, JSON_COMPACT);
  json_decref(json);
  if (!text)
    return TG_NO_MEMORY;
  h->place = place;
  h->order = ++core->hooks->last_order;
  enum tg_err err = orders_hook(core->orders, h->order, (size_t)(h - core->hooks->hook), slice_str(text));
  sodium_memzero(text, strlen(text));
  free(text);
  return err;
}

static enum tg_err next_alarm(struct node_core *core, struct hook *h)
{
  json_t *json;
  uint64_t place;
  enum tg_err err = alarms_after(core, h->cursor, core->hooks->row, &place, &json);
  return err == TG_OK ? order(core, h, place, json) : err;
}

/* One that was taken back or has expired before its turn is passed over. */
static enum tg_err next_bulletin(struct node_core *core, struct hook *h)
{
  struct inbox_row row;
  json_t *json;
  enum tg_err err = inbox_after(core, h->cursor, core->hooks->row, &row);
  if (err != TG_OK)
    return err;
  if (row.state < INBOX_PURGED) {
    err = as_json(core, &row, &json);
    return err == TG_OK ? order(core, h, row.place, json) : err;
  }
  h->cursor = row.place;
  h->tries = 0;
  core_wake_now(core);
  return store(core, h);
}

static enum tg_err advance(struct node_core *core, struct hook *h)
{
  arena_reset(core->hooks->row);
  enum tg_err err = h->alarms ? next_alarm(core, h) : next_bulletin(core, h);
  if (err != TG_NOT_FOUND)
    return err;
  h->idle = true;
  return TG_OK;
}

enum tg_err hooks_turn(struct node_core *core)
{
  for (size_t i = 0; i < core->hooks->n && !core->stopping; i++) {
    struct hook *h = &core->hooks->hook[i];
    if (h->order || h->idle || core->now.mono < h->due)
      continue;
    enum tg_err err = advance(core, h);
    if (err != TG_OK)
      return err;
  }
  arena_reset(core->hooks->row);
  return TG_OK;
}

void hooks_offer(struct node_core *core)
{
  for (size_t i = 0; i < core->hooks->n; i++)
    core->hooks->hook[i].idle = false;
}

int64_t hooks_due(const struct node_core *core)
{
  int64_t due = INT64_MAX;
  for (size_t i = 0; i < core->hooks->n; i++) {
    const struct hook *h = &core->hooks->hook[i];
    if (!h->order && !h->idle && h->due < due)
      due = h->due;
  }
  return due;
}

/* ---- how they end ---- */

static enum tg_err set_aside(struct node_core *core, struct hook *h, int code)
{
  struct tg_why why;
  struct db_stmt *s =
      db_stmt(depot_db(core->depot),
              "INSERT OR REPLACE INTO hook_failed(hook, place, time, code) VALUES(?, ?, ?, ?)");
  db_bind_text(s, 1, slice_str(h->name));
  db_bind_u64(s, 2, h->place);
  db_bind_i64(s, 3, core->now.wall);
  db_bind_i64(s, 4, code);
  enum tg_err err = db_run(s);
  if (h->alarms)
    why_set(&why, TG_INTERNAL, h->name, N_("a hook failed again and again for one alarm, which is set aside; the next one goes on"),
            N_("mend the command, and read the alarm in the node's log"), NULL, NULL, NULL);
  else
    why_set(&why, TG_INTERNAL, h->name,
            N_("a hook failed again and again for one bulletin, which is set aside; the next one goes on"),
            N_("mend the command, and read the bulletin from the inbox"), NULL, NULL, NULL);
  return err == TG_OK ? core_tell(core, NODE_ERROR, "hook-gave-up", NULL, h->name, h->place, &why) : err;
}

static enum tg_err failed(struct node_core *core, struct hook *h, int code)
{
  int64_t pause = PAUSE_FIRST_MS << h->tries; /* below HOOK_TRIES */
  h->tries++;
  if (h->tries < HOOK_TRIES) {
    h->due = core->now.mono + (pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS);
    return core_tell(core, NODE_NOTICE, "hook-retry", NULL, h->name, h->tries, NULL);
  }
  enum tg_err err = set_aside(core, h, code);
  h->cursor = h->place;
  h->tries = 0;
  return err;
}

enum tg_err hooks_done(struct node_core *core, uint64_t number, int code)
{
  for (size_t i = 0; number && i < core->hooks->n; i++) {
    struct hook *h = &core->hooks->hook[i];
    if (h->order != number)
      continue;
    enum tg_err err = core_begin(core);
    h->order = 0;
    if (err == TG_OK && code != 0)
      err = failed(core, h, code);
    if (code == 0) {
      h->cursor = h->place;
      h->tries = 0;
    }
    return err == TG_OK ? store(core, h) : err;
  }
  return TG_OK;
}

enum tg_err hooks_counts(struct node_core *core, struct hooks_counts *ret)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT count(*) FROM hook_failed");
  struct hooks_counts counts = {0};
  bool row;
  enum tg_err err = db_step(s, &row);
  if (err != TG_OK)
    return err;
  counts.set_aside = row ? db_u64(s, 0) : 0;
  db_reset(s);
  for (size_t i = 0; i < core->hooks->n; i++)
    counts.retrying += core->hooks->hook[i].tries > 0;
  *ret = counts;
  return TG_OK;
}
