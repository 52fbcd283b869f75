/* Messages kept in the store, encrypted, each bound to the row it belongs to. What opens was written by this node: it needs no
   strict decoding. */
#ifndef TOGUNA_CLIENT_NODE_RECORD_H
#define TOGUNA_CLIENT_NODE_RECORD_H

#include "client/node/core.h"
#include "proto/body.h"

/* Appends the message, locked under label and id. */
enum tg_err record_lock(struct node_core *core, const char *label, const struct hash *id, const ProtobufCMessage *message,
                        struct buf *out);
/* The message of `descriptor`'s kind, in the arena. TG_DISK when it does not open. */
enum tg_err record_unlock(struct node_core *core, const char *label, const struct hash *id,
                          const ProtobufCMessageDescriptor *descriptor, struct slice locked, struct arena *arena,
                          ProtobufCMessage **ret);

/* ---- rows that hold one */

/* What a statement that selects rows of a kind has at the present one, into *ret and the arena. */
typedef enum tg_err record_reader(struct node_core *core, struct db_stmt *s, struct arena *arena, void *ret);
/* The first row of a statement whose parameters are bound. TG_NOT_FOUND: there is none. */
enum tg_err record_row(struct node_core *core, struct db_stmt *s, record_reader *read, struct arena *arena, void *ret);
/* The same of one whose first parameter is an id, or a place. */
enum tg_err record_row_of(struct node_core *core, struct db_stmt *s, const struct hash *id, record_reader *read, struct arena *arena, void *ret);
enum tg_err record_row_at(struct node_core *core, struct db_stmt *s, uint64_t place, record_reader *read, struct arena *arena, void *ret);

/* ---- what opens a portion: depot_content.secret, in parts */

struct record_content {
  uint64_t body;
  struct body_key key; /* wipe it, and reset the arena, after use */
  struct body_head head;
};
/* Appends K and the head as depot_content_put() takes them. */
enum tg_err record_secret(const struct body_key *key, const struct body_head *head, struct buf *out);
/* TG_NOT_FOUND: never here, or erased. */
enum tg_err record_content(struct node_core *core, const struct hash *bulletin, unsigned portion, struct arena *arena,
                           struct record_content *ret);

#endif
