/* Programs' requests about bundles: writing one for a member's nodes, and reading one that somebody carried here. */
#include "client/node/request.h"

#include "client/node/bundle_in.h"
#include "client/node/bundle_out.h"

#include <stdio.h>

/* ---- export ---- */

enum tg_err bundling_export(struct node_core *core, struct request *r, const ProtobufCMessage *message)
{
  const Tg__LExport *m = (const Tg__LExport *)message;
  struct hash *ids = arena_alloc(core->arena, (m->n_bulletins ? m->n_bulletins : 1) * sizeof *ids);
  struct tg_why why = {0};
  enum tg_err verdict = TG_OK;
  if (!ids)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < m->n_bulletins; i++)
    (void)hash_read(data_slice(m->bulletins[i]), &ids[i]); /* 32 bytes by its limits */
  enum tg_err err = bundle_out_new(core, data_slice(m->to), ids, m->n_bulletins, m->bare, &r->bundle_out, &verdict, &why);
  if (err != TG_OK)
    return err;
  if (verdict != TG_OK)
    return request_refuse(core, r, &why);
  char to[LOCAL_NAME + 1];
  snprintf(to, sizeof to, "%.*s", (int)m->to.len, (const char *)m->to.data);
  for (size_t i = 0; err == TG_OK && i < bundle_out_count(r->bundle_out); i++)
    err = request_journal(core, r, "exported", bundle_out_id(r->bundle_out, i), to);
  return err;
}

enum tg_err bundling_export_on(struct node_core *core, struct request *r)
{
  Tg__LContent content = TG__LCONTENT__INIT;
  struct tg_why why = {0};
  struct slice piece;
  bool end = false;
  enum tg_err verdict, err = bundle_out_next(core, r->bundle_out, &piece, &end, &verdict, &why);
  if (err != TG_OK)
    return err;
  if (verdict != TG_OK)
    return request_refuse(core, r, &why);
  content.request = r->number;
  content.data = slice_data(piece);
  content.end = end;
  r->over = end;
  return request_answer(core, r, LOCAL_CONTENT, &content.base);
}

/* ---- import ---- */

enum tg_err bundling_import(struct node_core *core, struct request *r, const ProtobufCMessage *message)
{
  struct tg_why why = {0};
  enum tg_err verdict, err = bundle_in_new(core, ((const Tg__LImport *)message)->size, &r->bundle_in, &verdict, &why);
  if (err != TG_OK)
    return err;
  return verdict == TG_OK ? TG_OK : request_refuse(core, r, &why);
}

enum tg_err bundling_data(struct node_core *core, struct request *r, const Tg__LData *data)
{
  struct tg_why why = {0};
  enum tg_err verdict, err = bundle_in_put(core, r->bundle_in, data_slice(data->data), &verdict, &why);
  if (err != TG_OK || verdict == TG_OK)
    return err;
  err = core_tell(core, NODE_ERROR, "bundle-refused", NULL, NULL, 0, &why);
  return err == TG_OK ? request_refuse(core, r, &why) : err;
}

static enum tg_err say_result(struct node_core *core, struct request *r, const struct bundle_result *result)
{
  static const char *const actions[] = {"", "imported", "import-known", "import-declined", "import-receipt"};
  Tg__LImported m = TG__LIMPORTED__INIT;
  ProtobufCBinaryData args[3];
  char name[HOLDER_MAX + 1];
  m.request = r->number;
  m.bulletin = slice_data(hash_slice(&result->id));
  m.outcome = result->outcome;
  if (result->outcome == BUNDLE_RECEIPT) {
    core_name_of(core, &result->node, name);
    m.node = text_data(name);
    m.event = result->event;
  }
  if (result->outcome == BUNDLE_DECLINED && result->why.what) {
    for (size_t i = 0; i < 3; i++)
      args[i] = text_data(result->why.arg[i]);
    m.what = text_data(result->why.what);
    m.args = args;
    m.n_args = 3;
  }
  r->taken += result->outcome == BUNDLE_TAKEN;
  enum tg_err err = request_journal(core, r, actions[result->outcome], &result->id, NULL);
  return err == TG_OK ? request_answer(core, r, LOCAL_IMPORTED, &m.base) : err;
}

/* A piece of the receipts; after the last of them the request is over. */
static enum tg_err say_receipts(struct node_core *core, struct request *r)
{
  Tg__LContent content = TG__LCONTENT__INIT;
  const size_t left = r->json.n - r->json_at, n = left < LOCAL_DATA ? left : LOCAL_DATA;
  enum tg_err err = TG_OK;
  content.request = r->number;
  if (n) {
    content.data = slice_data(slice_of(r->json.p + r->json_at, n));
    content.end = n == left;
    r->json_at += n;
    err = request_answer(core, r, LOCAL_CONTENT, &content.base);
  }
  return err == TG_OK && n == left ? request_done(core, r, r->taken) : err;
}

enum tg_err bundling_import_on(struct node_core *core, struct request *r)
{
  struct bundle_result result;
  bool any = false;
  if (!bundle_in_is_done(core, r->bundle_in)) {
    r->idle = true; /* until the next turn */
    return TG_OK;
  }
  if (r->json.max)
    return say_receipts(core, r);
  enum tg_err err = bundle_in_result(core, r->bundle_in, r->count++, &result, &any);
  if (err != TG_OK || any)
    return err == TG_OK ? say_result(core, r, &result) : err;
  r->json = buf_new(LIMIT_FRAME);
  return bundle_in_receipts(core, r->bundle_in, &r->json);
}
