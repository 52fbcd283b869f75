/* The question `review`: all that this node can prove of the hub's log, for its auditors. Nothing of it needs to be believed: each entry comes
   opened, with its path, and the checkpoints under which the paths end come with the proofs that each extends the one before. */
#include "client/node/query.h"

#include "audit/dossier.h"
#include "client/node/history.h"
#include "client/node/inbox.h"
#include "client/node/logged.h"
#include "client/node/outbox.h"
#include "client/node/stated.h"
#include "client/node/talk.h"
#include "client/node/watch.h"
#include "proto/wrap.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One answer: some milliseconds of the core's time. A bulletin has at most 1024 recipients with a few receipts each. */
enum { ROWS = 256, PAGE_BYTES = 1 << 20, ENTRIES_ARENA = 32 << 20 };

struct page {
  struct node_core *core;
  struct arena *arena; /* of the row at hand */
  json_t *list;
  size_t bytes;
  enum tg_err err;
  bool others;        /* it watched other logs before: */
  uint64_t elsewhere; /* entries that stand in those are counted */
};

static json_t *base64_of(struct page *p, struct slice bytes)
{
  const size_t n = sodium_base64_ENCODED_LEN(bytes.n, sodium_base64_VARIANT_ORIGINAL);
  char *text = malloc(n);
  json_t *j = text ? json_string(sodium_bin2base64(text, n, bytes.p, bytes.n, sodium_base64_VARIANT_ORIGINAL)) : NULL;
  p->bytes += n;
  free(text);
  return j;
}

/* TG_NOT_FOUND: not in the log that we watch now. */
static enum tg_err is_of_this_log(struct page *p, const struct dossier *d, struct slice path)
{
  const struct opening o = {.entry = d->paper[DOSSIER_ENTRY], .salt = slice_of(d->salt, sizeof d->salt), .index = d->index, .path = path};
  return p->others ? history_holds(p->core, watch_log(p->core), &o) : TG_OK;
}

/* size: of the checkpoint that the path leads to; 0: that is not kept with it. */
static enum tg_err append(struct page *p, const struct hash *subject, const struct dossier *d, struct slice path, uint64_t size)
{
  struct buf bytes = buf_new(DOSSIER_MAX);
  dossier_put(&bytes, d);
  enum tg_err err = buf_status(&bytes);
  if (err == TG_OK && json_array_append_new(p->list, json_pack("{s:o, s:I, s:I, s:o, s:o}", "subject", query_hex(subject), "index",
                                                               (json_int_t)d->index, "size", (json_int_t)size, "path", base64_of(p, path),
                                                               "dossier", base64_of(p, buf_slice(&bytes)))) != 0)
    err = TG_NO_MEMORY;
  buf_free(&bytes);
  return err == TG_TOO_BIG ? TG_OK : err; /* one with so many receipts is shown without them */
}

static enum tg_err put(struct page *p, const struct hash *subject, const struct dossier *d, struct slice path)
{
  enum tg_err err = is_of_this_log(p, d, path);
  if (err == TG_OK)
    return append(p, subject, d, path, 0);
  p->elsewhere += err == TG_NOT_FOUND;
  return err == TG_NOT_FOUND ? TG_OK : err;
}

static struct dossier opened(ProtobufCBinaryData entry, ProtobufCBinaryData salt, uint64_t index)
{
  struct dossier d = {.index = index};
  d.paper[DOSSIER_ENTRY] = data_slice(entry);
  if (salt.len == sizeof d.salt)
    memcpy(d.salt, salt.data, sizeof d.salt);
  return d;
}

/* ---- signed documents */

static enum tg_err put_document(struct page *p, const struct logged_row *row)
{
  struct buf bytes = buf_new(LIMIT_DOCUMENT + 1);
  struct dossier d = opened(slice_data(row->opening.entry), slice_data(row->opening.salt), row->opening.index);
  buf_put_u8(&bytes, (uint8_t)row->kind);
  buf_put_slice(&bytes, row->content);
  d.paper[DOSSIER_DOCUMENT] = buf_slice(&bytes);
  d.paper[DOSSIER_PROOF] = row->proof;
  enum tg_err err = buf_status(&bytes);
  if (err == TG_OK)
    err = append(p, &row->document, &d, row->opening.path, row->size);
  buf_free(&bytes);
  return err;
}

/* ---- what we sent */

static enum tg_err put_note(void *arg, const Tg__ReceiptNote *note)
{
  struct page *p = arg;
  struct entry entry;
  if (note->entry.len == 0) /* a bundle brought it, the hub has not yet */
    return TG_OK;
  struct buf share = buf_new(DOSSIER_MAX);
  struct dossier d = opened(note->entry, note->salt, note->leaf);
  enum tg_err err = dossier_share_put(&share, data_slice(note->receipt), note->proof);
  d.paper[DOSSIER_SHARES] = buf_slice(&share);
  if (err == TG_OK && entry_parse(d.paper[DOSSIER_ENTRY], &entry, NULL) != TG_OK)
    err = TG_DISK; /* it was read when it came */
  if (err == TG_OK)
    err = put(p, &entry.subject, &d, data_slice(note->path));
  buf_free(&share);
  return err;
}

static enum tg_err add_recipients(struct page *p, const Tg__Submission *m, struct buf *out)
{
  for (size_t i = 0; i < m->n_wraps; i++) {
    struct wrap wrap;
    if (wrap_parse(data_slice(m->wraps[i]), p->arena, &wrap, NULL) != TG_OK)
      return TG_DISK;
    buf_put(out, wrap.recipient.b, sizeof wrap.recipient.b);
    buf_put_u32(out, wrap.portions);
  }
  return buf_status(out);
}

static enum tg_err put_sent(struct page *p, const struct sent_row *row)
{
  const Tg__Outcome *o;
  struct buf bulletin = buf_new(DOSSIER_MAX), recipients = buf_new(DOSSIER_MAX);
  enum tg_err err = outbox_outcome(p->core, &row->id, p->arena, &o);
  if (err == TG_OK) {
    struct dossier d = opened(o->entry, o->salt, o->leaf);
    dossier_bulletin_put(&bulletin, row->message);
    if (row->state != SENT_REFUSED)
      err = add_recipients(p, row->message, &recipients);
    d.paper[DOSSIER_BULLETIN] = buf_slice(&bulletin);
    d.paper[DOSSIER_RECIPIENTS] = buf_slice(&recipients);
    d.paper[DOSSIER_DECISION] = data_slice(o->decision);
    if (err == TG_OK)
      err = put(p, &row->id, &d, data_slice(o->path));
    if (err == TG_OK)
      err = outbox_notes(p->core, &row->id, p->arena, put_note, p);
  }
  buf_free(&bulletin);
  buf_free(&recipients);
  return err == TG_NOT_FOUND ? TG_OK : err; /* the hub has not answered yet */
}

/* ---- what came */

static enum tg_err put_received(struct page *p, const struct inbox_row *row)
{
  const Tg__Delivery *m;
  struct buf bytes = buf_new(DOSSIER_MAX), own = buf_new(DOSSIER_OWN_BYTES);
  uint32_t portions = 0;
  if (row->carried) /* a bundle brought it: it has its place in the log when the hub delivers it */
    return TG_OK;
  enum tg_err err = inbox_delivery(p->core, &row->id, p->arena, &m);
  const bool logged = err == TG_OK && m->entry.len; /* a bundle may have brought it before */
  if (logged)
    err = dossier_delivery_put(&bytes, m);
  if (err == TG_OK && logged) {
    struct dossier d = opened(m->entry, m->salt, m->leaf);
    for (size_t i = 0; i < row->portion_count; i++)
      portions |= (uint32_t)1 << row->portions[i].index;
    buf_put(&own, p->core->me.b, sizeof p->core->me.b);
    buf_put_u32(&own, portions);
    buf_put_u64(&own, (uint64_t)row->received);
    d.paper[DOSSIER_DELIVERY] = buf_slice(&bytes);
    d.paper[DOSSIER_OWN] = buf_slice(&own);
    err = buf_status(&own);
    if (err == TG_OK)
      err = put(p, &row->id, &d, data_slice(m->path));
  }
  buf_free(&bytes);
  buf_free(&own);
  return err;
}

/* ---- what we stated ourselves */

static enum tg_err put_stated(struct page *p, const struct stated_row *row)
{
  const Tg__StatedReceipts *m = row->message;
  struct entry entry;
  struct buf bytes = buf_new(DOSSIER_MAX);
  struct dossier d = opened(m->entry, m->salt, m->leaf);
  if (m->n_items)
    buf_put_slice(&bytes, data_slice(m->signature));
  for (size_t i = 0; i < m->n_items; i++) {
    buf_put_u16(&bytes, (uint16_t)m->items[i].len);
    buf_put_slice(&bytes, data_slice(m->items[i]));
  }
  d.paper[DOSSIER_RECEIPTS] = buf_slice(&bytes);
  enum tg_err err = buf_status(&bytes);
  if (err == TG_OK && entry_parse(d.paper[DOSSIER_ENTRY], &entry, NULL) != TG_OK)
    err = TG_DISK; /* it was read when it came */
  if (err == TG_OK)
    err = append(p, &entry.subject, &d, data_slice(m->path), row->size);
  buf_free(&bytes);
  return err == TG_TOO_BIG ? TG_OK : err;
}

/* ---- pages */

static enum tg_err next_sent(struct page *p, uint64_t after, uint64_t *ret_place)
{
  struct sent_row row;
  arena_reset(p->arena);
  enum tg_err err = outbox_after(p->core, after, p->arena, &row);
  if (err == TG_OK)
    *ret_place = row.place;
  return err == TG_OK ? put_sent(p, &row) : err;
}

static enum tg_err next_received(struct page *p, uint64_t after, uint64_t *ret_place)
{
  struct inbox_row row;
  arena_reset(p->arena);
  enum tg_err err = inbox_after(p->core, after, p->arena, &row);
  if (err == TG_OK)
    *ret_place = row.place;
  return err == TG_OK ? put_received(p, &row) : err;
}

static enum tg_err next_document(struct page *p, uint64_t after, uint64_t *ret_place)
{
  struct logged_row row;
  arena_reset(p->arena);
  enum tg_err err = logged_after(p->core, after, p->arena, &row);
  if (err == TG_OK)
    *ret_place = row.place;
  return err == TG_OK ? put_document(p, &row) : err;
}

static enum tg_err next_stated(struct page *p, uint64_t after, uint64_t *ret_place)
{
  struct stated_row row;
  arena_reset(p->arena);
  enum tg_err err = stated_after(p->core, after, p->arena, &row);
  if (err == TG_OK)
    *ret_place = row.place;
  return err == TG_OK ? put_stated(p, &row) : err;
}

static enum tg_err next_checkpoint(struct page *p, uint64_t after, uint64_t *ret_place)
{
  struct history_row row, before;
  arena_reset(p->arena);
  const bool follows = history_at(p->core, watch_log(p->core), after, p->arena, &before) == TG_OK; /* or the proof is from another */
  enum tg_err err = history_after(p->core, watch_log(p->core), after, p->arena, &row);
  if (err != TG_OK)
    return err;
  *ret_place = row.size;
  p->bytes += row.note.n;
  json_t *j = json_pack("{s:I, s:o, s:b, s:o}", "size", (json_int_t)row.size, "note", query_text(row.note), "settled", row.settled,
                        "growth", base64_of(p, follows ? row.growth : slice_of(NULL, 0)));
  return json_array_append_new(p->list, j) == 0 ? TG_OK : TG_NO_MEMORY;
}

static const struct chapter {
  const char *name, *list;
  enum tg_err (*next)(struct page *p, uint64_t after, uint64_t *ret_place); /* TG_NOT_FOUND at the end */
} chapters[] = {
    {"checkpoints", "checkpoints", next_checkpoint},
    {"documents", "entries", next_document},
    {"sent", "entries", next_sent},
    {"received", "entries", next_received},
    {"stated", "entries", next_stated},
};

static const struct chapter *chapter_named(struct slice name)
{
  for (size_t i = 0; i < sizeof chapters / sizeof *chapters; i++)
    if (slice_is(name, chapters[i].name))
      return &chapters[i];
  return NULL;
}

static enum tg_err answer_page(struct node_core *core, struct query *q, const struct chapter *chapter, uint64_t after)
{
  struct page p = {.core = core, .arena = arena_new(ENTRIES_ARENA), .list = json_array()};
  enum tg_err err = p.arena && p.list ? history_has_others(core, watch_log(core), &p.others) : TG_NO_MEMORY;
  for (unsigned i = 0; err == TG_OK && i < ROWS && p.bytes < PAGE_BYTES; i++)
    err = chapter->next(&p, after, &after);
  const bool end = err == TG_NOT_FOUND;
  if (err == TG_OK || end)
    q->json = json_pack("{s:O, s:o, s:I}", chapter->list, p.list, "next",
                        end ? json_null() : json_integer((json_int_t)after), "elsewhere", (json_int_t)p.elsewhere);
  json_decref(p.list);
  arena_free(p.arena);
  return end ? TG_OK : err;
}

/* Changes whenever there is something new to be told. */
static enum tg_err stamp(struct node_core *core, char *out, size_t size)
{
  struct db_stmt *s = db_stmt(depot_db(core->depot), "SELECT (SELECT coalesce(max(place), 0) FROM inbox), (SELECT count(*) FROM answer),"
                                                     " (SELECT count(*) + coalesce(sum(length(record)), 0) FROM track WHERE event > 0),"
                                                     " (SELECT count(*) FROM carried), (SELECT coalesce(max(place), 0) FROM document),"
                                                     " (SELECT coalesce(max(place), 0) FROM logged), (SELECT coalesce(max(place), 0) FROM stated)");
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  snprintf(out, size, "%llu.%llu.%llu.%llu.%llu.%llu.%llu", (unsigned long long)db_u64(s, 0), (unsigned long long)db_u64(s, 1),
           (unsigned long long)db_u64(s, 2), (unsigned long long)db_u64(s, 3), (unsigned long long)db_u64(s, 4), (unsigned long long)db_u64(s, 5),
           (unsigned long long)db_u64(s, 6));
  db_reset(s);
  return TG_OK;
}

static enum tg_err answer_state(struct node_core *core, struct query *q)
{
  char name[HOLDER_MAX + 1], text[128];
  enum tg_err err = stamp(core, text, sizeof text);
  core_name_of(core, &core->me, name);
  if (err == TG_OK)
    q->json = json_pack("{s:s, s:s, s:I, s:s}", "node", name, "log", watch_log(core), "size", (json_int_t)watch_size(core), "stamp", text);
  return err == TG_OK && !q->json ? TG_NO_MEMORY : err;
}

/* Asks the hub for our receipts as it logged them, and says how far they are here. */
static enum tg_err answer_wish(struct node_core *core, struct query *q)
{
  uint64_t upto;
  enum tg_err err = stated_wish(core, &upto);
  if (err == TG_OK)
    q->json = json_pack("{s:b, s:I, s:I}", "connected", talk_is_open(core), "upto", (json_int_t)upto, "size", (json_int_t)watch_size(core));
  return err == TG_OK && !q->json ? TG_NO_MEMORY : err;
}

enum tg_err query_review(struct node_core *core, struct query *q)
{
  uint64_t after;
  if (q->n == 0)
    return answer_state(core, q);
  if (q->n == 1 && slice_is(q->args[0], "stated"))
    return answer_wish(core, q);
  const struct chapter *chapter = chapter_named(q->args[0]);
  if (q->n == 2 && chapter && number_parse(q->args[1], INT64_MAX, &after) == TG_OK)
    return answer_page(core, q, chapter, after);
  q->verdict = why_set(&q->why, TG_USAGE, NULL, N_("this question takes nothing, stated, or checkpoints, documents, sent, received or stated and a number to begin after"),
                       NULL, NULL, NULL, NULL);
  return TG_OK;
}
