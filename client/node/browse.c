#include "client/node/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_PER_STEP = 32, FOLDER_SENT = 2 };

/* A list is two passes: down from the newest, until `limit` items match or the beginning is reached (only
   with a limit), then up from there, saying what matches. A follow goes on with the second for ever.
   Invariants: rows <= place are behind us (when seeking: rows >= place); of FLASH also those <= flash, if it goes ahead, and there are none beyond while
   `dry`; row is empty between two steps. */
struct browse {
  bool sent, follow, seeking, unread, ahead, dry;
  char from[LOCAL_NAME + 1];
  char topic[LIMIT_TOPIC + 1];
  tg_time since;
  uint64_t limit, after, place, flash, matched;
  uint32_t content; /* most bytes of it that go with an item; 0: none */
  bool mark;
  struct hash only; /* zeros: any */
  struct arena *row;
};

void browse_free(struct browse *b)
{
  if (!b)
    return;
  arena_free(b->row);
  free(b);
}

/* ---- what matches ---- */

/* "ML" covers "ML/dgse/n1"; "ML/dgse" too. */
static bool name_within(const char *name, struct slice full)
{
  size_t n = strlen(name);
  return full.n >= n && memcmp(full.p, name, n) == 0 && (full.n == n || full.p[n] == '/');
}

/* As in policies: * is one label, ** at the end any number of them. */
static bool topic_within(const char *pattern, struct slice topic)
{
  const char *t = (const char *)topic.p, *end = t + topic.n;
  while (*pattern) {
    size_t label = strcspn(pattern, ".");
    if (label == 2 && memcmp(pattern, "**", 2) == 0)
      return true;
    const char *stop = t < end ? memchr(t, '.', (size_t)(end - t)) : NULL;
    size_t have = (size_t)((stop ? stop : end) - t);
    bool any = label == 1 && *pattern == '*' && have > 0;
    if (!any && (label != have || memcmp(pattern, t, label) != 0))
      return false;
    pattern += label + (pattern[label] == '.');
    t = stop ? stop + 1 : end;
    if (!stop && *pattern)
      return strcmp(pattern, "**") == 0;
    if (stop && !*pattern)
      return false;
  }
  return t == end;
}

static bool has_topic(const struct browse *b, const Tg__LItem *item)
{
  for (size_t i = 0; i < item->n_topics; i++)
    if (topic_within(b->topic, data_slice(item->topics[i])))
      return true;
  return false;
}

static bool matches(const struct browse *b, const Tg__LItem *item)
{
  tg_time when = (tg_time)(b->sent ? item->created : item->received);
  if (b->unread && (item->read || item->state > INBOX_SUPERSEDED))
    return false;
  if (b->from[0] && !name_within(b->from, data_slice(item->originator)))
    return false;
  if (b->topic[0] && !has_topic(b, item))
    return false;
  return when >= b->since &&
         (hash_is_zero(&b->only) || slice_eq(hash_slice(&b->only), data_slice(item->bulletin)));
}

/* ---- rows of either folder, in one form ---- */

/* *received is filled for the inbox only. */
static enum tg_err next_item(struct node_core *core, const struct browse *b, bool up, struct inbox_row *received,
                             Tg__LItem **ret)
{
  struct sent_row sent;
  enum tg_err err;
  if (b->sent)
    err = up ? outbox_after(core, b->place, b->row, &sent) : outbox_below(core, b->place, b->row, &sent);
  else
    err = up ? inbox_after(core, b->place, b->row, received) : inbox_below(core, b->place, b->row, received);
  if (err != TG_OK)
    return err;
  return b->sent ? item_sent(core, &sent, b->row, ret) : item_received(core, received, b->row, ret);
}

static enum tg_err item_of(struct node_core *core, const struct hash *id, bool sent, struct arena *arena,
                           Tg__LItem **ret)
{
  struct inbox_row in;
  struct sent_row out;
  enum tg_err err = sent ? outbox_row(core, id, arena, &out) : inbox_row(core, id, arena, &in);
  if (err != TG_OK)
    return err;
  return sent ? item_sent(core, &out, arena, ret) : item_received(core, &in, arena, ret);
}

/* ---- the two passes ---- */

static void found_start(struct browse *b, uint64_t before)
{
  b->seeking = false;
  b->place = before > b->after ? before : b->after;
}

static enum tg_err seek(struct node_core *core, struct browse *b)
{
  for (int i = 0; i < ROWS_PER_STEP && b->seeking; i++) {
    struct inbox_row row;
    Tg__LItem *item;
    arena_reset(b->row);
    enum tg_err err = next_item(core, b, false, &row, &item);
    if (err == TG_NOT_FOUND)
      found_start(b, 0);
    else if (err != TG_OK)
      return err;
    else if (item->place <= b->after)
      found_start(b, b->after);
    else if ((b->matched += matches(b, item)) == b->limit)
      found_start(b, item->place - 1);
    else
      b->place = item->place;
  }
  return TG_OK;
}

/* ---- content that goes with an item ---- */

static bool goes_along(const struct browse *b, const Tg__LItem *item)
{
  uint64_t left = b->content;
  if (!b->content || b->sent || !item->n_portions)
    return false;
  for (size_t i = 0; i < item->n_portions; i++) {
    if (!item->portions[i]->complete || item->portions[i]->size > left)
      return false;
    left -= item->portions[i]->size;
  }
  return true;
}

/* Who was sent the content has read it, for all that the node can know: the journal says so, and the originator is told if that was
   asked for. What cannot be opened any more stays away; LRead tells why. */
static enum tg_err add_content(struct node_core *core, struct request *r, const struct inbox_row *row, Tg__LItem *item)
{
  ProtobufCBinaryData *contents = arena_alloc(r->browse->row, item->n_portions * sizeof *contents);
  if (!contents)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < item->n_portions; i++) {
    struct slice content;
    struct tg_why why = {0};
    enum tg_err verdict, err = reading_whole(core, &row->id, row->portions[i].index, &row->portions[i].seal, r->browse->row,
                                             &content, &verdict, &why);
    if (err != TG_OK || verdict != TG_OK)
      return err;
    contents[i] = slice_data(content);
  }
  enum tg_err err = request_journal(core, r, "read", &row->id, "all portions");
  if (err == TG_OK && r->browse->mark)
    err = inbox_mark_read(core, &row->id);
  item->contents = contents;
  item->n_contents = item->n_portions;
  return err;
}

static enum tg_err offer(struct node_core *core, struct request *r, const struct inbox_row *row, Tg__LItem *item)
{
  r->count++;
  item->request = r->number;
  enum tg_err err = goes_along(r->browse, item) ? add_content(core, r, row, item) : TG_OK;
  return err == TG_OK ? request_answer(core, r, LOCAL_ITEM, &item->base) : err;
}

/* The next FLASH, whatever stands before it. *ret: one was said. */
static enum tg_err show_flash(struct node_core *core, struct request *r, bool *ret)
{
  struct browse *b = r->browse;
  *ret = false;
  for (int i = 0; i < ROWS_PER_STEP && !*ret; i++) {
    struct inbox_row row;
    Tg__LItem *item;
    arena_reset(b->row);
    enum tg_err err = inbox_flash_after(core, b->flash > b->place ? b->flash : b->place, b->row, &row);
    b->dry = err == TG_NOT_FOUND;
    if (err != TG_OK)
      return b->dry ? TG_OK : err;
    b->flash = row.place;
    err = item_received(core, &row, b->row, &item);
    if (err != TG_OK)
      return err;
    if (!matches(b, item))
      continue;
    item->ahead = *ret = true;
    err = offer(core, r, &row, item);
    if (err != TG_OK)
      return err;
  }
  return TG_OK;
}

void browse_stir(struct browse *b) { b->dry = false; }

static enum tg_err show(struct node_core *core, struct request *r)
{
  struct browse *b = r->browse;
  bool said = false;
  enum tg_err first = b->ahead && !b->dry ? show_flash(core, r, &said) : TG_OK;
  if (first != TG_OK || said)
    return first;
  for (int i = 0; i < ROWS_PER_STEP; i++) {
    struct inbox_row row;
    Tg__LItem *item;
    arena_reset(b->row);
    enum tg_err err = next_item(core, b, true, &row, &item);
    if (err == TG_NOT_FOUND) {
      r->idle = true;
      return b->follow ? TG_OK : request_done(core, r, r->count);
    }
    if (err != TG_OK)
      return err;
    b->place = item->place;
    if (!matches(b, item) || (b->ahead && item->precedence == PRECEDENCE_FLASH && item->place <= b->flash))
      continue;
    return offer(core, r, &row, item);
  }
  return TG_OK;
}

enum tg_err browse_produce(struct node_core *core, struct request *r)
{
  enum tg_err err = r->browse->seeking ? seek(core, r->browse) : show(core, r);
  arena_reset(r->browse->row);
  return err;
}

/* ---- requests ---- */

static void copy_text(char *out, size_t size, ProtobufCBinaryData text)
{
  snprintf(out, size, "%.*s", (int)text.len, text.len ? (const char *)text.data : "");
}

static enum tg_err begin(struct request *r, const Tg__LFilter *filter, bool follow)
{
  static const Tg__LFilter all = TG__LFILTER__INIT;
  const Tg__LFilter *f = filter ? filter : &all;
  struct browse *b = calloc(1, sizeof *b);
  struct arena *row = arena_new(LOCAL_ARENA);
  if (!b || !row) {
    free(b);
    arena_free(row);
    return TG_NO_MEMORY;
  }
  *b = (struct browse){.sent = f->folder == FOLDER_SENT,
                       .follow = follow,
                       .seeking = f->limit > 0,
                       .unread = f->unread,
                       .since = (tg_time)f->since,
                       .limit = f->limit,
                       .after = f->after,
                       .row = row};
  b->place = b->seeking ? INT64_MAX : b->after;
  copy_text(b->from, sizeof b->from, f->from);
  copy_text(b->topic, sizeof b->topic, f->topic);
  (void)hash_read(data_slice(f->bulletin), &b->only); /* absent: any */
  r->browse = b;
  return TG_OK;
}

enum tg_err browse_list(struct node_core *core, struct request *r, const ProtobufCMessage *message)
{
  (void)core;
  return begin(r, ((const Tg__LList *)message)->filter, false);
}

enum tg_err browse_follow(struct node_core *core, struct request *r, const ProtobufCMessage *message)
{
  const Tg__LFollow *follow = (const Tg__LFollow *)message;
  (void)core;
  enum tg_err err = begin(r, follow->filter, true);
  if (err == TG_OK) {
    r->browse->content = follow->content;
    r->browse->mark = follow->mark;
    r->browse->ahead = follow->ahead && !r->browse->sent;
  }
  return err;
}

/* What came from others is shown to readers only. */
enum tg_err browse_resolve(struct node_core *core, struct request *r, const ProtobufCMessage *message)
{
  struct slice prefix = data_slice(((const Tg__LResolve *)message)->prefix);
  struct tg_why why;
  struct hash id;
  bool sent = false;
  Tg__LItem *item;
  char text[65];
  snprintf(text, sizeof text, "%.*s", (int)prefix.n, (const char *)prefix.p);
  enum tg_err err = item_resolve(core, prefix, &id, &sent);
  if (err == TG_OK && !sent && !(request_roles(r) & NODE_READER))
    err = TG_NOT_FOUND;
  if (err == TG_OK)
    err = item_of(core, &id, sent, core->arena, &item);
  if (err == TG_NOT_FOUND)
    why_set(&why, err, text, N_("there is no such bulletin here"), N_("`toguna inbox` and `toguna sent` list what there is"),
            NULL, NULL, NULL);
  else if (err == TG_CONFLICT)
    why_set(&why, err, text, N_("several bulletins begin with this"), N_("give more digits"), NULL, NULL,
            NULL);
  else if (err == TG_BAD_INPUT)
    why_set(&why, err, text, N_("this is no beginning of a bulletin's id"),
            N_("an id is hex digits in lower case"), NULL, NULL, NULL);
  else if (err != TG_OK)
    return err;
  if (err != TG_OK)
    return request_refuse(core, r, &why);
  item->request = r->number;
  r->over = true;
  return request_answer(core, r, LOCAL_ITEM, &item->base);
}
