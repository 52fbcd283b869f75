/* A bundle that is all there: is it good, and then it counts. */
#include "client/node/bundle_in_inside.h"

#include "audit/checkpoint.h"
#include "client/node/arrivals.h"
#include "client/node/history.h"
#include "client/node/inbox.h"
#include "client/node/outbox.h"
#include "client/node/papers.h"
#include "client/node/watch.h"
#include "keys/document.h"
#include "proto/receipt.h"

#include <stdlib.h>

/* ---- when all is there: is it good? ---- */

/* Does a document of the bundle make its writer known? */
static enum tg_err names_its_writer(const struct bundle_in *b, bool *ret)
{
  struct credential credential;
  struct note note;
  *ret = false;
  for (size_t i = 0; !*ret && i < b->n_documents; i++) {
    if (b->documents[i]->kind != DOCUMENT_CREDENTIAL || note_parse(data_slice(b->documents[i]->content), NULL, &note, NULL) != TG_OK)
      continue;
    const enum tg_err err = credential_parse(note.text, "", &credential, NULL);
    if (core_is_fatal(err))
      return err;
    *ret = err == TG_OK && sign_pk_eq(&credential.identity, &b->from);
  }
  return TG_OK;
}

/* They are good or not by themselves, whoever brings them, as from a hub. */
static enum tg_err take_documents(struct node_core *core, struct bundle_in *b, enum tg_err *ret, struct tg_why *why)
{
  bool named = directory_node(core->directory, &b->from) != NULL;
  enum tg_err err = named ? TG_OK : names_its_writer(b, &named);
  if (err != TG_OK)
    return err;
  if (!named)
    return bundle_in_no(why, ret, TG_NOT_FOUND, N_("no document of this exchange vouches for the node that wrote the bundle"),
                        N_("Let this node connect to a hub once, or have the bundle written with documents"));
  for (size_t i = 0; i < b->n_documents; i++) {
    const Tg__Document *m = b->documents[i];
    struct buf proof = buf_new(8192);
    enum tg_err verdict = TG_OK;
    err = m->proof ? strict_pack(&limits_batch_proof, &m->proof->base, &proof, NULL) : TG_OK;
    if (err == TG_OK)
      err = papers_take(core, (enum document_kind)m->kind, data_slice(m->content), buf_slice(&proof), DIRECTORY_RELAYED, &verdict, why);
    buf_free(&proof);
    if (err != TG_OK)
      return err;
    /* A newer one is here, or it belongs to what is past: nothing is wrong with it. */
    if (verdict == TG_OK || verdict == TG_DUPLICATE || verdict == TG_STALE || verdict == TG_EXPIRED || verdict == TG_REVOKED)
      continue;
    *ret = verdict;
    return TG_OK;
  }
  if (directory_may_act(core->directory, &b->from, core->now.wall, why) != TG_OK)
    *ret = why->err = TG_BAD_SIGNATURE; /* its sentence says more: revoked, expired, suspended */
  return TG_OK;
}

static bool is_complete(const struct brought *p)
{
  for (size_t i = 0; i < p->n; i++)
    if (!p->complete[i])
      return false;
  return true;
}

/* Whose checkpoint is it: of a hub of ours, or of one that another charter names, as long as its writer has not heard of the later one, or our clock is behind it? A hub
   that has another key is another one, whatever its name. */
static enum tg_err open_checkpoint(struct node_core *core, struct slice note, const struct charter_hub **ret_hub, struct checkpoint *ret,
                                   enum tg_err *ret_verdict, struct tg_why *why)
{
  const struct charter_hub *hub;
  struct slice text = note, origin;
  bool named = false;
  if (!take_line(&text, &origin))
    return bundle_in_no(why, ret_verdict, TG_BAD_INPUT, N_("the bundle holds a proof without the checkpoint that it leads to"), NULL);
  for (size_t i = 0; (hub = core_hub_ever(core, i)); i++) {
    if (!slice_is(origin, hub->log.name))
      continue;
    named = true;
    *ret_verdict = checkpoint_open(note, &hub->log, ret, NULL, why);
    *ret_hub = hub;
    if (*ret_verdict == TG_OK || core_is_fatal(*ret_verdict))
      return *ret_verdict;
  }
  return named ? TG_OK : bundle_in_no(why, ret_verdict, TG_UNKNOWN, N_("the bundle holds a proof from a log that is none of the exchange's"), NULL);
}

/* Does it still count that this hub let something pass? Not if it was seen to cheat, nor if the charter in force does not name it, which may be why. */
static enum tg_err is_trusted(struct node_core *core, const struct charter_hub *hub, bool *ret)
{
  bool forked = false;
  const enum tg_err err = watch_is_forked(core, hub, &forked);
  *ret = !forked && core_names_log(core, &hub->log);
  return err;
}

/* The hub that let it pass does not count any more: it is judged as what no hub has seen yet, now and whenever it is judged again. */
static void forget_proof(Tg__Delivery *d)
{
  d->entry = d->salt = d->path = (ProtobufCBinaryData){0, NULL};
  d->leaf = 0;
}

/* Is its entry in such a log, under a checkpoint that agrees with those that we saw? */
static enum tg_err check_proof(struct node_core *core, struct bundle_in *b, struct brought *p, enum tg_err *ret,
                               struct tg_why *why)
{
  struct opening opening = {data_slice(p->delivery.entry), data_slice(p->delivery.salt), p->delivery.leaf,
                            data_slice(p->delivery.path)};
  struct checkpoint checkpoint;
  struct history_row ours;
  const struct charter_hub *hub = NULL;
  enum tg_err err = open_checkpoint(core, p->checkpoint, &hub, &checkpoint, ret, why);
  if (err != TG_OK)
    return err;
  if (*ret == TG_OK)
    *ret = opening_verify(&opening, &checkpoint, NULL, why);
  if (*ret != TG_OK)
    return core_is_fatal(*ret) ? *ret : TG_OK;
  bool trusted = false;
  err = history_at(core, hub->log.name, checkpoint.size, b->work, &ours);
  if (err == TG_NOT_FOUND || (err == TG_OK && hash_eq(&ours.root, &checkpoint.root))) {
    err = is_trusted(core, hub, &trusted);
    if (err == TG_OK && !trusted)
      forget_proof(&p->delivery);
    return err;
  }
  if (err != TG_OK)
    return err;
  err = orders_evidence(core->orders, "other-history.checkpoint", p->checkpoint);
  if (err == TG_OK)
    err = core_tell(core, NODE_ALARM, "other-history-seen", &checkpoint.root, hub->name, checkpoint.size, NULL);
  return err == TG_OK ? bundle_in_no(why, ret, TG_CONFLICT,
                                     N_("the hub showed the writer of the bundle another log than this node, and here is the proof"),
                                     N_("Stop trusting this hub and show the evidence to the other members"))
                      : err;
}

/* The verdict about one bulletin. judged is in `work`. */
static enum tg_err judge(struct node_core *core, struct bundle_in *b, struct brought *p, struct judged **ret_judged, enum tg_err *ret,
                         struct tg_why *why)
{
  enum judge_verdict verdict;
  struct judged *judged = arena_alloc(b->work, sizeof *judged);
  if (!judged)
    return TG_NO_MEMORY;
  enum tg_err err = judge_delivery(core, &p->delivery, &p->id, NULL, b->work, judged, &verdict, why);
  if (err != TG_OK)
    return err;
  *ret_judged = judged;
  switch (verdict) {
  case JUDGE_TAKE:
    return TG_OK;
  case JUDGE_FORGED:
    *ret = why->err ? why->err : TG_BAD_INPUT;
    return TG_OK;
  case JUDGE_REFUSED:
  case JUDGE_UNREADABLE:
    p->outcome = BUNDLE_DECLINED;
    p->event = verdict == JUDGE_REFUSED ? RECEIPT_IMPORT_REFUSED : RECEIPT_UNREADABLE;
    p->why = *why;
    return TG_OK;
  }
  return TG_INTERNAL;
}

/* It came before, and was answered or will be. What was answered with no is not here. */
static enum tg_err judge_known(struct node_core *core, struct brought *p)
{
  unsigned event = 0;
  if (p->outcome) /* while the rest was read: bundle_in_declined() */
    return TG_OK;
  enum tg_err err = inbox_met(core, &p->id, &event);
  if (err != TG_OK && err != TG_NOT_FOUND)
    return err;
  p->outcome = BUNDLE_WAS_HERE;
  if (event != RECEIPT_IMPORT_REFUSED && event != RECEIPT_UNREADABLE)
    return TG_OK;
  p->outcome = BUNDLE_DECLINED;
  p->event = event;
  why_set(&p->why, TG_REFUSED, NULL, N_("it came before and was not taken in; its originator is told, and can publish it again"), NULL, NULL, NULL, NULL);
  return TG_OK;
}

static enum tg_err check_one(struct node_core *core, struct bundle_in *b, struct brought *p, enum tg_err *ret, struct tg_why *why)
{
  struct judged *judged;
  arena_reset(b->work);
  if (p->known)
    return judge_known(core, p);
  if (!is_complete(p))
    return bundle_in_no(why, ret, TG_BAD_PROOF, N_("content of a bulletin in the bundle is missing, or is not what its originator sealed"),
                        N_("Have it written again, on another stick"));
  if (p->expires <= core->now.wall) {
    p->outcome = BUNDLE_DECLINED;
    why_set(&p->why, TG_EXPIRED, NULL, N_("the bulletin has expired by this machine's clock"), NULL, NULL, NULL, NULL);
    return TG_OK;
  }
  enum tg_err err = p->delivery.entry.len ? check_proof(core, b, p, ret, why) : TG_OK;
  return err == TG_OK && *ret == TG_OK ? judge(core, b, p, &judged, ret, why) : err;
}

static enum tg_err check_receipts(struct node_core *core, struct bundle_in *b, enum tg_err *ret, struct tg_why *why)
{
  enum tg_err err = TG_OK;
  for (size_t i = 0; err == TG_OK && *ret == TG_OK && i < b->n_receipts; i++)
    err = outbox_carried_receipts(core, &b->from, b->receipts[i], NULL, NULL, ret, why);
  return err;
}

/* ---- and then it counts ---- */

static enum tg_err accept(struct node_core *core, struct bundle_in *b, struct brought *p)
{
  struct judged *judged = NULL;
  enum tg_err verdict = TG_OK;
  struct tg_why why = {0};
  if (p->outcome)
    return TG_OK;
  arena_reset(b->work);
  enum tg_err err = judge(core, b, p, &judged, &verdict, &why);
  if (err == TG_OK && (verdict != TG_OK || p->outcome))
    err = TG_INTERNAL; /* a moment ago it was good */
  if (err == TG_OK)
    err = arrivals_carry(core, &p->delivery, judged, p->body);
  p->owned = true;
  arena_reset(b->work); /* wipes the keys */
  return err;
}

static enum tg_err receipt_seen(void *context, const struct receipt *receipt)
{
  struct bundle_in *b = context;
  if (b->n_results == b->cap_results) {
    size_t cap = b->cap_results ? 2 * b->cap_results : 64;
    struct bundle_result *more = reallocarray(b->results, cap, sizeof *more);
    if (!more)
      return TG_NO_MEMORY;
    b->results = more;
    b->cap_results = cap;
  }
  b->results[b->n_results++] = (struct bundle_result){.id = receipt->bulletin, .outcome = BUNDLE_RECEIPT, .node = receipt->node,
                                                      .event = receipt->event};
  return TG_OK;
}

enum tg_err bundle_in_finish(struct node_core *core, struct bundle_in *b, enum tg_err *ret, struct tg_why *why)
{
  enum tg_err err = take_documents(core, b, ret, why);
  if (err == TG_OK && *ret == TG_OK && !arrivals_may_carry(core, b->n_brought))
    return bundle_in_no(why, ret, TG_BUSY, N_("too many bulletins are arriving just now"), N_("Import the bundle again when they have come"));
  for (size_t i = 0; err == TG_OK && *ret == TG_OK && i < b->n_brought; i++)
    err = check_one(core, b, b->brought[i], ret, why);
  if (err == TG_OK && *ret == TG_OK)
    err = check_receipts(core, b, ret, why);
  if (err != TG_OK || *ret != TG_OK)
    return err;
  for (size_t i = 0; err == TG_OK && i < b->n_brought; i++)
    err = accept(core, b, b->brought[i]);
  for (size_t i = 0; err == TG_OK && i < b->n_receipts; i++)
    err = outbox_carried_receipts(core, &b->from, b->receipts[i], receipt_seen, b, ret, why);
  b->checked = err == TG_OK;
  return err;
}
