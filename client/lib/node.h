/* A connection as the library's functions share it, and the conversion of what came into what is handed out.
 */
#ifndef TOGUNA_CLIENT_LIB_NODE_H
#define TOGUNA_CLIENT_LIB_NODE_H

#include "client/lib/channel.h"
#include "client/lib/error.h"

/* Invariant: in_call is set while a function of the caller's may run, and then no request begins. */
struct submissions;
struct toguna {
  struct channel *channel;
  struct arena *arena; /* of self */
  struct toguna_self self;
  char *path, *program; /* program may be NULL */
  int silence;
  bool in_call;
  struct submissions *submissions; /* submit.c; NULL before the first */
  char detail[1024]; /* of the last progress */
};

/* Connects and greets. *ret is set also on failure, to be closed once *why, which may point into it, has been
 * used. */
enum tg_err node_open(const char *path, const char *program, struct toguna **ret, struct tg_why *why);
/* Every public function but those of submit.c begins with this: the connection exists, no callback of it is running and nothing
 * that was submitted is under way. */
enum tg_err node_begin(const struct toguna *node, struct tg_why *why);

/* Copies received things into an arena. After a shortage of memory `failed` is set and "" or NULL returned;
 * check once. */
struct copier {
  struct arena *arena;
  bool failed;
};
void *copier_room(struct copier *c, size_t count, size_t size); /* zeroed; NULL for none */
const char *copier_text(struct copier *c, ProtobufCBinaryData data);
const char *copier_optional(struct copier *c, ProtobufCBinaryData data); /* NULL when empty */
const char *const *copier_list(struct copier *c, size_t n, const ProtobufCBinaryData *data);
const struct toguna_id *copier_id(struct copier *c, ProtobufCBinaryData data); /* NULL when absent */
/* A sentence of the node with its arguments, translated. */
const char *copier_sentence(struct copier *c, ProtobufCBinaryData msgid, size_t n_args,
                            const ProtobufCBinaryData *args);

static inline struct toguna_id id_of(ProtobufCBinaryData data)
{
  struct toguna_id id = {{0}};
  for (size_t i = 0; i < sizeof id.b && i < data.len; i++)
    id.b[i] = data.data[i];
  return id;
}
static inline ProtobufCBinaryData id_data(const struct toguna_id *id)
{
  return strict_data_of(id->b, sizeof id->b);
}
/* A text of the caller's, borrowed; NULL is none. */
ProtobufCBinaryData text_data(const char *s);

enum tg_err no_memory(struct tg_why *why);

/* ---- submit.c */
size_t submissions_count(const struct submissions *s); /* NULL: 0 */
void submissions_free(struct submissions *s);

#endif
