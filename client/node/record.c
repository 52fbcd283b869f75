#include "client/node/record.h"

#include "proto/bulletin.pb-c.h"

#include <sodium.h>
#include <string.h>

enum { RECORD_MAX = 2 << 20 };

enum tg_err record_lock(struct node_core *core, const char *label, const struct hash *id, const ProtobufCMessage *message,
                        struct buf *out)
{
  struct buf plain = buf_new(RECORD_MAX);
  size_t n = protobuf_c_message_get_packed_size(message);
  uint8_t *room = buf_grow(&plain, n);
  enum tg_err err = room ? TG_OK : TG_NO_MEMORY;
  if (err == TG_OK) {
    protobuf_c_message_pack(message, room);
    err = depot_lock(core->depot, label, hash_slice(id), buf_slice(&plain), out);
  }
  buf_free(&plain);
  return err;
}

enum tg_err record_unlock(struct node_core *core, const char *label, const struct hash *id,
                          const ProtobufCMessageDescriptor *descriptor, struct slice locked, struct arena *arena,
                          ProtobufCMessage **ret)
{
  struct slice plain;
  enum tg_err err = depot_unlock(core->depot, label, hash_slice(id), locked, arena, &plain);
  if (err != TG_OK)
    return err;
  ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, arena_allocator(arena), plain.n, plain.p);
  if (!message)
    return TG_NO_MEMORY;
  *ret = message;
  return TG_OK;
}

enum tg_err record_secret(const struct body_key *key, const struct body_head *head, struct buf *out)
{
  Tg__BodyHead m = TG__BODY_HEAD__INIT;
  m.content_type = slice_data(head->content_type);
  m.title = slice_data(head->title);
  m.filename = slice_data(head->filename);
  m.language = slice_data(head->language);
  m.size = head->size;
  m.compression = head->compression;
  buf_put(out, key->b, sizeof key->b);
  return strict_pack(&limits_body_head, &m.base, out, NULL) == TG_OK ? TG_OK : TG_NO_MEMORY;
}

enum tg_err record_content(struct node_core *core, const struct hash *bulletin, unsigned portion, struct arena *arena,
                           struct record_content *ret)
{
  struct depot_content content;
  ProtobufCMessage *message;
  enum tg_err err = depot_content(core->depot, bulletin, portion, arena, &content);
  if (err != TG_OK)
    return err;
  struct slice head = content.secret, key;
  struct record_content c = {.body = content.body};
  if (!take(&head, sizeof c.key.b, &key) || strict_unpack(&limits_body_head, head, arena, &message, NULL) != TG_OK)
    return TG_DISK; /* we wrote it */
  memcpy(c.key.b, key.p, sizeof c.key.b);
  const Tg__BodyHead *m = (const Tg__BodyHead *)message;
  c.head = (struct body_head){.content_type = data_slice(m->content_type),
                              .title = data_slice(m->title),
                              .filename = data_slice(m->filename),
                              .language = data_slice(m->language),
                              .size = m->size,
                              .compression = (enum body_compression)m->compression};
  *ret = c;
  sodium_memzero(&c, sizeof c);
  return TG_OK;
}
