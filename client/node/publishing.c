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

/* It is a bulletin from now on, and spooled once this turn is on the disk. */
static enum tg_err published(struct node_core *core, struct request *r, const struct draft_done *done)
{
  Tg__LProgress progress = TG__LPROGRESS__INIT;
  r->bulletin = done->id;
  request_stir(core);
  progress.request = r->number;
  progress.bulletin = slice_data(hash_slice(&done->id));
  progress.number = done->number;
  progress.audience = done->audience;
  enum tg_err err = request_journal(core, r, "published", &done->id, NULL);
  if (err == TG_OK)
    err = request_answer(core, r, LOCAL_PROGRESS, &progress.base);
  if (err == TG_OK && r->wait == SENT_SPOOLED)
    return request_done(core, r, 1);
  if (err == TG_OK)
    request_wait(core, r);
  return err;
}

/* All content is there. Our policy may have changed since it was begun. */
static enum tg_err finish(struct node_core *core, struct request *r)
{
  struct tg_why why = {0};
  struct draft_done done;
  enum tg_err verdict, err = draft_finish(core, &r->draft, &done, &verdict, &why);
  if (err != TG_OK)
    return err;
  if (r->brief)
    done.audience = NULL;
  return verdict == TG_OK ? published(core, r, &done) : request_refuse(core, r, &why);
}

/* The content came with the wish. */
static enum tg_err publish_now(struct node_core *core, struct request *r, const Tg__LPublish *publish)
{
  const Tg__LDraft *wish = publish->draft;
  struct tg_why why = {0};
  struct draft_done done;
  struct slice contents[LIMIT_PORTIONS];
  bool fits = publish->n_contents == wish->n_portions;
  for (size_t i = 0; fits && i < wish->n_portions; i++) {
    contents[i] = data_slice(publish->contents[i]);
    fits = contents[i].n == wish->portions[i]->size;
  }
  if (!fits) {
    why_set(&why, TG_BAD_INPUT, "content", N_("content comes for another portion, or is more than was announced"), NULL, NULL,
            NULL, NULL);
    return request_refuse(core, r, &why);
  }
  enum tg_err verdict, err = draft_publish(core, wish, contents, !r->brief, &done, &verdict, &why);
  if (err != TG_OK)
    return err;
  return verdict == TG_OK ? published(core, r, &done) : request_refuse(core, r, &why);
}

enum tg_err publishing_begin(struct node_core *core, struct request *r, const ProtobufCMessage *message)
{
  const Tg__LPublish *publish = (const Tg__LPublish *)message;
  struct tg_why why = {0};
  r->wait = publish->wait;
  r->brief = publish->brief;
  if (publish->n_contents)
    return publish_now(core, r, publish);
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
