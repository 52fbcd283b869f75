#include "client/node/desk_inside.h"

void desk_inbox_new(struct node_core *core)
{
  request_stir(core);
}

enum tg_err desk_progress(struct node_core *core, const struct hash *id, enum sent_state state,
                          uint64_t number, uint64_t leaf, struct slice detail)
{
  request_stir(core);
  if (state == SENT_SPOOLED || !core->desk->n_waiting) /* spooled: said when the draft was finished */
    return TG_OK;
  for (size_t i = 0; i < core->desk->n; i++)
    for (size_t j = 0; j < core->desk->client[i]->n_slots; j++) {
      struct request *r = core->desk->client[i]->request[j];
      if (!r->waiting || !hash_eq(&r->bulletin, id))
        continue;
      enum tg_err err = publishing_progress(core, r, state, number, leaf, detail);
      if (err == TG_OK)
        err = desk_settle(core, r);
      if (err != TG_OK)
        return err;
    }
  return TG_OK;
}

enum tg_err desk_draft_sent(struct node_core *core, const struct hash *draft, const struct hash *bulletin, uint64_t number)
{
  request_stir(core);
  for (size_t i = 0; i < core->desk->n; i++)
    for (size_t j = 0; j < core->desk->client[i]->n_slots; j++) {
      struct request *r = core->desk->client[i]->request[j];
      if (!r->waiting || !hash_eq(&r->bulletin, draft))
        continue;
      r->bulletin = *bulletin;
      enum tg_err err = publishing_progress(core, r, SENT_SPOOLED, number, 0, slice_of(NULL, 0));
      if (err != TG_OK)
        return err;
    }
  return TG_OK;
}

enum tg_err desk_draft_ended(struct node_core *core, const struct hash *draft, const struct tg_why *why)
{
  for (size_t i = 0; i < core->desk->n; i++)
    for (size_t j = 0; j < core->desk->client[i]->n_slots; j++) {
      struct request *r = core->desk->client[i]->request[j];
      if (!r->waiting || !hash_eq(&r->bulletin, draft))
        continue;
      enum tg_err err = request_refuse(core, r, why);
      if (err == TG_OK)
        err = desk_settle(core, r);
      if (err != TG_OK)
        return err;
    }
  return TG_OK;
}

enum tg_err desk_document_done(struct node_core *core, uint64_t client, uint64_t request,
                               const struct tg_why *refusal)
{
  struct desk_client *c = desk_find(core, client);
  struct request *r = c ? desk_find_request(c, request) : NULL;
  if (!r || r->kind->type != LOCAL_PUT_DOCUMENT)
    return TG_OK; /* cancelled meanwhile */
  enum tg_err err = refusal ? request_refuse(core, r, refusal) : request_done(core, r, 1);
  return err == TG_OK ? desk_settle(core, r) : err;
}
