/* Bundles: written by this node for others', and read here. */
#include "client/lib/node.h"

enum { PIECE = LOCAL_DATA };

/* ---- export ---- */

static enum tg_err take_piece(struct toguna *node, const Tg__LContent *m, toguna_on_data *on_data, void *context, struct tg_why *why)
{
  node->in_call = true;
  const int stop = m->data.len ? on_data(context, m->data.data, m->data.len) : 0;
  node->in_call = false;
  return stop ? why_set(why, TG_REFUSED, NULL, N_("the bundle was not taken to its end"), NULL, NULL, NULL, NULL) : TG_OK;
}

static enum tg_err export(struct toguna *node, const Tg__LExport *m, toguna_on_data *on_data, void *context, struct tg_why *why)
{
  enum tg_err err = channel_send(node->channel, LOCAL_EXPORT, &m->base, why);
  for (bool end = false; err == TG_OK && !end;) {
    enum local_type type;
    ProtobufCMessage *answer;
    err = channel_answer(node->channel, m->request, ANSWER(LOCAL_CONTENT), &type, &answer, why);
    if (err != TG_OK)
      break;
    end = ((const Tg__LContent *)answer)->end;
    err = take_piece(node, (const Tg__LContent *)answer, on_data, context, why);
  }
  if (err != TG_OK)
    channel_cancel(node->channel, m->request);
  return err;
}

enum toguna_err toguna_export(struct toguna *node, const char *to, const struct toguna_id *ids, size_t count, bool bare,
                              toguna_on_data *on_data, void *context, struct toguna_error *error)
{
  struct tg_why why = {0};
  Tg__LExport m = TG__LEXPORT__INIT;
  ProtobufCBinaryData list[LOCAL_EXPORTS];
  enum tg_err err = node_begin(node, &why);
  if (err == TG_OK && count > LOCAL_EXPORTS)
    err = why_set(&why, TG_TOO_BIG, NULL, N_("a bundle is asked for by at most 256 ids"), N_("Export them in several"), NULL, NULL, NULL);
  if (err == TG_OK) {
    for (size_t i = 0; i < count; i++)
      list[i] = id_data(&ids[i]);
    m.request = channel_number(node->channel);
    m.to = text_data(to);
    m.bulletins = list;
    m.n_bulletins = count;
    m.bare = bare;
    err = export(node, &m, on_data, context, &why);
  }
  return error_put(error, err, &why);
}

/* ---- import ---- */

struct import {
  struct toguna *node;
  uint64_t request;
  const struct toguna_import *with;
  bool over;
};

static enum tg_err tell(const struct import *i, const Tg__LImported *m, struct tg_why *why)
{
  struct copier c = {.arena = channel_arena(i->node->channel)};
  const struct toguna_imported imported = {
      .id = id_of(m->bulletin),
      .outcome = (enum toguna_import_outcome)m->outcome,
      .node = copier_text(&c, m->node),
      .event = (enum toguna_event)m->event,
      .why = m->what.len ? copier_sentence(&c, m->what, m->n_args, m->args) : "",
  };
  if (c.failed)
    return no_memory(why);
  i->node->in_call = true;
  if (i->with->on_imported)
    i->with->on_imported(i->with->context, &imported);
  i->node->in_call = false;
  return TG_OK;
}

/* One answer, if one comes in this time. */
static enum tg_err hear(struct import *i, int timeout_ms, struct tg_why *why)
{
  const uint32_t answers = ANSWER(LOCAL_IMPORTED) | ANSWER(LOCAL_CONTENT) | ANSWER(LOCAL_DONE);
  enum local_type type;
  ProtobufCMessage *answer;
  enum tg_err err = channel_poll(i->node->channel, i->request, answers, timeout_ms, &type, &answer, why);
  if (err != TG_OK || !answer)
    return err;
  if (type == LOCAL_IMPORTED)
    return tell(i, (const Tg__LImported *)answer, why);
  i->over = type == LOCAL_DONE;
  return i->over || !i->with->on_receipts
             ? TG_OK
             : take_piece(i->node, (const Tg__LContent *)answer, i->with->on_receipts, i->with->context, why);
}

static enum tg_err send(struct import *i, const uint8_t *bytes, size_t n, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  while (err == TG_OK && n) {
    Tg__LData data = TG__LDATA__INIT;
    const size_t piece = n < PIECE ? n : PIECE;
    data.request = i->request;
    data.data = strict_data_of(bytes, piece);
    err = channel_send(i->node->channel, LOCAL_PUBLISH_DATA, &data.base, why);
    if (err == TG_OK)
      err = hear(i, 0, why); /* perhaps it will not have the rest */
    bytes += piece;
    n -= piece;
  }
  return err;
}

static enum tg_err send_all(struct import *i, struct tg_why *why)
{
  uint8_t piece[PIECE];
  enum tg_err err = TG_OK;
  for (uint64_t left = i->with->size; err == TG_OK && left;) {
    const size_t n = left < sizeof piece ? (size_t)left : sizeof piece;
    i->node->in_call = true;
    const bool read = i->with->read(i->with->context, piece, n) == 0;
    i->node->in_call = false;
    if (!read)
      return why_set(why, TG_DISK, NULL, N_("the bundle could not be read to its end"), NULL, NULL, NULL, NULL);
    err = send(i, piece, n, why);
    left -= n;
  }
  return err;
}

enum toguna_err toguna_import(struct toguna *node, const struct toguna_import *with, struct toguna_error *error)
{
  struct tg_why why = {0};
  Tg__LImport m = TG__LIMPORT__INIT;
  struct import i = {.node = node, .with = with};
  enum tg_err err = node_begin(node, &why);
  if (err == TG_OK && with->size == 0)
    err = why_set(&why, TG_BAD_INPUT, "bundle", N_("the bundle is empty"), N_("Have it written again"), NULL, NULL, NULL);
  if (err == TG_OK) {
    i.request = m.request = channel_number(node->channel);
    m.size = with->size;
    err = channel_send(node->channel, LOCAL_IMPORT, &m.base, &why);
    if (err == TG_OK)
      err = send_all(&i, &why);
    while (err == TG_OK && !i.over)
      err = hear(&i, CHANNEL_FOREVER, &why);
    if (err != TG_OK)
      channel_cancel(node->channel, i.request);
  }
  return error_put(error, err, &why);
}
