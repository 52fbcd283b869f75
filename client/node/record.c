#include "client/node/record.h"

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

enum tg_err record_row(struct node_core *core, struct db_stmt *s, record_reader *read, struct arena *arena, void *ret)
{
  enum tg_err err = db_one(s);
  if (err != TG_OK)
    return err;
  err = read(core, s, arena, ret);
  db_reset(s);
  return err;
}

enum tg_err record_row_of(struct node_core *core, struct db_stmt *s, const struct hash *id, record_reader *read, struct arena *arena, void *ret)
{
  db_bind_blob(s, 1, hash_slice(id));
  return record_row(core, s, read, arena, ret);
}

enum tg_err record_row_at(struct node_core *core, struct db_stmt *s, uint64_t place, record_reader *read, struct arena *arena, void *ret)
{
  db_bind_u64(s, 1, place < INT64_MAX ? place : INT64_MAX);
  return record_row(core, s, read, arena, ret);
}

enum tg_err record_secret(const struct body_key *key, const struct body_head *head, struct buf *out)
{
  buf_put(out, key->b, sizeof key->b);
  return body_head_pack(head, out, NULL) == TG_OK ? TG_OK : TG_NO_MEMORY;
}

enum tg_err record_content(struct node_core *core, const struct hash *bulletin, unsigned portion, struct arena *arena,
                           struct record_content *ret)
{
  struct depot_content content;
  enum tg_err err = depot_content(core->depot, bulletin, portion, arena, &content);
  if (err != TG_OK)
    return err;
  struct slice head = content.secret, key;
  struct record_content c = {.body = content.body};
  if (!take(&head, sizeof c.key.b, &key) || body_head_unpack(head, arena, &c.head, NULL) != TG_OK)
    return TG_DISK; /* we wrote it */
  memcpy(c.key.b, key.p, sizeof c.key.b);
  *ret = c;
  sodium_memzero(&c, sizeof c);
  return TG_OK;
}
