#include "client/node/request.h"

enum tg_err publishing_preview(struct node_core *core, struct request *r, const ProtobufCMessage *message)
{
  const Tg__LPreview *preview = (const Tg__LPreview *)message;
  struct tg_why why = {0};
  Tg__LAudience *audience;
  enum tg_err verdict, err = draft_preview(core, preview->draft, core->arena, &audience, &verdict, &why);
  if (err != TG_OK)
    return err;
  if (verdict != TG_OK)
    return request_refuse(core, r, &why);
  audience->request = r->number;
  r->over = true;
  return request_answer(core, r, LOCAL_AUDIENCE, &audience->base);
}

/* All content is there: from now on it is a bulletin, unless our policy has changed since it was begun. */
static enum tg_err finish(struct node_core *core, struct request *r)
{
  struct tg_why why = {0};
  struct draft_done done;
  Tg__LProgress progress = TG__LPROGRESS__INIT;
  enum tg_err verdict, err = draft_finish(core, &r->draft, &done, &verdict, &why);
  if (err != TG_OK)
    return err;
  if (verdict != TG_OK)
    return request_refuse(core, r, &why);
  r->bulletin = done.id;
  request_stir(core);
  progress.request = r->number;
  progress.bulletin = slice_data(hash_slice(&done.id));
  progress.number = done.number;
  progress.audience = done.audience;
  if ((err = request_journal(core, r, "published", &done.id, NULL)) != TG_OK ||
      (err = request_answer(core, r, LOCAL_PROGRESS, &progress.base)) != TG_OK)
    return err;
  return r->wait == SENT_SPOOLED ? request_done(core, r, 1) : TG_OK;
}

enum tg_err publishing_begin(struct node_core *core, struct request *r, const ProtobufCMessage *message)
{
  const Tg__LPublish *publish = (const Tg__LPublish *)message;
  struct tg_why why = {0};
  r->wait = publish->wait;
  for (size_t i = 0; i < publish->draft->n_portions; i++)
    if (__builtin_add_overflow(r->expected, publish->draft->portions[i]->size, &r->expected)) {
      why_set(&why, TG_TOO_BIG, NULL, N_("the content is longer than a bulletin may be"), NULL, NULL, NULL,
              NULL);
      return request_refuse(core, r, &why);
    }
  enum tg_err verdict, err = draft_begin(core, publish->draft, &r->draft, &verdict, &why);
  if (err != TG_OK)
    return err;
  if (verdict != TG_OK)
    return request_refuse(core, r, &why);
  return r->expected == 0 ? finish(core, r) : TG_OK;
}

enum tg_err publishing_data(struct node_core *core, struct request *r, const Tg__LData *data)
{
  struct tg_why why = {0};
  enum tg_err verdict, err = draft_put(core, r->draft, data->portion, data_slice(data->data), &verdict, &why);
  if (err != TG_OK)
    return err;
  if (verdict != TG_OK)
    return request_refuse(core, r, &why);
  r->received += data->data.len;
  return r->received == r->expected ? finish(core, r) : TG_OK;
}

enum tg_err publishing_progress(struct node_core *core, struct request *r, enum sent_state state,
                                uint64_t number, uint64_t leaf, struct slice detail)
{
  Tg__LProgress progress = TG__LPROGRESS__INIT;
  progress.request = r->number;
  progress.bulletin = slice_data(hash_slice(&r->bulletin));
  progress.state = state;
  progress.number = number;
  progress.leaf = leaf;
  progress.detail = slice_data(detail);
  enum tg_err err = request_answer(core, r, LOCAL_PROGRESS, &progress.base);
  return err == TG_OK && state >= r->wait ? request_done(core, r, 1)
                                          : err; /* refused and expired are above all of them */
}
