#include "client/cli/answer.h"

#include "client/cli/bulletin.h"

enum tg_err answer_find(struct call *call, struct arena *arena, struct toguna **ret_node,
                        const struct toguna_item **ret)
{
  const struct wish_options *o = call->options;
  *ret_node = NULL;
  enum tg_err err = reach_open(call, o->socket, ret_node);
  return err == TG_OK ? reach_find(call, *ret_node, call->arg[0], arena, ret) : err;
}

struct wish_like answer_like(enum toguna_kind kind, const struct toguna_item *item)
{
  return (struct wish_like){
      .kind = kind, .precedence = item->precedence, .flags = item->flags, .topics = item->topics};
}

void answer_to_originator(struct wish_like *like, const struct toguna_item *item, struct arena *arena)
{
  struct toguna_portion_info *p = reach_room(arena, 1, sizeof *p);
  const char **to = reach_room(arena, 2, sizeof *to), **except = reach_room(arena, 1, sizeof *except);
  to[0] = item->member;
  *p = (struct toguna_portion_info){.to = to, .except = except};
  for (size_t i = 0; item->portions[i]; i++) {
    p->level = item->portions[i]->level > p->level ? item->portions[i]->level : p->level;
    p->tlp = item->portions[i]->tlp > p->tlp ? item->portions[i]->tlp : p->tlp;
  }
  for (size_t i = 0; i < WISH_PORTIONS; i++)
    like->portion[i] = p;
}

void answer_to_readers(struct wish_like *like, const struct toguna_item *item, bool texts)
{
  for (size_t i = 0; i < WISH_PORTIONS && item->portions[i]; i++)
    like->portion[i] = item->portions[i];
  like->texts = texts;
}

enum tg_err answer_must_be_ours(const struct toguna *node, const struct toguna_item *item, struct tg_why *why)
{
  char id[BULLETIN_SHORT];
  if (reach_is_ours(node, item))
    return TG_OK;
  return why_set(why, TG_REFUSED, bulletin_short(&item->id, id),
                 N_("this bulletin is of %1$s: only its originator may do that"),
                 N_("Write to it with toguna reply"), item->originator, NULL, NULL);
}

enum tg_err answer_send(struct call *call, struct toguna *node, const struct wish_like *like,
                        const char *text, struct tg_why *why)
{
  struct wish w;
  enum tg_err err = wish_read(call, like, call->arg + 1, call->n - 1, text, &w, why);
  if (err == TG_OK)
    err = send_wish(call, node, &w, why);
  wish_free(&w);
  return err;
}
