#include "tests/sim/sim.h"

#include "broker/store_bulletin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void oracle_signed(struct sim *s, const struct checkpoint *c)
{
  if (c->size < s->newest)
    sim_fail(s, "oracle", "the log shrinks from %llu to %llu", (unsigned long long)s->newest,
             (unsigned long long)c->size);
  if (c->size >= s->n_roots) {
    uint64_t n = 2 * c->size + 64;
    s->root = realloc(s->root, n * sizeof *s->root);
    if (!s->root)
      abort();
    memset(&s->root[s->n_roots], 0, (n - s->n_roots) * sizeof *s->root);
    s->n_roots = n;
  }
  if (!hash_is_zero(&s->root[c->size]) && !hash_eq(&s->root[c->size], &c->root))
    sim_fail(s, "oracle", "two checkpoints of size %llu", (unsigned long long)c->size);
  s->root[c->size] = c->root;
  s->newest = c->size > s->newest ? c->size : s->newest;
}

static size_t number_of(const struct sim *s, const struct publication *p)
{
  return (size_t)(p - s->publication);
}

/* An id belongs to one publication, and so does a number of its node. */
static void learn_id(struct sim *s, struct publication *p, const struct hash *id)
{
  if (!hash_is_zero(&p->id) && !hash_eq(&p->id, id))
    sim_fail(s, "oracle", "no. %zu has two ids", number_of(s, p));
  for (size_t i = 0; i < s->n_publications; i++)
    if (&s->publication[i] != p && hash_eq(&s->publication[i].id, id))
      sim_fail(s, "oracle", "no. %zu and no. %zu have one id", i, number_of(s, p));
  p->id = *id;
}

void oracle_spooled(struct sim *s, struct publication *p, struct slice id, uint64_t number)
{
  struct hash h;
  p->spooled = true;
  if (hash_read(id, &h) != TG_OK) {
    sim_fail(s, "oracle", "no. %zu has no id", number_of(s, p));
    return;
  }
  learn_id(s, p, &h);
  if (number == 0)
    return;
  if (p->number && p->number != number)
    sim_fail(s, "oracle", "no. %zu has two numbers", number_of(s, p));
  for (size_t i = 0; i < s->n_publications; i++)
    if (&s->publication[i] != p && s->publication[i].node == p->node && s->publication[i].number == number)
      sim_fail(s, "oracle", "no. %zu and no. %zu are both the %llu of their node", i, number_of(s, p),
               (unsigned long long)number);
  p->number = number;
}

void oracle_read(struct sim *s, int node, uint64_t place, const struct hash *id, struct slice text)
{
  const char *name = s->node[node].site.name;
  struct publication *p = NULL;
  for (size_t i = 0; i < s->n_publications && !p; i++)
    if (slice_is(text, s->publication[i].text))
      p = &s->publication[i];
  if (!p) {
    sim_fail(s, name, "it shows a text that nobody published: %.*s", (int)text.n, (const char *)text.p);
    return;
  }
  sim_tell(s, name, "reads no. %zu at place %llu", number_of(s, p), (unsigned long long)place);
  if (!(p->permitted >> node & 1))
    sim_fail(s, name, "it reads no. %zu, which it may not have", number_of(s, p));
  if (p->place[node] && p->place[node] != place)
    sim_fail(s, name, "no. %zu is shown at place %llu and again at %llu", number_of(s, p),
             (unsigned long long)p->place[node], (unsigned long long)place);
  p->place[node] = place;
  p->shown |= 1u << node;
  learn_id(s, p, id);
}

/* ---- the end */

/* Must everything permitted have arrived? What was never answered may have come to nothing, but not to a
 * half. */
static bool is_owed(const struct publication *p)
{
  return p->spooled || p->shown;
}

static bool has_all(const struct publication *p)
{
  return !p->sealed || p->shown == p->sealed;
}

bool oracle_settled(const struct sim *s)
{
  size_t sent[SIM_NODES] = {0};
  for (size_t i = 0; i < s->n_publications; i++) {
    const struct publication *p = &s->publication[i];
    if (is_owed(p) && !has_all(p))
      return false;
    sent[p->node] += is_owed(p);
  }
  for (int i = 0; i < SIM_NODES; i++) {
    const struct looker *l = &s->node[i].looker;
    if (!l->fresh || l->last_open > 0 || l->last_items != sent[i])
      return false;
  }
  return true;
}

void oracle_explain(struct sim *s)
{
  for (size_t i = 0; i < s->n_publications; i++) {
    const struct publication *p = &s->publication[i];
    if (is_owed(p) && !has_all(p))
      sim_tell(s, "oracle", "no. %zu of %s: sealed to %x, arrived %x, %s", i, s->node[p->node].site.name,
               p->sealed, p->shown,
               p->accepted  ? "accepted"
               : p->spooled ? "spooled"
                            : "never answered");
  }
  for (int i = 0; i < SIM_NODES; i++)
    sim_tell(s, "oracle", "%s says that it sent %zu, %zu of them not delivered to all", s->node[i].site.name,
             s->node[i].looker.last_items, s->node[i].looker.last_open);
}

/* What is in the hub's store when everybody is gone. */
void oracle_inspect(struct sim *s)
{
  const struct store_options options = {.database = "hub.db", .vfs = disk_vfs(s->hub.site.disk)};
  struct store *store = NULL;
  uint64_t size = 0;
  if (store_open(&options, &store, NULL) != TG_OK || store_log_size(store, &size) != TG_OK) {
    sim_fail(s, "oracle", "the hub's store cannot be read");
    store_close(&store);
    return;
  }
  if (size < s->newest)
    sim_fail(s, "oracle", "%llu leaves were signed, %llu are there", (unsigned long long)s->newest,
             (unsigned long long)size);
  for (size_t i = 0; i < s->n_publications; i++) {
    const struct publication *p = &s->publication[i];
    struct store_bulletin found;
    if (!is_owed(p))
      continue;
    enum tg_err err = store_bulletin_by_id(store, &p->id, &found);
    if (err != TG_OK || !found.accepted)
      sim_fail(s, "oracle", "no. %zu was %s, and is not in the hub's log", i,
               p->accepted ? "accepted" : "spooled");
  }
  for (size_t i = 0; i < s->n_publications; i++)
    if (disk_contains(s->hub.site.disk, s->publication[i].text, strlen(s->publication[i].text)))
      sim_fail(s, "oracle", "the hub's disk holds the text of no. %zu", i);
  store_close(&store);
}
