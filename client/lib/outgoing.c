#include "client/lib/outgoing.h"

/* The caller's read function may run in here. */
static enum tg_err read_piece(struct toguna *node, struct source *s, size_t portion, uint8_t *buffer, size_t max,
                              size_t *ret_n, struct tg_why *why)
{
  char where[DRAFT_WHERE];
  bool before = node->in_call;
  draft_where(portion, where);
  node->in_call = true;
  enum tg_err err = source_read(s, buffer, max, where, ret_n, why);
  node->in_call = before;
  return err;
}

/* Content that is longer than goes with the wish. */
static enum tg_err queue_portion(struct toguna *node, uint64_t request, struct source *s, size_t portion, uint8_t *room,
                                 outgoing_pause *pause, void *context, struct tg_why *why)
{
  for (;;) {
    Tg__LData m = TG__LDATA__INIT;
    size_t n;
    enum tg_err err = read_piece(node, s, portion, room, LOCAL_DATA, &n, why);
    if (err != TG_OK || n == 0)
      return err;
    m.request = request;
    m.portion = (uint32_t)portion;
    m.data = strict_data_of(room, n);
    if (pause)
      err = pause(context, why);
    if (err == TG_OK)
      err = channel_queue(node->channel, LOCAL_PUBLISH_DATA, &m.base, why);
    if (err != TG_OK)
      return err;
  }
}

static enum tg_err queue_pieces(struct toguna *node, Tg__LPublish *m, struct draft *d, uint8_t *room,
                                outgoing_pause *pause, void *context, struct tg_why *why)
{
  enum tg_err err = channel_queue(node->channel, LOCAL_PUBLISH, &m->base, why);
  for (size_t i = 0; err == TG_OK && i < d->n_sources; i++)
    err = queue_portion(node, m->request, &d->sources[i], i, room, pause, context, why);
  if (err != TG_OK)
    channel_cancel(node->channel, m->request);
  return err;
}

static enum tg_err queue_whole(struct toguna *node, Tg__LPublish *m, struct draft *d, uint8_t *room, struct tg_why *why)
{
  ProtobufCBinaryData contents[LIMIT_PORTIONS];
  for (size_t i = 0; i < d->n_sources; i++) {
    size_t have = 0, n = 1;
    while (n && have < d->sources[i].size) {
      enum tg_err err = read_piece(node, &d->sources[i], i, room + have, (size_t)d->sources[i].size - have, &n, why);
      if (err != TG_OK)
        return err;
      have += n;
    }
    contents[i] = strict_data_of(room, have);
    room += have;
  }
  m->contents = contents;
  m->n_contents = d->n_sources;
  return channel_queue(node->channel, LOCAL_PUBLISH, &m->base, why);
}

enum tg_err outgoing_queue(struct toguna *node, uint64_t request, enum toguna_wait wait, struct draft *d,
                           outgoing_pause *pause, void *context, struct tg_why *why)
{
  Tg__LPublish m = TG__LPUBLISH__INIT;
  uint64_t size = 0;
  bool whole = true;
  m.request = request;
  m.draft = &d->message;
  m.wait = (uint32_t)wait;
  m.brief = 1;
  for (size_t i = 0; i < d->n_sources; i++)
    whole = whole && !__builtin_add_overflow(size, d->sources[i].size, &size) && size <= LOCAL_DATA;
  struct buf room = buf_new(LOCAL_DATA); /* wiped when freed: it held content */
  uint8_t *bytes = buf_grow(&room, whole && size ? (size_t)size : LOCAL_DATA);
  enum tg_err err = bytes ? TG_OK : no_memory(why);
  if (err == TG_OK)
    err = whole ? queue_whole(node, &m, d, bytes, why) : queue_pieces(node, &m, d, bytes, pause, context, why);
  buf_free(&room);
  return err;
}
