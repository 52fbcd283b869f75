#include "broker/party.h"

#include <stdlib.h>
#include <string.h>

enum tg_err parties_init(struct parties *all)
{
  *all = (struct parties){0};
  return table_init(&all->table);
}

void parties_done(struct parties *all)
{
  for (struct party *p = all->first, *next; p; p = next) {
    next = p->next;
    free(p);
  }
  table_done(&all->table);
  free(all->numbered);
  *all = (struct parties){0};
}

struct party *party_find(const struct parties *all, const struct sign_pk *identity)
{
  return table_find(&all->table, identity->b);
}

static enum tg_err number(struct parties *all, struct party *p)
{
  if (p->no >= all->room) {
    size_t room = all->room ? all->room : 64;
    while (room <= p->no)
      room *= 2;
    struct party **list = realloc(all->numbered, room * sizeof *list);
    if (!list)
      return TG_NO_MEMORY;
    memset(list + all->room, 0, (room - all->room) * sizeof *list);
    all->numbered = list;
    all->room = room;
  }
  all->numbered[p->no] = p;
  return TG_OK;
}

enum tg_err party_of(struct parties *all, struct store *store, const struct sign_pk *identity,
                     struct party **ret)
{
  struct party *p = party_find(all, identity);
  if (p) {
    *ret = p;
    return TG_OK;
  }
  p = calloc(1, sizeof *p);
  enum tg_err err = p ? store_node(store, identity, &p->no) : TG_NO_MEMORY;
  if (!err)
    err = number(all, p);
  if (err) {
    free(p);
    return err;
  }
  p->identity = *identity;
  p->next = all->first;
  all->first = p;
  table_put(&all->table, &p->entry, identity->b, p);
  *ret = p;
  return TG_OK;
}

enum tg_err party_numbered(struct parties *all, struct store *store, nodeno no, struct party **ret)
{
  struct sign_pk identity;
  if (no < all->room && all->numbered[no]) {
    *ret = all->numbered[no];
    return TG_OK;
  }
  enum tg_err err = store_node_key(store, no, &identity);
  return err ? err : party_of(all, store, &identity, ret);
}

bool party_is_struck(const struct party *p, unsigned limit, int64_t window, int64_t mono)
{
  return p->strikes >= limit && mono - p->struck <= window;
}

bool party_strike(struct party *p, unsigned limit, int64_t window, int64_t mono)
{
  if (!p->strikes || mono - p->struck > window) {
    p->strikes = 0;
    p->struck = mono;
  }
  p->strikes++;
  return p->strikes >= limit;
}
