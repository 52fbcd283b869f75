#include "broker/rules.h"

#include "audit/entry.h"
#include "proto/limits.h"

/* A document with its signatures, and room beside it. */
enum { DOCUMENT_ARENA = 2 * LIMIT_DOCUMENT };

/* *why: what is said of it. */
static enum tg_err refused(const struct directory *d, const struct store_document *doc, struct tg_why *why)
{
  uint64_t version;
  const enum tg_err err = doc->kind == DOCUMENT_CHARTER ? directory_explain_charter(d, doc->content, &version, why) : TG_OK;
  return err == TG_CONFLICT || err == TG_NO_MEMORY ? err : TG_DISK;
}

enum tg_err rules_replay(struct store *store, const struct hash *exchange, struct directory **ret, struct tg_why *why)
{
  struct tg_why said = {0};
  struct arena *arena = arena_new(DOCUMENT_ARENA);
  struct directory *d = directory_new(exchange);
  enum tg_err err = arena && d ? TG_OK : TG_NO_MEMORY;
  for (uint64_t after = 0; !err;) {
    struct store_document doc;
    arena_reset(arena);
    err = store_document_next(store, after, arena, &doc);
    if (err)
      break;
    after = doc.sequence;
    err = directory_add(d, (enum document_kind)doc.kind, doc.content, doc.proof, DIRECTORY_RELAYED,
                        doc.accepted, NULL, &said);
    if (err == TG_DUPLICATE || err == TG_STALE)
      err = TG_OK; /* made useless by one that came later and is kept */
    else if (err && err != TG_NO_MEMORY)
      err = refused(d, &doc, &said);
    if (err && why)
      *why = said;
  }
  arena_free(arena);
  if (err != TG_NOT_FOUND) {
    directory_free(d);
    return err;
  }
  *ret = d;
  return TG_OK;
}

enum tg_err rules_compile(const struct directory *d, tg_time at, struct policy_set **ret)
{
  enum tg_err err = policy_set_build(d, at, ret);
  if (err == TG_NOT_FOUND) {
    *ret = NULL;
    return TG_OK;
  }
  return err;
}

static void remember(struct rules *r, tg_time now)
{
  const struct charter *c = directory_charter(r->directory, now);
  r->charter = c ? c->version : 0;
  r->members = directory_members(r->directory, now);
  r->originators = directory_originators(r->directory, now);
  r->receivers = directory_receivers(r->directory, now);
  r->generation++;
}

/* The same policies against the world as it is now. */
enum tg_err rules_reread(struct rules *r, tg_time now)
{
  struct policy_world *world = NULL;
  remember(r, now);
  enum tg_err err = policy_world_build(r->directory, now, &world);
  if (err == TG_NOT_FOUND) {
    policy_set_free(r->set);
    r->set = NULL;
    return TG_OK;
  }
  if (!err && r->set)
    err = policy_set_world(r->set, world, now);
  else if (!err)
    err = rules_compile(r->directory, now, &r->set);
  policy_world_free(world);
  return err;
}

static bool world_is_as_it_was(const struct rules *r, tg_time now)
{
  const struct charter *c = directory_charter(r->directory, now);
  struct memberset members = directory_members(r->directory, now);
  struct memberset originators = directory_originators(r->directory, now);
  struct memberset receivers = directory_receivers(r->directory, now);
  return (c ? c->version : 0) == r->charter && memberset_eq(&members, &r->members) &&
         memberset_eq(&originators, &r->originators) && memberset_eq(&receivers, &r->receivers);
}

enum tg_err rules_advance(struct rules *r, tg_time now)
{
  if (!world_is_as_it_was(r, now)) {
    enum tg_err err = rules_reread(r, now);
    if (err)
      return err;
  }
  if (!r->set || policy_set_until(r->set) > now)
    return TG_OK;
  r->generation++;
  return policy_set_advance(r->set, now);
}

void rules_done(struct rules *r)
{
  policy_set_free(r->set);
  directory_free(r->directory);
  *r = (struct rules){0};
}

/* Asked for twice a bulletin, and a turn has one time. */
struct hash rules_hash(struct rules *r, tg_time now)
{
  if (!r->set)
    return entry_policy_set(NULL, 0);
  if (r->named.set != r->set || r->named.generation != r->generation || r->named.at != now) {
    r->named.set = r->set;
    r->named.generation = r->generation;
    r->named.at = now;
    r->named.hash = policy_set_hash(r->set, now);
  }
  return r->named.hash;
}
