#include "client/node/rotation.h"

#include "client/node/errands.h"

#include <stdlib.h>

enum { CHECK_EVERY = 60 * 1000 }; /* ms */

/* Invariant: `announcement` is empty, or SealingKeys bytes whose ring is stored in the open transaction. */
struct rotation {
  struct keyring *ring;
  int64_t due;
  struct buf announcement;
  uint64_t index; /* of the announcement in the turn's batch */
};

struct rotation *rotation_new(void)
{
  struct rotation *r = calloc(1, sizeof *r);
  if (r)
    r->announcement = buf_new(LIMIT_SEALING_KEYS);
  return r;
}

void rotation_free(struct rotation *r)
{
  if (!r)
    return;
  keyring_free(r->ring);
  buf_free(&r->announcement);
  free(r);
}

enum tg_err rotation_load(struct node_core *core, struct tg_why *why)
{
  struct rotation *r = core->rotation;
  struct slice stored;
  enum tg_err err = depot_fact(core->depot, "ring", core->arena, &stored);
  if (err == TG_NOT_FOUND) {
    r->ring = keyring_new();
    return r->ring ? TG_OK : TG_NO_MEMORY;
  }
  if (err == TG_OK)
    err = keyring_open(stored, secret_key_storage(core->secrets->node), &r->ring);
  if (err != TG_OK)
    return why_set(why, err, NULL, N_("the sealing keys in the store cannot be opened"),
                   N_("restore the folder from a copy: what was sealed to these keys and not yet received is lost with them"),
                   NULL, NULL, NULL);
  return TG_OK;
}

static enum tg_err store_ring(struct node_core *core)
{
  struct buf sealed = buf_new(1 << 20);
  enum tg_err err = keyring_seal(core->rotation->ring, secret_key_storage(core->secrets->node), &sealed);
  if (err == TG_OK)
    err = depot_fact_put(core->depot, "ring", buf_slice(&sealed));
  buf_free(&sealed);
  return err;
}

/* The newest announcement becomes part of this turn's batch. One in the same turn is replaced: it was never signed. Without a key for the time to come there is nothing
   to announce yet. */
static enum tg_err announce(struct node_core *core)
{
  struct rotation *r = core->rotation;
  enum tg_err err = core_begin(core);
  buf_clear(&r->announcement);
  const struct sealing_keys *known = directory_sealing_keys(core->directory, &core->me);
  if (err == TG_OK)
    err = keyring_announce(r->ring, &core->config->exchange, &core->me, known ? known->serial : 0, steady_now(core), &r->announcement);
  if (err == TG_NOT_FOUND)
    return TG_OK;
  return err == TG_OK ? store_ring(core) : err;
}

/* Makes what keys are lacking for the time to come, and announces them; what is announced already only `again`. */
static enum tg_err renew(struct node_core *core, const struct charter_limits *limits, bool again)
{
  struct rotation *r = core->rotation;
  size_t made = 0;
  enum tg_err err = keyring_fill(r->ring, steady_now(core), limits->sealing_period, limits->sealing_ahead, &made);
  if (err == TG_TOO_BIG)
    err = core_tell(core, NODE_ERROR, "sealing-keys-full", NULL, NULL, keyring_count(r->ring), NULL);
  if (err == TG_OK && (made > 0 || again))
    err = announce(core);
  return err == TG_OK && made > 0 ? core_tell(core, NODE_NOTICE, "sealing-keys-made", NULL, NULL, made, NULL) : err;
}

enum tg_err rotation_time(struct node_core *core)
{
  struct rotation *r = core->rotation;
  const struct charter *charter = core_charter(core);
  if (!charter || core->now.mono < r->due)
    return TG_OK;
  r->due = core->now.mono + CHECK_EVERY;
  const struct charter_limits *limits = &charter->limits;
  if (keyring_erase(r->ring, core_careful_now(core), limits->sealing_window + limits->lifetime) > 0) {
    wrap_opener_forget(core->opener);
    core->settle = true;
    enum tg_err err = core_begin(core);
    if (err == TG_OK)
      err = store_ring(core);
    if (err != TG_OK)
      return err;
  }
  return renew(core, limits, false);
}

/* A new node has none until the charter says how long each lasts; then at once, for nobody can write to it before. */
int64_t rotation_due(const struct node_core *core) { return core_charter(core) ? core->rotation->due : INT64_MAX; }

void rotation_look(struct node_core *core) { core->rotation->due = core->now.mono; }

/* An old copy may have no key left that lasts, and its clock be believed only since the Welcome. */
enum tg_err rotation_overtaken(struct node_core *core)
{
  const struct charter *charter = core_charter(core);
  return charter ? renew(core, &charter->limits, true) : announce(core);
}

enum tg_err rotation_batch(struct node_core *core, struct batch *batch)
{
  struct rotation *r = core->rotation;
  if (r->announcement.n == 0)
    return TG_OK;
  struct hash id = statement_id(STATEMENT_SEALING_KEYS, buf_slice(&r->announcement));
  return batch_add(batch, &id, &r->index);
}

enum tg_err rotation_signed(struct node_core *core, const struct batch *batch)
{
  struct rotation *r = core->rotation;
  if (r->announcement.n == 0)
    return TG_OK;
  struct hash id = statement_id(STATEMENT_SEALING_KEYS, buf_slice(&r->announcement));
  Tg__BatchProof *proof = batch_proof(batch, r->index, core->arena);
  struct buf bytes = buf_new(8192);
  enum tg_err err = proof ? strict_pack(&limits_batch_proof, &proof->base, &bytes, NULL) : TG_NO_MEMORY;
  if (err == TG_OK)
    err = errands_put(core, DOCUMENT_SEALING_KEYS, &id, buf_slice(&r->announcement), buf_slice(&bytes));
  buf_free(&bytes);
  buf_clear(&r->announcement);
  return err;
}

enum tg_err rotation_find(const struct node_core *core, const struct key_id *id, const uint8_t **ret_secret,
                          struct seal_pk *ret_key)
{
  return keyring_find(core->rotation->ring, id, ret_secret, ret_key);
}

size_t rotation_count(const struct node_core *core) { return keyring_count(core->rotation->ring); }
