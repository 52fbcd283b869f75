/* Charter and policies as they were when an entry was written. */
#include "client/review/replay.h"

void ground_done(struct ground *g)
{
  policy_set_free(g->set);
  directory_free(g->directory);
  *g = (struct ground){.generation = g->generation};
}

/* Does the set answer for this time as one that is built for it would? */
static bool holds(const struct ground *g, tg_time at)
{
  return g->set && at >= g->at && at < policy_set_until(g->set) && policy_world_holds(policy_set_world_of(g->set), g->directory, at);
}

/* ---- a node knows when it accepted a document, not when the hub did; but the entry says which were in force */

static bool is_named(const struct directory *d, const struct policy_set *set, const struct entry *e)
{
  const struct charter *c = d && set ? directory_charter(d, e->time) : NULL;
  if (!c || c->version != e->charter_version)
    return false;
  struct hash hash = policy_set_hash(set, e->time);
  return hash_eq(&hash, &e->policy_set);
}

static enum tg_err count_papers(struct review *r, tg_time until, uint64_t *ret)
{
  struct db_stmt *s = db_stmt(r->db, "SELECT count(*) FROM paper WHERE accepted <= ?1");
  db_bind_i64(s, 1, until);
  return db_number(s, ret);
}

/* The first n documents, and their policies at the time of the entry. */
static enum tg_err lay(struct review *r, uint64_t n, const struct entry *e, struct ground *g)
{
  g->generation++;
  g->at = e->time;
  enum tg_err err = papers_first(r, n, &g->directory);
  if (!err && g->directory)
    err = policy_set_build(g->directory, e->time, &g->set);
  return err == TG_NOT_FOUND ? TG_OK : err;
}

enum { NEAR = 16 /* documents before and after the moment that are tried */ };

/* Those of that time by the node's clock; one more or less, and so on, until they are those that the entry names; or else the first. */
static enum tg_err view_reach(struct review *r, struct ground *g, uint64_t leaf)
{
  struct dossier d;
  struct entry e;
  uint64_t n = 0, all = 0;
  enum tg_err err = file_dossier(r, leaf, r->arena, &d, &e, NULL);
  if (err || (g->set && holds(g, e.time) && is_named(g->directory, g->set, &e)))
    return err;
  err = count_papers(r, e.time, &n);
  if (!err)
    err = count_papers(r, INT64_MAX, &all);
  for (int i = 0; !err && i <= 2 * NEAR; i++) {
    const int64_t at = (int64_t)n + (i % 2 ? (i + 1) / 2 : -(i / 2));
    if (at <= 0 || at > (int64_t)all)
      continue;
    ground_done(g);
    err = lay(r, (uint64_t)at, &e, g);
    if (!err && is_named(g->directory, g->set, &e))
      return TG_OK;
  }
  ground_done(g);
  return err ? err : lay(r, n, &e, g);
}

enum tg_err ground_reach(struct review *r, struct ground *g, uint64_t leaf, tg_time at)
{
  bool rules = false;
  if (place_is_view(&r->place))
    return view_reach(r, g, leaf);
  if (leaf < g->leaf)
    ground_done(g);
  enum tg_err err = papers_between(r, g->leaf, leaf, &g->directory, &rules, NULL);
  if (err) {
    ground_done(g);
    return err;
  }
  g->leaf = leaf;
  if (!g->directory || (!rules && holds(g, at)))
    return TG_OK;
  policy_set_free(g->set);
  g->set = NULL;
  g->at = at;
  g->generation++;
  err = policy_set_build(g->directory, at, &g->set);
  return err == TG_NOT_FOUND ? TG_OK : err;
}
