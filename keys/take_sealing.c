/* Announced sealing keys: statements of a node, batch-signed by its identity key. */
#include "keys/directory_state.h"
#include "proto/batch.h"

#include <stdlib.h>

/* Did the node sign it, by the proof that came along? */
static enum tg_err check_proof(const struct directory *d, const struct intake *in)
{
  ProtobufCMessage *proof;
  struct arena *arena = arena_new(64 * 1024);
  struct batch_verifier *verifier = batch_verifier_new(1);
  enum tg_err err =
      arena && verifier ? TG_OK : intake_error(in, TG_NO_MEMORY, N_("out of memory"), NULL, NULL, NULL);
  if (!err)
    err = strict_unpack(&limits_batch_proof, in->proof, arena, &proof, in->why);
  if (!err)
    err = batch_verify(verifier, &d->exchange, &in->sealing->node, &in->news.hash,
                       (const Tg__BatchProof *)proof, in->why);
  batch_verifier_free(verifier);
  arena_free(arena);
  return err;
}

static enum tg_err check_serial(const struct intake *in, const struct record *r)
{
  char name[HOLDER_MAX + 1];
  holder_print(&r->node.credential.holder, name);
  if (!r->sealing || in->sealing->serial > r->sealing->serial)
    return TG_OK;
  if (in->sealing->serial == r->sealing->serial)
    return intake_error(in, TG_CONFLICT, N_("%1$s has announced two sets of sealing keys under one serial"),
                        N_("keep both; the node must announce again"), name, NULL);
  return intake_error(in, TG_STALE, N_("newer sealing keys of %1$s are known"), NULL, name, NULL);
}

enum tg_err take_sealing_check(const struct directory *d, struct intake *in)
{
  in->sealing = calloc(1, sizeof *in->sealing);
  if (!in->sealing)
    return intake_error(in, TG_NO_MEMORY, N_("out of memory"), NULL, NULL, NULL);
  enum tg_err err = sealing_keys_parse(in->bytes, in->sealing, in->why);
  if (err)
    return err;
  in->news.kind = in->kind;
  in->news.text = in->bytes;
  in->news.hash = statement_id(STATEMENT_SEALING_KEYS, in->bytes);
  in->news.serial = in->sealing->serial;
  if (!hash_eq(&in->sealing->exchange, &d->exchange))
    return intake_error(in, TG_BAD_INPUT, N_("these sealing keys are for another exchange"), NULL, NULL,
                        NULL);
  const struct record *r = table_find(&d->by_identity, in->sealing->node.b);
  if (!r || r->node.credential.role != ROLE_NODE)
    return intake_error(in, TG_NOT_FOUND,
                        N_("no member vouches for the node that announces these sealing keys"),
                        N_("take in its credential first"), NULL, NULL);
  in->news.member = r->node.credential.holder.member;
  err = intake_new(d, in);
  err = err ? err : record_good(d, r, in->now, in->why);
  err = err ? err : check_proof(d, in);
  err = err ? err : check_serial(in, r);
  if (!err && r->sealing_item)
    in->news.superseded = r->sealing_item->is.hash;
  return err;
}

enum tg_err take_sealing(struct directory *d, struct intake *in)
{
  struct record *r = table_find(&d->by_identity, in->sealing->node.b);
  struct item *item = item_prepare(d, in);
  if (!item)
    return TG_NO_MEMORY;
  item_drop(d, r->sealing_item);
  free(r->sealing);
  r->sealing = in->sealing;
  r->sealing_item = item;
  in->sealing = NULL;
  item_commit(d, item);
  return TG_OK;
}
