#include "client/node/request.h"

#include "client/node/errands.h"
#include "client/node/explain.h"
#include "client/node/waiting.h"
#include "keys/codec.h"

#include <stdio.h>

/* ---- content ---- */

/* What was sent or has come is for readers; what waits, for who may approve it and who wrote it: to others it is not there. */
static enum tg_err may_read(struct node_core *core, const struct request *r, enum tg_err *ret_verdict, struct tg_why *why)
{
  struct waiting_row row;
  enum tg_err err = waiting_row(core, &r->bulletin, core->arena, &row);
  if (err != TG_OK && err != TG_NOT_FOUND)
    return err;
  *ret_verdict = TG_OK;
  if (err == TG_OK && approving_may_see(r, &row))
    return TG_OK;
  if (!(request_roles(r) & NODE_READER))
    *ret_verdict = why_set(why, TG_REFUSED, NULL, N_("this user may not do this here: %1$s"),
                           N_("who runs the node gives roles with `user` lines in its configuration"), "read", NULL, NULL);
  else if (err == TG_OK)
    *ret_verdict = why_set(why, TG_NOT_FOUND, NULL, N_("there is no such bulletin or portion here"), NULL, NULL, NULL, NULL);
  return TG_OK;
}

enum tg_err handling_read(struct node_core *core, struct request *r, const ProtobufCMessage *message)
{
  const Tg__LRead *read = (const Tg__LRead *)message;
  struct tg_why why = {0};
  char portion[32];
  (void)hash_read(data_slice(read->bulletin), &r->bulletin); /* 32 bytes by its limits */
  r->mark = read->mark;
  enum tg_err verdict, err = may_read(core, r, &verdict, &why);
  if (err == TG_OK && verdict == TG_OK)
    err = read->sealed ? reading_sealed(core, &r->bulletin, read->portion, &r->reading, &verdict, &why)
                       : reading_new(core, &r->bulletin, read->portion, read->offset, read->count, &r->reading, &verdict, &why);
  if (err != TG_OK)
    return err;
  if (verdict != TG_OK)
    return request_refuse(core, r, &why);
  snprintf(portion, sizeof portion, "portion %u%s", read->portion, read->sealed ? " sealed" : "");
  return request_journal(core, r, "read", &r->bulletin, portion);
}

enum tg_err handling_read_on(struct node_core *core, struct request *r)
{
  Tg__LContent content = TG__LCONTENT__INIT;
  struct tg_why why = {0};
  struct slice piece;
  bool end = false;
  enum tg_err verdict, err = reading_next(core, r->reading, &piece, &end, &verdict, &why);
  if (err != TG_OK)
    return err;
  if (verdict != TG_OK)
    return request_refuse(core, r, &why);
  if (end && r->mark) {
    err = inbox_mark_read(core, &r->bulletin);
    if (err != TG_OK && err != TG_NOT_FOUND) /* one of our own */
      return err;
  }
  content.request = r->number;
  content.data = slice_data(piece);
  content.end = end;
  const struct body_key *key = reading_key(r->reading);
  if (key)
    content.key = slice_data(slice_of(key->b, sizeof key->b));
  r->over = end;
  return request_answer(core, r, LOCAL_CONTENT, &content.base);
}

/* ---- acknowledging ---- */

static enum tg_err not_here(struct node_core *core, struct request *r, const char *what)
{
  struct tg_why why;
  char id[HASH_TEXT];
  hash_print(&r->bulletin, id);
  id[16] = 0;
  why_set(&why, TG_NOT_FOUND, id, what, N_("`toguna inbox` lists what there is"), NULL, NULL, NULL);
  return request_refuse(core, r, &why);
}

enum tg_err handling_acknowledge(struct node_core *core, struct request *r, const ProtobufCMessage *message)
{
  (void)hash_read(data_slice(((const Tg__LAck *)message)->bulletin), &r->bulletin);
  enum tg_err err = inbox_acknowledge(core, &r->bulletin);
  if (err == TG_NOT_FOUND)
    return not_here(core, r, N_("there is no such bulletin in the inbox"));
  if (err == TG_OK)
    err = request_journal(core, r, "acknowledged", &r->bulletin, NULL);
  return err == TG_OK ? request_done(core, r, 1) : err;
}

/* ---- tracking ---- */

enum tg_err handling_track(struct node_core *core, struct request *r, const ProtobufCMessage *message)
{
  struct sent_row row;
  (void)hash_read(data_slice(((const Tg__LTrack *)message)->bulletin), &r->bulletin);
  enum tg_err err = outbox_row(core, &r->bulletin, core->arena, &row);
  return err == TG_NOT_FOUND ? not_here(core, r, N_("there is no such bulletin among those this node sent"))
                             : err;
}

/* Who has said nothing yet of what the hub has: is it held back? */
static enum tg_err say_held(struct node_core *core, const struct request *r, const struct track_row *row, Tg__LTrackItem *item,
                            struct tg_why *why, ProtobufCBinaryData args[3])
{
  struct sent_row sent;
  bool held = false;
  if (row->event)
    return TG_OK;
  arena_reset(core->scrap);
  enum tg_err err = outbox_row(core, &r->bulletin, core->scrap, &sent);
  if (err == TG_OK && sent.state == SENT_ACCEPTED)
    err = explain_held(core, &sent, &row->node, core->scrap, &held, why);
  if (err != TG_OK || !held)
    return err;
  for (size_t i = 0; i < 3; i++)
    args[i] = text_data(why->arg[i]);
  item->held = true;
  item->detail = text_data(why->what);
  item->n_args = 3;
  item->args = args;
  return TG_OK;
}

enum tg_err handling_track_on(struct node_core *core, struct request *r)
{
  Tg__LTrackItem item = TG__LTRACK_ITEM__INIT;
  ProtobufCBinaryData args[3];
  struct tg_why why = {0};
  struct track_row row;
  enum tg_err err = item_track(core, &r->bulletin, r->count ? &r->track : NULL, &row);
  if (err == TG_NOT_FOUND)
    return request_done(core, r, r->count);
  if (err != TG_OK)
    return err;
  r->track = row;
  r->count++;
  item.request = r->number;
  item.node = text_data(row.name);
  item.member = text_data(row.member.code);
  item.event = row.event;
  item.time = row.event ? (uint64_t)row.time : 0;
  if ((err = say_held(core, r, &row, &item, &why, args)) != TG_OK)
    return err;
  return request_answer(core, r, LOCAL_TRACK_ITEM, &item.base);
}

/* ---- documents ---- */

enum tg_err handling_document(struct node_core *core, struct request *r, const ProtobufCMessage *message)
{
  struct slice note = data_slice(((const Tg__LDocument *)message)->content);
  struct tg_why why = {0};
  enum tg_err verdict, err = errands_offer(core, r->client_id, r->number, note, &verdict, &why);
  if (err != TG_OK)
    return err;
  if (verdict != TG_OK)
    return request_refuse(core, r, &why);
  struct note parsed;
  struct hash hash = {{0}};
  if (note_parse(note, NULL, &parsed, NULL) == TG_OK)
    hash = document_hash(parsed.text);
  return request_journal(core, r, "document-offered", &hash, NULL);
}
