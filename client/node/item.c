#include "client/node/item.h"

#include "client/node/record.h"
#include "client/node/schema.h"

#include <sodium.h>
#include <string.h>

static ProtobufCBinaryData *hashes(struct arena *arena, const struct hash *h, size_t n)
{
  ProtobufCBinaryData *list = arena_alloc(arena, (n ? n : 1) * sizeof *list);
  for (size_t i = 0; list && i < n; i++)
    list[i] = slice_data(hash_slice(&h[i]));
  return list;
}

static ProtobufCBinaryData *names(struct arena *arena, const struct slice *s, size_t n)
{
  ProtobufCBinaryData *list = arena_alloc(arena, (n ? n : 1) * sizeof *list);
  for (size_t i = 0; list && i < n; i++)
    list[i] = slice_data(s[i]);
  return list;
}

static ProtobufCBinaryData hash_or_none(const struct hash *h)
{
  return hash_is_zero(h) ? (ProtobufCBinaryData){0, NULL} : slice_data(hash_slice(h));
}

/* What the header says. It must live as long as the item. */
static enum tg_err fill_header(struct node_core *core, const struct header *h, struct arena *arena, Tg__LItem *item)
{
  const struct subject *s = &h->subject;
  const struct node *node = directory_node(core->directory, &s->originator);
  char *name = arena_alloc(arena, HOLDER_MAX + 1);
  item->topics = names(arena, s->topics, s->topic_count);
  item->sources = hashes(arena, s->sources, s->source_count);
  if (!name || !item->topics || !item->sources)
    return TG_NO_MEMORY;
  core_name_of(core, &s->originator, name);
  item->bulletin = slice_data(hash_slice(&h->id));
  item->originator = text_data(name);
  if (node)
    item->member = text_data(node->credential.holder.member.code);
  item->n_topics = s->topic_count;
  item->n_sources = s->source_count;
  item->kind = s->kind;
  item->precedence = s->precedence;
  item->flags = s->flags;
  item->created = (uint64_t)s->created;
  item->supersedes = hash_or_none(&s->supersedes);
  item->replies_to = hash_or_none(&s->replies_to);
  return TG_OK;
}

static enum tg_err portion_info(struct node_core *core, const struct hash *id, const struct portion *p, const struct release *r,
                                struct arena *arena, Tg__LPortionInfo **ret)
{
  Tg__LPortionInfo *info = arena_alloc(arena, sizeof *info);
  struct record_content content;
  if (!info)
    return TG_NO_MEMORY;
  tg__lportion_info__init(info);
  info->index = p->index;
  info->level = p->level;
  info->tlp = p->tlp;
  info->caveats = p->caveats;
  info->label = slice_data(p->label);
  info->blind = p->caveats & CAVEAT_BLIND;
  info->to = names(arena, r->to, r->to_count);
  info->except = names(arena, r->except, r->except_count);
  if (!info->to || !info->except)
    return TG_NO_MEMORY;
  info->n_to = r->to_count;
  info->n_except = r->except_count;
  *ret = info;
  enum tg_err err = record_content(core, id, p->index, arena, &content);
  if (err != TG_OK)
    return err == TG_NOT_FOUND ? TG_OK : err;
  sodium_memzero(&content.key, sizeof content.key);
  info->complete = true;
  info->content_type = slice_data(content.head.content_type);
  info->title = slice_data(content.head.title);
  info->filename = slice_data(content.head.filename);
  info->language = slice_data(content.head.language);
  info->size = content.head.size;
  return TG_OK;
}

enum tg_err item_received(struct node_core *core, const struct inbox_row *row, struct arena *arena, Tg__LItem **ret)
{
  Tg__LItem *item = arena_alloc(arena, sizeof *item);
  struct inbox_row *copy = arena_alloc(arena, sizeof *copy); /* the caller's may be gone before the item */
  if (!item || !copy)
    return TG_NO_MEMORY;
  *copy = *row;
  tg__litem__init(item);
  item->portions = arena_alloc(arena, (row->portion_count ? row->portion_count : 1) * sizeof *item->portions);
  enum tg_err err = item->portions ? fill_header(core, &copy->header, arena, item) : TG_NO_MEMORY;
  for (size_t i = 0; err == TG_OK && i < row->portion_count; i++)
    err = portion_info(core, &copy->id, &row->portions[i], &row->releases[i], arena, &item->portions[item->n_portions++]);
  if (err != TG_OK)
    return err;
  item->place = row->place;
  item->received = (uint64_t)row->received;
  item->expires = (uint64_t)row->expires;
  item->read = row->seen;
  item->acknowledged = row->acknowledged;
  item->state = row->state;
  item->number = row->number;
  item->carried = row->carried;
  item->leaf = row->leaf < INT64_MAX ? row->leaf : 0;
  item->superseded_by = hash_or_none(&copy->superseded_by);
  item->missing_before = row->missing_before;
  item->settled = row->settled;
  *ret = item;
  return TG_OK;
}

enum tg_err item_sent(struct node_core *core, const struct sent_row *row, struct arena *arena, Tg__LItem **ret)
{
  Tg__LItem *item = arena_alloc(arena, sizeof *item);
  struct sent_row *copy = arena_alloc(arena, sizeof *copy);
  size_t n = row->message->n_portions;
  if (!item || !copy)
    return TG_NO_MEMORY;
  *copy = *row;
  tg__litem__init(item);
  item->portions = arena_alloc(arena, (n ? n : 1) * sizeof *item->portions);
  enum tg_err err = item->portions ? fill_header(core, &copy->header, arena, item) : TG_NO_MEMORY;
  for (size_t i = 0; err == TG_OK && i < n; i++) {
    struct portion p;
    struct release r;
    if (portion_parse(data_slice(row->message->portions[i]), arena, &p, NULL) != TG_OK ||
        release_parse(data_slice(row->message->releases[i]), arena, &r, NULL) != TG_OK)
      return TG_DISK; /* we built them */
    err = portion_info(core, &copy->id, &p, &r, arena, &item->portions[item->n_portions++]);
  }
  if (err != TG_OK)
    return err;
  item->place = row->place;
  item->expires = (uint64_t)row->expires;
  item->state = row->state;
  item->number = row->number;
  item->leaf = row->leaf;
  item->overdue = row->overdue;
  item->settled = row->state == SENT_SETTLED || (row->state != SENT_SPOOLED && row->settled);
  *ret = item;
  return TG_OK;
}

/* ---- by prefix ---- */

/* The least and the greatest id that begin with these hex digits. */
static bool range_of(struct slice prefix, struct hash *low, struct hash *high)
{
  if (prefix.n < 1 || prefix.n > 64)
    return false;
  memset(low->b, 0, sizeof low->b);
  memset(high->b, 0xff, sizeof high->b);
  for (size_t i = 0; i < prefix.n; i++) {
    const char *digits = "0123456789abcdef", *at = prefix.p[i] ? strchr(digits, prefix.p[i]) : NULL;
    if (!at)
      return false;
    unsigned v = (unsigned)(at - digits), shift = i % 2 ? 0 : 4;
    low->b[i / 2] = (uint8_t)(low->b[i / 2] | v << shift);
    high->b[i / 2] = (uint8_t)((high->b[i / 2] & ~(0xfu << shift)) | v << shift);
  }
  return true;
}

enum tg_err item_resolve(struct node_core *core, struct slice prefix, struct hash *ret, bool *ret_sent)
{
  struct hash low, high, found;
  unsigned n_received, n_sent;
  if (!range_of(prefix, &low, &high))
    return TG_BAD_INPUT;
  enum tg_err err = depot_between(core->depot, DEPOT_INBOX, &low, &high, &found, &n_received);
  if (err == TG_OK)
    err = depot_between(core->depot, DEPOT_SENT, &low, &high, &found, &n_sent);
  if (err != TG_OK || n_received + n_sent != 1)
    return err != TG_OK ? err : n_received + n_sent ? TG_CONFLICT : TG_NOT_FOUND;
  *ret = found;
  *ret_sent = n_sent != 0;
  return TG_OK;
}

/* ---- what became of it ---- */

enum tg_err item_track(struct node_core *core, const struct hash *id, const struct track_row *after, struct track_row *ret)
{
  static const struct track_row first = {0};
  const struct track_row *from = after ? after : &first;
  /* Event 0 is the row of the recipient itself: shown while it has said nothing. */
  struct db_stmt *s = db_stmt(depot_db(core->depot),
                              "SELECT node, event, time FROM track WHERE number = " SCHEMA_NUMBER("?1") " AND (node, event) > (?2, ?3) AND (event > 0 OR"
                              " NOT EXISTS(SELECT 1 FROM track AS t WHERE t.number = track.number AND t.node = track.node AND t.event > 0))"
                              " ORDER BY node, event LIMIT 1");
  db_bind_blob(s, 1, hash_slice(id));
  db_bind_blob(s, 2, key_slice(&from->node));
  db_bind_i64(s, 3, after ? (int64_t)after->event : -1);
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  struct track_row r = {.event = (unsigned)db_u64(s, 1), .time = db_u64(s, 1) ? db_i64(s, 2) : 0};
  bool read = db_bytes(s, 0, r.node.b, sizeof r.node.b);
  db_reset(s);
  if (!read)
    return TG_DISK;
  const struct node *node = directory_node(core->directory, &r.node);
  if (node)
    r.member = node->credential.holder.member;
  core_name_of(core, &r.node, r.name);
  *ret = r;
  return TG_OK;
}
