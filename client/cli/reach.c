#include "client/cli/reach.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA = 64 << 20 };

enum tg_err reach_open(struct call *call, const char *socket, struct toguna **ret)
{
  struct toguna_error error;
  if (toguna_open(socket, "toguna", ret, &error) != TOGUNA_OK)
    return call_said(call, &error);
  return TG_OK;
}

/* ---- memory for one run ---- */

struct arena *reach_arena(void)
{
  struct arena *arena = arena_new(ARENA);
  if (arena)
    return arena;
  fputs("toguna: out of memory\n", stderr);
  exit(tg_exit_code(TG_NO_MEMORY));
}

void *reach_room(struct arena *arena, size_t count, size_t size)
{
  size_t n;
  void *room = __builtin_mul_overflow(count, size, &n) ? NULL : arena_alloc(arena, n ? n : 1);
  if (room)
    return room;
  fputs("toguna: out of memory\n", stderr);
  exit(tg_exit_code(TG_NO_MEMORY));
}

const char *reach_text(struct arena *arena, const char *text)
{
  size_t n = text ? strlen(text) + 1 : 0;
  return text ? memcpy(reach_room(arena, n, 1), text, n) : NULL;
}

/* ---- a bulletin, kept beyond the call that hands it out ---- */

static const char *const *copy_list(struct arena *arena, const char *const *list)
{
  size_t n = 0;
  while (list[n])
    n++;
  const char **copy = reach_room(arena, n + 1, sizeof *copy);
  for (size_t i = 0; i < n; i++)
    copy[i] = reach_text(arena, list[i]);
  return copy;
}

static const struct toguna_id *copy_ids(struct arena *arena, const struct toguna_id *ids, size_t n)
{
  return ids && n ? memcpy(reach_room(arena, n, sizeof *ids), ids, n * sizeof *ids) : NULL;
}

static const struct toguna_portion_info *copy_portion(struct arena *arena,
                                                      const struct toguna_portion_info *from)
{
  struct toguna_portion_info *p = reach_room(arena, 1, sizeof *p);
  *p = *from;
  p->label = reach_text(arena, from->label);
  p->to = copy_list(arena, from->to);
  p->except = copy_list(arena, from->except);
  p->content_type = reach_text(arena, from->content_type);
  p->title = reach_text(arena, from->title);
  p->filename = reach_text(arena, from->filename);
  p->language = reach_text(arena, from->language);
  return p;
}

static const struct toguna_item *copy_item(struct arena *arena, const struct toguna_item *from)
{
  struct toguna_item *item = reach_room(arena, 1, sizeof *item);
  size_t n = 0;
  while (from->portions[n])
    n++;
  const struct toguna_portion_info **portions = reach_room(arena, n + 1, sizeof(void *));
  for (size_t i = 0; i < n; i++)
    portions[i] = copy_portion(arena, from->portions[i]);
  *item = *from;
  item->portions = portions;
  item->originator = reach_text(arena, from->originator);
  item->member = reach_text(arena, from->member);
  item->topics = copy_list(arena, from->topics);
  item->supersedes = copy_ids(arena, from->supersedes, 1);
  item->replies_to = copy_ids(arena, from->replies_to, 1);
  item->superseded_by = copy_ids(arena, from->superseded_by, 1);
  item->sources = copy_ids(arena, from->sources, from->source_count);
  return item;
}

struct finding {
  struct arena *arena;
  const struct toguna_item *item;
};

static int keep(void *context, const struct toguna_item *item)
{
  struct finding *f = context;
  f->item = copy_item(f->arena, item);
  return 0;
}

enum tg_err reach_find(struct call *call, struct toguna *node, const char *prefix, struct arena *arena,
                       const struct toguna_item **ret)
{
  struct toguna_error error;
  struct finding f = {.arena = arena};
  if (toguna_find(node, prefix, keep, &f, &error) != TOGUNA_OK)
    return call_said(call, &error);
  *ret = f.item;
  return TG_OK;
}

bool reach_is_ours(const struct toguna *node, const struct toguna_item *item)
{
  return !strcmp(item->originator, toguna_self(node)->node);
}

/* ---- questions ---- */

enum tg_err reach_ask(struct call *call, const char *socket, const char *what, const char *const *arguments,
                      struct json_t **ret, struct tg_why *why)
{
  struct toguna *node;
  struct toguna_error error;
  char *text;
  enum tg_err err = reach_open(call, socket, &node);
  if (err != TG_OK)
    return err;
  if (toguna_query(node, what, arguments, &text, &error) != TOGUNA_OK)
    err = call_said(call, &error);
  toguna_close(node);
  if (err != TG_OK)
    return err;
  *ret = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
  free(text);
  return *ret ? TG_OK
              : why_set(why, TG_BAD_INPUT, what, N_("the node's answer is not JSON"),
                        N_("Check that toguna and toguna-node are of the same release"), NULL, NULL, NULL);
}
