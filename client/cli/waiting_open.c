/* The content of what waits, opened by who approves it: chunk by chunk, under the root and the key that are signed. */
#include "client/cli/waiting.h"

#include <sodium.h>
#include <string.h>

/* What comes from the node is cut into chunks and opened; what is opened is hashed and handed on. */
struct opening {
  const struct waiting_portion *portion;
  uint32_t index;
  struct arena *arena;
  struct body_key *key; /* in locked memory */
  struct body_opener *opener;
  struct toguna_portion_info head;
  crypto_hash_sha256_state hash;
  uint8_t *chunk; /* BODY_SEALED bytes */
  size_t n;
  uint64_t next; /* its number */
  toguna_on_data *on_data;
  void *context;
  enum tg_err err;
};

static const char *text_of(struct arena *arena, struct slice s)
{
  char *copy = reach_room(arena, s.n + 1, 1);
  if (s.n)
    memcpy(copy, s.p, s.n);
  return s.n ? copy : NULL;
}

static enum tg_err take_head(void *context, const struct body_head *head)
{
  struct opening *o = context;
  o->head.content_type = text_of(o->arena, head->content_type);
  o->head.title = text_of(o->arena, head->title);
  o->head.filename = text_of(o->arena, head->filename);
  o->head.language = text_of(o->arena, head->language);
  o->head.size = head->size;
  return TG_OK;
}

static enum tg_err take_content(void *context, struct slice bytes)
{
  struct opening *o = context;
  crypto_hash_sha256_update(&o->hash, bytes.p, bytes.n);
  return o->on_data && bytes.n && o->on_data(o->context, bytes.p, bytes.n) ? TG_BUSY : TG_OK;
}

static enum tg_err begin(struct opening *o)
{
  const struct body_reader reader = {.head = take_head, .content = take_content, .context = o};
  return body_opener_new(o->index, &o->portion->seal, o->key, BODY_MAX, &reader, &o->opener, NULL);
}

static int take_sealed(void *context, const void *data, size_t n)
{
  struct opening *o = context;
  const uint8_t *from = data;
  if (!o->opener)
    o->err = begin(o);
  while (n && !o->err) {
    const size_t whole = body_chunk_size(o->portion->seal.size, o->next), room = whole - o->n, some = n < room ? n : room;
    if (!whole) {
      o->err = TG_BAD_PROOF; /* more than was signed */
      break;
    }
    memcpy(o->chunk + o->n, from, some);
    from += some;
    n -= some;
    o->n += some;
    if (o->n < whole)
      break;
    o->err = body_opener_put(o->opener, slice_of(o->chunk, whole), NULL);
    o->next++;
    o->n = 0;
  }
  return o->err != TG_OK;
}

static enum tg_err run(struct call *call, struct toguna *node, const struct waiting_draft *d, struct opening *o, bool *ret_said)
{
  struct toguna_error error;
  enum toguna_err asked = toguna_read_sealed(node, &d->item->id, o->index, o->key->b, take_sealed, o, &error);
  if (o->err)
    return o->err;
  if (asked != TOGUNA_OK) {
    *ret_said = true;
    return call_said(call, &error);
  }
  return o->opener ? body_opener_finish(o->opener, NULL) : TG_BAD_PROOF;
}

enum tg_err waiting_open(struct call *call, struct toguna *node, const struct waiting_draft *d, size_t portion, struct arena *arena,
                         toguna_on_data *on_data, void *context, struct tg_why *why)
{
  struct waiting_portion *p = &d->portion[portion];
  struct opening o = {.portion = p, .index = (uint32_t)portion, .arena = arena, .head = *p->info, .on_data = on_data, .context = context};
  char id[65];
  bool said = false;
  o.key = sodium_malloc(sizeof *o.key);
  o.chunk = sodium_malloc(BODY_SEALED);
  crypto_hash_sha256_init(&o.hash);
  enum tg_err err = o.key && o.chunk ? run(call, node, d, &o, &said) : TG_NO_MEMORY;
  body_opener_free(o.opener);
  sodium_free(o.key);
  sodium_free(o.chunk);
  if (err == TG_OK) {
    *p->info = o.head;
    p->opened = true;
    crypto_hash_sha256_final(&o.hash, p->digest);
  } else if (!said && err != TG_NO_MEMORY) {
    toguna_id_print(&d->item->id, id);
    err = why_set(why, TG_BAD_PROOF, id, N_("the node shows something else than what would be signed"),
                  N_("Approve nothing there, and have the node looked at"), NULL, NULL, NULL);
  }
  return err;
}
