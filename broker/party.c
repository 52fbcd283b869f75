#include "broker/party.h"

#include <stdlib.h>

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
  *all = (struct parties){0};
}

struct party *party_find(const struct parties *all, const struct sign_pk *identity)
{
  return table_find(&all->table, identity->b);
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
