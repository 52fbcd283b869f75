/* Content, acknowledgements, what became of a bulletin, and questions. */
#include "client/lib/node.h"

#include <string.h>

/* ---- content ---- */

static enum tg_err read_portion(struct toguna *node, Tg__LRead *m, uint8_t *ret_key, toguna_on_data *on_data, void *context,
                                struct tg_why *why)
{
  m->request = channel_number(node->channel);
  enum tg_err err = channel_send(node->channel, LOCAL_READ, &m->base, why);
  for (bool end = false, enough = false; err == TG_OK && !end;) {
    enum local_type type;
    ProtobufCMessage *answer;
    err = channel_answer(node->channel, m->request, ANSWER(LOCAL_CONTENT), &type, &answer, why);
    if (err != TG_OK)
      break;
    const Tg__LContent *content = (const Tg__LContent *)answer;
    end = content->end;
    if (content->key.len && ret_key)
      memcpy(ret_key, content->key.data, 32); /* by its limits */
    node->in_call = true;
    enough = content->data.len && on_data(context, content->data.data, content->data.len) != 0;
    node->in_call = false;
    if (enough && !end) {
      channel_cancel(node->channel, m->request);
      end = true;
    }
  }
  return err;
}

enum toguna_err toguna_read(struct toguna *node, const struct toguna_id *id, uint32_t portion,
                            uint64_t offset, bool mark, toguna_on_data *on_data, void *context,
                            struct toguna_error *error)
{
  struct tg_why why = {0};
  Tg__LRead m = TG__LREAD__INIT;
  enum tg_err err = node_begin(node, &why);
  if (err == TG_OK) {
    m.bulletin = id_data(id);
    m.portion = portion;
    m.offset = offset;
    m.mark = mark;
    err = read_portion(node, &m, NULL, on_data, context, &why);
  }
  return error_put(error, err, &why);
}

enum toguna_err toguna_read_sealed(struct toguna *node, const struct toguna_id *draft, uint32_t portion, uint8_t ret_key[32],
                                   toguna_on_data *on_data, void *context, struct toguna_error *error)
{
  struct tg_why why = {0};
  Tg__LRead m = TG__LREAD__INIT;
  enum tg_err err = node_begin(node, &why);
  memset(ret_key, 0, 32);
  if (err == TG_OK) {
    m.bulletin = id_data(draft);
    m.portion = portion;
    m.sealed = true;
    err = read_portion(node, &m, ret_key, on_data, context, &why);
  }
  return error_put(error, err, &why);
}

static int gather(void *context, const void *data, size_t n)
{
  struct buf *all = context;
  buf_put(all, data, n);
  return buf_status(all) != TG_OK;
}

enum toguna_err toguna_read_all(struct toguna *node, const struct toguna_id *id, uint32_t portion, bool mark,
                                size_t max, char **ret_data, size_t *ret_size, struct toguna_error *error)
{
  struct tg_why why = {0};
  struct buf all = buf_new(max < SIZE_MAX ? max : SIZE_MAX - 1);
  enum toguna_err result = toguna_read(node, id, portion, 0, mark, gather, &all, error);
  if (result == TOGUNA_OK && all.failed)
    result = error_put(error,
                       why_set(&why, TG_TOO_BIG, NULL, N_("the content is longer than the caller takes"),
                               NULL, NULL, NULL, NULL),
                       &why);
  char *data = result == TOGUNA_OK ? slice_dup(buf_slice(&all)) : NULL;
  if (result == TOGUNA_OK && !data)
    result = error_put(error, no_memory(&why), &why);
  if (result == TOGUNA_OK) {
    *ret_data = data;
    *ret_size = all.n;
  }
  buf_free(&all);
  return result;
}

/* ---- one request, one LDone ---- */

static enum tg_err done(struct toguna *node, enum local_type type, const ProtobufCMessage *request,
                        struct tg_why *why)
{
  ProtobufCMessage *answer;
  enum local_type answered;
  enum tg_err err = channel_send(node->channel, type, request, why);
  return err == TG_OK ? channel_answer(node->channel, local_request(request), ANSWER(LOCAL_DONE), &answered,
                                       &answer, why)
                      : err;
}

enum toguna_err toguna_ack(struct toguna *node, const struct toguna_id *id, struct toguna_error *error)
{
  struct tg_why why = {0};
  Tg__LAck m = TG__LACK__INIT;
  enum tg_err err = node_begin(node, &why);
  if (err == TG_OK) {
    m.request = channel_number(node->channel);
    m.bulletin = id_data(id);
    err = done(node, LOCAL_ACK, &m.base, &why);
  }
  return error_put(error, err, &why);
}

enum toguna_err toguna_document(struct toguna *node, const void *note, size_t size,
                                struct toguna_error *error)
{
  struct tg_why why = {0};
  Tg__LDocument m = TG__LDOCUMENT__INIT;
  enum tg_err err = node_begin(node, &why);
  if (err == TG_OK && size > LOCAL_DOCUMENT)
    err = why_set(&why, TG_TOO_BIG, NULL, N_("a document has 256 KiB at most"), NULL, NULL, NULL, NULL);
  if (err == TG_OK) {
    m.request = channel_number(node->channel);
    m.content = strict_data_of(note, size);
    err = done(node, LOCAL_PUT_DOCUMENT, &m.base, &why);
  }
  return error_put(error, err, &why);
}

/* ---- what became of it ---- */

static enum tg_err show_track(struct toguna *node, const Tg__LTrackItem *m, toguna_on_track *on_track,
                              void *context, bool *ret_enough, struct tg_why *why)
{
  struct copier c = {.arena = channel_arena(node->channel)};
  struct toguna_track track = {
      .node = copier_text(&c, m->node),
      .member = copier_text(&c, m->member),
      .event = (enum toguna_event)m->event,
      .time = (int64_t)m->time,
      .detail = m->detail.len ? copier_sentence(&c, m->detail, m->n_args, m->args) : "",
      .held = m->held,
  };
  if (c.failed)
    return no_memory(why);
  node->in_call = true;
  *ret_enough = on_track(context, &track) != 0;
  node->in_call = false;
  return TG_OK;
}

static enum tg_err track(struct toguna *node, const struct toguna_id *id, toguna_on_track *on_track,
                         void *context, struct tg_why *why)
{
  Tg__LTrack m = TG__LTRACK__INIT;
  m.request = channel_number(node->channel);
  m.bulletin = id_data(id);
  bool enough = false;
  enum tg_err err = channel_send(node->channel, LOCAL_TRACK, &m.base, why);
  while (err == TG_OK && !enough) {
    enum local_type type;
    ProtobufCMessage *answer;
    err = channel_answer(node->channel, m.request, ANSWER(LOCAL_TRACK_ITEM) | ANSWER(LOCAL_DONE), &type,
                         &answer, why);
    if (err == TG_OK && type == LOCAL_DONE)
      return TG_OK;
    if (err == TG_OK)
      err = show_track(node, (const Tg__LTrackItem *)answer, on_track, context, &enough, why);
  }
  channel_cancel(node->channel, m.request);
  return err;
}

enum toguna_err toguna_track(struct toguna *node, const struct toguna_id *id, toguna_on_track *on_track,
                             void *context, struct toguna_error *error)
{
  struct tg_why why = {0};
  enum tg_err err = node_begin(node, &why);
  if (err == TG_OK)
    err = track(node, id, on_track, context, &why);
  return error_put(error, err, &why);
}

/* ---- questions ---- */

enum { JSON_MAX = 64 << 20 };

static enum tg_err ask(struct toguna *node, const char *what, const char *const *arguments, struct buf *json,
                       struct tg_why *why)
{
  Tg__LQuery m = TG__LQUERY__INIT;
  struct arena *arena = arena_new(64 * 1024);
  if (!arena)
    return no_memory(why);
  struct copier c = {.arena = arena};
  size_t n = 0;
  while (arguments && arguments[n])
    n++;
  m.request = channel_number(node->channel);
  m.what = text_data(what);
  m.args = copier_room(&c, n, sizeof *m.args);
  for (size_t i = 0; m.args && i < n; i++)
    m.args[m.n_args++] = text_data(arguments[i]);
  enum tg_err err = c.failed ? no_memory(why) : channel_send(node->channel, LOCAL_QUERY, &m.base, why);
  for (bool end = false; err == TG_OK && !end;) {
    enum local_type type;
    ProtobufCMessage *answer;
    err = channel_answer(node->channel, m.request, ANSWER(LOCAL_JSON), &type, &answer, why);
    if (err != TG_OK)
      break;
    end = ((const Tg__LJson *)answer)->end;
    buf_put_slice(json, strict_slice(((const Tg__LJson *)answer)->json));
    err = buf_status(json);
    if (err != TG_OK) {
      channel_cancel(node->channel, m.request);
      err = why_set(why, TG_TOO_BIG, what, N_("the answer is longer than 64 MiB"), NULL, NULL, NULL, NULL);
    }
  }
  arena_free(arena);
  return err;
}

enum toguna_err toguna_query(struct toguna *node, const char *what, const char *const *arguments,
                             char **ret_json, struct toguna_error *error)
{
  struct tg_why why = {0};
  struct buf json = buf_new(JSON_MAX);
  enum tg_err err = node_begin(node, &why);
  if (err == TG_OK)
    err = ask(node, what, arguments, &json, &why);
  char *text = err == TG_OK ? slice_dup(buf_slice(&json)) : NULL;
  if (err == TG_OK && !text)
    err = no_memory(&why);
  if (text)
    *ret_json = text;
  buf_free(&json);
  return error_put(error, err, &why);
}
