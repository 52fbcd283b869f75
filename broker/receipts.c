#include "broker/receipts.h"

#include "broker/flight.h"
#include "broker/notes.h"
#include "broker/owed.h"
#include "broker/reply.h"
#include "broker/store_bulletin.h"
#include "broker/store_document.h"
#include "proto/receipt.h"

#include <stdlib.h>
#include <string.h>

enum {
  PER_BULLETIN = 16,  /* receipts allowed per bulletin that a node might receive */
};

/* One receipt of the frame at hand. */
struct stated {
  struct receipt receipt;
  struct store_bulletin about;
};

static enum tg_err not_taken(struct tg_why *why, const char *what, bool *ret_forged)
{
  *ret_forged = true;
  why_set(why, TG_BAD_INPUT, "Receipts", what, NULL, NULL, NULL, NULL);
  return TG_OK;
}

/* A receipt of this node about a bulletin that it was given. */
static enum tg_err read_one(struct hub *hub, const struct session *s, struct slice bytes, struct stated *ret,
                            bool *ret_good)
{
  enum tg_err err = receipt_parse(bytes, hub->item, &ret->receipt, NULL);
  if (err == TG_NO_MEMORY)
    return err;
  *ret_good = !err && sign_pk_eq(&ret->receipt.node, &s->party->identity);
  if (!*ret_good)
    return TG_OK;
  err = store_bulletin_by_id(hub->store, &ret->receipt.bulletin, &ret->about);
  if (err == TG_NOT_FOUND || (!err && !ret->about.accepted)) {
    *ret_good = false;
    return TG_OK;
  }
  return err ? err : owed_was_given(hub, ret->about.leaf, s->party, ret_good);
}

/* ---- into the store */

/* As it was signed, for those who ask years later (DOSSIER_RECEIPTS). */
static enum tg_err keep_said(struct hub *hub, uint64_t leaf, const struct stated *list, size_t n, struct slice signature, struct buf *said)
{
  buf_put_slice(said, signature);
  for (size_t i = 0; i < n; i++) {
    buf_put_u16(said, (uint16_t)list[i].receipt.bytes.n);
    buf_put_slice(said, list[i].receipt.bytes);
  }
  return buf_status(said) ? TG_NO_MEMORY : store_said_put(hub->store, leaf, buf_slice(said));
}

/* Takes the tree. */
static enum tg_err put_all(struct hub *hub, const struct session *s, const struct stated *list,
                           struct merkle_tree **tree, struct slice signature)
{
  const size_t n = merkle_tree_size(*tree);
  struct entry e = {
      .type = ENTRY_RECEIPTS, .subject = *merkle_tree_root(*tree), .actor = s->party->identity, .number = n};
  struct buf said = buf_new(signature.n + n * (2 + LIMIT_RECEIPT));
  nodeno *originator = arena_alloc(hub->item, n * sizeof *originator);
  uint64_t leaf;
  memcpy(e.member, s->code, 2);
  enum tg_err err = originator ? hub_log(hub, &e, &leaf) : TG_NO_MEMORY;
  for (size_t i = 0; !err && i < n; i++)
    originator[i] = list[i].about.originator;
  if (!err)
    err = keep_said(hub, leaf, list, n, signature, &said);
  if (!err)
    err = notes_put(hub, leaf, originator, n, &said, tree);
  hub->counts.receipts += n;
  buf_free(&said);
  return err;
}

/* ---- deliveries done with, and credit */

/* One delivery that is done with. */
struct ended {
  unsigned rank;
  uint64_t leaf;
};

static int in_order(const void *a, const void *b)
{
  const struct ended *x = a, *y = b;
  return x->rank != y->rank ? (x->rank > y->rank) - (x->rank < y->rank) : (x->leaf > y->leaf) - (x->leaf < y->leaf);
}

/* Whose queue place this is. False: nobody's. */
static enum tg_err ended_of(struct hub *hub, struct session *s, uint64_t queue, struct ended *ret, bool *ret_is)
{
  struct store_bulletin b;
  *ret_is = queue != 0;
  if (queue == 0)
    return TG_OK;
  ret->leaf = queue - 1;
  if (flight_done(s, ret->leaf, &ret->rank))
    return TG_OK;
  enum tg_err err = store_bulletin(hub->store, ret->leaf, &b); /* sent in an earlier session */
  *ret_is = !err;
  if (!err)
    ret->rank = b.rank;
  return err == TG_NOT_FOUND ? TG_OK : err;
}

/* They leave the queue, those of one rank together. Named twice in a frame: once. */
static enum tg_err done_with(struct hub *hub, struct session *s, const uint64_t *queues, size_t n)
{
  struct ended *list = arena_alloc(hub->item, n * sizeof *list + 1);
  uint64_t *leaf = arena_alloc(hub->item, n * sizeof *leaf + 1);
  size_t count = 0;
  enum tg_err err = list && leaf ? TG_OK : TG_NO_MEMORY;
  for (size_t i = 0; !err && i < n; i++) {
    bool is;
    err = ended_of(hub, s, queues[i], &list[count], &is);
    count += !err && is;
  }
  if (!err && count)
    qsort(list, count, sizeof *list, in_order);
  for (size_t i = 0, k; !err && i < count;) {
    const unsigned rank = list[i].rank;
    for (k = 0; i < count && list[i].rank == rank; i++)
      if (!k || leaf[k - 1] != list[i].leaf)
        leaf[k++] = list[i].leaf;
    err = store_rows_remove(hub->store, s->party->no, rank, leaf, k);
  }
  return err;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static enum tg_err settle(struct hub *hub, struct session *s, const Tg__Receipts *m)
{
  enum tg_err err = done_with(hub, s, m->queues, m->n_queues);
  if (err)
    return err;
  flight_sweep(s, hub->now.mono);
  s->credit_count = sum(s->credit_count, m->credit_count);
  s->credit_bytes = sum(s->credit_bytes, m->credit_bytes);
  s->work |= WORK_ROWS;
  return TG_OK;
}

static enum tg_err confirm(struct hub *hub, struct session *s, uint64_t serial)
{
  Tg__ReceiptsSeen m = TG__RECEIPTS_SEEN__INIT;
  m.sequence = serial;
  return serial ? session_send(hub, s, FRAME_RECEIPTS_SEEN, &m.base) : TG_OK;
}

/* ---- the frame */

/* All receipts of the frame, each by this node and about something it was given, signed as one batch. The tree is there when they are not
   forged; merkle_tree_free(). */
static enum tg_err read_all(struct hub *hub, const struct session *s, const Tg__Receipts *m,
                            struct stated *list, struct merkle_tree **ret_tree, bool *ret_forged, struct tg_why *why)
{
  struct hash *ids = arena_alloc(hub->item, m->n_items * sizeof *ids);
  if (!ids)
    return TG_NO_MEMORY;
  for (size_t i = 0; i < m->n_items; i++)
    ids[i] = statement_id(STATEMENT_RECEIPT, strict_slice(m->items[i]));
  enum tg_err bad = batch_verify_tree(hub->verifier, &hub->config.exchange, &s->party->identity, ids, m->n_items,
                                      strict_slice(m->signature), ret_tree, why);
  if (bad == TG_NO_MEMORY)
    return bad;
  *ret_forged = bad != TG_OK;
  if (bad)
    return TG_OK;
  for (size_t i = 0; i < m->n_items; i++) {
    bool good;
    enum tg_err err = read_one(hub, s, strict_slice(m->items[i]), &list[i], &good);
    if (err)
      return err;
    if (!good)
      return not_taken(why, N_("a receipt is not of this node, or about a bulletin that it was not given"),
                       ret_forged);
  }
  return TG_OK;
}

enum tg_err receipts_take(struct hub *hub, struct session *s, const Tg__Receipts *m, bool *ret_forged,
                          struct tg_why *why)
{
  struct store_node_state state;
  struct hash root = {{0}};
  const uint64_t hourly = hub_limits(hub)->bulletins_per_hour * PER_BULLETIN;
  *ret_forged = false;
  arena_reset(hub->item);
  enum tg_err err = store_node_state(hub->store, s->party->no, &state);
  if (err)
    return err;
  bool new = m->n_items && m->serial > state.receipts_serial;
  if (m->n_items && !m->serial)
    return not_taken(why, N_("receipts came without a serial number"), ret_forged);
  if (new && !allowance_take(&s->party->receipts, hourly, m->n_items, hub->now.mono))
    return session_close(hub, s, REASON_QUOTA,
                         END_SAY | END_CUT); /* all that is not confirmed comes again, in order */
  if (new) {
    struct merkle_tree *tree = NULL;
    struct stated *list = arena_alloc(hub->item, m->n_items * sizeof *list);
    err = list ? read_all(hub, s, m, list, &tree, ret_forged, why) : TG_NO_MEMORY;
    if (!err && !*ret_forged) {
      root = *merkle_tree_root(tree);
      err = put_all(hub, s, list, &tree, strict_slice(m->signature));
    }
    merkle_tree_free(tree);
    if (err || *ret_forged)
      return err;
  }
  if (!err && m->serial > state.receipts_serial)
    err = store_node_receipts(hub->store, s->party->no, m->serial, &root);
  if (!err)
    err = settle(hub, s, m);
  return err ? err : confirm(hub, s, m->serial);
}
